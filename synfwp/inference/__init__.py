"""From data back to rules: own tables, fits with intervals, and which rule recorded synapses follow.

`fit` is the one call for rules of spike timing; any other model is a `synfwp.inference.engine.Problem`. `infer_rule`
asks which rule the changes of recorded weights, or trajectories of activity, follow.

Examples
--------
>>> import synfwp as fw
>>> fw.fit(fw.PairSTDP, "nevian_sakmann2006_bursts", fixed={"tau_plus": 15, "tau_minus": 30})
Fit(PairSTDP, nevian_sakmann2006_bursts: E = ... of 6 points, 2 free, 0 not constrained)
"""

from synfwp.inference.comparison import compare
from synfwp.inference.fits import Fit, fit
from synfwp.inference.how import FromActivity, FromWeights
from synfwp.inference.laps import fit_btsp
from synfwp.inference.model_fits import ModelFit
from synfwp.inference.tables import read_table
from synfwp.inference.traces import TraceFit, fit_short_term_trace
from synfwp.inference.trains import fit_short_term
from synfwp.inference.which import infer_rule

__all__ = [
    "Fit", "FromActivity", "FromWeights", "ModelFit", "TraceFit", "compare", "fit", "fit_btsp", "fit_short_term",
    "fit_short_term_trace", "infer_rule", "read_table",
]  # fmt: skip
