"""Simulations of what one write of each of P pairs leaves, and of what decoders make of it."""

import numpy as np
from theory.simulations import cosine, rates, reads, signs, simulated, units

from synfwp import theory

KEYS = rates(np.random.default_rng(1), 12, 8)
RELU = theory.RELU_OVERLAP


@simulated(
    "hebb_squared_error",
    {"P": lambda pairs, d_key: pairs / d_key, "d - 1": lambda pairs, d_key: (pairs - 1) / (d_key - 1)},
    draws=3000, pairs=6, d_key=8,
)  # fmt: skip
def squared_error(rng, n, pairs, d_key):
    k, v = units(rng, n, pairs, d_key), signs(rng, n, pairs, 16)
    return np.square(reads(k, v) - v).mean(axis=(1, 2))


def hebb(interference):
    return lambda pairs, d_key, overlap: 1 / np.sqrt(1 + interference(pairs, d_key, overlap))


@simulated(
    "hebb_cosine",
    {
        "P": hebb(lambda P, d, rho: P * (rho**2 + (1 - rho**2) / d)),
        "rho for its square": hebb(lambda P, d, rho: (P - 1) * ((rho if rho else 1) + 1 / d)),
        "no rho": hebb(lambda P, d, rho: (P - 1) / d if rho else (P - 1) / d**2),
    },
    {"pairs": 4, "d_key": 16, "overlap": 0.0}, {"pairs": 9, "d_key": 64, "overlap": RELU},
    draws=300,
)  # fmt: skip
def hebbian_cosine(rng, n, pairs, d_key, overlap):
    k, v = (rates if overlap else units)(rng, n, pairs, d_key), signs(rng, n, pairs, 128)
    return cosine(reads(k, v), v).mean(axis=1)


@simulated(
    "hebb_sign_error",
    {
        "P, and no overlap": lambda pairs, d_key, overlap: theory.hebb_sign_error(pairs + 1, d_key),
        "without the 2": lambda pairs, d_key, overlap: theory.hebb_sign_error((pairs + 1) / 2, d_key, overlap),
    },
    {"pairs": 16, "d_key": 16, "overlap": 0.0}, {"pairs": 16, "d_key": 64, "overlap": RELU},
    draws=2000,
)  # fmt: skip
def sign_errors(rng, n, pairs, d_key, overlap):
    k, v = (rates if overlap else units)(rng, n, pairs, d_key), signs(rng, n, pairs, 16)
    return (np.sign(reads(k, v)) != v).mean(axis=(1, 2))


@simulated(
    "covariance_cosine",
    {
        "the other query": lambda centred_query, **a: theory.covariance_cosine(centred_query=not centred_query, **a),
        "no mean taken off": lambda pairs, d_key, overlap, **_: theory.hebb_cosine(pairs, d_key, overlap),
    },
    {"centred_query": False}, {"centred_query": True}, draws=100, pairs=64, d_key=64, overlap=RELU,
)  # fmt: skip
def covariance(rng, n, pairs, d_key, overlap, centred_query):
    x, v = np.maximum(rng.standard_normal((n, pairs, d_key)), 0), signs(rng, n, pairs, 64)
    mean = 1 / np.sqrt(2 * np.pi)
    return cosine(reads(x - mean, v, x - mean if centred_query else x), v).mean(axis=1)


@simulated(
    "least_squares_cosine",
    {"no root": lambda pairs, d_key: d_key / pairs, "Hebb": theory.hebb_cosine},
    {"pairs": 96}, {"pairs": 24}, draws=40, d_key=32,
)  # fmt: skip
def least_squares(rng, n, pairs, d_key):
    k, v = units(rng, n, pairs, d_key), signs(rng, n, pairs, 64)
    return cosine(k @ (np.linalg.pinv(k) @ v), v).mean(axis=1)


@simulated("key_overlap", {"with own pairs": lambda keys: np.square(keys.mean(axis=0)).sum()}, draws=20000, keys=KEYS)
def overlaps(rng, n, keys):
    a, b = rng.integers(len(keys), size=n), rng.integers(1, len(keys), size=n)
    return (keys[a] * keys[(a + b) % len(keys)]).sum(axis=1)


