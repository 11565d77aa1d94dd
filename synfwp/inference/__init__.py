"""Fits of plasticity to data: own tables, best values, intervals, and what the data do not constrain.

`fit` is the one call for rules of spike timing; any other model is a `synfwp.inference.engine.Problem`.

Examples
--------
>>> import synfwp as fw
>>> fw.fit(fw.PairSTDP, "nevian_sakmann2006_bursts", fixed={"tau_plus": 15, "tau_minus": 30})
Fit(PairSTDP, nevian_sakmann2006_bursts: E = ... of 6 points, 2 free, 0 not constrained)
"""

from synfwp.inference.fits import Fit, compare, fit
from synfwp.inference.tables import read_table
from synfwp.inference.trains_and_laps import ModelFit, fit_btsp, fit_short_term

__all__ = ["Fit", "ModelFit", "compare", "fit", "fit_btsp", "fit_short_term", "read_table"]
