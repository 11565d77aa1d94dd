"""Plasticity by calcium on a fine grid of time."""

import numpy as np


def calcium(pre, post, jumps, tau, thetas, rates, rho, dt=1e-3):
    r"""Times above the thresholds of depression and potentiation (ms), and efficacy, when all calcium has decayed.

    Graupner & Brunel 2012, without noise and without the drift of bistability (which is slow against a protocol):

    .. math::
        \frac{d\rho}{dt} = \gamma_p (1 - \rho) H[c - \theta_p] - \gamma_d \rho H[c - \theta_d], \qquad
        c(t) = C_{pre} \sum_{t_i < t} e^{-(t - t_i)/\tau} + C_{post} \sum_{t_j < t} e^{-(t - t_j)/\tau}

    with the rates per ms, in steps of ``dt`` (ms) as small as one likes.
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
