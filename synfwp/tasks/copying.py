"""Copying: symbols are shown, then asked for in the same order."""

from dataclasses import dataclass

import numpy as np

from synfwp import owned
from synfwp.tasks.base import Array, Batch, drawn, one_hot


@dataclass(frozen=True)
class Copy:
    """``items`` random symbols, then ``gap`` blanks, then ``items`` queries: the j-th asks for the j-th symbol.

    A token is (one-hot symbol, blank, query, order, write flag). The flag is 1 for symbols and blanks alike, and 0 for
    queries, which are all equal as in the papers: the order has to come from the network. A programmer that sees one
    token at a time has no order; ``index=True`` adds it, a one-hot j on the j-th symbol and on the j-th query.

    Parameters
    ----------
    symbols, items, gap : int
        Number of symbols, how many are to be copied, and blanks (at least 0).
    index : bool
        Whether symbols and queries carry their order.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer, or too small.

    References
    ----------
    Arjovsky, Shah & Bengio 2016; Gu & Dao 2023, section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> task = Copy(symbols=4, items=3, gap=5)
    >>> batch = task(np.random.default_rng(0), 2)
    >>> batch.accuracy(task.solve(batch.x)), batch.chance, task.length
    (1.0, 0.25, 11)
    """

    symbols: int = 8
    items: int = 16
    gap: int = 32
    index: bool = False

    def __post_init__(self) -> None:
        """Sizes are integers, positive but for the gap."""
        for name, low in (("symbols", 1), ("items", 1), ("gap", 0)):
            owned.count(self, name, low)

    @property
    def d_in(self) -> int:
        """Features of a token."""
        return self.symbols + 3 + (self.items if self.index else 0)

    @property
    def d_out(self) -> int:
        """Classes of an answer."""
        return self.symbols

    @property
    def length(self) -> int:
        """Tokens of a sequence."""
        return 2 * self.items + self.gap

    @property
    def chance(self) -> float:
        """Accuracy of a constant answer."""
        return 1 / self.symbols

    def __call__(self, rng: np.random.Generator, batch: int) -> Batch:
        """Draw ``batch`` sequences."""
        batch = drawn(rng, batch)
        shown = rng.integers(self.symbols, size=(batch, self.items))
        symbol = np.full((batch, self.length), -1)
        order = np.full((batch, self.length), -1)
        target = np.full((batch, self.length), -1)
        place = self._places(rng, batch)
        np.put_along_axis(symbol, place, shown, axis=1)
        np.put_along_axis(order, place, np.arange(self.items)[None], axis=1)
        target[:, -self.items :], order[:, -self.items :] = shown, np.arange(self.items)
        query = target >= 0
        kinds = np.stack([(symbol < 0) & ~query, query], axis=-1)
        parts = [one_hot(symbol, self.symbols), kinds, *([one_hot(order, self.items)] if self.index else [])]
        return Batch(np.concatenate([*parts, ~query[..., None]], axis=-1), target, query, self.chance)

    def solve(self, x: Array) -> Array:
        """The answers (batch, T) of a solver that keeps a list; -1 where nothing is asked."""
        symbol, query = x[..., : self.symbols], x[..., self.symbols + 1] > 0
        answer = np.full(query.shape, -1)
        answer[query] = symbol.argmax(axis=-1)[symbol.any(axis=-1)]
        return answer

    def _places(self, rng: np.random.Generator, batch: int) -> Array:
        """Where the symbols stand (batch, items)."""
        return np.tile(np.arange(self.items), (batch, 1))


@dataclass(frozen=True)
class SelectiveCopy(Copy):
    """`Copy` with the symbols at random places among the blanks: what to keep depends on the token, not on its time.

    References
    ----------
    Gu & Dao 2023, sections 3.1 and 4.1.1 (16 items among 4096 tokens).

    Examples
    --------
    >>> import numpy as np
    >>> task = SelectiveCopy(symbols=4, items=3, gap=5)
    >>> batch = task(np.random.default_rng(1), 1)
    >>> batch.x[0, :, :4].any(axis=-1).astype(int).tolist()
    [1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0]
    """

    def _places(self, rng: np.random.Generator, batch: int) -> Array:
        """A random subset of the places before the queries, in order."""
        times = rng.random((batch, self.items + self.gap))
        return np.sort(np.argsort(times, axis=1)[:, : self.items], axis=1)
