"""Least squares on data with standard errors: many starts, linear parameters solved for, what the data constrain.

A `Problem` is a model ``predict(parameters) -> (points,)``, data, and the parameters that are free between bounds.
`minimise` gives its `Estimate`; `synfwp.inference.intervals` gives intervals, `synfwp.inference.leave_out` errors on
what was left out.

What is minimised is the deviance. With standard errors it is ``chi^2 = sum(((data - model) / sem)^2)``. Without, it is
the sum of squares. Where each standard error was itself estimated, from n cells, it is
``sum((n - 2) log(1 + ((data - model) / sem)^2 / (n - 1)))``: a point that is off its model has, with few cells, a
standard error that is too small rather than a large deviation. The factor would be n in the likelihood of the cells,
maximised over their variance; n - 2 makes the variance of the slope of a term equal to its mean curvature (for normal
cells, exactly), so that the deviance rises as chi^2 does, however few cells a point has.

Examples
--------
>>> t = np.arange(1.0, 9.0)
>>> model = lambda p: p["a"] * np.exp(-t / p["tau"])
>>> free = Parameter("a", 0.0, 10.0), Parameter("tau", 0.1, 100.0, "ms", log=True)
>>> found = minimise(Problem(model, model({"a": 2.0, "tau": 5.0}), free, sem=np.full(8, 0.1), linear=("a",)))
>>> round(found.values["a"], 6), round(found.values["tau"], 6), found.rank
(2.0, 5.0, 2)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from synfwp import seeds
from synfwp.inference.problem import Parameter, Problem
from synfwp.threads import each

__all__ = ["Estimate", "Parameter", "Problem", "deviance", "minimise", "refitted"]

STEP = 1e-6  # of differences, in units of the range of a parameter
CLOSE = 1e-9  # of a range: a value this near to a bound is at it
NUDGE = 1e-4  # of a range: how far from a bound a search begins
INNER = 50  # rounds of weights for standard errors from few cells, at most


@dataclass(frozen=True)
class Estimate:
    """The best values of a problem.

    Parameters
    ----------
    problem : Problem
    values : dict of str to float
        Of all parameters.
    deviance : float
        What was minimised.
    minima : tuple of float
        Deviances that the starts ended at, in increasing order.
    """

    problem: Problem
    values: dict[str, float]
    deviance: float
    minima: tuple[float, ...] = ()

    @cached_property
    def model(self) -> np.ndarray:
        """The prediction of all points, (points,)."""
        return self.problem.model(self.values)

    @property
    def error(self) -> float:
        """``E = mean(((data - model) / sem)^2)`` over the points that were fitted; sem = 1 where there is none."""
        residual = (self.problem.data - self.model) * self.problem.weights
        return float(residual @ residual) / self.problem.points

    @property
    def dof(self) -> int:
        """Points less free parameters."""
        return self.problem.points - len(self.problem.free)

    @property
    def variance(self) -> float:
        """Factor on the squared standard errors: 1, or without standard errors the residual variance."""
        if self.problem.sem is not None:
            return 1.0
        return self.deviance / self.dof if self.dof > 0 else np.inf

    @property
    def aicc(self) -> float:
        """Akaike's criterion for few points, but for a constant of the data; infinite with too few points."""
        n, p = self.problem.points, len(self.problem.free) + (self.problem.sem is None)
        if n <= p + 1:
            return np.inf
        lack = self.deviance
        if self.problem.sem is None:
            lack = n * np.log(self.deviance / n) if self.deviance > 0 else -np.inf
        return float(lack + 2 * p + 2 * p * (p + 1) / (n - p - 1))

    @cached_property
    def slopes(self) -> np.ndarray:
        """(points, free) derivatives of the weighted prediction on the scales of the search."""
        found = []
        for p in self.problem.free:
            x, (low, high) = p.scaled(self.values[p.name]), p.edges
            step = STEP * (high - low if np.isfinite(high - low) else max(abs(x), self._typical(p)))
            ends = max(x - step, low), min(x + step, high)
            both = [self.problem.model(self.values | {p.name: p.value(end)}) for end in ends]
            found.append((both[1] - both[0]) / (ends[1] - ends[0]) * self.problem.weights)
        return np.stack(found, axis=1)

    def _typical(self, p: Parameter) -> float:
        """The size of a linear parameter that by itself would give the largest data."""
        one = np.abs(self.problem.model(self.values | {p.name: self.values[p.name] + 1.0}) - self.model).max()
        return float(np.abs(self.problem.data).max() / one) if one > 0 else 1.0

    @cached_property
    def scales(self) -> np.ndarray:
        """(free,) by how much each parameter may plausibly move: its range on the scale of the search.

        Of a linear one at most ten times the size that by itself would give the largest data.
        """
        sizes = []
        for p in self.problem.free:
            low, high = p.edges
            linear = p.name in self.problem.linear
            sizes.append(min(10 * self._typical(p), high - low) if linear else high - low)
        return np.array(sizes)

    @cached_property
    def _decomposed(self) -> tuple[np.ndarray, np.ndarray]:
        """Singular values, and (values, free) directions, of the slopes in units of `scales`."""
        _, size, rows = np.linalg.svd(self.slopes * self.scales, full_matrices=True)
        return np.concatenate([size, np.zeros(len(rows) - len(size))]), rows

    @property
    def rank(self) -> int:
        """Combinations of parameters, of as many as are free, whose standard error is below their `scales`."""
        return int(np.sum(self._decomposed[0] > np.sqrt(self.variance)))

    @property
    def loose(self) -> list[dict[str, float]]:
        """Combinations that the data do not constrain: weights of the parameters (of at least 0.1), each in its scale.

        A combination is one of the `rank` that is missing: within its standard error it can move by the whole range of
        its parameters (`scales`).
        """
        names = [p.name for p in self.problem.free]
        found = []
        for row in self._decomposed[1][self.rank :]:
            row = row * np.sign(row[np.argmax(np.abs(row))])
            found.append({n: round(float(x), 3) for n, x in zip(names, row, strict=True) if abs(x) >= 0.1})
        return found

    @cached_property
    def scaled_covariance(self) -> np.ndarray:
        """(free, free) on the scales of the search; combinations without any slope are left out."""
        size, rows = self._decomposed
        kept = size > 1e-8 * max(size[0], np.finfo(float).tiny)
        turned = rows[kept] * self.scales / size[kept, None]
        return self.variance * turned.T @ turned

    @property
    def covariance(self) -> np.ndarray:
        """(free, free) in the units of the parameters, from the slopes at the best values."""
        jump = np.array([self.values[p.name] if p.log else 1.0 for p in self.problem.free])
        return self.scaled_covariance * np.outer(jump, jump)


