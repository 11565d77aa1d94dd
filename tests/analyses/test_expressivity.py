"""Expressivity in quick mode: what is run, drawn and printed; the walk of parity beside its diffusion and a network."""

import figure_checks
import model_checks
import numpy as np
import pytest

from synfwp import programs

program = programs.load_program("expressivity")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run expressivity --quick` and its Dataset."""
    return model_checks.run_quick("expressivity", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("2 draws of 10 words of 128 tokens", "40 states", "4x10"))
    model_checks.check_labels(quick[1])


def test_enough_writes_make_no_error_by_hand_and_erased_states_are_at_chance(quick):
    ds = quick[1]
    assert (ds.hand.sel(how="enough writes") == 1).all()
    erased = ds.hand.sel(how="enough writes, beta 1").mean("seed") - ds.chance
    assert float(abs(erased).max()) < 0.05
    assert set(ds.problem.values) == {"parity", "mod 3", "S3", "D8", "H3", "S5"}


def test_a_net_with_beta_to_2_solves_parity_and_one_with_beta_to_1_guesses(quick):
    ds = quick[1].sel(trained="parity")
    assert (ds.scaled.sel(write="enough") > 0.9).all()
    assert (ds.scaled.sel(write="too few") < 0.1).all()


def test_the_eigenvalue_of_the_lagged_flow_is_that_of_the_closed_form_and_no_gain_takes_it_to_minus_one(quick):
    ds = quick[1]
    assert float(ds.at_gain) == pytest.approx(-0.38, abs=0.005)
    assert float(ds.at_gain) == pytest.approx(program.propagated(6.0, 2.0), abs=1e-9)
    assert program.propagated(6.0, 2.0) != pytest.approx(program.propagated(4.0, 2.0), abs=0.01)
    lagged = ds.lowest.sel(flow="lagged")
    assert (lagged > -1).all()
    assert (np.diff(lagged) > 0).all()  # the slower the write, the less it overshoots
    assert float(ds.lowest.sel(flow="sample_and_hold")[-1]) < -0.999
    np.testing.assert_allclose(ds.measured, ds.lowest.sel(ratio=ds.some_ratio.values), atol=1e-9)


def test_many_spikes_of_one_number_walk_as_the_diffusion_has_it():
    lengths = [float(program.walk(2000, 1000, seed)["walk"][1]) / 2000 for seed in range(4)]
    expected = program.expected_length(1, 640) / 640
    assert np.mean(lengths) == pytest.approx(expected, abs=0.015)  # 3 standard errors, and 0.005 of finite spikes
    assert program.expected_length(1, 320) / 320 == pytest.approx(expected, rel=0.01)  # proportional to n


def test_one_neuron_is_one_number_and_neurons_of_a_population_walk_apart():
    one = [float(program.inverted("counts 1x80", 100, seed).length) for seed in range(4)]
    number = [float(program.walk(80, 100, seed)["walk"][1]) for seed in range(20)]
    assert np.mean(one) == pytest.approx(np.mean(number), abs=3 * np.std(number, ddof=1) * (1 / 4 + 1 / 20) ** 0.5)
    several = [float(program.inverted("counts 8x10", 100, seed).length) for seed in range(4)]
    assert np.mean(several) < 0.75 * np.mean(one)
    assert np.mean(several) == pytest.approx(program.expected_length(8, 10), rel=0.2)  # approximate: of many spikes


def test_the_length_is_where_a_curve_meets_three_quarters():
    assert program.crossing(np.array([1.0, 0.9, 0.7, 0.5])) == pytest.approx(1.75)
    assert program.crossing(np.array([1.0, 0.7, 0.9, 0.5])) == pytest.approx(2 + 0.05 / 0.3)  # 0.8 and 0.8, then 0.5
    assert np.isnan(program.crossing(np.array([1.0, 0.9])))


def test_the_share_of_right_signs_of_the_diffusion_falls_to_a_half():
    right = program.expected_right(1, 80, 160)
    assert right[0] == 1.0
    assert (np.diff(right) <= 1e-12).all()
    assert 0.5 < right[-1] < 0.52
    assert (program.expected_right(8, 10, 40)[1:] < right[1:41]).all()


def test_beta_makes_the_effective_eigenvalue_minus_one():
    for name in ("counts 4x10", "poisson 4x10", "lif 2x10"):
        mean = program.network_of(name).describe("delta").values
        beta = 2 / (mean["erase"] + mean["self_erasure"])
        assert 1 - beta * (mean["erase"] + mean["self_erasure"]) == pytest.approx(-1.0)
    assert program.network_of("counts 4x10").describe("delta").values["spikes"] == 40


def test_no_text_in_the_figure_overlaps_or_is_cut_and_every_axis_has_a_unit(quick):
    fig = program.figure(quick[1])
    assert figure_checks.complaints(fig, figure_checks.DIMENSIONLESS | {"group", "lowest eigenvalue"}) == []
    assert [round(25.4 * side) for side in fig.get_size_inches()] == [183, 112]
    letters = [text.get_text() for ax in fig.axes for text in ax.texts if text.get_fontweight() == "bold"]
    assert sorted(letters) == list("abcde")
    for letter in letters:
        assert f"({letter})" in program.caption(quick[1])
    model_checks.check_narrow("expressivity", quick[1])
