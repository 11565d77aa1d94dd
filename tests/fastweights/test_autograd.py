"""The kernels as primitives of HIPS autograd."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, value_and_grad
from autograd.differential_operators import make_vjp
from strategies import RULES, problem

import synfwp as fw
from synfwp import autograd as ag
from synfwp.features import FEATURES, NORMALISERS, get_feature
from synfwp.kernels import linear

POSITION = {
    "q": 1,
    "k": 2,
    "v": 3,
    "beta": 4,
    "decay": 5,
    "p": 6,
    "r": 7,
    "momentum": 8,
    "ridge": 9,
    "W0": 10,
    "aux0": 11,
}


def positional(p):
    """All twelve arguments of the primitive."""
    return [p.rule, p.q, p.k, p.v, p.beta, p.decay, p.p, p.r, p.momentum, p.ridge, p.W0, p.aux0]


@pytest.mark.kernels
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", RULES)
def test_gradients_equal_those_of_the_pullback_for_every_row_and_input(name, dtype, rng):
    p = problem(RULES[name], rng, 6, 3, 5, (2,), dtype)
    out, pullback = fw.vjp(*p.args, **p.kwargs)
    dy, dW, daux = (
        np.zeros(0, dtype) if x is None else rng.standard_normal(x.shape).astype(dtype) for x in (out.y, out.W, out.aux)
    )
    grads = pullback(dy, *(x if x.size else None for x in (dW, daux)))
    want = {x: getattr(grads, x, None) for x in POSITION} | dict(zip("pr", grads.erase or (None, None), strict=True))
    used = p.used

    def loss(values):
        arguments = positional(p)
        for x, value in zip(used, values, strict=True):
            arguments[POSITION[x]] = value
        return sum(anp.sum(x * dx) for x, dx in zip(ag.scan(*arguments), (dy, dW, daux), strict=True) if dx.size)

    value, found = value_and_grad(loss)(tuple(getattr(p, x) for x in used))
    assert value.dtype == dtype
    parts = zip((out.y, out.W, out.aux), (dy, dW, daux), strict=True)
    assert value == sum(np.sum(x * dx) for x, dx in parts if x is not None)
    for x, g in zip(used, found, strict=True):
        assert g.dtype == dtype
        assert np.array_equal(g, want[x])


@pytest.mark.kernels
def test_each_input_can_be_traced_alone_and_so_can_y_or_W_alone(rng):
    p = problem(fw.KEY_GATED_DELTA, rng, 4, 3, 2)
    pullback = fw.vjp(*p.args, **p.kwargs)[1]
    for output, want in ((0, pullback(dy=np.ones_like(p.v))), (1, pullback(dW=np.ones_like(p.W0)))):
        for name in p.used:
            arguments = positional(p)
            i = POSITION[name]
            found = grad(lambda x, a=arguments, i=i, o=output: anp.sum(ag.scan(*a[:i], x, *a[i + 1 :])[o]))(
                arguments[i]
            )
            assert np.array_equal(found, getattr(want, name))


@pytest.mark.kernels
def test_trailing_arguments_may_be_left_out(rng):
    p = problem(fw.HEBB, rng, 4, 3, 2)
    found = grad(lambda k: anp.sum(ag.scan("hebb", p.q, k, p.v)[0]))(p.k)
    assert np.array_equal(found, fw.vjp("hebb", p.q, p.k, p.v)[1](np.ones_like(p.v)).k)


@pytest.mark.kernels
def test_one_backward_pass_runs_each_kernel_once_for_all_inputs(rng, monkeypatch):
    runs = []
    for name in ("forward", "adjoint"):
        kernel = getattr(linear, name)
        monkeypatch.setattr(linear, name, lambda *args, n=name, f=kernel: runs.append(n) or f(*args))
    p = problem(fw.GATED_DELTA, rng, 4, 3, 2, (2,))

    def loss(x):
        y, W, _ = ag.scan("gated_delta", x[0], x[1], x[2], x[3], x[4], None, None, None, None, x[5])
        return anp.sum(y * y) + anp.sum(W)

    grad(loss)(tuple(getattr(p, name) for name in p.used))
    assert runs == ["forward", "adjoint"]


@pytest.mark.kernels
def test_broadcast_gates_get_gradients_of_their_own_shape(rng):
    p = problem(fw.GATED_DELTA, rng, 4, 3, 2, (2,))
    found = grad(lambda x: anp.sum(ag.scan("gated_delta", p.q, p.k, p.v, x[0], x[1])[0]))(
        (np.full(4, 0.5), np.array(0.5))
    )
    assert [np.shape(g) for g in found] == [(4,), ()]


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.kernels
@pytest.mark.parametrize("power", [1, 2])
def test_a_second_derivative_through_the_fast_weights_is_refused(power, rng):
    p = problem(fw.DELTA, rng, 4, 3, 2)

    def slope(k):
        return anp.sum(grad(lambda x: anp.sum(ag.scan("delta", p.q, x, p.v)[0] ** power))(k))

    with pytest.raises(NotImplementedError, match=r"synfwp\.autograd\.scan has no second derivative"):
        grad(slope)(p.k)


@pytest.mark.parametrize("row", [*FEATURES.values(), *NORMALISERS.values()], ids=lambda row: row.name)
def test_a_second_derivative_through_a_feature_map_is_refused(row, rng):
    def slope(x):
        return anp.sum(grad(lambda z: anp.sum(ag.feature(row, z) ** 2))(x))

    with pytest.raises(NotImplementedError, match=r"synfwp\.autograd\.feature has no second derivative"):
        grad(slope)(rng.uniform(0.1, 1, (2, 3)))


def test_a_second_derivative_of_the_cross_entropy_is_refused(rng):
    def slope(x):
        return anp.sum(grad(lambda z: ag.cross_entropy(z, np.array([0, 1]), np.array([True, True])))(x))

    with pytest.raises(NotImplementedError, match=r"synfwp\.autograd\.cross_entropy has no second derivative"):
        grad(slope)(rng.standard_normal((2, 3)))


@pytest.mark.kernels
def test_arguments_by_keyword_are_refused_whether_traced_or_not(rng):
    p = problem(fw.DELTA, rng, 4, 3, 2)
    with pytest.raises(TypeError, match=r"scan got W0 by keyword; pass all arguments by position"):
        grad(lambda k: anp.sum(ag.scan("delta", p.q, k, p.v, W0=p.W0)[0]))(p.k)
    with pytest.raises(TypeError, match=r"^beta is of type autograd ArrayBox;.*by position"):
        grad(lambda beta: anp.sum(ag.scan("delta", p.q, p.k, p.v, beta=beta)[0]))(p.beta)


@pytest.mark.kernels
def test_errors_of_the_door_reach_the_user_of_the_primitive(rng):
    p = problem(fw.DELTA, rng, 4, 3, 2)
    with pytest.raises(ValueError, match=r"^beta holds -1; pass numbers of at least 0"):
        grad(lambda k: anp.sum(ag.scan("delta", p.q, k, p.v, -np.ones(4))[0]))(p.k)
    with pytest.raises(ValueError, match=r"^rule 'delta' does not use erase"):
        ag.scan("delta", p.q, p.k, p.v, None, None, p.k, p.k)


# --- features and cross-entropy --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["relu", "elu_plus_one", "dpfp(2)"])
def test_a_traced_feature_map_has_the_gradient_of_its_row(name, rng):
    row, x = get_feature(name), rng.standard_normal((2, 3))
    g = rng.standard_normal((2, row.width(3)))
    adjoint, f = make_vjp(lambda z: ag.feature(row, z))(x)
    assert np.array_equal(f, row.apply(x))
    assert np.array_equal(adjoint(g), row.adjoint(x, f, g))


def complex_cross_entropy(logits, target, mask):
    """Minus the log of the share of exp(logit), token by token."""
    terms = [np.log(np.sum(np.exp(logits[i] - logits[i][target[i]]))) for i in zip(*np.nonzero(mask), strict=True)]
    return np.sum(terms) / len(terms)


def test_the_cross_entropy_and_its_gradient_are_those_of_the_formula(rng):
    logits, target = rng.standard_normal((2, 3, 4)), rng.integers(4, size=(2, 3))
    mask = np.array([[True, False, True], [True, True, False]])
    target = np.where(mask, target, -1)
    value, found = value_and_grad(ag.cross_entropy)(logits, target, mask)
    assert value == pytest.approx(complex_cross_entropy(logits, target, mask), rel=1e-14)
    for i in np.ndindex(logits.shape):
        moved = logits.astype(complex)
        moved[i] += 1e-30j
        want = complex_cross_entropy(moved, target, mask).imag / 1e-30
        assert found[i] == pytest.approx(want, rel=1e-13, abs=1e-16)
    assert not found[~mask].any()


def test_the_cross_entropy_keeps_float32_survives_large_logits_and_an_empty_mask():
    logits = np.array([[1e30, 0.0], [0.0, -1e30]], np.float32)
    value, found = value_and_grad(ag.cross_entropy)(logits, np.array([0, 0]), np.ones(2, bool))
    assert value == 0
    assert value.dtype == found.dtype == np.float32
    value, found = value_and_grad(ag.cross_entropy)(logits, np.array([-1, -1]), np.zeros(2, bool))
    assert value == 0
    assert not found.any()
