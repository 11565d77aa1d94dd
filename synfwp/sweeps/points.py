"""The points of a sweep: dims with their labels and values, the key and the seed of each cell."""

import hashlib
import inspect
import itertools
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from synfwp import checks, results, seeds
from synfwp.results.identity import OPAQUE, opaque, plain

SEED = "seed"
OF_CELL = "seed_of_cell"
FAILURE = "failure"


class Axis(NamedTuple):
    """One dim: its labels, the values that a function gets, and the text of each that keys are made of."""

    name: str
    labels: list[Any]
    values: list[Any]
    keys: list[Any]


class Cell(NamedTuple):
    """One cell: the positions of its values along the dims, its key, and its seed, if it has one."""

    at: tuple[int, ...]
    key: bytes
    seed: int | None


class Points:
    """All cells of a grid, in the order of its dims, the last running fastest."""

    def __init__(self, grid: Any, replicates: Any, paired: Any):
        self.axes = [_axis(name, values) for name, values in _mapping(grid).items()]
        names = [axis.name for axis in self.axes]
        self.replicates = None if replicates is None else _replicates(replicates)
        if self.replicates is not None:
            if SEED in names:
                raise ValueError("grid holds 'seed', which seeds= makes; pass seeds=[...] with the numbers instead.")
            labels: list[Any] = list(self.replicates)
            self.axes.append(Axis(SEED, labels, labels, labels))
        if not self.axes:
            raise ValueError("grid is empty, and so is seeds; pass at least one dim with at least one value.")
        self.paired = (paired,) if isinstance(paired, str) else tuple(paired)
        self.sizes = tuple(len(axis.labels) for axis in self.axes)

    def __len__(self) -> int:
        return math.prod(self.sizes)

    @property
    def dims(self) -> list[str]:
        """Names of the dims."""
        return [axis.name for axis in self.axes]

    def all(self) -> Iterator[Cell]:
        """Every cell."""
        return self.between(0, len(self))

    def between(self, start: int, stop: int) -> Iterator[Cell]:
        """Cells from one number to another."""
        texts = [[json.dumps([axis.name, key], sort_keys=True) for key in axis.keys] for axis in self.axes]
        order = sorted(range(len(self.axes)), key=lambda i: self.axes[i].name)
        every = itertools.product(*map(range, self.sizes)) if stop - start == len(self) else None
        for at in every or (tuple(map(int, np.unravel_index(i, self.sizes))) for i in range(start, stop)):
            text = "\n".join(texts[i][at[i]] for i in order)
            yield Cell(at, hashlib.sha256(text.encode()).digest()[:16], self._seed(at))

    def _seed(self, at: tuple[int, ...]) -> int | None:
        if self.replicates is None:
            return None
        *point, last = zip(self.axes, at, strict=True)
        key = {axis.name: axis.keys[i] for axis, i in point if axis.name not in self.paired}
        return seeds.of_cell(key, last[0].labels[last[1]])

    def label(self, cell: Cell) -> dict[str, Any]:
        """The labels of a cell."""
        return {axis.name: axis.labels[i] for axis, i in zip(self.axes, cell.at, strict=True)}

    def shown(self, cell: Cell) -> str:
        """A cell in a message."""
        return ", ".join(f"{name}={value}" for name, value in self.label(cell).items())


def given(axes: Sequence[Axis], at: Sequence[int], seed: int | None) -> dict[str, Any]:
    """The arguments of a cell."""
    found = {axis.name: axis.values[i] for axis, i in zip(axes, at, strict=True) if axis.name != SEED}
    return found if seed is None else found | {SEED: seed}


