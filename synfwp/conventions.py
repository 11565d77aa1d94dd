"""To and from flash-linear-attention: one file for layout, logarithmic gates, the read's scale and the state.

There, arrays are [B, T, H, K] (batch, time, head, feature), gates ``g`` are logarithms of the decay, reads are scaled
by ``K ** -0.5``, and the state is ``S = W^T`` of [B, H, K, V]:

    S_t = exp(g_t) S_{t-1} + ...,        o_t = scale S_t^T q_t

Here, arrays are (batch, head, time, feature), gates are multipliers, reads are not scaled, and W is (value, key). The
functions take NumPy arrays and PyTorch tensors alike, through which gradients flow.
"""

from typing import Any, TypeVar

import numpy as np

from synfwp import checks

Array = Any  # of NumPy or PyTorch
Kind = TypeVar("Kind")  # and the result is of the same kind


def from_fla(
    q: Array,
    k: Array,
    v: Array,
    g: Array | None = None,
    beta: Array | None = None,
    scale: float | None = None,
    initial_state: Array | None = None,
) -> dict[str, Any]:
    """Arguments of a kernel of flash-linear-attention as arguments of ``scan``: ``scan(rule, **from_fla(...))``.

    Parameters
    ----------
    q, k : [B, T, H, K] array
        Queries and keys, with as many heads as v.
    v : [B, T, H, V] array
    g : None, [B, T, H] or [B, T, H, K] array
        Logarithms of the decay, at most 0 (-inf forgets everything).
    beta : None, [B, T, H] or (one number per value channel) [B, T, H, V] array
    scale : None or float
        Factor of the queries; None means ``K ** -0.5``.
    initial_state : None or [B, H, K, V] array

    Returns
    -------
    dict
        q, k (B, H, T, K), v (B, H, T, V), beta (B, H, T) or (B, H, T, V), decay (B, H, T) or
        (B, H, T, K), W0 (B, H, V, K), as views
        where nothing is computed; beta, decay and W0 are None where they were not passed.

    Raises
    ------
    TypeError, ValueError
        For another shape, or gates that are not logarithms.

    References
    ----------
    The docstrings of flash-linear-attention's ``chunk_gated_delta_rule`` and ``chunk_gla`` (Yang & Zhang 2024).

    Examples
    --------
    >>> import numpy as np
    >>> q, k, v = np.ones((1, 5, 2, 4)), np.ones((1, 5, 2, 4)), np.ones((1, 5, 2, 3))
    >>> sent = from_fla(q, k, v, g=np.log(np.full((1, 5, 2), 0.5)))
    >>> sent["v"].shape, float(sent["q"][0, 0, 0, 0]), float(sent["decay"][0, 0, 0])
    ((1, 2, 5, 3), 0.5, 0.5)
    >>> from_fla(q, k, v, g=np.full((1, 5, 2), 0.9))
    Traceback (most recent call last):
    ...
    ValueError: g holds 0.9; pass logarithms of decays, numbers of at most 0.
    """
    for name, x in (("q", q), ("k", k), ("v", v)):
        _expect(name, x, "[B, T, H, features]", None)
    lead, d_k = tuple(k.shape[:3]), k.shape[3]
    _expect("q", q, "[B, T, H, K] as k", (*lead, d_k))
    _expect(
        "v", v, "[B, T, H, V], with the heads of k (repeat the heads of q and k if v has more)", (*lead, v.shape[3])
    )
    if g is not None:
        _expect("g", g, "[B, T, H] or [B, T, H, K]", lead, (*lead, d_k))
        if (g > 0).any():
            raise ValueError(f"g holds {float(g.max()):g}; pass logarithms of decays, numbers of at most 0.")
    if beta is not None:
        _expect("beta", beta, "[B, T, H] or [B, T, H, V]", lead, (*lead, v.shape[3]))
    if initial_state is not None:
        _expect("initial_state", initial_state, "[B, H, K, V]", (lead[0], lead[2], d_k, v.shape[3]))
    return {
        "q": _heads(q) * (d_k**-0.5 if scale is None else checks.number("scale", scale)),
        "k": _heads(k),
        "v": _heads(v),
        "beta": None if beta is None else _heads(beta),
        "decay": None if g is None else _heads(_exp(g)),
        "W0": None if initial_state is None else _transposed(initial_state),
    }


