"""What no memory of a kind can go below, or above: matrices that are read once, and memories that ignore order."""

from typing import Any

import numpy as np

from synfwp import checks
from synfwp.theory.formulas import formula

Array = np.ndarray


@formula(
    kind="exact",
    condition="one-hot values, every key queried with its weight, half the squared error",
    source="eckart1936; schlag2021",
)
def matrix_floor(keys: int, d_dot: int, weights: Any = None) -> float:
    """The least mean loss over S keys of a memory that is one matrix of ``d_dot`` columns, read once.

    One-hot values, loss half the squared error: ``(1 - d_dot / S) / 2`` (Eckart & Young 1936). In a mean with weights
    the matrix serves the heaviest keys best: what is left is half the share of all but the ``d_dot`` heaviest.

    Parameters
    ----------
    keys, d_dot : int
        S, and the features that a read sees.
    weights : (S,) array, optional
        Weight of each key in the mean.

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
    >>> matrix_floor(4, 2, weights=[1, 1, 1, 5])
    0.125
    """
    checks.count("keys", keys)
    checks.count("d_dot", d_dot, 0)
    if weights is None:
        return max(0.0, 0.5 * (1 - d_dot / keys)) if keys > d_dot else 0.0
    heavy: Array = checks.array("weights", weights, 0)
    if heavy.shape != (keys,) or not heavy.any():
        raise ValueError(f"weights has shape {heavy.shape}; pass one for each of {keys} keys, not all of them 0.")
    return float(0.5 * np.sort(heavy)[: max(keys - d_dot, 0)].sum() / heavy.sum())


@formula(
    kind="exact",
    condition="one-hot values drawn with replacement, queries with a common part, half the squared error",
    source="eckart1936",
)
def distinct_keys_floor(distinct: Any, values: int, d_dot: int) -> float:
    """The least expected loss of a matrix that is read once, where only some of the keys were written.

    Keys and one-hot values are drawn with replacement, each key that was written is queried once and answers its latest
    value, and the query depends on the key alone. Of N such keys a matrix serves ``d_dot``, and may give the others the
    mean of all values: half the squared error is ``(1 - d_dot / N) (1 - 1 / values) / 2`` where N is above ``d_dot``
    (Eckart & Young 1936, with the second moments of random values).

    Parameters
    ----------
    distinct : int array
        Number of distinct keys that were written, for each sequence.
    values : int
        Number of values, all as likely.
    d_dot : int
        Features that a read sees.

    Returns
    -------
    float
        The mean over all queries of all sequences.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> distinct_keys_floor([51, 50], 80, 64), distinct_keys_floor([80], 5, 64)
    (0.0, 0.08)
    """
    n: Array = np.atleast_1d(checks.array("distinct", distinct, 1))
    checks.count("values", values)
    checks.count("d_dot", d_dot, 0)
    return float(0.5 * (1 - 1 / values) * np.maximum(n - d_dot, 0).sum() / n.sum())


@formula(
    kind="exact",
    condition="one-hot values, each write of a key as likely to be its latest",
    source="schlag2021",
)
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
    n = _written(counts)
    return float(0.5 * (1 - np.square(n / n.sum(axis=-1, keepdims=True)).sum(axis=-1)).mean())


@formula(
    kind="exact",
    condition="each write of a key as likely to be its latest",
    source="schlag2021",
)
def order_blind_accuracy(counts: Any) -> float:
    """The expected accuracy of the best memory that knows which values were written to a key, but not when.

    Every write of a key is as likely to be the latest: the commonest value is right in its share of them.

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
    >>> order_blind_accuracy([[1, 1], [0, 2], [0, 0]])
    0.75
    """
    n = _written(counts)
    return float((n.max(axis=-1) / n.sum(axis=-1)).mean())


def _written(counts: Any) -> Array:
    """Counts (n, values) of the keys that were written."""
    n: Array = checks.array("counts", counts, 0)
    if n.ndim < 2 or not n.any():
        raise ValueError(f"counts has shape {n.shape}; pass (..., keys, values) with at least one write.")
    return n[n.any(axis=-1)]
