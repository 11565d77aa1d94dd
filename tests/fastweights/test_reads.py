"""Reads of scored tokens alone: those of the twin, and their gradients those of all reads; few of them, many, none."""

import numpy as np
import pytest
from autograd import grad
from strategies import ROWS, outcome, problem

import synfwp as fw
from synfwp import autograd as ag
from synfwp import fastweights
from synfwp.fastweights import reads

GRADIENTS = ("q", "k", "v", "beta", "decay", "momentum", "ridge", "W0", "aux0")
# one row for each way in which the kernel differs, each pass, softmax, and one that always makes W
NAMES = ("leaky_hebb", "delta", "key_gated_delta", "dplr", "linear_attention", "two centred", "softmax", "oja")


@pytest.fixture(params=[1e-9, 1e9], ids=["few", "many"])
def few(request, monkeypatch):
    """Every number of reads is few, or is many."""
    monkeypatch.setattr(reads, "FEW", request.param)
    return request.param < 1


def close(one, two, dtype):
    """Equal to the rounding of some dozens of products of numbers near 1."""
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-12 if dtype == np.float64 else 2e-5)


def call(p, marks, **more):
    """Positions and names of `reads.read`."""
    return (p.rule, marks, p.q, p.k, p.v, p.beta), {**p.kwargs, **more}


@pytest.mark.kernels
@pytest.mark.parametrize("name", NAMES)
def test_scored_reads_are_those_of_the_twin_and_others_are_zero(name, few, rng):
    for T, lead in ((7, (2,)), (1, ()), (0, ()), (5, (0,))):
        p = problem(ROWS[name], rng, T, 4, 6, lead)
        marks = rng.random((*lead, T)) < 0.5
        args, more = call(p, marks)
        close(fastweights.read(*args, **more), outcome(p)[0] * marks[..., None], np.float64)


@pytest.mark.kernels
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_gradients_of_scored_reads_are_those_of_all_reads_with_cotangents_of_zero(name, dtype, few, rng):
    if dtype == np.float32 and name not in ("delta", "softmax"):
        pytest.skip("float32 compiles again")
    p = problem(ROWS[name], rng, 9, 4, 6, (3,), dtype)
    marks = rng.random((3, 9)) < 0.4
    marks[1] = False  # a sequence that nobody reads
    marks[2, -1] = True
    dy = rng.standard_normal(outcome(p)[0].shape).astype(dtype)
    args, more = call(p, marks, dy=dy)
    found = fastweights.read_gradients(*args, **more)
    want = fastweights.gradients(*p.args, **p.kwargs, dy=dy * marks[..., None])
    for one in GRADIENTS:
        if getattr(want, one) is not None:
            assert getattr(found, one).dtype == dtype
            close(getattr(found, one), getattr(want, one), dtype)
    if want.erase is not None:
        close(found.erase, want.erase, dtype)


@pytest.mark.kernels
def test_a_gradient_of_scored_reads_is_a_quotient_of_differences(few, rng):
    p = problem(fw.GATED_DELTA, rng, 6, 3, 4)
    marks, dy = np.arange(6) > 4, rng.standard_normal((6, 4))

    def loss(k):
        return (ag.read("gated_delta", marks, p.q, k, p.v, p.beta, p.decay) * dy).sum()

    found = grad(loss)(p.k)
    for at in np.ndindex(*p.k.shape):
        step = np.zeros_like(p.k)
        step[at] = 1e-6  # the quotient's error is of the order of 1e-12 and of the rounding 1e-16 / 1e-6
        assert found[at] == pytest.approx((loss(p.k + step) - loss(p.k - step)) / 2e-6, abs=1e-8)


def test_few_reads_make_no_matrix(rng, monkeypatch):
    p = problem(fw.DELTA, rng, 20, 4, 16, (2,))
    monkeypatch.setattr(reads, "scan", None)
    monkeypatch.setattr(reads, "gradients", None)
    marks = np.arange(20) == 19
    y = fastweights.read(*call(p, marks)[0], W0=p.W0)
    assert np.any(y[:, -1])
    assert not np.any(y[:, :-1])
    assert np.any(fastweights.read_gradients("delta", marks, p.q, p.k, p.v, p.beta, dy=y).k)


@pytest.mark.parametrize(
    ("scored", "error", "message"),
    [
        ([1.0, 0.0], TypeError, r"^scored has dtype float64; pass booleans"),
        ([True, False, True], ValueError, r"^scored has shape \(3,\); it must broadcast to \(2,\)"),
    ],
)
def test_marks_that_are_none_are_refused(scored, error, message):
    one = np.ones((2, 1))
    with pytest.raises(error, match=message):
        fastweights.read("hebb", scored, one, one, one)
    with pytest.raises(error, match=message):
        fastweights.read_gradients("hebb", scored, one, one, one, dy=one)


def test_a_second_derivative_and_keywords_are_refused():
    one, last = np.ones((2, 1)), np.array([False, True])

    def loss(q):
        return ag.read("hebb", last, q, one, one).sum()

    with pytest.raises(NotImplementedError, match="read has no second derivative"):
        grad(lambda q: grad(loss)(q).sum())(one)
    with pytest.raises(TypeError, match=r"read got v by keyword"):
        grad(lambda q: ag.read("hebb", last, q, one, v=one).sum())(one)
