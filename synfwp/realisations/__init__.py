r"""The table of realisations: what a mechanism of synapses really carries out when it is asked for a rule.

A rule is what is asked; a mechanism is how synapses do it. Each row tells which rules a mechanism can run and gives
the coefficients it has on average,

    W_t = W_{t-1} diag(retain) - erase (W' k_t) k_t^T + write v_t k_t^T,    W' the decayed W,

from parameters and instructions alone. Bias (asked against effective) and noise (effective against run) are thereby
told apart. Rows for spikes work in the units that a `SpikingNetwork` sends: keys and values at most 1. A centred rule
has its coefficients along the keys that it writes under (`synfwp.streams.written_keys`).
"""

from synfwp.realisations.budget import count_cosine, hebb_agreement, repeated_bound, stability_bound, trace_cosine
from synfwp.realisations.common import is_covariance, is_delta, is_hebbian, saturated
from synfwp.realisations.rate import calibrated, instant, lag_propagator, lagged, latched
from synfwp.realisations.spikes import Gains, gated_trace, one_phase, two_phase
from synfwp.realisations.table import REALISATIONS, Realisation, check_runs, choose, why_not

__all__ = [
    "REALISATIONS",
    "Gains",
    "Realisation",
    "calibrated",
    "check_runs",
    "choose",
    "count_cosine",
    "gated_trace",
    "hebb_agreement",
    "instant",
    "is_covariance",
    "is_delta",
    "is_hebbian",
    "lag_propagator",
    "lagged",
    "latched",
    "one_phase",
    "repeated_bound",
    "saturated",
    "stability_bound",
    "trace_cosine",
    "two_phase",
    "why_not",
]
