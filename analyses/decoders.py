"""Decoders: what counts as recalled. One matrix, read by cosine, by sign, and by the best of many values.

A matrix of d x d weights recalls some d pairs by cosine, but some d^2 / (2 ln V) pairs by the best of V values: noise
of the size of the signal lies in random directions, in which there are few other values. Values of +-1 serve all three
decoders, so that they read the same pairs. The closed forms of the share of right values are approximate, with a band:
one for candidates that were themselves stored (V = P, both overlaps of a candidate counted), one for candidates that
were not. They take unit keys in random directions and values of mean zero. How the load at 90 % grows with d is
measured by bisection.

This is what multi-query associative recall asks for: the share of right values of 64, of 16 pairs, against the bytes of
the memory, without training, in closed form; trained nets of `arora2024` lie over it where its committed result has
them (a checkout has it, an installed package has not).

Cites: kohonen1972, nichani2024, schlag2021, arora2024
"""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results, theory
from synfwp.memory import System
from synfwp.results import Row
from synfwp.settings import sized

Array = np.ndarray
DECODERS = {"cosine": "cosine", "sign": "share of right signs", "argmax": "share of right values, V = P"}
SHAPES = (  # d_k, d_v, P: share of right values, found by a small simulation in NumPy that shares no code with this
    (16, 16, 25, 0.728), (32, 32, 102, 0.588), (48, 48, 115, 0.882), (32, 64, 100, 0.875), (64, 32, 100, 0.909),
)  # fmt: skip
FOUND = {  # likewise, Hebb at d = 64
    "argmax": {64: 1.0, 128: 0.992, 256: 0.754, 512: 0.331, 1024: 0.092},
    "cosine": {64: 0.717, 128: 0.585, 256: 0.448, 512: 0.332, 1024: 0.243},
}
FEW = {"hebb": (8, 33, 101, 228), "delta, beta 1": (8, 14, 44, 77), "least squares": (19, 52, 155, 299)}  # likewise
FEW_AT = (12, 24, 48, 72)  # d of these
EXPONENTS = {"hebb": 1.84, "delta, beta 1": 1.3, "least squares": 1.5}  # likewise
OTHER = "a loop in NumPy, three digits"
BYTES = 4  # of a float32
COMMITTED = Path(__file__).resolve().parents[1] / "docs" / "results" / "arora2024.json"


class Size(NamedTuple):
    """Features, loads and seeds; the shapes; the growth; recall of a few pairs among many symbols."""

    d: int  # features of keys, and of values
    loads: tuple[int, ...]  # stored pairs, of which each value is a candidate
    seeds: int  # episodes
    candidates: int  # values to choose from, most of them not stored
    few: tuple[int, ...]  # stored pairs among so many candidates
    d_keys: tuple[int, ...]  # features of which the load at a criterion is taken
    criterion: float = 0.9  # share of right values
    pairs: int = 16  # pairs of the recall task
    symbols: int = 64  # values of the recall task
    widths: tuple[int, ...] = (8, 12, 16, 20, 24, 32)  # features in the recall task
    queries: int = 256  # most queries of an episode


FULL = Size(64, (32, 64, 128, 256, 512, 1024), 20, 1000, (50, 100, 200, 400), FEW_AT)
QUICK = Size(16, (8, 16, 64), 3, 50, (10, 20), (8, 12), widths=(12, 16), queries=32)


