"""Simulations of the price of spikes, of the stability of a step, of floors and of averages over random matrices."""

import numpy as np
from theory.simulations import cosine, simulated, units

from synfwp import theory
from synfwp.coefficients import coefficients
from synfwp.rules import DELTA, GATED_DELTA


def poisson_cosine(rng, n, features, spikes):
    """Cosine of counts with rates that are uniform up to a peak."""
    rate = rng.random((n, features))
    return cosine(rng.poisson(rate * spikes), rate)


@simulated(
    "count_cosine", {"one of the two": lambda spikes: 1 / np.sqrt(1 + 1.5 / spikes),
                     "rates all at the peak": lambda spikes: 1 / (1 + 1 / spikes)},
    {"spikes": 2.0}, {"spikes": 10.0}, draws=400,
)  # fmt: skip
def counts(rng, n, spikes):
    return poisson_cosine(rng, n, 200, spikes) * poisson_cosine(rng, n, 200, spikes)


@simulated(
    "trace_cosine", {"one neuron": lambda rho, T, tau: (1 + rho / T + (rho / tau) * (rho / T) / 4) ** -0.5,
                     "no pairs": lambda rho, T, tau: (1 + 2 * rho / T) ** -0.5},
    draws=20, rho=60.0, T=300.0, tau=5.0,
)  # fmt: skip
def traces(rng, n, rho, T, tau):
    """All pairs of two spike trains of each synapse, exp(-|dt| / tau), in steps of 1 ms; uniform rates."""
    steps = int(T)
    kernel = np.exp(-np.abs(np.subtract.outer(np.arange(steps), np.arange(steps))) / tau)
    found = []
    for _ in range(n):
        pre, post = (rng.random(60) * 1.5 / rho for _ in range(2))  # <r> / <r^2> = 1.5 / r_max
        a, b = (rng.poisson(np.tile(r, (steps, 1))) for r in (pre, post))
        found.append(cosine((b.T @ kernel @ a).ravel(), np.outer(post, pre).ravel()))
    return np.array(found)


RNG = np.random.default_rng(3)
KEYS, VALUES = RNG.uniform(0, 1, (10, 24)), RNG.standard_normal((10, 24))


@simulated(
    "hebb_agreement", {"twice the spikes": lambda k, v, spikes: theory.hebb_agreement(k, v, 2 * spikes)},
    {"spikes": 3.0}, {"spikes": 12.0}, draws=60, k=KEYS, v=VALUES,
)  # fmt: skip
def agreement(rng, n, k, v, spikes):
    """Centred correlation of the sum of outer products of counts with that of the rates; values push or pull."""
    k, v = k / k.max(), v / np.abs(v).max()
    ideal = (v.T @ k).ravel()
    found = []
    for _ in range(n):
        W = (np.sign(v) * rng.poisson(np.abs(v) * spikes)).T @ rng.poisson(k * spikes)
        found.append(np.corrcoef(W.ravel(), ideal)[0, 1])
    return np.array(found)


@simulated("matrix_floor", {"no half": lambda keys, d_dot: 1 - d_dot / keys,
                            "one feature more": lambda keys, d_dot: theory.matrix_floor(keys, d_dot + 1)},
           draws=20, keys=12, d_dot=5)  # fmt: skip
def floor(rng, n, keys, d_dot):
    q = rng.standard_normal((n, d_dot, keys))
    return 0.5 * np.square(np.eye(keys) - np.linalg.pinv(q) @ q).sum(axis=1).mean(axis=1)


@simulated("distinct_keys_floor", {"known values": lambda distinct, values, d_dot: 0.5 * (1 - d_dot / distinct[0]),
                                   "one feature more": lambda distinct, values, d_dot: theory.distinct_keys_floor(
                                       distinct, values, d_dot + 1)},
           draws=4000, distinct=np.array([8]), values=4, d_dot=3)  # fmt: skip
def distinct(rng, n, distinct, values, d_dot):
    q = rng.standard_normal((n, d_dot, distinct[0]))
    q[:, 0] = 1
    wanted = np.eye(values)[rng.integers(values, size=(n, distinct[0]))]
    return 0.5 * np.square(wanted - np.linalg.pinv(q) @ q @ wanted).sum(axis=(1, 2)) / distinct[0]


COUNTS = np.array([[3, 1, 1], [0, 2, 2], [9, 0, 0]])


def latest(rng, n):
    """For each key, one of its writes at random, as one-hot values (n, keys, values)."""
    order = (rng.random((n, 3, 1)) * COUNTS.sum(axis=1)[:, None] > COUNTS.cumsum(axis=1)).sum(axis=2)
    return np.eye(3)[order]


@simulated("order_blind_loss", {"no half": lambda counts: 2 * theory.order_blind_loss(counts),
                                "uniform": lambda counts: 0.5 * (1 - 1 / 3)}, draws=8000, counts=COUNTS)  # fmt: skip
def blind_loss(rng, n, counts):
    mean = counts / counts.sum(axis=1, keepdims=True)
    return 0.5 * np.square(latest(rng, n) - mean).sum(axis=2).mean(axis=1)


@simulated("order_blind_accuracy", {"of all writes": lambda counts: counts.max(axis=1).sum() / counts.sum()},
           draws=8000, counts=COUNTS)  # fmt: skip
def blind_accuracy(rng, n, counts):
    return (latest(rng, n).argmax(axis=2) == counts.argmax(axis=1)).mean(axis=1)


