"""The best estimate of a target that drifts: Kalman filters, which know how it moves and how noisy its values are."""

from dataclasses import dataclass

import numpy as np

from synfwp import checks

Array = np.ndarray


@dataclass(frozen=True)
class Kalman:
    """The Kalman filter of ``W* <- reversion W* + drift N``, ``v = W* k + noise N``, N standard normal, as a system.

    With P the covariance of a row of W*, a write is ``P <- reversion^2 P + drift^2 I``, ``W <- reversion W``,
    ``g = P k / (k^T P k + noise^2)``, ``W <- W + (v - W k) g^T``, ``P <- P - g (P k)^T``: a delta rule whose step is a
    matrix. With a scalar gain P is ``p I``, and a write takes ``p^2 |k|^2 / (d (p |k|^2 + noise^2))`` off p: a gated
    delta rule with the best step. W* starts at 0, or from its stationary distribution where it returns to 0.

    Parameters
    ----------
    noise : float
        Standard deviation of an observation.
    drift : float
        Standard deviation of the change of a component of W* per write.
    reversion : float
        What multiplies W* at each write, in (0, 1].
    full : bool
        Whether the covariance is kept, or its mean variance alone.

    Raises
    ------
    ValueError, TypeError
        For a number out of its range.

    References
    ----------
    Kalman 1960 (kalman1960).

    Examples
    --------
    >>> import synfwp as fw
    >>> systems = {"Kalman": Kalman(0.3, 0.02), "delta": "delta"}
    >>> ds = fw.tracking(systems, drift=[0.02], noise=0.3, d_key=16, writes=500, seeds=5)
    >>> bool(ds.error.mean("seed")[0, 0] < ds.error.mean("seed")[1, 0])
    True
    """

    noise: float
    drift: float
    reversion: float = 1.0
    full: bool = True

    def __post_init__(self) -> None:
        limits = {"noise": (0.0, np.inf), "drift": (0.0, np.inf), "reversion": (0.0, 1.0)}
        for name, (low, high) in limits.items():
            value = checks.number(name, getattr(self, name), low, high, above=name == "reversion")
            object.__setattr__(self, name, value)
        if not isinstance(self.full, bool | np.bool_):
            raise TypeError(f"full is {checks.short(self.full)}; pass True or False.")

    def __call__(self, k: Array, v: Array, q: Array, rng: object) -> Array:
        """Reads (Q, d_v) after pairs k (P, d_k), v (P, d_v)."""
        return np.asarray(q @ (self._covariance(k, v) if self.full else self._scalar(k, v)).T)

    @property
    def prior(self) -> float:
        """Variance of a component of W* before the first write."""
        return self.drift**2 / (1 - self.reversion**2) if self.reversion < 1 else 0.0

    def _covariance(self, k: Array, v: Array) -> Array:
        """W with gains from the covariance."""
        W, P, one = np.zeros((v.shape[1], k.shape[1])), self.prior * np.eye(k.shape[1]), np.eye(k.shape[1])
        for key, value in zip(k, v, strict=True):
            W, P = self.reversion * W, self.reversion**2 * P + self.drift**2 * one
            seen = P @ key
            size = key @ seen + self.noise**2
            gain = seen / size if size > 0 else np.zeros_like(seen)  # nothing is left to learn
            W += np.outer(value - W @ key, gain)
            P -= np.outer(gain, seen)
        return W

    def _scalar(self, k: Array, v: Array) -> Array:
        """W with gains from the mean variance."""
        W, p = np.zeros((v.shape[1], k.shape[1])), self.prior
        for key, value in zip(k, v, strict=True):
            W, p = self.reversion * W, self.reversion**2 * p + self.drift**2
            length = key @ key
            size = p * length + self.noise**2
            step = p / size if size > 0 else 0.0
            W += step * np.outer(value - W @ key, key)
            p -= step * p * length / len(key)
        return W

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """W and the covariance or the variance, in float64."""
        kept = float(d_key * d_value + (d_key * d_key if self.full else 1))
        return {"state_variables": kept, "synapses": float(d_key * d_value), "bits": 64 * kept, "state_bytes": 8 * kept}
