"""The recurrent form against the twins, and what must hold whatever the rule."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import FIXED, RECURRENT, ROWS, SINGLE, SIZES, outcome, problem, problems, rounding, twin

import synfwp as fw
from synfwp import fastweights, threads

pytestmark = pytest.mark.kernels


def same(one: fastweights.Scan, two: fastweights.Scan) -> bool:
    """Bit for bit."""
    return np.array_equal(one.y, two.y) and np.array_equal(one.W, two.W)


def run(p, **kwargs):
    return fw.scan(*p.args, **p.kwargs, **kwargs)


def agree(out, p, found=None):
    """Everything that the rule leaves is that of the twin, to rounding."""
    found = outcome(p) if found is None else found
    bound = rounding(p, found)
    for name in ("y", "W", "aux"):
        got, want = getattr(out, name), getattr(found, name)
        assert (got is None) == (want is None)
        if want is not None:
            assert got.dtype == p.q.dtype
            assert got.shape == want.shape
            assert np.abs(got - want).max(initial=0) <= bound


# --- the kernel and its twin -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(("name", "dtype"), [*((x, np.float64) for x in RECURRENT), *((x, np.float32) for x in SINGLE)])
def test_the_kernel_equals_the_twin_of_every_row(name, size, dtype, rng):
    T, d_k, d_v, lead = size
    p = problem(ROWS[name], rng, T, d_k, d_v, lead, dtype)
    out, found = run(p, states=2), outcome(p)
    agree(out, p, found)
    assert out.states.dtype == dtype
    assert out.states.shape == (*lead, T // 2, *p.state)
    assert np.abs(out.states - found.states[..., 1::2, :, :]).max(initial=0) <= rounding(p, found)


@given(problems())
def test_the_kernel_equals_the_twin_of_every_row_at_any_size(p):
    agree(run(p), p)


WRONG = ["delta", "dplr", "oja", "two oja", "linear_attention", "covariance", "self_referential"]
WRONG += ["momentum_delta", "mesa"]


@pytest.mark.parametrize("name", WRONG)
def test_one_wrong_step_is_outside_the_bound(name, rng):
    p = problem(ROWS[name], rng, 20, 4, 4)
    what = "k" if p.rule.uses_keys else "q"
    x = getattr(p, what).copy()
    x[3] *= 1 + 1e-9
    found = outcome(p)
    late = slice(4, None)  # also where the step itself is not read
    assert np.abs(run(p.but(**{what: x})).y[late] - found.y[late]).max() > rounding(p, found)


@pytest.mark.parametrize("every", [1, 3, 7, 8])
@pytest.mark.parametrize(
    "name",
    ["delta", "gated_delta_product(3)", "gated_oja", "linear_attention", "self_referential", "momentum_delta", "mesa"],
)
def test_states_are_W_after_every_nth_token(name, every, rng):
    p = problem(ROWS[name], rng, 7, 3, 5, (2,))
    kept = run(p, states=every).states
    assert kept.shape == (2, 7 // every, *p.state)
    for i in range(7 // every):
        assert np.array_equal(kept[:, i], run(p.part(slice((i + 1) * every))).W)
    assert run(p).states is None


def test_the_arguments_left_out_are_one_and_zero(rng):
    p = problem(fw.DELTA, rng, 5, 3, 4, (2,))
    assert same(fw.scan("delta", p.q, p.k, p.v), run(p.but(beta=np.ones((2, 5)), W0=np.zeros((2, 4, 3)))))
    p = problem(fw.LINEAR_ATTENTION, rng, 5, 3, 4)
    assert same(run(p.but(aux0=None)), run(p.but(aux0=np.zeros(3))))
    p = problem(fw.COVARIANCE, rng, 5, 3, 4)
    assert same(run(p.but(aux0=None)), run(p.but(aux0=np.zeros(4))))


def test_a_divided_read_of_nothing_is_zero_and_so_is_its_gradient():
    q, k, v = np.ones((3, 2)), np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]]), np.ones((3, 1))
    out, pullback = fw.vjp("linear_attention", q, k, v)
    assert out.y.tolist() == [[0.0], [1.0], [1.0]]
    assert pullback(np.array([[1.0], [0.0], [0.0]])).k.tolist() == [[0.0, 0.0]] * 3
    assert fw.attention("linear_attention", q, k)[0].tolist() == [0.0, 0.0, 0.0]


# --- identities ------------------------------------------------------------------------------------------------------


@given(problems(min_T=1), st.data())
def test_the_past_does_not_depend_on_the_future(p, data):
    T = p.q.shape[-2]
    t = data.draw(st.integers(0, T))

    def change(x):
        late = np.arange(T).reshape(-1, *[1] * (x.ndim - len(p.lead) - 1)) >= t
        return np.where(late, x * 0.5, x)

    later = p.but(**{name: change(getattr(p, name)) for name in p.used if name not in FIXED})
    assert np.array_equal(run(p).y[..., :t, :], run(later).y[..., :t, :])


@given(problems())
def test_a_batch_equals_its_sequences_one_by_one(p):
    out = run(p)
    for i in np.ndindex(p.lead):
        one = run(p.at(i))
        assert np.array_equal(out.y[i], one.y)
        assert np.array_equal(out.W[i], one.W)
        assert out.aux is None or np.array_equal(out.aux[i], one.aux)


@given(problems(lead=()), st.data())
def test_a_sequence_cut_in_two_that_carries_W_and_aux_equals_one_run(p, data):
    t = data.draw(st.integers(0, len(p.q)))
    first = run(p.part(slice(t)))
    second = run(p.part(slice(t, None)).but(W0=first.W, aux0=first.aux))
    whole = run(p)
    # a rule that erases sums the first prediction of a run in another order than those that a step makes for the next;
    # a mean goes on from its last value; a read before the first write is not a read of a kernel
    # least squares starts from W, which was divided
    exact = p.rule.erase is None and not p.rule.special
    bound = 0.0 if exact else rounding(p, outcome(p))
    assert np.abs(np.concatenate([first.y, second.y]) - whole.y).max(initial=0) <= bound
    assert np.abs(second.W - whole.W).max() <= bound
    assert whole.aux is None or np.abs(second.aux - whole.aux).max() <= bound


WRITING = {name: row for name, row in RECURRENT.items() if row.uses_values}


@given(problems(rows=WRITING), st.floats(-3, 3))
def test_reads_and_W_are_linear_in_what_is_written_and_the_first_W_together(p, c):
    what = "k" if p.rule.error == "key" else "v"  # a rule that predicts the key is linear in the key
    if p.rule.centred and what == "k":  # whose mean starts at aux0
        p = p.but(aux0=np.zeros_like(p.aux0))
    x = getattr(p, what)
    starts = ["W0", "aux0"] if p.rule.uses_momentum else ["W0"]  # M is a sum of steps, as W
    flipped = {name: np.flip(getattr(p, name), -2).copy() for name in starts}
    other = p.but(**{what: np.flip(x, -1).copy()}, **flipped)
    mixed = p.but(**{name: getattr(p, name) + c * getattr(other, name) for name in (what, *starts)})
    out, one, two = run(mixed), run(p), run(other)
    bounds = [rounding(x, outcome(x)) for x in (mixed, p, other)]
    bound = bounds[0] + bounds[1] + (1 + abs(c)) * bounds[2]
    assert np.abs(out.W - (one.W + c * two.W)).max(initial=0) <= bound
    if not (p.rule.centred and what == "k"):  # the mean of the keys is taken from queries too, which W multiplies
        assert np.abs(out.y - (one.y + c * two.y)).max(initial=0) <= bound


# a row with a number for a coefficient, or a pair, writes whatever beta is
GATED = [name for name, row in RECURRENT.items() if row.uses_beta and not row.uses_pair and name != "half forgotten"]


@given(problems(rows={name: ROWS[name] for name in GATED}))
def test_beta_of_zero_and_decay_of_one_leave_W_as_it_is(p):
    still = p.but(beta=np.zeros_like(p.beta), decay=None if p.decay is None else np.ones_like(p.decay))
    if p.rule.uses_momentum:  # no step goes on
        still = still.but(aux0=np.zeros_like(p.aux0))
    # least squares divides again by what it has multiplied by
    assert np.abs(run(still).W - p.W0).max() <= (rounding(still, outcome(still)) if p.rule.uses_ridge else 0)


@pytest.mark.parametrize("name", ["leaky_hebb", "gated_hebb", "gated_delta", "key_gated_delta", "gated_oja"])
def test_decay_of_zero_forgets_all_but_the_last_pair(name, rng):
    p = problem(ROWS[name], rng, 6, 3, 5)
    last = p.beta[-1] * np.outer(p.v[-1], p.k[-1])
    # a product of three numbers, in one order or another
    np.testing.assert_allclose(run(p.but(decay=np.zeros_like(p.decay))).W, last, rtol=4e-16)


@pytest.mark.parametrize(("gated", "plain"), [
    ("leaky_hebb", "hebb"), ("gated_hebb", "hebb"), ("gated_delta", "delta"), ("key_gated_delta", "delta"),
    ("undecayed delta", "delta"), ("gated_oja", "oja"), ("gated_delta_product(2)", "delta_product(2)"),
])  # fmt: skip
def test_decay_of_one_is_the_rule_without_decay(gated, plain, rng):
    p = problem(ROWS[gated], rng, 9, 4, 6)
    p = p.but(decay=np.ones_like(p.decay))
    without = p.but(rule=ROWS[plain], decay=None)
    # fused and separate roundings differ between the two kernels
    assert np.abs(run(p).W - run(without).W).max() <= rounding(p, outcome(p))


def test_decay_per_key_that_is_equal_for_all_keys_is_a_decay_per_step(rng):
    p = problem(fw.GATED_DELTA, rng, 9, 4, 6)
    wide = p.but(rule=fw.KEY_GATED_DELTA, decay=np.repeat(p.decay[:, None], 4, axis=1))
    assert np.abs(run(p).W - run(wide).W).max() <= rounding(p, outcome(p))


def test_a_pair_of_key_and_beta_key_is_the_undecayed_delta_rule(rng):
    p = problem(ROWS["undecayed key-gated delta"], rng, 9, 4, 6)
    pair = p.but(rule=fw.DPLR, p=p.k, r=p.beta[:, None] * p.k)
    assert np.abs(run(p).W - run(pair).W).max() <= rounding(p, outcome(p))


def test_one_write_a_token_of_delta_product_is_delta(rng):
    p = problem(fw.DELTA, rng, 9, 4, 6)
    assert same(run(p), run(p.but(rule=fw.DELTA_PRODUCT(1))))


@pytest.mark.parametrize("n", [2, 3])
def test_n_writes_a_token_are_n_tokens_of_which_the_last_reads(n, rng):
    p = problem(fw.DELTA_PRODUCT(n), rng, 6, 4, 5)
    long = fw.scan("delta", np.repeat(p.q, n, 0), p.k.reshape(-1, 4), p.v.reshape(-1, 5), p.beta.ravel(), W0=p.W0)
    assert np.array_equal(run(p).y, long.y[n - 1 :: n])
    assert np.array_equal(run(p).W, long.W)


@pytest.mark.parametrize("name", [name for name, row in RECURRENT.items() if row.solver == "linear"])
def test_a_read_before_the_write_is_the_read_after_the_token_before(name, rng):
    after, before = (replace(ROWS[name], name=name + read, read=read) for read in ("after", "before"))
    p = problem(after, rng, 6, 3, 5)
    _, states = twin(p)
    carried = np.concatenate([p.W0[None], states[:-1]])
    q = p.q
    if p.rule.centred:  # less the mean of the keys before the first write of the token
        q = q - np.stack([run(p.part(slice(t))).aux[:-1] for t in range(6)])
    y = np.einsum("tij,tj->ti", carried, q)
    if p.rule.normalised:  # z before each token: that of the run of the tokens before it
        z = np.stack([p.aux0, *(run(p.part(slice(t))).aux for t in range(1, 6))])
        y = y / np.sum(z * p.q, axis=-1)[:, None]
    late = p.but(rule=before)
    assert np.abs(run(late).y - y).max() <= rounding(late, outcome(late))
    assert np.array_equal(run(late).W, run(p).W)


# --- batches, threads, layouts ---------------------------------------------------------------------------------------


@pytest.fixture
def pools(monkeypatch):
    """Work goes to a pool however small it is; what comes back lists the workers of every pool that was used."""
    used, make = [], threads._pool
    monkeypatch.setattr(threads, "POOL_FLOPS", 0)
    monkeypatch.setattr(threads, "_pool", lambda process, workers: used.append(workers) or make(process, workers))
    return used


@pytest.mark.parametrize("name", RECURRENT)
def test_threads_change_no_bit(name, rng, pools):
    p = problem(ROWS[name], rng, 19, 3, 5, (5,))
    dy, dW = rng.standard_normal((5, 19, 5)), rng.standard_normal(p.W0.shape)
    results = []
    for n in (1, 2, 3):
        out, pullback = fw.vjp(*p.args, **p.kwargs, threads=n)
        grads = pullback(dy, dW)
        results.append([out.y, out.W, *(getattr(grads, x) for x in p.used if x not in "pr"), *(grads.erase or ())])
    passes = 3 if p.rule.error == "key" else 2  # there the gradient of the query is a read of its own
    assert pools == [2] * passes + [3] * passes
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_a_limit_on_threads_holds_within_its_context(rng, monkeypatch, pools):
    monkeypatch.setattr(threads, "processors", lambda: 2)
    p = problem(fw.HEBB, rng, 3, 2, 2, (4,))
    with fastweights.thread_limit(1):
        run(p)
    assert pools == []
    run(p)
    assert pools == [2]


def test_strided_read_only_and_integer_arguments_are_welcome_and_none_is_changed(rng):
    p = problem(fw.GATED_DELTA, rng, 7, 3, 5, (2,))
    plain = run(p)
    odd = p.map(lambda x: np.repeat(x, 2, axis=-1)[..., ::2])
    for name in odd.used:
        getattr(odd, name).flags.writeable = False
    assert same(run(odd), plain)
    whole = np.arange(6).reshape(3, 2)
    assert fw.scan("hebb", whole, whole, whole).y.dtype == np.float64
    assert fw.scan("hebb", whole, whole, whole.astype(np.float32)).y.dtype == np.float32
    assert fw.scan("hebb", whole.tolist(), whole.tolist(), whole.tolist()).W.tolist() == [[20.0, 26.0], [26.0, 35.0]]


@pytest.mark.parametrize("name", ROWS)
def test_no_argument_is_changed_and_a_pullback_may_be_called_again(name, rng):
    p = problem(ROWS[name], rng, 7, 3, 5, (2,))
    before = p.map(np.copy)
    out, pullback = fw.vjp(*p.args, **p.kwargs)
    dy, dW = np.ones_like(out.y), None if out.W is None else np.ones_like(out.W)
    first, second = pullback(dy, dW), pullback(dy, dW)
    assert all(np.array_equal(getattr(first, x), getattr(second, x)) for x in p.used if x not in "pr")
    assert all(np.array_equal(getattr(before, x), getattr(p, x)) for x in p.used)
    assert dW is None or np.array_equal(dW, np.ones_like(out.W))


def test_a_python_number_does_not_turn_float32_into_float64(rng):
    p = problem(fw.GATED_DELTA, rng, 7, 3, 5, dtype=np.float32)
    assert fw.scan(p.rule, p.q, p.k, p.v, 0.5, decay=np.float64(0.5), W0=0.0).y.dtype == np.float32
