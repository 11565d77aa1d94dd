"""Biophysical plasticity: spike-timing rules and the pairing protocols that probe them. Times in ms, rates in Hz."""

from synfwp.plasticity import protocols
from synfwp.plasticity.bcm import BCM
from synfwp.plasticity.binary_btsp import BinaryBTSP
from synfwp.plasticity.btsp import BTSP
from synfwp.plasticity.calcium import CalciumPlasticity
from synfwp.plasticity.published import SpikeRule, compare_with_table
from synfwp.plasticity.rows import dendritic, gated_trace, inhibitory, pair, pes, reward, two_phase
from synfwp.plasticity.spike_response import SpikeResponse
from synfwp.plasticity.state_rows import StateRow
from synfwp.plasticity.stdp import PairSTDP, TripletSTDP
from synfwp.plasticity.synaptic import SynapticRule, check_row
from synfwp.plasticity.voltage import VoltagePlasticity

__all__ = [
    "BCM",
    "BTSP",
    "BinaryBTSP",
    "CalciumPlasticity",
    "PairSTDP",
    "SpikeResponse",
    "SpikeRule",
    "StateRow",
    "SynapticRule",
    "TripletSTDP",
    "VoltagePlasticity",
    "check_row",
    "compare_with_table",
    "dendritic",
    "gated_trace",
    "inhibitory",
    "pair",
    "pes",
    "protocols",
    "reward",
    "two_phase",
]
