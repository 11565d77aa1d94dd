"""What every task returns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synfwp import owned

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray


@dataclass(frozen=True)
class Batch(owned.Owner):
    """Inputs and targets of a batch of sequences.

    Parameters
    ----------
    x : (batch, T, d_in) array
        Tokens.
    target : (batch, T) integer array, or (batch, T, d_out) float array
        The right answer at every token that is scored: a class, -1 elsewhere, or real numbers, 0 elsewhere.
    mask : (batch, T) boolean array
        The tokens that are scored.
    chance : float
        Expected `accuracy` of the best constant answer; for real targets, expected `error` of the answer 0.

    Examples
    --------
    >>> import numpy as np
    >>> from synfwp.tasks import Recall
    >>> Recall(keys=4, values=4, writes=6)(np.random.default_rng(0), 2).x.shape
    (2, 10, 9)
    """

    x: Array
    target: Array
    mask: Array
    chance: float

    def __post_init__(self) -> None:
        """Arrays are copies that nothing changes."""
        for name in ("x", "target", "mask"):
            object.__setattr__(self, name, owned.keep(owned.numbers(getattr(self, name))))

    @property
    def real(self) -> bool:
        """Whether the targets are real numbers, not classes."""
        return self.target.dtype.kind == "f"

    def accuracy(self, answer: Array) -> float:
        """Share of scored tokens where ``answer (batch, T)`` is the target.

        Raises
        ------
        TypeError
            If the targets are real numbers.
        """
        if self.real:
            raise TypeError("accuracy counts classes, but the targets are real numbers; use batch.error(answer).")
        return float((np.asarray(answer)[self.mask] == self.target[self.mask]).mean())

    def error(self, answer: Array) -> float:
        """Mean over the scored tokens of ``|answer - target|^2``, for ``answer (batch, T, d_out)``.

        Raises
        ------
        TypeError
            If the targets are classes.
        """
        if not self.real:
            raise TypeError("error compares real numbers, but the targets are classes; use batch.accuracy(answer).")
        return float(((np.asarray(answer)[self.mask] - self.target[self.mask]) ** 2).sum(axis=-1).mean())

    def to_dataset(self) -> "xr.Dataset":
        """The batch with dims trial, time, feature (and output, if the targets are real numbers)."""
        import xarray as xr

        units = {"units": "1"}
        dims, name = (("trial", "time", "output"), "target") if self.real else (("trial", "time"), "target class")
        return xr.Dataset(
            {
                "x": (("trial", "time", "feature"), self.x.copy(), {"long_name": "input", **units}),
                "target": (dims, self.target.copy(), {"long_name": name, **units}),
                "mask": (("trial", "time"), self.mask.copy(), {"long_name": "scored token"}),
                "chance": ((), self.chance, {"long_name": "chance level", **units}),
            }
        )


def one_hot(index: Array, width: int) -> Array:
    """Rows ``(..., width)`` with a 1 at ``index (...)``; all 0 where it is -1."""
    return np.eye(width + 1, width)[index]
