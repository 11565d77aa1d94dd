"""Repetition suppression: what is there is found in its size, what chance chose is not."""

import numpy as np
import pytest

from synfwp import measures


def responses(rng, factor, pairs=16, stimuli=8, neurons=100, driven=8.0):
    """Poisson counts; a tenth of neurons and stimuli drive, and repetition multiplies their rate."""
    rate = np.where(rng.random((stimuli, neurons)) < 0.1, driven, 2.0)
    stimulus = np.tile(np.arange(stimuli), pairs)
    first, repeated = rng.poisson(rate[stimulus]), rng.poisson(factor * rate[stimulus])
    return first.astype(float), repeated.astype(float), stimulus


def test_no_suppression_is_found_where_there_is_none_and_the_biased_index_finds_some(rng):
    found = [measures.repetition_suppression(*responses(rng, 1.0, pairs=2, driven=2.0), splits=10) for _ in range(20)]
    index = np.array([float(one["index"].mean()) for one in found])
    assert abs(index.mean()) < 3 * index.std(ddof=1) / 20**0.5
    assert index.std(ddof=1) < 0.06
    assert min(float(one.biased_index) for one in found) > 0.2


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25])
def test_suppression_is_found_in_its_size(factor, rng):
    found = [
        float(measures.repetition_suppression(*responses(rng, factor), splits=5)["index"].mean()) for _ in range(8)
    ]
    error = np.std(found, ddof=1) / 8**0.5
    assert np.mean(found) == pytest.approx((1 - factor) / (1 + factor), abs=max(4 * error, 0.004))


def test_without_stimuli_neurons_alone_are_chosen_and_silence_has_no_index(rng):
    first = rng.poisson(np.arange(1.0, 21.0), (12, 20)).astype(float)
    found = measures.repetition_suppression(first, first / 3, share=0.1, splits=4)
    np.testing.assert_allclose(found["index"], 0.5, rtol=1e-12)
    assert int(found.chosen) == 2
    assert np.isnan(measures.repetition_suppression(0 * first, 0 * first)["index"]).all()


def test_pairs_that_are_none_are_refused(rng):
    first = np.ones((4, 3))
    with pytest.raises(ValueError, match="repeated has shape"):
        measures.repetition_suppression(first, first[:3])
    with pytest.raises(ValueError, match="has one pair"):
        measures.repetition_suppression(first, first, [0, 0, 0, 1])
    with pytest.raises(ValueError, match="first holds -1"):
        measures.repetition_suppression(-first, first)
