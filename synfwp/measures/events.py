"""Spikes around events: rasters, counts by trial, and rates with their standard errors (PSTH)."""

from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks, grid
from synfwp.measures import samples
from synfwp.results.trains import spike_trains

Array = np.ndarray


def aligned_spikes(time: Array, unit: Array, events: Array, window: tuple[float, float]) -> tuple[Array, Array, Array]:
    """Every spike within a window around each event: a raster.

    A spike near several events comes once for each.

    Parameters
    ----------
    time, unit : (spikes,) arrays
        Time and neuron of each spike, in any order.
    events : (events,) array
        In the unit of ``time``, in any order.
    window : (float, float)
        From and to, relative to an event; the end does not belong to it.

    Returns
    -------
    relative : (found,) array
        Time of a spike minus that of its event.
    neuron : (found,) array of int
    event : (found,) array of int
        Index of the event.

    Raises
    ------
    TypeError, ValueError
        For what is no finite number, or a window whose end is not above its start.

    Examples
    --------
    >>> relative, neuron, event = aligned_spikes([1.0, 2.0, 9.0], [0, 1, 0], [1.5, 8.0], (-1.0, 2.0))
    >>> relative.tolist(), neuron.tolist(), event.tolist()
    ([-0.5, 0.5, 1.0], [0, 1, 0], [0, 0, 1])
    """
    edges = samples.rising("window", window)
    if len(edges) != 2:
        raise ValueError(f"window has {len(edges)} entries; pass its start and its end.")
    numbers = checks.array("unit", unit, ndim=1)
    time, unit = samples.spikes(time, unit, int(min(numbers.max(initial=0.0), checks.MOST - 1)) + 1)
    found = list(_near(time, events, edges))
    event = np.repeat(np.arange(len(found)), [len(which) for which, _ in found])
    which = np.concatenate([np.zeros(0, int), *(which for which, _ in found)])
    return np.concatenate([np.zeros(0), *(relative for _, relative in found)]), unit[which], event


def aligned_counts(time: Array, unit: Array, events: Array, edges: Array, n: int) -> Array:
    """Spike counts of every neuron in bins around each event.

    Parameters
    ----------
    time, unit : (spikes,) arrays
        Time and neuron (0 to n - 1) of each spike, in any order.
    events : (events,) array
        In the unit of ``time``, in any order.
    edges : (bins + 1,) array
        Of the bins, relative to an event; each bin holds its left edge.
    n : int
        Number of neurons, those that are silent included.

    Returns
    -------
    (events, n, bins) array of int

    Raises
    ------
    TypeError, ValueError
        For neurons beyond ``n``, edges that do not increase, or what is no finite number.

    Examples
    --------
    >>> aligned_counts([1.0, 2.0, 9.0], [0, 1, 0], [1.0, 8.0], [0.0, 1.0, 2.0], n=2).tolist()
    [[[1, 0], [0, 1]], [[0, 1], [0, 0]]]
    """
    edges = samples.rising("edges", edges)
    time, unit = samples.spikes(time, unit, n)
    found = list(_near(time, events, edges))
    counts = np.zeros((len(found), n, len(edges) - 1), int)
    for one, (which, relative) in zip(counts, found, strict=True):
        np.add.at(one, (unit[which], grid.bins(relative, edges)), 1)
    return counts


def event_counts(ds: xr.Dataset, events: Array, window: tuple[float, float], population: str | None = None) -> Array:
    """How many spikes every neuron has in a window after each event: a row for each, as `decode` takes them.

    Parameters
    ----------
    ds : xarray.Dataset
        Spikes of a run or of a recording.
    events : (events,) array
        Times in seconds.
    window : (float, float)
        From and to (s), relative to an event; the end does not belong to it.
    population : str, optional
        Whose neurons; may be left out where there is one.

    Returns
    -------
    (events, neurons) array of int

    Raises
    ------
    TypeError, ValueError
        As `aligned_counts`; for an unknown population, or a window that is no start and end.

    Examples
    --------
    >>> from synfwp.results import dataset, spike_variables
    >>> ds = dataset(spike_variables({"cells": ([0.1, 0.6, 1.1], [0, 1, 0], 3)}))
    >>> event_counts(ds, [0.0, 1.0], (0.0, 0.5)).tolist()
    [[1, 0, 0], [1, 0, 0]]
    """
    edges = samples.rising("window", window)
    if len(edges) != 2:
        raise ValueError(f"window has {len(edges)} entries; pass its start and its end.")
    return _of_population(ds, events, edges, population)[1][..., 0]


