"""The linear family: a call in canonical form through the kernels, forward and back, by chunks, and as a matrix."""

from typing import Any

import numpy as np

from synfwp.coefficients import Coefficients
from synfwp.fastweights import buffers, chain, forms
from synfwp.fastweights.problem import Call, Cotangents, Named, Outputs, Problem, Shape, Sizes
from synfwp.kernels import linear
from synfwp.rules import Rule
from synfwp.threads import spread

Array = np.ndarray
_BY_ROW = ("write", "erase")  # what may be a number per step or, with beta per value channel, one per row of W
HISTORY_BYTES = 1 << 19  # four rows' history of one segment of the adjoint stays in the L2 cache


def forward(call: Call, every: int, threads: int | None, out: tuple[Array, Array] | None = None) -> Outputs:
    """The recurrence; where no pass applies, the reads and W may go to places of the caller's."""
    canonical = chain.to_canonical(call)
    found = run(canonical.problem, every * call.rule.writes, threads, out)
    if not canonical.levels:
        return found._replace(fresh=True)
    kept = found._replace(states=None, sizes=None) if chain.needs_reads(canonical) else None
    return chain.from_canonical(canonical, found)._replace(kept=kept, sizes=None)


def adjoint(call: Call, kept: Outputs | None, cotangents: Cotangents, threads: int | None) -> Named:
    """Gradients of all arguments by name; the recurrence runs once more where its reads are needed and not ``kept``."""
    canonical = chain.to_canonical(call)
    if kept is None and chain.needs_reads(canonical):
        kept = run(canonical.problem, 0, threads)
    every = chain.cotangents_to_canonical(canonical, kept, cotangents)
    dy, dW = np.ascontiguousarray(every[-1].dy), buffers.copy(every[-1].dW)
    return chain.gradients_from_canonical(canonical, every, *run_adjoint(canonical.problem, dy, dW, threads))


def chunkwise(call: Call, chunk: int, every: int) -> Outputs:
    """The same by chunks of so many tokens."""
    canonical = chain.to_canonical(call)
    y, W, states = forms.chunkwise(canonical.problem, chunk, every * call.rule.writes)
    return chain.from_canonical(canonical, Outputs(y, W, None, states))


def attention(call: Call) -> Array:
    """The matrix A (n, T, T), or (n, T, T, writes)."""
    canonical = chain.to_canonical(call)
    return chain.matrix_from_canonical(canonical, forms.attention(canonical.problem))


def aux_shape(rule: Rule, d_v: int, d_k: int) -> Shape | None:
    """The sum of keys of a normalised row, the mean and the number of keys of a centred one."""
    return chain.aux_shape(rule, d_k)


def check_aux(rule: Rule, full: dict[str, Array]) -> None:
    """What an earlier run has left is what the passes of the row carry."""
    for one in chain.passes_of(rule):
        one.check_aux(full["aux0"])


def sums(rule: Rule) -> bool:
    """Whether the recurrence of a row sums the sizes of its arguments and results: no pass changes them first."""
    return rule.solver == "linear" and not rule.special


def prepare(rule: Rule, given: dict[str, Array]) -> dict[str, Array]:
    """Zeros for the values of a rule that writes none: as many as W0 has rows."""
    if rule.uses_values:
        return given
    if "W0" not in given:
        raise ValueError(f"rule {rule.name!r} writes nothing; pass the W0 (..., d_v, d_k) that it transforms.")
    k, W0 = given["k"], given["W0"]
    if W0.ndim < 2:
        raise ValueError(f"W0 has shape {W0.shape}; pass (..., d_v, d_k).")
    return given | {"v": np.zeros((*k.shape[:-1], W0.shape[-2]), k.dtype)}


