"""The door to exact rules: kernels against their twins, and what must hold whatever the rule."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ROWS, SIZES, problem, problems, rounding, twin

import synfwp as fw
from synfwp import fastweights

pytestmark = pytest.mark.kernels


def same(one: fastweights.Scan, two: fastweights.Scan) -> bool:
    """Bit for bit."""
    return np.array_equal(one.y, two.y) and np.array_equal(one.W, two.W)


def run(p, **kwargs):
    return fw.scan(*p.args, **p.kwargs, **kwargs)


# --- the kernel and its twin -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ROWS)
def test_the_kernel_equals_the_twin_of_every_row(name, size, dtype, rng):
    T, d_k, d_v, lead = size
    p = problem(ROWS[name], rng, T, d_k, d_v, lead, dtype)
    out = run(p, states=2)
    y, states = twin(p)
    bound = rounding(p, states)
    assert out.y.dtype == out.W.dtype == out.states.dtype == dtype
    assert out.y.shape == y.shape
    assert np.abs(out.y - y).max(initial=0) <= bound
    assert np.abs(out.W - (states[..., -1, :, :] if T else p.W0)).max(initial=0) <= bound
    assert out.states.shape == (*lead, T // 2, d_v, d_k)
    assert np.abs(out.states - states[..., 1::2, :, :]).max(initial=0) <= bound


@given(problems())
def test_the_kernel_equals_the_twin_of_every_row_at_any_size(p):
    out, (y, states) = run(p), twin(p)
    assert np.abs(out.y - y).max(initial=0) <= rounding(p, states)
    assert np.abs(out.W - (states[..., -1, :, :] if states.shape[-3] else p.W0)).max(initial=0) <= rounding(p, states)


def test_one_wrong_step_is_outside_the_bound(rng):
    p = problem(fw.DELTA, rng, 20, 4, 4)
    beta = p.beta.copy()
    beta[3] *= 1 + 1e-9
    y, states = twin(p)
    assert np.abs(run(p.but(beta=beta)).y - y).max() > rounding(p, states)


@pytest.mark.parametrize("every", [1, 3, 7, 8])
def test_states_are_W_after_every_nth_step(every, rng):
    p = problem(fw.DELTA, rng, 7, 3, 5, (2,))
    kept = run(p, states=every).states
    assert kept.shape == (2, 7 // every, 5, 3)
    for i in range(7 // every):
        t = (i + 1) * every
        first = p.but(q=p.q[:, :t], k=p.k[:, :t], v=p.v[:, :t], beta=p.beta[:, :t])
        assert np.array_equal(kept[:, i], run(first).W)
    assert run(p).states is None


def test_the_arguments_left_out_are_one_and_zero(rng):
    p = problem(fw.DELTA, rng, 5, 3, 4, (2,))
    assert same(fw.scan("delta", p.q, p.k, p.v), run(p.but(beta=np.ones((2, 5)), W0=np.zeros((2, 4, 3)))))


# --- identities ------------------------------------------------------------------------------------------------------


@given(problems(min_T=1), st.data())
def test_the_past_does_not_depend_on_the_future(p, data):
    T = p.k.shape[-2]
    t = data.draw(st.integers(0, T))

    def change(name, x):
        axis = x.ndim - (1 if name == "beta" or (name == "decay" and p.rule.retain == "scalar") else 2)
        late = np.arange(T).reshape(-1, *[1] * (x.ndim - axis - 1)) >= t
        return np.where(late, x * 0.5, x)

    later = p.but(**{name: change(name, getattr(p, name)) for name in p.used if name != "W0"})
    assert np.array_equal(run(p).y[..., :t, :], run(later).y[..., :t, :])


@given(problems())
def test_a_batch_equals_its_sequences_one_by_one(p):
    out = run(p)
    for i in np.ndindex(p.k.shape[:-2]):
        one = run(p.at(i))
        assert np.array_equal(out.y[i], one.y)
        assert np.array_equal(out.W[i], one.W)


@given(problems(lead=()), st.data())
def test_a_sequence_cut_in_two_that_carries_W_equals_one_run(p, data):
    t = data.draw(st.integers(0, len(p.k)))
    halves = [
        p.but(**{name: getattr(p, name)[part] for name in p.used if name != "W0"}) for part in (np.s_[:t], np.s_[t:])
    ]
    first = run(halves[0])
    second = run(halves[1].but(W0=first.W))
    whole = run(p)
    assert np.array_equal(np.concatenate([first.y, second.y]), whole.y)
    assert np.array_equal(second.W, whole.W)


@given(problems(), st.floats(-3, 3))
def test_reads_and_W_are_linear_in_the_values_and_the_first_W_together(p, c):
    other = p.but(v=np.flip(p.v, -1).copy(), W0=np.flip(p.W0, -2).copy())
    mixed = p.but(v=p.v + c * other.v, W0=p.W0 + c * other.W0)
    out, one, two = run(mixed), run(p), run(other)
    bounds = [rounding(x, twin(x)[1]) for x in (mixed, p, other)]
    bound = bounds[0] + bounds[1] + (1 + abs(c)) * bounds[2]
    assert np.abs(out.y - (one.y + c * two.y)).max(initial=0) <= bound
    assert np.abs(out.W - (one.W + c * two.W)).max(initial=0) <= bound


# a row with a number for a coefficient writes whatever beta is
@given(problems(rows={name: row for name, row in ROWS.items() if row.uses_beta and name != "half forgotten"}))
def test_beta_of_zero_and_decay_of_one_leave_W_as_it_is(p):
    still = p.but(beta=np.zeros_like(p.beta), decay=None if p.decay is None else np.ones_like(p.decay))
    assert np.array_equal(run(still).W, p.W0)


@pytest.mark.parametrize("name", ["leaky_hebb", "gated_hebb", "gated_delta", "key_gated_delta"])
def test_decay_of_zero_forgets_all_but_the_last_pair(name, rng):
    p = problem(ROWS[name], rng, 6, 3, 5)
    last = p.beta[-1] * np.outer(p.v[-1], p.k[-1])
    # a product of three numbers, in one order or another
    np.testing.assert_allclose(run(p.but(decay=np.zeros_like(p.decay))).W, last, rtol=4e-16)


@pytest.mark.parametrize(("gated", "plain"), [("leaky_hebb", "hebb"), ("gated_hebb", "hebb"), ("gated_delta", "delta"),
                                              ("key_gated_delta", "delta"), ("undecayed delta", "delta")])  # fmt: skip
def test_decay_of_one_is_the_rule_without_decay(gated, plain, rng):
    p = problem(ROWS[gated], rng, 9, 4, 6)
    p = p.but(decay=np.ones_like(p.decay))
    without = p.but(rule=ROWS[plain], decay=None)
    # fused and separate roundings differ between the two kernels
    assert np.abs(run(p).W - run(without).W).max() <= rounding(p, twin(p)[1])


def test_decay_per_key_that_is_equal_for_all_keys_is_a_decay_per_step(rng):
    p = problem(fw.GATED_DELTA, rng, 9, 4, 6)
    wide = p.but(rule=fw.KEY_GATED_DELTA, decay=np.repeat(p.decay[:, None], 4, axis=1))
    assert np.abs(run(p).W - run(wide).W).max() <= rounding(p, twin(p)[1])


# --- batches, threads, layouts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROWS)
def test_threads_change_no_bit(name, rng, monkeypatch):
    monkeypatch.setattr(fastweights, "_POOL_FLOPS", 0)
    used = []
    pool = fastweights._pool
    monkeypatch.setattr(fastweights, "_pool", lambda process, workers: used.append(workers) or pool(process, workers))
    p = problem(ROWS[name], rng, 19, 3, 5, (5,))
    dy, dW = rng.standard_normal(p.v.shape), rng.standard_normal(p.W0.shape)
    results = []
    for threads in (1, 2, 3):
        out, pullback = fw.vjp(*p.args, **p.kwargs, threads=threads)
        grads = pullback(dy, dW)
        results.append([out.y, out.W, *(getattr(grads, name) for name in p.used)])
    assert used == [2, 2, 3, 3]
    for other in results[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_a_limit_on_threads_holds_within_its_context(rng, monkeypatch):
    monkeypatch.setattr(fastweights, "_POOL_FLOPS", 0)
    monkeypatch.setattr(fastweights, "_processors", lambda: 2)
    used = []
    pool = fastweights._pool
    monkeypatch.setattr(fastweights, "_pool", lambda process, workers: used.append(workers) or pool(process, workers))
    p = problem(fw.HEBB, rng, 3, 2, 2, (4,))
    with fastweights.thread_limit(1):
        run(p)
    assert used == []
    run(p)
    assert used == [2]


def test_strided_read_only_and_integer_arguments_are_welcome_and_none_is_changed(rng):
    p = problem(fw.GATED_DELTA, rng, 7, 3, 5, (2,))
    plain = run(p)
    odd = p.map(lambda x: np.repeat(x, 2, axis=-1)[..., ::2])
    for name in odd.used:
        getattr(odd, name).flags.writeable = False
    assert same(run(odd), plain)
    before = p.map(np.copy)
    _, pullback = fw.vjp(*p.args, **p.kwargs)
    dy, dW = np.ones_like(p.v), np.ones_like(p.W0)
    first, second = pullback(dy, dW), pullback(dy, dW)
    assert all(np.array_equal(getattr(first, name), getattr(second, name)) for name in p.used)
    assert all(np.array_equal(getattr(before, name), getattr(p, name)) for name in p.used)
    assert np.array_equal(dW, np.ones_like(p.W0))
    whole = np.arange(6).reshape(3, 2)
    assert fw.scan("hebb", whole, whole, whole).y.dtype == np.float64
    assert fw.scan("hebb", whole, whole, whole.astype(np.float32)).y.dtype == np.float32
    assert fw.scan("hebb", whole.tolist(), whole.tolist(), whole.tolist()).W.tolist() == [[20.0, 26.0], [26.0, 35.0]]


def test_a_python_number_does_not_turn_float32_into_float64(rng):
    p = problem(fw.GATED_DELTA, rng, 7, 3, 5, dtype=np.float32)
    assert fw.scan(p.rule, p.q, p.k, p.v, 0.5, decay=np.float64(0.5), W0=0.0).y.dtype == np.float32
