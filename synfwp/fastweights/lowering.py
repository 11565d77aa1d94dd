"""From a row of the table to the problem that the kernels and the chunkwise form solve, and back.

Several writes a token become several steps, of which one reads; a normalised read becomes one more row of W, with
values of one; centred keys are keys minus their running mean; a read before the write is a query one step earlier;
the error of the key is the delta rule on W^T. Each change has its line here and its transpose below.
"""

from typing import Any, NamedTuple

import numpy as np

from synfwp import coefficients
from synfwp.coefficients import Coefficients
from synfwp.fastweights.arguments import Call

Array = np.ndarray


class Problem(NamedTuple):
    """``W_t = a W - erase (W p) r^T + write v k^T`` over (n, S, .) steps, read by rows, or across rows by ``q``."""

    q: Array
    k: Array
    v: Array
    c: Coefficients
    W0: Array
    across: bool


def lower(call: Call) -> Problem:
    """The problem of a call."""
    rule, q, k, v, W0 = call.rule, call.q, call.k, call.v, call.W0
    beta, decay, pair = call.beta, call.decay, call.pair
    if rule.writes > 1:
        q, decay = _spaced(q, rule.writes, _reading(call)), _first(decay, rule.writes)
        k, v, beta = (_flat(x) for x in (k, v, beta))
        pair = None if pair is None else (_flat(pair[0]), _flat(pair[1]))
    if rule.centred:
        k = k - _running_mean(call, k)
    c = coefficients.coefficients(rule, k if rule.error == "value" else v, beta, decay, pair)
    if rule.normalised:
        v, W0 = np.concatenate([v, np.ones_like(v[..., :1])], axis=-1), _start(call)
    if rule.read == "before":
        q = np.concatenate([q[:, 1:], np.zeros_like(q[:, :1])], axis=1)
    if rule.error == "key":
        k, v, W0 = v, k, np.swapaxes(W0, 1, 2)
    q, k, v, W0 = (np.ascontiguousarray(x) for x in (q, k, v, W0))
    return Problem(q, k, v, c, W0, rule.error == "key")


def raise_outputs(call: Call, y: Array, W: Array, states: Array | None) -> tuple[Array, Array, Any, Any]:
    """Reads, last W, aux and kept states of a call, from those of its problem."""
    rule, aux = call.rule, None
    if rule.error == "key":
        W, states = np.swapaxes(W, 1, 2), None if states is None else np.swapaxes(states, 2, 3)
    y = _reads(call, y)
    if rule.normalised:
        y, aux, W = _divide(y)[0], W[:, -1], W[:, :-1]
        states = None if states is None else states[:, :, :-1]
    if rule.centred:
        aux = _mean_after(call)
    return y, W, aux, states


def lower_cotangents(call: Call, y: Array, dy: Array, dW: Array, daux: Array | None) -> tuple[Array, Array, Any]:
    """Cotangents of the problem's reads and last W, and of a read before all steps (or None), from those of the call.

    ``y`` are the problem's own reads.
    """
    rule, first = call.rule, None
    if rule.normalised:
        read, inverse = _divide(_reads(call, y))
        dy = np.concatenate([dy, -np.einsum("...i,...i->...", dy, read)[..., None]], axis=-1) * inverse
        daux = np.zeros_like(dW[:, 0]) if daux is None else daux
        dW = np.concatenate([dW, daux[:, None]], axis=1)
    if rule.writes > 1:
        dy = _spaced(dy, rule.writes, _reading(call))
    if rule.read == "before" and dy.shape[1]:
        first = dy[:, 0]
        dy = np.concatenate([dy[:, 1:], np.zeros_like(dy[:, :1])], axis=1)
    if rule.error == "key":
        dW = np.swapaxes(dW, 1, 2)
    return np.ascontiguousarray(dy), np.array(dW, order="C"), first


def raise_gradients(
    call: Call, problem: Problem, grads: dict[str, Array], grad: Coefficients, first: Array | None, daux: Array | None
) -> dict[str, Any]:
    """Gradients of a call's arguments from those of its problem; ``first`` is the cotangent of a read before all."""
    rule, n = call.rule, call.rule.writes
    dq, dk, dv, dW0 = (grads[name] for name in ("q", "k", "v", "W0"))
    key = problem.k
    more, dbeta, ddecay, dpair = coefficients.pull_coefficients(
        rule, key, *_gates(call), None if call.pair is None else (_flat(call.pair[0], n), _flat(call.pair[1], n)), grad
    )
    if more is not None:
        dk = dk + more
    if rule.error == "key":
        dk, dv, dW0 = dv, dk, np.swapaxes(dW0, 1, 2)
    if first is not None:
        dq = np.concatenate([np.einsum("nij,ni->nj", _start(call), first)[:, None], dq[:, :-1]], axis=1)
        dW0 = dW0 + first[:, :, None] * call.q[:, 0][:, None]
    dz0 = None
    if rule.normalised:
        dv, dz0, dW0 = dv[..., :-1], dW0[:, -1], dW0[:, :-1]
    if rule.centred:
        dk, dz0 = _pull_mean(call, dk, daux)
    if n > 1:
        steps = call.k.shape[:3]
        dq = dq.reshape(*steps, dq.shape[-1])[:, :, _reading(call)]
        dk, dv, dbeta = dk.reshape(call.k.shape), dv.reshape(call.v.shape), dbeta.reshape(steps)
        ddecay = None if ddecay is None else ddecay.reshape(*steps, *ddecay.shape[2:])[:, :, 0]
        dpair = None if dpair is None else (dpair[0].reshape(call.k.shape), dpair[1].reshape(call.k.shape))
    p, r = dpair if dpair is not None else (None, None)
    return {"q": dq, "k": dk, "v": dv, "beta": dbeta, "decay": ddecay, "p": p, "r": r, "W0": dW0, "aux0": dz0}


