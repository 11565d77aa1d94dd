"""The price of spikes in closed form: how well what spikes write agrees with the ideal outer products."""

from typing import Any

import numpy as np

from synfwp import checks, units
from synfwp.theory.formulas import DERIVED, formula

MOST = 1e60  # spikes of a neuron in a window: of more, the fourth power overflows


@formula(
    kind="approximate",
    condition="one pair, Poisson counts of rates uniform on (0, r_max), one neuron per feature; at least 2 spikes",
    source=DERIVED,
    band=0.02,
)
def count_cosine(spikes: float) -> float:
    """Cosine of one outer product of Poisson counts with the ideal one, rates uniform on (0, r_max).

    ``1 / (1 + 1.5 / (r_max T))``, with ``spikes = r_max T``.

    Parameters
    ----------
    spikes : float
        Expected spikes at the peak rate in one window.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(count_cosine(10.0), 3)
    0.87
    """
    return 1 / (1 + 1.5 / checks.number("spikes", spikes, 0, above=True))


@formula(
    kind="approximate",
    condition="one pair, Poisson spikes, traces of a window that is long against tau; at least 5 spikes at the peak",
    source=DERIVED,
    band=0.02,
)
def trace_cosine(rho: float, T: float, tau: float) -> float:
    """Cosine of one outer product written by spike traces with the ideal one.

    ``(1 + 2 rho/T + rho^2/(4 tau T))^(-1/2)`` with
    ``rho = <r> / <r^2>`` in ms, window T and trace time constant tau in ms. A ratio of means stands for a mean of
    ratios: for uniform rates it is within 0.02 from 5 expected spikes at the peak rate on, and 0.03 off at 2
    (``spike_budget`` measures it).

    Parameters
    ----------
    rho : float (ms)
        Mean rate over mean squared rate.
    T : float (ms)
        Window.
    tau : float (ms)
        Time constant of the traces.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(trace_cosine(rho=15.0, T=100.0, tau=20.0), 3)
    0.868
    """
    rho = units.number(rho, "ms", "rho", 0)
    T, tau = (units.number(x, "ms", name, 0, above=True) for x, name in ((T, "T"), (tau, "tau")))
    return float((1 + 2 * rho / T + (rho / tau) * (rho / T) / 4) ** -0.5)


@formula(
    kind="approximate",
    condition="Poisson spikes, Hebbian sums of at least 8 items and 16 features, a ratio of means for a mean of ratios",
    source=DERIVED,
    band=0.02,
)
def hebb_agreement(k: Any, v: Any, spikes: float, tau: float | None = None, T: float = 1.0) -> float:
    """Centred correlation of a Hebbian sum of items, written by spikes, with the ideal one: a ratio of variances.

    ``(S / (S + N))^(1/2)``: S is the variance of the entries of ``sum_t v_t k_t^T``, and N the mean variance that
    Poisson spikes add to them, ``sum_t (k^2 |v| + k v^2) / n + k |v| / m`` for rates relative to the peak, with
    ``m = n^2`` for counts and ``m = 4 tau n^2 / T`` for traces (T long against tau). Values are signed, push and pull.

    Parameters
    ----------
    k, v : (T, d_k) and (T, d_v) array
        Items; the largest key and the largest value are sent at the peak rate.
    spikes : float
        n, expected spikes at the peak rate in one window, over all neurons of a feature.
    tau, T : float
        Time constant of the traces and window in ms; without tau, counts.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> round(hebb_agreement(rng.uniform(0, 1, (8, 50)), rng.standard_normal((8, 50)), 10.0), 2)
    0.76
    """
    k, v = (checks.array(name, x, ndim=2) for x, name in ((k, "k"), (v, "v")))
    if len(k) != len(v) or not k.any() or not v.any():
        raise ValueError(f"k has shape {k.shape} and v {v.shape}; pass as many of both, not all of them 0.")
    spikes = checks.number("spikes", spikes, 1 / MOST, MOST)
    T = units.number(T, "ms", "T", 0, above=True)
    tau = None if tau is None else units.number(tau, "ms", "tau", 0, above=True)
    k, v = k / np.abs(k).max(), v / np.abs(v).max()
    size = np.abs(v)
    double = spikes * spikes * (1.0 if tau is None else 4 * tau / T)
    single = np.einsum("tj,ti->ij", k**2, size) + np.einsum("tj,ti->ij", k, v**2)
    noise = (single / spikes + np.einsum("tj,ti->ij", k, size) / double).mean()
    signal = np.einsum("tj,ti->ij", k, v).var()
    return float(np.sqrt(signal / (signal + noise)))
