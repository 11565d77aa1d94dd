"""Update rules that carry more than W, that write themselves, or that have no W."""

import numpy as np

from synfwp.reference.documents import READS, RULE, explained


@explained(RULE, READS + "\naux : (d_k + 1,) array", aux="(d_k + 1,) array: mean and number of the keys before.")
def covariance(q, k, v, beta, decay, W, aux):
    """Covariance rule: W + b v (k - <k>)^T, y = W (q - <k>) (Sejnowski 1977, centred on the pre side alone).

    ``aux = (<k>, n)`` (d_k + 1,): the mean of the n keys before this run. <k> is that of the keys before the token, so
    each key moves it by ``(k - <k>) / n``, n counting that key, after its token. A key of zeros is none: it writes
    nothing and moves nothing; a query of zeros reads 0.

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> covariance(k, k, v, beta, None, np.zeros((1, 2)), np.zeros(3))[1].tolist()
    [[[1.0, 0.0]], [[1.0, 0.0]]]
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


@explained(
    RULE,
    READS + "\naux : (d_v, d_k) array",
    momentum="(T,) array: the share of the momentum that is kept per step.",
    aux="(d_v, d_k) array: the momentum before.",
)
def momentum_delta(q, k, v, beta, decay, W, momentum, aux):
    """Delta rule with momentum: M = mu M + b (v - W k) k^T, W = a W + M (Behrouz, Zhong & Mirrokni 2024).

    There M is S and W the memory, here a matrix, with half of their loss ``|W k - v|^2``; ``aux`` is M (d_v, d_k).

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> one = np.ones(2)
    >>> momentum_delta(k, k, v, beta, one, np.zeros((1, 2)), 0.5 * one, np.zeros((1, 2)))[1].tolist()
    [[[1.0, 0.0]], [[2.5, 0.0]]]
    """
    reads, states, M = [], [], aux
    for t in range(len(q)):
        retrieved = W @ k[t]
        M = momentum[t] * M + beta[t] * np.outer(v[t] - retrieved, k[t])
        W = decay[t] * W + M
        reads.append(W @ q[t])
        states.append(W)
    return np.reshape(reads, (len(q), len(W))), np.reshape(states, (len(q), *W.shape)), M


@explained(
    RULE,
    READS + "\naux : (d_k, d_k) array",
    ridge="(d_k,) array: added to the diagonal of H.",
    aux="(d_k, d_k) array: H before.",
)
def mesa(q, k, v, beta, decay, W, ridge, aux):
    """Mesa layer: G = a G + b v k^T, H = a H + b k k^T, W = G (H + ridge)^-1, y = W q (von Oswald et al. 2025).

    ``aux`` is H (d_k, d_k), of which the symmetric part counts; G starts so that the first W is the one passed.

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> one = np.ones(2)
    >>> mesa(k, k, v, beta, one, np.zeros((1, 2)), one, np.zeros((2, 2)))[1].round(3).tolist()
    [[[0.5, 0.0]], [[1.0, 0.0]]]
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


@explained(
    RULE,
    "reads : (T, d_y) array\nstates : (T, d_y + 2 d + 4, d) array",
    q="(T, d) array: phi(x).",
    W="(d_y + 2 d + 4, d) array: the matrix before the first step.",
)
def self_referential(q, k, v, beta, decay, W):
    """A matrix that writes itself (Irie, Schlag, Csordas & Schmidhuber 2022, equations 5 to 8); q is phi(x), (T, d).

    ``y, k, q, b = W x`` are parts of d_y, d, d and 4 rows of W, then ``W + sigmoid(b) (W phi(q) - W phi(k)) phi(k)^T``
    with phi = softmax and one b for the rows of each part. It has no ``k, v, beta`` but its own.

    Examples
    --------
    >>> x, W = np.array([[1.0, 0.0], [0.0, 1.0]]), np.arange(18.0).reshape(9, 2) / 10
    >>> self_referential(x, None, None, None, None, W)[0].round(4).tolist()
    [[0.0], [0.1]]
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


@explained(RULE, "reads : (T, d_v) array\nstates : None", W="None: it has none.")
def softmax(q, k, v, beta, decay, W):
    """Causal softmax attention without a scale (Vaswani et al. 2017, equation 1); it has no W.

    Examples
    --------
    >>> k, v, beta = np.array([[1.0, 0.0]] * 2), np.array([[1.0], [3.0]]), np.array([1.0, 0.5])
    >>> softmax(k, k, v, None, None, None)[0].tolist()
    [[1.0], [2.0]]
    """
    reads = np.empty((len(q), v.shape[1]), np.result_type(q, k, v))
    for t in range(len(q)):
        score = k[: t + 1] @ q[t]
        weight = np.exp(score - score.real.max())
        reads[t] = weight @ v[: t + 1] / weight.sum()
    return reads, None
