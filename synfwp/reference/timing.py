"""A row of spike-timing plasticity on one synapse, with every trace as a sum over spikes."""

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="float\n    The weight at stop.",
    pre="(n,) array: presynaptic spikes (ms).",
    post="(n,) array: postsynaptic spikes (ms).",
    rewards="(n,) array: when rewards come (ms).",
    c="(9,) array: coefficients.",
    tau="(4,) array: of x1, x2, y1, y2 (ms).",
    nearest="bool: only the nearest spike counts.",
    in_order="bool: a presynaptic spike counts before a postsynaptic one at the same time.",
    w="float: the weight at start.",
    bounds="(3,) array: smallest weight, largest weight, exponent of soft bounds.",
    tau_w="float: of the decay of the weight (ms).",
    reward_terms="(0,) or (3,) array: as above (ms, ms, 1).",
    start="float: ms.",
    stop="float: ms.",
)
def stdp(pre, post, rewards, c, tau, nearest, in_order, w, bounds, tau_w, reward_terms, start, stop):
    r"""The weight at ``stop`` that is w at ``start``: traces as explicit sums, then the changes one after the other.

    Of Pfister & Gerstner 2006 (equations 1 to 4, solved) this makes

    .. math::
        \Delta w = \sum_j \sum_{i: t_i < t_j} e^{-(t_j - t_i)/\tau_+}
            \Big[A_2^+ + A_3^+ \sum_{j': t_{j'} < t_j} e^{-(t_j - t_{j'})/\tau_y}\Big]
            - \sum_i \sum_{j: t_j < t_i} e^{-(t_i - t_j)/\tau_-}
            \Big[A_2^- + A_3^- \sum_{i': t_{i'} < t_i} e^{-(t_i - t_{i'})/\tau_x}\Big]

    with i over presynaptic and j over postsynaptic spikes, times (n,) and time constants in ms. With ``nearest`` every
    inner sum keeps its latest spike. Spikes within 1e-6 ms are simultaneous: the presynaptic one comes first
    (``in_order``), or the two form no pair. ``c``: pre_0, pre_x, pre_y, pre_y2, pre_yx, post_0, post_x, post_x2,
    post_xy. ``bounds``: w_min, w_max and the exponent of soft bounds. ``reward_terms``: empty, or time constants of
    eligibility and reward, and what a reward adds: changes then go to the eligibility, and ``dw/dt`` is its product
    with the reward signal.

    Examples
    --------
    >>> c, tau, none, free = (0, 0, 0, 0, 0, 0, 0.01, 0, 0), (20.0,) * 4, np.zeros(0), (-np.inf, np.inf, 0)
    >>> args = np.array([0.0]), np.array([20.0]), none, c, tau, False, True, 1.0, free, np.inf, none, 0.0, 20.0
    >>> round(stdp(*args), 6)
    1.003679
    """
    x1, x2 = (_past(pre, pre, tau[m], nearest) for m in (0, 1))
    y1, y2 = (_past(pre, post, tau[m], nearest) for m in (2, 3))
    at_pre = c[0] + c[1] * x1 + c[2] * y1 + c[3] * y2 + c[4] * y1 * x2
    x1, x2 = (_past(post, pre, tau[m], nearest, in_order) for m in (0, 1))
    y2 = _past(post, post, tau[3], nearest)
    at_post = c[5] + c[6] * x1 + c[7] * x2 + c[8] * x1 * y2

    lag = post[:, None] - pre[None, :]
    same = np.abs(lag) <= 1e-6
    snapped = np.where(same.any(axis=1), (same * pre).sum(axis=1), post)
    times, dw = np.concatenate([pre, snapped]), np.concatenate([at_pre, at_post])
    order = np.lexsort((np.arange(len(times)), times))  # of simultaneous spikes the presynaptic one first
    times, dw = times[order], dw[order]
    if not len(reward_terms):
        now = start
        for t, one in zip(times, dw, strict=True):
            w = w * np.exp(-(t - now) / tau_w)
            if bounds[2]:
                room = bounds[1] - w if one > 0 else w - bounds[0]
                one *= (max(room, 0) / (bounds[1] - bounds[0])) ** bounds[2]
            w, now = np.clip(w + one, bounds[0], bounds[1]), t
        return float(w * np.exp(-(stop - now) / tau_w))
    both = 1 / reward_terms[0] + 1 / reward_terms[1]
    edges = np.unique(np.concatenate([times, rewards]))
    for t, end in zip(edges, [*edges[1:], stop], strict=True):
        eligible = (dw * np.exp(-(t - times) / reward_terms[0]))[times <= t].sum()
        signal = reward_terms[2] * np.exp(-(t - rewards[rewards <= t]) / reward_terms[1]).sum()
        w = np.clip(w + eligible * signal * (1 - np.exp(-(end - t) * both)) / both, bounds[0], bounds[1])
    return float(w)


@explained(
    returns="(9,) array",
    pre="(n,) array: presynaptic spikes (ms).",
    post="(n,) array: postsynaptic spikes (ms).",
    tau="(4,) array: of x1, x2, y1, y2 (ms).",
    nearest="bool: only the nearest spike counts.",
    in_order="bool: a presynaptic spike counts before a postsynaptic one at the same time.",
)
def stdp_terms(pre, post, tau, nearest, in_order):
    r"""The nine sums that the coefficients of a row multiply: what `stdp` of a weight without bounds is linear in.

    ``x(t), y(t)``: traces at time t of the earlier spikes of either side. The sums are of 1, x1, y1, y2 and ``y1 x2``
    over presynaptic, and of 1, x1, x2 and ``x1 y2`` over postsynaptic spikes.

    Examples
    --------
    >>> stdp_terms(np.array([0.0]), np.array([20.0]), (20.0,) * 4, False, True).round(4).tolist()
    [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.3679, 0.3679, 0.0]
    """
    x1, x2 = (_past(pre, pre, tau[m], nearest) for m in (0, 1))
    y1, y2 = (_past(pre, post, tau[m], nearest) for m in (2, 3))
    at_pre = [np.ones(len(pre)), x1, y1, y2, y1 * x2]
    x1, x2 = (_past(post, pre, tau[m], nearest, in_order) for m in (0, 1))
    at_post = [np.ones(len(post)), x1, x2, x1 * _past(post, post, tau[3], nearest)]
    return np.array([term.sum() for term in at_pre + at_post])


def _past(now, spikes, tau, nearest, present=False):
    """For each time in ``now``, the sum of ``exp(-lag / tau)`` over the earlier spikes, or over the latest of them.

    ``present``: simultaneous spikes count as earlier ones.
    """
    lag = now[:, None] - spikes[None, :]
    lag = np.where(lag > 1e-6, lag, np.where((np.abs(lag) <= 1e-6) & present, 0.0, np.inf))
    if nearest:
        return np.exp(-lag.min(axis=1, initial=np.inf) / tau)
    return np.exp(-lag / tau).sum(axis=1)
