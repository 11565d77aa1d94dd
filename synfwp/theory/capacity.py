"""Capacity of a Hebbian memory of random unit keys and values of unit variance: expectations, not identities.

P is the number of stored pairs, d the number of key features; a single run scatters around these.
"""

from math import erfc
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks

Array = np.ndarray


@overload
def hebb_cosine(pairs: float, d_key: float) -> float: ...
@overload
def hebb_cosine(pairs: ArrayLike, d_key: ArrayLike) -> Array: ...
def hebb_cosine(pairs: Any, d_key: Any) -> Any:
    """Mean cosine between what a Hebbian memory of P pairs recalls and what was stored: ``1 / sqrt(1 + (P - 1) / d)``.

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
    >>> round(float(hebb_cosine(64, 64)), 3)
    0.71
    """
    pairs, d = _sizes(pairs, d_key)
    return 1 / np.sqrt(1 + (pairs - 1) / d)


@overload
def hebb_sign_error(pairs: float, d_key: float) -> float: ...
@overload
def hebb_sign_error(pairs: ArrayLike, d_key: ArrayLike) -> Array: ...
def hebb_sign_error(pairs: Any, d_key: Any) -> Any:
    """Share of wrong signs in the recall of +-1 values: ``erfc(sqrt(d / (2 (P - 1)))) / 2``.

    Parameters
    ----------
    pairs, d_key : int or array
        P (at least 2) and d.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        If P is too small, d below 1, or one of them no finite number.

    Examples
    --------
    >>> round(float(hebb_sign_error(65, 64)), 3)
    0.159
    """
    pairs, d = _sizes(pairs, d_key, 2)
    return np.vectorize(erfc, otypes=[float])(np.sqrt(d / (2 * (pairs - 1)))) / 2


@overload
def hebb_squared_error(pairs: float, d_key: float) -> float: ...
@overload
def hebb_squared_error(pairs: ArrayLike, d_key: ArrayLike) -> Array: ...
def hebb_squared_error(pairs: Any, d_key: Any) -> Any:
    """Mean squared error per component of unit variance: ``(P - 1) / d``.

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
    >>> float(hebb_squared_error(65, 64))
    1.0
    """
    pairs, d = _sizes(pairs, d_key)
    return (pairs - 1) / d


def _sizes(pairs: Any, d_key: Any, least: int = 1) -> tuple[Array, Array]:
    """P of at least ``least``, and d of at least 1."""
    return checks.array("pairs", pairs, least), checks.array("d_key", d_key, 1)
