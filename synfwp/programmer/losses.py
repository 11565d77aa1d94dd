"""Losses of a read-out against targets, over the tokens that are scored."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from synfwp import autograd as ag


def squared(scores: Any, target: np.ndarray, mask: np.ndarray) -> Any:
    """Mean over the scored tokens of ``|one_hot(target) - scores|^2 / 2`` (Schlag, Irie & Schmidhuber 2021).

    >>> import numpy as np
    >>> float(squared(np.zeros((1, 4)), np.array([2]), np.array([True])))
    0.5
    """
    one_hot = np.eye(np.shape(scores)[-1], dtype=scores.dtype)[target] * mask[..., None]
    error = scores * mask[..., None] - one_hot
    return (error * error).sum() * (0.5 / max(int(mask.sum()), 1))


LOSSES: Mapping[str, Callable[..., Any]] = MappingProxyType({"cross_entropy": ag.cross_entropy, "squared": squared})
