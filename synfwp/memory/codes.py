"""Winner-take-all codes and recall from a damaged cue: an attractor that completes itself, or another pattern.

The protocol of Lansner et al. 2026 with any system: patterns of few active neurons, in modules of which each has one
winner or in one pool, some of them moved in the cue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from synfwp import checks, owned, shown
from synfwp.memory.decoders import Decoder
from synfwp.memory.episodes import Episode
from synfwp.memory.systems import Store, as_system

Array = np.ndarray


@dataclass(frozen=True)
class WinnerCode(shown.OneLine):
    """Patterns of 0 and 1 with so many active neurons: one in each module, or as many as the pool has winners.

    Parameters
    ----------
    active : int
        Active neurons of a pattern; the modules, where there are any.
    units : int
        Neurons of a module; the pool has ``active * units`` neurons.
    modular : bool
        One winner in each module, or winners anywhere in the pool.

    Raises
    ------
    TypeError, ValueError
        For a number that is no count.

    References
    ----------
    Lansner et al. 2026 (lansner2026).

    Examples
    --------
    >>> code = WinnerCode(active=2, units=3)
    >>> code.winners(np.array([[0.1, 0.9, 0.2, 0.5, 0.4, 0.3]])).tolist()
    [[0.0, 1.0, 0.0, 1.0, 0.0, 0.0]]
    """

    active: int = 16
    units: int = 16
    modular: bool = True

    def __post_init__(self) -> None:
        owned.count(self, "active")
        owned.count(self, "units", 2)
        if not isinstance(self.modular, bool | np.bool_):
            raise TypeError(f"modular is {checks.short(self.modular)}; pass True or False.")

    @property
    def neurons(self) -> int:
        """Of a pattern."""
        return self.active * self.units

    def draw(self, rng: np.random.Generator, n: int, d: int | None = None) -> Array:
        """n patterns (n, neurons); to be passed as ``keys`` or ``values`` of `synfwp.capacity`.

        Parameters
        ----------
        rng : numpy.random.Generator
        n : int
        d : int, optional
            Features that the caller expects.

        Returns
        -------
        (n, neurons) array

        Raises
        ------
        ValueError
            If the caller expects another number.
        """
        if d is not None and d != self.neurons:
            raise ValueError(f"d is {d} but a pattern has {self.neurons} neurons; pass d_key={self.neurons}.")
        return self.winners(rng.random((n, self.neurons)))

    def winners(self, reads: Array) -> Array:
        """The pattern of the largest reads (..., neurons); of equal ones the first."""
        x = np.zeros(np.shape(reads))
        if self.modular:
            split = x.reshape(*x.shape[:-1], self.active, self.units)
            best = np.reshape(reads, split.shape).argmax(axis=-1)
            np.put_along_axis(split, best[..., None], 1.0, axis=-1)
            return x
        best = np.argsort(-reads, axis=-1, kind="stable")[..., : self.active]
        np.put_along_axis(x, best, 1.0, axis=-1)
        return x

    def corrupted(self, patterns: Array, moved: int, rng: np.random.Generator) -> Array:
        """Patterns (n, neurons) in which so many active neurons are replaced: in their modules, or anywhere."""
        found = np.array(patterns)
        for one in found:
            gone = rng.permutation(np.flatnonzero(one))[:moved]
            if self.modular:
                first = gone - gone % self.units
                new = first + (gone % self.units + rng.integers(1, self.units, moved)) % self.units
            else:
                new = rng.permutation(np.flatnonzero(one == 0))[:moved]
            one[gone], one[new] = 0.0, 1.0
        return found

    def allowed(self) -> Array:
        """(neurons, neurons) booleans: which connect, not with themselves, nor within a module."""
        block = self.units if self.modular else 1
        return ~np.kron(np.eye(self.neurons // block, dtype=bool), np.ones((block, block), bool))


@dataclass(frozen=True)
class CuedRecall(shown.OneLine):
    """A system that answers a damaged cue with winners: the pattern itself after some steps, or the one stored with it.

    The cue is a query in which some active neurons are moved. An attractor stores every key under itself, without
    connections of a neuron with itself or with its own module, and lets winners be the next cue until none changes.
    What its system reads has to be a matrix times the cue, plus a bias. An association reads values once.

    Parameters
    ----------
    system : object
        As `synfwp.capacity` takes it.
    code : WinnerCode
        Of keys and of values.
    moved : int
        Active neurons that a cue has elsewhere.
    steps : int
        Most steps of an attractor; 0: an association.

    Raises
    ------
    TypeError, ValueError
        For what is no system, or more moved neurons than there are active ones.

    References
    ----------
    Lansner et al. 2026 (lansner2026).

    Examples
    --------
    >>> code, rng = WinnerCode(active=4, units=4), np.random.default_rng(0)
    >>> x = code.draw(rng, 3)
    >>> bool((CuedRecall("hebb", code, moved=1)(x, x, x, rng, beta=1.0) == x).all())
    True
    """

    system: Any
    code: WinnerCode = WinnerCode()
    moved: int = 2
    steps: int = 20

    def __post_init__(self) -> None:
        owned.count(self, "moved", 0)
        owned.count(self, "steps", 0)
        if self.moved > (most := self.code.active):
            raise ValueError(f"moved is {self.moved} but a pattern has {most} active neurons; pass at most that.")
        self._store  # noqa: B018 (refuses what is no system)

    @cached_property
    def _store(self) -> Store:
        """The system, made once."""
        return as_system("system", self.system)

    @property
    def knobs(self) -> Mapping[str, tuple[float, ...]]:
        """Those of the system."""
        return self._store.knobs

    @property
    def scaled_by(self) -> tuple[str, ...]:
        """Those of the system: winners do not see a scale."""
        return self._store.scaled_by

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """That of the system."""
        return self._store.state(load, d_key, d_value)

    def __call__(self, k: Array, v: Array, q: Array, rng: np.random.Generator, **knobs: float) -> Array:
        """Winners (Q, neurons)."""
        cue = self.code.corrupted(q, self.moved, rng)
        if not self.steps:
            return self.code.winners(self._reads(k, v, cue, rng, knobs))
        probes = np.concatenate([np.zeros((1, self.code.neurons)), np.eye(self.code.neurons)])
        found = self._reads(k, k, probes, rng, knobs)
        bias, W = found[0], (found[1:] - found[0]) * self.code.allowed()
        for _ in range(self.steps):
            last, cue = cue, self.code.winners(cue @ W + bias)
            if (last == cue).all():
                break
        return cue

    def _reads(self, k: Array, v: Array, q: Array, rng: np.random.Generator, knobs: Mapping[str, float]) -> Array:
        """Of one episode."""
        at = Episode(k[None], v[None], q[None], np.zeros((1, len(q), v.shape[1])), v[None], np.zeros((1, len(q)), int))
        return self._store.reads(at, [rng], knobs).values[0]


def exact_recall(attractor: bool) -> Decoder:
    """A decoder: whether every winner is right, of the pattern that was asked for or of the one stored with it.

    Parameters
    ----------
    attractor : bool
        Whether the query itself is the answer.

    Returns
    -------
    Decoder

    Examples
    --------
    >>> exact_recall(True).long_name
    'share of patterns recalled exactly'
    """
    return Decoder(
        "exact",
        lambda reads, at: (reads == (at.q if attractor else at.target)).all(axis=-1).astype(float),
        lambda load, at: 0.0,
        "binary",
        "share of patterns recalled exactly",
    )
