"""Runs of spiking networks on a few items with overlapping keys, and their distance from the effective rule."""

from functools import lru_cache

import numpy as np
from scipy import stats

import synfwp as fw
from synfwp import coefficients
from synfwp.fastweights import run_coefficients

T, D_K, D_V = 6, 4, 3
BOUND = stats.norm.isf(stats.norm.sf(3.0) / 4)  # 3.4; with 500 runs and more the quantile of t is the same to 1 %


@lru_cache
def items(rule):
    """Overlapping keys of unit length, so that what is erased matters."""
    rng, row = np.random.default_rng(1), fw.get_rule(rule)
    k = rng.uniform(0.1, 1, (T, D_K))
    k /= np.linalg.norm(k, axis=1, keepdims=True)
    v, beta = rng.standard_normal((T, D_V)) + 1, rng.uniform(0.6, 1.0, T)
    shape = {None: None, "scalar": (T,), "key": (T, D_K)}[row.retain]
    return k, k, v, beta, None if shape is None else rng.uniform(0.7, 1.0, shape)


def effective_W(network, rule, gain=None):
    """W of the effective rule of a network; ``gain`` may change its gains."""
    q, k, v, beta, decay = (None if x is None else x[None] for x in items(rule))
    row = fw.get_rule(rule)
    c = network.effective(row, k, beta, decay, v)
    if gain is not None:
        g = network.gains(row)
        g = gain(g._replace(self_erasure=g.self_erasure * k.max()))
        c = network.setup(row).mechanism.effective(row, k, beta, decay, g)
    queries, keys = coefficients.read_queries(row, q, k), coefficients.written_keys(row, k)
    return run_coefficients(queries, keys, v, c, np.zeros((1, D_V, D_K))).W[0]


@lru_cache
def many_runs(network, rule, n):
    """W of n independent runs of the same items."""
    batch = [None if x is None else np.repeat(x[None], n, axis=0) for x in items(rule)]
    return network.run(fw.get_rule(rule), *batch, 7).W


def off_by(W, expected):
    """Largest distance of the mean of W (n, .) from ``expected`` in standard errors, over 4 fixed directions.

    The directions are that of ``expected`` and three drawn once: few, since noise has to be kept apart from the many
    chances that 12 entries would give it. 3 standard errors in one direction are passed with probability .0027; the
    bound of four (Bonferroni) is `BOUND` standard errors.
    """
    drawn = np.random.default_rng(5).standard_normal((3, *expected.shape))
    along = np.concatenate([expected[None] / np.linalg.norm(expected), drawn])
    found = np.einsum("nij,mij->nm", W - expected, along)
    return float(np.abs(found.mean(axis=0) / (found.std(axis=0, ddof=1) / np.sqrt(len(found)))).max())
