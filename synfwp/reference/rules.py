"""Update rules, one sequence at a time, written from the equations of their rows."""

import numpy as np


def hebb(q, k, v, beta, decay, W):
    """Outer products add up: W + b v k^T (Schmidhuber 1992; Irie & Gershman 2025)."""
    return _run(q, W, lambda W, t: W + beta[t] * np.outer(v[t], k[t]))


def anti_hebb(q, k, v, beta, decay, W):
    """Outer products are taken away: W - b v k^T (Tyulmankov, Yang & Abbott 2022, with the post side clamped)."""
    return _run(q, W, lambda W, t: W - beta[t] * np.outer(v[t], k[t]))


def leaky_hebb(q, k, v, beta, decay, W):
    """Fast weights that fade: lam W + eta v k^T (Ba et al. 2016, equation 1; RetNet)."""
    return _run(q, W, lambda W, t: decay[t] * W + beta[t] * np.outer(v[t], k[t]))


def gated_hebb(q, k, v, beta, decay, W):
    """Gated linear attention: every key channel fades at its own rate (Yang et al. 2024, equation 3, transposed)."""
    return _run(q, W, lambda W, t: W @ np.diag(decay[t]) + beta[t] * np.outer(v[t], k[t]))


def delta(q, k, v, beta, decay, W):
    """Replace what the key retrieves: W + b (v - W k) k^T (Schlag, Irie & Schmidhuber 2021, equation 22)."""

    def step(W, t):
        retrieved = W @ k[t]
        return W + beta[t] * np.outer(v[t] - retrieved, k[t])

    return _run(q, W, step)


def gated_delta(q, k, v, beta, decay, W):
    """Gated DeltaNet: W a (I - b k k^T) + b v k^T (Yang, Kautz & Hatamizadeh 2025, equation 10)."""

    def step(W, t):
        keep = decay[t] * (np.eye(W.shape[1]) - beta[t] * np.outer(k[t], k[t]))
        return W @ keep + beta[t] * np.outer(v[t], k[t])

    return _run(q, W, step)


def key_gated_delta(q, k, v, beta, decay, W):
    """Kimi Delta Attention: W diag(a) (I - b k k^T) + b v k^T (Kimi Team 2025, equation 1, transposed)."""

    def step(W, t):
        keep = np.diag(decay[t]) @ (np.eye(W.shape[1]) - beta[t] * np.outer(k[t], k[t]))
        return W @ keep + beta[t] * np.outer(v[t], k[t])

    return _run(q, W, step)


def longhorn(q, k, v, beta, decay, W):
    """Longhorn: W (I - e k k^T) + e v k^T with e = b / (1 + b k.k) (Liu et al. 2024, transposed)."""

    def step(W, t):
        epsilon = beta[t] / (1 + beta[t] * np.sum(k[t] * k[t]))
        return W @ (np.eye(W.shape[1]) - epsilon * np.outer(k[t], k[t])) + epsilon * np.outer(v[t], k[t])

    return _run(q, W, step)


def householder(q, k, v, beta, decay, W):
    """Reflect every row of W in the hyperplane across a unit key: W (I - 2 k k^T) (Grazzi et al. 2025)."""
    return _run(q, W, lambda W, t: W @ (np.eye(W.shape[1]) - 2 * np.outer(k[t], k[t])))


def delta_product(q, k, v, beta, decay, W):
    """DeltaProduct, n writes per token: W A + B (Siems et al. 2025, transposed); k, v (T, n, d), beta (T, n).

    ``A = H_1 ... H_n`` with ``H_j = I - b_j k_j k_j^T``, and ``B = sum_j b_j v_j k_j^T H_(j+1) ... H_n``.
    """

    def step(W, t):
        A, B = np.eye(W.shape[1]), np.zeros(W.shape)
        for j in reversed(range(k.shape[1])):
            B = B + beta[t, j] * np.outer(v[t, j], k[t, j]) @ A
            A = (np.eye(W.shape[1]) - beta[t, j] * np.outer(k[t, j], k[t, j])) @ A
        keep = A if decay is None else decay[t] * A
        return W @ keep + B

    return _run(q, W, step)


def gated_delta_product(q, k, v, beta, decay, W):
    """Gated DeltaProduct: a W A + B, the decay before the first write (Siems et al. 2025)."""
    return delta_product(q, k, v, beta, decay, W)


def dplr(q, k, v, beta, decay, W, p, r):
    """Diagonal plus low rank: W (diag(a) - p r^T) + b v k^T (Peng et al. 2025, RWKV-7, with its two keys as p, r)."""
    return _run(q, W, lambda W, t: W @ (np.diag(decay[t]) - np.outer(p[t], r[t])) + beta[t] * np.outer(v[t], k[t]))


def oja(q, k, v, beta, decay, W):
    """Oja's subspace rule: W + b v (k - W^T v)^T (Oja 1989; Irie, Faccio & Schmidhuber 2022), post side v."""
    return _run(q, W, lambda W, t: W + beta[t] * np.outer(v[t], k[t] - W.T @ v[t]))


def gated_oja(q, k, v, beta, decay, W):
    """Oja's subspace rule, W whose every value channel fades at its own rate: (I - b v v^T) diag(a) W + b v k^T."""

    def step(W, t):
        keep = (np.eye(W.shape[0]) - beta[t] * np.outer(v[t], v[t])) @ np.diag(decay[t])
        return keep @ W + beta[t] * np.outer(v[t], k[t])

    return _run(q, W, step)


