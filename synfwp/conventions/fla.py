"""Layout, logarithmic gates, the read's scale and the state of flash-linear-attention's kernels."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from synfwp import checks
from synfwp.conventions import low_rank
from synfwp.conventions.arrays import accept, shaped
from synfwp.owned import own

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
    *,
    a: Array | None = None,
    b: Array | None = None,
    p: Array | None = None,
    w: Array | None = None,
    num_householder: int = 1,
    use_qk_l2norm_in_kernel: bool = False,
) -> dict[str, Any]:
    """Arguments of a kernel of flash-linear-attention as arguments of ``scan``: ``scan(rule, **from_fla(...))``.

    v may have more heads than q and k (grouped values): HV, a multiple of H; each head of q and k then serves HV / H
    heads of v that follow each other. Its copies share one gradient.

    Parameters
    ----------
    q, k : [B, T, H, K] array
        Queries and keys.
    v : [B, T, HV, V] array
    g : None, [B, T, HV] or [B, T, H, K] array
        Logarithms of the decay, at most 0 (-inf forgets everything).
    beta : None, [B, T, HV] or [B, T, HV, V] array
    scale : None or float
        Factor of the queries; None means ``K ** -0.5``.
    initial_state : None or [B, HV, K, V] array
    a, b : None or [B, T, H, K] array
        What ``chunk_dplr_delta_rule``, ``chunk_iplr_delta_rule`` and ``chunk_rwkv7`` take (g is ``gk`` or ``w`` there):
        ``W a b^T`` is added. The b and w of ``chunk_gdn2`` come without an a.
    p : None or [B, T, H, K] array
        The key of what ``chunk_comba`` erases.
    w : None or [B, T, HV, V] array
        The write gate of ``chunk_gdn2``.
    num_householder : int
        Writes per token n of ``chunk_gated_delta_product``, whose k, v and beta have n T steps.
    use_qk_l2norm_in_kernel : bool
        Whether q, k and p are divided by their lengths first, with `l2norm`.

    Returns
    -------
    dict
        q, k (B, HV, T, K), v (B, HV, T, V), beta (B, HV, T), decay (B, HV, T) or (B, HV, T, K), W0 (B, HV, V, K);
        beta, decay and W0 are None where they were not passed. With a, b, p or w also
        ``erase``, for the row DPLR; with several writes k, v and beta have an axis of n after T.

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
    q, k, v = (shaped(name, x, "[B, T, H, features]", None) for name, x in (("q", q), ("k", k), ("v", v)))
    n = checks.count("num_householder", num_householder)
    (B, steps, H, K), (HV, V) = k.shape, v.shape[2:]
    if steps % n:
        raise ValueError(f"k has {steps} steps; pass a multiple of num_householder={n}, n for each token.")
    T = steps // n
    shaped("q", q, "[B, T, H, K] as k", (B, T, H, K))
    if HV % max(H, 1) or not HV >= H:
        raise ValueError(f"v has {HV} heads but k has {H}; pass as many, or a multiple of them (grouped values).")
    shaped("v", v, "[B, T, HV, V] as k", (B, steps, HV, V))
    keys, gates = ((B, T, H, K), (B, T, HV, K)), (B, T, HV)
    layouts: dict[str, tuple[Any, ...]] = {
        "g": ("[B, T, H] or [B, T, H, K]", gates, *keys),
        "beta": ("[B, T, H] or [B, T, H, V]", (B, steps, HV), (B, steps, HV, V)),
        "initial_state": ("[B, H, K, V]", (B, HV, K, V)),
        **dict.fromkeys(("a", "b", "p"), ("[B, T, H, K]", *keys)),
        "w": ("[B, T, H, V]", (B, T, HV, V)),
    }
    given = {"g": g, "beta": beta, "initial_state": initial_state, "a": a, "b": b, "p": p, "w": w}
    g, beta, initial_state, a, b, p, w = (
        None if x is None else shaped(name, x, *layouts[name], lowest=name == "g") for name, x in given.items()
    )
    if g is not None and (g > 0).any():
        raise ValueError(f"g holds {float(g.max()):g}; pass logarithms of decays, numbers of at most 0.")
    if use_qk_l2norm_in_kernel:
        q, k, p = l2norm(q), l2norm(k), None if p is None else l2norm(p)

    def to(x: Array | None, writes: int = 1) -> Any:
        if x is None:
            return None
        x = _heads(x if x.ndim == 3 or x.shape[2] == HV else _repeated(x, HV // H))
        return x if writes == 1 else x.reshape(B, HV, T, writes, *x.shape[3:])

    sent = {
        "q": to(q) * (max(K, 1) ** -0.5 if scale is None else checks.number("scale", scale)),
        "k": to(k, n),
        "v": to(v, n),
        "beta": to(beta, n),
        "decay": None if g is None else _exp(to(g)),
        "W0": None if initial_state is None else _transposed(initial_state),
    }
    return sent | _erased(sent, to(a), to(b), to(p), to(w))


def _erased(sent: dict[str, Any], a: Array | None, b: Array | None, p: Array | None, w: Array | None) -> dict[str, Any]:
    """What the kernels with erase keys of their own change; nothing without a, b, p and w."""
    got = {name for name, x in (("a", a), ("b", b), ("p", p), ("w", w)) if x is not None}
    if got not in (set(), {"a", "b"}, {"p"}, {"b", "w"}):
        raise ValueError(
            f"{' and '.join(sorted(got))}: no kernel takes these; pass a and b (dplr), p (comba), or b and w (gdn2)."
        )
    k, v, decay, beta = (sent[name] for name in ("k", "v", "decay", "beta"))
    if got and k.ndim > 4:
        raise ValueError("num_householder is above 1; leave a, b, p and w out, or write once per token.")
    if got == {"a", "b"}:
        return low_rank.iplr(a, b) | ({} if decay is None else {"decay": decay})
    if got == {"p"}:
        for name, x in (("g", decay), ("beta", beta)):
            if x is not None and x.ndim > 3:
                raise ValueError(f"{name} has a number for each feature; with p (comba) pass [B, T, H].")
        ones = (k * 0 + 1)[..., 0]
        return low_rank.comba(ones if decay is None else decay, p, k, ones if beta is None else beta)
    if got == {"b", "w"}:
        return low_rank.gdn2(k * 0 + 1 if decay is None else decay, k, v, b, w)
    return {}


def l2norm(x: Kind, eps: float = 1e-6) -> Kind:
    """``x / sqrt(sum(x^2) + eps)`` along the last axis: what ``use_qk_l2norm_in_kernel=True`` does to q and k there.

    Parameters
    ----------
    x : (..., d) array
    eps : float
        Added to the squared length, so that a vector of zeros stays one.

    Returns
    -------
    (..., d) array
        Of the kind of x.

    Raises
    ------
    ValueError, TypeError
        If x is no array of real numbers, or eps negative.

    References
    ----------
    Flash-linear-attention, ``fla.modules.l2norm`` (Yang & Zhang 2024).

    Examples
    --------
    >>> import numpy as np
    >>> l2norm(np.array([3.0, 4.0]), eps=0.0).round(6).tolist(), l2norm(np.zeros(2)).tolist()
    ([0.6, 0.8], [0.0, 0.0])
    """
    vector: Any = accept("x", x)
    eps = checks.number("eps", eps, 0)
    return vector * (((vector * vector).sum(-1) + eps) ** -0.5)[..., None]


def to_fla(
    q: Array,
    k: Array,
    v: Array,
    beta: Array | None = None,
    *,
    decay: Array | None = None,
    erase: tuple[Array, Array] | None = None,
    W0: Array | None = None,
) -> dict[str, Any]:
    """Arguments of ``scan`` as arguments of a kernel of flash-linear-attention: ``kernel(**to_fla(...))``.

    Parameters
    ----------
    q, k : (B, H, T, d_k) array
    v : (B, H, T, d_v) array
        Of n writes per token: k and v (B, H, T, n, .), beta (B, H, T, n).
    beta : None or (B, H, T) array
    decay : None, (B, H, T) or (B, H, T, d_k) array
        In [0, 1]; a decay of 0 becomes -inf.
    erase : None or pair of (B, H, T, d_k) arrays
        (p, r) of DPLR become ``a = -p``, ``b = r``.
    W0 : None or (B, H, d_v, d_k) array

    Returns
    -------
    dict
        q, k, v, and beta, g, a, b, initial_state, num_householder where there is something to pass, with
        ``scale=1.0``: q stays as it is.

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
        several = name != "q" and hasattr(x, "ndim") and x.ndim == 5
        shaped(name, x, "(B, H, T, features)", tuple(x.shape) if several else None)
    q, k, v = accept("q", q), accept("k", k), accept("v", v)
    lead, d_k, writes = tuple(k.shape[:3]), k.shape[-1], tuple(k.shape[3:-1])
    shaped("q", q, "(B, H, T, d_k) as k", (*lead, d_k))
    shaped("v", v, "(B, H, T, d_v) as k", (*lead, *writes, v.shape[-1]))

    def to(x: Array) -> Any:
        steps = x.reshape(*lead[:2], lead[2] * writes[0], *x.shape[4:]) if writes else x
        return _heads(steps)

    sent: dict[str, Any] = {"q": _heads(q), "k": to(k), "v": to(v), "scale": 1.0}
    if writes:
        sent["num_householder"] = writes[0]
    if beta is not None:
        beta = shaped("beta", beta, "(B, H, T)", (*lead, *writes), (*lead, *writes, v.shape[-1]))
        sent["beta"] = to(beta)
    if decay is not None:
        decay = shaped("decay", decay, "(B, H, T) or (B, H, T, d_k)", lead, (*lead, d_k))
        if (decay < 0).any():
            raise ValueError(f"decay holds {float(decay.min()):g}; pass multipliers in [0, 1], which have a logarithm.")
        sent["g"] = _log(_heads(decay))
    if erase is not None:
        if not isinstance(erase, tuple | list) or len(erase) != 2:
            raise TypeError(f"erase is {checks.short(erase)}; pass a pair of arrays (p, r).")
        pair = zip(("p of erase", "r of erase"), erase, strict=True)
        first, second = (shaped(name, x, "(B, H, T, d_k) as q", (*lead, d_k)) for name, x in pair)
        sent |= {"a": -_heads(first), "b": _heads(second)}
    if W0 is not None:
        W0 = shaped("W0", W0, "(B, H, d_v, d_k)", (*lead[:2], v.shape[-1], d_k))
        sent["initial_state"] = _transposed(W0)
    return sent


def results_from_fla(o: Kind, final_state: Kind) -> tuple[Kind, Kind]:
    """Results ``o [B, T, H, V]``, ``final_state [B, H, K, V]`` as ``y (B, H, T, V)``, ``W (B, H, V, K)``.

    Parameters
    ----------
    o : [B, T, H, V] array
        Reads.
    final_state : [B, H, K, V] array
        The last state, the transpose of W.

    Returns
    -------
    y : (B, H, T, V) array
    W : (B, H, V, K) array

    Examples
    --------
    >>> import numpy as np
    >>> [x.shape for x in results_from_fla(np.ones((1, 5, 2, 3)), np.ones((1, 2, 4, 3)))]
    [(1, 2, 5, 3), (1, 2, 3, 4)]
    """
    o = shaped("o", o, "[B, T, H, V]", None)
    final_state = shaped("final_state", final_state, "[B, H, K, V]", None)
    return _heads(o), _transposed(final_state)


def results_to_fla(y: Kind, W: Kind) -> tuple[Kind, Kind]:
    """The inverse of `results_from_fla`: what a kernel of flash-linear-attention gives back.

    Parameters
    ----------
    y : (B, H, T, d_v) array
        Reads.
    W : (B, H, d_v, d_k) array
        The last weights.

    Returns
    -------
    o : [B, T, H, d_v] array
    final_state : [B, H, d_k, d_v] array

    Examples
    --------
    >>> import numpy as np
    >>> [x.shape for x in results_to_fla(np.ones((1, 2, 5, 3)), np.ones((1, 2, 3, 4)))]
    [(1, 5, 2, 3), (1, 2, 4, 3)]
    """
    y = shaped("y", y, "(B, H, T, d_v)", None)
    W = shaped("W", W, "(B, H, d_v, d_k)", None)
    return _heads(y), _transposed(W)


def _heads(x: Array) -> Array:
    """Head and time exchanged: the way back is the way there."""
    return own(x.swapaxes(1, 2))


def _repeated(x: Array, times: int) -> Any:
    """Each head as many times, copies beside each other."""
    return np.repeat(x, times, axis=2) if isinstance(x, np.ndarray) else x.repeat_interleave(times, dim=2)


def _transposed(state: Array) -> Array:
    """W from its transpose, or the transpose from W."""
    return own(state.swapaxes(-1, -2))


def _exp(x: Array) -> Array:
    """exp, by the array's own method where it has one (a tensor)."""
    return np.exp(x) if isinstance(x, np.ndarray) else x.exp()


def _log(x: Array) -> Array:
    """log, -inf at 0, by the array's own method where it has one (a tensor)."""
    if not isinstance(x, np.ndarray):
        return x.log()
    with np.errstate(divide="ignore"):
        return np.log(x)
