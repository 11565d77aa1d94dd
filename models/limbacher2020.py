"""Vectors and labels associated by spikes with a bounded Hebbian rule (after Limbacher & Legenstein 2020).

Pairs of a random vector and a label are shown once, one after the other; then each vector alone has to call up its
label. The vector drives key neurons, the label value neurons; synapses from keys to values follow the authors' rule,
``dW = gamma+ (w_max - W) v k - gamma- W k^2``, with v and k the spike trains filtered with 20 ms. Beside it: the same
without decay (gamma- = 0), the authors' equation integrated on the same spikes, and exact rules on the spike counts of
the same keys: hebb; covariance, with the mean of the keys so far, and with a known mean; delta with many beta.

As published (Limbacher & Legenstein 2020 for rates; Limbacher, Ozdenizci & Legenstein 2022 and their code for spikes):
the rule, gamma+ = gamma- = 0.3 per ms, w_max = 1, traces of 20 ms, vectors of 10 uniform numbers, as many labels as
pairs, 100 key neurons with membranes of 20 ms and 3 ms refractoriness, 100 ms for each pair. Published accuracies are
of nets that are trained through the whole task, so none is a target here; chance is.

How rules can be compared: the keys overlap a lot (their effective rank is about 7 of 100), so delta with beta = 1
overwrites; its beta is chosen on other networks than those that are reported, for each number of pairs and kind of cue.
The known mean is that of other vectors, shown before; it is taken off keys and queries, which then get unit length, or
(equation) off queries alone. Cues are the stored vectors, shown once more, or corrupted ones. With stored vectors the
queries are the keys, but for noise of the membranes: there hebb answers like a nearest neighbour, and its 100 % is a
ceiling that no rule can pass.

Ours: nothing is trained. Fixed random weights from the centred vectors to the keys; four value neurons for each label
(published: 100 for all), which a constant current holds at threshold while labels are read, over 100 ms (published: the
last 30 ms, through a trained layer); 40 ms without input, plasticity and transmission between pairs; no transmission
through the synapses while they are written (published: a fifth). On circuits the rule is a row with two events: at a
value spike ``dw = (gamma+ / tau) (1 - w) x``, x the trace of the key (twice the half of the pairs in which the key
comes first), at a key spike ``dw = -gamma- (1 / 2 + x) w / tau``, the integral of ``-gamma- w k^2`` over its pairs with
itself and with the earlier spikes of the key. Noise of 1 mV in all neurons. Exact rules take spike counts of unit
length and one-hot labels.

Cites: limbacher2020, limbacher2022
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.results import Row
from synfwp.settings import sized

SPIKING = ("spikes", "spikes without decay", "equation", "equation, known mean")
EXACT = ("hebb", "covariance", "covariance, known mean")
DELTA = ("delta", "delta, known mean")
CUES = ("stored", "corrupted")
GROUPS = 5  # of pairs by age
SAMPLE = 100  # synapses of a network that are kept for the figure


class Size(NamedTuple):
    """Numbers of pairs, networks (seeds) for each; the rule, the neurons and the times."""

    pairs: tuple[int, ...]  # pairs to be stored, a set of networks for each
    networks: int  # networks for each number of pairs, each with a seed of its own
    choosing: int  # other networks, on which beta is chosen
    betas: tuple[float, ...] = (0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)  # beta of delta
    others: int = 30  # other vectors, whose keys have the known mean
    corruption: float = 0.2  # SD of the noise on the features of a corrupted cue; theirs is 0.29
    features: int = 10  # features of a vector
    keys: int = 100  # key neurons
    value_neurons: int = 4  # value neurons of a label
    gamma_plus: float = 0.3  # 1/ms: rate of potentiation
    gamma_minus: float = 0.3  # 1/ms: rate of decay
    w_max: float = 1.0  # bound of the weights
    tau: float = 20.0  # ms: traces
    show: float = 100.0  # ms: presentation of a pair or a vector; whole ms
    gap: float = 40.0  # ms: silence behind it; whole ms
    tau_m: float = 20.0  # ms: membranes
    t_ref: float = 3.0  # ms: refractory
    tau_syn: float = 5.0  # ms: synaptic currents
    threshold: float = 20.0  # mV: above rest
    noise: float = 1.0  # mV: of the membranes
    bias: float = 10.0  # mV: mean drive of the keys
    contrast: float = 25.0  # mV: what a vector adds to it
    teaching: float = 80.0  # mV: drive of the value neurons of a label
    read_bias: float = 20.0  # mV: drive of all value neurons while labels are read
    read_gain: float = 30.0  # mV: what a weight of 1 transmits while labels are read

    def check(self) -> None:
        """Spikes are counted in whole ms."""
        for name in ("show", "gap"):
            value = getattr(self, name)
            if value != round(value) or value < (name == "show"):
                raise ValueError(f"{name} is {value:g} ms; pass whole ms, at least {int(name == 'show')}.")
        if min(self.features, self.keys, self.value_neurons) < 1:
            raise ValueError(f"features, keys and value_neurons are {self[2:5]}; pass at least 1 of each.")


FULL = Size(pairs=(2, 5, 10, 15, 20, 30, 40, 55), networks=10, choosing=5)
QUICK = Size(pairs=(5, 15), networks=2, choosing=1, betas=(0.1, 1.0))


class Network(NamedTuple):
    """What a network did: spikes of keys and values (item, neuron, ms), weights, and the spikes as they came."""

    size: Size
    pairs: int
    keys: np.ndarray
    values: np.ndarray
    W: np.ndarray
    spikes: xr.Dataset

    def items(self, name: str) -> slice:
        """Items of a phase: other vectors, the pairs that are written, and cues of each kind."""
        first = {"others": 0, "write": 1, "stored": 2, "corrupted": 3}[name]
        start = self.size.others + (first - 1) * self.pairs if first else 0
        return slice(start, start + (self.pairs if first else self.size.others))


# the model ------------------------------------------------------------------------------------------------------------


def rule(size: Size, decay: float) -> fw.SynapticRule:
    """The authors' rule as a row, gamma- times ``decay``: potentiation at value spikes, decay at key spikes."""
    decay *= size.gamma_minus / size.tau
    grow = size.gamma_plus / size.tau
    numbers: dict[str, Any] = {"post_x": grow, "pre_0": -decay / 2, "pre_x": -decay, "tau_x1": size.tau}
    return fw.SynapticRule(name="bounded_hebb", w_max=size.w_max, soft=1.0, cite="limbacher2020", **numbers)


