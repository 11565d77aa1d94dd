"""Forgetting: what memories keep of a value while others are written, from palimpsests to recency in people.

Pairs are written one after the other, each under a new key. By the age of a pair, the writes since, the signal is the
slope of reads on stored values and the noise the variance around it; a lifetime is the age at which squared signal over
noise falls to a threshold. No single threshold is honest: the frontier is a lifetime for each, with the step, the decay
and the like chosen anew on other seeds. It is drawn for keys of mean zero at equal numbers of features, at equal bits
for each value (a synapse of fewer bits has longer keys; real numbers count as 16 bits), and for firing rates, in exact
rules, Poisson counts and LIF neurons. Rates share a mean, which a centred Hebb rule takes off: the honest baseline.

With keys of mean zero the delta rule outlives the best decay by a sixth at a threshold of 1 and hardly at all at small
ones; with rates (and with keys that are written again, which is another figure) prediction errors pay.

A Hopfield network that forgets (Mezard, Nadal & Toulouse 1986) keeps the newest patterns as attractors. Anti-Hebbian
plasticity has its place in familiarity: the energy q W q tells known patterns from new ones, by either sign of the rule
(Bogacz & Brown 2003), for about as long as the same matrix gives back a value, and for longer than nets that were
trained for it keep their hits at the same decay (Tyulmankov et al. 2022). People who recall lists, and report one of
several features, stand beside the same rules with two numbers fitted: recency and set size come out, primacy and the
forward step of recall do not.

Cites: fusi2005, benna2016, amit1994, mezard1986, bogacz2003, tyulmankov2022, sun2023retnet, vonoswald2025mesanet,
kahana2024, oberauer2017
"""

import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds, theory
from synfwp.memory import BennaFusi, Binary, Bits, Cascade, System
from synfwp.memory import lists as people
from synfwp.memory.attractors import settle
from synfwp.memory.fading import SLOW, Centred, Heads, Recent
from synfwp.results import Row
from synfwp.settings import sized

Array = np.ndarray
BETAS = tuple(float(x) for x in np.geomspace(0.05, 1.0, 14).round(3))
SYSTEMS = ("Hebb", "decay", "heads", "delta", "delta, beta 1", "gated delta", "MESA", "softmax")
AT_BITS = ("delta", "decay", "heads", "Benna-Fusi", "cascade", "binary")
RATES = ("decay", "decay, centred", "delta", "decay, counts", "delta, counts")
FOUND = {0.05: 0.991, 0.06: 0.68, 0.07: 0.13}  # overlaps in 1000 units, of a small NumPy program that shares no code
FOUND_LIVES = {10.0: (3, 1.9), 3.0: (9, 7.4), 1.0: (27, 23.0), 0.3: (84, 78), 0.1: (242, 235)}  # the same, d = 64
HEBBFF = {  # trained nets of the authors, d = N = 100, lag 6 in training, run in models/hebbff2022: lags and hits
    "lag": (1, 3, 6, 10, 15, 20, 30),
    "anti-Hebb": (1.0, 0.9996, 0.9834, 0.8753, 0.5796, 0.3155, 0.1017),
    "Hebb": (0.9991, 0.9978, 0.9835, 0.7838, 0.2231, 0.0313, 0.0023),
}
FALSE = 0.01  # false positives of the energy
TRACES = (0.9534, 0.998)  # decays: that of the authors' anti-Hebbian net, and one that is slower
SHARE = {"units": "1"}
PLACES, LAGS = 16, (-3, -2, -1, 1, 2, 3)


class Size(NamedTuple):
    """What is run."""

    d: int  # features of keys and of values
    writes: int  # of an episode
    oldest: int  # age
    thresholds: tuple[float, ...]  # squared signal over noise
    seeds: int  # episodes
    values: int  # features of values at equal bits
    levels: tuple[float, ...]  # thresholds at equal bits, and of rates
    d_rates: int  # features of keys that are rates
    carried: int  # writes of rates
    neurons: int  # of a feature
    d_lif: int  # features in LIF neurons
    lif_writes: int  # writes in LIF neurons
    lif_seeds: int  # episodes in LIF neurons
    units: int  # of the Hopfield network
    nets: int  # Hopfield networks
    lists: int  # of words and of features
    d_trained: int = 100  # features of patterns that are judged by lag, those of the trained nets
    stream: int = 3000  # patterns of which some are judged by lag
    bits: int = 16  # of a real number
    rate_seeds: int = 120  # episodes of rates, exact rules
    counts_seeds: int = 10  # episodes of rates, in counts
    peak: float = 100.0  # Hz: peak rate
    strength: float = 4.10  # eps, of a new pattern of the Hopfield network


