"""Ellwood in quick mode: what it computes, draws and prints; and the numbers of its page."""

import model_checks
import numpy as np
import pages
import pytest

import synfwp as fw
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
    model_checks.check_output(*quick, ("2 seeds of 60 trials each", "0.5, 1 s", "(33.7), ", "(68.3) %", "(a)", "(e)"))


def test_the_dataset_has_units_and_the_six_published_numbers(quick, program):
    ds = quick[1]
    model_checks.check_labels(ds)
    for what, text in (("control", "spikes that control"), ("spurious", "spurious spikes")):
        assert set(program.PUBLISHED[what]) == set(program.WINDOWS)
        for window in ds.window.values.tolist():
            row = ds.sel(quantity=f"{text}, {window / 1e3:g} s")
            assert (float(row.expected), str(row.kind.values)) == (program.PUBLISHED[what][window][0], "published")
            mine = ds[what].sel(synapses="variable", window=window)
            assert float(row.obtained) == pytest.approx(float(mine.mean()))
            both = np.hypot(float(mine.std(ddof=1)) / 2**0.5, program.PUBLISHED[what][window][1])
            assert float(row.error) == pytest.approx(both)  # of the trials here and of the published ones
    assert program.PUBLISHED["control"][500][0] == pytest.approx(0.336, abs=6e-4)
    assert program.PUBLISHED["control"][1000][0] == pytest.approx(0.683, abs=6e-4)


def test_the_voltage_threshold_follows_from_the_rate_without_potentiation_alone(program):
    size = program.FULL._replace(trials=300)
    silent = [
        np.mean([program.rest(size, v, seed)["silent"][1] for seed in range(2)])
        for v in (size.v_others[1] - 1, size.v_threshold, size.v_others[2] + 1)
    ]
    share, error = program.SILENT
    assert share == 77 / 96
    assert error == pytest.approx((share * (1 - share) / 96) ** 0.5, abs=1e-4)
    # 600 trials: the standard error is .016 beside the .041 of the author's
    assert abs(silent[1] - share) < 2 * np.hypot(error, 0.016)
    assert silent[0] < share - 2 * error
    assert silent[2] > share + 1.5 * error


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


def test_an_axon_of_full_weight_passes_the_threshold_by_less_than_the_spread_of_the_background(program):
    size = program.FULL
    stimulus = program.stimuli(size, seeds.generator(0, "background"), 20, 0.0)
    weights = program.each(20, size.axons, size.efficacy * size.tau_m / size.tau_syn)
    axons = fw.SpikeSource(20 * size.axons, stimulus.time, stimulus.axon, name="axons")
    quiet = fw.Population(20, program.membrane(size, 1e3), name="neurons")  # a threshold that is never reached
    v = fw.Circuit([fw.Projection(axons, quiet, weights)]).run(
        stimulus.control + size.lasts, record=fw.Record("neurons", "v")
    )
    window = v.v_neurons.values[v.time_v_neurons.values > 1e-3 * (stimulus.control + 20)]
    spread = window.std()
    t = np.linspace(0, 20, 20_001)
    shape = size.tau_m / (size.tau_m - size.tau_syn) * (np.exp(-t / size.tau_m) - np.exp(-t / size.tau_syn))
    peak = (1 + size.potentiation) * size.efficacy * shape.max()
    assert peak == pytest.approx(20.7, abs=0.05)
    assert spread == pytest.approx(4.0, abs=0.15)  # 20 s of a process that forgets in 3 ms: the standard error is 2 %
    assert 0 < peak - size.v_threshold < spread


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
    gain = program.steep(program.FULL, 3.0)
    np.testing.assert_allclose(gain(np.array([0.0, 3.0, 6.0])), [1.0, 4.5, 8.0], rtol=1e-7)


