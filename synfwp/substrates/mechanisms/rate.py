"""Closed forms of rate networks: T = duration of a write, tau = lag of the read-out, T_read = of a retrieval (ms)."""

import numpy as np
from scipy.optimize import brentq

from synfwp.coefficients import Coefficients
from synfwp.rules import Rule
from synfwp.substrates.mechanisms.common import is_hebbian, saturated, with_gains

Array = np.ndarray


def instant(
    rule: Rule, k: Array, beta: Array, decay: Array | None, tau: float, T: float, T_read: float
) -> Coefficients:
    """Gradient flow with an instantaneous read-out: writes and erases ``(1 - exp(-beta |k|^2)) / |k|^2``."""
    gain = beta if is_hebbian(rule) else saturated(beta, k)
    return with_gains(rule, k, gain, gain, decay)


def lagged(rule: Rule, k: Array, beta: Array, decay: Array | None, tau: float, T: float, T_read: float) -> Coefficients:
    """Gradient flow whose read-out lags by tau, from rest: erases (1 - P00)/|k|^2, writes (1 - P00 - P01)/|k|^2."""
    if is_hebbian(rule):
        return with_gains(rule, k, beta, beta, decay)
    size = np.einsum("...i,...i->...", k, k)
    P = lag_propagator(beta * size, tau, T)
    safe = np.where(size > 0, size, 1)
    erase = np.where(size > 0, (1 - P[..., 0, 0]) / safe, beta)
    write = np.where(size > 0, (1 - P[..., 0, 0] - P[..., 0, 1]) / safe, beta)
    return with_gains(rule, k, write, erase, decay)


def latched(
    rule: Rule, k: Array, beta: Array, decay: Array | None, tau: float, T: float, T_read: float
) -> Coefficients:
    """Retrieve for T_read, hold, then write: writes beta and erases ``beta (1 - exp(-T_read / tau))``."""
    return with_gains(rule, k, beta, beta * -np.expm1(-T_read / tau), decay)


def lag_propagator(gain: Array, tau: float, T: float) -> Array:
    """``exp(T [[0, -G], [1/tau, -1/tau]])`` for total gains ``G T`` of any shape: (..., 2, 2), of (u - v, y - v).

    >>> import numpy as np
    >>> P = lag_propagator(np.array(8.0), tau=50.0, T=100.0)
    >>> round(float(np.linalg.eigvals(P).real.max()), 3)
    -0.274
    """
    gain, h = np.asarray(gain, float), T / (2 * tau)  # A + h has the eigenvalues +-s
    s = np.sqrt(h**2 - 2 * h * gain + 0j)
    slow, fast = np.exp(-2 * h * gain / (h + s)), np.exp(-h - s)  # s - h without cancellation
    cosh = ((slow + fast) / 2).real
    sinh = np.where(np.abs(s) > 1e-6, (slow - fast) / (2 * np.where(s == 0, 1, s)), np.exp(-h)).real  # over s
    rows = [[cosh + h * sinh, -gain * sinh], [2 * h * sinh, cosh - h * sinh]]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


def calibrated(flow: str, k: Array, beta: Array, tau: float, T: float) -> Array:
    """Gains that make the closed form of a flow write exactly beta, in the shape of beta.

    Raises
    ------
    ValueError
        Where no finite gain does: with an instantaneous read-out, where beta |k|^2 >= 1.
    """
    if flow == "latched":
        return beta
    size = np.einsum("...i,...i->...", k, k)
    wanted = beta * size
    if flow == "instant":
        if np.any(wanted >= 1):
            raise ValueError(
                f"beta |k|^2 is {float(wanted.max()):.4g}; flow 'instant' would need infinite gain from 1 on; "
                "lower beta, or use flow='latched'."
            )
        return np.where(size > 0, -np.log1p(-wanted) / np.where(size > 0, size, 1), beta)

    def excess(gain: float, goal: float) -> float:
        P = lag_propagator(np.array(gain), tau, T)
        return float(1 - P[0, 0] - P[0, 1] - goal)

    top = np.pi**2 * tau / T + T / (4 * tau)  # half a turn of the lagged loop in T: past its first overshoot
    gains = np.linspace(0, top, 4001)
    P = lag_propagator(gains, tau, T)
    reach = 1 - P[:, 0, 0] - P[:, 0, 1]
    first = int(reach.argmax())
    if np.any(wanted > reach[first]):
        raise ValueError(
            f"beta |k|^2 is {float(wanted.max()):.4g}; flow 'lagged' with tau={tau:g} and T_write={T:g} ms writes at "
            f"most {reach[first]:.4g}; lower beta, or use flow='latched'."
        )
    edge = excess(gains[first], 0.0)

    def gain_for(goal: float) -> float:
        return brentq(excess, 0, gains[first], args=(goal,)) if 0 < goal < edge else gains[first] * (goal > 0)

    solve = np.vectorize(gain_for, otypes=[float])
    return np.where(size > 0, solve(wanted) / np.where(size > 0, size, 1), beta)
