"""In-context regression: the exact curves against the rules that they describe, and against other curves."""

import numpy as np
import pytest

import synfwp as fw
from synfwp.tasks import InContextRegression
from synfwp.theory.wishart import mean_sum

TASK = InContextRegression(d_x=4, d_y=2, pairs=10, noise=0.6)
N = 20_000  # errors have heavy tails: with fewer sequences the standard error is itself uncertain
BETA = 0.05  # small enough that no key of 4 normal numbers makes a step overshoot


def errors(task, answer, batch):
    """Mean squared error at every query, and its standard error over the sequences."""
    error = ((answer - batch.target) ** 2).sum(axis=-1)[:, ::2]
    return error.mean(axis=0), error.std(axis=0, ddof=1) / np.sqrt(len(error))


def read(rule, batch, beta, decay=None):
    """What a rule answers that is told to write y to x and to read at x."""
    x, y, write = batch.x[..., :4], batch.x[..., 4:6], batch.x[..., -1:]
    return fw.scan(
        rule, x, x * write, y * write, np.broadcast_to(beta, write.shape)[..., 0] * write[..., 0], decay=decay
    ).y


def agrees(found, curve):
    """Whether every point is within three standard errors."""
    mean, error = found
    return bool(np.all(abs(mean - curve) < 3 * error))


def test_the_hebb_curve_is_what_the_hebbian_rule_reaches():
    batch = TASK(np.random.default_rng(0), N)
    found = errors(TASK, read("hebb", batch, BETA), batch)
    assert agrees(found, TASK.hebb_curve(BETA))
    assert not agrees(found, TASK.hebb_curve(1.2 * BETA))
    assert not agrees(found, InContextRegression(d_x=4, d_y=2, pairs=10, noise=0.8).hebb_curve(BETA))


def test_averaging_is_the_hebbian_rule_divided_by_the_number_of_pairs():
    batch = TASK(np.random.default_rng(1), N)
    pairs = np.maximum(np.arange(TASK.length) // 2, 1)
    found = errors(TASK, read("hebb", batch, 1.0) / pairs[:, None], batch)
    assert agrees(found, TASK.hebb_curve())
    assert not agrees(found, TASK.hebb_curve(0.1))


def test_the_delta_curve_is_what_the_delta_rule_reaches():
    batch = TASK(np.random.default_rng(2), N)
    found = errors(TASK, read("delta", batch, BETA), batch)
    assert agrees(found, TASK.delta_curve(BETA))
    assert not agrees(found, TASK.delta_curve(1.2 * BETA))
    assert not agrees(found, TASK.hebb_curve(BETA))


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.6])
def test_the_bayes_curve_is_what_recursive_least_squares_reach(noise):
    task = InContextRegression(d_x=4, d_y=2, pairs=10, noise=noise)
    batch = task(np.random.default_rng(3), N)
    mean, error = errors(task, task.solve(batch.x), batch)
    assert np.all(abs(mean - task.bayes_curve()) < 3 * error + 1e-9)  # 1e-9: without noise the error ends at 0
    other = InContextRegression(d_x=4, d_y=2, pairs=10, noise=noise + 0.1).bayes_curve()
    assert not agrees((mean, error + 1e-9), other)


def test_the_solver_is_ridge_regression_with_the_noise_as_the_ridge():
    batch = TASK(np.random.default_rng(4), 20)
    answer = TASK.solve(batch.x)
    for b in range(20):
        for n in range(TASK.pairs + 1):
            x, y = batch.x[b, 1 : 2 * n : 2, :4], batch.x[b, 1 : 2 * n : 2, 4:6]
            w = np.linalg.solve(x.T @ x + 0.36 * np.eye(4), x.T @ y)
            assert np.allclose(answer[b, 2 * n], batch.x[b, 2 * n, :4] @ w, rtol=1e-9, atol=1e-12)
    assert np.all(answer[:, 1::2] == 0)


def test_bayes_is_below_every_other_curve():
    bayes = TASK.bayes_curve()
    for beta in np.linspace(0.01, 0.3, 30):
        assert np.all(bayes <= TASK.delta_curve(beta) + 1e-12)
        assert np.all(bayes <= TASK.hebb_curve(beta) + 1e-12)
    best = [
        min(TASK.hebb_curve(beta)[10] for beta in np.linspace(0.01, 0.3, 291)),
        TASK.hebb_curve(1 / (15 + 0.36))[10],
    ]
    assert best[1] <= best[0] < best[1] + 1e-3


def test_the_steps_of_the_delta_rule_stop_to_help_at_two_over_d_plus_two():
    task = InContextRegression(d_x=4, pairs=200)
    assert task.delta_curve(0.99 * 2 / 6)[-1] < task.chance < task.delta_curve(1.01 * 2 / 6)[-1]


@pytest.mark.parametrize(("n", "d"), [(1, 1), (5, 9), (7, 7), (12, 4), (9, 5), (40, 8), (60, 30), (200, 3)])
def test_averages_over_random_matrices_are_exact(n, d):
    assert mean_sum(lambda s: s, n, d) == pytest.approx(n * d, rel=1e-12)
    assert mean_sum(np.square, n, d) == pytest.approx(n * d * (n + d + 1), rel=1e-12)
    if n > d + 1:
        assert mean_sum(lambda s: 1 / s, n, d) == pytest.approx(d / (n - d - 1), rel=1e-12)


def test_the_query_shows_x_and_hides_y_which_the_next_token_writes():
    batch = TASK(np.random.default_rng(5), 30)
    x, y = batch.x[..., :4], batch.x[..., 4:6]
    assert np.array_equal(x[:, 0:-1:2], x[:, 1::2])
    assert np.array_equal(batch.target[:, 0:-1:2], y[:, 1::2])
    assert not y[:, ::2].any()
    late = InContextRegression(d_x=4, pairs=6, every=False)(np.random.default_rng(5), 30)
    assert np.array_equal(late.x[..., -1], np.tile(np.arange(7) < 6, (30, 1)))
    assert np.array_equal(late.mask, np.tile(np.arange(7) == 6, (30, 1)))


def test_without_noise_all_pairs_lie_on_one_line_through_the_origin():
    batch = InContextRegression(d_x=4, d_y=3, pairs=9)(np.random.default_rng(6), 20)
    for token in batch.x[:, 1::2]:
        assert np.linalg.matrix_rank(token[:, :7], tol=1e-9) == 4


@pytest.mark.parametrize(("name", "value"), [("d_x", 0), ("d_y", 0), ("pairs", 0), ("noise", -1)])
def test_sizes_and_noise_are_checked_by_name(name, value):
    with pytest.raises(ValueError, match=f"^{name} is {value}"):
        InContextRegression(**{name: value})
