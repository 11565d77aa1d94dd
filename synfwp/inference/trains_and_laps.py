"""Fits of short-term plasticity to amplitudes of trains, and of BTSP to changes around a plateau, with intervals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from synfwp import checks, shown, units
from synfwp.inference.engine import Estimate, Parameter, Problem, minimise
from synfwp.inference.intervals import Interval, bootstrap, left_out, profile
from synfwp.plasticity import BTSP, SpikeResponse
from synfwp.plasticity.spike_response import sigmoids
from synfwp.spiking.short_term import ShortTerm, shares

__all__ = ["ModelFit", "fit_btsp", "fit_short_term"]

Array = np.ndarray
LARGE = 1e60  # beyond it squares of data over standard errors leave the floats
# bounds, unit and scale of the search
_SHORT_TERM = {
    "U": Parameter("U", 1e-3, 1.0),
    "tau_rec": Parameter("tau_rec", 1.0, 1e4, "ms", log=True),
    "tau_facil": Parameter("tau_facil", 0.1, 5e3, "ms", log=True),
    "A": Parameter("A", 0.0, np.inf, "unit of the data"),
}
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

    Examples
    --------
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

    def __repr__(self) -> str:
        """One line."""
        problem = self.estimate.problem
        name = type(self.rule).__name__
        return shown.cut(
            f"ModelFit({name}: E = {self.error:.3g}, {problem.points} points, {len(problem.free)} free)", shown.ROOM
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
        return float(np.mean(left_out(self.estimate, seed=self.seed) ** 2))

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


def fit_short_term(
    times: Any,
    amplitudes: Any,
    train: Any = None,
    *,
    sem: Any = None,
    model: str = "tsodyks_markram",
    kernels: int = 1,
    fixed: Mapping[str, float] | None = None,
    starts: int = 20,
    intervals: str = "profile",
    level: float = 0.95,
    draws: int = 1000,
    seed: Any = 0,
) -> ModelFit:
    """Short-term plasticity fitted to the amplitudes of one or several trains at once, each from rest.

    Parameters
    ----------
    times : (points,) array_like
        Spike times, ms, increasing within each train.
    amplitudes : (points,) array_like
        Amplitudes of the responses.
    train : (points,) array_like or None
        Label of the train of each point; trains are the conditions that are left out. None: all are one train.
    sem : (points,) array_like or None
        Standard errors of the amplitudes. None: equal and unknown ones.
    model : "tsodyks_markram" or "spike_response"
        `ShortTerm` (``U``, ``tau_rec``, ``tau_facil`` in ms, amplitude ``A`` of full release), or
        :class:`synfwp.plasticity.SpikeResponse` (``baseline``, ``a_1``, ``tau_1``, ..., ``A``).
    kernels : int
        Parts of the kernel of ``"spike_response"``.
    fixed : dict of str to float
        Parameters that are not free.
    starts : int
        Random starts.
    intervals : "profile", "bootstrap" or "none"
    level : float
    draws : int
        Of the bootstrap.
    seed : int

    Returns
    -------
    ModelFit

    Raises
    ------
    ValueError, TypeError
        For arrays that do not fit each other, or unknown names.

    Examples
    --------
    >>> import synfwp as fw
    >>> table = fw.load_table("kohus2016_trains")
    >>> found = fit_short_term(table.t_spike_ms, table.amplitude_rel, table.train_hz, starts=4)
    >>> found.table().round(2).loc["U", ["value", "low", "high"]].tolist(), found.table().constrained["tau_facil"]
    ([0.13, 0.11, 0.15], np.False_)
    """
    amplitudes, sem = _in_one_unit(amplitudes=amplitudes, sem=sem)
    at, data = (
        units.array(times, "ms", "times", ndim=1),
        units.array(amplitudes, "1", "amplitudes", -LARGE, LARGE, ndim=1),
    )
    if at.shape != data.shape:
        raise ValueError(f"times has {len(at)} entries but amplitudes {len(data)}; pass one amplitude per spike.")
    labels = np.zeros(len(at)) if train is None else np.asarray(train)
    if labels.shape != at.shape:
        raise ValueError(f"train has shape {labels.shape} but times {at.shape}; pass one label per spike.")
    places = [np.flatnonzero(labels == label) for label in dict.fromkeys(labels.tolist())]
    for one in places:
        if (np.diff(at[one]) < 0).any():
            raise ValueError(f"times of train {labels[one[0]]} do not increase; pass spikes of a train in order.")
    checks.one_of("model", model, ("tsodyks_markram", "spike_response"))
    make, known, share = _tsodyks() if model == "tsodyks_markram" else _response(checks.count("kernels", kernels))

    def columns(values: Mapping[str, float]) -> Array:
        found = np.empty(len(at))
        for one in places:
            found[one] = share(values, at[one])
        return found[:, None]

    errors = None if sem is None else units.array(sem, "1", "sem", 1 / LARGE, LARGE, ndim=1)
    return _fitted(known, fixed, columns, ("A",), data, errors, labels, make, (starts, intervals, level, draws, seed))


def _in_one_unit(**data: Any) -> list[Any]:
    """Numbers of data whose unit does not matter, as long as it is one."""
    named = {name: str(x.attrs.get("units", "")) for name, x in data.items() if isinstance(x, xr.DataArray)}
    if len(set(filter(None, named.values()))) > 1:
        text = ", ".join(f"{name} in {unit!r}" for name, unit in named.items())
        raise ValueError(f"the data have several units ({text}); pass all in one.")
    return [x.values if name in named else x for name, x in data.items()]


def fit_btsp(
    delay: Any,
    change: Any,
    before: Any,
    *,
    sem: Any,
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
    sem : (points,) array_like
        Standard errors of the changes.
    fixed : dict of str to float
        Parameters that are not free: ``tau_ET``, ``tau_IS`` (ms), ``a_plus``, ``b_plus``, ``a_minus``, ``b_minus``,
        ``share`` (one over the depolarisation of full weights), ``rise``, ``fall``.
    inflate : bool
        Multiply the standard errors by the root of ``chi^2`` per degree of freedom, where it is above 1, before the
        intervals (Birge's ratio): bins of one cell are not independent.
    width, plateau, dt
        As of :meth:`synfwp.plasticity.BTSP.integrals`.
    starts, intervals, level, draws, seed
        As of `fit_short_term`.

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
    change, before, sem = _in_one_unit(change=change, before=before, sem=sem)
    t, data = units.array(delay, "ms", "delay", ndim=1), units.array(change, "1", "change", -LARGE, LARGE, ndim=1)
    start, errors = (
        units.array(before, "1", "before", 0, LARGE, ndim=1),
        units.array(sem, "1", "sem", 1 / LARGE, LARGE, ndim=1),
    )
    if not t.shape == data.shape == start.shape == errors.shape:
        raise ValueError(
            f"delay, change, before and sem have shapes {t.shape}, {data.shape}, {start.shape} and {errors.shape}; "
            "pass one of each per point."
        )
    times, where = np.unique(t, return_inverse=True)

    def rule(values: Mapping[str, float]) -> BTSP:
        gates: dict[str, Any] = {
            name: values[name] for name in ("tau_ET", "tau_IS", "a_plus", "b_plus", "a_minus", "b_minus")
        }
        return BTSP(**gates, k_plus=values["share"] * values.get("rise", 1.0), k_minus=values.get("fall", 1.0))

    def columns(values: Mapping[str, float]) -> Array:
        both = rule(values).integrals(times, width=width, plateau=plateau, dt=dt)[where]
        return np.stack([(1 - values["share"] * start) * both[:, 0], -start * both[:, 1]], axis=1)

    def fitted(spread: Array, how: Any) -> ModelFit:
        conditions = np.array([f"{v:g} {one:g}" for v, one in zip(start, t, strict=True)])
        return _fitted(_BTSP, fixed, columns, ("rise", "fall"), data, spread, conditions, rule, how)

    how = starts, intervals, level, draws, seed
    found = fitted(errors, (starts, "none", *how[2:]))
    dof = found.estimate.dof
    ratio = max(1.0, np.sqrt(found.estimate.deviance / dof)) if inflate and dof > 0 else 1.0
    return found if intervals == "none" and ratio == 1 else fitted(errors * ratio, how)


def _fitted(
    known: Mapping[str, Parameter],
    fixed: Mapping[str, float] | None,
    columns: Callable[[Mapping[str, float]], Array],
    linear: tuple[str, ...],
    data: Array,
    sem: Array | None,
    condition: Array,
    make: Callable[[Mapping[str, float]], Any],
    how: tuple[int, str, float, int, Any],
) -> ModelFit:
    """The best values and their intervals."""
    starts, kind, level, draws, seed = how
    checks.one_of("intervals", kind, ("profile", "bootstrap", "none"))
    held = {checks.one_of("a fixed parameter", name, known): float(value) for name, value in (fixed or {}).items()}
    free = tuple(p for name, p in known.items() if name not in held)
    problem = Problem(lambda values: columns(values) @ np.array([values[n] for n in linear]), data, free, held, sem,
                      linear=linear, columns=columns, condition=condition)  # fmt: skip
    best = minimise(problem, starts=checks.count("starts", starts), seed=seed)
    found: Mapping[str, Interval] = {}
    if kind == "profile":
        best, found = profile(best, level)
    elif kind == "bootstrap":
        found = bootstrap(best, draws, level=level, seed=seed)[1]
    return ModelFit(best, found, make, seed)


def _tsodyks() -> tuple[Any, dict[str, Parameter], Any]:
    """How a rule is made of values, the parameters, and what it releases."""

    def make(values: Mapping[str, float]) -> ShortTerm:
        return ShortTerm(U=values["U"], tau_rec=values["tau_rec"], tau_facil=values["tau_facil"])

    def share(values: Mapping[str, float], times: Array) -> Array:
        return shares(np.diff(times, prepend=times[:1]), values["U"], values["tau_rec"], values["tau_facil"])

    return make, dict(_SHORT_TERM), share


def _response(parts: int) -> tuple[Any, dict[str, Parameter], Any]:
    """The same for a kernel of so many parts."""
    known = {"baseline": Parameter("baseline", -10.0, 10.0)}
    for j in range(1, parts + 1):
        known[f"a_{j}"] = Parameter(f"a_{j}", -1e4, 1e4, "ms")
        known[f"tau_{j}"] = Parameter(f"tau_{j}", 1.0, 1e4, "ms", log=True)

    def make(values: Mapping[str, float]) -> SpikeResponse:
        return SpikeResponse(
            baseline=values["baseline"],
            amplitudes=tuple(values[f"a_{j}"] for j in range(1, parts + 1)),
            taus=tuple(values[f"tau_{j}"] for j in range(1, parts + 1)),
        )

    def share(values: Mapping[str, float], times: Array) -> Array:
        one = range(1, parts + 1)
        return sigmoids(times, values["baseline"], tuple(values[f"a_{j}"] for j in one),
                        tuple(values[f"tau_{j}"] for j in one))  # fmt: skip

    return make, known | {"A": _SHORT_TERM["A"]}, share
