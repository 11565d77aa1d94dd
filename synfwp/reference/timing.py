"""Spike-timing-dependent plasticity as sums over pairs and triplets of spikes."""

import numpy as np


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
    r"""Pair and triplet STDP (Pfister & Gerstner 2006, equations 1 to 4, solved) as explicit sums over spikes.

    .. math::
        \Delta w = \sum_j \sum_{i: t_i < t_j} e^{-(t_j - t_i)/\tau_+}
            \Big[A_2^+ + A_3^+ \sum_{j': t_{j'} < t_j} e^{-(t_j - t_{j'})/\tau_y}\Big]
            - \sum_i \sum_{j: t_j < t_i} e^{-(t_i - t_j)/\tau_-}
            \Big[A_2^- + A_3^- \sum_{i': t_{i'} < t_i} e^{-(t_i - t_{i'})/\tau_x}\Big]

    with i over presynaptic and j over postsynaptic spikes, times (n,) and time constants in ms. With ``nearest`` every
    inner sum keeps its latest spike. Spikes within 1e-6 ms of each other are simultaneous and form no pair.

    >>> round(stdp(np.array([0.0]), np.array([20.0]), 0.01, 0.0, 0.0, 0.0, 20.0, 20.0, 1.0, 1.0, False), 6)
    0.003679
    """
    potentiation = _past(post, pre, tau_plus, nearest) * (A2_plus + A3_plus * _past(post, post, tau_y, nearest))
    depression = _past(pre, post, tau_minus, nearest) * (A2_minus + A3_minus * _past(pre, pre, tau_x, nearest))
    return float(potentiation.sum() - depression.sum())


def _past(now: np.ndarray, spikes: np.ndarray, tau: float, nearest: bool) -> np.ndarray:
    """For each time in ``now``, the sum of ``exp(-lag / tau)`` over the earlier spikes, or over the latest of them."""
    lag = now[:, None] - spikes[None, :]
    lag = np.where(lag > 1e-6, lag, np.inf)
    if nearest:
        return np.exp(-lag.min(axis=1, initial=np.inf) / tau)
    return np.exp(-lag / tau).sum(axis=1)
