"""What random calls found: each once more, by itself."""

import numpy as np
import pytest
import xarray as xr

import synfwp as fw
from synfwp import conventions, measures, tasks, theory
from synfwp.results import load, save

KINDS = [
    getattr(tasks, name) for name in tasks.__all__ if name not in ("Batch", "Recall", "Needle", "Reflections", "check")
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("batch", ["2", 2.0, -1, 0, [2], np.ma.masked, 2**70, None, True])
def test_a_task_draws_a_number_of_sequences_or_refuses_by_name(kind, batch):
    with pytest.raises((TypeError, ValueError), match="batch is"):
        kind()(np.random.default_rng(0), batch)
    with pytest.raises(TypeError, match="rng is 0"):
        kind()(0, 2)


def test_sizes_of_few_bits_do_not_overflow():
    task = tasks.Recall(keys=np.uint8(200), values=np.uint8(100), writes=np.uint8(3))
    assert task.d_in == tasks.Recall(keys=200, values=100, writes=3).d_in
    assert type(fw.PoissonSource(np.uint8(3), 50.0).n) is int


def test_conventions_refuse_what_is_no_array_of_finite_floats():
    good = np.full((2, 3), 0.5)
    for bad in (
        good.tolist(),
        good * np.nan,
        np.ma.array(good, mask=good > 0),
        good + 1j,
        good[:, :2],
        good.astype("U9"),
    ):
        with pytest.raises((TypeError, ValueError), match="kappa "):
            conventions.rwkv7(good, bad, good)
        with pytest.raises((TypeError, ValueError), match="b "):
            conventions.iplr(good, bad)
        with pytest.raises((TypeError, ValueError), match=r"p |k "):
            conventions.comba(good[:, 0], bad, good, good[:, 0])


def test_a_delay_beyond_all_steps_is_refused_and_does_not_reach_the_kernel():
    source, cells = fw.SpikeSource(1, [1.0], [0]), fw.Population(1, fw.LIF())
    for delay in (2**70, 1e300):
        with pytest.raises(ValueError, match=r"delay .* at most .* steps"):
            fw.Circuit([fw.Projection(source, cells, 1.0, delay=delay)], dt=1.0)
    circuit = fw.Circuit([fw.Projection(source, cells, 1.0)], dt=1.0)
    with pytest.raises(ValueError, match=r"duration .* at most .* steps"):
        circuit.run(1e300)
    with pytest.raises(ValueError, match="every of 'v_cells' is"):
        circuit.run(2.0, record=fw.Record("cells", "v", every=5e-324))
    with pytest.raises(ValueError, match="neurons of the record"):
        circuit.run(2.0, record=fw.Record("cells", "v", neurons=[[0]]))
    with pytest.raises(ValueError, match="tau_m is"):
        fw.Circuit([fw.Projection(source, fw.Population(1, fw.LIF(tau_m=5e-324)), 1.0)], dt=1.0).run(2.0)


def test_more_pairs_than_can_be_drawn_are_refused_at_once():
    for sizes in ((2**31, 1), (1, 2**31), (10**6, 10**6)):
        with pytest.raises(ValueError, match=r"n_pre|n_post"):
            fw.random_synapses(*sizes, 0.1, 1.0, seed=0)


def test_an_attribute_that_is_a_text_of_numpy_is_kept(tmp_path):
    ds = xr.Dataset({"a": ("x", np.ones(2), {"long_name": np.str_("b")})}, attrs={"title": np.str_("c")})
    assert load(save(ds, tmp_path / "a.nc")).identical(ds)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_measures_of_very_large_and_small_numbers_are_those_of_ordinary_ones(size):
    W, other = np.random.default_rng(0).normal(size=(2, 2, 3, 4)) / 8
    for measure in (measures.centred_correlation, measures.norm_ratio, measures.recall_agreement):
        np.testing.assert_allclose(measure(W * size, other * size), measure(W, other), rtol=1e-12)


def test_other_findings_are_refused_by_name():
    pair, x = np.ones((2, 2)), np.ones((2, 3, 1))
    for error, match, call in (
        (TypeError, "name is", lambda: fw.Rule(name={})),
        (TypeError, "writes is", lambda: fw.Rule(name="a", writes=[1, 1])),
        (ValueError, "rate is", lambda: fw.protocols.pairs(rate=5e-324, n=2)),
        (ValueError, "pre_motif", lambda: fw.protocols.Protocol([[0.0, 1.0]], [0.0])),
        (ValueError, "intervals", lambda: fw.ShortTerm(U=0.5, tau_rec=1.0, tau_facil=1.0).released([0.0, np.nan])),
        (ValueError, "d_key", lambda: theory.hebb_cosine(2, 5e-324)),
        (ValueError, "v has shape", lambda: fw.Instructions(pair, pair, pair[:1])),
        (ValueError, "beta holds", lambda: fw.Instructions(pair, pair, pair, [1.0, np.inf])),
        (ValueError, "dy holds", lambda: fw.vjp("hebb", pair, pair, pair)[1](pair * np.inf)),
        (ValueError, "answer holds", lambda: tasks.Batch(x, np.ones((2, 3), int), np.ones((2, 3), bool), 0.5).accuracy(
            np.full((2, 3), 1.5))),
    ):  # fmt: skip
        with pytest.raises(error, match=match):
            call()


def test_a_time_that_no_run_reaches_changes_nothing_before_it():
    assert fw.Steps([0.0, 1e300], [1.0, 2.0]).at(5, 0.1) == 1.0


def test_instructions_with_other_trials_are_refused_where_dims_are_named():
    x = np.ones((2, 3, 4))
    with pytest.raises(
        ValueError, match=r"^k has shape \(2, 3, 4\) but q \(1, 3, 4\); give both the same leading axes"
    ):
        fw.Instructions(x[:1], x, x).to_dataset()


def test_times_in_single_precision_lie_in_the_step_that_they_name():  # F10
    times = np.arange(52, 60000, 997) * 0.1
    source = fw.SpikeSource(1, times.astype(np.float32), np.zeros(len(times), int))
    ds = fw.Circuit([], [source], dt=0.1).run(6000.0)
    np.testing.assert_allclose(ds["spike_time"] * 1000, times, rtol=0, atol=1e-6)


def test_a_weight_is_checked_though_no_spike_changes_it():
    for wrong in (np.nan, np.inf, "1", 2.0):
        with pytest.raises((ValueError, TypeError), match=r"^w is "):
            fw.plasticity.pair(0.1, 0.1, w_max=1.0).dw([], [], w=wrong)


def test_a_batch_has_one_axis_of_features():
    mask = np.ones((1, 2), bool)
    with pytest.raises(ValueError, match=r"^x has shape \(1, 2, 1, 3\); pass"):
        fw.tasks.Batch(np.ones((1, 2, 1, 3)), np.zeros((1, 2), int), mask, 0.5)
