"""Prescribed error sensitivity: the error is the spikes of a population of its own."""

from dataclasses import dataclass
from typing import Any, ClassVar

from synfwp.plasticity import SynapticRule, rows
from synfwp.substrates.mechanisms.base import Mechanism


@dataclass(frozen=True, kw_only=True)
class PES(Mechanism):
    """Delta rule in one phase: ``dW = eta e xbar`` with the error ``e = v - W k`` in the spikes of a population.

    Each value neuron has an error neuron that excitation for v and inhibition by W k drive; its spikes, push minus
    pull, teach the synapses of the value neuron. This is prescribed error sensitivity, the reference of engineering
    and not of biology.

    Parameters
    ----------
    tau : float
        Time constant of the presynaptic trace, ms.
    online : bool
        As in `Dendritic`.

    References
    ----------
    MacNeil & Eliasmith 2011, PLoS ONE 6:e22885; Bekolay, Kolbeck & Eliasmith 2013, Proc. CogSci 35:169.

    Examples
    --------
    >>> PES(tau=10.0).tau, PES().synapse(0.1).error
    (10.0, 'error')
    """

    online: bool = False
    name: ClassVar[str] = "pes"
    cite: ClassVar[str] = "macneil2011, bekolay2013"
    closed_form: ClassVar[str] = (
        r"W \mathrm{diag}(1 - \beta s k) + \beta (v - \lambda W k) k^\top,\ \text{online:}\ "
        r"\tfrac{1 - e^{-\beta \lambda |k|^2}}{\lambda |k|^2} (v - \lambda W k) k^\top"
    )
    causal: ClassVar[bool] = True
    into_soma: ClassVar[bool] = True

    def synapse(self, eta: float, **more: Any) -> SynapticRule:
        """The row `synfwp.plasticity.pes`: the error is a receptor onto which the error neurons project.

        ``eta`` is the change of weight per ms, for an error of 1 and a trace of 1.
        """
        return rows.pes(eta, tau=self.tau, **more)