def simulate(size: Size, pairs: int, seed: int, decay: float) -> Network:
    """One network that sees other vectors, stores pairs and is then asked twice; ``decay`` multiplies gamma-."""
    rng = seeds.generator(seed, "pairs", pairs)
    vectors = rng.random((pairs, size.features))
    encoder = rng.standard_normal((size.features, size.keys)) * (12 / size.features) ** 0.5
    others = rng.random((size.others, size.features))
    corrupted = vectors + size.corruption * rng.standard_normal(vectors.shape)
    to_keys = size.bias + size.contrast * (np.concatenate([others, vectors, vectors, corrupted]) - 0.5) @ encoder  # mV
    to_values = np.kron(np.eye(pairs), np.full(size.value_neurons, size.teaching))
    items, item = len(to_keys), np.arange(len(to_keys))
    writing, reading = (item >= size.others) & (item < size.others + pairs), item >= size.others + pairs
    drive = np.full((items, to_values.shape[1]), size.read_bias) * reading[:, None]
    drive[writing] = to_values
    length = size.show + size.gap
    starts = length * item

    def steps(shown: Any) -> fw.Steps:
        """Something while each item is shown, nothing between."""
        shown = np.asarray(shown, float)
        times = np.stack([starts, starts + size.show], axis=1).ravel()
        return fw.Steps(times, np.stack([shown, np.zeros_like(shown)], axis=1).reshape(2 * items, *shown.shape[1:]))

    def neurons(name: str, n: int, drive: Any) -> fw.Population:
        """Leaky integrate-and-fire neurons that rest at 0 mV."""
        neuron = fw.LIF(
            tau_m=size.tau_m, t_ref=size.t_ref, tau_syn=size.tau_syn, v_rest=0.0, v_threshold=size.threshold,
            v_reset=0.0, noise=size.noise,
        )  # fmt: skip
        return fw.Population(n, neuron, name=name, drive=steps(drive))

    keys, values = neurons("keys", size.keys, to_keys), neurons("values", to_values.shape[1], drive)
    memory = fw.Projection(
        keys,
        values,
        0.0,
        plasticity=rule(size, decay),
        gate=steps(writing),
        transmission=steps(size.read_gain * reading),
        name="memory",
    )
    simulation = fw.Circuit([memory]).start(seed=rng)
    ds = simulation.run(items * length)
    trains = []
    for group in (keys, values):
        time, unit = fw.spikes(ds, group.name)
        counts = np.zeros((group.n, round(items * length)))
        np.add.at(counts, (unit, np.minimum((1e3 * time + 1e-6).astype(int), counts.shape[1] - 1)), 1)
        trains.append(counts.reshape(group.n, items, -1).swapaxes(0, 1))
    return Network(size, pairs, trains[0], trains[1], simulation.weights("memory").T, ds)


