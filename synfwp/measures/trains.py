"""Measures of spike trains: rates in bins, and the irregularity of intervals."""

import numpy as np

from synfwp import checks, grid

Array = np.ndarray


def binned_rate(time: Array, edges: Array, n: int = 1) -> Array:
    """Mean rate of ``n`` neurons between ``edges``, in spikes per unit of time.

    Parameters
    ----------
    time : (spikes,) array
        Times of the spikes of all neurons together.
    edges : (bins + 1,) array
        In the unit of ``time``; each bin holds its left edge, of which a time may lack what rounding takes.
    n : int
        Number of neurons.

    Returns
    -------
    (bins,) array

    Raises
    ------
    ValueError, TypeError
        If edges do not increase, or an argument is no finite number.

    Examples
    --------
    >>> import numpy as np
    >>> binned_rate(np.array([0.1, 0.2, 1.0, 1.7]), np.array([0.0, 1.0, 2.0, 3.0]), n=2).tolist()
    [1.0, 1.0, 0.0]
    """
    time, edges = checks.array("time", time, ndim=1), checks.array("edges", edges, ndim=1)
    if len(edges) < 2 or (np.diff(edges) <= 0).any():
        raise ValueError(f"edges start with {edges[:3].tolist()}; pass at least two, which increase.")
    checks.count("n", n)
    return grid.counts(time, edges) / (n * np.diff(edges))


def interval_cv(time: Array, unit: Array, least: int = 10) -> float:
    """Coefficient of variation of the intervals between spikes, averaged over neurons; 1 for a Poisson process.

    Parameters
    ----------
    time, unit : (spikes,) arrays
        Time and neuron of each spike, in any order.
    least : int
        Neurons with fewer intervals do not count; nan if none has so many.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        If the two differ in length, or an argument is no finite number.

    Examples
    --------
    >>> import numpy as np
    >>> interval_cv(np.cumsum([0.0] + [1.0, 3.0] * 10), np.zeros(21, int))
    0.5
    """
    time, unit = checks.array("time", time, ndim=1), checks.array("unit", unit, ndim=1)
    if len(time) != len(unit):
        raise ValueError(f"time has {len(time)} entries and unit {len(unit)}; pass the neuron of each spike.")
    checks.count("least", least)
    order = np.lexsort((time, unit))
    time, unit = time[order], unit[order]
    interval, owner = np.diff(time)[unit[1:] == unit[:-1]], unit[1:][unit[1:] == unit[:-1]]
    if not len(interval):
        return np.nan
    _, index = np.unique(owner, return_inverse=True)
    count = np.bincount(index)
    interval = np.ldexp(interval, -int(np.frexp(interval.max())[1]))  # squares of huge ones would overflow
    mean = np.bincount(index, interval) / count
    spread = np.sqrt(np.maximum(np.bincount(index, interval**2) / count - mean**2, 0))
    keep = count >= least
    return float((spread[keep] / mean[keep]).mean()) if keep.any() else np.nan
