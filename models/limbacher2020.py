"""Vectors and labels associated by spikes with a bounded Hebbian rule (after Limbacher & Legenstein 2020).

Pairs of a random vector and a label are shown once, one after the other; then each vector alone has to call up its
label. The vector drives key neurons, the label value neurons; synapses from keys to values follow the authors' rule,
``dW = gamma+ (w_max - W) v k - gamma- W k^2``, with v and k the spike trains filtered with 20 ms. Beside it: the same
without decay (gamma- = 0), the authors' equation integrated on the same spikes, and exact rules (hebb, and delta with
beta = 1 and with the best of several beta for each number of pairs) on the spike counts of the same keys.

As published (Limbacher & Legenstein 2020 for rates; Limbacher, Ozdenizci & Legenstein 2022 and their code for spikes):
the rule, gamma+ = gamma- = 0.3 per ms, w_max = 1, traces of 20 ms, vectors of 10 uniform numbers, as many labels as
pairs, 100 key neurons with membranes of 20 ms and 3 ms refractoriness, 100 ms for each pair.

Ours: nothing is trained (published: all other weights, by gradient descent through the whole task; so the published
accuracies are no target here). Fixed random weights from the centred vectors to the keys; four value neurons for each
label (published: 100 for all), which a constant current holds at threshold while labels are read, over 100 ms
(published: the last 30 ms, through a trained layer); 40 ms without input, plasticity and transmission between pairs; no
transmission through the synapses while they are written (published: a fifth). On circuits the rule is a row with two
events: at a value spike ``dw = (gamma+ / tau) (1 - w) x``, x the trace of the key (twice the half of the pairs in which
the key comes first), at a key spike ``dw = -gamma- (1 / 2 + x) w / tau``, the integral of ``-gamma- w k^2`` over its
pairs with itself and with the earlier spikes of the key. Noise of 1 mV in all neurons. Exact rules take spike counts of
unit length and one-hot labels.

Cites: limbacher2020, limbacher2022
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds
from synfwp.settings import sized

MEMORIES = ("hebb", "delta", "spikes", "equation", "spikes without decay", "delta, best beta")
BETAS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
SAMPLE = 7  # every so many synapses of the last network are kept for the figure


class Size(NamedTuple):
    """Numbers of pairs, networks (seeds) for each; the rule, the neurons and the times."""

    pairs: tuple[int, ...]  # pairs to be stored, a set of networks for each
    networks: int  # networks for each number of pairs, each with a seed of its own
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


FULL = Size(pairs=(2, 5, 10, 15, 20, 30, 40, 55), networks=10)
QUICK = Size(pairs=(5, 15), networks=2)


class Network(NamedTuple):
    """What a network did: spikes of key and value neurons (item, neuron, ms), weights, and the spikes as they came."""

    size: Size
    keys: np.ndarray
    values: np.ndarray
    W: np.ndarray
    spikes: xr.Dataset


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Store and recall pairs, through spikes and through exact rules; ``quick`` takes fewer."""
    size.check()
    shape = (size.networks, len(size.pairs), max(size.pairs))
    right, tried = np.full((len(MEMORIES), *shape), np.nan), np.full((len(BETAS), *shape), np.nan)
    fit = np.zeros((*shape[:2], 2))
    for m, pairs in enumerate(size.pairs):
        for n in range(size.networks):
            network, bare = (simulate(size, pairs, seed + n, decay) for decay in (1.0, 0.0))
            reference = equation(network)
            scores = {"spikes": spoken(network), "spikes without decay": spoken(bare)}
            scores |= {"equation": read(network, reference), "hebb": exact(network, "hebb", 1.0)}
            for name, score in scores.items():
                right[MEMORIES.index(name), n, m, :pairs] = won(score)
            for b, beta in enumerate(BETAS):
                tried[b, n, m, :pairs] = won(exact(network, "delta", beta))
            fit[n, m] = agreement(network.W, reference)
    best = np.nanmean(tried, axis=(1, 3)).argmax(axis=0)
    right[MEMORIES.index("delta")] = tried[BETAS.index(1.0)]
    right[MEMORIES.index("delta, best beta")] = np.stack([tried[b, :, m] for m, b in enumerate(best)], axis=1)
    example = simulate(size, 5, seed, 1.0)
    share = {"units": "1"}
    cell = ("rule", "seed", "pairs")
    found: dict[str, Any] = {
        "right": ((*cell, "item"), right, share | {"long_name": "right label, by place in the sequence"}),
        "recall": (cell, np.nanmean(right, axis=-1), share | {"long_name": "right labels"}),
        "chance": ("pairs", 1 / np.array(size.pairs), share | {"long_name": "chance"}),
        "correlation": (
            ("seed", "pairs"),
            fit[..., 0],
            share | {"long_name": "correlation with the equation"},
        ),
        "ratio": (("seed", "pairs"), fit[..., 1], share | {"long_name": "sum of weights over that of the equation"}),
        "W_spikes": ("synapse", network.W.ravel()[::SAMPLE], share | {"long_name": "weight written by spikes"}),
        "W_equation": ("synapse", reference.ravel()[::SAMPLE], share | {"long_name": "weight of the equation"}),
        "best_beta": ("pairs", np.array(BETAS)[best], share | {"long_name": "best beta of delta"}),
        **raster(example, 5),
    }
    coords = {
        "rule": list(MEMORIES),
        "seed": range(seed, seed + size.networks),
        "pairs": ("pairs", list(size.pairs), {"units": "number", "long_name": "pairs"}),
        "item": ("item", np.arange(max(size.pairs)), {"units": "1", "long_name": "place in the sequence"}),
    }
    settings = {"size": size._asdict(), "quick": quick}
    ds = results.dataset(found, coords, **results.provenance(settings, seed))
    return results.compared(ds, table)


