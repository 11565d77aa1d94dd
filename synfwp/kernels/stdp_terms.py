"""What each coefficient of a row adds on many pairs of trains, so that fits are linear. Twin: ``synfwp.reference``."""

import math

import numpy as np

from synfwp.kernels._jit import kernel

EQUAL = 1e-9  # ms; intervals that differ by less decay alike: a relative error below 1e-9 for time constants above 1 ms
NEVER = -1e200  # ms: a spike so long ago that nothing is left of it; of two infinite intervals there is no difference


@kernel
def stdp_terms(
    pre: np.ndarray,
    post: np.ndarray,
    ends: np.ndarray,
    tau: tuple[float, ...],
    slow: bool,
    nearest: bool,
    in_order: bool,
) -> np.ndarray:
    """(runs, 9): the sums over spikes that the nine coefficients of a row multiply, for weights without bounds.

    ``pre``, ``post``: the trains (ms) of all runs, one after the other; ``ends`` (runs, 2): where those of a run end.
    ``tau``: of the traces x1, x2, y1, y2. ``slow``: without it, the terms of x2 and y2 stay 0. Spikes within 1e-6 ms
    are simultaneous: the presynaptic one comes first (``in_order``), or the two form no pair.
    """
    found = np.zeros((ends.shape[0], 9))
    tau_x1, tau_x2, tau_y1, tau_y2 = tau
    # what two traces decay to in the last interval of each kind: protocols repeat their intervals
    at_pre = at_pre_y = at_post = at_post_x = -1.0
    px1 = px2 = py1 = py2 = qx1 = qx2 = qy1 = qy2 = 1.0
    i = j = 0
    for run in range(ends.shape[0]):
        x1 = x2 = y1 = y2 = 0.0
        last_pre = last_post = NEVER
        while i < ends[run, 0] or j < ends[run, 1]:
            t_pre = pre[i] if i < ends[run, 0] else math.inf
            t_post = post[j] if j < ends[run, 1] else math.inf
            r1, r2, last = x1, x2, last_pre
            is_post = t_post <= t_pre + 1e-6
            if t_pre <= t_post + 1e-6:
                since, wait = t_pre - last_post, t_pre - last_pre
                if not abs(wait - at_pre) < EQUAL:
                    at_pre, px1 = wait, math.exp(-wait / tau_x1)
                    px2 = math.exp(-wait / tau_x2) if slow else 0.0
                if not abs(since - at_pre_y) < EQUAL:
                    at_pre_y, py1 = since, math.exp(-since / tau_y1)
                    py2 = math.exp(-since / tau_y2) if slow else 0.0
                a1, a2, b1 = x1 * px1, x2 * px2, y1 * py1
                found[run, 0] += 1.0
                found[run, 1] += a1
                found[run, 2] += b1
                if slow:
                    found[run, 3] += y2 * py2
                    found[run, 4] += b1 * a2
                x1, x2 = (1.0, 1.0) if nearest else (1.0 + a1, 1.0 + a2)
                last_pre = t_pre
                i += 1
                if in_order:
                    r1, r2, last = x1, x2, min(t_pre, t_post)
            if is_post:
                since, wait = t_post - last, t_post - last_post
                if not abs(since - at_post_x) < EQUAL:
                    at_post_x, qx1 = since, math.exp(-since / tau_x1)
                    qx2 = math.exp(-since / tau_x2) if slow else 0.0
                if not abs(wait - at_post) < EQUAL:
                    at_post, qy1 = wait, math.exp(-wait / tau_y1)
                    qy2 = math.exp(-wait / tau_y2) if slow else 0.0
                a1, b1, b2 = r1 * qx1, y1 * qy1, y2 * qy2
                found[run, 5] += 1.0
                found[run, 6] += a1
                if slow:
                    found[run, 7] += r2 * qx2
                    found[run, 8] += a1 * b2
                y1, y2 = (1.0, 1.0) if nearest else (1.0 + b1, 1.0 + b2)
                last_post = t_post
                j += 1
    return found
