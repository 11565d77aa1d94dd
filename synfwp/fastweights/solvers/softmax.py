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
        y[:, lo:hi] = _weights(q[:, lo:hi], k[:, :hi], np.arange(lo, hi)) @ v[:, :hi]
    return Outputs(y, None)


def adjoint(call: Call, kept: None, cotangents: Cotangents, threads: int | None) -> Named:
    """Gradients of q, k and v."""
    q, k, v, dy = call.q, call.k, call.v, cotangents.dy
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for lo in range(0, q.shape[1], BLOCK):
        hi = min(lo + BLOCK, q.shape[1])
        dq[:, lo:hi], more_k, more_v = _back(q[:, lo:hi], k[:, :hi], v[:, :hi], dy[:, lo:hi], np.arange(lo, hi))
        dk[:, :hi] += more_k
        dv[:, :hi] += more_v
    return {"q": dq, "k": dk, "v": dv}


def read(call: Call, at: Array) -> Array:
    """Reads (n, T, d_v) of the steps ``at`` (n, R), and 0 elsewhere; -1 stands for no step."""
    y, there, step = np.zeros_like(call.v), np.nonzero(at >= 0), np.maximum(at, 0)
    q = np.take_along_axis(call.q, step[..., None], axis=1)
    y[there[0], at[there]] = (_weights(q, call.k, step) @ call.v)[there]
    return y


def read_adjoint(call: Call, dy: Array, at: Array) -> Named:
    """Gradients of q, k and v for cotangents of these reads."""
    dq, there, step = np.zeros_like(call.q), np.nonzero(at >= 0), np.maximum(at, 0)
    q, g = (np.take_along_axis(x, step[..., None], axis=1) for x in (call.q, dy))
    found, dk, dv = _back(q, call.k, call.v, g * (at >= 0)[..., None], step)
    dq[there[0], at[there]] = found[there]
    return {"q": dq, "k": dk, "v": dv}


def attention(call: Call) -> Array:
    """Causal weights (n, T, T)."""
    n, T = call.q.shape[:2]
    return _weights(call.q, call.k, np.arange(T)) if T else np.zeros((n, 0, 0), call.q.dtype)


def aux_shape(rule: Rule, d_v: int, d_k: int) -> Shape | None:
    """Nothing is carried."""
    return None


def _weights(q: Array, k: Array, step: Array) -> Array:
    """Causal softmax weights (n, R, S) of queries (n, R, d), each at its ``step`` ((n, R) or R), on S keys."""
    score = q @ np.swapaxes(k, 1, 2)
    score = np.where(np.arange(k.shape[1]) <= step[..., None], score, -np.inf)
    score = np.exp(score - score.max(axis=-1, keepdims=True))
    return score / score.sum(axis=-1, keepdims=True)


def _back(q: Array, k: Array, v: Array, g: Array, step: Array) -> tuple[Array, Array, Array]:
    """Gradients of these queries, keys and values for cotangents g of the reads."""
    A = _weights(q, k, step)
    dA = g @ np.swapaxes(v, 1, 2)
    dscore = A * (dA - (A * dA).sum(axis=-1, keepdims=True))
    return dscore @ k, np.swapaxes(dscore, 1, 2) @ q, np.swapaxes(A, 1, 2) @ g
