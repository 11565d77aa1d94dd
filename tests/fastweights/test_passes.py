"""Each pass of the chain alone: what it changes, that it can be undone, and that its way back is its transpose."""

from dataclasses import replace

import numpy as np
import pytest
from strategies import ROWS, outcome, problem, rounding

import synfwp as fw
from synfwp.fastweights import chain, passes
from synfwp.fastweights.arguments import check
from synfwp.fastweights.passes import PASSES
from synfwp.fastweights.problem import Cotangents, Outputs
from synfwp.fastweights.solvers import SOLVERS, linear
from synfwp.rules import RULES, SOLVER_FORMS, Rule

pytestmark = pytest.mark.kernels

# a row with one feature, and what it is without; "two centred" and the like have several
ALONE = {
    "SeveralWrites": Rule(name="several", erase="beta", writes=3),
    "Centred": Rule(name="centred", centred=True, erase="beta"),
    "Normalised": Rule(name="normalised", normalised=True, retain="scalar"),
    "ReadBefore": Rule(name="before", read="before", erase="beta"),
    "ErrorOfKey": Rule(name="key", error="key", erase="beta"),
}
CHAINED = [name for name, row in ROWS.items() if row.solver == "linear" and chain.passes_of(row)]
ARGUMENTS = ("q", "k", "v", "beta", "W0")


def call_of(row, rng, T=5):
    p = problem(row, rng, T, 3, 4, (2,))
    return p, check(*p.args, p.decay, p.W0, erase=None, aux0=p.aux0)


def by_name(name):
    return next(one for one in PASSES if type(one).__name__ == name)


def below_outputs(below, rng):
    """Random outputs of a call, shaped as its solver would leave them."""
    n, S = below.k.shape[:2]
    return Outputs(1 + rng.random((n, S, below.W0.shape[1] if not below.across else below.k.shape[2])), below.W0 + 1)


def test_the_features_of_a_row_and_no_others_are_passes():
    assert {type(one).__name__ for one in PASSES} == set(ALONE)
    for name, row in ALONE.items():
        assert chain.passes_of(row) == (by_name(name),)
    for row in RULES.values():
        features = [field for field in row.special if field != "solver"]
        assert row.solver != "linear" or len(chain.passes_of(row)) == len(features)


def test_a_row_without_features_goes_to_canonical_form_as_it_is(rng):
    _, call = call_of(fw.GATED_DELTA, rng)
    canonical = chain.to_canonical(call)
    assert canonical.levels == []
    assert canonical.below is call
    for one, two in zip(canonical.problem[:3], (call.q, call.k, call.v), strict=True):
        assert one is two


# --- what each pass does ---------------------------------------------------------------------------------------------


def test_several_writes_become_steps_of_which_the_first_decays_and_the_last_reads(rng):
    row = replace(ALONE["SeveralWrites"], retain="scalar")
    _, call = call_of(row, rng)
    below = by_name("SeveralWrites").down(call)
    assert below.k.shape == (2, 15, 3)
    assert np.array_equal(below.k[:, 4], call.k[:, 1, 1])
    assert np.array_equal(below.q[:, 2::3], call.q)
    assert not below.q[:, 0::3].any()
    assert np.array_equal(below.decay[:, 0::3], call.decay)
    assert np.all(below.decay[:, 1::3] == 1)
    early = by_name("SeveralWrites").down(call._replace(rule=replace(row, read="before")))
    assert np.array_equal(early.q[:, 0::3], call.q)


def test_centred_keys_and_queries_are_less_the_mean_of_the_keys_before_and_the_last_mean_is_left(rng):
    _, call = call_of(ALONE["Centred"], rng)
    one = by_name("Centred")
    start, seen = call.aux0[:, :-1], call.aux0[:, -1:]
    for t in range(6):
        mean = (start * seen + call.k[:, :t].sum(axis=1)) / (seen + t)
        for x in ("k", "q") if t < 5 else ():
            changed, sent = getattr(one.down(call), x)[:, t], getattr(call, x)[:, t]
            np.testing.assert_allclose(changed, sent - mean, rtol=0, atol=1e-15)
    left = one.up(call, below_outputs(call, rng)).aux
    np.testing.assert_allclose(left, np.concatenate([mean, seen + 5], axis=-1), rtol=0, atol=1e-15)


