"""A rule through synapses: by the kernel where synapse and rule have it, else step by step.

At every token the rule asks for a change of the weights that are read, ``dW = W' - W`` with W' what it would make of
them; the synapse makes of dW what it can, and shows the next weights. What a rule carries beside W (the mean of the
keys, a sum of keys, a momentum) is no synapse and is carried exactly.
"""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple, Protocol

import numpy as np

from synfwp import checks, fastweights, rules, seeds
from synfwp.fastweights import Scan, chain
from synfwp.fastweights.passes import SEVERAL_WRITES
from synfwp.fastweights.problem import Call, Outputs, Problem
from synfwp.fastweights.solvers import linear, solver_of
from synfwp.kernels import synapses as kernel
from synfwp.rules import Rule
from synfwp.threads import spread

Array = np.ndarray
State = Array | tuple[Array, ...]  # of a synapse
CACHE_BYTES = 1 << 18  # states of a block of rows, which stay in the L2 cache


class Form(NamedTuple):
    """A state as the kernel takes it: ``u`` (variables, d_v, d_k), or ``level`` (d_v, d_k) of whole numbers."""

    kind: int
    rates: Array  # (3, .)
    u: Array | None = None
    level: Array | None = None
    table: Array | None = None
    draws: bool = False


class Store(Protocol):
    """What stands between the change that a rule asks for and the weight that is read."""

    def initial(self, shape: tuple[int, int], rng: np.random.Generator) -> State:
        """The state of (d_v, d_k) synapses before anything is written."""
        ...

    def update(self, state: Any, dW: Array, rng: np.random.Generator) -> State:
        """The next state."""
        ...

    def read(self, state: Any) -> Array:
        """The weights (d_v, d_k)."""
        ...


def scan_through(
    on: Store,
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
    states: int = 0,
    seed: seeds.Seed = 0,
    threads: int | None = None,
) -> Scan:
    """`synfwp.scan` with a synapse between the change that the rule asks for and the weight that is read.

    At every token that writes or decays, ``dW = W' - W``: W the weights that are read, W' what the rule makes of them.
    A token that does neither leaves the synapses alone, so that a query never changes what is stored. Several writes
    per token reach the synapses one after the other. Sums, means and momenta that a rule carries beside W are exact.

    Parameters
    ----------
    on : Synapse
        Or any object with ``initial``, ``update`` and ``read``.
    rule : Rule or str
        Any but "softmax", which has no weights.
    q, k : (..., T, d_k) array
        Queries and keys.
    v : (..., T, d_v) array
        Values.
    beta, decay, erase, momentum, ridge : array or None
        Gates, as `synfwp.scan` takes them.
    W0 : None or array that broadcasts to (..., d_v, d_k)
        Written before the first token, as one change from the weights that the synapse shows at first.
    aux0 : array or None
        As `synfwp.scan` takes it.
    states : int
        Keep the weights that are read after every so many tokens; 0 keeps none.
    seed : int, SeedSequence or Generator
        Each sequence draws from a stream of its own, whatever the others are.
    threads : int or None
        Threads over the batch; None takes the processors at hand. Results do not depend on it.

    Returns
    -------
    Scan
        ``y`` and ``W``: the weights that are read. A row of z that a normalised rule carries is ``aux``.

    Raises
    ------
    TypeError, ValueError
        For a synapse without the three methods, weights of another shape, or what `synfwp.scan` refuses.

    References
    ----------
    Irie & Gershman 2025, section 2 (rules); each synapse has its own.

    Examples
    --------
    >>> from synfwp.memory import Bounds
    >>> one = np.ones((3, 1))
    >>> scan_through(Bounds(-2.0, 2.0), "hebb", one, one, one).y.ravel().tolist()
    [1.0, 2.0, 2.0]
    """
    row = rules.get_rule(rule)
    if not row.has_weights:
        raise ValueError(
            f"rule {row.name!r} keeps every pair and has no weights that a synapse could hold; take fw.scan."
        )
    check_store(on)
    every = checks.count("states", states, 0)
    call = fastweights.check(
        row, q, k, v, beta, decay, W0, erase=erase, momentum=momentum, ridge=ridge, aux0=aux0
    )  # fmt: skip
    rngs = [seeds.generator(seed, "synapse", i) for i in range(len(call.q))]
    found = run_call(on, call, rngs, every, threads)
    shaped: list[Any] = [
        None if x is None else np.ascontiguousarray(x).reshape(call.lead + x.shape[1:]) for x in found[:4]
    ]
    return Scan(*shaped)