def equation(network: Network) -> np.ndarray:
    """The authors' equation in steps of 1 ms on the spikes of a network, (value, key)."""
    size = network.size
    keep = np.exp(-1 / size.tau)
    k, v = np.zeros(network.keys.shape[1]), np.zeros(network.values.shape[1])
    W = np.zeros((len(v), len(k)))
    written = network.items("write")
    for key, value in zip(network.keys[written], network.values[written], strict=True):
        for t in range(key.shape[1]):
            k, v = keep * k + (1 - keep) * key[:, t], keep * v + (1 - keep) * value[:, t]
            if t < size.show:
                W += size.gamma_plus * (size.w_max - W) * np.outer(v, k) - size.gamma_minus * W * k**2
    return W


# what is asked --------------------------------------------------------------------------------------------------------


def counts(network: Network, name: str) -> np.ndarray:
    """Keys or queries of exact rules: spike counts of unit length, of the items of a phase."""
    return unit(network.keys[network.items(name), :, : int(network.size.show)].sum(axis=2))


def unit(x: np.ndarray) -> np.ndarray:
    """Vectors of unit length."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def spoken(network: Network, cue: str) -> np.ndarray:
    """Spikes of each label's neurons while labels are read, (query, label)."""
    return labels(network.size, network.values[network.items(cue), :, : int(network.size.show)].sum(axis=2))


def labels(size: Size, values: np.ndarray) -> np.ndarray:
    """Sums over the value neurons of each label."""
    return values.reshape(len(values), -1, size.value_neurons).sum(axis=2)


def exact(rule: str, k: np.ndarray, q: np.ndarray, beta: float = 1.0, mean: np.ndarray | None = None) -> np.ndarray:
    """What an exact rule answers to queries after all keys are written with one-hot labels, (query, label).

    A query is a token that writes nothing. With a known ``mean``, covariance takes it off; of delta, keys and queries
    are centred and brought to unit length before.
    """
    if mean is not None and rule != "covariance":
        k, q = unit(k - mean), unit(q - mean)
    aux0 = np.append(mean, np.inf) if mean is not None and rule == "covariance" else None
    silent = np.zeros_like(k)
    strength = np.repeat([beta, 0.0], [len(k), len(q)])
    v = np.concatenate([np.eye(len(k)), np.zeros((len(q), len(k)))])
    return fw.scan(rule, np.concatenate([silent, q]), np.concatenate([k, 0 * q]), v, beta=strength, aux0=aux0).y[
        len(k) :
    ]


def won(scores: np.ndarray) -> np.ndarray:
    """For each query 1 if its label has the highest score; shared among labels that tie."""
    best = scores == scores.max(axis=1, keepdims=True)
    return np.diagonal(best) / best.sum(axis=1)


