"""Dynamics of fast weights: what one token makes of W, what many do, and where a plastic recurrent net comes to rest.

`spectra` is the one call on a run; the others are its parts, on arrays. The transition of a rule is exact; that of a
network of rates or spikes is measured, as the response of its weights to weights that start elsewhere.
"""

from synfwp.dynamics.equilibria import fixed_points
from synfwp.dynamics.exponents import lyapunov_exponents, ordered_product, time_constants
from synfwp.dynamics.labelled import spectra
from synfwp.dynamics.matrices import transition_eigenvalues, transition_matrices
from synfwp.dynamics.responses import Response, measured_transitions
from synfwp.dynamics.sizes import effective_rank, participation_ratio

__all__ = [
    "Response",
    "effective_rank",
    "fixed_points",
    "lyapunov_exponents",
    "measured_transitions",
    "ordered_product",
    "participation_ratio",
    "spectra",
    "time_constants",
    "transition_eigenvalues",
    "transition_matrices",
]
