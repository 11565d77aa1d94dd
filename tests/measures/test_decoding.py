"""Decoders: a planted code is found, a shuffled one is at chance, folds leak nothing, and scikit-learn agrees."""

import numpy as np
import pytest
from scipy.stats import norm

from synfwp import measures
from synfwp.measures import samples

DECODERS = ("centroid", "logistic", "ridge", "lda")


def planted(rng, classes=4, trials=20, features=10, size=2.0):
    """Trials with normal patterns of a size in standard deviations of the noise."""
    labels = np.repeat(np.arange(classes), trials)
    return rng.normal(size=(len(labels), features)) + size * rng.normal(size=(classes, features))[labels], labels


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_planted_code_is_found_and_a_shuffled_one_is_at_chance(decoder, rng):
    if decoder != "centroid":
        pytest.importorskip("sklearn")
    X, labels = planted(rng)
    found = measures.decode(X, labels, decoder, folds=3, shuffles=19)
    assert found.accuracy > 0.95
    assert float(found.p) == 1 / 20
    error = float(found.shuffled_accuracy.std(ddof=1)) / 19**0.5
    assert float(found.shuffled_accuracy.mean()) == pytest.approx(0.25, abs=3 * error)
    assert error < 0.02
    assert float(measures.decode(X, rng.permutation(labels), decoder).accuracy) < 0.25 + 4 * (0.25 * 0.75 / 80) ** 0.5
    assert int(found.confusion.sum()) == 80
    assert float(np.trace(found.confusion) / 80) == pytest.approx(float(found.accuracy))


def test_two_classes_are_told_apart_as_often_as_their_distance_allows(rng):
    labels = np.tile([0, 1], 5000)
    X = rng.normal(size=(10_000, 1)) + 1.0 * labels[:, None]
    # equal normals at a distance of 1: Phi(1/2); standard error .005
    assert float(measures.decode(X, labels).accuracy) == pytest.approx(norm.cdf(0.5), abs=0.015)


def test_the_nearest_centroid_is_that_of_scikit_learn(rng):
    neighbors = pytest.importorskip("sklearn.neighbors")
    X, labels = planted(rng, size=0.5)
    found = measures.decode(X * rng.uniform(0.1, 9, 10), labels, folds=3)
    X = X * 1.0
    for fold in range(3):
        out = found.fold.values == fold
        mean, sd = X[~out].mean(axis=0), X[~out].std(axis=0)
        other = neighbors.NearestCentroid().fit((X[~out] - mean) / sd, labels[~out])
        np.testing.assert_array_equal(found.predicted.values[out], other.predict((X[out] - mean) / sd))


def test_folds_are_balanced_groups_stay_together_and_leaving_one_out_is_n_folds(rng):
    labels = rng.permutation(np.repeat([0, 1, 2], (20, 30, 40)))
    fold = measures.decode(rng.normal(size=(90, 2)), labels, folds=5).fold.values
    assert [np.bincount(fold[labels == i], minlength=5).tolist() for i in range(3)] == [[4] * 5, [6] * 5, [8] * 5]
    groups = np.repeat(np.arange(18), 5)
    fold = measures.decode(rng.normal(size=(90, 2)), labels, folds=6, groups=groups).fold.values.reshape(18, 5)
    assert (fold == fold[:, :1]).all()
    assert np.bincount(fold[:, 0]).tolist() == [3] * 6
    assert sorted(measures.decode(rng.normal(size=(9, 2)), np.arange(9) % 3, folds=9).fold.values) == list(range(9))


def test_what_is_common_to_a_group_is_no_code_where_groups_are_held_out(rng):
    groups, labels = np.repeat(np.arange(40), 5), np.repeat(np.arange(40) % 4, 5)
    X = 5 * rng.normal(size=(40, 30))[groups] + rng.normal(size=(200, 30))  # each block has its own offset, and a label
    assert measures.decode(X, labels).accuracy > 0.6
    # 40 independent blocks: a standard error of .07
    assert float(measures.decode(X, labels, groups=groups).accuracy) < 0.25 + 3 * 0.07


def test_p_values_without_a_code_are_uniform(rng):
    p = [
        float(measures.decode(rng.normal(size=(40, 5)), np.arange(40) % 2, folds=4, shuffles=19, seed=i).p)
        for i in range(150)
    ]
    # at most 0.1 by construction; 150 tests: a standard error of .024
    assert np.mean(np.array(p) <= 0.1) < 0.1 + 3 * 0.024
    assert 0.4 < np.mean(p) < 0.7


def test_the_control_of_groups_exchanges_whole_groups(rng):
    groups, labels = np.repeat(np.arange(40), 5), np.repeat(np.arange(40) % 4, 5)
    p, single = [], []
    for i in range(30):
        X = 5 * rng.normal(size=(40, 5))[groups] + rng.normal(size=(200, 5))
        found = measures.decode(X, labels, groups=groups, shuffles=19, seed=i)
        p.append(float(found.p))
        broken = np.array([float(measures.decode(X, rng.permutation(labels), folds=2).accuracy) for _ in range(9)])
        single.append(samples.chance_of(float(found.accuracy), broken))
    # 30 tests at .1: a standard error of .055
    assert np.mean(np.array(p) <= 0.1) < 0.1 + 3 * 0.055
    assert np.mean(np.array(single) <= 0.1) > 0.1 + 3 * 0.055  # a control that breaks groups up
    uneven = np.concatenate([groups[:-1], [0]])
    with pytest.raises(ValueError, match="groups hold from 4 to 6 trials of several labels"):
        measures.decode(X, np.arange(200) % 4, groups=uneven, shuffles=1)
    uneven = np.concatenate([groups[:-5], np.zeros(5, int)])
    found = measures.decode(X, uneven % 4, groups=uneven, shuffles=5)
    assert found.shuffled_accuracy.size == 5


