"""Spiking networks: carriers that run instructions with spikes, and circuits of neurons and plastic synapses."""

from synfwp.spiking.cells import AdEx, TwoCompartment
from synfwp.spiking.circuit import (
    Circuit,
    PoissonSource,
    Population,
    Projection,
    Record,
    ShortTerm,
    SpikeSource,
    Steps,
    random_synapses,
)
from synfwp.spiking.network import SpikingNetwork
from synfwp.spiking.parameters import (
    LIF,
    PES,
    Dendritic,
    GatedTrace,
    InhibitoryCancellation,
    Poisson,
    RateCode,
    Receptor,
    ThetaCycle,
    TwoPhase,
)
from synfwp.spiking.recording import spikes
from synfwp.spiking.simulation import Simulation, replicates

__all__ = [
    "LIF",
    "PES",
    "AdEx",
    "Circuit",
    "Dendritic",
    "GatedTrace",
    "InhibitoryCancellation",
    "Poisson",
    "PoissonSource",
    "Population",
    "Projection",
    "RateCode",
    "Receptor",
    "Record",
    "ShortTerm",
    "Simulation",
    "SpikeSource",
    "SpikingNetwork",
    "Steps",
    "ThetaCycle",
    "TwoCompartment",
    "TwoPhase",
    "random_synapses",
    "replicates",
    "spikes",
]
