"""Reads ``sum_j v_j kappa(k_j . q)``, from Hebb to softmax, in one law: ``1 / SNR = (P - 1) E kappa^2 / kappa(1)^2``.

The expectation is over x, the product of two unit keys in random directions, of the density ``(1 - x^2)^((d - 3)/2)``.
"""

from collections.abc import Callable
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks
from synfwp.theory.formulas import formula, plain

Array = np.ndarray
NODES = 120  # of the Gauss-Legendre quadrature
LAW = "unit keys in random directions, values of mean 0 that are no function of the keys"


@formula(kind="exact", condition=LAW, source="zhong2025")
def power_interference(d_key: int, degree: int = 1) -> float:
    """``E kappa^2 / kappa(1)^2`` of ``kappa(x) = x^n``: ``prod_{i<n} (2 i + 1) / (d + 2 i)``.

    n = 1 is Hebb and linear attention; n - 1 is the degree of the energy's gradient in a dense associative memory.

    Parameters
    ----------
    d_key : int
        d.
    degree : int
        n.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [float(f"{power_interference(32, n):.4g}") for n in (1, 2, 3)]
    [0.03125, 0.002757, 0.000383]
    """
    d, n = checks.count("d_key", d_key), checks.count("degree", degree, 1, 1000)
    i = 2.0 * np.arange(n)
    return float(np.prod((i + 1) / (d + i)))


@formula(kind="exact", condition=LAW + "; softmax without its denominator", source="zhong2025")
def exponential_interference(d_key: int, sharpness: float) -> float:
    """``E kappa^2 / kappa(1)^2`` of ``kappa(x) = exp(b x)``: ``0F1(; d/2; b^2) exp(-2 b)``.

    Parameters
    ----------
    d_key : int
        d.
    sharpness : float
        b, at most 300.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [float(f"{exponential_interference(32, b):.3g}") for b in (2, 4, 8)]
    [0.0235, 0.000887, 4.25e-06]
    """
    d, b = checks.count("d_key", d_key), checks.number("sharpness", sharpness, 0, 300)
    n = np.arange(1, int(20 + 4 * b))
    terms = np.cumsum(2 * np.log(max(b, 1e-150)) - np.log(n) - np.log(d / 2 + n - 1))
    return float(np.exp(-2 * b) + np.exp(terms - 2 * b).sum())


@formula(kind="exact", condition=LAW + "; a kernel that is smooth", source="zhong2025")
def kernel_interference(kernel: Callable[[Array], Array], d_key: int) -> float:
    """``E kappa^2 / kappa(1)^2`` of any kernel of the product of two unit keys, by quadrature.

    Parameters
    ----------
    kernel : callable
        kappa: of an array of products in [-1, 1], the array of its values.
    d_key : int
        d, at least 2.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(kernel_interference(lambda x: x**3, 32), 9) == round(power_interference(32, 3), 9)
    True
    """
    d = checks.count("d_key", d_key, 2)
    node, weight = np.polynomial.legendre.leggauss(NODES)
    reach = min(1.0, 12 / np.sqrt(d))  # beyond: less than e^-60 of the weight
    angle = reach * node * np.pi / 2
    weight = weight * np.cos(angle) ** (d - 2)
    values, peak = (np.asarray(kernel(x), float) for x in (np.sin(angle), np.ones(1)))
    if values.shape != angle.shape or not np.isfinite(values).all() or not np.isfinite(peak).all() or peak[0] == 0:
        raise ValueError("kernel gives no finite array of the shape of its input, or 0 at 1; pass one that does.")
    return float(weight @ np.square(values / peak[0]) / weight.sum())


@overload
def kernel_snr(pairs: float, interference: float) -> float: ...
@overload
def kernel_snr(pairs: ArrayLike, interference: ArrayLike) -> Array: ...
@formula(kind="exact", condition=LAW, source="zhong2025")
def kernel_snr(pairs: Any, interference: Any) -> Any:
    """Signal over noise of a read among P pairs: ``1 / ((P - 1) E kappa^2 / kappa(1)^2)``.

    Parameters
    ----------
    pairs : int or array
        P, at least 2.
    interference : float or array
        ``E kappa^2 / kappa(1)^2``: one of the functions beside, or `key_interference`.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> kernel_snr(33, power_interference(32))
    1.0
    """
    P, noise = checks.array("pairs", pairs, 2), checks.array("interference", interference, 1e-100)
    return plain(1 / ((P - 1) * np.minimum(noise, 1e200)))


@overload
def kernel_load(snr: float, interference: float) -> float: ...
@overload
def kernel_load(snr: ArrayLike, interference: ArrayLike) -> Array: ...
@formula(kind="exact", condition=LAW, source="zhong2025")
def kernel_load(snr: Any, interference: Any) -> Any:
    """The P at which a read has a given signal over noise: ``1 + kappa(1)^2 / (SNR E kappa^2)``.

    Parameters
    ----------
    snr : float or array
        Signal over noise.
    interference : float or array
        ``E kappa^2 / kappa(1)^2``.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(kernel_load(1.0, power_interference(32, 2))) - 1
    363
    """
    ratio, noise = checks.array("snr", snr, 1e-100, 1e100), checks.array("interference", interference, 1e-100, 1e100)
    return plain(1 + 1 / (ratio * noise))


@overload
def snr_cosine(snr: float) -> float: ...
@overload
def snr_cosine(snr: ArrayLike) -> Array: ...
@formula(
    kind="asymptotic",
    condition="noise that is as large in all directions, values with at least 32 features",
    source="zhong2025",
    band=0.01,
)
def snr_cosine(snr: Any) -> Any:
    """Recall cosine at a signal over noise: ``1 / sqrt(1 + 1 / SNR)``.

    Parameters
    ----------
    snr : float or array
        Squared length of the signal over that of the noise.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> round(snr_cosine(1.0), 3)
    0.707
    """
    ratio = checks.array("snr", snr, 0)
    return plain(np.sqrt(ratio / (1 + ratio)))
