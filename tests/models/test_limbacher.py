"""Limbacher & Legenstein in quick mode: what it computes, draws and prints; and the numbers of its page."""

import model_checks
import numpy as np
import pages
import pytest
import xarray as xr

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
    model_checks.check_output(*quick, ("15 pairs", "2 networks", "chance 6.7 %", "(a)", "(f)"))


def test_the_dataset_has_units_and_every_memory_with_every_cue(quick, program):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.recall.dims == ("rule", "seed", "pairs", "cue")
    assert ds["rule"].values.tolist() == [*program.SPIKING, *program.EXACT, *program.DELTA]
    assert ds.recall.notnull().all()
    assert ds.sizes["seed"] == 2  # the network on which beta is chosen is not among them


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
    size = program.FULL._replace(others=1)
    keys, values = np.zeros((4, 1, 140)), np.zeros((4, 1, 140))
    keys[0] = keys[2:] = values[0] = values[2:] = 1  # of other vectors and of cues: they write nothing
    keys[1, 0, 3] = values[1, 0, 5] = 1
    k, v, W = 0.0, 0.0, 0.0
    for t in range(100):
        k = np.exp(-1 / 20) * k + (1 - np.exp(-1 / 20)) * (t == 3)
        v = np.exp(-1 / 20) * v + (1 - np.exp(-1 / 20)) * (t == 5)
        W = W + 0.3 * (1 - W) * v * k - 0.3 * k**2 * W
    assert program.equation(program.Network(size, 1, keys, values, np.zeros((1, 1)), None)).item() == pytest.approx(
        W, rel=1e-12
    )


def test_the_row_writes_what_the_equation_writes_on_the_same_spikes(quick):
    ds = quick[1]
    assert ds.correlation.min() > 0.95
    assert abs(ds.ratio - 1).max() < 0.15


def test_spikes_recall_far_above_chance_and_corruption_costs(quick):
    ds = quick[1].mean("seed")
    assert (ds.recall.sel(rule="spikes") > 2 * ds.chance).all()
    assert (ds.recall.sel(cue="stored") >= ds.recall.sel(cue="corrupted")).all()


def test_hebb_and_delta_answer_as_their_equations_written_out(program, network):
    k, q = program.counts(network, "write"), program.counts(network, "corrupted")
    np.testing.assert_allclose(np.linalg.norm(k, axis=1), 1)
    np.testing.assert_allclose(program.exact("hebb", k, q), q @ k.T, rtol=1e-12)
    W = np.zeros((5, k.shape[1]))
    for key, label in zip(k, np.eye(5), strict=True):
        W += 0.4 * np.outer(label - W @ key, key)
    np.testing.assert_allclose(program.exact("delta", k, q, 0.4), q @ W.T, rtol=1e-9, atol=1e-12)


def test_a_known_mean_is_taken_off_keys_and_queries(program, network):
    k, q = program.counts(network, "write"), program.counts(network, "corrupted")
    mean = program.counts(network, "others").mean(axis=0)
    np.testing.assert_allclose(program.exact("covariance", k, q, mean=mean), (q - mean) @ (k - mean).T, atol=1e-12)
    W = np.zeros((5, k.shape[1]))
    for key, label in zip(program.unit(k - mean), np.eye(5), strict=True):
        W += 0.7 * np.outer(label - W @ key, key)
    found = program.exact("delta", k, q, 0.7, mean)
    np.testing.assert_allclose(found, program.unit(q - mean) @ W.T, atol=1e-12)


def test_items_of_the_phases_follow_each_other(network):
    size = network.size
    ends = [network.items(name) for name in ("others", "write", "stored", "corrupted")]
    assert [(x.start, x.stop) for x in ends] == [
        (0, size.others), (size.others, size.others + 5), (size.others + 5, size.others + 10),
        (size.others + 10, size.others + 15),
    ]  # fmt: skip
    assert network.values[network.items("others")].sum() == 0
    assert len(network.keys) == size.others + 15


def test_labels_in_another_order_are_recalled_at_chance(program, network):
    score = program.spoken(network, "stored")
    assert program.won(score).mean() == 1
    assert program.won(np.roll(score, 1, axis=1)).mean() == 0


def test_labels_that_tie_share_the_answer(program):
    assert program.won(np.array([[1.0, 1.0], [0.0, 2.0]])).tolist() == [0.5, 1.0]


def test_the_pairs_at_a_level_are_read_between_the_numbers_that_were_run(program):
    curves = xr.DataArray([[1.0, 0.8, 0.0], [1.0, 1.0, 0.95], [0.5, 0.2, 0.1]], dims=("seed", "pairs"))
    found = program.pairs_at(curves.assign_coords(pairs=[10, 20, 40]))
    assert found.tolist() == pytest.approx([15.0, 40.0, 10.0])


def test_beta_is_chosen_on_the_other_network_alone(program, monkeypatch):
    size = {"pairs": (5,), "networks": 1, "choosing": 1, "betas": (0.1, 1.0)}
    made = program.cell(program.QUICK._replace(**size), 5, 0)

    def cell(size, pairs, seed):
        return made.assign(delta=made.delta.copy(data=np.broadcast_to([[0, 1], [1, 0]][seed], made.delta.shape) * 1.0))

    monkeypatch.setattr(program, "cell", cell)
    ds = program.main(quick=True, **size)
    assert (ds.best_beta == 0.1).all()  # best on seed 1, and worst on the network that is reported
    assert (ds.recall.sel(rule="delta") == 0).all()


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("limbacher2020", quick[1], "abcdef", (183, 115))


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("Associations in spikes", "limbacher2020") >= 12
