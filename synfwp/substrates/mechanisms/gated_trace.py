"""Gated traces: coincidences of pre- and postsynaptic spikes while the value is clamped."""

from dataclasses import dataclass
from typing import Any, ClassVar

from synfwp.coefficients import Coefficients
from synfwp.plasticity import SynapticRule, rows
from synfwp.rules import Rule
from synfwp.substrates.mechanisms.base import Array, Gains, Mechanism
from synfwp.substrates.mechanisms.common import is_covariance, is_hebbian, with_gains


@dataclass(frozen=True, kw_only=True)
class GatedTrace(Mechanism):
    """``dW = beta eta (S_post xbar + S_pre ybar)`` while items are encoded: Hebb, anti-Hebb, leaky forms, covariance.

    Traces of time constant ``tau`` make this ``exp(-|dt| / tau)`` summed over pairs of spikes; eta normalises an item
    at constant rates. The post side is clamped to the value. For the covariance rule each key neuron has a partner of
    feed-forward inhibition that fires at the mean of its rate over the keys before the token (for the first key: not),
    while the token writes and while it reads: its spikes enter the trace of the synapse, and drive the postsynaptic
    neurons, with a minus sign. Its queries are sent on the scale of its keys where those are larger.

    Parameters
    ----------
    tau : float
        Time constant of the traces, ms.

    References
    ----------
    Hebb 1949; the gate after Irie & Gershman 2025; covariance after Sejnowski 1977, J Math Biol 4:303.

    Examples
    --------
    >>> GatedTrace().name, GatedTrace().synapse(0.1).pre_y
    ('gated_trace', 0.1)
    """

    name: ClassVar[str] = "gated_trace"
    cite: ClassVar[str] = "hebb1949"
    closed_form: ClassVar[str] = r"W \pm \beta v k^\top,\ \text{or}\ W \pm \beta v (k - \langle k \rangle)^\top"

    @classmethod
    def runs(cls, rule: Rule) -> bool:
        """Rules that only write, and the covariance rule."""
        return is_hebbian(rule) or is_covariance(rule)

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None, gains: Gains) -> Coefficients:
        """Coincidences weighted by ``exp(-|dt| / tau)``: writes ``beta v k^T``.

        What leaks in from the item before, ``carry_over beta_t (v_{t-1} k_t^T + v_t k_{t-1}^T)``, is no coefficient of
        one item and is left out.
        """
        return with_gains(rule, k, beta * gains.write, beta, decay)

    def synapse(self, eta: float, **more: Any) -> SynapticRule:
        """The row `synfwp.plasticity.gated_trace`; the projection's ``gate`` is open while items are encoded."""
        pairs = {"pre_y": 0.0} if self.causal else {}
        return rows.gated_trace(eta, self.tau, **({"name": self.name, "cite": self.cite} | pairs | more))
