"""What every task promises; and associative recall: what is right, what guessing and forgetting order can reach."""

import math

import numpy as np
import pytest

import synfwp as fw
from synfwp import tasks
from synfwp.tasks import (
    MQAR,
    AssociativeRetrieval,
    Batch,
    Copy,
    EvidenceIntegration,
    Familiarity,
    InContextRegression,
    ModularAddition,
    ModularArithmetic,
    Needle,
    Parity,
    PatternCompletion,
    PermutationGroup,
    Recall,
    SelectiveCopy,
)

TASKS = [
    Recall(keys=6, values=4, writes=9),
    Recall(keys=6, values=5, writes=5, replacement=False, queries=1),
    Recall(keys=6, values=5, writes=12, queries=2),
    MQAR(keys=8, values=6, pairs=3, slots=9),
    MQAR(keys=8, values=6, pairs=3, slots=9, noise=False, power=1),
    Copy(symbols=4, items=3, gap=5),
    SelectiveCopy(symbols=4, items=3, gap=5, index=True),
    Familiarity(d=30, lags=3, length=40),
    Familiarity(d=30, lags=(5, 1, 2), length=40, repeat=0.9),
    Parity(length=(3, 12)),
    Parity(length=9, every=True),
    ModularAddition(length=(3, 12)),
    ModularAddition(length=9, every=True, modulus=5),
    ModularArithmetic(length=(3, 12)),
    ModularArithmetic(length=9, every=True, modulus=4),
    PermutationGroup(length=(2, 9), group="S3"),
    PermutationGroup(length=8, every=False, group="A4"),
    PermutationGroup(length=(2, 9), group="S4", swaps_only=True),
    PermutationGroup(length=(2, 9), group="H3"),
    InContextRegression(d_x=3, d_y=2, pairs=7, noise=0.5),
    InContextRegression(d_x=3, pairs=5, every=False),
    Needle(keys=6, values=4, distractors=12),
    EvidenceIntegration(classes=4, length=12, d=20),
    PatternCompletion(d=40, patterns=3, cycles=2, show=2, gap=1),
    AssociativeRetrieval(keys=7, values=4, pairs=3),
]
FLAGGED = (Recall, MQAR, Copy, Needle, InContextRegression)  # the last feature says whether a token writes


@pytest.fixture(params=TASKS, ids=lambda task: type(task).__name__)
def task(request):
    """One task after the other."""
    return request.param


def pooled(right, scored):
    """A ratio of sums over sequences, and its standard error: sequences are independent, tokens of one are not."""
    share = right.sum() / scored.sum()
    return share, np.linalg.norm(right - share * scored) / scored.sum()


def per_sequence(batch, answer):
    """Sums over the scored tokens of each sequence of what `accuracy` or `error` averages, and their number."""
    hit = ((answer - batch.target) ** 2).sum(axis=-1) if batch.real else answer == batch.target
    return (hit * batch.mask).sum(axis=1), batch.mask.sum(axis=1)


def test_every_public_task_is_tested_here():
    assert {type(task).__name__ for task in TASKS} == set(tasks.__all__) - {"Batch", "Reflections", "check"}


def test_a_batch_has_the_shapes_and_the_range_that_its_task_states(task, rng):
    batch = task(rng, 5)
    longest = task.length[1] if isinstance(task.length, tuple) else task.length
    if isinstance(task, ModularArithmetic):
        longest -= 1 - longest % 2
    assert batch.x.shape == (5, longest, task.d_in)
    assert batch.x.dtype == np.float64
    assert batch.x.flags.c_contiguous
    assert np.isfinite(batch.x).all()
    assert batch.mask.shape == (5, longest)
    assert batch.mask.dtype == bool
    assert batch.mask.any(axis=1).all()
    assert batch.chance == task.chance


def test_mask_and_target_agree(task, rng):
    batch = task(rng, 50)
    if batch.real:
        assert batch.target.shape == (*batch.mask.shape, task.d_out)
        assert np.all(batch.target[~batch.mask] == 0)
        assert np.all(batch.target[batch.mask] != 0)
    else:
        assert batch.target.shape == batch.mask.shape
        assert np.array_equal(batch.target >= 0, batch.mask)
        assert batch.target.max() < task.d_out
        assert batch.target.min() >= -1


def test_the_same_generator_gives_the_same_batch_and_another_seed_another(task):
    one, two, other = (task(np.random.default_rng(seed), 4) for seed in (0, 0, 1))
    assert np.array_equal(one.x, two.x)
    assert np.array_equal(one.target, two.target)
    assert np.array_equal(one.mask, two.mask)
    assert not np.array_equal(one.x, other.x)


def test_the_solver_gets_right_whatever_can_be_got_right(task, rng):
    batch = task(rng, 2000 if isinstance(task, InContextRegression) else 60)
    answer = task.solve(batch.x)
    if not batch.real:
        assert batch.accuracy(answer) == 1
        return
    error, spread = pooled(*per_sequence(batch, answer))
    assert math.isclose(error, batch.error(answer))
    if isinstance(task, PatternCompletion):
        assert error == 0
        return
    bound = task.bayes_curve()
    assert abs(error - (bound.mean() if task.every else bound[-1])) < 3 * spread + 1e-12


