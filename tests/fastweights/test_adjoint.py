"""The adjoint of every row: dot products with the twin's complex step, broadcasting, float32, segments, memory."""

import dataclasses
import importlib
import subprocess
import sys

import numpy as np
import pytest
from strategies import JIT, RECURRENT, ROWS, SINGLE, outcome, problem

import synfwp as fw
from synfwp import fastweights
from synfwp.fastweights.solvers import linear, mesa, momentum, self_referential, softmax

pytestmark = pytest.mark.kernels

# T past two borders of a segment of 16 steps, at one, below one; d_v off the groups of 4 and past the blocks of 32
SIZES = [(37, 5, 6, (2,)), (16, 4, 9, ()), (17, 3, 33, ()), (3, 2, 4, (2, 1)), (1, 3, 1, ())]
STEP = 1e-30  # complex: nothing is subtracted, so the derivative is exact to rounding


@pytest.fixture
def short_segments(monkeypatch):
    """Segments of 16 steps, the shortest, and 5 queries at a time."""
    monkeypatch.setattr(linear, "HISTORY_BYTES", 1)
    monkeypatch.setattr(momentum, "HISTORY_BYTES", 1)
    monkeypatch.setattr(mesa, "SEGMENT", 16)
    monkeypatch.setattr(self_referential, "SEGMENT", 16)
    monkeypatch.setattr(softmax, "BLOCK", 5)


def derivative(p, direction):
    """J dx of y, of the last W and of aux (the last two None where there is none), by one complex step on the twin."""
    found = outcome(p.but(**{name: getattr(p, name) + 1j * STEP * dx for name, dx in direction.items()}))
    return tuple(None if x is None else x.imag / STEP for x in found[:3])


def cotangents(p, rng):
    """Random cotangents of y, W and aux, in the dtype of the problem."""
    return tuple(None if x is None else rng.standard_normal(x.shape).astype(p.q.dtype) for x in outcome(p)[:3])


def directions(p, rng):
    """Every input by itself, and all of them together; the number of keys behind a mean is no parameter."""
    random = {name: rng.standard_normal(getattr(p, name).shape) for name in p.used}
    if p.rule.centred:
        random["aux0"][..., -1] = 0
    return [*({name: dx} for name, dx in random.items()), random]


def gradient(grads, name):
    """The gradient of one input, p and r being the two of ``erase``."""
    return grads.erase["pr".index(name)] if name in ("p", "r") else getattr(grads, name)


def inner(one, two):
    """Sum of products over results, leaving out those that the rule has not."""
    return sum(np.sum(a * b) for a, b in zip(one, two, strict=True) if a is not None)


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ROWS)
def test_the_adjoint_is_the_transpose_of_the_derivative_for_every_row_and_input(name, size, rng):
    T, d_k, d_v, lead = size
    p = problem(ROWS[name], rng, T, d_k, d_v, lead)
    every = cotangents(p, rng)
    alone = [tuple(None if x is None else x * (i == j) for j, x in enumerate(every)) for i in range(3)]
    _, pullback = fw.vjp(*p.args, **p.kwargs)
    taken_back = [(c, pullback(*c)) for c in (every, *(c for c, x in zip(alone, every, strict=True) if x is not None))]
    for direction in directions(p, rng):
        out = derivative(p, direction)
        for c, grads in taken_back:
            backward = sum(np.sum(gradient(grads, name) * dx) for name, dx in direction.items())
            # 1e-9 of the sizes of the two vectors: their product may be small by chance, and for q and W alone it is 0
            scale = sum(np.linalg.norm(a) * np.linalg.norm(b) for a, b in zip(c, out, strict=True) if a is not None)
            assert abs(inner(c, out) - backward) <= 1e-9 * scale


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("name", ROWS)
def test_every_entry_of_every_gradient_is_that_of_the_twin(name, rng):
    p = problem(ROWS[name], rng, 18 if JIT else 3, 2, 2)
    c = cotangents(p, rng)
    grads = fw.vjp(*p.args, **p.kwargs)[1](*c)
    for name in p.used:
        found = gradient(grads, name)
        assert found.shape == getattr(p, name).shape
        for i in np.ndindex(found.shape):
            unit = np.zeros(found.shape)
            unit[i] = 1
            want = 0.0 if (p.rule.centred, name, i) == (True, "aux0", (2,)) else inner(c, derivative(p, {name: unit}))
            # rounding of 18 (or 54) steps of 2 x 2 entries, all of order 1, the divided ones of order 10
            assert found[i] == pytest.approx(want, rel=1e-11, abs=1e-12 * (10 if p.rule.normalised else 1))


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("name", [name for name, row in RECURRENT.items() if row.uses_decay])
def test_gradients_are_exact_at_decays_of_zero_and_one(name, rng):
    p = problem(ROWS[name], rng, 20, 3, 5)
    p = p.but(decay=rng.integers(0, 2, p.decay.shape).astype(float), r=p.p)  # p = r: nothing is added to a kept W
    c = cotangents(p, rng)
    grads = fw.vjp(*p.args, **p.kwargs)[1](*c)
    for direction in directions(p, rng):
        out = derivative(p, direction)
        backward = sum(np.sum(gradient(grads, name) * dx) for name, dx in direction.items())
        scale = sum(np.linalg.norm(a) * np.linalg.norm(b) for a, b in zip(c, out, strict=True) if a is not None)
        assert abs(inner(c, out) - backward) <= 1e-9 * scale


