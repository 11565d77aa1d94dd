"""Sparse distributed memory beside attention: how two Hamming balls overlap, and the softmax that this is close to."""

from math import comb

import numpy as np

from synfwp import checks
from synfwp.theory.formulas import formula

WIDEST = 1000  # bits of an address


@formula(kind="exact", condition="addresses of n bits, read and written within one radius", source="bricken2021")
def ball_overlap(distance: int, bits: int, radius: int) -> float:
    """Share of all addresses that lie within a radius of both of two addresses.

    ``2^-n sum C(distance, i) C(n - distance, j)`` over i of the bits that differ and j of the others, changed in the
    first address, with ``i + j`` and ``distance - i + j`` of at most the radius.

    Parameters
    ----------
    distance : int
        Bits in which the two addresses differ.
    bits, radius : int
        n, and the radius of both balls.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> ball_overlap(0, 4, 1) * 16, ball_overlap(2, 4, 1) * 16, ball_overlap(3, 4, 1)
    (5.0, 2.0, 0.0)
    """
    n = checks.count("bits", bits, 1, WIDEST)
    far, r = checks.count("distance", distance, 0, n), checks.count("radius", radius, 0, n)
    found = 0
    for i in range(far + 1):
        most = min(r - i, r - far + i, n - far)
        found += comb(far, i) * sum(comb(n - far, j) for j in range(most + 1))
    return found / 2**n


@formula(
    kind="exact",
    condition="least squares over the distances 0 to radius - 1, products of addresses +-1 at unit length",
    source="bricken2021",
)
def ball_sharpness(bits: int, radius: int) -> tuple[float, float]:
    """The inverse temperature of the softmax that an overlap of balls is close to, and the correlation of the fit.

    The logarithm of `ball_overlap` is about linear in the distance, which is ``n (1 - cosine) / 2`` of two addresses of
    +-1: minus its slope times n/2 is the inverse temperature beta.

    Parameters
    ----------
    bits, radius : int
        n, and the radius of both balls, at least 3.

    Returns
    -------
    (float, float)
        beta, and the correlation of the logarithm with the distance.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, or that is no finite number.

    Examples
    --------
    >>> [tuple(round(x, n) for x, n in zip(ball_sharpness(64, r), (1, 3))) for r in (5, 11, 15)]
    [(28.4, -0.942), (14.4, -0.986), (9.4, -0.992)]
    """
    n = checks.count("bits", bits, 3, WIDEST)
    distance = np.arange(checks.count("radius", radius, 3, n))
    logs = np.log([ball_overlap(int(x), n, radius) for x in distance])
    if np.ptp(logs) < 1e-9:
        raise ValueError(f"radius is {radius} of {n} bits, and the balls are the whole space; pass a smaller one.")
    centred = distance - distance.mean()
    slope = centred @ logs / (centred @ centred)
    return float(-slope * n / 2), float(np.corrcoef(distance, logs)[0, 1])
