"""How much any learning can store: threshold units, units of one sign, clipped synapses, and familiarity alone."""

from decimal import Decimal, localcontext
from math import comb
from statistics import NormalDist

import numpy as np

from synfwp import checks
from synfwp.theory.formulas import formula

WILLSHAW_BITS = np.log(2)  # bits per synapse of clipped synapses with sparse patterns, half of them on
PERCEPTRON_LOAD = 2.0  # pairs per synapse of a threshold unit that learns until it is right (Cover 1965; Gardner 1988)
DALE_LOAD = 1.0  # the same where every synapse has a sign of its own (Brunel et al. 2004)
DALE_SILENT = 0.5  # share of the synapses that are 0 at that load
MOST = 20000  # pairs or features that a sum of binomial coefficients takes


@formula(
    kind="exact",
    condition="random signs as targets, inputs in general position, no bias; learning until it is right",
    source="cover1965; gardner1988",
)
def perceptron_feasible(pairs: int, d_key: int) -> float:
    """How often a threshold unit can learn P random answers: ``2^(1 - P) sum_{i < d} C(P - 1, i)``, 1/2 at P = 2 d.

    Parameters
    ----------
    pairs, d_key : int
        P and d, the number of synapses.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(perceptron_feasible(200, 100), 9)
    0.5
    """
    P, d = checks.count("pairs", pairs, 1, MOST), checks.count("d_key", d_key, 1, MOST)
    return _up_to(d, P - 1)


@formula(
    kind="exact",
    condition="random signs as targets, inputs of symmetric features in general position, no bias; each synapse has a "
    "sign of its own, learning until it is right",
    source="cover1965; wendel1962; brunel2004",
)
def dale_feasible(pairs: int, d_key: int) -> float:
    """How often a threshold unit whose synapses keep their signs can learn P answers: 1/2 at P = d.

    The d signs are d more answers that the weights have to give, to inputs along the axes, and by symmetry as good as
    random ones: ``2^(1 - P - d) sum_{i < d} C(P + d - 1, i)``. At the capacity half of the synapses are 0.

    Parameters
    ----------
    pairs, d_key : int
        P and d, the number of synapses.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [round(dale_feasible(n, 100), 2) for n in (60, 80, 90, 100, 110)]
    [1.0, 0.93, 0.77, 0.5, 0.24]
    """
    P, d = checks.count("pairs", pairs, 1, MOST), checks.count("d_key", d_key, 1, MOST)
    return _up_to(d, P + d - 1)


@formula(
    kind="exact",
    condition="clipped Hebbian synapses, k of N units active in each pattern of a pair, drawn independently",
    source="willshaw1969",
)
def willshaw_fill(pairs: int, units: int, active: int) -> float:
    """Share of the synapses that are on after P pairs: ``1 - (1 - (k / N)^2)^P``, 1/2 at ``P = ln 2 (N / k)^2``.

    Parameters
    ----------
    pairs, units, active : int
        P, N and k.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(willshaw_fill(710, 1024, 32), 3)
    0.5
    """
    P, N, k = _sparse(pairs, units, active)
    return -float(np.expm1(P * np.log1p(-((k / N) ** 2)))) if k < N else 1.0


@formula(
    kind="exact",
    condition="clipped Hebbian synapses, k of N units active in each pattern of a pair, drawn independently; "
    "threshold k, no error in the query",
    source="willshaw1969",
)
def willshaw_spurious(pairs: int, units: int, active: int) -> float:
    """Mean number of units that answer without being asked, among the N - k that do not belong to a pair.

    By inclusion and exclusion over the s inputs that do not reach such a unit, whatever the other pairs are:
    ``(N - k) sum_s (-1)^s C(k, s) (1 - k/N (1 - C(N - s, k) / C(N, k)))^(P - 1)``. Synapses as if independent would
    give ``(N - k) fill^k``, which is less, since synapses onto one unit are on together.

    Parameters
    ----------
    pairs, units, active : int
        P, N and k (at most 64).

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [round(willshaw_spurious(P, 1024, k), 3) for P, k in ((11357, 8), (7268, 10), (2839, 16))]
    [4.502, 1.274, 0.042]
    """
    P, N, k = _sparse(pairs, units, active)
    checks.count("active", k, 1, 64)
    with localcontext() as context:
        context.prec = 60 + k  # terms of the size of C(k, k/2) cancel
        share, total = Decimal(k) / N, Decimal(0)
        for s in range(k + 1):
            missed = Decimal(comb(N - s, k)) / comb(N, k)
            total += (-1) ** s * comb(k, s) * (1 - share * (1 - missed)) ** (P - 1)
        return float((N - k) * total)


@formula(
    kind="asymptotic",
    condition="Hebbian matrix of N units without self-connections, patterns +-1, novelty from x^T W x with the "
    "threshold in the middle; many units and patterns",
    source="bogacz2003",
    band=0.1,
    relative=True,
)
def familiarity_capacity(units: int, error: float = 0.01) -> float:
    """Patterns that are told from new ones at a share of errors: ``N^2 / (8 z^2)``, 0.0231 N^2 at 1 %.

    A stored pattern has the energy ``N^2`` more than a new one, with the SD ``N sqrt(2 P)`` in both, so that
    ``z = N / sqrt(8 P)`` SDs lie between each and the threshold.

    Parameters
    ----------
    units : int
        N.
    error : float
        Share of wrong answers, below 1/2.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(familiarity_capacity(100), 1)
    231.0
    """
    N, share = checks.count("units", units, 2), checks.number("error", error, 1e-12, 0.499)
    return N**2 / (8 * NormalDist().inv_cdf(1 - share) ** 2)


def _up_to(terms: int, n: int) -> float:
    """``2^-n sum_{i < terms} C(n, i)``."""
    if terms > n:
        return 1.0
    i = np.arange(1, terms)
    logs = np.concatenate([[0.0], np.cumsum(np.log(n - i + 1) - np.log(i))]) - n * np.log(2)
    return float(min(1.0, np.exp(logs).sum()))


def _sparse(pairs: int, units: int, active: int) -> tuple[int, int, int]:
    """P, N and k of at most N."""
    N = checks.count("units", units, 1)
    return checks.count("pairs", pairs), N, checks.count("active", active, 1, N)
