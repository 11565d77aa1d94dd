"""Measures of synchrony from spike trains: Golomb's chi, and the correlation of spike counts of pairs."""

import numpy as np

from synfwp import checks, grid

Array = np.ndarray


def chi(time: Array, unit: Array, edges: Array, n: int) -> float:
    r"""Golomb's measure of the synchrony of ``n`` neurons: 1 where all spike together, ``1 / sqrt(n)`` where none does.

    ``chi^2 = Var_t(mean_i c_i(t)) / mean_i Var_t(c_i(t))``, with the spike counts ``c_i(t)`` in the bins.

    Parameters
    ----------
    time, unit : (spikes,) arrays
        Time and neuron (0 to n - 1) of each spike, in any order.
    edges : (bins + 1,) array
        Edges of the bins, in the unit of ``time``; spikes outside do not count.
    n : int
        Number of neurons, those that are silent included.

    Returns
    -------
    float
        nan where no count varies.

    Raises
    ------
    ValueError, TypeError
        If there are neurons beyond ``n``, edges do not increase, or an argument is no finite number.

    References
    ----------
    Golomb & Rinzel 1994, Physica D 72:259; Golomb 2007, Scholarpedia 2(1):1347.

    Examples
    --------
    >>> import numpy as np
    >>> time, edges = np.array([0.5, 0.5, 2.5, 2.5]), np.arange(5.0)
    >>> chi(time, np.array([0, 1, 0, 1]), edges, 2), round(chi(time, np.array([0, 0, 1, 1]), edges, 2), 3)
    (1.0, 0.577)
    """
    bins, unit, edges = _binned(time, unit, edges, n)
    population = np.bincount(bins, minlength=len(edges) - 1) / n
    single = _variances(bins, unit, len(edges) - 1, n).mean()
    return float(np.sqrt(population.var() / single)) if single > 0 else np.nan


def count_correlation(time: Array, unit: Array, edges: Array, n: int) -> float:
    r"""Correlation of the spike counts of two neurons, averaged over all pairs whose counts vary; 0 if independent.

    Parameters
    ----------
    time, unit : (spikes,) arrays
        Time and neuron (0 to n - 1) of each spike, in any order.
    edges : (bins + 1,) array
        Edges of the bins, in the unit of ``time``; spikes outside do not count.
    n : int
        Number of neurons.

    Returns
    -------
    float
        nan where the counts of fewer than two neurons vary.

    Raises
    ------
    ValueError, TypeError
        As `chi`.

    Notes
    -----
    The variance over time of the sum of m standardised counts is ``m + m (m - 1) r`` with the mean correlation r, so no
    pair is looked at.

    Examples
    --------
    >>> import numpy as np
    >>> time, edges = np.array([0.5, 0.5, 2.5, 2.5]), np.arange(5.0)
    >>> count_correlation(time, np.array([0, 1, 0, 1]), edges, 2)
    1.0
    """
    bins, unit, edges = _binned(time, unit, edges, n)
    variance = _variances(bins, unit, len(edges) - 1, n)
    variance[variance < 1e-12] = 0  # equal counts in all bins, but for rounding
    m = int((variance > 0).sum())
    if m < 2:
        return np.nan
    score = np.zeros(n)
    score[variance > 0] = variance[variance > 0] ** -0.5
    total = np.bincount(bins, score[unit], minlength=len(edges) - 1).var()
    return float((total - m) / (m * (m - 1)))


def _binned(time: Array, unit: Array, edges: Array, n: int) -> tuple[Array, Array, Array]:
    """Bin and neuron of each spike within the edges, and the edges."""
    time, edges = checks.array("time", time, ndim=1), checks.array("edges", edges, ndim=1)
    unit = checks.array("unit", unit, ndim=1)
    checks.count("n", n)
    if len(time) != len(unit):
        raise ValueError(f"time has {len(time)} entries and unit {len(unit)}; pass the neuron of each spike.")
    if len(edges) < 3 or (np.diff(edges) <= 0).any():
        raise ValueError(f"edges start with {edges[:3].tolist()}; pass those of two bins or more, which increase.")
    if len(unit) and (unit.min() < 0 or unit.max() >= n or (unit != np.round(unit)).any()):
        raise ValueError(f"unit runs from {unit.min():g} to {unit.max():g}; pass neurons from 0 to n - 1 = {n - 1}.")
    found = grid.bins(time, edges)
    return found[found >= 0], unit[found >= 0].astype(int), edges


def _variances(bins: Array, unit: Array, n_bins: int, n: int) -> Array:
    """Variance over bins of the spike count of each neuron (n,)."""
    at, count = np.unique(unit * n_bins + bins, return_counts=True)
    squares = np.bincount(at // n_bins, count.astype(float) ** 2, minlength=n)
    return squares / n_bins - (np.bincount(unit, minlength=n) / n_bins) ** 2
