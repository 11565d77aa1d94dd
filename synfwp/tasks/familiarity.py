"""Continual familiarity: was this item shown before?"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from synfwp import checks, owned
from synfwp.measures.reads import refuse_unread
from synfwp.tasks.base import Array, Batch, drawn


@dataclass(frozen=True)
class Familiarity:
    """A stream of random items x in {-1, +1}^d, some of them shown a second time ``lag`` tokens later.

    At every token a lag R is drawn from ``lags``; with probability ``repeat`` the item of R tokens ago comes again, if
    it was novel and has not come again already. Every token is scored: 1 familiar, 0 novel. For one lag and
    ``repeat=1/2`` two thirds of the items are novel in the long run: f_t = repeat (1 - f_{t-R}), and ``chance`` is the
    exact share for the length at hand. Tyulmankov, Yang & Abbott 2022.

    Items differ by chance alone: two novel ones are equal with probability ``2 ** -d``; take d of 20 or more.

    Parameters
    ----------
    d : int
        Features of an item.
    lags : int or tuple of int
        Tokens between the two showings of an item.
    length : int
        Tokens of a sequence.
    repeat : float
        Probability of a try to repeat, in [0, 1].

    Raises
    ------
    TypeError, ValueError
        If a size is not an integer of at least 1, lags are empty or repeated, or ``repeat`` is outside [0, 1].

    Examples
    --------
    >>> import numpy as np
    >>> task = Familiarity(d=20, lags=3, length=200)
    >>> batch = task(np.random.default_rng(0), 4)
    >>> batch.accuracy(task.solve(batch.x)), round(batch.chance, 3)
    (1.0, 0.67)
    """

    d: int = 100
    lags: int | tuple[int, ...] = 6
    length: int = 500
    repeat: float = 0.5

    def __post_init__(self) -> None:
        """Sizes are positive integers, lags differ."""
        owned.count(self, "d")
        owned.count(self, "length")
        checks.number("repeat", self.repeat, 0, 1)
        for lag in self._lags:
            checks.count("lags", lag)
        if not self._lags or len(set(self._lags)) < len(self._lags):
            raise ValueError(f"lags is {checks.short(self.lags)}; pass an integer or a tuple of different ones.")

    @property
    def d_in(self) -> int:
        """Features of a token."""
        return self.d

    @property
    def d_out(self) -> int:
        """Classes of an answer: novel and familiar."""
        return 2

    @cached_property
    def chance(self) -> float:
        """Accuracy of the better constant answer, from the exact chance of a repeat at every token."""
        lags = sorted(self._lags)
        tries = self.repeat / len(lags)
        familiar = np.zeros(self.length)
        for t in range(self.length):
            for rank, lag in enumerate(lags):
                if lag <= t:  # the item was novel, and no shorter lag has repeated it
                    familiar[t] += tries * (1 - familiar[t - lag]) * (1 - tries) ** rank
        share = float(familiar.mean())
        return max(share, 1 - share)

    def __call__(self, rng: np.random.Generator, batch: int) -> Batch:
        """Draw ``batch`` sequences."""
        batch = drawn(rng, batch)
        bits = rng.integers(256, size=(batch, self.length, -(-self.d // 8)), dtype=np.uint8)
        lag = np.array(self._lags)[rng.integers(len(self._lags), size=(batch, self.length))]
        wanted = np.arange(self.length) - lag
        tried = (rng.random((batch, self.length)) < self.repeat) & (wanted >= 0)
        rows, source = np.arange(batch), np.tile(np.arange(self.length)[:, None], batch)
        free = np.ones((self.length, batch), bool)
        for t, (item, wish) in enumerate(zip(np.maximum(wanted, 0).T.copy(), tried.T.copy(), strict=True)):
            before = free[item, rows]
            again = before & wish
            source[t] = np.where(again, item, t)
            free[item, rows] = before & ~again
            free[t] = ~again
        source = source.T
        target = (source < np.arange(self.length)).astype(int)
        x = np.unpackbits(bits[rows[:, None], source], axis=-1, count=self.d) * 2.0
        x -= 1
        return Batch(x, target, np.ones(target.shape, bool), self.chance)

    def lag(self, x: Array) -> Array:
        """Tokens (batch, T) since the same item was shown before; 0 where it is new."""
        item = np.packbits(np.asarray(x) > 0, axis=-1)
        item = np.ascontiguousarray(item).view(f"V{item.shape[-1]}")[..., 0]
        since = np.zeros(item.shape, int)
        for row, items in zip(since, item, strict=True):
            same = np.unique(items, return_inverse=True)[1].ravel()
            order = np.argsort(same, kind="stable")
            row[order[1:]] = np.where(np.diff(same[order]) == 0, np.diff(order), 0)
        return since

    def solve(self, x: Array) -> Array:
        """The answers (batch, T) of a solver that remembers every item."""
        return (self.lag(x) > 0).astype(int)

    def rates(self, x: Array, answer: Array) -> tuple[dict[int, float], float]:
        """Share of ``answer (batch, T)`` that is 1, at each lag (true positives) and for novel items (false ones)."""
        refuse_unread("answer", answer)
        lag, familiar = self.lag(x), np.asarray(answer) > 0
        found = {int(n): float(familiar[lag == n].mean()) for n in np.unique(lag[lag > 0])}
        return found, float(familiar[lag == 0].mean())

    @property
    def _lags(self) -> tuple[int, ...]:
        """The lags as a tuple."""
        return tuple(self.lags) if isinstance(self.lags, Sequence) else (self.lags,)
