"""Associations of vectors with labels, written by spikes with a bounded Hebbian rule (after Limbacher & Legenstein 2020).

Pairs of a random vector and a label are shown once, one after the other; then each vector alone has to call up its label.
The vector drives key neurons, the label value neurons; synapses from keys to values follow the authors' rule, ``dW = gamma+
(w_max - W) v k - gamma- W k^2``, with v and k the spike trains filtered with 20 ms. Beside it: the authors' equation
integrated on the same spikes, and exact rules (hebb, covariance, delta) on the spike counts of the same keys.

As published (Limbacher & Legenstein 2020 for rates; Limbacher, Ozdenizci & Legenstein 2022 and their code for spikes): the
rule, gamma+ = gamma- = .3 per ms, w_max = 1, traces of 20 ms, vectors of 10 uniform numbers, as many labels as pairs, 100
key neurons with membranes of 20 ms and 3 ms refractoriness, 100 ms for each pair, labels read from the last 30 ms.

Ours: nothing is trained (published: all other weights, by gradient descent through the whole task; so the published
accuracies are no target here). Fixed random weights from the centred vectors to the keys; four value neurons for each label
(published: 100 for all); 40 ms without input, plasticity and transmission between pairs; no transmission through the
synapses while they are written (published: a fifth). On circuits the rule is a row with two events: at a value spike ``dw =
(gamma+ / tau) (1 - w) x``, x the trace of the key (twice the half of the pairs in which the key comes first), at a key spike
``dw = -gamma- (r + 1 / (2 tau)) w`` with r = 60 Hz, which is the mean of ``-gamma- w k^2`` for a key that fires at that rate.
Noise in all neurons of 1 mV. Exact rules take spike counts of unit length and one-hot labels, beta = 1.

Cites: limbacher2020, limbacher2022
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds

GAMMA, W_MAX, TAU = 0.3, 1.0, 20.0  # 1/ms, 1, ms
REFERENCE = 60.0  # Hz
FEATURES, KEYS, CLONES = 10, 100, 4
SHOW, GAP, LAST = 100.0, 40.0, 30.0  # ms
READ_GAIN = 12.0  # pA (here mV) for a weight of 1
CARRIERS = ("spikes", "equation", "hebb", "covariance", "delta")


class Size(NamedTuple):
    """Numbers of pairs, and networks (seeds) for each."""

    pairs: tuple[int, ...]
    networks: int


FULL = Size(pairs=(5, 10, 15, 20, 30, 40, 55), networks=5)
QUICK = Size(pairs=(5, 15, 30), networks=2)


class Network(NamedTuple):
    """What a network did: spikes of key and value neurons (item, neuron, ms), weights, and the spikes as they came."""

    keys: np.ndarray
    values: np.ndarray
    W: np.ndarray
    spikes: xr.Dataset


def main(quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Store and recall pairs, through spikes and through exact rules; ``quick`` takes fewer."""
    size = QUICK if quick else FULL
    right = np.full((len(CARRIERS), size.networks, len(size.pairs), max(size.pairs)), np.nan)
    fit = np.zeros((size.networks, len(size.pairs), 2))
    for m, pairs in enumerate(size.pairs):
        for n in range(size.networks):
            network = simulate(pairs, seeds.generator(seed + n, "pairs", pairs))
            reference = equation(network)
            scores = recall(network, reference, pairs)
            for c, name in enumerate(CARRIERS):
                right[c, n, m, :pairs] = won(scores[name])
            fit[n, m] = agreement(network.W, reference)
    example = simulate(size.pairs[0], seeds.generator(seed, "pairs", size.pairs[0]))
    share = {"units": "1"}
    cell = ("rule", "seed", "pairs")
    found: dict[str, Any] = {
        "right": ((*cell, "item"), right, share | {"long_name": "right label, by place in the sequence"}),
        "recall": (cell, np.nanmean(right, axis=-1), share | {"long_name": "right labels"}),
        "chance": ("pairs", 1 / np.array(size.pairs), share | {"long_name": "chance"}),
        "correlation": (
            ("seed", "pairs"),
            fit[..., 0],
            share | {"long_name": "correlation of weights with the equation"},
        ),
        "ratio": (("seed", "pairs"), fit[..., 1], share | {"long_name": "sum of weights over that of the equation"}),
        "W_spikes": ("synapse", network.W.ravel()[::SAMPLE], share | {"long_name": "weight written by spikes"}),
        "W_equation": ("synapse", reference.ravel()[::SAMPLE], share | {"long_name": "weight of the equation"}),
        **raster(example, size.pairs[0]),
    }
    coords = {
        "rule": list(CARRIERS),
        "seed": range(seed, seed + size.networks),
        "pairs": ("pairs", list(size.pairs), {"units": "number", "long_name": "pairs"}),
        "item": ("item", np.arange(max(size.pairs)), {"units": "1", "long_name": "place in the sequence"}),
    }
    settings = {"size": size._asdict(), "quick": quick}
    ds = results.dataset(found, coords, **results.provenance(settings, seed))
    return ds.merge(table(ds))


