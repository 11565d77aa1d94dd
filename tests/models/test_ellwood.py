"""Ellwood in quick mode: what it computes, draws and prints; and the numbers of the README."""

import model_checks
import numpy as np
import pytest
import readme_numbers

from synfwp import programs, seeds


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run ellwood2024 --quick` and its Dataset."""
    return model_checks.run_quick("ellwood2024", tmp_path_factory)


@pytest.fixture(scope="module")
def program():
    """The model file as a module."""
    return programs.load_program("ellwood2024")


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("60 trials each", "0.5, 1 s", "33.6 +- 1.4", "(a)", "(d)"))


def test_the_dataset_has_units_and_the_published_numbers(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.published.sel(quantity="spikes that control, variable synapses, 0.5 s") == 0.336
    assert ds.published.sel(quantity="spikes that control, variable synapses, 1 s") == 0.683
    assert ds.obtained.sel(quantity="spikes that control, variable synapses, 1 s") == (
        ds.control.sel(synapses="variable", window=1.0).mean()
    )


def test_a_pair_collects_a_difference_of_exponentials_that_peaks_at_7_ms(quick, program):
    ds = quick[1]
    since = np.maximum(ds.lag.values - program.FULL.delay, 0)
    shape = np.exp(-since / program.FULL.fall) - np.exp(-since / program.FULL.rise)
    fine = np.linspace(0, 60, 600_001)
    top = (np.exp(-fine / program.FULL.fall) - np.exp(-fine / program.FULL.rise)).max()
    left = np.exp(-(50 - ds.lag.values) / program.FULL.memory)  # what is left of it at 100 ms
    np.testing.assert_allclose(ds.collected, shape / top * left, atol=1e-9)
    assert ds.lag[int(ds.collected.values.argmax())] == 7.0
    assert (ds.collected.sel(lag=slice(None, 0.0)) == 0).all()


def test_trains_have_the_rate_and_the_dead_time_of_the_paper(program):
    rng = np.random.default_rng(0)
    times, owner = program.trains(program.FULL, rng, 400, 50.0, 5050.0)
    assert 50 <= times.min() < times.max() < 5050
    gaps = np.concatenate([np.diff(times[owner == m]) for m in range(400)])
    assert gaps.min() >= program.FULL.dead
    assert len(times) / (400 * 5) == pytest.approx(program.FULL.rate, rel=0.03)  # the standard error is .006


def test_the_first_axon_matches_the_query_and_rests_in_the_gap(program):
    stimulus = program.stimuli(program.FULL, seeds.generator(3, "test"), 20, 500.0)
    first = stimulus.axon % program.FULL.axons == 0
    early = first & (stimulus.time < stimulus.control - program.FULL.gap)
    asked = sorted(
        zip(stimulus.query.tolist(), (stimulus.query_time - program.FULL.lead).round(1).tolist(), strict=True)
    )
    sent = zip((stimulus.axon[early] // program.FULL.axons).tolist(), stimulus.time[early].tolist(), strict=True)
    assert sorted(sent) == asked
    gap = (stimulus.time > stimulus.control - program.FULL.gap) & (stimulus.time < stimulus.control)
    assert not gap.any()


def test_control_and_spurious_spikes_are_counted_as_published(program):
    stimulus = program.Stimulus(
        program.FULL, 2, 500.0, np.empty(0), np.empty(0, int), np.array([1100.0, 1200, 1300]), np.zeros(3, int)
    )
    # a control 5 ms late, one 21 ms late (missed and spurious), and one at the same time; nothing in the second trial
    found = program.Run(np.zeros((2, program.FULL.axons)), np.array([1105.0, 1221.0, 1300.0]), np.zeros(3, int))
    control, spurious = program.score(stimulus, found)
    assert control.tolist() == [2 / 3, 1.0]
    assert spurious.tolist() == [1 / 3, 0.0]


def test_the_gain_is_8_far_above_the_threshold_and_1_far_below(program):
    gain = program.thresholded(program.FULL, 3.0)
    np.testing.assert_allclose(gain(np.array([0.0, 3.0, 6.0])), [1.0, 4.5, 8.0], rtol=1e-7)
    np.testing.assert_allclose(program.linear(program.FULL, 2.0)(np.array([0.0, 1.0, 2.0])), [1.0, 4.5, 8.0])


def test_longer_windows_give_control_and_variability_takes_some_away(quick):
    control = quick[1].control
    # 60 trials: the standard error of a mean is at most .065
    assert (control.mean("trial").sel(window=1.0) > control.mean("trial").sel(window=0.5) + 0.1).all()
    often = quick[1]["query"].sel(window=1.0) >= 7
    assert (control.sel(window=1.0).where(often).mean("trial") > 0.8).all()
    rare = quick[1]["query"].sel(window=0.5) <= 2
    assert (control.sel(window=0.5).where(rare).mean("trial") < 0.2).all()


def test_the_threshold_selects_one_axon_and_the_linear_reading_does_not(quick):
    ds = quick[1]
    chosen, spread = (ds.axons.sel(share=1.0, reading=name) for name in ("threshold", "linear"))
    assert chosen < 3
    assert spread > 30
    gap = (ds.share_control - ds.share_another).sel(share=1.0)
    assert gap.sel(reading="threshold") > 0.4
    assert gap.sel(reading="linear") < 0.2
    steep = ds.share_control.sel(reading="threshold")
    assert steep.sel(share=0.5) < 0.6 * steep.sel(share=1.0)  # half a match is less than half of the control


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("ellwood2024", quick[1], "abcd", (183, 58))


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("Attention by potentiation", "ellwood2024") >= 10
