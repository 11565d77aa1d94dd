"""The batches that a task draws for a training, checked: an error names the task."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from synfwp.programmer.losses import WrongTarget
from synfwp.tasks import Batch

Task = Callable[[np.random.Generator, int], Batch]


def name_of(task: Any) -> str:
    """What a message calls a task."""
    return str(getattr(task, "__qualname__", type(task).__qualname__))


@contextmanager
def blamed(task: Any, *kinds: type[Exception]) -> Iterator[None]:
    """Put the name of the task before the message of errors that are of these kinds: targets that do not fit."""
    try:
        yield
    except (ValueError, TypeError) as error:
        if type(error) in (kinds or (WrongTarget,)):
            error.args = (f"task {name_of(task)}: {error}",)
        raise


def draw(task: Task, rng: np.random.Generator, sequences: int, dtype: Any) -> Batch:
    """A batch of the task, its features in the dtype of the parameters.

    Raises
    ------
    TypeError, ValueError
        If the task returns anything else, another number of sequences, or nothing that is scored.
    """
    with blamed(task, TypeError, ValueError):
        batch = task(rng, sequences)
    if not isinstance(batch, Batch):
        raise TypeError(
            f"task {name_of(task)} returned a {type(batch).__name__}; "
            "return synfwp.tasks.Batch(x, target, mask, chance)."
        )
    if len(batch.x) != sequences:
        raise ValueError(
            f"task {name_of(task)} returned {len(batch.x)} sequences where {sequences} were wanted; "
            "task(rng, batch) returns as many as batch."
        )
    if not batch.mask.any():
        raise ValueError(
            f"task {name_of(task)} returned a mask without a True, so nothing is scored; mark the tokens with a target."
        )
    if batch.x.dtype.kind == "f" and batch.x.dtype != dtype:
        batch = replace(batch, x=batch.x.astype(dtype))
    return batch