def linear_attention(q, k, v, beta, decay, W, aux):
    """Linear transformer: s = s + v k^T, z = z + k, y = s q / z.q (Katharopoulos et al. 2020, equations 18 to 20).

    ``aux`` is z (d_k,). A read by a query that meets no key at all (0 / 0) is 0.
    """
    reads, states = _run(q, W, lambda W, t: W + np.outer(v[t], k[t]))
    reads, z = reads.astype(np.result_type(reads, aux)), aux
    for t in range(len(q)):
        z = z + k[t]
        size = np.sum(z * q[t])
        reads[t] = reads[t] / size if size != 0 else 0 * reads[t]
    return reads, states, z


def covariance(q, k, v, beta, decay, W, aux):
    """Covariance rule: W + b v (k - <k>)^T, y = W (q - <k>) (Sejnowski 1977, centred on the pre side alone).

    ``aux = (<k>, n)`` (d_k + 1,): the mean of the n keys before this run. <k> is that of the keys before the token, so
    each key moves it by ``(k - <k>) / n``, n counting that key, after its token. A key of zeros is none: it writes
    nothing and moves nothing; a query of zeros reads 0.
    """
    mean, n = aux[:-1], aux[-1]
    dtype = np.result_type(q, k, v, beta, aux, W)
    reads, states = np.zeros((len(q), len(W)), dtype), np.empty((len(q), *W.shape), dtype)
    for t in range(len(q)):
        before = mean
        if np.any(k[t] != 0):
            W = W + beta[t] * np.outer(v[t], k[t] - before)
            n = n + 1
            mean = before + (k[t] - before) / n
        if np.any(q[t] != 0):
            reads[t] = W @ (q[t] - before)
        states[t] = W
    return reads, states, np.append(mean, n)


def momentum_delta(q, k, v, beta, decay, W, momentum, aux):
    """Delta rule with momentum: M = mu M + b (v - W k) k^T, W = a W + M (Behrouz, Zhong & Mirrokni 2024).

    There M is S and W the memory, here a matrix, with half of their loss ``|W k - v|^2``; ``aux`` is M (d_v, d_k).
    """
    reads, states, M = [], [], aux
    for t in range(len(q)):
        retrieved = W @ k[t]
        M = momentum[t] * M + beta[t] * np.outer(v[t] - retrieved, k[t])
        W = decay[t] * W + M
        reads.append(W @ q[t])
        states.append(W)
    return np.reshape(reads, (len(q), len(W))), np.reshape(states, (len(q), *W.shape)), M


def mesa(q, k, v, beta, decay, W, ridge, aux):
    """Mesa layer: G = a G + b v k^T, H = a H + b k k^T, W = G (H + ridge)^-1, y = W q (von Oswald et al. 2025).

    ``aux`` is H (d_k, d_k), of which the symmetric part counts; G starts so that the first W is the one passed.
    """
    reads, states, H = [], [], (aux + aux.T) / 2
    G = W @ (H + np.diag(ridge))
    for t in range(len(q)):
        G = decay[t] * G + beta[t] * np.outer(v[t], k[t])
        H = decay[t] * H + beta[t] * np.outer(k[t], k[t])
        W = G @ np.linalg.inv(H + np.diag(ridge))
        reads.append(W @ q[t])
        states.append(W)
    return np.reshape(reads, (len(q), len(W))), np.reshape(states, (len(q), *W.shape)), H


def self_referential(q, k, v, beta, decay, W):
    """A matrix that writes itself (Irie, Schlag, Csordas & Schmidhuber 2022, equations 5 to 8); q is phi(x), (T, d).

    ``y, k, q, b = W x`` are parts of d_y, d, d and 4 rows of W, then ``W + sigmoid(b) (W phi(q) - W phi(k)) phi(k)^T``
    with phi = softmax and one b for the rows of each part. It has no ``k, v, beta`` but its own.
    """
    reads, states, d = [], [], W.shape[1]
    sizes = (len(W) - 2 * d - 4, d, d, 4)
    for x in q:
        y, key, query, b = np.split(W @ x, np.cumsum(sizes)[:-1])
        key, query = (np.exp(u - u.real.max()) for u in (key, query))
        key, query = key / key.sum(), query / query.sum()
        gate = np.repeat(1 / (1 + np.exp(-b)), sizes)
        W = W + np.outer(gate * (W @ query - W @ key), key)
        reads.append(y)
        states.append(W)
    return np.reshape(reads, (len(q), sizes[0])), np.reshape(states, (len(q), *W.shape))


def softmax(q, k, v, beta, decay, W):
    """Causal softmax attention without a scale (Vaswani et al. 2017, equation 1); it has no W."""
    reads = np.empty((len(q), v.shape[1]), np.result_type(q, k, v))
    for t in range(len(q)):
        score = k[: t + 1] @ q[t]
        weight = np.exp(score - score.real.max())
        reads[t] = weight @ v[: t + 1] / weight.sum()
    return reads, None


def per_channel(rule, q, k, v, beta, decay, W, *more):
    """A rule with one beta per value channel, (T, d_v) or (T, n, d_v): each row of W is a memory of its own.

    ``W_t = a W + diag(b) (v - a W k) k^T`` is, row by row, the rule on W_i with the values v_i and the numbers b_i.
    """
    rows = [rule(q, k, v[..., i : i + 1], beta[..., i], decay, W[i : i + 1], *more) for i in range(len(W))]
    reads, states = (np.concatenate([row[j] for row in rows], axis=1) for j in (0, 1))
    return reads, states, *rows[0][2:]


def _run(q, W, step):
    """Write, then read, at every step."""
    dtype = np.result_type(q, W, step(W, 0) if len(q) else W)
    reads, states = np.empty((len(q), W.shape[0]), dtype), np.empty((len(q), *W.shape), dtype)
    for t in range(len(q)):
        W = step(W, t)
        reads[t], states[t] = W @ q[t], W
    return reads, states
