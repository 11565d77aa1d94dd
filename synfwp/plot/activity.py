"""What a network does: its spikes, its weights and its traces over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from synfwp import grid, results, units
from synfwp.checks import number, one_of, short
from synfwp.plot import inputs, page, parts
from synfwp.plot.colours import COLOURS
from synfwp.plot.page import on

PHASE_TINTS = ("#DCEBF7", "#FCE6CF", "#E4E4E4", "#DDF1E8")
MANY_SPIKES = 20_000  # above this the ticks of a population are pixels inside the PDF, which would grow too large
NAMED_LINES = len(COLOURS)  # as many lines as colours get a legend, more get a colour bar


def raster(
    ds: Any,
    ax: Axes | None = None,
    *,
    window: tuple[float, float] | None = None,
    populations: Sequence[str] | None = None,
    order: Mapping[str, np.ndarray] | None = None,
    colours: Mapping[str, str] | None = None,
    legend: bool = True,
) -> Axes:
    """Spikes of a network: one row per neuron, one tick per spike, the phases of the protocol shaded.

    Parameters
    ----------
    ds : Dataset, (time, unit) arrays in s, or brian2.SpikeMonitor
        Of a Dataset: ``spike_time`` (its attribute ``units`` names the unit: ``"s"``, or another one of time) and
        ``spike_unit`` (integers) along ``spike``; optionally ``phase_start``, ``phase_stop`` (s) and ``phase_name``
        along ``phase``.
        With ``spike_population`` along ``spike`` (an index into the coordinate ``population``, with ``population_size``
        along it: every run of a circuit or a spiking network) each population has its colour and its rows, one above
        the other, silent neurons included. Without it a dimension ``unit`` gives the number of neurons.
    ax : Axes
        Where to draw; a new single-column figure if not given.
    window : (start, stop), s
        Draw this stretch of time only.
    populations : sequence of str or None
        Draw these only, the first one at the bottom.
    order : mapping of str to (n,) integer array
        By population, its neurons from the bottom to the top, each once.
    colours : mapping of str to str
        By population: names of `COLOURS` or any colour of matplotlib.
    legend : bool
        Whether populations and phases are named above the axes.

    Returns
    -------
    matplotlib.axes.Axes
        Those that were drawn on.

    Raises
    ------
    ValueError
        If a variable or a population is missing or has another dimension, spikes have no unit of time, or phases are
        not in seconds, or an order is no order of all neurons.

    Examples
    --------
    >>> spikes = {"spike_unit": ("spike", [0, 2, 1]), "spike_time": ("spike", [10.0, 20.0, 50.0], {"units": "ms"})}
    >>> ax = raster(xr.Dataset(spikes))
    >>> [segment[0].tolist() for segment in ax.collections[0].get_segments()], ax.get_xlabel()
    ([[0.01, -0.4], [0.02, 1.6], [0.05, 0.6]], 'time (s)')
    """
    ds = _stacked(inputs.as_dataset(ds, "raster"), populations, order or {})
    parts.along(ds, "spike_time", "spike", "raster")
    time = results.spike_times(ds)
    unit = parts.along(ds, "spike_unit", "spike", "raster").values
    low, high = (-np.inf, np.inf) if window is None else units.to_float(list(window), "s", "window")
    if not low < high:
        raise ValueError(f"window is {short(window)}; pass (start, stop) in s with start before stop.")
    inside = grid.within(time, low, high)
    with on(ax) as ax:
        _shade(ds, ax, low, high)
        _ticks(ds, ax, time, unit, inside, colours)
        if "unit" in ds.sizes:
            ax.set_ylim(-0.5, ds.sizes["unit"] - 0.5)
        elif len(unit):
            ax.set_ylim(unit.min() - 0.5, unit.max() + 0.5)
        if window is not None:
            ax.set_xlim(low, high)
        parts.whole_ticks(ax.yaxis)
        ax.set_xlabel("time (s)")
        ax.set_ylabel("neuron")
        if legend:
            page.legend(ax)
    return ax


def _stacked(ds: xr.Dataset, chosen: Sequence[str] | None, ordered: Mapping[str, np.ndarray]) -> xr.Dataset:
    """A run with its populations above each other and named; spikes without populations as they are."""
    parts.require(ds, xr.Dataset, "raster")
    if "spike_population" not in ds:
        if chosen is not None:
            raise ValueError("populations are chosen but the Dataset has no 'spike_population'; leave populations out.")
        if ordered:
            raise ValueError("order is of populations but the Dataset has no 'spike_population'; leave order out.")
        return ds
    for name in ("spike_time", "spike_unit", "population_size"):
        parts.take(ds, name, "raster")
    found = results.spike_trains(ds)
    order = [found.names.index(one_of("population", name, found.names)) for name in chosen or found.names]
    sizes = found.sizes[order]
    first = np.full(len(found.names), -1)
    first[order] = np.cumsum(sizes) - sizes
    kept = first[found.population] >= 0
    member = found.population[kept]
    place = found.unit.copy()
    for name, neurons in ordered.items():
        at = found.names.index(one_of("population of order", name, found.names))
        if not np.array_equal(np.sort(neurons), np.arange(found.sizes[at])):
            raise ValueError(f"order of {name!r} is no order of its {found.sizes[at]} neurons; pass each index once.")
        mine = found.population == at
        place[mine] = np.argsort(neurons)[found.unit[mine]]
    spikes = {
        "spike_time": ("spike", found.time[kept], {"units": "s"}),
        "spike_unit": ("spike", place[kept] + first[member]),
        "spike_population": ("spike", np.array(found.names)[member]),
    }
    silent = xr.Dataset(spikes, coords={"unit": np.arange(sizes.sum())})
    return ds.drop_dims(["spike", "unit"], errors="ignore").merge(silent)


def _ticks(ds: xr.Dataset, ax: Axes, time: np.ndarray, unit: np.ndarray, inside: np.ndarray, own: Any) -> None:
    """One collection of ticks per population, the population of the lowest neuron first."""
    named = "spike_population" in ds
    member = parts.along(ds, "spike_population", "spike", "raster").values if named else np.zeros(len(time), int)
    populations = sorted(np.unique(member), key=lambda population: unit[member == population].min())
    for index, population in enumerate(populations):
        mine = inside & (member == population)
        ax.vlines(
            time[mine],
            unit[mine] - 0.4,
            unit[mine] + 0.4,
            color=parts.colour_of(str(population), index, len(populations), own),
            linewidth=0.6,
            label=parts.spell(population) if named else "",
            rasterized=int(mine.sum()) > MANY_SPIKES,
        )


def _shade(ds: xr.Dataset, ax: Axes, low: float, high: float) -> None:
    """Shade each phase in the tint of its name, as far as it lies between ``low`` and ``high``."""
    if not any(name in ds for name in ("phase_start", "phase_stop", "phase_name")):
        return
    start, stop = (parts.seconds(ds, name, "phase", "raster") for name in ("phase_start", "phase_stop"))
    names = [str(name) for name in parts.along(ds, "phase_name", "phase", "raster").values]
    tints = {name: PHASE_TINTS[i % len(PHASE_TINTS)] for i, name in enumerate(dict.fromkeys(names))}
    shown: set[str] = set()
    for left, right, name in zip(start, stop, names, strict=True):
        if right < low or left > high:
            continue
        text = None if name in shown else parts.spell(name)
        ax.axvspan(max(left, low), min(right, high), facecolor=tints[name], linewidth=0, label=text, zorder=0)
        shown.add(name)


def weights(da: xr.DataArray, ax: Axes | None = None, *, limit: float | None = None, label: str | None = None) -> Axes:
    """The fast weights W as an image, value (postsynaptic) by key (presynaptic), colours centred on 0.

    Parameters
    ----------
    da : (value, key) DataArray
        In either order of the two dimensions.
    ax : Axes
        Where to draw; a new single-column figure if not given.
    limit : float
        The colours span -limit to limit; the largest ``|W|`` if not given.
    label : str
        Text at the colour bar; "weight", with the units of ``da`` if it has some, if not given.

    Returns
    -------
    matplotlib.axes.Axes
        Those that were drawn on.

    Raises
    ------
    ValueError
        If the dimensions are not value and key, or W is not finite.

    Examples
    --------
    >>> ax = weights(xr.DataArray([[0.0, -2.0], [1.0, 0.0]], dims=("value", "key")))
    >>> ax.images[0].get_clim()
    (-2.0, 2.0)
    """
    parts.require(da, xr.DataArray, "weights")
    if set(da.dims) != {"value", "key"}:
        raise ValueError(f"W has dimensions {da.dims}; pass one (value, key) matrix, e.g. W.isel(seed=0).")
    W = da.transpose("value", "key").values
    if not np.isfinite(W).all():
        raise ValueError("W holds NaN or inf; pass finite weights.")
    bound = (float(np.abs(W).max(initial=0.0)) or 1.0) if limit is None else number("limit", limit, 0.0, above=True)
    clipped = "both" if np.abs(W).max(initial=0.0) > bound else "neither"
    with on(ax) as ax:
        image = ax.imshow(W, cmap="RdBu_r", vmin=-bound, vmax=bound)
        ax.spines[["top", "right"]].set_visible(True)
        for axis, name in ((ax.xaxis, "key index"), (ax.yaxis, "value index")):
            axis.set_label_text(name)
            parts.whole_ticks(axis)
        parts.colour_bar(ax, image, label or parts.with_unit("weight", str(da.attrs.get("units", ""))), clipped)
    return ax


def traces(da: xr.DataArray, ax: Axes | None = None, *, lines: str | None = None, time: str = "time") -> Axes:
    """Quantities against time, one line per entry of the dimension ``lines``.

    Up to seven lines have a colour and a legend entry each; more are shaded by their index, with a colour bar.

    Parameters
    ----------
    da : (time,) or (time, lines) DataArray
        In either order; the attributes ``long_name`` and ``units`` label the axis.
    ax : Axes
        Where to draw; a new single-column figure if not given.
    lines : str
        The dimension whose entries are lines; the one that is not time, if not given.
    time : str
        The dimension along x. Its coordinate is in s unless its own ``units`` are others.

    Returns
    -------
    matplotlib.axes.Axes
        Those that were drawn on.

    Raises
    ------
    ValueError
        If ``da`` has no such dimensions, or more than these two, or no coordinate along x.

    Examples
    --------
    >>> da = xr.DataArray([[0.0, 1.0], [2.0, 3.0]], dims=("time", "unit"), coords={"time": [0.0, 0.1]})
    >>> ax = traces(da.assign_attrs(long_name="rate", units="Hz"))
    >>> [line.get_ydata().tolist() for line in ax.lines], ax.get_ylabel()
    ([[0.0, 2.0], [1.0, 3.0]], 'rate (Hz)')
    """
    parts.require(da, xr.DataArray, "traces")
    for name, dim in (("time", time), ("lines", lines)):
        if dim is not None and dim not in da.dims:
            raise ValueError(f"the data has dimensions {da.dims} and no {dim!r}; name one of them with {name}=.")
    if time not in da.coords:
        raise ValueError(
            f"the data has no coordinate {time!r}; add it, e.g. with .assign_coords({time}=...), times in s."
        )
    lines = lines or next((str(dim) for dim in reversed(da.dims) if dim != time), "line")
    grid = parts.grid(da, lines, time)
    count = grid.sizes[lines]
    entries = grid[lines].values if lines in da.coords else np.arange(count)
    names = [str(entry) if entries.dtype.kind in "OUS" else f"{lines} {entry:g}" for entry in entries]
    with on(ax) as ax:
        shades = mpl.colormaps["viridis"](np.linspace(0, 0.95, count)) if count > NAMED_LINES else None
        for i, line in enumerate(grid.values):
            ax.plot(
                grid[time].values, line, color=f"C{i}" if shades is None else shades[i], label=parts.spell(names[i])
            )
        ax.set_xlabel(parts.label(grid[time], time, "s" if time == "time" else ""))
        ax.set_ylabel(parts.label(da, str(da.name or "value")))
        if shades is not None:
            span = ScalarMappable(Normalize(0, count - 1), mpl.colors.ListedColormap(shades))
            parts.colour_bar(ax, span, f"{parts.spell(lines)} index")
        elif count > 1:
            page.legend(ax)
    return ax
