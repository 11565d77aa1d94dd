"""Postsynaptic potentials that add up in a trace. Twin: ``synfwp.reference.potentials``."""

import math

import numpy as np

from synfwp.kernels._jit import kernel

EQUAL = 1e-9  # ms; waits that differ by less decay alike
ALIKE = 1e-4  # of a time constant: two that are closer are taken this far apart, an error of the order of its square


@kernel
def potentials(time: np.ndarray, onset: np.ndarray, share: np.ndarray, tau_syn: float, tau_m: float) -> np.ndarray:
    """(samples,) sums of ``share`` times a difference of two exponentials of peak 1, from each ``onset`` on.

    ``time`` and ``onset`` increase, ms. The two time constants may change places.
    """
    if abs(tau_syn - tau_m) < ALIKE * tau_m:
        mean = math.sqrt(tau_syn * tau_m)
        tau_syn, tau_m = mean * (1 - ALIKE / 2), mean * (1 + ALIKE / 2)
    late = math.log(tau_m / tau_syn) * tau_m * tau_syn / (tau_m - tau_syn)
    peak = math.exp(-late / tau_m) - math.exp(-late / tau_syn)
    found = np.empty(time.size)
    slow = fast = 0.0
    last, step, keep_slow, keep_fast, i = time[0], 0.0, 1.0, 1.0, 0
    for n in range(time.size):
        wait = time[n] - last
        last = time[n]
        if not abs(wait - step) < EQUAL:
            step, keep_slow, keep_fast = wait, math.exp(-wait / tau_m), math.exp(-wait / tau_syn)
        slow *= keep_slow
        fast *= keep_fast
        while i < onset.size and onset[i] <= time[n]:
            since = time[n] - onset[i]
            slow += share[i] * math.exp(-since / tau_m)
            fast += share[i] * math.exp(-since / tau_syn)
            i += 1
        found[n] = (slow - fast) / peak
    return found
