"""The folds over the chain of passes: a call to canonical form, and outputs, matrices and gradients back from it."""

from typing import NamedTuple

import numpy as np

from synfwp import coefficients
from synfwp.coefficients import Coefficients
from synfwp.fastweights.passes import PASSES, Pass
from synfwp.fastweights.problem import Call, Cotangents, Named, Outputs, Problem, Shape
from synfwp.rules import Rule

Array = np.ndarray


class Canonical(NamedTuple):
    """A call in canonical form: its passes, each with the call above it, the call below all of them, the problem."""

    levels: list[tuple[Pass, Call]]
    below: Call
    problem: Problem


def passes_of(rule: Rule) -> tuple[Pass, ...]:
    """The passes that apply to a row, in the order of the chain."""
    return tuple(one for one in PASSES if one.applies(rule)) if rule.special else ()


def aux_shape(rule: Rule, d_k: int) -> Shape | None:
    """The shape of what a row of the linear family carries beside W; None: nothing."""
    return next((shape for one in passes_of(rule) if (shape := one.aux(d_k)) is not None), None)


def to_canonical(call: Call) -> Canonical:
    """A call of the linear family through its passes."""
    levels = []
    for one in passes_of(call.rule):
        levels.append((one, call))
        call = one.down(call)
    q, k, v, W0 = call.q, call.k, call.v, call.W0
    c = coefficients.coefficients(call.rule, k, call.beta, call.decay, call.pair)
    if levels:
        q, k, v, W0 = (np.ascontiguousarray(x) for x in (q, k, v, W0))
    return Canonical(levels, call, Problem(q, k, v, c, W0, call.across))


def from_canonical(canonical: Canonical, found: Outputs) -> Outputs:
    """Outputs of the call from those of its problem."""
    for one, above in reversed(canonical.levels):
        found = one.up(above, found)
    return found


def matrix_from_canonical(canonical: Canonical, A: Array) -> Array:
    """The attention matrix of the call from that of its problem."""
    for one, above in reversed(canonical.levels):
        A = one.up_matrix(above, A)
    return A


def cotangents_to_canonical(canonical: Canonical, kept: Outputs | None, cotangents: Cotangents) -> list[Cotangents]:
    """Cotangents above each pass, and those of the problem last; ``kept`` are the problem's own outputs."""
    if not canonical.levels:
        return [cotangents]
    below: list[Outputs | None] = [kept] * len(canonical.levels)
    for i in range(len(below) - 2, -1, -1):
        one, above = canonical.levels[i + 1]
        below[i] = None if kept is None else one.up(above, below[i + 1])  # type: ignore[arg-type]
    every = [cotangents]
    for (one, above), reads in zip(canonical.levels, below, strict=True):
        every.append(one.down_cotangents(above, reads, every[-1]))
    return every


def gradients_from_canonical(
    canonical: Canonical, cotangents: list[Cotangents], grads: dict[str, Array], grad: Coefficients
) -> Named:
    """Gradients of the call's arguments from those of its problem."""
    below = canonical.below
    more, dbeta, ddecay, dpair = coefficients.coefficients_adjoint(
        below.rule, canonical.problem.k, below.beta, below.decay, below.pair, grad
    )
    dp, dr = (None, None) if dpair is None else dpair
    found: Named = {**grads, "beta": dbeta, "decay": ddecay, "p": dp, "r": dr, "aux0": None}
    if more is not None:
        found["k"] = found["k"] + more
    if not canonical.levels:
        return found
    for (one, above), its in zip(reversed(canonical.levels), reversed(cotangents[:-1]), strict=True):
        found = one.up_gradients(above, its, found)
    return found


def needs_reads(canonical: Canonical) -> bool:
    """Whether the way back needs the problem's own outputs."""
    return bool(canonical.levels) and any(one.needs_reads for one, _ in canonical.levels)
