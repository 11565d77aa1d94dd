"""Synapses in numbers: every number that others have is obtained, what fails stays visible, and the laws are laws."""

import model_checks
import numpy as np
import pytest

import synfwp as fw
from synfwp import programs


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run synapse_anchors --quick` and its Dataset."""
    return model_checks.run_quick("synapse_anchors", tmp_path_factory)


@pytest.fixture(scope="module")
def program():
    """The analysis file as a module."""
    return programs.load_program("synapse_anchors")


def test_the_run_prints_the_table_and_the_caption(quick):
    model_checks.check_output(*quick, ("E = 0.342", "E = 6.2", "(e) Trains"))


def test_the_dataset_has_units_and_provenance(quick):
    model_checks.check_labels(quick[1])


def test_the_figure_shows_what_the_caption_says(quick):
    model_checks.check_figure("synapse_anchors", quick[1], "abcde", (183, 112))


def test_what_others_computed_from_published_parameters_is_obtained_to_the_digits_given(quick):
    ds = quick[1]
    rows = ds.sel(quantity=(ds.kind == "recomputed").values)
    assert rows.sizes["quantity"] > 45
    fits = ("tau_rec of the fit to Kohus", "A of the fit to Kohus")  # a flat minimum, which the table says
    for name, difference, band, why in zip(
        rows.quantity.values, rows.difference.values, rows.band.values, rows.why.values, strict=True
    ):
        if name in fits:
            assert why
        else:
            assert abs(difference) <= band, name


def test_what_the_rules_miss_stays_in_the_table_with_its_reason(quick):
    ds = quick[1]
    rows = ds.sel(quantity=[name for name in ds.quantity.values if "bursts" in str(name) or "Wang" in str(name)])
    assert (rows.claim == "below").all()
    assert (rows.obtained > 3 * rows.expected).all()
    assert all(rows.why.values.tolist())


def test_identities_hold_to_rounding(quick):
    ds = quick[1]
    rows = ds.sel(quantity=(ds.kind == "exact").values)
    assert rows.sizes["quantity"] == 2
    assert (np.abs(rows.difference) <= rows.band).all()


def test_a_circuit_releases_what_the_recursion_does_and_not_that_of_another_synapse(program):
    s, other = program.FULL.synapse("facilitating"), program.FULL.synapse("depressing")
    assert program._circuit(s, 20.0, 8) < 1e-6  # the receptor loses 1e-10 of a jump in a step
    waits = np.full(8, 50.0)
    assert np.abs(s.released(waits) - other.released(waits)).max() > 0.1


def test_the_fit_to_trains_is_a_minimum_that_the_time_constant_of_facilitation_hardly_moves(quick, program):
    ds, table = quick[1], fw.load_table("kohus2016_trains")
    best = {name: float(ds.train_fit.sel(fitted=name)) for name in program.FITTED}

    def rmse(U, tau_rec, tau_facil):
        s = fw.ShortTerm(U=U, tau_rec=tau_rec, tau_facil=tau_facil)
        rate = table.train_hz.values
        share = np.concatenate(
            [s.released(np.diff(table.t_spike_ms.values[rate == one], prepend=0.0)) for one in (10, 20, 40)]
        )
        data = table.amplitude_rel.values
        return np.sqrt(np.mean((share @ data / (share @ share) * share - data) ** 2))

    assert rmse(best["U"], best["tau_rec"], 1.0) == pytest.approx(best["rmse"], abs=1e-6)
    for factor in (0.8, 1.25):
        assert rmse(factor * best["U"], best["tau_rec"], 1.0) > best["rmse"] + 1e-4
        assert rmse(best["U"], factor * best["tau_rec"], 1.0) > best["rmse"] + 1e-4
    assert rmse(best["U"], best["tau_rec"], 5.0) < best["rmse"] + 1e-4


def test_the_bi_poo_preset_is_the_fit_of_the_package(quick):
    preset, fit = fw.PairSTDP("bi_poo"), quick[1].window_fit
    assert 60 * preset.A_plus == pytest.approx(float(fit.sel(parameter="A+")), abs=5e-4)  # rounded to three digits
    assert -60 * preset.A_minus == pytest.approx(float(fit.sel(parameter="A-")), abs=5e-4)
    assert preset.tau_plus == pytest.approx(float(fit.sel(parameter="tau+")), abs=0.05)
    assert preset.tau_minus == pytest.approx(float(fit.sel(parameter="tau-")), abs=0.05)
    assert int(quick[1].window_points) == 20
