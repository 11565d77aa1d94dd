"""Memories of what changes: keys that are written again, and a target that drifts."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from synfwp import checks, results
from synfwp.memory import curves, protocol
from synfwp.memory.curves import Dim, Formulas
from synfwp.memory.decoders import Decoder, get_decoder
from synfwp.memory.episodes import KEYS, Episode, Items, Vectors
from synfwp.memory.expected import tracked
from synfwp.memory.loads import items_of
from synfwp.memory.systems import Reads
from synfwp.seeds import Seed

Array = np.ndarray


def overwriting(
    systems: Mapping[str, Any],
    *,
    writes: Sequence[int] = (1, 2, 4, 8),
    pairs: int = 32,
    d_key: int | None = None,
    d_value: int | None = None,
    keys: Any = "normal",
    values: Any = None,
    decoder: str | Decoder = "argmax",
    candidates: int = 0,
    beta: Any = "best",
    tuned: str = "writes",
    seeds: int = 20,
    seed: Seed = 0,
    queries: int = 256,
) -> xr.Dataset:
    """Scores of memories whose keys are written several times, each time with another value; the last one counts.

    Parameters
    ----------
    systems : mapping of name to system
        As `capacity` takes it.
    writes : sequence of int
        Writes of every key, in random order.
    pairs : int
        Keys.
    d_key, d_value, keys, values, decoder, candidates, beta
        As `capacity` takes them. Old values of a key are among the candidates.
    tuned : "writes" or "curve"
        Whether knobs are chosen for every number of writes, or once for all.
    seeds, seed, queries
        As `capacity` takes them.

    Returns
    -------
    xarray.Dataset
        As that of `capacity`, with the dim ``writes``, and ``order_blind (writes)``: what a memory of all values can
        reach that does not know their order (of "argmax" and "cosine"; NaN for other decoders).

    Raises
    ------
    TypeError, ValueError
        As `capacity`.

    References
    ----------
    Schlag, Irie & Schmidhuber 2021, section 6.1 (the same key with another value).

    Examples
    --------
    >>> ds = overwriting({"Hebb": "hebb", "delta": "delta"}, pairs=4, d_key=32, writes=[4], seeds=5)
    >>> bool(ds["mean"].sel(system="delta", writes=4) > ds["mean"].sel(system="Hebb", writes=4))
    True
    """
    way, count = get_decoder(decoder), checks.count("pairs", pairs)
    if way.familiarity:
        raise ValueError(f"decoder {way.name!r} judges what was stored; it has no last value: pass another one.")
    items = items_of(way, d_key, d_value, keys, values, candidates, queries)
    known = {name: curves.held(one, beta) for name, one in protocol.named(systems).items()}
    key = ("overwriting", items.keys.name, items.values.name, items.d_key, items.d_value, count)
    draws = protocol.drawing(lambda rng, times: _rewritten(items, rng, count, times), seed, seeds, *key)
    dim = Dim("writes", curves.numbers("writes", writes), "writes of each key")
    cells = curves.measure_all(known, draws, dim, protocol.mean_score(way), tuned)
    formulas = Formulas(
        lambda name, system, cell, times: (np.nan, ""),
        lambda times: way.chance(count * times, draws.episodes(times, count=1)),
    )
    given = {
        "systems": curves.described(systems), "keys": items.keys.name, "values": items.values.name, "pairs": count,
        "d_key": items.d_key, "d_value": items.d_value, "candidates": items.candidates, "queries": items.queries,
        "decoder": way.name, "tuned": tuned, "beta": beta if isinstance(beta, str | None) else float(beta),
    }  # fmt: skip
    attrs = results.provenance(given, seed)
    ds = curves.as_dataset(known, cells, dim, way.long_name, formulas, attrs | {"decoder": way.name})
    n = ds.writes.values.astype(float)
    blind = {"argmax": 1 / n, "cosine": 1 / np.sqrt(n)}.get(way.name, np.full(len(n), np.nan))
    ds["order_blind"] = ("writes", blind, {"units": "1", "long_name": f"{way.long_name}, not knowing the order"})
    return ds


def _rewritten(items: Items, rng: np.random.Generator, pairs: int, times: int) -> Episode:
    """Every key ``times`` times in random order; the queries are the keys, the answers their last values."""
    k = items.keys.draw(rng, pairs, items.d_key)
    choices, label = items.codebook(rng, pairs * times)
    of = rng.permutation(np.repeat(np.arange(pairs), times))
    last = len(of) - 1 - np.array([np.argmax(of[::-1] == i) for i in range(pairs)])
    asked = np.sort(rng.permutation(pairs)[: items.queries])
    right = label[last[asked]]
    return Episode(k[of], choices[label], k[asked], choices[right], choices, right)


class Drift(NamedTuple):
    """A target W* that drifts: its features, its observations, and how it moves.

    ``noise`` is the standard deviation of an observation, ``step`` that of the change of a component of W* per write,
    ``reversion`` what multiplies W* at each write.
    """

    keys: Vectors
    d_key: int
    d_value: int
    writes: int
    noise: float
    reversion: float

    def draw(self, rng: np.random.Generator, step: float) -> Episode:
        """Observations of W* k at random keys; the queries are the axes, so that reads are the columns of W."""
        d, n, T = self.d_key, self.d_value, self.writes
        k = self.keys.draw(rng, T, d)
        spread = step / np.sqrt(1 - self.reversion**2) if self.reversion < 1 else 0.0
        W = spread * rng.standard_normal((n, d))
        v = np.empty((T, n))
        for t in range(T):
            W = self.reversion * W + step * rng.standard_normal((n, d))
            v[t] = W @ k[t] + self.noise * rng.standard_normal(n)
        axes = np.eye(d)
        return Episode(k, v, axes, W.T.copy(), W.T.copy(), np.arange(d))


def tracking(
    systems: Mapping[str, Any],
    *,
    drift: Sequence[float] = (0.02,),
    noise: float = 0.3,
    reversion: float = 1.0,
    d_key: int = 32,
    d_value: int | None = None,
    keys: Any = "normal",
    writes: int = 1500,
    beta: Any = "best",
    tuned: str = "drift",
    seeds: int = 20,
    seed: Seed = 0,
) -> xr.Dataset:
    """The error of memories that follow a target which drifts: a matrix W*, of which noisy values are observed.

    ``W* <- reversion W* + drift N``, ``v = W* k + noise N`` at a random key, for every write; N are standard normal.

    Parameters
    ----------
    systems : mapping of name to system
        As `capacity` takes it.
    drift : sequence of float
        Standard deviation of the change of each component of W* per write.
    noise : float
        Standard deviation of an observation.
    reversion : float
        What multiplies W* at each write, in (0, 1]; below 1, W* starts from its stationary distribution, else from 0.
    d_key, d_value : int
        Features; values have as many as keys if left out. Outputs are independent: more of them average.
    keys : str, array or callable
        As `capacity` takes it.
    writes : int
        Writes before the error is taken.
    beta : "best", None or float
        As `capacity` takes it.
    tuned : "drift" or "curve"
        Whether knobs are chosen for every drift, or once for all.
    seeds, seed
        As `capacity` takes them.

    Returns
    -------
    xarray.Dataset
        As that of `capacity`, with the dim ``drift``: ``score`` is less the squared error of a read with a
        random key of length 1, ``|W* - W|^2 / (d_key d_value)``; ``error`` is the same with its sign turned, and ``error_theory`` its closed form (delta rule, keys of mean zero).

    Raises
    ------
    TypeError, ValueError
        As `capacity`.

    References
    ----------
    Widrow & Stearns 1985, Adaptive signal processing, chapter 6 (misadjustment and lag).

    Examples
    --------
    >>> ds = tracking({"delta": "delta"}, d_key=8, writes=300, beta=0.3, seeds=5)
    >>> round(float(ds.error.mean()), 2)
    0.02
    """
    key_set = Vectors("keys", keys, KEYS)
    d = key_set.width(checks.count("d_key", d_key)) or d_key
    number, kept = checks.number("noise", noise, 0), checks.number("reversion", reversion, 0, 1, above=True)
    count = checks.count("writes", writes)
    at = Drift(key_set, d, checks.count("d_value", d if d_value is None else d_value), count, number, kept)
    steps = [float(x) for x in np.atleast_1d(checks.array("drift", drift, 0))]
    known = {name: curves.held(one, beta) for name, one in protocol.named(systems).items()}
    key = ("tracking", key_set.name, d, at.d_value, count, number, kept)
    draws = protocol.drawing(at.draw, seed, seeds, *key)
    dim = Dim("drift", steps, "change of a component of the target per write")
    cells = curves.measure_all(known, draws, dim, _less_error, tuned)
    formulas = Formulas(
        lambda name, system, cell, step: tracked(system, cell, step, at),
        lambda step: -(step**2) * (count if kept == 1 else 1 / (1 - kept**2)),
    )
    given = {
        "systems": curves.described(systems), "keys": key_set.name, "d_key": d, "d_value": at.d_value, "noise": number,
        "reversion": kept, "writes": count, "tuned": tuned, "beta": beta if isinstance(beta, str | None) else float(beta),
    }  # fmt: skip
    ds = curves.as_dataset(
        known, cells, dim, "squared error of a read, less than 0", formulas, results.provenance(given, seed)
    )
    text = {"units": "1", "long_name": "squared error of a read"}
    return ds.assign(
        error=(ds.score.dims, -ds.score.values, text), error_theory=(ds.theory.dims, -ds.theory.values, text)
    )


@protocol.sees_scale
def _less_error(found: Reads, at: Episode) -> Array:
    """Less the squared error of a read: reads (n, d_k, d_v) are the columns of W, and unit keys are any directions."""
    size: Array = np.square(found.values - at.target).mean(axis=(1, 2))
    return -size
