"""One beta per value channel: every row of W is a memory of its own."""

import numpy as np
import pytest
from autograd import grad
from hypothesis import given
from hypothesis import strategies as st
from strategies import ROWS, SIZES, aux_shape, problem

import synfwp as fw
from synfwp import conventions, reference
from synfwp.autograd import scan as traced

pytestmark = pytest.mark.kernels
NAMES = ("hebb", "anti_hebb", "leaky_hebb", "gated_hebb", "covariance", "delta", "gated_delta", "key_gated_delta")
NAMES += ("longhorn", "dplr", "delta_product(2)", "gated_delta_product(2)")


def channels(name, rng, T, d_k, d_v, lead=(), dtype=float):
    """A stable problem whose beta has the axes of v."""
    p = problem(ROWS[name], rng, T, d_k, d_v, lead, dtype)
    return p.but(beta=(rng.uniform(0, 1, p.v.shape) * p.beta[..., None]).astype(dtype))


def twin(p):
    """y, W and aux, row by row."""
    row, p = p.rule, p.map(lambda x: x.astype(np.result_type(x, float)))
    run = getattr(reference, row.name.split("(")[0])
    extra = [getattr(p, x) for x in ("p", "r", "aux0") if getattr(p, x) is not None]
    found = []
    for i in np.ndindex(p.lead):
        decay = None if p.decay is None else p.decay[i]
        one = [p.q[i], p.k[i], p.v[i], p.beta[i], decay, p.W0[i], *(x[i] for x in extra)]
        y, states, *aux = reference.per_channel(run, *one)
        found.append((y, states[-1] if len(states) else p.W0[i], *aux))
    shapes = [(p.q.shape[-2], p.d_v), p.state, aux_shape(row, p.d_v, p.q.shape[-1])]
    return [np.reshape([x[j] for x in found], p.lead + shapes[j]) for j in range(len(found[0]) if found else 2)]


