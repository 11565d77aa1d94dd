"""Limbacher & Legenstein in quick mode: what it computes, draws and prints; and the numbers of the README."""

import model_checks
import numpy as np
import pytest
import readme_numbers

import synfwp as fw
from synfwp import programs


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run limbacher2020 --quick` and its Dataset."""
    return model_checks.run_quick("limbacher2020", tmp_path_factory)


@pytest.fixture(scope="module")
def program():
    """The model file as a module."""
    return programs.load_program("limbacher2020")


@pytest.fixture(scope="module")
def network(program):
    """One network that stores five pairs."""
    return program.simulate(program.FULL, 5, seed=1, decay=1.0)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("At 15 pairs", "2 networks", "chance 6.7 %", "(a)", "(d)"))


def test_the_dataset_has_units_and_every_pair_of_every_seed(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.right.notnull().sum("item").sel(pairs=5).values.tolist() == [[5, 5]] * 6
    np.testing.assert_allclose(ds.recall, ds.right.mean("item"))


def test_the_spikes_of_a_pair_change_a_weight_as_the_row_says(program):
    source = fw.SpikeSource(1, [10.0, 40.0], [0, 0], name="key")
    neuron = fw.LIF(tau_m=20.0, t_ref=3.0, tau_syn=5.0, v_rest=0.0, v_threshold=20.0, v_reset=0.0)
    value = fw.Population(1, neuron, name="value")
    drive = fw.Projection(fw.SpikeSource(1, [19.9], [0], name="label"), value, 5000.0, name="drive")
    memory = fw.Projection(
        source, value, 0.0, receptor="none", plasticity=program.rule(program.FULL, 1.0), name="memory"
    )
    simulation = fw.Circuit([memory, drive]).start()
    ds = simulation.run(60.0)
    fired = 1e3 * fw.spikes(ds, "value")[0]
    assert len(fired) > 2
    size = program.FULL
    decay = size.gamma_minus / size.tau
    w, keys = 0.0, np.array([10.0, 40.0])
    for time, is_key in sorted([(t, False) for t in fired] + [(t, True) for t in keys]):
        if is_key:
            w -= decay * (0.5 + np.exp(-(time - keys[keys < time]) / size.tau).sum()) * w
        else:
            trace = np.exp(-(time - keys[keys <= time]) / size.tau).sum()
            w += size.gamma_plus / size.tau * (1 - w) * trace
    assert simulation.weights("memory").item() == pytest.approx(w, rel=1e-9)


def test_the_equation_is_the_published_one(program):
    keys, values = np.zeros((2, 1, 140)), np.zeros((2, 1, 140))
    keys[0, 0, 3] = values[0, 0, 5] = 1
    k, v, W = 0.0, 0.0, 0.0
    for t in range(100):
        k = np.exp(-1 / 20) * k + (1 - np.exp(-1 / 20)) * (t == 3)
        v = np.exp(-1 / 20) * v + (1 - np.exp(-1 / 20)) * (t == 5)
        W = W + 0.3 * (1 - W) * v * k - 0.3 * k**2 * W
    assert program.equation(
        program.Network(program.FULL, keys, values, np.zeros((1, 1)), None)
    ).item() == pytest.approx(W, rel=1e-12)


def test_the_row_writes_what_the_equation_writes_on_the_same_spikes(quick):
    ds = quick[1]
    assert ds.correlation.min() > 0.95
    assert abs(ds.ratio - 1).max() < 0.15


def test_spikes_recall_far_above_chance_and_without_decay_more(quick):
    ds = quick[1]
    assert (ds.recall.sel(rule="spikes") > 3 * ds.chance).all()
    mean = ds.recall.mean("seed").sel(pairs=15)
    assert mean.sel(rule="spikes without decay") >= mean.sel(rule="spikes")
    assert mean.sel(rule="delta, best beta") >= mean.sel(rule="delta")


def test_labels_in_another_order_are_recalled_at_chance(program, network):
    score = program.spoken(network)
    assert program.won(score).mean() == 1
    assert program.won(np.roll(score, 1, axis=1)).mean() == 0


def test_labels_that_tie_share_the_answer(program):
    assert program.won(np.array([[1.0, 1.0], [0.0, 2.0]])).tolist() == [0.5, 1.0]


def test_exact_rules_store_the_spike_counts_of_the_network(program, network):
    k, q = program.counts(network)
    np.testing.assert_allclose(program.exact(network, "hebb", 1.0), q @ k.T, rtol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(k, axis=1), 1)


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("limbacher2020", quick[1], "abcd", (183, 110))


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("Associations in spikes", "limbacher2020") >= 12
