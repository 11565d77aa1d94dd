"""Postsynaptic potentials in a trace, as a sum over spikes."""

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="(samples,) array\n    Potential above rest, 1 at the peak of a response of share 1.",
    time="(samples,) array: when it is read (ms).",
    onset="(spikes,) array: when currents begin (ms).",
    share="(spikes,) array: size of each response.",
    tau_syn="float: of the current (ms).",
    tau_m="float: of the membrane (ms).",
)
def potentials(time, onset, share, tau_syn, tau_m):
    r"""The membrane potential, above rest, of a passive membrane with exponential synaptic currents.

    With a current :math:`I = e^{-t / \tau_{syn}}` after each onset, :math:`\tau_m \dot V = -V + R I` has the solution

    .. math::
        V(t) \propto \sum_i s_i \left(e^{-(t - t_i) / \tau_m} - e^{-(t - t_i) / \tau_{syn}}\right), \qquad t \geq t_i,

    or, of equal time constants, :math:`\sum_i s_i \, (t - t_i) \, e^{-(t - t_i) / \tau_m}`; one response of share 1 has
    the peak 1. Times (samples,), onsets and shares (spikes,) in ms.

    Examples
    --------
    >>> potentials(np.array([0.0, 5.0, 10.0]), np.array([0.0]), np.array([1.0]), 5.0, 5.0).round(4).tolist()
    [0.0, 1.0, 0.7358]
    """
    since = time[:, None] - onset[None, :]
    after = np.maximum(since, 0.0)
    if tau_syn == tau_m:
        one = after / tau_m * np.exp(1 - after / tau_m)
    else:
        # where the derivative is 0, the peak
        late = np.log(tau_m / tau_syn) / (1 / tau_syn - 1 / tau_m)
        peak = np.exp(-late / tau_m) - np.exp(-late / tau_syn)
        one = (np.exp(-after / tau_m) - np.exp(-after / tau_syn)) / peak
    return np.where(since >= 0, one, 0.0) @ share
