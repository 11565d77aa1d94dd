"""What is kept of an item while others are written over it, by the delta rule and by a leaky Hebb rule.

Unit keys in random directions and unit values of mean zero, in one pass; d is the number of key features, an age the
number of later writes. A signal is the part of a read along the stored value, noise the squared length of the rest.
"""

from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks
from synfwp.theory.formulas import DERIVED, formula, plain
from synfwp.theory.interference import sign_error

Array = np.ndarray
PASS = "one pass, unit keys in random directions, unit values of mean 0"
STEPS = 400  # of write that `delta_lifetime` tries


@overload
def delta_norm(beta: float, d_key: float) -> float: ...
@overload
def delta_norm(beta: ArrayLike, d_key: ArrayLike) -> Array: ...
@formula(kind="exact", condition="delta rule after many writes; " + PASS, source="widrow1985")
def delta_norm(beta: Any, d_key: Any) -> Any:
    """Stationary ``|W|_F^2 = d beta / (2 - beta)`` of the delta rule, unit random keys and values.

    Parameters
    ----------
    beta : float or array
        Write strength, below 2.
    d_key : int

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> delta_norm(1.0, 64)
    64.0
    """
    d, rate = checks.array("d_key", d_key, 1), _below_two(beta)
    return plain(d * rate / (2 - rate))


@overload
def delta_signal(age: float, d_key: float, beta: float = 1.0) -> float: ...
@overload
def delta_signal(age: ArrayLike, d_key: ArrayLike, beta: ArrayLike = 1.0) -> Array: ...
@formula(kind="exact", condition="delta rule; " + PASS, source="widrow1985")
def delta_signal(age: Any, d_key: Any, beta: Any = 1.0) -> Any:
    """What is left of an item after ``age`` later writes: ``beta (1 - beta / d)^age``.

    Parameters
    ----------
    age : int or array
        Number of later writes.
    d_key : int
    beta : float or array
        Write strength, below 2.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(delta_signal(64, 64), 3)
    0.365
    """
    d, rate = checks.array("d_key", d_key, 1), _below_two(beta)
    return plain(rate * (1 - rate / d) ** checks.array("age", age, 0))


@overload
def delta_noise(age: float, d_key: float, beta: float = 1.0, writes: int | None = None) -> float: ...
@overload
def delta_noise(age: ArrayLike, d_key: ArrayLike, beta: ArrayLike = 1.0, writes: int | None = None) -> Array: ...
@formula(kind="exact", condition="delta rule; " + PASS, source=DERIVED)
def delta_noise(age: Any, d_key: Any, beta: Any = 1.0, writes: int | None = None) -> Any:
    """Squared length of what a read of an item of some age has beside its signal: ``x_n - s_n^2``.

    ``x_n = E |W k|^2`` obeys ``x_{n+1} = x_n (1 - 2 b/d + 2 b^2/(d (d+2))) + b^2 F/(d (d+2)) + b^2/d``, from
    ``x_0 = b^2 + (1 - b)^2 F/d``, with b the write strength and F the squared norm of W before each write, which grows
    as ``d b/(2 - b) (1 - (1 - b (2 - b)/d)^t)``: moments of a random direction to the fourth. Here it is solved.

    Parameters
    ----------
    age : int or array
        Number of later writes.
    d_key : int
    beta : float or array
        b, below 2.
    writes : int, optional
        All writes so far; without it, many.

    Returns
    -------
    float or array
        A key that was never stored has ``beta / (2 - beta)``.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(delta_noise(0, 64, beta=0.5), 3), round(delta_noise(10**4, 64, beta=0.5), 3)
    (0.083, 0.333)
    """
    n, d, b = checks.array("age", age, 0), checks.array("d_key", d_key, 1), _below_two(beta)
    norm, keep = d * b / (2 - b), 1 - b * (2 - b) / d
    own = 1 - 2 * b / d + 2 * b**2 / (d * (d + 2))
    limit = b * (1 + d * b / ((d + 2) * (2 - b))) / (2 * (1 - b / (d + 2)))
    first = 0.0  # what the norm lacks before and after the item itself
    after = 0.0
    if writes is not None:
        before = checks.count("writes", writes) - n - 1
        if (before < 0).any():
            raise ValueError(f"age holds {n.max():g} but there are {writes} writes; pass ages below that.")
        first, after = keep**before, keep ** (before + 1)
    x = limit + (b**2 + (1 - b) ** 2 * norm * (1 - first) / d - limit) * own**n
    x = x - norm * after * (keep**n - own**n) / d
    return plain(x - (b * (1 - b / d) ** n) ** 2)


