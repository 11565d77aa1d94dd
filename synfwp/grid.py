"""Times and grids: the one place where floats are compared with multiples of a step or with edges of bins.

A time that was computed as a multiple of a step differs from it by rounding: 0.3 / 0.1 is 2.9999999999999996. Here a
time counts as a multiple if it is one within 1e-6 of a step, and 1e-10 of the number of steps, which sums of so many
steps need. Every other time lies in the step that it lies in.

Examples
--------
>>> steps([0.3, 0.35], 0.1).tolist()
[3, 3]
"""

from typing import Any

import numpy as np

Array = np.ndarray
OF_STEP, OF_COUNT = 1e-6, 1e-10
MOST = 2**53  # steps, beyond which floats leave some out
OF_BIN, OF_TIME = 1e-9, 1e-12  # what a time may lack of an edge: of the width of a bin, and of the time


def steps(times: Any, dt: float) -> Array:
    """The step in which each time lies; a multiple of dt begins its own.

    Parameters
    ----------
    times : array_like
    dt : float
        In the unit of ``times``.

    Returns
    -------
    int64 array

    Examples
    --------
    >>> steps(np.arange(4) * (1 / 3), 1 / 3).tolist(), steps(0.29999, 0.1).item()
    ([0, 1, 2, 3], 2)
    """
    exact, nearest, off = _nearest(times, dt)
    return np.clip(np.where(off, np.floor(exact), nearest), -MOST, MOST).astype(np.int64)


def multiples(times: Any, dt: float) -> tuple[Array, Array]:
    """Times as numbers of steps, and which of them are no multiple of dt, or too many steps to be told apart.

    Returns
    -------
    int64 array, boolean array

    Examples
    --------
    >>> [found.tolist() for found in multiples([0.3, 0.38], 0.1)]
    [[3, 0], [False, True]]
    """
    _, nearest, off = _nearest(times, dt)
    off |= ~(np.abs(nearest) <= MOST)
    return np.where(off, 0, nearest).astype(np.int64), off


def precise(what: str, given: Any, times: Any) -> Array:
    """Times in double precision: those that were given in single precision by their decimals, 5.2 for 5.199999809.

    Parameters
    ----------
    what : str
        What a message calls them.
    given : any
        As the caller passed them; its dtype is looked at.
    times : array of float
        The same in ms.

    Raises
    ------
    TypeError
        If they are in half precision, whose steps are wider than those of a simulation.

    Examples
    --------
    >>> given = np.array([5.2], np.float32)
    >>> precise("times", given, given.astype(float)).tolist()
    [5.2]
    """
    found, dtype = np.asarray(times, float), getattr(given, "dtype", None)
    if dtype == np.float16:
        raise TypeError(f"{what} are in half precision, which does not tell apart times of 0.1 ms; pass float64.")
    return found.astype(np.float32).astype("U32").astype(float) if dtype == np.float32 else found


def counts(times: Any, edges: Any) -> Array:
    """How many times lie in each bin between increasing edges; a bin holds its left edge, none the last.

    Examples
    --------
    >>> counts([0.1, 0.3, 0.5], np.arange(4) * 0.1).tolist()  # 3 * 0.1 is above 0.3
    [0, 1, 0]
    >>> counts([0.3], np.arange(5) * 0.1).tolist()
    [0, 0, 0, 1]
    """
    edges = np.asarray(edges, float)
    return np.diff(np.searchsorted(np.sort(np.ravel(times)), edges - _slack(edges)))


def within(times: Any, start: float, stop: float) -> Array:
    """Which times lie from start to stop, both included but for rounding.

    Examples
    --------
    >>> within([0.3, 0.4], 0.0, 0.1 + 0.2 - 1e-16).tolist()
    [True, False]
    """
    times = np.asarray(times, float)
    slack = OF_TIME * np.abs(times)
    return (times >= start - slack) & (times <= stop + slack)


def _nearest(times: Any, dt: float) -> tuple[Array, Array, Array]:
    """Times in steps, the nearest whole numbers, and where these are further than rounding."""
    with np.errstate(over="ignore", invalid="ignore"):
        exact = np.asarray(times, float) / dt
        nearest = np.round(exact)
        return exact, nearest, ~(np.abs(exact - nearest) <= OF_STEP + OF_COUNT * np.abs(nearest))


def _slack(edges: Array) -> Array:
    """What a time may lack of each edge and still count as on it."""
    width = np.diff(edges)
    narrow = np.minimum(np.append(width, np.inf), np.append(np.inf, width)) if width.size else np.zeros(edges.shape)
    return np.minimum(OF_BIN * narrow + OF_TIME * np.abs(edges), narrow / 4)
