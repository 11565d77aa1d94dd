"""Familiarity by the energy of a matrix, which either sign of Hebb's rule has, and attractors of what is stored."""

import numpy as np
import pytest

import synfwp as fw
from synfwp import theory
from synfwp.memory.attractors import settle


def test_known_and_new_are_told_apart_by_either_sign_as_the_closed_form_expects():
    ds = fw.capacity(
        {"anti": "anti_hebb", "hebb": "hebb"}, loads=[16, 64, 200], d_key=40, keys="binary", decoder="novelty", seeds=40
    )
    np.testing.assert_allclose(ds.score.sel(system="anti"), ds.score.sel(system="hebb"))
    assert set(ds.theory_kind.values.ravel()) == {"asymptotic"}
    np.testing.assert_allclose(ds["mean"], ds.theory, atol=0.03)  # a threshold from other seeds, and 40 features
    assert (np.abs(ds["mean"] - ds.theory.shift(pairs=1)) > 0.05).any()  # another load is seen


def test_the_cosine_of_anti_hebb_has_no_closed_form_of_hebb():
    ds = fw.capacity({"anti": "anti_hebb", "hebb": "hebb"}, loads=[8], d_key=32, seeds=10)
    assert np.isnan(ds.theory.sel(system="anti")).all()
    assert ds["mean"].sel(system="anti").item() == pytest.approx(-ds["mean"].sel(system="hebb").item())


def test_states_come_to_rest_at_a_stored_pattern_from_near_it_and_rest_there(rng):
    N = 200
    x = rng.choice([-1.0, 1.0], (4, N))
    T = x.T @ x
    np.fill_diagonal(T, 0)
    start = np.where(rng.random(x.shape) < 0.1, -x, x)
    found = settle(T, start, -1.0, rng)
    np.testing.assert_array_equal(found, x)
    field = found @ T
    assert (found * field >= 0).all()  # each unit has the sign of its input
    assert (settle(T, (x + 1) / 2, 0.0, rng) * (x > 0)).sum() > 0.95 * (x > 0).sum()


def test_old_patterns_are_no_attractors_of_a_network_that_forgets(rng):
    N, eps = 400, 4.1
    x = rng.choice([-1.0, 1.0], (1200, N))
    T = fw.scan("leaky_hebb", x, x, x, decay=np.full(1200, np.exp(-(eps**2) / (2 * N)))).W
    np.fill_diagonal(T, 0)
    newest = x[::-1]
    for age, kept in ((4, True), (60, False)):
        overlap = float((settle(T, newest[age : age + 5], -1.0, rng) * newest[age : age + 5]).mean())
        assert (overlap > 0.95) == kept
        assert (theory.palimpsest_overlap(age / N, eps) > 0.95) == kept
