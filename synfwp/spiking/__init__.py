"""Spiking networks: carriers that run instructions with spikes, and circuits of neurons and plastic synapses."""

from synfwp.spiking.cells import AdEx, TwoCompartment
from synfwp.spiking.circuit import Circuit, Record
from synfwp.spiking.groups import PoissonSource, Population, SpikeSource, Steps
from synfwp.spiking.network import SpikingNetwork
from synfwp.spiking.parallel import replicates
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
from synfwp.spiking.projection import Projection, ShortTerm, random_synapses
from synfwp.spiking.recording import spikes
from synfwp.spiking.simulation import Simulation

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