@pytest.mark.parametrize("size", [size for size in SIZES if 0 not in size[3]], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_the_kernel_equals_the_twin_row_by_row(name, size, rng):
    p = channels(name, rng, *size)
    out = fw.scan(*p.args, **p.kwargs)
    for found, want in zip((out.y, out.W, out.aux), twin(p), strict=False):
        # sums of T steps, each of d_k products
        assert np.abs(found - want).max(initial=0) <= 1e-13 * (1 + p.q.shape[-2]) * (1 + np.abs(want).max(initial=0))


@pytest.mark.parametrize("name", ["delta", "gated_delta"])
def test_the_update_is_that_of_the_equation(name, rng):
    """``W_t = a W + diag(beta) (v - a W k) k^T``, beside the twin that takes rows apart."""
    p = channels(name, rng, 6, 3, 5)
    W, reads = p.W0, []
    for t in range(6):
        W = W if p.decay is None else p.decay[t] * W
        W = W + np.diag(p.beta[t]) @ np.outer(p.v[t] - W @ p.k[t], p.k[t])
        reads.append(W @ p.q[t])
    out = fw.scan(*p.args, **p.kwargs)
    np.testing.assert_allclose(out.W, W, rtol=0, atol=1e-14)
    np.testing.assert_allclose(out.y, reads, rtol=0, atol=1e-14)
    np.testing.assert_allclose(out.y, twin(p)[0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("lead", [(), (2,)], ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_the_adjoint_is_the_transpose_of_the_derivative(name, lead, rng):
    p = channels(name, rng, 18, 3, 6, lead)
    dx = {x: rng.standard_normal(getattr(p, x).shape) for x in p.used}
    if p.rule.centred:
        dx["aux0"][..., -1] = 0
    every = [{x: d} for x, d in dx.items()] + [dx]
    c = [rng.standard_normal(x.shape) for x in twin(p)]
    grads = fw.vjp(*p.args, **p.kwargs)[1](*c)
    for direction in every:
        out = [x.imag / 1e-30 for x in twin(p.but(**{x: getattr(p, x) + 1e-30j * d for x, d in direction.items()}))]
        forward = sum(np.sum(a * b) for a, b in zip(c, out, strict=True))
        found = {x: grads.erase["pr".index(x)] if x in "pr" else getattr(grads, x) for x in direction}
        scale = sum(np.linalg.norm(a) * np.linalg.norm(b) for a, b in zip(c, out, strict=True))
        assert abs(forward - sum(np.sum(found[x] * d) for x, d in direction.items())) <= 1e-9 * scale
        assert all(found[x].shape == getattr(p, x).shape for x in direction)


def test_equal_channels_are_one_beta_and_a_short_last_axis_is_repeated(rng):
    p = problem(fw.GATED_DELTA, rng, 9, 3, 5, (2,))
    out = fw.scan(*p.args, **p.kwargs)
    short = p.but(beta=p.beta[..., None])
    for same in (short, p.but(beta=np.repeat(p.beta[..., None], 5, axis=-1))):
        found = fw.scan(*same.args, **same.kwargs)
        assert np.abs(found.y - out.y).max() < 1e-14
        assert np.abs(found.W - out.W).max() < 1e-14
    c = rng.standard_normal(out.y.shape)
    found = fw.vjp(*short.args, **short.kwargs)[1](c).beta
    assert found.shape == (2, 9, 1)
    np.testing.assert_allclose(found[..., 0], fw.vjp(*p.args, **p.kwargs)[1](c).beta, rtol=0, atol=1e-12)


@given(st.sampled_from(["hebb", "gated_delta"]), st.integers(0, 9), st.integers(0, 2**32 - 1))
def test_a_run_cut_in_two_equals_one_run(name, t, seed):
    p = channels(name, np.random.default_rng(seed), 9, 3, 5)
    first = p.part(slice(t))
    one = fw.scan(*first.args, **first.kwargs)
    second = p.part(slice(t, None)).but(W0=one.W)
    two, whole = fw.scan(*second.args, **second.kwargs), fw.scan(*p.args, **p.kwargs)
    bound = 0 if p.rule.erase is None else 1e-13
    assert np.abs(two.W - whole.W).max() <= bound
    assert np.abs(np.concatenate([one.y, two.y]) - whole.y).max() <= bound


def test_float32_stays_float32_and_autograd_differentiates(rng):
    p = channels("delta", rng, 9, 3, 5, (), np.float32)
    out = fw.scan(*p.args, **p.kwargs)
    assert out.y.dtype == np.float32
    np.testing.assert_allclose(out.y, twin(p)[0], rtol=0, atol=1e-5)
    p = channels("delta", rng, 4, 3, 5)
    found = grad(lambda beta: traced("delta", p.q, p.k, p.v, beta)[0].sum())(p.beta)
    np.testing.assert_allclose(found, fw.vjp("delta", p.q, p.k, p.v, p.beta)[1](np.ones((4, 5))).beta, rtol=1e-13)


def test_the_largest_channel_decides_on_stability(rng):
    p = channels("delta", rng, 4, 3, 5)
    p.beta[2, 3] = 3 / np.sum(p.k[2] ** 2)
    with pytest.warns(RuntimeWarning, match=r"unstable step for rule 'delta': 1\.5 times"):
        fw.scan(*p.args, **p.kwargs)


@pytest.mark.parametrize("form", ["chunkwise", "parallel"])
def test_forms_whose_scores_are_of_all_channels_refuse_it(form, rng):
    p = channels("delta", rng, 4, 3, 5)
    with pytest.raises(
        ValueError, match=rf"^beta has as many axes as v, one number per value channel, which form '{form}'"
    ):
        fw.scan(*p.args, **p.kwargs, form=form)
    with pytest.raises(ValueError, match=r"^beta has as many axes as k, .*one matrix A cannot hold them"):
        fw.attention("delta", p.q, p.k, p.beta)
    assert np.array_equal(fw.scan(*p.args, **p.kwargs, form="auto").y, fw.scan(*p.args, **p.kwargs).y)


@pytest.mark.parametrize("name", ["oja", "momentum_delta", "mesa"])
def test_rules_whose_rows_meet_refuse_it(name, rng):
    p = problem(ROWS[name], rng, 4, 3, 5)
    with pytest.raises(
        ValueError, match=rf"one number per value channel, which rule '{name}' has not: .*\(\.\.\., T\)"
    ):
        fw.scan(*p.but(beta=np.ones((4, 5))).args, **p.kwargs)


def test_instructions_hold_it_and_substrates_refuse_it(rng):
    p = channels("delta", rng, 4, 3, 5, (2,))
    p.beta[0, 1] = 0
    sent = fw.Instructions(p.q, p.k, p.v, p.beta)
    assert sent.writes.tolist() == [[True, False, True, True], [True] * 4]
    assert sent.to_dataset().beta.dims == ("trial", "time", "value")
    back = fw.Instructions.from_dataset(sent.to_dataset().transpose("value", "key", "time", "trial"))
    assert np.array_equal(back.beta, p.beta)
    assert sent.one_axis().beta.shape == (2, 4, 5)
    with pytest.raises(ValueError, match=r"^beta has as many axes as v; substrates take one write strength per token"):
        fw.simulate("delta", sent, on=fw.RateNetwork())


def test_flash_linear_attention_and_back(rng):
    p = channels("gated_delta", rng, 6, 3, 5, (2, 2))
    there = conventions.to_fla(p.q, p.k, p.v, p.beta, decay=p.decay, W0=p.W0)
    assert there["beta"].shape == (2, 6, 2, 5)
    out = fw.scan("gated_delta", **conventions.from_fla(**there))
    np.testing.assert_allclose(out.y, fw.scan(*p.args, **p.kwargs).y, rtol=0, atol=1e-13)