def second_moment(keys, centred=False, **_):
    k = keys - centred * keys.mean(axis=0)
    C = k.T @ k / len(k)
    return np.square(C).sum() / np.trace(C) ** 2


@simulated(
    "key_interference",
    {"with own pairs": second_moment, "the other mean": lambda keys, centred, **_: second_moment(keys, not centred)},
    {"centred": False, "centred_query": True}, {"centred": True, "centred_query": True},
    {"centred": True, "centred_query": False}, draws=2000, keys=KEYS,
)  # fmt: skip
def interference(rng, n, keys, centred, centred_query):
    """The noise of reads by each of the keys, for each of the other pairs, over the mean signal."""
    w = keys - centred * keys.mean(axis=0)
    q = w if centred_query else keys
    v = signs(rng, n, len(keys), 8)
    signal = (w * q).sum(axis=1)
    noise = reads(np.broadcast_to(w, (n, *w.shape)), v, np.broadcast_to(q, (n, *q.shape))) - signal[:, None] * v
    return np.square(noise / signal.mean()).mean(axis=(1, 2)) / (len(keys) - 1)


@simulated(
    "effective_dimension", {"with own pairs": lambda keys, centred: 1 / second_moment(keys, centred)},
    draws=2000, seen=np.reciprocal, keys=KEYS, centred=False,
)  # fmt: skip
def dimension(rng, n, keys, centred):
    return interference(rng, n, keys, centred, True)


def kernel_noise(rng, n, kappa, d, pairs=2):
    """Squared noise of a read over its squared signal, values of unit variance."""
    x = (units(rng, n, pairs - 1, d) * units(rng, n, 1, d)).sum(axis=-1)
    noise = (kappa(x)[..., None] * signs(rng, n, pairs - 1, 8)).sum(axis=1) / kappa(np.ones(1))
    return np.square(noise).mean(axis=1)


@simulated(
    "power_interference",
    {
        "d + 1": lambda d_key, degree: np.prod([(2 * i + 1) / (d_key + i) for i in range(degree)]) if degree > 1 else 1,
        "independent features": lambda d_key, degree: np.prod([2 * i + 1.5 for i in range(degree)]) / d_key**degree,
    },
    {"degree": 1}, {"degree": 2}, draws=40000, d_key=8,
)  # fmt: skip
def power(rng, n, d_key, degree):
    return kernel_noise(rng, n, lambda x: x**degree, d_key)


@simulated(
    "exponential_interference",
    {
        "half the sharpness": lambda d_key, sharpness: theory.exponential_interference(d_key, sharpness / 2),
        "one feature fewer": lambda d_key, sharpness: theory.exponential_interference(d_key - 1, sharpness),
        "normal products": lambda d_key, sharpness: np.exp(2 * sharpness**2 / d_key - 2 * sharpness),
    },
    draws=100000, d_key=8, sharpness=2.0,
)  # fmt: skip
def exponential(rng, n, d_key, sharpness):
    return kernel_noise(rng, n, lambda x: np.exp(sharpness * x), d_key)


def bent(x):
    return x + 0.5 * x**2


@simulated(
    "kernel_interference",
    {"one feature more": lambda kernel, d_key: theory.kernel_interference(kernel, d_key + 1)},
    {"d_key": 7}, {"d_key": 2}, draws=40000, kernel=bent,
)  # fmt: skip
def any_kernel(rng, n, kernel, d_key):
    return kernel_noise(rng, n, kernel, d_key)


@simulated(
    "kernel_snr", {"P": lambda pairs, interference: 1 / (pairs * interference)},
    draws=20000, seen=np.reciprocal, pairs=6, interference=3 / 80,
)  # fmt: skip
def ratio(rng, n, pairs, interference):
    return kernel_noise(rng, n, np.square, 8, pairs)


@simulated(
    "kernel_load", {"P": lambda snr, interference: 1 / (snr * interference)},
    draws=40000, seen=lambda P: 1 / (P - 1), snr=2.0, interference=3 / 80,
)  # fmt: skip
def load(rng, n, snr, interference):
    return snr * kernel_noise(rng, n, np.square, 8)


