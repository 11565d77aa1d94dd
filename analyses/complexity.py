"""The complexity of a synapse: how long binary, cascade and beaker synapses keep a memory, and fast weights beside.

N synapses are changed by +1 or -1, each with the same chance, and a memory is one pattern of such changes. Its SNR is
the sum of the weights along the pattern over the SD of that sum without it, for an observer of all synapses; its
lifetime the last age at which the SNR is above 1. A Hebbian matrix of d x d synapses under keys and values of +-1 is
such a population, so that every synapse is run by `synfwp.retention`, and so are the delta rule and heads that fade
(RetNet). What is compared at the same number of bits counts 32 for a real number. Beakers are also run in few bits,
sparse patterns with potentiation and depression that balance, and plateaus with a coin for the sign. Closed forms of
`synfwp.theory` are drawn beside.

Published: the rules of the cascade and the beakers, a slope of about -3/4 and of -1/2, sqrt(N) of binary synapses.
Ours: sizes, windows of ages, the decays and steps of the float memories (best for an SNR of 1).

Cites: amit1994, fusi2005, benna2016, lahiri2013, sun2023retnet, wu2025
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, seeds, theory
from synfwp.memory import BennaFusi, Binary, Cascade, MultiDecay, Synapse, System, scan_through
from synfwp.results import Row
from synfwp.settings import sized

Array = np.ndarray
WINDOWS = ((0, 3), (3, 10), (10, 30), (30, 100), (100, 300), (300, 1000), (1000, 3000))  # ages, the last one excluded
SIZES = tuple(10.0**n for n in range(3, 9))  # synapses
LEVELS, VARIABLES = (5, 10, 15), (4, 6, 8, 10, 12)
FLOAT = 32  # bits of a real number
FAINT = 0.05  # SNR below which nothing is left to compare
MIDDLE = [np.sqrt(max(first, 0.5) * last) for first, last in WINDOWS]
HEADS, CHAIN, CHAIN_BITS, SPAN = 8, 10, 5, 12.0
NAMES = (
    "binary", "cascade 5", "cascade 10", "cascade 15", "beakers 4", "beakers 6", f"beakers 4, {CHAIN_BITS} bits each",
    f"{HEADS} decays", "Hebb, decay", "delta",
)  # fmt: skip


class Size(NamedTuple):
    """What is simulated."""

    features: tuple[int, ...]  # of keys and of values: N is their square
    writes: int  # patterns of a run
    oldest: int  # largest age that is read
    draws: int  # runs, each with a seed of its own
    sparse: tuple[float, ...] = (0.3, 0.2, 0.1)  # coding levels
    sparse_features: int = 200  # features of sparse patterns
    plateau: float = 0.2  # share of patterns in which a neuron has a plateau, and in which an input is active


FULL = Size(features=(32, 100, 200), writes=6000, oldest=2999, draws=16)
QUICK = Size(features=(32,), writes=1000, oldest=99, draws=6, sparse=(0.2,), sparse_features=60)


def systems(d: int, writes: int = 0) -> dict[str, tuple[Any, Callable[[Array], Array]]]:
    """Memories of d x d synapses, and their SNR by age in closed form; a change has the size 1 / sqrt(d).

    The SNR is that after so many writes; 0: after endless ones.
    """
    N, one = d * d, d**-0.5
    flip, step, keep = np.e / d, best_step(d), 1 - np.e / (2 * N)
    found: dict[str, tuple[Any, Callable[[Array], Array]]] = {
        "binary": (Binary(one / flip), lambda t: theory.binary_snr(t, N, flip)),
        "Hebb, decay": (
            System("leaky_hebb", decay=keep, beta=1.0),
            young(lambda t: np.sqrt(d * theory.leaky_snr(t, d, keep)), N, writes),
        ),
        "delta": (System("delta", beta=step), lambda t: delta_snr(t, d, step, writes or None)),
        f"{HEADS} decays": (MultiDecay(HEADS), young(lambda t: np.sqrt(N) * fading(t, HEADS), N, writes)),
    }
    for n in LEVELS:
        found[f"cascade {n}"] = (Cascade(n, scale=one), partial(theory.cascade_snr, synapses=N, levels=n))
    for m in VARIABLES[:2]:
        closed = partial(theory.benna_fusi_snr, synapses=N, variables=m)
        found[f"beakers {m}"] = (BennaFusi(m), young(closed, N, writes))
    coarse = BennaFusi(VARIABLES[0], variable_bits=CHAIN_BITS, span=SPAN * one)
    found[f"beakers {VARIABLES[0]}, {CHAIN_BITS} bits each"] = (
        coarse,
        young(lambda t: theory.benna_fusi_snr(t, N, VARIABLES[0]), N, writes),
    )
    return found


def young(snr: Callable[[Array], Array], synapses: float, writes: int) -> Callable[[Array], Array]:
    """SNR of a linear memory after so many writes, whose noise is what they have left: ``sum SNR^2 = N`` at last."""
    if not writes:
        return snr
    so_far = float((snr(np.arange(writes)) ** 2).sum())
    return lambda t: snr(t) * np.sqrt(synapses / so_far)


def best_step(d: float) -> float:
    """The beta of the delta rule whose SNR, of all d outputs together, stays above 1 for longest."""
    steps = np.geomspace(0.3 / d, 1.0, 60)
    lives = [float((delta_snr(np.geomspace(1, 20 * d * d, 400), d, b) > 1).sum()) for b in steps]
    return float(steps[int(np.argmax(lives))])


def delta_snr(age: Array, d: float, beta: float, writes: int | None = None) -> Array:
    """SNR of the delta rule on d x d synapses, over its noise at that age."""
    noise = theory.delta_noise(age, d, beta, writes)
    return np.asarray(np.sqrt(d) * theory.delta_signal(age, d, beta) / np.sqrt(noise))


def fading(age: Array, heads: int) -> Array:
    """Answer to one change over the SD of all others, of the mean of RetNet's heads: sums of geometric series."""
    decay = np.array(MultiDecay(heads).decays)
    variance = (1 / (1 - decay[:, None] * decay)).sum()
    return np.asarray((decay ** np.asarray(age)[..., None]).sum(axis=-1) / np.sqrt(variance))


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Simulate every kind of synapse, sparse patterns and plateaus; ``quick`` does it for few small ones."""
    draws = range(seed, seed + size.draws)
    runs = results.cells(retained, {"features": size.features, "synapse": NAMES, "draw": draws}, size=size)
    sparse = results.cells(thinned, {"active": size.sparse, "draw": draws}, size=size)
    coins = results.cells(tossed, {"draw": draws}, size=size)
    ds = xr.merge([runs, sparse, coins], combine_attrs="drop_conflicts")
    for name, text in (("features", "features of keys and of values"), ("active", "coding level"), ("draw", "draw")):
        ds[name].attrs.update(units="1", long_name=text)
    windows = [f"{a} to {b - 1}" for a, b in WINDOWS]
    ds = ds.assign_coords(window=("window", windows, {"long_name": "ages"}))
    return results.compared(ds.assign_attrs(results.provenance({"size": size._asdict()}, seed)), rows)


def retained(size: Size, features: int, synapse: str, draw: int) -> Mapping[str, Any]:
    """SNR over windows of ages in one draw, and in closed form."""
    system, closed = systems(features, size.writes)[synapse]
    ages = np.arange(size.oldest + 1)
    ds = fw.retention(
        {synapse: system}, writes=size.writes, oldest=size.oldest, d_key=features, keys="binary", values="binary",
        beta=1.0 if isinstance(system, Synapse) else "best", seeds=1, seed=draw,
    )  # fmt: skip
    one = ds.isel(system=0, threshold=0)
    found, expected = np.full((2, len(WINDOWS)), np.nan)
    for i, (first, last) in enumerate(WINDOWS):
        if last <= size.oldest + 1:
            at = slice(first, last)
            noise = float(one.noise[at].mean()) ** 0.5
            found[i] = features**0.5 * float(one.signal[at].mean()) / noise
            expected[i] = closed(ages[at]).mean()
    text = {"units": "1", "long_name": "SNR"}
    return {"snr": ("window", found, text), "snr_theory": ("window", expected, text | {"long_name": "SNR, theory"})}


def thinned(size: Size, active: float, draw: int) -> Mapping[str, Any]:
    """SNR at ages 0, 1, ... of sparse patterns in binary synapses: potentiated and depressed equally often, as f^2."""
    d, q = size.sparse_features, 4 * active**2  # share of synapses that a pattern sets anew
    rng = seeds.generator(draw, "sparse", active, d)
    writes = int(min(2000, 3 / q))
    k, v = (rng.random((2, writes, d)) < active) - active
    W = scan_through(Binary((1 - active) ** 2), "hebb", 0 * k, k, v, seed=rng).W
    signal = np.einsum("ti,ij,tj->t", v, W, k)[::-1]
    half = int(np.log(2) / q)
    early, late = signal[: max(1, half // 10)], signal[half : half + max(1, half // 10)]
    scale = d * active * (1 - active)
    text = {"units": "1", "long_name": "SNR of a sparse pattern"}
    return {
        "sparse_early": ((), early.mean() / scale, text),
        "sparse_late": ((), late.mean() / scale, text),
        "sparse_early_theory": ((), theory.sparse_snr(np.arange(len(early)), d * d, active).mean(), text),
        "sparse_late_theory": ((), theory.sparse_snr(half + np.arange(len(late)), d * d, active).mean(), text),
    }


class Coin(Binary):
    """Binary synapses that a change sets anew, up or down by a fair coin."""

    def update(self, state: Array, dW: Array, rng: np.random.Generator) -> Array:
        """A fair coin where there is a change."""
        return np.where(dW != 0, np.where(rng.random(dW.shape) < 0.5, 1, -1), state).astype(np.int8)


def tossed(size: Size, draw: int) -> Mapping[str, Any]:
    """Correlation of weights with themselves some patterns ago, under plateaus with a coin."""
    d, f, ages = size.sparse_features, size.plateau, np.array([1, 5, 20])
    rng = seeds.generator(draw, "coin", d)
    k, v = (rng.random((2, ages[-1], d)) < f).astype(float)
    synapse = Coin()
    kept: Any = scan_through(synapse, "hebb", 0 * k, k, v, states=1, seed=rng).states
    found = [float((kept[-1] * kept[-1 - age]).mean()) for age in ages[:-1]]
    text = {"units": "1", "long_name": "correlation with earlier weights"}
    age = ("coin_age", ages[:-1], {"units": "1", "long_name": "patterns since"})
    return {"coin": ("coin_age", found, text), "coin_age": age}


def chain_snr(rates: Array, synapses: float, oldest: float) -> tuple[Array, Array]:
    """Ages and SNR of beakers from the rates of the synapse itself: its transition, diagonalised."""
    down, up = rates
    m = len(down)
    step = np.eye(m) - np.diag(down) + np.diag(down[:-1], 1)
    step[np.arange(1, m), np.arange(1, m)] -= up[1:]
    step[np.arange(1, m), np.arange(m - 1)] += up[1:]
    values, vectors = np.linalg.eig(step)
    weights = np.real(vectors[0] * np.linalg.solve(vectors, np.eye(m)[0]))
    values = np.real(values)
    variance = (weights[:, None] * weights / (1 - values[:, None] * values)).sum()
    age = np.unique(np.round(np.geomspace(1, oldest, 4000)).astype(int))
    return age, np.sqrt(synapses / variance) * (values ** age[:, None] @ weights)


def cascade_curve(n: int, oldest: int) -> Array:
    """SNR of one cascade synapse at ages 0, 1, ...: its own rates, pattern after pattern."""
    deeper, flip = Cascade(n).rates.T
    level = np.arange(n)
    up = np.zeros((2 * n, 2 * n))  # depressed levels, then potentiated ones
    up[level, level], up[n, level] = 1 - flip, flip
    up[n, 0] += 0.0
    up[n + level, n + level] = 1 - deeper
    up[n + level[1:], n + level[:-1]] += deeper[:-1]
    down = np.roll(up, (n, n), axis=(0, 1))
    rest, sign = np.full(2 * n, 0.5 / n), np.repeat([-1.0, 1.0], n)
    state, curve = (up - down) @ rest / 2, np.empty(oldest + 1)
    for t in range(oldest + 1):
        curve[t] = sign @ state
        state = (up + down) @ state / 2
    return curve


def slope(age: Array, snr: Array, first: float, last: float) -> float:
    """Least-squares slope in logarithms, at ages that are evenly spaced there."""
    at = np.unique(np.round(np.geomspace(first, last, 50)).astype(int))
    return float(np.polyfit(np.log(at), np.log(np.interp(at, age, snr)), 1)[0])


def rows(ds: xr.Dataset) -> list[Row]:
    """Lifetimes and slopes of the rules themselves, then what was simulated against closed forms."""
    found = _binary_rows() + _cascade_rows() + _beaker_rows() + _frontier_rows()
    for d in ds.features.values:
        for kind in ds.synapse.values:
            for window in ds.window.values:
                at = ds.sel(features=d, synapse=kind, window=window)
                if not at.snr_theory.mean() > FAINT:
                    continue
                what = f"SNR, {kind}, N = {d * d}, ages {window}"
                if kind.endswith("bits each"):
                    real = ds.snr.sel(features=d, synapse=kind.partition(",")[0], window=window).values
                    found.append(Row(what + ", below real numbers", at.snr.values, real, "control", claim="below",
                                     why="levels cut what is beyond 3 SD, and chance adds noise"))  # fmt: skip
                else:
                    found.append(Row(what, at.snr.values, float(at.snr_theory.mean()), "theory"))
    for active in ds.active.values:
        for part in ("early", "late"):
            at = ds.sel(active=active)
            what = f"SNR, sparse patterns, f = {active:g}, {'newest' if part == 'early' else 'half as strong'}"
            found.append(
                Row(what, at[f"sparse_{part}"].values, float(at[f"sparse_{part}_theory"].mean()), "theory",
                    "derived here: sqrt(N) f / (1 - f) (1 - 4 f^2)^t")
            )  # fmt: skip
    share = json.loads(ds.attrs["parameters"])["size"]["plateau"]
    for age in ds.coin_age.values:
        expected = float(theory.btsp_correlation(age, share, share))
        what = f"correlation with weights {age} patterns ago, plateau and coin"
        found.append(Row(what, ds.coin.sel(coin_age=age).values, expected, "theory", "wu2025"))
    return found


def _binary_rows() -> list[Row]:
    """The most ages with an SNR above 1 over chances of a flip, from the synapse's own: |dW| / scale."""
    found = []
    for N, printed in ((1e3, 12), (1e4, 37), (1e5, 116), (1e6, 368)):
        age, most = np.arange(1000), 0
        for chance in np.geomspace(0.3, 30, 2001) / np.sqrt(N):
            q = min(1 / Binary(1 / chance).scale, 1.0)
            most = max(most, int((np.sqrt(N) * q * (1 - q) ** age > 1).sum()))
        what = f"ages with an SNR above 1, binary, best q, N = {N:g}"
        found.append(Row(what, most, printed, "recomputed", "amit1994", band=1e-3 * printed))
    return found


