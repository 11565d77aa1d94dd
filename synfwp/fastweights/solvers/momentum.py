"""The delta rule with momentum: steps add up in M (aux), which W follows; forward, adjoint and as a matrix."""

import numpy as np
from scipy.linalg import solve_triangular

from synfwp.fastweights.problem import Call, Cotangents, Named, Outputs, Shape
from synfwp.kernels import momentum as kernel
from synfwp.rules import Rule
from synfwp.threads import spread

Array = np.ndarray
HISTORY_BYTES = 1 << 19  # one row's history of W and of M in one segment of the adjoint stays in the L2 cache


def forward(call: Call, every: int, threads: int | None) -> Outputs:
    """Reads (n, T, d_v), the last W and M (n, d_v, d_k), every so many W."""
    q, k, v, beta, a, mu = _arrays(call)
    W, M, y = call.W0.copy(), _start(call), np.empty_like(v)
    n, T = beta.shape
    states = np.empty((n, T // every if every else 0, *W.shape[1:]), v.dtype)

    def work(lo: int, hi: int) -> None:
        kernel.forward(q, k, v, beta, a, mu, W, M, y, states, every, lo, hi)

    spread(work, n, _flops(call), threads)
    return Outputs(y, W, M, states if every else None)


def adjoint(call: Call, kept: None, cotangents: Cotangents, threads: int | None) -> Named:
    """Gradients of all arguments by name; rows run again from W and M at the borders of segments of time."""
    q, k, v, beta, a, mu = _arrays(call)
    dy, dW = np.ascontiguousarray(cotangents.dy), np.array(cotangents.dW, order="C")
    dM = np.zeros_like(dW) if cotangents.daux is None else np.array(cotangents.daux, order="C")
    dq, dk, dv, dbeta, da, dmu = (np.zeros_like(x) for x in (q, k, v, beta, a, mu))
    W0, M0 = call.W0, _start(call)
    segment = max(16, HISTORY_BYTES // (2 * k.shape[2] * k.itemsize))

    def work(lo: int, hi: int) -> None:
        kernel.adjoint(q, k, v, beta, a, mu, W0, M0, dy, dW, dM, dq, dk, dv, dbeta, da, dmu, segment, lo, hi)

    spread(work, len(k), 3 * _flops(call), threads)
    grads = {"q": dq, "k": dk, "v": dv, "beta": dbeta, "momentum": dmu, "W0": dW, "aux0": dM}
    return grads if call.decay is None else grads | {"decay": da}


def attention(call: Call) -> Array:
    """A (n, T, T) with y = A v for W_0 = M_0 = 0, from queries, keys and gates alone.

    With ``c(t, s)`` what a step of token s has become in W_t, ``W_t = sum_s c(t, s) b_s e_s k_s^T``, the errors solve
    ``e_t + sum_{s<t} c(t-1, s) b_s (k_s . k_t) e_s = v_t``, and ``y_t = sum_s c(t, s) b_s (k_s . q_t) e_s``.
    """
    q, k, _, beta, a, mu = _arrays(call)
    n, T = beta.shape
    A = np.empty((n, T, T), k.dtype)
    for b in range(n if T else 0):
        c, m = np.zeros((T, T), k.dtype), np.zeros(T, k.dtype)
        for t in range(T):
            m *= mu[b, t]
            m[t] = 1
            c[t] = m if t == 0 else a[b, t] * c[t - 1] + m
        before = np.concatenate([np.zeros_like(c[:1]), c[:-1]])
        erased, read = before * (k[b] @ k[b].T) * beta[b], c * (q[b] @ k[b].T) * beta[b]
        # A (I + erased) = read
        solved = solve_triangular(erased.T, read.T, lower=False, unit_diagonal=True, check_finite=False)
        A[b] = np.tril(solved.T)
    return A


def aux_shape(rule: Rule, d_v: int, d_k: int) -> Shape:
    """M is like W."""
    return d_v, d_k


def _arrays(call: Call) -> tuple[Array, ...]:
    """q, k, v, beta, decay and momentum; a decay of 1 where the row has none."""
    momentum = np.zeros_like(call.beta) if call.momentum is None else call.momentum
    return call.q, call.k, call.v, call.beta, np.ones_like(call.beta) if call.decay is None else call.decay, momentum


def _start(call: Call) -> Array:
    """M before the first step, to be changed."""
    return np.zeros_like(call.W0) if call.aux0 is None else call.aux0.copy()


def _flops(call: Call) -> float:
    """Work of one forward run."""
    return 8.0 * call.k.size * call.v.shape[2]
