"""Memories of what changes: keys that are written again, and a target that drifts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from synfwp import checks, results
from synfwp.memory import curves, protocol
from synfwp.memory.curves import Dim, Formulas
from synfwp.memory.decoders import Decoder, get_decoder
from synfwp.memory.episodes import KEYS, Episode, Items, Vectors, unit
from synfwp.memory.expected import tracked
from synfwp.memory.loads import items_of, settings_of
from synfwp.memory.systems import Reads
from synfwp.seeds import Seed

Array = np.ndarray
EVEN = ("normal", "binary", "onehot")  # E k k^T is 1 / d: the axes stand for all keys
ASKED = 256  # keys of other sets that are asked for


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
    d_key, d_value : int or None
        Features, as `capacity` takes them.
    keys, values : str, array or callable
        As `capacity` takes them.
    decoder : str or memory.Decoder
        As `capacity` takes it.
    candidates : int
        As `capacity` takes it; old values of a key are among them.
    beta : "best", None or float
        As `capacity` takes it.
    tuned : "writes" or "curve"
        Whether knobs are chosen for every number of writes, or once for all.
    seeds : int
        Episodes of each point.
    seed : int, SeedSequence or Generator
    queries : int
        Most queries of an episode.

    Returns
    -------
    xarray.Dataset
        As that of `capacity`, with the dim ``writes``, and ``order_blind (writes)``: the score expected of a memory
        that holds all values of these episodes but not their order, each being as likely to be the last (NaN for a
        decoder of your own).

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
    given = settings_of(systems, items, way, beta, draws) | {"writes": dim.sizes, "pairs": count, "tuned": tuned}
    attrs = results.provenance(given, draws.seed)
    ds = curves.as_dataset(known, cells, dim, way.long_name, formulas, attrs | {"decoder": way.name})
    blind = [_order_blind(way.name, draws.episodes(times)) for times in dim.sizes]
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


def _order_blind(decoder: str, at: Episode) -> float:
    """Expected score of the best answers from all values of each key that is asked for, without their order."""
    if decoder not in BLIND:
        return np.nan
    found = []
    for k, v, q in zip(at.k, at.v, at.q, strict=True):
        written: dict[bytes, list[int]] = {}
        for i, key in enumerate(k):
            written.setdefault(key.tobytes(), []).append(i)
        found += [BLIND[decoder](v[written[key.tobytes()]]) for key in q]
    return float(np.mean(found))


def _commonest(v: Array) -> float:
    """Share of the commonest value."""
    return float(np.unique(v, axis=0, return_counts=True)[1].max() / len(v))


BLIND: Mapping[str, Callable[[Array], float]] = MappingProxyType(
    {  # of the values (writes, d_v) of a key
        "argmax": _commonest,
        "cosine": lambda v: float(np.linalg.norm(unit(v).mean(axis=0))),  # their mean direction
        "sign": lambda v: float((1 + np.abs(np.sign(v).mean(axis=0))).mean() / 2),  # the majority
        "error": lambda v: -float(v.var(axis=0).sum() / np.square(v).sum(axis=1).mean()),  # their mean
    }
)


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
        """Observations of W* k at random keys; asked is what W* gives when the next one would come.

        Keys of which all directions are alike are asked for at the axes, which is all of W.
        """
        d, n, T = self.d_key, self.d_value, self.writes
        k = self._drawn(rng, T)
        spread = step / np.sqrt(1 - self.reversion**2) if self.reversion < 1 else 0.0
        W = spread * rng.standard_normal((n, d))
        v = np.empty((T, n))
        for t in range(T):
            W = self._moved(W, step, rng)
            v[t] = W @ k[t] + self.noise * rng.standard_normal(n)
        q = np.eye(d) if self.keys.name in EVEN else self._drawn(rng, ASKED)
        target = q @ self._moved(W, step, rng).T
        return Episode(k, v, q, target, target, np.arange(len(q)))

    def _drawn(self, rng: np.random.Generator, n: int) -> Array:
        """Keys that may come again: a finite set is drawn from with replacement."""
        rows = np.eye(self.d_key) if self.keys.name == "onehot" else self.keys.rows
        return self.keys.draw(rng, n, self.d_key) if rows is None else rows[rng.integers(len(rows), size=n)]

    def _moved(self, W: Array, step: float, rng: np.random.Generator) -> Array:
        """W* one write later."""
        return np.asarray(self.reversion * W + step * rng.standard_normal(W.shape))


def tracking(
    systems: Mapping[str, Any],
    *,
    drift: Sequence[float] = (0.02,),
    noise: float = 0.3,
    reversion: float = 1.0,
    d_key: int | None = None,
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
    d_key, d_value : int, optional
        Features of keys (32, or those of an array of keys) and of values (as many). Outputs are independent: more of
        them average.
    keys : str, array or callable
        As `capacity` takes it; one-hot keys and rows come again.
    writes : int
        Writes before the error is taken.
    beta : "best", None or float
        As `capacity` takes it.
    tuned : "drift" or "curve"
        Whether knobs are chosen for every drift, or once for all.
    seeds : int
        Episodes of each point.
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.Dataset
        As that of `capacity`, with the dim ``drift``: ``error`` is the squared error of the prediction of the next
        observation by an output, without its noise (``|W* - W|^2 / (d_key d_value)`` for keys of random directions);
        ``score`` is less that. ``error_theory`` is its closed form in the long run (delta and gated delta rule, leaky
        Hebb, `Kalman`; keys of mean zero), NaN where the start still matters after so many writes.

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
    d = key_set.width(None if d_key is None else checks.count("d_key", d_key)) or 32
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
        lambda name, system, cell, step: _less(*tracked(system, cell.knobs, step, at)),
        lambda step: -np.square(step) * (count + 1 if kept == 1 else 1 / (1 - kept**2)),
    )
    given = curves.settings(systems, beta, draws) | {
        "drift": steps, "keys": key_set.given, "d_key": d, "d_value": at.d_value, "noise": number, "reversion": kept,
        "writes": count, "tuned": tuned,
    }  # fmt: skip
    ds = curves.as_dataset(
        known, cells, dim, "squared error of a read, less than 0", formulas, results.provenance(given, draws.seed)
    )
    text = {"units": "1", "long_name": "squared error of a read"}
    return ds.assign(
        error=(ds.score.dims, -ds.score.values, text), error_theory=(ds.theory.dims, -ds.theory.values, text)
    )


def _less(value: float, kind: str) -> tuple[float, str]:
    """An error as a score."""
    return -value, kind


@protocol.sees_scale
def _less_error(found: Reads, at: Episode) -> Array:
    """Less the mean squared error of a read."""
    size: Array = np.square(found.values - at.target).mean(axis=(1, 2))
    return -size
