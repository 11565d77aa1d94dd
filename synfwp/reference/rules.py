"""Update rules, one sequence at a time, written from the equations of their rows."""

import numpy as np

from synfwp.reference.documents import READS, RULE, explained


@explained(RULE)
def hebb(q, k, v, beta, decay, W):
    """Outer products add up: W + b v k^T (Schmidhuber 1992; Irie & Gershman 2025).

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> hebb(k, k, v, beta, None, np.zeros((1, 2)))[1].tolist()
    [[[1.0, 0.0]], [[2.5, 0.0]]]
    """
    return _run(q, W, lambda W, t: W + beta[t] * np.outer(v[t], k[t]))


@explained(RULE)
def anti_hebb(q, k, v, beta, decay, W):
    """Outer products are taken away: W - b v k^T (Tyulmankov, Yang & Abbott 2022, with the post side clamped).

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> anti_hebb(k, k, v, beta, None, np.zeros((1, 2)))[1].tolist()
    [[[-1.0, 0.0]], [[-2.5, 0.0]]]
    """
    return _run(q, W, lambda W, t: W - beta[t] * np.outer(v[t], k[t]))


@explained(RULE)
def leaky_hebb(q, k, v, beta, decay, W):
    """Fast weights that fade: lam W + eta v k^T (Ba et al. 2016, equation 1; RetNet).

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> leaky_hebb(k, k, v, beta, np.array([0.5, 0.5]), np.zeros((1, 2)))[1].tolist()
    [[[1.0, 0.0]], [[2.0, 0.0]]]
    """
    return _run(q, W, lambda W, t: decay[t] * W + beta[t] * np.outer(v[t], k[t]))


@explained(RULE, decay="(T, d_k) array: the share of each key channel that is kept per step.")
def gated_hebb(q, k, v, beta, decay, W):
    """Gated linear attention: every key channel fades at its own rate (Yang et al. 2024, equation 3, transposed).

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> gated_hebb(k, k, v, beta, np.array([[0.5, 1.0]] * 2), np.zeros((1, 2)))[1].tolist()
    [[[1.0, 0.0]], [[2.0, 0.0]]]
    """
    return _run(q, W, lambda W, t: W @ np.diag(decay[t]) + beta[t] * np.outer(v[t], k[t]))


@explained(RULE)
def delta(q, k, v, beta, decay, W):
    """Replace what the key retrieves: W + b (v - W k) k^T (Schlag, Irie & Schmidhuber 2021, equation 22).

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> delta(k, k, v, beta, None, np.zeros((1, 2)))[1].tolist()
    [[[1.0, 0.0]], [[2.0, 0.0]]]
    """

    def step(W, t):
        retrieved = W @ k[t]
        return W + beta[t] * np.outer(v[t] - retrieved, k[t])

    return _run(q, W, step)


@explained(RULE)
def gated_delta(q, k, v, beta, decay, W):
    """Gated DeltaNet: W a (I - b k k^T) + b v k^T (Yang, Kautz & Hatamizadeh 2025, equation 10).

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> gated_delta(k, k, v, beta, np.array([0.5, 0.5]), np.zeros((1, 2)))[1].tolist()
    [[[1.0, 0.0]], [[1.75, 0.0]]]
    """

    def step(W, t):
        keep = decay[t] * (np.eye(W.shape[1]) - beta[t] * np.outer(k[t], k[t]))
        return W @ keep + beta[t] * np.outer(v[t], k[t])

    return _run(q, W, step)


@explained(RULE, decay="(T, d_k) array: the share of each key channel that is kept per step.")
def key_gated_delta(q, k, v, beta, decay, W):
    """Kimi Delta Attention: W diag(a) (I - b k k^T) + b v k^T (Kimi Team 2025, equation 1, transposed).

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> key_gated_delta(k, k, v, beta, np.array([[0.5, 1.0]] * 2), np.zeros((1, 2)))[1].tolist()
    [[[1.0, 0.0]], [[1.75, 0.0]]]
    """

    def step(W, t):
        keep = np.diag(decay[t]) @ (np.eye(W.shape[1]) - beta[t] * np.outer(k[t], k[t]))
        return W @ keep + beta[t] * np.outer(v[t], k[t])

    return _run(q, W, step)


@explained(RULE)
def longhorn(q, k, v, beta, decay, W):
    """Longhorn: W (I - e k k^T) + e v k^T with e = b / (1 + b k.k) (Liu et al. 2024, transposed).

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> longhorn(k, k, v, beta, None, np.zeros((1, 2)))[1].tolist()
    [[[0.5, 0.0]], [[1.3333333333333335, 0.0]]]
    """

    def step(W, t):
        epsilon = beta[t] / (1 + beta[t] * np.sum(k[t] * k[t]))
        return W @ (np.eye(W.shape[1]) - epsilon * np.outer(k[t], k[t])) + epsilon * np.outer(v[t], k[t])

    return _run(q, W, step)


@explained(RULE)
def householder(q, k, v, beta, decay, W):
    """Reflect every row of W in the hyperplane across a unit key: W (I - 2 k k^T) (Grazzi et al. 2025).

    Examples
    --------
    >>> k = np.array([[1.0, 0.0]])
    >>> householder(k, k, None, None, None, np.array([[3.0, 4.0]]))[1].tolist()
    [[[-3.0, 4.0]]]
    """
    return _run(q, W, lambda W, t: W @ (np.eye(W.shape[1]) - 2 * np.outer(k[t], k[t])))


