"""The door to exact rules: `scan` runs a rule, `vjp` differentiates it, `attention` gives it as a matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from synfwp import checks, owned, rules
from synfwp.coefficients import Coefficients
from synfwp.fastweights import arguments, overflow
from synfwp.fastweights.arguments import check, cotangent, plain, sum_back
from synfwp.fastweights.choice import chosen, fastest_form
from synfwp.fastweights.into import check_out, fill, places
from synfwp.fastweights.problem import Call, Cotangents, Gradients, Outputs, Problem, Scan
from synfwp.fastweights.solvers import linear, solver_of
from synfwp.rules import Rule

__all__ = [
    "Gradients",
    "Scan",
    "attention",
    "fastest_form",
    "gradients",
    "run_coefficients",
    "scan",
    "vjp",
]

Array = np.ndarray


def scan(
    rule: Rule | str,
    q: Any,
    k: Any = None,
    v: Any = None,
    beta: Any = None,
    *,
    decay: Any = None,
    erase: Any = None,
    momentum: Any = None,
    ridge: Any = None,
    W0: Any = None,
    aux0: Any = None,
    form: str | None = None,
    chunk: int | None = None,
    states: int = 0,
    threads: int | None = None,
    out: Scan | None = None,
) -> Scan:
    r"""Run an update rule over sequences: write ``k_t -> v_t`` into W, then read ``y_t = W_t q_t``.

    Parameters
    ----------
    rule : Rule or str
        A row of ``synfwp.rules``, or its name.
    q, k : (..., T, d_k) array
        Queries and keys. Time is the last axis but one, and everything before it is batch: with heads (batch, head,
        time, feature). Arrays of flash-linear-attention, [batch, time, head, feature], pass through
        `synfwp.conventions.from_fla` first. Leading axes must be equal in q, k and v. SELF_REFERENTIAL takes its tokens
        as q and k=None.
    v : (..., T, d_v) array
        Values; None for a rule that writes nothing (HOUSEHOLDER), or its own (SELF_REFERENTIAL). Rules with n writes
        per token take k and v of shape (..., T, n, d) and beta (..., T, n).
    beta : None or array that broadcasts to (..., T), or to (..., T, d_v)
        Write strength, at least 0; None means 1. An array with as many axes as v is one number per value channel,
        ``W_t = a W + diag(beta) (v - a W k) k^T``, in the recurrent form of rules of the linear family whose rows of W
        do not meet; any other is one per token.
    decay : None or array that broadcasts to (..., T), or to (..., T, d_k) where the row's ``retain`` is "key"
        Multiplier of W, in [0, 1]; a rule with a decay needs it (gated OJA: (..., T, d_v)).
    erase : None or pair of arrays that broadcast to (..., T, d_k)
        (p, r) of a rule that erases with keys of its own (DPLR).
    momentum : None or array that broadcasts to (..., T)
        What MOMENTUM_DELTA multiplies M by, in [0, 1].
    ridge : None or array that broadcasts to (..., d_k)
        What MESA adds to the diagonal of H, above 0.
    W0 : None or array that broadcasts to (..., d_v, d_k)
        Initial fast weights; None means 0. MESA shrinks to them. SELF_REFERENTIAL needs its
        (..., d_v + 2 d_k + 4, d_k): rows that are read as y, as the next key, as the next query and as the four betas,
        one for the rows of each of these blocks.
    aux0 : None or array
        What `Scan.aux` of an earlier run holds: (..., d_k) for LINEAR_ATTENTION, (..., d_k + 1) for COVARIANCE,
        (..., d_v, d_k) for MOMENTUM_DELTA, (..., d_k, d_k) for MESA. None means 0. That of COVARIANCE is the mean of
        the keys before the run, which its first key and query go without, and their number; the number ``inf`` holds
        a mean that is known, and is the only one that need not be finite.
    form : None, "recurrent", "chunkwise", "parallel" or "auto"
        How the rule is computed; None means recurrent (SOFTMAX: parallel). All agree to rounding. "auto" takes the
        fastest for these sizes, by the benchmark of this repository.
    chunk : int or None
        Steps of a chunk of the chunkwise form; None means 64.
    states : int
        Keep W after every so many steps; 0 keeps none.
    threads : int or None
        Threads over the batch; None takes the processors at hand. Results do not depend on it.
    out : None or Scan
        What an earlier call of the same sizes has returned: its arrays are written over, and it is returned. Without it
        results lie in memory of their own, for large ones that of earlier results that are no longer held.

    Returns
    -------
    Scan

    Raises
    ------
    TypeError, ValueError
        For a wrong shape, mixed float types, NaN or inf, a gate out of range, an argument that the rule does not use.
    FloatingPointError
        If the ridge of MESA is too small for the rounding of H; raise it, or pass float64.

    Warns
    -----
    RuntimeWarning
        If a step is past the stability bound of the rule's row: below it no sequence of steps makes W larger (a bound
        of "each step alone" does not promise that). If results overflow: inf or nan though every argument is finite. If
        the axes of time and head look exchanged.

    Notes
    -----
    Irie & Gershman 2025, section 2; the equation of each rule stands in its row. A rule that uses an argument needs it,
    but for beta, W0 and aux0.

    Examples
    --------
    >>> import numpy as np
    >>> key, value = np.array([[1.0, 0.0]]), np.array([[2.0, 3.0]])
    >>> scan("delta", key, key, value).W.tolist()
    [[2.0, 0.0], [3.0, 0.0]]
    """
    row = rules.get_rule(rule)
    form, chunk = chosen(row, form, chunk)
    every = checks.count("states", states, 0)
    if threads is not None:
        checks.count("threads", threads)
    given: Any = {"erase": erase, "momentum": momentum, "ridge": ridge, "aux0": aux0}
    later = form in ("recurrent", "auto") and linear.sums(row)
    call = check(row, q, k, v, beta, decay, W0, **given, later=later)
    if every and not row.has_weights:
        raise ValueError(f"rule {row.name!r} has no state W; leave states out.")
    T, d_k, solver = call.q.shape[1], call.q.shape[2], solver_of(row)
    arguments.check_channels_of_form(call, form)
    if form == "auto":
        form = fastest_form(row, T, d_k, call.v.shape[-1], call.q.dtype)
    if out is not None:
        check_out(call, out, every)
    with overflow.silent():
        if later and form == "recurrent":
            found = linear.forward(call, every, threads, places(call, out))
        elif form == "recurrent" or not hasattr(solver, "chunkwise"):
            found = solver.forward(call, every, threads)
        else:
            found = solver.chunkwise(call, max(1, T * row.writes) if form == "parallel" else chunk, every)
    if later:
        arguments.judge(call, found.sizes)
    result = _shaped(call, overflow.checked(call, found))
    return result if out is None else fill(out, result)


def vjp(
    rule: Rule | str,
    q: Any,
    k: Any = None,
    v: Any = None,
    beta: Any = None,
    *,
    decay: Any = None,
    erase: Any = None,
    momentum: Any = None,
    ridge: Any = None,
    W0: Any = None,
    aux0: Any = None,
    threads: int | None = None,
) -> tuple[Scan, Callable[..., Gradients]]:
    """Run a rule and get its adjoint: the function that takes gradients of a loss from the results to the arguments.

    Parameters
    ----------
    rule : Rule or str
    q, k : (..., T, d_k) array
        Queries and keys.
    v : (..., T, d_v) array
        Values.
    beta, decay, erase, momentum, ridge, W0, aux0 : array or None
        Gates and what the rule starts from, as `scan` takes them.
    threads : int or None
        As `scan` takes them.

    Returns
    -------
    Scan, callable
        The second is ``pullback(dy, dW=None, daux=None) -> Gradients``, of the loss's gradients at ``y (..., T, d_v)``,
        at the final ``W (..., d_v, d_k)`` and at aux. It runs the rows of W again from states kept at a few times, so
        that memory beyond inputs and outputs grows with T as T d.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As `scan`; the pullback raises for cotangents of another shape.

    Examples
    --------
    >>> import numpy as np
    >>> key, value = np.array([[1.0, 0.0]]), np.array([[2.0, 3.0]])
    >>> out, pullback = vjp("hebb", key, key, value)
    >>> pullback(np.array([[1.0, 0.0]])).v.tolist()
    [[1.0, 0.0]]
    """
    row = rules.get_rule(rule)
    given: Any = {"erase": erase, "momentum": momentum, "ridge": ridge, "aux0": aux0}
    later = linear.sums(row)
    call = check(row, q, k, v, beta, decay, W0, **given, later=later)
    call = arguments.kept(call, q, k, v, beta, decay, erase, momentum, ridge, W0, aux0)
    with overflow.silent():
        found = solver_of(row).forward(call, 0, threads)
    if later:
        arguments.judge(call, found.sizes)
    found = overflow.checked(call, found)
    out, kept = _shaped(call, found), found.kept

    def pullback(dy: Any = None, dW: Any = None, daux: Any = None) -> Gradients:
        arguments.finite(out.y.dtype, dy=dy, dW=dW, daux=daux)
        return _adjoint(call, out, kept, dy, dW, daux, threads)

    return out, pullback


def gradients(
    rule: Rule | str,
    q: Any,
    k: Any = None,
    v: Any = None,
    beta: Any = None,
    *,
    decay: Any = None,
    erase: Any = None,
    momentum: Any = None,
    ridge: Any = None,
    W0: Any = None,
    aux0: Any = None,
    dy: Any = None,
    dW: Any = None,
    daux: Any = None,
    threads: int | None = None,
) -> Gradients:
    """The pullback of `vjp` alone: one run of the adjoint, and of the rule only where its results are needed for it.

    Parameters
    ----------
    rule : Rule or str
    q, k : (..., T, d_k) array
        Queries and keys.
    v : (..., T, d_v) array
        Values.
    beta, decay, erase, momentum, ridge, W0, aux0 : array or None
        Gates and what the rule starts from, as `scan` takes them.
    threads : int or None
        As `scan` takes them.
    dy, dW, daux : None or arrays of the shapes of y, W and aux
        Gradients of the loss there; None means 0.

    Returns
    -------
    Gradients

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As `vjp`.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones((1, 1))
    >>> gradients("hebb", one, one, 2 * one, dy=one).beta is None
    True
    """
    row = rules.get_rule(rule)
    call = check(row, q, k, v, beta, decay, W0, erase=erase, momentum=momentum, ridge=ridge, aux0=aux0, warn=False)
    (n, T, d_k), d_v, dtype = call.q.shape, call.v.shape[-1], call.q.dtype
    aux = solver_of(row).aux_shape(row, d_v, d_k)
    like = Outputs(
        np.empty((n, T, d_v), dtype),
        call.W0 if row.has_weights else None,
        None if aux is None else np.empty((n, *aux), dtype),
    )
    return _adjoint(call, _shaped(call, like), None, dy, dW, daux, threads)


def attention(
    rule: Rule | str,
    q: Any,
    k: Any,
    beta: Any = None,
    *,
    decay: Any = None,
    erase: Any = None,
    momentum: Any = None,
    ridge: Any = None,
) -> Array:
    """The rule as a causal attention matrix: ``y = A v`` for W_0 = 0.

    Solved from queries, keys and gates; never by running one-hot values through the recurrence.

    Parameters
    ----------
    rule : Rule or str
    q, k : (..., T, d_k) array
        Queries and keys.
    beta, decay, erase, momentum, ridge : array or None
        Gates, as `scan` takes them.

    Returns
    -------
    (..., T, T) array, or (..., T, T, n) for a rule with n writes per token
        ``y = A v``, or ``y = einsum("...tsn,...snv->...tv", A, v)``.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        As `scan`, and if the rule has no such matrix.

    References
    ----------
    Schlag, Irie & Schmidhuber 2021; Yang et al. 2024 (the delta rule as a triangular solve).

    Examples
    --------
    >>> import numpy as np
    >>> key = np.array([[1.0, 0.0], [1.0, 0.0]])
    >>> attention("delta", key, key).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    row = rules.get_rule(rule)
    arguments.has_form(row, "attention")
    if row.error == "key" or not row.uses_values:
        why = "is not linear in v" if row.error == "key" else "writes no values"
        raise ValueError(f"rule {row.name!r} {why}, so it has no attention matrix; run it with synfwp.scan.")
    keys = plain("k", k)
    arguments.refuse_channels(beta, keys)
    values = np.zeros((*keys.shape[:-1], 1), keys.dtype if keys.dtype.kind == "f" else float)
    call = check(row, q, k, values, beta, decay, erase=erase, momentum=momentum, ridge=ridge)
    with overflow.silent():
        A = solver_of(row).attention(call)
    overflow.warn(call, {"A": A})
    return owned.apart(np.ascontiguousarray(A).reshape(call.lead + A.shape[1:]), *call)