def test_a_normalised_read_is_divided_by_one_more_row(rng):
    _, call = call_of(ALONE["Normalised"], rng)
    one = by_name("Normalised")
    below = one.down(call)
    assert np.array_equal(below.v[..., -1], np.ones((2, 5)))
    assert np.array_equal(below.W0[:, -1], call.aux0)
    found = below_outputs(below, rng)
    up = one.up(call, found)
    np.testing.assert_allclose(up.y * found.y[..., -1:], found.y[..., :-1], rtol=1e-15)
    assert np.array_equal(up.aux, found.W[:, -1])
    assert np.array_equal(up.W, found.W[:, :-1])
    A = one.up_matrix(call, rng.random((2, 5, 5)))
    np.testing.assert_allclose(A.sum(axis=-1), 1, rtol=1e-15)


def test_a_read_before_is_the_read_one_step_earlier_and_the_first_is_of_the_first_W(rng):
    _, call = call_of(ALONE["ReadBefore"], rng)
    one = by_name("ReadBefore")
    assert np.array_equal(one.down(call).q[:, :-1], call.q[:, 1:])
    found = below_outputs(call, rng)
    up = one.up(call, found)
    assert np.array_equal(up.y[:, 1:], found.y[:, :-1])
    np.testing.assert_allclose(up.y[:, 0], np.einsum("nij,nj->ni", call.W0, call.q[:, 0]), rtol=1e-15)
    assert not one.up_matrix(call, rng.random((2, 5, 5)))[:, 0].any()


def test_the_error_of_the_key_exchanges_key_and_value_and_transposes_W(rng):
    _, call = call_of(ALONE["ErrorOfKey"], rng)
    below = by_name("ErrorOfKey").down(call)
    assert below.across
    assert below.k is call.v
    assert below.v is call.k
    found = Outputs(np.zeros((2, 5, 4)), below.W0)
    assert np.array_equal(by_name("ErrorOfKey").up(call, found).W, call.W0)


@pytest.mark.parametrize("name", ALONE)
def test_a_pass_of_no_steps_changes_nothing_that_is_not_there(name, rng):
    p, call = call_of(ALONE[name], rng, T=0)
    one = by_name(name)
    below = one.down(call)
    up = one.up(call, Outputs(np.zeros((2, 0, below.W0.shape[1])), below.W0))
    assert np.array_equal(up.W, p.W0)
    aux = one.aux(3)
    assert (up.aux is None) == (aux is None)
    assert aux is None or np.array_equal(up.aux, call.aux0)


# --- transposes ------------------------------------------------------------------------------------------------------


def size(x):
    return 0.0 if x is None else float(np.linalg.norm(x))


@pytest.mark.parametrize("name", ALONE)
def test_up_of_a_pass_is_undone_by_down_cotangents_transposed(name, rng):
    """``<d up, c> = <d below, down_cotangents(c)>`` for a small change of what comes from below, by a complex step."""
    _, call = call_of(ALONE[name], rng)
    one = by_name(name)
    below = one.down(call)
    found = below_outputs(below, rng)
    change = Outputs(rng.standard_normal(found.y.shape), rng.standard_normal(found.W.shape))
    step = 1e-30j
    moved = one.up(call, Outputs(found.y + step * change.y, found.W + step * change.W))
    derivative = [np.imag(x) / 1e-30 if x is not None else None for x in moved[:3]]
    if name == "Centred":  # its mean is of keys, not of what comes from below
        derivative[2] = None
    c = Cotangents(*(None if x is None else rng.standard_normal(x.shape) for x in moved[:3]))
    down = one.down_cotangents(call, found, c)
    forward = sum(np.sum(a * b) for a, b in zip(derivative, c, strict=True) if a is not None and b is not None)
    if name == "ReadBefore":  # no token reads what the last one has left
        assert not down.dy[:, -1].any()
    backward = np.sum(change.y * down.dy) + np.sum(change.W * down.dW)
    assert forward == pytest.approx(backward, rel=1e-12, abs=1e-12 * size(change.y))


