"""Programmers: slow networks, trained by gradient descent, that send instructions to fast weights."""

from synfwp.programmer.network import Programmer
from synfwp.programmer.plastic import PlasticNetwork
from synfwp.programmer.training import Trained, load_trained, train

__all__ = ["PlasticNetwork", "Programmer", "Trained", "load_trained", "train"]
