"""Adam, gradient clipping and a cosine schedule for a flat dict of arrays."""

from dataclasses import dataclass
from math import cos, pi, sqrt
from typing import Any

import numpy as np

Params = dict[str, Any]


@dataclass(frozen=True)
class Adam:
    """State of Adam (Kingma & Ba 2015, algorithm 1) with decay rates .9 and .999.

    >>> import numpy as np
    >>> params = {"w": np.array([1.0])}
    >>> _, params = Adam.start(params).update(params, {"w": np.array([3.0])}, 0.1)
    >>> params["w"].round(6).tolist()
    [0.9]
    """

    mean: Params
    square: Params
    steps: int = 0

    @classmethod
    def start(cls, params: Params) -> "Adam":
        """No steps yet."""
        zeros = {name: np.zeros_like(x) for name, x in params.items()}
        return cls(zeros, zeros)

    def update(self, params: Params, grads: Params, rate: float) -> tuple["Adam", Params]:
        """The next state and parameters."""
        n = self.steps + 1
        mean = {name: 0.9 * self.mean[name] + 0.1 * g for name, g in grads.items()}
        square = {name: 0.999 * self.square[name] + 0.001 * g * g for name, g in grads.items()}
        scale, bias = rate / (1 - 0.9**n), sqrt(1 - 0.999**n)
        new = {name: x - scale * mean[name] / (np.sqrt(square[name]) / bias + 1e-8) for name, x in params.items()}
        return Adam(mean, square, n), new


def clip(grads: Params, largest: float) -> tuple[Params, float]:
    """Gradients scaled to a joint norm of at most ``largest``, and their norm before.

    >>> import numpy as np
    >>> clip({"w": np.array([3.0, 4.0])}, 1.0)[1]
    5.0
    """
    norm = sqrt(sum(float(np.vdot(g, g)) for g in grads.values()))
    return ({name: g * (largest / norm) for name, g in grads.items()} if norm > largest else grads), norm


def cosine(step: int, steps: int) -> float:
    """Half a cosine from 1 at step 0 to 0 at step ``steps``.

    >>> cosine(0, 10), round(cosine(5, 10), 6)
    (1.0, 0.5)
    """
    return 0.5 * (1 + cos(pi * step / steps))