SAMPLE = 7  # every so many synapses of the last network are kept for the figure


def rule() -> fw.SynapticRule:
    """The authors' rule as a row: potentiation at value spikes, decay at key spikes, each with its own bound."""
    decay = GAMMA * (REFERENCE * 1e-3 + 1 / (2 * TAU))
    return fw.SynapticRule(
        name="bounded_hebb", post_x=GAMMA / TAU, pre_0=-decay, tau_x1=TAU, w_max=W_MAX, soft=1.0, cite="limbacher2020"
    )


def simulate(pairs: int, rng: np.random.Generator) -> Network:
    """One network that stores pairs and is then asked for each."""
    vectors = rng.random((pairs, FEATURES))
    encoder = rng.standard_normal((FEATURES, KEYS)) * (12 / FEATURES) ** 0.5
    to_keys = 10.0 + 25.0 * (vectors - 0.5) @ encoder  # mV
    to_values = np.kron(np.eye(pairs), np.full(CLONES, 80.0))
    writing, length = np.arange(2 * pairs) < pairs, SHOW + GAP
    starts = length * np.arange(2 * pairs)

    def steps(shown: Any) -> fw.Steps:
        """Something while each item is shown, nothing between."""
        shown = np.asarray(shown, float)
        times = np.stack([starts, starts + SHOW], axis=1).ravel()
        return fw.Steps(
            times, np.stack([shown, np.zeros_like(shown)], axis=1).reshape(2 * len(shown), *shown.shape[1:])
        )

    def neurons(name: str, n: int, drive: Any) -> fw.Population:
        """Leaky integrate-and-fire neurons that rest 20 mV below threshold."""
        cell = fw.LIF(tau_m=20.0, t_ref=3.0, tau_syn=5.0, v_rest=0.0, v_threshold=20.0, v_reset=0.0, noise=1.0)
        return fw.Population(n, cell, name=name, drive=steps(drive))

    keys = neurons("keys", KEYS, np.vstack([to_keys, to_keys]))
    values = neurons("values", CLONES * pairs, np.vstack([to_values, np.zeros_like(to_values)]))
    memory = fw.Projection(
        keys,
        values,
        0.0,
        plasticity=rule(),
        gate=steps(writing),
        transmission=steps(READ_GAIN * ~writing),
        name="memory",
    )
    simulation = fw.Circuit([memory]).start(seed=rng)
    ds = simulation.run(2 * pairs * length)
    names = list(ds.population.values)
    trains = []
    for group in (keys, values):
        mine = ds.spike_population.values == names.index(group.name)
        time, unit = 1e3 * ds.spike_time.values[mine], ds.spike_unit.values[mine]
        counts = np.zeros((group.n, round(2 * pairs * length)))
        np.add.at(counts, (unit, np.minimum(time.astype(int), counts.shape[1] - 1)), 1)
        trains.append(counts.reshape(group.n, 2 * pairs, -1).swapaxes(0, 1))
    return Network(*trains, simulation.weights("memory").T, ds)