@simulated("snr_cosine", {"no root": lambda snr: snr / (1 + snr)}, {"snr": 0.5}, {"snr": 4.0}, draws=2000)
def cosine_at(rng, n, snr):
    v = signs(rng, n, 64)
    return cosine(v + rng.standard_normal((n, 64)) / np.sqrt(snr), v)


def argmax(rng, n, pairs, d_key, d_value, candidates=None):
    found = []
    for _ in range(n):
        table = units(rng, candidates or pairs, d_value)
        at = rng.integers(candidates, size=pairs) if candidates else np.arange(pairs)
        right = (reads(units(rng, pairs, d_key), table[at]) @ table.T).argmax(axis=1) == at
        found.append(right.mean())
    return np.array(found)


@simulated(
    "argmax_accuracy",
    {
        "P for V": lambda pairs, d_key, d_value, candidates=None: theory.argmax_accuracy(
            4 * pairs, d_key, d_value, candidates
        ),
        "the other candidates": lambda pairs, d_key, d_value, candidates=None: theory.argmax_accuracy(
            pairs, 4 * d_key if candidates is None else d_key // 2, d_value, candidates
        ),
    },
    {"pairs": 25, "d_key": 16, "d_value": 16}, {"pairs": 102, "d_key": 32, "d_value": 32},
    {"pairs": 100, "d_key": 32, "d_value": 64}, {"pairs": 100, "d_key": 64, "d_value": 32},
    {"pairs": 512, "d_key": 64, "d_value": 64}, {"pairs": 200, "d_key": 64, "d_value": 64, "candidates": 1000},
    draws=20,
)  # fmt: skip
def accuracy(rng, n, **given):
    return argmax(rng, n if given["pairs"] > 90 else 20 * n, **given)


@simulated(
    "stored_accuracy",
    {"no overlap of the key": lambda pairs, d_key, d_value: theory.argmax_accuracy(pairs, d_key, d_value, pairs) + 0.2},
    {"pairs": 25, "d_key": 16, "d_value": 16}, {"pairs": 256, "d_key": 64, "d_value": 64}, draws=20,
)  # fmt: skip
def stored(rng, n, **given):
    return accuracy(rng, n, **given)


@simulated(
    "bits_per_synapse",
    {
        "natural logarithm": lambda pairs, d_key, error: pairs / d_key
        * (1 + error * np.log(error) + (1 - error) * np.log(1 - error)),
        "share of right signs": lambda pairs, d_key, error: pairs / d_key * (1 - error),
    },
    draws=200, pairs=96, d_key=64, error=0.12,
)  # fmt: skip
def bits(rng, n, pairs, d_key, error):
    """Mutual information of what was stored and what is read, from counts; P / d of it serves a synapse."""
    v, turned = rng.integers(2, size=(n, 40000)), rng.random((n, 40000)) < error
    joint = np.stack([((v == a) & ((v ^ turned) == b)).mean(axis=1) for a in (0, 1) for b in (0, 1)]).reshape(2, 2, n)
    alone = joint.sum(axis=1)[:, None] * joint.sum(axis=0)[None]
    return pairs / d_key * (joint * np.log2(joint / alone)).sum(axis=(0, 1))


@simulated(
    "sign_weights_error", {"all of the weight": lambda pairs, d_key: theory.hebb_sign_error(pairs + 1, d_key)},
    {"pairs": 25, "d_key": 51}, {"pairs": 60, "d_key": 31}, draws=300,
)  # fmt: skip
def clipped(rng, n, pairs, d_key):
    k, v = signs(rng, n, pairs, d_key), signs(rng, n, pairs, 33)
    W = np.sign(np.swapaxes(v, 1, 2) @ k + 1e-6 * signs(rng, n, 33, d_key))
    return (np.sign(k @ np.swapaxes(W, 1, 2)) != v).mean(axis=(1, 2))


@simulated(
    "least_squares_sign_error",
    {"P for P - d": lambda pairs, d_key: theory.hebb_sign_error(pairs + 1, d_key)},
    {"pairs": 64}, {"pairs": 128}, draws=40, d_key=32,
)  # fmt: skip
def least_squares_signs(rng, n, pairs, d_key):
    k, v = units(rng, n, pairs, d_key), signs(rng, n, pairs, 64)
    return (np.sign(k @ (np.linalg.pinv(k) @ v)) != v).mean(axis=(1, 2))
