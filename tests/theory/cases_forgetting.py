"""Simulations of what later writes leave of an item, of targets that drift, and of networks that forget."""

import numpy as np
from theory.simulations import cosine, signs, simulated, units

from synfwp import theory


def delta_run(rng, n, d, beta, age, writes, decay=1.0, erase=True):
    """One item and what is read of it: n sequences of unit keys and values; (signal, noise) of each."""
    W = np.zeros((n, d, d))
    for t in range(writes):
        k, v = units(rng, n, d), units(rng, n, d)
        if t == writes - 1 - age:
            kept = k, v
        error = v - (np.einsum("nij,nj->ni", W, k) if erase else 0)
        W = decay * W + beta * error[:, :, None] * k[:, None]
    read = np.einsum("nij,nj->ni", W, kept[0])
    signal = (read * kept[1]).sum(axis=1)
    return signal, np.square(read).sum(axis=1) - signal**2, np.square(read - kept[1]).sum(axis=1), W


@simulated(
    "delta_norm",
    {"1.1 beta": lambda beta, d_key: d_key * beta / (2 - 1.1 * beta),
     "d - 1": lambda beta, d_key: (d_key - 1) * beta / (2 - beta)},
    {"beta": 0.5}, {"beta": 1.5}, draws=3000, d_key=8,
)  # fmt: skip
def norm(rng, n, beta, d_key):
    return np.square(delta_run(rng, n, d_key, beta, 0, 100)[3]).sum(axis=(1, 2))


@simulated(
    "delta_signal",
    {
        "one write more": lambda age, d_key, beta: theory.delta_signal(age + 1, d_key, beta),
        "decay of the norm": lambda age, d_key, beta: beta * (1 - beta * (2 - beta) / d_key) ** (age / 2),
    },
    {"beta": 1.0}, {"beta": 0.5}, draws=4000, age=6, d_key=8,
)  # fmt: skip
def signal(rng, n, age, d_key, beta):
    return delta_run(rng, n, d_key, beta, age, 20)[0]


def noise_of_figures(age, d_key, beta, writes):
    """With moments to the fourth as if the features were independent: d (d + 2) becomes d^2."""
    b, d, F = beta, d_key, lambda t: d_key * beta / (2 - beta) * (1 - (1 - beta * (2 - beta) / d_key) ** t)
    x = b * b + (1 - b) ** 2 * F(writes - age - 1) / d
    for t in range(writes - age, writes):
        x = x * (1 - 2 * b / d) + b * b * F(t) / d**2 + b * b / d
    return x - (b * (1 - b / d) ** age) ** 2


@simulated(
    "delta_noise",
    {
        "independent features": lambda age, d_key, beta, writes: noise_of_figures(age, d_key, beta, writes or 60),
        "never stored": lambda age, d_key, beta, writes: beta / (2 - beta),
    },
    {"beta": 1.0, "writes": 12},
    {"beta": 0.6, "writes": 9},
    draws=30000,
    age=4,
    d_key=5,
)
@simulated(
    "delta_noise", {"few writes": lambda age, d_key, beta, writes: theory.delta_noise(age, d_key, beta, 6)},
    draws=30000, age=4, d_key=5, beta=0.8, writes=None,
)  # fmt: skip
def noise(rng, n, age, d_key, beta, writes):
    s, x, _, _ = delta_run(rng, n, d_key, beta, age, writes or 60)
    # the mean of s^2 is above the square of the mean: what is along the value beside the signal is noise too
    return x + s**2 - theory.delta_signal(age, d_key, beta) ** 2


@simulated(
    "delta_squared_error",
    {
        "one write fewer": lambda age, writes, d_key, beta: theory.delta_squared_error(age - 1, writes, d_key, beta),
        "many writes": lambda age, writes, d_key, beta: theory.delta_squared_error(age, 500, d_key, beta),
    },
    {"beta": 1.0}, {"beta": 0.5}, draws=30000, age=4, writes=9, d_key=6,
)  # fmt: skip
def squared_error(rng, n, age, writes, d_key, beta):
    return delta_run(rng, n, d_key, beta, age, writes)[2]


