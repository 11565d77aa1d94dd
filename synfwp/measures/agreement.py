"""How well one memory agrees with another.

The raw cosine between sums of non-negative outer products is not evidence: two unrelated sums of 8 uniform items have
cosine 0.91. So weights are compared after taking off their means, and next to a baseline of shuffled items.
"""

import numpy as np

from synfwp import checks
from synfwp.measures.reads import refuse_unread

Array = np.ndarray


def centred_correlation(W: Array, reference: Array) -> Array:
    """Pearson correlation between the entries of two matrices (..., d_v, d_k); 0 where one of them is constant.

    NaN where one of them holds NaN.

    Parameters
    ----------
    W : (..., d_v, d_k) array
        Fast weights.
    reference : (..., d_v, d_k) array
        What they are compared with.

    Returns
    -------
    (...) array
        In [-1, 1].

    Examples
    --------
    >>> import numpy as np
    >>> W = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> round(float(centred_correlation(10 + 2 * W, W)), 6)
    1.0
    """
    pair = (np.ldexp(x, -_power(x)) for x in _pair(W, reference))
    return _cosine(*(_off(x, x.mean(axis=(-2, -1), keepdims=True)) for x in pair))


def recall_agreement(y: Array, reference: Array, read: Array | None = None) -> Array:
    """Correlation between the reads of two memories (..., T, d_v), each value unit centred over the tokens read.

    Parameters
    ----------
    y : (..., T, d_v) array
        Reads.
    reference : (..., T, d_v) array
        Reads that they are compared with.
    read : None or (..., T) array
        Which tokens count; None counts all.

    Returns
    -------
    (...) array
        In [-1, 1].

    Raises
    ------
    ValueError
        If a token that counts is NaN: it was not read.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    >>> round(float(recall_agreement(y, y + 1)), 6)
    1.0
    """
    y, reference = _pair(y, reference, "y")
    weight = np.ones(np.shape(y)[:-1]) if read is None else checks.plain("read", read).astype(float)
    if weight.shape[-1:] != y.shape[-2:-1]:
        raise ValueError(f"read has shape {weight.shape}; pass one number for each token, {y.shape[:-1]}.")
    weight = weight[..., None]
    total = np.maximum(weight.sum(axis=-2, keepdims=True), 1)
    y, reference = (np.ldexp(x, -_power(x)) for x in (y, reference))
    centred = []
    for name, x in (("y", y), ("reference", reference)):
        refuse_unread(name, x, np.broadcast_to(weight > 0, x.shape))
        x = np.where(weight > 0, x, 0.0)  # what does not count may not have been read
        centred.append(weight * _off(x, (weight * x).sum(axis=-2, keepdims=True) / total))
    return _cosine(*centred)


def norm_ratio(W: Array, reference: Array) -> Array:
    """Frobenius norm of W over that of the reference (..., d_v, d_k); nan where the reference is zero or holds NaN.

    Parameters
    ----------
    W : (..., d_v, d_k) array
        Fast weights.
    reference : (..., d_v, d_k) array
        What they are compared with.

    Returns
    -------
    (...) array

    Examples
    --------
    >>> import numpy as np
    >>> float(norm_ratio(3 * np.eye(4), np.eye(4)))
    3.0
    """
    W, reference = _pair(W, reference)
    up, down = _power(W), _power(reference)
    size, top = (np.linalg.norm(np.ldexp(x, -n), axis=(-2, -1)) for x, n in ((reference, down), (W, up)))
    size, top = np.broadcast_arrays(size, top)
    with np.errstate(over="ignore"):  # a ratio that no float holds is infinite
        return np.ldexp(np.divide(top, size, out=np.full(size.shape, np.nan), where=size > 0), (up - down)[..., 0, 0])


def slope(W: Array, reference: Array) -> Array:
    """Slope of the regression of W on a reference (..., d_v, d_k), each less its mean: its size, which noise leaves.

    Parameters
    ----------
    W : (..., d_v, d_k) array
        Fast weights.
    reference : (..., d_v, d_k) array
        What they are compared with.

    Returns
    -------
    (...) array
        NaN where the reference is constant.

    Examples
    --------
    >>> import numpy as np
    >>> float(slope(1 + 3 * np.eye(4), np.eye(4)))
    3.0
    """
    one, other = (x - x.mean(axis=(-2, -1), keepdims=True) for x in _pair(W, reference))
    largest = np.abs(other).max(axis=(-2, -1), keepdims=True, initial=0.0)
    unit = np.ldexp(1.0, np.frexp(np.where(largest > 0, largest, 1.0))[1] - 1)  # a power of 2: nothing is rounded
    one, other = one / unit, other / unit
    size = np.square(other).sum(axis=(-2, -1))
    found = (one * other).sum(axis=(-2, -1))
    return np.divide(found, size, out=np.full(np.broadcast(found, size).shape, np.nan), where=size > 0)


