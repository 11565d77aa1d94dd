"""Bits per synapse: how much of random values of +1 and -1 a matrix of synapses holds, and what a bit of weight buys.

Pairs of a key and a value are stored once and read by the sign: with a share p of wrong signs a synapse holds
``I = (P / d) (1 - H2(p))`` bits. Hebb and delta rule, least squares, weights of 1 to 8 bits (read so, or written so by
chance), weights with the sign of their presynaptic neuron (Dale), firing-rate keys (rectified normals) with Hebb,
covariance and delta; Willshaw synapses under sparse patterns beside their limit of ln 2; and perceptrons with signed
weights, whose feasibility and silent synapses come from least distance programming (Gardner's 2 bits, of iterative
learning, is a line). Steps are the best at each load on other draws, but for those that are named. The span of few-bit
weights is 1, so that the best step sets it.

Numbers that were found before, at a size that is not stated, stand beside as recomputed.

Cites: amit1985, sompolinsky1986, gardner1988, brunel2004, willshaw1969, gupta2015
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.optimize import nnls

import synfwp as fw
from synfwp import results, seeds, theory
from synfwp.memory import Bits, Dale, Ridge, System, Willshaw
from synfwp.results import Row
from synfwp.settings import sized

Array = np.ndarray
FLOAT = 32  # bits of a float32
NAMED = {
    "Hebb": "hebb", "delta, beta 0.1": System("delta", beta=0.1), "delta, beta 1": System("delta", beta=1.0),
    "delta": "delta", "mesa": "ridge", "Hebb, Dale": ("hebb", Dale(excitatory=0.5)),
    "delta, Dale": ("delta", Dale(excitatory=0.5)),
}  # fmt: skip
RATES = {
    "Hebb, rates": "hebb", "covariance, rates": "covariance", "delta, beta 0.3, rates": System("delta", beta=0.3),
    "delta, rates": "delta",
}  # fmt: skip
FOUND = {  # at P / d = 1 and 4
    "Hebb": (0.379, 0.433), "1 bit": (0.259, 0.283), "delta, beta 0.1": (0.403, 0.455), "delta, beta 1": (0.332, 0.141),
    "mesa": (0.976, 0.559), "Hebb, rates": (0.043, 0.041), "covariance, rates": (0.364, 0.426),
    "delta, beta 0.3, rates": (0.194, 0.262),
}  # fmt: skip


class SignRidge(Ridge):
    """Least squares whose weights are read by their sign."""

    def __call__(self, k: Array, v: Array, q: Array, rng: object, ridge: float) -> Array:
        """Reads (Q, d_v)."""
        W = np.linalg.solve(k.T @ k + ridge * np.eye(k.shape[1]), k.T @ v)
        return q @ np.sign(W)


class Size(NamedTuple):
    """What is run."""

    d: int  # features of keys and of values: odd, so that no sign is 0
    loads: tuple[float, ...]  # P / d, the values 1 and 4 among them
    bits: tuple[int, ...]  # of a weight
    draws: int  # memories of each kind, each with a seed of its own
    sign: tuple[int, int]  # features and pairs of the check of 1-bit weights
    units: int  # of the Willshaw matrix
    inputs: int  # of a perceptron with signed weights
    perceptrons: int  # perceptrons of each load
    feasible: tuple[float, ...] = (0.6, 0.8, 0.9, 1.0, 1.1)  # pairs per input
    criterion: float = 0.99  # share of right signs


FULL = Size(d=101, loads=(0.25, 0.5, 1, 2, 4), bits=(1, 2, 3, 4, 5, 6, 7, 8), draws=20, sign=(401, 201), units=1024,
            inputs=100, perceptrons=40)  # fmt: skip
QUICK = Size(d=33, loads=(1, 4), bits=(1, 3), draws=5, sign=(65, 33), units=128, inputs=20, perceptrons=10)


def systems(size: Size) -> dict[str, Any]:
    """All systems under keys of mean zero."""
    few = {label(b): ("hebb", Bits(b)) for b in size.bits}
    written = {label(b) + ", written": ("hebb", Bits(b, when="write")) for b in size.bits}
    return NAMED | few | written | {"mesa, 1 bit": SignRidge()}


def label(bits: int) -> str:
    """Of weights that are read in so many bits."""
    return f"{bits} bit{'s' * (bits > 1)}"


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Information of every system at every load, and the special cases; ``quick`` does it for a small matrix."""
    names = [*systems(size), *RATES]
    ds = results.cells(stored, {"system": names}, size=size, seed=seed)
    one = results.cells(special, {"draw": range(seed, seed + size.draws)}, size=size)
    signed = results.cells(perceptrons, {"feasible": size.feasible}, size=size, seed=seed)
    ds = xr.merge([ds, one, signed], combine_attrs="drop_conflicts")
    for name, text in (("draw", "draw"), ("feasible", "pairs per input"), ("system", "system")):
        ds[name].attrs.update({"long_name": text} | ({} if name == "system" else {"units": "1"}))
    return results.compared(ds.assign_attrs(results.provenance({"size": size._asdict()}, seed)), rows)


