"""Synapses: what happens between the change that a rule asks for and the weight that is read."""

from synfwp.memory.synapses.base import Synapse
from synfwp.memory.synapses.chains import BennaFusi, MultiDecay
from synfwp.memory.synapses.plain import Bits, Bounds, Dale
from synfwp.memory.synapses.running import scan_through
from synfwp.memory.synapses.switches import Binary, Cascade

__all__ = [
    "BennaFusi",
    "Binary",
    "Bits",
    "Bounds",
    "Cascade",
    "Dale",
    "MultiDecay",
    "Synapse",
    "scan_through",
]
