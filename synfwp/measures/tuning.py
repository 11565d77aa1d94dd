"""Tuning curves, and how selective they are."""

from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks
from synfwp.measures import samples

Array = np.ndarray


def tuning_curves(response: Array, stimulus: Array) -> xr.Dataset:
    """Mean response to each stimulus with its standard error, and a test whether it depends on the stimulus.

    Parameters
    ----------
    response : (trials, neurons) array
        Spike counts or rates.
    stimulus : (trials,) array
        Numbers or text.

    Returns
    -------
    xarray.Dataset
        Along ``stimulus`` and ``neuron``: ``response`` and ``response_error`` (NaN for one trial); along ``stimulus``:
        ``trials``; along ``neuron``: ``F`` and ``p`` of the analysis of variance (NaN for a neuron that does not vary
        within stimuli, or without two trials of a stimulus).

    Raises
    ------
    TypeError, ValueError
        For another number of stimuli than of trials, or what is no finite number.

    Examples
    --------
    >>> found = tuning_curves([[1.0, 2.0], [3.0, 2.0], [8.0, 2.0], [8.0, 3.0]], ["left", "left", "right", "right"])
    >>> found.response.sel(stimulus="right").values.tolist(), found.F.values.round(1).tolist()
    ([8.0, 2.5], [36.0, 1.0])
    """
    given = checks.array("response", response, ndim=2)
    samples.table("response", given)
    scaled, power = samples.ordinary(given)
    names, codes = samples.coded("stimulus", stimulus, len(scaled))
    groups = [scaled[codes == i] for i in range(len(names))]
    mean = np.stack([one.mean(axis=0) for one in groups])
    none = np.full(scaled.shape[1], np.nan)
    error = np.stack([one.std(axis=0, ddof=1) / len(one) ** 0.5 if len(one) > 1 else none for one in groups])
    F, p = _variance_ratio(groups, mean)
    of = ("stimulus", "neuron")
    return xr.Dataset(
        {
            "response": (of, np.ldexp(mean, power), {"long_name": "mean response"}),
            "response_error": (of, np.ldexp(error, power), {"long_name": "standard error of the mean"}),
            "trials": ("stimulus", np.bincount(codes), {"long_name": "number of trials"}),
            "F": ("neuron", F, {"units": "1", "long_name": "variance ratio"}),
            "p": ("neuron", p, {"units": "1", "long_name": "p value of the variance ratio"}),
        },
        {"stimulus": names},
    )


def _variance_ratio(groups: list[Array], mean: Array) -> tuple[Array, Array]:
    """F and p of each neuron by SciPy, where noise is more than rounding."""
    from scipy.stats import f_oneway

    n = mean.shape[1]
    F, p = np.full(n, np.nan), np.full(n, np.nan)
    if len(groups) < 2 or sum(map(len, groups)) <= len(groups):
        return F, p
    inside = sum(np.square(one - m).sum(axis=0) for one, m in zip(groups, mean, strict=True))
    size = sum(np.square(one).sum(axis=0) for one in groups)
    noisy = inside > 1e-24 * size
    if noisy.any():
        F[noisy], p[noisy] = f_oneway(*(one[:, noisy] for one in groups))
    return F, p


def selectivity(curve: Array, kind: str = "contrast", angles: Array | None = None) -> Array:
    r"""How selective a neuron is for some stimuli, from 0 (all alike) to 1.

    Parameters
    ----------
    curve : (stimuli, neurons) or (stimuli,) array
        Mean rates, at least 0.
    kind : str
        ``"contrast"``: ``(max - min) / (max + min)``. ``"sparseness"``: ``(1 - (mean r)^2 / mean r^2) / (1 - 1/n)``.
        ``"direction"`` and ``"orientation"``: the length of the mean vector, ``|sum r exp(i m a)| / sum r`` with m = 1
        and 2 (one minus the circular variance).
    angles : (stimuli,) array, optional
        Of the stimuli in radians, for the last two.

    Returns
    -------
    (neurons,) or () array
        NaN for a neuron that is silent.

    Raises
    ------
    TypeError, ValueError
        For an unknown kind, angles that are missing or not needed, rates below 0, or fewer than two stimuli.

    References
    ----------
    Vinje & Gallant 2000, Science 287:1273 (sparseness); Mazurek, Kager & Van Hooser 2014, Front Neural Circuits 8:92
    (vectors).

    Examples
    --------
    >>> selectivity([[1.0, 2.0], [3.0, 2.0]]).tolist(), selectivity([0.0, 4.0], "sparseness").item()
    ([0.5, 0.0], 1.0)
    """
    given = checks.array("curve", curve, 0.0)
    if given.ndim not in (1, 2) or given.shape[0] < 2 or 0 in given.shape:
        raise ValueError(f"curve has shape {given.shape}; pass (stimuli, neurons) or (stimuli,), at least two stimuli.")
    checks.one_of("kind", kind, (*_INDICES, *_TURNS))
    rate = samples.ordinary(given)[0]
    if kind in _TURNS:
        if angles is None:
            raise ValueError(f"angles is None; kind {kind!r} needs the angle of each stimulus in radians.")
        angle = checks.array("angles", angles, ndim=1)
        if angle.shape != rate.shape[:1]:
            raise ValueError(f"angles has shape {angle.shape} for {len(rate)} stimuli; pass one for each.")
        top, total = np.abs(np.exp(1j * _TURNS[kind] * _turned(angle)) @ rate), rate.sum(axis=0)
    else:
        if angles is not None:
            raise ValueError(f"angles are of no use to kind {kind!r}; leave them out.")
        top, total = _INDICES[kind](rate)
    return np.divide(top, total, out=np.full(total.shape, np.nan), where=total > 0)


def _turned(angle: Array) -> Array:
    """Angles within one turn."""
    return np.remainder(angle, 2 * np.pi)


def _contrast(rate: Array) -> tuple[Any, Any]:
    """Numerator and denominator."""
    high, low = rate.max(axis=0), rate.min(axis=0)
    return high - low, high + low


def _sparseness(rate: Array) -> tuple[Any, Any]:
    """Numerator and denominator; rates of each neuron by its largest, so that no square is lost."""
    high = rate.max(axis=0)
    share = np.divide(rate, high, out=np.zeros(rate.shape), where=high > 0)
    square = np.square(share).mean(axis=0)
    return (square - share.mean(axis=0) ** 2) / (1 - 1 / len(rate)), square


_INDICES = {"contrast": _contrast, "sparseness": _sparseness}
_TURNS = {"direction": 1, "orientation": 2}