def entropy(p: Array) -> Array:
    """H2(p) in bits."""
    p = np.clip(p, 1e-300, 1 - 1e-16)
    return np.asarray(-p * np.log2(p) - (1 - p) * np.log2(1 - p))


def stored(size: Size, seed: int, system: str) -> Mapping[str, Any]:
    """Wrong signs and bits per synapse at every load, and the load at 1 % of errors, of one system."""
    d, loads = size.d, [round(x * size.d) for x in size.loads]
    rates = system in RATES
    one = RATES[system] if rates else systems(size)[system]
    given: dict[str, Any] = {
        "d_key": d, "keys": "relu" if rates else "normal", "decoder": "sign", "seeds": size.draws, "seed": seed,
    }  # fmt: skip
    ds = fw.capacity({system: one}, loads=loads, **given).isel(system=0)
    wrong = 1 - ds.score.values
    share = {"units": "1", "long_name": "share of wrong signs"}
    text = {"units": "bit", "long_name": "information per synapse"}
    found = {
        "wrong": (("ratio", "draw"), wrong, share),
        "information": (("ratio", "draw"), np.array(loads)[:, None] / d * (1 - entropy(wrong)), text),
        "ratio": ("ratio", np.array(size.loads, float), {"units": "1", "long_name": "pairs per key feature"}),
        "draw": ("draw", np.arange(seed, seed + size.draws), {"units": "1", "long_name": "draw"}),
    }
    strict = dict.fromkeys(("strict", "strict_low", "strict_high"), np.nan)
    if system in ("Hebb", "delta", "mesa"):
        at = fw.critical_load({system: one}, criterion=size.criterion, **given).isel(system=0)
        scale = (1 - float(entropy(np.array(1 - size.criterion)))) / d
        strict = {"strict": float(at.critical_load) * scale, "strict_low": float(at.low) * scale,
                  "strict_high": float(at.high) * scale}  # fmt: skip
    return found | {name: ((), x, text | {"long_name": "bits per synapse, few errors"}) for name, x in strict.items()}


def special(size: Size, draw: int) -> Mapping[str, Any]:
    """One draw of 1-bit weights under keys of +-1, and of Willshaw synapses at a fill of about one half."""
    d, P = size.sign
    ds = fw.capacity(
        {"1 bit": ("hebb", Bits(1))}, loads=[P], d_key=d, keys="binary", decoder="sign", beta=1.0, seeds=1, seed=draw
    )
    n, active = size.units, int(np.log2(size.units))
    rng, P = seeds.generator(draw, "willshaw", n), round(np.log(2) * (n / active) ** 2)
    k, v = (np.zeros((P, n)) for _ in range(2))
    for x in (k, v):
        np.put_along_axis(x, rng.random((P, n)).argsort(axis=1)[:, :active], 1.0, axis=1)
    asked = rng.permutation(P)[:200]
    on = Willshaw()(k, v, k[asked], rng) >= active
    spurious = float((on & (v[asked] == 0)).sum() / len(asked))
    held = P * _sparse_information(n, active, spurious / (n - active)) / n**2
    W = Willshaw()(k, v, np.eye(n), rng)
    text = {"units": "bit", "long_name": "information per synapse"}
    share = {"units": "1", "long_name": "share"}
    return {
        "sign_wrong": ((), 1 - float(ds.score.mean()), share),
        "willshaw": ((), held, text),
        "willshaw_fill": ((), float(W.mean()), share),
        "willshaw_spurious": ((), spurious, {"units": "1", "long_name": "spurious active outputs"}),
    }


