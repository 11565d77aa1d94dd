"""Song, Miller & Abbott in quick mode: what it computes, draws and prints; and the numbers of the README."""

import model_checks
import numpy as np
import pytest
import readme_numbers

import synfwp as fw
from synfwp import programs


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run song2000 --quick` and its Dataset."""
    return model_checks.run_quick("song2000", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("1000 Poisson inputs of 15 Hz, 20 s", "1 run(s)", "(a)", "(b)", "(c)"))


def test_the_dataset_holds_both_time_steps_units_and_provenance(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds["dt"].values.tolist() == [0.1, 0.2]
    assert ds.weight.dims == ("dt", "seed", "input")
    assert float(ds.weight.min()) >= 0
    assert float(ds.weight.max()) <= 1
    assert ds.obtained.sel(quantity="rate (Hz), dt 0.1 ms, last quarter") == ds.final_rate.sel(dt=0.1).mean()


def test_weights_move_to_both_bounds(quick):
    ds = quick[1]
    # from uniform weights 1000 synapses have .2 on either side, with a standard deviation of .013
    assert np.abs(ds[["weak", "strong"]].isel(time=0).to_array() - 0.2).max() < 4 * 0.013
    assert (ds.weak.isel(time=-1) > ds.weak.isel(time=0)).all()
    edge, middle = ((abs(ds.weight - 0.5) > 0.4).mean(), (abs(ds.weight - 0.5) < 0.1).mean())
    assert edge > 1.3 * middle  # as many of both at the start


def test_the_neuron_fires_more_regularly_where_nothing_competes():
    """Without plasticity the same inputs drive it far above threshold."""
    program = programs.load_program("song2000")
    start = np.random.default_rng(0).uniform(0, program.G_MAX, (1000, 1))
    plastic, static = (program.circuit(start, plastic=on).run(20000.0, seed=0) for on in (True, False))
    cells = [ds.spike_population.values == 1 for ds in (plastic, static)]
    assert cells[0].sum() < 0.9 * cells[1].sum()


def test_a_pair_of_spikes_changes_the_weight_as_in_the_paper():
    """Every pair adds: A+ exp(-d / 20) where the input comes first, -A- exp(-d / 20) where it comes second."""
    program = programs.load_program("song2000")
    g = program.G_MAX
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
    model_checks.check_figure("song2000", quick[1], "abc", (183, 58))


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("Synaptic competition", "song2000") >= 8
