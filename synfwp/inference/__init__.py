"""From data back to rules: which rule the changes of recorded weights, or trajectories of activity, follow."""

from synfwp.inference.how import FromActivity, FromWeights
from synfwp.inference.which import infer_rule

__all__ = ["FromActivity", "FromWeights", "infer_rule"]