def _cascade_rows() -> list[Row]:
    """From the rates of the synapse, pattern after pattern."""
    found, printed = [], {5: (34, 67, 99), 10: (76, 840, 2010), 15: (43, 857, 11658)}
    for n, lives in printed.items():
        curve = cascade_curve(n, 2**15)
        found.append(
            Row(f"SNR at age 0 over sqrt(N), cascade {n}", curve[0], 2 / n, "exact", "fusi2005", band=1e-12)
        )  # fmt: skip
        for N, life in zip((1e4, 1e6, 1e8), lives, strict=True):
            last = int(np.flatnonzero(np.sqrt(N) * curve > 1)[-1])
            what = f"lifetime, cascade {n}, N = {N:g}"
            found.append(Row(what, last, life, "recomputed", "fusi2005, rates of the cascade", band=1e-3 * life))
        if n > 5:
            fitted, number = slope(np.arange(len(curve)), curve, 1, 2**n), {10: -0.70, 15: -0.79}[n]
            what, why = (
                f"slope of SNR, cascade {n}, ages 1 to 2^{n}",
                "the slope steepens with age, and so with the window",
            )
            found.append(Row(what, fitted, -0.75, "published", "fusi2005 (about -3/4)", band=0.05, why=why))
            found.append(Row(what + ", again", fitted, number, "recomputed", "fusi2005, window of ages not known",
                             band=0.005, why=why))  # fmt: skip
    return found


