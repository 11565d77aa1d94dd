"""Programmers trained for spikes, in quick mode: what is computed, drawn and printed."""

import model_checks
import numpy as np
import pytest

import synfwp as fw
from synfwp import programs

program = programs.load_program("programmed_spikes")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run programmed_spikes --quick` and its Dataset."""
    return model_checks.run_quick("programmed_spikes", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    parts = ("2 nets", "6 pairs", "trained with 5 spikes", "LIF", "softmax")
    model_checks.check_output(*quick, parts)
    model_checks.check_labels(quick[1])


def test_the_figure_has_its_panels(quick):
    model_checks.check_figure("programmed_spikes", quick[1], "ab", (183, 70))


def test_more_spikes_answer_better_and_cost_more(quick):
    one = quick[1].sel(trained="exact").mean("seed")
    assert (np.diff(one.association.values) > 0).all()
    assert one.counts.values[-1] > one.counts.values[0] + 0.1


def test_a_rate_network_answers_as_the_exact_rule(quick):
    assert np.abs(quick[1].rate - quick[1].exact).max() <= 0.02


def test_the_spikes_for_an_accuracy_are_interpolated_and_nan_where_it_is_not_reached():
    import xarray as xr

    dims = ("trained", "seed", "spikes")
    counts = np.array([[[0.1, 0.5, 1.0], [0.1, 0.2, 0.3], [0.95, 1.0, 1.0]]])
    ds = xr.Dataset(
        {"counts": (dims, counts), "association": (dims, np.broadcast_to([10.0, 100.0, 1000.0], counts.shape))},
        coords={"trained": ["exact"], "seed": [0, 1, 2]},
    )
    found = program.needed(ds, 0.75).values[0]
    assert found[0] == pytest.approx(np.sqrt(100 * 1000))
    assert np.isnan(found[1])
    assert found[2] == pytest.approx(10)


def test_attention_to_the_last_pairs_is_attention_to_these_alone(rng):
    q, k, v = (rng.standard_normal((2, 7, 3)) for _ in range(3))
    found = program.Stored(3, 5)("softmax", fw.Instructions(q, k, v))
    alone = fw.memory.Attention()(k[1, 3:5], v[1, 3:5], q[1], None, scale=1.0)
    np.testing.assert_allclose(found[1], alone, atol=1e-12)
