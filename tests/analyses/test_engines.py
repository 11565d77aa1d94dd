"""Where the engines agree and part, in quick mode: what is computed, drawn and printed; the numbers of its page."""

import model_checks
import numpy as np
import pages
import pytest

from synfwp import programs


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run engines --quick` and its Dataset."""
    return model_checks.run_quick("engines", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("8 items", "2 neurons per feature", "3 seeds"))


def test_the_dataset_holds_every_mechanism_and_engine_with_units_and_provenance(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.agreement_peak.dims == ("mechanism", "engine", "peak", "seed")
    assert ds.engine.values.tolist() == ["counts", "poisson", "lif"]
    assert ds.agreement_peak.notnull().all()


def test_agreement_rises_with_the_rate_in_every_engine_and_mechanism(quick):
    mean = quick[1].agreement_peak.mean("seed")
    assert (mean.sel(peak=100.0) > mean.sel(peak=25.0)).all()
    assert (mean.sel(peak=100.0) > 0.7).all()


def test_the_size_of_the_effective_rule_is_the_one_that_is_run_but_for_its_noise(quick):
    ds = quick[1]
    off = (ds.slope_gap - ds.effective_gap).sel(gap=40.0, engine=["counts", "poisson"])
    # 15 runs of either engine; LIF neurons write less
    assert (np.abs(off.mean(("mechanism", "seed"))) < 4 * off.std(("mechanism", "seed")) / 15**0.5).all()


def test_LIF_neurons_lose_the_first_milliseconds_of_a_clamp_and_Poisson_neurons_do_not(quick):
    first = quick[1].onset.isel(since=0)
    later = quick[1].onset.isel(since=slice(5, None)).mean("since")
    assert float(first.sel(clock="lif")) < 0.7 * float(later.sel(clock="lif"))
    assert float(first.sel(clock="poisson")) == pytest.approx(100, abs=10)  # 400 neurons in 4 ms: 160 spikes
    assert later.values == pytest.approx([100, 100], abs=4)


def test_effective_weights_of_counts_are_the_target_but_for_own_spikes():
    program = programs.load_program("engines")
    k, v = (x[None] for x in program.items(program.QUICK, 0))
    network = program.fw.SpikingNetwork(dale=False)
    found = program.door.references("hebb", program.fw.Instructions(0 * k, k, v), on=network)
    np.testing.assert_allclose(found["effective"].W, program.fw.scan("hebb", k, k, v).W, atol=1e-12)
    other = program.door.references("delta", program.fw.Instructions(0 * k, k, v), on=network)
    assert np.abs(other["effective"].W - other["target"].W).max() > 1e-3
    assert program.slope(2 * v + 1, v) == pytest.approx(2)


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("engines", quick[1], "abcdefghijklmnopqr", (183, 165))


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("Where engines part", "engines") >= 8
