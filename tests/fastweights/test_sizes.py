"""Sums of squares that stand for checks, and memory that results are written into again."""

import gc
import warnings

import numpy as np
import pytest
from strategies import ROWS, problem

import synfwp as fw
from synfwp import fastweights, reference
from synfwp.fastweights import arguments, buffers
from synfwp.fastweights.solvers import linear
from synfwp.kernels import sizes

pytestmark = pytest.mark.kernels
LARGE = (4, 32, 64, 64)  # a batch whose results are as large as the buffers that are kept


def few(dtype=float, **changes):
    p = problem(fw.GATED_DELTA, np.random.default_rng(3), 5, 3, 4, (2,), dtype)
    return p.but(**changes)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_squares_are_those_of_the_twin(rng, dtype):
    q, k, v = (rng.standard_normal((3, *shape)).astype(dtype) for shape in ((5, 4), (10, 4), (10, 7)))
    rows, sums = np.full((3, 10), np.nan, dtype), np.full(3, np.nan, dtype)
    sizes.squares(q, k, v, rows, sums, 1, 3)
    assert np.isnan(rows[0]).all()
    assert np.isnan(sums[0])
    for n in (1, 2):
        exact = reference.squares(q[n].astype(float), k[n].astype(float), v[n].astype(float))
        for found, twin in zip((rows[n], sums[n]), exact, strict=True):  # 150 sums of positive numbers
            np.testing.assert_allclose(found, twin, rtol=150 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", sorted(name for name, row in ROWS.items() if linear.sums(row)))
def test_a_run_sums_what_its_checks_need(name, rng):
    p = problem(ROWS[name], rng, 6, 5, 3, (2,))
    gates = {x: y for x, y in p.kwargs.items() if x != "decay"}
    call = arguments.check(*p.args, p.decay, **gates)
    found = linear.forward(call, 0, 1)
    for n in range(2):
        rows, total = reference.squares(call.q[n], call.k[n], call.v[n])
        np.testing.assert_allclose(found.sizes.keys[n], rows, rtol=1e-13)
        np.testing.assert_allclose(found.sizes.given[n], total, rtol=1e-13)
        results = np.square(found.y[n]).sum() + np.square(found.W[n]).sum()
        np.testing.assert_allclose(found.sizes.found[n], results, rtol=1e-13)


@pytest.mark.parametrize("door", [fw.scan, fw.vjp])
@pytest.mark.parametrize("name", ["q", "k", "v", "beta", "decay"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_at_its_place(door, name, bad):
    p = few()
    x = getattr(p, name).copy()
    x[1, 2] = bad
    p = p.but(**{name: x})
    where = r"\(1, 2, 0\)" if x.ndim == 3 else r"\(1, 2\)"
    with pytest.raises(ValueError, match=rf"^{name} holds {bad} at index {where}; pass finite numbers"):
        door(*p.args, **p.kwargs)


@pytest.mark.parametrize("name", ["beta", "decay"])
def test_a_gate_for_no_steps_is_finite_too(name):
    p = problem(fw.GATED_DELTA, np.random.default_rng(3), 0, 3, 4, (2,)).but(**{name: np.array(np.nan)})
    with pytest.raises(ValueError, match=rf"^{name} holds nan"):
        fw.scan(*p.args, **p.kwargs)


def test_finite_numbers_whose_squares_overflow_are_no_error():
    p = few(np.float32)
    k = np.zeros_like(p.k)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = fw.scan(fw.HEBB, p.q * np.float32(1e25), k, p.v)
    assert not out.y.any()


@pytest.mark.parametrize("door", [fw.scan, fw.vjp])
def test_a_step_past_its_bound_warns_after_a_run_as_before_one(door):
    p = few()
    k, beta = np.full_like(p.k, 1.0), np.full(p.k.shape[:-1], 0.9)
    with pytest.warns(RuntimeWarning, match=r"^unstable step for rule 'delta': 1.35 times its bound"):
        door(fw.DELTA, p.q, k, p.v, beta)
    with pytest.warns(RuntimeWarning, match=r"^unstable step for rule 'delta': 1.35 times its bound"):
        fastweights.check(fw.DELTA, p.q, k, p.v, beta)


# --- buffers --------------------------------------------------------------------------------------------------------


def address(x):
    return x.__array_interface__["data"][0]


def test_memory_that_nobody_has_any_more_is_taken_again():
    first = buffers.empty((1 << 16,), np.dtype(float))
    there = address(first)
    del first
    assert any(address(buffers.empty((1 << 16,), np.dtype(float))) == there for _ in range(len(buffers._POOL) + 1))


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x[1:], lambda x: x.reshape(2, -1).T, memoryview])
def test_memory_is_not_taken_while_any_view_of_it_is_held(view):
    x = buffers.empty((1 << 16,), np.dtype(float))
    there, held = address(x), view(x)
    del x
    gc.collect()
    others = [buffers.empty((1 << 16,), np.dtype(float)) for _ in range(12)]
    assert there not in {address(other) for other in others}
    assert len({address(other) for other in others}) == 12
    assert len(held) > 0


def test_what_is_kept_has_a_limit():
    held = [buffers.empty((1 << 20,), np.dtype(float)) for _ in range(20)]
    assert sum(buffer.nbytes for buffer in buffers._POOL) <= buffers.ALL
    assert len({address(x) for x in held}) == 20


def test_small_and_very_large_arrays_are_not_kept():
    before = len(buffers._POOL)
    buffers.empty((4,), np.dtype(float))
    buffers.empty((buffers.ALL // 4 + 1,), np.dtype(np.uint8))
    assert len(buffers._POOL) == before


def test_results_that_a_caller_holds_stay_as_they_are(small):
    n, T, d, _ = (2, 4, 8, 8) if small else LARGE
    rng = np.random.default_rng(0)
    draws = [[rng.standard_normal((n, T, d)) / d for _ in range(3)] for _ in range(3)]
    outs = [fw.scan("delta", *x) for x in draws]
    kept = [(out.y.copy(), out.W.copy()) for out in outs]
    again = [fw.scan("delta", *x) for x in draws]
    for out, other, (y, W) in zip(outs, again, kept, strict=True):
        for a, b, c in ((out.y, other.y, y), (out.W, other.W, W)):
            assert np.array_equal(a, c)
            assert np.array_equal(b, c)
            assert not np.shares_memory(a, b)


# --- out ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "states"), [("delta", 2), *((name, 0) for name in sorted(ROWS))])
def test_out_is_written_over_with_the_same_numbers(name, states, rng):
    row = ROWS[name]
    first, second = (problem(row, rng, 5, 4, 4, (2,)) for _ in range(2))
    out = fw.scan(*first.args, **first.kwargs, states=states)
    exact = fw.scan(*second.args, **second.kwargs, states=states)
    again = fw.scan(*second.args, **second.kwargs, states=states, out=out)
    assert again is out
    for x in ("y", "W", "aux", "states"):
        if getattr(exact, x) is not None:
            assert getattr(out, x).tobytes() == getattr(exact, x).tobytes()


def test_a_sequence_goes_on_in_its_own_memory(rng):
    p = problem(fw.DELTA, rng, 8, 4, 4, (2,))
    first, second = ([x[:, part] for x in p.args[1:]] for part in (slice(4), slice(4, 8)))
    out = fw.scan("delta", *first)
    exact, W = fw.scan("delta", *second, W0=out.W), out.W
    fw.scan("delta", *second, W0=out.W, out=out)
    assert out.W is W
    assert np.array_equal(W, exact.W)
    assert np.array_equal(out.y, exact.y)


def test_values_may_lie_where_reads_go(rng):
    p = problem(fw.DELTA, rng, 6, 4, 4, (2,))
    exact, out = fw.scan(*p.args), fw.scan(*p.args)
    out.y[...] = p.v
    fw.scan(p.rule, p.q, p.k, out.y, p.beta, out=out)
    assert np.array_equal(out.y, exact.y)
    assert np.array_equal(out.W, exact.W)


def test_an_out_that_does_not_fit_is_refused(rng):
    p = few()
    out = fw.scan(*p.args, **p.kwargs)
    with pytest.raises(TypeError, match=r"^out is an array of shape \(2, 5, 4\); pass what an earlier call"):
        fw.scan(*p.args, **p.kwargs, out=out.y)
    with pytest.raises(ValueError, match=r"^out.states is None but this call gives float64 \(2, 2, 4, 3\)"):
        fw.scan(*p.args, **p.kwargs, out=out, states=2)
    with pytest.raises(ValueError, match=r"^out.y is float64 \(2, 5, 4\) but this call gives float64 \(2, 4, 4\)"):
        fw.scan(p.rule, *(x[:, :4] for x in p.args[1:]), decay=p.decay[:, :4], out=out)
    single = few(np.float32)
    with pytest.raises(ValueError, match=r"^out.y is float64 .* gives float32"):
        fw.scan(*single.args, **single.kwargs, out=out)
    for y in (np.broadcast_to(0.0, out.y.shape), np.zeros(out.y.shape[::-1]).T):
        with pytest.raises(ValueError, match=r"^out.y cannot be written over in place"):
            fw.scan(*p.args, **p.kwargs, out=fw.Scan(y, out.W))
