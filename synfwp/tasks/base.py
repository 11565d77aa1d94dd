"""What every task returns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from synfwp import checks, owned
from synfwp.measures.reads import refuse_unread

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray


_CURES = dict(checks.CURES) | {
    "a mask": "fill what is masked, and pass the tokens that count as mask",
    "labels": "pass its .values in the order (batch, T, feature)",
}


@dataclass(frozen=True)
class Batch(owned.Owner):
    """Inputs and targets of a batch of sequences.

    Parameters
    ----------
    x : (batch, T, d_in) array
        Tokens; or integers (batch, T).
    target : (batch, T) integer array, or (batch, T, d_out) float array
        The right answer at every token that is scored: a class, -1 elsewhere, or real numbers, 0 elsewhere.
    mask : (batch, T) boolean array
        The tokens that are scored.
    chance : float
        Expected `accuracy` of the best constant answer; for real targets, expected `error` of the answer 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above, x or a real target is not finite, or a class is negative where it is scored.

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
        for name in ("x", "target", "mask"):
            object.__setattr__(self, name, owned.keep(checks.plain(name, getattr(self, name), _CURES)))
        x, target, mask = self.x, self.target, self.mask
        if x.dtype.kind not in "iub" and x.dtype not in (np.float32, np.float64):
            raise TypeError(f"x has dtype {x.dtype}; pass float64 or float32 features, or integers.")
        if x.ndim not in (2, 3):
            raise ValueError(f"x has shape {x.shape}; pass (batch, T, d_in), or integers (batch, T).")
        if mask.dtype != bool:
            raise TypeError(f"mask has dtype {mask.dtype}; pass booleans, True at the tokens that are scored.")
        if mask.shape != x.shape[:2]:
            raise ValueError(f"mask has shape {mask.shape}, but x {x.shape}; pass (batch, T), here {x.shape[:2]}.")
        if target.dtype.kind not in "iu" and target.dtype not in (np.float32, np.float64):
            raise TypeError(f"target has dtype {target.dtype}; pass integer classes, or real numbers as floats.")
        if target.shape[:2] != mask.shape or target.ndim != 2 + self.real:
            form = "(batch, T, d_out) for real numbers" if self.real else "(batch, T) for classes"
            raise ValueError(f"target has shape {target.shape}, but mask {mask.shape}; pass {form}.")
        for name in ("x", "target"):
            _finite(name, getattr(self, name))
        if not self.real and (target[mask] < 0).any():
            where = tuple(int(i) for i in np.argwhere(mask & (target < 0))[0])
            raise ValueError(
                f"target is {target[where]} at {where}, which the mask scores; pass a class of at least 0, or False in "
                "the mask."
            )
        checks.number("chance", self.chance, 0, np.inf if self.real else 1)

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
        ValueError
            If the answer has another shape, is NaN where it is scored (the token was not read), or nothing is scored.
        """
        if self.real:
            raise TypeError("accuracy counts classes, but the targets are real numbers; use batch.error(answer).")
        return float((self._scored(answer) == self.target[self.mask]).mean())

    def error(self, answer: Array) -> float:
        """Mean over the scored tokens of ``|answer - target|^2``, for ``answer (batch, T, d_out)``.

        Raises
        ------
        TypeError
            If the targets are classes.
        ValueError
            If the answer has another shape, is NaN where it is scored (the token was not read), or nothing is scored.
        """
        if not self.real:
            raise TypeError("error compares real numbers, but the targets are classes; use batch.accuracy(answer).")
        return float(((self._scored(answer) - self.target[self.mask]) ** 2).sum(axis=-1).mean())

    def _scored(self, answer: Array) -> Array:
        """The answers that are scored."""
        answer = checks.plain("answer", answer, _CURES)
        if answer.shape != self.target.shape:
            raise ValueError(f"answer has shape {answer.shape}; pass {self.target.shape}, as the targets.")
        if not self.mask.any():
            raise ValueError("mask holds no True, so nothing is scored; mark the tokens with a target.")
        refuse_unread("answer", answer, self.mask)
        scored: Array = answer[self.mask]
        if not self.real and (scored != np.floor(scored)).any():
            raise ValueError(f"answer holds {scored[scored != np.floor(scored)][0]}; pass classes, which are integers.")
        return scored

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


def drawn(rng: object, batch: object) -> int:
    """The number of sequences to draw, if it is one, and if there is a generator to draw them from.

    Examples
    --------
    >>> drawn(np.random.default_rng(0), 2)
    2
    >>> drawn(0, 2)
    Traceback (most recent call last):
    ...
    TypeError: rng is 0; pass a generator, such as np.random.default_rng(0).
    """
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng is {checks.short(rng)}; pass a generator, such as np.random.default_rng(0).")
    return checks.count("batch", batch)


def one_hot(index: Array, width: int) -> Array:
    """Rows ``(..., width)`` with a 1 at ``index (...)``; all 0 where it is -1."""
    return np.eye(width + 1, width)[index]


def _finite(name: str, x: Array) -> None:
    """No NaN and no infinity."""
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise ValueError(f"{name} holds {x[where]} at index {where}; pass finite numbers.")
