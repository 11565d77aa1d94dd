"""The attention form and its chunkwise relative, for every rule that is linear: one triangular solve a chunk.

Within a chunk, with D(s, t) the product of the decays after step s up to t, what the step t erases is
``u_t = W_{t-1} p_t``, and it solves

    u_t + sum_{s<t} erase_s (r_s . D(s, t-1) p_t) u_s
        = W_0 (D(0, t-1) p_t) + sum_{s<t} write_s (k_s . D(s, t-1) p_t) v_s.

All writes and reads follow from u. Products of decays run forward in time, so that a decay of 0 (a hard reset) is
exact; quotients of cumulative products would give 0/0.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from synfwp.coefficients import Coefficients
from synfwp.fastweights.problem import Problem

Array = np.ndarray


class Chunk(NamedTuple):
    """Scores of one chunk of one sequence: how strongly the write or erasure of step s reaches step t.

    ``kp, rp`` (C, C): of keys k and r on the key p that erases, strictly lower. ``kq, rq``: on queries, lower.
    ``start_p, start_q, end`` (C, d_k): p, q and r's companions decayed from the start, and D(s, C).
    """

    kp: Array | None
    rp: Array | None
    kq: Array
    rq: Array | None
    start_p: Array | None
    start_q: Array
    end: Array | None
    total: Array | None


def chunkwise(problem: Problem, chunk: int, every: int) -> tuple[Array, Array, Array | None]:
    """Reads, the last W and every so many W of a problem, by chunks of so many steps."""
    n, S = problem.k.shape[:2]
    W = problem.W0.copy()
    y = np.zeros((n, S, problem.k.shape[2] if problem.across else problem.v.shape[2]), W.dtype)
    states = np.empty((n, S // every, *W.shape[1:]), W.dtype) if every else None
    borders = sorted({*range(0, S, chunk), *(range(0, S, every) if every else ()), S})
    for b in range(n):
        for lo, hi in pairwise(borders):
            y[b, lo:hi], W[b] = _chunk(problem, b, lo, hi, W[b])
            if states is not None and hi % every == 0:
                states[b, hi // every - 1] = W[b]
    return y, W, states


def attention(problem: Problem) -> Array:
    """The matrix A (n, S, S) with y = A v, from queries, keys and gates alone (W_0 = 0)."""
    n, S = problem.k.shape[:2]
    A = np.empty((n, S, S), problem.k.dtype)
    for b in range(n if S else 0):
        c = _of(problem.c, b, 0, S)
        scores = _scores(problem.q[b], problem.k[b], c)
        A[b] = scores.kq * c.write
        if c.erase is not None:
            A[b] -= (scores.rq * c.erase) @ _solve(scores.rp * c.erase, scores.kp * c.write)
    return A


def _chunk(problem: Problem, b: int, lo: int, hi: int, W: Array) -> tuple[Array, Array]:
    """Reads and the last W of the steps lo..hi-1 of sequence b, from W."""
    q, k, v = problem.q[b, lo:hi], problem.k[b, lo:hi], problem.v[b, lo:hi]
    c = _of(problem.c, b, lo, hi)
    scores = _scores(None if problem.across else q, k, c)
    written = v * c.write[:, None]
    erased = None
    if c.erase is not None:
        erased = _solve(scores.rp * c.erase, scores.start_p @ W.T + scores.kp @ written) * c.erase[:, None]
    r = k if c.r is None else c.r
    keys = k if scores.end is None else k * scores.end
    last = (W if scores.total is None else W * scores.total) + written.T @ keys
    if erased is not None:
        last -= erased.T @ (r if scores.end is None else r * scores.end)
    if problem.across:
        return _read_across(q, k, r, c, W, written, erased), last
    y = scores.start_q @ W.T + scores.kq @ written
    return (y if erased is None else y - scores.rq @ erased), last


def _read_across(
    q: Array, k: Array, r: Array, c: Coefficients, W: Array, written: Array, erased: Array | None
) -> Array:
    """Reads ``y_t = W_t^T q_t`` (C, d_k): scores are between queries and what was written, D acts on the result."""
    D, total = _decays(c, len(k))
    mask = np.tri(len(k), dtype=k.dtype)
    start = q @ W if total is None else (q @ W) * total

    def spread(rows: Array, columns: Array) -> Array:
        weight = (q @ rows.T) * mask
        return weight @ columns if D is None else np.einsum("ts,tsj,sj->tj", weight, D, columns)

    y = start + spread(written, k)
    return y if erased is None else y - spread(erased, r)


def _scores(q: Array | None, k: Array, c: Coefficients) -> Chunk:
    """All scores of one chunk."""
    C = len(k)
    D, total = _decays(c, C)
    lower, strict = np.tri(C, dtype=k.dtype), np.tri(C, k=-1, dtype=k.dtype)
    p, r = k if c.p is None else c.p, k if c.r is None else c.r
    before = None if D is None else np.concatenate([np.ones_like(D[:1]), D[:-1]])  # D(s, t-1); row 0 is masked
    early = None if total is None else np.concatenate([np.ones_like(total[:1]), total[:-1]])

    def score(reader: Array, source: Array, decay: Array | None, mask: Array) -> Array:
        if decay is None or decay.shape[-1] == 1:
            weight = reader @ source.T
            return (weight if decay is None else weight * decay[..., 0]) * mask
        return np.einsum("tj,tsj,sj->ts", reader, decay, source) * mask

    reads = k[:, :0] if q is None else q
    kq = np.zeros((C, C), k.dtype) if q is None else score(reads, k, D, lower)
    start_q = reads if q is None or total is None else reads * total
    kp = rp = rq = start_p = None
    if c.erase is not None:
        kp = score(p, k, before, strict)
        rp = kp if c.r is None else score(p, r, before, strict)
        rq = kq if c.r is None or q is None else score(reads, r, D, lower)
        start_p = p if early is None else p * early
    return Chunk(kp, rp, kq, rq, start_p, start_q, None if D is None else D[-1], None if total is None else total[-1])


def _decays(c: Coefficients, C: int) -> tuple[Array | None, Array | None]:
    """D(s, t) as (t, s, d) and D(start, t) as (t, d), d = 1 for a scalar decay; None without decay."""
    a = c.a_key if c.a is None else c.a[:, None]
    if a is None:
        return None, None
    D = np.ones((C, C, a.shape[1]), a.dtype)
    for t in range(1, C):
        D[t, :t] = D[t - 1, :t] * a[t]
    return D, np.cumprod(a, axis=0)


def _solve(strict: Array, right: Array) -> Array:
    """Solve ``(I + strict) x = right`` for a strictly lower triangular matrix."""
    return solve_triangular(strict, right, lower=True, unit_diagonal=True, check_finite=False)


def _of(c: Coefficients, b: int, lo: int, hi: int) -> Coefficients:
    """The coefficients of some steps of one sequence."""
    part: list[Any] = [None if x is None else x[b, lo:hi] for x in c]
    return Coefficients(*part)
