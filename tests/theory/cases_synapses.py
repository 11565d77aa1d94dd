"""Simulations of synapses with few states or many, of thresholds, of familiarity and of Hamming balls."""

import numpy as np
from scipy.optimize import linprog
from theory.simulations import signs, simulated

from synfwp import theory


def at_ages(name, make):
    """A formula by age with one of its arguments changed."""
    return lambda **given: theory.FORMULAS[name].function(**make(given))


def scaled(**factors):
    return lambda given: given | {name: given[name] * factor for name, factor in factors.items()}


def later(given):
    return given | {"age": np.asarray(given["age"]) + 1}


AGES = np.array([0, 1, 3, 8, 15])


def binary_overlap(rng, N, flip, ages):
    """Mean of w times the tracked changes, at each age."""
    w, found = signs(rng, N), []
    for t in range(max(ages) + 1):
        wanted = signs(rng, N)
        if t == 0:
            tracked = wanted
        w = np.where(rng.random(N) < flip, wanted, w)
        if t in ages:
            found.append((w * tracked).mean())
    return np.array(found)


@simulated(
    "binary_snr", {"one more": at_ages("binary_snr", later), "N": lambda age, synapses, flip: synapses * flip
                   * (1 - flip) ** age}, draws=40, age=AGES, synapses=4000, flip=0.2,
)  # fmt: skip
def binary(rng, n, age, synapses, flip):
    return np.array([binary_overlap(rng, synapses, flip, age) for _ in range(n)]) * np.sqrt(synapses)


@simulated(
    "binary_lifetime", {"without the first flip": lambda synapses, flip: np.log(np.sqrt(synapses)) / -np.log1p(-flip),
                        "N": lambda synapses, flip: theory.binary_lifetime(synapses**2, flip)},
    draws=60, synapses=40000, flip=0.15,
)  # fmt: skip
def binary_life(rng, n, synapses, flip):
    """Where a line through the logarithms of the SNR reaches 1."""
    ages, found = np.arange(12), []
    for _ in range(n):
        snr = np.sqrt(synapses) * binary_overlap(rng, synapses, flip, ages)
        slope, height = np.polyfit(ages, np.log(snr), 1, w=snr)
        found.append(-height / slope)
    return np.array(found)


def sparse_strength(rng, N, coding, ages):
    """SNR, at each age, of what a pattern wants of N synapses, each with two neurons of its own."""
    w, found = signs(rng, N), []
    for t in range(max(ages) + 1):
        wanted = np.prod((rng.random((2, N)) < coding) - coding, axis=0)
        if t == 0:
            tracked = wanted
        w = np.where(rng.random(N) < np.abs(wanted) / (1 - coding) ** 2, np.sign(wanted), w)
        if t in ages:
            found.append((w * tracked).sum())
    return np.array(found) / np.sqrt(N) / (coding * (1 - coding))


@simulated(
    "sparse_snr", {"one more": at_ages("sparse_snr", later),
                   "two of the four": lambda age, synapses, coding: np.sqrt(synapses) * coding / (1 - coding)
                   * (1 - 2 * coding**2) ** age}, draws=40, age=AGES, synapses=20000, coding=0.3,
)  # fmt: skip
def sparse_binary(rng, n, age, synapses, coding):
    return np.array([sparse_strength(rng, synapses, coding, age) for _ in range(n)])


@simulated(
    "sparse_lifetime", {"dense": lambda synapses, coding: theory.binary_lifetime(synapses, 4 * coding**2),
                        "first": lambda synapses, coding: np.log(np.sqrt(synapses)) / -np.log1p(-4 * coding**2)},
    draws=60, synapses=100_000, coding=0.25,
)  # fmt: skip
def sparse_life(rng, n, synapses, coding):
    """Where a line through the logarithms of the SNR reaches 1."""
    ages, found = np.arange(0, 9, 2), []
    for _ in range(n):
        snr = sparse_strength(rng, synapses, coding, ages)
        slope, height = np.polyfit(ages, np.log(snr), 1, w=snr)
        found.append(-height / slope)
    return np.array(found)


