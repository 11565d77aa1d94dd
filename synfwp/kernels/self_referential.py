"""A self-referential weight matrix in one pair of kernels: W sends the keys, queries and betas that write it.

For one sequence, with S the W before a step and x its token, the rows of W stand in four blocks (y, k, q, beta) of d_y,
d, d and 4 rows, so that u = S x has four parts, and

    y = u_y,   k = softmax(u_k),   q = softmax(u_q),   g = sigmoid(u_beta)
    e = S (q - k)                                   what S makes of q, less what it makes of k
    W_i = S_i + g_b e_i k                           for every row i, b its block

The adjoint keeps k, q - k, g and e of the steps of one segment of time, and W at the borders of segments; within one it
goes back from W to S by taking off the write, which is exact to rounding.
"""

import numpy as np

from synfwp.kernels._jit import inline_kernel, kernel, restrict_kernel

BLOCKS = 4


@inline_kernel
def _block(b, rows, d):
    """The rows [start, stop) of block b."""
    first = rows - 2 * d - BLOCKS
    start = first + (b - 1) * d if b > 0 else 0
    stop = first + b * d if b < BLOCKS - 1 else rows
    return start, stop


@inline_kernel
def _softmax(u, start, f):
    """f = softmax of as many numbers of u, from ``start`` on."""
    most, total = u[start], u.dtype.type(0)
    for j in range(len(f)):
        most = max(most, u[start + j])
    for j in range(len(f)):
        f[j] = np.exp(u[start + j] - most)
        total += f[j]
    for j in range(len(f)):
        f[j] /= total


@restrict_kernel
def _step(S, x, u, k, c, g, e):
    """One token: u, k, c = q - k, the gates g (4) and e are filled, S goes one step on in place."""
    rows, d = S.shape
    one = S.dtype.type(1)
    for i in range(rows):
        total = S.dtype.type(0)
        for j in range(d):
            total += S[i, j] * x[j]
        u[i] = total
    first = rows - 2 * d - BLOCKS
    _softmax(u, first, k)
    _softmax(u, first + d, c)
    for j in range(d):
        c[j] -= k[j]
    for b in range(BLOCKS):
        small = np.exp(-abs(u[rows - BLOCKS + b]))  # of the exponent that cannot overflow
        g[b] = (one if u[rows - BLOCKS + b] >= 0 else small) / (one + small)
        start, stop = _block(b, rows, d)
        for i in range(start, stop):
            total = S.dtype.type(0)
            for j in range(d):
                total += S[i, j] * c[j]
            e[i] = total
            total *= g[b]
            for j in range(d):
                S[i, j] += total * k[j]


@restrict_kernel
def _back(S, G, x, dy, k, c, g, e, du, dc, dk, dx):
    """One token back: S and its cotangent G go from after the step to before it in place, dx is filled.

    du (rows), dc and dk (d) are room for the cotangents of u, q - k and k.
    """
    rows, d = S.shape
    zero, one = S.dtype.type(0), S.dtype.type(1)
    for j in range(d):
        dc[j] = zero
        dk[j] = zero
    for b in range(BLOCKS):
        dg = zero
        start, stop = _block(b, rows, d)
        for i in range(start, stop):
            along = zero
            for j in range(d):
                along += G[i, j] * k[j]
            dg += along * e[i]
            de, written = g[b] * along, g[b] * e[i]
            for j in range(d):
                s, t = S[i, j] - written * k[j], G[i, j]
                S[i, j] = s
                G[i, j] = t + de * c[j]
                dc[j] += de * s
                dk[j] += written * t
        du[rows - BLOCKS + b] = g[b] * (one - g[b]) * dg
    along_k, along_q = zero, zero
    for j in range(d):
        dk[j] -= dc[j]
        along_k += k[j] * dk[j]
        along_q += (k[j] + c[j]) * dc[j]
    first = rows - 2 * d - BLOCKS
    for i in range(first):
        du[i] = dy[i]
    for j in range(d):
        du[first + j] = k[j] * (dk[j] - along_k)
        du[first + d + j] = (k[j] + c[j]) * (dc[j] - along_q)
        dx[j] = zero
    for i in range(rows):
        for j in range(d):
            dx[j] += du[i] * S[i, j]
            G[i, j] += du[i] * x[j]


@kernel
def forward(x, W, y, states, every, lo, hi):
    """Sequences lo..hi-1: W (n, rows, d) goes from W_0 to W_T in place, y (n, T, d_y) is filled.

    x is (n, T, d); every so many steps W is copied to ``states`` (n, T // every, rows, d), unless ``every`` is 0.
    """
    rows, d = W.shape[1], W.shape[2]
    u, e, g = np.empty(rows, W.dtype), np.empty(rows, W.dtype), np.empty(BLOCKS, W.dtype)
    k, c = np.empty(d, W.dtype), np.empty(d, W.dtype)
    for n in range(lo, hi):
        for t in range(x.shape[1]):
            _step(W[n], x[n, t], u, k, c, g, e)
            for i in range(y.shape[2]):
                y[n, t, i] = u[i]
            if every > 0 and (t + 1) % every == 0:
                states[n, (t + 1) // every - 1] = W[n]


@kernel
def adjoint(x, W0, dy, dW, dx, segment, lo, hi):
    """Sequences lo..hi-1: dW (n, rows, d) goes from the cotangent of W_T to the gradient of W_0 in place, dx is filled.

    Memory: W at the borders of segments, and rows + 2 d + 4 numbers for each step of one.
    """
    T, rows, d = x.shape[1], W0.shape[1], W0.shape[2]
    segments, length = max(1, (T + segment - 1) // segment), min(segment, T)
    borders, S = np.empty((segments, rows, d), W0.dtype), np.empty((rows, d), W0.dtype)
    k, c = np.empty((length, d), W0.dtype), np.empty((length, d), W0.dtype)
    g, e = np.empty((length, BLOCKS), W0.dtype), np.empty((length, rows), W0.dtype)
    u, dc, dk = np.empty(rows, W0.dtype), np.empty(d, W0.dtype), np.empty(d, W0.dtype)
    for n in range(lo, hi):
        borders[0] = W0[n]
        for sweep in range(2 * segments - 1):
            back = sweep - segments + 1
            m = segments - 1 - back if back >= 0 else sweep
            start, stop = m * segment, min(T, (m + 1) * segment)
            S[:] = borders[m]
            for s in range(stop - start):
                _step(S, x[n, start + s], u, k[s], c[s], g[s], e[s])
            if back < 0:
                borders[m + 1] = S
                continue
            for step in range(stop - start):
                s = stop - start - 1 - step
                _back(S, dW[n], x[n, start + s], dy[n, start + s], k[s], c[s], g[s], e[s], u, dc, dk, dx[n, start + s])
