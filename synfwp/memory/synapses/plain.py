"""Synapses of one number: within bounds, of few bits, with a sign of their own."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import checks, owned
from synfwp.kernels import synapses as kernel
from synfwp.memory.synapses.base import FLOAT_BITS, Synapse
from synfwp.memory.synapses.running import Form

Array = np.ndarray
MOST_BITS = 24  # what a float32 tells apart


@dataclass(frozen=True)
class Bounds(Synapse):
    """Weights that stay between two bounds.

    Hard bounds cut what goes beyond. With soft ones a change shrinks as its bound comes near, by
    ``2 (high - w) / (high - low)`` upwards and ``2 (w - low) / (high - low)`` downwards, 1 in the middle.

    Parameters
    ----------
    low, high : float
        In the units of W. A weight starts at 0, or at the bound that is nearest to it.
    soft : bool

    Raises
    ------
    TypeError, ValueError
        If low is not below high, or a soft bound is infinite.

    References
    ----------
    van Rossum, Shippi & Barrett 2012 (vanrossum2012), hard and soft bounds.

    Examples
    --------
    >>> Bounds(-1.0, 1.0).update(np.zeros((1, 1)), np.full((1, 1), 3.0), None).item()
    1.0
    """

    low: float = -1.0
    high: float = 1.0
    soft: bool = False

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            value = getattr(self, name)
            endless = not self.soft and isinstance(value, float) and math.isinf(value)
            object.__setattr__(self, name, value if endless else checks.number(name, value))
        if not self.low < self.high:
            raise ValueError(f"low is {self.low:g} and high {self.high:g}; pass low below high.")
        if not isinstance(self.soft, bool | np.bool_):
            raise TypeError(f"soft is {checks.short(self.soft)}; pass True or False.")

    def initial(self, shape: tuple[int, int], rng: np.random.Generator) -> Array:
        """As near to 0 as the bounds let it be."""
        return np.full(shape, min(max(0.0, self.low), self.high))

    def update(self, state: Array, dW: Array, rng: np.random.Generator) -> Array:
        """Within the bounds."""
        if self.soft:
            room = np.where(dW > 0, self.high - state, state - self.low)
            dW = dW * 2 * room / (self.high - self.low)
        return np.clip(state + dW, self.low, self.high)

    def kernel_form(self, state: Any) -> Form:
        """One number."""
        return Form(kernel.BOUNDS, _rates([self.low, self.high, float(self.soft)]), state[None])

    def fraction_at_bound(self, W: Array) -> Array:
        """Share of the weights at either bound."""
        return np.asarray(np.isin(W, [self.low, self.high]).mean(axis=(1, 2)))


@dataclass(frozen=True)
class Bits(Synapse):
    """Weights of so many bits: the ``2^bits`` levels of an even grid from -span to span.

    Read so: dW adds up in a real number, and the nearest level is what is read (in the middle between two, the upper
    one). Written so: the state itself is a level, and a change takes it to one of the two levels around its target, by
    chance and on average to the target (stochastic rounding). 0 is no level; a synapse that is written so starts at
    either of the two around it.

    Parameters
    ----------
    bits : int
        1 to 24.
    span : float
        In the units of W; with one bit, the size of every weight.
    when : "read" or "write"

    Raises
    ------
    TypeError, ValueError
        If a field is not one of those above.

    References
    ----------
    Sompolinsky 1986 (sompolinsky1986; weights read by their sign); Gupta et al. 2015 (gupta2015, section 3, stochastic
    rounding).

    Examples
    --------
    >>> Bits(2, span=1.5).read(np.array([[-9.0, -0.2, 0.9, 1.1]])).tolist()
    [[-1.5, -0.5, 0.5, 1.5]]
    """

    bits: int = 1
    span: float = 1.0
    when: str = "read"

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", checks.count("bits", self.bits, 1, MOST_BITS))
        object.__setattr__(self, "span", checks.number("span", self.span, 0, above=True))
        checks.one_of("when", self.when, ("read", "write"))

    @property
    def states(self) -> float:
        """2 to the power of bits."""
        return float(2**self.bits)

    @property
    def step(self) -> float:
        """From one level to the next."""
        return 2 * self.span / (2**self.bits - 1)

    def initial(self, shape: tuple[int, int], rng: np.random.Generator) -> Array:
        """0, or (written so) a level beside it."""
        zeros = np.zeros(shape)
        return zeros if self.when == "read" else drawn(zeros, self.span, self.step, rng.random(shape))

    def update(self, state: Array, dW: Array, rng: np.random.Generator) -> Array:
        """A sum, or a level."""
        if self.when == "read":
            return state + dW
        return np.where(dW != 0, drawn(state + dW, self.span, self.step, draws(dW != 0, rng)), state)

    def read(self, state: Array) -> Array:
        """The nearest level."""
        if self.when == "write":
            return state
        at = np.floor((np.clip(state, -self.span, self.span) + self.span) / self.step + 0.5)
        return at * self.step - self.span

    def kernel_form(self, state: Any) -> Form:
        """One number and its grid."""
        write = self.when == "write"
        kind = kernel.WRITE_BITS if write else kernel.READ_BITS
        return Form(kind, _rates([self.span, self.step]), state[None], draws=write)


@dataclass(frozen=True)
class Dale(Synapse):
    """Weights with the sign of their presynaptic neuron, one for each column of W; what has the other sign is 0.

    Parameters
    ----------
    signs : None or (d_k,) array
        1 or -1 of each key; None: drawn once for each sequence.
    excitatory : float
        The probability of a sign 1, where they are drawn.

    Raises
    ------
    TypeError, ValueError
        For signs that are not 1 or -1, or not one per key.

    References
    ----------
    Brunel et al. 2004 (brunel2004; weights of one sign).

    Examples
    --------
    >>> synapse = Dale(signs=(1, -1))
    >>> state = synapse.initial((1, 2), np.random.default_rng(0))
    >>> synapse.read(synapse.update(state, np.array([[-1.0, -1.0]]), None)).tolist()
    [[0.0, -1.0]]
    """

    signs: Any = None
    excitatory: float = 0.8

    def __post_init__(self) -> None:
        object.__setattr__(self, "excitatory", checks.number("excitatory", self.excitatory, 0, 1))
        if self.signs is None:
            return
        signs = checks.array("signs", owned.numbers(self.signs), -1, 1, ndim=1)
        if not (np.abs(signs) == 1).all():
            raise ValueError(f"signs holds {float(signs[np.abs(signs) != 1][0])!r}; pass 1 or -1 for each key.")
        object.__setattr__(self, "signs", tuple(int(x) for x in signs))

    @property
    def bits(self) -> float:
        """A real number without its sign, which is its neuron's."""
        return FLOAT_BITS - 1

    def initial(self, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Array, Array]:
        """Weights of 0, and the signs of the keys.

        Raises
        ------
        ValueError
            If there is another number of signs than of keys.
        """
        if self.signs is None:
            return np.zeros(shape), np.where(rng.random(shape[1]) < self.excitatory, 1.0, -1.0)
        if len(self.signs) != shape[1]:
            raise ValueError(f"signs holds {len(self.signs)} signs but W has {shape[1]} keys; pass one for each.")
        return np.zeros(shape), np.array(self.signs, float)

    def update(self, state: tuple[Array, Array], dW: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """What has the wrong sign is 0."""
        W, signs = state
        return signs * np.maximum(signs * (W + dW), 0), signs

    def read(self, state: tuple[Array, Array]) -> Array:
        """The weights."""
        return state[0]

    def kernel_form(self, state: Any) -> Form:
        """One number, and the signs."""
        return Form(kernel.DALE, np.stack([state[1]] * 3), state[0][None])


def drawn(u: Array, span: float, step: float, chance: Array) -> Array:
    """One of the two levels around u by chance, on average u; beyond the grid, its end."""
    at = (np.clip(u, -span, span) + span) / step
    low = np.floor(at)
    return (low + (chance < at - low)) * step - span


def draws(where: Array, rng: np.random.Generator) -> Array:
    """A number in [0, 1) where something happens, drawn in the order of rows; 1 elsewhere."""
    chance = np.ones(where.shape)
    chance[where] = rng.random(np.count_nonzero(where))
    return chance


def _rates(row: list[float]) -> Array:
    """Parameters of a kind as the kernel takes them."""
    return np.array([row] * 3, float)