def test_readings_of_equal_weight_give_all_axons_together_the_same(program, rng):
    g = rng.gamma(2.0, 0.6, (40, program.FULL.axons))
    steep = program.steep(program.FULL, 4.0)(g)
    scale = program.Scale(5.0, float(g.sum(axis=1).mean()), float((steep - 1).sum(axis=1).mean()))
    for reading in ("softmax", "divisive", "linear"):
        more = program.other_reading(program.FULL, reading, 4.0, scale)(g) - 1
        assert more.sum(axis=1).mean() == pytest.approx(scale.total)
        each = more.sum(axis=1).std()
        assert (each < 1e-9) == (reading != "linear")  # two of them divide by the sum of every trial
    free = program.other_reading(program.FULL, "linear, no limit", 4.0, scale)(g) - 1
    assert free.sum(axis=1).mean() > 5 * scale.total
    np.testing.assert_array_equal(program.other_reading(program.FULL, "threshold", 4.0, scale)(g), steep)
    none = program.other_reading(program.FULL, "divisive", 4.0, scale)(np.zeros((1, 150)))
    assert (none == 1).all()


def test_softmax_is_the_steep_threshold_divided_by_the_sum(program):
    g = np.array([[3.5, 1.0, 0.0]])
    scale = program.Scale(5.0, 4.5, 2.0)
    odds = np.exp(20 * (g / 4.0 - 1))
    one = program.other_reading(program.FULL, "softmax", 4.0, scale)(g) - 1
    np.testing.assert_allclose(one, 2.0 * odds / odds.sum())
    np.testing.assert_allclose(program.steep(program.FULL, 4.0)(g) - 1, 7.0 * odds / (1 + odds))


def test_thresholds_are_those_of_the_author_and_lie_on_lines_between(program):
    assert [program.FULL.threshold(w) for w in (500, 750, 1000, 2000)] == pytest.approx([3.07, 3.535, 4.0, 5.26])
    with pytest.raises(ValueError, match=r"^thresholds has 1 entries; pass one for each of \(500, 1000, 2000\) ms"):
        program.FULL._replace(thresholds=(3.0,)).check()


def test_longer_windows_and_more_matched_spikes_give_control(quick):
    control = quick[1].control
    # 2 seeds of 60 trials: the standard error of a mean is at most .046
    assert (control.mean("seed").sel(window=1000) > control.mean("seed").sel(window=500) + 0.1).all()
    by = quick[1].by_count.sel(synapses="variable").mean("seed")
    assert by.sel(window=1000, spikes=slice(6, 8)).min() > 0.6
    assert by.sel(window=1000, spikes=slice(1, 3)).max() < 0.2
    assert by.sel(window=500, spikes=slice(1, 2)).max() < 0.2


def test_the_count_of_matched_spikes_leaves_no_trial_out(program):
    size = program.QUICK._replace(trials=40)
    found = program.attend(size, "equal", 17.1, 500, 3)
    stimulus = program.stimuli(size, seeds.generator(3, "test", 500), 40, 500)
    counts = np.bincount(np.bincount(stimulus.query, minlength=40), minlength=len(program.COUNTS))
    by = np.nan_to_num(found["by_count"][1])
    assert (by * counts).sum() / 40 == pytest.approx(found["control"][1])


def test_threshold_and_softmax_select_one_axon_and_linear_readings_do_not(quick):
    ds = quick[1].mean("seed").sel(share=1.0)
    gap = ds.share_control - ds.share_another
    for reading in ("threshold", "softmax"):
        assert ds.axons.sel(reading=reading) < 3
        assert gap.sel(reading=reading) > 0.3
    for reading in ("divisive", "linear", "linear, no limit"):
        assert ds.axons.sel(reading=reading) > 30
        assert gap.sel(reading=reading) < 0.2
    assert ds.extra.sel(reading="linear, no limit") > 10 * ds.extra.sel(reading="linear")
    extra = {reading: float(ds.extra.sel(reading=reading)) for reading in ("linear", "threshold")}
    assert extra["linear"] == pytest.approx(extra["threshold"], rel=0.3)  # equal on average over matches alone
    steep = quick[1].share_control.mean("seed").sel(reading="threshold")
    assert steep.sel(share=0.5) < 0.6 * steep.sel(share=1.0)  # half a match is less than half of the control


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("ellwood2024", quick[1], "abcde", (183, 105))


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("Attention by potentiation", "ellwood2024") >= 10
