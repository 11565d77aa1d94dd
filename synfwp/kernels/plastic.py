"""Plastic recurrent networks in one pair of kernels: every published model is these loops with other arguments.

For one sequence, with A the plastic weights before step t and ``seen`` what they read,

    u_t = drive_t + W h_(t-1) + (alpha * A) seen_t        (W or alpha None: no such term, or alpha = 1)
    h_t = phi(u_t), or phi of u_t with its mean and size removed in the passes that ``norm`` names
    A  <- keep_t A + write_t post (pre - [Oja] post A)    row by row: post_i is the activity of the row's own neuron

``seen = pre`` is the input x_t where there is one, else h_(t-1), and post = h_t (covariance: each minus its mean over
the steps before). With ``inner`` = S > 0 the read is repeated: u starts without A, then S times ``seen`` is the h just
found; what is written is the last h on both sides. ``how = (phi, rule, inner, norm)`` are integers. No A but the last
one is kept.
"""

import numpy as np

from synfwp.kernels._jit import inline_kernel, kernel

IDENTITY, TANH, RELU, SIGMOID = 0, 1, 2, 3
HEBB, OJA, COVARIANCE = 0, 1, 2
NONE, EVERY, INNER = 0, 1, 2  # passes with a normalisation: INNER has it in all but the first
EPSILON = 1e-5  # added to the variance before a division by its root


@inline_kernel
def _activate(phi, u, f):
    """f = phi(u)."""
    zero, half, one = u.dtype.type(0), u.dtype.type(0.5), u.dtype.type(1)
    for i in range(len(u)):
        if phi == TANH:
            f[i] = np.tanh(u[i])
        elif phi == RELU:
            f[i] = max(u[i], zero)
        elif phi == SIGMOID:
            f[i] = half * (one + np.tanh(half * u[i]))
        else:
            f[i] = u[i]


@inline_kernel
def _activate_adjoint(phi, f, g):
    """g goes from the cotangent of f = phi(u) to that of u in place."""
    zero, one = f.dtype.type(0), f.dtype.type(1)
    for i in range(len(f)):
        if phi == TANH:
            g[i] *= one - f[i] * f[i]
        elif phi == RELU:
            if f[i] <= zero:
                g[i] = zero
        elif phi == SIGMOID:
            g[i] *= f[i] * (one - f[i])


@inline_kernel
def _normalise(u):
    """u minus its mean, over its standard deviation, in place; one over the latter is given back."""
    size, mean, square = u.dtype.type(len(u)), u.dtype.type(0), u.dtype.type(0)
    for i in range(len(u)):
        mean += u[i]
    mean /= size
    for i in range(len(u)):
        u[i] -= mean
        square += u[i] * u[i]
    scale = u.dtype.type(1 / np.sqrt(square / size + EPSILON))
    for i in range(len(u)):
        u[i] *= scale
    return scale


@inline_kernel
def _normalise_adjoint(z, scale, g):
    """g goes from the cotangent of the normalised z to that of u in place."""
    size, mean, along = z.dtype.type(len(z)), z.dtype.type(0), z.dtype.type(0)
    for i in range(len(z)):
        mean += g[i]
        along += g[i] * z[i]
    mean /= size
    along /= size
    for i in range(len(z)):
        g[i] = scale * (g[i] - mean - z[i] * along)


@inline_kernel
def _centre(x, mean, count):
    """x becomes its distance to the mean of those before; the mean takes x in, as the ``count``-th of its kind."""
    for i in range(len(x)):
        x[i] -= mean[i]
        mean[i] += x[i] / count


@inline_kernel
def _centre_adjoint(g, gmean, count):
    """From cotangents of the centred x and of the new mean to those of x and of the old mean, in place."""
    for i in range(len(g)):
        g[i] += gmean[i] / count
        gmean[i] -= g[i]


@inline_kernel
def _read(A, alpha, seen, u):
    """u += (alpha * A) seen."""
    for i in range(A.shape[0]):
        total = A.dtype.type(0)
        for j in range(A.shape[1]):
            if alpha is None:
                total += A[i, j] * seen[j]
            else:
                total += alpha[i, j] * A[i, j] * seen[j]
        u[i] += total


