"""Associative recall with overwriting: what is asked, what is right, what guessing and forgetting order can reach."""

import math

import numpy as np
import pytest

import synfwp as fw
from synfwp.tasks import Batch, Recall


def answers(batch, answer):
    """Share of right answers in each sequence, and their mean's standard error over the sequences."""
    right = np.array([np.mean(a[m] == t[m]) for a, t, m in zip(answer, batch.target, batch.mask, strict=True)])
    return right.mean(), right.std(ddof=1) / np.sqrt(len(right))


def most_frequent_share(n, values):
    """E[largest count of n draws out of ``values``] / n: from P(all counts <= m), the coefficient of x^n in a power."""
    expected = 0.0
    for m in range(n):
        series = np.zeros(n + 1)
        series[: m + 1] = [1 / math.factorial(j) for j in range(m + 1)]
        power = np.eye(1, n + 1)[0]
        for _ in range(values):
            power = np.convolve(power, series)[: n + 1]
        expected += 1 - math.factorial(n) * power[n] / values**n
    return expected / n


def ceiling(task):
    """Exact accuracy of the best answer that ignores order: the order of the writes to a key is exchangeable."""
    p, found, seen = 1 / task.keys, 0.0, 0.0
    for n in range(1, 16):  # P(16 or more writes to one of 32 keys in 64 draws) is below 1e-9
        weight = math.comb(task.writes, n) * p**n * (1 - p) ** (task.writes - n)
        found += weight * most_frequent_share(n, task.values)
        seen += weight
    return found / seen


def test_the_solver_is_always_right():
    for keys, values, writes in ((32, 32, 64), (4, 8, 6), (1, 1, 1), (3, 2, 40)):
        task = Recall(keys, values, writes)
        batch = task(np.random.default_rng(1), 20)
        answer = task.solve(batch.x)
        assert batch.accuracy(answer) == 1.0
        assert np.all(answer[~batch.mask] == -1)  # it knows no answer where none is scored


def test_the_order_blind_ceiling_is_59_6_percent():
    task = Recall()
    batch = task(np.random.default_rng(2), 300)
    mean, error = answers(batch, task.order_blind(batch.x))
    assert round(100 * ceiling(task), 1) == 59.6
    # the mean of the shares of sequences: they differ in how many keys are scored, but hardly in the share
    assert abs(mean - ceiling(task)) < 3 * error
    assert 3 * error < 0.02


def test_the_ceiling_is_reached_by_no_fixed_choice_among_the_writes():
    task = Recall()
    batch = task(np.random.default_rng(3), 300)
    first, error = answers(batch, task._answer(batch.x, lambda written: written[0]))
    assert first < ceiling(task) - 3 * error
    assert answers(batch, task._answer(batch.x, lambda written: written[-1]))[0] == 1


def test_guessing_is_right_at_the_chance_level():
    task = Recall(keys=8, values=4, writes=12)
    batch = task(np.random.default_rng(4), 400)
    assert batch.chance == 0.25
    guess = np.random.default_rng(5).integers(4, size=batch.target.shape)
    mean, error = answers(batch, guess)
    assert abs(mean - batch.chance) < 3 * error


def test_every_key_is_queried_once_in_random_order_and_scored_where_it_was_written():
    task = Recall(keys=6, values=5, writes=8)
    batch = task(np.random.default_rng(6), 50)
    assert batch.x.shape == (50, task.length, task.d_in) == (50, 14, 12)
    assert task.d_out == 5
    key, value, flag = batch.x[..., :6], batch.x[..., 6:-1], batch.x[..., -1]
    assert np.all(key.sum(axis=-1) == 1)
    assert np.all(flag == (np.arange(14) < 8))
    assert np.array_equal(value.sum(axis=-1), flag)
    query = key[:, 8:].argmax(axis=-1)
    assert np.array_equal(np.sort(query, axis=1), np.tile(np.arange(6), (50, 1)))
    assert len({tuple(row) for row in query}) > 40  # of 720 orders
    assert not batch.mask[:, :8].any()
    written = key[:, :8].any(axis=1)
    assert np.array_equal(batch.mask[:, 8:], np.take_along_axis(written, query, axis=1) > 0)
    assert np.all(batch.target[~batch.mask] == -1)
    assert batch.mask.any(axis=1).all()


def test_the_same_seed_gives_the_same_batch_and_another_seed_another():
    task = Recall()
    one, two, other = (task(np.random.default_rng(seed), 3) for seed in (0, 0, 1))
    assert np.array_equal(one.x, two.x)
    assert np.array_equal(one.target, two.target)
    assert not np.array_equal(one.x, other.x)
    assert np.array_equal(task.order_blind(one.x, seed=3), task.order_blind(one.x, seed=3))
    assert not np.array_equal(task.order_blind(one.x, seed=3), task.order_blind(one.x, seed=4))


def test_accuracy_counts_scored_tokens_alone():
    batch = Batch(np.zeros((1, 3, 1)), np.array([[1, 2, -1]]), np.array([[True, True, False]]), 0.5)
    assert batch.accuracy(np.array([[1, 0, -1]])) == 0.5
    assert batch.accuracy([[0, 2, 7]]) == 0.5


def test_a_batch_becomes_a_dataset_that_can_be_kept(tmp_path):
    batch = Recall(keys=4, values=3, writes=5)(np.random.default_rng(0), 2)
    ds = batch.to_dataset()
    assert dict(ds.sizes) == {"trial": 2, "time": 9, "feature": 8}
    kept = fw.load(fw.save(ds, tmp_path / "batch.nc"))
    for name in ("x", "target", "mask"):
        assert np.array_equal(kept[name], getattr(batch, name))
        assert kept[name].dtype == getattr(batch, name).dtype
        assert kept[name].attrs["long_name"]
    assert float(kept.chance) == 1 / 3


@pytest.mark.parametrize("name", ["keys", "values", "writes"])
def test_sizes_that_are_not_positive_integers_are_refused_by_name(name):
    with pytest.raises(ValueError, match=f"^{name} is 0; pass an integer of at least 1"):
        Recall(**{name: 0})
    with pytest.raises(TypeError, match=rf"^{name} is 1\.5"):
        Recall(**{name: 1.5})
