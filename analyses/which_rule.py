"""Which rule is it: verdicts of `infer_rule` on simulated recordings of known rules, and what spikes carry out.

Weights 8 x 8, recorded before every item with independent noise, in sessions of 25 items that start anew; rates of keys
and values are gamma distributed, keys with means of their own. Rules: Hebb, anti-Hebb, local Oja, covariance of the
keys, delta, decay, none; and what is none of them: BCM, heterosynaptic normalisation (divisive and subtractive). Each
is told from designs that show all terms, and from designs that do not: what is recorded as post is what the weights
recall, values of one size, blocks of orthogonal keys, keys with no mean or with the same one. Right is the rule where
the design identifies it, and "cannot tell" where it does not. A constant W under noise shows what the same noise on
both sides does. The same items then drive synapses by spikes: pair, triplet and inhibitory rules, mechanisms for Hebb
and delta; Oja and BCM in rates. Last, Taylor rules from noisy activity alone, after Mehta et al.

Published: the rules, and the way to a Taylor rule. Ours: everything else; no number of a paper is compared.

Cites: mehta2024, oja1982, sejnowski1977, song2000, pfister2006, vogels2011, urbanczik2014, hasselmo2002
"""

import itertools
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import synfwp as fw
from synfwp import results, seeds
from synfwp.inference import FromActivity, FromWeights
from synfwp.inference.candidates import VERDICTS
from synfwp.inference.recordings import Judged, judge, recorded
from synfwp.inference.simulated import CONTROLS, RULES, SLOW, change, written
from synfwp.plasticity import rows as spike_rules
from synfwp.results import Row
from synfwp.settings import sized

# what is observed, and the rules that it does not identify
HIDDEN: Mapping[str, tuple[str, ...]] = {
    "all, W lagged": (),
    "all, W twice": (),
    "post is recall": ("Hebb", "anti-Hebb", "delta"),
    "values of one size": ("Oja",),
    "blocks": ("covariance", "delta", "decay"),
    "keys without mean": ("Hebb", "covariance"),
    "keys of one mean": ("covariance",),
}
# sums over the events of a block are right to first order alone, which shows where noise is low
SECOND_ORDER = {("blocks", "Oja")}
ESTIMATORS = ("least squares", "Deming", "W lagged", "W twice")
CARRIERS = (
    "Hebb, exact", "delta, exact", "decay, exact", "gated trace", "two phases", "dendrite", "PES", "pair STDP",
    "triplet STDP", "inhibitory STDP", "calcium", "BTSP", "Oja, local", "BCM", "Hebb, normalised",
    "pair, shuffled", "none, noise",
)  # fmt: skip
TAYLOR: Mapping[str, Mapping[tuple[int, int, int, int], float]] = {
    "Hebb": {(1, 1, 0, 0): 0.05},
    "anti-Hebb": {(1, 1, 0, 0): -0.1},
    "Oja": {(1, 1, 0, 0): 0.1, (0, 2, 1, 0): -0.1},
    "covariance": {(1, 1, 0, 0): 0.1, (0, 1, 0, 0): -0.05},
    "decay": {(0, 0, 1, 0): -0.05},
    "none": {},
    "reward": {(1, 1, 0, 1): 0.1, (0, 0, 1, 0): -0.03},
}


class Size(NamedTuple):
    """Recordings, and how many."""

    d: int = 8  # neurons on each side
    items: int = 25  # of a session
    sessions: int = 12  # of a recording
    eta: float = 0.2  # write per item
    decay: float = 0.1  # of a weight per item
    noises: tuple[float, ...] = (0.05, 0.2, 0.5)  # SD of the noise of a weight
    recordings: int = 20  # of each rule
    power: tuple[int, ...] = (1, 2, 4, 8, 16)  # sessions
    power_recordings: int = 5  # of each rule
    constants: int = 20  # recordings of constant weights
    driven: int = 150  # items of one sequence
    draws: int = 5  # sequences of items, and activities
    window: float = 400.0  # ms: an item of spike trains
    lap: float = 4000.0  # ms: an item of BTSP
    taylor_noise: float = 0.02  # SD of activity


