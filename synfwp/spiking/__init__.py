"""Spiking networks that carry out instructions with spikes, traces and gates."""

from synfwp.spiking.network import SpikingNetwork
from synfwp.spiking.parameters import (
    LIF,
    PES,
    Dendritic,
    GatedTrace,
    InhibitoryCancellation,
    Poisson,
    RateCode,
    ThetaCycle,
    TwoPhase,
)

__all__ = [
    "LIF",
    "PES",
    "Dendritic",
    "GatedTrace",
    "InhibitoryCancellation",
    "Poisson",
    "RateCode",
    "SpikingNetwork",
    "ThetaCycle",
    "TwoPhase",
]
