"""Pairing protocols: a short motif of spikes, repeated n times at a rate. Times in ms, rates in Hz.

A rule takes the two trains of a protocol: ``rule.dw(protocol.pre, protocol.post)``.
"""

from synfwp.plasticity.protocols.base import Protocol, Trains
from synfwp.plasticity.protocols.pairing import KINDS as KINDS
from synfwp.plasticity.protocols.pairing import bursts, from_table, pairs, triplets
from synfwp.plasticity.protocols.patterns import (
    frequency_sweep,
    from_times,
    jitter,
    plateaus,
    poisson_pairs,
    quadruplets,
    repeated,
    theta_bursts,
)

__all__ = [
    "Protocol",
    "Trains",
    "bursts",
    "frequency_sweep",
    "from_table",
    "from_times",
    "jitter",
    "pairs",
    "plateaus",
    "poisson_pairs",
    "quadruplets",
    "repeated",
    "theta_bursts",
    "triplets",
]
