"""Fits of BTSP to changes around a plateau, of bins or of cells, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from synfwp import units
from synfwp.inference.engine import Parameter
from synfwp.inference.intervals import resampled
from synfwp.inference.model_fits import LARGE, Array, ModelFit, fitted_model, in_one_unit
from synfwp.plasticity import BTSP

# bounds, unit and scale of the search
_BTSP = {
    "tau_ET": Parameter("tau_ET", 50.0, 1e4, "ms", log=True),
    "tau_IS": Parameter("tau_IS", 50.0, 1e4, "ms", log=True),
    "a_plus": Parameter("a_plus", 0.0, 1.0),
    "b_plus": Parameter("b_plus", 0.5, 100.0, log=True),
    "a_minus": Parameter("a_minus", 0.0, 1.0),
    "b_minus": Parameter("b_minus", 0.5, 100.0, log=True),
    "share": Parameter("share", 0.0, 1.0, "1 / unit of the data"),
    "rise": Parameter("rise", 0.0, np.inf, "unit of the data per s"),
    "fall": Parameter("fall", 0.0, np.inf, "1/s"),
}


def fit_btsp(
    delay: Any,
    change: Any,
    before: Any,
    *,
    sem: Any = None,
    cell: Any = None,
    fixed: Mapping[str, float] | None = None,
    inflate: bool = True,
    width: Any = 848.5,
    plateau: Any = 300.0,
    dt: Any = 20.0,
    starts: int = 20,
    intervals: str = "profile",
    level: float = 0.95,
    draws: int = 1000,
    seed: Any = 0,
    threads: int | None = 1,
) -> ModelFit:
    r"""The weight-dependent BTSP of Milstein et al. (2021) fitted to changes around a plateau, binned or of one neuron.

    .. math::
        \Delta V = (1 - share \, V) \, rise \, J_+(t) - V \, fall \, J_-(t)

    with the integrals J of :meth:`synfwp.plasticity.BTSP.integrals`. The depolarisation V at a place stands for the
    weights of the inputs that are active there, ``w = share V``. The rates of the rule times the number of laps are
    then ``k_plus = share rise`` and ``k_minus = fall``. Weights are not cut at 0 and 1.

    Parameters
    ----------
    delay : (points,) array_like
        Time of each point from the plateau, ms.
    change : (points,) array_like
        Change of depolarisation, or of weights.
    before : (points,) array_like
        What it was before, in the same unit, at least 0.
    sem : (points,) array_like or None
        Standard errors of the changes. None: equal and unknown ones.
    cell : (points,) array_like or None
        Label of the cell of each point, where each row is a place of one cell; cells may have any numbers of rows, each
        of which counts alike. Cells then are the conditions that are left out, and ``intervals="cells"`` draws whole
        cells, since places of one cell are not independent.
    fixed : dict of str to float
        Parameters that are not free: ``tau_ET``, ``tau_IS`` (ms), ``a_plus``, ``b_plus``, ``a_minus``, ``b_minus``,
        ``share`` (one over the depolarisation of full weights), ``rise``, ``fall``.
    inflate : bool
        Multiply the standard errors by the root of ``chi^2`` per degree of freedom, where it is above 1, before the
        intervals (Birge's ratio): bins of one cell are not independent. Not for ``intervals="cells"``.
    width : float
        As of :meth:`synfwp.plasticity.BTSP.integrals`, ms.
    plateau : float
        Length of the plateau, ms.
    dt : float
        Step of the integrals, ms.
    starts : int
        Random starts.
    intervals : "profile", "bootstrap", "cells" or "none"
    level : float
        Of the intervals, from 0 to 1.
    draws : int
        Of the bootstrap.
    seed : int
    threads : int or None
        Threads of the starts and draws; None takes the processors at hand.

    Returns
    -------
    ModelFit
        Its rule is a `BTSP`.

    Raises
    ------
    ValueError, TypeError
        For arrays that do not fit each other, or unknown names.

    Examples
    --------
    >>> rule, t = BTSP("milstein2021_fig5"), np.linspace(-4000.0, 4000.0, 9)
    >>> both, before = rule.integrals(t, dt=50.0), np.repeat([0.5, 6.0], 9)
    >>> data = [both @ [(1 - 0.1 * v) * 5.0, -0.2 * v] for v in (0.5, 6.0)]
    >>> gates = {"a_plus": 0.5, "b_plus": 4.0, "a_minus": 0.01, "b_minus": 44.44}
    >>> found = fit_btsp(np.tile(t, 2), np.concatenate(data), before, sem=np.full(18, 0.1), fixed=gates, dt=50.0,
    ...                  starts=2, intervals="none")
    >>> {name: round(found.values[name], 2) for name in ("tau_ET", "tau_IS", "share", "rise", "fall")}
    {'tau_ET': 2500.0, 'tau_IS': 1500.0, 'share': 0.1, 'rise': 5.0, 'fall': 0.2}
    >>> round(found.rule.k_plus, 3), round(found.rule.k_minus, 3)
    (0.5, 0.2)
    """
    change, before, sem = in_one_unit(change=change, before=before, sem=sem)
    t, data = units.array(delay, "ms", "delay", ndim=1), units.array(change, "1", "change", -LARGE, LARGE, ndim=1)
    start = units.array(before, "1", "before", 0, LARGE, ndim=1)
    errors = None if sem is None else units.array(sem, "1", "sem", 1 / LARGE, LARGE, ndim=1)
    cells = None if cell is None else _labels(cell, intervals)
    given = {"delay": t, "change": data, "before": start, "sem": errors, "cell": cells}
    shapes = {name: x.shape for name, x in given.items() if x is not None}
    if len(set(shapes.values())) > 1:
        text = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"the shapes differ ({text}); pass one of each per point.")
    if intervals == "cells" and cells is None:
        raise ValueError("intervals is 'cells' but cell is None; pass the cell of each point.")
    times, where = np.unique(t, return_inverse=True)

    def rule(values: Mapping[str, float]) -> BTSP:
        gates: dict[str, Any] = {
            name: values[name] for name in ("tau_ET", "tau_IS", "a_plus", "b_plus", "a_minus", "b_minus")
        }
        return BTSP(**gates, k_plus=values["share"] * values.get("rise", 1.0), k_minus=values.get("fall", 1.0))

    def columns(values: Mapping[str, float]) -> Array:
        both = rule(values).integrals(times, width=width, plateau=plateau, dt=dt)[where]
        return np.stack([(1 - values["share"] * start) * both[:, 0], -start * both[:, 1]], axis=1)

    labels = cells if cells is not None else np.array([f"{v:g} {one:g}" for v, one in zip(start, t, strict=True)])

    def fitted(spread: Array | None, how: Any) -> ModelFit:
        return fitted_model(_BTSP, fixed, columns, ("rise", "fall"), data, spread, None, labels, rule, how)

    how, once = (starts, intervals, level, draws, seed, threads), (starts, "none", level, draws, seed, threads)
    found = fitted(errors, how if errors is None and intervals != "cells" else once)
    if cells is not None and intervals == "cells":
        ends = resampled(found.estimate, cells, draws, level=level, seed=seed, workers=threads)
        found = replace(found, intervals=ends)
    elif errors is not None:
        dof = found.estimate.dof
        ratio = max(1.0, np.sqrt(found.estimate.deviance / dof)) if inflate and dof > 0 else 1.0
        if intervals != "none" or ratio > 1:
            found = fitted(errors * ratio, how)
    return replace(found, at={"delay (ms)": t.copy(), "before (unit of the data)": start.copy()})


def _labels(cell: Any, intervals: str) -> Array:
    """Cells as text; at least three to draw from."""
    labels = np.asarray(cell).astype(str)
    if intervals == "cells" and len(np.unique(labels)) < 3:
        raise ValueError(f"cell has {len(np.unique(labels))} cells; pass at least 3 for intervals='cells'.")
    return labels