def run_coefficients(q: Array, k: Array, v: Array, coefficients: Coefficients, W0: Array) -> Scan:
    """Run coefficients that no single row has, e.g. what a mechanism really does.

    Parameters
    ----------
    q, k, v : (n, T, .) arrays
    coefficients : Coefficients
    W0 : (n, d_v, d_k) array

    Returns
    -------
    Scan
    """
    found = linear.run(Problem(q, k, v, coefficients, W0, False), 0, 1)
    return Scan(found.y, found.W)


def _adjoint(call: Call, out: Scan, kept: Any, dy: Any, dW: Any, daux: Any, threads: int | None) -> Gradients:
    """Cotangents through the adjoint of the solver, in the shapes of the arguments; ``out`` has those of results."""
    if daux is not None and out.aux is None:
        raise ValueError(f"daux was passed but rule {call.rule.name!r} has no aux; leave it out.")
    if dW is not None and out.W is None:
        raise ValueError(f"dW was passed but rule {call.rule.name!r} has no W; leave it out.")
    n = len(call.q)
    cotangents = Cotangents(
        *(
            None if like is None else cotangent(name, x, like).reshape(n, *like.shape[len(call.lead) :])
            for name, x, like in (("dy", dy, out.y), ("dW", dW, out.W), ("daux", daux, out.aux))
        )  # type: ignore[arg-type]
    )
    with overflow.silent():
        found = solver_of(call.rule).adjoint(call, kept, cotangents, threads)
    overflow.warn(call, {f"the gradient of {name}": x for name, x in found.items()})
    back: dict[str, Any] = dict.fromkeys(call.shapes)
    for name, shape in call.shapes.items():
        if shape is not None:
            back[name] = owned.apart(sum_back(found[name], call.lead, shape), dy, dW, daux, *call)
    p, r = back.pop("p"), back.pop("r")
    return Gradients(**back, erase=None if p is None else (p, r))


def _shaped(call: Call, found: Outputs) -> Scan:
    """Outputs with the caller's leading axes; none of them shares memory with an argument."""
    results: list[Any] = [
        None if x is None else np.ascontiguousarray(x).reshape(call.lead + x.shape[1:]) for x in found[:4]
    ]
    return Scan(*(results if found.fresh else (owned.apart(x, found.kept, *call) for x in results)))
