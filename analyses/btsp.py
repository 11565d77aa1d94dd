"""Plasticity on the time scale of behaviour against place cells: the published rule, fits with intervals, coins.

Published: the weight-dependent rule and its parameters (Milstein et al. 2021, fig. 5); changes of the depolarisation of
CA1 neurons by plateaus, binned by the time from the plateau and by the depolarisation before (Bittner et al. 2017,
Milstein et al. 2021). Ours: what a bin stands for. Inputs are active for exp(-(t / 0.85 s)^2) (fields of 90 cm at 25
cm/s, as in the authors' programs), a plateau lasts 0.3 s; the weight before is a share of the depolarisation before,
for which the table has ranges alone: 0.5, 2.5 and 6 mV are taken; changes are not cut at full weights; the number of
laps goes into the rates. Free are then the time constants, two rates and the share; the gates are the published ones.

The standard errors treat spatial bins of one cell as independent, and no fit is within them (E of 8 to 11 where 1 would
be); intervals rest on errors that are inflated by the root of chi^2 per degree of freedom, and are those of a pooled
cell, not of the spread between cells. What does not come out: the share, so whether potentiation falls with the weight:
its interval reaches 0. Depression that grows with what was there before does (a rate of 0 is far outside).

Beside it binary synapses that plateaus set by a fair coin (Wu & Maass 2025): their weights forget as (1 - f_p f_q)^t.

Cites: milstein2021, bittner2017, wu2025
"""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results
from synfwp.inference import ModelFit, fit_btsp
from synfwp.plasticity import BTSP, BinaryBTSP
from synfwp.results import Row
from synfwp.settings import sized

TABLE = "milstein2021_btsp_binned"
GATES = ("a_plus", "b_plus", "a_minus", "b_minus")
TIMES = ("tau_ET", "tau_IS")
FITS = ("published", "times free", "times free, other depolarisations")


class Size(NamedTuple):
    """Steps of time, starts, synapses, and what a bin stands for."""

    dt: float  # ms, of the integrals
    starts: int  # random starts of each fit
    synapses: int  # neurons, and inputs, of the binary synapses
    seeds: int  # of the binary synapses
    points: int = 61  # points of a curve
    before: tuple[float, float, float] = (0.5, 2.5, 6.0)  # mV, depolarisation of the three ranges
    other: tuple[float, float, float] = (0.3, 2.0, 8.0)  # mV, the same for a control
    f_input: float = 0.1  # share of active inputs
    f_plateau: float = 0.1  # share of neurons with a plateau
    patterns: int = 30  # later patterns


