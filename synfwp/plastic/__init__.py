"""Plastic layers: slow and plastic weights side by side, run forward and back, and simulated as rate networks."""

from synfwp.plastic.calls import Call, Run, adjoint, check, run
from synfwp.plastic.layer import PHI, RULES, Arguments, PlasticLayer
from synfwp.plastic.network import PlasticRateNetwork

__all__ = [
    "PHI",
    "RULES",
    "Arguments",
    "Call",
    "PlasticLayer",
    "PlasticRateNetwork",
    "Run",
    "adjoint",
    "check",
    "run",
]