def test_the_best_constant_answer_is_right_at_the_chance_level(task):
    first, batch = (task(np.random.default_rng(seed), 4000) for seed in (1, 2))
    best = 0 if first.real else np.bincount(first.target[first.mask]).argmax()
    share, error = pooled(*per_sequence(batch, np.full(batch.target.shape, best)))
    if isinstance(task, PatternCompletion):  # every pattern is as far from 0
        assert (share, error) == (batch.chance, 0)
        return
    assert 0 < error < 0.04 * max(1, batch.chance)
    assert abs(share - batch.chance) < 3 * error


def test_no_class_is_commoner_than_the_chance_level(task):
    batch = task(np.random.default_rng(3), 4000)
    for constant in range(0 if batch.real else task.d_out):
        share, error = pooled(*per_sequence(batch, np.full(batch.target.shape, constant)))
        assert share < batch.chance + 4 * error  # 4: the largest of up to 24 classes


def test_a_token_that_asks_writes_nothing(task, rng):
    if isinstance(task, FLAGGED):
        batch = task(rng, 20)
        assert np.all(batch.x[batch.mask][:, -1] == 0)
        assert set(np.unique(batch.x[..., -1])) == {0, 1}


def test_every_batch_becomes_a_dataset_that_can_be_kept(task, rng, tmp_path):
    batch = task(rng, 2)
    kept = fw.load(fw.save(batch.to_dataset(), tmp_path / "batch.nc"))
    assert kept.target.dims == (("trial", "time", "output") if batch.real else ("trial", "time"))
    for name in ("x", "target", "mask"):
        assert np.array_equal(kept[name], getattr(batch, name))
        assert kept[name].dtype == getattr(batch, name).dtype
    assert float(kept.chance) == batch.chance


def test_classes_have_an_accuracy_and_real_numbers_an_error():
    real = Batch(np.zeros((1, 2, 1)), np.array([[[1.0, 2.0], [0, 0]]]), np.array([[True, False]]), 5.0)
    assert real.error(np.array([[[1.0, 0.0], [9, 9]]])) == 4
    with pytest.raises(TypeError, match=r"the targets are real numbers; use batch\.error"):
        real.accuracy(np.zeros((1, 2)))
    classes = Batch(np.zeros((1, 2, 1)), np.array([[0, -1]]), np.array([[True, False]]), 0.5)
    with pytest.raises(TypeError, match=r"the targets are classes; use batch\.accuracy"):
        classes.error(np.zeros((1, 2)))


def test_a_programmer_learns_real_targets_by_the_squared_loss_alone():
    task = InContextRegression(d_x=2, pairs=6)
    programmer = fw.Programmer(d_in=task.d_in, d_key=4, d_value=2, d_out=1, feature="identity", write_channel=-1)
    history = fw.train(programmer, task, steps=150, batch=16, loss="squared", learning_rate=0.02).history
    assert float(history.loss[-20:].mean()) < 0.6 * task.chance / 2
    assert np.isnan(history.accuracy).all()
    with pytest.raises(TypeError, match="real numbers; pass loss='squared'"):
        fw.train(programmer, task, steps=1, batch=2)


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


def test_the_expected_order_blind_accuracy_is_the_mean_over_ties():
    task = Recall(keys=6, values=4, writes=12)
    batch = task(np.random.default_rng(6), 5)
    drawn = [batch.accuracy(task.order_blind(batch.x, seed)) for seed in range(400)]
    error = np.std(drawn) / len(drawn) ** 0.5
    assert 0 < error < 0.01
    assert abs(np.mean(drawn) - task.order_blind_accuracy(batch.x)) < 4 * error


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


def test_the_default_draws_keys_values_and_queries_in_this_order():
    batch, rng = Recall(keys=5, values=4, writes=7)(np.random.default_rng(9), 3), np.random.default_rng(9)
    key, value = rng.integers(5, size=(3, 7)), rng.integers(4, size=(3, 7))
    query = rng.permuted(np.tile(np.arange(5), (3, 1)), axis=1)
    assert np.array_equal(batch.x[..., :5], np.eye(5)[np.concatenate([key, query], axis=1)])
    assert np.array_equal(batch.x[:, :7, 5:9], np.eye(4)[value])


def test_capacity_writes_every_key_and_every_value_once_and_asks_for_one():
    batch = Recall(keys=9, values=9, writes=9, replacement=False, queries=1)(np.random.default_rng(0), 400)
    assert batch.x.shape == (400, 10, 19)
    for part in (batch.x[:, :9, :9], batch.x[:, :9, 9:18]):
        assert np.array_equal(part.sum(axis=1), np.ones((400, 9)))
    assert np.array_equal(batch.mask.sum(axis=0), [0] * 9 + [400])
    asked = (batch.x[:, :9, :9] * batch.x[:, 9:, :9]).sum(axis=-1).mean(axis=0)
    assert np.all(abs(asked - 1 / 9) < 3.5 * np.sqrt(8 / 81 / 400))  # every age alike; 3.5: the largest of nine


def test_overwriting_asks_for_keys_that_were_written_before_others():
    task = Recall(keys=6, values=6, writes=4, queries=3)
    batch = task(np.random.default_rng(0), 300)
    written = batch.x[:, :4, :6].any(axis=1).sum(axis=1)
    assert set(written) >= {1, 2, 3, 4}
    assert np.array_equal(batch.mask.sum(axis=1), np.minimum(written, 3))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"^writes is 5, but without replacement there are 4 keys and 9 values"):
        Recall(keys=4, values=9, writes=5, replacement=False)
    with pytest.raises(ValueError, match=r"^queries is 5, but there are 4 keys"):
        Recall(keys=4, queries=5)
    with pytest.raises(ValueError, match=r"^queries is 0"):
        Recall(queries=0)


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
