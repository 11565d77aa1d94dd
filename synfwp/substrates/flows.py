"""Flows of a rate network: what the delta rule takes away while it writes, each with its closed form. Times in ms."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.optimize import brentq

from synfwp.coefficients import Coefficients
from synfwp.kernels import rate as kernel
from synfwp.rules import Rule
from synfwp.substrates.mechanisms.common import is_delta, is_hebbian, saturated, with_gains

Array = np.ndarray


class Durations(NamedTuple):
    """Lag of the read-out, duration of a write and of a retrieval."""

    tau: float
    T: float
    T_read: float


class Flow:
    """A way to carry out Hebbian and delta rules in rates. Subclasses give what they write and erase."""

    name: ClassVar[str] = ""
    kind: ClassVar[str] = "rate"
    cite: ClassVar[str] = ""
    closed_form: ClassVar[str] = ""
    number: ClassVar[int] = kernel.HEBBIAN
    retrieves: ClassVar[bool] = False

    def runs(self, rule: Rule) -> bool:
        """Hebbian and delta rules."""
        return is_hebbian(rule) or is_delta(rule)

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None, of: Durations) -> Coefficients:
        """The coefficients of the rule that runs when the read-out is at rest between items."""
        write, erase = (beta, beta) if is_hebbian(rule) else self.delta(k, beta, of)
        return with_gains(rule, k, write, erase, decay)

    def delta(self, k: Array, beta: Array, of: Durations) -> tuple[Array, Array]:
        """What a delta rule of gain ``beta`` writes and erases."""
        raise NotImplementedError

    def calibrated(self, k: Array, beta: Array, of: Durations) -> Array:
        """Gains with which the closed form writes exactly beta, in the shape of beta."""
        return beta

    def settled(self, of: Durations) -> float:
        """The part of a retrieval that is reached when it is held."""
        return 1.0

    def of_kernel(self, k: Array, gain: Array, of: Durations) -> tuple[Array, Array]:
        """The gain and the propagator that the kernel takes for a delta rule of this gain."""
        return gain, np.zeros((1, 1, 2, 2))


class SampleAndHold(Flow):
    """Retrieve for T_read, hold, then write: writes beta and erases ``beta (1 - exp(-T_read / tau))``."""

    name = "sample_and_hold"
    cite = "hasselmo2002"
    closed_form = r"W + \beta (v - (1 - e^{-T_r/\tau}) W k) k^\top"
    number = kernel.SAMPLE_AND_HOLD
    retrieves = True

    def delta(self, k: Array, beta: Array, of: Durations) -> tuple[Array, Array]:
        return beta, beta * self.settled(of)

    def settled(self, of: Durations) -> float:
        return float(-np.expm1(-of.T_read / of.tau))


class Instant(Flow):
    """Gradient flow with an instantaneous read-out: writes and erases ``(1 - exp(-beta |k|^2)) / |k|^2``."""

    name = "instant"
    cite = "widrow1960"
    closed_form = r"W + \frac{1 - e^{-\beta |k|^2}}{|k|^2} (v - W k) k^\top"
    number = kernel.INSTANT

    def delta(self, k: Array, beta: Array, of: Durations) -> tuple[Array, Array]:
        gain = saturated(beta, k)
        return gain, gain

    def calibrated(self, k: Array, beta: Array, of: Durations) -> Array:
        """None is finite where beta |k|^2 >= 1, which is a ValueError."""
        size = np.einsum("...i,...i->...", k, k)
        wanted = beta * size
        if np.any(wanted >= 1):
            raise ValueError(
                f"beta |k|^2 is {float(wanted.max()):.4g}; flow 'instant' would need infinite gain from 1 on; "
                "lower beta, or use flow='sample_and_hold'."
            )
        return np.where(size > 0, -np.log1p(-wanted) / np.where(size > 0, size, 1), beta)

    def of_kernel(self, k: Array, gain: Array, of: Durations) -> tuple[Array, Array]:
        return saturated(gain, k), np.zeros((1, 1, 2, 2))


class Lagged(Flow):
    """Gradient flow whose read-out lags by tau, from rest: erases (1 - P00)/|k|^2, writes (1 - P00 - P01)/|k|^2."""

    name = "lagged"
    cite = "widrow1960"
    closed_form = r"P = e^{T [[0, -G], [1/\tau, -1/\tau]]},\ G = \beta |k|^2 / T"
    number = kernel.LAGGED

    def delta(self, k: Array, beta: Array, of: Durations) -> tuple[Array, Array]:
        size = np.einsum("...i,...i->...", k, k)
        P = lag_propagator(beta * size, of.tau, of.T)
        safe = np.where(size > 0, size, 1)
        erase = np.where(size > 0, (1 - P[..., 0, 0]) / safe, beta)
        return np.where(size > 0, (1 - P[..., 0, 0] - P[..., 0, 1]) / safe, beta), erase

    def calibrated(self, k: Array, beta: Array, of: Durations) -> Array:
        """The smallest gain; none exists beyond the first overshoot, which is a ValueError."""
        tau, T = of.tau, of.T
        size = np.einsum("...i,...i->...", k, k)
        wanted = beta * size

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
                f"beta |k|^2 is {float(wanted.max()):.4g}; flow 'lagged' with tau={tau:g} and T_write={T:g} ms writes "
                f"at most {reach[first]:.4g}; lower beta, or use flow='sample_and_hold'."
            )
        edge = excess(gains[first], 0.0)

        def gain_for(goal: float) -> float:
            return brentq(excess, 0, gains[first], args=(goal,)) if 0 < goal < edge else gains[first] * (goal > 0)

        solve = np.vectorize(gain_for, otypes=[float])
        return np.where(size > 0, solve(wanted) / np.where(size > 0, size, 1), beta)

    def of_kernel(self, k: Array, gain: Array, of: Durations) -> tuple[Array, Array]:
        return gain, lag_propagator(gain * np.einsum("nti,nti->nt", k, k), of.tau, of.T)


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


FLOWS: Mapping[str, Flow] = MappingProxyType({row.name: row for row in (SampleAndHold(), Instant(), Lagged())})
