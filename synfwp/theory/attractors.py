"""A Hopfield network that forgets: the weight of a pattern falls with its age, and the newest ones are attractors.

At age a N the weight is ``Lambda(a) = eps exp(-eps^2 a / 2)`` (in units in which all squared weights add up to N). With
``m = erf(y)`` the overlap of the state, of many units at zero temperature and with symmetric replicas,
``y = Lambda m / sqrt(2 r)``, ``C = sqrt(2 / (pi r)) exp(-y^2)`` and ``r = int Lambda^2 / (1 - C Lambda)^2 da``, the
static noise of the other patterns: of equal weights this is Amit, Gutfreund & Sompolinsky's network.
"""

from math import erf

import numpy as np

from synfwp import checks
from synfwp.theory.formulas import formula

Array = np.ndarray
STATE = "many units, zero temperature, symmetric replicas, starting at the pattern"
GRID = np.linspace(0.6, 6.0, 1200)  # of y


@formula(kind="asymptotic", condition=STATE + "; at least 300 units", source="mezard1986", band=0.02)
def palimpsest_overlap(age: float, strength: float) -> float:
    """Overlap of the state with a pattern that was stored ``age`` N patterns ago; 0 where it is no attractor.

    Parameters
    ----------
    age : float
        Later patterns per unit.
    strength : float
        eps, of each new pattern.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(palimpsest_overlap(0.03, 4.1), 3), palimpsest_overlap(0.06, 4.1)
    (0.998, 0.0)
    """
    a, eps = checks.number("age", age, 0, 100), checks.number("strength", strength, 0.01, 50)
    needed, weight = _needed(eps), eps * np.exp(-(eps**2) * a / 2)
    good = np.flatnonzero(needed <= weight)
    return erf(float(GRID[good[-1]])) if len(good) else 0.0


@formula(
    kind="asymptotic",
    condition=STATE + "; of 400 units more are kept, as the transition is not sharp",
    source="mezard1986",
    band=0.3,
    relative=True,
)
def palimpsest_capacity(strength: float | None = None) -> float:
    """Patterns per unit that a forgetting Hopfield network keeps: 0.0490 at the best strength, 4.10.

    Parameters
    ----------
    strength : float, optional
        eps, of each new pattern; without it, the best one.

    Returns
    -------
    float
        The age per unit of the oldest pattern that is an attractor; 0 where even the newest is none.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(palimpsest_capacity(), 4), palimpsest_capacity(2.0)
    (0.049, 0.0)
    """
    if strength is not None:
        eps = checks.number("strength", strength, 0.01, 50)
        return max(0.0, float(2 / eps**2 * np.log(eps / _needed(eps).min())))
    low, high = 3.0, 6.0
    for _ in range(24):  # golden section
        a, b = high - (high - low) * 0.618034, low + (high - low) * 0.618034
        low, high = (low, b) if palimpsest_capacity(a) > palimpsest_capacity(b) else (a, high)
    return palimpsest_capacity((low + high) / 2)


def _needed(eps: float) -> Array:
    """The weight ``y sqrt(2 r) / erf(y)`` of a pattern whose state has a y, for each of `GRID`."""
    gain = np.exp(-(GRID**2))
    low, high = 2 / np.pi * eps**2 * gain**2 * (1 + 1e-12), np.full_like(GRID, 1e8)  # C eps below 1
    for _ in range(60):
        middle = np.sqrt(low * high)
        above = middle > _noise(np.sqrt(2 / (np.pi * middle)) * gain, eps)
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray(GRID * np.sqrt(2 * high) / np.vectorize(erf)(GRID))


def _noise(C: Array, eps: float) -> Array:
    """``int Lambda^2 / (1 - C Lambda)^2 da = 2 (ln(1 - t) + t / (1 - t)) / t^2`` with ``t = C eps``."""
    t = np.minimum(C * eps, 1 - 1e-13)
    series = 1 + 4 * t / 3  # for small t
    whole = 2 * (np.log1p(-t) + t / (1 - t)) / np.maximum(t, 1e-4) ** 2
    return np.where(t < 1e-4, series, whole)