FULL, QUICK = Size(dt=10.0, starts=20, synapses=400, seeds=20), Size(dt=50.0, starts=2, synapses=100, seeds=4)


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Windows of the published set, fits to the bins, and binary synapses."""
    table = fw.load_table(TABLE)
    rule = BTSP("milstein2021_fig5")
    gates = {name: float(getattr(rule, name)) for name in GATES}
    times = {name: float(getattr(rule, name)) for name in TIMES}
    fits = {
        "published": _fit(table, size, size.before, gates | times, seed, "none"),
        "times free": _fit(table, size, size.before, gates, seed, "profile"),
        "times free, other depolarisations": _fit(table, size, size.other, gates, seed, "none"),
    }
    ds = xr.merge([_bins(table, fits, size), _windows(rule, size), _coins(size, seed)])
    ds.attrs = results.provenance({"size": size._asdict(), "quick": quick}, seed)
    return results.compared(ds, rows)


def _before(table: xr.Dataset, levels: tuple[float, ...]) -> np.ndarray:
    """Depolarisation before, mV, of every bin."""
    ranges = dict(zip(dict.fromkeys(table.initial_ramp_mV.values.tolist()), levels, strict=True))
    return np.array([ranges[name] for name in table.initial_ramp_mV.values.tolist()])


def _fit(
    table: xr.Dataset, size: Size, levels: tuple[float, ...], fixed: dict[str, float], seed: int, intervals: str
) -> ModelFit:
    """The rule on all bins."""
    return fit_btsp(
        1000 * table.t_from_plateau_s.values,
        table.delta_vm_mean_mV.values,
        _before(table, levels),
        sem=table.delta_vm_sem_mV.values,
        fixed=fixed,
        dt=size.dt,
        starts=size.starts,
        intervals=intervals,
        seed=seed,
    )


def _bins(table: xr.Dataset, fits: dict[str, ModelFit], size: Size) -> xr.Dataset:
    """Data, models, and parameters with intervals."""
    names = (*TIMES, "share", "rise", "fall")
    model = np.array([fit.estimate.model for fit in fits.values()])
    change, sem = table.delta_vm_mean_mV.values, table.delta_vm_sem_mV.values
    ends = np.full((3, len(fits), len(names)), np.nan)
    for i, fit in enumerate(fits.values()):
        found = fit.table()
        for j, name in enumerate(names):
            one = found.loc[name] if name in found.index and fit.intervals else None
            ends[:, i, j] = [fit.values[name], *((np.nan, np.nan) if one is None else (one.low, one.high))]
    millivolt = {"units": "mV"}
    text = "tau: ms, share: 1/mV, rise: mV/s, fall: 1/s"
    return xr.Dataset(
        {
            "change": ("bin", change, millivolt | {"long_name": "change of depolarisation"}),
            "sem": ("bin", sem, millivolt | {"long_name": "standard error of the mean"}),
            "model": (("fit", "bin"), model, millivolt | {"long_name": "change of depolarisation, model"}),
            "misfit": (
                "fit",
                (((model - change) / sem) ** 2).mean(axis=1),
                {"units": "1", "long_name": "E, mean of (data - model)^2 / sem^2"},
            ),
            "explained": (
                "fit",
                1 - ((model - change) ** 2).sum(axis=1) / ((change - change.mean()) ** 2).sum(),
                {"units": "1", "long_name": "share of variance explained"},
            ),
            **{
                name: (("fit", "parameter"), values, {"units": "1", "long_name": f"{what} ({text})"})
                for name, what, values in zip(
                    ("value", "low", "high"), ("best value", "lower end", "upper end"), ends, strict=True
                )
            },
        },
        coords={
            "fit": ("fit", list(fits), {"long_name": "what is free"}),
            "parameter": ("parameter", list(names), {"long_name": "parameter"}),
            "bin_time": ("bin", table.t_from_plateau_s.values, {"units": "s", "long_name": "time from the plateau"}),
            "bin_before": ("bin", _before(table, size.before), {"units": "mV", "long_name": "depolarisation before"}),
        },
    )


def _windows(rule: BTSP, size: Size) -> xr.Dataset:
    """The published set on weights of 0, 1/2 and 1."""
    times, weights = np.linspace(-5.0, 5.0, size.points), (0.0, 0.5, 1.0)
    found = [rule.window(1000 * times, w, dt=size.dt) for w in weights]
    return xr.Dataset(
        {"window": (("weight", "time"), found, {"units": "1", "long_name": "change of the weight in one lap"})},
        coords={
            "weight": ("weight", list(weights), {"units": "1", "long_name": "weight before"}),
            "time": ("time", times, {"units": "s", "long_name": "time from the plateau"}),
        },
    )


def _coins(size: Size, seed: int) -> xr.Dataset:
    """Correlation of binary weights with themselves, later patterns on, of each seed."""
    rule, n = BinaryBTSP(), size.synapses
    found = []
    for draw in range(size.seeds):
        rng = fw.seeds.generator(seed, "coins", draw)
        W = first = (rng.random((n, n)) < 0.5).astype(float)
        for _ in range(size.patterns):
            W = rule.write(W, rng.random(n) < size.f_input, rng.random(n) < size.f_plateau, seed=rng)
        found.append(float(np.corrcoef(first.ravel(), W.ravel())[0, 1]))
    expected = float(fw.theory.btsp_correlation(size.patterns, size.f_input, size.f_plateau))
    return xr.Dataset(
        {
            "correlation": ("draw", found, {"units": "1", "long_name": "correlation with the weights before"}),
            "forgotten": ((), expected, {"units": "1", "long_name": "(1 - f_p f_q)^t"}),
        }
    )


def _half_widths(time: Any, change: Any) -> tuple[float, float]:
    """How long before and after its peak a change is above half of it, s."""
    t, y = np.asarray(time), np.asarray(change)
    top, half = int(np.argmax(y)), float(y.max()) / 2
    sides = [np.flatnonzero(y[:top] < half), top + np.flatnonzero(y[top:] < half)]
    before = np.interp(half, y[sides[0][-1] : sides[0][-1] + 2], t[sides[0][-1] : sides[0][-1] + 2])
    last = sides[1][0]
    after = np.interp(half, y[[last, last - 1]], t[[last, last - 1]])
    return float(-before), float(after)


def rows(ds: xr.Dataset) -> list[Row]:
    """Shapes, errors, parameters with the ends of their intervals, and coins."""
    silent, full = ds.window.sel(weight=0.0), ds.window.sel(weight=1.0)
    near = np.abs(ds.time) <= 1.0
    found = [
        Row("least change within 1 s of the plateau, weight 0, published set", float(silent[near.values].min()), 0.0,
            "published", "milstein2021, fig. 5", claim="above"),
        Row("largest change anywhere, weight 1, published set", float(full.max()), 0.0, "published",
            "milstein2021, fig. 5", claim="below"),
    ]  # fmt: skip
    low = (ds.bin_before == ds.bin_before.min()).values
    measured = _half_widths(ds.bin_time.values[low], ds.change.values[low])
    for name in FITS[:2]:
        widths = _half_widths(ds.bin_time.values[low], ds.model.sel(fit=name).values[low])
        for side, obtained, expected in zip(("before", "after"), widths, measured, strict=True):
            text = f"half width {side} the plateau, bins of low depolarisation, {name} (s)"
            found.append(Row(text, obtained, expected,
                             "recomputed", "milstein2021 and bittner2017, binned", band=0.25,
                             why="band: half a bin; the error of the data's own width is not known"))  # fmt: skip
        found.append(Row(f"E, {name}", float(ds.misfit.sel(fit=name)), 1.0, "theory", "a model within the errors",
                         claim="below", why="bins of one cell are not independent, and cells differ"))  # fmt: skip
        found.append(Row(f"variance explained, {name}", float(ds.explained.sel(fit=name))))
    published = {"tau_ET": 2500.0, "tau_IS": 1500.0}
    at = ds.sel(fit="times free")
    other = ds.sel(fit="times free, other depolarisations")
    for name in TIMES:
        low_end, high_end = (float(end.sel(parameter=name)) for end in (at.low, at.high))
        value = float(at.value.sel(parameter=name))
        found.append(Row(f"{name} of the bins (ms)", value, published[name], "published", "milstein2021, fig. 5",
                         error=(high_end - low_end) / 3.92,
                         why="fig. 5 is one set of parameters; bins pool cells and laps"))  # fmt: skip
        found += [
            Row(f"{name} of the bins, {end} end of the 95 % interval (ms)", x)
            for end, x in (("lower", low_end), ("upper", high_end))
        ]
        elsewhere = float(other.value.sel(parameter=name))
        found.append(Row(f"{name}, other depolarisations (ms)", elsewhere, value, "control",
                         why="the table has ranges of the depolarisation before, not means"))  # fmt: skip
    found += [
        Row("fall of the bins, lower end of the 95 % interval (1/s)", float(at.low.sel(parameter="fall")), 0.0,
            "control", claim="above", why="0 is no depression of what was depolarised"),
        Row("share of the bins, lower end of the 95 % interval (1/mV)", float(at.low.sel(parameter="share")), 0.0,
            "control", why="0 is potentiation that does not fall with the weight"),
        Row("correlation of binary weights, 30 patterns later", ds.correlation.values, float(ds.forgotten), "exact",
            "wu2025, (1 - f_p f_q)^t; second hand"),
    ]  # fmt: skip
    return found


def figure(ds: xr.Dataset) -> Any:
    """The published windows, and the bins with both fits."""
    from synfwp import plot

    fig, axes = plot.figure("double", 62, "aabbbb")
    colours = [plot.COLOURS[name] for name in ("blue", "green", "vermillion")]
    with plot.style():
        ax = axes["a"]
        for weight, colour in zip(ds.weight.values, colours, strict=True):
            ax.plot(ds.time, ds.window.sel(weight=weight), color=colour, label=f"w = {weight:g}")
        ax.axhline(0, color=plot.COLOURS["black"], lw=0.4)
        ax.set(xlabel="time from the plateau (s)", ylabel="change of weight (of full)", ylim=(-1.05, 1.05))
        plot.legend(ax)
        ax = axes["b"]
        ranges = "below 1 mV", "1 to 4 mV", "4 mV and more"
        for before, colour, marker, text in zip(np.unique(ds.bin_before), colours, "os^", ranges, strict=True):
            side = (ds.bin_before == before).values
            t = ds.bin_time.values[side]
            plot.points(ax, t, ds.change.values[side], ds.sem.values[side], colour=colour, marker=marker,
                        label=text)  # fmt: skip
            ax.plot(t, ds.model.sel(fit="times free").values[side], color=colour)
            ax.plot(t, ds.model.sel(fit="published").values[side], "--", color=colour)
        ax.axhline(0, color=plot.COLOURS["black"], lw=0.4)
        ax.set(xlabel="time from the plateau (s)", ylabel="change of depolarisation (mV)")
        plot.legend(ax)
    plot.letter(axes)
    return fig


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    at = ds.sel(fit="times free")
    ends = {
        name: f"{float(at.low.sel(parameter=name)):.0f} to {float(at.high.sel(parameter=name)):.0f} ms"
        for name in TIMES
    }
    errors = [float(ds.misfit.sel(fit=name)) for name in FITS[:2]]
    text = f"""
        Plasticity on the time scale of behaviour. (a) The rule of Milstein et al. 2021 (fig. 5), one lap, on weights of
        0, 1/2 and 1; they are cut at 0 and 1. (b) Change of depolarisation of CA1 neurons by plateaus, 60 bins, mean
        and s.e.m. over spatial bins, by the depolarisation before (Bittner et al. 2017; Milstein et al. 2021): the
        published time constants and gates with two rates and the share free (dashed, E = {errors[0]:.1f}), and with
        both time constants free (lines, E = {errors[1]:.1f}; tau_ET {ends["tau_ET"]}, tau_IS {ends["tau_IS"]}, 95 %,
        errors inflated).
    """
    return " ".join(text.split())