@pytest.mark.parametrize("name", RECURRENT)
def test_the_length_of_a_segment_changes_nothing_but_rounding(name, rng, monkeypatch, request):
    p = problem(ROWS[name], rng, 40, 3, 5)
    c = cotangents(p, rng)
    module = importlib.import_module(f"synfwp.kernels.{p.rule.solver}")
    seen, adjoint = [], module.adjoint
    monkeypatch.setattr(module, "adjoint", lambda *args: seen.append(args[-3]) or adjoint(*args))
    whole = fw.vjp(*p.args, **p.kwargs)[1](*c)
    request.getfixturevalue("short_segments")
    pieces = fw.vjp(*p.args, **p.kwargs)[1](*c)
    assert seen[0] >= 40 * p.rule.writes
    assert seen[1] == 16
    # the first products of a segment are summed in another order; no step of a stable problem makes that larger
    for x in p.used:
        one, two = gradient(whole, x), gradient(pieces, x)
        assert np.abs(one - two).max() <= 40 * p.rule.writes * 8 * np.finfo(float).eps * max(1, np.abs(one).max())


@pytest.mark.parametrize("block", [1, 5, 6, 7, 13])
def test_softmax_in_blocks_of_queries_is_softmax_at_once(block, rng, monkeypatch):
    p = problem(fw.SOFTMAX, rng, 13, 3, 4, (2,))
    dy = rng.standard_normal(p.v.shape)
    results = []
    for size in (13, block):
        monkeypatch.setattr(softmax, "BLOCK", size)
        out, pullback = fw.vjp(*p.args)
        results.append([out.y, *(getattr(pullback(dy), x) for x in "qkv")])
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=13 * 8 * 2.3e-16)  # sums of 13 numbers below 8


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("name", [*SINGLE, "softmax"])
def test_float32_gradients_are_float32_and_near_those_in_float64(name, rng):
    p = problem(ROWS[name], rng, 20, 4, 6, (2,), np.float32)
    c = cotangents(p, rng)
    grads = fw.vjp(*p.args, **p.kwargs)[1](*c)
    wide = p.map(lambda x: x.astype(np.float64))
    exact = fw.vjp(*wide.args, **wide.kwargs)[1](*(None if x is None else x.astype(float) for x in c))
    # 20 steps forward and 20 back, each 4 + 6 roundings of 6e-8, none of them amplified: 2.4e-5 of the norm. A system
    # of least squares amplifies them by its condition, and so does the one that divides its derivative
    system = outcome(p).aux + np.eye(4) * p.ridge[..., None] if p.rule.uses_ridge else np.eye(4)
    allowed = 2.4e-5 * np.linalg.cond(system).max()
    for name in p.used:
        found, want = gradient(grads, name), gradient(exact, name)
        assert found.dtype == np.float32
        assert np.linalg.norm(found - want) <= allowed * np.linalg.norm(want)


