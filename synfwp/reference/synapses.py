"""Synapses between the change that a rule asks for and the weight that is read, one synapse and one draw at a time.

``step(W, t)`` is what the rule makes of the weights W (d_v, d_k) at token t, ``q`` (T, d_k) the queries; every function
gives the reads (T, d_v) and the weights after every token (T, d_v, d_k).
"""

import math

import numpy as np

from synfwp.reference.documents import SYNAPSES, explained


@explained(
    SYNAPSES,
    low="float: smallest weight.",
    high="float: largest weight.",
    soft="bool: whether changes shrink towards the bounds.",
)
def bounded_synapses(step, q, W, low, high, soft):
    """Hard bounds, or soft ones towards which a change shrinks, 1 in the middle (van Rossum, Shippi & Barrett 2012).

    Examples
    --------
    >>> q, W = np.eye(2)[:1], np.array([[0.5, 0.25]])
    >>> bounded_synapses(lambda W, t: W + [[1.0, -0.5]], q, W, -1.0, 1.0, False)[1].tolist()
    [[[1.0, -0.25]]]
    """

    def change(W, asked):
        for at in np.ndindex(W.shape):
            size = asked[at]
            if soft:
                size = size * (high - W[at] if size > 0 else W[at] - low) / ((high - low) / 2)
            W[at] = min(max(W[at] + size, low), high)
        return W

    return _run(step, q, W, change, lambda W: W)


@explained(
    SYNAPSES,
    bits="int: 2^bits levels.",
    span="float: the largest level.",
    when="str: 'read' or 'write': where a level is taken.",
)
def few_bit_synapses(step, q, W, bits, span, when, rng):
    """The 2^bits levels from -span to span: the nearest is read, or one of the two around is written by chance.

    Examples
    --------
    >>> q, W = np.eye(2)[:1], np.array([[0.5, 0.25]])
    >>> few_bit_synapses(lambda W, t: W + [[1.0, -0.5]], q, W, 2, 1.5, "read", None)[1].tolist()
    [[[1.5, -0.5]]]
    """
    levels = np.linspace(-span, span, 2**bits)

    def read(W):
        if when == "write":
            return W
        return np.array([[levels[::-1][np.argmin(np.abs(levels[::-1] - w))] for w in row] for row in W])

    def change(W, asked):
        for at in np.ndindex(W.shape):
            target = W[at] + asked[at]
            if when == "read":
                W[at] = target
            elif asked[at] != 0:
                W[at] = _by_chance(levels, target, rng)
        return W

    return _run(step, q, W, change, read)


@explained(
    SYNAPSES,
    signs="(d_k,) array: 1 or -1 for each key.",
)
def signed_synapses(step, q, W, signs):
    """Weights of a column have the sign of its key, or are 0 (Brunel et al. 2004).

    Examples
    --------
    >>> q, W = np.eye(2)[:1], np.array([[0.5, 0.25]])
    >>> signed_synapses(lambda W, t: W + [[1.0, -0.5]], q, W, np.ones(2))[1].tolist()
    [[[1.5, 0.0]]]
    """

    def change(W, asked):
        for i, j in np.ndindex(W.shape):
            new = W[i, j] + asked[i, j]
            W[i, j] = new if new * signs[j] > 0 else 0.0
        return W

    return _run(step, q, W, change, lambda W: W)


@explained(
    SYNAPSES,
    scale="float: the change that is taken for certain.",
)
def binary_synapses(step, q, W, scale, rng):
    """Two weights; the sign of the change is taken with probability ``|change| / scale`` (Amit & Fusi 1994).

    Examples
    --------
    >>> q, W = np.eye(2)[:1], np.array([[0.5, 0.25]])
    >>> binary_synapses(lambda W, t: W + [[1.0, -0.5]], q, W, 0.5, np.random.default_rng(0))[1].tolist()
    [[[0.5, -0.5]]]
    """
    size = np.abs(W).max()

    def change(W, asked):
        for at in np.ndindex(W.shape):
            if asked[at] != 0 and rng.random() < abs(asked[at]) / scale:
                W[at] = math.copysign(size, asked[at])
        return W

    return _run(step, q, W, change, lambda W: W)


