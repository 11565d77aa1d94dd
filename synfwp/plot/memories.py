"""Curves of memories: what each system scores against the load, the writes of a key, or the age of what is stored.

One way for all: the mean with its 95 % interval as a band, theory dashed in the same colour, chance dotted, and what a
system costs in the legend.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from synfwp import checks
from synfwp.plot import parts
from synfwp.plot.colours import COLOURS
from synfwp.plot.page import legend as draw_legend
from synfwp.plot.page import on

Array = np.ndarray
MARKERS = "os^DvPX"
DASHED, DOTTED = (0, (3, 2)), (0, (1, 1.2))
SHARES = ("sign", "argmax", "novelty")  # decoders whose scores are shares, drawn in %
TICKS = 7  # most, of an axis of loads
FLOOR = 30.0  # how far below its threshold a memory is drawn: beyond, its signal is not measured


class Line(NamedTuple):
    """One curve: its name, its colour, its marker and what fills it."""

    label: str
    colour: str
    marker: str
    face: str


def capacity(
    ds: xr.Dataset,
    ax: Axes | None = None,
    *,
    systems: Sequence[str] | None = None,
    relative: bool = False,
    costs: bool = True,
    legend: bool = True,
    styles: Mapping[str, tuple[str, str]] | None = None,
) -> Axes:
    """Scores of memories against the number of stored pairs, each with its 95 % interval and its closed form.

    Parameters
    ----------
    ds : Dataset
        As `synfwp.capacity` returns it.
    ax : Axes
        Where to draw; a new single-column figure if not given.
    systems : sequence of str
        Which to draw; all if not given. Colours go by the place in ``ds``, so that they are the same in all panels.
    relative : bool
        Against pairs per key feature, P / d.
    costs : bool
        Whether the legend has what a system keeps (bytes, or synapses of a spiking network) and the spikes of an
        association and of a query.
    legend : bool
        Whether systems are named above the axes.
    styles : mapping of str to (str, str)
        Colour, of ``plot.COLOURS`` or of matplotlib, and marker of some systems.

    Returns
    -------
    matplotlib.axes.Axes
        Those that were drawn on.

    Raises
    ------
    ValueError
        If a variable or a system is missing.

    Examples
    --------
    >>> import synfwp as fw
    >>> ds = fw.capacity({"Hebb": "hebb"}, d_key=16, loads=[4, 8, 16], seeds=3)
    >>> ax = capacity(ds)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['Hebb (2.0 kB)', 'theory', 'chance']
    """
    return _scores(ds, ax, "pairs", _Shown(systems, costs, legend, styles or {}), relative)


def overwriting(
    ds: xr.Dataset,
    ax: Axes | None = None,
    *,
    systems: Sequence[str] | None = None,
    costs: bool = True,
    legend: bool = True,
    styles: Mapping[str, tuple[str, str]] | None = None,
) -> Axes:
    """Scores of memories against the writes of every key, beside what is reached without knowing their order.

    Parameters
    ----------
    ds : Dataset
        As `synfwp.overwriting` returns it.
    ax : Axes
        Where to draw; a new single-column figure if not given.
    systems : sequence of str
        Which ones, in this order; all if not given.
    costs : bool
        Costs in the legend, as `capacity` writes them.
    legend : bool
    styles : mapping of str to (str, str)
        Colour and marker of systems.

    Returns
    -------
    matplotlib.axes.Axes
        Those that were drawn on.

    Raises
    ------
    ValueError
        If a variable or a system is missing.

    Examples
    --------
    >>> import synfwp as fw
    >>> ax = overwriting(fw.overwriting({"Hebb": "hebb"}, pairs=4, d_key=16, writes=[1, 2], seeds=3))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('writes of each key (number)', 'right values (%)')
    """
    return _scores(ds, ax, "writes", _Shown(systems, costs, legend, styles or {}))


def retention(
    ds: xr.Dataset,
    ax: Axes | None = None,
    *,
    threshold: float | None = None,
    systems: Sequence[str] | None = None,
    costs: bool = True,
    legend: bool = True,
    styles: Mapping[str, tuple[str, str]] | None = None,
) -> Axes:
    """Squared signal over noise against the age of what is stored, on two logarithmic axes (from age 1 on).

    The threshold is dotted, and on it lies the lifetime of each system with its 95 % interval.

    Parameters
    ----------
    ds : Dataset
        As `synfwp.retention` returns it.
    ax : Axes
        Where to draw; a new single-column figure if not given.
    threshold : float
        Which one, of those of ``ds``; the first if not given.
    systems : sequence of str
        Which ones, in this order; all if not given.
    costs : bool
        Costs in the legend, as `capacity` writes them.
    legend : bool
        With the lifetime in writes too.
    styles : mapping of str to (str, str)
        Colour and marker of systems.

    Returns
    -------
    matplotlib.axes.Axes
        Those that were drawn on.

    Raises
    ------
    ValueError
        If a variable, a system or the threshold is missing.

    Examples
    --------
    >>> import synfwp as fw
    >>> ax = retention(fw.retention({"delta": "delta"}, d_key=16, writes=100, oldest=30, beta=0.5, seeds=3))
    >>> ax.get_xlabel(), ax.get_yscale()
    ('age (writes since)', 'log')
    """
    parts.take(ds, "signal", "retention")
    levels = [float(x) for x in np.atleast_1d(parts.take(ds, "threshold", "retention").values)]
    level = levels[0] if threshold is None else checks.number("threshold", threshold)
    if level not in levels:
        raise ValueError(f"threshold is {level:g}; the Dataset has {', '.join(f'{x:g}' for x in levels)}: pass one.")
    at = ds.sel(threshold=level)
    shown = _Shown(systems, costs, legend, styles or {})
    x = at.age.values
    with on(ax) as ax:
        for name, line in shown.lines(at, (f"{{}}life {float(at.lifetime.sel(system=n)):.0f}" for n in shown.of(at))):
            one = at.sel(system=name)
            _line(ax, x, _ratio(one.signal, one.noise), line, markers=False)
            _theory(ax, x, _ratio(one.signal_theory, one.noise_theory), line)
            span = [[max(float(one.lifetime - one.low), 0.0)], [max(float(one.high - one.lifetime), 0.0)]]
            if float(one.lifetime) > 0:
                mark: Any = {"fmt": line.marker, "color": line.colour, "markerfacecolor": line.face, "elinewidth": 0.6}
                ax.errorbar([float(one.lifetime)], [level], xerr=span, zorder=4, **mark)
        ax.axhline(level, color="0.45", linewidth=0.7, linestyle=DOTTED, label=f"threshold {level:g}", zorder=1)
        ax.set_xscale("symlog", linthresh=1)  # the newest has an age of 0
        ax.set_yscale("log")
        ax.set_ylim(bottom=min(levels) / FLOOR)
        ax.set_xlim(0, x.max())
        ax.set_xlabel("age (writes since)")
        ax.set_ylabel("signal$^2$ / noise (ratio)")
        _plain(ax.xaxis)
        _plain(ax.yaxis)
        if legend:
            draw_legend(ax)
    return ax


class _Shown(NamedTuple):
    """What a call wants to see."""

    systems: Sequence[str] | None
    costs: bool
    legend: bool
    styles: Mapping[str, tuple[str, str]]

    def of(self, ds: xr.Dataset) -> list[str]:
        """Names of the systems, in the order of the call."""
        there = [str(name) for name in parts.take(ds, "system", "a figure of memories").values]
        return [checks.one_of("system", name, there) for name in (there if self.systems is None else self.systems)]

    def lines(self, ds: xr.Dataset, more: Any = ()) -> list[tuple[str, Line]]:
        """The line of each system; ``more`` are texts for the legend, with a place for the costs."""
        there, texts = [str(name) for name in ds.system.values], list(more)
        found = []
        for i, name in enumerate(self.of(ds)):
            place = there.index(name)
            usual = (list(COLOURS)[place % len(COLOURS)], MARKERS[place % len(MARKERS)])
            colour, marker = self.styles.get(name, usual)
            colour = COLOURS.get(colour, colour)
            cost = _cost(ds.sel(system=name)) if self.costs else ""
            if texts:
                cost = texts[i].format(f"{cost}, " if cost else "")
            again = place >= len(COLOURS) and name not in self.styles  # colours go round: open markers
            label = parts.spell(name) + (f" ({cost})" if cost else "")
            found.append((name, Line(label, colour, marker, "white" if again else colour)))
        return found


def _scores(ds: xr.Dataset, ax: Axes | None, dim: str, shown: _Shown, relative: bool = False) -> Axes:
    """Mean scores along a dim."""
    mean = parts.take(ds, "mean", "a figure of memories")
    if dim not in mean.dims:
        raise ValueError(f"mean has dimensions {mean.dims}; pass what the function of the same name returned.")
    share = ds.attrs.get("decoder") in SHARES
    scale = 100.0 if share else 1.0
    x = ds[dim].values / (_features(ds) if relative else 1)
    with on(ax) as ax:
        for name, line in shown.lines(ds):
            one = ds.sel(system=name)
            there = np.isfinite(one["mean"].values)
            limits = [scale * one[side].values[there] for side in ("low", "high")]
            limits = [np.clip(x, 0, scale) for x in limits] if share else limits
            ax.fill_between(x[there], *limits, color=line.colour, alpha=0.25, linewidth=0)
            _line(ax, x[there], scale * one["mean"].values[there], line)
            _theory(ax, x, scale * one["theory"].values, line)
        for reference, text in (("chance", "chance"), ("order_blind", "order unknown")):
            if reference in ds and np.isfinite(ds[reference].values).any():
                style = DOTTED if reference == "chance" else (0, (5, 1, 1, 1))
                ax.plot(x, scale * ds[reference].values, color="0.45", lw=0.7, ls=style, label=text, zorder=1)
        _loads(ax, x, relative)
        long = str(mean.attrs.get("long_name", "score"))
        ax.set_ylabel(f"{long.removeprefix('share of ')} (%)" if share else long)
        name = str(ds[dim].attrs.get("long_name", dim))
        ax.set_xlabel("load P / d (pairs per key feature)" if relative else f"{name} (number)")
        if shown.legend:
            draw_legend(ax)
    return ax


def _line(ax: Axes, x: Array, y: Array, line: Line, markers: bool = True) -> None:
    """A mean."""
    mark: dict[str, Any] = {"marker": line.marker, "markerfacecolor": line.face} if markers else {}
    ax.plot(x, y, color=line.colour, linewidth=0.8, label=line.label, zorder=3, **mark)


def _theory(ax: Axes, x: Array, y: Array, line: Line) -> None:
    """A closed form, where there is one; the first of the axes is named."""
    there = np.isfinite(y) & (y > 0)
    if there.any():
        named = any(str(one.get_label()) == "theory" for one in ax.lines)
        ax.plot(x[there], y[there], color=line.colour, lw=1.1, ls=DASHED, zorder=4)
        if not named:
            ax.plot([], [], color="0.3", lw=1.1, ls=DASHED, label="theory")


def _ratio(signal: Any, noise: Any) -> Array:
    """Squared signal over noise."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(noise > 0, np.square(signal) / noise, np.nan))


