"""Products of transitions: what many tokens make of W, at which rates, and with which time constants."""

from typing import Any

import numpy as np

from synfwp import checks
from synfwp.dynamics.matrices import square

Array = np.ndarray


def ordered_product(M: Any) -> Array:
    """The product ``M_1 M_2 ... M_T`` of transitions, the first token first: ``W_T = W_0 M_1 ... M_T + ...``.

    Parameters
    ----------
    M : (..., T, d, d) array

    Returns
    -------
    (..., d, d) array
        The identity for T = 0.

    Raises
    ------
    TypeError, ValueError
        For an array of another shape, or one that holds NaN or inf.

    Examples
    --------
    >>> import numpy as np
    >>> ordered_product(np.array([[[2.0]], [[3.0]]])).tolist()
    [[6.0]]
    """
    M = _series(M)
    found = np.broadcast_to(np.eye(M.shape[-1]), (*M.shape[:-3], *M.shape[-2:])).copy()
    for t in range(M.shape[-3]):
        found = found @ M[..., t, :, :]
    return found


def lyapunov_exponents(M: Any) -> Array:
    r"""Lyapunov exponents of a product of transitions, ``ln |R_jj|`` per token of its QR factors, the largest first.

    Directions that a singular step ends (the delta rule at ``beta |k|^2 = 1``) have the exponent -inf; the number of
    the others is the rank of the product. The sum is ``<ln |det M_t|>``, for the delta rule ``<ln |1 - beta |k|^2|>``.

    Parameters
    ----------
    M : (..., T, d, d) array
        T of at least 1.

    Returns
    -------
    (..., d) array
        Per token.

    Raises
    ------
    TypeError, ValueError
        For an array of another shape, or one that holds NaN or inf.

    References
    ----------
    Benettin et al. 1980, Meccanica 15:9 (QR); Oseledets 1968.

    Examples
    --------
    >>> import numpy as np
    >>> lyapunov_exponents(np.stack([np.diag([0.5, 0.0])] * 3)).round(4).tolist()
    [-0.6931, -inf]
    """
    M = _series(M)
    *lead, T, d, _ = M.shape
    if not T:
        raise ValueError(f"M has shape {M.shape}, which holds no token; pass at least one.")
    found = np.stack([_one(series) for series in M.reshape(-1, T, d, d)])
    return found.reshape(*lead, d)


def time_constants(exponents: Any) -> Array:
    """Time constants ``-1 / exponent`` in tokens: how many tokens make 1/e of a direction of W.

    ``ln |eigenvalue|`` of one transition is an exponent too.

    Parameters
    ----------
    exponents : array
        Per token; -inf is what one token ends.

    Returns
    -------
    array
        inf for what stays, 0 for what one token ends, negative for what grows, by e in so many tokens.

    Raises
    ------
    TypeError, ValueError
        For NaN.

    Examples
    --------
    >>> import numpy as np
    >>> time_constants(np.log([1.0, 0.9])).round(3).tolist()
    [inf, 9.491]
    """
    found = np.asarray(checks.plain("exponents", exponents), float)
    if np.isnan(found).any():
        raise ValueError("exponents holds NaN; pass numbers, or -inf for what one token ends.")
    small = np.abs(found) < 1e-12  # rounding of an eigenvalue of 1
    with np.errstate(divide="ignore"):
        return np.where(small, np.inf, -1 / np.where(small, 1.0, found))


def _series(M: Any) -> Array:
    """Finite square matrices along an axis of tokens."""
    M = square("M", M)
    if M.ndim < 3:
        raise ValueError(f"M has shape {M.shape}; pass matrices of tokens (..., T, d, d).")
    return M


def _one(M: Array) -> Array:
    """Exponents of one series (T, d, d): rows of W that are kept orthonormal, less those that have come to an end."""
    T, d, _ = M.shape
    Q, logs = np.eye(d), np.zeros(d)
    tiny = 4 * d * np.finfo(float).eps
    for t in range(T):
        Q, R = np.linalg.qr(M[t].T @ Q)
        size = np.abs(np.diagonal(R))
        alive = size > tiny * max(float(np.abs(R).max(initial=0.0)), tiny)
        Q, logs = Q[:, alive], logs[: len(size)][alive] + np.log(size[alive])
        if not alive.any():
            break
    found = np.full(d, -np.inf)
    found[: len(logs)] = np.sort(logs)[::-1] / T
    return found
