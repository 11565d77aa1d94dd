"""Linear rules through synapses that are more than a number: one sequence, a synapse's own state behind every weight.

With x the weight that is read, one step of a row of W is

    dW = (a - 1) x + write v k - erase (x . p) r          what the rule asks for (p = r = k where it has no others)
    state, x = the synapse's own update of its state by dW, and what is read of it
    y = x . q

A token that sends no change (``active`` is 0) leaves every state alone and is read only. Rows never meet: kinds without
draws run blocks of rows through all time, so that their states stay in the cache; kinds with draws run all rows step by
step, which is the order in which NumPy draws. A draw is made for each synapse with ``dW != 0`` (BENNA_FUSI_BITS: for
every variable of every synapse).
"""

import math

import numpy as np

from synfwp.kernels._jit import inline_kernel, kernel, restrict_kernel

BOUNDS, READ_BITS, WRITE_BITS, DALE, BINARY, CASCADE, BENNA_FUSI, BENNA_FUSI_BITS, MULTI_DECAY = range(9)


@inline_kernel
def _nearest(u, span, step):
    """The level of a grid from -span to span that is nearest; from the middle between two, the upper one."""
    at = np.floor((min(max(u, -span), span) + span) / step + 0.5)
    return at * step - span


@inline_kernel
def _drawn(rng, u, span, step):
    """One of the two levels around u, so that the mean is u; beyond the grid, its end."""
    at = (min(max(u, -span), span) + span) / step
    low = np.floor(at)
    if rng.random() < at - low:
        low += 1
    return low * step - span


@inline_kernel
def _bounded(rates, u, dw, x):
    """One number between bounds; soft: a change shrinks as its bound comes near."""
    low, high, soft = rates[0, 0], rates[0, 1], rates[0, 2]
    for j in range(len(x)):
        change = dw[j]
        if soft != 0:
            if change > 0:
                change *= 2 * (high - u[0, j]) / (high - low)
            else:
                change *= 2 * (u[0, j] - low) / (high - low)
        u[0, j] = min(max(u[0, j] + change, low), high)
        x[j] = u[0, j]


@inline_kernel
def _read_bits(rates, u, dw, x):
    """A number that is read in so many bits."""
    for j in range(len(x)):
        u[0, j] += dw[j]
        x[j] = _nearest(u[0, j], rates[0, 0], rates[0, 1])


@inline_kernel
def _write_bits(rng, rates, u, dw, x):
    """A level of a grid that moves by chance, on average by dW."""
    for j in range(len(x)):
        if dw[j] != 0:
            u[0, j] = _drawn(rng, u[0, j] + dw[j], rates[0, 0], rates[0, 1])
            x[j] = u[0, j]


@inline_kernel
def _dale(rates, u, dw, x):
    """A number with the sign of its presynaptic neuron."""
    for j in range(len(x)):
        u[0, j] = rates[0, j] * max(rates[0, j] * (u[0, j] + dw[j]), 0)
        x[j] = u[0, j]


@inline_kernel
def _binary(rng, rates, level, dw, x):
    """Two states; dW decides which one comes next, its size how likely."""
    for j in range(len(x)):
        if dw[j] != 0:
            sign = 2 * int(dw[j] > 0) - 1
            level[j] = sign if rng.random() * rates[0, 0] < abs(dw[j]) else level[j]
            x[j] = level[j] * rates[0, 1]


@inline_kernel
def _draw(rng, dw, chance):
    """A number in [0, 1) for each synapse with a change; 2, which nothing is as likely as, for the others."""
    for j in range(len(dw)):
        chance[j] = 2
        if dw[j] != 0:
            chance[j] = rng.random()


@restrict_kernel
def _cascade(scale, weight, table, level, dw, chance, x):
    """Levels 1..n of either sign: deeper where dW confirms the sign, else to level 1 of the other.

    ``table`` is by level in the direction of dW, from -n to n. Selections alone, and 32 bits: so it is vectorised.
    """
    middle, one, zero = len(table) // 2, np.int32(1), np.int32(0)
    for j in range(len(x)):
        sign = np.int32(math.copysign(np.float32(1), dw[j]))
        at = sign * np.int32(level[j])
        likely = table[np.uint32(middle + at)] * min(abs(dw[j]), scale)
        now = sign * (max(at, zero) + one) if chance[j] * scale < likely else np.int32(level[j])
        level[j] = now
        x[j] = math.copysign(weight, np.float32(now))


@restrict_kernel
def _beaker(down, up, u, beyond, flow):
    """One beaker of a row: what comes from the one before, what goes to the next; ``flow`` is passed on."""
    for j in range(len(flow)):
        f = u[j] - beyond[j]
        u[j] += up * flow[j] - down * f
        flow[j] = f


