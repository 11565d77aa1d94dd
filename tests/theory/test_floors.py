"""What no memory of a kind can do: attained by the best one, and not by others."""

import numpy as np
import pytest

from synfwp import theory


def loss(W, q, weights=None):
    """Half the squared error of the reads of one-hot values, a mean over keys."""
    return np.average(0.5 * np.square(np.eye(len(q.T)) - W @ q).sum(axis=0), weights=weights)


@pytest.mark.parametrize(("keys", "d_dot"), [(12, 5), (12, 8), (8, 8), (5, 9)])
def test_a_pseudo_inverse_memory_attains_the_floor_and_a_sum_of_outer_products_does_not(keys, d_dot):
    q = np.random.default_rng(keys).standard_normal((d_dot, keys))
    floor = theory.matrix_floor(keys, d_dot)
    assert loss(np.linalg.pinv(q), q) == pytest.approx(floor, abs=1e-12)
    q /= np.linalg.norm(q, axis=0)
    assert loss(q.T, q) > floor + 0.01


def test_a_weighted_mean_has_the_floor_of_a_memory_that_serves_the_heaviest_keys():
    weights = np.array([1.0, 3.0, 0.5, 2.0, 0.1, 1.0])
    heavy = np.argsort(weights)[-3:]
    q = np.zeros((3, 6))
    q[range(3), heavy] = 1
    floor = theory.matrix_floor(6, 3, weights)
    assert loss(q.T, q, weights) == pytest.approx(floor)
    assert floor < theory.matrix_floor(6, 3)
    assert theory.matrix_floor(6, 3, np.full(6, 0.2)) == pytest.approx(theory.matrix_floor(6, 3))
    # no other queries do better: the best matrix for each, by weighted least squares
    rng = np.random.default_rng(0)
    for _ in range(50):
        q = rng.standard_normal((3, 6))
        W = np.diag(weights) @ q.T @ np.linalg.inv(q * weights @ q.T)
        assert loss(W, q, weights) > floor


@pytest.mark.parametrize("weights", [[1.0, 2.0], [0.0] * 6])
def test_weights_that_do_not_fit_the_keys_are_refused(weights):
    with pytest.raises(ValueError, match=r"weights has shape .*; pass one for each of 6 keys, not all of them 0"):
        theory.matrix_floor(6, 3, weights)


def test_queries_without_a_common_part_do_not_attain_the_floor_of_distinct_keys():
    rng, n, values, d_dot = np.random.default_rng(1), 8, 4, 3
    found = {}
    for common in (True, False):
        q = rng.standard_normal((d_dot, n))
        q[0] = 1 if common else q[0] - q[0].mean()
        q[1:] -= 0 if common else q[1:].mean(axis=1, keepdims=True)
        rest = np.eye(n) - np.linalg.pinv(q) @ q
        wanted = np.eye(values)[rng.integers(values, size=(4000, n))]
        found[common] = 0.5 * np.square(rest @ wanted).sum(axis=(1, 2)) / n
    floor = theory.distinct_keys_floor([n], values, d_dot)
    error = found[True].std() / 4000**0.5
    assert found[True].mean() == pytest.approx(floor, abs=3 * error)
    assert found[False].mean() > floor + 10 * error


def test_the_floor_of_distinct_keys_is_a_mean_over_queries_and_none_where_features_suffice():
    assert theory.distinct_keys_floor([3, 4], 5, 4) == 0
    assert theory.distinct_keys_floor([2, 6], 5, 4) == pytest.approx(0.5 * 0.8 * 2 / 8)


def test_the_best_order_blind_answer_is_right_as_often_as_the_commonest_value():
    rng = np.random.default_rng(0)
    written = rng.integers(3, size=(5000, 4))
    counts = np.eye(3)[written].sum(axis=1)
    right = counts.argmax(axis=1) == written[:, -1]  # the latest write
    expected = theory.order_blind_accuracy(counts[:, None])
    assert right.mean() == pytest.approx(expected, abs=3 * right.std() / 5000**0.5)
    assert theory.order_blind_accuracy(np.eye(4)) == 1