def psth(ds: xr.Dataset, events: Array, edges: Array, population: str | None = None, smooth: float = 0.0) -> xr.Dataset:
    """Mean rates around events, binned and, if wanted, smoothed by a Gaussian.

    Parameters
    ----------
    ds : xarray.Dataset
        Spikes of a run or of a recording.
    events : (events,) array
        Times in seconds.
    edges : (bins + 1,) array
        Of the bins, in seconds relative to an event; each holds its left edge.
    population : str, optional
        Whose neurons; may be left out where there is one.
    smooth : float
        Standard deviation of the Gaussian in seconds, for bins of one width; 0: none. At the ends the first and the
        last bin are repeated.

    Returns
    -------
    xarray.Dataset
        Along ``neuron`` and ``time`` (middle of a bin, s): ``rate`` and its standard error over events ``rate_error``
        (Hz; NaN for one event), and the number of ``events``.

    Raises
    ------
    TypeError, ValueError
        As `aligned_counts`; for an unknown population, no event, or smoothing of bins of different widths.

    Examples
    --------
    >>> from synfwp.results import dataset, spike_variables
    >>> ds = dataset(spike_variables({"cells": ([0.1, 0.6, 1.1], [0, 0, 0], 1)}))
    >>> psth(ds, [0.0, 1.0], [0.0, 0.5, 1.0]).rate.values.tolist()
    [[2.0, 1.0]]
    """
    edges, smooth = samples.rising("edges", edges), checks.number("smooth", smooth, 0.0)
    name, counts = _of_population(ds, events, edges, population)
    if not len(counts):
        raise ValueError("events are empty; pass at least one time.")
    width = np.diff(edges)
    rates = counts / width
    if smooth:
        rates = smoothed(rates, width, smooth)
    error = rates.std(axis=0, ddof=1) / len(rates) ** 0.5 if len(rates) > 1 else np.full(rates.shape[1:], np.nan)
    of = ("neuron", "time")
    return xr.Dataset(
        {
            "rate": (of, rates.mean(axis=0), {"units": "Hz", "long_name": "firing rate"}),
            "rate_error": (of, error, {"units": "Hz", "long_name": "standard error over events"}),
            "events": ((), len(rates), {"units": "1", "long_name": "number of events"}),
        },
        {"time": ("time", edges[:-1] / 2 + edges[1:] / 2, {"units": "s", "long_name": "time from the event"})},
        {"population": name, "smooth": smooth},
    )


def _of_population(ds: xr.Dataset, events: Any, edges: Array, population: str | None) -> tuple[str, Array]:
    """The population that is meant, and counts of its neurons around events."""
    trains = spike_trains(ds)
    if population is None and len(trains.names) != 1:
        raise ValueError(f"population is None; pass one of {', '.join(map(repr, trains.names))}.")
    name = checks.one_of("population", trains.names[0] if population is None else population, trains.names)
    return name, aligned_counts(*trains.of(name), events, edges, int(trains.sizes[trains.names.index(name)]))


def _near(time: Array, events: Any, edges: Array) -> Any:
    """For each event, the spikes within the edges and their times relative to it."""
    events = checks.array("events", events, ndim=1)
    margin = edges[-1] / 2 - edges[0] / 2  # bins decide; what rounding takes is far less
    with np.errstate(over="ignore"):  # beyond all floats lies no spike
        low, high = events + (edges[0] - margin), events + (edges[-1] + margin)
    for event, first, last in zip(events, np.searchsorted(time, low), np.searchsorted(time, high), strict=True):
        relative = time[first:last] - event
        inside = grid.bins(relative, edges) >= 0
        yield first + np.flatnonzero(inside), relative[inside]


def smoothed(rates: Array, width: Array, smooth: float) -> Array:
    """Rates (events, neurons, bins) after a Gaussian along time."""
    from scipy.ndimage import gaussian_filter1d

    if np.ptp(width) > 1e-6 * width.max():
        raise ValueError(f"edges have widths from {width.min():g} to {width.max():g}; smoothing needs one width.")
    bins = smooth / width.mean()
    if bins > 1e4:
        raise ValueError(f"smooth is {smooth:g} s, {bins:.3g} bins; pass at most 10,000 bins.")
    return gaussian_filter1d(rates, bins, axis=-1, mode="nearest")
