"""What was fitted: parameters with their intervals, and data with the fitted curve and its band."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from synfwp.checks import short, suggest
from synfwp.inference import Fit, ModelFit, TraceFit
from synfwp.plasticity import protocols
from synfwp.plot.colours import COLOURS
from synfwp.plot.page import legend, on, points

CYCLE = ("blue", "vermillion", "green", "orange", "purple", "sky", "black")
MARKERS = "os^Dv<>"
FINE = 100  # points of a curve, on each side of 0
EDGE = 1e-3  # of a reference: where an end at or below 0 is drawn on a logarithmic axis


def forest(
    fits: Fit | ModelFit | Mapping[str, Fit | ModelFit],
    ax: Axes | None = None,
    *,
    reference: Mapping[str, float] | None = None,
) -> Axes:
    """Parameters with their intervals, each over a reference; grey ends where an interval reaches a bound.

    Parameters
    ----------
    fits : Fit, ModelFit, or dict of them by name
        Of several, each has a colour and a marker. The value and the interval of a single one stand beside it.
    ax : Axes
        Where to draw; a new single-column figure if not given.
    reference : dict of str to float or None
        What each parameter is divided by, such as published values; others are left out. None: the values of the first
        fit.

    Returns
    -------
    matplotlib.axes.Axes
        Those that were drawn on.

    Raises
    ------
    TypeError, ValueError
        For another object, a fit without intervals, or a reference of 0.

    Examples
    --------
    >>> import synfwp as fw
    >>> ax = forest(fw.fit(fw.PairSTDP, "nevian_sakmann2006_bursts", fixed={"tau_plus": 15.0, "tau_minus": 30.0}))
    >>> [label.get_text() for label in ax.get_yticklabels()], ax.get_xlabel()
    (['A_plus', 'A_minus'], 'value (of the best fit)')
    """
    by_name = dict(fits) if isinstance(fits, Mapping) else {"": fits}
    tables = {name: _intervals(one) for name, one in by_name.items()}
    if not tables:
        raise ValueError("fits is empty; pass at least one.")
    unit = next(iter(tables.values())).value.to_dict() if reference is None else dict(reference)
    for table in tables.values() if reference is None else ():
        unit = table.value.to_dict() | unit
    names = [name for name in unit if any(name in table.index for table in tables.values())]
    if bad := [name for name in names if not unit[name]]:
        raise ValueError(f"the value of {bad[0]} is 0, so that nothing can be divided by it; pass reference=.")
    with on(ax) as ax:
        for i, (fit, table) in enumerate(tables.items()):
            shift = 0.0 if len(tables) == 1 else 0.5 * (i / (len(tables) - 1) - 0.5)
            rows = {place: table.loc[name] for place, name in enumerate(names) if name in table.index}
            _rows(ax, rows, [unit[name] for name in names], shift, fit, i)
        ax.axvline(1, color=COLOURS["black"], linestyle=(0, (3, 2)), linewidth=0.6, zorder=1)
        ax.set_xscale("log")
        _plain_ticks(ax)
        ax.set_yticks(range(len(names)), names)
        ax.set(ylim=(len(names) - 0.5, -0.5), ylabel="parameter (name)")
        ax.set_xlabel(f"value (of the {'best fit' if reference is None else 'reference'})")
        if len(tables) == 1:
            _beside(ax, next(iter(tables.values())), names)
        legend(ax)
    return ax


def _intervals(fit: Any) -> pd.DataFrame:
    """The table of a fit that has intervals."""
    if not isinstance(fit, Fit | ModelFit):
        raise TypeError(f"fits holds {short(fit)}; pass what fit, fit_short_term or fit_btsp give, or a dict of them.")
    if not fit.intervals:
        raise ValueError("the fit has no intervals; fit with intervals='profile'.")
    return fit.table()


def _rows(ax: Axes, rows: Mapping[int, Any], unit: Sequence[float], shift: float, label: str, i: int) -> None:
    """The intervals of one fit, with grey ends where one is open."""
    colour, marker = COLOURS[CYCLE[i % len(CYCLE)]], MARKERS[i % len(MARKERS)]
    for place, row in rows.items():
        ends = sorted(float(row[end]) / unit[place] for end in ("low", "high"))
        low, high = (max(end, EDGE) for end in ends)
        value = max(float(row.value) / unit[place], EDGE)
        y = place + shift
        ax.plot([low, high], [y, y], color=colour, linewidth=0.8, zorder=2)
        ax.plot(value, y, marker, color=colour, zorder=3, label=label or None)
        label = ""
        if not row.constrained:
            grey: dict[str, Any] = {"marker": "|", "color": "0.45", "linestyle": "none", "zorder": 4, "markersize": 5}
            ax.plot([low, high], [y, y], **grey)


def _plain_ticks(ax: Axes) -> None:
    """Numbers without exponents on a logarithmic axis of less than two decades."""
    low, high = ax.get_xlim()
    if high < 100 * low:
        few = LogLocator(subs=(1.0, 2.0, 5.0)) if high > 4 * low else MaxNLocator(4)
        ax.xaxis.set_major_locator(few)
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())


def _beside(ax: Axes, table: pd.DataFrame, names: Sequence[str]) -> None:
    """Numbers to the right of the axes."""
    for place, name in enumerate(names):
        row = table.loc[name]
        unit = "" if row.unit == "1" else f" {row.unit}"
        mark = "" if row.constrained else " (open)"
        text = f"{row.value:.3g} ({row.low:.3g} to {row.high:.3g}){unit}{mark}"
        ax.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center", annotation_clip=False)


def fitted(
    fit: Fit | ModelFit,
    ax: Axes | None = None,
    *,
    x: str | None = None,
    by: str | None = None,
    curve: Callable[..., protocols.Protocol] | None = None,
) -> Axes:
    """Data with their standard errors, and the fitted curve with its band.

    Parameters
    ----------
    fit : Fit, ModelFit or TraceFit
        A trace is drawn with the model; amplitudes of trains, or places of laps, with the model at each.
    ax : Axes
        Where to draw; a new single-column figure if not given.
    x : str or None
        Of a `Fit`: the variable of the table that is drawn along, ``"dt_ms"`` if not given.
    by : str or None
        Of a `Fit`: the variable of the table that makes curves of their own; by default the conditions of the fit.
    curve : callable or None
        Of a `Fit`: from a value of ``x`` (and one of ``by``, where it is given) to the protocol. None: the pairs of a
        table of `read_table`, at its one rate.

    Returns
    -------
    matplotlib.axes.Axes
        Those that were drawn on.

    Raises
    ------
    TypeError, ValueError
        For another object, an unknown variable, or a published table without ``curve``.

    Examples
    --------
    >>> import synfwp as fw
    >>> table = {"dt_ms": [-20, -10, 10, 20], "dw_percent": [-10, -18, 42, 20], "sem": [5.0] * 4}
    >>> found = fw.fit(fw.PairSTDP, fw.read_table(table, sem="sem"), fixed={"tau_minus": 30.0})
    >>> ax = fitted(found)
    >>> ax.get_xlabel(), ax.get_ylabel(), len(ax.collections)
    ('post minus pre (ms)', 'weight change (%)', 3)
    """
    if isinstance(fit, TraceFit):
        return _trace(fit, ax)
    if isinstance(fit, ModelFit):
        return _model(fit, ax)
    if not isinstance(fit, Fit):
        raise TypeError(f"fit is {short(fit)}; pass what fit, fit_short_term or fit_btsp give.")
    data, along = fit.data, "dt_ms" if x is None else x
    for name, value in (("x", along), ("by", by)):
        if value is not None and value not in data.variables:
            raise ValueError(f"{name}: the table has no variable {value!r}; {suggest(value, map(str, data.variables))}")
    if by is None and fit.conditions.labels is not None:
        groups: np.ndarray | None = fit.conditions.labels
    else:
        groups = None if by is None else data[by].values
    made: Callable[..., protocols.Protocol] = _pairs(data, along) if curve is None else curve
    p = fit.estimate.problem
    used = p.weights > 0
    with on(ax) as ax:
        labels = [None] if groups is None else list(dict.fromkeys(groups[used].tolist()))
        for i, label in enumerate(labels):
            colour, marker = CYCLE[i % len(CYCLE)], MARKERS[i % len(MARKERS)]
            here = used if groups is None else used & (groups == label)
            text = None if label is None else _label(label, "" if by is None else str(data[by].attrs.get("units", "")))
            err = None if p.sem is None else 100 * p.sem[here]
            points(ax, data[along].values[here], 100 * p.data[here], err, label=text, colour=colour, marker=marker)
            for grid in _grid(data[along].values[used]):
                runs = [made(one) if by is None or curve is None else made(one, label) for one in grid.tolist()]
                band = fit.predict(runs, None if not fit.conditions.per else label)
                ax.fill_between(
                    grid, 100 * band.dw_low, 100 * band.dw_high, color=COLOURS[colour], alpha=0.2, linewidth=0
                )
                ax.plot(grid, 100 * band.dw_model, color=COLOURS[colour])
        ax.axhline(0, color=COLOURS["black"], linewidth=0.4, zorder=1)
        ax.set(xlabel=_named(data[along], along), ylabel="weight change (%)")
        legend(ax)
    return ax


def _pairs(data: Any, along: str) -> Callable[[float], protocols.Protocol]:
    """The pairs of an own table."""
    rates = np.unique(data.rate_hz.values) if "rate_hz" in data.variables else np.zeros(0)
    if "n_pairs" not in data.attrs or along != "dt_ms" or len(rates) != 1:
        raise ValueError(
            "the protocol along this curve is not known; pass curve=, a function such as lambda dt: "
            "protocols.pairs(n=60, rate=1.0, dt=dt)."
        )
    return lambda dt: protocols.pairs(int(data.attrs["n_pairs"]), float(rates[0]), dt)


def _grid(x: np.ndarray) -> list[np.ndarray]:
    """Where a curve is drawn: each side of 0 by itself."""
    low, high = float(x.min()), float(x.max())
    near = 1e-3 * max(abs(low), abs(high))
    sides = [(low, min(high, -near)), (max(low, near), high)]
    return [np.linspace(a, b, FINE) for a, b in sides if a < b]


def _label(value: Any, unit: str = "") -> str:
    """A value of what makes curves of their own."""
    return f"{value:g} {unit}".rstrip() if isinstance(value, float | int) else str(value)


def _named(values: Any, name: str) -> str:
    """The label of an axis."""
    known = {"dt_ms": "post minus pre (ms)", "rate_hz": "rate of pairing (Hz)", "freq_hz": "rate of pairing (Hz)"}
    return known.get(name, str(values.attrs.get("long_name", name)))


def _model(fit: ModelFit, ax: Axes | None) -> Axes:
    """Points of each condition, with the model at each."""
    ds = fit.points()
    along = next((str(name) for name in ds.coords if name != "condition"), None)
    if along is None:
        raise ValueError("the fit does not know where its points lie; fit anew, and draw that.")
    labels = ds.condition.values if along == "time (ms)" else ds[list(ds.coords)[-1]].values
    with on(ax) as ax:
        for i, label in enumerate(dict.fromkeys(labels.tolist())):
            part = ds.isel(point=labels == label).sortby(along)
            colour, marker = CYCLE[i % len(CYCLE)], MARKERS[i % len(MARKERS)]
            err = part.sem.values if "sem" in part else None
            name = _label(label)
            points(ax, part[along].values, part.measured.values, err, label=name, colour=colour, marker=marker)
            ax.fill_between(part[along], part.low, part.high, color=COLOURS[colour], alpha=0.2, linewidth=0)
            ax.plot(part[along], part.model, color=COLOURS[colour])
        ax.set(xlabel=along, ylabel="amplitude or change (unit of the data)")
        legend(ax)
    return ax


def _trace(fit: TraceFit, ax: Axes | None) -> Axes:
    """A trace with its model."""
    ds: Any = fit.trace
    with on(ax) as ax:
        ax.plot(ds.time, ds.voltage, color="0.6", linewidth=0.6, label="recorded")
        ax.plot(ds.time, ds.model, color=COLOURS["blue"], label="fitted")
        ax.set(xlabel="time (s)", ylabel="voltage (unit of the data)")
        legend(ax)
    return ax
