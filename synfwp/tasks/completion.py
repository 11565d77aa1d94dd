"""Completion: patterns are shown, then half of one, and the rest of it is asked for."""

from dataclasses import dataclass

import numpy as np

from synfwp import checks, owned
from synfwp.measures.reads import refuse_unread
from synfwp.tasks.base import Array, Batch, drawn


@dataclass(frozen=True)
class PatternCompletion:
    """A few patterns of -1 and 1, each shown several times, then a cue: one of them with some of its bits at 0.

    Half of the bits of a pattern are 1 (the larger half are -1 for an odd d). In each of ``cycles`` rounds every
    pattern is shown once, in random order: the same token for ``show`` steps, then ``gap`` steps of zeros. The cue
    lasts ``show`` steps and the last one is scored: the target is the whole pattern, real numbers. Miconi, Stanley &
    Clune 2018 and their code (1000 bits, 5 patterns, 2 rounds, 6 and 4 steps).

    Parameters
    ----------
    d : int
        Bits of a pattern, at least 2.
    patterns, cycles, show : int
        Patterns, rounds, steps of a presentation.
    gap : int
        Steps of zeros after a presentation, at least 0.
    zeroed : float
        Share of the bits of the cue that are 0, in [0, 1]; rounded down to whole bits.

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer or too small, or ``zeroed`` is outside [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> task = PatternCompletion(d=20, patterns=2, cycles=1, show=2, gap=1)
    >>> batch = task(np.random.default_rng(0), 3)
    >>> batch.x.shape, batch.error(task.solve(batch.x)), batch.chance
    ((3, 8, 20), 0.0, 20.0)
    >>> task.missing(batch.x).sum(axis=1).tolist()
    [10, 10, 10]
    """

    d: int = 50
    patterns: int = 3
    cycles: int = 2
    show: int = 6
    gap: int = 4
    zeroed: float = 0.5

    def __post_init__(self) -> None:
        """Sizes are integers that are large enough, the share is one."""
        owned.count(self, "d", 2)
        for name, low in (("patterns", 1), ("cycles", 1), ("show", 1), ("gap", 0)):
            owned.count(self, name, low)
        checks.number("zeroed", self.zeroed, 0, 1)

    @property
    def d_in(self) -> int:
        """Features of a token."""
        return self.d

    @property
    def d_out(self) -> int:
        """Size of an answer."""
        return self.d

    @property
    def length(self) -> int:
        """Tokens of a sequence."""
        return self.cycles * self.patterns * (self.show + self.gap) + self.show

    @property
    def chance(self) -> float:
        """Squared error of the answer 0, the same in every sequence."""
        return float(self.d)

    def __call__(self, rng: np.random.Generator, batch: int) -> Batch:
        """Draw ``batch`` sequences."""
        batch = drawn(rng, batch)
        plain = np.where(np.arange(self.d) < self.d // 2, 1.0, -1.0)
        pattern = rng.permuted(np.broadcast_to(plain, (batch, self.patterns, self.d)), axis=-1)
        every = np.broadcast_to(np.arange(self.patterns), (batch, self.cycles, self.patterns))
        order = rng.permuted(every, axis=-1).reshape(batch, -1)
        shown = np.take_along_axis(pattern, order[..., None], axis=1)
        asked = pattern[np.arange(batch), rng.integers(self.patterns, size=batch)]
        kept = rng.permuted(np.broadcast_to(np.arange(self.d) >= int(self.zeroed * self.d), (batch, self.d)), axis=-1)
        x = np.zeros((batch, order.shape[1], self.show + self.gap, self.d))
        x[:, :, : self.show] = shown[:, :, None]
        cue = np.broadcast_to((asked * kept)[:, None], (batch, self.show, self.d))
        x = np.concatenate([x.reshape(batch, -1, self.d), cue], axis=1)
        mask = np.zeros((batch, self.length), bool)
        mask[:, -1] = True
        return Batch(x, np.where(mask[..., None], asked[:, None], 0.0), mask, self.chance)

    def stored(self, x: Array) -> Array:
        """The patterns (batch, patterns, d) in the order in which they were first shown."""
        return np.asarray(x)[:, : self.patterns * (self.show + self.gap) : self.show + self.gap]

    def missing(self, x: Array) -> Array:
        """Which bits of the cue are 0 (batch, d)."""
        return np.asarray(x)[:, -1] == 0

    def solve(self, x: Array) -> Array:
        """The answers (batch, T, d) of a solver that takes the pattern closest to the cue; 0 before the last step."""
        pattern, cue = self.stored(x), np.asarray(x)[:, -1]
        nearest = (pattern @ cue[..., None])[..., 0].argmax(axis=1)
        return self._last(x, pattern[np.arange(len(cue)), nearest])

    def hopfield(self, x: Array) -> Array:
        """The answers (batch, T, d) of one read of ``sum p p^T``: its sign at the missing bits, the cue elsewhere.

        Each pattern votes for its own bit with its overlap with the cue.

        References
        ----------
        Hopfield 1982.
        """
        pattern, cue = self.stored(x), np.asarray(x)[:, -1]
        votes = (pattern.swapaxes(1, 2) @ (pattern @ cue[..., None]))[..., 0]
        return self._last(x, np.where(cue == 0, np.sign(votes), cue))

    def balance(self, x: Array) -> Array:
        """The answers (batch, T, d) of the best solver without memory: half of the bits are 1, so the rarer is missing.

        Where both are as common in the cue, 1.
        """
        cue = np.asarray(x)[:, -1]
        rarer = np.where(cue.sum(axis=-1, keepdims=True) > 0, -1.0, 1.0)
        return self._last(x, np.where(cue == 0, rarer, cue))

    def wrong(self, x: Array, answer: Array) -> float:
        """Share of the missing bits at which the sign of ``answer (batch, T, d)`` is not the right one at the end."""
        missing, right, answer = self.missing(x), self.solve(x)[:, -1], np.asarray(answer)
        refuse_unread("answer", answer[:, -1], missing)
        return float((np.sign(answer[:, -1]) != right)[missing].mean())

    def _last(self, x: Array, answer: Array) -> Array:
        """An answer (batch, d) at the last step, 0 before."""
        full = np.zeros(np.shape(x))
        full[:, -1] = answer
        return full
