"""Plasticity by calcium, from event to event. Twin: ``synfwp.reference.calcium``."""

import math

import numpy as np

from synfwp.kernels._jit import inline_kernel, kernel


@inline_kernel
def stay(c, theta, wait, tau):
    """Time within ``wait`` that an exponentially decaying c stays above a threshold."""
    return min(wait, tau * math.log(c / theta)) if c > theta else 0.0


@inline_kernel
def relax(rho, up, down, time):
    """Efficacy after ``time`` at constant rates of potentiation and depression."""
    both = up + down
    if both == 0:
        return rho
    return up / both + (rho - up / both) * math.exp(-both * time)


@inline_kernel
def through(rho, c, wait, tau, thetas, rates):
    """Efficacy after ``wait`` without spikes, and how long calcium was above the thresholds."""
    down, up = stay(c, thetas[0], wait, tau), stay(c, thetas[1], wait, tau)
    both = min(down, up)
    rho = relax(rho, rates[1], rates[0], both)
    rho = relax(rho, 0.0, rates[0], down - both)
    return relax(rho, rates[1], 0.0, up - both), down, up


@kernel
def calcium(
    pre: np.ndarray,
    post: np.ndarray,
    jumps: tuple[float, float],
    tau: float,
    thetas: tuple[float, float],
    rates: tuple[float, float],
    rho: float,
) -> tuple[float, float, float]:
    """Times above the thresholds of depression and potentiation (ms), and efficacy, once all calcium has decayed.

    ``pre`` are the times at which calcium rises by ``jumps[0]``, ``post`` by ``jumps[1]``. ``rates``: of depression and
    potentiation above their thresholds, per ms.
    """
    low, high = 0.0, 0.0
    c, now = 0.0, 0.0
    i = j = 0
    while i < pre.shape[0] or j < post.shape[0] or c > 0:
        t_pre = pre[i] if i < pre.shape[0] else math.inf
        t_post = post[j] if j < post.shape[0] else math.inf
        t = min(t_pre, t_post)
        if c > 0:
            wait = t - now
            rho, down, up = through(rho, c, wait, tau, thetas, rates)
            low += down
            high += up
            c *= math.exp(-wait / tau)
        if t == math.inf:
            break
        now = t
        if t_pre <= t:
            c += jumps[0]
            i += 1
        if t_post <= t:
            c += jumps[1]
            j += 1
    return low, high, rho