def systems() -> dict[str, Any]:
    """What is read."""
    return {
        "hebb": "hebb", "delta": "delta", "delta, beta 1": System("delta", beta=1.0),
        "least squares": "ridge",
    }  # fmt: skip


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """All decoders at all loads, candidates that were not stored, shapes, growth, and the recall task."""
    parts = [
        results.cells(decoded, {"decoder": list(DECODERS)}, size=size, seed=seed),
        results.cells(shaped, {"shape": [f"{a} x {b}, P = {P}" for a, b, P, _ in SHAPES]}, size=size, seed=seed),
        results.cells(grown, {"grows": list(systems())}, size=size, seed=seed),
        results.cells(recalled, {"width": list(size.widths)}, size=size, seed=seed),
        unstored(size, seed),
        trained(COMMITTED),
    ]
    ds = xr.merge([one for one in parts if one is not None], combine_attrs="override", join="outer")
    names = {"decoder": "decoder", "grows": "system", "system": "system", "shape": "d_k x d_v, and pairs"}
    for name, text in names.items():
        ds[name].attrs.setdefault("long_name", text)
    settings = {"size": size._asdict(), "quick": quick, "d_key": size.d}
    return results.compared(ds.assign_attrs(results.provenance(settings, seed)), rows)


# cells ----------------------------------------------------------------------------------------------------------------

KEPT = ("score", "mean", "low", "high", "theory", "chance", "state_bytes")


def decoded(size: Size, decoder: str, seed: int) -> xr.Dataset:
    """One decoder on the pairs that all of them are given: normal keys, values of +-1."""
    ds = fw.capacity(
        systems(), loads=size.loads, d_key=size.d, values="binary", decoder=decoder, seeds=size.seeds, seed=seed,
        queries=size.queries,
    )  # fmt: skip
    for name in (one for one in systems() if one.startswith("delta")):
        for P in size.loads if decoder in DELTA else ():
            beta = ds.chosen.sel(system=name, pairs=P, knob="beta").item()
            ds["theory"].loc[{"system": name, "pairs": P}] = DELTA[decoder](P, size.d, beta)
    return ds[list(KEPT)]


DELTA: dict[str, Any] = {
    "cosine": theory.delta_cosine,
    "sign": lambda P, d, beta: 1 - theory.delta_sign_error(P, d, beta),
}


def unstored(size: Size, seed: int) -> xr.Dataset:
    """The share of right values among many that were not stored."""
    ds = fw.capacity(
        systems(), loads=size.few, d_key=size.d, candidates=size.candidates, decoder="argmax", seeds=size.seeds,
        seed=seed, queries=size.queries,
    )  # fmt: skip
    kept = ds[list(KEPT)].rename(pairs="few", seed="episode")
    return kept.rename({name: f"unstored_{name}" for name in KEPT})


def shaped(size: Size, shape: str, seed: int) -> xr.Dataset:
    """The share of right values of Hebb where keys and values differ in their features."""
    d_key, d_value, P = next(one[:3] for one in SHAPES if shape == f"{one[0]} x {one[1]}, P = {one[2]}")
    ds = fw.capacity(
        {"hebb": "hebb"}, loads=[P], d_key=d_key, d_value=d_value, decoder="argmax", seeds=size.seeds, seed=seed
    )
    share = {"units": "1"}
    either = (theory.argmax_accuracy(P, d_key, d_value), theory.stored_accuracy(P, d_key, d_value))
    return xr.Dataset(
        {
            "shaped": ("episode", ds.score.values[0, 0], share | {"long_name": "share of right values"}),
            "shaped_theory": ("form", list(either), share | {"long_name": "share of right values, theory"}),
        },
        {"form": ["argmax_accuracy", "stored_accuracy"]},
    )


def grown(size: Size, grows: str, seed: int) -> xr.Dataset:
    """The load at which the share of right values, V = P, falls to the criterion, for every d; and to a half at d."""
    of: dict[str, Any] = {grows: systems()[grows]}
    how: dict[str, Any] = {"seeds": size.seeds, "seed": seed, "queries": size.queries, "decoder": "argmax"}
    ds = fw.scaling(of, d_keys=size.d_keys, criterion=size.criterion, **how).isel(system=0, drop=True)
    half = fw.critical_load(of, d_key=size.d, criterion=0.5, **how).isel(system=0)
    text = {"units": "1", "long_name": "pairs at half of the values right"}
    ds = ds.rename(low="critical_low", high="critical_high", error="exponent_error")
    return ds.assign(half=((), float(half.critical_load), text), half_low=((), float(half.low), text),
                     half_high=((), float(half.high), text))  # fmt: skip