def minimise(
    problem: Problem,
    *,
    starts: int = 20,
    seed: Any = 0,
    near: Sequence[Mapping[str, float]] = (),
    tol: float = 1e-9,
    threads: int | None = 1,
) -> Estimate:
    """The best values from many starts, each led to a minimum within the bounds.

    Parameters
    ----------
    problem : Problem
    starts : int
        Drawn uniformly between the bounds, on the scale of the search; 0 with ``near`` alone.
    seed : int, SeedSequence or Generator
    near : sequence of dict
        Further starts, values of the parameters that are not linear.
    tol : float
        Relative changes of deviance and parameters at which a search ends.
    threads : int or None
        For the starts; the numbers do not depend on it. None: as many as there are processors.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If no start gives a finite prediction.
    """
    searched, rng = problem.searched, seeds.generator(seed, "starts")
    if not searched:
        values, f = _inner(problem, dict(problem.fixed))
        return Estimate(problem, values, float(f @ f), (float(f @ f),))
    draws = rng.random((starts, len(searched)))
    given = np.reshape([[_place(p, values[p.name]) for p in searched] for values in near], (-1, len(searched)))
    first = tol if starts == 0 else max(tol, 1e-5)
    rough = each(lambda place: _descend(problem, place, first), [*given, *draws], threads)
    rough = sorted((one for one in rough if np.isfinite(one[0])), key=lambda one: one[0])
    if not rough:
        raise ValueError("the model gives no finite prediction from any start; pass narrower bounds.")
    best = _polish(problem, rough[0], tol) if starts else rough[0]
    values, f = _inner(problem, _values(problem, best[1]))
    return Estimate(problem, values, float(f @ f), tuple(one[0] for one in rough))


def _place(p: Parameter, value: float) -> float:
    """Where a value lies between the bounds, from 0 to 1."""
    low, high = p.edges
    return float(np.clip((p.scaled(value) - low) / (high - low), 0.0, 1.0))


def _values(problem: Problem, place: np.ndarray) -> dict[str, float]:
    """Values of what is fixed and searched."""
    values = dict(problem.fixed)
    for p, s in zip(problem.searched, place, strict=True):
        low, high = p.edges
        values[p.name] = p.value(low + (high - low) * float(s))
    return values


def _descend(problem: Problem, start: np.ndarray, tol: float) -> tuple[float, np.ndarray]:
    """Deviance and place of the minimum that a start leads to: MINPACK, with places as (1 + sin(angle)) / 2."""
    from scipy.optimize import leastsq

    def residual(angle: np.ndarray) -> np.ndarray:
        return _inner(problem, _values(problem, (1 + np.sin(angle)) / 2))[1]

    angle = np.arcsin(2 * np.clip(start, NUDGE, 1 - NUDGE) - 1)
    first = residual(angle)
    if not np.isfinite(first).all():
        return np.inf, start
    if first.size < angle.size:
        return _polish(problem, (float(first @ first), start), tol)
    angle, _, found, _, _ = leastsq(residual, angle, full_output=True, ftol=tol, xtol=tol, epsfcn=STEP**2)
    return float(found["fvec"] @ found["fvec"]), (1 + np.sin(angle)) / 2