@simulated("frontier_lifetime", {"M": lambda synapses, states: np.sqrt(synapses) * states / np.e,
                                 "no e": lambda synapses, states: np.sqrt(synapses) * (states - 1)},
           {"synapses": 1e4}, {"synapses": 1e6}, draws=20, states=2)  # fmt: skip
def frontier(rng, n, synapses, states):
    """The longest of the lives of binary synapses, over chances of a flip at random."""
    flips = rng.uniform(1, 8, (n, 3000)) / np.sqrt(synapses)
    return (np.log(np.sqrt(synapses) * flips) / -np.log1p(-flips)).max(axis=1)


def cascade_population(rng, N, levels, ages, x=0.5):
    """Mean of the strengths times the tracked changes at each age: N synapses one by one, from equilibrium."""
    strong, level = rng.integers(2, size=N), rng.integers(1, levels + 1, size=N)
    found = []
    for t in range(max(ages) + 1):
        wanted = rng.integers(2, size=N)
        if t == 0:
            tracked = wanted
        chance, last = rng.random(N), level == levels
        flips = (strong != wanted) & (chance < np.where(last, x ** (levels - 1) / (1 - x), x ** (level - 1.0)))
        rises = (strong == wanted) & ~last & (chance < x**level / (1 - x))
        strong, level = np.where(flips, wanted, strong), np.where(flips, 1, level + rises)
        if t in ages:
            found.append(((2 * strong - 1) * (2 * tracked - 1)).mean())
    return np.array(found)


@simulated(
    "cascade_snr", {"one level more": at_ages("cascade_snr", lambda g: g | {"levels": g["levels"] + 1}),
                    "one more": at_ages("cascade_snr", later),
                    "other chances": at_ages("cascade_snr", lambda g: g | {"x": 0.45})},
    draws=30, age=np.array([0, 2, 6, 25]), synapses=20000, levels=4, x=0.5,
)  # fmt: skip
def cascade(rng, n, age, synapses, levels, x):
    return np.array([cascade_population(rng, synapses, levels, age, x) for _ in range(n)]) * np.sqrt(synapses)


@simulated(
    "cascade_lifetime", {"one later": lambda **a: theory.cascade_lifetime(**a) + 1,
                         "one level more": lambda levels, **a: theory.cascade_lifetime(levels=levels + 1, **a)},
    draws=20, synapses=1e5, levels=6,
)  # fmt: skip
def cascade_life(rng, n, synapses, levels):
    """The chances of all states, step by step, from a state at equilibrium; no eigenvalues."""
    weak, strong = np.full(levels, 1 / levels), np.zeros(levels)  # wanted: stronger
    flip, rise = 0.5 ** np.arange(levels), 0.5 ** np.arange(levels)
    flip[-1], rise[-1] = 0.5 ** (levels - 2), 0

    def change(up, low, high):
        a, b = (low, high) if up else (high, low)
        moved, risen = a * flip, b * rise
        a, b = a - moved, b - risen + np.concatenate([[moved.sum()], risen[:-1]])
        return (a, b) if up else (b, a)

    half = np.full(levels, 0.5 / levels)
    weak, strong = change(True, half, half)
    t = 0
    while np.sqrt(synapses) * (strong.sum() - weak.sum()) > 1:
        both = [change(up, weak, strong) for up in (True, False)]
        weak, strong = (np.mean([pair[i] for pair in both], axis=0) for i in (0, 1))
        t += 1
    return np.full(n, t - 1)


def chain_step(u, change):
    """One change of Benna and Fusi's chain, variables last."""
    i = np.arange(1, u.shape[-1] + 1)
    before = np.concatenate([u[..., :1], u[..., :-1]], axis=-1)
    after = np.concatenate([u[..., 1:], np.zeros_like(u[..., :1])], axis=-1)
    u = u + 2.0 ** (-2 * i) * (before - u) - 2.0 ** (-2 * i - 1) * (u - after)
    u[..., 0] += change
    return u