def _features(ds: xr.Dataset) -> float:
    """Key features of a run."""
    found = json.loads(ds.attrs.get("parameters", "{}")).get("d_key")
    if not isinstance(found, int):
        raise ValueError("the Dataset does not hold the number of key features; pass relative=False.")
    return float(found)


def _loads(ax: Axes, x: Array, relative: bool) -> None:
    """A logarithmic axis with the numbers that were run, or some of them."""
    if len(x) < 2:
        return
    ax.set_xscale("log", base=2)
    every = -(-len(x) // TICKS)
    shown = x[::every] if not relative else x[np.isclose(np.log2(x) % 1, 0)][:: max(1, every)]
    ax.set_xticks(shown if len(shown) else x, [_fraction(value) for value in (shown if len(shown) else x)])
    ax.minorticks_off()


def _fraction(value: float) -> str:
    """1/8 for 0.125, and whole numbers as they are."""
    return f"1/{1 / value:.0f}" if 0 < value < 1 and np.isclose(1 / value % 1, 0) else f"{value:g}"


def _plain(axis: Any) -> None:
    """Plain numbers, since exponents would be smaller than 5 pt."""
    axis.set_major_formatter(lambda y, _: f"{y:g}")
    axis.set_minor_formatter(NullFormatter())


def _cost(one: xr.Dataset) -> str:
    """What a system keeps, and its spikes, where a run has them."""
    found = {name: one[name].values.ravel() for name in ("state_bytes", "synapses") if name in one}
    spikes = [one[name].values for name in ("write_spikes", "read_spikes") if name in one]
    spent = [np.nanmean(x) for x in spikes if np.isfinite(x).any()]
    text = []
    kept = found.get("state_bytes", np.empty(0))
    if spent and np.isfinite(found.get("synapses", np.nan)).any():
        text.append(f"{_short(np.nanmax(found['synapses']))} synapses")
    elif np.isfinite(kept).any():
        low, high = np.nanmin(kept), np.nanmax(kept)
        text.append(f"{_bytes(low)}" if low == high else f"{_bytes(low)} to {_bytes(high)}")
    if spent:
        text.append(f"{' + '.join(_short(x) for x in spent)} spikes")
    return ", ".join(text)


def _bytes(size: float) -> str:
    """Bytes in B, kB or MB."""
    for unit, step in (("MB", 1e6), ("kB", 1e3)):
        if size >= step:
            return f"{size / step:.{0 if size >= 10 * step else 1}f} {unit}"
    return f"{size:.0f} B"


def _short(x: float) -> str:
    """A count with at most three figures."""
    return f"{x / 1e6:.3g}M" if x >= 1e6 else f"{x / 1e3:.3g}k" if x >= 1e4 else f"{x:.0f}"