@pytest.mark.parametrize("name", RECURRENT)
def test_an_empty_sequence_hands_the_cotangents_of_W_and_aux_to_the_first_ones(name, rng):
    p = problem(ROWS[name], rng, 0, 3, 2, (2,))
    dy, dW, daux = cotangents(p, rng)
    out, pullback = fw.vjp(*p.args, **p.kwargs)
    grads = pullback(dy, dW, daux)
    assert np.array_equal(out.W, p.W0)
    assert np.array_equal(grads.W0, dW)
    if p.rule.uses_ridge:  # of whose first H the symmetric part counts
        daux = (daux + np.swapaxes(daux, -1, -2)) / 2
    assert daux is None or np.array_equal(grads.aux0[:, :3], daux[:, :3])
    assert grads.q.shape == p.q.shape


def test_cotangents_left_out_are_zero_and_arguments_left_out_have_no_gradient(rng):
    p = problem(fw.DELTA, rng, 5, 3, 2)
    dy = rng.standard_normal(p.v.shape)
    _, pullback = fw.vjp("delta", p.q, p.k, p.v)
    some, none = pullback(dy), pullback()
    full = fw.vjp("delta", p.q, p.k, p.v, np.ones(5), W0=np.zeros((2, 3)))[1](dy, np.zeros((2, 3)))
    assert [getattr(some, x) for x in ("beta", "decay", "erase", "W0", "aux0")] == [None] * 5
    assert all(np.array_equal(getattr(some, x), getattr(full, x)) for x in ("q", "k", "v"))
    assert not any(getattr(none, x).any() for x in ("q", "k", "v"))


@pytest.mark.parametrize("name", ROWS)
def test_the_pullback_alone_gives_the_same_gradients_as_vjp(name, rng):
    p = problem(ROWS[name], rng, 6, 3, 5, (2,))
    dy, dW, daux = cotangents(p, rng)
    alone = fastweights.gradients(*p.args, **p.kwargs, dy=dy, dW=dW, daux=daux)
    both = fw.vjp(*p.args, **p.kwargs)[1](dy, dW, daux)
    assert all(np.array_equal(gradient(alone, x), gradient(both, x)) for x in p.used)
    left_out = {"v", "beta", "decay", "erase", "momentum", "ridge", "W0", "aux0"} - {
        "erase" if x in "pr" else x for x in p.used
    }
    assert all(getattr(g, x) is None for g in (alone, both) for x in left_out)


# what each argument may look like for leading axes (2, 3), T = 4, d_k = 5, d_v = 6
GATE = [(), (1,), (4,), (1, 4), (3, 1), (2, 1, 1), (2, 1, 4), (1, 3, 4), (2, 3, 4)]
PHASES = [(), (2,), (4, 1), (1, 4, 2), (3, 1, 1), (2, 1, 4, 1), (2, 3, 4, 2)]
KEY_GATE = [(), (5,), (1, 5), (4, 1), (4, 5), (3, 1, 5), (2, 1, 4, 1), (2, 3, 4, 5)]
VALUE_GATE = [(), (6,), (4, 1), (3, 1, 6), (2, 3, 4, 6)]
PAIR = [(5,), (4, 1), (4, 5), (3, 1, 5), (2, 3, 4, 5)]
FIRST = [(), (1,), (5,), (6, 1), (6, 5), (3, 1, 1), (2, 1, 6, 5), (2, 3, 6, 5)]
SUM = [(), (5,), (3, 1), (2, 1, 5)]  # of a ridge too
SQUARE = [(), (5, 5), (3, 1, 1), (2, 1, 5, 5)]
MEAN = [(6,), (1, 6), (3, 6), (2, 1, 6)]


def broadcastable(row):
    """Shapes of each argument that may be smaller than its full shape."""
    gate = {"scalar": GATE, "key": VALUE_GATE if row.error == "key" else KEY_GATE}.get(row.retain)
    first = FIRST if row.uses_values else [(*x[:-2], row.rows(6, 5), 5) for x in FIRST if x[-2:] == (6, 5)]  # knows d_v
    beta = GATE if row.writes == 1 else PHASES
    aux = MEAN if row.centred else FIRST if row.uses_momentum else SQUARE if row.uses_ridge else SUM
    found = {"beta": beta, "decay": gate, "p": PAIR, "r": PAIR, "momentum": GATE, "ridge": SUM, "W0": first}
    return found | {"aux0": aux}


