"""Synapses with a memory of their own, as chains: the cascade of Fusi, Drew & Abbott and the one of Benna & Fusi.

N synapses are to change up or down, each with the same chance, and later patterns are as random. The SNR is the sum of
the weights along the tracked changes over its SD without it; at age 0 the pattern has just been stored. Both signals
are sums of exponentials, so that ages of any size take no time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks, owned
from synfwp.theory.formulas import formula, plain
from synfwp.theory.synapses import CHANGES, LATEST, ages, size_of, sum_of_powers

Array = np.ndarray


@formula(kind="exact", condition="the cascade at its equilibrium, x = 1/2 by default; " + CHANGES, source="fusi2005")
def cascade_snr(age: ArrayLike, synapses: float, levels: int, x: float = 0.5) -> Array:
    """SNR of a pattern in cascade synapses of two strengths with n levels each, as a Markov chain.

    A wanted flip from level k happens with the chance ``q_k = x^(k - 1)`` (the last ``x^(n - 1) / (1 - x)``) and leads
    to level 1 of the other strength; where the strength is the wanted one, the level k rises with
    ``p_k = x^k / (1 - x)``. In equilibrium all 2 n states are equally full, so that the SNR begins at
    ``2 sqrt(N) / n`` for x = 1/2.

    Parameters
    ----------
    age : int or array
        Later changes.
    synapses : float
        N.
    levels : int
        n, from 2 to 40.
    x : float
        Ratio of the chances of neighbouring levels, at most 1/2.

    Returns
    -------
    array
        Of the shape of ``age``.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> cascade_snr([0, 100], 10**4, 10).round(3).tolist()
    [20.0, 0.82]
    """
    n, ratio = checks.count("levels", levels, 2, 40), checks.number("x", x, 0.05, 0.5)
    return np.asarray(np.sqrt(size_of(synapses)) * sum_of_powers(*_cascade(n, ratio), ages(age)))


@formula(kind="exact", condition="the cascade at its equilibrium, x = 1/2 by default; " + CHANGES, source="fusi2005")
def cascade_lifetime(synapses: float, levels: int, x: float = 0.5) -> int:
    """The last age at which cascade synapses have an SNR above 1.

    Parameters
    ----------
    synapses : float
        N.
    levels : int
        n, from 2 to 40.
    x : float
        Ratio of the chances of neighbouring levels, at most 1/2.

    Returns
    -------
    int
        -1 where the newest pattern is below 1.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [[cascade_lifetime(N, n) for N in (1e4, 1e6, 1e8)] for n in (5, 10, 15)]
    [[34, 67, 99], [76, 840, 2010], [43, 857, 11658]]
    """
    return _last(lambda t: cascade_snr(t, synapses, levels, x))


@formula(
    kind="exact",
    condition="a chain of real-valued variables, after many changes, the last one leaks; " + CHANGES,
    source="benna2016",
)
def benna_fusi_snr(age: ArrayLike, synapses: float, variables: int) -> Array:
    """SNR of a pattern in Benna and Fusi's chain of m variables, of which the first is the weight.

    ``u_1 += I - (u_1 - u_2) / 8`` and ``u_i += 2^(-2 i) (u_{i-1} - u_i) - 2^(-2 i - 1) (u_i - u_{i+1})``, with
    ``u_{m+1} = 0`` and I = +-1. The answer h of u_1 to one change is a sum of m exponentials, about ``t^(-1/2)``, and
    the SNR is ``sqrt(N) h(t) / sqrt(sum h^2)``.

    Parameters
    ----------
    age : int or array
        Later changes.
    synapses : float
        N.
    variables : int
        m, from 1 to 20.

    Returns
    -------
    array
        Of the shape of ``age``.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [round(float(benna_fusi_snr(1, 1, m)), 4) for m in (4, 6, 8, 10, 12)]
    [0.2414, 0.2048, 0.1813, 0.1645, 0.1517]
    """
    rates, weights = _benna_fusi(checks.count("variables", variables, 1, 20))
    variance = (weights[:, None] * weights / (1 - rates[:, None] * rates)).sum()
    return np.asarray(np.sqrt(size_of(synapses) / variance) * sum_of_powers(rates, weights, ages(age)))


@formula(
    kind="exact",
    condition="a chain of real-valued variables, after many changes, the last one leaks; " + CHANGES,
    source="benna2016",
)
def benna_fusi_lifetime(synapses: float, variables: int) -> int:
    """The last age at which Benna and Fusi's chain has an SNR above 1.

    Parameters
    ----------
    synapses : float
        N.
    variables : int
        m, from 1 to 20.

    Returns
    -------
    int
        -1 where the newest pattern is below 1.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [benna_fusi_lifetime(1e8, m) for m in (4, 6, 8, 10, 12)]
    [6015, 73409, 734100, 4556019, 5401120]
    """
    return _last(lambda t: benna_fusi_snr(t, synapses, variables))


@lru_cache
def _cascade(n: int, x: float) -> tuple[Array, Array]:
    """Eigenvalues of a later change, and the part of each in the signal of one synapse."""
    flip, rise = x ** np.arange(n), x ** np.arange(1, n + 1) / (1 - x)
    flip[-1], rise[-1] = x ** (n - 1) / (1 - x), 0.0
    k, up = np.arange(n), np.zeros((2 * n, 2 * n))  # weak levels, then strong ones
    up[k, k] = 1 - flip
    up[n, k] += flip
    up[n + k, n + k] = 1 - rise
    up[n + k[1:], n + k[:-1]] = rise[:-1]
    down = np.roll(up, (n, n), axis=(0, 1))
    rates, left = np.linalg.eig((up + down) / 2)
    # the equilibrium is uniform where x = 1/2; else it is the eigenvector of 1
    rest = np.real(left[:, np.argmax(rates.real)])
    parts = np.linalg.solve(left, (up - down) / 2 @ (rest / rest.sum()) + 0j)
    return owned.keep((rates + 0j, parts * (np.repeat([-1.0, 1.0], n) @ left)))


@lru_cache
def _benna_fusi(m: int) -> tuple[Array, Array]:
    """Eigenvalues of the chain, and the part of each in the answer of the first variable to one change."""
    i = np.arange(1, m + 1)
    left, right = np.where(i > 1, 2.0 ** (-2 * i), 0.0), 2.0 ** (-2 * i - 1)
    chain = np.diag(1 - left - right) + np.diag(left[1:], -1) + np.diag(right[:-1], 1)
    size = np.sqrt(2.0 ** np.arange(m))  # makes it symmetric
    rates, vectors = np.linalg.eigh(chain * size[:, None] / size)
    return owned.keep((rates, vectors[0] ** 2))


def _last(snr: Callable[[Any], Array]) -> int:
    """The last age at which a falling SNR is above 1."""
    low, high = -1, 1
    while plain(snr(high)) > 1 and high < LATEST:
        low, high = high, 2 * high
    if low == -1 and not plain(snr(0)) > 1:
        return -1
    low = max(low, 0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if plain(snr(middle)) > 1 else (low, middle)
    return low