FULL = Size(
    64, 1500, 600, (10.0, 3.0, 1.0, 0.3, 0.1), 20, 16, (3.0, 1.0, 0.3, 0.1), 32, 300, 4, 16, 60, 5, 1000, 10, 2000
)
QUICK = Size(
    16, 200, 80, (3.0, 1.0), 4, 4, (1.0, 0.3), 8, 40, 1, 4, 12, 1, 100, 2, 100, d_trained=30, stream=600, rate_seeds=2
)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """All parts, cell by cell."""
    parts = [
        results.cells(frontier, {"system": SYSTEMS}, size=size, seed=seed),
        results.cells(at_bits, {"kept": AT_BITS}, size=size, seed=seed),
        results.cells(at_rates, {"rated": RATES}, size=size, seed=seed),
        results.cells(in_neurons, {"engine": ("counts", "lif")}, size=size, seed=seed),
        results.cells(palimpsest, {"net": range(seed, seed + size.nets)}, size=size),
        results.cells(familiar, {"repeat": range(seed, seed + size.seeds)}, size=size),
        results.cells(known_and_new, {"sign": ("anti_hebb", "hebb")}, size=size, seed=seed),
        results.cells(lists, {"model": ("decay", "delta")}, size=size, seed=seed),
        results.cells(transitions, {"seed_of_lists": (seed,)}, size=size).isel(seed_of_lists=0, drop=True),
        results.cells(features, {"rule": ("hebb", "delta")}, size=size, seed=seed),
    ]
    ds = xr.merge(parts, join="outer", compat="no_conflicts", combine_attrs="override")
    for name in ds.coords:
        ds[name].attrs = {"long_name": str(name)} | ds[name].attrs
    given = {"size": size._asdict(), "quick": quick, "d_key": size.d}
    return results.compared(ds.assign_attrs(results.provenance(given, seed)), rows)


# systems --------------------------------------------------------------------------------------------------------------


def exact(name: str) -> Any:
    """An exact system by name."""
    return {
        "Hebb": "hebb", "decay": System("leaky_hebb", beta=1.0, decay=SLOW), "heads": Heads(),
        "delta": System("delta", beta=BETAS), "delta, beta 1": System("delta", beta=1.0),
        "gated delta": System("gated_delta", beta=BETAS[4:], decay=SLOW[6:]), "MESA": Recent(), "softmax": "softmax",
    }[name]  # fmt: skip


# cells ----------------------------------------------------------------------------------------------------------------


def frontier(size: Size, system: str, seed: int) -> xr.Dataset:
    """Signal, noise and lifetimes of one system, keys of mean zero."""
    ds = fw.retention(
        {"": exact(system)}, thresholds=size.thresholds, writes=size.writes, oldest=size.oldest,
        d_key=size.d, seeds=size.seeds, seed=seed,
    )  # fmt: skip
    return ds.isel(system=0, drop=True).drop_vars(["chosen", "knob", "failure", "write_spikes", "read_spikes"])


def _lives(ds: xr.Dataset, prefix: str, threshold: str) -> xr.Dataset:
    """Lifetimes of one system under names of their own."""
    one = ds.isel(system=0, drop=True)[["lifetime", "low", "high", "write_spikes", "bits"]].drop_vars(
        "system", errors="ignore"
    )
    return one.rename({name: f"{prefix}_{name}" for name in one.data_vars}).rename(threshold=threshold)