@pytest.mark.parametrize("lead", [(), (2,)], ids=str)
@pytest.mark.parametrize("name", ROWS)
def test_results_changed_in_place_before_the_pullback_do_not_change_the_gradients(name, lead, rng):
    p = problem(ROWS[name], rng, 6, 3, 4, lead)
    c = cotangents(p, rng)
    want = fw.vjp(*p.args, **p.kwargs)[1](*c)
    out, pullback = fw.vjp(*p.args, **p.kwargs)
    results = [x for x in vars(out).values() if x is not None]
    assert len(results) == 1 + (out.W is not None) + (out.aux is not None)
    for x in results:
        x[...] = 7.0
    found = pullback(*c)
    for x in p.used:
        assert np.array_equal(gradient(found, x), gradient(want, x))


@pytest.mark.parametrize("name", [name for name, row in RECURRENT.items() if row.writes < 3 and name != "two pairs"])
def test_the_gradient_of_a_broadcast_argument_is_the_sum_over_its_copies(name, rng):
    row = ROWS[name]
    p = problem(row, rng, 4, 5, 6, (2, 3))
    c = cotangents(p, rng)
    shapes = broadcastable(row)
    high = 0.3 if row.uses_pair or row.centred else 0.9
    for argument in set(shapes) & set(p.used):
        full = getattr(p, argument).shape
        for shape in shapes[argument]:
            x = rng.uniform(0.2, high, shape)
            if row.uses_ridge and argument == "aux0":  # without a negative eigenvalue
                x = x @ np.swapaxes(x, -1, -2) if shape[-1:] == (5,) else x
            small = p.but(**{argument: x})
            large = p.but(**{argument: np.array(np.broadcast_to(x, full))})
            got = gradient(fw.vjp(*small.args, **small.kwargs)[1](*c), argument)
            copies = gradient(fw.vjp(*large.args, **large.kwargs)[1](*c), argument)
            assert np.shape(got) == shape
            padded = (1,) * (len(full) - len(shape)) + shape
            repeated = tuple(i for i, n in enumerate(padded) if n == 1)
            summed = copies.sum(axis=repeated, keepdims=True).reshape(shape)
            # sums of at most 144 terms in two orders
            np.testing.assert_allclose(got, summed, rtol=0, atol=144 * 2.3e-16 * np.abs(copies).sum())


def test_the_gradients_are_those_of_the_arguments_of_scan():
    names = [field.name for field in dataclasses.fields(fastweights.Gradients)]
    assert names == ["q", "k", "v", "beta", "decay", "erase", "momentum", "ridge", "W0", "aux0"]


MEMORY = """
import resource, sys
import numpy as np
import synfwp as fw
rule, n, T, d = "gated_delta", 4, 4096, 64
rng = np.random.default_rng(0)
k = rng.standard_normal((n, T, d))
k /= np.linalg.norm(k, axis=-1, keepdims=True)
v, gate = rng.standard_normal((n, T, d)), np.full((n, T), 0.5)
def run(steps):
    one = (rule, k[:, :steps], k[:, :steps], v[:, :steps], gate[:, :steps])
    return fw.vjp(*one, decay=gate[:, :steps])[1](v[:, :steps])
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
run(64)
before = peak()
run(T)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform == "win32" or not JIT, reason="needs resource, which Windows lacks, and compiled code")
def test_memory_of_forward_and_adjoint_grows_with_T_d_and_not_with_T_d_squared():
    # in a process of its own, since the peak of a process is never lowered and the kernels' own memory counts: y, the
    # gradients of q, k and v, one array at a time that a check or a sum needs, and one for the allocator, each of
    # n T d numbers; a history of W would be 64 of them
    found = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    array = 4 * 4096 * 64 * 8
    assert int(found.stdout) <= 6 * array