def _start(call: Call) -> Array:
    """W before the first step, with z as its last row if reads are normalised."""
    if not call.rule.normalised:
        return call.W0
    z0 = np.zeros_like(call.W0[:, 0]) if call.aux0 is None else call.aux0
    return np.concatenate([call.W0, z0[:, None]], axis=1)


def _reads(call: Call, y: Array) -> Array:
    """The reads of the tokens, from those of the steps; a token that reads before it writes reads the step before."""
    if call.rule.read == "before" and y.shape[1]:
        first = np.einsum("nij,nj->ni", _start(call), call.q[:, 0])
        y = np.concatenate([first[:, None], y[:, :-1]], axis=1)
    return y[:, _reading(call) :: call.rule.writes]


def _gates(call: Call) -> tuple[Array, Array | None]:
    """beta and decay of every step."""
    n = call.rule.writes
    return (call.beta, call.decay) if n == 1 else (_flat(call.beta), _first(call.decay, n))


def _reading(call: Call) -> int:
    """Which of the steps of a token reads."""
    return call.rule.writes - 1 if call.rule.read == "after" else 0


def _flat(x: Array, n: int = 2) -> Array:
    """(n, T, writes, ...) as (n, T writes, ...); as it is for one write."""
    return x if n == 1 else x.reshape(x.shape[0], x.shape[1] * x.shape[2], *x.shape[3:])


def _spaced(x: Array, n: int, at: int) -> Array:
    """(n, T, ...) as n times as many steps, zeros but for one of each token."""
    out = np.zeros((*x.shape[:2], n, *x.shape[2:]), x.dtype)
    out[:, :, at] = x
    return _flat(out)


def _first(decay: Array | None, n: int) -> Array | None:
    """A decay that acts on the first step of each token and is 1 on the others."""
    if decay is None:
        return None
    out = np.ones((*decay.shape[:2], n, *decay.shape[2:]), decay.dtype)
    out[:, :, 0] = decay
    return _flat(out)


def _divide(y: Array) -> tuple[Array, Array]:
    """Reads divided by their last component, and 1 over it; a read of nothing (0 / 0) is 0."""
    size = y[..., -1:]
    inverse = np.divide(1, size, out=np.zeros_like(size), where=size != 0)
    return y[..., :-1] * inverse, inverse


def _counts(call: Call, steps: int) -> tuple[Array, Array, Array]:
    """Mean and number of earlier keys, (n, d_k) and (n, 1), and the numbers after each step (n, S, 1)."""
    start = np.zeros((len(call.k), call.k.shape[-1] + 1), call.k.dtype) if call.aux0 is None else call.aux0
    mean, seen = start[:, :-1], start[:, -1:]
    return mean, seen, seen[:, None] + np.arange(1, steps + 1, dtype=call.k.dtype)[:, None]


def _running_mean(call: Call, k: Array) -> Array:
    """Mean of all keys so far, this one included."""
    mean, seen, _ = _counts(call, k.shape[1])
    return coefficients.running_mean(k, mean, seen)


def _mean_after(call: Call) -> Array:
    """(mean of all keys, their number) after the last step, (n, d_k + 1)."""
    k = _flat(call.k, call.rule.writes)
    mean, seen, after = _counts(call, k.shape[1])
    last = _running_mean(call, k)[:, -1] if k.shape[1] else mean
    return np.concatenate([last, after[:, -1] if k.shape[1] else seen], axis=-1)


def _pull_mean(call: Call, dk: Array, daux: Array | None) -> tuple[Array, Array]:
    """Gradients of keys and of the initial mean, from those of the centred keys and of the last mean."""
    _, seen, after = _counts(call, dk.shape[1])
    dmean = -dk / after
    if daux is not None and dk.shape[1]:
        dmean[:, -1] += daux[:, :-1] / after[:, -1]
    dmean0 = dmean.sum(axis=1) * seen
    if daux is not None and not dk.shape[1]:
        dmean0 = dmean0 + daux[:, :-1]
    count = np.zeros_like(seen)  # the number of keys is no parameter
    return dk + np.cumsum(dmean[:, ::-1], axis=1)[:, ::-1], np.concatenate([dmean0, count], axis=-1)
