"""Pair and triplet STDP: one pass over two spike trains, merged by time. Twin: ``synfwp.reference.timing``."""

import math

import numpy as np

from synfwp.kernels._jit import kernel

COINCIDENT = 1e-6  # ms; spikes of the two trains that lie closer than this are simultaneous and form no pair


@kernel
def stdp(
    pre: np.ndarray,
    post: np.ndarray,
    A2_plus: float,
    A3_plus: float,
    A2_minus: float,
    A3_minus: float,
    tau_plus: float,
    tau_minus: float,
    tau_x: float,
    tau_y: float,
    nearest: bool,
) -> float:
    """Total weight change; both sides of a simultaneous pair read the traces before either raises its own.

    A trace is kept as its value just after the last spike of its train and decays when it is read: r1, r2 (tau_plus,
    tau_x) belong to the presynaptic train, o1, o2 (tau_minus, tau_y) to the postsynaptic one.
    """
    w = r1 = r2 = o1 = o2 = 0.0
    last_pre = last_post = -math.inf
    i = j = 0
    while i < pre.shape[0] or j < post.shape[0]:
        t_pre = pre[i] if i < pre.shape[0] else math.inf
        t_post = post[j] if j < post.shape[0] else math.inf
        is_pre = t_pre <= t_post + COINCIDENT
        is_post = t_post <= t_pre + COINCIDENT
        x = y = 0.0
        if is_pre:
            x = r2 * math.exp(-(t_pre - last_pre) / tau_x)
            w -= o1 * math.exp(-(t_pre - last_post) / tau_minus) * (A2_minus + A3_minus * x)
        if is_post:
            y = o2 * math.exp(-(t_post - last_post) / tau_y)
            w += r1 * math.exp(-(t_post - last_pre) / tau_plus) * (A2_plus + A3_plus * y)
        if is_pre:
            r1 = 1.0 if nearest else 1.0 + r1 * math.exp(-(t_pre - last_pre) / tau_plus)
            r2 = 1.0 if nearest else 1.0 + x
            last_pre = t_pre
            i += 1
        if is_post:
            o1 = 1.0 if nearest else 1.0 + o1 * math.exp(-(t_post - last_post) / tau_minus)
            o2 = 1.0 if nearest else 1.0 + y
            last_post = t_post
            j += 1
    return w