def _sparse_information(n: int, active: int, false: float) -> float:
    """Bits that n outputs tell of a pattern where none of the active ones is missed and others are on by mistake."""
    f = active / n
    on = f + (1 - f) * false
    return float(n * (entropy(np.array(on)) - (1 - f) * entropy(np.array(false))))


def perceptrons(size: Size, seed: int, feasible: float) -> Mapping[str, Any]:
    """Which random problems signed weights solve, and how many of them are silent in the most stable solution.

    The shortest w >= 0 with ``y (x . (s w)) >= 1`` is a problem of least distance, solved as nonnegative least squares
    (Lawson & Hanson); where its residual is 0 there is none.
    """
    n, P = size.inputs, round(feasible * size.inputs)
    solved, silent = np.zeros(size.perceptrons), np.full(size.perceptrons, np.nan)
    for i in range(size.perceptrons):
        rng = seeds.generator(seed, "signed", n, P, i)
        A = rng.choice([-1.0, 1.0], (P, 1)) * rng.choice([-1.0, 1.0], (P, n)) * rng.choice([-1.0, 1.0], n)
        G, h = np.concatenate([A, np.eye(n)]), np.repeat([1.0, 0.0], [P, n])
        E, f = np.concatenate([G.T, h[None]]), np.append(np.zeros(n), 1.0)
        u, size_of_rest = nnls(E, f, maxiter=50 * (P + n))
        if size_of_rest > 1e-8:
            rest = E @ u - f
            w = -rest[:n] / rest[n]
            solved[i], silent[i] = 1.0, float((w < 1e-9 * w.max()).mean())
    share = {"units": "1"}
    return {
        "solved": ("problem", solved, share | {"long_name": "solved"}),
        "silent": ("problem", silent, share | {"long_name": "share of silent synapses"}),
    }


def rows(ds: xr.Dataset) -> list[Row]:
    """Closed forms, limits, and the numbers that were found before."""
    size, found = json.loads(ds.attrs["parameters"])["size"], []
    d = size["d"]
    forms: dict[str, tuple[str, Any, str]] = {
        "Hebb": ("theory", theory.hebb_sign_error, "amit1985, cross-talk of normal noise"),
        "1 bit": ("theory", theory.sign_weights_error, "sompolinsky1986, 2 / pi of the squared SNR"),
        "mesa": ("theory", theory.least_squares_sign_error, "projection on the span of the keys"),
    }
    for system, (kind, form, source) in forms.items():
        for load in ds.ratio.values:
            at, P = ds.wrong.sel(system=system, ratio=load).values, round(load * d)
            found.append(Row(f"wrong signs, {system}, P / d = {load:g}", at, float(form(P, d)), kind, source,
                             band=theory.FORMULAS[form.__name__].band))  # fmt: skip
    for system, numbers in FOUND.items():
        for load, number in zip((1.0, 4.0), numbers, strict=True):
            why = "found at a size that is not stated, in a few draws"
            why += "; here with the best ridge" * (system == "mesa")
            obtained = ds.information.sel(system=system, ratio=load).values
            found.append(
                Row(f"bits per synapse, {system}, P / d = {load:g}", obtained, number, "other engine", why=why)
            )
    return found + _special_rows(ds, size) + _signed_rows(ds, size)


