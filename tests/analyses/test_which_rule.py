"""Which rule it is, in quick mode: what is computed, drawn and printed."""

import model_checks
import numpy as np
import pytest

from synfwp import programs

program = programs.load_program("which_rule")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run which_rule --quick` and its Dataset."""
    return model_checks.run_quick("which_rule", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("25 items of 6 sessions", "same 40 items"))


def test_the_dataset_holds_every_design_with_units_and_provenance(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert set(ds.observed.values) == set(program.HIDDEN)
    assert set(ds.carrier.values) == set(program.CARRIERS)
    assert set(np.unique(ds.verdict)) <= set(range(len(program.VERDICTS)))


def test_spikes_of_two_phases_erase_and_those_of_one_do_not(quick):
    at = quick[1].coefficient.isel(seed=0)
    erased = -at.sel(term="(W k) k") / at.sel(term="v k")
    for carrier in ("two phases", "dendrite", "PES"):
        assert float(erased.sel(carrier=carrier)) > 0.5
    for carrier in ("gated trace", "pair STDP"):
        assert abs(float(erased.sel(carrier=carrier))) < 0.1


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("which_rule", quick[1], "abcdef", (183, 140))
