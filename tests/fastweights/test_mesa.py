"""Least squares on all writes: at every step the solution of its regression, what decay and ridge do, what is left."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import JIT, ROWS, outcome, problem, problems, rounding

import synfwp as fw
from synfwp import fastweights, theory
from synfwp.fastweights.arguments import check
from synfwp.fastweights.problem import Cotangents
from synfwp.fastweights.solvers import mesa

pytestmark = pytest.mark.kernels
seed = st.integers(0, 2**32 - 1)
ROW = {name: ROWS[name] for name in ("mesa", "least squares")}


def run(p, **kwargs):
    return fw.scan(*p.args, **p.kwargs, **kwargs)


def regression(k, v, weight, ridge, prior):
    """W that minimises ``sum_s weight_s |v_s - W k_s|^2 + tr (W - prior) diag(ridge) (W - prior)^T``, by stacked rows.

    One least squares problem without normal equations: its condition is the root of that of the system solved.
    """
    rows = np.concatenate([np.sqrt(weight)[:, None] * k, np.diag(np.sqrt(ridge))])
    values = np.concatenate([np.sqrt(weight)[:, None] * v, (prior * np.sqrt(ridge)).T])
    return np.linalg.lstsq(rows, values, rcond=None)[0].T


@given(problems(rows=ROW, lead=(), min_T=1))
def test_at_every_step_W_is_the_ridge_regression_on_all_writes_so_far(p):
    """With decay, an old write weighs the product of the decays since; the ridge does not fade."""
    p = p.but(aux0=None, W0=None)
    found, bound = run(p.but(W0=np.zeros((p.v.shape[-1], p.k.shape[-1]))), states=1), None
    start = p.but(W0=np.zeros((p.v.shape[-1], p.k.shape[-1])), aux0=np.zeros((p.k.shape[-1],) * 2))
    bound = rounding(start, outcome(start))
    for t in range(len(p.k)):
        a = np.ones(t + 1) if p.decay is None else np.append(np.cumprod(p.decay[1 : t + 1][::-1])[::-1], 1.0)
        W = regression(p.k[: t + 1], p.v[: t + 1], a * p.beta[: t + 1], p.ridge, np.zeros_like(start.W0))
        assert np.abs(found.states[t] - W).max() <= 16 * bound
        assert np.abs(found.y[t] - W @ p.q[t]).max() <= 16 * bound


@given(problems(rows={"mesa": fw.MESA}, lead=(), min_T=1))
def test_without_decay_the_first_W_is_what_the_regression_shrinks_to(p):
    p = p.but(decay=np.ones_like(p.decay), aux0=np.zeros_like(p.aux0))
    states, bound = run(p, states=1).states, rounding(p, outcome(p))
    for t in range(len(p.k)):
        W = regression(p.k[: t + 1], p.v[: t + 1], p.beta[: t + 1], p.ridge, p.W0)
        assert np.abs(states[t] - W).max() <= 16 * bound


@given(problems(rows={"mesa": fw.MESA}, lead=(), min_T=1))
def test_without_decay_it_is_recursive_least_squares(p):
    """W + (v - W k) (P k)^T beta / (1 + beta k P k), P the inverse of H + ridge (Plackett 1950)."""
    p = p.but(decay=np.ones_like(p.decay))
    out, bound = run(p, states=1), rounding(p, outcome(p))
    W, P = p.W0, np.linalg.inv(p.aux0 + np.diag(p.ridge))
    for t in range(len(p.k)):
        gain = P @ p.k[t] * p.beta[t] / (1 + p.beta[t] * p.k[t] @ P @ p.k[t])
        W = W + np.outer(p.v[t] - W @ p.k[t], gain)
        P = P - np.outer(gain, p.k[t] @ P)
        assert np.abs(out.states[t] - W).max() <= 16 * bound  # the inverse gathers rounding of its own


def test_without_decay_the_order_of_writes_does_not_matter_and_of_delta_it_does(rng):
    p = problem(fw.MESA, rng, 12, 4, 3).but(decay=np.ones(12))
    order = rng.permutation(12)
    other = p.but(k=p.k[order], v=p.v[order], beta=p.beta[order])
    assert np.abs(run(p).W - run(other).W).max() <= 2 * rounding(p, outcome(p))
    delta = [fw.scan("delta", x.q, x.k, x.v, x.beta, W0=x.W0).W for x in (p, other)]
    assert np.abs(delta[0] - delta[1]).max() > 0.1


@pytest.mark.parametrize("a", [1.0, 0.5])
def test_a_key_written_twice_returns_the_mean_of_old_and_new_or_what_decay_leaves_of_it(a):
    k = np.array([[0.6, 0.8], [0.0, 0.0], [0.6, 0.8]])
    v = np.array([[1.0, 0.0], [5.0, 5.0], [0.0, 3.0]])
    y = fw.scan("mesa", k, k, v, decay=a, ridge=1e-9).y
    np.testing.assert_allclose(y[0], v[0], atol=1e-8)  # the ridge over |k|^2
    np.testing.assert_allclose(y[2], (a**2 * v[0] + v[2]) / (a**2 + 1), atol=1e-8)
    np.testing.assert_allclose(fw.scan("delta", k, k, v).y[2], v[2], atol=1e-15)  # the last one wins


def test_a_large_ridge_is_hebb_divided_by_it(rng):
    p = problem(fw.MESA, rng, 8, 3, 4)
    ridge = 1e8 * p.ridge
    mesa = fw.scan("mesa", p.q, p.k, p.v, p.beta, decay=p.decay, ridge=ridge).W
    hebb = fw.scan("leaky_hebb", p.q, p.k, p.v, p.beta, decay=p.decay).W
    np.testing.assert_allclose(mesa * ridge, hebb, rtol=0, atol=1e-6 * np.abs(hebb).max())  # |H| over the ridge


def test_orthogonal_keys_are_recalled_as_the_ridge_leaves_them():
    keys, values = np.eye(4), np.arange(12.0).reshape(4, 3)
    out = fw.scan("mesa", keys, keys, values, decay=1.0, ridge=[0.1, 0.2, 0.5, 1.0])
    np.testing.assert_allclose(out.W, values.T / (1 + np.array([0.1, 0.2, 0.5, 1.0])), rtol=1e-14)
    np.testing.assert_allclose(out.aux, np.eye(4), rtol=1e-15)


@given(problems(rows={"mesa": fw.MESA}, lead=()))
def test_aux_is_the_sum_of_the_squares_of_keys_whatever_the_values(p):
    H = p.aux0
    for t in range(len(p.k)):
        H = p.decay[t] * H + p.beta[t] * np.outer(p.k[t], p.k[t])
    found = run(p).aux
    assert np.abs(found - H).max(initial=0) <= rounding(p, outcome(p))
    assert np.array_equal(found, found.T)


def test_the_loss_of_the_row_is_least_at_W_and_larger_a_step_away(rng):
    p = problem(fw.MESA, rng, 9, 3, 2).but(aux0=None, W0=None)
    weight = np.append(np.cumprod(p.decay[1:][::-1])[::-1], 1.0) * p.beta

    def loss(W):
        error = p.v - p.k @ W.T
        return (weight @ np.sum(error**2, axis=-1) + np.sum(W * p.ridge * W)) / 2

    best = run(p).W
    for i in np.ndindex(best.shape):
        step = np.zeros(best.shape, complex)
        step[i] = 1e-30j
        assert abs(loss(best + step).imag / 1e-30) <= 1e-12
    for size in (1e-3, 1.0):
        step = size * rng.standard_normal(best.shape)
        assert loss(best + step) - loss(best) >= np.sum(step**2) * p.ridge.min() / 2 * (1 - 1e-6)


def test_of_an_asymmetric_aux_the_symmetric_part_counts(rng):
    p = problem(fw.MESA, rng, 5, 3, 2)
    skew = rng.standard_normal((3, 3))
    other = p.but(aux0=p.aux0 + skew - skew.T)
    assert np.abs(run(p).y - run(other).y).max() <= rounding(p, outcome(p))


def test_a_system_that_is_nearly_singular_is_solved_as_well_as_its_condition_allows(rng):
    """One key 200 times, ridge 1e-8: an update of the inverse would have lost all digits of the other directions."""
    d, T = 6, 200
    k = np.tile(rng.standard_normal(d) / d**0.5, (T, 1)) + 1e-4 * rng.standard_normal((T, d))
    v = k @ rng.standard_normal((3, d)).T
    W = fw.scan("mesa", k, k, v, decay=1.0, ridge=1e-8).W
    exact = regression(k, v, np.ones(T), np.full(d, 1e-8), np.zeros((3, d)))
    system = k.T @ k + 1e-8 * np.eye(d)
    assert np.abs(W - exact).max() <= 64 * 2.3e-16 * np.linalg.cond(system) * np.abs(exact).max()


# --- a ridge below the rounding of H ----------------------------------------------------------------------------------


def few_directions(dtype, T, d, rank):
    """Keys of d numbers in a space of so many dimensions: the ridge alone fills the others."""
    rng = np.random.default_rng(0)
    k = rng.standard_normal((T, rank)) @ rng.standard_normal((rank, d))
    return k.astype(dtype), rng.standard_normal((T, 2)).astype(dtype)


LOST = {  # dtype, T, d, rank, ridge, what the message ends with
    "float32": (np.float32, 4000, 16, 4, 0.01, r"raise ridge, or pass float64\."),
    "float64": (np.float64, 3000, 16, 3, 1e-11, r"raise ridge\."),
    "a few steps": (np.float32, 8, 6, 1, 1e-12, r"raise ridge, or pass float64\."),
}
DOORS = {
    "scan": lambda k, v, ridge: fw.scan("mesa", k, k, v, decay=1.0, ridge=ridge).y,
    "vjp": lambda k, v, ridge: fw.vjp("mesa", k, k, v, decay=1.0, ridge=ridge)[1](v).k,
    "gradients": lambda k, v, ridge: fastweights.gradients("mesa", k, k, v, decay=1.0, ridge=ridge, dy=v).k,
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", LOST if JIT else ["a few steps"])
def test_where_rounding_leaves_no_factor_the_first_such_step_and_the_cure_are_named(case, door):
    dtype, T, d, rank, ridge, cure = LOST[case]
    k, v = few_directions(dtype, T, d, rank)
    words = (
        rf"^ridge is {ridge:g}, too small for the rounding of {k.dtype}: .* positive definite at step (\d+); {cure}$"
    )
    with pytest.raises(FloatingPointError, match=words) as caught:
        DOORS[door](k, v, ridge)
    step = int(re.search(words, str(caught.value))[1])
    assert np.isfinite(DOORS["scan"](k[:step], v[:step], ridge)).all()  # a factor up to there
    with pytest.raises(FloatingPointError, match=f"at step {step};"):
        DOORS[door](k[: step + 1], v[: step + 1], ridge)
    assert np.isfinite(DOORS[door](k, v, 10.0)).all()  # the cures
    if dtype == np.float32:
        assert np.isfinite(DOORS[door](k.astype(float), v.astype(float), max(ridge, 1e-6))).all()


def test_in_a_batch_the_first_sequence_without_a_factor_is_named():
    k, v = few_directions(np.float32, 8, 6, 1)
    k = np.stack([np.eye(8, 6, dtype=np.float32), k, k])
    with pytest.raises(FloatingPointError, match=r"at step \d of sequence \(1,\); raise"):
        fw.scan("mesa", k, k, np.stack([v] * 3), decay=1.0, ridge=1e-12)


def test_the_adjoint_stops_too_where_its_own_run_has_no_factor():
    k, v = few_directions(np.float32, 8, 6, 1)
    call = check("mesa", k, k, v, None, 1.0, ridge=1e-12)
    kept = mesa.forward(call._replace(ridge=np.ones_like(call.ridge)), 0, 1).kept
    dy = np.ones((1, 8, 2), np.float32)
    with pytest.raises(FloatingPointError, match=r"^ridge is 1e-12, too small for .* positive definite at step \d; "):
        mesa.adjoint(call, (kept[0], kept[1] + np.eye(6, dtype=np.float32)), Cotangents(dy, call.W0, None), 1)


def test_the_matrix_is_refused_too_where_a_system_has_no_factor():
    k, _ = few_directions(np.float32, 8, 6, 1)
    with pytest.raises(FloatingPointError, match=r"^ridge is 1e-12, too small for .* positive definite at step \d"):
        fw.attention("mesa", k, k, decay=1.0, ridge=1e-12)


def test_the_H_of_an_earlier_run_is_taken_though_rounding_has_left_it_an_eigenvalue_below_zero():
    k, v = few_directions(np.float32, 8, 16, 2)
    H, every = fw.scan("mesa", k, k, v, decay=1.0, ridge=1.0).aux, np.eye(16, dtype=np.float32)
    least, size = float(np.linalg.eigvalsh(H.astype(float)).min()), float(np.abs(H).max())
    assert -16 * np.finfo(np.float32).eps * size < least < -1e-12
    assert np.array_equal(fw.scan("mesa", k[:0], k[:0], v[:0], decay=1.0, ridge=1e-12, aux0=H).aux, H)
    with pytest.raises(ValueError, match=r"^aux0 \+ diag\(ridge\) has the eigenvalue -"):
        fw.scan("mesa", k[:0], k[:0], v[:0], decay=1.0, ridge=1e-12, aux0=H - 1e-4 * size * every)


def test_it_has_no_bound_and_no_transition_of_W_alone(rng):
    p = problem(fw.MESA, rng, 4, 3, 2)
    assert theory.step_ratio(fw.MESA, 1e6 * p.k, p.beta, p.decay) == 0
    with pytest.raises(ValueError, match=r"^rule 'mesa' has no transition"):
        theory.transition("mesa", p.k[0], 1.0, 0.5)


REFUSED = {
    "no ridge": (
        {"ridge": None},
        r"^rule 'mesa' needs ridge; pass numbers above 0 that broadcast to \(\.\.\., d_k\)\.",
    ),
    "a ridge of 0": ({"ridge": 0.0}, r"^ridge holds 0; pass numbers above 0\."),
    "a ridge per token": ({"ridge": np.ones((5, 1, 1))}, r"^ridge has shape \(5, 1, 1\); it must broadcast to \(3,\)"),
    "a negative H": (
        {"aux0": -2 * np.eye(3)},
        r"^aux0 \+ diag\(ridge\) has the eigenvalue -.*; pass the aux of an earlier run",
    ),
    "another H": ({"aux0": np.eye(2)}, r"^aux0 has shape \(2, 2\); it must broadcast to \(3, 3\)"),
    "momentum": ({"momentum": 0.5}, r"^rule 'mesa' does not use momentum; leave it out"),
    "no decay": ({"decay": None}, r"^rule 'mesa' needs decay"),
}


@pytest.mark.parametrize("door", [fw.scan, fw.vjp])
@pytest.mark.parametrize("case", REFUSED)
def test_what_least_squares_cannot_take_is_refused_with_what_to_pass(door, case, rng):
    changes, words = REFUSED[case]
    p = problem(fw.MESA, rng, 5, 3, 2)
    with pytest.raises(ValueError, match=words):
        door(*p.args, **{**p.kwargs, **changes})


@pytest.mark.parametrize(
    ("momentum", "words"),
    [
        (None, r"^rule 'momentum_delta' needs momentum; pass numbers in \[0, 1\] that broadcast to \(\.\.\., T\)\."),
        (1.5, r"^momentum holds 1\.5; pass numbers in \[0, 1\]"),
        (np.ones((5, 2)), r"^momentum has shape \(5, 2\); it must broadcast to \(5,\)"),
    ],
)
def test_a_momentum_that_is_none_is_refused(momentum, words, rng):
    p = problem(fw.MOMENTUM_DELTA, rng, 5, 3, 2)
    with pytest.raises(ValueError, match=words):
        fw.scan(*p.args, **{**p.kwargs, "momentum": momentum})
