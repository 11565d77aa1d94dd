"""Cases of spike-timing-dependent plasticity for other simulators: ``python tests/stdp_cases.py`` writes the file.

Weights and amplitudes are those of the plain twin, `synfwp.reference.circuit`, in float64.
"""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np

import synfwp as fw
from synfwp import plasticity, reference

FILE = Path(__file__).parents[1] / "docs" / "cases" / "stdp_cases.json"
DT = 0.1
TERMS = ("pre_0", "pre_x", "pre_y", "pre_y2", "pre_yx", "post_0", "post_x", "post_x2", "post_xy")
TIMES = ("tau_x1", "tau_x2", "tau_y1", "tau_y2")
PAIR = plasticity.pair(0.1, 0.1, w_max=2.0)
NEAREST = dataclasses.replace(PAIR, name="pair, nearest", interaction="nearest")
TRIPLET = fw.TripletSTDP("hippocampus").row(scale=10.0, w_max=5.0)
TRIPLET_NEAREST = fw.TripletSTDP("hippocampus", interaction="nearest").row(scale=10.0, w_max=5.0)
FREQUENT = fw.TripletSTDP("visual_cortex").row(scale=10.0, w_max=5.0)
LINEAR = dataclasses.replace(PAIR, name="pair, soft", soft=1.0, w_max=1.0)
ROOT = dataclasses.replace(LINEAR, soft=0.5)
DEPRESSING, FACILITATING = (
    fw.ShortTerm(U=0.5, tau_rec=800.0, tau_facil=1.0),
    fw.ShortTerm(U=0.1, tau_rec=100.0, tau_facil=700.0),
)
RESTING = fw.ShortTerm(U=0.2, tau_rec=150.0, tau_facil=50.0, u_rest=0.2)
TRAIN = [10.0, 20.0, 30.0, 40.0, 140.0]


def synapse(weight=0.5, delay=0.0, dendritic=0.0, pre=0, post=0):
    """One synapse of a case."""
    return {"pre": pre, "post": post, "weight": weight, "delay": delay, "dendritic_delay": dendritic}


def case(name, rule, pre, post, synapses, by_hand=None, short_term=None):
    """A case without its results; trains are lists of times, or lists of such lists."""
    trains = [[side] if not side or not isinstance(side[0], list) else side for side in (pre, post)]
    last = max([0.0, *(t for side in trains for train in side for t in train)])
    ways = [one["delay"] + one["dendritic_delay"] for one in synapses]
    duration = 10.0 * np.ceil((last + max(way for way in [0.0, *ways] if way < 100.0) + 5.0) / 10.0)
    fields = rule and {f: getattr(rule, f) for f in (*TERMS, *TIMES, "interaction", "soft", "w_min", "w_max")}
    for bound in ("w_min", "w_max"):
        if fields and not np.isfinite(fields[bound]):
            fields[bound] = None
    return {
        "name": name, "duration": float(duration), "rule": fields,
        "short_term": short_term and dataclasses.asdict(short_term),
        "pre_spikes": trains[0], "post_spikes": trains[1], "synapses": synapses, "by_hand": by_hand,
    }  # fmt: skip


def trains(n, seed):
    """Random trains of about 40 Hz on the grid."""
    raster = np.random.default_rng(seed).random((n, 2000)) < 0.004
    return [[round(DT * int(t), 1) for t in np.flatnonzero(row)] for row in raster]


def net(n_pre, n_post, seed, low=0.2, high=1.0):
    """All pairs of neurons with random delays."""
    rng = np.random.default_rng(seed)
    pairs = [(j, i) for j in range(n_pre) for i in range(n_post)]
    ways = rng.integers(0, 60, (2, len(pairs))) * DT
    weights = rng.uniform(low, high, len(pairs)).round(3).tolist()
    return [
        synapse(w, round(float(a), 1), round(float(d), 1), j, i)
        for (j, i), w, a, d in zip(pairs, weights, *ways, strict=True)
    ]


