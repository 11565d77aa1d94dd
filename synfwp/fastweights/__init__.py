"""Exact rules: `scan` runs a rule, `vjp` differentiates it, `attention` gives it as a matrix."""

from synfwp.fastweights.api import Gradients, Scan, attention, fastest_form, gradients, run_coefficients, scan, vjp
from synfwp.fastweights.arguments import check, cotangent
from synfwp.fastweights.reads import read, read_gradients
from synfwp.fastweights.solvers import aux_shape
from synfwp.threads import thread_limit

__all__ = [
    "Gradients",
    "Scan",
    "attention",
    "aux_shape",
    "check",
    "cotangent",
    "fastest_form",
    "gradients",
    "read",
    "read_gradients",
    "run_coefficients",
    "scan",
    "thread_limit",
    "vjp",
]