def test_a_code_that_stays_is_a_square_and_one_that_changes_a_diagonal(rng):
    labels = np.tile(np.arange(3), 20)
    stays, early, late = rng.normal(size=(3, 3, 20))
    noise = rng.normal(size=(60, 20, 4)) / 2
    square = noise + stays[labels][:, :, None] + np.array([0.0, 9.0, 0.0, 9.0])  # all rates rise at two of the times
    found = measures.decode_across_times(square, labels, shuffles=19)
    assert (found.accuracy > 0.95).all()
    assert (found.p == 1 / 20).all()
    changes = noise + np.stack([early[labels]] * 2 + [late[labels]] * 2, axis=2)
    accuracy = measures.decode_across_times(changes, labels).accuracy.values
    assert (accuracy[:2, :2] > 0.95).all()
    assert (accuracy[2:, 2:] > 0.95).all()
    assert (accuracy[:2, 2:] < 0.8).all()
    one = measures.decode(changes[:, :, 0], labels)
    assert float(one.accuracy) == accuracy[0, 0]
    np.testing.assert_array_equal(found.predicted.sel(train_time=0, test_time=0), labels)


def test_weights_hold_what_activity_does_not(rng):
    labels, keys = np.tile(np.arange(4), 25), np.eye(3)
    values = rng.normal(size=(4, 6))
    W = np.einsum("tv,tk->tvk", values[labels] + rng.normal(size=(100, 6)), keys[rng.integers(3, size=100)])
    silent = rng.poisson(2.0, size=(100, 6)).astype(float)
    recalled = W.sum(axis=2)  # the query drives all keys
    found = measures.compare_decoding({"weights": W, "activity": silent, "recalled": recalled}, labels, shuffles=99)
    assert found.p.sel(source="weights") == found.p.sel(source="recalled") == 0.01
    assert found.p.sel(source="activity") > 0.05
    assert (found.fold == found.fold.isel(source=0)).all()


def test_the_power_is_the_level_without_a_code_and_rises_with_it(rng):
    X, labels = rng.poisson(3.0, size=(120, 15)).astype(float), np.arange(120) % 6
    found = measures.detection_power(X, labels, [0.0, 0.3, 2.0], repeats=99)
    # at most 5 % by construction, given the threshold; 99 repeats on each side: a standard error of .03
    assert float(found.power[0]) < 0.05 + 3 * 0.03
    assert float(found.power[2]) == 1
    assert (np.diff(found.accuracy) > 0).all()
    assert ((found.power_low <= found.power) & (found.power <= found.power_high)).all()
    code = rng.uniform(0, 6, (6, 15))
    again = measures.detection_power(X, labels, [0.0, 1.0], code, repeats=99)
    assert float(again.power[1]) == 1
    assert float(again.threshold) == float(found.threshold)


def test_a_code_that_is_there_does_not_count_as_a_planted_one(rng):
    X, labels = planted(rng, size=2.0)
    found = measures.detection_power(X, labels, [0.0], repeats=99)
    assert float(found.power[0]) < 0.05 + 3 * 0.03


def test_what_cannot_be_decoded_is_refused(rng):
    X = rng.normal(size=(10, 3))
    for error, match, call in (
        (ValueError, "labels has shape \\(9,\\) for 10 trials", lambda: measures.decode(X, np.zeros(9))),
        (ValueError, "labels hold 1 class", lambda: measures.decode(X, np.zeros(10))),
        (ValueError, "labels hold class 1 of 2", lambda: measures.decode(X, np.arange(10) == 3)),
        (ValueError, "folds is 11 for 10 trials", lambda: measures.decode(X, np.arange(10) % 2, folds=11)),
        (ValueError, "unknown decoder|decoder 'centroids'", lambda: measures.decode(X, np.arange(10) % 2, "centroids")),
        (ValueError, "X has shape", lambda: measures.decode(X[:, 0], np.arange(10) % 2)),
        (ValueError, "code has shape", lambda: measures.detection_power(X, np.arange(10) % 2, [1.0], X)),
        (TypeError, "sources is", lambda: measures.compare_decoding(X, np.arange(10) % 2)),
        (TypeError, "labels is", lambda: measures.decode(X, [None] * 10)),
    ):  # fmt: skip
        with pytest.raises(error, match=match):
            call()


def test_scikit_learn_that_is_missing_is_named_with_the_cure(monkeypatch, rng):
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    with pytest.raises(ImportError, match=r'needs scikit-learn; install it with: pip install "synfwp\[data\]"'):
        measures.decode(rng.normal(size=(10, 3)), np.arange(10) % 2, "logistic")
    assert samples.chance_of(1.0, np.zeros(9)) == 0.1
