"""The delta rule with momentum in one pair of kernels.

For one sequence and one row of W and of M, with w and m the rows before the step,

    e = b (v_t - w . k_t)                  the step of the delta rule
    m = mu m + e k_t                       steps add up
    w = a w + m,   y_t = w . q_t

Rows never meet. The forward kernel predicts for the step that follows while it writes; the adjoint keeps W and M at
the borders of segments of time, and within one the history of one row.
"""

import numpy as np

from synfwp.kernels._jit import kernel, restrict_kernel


@restrict_kernel
def _row(q, k, v, beta, a, mu, n, i, w, m, y, states, every):
    """All steps of one row: w and m go from the first to the last in place."""
    T, d = k.shape[1], k.shape[2]
    zero = w.dtype.type(0)
    s = zero
    for j in range(d if T > 0 else 0):
        s += w[j] * k[n, 0, j]
    for t in range(T):
        e, at, mt = beta[n, t] * (v[n, t, i] - s), a[n, t], mu[n, t]
        ahead = min(t + 1, T - 1)
        total = zero
        s = zero
        for j in range(d):
            step = mt * m[j] + e * k[n, t, j]
            x = at * w[j] + step
            m[j] = step
            w[j] = x
            total += x * q[n, t, j]
            s += x * k[n, ahead, j]
        y[n, t, i] = total
        if every > 0 and (t + 1) % every == 0:
            for j in range(d):
                states[n, (t + 1) // every - 1, i, j] = w[j]


@kernel
def forward(q, k, v, beta, a, mu, W, M, y, states, every, lo, hi):
    """Sequences lo..hi-1: W and M (n, d_v, d_k) go from the first to the last in place, y (n, T, d_v) is filled.

    Every so many steps W is copied to ``states`` (n, T // every, d_v, d_k), unless ``every`` is 0.
    """
    for n in range(lo, hi):
        for i in range(W.shape[1]):
            _row(q, k, v, beta, a, mu, n, i, W[n, i], M[n, i], y, states, every)


@restrict_kernel
def _replay(k, v, beta, a, mu, n, i, start, stop, W, M, s):
    """One row from ``start`` to ``stop``, from W[0] and M[0]: every row W, M (S + 1, d_k), and its predictions s."""
    d = k.shape[2]
    for p in range(stop - start):
        t = start + p
        total = W.dtype.type(0)
        for j in range(d):
            total += W[p, j] * k[n, t, j]
        s[p] = total
        e = beta[n, t] * (v[n, t, i] - total)
        for j in range(d):
            step = mu[n, t] * M[p, j] + e * k[n, t, j]
            M[p + 1, j] = step
            W[p + 1, j] = a[n, t] * W[p, j] + step


@restrict_kernel
def _back(q, k, v, beta, a, mu, dy, n, i, start, stop, W, M, s, U, V, dq, dk, dv, dbeta, da, dmu):
    """One row from ``stop`` back to ``start``: its cotangents U of w and V of m are carried, gradients are added to."""
    d = k.shape[2]
    zero = U.dtype.type(0)
    for p in range(stop - start - 1, -1, -1):
        t = start + p
        c, g, along, carried = dy[n, t, i], zero, zero, zero
        for j in range(d):
            dq[n, t, j] += c * W[p + 1, j]
            x = U[j] + c * q[n, t, j]
            z = V[j] + x
            U[j] = x
            V[j] = z
            g += z * k[n, t, j]
            along += x * W[p, j]
            carried += z * M[p, j]
        da[n, t] += along
        dmu[n, t] += carried
        b, error = beta[n, t], v[n, t, i] - s[p]
        dbeta[n, t] += g * error
        dv[n, t, i] = b * g
        written, erased = b * error, b * g
        for j in range(d):
            dk[n, t, j] += written * V[j] - erased * W[p, j]
            U[j] = a[n, t] * U[j] - erased * k[n, t, j]
            V[j] *= mu[n, t]


@kernel
def adjoint(q, k, v, beta, a, mu, W0, M0, dy, dW, dM, dq, dk, dv, dbeta, da, dmu, segment, lo, hi):
    """Sequences lo..hi-1: dW and dM (n, d_v, d_k) go from the cotangents of the last to those of the first in place.

    dv is filled, the other gradients are added to arrays of zeros. Memory: W and M at the borders of segments.
    """
    T, d, rows = k.shape[1], k.shape[2], W0.shape[1]
    segments, length = max(1, (T + segment - 1) // segment), min(segment, T)
    HW, HM = np.empty((length + 1, d), W0.dtype), np.empty((length + 1, d), W0.dtype)
    s = np.empty(length, W0.dtype)
    borders_W, borders_M = np.empty((segments, rows, d), W0.dtype), np.empty((segments, rows, d), W0.dtype)
    for n in range(lo, hi):
        borders_W[0] = W0[n]
        borders_M[0] = M0[n]
        for sweep in range(2 * segments - 1):
            back = sweep - segments + 1
            m = segments - 1 - back if back >= 0 else sweep
            start, stop = m * segment, min(T, (m + 1) * segment)
            for i in range(rows if T > 0 else 0):
                HW[0] = borders_W[m, i]
                HM[0] = borders_M[m, i]
                _replay(k, v, beta, a, mu, n, i, start, stop, HW, HM, s)
                if back < 0:
                    borders_W[m + 1, i] = HW[segment]
                    borders_M[m + 1, i] = HM[segment]
                else:
                    U, V = dW[n, i], dM[n, i]
                    _back(q, k, v, beta, a, mu, dy, n, i, start, stop, HW, HM, s, U, V, dq, dk, dv, dbeta, da, dmu)
