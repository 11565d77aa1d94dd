"""Episodes: what a memory is given and what it is asked; the one protocol of every measurement.

Pairs of a key and a value are stored in their order, then queries are read, and nothing changes any more. Sets of keys
and of values are names, arrays (n, d) of which rows are drawn, or functions ``(rng, n, d) -> (n, d)``.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from synfwp import checks

Array = np.ndarray
Draw = Callable[[np.random.Generator, int, int], Any]


class Episode(NamedTuple):
    """What is stored, what is asked, and what the answers are; arrays of n episodes have one axis more in front.

    Parameters
    ----------
    k, v : (P, d_k) and (P, d_v) array
        Keys and values, in the order of writing.
    q, target : (Q, d_k) and (Q, d_v) array
        Queries, and the values that they stand for.
    candidates : (V, d_v) array
        The values that a decoder chooses from.
    label : (Q,) array of int
        Index of the right candidate; of the decoder of familiarity, 1 for what was stored.

    Examples
    --------
    >>> one = np.eye(2)
    >>> Episode(one, one, one, one, one, np.arange(2)).label.tolist()
    [0, 1]
    """

    k: Array
    v: Array
    q: Array
    target: Array
    candidates: Array
    label: Array


def unit(x: Array) -> Array:
    """Rows of length 1; a row of zeros stays as it is.

    Examples
    --------
    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    largest = np.abs(x).max(axis=-1, keepdims=True, initial=0)  # so that squares neither overflow nor vanish
    x = x / np.where(largest == 0, 1, largest)
    size = np.linalg.norm(x, axis=-1, keepdims=True)
    return x / np.where(size == 0, 1, size)


def _normal(rng: np.random.Generator, n: int, d: int) -> Array:
    return unit(rng.standard_normal((n, d)))


def _relu(rng: np.random.Generator, n: int, d: int) -> Array:
    """Rectified normals; a row without a rate is drawn again."""
    x = np.maximum(rng.standard_normal((n, d)), 0)
    while (silent := ~x.any(axis=1)).any():
        x[silent] = np.maximum(rng.standard_normal((int(silent.sum()), d)), 0)
    return unit(x)


def _binary(rng: np.random.Generator, n: int, d: int) -> Array:
    return rng.choice([-1.0, 1.0], (n, d)) / np.sqrt(d)


def _onehot(rng: np.random.Generator, n: int, d: int) -> Array:
    if n > d:
        raise ValueError(
            f"{n} one-hot vectors of {d} features are not distinct; pass loads up to {d}, or more of them."
        )
    return np.eye(d)[rng.permutation(d)[:n]]


KEYS: Mapping[str, Draw] = MappingProxyType({"normal": _normal, "relu": _relu, "binary": _binary, "onehot": _onehot})
VALUES: Mapping[str, Draw] = MappingProxyType(
    {
        "normal": lambda rng, n, d: rng.standard_normal((n, d)),
        "relu": lambda rng, n, d: np.maximum(rng.standard_normal((n, d)), 0),
        "binary": lambda rng, n, d: rng.choice([-1.0, 1.0], (n, d)),
        "unit": _normal,
        "onehot": _onehot,
    }
)