@explained(
    RULE,
    k="(T, n, d_k) array: n keys per token.",
    v="(T, n, d_v) array: their values.",
    beta="(T, n) array: write strengths.",
)
def delta_product(q, k, v, beta, decay, W):
    """DeltaProduct, n writes per token: W A + B (Siems et al. 2025, transposed); k, v (T, n, d), beta (T, n).

    ``A = H_1 ... H_n`` with ``H_j = I - b_j k_j k_j^T``, and ``B = sum_j b_j v_j k_j^T H_(j+1) ... H_n``.

    Examples
    --------
    >>> k, v, beta = np.eye(2)[None], np.array([[[1.0], [3.0]]]), np.array([[1.0, 0.5]])
    >>> delta_product(np.ones((1, 2)), k, v, beta, None, np.zeros((1, 2)))[1].tolist()
    [[[1.0, 1.5]]]
    """

    def step(W, t):
        A, B = np.eye(W.shape[1]), np.zeros(W.shape)
        for j in reversed(range(k.shape[1])):
            B = B + beta[t, j] * np.outer(v[t, j], k[t, j]) @ A
            A = (np.eye(W.shape[1]) - beta[t, j] * np.outer(k[t, j], k[t, j])) @ A
        keep = A if decay is None else decay[t] * A
        return W @ keep + B

    return _run(q, W, step)


@explained(
    RULE,
    k="(T, n, d_k) array: n keys per token.",
    v="(T, n, d_v) array: their values.",
    beta="(T, n) array: write strengths.",
)
def gated_delta_product(q, k, v, beta, decay, W):
    """Gated DeltaProduct: a W A + B, the decay before the first write (Siems et al. 2025).

    Examples
    --------
    >>> k, v, beta = np.eye(2)[None], np.array([[[1.0], [3.0]]]), np.array([[1.0, 0.5]])
    >>> gated_delta_product(np.ones((1, 2)), k, v, beta, np.array([0.5]), np.ones((1, 2)))[1].tolist()
    [[[1.0, 1.75]]]
    """
    return delta_product(q, k, v, beta, decay, W)


@explained(
    RULE,
    decay="(T, d_k) array: the share of each key channel that is kept per step.",
    p="(T, d_k) array: what W is read by.",
    r="(T, d_k) array: along which that is taken away.",
)
def dplr(q, k, v, beta, decay, W, p, r):
    """Diagonal plus low rank: W (diag(a) - p r^T) + b v k^T (Peng et al. 2025, RWKV-7, with its two keys as p, r).

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> dplr(k, k, v, beta, np.array([[0.5, 1.0]] * 2), np.zeros((1, 2)), k, 0.5 * k)[1].tolist()
    [[[1.0, 0.0]], [[1.5, 0.0]]]
    """
    return _run(q, W, lambda W, t: W @ (np.diag(decay[t]) - np.outer(p[t], r[t])) + beta[t] * np.outer(v[t], k[t]))


@explained(RULE)
def oja(q, k, v, beta, decay, W):
    """Oja's subspace rule: W + b v (k - W^T v)^T (Oja 1989; Irie, Faccio & Schmidhuber 2022), post side v.

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> oja(k, k, v, beta, None, np.zeros((1, 2)))[1].tolist()
    [[[1.0, 0.0]], [[-2.0, 0.0]]]
    """
    return _run(q, W, lambda W, t: W + beta[t] * np.outer(v[t], k[t] - W.T @ v[t]))


@explained(RULE, decay="(T, d_v) array: the share of each value channel that is kept per step.")
def gated_oja(q, k, v, beta, decay, W):
    """Oja's subspace rule, W whose every value channel fades at its own rate: (I - b v v^T) diag(a) W + b v k^T.

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> gated_oja(k, k, v, beta, np.array([[0.5]] * 2), np.zeros((1, 2)))[1].tolist()
    [[[1.0, 0.0]], [[-0.25, 0.0]]]
    """

    def step(W, t):
        keep = (np.eye(W.shape[0]) - beta[t] * np.outer(v[t], v[t])) @ np.diag(decay[t])
        return keep @ W + beta[t] * np.outer(v[t], k[t])

    return _run(q, W, step)


@explained(RULE, READS + "\naux : (d_k,) array", aux="(d_k,) array: the sum of the keys before.")
def linear_attention(q, k, v, beta, decay, W, aux):
    """Linear transformer: s = s + v k^T, z = z + k, y = s q / z.q (Katharopoulos et al. 2020, equations 18 to 20).

    ``aux`` is z (d_k,). A read by a query that meets no key at all (0 / 0) is 0.

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> linear_attention(k, k, v, None, None, np.zeros((1, 2)), np.zeros(2))[0].tolist()
    [[1.0], [2.0]]
    """
    reads, states = _run(q, W, lambda W, t: W + np.outer(v[t], k[t]))
    reads, z = reads.astype(np.result_type(reads, aux)), aux
    for t in range(len(q)):
        z = z + k[t]
        size = np.sum(z * q[t])
        reads[t] = reads[t] / size if size != 0 else 0 * reads[t]
    return reads, states, z


@explained(
    RULE,
    rule="callable: another one of these.",
    beta="(T, d_v) or (T, n, d_v) array: write strengths of each value channel.",
    more="array: what else the rule takes.",
)
def per_channel(rule, q, k, v, beta, decay, W, *more):
    """A rule with one beta per value channel, (T, d_v) or (T, n, d_v): each row of W is a memory of its own.

    ``W_t = a W + diag(b) (v - a W k) k^T`` is, row by row, the rule on W_i with the values v_i and the numbers b_i.

    Examples
    --------
    >>> k, v = np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]])
    >>> per_channel(delta, k, k, v, np.array([[1.0, 0.5]]), None, np.zeros((2, 2)))[1].tolist()
    [[[1.0, 0.0], [0.5, 0.0]]]
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
