"""Softmax attention: the baseline that is not a fast weight, with its derivative."""

import numpy as np

Array = np.ndarray
BLOCK = 512  # queries at a time: memory grows with BLOCK x T, not T x T


def weights(q: Array, k: Array, lo: int, hi: int) -> Array:
    """Causal softmax weights (n, hi - lo, hi) of the queries lo..hi-1 on all keys up to each of them."""
    score = q[:, lo:hi] @ np.swapaxes(k[:, :hi], 1, 2)
    score = np.where(np.tri(hi, dtype=bool)[lo:hi], score, -np.inf)
    score = np.exp(score - score.max(axis=-1, keepdims=True))
    return score / score.sum(axis=-1, keepdims=True)


def forward(q: Array, k: Array, v: Array) -> Array:
    """Reads (n, T, d_v)."""
    y = np.empty_like(v)
    for lo in range(0, q.shape[1], BLOCK):
        hi = min(lo + BLOCK, q.shape[1])
        y[:, lo:hi] = weights(q, k, lo, hi) @ v[:, :hi]
    return y


def pull(q: Array, k: Array, v: Array, dy: Array) -> dict[str, Array]:
    """Gradients of q, k and v."""
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    for lo in range(0, q.shape[1], BLOCK):
        hi = min(lo + BLOCK, q.shape[1])
        A, g = weights(q, k, lo, hi), dy[:, lo:hi]
        dv[:, :hi] += np.swapaxes(A, 1, 2) @ g
        dA = g @ np.swapaxes(v[:, :hi], 1, 2)
        dscore = A * (dA - (A * dA).sum(axis=-1, keepdims=True))
        dq[:, lo:hi] = dscore @ k[:, :hi]
        dk[:, :hi] += np.swapaxes(dscore, 1, 2) @ q[:, lo:hi]
    return {"q": dq, "k": dk, "v": dv}