def recalled(size: Size, width: int, seed: int) -> xr.Dataset:
    """The recall task without training: pairs of random codes, the nearest of all values counts."""
    of = systems() | {"softmax": "softmax"}
    ds = fw.capacity(
        of, loads=[size.pairs], d_key=width, candidates=size.symbols, decoder="argmax", seeds=5 * size.seeds, seed=seed
    ).isel(pairs=0, drop=True)
    share = {"units": "1"}
    form = theory.argmax_accuracy(size.pairs, width, width, size.symbols)
    return xr.Dataset(
        {
            "task": (("memory", "sequence"), ds.score.values, share | {"long_name": "share of right values"}),
            "task_theory": ((), form, share | {"long_name": "share of right values, theory"}),
            "task_bytes": ("memory", ds.state_variables.values * BYTES, {"units": "B", "long_name": "memory"}),
        },
        {"memory": list(of)},
    )


def trained(path: Path) -> xr.Dataset | None:
    """Trained nets from the committed table of `arora2024`: rule, bytes and accuracy; None where there are none."""
    if not path.is_file():
        return None
    pattern = re.compile(r"(\w+), width (\d+), (\d+) bytes(, against spread codes)?")
    found = [(pattern.fullmatch(row["quantity"]), row) for row in json.loads(path.read_text("utf-8"))["rows"]]
    nets = [(match[1], int(match[3]), row) for match, row in found if match and row["obtained"] is not None]
    if not nets:
        return None
    columns = {
        "net_accuracy": (
            [row["obtained"] for *_, row in nets],
            {"units": "1", "long_name": "accuracy of trained nets"},
        ),
        "net_bytes": ([float(size) for _, size, _ in nets], {"units": "B", "long_name": "memory of trained nets"}),
        "net_n": ([row["n"] for *_, row in nets], {"units": "1", "long_name": "trained nets"}),
        "net_rule": ([rule for rule, *_ in nets], {"long_name": "rule of trained nets"}),
    }
    return xr.Dataset({name: ("net", *entry) for name, entry in columns.items()})


# the table ------------------------------------------------------------------------------------------------------------


def rows(ds: xr.Dataset) -> list[Row]:
    """Closed forms, numbers of another simulation, growth, and the recall task."""
    d = json.loads(ds.attrs["parameters"])["size"]["d"]
    return [*_decoded(ds, d), *_shapes(ds), *_growth(ds, d), *_task(ds)]


FORMS = {
    ("hebb", "cosine"): "hebb_cosine", ("hebb", "sign"): "hebb_sign_error", ("hebb", "argmax"): "stored_accuracy",
    ("least squares", "cosine"): "least_squares_cosine", ("least squares", "sign"): "least_squares_sign_error",
    ("delta", "cosine"): "delta_cosine", ("delta", "sign"): "delta_sign_error",
    ("delta, beta 1", "cosine"): "delta_cosine", ("delta, beta 1", "sign"): "delta_sign_error",
}  # fmt: skip


def _decoded(ds: xr.Dataset, d: int) -> list[Row]:
    """Every curve with a closed form, both cases of argmax; and what another simulation found."""
    found = []
    for (name, decoder), key in FORMS.items():
        form = theory.FORMULAS[key]
        for P in ds.pairs.values:
            one = ds.sel(system=name, decoder=decoder, pairs=P)
            want = float(one.theory)
            if np.isfinite(want):
                band = float(form.allowed(want))
                found.append(Row(f"{decoder}, {name}, P = {P}", one.score, want, "theory", form.source, band=band))
    form = theory.FORMULAS["argmax_accuracy"]
    for P in ds.few.values:
        one = ds.sel(system="hebb", few=P)
        if np.isfinite(one.unstored_theory):
            want = float(one.unstored_theory)
            what = f"argmax, hebb, P = {P}, candidates not stored"
            found.append(Row(what, one.unstored_score, want, "theory", form.source, band=float(form.allowed(want))))
    for decoder, numbers in FOUND.items() if d == 64 else ():
        for P, want in numbers.items():
            if P in ds.pairs:
                one = ds.score.sel(system="hebb", decoder=decoder, pairs=P)
                what = f"{decoder}, hebb, P = {P}, against another simulation"
                found.append(_other(what, one, want, why="unexplained"))
    return found


