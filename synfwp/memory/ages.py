"""How long a memory lasts: signal and noise of a stored value against the writes that came after it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from tqdm.auto import tqdm

from synfwp import checks, results
from synfwp.memory import curves, protocol
from synfwp.memory.decoders import get_decoder
from synfwp.memory.episodes import Episode, Items
from synfwp.memory.expected import remembered
from synfwp.memory.loads import items_of
from synfwp.memory.protocol import Draws
from synfwp.memory.systems import Reads, probe
from synfwp.seeds import Seed, generator

Array = np.ndarray
RESAMPLED = 1000


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
    the slope of reads on stored values, the noise the variance of a component around it, for values of variance 1; the
    lifetime at a threshold is the number of ages whose squared signal over noise is at least that. Knobs are chosen on
    other seeds for the longest life, at each threshold anew: no single lifetime says what a memory can do.

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
    d_key, d_value, keys, values, beta, seeds, seed
        As `capacity` takes them; values have a mean of zero, or their mean counts as signal.

    Returns
    -------
    xarray.Dataset
        ``signal`` and ``noise (system, threshold, age)``, pooled over seeds, with ``signal_theory`` and
        ``noise_theory`` where closed forms are known; ``lifetime (system, threshold)`` in writes with ``low`` and
        ``high`` (95 %, percentiles of 1000 resamples of the seeds); what was ``chosen``.

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
    key = ("retention", items.keys.name, items.values.name, items.d_key, items.d_value, count)
    draws = protocol.drawing(lambda rng, oldest: _ages(items, rng, count, oldest), seed, seeds, *key)
    for name, one in known.items():
        probe(name, one, draws.episodes(last, count=1))
    found = {}
    with tqdm(total=len(known) * len(levels), unit="cell", disable=None, leave=False) as bar:
        for name, one in known.items():
            for level in levels:
                bar.set_postfix_str(f"{name}, {level:g}")
                found[name, level] = _cell(name, one, draws, last, level)
                bar.update()
    given = {
        "systems": curves.described(systems), "keys": items.keys.name, "values": items.values.name, "writes": count,
        "oldest": last, "d_key": items.d_key, "d_value": items.d_value,
        "beta": beta if isinstance(beta, str | None) else float(beta),
    }  # fmt: skip
    theory = {at: remembered(known[at[0]], found[at][1], np.arange(last + 1), items, count) for at in found}
    return _result(found, theory, list(known), levels, last, items.d_value, results.provenance(given, seed))


def _ages(items: Items, rng: np.random.Generator, writes: int, oldest: int) -> Episode:
    """A long episode; its queries are its last keys, the newest first."""
    k, v = items.keys.draw(rng, writes, items.d_key), items.values.draw(rng, writes, items.d_value)
    newest = slice(None, -oldest - 2, -1)
    return Episode(k, v, k[newest], v[newest], v[newest], np.arange(oldest + 1))


def _cell(name: str, system: Any, draws: Draws, oldest: int, level: float) -> tuple[Array, Mapping[str, float], str]:
    """Moments (3, age, seed) of a system with its best knobs, these, and why it failed, if it did."""
    try:
        knobs = protocol.choose(name, system, draws, [oldest], lambda found, at: _life(found, at, level))
        at = draws.episodes(oldest)
        return _moments(system.reads(at, draws.noise(oldest, name), knobs), at), knobs, ""
    except Exception as error:  # the other cells are kept
        return np.full((3, oldest + 1, draws.n), np.nan), {}, f"{type(error).__name__}: {error}"


def _moments(found: Reads, at: Episode) -> Array:
    """Means over components of read times value, value squared and read squared, (3, age, seed)."""
    y, v = found.values, at.target
    return np.stack([(y * v).mean(axis=-1).T, (v * v).mean(axis=-1).T, (y * y).mean(axis=-1).T])


def _signal_and_noise(moments: Array) -> tuple[Array, Array]:
    """Slope of reads on values, and the variance around it, from moments (3, age, seed) pooled over seeds."""
    cross, values, reads = moments.mean(axis=-1)
    signal = cross / values
    return signal, reads - signal**2 * values


def _lifetime(moments: Array, components: int, level: float) -> float:
    """Ages whose squared signal over noise is at least ``level``; what noise adds to the square is taken off."""
    signal, noise = _signal_and_noise(moments)
    n = components * moments.shape[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(noise > 0, (signal**2 - noise / n) / noise, np.where(signal != 0, np.inf, 0.0))
    return float((ratio >= level).sum())


def _life(found: Reads, at: Episode, level: float) -> Array:
    """The pooled lifetime, as the score of every seed."""
    return np.full(len(at.k), _lifetime(_moments(found, at), at.v.shape[-1], level))


def _result(
    found: Any, theory: Any, names: list[str], levels: list[float], oldest: int, components: int, attrs: Any
) -> xr.Dataset:
    """Cells as one Dataset."""
    dims, one = ("system", "threshold"), {"units": "1"}
    shape, grid = (len(names), len(levels)), [(name, level) for name in names for level in levels]
    curve = {at: _signal_and_noise(found[at][0]) for at in grid}
    life, low, high = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    for i, (name, level) in enumerate(grid):
        moments, _, failure = found[name, level]
        if failure:
            checks.warn(f"system {name!r} failed at threshold {level:g}: {failure} It is NaN there.")
            continue
        seeds = moments.shape[-1]
        picks = generator(0, "resample", name, level).integers(seeds, size=(RESAMPLED, seeds))
        where = np.unravel_index(i, shape)
        life[where] = _lifetime(moments, components, level)
        resampled = [_lifetime(moments[..., pick], components, level) for pick in picks]
        low[where], high[where] = np.percentile(resampled, [2.5, 97.5])
    knobs = list(dict.fromkeys(knob for at in grid for knob in found[at][1]))
    chosen = np.reshape([[found[at][1].get(knob, np.nan) for knob in knobs] for at in grid], (*shape, len(knobs)))

    def stacked(part: int, source: Any) -> Any:
        return np.reshape([source[at][part] for at in grid], (*shape, oldest + 1)).astype(float)

    text = {"units": "1", "long_name": "writes"}
    variables: dict[str, Any] = {
        "signal": ((*dims, "age"), stacked(0, curve), one | {"long_name": "signal"}),
        "noise": ((*dims, "age"), stacked(1, curve), one | {"long_name": "variance of the noise"}),
        "signal_theory": ((*dims, "age"), stacked(0, theory), one | {"long_name": "signal, theory"}),
        "noise_theory": ((*dims, "age"), stacked(1, theory), one | {"long_name": "variance of the noise, theory"}),
        "lifetime": (dims, life, text | {"long_name": "lifetime in writes"}),
        "low": (dims, low, text | {"long_name": "lower limit, 95 %"}),
        "high": (dims, high, text | {"long_name": "upper limit, 95 %"}),
        "chosen": ((*dims, "knob"), chosen.astype(float), one | {"long_name": "chosen on other seeds"}),
        "failure": (dims, np.reshape([found[at][2] for at in grid], shape), {"long_name": "error"}),
    }
    coords = {
        "system": ("system", names, {"long_name": "system"}),
        "threshold": ("threshold", levels, one | {"long_name": "ratio of squared signal to noise"}),
        "age": ("age", np.arange(oldest + 1), text | {"long_name": "writes since"}),
        "knob": ("knob", knobs, {"long_name": "write strength, decay and the like"}),
    }
    return results.dataset(variables, coords, **attrs)
