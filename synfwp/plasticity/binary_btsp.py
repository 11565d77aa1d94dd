"""Binary synapses that plateaus of the dendrite set anew."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import seeds, units
from synfwp.plasticity.state_rows import StateRow

__all__ = ["BinaryBTSP"]

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class BinaryBTSP:
    """Binary synapses that plateaus set anew by chance, of Wu & Maass (2025).

    While a neuron has a plateau, the weight of each input that is active flips with a probability (0 to 1, or 1 to 0),
    whatever the neuron fires. With 0.5 it is then a fair coin, so that weights correlate with themselves t patterns
    before as :func:`synfwp.theory.btsp_correlation`. The definition is second hand, from descriptions of the paper.

    Parameters
    ----------
    flip : float
        Probability that an eligible synapse flips.

    Raises
    ------
    ValueError, TypeError
        If the probability is no number from 0 to 1.

    References
    ----------
    Wu & Maass 2025, Nature Communications 16:342.

    Examples
    --------
    >>> W = BinaryBTSP(flip=1.0).write(np.zeros((2, 3)), x=[1, 0, 1], plateau=[0, 1])
    >>> W.astype(int).tolist()
    [[0, 0, 0], [1, 0, 1]]
    """

    flip: float = 0.5

    def __post_init__(self) -> None:
        object.__setattr__(self, "flip", units.number(self.flip, "1", "flip", 0, 1))

    def row(self, scale: Any, *, window: Any) -> StateRow:
        """This rule for the synapses of a projection, whose ``modulator`` has the plateaus of its postsynaptic neurons.

        A spike of neuron i of the modulator is a plateau of postsynaptic neuron i (of all, if it has one neuron). The
        weight of each input whose last spike arrived within ``window`` before it flips with probability ``flip``.

        Parameters
        ----------
        scale : float
            The weight that is 1 in `write`, above 0.
        window : float
            ms.

        Returns
        -------
        StateRow

        Raises
        ------
        ValueError
            If ``scale`` is not above 0, or ``window`` below 0.

        Examples
        --------
        >>> BinaryBTSP().row(scale=2.0, window=50.0).window
        50.0
        """
        high = units.number(scale, "1", "scale", 0, above=True)
        return StateRow(rule=self, w_min=0.0, w_max=high, window=window)

    def write(self, W: Any, x: Any, plateau: Any, seed: seeds.Seed = 0) -> Array:
        """Weights after one pattern.

        Parameters
        ----------
        W : (n_post, n_pre) array_like
            Weights before, 0 or 1.
        x : (n_pre,) array_like
            Active inputs, 0 or 1.
        plateau : (n_post,) array_like
            Neurons with a plateau, 0 or 1.
        seed : int, numpy.random.SeedSequence or numpy.random.Generator
            Of the coins.

        Returns
        -------
        (n_post, n_pre) array

        Raises
        ------
        ValueError, TypeError
            For arrays that do not fit each other, or that hold other numbers than 0 and 1.

        Examples
        --------
        >>> BinaryBTSP().write(np.ones((1, 8)), np.ones(8), [1], seed=1).astype(int).tolist()
        [[1, 1, 0, 1, 1, 0, 1, 0]]
        """
        before, active, event = _binary("W", W, 2), _binary("x", x, 1), _binary("plateau", plateau, 1)
        if before.shape != (len(event), len(active)):
            raise ValueError(
                f"W has shape {before.shape} but plateau {len(event)} and x {len(active)} entries; pass W of "
                f"({len(event)}, {len(active)})."
            )
        coins = seeds.generator(seed, "coins").random(before.shape) < self.flip
        return np.where(np.outer(event, active).astype(bool) & coins, 1 - before, before)


def _binary(name: str, value: Any, ndim: int) -> Array:
    """An array of 0 and 1, or of truth values."""
    truth = np.dtype(getattr(value, "dtype", float)).kind == "b"
    found = units.array(np.asarray(value).astype(float) if truth else value, "1", name, 0, 1, ndim=ndim)
    if not np.isin(found, (0, 1)).all():
        raise ValueError(f"{name} holds other numbers than 0 and 1; pass a binary array.")
    return found
