"""Recurrent programmers: instructions that depend on the last read, and fast weights that also ask with it.

One layer of one sequence, token by token, with all that the token itself brings in ``drive`` and ``inner``:

    f = tanh(y_{t-1}), or relu(inner_t + R_hidden tanh(y_{t-1})) with hidden units
    z = drive_t + R f                                  queries, keys, values, betas and decays, before their maps
    q = norm(phi(z_q)), k = w norm(phi(z_k)), v = w z_v, b = beta_max w sigmoid(z_b), a = sigmoid(z_a)
    W = a W + b (sign v - erase W k') k^T, k' = a k or, undecayed, k         for each matrix, and y = W q

With two matrices for each head (a Delta-RNN) no read enters z, the second matrix asks ``norm(phi(y_{t-1}))``, and y is
the sum of both reads. ``how`` holds numbers: feature map, normaliser, heads, matrices, d_key, d_value, sign, erase, the
kind of decay, whether it comes first, beta_max. What is not used is empty and not None, which would compile once more.
"""

import numpy as np

from synfwp.kernels._jit import inline_kernel, kernel

IDENTITY, RELU, ELU = 0, 1, 2  # of ``how``
PLAIN, L2, SUM = 0, 1, 2
KEPT, SCALAR, BY_KEY = 0, 1, 2


@inline_kernel
def _sigmoid(x, i):
    """Of the i-th number, without overflow."""
    half = x.dtype.type(0.5)
    return (np.tanh(x[i] * half) + x.dtype.type(1)) * half


@inline_kernel
def _map(feature, norm, x, f):
    """f = norm(phi(x)); what it was divided by."""
    square, total, zero, one = f.dtype.type(0), f.dtype.type(0), f.dtype.type(0), f.dtype.type(1)
    for j in range(len(f)):
        u = x[j]
        if feature == RELU:
            u = max(u, zero)
        elif feature == ELU:
            u = u + one if u > zero else np.exp(u)
        f[j] = u
        square += u * u
        total += u
    size = f.dtype.type(1)
    if norm == L2:
        size = np.sqrt(square)
    elif norm == SUM:
        size = total
    if size == 0:
        size = f.dtype.type(1)
    for j in range(len(f)):
        f[j] /= size
    return size


@inline_kernel
def _map_adjoint(feature, norm, x, f, g, size, out):
    """Adds to ``out`` the cotangent of x, for the cotangent g of f, which is used up."""
    along = f.dtype.type(0)
    for j in range(len(f)):
        along += f[j] * g[j]
    for j in range(len(f)):
        u = g[j]
        if norm == L2:
            u = (u - f[j] * along) / size
        elif norm == SUM:
            u = (u - along) / size
        if feature == RELU:
            u = u if x[j] > 0 else f.dtype.type(0)
        elif feature == ELU and x[j] <= 0:
            u *= f[j] * size
        out[j] += u


@inline_kernel
def _add_product(R, f, out):
    """out += R f."""
    for i in range(R.shape[0]):
        total = out.dtype.type(0)
        for j in range(R.shape[1]):
            total += R[i, j] * f[j]
        out[i] += total


@inline_kernel
def _add_transposed(R, g, out):
    """out += R^T g."""
    for i in range(R.shape[0]):
        gi = g[i]
        for j in range(R.shape[1]):
            out[j] += R[i, j] * gi


@inline_kernel
def _ahead(first, a, k, kp):
    """The key that a prediction is asked with: the decayed one where the decay comes first."""
    for j in range(len(k)):
        kp[j] = a[j] * k[j] if first else k[j]


@inline_kernel
def _write(W, into, sign, erase, a, k, kp, v, b):
    """One write from W (d_v, d_k) into another array, or W itself."""
    for i in range(W.shape[0]):
        c = sign * v[i]
        if erase:
            s = W.dtype.type(0)
            for j in range(W.shape[1]):
                s += W[i, j] * kp[j]
            c -= s
        c *= b
        for j in range(W.shape[1]):
            into[i, j] = a[j] * W[i, j] + c * k[j]


