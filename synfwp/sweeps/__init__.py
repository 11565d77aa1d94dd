"""Sweeps: a function over a grid, wherever it runs, with nothing lost.

Examples
--------
>>> from synfwp import sweeps
>>> sweeps.sweep(lambda x: x**2, {"x": [1, 2, 3]}, seeds=None, store=None).result.values.tolist()
[1, 4, 9]
"""

from synfwp.sweeps.door import cost, failures, sweep
from synfwp.sweeps.running import Cost

__all__ = ["Cost", "cost", "failures", "sweep"]
