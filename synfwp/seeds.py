"""Randomness: every entry point takes one ``seed``; a named part of a run gets its own independent stream."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from synfwp import checks

Seed = int | np.random.SeedSequence | np.random.Generator


def generator(seed: Seed, *key: Any) -> np.random.Generator:
    """A NumPy generator from ``seed`` for the part of a run that ``key`` names.

    The same seed and key always give the same stream; other keys give independent ones, so adding a part to a run
    changes no other part. A ``Generator`` without a key is handed back as it is; with a key, one draw of it seeds the
    part.

    Parameters
    ----------
    seed : int, numpy.random.SeedSequence or numpy.random.Generator
    *key : JSON values
        What the stream is for, e.g. ``"init"`` or ``"batch", 17``.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    TypeError, ValueError
        If ``seed`` is none of the three kinds, or negative.

    Examples
    --------
    >>> generator(0, "init").integers(100) == generator(0, "init").integers(100)
    np.True_
    """
    if isinstance(seed, np.random.Generator):
        if not key:
            return seed
        seed = int(seed.integers(2**63))
    if isinstance(seed, np.random.SeedSequence):
        spawned = (*seed.spawn_key, *_words(key)) if key else seed.spawn_key
        return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=spawned))
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
        raise TypeError(f"seed is {checks.short(seed)}; pass an int, a numpy SeedSequence or a numpy Generator.")
    if seed < 0:
        raise ValueError(f"seed is {seed}; pass an int of at least 0.")
    return np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=_words(key)))


def of_cell(parameters: Mapping[str, Any], replicate: int) -> int:
    """The seed of one cell of a sweep: a hash of its parameters and of the number of its replicate.

    Where a cell stands in a grid is no part of it, so another point, another dim's order or another number of
    replicates changes no other cell.

    Parameters
    ----------
    parameters : mapping of name to JSON value
    replicate : int

    Returns
    -------
    int
        Below 2**63, so that any file holds it.

    Examples
    --------
    >>> of_cell({"beta": 0.5, "d": 8}, 0) == of_cell({"d": 8, "beta": 0.5}, 0) != of_cell({"beta": 0.5, "d": 8}, 1)
    True
    """
    text = json.dumps(["cell", dict(parameters), replicate], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def _words(key: tuple[Any, ...]) -> tuple[int, ...]:
    """Four 32-bit words of a hash of ``key``: a cell is seeded by what it is, not by where it stands."""
    if not key:
        return ()
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).digest()
    return tuple(int(word) for word in np.frombuffer(digest[:16], dtype="<u4"))
