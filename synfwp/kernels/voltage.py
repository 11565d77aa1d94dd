"""Voltage-based plasticity of one synapse along a recorded voltage. Twin: ``synfwp.reference.voltage``."""

import math

import numpy as np

from synfwp.kernels._jit import kernel


@kernel
def voltage(
    spikes: np.ndarray,
    v: np.ndarray,
    dt: float,
    taus: tuple[float, float, float],
    amplitudes: tuple[float, float],
    thetas: tuple[float, float],
    homeostasis: tuple[float, float, float],
) -> tuple[float, float]:
    """Depression and potentiation, both at least 0, over all steps.

    ``spikes`` (T,) counts presynaptic spikes of each step, ``v`` (T,) is the voltage during it. ``taus``: of the
    presynaptic trace, of the slow and of the fast mean voltage, which begin at v[0] and are read before the step.
    ``homeostasis``: reference, rest and time constant of the mean square that multiplies depression; a reference of 0
    is none.
    """
    keep_x, keep_minus, keep_plus = math.exp(-dt / taus[0]), math.exp(-dt / taus[1]), math.exp(-dt / taus[2])
    area = taus[0] * (1 - keep_x)  # of a trace over one step
    slow = fast = v[0]
    reference, rest, keep_mean = homeostasis[0], homeostasis[1], math.exp(-dt / homeostasis[2])
    mean = reference
    x = ltd = ltp = 0.0
    for t in range(v.shape[0]):
        if spikes[t] > 0:
            share = mean / reference if reference > 0 else 1.0
            ltd += spikes[t] * amplitudes[0] * share * max(slow - thetas[0], 0.0)
            x += spikes[t] / taus[0]
        ltp += amplitudes[1] * x * area * max(v[t] - thetas[1], 0.0) * max(fast - thetas[0], 0.0)
        x *= keep_x
        square = max(v[t] - rest, 0.0) ** 2
        mean = square + (mean - square) * keep_mean
        slow = v[t] + (slow - v[t]) * keep_minus
        fast = v[t] + (fast - v[t]) * keep_plus
    return ltd, ltp
