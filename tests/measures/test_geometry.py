"""Geometry: invariances, agreement with SciPy and with the definitions, and what bias does with few trials."""

import numpy as np
import pytest
import scipy.spatial
from scipy.stats import ortho_group, spearmanr

from synfwp import dynamics, measures


@pytest.fixture
def pair(rng):
    return rng.normal(size=(12, 7)), rng.normal(size=(12, 5))


def test_dissimilarities_are_those_of_numpy_and_blind_to_what_they_should_be(rng):
    X = rng.normal(size=(9, 20))
    np.testing.assert_allclose(measures.rdm(X), 1 - np.corrcoef(X), atol=1e-12)
    euclid = np.linalg.norm(X[:, None] - X, axis=-1)
    np.testing.assert_allclose(measures.rdm(X, "euclidean"), euclid, atol=1e-12)
    np.testing.assert_allclose(measures.rdm(X, "sqeuclidean"), euclid**2, atol=1e-12)
    np.testing.assert_allclose(
        measures.rdm(X * rng.uniform(1, 9, (9, 1)) + rng.normal(size=(9, 1))), measures.rdm(X), atol=1e-12
    )
    turn = ortho_group.rvs(20, random_state=0)
    np.testing.assert_allclose(measures.rdm(X @ turn + rng.normal(size=20), "euclidean"), euclid, atol=1e-12)
    np.testing.assert_allclose(measures.rdm(X @ turn, "cosine"), measures.rdm(X, "cosine"), atol=1e-12)


def test_two_representations_of_one_geometry_agree_and_unrelated_ones_do_not(rng):
    latent = rng.normal(size=(15, 4))
    one, other = (measures.rdm(latent @ rng.normal(size=(4, 200)), "euclidean") for _ in range(2))
    found = measures.rsa(one, other, permutations=199)
    assert found.correlation > 0.8
    assert float(found.p) == 1 / 200
    above = np.triu_indices(15, 1)
    assert float(found.correlation) == pytest.approx(spearmanr(one[above], other[above])[0], abs=1e-12)
    pearson = measures.rsa(one, other, "pearson", permutations=0)
    assert float(pearson.correlation) == pytest.approx(np.corrcoef(one[above], other[above])[0, 1], abs=1e-12)
    assert np.isnan(pearson.p)


def test_the_test_of_dissimilarities_has_its_level_where_one_of_single_entries_has_not(rng):
    p, single = [], []
    for i in range(200):
        one, other = (measures.rdm(rng.normal(size=(12, 1)), "euclidean") for _ in range(2))
        p.append(float(measures.rsa(one, other, permutations=99, seed=i).p))
        above = np.triu_indices(12, 1)
        single.append(spearmanr(one[above], other[above], alternative="greater")[1])
    # 200 tests: a standard error of .015
    assert np.mean(np.array(p) <= 0.05) < 0.05 + 3 * 0.0155
    assert np.mean(np.array(single) <= 0.05) > 0.05 + 3 * 0.0155


def test_alignment_is_blind_to_rotation_size_and_offset_but_not_to_other_maps(pair, rng):
    X, Y = pair
    turn = ortho_group.rvs(7, random_state=1)
    for debiased in (False, True):
        expected = measures.linear_cka(X, Y, debiased)
        assert measures.linear_cka(3 * X @ turn + 5, Y, debiased) == pytest.approx(expected, abs=1e-12)
        assert measures.linear_cka(Y, X, debiased) == pytest.approx(expected, abs=1e-12)
        assert measures.linear_cka(X, X @ turn, debiased) == pytest.approx(1, abs=1e-12)
        assert measures.linear_cka(X @ np.diag([9, 1, 1, 1, 1, 1, 1.0]), X, debiased) < 0.9


