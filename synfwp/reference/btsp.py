"""Plasticity on the time scale of behaviour, with every filter as a sum over the past."""

import numpy as np


def btsp_traces(rate, plateau, keep):
    r"""Eligibility (n, T) and instruction (T,) as sums over the past (Milstein et al. 2021).

    .. math:: ET_i(t) = \sum_{s \le t} e^{-(t - s) / \tau_{ET}} R_i(s), \qquad
              IS(t) = \sum_{s \le t} e^{-(t - s) / \tau_{IS}} P(s)

    ``rate`` (n, T), ``plateau`` (T,); ``keep`` the factors of one step, :math:`e^{-dt / \tau}`.
    """
    lag = np.subtract.outer(np.arange(rate.shape[1]), np.arange(rate.shape[1]))
    past = lag >= 0
    weights = [np.where(past, factor ** np.where(past, lag, 0), 0.0) for factor in keep]
    return rate @ weights[0].T, weights[1] @ plateau


def btsp_integrals(eligible, instructive, peaks, gates, laps):
    r"""Sums of :math:`q_\pm(ET \cdot IS)` over each lap, (laps, n, 2), of signals that are divided by their peaks.

    .. math:: q(x) = \frac{s(x) - s(0)}{s(1) - s(0)}, \qquad s(x) = \frac{1}{1 + e^{-b (x - a)}}
    """
    x = eligible / peaks[0] * (instructive / peaks[1])

    def q(x, a, b):
        s = [1 / (1 + np.exp(-b * (y - a))) for y in (x, 0.0, 1.0)]
        return (s[0] - s[1]) / (s[2] - s[1])

    found = [[q(part, *gates[m : m + 2]).sum(axis=1) for m in (0, 2)] for part in np.split(x, laps, axis=1)]
    return np.moveaxis(np.array(found), 1, 2)
