"""Losses of a read-out against targets, over the tokens that are scored."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from synfwp import autograd as ag


def squared(scores: Any, target: np.ndarray, mask: np.ndarray) -> Any:
    """Mean over the scored tokens of ``|target - scores|^2 / 2`` (Schlag, Irie & Schmidhuber 2021).

    A class stands for its one-hot vector; real targets are taken as they are.

    Examples
    --------
    >>> import numpy as np
    >>> float(squared(np.zeros((1, 4)), np.array([2]), np.array([True])))
    0.5
    """
    real = target.dtype.kind == "f"
    wanted = target.astype(scores.dtype) if real else np.eye(np.shape(scores)[-1], dtype=scores.dtype)[target]
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
    return ag.cross_entropy(scores, target, mask)


LOSSES: Mapping[str, Callable[..., Any]] = MappingProxyType({"cross_entropy": cross_entropy, "squared": squared})
