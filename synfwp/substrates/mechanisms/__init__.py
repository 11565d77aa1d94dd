r"""Mechanisms: what synapses really carry out when a rule is their target.

A rule is the target; a mechanism is how synapses come near it. Each mechanism is one file: its parameters, the rules it
can run, the phases of an item, the row of spikes that a circuit runs, and the coefficients it has on average,

    W_t = W_{t-1} diag(retain) - erase (W' k_t) k_t^T + write v_t k_t^T,    W' the decayed W,

from parameters and instructions alone. Bias (target against effective) and noise (effective against run) are thereby
told apart. Coefficients are in the units that a `SpikingNetwork` sends: keys and values at most 1. A centred rule has
its coefficients along the keys that it writes under (`synfwp.coefficients.written_keys`).
"""

from synfwp.substrates.mechanisms.base import Gains, Mechanism, check_kernel
from synfwp.substrates.mechanisms.common import is_covariance, is_delta, is_hebbian
from synfwp.substrates.mechanisms.dendritic import Dendritic
from synfwp.substrates.mechanisms.gated_trace import GatedTrace
from synfwp.substrates.mechanisms.inhibitory import InhibitoryCancellation
from synfwp.substrates.mechanisms.pes import PES
from synfwp.substrates.mechanisms.table import MECHANISMS, check_runs, choose, find, why_not
from synfwp.substrates.mechanisms.two_phase import TwoPhase

__all__ = [
    "MECHANISMS",
    "PES",
    "Dendritic",
    "Gains",
    "GatedTrace",
    "InhibitoryCancellation",
    "Mechanism",
    "TwoPhase",
    "check_kernel",
    "check_runs",
    "choose",
    "find",
    "is_covariance",
    "is_delta",
    "is_hebbian",
    "why_not",
]