def _other(what: str, found: Any, want: float, why: str = "", band: float = 0.0005) -> Row:
    """A number beside that of a simulation with as many seeds, whose error is taken to be the same."""
    error = float(np.std(found, ddof=1)) / np.size(found) ** 0.5
    return Row(what, found, want, "other engine", OTHER, error=error, band=band, why=why)


def _near(found: Any, want: float, band: float) -> str:
    """What there is to say of a number just beyond a band."""
    beyond = abs(float(np.mean(found)) - want) - band
    error = float(np.std(found, ddof=1)) / np.size(found) ** 0.5
    return "beyond the band of the formula by less than a standard error" if 0 < beyond < error else ""


def _shapes(ds: xr.Dataset) -> list[Row]:
    """Keys and values of different sizes against both closed forms and the other simulation."""
    rows = []
    for (*_, want), shape in zip(SHAPES, ds["shape"].values, strict=True):
        one = ds.sel(shape=shape)
        for name in ds.form.values:
            form, value = theory.FORMULAS[name], float(one.shaped_theory.sel(form=name))
            what = f"argmax, hebb, {shape}, {name}"
            band = float(form.allowed(value))
            near = _near(one.shaped, value, band)
            rows.append(Row(what, one.shaped, value, "theory", form.source, band=band, why=near))
        rows.append(_other(f"argmax, hebb, {shape}, against another simulation", one.shaped.values, want))
    return rows


def _growth(ds: xr.Dataset, d: int) -> list[Row]:
    """Loads at the criterion, their exponents, and the half point."""
    found, why = [], "unexplained"
    for name in ds.grows.values:
        at = ds.sel(grows=name)
        for j, n in enumerate(ds.d_key.values):
            one, what = at.sel(d_key=n), f"pairs at {_level(ds)} of the values, {name}, d = {n}"
            error = float(one.critical_high - one.critical_low) / 3.92
            if tuple(ds.d_key.values) == FEW_AT and name in FEW:
                want = float(FEW[name][j])
                found.append(Row(what, one.critical_load, want, "other engine", OTHER, error=error, band=0.5, why=why))
            else:
                found.append(Row(what, one.critical_load))
        what, error = f"exponent of the load at {_level(ds)}, {name}", float(at.exponent_error)
        if tuple(ds.d_key.values) == FEW_AT and name in EXPONENTS:
            want, band = EXPONENTS[name], 0.005 if name == "hebb" else 0.05
            found.append(Row(what, at.exponent, want, "other engine", OTHER, error=error, band=band, why=why))
        else:
            found.append(Row(what, at.exponent))
        found.append(Row(f"pairs at half of the values, {name}, d = {d}", at.half))
    half = float(ds.half.sel(grows="hebb"))
    found.append(Row("the same of hebb, over d^2 / (2 ln P)", half / (d**2 / (2 * np.log(half)))))
    return found


def _level(ds: xr.Dataset) -> str:
    """The criterion in %."""
    return f"{100 * json.loads(ds.attrs['parameters'])['size']['criterion']:g} %"


def _task(ds: xr.Dataset) -> list[Row]:
    """The recall task without training against the closed form, where that holds."""
    found, form = [], theory.FORMULAS["argmax_accuracy"]
    for width in ds.width.values:
        for name in ds.memory.values:
            one, what = ds.sel(width=width, memory=name), f"recall task without training, {name}, width {width}"
            if name == "hebb" and width >= 16:
                want = float(one.task_theory)
                band = float(form.allowed(want))
                found.append(
                    Row(what, one.task, want, "theory", form.source, band=band, why=_near(one.task, want, band))
                )
            else:
                found.append(Row(what, one.task))
    return found


