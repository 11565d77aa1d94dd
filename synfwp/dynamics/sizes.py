"""How many directions a matrix of fast weights uses."""

from typing import Any

import numpy as np

from synfwp import checks

Array = np.ndarray


def effective_rank(W: Any) -> Array:
    """The exponential of the entropy of the normalised singular values: from 1 to the rank; 0 for W = 0.

    Parameters
    ----------
    W : (..., d_v, d_k) array

    Returns
    -------
    (...) array

    Raises
    ------
    TypeError, ValueError
        For an array of fewer than two axes, or one that holds NaN or inf.

    References
    ----------
    Roy & Vetterli 2007, EUSIPCO, 606.

    Examples
    --------
    >>> import numpy as np
    >>> float(effective_rank(np.eye(4)).round(6)), float(effective_rank(np.zeros((2, 3))))
    (4.0, 0.0)
    """
    s = _singular(W)
    total = s.sum(axis=-1, keepdims=True)
    p = s / np.where(total > 0, total, 1)
    entropy = -(p * np.log(np.where(p > 0, p, 1))).sum(axis=-1)
    return np.where(total[..., 0] > 0, np.exp(entropy), 0.0)


def participation_ratio(W: Any) -> Array:
    """``(sum s^2)^2 / sum s^4`` of the singular values s: how many directions carry the squared norm; 0 for W = 0.

    Parameters
    ----------
    W : (..., d_v, d_k) array

    Returns
    -------
    (...) array
        From 1 to the rank.

    Raises
    ------
    TypeError, ValueError
        As `effective_rank`.

    Examples
    --------
    >>> import numpy as np
    >>> float(participation_ratio(np.diag([1.0, 1.0, 0.0])))
    2.0
    """
    s = _singular(W)
    largest = s.max(axis=-1, keepdims=True, initial=0.0)
    share = (s / np.where(largest > 0, largest, 1)) ** 2  # of the largest, so that no square overflows
    fourth = (share**2).sum(axis=-1)
    return share.sum(axis=-1) ** 2 / np.where(fourth > 0, fourth, 1)


def _singular(W: Any) -> Array:
    """Singular values of finite matrices."""
    W = checks.array("W", W)
    if W.ndim < 2:
        raise ValueError(f"W has shape {W.shape}; pass matrices (..., d_v, d_k).")
    return np.linalg.svd(W, compute_uv=False)
