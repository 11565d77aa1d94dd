"""Memory: how many pairs, for how long, and at what cost, of plastic synapses and transformers by one protocol.

Every measurement is an episode: pairs are stored in order, then queries are read. What is measured is a system: a rule
on a substrate or a synapse, attention, a kernel, or a function of the user.

Examples
--------
>>> import synfwp as fw
>>> ds = fw.capacity({"Hebb": "hebb", "attention": "softmax"}, d_key=16, loads=[4, 16], decoder="argmax", seeds=3)
>>> sorted(ds.sizes.items())
[('knob', 2), ('pairs', 2), ('seed', 3), ('system', 2)]
"""

from synfwp.memory.ages import retention
from synfwp.memory.changes import overwriting, tracking
from synfwp.memory.decoders import Decoder
from synfwp.memory.episodes import Episode
from synfwp.memory.loads import capacity, critical_load, scaling
from synfwp.memory.pairwise import Attention, Kernel, Ridge
from synfwp.memory.systems import System

__all__ = [
    "Attention",
    "Decoder",
    "Episode",
    "Kernel",
    "Ridge",
    "System",
    "capacity",
    "critical_load",
    "overwriting",
    "retention",
    "scaling",
    "tracking",
]
