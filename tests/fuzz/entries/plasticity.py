"""Plasticity of two spike trains against the twin's sums over spikes; protocols and rows against their formulas."""

import math
from typing import Any

import numpy as np

import synfwp as fw
from fuzz.cases import Arg, Call, Entry, Expected, Rng, need, pick
from synfwp import plasticity, reference
from synfwp.plasticity.stdp import PAIR_PRESETS, TRIPLET_PRESETS

Array = Any
COEFFICIENTS = ("pre_0", "pre_x", "pre_y", "pre_y2", "pre_yx", "post_0", "post_x", "post_x2", "post_xy")
TIMES = ("tau_x1", "tau_x2", "tau_y1", "tau_y2")
FREE = (-math.inf, math.inf, 0.0)


def train(rng: Rng, least: int = 0) -> Array:
    """Up to eight increasing times, ms; a few of them whole numbers, so that trains meet."""
    times = np.round(rng.uniform(0, 200, int(rng.integers(least, 9))), int(rng.integers(0, 4)))
    return np.unique(times)


def trains(rng: Rng) -> dict[str, Arg]:
    """A presynaptic and a postsynaptic train as arguments."""
    return {name: Arg(train(rng), unit="ms", dims=("spike",)) for name in ("pre", "post")}


def checked_train(times: Any) -> Array:
    """A train that has a meaning."""
    times = np.asarray(times, float)
    need(times.ndim == 1 and np.isfinite(times).all() and (np.diff(times) > 2e-6).all())
    return times


def finite(*numbers: Any, above: float = -math.inf) -> None:
    """All are finite and above a bound."""
    need(all(np.ndim(x) == 0 and np.isfinite(x) and x > above for x in numbers))


def change(
    pre: Any, post: Any, c: Any, tau: Any, nearest: bool, in_order: bool, w: Any = None, **more: Any
) -> Expected:
    """The twin's change of a weight between the first and the last spike."""
    pre, post = checked_train(pre), checked_train(post)
    finite(*c)
    finite(*tau, above=0)
    every = np.concatenate([pre, post])
    if not every.size:
        return Expected(0.0, 0.0)
    bounds = FREE if w is None else more["bounds"]
    args = pre, post, np.zeros(0), c, tau, nearest, in_order
    after = reference.stdp(*args, w or 0.0, bounds, more.get("tau_w", math.inf), np.zeros(0), every.min(), every.max())
    size = np.abs(np.asarray(c, float)).max() * (1 + len(pre)) * (1 + len(post)) ** 2 + abs(w or 0.0)
    return Expected(after - (w or 0.0), 1e-12 * size + 1e-300)


def dw(rng: Rng) -> Call:
    """A random row on two trains, with and without a weight that meets bounds."""
    few = [name for name in COEFFICIENTS if rng.random() < 0.5]
    args = {name: Arg(float(rng.normal()) / 10, "number") for name in few}
    args |= {name: Arg(float(rng.uniform(5, 50)), "number", "ms") for name in TIMES}
    args |= trains(rng) | {"interaction": Arg(pick(rng, ("all", "nearest")), "choice")}
    args["coincident"] = Arg(pick(rng, ("in order", "none")), "choice")
    weighted = bool(rng.random() < 0.5)
    if weighted:
        args |= {"w": Arg(float(rng.uniform(0.2, 0.8)), "number"), "w_max": Arg(1.0, "number")}
        args |= {"soft": Arg(float(rng.uniform(0.2, 1.5)), "number")} if rng.random() < 0.4 else {}
        args |= {"tau_w": Arg(float(rng.uniform(50, 500)), "number", "ms")} if rng.random() < 0.4 else {}

    def run(pre: Any, post: Any, w: Any = None, **row: Any) -> float:
        return fw.SynapticRule(name="random", **row).dw(pre, post, w)

    def twin(pre: Any, post: Any, w: Any = None, **row: Any) -> Expected:
        c, tau = [row.get(name, 0.0) for name in COEFFICIENTS], [row[name] for name in TIMES]
        high, soft, tau_w = row.get("w_max", math.inf), row.get("soft", 0.0), row.get("tau_w", math.inf)
        need(soft >= 0 and tau_w > 0 and high > 0 and (w is None or 0 <= w <= high))
        need(not soft or math.isfinite(high))
        more = {"bounds": (0.0, high, soft), "tau_w": tau_w}
        return change(pre, post, c, tau, row["interaction"] == "nearest", row["coincident"] == "in order", w, **more)

    return Call(run, args, twin, ("random",))


