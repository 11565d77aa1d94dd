"""Intervals of fitted parameters.

A profile interval holds the values at which the deviance, minimised over all other parameters, exceeds its minimum by
no more than a quantile. With known standard errors this is that of chi^2 with one degree of freedom; without, the
residual variance takes the place of the standard errors and t^2 (F) that of chi^2. Of standard errors from few cells
(see `synfwp.inference.engine` for the deviance) the quantile is ``(nu - 1) log(1 + t^2 / nu)``, where t is that of nu
degrees of freedom, all those of the cells over the number of free parameters: a single mean then has its exact t
interval, and the quantile is that of chi^2 for many points.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from synfwp import checks, seeds, threads
from synfwp.inference.engine import Estimate, Parameter, Problem, deviance, minimise, refitted

REACH = 40  # steps of a scan to one side, at most
SHARP = 1e-3  # of the root of a quantile: how exactly the rise of the deviance at an end is met
BETTER = 1e-6  # a deviance that is lower by this is another minimum


@dataclass(frozen=True)
class Interval:
    """An interval of one parameter.

    Parameters
    ----------
    low, high : float
        Ends; where one is open, the bound.
    open_low, open_high : bool
        The interval reaches the bound on this side: the data set no limit there.
    level : float
    kind : str
        What it rests on, for example ``"profile, chi2"``.
    """

    low: float
    high: float
    open_low: bool
    open_high: bool
    level: float
    kind: str

    @property
    def constrained(self) -> bool:
        """Both ends lie within the bounds."""
        return not (self.open_low or self.open_high)


def kind_of(problem: Problem) -> str:
    """Which quantile a profile interval of a problem takes."""
    if problem.sem is None:
        return "profile, F"
    return "profile, chi2" if problem.cells is None else "profile, t"


def threshold(estimate: Estimate, level: float) -> float:
    """By how much the deviance may exceed its minimum within an interval.

    Parameters
    ----------
    estimate : Estimate
    level : float

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there are no standard errors and no more points than parameters.
    """
    from scipy.stats import norm, t

    tail = (1 + level) / 2
    problem = estimate.problem
    if problem.sem is None:
        if estimate.dof < 1:
            raise ValueError(
                f"{problem.points} points without standard errors leave nothing from which to estimate the spread of "
                f"{len(problem.free)} parameters; pass sem=, or fix some parameters."
            )
        return float(estimate.variance * t.ppf(tail, estimate.dof) ** 2)
    if problem.cells is None:
        return float(norm.ppf(tail) ** 2)
    nu = float(np.sum((problem.cells - 1)[problem.weights > 0])) / len(problem.free)
    return float((nu - 1) * np.log1p(t.ppf(tail, nu) ** 2 / nu))


def profile(estimate: Estimate, level: float = 0.95) -> tuple[Estimate, dict[str, Interval]]:
    """Profile intervals of all free parameters.

    Parameters
    ----------
    estimate : Estimate
    level : float

    Returns
    -------
    (Estimate, dict of str to Interval)
        The estimate is another one if the scan came upon a lower minimum; its intervals are those returned.
    """
    level = checks.number("level", level, 0, 1, above=True)
    for _ in range(5):
        found, lower = {}, None
        for i, p in enumerate(estimate.problem.free):
            ends, lower = _sides(estimate, p, i, threshold(estimate, level))
            if lower is not None:
                break
            (low, open_low), (high, open_high) = ends
            found[p.name] = Interval(low, high, open_low, open_high, level, kind_of(estimate.problem))
        if lower is None:
            return estimate, found
        again = minimise(estimate.problem, starts=0, near=[lower])
        estimate = again if again.deviance < estimate.deviance else estimate
    raise RuntimeError("the profile finds ever lower minima; pass more starts, or narrower bounds.")


def _sides(
    estimate: Estimate, p: Parameter, i: int, allowed: float
) -> tuple[list[tuple[float, bool]], dict[str, float] | None]:
    """Both ends, each with whether it is open; or values with a lower deviance."""
    spread = estimate.scaled_covariance[i, i] if np.isfinite(estimate.variance) else 0.0
    step = np.sqrt(spread * allowed / estimate.variance) if spread > 0 else 0.1 * float(estimate.scales[i])
    step = min(max(step, 1e-6 * float(estimate.scales[i])), float(estimate.scales[i]))
    ends = []
    for sign in (-1, 1):
        scan = _Scan(estimate, p, allowed)
        ends.append(scan.end(sign * step))
        if scan.lower is not None:
            return [], scan.lower
    return ends, None


class _Scan:
    """The profile of one parameter to one side: each minimum starts at the one before."""

    def __init__(self, estimate: Estimate, p: Parameter, allowed: float) -> None:
        self.estimate, self.p, self.allowed = estimate, p, allowed
        self.near: Mapping[str, float] = estimate.values
        self.lower: dict[str, float] | None = None
        self.known: dict[float, float] = {}

    def excess(self, scaled: float) -> float:
        """Root of the rise of the deviance, less that which is allowed: nearly linear in the distance."""
        if scaled in self.known:
            return self.known[scaled]
        held = self.estimate.problem.held(self.p.name, self.p.value(scaled))
        if held.free:
            found = minimise(held, starts=0, near=[self.near], tol=1e-8)
            rise, self.near = found.deviance, found.values
        else:
            rise = deviance(held, held.fixed)
        if rise < self.estimate.deviance - BETTER * max(1.0, self.allowed):
            self.lower = dict(self.near)
        return float(np.sqrt(max(rise - self.estimate.deviance, 0.0)) - np.sqrt(self.allowed))

    def _near(self, scaled: float) -> float:
        """`excess`, 0 where it is small enough to end a search."""
        excess = self.excess(scaled)
        return 0.0 if abs(excess) <= SHARP * np.sqrt(self.allowed) else excess

    def end(self, step: float) -> tuple[float, bool]:
        """Where the rise reaches what is allowed, or the bound with True."""
        from scipy.optimize import brentq

        centre = self.p.scaled(self.estimate.values[self.p.name])
        bound = self.p.edges[int(step > 0)]
        inside, root = centre, np.sqrt(self.allowed)
        distance, before = step, -root
        for _ in range(REACH):
            out = centre + distance
            at_bound = bool((out - bound) * np.sign(step) >= 0)
            if at_bound:
                out = bound
            if abs(out - centre) <= 1e-9 * float(self.estimate.scales[0] if not np.isfinite(bound) else 1.0):
                return self.p.value(bound), True
            excess = self.excess(out)
            if self.lower is not None:
                return self.p.value(out), False
            if excess >= 0:
                self.known = {inside: before, out: excess}
                return self.p.value(brentq(self._near, inside, out, xtol=1e-9 * abs(out - centre))), False
            if at_bound:
                return self.p.value(bound), True
            inside, before = out, excess
            distance *= float(np.clip(1.1 * root / max(root + excess, 1e-9), 1.3, 4.0))
        return self.p.value(bound), True


def bootstrap(
    estimate: Estimate,
    draws: int = 1000,
    *,
    level: float = 0.95,
    starts: int = 2,
    seed: Any = 0,
    workers: int | None = 1,
) -> tuple[dict[str, np.ndarray], dict[str, Interval]]:
    """Parametric bootstrap: fits to data drawn from the fitted model with its standard errors.

    Each fit starts at the best values and at ``starts`` random places. Where cells are given, the standard errors are
    drawn too, as those of so many cells. Without standard errors the spread is that of the residuals.

    Parameters
    ----------
    estimate : Estimate
    draws : int
    level : float
    starts : int
    seed : int
    workers : int or None
        Threads.

    Returns
    -------
    (dict of str to (draws,) array, dict of str to Interval)
        Values of each free parameter, and percentile intervals. An end at a bound is open.
    """
    draws, level = checks.count("draws", draws), checks.number("level", level, 0, 1, above=True)
    problem, model = estimate.problem, estimate.model
    spread = problem.sem if problem.sem is not None else np.full(model.shape, np.sqrt(estimate.variance))
    if not np.isfinite(spread).all():
        threshold(estimate, level)  # names the cure

    with tqdm(total=draws, desc="bootstrap", unit="fit", disable=None, delay=2.0, leave=False) as bar:

        def one(draw: int) -> list[float]:
            rng = seeds.generator(seed, "bootstrap", draw)
            changes: dict[str, Any] = {"data": model + spread * rng.standard_normal(model.shape)}
            if problem.cells is not None:
                nu = problem.cells - 1
                changes["sem"] = spread * np.sqrt(rng.chisquare(nu) / nu)
            again = refitted(problem, **changes)
            found = minimise(again, starts=starts, seed=rng, near=[estimate.values], tol=1e-6)
            bar.update()
            return [found.values[p.name] for p in problem.free]

        values = np.array(threads.each(one, range(draws), workers, "workers"))
    kept = {p.name: values[:, i] for i, p in enumerate(problem.free)}
    return kept, {p.name: _percentiles(p, kept[p.name], level) for p in problem.free}


def resampled(
    estimate: Estimate,
    cell: np.ndarray,
    draws: int = 1000,
    *,
    level: float = 0.95,
    seed: Any = 0,
    workers: int | None = 1,
) -> dict[str, Interval]:
    """Bootstrap of cells: each draw takes as many cells as there are, with repetition, and all points of each.

    Points of one cell need not be independent, nor their numbers equal. With few cells the intervals are too narrow.

    Parameters
    ----------
    estimate : Estimate
    cell : (points,) array
        Label of the cell of each point.
    draws : int
    level : float
    seed : int
    workers : int or None
        Threads.

    Returns
    -------
    dict of str to Interval
        Percentiles of each free parameter.
    """
    draws, level = checks.count("draws", draws), checks.number("level", level, 0, 1, above=True)
    problem = estimate.problem
    names, place = np.unique(cell, return_inverse=True)
    sem = np.ones(problem.data.shape) if problem.sem is None else problem.sem

    def one(draw: int) -> list[float]:
        rng = seeds.generator(seed, "cells", draw)
        times = np.bincount(rng.integers(names.size, size=names.size), minlength=names.size)[place]
        again = refitted(problem, sem=sem / np.sqrt(np.maximum(times, 1)), used=times > 0)
        found = minimise(again, starts=0, near=[estimate.values], tol=1e-6)
        return [found.values[p.name] for p in problem.free]

    values = np.array(threads.each(one, range(draws), workers, "threads"))
    return {p.name: _percentiles(p, values[:, i], level, "bootstrap of cells") for i, p in enumerate(problem.free)}


def _percentiles(
    p: Parameter, values: np.ndarray, level: float, kind: str = "parametric bootstrap from sem"
) -> Interval:
    """The middle ``level`` of values."""
    ends = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    low, high = (p.scaled(float(x)) for x in ends)
    near = 1e-6 * (p.edges[1] - p.edges[0] if np.isfinite(sum(p.edges)) else max(abs(low), abs(high)))
    open_low, open_high = low - p.edges[0] <= near, p.edges[1] - high <= near
    low, high = ends
    return Interval(float(low), float(high), bool(open_low), bool(open_high), level, kind)
