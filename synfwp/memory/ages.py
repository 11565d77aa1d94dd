"""How long a memory lasts: signal and noise of a stored value against the writes that came after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.optimize import isotonic_regression
from tqdm import tqdm

from synfwp import checks, results
from synfwp.memory import curves, protocol
from synfwp.memory.decoders import get_decoder
from synfwp.memory.episodes import Episode, Items
from synfwp.memory.expected import remembered
from synfwp.memory.loads import items_of, settings_of
from synfwp.memory.protocol import COSTS, Draws
from synfwp.memory.systems import Knobs, Reads, Store, probe
from synfwp.seeds import Seed, generator

Array = np.ndarray
RESAMPLED = 1000
LARGE = 100.0  # thresholds: larger ratios count as this one, so that a read without noise does not pull others along


def retention(
    systems: Mapping[str, Any],
    *,
    thresholds: Sequence[float] = (1.0,),
    writes: int = 1500,
    oldest: int = 600,
    d_key: int | None = None,
    d_value: int | None = None,
    keys: Any = "normal",
    values: Any = "normal",
    beta: Any = "best",
    seeds: int = 20,
    seed: Seed = 0,
) -> xr.Dataset:
    """Signal, noise and lifetime of memories that are written to all the time.

    After ``writes`` pairs, each under a new key, the keys of the last ``oldest + 1`` are read. The signal of an age is
    the slope of reads on stored values, the noise the variance of what is left, over that of the values. The lifetime
    at a threshold is the age at which the squared signal over the noise falls to it: of the ratio, less what chance
    adds to a squared slope, made to fall by isotonic regression, and between ages on a line. It is 0 where the newest
    memory is below. Knobs are chosen on other seeds for the longest life, at each threshold anew: no single lifetime
    says what a memory can do.

    Parameters
    ----------
    systems : mapping of name to system
        As `capacity` takes it.
    thresholds : sequence of float
        Ratios of squared signal to noise.
    writes : int
        Writes of an episode.
    oldest : int
        Largest age that is read.
    d_key, d_value : int or None
        Features, as `capacity` takes them.
    keys, values : str, array or callable
        As `capacity` takes them; values have a mean of zero, or their mean counts as signal.
    beta : "best", None or float
        As `capacity` takes it.
    seeds : int
        Episodes of each point.
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.Dataset
        ``signal`` and ``noise (system, threshold, age)``, pooled over seeds and components, with ``signal_theory`` and
        ``noise_theory`` where closed forms are known; those of each seed, ``signals`` and ``noises (system, threshold,
        seed, age)``; ``lifetime (system, threshold)`` in writes with ``low`` and
        ``high`` (95 %, percentiles of 1000 resamples of the seeds), ``lifetime_theory``, and ``reached``: whether the
        ratio falls so far at all (if not, the lifetime is ``oldest`` and ``high`` infinite); what was ``chosen``; and
        the costs of `capacity`.

    Raises
    ------
    TypeError, ValueError
        As `capacity`; if there are fewer writes than ages.

    References
    ----------
    Fusi, Drew & Abbott 2005, Neuron 45:599 (signal to noise of an ideal observer).

    Examples
    --------
    >>> ds = retention({"delta": "delta"}, d_key=16, writes=200, oldest=60, seeds=5)
    >>> bool(ds.low < ds.lifetime) and bool(ds.lifetime < ds.high)
    True
    """
    way = get_decoder("error")
    items = items_of(way, d_key, d_value, keys, values)
    known = {name: curves.held(one, beta) for name, one in protocol.named(systems).items()}
    count, last = checks.count("writes", writes), checks.count("oldest", oldest)
    if last >= count:
        raise ValueError(f"oldest is {last} but there are {count} writes; pass an age below that, or more writes.")
    levels = [float(x) for x in np.atleast_1d(checks.array("thresholds", thresholds, 0, above=True))]
    if not levels or len(set(levels)) < len(levels):
        raise ValueError(f"thresholds is {checks.short(levels)}; pass at least one, and each once.")
    key = ("retention", items.keys.name, items.values.name, items.d_key, items.d_value, count)
    draws = protocol.drawing(lambda rng, oldest: _ages(items, rng, count, oldest), seed, seeds, *key)
    for name, one in known.items():
        probe(name, one, draws.episodes(last, count=1))
    found, cells = {}, len(known) * len(levels)
    with tqdm(total=cells, desc="memories x thresholds", unit="cell", disable=None, leave=False) as bar:
        for name, one in known.items():
            tuned, tested = _Moments(one), _Moments(one)
            for level in levels:
                bar.set_postfix_str(f"{name}, {level:g}")
                found[name, level] = _cell(name, tuned, tested, draws, last, level)
                bar.update()
    given = settings_of(systems, items, way, beta, draws) | {"writes": count, "oldest": last, "thresholds": levels}
    theory = {at: remembered(known[at[0]], found[at].knobs, np.arange(last + 1), items, count) for at in found}
    return _result(found, theory, items.d_value, draws, results.provenance(given, draws.seed))


def _ages(items: Items, rng: np.random.Generator, writes: int, oldest: int) -> Episode:
    """A long episode; its queries are its last keys, the newest first."""
    k, v = items.keys.draw(rng, writes, items.d_key), items.values.draw(rng, writes, items.d_value)
    newest = slice(None, -oldest - 2, -1)
    return Episode(k, v, k[newest], v[newest], v[newest], np.arange(oldest + 1))


class _Moments:
    """A system whose reads are moments (n, age, 3) of its reads; each choice of knobs runs once."""

    def __init__(self, system: Store) -> None:
        self.system, self.known = system, {}  # type: ignore[var-annotated]

    @property
    def knobs(self) -> Knobs:
        """Those of the system."""
        return self.system.knobs

    @property
    def scaled_by(self) -> tuple[str, ...]:
        """Those of the system."""
        return self.system.scaled_by

    def reads(self, at: Episode, rngs: Sequence[np.random.Generator], knobs: Mapping[str, float]) -> Reads:
        """Means over components of read times value, value squared and read squared."""
        key = tuple(knobs.items())
        if key not in self.known:
            found, v = protocol.read(self.system, at, rngs, knobs), at.target
            means = [(x * y).mean(axis=-1) for x, y in ((found.values, v), (v, v), (found.values, found.values))]
            self.known[key] = found._replace(values=np.stack(means, axis=-1))
        return self.known[key]

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """That of the system."""
        return self.system.state(load, d_key, d_value)


class _Cell(NamedTuple):
    """Moments (seed, age, 3) of a system with its best knobs, these, its costs, and why it failed, if it did."""

    moments: Array
    knobs: Mapping[str, float]
    costs: Mapping[str, float]
    failure: str = ""


def _cell(name: str, tuned: _Moments, tested: _Moments, draws: Draws, oldest: int, level: float) -> _Cell:
    """One system at one threshold; what was run for another one is not run again."""
    try:
        knobs = protocol.choose(name, tuned, draws, [oldest], lambda found, at: _life(found, at, level))
        at = draws.episodes(oldest)
        found = tested.reads(at, draws.noise(oldest, name), knobs)
        return _Cell(found.values, knobs, protocol.costs(tested, found, at, np.nan))
    except Exception as error:  # the other cells are kept
        return _Cell(np.full((draws.n, oldest + 1, 3), np.nan), {}, {}, f"{type(error).__name__}: {error}")


def _signal_and_noise(moments: Array) -> tuple[Array, Array]:
    """Slope of reads on values, and the variance around it over that of values, of moments (seed, age, 3) pooled."""
    cross, values, reads = np.moveaxis(moments.mean(axis=0), -1, 0)
    signal = cross / values
    return signal, np.maximum(reads / values - signal**2, 0.0)


def _of_seeds(moments: Array, components: int) -> tuple[Array, Array]:
    """Signals and noises (seed, age) of each seed alone, less what a slope of so few components takes off."""
    found = [_signal_and_noise(one[None]) for one in moments]
    free = components / max(components - 1, 1)
    return np.array([signal for signal, _ in found]), free * np.array([noise for _, noise in found])


def _lifetime(moments: Array, components: int, level: float, drawn: int = 1) -> float:
    """The age of `_crossing`; the square of a slope that was ``drawn`` so often has that many variances more."""
    signal, noise = _signal_and_noise(moments)
    excess = drawn * noise / (components * len(moments))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(noise > 0, (signal**2 - excess) / noise, np.where(signal != 0, np.inf, 0.0))
    return _crossing(ratio, level)


def _crossing(ratio: Array, level: float) -> float:
    """Age at which a ratio, made to fall by isotonic regression, meets a level; NaN of what is NaN."""
    if np.isnan(ratio).any():
        return np.nan
    falling = isotonic_regression(np.minimum(ratio / level, LARGE), increasing=False).x
    above = np.flatnonzero(falling >= 1)
    if not above.size:
        return 0.0
    i = int(above[-1])
    return float(i) if i + 1 == len(falling) else float(i + (falling[i] - 1) / (falling[i] - falling[i + 1]))


def _life(found: Reads, at: Episode, level: float) -> Array:
    """The pooled lifetime, as the score of every seed."""
    return np.full(len(at.k), _lifetime(found.values, at.v.shape[-1], level))


def _limits(one: _Cell, components: int, level: float, rng: np.random.Generator) -> tuple[float, float]:
    """95 % limits of a lifetime; none above where the ratio did not fall so far."""
    n, oldest = len(one.moments), one.moments.shape[1] - 1
    picks = rng.integers(n, size=(RESAMPLED, n))
    low, high = np.percentile([_lifetime(one.moments[pick], components, level, drawn=2) for pick in picks], [2.5, 97.5])
    return float(low), float(high) if high < oldest else np.inf


def _result(
    found: Mapping[tuple[str, float], _Cell], theory: Mapping[tuple[str, float], tuple[Array, Array]], components: int,
    draws: Draws, attrs: Mapping[str, Any],
) -> xr.Dataset:  # fmt: skip
    """Cells as one Dataset."""
    names, levels = (list(dict.fromkeys(at[i] for at in found)) for i in range(2))
    dims, shape, oldest = ("system", "threshold"), (len(names), len(levels)), len(next(iter(theory.values()))[0]) - 1
    life, low, high, expected = (np.full(shape, np.nan) for _ in range(4))
    for i, ((name, level), cell) in enumerate(found.items()):
        where = np.unravel_index(i, shape)
        signal, noise = theory[name, level]
        with np.errstate(divide="ignore", invalid="ignore"):
            expected[where] = _crossing(signal**2 / noise, level)
        if cell.failure:
            checks.warn(f"system {name!r} failed at threshold {level:g}: {cell.failure} It is NaN there.")
            continue
        life[where] = _lifetime(cell.moments, components, level)
        low[where], high[where] = _limits(cell, components, level, generator(draws.seed, "resample", name, level))
    knobs = list(dict.fromkeys(knob for cell in found.values() for knob in cell.knobs))
    chosen = np.reshape([[cell.knobs.get(knob, np.nan) for knob in knobs] for cell in found.values()], (*shape, -1))
    curve = np.reshape([_signal_and_noise(cell.moments) for cell in found.values()], (*shape, 2, -1))
    closed = np.reshape(list(theory.values()), (*shape, 2, -1))
    each = np.reshape([_of_seeds(cell.moments, components) for cell in found.values()], (*shape, 2, draws.n, -1))
    one, text = {"units": "1"}, {"units": "1", "long_name": "writes"}
    variables: dict[str, Any] = {
        "signal": ((*dims, "age"), curve[:, :, 0], one | {"long_name": "signal"}),
        "noise": ((*dims, "age"), curve[:, :, 1], one | {"long_name": "variance of the noise"}),
        "signals": ((*dims, "seed", "age"), each[:, :, 0], one | {"long_name": "signal of a seed"}),
        "noises": ((*dims, "seed", "age"), each[:, :, 1], one | {"long_name": "variance of the noise of a seed"}),
        "signal_theory": ((*dims, "age"), closed[:, :, 0], one | {"long_name": "signal, theory"}),
        "noise_theory": ((*dims, "age"), closed[:, :, 1], one | {"long_name": "variance of the noise, theory"}),
        "lifetime": (dims, life, text | {"long_name": "lifetime in writes"}),
        "low": (dims, low, text | {"long_name": "lower limit, 95 %"}),
        "high": (dims, high, text | {"long_name": "upper limit, 95 %"}),
        "lifetime_theory": (dims, expected, text | {"long_name": "lifetime in writes, theory"}),
        "reached": (dims, life < oldest, {"long_name": "whether the ratio fell so far"}),
        "chosen": ((*dims, "knob"), chosen.astype(float), one | {"long_name": "chosen on other seeds"}),
        "failure": (dims, np.reshape([cell.failure for cell in found.values()], shape), {"long_name": "error"}),
    }
    for cost in COSTS:
        if cost != "seconds":
            given = np.reshape([cell.costs.get(cost, np.nan) for cell in found.values()], shape)
            variables[cost] = (dims, given, dict(zip(("long_name", "units"), curves.TEXTS[cost], strict=True)))
    coords = {
        "system": ("system", names, {"long_name": "system"}),
        "threshold": ("threshold", levels, one | {"long_name": "ratio of squared signal to noise"}),
        "seed": np.arange(draws.n),
        "age": ("age", np.arange(oldest + 1), text | {"long_name": "writes since"}),
        "knob": ("knob", np.array(knobs, dtype=str), {"long_name": "write strength, decay and the like"}),
    }
    return results.dataset(variables, coords, **attrs)
