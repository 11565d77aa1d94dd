"""Spike trains: population rates, rasters with rates, responses to events, intervals and correlograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synfwp import checks, measures, units
from synfwp.plot import inputs, page, parts
from synfwp.plot.activity import raster
from synfwp.plot.page import on

Array = np.ndarray


def rate(
    spikes: Any,
    ax: Axes | None = None,
    *,
    bin: float = 0.005,
    smooth: float = 0.0,
    window: tuple[float, float] | None = None,
    populations: Sequence[str] | None = None,
    colours: Mapping[str, str] | None = None,
) -> Axes:
    """Firing rates of populations against time, in bins, and smoothed if wanted.

    Parameters
    ----------
    spikes : Dataset, (time, unit) arrays in s, or brian2.SpikeMonitor
    ax : Axes
        Where to draw; a new single-column figure if not given.
    bin, smooth : float
        Width of a bin, and standard deviation of a Gaussian (0: none), in s.
    window : (start, stop), s
    populations : sequence of str
        These only.
    colours : mapping of str to str
        Colours of populations, names of `COLOURS` or any of matplotlib.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        For other input, unknown populations, or bins and windows that do not fit.

    Examples
    --------
    >>> ax = rate(([0.01, 0.02, 0.06], [0, 1, 0]), bin=0.05, window=(0.0, 0.1))
    >>> ax.lines[0].get_ydata().tolist(), ax.get_ylabel()
    ([20.0, 10.0], 'firing rate (Hz)')
    """
    found = measures.rates(inputs.as_dataset(spikes, "rate"), bin, window=window, smooth=smooth)
    names = [str(name) for name in found.population.values]
    chosen = [checks.one_of("population", name, names) for name in populations or names]
    with on(ax) as ax:
        for i, name in enumerate(chosen):
            label = parts.spell(name) if len(names) > 1 else None
            ax.plot(
                found.time,
                found.sel(population=name),
                color=parts.colour_of(name, i, len(chosen), colours),
                label=label,
            )
        ax.set_xlim(*(found.time.values[[0, -1]] + np.array([-0.5, 0.5]) * _step(found)))
        ax.set_ylim(bottom=0)
        ax.set_xlabel("time (s)")
        ax.set_ylabel("firing rate (Hz)")
        if len(chosen) > 1:
            page.legend(ax)
    return ax


def raster_with_rate(
    spikes: Any,
    *,
    bin: float = 0.005,
    smooth: float = 0.0,
    window: tuple[float, float] | None = None,
    populations: Sequence[str] | None = None,
    order: Mapping[str, Array] | None = None,
    colours: Mapping[str, str] | None = None,
    width: str | float = "single",
    height: float = 60.0,
) -> Figure:
    """Spikes of a network, and below them the rates of its populations.

    Parameters
    ----------
    spikes : Dataset, (time, unit) arrays in s, or brian2.SpikeMonitor
    bin, smooth : float
        As for `rate`, s.
    window : (start, stop), s
    populations : sequence of str
        These only, the first one at the bottom.
    order : mapping of str to (n,) integer array
        By population, the neurons from the bottom to the top.
    colours : mapping of str to str
        By population.
    width, height : str or float
        As for `figure`, mm.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        As `rate` and `raster`.

    Examples
    --------
    >>> fig = raster_with_rate(([0.01, 0.02, 0.06], [0, 1, 0]), window=(0.0, 0.1))
    >>> [ax.get_ylabel() for ax in fig.axes]
    ['neuron', 'firing rate (Hz)']
    """
    ds = inputs.as_dataset(spikes, "raster_with_rate")
    fig, axes = page.figure(width, height, "a;b", height_ratios=[2, 1])
    raster(ds, axes["a"], window=window, populations=populations, order=order, colours=colours)
    rate(ds, axes["b"], bin=bin, smooth=smooth, window=window, populations=populations, colours=colours)
    legend = axes["b"].get_legend()
    if legend is not None:  # the raster has it
        legend.remove()
    axes["a"].set_xlim(axes["b"].get_xlim())
    axes["a"].set_xlabel("")
    axes["a"].tick_params(labelbottom=False)
    return fig


def psth(
    spikes: Any,
    events: Array,
    edges: Array,
    ax: Axes | None = None,
    *,
    population: str | None = None,
    smooth: float = 0.0,
    neurons: Sequence[int] | None = None,
) -> Axes:
    """Mean rate around events, with its standard error over events.

    Parameters
    ----------
    spikes : Dataset, (time, unit) arrays in s, or brian2.SpikeMonitor
    events : (n,) array
        Times, s.
    edges : (bins + 1,) array
        Of bins, s from an event.
    ax : Axes
    population : str
        Whose neurons; may be left out where there is one.
    smooth : float
        Standard deviation of a Gaussian, s.
    neurons : sequence of int
        A line for each of these; None: the mean of the population.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        As `synfwp.measures.psth`.

    Examples
    --------
    >>> ax = psth(([0.1, 0.6, 1.1], [0, 0, 0]), [0.0, 1.0], [0.0, 0.5, 1.0])
    >>> ax.lines[0].get_ydata().tolist()
    [2.0, 1.0]
    """
    ds = inputs.as_dataset(spikes, "psth")
    name = inputs.chosen(inputs.spikes(ds, "psth"), population, "psth")
    if neurons is None:
        time, _, size = inputs.spikes(ds, "psth").of(name)
        alone = inputs.as_dataset((time, np.zeros(len(time), int)), "psth")
        found, scale = measures.psth(alone, events, edges, smooth=smooth), 1 / size
        rows: list[tuple[int, str | None]] = [(0, None)]
    else:
        found, scale = measures.psth(ds, events, edges, name, smooth), 1.0
        rows = [(checks.count("neurons", one, 0, found.sizes["neuron"] - 1), f"neuron {one}") for one in neurons]
    with on(ax) as ax:
        for i, (row, label) in enumerate(rows):
            mean, error = (found[one][row].values * scale for one in ("rate", "rate_error"))
            ax.plot(found.time, mean, color=f"C{i}", label=label)
            if np.isfinite(error).all():
                ax.fill_between(found.time, mean - error, mean + error, color=f"C{i}", alpha=0.25, linewidth=0)
        ax.axvline(0.0, color="0.45", linewidth=0.7, zorder=0)
        ax.set_ylim(bottom=0)
        ax.set_xlabel("time from event (s)")
        ax.set_ylabel("firing rate (Hz)")
        if len(rows) > 1:
            page.legend(ax)
    return ax


def event_raster(
    spikes: Any,
    events: Array,
    window: tuple[float, float],
    ax: Axes | None = None,
    *,
    neuron: int = 0,
    population: str | None = None,
) -> Axes:
    """Spikes of one neuron around events: one row per event, the first at the bottom.

    Parameters
    ----------
    spikes : Dataset, (time, unit) arrays in s, or brian2.SpikeMonitor
    events : (n,) array
        Times, s.
    window : (start, stop)
        s from an event.
    ax : Axes
    neuron : int
        Index within its population.
    population : str
        May be left out where there is one.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        As `synfwp.measures.aligned_spikes`, or for a neuron that is not there.

    Examples
    --------
    >>> ax = event_raster(([0.1, 0.6, 1.1], [0, 0, 0]), [0.0, 1.0], (0.0, 0.5))
    >>> [segment[0].round(6).tolist() for segment in ax.collections[0].get_segments()]
    [[0.1, -0.4], [0.1, 0.6]]
    """
    found = inputs.spikes(spikes, "event_raster")
    time, unit, size = found.of(inputs.chosen(found, population, "event_raster"))
    mine = unit == checks.count("neuron", neuron, 0, size - 1)
    low, high = units.to_float(list(window), "s", "window")
    relative, _, event = measures.aligned_spikes(time[mine], np.zeros(int(mine.sum()), int), events, (low, high))
    with on(ax) as ax:
        ax.vlines(relative, event - 0.4, event + 0.4, color="black", linewidth=0.6)
        ax.axvline(0.0, color="0.45", linewidth=0.7, zorder=0)
        ax.set_xlim(low, high)
        ax.set_ylim(-0.5, len(np.atleast_1d(events)) - 0.5)
        parts.whole_ticks(ax.yaxis)
        ax.set_xlabel("time from event (s)")
        ax.set_ylabel("event")
    return ax


def intervals(
    spikes: Any, ax: Axes | None = None, *, population: str | None = None, longest: float = 0.5, bins: int = 50
) -> Axes:
    """Distribution of the intervals between spikes of all neurons, with their mean CV over neurons.

    Parameters
    ----------
    spikes : Dataset, (time, unit) arrays in s, or brian2.SpikeMonitor
    ax : Axes
    population : str
        May be left out where there is one.
    longest : float
        End of the axis, s; longer intervals are counted in the CV and not drawn.
    bins : int

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        For other input, or spikes without an interval.

    Examples
    --------
    >>> ax = intervals(([0.1, 0.25, 0.5], [0, 0, 0]), longest=0.3, bins=3)
    >>> [round(float(bar.get_height()), 4) for bar in ax.patches], ax.get_xlabel()
    ([0.0, 0.005, 0.005], 'interval (ms)')
    """
    found = inputs.spikes(spikes, "intervals")
    time, unit, _ = found.of(inputs.chosen(found, population, "intervals"))
    order = np.lexsort((time, unit))
    gaps = np.diff(time[order])[np.diff(unit[order]) == 0]
    longest = units.number(longest, "s", "longest", 0, above=True)
    if not len(gaps):
        raise ValueError("intervals needs a neuron with two spikes; there is none.")
    cv = measures.interval_cv(time, unit, 2)
    with on(ax) as ax:
        ax.hist(
            1e3 * gaps,
            bins=np.linspace(0, 1e3 * longest, checks.count("bins", bins) + 1).tolist(),
            density=True,
            color="0.6",
        )
        text = f"CV {cv:.2f}" if np.isfinite(cv) else "CV: too few intervals"
        ax.text(0.97, 0.95, text, transform=ax.transAxes, ha="right", va="top")
        ax.set_xlim(0, 1e3 * longest)
        ax.set_xlabel("interval (ms)")
        ax.set_ylabel("density (per ms)")
    return ax


def correlogram(
    spikes: Any,
    ax: Axes | None = None,
    *,
    neurons: tuple[int, int] | None = None,
    population: str | None = None,
    other: str | None = None,
    longest: float = 0.1,
    bin: float = 0.001,
) -> Axes:
    """Cross- or autocorrelogram: rate of one neuron (or population) at a lag from the spikes of another.

    Parameters
    ----------
    spikes : Dataset, (time, unit) arrays in s, or brian2.SpikeMonitor
    ax : Axes
    neurons : (reference, target)
        Indices; the same twice is an autocorrelogram, in which a spike is not counted with itself. None: all neurons
        of the populations.
    population, other : str
        Of the reference and of the target; ``other`` is the same if not given.
    longest, bin : float
        Longest lag, and width of a bin, s.

    Returns
    -------
    matplotlib.axes.Axes
        The dashed line is the mean rate of the target.

    Raises
    ------
    TypeError, ValueError
        For other input, or a reference without spikes.

    Examples
    --------
    >>> train = np.arange(0.0, 10.0, 0.1)
    >>> ax = correlogram((np.append(train, train + 0.002), np.repeat([0, 1], 100)), neurons=(0, 1), longest=0.01)
    >>> bars = ax.patches[0].get_data()
    >>> float(bars.edges[bars.values.argmax()])
    1.5
    """
    found = inputs.spikes(spikes, "correlogram")
    name = inputs.chosen(found, population, "correlogram")
    target = name if other is None else checks.one_of("other", other, found.names)
    (a, unit_a, n_a), (b, unit_b, n_b) = found.of(name), found.of(target)
    same = name == target and (neurons is None or neurons[0] == neurons[1])
    if neurons is not None:
        one, two = (checks.count("neurons", x, 0, n - 1) for x, n in zip(neurons, (n_a, n_b), strict=True))
        a, b, n_b = a[unit_a == one], b[unit_b == two], 1
    if not len(a):
        raise ValueError("correlogram needs spikes of the reference; there are none.")
    longest, step = units.number(longest, "s", "longest", 0, above=True), units.number(bin, "s", "bin", 0, above=True)
    half = max(round(longest / step), 1)
    edges = step * (np.arange(-half, half + 2) - 0.5)
    counts = np.zeros(len(edges) - 1)
    for first, last, at in zip(*np.searchsorted(b, [a + edges[0], a + edges[-1]]), a, strict=True):
        counts += np.histogram(b[first:last] - at, edges)[0]
    if same:
        counts[half] -= len(a)
    span = found.span[1] - found.span[0]
    with on(ax) as ax:
        ax.stairs(counts / (len(a) * n_b * step), 1e3 * edges, fill=True, color="0.6")
        if span > 0:
            parts.dashed(ax, len(b) / (n_b * span), "mean rate")
        ax.set_xlim(1e3 * edges[0], 1e3 * edges[-1])
        ax.set_ylim(bottom=0)
        ax.set_xlabel("lag (ms)")
        ax.set_ylabel("firing rate (Hz)")
    return ax


def _step(rates: xr.DataArray) -> float:
    time = rates.time.values
    return float(time[1] - time[0]) if len(time) > 1 else 1.0
