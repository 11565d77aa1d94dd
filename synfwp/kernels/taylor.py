"""A layer whose plasticity is a Taylor rule: powers of pre, post, weight and reward, each with a coefficient.

For one sequence, with W the weights before step t,

    y_t = phi(W x_t),    W_ij <- W_ij + sum_p theta_p x_tj^a_p y_ti^b_p W_ij^c_p r_t^d_p,

held within ``bound`` of 0. ``powers (p, 4)`` are integers from 0 to 2. The adjoint needs the W of every step, which the
forward run keeps.
"""

import numpy as np

from synfwp.kernels._jit import inline_kernel, kernel

IDENTITY, TANH, RELU, SIGMOID = 0, 1, 2, 3


@inline_kernel
def _raised(x, table):
    """Powers 0, 1 and 2 of each entry, as rows of a table."""
    for i in range(len(x)):
        table[i, 0] = 1.0
        table[i, 1] = x[i]
        table[i, 2] = x[i] * x[i]


@inline_kernel
def _active(phi, u):
    """phi(u)."""
    if phi == TANH:
        return np.tanh(u)
    if phi == RELU:
        return max(u, 0.0)
    if phi == SIGMOID:
        return 0.5 * (1.0 + np.tanh(0.5 * u))
    return u


@inline_kernel
def _slope(phi, y):
    """Derivative of phi where it is y."""
    if phi == TANH:
        return 1.0 - y * y
    if phi == RELU:
        return 1.0 if y > 0.0 else 0.0
    if phi == SIGMOID:
        return y * (1.0 - y)
    return 1.0


@kernel
def forward(phi, x, reward, theta, powers, bound, y, W, lo, hi):
    """Sequences lo..hi-1: y (n, T, d_post) is filled, and W (n, T + 1, d_post, d_pre) after its first step."""
    T, d_pre, d_post, terms = x.shape[1], x.shape[2], y.shape[2], len(theta)
    pre, post, rewards = np.ones((d_pre, 3)), np.ones((d_post, 3)), np.ones((1, 3))
    now = np.empty(terms)
    for n in range(lo, hi):
        for t in range(T):
            w, after = W[n, t], W[n, t + 1]
            for i in range(d_post):
                u = 0.0
                for j in range(d_pre):
                    u += w[i, j] * x[n, t, j]
                y[n, t, i] = _active(phi, u)
            _raised(x[n, t], pre)
            _raised(y[n, t], post)
            _raised(reward[n, t : t + 1], rewards)
            for p in range(terms):
                now[p] = theta[p] * rewards[0, powers[p, 3]]
            for i in range(d_post):
                for j in range(d_pre):
                    total = w[i, j]
                    for p in range(terms):
                        c = powers[p, 2]
                        weight = 1.0 if c == 0 else w[i, j] if c == 1 else w[i, j] * w[i, j]
                        total += now[p] * pre[j, powers[p, 0]] * post[i, powers[p, 1]] * weight
                    after[i, j] = min(max(total, -bound), bound)


@kernel
def adjoint(phi, x, reward, theta, powers, bound, y, W, dy, dtheta, lo, hi):
    """Sequences lo..hi-1: dtheta (n, p) is filled for cotangents dy of y; those of inputs are not asked for."""
    T, d_pre, d_post, terms = x.shape[1], x.shape[2], y.shape[2], len(theta)
    pre, post, rewards = np.ones((d_pre, 3)), np.ones((d_post, 3)), np.ones((1, 3))
    G = np.empty((d_post, d_pre))
    backwards = np.arange(T)[::-1].copy()
    for n in range(lo, hi):
        G[:] = 0.0
        dtheta[n] = 0.0
        for step in range(T):
            t = backwards[step]
            w, after = W[n, t], W[n, t + 1]
            _raised(x[n, t], pre)
            _raised(y[n, t], post)
            _raised(reward[n, t : t + 1], rewards)
            for i in range(d_post):
                into_y = dy[n, t, i]
                for j in range(d_pre):
                    g = G[i, j] if abs(after[i, j]) < bound else 0.0
                    into_w = g
                    for p in range(terms):
                        a, b, c = powers[p, 0], powers[p, 1], powers[p, 2]
                        outer = g * rewards[0, powers[p, 3]] * pre[j, a]
                        weight = 1.0 if c == 0 else w[i, j] if c == 1 else w[i, j] * w[i, j]
                        dtheta[n, p] += outer * post[i, b] * weight
                        if b > 0:
                            into_y += theta[p] * outer * b * post[i, b - 1] * weight
                        if c > 0:
                            into_w += theta[p] * outer * post[i, b] * (1.0 if c == 1 else 2.0 * w[i, j])
                    G[i, j] = into_w
                into_u = into_y * _slope(phi, y[n, t, i])
                for j in range(d_pre):
                    G[i, j] += into_u * x[n, t, j]
