"""The door to exact rules: `scan` runs a rule, `vjp` differentiates it, `attention` gives it as a matrix."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import checks, rules
from synfwp.coefficients import Coefficients
from synfwp.fastweights import forms, lowering
from synfwp.fastweights.arguments import Call, check, cotangent, plain, refuse_unused, sum_back
from synfwp.fastweights.solvers import linear, self_referential, softmax
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
FORMS = ("recurrent", "chunkwise", "parallel", "auto")
CHUNK = 64


@dataclass(frozen=True)
class Scan:
    """What a rule leaves: reads ``y (..., T, d_v)``, the last ``W (..., d_v, d_k)``, ``aux`` and kept ``states``.

    ``states`` is None, or W after tokens n, 2n, ... of shape (..., T // n, d_v, d_k). ``aux`` is the sum of keys z
    (..., d_k) of a normalised rule, or the mean of the keys and their number (..., d_k + 1) of a centred one. W is
    None for SOFTMAX.
    """

    y: Array
    W: Any
    aux: Array | None = None
    states: Array | None = None


@dataclass(frozen=True)
class Gradients:
    """Gradients in the shapes of the arguments as they were passed; None for an argument that was not passed."""

    q: Array
    k: Array | None = None
    v: Array | None = None
    beta: Array | None = None
    decay: Array | None = None
    erase: tuple[Array, Array] | None = None
    W0: Array | None = None
    aux0: Array | None = None


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
) -> Scan:
    r"""Run an update rule over sequences: write ``k_t -> v_t`` into W, then read ``y_t = W_t q_t``.

    Parameters
    ----------
    rule : Rule or str
        A row of ``synfwp.rules``, or its name.
    q, k : (..., T, d_k) array
        Queries and keys. Leading axes are batch and must be equal in q, k and v. SELF_REFERENTIAL takes its tokens as q
        and k=None.
    v : (..., T, d_v) array
        Values; None for a rule that writes nothing (HOUSEHOLDER), or its own (SELF_REFERENTIAL). Rules with n writes a
        token take k and v of shape (..., T, n, d) and beta (..., T, n).
    beta : None or array that broadcasts to (..., T)
        Write strength, at least 0; None means 1.
    decay : None or array that broadcasts to (..., T), or to (..., T, d_k) where the row's ``retain`` is "key"
        Multiplier of W, in [0, 1]; a rule with a decay needs it (gated OJA: (..., T, d_v)).
    erase : None or pair of arrays that broadcast to (..., T, d_k)
        (p, r) of a rule that erases with keys of its own (DPLR).
    momentum, ridge : None
        For rules that use them; any other rule refuses them.
    aux0 : None or array
        What `Scan.aux` of an earlier run holds: (..., d_k) for LINEAR_ATTENTION, (..., d_k + 1) for COVARIANCE.
    W0 : None or array that broadcasts to (..., d_v, d_k)
        Initial fast weights; None means 0. SELF_REFERENTIAL needs its (..., d_v + 2 d_k + 4, d_k): rows that are read
        as y, as the next key, as the next query and as the four betas, one for the rows of each of these blocks.
    form : None, "recurrent", "chunkwise", "parallel" or "auto"
        How the rule is computed; None means recurrent (SOFTMAX: parallel). All agree to rounding. "auto" takes the
        fastest for these sizes, by the benchmark of this repository.
    chunk : int or None
        Steps of a chunk of the chunkwise form; None means 64.
    states : int
        Keep W after every so many steps; 0 keeps none.
    threads : int or None
        Threads over the batch; None takes the processors at hand. Results do not depend on it.

    Returns
    -------
    Scan

    Raises
    ------
    TypeError, ValueError
        For a wrong shape, mixed float types, NaN or inf, a gate out of range, an argument that the rule does not use.

    Warns
    -----
    RuntimeWarning
        If a step is past the stability bound of the rule's row.

    Notes
    -----
    Irie & Gershman 2025, section 2; the equation of each rule stands in its row.

    >>> import numpy as np
    >>> key, value = np.array([[1.0, 0.0]]), np.array([[2.0, 3.0]])
    >>> scan("delta", key, key, value).W.tolist()
    [[2.0, 0.0], [3.0, 0.0]]
    """
    row = rules.get_rule(rule)
    refuse_unused(row, momentum=momentum, ridge=ridge)
    form, chunk = _form(row, form, chunk)
    every = checks.count("states", states, 0)
    if threads is not None:
        checks.count("threads", threads)
    call = check(row, q, k, v, beta, decay, W0, erase=erase, aux0=aux0)
    if row.forms == ("parallel",):
        if every:
            raise ValueError(f"rule {row.name!r} has no state W; leave states out.")
        return Scan(_shaped(call, softmax.forward(call.q, call.k, call.v)), None)
    if form == "auto":
        form = fastest_form(row, call.q.shape[1], call.q.shape[2], call.v.shape[-1], call.q.dtype)
    if form == "recurrent":
        return _recur(call, every, threads)[0]
    problem = lowering.lower(call)
    found = forms.chunkwise(problem, max(1, problem.k.shape[1]) if form == "parallel" else chunk, every * row.writes)
    return Scan(*(_shaped(call, x) for x in lowering.raise_outputs(call, *found)))


def vjp(
    rule: Rule | str,
    q: Any,
    k: Any = None,
    v: Any = None,
    beta: Any = None,
    *,
    decay: Any = None,
    erase: Any = None,
    W0: Any = None,
    aux0: Any = None,
    threads: int | None = None,
) -> tuple[Scan, Callable[..., Gradients]]:
    """Run a rule and get the function that pulls gradients back through it.

    Parameters are those of `scan`. The second result is ``pullback(dy, dW=None, daux=None) -> Gradients``, with the
    loss's gradients at ``y (..., T, d_v)`` and the final ``W (..., d_v, d_k)``. The adjoint runs the rows of W again
    from states kept at a few times, so memory beyond inputs and outputs grows with T as T d.

    Returns
    -------
    Scan, callable

    Raises
    ------
    TypeError, ValueError
        As `scan`; the pullback raises for cotangents of another shape.

    >>> import numpy as np
    >>> key, value = np.array([[1.0, 0.0]]), np.array([[2.0, 3.0]])
    >>> out, pullback = vjp("hebb", key, key, value)
    >>> pullback(np.array([[1.0, 0.0]])).v.tolist()
    [[1.0, 0.0]]
    """
    row = rules.get_rule(rule)
    call = check(row, q, k, v, beta, decay, W0, erase=erase, aux0=aux0)
    reads: Any = None
    if row.forms == ("parallel",):
        out = Scan(_shaped(call, softmax.forward(call.q, call.k, call.v)), None)
    else:
        out, reads = _recur(call, 0, threads)

    def pullback(dy: Any = None, dW: Any = None, daux: Any = None) -> Gradients:
        return _pullback(call, out, reads, dy, dW, daux, threads)

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
    W0: Any = None,
    aux0: Any = None,
    dy: Any = None,
    dW: Any = None,
    daux: Any = None,
    threads: int | None = None,
) -> Gradients:
    """The pullback of `vjp` alone: one run of the adjoint, and of the rule only where the reads are needed for it.

    >>> import numpy as np
    >>> one = np.ones((1, 1))
    >>> gradients("hebb", one, one, 2 * one, dy=one).beta is None
    True
    """
    row = rules.get_rule(rule)
    call = check(row, q, k, v, beta, decay, W0, erase=erase, aux0=aux0, warn=False)
    n, T, d_k = call.q.shape
    aux = np.empty((n, d_k + 1 if row.centred else d_k), call.q.dtype) if row.centred or row.normalised else None
    W = None if row.forms == ("parallel",) else call.W0
    out = Scan(*(_shaped(call, x) for x in (np.empty((n, T, call.v.shape[-1]), call.q.dtype), W, aux)))
    reads = linear.forward(lowering.lower(call), 0, threads)[0] if row.normalised else None
    return _pullback(call, out, reads, dy, dW, daux, threads)


def attention(rule: Rule | str, q: Any, k: Any, beta: Any = None, *, decay: Any = None, erase: Any = None) -> Array:
    """The rule as a causal attention matrix: ``y = A v`` for W_0 = 0.

    Solved from queries, keys and gates; never by running one-hot values through the recurrence.

    Parameters
    ----------
    rule, q, k, beta, decay, erase
        As `scan` takes them.

    Returns
    -------
    (..., T, T) array, or (..., T, T, n) for a rule with n writes a token: ``y = einsum("...tsn,...snv->...tv", A, v)``

    Raises
    ------
    ValueError
        If the rule has no parallel form.

    Source: Schlag, Irie & Schmidhuber 2021; Yang et al. 2024 (the delta rule as a triangular solve).

    >>> import numpy as np
    >>> key = np.array([[1.0, 0.0], [1.0, 0.0]])
    >>> attention("delta", key, key).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    row = rules.get_rule(rule)
    _form(row, "parallel", None)
    if row.error == "key" or (row.write is None and "recurrent" in row.forms):
        why = "is not linear in v" if row.error == "key" else "writes no values"
        raise ValueError(f"rule {row.name!r} {why}, so it has no attention matrix; run it with synfwp.scan.")
    keys = plain("k", k)
    values = np.zeros((*keys.shape[:-1], 1), keys.dtype if keys.dtype.kind == "f" else float)
    call = check(row, q, k, values, beta, decay, erase=erase)
    T = call.q.shape[1]
    if row.forms == ("parallel",):
        A = softmax.weights(call.q, call.k, 0, T) if T else np.zeros((len(call.q), 0, 0), call.q.dtype)
        return _shaped(call, A)
    problem = lowering.lower(call)
    A = forms.attention(problem)
    if row.read == "before":
        A = np.concatenate([np.zeros_like(A[:, :1]), A[:, :-1]], axis=1)
    A = A[:, (row.writes - 1 if row.read == "after" else 0) :: row.writes]
    if row.normalised:
        size = A.sum(axis=-1, keepdims=True)
        A = np.divide(A, size, out=np.zeros_like(A), where=size != 0)
    if row.writes > 1:
        A = A.reshape(len(A), T, T, row.writes)
    return _shaped(call, A)


def run_coefficients(q: Array, k: Array, v: Array, coefficients: Coefficients, W0: Array) -> Scan:
    """Run streams of coefficients that no single row has, e.g. what a mechanism really does. Arrays (n, T, .)."""
    y, W, _ = linear.forward(lowering.Problem(q, k, v, coefficients, W0, False), 0, 1)
    return Scan(y, W)


def fastest_form(rule: Rule | str, T: int, d_k: int, d_v: int, dtype: Any = np.float64) -> str:
    """The form that ``form="auto"`` takes for these sizes, by ``benchmarks/forms.py``.

    The blocked recurrence has been the fastest in every case of that benchmark, up to 1024 keys, also where chunks are
    nothing but large products of matrices; a rule without a recurrence takes its only form.

    >>> fastest_form("delta", 512, 64, 64), fastest_form("softmax", 512, 64, 64)
    ('recurrent', 'parallel')
    """
    return rules.get_rule(rule).forms[0]


def _form(rule: Rule, form: str | None, chunk: int | None) -> tuple[str, int]:
    """The form asked for, if the rule has it, and the length of a chunk."""
    if chunk is not None and form != "chunkwise":
        raise ValueError(f"chunk is {chunk!r} but form is {form!r}; pass chunk with form='chunkwise' only.")
    size = CHUNK if chunk is None else checks.count("chunk", chunk)
    if form is None:
        return rule.forms[0], size
    if checks.one_of("form", form, FORMS) == "auto":
        return "auto", size
    if form not in rule.forms:
        raise ValueError(f"rule {rule.name!r} has no form {form!r}; it has {', '.join(map(repr, rule.forms))}.")
    return form, size


def _recur(call: Call, every: int, threads: int | None) -> tuple[Scan, Array]:
    """The recurrence, and the reads of the problem that it solved."""
    if call.rule.self_reference:
        reads, W, states = self_referential.forward(call.q, call.W0, every, threads)
        return Scan(_shaped(call, reads), _shaped(call, W), None, _shaped(call, states)), reads
    reads, W, states = linear.forward(lowering.lower(call), every * call.rule.writes, threads)
    return Scan(*(_shaped(call, x) for x in lowering.raise_outputs(call, reads, W, states))), reads


def _pullback(call: Call, out: Scan, reads: Any, dy: Any, dW: Any, daux: Any, threads: int | None) -> Gradients:
    """Cotangents of a call through its problem and back, in the shapes of the arguments."""
    if daux is not None and out.aux is None:
        raise ValueError(f"daux was passed but rule {call.rule.name!r} has no aux; leave it out.")
    if dW is not None and out.W is None:
        raise ValueError(f"dW was passed but rule {call.rule.name!r} has no W; leave it out.")
    n = len(call.q)
    dy, dW, daux = (
        None if like is None else cotangent(name, x, like).reshape(n, *like.shape[len(call.lead) :])
        for name, x, like in (("dy", dy, out.y), ("dW", dW, out.W), ("daux", daux, out.aux))
    )
    if out.W is None:
        found: dict[str, Any] = softmax.pull(call.q, call.k, call.v, dy)
    elif call.rule.self_reference:
        found = self_referential.pull(call.q, call.W0, dy, dW, threads)
    else:
        problem = lowering.lower(call)
        lowered, end, first = lowering.lower_cotangents(call, reads, dy, dW, daux)
        grads, grad = linear.adjoint(problem, lowered, end, threads)
        found = lowering.raise_gradients(call, problem, grads, grad, first, daux)
    back: dict[str, Any] = {name: sum_back(found.get(name), call.lead, shape) for name, shape in call.shapes.items()}
    p, r = back.pop("p"), back.pop("r")
    return Gradients(**back, erase=None if p is None else (p, r))


def _shaped(call: Call, x: Array | None) -> Any:
    """A result with the caller's leading axes."""
    return None if x is None else np.ascontiguousarray(x).reshape(call.lead + x.shape[1:])