def cases():
    """All cases."""
    burst, late = [10.0, 12.0, 14.0, 16.0], [13.0, 21.0, 23.0, 40.0]
    one = [synapse()]
    found = [
        case("no spikes", PAIR, [], [], one, ["0.5"]),
        case("a presynaptic spike alone", PAIR, [10.0], [], one, ["0.5"]),
        case("pre before post", PAIR, [10.0], [15.0], one, ["0.5 + 0.1*exp(-5/20)"]),
        case("post before pre", PAIR, [15.0], [10.0], one, ["0.5 - 0.1*exp(-5/20)"]),
        case("two synapses between one pair of neurons", PAIR, [10.0], [15.0], 2 * one, 2 * ["0.5 + 0.1*exp(-0.25)"]),
        case("simultaneous", PAIR, [10.0], [10.0], one, ["0.5 + 0.1"]),
        case("simultaneous, twice", PAIR, [10.0, 30.0], [10.0, 30.0], one,
             ["0.5 + 0.1 - 0.1*exp(-1) + 0.1*(1 + exp(-1))"]),
        case("simultaneous, twice, nearest", NEAREST, [10.0, 30.0], [10.0, 30.0], one,
             ["0.5 + 0.1 - 0.1*exp(-1) + 0.1"]),
        case("an axonal delay makes them meet", PAIR, [10.0], [15.0], [synapse(delay=5.0)], ["0.5 + 0.1"]),
        case("an axonal delay reverses the order", PAIR, [10.0], [15.0], [synapse(delay=7.0)], ["0.5 - 0.1*exp(-0.1)"]),
        case("a dendritic delay", PAIR, [10.0], [15.0], [synapse(dendritic=3.0)], ["0.5 + 0.1*exp(-8/20)"]),
        case("a dendritic delay makes them meet", PAIR, [15.0], [10.0], [synapse(dendritic=5.0)], ["0.5 + 0.1"]),
        case("both delays", PAIR, [10.0], [15.0], [synapse(delay=7.0, dendritic=1.5)], ["0.5 - 0.1*exp(-0.5/20)"]),
        case("a delay past the end", PAIR, [10.0], [15.0], [synapse(delay=300.0), synapse(dendritic=300.0)],
             ["0.5", "0.5"]),
        case("a burst within a delay", PAIR, burst, late, [synapse(1.0, 10.0)]),
        case("a burst within a delay, nearest", NEAREST, burst, late, [synapse(1.0, 10.0)]),
        case("bursts within both delays", PAIR, burst, late, [synapse(1.0, 10.0, 9.0)]),
        case("bursts within both delays, nearest", NEAREST, burst, late, [synapse(1.0, 10.0, 9.0)]),
        case("nearest: one partner each", NEAREST, [10.0, 12.0], [20.0], one, ["0.5 + 0.1*exp(-8/20)"]),
        case("all: every partner", PAIR, [10.0, 12.0], [20.0], one, ["0.5 + 0.1*(exp(-8/20) + exp(-10/20))"]),
        case("hard bounds", PAIR, [10.0, 40.0], [11.0, 39.0], [synapse(1.95), synapse(0.01)],
             ["2.0 - 0.1*(exp(-1/20) + exp(-29/20))", None]),  # the first pair is cut at 2
        case("soft bounds, exponent 1", LINEAR, [10.0], [15.0], [synapse(0.25)], ["0.25 + 0.1*exp(-0.25)*0.75"]),
        case("soft bounds, exponent 1, depression", LINEAR, [15.0], [10.0], [synapse(0.25)],
             ["0.25 - 0.1*exp(-0.25)*0.25"]),
        case("soft bounds, exponent 0.5", ROOT, [10.0], [15.0], [synapse(0.19)], ["0.19 + 0.1*exp(-0.25)*0.9"]),
        case("soft bounds, trains", ROOT, trains(1, 5)[0], trains(1, 6)[0], [synapse(0.3, 2.0, 1.0)]),
        case("triplet: post, pre, post", FREQUENT, [20.0], [10.0, 25.0], [synapse(1.0)]),
        case("triplet: pre, post, pre", TRIPLET, [10.0, 30.0], [20.0], [synapse(1.0)]),
        case("triplet, trains", TRIPLET, trains(1, 1)[0], trains(1, 2)[0], [synapse(1.0, 1.5, 0.7)]),
        case("triplet, trains, nearest", TRIPLET_NEAREST, trains(1, 1)[0], trains(1, 2)[0], [synapse(1.0, 1.5, 0.7)]),
        case("a constant at each arrival", plasticity.inhibitory(0.1, 5.0, w_max=5.0), [10.0, 50.0], [20.0],
             [synapse(1.0)]),
        case("many synapses, both delays", PAIR, trains(3, 7), trains(2, 8), net(3, 2, 9)),
        case("many synapses, both delays, nearest", NEAREST, trains(3, 7), trains(2, 8), net(3, 2, 10)),
        case("many synapses, both delays, triplet", TRIPLET, trains(3, 7), trains(2, 8), net(3, 2, 11)),
        case("depressing", None, TRAIN, [], [synapse(1.0)], short_term=DEPRESSING),
        case("facilitating", None, TRAIN, [], [synapse(1.0)], short_term=FACILITATING),
        case("short-term at rest above 0", None, TRAIN, [], [synapse(2.0)], short_term=RESTING),
        case("short-term behind delays", None, TRAIN, [], [synapse(1.0, 3.0, 2.0), synapse(1.0, 0.5, 0.0)],
             short_term=DEPRESSING),
        case("short-term on long-term, both delays", PAIR, TRAIN, [12.0, 33.0, 41.0],
             [synapse(1.0, 3.0, 2.0), synapse(0.5, 0.0, 6.0)], short_term=FACILITATING),
    ]  # fmt: skip
    return found


