"""Integration of evidence: which class was shown most often?"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from synfwp import owned, seeds
from synfwp.tasks.base import Array, Batch, drawn


@dataclass(frozen=True)
class EvidenceIntegration:
    """Words that speak for one of several classes or for none, then "go": the answer is the class with the most words.

    There are ``classes + 2`` words: evidence for each class, null and go, which is always the last token and the one
    that is scored. How many words speak for each class is drawn from all possible counts with equal probability, those
    without a single winner left out; their order is random. A word is a fixed random vector of bits (0 and 1) over
    ``sqrt(d / 2)``, so that its expected squared length is 1. Aitken & Mihalas 2023 and their code (binary inputs,
    uniform scores, no ties).

    Parameters
    ----------
    classes : int
        Classes, at least 2.
    length : int
        Tokens of a sequence, go among them, at least 2.
    d : int
        Features of a token.
    words : int
        Seed of the vectors of the words; tasks that differ in nothing but length have the same words.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer or too small, or if there are not enough vectors of ``d`` bits for the words.

    Examples
    --------
    >>> import numpy as np
    >>> task = EvidenceIntegration(classes=3, length=20, d=50)
    >>> batch = task(np.random.default_rng(0), 4)
    >>> batch.x.shape, batch.accuracy(task.solve(batch.x)), round(batch.chance, 3)
    ((4, 20, 50), 1.0, 0.333)
    """

    classes: int = 3
    length: int = 20
    d: int = 50
    words: int = 0

    def __post_init__(self) -> None:
        """Sizes are integers, and every word has a vector of its own."""
        owned.count(self, "classes", 2)
        owned.count(self, "length", 2)
        owned.count(self, "d")
        owned.count(self, "words", 0)
        if self.d < 63 and 2**self.d < self.classes + 2:
            raise ValueError(f"d is {self.d}, which gives {2**self.d} vectors for {self.classes + 2} words; raise it.")

    @property
    def d_in(self) -> int:
        """Features of a token."""
        return self.d

    @property
    def d_out(self) -> int:
        """Classes of an answer."""
        return self.classes

    @property
    def chance(self) -> float:
        """Accuracy of a constant answer."""
        return 1 / self.classes

    @cached_property
    def vectors(self) -> Array:
        """The words (classes + 2, d): evidence for each class, null, go."""
        rng, found = seeds.generator(self.words, "words"), list[Array]()
        while len(found) < self.classes + 2:
            bits = rng.integers(2, size=self.d)
            if not any(np.array_equal(bits, word) for word in found):
                found.append(bits)
        return owned.freeze(np.array(found) / (self.d / 2) ** 0.5)

    def __call__(self, rng: np.random.Generator, batch: int) -> Batch:
        """Draw ``batch`` sequences."""
        batch = drawn(rng, batch)
        counts = self._counts(rng, batch)
        ends = counts.cumsum(axis=1)
        sorted_words = (np.arange(self.length - 1) >= ends[:, :-1, None]).sum(axis=1)
        word = np.full((batch, self.length), self.classes + 1)
        word[:, :-1] = rng.permuted(sorted_words, axis=1)
        target = np.full((batch, self.length), -1)
        target[:, -1] = counts[:, :-1].argmax(axis=1)
        return Batch(self.vectors[word], target, target >= 0, self.chance)

    def counts(self, x: Array) -> Array:
        """How many words of each sequence speak for each class (batch, classes)."""
        far = ((np.asarray(x)[:, :, None] - self.vectors) ** 2).sum(axis=-1)
        return (far.argmin(axis=-1)[..., None] == np.arange(self.classes)).sum(axis=1)

    def margin(self, x: Array) -> Array:
        """By how many words the winner of each sequence leads (batch,)."""
        ordered = np.sort(self.counts(x), axis=1)
        return ordered[:, -1] - ordered[:, -2]

    def solve(self, x: Array) -> Array:
        """The answers (batch, T) of a solver that counts; -1 before go."""
        answer = np.full(np.shape(x)[:2], -1)
        answer[:, -1] = self.counts(x).argmax(axis=1)
        return answer

    def _counts(self, rng: np.random.Generator, batch: int) -> Array:
        """Numbers of words for each class and null (batch, classes + 1), uniform over all that have one winner."""
        places, found = self.length - 1 + self.classes, np.empty((0, self.classes + 1), int)
        while len(found) < batch:
            bars = np.sort(rng.random((batch, places)).argsort(axis=1)[:, : self.classes], axis=1)
            counts = np.diff(bars, axis=1, prepend=-1, append=places) - 1  # stars between bars
            ordered = np.sort(counts[:, :-1], axis=1)
            found = np.concatenate([found, counts[ordered[:, -1] > ordered[:, -2]]])
        return found[:batch]
