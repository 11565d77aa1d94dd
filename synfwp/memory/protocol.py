"""The one protocol: episodes of each seed, knobs chosen on other seeds, scores, their intervals and their costs."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import stats

from synfwp import checks, seeds
from synfwp.memory import systems
from synfwp.memory.decoders import Decoder
from synfwp.memory.episodes import Episode, stack
from synfwp.memory.systems import Reads, Store

Array = np.ndarray
TUNING = 5  # other seeds, on which knobs are chosen
Score = Callable[[Reads, Episode], Array]  # (n,), the larger the better
ROUNDS = 30  # over several knobs, at most
KEPT = 2**25  # bytes of episodes that are kept for the next system
COSTS = ("state_variables", "synapses", "bits", "state_bytes", "write_spikes", "read_spikes", "seconds")


def entropy(seed: Any) -> int | np.random.SeedSequence:
    """A seed that stays what it is: of a Generator one number is taken, so that all parts of a run share it."""
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**63))
    seeds.generator(seed)  # refuses what is no seed
    return seed  # type: ignore[no-any-return]


def drawing(draw: Callable[[np.random.Generator, Any], Episode], seed: seeds.Seed, count: Any, *key: Any) -> "Draws":
    """Draws from a seed, for so many episodes."""
    return Draws(draw, entropy(seed), checks.count("seeds", count), ("memory", *key))


@dataclass(frozen=True)
class Draws:
    """Which episodes: a draw of one at a size, the seeds, and what the streams are named by.

    ``draw(rng, size) -> Episode`` draws the episode of one seed. Episodes that are not large are kept for the next
    system.
    """

    draw: Callable[[np.random.Generator, Any], Episode]
    seed: seeds.Seed
    n: int
    key: tuple[Any, ...]
    _kept: dict[tuple[Any, ...], Episode] = field(default_factory=dict, repr=False, compare=False)

    def episodes(self, size: Any, part: str = "test", count: int | None = None) -> Episode:
        """The episodes of all seeds at a size; every system is given the same."""
        n = self.n if count is None else count
        if (size, part, n) in self._kept:
            return self._kept[size, part, n]
        with np.errstate(all="ignore"):  # what is not finite is told of where it is read
            found = stack([self.draw(self._rng(i, part, size), size) for i in range(n)])
        if sum(x.nbytes for x in found) <= KEPT:
            self._kept[size, part, n] = found
        return found

    def noise(self, size: Any, name: str, part: str = "test", count: int | None = None) -> list[np.random.Generator]:
        """Generators of a system's own randomness, one for each seed."""
        n = self.n if count is None else count
        return [self._rng(i, part, size, name) for i in range(n)]

    def _rng(self, i: int, part: str, size: Any, *more: Any) -> np.random.Generator:
        return seeds.generator(self.seed, *self.key, part, size, i, *more)


@dataclass(frozen=True)
class Measured:
    """One cell: scores of the seeds, the knobs that were chosen, costs, and why it failed, if it did."""

    scores: Array
    knobs: Mapping[str, float]
    costs: Mapping[str, float]
    failure: str = ""


def measure(
    name: str, system: Store, draws: Draws, size: Any, score: Score, knobs: Mapping[str, float] | None = None,
) -> Measured:  # fmt: skip
    """Scores of a system at one size; a failure is kept as a text, and the scores are NaN.

    Parameters
    ----------
    name : str
        Names the system's own random numbers.
    system : Store
    draws : Draws
    size : object
        Of the episodes.
    score : callable
        ``(reads, episodes) -> (n,)``, the larger the better; with an attribute ``sees_scale`` that is true, knobs that
        only multiply the reads are chosen too; an attribute ``fit (reads, episodes) -> score`` takes from the seeds of
        tuning what the score compares with.
    knobs : mapping, optional
        Taken as they are; None chooses them on other seeds.

    Returns
    -------
    Measured
    """
    chosen: Mapping[str, float] = {}
    try:
        chosen = choose(name, system, draws, [size], score) if knobs is None else knobs
        at = draws.episodes(size)
        start = time.perf_counter()
        found = read(system, at, draws.noise(size, name), chosen)
        seconds = (time.perf_counter() - start) / len(at.k)
        if hasattr(score, "fit"):
            tried = draws.episodes(size, "tuning", TUNING)
            score = score.fit(read(system, tried, draws.noise(size, name, "tuning", TUNING), chosen), tried)
        return Measured(scored(score, found, at), chosen, costs(system, found, at, seconds))
    except Exception as error:  # the other cells are kept
        message = f"{type(error).__name__}: {error}"
        return Measured(np.full(draws.n, np.nan), chosen, {}, message)