def _beaker_rows() -> list[Row]:
    """From the rates of the synapse, diagonalised."""
    found = []
    first = (0.2414, 0.2048, 0.1813, 0.1645, 0.1517)
    lives = (6015, 73409, 734100, 4.556e6, 5.401e6)
    source = "benna2016, the chain with rates 2^(-2i) and 2^(-2i-1)"
    for m, at_one, life in zip(VARIABLES, first, lives, strict=True):
        age, snr = chain_snr(BennaFusi(m).rates, 1.0, 1e8)
        found.append(Row(f"SNR at age 1 over sqrt(N), beakers {m}", snr[0], at_one, "recomputed", source, band=5e-5))
        last = float(np.exp(np.interp(0, -np.log(np.maximum(1e4 * snr, 1e-300)), np.log(age))))
        what = f"lifetime, beakers {m}, N = 1e+08"
        found.append(Row(what, last, life, "recomputed", source, band=1e-3 * life))
    for m, printed in ((4, -0.46), (10, -0.49)):
        age, snr = chain_snr(BennaFusi(m).rates, 1.0, 1e8)
        what = f"slope of SNR, beakers {m}, ages 1 to 4^{m}"
        found.append(Row(what, slope(age, snr, 1, 4.0**m), printed, "recomputed", source, band=0.005))
    return found