def agreement(W: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Correlation of two matrices, and the ratio of their sums."""
    return float(np.corrcoef(W.ravel(), reference.ravel())[0, 1]), float(W.sum() / reference.sum())


def effective_rank(k: np.ndarray) -> float:
    """Participation ratio of the eigenvalues of the keys' second moments."""
    power = np.linalg.svd(k, compute_uv=False) ** 2
    return float(power.sum() ** 2 / (power**2).sum())


def cell(size: Size, pairs: int, seed: int) -> xr.Dataset:
    """One network, with decay and without, and exact rules on its keys: right answers to cues of each kind."""
    network, bare = (simulate(size, pairs, seed, decay) for decay in (1.0, 0.0))
    reference, k = equation(network), counts(network, "write")
    mean = counts(network, "others").mean(axis=0)
    right, by_age, delta = [], [], []
    for cue in CUES:
        q = counts(network, cue)
        scores = {
            "spikes": spoken(network, cue),
            "spikes without decay": spoken(bare, cue),
            "equation": labels(size, q @ reference.T),
            "equation, known mean": labels(size, (q - mean) @ reference.T),
            "hebb": exact("hebb", k, q),
            "covariance": exact("covariance", k, q),
            "covariance, known mean": exact("covariance", k, q, mean=mean),
        }
        items = [won(scores[name])[::-1] for name in SPIKING + EXACT]
        right.append([one.mean() for one in items])
        by_age.append([[x.mean() if len(x) else np.nan for x in np.array_split(one, GROUPS)] for one in items])
        known = (None, mean)
        delta.append([[won(exact("delta", k, q, beta, m)).mean() for beta in size.betas] for m in known])
    stride = max(1, network.W.size // SAMPLE)
    fit, share = agreement(network.W, reference), {"units": "1"}
    variables: dict[str, Any] = {
        "right": (("cue", "rule"), right, share | {"long_name": "right labels"}),
        "by_age": (("cue", "rule", "age"), by_age, share | {"long_name": "right labels"}),
        "delta": (("cue", "delta_rule", "beta_of_delta"), delta, share | {"long_name": "right labels"}),
        "correlation": ((), fit[0], share | {"long_name": "correlation with the equation"}),
        "ratio": ((), fit[1], share | {"long_name": "sum of weights over that of the equation"}),
        "rank": ((), effective_rank(k), share | {"long_name": "effective rank of the keys"}),
        "W_spikes": ("synapse", network.W.ravel()[::stride][:SAMPLE], share | {"long_name": "weight by spikes"}),
        "W_equation": ("synapse", reference.ravel()[::stride][:SAMPLE], share | {"long_name": "weight, equation"}),
    }
    coords = {
        "cue": list(CUES),
        "rule": [*SPIKING, *EXACT],
        "delta_rule": ("delta_rule", list(DELTA)),
        "beta_of_delta": ("beta_of_delta", list(size.betas), share | {"long_name": "beta"}),
        "age": ("age", (np.arange(GROUPS) + 0.5) / GROUPS, share | {"long_name": "written after it (of all)"}),
    }
    return results.dataset(variables, {name: x if isinstance(x, tuple) else (name, x) for name, x in coords.items()})


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Store and recall pairs, through spikes and through exact rules; ``quick`` takes fewer."""
    size.check()
    every = range(seed, seed + size.networks + size.choosing)
    ds = results.cells(cell, {"pairs": list(size.pairs), "seed": every}, size=size)
    ds["pairs"].attrs = {"units": "number", "long_name": "pairs"}
    shown, others = ds.isel(seed=slice(None, size.networks)), ds.isel(seed=slice(size.networks, None))
    best = others.delta.mean("seed").argmax("beta_of_delta")
    chosen = shown.delta.isel(beta_of_delta=best).rename(delta_rule="rule").drop_vars("beta_of_delta")
    share = {"units": "1", "long_name": "right labels"}
    recall = xr.concat([shown.right, chosen], "rule").transpose("rule", "seed", "pairs", "cue").assign_attrs(share)
    beta = ds.beta_of_delta[best].drop_vars("beta_of_delta").assign_attrs(units="1", long_name="beta of delta")
    chance = ("pairs", 1 / ds.pairs.values, {"units": "1", "long_name": "chance"})
    ds = shown.drop_vars("right").drop_dims("rule").assign(recall=recall, best_beta=beta, chance=chance)
    ds = ds.assign(by_age=shown.by_age.reindex(rule=recall["rule"])).merge(example(size, seed))
    ds.attrs = results.provenance({"size": size._asdict(), "quick": quick}, seed)
    return results.compared(ds, rows)


def example(size: Size, seed: int) -> xr.Dataset:
    """Spikes of some keys and of all values while five pairs are written, and read with the stored cues."""
    network = simulate(size, 5, seed, 1.0)
    item, shown = size.show + size.gap, min(40, size.keys)
    start, stop = (results.seconds([item * (size.others + n)])[0] for n in (0, 10))
    groups = {}
    for name, n in (("keys", shown), ("values", network.values.shape[1])):
        time, unit = fw.spikes(network.spikes, name)
        some = (time >= start) & (time < stop) & (unit < n)
        groups[name] = (time[some] - start, unit[some], n)
    half, second = (stop - start) / 2, {"units": "s"}
    found = {
        **results.spike_variables(groups),
        "phase_start": ("phase", [0.0, half], second | {"long_name": "start of a phase"}),
        "phase_stop": ("phase", [half, 2 * half], second | {"long_name": "end of a phase"}),
        "phase_name": ("phase", ["write", "read"]),
    }
    return results.dataset(found)


# table and figure -----------------------------------------------------------------------------------------------------


def pairs_at(recall: xr.DataArray, level: float = 0.9) -> np.ndarray:
    """For each network (seed, pairs) the number of pairs at which it falls below a level, or the largest."""
    pairs, found = recall["pairs"].values.astype(float), []
    for curve in recall.transpose("seed", "pairs").values:
        low = np.flatnonzero(curve < level)
        if not len(low):
            found.append(pairs[-1])
        elif low[0] == 0:
            found.append(pairs[0])
        else:
            a, b = low[0] - 1, low[0]
            found.append(np.interp(curve[a] - level, [0, curve[a] - curve[b]], pairs[[a, b]]))
    return np.array(found)


def rows(ds: xr.Dataset) -> list[Row]:
    """Right answers against chance and against hebb, the pairs at 90 %, delta by beta, and the rule by spikes."""
    last = int(ds.pairs[-1])
    at, found = ds.sel(pairs=last), list[Row]()
    for cue in CUES:
        for name in ds["rule"].values:
            one = f"{name}, {cue} cues"
            recall = at.recall.sel(rule=name, cue=cue)
            found.append(Row(f"{one}: right labels, {last} pairs", recall, 1 / last, "chance", claim="above"))
            text = f"{one}: pairs at 90 % right labels, of at most {last}"
            found.append(Row(text, pairs_at(ds.recall.sel(rule=name, cue=cue))))
            if name != "hebb":
                claim, why = ("below", "") if name in SPIKING else ("equal", "beta as small as it can be is hebb")
                hebb = at.recall.sel(rule="hebb", cue=cue)
                text = f"{one}: right labels, {last} pairs, against hebb, the nearest neighbour"
                why = why if name in DELTA else ""
                found.append(Row(text, recall, hebb, "ceiling", claim=claim, why=why))
    for rule_name in DELTA:
        for beta in ds.beta_of_delta.values:
            recall = at.delta.sel(delta_rule=rule_name, beta_of_delta=beta, cue="stored")
            found.append(Row(f"{rule_name}, beta {beta:g}, stored cues: right labels, {last} pairs", recall))
    why = "the equation takes steps of 1 ms"
    source = "limbacher2020, the rule on the same spikes"
    for name, text in (("correlation", "correlation"), ("ratio", "ratio of sums")):
        what = f"weights by spikes and by the equation, {last} pairs: {text}"
        found.append(Row(what, at[name], 1.0, "recomputed", source, why=why))
    return [*found, Row(f"effective rank of the keys, {last} pairs", at["rank"])]


def figure(ds: xr.Dataset) -> Any:
    """Six panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 115, "abc;def")
    last, shown = int(ds.pairs[-1]), ("hebb", "delta", "spikes", "spikes without decay")
    dashed: dict[str, Any] = {"color": "0.45", "linewidth": 0.7, "linestyle": (0, (3, 2))}
    plot.raster(ds[["spike_time", "spike_unit", "spike_population", "population_size", *_PHASES]], axes["a"])
    with plot.style():
        for panel, cue in (("b", "stored"), ("c", "corrupted")):
            for name in shown:
                colour, marker = _look(name)
                curve = 100 * ds.recall.sel(rule=name, cue=cue)
                axes[panel].errorbar(
                    ds.pairs, curve.mean("seed"), curve.std("seed"), color=colour, marker=marker, label=name
                )
            axes[panel].plot(ds.pairs, 100 * ds.chance, **dashed, label="chance")
            axes[panel].set(xlabel="pairs (number)", ylabel=f"right labels, {cue} cues (%)", ylim=(0, 105))
        for cue, line in (("stored", "-"), ("corrupted", ":")):
            for rule_name, colour in (("delta", "vermillion"), ("delta, known mean", "blue")):
                curve = 100 * ds.delta.sel(pairs=last, cue=cue, delta_rule=rule_name)
                axes["d"].errorbar(
                    ds.beta_of_delta, curve.mean("seed"), curve.std("seed"), color=plot.COLOURS[colour],
                    linestyle=line, marker="s", label=rule_name if line == "-" else None,
                )  # fmt: skip
            axes["d"].axhline(100 * float(ds.recall.sel(pairs=last, cue=cue, rule="hebb").mean()), **dashed)
        axes["d"].set(xlabel="beta", ylabel=f"right labels, {last} pairs (%)", ylim=(0, 105), xscale="log")
        axes["d"].set_xticks([0.01, 0.1, 1.0], ["0.01", "0.1", "1"])
        for name in ("hebb", "spikes", "spikes without decay", "equation"):
            colour, marker = _look(name)
            curve = 100 * ds.by_age.sel(pairs=last, cue="stored", rule=name).mean("seed")
            axes["e"].plot(last * ds.age, curve, color=colour, marker=marker, label=name)
        axes["e"].set(xlabel="written after it (pairs)", ylabel="right labels (%)", ylim=(0, 105))
        one = ds.isel(seed=0).sel(pairs=last)
        axes["f"].plot(one.W_equation, one.W_spikes, ".", color=plot.COLOURS["black"], markersize=2)
        top = float(max(one.W_equation.max(), one.W_spikes.max()))
        axes["f"].plot([0, top], [0, top], **dashed, label="equal")
        axes["f"].set(xlabel="weight by equation (w_max)", ylabel="weight by spikes (w_max)")
        for panel in "bcdef":
            plot.legend(axes[panel])
    plot.letter(axes)
    return fig


_PHASES = ("phase_start", "phase_stop", "phase_name")


def _look(name: str) -> tuple[str, str]:
    """Colour and marker of a memory."""
    from synfwp import plot

    own = {"spikes": ("green", "^"), "spikes without decay": ("orange", "D"), "equation": ("purple", "v")}
    colour, marker = (own | plot.scores.RULE_STYLES)[name]
    return plot.COLOURS[colour], marker


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, last = json.loads(ds.attrs["parameters"])["size"], int(ds.pairs[-1])
    mean = 100 * ds.recall.sel(pairs=last).mean("seed")
    by = [
        ", ".join(f"{name} {float(mean.sel(rule=name, cue=cue)):.1f} %" for name in ds["rule"].values) for cue in CUES
    ]
    best = ds.best_beta.sel(pairs=last, cue="stored").values
    text = f"""
        Vectors and labels associated by spikes with a bounded Hebbian rule (after Limbacher & Legenstein 2020),
        without training. (a) Five pairs are written ({min(40, size["keys"])} of {size["keys"]} key neurons and all
        value neurons are shown), then the vectors alone are shown again. (b, c) Right labels against the number of
        pairs, with stored and with corrupted cues: from the spikes of value neurons, with the authors' decay and
        without, and from exact rules on the spike counts of the same keys, delta with the beta that is best on
        {size["choosing"]} other network(s); {size["networks"]} networks (seeds), mean and SD; dashed: chance. At
        {last} pairs with stored cues: {by[0]} (chance {100 / last:.1f} %; beta {best[0]:g} and {best[1]:g}); with
        corrupted ones: {by[1]}. (d) delta at {last} pairs against beta, keys as they are and with a known mean taken
        off; solid: stored, dotted: corrupted cues; dashed: hebb, the nearest neighbour of a cue. (e) Stored cues at
        {last} pairs by how many pairs were written after the one that is asked for, in {GROUPS} groups. (f) Weights of
        one network after {last} pairs, by spikes and by the equation; their correlation is
        {float(ds.correlation.sel(pairs=last).mean()):.3f}.
    """
    return " ".join(text.split())