@explained(
    SYNAPSES,
    sign="(d_v, d_k) array: 1 or -1, the weight of each synapse before.",
    level="(d_v, d_k) array of int: 1 to n, how deep it is.",
    n="int: levels.",
    x="float: the ratio of the rates of one level and the next.",
    scale="float: the change that is an event for certain.",
    weight="float: the size of a weight.",
)
def cascade_synapses(step, q, sign, level, n, x, scale, weight, rng):
    """Two weights with n levels of metaplasticity each (Fusi, Drew & Abbott 2005): q_k to switch, p_k to go deeper.

    Examples
    --------
    >>> q, sign, level = np.eye(2)[:1], np.array([[1.0, 1.0]]), np.ones((1, 2), int)
    >>> how = 3, 0.5, 0.5, 2.0, np.random.default_rng(0)
    >>> cascade_synapses(lambda W, t: W + [[1.0, -0.5]], q, sign, level, *how)[1].tolist()
    [[[2.0, -2.0]]]
    """

    def change(state, asked):
        sign, level = state
        for at in np.ndindex(sign.shape):
            if asked[at] == 0:
                continue
            k, chance, event = level[at], rng.random(), min(abs(asked[at]) / scale, 1)
            if sign[at] * asked[at] > 0:
                p = x**k / (1 - x) if k < n else 0
                level[at] += chance < p * event
            else:
                q = x ** (k - 1) if k < n else x ** (n - 1) / (1 - x)
                if chance < q * event:
                    sign[at], level[at] = -sign[at], 1
        return sign, level

    return _run(step, q, (sign, level), change, lambda state: state[0] * weight)


@explained(
    SYNAPSES,
    u="(m, d_v, d_k) array: the levels of the beakers before.",
    coupling="float: of the first tube, per token.",
    ratio="float: of the size of one beaker and the next.",
    bits="int or None: levels of a beaker; None: any.",
    span="float: the largest level, where there are bits.",
)
def benna_fusi_synapses(step, q, u, coupling, ratio, bits, span, rng):
    """Beakers of sizes C_i = ratio^(i-1), tubes g_i = coupling / ratio^(i-1) (Benna & Fusi 2016).

    ``C_i du_i`` is the sum of the flows, ``u`` (m, d_v, d_k). The change enters the first beaker; behind the last one
    the level is 0.

    Examples
    --------
    >>> q, u = np.eye(2)[:1], np.zeros((2, 1, 2))
    >>> benna_fusi_synapses(lambda W, t: W + [[1.0, -0.5]], q.repeat(2, 0), u, 0.25, 2.0, None, 1.0, None)[1].tolist()
    [[[1.0, -0.5]], [[1.75, -0.875]]]
    """
    m = len(u)
    size, tube = [ratio**i for i in range(m)], [coupling / ratio**i for i in range(m)]

    def change(u, asked):
        new = np.empty_like(u)
        for row in range(u.shape[1]):
            for i in range(m):
                for j in range(u.shape[2]):
                    beyond = u[i + 1, row, j] if i + 1 < m else 0.0
                    flow = tube[i] * (beyond - u[i, row, j])
                    flow += asked[row, j] if i == 0 else tube[i - 1] * (u[i - 1, row, j] - u[i, row, j])
                    new[i, row, j] = u[i, row, j] + flow / size[i]
                    if bits is not None:
                        new[i, row, j] = _by_chance(np.linspace(-span, span, 2**bits), new[i, row, j], rng)
        return new

    return _run(step, q, u, change, lambda u: u[0])


@explained(
    SYNAPSES,
    u="(heads, d_v, d_k) array: the heads before.",
    decays="(heads,) array: the share that each keeps per token.",
    combine="str: 'mean' or 'sum'.",
)
def fading_synapses(step, q, u, decays, combine):
    """Heads that take every change and fade at their own rate (Sun et al. 2023, equation 8); mean or sum is read.

    Examples
    --------
    >>> q, u = np.eye(2)[:1], np.ones((2, 1, 2))
    >>> fading_synapses(lambda W, t: W + [[1.0, -0.5]], q, u, (1.0, 0.5), "mean")[1].tolist()
    [[[1.75, 0.25]]]
    """

    def change(u, asked):
        return np.array([decay * head + asked for decay, head in zip(decays, u, strict=True)])

    return _run(step, q, u, change, lambda u: getattr(np, combine)(u, axis=0))


def _by_chance(levels, target, rng):
    """One of the two levels around a target, on average the target; its end beyond the grid."""
    chance, target = rng.random(), min(max(target, levels[0]), levels[-1])
    low = max(i for i in range(len(levels)) if levels[i] <= target)
    if low + 1 == len(levels):
        return levels[low]
    return levels[low + (chance < (target - levels[low]) / (levels[low + 1] - levels[low]))]


def _run(step, q, state, change, read):
    """All tokens, each of which changes and then reads."""
    reads, states = [], []
    for t in range(len(q)):
        W = np.array(read(state))
        state = change(state, step(W, t) - W)
        states.append(np.array(read(state)))
        reads.append(states[-1] @ q[t])
    return np.array(reads), np.array(states)