def rewarded(rng: Rng) -> Call:
    """A row with an eligibility, applied by rewards."""
    args = trains(rng) | {"reward_times": Arg(train(rng, 1), unit="ms", dims=("spike",))}
    args |= {name: Arg(float(rng.uniform(20, 200)), "number", "ms") for name in ("tau_e", "tau_reward")}
    args |= {name: Arg(float(rng.normal()) / 10, "number") for name in ("post_x", "pre_y", "reward")}

    def run(pre: Any, post: Any, reward_times: Any, **row: Any) -> float:
        return fw.SynapticRule(name="random", **row).dw(pre, post, stop=2000.0, reward_times=reward_times)

    def twin(pre: Any, post: Any, reward_times: Any, **row: Any) -> Expected:
        pre, post, rewards = (checked_train(x) for x in (pre, post, reward_times))
        finite(row["tau_e"], row["tau_reward"], above=0)
        finite(row["post_x"], row["pre_y"], row["reward"])
        every = np.concatenate([pre, post, rewards])
        need(not every.size or every.max() <= 2000)
        if not every.size:
            return Expected(0.0, 0.0)
        c = (0, 0, row["pre_y"], 0, 0, 0, row["post_x"], 0, 0)
        terms = np.array([row["tau_e"], row["tau_reward"], row["reward"]])
        args = pre, post, rewards, c, (20.0,) * 4, False, True, 0.0, FREE, math.inf, terms, every.min(), 2000.0
        after = reference.stdp(*args)
        size = 100 * (abs(row["pre_y"]) + abs(row["post_x"])) * abs(row["reward"]) * sum(terms[:2])
        return Expected(after, 1e-10 * size + 1e-300)

    return Call(run, args, twin, ("random", "rewards", "stop"))


PAIR, TRIPLET = ("A_plus", "A_minus"), ("A2_plus", "A3_plus", "A2_minus", "A3_minus")


def relative(rng: Rng) -> Call:
    """`PairSTDP` and `TripletSTDP`, whose simultaneous spikes form no pair."""
    pair = bool(rng.random() < 0.5)
    amplitudes = PAIR if pair else TRIPLET
    times = ("tau_plus", "tau_minus") + (() if pair else ("tau_x", "tau_y"))
    args = {name: Arg(float(rng.normal()) / 10, "number") for name in amplitudes}
    args |= {name: Arg(float(rng.uniform(5, 100)), "number", "ms") for name in times}
    args |= trains(rng) | {"interaction": Arg(pick(rng, ("all", "nearest")), "choice")}

    def run(pre: Any, post: Any, **row: Any) -> float:
        return (fw.PairSTDP if pair else fw.TripletSTDP)(**row).dw(pre, post)

    def twin(pre: Any, post: Any, interaction: str, **row: Any) -> Expected:
        if pair:
            c = (0, 0, -row["A_minus"], 0, 0, 0, row["A_plus"], 0, 0)
            tau = (row["tau_plus"], 20.0, row["tau_minus"], 20.0)
        else:
            c = (0, 0, -row["A2_minus"], 0, -row["A3_minus"], 0, row["A2_plus"], 0, row["A3_plus"])
            tau = (row["tau_plus"], row["tau_x"], row["tau_minus"], row["tau_y"])
        return change(pre, post, c, tau, interaction == "nearest", False)

    return Call(run, args, twin)


