"""What a correlation matrix keeps of P pairs, one write each: signal against the interference of the other keys.

P is the number of stored pairs, d the number of key features. The interference of a key set is ``E (k . k')^2`` of two
of its unit keys, 1/d for random directions, and ``1 / SNR = (P - 1) E (k . k')^2``. Values have mean zero.
"""

from math import erfc
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks
from synfwp.theory.formulas import formula, plain

Array = np.ndarray

RELU_OVERLAP = 1 / np.pi  # <k>^2 / <k^2> of max(0, z), z standard normal: (2 pi)^-1 over 1/2


@overload
def hebb_squared_error(pairs: float, d_key: float, overlap: float = 0.0) -> float: ...
@overload
def hebb_squared_error(pairs: ArrayLike, d_key: ArrayLike, overlap: ArrayLike = 0.0) -> Array: ...
@formula(
    kind="exact",
    condition="Hebb at beta 1, unit keys in random directions (with an overlap: keys of unit mean square and "
    "independent, equal features, up to the spread of their own length), values of mean 0 and variance 1",
    source="kohonen1972",
)
def hebb_squared_error(pairs: Any, d_key: Any, overlap: Any = 0.0) -> Any:
    """Mean squared error per component of unit variance: ``(P - 1) (rho^2 + (1 - rho^2) / d)``.

    Parameters
    ----------
    pairs, d_key : int or array
        P and d.
    overlap : float or array
        rho, ``<k>^2 / <k^2>`` of a feature: 0 for keys of mean zero, `RELU_OVERLAP` for rectified normal ones.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        If P is too small, d below 1, or one of them no finite number.

    Examples
    --------
    >>> hebb_squared_error(65, 64)
    1.0
    """
    P, d = _sizes(pairs, d_key)
    return plain((P - 1) * _interference(d, overlap))


@overload
def hebb_cosine(pairs: float, d_key: float, overlap: float = 0.0) -> float: ...
@overload
def hebb_cosine(pairs: ArrayLike, d_key: ArrayLike, overlap: ArrayLike = 0.0) -> Array: ...
@formula(
    kind="asymptotic",
    condition="Hebb, unit keys with independent, equal features, values of mean 0 with at least 32 features",
    source="kohonen1972",
    band=0.01,
)
def hebb_cosine(pairs: Any, d_key: Any, overlap: Any = 0.0) -> Any:
    """Mean cosine of what is recalled with what was stored: ``1 / sqrt(1 + (P - 1) (rho^2 + (1 - rho^2) / d))``.

    For keys of which neither holds, pass `effective_dimension` of the keys for d.

    Parameters
    ----------
    pairs, d_key : int or array
        P and d.
    overlap : float or array
        rho, ``<k>^2 / <k^2>`` of a feature: 0 for keys of mean zero, `RELU_OVERLAP` for rectified normal ones.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        If P is too small, d below 1, or one of them no finite number.

    Examples
    --------
    >>> round(hebb_cosine(64, 64), 3), round(hebb_cosine(64, 64, RELU_OVERLAP), 3)
    (0.71, 0.348)
    """
    P, d = _sizes(pairs, d_key)
    return plain(1 / np.sqrt(1 + (P - 1) * _interference(d, overlap)))


@overload
def hebb_sign_error(pairs: float, d_key: float, overlap: float = 0.0) -> float: ...
@overload
def hebb_sign_error(pairs: ArrayLike, d_key: ArrayLike, overlap: ArrayLike = 0.0) -> Array: ...
@formula(
    kind="approximate",
    condition="Hebb, unit keys with independent, equal features, values +-1; normal cross-talk: at least 16 pairs and "
    "16 features",
    source="sejnowski1977; kohonen1972",
    band=0.005,
)
def hebb_sign_error(pairs: Any, d_key: Any, overlap: Any = 0.0) -> Any:
    """Share of wrong signs in the recall of +-1 values: ``erfc(sqrt(SNR / 2)) / 2``, in SNR the other P - 1 pairs.

    Parameters
    ----------
    pairs, d_key : int or array
        P (at least 2) and d.
    overlap : float or array
        rho, ``<k>^2 / <k^2>`` of a feature.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        If P is too small, d below 1, or one of them no finite number.

    Examples
    --------
    >>> round(hebb_sign_error(65, 64), 3)
    0.159
    """
    P, d = _sizes(pairs, d_key, 2)
    return sign_error(1 / ((P - 1) * _interference(d, overlap)))


@overload
def covariance_cosine(pairs: float, d_key: float, overlap: float, centred_query: bool = False) -> float: ...
@overload
def covariance_cosine(pairs: ArrayLike, d_key: ArrayLike, overlap: ArrayLike, centred_query: bool = False) -> Array: ...
@formula(
    kind="approximate",
    condition="covariance rule, known mean, keys with independent, equal features (not of unit length, which makes "
    "directions unequal: there `key_interference`), values of mean 0 with at least 32 features",
    source="sejnowski1977",
    band=0.03,
)
def covariance_cosine(pairs: Any, d_key: Any, overlap: Any, centred_query: bool = False) -> Any:
    """Recall cosine of ``W = sum_t v_t (k_t - m)^T`` with the mean key m: ``1 / sqrt(1 + (P - 1) / (d (1 - rho)))``.

    A query without its mean meets no interference of it: then ``1 / sqrt(1 + (P - 1) / d)``, as for keys of mean zero.

    Parameters
    ----------
    pairs, d_key : int or array
        P and d.
    overlap : float or array
        rho, ``<k>^2 / <k^2>`` of a feature, below 1.
    centred_query : bool
        Whether the mean is taken off the query too.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        If P is too small, d below 1, or one of them no finite number.

    Examples
    --------
    >>> round(covariance_cosine(64, 64, RELU_OVERLAP), 3), round(covariance_cosine(64, 64, RELU_OVERLAP, True), 3)
    (0.64, 0.71)
    """
    P, d = _sizes(pairs, d_key)
    rho = checks.array("overlap", overlap, 0, 1 - 1e-9)
    d = d if centred_query else d * (1 - rho)
    return plain(1 / np.sqrt(1 + (P - 1) / d))