def test_alignment_is_its_definition_by_covariances_and_by_the_estimate_of_song(pair):
    X, Y = (x - x.mean(axis=0) for x in pair)
    n = len(X)
    expected = np.linalg.norm(Y.T @ X) ** 2 / np.linalg.norm(X.T @ X) / np.linalg.norm(Y.T @ Y)
    assert measures.linear_cka(X, Y) == pytest.approx(expected, rel=1e-12)

    def hsic(K, L):  # Song et al. 2012, eq. 5, term by term
        K, L, one = K - np.diag(np.diag(K)), L - np.diag(np.diag(L)), np.ones(n)
        both = (one @ K @ one) * (one @ L @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ K @ L @ one)
        return (np.trace(K @ L) + both) / (n * (n - 3))

    K, L = X @ X.T, Y @ Y.T
    expected = hsic(K, L) / np.sqrt(hsic(K, K) * hsic(L, L))
    assert measures.linear_cka(X, Y, debiased=True) == pytest.approx(expected, rel=1e-10)


def test_few_trials_of_many_neurons_look_aligned_and_the_debiased_estimate_does_not(rng):
    found = np.array(
        [[measures.linear_cka(*rng.normal(size=(2, 20, 200)), d) for d in (False, True)] for _ in range(50)]
    )
    assert found[:, 0].mean() > 0.85
    error = found[:, 1].std(ddof=1) / 50**0.5
    assert abs(found[:, 1].mean()) < 3 * error
    assert error < 0.02


def test_the_procrustes_distance_is_that_of_scipy_and_a_metric(rng):
    X, Y, Z = rng.normal(size=(3, 12, 5))
    found = measures.procrustes_distance(X, Y)
    disparity = scipy.spatial.procrustes(X, Y)[2]  # 1 - (sum of singular values)^2
    assert found == pytest.approx(np.sqrt(2 - 2 * np.sqrt(1 - disparity)), abs=1e-12)
    assert found == pytest.approx(measures.procrustes_distance(Y, X), abs=1e-12)
    assert found <= measures.procrustes_distance(X, Z) + measures.procrustes_distance(Z, Y)
    turn = ortho_group.rvs(5, random_state=0)
    # the square root of rounding
    assert measures.procrustes_distance(X, 2 * X @ turn - 7) == pytest.approx(0, abs=1e-7)
    assert found == pytest.approx(measures.procrustes_distance(X, np.pad(Y, ((0, 0), (0, 3)))), abs=1e-12)
    assert np.isnan(measures.procrustes_distance(X, np.ones((12, 2))))


def test_the_participation_ratio_of_responses_is_that_of_their_covariance(rng):
    X = rng.normal(size=(500, 10)) * np.array([5.0, 3.0] + [0.1] * 8) + 4
    value = np.linalg.eigvalsh(np.cov(X.T))
    found = dynamics.participation_ratio(X - X.mean(axis=0))
    assert float(found) == pytest.approx(value.sum() ** 2 / np.square(value).sum(), rel=1e-10)
    assert 1 < float(found) < 2


def test_what_has_no_geometry_is_refused(rng):
    X = rng.normal(size=(6, 4))
    with pytest.raises(ValueError, match="X has the same response of all features"):
        measures.rdm(np.vstack([X, np.full(4, 0.3)]))
    with pytest.raises(ValueError, match="pass matrices of the same conditions"):
        measures.rsa(measures.rdm(X), measures.rdm(X[:5]))
    with pytest.raises(ValueError, match=r"one of shape .* is no symmetric matrix"):
        measures.rsa(X[:4], measures.rdm(X[:4]))
    with pytest.raises(ValueError, match="the same dissimilarity everywhere"):
        measures.rsa(1 - np.eye(4), measures.rdm(X[:4]))
    with pytest.raises(ValueError, match="X has 6 trials and Y 5"):
        measures.linear_cka(X, X[:5])
    with pytest.raises(ValueError, match="pass at least 4 rows"):
        measures.linear_cka(X[:3], X[:3], debiased=True)
