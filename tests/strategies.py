"""Random instructions for every row, the twin of every row, and how far rounding may take a kernel from its twin."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np
from hypothesis import strategies as st

from synfwp import reference
from synfwp.rules import RULES, Rule

Array = Any
JIT = not numba.config.DISABLE_JIT
INPUTS = ("q", "k", "v", "beta", "decay", "W0")

# rows that a user may write: both orders, numbers for coefficients, a coefficient that is missing
OWN = {
    row.name: row
    for row in (
        Rule(name="undecayed delta", retain="scalar", erase="beta", order="undecayed"),
        Rule(name="undecayed key-gated delta", retain="key", erase="beta", order="undecayed"),
        Rule(name="half forgotten", erase=0.5, write="beta"),
        Rule(name="numbers alone", retain="key", erase=0.75, write=-1.5),
        Rule(name="forget", retain="scalar", erase="beta", write=None),
        Rule(name="push away", erase="beta", write="-beta"),
        Rule(name="fade", retain="scalar", write=None),
    )
}
ROWS = {**RULES, **OWN}

# (T, d_k, d_v, leading axes): empty and single sequences, d_v off the kernel's groups of 4 and past its blocks of 32
SIZES = [(0, 3, 2, ()), (1, 3, 5, ()), (7, 5, 4, (1,)), (6, 2, 33, (2,)), (9, 1, 1, (2, 1, 2)), (5, 3, 2, (0,))]
SIZES += [(40, 16, 70, (3,)), (130, 8, 6, ())] if JIT else []


@dataclass(frozen=True)
class Problem:
    """Arguments of ``scan`` for one row."""

    rule: Rule
    q: Array
    k: Array
    v: Array
    beta: Array
    decay: Array
    W0: Array

    @property
    def args(self) -> tuple[Any, ...]:
        """What ``scan`` and ``vjp`` take by position."""
        return self.rule, self.q, self.k, self.v, self.beta

    @property
    def kwargs(self) -> dict[str, Any]:
        """What they take by name."""
        return {"decay": self.decay, "W0": self.W0}

    @property
    def used(self) -> tuple[str, ...]:
        """The inputs that are there."""
        return tuple(name for name in INPUTS if getattr(self, name) is not None)

    def but(self, **changes: Any) -> "Problem":
        """The same with other arguments."""
        return replace(self, **changes)

    def map(self, f: Callable[[Array], Array]) -> "Problem":
        """The same with ``f`` of every input that is there."""
        return replace(self, **{name: f(getattr(self, name)) for name in self.used})

    def at(self, i: tuple[int, ...]) -> "Problem":
        """One sequence of a batch."""
        return self.map(lambda x: x[i])


def problem(
    rule: Rule, rng: np.random.Generator, T: int, d_k: int, d_v: int, lead: tuple[int, ...] = (), dtype: Any = float
) -> Problem:
    """Stable random instructions: ``|k|, |q| <= 1``, decay in [0, 1] and beta in [0, 1.9] (undecayed order: [0, 1])."""

    def ball(*shape: int) -> Array:
        x = rng.standard_normal(shape)
        size = rng.uniform(0.2, 0.99, (*shape[:-1], 1))  # below 1 after rounding to float32 too
        return (x / np.sqrt(np.sum(x * x, axis=-1, keepdims=True)) * size).astype(dtype)

    q, k = ball(*lead, T, d_k), ball(*lead, T, d_k)
    v, W0 = rng.standard_normal((*lead, T, d_v)), rng.standard_normal((*lead, d_v, d_k))
    beta = rng.uniform(0, 1.0 if rule.order == "undecayed" else 1.9, (*lead, T)) if rule.uses_beta else None
    gates = (*lead, T, d_k) if rule.retain == "key" else (*lead, T)
    decay = rng.uniform(0, 1, gates) if rule.uses_decay else None
    return Problem(rule, q, k, *(x if x is None else x.astype(dtype) for x in (v, beta, decay, W0)))


def twin(problem: Problem) -> tuple[Array, Array]:
    """Reads (..., T, d_v) and W after every step (..., T, d_v, d_k) from the twin, real or complex, in float64."""
    rule = problem.rule
    run = getattr(reference, rule.name) if RULES.get(rule.name) == rule else _row_twin(rule)
    p = problem.map(lambda x: x.astype(np.result_type(x, np.float64)))
    lead, (T, d_k), d_v = p.k.shape[:-2], p.k.shape[-2:], p.v.shape[-1]
    dtype = np.result_type(*(getattr(p, name) for name in p.used))
    reads, states = np.zeros((*lead, T, d_v), dtype), np.zeros((*lead, T, d_v, d_k), dtype)
    for i in np.ndindex(lead):
        one = p.at(i)
        reads[i], states[i] = run(one.q, one.k, one.v, one.beta, one.decay, one.W0)
    return reads, states


def _row_twin(row: Rule) -> Callable[..., tuple[Array, Array]]:
    """The sentence at the head of ``rules``, word by word, for a row without a paper."""

    def value(coefficient: Any, beta: Array) -> Any:
        if isinstance(coefficient, str):
            return beta if coefficient == "beta" else -beta
        return 0.0 if coefficient is None else coefficient

    def run(q: Array, k: Array, v: Array, beta: Array, decay: Array, W: Array) -> tuple[Array, Array]:
        reads, states = [], []
        for t in range(len(q)):
            b = None if beta is None else beta[t]
            decayed = W if decay is None else W * decay[t]  # a number, or one for each key: the last axis of W
            seen = decayed if row.order == "decay_first" else W
            erase, write = value(row.erase, b), value(row.write, b)
            W = decayed - erase * np.outer(seen @ k[t], k[t]) + write * np.outer(v[t], k[t])
            reads.append(W @ q[t])
            states.append(W)
        shape = (len(q), *W.shape)
        return np.reshape(reads, shape[:2]), np.reshape(states, shape)

    return run


def rounding(problem: Problem, states: Array) -> float:
    """Bound on ``|kernel - twin|`` of any entry of y and W, for the dtype of the problem.

    One step commits at most ``(d_k + 6) eps`` of the sizes of what it adds up: the row itself, the erased prediction
    (at most twice the row) and the written value. No step of a stable problem makes an earlier error larger (the
    spectral norm of its transition is at most 1), so errors add up; the read adds d_k eps; the factor 2 is the twin's.
    """
    T, d_k = problem.k.shape[-2:]
    row = max((np.abs(x).max(initial=0.0) for x in (problem.W0, states)), default=0.0) * d_k**0.5
    value = np.abs(problem.v).max(initial=0.0) * 2
    return float(2 * (T + 1) * (d_k + 6) * np.finfo(problem.v.dtype).eps * (3 * row + value))


@st.composite
def problems(
    draw: st.DrawFn, rows: dict[str, Rule] = ROWS, min_T: int = 0, lead: tuple[int, ...] | None = None
) -> Problem:
    """Stable instructions of any row, size and batch."""
    rule = rows[draw(st.sampled_from(sorted(rows)))]
    T = draw(st.integers(min_T, max(min_T, 24 if JIT else 6)))
    d_k, d_v = draw(st.integers(1, 9 if JIT else 4)), draw(st.integers(1, 9 if JIT else 5))
    if lead is None:
        lead = draw(st.sampled_from([(), (1,), (3,), (2, 2)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return problem(rule, rng, T, d_k, d_v, lead)
