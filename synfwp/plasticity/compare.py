"""Rules against published tables: a rule on every protocol of a table, and the window fitted to single pairs."""

import dataclasses
from typing import Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from synfwp import results, units
from synfwp.checks import count, short
from synfwp.data import load_table
from synfwp.plasticity.protocols import from_table
from synfwp.plasticity.stdp import PairSTDP

__all__ = ["SpikeRule", "best_pair_rule", "compare_with_table", "fit_window"]


@runtime_checkable
class SpikeRule(Protocol):
    """Anything that turns two spike trains into a weight change: the rules here, a row, or a user's own.

    The change is relative, unless the rule has an attribute ``amplitude`` that is ``"absolute"``, as a row has.
    """

    def dw(self, pre: ArrayLike, post: ArrayLike) -> float:
        """Total weight change after the spike trains ``pre`` and ``post`` (ms)."""
        ...


def fit_window(dt: ArrayLike, dw: ArrayLike, n: int = 60) -> PairSTDP:
    """Least-squares exponential window, one side at a time, as a rule for single pairs.

    Minimises ``sum((dw - a exp(-|dt| / tau))^2)`` on either side of zero: for each tau the best a is linear, and tau is
    searched between a tenth of the smallest and ten times the largest lag of the side. Points at ``dt = 0`` are not
    used; choose others with a mask.

    Parameters
    ----------
    dt : (points,) array_like
        Lags, postsynaptic minus presynaptic spike, ms.
    dw : (points,) array_like
        Relative weight change after ``n`` pairs too far apart to interact.
    n : int
        Pairs behind each point; the amplitudes are divided by it.

    Returns
    -------
    PairSTDP
        With amplitudes of a single pair.

    Raises
    ------
    ValueError
        If the arrays differ in shape or are not finite, a side has fewer than three points, or no window fits them.

    Examples
    --------
    The window of Bi & Poo (1998) without the points of -4 ms < dt < 0, where both signs occur (the preset ``"bi_poo"``
    has tau_plus rounded to 14.8 ms and the amplitude 0.862 that is best there):

    >>> table = load_table("bi_poo_1998_points")
    >>> used = (table.dt_post_minus_pre_ms > 0) | (table.dt_post_minus_pre_ms < -4)
    >>> rule = fit_window(table.dt_post_minus_pre_ms[used], table.dw_rel[used])
    >>> round(60 * rule.A_plus, 3), round(rule.tau_plus, 2), round(-60 * rule.A_minus, 3), round(rule.tau_minus, 2)
    (0.863, 14.75, -0.328, 29.35)
    """
    lag, change = (np.asarray(units.to_float(x, unit, name)) for x, unit, name in ((dt, "ms", "dt"), (dw, "1", "dw")))
    if lag.ndim != 1 or lag.shape != change.shape:
        raise ValueError(f"dt has shape {lag.shape} and dw {change.shape}; pass two arrays of one shape (points,).")
    if not (np.isfinite(lag).all() and np.isfinite(change).all()):
        raise ValueError("dt or dw has a value that is not finite; leave such points out.")
    n = count("n", n)
    plus, tau_plus = _fit_side("dt > 0", lag[lag > 0], change[lag > 0])
    minus, tau_minus = _fit_side("dt < 0", -lag[lag < 0], change[lag < 0])
    return PairSTDP(A_plus=plus / n, A_minus=-minus / n, tau_plus=tau_plus, tau_minus=tau_minus)


def compare_with_table(rule: SpikeRule, table: str, *, scale: Any = None) -> xr.Dataset:
    """A rule on every protocol of a published table, beside the data.

    The protocols are those of :func:`synfwp.plasticity.protocols.from_table`. The error is
    ``E = mean((data - model)^2 / sigma^2)`` with the standard error of each point as sigma (Pfister & Gerstner
    2006); a table without standard errors takes sigma = 1, so that E is the mean squared residual.

    Parameters
    ----------
    rule : PairSTDP, TripletSTDP, a row or any object with a method ``dw(pre, post)``
    table : str
        ``"sjostrom2001_frequency_timing"``, ``"wang2005_triplets"`` or ``"bi_poo_1998_points"``.
    scale : float or None
        Of a rule whose changes are absolute, such as a `SynapticRule`: the weight, in its unit, that its changes are
        divided by. None for a rule of relative changes.

    Returns
    -------
    xarray.Dataset
        ``dw_data``, ``dw_model`` and, where published, ``dw_sem`` along ``point``, relative changes of weight; scalar
        ``error``; the coordinates of the table; attributes ``rule``, ``parameters`` (JSON, numbers that are not finite
        as text), ``scale`` where given, ``title``, ``citation``.

    Raises
    ------
    ValueError, TypeError
        If the table is unknown, the rule has no ``dw``, its changes are absolute and ``scale`` is not a finite number
        above 0, or they are relative and a ``scale`` is given.

    Examples
    --------
    >>> from synfwp.plasticity import TripletSTDP
    >>> ds = compare_with_table(TripletSTDP("visual_cortex"), "sjostrom2001_frequency_timing")
    >>> ds.dw_model.values[:5].round(3).tolist(), round(float(ds.error), 3)
    ([0.0, 0.132, 0.247, 0.534, 0.741], 0.342)
    """
    if not isinstance(rule, SpikeRule) or isinstance(rule, type):
        raise TypeError(
            f"rule is {short(rule)}; pass one with a method dw(pre, post), e.g. TripletSTDP('visual_cortex')."
        )
    size = _weight_of(rule, scale)
    model = [rule.dw(protocol.pre, protocol.post) / size for protocol in from_table(table)]
    ds = load_table(table)
    (measured,) = {"dw_mean", "dw_rel"} & set(ds.data_vars)
    ds = ds.rename({measured: "dw_data"})
    ds["dw_model"] = ("point", model, {"units": "1", "long_name": "relative change of synaptic weight, model"})
    sigma = ds.get("dw_sem", 1.0)
    ds["error"] = (((ds["dw_data"] - ds["dw_model"]) / sigma) ** 2).mean()
    ds["error"].attrs = {"units": "1", "long_name": "E, mean of (data - model)^2 / sigma^2"}
    parameters = dataclasses.asdict(rule) if dataclasses.is_dataclass(rule) else {"repr": repr(rule)}
    given = {} if scale is None else {"scale": size}
    return ds.assign_attrs(rule=type(rule).__name__, parameters=results.as_json("parameters", parameters), **given)


