"""Rules of the memory literature that need all pairs, or counts of them: Willshaw, Bayesian, and covariance.

Each is a function ``(k (P, d_k), v (P, d_v), q (Q, d_k), rng) -> reads (Q, d_v)``, as every system of `synfwp.memory`.
"""

from dataclasses import dataclass

import numpy as np

from synfwp import checks, shown

Array = np.ndarray


class _Counts:
    """What keeps one number for each synapse, and some for each neuron."""

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """A real number, in float64, for every synapse and the means of both sides."""
        kept = float(d_key * d_value + d_key + d_value)
        return {"variables": kept, "synapses": float(d_key * d_value), "bits": 64 * kept, "state_bytes": 8 * kept}


@dataclass(frozen=True)
class Willshaw(shown.OneLine):
    """Synapses of one bit: one is on where key and value were once active together; reads are sums.

    ``W_ij = max over pairs of [v_i > 0][k_j > 0]`` and ``y = W q``.

    References
    ----------
    Willshaw, Buneman & Longuet-Higgins 1969 (willshaw1969).

    Examples
    --------
    >>> one = np.eye(2)
    >>> Willshaw()(np.array([[1, 1, 0], [0, 1, 1]]), one, np.array([[0, 1, 1]]), None).tolist()
    [[1.0, 2.0]]
    """

    def __call__(self, k: Array, v: Array, q: Array, rng: object) -> Array:
        """Reads (Q, d_v) of pairs k (P, d_k), v (P, d_v), active where above 0."""
        return q @ ((k > 0).T.astype(float) @ (v > 0) > 0).astype(float)

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """One bit for every synapse."""
        kept = float(d_key * d_value)
        return {"variables": kept, "synapses": kept, "bits": kept, "state_bytes": kept / 8}


@dataclass(frozen=True)
class BCPNN(_Counts, shown.OneLine):
    """Bayesian-Hebbian synapses: the logarithm of how much more often two neurons were active together than by chance.

    ``W_ij = log(p_ij / (p_i p_j))``, a bias ``log p_i``, ``y = W q + bias``. Probabilities are counts over pairs with a
    prior of so many pairs in which both sides are independent and active at their mean rate, so that no logarithm is
    infinite.

    Parameters
    ----------
    prior : float
        Pairs that the prior counts as.

    Raises
    ------
    TypeError, ValueError
        For a prior that is not above 0.

    References
    ----------
    Lansner & Ekeberg 1989 (lansner1989).

    Examples
    --------
    >>> k = np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
    >>> (BCPNN()(k, k, k[:1], None).argmax(axis=1)).tolist()
    [0]
    """

    prior: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "prior", checks.number("prior", self.prior, 0, above=True))

    def __call__(self, k: Array, v: Array, q: Array, rng: object) -> Array:
        """Reads (Q, d_v) of pairs k (P, d_k), v (P, d_v), of activities in [0, 1].

        Raises
        ------
        ValueError
            For activities out of [0, 1].
        """
        for name, x in (("k", k), ("v", v)):
            if x.size and (x.min() < 0 or x.max() > 1):
                bad = float(x.min() if x.min() < 0 else x.max())
                raise ValueError(f"{name} holds {bad:g}; BCPNN takes activities from 0 to 1, such as keys of 0 and 1.")
        total = len(k) + self.prior
        pre, post = k.mean(), v.mean()
        p_k, p_v = (k.sum(axis=0) + self.prior * pre) / total, (v.sum(axis=0) + self.prior * post) / total
        both = (k.T @ v + self.prior * pre * post) / total
        return q @ np.log(both / np.outer(p_k, p_v)) + np.log(p_v)


@dataclass(frozen=True)
class CovarianceMemory(_Counts, shown.OneLine):
    """Hebb's rule with the mean activity of all pairs taken off: of both sides, or of keys alone.

    ``W = sum (v - <v>) (k - <k>)^T`` and ``y = W q``; with ``centred="pre"``, ``W = sum v (k - <k>)^T``. The rule
    "covariance" of `synfwp.scan` takes off the running mean of the keys, of queries too.

    Parameters
    ----------
    centred : "both" or "pre"
    mean : float, optional
        The mean activity, where it is known beforehand; None takes the means of what is stored, so that a single pair
        stores nothing.

    Raises
    ------
    TypeError, ValueError
        For another text, or a mean that is no number.

    References
    ----------
    Sejnowski 1977 (sejnowski1977); Dayan & Willshaw 1991 (dayan1991), where the first is the best of linear rules.

    Examples
    --------
    >>> one = np.eye(2)
    >>> CovarianceMemory()(one, one, one, None).tolist()
    [[0.5, -0.5], [-0.5, 0.5]]
    """

    centred: str = "both"
    mean: float | None = None

    def __post_init__(self) -> None:
        checks.one_of("centred", self.centred, ("both", "pre"))
        if self.mean is not None:
            object.__setattr__(self, "mean", checks.number("mean", self.mean))

    def __call__(self, k: Array, v: Array, q: Array, rng: object) -> Array:
        """Reads (Q, d_v) of pairs k (P, d_k), v (P, d_v)."""
        before, after = (x.mean(axis=0) if self.mean is None else self.mean for x in (k, v))
        return q @ ((k - before).T @ (v - after if self.centred == "both" else v))
