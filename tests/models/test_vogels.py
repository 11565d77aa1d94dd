"""Vogels et al. 2011 in quick mode: what it computes, draws and prints; and the numbers of its page."""

from pathlib import Path

import model_checks
import numpy as np
import pages
import pytest

from synfwp import programs


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run vogels2011 --quick` and its Dataset."""
    return model_checks.run_quick("vogels2011", tmp_path_factory)


@pytest.fixture(scope="module")
def program():
    """The model's own functions."""
    return programs.load_program("vogels2011")


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    parts = ("1 cell(s)", "1600 excitatory and 400 inhibitory neurons", "(a)", "(b)", "(c)", "(d, e)", "(f)")
    model_checks.check_output(*quick, parts)


def test_the_dataset_holds_every_cell_and_network_units_and_provenance(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.current.dims == ("inputs", "seed", "synapse", "when", "signal")
    assert ds.network_rate.dims == ("seed", "network_second", "population")
    assert ds.expected.sel(quantity="network: excitatory rate (Hz), last quarter, against rho0") == 3.0


def test_the_cell_comes_from_far_above_its_target_close_to_it(quick):
    for inputs in ("signals", "constant rates"):
        rate = quick[1].cell_rate.isel(seed=0).sel(inputs=inputs)
        assert rate[0] > 50
        assert 2 < rate[-8:].mean() < 10  # 8 s at 5 Hz are 40 spikes: half and twice it are 3 standard errors off


def test_inhibition_grows_to_the_size_of_excitation_and_takes_its_tuning(quick):
    one = quick[1].isel(seed=0).sel(inputs="signals")
    start, end = one.current.sel(when="before"), one.current.sel(when="after")
    assert start.sel(synapse="inhibitory").sum() < 0.3 * start.sel(synapse="excitatory").sum()
    with_leak = end.sel(synapse="inhibitory").sum() + one.leak.sel(when="after")
    assert 0.8 < with_leak / end.sel(synapse="excitatory").sum() < 1.2
    assert end.sel(synapse="inhibitory")[3:6].mean() > end.sel(synapse="inhibitory")[[0, 1, 6, 7]].mean()


def test_plasticity_ends_the_synchronous_discharge_of_the_network(quick):
    ds = quick[1].isel(seed=0)
    rate = ds.network_rate.sel(population="excitatory")
    assert rate[0] > 100
    assert rate[-1] < 0.1 * rate[0]
    assert ds.cv.sel(when="before") < 0.1
    assert ds.cv.sel(when="after") > 0.6
    fine = ds.sel(width=1.0)
    assert fine.chi.sel(when="after") < 0.3 * fine.chi.sel(when="before")
    assert fine.correlation.sel(when="after") < 0.1 * fine.correlation.sel(when="before")
    assert fine.chi.sel(when="after") > 1600**-0.5  # neurons of a network are not independent


def test_signals_have_the_rates_that_are_asked_for(program):
    seconds = 20
    time, unit = program.signal_trains(program.FULL, seconds, 0)
    assert (np.diff(time) >= 0).all()
    rate = np.bincount(unit, minlength=1000).reshape(40, 25).mean(axis=1) / seconds  # 25 inputs at a time
    # mean over the noise of the rate that 5 ms of silence leave; 1600 times .1 s of noise, so 3 % at one standard error
    noise = (np.tanh(0.001) / 12) ** 0.5 * np.random.default_rng(1).standard_normal(100_000)
    free = 5 + 500 * np.maximum(0, noise) / 0.03
    assert rate.mean() == pytest.approx((free / (1 + 0.005 * free)).mean(), rel=0.12)
    assert (rate[:32].reshape(8, 4).std(axis=1) < 0.05 * rate.mean()).all()  # inputs of one signal share its rate
    np.testing.assert_allclose(rate[32:], rate[:32].reshape(8, 4).mean(axis=1), rtol=0.1)


def test_constant_rates_are_those_of_signals_without_their_course(program):
    counts = {}
    for inputs in program.INPUTS:
        time, unit = program.signal_trains(program.FULL, 10, 0, inputs)
        counts[inputs] = np.histogram(time[unit < 100], np.arange(0, 10_001, 50.0))[0]  # inputs of the first signal
    signals, constant = counts.values()
    # 10 s hold 200 times the .05 s of a signal, so its mean has a standard error of about 8 %
    assert constant.sum() / signals.sum() == pytest.approx(1, abs=0.25)
    assert constant.var() / constant.mean() < 1.2  # Poisson but for the refractory time
    assert signals.var() / signals.mean() > 5


def test_an_input_is_silent_after_a_spike(program):
    time, unit = program.signal_trains(program.FULL, 5, 0)
    order = np.lexsort((time, unit))
    gaps = np.diff(time[order])[np.diff(unit[order]) == 0]
    assert gaps.min() >= 5.0 - 0.1 - 1e-9  # times are cut to 0.1 ms
    assert gaps.min() < 5.5


def test_the_model_reads_on_two_screens():
    text = (Path(programs.__file__).parents[1] / "models" / "vogels2011.py").read_text("utf-8").splitlines()
    start, stop = (
        next(i for i, x in enumerate(text) if x.startswith(y)) for y in ("# the model", "# what is measured")
    )
    assert 30 < stop - start < 120


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("vogels2011", quick[1], "abcdef", (183, 105))


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("Inhibitory plasticity", "vogels2011") >= 8