def check_store(on: Any) -> None:
    """A TypeError for what is no synapse."""
    missing = [name for name in ("initial", "update", "read") if not callable(getattr(on, name, None))]
    if isinstance(on, type) or missing:
        raise TypeError(
            f"on is {checks.short(on)}, which is no synapse; pass e.g. Cascade(levels=10), or a frozen dataclass with "
            "the methods initial(shape, rng), update(state, dW, rng) and read(state)."
        )


def run_call(on: Store, call: Call, rngs: list[np.random.Generator], every: int, threads: int | None) -> Outputs:
    """A checked call; each of its sequences has a state and a Generator."""
    shape: Any = call.W0.shape[1:]
    states = [on.initial(shape, rng) for rng in rngs]
    weights = np.empty_like(call.W0)
    for i, state in enumerate(states):
        weights[i] = _read(on, state, shape)
    if call.shapes.get("W0") is not None:
        for i, rng in enumerate(rngs):
            states[i] = on.update(states[i], call.W0[i] - weights[i], rng)
            weights[i] = _read(on, states[i], shape)
    compiled = "kernel_form" in vars(type(on))  # a subclass that changes a method runs step by step
    if compiled and call.rule.solver == "linear" and call.rule.error == "value":
        return _by_kernel(on, call, states, weights, rngs, every, threads)
    return _by_steps(on, call, states, weights, rngs, every)


def _read(on: Store, state: State, shape: tuple[int, int]) -> Array:
    """The weights of a state, or an error for those of another shape."""
    W = np.asarray(on.read(state))
    if W.shape != shape or W.dtype.kind not in "fiub":
        raise ValueError(
            f"{type(on).__name__}.read gives {checks.short(W)} of dtype {W.dtype}; it has to give the weights, numbers "
            f"of shape {shape}."
        )
    return W


def _single(call: Call) -> Call:
    """A call with several writes per token as one with a token for each."""
    if call.rule.writes == 1:
        return call
    return SEVERAL_WRITES.down(call)._replace(rule=dataclasses.replace(call.rule, writes=1))


def events(call: Call) -> Array:
    """(n, T) booleans: which tokens (of one write) change weights; of a rule with a momentum of its own, all."""
    rule = call.rule
    if rule.solver not in ("linear", "mesa"):
        return np.ones(call.q.shape[:2], bool)
    found: Array = ((call.k if rule.error == "value" else call.v) != 0).any(axis=-1)
    if rule.uses_beta:
        beta = call.beta.any(axis=-1) if call.beta.ndim == call.v.ndim else call.beta
        found = found & (beta != 0)
    if call.pair is not None:
        found = found | ((call.pair[0] != 0).any(axis=-1) & (call.pair[1] != 0).any(axis=-1))
    if call.decay is not None:
        found = found | (call.decay != 1).reshape(*found.shape, -1).any(axis=-1)
    return found


