"""Models of amplitudes, traces and laps fitted to data: what a fit gives, and how it is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from synfwp import checks, shown, units
from synfwp.inference.engine import Estimate, Parameter, Problem, minimise
from synfwp.inference.intervals import Interval, bootstrap, profile
from synfwp.inference.leave_out import left_out
from synfwp.plasticity import BTSP, SpikeResponse
from synfwp.spiking.short_term import ShortTerm

Array = np.ndarray
LARGE = 1e60  # beyond it squares of data over standard errors leave the floats


@dataclass(frozen=True, repr=False)
class ModelFit:
    """A fitted model: best values, intervals, and errors.

    Parameters
    ----------
    estimate : Estimate
    intervals : dict of str to Interval
        Of each free parameter; empty where none were asked for.
    make : callable
        From values of all parameters to the rule.
    seed : int
    at : dict of str to (points,) array or None
        Where the points lie, by a name with its unit.

    Examples
    --------
    >>> from synfwp.inference import fit_short_term
    >>> times = np.array([0.0, 100.0, 200.0, 300.0, 1300.0])
    >>> truth = ShortTerm(U=0.4, tau_rec=500.0, tau_facil=30.0).amplitudes(times, A=2.0)
    >>> found = fit_short_term(times, truth, intervals="none")
    >>> found
    ModelFit(ShortTerm: E = ..., 5 points, 4 free)
    """

    estimate: Estimate
    intervals: Mapping[str, Interval]
    make: Callable[[Mapping[str, float]], Any]
    seed: Any = 0
    at: Mapping[str, Array] | None = None

    def __repr__(self) -> str:
        """One line."""
        problem = self.estimate.problem
        name = type(self.rule).__name__
        return shown.cut(
            f"{type(self).__name__}({name}: E = {self.error:.3g}, {problem.points} points, {len(problem.free)} free)",
            shown.ROOM,
        )

    @property
    def rule(self) -> ShortTerm | SpikeResponse | BTSP:
        """The rule with the best values."""
        return self.make(self.estimate.values)

    @property
    def values(self) -> dict[str, float]:
        """Best values of all parameters."""
        return dict(self.estimate.values)

    @property
    def error(self) -> float:
        """``E = mean((data - model)^2 / sem^2)``; sem = 1 where there is none."""
        return self.estimate.error

    @property
    def aicc(self) -> float:
        """Akaike's criterion for few points, but for a constant of the data."""
        return self.estimate.aicc

    @cached_property
    def left_out(self) -> float:
        """Leave-one-condition-out error: E where each condition is predicted by the fit to all others."""
        return float(np.nanmean(left_out(self.estimate, seed=self.seed).nearest ** 2))

    def points(self, level: float = 0.95) -> xr.Dataset:
        """Data, standard errors and the model with its band.

        Parameters
        ----------
        level : float
            Of the band of the model, from the slopes at the best values.

        Returns
        -------
        xarray.Dataset
            ``measured``, ``sem`` (where known), ``model``, ``low`` and ``high`` along ``point``, with the coordinate
            ``condition`` and what `at` holds.

        Raises
        ------
        TypeError, ValueError
            For a level that is not between 0 and 1.
        """
        from scipy.stats import norm, t

        level = checks.number("level", level, 0, 1, above=True)
        estimate, p = self.estimate, self.estimate.problem
        slopes = estimate.slopes / p.weights[:, None]
        spread = np.sqrt(np.einsum("ni,ij,nj->n", slopes, estimate.scaled_covariance, slopes))
        tail = (1 + level) / 2
        half = spread * (norm.ppf(tail) if p.sem is not None else t.ppf(tail, max(estimate.dof, 1)))
        unit = next((one.unit for one in p.free if one.name == "A"), "unit of the data")
        made = {
            "measured": p.data,
            "model": estimate.model,
            "low": estimate.model - half,
            "high": estimate.model + half,
        }
        made |= {} if p.sem is None else {"sem": p.sem}
        coords = {"condition": ("point", np.asarray(p.condition))} if p.condition is not None else {}
        coords |= {name: ("point", x) for name, x in (self.at or {}).items()}
        text = {"measured": "data", "sem": "standard error", "low": "lower end of its band", "high": "upper end"}
        return xr.Dataset(
            {name: ("point", x, {"units": unit, "long_name": text.get(name, name)}) for name, x in made.items()}, coords
        )

    def table(self) -> pd.DataFrame:
        """Best values and intervals.

        Returns
        -------
        pandas.DataFrame
            One line for each free parameter: ``value``, ``low``, ``high``, ``unit`` and ``constrained``; without
            intervals the first and the fourth.
        """
        rows = {}
        for p in self.estimate.problem.free:
            one = self.intervals.get(p.name)
            ends = {} if one is None else {"low": one.low, "high": one.high, "constrained": one.constrained}
            rows[p.name] = {"value": self.estimate.values[p.name], "unit": p.unit} | ends
        return pd.DataFrame.from_dict(rows, orient="index")


