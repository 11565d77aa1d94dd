"""Errors that neurons of a low baseline carry: what the kinks of two sides and the noise of spikes make of them.

Push and pull neurons that fire at ``[rho + e]+`` and ``[rho - e]+`` carry an error e beyond the baseline rho by one
side and a smaller one by both. Their mean is that of an error with its noise: the prediction of a neuron varies by the
counts of its keys and by the weights that earlier spikes have left it. Noise is taken as normal and small against the
weights (a linear approximation), its covariance over the keys is carried from item to item, and the means of the two
rectified sides are those of a normal variable.
"""

from math import erf, pi
from typing import NamedTuple

import numpy as np

from synfwp import units
from synfwp.coefficients import Coefficients
from synfwp.rules import Rule
from synfwp.spiking.neurons import LIF
from synfwp.substrates import gains
from synfwp.substrates.engines import Setup
from synfwp.substrates.mechanisms import Gains, Mechanism
from synfwp.substrates.mechanisms.common import with_gains, with_self_erasure

Array = np.ndarray
_erf = np.vectorize(erf, otypes=[float])


class Window(NamedTuple):
    """The encoding window: weights of its steps, rise of the prediction, and its noise per ``k W^2`` in each of them.

    ``spread`` is the variance of the postsynaptic spikes per peak, ``spikes`` those of one neuron at peak.
    """

    weight: Array
    risen: Array
    shot: Array
    spread: float
    spikes: float


def bends(setup: Setup) -> bool:
    """Whether errors meet a kink below the peak and the closed form of their mean is known: not of LIF neurons."""
    mechanism = setup.mechanism
    if type(mechanism).effective is not Mechanism.effective:  # it brings a closed form of its own
        return False
    kink = mechanism.baseline is not None and 0 < mechanism.baseline < setup.code.peak
    return kink and not mechanism.online and not isinstance(setup.neuron, LIF)


def bent(
    setup: Setup, rule: Rule, k: Array, v: Array, beta: Array, decay: Array | None, g: Gains, largest: float
) -> Coefficients:
    """Mean coefficients, one for each row of W: those of an error that is carried in proportion, times its mean gain.

    The gain of a row and an item is ``E G(e) / (v - erase W k)``, where ``G(e) = ([rho + e]+ - [rho - e]+) / (1 +
    rho)`` is averaged over the steps of the window and over the noise of e; what a synapse erases by its own spikes is
    multiplied by the mean of ``G'``. ``largest`` is the key that is sent at the peak rate; ``g.self_erasure`` is for
    it.
    """
    window, top = _window(setup), float(np.abs(v).max(initial=0.0)) or 1.0
    gain, slope = np.ones(v.shape), np.ones(beta.shape)
    for n in range(len(k)):
        kept = None if decay is None else decay[n]
        gain[n], slope[n] = _gains(setup, window, k[n] / largest, v[n] / top, beta[n] * largest**2, kept, g)
    c = with_gains(rule, k, beta * g.write, beta * g.erase, decay)
    erase = gain if c.erase is None else c.erase[..., None] * gain
    return with_self_erasure(c._replace(write=c.write[..., None] * gain, erase=erase), beta * g.self_erasure * slope, k)


def _window(setup: Setup) -> Window:
    """Of counts a single step; of neurons on a clock the steps of the encoding."""
    per_ms, s, neurons = units.per_ms(setup.code.peak), setup.schedule, setup.code.neurons_per_feature
    count = per_ms * s.encode
    if setup.engine == "counts":
        return Window(np.ones(1), np.ones(1), np.full(1, 1 / (neurons * count)), 1 / count, count)
    steps, late = round(s.encode / setup.dt), round(setup.delay / setup.dt)
    rho, sigma = (float(np.exp(-setup.dt / tau)) for tau in (setup.mechanism.tau, setup.neuron.tau_syn))
    weight = gains.collected(steps, rho, setup.mechanism.causal)
    weight = weight / weight.sum()
    since, expected = np.maximum(np.arange(steps) - late + 1, 0), per_ms * setup.dt
    shot = (1 - sigma) ** 2 * (1 - sigma ** (2 * since)) / (1 - sigma**2) / (neurons * expected)
    return Window(weight, gains.rise(steps, sigma, late), shot, float((weight**2).sum()) / expected, count)


def _gains(
    setup: Setup, window: Window, k: Array, v: Array, beta: Array, decay: Array | None, g: Gains
) -> tuple[Array, Array]:
    """Gain (T, d_v) of every row, and mean slope (T,), of one sequence of keys and values of at most 1."""
    neurons, rho = setup.code.neurons_per_feature, float(setup.mechanism.baseline or 0.0) / setup.code.peak
    (T, d_k), d_v = k.shape, v.shape[1]
    W, noise, single = np.zeros((d_v, d_k)), np.zeros((d_v, d_k, d_k)), np.zeros((d_v, d_k))
    gain, slope = np.empty((T, d_v)), np.empty(T)
    for t in range(T):
        key, b, few = k[t], beta[t], k[t] / (neurons * window.spikes)
        if decay is not None:
            a = np.broadcast_to(decay[t], d_k)
            W, noise, single = W * a, noise * np.outer(a, a), single * a**2
        read, moved = W @ key, noise @ key  # of the noise: covariance of each weight with the read
        size = (W**2 + np.einsum("oii->oi", noise) + single) @ key
        spread = np.sqrt(window.risen**2 * (moved @ key)[:, None] + window.shot * size[:, None])
        sent, steep, fired = _carried(v[t][:, None] - window.risen * read[:, None], spread, rho)
        sent, steep, fired = (x @ window.weight for x in (sent, steep, fired))
        linear = g.write * v[t] - g.erase * read
        gain[t] = np.where(linear == 0, steep, sent / np.where(linear == 0, 1, linear))
        slope[t] = steep.mean()
        more, pull = window.spread * fired, b * g.erase * steep
        # A noise A^T with A = 1 - pull k k^T, then what counts of keys (few) and of errors (more) add
        both = np.outer(key, key)
        cross = pull[:, None] * moved + b**2 * (sent * steep)[:, None] * W * few
        along = pull**2 * (moved @ key) + b**2 * (more + steep**2 * (W**2 @ few))
        noise = noise - key[:, None] * cross[:, None] - cross[:, :, None] * key + along[:, None, None] * both
        noise = noise + b**2 * (more + sent**2)[:, None, None] * np.diag(few)
        single = single + b**2 * (1 - 1 / neurons) * (sent**2 + more)[:, None] * key / window.spikes
        W = W * (1 - b * g.self_erasure * key * steep[:, None]) + b * np.outer(sent, key)
    return gain, slope


def _carried(error: Array, spread: Array, rho: float) -> tuple[Array, Array, Array]:
    """Means of G, of its slope, and of what both sides fire (in squares of G's unit), for a normal error.

    >>> x = _carried(np.array([0.5]), np.array([0.0]), 0.05)
    >>> [round(float(one[0]), 4) for one in x]
    [0.5238, 0.9524, 0.4989]
    """
    spread = np.maximum(spread, 1e-12)
    sides = []
    for signed in (rho + error, rho - error):
        z = signed / spread
        below = (1 + _erf(z / np.sqrt(2))) / 2
        sides.append((signed * below + spread * np.exp(-(z**2) / 2) / np.sqrt(2 * pi), below))
    (push, on), (pull, off) = sides
    scale = 1 + min(rho, 1.0)
    return (push - pull) / scale, (on + off) / scale, (push + pull) / scale**2
