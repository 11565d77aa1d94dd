"""Multi-query associative recall: all pairs first, then every key once more at a gap that follows a power law."""

from dataclasses import dataclass

import numpy as np

from synfwp import checks, owned
from synfwp.tasks import pairs
from synfwp.tasks.base import Array, Batch, drawn


@dataclass(frozen=True)
class MQAR:
    """Different keys with different values, then ``slots`` places, one of which asks for each key.

    Every pair is one token (one-hot key, one-hot value, write flag 1), a query is a token (key, nothing, 0). The slot
    of a query is drawn without replacement with probability proportional to ``n ** (power - 1)`` for slot n = 1, 2, ...
    (``power=1`` is uniform). The other slots hold one random key or value that writes nothing and is not scored, or
    nothing. Arora et al. 2024, and the generator of zoology, which spends two symbols on a pair and on a slot:
    `tokens` gives its sequence of integers, of length ``2 * length``.

    Parameters
    ----------
    keys, values : int
        The two parts of the vocabulary.
    pairs, slots : int
        Pairs in a sequence, and places after them.
    power : float
        Exponent of the law of gaps, above 0.
    noise : bool
        Whether slots without a query hold a random symbol.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, if there are more pairs than keys, values or slots, or for a power
        that is not above 0.

    Examples
    --------
    >>> import numpy as np
    >>> task = MQAR(keys=5, values=6, pairs=2, slots=6, noise=False)
    >>> batch = task(np.random.default_rng(0), 1)
    >>> task.tokens(batch.x)[0].tolist()
    [4, 9, 3, 7, 4, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]
    """

    keys: int = 128
    values: int = 128
    pairs: int = 16
    slots: int = 48
    power: float = 0.01
    noise: bool = True

    def __post_init__(self) -> None:
        """Sizes are positive integers, and every pair has a key, a value and a slot of its own."""
        for name in ("keys", "values", "pairs", "slots"):
            owned.count(self, name)
        checks.number("power", self.power, 0, above=True)
        for name in ("keys", "values", "slots"):
            if self.pairs > getattr(self, name):
                raise ValueError(f"pairs is {self.pairs}, but {name} is {getattr(self, name)}; pass at least as many.")

    @property
    def d_in(self) -> int:
        """Features of a token."""
        return self.keys + self.values + 1

    @property
    def d_out(self) -> int:
        """Classes of an answer."""
        return self.values

    @property
    def length(self) -> int:
        """Tokens of a sequence."""
        return self.pairs + self.slots

    @property
    def chance(self) -> float:
        """Accuracy of a constant answer; guessing among the values of the sequence is right in 1 / pairs."""
        return 1 / self.values

    def __call__(self, rng: np.random.Generator, batch: int) -> Batch:
        """Draw ``batch`` sequences."""
        batch = drawn(rng, batch)
        key, value = (_first(rng.random((batch, n)), self.pairs) for n in (self.keys, self.values))
        # successive draws without replacement = the order of exponential times with these rates
        gap = _first(rng.standard_exponential((batch, self.slots)) / self._rates, self.pairs)
        symbol = rng.integers(self.keys + self.values, size=(batch, self.slots)) if self.noise else -1
        asked = np.where(symbol < self.keys, symbol, -1) * np.ones((batch, self.slots), int)
        other = np.where(symbol < self.keys, -1, symbol - self.keys) * np.ones((batch, self.slots), int)
        target = np.full((batch, self.length), -1)
        np.put_along_axis(asked, gap, key, axis=1)
        np.put_along_axis(other, gap, -1, axis=1)
        np.put_along_axis(target, self.pairs + gap, value, axis=1)
        write = np.broadcast_to(np.arange(self.length) < self.pairs, target.shape)
        key, value = np.concatenate([key, asked], axis=1), np.concatenate([value, other], axis=1)
        return Batch(pairs.encode(key, value, write, self.keys, self.values), target, target >= 0, self.chance)

    def solve(self, x: Array) -> Array:
        """The answers (batch, T) of a solver that remembers all pairs; -1 where no known key is shown."""
        key, value = pairs.decode(x, self.keys, self.values)
        return pairs.latest(key, value, x[..., -1], self.keys)

    def tokens(self, x: Array) -> Array:
        """The sequences as integers (batch, 2 T): 0 for nothing, then the keys from 1 and the values from keys + 1.

        Each token becomes two symbols: key and value of a pair; the symbol of a slot, and 0.
        """
        key, value = pairs.decode(x, self.keys, self.values)
        value = np.where(value >= 0, value + self.keys, -1)
        first = np.where(key >= 0, key, value)
        return 1 + np.stack([first, np.where(key >= 0, value, -1)], axis=-1).reshape(len(x), -1)

    @property
    def _rates(self) -> Array:
        """Relative probability of each slot."""
        return np.arange(1.0, self.slots + 1) ** (self.power - 1)


def _first(times: Array, n: int) -> Array:
    """Where the n smallest of each row stand, in order."""
    return np.argsort(times, axis=1)[:, :n]