def _special_rows(ds: xr.Dataset, size: dict[str, Any]) -> list[Row]:
    """1-bit weights, Willshaw, limits and few errors."""
    (d, P), n, found = size["sign"], size["units"], []
    found.append(Row(f"wrong signs, 1 bit, d {d}, P {P}", ds.sign_wrong.values, float(theory.sign_weights_error(P, d)),
                     "theory", "sompolinsky1986", band=theory.FORMULAS["sign_weights_error"].band))  # fmt: skip
    active = int(np.log2(n))
    P = round(np.log(2) * (n / active) ** 2)
    found += [
        Row("bits per synapse, Willshaw, below its limit", ds.willshaw.values, float(np.log(2)), "ceiling",
            "willshaw1969", claim="below"),
        Row("share of Willshaw synapses that are on", ds.willshaw_fill.values,
            theory.willshaw_fill(P, n, active), "theory", "willshaw1969"),
        Row("spurious outputs, Willshaw", ds.willshaw_spurious.values, theory.willshaw_spurious(P, n, active), "theory",
            "willshaw1969"),
    ]  # fmt: skip
    limit = float(ds.information.sel(system="Hebb").mean("draw").max())
    found.append(Row("bits per synapse, Hebb, most at these loads, below its limit", limit, theory.HEBB_BITS, "ceiling",
                     "amit1985, 1 / (pi ln 2)", claim="below"))  # fmt: skip
    z = 2.3263478740408408 if size["criterion"] == 0.99 else np.nan  # normal quantile of 1 %
    strict = (1 + size["d"] / z**2) / size["d"] * (1 - float(entropy(np.array(0.01))))
    found.append(Row("bits per synapse at 1 % errors, Hebb", float(ds.strict.sel(system="Hebb")), strict, "theory",
                     "amit1985", band=0.05 * strict, why="load by bisection, interval in the figure"))  # fmt: skip
    for system in ("delta", "mesa"):
        found.append(Row(f"bits per synapse at 1 % errors, {system}", float(ds.strict.sel(system=system))))
    return found


def _signed_rows(ds: xr.Dataset, size: dict[str, Any]) -> list[Row]:
    """Signed weights: feasible problems, and silent synapses near capacity."""
    n, found = size["inputs"], []
    for load in ds.feasible.values:
        expected = float(theory.dale_feasible(round(load * n), n))
        solved = ds.solved.sel(feasible=load).values
        error = float(np.sqrt(expected * (1 - expected) / len(solved)))  # of a count: their own spread is 0 near 1
        what = f"share of {len(solved)} problems that signed weights solve, P / n = {load:g}"
        found.append(Row(what, float(solved.mean()), expected, "theory", "brunel2004", error=error))
    silent = ds.silent.sel(feasible=1.0).values
    if np.isfinite(silent).sum() > 1:
        found.append(Row("share of silent synapses at P / n = 1", silent[np.isfinite(silent)], 0.5, "published",
                         "brunel2004, at capacity", band=0.05, why="the most stable solution, finite"))  # fmt: skip
    return found


STYLES = {
    "Hebb": ("black", "o", "-"), "1 bit": ("black", "s", ":"), "delta": ("green", "o", "-"), "mesa": ("blue", "o", "-"),
    "mesa, 1 bit": ("blue", "s", ":"), "Hebb, Dale": ("orange", "o", "-"), "delta, Dale": ("orange", "s", ":"),
    "Hebb, rates": ("purple", "o", "-"), "covariance, rates": ("sky", "o", "-"),
    "delta, rates": ("vermillion", "o", "-"),
}  # fmt: skip


def figure(ds: xr.Dataset) -> Any:
    """Information per synapse against load, and per bit against bits."""
    from synfwp import plot

    fig, axes = plot.figure("double", 82, "ab", width_ratios=[1.25, 1])
    _per_synapse(ds, axes["a"])
    _per_bit(ds, axes["b"])
    plot.letter(axes)
    return fig