@simulated(
    "mean_sum", {"one row more": lambda f, rows, columns: theory.mean_sum(f, rows + 1, columns),
                 "a law of large matrices": lambda f, rows, columns: columns * f(rows)},
    draws=8000, f=lambda x: 1 / (1 + x), rows=7, columns=3,
)  # fmt: skip
def random_matrices(rng, n, f, rows, columns):
    return f(np.linalg.svd(rng.standard_normal((n, rows, columns)), compute_uv=False) ** 2).sum(axis=1)


KEY = np.array([0.5, -0.3, 0.9])


@simulated("transition", {"error first": lambda rule, k, beta, decay: decay * np.eye(3) - beta * np.outer(k, k),
                          "no decay": lambda rule, k, beta, decay: np.eye(3) - beta * np.outer(k, k)},
           draws=20, rule="gated_delta", k=KEY, beta=0.7, decay=0.9)  # fmt: skip
def one_step(rng, n, rule, k, beta, decay):
    """What a write of nothing makes of weights at random, solved for the matrix."""
    W = rng.standard_normal((n, 3, 3))
    after = decay * W - beta * (decay * W @ k)[..., None] * k
    return np.linalg.solve(W, after)


@simulated("transitions", {"error after the decay": lambda k: (0.9 * np.eye(3) - 0.7 * np.einsum(
               "ti,tj->tij", k, k))[None]},
           draws=20, k=np.array([KEY, KEY[::-1]]), call=lambda k: theory.transitions(coefficients(
               GATED_DELTA, k[None], np.full((1, 2), 0.7), np.full((1, 2), 0.9)), k[None]))  # fmt: skip
def two_steps(rng, n, k):
    return np.stack([one_step(rng, n, "", x, 0.7, 0.9) for x in k], axis=1)[:, None]


@simulated("step_ratio", {"no half": lambda beta: beta * KEY @ KEY,
                          "length": lambda beta: beta * (KEY @ KEY) ** 0.5 / 2}, draws=20, beta=1.2,
           call=lambda beta: theory.step_ratio(DELTA, KEY[None], np.array([beta]), None))  # fmt: skip
def ratio(rng, n, beta):
    """The step over the one from which weights grow: bisection on the norm after a step along the key."""
    low, high = np.zeros(n), np.full(n, 100.0)
    for _ in range(60):
        middle = (low + high) / 2
        grown = np.linalg.norm(KEY - middle[:, None] * (KEY @ KEY) * KEY, axis=1) > np.linalg.norm(KEY)
        low, high = np.where(grown, low, middle), np.where(grown, middle, high)
    return beta / low


RATES = np.array([1.0, 0.4, 0.7])


@simulated("stability_bound", {"exact keys": lambda k, spikes: 2 / (k @ k),
                               "no fourth moment": lambda k, spikes: 2 / (k @ k + k.sum() / spikes)},
           draws=60, k=RATES, spikes=3.0)  # fmt: skip
def mean_square(rng, n, k, spikes):
    """The beta at which the expected square of what a key predicts of itself stays: 2 E|n|^2 / E|n|^4."""
    square = np.square(rng.poisson(k * spikes, (n, 40000, 3)) / spikes).sum(axis=2)
    return 2 * square.mean(axis=1) / np.square(square).mean(axis=1)


@simulated("repeated_bound", {"one neuron": lambda spikes, neurons: theory.repeated_bound(spikes, 1),
                              "all spikes in one": lambda spikes, neurons: theory.repeated_bound(spikes * neurons, 1)},
           draws=40, spikes=3.0, neurons=2)  # fmt: skip
def repeated(rng, n, spikes, neurons):
    """Where the mean of the second moments of the weights gets an eigenvalue of 1: all of them that are symmetric."""
    found, B = [], np.array([[1, 0, 0], [0, 0.5**0.5, 0], [0, 0.5**0.5, 0], [0, 0, 1]])
    for _ in range(n):
        x = rng.poisson(spikes, (20000, neurons)) / spikes
        A = np.einsum("ti,tj->tij", x, x) / neurons
        linear = A.mean(axis=0)
        square = np.einsum("tij,tkl->ikjl", A, A).reshape(neurons**2, -1) / len(A)
        eye = np.eye(neurons)
        first = np.kron(linear, eye) + np.kron(eye, linear)
        bounds = np.linalg.eigvals(np.linalg.solve(B.T @ square @ B, B.T @ first @ B))
        found.append(min(b.real for b in bounds if abs(b.imag) < 1e-9 and b.real > 0.05))
    return np.array(found)


NORMS = np.array([0.4, 1.5, 0.9, 2.2])


@simulated("lyapunov_sum", {"without the absolute value": lambda squared_norms, beta, decay, d_key: -np.mean(
               beta * squared_norms) + d_key * np.log(decay),
               "decay once": lambda squared_norms, beta, decay, d_key: theory.lyapunov_sum(
                   squared_norms, beta, decay, 1)},
           draws=20, squared_norms=NORMS, beta=0.8, decay=0.95, d_key=5)  # fmt: skip
def exponents(rng, n, squared_norms, beta, decay, d_key):
    """The sum of the exponents of a product of transitions in directions at random, by QR."""
    Q, total = np.broadcast_to(np.eye(d_key), (n, d_key, d_key)), np.zeros(n)
    for size in squared_norms:
        k = units(rng, n, d_key) * np.sqrt(size)
        M = decay * (np.eye(d_key) - beta * k[:, :, None] * k[:, None])
        Q, R = np.linalg.qr(M @ Q)
        total += np.log(np.abs(np.einsum("nii->ni", R))).sum(axis=1)
    return total / len(squared_norms)