def row_of_scale(rng: Rng) -> Call:
    """A preset as a row of a weight: amplitudes times the weight."""
    name, preset = pick(rng, [("PairSTDP", "bi_poo"), *(("TripletSTDP", x) for x in TRIPLET_PRESETS)])
    args = {"preset": Arg(preset, "choice"), "scale": Arg(float(rng.uniform(0.1, 5)), "number")}

    def run(preset: Any, scale: Any) -> Any:
        row = getattr(fw, name)(preset).row(scale)
        return {"post_x": row.post_x, "pre_y": row.pre_y, "tau_x1": row.tau_x1}

    def twin(preset: Any, scale: Any) -> Any:
        finite(scale, above=0)
        table = {"bi_poo": PAIR_PRESETS["bi_poo"]} | TRIPLET_PRESETS
        number = table[str(preset)]
        up, down = number.get("A_plus", number.get("A2_plus")), number.get("A_minus", number.get("A2_minus"))
        return {"post_x": scale * up, "pre_y": -scale * down, "tau_x1": number["tau_plus"]}

    return Call(run, args, twin)


def pairs(rng: Rng) -> Call:
    """`protocols.pairs`: the two trains."""
    args = {"n": Arg(int(rng.integers(1, 6)), "count"), "rate": Arg(float(rng.uniform(0.1, 20)), "number", "Hz")}
    args["dt"] = Arg(float(rng.uniform(-40, 40)), "number", "ms")

    def run(**given: Any) -> Any:
        protocol = fw.protocols.pairs(**given)
        return {"pre": protocol.pre, "post": protocol.post}

    def twin(n: Any, rate: Any, dt: Any) -> Any:
        finite(rate, above=0)
        finite(dt)
        need(n >= 1)
        starts = np.arange(n) * 1000.0 / rate
        return {"pre": starts + max(0.0, -dt), "post": starts + max(0.0, dt)}

    return Call(run, args, twin)


def bursts(rng: Rng) -> Call:
    """`protocols.bursts`: the two trains."""
    args = {name: Arg(int(rng.integers(1, 5)), "count") for name in ("n", "size")}
    args |= {
        "rate": Arg(float(rng.uniform(10, 50)), "number", "Hz"),
        "dt": Arg(float(rng.uniform(-15, 15)), "number", "ms"),
    }
    args["interval"] = Arg(float(rng.uniform(1000, 10000)), "number", "ms")

    def run(**given: Any) -> Any:
        protocol = fw.protocols.bursts(**given)
        return {"pre": protocol.pre, "post": protocol.post}

    def twin(n: Any, size: Any, rate: Any, dt: Any, interval: Any) -> Any:
        finite(rate, interval, above=0)
        finite(dt)
        need(n >= 1 and size >= 1 and (n == 1 or (size - 1) * 1000.0 / rate < interval))
        starts = np.add.outer(np.arange(n) * interval, np.arange(size) * 1000.0 / rate).ravel()
        return {"pre": starts + max(0.0, -dt), "post": starts + max(0.0, dt)}

    return Call(run, args, twin)


