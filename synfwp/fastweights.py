"""The door to exact rules: ``scan`` runs a rule, ``vjp`` differentiates it. Checks, batching and threads stand here."""

import functools
import math
import os
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from synfwp import checks, rules
from synfwp.kernels import linear
from synfwp.rules import Coefficients, Rule

Array = np.ndarray
FORMS = ("recurrent",)
_POOL_FLOPS = 6e6  # about .3 ms of one core: below it handing work to a pool costs more than it saves
_HISTORY_BYTES = 1 << 18  # four rows' history of one segment of the adjoint stays in the L2 cache
_THREADS: ContextVar[int | None] = ContextVar("threads", default=None)


@dataclass(frozen=True)
class Scan:
    """What a rule leaves: reads ``y (..., T, d_v)``, the last ``W (..., d_v, d_k)``, ``aux`` and kept ``states``.

    ``states`` is None, or W after steps n, 2n, ... of shape (..., T // n, d_v, d_k).
    """

    y: Array
    W: Array
    aux: Array | None = None
    states: Array | None = None


@dataclass(frozen=True)
class Gradients:
    """Gradients in the shapes of the arguments as they were passed; None for an argument that was not passed."""

    q: Array
    k: Array
    v: Array
    beta: Array | None = None
    decay: Array | None = None
    W0: Array | None = None


class _Call(NamedTuple):
    """Checked arguments with one batch axis, and what is needed to give results the caller's shapes."""

    rule: Rule
    q: Array
    k: Array
    v: Array
    beta: Array
    decay: Array | None
    W0: Array
    lead: tuple[int, ...]
    shapes: dict[str, tuple[int, ...] | None]


