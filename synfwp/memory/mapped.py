"""Feature maps as memories: a matrix of what a map makes of keys, at the best scale of keys and queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from synfwp import features

Array = np.ndarray
SCALES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 8.0, 16.0, 32.0, 64.0)


@dataclass(frozen=True)
class Mapped:
    """Linear attention behind a feature map: ``y = sum_j v_j phi(s k_j) . phi(s q) / sum_j phi(s k_j) . phi(s q)``.

    Its knob is the scale s of keys and queries, as that of `Attention` is the inverse temperature: a feature map is
    made for inputs of some size.

    Parameters
    ----------
    feature : str
        As `features.get_feature` takes it.
    divided : bool
        Whether a read is divided by the sum of its weights, which changes its size alone.

    Raises
    ------
    ValueError
        For an unknown feature map.

    References
    ----------
    Katharopoulos et al. 2020, arXiv 2006.16236, equation 5.

    Examples
    --------
    >>> one = np.eye(2)
    >>> Mapped("relu", divided=False)(one, one, one, None, scale=1.0).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    feature: str = "elu_plus_one"
    divided: bool = True
    knobs: ClassVar[Mapping[str, tuple[float, ...]]] = MappingProxyType({"scale": SCALES})

    def __post_init__(self) -> None:
        features.get_feature(self.feature)

    def mapped(self, x: Array, scale: float) -> Array:
        """Features (n, width) of keys or queries (n, d_k)."""
        return features.get_feature(self.feature).apply(scale * np.asarray(x, float))

    def __call__(self, k: Array, v: Array, q: Array, rng: Any, scale: float) -> Array:
        """Reads (Q, d_v) of pairs k (P, d_k), v (P, d_v)."""
        phi, asked = self.mapped(k, scale), self.mapped(q, scale)
        read = asked @ (phi.T @ v)
        if not self.divided:
            return read
        total = asked @ phi.sum(axis=0)
        found: Array = np.divide(read, total[:, None], out=np.zeros_like(read), where=total[:, None] != 0)
        return found

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """A matrix, and the sum of the features where reads are divided, in float64."""
        width = features.get_feature(self.feature).width(d_key)
        kept = float(width * (d_value + self.divided))
        return {"variables": kept, "synapses": float(width * d_value), "bits": 64 * kept, "state_bytes": 8 * kept}