@inline_kernel
def _write(A, rule, keep, write, post, pre):
    """A goes one step on in place."""
    for i in range(A.shape[0]):
        a, c = keep, write * post[i]
        if rule == OJA:
            a -= c * post[i]
        for j in range(A.shape[1]):
            A[i, j] = a * A[i, j] + c * pre[j]


@inline_kernel
def _write_adjoint(A, G, rule, keep, write, post, pre, gpost, gpre):
    """G goes from the cotangent of the A after a write to that of A in place, gpost and gpre are filled.

    The cotangents of keep and write are given back.
    """
    zero = A.dtype.type(0)
    gkeep, gwrite = zero, zero
    gpre[:] = zero
    for i in range(A.shape[0]):
        p = post[i]
        a, c = keep, write * p
        if rule == OJA:
            a -= c * p
        along, over = zero, zero
        for j in range(A.shape[1]):
            g = G[i, j]
            along += g * pre[j]
            over += g * A[i, j]
            gpre[j] += c * g
            G[i, j] = a * g
        gkeep += over
        if rule == OJA:
            gpost[i] = write * (along - p * over - p * over)
            gwrite += p * (along - p * over)
        else:
            gpost[i] = write * along
            gwrite += p * along
    return gkeep, gwrite


@inline_kernel
def _read_adjoint(A, alpha, seen, g, G, galpha, n, gseen):
    """Adds what the cotangent g of u brings to those of A, alpha (the n-th of a batch) and seen."""
    for i in range(A.shape[0]):
        gi = g[i]
        for j in range(A.shape[1]):
            if alpha is None:
                gseen[j] += gi * A[i, j]
                G[i, j] += gi * seen[j]
            else:
                through = gi * alpha[i, j]
                gseen[j] += through * A[i, j]
                galpha[n, i, j] += gi * seen[j] * A[i, j]
                G[i, j] += through * seen[j]


@kernel
def forward(how, drive, x, W, alpha, keep, write, h, z, scale, h0, A, aux, lo, hi):
    """Sequences lo..hi-1: A (n, d, d_pre) and aux go from their first to their last value in place.

    Filled: h (n, T, d); z (n, T, S + 1, d), what phi is applied to in every pass; scale (n, T, S + 1), what it was
    multiplied by. x (n, T, d_pre) is None for a network that reads itself, and W (d, d) for one that does not. aux
    (n, d + d_pre + 1) holds the means of h and pre and their number for the covariance rule, else nothing.
    """
    phi, rule, inner, norm = how
    T, d = drive.shape[1], drive.shape[2]
    f, post, pre, base = np.zeros(d, A.dtype), np.zeros(d, A.dtype), np.zeros(A.shape[2], A.dtype), np.zeros(d, A.dtype)
    for n in range(lo, hi):
        for t in range(T):
            base[:] = drive[n, t]
            if x is not None:
                pre[:] = x[n, t]
            else:
                pre[:] = h0[n] if t == 0 else h[n, t - 1]
            if W is not None:
                _read(W, None, pre, base)
            for s in range(inner + 1):
                u = z[n, t, s]
                u[:] = base
                if inner == 0:
                    _read(A[n], alpha, pre, u)
                elif s > 0:
                    _read(A[n], alpha, f, u)
                scale[n, t, s] = _normalise(u) if norm == EVERY or (norm == INNER and s > 0) else 1
                _activate(phi, u, f)
            h[n, t] = f
            post[:] = f
            if inner > 0:
                pre[:] = f
            if rule == COVARIANCE:
                aux[n, -1] += 1
                _centre(post, aux[n, :d], aux[n, -1])
                _centre(pre, aux[n, d:-1], aux[n, -1])
            _write(A[n], rule, keep[n, t], write[n, t], post, pre)


