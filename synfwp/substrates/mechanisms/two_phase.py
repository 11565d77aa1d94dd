"""Two phases: what retrieval activates is depressed, what encoding clamps is potentiated."""

from dataclasses import dataclass
from typing import Any, ClassVar

from synfwp.coefficients import Coefficients
from synfwp.plasticity import SynapticRule, rows
from synfwp.rules import Rule
from synfwp.substrates.mechanisms.base import Array, Gains, Mechanism
from synfwp.substrates.mechanisms.common import saturated, with_gains, with_self_erasure


@dataclass(frozen=True, kw_only=True)
class TwoPhase(Mechanism):
    """Delta rule in two phases: what retrieval activates is depressed, what encoding clamps is potentiated.

    The depression accumulates as an eligibility trace and is applied when the retrieval ends. With ``online`` it acts
    at once, on what is being retrieved, and erases ``(1 - exp(-beta |k|^2)) / |k|^2``.

    Parameters
    ----------
    tau : float
        Time constant of the traces, ms.
    online : bool

    References
    ----------
    After Hasselmo, Bodelon & Wyble 2002, Neural Computation 14:793.

    Examples
    --------
    >>> TwoPhase().online, TwoPhase().synapse(0.1).name
    (False, 'two_phase')
    """

    online: bool = False
    name: ClassVar[str] = "two_phase"
    cite: ClassVar[str] = "hasselmo2002"
    closed_form: ClassVar[str] = (
        r"W \mathrm{diag}(1 - \beta s k) + \beta ((1 + \epsilon) v - (\lambda - \epsilon) W k) k^\top"
    )
    retrieves: ClassVar[bool] = True

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None, gains: Gains) -> Coefficients:
        """Depression by retrieval, then potentiation by encoding.

        A spike of a synapse's own presynaptic neuron drives its postsynaptic neuron, so that besides the mean retrieval
        each synapse is depressed in proportion to itself: ``retain_j = a_j (1 - beta self_erasure k_j)``. What leaks
        from one item's encoding into the next one's retrieval is no coefficient of one item and is left out; so is,
        with ``online``, the lag of the synapses.
        """
        erase = beta * gains.erase
        c = with_gains(rule, k, beta * gains.write, saturated(erase, k) if gains.online else erase, decay)
        return with_self_erasure(c, beta * gains.self_erasure, k)

    def synapse(self, eta: float, **more: Any) -> SynapticRule:
        """The row `synfwp.plasticity.two_phase`.

        The projection's ``eligibility`` is negative while retrieving, ``latch`` applies what was collected when the
        retrieval ends, and ``gate`` is open while items are encoded.
        """
        pairs = {"pre_y": 0.0} if self.causal else {}
        return rows.two_phase(eta, self.tau, **({"name": self.name, "cite": self.cite} | pairs | more))
