"""One marked pair among many that do not matter: retention against filtering."""

from dataclasses import dataclass

import numpy as np

from synfwp import owned
from synfwp.tasks import pairs
from synfwp.tasks.base import Array, Batch, drawn


@dataclass(frozen=True)
class Needle:
    """One marked pair among the first ``early`` tokens, ``distractors`` pairs around it, and one query for its key.

    A token is (one-hot key, one-hot value, mark, write flag). Distractors are drawn with replacement from the same keys
    and values, so that some write to the needle's key: the right answer is the marked value, not the latest.
    A rule that decays forgets the needle while distractors come, a rule that corrects errors lets them overwrite it:
    only a write gate that follows the mark keeps it, so retention and filtering are distinguished (`unfiltered` is the
    ceiling of a memory of everything that ignores marks).

    Parameters
    ----------
    keys, values : int
        Number of keys and of values.
    distractors : int
        Pairs that do not matter.
    early : int
        The needle is one of the first ``early`` pairs, uniformly; 1: the first.

    Raises
    ------
    TypeError, ValueError
        If one of them is not an integer of at least 1, or ``early`` is above ``distractors + 1``.

    Examples
    --------
    >>> import numpy as np
    >>> task = Needle(keys=4, values=8, distractors=10)
    >>> batch = task(np.random.default_rng(0), 3)
    >>> batch.accuracy(task.solve(batch.x)), task.length
    (1.0, 12)
    """

    keys: int = 16
    values: int = 16
    distractors: int = 62
    early: int = 4

    def __post_init__(self) -> None:
        """Sizes are positive integers."""
        for name in ("keys", "values", "distractors", "early"):
            owned.count(self, name)
        if self.early > self.distractors + 1:
            raise ValueError(f"early is {self.early}, but there are {self.distractors + 1} pairs; pass at most these.")

    @property
    def d_in(self) -> int:
        """Features of a token."""
        return self.keys + self.values + 2

    @property
    def d_out(self) -> int:
        """Classes of an answer."""
        return self.values

    @property
    def length(self) -> int:
        """Tokens of a sequence."""
        return self.distractors + 2

    @property
    def chance(self) -> float:
        """Accuracy of a constant answer."""
        return 1 / self.values

    @property
    def unfiltered(self) -> float:
        """Expected accuracy of an answer with the latest value of the needle's key, marked or not.

        ``s + (1 - s) / values``, where s is the chance that no later distractor has the key, averaged over places.
        """
        later = self.distractors - np.arange(self.early)
        spared = float(((1 - 1 / self.keys) ** later).mean())
        return spared + (1 - spared) / self.values

    def __call__(self, rng: np.random.Generator, batch: int) -> Batch:
        """Draw ``batch`` sequences."""
        batch = drawn(rng, batch)
        rows = np.arange(batch)
        key = rng.integers(self.keys, size=(batch, self.length))
        value = rng.integers(self.values, size=(batch, self.length))
        place = rng.integers(self.early, size=batch)
        key[:, -1], value[:, -1] = key[rows, place], -1
        target = np.full(key.shape, -1)
        target[:, -1] = value[rows, place]
        marked = np.arange(self.length) == place[:, None]
        x = pairs.encode(key, value, marked, self.keys, self.values)
        return Batch(np.concatenate([x, target[..., None] < 0], axis=-1), target, target >= 0, self.chance)

    def solve(self, x: Array) -> Array:
        """The answers (batch, T) of a solver that remembers marked pairs alone; -1 where nothing is asked."""
        key, value = pairs.decode(x, self.keys, self.values)
        answer = pairs.latest(key, value, x[..., -2], self.keys)
        return np.where(x[..., -1] > 0, -1, answer)

    def solve_unfiltered(self, x: Array) -> Array:
        """The answers (batch, T) of a solver that remembers the latest value of every key and ignores marks."""
        key, value = pairs.decode(x, self.keys, self.values)
        return pairs.latest(key, value, x[..., -1], self.keys)
