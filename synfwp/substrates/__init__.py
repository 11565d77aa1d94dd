"""What carries out instructions: a network of rates, a network of spiking neurons; and the door to all of them.

The networks cannot reach the exact rules. `synfwp.substrates.door` can, and is imported by nothing else here.
"""

from synfwp.substrates.code import RateCode, ThetaCycle
from synfwp.substrates.mechanisms import PES, Dendritic, GatedTrace, InhibitoryCancellation, Mechanism, TwoPhase
from synfwp.substrates.rate import RateNetwork
from synfwp.substrates.spiking import SpikingNetwork

__all__ = [
    "PES",
    "Dendritic",
    "GatedTrace",
    "InhibitoryCancellation",
    "Mechanism",
    "RateCode",
    "RateNetwork",
    "SpikingNetwork",
    "ThetaCycle",
    "TwoPhase",
]
