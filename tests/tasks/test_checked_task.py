"""What `tasks.check` refuses of a task, and what it measures."""

import random

import numpy as np
import pytest

import synfwp as fw
from synfwp import tasks
from synfwp.tasks import Batch


class Task:
    """A sign to remember, and one token to answer at; subclasses get one thing wrong."""

    d_in, d_out, chance = 2, 2, 0.5

    def __call__(self, rng, batch):
        sign = self.draw(rng, batch)
        x = np.zeros((batch, 5, 2))
        x[:, 0, 0], x[:, 4, 1] = 2 * sign - 1, 1.0
        target, mask = np.full((batch, 5), -1), np.zeros((batch, 5), bool)
        target[:, 4], mask[:, 4] = sign, True
        return Batch(x, target, mask, self.chance)

    def draw(self, rng, batch):
        return rng.integers(2, size=batch)


def test_a_good_task_is_measured():
    found = tasks.check(Task())
    assert (int(found.d_in), int(found.d_out), int(found.length), float(found.scored)) == (2, 2, 5, 0.2)
    assert abs(found.token - 0.5) < 4 * found.token_error < 0.2  # memory is needed
    assert found.order_blind == 1.0  # one sign: the sum holds it
    assert "perfect" not in found


def test_of_a_recall_with_overwriting_no_sum_holds_the_answer():
    found = tasks.check(tasks.Recall(keys=6, values=6, writes=12))
    assert found.perfect == 1.0
    assert found.order_blind < 0.5
    assert abs(found.constant - found.chance) < 4 * found.constant_error


def test_real_targets_have_errors():
    found = tasks.check(tasks.InContextRegression())
    assert "error" in found.token.long_name
    assert found.perfect < 0.5 * found.token


class _Repeats(Task):
    def __call__(self, rng, batch):
        return super().__call__(rng, batch + 1)


class _Silent(Task):
    def __call__(self, rng, batch):
        made = super().__call__(rng, batch)
        return Batch(made.x, made.target, np.zeros_like(made.mask), 0.5)


class _Stateful(Task):
    n = 0

    def draw(self, rng, batch):
        self.n += 1
        return (rng.integers(2, size=batch) + self.n) % 2


class _Fixed(Task):
    def draw(self, rng, batch):
        return np.random.default_rng(3).integers(2, size=batch)


class _Numpy(Task):
    def draw(self, rng, batch):
        return np.random.randint(2, size=batch)  # noqa: NPY002


class _Python(Task):
    def draw(self, rng, batch):
        return np.array([random.randrange(2) for _ in range(batch)])


class _Wide(Task):
    d_in = 3


class _Narrow(Task):
    d_out = 1


class _Chance(Task):
    chance = 0.25


class _Solver(Task):
    def solve(self, x):
        return np.zeros(x.shape[:2])


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (_Repeats(), "returned 513 sequences where 512 were wanted"),
        (_Silent(), "nothing is scored"),
        (_Stateful(), "another batch for the same rng"),
        (_Fixed(), "the same batch whatever rng is"),
        (_Numpy(), "draws from numpy.random or random"),
        (_Python(), "draws from numpy.random or random"),
        (_Wide(), "has d_in = 3, but returns 2"),
        (_Narrow(), "has d_out = 1, but returns 2"),
        (_Chance(), r"states a chance level of 0.25, but the best constant answer has 0\.\d+ \+- 0.0\d+"),
        (_Solver(), "has a solver with accuracy"),
        (lambda rng, batch: 3, "task <lambda> returned a int; return synfwp.tasks.Batch"),
        ("recall", "task is a str; pass a callable"),
    ],
    ids=lambda x: type(x).__name__ if isinstance(x, Task) else "",
)
def test_what_training_would_stumble_over_is_refused(task, message):
    with pytest.raises((TypeError, ValueError), match=message):
        tasks.check(task)


@pytest.mark.parametrize("name", [name for name in tasks.__all__ if name not in ("Batch", "check", "Reflections")])
def test_the_tasks_of_the_package_pass(name):
    cls = getattr(tasks, name)
    found = tasks.check(cls(), 128)
    assert fw.tasks.check is tasks.check
    assert found.d_in > 0