def _frontier_rows() -> list[Row]:
    """No synapse of M states outlives the frontier."""
    found = []
    for n in LEVELS:
        for N in (1e4, 1e8):
            bound = theory.frontier_lifetime(N, 2 * n)
            what = f"lifetime, cascade {n}, N = {N:g}, below the frontier of {2 * n} states"
            found.append(Row(what, theory.cascade_lifetime(N, n), bound, "ceiling", "lahiri2013", claim="below"))
    return found


STYLES = {  # colour, marker, dashes of the closed form
    "binary": ("black", "o", (3, 2)), "cascade 5": ("sky", "o", (3, 2)), "cascade 10": ("blue", "o", (3, 2)),
    "cascade 15": ("purple", "o", (3, 2)), "beakers 4": ("orange", "o", (3, 2)),
    "beakers 6": ("vermillion", "o", (3, 2)), f"beakers {CHAIN}": ("vermillion", "o", (3, 2)),
    "delta": ("green", "o", (3, 2)), "Hebb, decay": ("green", "s", (1, 1)),
    f"{HEADS} decays": ("green", "^", (5, 1, 1, 1)),
}  # fmt: skip


def equal_bits(bits: float) -> dict[str, tuple[float, Callable[[Array], Array]]]:
    """Synapses that so many bits pay for, and the SNR by age of each kind."""
    count = {
        "binary": bits, "cascade 10": bits / np.log2(20), f"beakers {CHAIN}": bits / (CHAIN * CHAIN_BITS),
        f"{HEADS} decays": bits / (HEADS * FLOAT), "delta": bits / FLOAT, "Hebb, decay": bits / FLOAT,
    }  # fmt: skip
    d = np.sqrt(bits / FLOAT)
    step, keep = best_step(d), 1 - np.e / (2 * d * d)
    snr: dict[str, Callable[[Array], Array]] = {
        "binary": lambda t: theory.binary_snr(t, count["binary"], np.e / np.sqrt(count["binary"])),
        "cascade 10": lambda t: theory.cascade_snr(t, count["cascade 10"], 10),
        f"beakers {CHAIN}": lambda t: theory.benna_fusi_snr(t, count[f"beakers {CHAIN}"], CHAIN),
        f"{HEADS} decays": lambda t: np.sqrt(count[f"{HEADS} decays"]) * fading(t, HEADS),
        "delta": lambda t: delta_snr(t, d, step),
        "Hebb, decay": lambda t: np.sqrt(d * theory.leaky_snr(t, d, keep)),
    }
    return {name: (count[name], snr[name]) for name in snr}


