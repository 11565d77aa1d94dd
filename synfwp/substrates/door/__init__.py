"""The door to every substrate: the same instructions, exactly, in rates or in spikes.

`synfwp.substrates.door.run` and `references` are the layer of arrays; `simulate` and `compare_substrates` label what
they give. Nothing else in `synfwp.substrates` imports this package, which alone can reach the exact rules.
"""

from synfwp.substrates.door.arrays import Exact, Substrate, references, run
from synfwp.substrates.door.labels import simulate
from synfwp.substrates.door.programmers import compare_substrates

__all__ = ["Exact", "Substrate", "compare_substrates", "references", "run", "simulate"]
