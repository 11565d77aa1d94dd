"""Correlation of two traces at lags, beside what unrelated traces of the same slowness would give."""

from __future__ import annotations

import numpy as np
import xarray as xr

from synfwp import checks, seeds
from synfwp.measures import samples

Array = np.ndarray


def lagged_correlation(
    x: Array,
    y: Array,
    max_lag: int,
    margin: int | None = None,
    shuffles: int = 200,
    dt: float = 1.0,
    seed: seeds.Seed = 0,
) -> xr.Dataset:
    """Correlation of x with y at lags, and p values of its largest size by shuffles and by time shifts.

    Samples of a slow trace depend on each other: two unrelated ones correlate, and a test that shuffles samples calls
    that significant. Time shifts keep both traces as they are: the middle of x is compared with y at its own time and
    with y further away, without a wrap-around (the linear shift of Harris 2020, which needs one of the two to be
    stationary; circular shifts fail where both drift). Shuffles exchange samples, or, of several trials, whole trials.

    Parameters
    ----------
    x, y : (samples,) or (trials, samples) arrays
        Of trials, each is taken off its own mean, and products are added.
    max_lag : int
        Largest lag in samples; at a positive lag, y follows x.
    margin : int, optional
        Samples at both ends in which y is shifted and x is left out; the null holds ``2 (margin - 3 max_lag)`` shifts.
        A quarter of the samples if left out.
    shuffles : int
        Of samples, or of trials.
    dt : float
        Between samples, for the coordinate.
    seed : int, SeedSequence or Generator

    Returns
    -------
    xarray.Dataset
        Along ``lag`` (in the unit of ``dt``): ``correlation``; ``largest`` (its largest size); along ``null``
        ("shuffle", "shift"): ``p`` (share of the null whose largest size over as many lags is at least that) and
        ``limit`` (95 % of the null lie below).

    Raises
    ------
    TypeError, ValueError
        For arrays of different shape, traces too short for margin and lags, or a trace that does not vary.

    References
    ----------
    Harris 2020, bioRxiv 2020.11.29.402719.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).normal(size=400)
    >>> found = lagged_correlation(x, np.roll(x, 3), max_lag=5)
    >>> found.correlation.idxmax().item(), round(float(found.largest), 6), bool((found.p < 0.02).all())
    (3.0, 1.0, True)
    """
    x, y = _traces("x", x), _traces("y", y)
    if x.shape != y.shape:
        raise ValueError(f"y has shape {y.shape} and x {x.shape}; pass traces of the same samples.")
    T, most = x.shape[1], checks.count("max_lag", max_lag, 0)
    margin = T // 4 if margin is None else checks.count("margin", margin)
    if margin < 3 * most + 1 or T - 2 * margin < 3:
        raise ValueError(
            f"max_lag {most} and margin {margin} do not fit {T} samples; pass a margin above 3 max_lag that leaves at "
            "least 3 samples between the two."
        )
    dt, n = checks.number("dt", dt, 0.0, above=True), checks.count("shuffles", shuffles)
    rng = samples.parts(seed, "shuffles")[0]
    middle = x[:, margin : T - margin]
    every = _correlation(middle, y)
    zero = slice(margin - most, margin + most + 1)
    found = every[zero]
    largest = float(np.abs(found).max())
    size = np.lib.stride_tricks.sliding_window_view(np.abs(every), 2 * most + 1).max(axis=1)
    away = np.abs(np.arange(len(size)) + most - margin) > 2 * most  # windows of lags that share none with the middle
    near = y[:, margin - most : T - margin + most]
    shuffled = np.array([np.abs(_correlation(middle, _shuffled(near, rng))).max() for _ in range(n)])
    nulls = {"shuffle": shuffled, "shift": size[away]}
    share = {"units": "1"}
    return xr.Dataset(
        {
            "correlation": ("lag", found, share | {"long_name": "correlation"}),
            "largest": ((), largest, share | {"long_name": "largest size of the correlation"}),
            "p": (
                "null",
                [samples.chance_of(largest, one) for one in nulls.values()],
                share | {"long_name": "p value"},
            ),
            "limit": (
                "null",
                [np.quantile(one, 0.95) for one in nulls.values()],
                share | {"long_name": "95 % of null"},
            ),
        },
        {"lag": ("lag", dt * np.arange(-most, most + 1), {"long_name": "lag"}), "null": list(nulls)},
    )


def _traces(name: str, x: Array) -> Array:
    """A trace as (trials, samples), off its mean."""
    given = checks.array(name, x)
    if given.ndim not in (1, 2) or 0 in given.shape:
        raise ValueError(f"{name} has shape {given.shape}; pass (samples,) or (trials, samples).")
    scaled = np.atleast_2d(samples.ordinary(given)[0])
    centred = scaled - scaled.mean(axis=1, keepdims=True)
    if np.linalg.norm(centred) <= 1e-14 * np.linalg.norm(scaled):
        raise ValueError(f"{name} does not vary; its correlation is undefined.")
    return centred


def _correlation(x: Array, y: Array) -> Array:
    """Pearson correlation of x (trials, n) with all windows of y (trials, more), each trial off its mean."""
    from scipy.signal import correlate

    n = x.shape[1]
    x = x - x.mean(axis=1, keepdims=True)
    across = sum(correlate(b, a, mode="valid") for a, b in zip(x, y, strict=True))
    sums = [np.cumsum(np.pad(z, ((0, 0), (1, 0))), axis=1) for z in (y, y**2)]
    total, squares = (z[:, n:] - z[:, :-n] for z in sums)
    size = np.maximum(squares - total**2 / n, 0).sum(axis=0) * np.square(x).sum()
    least = 1e-20 * np.square(y).sum() * np.square(x).sum()
    return np.clip(np.divide(across, np.sqrt(size), out=np.zeros(len(size)), where=size > least), -1, 1)


def _shuffled(y: Array, rng: np.random.Generator) -> Array:
    """Trials in another order, or samples of one."""
    return rng.permutation(y) if len(y) > 1 else rng.permutation(y[0])[None]
