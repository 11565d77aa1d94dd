"""How long a population of synapses keeps a pattern of changes, by the complexity of a synapse.

N synapses are to change up or down, each with the same chance, and later patterns are as random. The SNR is the sum of
the weights along the tracked changes over its SD without it; at age 0 the pattern has just been stored.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks
from synfwp.theory.formulas import DERIVED, formula

Array = np.ndarray
CHANGES = "independent synapses, up and down equally likely at each change"
MANY = 1e18  # synapses
LATEST = 1e15  # age


@formula(
    kind="exact",
    condition="binary synapses, a wanted flip happens with the chance q; " + CHANGES,
    source="amit1994; fusi2005",
)
def binary_snr(age: ArrayLike, synapses: float, flip: float) -> Array:
    """SNR of a pattern in binary synapses: ``sqrt(N) q (1 - q)^t``.

    Parameters
    ----------
    age : int or array
        t, later changes.
    synapses : float
        N.
    flip : float
        q.

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
    >>> binary_snr([0, 1], 10**4, 0.1).round(6).tolist()
    [10.0, 9.0]
    """
    t, N, q = ages(age), size_of(synapses), checks.number("flip", flip, 0, 1, above=True)
    return np.asarray(np.sqrt(N) * q * (1 - q) ** t)


@formula(
    kind="exact",
    condition="binary synapses, a wanted flip happens with the chance q; " + CHANGES,
    source="amit1994; fusi2005",
)
def binary_lifetime(synapses: float, flip: float) -> float:
    """The age at which binary synapses fall to an SNR of 1: ``ln(sqrt(N) q) / -ln(1 - q)``.

    At the best chance, ``q = e / sqrt(N)``, it is ``sqrt(N) / e``: `frontier_lifetime` of two states.

    Parameters
    ----------
    synapses : float
        N.
    flip : float
        q, below 1.

    Returns
    -------
    float
        0 where the newest pattern is below 1.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(binary_lifetime(10**4, 0.02718), 1), round(binary_lifetime(10**4, 0.1), 1)
    (36.3, 21.9)
    """
    N, q = size_of(synapses), checks.number("flip", flip, 1e-12, 1 - 1e-12)
    return max(0.0, float(np.log(np.sqrt(N) * q) / -np.log1p(-q)))


SPARSE = "a synapse of neurons with states x and y takes the sign of (x - f)(y - f), with the chance |.| / (1 - f)^2; "


@formula(kind="exact", condition=SPARSE + CHANGES, source=DERIVED)
def sparse_snr(age: ArrayLike, synapses: float, coding: float) -> Array:
    """SNR of a sparse pattern in binary synapses: ``sqrt(N) f / (1 - f) (1 - 4 f^2)^t``.

    Where both neurons are active the synapse is surely changed. The mean chance, ``4 f^2``, is the share of synapses
    that a pattern sets anew, half of them up and half down: potentiation and depression balance (Amit & Fusi 1994).

    Parameters
    ----------
    age : int or array
        t, later changes.
    synapses : float
        N.
    coding : float
        f, share of active neurons, at most 1/2.

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
    >>> sparse_snr([0, 1], 10**6, 0.1).round(4).tolist()
    [111.1111, 106.6667]
    """
    t, N, f = ages(age), size_of(synapses), checks.number("coding", coding, 0, 0.5, above=True)
    return np.asarray(np.sqrt(N) * f / (1 - f) * (1 - 4 * f**2) ** t)


@formula(kind="exact", condition=SPARSE + CHANGES, source=DERIVED)
def sparse_lifetime(synapses: float, coding: float) -> float:
    """The age at which `sparse_snr` falls to 1: ``ln(sqrt(N) f / (1 - f)) / -ln(1 - 4 f^2)``.

    For few active neurons it grows as ``1 / f^2``, at the cost of the first SNR, which falls as f.

    Parameters
    ----------
    synapses : float
        N.
    coding : float
        f, share of active neurons, below 1/2.

    Returns
    -------
    float
        0 where the newest pattern is below 1.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [round(sparse_lifetime(10**8, f), 1) for f in (0.1, 0.05, 0.01)]
    [171.8, 623.5, 11535.7]
    """
    N, f = size_of(synapses), checks.number("coding", coding, 1e-6, 0.5 - 1e-12)
    return max(0.0, float(np.log(np.sqrt(N) * f / (1 - f)) / -np.log1p(-4 * f**2)))


@formula(
    kind="asymptotic",
    condition="the longest that any synapse with M states can have; many synapses; " + CHANGES,
    source="lahiri2013",
    band=0.03,
    relative=True,
)
def frontier_lifetime(synapses: float, states: float = 2) -> float:
    """The longest time until an SNR of 1 that N synapses of M states can have: ``sqrt(N) (M - 1) / e``.

    Binary synapses with the best chance of a flip reach it at M = 2. Of a chain of variables M is the product of their
    levels.

    Parameters
    ----------
    synapses : float
        N, at least 1000.
    states : float
        M, at least 2.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [round(frontier_lifetime(10**n), 1) for n in (3, 4, 5, 6)]
    [11.6, 36.8, 116.3, 367.9]
    """
    N, M = checks.number("synapses", synapses, 1000, MANY), checks.number("states", states, 2, 1e100)
    return float(np.sqrt(N) * (M - 1) / np.e)


@formula(
    kind="exact",
    condition="binary synapses that a plateau in the neuron and an active input set anew, up or down by a fair coin",
    source="wu2025",
)
def btsp_correlation(age: ArrayLike, f_input: float, f_plateau: float) -> Array:
    """Correlation of weights with themselves t patterns ago: ``(1 - f_p f_q)^t``, the share that no pattern touched.

    Parameters
    ----------
    age : int or array
        t, later patterns.
    f_input, f_plateau : float
        Shares of patterns in which an input is active, and in which a neuron has a plateau.

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
    >>> btsp_correlation([0, 100], 0.1, 0.05).round(3).tolist()
    [1.0, 0.606]
    """
    p, q = checks.number("f_input", f_input, 0, 1), checks.number("f_plateau", f_plateau, 0, 1)
    return np.asarray((1 - p * q) ** ages(age))


@formula(
    kind="exact",
    condition="heads whose decay is 1 - 2^(-5 - h), read with weights (ln 2 / sqrt(pi)) 2^(-(5 + h) / 2)",
    source="sun2023retnet",
)
def multi_decay(age: ArrayLike, heads: int) -> Array:
    """What RetNet's decays keep of an item when their heads are read together: about ``t^(-1/2)``.

    ``t^(-1/2) = int_0^inf lambda^(-1/2) e^(-lambda t) d lambda / sqrt(pi)``, and with ``lambda = 2^(-x)`` the sum over
    integers x is the integral to 1e-5. What H heads lack is the fastest decays and the slowest: the sum is up to 7 %
    below ``t^(-1/2)`` for ages from 64 to ``2^(H - 4)``. Longer memory costs one more head for each factor of 2.

    Parameters
    ----------
    age : int or array
        t, later items.
    heads : int
        H, from 1 to 40.

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
    >>> (multi_decay([100, 1000, 4000], 16) * np.sqrt([100, 1000, 4000])).round(2).tolist()
    [0.99, 0.97, 0.94]
    """
    rate = 2.0 ** (-5 - np.arange(checks.count("heads", heads, 1, 40)))
    return sum_of_powers(1 - rate, np.log(2) / np.sqrt(np.pi) * np.sqrt(rate), ages(age))


def sum_of_powers(rates: Array, weights: Array, age: Array) -> Array:
    """``sum_j weights_j rates_j^age``."""
    with np.errstate(under="ignore"):
        return np.asarray(np.real(rates ** age[..., None] @ weights))


def ages(age: ArrayLike) -> Array:
    """Numbers of later changes."""
    return checks.array("age", age, 0, LATEST)


def size_of(synapses: float) -> float:
    """N."""
    return checks.number("synapses", synapses, 1, MANY)
