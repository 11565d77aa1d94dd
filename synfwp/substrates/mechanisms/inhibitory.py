"""Inhibitory plasticity: synapses learn to cancel an excitatory drive."""

from dataclasses import dataclass
from typing import Any, ClassVar

from synfwp import units
from synfwp.plasticity import SynapticRule, rows
from synfwp.substrates.mechanisms.base import Mechanism


@dataclass(frozen=True, kw_only=True)
class InhibitoryCancellation(Mechanism):
    """Delta rule by inhibitory synapses that learn to cancel an excitatory drive which stands for the value.

    Push neurons fire at ``[rho0 + v - W k]+`` and pull neurons at ``[rho0 - v + W k]+``; each inhibitory synapse obeys
    ``dw = eta (xbar at a postsynaptic spike; ybar - alpha at a presynaptic one)`` with ``alpha = 2 rho0 tau``, whose
    target is the rate ``rho0``. What is kept, W, is the difference of the two sides, in which alpha cancels; eta is set
    so that an error at the peak rate is carried exactly. Errors below rho0 are carried by both sides, those beyond it
    by one: linear for ``rho0 = 0`` and for ``rho0`` of the peak rate and more. In between small errors are corrected by
    up to twice as much, and past the bound on beta of `SpikingNetwork.describe` they swing within rho0. What is written
    on average is therefore more than beta of an error: by the mean of the bent line over the noise of spikes, which
    `SpikingNetwork.effective` has for known values (of Poisson neurons and counts; from some 10 spikes per neuron and
    window on the noise is normal enough).

    Parameters
    ----------
    tau : float
        Time constant of the traces, ms.
    rho0 : float
        Target rate, Hz.
    online : bool
        As in `Dendritic`.

    References
    ----------
    Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011, Science 334:1569.

    Examples
    --------
    >>> InhibitoryCancellation().alpha, InhibitoryCancellation().synapse(1.0).pre_0
    (0.2, -0.2)
    """

    rho0: Any = 5.0
    online: bool = False
    name: ClassVar[str] = "inhibitory_cancellation"
    cite: ClassVar[str] = "vogels2011"
    closed_form: ClassVar[str] = (
        r"W \mathrm{diag}(1 - \beta s k\, \mathrm{E} g') + \beta\, \mathrm{E} g(v - \lambda W k + \xi) k^\top,\ "
        r"g(e) = \frac{[\rho_0 + e]_+ - [\rho_0 - e]_+}{1 + \min(\rho_0, 1)},\ \xi\ \text{the noise of spikes}"
    )
    into_soma: ClassVar[bool] = True
    _units: ClassVar[dict[str, str]] = {"tau": "ms", "rho0": "Hz"}
    _zero_allowed: ClassVar[tuple[str, ...]] = ("rho0",)

    @property
    def baseline(self) -> float:
        """The target rate, Hz."""
        return float(self.rho0)

    @property
    def alpha(self) -> float:
        """What a presynaptic spike takes off the trace it meets: twice the spikes expected in tau at the target."""
        return 2 * units.per_ms(self.rho0) * float(self.tau)

    def synapse(self, eta: float, **more: Any) -> SynapticRule:
        """The row `synfwp.plasticity.inhibitory` of the inhibitory synapses of either side."""
        return rows.inhibitory(eta, self.rho0, self.tau, **more)
