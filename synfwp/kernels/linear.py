"""The linear family in one pair of kernels: every rule is these loops with other streams of coefficients.

For one sequence and one row ``w`` of W (one postsynaptic neuron), with ``x`` the row before the step,

    s = x . p_t                                    the prediction that is erased (p = k where None is passed)
    w = a_t * x + write_t v_t k_t - erase_t s r_t  (r = k where None is passed; a_t a scalar, one number per key, or 1)
    y_t = w . q_t                                  or, across rows, y_t = sum over rows of q_t,row w

A stream that a rule does not use is passed as None and its branches are pruned when the kernel compiles. Rows never
meet, so they are carried four at a time, outermost in the adjoint, where the history of four rows fits the cache.
"""

import numpy as np

from synfwp.kernels._jit import kernel

BLOCK = 32


@kernel
def forward(q, k, v, write, erase, p, a, a_key, r, W, y, across, states, every, lo, hi):
    """Sequences lo..hi-1: W (n, d_v, d_k) goes from W_0 to W_T in place; every n-th W is filled into ``states``.

    Either ``y`` (n, T, d_v) is filled with reads of rows by q (n, T, d_k), or ``across`` (n, T, d_k), zeros at first,
    with reads across rows by q (n, T, d_v); the other one is None.
    """
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
                wt = write[n, t]
                at = W.dtype.type(1)
                if a is not None:
                    at = a[n, t]
                for i in range(first, last, 4):
                    x0 = rows[i - first]
                    x1 = rows[i - first + 1]
                    x2 = rows[i - first + 2]
                    x3 = rows[i - first + 3]
                    c0 = wt * vt[i]
                    c1 = wt * vt[i + 1] if i + 1 < last else zero
                    c2 = wt * vt[i + 2] if i + 2 < last else zero
                    c3 = wt * vt[i + 3] if i + 3 < last else zero
                    if erase is not None:
                        s0 = zero
                        s1 = zero
                        s2 = zero
                        s3 = zero
                        for j in range(dk):
                            if p is not None:
                                pj = p[n, t, j]
                            else:
                                pj = kt[j]
                            s0 += x0[j] * pj
                            s1 += x1[j] * pj
                            s2 += x2[j] * pj
                            s3 += x3[j] * pj
                        et = erase[n, t]
                        if r is None:
                            c0 -= et * s0
                            c1 -= et * s1
                            c2 -= et * s2
                            c3 -= et * s3
                        else:
                            h0 = et * s0
                            h1 = et * s1
                            h2 = et * s2
                            h3 = et * s3
                    if across is not None:
                        q0 = qt[i]
                        q1 = qt[i + 1] if i + 1 < last else zero
                        q2 = qt[i + 2] if i + 2 < last else zero
                        q3 = qt[i + 3] if i + 3 < last else zero
                    y0 = zero
                    y1 = zero
                    y2 = zero
                    y3 = zero
                    for j in range(dk):
                        aj = at
                        if a_key is not None:
                            aj = a_key[n, t, j]
                        w0 = aj * x0[j] + c0 * kt[j]
                        w1 = aj * x1[j] + c1 * kt[j]
                        w2 = aj * x2[j] + c2 * kt[j]
                        w3 = aj * x3[j] + c3 * kt[j]
                        if r is not None:
                            rj = r[n, t, j]
                            w0 -= h0 * rj
                            w1 -= h1 * rj
                            w2 -= h2 * rj
                            w3 -= h3 * rj
                        x0[j] = w0
                        x1[j] = w1
                        x2[j] = w2
                        x3[j] = w3
                        if across is not None:
                            across[n, t, j] += q0 * w0 + q1 * w1 + q2 * w2 + q3 * w3
                        else:
                            y0 += w0 * qt[j]
                            y1 += w1 * qt[j]
                            y2 += w2 * qt[j]
                            y3 += w3 * qt[j]
                    if y is not None:
                        y[n, t, i] = y0
                        if i + 1 < last:
                            y[n, t, i + 1] = y1
                        if i + 2 < last:
                            y[n, t, i + 2] = y2
                        if i + 3 < last:
                            y[n, t, i + 3] = y3
                if states is not None and (t + 1) % every == 0:
                    states[n, (t + 1) // every - 1, first:last] = rows[: last - first]
            W[n, first:last] = rows[: last - first]


@kernel
def _replay(k, p, a, a_key, r, erase, vt, n, start, stop, history, coefficient, prediction):
    """Four rows from ``start`` to ``stop``: history (S + 1, 4, d_k) of the rows, and c and s of every step."""
    dk = k.shape[2]
    zero = history.dtype.type(0)
    rows = history[0].copy()
    x0 = rows[0]
    x1 = rows[1]
    x2 = rows[2]
    x3 = rows[3]
    for m in range(stop - start):
        after, t = m + 1, m + start
        kt = k[n, t]
        c0 = vt[m, 0]
        c1 = vt[m, 1]
        c2 = vt[m, 2]
        c3 = vt[m, 3]
        if erase is not None:
            s0 = zero
            s1 = zero
            s2 = zero
            s3 = zero
            for j in range(dk):
                if p is not None:
                    pj = p[n, t, j]
                else:
                    pj = kt[j]
                s0 += x0[j] * pj
                s1 += x1[j] * pj
                s2 += x2[j] * pj
                s3 += x3[j] * pj
            et = erase[n, t]
            if r is None:
                c0 -= et * s0
                c1 -= et * s1
                c2 -= et * s2
                c3 -= et * s3
            prediction[m, 0] = s0
            prediction[m, 1] = s1
            prediction[m, 2] = s2
            prediction[m, 3] = s3
            if r is not None:
                h0 = et * s0
                h1 = et * s1
                h2 = et * s2
                h3 = et * s3
        at = history.dtype.type(1)
        if a is not None:
            at = a[n, t]
        for j in range(dk):
            aj = at
            if a_key is not None:
                aj = a_key[n, t, j]
            w0 = aj * x0[j] + c0 * kt[j]
            w1 = aj * x1[j] + c1 * kt[j]
            w2 = aj * x2[j] + c2 * kt[j]
            w3 = aj * x3[j] + c3 * kt[j]
            if r is not None:
                rj = r[n, t, j]
                w0 -= h0 * rj
                w1 -= h1 * rj
                w2 -= h2 * rj
                w3 -= h3 * rj
            x0[j] = w0
            x1[j] = w1
            x2[j] = w2
            x3[j] = w3
        history[after] = rows
        coefficient[m, 0] = c0
        coefficient[m, 1] = c1
        coefficient[m, 2] = c2
        coefficient[m, 3] = c3


@kernel
def _pull(
    q, k, p, a, a_key, r, erase, write, v, dy, n, i, count, start, stop, history, coefficient, prediction, G, grads
):
    """Four rows from ``stop`` back to ``start``: G (4, d_k) is carried, the gradients of the streams are added to."""
    dq, dk_, dv, dwrite, derase, dp, da, da_key, dr = grads
    width = k.shape[2]
    zero = G.dtype.type(0)
    G0 = G[0]
    G1 = G[1]
    G2 = G[2]
    G3 = G[3]
    # The way back is read from an array: with an index that counts down LLVM hoists its tests for overlapping arrays
    # out of the loop over time, where they always fail, and runs the loops over j unvectorised (3 times slower).
    backwards = np.arange(stop - start)[::-1].copy()
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
        b1 = dy[n, t, i + 1] if count > 1 else zero
        b2 = dy[n, t, i + 2] if count > 2 else zero
        b3 = dy[n, t, i + 3] if count > 3 else zero
        g0 = zero
        g1 = zero
        g2 = zero
        g3 = zero
        f0 = zero
        f1 = zero
        f2 = zero
        f3 = zero
        dqt = dq[n, t]
        for j in range(width):
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
            if r is not None:
                rj = r[n, t, j]
                f0 += u0 * rj
                f1 += u1 * rj
                f2 += u2 * rj
                f3 += u3 * rj
            dqt[j] += b0 * w0[j] + b1 * w1[j] + b2 * w2[j] + b3 * w3[j]
        wt = write[n, t]
        dv[n, t, i] = wt * g0
        dwt = v[n, t, i] * g0
        if count > 1:
            dv[n, t, i + 1] = wt * g1
            dwt += v[n, t, i + 1] * g1
        if count > 2:
            dv[n, t, i + 2] = wt * g2
            dwt += v[n, t, i + 2] * g2
        if count > 3:
            dv[n, t, i + 3] = wt * g3
            dwt += v[n, t, i + 3] * g3
        dwrite[n, t] += dwt
        if erase is not None:
            if r is None:
                f0, f1, f2, f3 = g0, g1, g2, g3
            s0 = prediction[m, 0]
            s1 = prediction[m, 1]
            s2 = prediction[m, 2]
            s3 = prediction[m, 3]
            derase[n, t] -= s0 * f0 + s1 * f1 + s2 * f2 + s3 * f3
            et = erase[n, t]
            f0 *= et
            f1 *= et
            f2 *= et
            f3 *= et
            s0 *= et
            s1 *= et
            s2 *= et
            s3 *= et
        at = G.dtype.type(1)
        if a is not None:
            at = a[n, t]
        dat = zero
        c0 = coefficient[m, 0]
        c1 = coefficient[m, 1]
        c2 = coefficient[m, 2]
        c3 = coefficient[m, 3]
        dkt = dk_[n, t]
        for j in range(width):
            u0 = G0[j]
            u1 = G1[j]
            u2 = G2[j]
            u3 = G3[j]
            dkj = c0 * u0 + c1 * u1 + c2 * u2 + c3 * u3
            if r is not None:
                dr[n, t, j] -= s0 * u0 + s1 * u1 + s2 * u2 + s3 * u3
            aj = at
            if a_key is not None:
                aj = a_key[n, t, j]
                da_key[n, t, j] += u0 * x0[j] + u1 * x1[j] + u2 * x2[j] + u3 * x3[j]
            if a is not None:
                dat += u0 * x0[j] + u1 * x1[j] + u2 * x2[j] + u3 * x3[j]
            u0 *= aj
            u1 *= aj
            u2 *= aj
            u3 *= aj
            if erase is not None:
                h = f0 * x0[j] + f1 * x1[j] + f2 * x2[j] + f3 * x3[j]
                if p is not None:
                    pj = p[n, t, j]
                    dp[n, t, j] -= h
                else:
                    pj = kt[j]
                    dkj -= h
                u0 -= f0 * pj
                u1 -= f1 * pj
                u2 -= f2 * pj
                u3 -= f3 * pj
            G0[j] = u0
            G1[j] = u1
            G2[j] = u2
            G3[j] = u3
            dkt[j] += dkj
        if a is not None:
            da[n, t] += dat


@kernel
def adjoint(
    q, k, v, write, erase, p, a, a_key, r, W0, dy, dW, dq, dk, dv, dwrite, derase, dp, da, da_key, dr, segment, lo, hi
):
    """Sequences lo..hi-1: dW (n, d_v, d_k) goes from the cotangent of W_T to the gradient of W_0 in place.

    The other gradients are added to arrays of zeros. Time is cut into segments: W at their borders is kept, and within
    one segment rows are computed again, four at a time, while its keys and queries are in the cache.
    """
    T, width = k.shape[1], k.shape[2]
    segments = max(1, (T + segment - 1) // segment)
    rows = (v.shape[2] + 3) // 4 * 4
    history = np.empty((min(segment, T) + 1, 4, width), W0.dtype)
    borders = np.zeros((segments, rows, width), W0.dtype)
    coefficient = np.empty((min(segment, T), 4), W0.dtype)
    prediction = np.empty((min(segment, T), 4), W0.dtype)
    written = np.empty((min(segment, T), 4), W0.dtype)
    G = np.zeros((rows, width), W0.dtype)
    grads = (dq, dk, dv, dwrite, derase, dp, da, da_key, dr)
    for n in range(lo, hi):
        borders[0, : v.shape[2]] = W0[n]
        G[: v.shape[2]] = dW[n]
        G[v.shape[2] :] = 0
        for sweep in range(2 * segments - 1):
            back = sweep - segments + 1
            s = segments - 1 - back if back >= 0 else sweep
            start, stop = s * segment, min(T, (s + 1) * segment)
            for i in range(0, rows, 4):
                count = min(4, v.shape[2] - i)
                for m in range(stop - start):
                    for row in range(4):
                        written[m, row] = write[n, start + m] * v[n, start + m, i + row] if row < count else 0
                history[0] = borders[s, i : i + 4]
                _replay(k, p, a, a_key, r, erase, written, n, start, stop, history, coefficient, prediction)
                if back < 0:
                    borders[s + 1, i : i + 4] = history[stop - start]
                else:
                    # fmt: off
                    _pull(
                        q, k, p, a, a_key, r, erase, write, v, dy, n, i, count, start, stop, history, coefficient,
                        prediction, G[i : i + 4], grads,
                    )
                    # fmt: on
        dW[n] = G[: v.shape[2]]
