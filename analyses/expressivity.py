"""Expressivity: which groups a memory follows by hand, after training, in rates, and how long in spikes.

Is the number of ones odd? Which element is the product so far? A write with beta = 2 is a reflection, and so many of
them per token follow any finite group (Grazzi et al. 2025, Siems et al. 2025); with eigenvalues in [0, 1], or with too
few writes, no training helps. The same net of weights in rates has to reach an eigenvalue of -1 along the key: a
retrieval that is held does, a read-out that lags behind the weights stops at about -exp(-T / (2 tau)), one that follows
at once at 0. In spikes a reflection is carried out by counts, and beta = 2 lies past the step that is stable on
average: the state of parity, one number that every one inverts, performs a random walk until its sign is lost.

That walk is ours. One neuron per feature, n spikes in a window at peak: the magnitude M of the state has a variance of
(16 M^2 + 4 M) / n per inversion, from the spikes of the key (twice in one write) and of the read-out, with beta such
that the mean is kept. For many spikes it is a diffusion that ends at 0, and the number of inversions after which 3/4 of
the states are right is 0.229 n. In a population each synapse besides walks on its own by 4 M^2 / m per inversion, with
m spikes per neuron, and what that adds to a read, 16 t / m in the bracket for M = 1, does not average out with more
neurons: the length grows as the square root of their number, not in proportion.

By hand are the reflections of `fw.tasks.Reflections`. Nets of all groups are trained with one programmer, first on
shorter words, so parity is Z_2 and addition modulo 3 is Z_3, and H_3 is the group of D_8 with other names. They are not
those of `grazzi2025`, which gives each task a programmer of its own.

Cites: grazzi2025, siems2025, heo2026, hasselmo2002
"""

import functools
import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.linalg import solve_banded
from scipy.optimize import isotonic_regression

import synfwp as fw
from synfwp import results, seeds
from synfwp.results import Row
from synfwp.settings import sized
from synfwp.substrates import door
from synfwp.substrates.flows import lag_propagator
from synfwp.tasks import PermutationGroup, Reflections

Array = np.ndarray
PROBLEMS = {"parity": "S2", "mod 3": "A3", "S3": "S3", "D8": "D8", "H3": "H3", "S5": "S5"}  # and their groups
ENOUGH, FEWER, ERASED = HOW = ("enough writes", "one write fewer", "enough writes, beta 1")
# writes per token and the bound of beta of nets that can follow a group, and of nets that cannot
WRITES = {
    "parity": ((1, 2.0), (1, 1.0)),
    "mod 3": ((2, 2.0), (1, 2.0)),
    "S3": ((2, 2.0), (1, 2.0)),
    "D8": ((2, 2.0), (1, 2.0)),
    "H3": ((2, 2.0), (1, 2.0)),
    "S5": ((4, 2.0), (2, 2.0)),
}
PROGRAMMER: dict[str, Any] = {"d_model": 32, "feature": "identity", "residual": True, "heads": 4}
PLANES = {"S5": 4}  # features of a head; 2, a plane to turn, for all others
SHORT, LONGEST = (3, 40), 256  # tokens of training; of the test, which counts those past SHORT
SOLVED = 0.99  # scaled accuracy
LESSONS = {6: 300, 12: 200}  # longest words of the first lessons, and their updates
FLOWS = ("sample_and_hold", "lagged", "instant")
TAU, T_WRITE, GAIN = 50.0, 100.0, 6.0  # ms, ms, and the gain of the lagged flow whose eigenvalue is a row
RIGHT = 0.75  # share of right signs at the end of the parity length
MANY = 5000  # spikes of the walk of one number, beside the limit of many


class Size(NamedTuple):
    """What is run: draws, nets, networks, and what they get."""

    draws: int  # of the words by hand, and of the spikes
    nets: int  # trained of each system
    systems: int  # so many of the problems are trained
    steps: int  # updates of the last lesson, of groups
    batch: int  # sequences of an update
    words: int  # of a draw by hand
    longest: int  # tokens of a word by hand
    networks: tuple[str, ...]  # engine, neurons per feature x spikes of each in a window
    states: int  # of a draw: sequences that are inverted


