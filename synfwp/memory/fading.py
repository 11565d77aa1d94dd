"""Memories that add and fade, computed from all pairs at once: reads ``sum_j f(age_j) v_j (k_j . q)`` and the like.

Each is a system of `synfwp.memory`; a matrix of fast weights, or a few, hold the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from synfwp import checks

Array = np.ndarray
SLOW = tuple(float(1 - x) for x in np.geomspace(0.4, 0.0005, 24))  # decays


@dataclass(frozen=True)
class Heads:
    """Matrices that fade at rates ``2^-(first + 1 + h)`` per write, and whose weighted sum is about a power law.

    The weights are the roots of the rates, so that the sum falls about as ``age^(-1/2)`` (`theory.multi_decay`). Which
    head is the first, and how many there are, are its knobs.

    Parameters
    ----------
    number : int
        Heads, where they are not to be chosen; 0: they are.

    References
    ----------
    Sun et al. 2023 (sun2023retnet, equation 8).

    Examples
    --------
    >>> one = np.eye(2)
    >>> Heads()(one, one, one, None, first=0, heads=1).round(3).tolist()
    [[0.354, 0.0], [0.0, 0.707]]
    """

    knobs: ClassVar[Mapping[str, tuple[float, ...]]] = MappingProxyType(
        {"first": (0, 1, 2, 3, 4, 5, 6), "heads": (1, 2, 3, 4, 6, 8)}
    )
    number: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", checks.count("number", self.number, 0, 40))

    def __call__(self, k: Array, v: Array, q: Array, rng: object, first: float, heads: float) -> Array:
        """Reads (Q, d_v)."""
        rate = 2.0 ** -(first + 1 + np.arange(self.number or int(heads)))
        kept = np.sqrt(rate) @ np.exp(np.log1p(-rate)[:, None] * _ages(k))
        return np.asarray((q @ k.T * kept) @ v)


@dataclass(frozen=True)
class Centred:
    """A leaky Hebb rule that takes a known mean off each feature of keys and queries; the decay is its knob.

    Parameters
    ----------
    mean : float

    References
    ----------
    Sejnowski 1977 (sejnowski1977; covariance).

    Examples
    --------
    >>> Centred(0.5)(np.eye(2), np.eye(2), np.eye(2), None, decay=1.0).tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """

    mean: float
    knobs: ClassVar[Mapping[str, tuple[float, ...]]] = MappingProxyType({"decay": SLOW})

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", checks.number("mean", self.mean))

    def __call__(self, k: Array, v: Array, q: Array, rng: object, decay: float) -> Array:
        """Reads (Q, d_v)."""
        return np.asarray(((q - self.mean) @ (k - self.mean).T * decay ** _ages(k)) @ v)


@dataclass(frozen=True)
class Averaged:
    """A leaky Hebb rule whose step follows its decay, ``beta = size d (1 - decay)``: at size 1 the mean of ``d v k^T``.

    Size and decay are its knobs, of which one does not change what is best of the other by much.

    References
    ----------
    Ba et al. 2016 (ba2016; decay and step).

    Examples
    --------
    >>> one = np.eye(2)
    >>> Averaged()(one, one, one, None, size=0.5, decay=0.5).tolist()
    [[0.25, 0.0], [0.0, 0.5]]
    """

    knobs: ClassVar[Mapping[str, tuple[float, ...]]] = MappingProxyType(
        {"size": (0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1.0), "decay": SLOW}
    )

    def __call__(self, k: Array, v: Array, q: Array, rng: object, size: float, decay: float) -> Array:
        """Reads (Q, d_v)."""
        return np.asarray(size * k.shape[1] * (1 - decay) * (q @ k.T * decay ** _ages(k)) @ v)


@dataclass(frozen=True)
class Recent:
    """Least squares of pairs that fade, solved once: the rule MESA with a decay; decay and ridge are its knobs.

    References
    ----------
    von Oswald et al. 2025 (vonoswald2025mesanet).

    Examples
    --------
    >>> one = np.eye(2)
    >>> Recent()(one, one, one, None, decay=0.5, ridge=0.5).round(3).tolist()
    [[0.5, 0.0], [0.0, 0.667]]
    """

    knobs: ClassVar[Mapping[str, tuple[float, ...]]] = MappingProxyType(
        {"decay": SLOW, "ridge": (0.001, 0.01, 0.1, 1.0)}
    )

    def __call__(self, k: Array, v: Array, q: Array, rng: object, decay: float, ridge: float) -> Array:
        """Reads (Q, d_v)."""
        faded = k * (decay ** _ages(k))[:, None]
        return np.asarray(q @ np.linalg.solve(faded.T @ k + ridge * np.eye(k.shape[1]), faded.T @ v))


def _ages(k: Array) -> Array:
    """Writes since each pair."""
    return np.arange(len(k))[::-1]
