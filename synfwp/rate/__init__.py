"""Rate networks: in continuous time, carrying out instructions, and in steps, with plasticity of their own."""

from synfwp.rate.network import RateNetwork
from synfwp.rate.plastic import PlasticRateNetwork

__all__ = ["PlasticRateNetwork", "RateNetwork"]