def rule(size: Size, decay: float) -> fw.SynapticRule:
    """The authors' rule as a row, gamma- times ``decay``: potentiation at value spikes, decay at key spikes."""
    decay *= size.gamma_minus / size.tau
    grow = size.gamma_plus / size.tau
    numbers: dict[str, Any] = {"post_x": grow, "pre_0": -decay / 2, "pre_x": -decay, "tau_x1": size.tau}
    return fw.SynapticRule(name="bounded_hebb", w_max=size.w_max, soft=1.0, cite="limbacher2020", **numbers)


def simulate(size: Size, pairs: int, seed: int, decay: float) -> Network:
    """One network that stores pairs and is then asked for each; ``decay`` multiplies gamma-."""
    rng = seeds.generator(seed, "pairs", pairs)
    vectors = rng.random((pairs, size.features))
    encoder = rng.standard_normal((size.features, size.keys)) * (12 / size.features) ** 0.5
    to_keys = size.bias + size.contrast * (vectors - 0.5) @ encoder  # mV
    to_values = np.kron(np.eye(pairs), np.full(size.value_neurons, size.teaching))
    writing, length = np.arange(2 * pairs) < pairs, size.show + size.gap
    starts = length * np.arange(2 * pairs)

    def steps(shown: Any) -> fw.Steps:
        """Something while each item is shown, nothing between."""
        shown = np.asarray(shown, float)
        times = np.stack([starts, starts + size.show], axis=1).ravel()
        return fw.Steps(
            times, np.stack([shown, np.zeros_like(shown)], axis=1).reshape(2 * len(shown), *shown.shape[1:])
        )

    def neurons(name: str, n: int, drive: Any) -> fw.Population:
        """Leaky integrate-and-fire neurons that rest at 0 mV."""
        neuron = fw.LIF(
            tau_m=size.tau_m, t_ref=size.t_ref, tau_syn=size.tau_syn, v_rest=0.0, v_threshold=size.threshold,
            v_reset=0.0, noise=size.noise,
        )  # fmt: skip
        return fw.Population(n, neuron, name=name, drive=steps(drive))

    keys = neurons("keys", size.keys, np.vstack([to_keys, to_keys]))
    values = neurons("values", to_values.shape[1], np.vstack([to_values, np.full_like(to_values, size.read_bias)]))
    memory = fw.Projection(
        keys,
        values,
        0.0,
        plasticity=rule(size, decay),
        gate=steps(writing),
        transmission=steps(size.read_gain * ~writing),
        name="memory",
    )
    simulation = fw.Circuit([memory]).start(seed=rng)
    ds = simulation.run(2 * pairs * length)
    trains = []
    for group in (keys, values):
        time, unit = fw.spikes(ds, group.name)
        counts = np.zeros((group.n, round(2 * pairs * length)))
        np.add.at(counts, (unit, np.minimum((1e3 * time + 1e-6).astype(int), counts.shape[1] - 1)), 1)
        trains.append(counts.reshape(group.n, 2 * pairs, -1).swapaxes(0, 1))
    return Network(size, trains[0], trains[1], simulation.weights("memory").T, ds)