def equation(network: Network) -> np.ndarray:
    """The authors' equation in steps of 1 ms on the spikes of a network, (value, key)."""
    keep = np.exp(-1 / TAU)
    k, v = np.zeros(network.keys.shape[1]), np.zeros(network.values.shape[1])
    W = np.zeros((len(v), len(k)))
    for key, value in zip(network.keys[: len(network.keys) // 2], network.values, strict=False):
        for t in range(key.shape[1]):
            k, v = keep * k + (1 - keep) * key[:, t], keep * v + (1 - keep) * value[:, t]
            if t < SHOW:
                W += GAMMA * (W_MAX - W) * np.outer(v, k) - GAMMA * W * k**2
    return W


def recall(network: Network, reference: np.ndarray, pairs: int) -> dict[str, np.ndarray]:
    """A score for each label by (query, label), from spikes and from matrices read with the same keys."""
    counts = network.keys[:, :, : int(SHOW)].sum(axis=2)
    unit = counts / np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1e-12)
    k, q = unit[:pairs], unit[pairs:]
    shown = network.values[pairs:, :, int(SHOW - LAST) : int(SHOW)].sum(axis=2)
    scores = {"spikes": labels(shown), "equation": labels(q @ reference.T)}
    for name in ("hebb", "covariance", "delta"):
        scores[name] = q @ fw.scan(name, k, k, np.eye(pairs)).W.T
    return scores


def labels(values: np.ndarray) -> np.ndarray:
    """Sums over the value neurons of each label."""
    return values.reshape(len(values), -1, CLONES).sum(axis=2)


def won(scores: np.ndarray) -> np.ndarray:
    """For each query 1 if its label has the highest score; shared among labels that tie."""
    best = scores == scores.max(axis=1, keepdims=True)
    return np.diagonal(best) / best.sum(axis=1)


def agreement(W: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Correlation of two matrices, and the ratio of their sums."""
    return float(np.corrcoef(W.ravel(), reference.ravel())[0, 1]), float(W.sum() / reference.sum())


def raster(network: Network, pairs: int) -> dict[str, Any]:
    """Spikes of some keys and of all values while pairs are written and read."""
    ds, shown = network.spikes, 40
    member = ds.spike_population.values.astype(int)
    unit = ds.spike_unit.values
    is_key = member == list(ds.population.values).index("keys")
    keep = ~is_key | (unit < shown)
    second, half = {"units": "s"}, (SHOW + GAP) * pairs
    return {
        "spike_time": ("spike", ds.spike_time.values[keep]),
        "spike_unit": ("spike", np.where(is_key, unit, unit + shown)[keep]),
        "spike_population": ("spike", np.where(is_key, "keys", "values")[keep]),
        "phase_start": ("phase", results.seconds([0.0, half]), second | {"long_name": "start of a phase"}),
        "phase_stop": ("phase", results.seconds([half, 2 * half]), second | {"long_name": "end of a phase"}),
        "phase_name": ("phase", ["write", "read"]),
    }


def table(ds: xr.Dataset) -> xr.Dataset:
    """The comparison that is printed: chance is the level to compare with."""
    mean, rows = ds.recall.mean("seed"), []
    for name in CARRIERS:
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

    fig, axes = plot.figure("double", 58, "abcd")
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
    groups = np.array_split(np.arange(pairs), 5)
    with plot.style():
        for m, name in enumerate(CARRIERS):
            colour, marker = (
                list(plot.scores.RULE_STYLES.values())[m]
                if name not in plot.scores.RULE_STYLES
                else plot.scores.RULE_STYLES[name]
            )
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
    by = ", ".join(f"{name} {100 * float(mean.sel(rule=name, pairs=last)):.1f} %" for name in CARRIERS)
    text = f"""
        Vectors and labels associated by spikes with a bounded Hebbian rule (after Limbacher & Legenstein 2020), without
        training. (a) {size["pairs"][0]} pairs are written (40 of {KEYS} key neurons and all value neurons are shown),
        then the vectors alone are shown again. (b) Right labels against the number of pairs: from the spikes of value
        neurons; from the weights that the authors' equation gives on the same spikes; and from exact rules on the spike
        counts of the same keys; {size["networks"]} networks (seeds) each, thin lines; dashed: chance. At {last} pairs:
        {by} (chance {100 / last:.1f} %). (c) The same at {last} pairs by how many pairs were written after the one that
        is asked for, in five groups. (d) Weights of one network after {last} pairs, by spikes and by the equation; their
        correlation is {float(ds.correlation.sel(pairs=last).mean()):.3f}.
    """
    return " ".join(text.split())
