"""Rules that erase with keys of their own, as arguments of the row DPLR; in any layout with time and features last."""

from typing import Any

from synfwp.conventions.arrays import alike, shaped
from synfwp.owned import own

Array = Any  # of NumPy or PyTorch


def rwkv7(w: Array, kappa: Array, rate: Array) -> dict[str, Any]:
    """RWKV-7 as arguments of the row DPLR: ``W diag(w) - (W kappa) (rate * kappa)^T + v k^T``.

    Parameters
    ----------
    w : (..., T, d_k) array
        Decay in [0, 1].
    kappa : (..., T, d_k) array
        The removal key, usually of unit length.
    rate : (..., T, d_k) array
        In-context learning rate, in [0, 1].

    Returns
    -------
    dict
        ``decay`` and ``erase`` for `synfwp.scan` and `synfwp.attention`.

    Raises
    ------
    TypeError, ValueError
        For lists, numbers that are not finite, and other shapes.

    References
    ----------
    Peng et al. 2025, equations 17 to 19, transposed to rows of values.

    Examples
    --------
    >>> import numpy as np
    >>> sorted(rwkv7(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3))))
    ['decay', 'erase']
    """
    w, kappa, rate = alike("(..., T, d_k)", w=w, kappa=kappa, rate=rate)
    return {"decay": own(w), "erase": (own(kappa), rate * kappa)}


def iplr(a: Array, b: Array) -> dict[str, Any]:
    """Identity plus low rank as arguments of the row DPLR: ``W (I + a b^T) + v k^T``.

    Parameters
    ----------
    a, b : (..., T, d_k) array

    Returns
    -------
    dict
        ``decay`` (ones) and ``erase``.

    Raises
    ------
    TypeError, ValueError
        For lists, numbers that are not finite, and other shapes.

    References
    ----------
    Flash-linear-attention, ``chunk_iplr_delta_rule`` (Yang & Zhang 2024).

    Examples
    --------
    >>> import numpy as np
    >>> iplr(np.ones((2, 3)), np.zeros((2, 3)))["erase"][0].tolist()[0]
    [-1.0, -1.0, -1.0]
    """
    a, b = alike("(..., T, d_k)", a=a, b=b)
    return {"decay": a * 0 + 1, "erase": (-a, own(b))}


def comba(decay: Array, p: Array, k: Array, beta: Array) -> dict[str, Any]:
    """Comba as arguments of the row DPLR: ``a W - beta (W p) k^T + beta v k^T``, erased from the undecayed W.

    Parameters
    ----------
    decay : (..., T) array
        Of W, a scalar for every step.
    p, k : (..., T, d_k) array
        The key of the feedback, and the key of the write.
    beta : (..., T) array
        Strength of the write and of what is erased.

    Returns
    -------
    dict
        ``decay``, ``erase`` and ``beta``.

    Raises
    ------
    TypeError, ValueError
        For lists, numbers that are not finite, and other shapes.

    References
    ----------
    Hu et al. 2025 (arXiv 2506.02475), the closed-loop update.

    Examples
    --------
    >>> import numpy as np
    >>> comba(np.ones(2), np.ones((2, 3)), np.ones((2, 3)), np.full(2, 0.5))["erase"][1].tolist()[0]
    [0.5, 0.5, 0.5]
    """
    p, k = alike("(..., T, d_k)", p=p, k=k)
    decay, beta = (shaped(n, x, "(..., T) as k", tuple(k.shape[:-1])) for n, x in (("decay", decay), ("beta", beta)))
    return {"decay": decay[..., None] + k * 0, "erase": (own(p), beta[..., None] * k), "beta": own(beta)}


def gdn2(decay: Array, k: Array, v: Array, b: Array, w: Array) -> dict[str, Any]:
    """Gated DeltaNet 2 as arguments of the row DPLR: ``W diag(a) - (W diag(a) (b * k)) k^T + (w * v) k^T``.

    With ``b = w = beta`` it is KEY_GATED_DELTA.

    Parameters
    ----------
    decay : (..., T, d_k) array
        In [0, 1]; it acts before what is erased is read.
    k : (..., T, d_k) array
    v : (..., T, d_v) array
    b : (..., T, d_k) array
        Gate of what is erased, for each feature of the key.
    w : (..., T, d_v) array
        Gate of what is written, for each feature of the value.

    Returns
    -------
    dict
        ``v``, ``decay`` and ``erase``.

    Raises
    ------
    TypeError, ValueError
        For lists, numbers that are not finite, and other shapes.

    References
    ----------
    Flash-linear-attention, ``chunk_gdn2`` (Yang & Zhang 2024).

    Examples
    --------
    >>> import numpy as np
    >>> k, v, half = np.ones((2, 3)), np.ones((2, 4)), np.full((2, 3), 0.5)
    >>> sent = gdn2(half, k, v, half, w=v)
    >>> sorted(sent), sent["erase"][0].tolist()[0]
    (['decay', 'erase', 'v'], [0.25, 0.25, 0.25])
    """
    decay, k, b = alike("(..., T, d_k)", decay=decay, k=k, b=b)
    v, w = alike("(..., T, d_v)", v=v, w=w)
    if tuple(v.shape[:-1]) != tuple(k.shape[:-1]):
        raise ValueError(f"v has shape {tuple(v.shape)} but k {tuple(k.shape)}; pass as many steps of both.")
    return {"v": w * v, "decay": own(decay), "erase": (decay * b * k, own(k))}
