"""Arithmetic modulo m: sums alone, and expressions without brackets."""

from dataclasses import dataclass

import numpy as np

from synfwp import owned
from synfwp.tasks.base import Array
from synfwp.tasks.words import Word

PLUS, MINUS, TIMES = range(3)


@dataclass(frozen=True)
class ModularAddition(Word):
    """The sum of all numbers so far modulo m. A token is a one-hot number; modulo 2 it is parity.

    A turn of the plane by ``2 pi / m`` keeps it: two reflections per token, so two Householder writes with beta = 2
    (Grazzi et al. 2025, appendix D). Fewer do not in one layer: for m > 2 the transition has a pair of complex
    eigenvalues (their theorem 2).

    Parameters
    ----------
    length : int or (int, int)
        Tokens of a sequence, or the shortest and the longest: every sequence draws its own, uniformly.
    every : bool
        Whether the sum is asked for at every token, or at the last one alone.
    modulus : int
        Numbers are 0 to modulus - 1; at least 2.

    Raises
    ------
    TypeError, ValueError
        If a length is not an integer of at least 1, the pair is not in order, or the modulus is below 2.

    Examples
    --------
    >>> import numpy as np
    >>> batch = ModularAddition(length=5, every=True, modulus=3)(np.random.default_rng(0), 1)
    >>> batch.x[0].argmax(axis=-1).tolist(), batch.target[0].tolist(), round(batch.chance, 3)
    ([2, 1, 1, 0, 0], [2, 0, 1, 1, 1], 0.333)
    """

    modulus: int = 3

    def __post_init__(self) -> None:
        """Length as in every word problem, and a modulus."""
        super().__post_init__()
        owned.count(self, "modulus", 2)

    @property
    def d_in(self) -> int:
        """Features of a token."""
        return self.modulus

    @property
    def d_out(self) -> int:
        """Classes of an answer."""
        return self.modulus

    def _follow(self, token: Array) -> Array:
        """The sum of the numbers, modulo m."""
        return token.cumsum(axis=1) % self.modulus

    def _odds(self) -> Array:
        """All sums are equally likely after any number."""
        return np.full((self._lengths[-1], self.modulus), 1 / self.modulus)


@dataclass(frozen=True)
class ModularArithmetic(Word):
    """The value modulo m of an expression such as ``2 - 3 * 4``. A token is a one-hot number or operator (+, -, *).

    Products come before sums and differences, as in the program of Deletang et al. 2023 (its regular task);
    Grazzi et al. 2025, section 5, train on lengths 3 to 40 and test on 40 to 256. Numbers and operators alternate, so
    lengths are odd: an even one loses a token. Zero is the commonest value, since products reach it more often:
    ``chance`` is its exact share.

    Parameters
    ----------
    length : int or (int, int)
        Tokens of a sequence, or the shortest and the longest: every sequence draws its own, uniformly.
    every : bool
        Whether the value so far is asked for at every number, or at the last one alone.
    modulus : int
        Numbers are 0 to modulus - 1; at least 2.

    Raises
    ------
    TypeError, ValueError
        If a length is not an integer of at least 1, the pair is not in order, or the modulus is below 2.

    Examples
    --------
    >>> import numpy as np
    >>> task = ModularArithmetic(length=5, modulus=5)
    >>> batch = task(np.random.default_rng(19), 1)
    >>> task.text(batch.x)[0], int(batch.target[0, -1]), round(batch.chance, 3)
    ('2 + 1 * 1', 3, 0.232)
    """

    modulus: int = 5

    def __post_init__(self) -> None:
        """Length as in every word problem, and a modulus."""
        super().__post_init__()
        owned.count(self, "modulus", 2)

    @property
    def d_in(self) -> int:
        """Features of a token."""
        return self.modulus + 3

    @property
    def d_out(self) -> int:
        """Classes of an answer."""
        return self.modulus

    def text(self, x: Array) -> list[str]:
        """The expressions as text."""
        names = [*map(str, range(self.modulus)), "+", "-", "*"]
        return [" ".join(names[i] for i in row[row.any(axis=-1)].argmax(axis=-1)) for row in np.asarray(x)]

    @property
    def _lengths(self) -> Array:
        """Odd lengths."""
        lengths = super()._lengths
        return lengths - (lengths + 1) % 2

    def _scored(self, lengths: Array) -> Array:
        """Numbers alone."""
        return super()._scored(lengths) & (np.arange(self._lengths[-1]) % 2 == 0)

    def _draw(self, rng: np.random.Generator, batch: int) -> Array:
        """Numbers and operators in turn."""
        token = rng.integers(self.modulus, size=(batch, self._lengths[-1]))
        token[:, 1::2] = self.modulus + rng.integers(3, size=token[:, 1::2].shape)
        return token

    def _follow(self, token: Array) -> Array:
        """The sum of the terms that are closed, plus the last one; -1 at operators."""
        value = np.full(token.shape, -1)
        total, term = np.zeros(len(token), int), token[:, 0]
        value[:, 0] = term
        for t in range(2, token.shape[1], 2):
            total, term = self._step(total, term, token[:, t - 1] - self.modulus, token[:, t])
            value[:, t] = (total + term) % self.modulus
        return value

    def _step(self, total: Array, term: Array, operator: Array, number: Array) -> tuple[Array, Array]:
        """Closed sum and open term after ``operator number``."""
        times = operator == TIMES
        sign = np.where(operator == MINUS, -1, 1)
        total = np.where(times, total, total + term) % self.modulus
        return total, np.where(times, term * number, sign * number) % self.modulus

    def _odds(self) -> Array:
        """Exact: all operators and numbers from every pair of sum and term."""
        m = self.modulus
        total, term, operator, number = np.indices((m, m, 3, m))
        after = self._step(total, term, operator, number)
        odds = np.zeros((self._lengths[-1], m))
        joint = np.zeros((m, m))
        joint[0] = 1 / m
        for t in range(0, len(odds), 2):
            np.add.at(odds[t], (total[..., 0, 0] + term[..., 0, 0]) % m, joint)
            step = np.zeros((m, m))
            np.add.at(step, after, joint[..., None, None] / (3 * m))
            joint = step
        return odds
