"""A network of firing rates whose plasticity, in continuous time, carries out an update rule."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import checks, units
from synfwp.coefficients import Coefficients
from synfwp.instructions import Carried, Description
from synfwp.kernels import rate as kernel
from synfwp.rules import Rule, get_rule
from synfwp.substrates import mechanisms

Array = np.ndarray
_FLOWS = {"instant": kernel.INSTANT, "lagged": kernel.LAGGED, "latched": kernel.LATCHED}


@dataclass(frozen=True, kw_only=True)
class RateNetwork:
    r"""Rates x of the key drive read-out rates r, ``tau dr/dt = -r + W x``, through plastic weights W.

    Each item is: a gap, in which W decays where the rule decays; with ``flow="latched"`` a retrieval of length
    ``T_read``, whose result is held; a write of length ``T_write``, in which the key is presented, the value is clamped
    and ``dW/dt = (beta / T_write) (v - e) k^T`` with e = 0 for Hebbian rules and, for the delta rule, e = W k
    ("instant"), r ("lagged") or the held retrieval ("latched"); a gap; and a read of length ``T_read`` with the query.
    While it writes, r is W k at once ("instant"), follows W k ("lagged") or is held ("latched", and Hebbian rules).
    In a gap no key is presented. Every phase is integrated exactly, so there is no time step.

    Parameters
    ----------
    tau : float
        Time constant of the read-out in ms.
    T_write, T_read, gap : float
        Durations in ms.
    flow : "latched", "instant" or "lagged"
        What the delta rule takes away while it writes.
    calibrate : bool
        Choose the gain that makes the closed form write exactly beta, instead of ``beta / T_write``.

    Raises
    ------
    ValueError
        For durations that are not positive (a gap may be 0), an unknown flow, or a gain that does not exist.

    Source: Widrow & Hoff 1960 as a gradient flow; two phases after Hasselmo, Bodelon & Wyble 2002.

    >>> print(RateNetwork(flow="instant").describe("delta"))
    delta in a rate network, flow instant
      writes 0.6321, erases 0.6321 when asked for beta = 1 with a unit key
      transition along the key 0.3679 (asked 0)
      read-out reaches 0.99995 of its target; 0.018 of it is left after a gap
      280 ms per item
    """

    tau: Any = 10.0
    T_write: Any = 100.0
    T_read: Any = 100.0
    gap: Any = 40.0
    flow: str = "latched"
    calibrate: bool = False

    def __post_init__(self) -> None:
        """Every field is what the table above says."""
        for name in ("tau", "T_write", "T_read", "gap"):
            value = units.to_float(getattr(self, name), "ms", name)
            checks.number(f"{name} (ms)", value, 0, above=name != "gap")
            object.__setattr__(self, name, value)
        checks.one_of("flow", self.flow, _FLOWS)

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None) -> Coefficients:
        """What the network carries out on average, from parameters and instructions alone."""
        row = mechanisms.check_runs(self.flow, rule)
        hold = self._hold(rule)
        gain = self._gain(rule, k, beta)
        c = row.effective(rule, k, gain, decay, self.tau, self.T_write, self.T_read)
        return c if c.erase is None else c._replace(erase=c.erase * hold)

    def carry_out(
        self, rule: Rule, q: Array, k: Array, v: Array, beta: Array, decay: Array | None, seed: int
    ) -> Carried:
        """Run instructions (n, T, .) from W = 0; rates have no noise, so ``seed`` changes nothing."""
        mechanisms.check_runs(self.flow, rule)
        hebbian = mechanisms.is_hebbian(rule)
        gain = self._gain(rule, k, beta)
        P = np.zeros((1, 1, 2, 2))
        if hebbian:
            gain = gain if rule.write == "beta" else -gain
        elif self.flow == "lagged":
            P = mechanisms.lag_propagator(gain * np.einsum("nti,nti->nt", k, k), self.tau, self.T_write)
        elif self.flow == "instant":
            gain = mechanisms.instant(rule, k, gain, None, self.tau, self.T_write, self.T_read).write
        scalar = rule.retain == "scalar"
        n, d_v, d_k = len(k), v.shape[2], k.shape[2]
        W, y = np.zeros((n, d_v, d_k)), np.empty_like(v)
        kernel.carry_out(
            kernel.HEBBIAN if hebbian else _FLOWS[self.flow],
            *(np.ascontiguousarray(x) for x in (q, k, v, gain)),
            decay if scalar else None,
            None if scalar else decay,
            P,
            np.exp(-self.gap / self.tau),
            np.exp(-self.T_read / self.tau),
            self._hold(rule),
            W,
            y,
            0,
            n,
        )
        return Carried(W=W, y=y, fraction_at_bound=np.zeros(n))

    def describe(self, rule: Rule | str) -> Description:
        """What the network will really do for a unit key and beta = 1 (calibrated delta rules: 0.5)."""
        row = get_rule(rule)
        beta = 0.5 if self.calibrate and mechanisms.is_delta(row) else 1.0
        key, one = np.array([[[1.0]]]), np.ones((1, 1))
        decay = {None: None, "scalar": one, "key": np.ones((1, 1, 1))}[row.retain]
        c = self.effective(row, key, beta * one, decay)
        write, erase = float(c.write[0, 0]), 0.0 if c.erase is None else float(c.erase[0, 0])
        two_phase = self.flow == "latched" and mechanisms.is_delta(row)
        duration = self.gap + self.T_write + self.gap + self.T_read + (self.T_read if two_phase else 0.0)
        asked = 1 - beta if row.erase is not None else 1.0
        lines = [
            f"writes {write:.4g}, erases {erase:.4g} when asked for beta = {beta:g} with a unit key",
            f"transition along the key {1 - erase:.4g} (asked {asked:g})",
            f"read-out reaches {1 - np.exp(-self.T_read / self.tau):.5f} of its target; "
            f"{np.exp(-self.gap / self.tau):.2g} of it is left after a gap",
            f"{duration:g} ms per item",
        ]
        values = {"write": write, "erase": erase, "cross_talk": float(np.exp(-self.gap / self.tau))}
        return Description(f"{row.name} in a rate network, flow {self.flow}", values | {"duration": duration}, lines)

    def _gain(self, rule: Rule, k: Array, beta: Array) -> Array:
        """The integral of the learning rate over a write."""
        if self.calibrate and mechanisms.is_delta(rule):
            return mechanisms.calibrated(self.flow, k, beta, self.tau, self.T_write)
        return beta

    def _hold(self, rule: Rule) -> float:
        """A calibrated network makes up for a retrieval that ends before it has settled."""
        settles = self.calibrate and self.flow == "latched" and mechanisms.is_delta(rule)
        return float(1 / -np.expm1(-self.T_read / self.tau)) if settles else 1.0
