"""Least squares over all writes in one pair of kernels.

For one sequence, with G and H before the step,

    G = a G + b v k^T,   H = a H + b k k^T,   x = (H + diag(ridge))^-1 q,   y = G x

The system is solved at every step by a fresh Cholesky factor, d^3 / 3 products: an update of the inverse would cost
d^2, but is no longer exact once H decays and the ridge does not, and gathers rounding where it is. Where rounding has
made a pivot negative there is no factor: the sequence ends there, and its step stands in ``failed``. The adjoint keeps
G and H at the borders of segments of time, and within one their history.
"""

import numpy as np

from synfwp.kernels._jit import inline_kernel, kernel, restrict_kernel


@inline_kernel
def _write(G, H, k, v, b, a, into_G, into_H):
    """G and H one step on, into other arrays or their own; H stays symmetric to the last bit."""
    rows, d = G.shape
    for i in range(rows):
        c = b * v[i]
        for j in range(d):
            into_G[i, j] = a * G[i, j] + c * k[j]
    for i in range(d):
        c = b * k[i]
        for j in range(i + 1):
            h = a * H[i, j] + c * k[j]
            into_H[i, j] = h
            into_H[j, i] = h


@restrict_kernel
def _factor(H, ridge, L):
    """L (d, d) lower triangular with L L^T = H + diag(ridge); whether there is one."""
    d = len(ridge)
    for i in range(d):
        for j in range(i + 1):
            total = H[i, j]
            for p in range(j):
                total -= L[i, p] * L[j, p]
            if i == j:
                total += ridge[i]
                if not total > 0:  # NaN too
                    return False
                L[i, i] = np.sqrt(total)
            else:
                L[i, j] = total / L[j, j]
    return True


@restrict_kernel
def _solve(L, right, x):
    """x with L L^T x = right."""
    d = len(right)
    for i in range(d):
        total = right[i]
        for j in range(i):
            total -= L[i, j] * x[j]
        x[i] = total / L[i, i]
    for i in range(d - 1, -1, -1):
        x[i] /= L[i, i]
        for j in range(i):
            x[j] -= L[i, j] * x[i]


@kernel
def forward(q, k, v, beta, a, ridge, G, H, y, states_G, states_H, failed, every, lo, hi):
    """Sequences lo..hi-1: G (n, d_v, d_k) and H (n, d_k, d_k) go from the first to the last in place, y is filled.

    Every so many steps G and H are copied to ``states_G`` and ``states_H`` (n, T // every, ., d_k), unless it is 0.
    ``failed`` (n,) gets the first step without a factor.
    """
    d = k.shape[2]
    L, x = np.empty((d, d), G.dtype), np.empty(d, G.dtype)
    for n in range(lo, hi):
        for t in range(k.shape[1]):
            _write(G[n], H[n], k[n, t], v[n, t], beta[n, t], a[n, t], G[n], H[n])
            if not _factor(H[n], ridge[n], L):
                failed[n] = t
                break
            _solve(L, q[n, t], x)
            for i in range(G.shape[1]):
                total = G.dtype.type(0)
                for j in range(d):
                    total += G[n, i, j] * x[j]
                y[n, t, i] = total
            if every > 0 and (t + 1) % every == 0:
                states_G[n, (t + 1) // every - 1] = G[n]
                states_H[n, (t + 1) // every - 1] = H[n]


@restrict_kernel
def _back(k, v, b, a, dy, old_G, old_H, x, u, dG, dH, dk, dv, dridge):
    """One step back: dG and dH go to before the step in place, dk, dv and dridge are added to; gives db and da.

    old_G and old_H are those before the step; x is what q was solved to, u what the cotangent of x was.
    """
    rows, d = dG.shape
    half, zero = dG.dtype.type(0.5), dG.dtype.type(0)
    db, da = zero, zero
    for j in range(d):
        dridge[j] -= u[j] * x[j]
    for i in range(rows):
        along = zero
        c, written = dy[i], b * v[i]
        for j in range(d):
            g = dG[i, j] + c * x[j]
            along += g * k[j]
            da += g * old_G[i, j]
            dk[j] += written * g
            dG[i, j] = a * g
        dv[i] = b * along
        db += v[i] * along
    for i in range(d):
        along = zero
        for j in range(d):
            h = dH[i, j] - half * (u[i] * x[j] + x[i] * u[j])
            along += h * k[j]
            da += h * old_H[i, j]
            dH[i, j] = a * h
        db += k[i] * along
        dk[i] += 2 * b * along
    return db, da


@kernel
def adjoint(q, k, v, beta, a, ridge, G0, H0, dy, dG, dH, dq, dk, dv, dbeta, da, dridge, failed, segment, lo, hi):
    """Sequences lo..hi-1: dG and dH (n, ., d_k) go from the cotangents of the last to those of the first in place.

    dH is symmetric. dq, dv, dbeta and da are filled; dk (n, T, d_k) and dridge (n, d_k) are added to; ``failed`` (n,)
    gets the last step without a factor. Memory: G and H at the borders of segments, and of every step of one.
    """
    T, rows, d = k.shape[1], G0.shape[1], k.shape[2]
    segments, length = max(1, (T + segment - 1) // segment), min(segment, T)
    HG, HH = np.empty((length + 1, rows, d), G0.dtype), np.empty((length + 1, d, d), G0.dtype)
    borders_G, borders_H = np.empty((segments, rows, d), G0.dtype), np.empty((segments, d, d), G0.dtype)
    L, x, u, dx = np.empty((d, d), G0.dtype), np.empty(d, G0.dtype), np.empty(d, G0.dtype), np.empty(d, G0.dtype)
    for n in range(lo, hi):
        borders_G[0] = G0[n]
        borders_H[0] = H0[n]
        for sweep in range(2 * segments - 1):
            back = sweep - segments + 1
            m = segments - 1 - back if back >= 0 else sweep
            start, stop = m * segment, min(T, (m + 1) * segment)
            HG[0] = borders_G[m]
            HH[0] = borders_H[m]
            for p in range(stop - start):
                t = start + p
                _write(HG[p], HH[p], k[n, t], v[n, t], beta[n, t], a[n, t], HG[p + 1], HH[p + 1])
            if back < 0:
                borders_G[m + 1] = HG[segment]
                borders_H[m + 1] = HH[segment]
                continue
            for p in range(stop - start - 1, -1, -1):
                t = start + p
                G, H = HG[p + 1], HH[p + 1]
                if not _factor(H, ridge[n], L):
                    failed[n] = t
                    break
                _solve(L, q[n, t], x)
                for j in range(d):
                    dx[j] = 0
                for i in range(rows):
                    for j in range(d):
                        dx[j] += dy[n, t, i] * G[i, j]
                _solve(L, dx, u)
                for j in range(d):
                    dq[n, t, j] = u[j]
                dbeta[n, t], da[n, t] = _back(
                    k[n, t], v[n, t], beta[n, t], a[n, t], dy[n, t], HG[p], HH[p], x, u, dG[n], dH[n],
                    dk[n, t], dv[n, t], dridge[n]
                )  # fmt: skip
            if failed[n] >= 0:
                break
