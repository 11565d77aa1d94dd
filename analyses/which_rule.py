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

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

import synfwp as fw
from synfwp import results, seeds
from synfwp.inference import FromActivity, FromWeights
from synfwp.plasticity import rows as spike_rules
from synfwp.results import Row
from synfwp.settings import sized

VERDICTS = ("Hebb", "anti-Hebb", "Oja", "covariance", "delta", "decay", "none", "cannot tell")
RULES = VERDICTS[:-1]
CONTROLS = ("BCM", "divisive normalisation", "subtractive normalisation")
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
    "triplet STDP", "inhibitory STDP", "Oja, local", "BCM", "Hebb, normalised", "pair, shuffled", "none, noise",
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
    sessions: int = 16
    eta: float = 0.2  # write per item
    decay: float = 0.1  # of a weight per item
    noises: tuple[float, ...] = (0.05, 0.2, 0.5)  # SD of the noise of a weight
    recordings: int = 20  # of each rule
    power: tuple[int, ...] = (1, 2, 4, 8, 16, 32)  # sessions
    power_recordings: int = 10  # of each rule
    constants: int = 20  # recordings of constant weights
    driven: int = 150  # items of one sequence
    draws: int = 5  # sequences of items, and activities
    window: float = 400.0  # ms: an item of spike trains
    taylor_noise: float = 0.02  # SD of activity