FULL = Size(
    draws=10, nets=10, systems=6, steps=800, batch=64, words=100, longest=512, states=100,
    networks=(
        "counts 1x20", "counts 1x80", "counts 1x320", "counts 1x640", "counts 2x10", "counts 4x10", "counts 8x10",
        "counts 16x10", "counts 32x10", "poisson 2x10", "poisson 4x10", "poisson 8x10", "poisson 16x10",
        "poisson 32x10", "lif 2x10", "lif 8x10", "lif 32x10",
    ),
)  # fmt: skip
QUICK = Size(
    draws=2, nets=1, systems=1, steps=200, batch=16, words=10, longest=128, states=40,
    networks=("counts 1x20", "counts 2x10", "counts 4x10", "poisson 2x10", "lif 2x10"),
)  # fmt: skip


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """By hand, trained, in rates and in spikes; ``quick`` trains parity alone, and takes few spikes."""
    draws = range(seed, seed + size.draws)
    words: dict[str, Any] = {"words": size.words, "longest": size.longest}
    hand = results.cells(by_hand, {"problem": list(PROBLEMS), "how": list(HOW), "seed": draws}, **words).hand
    spiking = results.cells(inverted, {"network": list(size.networks), "seed": draws}, states=size.states)
    nets = [parts(name) for name in size.networks]
    expected = [expected_length(neurons, each) for _, neurons, each in nets]
    variables = {
        "hand": (hand.dims, hand.values, _share("right answers by hand")),
        "chance": ("problem", [1 / order(name) for name in PROBLEMS], _share("chance of a right answer")),
        "expected_length": ("network", expected, _share("ones until 3/4 of the signs are right, expected")),
        "spikes": ("network", [neurons * each for _, neurons, each in nets], _share("spikes of a feature in a window")),
        "limit": ((), expected_length(1, 640) / 640, _share("parity length over spikes, limit of many")),
    }
    ds = results.dataset(variables, {name: (name, hand[name].values, {"long_name": name}) for name in hand.dims[:2]})
    alone = [each for engine, neurons, each in nets if (engine, neurons) == ("counts", 1)]
    ds = ds.merge(spiking, join="outer")
    ds = ds.merge(results.cells(walk, {"alone": alone, "seed": draws}, states=size.states), join="outer")
    many = results.cells(walk, {"alone": [MANY], "seed": draws}, states=2000).walk[0] / MANY
    ds["many"] = many.drop_vars("alone").assign_attrs(_share("parity length of one number over its many spikes"))
    ds = ds.merge(trained(size, range(seed, seed + size.nets))).merge(in_rates())
    return results.compared(ds.assign_attrs(results.provenance(size._asdict() | {"quick": quick}, seed)), rows)


def _share(name: str) -> dict[str, str]:
    return {"units": "1", "long_name": name}


# by hand and trained --------------------------------------------------------------------------------------------------


def order(problem: str) -> int:
    """Elements of the group of a problem."""
    return len(Reflections(PROBLEMS[problem]).turns)


