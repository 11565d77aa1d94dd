"""Few reads of the linear family: a query goes back through time, and W is never made.

``y = W_T q`` with ``W_t = W_(t-1) D_t - erase_t (W_(t-1) p_t) r_t^T + write_t v_t k_t^T``, D_t multiplying columns by
a_t, is a sum over the steps before the read. With x = q at its step, for each step back to the first,

    y += write_t v_t (k_t . x)
    x  = a_t x - erase_t (r_t . x) p_t              (p = k and r = k where None is passed)

and at the end ``y += W_0 x``. A read costs d_k + d_v for each step before it, not d_k d_v: see `linear` for the other
way, in which a step costs the same for one read or for all. ``read`` holds the steps (n, R) that read, the latest first
and -1 behind the last of a sequence that has fewer.
"""

import numpy as np

from synfwp.kernels._jit import inline_kernel, kernel


@inline_kernel
def _back(x, into, k, r, p, n, t, e, a, a_key):
    """One step back of a query x (d_k), filled ``into``; the products ``k . x`` and ``r . x``."""
    over = x.dtype.type(0)
    for j in range(x.shape[0]):
        over += k[n, t, j] * x[j]
    erased = over
    if r is not None:
        erased = x.dtype.type(0)
        for j in range(x.shape[0]):
            erased += r[n, t, j] * x[j]
    at = x.dtype.type(1)
    if a is not None:
        at = a[n, t]
    by = e * erased
    for j in range(x.shape[0]):
        aj = at
        if a_key is not None:
            aj = a_key[n, t, j]
        if p is None:
            into[j] = aj * x[j] - by * k[n, t, j]
        else:
            into[j] = aj * x[j] - by * p[n, t, j]
    return over, erased


@kernel
def forward(q, k, v, write, erase, p, a, a_key, r, W0, read, y, lo, hi):
    """Sequences lo..hi-1: y (n, T, d_v), zeros at first, is filled at the steps that read; W0 None means 0."""
    width, zero = k.shape[2], y.dtype.type(0)
    X = np.empty((read.shape[1], width), y.dtype)
    for n in range(lo, hi):
        rows = 0
        for back in range(read[n, 0] + 1):
            t = read[n, 0] - back
            if rows < read.shape[1] and read[n, rows] == t:
                X[rows] = q[n, t]
                rows += 1
            e = zero
            if erase is not None:
                e = erase[n, t]
            for i in range(rows):
                over, _ = _back(X[i], X[i], k, r, p, n, t, e, a, a_key)
                by = write[n, t] * over
                out = y[n, read[n, i]]
                for j in range(v.shape[2]):
                    out[j] += by * v[n, t, j]
        if W0 is not None:
            for i in range(rows):
                out = y[n, read[n, i]]
                for m in range(W0.shape[1]):
                    total = zero
                    for j in range(width):
                        total += W0[n, m, j] * X[i, j]
                    out[m] += total


@kernel
def adjoint(
    q, k, v, write, erase, p, a, a_key, r, W0, dy, dq, dk, dv, dwrite, derase, dp, da, da_key, dr, dW0, read, lo, hi
):
    """Sequences lo..hi-1: gradients of all arguments are added to arrays of zeros, for cotangents dy of the reads."""
    T, width, zero = k.shape[1], k.shape[2], q.dtype.type(0)
    H = np.empty((T + 1, width), q.dtype)  # the query before every step back
    over, erased = np.empty(T, q.dtype), np.empty(T, q.dtype)
    g = np.empty(width, q.dtype)
    for n in range(lo, hi):
        for i in range(read.shape[1]):
            last = read[n, i]
            if last < 0:
                break
            d = dy[n, last]
            H[last + 1] = q[n, last]
            for back in range(last + 1):
                t = last - back
                e = zero
                if erase is not None:
                    e = erase[n, t]
                over[t], erased[t] = _back(H[t + 1], H[t], k, r, p, n, t, e, a, a_key)
            g[:] = 0
            if W0 is not None:
                for m in range(W0.shape[1]):
                    for j in range(width):
                        g[j] += d[m] * W0[n, m, j]
                        dW0[n, m, j] += d[m] * H[0, j]
            for t in range(last + 1):
                x = H[t + 1]
                along = zero
                for j in range(v.shape[2]):
                    along += v[n, t, j] * d[j]
                by = write[n, t] * over[t]
                for j in range(v.shape[2]):
                    dv[n, t, j] += by * d[j]
                dwrite[n, t] += over[t] * along
                through = write[n, t] * along  # the cotangent of k . x
                less = zero  # that of r . x
                if erase is not None:
                    total = zero
                    if p is None:
                        for j in range(width):
                            total += k[n, t, j] * g[j]
                    else:
                        for j in range(width):
                            total += p[n, t, j] * g[j]
                    derase[n, t] -= erased[t] * total
                    less = -erase[n, t] * total
                    by = erase[n, t] * erased[t]
                    if p is None:
                        for j in range(width):
                            dk[n, t, j] -= by * g[j]
                    else:
                        for j in range(width):
                            dp[n, t, j] -= by * g[j]
                at = q.dtype.type(1)
                if a is not None:
                    at = a[n, t]
                    total = zero
                    for j in range(width):
                        total += g[j] * x[j]
                    da[n, t] += total
                if r is None:
                    through += less
                for j in range(width):
                    dk[n, t, j] += through * x[j]
                    gj = at * g[j]
                    if a_key is not None:
                        da_key[n, t, j] += g[j] * x[j]
                        gj = a_key[n, t, j] * g[j]
                    gj += through * k[n, t, j]
                    if r is not None:
                        dr[n, t, j] += less * x[j]
                        gj += less * r[n, t, j]
                    g[j] = gj
            for j in range(width):
                dq[n, last, j] += g[j]