FULL = Size()
QUICK = FULL._replace(sessions=8, noises=(0.05,), recordings=2, power=(1, 4), power_recordings=1, constants=3,
                      driven=40, draws=1)  # fmt: skip


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """All parts, cell by cell."""
    draws = range(seed, seed + size.draws)
    rules = [name for name in TAYLOR if not quick or name in ("Hebb", "decay")]
    runs = [
        results.cells(told, {"observed": list(HIDDEN), "truth": RULES, "noise": size.noises}, size=size, seed=seed),
        results.cells(told, {"observed": list(HIDDEN)[:1], "truth": CONTROLS, "noise": size.noises}, size=size,
                      seed=seed).isel(observed=0, drop=True).rename(truth="control", share="control_share",
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


def change(rule: str, W: np.ndarray, k: np.ndarray, v: np.ndarray, mean: np.ndarray, level: float) -> np.ndarray:
    """What one event changes, in units of the rate; ``mean`` of the keys before, ``level`` of BCM."""
    hebb = np.outer(v, k)
    if rule == "divisive normalisation":
        new = W + 0.2 * hebb
        return (new * (np.linalg.norm(W, axis=1) / np.linalg.norm(new, axis=1))[:, None] - W) / 0.2
    return {
        "Hebb": hebb, "anti-Hebb": -hebb, "Oja": hebb - (v * v)[:, None] * W, "covariance": np.outer(v, k - mean),
        "delta": np.outer(v - W @ k, k), "decay": -W, "none": 0 * W, "BCM": np.outer(v * (v - level), k),
        "subtractive normalisation": hebb - hebb.mean(axis=1, keepdims=True),
    }[rule]  # fmt: skip


def session(size: Size, rule: str, observed: str, rng: np.random.Generator) -> tuple[np.ndarray, Items, np.ndarray]:
    """Weights before each item and after the last, the items, and the values as they are recorded."""
    k, v, held = items(size, observed, rng)
    rate = size.decay if rule == "decay" else size.eta
    rate = rate / 10 if rule == "Oja" and observed == "blocks" else rate / k.shape[1] if rule == "decay" else rate
    W = 0.5 + 0.5 * rng.standard_normal((size.d, size.d))
    kept, post, mean, level, n = [W], np.empty_like(v), np.zeros(size.d), 1.0, 0
    for t in range(len(k)):
        for e in range(k.shape[1]):
            # without a clamp what the weights recall is post, and writes; the target of delta is not recorded
            post[t, e] = W @ k[t, e] if observed == "post is recall" else v[t, e]
            writes = v[t, e] if rule == "delta" else post[t, e]
            W = W + rate * change(rule, W, k[t, e], writes, mean if held is None else held, level)
            mean, level, n = mean + (k[t, e] - mean) / (n + 1), level + 0.05 * (np.mean(writes**2) - level), n + 1
        kept.append(W)
    return np.array(kept), Items(k, v, held), post


def recording(size: Size, rule: str, observed: str, noise: float, rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of `infer_rule` for all sessions of one recording."""
    found = [session(size, rule, observed, rng) for _ in range(size.sessions)]
    W = np.stack([one[0] for one in found])
    made: dict[str, Any] = {
        "pre": np.stack([one[1].k for one in found]), "post": np.stack([one[2] for one in found]),
        "W": W + noise * rng.standard_normal(W.shape),
    }  # fmt: skip
    if observed == "all, W twice":
        made["W_split"] = W + noise * rng.standard_normal(W.shape)
    if found[0][1].mean is not None:
        made["trace"] = np.broadcast_to(found[0][1].mean, made["pre"].shape)
    return made


# cells ----------------------------------------------------------------------------------------------------------------


def told(size: Size, seed: int, observed: str, truth: str, noise: float) -> Mapping[str, Any]:
    """Share of recordings with each verdict, condition number and held-out R^2."""
    found = []
    for i in range(size.recordings):
        rng = seeds.generator(seed, f"{observed}, {truth}, {noise}, {i}")
        found.append(fw.infer_rule(**recording(size, truth, observed, noise, rng)))
    share = [np.mean([one.verdict == name for one in found]) for name in VERDICTS]
    return {
        "share": ("verdict", share, _text("share of recordings")),
        "condition": ((), np.median([one.condition_number for one in found]), _text("condition number")),
        "explained": ((), np.mean([one.r2_held_out for one in found]), _text("share of changes explained, left out")),
        "verdict": ("verdict", list(VERDICTS), {"long_name": "verdict"}),
    }


def powered(size: Size, seed: int, sessions: int, power_noise: float) -> Mapping[str, Any]:
    """Shares of right and of wrong verdicts over all rules, from fewer or more sessions."""
    right, wrong = np.zeros(size.power_recordings), np.zeros(size.power_recordings)
    part = size._replace(sessions=sessions)
    for i in range(size.power_recordings):
        for rule in RULES:
            rng = seeds.generator(seed, f"power {rule}, {power_noise}, {i}")
            name = fw.infer_rule(**recording(part, rule, "all, W lagged", power_noise, rng)).verdict
            right[i] += (name == rule) / len(RULES)
            wrong[i] += (name not in (rule, "cannot tell")) / len(RULES)
    index = ("recording", np.arange(size.power_recordings), _text("recording of each rule"))
    return {
        "right": ("recording", right, _text("share of right verdicts")),
        "wrong": ("recording", wrong, _text("share of wrong verdicts")),
        "recording": index,
    }


def constant(size: Size, seed: int, estimator: str) -> Mapping[str, Any]:
    """The coefficient of W where W is constant, standard normal, and its noise has an SD of 0.5."""
    found = []
    for i in range(size.constants):
        rng = seeds.generator(seed, f"constant {i}")
        W = np.broadcast_to(rng.standard_normal((size.d, size.d)), (201, size.d, size.d))
        one, other = W + 0.5 * rng.standard_normal((2, *W.shape))
        if estimator == "Deming":
            found.append(deming(one[:-1].ravel(), np.diff(one, axis=0).ravel(), 2.0))
            continue
        k, v = rng.gamma(1.0, 0.3, (200, size.d)), rng.gamma(2.0, 0.5, (200, size.d))
        how = FromWeights(instrument={"least squares": "none", "W lagged": "lag", "W twice": "split"}[estimator])
        ds = fw.infer_rule(k, v, one, W_split=other if how.instrument == "split" else None, how=how)
        found.append(float(ds.retain) - 1)
    draw = ("draw", np.arange(size.constants), _text("recording"))
    return {"invented": ("draw", found, _text("coefficient of W")), "draw": draw}


def deming(x: np.ndarray, y: np.ndarray, ratio: float) -> float:
    """Slope of Deming's regression through the origin; ``ratio`` of the noise of y to that of x, in variances."""
    xx, yy, xy = np.mean(x * x), np.mean(y * y), np.mean(x * y)
    part = yy - ratio * xx
    return float((part + np.sqrt(part**2 + 4 * ratio * xy**2)) / (2 * xy))


def carried(size: Size, seed: int, carrier: str) -> Mapping[str, Any]:
    """The five terms of one carrier that is driven by the items of all, scaled to contribute in units of the changes."""
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
        "coefficient": ds.coefficient.variable,
        "coefficient_sem": ds.sem.variable,
        "carried_explained": ((), float(ds.r2_held_out), _text("share of changes explained, left out")),
        "carried_verdict": ((), code, _text("index of the verdict")),
        "term": ds.term.variable,
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
    rule = {"Oja, local": "Oja", "Hebb, normalised": "divisive normalisation"}.get(carrier, carrier.split(",")[0])
    W = 0.5 + 0.5 * rng.standard_normal((v.shape[1], k.shape[1]))
    rate, level, kept = size.decay / 5 if rule == "decay" else size.eta, 1.0, [W]
    for key, value in zip(k, v, strict=True):
        W = W + rate * change(rule, W, key, value, np.zeros_like(key), level)
        level += 0.05 * (np.mean(value**2) - level)
        kept.append(W)
    noise = 0.05 if carrier == "none, noise" else 0.0
    return np.array(kept) + noise * rng.standard_normal((len(kept), *W.shape))


def by_spikes(size: Size, carrier: str, k: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Weights of synapses between Poisson trains, 50 Hz for an activity of 1, which no weight drives."""
    row = {
        "triplet STDP": fw.TripletSTDP("hippocampus").row(scale=1.0), "inhibitory STDP": spike_rules.inhibitory(0.01, 20.0)
    }.get(carrier, spike_rules.pair(0.01, 0.005))  # fmt: skip
    kept = [0.5 + 0.5 * rng.standard_normal((v.shape[1], k.shape[1]))]
    for key, value in zip(k, v, strict=True):
        pre, post = ([np.sort(rng.uniform(0, size.window, rng.poisson(0.05 * size.window * x))) for x in one]
                     for one in (key, value))  # fmt: skip
        kept.append(kept[-1] + np.array([[row.dw(a, b) for a in pre] for b in post]))
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
        "found": ((), float({t for t, c in obtained.items() if c} == set(wanted)), _text("whether its terms alone came out")),
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
        what = f"coefficient of a constant W with noise, SD 0.5, by {estimator}"
        found.append(Row(what, ds.invented.sel(estimator=estimator).values, expected, "theory"))
    for observed, hidden in HIDDEN.items():
        shares = ds.share.sel(observed=observed)
        for noise in size["noises"]:
            at = shares.sel(noise=noise)
            right = [float(at.sel(truth=rule, verdict=rule)) for rule in RULES
                     if rule not in hidden and (observed, rule) not in SECOND_ORDER]  # fmt: skip
            what = f"right verdicts (share), {observed}, noise {noise:g}"
            why = "decay and none of the noisiest weights need more sessions" if min(right) < 0.9 else ""
            found.append(Row(what, np.mean(right), 0.9, "ceiling", claim="above", why=why))
            if hidden:
                silent = np.mean([float(at.sel(truth=rule, verdict="cannot tell")) for rule in hidden])
                what = f"'cannot tell' (share), not identified by {observed}, noise {noise:g}"
                found.append(Row(what, silent, 0.9, "ceiling", claim="above"))
    return found