def figure(ds: xr.Dataset) -> Any:
    """Four panels at the width of a page."""
    from synfwp import plot

    fig, axes = plot.figure("double", 120, "ab;cd")
    _simulated(ds, axes["a"])
    _lives(ds, axes["b"])
    _at_bits(axes["c"])
    _frontier(axes["d"])
    plot.letter(axes)
    return fig


def _simulated(ds: xr.Dataset, ax: Any) -> None:
    """SNR by age at one number of synapses: simulations on closed forms."""
    from synfwp import plot

    d = int(ds.features[min(1, ds.sizes["features"] - 1)])
    size = json.loads(ds.attrs["parameters"])["size"]
    at, closed = ds.sel(features=d), systems(d, size["writes"])
    ages = np.unique(np.round(np.geomspace(1, size["oldest"], 200)))
    with plot.style():
        for kind in NAMES:
            if kind.endswith("each"):
                continue
            colour, marker, dash = STYLES[kind]
            ax.plot(ages, closed[kind][1](ages), color=plot.COLOURS[colour], lw=0.8, ls=(0, dash))
            one = at.snr.sel(synapse=kind)
            error = one.std("draw", ddof=1) / one.sizes["draw"] ** 0.5
            plot.points(ax, MIDDLE, one.mean("draw"), error, colour=colour, marker=marker, label=kind)
        ax.axhline(1, color="0.45", lw=0.6)
        ax.set(xscale="log", yscale="log", ylim=(0.1, 60), xlim=(0.6, 3000))
        ax.set_xlabel("age (later changes)")
        ax.set_ylabel(f"SNR (N = {d * d})")
    plot.legend(ax)