@simulated(
    "delta_lifetime",
    {"one more": lambda threshold, d_key, beta: theory.delta_lifetime(threshold, d_key, beta) + 1,
     "leaky Hebb": lambda threshold, d_key, beta: int(theory.leaky_lifetime(threshold, d_key))},
    {"beta": 0.7}, draws=20, threshold=1.0, d_key=8,
)  # fmt: skip
def lifetime(rng, n, threshold, d_key, beta):
    """The last age with enough signal over noise, of 4000 sequences in each draw, all ages of each."""
    found = []
    for _ in range(n):
        k, v, W = units(rng, 4000, 25, d_key), units(rng, 4000, 25, d_key), np.zeros((4000, d_key, d_key))
        for t in range(25):
            error = v[:, t] - np.einsum("nij,nj->ni", W, k[:, t])
            W += beta * error[:, :, None] * k[:, t, None]
        read = k[:, :12:-1] @ np.swapaxes(W, 1, 2)  # the newest first
        signal = (read * v[:, :12:-1]).sum(axis=2).mean(axis=0)
        enough = signal**2 >= threshold * (np.square(read).sum(axis=2).mean(axis=0) - signal**2)
        found.append(np.argmin(enough) - 1)
    return np.array(found)


def one_pass(rng, pairs, d, beta, values):
    """What is read of all pairs after one pass of the delta rule, and their values."""
    k, v, W = units(rng, pairs, d), signs(rng, pairs, values), np.zeros((values, d))
    for key, value in zip(k, v, strict=True):
        W += beta * np.outer(value - W @ key, key)
    return k @ W.T, v