@simulated(
    "benna_fusi_snr", {"one more": at_ages("benna_fusi_snr", later),
                       "one variable more": at_ages("benna_fusi_snr", lambda g: g | {"variables": g["variables"] + 1})},
    draws=20, age=np.array([0, 1, 4, 16]), synapses=2000, variables=3,
)  # fmt: skip
def benna_fusi(rng, n, age, synapses, variables):
    """SNR of the mean over synapses, with the SD of one weight."""
    found = []
    for _ in range(n):
        u, snr = np.zeros((synapses, variables)), []
        for t in range(-250, max(age) + 1):
            change = signs(rng, synapses)
            if t == 0:
                tracked = change
            u = chain_step(u, change)
            if t in age:
                snr.append((u[:, 0] * tracked).mean() / np.sqrt(np.square(u[:, 0]).mean()))
        found.append(snr)
    return np.array(found) * np.sqrt(synapses)


@simulated(
    "benna_fusi_lifetime", {"one later": lambda **a: theory.benna_fusi_lifetime(**a) + 1,
                            "one variable fewer": lambda synapses, variables: theory.benna_fusi_lifetime(
                                synapses, variables - 1)},
    draws=20, synapses=1e4, variables=4,
)  # fmt: skip
def benna_fusi_life(rng, n, synapses, variables):
    """The answer of the chain to one change, step by step."""
    u, h = np.zeros(variables), []
    for t in range(20000):
        u = chain_step(u, 1.0 if t == 0 else 0.0)
        h.append(u[0])
    snr = np.sqrt(synapses / np.square(h).sum()) * np.array(h)
    return np.full(n, np.flatnonzero(snr > 1)[-1])


@simulated(
    "btsp_correlation", {"one share alone": lambda age, f_input, f_plateau: (1 - f_input) ** age,
                         "either": lambda age, f_input, f_plateau: ((1 - f_input) * (1 - f_plateau)) ** age},
    draws=60, age=np.array([1, 5, 20]), f_input=0.3, f_plateau=0.2,
)  # fmt: skip
def btsp(rng, n, age, f_input, f_plateau):
    found = []
    for _ in range(n):
        w = first = rng.integers(2, size=(100, 100))
        kept = []
        for t in range(1, max(age) + 1):
            touched = (rng.random(100) < f_plateau)[:, None] & (rng.random(100) < f_input)
            w = np.where(touched, rng.integers(2, size=w.shape), w)
            if t in age:
                kept.append(((2 * w - 1) * (2 * first - 1)).mean())
        found.append(kept)
    return np.array(found)


@simulated(
    "multi_decay", {"one head fewer": at_ages("multi_decay", lambda g: g | {"heads": g["heads"] - 1}),
                    "one more": at_ages("multi_decay", later)}, draws=20, age=np.array([1, 30, 200]), heads=6,
)  # fmt: skip
def heads_together(rng, n, age, heads):
    """Leaky sums, of which one item is read later."""
    rate = 2.0 ** (-5 - np.arange(heads))
    state, found = np.sqrt(rate), []
    for t in range(1, max(age) + 1):
        state = state - rate * state
        if t in age:
            found.append(state.sum() * np.log(2) / np.pi**0.5)
    return np.tile(found, (n, 1))


@simulated(
    "perceptron_feasible", {"P": lambda pairs, d_key: theory.perceptron_feasible(pairs + 1, d_key),
                            "with a bias": lambda pairs, d_key: theory.perceptron_feasible(pairs, d_key + 1)},
    {"pairs": 8}, draws=500, d_key=4,
)  # fmt: skip
def separable(rng, n, pairs, d_key):
    return np.array([solvable(signs(rng, pairs, 1) * rng.standard_normal((pairs, d_key)), None) for _ in range(n)])


@simulated(
    "dale_feasible", {"free signs": lambda pairs, d_key: theory.perceptron_feasible(pairs, d_key),
                      "one pair fewer": lambda pairs, d_key: theory.dale_feasible(pairs - 1, d_key)},
    {"pairs": 4}, {"pairs": 7}, draws=400, d_key=5,
)  # fmt: skip
def separable_with_signs(rng, n, pairs, d_key):
    return np.array([solvable(signs(rng, pairs, 1) * rng.standard_normal((pairs, d_key)), 0) for _ in range(n)])