@overload
def least_squares_cosine(pairs: float, d_key: float) -> float: ...
@overload
def least_squares_cosine(pairs: ArrayLike, d_key: ArrayLike) -> Array: ...
@formula(
    kind="asymptotic",
    condition="the matrix of least squares (mesa, ridge towards 0), keys in general position and equal on average, "
    "values of mean 0 with at least 32 features",
    source="kohonen1973",
    band=0.01,
)
def least_squares_cosine(pairs: Any, d_key: Any) -> Any:
    """Recall cosine of the matrix of least squares: ``sqrt(min(1, d / P))``, the root of the mean leverage of a key.

    Parameters
    ----------
    pairs, d_key : int or array
        P and d.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        If P is too small, d below 1, or one of them no finite number.

    Examples
    --------
    >>> least_squares_cosine([64, 256], 64).tolist()
    [1.0, 0.5]
    """
    P, d = _sizes(pairs, d_key)
    return plain(np.sqrt(np.minimum(1, d / P)))


@formula(
    kind="exact",
    condition="keys of unit length, drawn independently from one distribution",
    source="kohonen1972",
)
def key_overlap(keys: Any) -> float:
    """The overlap of two keys over their squared length, ``E k . k' / E |k|^2``: ``<k>^2 / <k^2>`` of equal features.

    Pairs of different keys alone are counted, so that few keys are not taken for ones that overlap.

    Parameters
    ----------
    keys : (n, d_k) array
        At least two keys, not all of them 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(key_overlap([[1.0, 0.0], [0.6, 0.8]]), 9)
    0.6
    """
    k = _keys(keys)
    length = np.square(k).sum()
    return float((np.square(k.sum(axis=0)).sum() - length) / ((len(k) - 1) * length))


@formula(
    kind="exact",
    condition="keys of unit length (centred: with a mean that is known), drawn independently from one distribution; "
    "read by their own matrix, values of mean 0",
    source="kohonen1972",
)
def key_interference(keys: Any, centred: bool = False, centred_query: bool = True) -> float:
    """The mean ``(k . k')^2`` of different keys over their squared signal: ``tr C^2 / (tr C)^2`` of ``C = E k k^T``.

    The matrix of these keys has ``1 / SNR = (P - 1)`` times this. It is no measure for the delta rule and least
    squares, which correct for it.

    Parameters
    ----------
    keys : (n, d_k) array
        At least two keys.
    centred : bool
        Whether the rule writes ``k - m``, with m the mean of these keys.
    centred_query : bool
        Whether a centred rule is read with ``k - m`` too.

    Returns
    -------
    float
        1 / d for random directions.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> import numpy as np
    >>> key_interference(np.eye(4)), round(key_interference([[1.0, 0.0], [0.6, 0.8]]), 9)
    (0.0, 0.36)
    """
    k = _keys(keys)
    written = k - k.mean(axis=0) if centred else k
    query = written if centred_query else k
    product = written @ query.T
    signal, n = np.trace(product) / len(k), len(k)
    if signal <= 0:
        raise ValueError("keys are all the same; pass keys of which at least two differ.")
    return float((np.square(product / signal).sum() - np.square(np.diag(product) / signal).sum()) / (n * (n - 1)))


@formula(
    kind="exact",
    condition="as of `key_interference`",
    source="kohonen1972",
)
def effective_dimension(keys: Any, centred: bool = False) -> float:
    """How many random directions would interfere as much: the participation ratio of ``C = E k k^T``, without bias.

    Parameters
    ----------
    keys : (n, d_k) array
        At least two keys.
    centred : bool
        Whether the rule takes off the mean of the keys, when it writes and when it reads.

    Returns
    -------
    float
        The inverse of `key_interference`; infinite for orthogonal keys.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(effective_dimension([[1.0, 0.0], [0.6, 0.8]]), 9)
    2.777777778
    """
    found = key_interference(keys, centred)
    return 1 / found if found > 0 else float("inf")


def sign_error(snr: Any) -> Any:
    """``erfc(sqrt(SNR / 2)) / 2``: how often normal noise turns a sign."""
    return plain(np.vectorize(erfc, otypes=[float])(np.sqrt(snr / 2)) / 2)


def _sizes(pairs: Any, d_key: Any, least: int = 1) -> tuple[Array, Array]:
    """P of at least ``least``, and d of at least 1."""
    return checks.array("pairs", pairs, least), checks.array("d_key", d_key, 1)


def _interference(d: Array, overlap: Any) -> Array:
    """``E (k . k')^2`` of unit keys with equal features: a mean overlap, and 1/d of the rest."""
    square = checks.array("overlap", overlap, 0, 1) ** 2
    return np.asarray(square + (1 - square) / d)


def _keys(keys: Any) -> Array:
    """At least two keys, scaled to a largest entry of 1."""
    k = checks.array("keys", keys, ndim=2)
    if len(k) < 2 or not k.any():
        raise ValueError(f"keys has shape {k.shape}; pass at least two keys, (n, d_k), not all of them 0.")
    return np.asarray(k / np.abs(k).max())
