"""Circuits of spiking neurons and plastic synapses: a simulator that knows no fast weights."""

from synfwp.spiking.balanced import ei_network
from synfwp.spiking.groups import PoissonSource, Population, SpikeSource, Steps
from synfwp.spiking.neurons import LIF, AdEx, Poisson, Receptor, TwoCompartment
from synfwp.spiking.projection import Projection, random_synapses
from synfwp.spiking.recording import spikes
from synfwp.spiking.replication import replicates
from synfwp.spiking.short_term import ShortTerm
from synfwp.spiking.simulation import Circuit, Simulation
from synfwp.spiking.wiring import Record

__all__ = [
    "LIF",
    "AdEx",
    "Circuit",
    "Poisson",
    "PoissonSource",
    "Population",
    "Projection",
    "Receptor",
    "Record",
    "ShortTerm",
    "Simulation",
    "SpikeSource",
    "Steps",
    "TwoCompartment",
    "ei_network",
    "random_synapses",
    "replicates",
    "spikes",
]
