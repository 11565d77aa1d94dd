"""Differentiable plasticity in quick mode: what it computes, draws and prints; and the numbers of the README."""

import model_checks
import numpy as np
import pytest
import readme_numbers

PLASTIC = ["own alpha", "one alpha"]


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run miconi2018 --quick` and its Dataset."""
    return model_checks.run_quick("miconi2018", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("2 patterns of 30 bits", "1 net(s)", "(a)", "(b)"))


def test_the_dataset_holds_every_seed_units_and_provenance_and_no_invented_number(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.rule.values.tolist() == [*PLASTIC, "no plasticity"]
    assert ds.by_patterns.dims == ("rule", "seed", "patterns")
    assert ds.loss.notnull().sum("step").values.tolist() == [[250], [250], [60]]
    exact = ds.published.dropna("quantity")
    assert all("against" in str(name) for name in exact["quantity"].values)


def test_plastic_nets_complete_patterns_and_without_plasticity_they_guess(quick):
    ds = quick[1]
    plastic = ds.sel(rule=PLASTIC)
    assert (plastic.missing < 0.12).all()
    # no solver without memory is better than the best guess; 200 sequences, of a standard error of about .01
    assert (plastic.frozen > ds.guess - 0.04).all()
    assert (ds.missing.sel(rule="no plasticity") > ds.guess - 0.04).all()
    assert 0.35 < ds.guess < 0.5
    assert ds.ideal <= plastic.missing.min()


def test_all_bits_are_the_missing_ones_and_those_of_the_cue_which_are_right(quick):
    """Inputs of 20 hold the units of the cue, so that half of the bits, those of the cue, are never wrong."""
    ds = quick[1]
    np.testing.assert_allclose(ds.bits, ds.missing / 2)


def test_more_patterns_are_harder(quick):
    wrong = quick[1].by_patterns.isel(seed=0).sel(rule=PLASTIC)
    assert (wrong.sel(patterns=8) > wrong.sel(patterns=2) + 0.1).all()


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("miconi2018", quick[1], "ab", (122, 58))


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("Differentiable plasticity", "miconi2018") >= 8
