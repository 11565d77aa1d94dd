"""Vogels et al. 2011 in quick mode: what it computes, draws and prints; and the numbers of the README."""

import model_checks
import numpy as np
import pytest
import readme_numbers

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
    assert ds.current.dims == ("cell", "when", "kind", "signal")
    assert ds.network_rate.dims == ("network", "population", "network_second")
    assert ds.published.sel(quantity="network: excitatory rate (Hz), last quarter, against rho0") == 3.0


def test_the_cell_comes_from_far_above_its_target_close_to_it(quick):
    rate = quick[1].cell_rate.isel(cell=0)
    assert rate[0] > 50
    assert 2 < rate[-8:].mean() < 10  # 8 s at 5 Hz are 40 spikes: half and twice the target are 3 standard errors off


def test_inhibition_grows_to_the_size_of_excitation_and_takes_its_tuning(quick):
    currents = quick[1].current.isel(cell=0)
    start, end = currents.sel(when="before"), currents.sel(when="after")
    assert start.sel(kind="inhibitory").sum() < 0.3 * start.sel(kind="excitatory").sum()
    assert 0.8 < end.sel(kind="inhibitory").sum() / end.sel(kind="excitatory").sum() < 1.2
    assert end.sel(kind="inhibitory")[3:6].mean() > end.sel(kind="inhibitory")[[0, 1, 6, 7]].mean()


def test_plasticity_ends_the_synchronous_discharge_of_the_network(quick):
    ds = quick[1].isel(network=0)
    rate = ds.network_rate.sel(population="excitatory")
    assert rate[0] > 100
    assert rate[-1] < 0.1 * rate[0]
    assert ds.cv.sel(when="before") < 0.1
    assert ds.cv.sel(when="after") > 0.6


def test_signals_have_the_rates_that_are_asked_for(program):
    seconds = 20
    time, unit = program.signal_trains(seconds, 0)
    assert (np.diff(time) >= 0).all()
    rate = np.bincount(unit, minlength=1000).reshape(40, 25).mean(axis=1) / seconds  # 25 inputs at a time
    # mean over the noise of the rate that 5 ms of silence leave; 1600 times .1 s of noise, so 3 % at one standard error
    noise = (np.tanh(0.001) / 12) ** 0.5 * np.random.default_rng(1).standard_normal(100_000)
    free = 5 + 500 * np.maximum(0, noise) / 0.03
    assert rate.mean() == pytest.approx((free / (1 + 0.005 * free)).mean(), rel=0.12)
    assert (rate[:32].reshape(8, 4).std(axis=1) < 0.05 * rate.mean()).all()  # inputs of one signal share its rate
    np.testing.assert_allclose(rate[32:], rate[:32].reshape(8, 4).mean(axis=1), rtol=0.1)


@pytest.mark.parametrize("dead", [5.0, 0.4])
def test_refractory_inputs_keep_the_first_spike_of_every_burst(program, dead):
    rng = np.random.default_rng(0)
    time, unit = np.round(rng.uniform(0, 300, 600), 1), rng.integers(7, size=600)
    expected = set()
    for i in range(7):
        last = -np.inf
        for t in sorted(set(time[unit == i])):
            if t - last >= dead - 1e-9:
                expected.add((t, i))
                last = t
    found = list(zip(*program.refractory(time, unit, dead), strict=True))
    assert set(found) == expected
    assert len(found) == len(expected)
    assert [t for t, _ in found] == sorted(t for t, _ in found)


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("vogels2011", quick[1], "abcdef", (183, 105))


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("Inhibitory plasticity", "vogels2011") >= 8
