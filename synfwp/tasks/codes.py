"""Codes: symbols as unit vectors, drawn at random or spread so that they interfere as little as they can."""

import numpy as np

from synfwp.tasks.base import Array

KINDS = ("random", "tight", "lines", "points")
PROJECTIONS, STEP = 200, 0.1


def unit(x: Array) -> Array:
    """Vectors of length 1 along the last axis.

    Examples
    --------
    >>> unit(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def draw(kind: str, n: int, d: int, rng: np.random.Generator, steps: int = 1500) -> Array:
    """Codes of n symbols, unit vectors of d features.

    "random": uniform on the sphere. "tight": a tight frame, ``C^T C = (n / d) I``, by alternating projections, in which
    the squared scalar products have the least sum. "lines" and "points" descend from there: the sixth powers of the
    scalar products, so that no two codes are near up to their sign (keys, whose interference has a random sign); or
    their exponentials, so that no two point the same way (values, of which the nearest is read).

    Parameters
    ----------
    kind : str
        One of these.
    n, d : int
    rng : numpy.random.Generator
    steps : int
        Of the descent.

    Returns
    -------
    (n, d) array

    References
    ----------
    Tropp, Dhillon, Heath & Strohmer 2005, Designing structured tight frames via an alternating projection method.

    Examples
    --------
    >>> x = draw("tight", 8, 2, np.random.default_rng(0))
    >>> np.allclose(x.T @ x, 4 * np.eye(2))
    True
    """
    x = unit(rng.standard_normal((n, d)))
    if kind == "random":
        return x
    for _ in range(PROJECTIONS):  # to the nearest tight frame, and back to the sphere
        u, _, vh = np.linalg.svd(x, full_matrices=False)
        x = unit(u @ vh)
    for step in range(0 if kind == "tight" else steps):
        gram = x @ x.T
        push = gram**5 if kind == "lines" else np.exp(5 * gram)  # gradients of sum g^6 and of sum exp(5 g)
        np.fill_diagonal(push, 0)
        force = push @ x
        force -= (force * x).sum(axis=1, keepdims=True) * x
        largest = np.linalg.norm(force, axis=1).max()
        if largest == 0:
            break
        x = unit(x - STEP * (1 - step / steps) * force / largest)
    return x