# the figure -----------------------------------------------------------------------------------------------------------

STYLES = {"hebb": ("blue", "o"), "delta": ("vermillion", "s"), "delta, beta 1": ("orange", "D"),
          "least squares": ("black", "X"), "softmax": ("0.6", "h")}  # fmt: skip
NETS = {"hebb": ("blue", "o"), "leaky_hebb": ("sky", "P"), "gated_hebb": ("purple", "v"), "delta": ("vermillion", "s"),
        "gated_delta": ("orange", "D"), "mesa": ("black", "X"), "softmax": ("0.6", "h")}  # fmt: skip


def figure(ds: xr.Dataset) -> Any:
    """The same matrices by three decoders above; candidates, growth and the recall task below."""
    from synfwp import plot

    fig, axes = plot.figure("double", 118, "abc;def")
    for letter, decoder in zip("abc", DECODERS, strict=True):
        one = ds.sel(decoder=decoder).assign_attrs(decoder=decoder)
        one["mean"].attrs["long_name"] = {"cosine": "cosine of recall and value"}.get(
            decoder, "share of right " + ("signs" if decoder == "sign" else "values")
        )
        plot.capacity(one, axes[letter], relative=True, legend=False, styles=STYLES)
        _curve_of(axes[letter], DECODERS[decoder])
    names = {f"unstored_{name}": name for name in KEPT}
    other = ds[list(names)].rename(names).rename(few="pairs").assign_attrs(decoder="argmax")
    other["mean"].attrs["long_name"] = "share of right values"
    plot.capacity(other, axes["d"], legend=False, styles=STYLES)
    V = json.loads(ds.attrs["parameters"])["size"]["candidates"]
    _curve_of(axes["d"], f"share of right values, of {V}")
    _growing(ds, axes["e"])
    _recall(ds, axes["f"])
    with plot.style():
        plot.shared_legend(fig, axes["a"])
    plot.letter(axes, offset=24.0)
    return fig


def _curve_of(ax: Any, title: str) -> None:
    """Title and limits of a panel of curves."""
    from synfwp import plot

    with plot.style():
        ax.set_title(title)
        high = ax.get_ylim()[1]
        ax.set_ylim(-0.03 * high, 1.03 * (100 if high > 2 else 1))


def _growing(ds: xr.Dataset, ax: Any) -> None:
    """Loads at the criterion against d, with their power laws."""
    from synfwp import plot

    with plot.style():
        d = ds.d_key.values
        for name in ds.grows.values:
            one, colour = ds.sel(grows=name), plot.COLOURS[STYLES[name][0]]
            load = one.critical_load.values
            error = np.stack([load - one.critical_low.values, one.critical_high.values - load])
            label = f"{float(one.exponent):.2f} $\\pm$ {float(one.exponent_error):.2f}"
            plot.points(ax, d, load, error, colour=colour, marker=STYLES[name][1], label=label)
            middle = np.exp(np.mean(np.log(load)))
            ax.plot(d, middle * (d / np.exp(np.mean(np.log(d)))) ** float(one.exponent), color=colour, lw=0.7)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xticks(d, [f"{x:g}" for x in d])
        ax.xaxis.set_minor_formatter(lambda x, _: "")
        low, high = ax.get_ylim()
        ticks = [x for x in (5, 10, 20, 50, 100, 200, 500) if low <= x <= high]
        ax.set_yticks(ticks, [f"{x:g}" for x in ticks])
        ax.minorticks_off()
        ax.set_xlabel("key features d (number)")
        ax.set_ylabel(f"load at {_level(ds)} (pairs)")
        ax.legend(loc="upper left", title="exponent", fontsize=5, title_fontsize=5)


