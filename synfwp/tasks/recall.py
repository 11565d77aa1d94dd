"""Associative recall: pairs with or without overwriting, the latest value of a key is the right one."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synfwp import owned, seeds
from synfwp.tasks import pairs
from synfwp.tasks.base import Array, Batch, drawn


@dataclass(frozen=True)
class Recall:
    """Writes of key-value pairs, then queries: by default with overwriting, and one query for every key.

    A token is (one-hot key, one-hot value, write flag); a query has a key alone and flag 0. The queries for keys that
    were written are scored: the answer is the latest value. Keys never written are the novel items of a familiarity
    test. The two settings of Schlag, Irie & Schmidhuber 2021, section 6.1, for S keys:

    - capacity (setting 1): ``Recall(S, S, S, replacement=False, queries=1)``, S keys and S values paired at random;
    - overwriting (setting 2): ``Recall(S, S, 2 * S, queries=1)``, both drawn with replacement.

    Parameters
    ----------
    keys, values, writes : int
        Number of keys, of values and of writes in a sequence.
    replacement : bool
        Whether a key, or a value, can be drawn more than once.
    queries : int or None
        Number of different keys that are queried, those that were written first; None: every key, in random order.

    Raises
    ------
    TypeError, ValueError
        If a number is not an integer of at least 1, if ``queries`` is above ``keys``, or if ``writes`` is above
        ``keys`` or ``values`` without replacement.

    Examples
    --------
    >>> import numpy as np
    >>> task = Recall(keys=4, values=8, writes=6)
    >>> batch = task(np.random.default_rng(0), 3)
    >>> batch.accuracy(task.solve(batch.x)), batch.chance
    (1.0, 0.125)
    >>> Recall(20, 20, 20, replacement=False, queries=1).length
    21
    """

    keys: int = 32
    values: int = 32
    writes: int = 64
    replacement: bool = True
    queries: int | None = None

    def __post_init__(self) -> None:
        """Sizes are positive integers that fit each other."""
        for name in ("keys", "values", "writes"):
            owned.count(self, name)
        if self.queries is not None and owned.count(self, "queries") > self.keys:
            raise ValueError(f"queries is {self.queries}, but there are {self.keys} keys; pass at most keys, or None.")
        if not self.replacement and self.writes > min(self.keys, self.values):
            raise ValueError(
                f"writes is {self.writes}, but without replacement there are {self.keys} keys and {self.values} "
                "values to write once; lower writes or pass replacement=True."
            )

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
        return self.writes + (self.keys if self.queries is None else self.queries)

    @property
    def chance(self) -> float:
        """Accuracy of a constant answer."""
        return 1 / self.values

    def __call__(self, rng: np.random.Generator, batch: int) -> Batch:
        """Draw ``batch`` sequences."""
        batch = drawn(rng, batch)
        key, value = (self._draw(rng, batch, n) for n in (self.keys, self.values))
        query = _shuffled(rng, batch, self.keys)
        if self.queries is not None:
            written = (query[:, :, None] == key[:, None, :]).any(axis=-1)
            first = np.argsort(~written, axis=1, kind="stable")[:, : self.queries]
            query = np.take_along_axis(query, first, axis=1)
        key = np.concatenate([key, query], axis=1)
        value = np.concatenate([value, np.full(query.shape, -1)], axis=1)
        write = np.broadcast_to(np.arange(self.length) < self.writes, key.shape)
        target = pairs.latest(key, value, write, self.keys)
        return Batch(pairs.encode(key, value, write, self.keys, self.values), target, target >= 0, self.chance)

    def _draw(self, rng: np.random.Generator, batch: int, n: int) -> Array:
        """What is written: indices (batch, writes) below n."""
        if self.replacement:
            return rng.integers(n, size=(batch, self.writes))
        return _shuffled(rng, batch, n)[:, : self.writes]

    def solve(self, x: Array) -> Array:
        """The answers (batch, T) of a solver that remembers the latest value of every key; -1 where it knows none."""
        return self._answer(x, lambda written: written[-1])

    def order_blind(self, x: Array, seed: seeds.Seed = 0) -> Array:
        """The answers of the best solver that knows how often, but not when, a value was written to a key.

        It takes the commonest value, ties drawn at random: the ceiling of every rule that only adds outer products.
        """
        rng = seeds.generator(seed, "ties")

        def commonest(written: list[int]) -> int:
            tally = Counter(written)
            best = max(tally.values())
            return int(rng.choice(sorted(value for value, n in tally.items() if n == best)))

        return self._answer(x, commonest)

    def order_blind_accuracy(self, x: Array) -> float:
        """Expected accuracy of `order_blind` on these sequences: over the ties, which it draws, not over the sequences.

        Examples
        --------
        >>> import numpy as np
        >>> task = Recall(keys=1, values=2, writes=2)
        >>> x = task(np.random.default_rng(0), 3).x
        >>> x[:, :2, 1:3].argmax(axis=-1).tolist(), round(task.order_blind_accuracy(x), 3)  # of two values, half
        ([[1, 1], [1, 0], [0, 0]], 0.833)
        """
        found = []

        def chances(written: list[int]) -> int:
            tally = Counter(written)
            best = [value for value, n in tally.items() if n == max(tally.values())]
            found.append((written[-1] in best) / len(best))
            return 0

        self._answer(x, chances)
        return float(np.mean(found))

    def _answer(self, x: Array, choose: Callable[[list[int]], int]) -> Array:
        """Walk through every sequence with a memory of what was written to each key."""
        key = x[:, :, : self.keys].argmax(axis=-1)
        value = x[:, :, self.keys : -1].argmax(axis=-1)
        answer = np.full(key.shape, -1)
        for b in range(len(x)):
            memory: dict[int, list[int]] = {}
            for t in range(x.shape[1]):
                if x[b, t, -1]:
                    memory.setdefault(int(key[b, t]), []).append(int(value[b, t]))
                elif int(key[b, t]) in memory:
                    answer[b, t] = choose(memory[int(key[b, t])])
        return answer


def _shuffled(rng: np.random.Generator, batch: int, n: int) -> Array:
    """Random orders (batch, n) of the first n integers."""
    return rng.permuted(np.tile(np.arange(n), (batch, 1)), axis=1)
