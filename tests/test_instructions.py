"""Instructions: labelled and back, and the baseline that has learned nothing."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import synfwp as fw

LEADS = [(), (3,), (2, 3)]


def sent(rng, lead=(), decay=None, dtype=float):
    """T = 6, d_k = 4, d_v = 5; the last two tokens are queries."""
    q, k, v, beta = (rng.uniform(0.1, 1, (*lead, 6, *n)).astype(dtype) for n in ((4,), (4,), (5,), ()))
    for x in (k, v):
        x[..., 4:, :] = 0
    beta[..., 4:] = 0
    gates = {None: None, "scalar": (*lead, 6), "key": (*lead, 6, 4)}[decay]
    return fw.Instructions(q, k, v, beta, None if gates is None else rng.uniform(0, 1, gates).astype(dtype))


def equal(one, two):
    for name in ("q", "k", "v", "beta", "decay"):
        a, b = getattr(one, name), getattr(two, name)
        if a is None or b is None:
            assert a is b
        else:
            assert np.array_equal(a, b)
            assert a.dtype == b.dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("decay", [None, "scalar", "key"])
@pytest.mark.parametrize("lead", LEADS)
def test_instructions_survive_a_dataset_in_any_order_of_dims(lead, decay, dtype, rng):
    one = sent(rng, lead, decay, dtype)
    ds = one.to_dataset()
    assert set(ds.dims) == {"time", "key", "value", *("trial", "head")[: len(lead)]}
    for order in itertools.permutations(ds.dims):
        equal(fw.Instructions.from_dataset(ds.transpose(*order)), one)


def test_gates_left_out_stay_left_out(rng):
    one = fw.Instructions(*(getattr(sent(rng), name) for name in "qkv"))
    assert set(one.to_dataset().data_vars) == {"q", "k", "v"}
    equal(fw.Instructions.from_dataset(one.to_dataset()), one)


def test_a_dataset_that_is_not_instructions_is_refused_by_name(rng):
    ds = sent(rng).to_dataset()
    with pytest.raises(ValueError, match=r"^the Dataset has no k, v; it needs variables q, k and v"):
        fw.Instructions.from_dataset(ds.drop_vars(["k", "v"]))
    with pytest.raises(ValueError, match=r"^q has dims \('time', 'unit'\); use trial, head, time, write, key"):
        fw.Instructions.from_dataset(ds.assign(q=ds.q.rename(key="unit")))


def test_more_than_two_leading_axes_have_no_names(rng):
    with pytest.raises(ValueError, match=r"^k has 3 leading axes"):
        sent(rng, (1, 2, 3)).to_dataset()


def test_every_variable_of_the_dataset_has_a_long_name_and_units(rng):
    for variable in sent(rng, (2,), "key").to_dataset().data_vars.values():
        assert variable.attrs["units"] == "1"
        assert variable.attrs["long_name"]


@given(seed=st.integers(0, 2**32 - 1), lead=st.sampled_from(LEADS))
def test_shuffling_deals_the_same_values_to_other_keys_and_leaves_queries_alone(seed, lead):
    one = sent(np.random.default_rng(seed), lead)
    before = one.v.copy()
    other = one.shuffled(seed)
    for name in ("q", "k", "beta", "decay"):
        assert getattr(other, name) is getattr(one, name)
    assert np.array_equal(one.v, before)
    assert np.array_equal(other.v[..., 4:, :], one.v[..., 4:, :])
    for i in np.ndindex(lead):
        assert sorted(map(tuple, other.v[i])) == sorted(map(tuple, one.v[i]))
    equal(other, one.shuffled(seed))


def test_no_write_keeps_its_value_and_sequences_are_shuffled_apart():
    v = np.tile(np.arange(20.0)[:, None], (50, 1, 1))
    other = fw.Instructions(q=v, k=v + 1, v=v).shuffled(0).v[..., 0]
    assert not np.any(other == v[..., 0])
    assert len({tuple(row) for row in other}) == 50
    lone = fw.Instructions(q=v[0], k=v[0] == 3, v=v[0])  # one write has no other value to take
    assert np.array_equal(lone.shuffled(0).v, lone.v)


def test_a_token_writes_where_beta_and_key_are_not_zero():
    k = np.array([[1.0, 0], [0, 0], [1, 1], [0, -1]])
    assert fw.Instructions(k, k, k).writes.tolist() == [True, False, True, True]
    assert fw.Instructions(k, k, k, np.array([0, 1, 0.5, 0])).writes.tolist() == [False, False, True, False]


def test_several_writes_a_token_have_a_dim_of_their_own(rng):
    shapes = ((3,), (4, 3), (4, 6), (4,), ())
    several = fw.Instructions(*(rng.random((2, 5, *shape)) for shape in shapes))
    ds = several.to_dataset()
    assert ds.k.dims == ("trial", "time", "write", "key")
    assert ds.v.dims == ("trial", "time", "write", "value")
    assert ds.beta.dims == ("trial", "time", "write")
    assert ds.decay.dims == ("trial", "time")
    again = fw.Instructions.from_dataset(ds.transpose("write", "value", "key", "time", "trial"))
    for name in ("q", "k", "v", "beta", "decay"):
        assert np.array_equal(getattr(again, name), getattr(several, name))
    assert several.writes.shape == (2, 5, 4)
    with pytest.raises(ValueError, match=r"^k holds several writes per token"):
        several.shuffled(0)


def test_momentum_and_ridge_go_to_a_dataset_and_back(rng):
    shape = (2, 3, 5)
    sent = fw.Instructions(
        *(rng.random((*shape, d)) for d in (4, 4, 6)), momentum=rng.random(shape), ridge=rng.random((3, 4))
    )
    ds = sent.to_dataset()
    assert ds.momentum.dims == ("trial", "head", "time")
    assert ds.ridge.dims == ("trial", "head", "key")
    again = fw.Instructions.from_dataset(ds.transpose("key", "time", "value", "head", "trial"))
    assert np.array_equal(again.momentum, sent.momentum)
    assert np.array_equal(again.ridge, np.broadcast_to(sent.ridge, (2, 3, 4)))
    flat = sent.one_axis()
    assert np.array_equal(flat.momentum, sent.momentum.reshape(6, 5))
    assert np.array_equal(flat.ridge, np.tile(sent.ridge, (2, 1)))