def _by_kernel(
    on: Any, call: Call, states: list[State], weights: Array, rngs: list[Any], every: int, threads: int | None
) -> Outputs:
    """The linear family in its canonical form; a row of z is exact."""
    canonical, active = chain.to_canonical(call._replace(W0=weights)), events(_single(call))
    problem, every = canonical.problem, every * call.rule.writes
    d_v = weights.shape[1]
    n, S, rows = problem.v.shape
    v = np.ascontiguousarray(problem.v[..., :d_v])
    arrays = _streams(problem)
    W, y = weights.copy(), np.empty_like(v)
    kept = np.empty((n, S // every if every else 0, *W.shape[1:]), v.dtype)
    forms: list[Form] = [on.kernel_form(state) for state in states]

    def work(lo: int, hi: int) -> None:
        for i in range(lo, hi):
            form, one = forms[i], [x[i] for x in arrays]
            u, level = _states(form, W[i])
            block = d_v if form.draws else max(1, CACHE_BYTES // max(1, u[0].nbytes))
            kernel.run(
                rngs[i], form.kind, form.rates.astype(W.dtype), _table(form), block, active[i], one[0], one[1], v[i],
                *one[2:], problem.c.erase is not None, problem.c.a is not None or problem.c.a_key is not None, u, level,
                W[i], y[i], kept[i], every,
            )  # fmt: skip

    variables = 1 if not forms or forms[0].u is None else len(forms[0].u)
    spread(work, n, 10.0 * problem.k.size * d_v * variables, threads)
    found = Outputs(y, W, None, kept if every else None)
    if rows > d_v:
        found = _with_last_row(found, problem, every, threads)
    return chain.from_canonical(canonical, found)


def _streams(problem: Problem) -> tuple[Array, ...]:
    """q, k, write, erase, p, r and decay, all there and with an axis of features."""
    k, c = problem.k, problem.c
    one = np.ones((*k.shape[:2], 1), k.dtype)
    write, erase = (x if x is None or x.ndim == 3 else x[..., None] for x in (c.write, c.erase))
    decay = c.a[..., None] if c.a is not None else one if c.a_key is None else c.a_key
    found = (problem.q, k, write, one if erase is None else erase, k if c.p is None else c.p, k if c.r is None else c.r)
    return tuple(np.ascontiguousarray(x) for x in (*found, decay))


def _states(form: Form, W: Array) -> tuple[Array, Array]:
    """``u`` (d_v, variables, d_k) in the type of W and ``level``; the one that a kind has not is empty."""
    u = np.zeros((len(W), 0, 0), W.dtype) if form.u is None else np.array(np.swapaxes(form.u, 0, 1), W.dtype, order="C")
    level = np.zeros((len(W), 0), np.int8) if form.level is None else np.array(form.level, np.int8)
    return u, level


def _table(form: Form) -> Array:
    """Probabilities of the levels; none."""
    return np.zeros(1) if form.table is None else form.table


def _with_last_row(found: Outputs, problem: Problem, every: int, threads: int | None) -> Outputs:
    """What the synapses hold, and the row of sums of keys, which is no synapse."""
    last = problem._replace(v=np.ascontiguousarray(problem.v[..., -1:]), W0=np.ascontiguousarray(problem.W0[:, -1:]))
    sums = linear.run(last, every, threads)
    parts: Any = (found.y, sums.y, 2), (found.W, sums.W, 1), (found.states, sums.states, 2)
    joined: list[Any] = [None if x is None else np.concatenate([x, z], axis=axis) for x, z, axis in parts]
    return Outputs(joined[0], joined[1], None, joined[2])


def _by_steps(on: Store, above: Call, states: list[State], weights: Array, rngs: list[Any], every: int) -> Outputs:
    """One step of the exact rule from the weights that are read, then the synapses' own; any rule and any synapse."""
    call = _single(above)
    active, solver, shape = events(call), solver_of(call.rule), weights.shape[1:]
    n, T = call.q.shape[:2]
    d_y = call.v.shape[-1]
    W, aux, y = weights, call.aux0, np.empty((n, T, d_y), weights.dtype)
    kept = []
    for t in range(T):
        one = _token(call, t)._replace(W0=W, aux0=aux)
        found = solver.forward(one, 0, 1)
        W = W.copy()
        for i in np.flatnonzero(active[:, t]):
            states[i] = on.update(states[i], found.W[i] - one.W0[i], rngs[i])
            W[i] = _read(on, states[i], shape)
        y[:, t] = found.y[:, 0] if call.rule.read == "before" else _reads(one, W, found.aux)
        aux = found.aux
        kept.append(W)
    every *= above.rule.writes
    states_kept = np.stack(kept[every - 1 :: every], axis=1) if every and every <= T else None
    if every and states_kept is None:
        states_kept = np.empty((n, 0, *shape), W.dtype)
    out = Outputs(y, W, _carried(call, aux), states_kept)
    return out if above.rule.writes == 1 else SEVERAL_WRITES.up(above, out)


def _carried(call: Call, aux: Array | None) -> Array | None:
    """What the rule carries beside W, also where there was no token."""
    shape = solver_of(call.rule).aux_shape(call.rule, call.v.shape[-1], call.q.shape[-1])
    return np.zeros((len(call.q), *shape), call.q.dtype) if aux is None and shape is not None else aux


def _token(call: Call, t: int) -> Call:
    """One token of a call."""

    def at(x: Array | None) -> Any:
        return None if x is None else np.ascontiguousarray(x[:, t : t + 1])

    pair = None if call.pair is None else (at(call.pair[0]), at(call.pair[1]))
    timed = {name: at(getattr(call, name)) for name in ("q", "k", "v", "beta", "decay", "momentum")}
    return call._replace(pair=pair, **timed)


def _reads(one: Call, W: Array, aux: Array | None) -> Array:
    """Reads (n, d_v) after the write: what a token that only asks reads of W."""
    rule = one.rule
    if rule.solver != "linear":
        return np.einsum("nij,nj->ni", W, one.q[:, 0])
    ask = one._replace(
        k=np.zeros_like(one.k),
        v=np.zeros_like(one.v),
        decay=None if one.decay is None else np.ones_like(one.decay),
        pair=None if one.pair is None else (np.zeros_like(one.pair[0]), np.zeros_like(one.pair[1])),
        W0=W,
        aux0=one.aux0 if rule.centred else aux,
    )
    y: Array = solver_of(rule).forward(ask, 0, 1).y[:, 0]
    return y