def _per_synapse(ds: xr.Dataset, ax: Any) -> None:
    """All systems, closed forms dashed, limits as lines."""
    from synfwp import plot

    d = json.loads(ds.attrs["parameters"])["size"]["d"]
    fine = np.geomspace(float(ds.ratio.min()), float(ds.ratio.max()), 60)
    P = np.maximum(np.round(fine * d), 2)
    with plot.style():
        for name, (colour, marker, line) in STYLES.items():
            one = ds.information.sel(system=name)
            error = one.std("draw", ddof=1) / one.sizes["draw"] ** 0.5
            drawn = plot.points(ax, ds.ratio, one.mean("draw"), error, label=name, colour=colour, marker=marker)
            drawn.lines[0].set_markerfacecolor("white" if marker == "s" else plot.COLOURS[colour])
            ax.plot(ds.ratio, one.mean("draw"), color=plot.COLOURS[colour], lw=0.6, ls=line)
        for form in (theory.hebb_sign_error, theory.sign_weights_error):
            ax.plot(fine, P / d * (1 - entropy(form(P, d))), color="0.3", lw=0.8, ls=(0, (3, 2)))
        lines = {"Gardner": 2.0, "Willshaw": float(np.log(2)), "limit of Hebb": theory.HEBB_BITS}
        for name, level in lines.items():
            ax.axhline(level, color="0.45", lw=0.6, ls=(0, (3, 2)))
            ax.annotate(name, (0.01, level), xycoords=("axes fraction", "data"), va="bottom", color="0.3")
        ax.set(xscale="log", yscale="log", ylim=(0.02, 3))
        ax.set_xticks(ds.ratio.values, [f"{x:g}" for x in ds.ratio.values])
        ax.minorticks_off()
        ax.set_xlabel("load (pairs per key feature)")
        ax.set_ylabel("information (bit per synapse)")
    plot.legend(ax)


def _per_bit(ds: xr.Dataset, ax: Any) -> None:
    """Information per bit of weight at P / d = 1."""
    from synfwp import plot

    bits = json.loads(ds.attrs["parameters"])["size"]["bits"]
    at = ds.information.sel(ratio=1.0)
    with plot.style():
        for more, colour, marker, text in (("", "black", "o", "read"), (", written", "vermillion", "s", "written")):
            one = at.sel(system=[label(b) + more for b in bits]) / xr.DataArray(bits, dims="system")
            error = one.std("draw", ddof=1) / one.sizes["draw"] ** 0.5
            plot.points(
                ax, bits, one.mean("draw"), error, colour=colour, marker=marker, label=f"Hebb, {text} in few bits"
            )
        for name, colour in (("Hebb", "black"), ("delta", "green"), ("mesa", "blue")):
            one = at.sel(system=name) / FLOAT
            plot.points(ax, [FLOAT], [float(one.mean())], colour=colour, marker="^", label=f"{name}, float32")
        plot.points(ax, [1], [float(at.sel(system="mesa, 1 bit").mean())], colour="blue", label="mesa, 1 bit")
        plot.points(ax, [1], [float(ds.willshaw.mean())], colour="orange", marker="^", label="Willshaw")
        ax.set(xscale="log", yscale="log", ylim=(0.005, 1))
        ax.set_xticks([1, 2, 4, 8, 32], ["1", "2", "4", "8", "32"])
        ax.minorticks_off()
        ax.set_xlabel("weight (bit)")
        ax.set_ylabel("information per bit (bit)")
    plot.legend(ax)


def caption(ds: xr.Dataset) -> str:
    """What both panels show, with their numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    strict = ", ".join(f"{name} {float(ds.strict.sel(system=name)):.3f}" for name in ("Hebb", "delta", "mesa"))
    text = f"""
        Bits per synapse. Values of +1 and -1, read by their sign; d = {size["d"]} features of keys (normal, length 1;
        rates: rectified) and of values; {size["draws"]} draws, mean and standard error; engine: exact rules and
        synapses. (a) Information (P / d) (1 - H2(p)) with a share p of wrong signs, against the load P / d. Dashed
        curves: Hebb and 1-bit weights in closed form; dashed lines: the limit of Hebb, 1 / (pi ln 2), reached only
        where almost half of the signs are wrong; ln 2 of Willshaw's synapses; 2 of Gardner's, which takes iterative
        learning. Dale: weights with the sign of their presynaptic neuron, half of each. At 1 % errors: {strict} bits.
        (b) Information per bit of weight at P / d = 1: Hebbian weights of 1 to 8 bits, read in so many bits or written
        so by stochastic rounding (best span), and float32; Willshaw: {size["units"]} x {size["units"]} synapses,
        {int(np.log2(size["units"]))} active.
    """
    return " ".join(text.split())
