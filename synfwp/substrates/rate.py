"""A network of firing rates whose plasticity, in continuous time, carries out an update rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import checks, seeds, shown, units
from synfwp.coefficients import Coefficients
from synfwp.instructions import Description, Outcome
from synfwp.kernels import rate as kernel
from synfwp.rules import Rule, get_rule
from synfwp.substrates import mechanisms
from synfwp.substrates.flows import FLOWS, Durations, Flow

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class RateNetwork(shown.OneLine):
    r"""Rates x of the key drive read-out rates r, ``tau dr/dt = -r + W x``, through plastic weights W.

    Each item is: a gap, in which W decays where the rule decays; with ``flow="sample_and_hold"`` a retrieval of length
    ``T_read``, whose result is held; a write of length ``T_write``, in which the key is presented, the value is clamped
    and ``dW/dt = (beta / T_write) (v - e) k^T`` with e = 0 for Hebbian rules and, for the delta rule, e = W k
    ("instant"), r ("lagged") or the held retrieval ("sample_and_hold"); a gap; and a read of length ``T_read`` with the
    query. While it writes, r is W k at once ("instant"), follows W k ("lagged") or is held ("sample_and_hold", and
    Hebbian rules). In a gap no key is presented. Every phase is integrated exactly, so there is no time step.

    Parameters
    ----------
    tau : float
        Time constant of the read-out in ms.
    T_write, T_read, gap : float
        Durations in ms.
    flow : "sample_and_hold", "instant" or "lagged"
        What the delta rule takes away while it writes.
    calibrate : bool
        Choose the gain that makes the closed form write exactly beta, instead of ``beta / T_write``.

    Raises
    ------
    ValueError
        For durations that are not positive (a gap may be 0), an unknown flow, or a gain that does not exist.

    References
    ----------
    Widrow & Hoff 1960 as a gradient flow; two phases after Hasselmo, Bodelon & Wyble 2002, Neural Computation 14:793.

    Examples
    --------
    >>> print(RateNetwork(flow="instant").describe("delta"))
    delta in a rate network, flow instant
      writes 0.6321, erases 0.6321 for a target of beta = 1 with a unit key
      transition along the key 0.3679 (target 0)
      read-out reaches 0.99995 of its value; 0.018 of it is left after a gap
      280 ms per item
    """

    tau: Any = 10.0
    T_write: Any = 100.0
    T_read: Any = 100.0
    gap: Any = 40.0
    flow: str = "sample_and_hold"
    calibrate: bool = False

    def __post_init__(self) -> None:
        for name in ("tau", "T_write", "T_read", "gap"):
            value = units.number(getattr(self, name), "ms", name, 0, above=name != "gap")
            object.__setattr__(self, name, value)
        checks.one_of("flow", self.flow, FLOWS)

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None) -> Coefficients:
        """What the network carries out on average, from parameters and instructions alone.

        Parameters
        ----------
        rule : Rule
        k : (n, T, d_k) array
        beta : (n, T) array
        decay : None, (n, T) or (n, T, d_k) array

        Returns
        -------
        Coefficients

        Raises
        ------
        ValueError
            If the flow cannot run the rule, or no finite gain exists.
        """
        flow = self._flow(rule)
        c = flow.effective(rule, k, self._gain(rule, k, beta), decay, self._durations)
        return c if c.erase is None else c._replace(erase=c.erase * self._hold(rule))

    def run(
        self,
        rule: Rule,
        q: Array,
        k: Array,
        v: Array,
        beta: Array,
        decay: Array | None,
        seed: seeds.Seed,
        states: int = 0,
        W0: Array | None = None,
    ) -> Outcome:
        """Run instructions (n, T, .) from rest; rates have no noise, so ``seed`` changes nothing.

        ``states`` keeps W after every so many items; ``W0 (n, d_v, d_k)`` is what W starts with, None is 0.

        Returns
        -------
        Outcome

        Raises
        ------
        ValueError
            If the flow cannot run the rule, or no finite gain exists.
        """
        flow, number = self._flow(rule), kernel.HEBBIAN
        gain, P = self._gain(rule, k, beta), np.zeros((1, 1, 2, 2))
        if mechanisms.is_hebbian(rule):
            gain = gain if rule.write == "beta" else -gain
        else:
            number = flow.number
            gain, P = flow.of_kernel(k, gain, self._durations)
        scalar = rule.retain == "scalar"
        n, d_v, d_k = len(k), v.shape[2], k.shape[2]
        W, y = np.zeros((n, d_v, d_k)) if W0 is None else np.array(W0, float, order="C"), np.empty_like(v)
        kept = np.empty((n, k.shape[1] // states if states else 0, d_v, d_k))
        kernel.run(
            number,
            *(np.ascontiguousarray(x) for x in (q, k, v, gain)),
            decay if scalar else None,
            None if scalar else decay,
            P,
            np.exp(-self.gap / self.tau),
            np.exp(-self.T_read / self.tau),
            self._hold(rule),
            W,
            y,
            kept,
            states,
            0,
            n,
        )
        return Outcome(W=W, y=y, fraction_at_bound=np.zeros(n), states=kept if states else None)

    def describe(self, rule: Rule | str) -> Description:
        """What the network really does for a unit key and beta = 1 (calibrated delta rules: 0.5).

        Returns
        -------
        Description
            ``values`` has ``write``, ``erase``, ``carry_over`` (of the read-out, after a gap) and ``duration`` (ms).
        """
        row = get_rule(rule)
        beta = 0.5 if self.calibrate and mechanisms.is_delta(row) else 1.0
        key, one = np.array([[[1.0]]]), np.ones((1, 1))
        decay = {None: None, "scalar": one, "key": np.ones((1, 1, 1))}[row.retain]
        c = self.effective(row, key, beta * one, decay)
        write, erase = float(c.write[0, 0]), 0.0 if c.erase is None else float(c.erase[0, 0])
        retrieves = FLOWS[self.flow].retrieves and mechanisms.is_delta(row)
        duration = self.gap + self.T_write + self.gap + self.T_read + (self.T_read if retrieves else 0.0)
        target, left = 1 - beta if row.erase is not None else 1.0, float(np.exp(-self.gap / self.tau))
        lines = [
            f"writes {write:.4g}, erases {erase:.4g} for a target of beta = {beta:g} with a unit key",
            f"transition along the key {1 - erase:.4g} (target {target:g})",
            f"read-out reaches {1 - np.exp(-self.T_read / self.tau):.5f} of its value; "
            f"{left:.2g} of it is left after a gap",
            f"{duration:g} ms per item",
        ]
        values = {"write": write, "erase": erase, "carry_over": left, "duration": duration}
        return Description(f"{row.name} in a rate network, flow {self.flow}", values, lines)

    @property
    def _durations(self) -> Durations:
        return Durations(self.tau, self.T_write, self.T_read)

    def _flow(self, rule: Rule) -> Flow:
        """The flow, if it runs the rule."""
        return mechanisms.check_runs(FLOWS[self.flow], rule, FLOWS)

    def _gain(self, rule: Rule, k: Array, beta: Array) -> Array:
        """The integral of the learning rate over a write."""
        if self.calibrate and mechanisms.is_delta(rule):
            return FLOWS[self.flow].calibrated(k, beta, self._durations)
        return beta

    def _hold(self, rule: Rule) -> float:
        """A calibrated network makes up for a retrieval that ends before it has settled."""
        if self.calibrate and mechanisms.is_delta(rule):
            return 1 / FLOWS[self.flow].settled(self._durations)
        return 1.0
