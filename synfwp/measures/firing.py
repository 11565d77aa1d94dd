"""Firing rates of the populations of a run or a recording."""

from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks
from synfwp.measures.events import smoothed
from synfwp.measures.trains import binned_rate
from synfwp.results import spike_trains

Array = np.ndarray


def rates(
    ds: xr.Dataset,
    bin: Any = None,
    *,
    window: tuple[float, float] | None = None,
    smooth: Any = 0.0,
    neurons: bool = False,
) -> xr.DataArray:
    """Mean firing rates, by population or by neuron, over a whole run or in bins.

    Parameters
    ----------
    ds : xarray.Dataset
        Spikes of a run or of a recording.
    bin : float or None
        Width of a bin, s. The last bin ends before or with the window: what is left is not counted. None: one rate,
        of the whole window.
    window : (start, stop) or None
        s. None: from the start of the run to its end, or, of a Dataset without ``start`` and ``stop``, from 0 (the
        first spike, if it is earlier) to the last spike.
    smooth : float
        Standard deviation (s) of a Gaussian along time, with ``bin``; 0: none. At the ends the first and the last bin
        are repeated.
    neurons : bool
        A rate for each neuron, in the order of the populations, rather than for each population.

    Returns
    -------
    xarray.DataArray
        Hz, along ``population`` (or ``neuron``, with the coordinates ``population`` and ``unit``), and ``time`` (middle
        of a bin, s) with ``bin``.

    Raises
    ------
    TypeError, ValueError
        If ds has no spikes or their format is another, a window holds no bin, or a number is out of range.

    Examples
    --------
    >>> from synfwp.results import dataset, spike_variables
    >>> ds = dataset(spike_variables({"E": ([0.1, 0.6, 1.1], [0, 0, 1], 2), "I": ([0.2, 1.7], [0, 0], 1)}))
    >>> rates(ds, window=(0.0, 2.0)).values.tolist()
    [0.75, 1.0]
    >>> rates(ds, 1.0, window=(0.0, 2.0)).sel(population="E").values.tolist()
    [1.0, 0.5]
    >>> rates(ds, window=(0.0, 2.0), neurons=True).values.tolist()
    [1.0, 0.5, 1.0]
    """
    trains = spike_trains(ds)
    edges = _edges(ds, trains.time, bin, window)
    width = checks.number("smooth", smooth, 0)
    if width and bin is None:
        raise ValueError("smooth needs bins; pass bin, such as bin=0.005 (s).")
    found = []
    for name, size in zip(trains.names, trains.sizes, strict=True):
        time, unit = trains.of(name)
        parts = [time[unit == i] for i in range(size)] if neurons else [time]
        found += [binned_rate(part, edges, 1 if neurons else max(int(size), 1)) for part in parts]
    values = np.array(found).reshape(-1, len(edges) - 1)
    if width:
        values = smoothed(values[None], np.diff(edges), width)[0]
    return _labelled(trains, values, edges, bin is not None, neurons)


def _edges(ds: xr.Dataset, time: Array, bin: Any, window: Any) -> Array:
    """Edges of bins, s."""
    if window is None:
        first, last = (0.0, 0.0) if not len(time) else (min(0.0, float(time.min())), float(time.max()))
        window = float(ds.attrs.get("start", first)), float(ds.attrs.get("stop", last))
    low, high = checks.array("window", window, ndim=1)
    if not low < high:
        raise ValueError(f"window is ({low:g}, {high:g}); pass (start, stop) in s with start before stop.")
    if bin is None:
        return np.array([low, high])
    step = checks.number("bin", bin, 0, above=True)
    with np.errstate(over="ignore"):
        count = int(min(np.floor(np.divide(high - low, step) * (1 + 1e-12)), 1e9))
    if not 1 <= count <= 10**8:
        raise ValueError(f"bin is {step:g} s in a window of {high - low:g} s; pass a shorter one, of at most 1e8 bins.")
    return low + step * np.arange(count + 1)


def _labelled(trains: Any, values: Array, edges: Array, binned: bool, neurons: bool) -> xr.DataArray:
    """Rates with their names."""
    dim = "neuron" if neurons else "population"
    coords: dict[str, Any] = {"population": (dim, np.array(trains.names))}
    if neurons:
        coords["population"] = dim, np.repeat(np.array(trains.names), trains.sizes)
        coords["unit"] = dim, np.concatenate([np.arange(size) for size in trains.sizes])
    if binned:
        coords["time"] = "time", (edges[:-1] + edges[1:]) / 2, {"units": "s", "long_name": "time"}
    dims = (dim, "time") if binned else (dim,)
    attrs = {"units": "Hz", "long_name": "firing rate"}
    return xr.DataArray(values if binned else values[:, 0], coords=coords, dims=dims, name="rate", attrs=attrs)