class Vectors:
    """A set of vectors to draw from, checked at the door.

    Parameters
    ----------
    what : str
        Name of the argument, "keys" or "values".
    kind : str, (n, d) array or callable
        A name of the table, rows that are drawn without replacement, or ``(rng, n, d) -> (n, d)``. Keys by name have
        length 1: "normal" (mean zero), "relu" (rectified normals, firing rates), "binary" (+-1 / sqrt(d)), "onehot".
        Values by name: "normal" (components of variance 1), "relu" (the same, rectified), "binary" (+-1), "unit"
        (normal, of length 1), "onehot". Arrays and callables are taken as they are.
    table : mapping of name to callable

    Raises
    ------
    ValueError, TypeError
        For an unknown name, or what is neither.

    Examples
    --------
    >>> Vectors("keys", "onehot", KEYS).draw(np.random.default_rng(0), 2, 2).sum()
    np.float64(2.0)
    """

    def __init__(self, what: str, kind: Any, table: Mapping[str, Draw]) -> None:
        self.what, self.given, self.rows = what, kind, None
        self.name = kind if isinstance(kind, str) else getattr(kind, "__name__", "own")
        if isinstance(kind, str):
            self.draws: Draw = checks.lookup(f"{what[:-1]} set", kind, table)
        elif callable(kind):
            self.draws = kind
        else:
            self.given = self.rows = checks.array(what, kind, ndim=2)
            if not len(self.rows):
                raise ValueError(f"{what} has shape {self.rows.shape}; pass at least one row.")
            self.name = "own"

    def width(self, d: int | None) -> int | None:
        """Features: those of the rows, where there are any, which ``d`` has to agree with."""
        if self.rows is None:
            return d
        if d is not None and d != self.rows.shape[1]:
            raise ValueError(
                f"{self.what} has shape {self.rows.shape} but d_{self.what[:-1]} is {d}; pass rows of {d} features, "
                f"or leave d_{self.what[:-1]} out."
            )
        return int(self.rows.shape[1])

    def most(self, d: int) -> int:
        """As many as are distinct."""
        if self.rows is not None:
            return len(self.rows)
        return d if self.draws is _onehot else checks.MOST

    def draw(self, rng: np.random.Generator, n: int, d: int) -> Array:
        """n vectors of d features."""
        if self.rows is not None:
            if n > len(self.rows):
                raise ValueError(
                    f"{self.what} holds {len(self.rows)} rows but {n} are needed; pass more, or less load."
                )
            return self.rows[rng.permutation(len(self.rows))[:n]]
        found = checks.array(self.what, self.draws(rng, n, d))
        if found.shape != (n, d):
            raise ValueError(f"{self.what} gave an array of shape {found.shape} for n={n}, d={d}; return ({n}, {d}).")
        return found


class Items(NamedTuple):
    """Which pairs are stored: sets of keys and values, their features, candidates and the most queries.

    ``candidates`` is the number of values that a decoder chooses from; 0: the stored values themselves.
    """

    keys: Vectors
    values: Vectors
    d_key: int
    d_value: int
    queries: int = 256
    candidates: int = 0

    def most(self, familiar: bool = False) -> int:
        """The largest load that the sets allow."""
        keys = self.keys.most(self.d_key)
        if familiar:
            return max(keys - self.queries, keys // 2)
        return keys if self.candidates else min(keys, self.values.most(self.d_value))

    def recall(self, rng: np.random.Generator, load: int) -> Episode:
        """``load`` pairs, each written once; queries are stored keys, all of them or as many as ``queries``."""
        k = self.keys.draw(rng, load, self.d_key)
        choices, label = self.codebook(rng, load)
        asked = np.sort(rng.permutation(load)[: self.queries])
        v = choices[label]
        return Episode(k, v, k[asked], v[asked], choices, label[asked])

    def familiarity(self, rng: np.random.Generator, load: int) -> Episode:
        """``load`` patterns, each stored under itself; half of the queries were stored, the others are new."""
        asked = min(load, self.queries)
        both = self.keys.draw(rng, load + asked, self.d_key)
        k, q = both[:load], np.concatenate([both[rng.permutation(load)[:asked]], both[load:]])
        return Episode(k, k, q, q, q, np.repeat([1, 0], asked))

    def codebook(self, rng: np.random.Generator, load: int) -> tuple[Array, Array]:
        """The values to choose from, and which of them each pair has."""
        if not self.candidates:
            return self.values.draw(rng, load, self.d_value), np.arange(load)
        choices = self.values.draw(rng, self.candidates, self.d_value)
        return choices, rng.choice(self.candidates, load, replace=load > self.candidates)


def stack(episodes: list[Episode]) -> Episode:
    """Episodes of equal sizes as one, with an axis in front."""
    return Episode(*(np.stack(parts) for parts in zip(*episodes, strict=True)))
