"""Spiking networks that carry out instructions with spikes, traces and gates."""

from synfwp.spiking.network import SpikingNetwork
from synfwp.spiking.parameters import LIF, GatedTrace, Poisson, RateCode, ThetaCycle, TwoPhase

__all__ = ["LIF", "GatedTrace", "Poisson", "RateCode", "SpikingNetwork", "ThetaCycle", "TwoPhase"]