def _crossing(ds: xr.Dataset, d: int, name: str) -> float:
    """The age at which the mean SNR of windows falls to 1, on a line in logarithms; NaN where none is so old."""
    snr = ds.snr.sel(features=d, synapse=name).mean("draw").values
    under = np.flatnonzero(snr <= 1)
    if not len(under) or not under[0] or snr[under[0]] <= 0:
        return np.nan
    pair = slice(under[0] - 1, under[0] + 1)
    return float(np.exp(np.interp(0, -np.log(snr[pair]), np.log(MIDDLE[pair]))))


def _lives(ds: xr.Dataset, ax: Any) -> None:
    """Lifetime against the number of synapses: closed forms, and simulations where they are old enough."""
    from synfwp import plot

    N = np.geomspace(1e3, 1e8, 26)
    lines: dict[str, list[float]] = {"binary": [theory.frontier_lifetime(n, 2) for n in N]}
    for n in LEVELS:
        lines[f"cascade {n}"] = [theory.cascade_lifetime(x, n) for x in N]
    for m in (4, CHAIN):
        lines[f"beakers {m}"] = [theory.benna_fusi_lifetime(x, m) for x in N]
    lines["Hebb, decay"] = [x / np.e for x in N]
    with plot.style():
        for name, lives in lines.items():
            colour, _, dash = STYLES[name]
            lived = np.where(np.array(lives) > 0, lives, np.nan)
            ax.plot(N, lived, color=plot.COLOURS[colour], lw=0.9, ls=(0, dash), label=name)
        for name in lines:
            measured = [_crossing(ds, d, name) for d in ds.features.values] if name in ds.synapse else []
            ax.plot(ds.features.values[: len(measured)] ** 2, measured, STYLES[name][1], ms=3,
                    color=plot.COLOURS[STYLES[name][0]])  # fmt: skip
        ax.set(xscale="log", yscale="log", xlabel="synapses N (number)", ylabel="lifetime (changes)")
    plot.legend(ax)


