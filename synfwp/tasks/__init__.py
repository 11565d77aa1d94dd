"""Tasks: ``task(rng, batch) -> Batch`` of plain arrays, each with its chance level and a solver."""

from synfwp.tasks.arithmetic import ModularAddition, ModularArithmetic
from synfwp.tasks.base import Batch
from synfwp.tasks.checked import check
from synfwp.tasks.completion import PatternCompletion
from synfwp.tasks.copying import Copy, SelectiveCopy
from synfwp.tasks.evidence import EvidenceIntegration
from synfwp.tasks.familiarity import Familiarity
from synfwp.tasks.mqar import MQAR
from synfwp.tasks.needle import Needle
from synfwp.tasks.permutations import PermutationGroup
from synfwp.tasks.recall import Recall
from synfwp.tasks.reflections import Reflections
from synfwp.tasks.regression import InContextRegression
from synfwp.tasks.retrieval import AssociativeRetrieval
from synfwp.tasks.words import Parity

__all__ = [
    "MQAR",
    "AssociativeRetrieval",
    "Batch",
    "Copy",
    "EvidenceIntegration",
    "Familiarity",
    "InContextRegression",
    "ModularAddition",
    "ModularArithmetic",
    "Needle",
    "Parity",
    "PatternCompletion",
    "PermutationGroup",
    "Recall",
    "Reflections",
    "SelectiveCopy",
    "check",
]