def to_fla(
    q: Array,
    k: Array,
    v: Array,
    beta: Array | None = None,
    *,
    decay: Array | None = None,
    W0: Array | None = None,
) -> dict[str, Any]:
    """Arguments of ``scan`` as arguments of a kernel of flash-linear-attention: ``kernel(**to_fla(...))``.

    Parameters
    ----------
    q, k : (B, H, T, d_k) array
    v : (B, H, T, d_v) array
    beta : None, (B, H, T) or (B, H, T, d_v) array
    decay : None, (B, H, T) or (B, H, T, d_k) array
        In [0, 1]; a decay of 0 becomes -inf.
    W0 : None or (B, H, d_v, d_k) array

    Returns
    -------
    dict
        q, k, v, and beta, g, initial_state where they were passed, with ``scale=1.0``: q stays as it is.

    Raises
    ------
    TypeError, ValueError
        For another shape (nothing is broadcast here), or a decay below 0.

    References
    ----------
    As `from_fla`, whose inverse this is.

    Examples
    --------
    >>> import numpy as np
    >>> q, k, v = np.ones((1, 2, 5, 4)), np.ones((1, 2, 5, 4)), np.ones((1, 2, 5, 3))
    >>> sent = to_fla(q, k, v, decay=np.full((1, 2, 5), 0.5))
    >>> sorted(sent), sent["q"].shape, round(float(sent["g"][0, 0, 0]), 3)
    (['g', 'k', 'q', 'scale', 'v'], (1, 5, 2, 4), -0.693)
    >>> back = from_fla(**sent)
    >>> np.array_equal(back["v"], v), float(back["decay"][0, 0, 0])
    (True, 0.5)
    """
    for name, x in (("q", q), ("k", k), ("v", v)):
        _expect(name, x, "(B, H, T, features)", None)
    lead, d_k = tuple(k.shape[:3]), k.shape[3]
    _expect("q", q, "(B, H, T, d_k) as k", (*lead, d_k))
    _expect("v", v, "(B, H, T, d_v) as k", (*lead, v.shape[3]))
    sent: dict[str, Any] = {"q": _heads(q), "k": _heads(k), "v": _heads(v), "scale": 1.0}
    if beta is not None:
        _expect("beta", beta, "(B, H, T) or (B, H, T, d_v)", lead, (*lead, v.shape[3]))
        sent["beta"] = _heads(beta)
    if decay is not None:
        _expect("decay", decay, "(B, H, T) or (B, H, T, d_k)", lead, (*lead, d_k))
        if (decay < 0).any():
            raise ValueError(f"decay holds {float(decay.min()):g}; pass multipliers in [0, 1], which have a logarithm.")
        sent["g"] = _log(_heads(decay))
    if W0 is not None:
        _expect("W0", W0, "(B, H, d_v, d_k)", (*lead[:2], v.shape[3], d_k))
        sent["initial_state"] = _transposed(W0)
    return sent


def results_from_fla(o: Kind, final_state: Kind) -> tuple[Kind, Kind]:
    """Results ``o [B, T, H, V]``, ``final_state [B, H, K, V]`` as ``y (B, H, T, V)``, ``W (B, H, V, K)``; views.

    Examples
    --------
    >>> import numpy as np
    >>> [x.shape for x in results_from_fla(np.ones((1, 5, 2, 3)), np.ones((1, 2, 4, 3)))]
    [(1, 2, 5, 3), (1, 2, 3, 4)]
    """
    _expect("o", o, "[B, T, H, V]", None)
    _expect("final_state", final_state, "[B, H, K, V]", None)
    return _heads(o), _transposed(final_state)


def results_to_fla(y: Kind, W: Kind) -> tuple[Kind, Kind]:
    """The inverse of `results_from_fla`: what a kernel of flash-linear-attention gives back; views.

    Examples
    --------
    >>> import numpy as np
    >>> [x.shape for x in results_to_fla(np.ones((1, 2, 5, 3)), np.ones((1, 2, 3, 4)))]
    [(1, 5, 2, 3), (1, 2, 4, 3)]
    """
    _expect("y", y, "(B, H, T, d_v)", None)
    _expect("W", W, "(B, H, d_v, d_k)", None)
    return _heads(y), _transposed(W)


def _expect(name: str, x: Array, layout: str, *shapes: tuple[int, ...] | None) -> None:
    """An array or tensor of one of these shapes; None stands for any four axes."""
    if not isinstance(x, np.ndarray) and not hasattr(x, "exp"):
        raise TypeError(f"{name} is of type {type(x).__name__}; pass a NumPy array or a PyTorch tensor.")
    if tuple(x.shape) not in shapes and not (None in shapes and x.ndim == 4):
        here = " or ".join(str(shape) for shape in shapes if shape is not None)
        raise ValueError(f"{name} has shape {tuple(x.shape)}; pass {layout}{', here ' if here else ''}{here}.")


def _heads(x: Array) -> Array:
    """Head and time exchanged: the way back is the way there."""
    return x.swapaxes(1, 2)


def _transposed(state: Array) -> Array:
    """W from its transpose, or the transpose from W."""
    return state.swapaxes(-1, -2)


def _exp(x: Array) -> Array:
    """exp, by the array's own method where it has one (a tensor)."""
    return np.exp(x) if isinstance(x, np.ndarray) else x.exp()


def _log(x: Array) -> Array:
    """log, -inf at 0, by the array's own method where it has one (a tensor)."""
    if not isinstance(x, np.ndarray):
        return x.log()
    with np.errstate(divide="ignore"):
        return np.log(x)


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

    References
    ----------
    Peng et al. 2025, equations 17 to 19, transposed to rows of values.

    Examples
    --------
    >>> import numpy as np
    >>> sorted(rwkv7(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3))))
    ['decay', 'erase']
    """
    return {"decay": w, "erase": (kappa, rate * kappa)}


def iplr(a: Array, b: Array) -> dict[str, Any]:
    """Identity plus low rank as arguments of the row DPLR: ``W (I + a b^T) + v k^T``.

    Parameters
    ----------
    a, b : (..., T, d_k) array

    Returns
    -------
    dict
        ``decay`` (ones) and ``erase``.

    References
    ----------
    Flash-linear-attention, ``chunk_iplr_delta_rule`` (Yang & Zhang 2024).

    Examples
    --------
    >>> import numpy as np
    >>> iplr(np.ones((2, 3)), np.zeros((2, 3)))["erase"][0].tolist()[0]
    [-1.0, -1.0, -1.0]
    """
    return {"decay": a * 0 + 1, "erase": (-a, b)}


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

    References
    ----------
    Hu et al. 2025 (arXiv 2506.02475), the closed-loop update.

    Examples
    --------
    >>> import numpy as np
    >>> comba(np.ones(2), np.ones((2, 3)), np.ones((2, 3)), np.full(2, 0.5))["erase"][1].tolist()[0]
    [0.5, 0.5, 0.5]
    """
    return {"decay": decay[..., None] + k * 0, "erase": (p, beta[..., None] * k), "beta": beta}
