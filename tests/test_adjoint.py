"""The adjoint of every row: dot products with the twin's complex step, broadcasting, float32, segments of time."""

import dataclasses

import numpy as np
import pytest
from strategies import INPUTS, JIT, ROWS, problem, twin

import synfwp as fw
from synfwp import fastweights
from synfwp.kernels import linear

pytestmark = pytest.mark.kernels

# T past two borders of a segment of 16 steps, at one, below one; d_v off the groups of 4 and past the blocks of 32
SIZES = [(37, 5, 6, (2,)), (16, 4, 9, ()), (17, 3, 33, ()), (3, 2, 4, (2, 1)), (1, 3, 1, ())]
STEP = 1e-30  # complex: nothing is subtracted, so the derivative is exact to rounding


@pytest.fixture
def short_segments(monkeypatch):
    """Segments of 16 steps, the shortest."""
    monkeypatch.setattr(fastweights, "_HISTORY_BYTES", 1)


def derivative(p, direction):
    """J dx of y and of the last W, by one complex step on the twin."""
    moved = p.but(**{name: getattr(p, name) + 1j * STEP * dx for name, dx in direction.items()})
    y, states = twin(moved)
    return y.imag / STEP, states[..., -1, :, :].imag / STEP


def directions(p, rng):
    """Every input by itself, and all of them together."""
    random = {name: rng.standard_normal(getattr(p, name).shape) for name in p.used}
    return [*({name: dx} for name, dx in random.items()), random]


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ROWS)
def test_the_adjoint_is_the_transpose_of_the_derivative_for_every_row_and_input(name, size, rng):
    T, d_k, d_v, lead = size
    p = problem(ROWS[name], rng, T, d_k, d_v, lead)
    dy, dW = rng.standard_normal(p.v.shape), rng.standard_normal(p.W0.shape)
    _, pullback = fw.vjp(*p.args, **p.kwargs)
    for cotangents in ((dy, dW), (dy, np.zeros_like(dW)), (np.zeros_like(dy), dW)):
        grads = pullback(*cotangents)
        for direction in directions(p, rng):
            out = derivative(p, direction)
            forward = sum(np.sum(c * d) for c, d in zip(cotangents, out, strict=True))
            backward = sum(np.sum(getattr(grads, name) * dx) for name, dx in direction.items())
            # 1e-9 of the sizes of the two vectors: their product may be small by chance, and for q and W alone it is 0
            scale = sum(np.linalg.norm(c) * np.linalg.norm(d) for c, d in zip(cotangents, out, strict=True))
            assert abs(forward - backward) <= 1e-9 * scale


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("name", ROWS)
def test_every_entry_of_every_gradient_is_that_of_the_twin(name, rng):
    p = problem(ROWS[name], rng, 18 if JIT else 3, 2, 2)
    dy, dW = rng.standard_normal(p.v.shape), rng.standard_normal(p.W0.shape)
    grads = fw.vjp(*p.args, **p.kwargs)[1](dy, dW)
    for name in p.used:
        found = getattr(grads, name)
        assert found.shape == getattr(p, name).shape
        for i in np.ndindex(found.shape):
            unit = np.zeros(found.shape)
            unit[i] = 1
            y, W = derivative(p, {name: unit})
            # rounding of 18 steps of 2 x 2 entries, all of order 1
            assert found[i] == pytest.approx(np.sum(dy * y) + np.sum(dW * W), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("name", ROWS)
def test_the_length_of_a_segment_changes_no_bit(name, rng, monkeypatch):
    p = problem(ROWS[name], rng, 40, 3, 5)
    dy, dW = rng.standard_normal(p.v.shape), rng.standard_normal(p.W0.shape)
    seen, adjoint = [], linear.adjoint
    monkeypatch.setattr(linear, "adjoint", lambda *args: seen.append(args[-3]) or adjoint(*args))
    whole = fw.vjp(*p.args, **p.kwargs)[1](dy, dW)
    monkeypatch.setattr(fastweights, "_HISTORY_BYTES", 1)
    pieces = fw.vjp(*p.args, **p.kwargs)[1](dy, dW)
    assert seen[0] >= 40
    assert seen[1] == 16
    assert all(np.array_equal(getattr(whole, x), getattr(pieces, x)) for x in p.used)


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("name", ROWS)
def test_float32_gradients_are_float32_and_near_those_in_float64(name, rng):
    p = problem(ROWS[name], rng, 20, 4, 6, (2,), np.float32)
    dy, dW = (rng.standard_normal(x.shape).astype(np.float32) for x in (p.v, p.W0))
    grads = fw.vjp(*p.args, **p.kwargs)[1](dy, dW)
    wide = p.map(lambda x: x.astype(np.float64))
    exact = fw.vjp(*wide.args, **wide.kwargs)[1](dy.astype(float), dW.astype(float))
    for name in p.used:
        found, want = getattr(grads, name), getattr(exact, name)
        assert found.dtype == np.float32
        # 20 steps forward and 20 back, each 4 + 6 roundings of 6e-8, none of them amplified: 2.4e-5 of the norm
        assert np.linalg.norm(found - want) <= 2.4e-5 * np.linalg.norm(want)


@pytest.mark.parametrize("name", ROWS)
def test_an_empty_sequence_hands_the_cotangent_of_W_to_the_first_W(name, rng):
    p = problem(ROWS[name], rng, 0, 3, 2, (2,))
    dW = rng.standard_normal(p.W0.shape)
    out, pullback = fw.vjp(*p.args, **p.kwargs)
    grads = pullback(np.zeros(p.v.shape), dW)
    assert np.array_equal(out.W, p.W0)
    assert np.array_equal(grads.W0, dW)
    assert grads.q.shape == p.q.shape


def test_cotangents_left_out_are_zero_and_arguments_left_out_have_no_gradient(rng):
    p = problem(fw.DELTA, rng, 5, 3, 2)
    dy = rng.standard_normal(p.v.shape)
    _, pullback = fw.vjp("delta", p.q, p.k, p.v)
    some, none = pullback(dy), pullback()
    full = fw.vjp("delta", p.q, p.k, p.v, np.ones(5), W0=np.zeros((2, 3)))[1](dy, np.zeros((2, 3)))
    assert some.beta is None
    assert some.decay is None
    assert some.W0 is None
    assert all(np.array_equal(getattr(some, x), getattr(full, x)) for x in ("q", "k", "v"))
    assert not any(getattr(none, x).any() for x in ("q", "k", "v"))


@pytest.mark.parametrize("name", ROWS)
def test_the_pullback_alone_gives_the_same_gradients_as_vjp(name, rng):
    p = problem(ROWS[name], rng, 6, 3, 5, (2,))
    dy, dW = rng.standard_normal(p.v.shape), rng.standard_normal(p.W0.shape)
    alone = fastweights.gradients(*p.args, **p.kwargs, dy=dy, dW=dW)
    both = fw.vjp(*p.args, **p.kwargs)[1](dy, dW)
    for field in dataclasses.fields(both):
        a, b = getattr(alone, field.name), getattr(both, field.name)
        assert (a is None and b is None) or np.array_equal(a, b)


# what each argument may look like for leading axes (2, 3), T = 4, d_k = 5, d_v = 6
GATE = [(), (1,), (4,), (1, 4), (3, 1), (2, 1, 1), (2, 1, 4), (1, 3, 4), (2, 3, 4)]
KEY_GATE = [(), (5,), (1, 5), (4, 1), (4, 5), (3, 1, 5), (2, 1, 4, 1), (2, 3, 4, 5)]
FIRST = [(), (1,), (5,), (6, 1), (6, 5), (3, 1, 1), (2, 1, 6, 5), (2, 3, 6, 5)]


@pytest.mark.parametrize("name", ROWS)
def test_the_gradient_of_a_broadcast_argument_is_the_sum_over_its_copies(name, rng):
    row = ROWS[name]
    p = problem(row, rng, 4, 5, 6, (2, 3))
    dy, dW = rng.standard_normal(p.v.shape), rng.standard_normal(p.W0.shape)
    shapes = {"beta": GATE, "decay": KEY_GATE if row.retain == "key" else GATE, "W0": FIRST}
    for argument in set(shapes) & set(p.used):
        full = getattr(p, argument).shape
        for shape in shapes[argument]:
            x = rng.uniform(0.2, 0.9, shape)
            small = p.but(**{argument: x})
            large = p.but(**{argument: np.array(np.broadcast_to(x, full))})
            got = getattr(fw.vjp(*small.args, **small.kwargs)[1](dy, dW), argument)
            copies = getattr(fw.vjp(*large.args, **large.kwargs)[1](dy, dW), argument)
            assert np.shape(got) == shape
            padded = (1,) * (len(full) - len(shape)) + shape
            repeated = tuple(i for i, n in enumerate(padded) if n == 1)
            summed = copies.sum(axis=repeated, keepdims=True).reshape(shape)
            # sums of at most 120 terms in two orders
            np.testing.assert_allclose(got, summed, rtol=0, atol=120 * 2.3e-16 * np.abs(copies).sum())


def test_inputs_are_named_once():
    assert [field.name for field in dataclasses.fields(fastweights.Gradients)] == list(INPUTS)
