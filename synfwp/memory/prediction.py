"""What a set of keys, such as rates of a recording, lets a memory hold: closed forms, before anything is simulated."""

from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks, results, theory, units

Array = np.ndarray
KINDS = {
    "hebb": theory.FORMULAS["kernel_load"].kind,
    "covariance": theory.FORMULAS["kernel_load"].kind,
    "least_squares": theory.FORMULAS["least_squares_cosine"].kind,
}
D = 64  # of the formula of a leaky rule, which depends on d over the threshold alone
SLOW = 1e-6  # threshold over d below which the best decay is slow


def predict_capacity(keys: Any, *, cosine: float = 2**-0.5, threshold: float = 1.0) -> xr.Dataset:
    """How many pairs, and for how long, memories hold under the keys of a recording, by closed forms.

    Pairs are written once under keys that are drawn from these, values have mean zero. A matrix of Hebb's rule has
    ``1 / SNR = (P - 1) I`` with the interference ``I = E (k . k')^2 / (E |k|^2)^2`` of different keys, and recalls
    with a cosine of ``1 / sqrt(1 + 1 / SNR)``; the covariance rule has the same law with the interference of keys
    without their mean, which it has to know, and least squares recalls with ``sqrt(rank / P)``.

    Parameters
    ----------
    keys : (n, d) array
        At least two samples of d features (units, channels); a DataArray needs the dim ``key`` or ``unit``, and another
        one. The scale drops out.
    cosine : float
        The mean cosine of recall, from 0.001 to 0.999999, at which capacity is taken; at 0.707 signal and noise are
        equal.
    threshold : float
        The ratio of squared signal to noise, from 0.001 to 1000, down to which an item counts as remembered by
        memories that are written to all the time.

    Returns
    -------
    xarray.Dataset
        ``rank``; ``effective_rank``, the exponential of the entropy of the singular values of the keys over their sum;
        ``overlap``, ``E k . k' / E |k|^2`` of different keys; ``interference (centring)`` and its inverse, the
        ``participation_ratio (centring)`` of the second moment, both without the bias of few samples and with or
        without the mean of the keys; ``capacity (rule)`` in pairs with ``capacity_kind``; and ``lifetime (fading)``
        in writes, counted as `retention` does, with ``lifetime_kind``, each at its best decay or step. Keys that never
        overlap have an infinite capacity; the rank, and so that of least squares, is at most the number of samples.

    Raises
    ------
    TypeError, ValueError
        For keys that are no such array, fewer than two, or all the same, and numbers out of their ranges.

    Notes
    -----
    The law is exact for keys of equal length. A covariance rule that learns the mean on the way holds less: 41 pairs of
    49 expected, of 48 features. The lifetimes are those of random directions in a space of as many dimensions as the
    participation ratio; for others they are approximate. The delta rule, which corrects for what keys share, then lasts
    longer: 6 writes of 4 expected, of 48 rectified normal features.

    References
    ----------
    Kohonen 1972 (interference of a correlation matrix); Kohonen & Ruohonen 1973 (least squares); Roy & Vetterli 2007,
    EUSIPCO, 606 (effective rank).

    Examples
    --------
    >>> keys = np.random.default_rng(0).standard_normal((500, 32))
    >>> ds = predict_capacity(keys / np.linalg.norm(keys, axis=1, keepdims=True))
    >>> ds.capacity.values.round().tolist()
    [33.0, 33.0, 64.0]
    """
    k = _samples(keys)
    level = checks.number("cosine", cosine, 1e-3, 1 - 1e-6)
    theta = checks.number("threshold", threshold, 1e-3, 1e3)
    interference = np.array([theory.key_interference(k, centred) for centred in (False, True)])
    sizes = np.linalg.svd(k, compute_uv=False)
    share, rank = sizes[sizes > 0] / sizes.sum(), int(np.linalg.matrix_rank(k))
    with np.errstate(divide="ignore"):
        ratio = 1 / interference
    loads = [_load(level, x) for x in interference]
    one, pairs = {"units": "1"}, {"units": "1", "long_name": f"pairs at a recall cosine of {level:.3g}"}
    variables: dict[str, Any] = {
        "rank": ((), rank, one | {"long_name": "rank of the keys"}),
        "effective_rank": ((), float(np.exp(-(share * np.log(share)).sum())), one | {"long_name": "effective rank"}),
        "overlap": ((), theory.key_overlap(k), one | {"long_name": "mean product of keys over their mean square"}),
        "interference": ("centring", interference, one | {"long_name": "interference of two keys"}),
        "participation_ratio": ("centring", ratio, one | {"long_name": "participation ratio of the keys"}),
        "capacity": ("rule", [*loads, rank / level**2], pairs),
        "capacity_kind": ("rule", list(KINDS.values()), {"long_name": "kind of the formula"}),
        "lifetime": (
            "fading",
            [_leaky(theta, interference[0]), _delta(theta, interference[0])],
            {"units": "1", "long_name": f"writes until signal over noise is {theta:g}"},
        ),
        "lifetime_kind": ("fading", ["approximate", "approximate"], {"long_name": "kind of the formula"}),
    }
    coords = {
        "centring": ("centring", ["keys", "keys without their mean"], {"long_name": "what the rule writes"}),
        "rule": ("rule", list(KINDS), {"long_name": "rule"}),
        "fading": ("fading", ["leaky_hebb", "delta"], {"long_name": "rule that forgets"}),
    }
    attrs = results.provenance({"keys": k, "cosine": level, "threshold": theta}, 0)
    return results.dataset(variables, coords, **attrs)


def _samples(keys: Any) -> Array:
    """Keys (n, d) in units of their largest number."""
    if hasattr(keys, "dims") and hasattr(keys, "coords"):
        features = [str(dim) for dim in keys.dims if str(dim).partition("_")[0] in ("key", "unit")]
        if len(keys.dims) != 2 or len(features) != 1:
            raise ValueError(f"keys has dims {keys.dims}; pass two, of which one is key or unit.")
        keys = units.to_float(keys.transpose(..., features[0]).data, "1", "keys")
    found = checks.array("keys", keys, ndim=2)
    if len(found) < 2 or not found.any():
        raise ValueError(f"keys has shape {found.shape}; pass at least two samples, not all of them 0.")
    if (found == found[0]).all():
        raise ValueError("keys are all the same; pass samples of which at least two differ.")
    return np.asarray(found / np.abs(found).max())


def _load(cosine: float, interference: float) -> float:
    """Pairs at a recall cosine."""
    snr = cosine**2 / (1 - cosine**2)
    return float(theory.kernel_load(snr, interference)) if interference > 1e-100 else np.inf


def _leaky(threshold: float, interference: float) -> float:
    """Writes that a leaky Hebb rule remembers at its best decay: a number of d over the threshold alone."""
    x = threshold * interference
    if x < SLOW:
        return np.floor(1 / (np.e * x)) + 1 if x > 0 else np.inf
    last = theory.leaky_lifetime(min(x * D, 1e6), D)
    return float(np.floor(last) + 1) if last > 0 else 0.0


def _delta(threshold: float, interference: float) -> float:
    """Writes that a delta rule remembers at its best step: the last age counts, and so does the newest item."""
    if interference <= 1 / checks.MOST:
        return np.inf
    return float(theory.delta_lifetime(threshold, max(2, round(1 / interference))) + 1)
