"""Biophysical plasticity: spike-timing rules and the pairing protocols that probe them. Times in ms, rates in Hz."""

from synfwp.plasticity import protocols
from synfwp.plasticity.btsp import BTSP, BinaryBTSP
from synfwp.plasticity.compare import SpikeRule, best_pair_rule, compare_with_table, fit_window
from synfwp.plasticity.rows import dendritic, gated_trace, inhibitory, pair, pes, reward, two_phase
from synfwp.plasticity.stdp import PairSTDP, TripletSTDP
from synfwp.plasticity.synaptic import SynapticRule, check_row

__all__ = [
    "BTSP",
    "BinaryBTSP",
    "PairSTDP",
    "SpikeRule",
    "SynapticRule",
    "TripletSTDP",
    "best_pair_rule",
    "check_row",
    "compare_with_table",
    "dendritic",
    "fit_window",
    "gated_trace",
    "inhibitory",
    "pair",
    "pes",
    "protocols",
    "reward",
    "two_phase",
]
