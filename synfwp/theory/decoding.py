"""What a decoder makes of a read: the right one of many values, signs, and the bits that a synapse stores so."""

from math import erfc
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks
from synfwp.theory.formulas import formula, plain
from synfwp.theory.interference import sign_error

Array = np.ndarray

HEBB_BITS = 1 / (np.pi * np.log(2))  # bits per synapse of Hebb for P >> d, where almost every second sign is wrong
SIGN_BITS = HEBB_BITS * 2 / np.pi  # the same, of the sign of each weight alone
REACH, NODES = 9.0, 1201  # of the trapezoidal rule over normal scores: right to rounding


@formula(
    kind="approximate",
    condition="Hebb at beta 1, unit keys and unit values in random directions, d_k and d_v of at least 16; the value "
    "with the largest product with the read",
    source="nichani2024",
    band=0.04,
)
def argmax_accuracy(pairs: int, d_key: int, d_value: int, candidates: int | None = None) -> float:
    """How often the stored value has the largest product with what a Hebbian memory of P pairs recalls.

    ``int phi(x; 1, s^2) Phi(x / sigma(x))^(V - 1) dx``, with ``s^2 = (P - 1) / (d_k d_v)``. The product with the stored
    value is x; a candidate with the overlaps a of its key and b of its value has ``b x + a + n``, n with the variance
    s^2. Candidates that were never stored have no key, and ``sigma^2 = s^2 + x^2 / d_v``. Of stored ones
    ``sigma^2 = s^2 + 1 / d_k``: the part b is left out, since it also adds ``a b`` to x, so that the gap of the two is
    ``(1 - a) (1 - b)``. It is too large for that by up to 0.035; `stored_accuracy` counts both.

    Parameters
    ----------
    pairs, d_key, d_value : int
        P, d_k and d_v.
    candidates : int, optional
        V, values of which few were stored; without it the candidates are the P stored values.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(argmax_accuracy(25, 16, 16), 3), round(argmax_accuracy(200, 64, 64, candidates=1000), 3)
    (0.738, 0.813)
    """
    P, d_k, d_v = (checks.count(name, n) for name, n in zip(NAMES, (pairs, d_key, d_value), strict=True))
    V = P if candidates is None else checks.count("candidates", candidates)
    variance = (P - 1) / d_k / d_v
    z = np.linspace(-REACH, REACH, NODES)
    x = 1 + np.sqrt(variance) * z
    sigma = np.sqrt(variance + (1 / d_k if candidates is None else x**2 / d_v))
    weight = np.exp(-(z**2) / 2)
    return float(weight @ _normal(x / np.maximum(sigma, 1e-150)) ** (V - 1) / weight.sum())


@formula(
    kind="approximate",
    condition="as of `argmax_accuracy`, the candidates are the stored values",
    source="nichani2024",
    band=0.05,
)
def stored_accuracy(pairs: int, d_key: int, d_value: int) -> float:
    """`argmax_accuracy` among the stored values with both overlaps of a candidate, on the sphere.

    With v the stored value, the read is ``x v + R``, and R has length r in the d_v - 1 directions across v. A candidate
    with the overlaps a of its key and b of its value has the product ``b x + a (1 - b^2) + r sqrt(1 - b^2) c``, c the
    cosine of a random direction with R. It wins where this is above x. Given x, a and b have the density
    ``f(a) f(b) phi(x; 1 + a b, s^2)``, since ``a b`` is a part of x. What is neglected: that candidates share R beyond
    its length, which makes it too small, by up to 0.05 at d = 16 and 0.02 from d = 48 on.

    Parameters
    ----------
    pairs, d_key, d_value : int
        P, d_k and d_v; at least 3 pairs, 4 features each.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(stored_accuracy(256, 64, 64), 2)
    0.75
    """
    P, d_k, d_v = (
        checks.count(name, n, low) for name, n, low in zip(NAMES, (pairs, d_key, d_value), (3, 4, 4), strict=True)
    )
    a, b, weight = _overlaps(d_k, d_v)
    s = np.sqrt((P - 1) / d_k / d_v)
    z = np.linspace(-7, 7, 101)
    spread = 2 / 9 / (d_v - 1)  # of the squared length of R, a chi-squared number: Wilson & Hilferty 1931
    score = np.linspace(-4, 4, 9)
    length = np.sqrt((P - 2) / d_k * (1 - 1 / d_v)) * np.maximum(1 - spread + score * np.sqrt(spread), 0.01) ** 1.5
    found = total = 0.0
    for x in 1 + s * z:
        posterior = weight * np.exp(-(((x - 1 - a * b) / s) ** 2) / 2)
        mass = posterior.sum()
        needed = (1 - b) * (x - a * (1 + b)) / np.sqrt(1 - b**2)
        lost = np.array([posterior @ _above(needed / r, d_v - 1) for r in length]) / max(mass, 1e-300)
        share = np.exp(-(score**2) / 2)
        found += mass * float(share @ (1 - lost) ** (P - 1)) / share.sum()
        total += mass
    return float(found / total)


