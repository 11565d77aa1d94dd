"""The matrix that writes itself: by hand, block by block, as a delta rule of its own instructions, in little memory."""

import itertools
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import JIT, outcome, problem, rounding

import synfwp as fw
from synfwp.fastweights.solvers import self_referential
from synfwp.kernels import self_referential as kernel
from synfwp.theory import transition

seed = st.integers(0, 2**32 - 1)
ROW = fw.SELF_REFERENTIAL


def blocks(d_v, d):
    """The rows of y, of keys, of queries and of betas."""
    edges = np.cumsum([0, d_v, d, d, 4])
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def sent(W, x):
    """What W sends for a token: y, k, q after the softmax and the beta of every row, by the paper's equations."""
    d = len(x)
    y, k, q, b = np.split(W @ x, np.cumsum([len(W) - 2 * d - 4, d, d]))
    k, q = (np.exp(u) / np.exp(u).sum() for u in (k, q))
    return y, k, q, np.repeat(1 / (1 + np.exp(-b)), [len(y), d, d, 4])


def run(p, **kwargs):
    return fw.scan(*p.args, **p.kwargs, **kwargs)


# --- by hand ---------------------------------------------------------------------------------------------------------


@pytest.mark.kernels
def test_two_tokens_by_hand():
    three = math.log(3)
    # for the token (1, 0): y = 2, k = softmax(0, ln 3) = (1/4, 3/4), q = (3/4, 1/4), betas 1/2, 3/4, 1/4 and 1/2
    first = np.array([2.0, 0.0, three, three, 0.0, 0.0, three, -three, 0.0])
    # so that W (q - k) = (first - second) / 2 = 1 in every row
    W0 = np.stack([first, first - 2], axis=1)
    out = fw.scan("self_referential", np.eye(2), W0=W0, states=1)
    beta = np.array([1 / 2, 3 / 4, 3 / 4, 1 / 4, 1 / 4, 1 / 2, 1 / 2, 1 / 2, 1 / 2])
    # a few roundings of numbers below 4
    np.testing.assert_allclose(out.states[0], W0 + beta[:, None] * np.array([1 / 4, 3 / 4]), rtol=0, atol=4e-15)
    # the token (0, 1) reads the second column: y before it writes, 0 + 1/2 3/4
    np.testing.assert_allclose(out.y, [[2.0], [3 / 8]], rtol=0, atol=4e-15)
    assert np.array_equal(out.W, out.states[1])
    assert np.abs(out.W - out.states[0]).max() > 0.1


@pytest.mark.kernels
def test_with_betas_of_nearly_zero_W_stays_as_it_is(rng):
    p = problem(ROW, rng, 9, 3, 2, (2,))
    p = p.but(q=np.abs(p.q), W0=np.concatenate([p.W0[:, :-4], np.full((2, 4, 3), -4000.0)], axis=1))
    out, pullback = fw.vjp(*p.args, **p.kwargs)
    assert np.array_equal(out.W, p.W0)
    np.testing.assert_allclose(out.y, np.einsum("nij,ntj->nti", p.W0[:, :2], p.q), rtol=0, atol=1e-14)
    dy = rng.standard_normal(out.y.shape)
    np.testing.assert_allclose(pullback(dy).q, np.einsum("nij,nti->ntj", p.W0[:, :2], dy), rtol=0, atol=1e-14)


@pytest.mark.kernels
@pytest.mark.parametrize("block", range(4))
def test_each_beta_moves_its_own_rows_and_no_others(block, rng):
    p = problem(ROW, rng, 1, 3, 2)
    W0 = p.W0.copy()
    W0[-4:] = [-200.0, -400.0, -400.0]  # a beta of 1 / (1 + e^300)
    W0[-4 + block] = [-1.0, 1.0, 1.0]  # one of 1/2
    x = np.array([[0.5, 0.25, 0.25]])
    moved = fw.scan(ROW, x, W0=W0).W - W0
    rows = blocks(2, 3)
    for i, where in enumerate(rows):
        assert moved[where].any() == (i == block)
    _, k, q, _ = sent(W0, x[0])
    # roundings of numbers of order 1, and of up to 400 in the rows of the betas
    want = 0.5 * np.outer(W0[rows[block]] @ (q - k), k)
    np.testing.assert_allclose(moved[rows[block]], want, rtol=0, atol=1e-12 if block == 3 else 1e-14)


@pytest.mark.kernels
def test_large_logits_neither_overflow_nor_warn(rng):
    p = problem(ROW, rng, 6, 3, 2)
    out, pullback = fw.vjp(ROW, p.q, W0=1e4 * p.W0)
    grads = pullback(np.ones_like(out.y), np.ones_like(out.W))
    assert all(np.isfinite(x).all() for x in (out.y, out.W, grads.q, grads.W0))


# --- what one step is ------------------------------------------------------------------------------------------------


