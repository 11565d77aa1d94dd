"""The rule that writes itself, through its kernels: forward and back."""

import math

import numpy as np

from synfwp.kernels import self_referential as kernel
from synfwp.threads import spread

Array = np.ndarray
SEGMENT = 64  # steps; longer sequences are cut into about as many segments as a segment has steps


def forward(x: Array, W0: Array, every: int, threads: int | None) -> tuple[Array, Array, Array | None]:
    """Reads (n, T, d_y), the last W (n, rows, d) and every so many W, from tokens (n, T, d)."""
    n, T, d = x.shape
    rows = W0.shape[1]
    W, y = W0.copy(), np.empty((n, T, rows - 2 * d - kernel.BLOCKS), x.dtype)
    states = np.empty((n, T // every if every else 0, rows, d), x.dtype)

    def work(lo: int, hi: int) -> None:
        kernel.forward(x, W, y, states, every, lo, hi)

    spread(work, n, _flops(x, W0), threads)
    return y, W, states if every else None


def pull(x: Array, W0: Array, dy: Array, dW: Array, threads: int | None) -> dict[str, Array]:
    """Gradients of the tokens ("q") and of W0; at most about sqrt(T) copies of W are kept for each thread."""
    dx, G = np.empty_like(x), np.array(dW, order="C")
    dy = np.ascontiguousarray(dy)
    segment = max(SEGMENT, math.isqrt(x.shape[1]))

    def work(lo: int, hi: int) -> None:
        kernel.adjoint(x, W0, dy, G, dx, segment, lo, hi)

    spread(work, len(x), 4 * _flops(x, W0), threads)
    return {"q": dx, "W0": G}


def _flops(x: Array, W0: Array) -> float:
    """Work of one forward run."""
    return 6.0 * W0.size * x.shape[1]