def by_hand(problem: str, how: str, words: int, longest: int, seed: int) -> dict[str, Any]:
    """Share of right answers to words of a group: all with enough writes; else those of the second half."""
    group = PROBLEMS[problem]
    turned = Reflections(group)
    writes = turned.writes - (how == FEWER)
    found = np.nan  # one write per token cannot be one fewer
    if writes:
        batch = PermutationGroup(group=group, length=longest)(seeds.generator(seed, "words", group), words)
        arguments = turned.instructions(batch.x.argmax(axis=-1), writes, 1.0 if how == ERASED else 2.0)
        W = np.asarray(fw.scan(turned.rule(writes), states=1, **arguments).states)
        right = turned.answer(W[..., 0, :]) == batch.target
        found = right[:, 0 if how == ENOUGH else longest // 2 :].mean()
    return {"hand": ((), found, _share("share of right answers by hand"))}


def trained(size: Size, nets: range) -> xr.Dataset:
    """Scaled accuracy at 40 to 256 tokens of every net, with enough and with too few writes."""
    grid: dict[str, Any] = {
        "trained": list(PROBLEMS)[: size.systems],
        "write": ["enough", "too few"],
        "net": list(nets),
    }
    found = results.cells(net_of, grid, steps=size.steps, batch=size.batch)
    for name in grid:
        found[name].attrs |= {"long_name": name, "units": "1"}
    return found


def net_of(trained: str, write: str, steps: int, batch: int, net: int) -> dict[str, Any]:
    """Train and test one net of a problem, with writes that can follow it or that cannot."""
    writes, bound = WRITES[trained][write != "enough"]
    group = PROBLEMS[trained]
    params: Any = None
    task = functools.partial(PermutationGroup, group=group, every=True)
    sent, features = task(length=SHORT), PLANES.get(trained, 2)
    programmer = fw.Programmer(
        rule=Reflections.rule(writes), key_norm="l2", d_in=sent.d_in, d_out=sent.d_out, d_key=features,
        d_value=features, beta_max=bound, norm=True, **PROGRAMMER,
    )  # fmt: skip
    for longest, updates in (LESSONS | {SHORT[1]: steps}).items():
        found = fw.train(
            programmer, task(length=(SHORT[0], longest)), steps=updates, batch=batch, learning_rate=0.01, warmup=50,
            seed=net, dtype=np.float32, params=params,
        )  # fmt: skip
        params = found.params
    test = task(length=LONGEST)(seeds.generator(net, "test", group), 200)
    right = (np.asarray(programmer.scores(params, test.x)).argmax(axis=-1) == test.target).mean(axis=0)
    chance, late = float(test.chance), right[test.mask[0]][SHORT[1] - 1 :].mean()
    return {"scaled": ((), (late - chance) / (1 - chance), _share("scaled accuracy, 40 to 256 tokens"))}


# in rates -------------------------------------------------------------------------------------------------------------


def in_rates() -> xr.Dataset:
    """The lowest eigenvalue along the key of each flow against T / tau, and that of one gain, measured."""
    ratio = np.geomspace(0.1, 10, 25)
    lowest = np.array([[lowest_of(flow, x)[0] for x in ratio] for flow in FLOWS])
    measured = np.array([[eigenvalue(flow, lowest_of(flow, x)[1], x) for x in ratio[::6]] for flow in FLOWS])
    variables = {
        "lowest": (("flow", "ratio"), lowest, _share("lowest eigenvalue along the key")),
        "measured": (("flow", "some_ratio"), measured, _share("the same, measured in a network")),
        "at_gain": ((), eigenvalue("lagged", GAIN, T_WRITE / TAU), _share("measured eigenvalue of the lagged flow")),
        "at_gain_exact": ((), propagated(GAIN, T_WRITE / TAU), _share("the same in closed form")),
    }
    flows, part = {"long_name": "flow"}, _share("write over time constant of the read-out")
    coords = {"flow": ("flow", list(FLOWS), flows), "ratio": ("ratio", ratio, part)}
    return results.dataset(variables, coords | {"some_ratio": ("some_ratio", ratio[::6], part)})


def propagated(gain: float, ratio: float) -> float:
    """Eigenvalue along a unit key of the lagged flow from rest: the upper left of ``exp(T [[0, -G], [1, -1]])``."""
    return float(lag_propagator(np.array(gain), 1.0, ratio)[0, 0])


def lowest_of(flow: str, ratio: float) -> tuple[float, float]:
    """The lowest eigenvalue in closed form, for beta up to 2 or any gain up to the first overshoot, and its gain."""
    if flow == "sample_and_hold":
        return 1 + 2 * float(np.expm1(-ratio)), 2.0
    if flow == "instant":
        return float(np.exp(-40.0)), 40.0
    gains = np.linspace(0, np.pi**2 / ratio + ratio / 4 + 1, 4001)
    best = float(gains[lag_propagator(gains, 1.0, ratio)[:, 0, 0].argmin()])
    return propagated(best, ratio), best


def eigenvalue(flow: str, gain: float, ratio: float) -> float:
    """Write one item, then invert it: the ratio of the two states of a rate network. Gaps are long."""
    network = fw.RateNetwork(tau=TAU, T_write=ratio * TAU, T_read=ratio * TAU, gap=40 * TAU, flow=flow)
    key = np.ones((2, 1))
    y = door.run("delta", fw.Instructions(key, key, [[1.0], [0.0]], [0.5, gain]), network).W
    one = door.run("delta", fw.Instructions(key[:1], key[:1], [[1.0]], [0.5]), network).W
    return float(y[0, 0, 0] / one[0, 0, 0])


# in spikes ------------------------------------------------------------------------------------------------------------


def parts(network: str) -> tuple[str, int, int]:
    """Engine, neurons per feature, and spikes of each in a window."""
    engine, numbers = network.split()
    neurons, spikes = numbers.split("x")
    return engine, int(neurons), int(spikes)


def network_of(name: str) -> fw.SpikingNetwork:
    """Two phases at 100 Hz; windows as long as the spikes of a neuron take."""
    engine, neurons, spikes = parts(name)
    code, window = fw.RateCode(peak=100.0, neurons_per_feature=neurons), 10.0 * spikes
    cycle = fw.ThetaCycle(retrieve=window, encode=window, read="end")
    return fw.SpikingNetwork(engine=engine, dale=False, code=code, schedule=cycle, mechanism=fw.TwoPhase())


def inverted(network: str, states: int, seed: int) -> xr.Dataset:
    """Share of states with the right sign after so many inversions, and after how many it is 3/4.

    Each state is written as 1. Beta is that with which the effective rule has the eigenvalue -1.
    """
    net, (_, neurons, spikes) = network_of(network), parts(network)
    mean = net.describe("delta").values
    ones = int(2.5 * expected_length(neurons, spikes)) + 6
    beta = np.full((states, ones + 1), 2 / (mean["erase"] + mean["self_erasure"]))
    beta[:, 0] = 1 / mean["write"]
    key, value = np.ones((states, ones + 1, 1)), np.zeros((states, ones + 1, 1))
    value[:, 0] = 1.0
    y = door.run("delta", fw.Instructions(key, key, value, beta), net, seeds.generator(seed, "parity", network)).y
    state = y[..., 0] * (-1.0) ** np.arange(ones + 1)
    right = (state > 0).mean(axis=0) + (state == 0).mean(axis=0) / 2  # a state that is lost is right half the time
    variables = {
        "right": ("ones", right, _share("share of right signs after so many ones")),
        "length": ((), crossing(right), _share("ones until 3/4 of the signs are right")),
    }
    return results.dataset(variables, {"ones": ("ones", np.arange(ones + 1), _share("ones"))})


def crossing(right: Array) -> float:
    """Where the falling curve nearest to a measured one meets `RIGHT`, between its points; NaN if it does not."""
    falling = isotonic_regression(right, increasing=False).x
    i = int(np.argmax(falling < RIGHT))
    return i - 1 + float((falling[i - 1] - RIGHT) / (falling[i - 1] - falling[i])) if i else np.nan


def walk(alone: int, states: int, seed: int) -> dict[str, Any]:
    """The parity length of the recursion itself, one number and so many spikes in place of a network."""
    rng, n, right = seeds.generator(seed, "walk", alone), alone, [1.0]
    M = rng.poisson(n, states) * rng.poisson(n, states) / n**2
    for _ in range(int(0.4 * n) + 6):
        a = rng.poisson(n, states) / n
        read = np.sign(M) * rng.poisson(a * np.abs(M) * n) / n
        M = 2 / (1 + 1 / n) * a * read - M
        right.append(float((M > 0).mean() + (M == 0).mean() / 2))
    return {"walk": ((), crossing(np.array(right)), _share("parity length of one number"))}


def expected_right(neurons: int, spikes: int, ones: int, per_one: int = 8) -> Array:
    """Share of right signs (ones + 1,) of the diffusion: variance ``(16 M^2 + 4 M + 16 t / m) / n`` per inversion.

    The sign is odd in M, so it is enough to know which share of the magnitude has not met 0: a Fokker-Planck equation
    on M > 0 that 0 absorbs. The last term, with m spikes per neuron, is left out for one neuron per feature.
    """
    M = np.linspace(0, np.sqrt(60.0), 1001) ** 2
    low, M = np.diff(M), M[1:]
    high = np.append(low[1:], low[-1])
    n, mass, left = neurons * spikes, np.zeros(len(M)), int(np.searchsorted(M, 1.0)) - 1
    mass[left + 1] = (1 - M[left]) / low[left + 1]
    mass[left] = 1 - mass[left + 1]
    found, steps = [1.0], ones * per_one
    for step in range(steps):
        apart = 16 * (step + 0.5) / per_one / spikes if neurons > 1 else 0.0
        D = (16 * M**2 + 4 * M + apart) / n / per_one
        down, up = D / (low * (low + high)), D / (high * (low + high))
        up[-1] = 0.0
        bands = np.array([-np.append(0, down[1:]), 1 + down + up, -np.append(up[:-1], 0)])  # of the transpose
        mass = solve_banded((1, 1), bands, mass)
        if (step + 1) % per_one == 0:
            found.append(0.5 + mass.sum() / 2)
    return np.array(found)


@functools.cache
def expected_length(neurons: int, spikes: int) -> float:
    """Where that falls to `RIGHT`."""
    return crossing(expected_right(neurons, spikes, int(0.25 * neurons * spikes) + 3))


# table, figure, caption -----------------------------------------------------------------------------------------------


def rows(ds: xr.Dataset) -> list[Row]:
    """By hand, how many nets solve, the eigenvalues of rates, and parity lengths in spikes."""
    found = []
    for name in ds.problem.values.tolist():
        one = ds.sel(problem=name)
        chance: dict[str, Any] = {"expected": float(one.chance), "kind": "chance"}
        exact: dict[str, Any] = {"expected": 1.0, "kind": "exact", "source": "grazzi2025, proposition 1"}
        found.append(Row(f"{name} by hand, enough writes", one.hand.sel(how=ENOUGH), **exact))
        if name != "parity":
            fewer: dict[str, Any] = {"expected": 1 / 3, "kind": "theory"} if name == "S3" else chance
            found.append(Row(f"{name} by hand, one write fewer, second half", one.hand.sel(how=FEWER), **fewer))
        found.append(Row(f"{name} by hand, beta 1", one.hand.sel(how=ERASED), **chance))
    for name in ds.trained.values.tolist():
        for write in ds.write.values.tolist():
            values = ds.scaled.sel(trained=name, write=write).values
            what, solve = f"{name} trained, {write} writes", int((values >= SOLVED).sum())
            limit: dict[str, Any] = {} if write == "enough" else {"expected": 0.0, "kind": "theory"}
            if limit and name != "S5":  # one write per token
                limit["source"] = f"grazzi2025, theorem {1 if name == 'parity' else 2}"
            found += [Row(f"{what}, scaled accuracy", values), Row(f"{what}, nets that solve it", solve, **limit)]
    for flow in FLOWS:
        one, at = ds.sel(flow=flow), ds.some_ratio.values
        expected = float(one.lowest.sel(ratio=at[-1], method="nearest"))
        what = f"{flow}, lowest eigenvalue at T / tau = {at[-1]:g}"
        found.append(Row(what, float(one.measured[-1]), expected, kind="exact", band=1e-9))
    what, number = f"lagged, eigenvalue at G = {GAIN:g}, tau {TAU:g} ms, T {T_WRITE:g} ms", float(ds.at_gain)
    found.append(Row(what, number, float(ds.at_gain_exact), kind="exact", band=1e-9))
    what = f"one number of {MANY} spikes, ones until 3/4 are right, per spike"
    return [*found, Row(what, ds.many, float(ds.limit), kind="theory"), *_lengths(ds)]


def _lengths(ds: xr.Dataset) -> list[Row]:
    """Parity lengths: one neuron beside one number, populations beside the diffusion, other engines beside counts."""
    found = []
    for name in ds.network.values.tolist():
        one, (engine, neurons, spikes) = ds.sel(network=name), parts(name)
        what = f"{engine}, {neurons} x {spikes} spikes, ones until 3/4 are right"
        same = f"counts {neurons}x{spikes}"
        more: dict[str, Any] = {"kind": "other engine", "why": "traces for counts of a window"}
        if engine == "counts" and neurons == 1:
            other, more["why"] = ds.walk.sel(alone=spikes), ""
        elif engine == "counts":
            why = "the limit of many spikes, with M at 1 in what the synapses differ by"
            found.append(Row(what, one.length, float(one.expected_length), kind="theory", why=why))
            continue
        elif same in ds.network.values:
            other = ds.length.sel(network=same)
        else:
            continue
        error = float(other.std("seed", ddof=1) / other.sizes["seed"] ** 0.5)
        found.append(Row(what, one.length, float(other.mean()), error=error, **more))
    return found


LOOK = {"counts": ("black", "o"), "poisson": ("blue", "s"), "lif": ("vermillion", "^")}
HOW_LOOK = (("blue", "o"), ("vermillion", "s"), ("orange", "D"))
SPELLED = {"counts": "counts", "poisson": "Poisson", "lif": "LIF"}


def figure(ds: xr.Dataset) -> Any:
    """By hand, trained, in rates; in spikes against ones, and the parity length against spikes."""
    from synfwp import plot

    fig, axes = plot.figure("double", 112, "aabbcc;dddeee")
    with plot.style():
        at, ax = np.arange(ds.sizes["problem"]), axes["a"]
        ax.hlines(100 * ds.chance, at - 0.4, at + 0.4, color="0.45", lw=0.7, ls=(0, (3, 2)), zorder=1, label="chance")
        for shift, how, (tint, marker) in zip((-0.2, 0.0, 0.2), HOW, HOW_LOOK, strict=True):
            mean, text = 100 * ds.hand.sel(how=how).mean("seed"), how.replace("enough writes, ", "")
            ax.plot(at + shift, mean, marker, color=plot.COLOURS[tint], label=text)
        _problems(ax, ds.problem.values.tolist(), "right answers by hand (%)")
        plot.legend(ax)
        ax, n = axes["b"], ds.sizes["net"]
        for shift, write, (tint, marker) in zip((-0.15, 0.15), ds.write.values.tolist(), HOW_LOOK, strict=False):
            place = np.arange(ds.sizes["trained"])[:, None] + shift + np.linspace(-0.1, 0.1, n) * (n > 1)
            values = 100 * ds.scaled.sel(write=write).values
            style: dict[str, Any] = {"s": 8, "marker": marker, "color": plot.COLOURS[tint], "alpha": 0.8, "lw": 0}
            ax.scatter(place, values, label=f"{write} writes", **style)
        _problems(ax, ds.trained.values.tolist(), "scaled accuracy of nets (%)")
        plot.legend(ax)
    _rates(ds, axes["c"])
    _against_ones(ds, axes["d"])
    _against_spikes(ds, axes["e"])
    plot.letter(axes)
    return fig


def _problems(ax: Any, names: list[str], label: str) -> None:
    """An axis of problems."""
    cyclic = {"parity": "$Z_2$", "mod 3": "$Z_3$"}
    ax.set_xticks(range(len(names)), [cyclic.get(name, f"${name[0]}_{name[1:]}$") for name in names])
    ax.set(xlim=(-0.6, len(names) - 0.4), ylim=(-4, 104), xlabel="group", ylabel=label)


def _rates(ds: xr.Dataset, ax: Any) -> None:
    """Lowest eigenvalues in closed form, dashed, and measured ones."""
    from synfwp import plot

    with plot.style():
        for flow, tint, marker in zip(FLOWS, ("blue", "vermillion", "black"), "os^", strict=True):
            one, tone = ds.sel(flow=flow), plot.COLOURS[tint]
            ax.plot(ds.ratio, one.lowest, color=tone, linestyle=(0, (3, 2)), linewidth=0.9)
            ax.plot(ds.some_ratio, one.measured, marker, color=tone, label=flow.replace("_", " "))
        ax.set_xscale("log")
        ax.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
        ax.set(ylim=(-1.05, 1.05), xlabel="duration T (tau)", ylabel="lowest eigenvalue")
    plot.legend(ax)


def _against_ones(ds: xr.Dataset, ax: Any) -> None:
    """Right signs against inversions: populations of neurons of ten spikes in counts, and one neuron."""
    from synfwp import plot

    names = [name for name in ds.network.values.tolist() if name.startswith("counts")][::2][:5]
    with plot.style():
        for name, tint in zip(names, plot.COLOURS.values(), strict=False):
            one, (_, neurons, spikes) = ds.sel(network=name).dropna("ones", subset=["right"], how="all"), parts(name)
            label = f"{neurons} x {spikes} spikes"
            ax.plot(one.ones, 100 * one.right.mean("seed"), color=tint, label=label)
            shown = 100 * expected_right(neurons, spikes, int(one.ones[-1]))
            ax.plot(one.ones, shown, color=tint, linestyle=(0, (3, 2)), linewidth=0.7)
        ax.axhline(50, color="0.45", linewidth=0.7, linestyle=":", zorder=1)
        ax.set_xscale("symlog", linthresh=1)
        ax.set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
        ax.set(xlim=(0, None), ylim=(40, 102), xlabel="ones in the word (inversions)", ylabel="right parity (%)")
    plot.legend(ax)


def _against_spikes(ds: xr.Dataset, ax: Any) -> None:
    """The parity length of one neuron and of populations, by engine; dashed: the diffusion."""
    from synfwp import plot

    names = np.array(ds.network.values.tolist())
    single = np.array([parts(name)[1] == 1 for name in names])
    with plot.style():
        for engine, (tint, marker) in LOOK.items():
            mine = np.array([name.startswith(engine) for name in names])
            for kind, face, text in ((single, "white", ", one neuron"), (~single, None, ", neurons of 10 spikes")):
                one = ds.isel(network=np.flatnonzero(mine & kind))
                if one.sizes["network"]:
                    mean, error = one.length.mean("seed"), one.length.std("seed", ddof=1) / one.sizes["seed"] ** 0.5
                    look: dict[str, Any] = {"label": SPELLED[engine] + text, "colour": tint, "marker": marker}
                    drawn = plot.points(ax, one.spikes, mean, error, **look)
                    drawn.lines[0].set_markerfacecolor(face or plot.COLOURS[tint])
        dashed: dict[str, Any] = {"color": "0.45", "linewidth": 0.8, "linestyle": (0, (3, 2)), "zorder": 1}
        n = np.array([20.0, 640.0])
        ax.plot(n, float(ds.limit) * n, label="diffusion", **dashed)
        ax.plot(ds.alone, ds.walk.mean("seed"), ":", color="black", linewidth=0.8, label="one number")
        counts = ds.isel(network=np.flatnonzero(~single & np.array([name.startswith("counts") for name in names])))
        ax.plot(counts.spikes, counts.expected_length, **dashed)
        ax.set(xscale="log", yscale="log", xlabel="spikes of a feature (one window)", ylabel="parity length (ones)")
        for axis, ticks in ((ax.xaxis, (20, 80, 320)), (ax.yaxis, (1, 10, 100))):
            axis.set_ticks(ticks, [str(x) for x in ticks])
        ax.minorticks_off()
    plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    run = json.loads(ds.attrs["parameters"])
    solved = (ds.scaled >= SOLVED).sum("net")
    nets = "; ".join(
        f"{name} {int(solved.sel(trained=name, write='enough'))} and {int(solved.sel(trained=name, write='too few'))}"
        for name in ds.trained.values.tolist()
    )
    counts = ds.sel(network=[name for name in ds.network.values.tolist() if name.startswith("counts")])
    found = zip(counts.network.values.tolist(), counts.length.mean("seed"), counts.expected_length, strict=True)
    spikes = ", ".join(f"{name[7:]} {float(x):.1f} (diffusion {float(other):.1f})" for name, x, other in found)
    text = f"""
        Expressivity by hand, after training, in rates and in spikes. (a) Right answers of writes that nobody trained:
        with enough of them per token (Z_2, which is parity, 1; Z_3, addition modulo 3, S_3, D_8 and H_3 2; S_5 4),
        with one fewer and with beta = 1 (these two in the second half of the word), mean of {run["draws"]} draws of
        {run["words"]} words of {run["longest"]} tokens. (b) Scaled accuracy at 40 to 256
        tokens of nets trained at 3 to 40, {run["nets"]} of each; solved (at least {SOLVED:g}) with enough
        and with too few writes: {nets}. (c) Lowest eigenvalue along the key of a write in rates, beta up to 2 (sample
        and hold) or any gain, against the duration of write and retrieval; dashed: closed form; symbols: networks. (d)
        Right parity after so many ones, each an inversion of a state of 1, in Poisson counts with neurons x spikes per
        feature, mean of {run["draws"]} draws of {run["states"]} states; dashed: diffusion. (e) Ones until 3/4 of the
        signs are right, mean and standard error of the draws, against the spikes of a feature: one neuron in windows as
        long as it takes (dotted: one number in its place), and neurons of 10 spikes in 100 ms; dashed: diffusion. Ones
        until 3/4 of the signs are right in counts: {spikes}.
    """
    return " ".join(text.split())
