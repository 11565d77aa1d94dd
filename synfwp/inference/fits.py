"""Fits of rules of spike timing to tables of weight changes, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from synfwp import checks, shown
from synfwp.inference.conditions import Conditions, columns, conditions, linear
from synfwp.inference.engine import Estimate, Problem, minimise
from synfwp.inference.intervals import Interval, bootstrap, profile
from synfwp.inference.leave_out import LeftOut, left_out
from synfwp.inference.points import chosen, named, numbers, protocol_list, runs_of
from synfwp.inference.spike_rules import Family, choose, family
from synfwp.plasticity import PairSTDP, SynapticRule, TripletSTDP
from synfwp.plasticity.protocols import Protocol

INTERVALS = ("profile", "bootstrap")
ALIKE = Conditions()


@dataclass(frozen=True, repr=False)
class Fit:
    """A rule fitted to a table.

    Parameters
    ----------
    estimate : Estimate
        Best values, covariance, rank, and the problem itself, whose ``simulate(values, seed)`` draws such a table.
    intervals : dict of str to Interval
        Of each free parameter.
    family : Family
    data : Dataset
        The table.
    table_name : str
        Of a published table, "" of another.
    seed : int
    starts : int
        Random starts of the fit, and of those without one condition.
    conditions : Conditions
        Labels of the points, and parameters that each condition has for itself.
    draws : dict of str to (draws,) array or None
        Values of the free parameters in a bootstrap; None: intervals are profiles.

    Examples
    --------
    >>> from synfwp.plasticity import TripletSTDP
    >>> times = {"tau_plus": 16.8, "tau_minus": 33.7, "tau_x": 101.0, "tau_y": 125.0}
    >>> found = fit(TripletSTDP, "sjostrom2001_frequency_timing", fixed=times)
    >>> found
    Fit(TripletSTDP, sjostrom2001_frequency_timing: E = 0.341 of 10 points, 4 free, 2 not constrained)
    >>> found.table().round(4).loc[["A3_plus", "A3_minus"]].values.tolist()
    [[0.0063, 0.0047, 0.0093, '1', True], [0.0003, 0.0, 0.0026, '1', False]]
    """

    estimate: Estimate
    intervals: Mapping[str, Interval]
    family: Family
    data: xr.Dataset
    table_name: str = ""
    seed: Any = 0
    starts: int = 20
    conditions: Conditions = ALIKE
    draws: Mapping[str, np.ndarray] | None = None

    def __repr__(self) -> str:
        """One line."""
        free, loose = len(self.intervals), sum(not one.constrained for one in self.intervals.values())
        return shown.cut(
            f"Fit({self.name}, {self.table_name or 'a table'}: E = {self.error:.3g} of {self.estimate.problem.points} "
            f"points, {free} free, {loose} not constrained)",
            shown.ROOM,
        )

    @property
    def name(self) -> str:
        """Of the class of the rule."""
        return type(next(iter(self.rules.values()))).__name__

    @property
    def rule(self) -> PairSTDP | TripletSTDP | SynapticRule:
        """The rule with the best values; conditions with parameters of their own have `rules`."""
        if self.conditions.per:
            raise ValueError(
                f"{', '.join(self.conditions.per)} differ between conditions; take one of rules, by its condition "
                f"({', '.join(self.conditions.names)})."
            )
        return self.rules[next(iter(self.rules))]

    @property
    def rules(self) -> dict[str, PairSTDP | TripletSTDP | SynapticRule]:
        """The rule of each condition; without conditions one, by the name ""."""
        known = (*self.family.kind.amplitudes, *dict.fromkeys(self.family.kind.times))
        found = {}
        for label in self.conditions.names or [""]:
            values = self.conditions.values_of(label, self.estimate.values)
            found[label] = self.family.make({name: values[name] for name in known})
        return found

    @property
    def error(self) -> float:
        """``E = mean((data - model)^2 / sem^2)`` over the points that were fitted; sem = 1 where there is none."""
        return self.estimate.error

    @property
    def aicc(self) -> float:
        """Akaike's criterion for few points, but for a constant of the data; infinite with too few points."""
        return self.estimate.aicc

    @cached_property
    def without(self) -> LeftOut:
        """Standardised residuals of each condition under the fit to all others, and which of them these leave open."""
        return left_out(self.estimate, starts=self.starts, seed=self.seed)

    @property
    def left_out(self) -> float:
        """Leave-one-condition-out error: E where each condition is predicted by the fit to all others.

        Of a condition that the others do not determine (`without`), the prediction nearest to the data counts.
        """
        return float(np.nanmean(self.without.nearest**2))

    @property
    def left_out_range(self) -> tuple[float, float]:
        """`left_out`, and the same with the farthest of all predictions that the other conditions allow for."""
        return self.left_out, float(np.nanmean(self.without.farthest**2))

    @property
    def unconstrained(self) -> list[dict[str, float]]:
        """Combinations of parameters that the data do not constrain: see `Estimate.loose`."""
        return self.estimate.loose

    def table(self) -> pd.DataFrame:
        """Best values and intervals.

        Returns
        -------
        pandas.DataFrame
            One line for each free parameter: ``value``, ``low``, ``high``, ``unit`` and ``constrained``. An interval of
            a parameter that is not constrained reaches a bound, which stands in its place.
        """
        rows = {
            p.name: {
                "value": self.estimate.values[p.name],
                "low": self.intervals[p.name].low,
                "high": self.intervals[p.name].high,
                "unit": p.unit,
                "constrained": self.intervals[p.name].constrained,
            }
            for p in self.estimate.problem.free
        }
        made = pd.DataFrame.from_dict(rows, orient="index")
        made.attrs = {"level": self._level, "kind": next(iter(self.intervals.values())).kind}
        return made

    @property
    def _level(self) -> float:
        return next(iter(self.intervals.values())).level

    def predict(self, runs: Sequence[Protocol], condition: Any = None) -> xr.Dataset:
        """The model with its band on any protocols.

        Parameters
        ----------
        runs : sequence of Protocol
        condition : str, sequence of str or None
            Of all runs, or of each; needed where conditions have parameters of their own.

        Returns
        -------
        xarray.Dataset
            ``dw_model``, ``dw_low``, ``dw_high`` along ``point``: relative changes. The band is that of the model, at
            the level of the intervals: after a bootstrap the percentiles of what its draws predict; otherwise from the
            slopes at the best values, where combinations of parameters without any slope do not enter.
        """
        values = self.estimate.values
        names, found = linear(self.family, self.conditions), self._columns(protocol_list(runs), condition)

        def model(at: Mapping[str, float]) -> np.ndarray:
            return found(at) @ np.array([at[name] for name in names])

        best = model(values)
        low, high = self._band(model, best)
        text = {"dw_model": "model", "dw_low": "lower end of its band", "dw_high": "upper end of its band"}
        return xr.Dataset(
            {
                name: ("point", x, {"units": "1", "long_name": f"relative change of synaptic weight, {text[name]}"})
                for name, x in (("dw_model", best), ("dw_low", low), ("dw_high", high))
            }
        )

    def _band(self, model: Callable[..., np.ndarray], best: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both ends of the band of a prediction."""
        from scipy.stats import norm, t

        p, values, tail = self.estimate.problem, self.estimate.values, (1 + self._level) / 2
        if self.draws is not None:
            drawn = [
                model(values | dict(zip(self.draws, one, strict=True)))
                for one in zip(*self.draws.values(), strict=True)
            ]
            low, high = np.quantile(drawn, [1 - tail, tail], axis=0)
            return low, high
        slopes = []
        for one, scale in zip(p.free, self.estimate.scales, strict=True):
            x, step = one.scaled(values[one.name]), 1e-5 * float(scale)
            ends = max(x - step, one.edges[0]), min(x + step, one.edges[1])
            below, above = (model(values | {one.name: one.value(end)}) for end in ends)
            slopes.append((above - below) / (ends[1] - ends[0]))
        spread = np.sqrt(np.einsum("in,ij,jn->n", slopes, self.estimate.scaled_covariance, slopes))
        half = spread * (norm.ppf(tail) if p.sem is not None else t.ppf(tail, max(self.estimate.dof, 1)))
        return best - half, best + half

    def _columns(self, runs: Sequence[Protocol], condition: Any) -> Callable[..., np.ndarray]:
        """What amplitudes add on protocols of given conditions."""
        labels = None
        if self.conditions.per:
            labels = np.broadcast_to(np.asarray(condition), len(runs))
            for label in dict.fromkeys(labels.tolist()):
                checks.one_of("condition", label, self.conditions.names)
        return columns(self.family, runs, self.conditions, labels)

    def tested(self, protocol: Any = None) -> float:
        """E of the fitted rule on the same data under another protocol, without a fit.

        Parameters
        ----------
        protocol : str, sequence of Protocol or None
            As in `fit`.

        Returns
        -------
        float
        """
        runs = runs_of(self.data, self.table_name, protocol)
        model = self.predict(runs, self.conditions.labels).dw_model.values
        residual = (self.estimate.problem.data - model) * self.estimate.problem.weights
        return float(residual @ residual) / self.estimate.problem.points


def fit(
    rule: Any,
    table: str | xr.Dataset,
    *,
    protocol: str | Sequence[Protocol] | None = None,
    free: Sequence[str] | None = None,
    fixed: Mapping[str, float] | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    scale: float | None = None,
    where: Any = None,
    condition: Any = None,
    per: Sequence[str] | None = None,
    starts: int = 20,
    intervals: str = "profile",
    level: float = 0.95,
    draws: int = 1000,
    seed: Any = 0,
    threads: int | None = 1,
) -> Fit:
    """A rule of spike timing, fitted to a table of weight changes by least squares, with intervals.

    Minimises ``chi^2 = sum((data - model)^2 / sem^2)``. At given time constants the change is linear in the amplitudes,
    which are solved for; the time constants are searched from random starts. Where the table has the numbers of
    ``cells`` behind its standard errors, these count as estimates: see `synfwp.inference.engine`.

    Parameters
    ----------
    rule : PairSTDP, TripletSTDP (the class, or a rule), or SynapticRule
        Of a rule or a row, parameters that are neither free nor fixed keep their values.
    table : str or Dataset
        The name of a published table, or what `read_table` gives.
    protocol : str, sequence of Protocol or None
        None: that of the table. A name of `synfwp.plasticity.protocols.from_table`; or one protocol for each point.
    free : sequence of str or None
        Names of parameters. None: all that are not fixed.
    fixed : dict of str to float or None
    bounds : dict of str to (low, high) or None
        By default amplitudes of `PairSTDP` and `TripletSTDP` lie between 0 and 1 (one pair doubles the weight), those
        of a row are not bounded, and time constants lie between 1 and 1000 ms.
    scale : float or None
        Of a row: the weight, in its unit, that changes are divided by.
    where : (points,) array of bool or None
        Points to fit.
    condition : str, (points,) array_like or None
        Conditions, such as drug and control: a variable of the table (`read_table` with ``condition=``), or one label
        per point. Points of one condition are left out together. None: each point is its own.
    per : sequence of str or None
        Free parameters that each condition has for itself, ``A_plus[drug]`` and ``A_plus[control]``; the others are
        shared. With them each point is left out by itself.
    starts : int
    intervals : "profile" or "bootstrap"
        Profile intervals, or percentiles of a parametric bootstrap from the standard errors.
    level : float
    draws : int
        Fits of a bootstrap.
    seed : int
    threads : int or None
        For starts and draws of a bootstrap; the numbers do not depend on it. None: as many as there are processors.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError, TypeError
        For an unknown name, a table without changes, as many free parameters as points where there are no standard
        errors, a protocol of another length, or an argument that is not as above.

    References
    ----------
    Pfister & Gerstner 2006, J Neurosci 26:9673 (E, and linear amplitudes).

    Examples
    --------
    The window of Bi & Poo (1998), without the points of -4 ms < dt < 0, where both signs occur:

    >>> from synfwp.plasticity import PairSTDP
    >>> from synfwp.data import load_table
    >>> table = load_table("bi_poo_1998_points")
    >>> used = (table.dt_post_minus_pre_ms > 0) | (table.dt_post_minus_pre_ms < -4)
    >>> found = fit(PairSTDP, "bi_poo_1998_points", where=used.values)
    >>> interval = found.intervals["tau_plus"]
    >>> round(found.rule.tau_plus, 1), round(interval.low, 1), round(interval.high, 1), interval.constrained
    (14.8, 7.0, 36.4, True)
    """
    of = family(rule, scale)
    data, name = named(table)
    parameters, values = choose(of, free, fixed, bounds)
    if not parameters:
        raise ValueError("nothing is free; pass free=, a list of parameters, or fix fewer.")
    checks.one_of("intervals", intervals, INTERVALS)
    change, sem, cells = numbers(data)
    used = chosen(where, change, sem, cells)
    groups = conditions(data, condition, per, parameters)
    found_columns = columns(of, runs_of(data, name, protocol), groups, groups.labels)
    names = linear(of, groups)
    problem = Problem(
        lambda at: found_columns(at) @ np.array([at[n] for n in names]),
        np.where(used, change, 0.0),
        groups.expand(parameters),
        values,
        sem=None if sem is None else np.where(used, sem, 1.0),
        cells=None if cells is None else np.where(used, cells, 3),
        linear=names,
        columns=found_columns,
        condition=None if groups.per else groups.labels,
        used=None if used.all() else used,
    )
    best = minimise(problem, starts=checks.count("starts", starts), seed=seed, threads=threads)
    drawn = None
    if intervals == "profile":
        best, found = profile(best, level)
    else:
        drawn, found = bootstrap(best, draws, level=level, seed=seed, workers=threads)
    return Fit(best, found, of, data, name, seed, starts, groups, drawn)
