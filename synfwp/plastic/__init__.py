"""Plastic layers: slow and plastic weights side by side, run forward and back, and simulated as rate networks."""

from synfwp.plastic.layer import PHI, RULES, Call, PlasticLayer, Run, Streams, adjoint, check, run
from synfwp.plastic.network import PlasticRateNetwork

__all__ = ["PHI", "RULES", "Call", "PlasticLayer", "PlasticRateNetwork", "Run", "Streams", "adjoint", "check", "run"]
