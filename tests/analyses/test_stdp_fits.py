"""Fits of spike-timing rules: the published numbers are reached, and what fails or is not constrained stays visible."""

import model_checks
import numpy as np
import pytest


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run stdp_fits --quick` and its Dataset."""
    return model_checks.run_quick("stdp_fits", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption(quick):
    model_checks.check_output(*quick, ("from random starts", "tau+ 14.8 ms (7.0 to 36.4)", "(e) Profile"))


def test_the_dataset_has_units_and_provenance(quick):
    model_checks.check_labels(quick[1])


def test_the_figure_shows_what_the_caption_says(quick):
    model_checks.check_figure("stdp_fits", quick[1], "abcde", (183, 118))


def test_random_starts_reach_the_published_errors(quick):
    ds = quick[1]
    rows = ds.sel(quantity=[name for name in ds.quantity.values if "random starts" in str(name)])
    assert rows.expected.values.tolist() == [0.342, 0.356]
    assert (rows.difference < 0).all()
    assert abs(float(ds.difference.sel(quantity="E, pair, 60 pairs"))) < 0.005


def test_published_values_lie_within_the_intervals(quick):
    ds = quick[1]
    for name, published in (("A3_plus", 6.5e-3), ("A2_minus", 7.1e-3), ("tau_y", 114.0)):
        line = ds.sel(line=f"{name}, triplet, minimal, pairs")
        assert float(line.low) < published < float(line.high)
        low, high = ds.bootstrap.sel(parameter=name).values
        assert low < float(line.high)
        assert high > float(line.low)


def test_a_rule_that_is_fitted_under_one_protocol_fails_under_the_other(quick):
    ds = quick[1]
    same = [ds.tested_error.sel(fitted_on=on, tested_on=on) for on in ("pairs", "bursts")]
    other = [ds.tested_error.sel(fitted_on=on, tested_on=to) for on, to in (("pairs", "bursts"), ("bursts", "pairs"))]
    for on, to in zip(same, other, strict=True):
        assert (to.sel(stdp=["triplet, full", "triplet, minimal"]) > 5 * on).all()
    np.testing.assert_allclose(
        same[0].values, [float(ds.fit_error.sel(fit=f"{name}, pairs")) for name in ds.stdp.values], rtol=1e-9
    )


def test_what_is_left_out_is_predicted_by_the_minimal_rule_alone(quick):
    ds = quick[1]
    left = {name: float(ds.left_out.sel(fit=f"{name}, pairs")) for name in ds.stdp.values}
    assert left["triplet, minimal"] < 1 < left["triplet, full"] < left["pair"]


def test_what_is_not_constrained_is_counted_and_named(quick):
    row = quick[1].sel(quantity="parameters that Sjostrom's table does not constrain, triplet, full")
    assert (float(row.obtained), str(row.why.values)) == (3.0, "A2_plus, A3_minus, tau_x")
