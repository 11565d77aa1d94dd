"""What a protocol is: a motif that is repeated, or the spike times themselves."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from synfwp import grid, units
from synfwp.checks import count

__all__ = ["Protocol", "Trains"]

Array = np.ndarray


@dataclass(frozen=True)
class Protocol:
    """A motif of presynaptic and postsynaptic spikes, repeated ``n`` times at ``rate``.

    Repetition m adds ``1000 m / rate`` ms to every spike of the motif.

    Parameters
    ----------
    pre_motif, post_motif : tuple of float
        Spike times of one repetition, ms, increasing within each train.
    n : int
        Number of repetitions.
    rate : float
        Repetitions per second, Hz.

    Raises
    ------
    ValueError
        If a motif is not increasing, or does not end before its next repetition begins.

    Examples
    --------
    A burst of three postsynaptic spikes at 50 Hz after one presynaptic spike (Nevian & Sakmann 2006):

    >>> burst = Protocol(pre_motif=(0.0,), post_motif=(10.0, 30.0, 50.0), n=2, rate=0.1)
    >>> burst.post.tolist()
    [10.0, 30.0, 50.0, 10010.0, 10030.0, 10050.0]
    """

    pre_motif: tuple[float, ...]
    post_motif: tuple[float, ...]
    n: int = 60
    rate: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", count("n", self.n))
        object.__setattr__(self, "rate", units.number(self.rate, "Hz", "rate", 0.0, above=True))
        with np.errstate(over="ignore"):
            last = (self.n - 1) * np.divide(1000.0, self.rate)
        if not np.isfinite(last):
            raise ValueError(f"rate is {self.rate:g} Hz, too low for {self.n} repetitions; pass a higher rate.")
        for what in ("pre_motif", "post_motif"):
            given = getattr(self, what)
            times = np.atleast_1d(grid.precise(what, given, units.to_float(given, "ms", what)))
            motif = tuple(units.array(times, "ms", what, ndim=1).tolist())
            object.__setattr__(self, what, motif)
            if any(later <= earlier for earlier, later in pairwise(motif)):
                raise ValueError(f"{what} is {motif}; pass times in ms that increase from spike to spike.")
            if self.n > 1 and motif and motif[-1] - motif[0] >= self.period:
                raise ValueError(
                    f"{what} lasts {motif[-1] - motif[0]:g} ms but repeats every {self.period:g} ms; "
                    f"pass a rate below {1000.0 / (motif[-1] - motif[0]):g} Hz or a shorter motif."
                )

    @property
    def period(self) -> float:
        """Time from one repetition to the next, ms."""
        return 1000.0 / self.rate

    @property
    def pre(self) -> np.ndarray:
        """Presynaptic spike times, ms, in increasing order."""
        return self._train(self.pre_motif)

    @property
    def post(self) -> np.ndarray:
        """Postsynaptic spike times, ms, in increasing order."""
        return self._train(self.post_motif)

    def _train(self, motif: tuple[float, ...]) -> np.ndarray:
        return np.add.outer(np.arange(self.n) * self.period, np.array(motif, dtype=float)).ravel()


@dataclass(frozen=True)
class Trains:
    """A protocol without a motif: the spike times of both sides, and plateau potentials of the postsynaptic one.

    Parameters
    ----------
    pre_times, post_times : tuple of float
        Spike times, ms, increasing.
    plateaus : tuple of (float, float)
        Begin and duration of each plateau, ms, in order and without overlap.

    Raises
    ------
    ValueError, TypeError
        For times that do not increase, or plateaus that overlap or do not last.

    Examples
    --------
    >>> trains = Trains(pre_times=(0.0, 50.0), plateaus=((100.0, 300.0),))
    >>> trains.pre.tolist(), trains.post.tolist(), trains.plateaus
    ([0.0, 50.0], [], ((100.0, 300.0),))
    """

    pre_times: tuple[float, ...] = ()
    post_times: tuple[float, ...] = ()
    plateaus: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        for what in ("pre_times", "post_times"):
            given = getattr(self, what)
            times = units.array(np.atleast_1d(units.to_float(given, "ms", what)), "ms", what, ndim=1)
            if bad := np.flatnonzero(np.diff(times) <= 0).tolist():
                first, then = times[bad[0]], times[bad[0] + 1]
                raise ValueError(f"{what} has {first:g} and then {then:g} ms; pass times that increase.")
            object.__setattr__(self, what, tuple(times.tolist()))
        given = np.zeros((0, 2)) if isinstance(self.plateaus, tuple | list) and not self.plateaus else self.plateaus
        events = np.asarray(units.to_float(given, "ms", "plateaus"), float)
        if events.ndim != 2 or events.shape[1] != 2:
            raise ValueError(f"plateaus has shape {events.shape}; pass (begin, duration) of each, in ms.")
        events = units.array(events, "ms", "plateaus")
        if (events[:, 1] <= 0).any() or (np.diff(events[:, 0]) < events[:-1, 1]).any():
            raise ValueError(
                "plateaus overlap, or one does not last; pass (begin, duration) in order, durations above 0."
            )
        object.__setattr__(self, "plateaus", tuple(map(tuple, events.tolist())))

    @property
    def pre(self) -> Array:
        """Presynaptic spike times, ms, in increasing order."""
        return np.array(self.pre_times, float)

    @property
    def post(self) -> Array:
        """Postsynaptic spike times, ms, in increasing order."""
        return np.array(self.post_times, float)

    def sampled(self, dt: Any, duration: Any) -> tuple[Array, Array]:
        """Presynaptic spikes and plateaus in steps of time, as :meth:`synfwp.plasticity.BTSP.run` takes them.

        Parameters
        ----------
        dt : float
            Length of a step, ms.
        duration : float
            From 0 to the end of the last step, ms; what lies outside is left out.

        Returns
        -------
        (1, T) array
            Spikes of each step.
        (T,) array
            Share of each step that a plateau lasts.

        Raises
        ------
        ValueError, TypeError
            For values out of their ranges.

        Examples
        --------
        >>> rate, plateau = Trains((0.0, 5.0), plateaus=((15.0, 20.0),)).sampled(10.0, 40.0)
        >>> rate.tolist(), plateau.tolist()
        ([[2.0, 0.0, 0.0, 0.0]], [0.0, 0.5, 1.0, 0.5])
        """
        step, last = (
            units.number(dt, "ms", "dt", 0, above=True),
            units.number(duration, "ms", "duration", 0, above=True),
        )
        if not 1 <= (steps := np.round(last / step)) <= 1e8:
            raise ValueError(f"duration is {last:g} and dt {step:g} ms, {steps:g} steps; pass 1 to 1e8 of them.")
        edges = np.arange(int(steps) + 1) * step
        begin, lasts = np.array(self.plateaus, float).reshape(-1, 2).T
        held = np.zeros(len(edges))
        for one, long in zip(begin, lasts, strict=True):
            held += np.clip(edges - one, 0, long)
        return np.histogram(self.pre, edges)[0].astype(float)[None], np.diff(held) / step
