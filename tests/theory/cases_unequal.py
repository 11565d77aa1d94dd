"""Simulations of keys that are not alike."""

import numpy as np
from theory.simulations import cosine, reads, signs, simulated

from synfwp import theory

UNEQUAL = np.random.default_rng(2).standard_normal((600, 32)) / np.sqrt(np.arange(1.0, 33))
KEYS = UNEQUAL / np.linalg.norm(UNEQUAL, axis=1, keepdims=True)


@simulated(
    "unequal_cosine",
    {
        "at the mean interference": lambda keys, pairs, **_: theory.snr_cosine(
            theory.kernel_snr(pairs, 1.3 * theory.key_interference(keys))
        ),
        "random directions": lambda keys, pairs, **_: theory.hebb_cosine(pairs, keys.shape[1]),
    },
    {"pairs": 8}, {"pairs": 64}, draws=100, keys=KEYS,
)  # fmt: skip
def unequal(rng, n, keys, pairs):
    k, v = keys[rng.permuted(np.tile(np.arange(len(keys)), (n, 1)), axis=1)[:, :pairs]], signs(rng, n, pairs, 128)
    return cosine(reads(k, v), v).mean(axis=1)


@simulated(
    "unequal_cosine",
    {"the other query": lambda keys, pairs, centred_query, **_: theory.unequal_cosine(keys, pairs, True, True)},
    draws=100, keys=np.maximum(KEYS + 0.2, 0), pairs=32, centred=True, centred_query=False,
)  # fmt: skip
def unequal_centred(rng, n, keys, pairs, centred, centred_query):
    k, v = keys[rng.integers(len(keys), size=(n, pairs))], signs(rng, n, pairs, 128)
    return cosine(reads(k - keys.mean(axis=0), v, k), v).mean(axis=1)