@formula(kind="exact", condition="delta rule; " + PASS, source=DERIVED)
def delta_squared_error(age: int, writes: int, d_key: int, beta: float = 1.0) -> float:
    """Squared error of an item of some age after ``writes`` writes: ``(1 - s)^2`` and the noise beside it.

    Parameters
    ----------
    age, writes, d_key : int
        Writes after the item, all writes, and d.
    beta : float
        Write strength, below 2.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(delta_squared_error(31, 128, 64), 2)
    0.72
    """
    for name, value, low in (("writes", writes, 1), ("age", age, 0), ("d_key", d_key, 1)):
        checks.count(name, value, low)
    if age >= writes:
        raise ValueError(f"age is {age} but there are {writes} writes; pass an age below that.")
    return float((1 - delta_signal(age, d_key, beta)) ** 2 + delta_noise(age, d_key, beta, writes))


@formula(
    kind="asymptotic",
    condition="delta rule, values with at least 32 features, mean over all P items; " + PASS,
    source=DERIVED,
    band=0.015,
)
def delta_cosine(pairs: int, d_key: int, beta: float = 1.0) -> float:
    """Mean recall cosine of P pairs that the delta rule wrote once each: of ``s_n / sqrt(s_n^2 + noise_n)`` by age.

    Parameters
    ----------
    pairs, d_key : int
        P and d.
    beta : float
        Write strength, below 2.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(delta_cosine(64, 64), 3), round(delta_cosine(64, 64, 0.5), 3)
    (0.676, 0.744)
    """
    return float(np.mean(1 / np.sqrt(1 + 1 / np.maximum(_delta_snr(pairs, d_key, beta), 1e-300))))


@formula(
    kind="approximate",
    condition="delta rule, values +-1, normal noise (d of at least 16), mean over all P items; one pass, unit keys in "
    "random directions",
    source=DERIVED,
    band=0.015,
)
def delta_sign_error(pairs: int, d_key: int, beta: float = 1.0) -> float:
    """Share of wrong signs among P pairs that the delta rule wrote once each: the mean over ages of that at their SNR.

    Parameters
    ----------
    pairs, d_key : int
        P and d.
    beta : float
        Write strength, below 2.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(delta_sign_error(64, 64), 3), round(delta_sign_error(64, 64, 0.1), 3)
    (0.173, 0.146)
    """
    return float(np.mean(sign_error(_delta_snr(pairs, d_key, beta))))


@formula(kind="exact", condition="delta rule after many writes; " + PASS, source=DERIVED)
def delta_lifetime(threshold: float, d_key: int, beta: float | None = None) -> int:
    """The last age at which the delta rule has ``s_n^2 / (x_n - s_n^2)`` of at least a threshold.

    Parameters
    ----------
    threshold : float
        Signal over noise, from 0.001 to 1000.
    d_key : int
        At least 2.
    beta : float, optional
        Write strength, below 2; without it, the best one, to a share of 0.006 or less.

    Returns
    -------
    int
        -1 where the newest item is below the threshold.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [delta_lifetime(x, 64) for x in (10, 3, 1, 0.3, 0.1)]
    [3, 9, 27, 84, 242]
    """
    theta, d = checks.number("threshold", threshold, 1e-3, 1e3), checks.count("d_key", d_key, 2)
    b = np.geomspace(min(theta, 0.2), 1.7, STEPS) if beta is None else np.atleast_1d(_below_two(beta))

    def above(n: Array) -> Array:
        signal = delta_signal(n, d, b) ** 2
        return np.asarray(signal >= theta * np.maximum(delta_noise(n, d, b), 0))

    low, high = np.full(len(b), -1.0), np.ceil(20 * d / b + 20)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        good = above(np.maximum(middle, 0)) & (middle >= 0)
        low, high = np.where(good, middle, low), np.where(good, high, middle)
    return int(low.max())


