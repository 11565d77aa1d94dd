"""BTSP against recorded place cells: published shape, time constants with intervals, and binary synapses."""

import model_checks
import numpy as np
import pytest


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run btsp --quick` and its Dataset."""
    return model_checks.run_quick("btsp", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption(quick):
    model_checks.check_output(*quick, ("E = 10.7", "E = 7.8", "tau_ET"))


def test_the_dataset_has_units_and_provenance(quick):
    model_checks.check_labels(quick[1])


def test_the_figure_shows_what_the_caption_says(quick):
    model_checks.check_figure("btsp", quick[1], "ab", (183, 62))


def test_weak_weights_rise_and_full_ones_fall(quick):
    window = quick[1].window
    assert (window.sel(weight=0.0) > 0).all()
    assert (window.sel(weight=1.0) < 0).all()


def test_time_constants_of_seconds_and_a_depression_that_grows_with_what_was_there(quick):
    at = quick[1].sel(fit="times free")
    for name in ("tau_ET", "tau_IS"):
        low, value, high = (float(at[end].sel(parameter=name)) for end in ("low", "value", "high"))
        assert 1000 < low < value < high < 3000
    assert float(at.low.sel(parameter="fall")) > 0.1
    assert (quick[1].explained > 0.9).all()
    assert float(quick[1].misfit.min()) > 2  # not within the errors of the bins, which the table says


def test_coins_forget_as_the_closed_form(quick):
    ds = quick[1]
    spread = float(ds.correlation.std(ddof=1)) / np.sqrt(ds.sizes["draw"])
    assert float(ds.correlation.mean()) == pytest.approx(float(ds.forgotten), abs=4 * spread)
