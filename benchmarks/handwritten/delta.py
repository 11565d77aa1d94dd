"""Delta rule: forward and adjoint for one rule, with no streams of coefficients. No checks; see the family's kernels.

s = x . k_t,   c = beta_t (v_t - s),   w = x + c k_t,   y_t = w . q_t          for each row x of W
"""
# mypy: allow-untyped-defs

import numpy as np

from synfwp.kernels._jit import kernel

BLOCK = 32


@kernel
def forward(q, k, v, beta, W, y, lo, hi):
    """Sequences lo..hi-1: W (n, d_v, d_k) goes from W_0 to W_T in place, y (n, T, d_v) is filled."""
    T, dk = k.shape[1], k.shape[2]
    dv = v.shape[2]
    zero = W.dtype.type(0)
    rows = np.zeros((BLOCK, dk), W.dtype)
    for n in range(lo, hi):
        for first in range(0, dv, BLOCK):
            last = min(first + BLOCK, dv)
            rows[: last - first] = W[n, first:last]
            for t in range(T):
                kt = k[n, t]
                qt = q[n, t]
                vt = v[n, t]
                yt = y[n, t]
                bt = beta[n, t]
                for i in range(first, last, 4):
                    x0 = rows[i - first]
                    x1 = rows[i - first + 1]
                    x2 = rows[i - first + 2]
                    x3 = rows[i - first + 3]
                    s0 = zero
                    s1 = zero
                    s2 = zero
                    s3 = zero
                    for j in range(dk):
                        s0 += x0[j] * kt[j]
                        s1 += x1[j] * kt[j]
                        s2 += x2[j] * kt[j]
                        s3 += x3[j] * kt[j]
                    c0 = bt * (vt[i] - s0)
                    c1 = bt * (vt[i + 1] - s1) if i + 1 < last else zero
                    c2 = bt * (vt[i + 2] - s2) if i + 2 < last else zero
                    c3 = bt * (vt[i + 3] - s3) if i + 3 < last else zero
                    y0 = zero
                    y1 = zero
                    y2 = zero
                    y3 = zero
                    for j in range(dk):
                        w0 = x0[j] + c0 * kt[j]
                        w1 = x1[j] + c1 * kt[j]
                        w2 = x2[j] + c2 * kt[j]
                        w3 = x3[j] + c3 * kt[j]
                        x0[j] = w0
                        x1[j] = w1
                        x2[j] = w2
                        x3[j] = w3
                        y0 += w0 * qt[j]
                        y1 += w1 * qt[j]
                        y2 += w2 * qt[j]
                        y3 += w3 * qt[j]
                    yt[i] = y0
                    if i + 1 < last:
                        yt[i + 1] = y1
                    if i + 2 < last:
                        yt[i + 2] = y2
                    if i + 3 < last:
                        yt[i + 3] = y3
            W[n, first:last] = rows[: last - first]


@kernel
def _replay(k, beta, vt, n, start, stop, history, coefficient, prediction):
    """Four rows from ``start`` to ``stop``: history (S + 1, 4, d_k) of the rows, and c and s of every step."""
    zero = history.dtype.type(0)
    rows = history[0].copy()
    x0 = rows[0]
    x1 = rows[1]
    x2 = rows[2]
    x3 = rows[3]
    for m in range(stop - start):
        after, t = m + 1, m + start
        kt = k[n, t]
        s0 = zero
        s1 = zero
        s2 = zero
        s3 = zero
        for j in range(k.shape[2]):
            s0 += x0[j] * kt[j]
            s1 += x1[j] * kt[j]
            s2 += x2[j] * kt[j]
            s3 += x3[j] * kt[j]
        bt = beta[n, t]
        c0 = bt * (vt[m, 0] - s0)
        c1 = bt * (vt[m, 1] - s1)
        c2 = bt * (vt[m, 2] - s2)
        c3 = bt * (vt[m, 3] - s3)
        for j in range(k.shape[2]):
            x0[j] += c0 * kt[j]
            x1[j] += c1 * kt[j]
            x2[j] += c2 * kt[j]
            x3[j] += c3 * kt[j]
        history[after] = rows
        prediction[m, 0] = s0
        prediction[m, 1] = s1
        prediction[m, 2] = s2
        prediction[m, 3] = s3
        coefficient[m, 0] = c0
        coefficient[m, 1] = c1
        coefficient[m, 2] = c2
        coefficient[m, 3] = c3


