"""Tuning curves against SciPy, and indices of selectivity at their ends and in closed form."""

import numpy as np
import pytest
from scipy.stats import f_oneway

from synfwp import measures


def test_tuning_is_the_mean_of_each_stimulus_and_its_test_that_of_scipy(rng):
    stimulus = rng.permutation(np.repeat(["a", "b", "c"], (5, 7, 9)))
    response = rng.poisson(4.0, (21, 6)) + 3.0 * (stimulus == "b")[:, None] * np.arange(6)
    found = measures.tuning_curves(response, stimulus)
    for name in "abc":
        one = response[stimulus == name]
        np.testing.assert_allclose(found.response.sel(stimulus=name), one.mean(axis=0), rtol=1e-12)
        error = one.std(axis=0, ddof=1) / len(one) ** 0.5
        np.testing.assert_allclose(found.response_error.sel(stimulus=name), error, rtol=1e-12)
    F, p = f_oneway(*(response[stimulus == name] for name in "abc"))
    np.testing.assert_allclose(found.F, F, rtol=1e-10)
    np.testing.assert_allclose(found.p, p, rtol=1e-8, atol=1e-300)
    assert found.trials.values.tolist() == [5, 7, 9]


def test_an_untuned_neuron_is_significant_in_a_twentieth_of_cases_and_a_silent_one_never(rng):
    response = rng.normal(size=(40, 2000))
    response[:, 0] = 0
    p = measures.tuning_curves(response, np.tile(np.arange(4), 10)).p.values
    assert np.isnan(p[0])
    # 1999 neurons: a standard error of .005
    assert np.mean(p[1:] < 0.05) == pytest.approx(0.05, abs=0.015)


def test_indices_are_0_for_a_flat_curve_and_1_for_one_stimulus_alone():
    flat, single = np.full(8, 3.0), np.eye(8)[2]
    angles = np.arange(8) * np.pi / 4
    for kind, given in (("contrast", None), ("sparseness", None), ("direction", angles), ("orientation", angles)):
        assert measures.selectivity(flat, kind, given) == pytest.approx(0, abs=1e-15)
        assert measures.selectivity(single, kind, given) == pytest.approx(1, abs=1e-15)
        assert np.isnan(measures.selectivity(0 * flat, kind, given))


def test_vectors_are_those_of_cosine_tuning_and_orientation_is_blind_to_direction():
    angles = np.arange(16) * np.pi / 8
    curve = 1 + 0.6 * np.cos(angles - 0.4)  # the mean vector of 1 + a cos is a / 2
    assert measures.selectivity(curve, "direction", angles) == pytest.approx(0.3, abs=1e-12)
    assert measures.selectivity(curve, "orientation", angles) == pytest.approx(0.0, abs=1e-12)
    twice = 1 + 0.6 * np.cos(2 * (angles - 0.4))
    assert measures.selectivity(twice, "orientation", angles) == pytest.approx(0.3, abs=1e-12)
    assert measures.selectivity(twice, "direction", angles) == pytest.approx(0.0, abs=1e-12)


def test_indices_are_blind_to_the_size_of_rates_and_refuse_what_is_no_rate(rng):
    curve = rng.uniform(0, 9, (5, 30))
    for kind in ("contrast", "sparseness"):
        np.testing.assert_allclose(measures.selectivity(7 * curve, kind), measures.selectivity(curve, kind), rtol=1e-12)
    with pytest.raises(ValueError, match=r"^curve holds -1.0; pass finite numbers of at least 0"):
        measures.selectivity([-1.0, 2.0])
    with pytest.raises(ValueError, match="angles is None"):
        measures.selectivity([1.0, 2.0], "direction")
    with pytest.raises(ValueError, match="angles are of no use"):
        measures.selectivity([1.0, 2.0], angles=[0.0, 1.0])
    with pytest.raises(ValueError, match="unknown kind 'contrasts'; did you mean 'contrast'"):
        measures.selectivity([1.0, 2.0], "contrasts")
