"""Associative retrieval: keys and values as single symbols one after the other, then one key asks for its value."""

from dataclasses import dataclass

import numpy as np

from synfwp import owned
from synfwp.tasks.base import Array, Batch, drawn, one_hot


@dataclass(frozen=True)
class AssociativeRetrieval:
    """Letters, each followed by a digit, then two question marks and one of the letters: which digit came with it?

    ``c 9 k 8 j 3 f 1 ? ? c`` asks for 9. A token is one symbol, one-hot: the keys, the values, the mark. A key and its
    value are two tokens, so a network has to bind what it saw at one step to what it sees at the next (in `Recall` and
    `MQAR` one token holds both). The keys of a sequence differ, values are drawn with replacement; the last token is
    scored. Ba et al. 2016, section 4.1.

    Parameters
    ----------
    keys, values : int
        Letters and digits.
    pairs : int
        Pairs in a sequence, at most ``keys``.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, or there are more pairs than keys.

    Examples
    --------
    >>> import numpy as np
    >>> task = AssociativeRetrieval()
    >>> batch = task(np.random.default_rng(2), 2)
    >>> task.text(batch.x), batch.target[:, -1].tolist(), batch.accuracy(task.solve(batch.x))
    (['h2d8l3t8??t', 'x4w3d6c9??d'], [8, 6], 1.0)
    """

    keys: int = 26
    values: int = 10
    pairs: int = 4

    def __post_init__(self) -> None:
        """Sizes are positive integers that fit each other."""
        for name in ("keys", "values", "pairs"):
            owned.count(self, name)
        if self.pairs > self.keys:
            raise ValueError(f"pairs is {self.pairs}, but keys is {self.keys}; pass at least as many.")

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
        return 2 * self.pairs + 3

    @property
    def chance(self) -> float:
        """Accuracy of a constant answer; the commonest value of the sequence is right more often (`order_blind`)."""
        return 1 / self.values

    def __call__(self, rng: np.random.Generator, batch: int) -> Batch:
        """Draw ``batch`` sequences."""
        batch = drawn(rng, batch)
        key = rng.random((batch, self.keys)).argsort(axis=1)[:, : self.pairs]
        value = rng.integers(self.values, size=(batch, self.pairs))
        asked = rng.integers(self.pairs, size=(batch, 1))
        symbol = np.full((batch, self.length), self.keys + self.values)
        symbol[:, :-3:2], symbol[:, 1:-3:2] = key, self.keys + value
        symbol[:, -1:] = np.take_along_axis(key, asked, axis=1)
        target = np.full((batch, self.length), -1)
        target[:, -1:] = np.take_along_axis(value, asked, axis=1)
        return Batch(one_hot(symbol, self.d_in), target, target >= 0, self.chance)

    def solve(self, x: Array) -> Array:
        """The answers (batch, T) of a solver that remembers all pairs; -1 before the last token."""
        symbol, value = self._read(x)
        return self._last(x, value[np.arange(len(value)), (symbol[:, :-3:2] == symbol[:, -1:]).argmax(axis=1)])

    def order_blind(self, x: Array) -> Array:
        """The answers (batch, T) of the best solver that knows which values were shown, but not with which keys."""
        value = self._read(x)[1]
        return self._last(x, (value[..., None] == np.arange(self.values)).sum(axis=1).argmax(axis=1))

    def text(self, x: Array) -> list[str]:
        """The sequences as text.

        Parameters
        ----------
        x : (..., T, d_in) array
            Inputs of a batch.

        Returns
        -------
        list of str

        Raises
        ------
        ValueError
            For more than 26 keys or 10 values.
        """
        if self.keys > 26 or self.values > 10:
            raise ValueError(f"{self.keys} keys and {self.values} values have no letters and digits; use 26 and 10.")
        letters = [chr(ord("a") + n) for n in range(self.keys)] + [str(n) for n in range(self.values)] + ["?"]
        return ["".join(letters[n] for n in row) for row in self._read(x)[0]]

    def _read(self, x: Array) -> tuple[Array, Array]:
        """Symbols (batch, T) and the values that were shown (batch, pairs)."""
        symbol = np.asarray(x).argmax(axis=-1)
        return symbol, symbol[:, 1:-3:2] - self.keys

    def _last(self, x: Array, answer: Array) -> Array:
        """An answer (batch,) at the last token, -1 before."""
        full = np.full(np.shape(x)[:2], -1)
        full[:, -1] = answer
        return full
