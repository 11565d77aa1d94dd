"""Fits of trains: numbers of another program, intervals, and models that do not predict better."""

import model_checks
import pytest


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run stp_fits --quick` and its Dataset."""
    return model_checks.run_quick("stp_fits", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption(quick):
    model_checks.check_output(*quick, ("U 0.106 to 0.147", "tau_facil"))


def test_the_dataset_has_units_and_provenance(quick):
    model_checks.check_labels(quick[1])


def test_the_figure_shows_what_the_caption_says(quick):
    model_checks.check_figure("stp_fits", quick[1], "abc", (183, 62))


def test_the_trains_fix_all_but_the_time_of_facilitation(quick):
    ds = quick[1]
    assert ds.identified.values.tolist() == ["U", "tau_rec", "A"]
    rows = {str(name): float(x) for name, x in zip(ds.quantity.values, ds.difference.values, strict=True)}
    assert abs(rows["U of all trains"]) < 5e-4  # digits of the other program
    assert abs(rows["rmse, Tsodyks-Markram"]) < 5e-4


def test_more_parameters_do_not_predict_a_train_that_was_left_out(quick):
    ds = quick[1]
    assert (ds.rmse_left_out > ds.rmse).all()
    best = ds.rmse_left_out.sel(model="Tsodyks-Markram")
    assert (ds.rmse_left_out.sel(model="spike response, 2 parts") > best).item()