@pytest.mark.parametrize("name", ALONE)
def test_down_of_a_pass_is_undone_by_up_gradients_transposed(name, rng):
    """``<d down, g> = <d call, up_gradients(g)>`` for every argument that the pass changes."""
    p, call = call_of(ALONE[name], rng)
    one = by_name(name)
    change = {x: rng.standard_normal(getattr(call, x).shape) for x in ARGUMENTS}
    if call.aux0 is not None:
        change["aux0"] = rng.standard_normal(call.aux0.shape)
        if name == "Centred":
            change["aux0"][:, -1] = 0  # the number of keys is no parameter
    below = one.down(call._replace(**{x: getattr(call, x) + 1e-30j * dx for x, dx in change.items()}))
    plain = one.down(call)
    g = {x: rng.standard_normal(getattr(plain, x).shape) for x in ARGUMENTS} | {"decay": None, "p": None, "r": None}
    forward = sum(np.sum(np.imag(getattr(below, x)) / 1e-30 * g[x]) for x in ARGUMENTS)
    none = Cotangents(np.zeros((2, 5, 4)), np.zeros_like(p.W0), None)
    grads = one.up_gradients(call, none, g)
    backward = sum(np.sum(dx * grads[x]) for x, dx in change.items() if grads.get(x) is not None)
    assert forward == pytest.approx(backward, rel=1e-12)
    assert all(grads[x].shape == getattr(call, x).shape for x in ARGUMENTS)


def test_the_first_read_before_adds_to_the_gradients_of_its_query_and_of_W(rng):
    _, call = call_of(ALONE["ReadBefore"], rng)
    one, zero = by_name("ReadBefore"), {"q": np.zeros_like(call.q), "W0": np.zeros_like(call.W0)}
    c = Cotangents(rng.standard_normal((2, 5, 4)), np.zeros_like(call.W0), None)
    grads = one.up_gradients(call, c, zero)
    np.testing.assert_allclose(grads["W0"], c.dy[:, 0, :, None] * call.q[:, 0, None], rtol=1e-15)
    np.testing.assert_allclose(grads["q"][:, 0], np.einsum("nij,ni->nj", call.W0, c.dy[:, 0]), rtol=1e-14)
    assert not grads["q"][:, 1:].any()


# --- the chain -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHAINED)
def test_the_fold_there_and_back_is_the_row(name, rng):
    p, call = call_of(ROWS[name], rng) if not ROWS[name].uses_pair else (None, None)
    if p is None:
        p = problem(ROWS[name], rng, 5, 3, 4, (2,))
        call = check(*p.args, p.decay, p.W0, erase=(p.p, p.r), aux0=p.aux0)
    canonical = chain.to_canonical(call)
    assert canonical.problem.k.ndim == 3
    found = chain.from_canonical(canonical, linear.run(canonical.problem, 0, 1))
    want = outcome(p)
    assert np.abs(found.y - want.y).max() <= rounding(p, want)
    assert np.abs(found.W - want.W).max() <= rounding(p, want)


def test_the_order_of_the_chain_matters_and_is_that_of_the_table():
    """A mean of keys is over all writes of a token, so several writes come first; W is transposed last."""
    names = [type(one).__name__ for one in PASSES]
    assert names[0] == "SeveralWrites"
    assert names[-1] == "ErrorOfKey"
    assert [type(one).__name__ for one in chain.passes_of(ROWS["two oja"])] == [
        "SeveralWrites",
        "Centred",
        "ReadBefore",
        "ErrorOfKey",
    ]


# --- solvers ---------------------------------------------------------------------------------------------------------


def test_every_solver_that_a_row_may_name_is_a_module_with_the_same_face():
    assert set(SOLVERS) == set(SOLVER_FORMS)
    for name, solver in SOLVERS.items():
        assert solver.__name__.rpartition(".")[2] == name
        assert all(callable(getattr(solver, face)) for face in ("forward", "adjoint", "aux_shape"))
        assert hasattr(solver, "attention") == ("attention" in SOLVER_FORMS[name])
        assert hasattr(solver, "chunkwise") == ("chunkwise" in SOLVER_FORMS[name])


def test_the_base_of_all_passes_changes_nothing(rng):
    one, (_, call) = passes.Pass(), call_of(fw.DELTA, rng)
    found, c = below_outputs(call, rng), Cotangents(np.ones(1), np.ones(1), None)
    assert one.down(call) is call
    assert one.up(call, found) is found
    assert one.up_matrix(call, found.y) is found.y
    assert one.down_cotangents(call, found, c) is c
    assert one.up_gradients(call, c, {}) == {}
    assert one.aux(3) is None
    assert one.check_aux(np.ones(3)) is None
    with pytest.raises(NotImplementedError):
        one.applies(fw.DELTA)
