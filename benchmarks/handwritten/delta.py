"""Delta rule: forward and adjoint for one rule, with no other coefficients. No checks; see the family's kernels.

s = x . k_t,   c = beta_t (v_t - s),   w = x + c k_t,   y_t = w . q_t          for each row x of W
"""
# mypy: allow-untyped-defs

import numpy as np

from synfwp.kernels._jit import kernel, restrict_kernel

GROUPS = 16


@restrict_kernel
def _run(q, k, v, beta, W, y, lo, hi, X0, X1, X2, X3, s):
    """`forward` with room for the rows X (d_v / 4, d_k) and their predictions s."""
    T, dk = k.shape[1], k.shape[2]
    groups = v.shape[2] // 4
    zero = W.dtype.type(0)
    for n in range(lo, hi):
        for g in range(groups):
            X0[g] = W[n, 4 * g]
            X1[g] = W[n, 4 * g + 1]
            X2[g] = W[n, 4 * g + 2]
            X3[g] = W[n, 4 * g + 3]
            s[g] = 0
            for j in range(dk if T > 0 else 0):
                s[g, 0] += X0[g, j] * k[n, 0, j]
                s[g, 1] += X1[g, j] * k[n, 0, j]
                s[g, 2] += X2[g, j] * k[n, 0, j]
                s[g, 3] += X3[g, j] * k[n, 0, j]
        for first in range(0, groups, GROUPS):
            last = min(first + GROUPS, groups)
            for t in range(T):
                kt = k[n, t]
                qt = q[n, t]
                bt = beta[n, t]
                ahead = min(t + 1, T - 1)
                for g in range(first, last):
                    i = 4 * g
                    x0 = X0[g]
                    x1 = X1[g]
                    x2 = X2[g]
                    x3 = X3[g]
                    c0 = bt * (v[n, t, i] - s[g, 0])
                    c1 = bt * (v[n, t, i + 1] - s[g, 1])
                    c2 = bt * (v[n, t, i + 2] - s[g, 2])
                    c3 = bt * (v[n, t, i + 3] - s[g, 3])
                    y0 = zero
                    y1 = zero
                    y2 = zero
                    y3 = zero
                    s0 = zero
                    s1 = zero
                    s2 = zero
                    s3 = zero
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
                        s0 += w0 * k[n, ahead, j]
                        s1 += w1 * k[n, ahead, j]
                        s2 += w2 * k[n, ahead, j]
                        s3 += w3 * k[n, ahead, j]
                    s[g, 0] = s0
                    s[g, 1] = s1
                    s[g, 2] = s2
                    s[g, 3] = s3
                    y[n, t, i] = y0
                    y[n, t, i + 1] = y1
                    y[n, t, i + 2] = y2
                    y[n, t, i + 3] = y3
        for g in range(groups):
            W[n, 4 * g] = X0[g]
            W[n, 4 * g + 1] = X1[g]
            W[n, 4 * g + 2] = X2[g]
            W[n, 4 * g + 3] = X3[g]


@kernel
def forward(q, k, v, beta, W, y, lo, hi):
    """Sequences lo..hi-1, d_v a multiple of 4: W goes from W_0 to W_T in place, y (n, T, d_v) is filled."""
    dk = k.shape[2]
    G = v.shape[2] // 4
    X0 = np.empty((G, dk), W.dtype)
    X1 = np.empty((G, dk), W.dtype)
    X2 = np.empty((G, dk), W.dtype)
    X3 = np.empty((G, dk), W.dtype)
    s = np.empty((G, 4), W.dtype)
    _run(q, k, v, beta, W, y, lo, hi, X0, X1, X2, X3, s)


