"""Voltage-based plasticity with every trace as a sum over the past."""

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="depression : float\npotentiation : float",
    spikes="(T,) array: presynaptic spikes in each step.",
    v="(T,) array: voltage in each step (mV).",
    dt="float: one step (ms).",
    taus="(3,) array: of the trace of a spike, of the means for depression and for potentiation (ms).",
    amplitudes="(2,) array: of depression (1/mV) and potentiation (1/mV^2).",
    thetas="(2,) array: the two thresholds (mV).",
    homeostasis="(3,) array: reference (mV^2), rest (mV), time constant (ms).",
)
def voltage(spikes, v, dt, taus, amplitudes, thetas, homeostasis):
    r"""Depression and potentiation of one synapse (Clopath et al. 2010, equations 1 to 4).

    .. math::
        \frac{dw}{dt} = -A_{LTD} \, X(t) \, [\bar u_-(t) - \theta_-]_+
            + A_{LTP} \, \bar x(t) \, [u(t) - \theta_+]_+ \, [\bar u_+(t) - \theta_-]_+

    ``spikes`` (T,) per step, ``v`` (T,) constant during each step; means of the voltage begin at v[0] and are those at
    the begin of a step, the trace of a spike, :math:`e^{-t/\tau_x} / \tau_x`, is integrated over it. ``homeostasis``,
    (reference, rest, tau): the mean square of ``v - rest`` above 0, which begins at the reference, over the reference
    multiplies :math:`A_{LTD}`; none for a reference of 0.

    Examples
    --------
    >>> spikes, v = np.array([0.0, 1.0, 0.0]), np.array([-60.0, -60.0, -40.0])
    >>> out = voltage(spikes, v, 1.0, (15.0, 10.0, 7.0), (14e-5, 8e-5), (-70.6, -45.3), (0.0, -70.6, 20.0))
    >>> [float(x) for x in np.round(out, 6)]
    [0.001484, 0.000271]
    """
    T = len(v)
    ltd = ltp = 0.0
    for t in range(T):
        means = []
        for tau in taus[1:]:
            decay = np.exp(-dt / tau)
            past = decay ** np.arange(t - 1, -1, -1)
            means.append(v[0] * decay**t + (1 - decay) * (past @ v[:t]))
        reference, rest, tau = homeostasis
        decay = np.exp(-dt / tau)
        past = decay ** np.arange(t - 1, -1, -1)
        squares = reference * decay**t + (1 - decay) * (past @ np.maximum(v[:t] - rest, 0) ** 2)
        share = squares / reference if reference else 1.0
        ltd += spikes[t] * amplitudes[0] * share * max(means[0] - thetas[0], 0)
        at = np.arange(t + 1)
        trace = (spikes[: t + 1] * (np.exp(-(t - at) * dt / taus[0]) - np.exp(-(t + 1 - at) * dt / taus[0]))).sum()
        ltp += amplitudes[1] * trace * max(v[t] - thetas[1], 0) * max(means[1] - thetas[0], 0)
    return ltd, ltp
