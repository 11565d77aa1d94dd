"""Plasticity on the time scale of behaviour, with every filter as a sum over the past."""

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="eligibility : (n, T) array\ninstruction : (T,) array",
    rate="(n, T) array: rates of the inputs (Hz).",
    plateau="(T,) array: whether there is a plateau, 0 to 1.",
    keep="(2,) array: the shares of both traces that are kept per step.",
)
def btsp_traces(rate, plateau, keep):
    r"""Eligibility (n, T) and instruction (T,) as sums over the past (Milstein et al. 2021).

    .. math:: ET_i(t) = \sum_{s \le t} e^{-(t - s) / \tau_{ET}} R_i(s), \qquad
              IS(t) = \sum_{s \le t} e^{-(t - s) / \tau_{IS}} P(s)

    ``rate`` (n, T), ``plateau`` (T,); ``keep`` the factors of one step, :math:`e^{-dt / \tau}`.

    Examples
    --------
    >>> [x.tolist() for x in btsp_traces(np.array([[8.0, 0.0, 0.0]]), np.array([0.0, 1.0, 0.0]), (0.5, 0.25))]
    [[[8.0, 4.0, 2.0]], [0.0, 1.0, 0.25]]
    """
    lag = np.subtract.outer(np.arange(rate.shape[1]), np.arange(rate.shape[1]))
    past = lag >= 0
    weights = [np.where(past, factor ** np.where(past, lag, 0), 0.0) for factor in keep]
    return rate @ weights[0].T, weights[1] @ plateau


@explained(
    returns="(laps, n, 2) array\n    Of potentiation and depression.",
    eligible="(n, T) array: eligibility.",
    instructive="(T,) array: instruction.",
    peaks="(2,) array: what both are divided by.",
    gates="(4,) array: a and b of potentiation, a and b of depression.",
    laps="int: equal parts of T.",
)
def btsp_integrals(eligible, instructive, peaks, gates, laps):
    r"""Sums of :math:`q_\pm(ET \cdot IS)` over each lap, (laps, n, 2), of signals that are divided by their peaks.

    .. math:: q(x) = \frac{s(x) - s(0)}{s(1) - s(0)}, \qquad s(x) = \frac{1}{1 + e^{-b (x - a)}}

    Examples
    --------
    >>> one = np.ones((1, 4))
    >>> btsp_integrals(one, one[0], (1.0, 1.0), (0.5, 4.0, 0.1, 40.0), 2).round(6).tolist()
    [[[2.0, 2.0]], [[2.0, 2.0]]]
    """
    x = eligible / peaks[0] * (instructive / peaks[1])

    def q(x, a, b):
        s = [1 / (1 + np.exp(-b * (y - a))) for y in (x, 0.0, 1.0)]
        return (s[0] - s[1]) / (s[2] - s[1])

    found = [[q(part, *gates[m : m + 2]).sum(axis=1) for m in (0, 2)] for part in np.split(x, laps, axis=1)]
    return np.moveaxis(np.array(found), 1, 2)