def crossing(x: Array, y: Array, wanted: float) -> float:
    """Where y first rises to what is wanted, between points on a logarithmic x.

    Parameters
    ----------
    x : (n,) array
        Above 0, in rising order.
    y : (n,) array
    wanted : float

    Returns
    -------
    float
        NaN where y does not rise to it, or starts so.

    Raises
    ------
    ValueError, TypeError
        For an x that is not above 0, or another number of entries in y.

    Examples
    --------
    >>> round(crossing([1.0, 100.0], [0.0, 1.0], 0.5), 6)
    10.0
    """
    x, y = checks.array("x", x, 0, above=True, ndim=1), checks.plain("y", y).astype(float)
    wanted = checks.number("wanted", wanted)
    if x.shape != y.shape:
        raise ValueError(f"x has {x.size} entries and y {y.size}; pass one for each.")
    above = np.flatnonzero(y >= wanted)
    if not len(above) or above[0] == 0:
        return float("nan")
    i = int(above[0])
    part = (wanted - y[i - 1]) / (y[i] - y[i - 1])
    return float(np.exp(np.log(x[i - 1]) + part * (np.log(x[i]) - np.log(x[i - 1]))))


def auc(score: Array, positive: Array) -> float:
    """Area under the ROC curve: chance that a positive scores above a negative, ties counting one half.

    Parameters
    ----------
    score, positive : (n,) arrays of float and of bool

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there is no positive or no negative, or a score is NaN: it was not read.

    Examples
    --------
    >>> auc([1.0, 2.0, 3.0, 4.0], [False, True, False, True])
    0.75
    """
    from scipy.stats import rankdata

    score, marks = checks.plain("score", score).astype(float).ravel(), checks.plain("positive", positive).ravel()
    if not np.isin(marks, (0, 1)).all():
        raise ValueError(f"positive holds {marks[~np.isin(marks, (0, 1))][0]}; pass True or False for each score.")
    positive = marks == 1
    if score.shape != positive.shape:
        raise ValueError(f"score has {score.size} entries and positive {positive.size}; pass one for each.")
    refuse_unread("score", score)
    if np.isinf(score).any():
        raise ValueError("score holds infinity; pass finite numbers.")
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        raise ValueError(f"positive holds {n} positives and {m} negatives; the area needs both.")
    return float((rankdata(score)[positive].sum() - n * (n + 1) / 2) / (n * m))


def _pair(W: Array, reference: Array, name: str = "W") -> tuple[Array, Array]:
    """Two plain arrays of one shape (..., rows, columns), with NaN but no infinity."""
    found, other = _real(name, W), _real("reference", reference)
    alike = min(found.ndim, other.ndim) >= 2 and found.shape[-2:] == other.shape[-2:]
    if not alike or not _broadcast(found.shape[:-2], other.shape[:-2]):
        raise ValueError(f"{name} has shape {found.shape} and reference {other.shape}; pass two arrays of one shape.")
    return found, other


def _real(name: str, x: Array) -> Array:
    """Numbers or NaN, in which a sum of squares loses nothing."""
    x = checks.plain(name, x).astype(float)
    if np.isinf(x).any():
        raise ValueError(f"{name} holds infinity; pass finite numbers, or NaN for what was not read.")
    return x


def _power(x: Array) -> Array:
    """Powers of two by which matrices are divided whose squares would be lost, exactly; 0 of ordinary numbers."""
    largest = np.max(np.abs(x), axis=(-2, -1), keepdims=True, initial=0.0, where=~np.isnan(x))
    ordinary = (largest == 0) | ((largest > 2.0**-400) & (largest < 2.0**400))
    return np.where(ordinary, 0, np.frexp(largest)[1])


def _broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether leading axes match, or are 1 or missing in one of the two."""
    return all(n == m or 1 in (n, m) for n, m in zip(one[::-1], other[::-1], strict=False))


def _off(x: Array, mean: Array) -> Array:
    """``x - mean``, with 0 where rounding alone is left."""
    off = x - mean
    return np.where(np.abs(off) <= 8 * np.finfo(float).eps * np.abs(mean), 0.0, off)


def _cosine(a: Array, b: Array) -> Array:
    """Cosine between matrices over the last two axes; 0 where one of them is zero, NaN where one holds NaN."""
    size = np.linalg.norm(a, axis=(-2, -1)) * np.linalg.norm(b, axis=(-2, -1))
    return np.divide((a * b).sum(axis=(-2, -1)), size, out=np.zeros(size.shape), where=size != 0)