@kernel
def forward(how, drive, R, inner, R_hidden, w, y, z, hidden, q, k, v, b, a, lo, hi):
    """Sequences lo..hi-1: y (n, M, T, d_v) is filled with the reads of all matrices.

    So are z (n, T, P); hidden (n, T, .); q, k (n, M, T, d_k), v (n, M, T, d_v), b (n, M, T) and a (n, M, T, d_k), as
    sent. w (n, T) is 0 at tokens that only read.
    """
    feature, norm, heads, matrices, d_key, d_value, sign, erase, decay, first, beta_max = how
    T, dtype = drive.shape[1], y.dtype
    W, kp = np.empty((matrices, d_value, d_key), dtype), np.empty(d_key, dtype)
    last, f = np.empty(heads * d_value, dtype), np.empty(heads * d_value, dtype)
    for n in range(lo, hi):
        W[:] = 0
        last[:] = 0
        for t in range(T):
            x = z[n, t]
            x[:] = drive[n, t]
            if matrices == heads:
                for j in range(len(last)):
                    f[j] = np.tanh(last[j])
                met = f
                if inner.shape[2] > 0:
                    met = hidden[n, t]
                    met[:] = inner[n, t]
                    _add_product(R_hidden, f, met)
                    for j in range(len(met)):
                        met[j] = max(met[j], dtype.type(0))
                _add_product(R, met, x)
            at = w[n, t]
            keys, values = heads * d_key, (heads + matrices) * d_key
            betas = values + matrices * d_value
            for m in range(matrices):
                asks = x[m * d_key : (m + 1) * d_key]
                if m >= heads:
                    asks = last[(m - heads) * d_value : (m - heads + 1) * d_value]
                _map(feature, norm, asks, q[n, m, t])
                kt, vt, at_key = k[n, m, t], v[n, m, t], a[n, m, t]
                _map(feature, norm, x[keys + m * d_key : keys + (m + 1) * d_key], kt)
                for j in range(d_key):
                    kt[j] *= at
                    at_key[j] = 1
                    if decay == BY_KEY:
                        at_key[j] = _sigmoid(x, betas + matrices + m * d_key + j)
                if decay == SCALAR:
                    at_key[:] = _sigmoid(x, betas + matrices + m)
                for i in range(d_value):
                    vt[i] = at * x[values + m * d_value + i]
                b[n, m, t] = beta_max * at * _sigmoid(x, betas + m)
            last[:] = 0
            for m in range(matrices):
                _ahead(first, a[n, m, t], k[n, m, t], kp)
                _write(W[m], W[m], sign, erase, a[n, m, t], k[n, m, t], kp, v[n, m, t], b[n, m, t])
                for i in range(d_value):
                    total = dtype.type(0)
                    for j in range(d_key):
                        total += W[m, i, j] * q[n, m, t, j]
                    y[n, m, t, i] = total
                    last[m % heads * d_value + i] += total


