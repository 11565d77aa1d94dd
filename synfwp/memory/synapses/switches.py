"""Synapses of few states that change by chance: two, and a cascade of levels."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import checks
from synfwp.kernels import synapses as kernel
from synfwp.memory.synapses.base import Synapse
from synfwp.memory.synapses.plain import draws
from synfwp.memory.synapses.running import Form

Array = np.ndarray
MOST_LEVELS = 60  # x^60 is 2^-60 at x = 1/2: beyond it no draw of 53 bits can tell


@dataclass(frozen=True)
class Binary(Synapse):
    """Two weights, +weight and -weight: the sign of dW decides which comes next, with probability ``|dW| / scale``.

    Where dW is +-1 a synapse takes part in an event with probability q = 1 / scale. It starts at either by chance.

    Parameters
    ----------
    scale : float
        The ``|dW|`` at and beyond which a change is certain, in the units of W.
    weight : float
        The size of what is read, in the units of W.

    Raises
    ------
    TypeError, ValueError
        For a scale or a weight that is not above 0.

    References
    ----------
    Amit & Fusi 1994 (amit1994; stochastic transitions between two stable values).

    Examples
    --------
    >>> synapse, rng = Binary(scale=1.0), np.random.default_rng(0)
    >>> synapse.read(synapse.update(synapse.initial((1, 2), rng), np.array([[1.0, -1.0]]), rng)).tolist()
    [[1.0, -1.0]]
    """

    scale: float = 1.0
    weight: float = 1.0

    def __post_init__(self) -> None:
        _positive(self, "scale", "weight")

    @property
    def bits(self) -> float:
        """One."""
        return 1.0

    @property
    def states(self) -> float:
        """Two."""
        return 2.0

    def initial(self, shape: tuple[int, int], rng: np.random.Generator) -> Array:
        """Either state, by chance: 1 or -1 (int8)."""
        return np.where(rng.random(shape) < 0.5, 1, -1).astype(np.int8)

    def update(self, state: Array, dW: Array, rng: np.random.Generator) -> Array:
        """The sign of dW, or no change."""
        changed = draws(dW != 0, rng) * self.scale < np.abs(dW)
        return np.where(changed & (dW != 0), np.sign(dW), state).astype(np.int8)

    def read(self, state: Array) -> Array:
        """The state times the weight."""
        return state * self.weight

    def kernel_form(self, state: Any) -> Form:
        """Whole numbers."""
        return Form(kernel.BINARY, np.array([[self.scale, self.weight]] * 3), level=state, draws=True)


@dataclass(frozen=True)
class Cascade(Synapse):
    """Two weights, each with levels of metaplasticity: what is confirmed becomes ever harder to change.

    An event takes a synapse of the other sign from level k to level 1 of the event's sign with probability
    ``q_k = x^(k-1)`` (the last level: ``x^(n-1) / (1 - x)``), and one of its own sign a level deeper with
    ``p_k = x^k / (1 - x)``, so that all states are equally likely under balanced events. It starts so.

    Parameters
    ----------
    levels : int
        n, from 2 to 60, of each sign.
    x : float
        Ratio of the rates of successive levels, in (0, 1/2].
    scale : float
        The ``|dW|`` at and beyond which an event is certain, in the units of W; below, it happens with probability
        ``|dW| / scale``.
    weight : float
        The size of what is read, in the units of W.

    Raises
    ------
    TypeError, ValueError
        If a field is not as above.

    References
    ----------
    Fusi, Drew & Abbott 2005 (fusi2005).

    Examples
    --------
    >>> Cascade(levels=3).rates.tolist()
    [[1.0, 1.0], [0.5, 0.5], [0.0, 0.5]]
    """

    levels: int = 10
    x: float = 0.5
    scale: float = 1.0
    weight: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", checks.count("levels", self.levels, 2, MOST_LEVELS))
        object.__setattr__(self, "x", checks.number("x", self.x, 0, 0.5, above=True))
        _positive(self, "scale", "weight")

    @property
    def bits(self) -> float:
        """Logarithm of the number of states, ``2 levels``."""
        return float(np.log2(2 * self.levels))

    @property
    def states(self) -> float:
        """All levels of either sign."""
        return 2.0 * self.levels

    @property
    def rates(self) -> Array:
        """(levels, 2) probabilities of an event: p_k of going deeper, q_k of changing sign."""
        k = np.arange(1, self.levels + 1)
        p, q = self.x**k / (1 - self.x), self.x ** (k - 1.0)
        p[-1], q[-1] = 0.0, q[-1] / (1 - self.x)
        return np.stack([p, q], axis=1)

    def initial(self, shape: tuple[int, int], rng: np.random.Generator) -> Array:
        """Any state, by chance: 1 to levels, or their negatives (int8)."""
        state = rng.integers(2 * self.levels, size=shape)
        return np.where(state < self.levels, state + 1, self.levels - 1 - state).astype(np.int8)

    def update(self, state: Array, dW: Array, rng: np.random.Generator) -> Array:
        """A level deeper, or the first of the other sign, or no change."""
        sign = np.sign(dW).astype(np.int8)
        confirmed = np.sign(state) == sign
        likely = np.where(confirmed, *self.rates.T[:, np.abs(state) - 1]) * np.minimum(np.abs(dW) / self.scale, 1)
        happens = (draws(dW != 0, rng) < likely) & (dW != 0)
        return np.where(happens, np.where(confirmed, state + sign, sign), state).astype(np.int8)

    def read(self, state: Array) -> Array:
        """The sign times the weight."""
        return np.sign(state) * self.weight

    def kernel_form(self, state: Any) -> Form:
        """Whole numbers, and the probabilities by level in the direction of an event, from -levels to levels."""
        table = np.concatenate([self.rates[::-1, 1], [0.0], self.rates[:, 0]])
        rates = np.array([[self.scale, self.weight]] * 3)
        return Form(kernel.CASCADE, rates, level=state, table=table, draws=True)


def _positive(owner: object, *names: str) -> None:
    """Fields that are finite numbers above 0."""
    for name in names:
        object.__setattr__(owner, name, checks.number(name, getattr(owner, name), 0, above=True))
