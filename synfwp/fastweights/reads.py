"""Reads of the tokens that are scored, and nothing else: for few of them W is never made."""

import math
from typing import Any

import numpy as np

from synfwp import checks, owned, rules
from synfwp.coefficients import Coefficients
from synfwp.fastweights import arguments, chain, overflow
from synfwp.fastweights.api import gradients, scan
from synfwp.fastweights.chain import Canonical
from synfwp.fastweights.problem import Call, Cotangents, Gradients, Named, Outputs, Problem
from synfwp.fastweights.solvers import softmax
from synfwp.kernels import reads as kernel
from synfwp.rules import Rule
from synfwp.threads import spread

Array = np.ndarray
FEW = 8  # rows of W through all steps that cost less than one read of the last step (benchmarks/programmers.py)


def read(rule: Rule | str, scored: Any, q: Any, k: Any = None, v: Any = None, beta: Any = None, **more: Any) -> Array:
    """Reads ``y (..., T, d_v)`` of the tokens that are scored, and 0 at the others.

    Softmax attends for these alone.
    A rule of the linear family takes a query back through time where few are read,
    ``x <- a x - beta (k . x) k``: a read
    costs d_k + d_v for every step before it, and W none. With many reads, and for other rules, it is `scan`.

    Parameters
    ----------
    rule, q, k, v, beta
        As `scan` takes them.
    scored : boolean array that broadcasts to (..., T)
        The tokens that are read.
    **more
        ``decay``, ``erase``, ``momentum``, ``ridge``, ``W0`` and ``aux0`` as `scan` takes them.

    Returns
    -------
    (..., T, d_v) array

    Raises
    ------
    TypeError, ValueError
        As `scan`, and if scored holds no booleans or does not broadcast.

    References
    ----------
    Yang et al. 2024 (the delta rule's W as a product of Householder matrices, from which this order follows).

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones((3, 1))
    >>> read("hebb", [False, False, True], one, one, one).tolist()
    [[0.0], [0.0], [3.0]]
    """
    row = rules.get_rule(rule)
    if _has_both(row):
        call = arguments.check(row, q, k, v, beta, **more)
        mask = _marks(scored, call.lead, call.q.shape[1])
        with overflow.silent():
            found = _forward(call, mask)
        if found is not None:
            overflow.warn(call, {"y": found})
            return owned.apart(np.ascontiguousarray(found).reshape(call.lead + found.shape[1:]), *call)
    out = scan(row, q, k, v, beta, **more).y
    lead, T = out.shape[:-2], out.shape[-2]
    out[~_marks(scored, lead, T).reshape(*lead, T)] = 0
    return out


def read_gradients(
    rule: Rule | str, scored: Any, q: Any, k: Any = None, v: Any = None, beta: Any = None, *, dy: Any, **more: Any
) -> Gradients:
    """Gradients of the arguments of `read` for a loss's gradients ``dy (..., T, d_v)`` at the reads.

    Parameters
    ----------
    rule, scored, q, k, v, beta, **more
        As `read` takes them.
    dy : (..., T, d_v) array
        What it holds at tokens that are not scored does not count.

    Returns
    -------
    Gradients

    Raises
    ------
    TypeError, ValueError
        As `read`, and if dy has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones((3, 1))
    >>> read_gradients("hebb", [False, False, True], one, one, one, dy=one).q.tolist()
    [[0.0], [0.0], [3.0]]
    """
    row = rules.get_rule(rule)
    dy = arguments.plain("dy", dy)
    lead, T = dy.shape[:-2], dy.shape[-2]
    mask = _marks(scored, lead, T).reshape(*lead, T)
    dy = dy if mask.all() else dy * mask[..., None]
    if _has_both(row):
        call = arguments.check(row, q, k, v, beta, warn=False, **more)
        like = np.broadcast_to(call.q.dtype.type(0), (*call.lead, call.q.shape[1], call.v.shape[-1]))
        flat = arguments.cotangent("dy", dy, like).reshape(len(call.q), *like.shape[-2:])
        with overflow.silent():
            found = _adjoint(call, flat)
        if found is not None:
            overflow.warn(call, {f"the gradient of {name}": x for name, x in found.items() if call.shapes[name]})
            back: dict[str, Any] = {
                name: None
                if shape is None
                else owned.apart(arguments.sum_back(found[name], call.lead, shape), dy, *call)
                for name, shape in call.shapes.items()
            }
            p, r = back.pop("p"), back.pop("r")
            return Gradients(**back, erase=None if p is None else (p, r))
    return gradients(row, q, k, v, beta, dy=dy, **more)


def _has_both(rule: Rule) -> bool:
    """Whether single reads can cost less than all: of rules of the linear family that predict the value, of softmax."""
    return rule.solver == "softmax" or (rule.solver == "linear" and rule.error == "value")


def _marks(scored: Any, lead: tuple[int, ...], T: int) -> Array:
    """(n, T) booleans."""
    scored = checks.plain("scored", scored)
    if scored.dtype != bool:
        raise TypeError(f"scored has dtype {scored.dtype}; pass booleans (..., T), such as a batch's mask.")
    try:
        return np.broadcast_to(scored, (*lead, T)).reshape(math.prod(lead), T)
    except ValueError:
        raise ValueError(f"scored has shape {scored.shape}; it must broadcast to {(*lead, T)}.") from None


