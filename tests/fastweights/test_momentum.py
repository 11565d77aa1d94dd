"""The delta rule with momentum: what it is without, how steps add up, its transition and its bound."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import ROWS, outcome, problem, problems, rounding

import synfwp as fw
from synfwp import theory
from synfwp.fastweights.solvers import momentum
from synfwp.kernels import momentum as kernels

pytestmark = pytest.mark.kernels
seed = st.integers(0, 2**32 - 1)
ROW = {"momentum_delta": fw.MOMENTUM_DELTA}


def run(p, **kwargs):
    return fw.scan(*p.args, **p.kwargs, **kwargs)


@given(problems(rows=ROW))
def test_without_momentum_it_is_the_delta_rule_that_erases_from_the_undecayed_W(p):
    p = p.but(momentum=np.zeros_like(p.momentum), aux0=None)
    delta = p.but(rule=ROWS["undecayed delta"], momentum=None)
    bound = rounding(delta, outcome(delta))
    assert np.abs(run(p).W - run(delta).W).max(initial=0) <= bound
    assert np.abs(run(p).y - run(delta).y).max(initial=0) <= bound


@given(problems(rows=ROW))
def test_without_momentum_or_decay_it_is_the_delta_rule(p):
    p = p.but(momentum=np.zeros_like(p.momentum), decay=np.ones_like(p.decay), aux0=None)
    delta = p.but(rule=fw.DELTA, momentum=None, decay=None)
    assert np.abs(run(p).W - run(delta).W).max(initial=0) <= rounding(delta, outcome(delta))


def test_without_momentum_M_is_the_last_step_alone(rng):
    p = problem(fw.MOMENTUM_DELTA, rng, 6, 3, 4)
    p = p.but(momentum=np.zeros(6))
    out = run(p, states=1)
    step = p.beta[-1] * np.outer(p.v[-1] - out.states[-2] @ p.k[-1], p.k[-1])
    np.testing.assert_allclose(out.aux, step, rtol=0, atol=1e-14)
    np.testing.assert_allclose(out.W, p.decay[-1] * out.states[-2] + step, rtol=0, atol=1e-14)


@given(seed=seed)
def test_it_is_the_heavy_ball_on_the_loss_of_the_delta_rule(seed):
    """W_t - W_{t-1} = mu (W_{t-1} - W_{t-2}) - beta grad (Polyak 1964), with the gradient by a complex step."""
    p = problem(fw.MOMENTUM_DELTA, np.random.default_rng(seed), 8, 3, 2)
    p = p.but(decay=np.ones(8), aux0=None)
    W = [p.W0, p.W0]
    for t in range(8):
        slope = np.empty(p.W0.shape)
        for i in np.ndindex(slope.shape):
            moved = W[-1].astype(complex)
            moved[i] += 1e-30j
            error = p.v[t] - moved @ p.k[t]
            slope[i] = (error @ error / 2).imag / 1e-30
        W.append(W[-1] + p.momentum[t] * (W[-1] - W[-2]) - p.beta[t] * slope)
    states = run(p, states=1).states
    assert np.abs(states - np.array(W[2:])).max() <= rounding(p, outcome(p))


def test_a_step_goes_on_after_its_cause(rng):
    p = problem(fw.MOMENTUM_DELTA, rng, 5, 3, 2)
    mu = 0.5
    beta = np.array([1.0, 0, 0, 0, 0])  # one write, then none
    out = run(p.but(beta=beta, momentum=np.full(5, mu), decay=np.ones(5), aux0=None), states=1)
    first = out.states[0] - p.W0
    for t in range(5):
        want = p.W0 + first * (1 - mu ** (t + 1)) / (1 - mu)
        np.testing.assert_allclose(out.states[t], want, rtol=0, atol=1e-14)


def test_attention_by_hand_for_three_tokens(rng):
    """A[2, 0]: what the first value reaches by itself, and by the error that it makes of the second."""
    q, k = rng.standard_normal((3, 4)) / 2, rng.standard_normal((3, 4)) / 2
    b, a, mu = rng.random(3), rng.random(3), rng.random(3)
    A = fw.attention("momentum_delta", q, k, b, decay=a, momentum=mu)
    np.testing.assert_allclose(np.diag(A), b * np.sum(k * q, axis=-1), rtol=1e-14)
    kept = a[1] + mu[1]  # of the first step in the second W
    np.testing.assert_allclose(A[1, 0], b[0] * (kept * k[0] @ q[1] - b[1] * (k[0] @ k[1]) * (k[1] @ q[1])), rtol=1e-13)
    two = a[2] * kept + mu[2] * mu[1]
    erased = [b[0] * k[0] @ k[1], b[0] * kept * k[0] @ k[2]]  # what the first value is read as, by keys 1 and 2
    second = [-erased[0], -(erased[1] - b[1] * (k[1] @ k[2]) * erased[0])]
    want = b[0] * two * k[0] @ q[2] + b[1] * (a[2] + mu[2]) * (k[1] @ q[2]) * second[0] + b[2] * k[2] @ q[2] * second[1]
    np.testing.assert_allclose(A[2, 0], want, rtol=1e-13)


# --- transition and bound --------------------------------------------------------------------------------------------


@given(seed=seed)
def test_the_transition_moves_W_and_M_as_the_kernel_does(seed):
    p = problem(fw.MOMENTUM_DELTA, np.random.default_rng(seed), 1, 3, 4)
    p = p.but(v=np.zeros_like(p.v))
    step = theory.transition(p.rule, p.k[0], p.beta[0], p.decay[0], momentum=p.momentum[0])
    moved = np.concatenate([p.W0, p.aux0], axis=1) @ step
    out = run(p)
    assert np.abs(np.concatenate([out.W, out.aux], axis=1) - moved).max() <= rounding(p, outcome(p))


@given(seed=seed, beta=st.floats(0, 8), a=st.floats(0, 1), mu=st.floats(0, 1))
def test_its_spectrum_is_that_of_the_row_and_past_the_bound_an_eigenvalue_leaves_minus_one(seed, beta, a, mu):
    k = np.random.default_rng(seed).standard_normal(3)
    k /= np.linalg.norm(k)
    step = theory.transition("momentum_delta", k, beta, a, momentum=mu)
    along = np.roots([1, -(a + mu - beta), a * mu])
    for x in (-3.0, 2.0, 4.5):  # det(x - step), since equal eigenvalues are known to the root of rounding only
        want = np.prod(x - along).real * (x - a) ** 2 * (x - mu) ** 2
        np.testing.assert_allclose(np.linalg.det(x * np.eye(6) - step), want, rtol=1e-10)
    ratio = theory.step_ratio(fw.MOMENTUM_DELTA, k[None], np.array([beta]), np.array([a]), None, np.array([mu]))
    assume(abs(ratio - 1) > 1e-6)  # at the bound rounding decides
    assert (ratio > 1) == (np.abs(along).max() > 1 + 1e-9)


def test_past_its_bound_a_step_warns_and_grows_and_below_it_does_not(rng):
    T, a, mu = 400, 0.9, 0.5
    k = np.tile([[0.6, 0.8]], (T, 1))
    gates = {"decay": a, "momentum": mu, "W0": np.ones((1, 2))}
    limit = (1 + a) * (1 + mu)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        below = fw.scan("momentum_delta", k, k, np.zeros((T, 1)), 0.99 * limit, **gates)
    with pytest.warns(
        RuntimeWarning, match=r"1\.01 times its bound \(beta \|k\|\^2 <= \(1 \+ a\) \(1 \+ mu\), each step alone\)"
    ):
        above = fw.scan("momentum_delta", k, k, np.zeros((T, 1)), 1.01 * limit, **gates)
    assert np.abs(below.y[-1]).max() < 0.1
    assert np.abs(above.y[-1]).max() > 10


def test_a_transition_needs_its_momentum():
    with pytest.raises(ValueError, match=r"^rule 'momentum_delta' needs momentum; pass a number in \[0, 1\]"):
        theory.transition("momentum_delta", [1.0, 0.0], 1.0, 0.5)


# --- the kernel ------------------------------------------------------------------------------------------------------


def test_the_cotangents_of_the_first_states_are_carried_in_place_over_segments(rng, monkeypatch):
    p = problem(fw.MOMENTUM_DELTA, rng, 40, 3, 5, (2,))
    seen, adjoint = [], kernels.adjoint
    monkeypatch.setattr(kernels, "adjoint", lambda *args: seen.append(args[-3]) or adjoint(*args))
    monkeypatch.setattr(momentum, "HISTORY_BYTES", 1)
    c = rng.standard_normal((2, 40, 5)), rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 5, 3))
    grads = fw.vjp(*p.args, **p.kwargs)[1](*c)
    assert seen == [16]
    assert grads.momentum.shape == (2, 40)
    first, last = p.part(slice(20)), p.part(slice(20, None))
    middle = run(first)
    last = last.but(W0=middle.W, aux0=middle.aux)
    late = fw.vjp(*last.args, **last.kwargs)[1](c[0][:, 20:], c[1], c[2])
    early = fw.vjp(*first.args, **first.kwargs)[1](c[0][:, :20], late.W0, late.aux0)
    np.testing.assert_allclose(early.W0, grads.W0, rtol=0, atol=1e-12 * np.abs(grads.W0).max())
    np.testing.assert_allclose(early.aux0, grads.aux0, rtol=0, atol=1e-12 * np.abs(grads.W0).max())
