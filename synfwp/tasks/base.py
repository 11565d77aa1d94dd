"""What every task returns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray


@dataclass(frozen=True)
class Batch:
    """Inputs and targets of a batch of sequences.

    Parameters
    ----------
    x : (batch, T, d_in) array
        Tokens.
    target : (batch, T) integer array
        The right answer at every token that is scored; -1 elsewhere.
    mask : (batch, T) boolean array
        The tokens that are scored.
    chance : float
        Accuracy of guessing.

    >>> import numpy as np
    >>> from synfwp.tasks import Recall
    >>> Recall(keys=4, values=4, writes=6)(np.random.default_rng(0), 2).x.shape
    (2, 10, 9)
    """

    x: Array
    target: Array
    mask: Array
    chance: float

    def accuracy(self, answer: Array) -> float:
        """Share of scored tokens where ``answer (batch, T)`` is the target."""
        return float((np.asarray(answer)[self.mask] == self.target[self.mask]).mean())

    def to_dataset(self) -> "xr.Dataset":
        """The batch with dims trial, time, feature."""
        import xarray as xr

        units = {"units": "1"}
        return xr.Dataset(
            {
                "x": (("trial", "time", "feature"), self.x, {"long_name": "input", **units}),
                "target": (("trial", "time"), self.target, {"long_name": "target class", **units}),
                "mask": (("trial", "time"), self.mask, {"long_name": "scored token"}),
                "chance": ((), self.chance, {"long_name": "chance level", **units}),
            }
        )
