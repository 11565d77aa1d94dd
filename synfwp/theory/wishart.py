"""Exact averages over the random matrices of least squares."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.polynomial import legendre

from synfwp import checks, owned
from synfwp.theory.formulas import formula

Array = np.ndarray

NODES = 300  # Gauss-Legendre nodes: moments come out to rounding, s / (s + x) to 1e-5 for s of 1e-5
REACH = 9.0  # singular values lie within sqrt(n) + sqrt(d) + 9: the Gaussian tail beyond is below 1e-17


@formula(kind="exact", condition="independent standard normal entries", source="debruijn1955")
def mean_sum(f: Callable[[Array], Array], rows: int, columns: int) -> float:
    r"""``E sum_i f(s_i^2)`` over the ``min(rows, columns)`` singular values s of a matrix of standard normal numbers.

    Their density is ``prod_i s_i^(n - m) e^(-s_i^2 / 2) prod_{i<j} |s_i^2 - s_j^2|``, n and m the larger and the
    smaller size. With functions phi_i (polynomials times the weight) its integral is the Pfaffian of
    ``A_ij = <phi_i, phi_j>``, ``<a, b> = int int sign(y - x) a(x) b(y) dx dy`` (de Bruijn 1955), and the average of the
    sum is the derivative of its logarithm when the weight is multiplied by ``1 + eps f``: ``tr(A^-1 dA) / 2``.

    Parameters
    ----------
    f : callable
        ``f(squares)``, for an array of squared singular values.
    rows : int
        Of the matrix.
    columns : int
        Of the matrix.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For sizes that are no integers of at least 1.

    Examples
    --------
    >>> round(mean_sum(lambda squares: 1 / squares, 12, 4), 9)  # columns / (rows - columns - 1)
    0.571428571
    """
    checks.count("rows", rows)
    checks.count("columns", columns)
    m, n = sorted((rows, columns))
    low, high = max(0.0, np.sqrt(n) - np.sqrt(m) - REACH), np.sqrt(n) + np.sqrt(m) + REACH
    node, weight, integral = _quadrature()
    s, weight = low + (node + 1) * (high - low) / 2, weight * (high - low) / 2
    log_weight = (n - m) * np.log(s) - s**2 / 2
    squares = s**2
    phi = _orthonormal(np.exp(log_weight - log_weight.max()), squares, weight, m)
    changed = phi * f(squares)[:, None]
    integral = integral * (high - low) / 2

    def skew(a: Array, b: Array) -> Array:
        return ((2 * integral @ a - weight @ a) * weight[:, None]).T @ b

    A, dA = skew(phi, phi), skew(changed, phi) + skew(phi, changed)
    if m % 2:
        A, dA = (_border(matrix, weight @ column) for matrix, column in ((A, phi), (dA, changed)))
    return float(np.trace(np.linalg.solve(A, dA))) / 2


def _orthonormal(first: Array, x: Array, weight: Array, count: int) -> Array:
    """``first`` times polynomials in x, orthonormal under the quadrature: Arnoldi's method, orthogonalised twice."""
    columns = np.empty((len(x), count))
    for j in range(count):
        column = first if j == 0 else x * columns[:, j - 1]
        for _ in range(2):
            column = column - columns[:, :j] @ (columns[:, :j].T @ (weight * column))
        columns[:, j] = column / np.sqrt(weight @ column**2)
    return columns


@lru_cache
def _quadrature() -> tuple[Array, Array, Array]:
    """Gauss-Legendre nodes and weights on [-1, 1], and the matrix that integrates from -1 to every node."""
    node, weight = legendre.leggauss(NODES)
    degree = np.arange(NODES)
    values = legendre.legvander(node, NODES)
    coefficient = (values[:, :-1] * weight[:, None]).T * (2 * degree[:, None] + 1) / 2
    primitive = np.zeros((NODES, NODES))
    primitive[:, 0] = values[:, 1] + values[:, 0]
    primitive[:, 1:] = (values[:, 2:] - values[:, :-2]) / (2 * degree[1:] + 1)
    return owned.keep((node, weight, primitive @ coefficient))


def _border(matrix: Array, column: Array) -> Array:
    """A skew matrix with one more row and column."""
    return np.block([[matrix, column[:, None]], [-column[None, :], np.zeros((1, 1))]])
