"""Plasticity on the time scale of behaviour, lap by lap. Twin: ``synfwp.reference.btsp``."""

import math

import numpy as np

from synfwp.kernels._jit import inline_kernel, kernel


@inline_kernel
def gate(x, a, b, low, span):
    """The segment of a sigmoid that is 0 at 0 and 1 at 1."""
    return (1 / (1 + math.exp(-b * (x - a))) - low) / span


@kernel
def traces(rate: np.ndarray, plateau: np.ndarray, keep: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Eligibility (n, T) and instruction (T,): what is filtered exponentially, a sample included in its own step."""
    n, T = rate.shape
    eligible, instructive = np.empty((n, T)), np.empty(T)
    trace = 0.0
    for t in range(T):
        trace = trace * keep[1] + plateau[t]
        instructive[t] = trace
    for i in range(n):
        trace = 0.0
        for t in range(T):
            trace = trace * keep[0] + rate[i, t]
            eligible[i, t] = trace
    return eligible, instructive


@kernel
def integrals(
    eligible: np.ndarray, instructive: np.ndarray, peaks: tuple[float, float], gates: tuple[float, ...], laps: int
) -> np.ndarray:
    """Sums over each lap of the gates of what overlaps, potentiating and depressing: (laps, n, 2), in steps.

    ``gates``: a and b of potentiation, a and b of depression.
    """
    n, T = eligible.shape
    a_plus, b_plus, a_minus, b_minus = gates
    low_plus, low_minus = 1 / (1 + math.exp(b_plus * a_plus)), 1 / (1 + math.exp(b_minus * a_minus))
    span_plus = 1 / (1 + math.exp(-b_plus * (1 - a_plus))) - low_plus
    span_minus = 1 / (1 + math.exp(-b_minus * (1 - a_minus))) - low_minus
    out = np.zeros((laps, n, 2))
    steps = T // laps
    scale = 1 / (peaks[0] * peaks[1])
    for lap in range(laps):
        for i in range(n):
            up = down = 0.0
            for t in range(lap * steps, (lap + 1) * steps):
                x = eligible[i, t] * instructive[t] * scale
                if x > 0:
                    up += gate(x, a_plus, b_plus, low_plus, span_plus)
                    down += gate(x, a_minus, b_minus, low_minus, span_minus)
            out[lap, i, 0], out[lap, i, 1] = up, down
    return out