def run(problem: Problem, every: int, threads: int | None, out: tuple[Array, Array] | None = None) -> Outputs:
    """Reads (n, S, .), the last W and every so many W of a problem, by the kernel; ``out`` takes the first two."""
    q, k, v, c, W0, across = problem
    n, S, d_v = v.shape
    W = _fours(W0, 1) if d_v % 4 else buffers.copy(W0, None if out is None else out[1])
    v, q = _fours(v, 2), _fours(q, 2) if across else q
    y = None if across else buffers.empty(v.shape, v.dtype) if out is None else out[0]
    reads = buffers.zeros_like(k) if across else None
    states = np.empty((n, S // every, *W.shape[1:]), v.dtype) if every else None
    coefficients = _by_fours(_tidy(c))
    rows, sums = np.empty((n, S), k.dtype), np.empty((n, 2), k.dtype)

    def work(lo: int, hi: int) -> None:
        linear.forward(q, k, v, *coefficients, W, y, reads, states, rows, sums, every, lo, hi)

    spread(work, n, _flops(problem), threads)
    found: Any = reads if y is None else y[:, :, :d_v]
    states = None if states is None else states[:, :, :d_v]
    return Outputs(found, W[:, :d_v], None, states, sizes=Sizes(rows, *sums.T))


def run_adjoint(problem: Problem, dy: Array, dW: Array, threads: int | None) -> tuple[dict[str, Array], Coefficients]:
    """Gradients of q, k, v, W0 and of the coefficients of a problem; dW is used up.

    Across rows, what multiplies a row is the query and what is multiplied is dy: the kernel is called with the two
    exchanged, and the gradient of the query is a read of the rows by dy.
    """
    q, k, _, c, W0, across = problem
    d_v = W0.shape[1]
    queries, cotangents = (dy, _fours(q, 2)) if across else (q, _fours(dy, 2))
    v, W0, dW = _fours(problem.v, 2), _fours(W0, 1), _fours(dW, 1)
    dq, dk, dv = buffers.zeros_like(queries), buffers.zeros_like(k), buffers.empty(v.shape, v.dtype)
    coefficients = _by_fours(_tidy(c))
    zeros: Any = [None if x is None else buffers.zeros_like(x) for x in coefficients]
    grad = Coefficients(*zeros)
    segment = max(16, HISTORY_BYTES // (4 * k.shape[2] * k.itemsize))

    def work(lo: int, hi: int) -> None:
        linear.adjoint(queries, k, v, *coefficients, W0, cotangents, dW, dq, dk, dv, *grad, segment, lo, hi)

    spread(work, len(k), 3 * _flops(problem), threads)
    if across:
        dq = run(problem._replace(q=dy, across=False), 0, threads).y
    grad = grad._replace(
        **{name: g[:, :, :d_v] for name in _BY_ROW if (g := getattr(grad, name)) is not None and g.ndim == 3}
    )
    return {"q": dq, "k": dk, "v": dv[:, :, :d_v], "W0": dW[:, :d_v]}, grad


def _by_fours(c: Coefficients) -> Coefficients:
    """Coefficients per row for the rows of zeros too."""
    wide = {name: _fours(x, 2) for name in _BY_ROW if (x := getattr(c, name)) is not None and x.ndim == 3}
    return c._replace(**wide) if wide else c


def _fours(x: Array, axis: int) -> Array:
    """Rows of zeros to the next multiple of 4 along an axis; the array itself where there are none to add."""
    more = -x.shape[axis] % 4
    if not more:
        return x
    rows = x.shape[axis]
    out = np.zeros((*x.shape[:axis], rows + more, *x.shape[axis + 1 :]), x.dtype)  # np.pad takes 20 us
    out[(slice(None),) * axis + (slice(rows),)] = x
    return out


def _tidy(c: Coefficients) -> Coefficients:
    """Coefficients as the kernels were compiled for."""
    tidy: list[Any] = [None if x is None else np.ascontiguousarray(x) for x in c]
    return Coefficients(*tidy)


def _flops(problem: Problem) -> float:
    """Work of one forward run."""
    return 6.0 * problem.k.size * problem.v.shape[2]