def at_bits(size: Size, kept: str, seed: int) -> xr.Dataset:
    """Lifetimes where all synapses of a value have ``bits * d`` bits together."""
    steps = tuple(float(x) for x in np.geomspace(0.5, 40, 8).round(2))
    made: dict[str, tuple[float, Any]] = {
        "delta": (size.bits, System("delta", Bits(size.bits, span=8.0), beta=BETAS[::2])),
        "decay": (size.bits, System("leaky_hebb", Bits(size.bits, span=8.0), beta=1.0, decay=SLOW[::2])),
        "heads": (4 * size.bits, Heads(4)),
        "Benna-Fusi": (size.bits, System("hebb", BennaFusi(4, variable_bits=size.bits // 4), beta=steps)),
        "cascade": (Cascade(5).bits, System("hebb", Cascade(5), beta=steps)),
        "binary": (1.0, System("hebb", Binary(), beta=steps)),
    }  # fmt: skip
    bits, one = made[kept]
    d = round(size.bits * size.d / bits)
    ds = fw.retention(
        {"": one}, thresholds=size.levels, writes=size.writes // 2, oldest=size.oldest // 2, d_key=d,
        d_value=size.values, seeds=size.seeds, seed=seed,
    )  # fmt: skip
    text = {"units": "1", "long_name": "features of keys"}
    return _lives(ds, "bits", "level").assign(bits_d=((), float(d), text)).drop_vars(["bits_write_spikes", "bits_bits"])


def network(size: Size, rule: str, engine: str, neurons: int) -> fw.SpikingNetwork:
    """A spiking network; weights are free to change sign."""
    mechanism = fw.TwoPhase() if rule == "delta" else fw.GatedTrace()
    code = fw.RateCode(peak=size.peak, neurons_per_feature=neurons)
    schedule = fw.ThetaCycle(read="end")
    return fw.SpikingNetwork(engine=engine, mechanism=mechanism, code=code, schedule=schedule, dale=False)


def at_rates(size: Size, rated: str, seed: int) -> xr.Dataset:
    """Lifetimes of one system whose keys are rates."""
    rule = "delta" if rated.startswith("delta") else "leaky_hebb"
    betas, decays = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0), (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
    if rated.endswith("centred"):
        one: Any = Centred(float(np.sqrt(theory.RELU_OVERLAP / size.d_rates)))
    else:
        on = network(size, rule, "counts", size.neurons) if rated.endswith("counts") else None
        one = System(rule, on, beta=betas) if rule == "delta" else System(rule, on, beta=1.0, decay=decays)
    ds = fw.retention(
        {"": one}, thresholds=size.levels, writes=size.carried, oldest=2 * size.carried // 3, d_key=size.d_rates,
        keys="relu", seeds=size.counts_seeds if rated.endswith("counts") else size.rate_seeds, seed=seed,
    )  # fmt: skip
    return _lives(ds, "rates", "level")


def in_neurons(size: Size, engine: str, seed: int) -> xr.Dataset:
    """Signals of the delta rule by age in counts and in LIF neurons, on the same pairs."""
    one = System("delta", network(size, "delta", engine, 2), beta=0.5)
    ds = fw.retention(
        {"": one}, thresholds=(0.3,), writes=size.lif_writes, oldest=size.lif_writes // 2, d_key=size.d_lif,
        keys="relu", seeds=size.lif_seeds, seed=seed,
    )  # fmt: skip
    names = {"signals": "neuron_signals", "noises": "neuron_noises", "age": "neuron_age", "seed": "neuron_seed"}
    return ds.isel(system=0, threshold=0, drop=True)[["signals", "noises", "write_spikes"]].rename(
        names | {"write_spikes": "neuron_spikes"}
    )


def palimpsest(size: Size, net: int) -> dict[str, Any]:
    """Overlaps with patterns by their age in one leaky Hopfield network, started from each."""
    N, rng = size.units, seeds.generator(net, "palimpsest", size.units)
    x = rng.choice([-1.0, 1.0], (4 * N, N))
    decay = np.full((1, len(x)), np.exp(-(size.strength**2) / (2 * N)))
    T = fw.scan("leaky_hebb", x[None], x[None], x[None], decay=decay, form="chunkwise", threads=1).W[0]
    np.fill_diagonal(T, 0)
    ages = np.arange(0.01, 0.0951, 0.005)
    near = np.array([max(2, round(age * N)) + np.arange(-2, 3) for age in ages])
    asked = x[::-1][near.ravel()]
    found = (settle(T, asked, -1.0, rng) * asked).mean(axis=1).reshape(near.shape).mean(axis=1)
    text = {"units": "1", "long_name": "overlap of the state at rest with the pattern"}
    expected = [theory.palimpsest_overlap(float(age), size.strength) for age in ages]
    return {
        "overlap": ("patterns", found, text),
        "overlap_theory": ("patterns", expected, text),
        "pattern_age": ("patterns", ages, {"units": "1", "long_name": "later patterns per unit"}),
    }


def familiar(size: Size, repeat: int) -> dict[str, Any]:
    """Hits by lag: of the energy of a leaky matrix, and of recall among 100 values; d = 100 as in the trained nets."""
    d, length = size.d_trained, size.stream
    lags = np.unique(np.geomspace(1, length // 4, 25).round().astype(int))
    rng = seeds.generator(repeat, "familiar", d)
    k, q = (rng.choice([-1.0, 1.0], (n, d)) / np.sqrt(d) for n in (length, length // 6))
    v = rng.standard_normal((length, d))
    new = np.square(q @ k.T)
    found = np.zeros((2, len(TRACES), len(lags)))
    ends = length - 40 * np.arange(10)
    for i, decay in enumerate(TRACES):
        for end in ends:
            kept, asked = decay ** np.arange(end)[::-1], end - 1 - lags
            overlap = k[asked] @ k[:end].T
            found[0, i] += np.square(overlap) @ kept > np.quantile(new[:, :end] @ kept, 1 - FALSE)
            scores = np.einsum("qd,qvd->qv", (overlap * kept) @ v[:end], _choices(v, asked, rng))
            found[1, i] += scores.argmax(axis=1) == 0
    return {
        "hits": (
            ("trace", "lag"),
            found[0] / len(ends),
            SHARE | {"long_name": "known patterns above 99 % of new ones"},
        ),
        "recalled": (("trace", "lag"), found[1] / len(ends), SHARE | {"long_name": "right values among 100"}),
        "lag_of": ("lag", lags.astype(float), {"units": "1", "long_name": "patterns since"}),
    }


def _choices(v: Array, asked: Array, rng: np.random.Generator) -> Array:
    """Unit values (asked, 100, d): the right one, then 99 others."""
    found = v[np.column_stack([asked, rng.integers(len(v), size=(len(asked), 99))])]
    return np.asarray(found / np.linalg.norm(found, axis=2, keepdims=True))


def known_and_new(size: Size, sign: str, seed: int) -> dict[str, Any]:
    """Patterns of which 99 % are judged rightly, known or new."""
    how: dict[str, Any] = {
        "criterion": 1 - FALSE,
        "decoder": "novelty",
        "keys": "binary",
        "d_key": size.d,
        "seeds": size.seeds,
        "seed": seed,
    }
    ds = fw.critical_load({"": sign}, **how).isel(system=0)
    text = {"units": "1", "long_name": "patterns judged rightly in 99 %"}
    return {f"familiar_{name}": ((), float(ds[name]), text) for name in ("critical_load", "low", "high")}


# people ---------------------------------------------------------------------------------------------------------------


def nearest(data: Array, tried: Any) -> tuple[float, Array, tuple[float, float]]:
    """Of curves by their two numbers, the one nearest to data: root mean squared difference, curve, numbers."""
    found = [(float(np.sqrt(np.square(seen - data).mean())), curve, at) for at, curve, seen in tried]
    return min(found, key=lambda one: one[0])


def lists(size: Size, model: str, seed: int) -> dict[str, Any]:
    """Share of right values by place in a list; two numbers as they are nearest to people at the second half."""
    data, half = fw.load_table("peers_serial_position").p_recall.values, slice(PLACES // 2, None)
    rule, knobs = {
        "decay": ("leaky_hebb", (0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)),
        "delta": ("delta", (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.2)),
    }[model]
    tried = []
    for d in (6, 8, 10, 12, 14, 16, 20, 24):
        k, v = people.draw_lists(seeds.generator(seed, "lists", d), size.lists, PLACES, d)
        curves = [(x, people.right_by_place(people.likeness(rule, k, v, x))) for x in knobs]
        tried += [((float(d), x), curve, curve[half]) for x, curve in curves]
    error, found, fit = nearest(data[half], tried)
    return {
        "by_place": ("place", found, SHARE | {"long_name": "share of right values"}),
        "place_error": ((), error, SHARE | {"long_name": "root mean squared difference from people, last eight"}),
        "place_fit": ("fitted", list(fit), SHARE | {"long_name": "features of keys, and decay or beta"}),
    }


def transitions(size: Size, seed_of_lists: int) -> dict[str, Any]:
    """Which word the key of the last one reads next, by lag, of keys that drift: Hebb, two numbers fitted."""
    data, tried = fw.load_table("peers_lag_crp").p_transition.values, []
    for d in (8, 16, 32):
        for turn in (0.2, 0.4, 0.6, 0.7, 0.8, 0.9):
            k, v = people.draw_lists(seeds.generator(seed_of_lists, "drift", d, turn), size.lists, PLACES, d, turn)
            curve = people.next_by_lag(people.likeness("leaky_hebb", k, v, 1.0), LAGS)
            tried.append(((float(d), turn), curve, curve))
    _, found, fit = nearest(data, tried)
    return {
        "by_lag": ("step", found, SHARE | {"long_name": "share of transitions"}),
        "lag_fit": ("fitted", list(fit), SHARE | {"long_name": "features of keys, and overlap of neighbours"}),
    }


def features(size: Size, rule: str, seed: int) -> dict[str, Any]:
    """Circular SD of an angle that is read of 1 to 8, with a noise of its own; two numbers fitted."""
    table = fw.load_table("visual_memory_set_size")
    sizes, data, tried = table.set_size.values.astype(int), table.circular_sd_rad.values, []
    for d in (2, 3, 4, 6, 8, 12, 16):
        rng, beta = seeds.generator(seed, "features", d), 0.7 if rule == "delta" else 1.0
        reads = [people.read_angles(rule, rng, size.lists, n, d, beta) for n in range(1, 9)]
        noise = rng.standard_normal((size.lists, 2))
        for own in (0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5):
            curve = np.array([people.circular_sd(read + own * noise) for read in reads])
            tried.append(((float(d), own), curve, curve[sizes - 1]))
    error, found, fit = nearest(data, tried)
    text = {"units": "rad", "long_name": "circular SD"}
    return {
        "by_size": ("items", found, text),
        "size_error": ((), error, text | {"long_name": "root mean squared difference from people"}),
        "size_fit": ("fitted", list(fit), SHARE | {"long_name": "features of keys, and noise of a read"}),
    }


# rows -----------------------------------------------------------------------------------------------------------------


def best_life(rule: str, threshold: float, d: int) -> float:
    """Longest life by theory, as a real number of writes, over all steps or decays."""
    if rule == "decay":
        return theory.leaky_lifetime(threshold, d)
    ages = np.arange(theory.delta_lifetime(threshold, d) + 3.0)
    best = 0.0
    for beta in np.geomspace(min(threshold, 0.2), 1.6, 150):
        with np.errstate(divide="ignore"):
            ratio = theory.delta_signal(ages, d, beta) ** 2 / theory.delta_noise(ages, d, beta) / threshold
        i = int((ratio >= 1).sum()) - 1
        if 0 <= i < len(ages) - 1:
            best = max(best, i + (ratio[i] - 1) / (ratio[i] - ratio[i + 1]) if np.isfinite(ratio[i]) else i)
    return float(best)


def _sd(low: Any, high: Any) -> float:
    """Standard error from a 95 % interval."""
    found = float(high - low) / (2 * 1.96)
    return found if np.isfinite(found) else 0.0


def _life(ds: xr.Dataset, prefix: str = "") -> tuple[float, float]:
    """A lifetime and its standard error."""
    return float(ds[f"{prefix}lifetime"]), _sd(ds[f"{prefix}low"], ds[f"{prefix}high"])


def rows(ds: xr.Dataset) -> list[Row]:
    """Curves and lifetimes against theory; claims with their condition; people beside."""
    return [*_zero_mean(ds), *_equal_bits(ds), *_rates(ds), *_hopfield(ds), *_familiarity(ds), *_people(ds)]


def _zero_mean(ds: xr.Dataset) -> list[Row]:
    """Keys of mean zero."""
    d, found = json.loads(ds.attrs["parameters"])["d_key"], []
    at = ds.sel(threshold=1.0)
    for name in ("Hebb", "decay", "delta", "delta, beta 1"):
        one = at.sel(system=name)
        for low, high in ((0, 4), (8, 15), (int(ds.age.max()) // 6, int(ds.age.max()) // 3)):
            near = one.sel(age=slice(low, high)).mean("age")
            for what in ("signal", "noise"):
                text = f"{what} at ages {low} to {high}, {name}"
                found.append(Row(text, near[f"{what}s"].values, near[f"{what}_theory"], "theory"))
    for level in ds.threshold.values:
        lives = {name: _life(ds.sel(threshold=level, system=name)) for name in SYSTEMS}
        best = {name: best_life(name, float(level), d) for name in ("delta", "decay")}
        for name in SYSTEMS:
            life, sd = lives[name]
            expected = best.get(name, 0.0 if name == "Hebb" else np.nan)
            kind = "theory" if np.isfinite(expected) else ""
            found.append(Row(f"lifetime at {level:g}, {name}", life, expected, kind, error=sd if kind else 0.0))
        ratio = lives["delta"][0] / lives["decay"][0]
        spread = ratio * sum((lives[name][1] / lives[name][0]) ** 2 for name in best) ** 0.5
        what = f"lifetime at {level:g}, delta over decay, keys of mean zero"
        found.append(Row(what, ratio, best["delta"] / best["decay"], "theory", error=spread))
        if d == 64 and float(level) in FOUND_LIVES:
            whole, real = FOUND_LIVES[float(level)]
            what = f"longest life by theory at {level:g}"
            found.append(Row(f"{what}, delta, last whole age", theory.delta_lifetime(level, d), whole, "other engine"))
            band = 0.05 if real < 50 else 0.5  # as many digits as are given
            found.append(Row(f"{what}, decay", best["decay"], real, "other engine", band=band))
    if d == 64:
        gain = {level: theory.delta_lifetime(level, d) / best_life("decay", level, d) for level in (1.0, 0.1, 0.01)}
        what = "longest life by theory, delta over decay, keys of mean zero"
        found.append(Row(f"{what}, at 1", gain[1.0], 1.17, "other engine", band=0.005))
        for level, above in ((0.1, 1.0), (0.01, 0.1)):
            found.append(Row(f"{what}, at {level:g}", gain[level], gain[above], "theory", claim="below"))
        found.append(Row(f"{what}, at 0.01, is that of decay", gain[0.01], 1.0, "theory", band=0.02))
    return found


def _equal_bits(ds: xr.Dataset) -> list[Row]:
    """Lifetimes at equal bits, against the delta rule."""
    found = []
    for level in ds.level.values:
        delta, error = _life(ds.sel(level=level, kept="delta"), "bits_")
        found.append(Row(f"lifetime at {level:g} and equal bits, delta", delta))
        found.append(
            Row(f"lifetime at {level:g} and equal bits, decay", _life(ds.sel(level=level, kept="decay"), "bits_")[0])
        )
        for name in AT_BITS[2:]:
            value, own = _life(ds.sel(level=level, kept=name), "bits_")
            what = f"lifetime at {level:g} and equal bits, {name}, against delta"
            why = "16 times as many features: at high fidelity one bit does as well" if name == "binary" else ""
            found.append(Row(what, value, delta, "control", claim="below", error=float(np.hypot(error, own)), why=why))
    return found


def _rates(ds: xr.Dataset) -> list[Row]:
    """Firing rates as keys: prediction errors, and a mean that is taken off."""
    found = []
    for level in ds.level.values:
        lives = {name: _life(ds.sel(level=level, rated=name), "rates_") for name in RATES}
        for name, other, claim in (
            ("delta", "decay", "above"), ("decay, centred", "decay", "above"), ("decay, centred", "delta", "above"),
            ("delta, counts", "delta", "below"),
        ):  # fmt: skip
            (value, own), (against, error) = lives[name], lives[other]
            what = f"lifetime at {level:g}, rate keys, {name}, against {other}"
            why = "both forget rates within about a write" if max(value, against) < 2 else ""
            error = float(np.hypot(own, error))
            found.append(Row(what, value, against, "control", claim=claim, error=error, why=why))
        found.append(Row(f"lifetime at {level:g}, rate keys, decay, counts", lives["decay, counts"][0]))
    for age in (0, 2, 5):
        lif, counts = (ds.neuron_signals.sel(engine=name, neuron_age=age).values for name in ("lif", "counts"))
        found.append(Row(f"signal at age {age}, delta in LIF neurons, against counts", lif, counts, "other engine"))
    return found


def _hopfield(ds: xr.Dataset) -> list[Row]:
    """The palimpsest."""
    what, source = "capacity of a palimpsest by theory, patterns per unit", "mezard1986, second hand"
    found = [Row(what, theory.palimpsest_capacity(), 0.049, "published", source, band=0.0001)]
    ages = ds.pattern_age.isel(net=0).values
    size = json.loads(ds.attrs["parameters"])["size"]["units"]
    why = "number of networks not stated; in the transition single ones of 1000 units differ by 0.2 (SD)"
    for age, want in FOUND.items() if size == 1000 else ():
        at = ds.overlap.isel(patterns=int(np.abs(ages - age).argmin())).values
        found.append(Row(f"overlap at age {age:g} N, {size} units", at, want, "other engine", band=0.005, why=why))
    for age in (0.02, 0.03, 0.04):
        i = int(np.abs(ages - age).argmin())
        band = float(theory.FORMULAS["palimpsest_overlap"].band)
        expected = ds.overlap_theory.isel(patterns=i, net=0)
        found.append(Row(f"overlap at age {age:g} N", ds.overlap.isel(patterns=i), expected, "theory", band=band))
    return found


def _familiarity(ds: xr.Dataset) -> list[Row]:
    """Known or new."""
    d, found = json.loads(ds.attrs["parameters"])["d_key"], []
    for sign in ds.sign.values:
        one, expected = ds.sel(sign=sign), theory.familiarity_capacity(d, FALSE)
        band = float(theory.FORMULAS["familiarity_capacity"].allowed(expected))
        error = _sd(one.familiar_low, one.familiar_high)
        what = f"patterns judged known or new at 1 % errors, {sign}"
        found.append(Row(what, one.familiar_critical_load, expected, "theory", "bogacz2003", error=error, band=band))
    lags = ds.lag_of.isel(repeat=0).values
    for lag in HEBBFF["lag"][3:]:
        i = int(np.abs(lags - lag).argmin())
        mine = ds.hits.isel(trace=0, lag=i).values
        what = f"known patterns found near lag {lag}, energy of a matrix with the trained net's decay"
        trained = HEBBFF["anti-Hebb"][HEBBFF["lag"].index(lag)]
        source = "tyulmankov2022, a trained anti-Hebbian net of the authors"
        found.append(Row(what, mine, trained, "recomputed", source, claim="above"))
    return found


def _people(ds: xr.Dataset) -> list[Row]:
    """Two numbers fitted, beside people."""
    recall, found = fw.load_table("peers_serial_position"), []
    data = recall.p_recall.values
    for model in ds.model.values:
        one = ds.by_place.sel(model=model).values
        for place in (9, 12, 15, 16):
            error, source = float(recall.p_recall_sem[place - 1]), "kahana2024, lists of psifr"
            what = f"share right at place {place} of 16, {model}"
            why = "two numbers fitted to eight places"
            found.append(Row(what, one[place - 1], data[place - 1], "recomputed", source, error=error, why=why))
        first, want = one[0] - one[6:9].mean(), data[0] - data[6:9].mean()
        why = "a matrix that fades or corrects has no primacy; people rehearse the first words"
        what = f"share right at place 1 above that at 7 to 9, {model}"
        found.append(Row(what, first, want, "recomputed", "kahana2024, lists of psifr", why=why))
    steps = fw.load_table("peers_lag_crp").p_transition.values
    for i, lag in enumerate(LAGS):
        near = "keys that drift are as near to the one before as to the one after"
        why = "two numbers fitted to six shares" if abs(lag) > 1 else near
        source = "kahana2024, lists of psifr, two digits"
        found.append(
            Row(
                f"transitions of lag {lag:+d}", float(ds.by_lag[i]), steps[i], "recomputed", source, band=0.005, why=why
            )
        )
    table = fw.load_table("visual_memory_set_size")
    for rule in ds.rule.values:
        for i in np.flatnonzero(table.study.values == "oberauer_lin_2017"):
            n, error = int(table.set_size[i]), float(table.circular_sd_sem[i])
            what, source = f"circular SD of a feature of {n}, {rule}", "oberauer2017, means over subjects"
            value, why = float(ds.by_size.sel(rule=rule)[n - 1]), "two numbers fitted to 16 points of three studies"
            found.append(Row(what, value, table.circular_sd_rad[i], "recomputed", source, error=error, why=why))
    return found


# figure ---------------------------------------------------------------------------------------------------------------

STYLES = {
    "Hebb": ("black", "o"), "decay": ("sky", "o"), "heads": ("purple", "v"), "delta": ("vermillion", "s"),
    "delta, beta 1": ("#F2A47E", "s"), "gated delta": ("orange", "D"), "MESA": ("green", "^"), "softmax": ("blue", "X"),
    "Benna-Fusi": ("green", "^"), "cascade": ("blue", "D"), "binary": ("black", "P"), "decay, centred": ("blue", "^"),
    "decay, counts": ("sky", "o"), "delta, counts": ("vermillion", "s"),
}  # fmt: skip
DASH = (0, (3, 2))


def figure(ds: xr.Dataset) -> Any:
    """Nine panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 168, "abc;def;ghi")
    one = ds.drop_vars(["kept", "rated"])
    plot.retention(one, axes["a"], threshold=1.0, systems=SYSTEMS[:-1], costs=False, legend=False, styles=STYLES)
    axes["a"].set_ylim(top=300)
    with plot.style():
        axes["b"].plot([], [], color="black", lw=0.8, label="Hebb (a)")
        _lines(axes["b"], ds, SYSTEMS[:-1], ("system", "threshold", ""))
        d = json.loads(ds.attrs["parameters"])["d_key"]
        for name in ("decay", "delta"):
            expected = [best_life(name, float(x), d) for x in ds.threshold.values]
            axes["b"].plot(ds.threshold, expected, color=_colour(name), lw=1.1, ls=DASH, zorder=4)
        axes["b"].plot([], [], color="0.3", lw=1.1, ls=DASH, label="theory")
        _lines(axes["c"], ds, AT_BITS, ("kept", "level", "bits_"))
        _lines(axes["d"], ds, RATES, ("rated", "level", "rates_"))
        _palimpsest(ds, axes["e"])
        _lags(ds, axes["f"])
        _places(ds, axes["g"])
        _steps(ds, axes["h"])
        _sizes(ds, axes["i"])
        for ax in list(axes.values())[1:]:
            plot.legend(ax)
    plot.letter(axes, offset=26.0)
    return fig


def _colour(name: str) -> str:
    """A colour of a system."""
    from synfwp import plot

    return str(plot.COLOURS.get(STYLES[name][0], STYLES[name][0]))


def _lines(ax: Any, ds: xr.Dataset, names: Any, what: tuple[str, str, str]) -> None:
    """Lifetimes against the threshold; what did not fall in time is left out."""
    dim, along, prefix = what
    for name in names:
        one = ds.sel({dim: name})
        x, y, low, high = (one[n].values for n in (along, f"{prefix}lifetime", f"{prefix}low", f"{prefix}high"))
        there = (y > 0) & np.isfinite(high)
        face = "white" if "," in name and "centred" not in name else _colour(name)
        style: Any = {"color": _colour(name), "marker": STYLES[name][1], "mfc": face, "lw": 0.8, "ms": 2.5}
        error = np.maximum([y - low, high - y], 0)[:, there]
        ax.errorbar(x[there], y[there], error, **style, elinewidth=0.6, label=name if there.any() else None)
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_minor_formatter(lambda value, _: "")
    ax.set_xlabel("threshold (signal$^2$ / noise)")
    ax.set_ylabel("lifetime (writes)")


def _palimpsest(ds: xr.Dataset, ax: Any) -> None:
    """Overlaps by age."""
    from synfwp import plot

    age, found = ds.pattern_age.isel(net=0), ds.overlap
    plot.points(
        ax, age, found.mean("net"), found.std("net", ddof=1) / found.sizes["net"] ** 0.5, label="leaky Hopfield net"
    )
    ax.plot(age, ds.overlap_theory.isel(net=0), color="0.3", lw=1.1, ls=DASH, label="theory, many units")
    ax.axvline(0.049, color="0.45", lw=0.7, ls=(0, (1, 1.2)), label="capacity 0.049 N")
    ax.set(xlabel="age (patterns per unit)", ylabel="overlap (mean)", ylim=(-0.02, 1.05))


def _lags(ds: xr.Dataset, ax: Any) -> None:
    """Known or new by lag, beside recall."""
    from synfwp import plot

    lag = ds.lag_of.isel(repeat=0)
    for i, colour in enumerate(("green", "purple")):
        style: Any = {"color": plot.COLOURS[colour], "lw": 0.9}
        ax.plot(lag, 100 * ds.hits.isel(trace=i).mean("repeat"), **style, label=f"known, decay {TRACES[i]:.3g}")
        ax.plot(lag, 100 * ds.recalled.isel(trace=i).mean("repeat"), **style, ls=(0, (1, 1)))
    ax.plot([], [], color="0.3", lw=0.9, ls=(0, (1, 1)), label="recalled")
    for name, marker in (("anti-Hebb", "^"), ("Hebb", "o")):
        y = 100 * np.array(HEBBFF[name])
        ax.plot(HEBBFF["lag"], y, marker, color="black", mfc="white", ms=3, label=f"trained {name}")
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.set(xlabel="lag (patterns since)", ylabel="patterns or values (%)", ylim=(-2, 105))


def _places(ds: xr.Dataset, ax: Any) -> None:
    """Recall by place."""
    from synfwp import plot

    table = fw.load_table("peers_serial_position")
    plot.points(ax, table.position, 100 * table.p_recall, 100 * table.p_recall_sem, colour="black", label="people")
    for model in ds.model.values:
        ax.plot(table.position, 100 * ds.by_place.sel(model=model), color=_colour(model), lw=0.9, label=model)
    ax.set(xlabel="place in the list (number)", ylabel="recalled (%)", ylim=(0, 100), xticks=[1, 4, 8, 12, 16])


def _steps(ds: xr.Dataset, ax: Any) -> None:
    """Transitions by lag."""
    table = fw.load_table("peers_lag_crp")
    for part in (slice(0, 3), slice(3, 6)):
        first = part.start == 0
        ax.plot(
            table.lag[part],
            100 * table.p_transition[part],
            "o-",
            color="black",
            lw=0.7,
            label="people" if first else None,
        )
        style: Any = {"color": _colour("decay"), "lw": 0.9, "label": "Hebb, keys that drift" if first else None}
        ax.plot(table.lag[part], 100 * ds.by_lag[part], **style)
    ax.set(xlabel="lag of the next word (places)", ylabel="transitions (%)", ylim=(0, 50), xticks=LAGS)


def _sizes(ds: xr.Dataset, ax: Any) -> None:
    """Circular SD by set size."""
    from synfwp import plot

    table = fw.load_table("visual_memory_set_size")
    spelled = {
        "zhang_luck_2008": ("Zhang & Luck", "o"),
        "oberauer_lin_2017": ("Oberauer & Lin", "s"),
        "bays_2009": ("Bays et al.", "^"),
    }
    for name, (label, marker) in spelled.items():
        one = table.isel(point=np.flatnonzero(table.study.values == name))
        plot.points(
            ax, one.set_size, one.circular_sd_rad, one.circular_sd_sem, colour="black", marker=marker, label=label
        )
    for rule, name in (("hebb", "Hebb"), ("delta", "delta")):
        ax.plot(
            np.arange(1, 9),
            ds.by_size.sel(rule=rule),
            color=_colour("decay" if rule == "hebb" else name),
            lw=0.9,
            label=name,
        )
    ax.set(xlabel="set size (items)", ylabel="circular SD (rad)", ylim=(0, 1.8), xticks=range(1, 9))


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    spikes, leak = (ds.rates_write_spikes.sel(rated=f"{name}, counts").mean() for name in ("delta", "decay"))
    lif = {name: float(ds.neuron_spikes.sel(engine=name)) for name in ("counts", "lif")}
    place, lag = ds.place_fit.values, ds.lag_fit.values
    age = [f"{float(x):.2f}" for x in ds.neuron_signals.sel(neuron_age=2).mean("neuron_seed")]
    bits = ", ".join(f"{name} {float(ds.bits_d.sel(kept=name)):.0f}" for name in AT_BITS)
    text = f"""
        Forgetting. Pairs are written one after the other, each under a new key of length 1; values are normal. (a)
        Squared signal over noise by age after {size["writes"]} writes, {size["d"]} features, {size["seeds"]} seeds,
        keys of mean zero; steps, decays, heads and ridge chosen on 5 other seeds for the longest life at 1 (dotted).
        Markers: lifetimes with 95 % intervals (resampled seeds); dashed: theory. Colours as in b. Hebb has forgotten
        all. (b) Lifetime against threshold, each chosen anew; dashed: best of delta and of decay. MESA: least squares
        of pairs that fade. Softmax, which keeps all pairs, forgets none in {size["oldest"]} writes and is not drawn.
        (c) The same at {size["bits"] * size["d"]} bits for each value ({size["bits"]} for a real number; Benna-Fusi 4
        variables of {size["bits"] // 4} bits, cascade 5 levels, heads 4): features of keys {bits};
        {size["writes"] // 2} writes, {size["seeds"]} seeds of {size["values"]} values. (d) Keys that are firing
        rates, {size["d_rates"]} features, {size["carried"]} writes, {size["rate_seeds"]} seeds
        ({size["counts_seeds"]} of counts); centred: the known mean of a rate taken off keys and queries. Counts:
        Poisson counts, per write {float(spikes):.0f} spikes of all neurons (delta) and {float(leak):.0f} (decay). LIF
        neurons ({size["d_lif"]} features, {size["lif_writes"]} writes, {size["lif_seeds"]} seeds, {lif["lif"]:.0f}
        spikes; not drawn) have a signal of {age[1]} at age 2, counts {age[0]}. (e) Overlap of the state at rest with
        a pattern, by its age, in {size["units"]} units that forget, strength {size["strength"]:.2f};
        {size["nets"]} networks of 5 patterns,
        standard errors. (f) Known patterns told from new ones by the energy q W q at 1 % false positives,
        and values recalled among 100, of one leaky matrix of {size["d_trained"]} features, {size["seeds"]} seeds of
        10 moments; symbols: nets of Tyulmankov et al., trained at lag 6. (g) Recall by place in lists of 16: people
        (126, standard errors), and keys of each place read in the end, {size["lists"]} lists; features and decay
        {place[0][0]:.0f}, {place[0][1]:g}, and beta {place[1][0]:.0f}, {place[1][1]:g}, fitted to the last eight
        places. (h) The word that the key of the last one reads next; keys of neighbours overlap by {lag[1]:g}. (i)
        Circular SD of one of several features (standard errors), and of an angle read from a matrix with
        {ds.size_fit.values[0][0]:.0f} (Hebb) and {ds.size_fit.values[1][0]:.0f} (delta, beta 0.7) features.
    """
    return " ".join(text.split())