@inline_kernel
def _benna_fusi(rates, u, dw, flow, x):
    """A chain of beakers: dW enters the first, each levels with its neighbours, the last leaks."""
    last = len(u) - 1
    for j in range(len(x)):
        flow[j] = dw[j]
    for i in range(last):
        _beaker(rates[0, i], rates[1, i], u[i], u[i + 1], flow)
    down, up = rates[0, last], rates[1, last]
    for j in range(len(x)):
        u[last, j] += up * flow[j] - down * u[last, j]
        x[j] = u[0, j]


@inline_kernel
def _benna_fusi_bits(rng, rates, u, dw, flow, x):
    """The same, every variable on a grid: after the update each takes one of the two levels around it by chance."""
    _benna_fusi(rates, u, dw, flow, x)
    for i in range(len(u)):
        for j in range(len(x)):
            u[i, j] = _drawn(rng, u[i, j], rates[2, 0], rates[2, 1])
    for j in range(len(x)):
        x[j] = u[0, j]


@inline_kernel
def _multi_decay(rates, u, dw, x):
    """Several numbers that take every dW and fade each at its own rate; their sum is read, times a factor."""
    for j in range(len(x)):
        x[j] = 0
    for i in range(len(u)):
        keep = rates[0, i]
        for j in range(len(x)):
            u[i, j] = keep * u[i, j] + dw[j]
            x[j] += u[i, j]
    for j in range(len(x)):
        x[j] *= rates[1, 0]


@inline_kernel
def _change(erases, decays, i, write, erase, v, k, p, r, decay, x, dw):
    """What the rule asks of row i: dW from the weights x that are read."""
    c = (write[0] if len(write) == 1 else write[i]) * v[i]
    for j in range(len(x)):
        dw[j] = c * k[j]
    if erases:
        s = x.dtype.type(0)
        for j in range(len(x)):
            s += x[j] * p[j]
        s *= erase[0] if len(erase) == 1 else erase[i]
        for j in range(len(x)):
            dw[j] -= s * r[j]
    if decays:
        if len(decay) == 1:
            a = decay[0] - 1
            for j in range(len(x)):
                dw[j] += a * x[j]
        else:
            for j in range(len(x)):
                dw[j] += (decay[j] - 1) * x[j]


@kernel
def run(
    rng, kind, rates, table, block, active, q, k, v, write, erase, p, r, decay, erases, decays, u, level, x, y, states,
    every,
):  # fmt: skip
    """One sequence: x (d_v, d_k) goes from the first weights read to the last in place, and so do the states.

    ``u`` (d_v, variables, d_k) or ``level`` (d_v, d_k) int8 holds the states; ``rates`` (3, .) and ``table``
    (2 levels + 1,), the parameters of the kind. ``write`` and ``erase`` (T, 1 or d_v), ``decay`` (T, 1 or d_k); ``y``
    (T, d_v) is filled, and ``states`` with every so many x (0: none).
    """
    T, d_k, d_v = len(k), k.shape[1], v.shape[1]
    dw = np.empty(d_k, x.dtype)
    flow = np.empty(d_k, x.dtype)
    chance = np.empty(d_k)
    for first in range(0, d_v, block):
        last = min(first + block, d_v)
        for t in range(T):
            for i in range(first, last):
                xi = x[i]
                if active[t]:
                    _change(erases, decays, i, write[t], erase[t], v[t], k[t], p[t], r[t], decay[t], xi, dw)
                    if kind == BOUNDS:
                        _bounded(rates, u[i], dw, xi)
                    elif kind == READ_BITS:
                        _read_bits(rates, u[i], dw, xi)
                    elif kind == WRITE_BITS:
                        _write_bits(rng, rates, u[i], dw, xi)
                    elif kind == DALE:
                        _dale(rates, u[i], dw, xi)
                    elif kind == BINARY:
                        _binary(rng, rates, level[i], dw, xi)
                    elif kind == CASCADE:
                        _draw(rng, dw, chance)
                        _cascade(rates[0, 0], rates[0, 1], table, level[i], dw, chance, xi)
                    elif kind == BENNA_FUSI:
                        _benna_fusi(rates, u[i], dw, flow, xi)
                    elif kind == BENNA_FUSI_BITS:
                        _benna_fusi_bits(rng, rates, u[i], dw, flow, xi)
                    else:
                        _multi_decay(rates, u[i], dw, xi)
                read = x.dtype.type(0)
                for j in range(d_k):
                    read += xi[j] * q[t, j]
                y[t, i] = read
            if every > 0 and (t + 1) % every == 0:
                for i in range(first, last):
                    states[(t + 1) // every - 1, i] = x[i]