@restrict_kernel
def _replay(k, v, beta, n, g, start, stop, H0, H1, H2, H3, c, s):
    """Four rows from ``start`` to ``stop``, from H[0]: every state H (S + 1, d_k), and c and s (S, 4) of every step."""
    dk = k.shape[2]
    zero = H0.dtype.type(0)
    i = 4 * g
    s0 = zero
    s1 = zero
    s2 = zero
    s3 = zero
    for j in range(dk):
        s0 += H0[0, j] * k[n, start, j]
        s1 += H1[0, j] * k[n, start, j]
        s2 += H2[0, j] * k[n, start, j]
        s3 += H3[0, j] * k[n, start, j]
    for m in range(stop - start):
        t = start + m
        kt = k[n, t]
        bt = beta[n, t]
        ahead = min(t + 1, stop - 1)
        c0 = bt * (v[n, t, i] - s0)
        c1 = bt * (v[n, t, i + 1] - s1)
        c2 = bt * (v[n, t, i + 2] - s2)
        c3 = bt * (v[n, t, i + 3] - s3)
        s[m, 0] = s0
        s[m, 1] = s1
        s[m, 2] = s2
        s[m, 3] = s3
        c[m, 0] = c0
        c[m, 1] = c1
        c[m, 2] = c2
        c[m, 3] = c3
        x0 = H0[m]
        x1 = H1[m]
        x2 = H2[m]
        x3 = H3[m]
        z0 = H0[m + 1]
        z1 = H1[m + 1]
        z2 = H2[m + 1]
        z3 = H3[m + 1]
        s0 = zero
        s1 = zero
        s2 = zero
        s3 = zero
        for j in range(dk):
            w0 = x0[j] + c0 * kt[j]
            w1 = x1[j] + c1 * kt[j]
            w2 = x2[j] + c2 * kt[j]
            w3 = x3[j] + c3 * kt[j]
            z0[j] = w0
            z1[j] = w1
            z2[j] = w2
            z3[j] = w3
            s0 += w0 * k[n, ahead, j]
            s1 += w1 * k[n, ahead, j]
            s2 += w2 * k[n, ahead, j]
            s3 += w3 * k[n, ahead, j]


@restrict_kernel
def _back(q, k, v, beta, dy, n, g, start, stop, H0, H1, H2, H3, c, s, U0, U1, U2, U3, dq, dk, dv, dbeta):
    """Four rows from ``stop`` back to ``start``: U (d_k) is carried, gradients are added to."""
    width = k.shape[2]
    zero = U0.dtype.type(0)
    i = 4 * g
    last = stop - start
    b0 = dy[n, stop - 1, i]
    b1 = dy[n, stop - 1, i + 1]
    b2 = dy[n, stop - 1, i + 2]
    b3 = dy[n, stop - 1, i + 3]
    g0 = zero
    g1 = zero
    g2 = zero
    g3 = zero
    for j in range(width):
        qj = q[n, stop - 1, j]
        kj = k[n, stop - 1, j]
        u0 = U0[j] + b0 * qj
        u1 = U1[j] + b1 * qj
        u2 = U2[j] + b2 * qj
        u3 = U3[j] + b3 * qj
        U0[j] = u0
        U1[j] = u1
        U2[j] = u2
        U3[j] = u3
        g0 += u0 * kj
        g1 += u1 * kj
        g2 += u2 * kj
        g3 += u3 * kj
        dq[n, stop - 1, j] += b0 * H0[last, j] + b1 * H1[last, j] + b2 * H2[last, j] + b3 * H3[last, j]
    for m in range(last - 1, -1, -1):
        t = start + m
        e = t - 1 if m > 0 else t
        bt = beta[n, t]
        f0 = bt * g0
        f1 = bt * g1
        f2 = bt * g2
        f3 = bt * g3
        dv[n, t, i] = f0
        dv[n, t, i + 1] = f1
        dv[n, t, i + 2] = f2
        dv[n, t, i + 3] = f3
        dbeta[n, t] += (
            (v[n, t, i] - s[m, 0]) * g0
            + (v[n, t, i + 1] - s[m, 1]) * g1
            + (v[n, t, i + 2] - s[m, 2]) * g2
            + (v[n, t, i + 3] - s[m, 3]) * g3
        )
        c0 = c[m, 0]
        c1 = c[m, 1]
        c2 = c[m, 2]
        c3 = c[m, 3]
        b0 = dy[n, e, i] if m > 0 else zero
        b1 = dy[n, e, i + 1] if m > 0 else zero
        b2 = dy[n, e, i + 2] if m > 0 else zero
        b3 = dy[n, e, i + 3] if m > 0 else zero
        kt = k[n, t]
        dkt = dk[n, t]
        x0 = H0[m]
        x1 = H1[m]
        x2 = H2[m]
        x3 = H3[m]
        ke = k[n, e]
        qe = q[n, e]
        dqe = dq[n, e]
        g0 = zero
        g1 = zero
        g2 = zero
        g3 = zero
        for j in range(width):
            u0 = U0[j]
            u1 = U1[j]
            u2 = U2[j]
            u3 = U3[j]
            dkj = c0 * u0 + c1 * u1 + c2 * u2 + c3 * u3
            u0 = u0 + b0 * qe[j]
            u1 = u1 + b1 * qe[j]
            u2 = u2 + b2 * qe[j]
            u3 = u3 + b3 * qe[j]
            d = f0 * x0[j] + f1 * x1[j] + f2 * x2[j] + f3 * x3[j]
            kj = kt[j]
            dkj -= d
            u0 -= f0 * kj
            u1 -= f1 * kj
            u2 -= f2 * kj
            u3 -= f3 * kj
            U0[j] = u0
            U1[j] = u1
            U2[j] = u2
            U3[j] = u3
            dkt[j] += dkj
            dqe[j] += b0 * x0[j] + b1 * x1[j] + b2 * x2[j] + b3 * x3[j]
            g0 += u0 * ke[j]
            g1 += u1 * ke[j]
            g2 += u2 * ke[j]
            g3 += u3 * ke[j]