def choose(name: str, system: Store, draws: Draws, sizes: Sequence[Any], score: Score) -> dict[str, float]:
    """The knobs with the best mean score over sizes, on seeds that are not tested.

    One knob after the other is set to its best number, from the middle of its numbers on, until none changes; of equal
    ones it is the middle. Then several move by a number at once, where that is better: knobs that make up for each
    other lie on a ridge, on which none gains alone.
    """
    unseen = () if getattr(score, "sees_scale", False) else system.scaled_by
    grids = {knob: grid for knob, grid in system.knobs.items() if len(grid) > 1 and knob not in unseen}
    found = {knob: grid[-1 if knob in unseen else len(grid) // 2] for knob, grid in system.knobs.items()}
    if not grids:
        return found
    tried = [(draws.episodes(size, "tuning", TUNING), size) for size in sizes]
    known: dict[tuple[float, ...], float] = {}

    def mean(option: dict[str, float]) -> float:
        key = tuple(option.values())
        if key not in known:
            try:
                values = [
                    scored(score, read(system, at, draws.noise(size, name, "tuning", TUNING), option), at)
                    for at, size in tried
                ]
                known[key] = float(np.mean(values))
            except FloatingPointError:  # a step that overshoots is no choice
                known[key] = -np.inf
        return known[key]

    for _ in range(ROUNDS):
        before = dict(found)
        for knob, grid in grids.items():
            means = [mean(found | {knob: x}) for x in grid]
            best = [x for x, one in zip(grid, means, strict=True) if one == max(means)]
            found[knob] = best[(len(best) - 1) // 2]
        if len(grids) == 1:
            break
        if found == before:
            better = max(_beside(found, grids), key=mean, default=found)
            if mean(better) <= mean(found):
                break
            found = better
    return found


def _beside(at: Mapping[str, float], grids: Mapping[str, Sequence[float]]) -> list[dict[str, float]]:
    """Knobs of which some lie one number above or below where they are."""
    places = {knob: list(grid).index(at[knob]) for knob, grid in grids.items()}
    found = []
    for steps in itertools.product((-1, 0, 1), repeat=len(places)):
        moved = {knob: place + step for (knob, place), step in zip(places.items(), steps, strict=True)}
        if all(0 <= place < len(grids[knob]) for knob, place in moved.items()):
            found.append(dict(at) | {knob: grids[knob][place] for knob, place in moved.items()})
    return found


def read(system: Store, at: Episode, rngs: Sequence[np.random.Generator], knobs: Mapping[str, float]) -> Reads:
    """What a system reads, without warnings of NumPy.

    Raises
    ------
    FloatingPointError
        If a read is not finite.
    """
    with np.errstate(all="ignore"):
        found = system.reads(at, rngs, knobs)
    broken = int((~np.isfinite(found.values)).any(axis=(1, 2)).sum())
    if broken:
        given = ", ".join(f"{name} {x:.3g}" for name, x in knobs.items()) or "no knobs"
        raise FloatingPointError(
            f"reads of {broken} of {len(at.k)} episodes hold inf or nan at {given}; pass smaller steps, or keys of "
            "length 1, such as System(..., key_norm='l2') makes them."
        )
    return found


def scored(score: Score, found: Reads, at: Episode) -> Array:
    """The score of every episode, without warnings of NumPy.

    Raises
    ------
    FloatingPointError
        If a score is not finite.
    """
    with np.errstate(all="ignore"):
        values = score(found, at)
    if not np.isfinite(values).all():
        size = float(np.abs(found.values).max(initial=0))
        raise FloatingPointError(f"the score of reads up to {size:.3g} is not finite; pass smaller keys or values.")
    return values


def costs(system: Store, found: Reads, at: Episode, seconds: float) -> dict[str, float]:
    """What an episode took and what is kept of it."""
    kept = system.state(at.k.shape[1], at.k.shape[2], at.v.shape[2])
    spikes = {
        name: np.nan if values is None else float(values.mean())
        for name, values in (("write_spikes", found.write_spikes), ("read_spikes", found.read_spikes))
    }
    return dict(kept) | spikes | {"seconds": seconds}


def mean_score(decoder: Decoder) -> Score:
    """The mean score of the queries of each episode, as a function of reads and episodes."""

    def score(found: Reads, at: Episode) -> Array:
        return decoder.score(found.values, at).mean(axis=1)

    def fit(found: Reads, at: Episode) -> Score:
        one = decoder.fit(found.values, at)  # type: ignore[misc]
        return lambda found, at: one(found.values, at).mean(axis=1)

    if decoder.fit is not None:
        score.fit = fit  # type: ignore[attr-defined]
    return sees_scale(score) if decoder.sees_scale else score


def sees_scale(score: Score) -> Score:
    """The same score, marked as one that changes when all reads are multiplied by a number."""
    score.sees_scale = True  # type: ignore[attr-defined]
    return score


def interval(values: Array, level: float = 0.95) -> tuple[Array, Array]:
    """Limits of the mean over the last axis by Student's t; NaN for a single value.

    Examples
    --------
    >>> low, high = interval(np.array([1.0, 2.0, 3.0]))
    >>> round(float(high - low), 3)
    4.968
    """
    n = values.shape[-1]
    mean = values.mean(axis=-1)
    if n < 2:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    half = stats.t.ppf((1 + level) / 2, n - 1) * values.std(axis=-1, ddof=1) / np.sqrt(n)
    return mean - half, mean + half


def named(given: Any) -> dict[str, Store]:
    """The systems of a call by name.

    Raises
    ------
    TypeError, ValueError
        For what is no mapping of names to systems, or an empty one.
    """
    if isinstance(given, str | tuple) or not isinstance(given, Mapping):
        one = given if isinstance(given, str) else "system"
        raise TypeError(f"systems is {checks.short(given)}; pass a mapping of names to systems, {{{one!r}: ...}}.")
    if not given:
        raise ValueError("systems is empty; pass at least one.")
    for name in given:
        if not isinstance(name, str):
            raise TypeError(f"systems has the name {checks.short(name)}; pass texts.")
    return {name: systems.as_system(name, spec) for name, spec in given.items()}