def best_pair_rule(table: str) -> PairSTDP:
    """Pair STDP (all-to-all) with both amplitudes and both time constants fitted to a table by least squares.

    Minimises the error E of `compare_with_table`. At given time constants the amplitudes, at least 0, are a linear
    problem; the time constants are searched from a grid of starts between 1 and 320 ms.

    Parameters
    ----------
    table : str
        As in `compare_with_table`.

    Returns
    -------
    PairSTDP

    Raises
    ------
    ValueError
        If the table is unknown.

    Examples
    --------
    >>> rule = best_pair_rule("sjostrom2001_frequency_timing")
    >>> round(float(compare_with_table(rule, "sjostrom2001_frequency_timing").error), 2)
    2.29
    """
    from scipy.optimize import minimize, nnls

    protocols = from_table(table)
    data = compare_with_table(PairSTDP("bi_poo"), table)
    sigma = data["dw_sem"].values if "dw_sem" in data else np.ones(data.sizes["point"])

    def amplitudes(log_tau: np.ndarray) -> tuple[np.ndarray, float]:
        plus, minus = np.exp(log_tau)
        sides = [PairSTDP(A_plus=a, A_minus=1 - a, tau_plus=plus, tau_minus=minus) for a in (1.0, 0.0)]
        effect = [[rule.dw(run.pre, run.post) for run in protocols] / sigma for rule in sides]
        best, misfit = nnls(np.stack(effect, axis=1), data["dw_data"].values / sigma)
        return best, float(misfit)

    starts = [np.log([plus, minus]) for plus in (5.0, 20.0, 80.0, 320.0) for minus in (1.0, 3.0, 10.0, 30.0)]
    fits = [minimize(lambda x: amplitudes(x)[1], start, method="Nelder-Mead") for start in starts]
    best = min(fits, key=lambda fit: fit.fun).x
    (a_plus, a_minus), (plus, minus) = amplitudes(best)[0], np.exp(best)
    return PairSTDP(A_plus=a_plus, A_minus=a_minus, tau_plus=plus, tau_minus=minus)


def _weight_of(rule: SpikeRule, scale: Any) -> float:
    """What the changes of a rule are divided by to be relative ones: 1, or the weight that absolute ones need."""
    if getattr(rule, "amplitude", "relative") != "absolute":
        if scale is not None:
            raise ValueError(
                f"scale is {short(scale)} but the changes of {type(rule).__name__} are relative; leave it out."
            )
        return 1.0
    if scale is None:
        raise ValueError(
            f"rule is a {type(rule).__name__}, whose changes are in the unit of the weight, but a table holds relative "
            "ones; pass scale=, the weight that they are divided by."
        )
    return units.number(scale, "1", "scale", 0, above=True)


def _fit_side(side: str, lag: np.ndarray, change: np.ndarray) -> tuple[float, float]:
    """Amplitude and time constant (ms) of ``a exp(-lag / tau)``; the amplitude is eliminated."""
    from scipy.optimize import minimize_scalar

    if lag.size < 3:
        raise ValueError(f"the side {side} has {lag.size} points; a window needs at least three on each side.")

    power = int(np.frexp(np.abs(change).max())[1])
    change = np.ldexp(change, -power)  # squares of huge ones would overflow

    def amplitude(log_tau: float) -> tuple[float, np.ndarray]:
        basis = np.exp(-lag / np.exp(log_tau))
        return float(basis @ change / (basis @ basis)), basis

    def loss(log_tau: float) -> float:
        a, basis = amplitude(log_tau)
        return float(((change - a * basis) ** 2).sum())

    grid = np.linspace(np.log(lag.min() / 10), np.log(lag.max() * 10), 100)
    best = int(np.argmin([loss(x) for x in grid]))
    if best in (0, len(grid) - 1):
        raise ValueError(f"dw of the points with {side} does not decay with the lag; no exponential window fits them.")
    found = minimize_scalar(loss, bounds=(grid[best - 1], grid[best + 1]), method="bounded", options={"xatol": 1e-10})
    return float(np.ldexp(amplitude(found.x)[0], power)), float(np.exp(found.x))