def solve(given):
    """Weights at the end, and what each spike transmits, of the twin."""
    n, raster = round(given["duration"] / DT), []
    for name in ("pre_spikes", "post_spikes"):
        side = np.zeros((n, len(given[name])), bool)
        for unit, times in enumerate(given[name]):
            side[np.round(np.array(times) / DT).astype(int), unit] = True
        raster.append(side)
    weights, sent, few = [], [], len(given["synapses"]) < 3 and raster[0].sum() < 6
    for s, one in enumerate(given["synapses"]):
        spikes = raster[0][:, one["pre"]], raster[1][:, one["post"]]
        way, late = round(one["delay"] / DT), round(one["dendritic_delay"] / DT)
        weights.append(_twin(given, one, spikes, n, way, late)[0])
        for t in np.flatnonzero(spikes[0]) if few else ():
            if t + way + late < n:
                _, current, _, _ = _twin(given, one, spikes, t + way + late + 1, way, late)
                _, _, u, x = _twin(given, one, spikes, t + way + 1, way, late)
                state = {"u": u, "x": x} if given["short_term"] else {}
                sent.append({"synapse": s, "time": round(DT * float(t + way + late), 1), "amplitude": current} | state)
    return {"weights": weights, "transmitted": sent}


def _twin(given, one, spikes, n, way, late):
    """Weight, what has just reached the soma, u and x after n steps of one synapse."""
    rule = given["rule"] and dataclasses.asdict(plasticity.SynapticRule(name="case", **_bounds(given["rule"])))
    short = given["short_term"] and given["short_term"] | {"dt": DT}
    at_once = {"receptors": [("g", 1e-3, None, False)], "v": np.zeros(1), "drive": np.zeros((n, 1))}  # decays in a step
    quiet = {"g_leak": 1.0, "tau_m": 20.0, "v_rest": 0.0, "v_threshold": 1.0, "t_ref": 0.0, "v_reset": 0.0}
    groups = [{"raster": spikes[0][:n, None]}, {"raster": spikes[1][:n, None]}, at_once | quiet]
    ones = np.ones(n)
    common = {
        "pre": 0, "W": np.array([[one["weight"]]]), "mask": np.ones((1, 1)), "delay": way, "dendritic": late,
        "transmit": ones, "gate": ones, "eligible": 0 * ones, "latch": [], "modulator": None,
    }  # fmt: skip
    learns = common | {"post": 1, "receptor": None, "rule": rule, "short_term": None}
    # what it transmits: the weight of the arrival, which a run that ends just before its change has
    reach = n - 1 - late
    before = one["weight"]
    if rule and reach >= 0:
        cut = [{"raster": spikes[0][:reach, None]}, {"raster": spikes[1][:reach, None]}]
        before = reference.circuit(None, cut, [dict(learns)], reach, DT)[1][0]["W"][0, 0] if reach else before
    carries = common | {"post": 2, "receptor": "g", "rule": None, "short_term": short, "W": np.array([[before]])}
    groups, made = reference.circuit(None, groups, [learns, carries], n, DT)
    u, x = made[1]["u"], made[1]["x"]
    return float(made[0]["W"][0, 0]), float(groups[2]["g"]["g"][0]), float(u[0]), float(x[0])


def _bounds(rule):
    """A rule's fields with infinite bounds for those that are null."""
    free = {"w_min": -np.inf, "w_max": np.inf}
    return {name: free.get(name) if value is None else value for name, value in rule.items()}


def content():
    """What the file holds."""
    return {
        "format": 1,
        "about": "Spike-timing-dependent plasticity: spike trains in, weights out. The conventions stand in STDP.md.",
        "units": {"time": "ms", "weight": "of the case", "dt": DT},
        "cases": [one | solve(one) for one in cases()],
    }


if __name__ == "__main__":
    text = json.dumps(content(), indent=1)
    FILE.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"{FILE}: {len(cases())} cases, {len(text)} characters\n")
