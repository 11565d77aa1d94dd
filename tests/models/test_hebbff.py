"""HebbFF in quick mode: what it computes, draws and prints; and the numbers of the README."""

import model_checks
import numpy as np
import pytest
import readme_numbers

from synfwp import programs

RULES = ["anti_hebb", "hebb"]


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run hebbff2022 --quick` and its Dataset."""
    return model_checks.run_quick("hebbff2022", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("Nets of 40 inputs", "1 net(s)", *(f"({x})" for x in "ab")))


def test_the_dataset_holds_every_seed_the_published_numbers_units_and_provenance(quick):
    ds = quick[1]
    assert ds.true_positives.dims == ds.false_positives.dims == ("rule", "seed", "lag")
    assert ds.rule.values.tolist() == RULES
    assert ds.lag.values.tolist() == [1, 3, 6, 10, 15, 20, 30]
    assert ds.loss.shape == ds.accuracy.shape == (2, 1, 800)
    assert ds.loss.notnull().sum("step").values.tolist() == [[400], [800]]
    assert ds.true_positives_published.sel(rule="hebb", lag=10) == 0.79
    assert ds.false_positives_published.sel(rule="anti_hebb").values.tolist() == [0.003, 0.014]
    model_checks.check_labels(ds)


def test_every_row_of_the_table_is_the_mean_of_the_dataset(quick):
    ds = quick[1]
    for rule in RULES:
        for lag in ds.lag.values:
            row = ds.sel(quantity=f"true positives, {rule}, lag {lag}")
            assert row.obtained == pytest.approx(float(ds.true_positives.sel(rule=rule, lag=lag).mean()))
            assert row.published == ds.true_positives_published.sel(rule=rule, lag=lag)


def test_a_trained_net_tells_repeats_from_new_items_and_without_plasticity_it_cannot(quick):
    ds = quick[1]
    at = ds.sel(lag=int(ds.trained_lag), rule="anti_hebb")
    assert float((at.true_positives - at.false_positives).min()) > 0.6
    # 2000 tokens, a third of them repeated: the standard error of the area by chance is .014; four of them
    assert np.abs(ds.frozen - 0.5).max() < 0.056


def test_eta_keeps_the_sign_that_it_starts_with(quick):
    ds = quick[1]
    assert (ds.eta.sel(rule="anti_hebb") < 0).all()
    assert (ds.eta.sel(rule="hebb") > 0).all()


def test_the_cost_of_training_is_counted_from_the_accuracies():
    cost = programs.load_program("hebbff2022").cost
    assert cost(np.r_[np.zeros(30), np.ones(20)]) == 49  # 19 of 20 are 1
    assert np.isnan(cost(np.full(100, 0.9)))


def test_no_text_in_the_figure_overlaps_or_is_cut_and_every_axis_has_a_unit(quick):
    model_checks.check_figure("hebbff2022", quick[1], "abcd", (183, 58))


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("A published model: HebbFF", "hebbff2022") >= 20