def _at_bits(ax: Any, bits: float = 1e8) -> None:
    """SNR by age at the same number of bits."""
    from synfwp import plot

    ages = np.unique(np.round(np.geomspace(1, 1e7, 300)))
    with plot.style():
        for name, (_, snr) in equal_bits(bits).items():
            colour, _, dash = STYLES[name]
            ax.plot(ages, snr(ages), color=plot.COLOURS[colour], lw=0.9, ls=(0, dash), label=name)
        ax.axhline(1, color="0.45", lw=0.6)
        ax.set(xscale="log", yscale="log", ylim=(0.3, 2e4), xlabel="age (later changes)")
        ax.set_ylabel("SNR ($10^8$ bits)")
    plot.legend(ax)


def _frontier(ax: Any, N: float = 1e8) -> None:
    """Lifetime against the number of states of a synapse, under the frontier."""
    from synfwp import plot

    M = np.geomspace(2, 2.0**60, 100)
    with plot.style():
        ax.plot(M, [theory.frontier_lifetime(N, m) for m in M], color="0.3", lw=0.9, ls=(0, (3, 2)), label="frontier")
        kinds = {
            "binary": ([2.0], [theory.frontier_lifetime(N, 2)]),
            "cascade 10": ([2.0 * n for n in range(2, 26)], [theory.cascade_lifetime(N, n) for n in range(2, 26)]),
            f"beakers {CHAIN}": (
                [2.0 ** (CHAIN_BITS * m) for m in range(2, 13)],
                [theory.benna_fusi_lifetime(N, m) for m in range(2, 13)],
            ),
        }
        for name, (states, lives) in kinds.items():
            label = {"cascade 10": "cascades, 2 to 25 levels"}.get(name, name)
            label = f"beakers, 2 to 12 of {CHAIN_BITS} bits" if name.startswith("beakers") else label
            ax.plot(states, lives, "o", ms=2.5, color=plot.COLOURS[STYLES[name][0]], label=label)
        ax.set(xscale="log", yscale="log", ylim=(10, 1e9), xlabel="states of a synapse M (number)")
        ax.set_ylabel("lifetime (changes, N = $10^8$)")
    plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    d = int(ds.features[min(1, ds.sizes["features"] - 1)])
    at = equal_bits(1e8)
    text = f"""
        The complexity of a synapse. Random changes of +1 and -1 under one memory after the other; SNR of a memory for
        an observer of all synapses. (a) N = {d * d} synapses, {size["writes"]} changes, {size["draws"]} draws (mean and
        standard error over windows of ages), engine: exact rules and synapses; dashed: closed forms. Binary synapses
        flip with q = e / sqrt(N); cascades (Fusi, Drew & Abbott 2005) of 5, 10 and 15 levels; beakers (Benna & Fusi
        2016) of 4 and 6 variables; Hebb with the decay and the delta rule with the step that are best for an SNR of 1;
        the mean of {HEADS} heads with decays 1 - 2^(-5-h). (b) Lifetime, the last age with an SNR above 1, against N;
        closed forms, and points from the simulations, between windows of ages; Hebb with its best decay: N / e. (c) SNR
        at 10^8 bits, {FLOAT} for a real number, {CHAIN_BITS} for each variable of a beaker (closed form of real
        numbers); synapses: {", ".join(f"{name} {count:.2g}" for name, (count, _) in at.items())}. (d) Lifetime at
        N = 10^8 against the number of states; dashed: sqrt(N) (M - 1) / e (Lahiri & Ganguli 2013).
    """
    return " ".join(text.split())