@overload
def leaky_snr(age: float, d_key: float, decay: float) -> float: ...
@overload
def leaky_snr(age: ArrayLike, d_key: ArrayLike, decay: ArrayLike) -> Array: ...
@formula(
    kind="asymptotic",
    condition="leaky Hebb rule, slow decay (1 - a^2 of at most 0.05), after many writes; " + PASS,
    source=DERIVED,
    band=0.06,
    relative=True,
)
def leaky_snr(age: Any, d_key: Any, decay: Any) -> Any:
    """Signal over noise of an item by age in ``W <- a W + v k^T``: ``d (1 - a^2) a^(2 n)``.

    The signal is ``a^n``, and the other items have the squared length ``1 / (d (1 - a^2))``, of which the item itself
    is not taken off.

    Parameters
    ----------
    age : int or array
        n, number of later writes.
    d_key : int
    decay : float or array
        a, from 0 to below 1.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(leaky_snr(0, 64, 0.98), 3)
    2.534
    """
    n, d, a = checks.array("age", age, 0), checks.array("d_key", d_key, 1), checks.array("decay", decay, 0, 1 - 1e-12)
    return plain(d * (1 - a**2) * a ** (2 * n))


@formula(
    kind="asymptotic",
    condition="leaky Hebb rule at its best decay, threshold of at most d / 50; " + PASS,
    source=DERIVED,
    band=0.05,
    relative=True,
)
def leaky_lifetime(threshold: float, d_key: int, decay: float | None = None) -> float:
    """The age at which a leaky Hebb rule falls to a threshold: ``ln(d (1 - a^2) / theta) / ln(1 / a^2)``.

    At the best decay it is below ``d / (e theta)``, which is reached for slow decay, ``1 - a = e theta / (2 d)``.

    Parameters
    ----------
    threshold : float
        Signal over noise.
    d_key : int
    decay : float, optional
        a; without it, the best one.

    Returns
    -------
    float
        0 where the newest item is below the threshold.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [round(leaky_lifetime(x, 64), 1) for x in (10, 3, 1, 0.3, 0.1)]
    [1.9, 7.4, 23.0, 78.0, 234.9]
    """
    theta, d = checks.number("threshold", threshold, 1e-6, 1e6), checks.count("d_key", d_key)
    if decay is not None:
        lost = np.atleast_1d(1 - checks.number("decay", decay, 1e-6, 1 - 1e-9) ** 2)
    else:
        lost = np.geomspace(1e-4 * min(1.0, theta / d), 1 - 1e-9, 20001)
    life = np.log(d / theta * lost) / -np.log1p(-lost)
    return float(max(0.0, life.max()))


def _delta_snr(pairs: int, d_key: int, beta: float) -> Array:
    """Signal over noise of each of P items, the newest first."""
    P, d = checks.count("pairs", pairs, 1, 10**6), checks.count("d_key", d_key)
    ages = np.arange(P)
    noise = np.maximum(delta_noise(ages, d, checks.number("beta", beta), P), 1e-150)
    return np.asarray(np.square(delta_signal(ages, d, beta)) / noise)


def _below_two(beta: Any) -> Array:
    """Write strengths at which the delta rule is stable."""
    rate = checks.array("beta", beta, 0, above=True)
    if (rate >= 2).any():
        raise ValueError(f"beta holds {float(rate.max())!r}; pass numbers below 2, where the rule is stable.")
    return rate
