"""Parameters of a spiking network: frozen, with units, checked when they are built. Quantities with units are taken."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from synfwp import checks, units


@dataclass(frozen=True, kw_only=True)
class _Parameters:
    """Fields with a unit are converted to it and checked to lie in their range."""

    _units: ClassVar[dict[str, str]] = {}
    _zero_allowed: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        """Numbers in the unit of their field, above 0 unless the class allows 0; potentials may have any sign."""
        for entry in fields(self):
            unit = self._units.get(entry.name)
            if unit is None or getattr(self, entry.name) is None:
                continue
            value = units.to_float(getattr(self, entry.name), unit, entry.name)
            if unit != "mV" or entry.name == "noise":
                zero = entry.name in self._zero_allowed
                checks.number(f"{entry.name} ({unit})", value, 0, above=not zero)
            else:
                checks.number(f"{entry.name} ({unit})", value)
            object.__setattr__(self, entry.name, value)


@dataclass(frozen=True)
class Receptor(_Parameters):
    """What a spike opens in a postsynaptic neuron: it jumps by the weight and decays with ``tau`` (ms).

    Without ``reversal`` it is a current (pA), with one (mV) a conductance (nS). With ``drives=False`` it acts on
    nothing and is a signal, such as an error that a plasticity rule reads.

    >>> Receptor("excitatory", tau=5.0, reversal=0.0).reversal
    0.0
    """

    name: str
    tau: Any = 5.0
    reversal: Any = None
    drives: bool = True
    _units: ClassVar[dict[str, str]] = {"tau": "ms", "reversal": "mV"}


RESERVED = ("v", "w", "drive", "prediction", "none", "")


def check_receptors(receptors: Any) -> tuple[Receptor, ...]:
    """Receptors with different names, as a tuple."""
    found = tuple(receptors)
    for one in found:
        if not isinstance(one, Receptor):
            raise TypeError(f"receptors holds a {type(one).__name__}; pass Receptor objects.")
    names = [one.name for one in found]
    taken = [name for name in names if not isinstance(name, str) or name in RESERVED]
    if taken:
        raise ValueError(f"a receptor is named {taken[0]!r}, which is the name of something else; pass another text.")
    if len(set(names)) < len(names):
        raise ValueError(f"receptors are named {', '.join(names)}; give each its own name.")
    return found


@dataclass(frozen=True, kw_only=True)
class LIF(_Parameters):
    """Leaky integrate-and-fire neuron with white noise: ``tau_m dV/dt = v_rest - V + I + noise sqrt(2 tau_m) xi``.

    Parameters
    ----------
    tau_m, t_ref, tau_syn : float
        Membrane, refractory and synaptic time constants in ms.
    v_rest, v_threshold, v_reset, noise : float
        In mV; ``noise`` is the standard deviation of the membrane potential without threshold.
    g_leak : float
        In nS; the capacitance is ``tau_m g_leak`` (pF). With 1, currents in pA are drives in mV and conductances are
        in units of the leak.
    receptors : tuple of Receptor
        What synapses of a `Circuit` act on; none: a current that decays with ``tau_syn``, named "current".

    >>> LIF(tau_m=10.0).tau_m
    10.0
    """

    tau_m: Any = 20.0
    t_ref: Any = 2.0
    tau_syn: Any = 5.0
    v_rest: Any = -70.0
    v_threshold: Any = -50.0
    v_reset: Any = -60.0
    noise: Any = 5.0
    g_leak: Any = 1.0
    receptors: tuple[Receptor, ...] = ()
    _units: ClassVar[dict[str, str]] = {
        "tau_m": "ms",
        "t_ref": "ms",
        "tau_syn": "ms",
        "v_rest": "mV",
        "v_threshold": "mV",
        "v_reset": "mV",
        "noise": "mV",
        "g_leak": "nS",
    }
    _zero_allowed: ClassVar[tuple[str, ...]] = ("t_ref", "noise")

    def __post_init__(self) -> None:
        """The threshold lies above reset and rest."""
        super().__post_init__()
        object.__setattr__(self, "receptors", check_receptors(self.receptors))
        if self.v_threshold <= max(self.v_reset, self.v_rest):
            raise ValueError(
                f"v_threshold is {self.v_threshold:g} mV; it must lie above v_reset ({self.v_reset:g} mV) and "
                f"v_rest ({self.v_rest:g} mV)."
            )


@dataclass(frozen=True, kw_only=True)
class Poisson(_Parameters):
    """A neuron that fires at a rate equal to its rectified drive, after a synapse of time constant tau_syn (ms).

    >>> Poisson().tau_syn
    5.0
    """

    tau_syn: Any = 5.0
    _units: ClassVar[dict[str, str]] = {"tau_syn": "ms"}


@dataclass(frozen=True, kw_only=True)
class RateCode(_Parameters):
    """Features as firing rates: the largest key, query or value of a run is sent at ``peak`` (Hz) by every clone.

    Keys and queries are sent by ``clones`` neurons each; a signed value by ``clones`` push and ``clones`` pull neurons.

    >>> RateCode(peak=50.0).clones
    8
    """

    peak: Any = 100.0
    clones: int = 8
    _units: ClassVar[dict[str, str]] = {"peak": "Hz"}

    def __post_init__(self) -> None:
        """The number of clones is a positive integer."""
        super().__post_init__()
        checks.count("clones", self.clones)


@dataclass(frozen=True, kw_only=True)
class ThetaCycle(_Parameters):
    """Phases of one item: retrieve, gap, encode, gap (ms); a read lasts as long as a retrieval.

    Plasticity is off in gaps, and traces decay there. ``read="end"`` reads out in spikes the tokens that only ask,
    ``"every"`` reads all tokens that have a query. ``reset_traces`` sets traces to zero before each phase, which is an
    idealisation.

    >>> ThetaCycle().gap
    40.0
    """

    retrieve: Any = 100.0
    encode: Any = 100.0
    gap: Any = 40.0
    read: str = "end"
    reset_traces: bool = False
    _units: ClassVar[dict[str, str]] = {"retrieve": "ms", "encode": "ms", "gap": "ms"}
    _zero_allowed: ClassVar[tuple[str, ...]] = ("gap",)

    def __post_init__(self) -> None:
        """``read`` is one of two words."""
        super().__post_init__()
        checks.one_of("read", self.read, ("end", "every"))


@dataclass(frozen=True, kw_only=True)
class GatedTrace(_Parameters):
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
class TwoPhase(_Parameters):
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
class Dendritic(_Parameters):
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
class InhibitoryCancellation(_Parameters):
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
class PES(_Parameters):
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
