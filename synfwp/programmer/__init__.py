"""Programmers: slow networks, trained by gradient descent, that send instructions to fast weights."""

from synfwp.programmer.network import Programmer
from synfwp.programmer.training import Trained, load_trained, train

__all__ = ["Programmer", "Trained", "load_trained", "train"]
