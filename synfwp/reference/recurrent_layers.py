"""Recurrent programmers, step by step."""

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="(M, T, d_v) array\n    Reads of the M matrices.",
    phi="str: identity, relu or elu_plus_one: the feature map.",
    norm="str: none, l2 or sum: of the features.",
    heads="int: heads.",
    rule="tuple: (matrices, sign, erase, decay, first), as above.",
    drive="(T, P) array: what enters z from outside.",
    R="(P, heads d_v) array: from the last reads, or (P, hidden) from hidden units, to z.",
    inner="(T, hidden) array or None: what enters the hidden units.",
    R_hidden="(hidden, heads d_v) array: from the last reads to the hidden units.",
    w="(T,) array: 1 where there is a token, 0 where there is padding.",
    beta_max="float: the largest write strength.",
    d_key="int: entries of a key.",
    d_value="int: entries of a value.",
)
def recurrent(phi, norm, heads, rule, drive, R, inner, R_hidden, w, beta_max, d_key, d_value):
    """One layer on one sequence; reads (M, T, d_v) of its matrices. Two matrices for each head make a Delta-RNN.

    ``z = drive_t + R f`` with ``f = tanh(y_(t-1))``, or ``f = relu(inner_t + R_hidden tanh(y_(t-1)))`` with hidden
    units, holds queries of all heads, then keys, values, betas and decays of all matrices (Irie et al. 2021, recurrent
    fast weight programmers). ``rule = (matrices, sign, erase, decay, first)``: each matrix is written
    ``W = W diag(a) + b (sign v - W k') k^T``, where k' is ``a k`` (decay first), k, or nothing to erase; decay is None,
    "scalar" or "key". A Delta-RNN asks its
    second matrices with the last read, ``y_t = W_t q_t + R_t norm(phi(y_(t-1)))``, and no read enters z.

    Examples
    --------
    >>> drive, R = np.array([[1.0, 1.0, 2.0, 0.0]] * 2), np.zeros((4, 1))
    >>> hebb = (1, 1.0, False, None, False)
    >>> recurrent("identity", "none", 1, hebb, drive, R, None, None, np.ones(2), 1.0, 1, 1).ravel().tolist()
    [1.0, 2.0]
    """
    matrices, sign, erase, decay, first = rule

    def features(x):
        maps = {"identity": x, "relu": x * (x.real > 0), "elu_plus_one": np.where(x.real > 0, x + 1, np.exp(x))}
        f = maps[phi]
        size = {"none": 1.0, "l2": np.sqrt(np.sum(f * f)), "sum": np.sum(f)}[norm]
        return f if size == 0 else f / size

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    W, last, found = np.zeros((matrices, d_value, d_key), drive.dtype), np.zeros(heads * d_value, drive.dtype), []
    edges = np.cumsum([heads * d_key, matrices * d_key, matrices * d_value, matrices])
    for t in range(len(drive)):
        z = drive[t]
        if matrices == heads:
            f = np.tanh(last)
            if inner is not None:
                f = inner[t] + R_hidden @ f
                f = f * (f.real > 0)
            z = z + R @ f
        q, k, v, b, a = np.split(z, edges)
        queries = q.reshape(heads, d_key)
        if matrices > heads:
            queries = np.concatenate([queries, last.reshape(heads, d_value)])
        reads = []
        for m in range(matrices):
            key = w[t] * features(k.reshape(matrices, d_key)[m])
            value = w[t] * v.reshape(matrices, d_value)[m]
            strength = w[t] * beta_max * sigmoid(b[m])
            keep = np.ones(d_key) if decay is None else sigmoid(a.reshape(matrices, -1)[m]) * np.ones(d_key)
            seen = W[m] @ (keep * key if first else key) if erase else 0
            W[m] = W[m] * keep + strength * np.outer(sign * value - seen, key)
            reads.append(W[m] @ features(queries[m]))
        last = np.sum(np.reshape(reads, (matrices // heads, heads * d_value)), axis=0)
        found.append(reads)
    return np.swapaxes(found, 0, 1)