@kernel
def _pull(q, k, beta, v, dy, n, i, start, stop, history, coefficient, prediction, G, dq, dk, dv, dbeta):
    """Four rows from ``stop`` back to ``start``; i is the first of them, and all four exist."""
    zero = G.dtype.type(0)
    G0 = G[0]
    G1 = G[1]
    G2 = G[2]
    G3 = G[3]
    backwards = np.arange(stop - start)[::-1].copy()  # an index that counts down keeps the loops over j unvectorised
    for step in range(stop - start):
        m = backwards[step]
        after, t = m + 1, m + start
        kt = k[n, t]
        qt = q[n, t]
        x0 = history[m, 0]
        x1 = history[m, 1]
        x2 = history[m, 2]
        x3 = history[m, 3]
        w0 = history[after, 0]
        w1 = history[after, 1]
        w2 = history[after, 2]
        w3 = history[after, 3]
        b0 = dy[n, t, i]
        b1 = dy[n, t, i + 1]
        b2 = dy[n, t, i + 2]
        b3 = dy[n, t, i + 3]
        g0 = zero
        g1 = zero
        g2 = zero
        g3 = zero
        dqt = dq[n, t]
        for j in range(k.shape[2]):
            u0 = G0[j] + b0 * qt[j]
            u1 = G1[j] + b1 * qt[j]
            u2 = G2[j] + b2 * qt[j]
            u3 = G3[j] + b3 * qt[j]
            G0[j] = u0
            G1[j] = u1
            G2[j] = u2
            G3[j] = u3
            g0 += u0 * kt[j]
            g1 += u1 * kt[j]
            g2 += u2 * kt[j]
            g3 += u3 * kt[j]
            dqt[j] += b0 * w0[j] + b1 * w1[j] + b2 * w2[j] + b3 * w3[j]
        dbeta[n, t] += (
            (v[n, t, i] - prediction[m, 0]) * g0
            + (v[n, t, i + 1] - prediction[m, 1]) * g1
            + (v[n, t, i + 2] - prediction[m, 2]) * g2
            + (v[n, t, i + 3] - prediction[m, 3]) * g3
        )
        bt = beta[n, t]
        e0 = bt * g0
        e1 = bt * g1
        e2 = bt * g2
        e3 = bt * g3
        dv[n, t, i] = e0
        dv[n, t, i + 1] = e1
        dv[n, t, i + 2] = e2
        dv[n, t, i + 3] = e3
        c0 = coefficient[m, 0]
        c1 = coefficient[m, 1]
        c2 = coefficient[m, 2]
        c3 = coefficient[m, 3]
        dkt = dk[n, t]
        for j in range(k.shape[2]):
            u0 = G0[j]
            u1 = G1[j]
            u2 = G2[j]
            u3 = G3[j]
            kj = kt[j]
            dkt[j] += c0 * u0 + c1 * u1 + c2 * u2 + c3 * u3 - (e0 * x0[j] + e1 * x1[j] + e2 * x2[j] + e3 * x3[j])
            G0[j] = u0 - e0 * kj
            G1[j] = u1 - e1 * kj
            G2[j] = u2 - e2 * kj
            G3[j] = u3 - e3 * kj


@kernel
def adjoint(q, k, v, beta, W0, dy, dW, dq, dk, dv, dbeta, segment, lo, hi):
    """Sequences lo..hi-1, d_v a multiple of 4: dW goes from the cotangent of W_T to that of W_0."""
    T, width = k.shape[1], k.shape[2]
    segments = max(1, (T + segment - 1) // segment)
    history = np.empty((min(segment, T) + 1, 4, width), W0.dtype)
    borders = np.empty((segments, v.shape[2], width), W0.dtype)
    coefficient = np.empty((min(segment, T), 4), W0.dtype)
    prediction = np.empty((min(segment, T), 4), W0.dtype)
    values = np.empty((min(segment, T), 4), W0.dtype)
    for n in range(lo, hi):
        borders[0] = W0[n]
        for sweep in range(2 * segments - 1):
            back = sweep - segments + 1
            s = segments - 1 - back if back >= 0 else sweep
            start, stop = s * segment, min(T, (s + 1) * segment)
            for i in range(0, v.shape[2], 4):
                for m in range(stop - start):
                    for r in range(4):
                        values[m, r] = v[n, start + m, i + r]
                history[0] = borders[s, i : i + 4]
                _replay(k, beta, values, n, start, stop, history, coefficient, prediction)
                if back < 0:
                    borders[s + 1, i : i + 4] = history[stop - start]
                else:
                    G = dW[n, i : i + 4]
                    _pull(q, k, beta, v, dy, n, i, start, stop, history, coefficient, prediction, G, dq, dk, dv, dbeta)