def solvable(x, low):
    """Whether weights (of at least ``low``) give all of these a product of at least 1."""
    return linprog(np.zeros(x.shape[1]), A_ub=-x, b_ub=-np.ones(len(x)), bounds=(low, None)).status == 0


def sparse(rng, n, pairs, units, active):
    """Patterns with k of N units, (n, P, N)."""
    order = rng.random((n, pairs, units)).argsort(axis=2)
    return (order < active).astype(float)


def clipped(rng, n, pairs, units, active):
    x, y = (sparse(rng, n, pairs, units, active) for _ in range(2))
    return x, y, (np.swapaxes(y, 1, 2) @ x > 0).astype(float)


@simulated(
    "willshaw_fill", {"one pair more": lambda pairs, units, active: theory.willshaw_fill(pairs + 1, units, active),
                      "k / N": lambda pairs, units, active: 1 - (1 - active / units) ** pairs},
    draws=600, pairs=20, units=24, active=4,
)  # fmt: skip
def fill(rng, n, **given):
    return clipped(rng, n, **given)[2].mean(axis=(1, 2))


@simulated(
    "willshaw_spurious", {"independent synapses": lambda pairs, units, active: (units - active)
                          * theory.willshaw_fill(pairs, units, active) ** active,
                          "P": lambda pairs, units, active: theory.willshaw_spurious(pairs + 1, units, active)},
    draws=1500, pairs=20, units=24, active=4,
)  # fmt: skip
def spurious(rng, n, pairs, units, active):
    x, y, W = clipped(rng, n, pairs, units, active)
    return ((x @ np.swapaxes(W, 1, 2) >= active) & (y == 0)).sum(axis=2).mean(axis=1)


@simulated(
    "familiarity_capacity", {"the whole gap": lambda units, error: 4 * theory.familiarity_capacity(units, error),
                             "other noise": lambda units, error: theory.familiarity_capacity(units, error) / 2},
    draws=30, units=60, error=0.01,
)  # fmt: skip
def familiarity(rng, n, units, error):
    """From the gap and the SD of the energies at one load, with 2.326 SDs on each side at 1 %."""
    P, found = 80, []
    for _ in range(n):
        xi, new = signs(rng, P, units), signs(rng, 400, units)
        W = xi.T @ xi * (1 - np.eye(units))
        old, fresh = (np.einsum("pi,ij,pj->p", x, W, x) for x in (xi, new))
        z = (old.mean() - fresh.mean()) / (old.std() + fresh.std())
        found.append(P * z**2 / 2.3263**2)
    return np.array(found)


@simulated(
    "ball_overlap", {"one bit nearer": lambda distance, bits, radius: theory.ball_overlap(distance - 1, bits, radius),
                     "one ball": lambda distance, bits, radius: theory.ball_overlap(0, bits, radius)},
    {"distance": 3}, {"distance": 5}, draws=40000, bits=10, radius=4,
)  # fmt: skip
def balls(rng, n, distance, bits, radius):
    address = rng.integers(2, size=(n, bits))
    other = np.arange(bits) < distance
    return (address.sum(axis=1) <= radius) & ((address != other).sum(axis=1) <= radius)


@simulated(
    "ball_sharpness", {"another fit": lambda bits, radius: np.array(theory.ball_sharpness(bits, radius)) * [1, 1.05],
                       "no n / 2": lambda bits, radius: (theory.ball_sharpness(bits, radius)[0] * 2 / bits, -1)},
    draws=20, bits=14, radius=5,
)  # fmt: skip
def sharpness(rng, n, bits, radius):
    """A line through the logarithms of counted overlaps."""
    found, distance = [], np.arange(radius)
    for _ in range(n):
        address = rng.integers(2, size=(60000, bits), dtype=np.int8)
        first = address.sum(axis=1) <= radius
        shares = [(first & ((address != (np.arange(bits) < d)).sum(axis=1) <= radius)).mean() for d in distance]
        slope = np.polyfit(distance, np.log(shares), 1)[0]
        found.append((-slope * bits / 2, np.corrcoef(distance, np.log(shares))[0, 1]))
    return np.array(found)
