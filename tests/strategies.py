"""Random instructions for every row, the twin of every row, and how far rounding may take a result from its twin."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numba
import numpy as np
from hypothesis import strategies as st

from synfwp import reference
from synfwp.rules import DELTA_PRODUCT, RULES, Rule

Array = Any
JIT = not numba.config.DISABLE_JIT
INPUTS = ("q", "k", "v", "beta", "decay", "p", "r", "momentum", "ridge", "W0", "aux0")
FIXED = ("ridge", "W0", "aux0")  # what has no axis of time
STEP_FORMS = ("recurrent", "chunkwise")

# rows that a user may write: both orders, both times of reading, numbers for coefficients, a coefficient that is
# missing, and every field next to others
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
        Rule(name="fading longhorn", retain="key", erase="proximal", write="proximal"),
        Rule(name="read before", retain="scalar", erase="beta", read="before"),
        Rule(name="fading mean read before", retain="scalar", normalised=True, read="before"),
        Rule(name="two centred", retain="key", erase="beta", writes=2, centred=True, read="before"),
        Rule(name="two pairs", retain="key", erase="pair", writes=2),
        Rule(name="two oja", retain="key", erase="proximal", error="key", writes=2, centred=True, read="before",
             forms=STEP_FORMS),
        Rule(name="kept momentum", erase="beta", order="undecayed", solver="momentum"),
        Rule(name="least squares", solver="mesa"),
        DELTA_PRODUCT(3),
        DELTA_PRODUCT(3, gated=True),
    )
}  # fmt: skip
ROWS = {**RULES, **OWN}
RECURRENT = {name: row for name, row in ROWS.items() if "recurrent" in row.forms}
# float32 costs as many compilations again: one row for each way in which the kernels differ
SINGLE = ("leaky_hebb", "delta", "key_gated_delta", "dplr", "oja", "linear_attention", "self_referential")
SINGLE += ("momentum_delta", "mesa")

# (T, d_k, d_v, leading axes): empty and single sequences, d_v off the kernel's groups of 4 and past its blocks of 32
SIZES = [(0, 3, 2, ()), (1, 3, 5, ()), (7, 5, 4, (1,)), (6, 2, 33, (2,)), (9, 1, 1, (2, 1, 2)), (5, 3, 2, (0,))]
SIZES += [(40, 16, 70, (3,)), (130, 8, 6, ())] if JIT else []


@dataclass(frozen=True)
class Problem:
    """Arguments of ``scan`` for one row."""

    rule: Rule
    q: Array
    k: Array = None
    v: Array = None
    beta: Array = None
    decay: Array = None
    W0: Array = None
    p: Array = None
    r: Array = None
    momentum: Array = None
    ridge: Array = None
    aux0: Array = None

    @property
    def args(self) -> tuple[Any, ...]:
        """What ``scan`` and ``vjp`` take by position."""
        return self.rule, self.q, self.k, self.v, self.beta

    @property
    def kwargs(self) -> dict[str, Any]:
        """What they take by name."""
        return {**self.gates, "W0": self.W0, "aux0": self.aux0}

    @property
    def gates(self) -> dict[str, Any]:
        """What ``attention`` takes by name, but for beta."""
        pair = None if self.p is None else (self.p, self.r)
        return {"decay": self.decay, "erase": pair, "momentum": self.momentum, "ridge": self.ridge}

    @property
    def used(self) -> tuple[str, ...]:
        """The inputs that are there."""
        return tuple(name for name in INPUTS if getattr(self, name) is not None)

    @property
    def lead(self) -> tuple[int, ...]:
        """The leading axes."""
        return self.q.shape[:-2]

    @property
    def d_v(self) -> int:
        """The number of values, which only W0 knows where a rule takes none."""
        return int(self.W0.shape[-2] - self.rule.rows(0, self.q.shape[-1]) if self.v is None else self.v.shape[-1])

    @property
    def state(self) -> tuple[int, int]:
        """The shape of W."""
        return self.rule.rows(self.d_v, self.q.shape[-1]), self.q.shape[-1]

    def but(self, **changes: Any) -> "Problem":
        """The same with other arguments."""
        return replace(self, **changes)

    def map(self, f: Callable[[Array], Array]) -> "Problem":
        """The same with ``f`` of every input that is there."""
        return replace(self, **{name: f(getattr(self, name)) for name in self.used})

    def at(self, i: tuple[int, ...]) -> "Problem":
        """One sequence of a batch."""
        return self.map(lambda x: x[i])

    def part(self, steps: slice) -> "Problem":
        """Some of the tokens, from the same start."""
        where = (slice(None),) * len(self.lead) + (steps,)
        return self.but(**{x: getattr(self, x)[where] for x in self.used if x not in FIXED})


def problem(
    rule: Rule, rng: np.random.Generator, T: int, d_k: int, d_v: int, lead: tuple[int, ...] = (), dtype: Any = float
) -> Problem:
    """Stable random instructions: ``|k|, |q| <= 1``, decay in [0, 1] and beta in [0, 1.9] (undecayed order: [0, 1]).

    The norm of every transition is at most 1: pairs have ``|p| |r| <= .4`` and decays up to .6 (and p = r, where
    only the first of several writes decays), centred keys, of norm up to 2, beta up to .4. Keys and queries that a sum
    of keys divides by are positive. A rule that writes itself is stable only as far as `_carried` says, one with
    momentum as far as `_grown` does. A ridge of .5 to 1.5 bounds what a system of least squares makes of rounding.
    """

    def ball(*shape: int, low: float = 0.2, high: float = 0.99) -> Array:  # below 1 after rounding to float32 too
        x = rng.standard_normal(shape)
        x = np.abs(x) if rule.normalised else x
        return x / np.sqrt(np.sum(x * x, axis=-1, keepdims=True)) * rng.uniform(low, high, (*shape[:-1], 1))

    token = (*lead, T) if rule.writes == 1 else (*lead, T, rule.writes)
    by_key = rule.error == "key"
    unit = {"low": 1.0, "high": 1.0} if rule.erase == 2.0 else {}
    values = None if not rule.uses_values else ball(*token, d_v) if by_key else rng.normal(size=(*token, d_v))
    strength = 0.4 if rule.centred and rule.erase is not None else 1.0 if rule.order == "undecayed" else 1.9
    gates = (*lead, T, d_v if by_key else d_k) if rule.retain == "key" else (*lead, T)
    arrays = {
        "q": ball(*lead, T, d_k),
        "k": ball(*token, d_k, **unit) if rule.uses_keys else None,
        "v": values,
        "beta": rng.uniform(0, strength, token) if rule.uses_beta else None,
        "decay": rng.uniform(0, 0.6 if rule.uses_pair else 1, gates) if rule.uses_decay else None,
        "W0": rng.standard_normal((*lead, rule.rows(d_v, d_k), d_k)) if rule.has_weights else None,
    }
    if rule.uses_pair:
        pair = ball(*token, d_k) * 0.63
        arrays |= {"p": pair, "r": pair if rule.writes > 1 else ball(*token, d_k) * 0.63}
    if rule.normalised:
        arrays["aux0"] = rng.uniform(0.5, 1.5, (*lead, d_k))
    if rule.uses_momentum:
        arrays |= {"momentum": rng.uniform(0, 0.9, (*lead, T)), "aux0": rng.standard_normal((*lead, d_v, d_k)) / 2}
    if rule.uses_ridge:
        earlier = rng.standard_normal((*lead, d_k, 3))  # H of three writes
        arrays |= {"ridge": rng.uniform(0.5, 1.5, (*lead, d_k)), "aux0": earlier @ np.swapaxes(earlier, -1, -2) / d_k}
    if rule.centred:
        arrays["aux0"] = np.concatenate([ball(*lead, d_k), np.full((*lead, 1), 3.0)], axis=-1)
    return Problem(rule, **{name: None if x is None else x.astype(dtype) for name, x in arrays.items()})


class Outcome(NamedTuple):
    """What a twin leaves: reads (..., T, d_v), the last W and aux, W after every token; None where there is none."""

    y: Array
    W: Array
    aux: Array
    states: Array


def outcome(problem: Problem) -> Outcome:
    """All results of the twin, real or complex, in float64."""
    rule = problem.rule
    known = rule.name.split("(")[0]
    run = getattr(reference, known) if ROWS.get(rule.name) == rule and hasattr(reference, known) else _row_twin(rule)
    run = getattr(reference, {"momentum": "momentum_delta", "mesa": "mesa"}.get(rule.solver, ""), run)
    p = problem.map(lambda x: x.astype(np.result_type(x, np.float64)))
    T, d_k, d_v, W = p.q.shape[-2], p.q.shape[-1], p.d_v, None
    start = np.zeros((*p.lead, *p.state)) if p.W0 is None else p.W0
    width = aux_shape(rule, d_v, d_k)
    aux0 = np.zeros((*p.lead, *width)) if p.aux0 is None and width else p.aux0
    if p.decay is None and (rule.uses_momentum or rule.uses_ridge):
        p = p.but(decay=np.ones((*p.lead, T)))
    values = np.zeros((*p.q.shape[:-1], d_v)) if p.v is None else p.v
    results = []
    for i in np.ndindex(p.lead):
        one = p.at(i)
        extra = {"p": one.p, "r": one.r} if rule.uses_pair else {}
        extra |= {name: getattr(one, name) for name in ("momentum", "ridge") if getattr(one, name) is not None}
        extra |= {"aux": aux0[i]} if width else {}
        y, states, *aux = run(one.q, one.k, values[i], one.beta, one.decay, start[i], **extra)
        if states is not None:
            W = states[-1] if T else start[i]
        results.append((y, W, aux[0] if aux else None, states))
    shapes = ((T, d_v), p.state, width, (T, *p.state))
    have = (True, rule.has_weights, bool(width), rule.has_weights)
    return Outcome(*(np.reshape([x[j] for x in results], p.lead + shapes[j]) if have[j] else None for j in range(4)))


def aux_shape(rule: Rule, d_v: int, d_k: int) -> tuple[int, ...]:
    """The shape of what a rule carries beside W; empty: nothing."""
    of_keys = ((d_k + 1) * rule.centred + d_k * rule.normalised,) if rule.centred or rule.normalised else ()
    return (d_v, d_k) if rule.uses_momentum else (d_k, d_k) if rule.uses_ridge else of_keys


def twin(problem: Problem) -> tuple[Array, Array]:
    """Reads (..., T, d_v) and W after every token (..., T, d_v, d_k) from the twin."""
    found = outcome(problem)
    return found.y, found.states


def _row_twin(row: Rule) -> Callable[..., tuple[Array, ...]]:
    """The sentence at the head of ``rules``, word by word, for a row without a paper."""

    def coefficient(kind: Any, beta: Array, key: Array) -> Any:
        if isinstance(kind, str):
            return {"beta": beta, "-beta": -beta, "proximal": beta / (1 + beta * np.sum(key * key))}[kind]
        return 0.0 if kind is None else kind

    def write(W: Array, key: Array, value: Array, beta: Array, a: Array, pair: Any) -> Array:
        decayed = W * a  # a number, or one for each key: the last axis of W
        seen = decayed if row.order == "decay_first" else W
        p, r = (key, key) if pair is None else pair
        erase = 1.0 if pair is not None else coefficient(row.erase, beta, key)
        return decayed - erase * np.outer(seen @ p, r) + coefficient(row.write, beta, key) * np.outer(value, key)

    def read(W: Array, z: Array, q: Array) -> Array:
        size = z @ q if row.normalised else 1.0
        return W @ q / size if size != 0 else 0 * (W @ q)

    def run(
        q: Any, k: Any, v: Any, beta: Any, decay: Any, W: Any, p: Any = None, r: Any = None, aux: Any = None
    ) -> Any:
        reads, states = [], []
        for t in range(len(q)):
            query = q[t]
            for i in range(row.writes):
                if row.centred and i == (row.writes - 1 if row.read == "after" else 0):
                    query = q[t] - aux[:-1] if np.any(q[t] != 0) else q[t]  # less the mean of the keys before
                if row.read == "before" and i == 0:
                    reads.append(read(W, aux, query))
                at = t if row.writes == 1 else (t, i)
                key, b = k[at], 1.0 if beta is None else beta[at]
                a = 1.0 if decay is None or i > 0 else decay[t]
                if row.centred and np.any(key != 0):
                    mean, seen = aux[:-1], aux[-1] + 1
                    aux = np.append(mean + (key - mean) / seen, seen)
                    key = key - mean
                if row.normalised:
                    aux = write(aux[None], key, np.ones(1), b, a, None)[0]
                pair = None if p is None else (p[at], r[at])
                W = write(W, key, v[at], b, a, pair) if row.error == "value" else write(W.T, v[at], key, b, a, None).T
            states.append(W)
            if row.read == "after":
                reads.append(read(W, aux, query))
        shape = (len(q), *W.shape)
        return np.reshape(reads, shape[:2]), np.reshape(states, shape), aux

    return run


def rounding(problem: Problem, found: Outcome, steps: int | None = None) -> float:
    """Bound on ``|result - twin|`` of any entry of y, W, states and aux, for the dtype of the problem.

    One step commits at most ``(d + 6) eps`` of the sizes of what it adds up: the row itself, the erased prediction
    (at most twice the row) and the written value; d is the length of a row of the W that the kernels carry. No step
    of a stable problem makes an earlier error larger (the norm of its transition is at most 1), so errors add up; the
    read adds d eps; the factor 2 is the twin's. A centred key is off by the rounding of a sum of T keys, in each of T
    steps. A divided read is off by what the divisor and the divided are, over the divisor.
    """
    p, eps = problem, np.finfo(problem.q.dtype).eps
    if not p.rule.uses_keys:
        return _carried(p, found, float(eps))
    if p.rule.uses_ridge:
        return _solved(p, found, float(eps))
    T = p.q.shape[-2] * p.rule.writes if steps is None else steps
    d = max(p.q.shape[-1], p.d_v if p.rule.error == "key" else 0)
    value = 2 * np.abs(np.zeros(1) if p.v is None else p.k if p.rule.error == "key" else p.v).max(initial=0.0)
    if found.states is None:  # weights are right to those of their scores; a mean of T values
        return float(4 * (T + p.q.shape[-1] + 6) * eps * value)
    row = max(np.abs(x).max(initial=0.0) for x in (p.W0, found.W, found.states)) * d**0.5 + p.rule.writes * value
    divided = 1.0
    if p.rule.normalised:
        row = max(row, (np.abs(p.aux0).max(initial=0.0) + T) * d**0.5)
        divided = (1 + np.abs(found.y).max(initial=0.0)) / min(1.0, _divisor(p))
    centring = T * (T + 3) * 2 * (row + value) if p.rule.centred else 0.0
    if p.rule.uses_momentum:  # a step adds up W, M and the value; later ones make its error so much larger
        M = [found.aux] if p.aux0 is None else [found.aux, p.aux0]
        row = max(row, *(np.abs(x).max(initial=0.0) * d**0.5 for x in M))
        divided = 2 * _grown(p)
    return float((2 * (T + 1) * (d + 6) * (3 * row + value) + centring) * divided * eps)


def _carried(problem: Problem, found: Outcome, eps: float) -> float:
    """The same for a rule that writes itself, whose steps can make an earlier error larger: how much is measured.

    A step adds to W at most ``eps (d + 6)`` times its row, and as much again through each of key, query and beta, which
    move by half (a beta by a quarter) of what their logits do. An error of that size and of random sign is put into
    every entry at every step, as the imaginary part that the twin carries on; twice the worst of four runs counts.
    """
    d, worst = problem.q.shape[-1], 0.0
    row = max(np.sqrt(np.sum(x * x, axis=-1)).max(initial=0.0) for x in (problem.W0, found.states))
    local = (d + 6) * eps * row * (1 + (1 + d**0.5) * row)
    rng = np.random.default_rng(0)
    p = problem.map(lambda x: x.astype(float))
    for i in np.ndindex(p.lead):
        for _ in range(4):
            W = p.W0[i] + 0j
            for x in p.q[i]:
                y, states = reference.self_referential(x[None], None, None, None, None, W)
                W = states[-1] + 1e-30j * local * rng.choice([-1, 1], W.shape)
                worst = max(worst, *(np.abs(z.imag).max() / 1e-30 for z in (y, W)))
    return 2 * worst + (d + 2) * eps * row


def _grown(problem: Problem) -> float:
    """The largest norm of a product of the transitions of W and M, side by side, over any steps in a row."""
    p, worst = problem.map(lambda x: x.astype(float)), 1.0
    kept = np.eye(p.q.shape[-1])
    for i in np.ndindex(p.lead):
        k, beta, mu = p.k[i], p.beta[i], p.momentum[i]
        decay = np.ones(len(k)) if p.decay is None else p.decay[i]
        products: list[Array] = []
        for t in range(len(k)):
            erased = beta[t] * np.outer(k[t], k[t])
            step = np.block([[decay[t] * kept - erased, -erased], [mu[t] * kept, mu[t] * kept]])
            products = [x @ step for x in products] + [step]
            worst = max(worst, *(float(np.linalg.norm(x)) for x in products))
    return worst


def _solved(problem: Problem, found: Outcome, eps: float) -> float:
    """The same for least squares: what the errors of G and of H + ridge are over the smallest eigenvalue, the ridge's.

    G and H are sums of T terms; a factor of H + ridge and two triangular systems are good to d^2 of its size.
    """
    p, (T, d) = problem, (problem.q.shape[-2], problem.q.shape[-1])
    ridge, least = np.abs(p.ridge).max(initial=0.0), np.abs(p.ridge).min(initial=1.0)
    writes = 0.0 if p.beta is None else T * np.abs(p.beta).max(initial=0.0)
    H = d * np.abs(p.aux0).max(initial=0.0) + ridge + writes
    W = max(np.abs(x).max(initial=0.0) for x in (p.W0, found.W, found.states)) * d**0.5
    G = np.abs(p.W0).max(initial=0.0) * d**0.5 * H + writes * np.abs(p.v).max(initial=0.0)
    return float(2 * eps * ((T + d + 6) * G + (T + 3 * d * d + 6) * W * H) / least)


def _divisor(problem: Problem) -> float:
    """The smallest ``z . q`` but 0 that divides a read: z is the state of the same row with values of one."""
    plain = replace(problem.rule, normalised=False, name="divisor")
    ones = np.ones((*problem.k.shape[:-1], 1))
    z = problem.but(rule=plain, v=ones, W0=problem.aux0[..., None, :], aux0=None)
    size = np.abs(outcome(z).y)
    return float(size.min(initial=math.inf, where=size > 0))


@st.composite
def problems(
    draw: st.DrawFn, rows: dict[str, Rule] = RECURRENT, min_T: int = 0, lead: tuple[int, ...] | None = None
) -> Problem:
    """Stable instructions of any row, size and batch."""
    rule = rows[draw(st.sampled_from(sorted(rows)))]
    T = draw(st.integers(min_T, max(min_T, 24 if JIT else 6)))
    d_k, d_v = draw(st.integers(1, 9 if JIT else 4)), draw(st.integers(1, 9 if JIT else 5))
    if lead is None:
        lead = draw(st.sampled_from([(), (1,), (3,), (2, 2)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return problem(rule, rng, T, d_k, d_v, lead)
