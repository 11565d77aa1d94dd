"""Recurrent programmers, step by step."""

import numpy as np


def recurrent(phi, norm, heads, rule, drive, R, inner, R_hidden, w, beta_max, d_key, d_value):
    """One layer on one sequence; reads (M, T, d_v) of its matrices. Two matrices for each head make a Delta-RNN.

    ``z = drive_t + R f`` with ``f = tanh(y_(t-1))``, or ``f = relu(inner_t + R_hidden tanh(y_(t-1)))`` with hidden
    units, holds queries of all heads, then keys, values, betas and decays of all matrices (Irie et al. 2021, recurrent
    fast weight programmers). ``rule = (matrices, sign, erase, decay, first)``: each matrix is written
    ``W = W diag(a) + b (sign v - W k') k^T``, where k' is ``a k`` (decay first), k, or nothing to erase; decay is None,
    "scalar" or "key". A Delta-RNN asks its
    second matrices with the last read, ``y_t = W_t q_t + R_t norm(phi(y_(t-1)))``, and no read enters z.
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