def _forward(call: Call, mask: Array) -> Array | None:
    """Reads of the call, or None where `scan` is faster."""
    at: Array | None
    if call.rule.solver == "softmax":
        at = _latest_first(mask)
        return softmax.read(call, at) if 0 < 2 * at.shape[1] <= mask.shape[1] else None
    canonical, reads = _canonical(call, mask)
    problem = canonical.problem
    at = _steps(problem, reads)
    if at is None:
        return None
    found = Outputs(_run(call, problem, at), call.W0 if not canonical.levels else problem.W0)  # nobody asks for this W
    return chain.from_canonical(canonical, found).y


def _adjoint(call: Call, dy: Array) -> Named | None:
    """Gradients of the call, or None where the other adjoint is faster."""
    at: Array | None
    counts = (dy != 0).any(axis=-1)
    if call.rule.solver == "softmax":
        at = _latest_first(counts)
        return softmax.read_adjoint(call, dy, at) if 0 < 2 * at.shape[1] <= counts.shape[1] else None
    canonical, reads = _canonical(call, counts)
    problem = canonical.problem
    kept = None
    if chain.needs_reads(canonical):
        at = _steps(problem, reads)
        if at is None:
            return None
        kept = Outputs(_run(call, problem, at), problem.W0)
    every = chain.cotangents_to_canonical(canonical, kept, Cotangents(dy, _nothing(call.W0), None))
    below = every[-1].dy
    at = _steps(problem, (below != 0).any(axis=-1))
    if at is None:
        return None
    return chain.gradients_from_canonical(canonical, every, *_run_adjoint(call, problem, below, at))


def _canonical(call: Call, mask: Array) -> tuple[Canonical, Array]:
    """The call in canonical form and its steps (n, S) that read; passes that move queries find zeros at the others."""
    moved = bool(chain.passes_of(call.rule))
    canonical = chain.to_canonical(call._replace(q=call.q * mask[..., None]) if moved else call)
    asks = (canonical.problem.q != 0).any(axis=-1)
    return canonical, asks if moved else asks & mask


def _steps(problem: Problem, reads: Array) -> Array | None:
    """The steps (n, R) that read, the latest first and -1 behind them; None where they are many."""
    n, T, d_v = problem.v.shape
    if problem.c.write.ndim == 3 or not reads.size:
        return None
    if (reads @ np.arange(1, T + 1)).sum() * FEW > n * T * d_v:
        return None
    return _latest_first(reads)


def _latest_first(reads: Array) -> Array:
    """The steps (n, R) that read, the latest first and -1 behind them."""
    most = max(1, int(reads.sum(axis=1).max(initial=0)))
    steps = np.where(reads, np.arange(reads.shape[1]), -1)
    return np.sort(steps, axis=1)[:, ::-1][:, :most].copy()


def _run(call: Call, problem: Problem, at: Array) -> Array:
    """Reads (n, T, d_v) by the kernel."""
    q, k, v, c, _, _ = problem
    y, W0 = np.zeros_like(v), _start(call, problem)
    tidy = _tidy(c)

    def work(lo: int, hi: int) -> None:
        kernel.forward(q, k, v, *tidy, W0, at, y, lo, hi)

    spread(work, len(k), _flops(problem, at), None)
    return y


def _run_adjoint(call: Call, problem: Problem, dy: Array, at: Array) -> tuple[Named, Coefficients]:
    """Gradients of q, k, v, W0 and of the coefficients by the kernel."""
    q, k, v, c, _, _ = problem
    W0 = _start(call, problem)
    dy, tidy = np.ascontiguousarray(dy), _tidy(c)
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.zeros_like(v)
    zeros: Any = [None if x is None else np.zeros_like(x) for x in tidy]
    grad, dW0 = Coefficients(*zeros), None if W0 is None else np.zeros_like(W0)

    def work(lo: int, hi: int) -> None:
        kernel.adjoint(q, k, v, *tidy, W0, dy, dq, dk, dv, *grad, dW0, at, lo, hi)

    spread(work, len(k), 3 * _flops(problem, at), None)
    return {"q": dq, "k": dk, "v": dv, "W0": _nothing(problem.W0) if dW0 is None else dW0}, grad


def _start(call: Call, problem: Problem) -> Array | None:
    """W_0 where one was passed."""
    return None if call.shapes["W0"] is None and call.shapes["aux0"] is None else problem.W0


def _nothing(like: Array) -> Array:
    """Zeros that take no memory."""
    return np.broadcast_to(like.dtype.type(0), like.shape)


def _tidy(c: Coefficients) -> list[Any]:
    """Coefficients as the kernels were compiled for."""
    return [None if x is None else np.ascontiguousarray(x) for x in c]


def _flops(problem: Problem, at: Array) -> float:
    """Work of one forward run."""
    return float((at + 1).sum()) * (4 * problem.k.shape[2] + 2 * problem.v.shape[2])