def triplets(rng: Rng) -> Call:
    """`protocols.triplets`: the two trains."""
    kind = pick(rng, ("pre-post-pre", "post-pre-post"))
    sign = 1.0 if kind == "pre-post-pre" else -1.0
    args = {"kind": Arg(kind, "choice"), "n": Arg(int(rng.integers(1, 6)), "count")}
    args |= {"dt1": Arg(sign * float(rng.uniform(1, 30)), "number", "ms")}
    args |= {"dt2": Arg(-sign * float(rng.uniform(1, 30)), "number", "ms"), "rate": Arg(1.0, "number", "Hz")}

    def run(**given: Any) -> Any:
        protocol = fw.protocols.triplets(**given)
        return {"pre": protocol.pre, "post": protocol.post}

    def twin(kind: Any, dt1: Any, dt2: Any, n: Any, rate: Any) -> Any:
        finite(rate, above=0)
        finite(sign * dt1, -sign * dt2, above=0)
        need(n >= 1)
        starts = np.arange(n)[:, None] * 1000.0 / rate
        one, two = np.add(starts, [0.0, abs(dt1) + abs(dt2)]), np.add(starts, abs(dt1))
        need(n == 1 or one[0, 1] < 1000 / rate)
        return {"pre": one.ravel(), "post": two.ravel()} if sign > 0 else {"pre": two.ravel(), "post": one.ravel()}

    return Call(run, args, twin, ("pre_motif", "post_motif"))


def motif(rng: Rng) -> Call:
    """`Protocol` with any motifs."""
    args = {f"{side}_motif": Arg(train(rng) / 4, unit="ms", dims=("spike",)) for side in ("pre", "post")}
    args |= {"n": Arg(int(rng.integers(1, 4)), "count"), "rate": Arg(10.0, "number", "Hz")}

    def run(**given: Any) -> Any:
        protocol = fw.protocols.Protocol(**given)
        return {"pre": protocol.pre, "post": protocol.post, "period": protocol.period}

    def twin(n: Any, rate: Any, **motifs: Any) -> Any:
        finite(rate, above=0)
        need(n >= 1)
        found = {"period": 1000.0 / rate}
        for side in ("pre", "post"):
            times = np.atleast_1d(np.asarray(motifs[f"{side}_motif"], float))
            need(times.ndim == 1 and np.isfinite(times).all() and (np.diff(times) > 0).all())
            need(n == 1 or not times.size or times[-1] - times[0] < 1000 / rate)
            found[side] = np.add.outer(np.arange(n) * 1000.0 / rate, times).ravel()
        return found

    return Call(run, args, twin)


def rows(rng: Rng) -> Call:
    """Rows by function: `pair` and `inhibitory`."""
    if rng.random() < 0.5:
        args = {"A_plus": Arg(0.1, "number"), "A_minus": Arg(0.12, "number")}
        args |= {"tau_plus": Arg(15.0, "number", "ms"), "tau_minus": Arg(30.0, "number", "ms")}

        def pair_twin(**m: Any) -> Any:
            finite(m["A_plus"], m["A_minus"])
            finite(m["tau_plus"], m["tau_minus"], above=0)
            return {"post_x": m["A_plus"], "pre_y": -m["A_minus"], "tau_x1": m["tau_plus"], "tau_y1": m["tau_minus"]}

        return Call(lambda **a: plasticity.pair(**a), args, pair_twin)
    args = {"eta": Arg(float(rng.uniform(0, 1)), "number"), "rate": Arg(float(rng.uniform(1, 20)), "number", "Hz")}
    args["tau"] = Arg(float(rng.uniform(5, 50)), "number", "ms")

    def twin(eta: Any, rate: Any, tau: Any) -> Any:
        finite(eta, rate)
        finite(tau, above=0)
        return {"pre_0": -eta * 2 * rate * tau / 1000, "pre_y": eta, "post_x": eta, "tau_x1": tau, "tau_y1": tau}

    return Call(lambda **a: plasticity.inhibitory(**a), args, twin)


ENTRIES = (
    Entry("SynapticRule.dw", dw, 10),
    Entry("SynapticRule.dw with rewards", rewarded, 4),
    Entry("PairSTDP and TripletSTDP", relative, 6),
    Entry("row(scale)", row_of_scale, 1),
    Entry("protocols.bursts", bursts, 2),
    Entry("protocols.pairs", pairs, 2),
    Entry("protocols.triplets", triplets, 2),
    Entry("protocols.Protocol", motif, 2),
    Entry("rows of plasticity", rows, 2),
)