def check_call(function: Callable[..., Any], names: Sequence[str], fixed: Mapping[str, Any], seeded: bool) -> None:
    """A function takes the dims, the fixed settings and a seed, and needs nothing else.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.
    """
    for name in fixed:
        if name in names:
            raise ValueError(f"{name!r} stands both in grid and in fixed; leave it out of one.")
    try:
        known = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return
    by_name = {n: p for n, p in known.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    called = getattr(function, "__name__", "function")
    if not any(p.kind is p.VAR_KEYWORD for p in known.values()):
        for where, asked in (("grid", names), ("fixed", fixed)):
            for name in asked:
                if name not in by_name:
                    hint = checks.suggest(name, by_name) if by_name else "it takes none."
                    raise TypeError(f"{where} holds {name!r}, but {called} has no such argument; {hint}")
        if seeded and SEED not in by_name:
            raise TypeError(f"{called} has no argument 'seed'; give it one, or pass seeds=None if it draws nothing.")
    absent = [n for n, p in by_name.items() if p.default is p.empty and n not in {*names, *fixed}]
    absent = [n for n in absent if not (seeded and n == SEED)]
    if absent:
        raise TypeError(f"{called} needs {absent[0]!r}; put it into grid, or into fixed.")


def _mapping(grid: Any) -> Mapping[str, Any]:
    if not isinstance(grid, Mapping):
        raise TypeError(f"grid is {checks.short(grid)}; pass a mapping such as {{'beta': [0.1, 0.5]}}.")
    for name in grid:
        if not isinstance(name, str) or not name.isidentifier():
            raise TypeError(f"grid holds the name {checks.short(name)}; pass names of arguments.")
        if name in (OF_CELL, FAILURE):
            raise ValueError(f"grid holds {name!r}, a variable of every sweep; rename this argument.")
    return grid


def _axis(name: str, values: Any) -> Axis:
    """A dim from its values, or from labels with values."""
    what = f"grid[{name!r}]"
    if isinstance(values, Mapping):
        labels, found = list(values), list(values.values())
    else:
        if isinstance(values, np.ndarray) or hasattr(values, "dims"):
            checks.bare(what, values)
            values = values.tolist() if values.ndim == 1 else None
        if not isinstance(values, list | tuple | range):
            raise TypeError(f"{what} is {checks.short(values)}; pass a list of values, or {{label: value}}.")
        found = [x.item() if isinstance(x, np.generic) else x for x in values]
        labels = found
    if not labels:
        raise ValueError(f"{what} is empty; pass at least one value.")
    labels = [x.item() if isinstance(x, np.generic) else x for x in labels]
    kinds = {bool if isinstance(x, bool) else str if isinstance(x, str) else int for x in labels}
    odd = [x for x in labels if not isinstance(x, bool | int | float | str)]
    if odd or len(kinds) > 1:
        which = f"holds {checks.short(odd[0])}" if odd else "mixes numbers, text and truth values"
        raise TypeError(f"{what} {which}; pass {{label: value}}, with labels that are all numbers or all text.")
    keys = [_key(what, x) for x in found]
    if isinstance(values, Mapping):
        keys = [[_equal(label), key] for label, key in zip(labels, keys, strict=True)]
    texts = [json.dumps(key, sort_keys=True) for key in keys]
    for i, text in enumerate(texts):
        if text in texts[:i]:
            raise ValueError(f"{what} holds {labels[i]!r} twice; pass each value once.")
    return Axis(name, labels, found, keys)


def _key(what: str, value: Any) -> Any:
    """A value as JSON, the same for equal numbers.

    Raises
    ------
    TypeError
        If there is none.
    """
    try:
        found = plain(what, value)
    except TypeError:
        found = {OPAQUE: type(value).__name__}
    unseen = opaque(found, what)
    if unseen:
        raise TypeError(
            f"{unseen[0]} is of type {unseen[1]}, which cannot be hashed, so its cells could not be found again; pass "
            "numbers, text, arrays, dataclasses or mappings of them."
        )
    return _equal(found)


def _equal(value: Any) -> Any:
    """1.0 as 1."""
    if isinstance(value, dict):
        return {key: _equal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_equal(item) for item in value]
    return int(value) if isinstance(value, float) and math.isfinite(value) and value.is_integer() else value


def _replicates(given: Any) -> list[int]:
    """Numbers of the replicates: 0, 1, ... or those of a sequence."""
    if isinstance(given, list | tuple | range | np.ndarray):
        found = [checks.count("seeds", int(x) if isinstance(x, np.integer) else x, 0) for x in given]
        if not found or len(set(found)) < len(found):
            raise ValueError(f"seeds is {checks.short(given)}; pass at least one number, each once.")
        return found
    return list(range(checks.count("seeds", given)))


def fixed_key(fixed: Mapping[str, Any]) -> Any:
    """Fixed settings as JSON."""
    return {name: _key(f"fixed[{name!r}]", value) for name, value in fixed.items()}


def coordinates(points: Points) -> dict[str, np.ndarray]:
    """Labels of the dims as arrays."""
    return {axis.name: np.array(axis.labels) for axis in points.axes}


def recorded(points: Points, name: str, fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Provenance of the whole."""
    grid = {axis.name: axis.labels for axis in points.axes if axis.name != SEED}
    found = {"function": name, "grid": grid, "fixed": dict(fixed), "paired": list(points.paired)}
    return results.provenance(found, points.replicates)
