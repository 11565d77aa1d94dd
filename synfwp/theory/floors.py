"""What no memory of a kind can go below, or above: matrices that are read once, and memories that ignore order."""

from typing import Any

import numpy as np

from synfwp import checks

Array = np.ndarray


def matrix_floor(keys: int, d_dot: int) -> float:
    """The least mean loss over S keys of a memory that is one matrix of ``d_dot`` columns, read once.

    One-hot values, loss half the squared error: ``(1 - d_dot / S) / 2`` (Eckart & Young 1936).

    Parameters
    ----------
    keys, d_dot : int
        S, and the features that a read sees.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> matrix_floor(128, 64), matrix_floor(40, 64)
    (0.25, 0.0)
    """
    checks.count("keys", keys)
    checks.count("d_dot", d_dot, 0)
    return max(0.0, 0.5 * (1 - d_dot / keys)) if keys > d_dot else 0.0


def order_blind_loss(counts: Any) -> float:
    """The mean loss of the best memory that knows which values were written to a key, and how often, but not when.

    It reads their mean m, and the latest is any of them: half the squared error expected is ``(1 - |m|^2) / 2``.

    Parameters
    ----------
    counts : (..., keys, values) array
        How often each value was written to each key; keys that were never written are left out.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> order_blind_loss([[1, 1], [0, 2], [0, 0]])
    0.125
    """
    n: Array = checks.array("counts", counts, 0)
    if n.ndim < 2 or not n.any():
        raise ValueError(f"counts has shape {n.shape}; pass (..., keys, values) with at least one write.")
    n = n[n.any(axis=-1)]
    return float(0.5 * (1 - np.square(n / n.sum(axis=-1, keepdims=True)).sum(axis=-1)).mean())
