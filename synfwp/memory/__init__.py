"""Memory: synapses of every kind under one protocol."""

from synfwp.memory.synapses import (
    BennaFusi,
    Binary,
    Bits,
    Bounds,
    Cascade,
    Dale,
    MultiDecay,
    Synapse,
    scan_through,
)

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
