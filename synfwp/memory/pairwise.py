"""Attention, kernels and least squares: the upper lines of a matrix of fast weights."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import numpy as np

from synfwp import checks

Array = np.ndarray
RIDGES = (1e-6, 1e-4, 1e-2, 1e-1, 1.0)
SCALES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


class _AllPairs:
    """What keeps every pair."""

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """Every key and every value, in float64."""
        kept = float(load * (d_key + d_value))
        return {"state_variables": kept, "synapses": np.nan, "bits": 64 * kept, "state_bytes": 8 * kept}


@dataclass(frozen=True)
class Attention(_AllPairs):
    """Softmax attention over all stored pairs: ``y = sum_j v_j exp(s k_j . q) / sum_j exp(s k_j . q)``.

    Its knob is the inverse temperature, ``scale`` s.

    References
    ----------
    Vaswani et al. 2017, arXiv 1706.03762, equation 1.

    Examples
    --------
    >>> one = np.eye(2)
    >>> Attention()(one, one, one, None, scale=64.0).round(3).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    knobs: ClassVar[Mapping[str, tuple[float, ...]]] = MappingProxyType({"scale": SCALES})

    def __call__(self, k: Array, v: Array, q: Array, rng: object, scale: float) -> Array:
        """Reads (Q, d_v) of pairs k (P, d_k), v (P, d_v)."""
        x = scale * (q @ k.T)
        weights = np.exp(x - x.max(axis=1, keepdims=True))
        return weights @ v / weights.sum(axis=1, keepdims=True)


KERNELS: Mapping[str, Callable[[Array, float], Array]] = MappingProxyType(
    {
        "power": lambda x, n: x**n,
        "exp": lambda x, b: np.exp(b * (x - 1)),  # in units of kappa(1)
    }
)


@dataclass(frozen=True)
class Kernel(_AllPairs):
    """A kernel over all stored pairs: ``y = sum_j v_j kappa(k_j . q)``.

    Parameters
    ----------
    kind : "power" or "exp"
        ``kappa(x)`` is ``x**parameter`` or ``exp(parameter x)``, over its value at 1.
    parameter : float
        1 of "power" is Hebb's rule; "exp" is attention without its denominator.

    Raises
    ------
    ValueError, TypeError
        For an unknown kind, a parameter that is no number above 0, or a power that is no integer.

    References
    ----------
    Zhong et al. 2025, arXiv 2505.19488.

    Examples
    --------
    >>> one = np.eye(2)
    >>> Kernel("power", 2)(one, one, one, None).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    kind: str = "exp"
    parameter: float = 1.0

    def __post_init__(self) -> None:
        checks.one_of("kernel", self.kind, KERNELS)
        value = checks.number("parameter", self.parameter, 0, above=True)
        if self.kind == "power" and value != int(value):
            raise ValueError(f"parameter is {value:g}; pass an integer, since products of keys may be negative.")

    def __call__(self, k: Array, v: Array, q: Array, rng: object) -> Array:
        """Reads (Q, d_v) of pairs k (P, d_k), v (P, d_v)."""
        return KERNELS[self.kind](q @ k.T, self.parameter) @ v


@dataclass(frozen=True)
class Ridge:
    """Least squares over all stored pairs: ``y = G (H + ridge)^-1 q``, ``G = sum v k^T``, ``H = sum k k^T``.

    What the rule MESA holds after its last write, solved once. Its knob is the ridge.

    References
    ----------
    von Oswald et al. 2025, arXiv 2506.05233 (MesaNet).

    Examples
    --------
    >>> one = np.eye(2)
    >>> Ridge()(one, one, one, None, ridge=1.0).tolist()
    [[0.5, 0.0], [0.0, 0.5]]
    """

    knobs: ClassVar[Mapping[str, tuple[float, ...]]] = MappingProxyType({"ridge": RIDGES})

    def __call__(self, k: Array, v: Array, q: Array, rng: object, ridge: float) -> Array:
        """Reads (Q, d_v) of pairs k (P, d_k), v (P, d_v)."""
        return q @ np.linalg.solve(k.T @ k + ridge * np.eye(k.shape[1]), k.T @ v)

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """G and H, in float64."""
        kept = float(d_key * (d_key + d_value))
        return {"state_variables": kept, "synapses": float(d_key * d_value), "bits": 64 * kept, "state_bytes": 8 * kept}
