"""Song, Miller & Abbott in quick mode: what it computes, draws and prints; and the numbers of its page."""

import model_checks
import numpy as np
import pages
import pytest

import synfwp as fw
from synfwp import programs


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run song2000 --quick` and its Dataset."""
    return model_checks.run_quick("song2000", tmp_path_factory)


@pytest.fixture(scope="module")
def program():
    """The model file as a module."""
    return programs.load_program("song2000")


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("1000 Poisson inputs, 20 s", "1 run(s)", "(a)", "(b)", "(c)", "(d)"))


def test_the_dataset_holds_both_sets_orders_and_time_steps_units_and_provenance(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds["dt"].values.tolist() == [0.1, 0.2]
    assert ds.rate.dims == ("parameters", "order", "dt", "seed", "bin")
    assert ds.histogram.sum("weight").values == pytest.approx(1)
    row = "Brian2's example, arrivals first: rate (Hz), dt 0.1 ms, last quarter"
    one = ds.final_rate.sel(parameters="Brian2's example", order="arrivals first", dt=0.1)
    assert ds.obtained.sel(quantity=row) == one.mean()


def test_weights_move_to_both_bounds(quick):
    ds = quick[1].sel(parameters="Brian2's example")
    # from uniform weights 1000 synapses have .2 on either side, with a standard deviation of .013
    assert np.abs(quick[1][["weak", "strong"]].isel(time=0).to_array() - 0.2).max() < 4 * 0.013
    assert (ds.weak.isel(time=-1) > ds.weak.isel(time=0)).all()
    edges = ds.histogram.isel(weight=[0, 1, -2, -1]).sum("weight")
    middle = ds.histogram.sel(weight=slice(0.4, 0.6)).sum("weight")
    assert (edges > 1.3 * middle).all()  # as many of both at the start


def test_a_factor_on_the_depression_takes_back_what_the_time_step_does(quick, program):
    """Unrelated pairs: sums of exp(-n dt / tau) over n >= 0 potentiate, over n >= 1 depress."""
    dt, tau = 0.2, 20.0
    lags = dt * np.arange(2000)
    potentiation, depression = np.exp(-lags / tau).sum(), np.exp(-lags[1:] / tau).sum()
    plain, balanced = (program.FULL.of("paper", x) for x in (0.0, dt))
    assert plain.A_minus / plain.A_plus == pytest.approx(1.05)
    # tau is 100 steps, of which 2000 are summed: exp(-20) is left out
    assert balanced.A_minus * depression / (balanced.A_plus * potentiation) == pytest.approx(1.05, rel=1e-8)
    rate = quick[1].final_rate.sel(dt=0.2)
    assert (rate.sel(order="balanced") < rate.sel(order="arrivals first")).all()


def test_the_two_sets_of_constants_are_as_documented_and_one_number_is_both(program):
    paper, example = (program.FULL.of(name) for name in program.SETS)
    assert (paper.inhibitory, paper.neuron.tau_m, paper.neuron.v_rest, paper.g_max) == (200, 20.0, -70.0, 0.015)
    assert (example.inhibitory, example.neuron.tau_m, example.neuron.v_rest, example.g_max) == (0, 10.0, -74.0, 0.01)
    assert [one.name for one in example.neuron.receptors] == ["excitatory"]
    one = program.FULL._replace(g_max=(0.02,))
    assert [one.of(name).g_max for name in program.SETS] == [0.02, 0.02]


def test_inhibition_lowers_the_rate_and_is_only_in_the_paper(program):
    start = np.random.default_rng(0).uniform(0, 0.015, (1000, 1))
    paper = program.FULL.of("paper")
    with_it, without = (
        program.circuit(start, plastic=False, one=one).run(5000.0, seed=0)
        for one in (paper, paper._replace(inhibitory=0))
    )
    counts = [len(fw.spikes(ds, "cells")[0]) for ds in (with_it, without)]
    assert counts[0] < 0.8 * counts[1]


def test_the_neuron_fires_more_regularly_where_nothing_competes(program):
    """Without plasticity the same inputs drive it far above threshold."""
    start = np.random.default_rng(0).uniform(0, program.EXAMPLE.g_max, (1000, 1))
    plastic, static = (program.circuit(start, plastic=on).run(20000.0, seed=0) for on in (True, False))
    cells = [ds.spike_population.values == 1 for ds in (plastic, static)]
    assert cells[0].sum() < 0.9 * cells[1].sum()


def test_a_pair_of_spikes_changes_the_weight_as_in_the_paper(program):
    """Every pair adds: A+ exp(-d / 20) where the input comes first, -A- exp(-d / 20) where it comes second."""
    g = program.EXAMPLE.g_max
    for first, sign in ((0, 1), (1, -1)):
        times, units = [[20.0, 30.0], [first, 1 - first]]
        pre = fw.SpikeSource(2, times, units, name="inputs")
        circuit = program.circuit(np.array([[g / 2], [g / 2]]), source=pre)
        drive = fw.Projection(pre, circuit.projections[0].post, np.array([[0.0], [2.0]]), name="teacher")
        circuit = fw.Circuit([circuit.projections[0], drive], dt=0.1)
        simulation = circuit.start()
        ds = simulation.run(60.0)
        post = 1000 * ds.spike_time.values[ds.spike_population.values == 1]
        w = float(simulation.weights("synapses")[0, 0] / g)
        pre_time = times[units.index(0)]
        gaps = post - pre_time
        change = sum(0.01 * np.exp(-d / 20) if d >= 0 else -0.0105 * np.exp(d / 20) for d in gaps)
        assert w == pytest.approx(0.5 + change, rel=1e-9)
        assert len(gaps) > 0
        assert (np.sign(gaps) == sign).all()


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("song2000", quick[1], "abcd", (183, 105))


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("Synaptic competition", "song2000") >= 8
