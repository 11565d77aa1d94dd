"""The chunkwise, parallel and attention forms against the twins, and what the forms must have in common."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import JIT, ROWS, SINGLE, aux_shape, outcome, problem, problems, rounding

import synfwp as fw
from synfwp.kernels import linear, mesa, momentum
from synfwp.rules import Rule

pytestmark = pytest.mark.kernels

# what DESIGN asks for: which rows have more than the recurrent form
PARALLEL = ["hebb", "anti_hebb", "leaky_hebb", "gated_hebb", "linear_attention", "covariance", "delta", "gated_delta"]
PARALLEL += ["key_gated_delta", "longhorn", "delta_product(2)", "gated_delta_product(2)", "dplr"]
CHUNKWISE = [*PARALLEL, "householder", "oja", "gated_oja"]
BESIDE = ["momentum_delta", "mesa"]  # attention beside the recurrence
OWN_PARALLEL = [
    name for name, row in ROWS.items() if name not in fw.RULES and row.error == "value" and row.solver == "linear"
]
OWN_BESIDE = [name for name, row in ROWS.items() if row.solver in ("momentum", "mesa")]
OWN_ATTENTION = [name for name in OWN_PARALLEL if ROWS[name].write is not None]
CHUNKED = [*CHUNKWISE, *OWN_PARALLEL, "two oja"]
SIZES = [(0, 3, 2), (1, 3, 5), (13, 5, 6), (9, 2, 33)]


def run(p, **kwargs):
    return fw.scan(*p.args, **p.kwargs, **kwargs)


def bound(p, found, chunk):
    """What rounding may do to a chunk: its errors pass through the inverse of the unit triangular matrix of the solve.

    An entry of the inverse is what one step has left of another, at most ``erase |k|^2 <= 2``, so it makes errors
    larger by at most ``1 + 2 C`` for chunks of C steps.
    """
    return rounding(p, found) * (1 + 2 * min(chunk * p.rule.writes, p.q.shape[-2] * p.rule.writes))


def agree(out, p, chunk, every=0):
    found = outcome(p)
    allowed = bound(p, found, chunk)
    for name in ("y", "W", "aux"):
        got, want = getattr(out, name), getattr(found, name)
        assert (got is None) == (want is None)
        if want is not None:
            assert got.dtype == p.q.dtype
            assert got.shape == want.shape
            assert np.abs(got - want).max(initial=0) <= allowed
    if every:
        assert np.abs(out.states - found.states[..., every - 1 :: every, :, :]).max(initial=0) <= allowed


def test_the_table_of_forms_is_the_one_that_was_asked_for():
    asked = {  # form: its rows
        "recurrent": set(fw.RULES) - {"softmax"},
        "chunkwise": set(CHUNKWISE),
        "parallel": {*PARALLEL, "softmax"},
        "attention": {*PARALLEL, *BESIDE, "softmax"},
    }
    found = {form: {name for name, row in fw.RULES.items() if form in row.forms} for form in asked}
    assert found == asked
    assert set(CHUNKWISE) - set(PARALLEL) == {"householder", "oja", "gated_oja"}
    assert {name for name, row in fw.RULES.items() if row.forms == ("recurrent",)} == {"self_referential"}


@pytest.mark.parametrize("name", fw.RULES)
def test_every_form_that_a_row_lists_runs_and_no_other_one_does(name, rng):
    p = problem(fw.RULES[name], rng, 3, 2, 2)
    for form in ("recurrent", "chunkwise", "parallel"):
        if form in p.rule.forms:
            assert run(p, form=form).y.shape == (3, 2)
        else:
            with pytest.raises(ValueError, match=f"has no form '{form}'"):
                run(p, form=form)
    if "attention" in p.rule.forms:
        assert matrix(p).shape[:2] == (3, 3)
    else:
        with pytest.raises(ValueError, match="has no form 'attention'"):
            matrix(p)


# --- chunkwise and parallel ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", CHUNKED)
def test_the_chunkwise_form_equals_the_twin_of_every_row_for_any_chunk(name, size, rng):
    T, d_k, d_v = size
    p = problem(ROWS[name], rng, T, d_k, d_v, (2,))
    for chunk in (1, 4, max(T, 1), 100):
        agree(run(p, form="chunkwise", chunk=chunk), p, chunk)
    agree(run(p, form="chunkwise", chunk=4, states=3), p, 4, every=3)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", [*PARALLEL, *OWN_PARALLEL, "softmax"])
def test_the_parallel_form_equals_the_twin_of_every_row(name, size, rng):
    T, d_k, d_v = size
    p = problem(ROWS[name], rng, T, d_k, d_v, (2,))
    agree(run(p, form="parallel"), p, T)
    if name != "softmax":
        agree(run(p, form="parallel", states=2), p, T, every=2)


@given(problems(rows={name: ROWS[name] for name in CHUNKED}), st.integers(1, 30), st.integers(1, 9))
def test_every_form_equals_the_twin_at_any_size_chunk_and_stride_of_states(p, chunk, every):
    agree(run(p, form="chunkwise", chunk=chunk, states=every), p, chunk, every)
    if "parallel" in p.rule.forms:
        agree(run(p, form="parallel", states=every), p, p.q.shape[-2], every)


@given(problems(rows={name: ROWS[name] for name in CHUNKED if ROWS[name].uses_decay}), st.integers(1, 9), st.data())
def test_hard_resets_are_exact_in_every_form(p, chunk, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    p = p.but(decay=rng.integers(0, 2, p.decay.shape).astype(float), r=p.p)  # p = r: nothing is added to a kept W
    if p.rule.normalised:  # after a reset z is the last key alone, which a weak write makes tiny
        p = p.but(beta=0.5 + p.beta / 4)
    agree(run(p), p, 1)
    agree(run(p, form="chunkwise", chunk=chunk), p, chunk)
    if "parallel" in p.rule.forms:
        agree(run(p, form="parallel"), p, p.q.shape[-2])


@pytest.mark.parametrize("name", [*(name for name in SINGLE if name in CHUNKED), "gated_oja"])
def test_float32_stays_float32_in_every_form(name, rng):
    p = problem(ROWS[name], rng, 20, 4, 6, (2,), np.float32)
    agree(run(p, form="chunkwise", chunk=8), p, 8)
    if "parallel" in p.rule.forms:
        agree(run(p, form="parallel"), p, 20)
        assert fw.attention(p.rule, p.q, p.k, p.beta, **p.gates).dtype == np.float32


@pytest.mark.parametrize("form", ["chunkwise", "parallel"])
@pytest.mark.parametrize("name", CHUNKED)
def test_a_sequence_cut_in_two_that_carries_W_and_aux_equals_one_run_in_every_form(name, form, rng):
    if form not in ROWS[name].forms:
        form = "chunkwise"
    p = problem(ROWS[name], rng, 11, 3, 5, (2,))
    first = run(p.part(slice(4)), form=form)
    second = run(p.part(slice(4, None)).but(W0=first.W, aux0=first.aux), form=form)
    found = outcome(p)
    allowed = 2 * bound(p, found, 11)
    assert np.abs(np.concatenate([first.y, second.y], axis=-2) - found.y).max() <= allowed
    assert np.abs(second.W - found.W).max() <= allowed
    assert found.aux is None or np.abs(second.aux - found.aux).max() <= allowed


@pytest.mark.parametrize("name", [*CHUNKED, "softmax"])
def test_a_batch_equals_its_sequences_one_by_one_in_every_form(name, rng):
    p = problem(ROWS[name], rng, 6, 3, 5, (2, 1, 2))
    for form in set(p.rule.forms) - {"recurrent", "attention"}:
        out = run(p, form=form)
        for i in np.ndindex(p.lead):
            assert np.array_equal(out.y[i], run(p.at(i), form=form).y)


def test_auto_takes_a_form_that_the_rule_has(rng):
    for name in ("delta", "oja", "self_referential", "softmax"):
        p = problem(ROWS[name], rng, 6, 3, 5)
        agree(run(p, form="auto"), p, 6)


# --- attention -------------------------------------------------------------------------------------------------------


def matrix(p):
    return fw.attention(p.rule, p.q, p.k, p.beta, **p.gates)


def read(A, p):
    """A v."""
    return np.einsum("...ts,...sv->...tv" if p.rule.writes == 1 else "...tsn,...snv->...tv", A, p.v)


@given(problems(rows={name: ROWS[name] for name in [*PARALLEL, *OWN_ATTENTION, *OWN_BESIDE, "softmax"]}))
def test_reads_are_attention_times_values_and_attention_is_causal(p):
    p = p.but(W0=None, aux0=None)
    if p.rule.name == "two centred":  # its keys minus the mean of fewer keys: smaller steps keep it stable
        p = p.but(beta=p.beta / 2)
    A, T = matrix(p), p.q.shape[-2]
    assert A.shape == (*p.lead, T, T, *([p.rule.writes] if p.rule.writes > 1 else []))
    whole = np.moveaxis(A, (len(p.lead), len(p.lead) + 1), (-2, -1))
    assert not whole[..., np.triu(np.ones((T, T), bool), 0 if p.rule.read == "before" else 1)].any()
    d_k = p.q.shape[-1]
    zero = {} if p.rule.name == "softmax" else {"W0": np.zeros((*p.lead, p.d_v, d_k))}
    if p.rule.solver in ("momentum", "mesa"):
        zero["aux0"] = np.zeros((*p.lead, *aux_shape(p.rule, p.d_v, d_k)))
    elif p.rule.normalised:
        zero["aux0"] = np.zeros((*p.lead, d_k))
    start = p.but(**zero)
    found = outcome(start)
    assert np.abs(read(A, p) - found.y).max(initial=0) <= bound(start, found, T)


@pytest.mark.parametrize("name", [*PARALLEL, *OWN_ATTENTION, *OWN_BESIDE, "softmax"])
def test_attention_does_not_run_the_recurrence(name, rng, monkeypatch):
    def refuse(*args):
        raise AssertionError("the recurrence was run")

    p = problem(ROWS[name], rng, 6, 3, 5, (2,))
    whole = matrix(p)
    for kernels in (linear, momentum, mesa):
        for kernel in ("forward", "adjoint"):
            monkeypatch.setattr(kernels, kernel, refuse)
    assert np.array_equal(matrix(p), whole)
    if name != "softmax":  # the way to the kernels is shut
        with pytest.raises(AssertionError, match="the recurrence was run"):
            run(p)


def test_attention_of_the_simplest_rules_is_what_one_writes_by_hand(rng):
    q, k = rng.random((2, 4, 3)), rng.random((2, 4, 3))
    beta, a = rng.random((2, 4)), rng.random((2, 4))
    scores = np.tril(q @ np.swapaxes(k, 1, 2))
    ages = np.stack([[[np.prod(a[n, s + 1 : t + 1]) for s in range(4)] for t in range(4)] for n in range(2)])
    exact = {"rtol": 1e-14, "atol": 0}
    np.testing.assert_allclose(fw.attention("hebb", q, k, beta), scores * beta[:, None], **exact)
    np.testing.assert_allclose(fw.attention("leaky_hebb", q, k, decay=a), scores * ages, **exact)
    np.testing.assert_allclose(fw.attention("linear_attention", q, k), scores / scores.sum(-1, keepdims=True), **exact)
    weights = np.tril(np.exp(q @ np.swapaxes(k, 1, 2)))
    np.testing.assert_allclose(fw.attention("softmax", q, k), weights / weights.sum(-1, keepdims=True), **exact)


# --- long sequences --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not JIT, reason="20 000 steps need compiled code")
@pytest.mark.parametrize("name", ["leaky_hebb", "delta", "gated_delta", "key_gated_delta"])
def test_twenty_thousand_steps_with_gates_near_one_agree_in_float32(name, rng):
    T, d = 20_000, 8
    row = ROWS[name]
    k, q, v = (rng.standard_normal((T, d)) for _ in range(3))
    k, q = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (k, q))
    decay = {None: None, "scalar": rng.uniform(0.999, 1, T), "key": rng.uniform(0.999, 1, (T, d))}[row.retain]
    arguments = [x.astype(np.float32) for x in (q, k, v, rng.uniform(0, 1, T))]
    gate = None if decay is None else decay.astype(np.float32)
    wide = None if gate is None else gate.astype(float)
    exact = fw.scan(row, *(x.astype(float) for x in arguments), decay=wide)
    recurrent = fw.scan(row, *arguments, decay=gate)
    chunkwise = fw.scan(row, *arguments, decay=gate, form="chunkwise")
    size = np.linalg.norm(exact.y)
    # an error of one step lives for about 1 / (1 - a) = 2000 steps; the d + 6 roundings of each, 3e-8 as a rule, are as
    # good as independent: sqrt(2000 (d + 6)) 3e-8 = 5e-6 of the reads
    assert np.linalg.norm(chunkwise.y - recurrent.y) <= 5e-6 * size
    errors = [np.linalg.norm(x.y - exact.y) / size for x in (recurrent, chunkwise)]
    assert 0 < errors[1] <= 10 * errors[0]
    errors = [np.linalg.norm(x.W - exact.W) for x in (recurrent, chunkwise)]
    assert 0 < errors[1] <= 10 * errors[0]


# --- a rule of one's own ---------------------------------------------------------------------------------------------


def test_a_rule_of_ones_own_runs_in_scan_vjp_and_attention_without_registration(rng):
    """What is erased fades twice as fast as what is written, and writes are read one token later."""
    mine = Rule(name="mine", retain="scalar", erase=0.5, write="beta", order="undecayed", read="before")
    assert mine.name not in fw.RULES
    q, k, v = (rng.standard_normal((7, 3)) / 3 for _ in range(3))
    beta, decay = rng.random(7), rng.random(7)

    def by_hand(k):
        W, reads = np.zeros((3, 3), k.dtype), []
        for t in range(7):
            reads.append(W @ q[t])
            W = decay[t] * W - 0.5 * np.outer(W @ k[t], k[t]) + beta[t] * np.outer(v[t], k[t])
        return np.array(reads)

    exact = {"rtol": 0, "atol": 1e-15 * 7 * 9}  # 7 steps of sums of 9 numbers below 1
    for form in (None, "recurrent", "chunkwise", "parallel", "auto"):
        np.testing.assert_allclose(fw.scan(mine, q, k, v, beta, decay=decay, form=form).y, by_hand(k), **exact)
    np.testing.assert_allclose(fw.attention(mine, q, k, beta, decay=decay) @ v, by_hand(k), **exact)
    dk, dy = rng.standard_normal(k.shape), rng.standard_normal((7, 3))
    found = fw.vjp(mine, q, k, v, beta, decay=decay)[1](dy).k
    assert np.sum(found * dk) == pytest.approx(np.sum(by_hand(k + 1e-30j * dk).imag / 1e-30 * dy), rel=1e-12)


def test_a_row_may_have_fewer_forms_than_its_mathematics_allows(rng):
    shy = Rule(name="shy", forms=("recurrent",))
    q = np.ones((2, 2))
    assert math.isclose(fw.scan(shy, q, q, q).W[0, 0], 2.0)
    for form in ("chunkwise", "parallel"):
        with pytest.raises(ValueError, match=rf"^rule 'shy' has no form '{form}'; it has 'recurrent'\.$"):
            fw.scan(shy, q, q, q, form=form)


@pytest.mark.kernels
def test_auto_takes_a_form_by_rule_and_sizes_alone_and_gives_the_same_numbers(rng):
    for rule, T, d in (("hebb", 512, 64), ("delta", 512, 512), ("leaky_hebb", 512, 512), ("hebb", 8, 512)):
        assert fw.fastest_form(rule, T, d, d) == "recurrent"
    assert fw.fastest_form("softmax", 512, 512, 512) == "parallel"
    q, k, v = (rng.standard_normal((3, 2)) for _ in range(3))
    np.testing.assert_array_equal(fw.scan("hebb", q, k, v, form="auto").y, fw.scan("hebb", q, k, v).y)
