"""Biophysical plasticity: spike-timing rules and the pairing protocols that probe them. Times in ms, rates in Hz."""

from synfwp.plasticity import protocols
from synfwp.plasticity.compare import SpikeRule, best_pair_rule, compare_with_table, fit_window
from synfwp.plasticity.stdp import PairSTDP, TripletSTDP

__all__ = ["PairSTDP", "SpikeRule", "TripletSTDP", "best_pair_rule", "compare_with_table", "fit_window", "protocols"]