def _polish(problem: Problem, rough: tuple[float, np.ndarray], tol: float) -> tuple[float, np.ndarray]:
    """The same by trust regions, which are exact at bounds; the better of the two."""
    from scipy.optimize import least_squares

    def residual(place: np.ndarray) -> np.ndarray:
        return _inner(problem, _values(problem, place))[1]

    def slopes(place: np.ndarray) -> np.ndarray:
        here = residual(place)
        found = np.empty((here.size, place.size))
        for i in range(place.size):
            there = place.copy()
            there[i] += STEP if place[i] < 0.5 else -STEP
            found[:, i] = (residual(there) - here) / (there[i] - place[i])
        return found

    start = np.clip(rough[1], CLOSE, 1 - CLOSE)
    found = least_squares(residual, start, slopes, (0.0, 1.0), ftol=tol, xtol=tol, gtol=1e-12, max_nfev=200)
    return min((2 * float(found.cost), found.x), rough, key=lambda one: one[0])


def _inner(problem: Problem, values: dict[str, float]) -> tuple[dict[str, float], np.ndarray]:
    """All values, the linear ones solved for, and residuals whose squares sum to the deviance."""
    weights, cells = problem.weights, problem.cells
    if not problem.solved:
        scaled = (problem.data - problem.model(values)) * weights
        return values, scaled if cells is None else _t_residual(scaled, cells)
    offset, columns = problem.split(values)
    target, matrix = (problem.data - offset) * weights, columns * weights[:, None]
    if not np.isfinite(target.sum() + matrix.sum()):
        return values, np.full(target.shape, np.inf)
    bounds = problem.limits
    amplitudes = _bounded(matrix, target, bounds)
    if cells is not None:
        amplitudes = _with_few_cells(matrix, target, bounds, cells, amplitudes)
    scaled = target - matrix @ amplitudes
    values = values | {p.name: float(a) for p, a in zip(problem.solved, amplitudes, strict=True)}
    return values, scaled if cells is None else _t_residual(scaled, cells)


def _with_few_cells(
    matrix: np.ndarray, target: np.ndarray, bounds: np.ndarray, cells: np.ndarray, amplitudes: np.ndarray
) -> np.ndarray:
    """The linear parameters where each standard error is of few cells: weights that depend on the residuals."""
    nu = cells - 1
    for turn in range(INNER):
        scaled = target - matrix @ amplitudes
        share = 1 / (nu + scaled**2)
        slope, curve = (cells - 2) * share, (cells - 2) * (nu - scaled**2) * share * share
        hessian = (matrix * curve[:, None]).T @ matrix
        inside = np.all((amplitudes > bounds[0]) & (amplitudes < bounds[1]))
        before = amplitudes
        if turn > 1 and inside and np.all(np.linalg.eigvalsh(hessian) > 0):  # Newton's step near the minimum
            amplitudes = np.clip(before + np.linalg.solve(hessian, matrix.T @ (slope * scaled)), *bounds)
        else:
            heavy = np.sqrt(slope)
            amplitudes = _bounded(matrix * heavy[:, None], target * heavy, bounds)
        if np.abs(matrix @ (amplitudes - before)).max() < 1e-8:
            break
    return amplitudes


def _t_residual(scaled: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Signed roots of the terms of the deviance."""
    return np.sign(scaled) * np.sqrt((cells - 2) * np.log1p(scaled**2 / (cells - 1)))


def _bounded(matrix: np.ndarray, target: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Linear least squares within bounds."""
    from scipy.optimize import lsq_linear, nnls

    low, high = bounds
    norm = np.sqrt(np.einsum("ij,ij->j", matrix, matrix))
    norm[norm == 0] = 1.0
    unit = matrix / norm
    free = np.linalg.lstsq(unit, target, rcond=1e-12)[0] / norm
    if np.all((free >= low) & (free <= high)):
        return free
    if np.isfinite(low).all():
        over = nnls(unit, target - matrix @ low)[0] / norm + low
        if (over <= high).all():
            return over
    return lsq_linear(unit, target, (low * norm, high * norm), method="bvls", tol=1e-14).x / norm


def refitted(problem: Problem, **changes: Any) -> Problem:
    """The problem with other data, standard errors or points that are used."""
    return replace(problem, **changes)


def deviance(problem: Problem, values: Mapping[str, float]) -> float:
    """What `minimise` would minimise, at given values of all parameters."""
    scaled = (problem.data - problem.model(values)) * problem.weights
    f = scaled if problem.cells is None else _t_residual(scaled, problem.cells)
    return float(f @ f)
