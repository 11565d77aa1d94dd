"""One file for each way to solve a rule, by the names that `Rule.solver` takes.

A solver is a module with

- ``forward(call, every, threads) -> Outputs``, and ``adjoint(call, kept, cotangents, threads) -> Named``;
- ``aux_shape(rule, d_v, d_k)``: the shape of what it carries beside W, or None;
- where its rows have these forms, ``chunkwise(call, chunk, every) -> Outputs`` and ``attention(call) -> A``.

It may have ``prepare(rule, given)``, which completes the arguments of a rule that leaves some of them out, and
``check_aux(rule, full)``, which refuses an aux0 that no run has left.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from synfwp.fastweights.solvers import linear, mesa, momentum, self_referential, softmax
from synfwp.rules import Rule

SOLVERS: Mapping[str, Any] = MappingProxyType(
    {
        "linear": linear,
        "self_referential": self_referential,
        "momentum": momentum,
        "mesa": mesa,
        "softmax": softmax,
    }
)


def solver_of(rule: Rule) -> Any:
    """The module that solves a row.

    >>> from synfwp.rules import SOFTMAX
    >>> solver_of(SOFTMAX) is softmax
    True
    """
    return SOLVERS[rule.solver]


def aux_shape(rule: Rule, d_v: int, d_k: int) -> tuple[int, ...] | None:
    """The shape of what a rule carries beside W, or None.

    >>> from synfwp.rules import MESA
    >>> aux_shape(MESA, 3, 5)
    (5, 5)
    """
    found: tuple[int, ...] | None = solver_of(rule).aux_shape(rule, d_v, d_k)
    return found
