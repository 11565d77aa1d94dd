"""MPN in quick mode: what it computes, draws and prints; and the numbers of the README."""

import model_checks
import numpy as np
import pytest
import readme_numbers

from synfwp import programs


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run mpn2023 --quick` and its Dataset."""
    return model_checks.run_quick("mpn2023", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("Nets of 30 inputs and 40 hidden units", "1 net(s)", "(a)", "(b)", "(c)"))


def test_the_dataset_holds_every_seed_the_published_numbers_units_and_provenance(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.rule.values.tolist() == ["hebb", "static", "anti_hebb"]
    assert ds.by_length.dims == ("rule", "seed", "length")
    assert ds.accuracy.notnull().sum("step").values.tolist() == [[300], [50], [300]]
    assert ds.published.sel(quantity="accuracy, validation, hebb") == 0.99
    assert ds.published.sel(quantity="accuracy, test, anti_hebb") == 0.998
    assert ds.obtained.sel(quantity="accuracy, test, hebb") == ds.test.sel(rule="hebb").mean()


def test_synapses_integrate_evidence_and_without_plasticity_the_answer_is_a_guess(quick):
    ds = quick[1]
    plastic = ds.sel(rule=["hebb", "anti_hebb"])
    assert (plastic.test > 0.97).all()
    assert (plastic.by_lead.sel(lead=1) > 0.9).all()  # one word decides
    # 1000 sequences: the standard error of a guess among three is .015; four of them
    assert np.abs(plastic.frozen - 1 / 3).max() < 0.06
    assert np.abs(ds.test.sel(rule="static") - 1 / 3).max() < 0.06


def test_eta_keeps_the_sign_that_it_starts_with_and_nothing_is_learned_from_a_rate_of_0(quick):
    eta = quick[1].eta.isel(seed=0)
    assert eta.sel(rule="hebb") > 0 > eta.sel(rule="anti_hebb")
    assert eta.sel(rule="static") == 0


def test_leads_that_few_sequences_have_are_left_out():
    program = programs.load_program("mpn2023")
    size = program.QUICK
    net = program.train(size._replace(steps=1), "hebb", 0)
    batch = program.draw(size, 0, "lead", 60)
    lead = size.task().margin(batch.x)
    found = np.isfinite(program.by_lead(net, size, batch, np.arange(1, 10)))
    assert found.tolist() == [int((lead == n).sum()) >= 20 for n in range(1, 10)]
    assert not found.all()


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("mpn2023", quick[1], "abc", (183, 58))


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("MPN", "mpn2023") >= 8
