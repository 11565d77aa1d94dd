"""Losses of a read-out against targets, over the tokens that are scored."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from synfwp import autograd as ag


class WrongTarget(ValueError):
    """Targets that the scores have no place for: the task's fault, not the training's."""


def check(scores: Any, target: np.ndarray, mask: np.ndarray) -> None:
    """Refuse scores of other tokens, and targets that the scores have no place for.

    Raises
    ------
    WrongTarget
        Naming both.
    """
    shape = np.shape(scores)
    if shape[:-1] != mask.shape:
        raise WrongTarget(f"scores have shape {shape}, but the mask {mask.shape}; pass (..., T, d_out) for its tokens.")
    if target.dtype.kind == "f":
        if target.shape != shape:
            raise WrongTarget(
                f"target has shape {target.shape}, but the programmer answers {shape}; pass d_out={target.shape[-1]}."
            )
        return
    scored = target[mask]
    if scored.size and not 0 <= scored.min() <= scored.max() < shape[-1]:
        raise WrongTarget(
            f"target holds classes from {scored.min()} to {scored.max()}, but the programmer scores {shape[-1]}, "
            f"from 0 to {shape[-1] - 1}; pass d_out={max(int(scored.max()) + 1, 1)}, or mend the targets."
        )


def squared(scores: Any, target: np.ndarray, mask: np.ndarray) -> Any:
    """Mean over the scored tokens of ``|target - scores|^2 / 2`` (Schlag, Irie & Schmidhuber 2021).

    A class stands for its one-hot vector; real targets are taken as they are.

    Examples
    --------
    >>> import numpy as np
    >>> float(squared(np.zeros((1, 4)), np.array([2]), np.array([True])))
    0.5
    """
    check(scores, target, mask)
    real = target.dtype.kind == "f"
    known = np.where(mask, target, 0) if not real else target
    wanted = target.astype(scores.dtype) if real else np.eye(np.shape(scores)[-1], dtype=scores.dtype)[known]
    error = scores * mask[..., None] - wanted * mask[..., None]
    return (error * error).sum() * (0.5 / max(int(mask.sum()), 1))


def cross_entropy(scores: Any, target: np.ndarray, mask: np.ndarray) -> Any:
    """Mean of ``-log softmax(scores)[target]`` over the scored tokens, in nat.

    Raises
    ------
    TypeError
        If the targets are real numbers.
    """
    if target.dtype.kind == "f":
        raise TypeError("loss 'cross_entropy' needs classes, but the targets are real numbers; pass loss='squared'.")
    check(scores, target, mask)
    return ag.cross_entropy(scores, target, mask)


LOSSES: Mapping[str, Callable[..., Any]] = MappingProxyType({"cross_entropy": cross_entropy, "squared": squared})
