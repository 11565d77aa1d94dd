"""Dynamics of trained nets beside rates and LIF neurons, in quick mode: what is computed, drawn and printed."""

import model_checks
import numpy as np
import pytest

from synfwp import programs

program = programs.load_program("dynamics")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run dynamics --quick` and its Dataset."""
    return model_checks.run_quick("dynamics", tmp_path_factory)


def row(ds, quantity):
    """One row of the table."""
    return ds.sel(quantity=quantity)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("2 trained nets", "3 repeats", "60 random unit keys"))


def test_the_dataset_holds_every_net_and_substrate_with_units_and_provenance(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.net.values.tolist() == ["DeltaNet", "Gated DeltaNet", "RetNet"]
    assert ds.substrate.values.tolist() == ["exact", "rates", "rates, lagged", "LIF"]
    assert ds.lyapunov_exponent.notnull().all()


@pytest.mark.parametrize("net", program.LINEAR)
def test_identities_of_the_exact_rule_and_of_rates_come_out(quick, net):
    for quantity, band in (
        (f"eigenvalues, {net}, largest distance from the closed form", 1e-12),
        (f"sum of Lyapunov exponents, {net}, exact", 1e-12),
        (f"sum of Lyapunov exponents, {net}, rates", 1e-9),
        (f"sum of Lyapunov exponents, {net}, rates, lagged", 1e-9),
        (f"map of contributions times values, {net}, largest distance from the reads, exact", 1e-12),
    ):
        assert abs(float(row(quick[1], quantity).difference)) < band, quantity


def test_rates_of_another_time_constant_would_be_seen(quick):
    ds = quick[1].sel(net="DeltaNet")
    apart = ds.flow.sel(substrate="rates") - ds.flow.sel(substrate="exact")
    assert (np.abs(apart) > 1e-3).all()


def test_LIF_neurons_keep_more_along_a_key_than_the_exact_rule_and_decay_as_it_does(quick):
    ds = quick[1]
    kept = ds.kept_along_key.where(ds.writes > 0).mean(("transition", "seed"))
    assert (kept.sel(substrate="LIF") > kept.sel(substrate="exact"))[:2].all()
    np.testing.assert_allclose(kept.sel(net="RetNet"), program.RETNET, atol=1e-9)
    error = ds.kept_along_key_error.where(ds.writes > 0).mean(("transition", "seed")).sel(substrate="LIF")
    assert (error[:2] > 0.01).all()
    assert float(error[2]) < 1e-12  # a Hebbian write does not look at W


def test_softmax_has_a_map_and_no_transition(quick):
    ds = quick[1]
    assert ds.softmax_absent.all()
    np.testing.assert_allclose(ds.softmax_contribution.sum("write_time"), 1)
    assert float(row(ds, "rows of the softmax map, sum").difference) == pytest.approx(0, abs=1e-12)


def test_counts_have_a_lower_bound_than_exact_keys_and_grow_past_it(quick):
    ds = quick[1]
    assert float(ds.bound.sel(noise="exact")) == 2.0
    assert 1.4 < float(ds.bound.sel(noise="counts, 5 spikes")) < 1.8  # about 1.6 for 16 rectified features
    ratio = ds.norm.sel(noise="counts, 5 spikes") / ds.norm.sel(noise="exact")
    assert (ratio.mean("run").sel(beta=1.9) > 2 * ratio.mean("run").sel(beta=0.5)).item()


def test_the_unit_has_one_point_without_plasticity_and_five_with_much(quick):
    ds = quick[1]
    number = ds.rest.notnull().sum("point")
    assert number.values.tolist() == [1, 5, 5]
    assert ds.stable.sum("point").values.tolist() == [1, 3, 3]
    assert float(np.abs(ds.off).max()) < 1e-8


def test_the_figure_is_clean_and_as_wide_as_a_page(quick):
    model_checks.check_figure("dynamics", quick[1], "abcdefghijklm", (183, 168))
