r"""The table of realisations: what a mechanism of synapses really carries out when it is asked for a rule.

A rule is what is asked; a mechanism is how synapses do it. Each row tells which rules a mechanism can run and gives
the coefficients it has on average,

    W_t = W_{t-1} diag(retain) - erase (W' k_t) k_t^T + write v_t k_t^T,    W' the decayed W,

from parameters and instructions alone. Bias (asked against effective) and noise (effective against run) are thereby
told apart. Rows for spikes work in the units that a `SpikingNetwork` sends: keys and values at most 1. A centred rule
has its coefficients along the keys that it writes under (`synfwp.coefficients.written_keys`).
"""

from synfwp.substrates.mechanisms.common import is_covariance, is_delta, is_hebbian, saturated
from synfwp.substrates.mechanisms.parameters import PES, Dendritic, GatedTrace, InhibitoryCancellation, TwoPhase
from synfwp.substrates.mechanisms.rate import calibrated, instant, lag_propagator, lagged, latched
from synfwp.substrates.mechanisms.spikes import Gains, gated_trace, one_phase, two_phase
from synfwp.substrates.mechanisms.table import REALISATIONS, Realisation, check_runs, choose, why_not

__all__ = [
    "PES",
    "REALISATIONS",
    "Dendritic",
    "Gains",
    "GatedTrace",
    "InhibitoryCancellation",
    "Realisation",
    "TwoPhase",
    "calibrated",
    "check_runs",
    "choose",
    "gated_trace",
    "instant",
    "is_covariance",
    "is_delta",
    "is_hebbian",
    "lag_propagator",
    "lagged",
    "latched",
    "one_phase",
    "saturated",
    "two_phase",
    "why_not",
]
