"""Finite arguments whose results are not: every rule, form, dtype and door names it (F18)."""

import warnings

import numpy as np
import pytest
from autograd import grad
from strategies import ROWS, problem

import synfwp as fw
from synfwp.autograd import scan as traced

pytestmark = pytest.mark.kernels
KEPT = {"self_referential", "fade"}  # the one has soft keys, W alone can be large; the other only shrinks W


def large(name, rng, dtype=float, factor=None):
    p = problem(ROWS[name], rng, 4, 3, 4, (2,), dtype)
    factor = factor or (1e160 if dtype is float else 1e25)
    return p.but(**{x: getattr(p, x) * dtype(factor) for x in ("q", "k", "v") if getattr(p, x) is not None})


def words(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call()
        except FloatingPointError as error:
            return [str(error)]
    return [str(x.message) for x in caught]


@pytest.mark.parametrize("name", sorted(set(ROWS) - KEPT))
@pytest.mark.parametrize("form", ["recurrent", "chunkwise", "parallel"])
def test_an_overflow_is_named_for_every_rule_and_form(name, form, rng):
    """F18"""
    if form not in ROWS[name].forms:
        return
    p = large(name, rng)
    found = words(lambda: fw.scan(*p.args, **p.kwargs, form=form))
    assert any("overflows float64" in x for x in found), found
    assert all(x.startswith(("rule", "unstable", "k holds")) for x in found)  # none of NumPy's own


def test_a_rule_that_writes_itself_names_it_too(rng):
    p = problem(fw.SELF_REFERENTIAL, rng, 4, 3, 4)
    assert any("overflows" in x for x in words(lambda: fw.scan(p.rule, p.q * 1e200, W0=p.W0 * 1e200)))


@pytest.mark.parametrize("name", ["hebb", "delta", "linear_attention", "covariance", "oja"])
def test_single_floats_overflow_sooner_and_the_cure_is_named(name, rng):
    p = large(name, rng, np.float32)
    found = words(lambda: fw.scan(*p.args, **p.kwargs))
    assert any("overflows float32" in x and "or pass float64" in x for x in found)


@pytest.mark.parametrize("name", ["hebb", "longhorn", "covariance", "linear_attention", "softmax", "mesa", "dplr"])
def test_every_door_names_it(name, rng):
    """F18"""
    p = large(name, rng)
    doors = {
        "vjp": lambda: fw.vjp(*p.args, **p.kwargs),
        "attention": lambda: fw.attention(p.rule, p.q, p.k, p.beta, **p.gates),
        "autograd": lambda: traced(p.rule, p.q, p.k, p.v, p.beta, p.decay, p.p, p.r, p.momentum, p.ridge, p.W0, p.aux0),
    }
    for door, call in doors.items():
        assert any("overflows float64" in x for x in words(call)), door


def test_a_gradient_that_overflows_is_named():
    one = np.ones((2, 1))
    _, pullback = fw.vjp("hebb", 1e150 * one, one, one)
    with pytest.warns(RuntimeWarning, match=r"rule 'hebb' overflows float64: the gradient of k.* hold inf"):
        pullback(1e200 * one)
    with pytest.warns(RuntimeWarning, match="the gradient of k"):
        grad(lambda k: traced("hebb", 1e150 * one, k, 1e170 * one)[0].sum())(1e-200 * one)


@pytest.mark.parametrize("name", ["hebb", "delta", "gated_delta", "linear_attention"])
def test_large_results_that_are_finite_are_not_named(name, rng):
    p = problem(ROWS[name], rng, 4, 3, 4)
    out = fw.scan(*p.but(v=p.v * 1e300, W0=p.W0 * 0).args, **p.but(W0=p.W0 * 0).kwargs)
    assert np.isfinite(out.y).all()
    assert np.abs(out.y).max() > 1e200


def test_a_mean_that_is_held_for_ever_is_no_overflow(rng):
    p = problem(fw.COVARIANCE, rng, 4, 3, 4)
    p.aux0[-1] = np.inf
    assert not words(lambda: fw.vjp(*p.args, **p.kwargs)[1](p.v))


def test_the_overflow_of_a_long_unstable_run_is_named():
    k = np.ones((2000, 1))
    found = words(lambda: fw.scan("delta", k, k, k, 5.0))
    assert ["unstable" in x for x in found] == [True, False]
    assert "overflows" in found[1]