@kernel
def adjoint(q, k, v, beta, W0, dy, dW, dq, dk, dv, dbeta, segment, lo, hi):
    """Sequences lo..hi-1, d_v a multiple of 4: dW goes from the cotangent of W_T to that of W_0."""
    T, width = k.shape[1], k.shape[2]
    groups = v.shape[2] // 4
    segments = max(1, (T + segment - 1) // segment)
    length = min(segment, T)
    H0 = np.empty((length + 1, width), W0.dtype)
    H1 = np.empty((length + 1, width), W0.dtype)
    H2 = np.empty((length + 1, width), W0.dtype)
    H3 = np.empty((length + 1, width), W0.dtype)
    c = np.empty((length, 4), W0.dtype)
    s = np.empty((length, 4), W0.dtype)
    borders = np.empty((segments, 4 * groups, width), W0.dtype)
    for n in range(lo, hi):
        borders[0] = W0[n]
        for sweep in range(2 * segments - 1):
            back = sweep - segments + 1
            m = segments - 1 - back if back >= 0 else sweep
            start, stop = m * segment, min(T, (m + 1) * segment)
            for g in range(groups if T > 0 else 0):
                i = 4 * g
                H0[0] = borders[m, i]
                H1[0] = borders[m, i + 1]
                H2[0] = borders[m, i + 2]
                H3[0] = borders[m, i + 3]
                _replay(k, v, beta, n, g, start, stop, H0, H1, H2, H3, c, s)
                if back < 0:
                    borders[m + 1, i] = H0[segment]
                    borders[m + 1, i + 1] = H1[segment]
                    borders[m + 1, i + 2] = H2[segment]
                    borders[m + 1, i + 3] = H3[segment]
                else:
                    _back(
                        q,
                        k,
                        v,
                        beta,
                        dy,
                        n,
                        g,
                        start,
                        stop,
                        H0,
                        H1,
                        H2,
                        H3,
                        c,
                        s,
                        dW[n, i],
                        dW[n, i + 1],
                        dW[n, i + 2],
                        dW[n, i + 3],
                        dq,
                        dk,
                        dv,
                        dbeta,
                    )
