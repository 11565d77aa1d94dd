"""Associative recall with overwriting: pairs are drawn with replacement, the latest value of a key is the right one."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synfwp import checks, seeds
from synfwp.tasks.base import Array, Batch


@dataclass(frozen=True)
class Recall:
    """Writes of key-value pairs drawn with replacement, then one query for every key.

    A token is (one-hot key, one-hot value, write flag); a query has a key alone and flag 0. Every key is queried, in
    random order, and the queries for keys that were seen are scored: the answer is the latest value (Schlag, Irie &
    Schmidhuber 2021, section 6.1, setting 2). Keys never written are the novel items of a familiarity test.

    Parameters
    ----------
    keys, values, writes : int
        Number of keys, of values and of writes in a sequence.

    Raises
    ------
    TypeError, ValueError
        If one of them is not an integer of at least 1.

    >>> import numpy as np
    >>> task = Recall(keys=4, values=8, writes=6)
    >>> batch = task(np.random.default_rng(0), 3)
    >>> batch.accuracy(task.solve(batch.x)), batch.chance
    (1.0, 0.125)
    """

    keys: int = 32
    values: int = 32
    writes: int = 64

    def __post_init__(self) -> None:
        """Sizes are positive integers."""
        for name in ("keys", "values", "writes"):
            checks.count(name, getattr(self, name))

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
        return self.writes + self.keys

    def __call__(self, rng: np.random.Generator, batch: int) -> Batch:
        """Draw ``batch`` sequences."""
        key = rng.integers(self.keys, size=(batch, self.writes))
        value = rng.integers(self.values, size=(batch, self.writes))
        query = rng.permuted(np.tile(np.arange(self.keys), (batch, 1)), axis=1)
        latest = np.full((batch, self.keys), -1)
        for t in range(self.writes):
            latest[np.arange(batch), key[:, t]] = value[:, t]
        x = np.zeros((batch, self.length, self.d_in))
        x[:, :, : self.keys] = np.eye(self.keys)[np.concatenate([key, query], axis=1)]
        x[:, : self.writes, self.keys : -1] = np.eye(self.values)[value]
        x[:, : self.writes, -1] = 1
        target = np.full((batch, self.length), -1)
        target[:, self.writes :] = np.take_along_axis(latest, query, axis=1)
        return Batch(x, target, target >= 0, 1 / self.values)

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
