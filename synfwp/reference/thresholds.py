"""Plasticity by calcium on a fine grid of time."""

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="depression, potentiation : float\n    Times above the thresholds (ms).\nrho : float",
    pre="(n,) array: presynaptic spikes (ms).",
    post="(n,) array: postsynaptic spikes (ms).",
    jumps="(2,) array: calcium per presynaptic and postsynaptic spike.",
    tau="float: of calcium (ms).",
    thetas="(2,) array: of depression and potentiation.",
    rates="(2,) array: of depression and potentiation (1/ms).",
    rho="float: efficacy before, 0 to 1.",
    dt="float: one step (ms).",
)
def calcium(pre, post, jumps, tau, thetas, rates, rho, dt=1e-3):
    r"""Times above the thresholds of depression and potentiation (ms), and efficacy, when all calcium has decayed.

    Graupner & Brunel 2012, without noise and without the drift of bistability (which is slow against a protocol):

    .. math::
        \frac{d\rho}{dt} = \gamma_p (1 - \rho) H[c - \theta_p] - \gamma_d \rho H[c - \theta_d], \qquad
        c(t) = C_{pre} \sum_{t_i < t} e^{-(t - t_i)/\tau} + C_{post} \sum_{t_j < t} e^{-(t - t_j)/\tau}

    with the rates per ms, in steps of ``dt`` (ms) as small as one likes.

    Examples
    --------
    >>> out = calcium(np.array([0.0]), np.array([]), (2.0, 1.0), 20.0, (1.0, 1.3), (0.01, 0.02), 0.5, dt=0.01)
    >>> [round(float(x), 2) for x in out]
    [13.86, 8.62, 0.51]
    """
    spikes = np.concatenate([pre, post])
    if not len(spikes):
        return 0.0, 0.0, rho
    times = np.arange(spikes.min() + dt / 2, spikes.max() + 12 * tau, dt)
    c = np.zeros(len(times))
    for train, jump in ((pre, jumps[0]), (post, jumps[1])):
        for spike in train:
            c += np.where(times > spike, jump * np.exp(-np.maximum(times - spike, 0) / tau), 0)
    down, up = c > thetas[0], c > thetas[1]
    for lower, upper in zip(down, up, strict=True):
        if lower or upper:
            rho = rho + dt * (rates[1] * (1 - rho) * upper - rates[0] * rho * lower)
    return down.sum() * dt, up.sum() * dt, rho
