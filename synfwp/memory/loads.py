"""How many pairs a memory holds: scores against the load, the load at a score, and how it grows with the keys."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from scipy.optimize import isotonic_regression

from synfwp import checks, results
from synfwp.memory import curves, protocol
from synfwp.memory.curves import Dim, Formulas
from synfwp.memory.decoders import Decoder, get_decoder
from synfwp.memory.episodes import KEYS, VALUES, Items, Vectors
from synfwp.memory.expected import expected
from synfwp.memory.protocol import Draws
from synfwp.memory.systems import Store, probe
from synfwp.seeds import Seed, generator

Array = np.ndarray
LOAD = "stored pairs"
MOST = 2**16
RESAMPLED = 1000


def capacity(
    systems: Mapping[str, Any],
    *,
    loads: Sequence[int],
    d_key: int | None = None,
    d_value: int | None = None,
    keys: Any = "normal",
    values: Any = None,
    decoder: str | Decoder = "cosine",
    candidates: int = 0,
    beta: Any = "best",
    tuned: str = "pairs",
    seeds: int = 20,
    seed: Seed = 0,
    queries: int = 256,
) -> xr.Dataset:
    """Scores of memories against the number of pairs that they store, each pair written once.

    Every system is given the same pairs and asked the same queries. What it leaves open (write strength, decay, ridge,
    temperature) is chosen on five other seeds.

    Parameters
    ----------
    systems : mapping of name to system
        A rule ("delta"), a rule on a substrate (``("delta", fw.SpikingNetwork())``), "softmax", "ridge", a synapse
        (``fw.memory.Cascade(10)``), a `memory.System`, a `memory.Kernel`, or a function
        ``(k (P, d_k), v (P, d_v), q (Q, d_k), rng) -> reads (Q, d_v)``, of NumPy or PyTorch.
    loads : sequence of int
        Numbers of stored pairs P.
    d_key, d_value : int, optional
        Features of keys (64, or those of an array of keys) and of values (those of the keys).
    keys : str, (n, d_key) array or callable ``(rng, n, d) -> (n, d)``
        "normal" (mean zero), "relu" (firing rates), "binary", "onehot", each of length 1; or rows of a recording.
    values : str, (n, d_value) array or callable, optional
        "normal", "relu", "binary" (+-1), "unit", "onehot"; None takes those that the decoder is made for.
    decoder : str or memory.Decoder
        "cosine", "sign", "argmax", "novelty" or "error".
    candidates : int
        Values that a pair's is drawn from and that "argmax" chooses from; 0: the stored values themselves.
    beta : "best", None or float
        A number holds it for all rules that have one and leave it open; "best" and None choose it.
    tuned : "pairs" or "curve"
        Whether knobs are chosen for every load, or once for all.
    seeds : int
        Episodes at each load.
    seed : int, SeedSequence or Generator
    queries : int
        Most queries of an episode.

    Returns
    -------
    xarray.Dataset
        ``score (system, pairs, seed)`` with ``mean``, ``low`` and ``high`` (95 % interval of the mean by Student's t),
        ``theory`` (NaN where no closed form is known) and its ``theory_kind``, ``chance (pairs)``, the knobs
        that were ``chosen (system, pairs, knob)``, and the costs of an episode: ``variables``, ``synapses``, ``bits``, ``state_bytes``, ``write_spikes``,
        ``read_spikes``, ``seconds``. A cell that fails is NaN and its error stands in ``failure``.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, a load that the keys do not allow, or a system that cannot take such pairs (it is tried on
        two of them before anything is run).

    Warns
    -----
    RuntimeWarning
        If a cell fails, with its system and load.

    References
    ----------
    Schlag, Irie & Schmidhuber 2021 (capacity of fast weights); Hertz, Krogh & Palmer 1991, chapter 2 (cross-talk).

    Examples
    --------
    >>> ds = capacity({"Hebb": "hebb", "least squares": "ridge"}, d_key=16, loads=[8, 16], seeds=3)
    >>> ds["mean"].sel(system="least squares").values.round(2).tolist()
    [1.0, 1.0]
    """
    way = get_decoder(decoder)
    items = items_of(way, d_key, d_value, keys, values, candidates, queries)
    known = {name: curves.held(one, beta) for name, one in protocol.named(systems).items()}
    draws, dim = _draws(items, way, seed, seeds), Dim("pairs", curves.numbers("loads", loads), LOAD)
    cells = curves.measure_all(known, draws, dim, protocol.mean_score(way), tuned)
    formulas = Formulas(
        lambda name, system, cell, load: expected(system, cell, load, items, way),
        lambda load: way.chance(load, draws.episodes(load, count=1)),
    )
    attrs = results.provenance(_settings(systems, items, way, beta) | {"tuned": tuned}, seed)
    return curves.as_dataset(known, cells, dim, way.long_name, formulas, attrs | {"decoder": way.name})


def items_of(
    way: Decoder, d_key: Any = None, d_value: Any = None, keys: Any = "normal", values: Any = None,
    candidates: Any = 0, queries: Any = 256,
) -> Items:  # fmt: skip
    """Sets of keys and values with their features."""
    key_set, value_set = (
        Vectors("keys", keys, KEYS),
        Vectors("values", way.values if values is None else values, VALUES),
    )
    d_key = None if d_key is None else checks.count("d_key", d_key)
    d_value = None if d_value is None else checks.count("d_value", d_value)
    width = key_set.width(d_key) or 64
    if way.familiarity and (values is not None or (d_value or width) != width):
        raise ValueError(f"decoder {way.name!r} stores keys under themselves; leave values and d_value out.")
    count = checks.count("candidates", candidates, 0)
    return Items(key_set, value_set, width, value_set.width(d_value) or width, checks.count("queries", queries), count)


def _draws(items: Items, way: Decoder, seed: Any, count: Any) -> Draws:
    """Episodes of a decoder; the key names what is drawn, so that every load has its own streams."""
    draw = items.familiarity if way.familiarity else items.recall
    return protocol.drawing(draw, seed, count, items.keys.name, items.values.name, items.d_key, items.d_value)


def _settings(systems: Any, items: Items, way: Decoder, beta: Any) -> dict[str, Any]:
    """What a result says about how it was made."""
    return {
        "systems": curves.described(systems), "keys": items.keys.name, "values": items.values.name,
        "d_key": items.d_key, "d_value": items.d_value, "candidates": items.candidates, "queries": items.queries,
        "decoder": way.name, "beta": beta if isinstance(beta, str | None) else float(beta),
    }  # fmt: skip


class Crossing(NamedTuple):
    """Where a curve falls to a criterion: the load, resampled loads, and the scores (load, seed) it is made of."""

    load: float
    resampled: Array
    loads: list[int]
    scores: Array
    reached: bool


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

    Loads are doubled until the mean score is below the criterion, then the bracket is halved in steps of whole pairs
    down to 2 % of its end. The load is interpolated,
    linearly in its logarithm, on the means of all loads tried, made to fall by isotonic regression.

    Parameters
    ----------
    systems : mapping of name to system
        As `capacity` takes it; knobs are chosen at every load that is tried.
    criterion : float
        Mean score.
    most : int
        Largest load that is tried.
    d_key, d_value, keys, values, decoder, candidates, beta, seeds, seed, queries
        As `capacity` takes them.

    Returns
    -------
    xarray.Dataset
        ``critical_load (system)``, ``low`` and ``high`` (95 %, percentiles of 1000 resamples of the seeds), and
        ``reached``, whether the score fell to the criterion within ``most`` pairs (if not, the load is that and
        ``high`` infinite); the load is 0 where a single pair scores less.

    Raises
    ------
    TypeError, ValueError
        As `capacity`.

    References
    ----------
    Efron & Tibshirani 1993, An introduction to the bootstrap, chapter 13 (percentile intervals).

    Examples
    --------
    >>> ds = critical_load({"Hebb": "hebb"}, d_key=12, seeds=20)
    >>> bool(ds.low < ds.critical_load) and bool(ds.critical_load < ds.high)
    True
    """
    way = get_decoder(decoder)
    items = items_of(way, d_key, d_value, keys, values, candidates, queries)
    known = {name: curves.held(one, beta) for name, one in protocol.named(systems).items()}
    draws, level = _draws(items, way, seed, seeds), checks.number("criterion", criterion)
    limit = _most(draws, checks.count("most", most))
    found = {name: _crossing(name, one, draws, way, level, limit) for name, one in known.items()}
    attrs = results.provenance(_settings(systems, items, way, beta) | {"criterion": level, "most": most}, seed)
    low, high = np.array([_limits(one) for one in found.values()]).T
    text = {"units": "1", "long_name": f"pairs at {way.long_name} of {level:g}"}
    variables = {
        "critical_load": ("system", np.array([one.load for one in found.values()]), text),
        "low": ("system", low, text | {"long_name": "lower limit, 95 %"}),
        "high": ("system", high, text | {"long_name": "upper limit, 95 %"}),
        "reached": ("system", [one.reached for one in found.values()], {"long_name": "whether the score fell so far"}),
    }
    return results.dataset(variables, {"system": ("system", list(found), {"long_name": "system"})}, **attrs)


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
    criterion, seed, **settings
        As `critical_load` takes them.

    Returns
    -------
    xarray.Dataset
        ``critical_load (system, d_key)`` with ``low`` and ``high``, and ``exponent (system)``, the slope of the
        least-squares line of log load against log d_key, with its ``error``: the standard deviation over resampled
        seeds.

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
    level = checks.number("criterion", criterion)
    found: dict[tuple[str, int], Crossing] = {}
    for d in sizes:
        items = items_of(way, d, **drawn)
        draws = _draws(items, way, seed, count)
        for name, system in known.items():
            found[name, d] = _crossing(name, system, draws, way, level, _most(draws, checks.count("most", most)))
    grid = [[found[name, d] for d in sizes] for name in known]
    loads = np.array([[at.load for at in row] for row in grid])
    limits = np.array([[_limits(at) for at in row] for row in grid])
    draws_of = np.array([[at.resampled for at in row] for row in grid])
    text, one = {"units": "1", "long_name": f"pairs at {way.long_name} of {level:g}"}, {"units": "1"}
    with np.errstate(divide="ignore"):
        slopes = _slope(np.log(sizes), np.log(draws_of))
        exponent = _slope(np.log(sizes), np.log(loads[..., None]))[..., 0]
    variables = {
        "critical_load": (("system", "d_key"), loads, text),
        "low": (("system", "d_key"), limits[..., 0], text | {"long_name": "lower limit, 95 %"}),
        "high": (("system", "d_key"), limits[..., 1], text | {"long_name": "upper limit, 95 %"}),
        "exponent": ("system", exponent, one | {"long_name": "exponent of the load"}),
        "error": ("system", slopes.std(axis=-1, ddof=1), one | {"long_name": "standard error of the exponent"}),
    }
    coords = {
        "system": ("system", list(known), {"long_name": "system"}),
        "d_key": ("d_key", sizes, {"units": "1", "long_name": "features of keys"}),
    }
    given = _settings(systems, items, way, beta) | {"d_key": sizes, "criterion": level, "most": most}
    return results.dataset(variables, coords, **results.provenance(given, seed))


def _slope(x: Any, y: Array) -> Array:
    """Least-squares slope of y (..., points, resamples) against x (points,)."""
    centred = x - np.mean(x)
    found: Array = np.einsum("p,...pr->...r", centred, y) / (centred**2).sum()
    return found


def _most(draws: Draws, most: int) -> int:
    """The largest load up to ``most`` that the keys allow."""
    while most > 1:
        try:
            draws.episodes(most, count=1)
        except ValueError:
            most //= 2
            continue
        break
    return most


def _crossing(name: str, system: Store, draws: Draws, way: Decoder, level: float, most: int) -> Crossing:
    """Bisection of one system."""
    probe(name, system, draws.episodes(min(2, most), count=1))
    score, tried = protocol.mean_score(way), {}

    def mean(load: int) -> float:
        cell = protocol.measure(name, system, draws, load, score)
        if cell.failure:
            raise RuntimeError(f"system {name!r} failed at load {load}: {cell.failure}")
        tried[load] = cell.scores
        return float(cell.scores.mean())

    low, high = 0, 1
    while mean(high) >= level:
        low, high = high, min(2 * high, most)
        if low == high:
            break
    while high - low > max(1, high // 50):
        middle = (low + high) // 2
        low, high = (middle, high) if mean(middle) >= level else (low, middle)
    loads = sorted(tried)
    scores = np.stack([tried[load] for load in loads])
    picks = generator(draws.seed, "resample", name).integers(scores.shape[1], size=(RESAMPLED, scores.shape[1]))
    resampled = np.array([_cross(loads, scores[:, pick].mean(axis=1), level) for pick in picks])
    return Crossing(
        _cross(loads, scores.mean(axis=1), level), resampled, loads, scores, bool(tried[high].mean() < level)
    )


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
    """95 % limits; none above where the curve did not fall so far."""
    low, high = np.percentile(one.resampled, [2.5, 97.5])
    return float(low), float(high) if one.reached else np.inf
