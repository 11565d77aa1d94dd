"""Gershman, Fiete & Irie in quick mode: what it computes, draws and prints; and the numbers of its page."""

import model_checks
import numpy as np
import pytest

from synfwp import programs


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run gershman2025 --quick` and its Dataset."""
    return model_checks.run_quick("gershman2025", tmp_path_factory)


@pytest.fixture(scope="module")
def program():
    """The model file as a module."""
    return programs.load_program("gershman2025")


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("2 seeds", "75 % of their pixels", "overlap of 0.75", "(b)", "(c)"))


def test_the_dataset_has_units_and_provenance(quick):
    model_checks.check_labels(quick[1])


def test_the_figure_shows_what_the_caption_says(quick):
    model_checks.check_figure("gershman2025", quick[1], "abc", (183, 58))


def test_the_first_task_is_forgotten_and_its_own_weights_alone_bring_it_back(quick):
    ds = quick[1].sel(overlap=0.75)
    first = ds.amplified_accuracy.sel(task="first")
    assert (first.sel(amplified="first task", strength=1.0) < 0.25).all()  # 0.25: one class of four
    assert (first.sel(amplified="first task", strength=1.7) > 0.9).all()
    assert (first.sel(amplified="second task", strength=1.7) < 0.25).all()
    assert (ds.accuracy_among_own > 0.9).all()  # nothing was erased: among its two classes it is still right


def test_all_weights_times_a_factor_change_no_answer(quick):
    both = quick[1].amplified_accuracy.sel(amplified="both tasks")
    assert (both == both.sel(strength=1.0)).all()


def test_the_weights_are_a_sum_of_writes_and_the_two_sets_are_one_net(quick):
    for name in ("one_net", "from_writes"):
        assert float(quick[1][name].max()) < 1e-9  # rounding of some 1e4 additions
    assert float(quick[1].one_net.max()) > 0  # two trainings, not one compared with itself


def test_the_strength_at_which_the_authors_notebook_prints_its_numbers_is_that_of_the_program(program):
    assert len(program.FULL.strengths) == len(program.PUBLISHED_STRENGTH)
    np.testing.assert_allclose(program.FULL.strengths, 1 + 0.1 * np.arange(10))


def test_an_error_is_the_gradient_of_the_cross_entropy(program):
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((5, 7)), rng.standard_normal((4, 5))
    x, classes = rng.uniform(size=(3, 7)), np.array([0, 1, 3])

    def loss(first, second):
        out = program.outputs((first, second), x)[1]
        return -(out[range(3), classes] - np.log(np.exp(out).sum(axis=1))).sum()

    hidden, out_error, hidden_error = program.errors(weights, x, classes)
    step = 1e-6
    for layer, i, j, exact in ((0, 2, 3, hidden_error.T @ x), (1, 1, 4, out_error.T @ hidden)):
        up, down = ([w.copy() for w in weights] for _ in range(2))
        up[layer][i, j] += step
        down[layer][i, j] -= step
        # central differences: error of the order of step^2 times a third derivative
        assert (loss(*up) - loss(*down)) / (2 * step) == pytest.approx(-exact[i, j], rel=1e-5, abs=1e-7)
