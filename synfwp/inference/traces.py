"""Short-term plasticity fitted to a voltage trace, with the time constants of synapse and membrane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks, units
from synfwp.inference.engine import Estimate, Parameter, Problem, minimise
from synfwp.inference.intervals import bootstrap, profile
from synfwp.inference.model_fits import LARGE, Array, ModelFit
from synfwp.inference.trains import SHORT_TERM
from synfwp.kernels.trace import potentials
from synfwp.spiking.short_term import ShortTerm, shares

ORDERS = 30  # of the autoregression of noise, at most
ROUGH = 2000  # samples from which a search starts, about
FACILITATION, RELEASE = (20.0, 100.0, 500.0), (0.1, 0.5)  # ms; starts beside a minimum that has no facilitation
KNOWN = {name: SHORT_TERM[name] for name in ("U", "tau_rec", "tau_facil")} | {
    "tau_syn": Parameter("tau_syn", 0.1, 100.0, "ms", log=True),
    "tau_m": Parameter("tau_m", 0.5, 500.0, "ms", log=True),
    "delay": Parameter("delay", 0.0, 10.0, "ms"),
    "A": Parameter("A", -np.inf, np.inf, "unit of the data"),
    "rest": Parameter("rest", -np.inf, np.inf, "unit of the data"),
}
LINEAR = ("A", "rest")


@dataclass(frozen=True, repr=False)
class TraceFit(ModelFit):
    """A model fitted to a trace: a `ModelFit`, the trace with the model, and the noise.

    Parameters
    ----------
    estimate : Estimate
        As of `ModelFit`; the points are the innovations of the noise, one per sample.
    intervals : dict of str to Interval
        As of `ModelFit`.
    make : callable
        From values of all parameters to the rule.
    seed : int
    trace : Dataset
        ``voltage`` and ``model`` along ``time`` (s).
    noise : (order,) array
        Coefficients of the autoregression of what the model leaves.

    Examples
    --------
    >>> from synfwp.inference import fit_short_term_trace
    >>> t, spikes = np.arange(0.0, 400.0, 1.0), np.array([50.0, 100.0, 150.0, 300.0])
    >>> share = ShortTerm(U=0.4, tau_rec=200.0, tau_facil=50.0).amplitudes(spikes)
    >>> noise = 0.002 * np.random.default_rng(0).standard_normal(t.size)
    >>> fixed = {"tau_syn": 3.0, "tau_m": 15.0, "delay": 0.0}
    >>> found = fit_short_term_trace(
    ...     t, 2.0 * potentials(t, spikes, share, 3.0, 15.0) + noise, spikes, fixed=fixed, starts=2, intervals="none")
    >>> type(found).__name__, sorted(found.trace.data_vars)
    ('TraceFit', ['model', 'voltage'])
    """

    trace: xr.Dataset | None = None
    noise: Array | None = None


def fit_short_term_trace(
    time: Any,
    voltage: Any,
    spikes: Any,
    *,
    fixed: Mapping[str, float] | None = None,
    noise: int | None = None,
    starts: int = 20,
    intervals: str = "profile",
    level: float = 0.95,
    draws: int = 1000,
    seed: Any = 0,
    threads: int | None = 1,
) -> TraceFit:
    r"""Short-term plasticity and the time constants of synapse and membrane, fitted to a voltage trace.

    .. math::
        V(t) = rest + A \sum_i s_i \, \kappa(t - t_i - delay), \qquad
        \kappa(t) \propto e^{-t / \tau_m} - e^{-t / \tau_{syn}}

    with the shares s of `ShortTerm` from rest and a peak of 1 of :math:`\kappa`: exponential synaptic currents into a
    passive membrane, for responses that are small beside the driving force. Which of the two time constants is that of
    the membrane the trace does not tell: where both are free, the larger one is called ``tau_m``.

    What the model leaves of neighbouring samples is correlated. It is taken as an autoregression, whose coefficients
    come from the residuals of a first fit; data and model are filtered by it, and fitted anew (twice), so that
    intervals rest on independent innovations. They hold what noise of the recording allows for; fluctuations of the
    release itself, which scale a whole response, are not part of it.

    Parameters
    ----------
    time : (samples,) array_like
        ms, increasing; all samples at one distance.
    voltage : (samples,) array_like
        In any unit.
    spikes : (spikes,) array_like
        Presynaptic spike times, ms, increasing; the synapse is at rest before the first.
    fixed : dict of str to float
        Parameters that are not free: ``U``, ``tau_rec``, ``tau_facil``, ``tau_syn``, ``tau_m``, ``delay`` (ms), ``A``
        (peak of a response to full release), ``rest``.
    noise : int or None
        Order of the autoregression; 0: samples are independent. None: that of the lowest BIC, at most 30.
    starts : int
        Random starts.
    intervals : "profile", "bootstrap" or "none"
    level : float
        Of the intervals, from 0 to 1.
    draws : int
        Of the bootstrap.
    seed : int
    threads : int or None
        Threads of the starts and draws; None takes the processors at hand.

    Returns
    -------
    TraceFit
        Its rule is a `ShortTerm`. Responses, from one spike to the next, are the conditions that are left out.

    Raises
    ------
    ValueError, TypeError
        For arrays that do not fit each other, times that do not increase, no spike within the trace, or unknown names.

    References
    ----------
    Tsodyks & Markram 1997, PNAS 94:719 (the model and its membrane).

    Examples
    --------
    >>> t, spikes = np.arange(0.0, 800.0, 0.5), np.r_[50.0 * np.arange(1, 9), 600.0]
    >>> share = ShortTerm(U=0.4, tau_rec=200.0, tau_facil=50.0).amplitudes(spikes)
    >>> clean = -70.0 + 2.0 * potentials(t, spikes + 1.5, share, 3.0, 15.0)
    >>> noisy = clean + 0.002 * np.random.default_rng(0).standard_normal(t.size)
    >>> found = fit_short_term_trace(t, noisy, spikes, starts=4, intervals="none")
    >>> {name: round(found.values[name], 1) for name in ("U", "tau_syn", "tau_m", "delay", "A", "rest")}
    {'U': 0.4, 'tau_syn': 3.0, 'tau_m': 15.0, 'delay': 1.5, 'A': 2.0, 'rest': -70.0}
    """
    t, data, at = _checked(time, voltage, spikes)
    checks.one_of("intervals", intervals, ("profile", "bootstrap", "none"))
    held = {checks.one_of("a fixed parameter", name, KNOWN): float(value) for name, value in (fixed or {}).items()}
    starts = checks.count("starts", starts)
    order = None if noise is None else checks.count("noise", noise, 0)
    part = np.r_[0 : t.size : max(1, t.size // ROUGH)]
    thin = _problem(t[part], data[part], at, held, np.zeros(0))
    rough = minimise(thin, starts=starts, seed=seed, threads=threads)
    again = [rough.values | {"tau_facil": facil, "U": U} | held for facil in FACILITATION for U in RELEASE]
    rough = minimise(thin, starts=0, near=[rough.values, *again], tol=1e-6)
    best = minimise(_problem(t, data, at, held, np.zeros(0)), starts=0, near=[_sorted(rough.values, held)])
    filtered = np.zeros(0)
    for _ in range(2 if order != 0 else 0):
        filtered = _autoregression(data - _model(best.values, t, at) @ _amounts(best.values), order)
        best = minimise(_problem(t, data, at, held, filtered), starts=0, near=[best.values])
    found: Mapping[str, Any] = {}
    if intervals == "profile":
        best, found = profile(best, level)
    elif intervals == "bootstrap":
        found = bootstrap(best, draws, level=level, seed=seed, workers=threads)[1]
    return TraceFit(best, found, _rule, seed, trace=_labelled(t, data, best, at), noise=filtered)


def _checked(time: Any, voltage: Any, spikes: Any) -> tuple[Array, Array, Array]:
    """Times, voltages and spikes as arrays."""
    if isinstance(voltage, xr.DataArray):
        voltage = voltage.values  # the unit of A and rest, whatever it is
    t = units.array(time, "ms", "time", ndim=1)
    data = units.array(voltage, "1", "voltage", -LARGE, LARGE, ndim=1)
    at = units.array(spikes, "ms", "spikes", ndim=1)
    if t.shape != data.shape:
        raise ValueError(f"time has {t.size} entries but voltage {data.size}; pass one voltage per sample.")
    if t.size <= 2 * ORDERS:
        raise ValueError(f"the trace has {t.size} samples; pass at least {2 * ORDERS + 1}.")
    steps = np.diff(t)
    if not np.all(np.abs(steps - np.median(steps)) < 0.01 * np.median(steps)):
        raise ValueError("time does not rise by equal steps; resample the trace, or pass one stretch of it at a time.")
    if (np.diff(at) < 0).any():
        raise ValueError("spikes do not increase; pass presynaptic spikes in order.")
    if not ((at >= t[0]) & (at < t[-1])).any():
        raise ValueError(
            f"no spike lies within the trace, {t[0]:g} to {t[-1]:g} ms; pass time and spikes on one clock, in ms."
        )
    return t, data, at


def _model(values: Mapping[str, float], t: Array, at: Array) -> Array:
    """(samples, 2) what one of A and of rest adds."""
    share = shares(np.diff(at, prepend=at[:1]), values["U"], values["tau_rec"], values["tau_facil"])
    found = np.ones((t.size, 2))
    found[:, 0] = potentials(t, at + values["delay"], share, values["tau_syn"], values["tau_m"])
    return found


def _amounts(values: Mapping[str, float]) -> Array:
    return np.array([values[name] for name in LINEAR])


def _problem(t: Array, data: Array, at: Array, held: Mapping[str, float], filtered: Array) -> Problem:
    """Least squares of the innovations of a noise."""
    taps = np.r_[1.0, -filtered]

    def columns(values: Mapping[str, float]) -> Array:
        plain = _model(values, t, at)
        return plain if taps.size == 1 else np.stack([np.convolve(one, taps, "valid") for one in plain.T], axis=1)

    free = tuple(p for name, p in KNOWN.items() if name not in held)
    response = np.searchsorted(at, t[filtered.size :], "right")
    return Problem(lambda values: columns(values) @ _amounts(values), np.convolve(data, taps, "valid"), free, held,
                   linear=LINEAR, columns=columns, condition=response)  # fmt: skip


def _sorted(values: Mapping[str, float], held: Mapping[str, float]) -> dict[str, float]:
    """The values with the larger time constant as that of the membrane, unless one of them is given."""
    if {"tau_syn", "tau_m"} & set(held):
        return dict(values)
    low, high = sorted((values["tau_syn"], values["tau_m"]))
    return dict(values) | {"tau_syn": low, "tau_m": high}


def _autoregression(residual: Array, order: int | None) -> Array:
    """Coefficients by least squares, of the given order or of the lowest BIC."""
    most = ORDERS if order is None else order
    past = np.lib.stride_tricks.sliding_window_view(residual, most + 1)[:, ::-1]  # now, one before, two before, ...
    moments = past.T @ past
    found, criteria = [], []
    for p in range(most + 1):
        one = np.linalg.lstsq(moments[1 : p + 1, 1 : p + 1], moments[1 : p + 1, 0], rcond=None)[0]
        left = moments[0, 0] - one @ moments[1 : p + 1, 0]
        found.append(one)
        criteria.append(len(past) * np.log(max(left, 1e-300)) + p * np.log(len(past)))
    return found[int(np.argmin(criteria)) if order is None else order]


def _rule(values: Mapping[str, float]) -> ShortTerm:
    return ShortTerm(U=values["U"], tau_rec=values["tau_rec"], tau_facil=values["tau_facil"])


def _labelled(t: Array, data: Array, best: Estimate, at: Array) -> xr.Dataset:
    """Trace and model along time in s."""
    model = _model(best.values, t, at) @ _amounts(best.values)
    named = {"voltage": ("recorded", data.copy()), "model": ("fitted", model)}
    made = {
        name: ("time", x, {"units": "unit of the data", "long_name": f"membrane potential, {how}"})
        for name, (how, x) in named.items()
    }
    return xr.Dataset(made, {"time": ("time", t / 1000, {"units": "s", "long_name": "time"})})
