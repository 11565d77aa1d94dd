"""Plasticity of rates with a sliding threshold."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import units

__all__ = ["BCM"]

Array = np.ndarray
LARGE = 1e30  # beyond it one step leaves the floats


@dataclass(frozen=True, kw_only=True)
class BCM:
    r"""The rule of Bienenstock, Cooper & Munro (1982) for a linear neuron: potentiation above a threshold that slides.

    .. math::
        y = w \cdot x, \qquad \Delta w = \eta \, x \, y (y - \theta), \qquad \Delta\theta = (y^2 - \theta) / \tau

    The threshold is the mean of the squared rate. It has to slide faster than weights change, or both oscillate. Of n
    linearly independent patterns of equal frequency the neuron selects one, to which it answers with n.

    Parameters
    ----------
    eta : float
        Rate of learning per pattern.
    tau : float
        Patterns over which the threshold averages, at least 1.

    Raises
    ------
    ValueError, TypeError
        For values out of their ranges.

    References
    ----------
    Bienenstock, Cooper & Munro 1982, Journal of Neuroscience.

    Examples
    --------
    >>> x = np.tile(np.eye(2), (8000, 1))
    >>> w, y, theta = BCM(eta=0.003, tau=50.0).run(x, w=[0.6, 0.5])
    >>> w[-1].round(1).tolist(), round(float(theta[-100:].mean()), 1)
    ([2.0, 0.0], 2.0)
    """

    eta: Any = 0.01
    tau: Any = 50.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "eta", units.number(self.eta, "1", "eta", 0))
        object.__setattr__(self, "tau", units.number(self.tau, "1", "tau", 1))

    def run(self, x: Any, w: Any, theta: Any = 0.0) -> tuple[Array, Array, Array]:
        """Weights, rates and thresholds of a sequence of patterns.

        Parameters
        ----------
        x : (T, n) array_like
            Presynaptic rates.
        w : (n,) array_like
            Weights before.
        theta : float
            Threshold before, at least 0.

        Returns
        -------
        (T, n) array
            Weights after each pattern.
        (T,) array
            The rate y that each evokes.
        (T,) array
            The threshold after each.

        Raises
        ------
        ValueError, TypeError
            For arrays that do not fit each other.
        FloatingPointError
            If the weights grow beyond all numbers.

        Examples
        --------
        >>> w, y, theta = BCM(eta=0.1, tau=2.0).run([[1.0, 2.0]], w=[0.5, 0.5], theta=1.0)
        >>> w.round(4).tolist(), y.tolist(), theta.tolist()
        ([[0.575, 0.65]], [1.5], [1.625])
        """
        patterns, now = units.array(x, "1", "x", -LARGE, LARGE, ndim=2), units.array(w, "1", "w", -LARGE, LARGE, ndim=1)
        if now.shape != patterns.shape[1:]:
            raise ValueError(f"w has shape {now.shape} but x {patterns.shape[1]} inputs; pass one weight per input.")
        level = units.number(theta, "1", "theta", 0, LARGE)
        weights, rates, levels = np.empty_like(patterns), np.empty(len(patterns)), np.empty(len(patterns))
        with np.errstate(over="ignore", invalid="ignore"):
            for t, pattern in enumerate(patterns):
                y = float(now @ pattern)
                now = now + self.eta * pattern * y * (y - level)
                level += (y * y - level) / self.tau
                weights[t], rates[t], levels[t] = now, y, level
        if not np.isfinite(weights).all():
            raise FloatingPointError("the weights grow beyond all numbers; pass a smaller eta, or a shorter tau.")
        return weights, rates, levels
