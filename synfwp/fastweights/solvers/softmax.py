"""Softmax attention: the baseline that is not a fast weight, with its derivative."""

import numpy as np

from synfwp.fastweights.problem import Call, Cotangents, Named, Outputs, Shape
from synfwp.rules import Rule

Array = np.ndarray
BLOCK = 512  # queries at a time: memory grows with BLOCK x T, not T x T


def forward(call: Call, every: int, threads: int | None) -> Outputs:
    """Reads (n, T, d_v); there is no W."""
    q, k, v = call.q, call.k, call.v
    y = np.empty_like(v)
    for lo in range(0, q.shape[1], BLOCK):
        hi = min(lo + BLOCK, q.shape[1])
        y[:, lo:hi] = _weights(q, k, lo, hi) @ v[:, :hi]
    return Outputs(y, None)


def adjoint(call: Call, kept: None, cotangents: Cotangents, threads: int | None) -> Named:
    """Gradients of q, k and v."""
    q, k, v, dy = call.q, call.k, call.v, cotangents.dy
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for lo in range(0, q.shape[1], BLOCK):
        hi = min(lo + BLOCK, q.shape[1])
        A, g = _weights(q, k, lo, hi), dy[:, lo:hi]
        dv[:, :hi] += np.swapaxes(A, 1, 2) @ g
        dA = g @ np.swapaxes(v[:, :hi], 1, 2)
        dscore = A * (dA - (A * dA).sum(axis=-1, keepdims=True))
        dq[:, lo:hi] = dscore @ k[:, :hi]
        dk[:, :hi] += np.swapaxes(dscore, 1, 2) @ q[:, lo:hi]
    return {"q": dq, "k": dk, "v": dv}


def attention(call: Call) -> Array:
    """Causal weights (n, T, T)."""
    n, T = call.q.shape[:2]
    return _weights(call.q, call.k, 0, T) if T else np.zeros((n, 0, 0), call.q.dtype)


def aux_shape(rule: Rule, d_v: int, d_k: int) -> Shape | None:
    """Nothing is carried."""
    return None


def _weights(q: Array, k: Array, lo: int, hi: int) -> Array:
    """Causal softmax weights (n, hi - lo, hi) of the queries lo..hi-1 on all keys up to each of them."""
    score = q[:, lo:hi] @ np.swapaxes(k[:, :hi], 1, 2)
    score = np.where(np.tri(hi, dtype=bool)[lo:hi], score, -np.inf)
    score = np.exp(score - score.max(axis=-1, keepdims=True))
    return score / score.sum(axis=-1, keepdims=True)