@pytest.mark.kernels
def test_it_is_the_delta_rule_with_the_instructions_of_W_itself(rng):
    p = problem(ROW, rng, 12, 4, 3)
    out = run(p, states=1)
    before = np.concatenate([p.W0[None], out.states[:-1]])
    _, k, q, beta = (np.stack(x) for x in zip(*map(sent, before, p.q), strict=True))
    v = np.einsum("tij,tj->ti", before, q)
    for rows in blocks(3, 4):
        own = fw.scan("delta", p.q, k, v[:, rows], beta[:, rows.start], W0=p.W0[rows])
        assert np.abs(own.W - out.W[rows]).max() <= rounding(p, outcome(p))


@pytest.mark.kernels
@given(seed=seed)
def test_one_write_is_a_step_of_gradient_descent_towards_the_value_of_the_query(seed):
    p = problem(ROW, np.random.default_rng(seed), 1, 3, 2)
    _, k, q, beta = sent(p.W0, p.q[0])
    v = p.W0 @ q  # held fixed
    slope = np.empty_like(p.W0)
    for i in np.ndindex(slope.shape):
        W = p.W0.astype(complex)
        W[i] += 1e-30j
        slope[i] = np.sum((v - W @ k) ** 2).imag / 2 / 1e-30
    assert np.abs(run(p).W - (p.W0 - beta[:, None] * slope)).max() <= rounding(p, outcome(p))


@pytest.mark.kernels
@given(seed=seed, size=st.floats(0.01, 100))
def test_the_spectrum_of_a_step_is_one_and_a_number_between_zero_and_five_quarters(seed, size):
    p = problem(ROW, np.random.default_rng(seed), 1, 4, 2)
    p = p.but(W0=np.concatenate([p.W0[:2], size * p.W0[2:-4], p.W0[-4:]]))
    _, k, q, beta = sent(p.W0, p.q[0])
    out = run(p)
    for rows in blocks(2, 4):
        b = beta[rows.start]
        M = np.eye(4) + b * np.outer(q - k, k)
        assert np.abs(out.W[rows] - p.W0[rows] @ M).max() <= rounding(p, outcome(p))
        along = 1 + b * (q - k) @ k
        assert 0 <= along < 1.25
        # all but one eigenvalue are 1: the trace and the determinant of M say which the last one is
        np.testing.assert_allclose([np.trace(M), np.linalg.det(M)], [3 + along, along], rtol=0, atol=1e-13)


def test_the_eigenvalue_comes_as_near_to_five_quarters_as_one_likes():
    k = np.array([0.5, *[0.5 / 999] * 999])
    q = np.eye(1000)[0]
    assert 1.249 < 1 + (q - k) @ k < 1.25


def test_there_is_no_transition_of_a_key():
    with pytest.raises(ValueError, match=r"^rule 'self_referential' has no transition of a key"):
        transition(ROW, np.ones(3))


# --- substrates and programmers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", [fw.Exact(), fw.RateNetwork(), fw.SpikingNetwork()], ids=lambda x: type(x).__name__)
def test_no_substrate_takes_instructions_for_it(on):
    one = np.eye(3)
    with pytest.raises(ValueError, match=r"sends itself what it writes, so it takes no k, v or beta; run it with"):
        fw.simulate("self_referential", fw.Instructions(one, one, one), on=on)


@pytest.mark.parametrize("network", [fw.RateNetwork(), fw.SpikingNetwork()], ids=lambda x: type(x).__name__)
def test_no_network_describes_it(network):
    with pytest.raises(ValueError, match=r"^rule 'self_referential' .* is not one that a \w+ mechanism carries out"):
        network.describe("self_referential")


# --- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.kernels
def test_long_sequences_have_about_as_many_segments_as_steps_in_one(rng, monkeypatch):
    seen, adjoint = [], kernel.adjoint
    monkeypatch.setattr(kernel, "adjoint", lambda *args: seen.append(args[-3]) or adjoint(*args))
    monkeypatch.setattr(self_referential, "SEGMENT", 4)
    for T in (3, 17, 100 if JIT else 40):
        p = problem(ROW, rng, T, 2, 1)
        out, pullback = fw.vjp(*p.args, **p.kwargs)
        pullback(out.y)
    assert seen == [4, 4, 10 if JIT else 6]


MEMORY = """
import resource, sys
import numpy as np
import synfwp as fw
T, d = 16384, 64
rng = np.random.default_rng(0)
x, W0 = rng.dirichlet(np.ones(d), T), 0.1 * rng.standard_normal((1 + 2 * d + 4, d))
def run(steps):
    out, pullback = fw.vjp("self_referential", x[:steps], W0=W0)
    return pullback(out.y, out.W)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
run(64)
before = peak()
run(T)
print(peak() - before)
"""


@pytest.mark.kernels
@pytest.mark.skipif(sys.platform == "win32" or not JIT, reason="needs resource, which Windows lacks, and compiled code")
def test_memory_grows_with_the_root_of_T_and_not_with_T_times_W():
    # the gradient of x, an array that a check or a sum needs and one for the allocator, of T d numbers each; y and dy;
    # 128 copies of W at the borders of segments, and what the steps of one segment keep. A history of W would be 16384
    found = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    tokens, matrix = 16384 * 64 * 8, 133 * 64 * 8
    assert int(found.stdout) <= 4 * tokens + 130 * matrix < 0.05 * 16384 * matrix