def scan(
    rule: Rule | str,
    q: Any,
    k: Any,
    v: Any,
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
        Queries and keys. Leading axes are batch and must be equal in q, k and v.
    v : (..., T, d_v) array
        Values.
    beta : None or array that broadcasts to (..., T)
        Write strength, at least 0; None means 1.
    decay : None or array that broadcasts to (..., T), or to (..., T, d_k) where the row's ``retain`` is "key"
        Multiplier of W, in [0, 1]; a rule with a decay needs it.
    erase, momentum, ridge, aux0, chunk : None
        For rules and forms that use them; any other rule refuses them.
    W0 : None or array that broadcasts to (..., d_v, d_k)
        Initial fast weights; None means 0.
    form : None or "recurrent"
        How the rule is computed.
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
    _refuse_unused(rule, erase=erase, momentum=momentum, ridge=ridge, aux0=aux0, chunk=chunk)
    checks.one_of("form", "recurrent" if form is None else form, FORMS)
    call = check(rule, q, k, v, beta, decay, W0)
    return _forward(call, checks.count("states", states, 0), threads)


def vjp(
    rule: Rule | str,
    q: Any,
    k: Any,
    v: Any,
    beta: Any = None,
    *,
    decay: Any = None,
    W0: Any = None,
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
    call = check(rule, q, k, v, beta, decay, W0)
    out = _forward(call, 0, threads)

    def pullback(dy: Any = None, dW: Any = None, daux: Any = None) -> Gradients:
        if daux is not None:
            raise ValueError(f"daux was passed but rule {call.rule.name!r} has no aux; leave it out.")
        return _pullback(call, _cotangent("dy", dy, out.y), _cotangent("dW", dW, out.W), threads)

    return out, pullback


def gradients(
    rule: Rule | str,
    q: Any,
    k: Any,
    v: Any,
    beta: Any = None,
    *,
    decay: Any = None,
    W0: Any = None,
    dy: Any = None,
    dW: Any = None,
    threads: int | None = None,
) -> Gradients:
    """The pullback of `vjp` alone, where the reads are known already: one run of the adjoint, none of the rule.

    >>> import numpy as np
    >>> one = np.ones((1, 1))
    >>> gradients("hebb", one, one, 2 * one, dy=one).beta is None
    True
    """
    call = check(rule, q, k, v, beta, decay, W0, warn=False)
    (_, T, d_k), d_v = call.k.shape, call.v.shape[2]
    y, W = np.empty((*call.lead, T, d_v), call.v.dtype), np.empty((*call.lead, d_v, d_k), call.v.dtype)
    return _pullback(call, _cotangent("dy", dy, y), _cotangent("dW", dW, W), threads)


@contextmanager
def thread_limit(threads: int | None) -> Iterator[None]:
    """Within this context `scan` and `vjp` use at most so many threads, unless told otherwise by their argument."""
    token = _THREADS.set(None if threads is None else checks.count("threads", threads))
    try:
        yield
    finally:
        _THREADS.reset(token)


def run_coefficients(q: Array, k: Array, v: Array, coefficients: Coefficients, W0: Array) -> Scan:
    """Run streams of coefficients that no single row has, e.g. what a mechanism really does. Arrays as `_Call` has."""
    W, y = W0.copy(), np.empty_like(v)
    streams = [None if x is None else np.ascontiguousarray(x) for x in coefficients]
    _spread(lambda lo, hi: linear.forward(q, k, v, *streams, W, y, None, 0, lo, hi), len(k), 1.0, 1)
    return Scan(y, W)


def _forward(call: _Call, every: int, threads: int | None) -> Scan:
    """One run of the forward kernel; results get the caller's leading axes back."""
    q, k, v = call.q, call.k, call.v
    n, T = k.shape[:2]
    y, W = np.empty_like(v), call.W0.copy()
    states = np.empty((n, T // every, *W.shape[1:]), v.dtype) if every else None
    streams = rules.coefficients(call.rule, k, call.beta, call.decay)
    _spread(lambda lo, hi: linear.forward(q, k, v, *streams, W, y, states, every, lo, hi), n, _flops(call), threads)
    kept = None if states is None else states.reshape(call.lead + states.shape[1:])
    return Scan(y.reshape(call.lead + y.shape[1:]), W.reshape(call.lead + W.shape[1:]), states=kept)


def _pullback(call: _Call, dy: Array, dW: Array, threads: int | None) -> Gradients:
    """One run of the adjoint kernel, then the chain rule through the coefficients and the broadcasting."""
    q, k, v, W0 = call.q, call.k, call.v, call.W0
    streams = rules.coefficients(call.rule, k, call.beta, call.decay)
    dW = dW.reshape(W0.shape).copy()
    dy = np.ascontiguousarray(dy.reshape(v.shape))
    dq, dk, dv = np.zeros_like(q), np.zeros_like(k), np.empty_like(v)
    zeros: Any = [None if x is None else np.zeros_like(x) for x in streams]
    grad = Coefficients(*zeros)
    segment = max(16, _HISTORY_BYTES // (4 * k.shape[2] * k.itemsize))

    def work(lo: int, hi: int) -> None:
        linear.adjoint(q, k, v, *streams, W0, dy, dW, dq, dk, dv, *grad, segment, lo, hi)

    _spread(work, len(k), 3 * _flops(call), threads)
    more, dbeta, ddecay = rules.pull_coefficients(call.rule, k, call.beta, call.decay, grad)
    if more is not None:
        dk += more
    found: dict[str, Any] = {"q": dq, "k": dk, "v": dv, "beta": dbeta, "decay": ddecay, "W0": dW}
    back: dict[str, Any] = {name: _sum_back(g, call.lead, call.shapes[name]) for name, g in found.items()}
    return Gradients(**back)


# --- checks ----------------------------------------------------------------------------------------------------------


def check(rule: Rule | str, q: Any, k: Any, v: Any, beta: Any, decay: Any, W0: Any, warn: bool = True) -> _Call:
    """Arguments as the kernels want them, or an error that says which one is wrong."""
    rule = rules.get_rule(rule)
    raw = {"q": q, "k": k, "v": v, "beta": beta, "decay": decay, "W0": W0}
    given = {name: _array(name, x) for name, x in raw.items() if x is not None}
    for name in ("q", "k", "v"):
        if name not in given:
            raise TypeError(f"{name} is None; pass an array of shape (..., time, feature).")
    if rule.uses_decay and decay is None:
        shape = "(..., T)" if rule.retain == "scalar" else "(..., T, d_k)"
        raise ValueError(f"rule {rule.name!r} needs decay; pass numbers in [0, 1] that broadcast to {shape}.")
    _refuse_unused(rule, decay=None if rule.uses_decay else decay, beta=None if rule.uses_beta else beta)
    given = _one_dtype(given)
    q, k, v = given["q"], given["k"], given["v"]
    _check_shapes(q, k, v)
    lead, (T, d_k), d_v, n = k.shape[:-2], k.shape[-2:], v.shape[-1], math.prod(k.shape[:-2])
    gates = (T,) if rule.retain != "key" else (T, d_k)
    beta_full = _broadcast("beta", given.get("beta", k.dtype.type(1)), lead, (T,), n)
    decay_full = _broadcast("decay", given["decay"], lead, gates, n) if "decay" in given else None
    W_full = _broadcast("W0", given.get("W0", k.dtype.type(0)), lead, (d_v, d_k), n)
    _in_range("beta", beta_full, 0, math.inf)
    if decay_full is not None:
        _in_range("decay", decay_full, 0, 1)
    flat = [_tidy(x.reshape(n, *x.shape[-2:])) for x in (q, k, v)]
    call = _Call(
        rule,
        flat[0],
        flat[1],
        flat[2],
        beta_full,
        decay_full,
        W_full,
        lead,
        {name: given[name].shape if name in given else None for name in raw},
    )
    if warn:
        _warn_unstable(call)
    return call


def _plain(name: str, x: Any) -> Array:
    """A NumPy array; labelled, traced and foreign arrays are refused."""
    if not isinstance(x, (np.ndarray, np.generic, list, tuple, int, float)) or isinstance(x, np.ma.MaskedArray):
        kind = f"{type(x).__module__.split('.')[0]} {type(x).__name__}"
        hint = {
            "xarray": "pass its .values in the order (..., time, feature), or the Dataset to synfwp.simulate",
            "autograd": "differentiate through synfwp.autograd.scan, all arguments by position",
        }.get(kind.split()[0], "convert it to a NumPy array")
        raise TypeError(f"{name} is of type {kind}; {hint}.")
    try:
        return np.asarray(x)
    except ValueError:
        raise ValueError(f"{name} is a ragged list; pass an array of shape (..., time, feature).") from None


def _array(name: str, x: Any) -> Array:
    """A finite real NumPy array."""
    x = _plain(name, x)
    if x.dtype.kind in "iub":
        return x
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} has dtype {x.dtype}; pass float64 or float32.")
    flat = x.ravel()
    if not math.isfinite(np.vdot(flat, flat)) and not np.isfinite(flat).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise ValueError(f"{name} holds {x[where]} at index {where}; pass finite numbers.")
    return x


def _one_dtype(given: dict[str, Array]) -> dict[str, Array]:
    """One float type per call; integers follow the floats, and so do Python's scalars (0-d float64)."""
    floats = {name: x.dtype for name, x in given.items() if x.dtype.kind == "f" and x.ndim}
    if len(set(floats.values())) > 1:
        mixed = ", ".join(f"{name} {dtype}" for name, dtype in floats.items())
        raise TypeError(f"mixed dtypes: {mixed}; convert all to float64, or all to float32.")
    dtype = next(iter(floats.values()), np.dtype(np.float64))
    return {name: x.astype(dtype, copy=False) for name, x in given.items()}


def _check_shapes(q: Array, k: Array, v: Array) -> None:
    """q, k and v agree in batch and time; q and k in their features."""
    for name, x in (("q", q), ("k", k), ("v", v)):
        if x.ndim < 2:
            raise ValueError(f"{name} has shape {x.shape}; pass (..., time, feature).")
    for name, x in (("q", q), ("v", v)):
        if x.shape[-2] != k.shape[-2]:
            raise ValueError(
                f"k has shape {k.shape} but {name} has {x.shape[-2]} time steps; pass both as (..., time, feature)."
            )
        if x.shape[:-2] != k.shape[:-2]:
            raise ValueError(f"k has leading axes {k.shape[:-2]} but {name} has {x.shape[:-2]}; make them equal.")
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"q has {q.shape[-1]} features but k has {k.shape[-1]}; queries and keys share d_k.")
    if not k.shape[-1] or not v.shape[-1]:
        raise ValueError(f"k has {k.shape[-1]} and v has {v.shape[-1]} features; both need at least 1.")


def _broadcast(name: str, x: Any, lead: tuple[int, ...], core: tuple[int, ...], n: int) -> Array:
    """``x`` broadcast to ``lead + core`` and laid out as (n, *core)."""
    try:
        full = np.broadcast_to(x, lead + core)
    except ValueError:
        raise ValueError(f"{name} has shape {np.shape(x)}; it must broadcast to {lead + core}.") from None
    return _tidy(full.reshape(n, *core))


def _tidy(x: Array) -> Array:
    """C-contiguous and writable, as the kernels were compiled for; copied only if it is not."""
    return x if x.flags.c_contiguous and x.flags.writeable else np.array(x, order="C")


def _in_range(name: str, x: Array, low: float, high: float) -> None:
    """A gate is a multiplier in its range, not a logarithm."""
    if x.size and (x.min() < low or x.max() > high):
        bad = float(x.min() if x.min() < low else x.max())
        bounds = "numbers of at least 0" if high == math.inf else f"numbers in [{low}, {high}]"
        raise ValueError(f"{name} holds {bad:g}; pass {bounds} (gates are multipliers, not logarithms).")


def _refuse_unused(rule: Rule | str, **arguments: Any) -> None:
    """A rule that does not use an argument refuses it."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"rule {rules.get_rule(rule).name!r} does not use {name}; leave it out.")


def _warn_unstable(call: _Call) -> None:
    """A step past the bound of the rule's row is allowed, with a warning."""
    ratio = rules.step_ratio(call.rule, call.k, call.beta, call.decay)
    if ratio > 1 + 16 * np.finfo(call.k.dtype).eps ** 0.75:
        bound = call.rule.stable if call.rule.stable != "always" else "eigenvalues of a step in [-1, 1]"
        warnings.warn(
            f"unstable step for rule {call.rule.name!r}: {ratio:.4g} times its bound ({bound}); "
            "lower beta or normalise k.",
            RuntimeWarning,
            stacklevel=4,
        )


def _cotangent(name: str, x: Any, like: Array) -> Array:
    """A cotangent of the shape of what it belongs to; None is zero."""
    if x is None:
        return np.zeros_like(like)
    x = _plain(name, x)
    if x.shape != like.shape:
        raise ValueError(f"{name} has shape {x.shape}; pass the shape of its output, {like.shape}.")
    if x.dtype.kind not in "iubf":
        raise TypeError(f"{name} has dtype {x.dtype}; pass {like.dtype}.")
    return x.astype(like.dtype, copy=False)


# --- batches and threads ---------------------------------------------------------------------------------------------


def _sum_back(g: Array | None, lead: tuple[int, ...], shape: tuple[int, ...] | None) -> Array | None:
    """The gradient of a broadcast argument: summed over the axes along which it was repeated."""
    if g is None or shape is None:
        return None
    g = g.reshape(lead + g.shape[1:])
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    repeated = tuple(i for i, (have, want) in enumerate(zip(g.shape, shape, strict=True)) if want == 1 and have != 1)
    return g.sum(axis=repeated, keepdims=True).reshape(shape)


def _flops(call: _Call) -> float:
    """Work of one forward run."""
    return 6.0 * call.k.size * call.v.shape[2]


def _spread(work: Callable[[int, int], None], n: int, flops: float, threads: int | None) -> None:
    """``work(lo, hi)`` over n sequences, in threads where that pays; every sequence is computed alike."""
    limit = checks.count("threads", threads) if threads is not None else _THREADS.get() or _processors()
    workers = min(limit, n) if flops > _POOL_FLOPS else 1
    if workers <= 1:
        work(0, n)
        return
    edges = [n * i // workers for i in range(workers + 1)]
    list(_pool(os.getpid(), workers).map(work, edges[:-1], edges[1:]))


@functools.cache
def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.lru_cache(maxsize=4)
def _pool(process: int, workers: int) -> ThreadPoolExecutor:
    """One pool for each process and size (a forked child must not use its parent's threads)."""
    return ThreadPoolExecutor(workers, thread_name_prefix="synfwp")