@kernel
def adjoint(how, R, R_hidden, w, y, z, hidden, q, k, v, b, a, dy, ddrive, dinner, segment, lo, hi):
    """Sequences lo..hi-1: ddrive (n, T, P), and dinner (n, T, .) of hidden units, are filled for cotangents dy of y.

    Those of R and R_hidden are sums of their products with what these matrices met. W at the borders of the segments of
    time is kept, and that of every step only within one segment.
    """
    feature, norm, heads, matrices, d_key, d_value, sign, erase, decay, first, beta_max = how
    T, dtype, one = z.shape[1], y.dtype, y.dtype.type(1)
    keys, values = heads * d_key, (heads + matrices) * d_key
    betas = values + matrices * d_value
    shape = (matrices, d_value, d_key)
    borders = np.zeros(((T + segment - 1) // segment + 1, *shape), dtype)
    history = np.empty((segment + 1, *shape), dtype)
    G, kp, f = np.empty(shape, dtype), np.empty(d_key, dtype), np.empty(d_key, dtype)
    dq, dk, da, dkp = np.empty(d_key, dtype), np.empty(d_key, dtype), np.empty(d_key, dtype), np.empty(d_key, dtype)
    last, g, gl = np.empty(heads * d_value, dtype), np.empty(heads * d_value, dtype), np.empty(heads * d_value, dtype)
    gh = np.empty(hidden.shape[2], dtype)
    backwards = np.arange(T)[::-1].copy()  # an index that counts down would keep LLVM from vectorising
    for n in range(lo, hi):
        for t in range(T):
            here = t // segment
            if t % segment == 0:
                history[0] = borders[here]
            for m in range(matrices):
                _ahead(first, a[n, m, t], k[n, m, t], kp)
                _write(history[0, m], history[0, m], sign, erase, a[n, m, t], k[n, m, t], kp, v[n, m, t], b[n, m, t])
            if (t + 1) % segment == 0:
                borders[here + 1] = history[0]
        G[:] = 0
        gl[:] = 0
        for back in range(T):
            t = backwards[back]
            start = t // segment * segment
            if back == 0 or (t + 1) % segment == 0:
                history[0] = borders[t // segment]
                for u in range(start, t + 1):
                    for m in range(matrices):
                        _ahead(first, a[n, m, u], k[n, m, u], kp)
                        _write(
                            history[u - start, m], history[u - start + 1, m], sign, erase, a[n, m, u], k[n, m, u], kp,
                            v[n, m, u], b[n, m, u],
                        )  # fmt: skip
            g[:] = gl
            gl[:] = 0
            last[:] = 0
            if t > 0:
                for m in range(matrices):
                    for i in range(d_value):
                        last[m % heads * d_value + i] += y[n, m, t - 1, i]
            x, dz = z[n, t], ddrive[n, t]
            dz[:] = 0
            at = w[n, t]
            for m in range(matrices):
                before, after = history[t - start, m], history[t - start + 1, m]
                kt, vt, qt, at_key, Gm = k[n, m, t], v[n, m, t], q[n, m, t], a[n, m, t], G[m]
                _ahead(first, at_key, kt, kp)
                dq[:] = 0
                dk[:] = 0
                da[:] = 0
                dkp[:] = 0
                db = dtype.type(0)
                strength = b[n, m, t]
                for i in range(d_value):
                    gi = g[m % heads * d_value + i] + dy[n, m, t, i]
                    s, dc = dtype.type(0), dtype.type(0)
                    for j in range(d_key):
                        dq[j] += gi * after[i, j]
                        u = Gm[i, j] + gi * qt[j]
                        Gm[i, j] = u
                        dc += u * kt[j]
                        s += before[i, j] * kp[j]
                    c = sign * vt[i]
                    ds = dtype.type(0)
                    if erase:
                        c -= s
                        ds = -dc * strength
                    db += dc * c
                    c *= strength
                    dz[values + m * d_value + i] += at * sign * strength * dc
                    for j in range(d_key):
                        u = Gm[i, j]
                        dk[j] += c * u
                        da[j] += u * before[i, j]
                        dkp[j] += ds * before[i, j]
                        Gm[i, j] = at_key[j] * u + ds * kp[j]
                for j in range(d_key):
                    if first:
                        dk[j] += at_key[j] * dkp[j]
                        da[j] += kt[j] * dkp[j]
                    else:
                        dk[j] += dkp[j]
                    dk[j] *= at
                for one in range(2):  # the query, then the key
                    at_part = m * d_key if one == 0 else keys + m * d_key
                    met, into, gf = x[at_part : at_part + d_key], dz[at_part : at_part + d_key], dk
                    if one == 0:
                        gf = dq
                        if m >= heads:
                            at_part = (m - heads) * d_value
                            met, into = last[at_part : at_part + d_key], gl[at_part : at_part + d_key]
                    size = _map(feature, norm, met, f)
                    _map_adjoint(feature, norm, met, f, gf, size, into)
                share = _sigmoid(x, betas + m)
                dz[betas + m] += db * beta_max * at * share * (one - share)
                for j in range(d_key):
                    slope = at_key[j] * (one - at_key[j]) * da[j]
                    if decay == BY_KEY:
                        dz[betas + matrices + m * d_key + j] += slope
                    elif decay == SCALAR:
                        dz[betas + matrices + m] += slope
            if matrices == heads:
                behind = gh if len(gh) > 0 else gl
                gh[:] = 0
                _add_transposed(R, dz, behind)
                for j in range(len(gh)):
                    gh[j] = gh[j] if hidden[n, t, j] > 0 else dtype.type(0)
                dinner[n, t] = gh
                _add_transposed(R_hidden, gh, gl)
                for j in range(len(gl)):
                    e = np.tanh(last[j])
                    gl[j] *= one - e * e