@overload
def bits_per_synapse(pairs: float, d_key: float, error: float) -> float: ...
@overload
def bits_per_synapse(pairs: ArrayLike, d_key: ArrayLike, error: ArrayLike) -> Array: ...
@formula(
    kind="exact",
    condition="values +-1 with equal chances, wrong independently of each other and as often either way",
    source="shannon1948",
)
def bits_per_synapse(pairs: Any, d_key: Any, error: Any) -> Any:
    """Information that a synapse stores: ``(P / d) (1 - H2(p))`` bits, with the share p of wrong signs.

    Each of d synapses of an output serves P binary values, and ``H2(p) = -p log2 p - (1 - p) log2(1 - p)``.

    Parameters
    ----------
    pairs, d_key : int or array
        P and d.
    error : float or array
        p: measured, or `hebb_sign_error`, `sign_weights_error` or `least_squares_sign_error`.

    Returns
    -------
    float or array
        Bits. Of Hebb, it tends to `HEBB_BITS` for many pairs, with one bit for each weight to `SIGN_BITS`.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> bits_per_synapse(64, 64, 0.0), bits_per_synapse(64, 64, 0.5)
    (1.0, 0.0)
    """
    P, d, p = (*_sizes(pairs, d_key, 0), checks.array("error", error, 0, 1))
    inside = np.clip(p, 1e-300, 1 - 1e-16)
    entropy = np.where((p > 0) & (p < 1), -inside * np.log2(inside) - (1 - inside) * np.log1p(-inside) / np.log(2), 0)
    return plain(P / d * (1 - entropy))


@overload
def sign_weights_error(pairs: float, d_key: float) -> float: ...
@overload
def sign_weights_error(pairs: ArrayLike, d_key: ArrayLike) -> Array: ...
@formula(
    kind="approximate",
    condition="Hebb, keys and values +-1, the sign of each weight alone is kept, d odd (a sum of 0 has no sign); at "
    "least 16 pairs and features",
    source="sompolinsky1986",
    band=0.005,
)
def sign_weights_error(pairs: Any, d_key: Any) -> Any:
    """Share of wrong signs that weights of one bit leave: ``erfc(sqrt(d / (pi P))) / 2``, 2/pi of the SNR.

    Parameters
    ----------
    pairs, d_key : int or array
        P and d.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(sign_weights_error(201, 401), 4)
    0.1299
    """
    P, d = _sizes(pairs, d_key)
    return sign_error(2 * d / (np.pi * P))


@overload
def least_squares_sign_error(pairs: float, d_key: float) -> float: ...
@overload
def least_squares_sign_error(pairs: ArrayLike, d_key: ArrayLike) -> Array: ...
@formula(
    kind="approximate",
    condition="the matrix of least squares, values +-1, keys in random directions, d of at least 16; P a share above d",
    source="kohonen1973",
    band=0.01,
)
def least_squares_sign_error(pairs: Any, d_key: Any) -> Any:
    """Share of wrong signs of the matrix of least squares: ``erfc(sqrt(d / (2 (P - d)))) / 2``, and none up to P = d.

    A key keeps its leverage d/P of its own value, with the variance ``d/P (1 - d/P)`` of those of the others.

    Parameters
    ----------
    pairs, d_key : int or array
        P and d.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> least_squares_sign_error(64, 64), round(least_squares_sign_error(256, 64), 3)
    (0.0, 0.282)
    """
    P, d = _sizes(pairs, d_key)
    return plain(np.where(d < P, sign_error(d / np.maximum(P - d, 1e-9)), 0.0))


NAMES = ("pairs", "d_key", "d_value")


def _sizes(pairs: Any, d_key: Any, least: int = 1) -> tuple[Array, Array]:
    """P of at least ``least``, and d of at least 1."""
    return checks.array("pairs", pairs, least), checks.array("d_key", d_key, 1)


def _normal(x: Array) -> Array:
    """The cumulative distribution of a standard normal number."""
    return np.asarray(np.vectorize(erfc, otypes=[float])(-x / np.sqrt(2)) / 2)


def _overlaps(*sizes: int) -> list[Array]:
    """Overlaps (a, b) of two pairs of unit vectors of d_k and of d_v features, and the weight of each."""
    node, weight = np.polynomial.legendre.leggauss(41)
    parts = []
    for d in sizes:
        reach = min(1.0, 7 / np.sqrt(d))
        angle = reach * node * np.pi / 2
        mass = weight * np.cos(angle) ** (d - 2)
        parts.append((np.sin(angle), mass / mass.sum()))
    (a, f), (b, g) = parts
    joint = np.outer(f, g)
    keep = joint > 1e-12
    return [np.broadcast_to(a[:, None], joint.shape)[keep], np.broadcast_to(b, joint.shape)[keep], joint[keep]]


def _above(cosine: Array, d: int) -> Array:
    """How often the cosine of two random directions in d dimensions is above a number."""
    angle = np.linspace(0, np.pi, 2001)
    density = np.sin(angle) ** (d - 2)
    mass = np.concatenate([[0.0], np.cumsum(density[1:] + density[:-1])])
    return np.asarray(np.interp(np.arccos(np.clip(cosine, -1, 1)), angle, mass / mass[-1]))
