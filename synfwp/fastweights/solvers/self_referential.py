"""The rule that writes itself, through its kernels: forward and back."""

import math

import numpy as np

from synfwp.fastweights.problem import Call, Cotangents, Named, Outputs, Shape
from synfwp.kernels import self_referential as kernel
from synfwp.rules import Rule
from synfwp.threads import spread

Array = np.ndarray
SEGMENT = 64  # steps; longer sequences are cut into about as many segments as a segment has steps


def forward(call: Call, every: int, threads: int | None) -> Outputs:
    """Reads (n, T, d_y), the last W (n, rows, d) and every so many W, from tokens (n, T, d)."""
    x, W = call.q, call.W0.copy()
    (n, T, d), rows = x.shape, W.shape[1]
    y = np.empty((n, T, rows - 2 * d - kernel.BLOCKS), x.dtype)
    states = np.empty((n, T // every if every else 0, rows, d), x.dtype)

    def work(lo: int, hi: int) -> None:
        kernel.forward(x, W, y, states, every, lo, hi)

    spread(work, n, _flops(call), threads)
    return Outputs(y, W, None, states if every else None)


def adjoint(call: Call, kept: None, cotangents: Cotangents, threads: int | None) -> Named:
    """Gradients of the tokens ("q") and of W0; at most about sqrt(T) copies of W are kept for each thread."""
    x, W0 = call.q, call.W0
    dx, G, dy = np.empty_like(x), np.array(cotangents.dW, order="C"), np.ascontiguousarray(cotangents.dy)
    segment = max(SEGMENT, math.isqrt(x.shape[1]))

    def work(lo: int, hi: int) -> None:
        kernel.adjoint(x, W0, dy, G, dx, segment, lo, hi)

    spread(work, len(x), 4 * _flops(call), threads)
    return {"q": dx, "W0": G}


def aux_shape(rule: Rule, d_v: int, d_k: int) -> Shape | None:
    """Nothing beside W."""
    return None


def prepare(rule: Rule, given: dict[str, Array]) -> dict[str, Array]:
    """Queries for the keys and zeros for the values that the rule reads from W: as many as W0 has rows to read."""
    if "W0" not in given:
        raise ValueError(
            f"rule {rule.name!r} reads all that it writes from W; "
            "pass the W0 (..., d_y + 2 d + 4, d) that it starts from."
        )
    q, W0 = given["q"], given["W0"]
    if W0.ndim < 2:
        raise ValueError(f"W0 has shape {W0.shape}; pass (..., d_y + 2 d + 4, d).")
    d = q.shape[-1] if q.ndim else 0
    d_y = W0.shape[-2] - rule.rows(0, d)
    if q.ndim and not d:
        raise ValueError(f"q has shape {q.shape}; it needs at least 1 feature.")
    if q.ndim and d_y < 1:
        need = f"at least 1 row to read, {d} for keys, {d} for queries and 4 for betas, as q has {d} features"
        raise ValueError(f"W0 has shape {W0.shape}; pass (..., d_y + 2 d + 4, d): {need}.")
    return given | {"k": q, "v": np.zeros((*q.shape[:-1], max(d_y, 1)), q.dtype)}


def _flops(call: Call) -> float:
    """Work of one forward run."""
    return 6.0 * call.W0.size * call.q.shape[1]
