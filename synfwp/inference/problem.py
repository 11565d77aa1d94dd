"""Problems of least squares: a model, data with standard errors, and parameters that are free between bounds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from synfwp import checks, owned, seeds


@dataclass(frozen=True)
class Parameter:
    """A free parameter between two bounds.

    Parameters
    ----------
    name : str
    low, high : float
        Bounds. Infinite ones only where the model is linear in the parameter.
    unit : str
    log : bool
        Search, and draw starts, on a logarithmic scale; needs ``low > 0``.

    Raises
    ------
    ValueError
        For bounds in the wrong order, or a logarithmic scale from 0.
    """

    name: str
    low: float
    high: float
    unit: str = "1"
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"bounds of {self.name} are {self.low:g} and {self.high:g}; pass the lower one first.")
        if self.log and not self.low > 0:
            raise ValueError(f"the lower bound of {self.name} is {self.low:g}; a logarithmic scale needs one above 0.")

    @property
    def edges(self) -> tuple[float, float]:
        """The bounds on the scale of the search."""
        return self.scaled(self.low), self.scaled(self.high)

    def scaled(self, value: float) -> float:
        """A value on the scale of the search."""
        return float(np.log(value)) if self.log else float(value)

    def value(self, scaled: float) -> float:
        """The inverse of `scaled`, kept within the bounds."""
        return float(min(max(np.exp(scaled) if self.log else scaled, self.low), self.high))


@dataclass(frozen=True)
class Problem:
    """A model, data and what is free.

    Parameters
    ----------
    predict : callable
        From a dict of all parameters to (points,) numbers.
    data : (points,) array
    free : tuple of Parameter
    fixed : dict of str to float
        The other parameters.
    sem : (points,) array or None
        Standard errors of the data, above 0. None: equal and unknown ones.
    cells : (points,) array or None
        Cells, at least 3, from which each standard error was estimated. None: standard errors are taken as known.
    linear : tuple of str
        Names, free or fixed, in which ``predict`` is linear (all others given): their free ones are solved for exactly.
    columns : callable or None
        From a dict of the parameters that are not linear to a (points, linear) array whose product with the linear ones
        is the prediction. None: found by calls of ``predict``.
    condition : (points,) array or None
        Label of each point: points of one label are left out together. None: each point is its own condition.
    used : (points,) array of bool or None
        Points that are fitted. None: all.

    Raises
    ------
    ValueError, TypeError
        For arrays of other shapes, numbers that are not finite, a standard error of 0, no free parameter, or an
        infinite bound of a parameter that is not linear.
    """

    predict: Callable[[dict[str, float]], np.ndarray]
    data: np.ndarray
    free: tuple[Parameter, ...]
    fixed: Mapping[str, float] = field(default_factory=dict)
    sem: np.ndarray | None = None
    cells: np.ndarray | None = None
    linear: tuple[str, ...] = ()
    columns: Callable[[dict[str, float]], np.ndarray] | None = None
    condition: np.ndarray | None = None
    used: np.ndarray | None = None

    def __post_init__(self) -> None:
        lows = {"data": -np.inf, "sem": 0.0, "cells": 3.0}
        for name, low in lows.items():
            if getattr(self, name) is not None:
                kept = checks.array(name, getattr(self, name), low, ndim=1, above=name == "sem")
                object.__setattr__(self, name, owned.keep(kept))
        for name in ("sem", "cells", "condition", "used"):
            given = getattr(self, name)
            if given is not None and np.shape(given) != self.data.shape:
                raise ValueError(f"{name} has shape {np.shape(given)} but data {self.data.shape}; pass one per point.")
        if self.cells is not None and self.sem is None:
            raise ValueError("cells is given but sem is not; pass the standard errors that come from these cells.")
        names = [p.name for p in self.free]
        if not names or len(set(names)) < len(names) or set(names) & set(self.fixed):
            raise ValueError(
                f"free is {names} and fixed {list(self.fixed)}; pass at least one free parameter, each name once."
            )
        for p in self.free:
            if p.name not in self.linear and not np.isfinite(p.low + p.high):
                raise ValueError(f"bounds of {p.name} are {p.low:g} and {p.high:g}; pass finite ones.")

    @cached_property
    def weights(self) -> np.ndarray:
        """1 / sem of the points that are fitted, 0 of the others."""
        weights = np.ones_like(self.data) if self.sem is None else 1 / self.sem
        return weights if self.used is None else weights * np.asarray(self.used, bool)

    @cached_property
    def points(self) -> int:
        """Points that are fitted."""
        return int(np.count_nonzero(self.weights))

    @cached_property
    def searched(self) -> tuple[Parameter, ...]:
        """Free parameters that are not linear."""
        return tuple(p for p in self.free if p.name not in self.linear)

    @cached_property
    def solved(self) -> tuple[Parameter, ...]:
        """Free parameters that are linear."""
        return tuple(p for p in self.free if p.name in self.linear)

    @cached_property
    def limits(self) -> np.ndarray:
        """(2, solved) bounds of the free linear parameters."""
        return np.array([(p.low, p.high) for p in self.solved]).T

    @cached_property
    def _places(self) -> tuple[list[int], list[int]]:
        """Which of ``linear`` are free, in the order of `solved`, and which are not."""
        ours = [self.linear.index(p.name) for p in self.solved]
        return ours, [i for i in range(len(self.linear)) if i not in ours]

    def held(self, name: str, value: float) -> "Problem":
        """The problem with one free parameter fixed."""
        rest = tuple(p for p in self.free if p.name != name)
        return _Held(self, rest, dict(self.fixed) | {name: value})  # type: ignore[return-value]

    def model(self, values: Mapping[str, float]) -> np.ndarray:
        """The prediction of all points at given values of all parameters."""
        values = dict(values)
        if self.columns is None:
            return np.asarray(self.predict(values), float)
        return self.columns(values) @ np.array([values[name] for name in self.linear])

    def simulate(self, values: Mapping[str, float], seed: Any = 0) -> np.ndarray:
        """Data that the model would give with the standard errors: a simulator ``theta -> summary`` of a posterior.

        Parameters
        ----------
        values : dict of str to float
            Of the free parameters; fixed ones have their values.
        seed : int, SeedSequence or Generator

        Returns
        -------
        (points,) array

        Raises
        ------
        ValueError
            If the problem has no standard errors.
        """
        if self.sem is None:
            raise ValueError("the problem has no standard errors; pass sem= to simulate data with them.")
        model = self.model(dict(self.fixed) | dict(values))
        return model + self.sem * seeds.generator(seed).standard_normal(model.shape)

    def split(self, values: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """The prediction without the linear parameters that are free, and (points, solved) what one of each adds."""
        if self.columns is not None:
            everything = self.columns(values)
            ours, rest = self._places
            return everything[:, rest] @ np.array([values[self.linear[i]] for i in rest]), everything[:, ours]
        names = [p.name for p in self.solved]
        nothing = values | dict.fromkeys(names, 0.0)
        offset = np.asarray(self.predict(nothing), float)
        return offset, np.stack([np.asarray(self.predict(nothing | {n: 1.0}), float) - offset for n in names], axis=1)


class _Held(Problem):
    """A problem that shares everything but what is free with another; nothing is checked again."""

    def __init__(self, of: Problem, free: tuple[Parameter, ...], fixed: dict[str, float]) -> None:
        for name, value in vars(of).items():
            if name not in ("searched", "solved", "limits", "_places"):
                object.__setattr__(self, name, value)
        object.__setattr__(self, "free", free)
        object.__setattr__(self, "fixed", fixed)