def in_one_unit(**data: Any) -> list[Any]:
    """Numbers of data whose unit does not matter, as long as it is one.

    Parameters
    ----------
    **data : array_like or DataArray
        By the names of the arguments.

    Returns
    -------
    list of array_like

    Raises
    ------
    ValueError
        If DataArrays have different units.
    """
    named = {name: str(x.attrs.get("units", "")) for name, x in data.items() if isinstance(x, xr.DataArray)}
    if len(set(filter(None, named.values()))) > 1:
        text = ", ".join(f"{name} in {unit!r}" for name, unit in named.items())
        raise ValueError(f"the data have several units ({text}); pass all in one.")
    return [x.values if name in named else x for name, x in data.items()]


def counted(cells: Any, data: Array) -> Array | None:
    """Cells behind each standard error, one number for all or one per point.

    Parameters
    ----------
    cells : int, (points,) array_like or None
    data : (points,) array

    Returns
    -------
    (points,) array or None

    Raises
    ------
    ValueError, TypeError
        For another shape, or fewer than 3 cells.
    """
    if cells is None:
        return None
    if isinstance(cells, int) and not isinstance(cells, bool):
        return np.full(data.shape, float(checks.count("cells", cells, 3)))
    return units.array(cells, "1", "cells", 3, checks.MOST, ndim=1)


def fitted_model(
    known: Mapping[str, Parameter],
    fixed: Mapping[str, float] | None,
    columns: Callable[[Mapping[str, float]], Array],
    linear: tuple[str, ...],
    data: Array,
    sem: Array | None,
    cells: Array | None,
    condition: Array,
    make: Callable[[Mapping[str, float]], Any],
    how: tuple[int, str, float, int, Any, int | None],
) -> ModelFit:
    """The best values and their intervals.

    Parameters
    ----------
    known : dict of str to Parameter
        All parameters, with bounds.
    fixed : dict of str to float or None
    columns : callable
        From values to what one of each linear parameter adds, (points, linear).
    linear : tuple of str
    data : (points,) array
    sem, cells : (points,) array or None
        As in `synfwp.inference.engine.Problem`.
    condition : (points,) array
    make : callable
        From values to the rule.
    how : (starts, intervals, level, draws, seed, threads)

    Returns
    -------
    ModelFit

    Raises
    ------
    ValueError
        For an unknown name.
    """
    starts, kind, level, draws, seed, threads = how
    checks.one_of("intervals", kind, ("profile", "bootstrap", "none"))
    held = {checks.one_of("a fixed parameter", name, known): float(value) for name, value in (fixed or {}).items()}
    free = tuple(p for name, p in known.items() if name not in held)
    problem = Problem(lambda values: columns(values) @ np.array([values[n] for n in linear]), data, free, held, sem,
                      cells, linear=linear, columns=columns, condition=condition)  # fmt: skip
    best = minimise(problem, starts=checks.count("starts", starts), seed=seed, threads=threads)
    found: Mapping[str, Interval] = {}
    if kind == "profile":
        best, found = profile(best, level)
    elif kind == "bootstrap":
        found = bootstrap(best, draws, level=level, seed=seed, workers=threads)[1]
    return ModelFit(best, found, make, seed)
