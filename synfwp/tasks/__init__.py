"""Tasks: ``task(rng, batch) -> Batch`` of plain arrays, each with its chance level and a solver."""

from synfwp.tasks.base import Batch
from synfwp.tasks.recall import Recall

__all__ = ["Batch", "Recall"]
