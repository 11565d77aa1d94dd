"""A row of spike-timing plasticity on one synapse: one pass over two trains. Twin: ``synfwp.reference.timing``."""

import math

import numpy as np

from synfwp.kernels._jit import inline_kernel, kernel

COINCIDENT = 1e-6  # ms; spikes of the two trains that lie closer than this are simultaneous


@inline_kernel
def change(w, dw, low, high, mu):
    """The weight after a change, within bounds; soft ones scale the change."""
    if mu != 0:
        room = (high - w) if dw > 0 else (w - low)
        dw *= (max(room, 0.0) / (high - low)) ** mu
    return min(max(w + dw, low), high)


@inline_kernel
def between(w, slope, wait, low, high, tau_w, both):
    """The weight after ``wait`` ms without an event: reward times eligibility (``slope``) changes it, or it leaks."""
    if both > 0:
        return min(max(w - slope * math.expm1(-wait * both) / both, low), high)
    return w * math.exp(-wait / tau_w) if tau_w < math.inf else w


@kernel
def stdp(
    pre: np.ndarray,
    post: np.ndarray,
    rewards: np.ndarray,
    c: tuple[float, ...],
    tau: tuple[float, ...],
    nearest: bool,
    in_order: bool,
    w: float,
    bounds: tuple[float, float, float],
    tau_w: float,
    reward_terms: np.ndarray,
    start: float,
    stop: float,
) -> float:
    """The weight at ``stop`` (ms) that is w at ``start``.

    ``c``: the nine coefficients of a row, in its order. ``tau``: of the traces x1, x2, y1, y2. ``bounds``: w_min,
    w_max, mu. ``reward_terms``: empty, or tau_e, tau_reward and what a reward adds. Simultaneous spikes: either the
    presynaptic one comes first (``in_order``), or both read the traces before either raises its own. A trace is kept as
    its value just after the last spike of its train and decays when it is read.
    """
    low, high, mu = bounds
    pre_0, pre_x, pre_y, pre_y2, pre_yx, post_0, post_x, post_x2, post_xy = c
    tau_x1, tau_x2, tau_y1, tau_y2 = tau
    rewarded = reward_terms.shape[0] > 0
    both = 1 / reward_terms[0] + 1 / reward_terms[1] if rewarded else 0.0
    x1 = x2 = y1 = y2 = e = d = 0.0
    last_pre = last_post = -math.inf
    now = start
    i = j = m = 0
    while i < pre.shape[0] or j < post.shape[0] or m < rewards.shape[0]:
        t_pre = pre[i] if i < pre.shape[0] else math.inf
        t_post = post[j] if j < post.shape[0] else math.inf
        t_reward = rewards[m] if m < rewards.shape[0] else math.inf
        t = min(t_pre, t_post, t_reward)
        if rewarded or tau_w < math.inf:
            w = between(w, e * d, t - now, low, high, tau_w, both)
        if rewarded:
            e *= math.exp(-(t - now) / reward_terms[0])
            d *= math.exp(-(t - now) / reward_terms[1])
        now = t
        if t_reward <= t:
            d += reward_terms[2]
            m += 1
            continue
        r1, r2, last = x1, x2, last_pre
        is_post = t_post <= t_pre + COINCIDENT
        if t_pre <= t_post + COINCIDENT:
            since, wait = t_pre - last_post, t_pre - last_pre
            a1, a2 = x1 * math.exp(-wait / tau_x1), x2 * math.exp(-wait / tau_x2)
            dw = pre_0 + pre_x * a1 + y1 * math.exp(-since / tau_y1) * (pre_y + pre_yx * a2)
            if pre_y2 != 0:
                dw += pre_y2 * y2 * math.exp(-since / tau_y2)
            if rewarded:
                e += dw
            else:
                w = change(w, dw, low, high, mu)
            x1, x2 = (1.0, 1.0) if nearest else (1.0 + a1, 1.0 + a2)
            last_pre = t_pre
            i += 1
            if in_order:
                r1, r2, last = x1, x2, min(t_pre, t_post)
        if is_post:
            since, wait = t_post - last, t_post - last_post
            b1, b2 = y1 * math.exp(-wait / tau_y1), y2 * math.exp(-wait / tau_y2)
            dw = post_0 + r1 * math.exp(-since / tau_x1) * (post_x + post_xy * b2)
            if post_x2 != 0:
                dw += post_x2 * r2 * math.exp(-since / tau_x2)
            if rewarded:
                e += dw
            else:
                w = change(w, dw, low, high, mu)
            y1, y2 = (1.0, 1.0) if nearest else (1.0 + b1, 1.0 + b2)
            last_post = t_post
            j += 1
    return between(w, e * d, stop - now, low, high, tau_w, both)
