"""Adam, gradient clipping, schedules and SciPy's L-BFGS for a flat dict of arrays."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sqrt
from typing import Any

import numpy as np

from synfwp import checks, owned

Params = dict[str, np.ndarray]


@dataclass(frozen=True)
class Adam:
    """State of Adam (Kingma & Ba 2015, algorithm 1) with decay rates 0.9 and 0.999.

    Examples
    --------
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

    Examples
    --------
    >>> import numpy as np
    >>> clip({"w": np.array([3.0, 4.0])}, 1.0)[1]
    5.0
    """
    norm = sqrt(sum(float(np.vdot(g, g)) for g in grads.values()))
    return ({name: g * (largest / norm) for name, g in grads.items()} if norm > largest else grads), norm


@dataclass(frozen=True)
class Schedule:
    """The learning rate of every step: a linear rise over ``warmup`` steps, then "cosine" to 0, or "constant".

    Examples
    --------
    >>> schedule = Schedule(0.1, warmup=2)
    >>> [round(schedule(step, 6), 3) for step in range(6)]
    [0.05, 0.1, 0.1, 0.085, 0.05, 0.015]
    """

    rate: float = 5e-3
    warmup: int = 0
    shape: str = "cosine"

    def __post_init__(self) -> None:
        """A rate above 0, a number of steps, a known shape."""
        object.__setattr__(self, "rate", checks.number("learning_rate", self.rate, 0, above=True))
        owned.count(self, "warmup", 0)
        checks.one_of("schedule", self.shape, ("cosine", "constant"))

    def __call__(self, step: int, steps: int) -> float:
        """The rate of step number ``step`` of ``steps``, counted from 0."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        if self.shape == "constant":
            return self.rate
        return self.rate * 0.5 * (1 + cos(pi * (step - self.warmup) / max(steps - self.warmup, 1)))


Watch = Callable[[Params, float, Params], None]


def lbfgs(gradient: Callable[[Params], tuple[float, Params]], params: Params, steps: int, watch: Watch) -> Params:
    """Minimise by SciPy's L-BFGS-B; ``watch(params, value, gradient)`` sees every iteration.

    Examples
    --------
    >>> import numpy as np
    >>> valley = lambda p: (float(((p["w"] - 2) ** 2).sum()), {"w": 2 * (p["w"] - 2)})
    >>> lbfgs(valley, {"w": np.zeros(2)}, 20, lambda *_: None)["w"].round(6).tolist()
    [2.0, 2.0]
    """
    from scipy.optimize import minimize

    def spread(flat: np.ndarray) -> Params:
        ends = np.cumsum([np.size(x) for x in params.values()])[:-1]
        parts = zip(params.items(), np.split(flat, ends), strict=True)
        return {name: part.reshape(np.shape(x)).astype(x.dtype) for (name, x), part in parts}

    def join(tree: Params) -> np.ndarray:
        return np.concatenate([np.ravel(tree[name]).astype(float) for name in params])

    seen: dict[str, Any] = {}

    def value_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, grads = gradient(spread(flat))
        seen["last"] = (flat.copy(), float(value), grads)
        return float(value), join(grads)

    def watched(flat: np.ndarray) -> None:
        at, value, grads = seen["last"]
        if not np.array_equal(at, flat):  # the line search went on to look elsewhere
            value, grads = gradient(spread(flat))
        watch(spread(flat), float(value), grads)

    options = {"maxiter": steps}
    return spread(
        minimize(value_and_gradient, join(params), jac=True, method="L-BFGS-B", callback=watched, options=options).x
    )
