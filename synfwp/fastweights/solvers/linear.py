"""The recurrent form: a problem through the kernels, forward and back."""

from typing import Any

import numpy as np

from synfwp.coefficients import Coefficients
from synfwp.fastweights.lowering import Problem
from synfwp.kernels import linear
from synfwp.threads import spread

Array = np.ndarray
HISTORY_BYTES = 1 << 19  # four rows' history of one segment of the adjoint stays in the L2 cache


def forward(problem: Problem, every: int, threads: int | None) -> tuple[Array, Array, Array | None]:
    """Reads (n, S, .), the last W and every so many W."""
    q, k, v, c, W0, across = problem
    n, S, d_v = v.shape
    W, v, q = W0.copy() if d_v % 4 == 0 else _fours(W0, 1), _fours(v, 2), _fours(q, 2) if across else q
    y = None if across else np.empty_like(v)
    reads = np.zeros_like(k) if across else None
    states = np.empty((n, S // every, *W.shape[1:]), v.dtype) if every else None
    streams = _tidy(c)

    def work(lo: int, hi: int) -> None:
        linear.forward(q, k, v, *streams, W, y, reads, states, every, lo, hi)

    spread(work, n, _flops(problem), threads)
    found: Any = reads if y is None else y[:, :, :d_v]
    return found, W[:, :d_v], None if states is None else states[:, :, :d_v]


def adjoint(problem: Problem, dy: Array, dW: Array, threads: int | None) -> tuple[dict[str, Array], Coefficients]:
    """Gradients of q, k, v, W0 and of the streams; dW is used up.

    Across rows, what multiplies a row is the query and what is multiplied is dy: the kernel is called with the two
    exchanged, and the gradient of the query is a read of the rows by dy.
    """
    q, k, _, c, W0, across = problem
    d_v = W0.shape[1]
    queries, cotangents = (dy, _fours(q, 2)) if across else (q, _fours(dy, 2))
    v, W0, dW = _fours(problem.v, 2), _fours(W0, 1), _fours(dW, 1)
    dq, dk, dv = np.zeros_like(queries), np.zeros_like(k), np.empty_like(v)
    streams = _tidy(c)
    zeros: Any = [None if x is None else np.zeros_like(x) for x in streams]
    grad = Coefficients(*zeros)
    segment = max(16, HISTORY_BYTES // (4 * k.shape[2] * k.itemsize))

    def work(lo: int, hi: int) -> None:
        linear.adjoint(queries, k, v, *streams, W0, cotangents, dW, dq, dk, dv, *grad, segment, lo, hi)

    spread(work, len(k), 3 * _flops(problem), threads)
    if across:
        dq = forward(problem._replace(q=dy, across=False), 0, threads)[0]
    return {"q": dq, "k": dk, "v": dv[:, :, :d_v], "W0": dW[:, :d_v]}, grad


def _fours(x: Array, axis: int) -> Array:
    """Rows of zeros to the next multiple of 4 along an axis; the array itself where there are none to add."""
    more = -x.shape[axis] % 4
    return np.pad(x, [(0, more if i == axis else 0) for i in range(x.ndim)]) if more else x


def _tidy(c: Coefficients) -> list[Array | None]:
    """Streams as the kernels were compiled for."""
    return [None if x is None else np.ascontiguousarray(x) for x in c]


def _flops(problem: Problem) -> float:
    """Work of one forward run."""
    return 6.0 * problem.k.size * problem.v.shape[2]
