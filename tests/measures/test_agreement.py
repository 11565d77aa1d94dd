"""Measures of agreement: what they are blind to, what they see, and the trap that they avoid."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synfwp import measures
from synfwp.measures import auc, centred_correlation, norm_ratio, recall_agreement

matrix = arrays(float, (3, 4), elements=st.floats(-1, 1, width=16))


@given(matrix, matrix, st.floats(0.1, 10), st.floats(-5, 5))
def test_the_centred_correlation_is_blind_to_scale_and_offset(W, reference, scale, offset):
    # an offset of 5 against deviations of at least one 16-bit step, 6e-8, leaves 16 - 8 digits
    assert centred_correlation(W, reference) == pytest.approx(centred_correlation(reference, W), abs=1e-12)
    assert centred_correlation(scale * W, reference) == pytest.approx(centred_correlation(W, reference), abs=1e-9)
    if np.ptp(W) > 1e-3:
        moved = centred_correlation(scale * W + offset, reference)
        assert moved == pytest.approx(centred_correlation(W, reference), abs=1e-9)


def test_the_centred_correlation_is_that_of_pearson(rng):
    W, reference = rng.standard_normal((2, 5, 3, 4)), rng.standard_normal((5, 3, 4))
    found = centred_correlation(W, reference)
    assert found.shape == (2, 5)
    expected = [[np.corrcoef(W[i, j].ravel(), reference[j].ravel())[0, 1] for j in range(5)] for i in range(2)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.3])
def test_a_constant_matrix_agrees_with_nothing(value, rng):
    constant = np.full((3, 5), value)
    assert centred_correlation(constant, rng.standard_normal((3, 5))) == 0
    assert centred_correlation(constant, np.full((3, 5), 0.7)) == 0
    assert recall_agreement(constant, np.full((3, 5), 0.7)) == 0


def test_the_raw_cosine_of_two_unrelated_sums_of_uniform_items_is_91_percent_and_the_centred_one_is_not(rng):
    raw, centred = [], []
    for _ in range(40):
        W, other = (rng.uniform(0, 1, (8, 64)).T @ rng.uniform(0, 1, (8, 64)) for _ in range(2))
        raw.append((W * other).sum() / np.linalg.norm(W) / np.linalg.norm(other))
        centred.append(centred_correlation(W, other))
    # standard errors: .001 and .02
    assert np.mean(raw) == pytest.approx(0.91, abs=0.03)
    assert abs(np.mean(centred)) < 0.1


def test_recall_is_compared_over_the_tokens_that_are_read(rng):
    y, reference = rng.standard_normal((2, 6, 3)), rng.standard_normal((2, 6, 3))
    read = np.array([True, False, True, True, False, True])
    both = np.broadcast_to(read, (2, 6))
    np.testing.assert_allclose(
        recall_agreement(y, reference, both), recall_agreement(y[:, read], reference[:, read]), atol=1e-12
    )
    changed = np.where(read[:, None], y, 1e6)
    np.testing.assert_allclose(
        recall_agreement(changed, reference, both), recall_agreement(y, reference, both), atol=1e-9
    )


def test_recall_is_centred_unit_by_unit(rng):
    y = rng.standard_normal((50, 3))
    assert recall_agreement(y + np.array([5.0, -5.0, 100.0]), y) == pytest.approx(1.0, abs=1e-12)
    assert recall_agreement(-y, y) == pytest.approx(-1.0, abs=1e-12)
    # two sets of random reads with the same large means: 3 standard errors of a correlation of 147 numbers
    means = np.array([5.0, -5.0, 100.0])
    assert abs(recall_agreement(y + means, rng.standard_normal((50, 3)) + means)) < 3 / np.sqrt(147)


def test_nothing_read_and_one_token_read_agree_with_nothing(rng):
    y = rng.standard_normal((4, 2))
    assert recall_agreement(y, y, np.zeros(4, bool)) == 0
    assert recall_agreement(y, y, np.arange(4) == 1) == 0


def test_the_norm_ratio_is_a_ratio_and_undefined_for_a_reference_of_zero(rng):
    W = rng.standard_normal((5, 3, 4))
    np.testing.assert_allclose(norm_ratio(-2 * W, W), 2, atol=1e-12)
    assert np.isnan(norm_ratio(W, np.zeros((5, 3, 4)))).all()


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=30))
def test_the_area_under_the_curve_is_the_share_of_ordered_pairs(items):
    score, positive = np.array([s for s, _ in items], float), np.array([p for _, p in items])
    if positive.all() or not positive.any():
        with pytest.raises(ValueError, match="the area needs both"):
            auc(score, positive)
        return
    above = score[positive][:, None] - score[~positive]
    assert auc(score, positive) == pytest.approx(np.mean((above > 0) + 0.5 * (above == 0)), abs=1e-12)


def test_a_slope_is_the_size_of_what_is_common_and_noise_leaves_it(rng):
    reference, noise = rng.standard_normal((2, 5, 40, 60))
    found = measures.slope(0.7 * reference + noise + 3, reference)
    # 2400 entries: 1 / 49 each
    np.testing.assert_allclose(found, 0.7, atol=0.1)
    expected = measures.centred_correlation(0.7 * reference + noise, reference)
    assert (expected < 0.7).all()
    assert np.isnan(measures.slope(reference[0], np.ones((40, 60))))


def test_a_crossing_that_is_refused(rng):
    with pytest.raises(ValueError, match="one for each"):
        measures.crossing([1.0, 2.0], [1.0], 0.5)
    with pytest.raises(ValueError, match="above 0"):
        measures.crossing([0.0, 2.0], [0.0, 1.0], 0.5)
