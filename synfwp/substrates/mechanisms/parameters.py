"""Parameters of mechanisms."""

from dataclasses import dataclass
from typing import Any, ClassVar

from synfwp import units
from synfwp.units import Parameters


@dataclass(frozen=True, kw_only=True)
class GatedTrace(Parameters):
    """``dW = beta eta (S_post xbar + S_pre ybar)`` while items are encoded: Hebb, anti-Hebb, leaky forms, covariance.

    Traces of time constant ``tau`` (ms) make this ``exp(-|dt| / tau)`` summed over pairs of spikes; eta normalises an
    item at constant rates. The post side is clamped to the value (Hebb 1949; gate after Irie & Gershman 2025). For the
    covariance rule each key neuron has a partner of feed-forward inhibition that fires at the running mean of its rate
    over all tokens so far; its spikes enter the trace of the synapse with a minus sign (Sejnowski 1977).

    >>> GatedTrace().name
    'gated_trace'
    """

    tau: Any = 20.0
    name: ClassVar[str] = "gated_trace"
    _units: ClassVar[dict[str, str]] = {"tau": "ms"}


@dataclass(frozen=True, kw_only=True)
class TwoPhase(Parameters):
    """Delta rule in two phases: what retrieval activates is depressed, what encoding clamps is potentiated.

    With ``latched`` the depression accumulates as an eligibility trace and is applied when the retrieval ends; without
    it acts at once, on what is being retrieved, and erases ``(1 - exp(-beta |k|^2)) / |k|^2``. ``tau`` in ms. After
    Hasselmo, Bodelon & Wyble 2002, Neural Computation 14:793.

    >>> TwoPhase().latched
    True
    """

    tau: Any = 20.0
    latched: bool = True
    name: ClassVar[str] = "two_phase"
    _units: ClassVar[dict[str, str]] = {"tau": "ms"}


@dataclass(frozen=True, kw_only=True)
class Dendritic(Parameters):
    """Delta rule in one phase: ``dW = eta (S_post - prediction) xbar``, the dendrite predicts a soma that is clamped.

    The value clamps push and pull somata; recurrent input reaches their dendrites alone, whose prediction is the
    synaptic current, taken as linear and signed. Only presynaptic spikes that come first count, through their trace
    (``tau``, ms). With ``latched`` the sum over a phase is applied when the phase ends; without it W follows at once,
    as published, and writes and erases ``(1 - exp(-beta |k|^2)) / |k|^2``. Urbanczik & Senn 2014, Neuron 81:521,
    their rule without the factor h and the low-pass filter.

    >>> Dendritic().latched
    True
    """

    tau: Any = 20.0
    latched: bool = True
    name: ClassVar[str] = "dendritic"
    _units: ClassVar[dict[str, str]] = {"tau": "ms"}


@dataclass(frozen=True, kw_only=True)
class InhibitoryCancellation(Parameters):
    """Delta rule by inhibitory synapses that learn to cancel an excitatory drive which stands for the value.

    Push neurons fire at ``[rho0 + v - W k]+`` and pull neurons at ``[rho0 - v + W k]+``; each inhibitory synapse obeys
    ``dw = eta (xbar at a postsynaptic spike; ybar - alpha at a presynaptic one)`` with ``alpha = 2 rho0 tau``, whose
    target is the rate ``rho0`` (Hz). What is kept, W, is the difference of the two sides, in which alpha cancels; eta
    is set so that an error at the peak rate is carried exactly. Errors below rho0 are carried by both sides, those
    beyond it by one: linear for ``rho0 = 0`` and for ``rho0`` of the peak rate and more. In between small errors are
    corrected by up to twice as much, and past the bound on beta that `describe` tells they swing within rho0. ``tau``
    in ms; ``latched`` as in `Dendritic`. Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011, Science 334:1569.

    >>> InhibitoryCancellation().alpha
    0.2
    """

    tau: Any = 20.0
    rho0: Any = 5.0
    latched: bool = True
    name: ClassVar[str] = "inhibitory_cancellation"
    _units: ClassVar[dict[str, str]] = {"tau": "ms", "rho0": "Hz"}
    _zero_allowed: ClassVar[tuple[str, ...]] = ("rho0",)

    @property
    def alpha(self) -> float:
        """What a presynaptic spike takes off the trace it meets: twice the spikes expected in tau at the target."""
        return 2 * units.per_ms(self.rho0) * float(self.tau)


@dataclass(frozen=True, kw_only=True)
class PES(Parameters):
    """Delta rule in one phase: ``dW = eta e xbar`` with the error ``e = v - W k`` in the spikes of a population.

    Each value neuron has an error neuron that excitation for v and inhibition by W k drive; its spikes, push minus
    pull, teach the synapses of the value neuron. This is prescribed error sensitivity, the reference of engineering
    and not of biology. ``tau`` (ms) and ``latched`` as in `Dendritic`. MacNeil & Eliasmith 2011, PLoS ONE 6:e22885;
    Bekolay, Kolbeck & Eliasmith 2013, Proc. CogSci 35:169.

    >>> PES(tau=10.0).tau
    10.0
    """

    tau: Any = 20.0
    latched: bool = True
    name: ClassVar[str] = "pes"
    _units: ClassVar[dict[str, str]] = {"tau": "ms"}