FULL = Size()
QUICK = FULL._replace(sessions=6, noises=(0.05,), recordings=1, power=(1, 4), power_recordings=1, constants=3,
                      driven=40, draws=1)  # fmt: skip


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """All parts, cell by cell."""
    draws = range(seed, seed + size.draws)
    rules = [name for name in TAYLOR if not quick or name in ("Hebb", "decay")]
    complete, middle = list(HIDDEN)[:2], size.noises[len(size.noises) // 2]
    runs = [
        results.cells(told, {"observed": complete, "truth": RULES, "noise": size.noises}, size=size, seed=seed),
        results.cells(told, {"observed": list(HIDDEN)[2:], "truth": RULES, "noise": [middle]}, size=size, seed=seed),
        results.cells(told, {"observed": list(HIDDEN)[:1], "truth": CONTROLS, "noise": size.noises}, size=size,
                      seed=seed).isel(observed=0, drop=True).rename(truth="control", verdict="control_verdict",
                      condition="control_condition", explained="control_explained"),
        results.cells(powered, {"sessions": size.power, "power_noise": size.noises}, size=size, seed=seed),
        results.cells(constant, {"estimator": ESTIMATORS}, size=size, seed=seed),
        results.cells(carried, {"carrier": CARRIERS, "seed": draws}, size=size),
        results.cells(from_activity, {"taylor": rules, "seed": draws}, size=size),
    ]  # fmt: skip
    ds = xr.merge(runs, join="outer", compat="no_conflicts", combine_attrs="override")
    for name in ds.coords:
        ds[name].attrs = {"long_name": str(name), "units": "1"} | ds[name].attrs
    attrs = results.provenance({"size": size._asdict(), "quick": quick}, seed)
    return results.compared(ds.assign_attrs(attrs), rows)


# recordings -----------------------------------------------------------------------------------------------------------


class Items(NamedTuple):
    """Keys and values of one session, (item, event, d) each (a block has several events), and the mean of the keys.

    The mean is that of long experience, or None for the running one of the session.
    """

    k: np.ndarray
    v: np.ndarray
    mean: np.ndarray | None


def items(size: Size, observed: str, rng: np.random.Generator) -> Items:
    """Items of one session."""
    d, n, events = size.d, size.items, size.d if observed == "blocks" else 1
    v = rng.gamma(2.0, 0.5, (n, events, d))
    chance = np.full(d, 0.4) if observed == "keys of one mean" else np.linspace(0.15, 0.75, d)
    k = (rng.random((n, events, d)) < chance) * rng.gamma(4.0, 0.25, (n, events, d)) / np.sqrt(0.5 * d)
    if observed == "values of one size":
        v = rng.choice([-1.0, 1.0], v.shape)
    if observed == "blocks":
        k = np.stack([rng.permutation(np.eye(d)) for _ in range(n)])
    if observed == "keys without mean":
        k = k * rng.choice([-1.0, 1.0], k.shape)
    means = {"blocks": 1 / d, "keys of one mean": 0.4 / np.sqrt(0.5 * d), "keys without mean": 0.0}
    return Items(k, v, np.full(d, means[observed]) if observed in means else None)


def recording(size: Size, rule: str, observed: str, noise: float, rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of `infer_rule` for all sessions of one recording."""
    sessions = [items(size, observed, rng) for _ in range(size.sessions)]
    events = sessions[0].k.shape[1]
    recalled = observed == "post is recall"
    slower = {"decay": events, "Oja": 10 if events > 1 else 1}.get(rule, 1)  # a block moves weights only a little
    slower = 4 * slower if recalled and rule != "decay" else slower  # else what is recalled runs away
    rate = (size.decay if rule == "decay" else size.eta) / slower
    start = 0.5 + 0.5 * rng.standard_normal((size.sessions, size.d, size.d))
    found = [written(rule, *one[:2], W0, rate, one.mean, recalled)
             for one, W0 in zip(sessions, start, strict=True)]  # fmt: skip
    W = np.stack([one[0] for one in found])
    made: dict[str, Any] = {
        "pre": np.stack([one.k for one in sessions]), "post": np.stack([one[1] for one in found]),
        "W": W + noise * rng.standard_normal(W.shape),
    }  # fmt: skip
    if observed == "all, W twice":
        made["W_split"] = W + noise * rng.standard_normal(W.shape)
    if sessions[0].mean is not None:
        made["trace"] = np.broadcast_to(sessions[0].mean, made["pre"].shape)
    return made


# cells ----------------------------------------------------------------------------------------------------------------


def judged(arguments: Mapping[str, Any]) -> Judged:
    """What `infer_rule` finds, without labels."""
    given: dict[str, Any] = {"W_split": None, "trace": None, **arguments}
    return judge(recorded(**given), FromWeights())


def told(size: Size, seed: int, observed: str, truth: str, noise: float) -> Mapping[str, Any]:
    """Verdict of each recording, condition number and held-out R^2."""
    found = []
    for i in range(size.recordings):
        rng = seeds.generator(seed, f"{observed}, {truth}, {noise}, {i}")
        found.append(judged(recording(size, truth, observed, noise, rng)))
    text = _text("share of changes explained, left out")
    return {
        "verdict": ("recording", [VERDICTS.index(one.verdict) for one in found], _text("index of the verdict")),
        "condition": ((), np.median([one.fit.condition for one in found]), _text("condition number, median")),
        "explained": ((), np.mean([one.explained for one in found]), text),
        "recording": ("recording", np.arange(size.recordings), _text("recording")),
    }


def powered(size: Size, seed: int, sessions: int, power_noise: float) -> Mapping[str, Any]:
    """Shares of right and of wrong verdicts over all rules, from fewer or more sessions."""
    right, wrong = np.zeros(size.power_recordings), np.zeros(size.power_recordings)
    part = size._replace(sessions=sessions)
    for i in range(size.power_recordings):
        for rule in RULES:
            rng = seeds.generator(seed, f"power {rule}, {power_noise}, {i}")
            name = judged(recording(part, rule, "all, W lagged", power_noise, rng)).verdict
            right[i] += (name == rule) / len(RULES)
            wrong[i] += (name not in (rule, "cannot tell")) / len(RULES)
    return {
        "right": ("power_recording", right, _text("share of right verdicts")),
        "wrong": ("power_recording", wrong, _text("share of wrong verdicts")),
        "power_recording": ("power_recording", np.arange(size.power_recordings), _text("recording of each rule")),
    }


def constant(size: Size, seed: int, estimator: str) -> Mapping[str, Any]:
    """The coefficient of W where W is constant, standard normal, and its noise has an SD of 0.5."""
    found, none = [], []
    for i in range(size.constants):
        rng = seeds.generator(seed, f"constant {i}")
        W = np.broadcast_to(rng.standard_normal((size.d, size.d)), (201, size.d, size.d))
        one, other = W + 0.5 * rng.standard_normal((2, *W.shape))
        if estimator == "Deming":
            found.append(deming(one[:-1].ravel(), np.diff(one, axis=0).ravel(), 2.0))
            none.append(np.nan)
            continue
        k, v = rng.gamma(1.0, 0.3, (200, size.d)), rng.gamma(2.0, 0.5, (200, size.d))
        how = FromWeights(instrument={"least squares": "none", "W lagged": "lag", "W twice": "split"}[estimator])
        ds = fw.infer_rule(k, v, one, W_split=other if how.instrument == "split" else None, how=how)
        found.append(float(ds.retain) - 1)
        none.append(float(ds.verdict == "none"))
    return {
        "invented": ("draw", found, _text("coefficient of W")),
        "called_none": ("draw", none, _text("whether the verdict is none")),
        "draw": ("draw", np.arange(size.constants), _text("recording")),
    }


def deming(x: np.ndarray, y: np.ndarray, ratio: float) -> float:
    """Slope of Deming's regression through the origin; ``ratio`` of the noise of y to that of x, in variances."""
    xx, yy, xy = np.mean(x * x), np.mean(y * y), np.mean(x * y)
    part = yy - ratio * xx
    return float((part + np.sqrt(part**2 + 4 * ratio * xy**2)) / (2 * xy))


def carried(size: Size, seed: int, carrier: str) -> Mapping[str, Any]:
    """The five terms of one carrier that is driven by the same items as all others."""
    rng = seeds.generator(seed, "driven")
    d, n = 6, size.driven
    k = (rng.random((n, d)) < np.linspace(0.3, 0.8, d)) * rng.gamma(4.0, 0.25, (n, d)) / np.sqrt(0.5 * d)
    v = rng.gamma(2.0, 0.5, (n, d))
    W = driven(size, carrier, k, v, seeds.generator(seed, carrier))
    if "shuffled" in carrier:
        k = k[seeds.generator(seed, "shuffle").permutation(n)]
    ds = fw.infer_rule(k, v, W)
    code = VERDICTS.index(ds.verdict)
    return {
        "coefficient": ("term", ds.coefficient.values, _text("coefficient, per trial")),
        "coefficient_sem": ("term", ds.sem.values, _text("standard error of the coefficient")),
        "carried_explained": ((), float(ds.r2_held_out), _text("share of changes explained, left out")),
        "carried_verdict": ((), code, _text("index of the verdict")),
        "term": ("term", ds.term.values.astype(str), {"long_name": "term of the change"}),
    }


def driven(size: Size, carrier: str, k: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Weights (item + 1, d, d) of one carrier."""
    mechanisms = {"gated trace": fw.GatedTrace(), "two phases": fw.TwoPhase(), "dendrite": fw.Dendritic(),
                  "PES": fw.PES()}  # fmt: skip
    if carrier in mechanisms:
        network = fw.SpikingNetwork(engine="poisson", mechanism=mechanisms[carrier], dale=False)
        rule = "hebb" if carrier == "gated trace" else "delta"
        sent = fw.Instructions(k[None], k[None], v[None], np.full((1, len(k)), size.eta))
        states = fw.simulate(rule, sent, on=network, states=1, seed=int(rng.integers(2**31))).W_states.values
        return np.concatenate([np.zeros((1, *states.shape[-2:])), states.reshape(-1, *states.shape[-2:])])
    if "STDP" in carrier or "shuffled" in carrier:
        return by_spikes(size, carrier, k, v, rng)
    if carrier in ("calcium", "BTSP"):
        return by_circuit(size, carrier, k, v, rng)
    rule = {"Oja, local": "Oja", "Hebb, normalised": "divisive normalisation"}.get(carrier, carrier.split(",")[0])
    W = 0.5 + 0.5 * rng.standard_normal((v.shape[1], k.shape[1]))
    rate, level, kept = size.decay / 5 if rule == "decay" else size.eta, 1.0, [W]
    for key, value in zip(k, v, strict=True):
        W = W + change(rule, W, key, value, np.zeros_like(key), level, rate)
        level += SLOW * (float(np.mean(value**2)) - level)
        kept.append(W)
    noise = 0.05 if carrier == "none, noise" else 0.0
    return np.array(kept) + noise * rng.standard_normal((len(kept), *W.shape))


def by_spikes(size: Size, carrier: str, k: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Weights of synapses between Poisson trains, 50 Hz for an activity of 1, which no weight drives."""
    triplets, inhibitory = fw.TripletSTDP("hippocampus").row(scale=1.0), spike_rules.inhibitory(0.01, 20.0)
    row = {"triplet STDP": triplets, "inhibitory STDP": inhibitory}.get(carrier, spike_rules.pair(0.01, 0.005))
    kept = [0.5 + 0.5 * rng.standard_normal((v.shape[1], k.shape[1]))]
    for key, value in zip(k, v, strict=True):
        pre, post = ([np.sort(rng.uniform(0, size.window, rng.poisson(0.05 * size.window * x))) for x in one]
                     for one in (key, value))  # fmt: skip
        kept.append(kept[-1] + np.array([[row.dw(a, b) for a in pre] for b in post]))
    return np.array(kept)


def by_circuit(size: Size, carrier: str, k: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Weights of synapses with states of their own between Poisson trains as in `by_spikes`, in units of their range.

    For BTSP an item is a lap of `size.lap`, a value the mean number of plateaus of its neuron, and its spikes and
    plateaus lie in the first ``window`` of the lap.
    """
    lasts = size.lap if carrier == "BTSP" else size.window
    trains = []
    for x, per_window in ((k, 0.05 * size.window), (v, 0.5 if carrier == "BTSP" else 0.05 * size.window)):
        counts = rng.poisson(per_window * x)
        at, unit = (np.repeat(one.ravel(), counts.ravel()) for one in np.indices(counts.shape))
        times = np.floor(lasts * at + rng.uniform(0, size.window, len(at))).astype(int)
        trains.append(np.divmod(np.unique(len(x[0]) * times + unit), len(x[0])))  # in order, one per ms
    pre, post = (fw.SpikeSource(x.shape[1], 1.0 * step, unit, name=name)
                 for (step, unit), x, name in zip(trains, (k, v), ("pre", "post"), strict=True))  # fmt: skip
    W0 = rng.random((k.shape[1], v.shape[1]))
    if carrier == "BTSP":
        row = fw.plasticity.BTSP("milstein2021_network").row(1.0, lap=lasts, peak=20.0)
        p, low, span = fw.Projection(pre, post, W0, plasticity=row, modulator=post), 0.0, 1.0
    else:
        row = fw.plasticity.CalciumPlasticity("DP", delay=14.0).row(scale=1.0)
        low, span = row.w_min, row.w_max - row.w_min
        p = fw.Projection(pre, post, low + span * W0, plasticity=row)
    simulation, kept = fw.Circuit([p], dt=1.0).start(0), [W0.T]
    for _ in k:
        simulation.run(lasts)
        kept.append((simulation.weights(p.name).T - low) / span)
    return np.array(kept)


def from_activity(size: Size, seed: int, taylor: str) -> Mapping[str, Any]:
    """What is inferred from activity of ten sessions of 60 steps, of 6 inputs and 3 neurons."""
    from synfwp import reference

    rng = seeds.generator(seed, f"taylor {taylor}")
    x, W0 = rng.random((10, 60, 6)), 0.5 * rng.standard_normal((10, 3, 6))
    reward = (rng.random((10, 60)) < 0.5).astype(float)
    powers, theta = list(TAYLOR[taylor]), list(TAYLOR[taylor].values())
    y = np.stack([reference.taylor("sigmoid", *one, theta, powers, np.inf, W)[0]
                  for one, W in zip(zip(x, reward, strict=True), W0, strict=True)])  # fmt: skip
    y = y + size.taylor_noise * rng.standard_normal(y.shape)
    ds = fw.infer_rule(x, y, W0=W0, reward=reward if taylor == "reward" else None, how=FromActivity(left_out=3))
    names = {(1, 1, 0, 0): "pre post", (0, 2, 1, 0): "post^2 w", (0, 1, 0, 0): "post", (0, 0, 1, 0): "w",
             (1, 1, 0, 1): "pre post reward"}  # fmt: skip
    wanted = {names[power]: value for power, value in TAYLOR[taylor].items()}
    terms = list(names.values())
    obtained = {str(term): float(value) for term, value in zip(ds.term.values, ds.coefficient.values, strict=True)}
    return {
        "true_theta": ("taylor_term", [wanted.get(term, 0.0) for term in terms], _text("coefficient, true")),
        "theta": ("taylor_term", [obtained.get(term, 0.0) for term in terms], _text("coefficient, inferred")),
        "found": (
            (),
            float({t for t, c in obtained.items() if c} == set(wanted)),
            _text("whether its terms alone came out"),
        ),
        "activity_explained": ((), float(ds.r2_held_out), _text("share of the error without plasticity, left out")),
        "taylor_term": ("taylor_term", terms, {"long_name": "term of the Taylor rule"}),
    }


def _text(long_name: str) -> dict[str, str]:
    """Attributes of a number without units."""
    return {"long_name": long_name, "units": "1"}


# rows -----------------------------------------------------------------------------------------------------------------


def rows(ds: xr.Dataset) -> list[Row]:
    """What the same noise on both sides invents, right verdicts in every design, controls, carriers, Taylor rules."""
    size, found = json.loads(ds.attrs["parameters"])["size"], []
    for estimator, expected in zip(ESTIMATORS, (-0.2, -(np.sqrt(1.125) - 1) / 0.25, 0.0, 0.0), strict=True):
        what = f"coefficient of a constant W of SD 1 with noise of SD 0.5, {estimator}"
        found.append(Row(what, ds.invented.sel(estimator=estimator).values, expected, "theory"))
    for estimator in ("W lagged", "W twice"):
        what = f"verdict none (share), constant W with noise, {estimator}"
        found.append(Row(what, ds.called_none.sel(estimator=estimator).values, 1.0, "theory", band=0.1))
    for noise in size["noises"]:
        for observed in HIDDEN:
            at = ds.sel(observed=observed, noise=noise)
            if at.verdict.notnull().all():
                found += _verdicts(at, observed, f"noise {noise:g}", noise > 0.3)
        silent = (ds.control_verdict.sel(noise=noise) == VERDICTS.index("cannot tell")).mean("control").values
        found.append(
            Row(f"cannot tell (share), BCM and normalisations, noise {noise:g}", silent, 1.0, "theory", band=0.1)
        )
        wrong = ds.wrong.sel(power_noise=noise).mean("sessions").values
        what = f"wrong verdicts (share), all numbers of sessions, noise {noise:g}"
        found.append(Row(what, wrong, 0.0, "theory", band=0.05))
        longest = ds.right.sel(power_noise=noise, sessions=max(size["power"])).values
        found.append(Row(f"right verdicts (share), {max(size['power'])} sessions, noise {noise:g}", longest))
    return found + _carriers(ds) + _taylor(ds)


def _verdicts(ds: xr.Dataset, observed: str, noise: str, loud: bool) -> list[Row]:
    """Right verdicts where a design identifies rules, and "cannot tell" where it does not."""
    hidden = HIDDEN[observed]
    shown = [rule for rule in RULES if rule not in hidden and (observed, rule) not in SECOND_ORDER]
    hit = np.mean([ds.verdict.sel(truth=rule).values == VERDICTS.index(rule) for rule in shown], axis=0)
    loud = loud and observed == "all, W lagged"
    why = "a decay needs more sessions than these where the noise is as large as W" if loud else ""
    found = [Row(f"right verdicts (share), {observed}, {noise}", hit, 1.0, "theory", band=0.1, why=why)]
    if hidden:
        silent = np.mean(
            [ds.verdict.sel(truth=rule).values == VERDICTS.index("cannot tell") for rule in hidden], axis=0
        )
        what = f"cannot tell (share), not identified: {observed}, {noise}"
        found.append(Row(what, silent, 1.0, "theory", band=0.1))
    return found


def _carriers(ds: xr.Dataset) -> list[Row]:
    """Erasure in units of the write, and the share that the five terms explain."""
    found = []
    for carrier in CARRIERS:
        at = ds.sel(carrier=carrier)
        if carrier not in ("decay, exact", "none, noise", "calcium"):  # which write nothing along v k
            ratio = -(at.coefficient.sel(term="(W k) k") / at.coefficient.sel(term="v k")).values
            ideal = {"Hebb, exact": 0.0, "delta, exact": 1.0, "gated trace": 0.0, "pair STDP": 0.0, "two phases": 1.0,
                     "dendrite": 1.0, "PES": 1.0}  # fmt: skip
            kind = "exact" if "exact" in carrier else "theory" if carrier in ideal else ""
            expected, band = ideal.get(carrier, np.nan), 1e-6 if kind == "exact" else 0.05 if kind else 0.0
            found.append(Row(f"erasure in units of the write, {carrier}", ratio, expected, kind, band=band))
        if carrier in ("calcium", "BTSP"):
            found.append(Row(f"coefficient of W per item, {carrier}", at.coefficient.sel(term="W").values))
        found.append(Row(f"R^2 of the five terms in items left out, {carrier}", at.carried_explained.values))
    return found


def _taylor(ds: xr.Dataset) -> list[Row]:
    """How often the terms of a rule and no others come out, and what of the activity that was left out they explain."""
    found = []
    for rule in ds.taylor.values:
        at = ds.sel(taylor=rule)
        found.append(
            Row(f"terms of the Taylor rule alone found (share), {rule}", at.found.values, 1.0, "theory", band=0.1)
        )
        for term, value in zip(ds.taylor_term.values, at.true_theta.values[0], strict=True):
            if value:
                obtained = at.theta.sel(taylor_term=term).values
                found.append(Row(f"coefficient of {term}, {rule}", obtained, value, "theory", band=0.02 * abs(value)))
    return found


# figure ---------------------------------------------------------------------------------------------------------------

BRIEF = {"covariance": "cov.", "anti-Hebb": "anti"}
SHORT = {"divisive normalisation": "divisive norm.", "subtractive normalisation": "subtractive norm."}
SHOWN = {"v k": "$v k$", "(W k) k": "$(W k) k$", "W": "$W$", "k": "$k$", "v": "$v$"}


def figure(ds: xr.Dataset) -> Figure:
    """Confusion, designs, power, what noise invents, what spikes carry out, Taylor rules."""
    from synfwp import plot

    fig, axes = plot.figure("double", 140, "abc;def", width_ratios=[1.1, 1.0, 1.0])
    noise = float(ds.noise[len(ds.noise) // 2])
    _confusion(ds.sel(noise=noise), axes["a"])
    _designs(ds.sel(noise=noise), axes["b"])
    _power(ds, axes["c"])
    _invented(ds, axes["d"])
    _terms(ds, axes["e"])
    _recovered(ds, axes["f"])
    plot.letter(axes)
    return fig


def _heat(ax: Any, values: np.ndarray, rows: list[str], columns: list[str], **colours: Any) -> None:
    """A matrix with names."""
    ax.imshow(values, aspect="auto", **colours)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_xticks(range(len(columns)), columns, rotation=90)
    ax.tick_params(length=0)
    ax.spines[["top", "right"]].set_visible(True)


def _confusion(ds: xr.Dataset, ax: Any) -> None:
    """Verdicts against rules where all is observed, in %."""
    from synfwp import plot

    rules = [*RULES, *CONTROLS]
    found = np.concatenate([ds.verdict.sel(observed="all, W lagged").values, ds.control_verdict.values])
    share = 100 * np.array([[np.mean(one == i) for i in range(len(VERDICTS))] for one in found])
    with plot.style():
        _heat(ax, share, [SHORT.get(rule, rule) for rule in rules], list(VERDICTS), cmap="Blues", vmin=0, vmax=130)
        for (i, j), x in np.ndenumerate(share):
            if x:
                ax.text(j, i, f"{x:.0f}", ha="center", va="center", color="white" if x > 60 else "black")
        ax.axhline(len(RULES) - 0.5, color="0.3", lw=0.7)
        ax.set(xlabel="verdict (name)", ylabel="rule", title="verdicts (%)")


def _designs(ds: xr.Dataset, ax: Any) -> None:
    """Right verdicts for each rule and design, in %; grey where right is "cannot tell"."""
    import matplotlib as mpl

    from synfwp import plot

    colours = np.empty((len(RULES), len(HIDDEN), 4))
    with plot.style():
        for (i, rule), (j, (observed, hidden)) in itertools.product(enumerate(RULES), enumerate(HIDDEN.items())):
            right = VERDICTS.index("cannot tell" if rule in hidden else rule)
            share = 100 * float((ds.verdict.sel(observed=observed, truth=rule) == right).mean())
            colours[i, j] = mpl.colormaps["Greys" if rule in hidden else "Greens"](share / 140)
            if share < 100:
                ax.text(j, i, f"{share:.0f}", ha="center", va="center", color="white" if share > 60 else "black")
        _heat(ax, colours, list(RULES), list(HIDDEN))
        ax.set(xlabel="recording (what is observed)", ylabel="rule", title="right verdicts (%)")


def _power(ds: xr.Dataset, ax: Any) -> None:
    """Right and wrong verdicts against the number of items."""
    from synfwp import plot

    size = json.loads(ds.attrs["parameters"])["size"]
    with plot.style():
        for noise, colour in zip(ds.power_noise.values, ("black", "blue", "vermillion"), strict=False):
            for name, line in (("right", "-"), ("wrong", ":")):
                one = 100 * ds[name].sel(power_noise=noise)
                x, label = size["items"] * ds.sessions, f"noise {noise:g}" if name == "right" else None
                error = one.std("power_recording", ddof=1) / np.sqrt(one.sizes["power_recording"])
                error = error if one.sizes["power_recording"] > 1 else None
                plot.points(ax, x, one.mean("power_recording"), error, label=label, colour=colour)
                ax.plot(x, one.mean("power_recording"), color=plot.COLOURS[colour], lw=0.7, ls=line)
        ax.set(xscale="log", ylim=(-3, 103), xlabel="items (number)", ylabel="verdicts (%)")
        ax.set_xticks(size["items"] * ds.sessions.values, [f"{size['items'] * n}" for n in ds.sessions.values])
        ax.minorticks_off()
    plot.legend(ax)


def _invented(ds: xr.Dataset, ax: Any) -> None:
    """Coefficient of a constant W by four estimators."""
    from synfwp import plot

    theory = (-0.2, -(np.sqrt(1.125) - 1) / 0.25, 0.0, 0.0)
    with plot.style():
        for i, estimator in enumerate(ESTIMATORS):
            one = ds.invented.sel(estimator=estimator).values
            ax.plot(i + np.linspace(-0.25, 0.25, len(one)), one, ".", color="0.6", ms=2)
            plot.points(ax, [i], [one.mean()], [one.std(ddof=1) / np.sqrt(len(one))])
            ax.plot([i - 0.4, i + 0.4], [theory[i]] * 2, color="black", lw=0.7, ls="--", label=None if i else "theory")
        ax.set_xticks(range(len(ESTIMATORS)), [name.replace(" ", "\n", 1) for name in ESTIMATORS])
        ax.set(xlim=(-0.6, 3.6), xlabel="estimator (name)", ylabel="coefficient of a constant $W$ (per item)")
    plot.legend(ax)


def _terms(ds: xr.Dataset, ax: Any) -> None:
    """The five terms of every carrier, in units of its largest."""
    from synfwp import plot

    at = ds.sel(carrier=list(CARRIERS))
    error = np.sqrt(np.square(at.coefficient_sem).mean("seed") / at.sizes["seed"])
    mean = at.coefficient.mean("seed").where(lambda one: np.abs(one) > 3 * error, 0.0).values
    scaled = mean / np.maximum(np.abs(mean).max(axis=1, keepdims=True), 1e-300)
    explained = ds.carried_explained.mean("seed").clip(min=0)
    names = [f"{name} ({100 * float(explained.sel(carrier=name)):.0f})" for name in CARRIERS]
    with plot.style():
        _heat(ax, scaled, names, [SHOWN[term] for term in ds.term.values], cmap="RdBu_r", vmin=-1.3, vmax=1.3)
        ax.axhline(2.5, color="0.3", lw=0.7)
        ax.set(xlabel="term (of a change)", ylabel="carrier (R$^2$, %)", title="coefficients")


def _recovered(ds: xr.Dataset, ax: Any) -> None:
    """Inferred against true coefficients of Taylor rules."""
    from synfwp import plot

    colours = ("blue", "vermillion", "green", "orange", "sky", "black", "purple")
    with plot.style():
        for rule, colour in zip(ds.taylor.values, colours, strict=False):
            at = ds.sel(taylor=rule)
            ax.plot(at.true_theta.values.ravel(), at.theta.values.ravel(), "o", ms=3, mfc="none", mew=0.7,
                    color=plot.COLOURS.get(colour, "0.5"), label=BRIEF.get(str(rule), str(rule)))  # fmt: skip
        ax.plot([-0.12, 0.12], [-0.12, 0.12], color="black", lw=0.7, ls="--")
        ax.set(xlim=(-0.12, 0.12), ylim=(-0.12, 0.12), xticks=(-0.1, 0, 0.1), yticks=(-0.1, 0, 0.1),
               xlabel="true (per step)", ylabel="inferred (per step)")  # fmt: skip
    plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    noise = float(ds.noise[len(ds.noise) // 2])
    text = f"""
        Which rule a recording follows. Exact rules; {size["d"]} x {size["d"]} weights recorded before each of
        {size["items"]} items of {size["sessions"]} sessions; {size["recordings"]} recordings of each rule; (a, b) noise
        of a weight, SD {noise:g}. (a) Verdicts where keys, values and W are observed and W is instrumented by W one
        item earlier; below the line what is none of the rules. (b) Right verdicts where less is observed or items are
        special, 100 where no number stands; grey: the design does not identify the rule and right is "cannot
        tell". Events of a block add up to first order. (c) Right (lines) and wrong (dotted) verdicts against
        the number of items, all seven rules, {size["power_recordings"]} recordings each, mean and standard
        error. (d) The coefficient of W where W is
        constant (SD 1, noise 0.5): {size["constants"]} recordings (grey), mean and standard error, theory (dashed).
        (e) Terms of what the same {size["driven"]} items write in exact rules (above the line), in spikes and in rates;
        mean of {size["draws"]} sequences where it is 3 standard errors from 0, in units of the largest (red above,
        blue below 0); in parentheses R^2 in items left out (%), predicted from W one item earlier. (f)
        Taylor rules from activity alone (10 sessions of 60 steps, 6 inputs, 3 sigmoid neurons, noise
        {size["taylor_noise"]:g}), {size["draws"]} activities of each rule; dashed: equal.
    """
    return " ".join(text.split())