def _recall(ds: xr.Dataset, ax: Any) -> None:
    """The recall task: memories without training, the closed form, and trained nets."""
    from synfwp import plot

    size = json.loads(ds.attrs["parameters"])["size"]
    with plot.style():
        for name in ("hebb", "delta", "least squares"):
            one, colour = ds.sel(memory=name), plot.COLOURS.get(STYLES[name][0], STYLES[name][0])
            kB = one.task_bytes.values / 1000
            error = 2 * one.task.std("sequence", ddof=1).values / one.sizes["sequence"] ** 0.5
            line = plot.points(ax, kB, 100 * one.task.mean("sequence").values, 100 * error, colour=colour,
                               marker=STYLES[name][1])  # fmt: skip
            line.lines[0].set(markerfacecolor="white", markeredgewidth=0.6)
        d = np.arange(16, max(size["widths"]) + 1)  # from where on it holds
        form = [100 * theory.argmax_accuracy(size["pairs"], int(n), int(n), size["symbols"]) for n in d]
        ax.plot(BYTES * d**2 / 1000, form, color=plot.COLOURS["blue"], lw=1.1, ls=(0, (3, 2)), zorder=4)
        for i in range(ds.sizes.get("net", 0)):
            one = ds.isel(net=i)
            colour, marker = NETS.get(str(one.net_rule.values), ("0.3", "*"))
            colour = plot.COLOURS.get(colour, colour)
            ax.plot(float(one.net_bytes) / 1000, 100 * float(one.net_accuracy), marker, color=colour, ms=3.5, zorder=5)
        ax.plot([], [], "o", color="0.3", mfc="white", label="without training")
        if "net" in ds.sizes:
            rules = list(dict.fromkeys(str(x) for x in ds.net_rule.values))
            for rule in rules:
                colour, marker = NETS.get(rule, ("0.3", "*"))
                ax.plot(
                    [], [], marker, color=plot.COLOURS.get(colour, colour), label=f"{rule.replace('_', ' ')}, trained"
                )
        ax.axhline(100 / size["symbols"], color="0.45", lw=0.7, ls=(0, (1, 1.2)))
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
        ax.xaxis.set_minor_formatter(lambda x, _: "")
        ax.set_ylim(-3, 103)
        ax.set_xlabel("memory in float32 (kB)")
        ax.set_ylabel("right values (%)")
        ax.legend(loc="lower right", fontsize=5)


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = Size(**json.loads(ds.attrs["parameters"])["size"])
    by = {name: ds["mean"].sel(system="hebb", decoder=name).values for name in ("cosine", "argmax")}
    shown = ", ".join(
        f"{P} {cosine:.3f} and {100 * share:.1f} %"
        for P, cosine, share in zip(ds.pairs.values, by["cosine"], by["argmax"], strict=True)
    )
    half = float(ds.half.sel(grows="hebb"))
    nets = sorted({str(x) for x in ds.net_rule.values}) if "net" in ds.sizes else []
    n = int(ds.net_n.max()) if nets else 0
    over = f"filled: nets trained by arora2024 (up to {n} of each kind: {', '.join(nets)})" if nets else (
        "trained nets are left out: no committed result of arora2024 was found")  # fmt: skip
    text = f"""
        One matrix, three decoders. Unit keys of {size.d} features in random directions, values of +-1 (mean zero),
        exact; mean of {size.seeds} seeds, at most {size.queries} queries each; bands: 95 % intervals of the mean;
        dashed: closed forms; dotted: chance; beta of delta and the ridge are the best for their load and decoder on 5
        other seeds; in brackets, what is kept in float64. (a, b, c) The same pairs by cosine, by sign and by the best
        of all P stored values; Hebb by cosine and by the best value at P of {shown}; half of the values at P =
        {half:.0f}. (d) The best of {size.candidates} unit values, most of them not stored. (e) Load at which
        {_level(ds)} of the values are right, with 95 % bootstrap intervals, and its exponent in d with its standard
        error. (f) What multi-query associative recall asks for: {size.pairs} pairs, the best of {size.symbols} values,
        against the bytes of the memory in float32; open: random codes without training ({5 * size.seeds} seeds, 2
        standard errors), dashed: Hebb in closed form (16 features or more); {over}.
    """
    return " ".join(text.split())
