"""Word problems: a state that every token changes, asked for at the end or all along. Parity is the simplest."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from synfwp import checks
from synfwp.tasks.base import Array, Batch, drawn, one_hot


@dataclass(frozen=True)
class Word:
    """What word problems share: random lengths, padding, what is scored, chance. A kind of words fills in the rest."""

    length: int | tuple[int, int] = (3, 40)
    every: bool = False

    def __post_init__(self) -> None:
        """The length is an integer, or a pair of them in order."""
        if len(self._span) != 2:
            raise ValueError(f"length is {self.length}; pass an integer or (shortest, longest).")
        low, high = self._span
        low, high = checks.count("length", low), checks.count("length", high)
        object.__setattr__(self, "length", (low, high) if isinstance(self.length, Sequence) else low)
        if low > high:
            raise ValueError(f"length is {self.length}; pass (shortest, longest) in this order.")

    @property
    def d_in(self) -> int:
        """Features of a token."""
        raise NotImplementedError

    @property
    def d_out(self) -> int:
        """Classes of an answer."""
        raise NotImplementedError

    @cached_property
    def chance(self) -> float:
        """Accuracy of the best constant answer, from the exact probability of every class at every token."""
        scored = self._scored(self._lengths).sum(axis=0)
        return float((scored @ self._odds() / scored.sum()).max())

    def __call__(self, rng: np.random.Generator, batch: int) -> Batch:
        """Draw ``batch`` sequences; T is the longest length, shorter ones end in tokens of zeros."""
        batch = drawn(rng, batch)
        lengths = rng.choice(self._lengths, size=batch)
        token = self._draw(rng, batch)
        inside = np.arange(token.shape[1]) < lengths[:, None]
        mask = self._scored(lengths)
        target = np.where(mask, self._follow(token), -1)
        return Batch(one_hot(np.where(inside, token, -1), self.d_in), target, mask, self.chance)

    def solve(self, x: Array) -> Array:
        """The state (batch, T) so far, as a class; -1 where there is none."""
        x = np.asarray(x)
        return np.where(x.any(axis=-1), self._follow(x.argmax(axis=-1)), -1)

    @property
    def _span(self) -> tuple[int, ...]:
        """Shortest and longest length."""
        return tuple(self.length) if isinstance(self.length, Sequence) else (self.length, self.length)

    @property
    def _lengths(self) -> Array:
        """Lengths that are equally likely; the last is the longest."""
        return np.arange(self._span[0], self._span[1] + 1)

    def _scored(self, lengths: Array) -> Array:
        """The tokens (n, T) that are scored in words of these lengths."""
        t = np.arange(self._lengths[-1])
        return t < lengths[:, None] if self.every else t == lengths[:, None] - 1

    def _draw(self, rng: np.random.Generator, batch: int) -> Array:
        """Tokens (batch, T) as integers."""
        return rng.integers(self.d_in, size=(batch, self._lengths[-1]))

    def _follow(self, token: Array) -> Array:
        """The class (batch, T) after every token."""
        raise NotImplementedError

    def _odds(self) -> Array:
        """The exact probability (T, classes) of every class after every token."""
        raise NotImplementedError


@dataclass(frozen=True)
class Parity(Word):
    """Whether the number of ones so far is odd. A token is a one-hot bit.

    A 1x1 fast weight solves it with beta = 2, which flips the sign, and no rule with eigenvalues of the transition in
    [0, 1] does (Grazzi et al. 2025, theorem 1; lengths 3 to 40 in training and 40 to 256 in the test, section 5).

    Parameters
    ----------
    length : int or (int, int)
        Tokens of a sequence, or the shortest and the longest: every sequence draws its own, uniformly.
    every : bool
        Whether the state is asked for at every token, or at the last one alone.

    Raises
    ------
    TypeError, ValueError
        If a length is not an integer of at least 1, or the pair is not in order.

    Examples
    --------
    >>> import numpy as np
    >>> batch = Parity(length=5, every=True)(np.random.default_rng(0), 1)
    >>> batch.x[0, :, 1].astype(int).tolist(), batch.target[0].tolist()
    ([1, 1, 1, 0, 0], [1, 0, 1, 1, 1])
    """

    @property
    def d_in(self) -> int:
        """Features of a token."""
        return 2

    @property
    def d_out(self) -> int:
        """Classes of an answer: even and odd."""
        return 2

    def _follow(self, token: Array) -> Array:
        """The sum of the bits, modulo 2."""
        return token.cumsum(axis=1) % 2

    def _odds(self) -> Array:
        """Even and odd are equally likely after any bit."""
        return np.full((self._lengths[-1], 2), 0.5)
