"""Neuron models: leaky integrate-and-fire, adaptive exponential, two compartments, Poisson; and their receptors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from synfwp.results.names import check_name
from synfwp.spiking.parameters import PerNeuron
from synfwp.units import Parameters

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Receptor(PerNeuron):
    """What a spike opens in a postsynaptic neuron: it jumps by the weight and decays with ``tau``.

    Parameters
    ----------
    name : str
    tau : float or (n,) array
        ms; an array has one value for each neuron of the population.
    reversal : float, (n,) array or None
        mV: a conductance (nS). None: a current (pA).
    drives : bool
        False: it acts on nothing and is a signal, such as an error that a plasticity rule reads.

    Raises
    ------
    ValueError
        If ``tau`` is not above 0.

    Examples
    --------
    >>> Receptor("excitatory", tau=5.0, reversal=0.0).reversal
    0.0
    """

    name: str
    tau: Any = 5.0
    reversal: Any = None
    drives: bool = True
    _units: ClassVar[dict[str, str]] = {"tau": "ms", "reversal": "mV"}

    def __post_init__(self) -> None:
        """Arrays of one length."""
        super().__post_init__()
        self.check_size(None, f"receptor {self.name!r}")


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
    for name in names:
        check_name(name, "name of a receptor")
    if len(set(names)) < len(names):
        raise ValueError(f"receptors are named {', '.join(names)}; give each its own name.")
    return found


def _first(wrong: Any, *values: Any) -> list[float]:
    """The values of the first neuron for which something is wrong."""
    i = int(np.argmax(wrong))
    return [float(np.broadcast_to(value, np.shape(wrong))[i] if np.ndim(wrong) else value) for value in values]


@dataclass(frozen=True, kw_only=True, eq=False)
class LIF(PerNeuron):
    """Leaky integrate-and-fire neuron: ``tau_m dV/dt = v_rest - V + I + noise sqrt(2 tau_m) xi``.

    Each parameter is a number, or an array of one value for each neuron of the `Population`.

    Parameters
    ----------
    tau_m, t_ref, tau_syn : float or (n,) array
        Membrane, refractory and synaptic time constants in ms.
    v_rest, v_threshold, v_reset, noise : float or (n,) array
        In mV; ``noise`` is the standard deviation of the membrane potential without threshold, 0 by default.
    g_leak : float or (n,) array
        In nS; the capacitance is ``tau_m g_leak`` (pF). With 1, currents in pA are drives in mV and conductances are
        in units of the leak.
    receptors : tuple of Receptor
        What synapses of a `Circuit` act on; none: a current that decays with ``tau_syn``, named "current".

    Raises
    ------
    TypeError, ValueError
        Naming the parameter; also if the threshold does not lie above reset and rest.

    Examples
    --------
    >>> LIF(tau_m=10.0).tau_m
    10.0
    """

    tau_m: Any = 20.0
    t_ref: Any = 2.0
    tau_syn: Any = 5.0
    v_rest: Any = -70.0
    v_threshold: Any = -50.0
    v_reset: Any = -60.0
    noise: Any = 0.0
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
        self.check_size(None, "LIF")
        wrong = np.asarray(self.v_threshold <= np.maximum(self.v_reset, self.v_rest))
        if wrong.any():
            threshold, reset, rest = _first(wrong, self.v_threshold, self.v_reset, self.v_rest)
            raise ValueError(
                f"v_threshold is {threshold:g} mV; it must lie above v_reset ({reset:g} mV) and v_rest ({rest:g} mV)."
            )


@dataclass(frozen=True, kw_only=True)
class Poisson(Parameters):
    """A neuron that fires at a rate equal to its rectified drive, after a synapse.

    Parameters
    ----------
    tau_syn : float
        Time constant of the synapse, ms.

    Raises
    ------
    ValueError
        If ``tau_syn`` is not above 0.

    Examples
    --------
    >>> Poisson().tau_syn
    5.0
    """

    tau_syn: Any = 5.0
    _units: ClassVar[dict[str, str]] = {"tau_syn": "ms"}


@dataclass(frozen=True, kw_only=True, eq=False)
class AdEx(PerNeuron):
    r"""Adaptive exponential integrate-and-fire neuron [1]_.

    ``C dV/dt = g_leak (v_rest - V) + g_leak delta exp((V - v_threshold) / delta) - w + I``,
    ``tau_w dw/dt = a (V - v_rest) - w``; a spike at ``v_peak`` resets V to ``v_reset`` and raises w by b. Each
    parameter is a number, or an array of one value for each neuron of the `Population`.

    Parameters
    ----------
    C_m : float or (n,) array
        Capacitance, pF.
    g_leak : float or (n,) array
        Leak, nS.
    v_rest, v_threshold, v_reset, v_peak, delta : float or (n,) array
        In mV; delta is the slope of the spike upstroke.
    a : float or (n,) array
        Adaptation, nS; it may be negative.
    b : float or (n,) array
        Jump of the adaptation current at a spike, pA.
    tau_w, t_ref, tau_syn : float or (n,) array
        In ms.
    noise : float or (n,) array
        Of the membrane, mV.
    receptors : tuple of Receptor
        As those of `LIF`.

    Raises
    ------
    TypeError, ValueError
        Naming the parameter; also if the peak does not lie above threshold and reset.

    References
    ----------
    .. [1] Brette & Gerstner 2005, J Neurophysiol 94:3637.

    Examples
    --------
    >>> round(AdEx().tau_m, 2)
    9.37
    """

    C_m: Any = 281.0
    g_leak: Any = 30.0
    v_rest: Any = -70.6
    v_threshold: Any = -50.4
    v_reset: Any = -70.6
    v_peak: Any = 0.0
    delta: Any = 2.0
    a: Any = 4.0
    b: Any = 80.5
    tau_w: Any = 144.0
    t_ref: Any = 0.0
    tau_syn: Any = 5.0
    noise: Any = 0.0
    receptors: tuple[Receptor, ...] = ()
    _units: ClassVar[dict[str, str]] = {
        "C_m": "pF", "g_leak": "nS", "v_rest": "mV", "v_threshold": "mV", "v_reset": "mV",
        "v_peak": "mV", "delta": "mV", "a": "nS", "b": "pA", "tau_w": "ms", "t_ref": "ms", "tau_syn": "ms",
        "noise": "mV",
    }  # fmt: skip
    _zero_allowed: ClassVar[tuple[str, ...]] = ("t_ref", "noise")
    _signed: ClassVar[tuple[str, ...]] = ("a", "b")

    def __post_init__(self) -> None:
        """The peak lies above threshold and reset, and the slope is positive."""
        super().__post_init__()
        object.__setattr__(self, "receptors", check_receptors(self.receptors))
        self.check_size(None, "AdEx")
        wrong = np.asarray(self.v_peak <= np.maximum(self.v_reset, self.v_threshold))
        if wrong.any():
            peak, reset, threshold = _first(wrong, self.v_peak, self.v_reset, self.v_threshold)
            raise ValueError(
                f"v_peak is {peak:g} mV; it must lie above v_reset ({reset:g} mV) and v_threshold ({threshold:g} mV)."
            )

    @property
    def tau_m(self) -> float | Array:
        """Membrane time constant, ms."""
        found: float | Array = self.C_m / self.g_leak
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class TwoCompartment(PerNeuron):
    r"""A soma that fires at random and a dendrite that predicts it [1]_.

    The dendrite ``tau_m dV/dt = v_rest - V + I / g_leak`` takes the synaptic current of the first receptor, "dendrite".
    The soma ``C dU/dt = g_leak (v_rest - U) + g_dendrite (V - U) + ...`` takes the other receptors and the drive, and
    fires at the rate ``phi(U) = phi_max / (1 + k exp(slope (half - U)))`` without reset. The dendrite predicts
    ``phi(V*)``, ``V* = v_rest + (V - v_rest) g_dendrite / (g_dendrite + g_leak)``. Each parameter is a number, or an
    array of one value for each neuron of the `Population`.

    Parameters
    ----------
    tau_m, tau_syn, t_ref : float or (n,) array
        In ms; ``tau_syn`` is that of the dendritic current.
    g_leak, g_dendrite : float or (n,) array
        In nS.
    v_rest, half : float or (n,) array
        In mV.
    phi_max : float or (n,) array
        Largest rate, Hz.
    k, slope : float or (n,) array
        Of the rate: no unit, and 1/mV.
    receptors : tuple of Receptor
        Those of the soma, in addition to "dendrite".

    Raises
    ------
    TypeError, ValueError
        Naming the parameter; also if a receptor has the name of something else.

    References
    ----------
    .. [1] Urbanczik & Senn 2014, Neuron 81:521.

    Examples
    --------
    >>> [receptor.name for receptor in TwoCompartment(receptors=(Receptor("teacher", tau=3.0),)).all_receptors]
    ['dendrite', 'teacher']
    """

    tau_m: Any = 10.0
    tau_syn: Any = 3.0
    t_ref: Any = 0.0
    g_leak: Any = 1.0
    g_dendrite: Any = 20.0
    v_rest: Any = -70.0
    half: Any = -55.0
    phi_max: Any = 150.0
    k: Any = 0.5
    slope: Any = 0.3
    receptors: tuple[Receptor, ...] = ()
    _units: ClassVar[dict[str, str]] = {
        "tau_m": "ms", "tau_syn": "ms", "t_ref": "ms", "g_leak": "nS", "g_dendrite": "nS", "v_rest": "mV", "half": "mV",
        "phi_max": "Hz", "k": "1", "slope": "1",
    }  # fmt: skip
    _zero_allowed: ClassVar[tuple[str, ...]] = ("t_ref",)

    def __post_init__(self) -> None:
        """ "dendrite" names the first receptor and no other."""
        super().__post_init__()
        object.__setattr__(self, "receptors", check_receptors(self.receptors))
        check_receptors(self.all_receptors)
        self.check_size(None, "TwoCompartment")

    @property
    def all_receptors(self) -> tuple[Receptor, ...]:
        """The dendritic current, then those of the soma."""
        return (Receptor("dendrite", tau=self.tau_syn), *self.receptors)


Neuron = LIF | AdEx | TwoCompartment


def receptors_of(neuron: Neuron) -> tuple[Receptor, ...]:
    """The receptors of a neuron model, in order; one current where none is given."""
    if isinstance(neuron, TwoCompartment):
        return neuron.all_receptors
    return neuron.receptors or (Receptor("current", tau=neuron.tau_syn),)


def is_linear(neuron: Neuron) -> bool:
    """Whether the membrane has an exact solution: LIF with currents alone."""
    return isinstance(neuron, LIF) and all(one.reversal is None for one in receptors_of(neuron))
