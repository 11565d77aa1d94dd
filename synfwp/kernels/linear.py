"""The linear family in one pair of kernels: every rule is these loops with other coefficients.

For one sequence and one row ``w`` of W (one postsynaptic neuron), with ``x`` the row before the step,

    s = x . p_t                                    the prediction that is erased (p = k where None is passed)
    w = a_t * x + write_t v_t k_t - erase_t s r_t  (r = k where None is passed; a_t a scalar, one number per key, or 1)
    y_t = w . q_t                                  or, across rows, y_t = sum over rows of q_t,row w

A coefficient that a rule does not use is passed as None and its branches are pruned when the kernel compiles; so are
those of ``write`` and ``erase`` for a number per step (n, T) or, with beta per value channel, per row (n, T, d_v). Rows
never meet, so they are carried four at a time (their number is a multiple of 4), one array for the first of every four,
one for the second, ...: numba cannot tell that two rows of one array share no memory. Each loop over keys does all that
one step and the next one need: it writes, reads, and predicts for the step that follows; the adjoint likewise.
"""

import numpy as np

from synfwp.kernels._jit import kernel, restrict_kernel
from synfwp.kernels.sizes import rows_of, total

GROUPS = 16  # of four rows, that are carried through time together


@restrict_kernel
def _run(q, k, v, write, erase, p, a, a_key, r, W, y, across, states, rows, sums, every, lo, hi, X0, X1, X2, X3, s):
    """`forward` with p for every rule that erases, and room for the rows X (d_v / 4, d_k) and their predictions s."""
    T, dk = k.shape[1], k.shape[2]
    groups = v.shape[2] // 4
    zero = W.dtype.type(0)
    for n in range(lo, hi):
        sums[n, 0] = total(q[n]) + total(v[n]) + rows_of(k[n], rows[n])
        for g in range(groups):
            X0[g] = W[n, 4 * g]
            X1[g] = W[n, 4 * g + 1]
            X2[g] = W[n, 4 * g + 2]
            X3[g] = W[n, 4 * g + 3]
            if erase is not None:
                s[g] = 0
                for j in range(dk if T > 0 else 0):
                    s[g, 0] += X0[g, j] * p[n, 0, j]
                    s[g, 1] += X1[g, j] * p[n, 0, j]
                    s[g, 2] += X2[g, j] * p[n, 0, j]
                    s[g, 3] += X3[g, j] * p[n, 0, j]
        for first in range(0, groups, GROUPS):
            last = min(first + GROUPS, groups)
            for t in range(T):
                kt = k[n, t]
                qt = q[n, t]
                if write.ndim == 2:
                    wt = write[n, t]
                ahead = min(t + 1, T - 1)
                if erase is not None:  # noqa: SIM102 (numba prunes one test at a time)
                    if erase.ndim == 2:
                        et = erase[n, t]
                at = W.dtype.type(1)
                if a is not None:
                    at = a[n, t]
                for g in range(first, last):
                    i = 4 * g
                    x0 = X0[g]
                    x1 = X1[g]
                    x2 = X2[g]
                    x3 = X3[g]
                    if write.ndim == 2:
                        c0 = wt * v[n, t, i]
                        c1 = wt * v[n, t, i + 1]
                        c2 = wt * v[n, t, i + 2]
                        c3 = wt * v[n, t, i + 3]
                    else:
                        c0 = write[n, t, i] * v[n, t, i]
                        c1 = write[n, t, i + 1] * v[n, t, i + 1]
                        c2 = write[n, t, i + 2] * v[n, t, i + 2]
                        c3 = write[n, t, i + 3] * v[n, t, i + 3]
                    if erase is not None:
                        if erase.ndim == 2:
                            h0 = et * s[g, 0]
                            h1 = et * s[g, 1]
                            h2 = et * s[g, 2]
                            h3 = et * s[g, 3]
                        else:
                            h0 = erase[n, t, i] * s[g, 0]
                            h1 = erase[n, t, i + 1] * s[g, 1]
                            h2 = erase[n, t, i + 2] * s[g, 2]
                            h3 = erase[n, t, i + 3] * s[g, 3]
                        if r is None:
                            c0 -= h0
                            c1 -= h1
                            c2 -= h2
                            c3 -= h3
                    y0 = zero
                    y1 = zero
                    y2 = zero
                    y3 = zero
                    s0 = zero
                    s1 = zero
                    s2 = zero
                    s3 = zero
                    for j in range(dk):
                        aj = at
                        if a_key is not None:
                            aj = a_key[n, t, j]
                        w0 = aj * x0[j] + c0 * kt[j]
                        w1 = aj * x1[j] + c1 * kt[j]
                        w2 = aj * x2[j] + c2 * kt[j]
                        w3 = aj * x3[j] + c3 * kt[j]
                        if r is not None:
                            w0 -= h0 * r[n, t, j]
                            w1 -= h1 * r[n, t, j]
                            w2 -= h2 * r[n, t, j]
                            w3 -= h3 * r[n, t, j]
                        x0[j] = w0
                        x1[j] = w1
                        x2[j] = w2
                        x3[j] = w3
                        if across is not None:
                            across[n, t, j] += qt[i] * w0 + qt[i + 1] * w1 + qt[i + 2] * w2 + qt[i + 3] * w3
                        else:
                            y0 += w0 * qt[j]
                            y1 += w1 * qt[j]
                            y2 += w2 * qt[j]
                            y3 += w3 * qt[j]
                        if erase is not None:
                            s0 += w0 * p[n, ahead, j]
                            s1 += w1 * p[n, ahead, j]
                            s2 += w2 * p[n, ahead, j]
                            s3 += w3 * p[n, ahead, j]
                    if erase is not None:
                        s[g, 0] = s0
                        s[g, 1] = s1
                        s[g, 2] = s2
                        s[g, 3] = s3
                    if y is not None:
                        y[n, t, i] = y0
                        y[n, t, i + 1] = y1
                        y[n, t, i + 2] = y2
                        y[n, t, i + 3] = y3
                if states is not None and (t + 1) % every == 0:
                    for g in range(first, last):
                        states[n, (t + 1) // every - 1, 4 * g] = X0[g]
                        states[n, (t + 1) // every - 1, 4 * g + 1] = X1[g]
                        states[n, (t + 1) // every - 1, 4 * g + 2] = X2[g]
                        states[n, (t + 1) // every - 1, 4 * g + 3] = X3[g]
        for g in range(groups):
            W[n, 4 * g] = X0[g]
            W[n, 4 * g + 1] = X1[g]
            W[n, 4 * g + 2] = X2[g]
            W[n, 4 * g + 3] = X3[g]
        sums[n, 1] = total(W[n])
        if y is not None:
            sums[n, 1] += total(y[n])
        if across is not None:
            sums[n, 1] += total(across[n])


@kernel
def forward(q, k, v, write, erase, p, a, a_key, r, W, y, across, states, rows, sums, every, lo, hi):
    """Sequences lo..hi-1: W (n, d_v, d_k) goes from W_0 to W_T in place; every n-th W is filled into ``states``.

    ``rows`` (n, T) takes ``|k_t|^2``, ``sums`` (n, 2) the sums of squares of q, k and v, and of the reads and W_T: they
    are taken while a sequence is in the cache, and are finite only if all that they are sums of is.

    Either ``y`` (n, T, d_v) is filled with reads of rows by q (n, T, d_k), or ``across`` (n, T, d_k), zeros at first,
    with reads across rows by q (n, T, d_v); the other one is None. d_v is a multiple of 4.
    """
    dk = k.shape[2]
    G = v.shape[2] // 4
    X0 = np.empty((G, dk), W.dtype)
    X1 = np.empty((G, dk), W.dtype)
    X2 = np.empty((G, dk), W.dtype)
    X3 = np.empty((G, dk), W.dtype)
    s = np.empty((G, 4), W.dtype)
    if p is None:
        _run(q, k, v, write, erase, k, a, a_key, r, W, y, across, states, rows, sums, every, lo, hi, X0, X1, X2, X3, s)
    else:
        _run(q, k, v, write, erase, p, a, a_key, r, W, y, across, states, rows, sums, every, lo, hi, X0, X1, X2, X3, s)


@restrict_kernel
def _replay(k, v, write, erase, p, a, a_key, r, n, g, start, stop, H0, H1, H2, H3, c, s):
    """Four rows from ``start`` to ``stop``, from H[0]: every state H (S + 1, d_k), and c and s (S, 4) of every step."""
    dk = k.shape[2]
    zero = H0.dtype.type(0)
    i = 4 * g
    s0 = zero
    s1 = zero
    s2 = zero
    s3 = zero
    if erase is not None:
        for j in range(dk):
            s0 += H0[0, j] * p[n, start, j]
            s1 += H1[0, j] * p[n, start, j]
            s2 += H2[0, j] * p[n, start, j]
            s3 += H3[0, j] * p[n, start, j]
    for m in range(stop - start):
        t = start + m
        kt = k[n, t]
        ahead = min(t + 1, stop - 1)
        if write.ndim == 2:
            wt = write[n, t]
            c0 = wt * v[n, t, i]
            c1 = wt * v[n, t, i + 1]
            c2 = wt * v[n, t, i + 2]
            c3 = wt * v[n, t, i + 3]
        else:
            c0 = write[n, t, i] * v[n, t, i]
            c1 = write[n, t, i + 1] * v[n, t, i + 1]
            c2 = write[n, t, i + 2] * v[n, t, i + 2]
            c3 = write[n, t, i + 3] * v[n, t, i + 3]
        if erase is not None:
            s[m, 0] = s0
            s[m, 1] = s1
            s[m, 2] = s2
            s[m, 3] = s3
            if erase.ndim == 2:
                et = erase[n, t]
                h0 = et * s0
                h1 = et * s1
                h2 = et * s2
                h3 = et * s3
            else:
                h0 = erase[n, t, i] * s0
                h1 = erase[n, t, i + 1] * s1
                h2 = erase[n, t, i + 2] * s2
                h3 = erase[n, t, i + 3] * s3
            if r is None:
                c0 -= h0
                c1 -= h1
                c2 -= h2
                c3 -= h3
        c[m, 0] = c0
        c[m, 1] = c1
        c[m, 2] = c2
        c[m, 3] = c3
        at = H0.dtype.type(1)
        if a is not None:
            at = a[n, t]
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
            aj = at
            if a_key is not None:
                aj = a_key[n, t, j]
            w0 = aj * x0[j] + c0 * kt[j]
            w1 = aj * x1[j] + c1 * kt[j]
            w2 = aj * x2[j] + c2 * kt[j]
            w3 = aj * x3[j] + c3 * kt[j]
            if r is not None:
                w0 -= h0 * r[n, t, j]
                w1 -= h1 * r[n, t, j]
                w2 -= h2 * r[n, t, j]
                w3 -= h3 * r[n, t, j]
            z0[j] = w0
            z1[j] = w1
            z2[j] = w2
            z3[j] = w3
            if erase is not None:
                s0 += w0 * p[n, ahead, j]
                s1 += w1 * p[n, ahead, j]
                s2 += w2 * p[n, ahead, j]
                s3 += w3 * p[n, ahead, j]


@restrict_kernel
def _adjoint(
    q, k, v, write, erase, p, a, a_key, r, dy, n, g, start, stop, H0, H1, H2, H3, c, s, U0, U1, U2, U3,
    dq, dk, dv, dwrite, derase, dp, da, da_key, dr
):  # fmt: skip
    """Four rows from ``stop`` back to ``start``: U (d_k) is carried, the gradients of the coefficients are added to.

    Its 33 arguments stand alone: in tuples LLVM no longer knows that arrays share no memory, and the adjoint of a rule
    with keys of its own (DPLR, 64 features) takes 1.28 times as long.

    Between the loops U is the gradient of a row after a step, with its read by dy; g and f are its products with k, r.
    """
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
    f0 = zero
    f1 = zero
    f2 = zero
    f3 = zero
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
        if r is not None:
            f0 += u0 * r[n, stop - 1, j]
            f1 += u1 * r[n, stop - 1, j]
            f2 += u2 * r[n, stop - 1, j]
            f3 += u3 * r[n, stop - 1, j]
        dq[n, stop - 1, j] += b0 * H0[last, j] + b1 * H1[last, j] + b2 * H2[last, j] + b3 * H3[last, j]
    for m in range(last - 1, -1, -1):
        t = start + m
        e = t - 1 if m > 0 else t
        if write.ndim == 2:
            wt = write[n, t]
            dv[n, t, i] = wt * g0
            dv[n, t, i + 1] = wt * g1
            dv[n, t, i + 2] = wt * g2
            dv[n, t, i + 3] = wt * g3
            dwrite[n, t] += v[n, t, i] * g0 + v[n, t, i + 1] * g1 + v[n, t, i + 2] * g2 + v[n, t, i + 3] * g3
        else:
            dv[n, t, i] = write[n, t, i] * g0
            dv[n, t, i + 1] = write[n, t, i + 1] * g1
            dv[n, t, i + 2] = write[n, t, i + 2] * g2
            dv[n, t, i + 3] = write[n, t, i + 3] * g3
            dwrite[n, t, i] = v[n, t, i] * g0
            dwrite[n, t, i + 1] = v[n, t, i + 1] * g1
            dwrite[n, t, i + 2] = v[n, t, i + 2] * g2
            dwrite[n, t, i + 3] = v[n, t, i + 3] * g3
        if erase is not None:
            if r is None:
                f0, f1, f2, f3 = g0, g1, g2, g3
            s0 = s[m, 0]
            s1 = s[m, 1]
            s2 = s[m, 2]
            s3 = s[m, 3]
            if erase.ndim == 2:
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
            else:
                derase[n, t, i] = -s0 * f0
                derase[n, t, i + 1] = -s1 * f1
                derase[n, t, i + 2] = -s2 * f2
                derase[n, t, i + 3] = -s3 * f3
                f0 *= erase[n, t, i]
                f1 *= erase[n, t, i + 1]
                f2 *= erase[n, t, i + 2]
                f3 *= erase[n, t, i + 3]
                s0 *= erase[n, t, i]
                s1 *= erase[n, t, i + 1]
                s2 *= erase[n, t, i + 2]
                s3 *= erase[n, t, i + 3]
        at = U0.dtype.type(1)
        if a is not None:
            at = a[n, t]
        dat = zero
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
        l0 = zero
        l1 = zero
        l2 = zero
        l3 = zero
        for j in range(width):
            u0 = U0[j]
            u1 = U1[j]
            u2 = U2[j]
            u3 = U3[j]
            dkj = c0 * u0 + c1 * u1 + c2 * u2 + c3 * u3
            if r is not None:
                dr[n, t, j] -= s0 * u0 + s1 * u1 + s2 * u2 + s3 * u3
            aj = at
            if a_key is not None:
                aj = a_key[n, t, j]
                da_key[n, t, j] += u0 * x0[j] + u1 * x1[j] + u2 * x2[j] + u3 * x3[j]
            if a is not None:
                dat += u0 * x0[j] + u1 * x1[j] + u2 * x2[j] + u3 * x3[j]
            u0 = aj * u0 + b0 * qe[j]
            u1 = aj * u1 + b1 * qe[j]
            u2 = aj * u2 + b2 * qe[j]
            u3 = aj * u3 + b3 * qe[j]
            if erase is not None:
                d = f0 * x0[j] + f1 * x1[j] + f2 * x2[j] + f3 * x3[j]
                if dp is not None:
                    pj = p[n, t, j]
                    dp[n, t, j] -= d
                else:
                    pj = kt[j]
                    dkj -= d
                u0 -= f0 * pj
                u1 -= f1 * pj
                u2 -= f2 * pj
                u3 -= f3 * pj
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
            if r is not None:
                l0 += u0 * r[n, e, j]
                l1 += u1 * r[n, e, j]
                l2 += u2 * r[n, e, j]
                l3 += u3 * r[n, e, j]
        if r is not None:
            f0, f1, f2, f3 = l0, l1, l2, l3
        if a is not None:
            da[n, t] += dat


@kernel
def adjoint(
    q, k, v, write, erase, p, a, a_key, r, W0, dy, dW, dq, dk, dv, dwrite, derase, dp, da, da_key, dr, segment, lo, hi
):
    """Sequences lo..hi-1: dW (n, d_v, d_k) goes from the cotangent of W_T to the gradient of W_0 in place.

    The other gradients are added to arrays of zeros. Time is cut into segments: W at their borders is kept, and within
    one segment rows are computed again, four at a time, while its keys and queries are in the cache. d_v is a multiple
    of 4.
    """
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
                if p is None:
                    _replay(k, v, write, erase, k, a, a_key, r, n, g, start, stop, H0, H1, H2, H3, c, s)
                else:
                    _replay(k, v, write, erase, p, a, a_key, r, n, g, start, stop, H0, H1, H2, H3, c, s)
                if back < 0:
                    borders[m + 1, i] = H0[segment]
                    borders[m + 1, i + 1] = H1[segment]
                    borders[m + 1, i + 2] = H2[segment]
                    borders[m + 1, i + 3] = H3[segment]
                else:
                    _adjoint(
                        q,
                        k,
                        v,
                        write,
                        erase,
                        p,
                        a,
                        a_key,
                        r,
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
                        dwrite,
                        derase,
                        dp,
                        da,
                        da_key,
                        dr,
                    )