def equation(network: Network) -> np.ndarray:
    """The authors' equation in steps of 1 ms on the spikes of a network, (value, key)."""
    size = network.size
    keep = np.exp(-1 / size.tau)
    k, v = np.zeros(network.keys.shape[1]), np.zeros(network.values.shape[1])
    W = np.zeros((len(v), len(k)))
    for key, value in zip(network.keys[: len(network.keys) // 2], network.values, strict=False):
        for t in range(key.shape[1]):
            k, v = keep * k + (1 - keep) * key[:, t], keep * v + (1 - keep) * value[:, t]
            if t < size.show:
                W += size.gamma_plus * (size.w_max - W) * np.outer(v, k) - size.gamma_minus * W * k**2
    return W


def counts(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Keys and queries of exact rules: spike counts of unit length."""
    found = network.keys[:, :, : int(network.size.show)].sum(axis=2)
    unit = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
    return unit[: len(unit) // 2], unit[len(unit) // 2 :]


def spoken(network: Network) -> np.ndarray:
    """Spikes of each label's neurons while labels are read, (query, label)."""
    shown = network.values[len(network.values) // 2 :, :, : int(network.size.show)]
    return labels(network.size, shown.sum(axis=2))


def read(network: Network, W: np.ndarray) -> np.ndarray:
    """What weights say to the queries, (query, label)."""
    return labels(network.size, counts(network)[1] @ W.T)


def exact(network: Network, rule: str, beta: float) -> np.ndarray:
    """What an exact rule says, written with the same keys and asked with the same queries, (query, label)."""
    k, q = counts(network)
    return q @ fw.scan(rule, k, k, np.eye(len(k)), beta=beta).W.T


def labels(size: Size, values: np.ndarray) -> np.ndarray:
    """Sums over the value neurons of each label."""
    return values.reshape(len(values), -1, size.value_neurons).sum(axis=2)


def won(scores: np.ndarray) -> np.ndarray:
    """For each query 1 if its label has the highest score; shared among labels that tie."""
    best = scores == scores.max(axis=1, keepdims=True)
    return np.diagonal(best) / best.sum(axis=1)


def agreement(W: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Correlation of two matrices, and the ratio of their sums."""
    return float(np.corrcoef(W.ravel(), reference.ravel())[0, 1]), float(W.sum() / reference.sum())


def raster(network: Network, pairs: int) -> dict[str, Any]:
    """Spikes of some keys and of all values while pairs are written and read."""
    shown = min(40, network.size.keys)
    (key_time, key), (value_time, value) = (fw.spikes(network.spikes, name) for name in ("keys", "values"))
    some = key < shown
    groups = {"keys": (key_time[some], key[some], shown), "values": (value_time, value, network.values.shape[1])}
    second, half = {"units": "s"}, (network.size.show + network.size.gap) * pairs
    return {
        **results.spike_variables(groups),
        "phase_start": ("phase", results.seconds([0.0, half]), second | {"long_name": "start of a phase"}),
        "phase_stop": ("phase", results.seconds([half, 2 * half]), second | {"long_name": "end of a phase"}),
        "phase_name": ("phase", ["write", "read"]),
    }


def table(ds: xr.Dataset) -> xr.Dataset:
    """The comparison that is printed: chance is the level to compare with."""
    mean, rows = ds.recall.mean("seed"), list[tuple[str, float, float]]()
    for name in MEMORIES:
        rows += [
            (f"right labels, {name}, {pairs} pairs, against chance", 1 / pairs, float(mean.sel(rule=name, pairs=pairs)))
            for pairs in ds.pairs.values
        ]
    last = ds.sel(pairs=ds.pairs[-1])
    rows.append(("weights by spikes and by the equation, correlation", 1.0, float(last.correlation.mean())))
    rows.append(("weights by spikes and by the equation, ratio of sums", 1.0, float(last.ratio.mean())))
    return results.comparison(rows)


def figure(ds: xr.Dataset) -> Any:
    """Four panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 110, "ab;cd")
    plot.raster(ds, axes["a"])
    plot.against(ds, axes["b"], variable="recall", along="pairs")
    with plot.style():
        axes["b"].plot(ds.pairs, 100 * ds.chance, color="0.45", linewidth=0.7, linestyle=(0, (3, 2)), label="chance")
        plot.legend(axes["b"])
    _age(ds, axes["c"])
    with plot.style():
        ax = axes["d"]
        ax.plot(ds.W_equation, ds.W_spikes, ".", color=plot.COLOURS["black"], markersize=1.2, rasterized=True)
        top = float(max(ds.W_equation.max(), ds.W_spikes.max()))
        ax.plot([0, top], [0, top], color="0.45", linewidth=0.7, linestyle=(0, (3, 2)), label="equal")
        ax.set_xlabel("weight, equation (1)")
        ax.set_ylabel("weight, spikes (1)")
        plot.legend(ax)
    plot.letter(axes)
    return fig


def _age(ds: xr.Dataset, ax: Any) -> None:
    """Recall of the largest number of pairs by how many were written after a pair."""
    from synfwp import plot

    pairs = int(ds.pairs[-1])
    right = ds.right.sel(pairs=pairs).isel(item=slice(0, pairs)).mean("seed").values[:, ::-1]
    groups, styles = np.array_split(np.arange(pairs), 5), plot.scores.RULE_STYLES
    with plot.style():
        for m, name in enumerate(MEMORIES):
            colour, marker = styles.get(name, list(styles.values())[m])
            at = [group.mean() for group in groups]
            level = [100 * right[m, group].mean() for group in groups]
            ax.plot(at, level, color=plot.COLOURS[colour], marker=marker, label=name, clip_on=False)
        ax.set_ylim(0, 105)
        ax.set_xlabel("written after it (pairs)")
        ax.set_ylabel("right labels (%)")


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size, mean = json.loads(ds.attrs["parameters"])["size"], ds.recall.mean("seed")
    last = int(ds.pairs[-1])
    by = ", ".join(f"{name} {100 * float(mean.sel(rule=name, pairs=last)):.1f} %" for name in MEMORIES)
    text = f"""
        Vectors and labels associated by spikes with a bounded Hebbian rule (after Limbacher & Legenstein 2020), without
        training. (a) Five pairs are written ({min(40, size["keys"])} of {size["keys"]} key neurons and all value
        neurons are shown), then the vectors alone are shown again. (b) Right
        labels against the number of pairs: from the spikes of value neurons, with the authors' decay and without; from
        the weights that their equation gives on the same spikes; and from exact rules on the spike counts of the same
        keys; {size["networks"]} networks (seeds) each, thin lines; dashed: chance. At {last} pairs: {by} (chance
        {100 / last:.1f} %). (c) The same at {last} pairs by how many pairs were written after the one that is asked
        for, in five groups; colours as in b. (d) Weights of one network after {last} pairs, by spikes and by the
        equation; their correlation is {float(ds.correlation.sel(pairs=last).mean()):.3f}.
    """
    return " ".join(text.split())
