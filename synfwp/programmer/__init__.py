"""Programmers: slow networks, trained by gradient descent, that send instructions to fast weights."""

from synfwp.programmer.layer import LayerProgrammer
from synfwp.programmer.network import Programmer
from synfwp.programmer.noise import SpikeNoise
from synfwp.programmer.plastic import PlasticNetwork
from synfwp.programmer.pretrained import load_layer
from synfwp.programmer.progress import Checkpoint, Evaluation
from synfwp.programmer.slow import FunctionProgrammer
from synfwp.programmer.trained import Trained, load_trained
from synfwp.programmer.training import train

__all__ = [
    "Checkpoint",
    "Evaluation",
    "FunctionProgrammer",
    "LayerProgrammer",
    "PlasticNetwork",
    "Programmer",
    "SpikeNoise",
    "Trained",
    "load_layer",
    "load_trained",
    "train",
]