@kernel
def adjoint(
    how, x, W, alpha, keep, write, h, z, scale, h0, A0, aux0, dh, dA, daux, ddrive, dx, dalpha, dkeep, dwrite, dh0,
    segment, lo, hi,
):  # fmt: skip
    """Sequences lo..hi-1: dA and daux go from cotangents of the last A and aux to those of the first in place.

    ddrive, dx, dkeep, dwrite and dh0 are filled, dalpha (n, d, d_pre) is added to; dW is the sum of ddrive_t h_(t-1)^T.
    A at the borders of the segments of time is kept, and that of every step only within one segment.
    """
    phi, rule, inner, norm = how
    T, d, width = h.shape[1], h.shape[2], A0.shape[2]
    segments = max(1, (T + segment - 1) // segment)
    borders, history = np.empty((segments, d, width), A0.dtype), np.empty((segment, d, width), A0.dtype)
    posts, pres = np.empty((T, d), A0.dtype), np.empty((T, width), A0.dtype)
    seen, gseen = np.zeros(width, A0.dtype), np.zeros(width, A0.dtype)
    f, g, gh, gpost = np.zeros(d, A0.dtype), np.zeros(d, A0.dtype), np.zeros(d, A0.dtype), np.zeros(d, A0.dtype)
    backwards = np.arange(T)[::-1].copy()  # an index that counts down would keep LLVM from vectorising
    for n in range(lo, hi):
        aux = aux0[n].copy()
        A = A0[n].copy()
        for t in range(T):
            if t % segment == 0:
                borders[t // segment] = A
            posts[t] = h[n, t]
            if x is not None:
                pres[t] = x[n, t]
            elif inner > 0:
                pres[t] = h[n, t]
            else:
                pres[t] = h0[n] if t == 0 else h[n, t - 1]
            if rule == COVARIANCE:
                aux[-1] += 1
                _centre(posts[t], aux[:d], aux[-1])
                _centre(pres[t], aux[d:-1], aux[-1])
            _write(A, rule, keep[n, t], write[n, t], posts[t], pres[t])
        G = dA[n]
        gh[:] = 0
        for step in range(T):
            t = backwards[step]
            start = t // segment * segment
            if step == 0 or (t + 1) % segment == 0:
                history[0] = borders[t // segment]
                for m in range(start, t):
                    history[m - start + 1] = history[m - start]
                    _write(history[m - start + 1], rule, keep[n, m], write[n, m], posts[m], pres[m])
            A = history[t - start]
            gkeep, gwrite = _write_adjoint(A, G, rule, keep[n, t], write[n, t], posts[t], pres[t], gpost, gseen)
            dkeep[n, t] = gkeep
            dwrite[n, t] = gwrite
            if rule == COVARIANCE:
                count = aux[-1] - step
                _centre_adjoint(gpost, daux[n, :d], count)
                _centre_adjoint(gseen, daux[n, d:-1], count)
            for i in range(d):
                gh[i] += dh[n, t, i] + gpost[i]
                if inner > 0:
                    gh[i] += gseen[i]
            if x is not None:
                seen[:] = x[n, t]
            else:
                seen[:] = h0[n] if t == 0 else h[n, t - 1]
            f[:] = h[n, t]
            ddrive[n, t] = 0
            for back in range(inner + 1):
                s = inner - back
                g[:] = gh
                _activate_adjoint(phi, f, g)
                if norm == EVERY or (norm == INNER and s > 0):
                    _normalise_adjoint(z[n, t, s], scale[n, t, s], g)
                for i in range(d):
                    ddrive[n, t, i] += g[i]
                if inner == 0:
                    _read_adjoint(A, alpha, seen, g, G, dalpha, n, gseen)
                elif s > 0:
                    _activate(phi, z[n, t, s - 1], f)
                    gh[:] = 0
                    _read_adjoint(A, alpha, f, g, G, dalpha, n, gh)
            gh[:] = 0
            if x is not None:
                dx[n, t] = gseen
            elif inner == 0:
                gh[:] = gseen
            if W is not None:
                for i in range(d):
                    for j in range(d):
                        gh[j] += ddrive[n, t, i] * W[i, j]
        dh0[n] = gh
