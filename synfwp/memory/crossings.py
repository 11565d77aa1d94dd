"""How many pairs a memory holds at a criterion: by bisection, with an interval, and how that grows with the keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy import stats
from scipy.optimize import isotonic_regression

from synfwp import checks, results
from synfwp.memory import curves, protocol
from synfwp.memory.decoders import Decoder, get_decoder
from synfwp.memory.loads import draws_of, items_of, settings_of
from synfwp.memory.protocol import Draws, Measured
from synfwp.memory.systems import Store, probe
from synfwp.seeds import Seed, generator

Array = np.ndarray
MOST = 2**16
RESAMPLED = 1000
FINEST = 50  # of a bracket's end: the width at which a search ends
FIRST = 16  # pairs: up to here a score may rise, as that of a rule that has to know the mean of keys first
CLOSE = 2  # standard errors from the criterion, where noise ends it
AROUND = (0.88, 0.94, 1.0, 1.06, 1.13)  # of where it ends: loads that are measured whatever their scores


class Crossing(NamedTuple):
    """Where a curve falls to a criterion: the load, resampled loads, what was chosen next to it, and why it failed."""

    load: float
    resampled: Array
    seeds: int
    reached: bool
    knobs: Mapping[str, float]
    failure: str = ""


def critical_load(
    systems: Mapping[str, Any],
    *,
    criterion: float = 0.9,
    most: int = MOST,
    d_key: int | None = None,
    d_value: int | None = None,
    keys: Any = "normal",
    values: Any = None,
    decoder: str | Decoder = "argmax",
    candidates: int = 0,
    beta: Any = "best",
    seeds: int = 20,
    seed: Seed = 0,
    queries: int = 256,
) -> xr.Dataset:
    """The number of pairs at which the mean score falls to a criterion, by bisection, with a bootstrap interval.

    Loads are doubled from 1 to 16, and on until the mean score is below the criterion; then the bracket is halved, down
    to 2 % of its end or until a mean is within two standard errors of the criterion. Five loads around are added,
    whatever their scores: a bracket that noise has chosen would look surer than it is. The load is interpolated,
    linearly in its logarithm, on the means of all loads from the first one that comes near the criterion, made to fall
    by isotonic regression.

    Parameters
    ----------
    systems : mapping of name to system
        As `capacity` takes it; knobs are chosen at every load that is tried.
    criterion : float
        Mean score.
    most : int
        Largest load that is tried.
    d_key, d_value : int or None
        Features, as `capacity` takes them.
    keys, values : str, array or callable
        As `capacity` takes them.
    decoder : str or memory.Decoder
        As `capacity` takes it.
    candidates : int
        As `capacity` takes it.
    beta : "best", None or float
        As `capacity` takes it.
    seeds : int
        Episodes of each point.
    seed : int, SeedSequence or Generator
    queries : int
        Most queries of an episode.

    Returns
    -------
    xarray.Dataset
        ``critical_load (system)``, ``low`` and ``high`` (95 %, percentiles of 1000 resamples of the seeds, as far out
        as Student's t is for so many seeds; NaN for one), the knobs
        that were ``chosen (system, knob)``, and ``reached``: whether the score fell to the criterion within ``most``
        pairs, or as many as the keys allow (if not, the load is that and ``high`` infinite). The load is 0 where no
        load from 1 to 16 scores as much, and NaN of a system that fails, whose error stands in ``failure``.

    Raises
    ------
    TypeError, ValueError
        As `capacity`.

    Warns
    -----
    RuntimeWarning
        If a system fails at a load.

    References
    ----------
    Hesterberg 2015, The American Statistician 69:371 (percentile intervals that are as wide as those of Student's t).

    Examples
    --------
    >>> ds = critical_load({"Hebb": "hebb"}, d_key=12, seeds=20)
    >>> bool(ds.low < ds.critical_load) and bool(ds.critical_load < ds.high)
    True
    """
    way = get_decoder(decoder)
    items = items_of(way, d_key, d_value, keys, values, candidates, queries)
    known = {name: curves.held(one, beta) for name, one in protocol.named(systems).items()}
    draws, level = draws_of(items, way, seed, seeds), checks.number("criterion", criterion)
    limit = min(checks.count("most", most), items.most(way.familiarity))
    found = {name: _crossing(name, one, draws, way, level, limit) for name, one in known.items()}
    given = settings_of(systems, items, way, beta, draws) | {"criterion": level, "most": limit}
    low, high = np.array([_limits(one) for one in found.values()]).T
    text = {"units": "1", "long_name": f"pairs at {way.long_name} of {level:g}"}
    knobs = list(dict.fromkeys(knob for one in found.values() for knob in one.knobs))
    chosen = np.reshape(
        [[one.knobs.get(knob, np.nan) for knob in knobs] for one in found.values()], (len(found), len(knobs))
    )
    near = {"units": "1", "long_name": "chosen on other seeds, at the load tried next to this"}
    variables: dict[str, Any] = {
        "critical_load": ("system", np.array([one.load for one in found.values()]), text),
        "low": ("system", low, text | {"long_name": "lower limit, 95 %"}),
        "high": ("system", high, text | {"long_name": "upper limit, 95 %"}),
        "reached": ("system", [one.reached for one in found.values()], {"long_name": "whether the score fell so far"}),
        "chosen": (("system", "knob"), np.reshape(chosen, (len(found), len(knobs))).astype(float), near),
        "failure": ("system", [one.failure for one in found.values()], {"long_name": "error"}),
    }
    coords = {
        "system": ("system", list(found), {"long_name": "system"}),
        "knob": ("knob", np.array(knobs, dtype=str), {"long_name": "write strength, decay, temperature and the like"}),
    }
    return results.dataset(variables, coords, **results.provenance(given, draws.seed))


def scaling(
    systems: Mapping[str, Any], *, d_keys: Sequence[int], criterion: float = 0.9, seed: Seed = 0, **settings: Any
) -> xr.Dataset:
    """How the load at a criterion grows with the number of key features: the exponent of a power law, with its error.

    Parameters
    ----------
    systems : mapping of name to system
        As `capacity` takes it.
    d_keys : sequence of int
        At least two; values have as many features as keys where ``d_value`` is left out.
    criterion : float
        Mean score, as `critical_load` takes it.
    seed : int, SeedSequence or Generator
    **settings
        Other arguments of `critical_load`.

    Returns
    -------
    xarray.Dataset
        ``critical_load (system, d_key)`` with ``low`` and ``high``, and ``exponent (system)``, the slope of the
        least-squares line of log load against log d_key, with its ``error``: the standard deviation over resampled
        seeds. The exponent is NaN where the score of a size did not fall to the criterion, as ``reached`` has it, or
        where the system failed.

    Raises
    ------
    TypeError, ValueError
        As `critical_load`.

    Examples
    --------
    >>> ds = scaling({"Hebb": "hebb"}, d_keys=[8, 16], seeds=10)
    >>> bool(ds.error > 0)
    True
    """
    sizes, way = curves.numbers("d_keys", d_keys), get_decoder(settings.get("decoder", "argmax"))
    if len(sizes) < 2:
        raise ValueError(f"d_keys is {checks.short(sizes)}; a slope takes at least two numbers.")
    unknown = set(settings) - {"d_value", "keys", "values", "decoder", "candidates", "beta", "seeds", "queries", "most"}
    if unknown:
        raise TypeError(f"scaling has no argument {min(unknown)!r}; it takes those of critical_load.")
    beta, count, most = settings.get("beta", "best"), settings.get("seeds", 20), settings.get("most", MOST)
    known = {name: curves.held(one, beta) for name, one in protocol.named(systems).items()}
    drawn = {
        name: settings[name] for name in ("d_value", "keys", "values", "candidates", "queries") if name in settings
    }
    level, most = checks.number("criterion", criterion), checks.count("most", most)
    found: dict[tuple[str, int], Crossing] = {}
    entropy = protocol.entropy(seed)
    for d in sizes:
        items = items_of(way, d, **drawn)
        draws = draws_of(items, way, entropy, count)
        for name, system in known.items():
            limit = min(most, items.most(way.familiarity))
            found[name, d] = _crossing(name, system, draws, way, level, limit)
    grid = [[found[name, d] for d in sizes] for name in known]
    loads = np.array([[at.load for at in row] for row in grid])
    limits = np.array([[_limits(at) for at in row] for row in grid])
    resampled = np.array([[at.resampled for at in row] for row in grid])
    text, one = {"units": "1", "long_name": f"pairs at {way.long_name} of {level:g}"}, {"units": "1"}
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes = _slope(np.log(sizes), np.log(resampled))
        exponent = _slope(np.log(sizes), np.log(loads[..., None]))[..., 0]
        errors = slopes.std(axis=-1, ddof=1)
    exponent[~np.array([all(at.reached for at in row) for row in grid])] = np.nan
    variables = {
        "critical_load": (("system", "d_key"), loads, text),
        "low": (("system", "d_key"), limits[..., 0], text | {"long_name": "lower limit, 95 %"}),
        "high": (("system", "d_key"), limits[..., 1], text | {"long_name": "upper limit, 95 %"}),
        "exponent": ("system", exponent, one | {"long_name": "exponent of the load"}),
        "error": ("system", errors, one | {"long_name": "standard error of the exponent"}),
        "reached": (
            ("system", "d_key"),
            [[at.reached for at in row] for row in grid],
            {"long_name": "whether the score fell so far"},
        ),
        "failure": (("system", "d_key"), [[at.failure for at in row] for row in grid], {"long_name": "error"}),
    }
    coords = {
        "system": ("system", list(known), {"long_name": "system"}),
        "d_key": ("d_key", sizes, {"units": "1", "long_name": "features of keys"}),
    }
    given = settings_of(systems, items, way, beta, draws) | {"d_key": sizes, "criterion": level, "most": most}
    return results.dataset(variables, coords, **results.provenance(given, entropy))


def _slope(x: Any, y: Array) -> Array:
    """Least-squares slope of y (..., points, resamples) against x (points,)."""
    centred = x - np.mean(x)
    found: Array = np.einsum("p,...pr->...r", centred, y) / (centred**2).sum()
    return found


def _crossing(name: str, system: Store, draws: Draws, way: Decoder, level: float, most: int) -> Crossing:
    """The crossing of one system; a failure is kept as a text, with a warning."""
    probe(name, system, draws.episodes(min(2, most), count=1))
    score, tried, above = protocol.mean_score(way), dict[int, Measured](), dict[int, float]()

    def off(load: int) -> float:
        """The mean score less the criterion, in standard errors; NaN, which ends a search, of what failed."""
        tried[load] = protocol.measure(name, system, draws, load, score)
        error = float(stats.sem(tried[load].scores)) if draws.n > 1 else 0.0
        more = float(tried[load].scores.mean()) - level
        above[load] = more / error if error else np.nan if np.isnan(more) else np.inf if more >= 0 else -np.inf
        return above[load]

    end, found = _search(off, most)
    for beside in (min(max(round(share * end), 1), most) for share in AROUND if found):
        if beside not in tried:
            off(beside)
    for load, cell in tried.items():
        if cell.failure:
            checks.warn(f"system {name!r} failed at {load} pairs: {cell.failure} Its critical load is NaN.")
            return Crossing(np.nan, np.full(RESAMPLED, np.nan), draws.n, False, {}, f"at {load} pairs: {cell.failure}")
    loads = sorted(tried)
    scores = np.stack([tried[load].scores for load in loads])
    first = next((i for i, load in enumerate(loads) if above[load] > -CLOSE), len(loads) - 1)  # it rises up to there
    loads, scores = loads[first:], scores[first:]
    picks = generator(draws.seed, "resample", name).integers(draws.n, size=(RESAMPLED, draws.n))
    resampled = np.array([_cross(loads, scores[:, pick].mean(axis=1), level) for pick in picks])
    at = _cross(loads, scores.mean(axis=1), level)
    next_to = min(loads, key=lambda one: abs(one - at))
    reached = bool(scores[-1].mean() < level)
    return Crossing(at, resampled, draws.n, reached, tried[next_to].knobs)


def _search(off: Callable[[int], float], most: int) -> tuple[int, bool]:
    """The load where a score falls to the criterion, by bisection as far as noise allows, and whether it does so."""
    low, high = 0, 1
    while True:
        found = off(high)
        if np.isnan(found) or (found < 0 and (high == most or high >= FIRST)):
            break
        low = high if found >= 0 else low
        if high == most:
            return most, False
        high = min(2 * high, most)
    if np.isnan(found) or not low:
        return high, False
    while high - low > max(1, high // FINEST):
        middle = (low + high) // 2
        found = off(middle)
        if not abs(found) > CLOSE:
            return middle, True
        low, high = (middle, high) if found > 0 else (low, middle)
    return high, True


def _cross(loads: Sequence[int], means: Array, level: float) -> float:
    """The load at which a curve, made to fall by isotonic regression, meets a level; the largest where it does not."""
    falling = isotonic_regression(means, increasing=False).x
    above = np.flatnonzero(falling >= level)
    if not above.size:
        return 0.0
    i = int(above[-1])
    if i + 1 == len(loads):
        return float(loads[i])
    share = (falling[i] - level) / (falling[i] - falling[i + 1])
    return float(np.exp((1 - share) * np.log(loads[i]) + share * np.log(loads[i + 1])))


def _limits(one: Crossing) -> tuple[float, float]:
    """95 % limits, as far out as Student's t is for so few seeds; none above where the curve did not fall so far."""
    if one.seeds < 2 or np.isnan(one.load):
        return np.nan, np.nan
    tail = stats.norm.cdf(-np.sqrt(one.seeds / (one.seeds - 1)) * stats.t.ppf(0.975, one.seeds - 1))
    low, high = np.quantile(one.resampled, [tail, 1 - tail])
    return float(low), float(high) if one.reached else np.inf
