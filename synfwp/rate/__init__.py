"""Rate networks that carry out instructions in continuous time."""

from synfwp.rate.network import RateNetwork

__all__ = ["RateNetwork"]