@simulated(
    "delta_cosine", {"Hebb at half the load": lambda pairs, d_key, beta: theory.hebb_cosine(pairs // 2, d_key),
                     "the middle age": lambda pairs, d_key, beta: theory.delta_cosine(pairs // 2, d_key, beta)},
    {"beta": 1.0}, {"beta": 0.5}, draws=60, pairs=64, d_key=32,
)  # fmt: skip
def delta_cosines(rng, n, pairs, d_key, beta):
    return np.array([cosine(*one_pass(rng, pairs, d_key, beta, 128)).mean() for _ in range(n)])


@simulated(
    "delta_sign_error", {"Hebb at half the load": lambda pairs, d_key, beta: theory.hebb_sign_error(pairs // 2, d_key),
                         "the middle age": lambda pairs, d_key, beta: theory.delta_sign_error(pairs // 2, d_key, beta)},
    {"beta": 1.0}, {"beta": 0.2}, draws=60, pairs=64, d_key=32,
)  # fmt: skip
def delta_signs(rng, n, pairs, d_key, beta):
    return np.array([(np.sign(np.multiply(*one_pass(rng, pairs, d_key, beta, 128))) < 0).mean() for _ in range(n)])


@simulated(
    "leaky_snr", {"decay once": lambda age, d_key, decay: d_key * (1 - decay**2) * decay**age,
                  "1 - a": lambda age, d_key, decay: d_key * (1 - decay) * decay ** (2 * age)},
    draws=40, age=30, d_key=16, decay=0.98,
)  # fmt: skip
def leaky(rng, n, age, d_key, decay):
    """The overlaps of later and earlier keys with one key, whose value is not among the rest."""
    weights = decay ** np.arange(400)
    signal, weights[age] = weights[age], 0
    overlap = units(rng, n, 50, 400, d_key)[..., 0]
    return signal**2 / np.square(weights * overlap).sum(axis=2).mean(axis=1)


@simulated(
    "leaky_lifetime",
    {"d / theta": lambda threshold, d_key, decay: d_key / threshold / 2,
     "decay once": lambda threshold, d_key, decay: 2 * theory.leaky_lifetime(threshold, d_key, decay)},
    {"decay": None}, {"decay": 0.97}, draws=30, threshold=0.5, d_key=32,
)  # fmt: skip
def leaky_life(rng, n, threshold, d_key, decay):
    """Where the SNR falls to the threshold: the measured noise, and the longest life over decays."""
    found = []
    for _ in range(n):
        lives = []
        for a in [decay] if decay else 1 - np.geomspace(0.005, 0.08, 9):
            weights = a ** np.arange(int(8 / (1 - a)))
            overlap = units(rng, 4, len(weights), d_key)[..., 0]  # of the keys with one key
            x = np.square(weights * overlap).sum(axis=1).mean()
            lives.append(np.log(1 / (threshold * x)) / np.log(1 / a**2))
        found.append(np.max(lives) if decay else np.mean(sorted(lives)[-4:]))
    return np.array(found)


def forgetting_network(rng, units_, strength, ages):
    """Overlap of the state at rest with patterns of some ages, from these patterns."""
    many = int(14 / strength**2 * units_)
    xi = signs(rng, many, units_)
    weight = strength * np.exp(-(strength**2) * np.arange(many) / (2 * units_))
    J = (xi * weight[:, None]).T @ xi / units_
    np.fill_diagonal(J, 0)
    s = xi[ages].copy()
    for _ in range(12):
        for part in np.array_split(rng.permutation(units_), 8):
            s[:, part] = np.where(s @ J[:, part] >= 0, 1.0, -1.0)
    return (s * xi[ages]).mean(axis=1)


@simulated(
    "palimpsest_overlap",
    {"twice the decay": lambda age, strength: theory.palimpsest_overlap(2 * age, strength),
     "half the strength": lambda age, strength: theory.palimpsest_overlap(age, strength / 2)},
    draws=20, age=0.04, strength=4.1,
)  # fmt: skip
def overlap(rng, n, age, strength):
    found = [
        forgetting_network(rng, 500, strength, (500 * age + np.arange(-4, 5)).astype(int)).mean() for _ in range(n)
    ]  # fmt: skip
    return np.array(found)


@simulated(
    "palimpsest_capacity",
    {"equal weights": lambda strength: 0.138,
     "half the decay": lambda strength: 2 * theory.palimpsest_capacity(strength)},
    {"strength": 4.1}, draws=20,
)  # fmt: skip
def capacity(rng, n, strength):
    """The age up to which more than half of the patterns are attractors, of 400 units."""
    ages = np.arange(1, 40, 2)
    return np.array([2 * (forgetting_network(rng, 400, strength, ages) > 0.9).sum() / 400 for _ in range(n)])


def track(rng, n, step, d, noise, drift, keep, steps):
    """Mean squared error per component before each write, over the second half of the steps."""
    W, errors = np.zeros((n, d)), []
    target = rng.standard_normal((n, d)) * (0 if keep == 1 else drift / np.sqrt(1 - keep**2))
    for t in range(steps):
        if t > steps // 2:
            errors.append(np.square(target - W).mean(axis=1))
        k = units(rng, n, d)
        W = step(W, k, (target * k).sum(axis=1) + noise * rng.standard_normal(n))
        target = keep * target + drift * rng.standard_normal((n, d))
    return np.mean(errors, axis=0)


WALK, RETURN = {"keep": 1.0, "drift": 0.05}, {"keep": 0.95, "drift": 0.1}


@simulated(
    "delta_tracking_error",
    {
        "drift of one component": lambda drift, d_key, **a: theory.delta_tracking_error(
            drift=drift * (1 - 1 / d_key) ** 0.5, d_key=d_key, **a
        ),
        "beta for its square": lambda noise, beta, **a: theory.delta_tracking_error(
            noise=noise / beta**0.5, beta=beta, **a
        ),
    },
    WALK, {**RETURN, "decay": 0.95}, {**RETURN, "decay": 0.8}, {**RETURN, "decay": 1.0},
    draws=1500, beta=0.4, d_key=8, noise=0.3, decay=1.0,
)  # fmt: skip
def delta_tracking(rng, n, beta, d_key, noise, drift, keep, decay):
    def step(W, k, v):
        return decay * (W + beta * (v - (W * k).sum(axis=1))[:, None] * k)  # decayed, as the next write finds it

    return track(rng, n, step, d_key, noise, drift, keep, 240)


@simulated(
    "leaky_tracking_error",
    {"delta": lambda **a: theory.delta_tracking_error(**a),
     "no noise of the target": lambda **a: theory.leaky_tracking_error(**a) - a["beta"] ** 2 / 8 * 0.1},
    RETURN, draws=1500, beta=0.8, d_key=8, noise=0.3, decay=0.9,
)  # fmt: skip
def leaky_tracking(rng, n, beta, d_key, noise, drift, keep, decay):
    return track(rng, n, lambda W, k, v: decay * W + beta * v[:, None] * k, d_key, noise, drift, keep, 200)


def scalar_filter(d, noise, drift, keep, steps=300):
    """Write strengths of a filter with one uncertainty."""
    p, strengths = drift**2 / (1 - keep**2) if keep < 1 else 0.1, []
    for _ in range(steps):
        strengths.append(p / (p + noise**2))
        p = keep**2 * (p - p * p / (d * (p + noise**2))) + drift**2
    return strengths


@simulated(
    "scalar_kalman_error",
    {"another step": lambda **a: theory.delta_tracking_error(1.5 * theory.best_step(**a), decay=a["keep"], **a),
     "one feature": lambda d_key, **a: theory.scalar_kalman_error(d_key=d_key - 1, **a)},
    WALK, RETURN, draws=1500, d_key=8, noise=0.3,
)  # fmt: skip
def scalar_kalman(rng, n, d_key, noise, drift, keep):
    strengths = iter(scalar_filter(d_key, noise, drift, keep))

    def step(W, k, v):
        return keep * (W + next(strengths) * (v - (W * k).sum(axis=1))[:, None] * k)

    # the estimate moves with the target: the same as a decay of W before the next write
    return track(rng, n, step, d_key, noise, drift, keep, 240)


@simulated(
    "best_step",
    {"twice": lambda **a: 2 * theory.best_step(**a), "of one component": lambda d_key, **a: theory.best_step(1, **a)},
    WALK, RETURN, draws=30, d_key=8, noise=0.3,
)  # fmt: skip
def best(rng, n, d_key, noise, drift, keep):
    """The step of the filter with one uncertainty, after many steps, from uncertainties at random."""
    found = []
    for _ in range(n):
        p = rng.uniform(0.01, 1)
        for _ in range(3000):
            p = keep**2 * (p - p * p / (d_key * (p + noise**2))) + drift**2
        found.append(p / (p + noise**2))
    return np.array(found)


@simulated(
    "kalman_tracking_error",
    {"one uncertainty": lambda **a: theory.scalar_kalman_error(**a),
     "no return": lambda keep, **a: 1.1 * theory.kalman_tracking_error(keep=min(1.0, keep + 0.01), **a)},
    {"keep": 1.0, "drift": 0.02}, {"keep": 0.99, "drift": 0.08}, draws=20, d_key=32, noise=0.3,
)  # fmt: skip
def kalman(rng, n, d_key, noise, drift, keep):
    """The uncertainty of a filter with its whole covariance, a mean over its last steps."""
    P, found = np.broadcast_to(0.1 * np.eye(d_key), (n, d_key, d_key)).copy(), []
    for t in range(900):
        if t > 500:
            found.append(np.einsum("nii->n", P) / d_key)
        k = units(rng, n, d_key)
        g = np.einsum("nij,nj->ni", P, k)
        P -= g[:, :, None] * g[:, None] / (np.einsum("ni,ni->n", g, k) + noise**2)[:, None, None]
        P = keep**2 * P + drift**2 * np.eye(d_key)
    return np.mean(found, axis=0)


@simulated(
    "overwriting_accuracy",
    {"mean share": lambda writes, values: 1 / writes + (1 - 1 / writes) / values,
     "one write more": lambda writes, values: theory.overwriting_accuracy(writes + 1, values)},
    {"writes": 4}, {"writes": 7}, draws=40000, values=3,
)  # fmt: skip
def overwriting(rng, n, writes, values):
    written = rng.integers(values, size=(n, writes))
    return np.eye(values)[written].sum(axis=1).argmax(axis=1) == written[:, -1]
