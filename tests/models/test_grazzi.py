"""State tracking in quick mode: what it computes, draws and prints; and the numbers of the README."""

import figure_checks
import numpy as np
import pytest
import readme_numbers
from typer.testing import CliRunner

import synfwp as fw
from synfwp import cli, programs


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run grazzi2025 --quick` and its Dataset."""
    out = tmp_path_factory.mktemp("grazzi")
    result = CliRunner().invoke(cli.app, ["run", "grazzi2025", "--quick", "--out", str(out)])
    assert result.exit_code == 0, result.output
    return result.output, fw.load(out / "results" / "grazzi2025.nc")


@pytest.fixture(scope="module")
def program():
    return programs.load_program("grazzi2025")


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    text, ds = quick
    assert programs.table(ds) in text
    for part in ("published", "obtained", "difference", "(1 seed(s))", "parity 200; 16 words", "(a)", "(b)"):
        assert part in text


def test_parity_beyond_the_lengths_of_training_needs_a_beta_past_one(quick):
    scaled, lowest = (quick[1][name].isel(seed=0).values for name in ("scaled", "transition"))
    assert scaled[0] > 0.9
    assert -1 <= lowest[0] < -0.9  # such a write turns the memory over
    # 100 words, 217 lengths that hang together: the standard error of the mean of one length is .1, and .1 bounds it
    assert abs(scaled[1]) < 0.1
    assert 0 <= lowest[1] <= 1


def test_reflections_by_hand_are_exact_and_without_them_or_a_start_there_is_only_chance(quick):
    known = dict(zip(quick[1].reflections.values.tolist(), quick[1].by_hand.values.tolist(), strict=True))
    turned, erased, moved, nothing = known.values()
    assert turned == moved == 1
    assert erased < 0.6  # a memory that is erased by the first one says "even" ever after
    assert nothing < 0.05  # one class of 120


def test_the_exchanges_of_every_permutation_of_five_take_its_things_to_their_places(program):
    elements = fw.tasks.PermutationGroup(group="S5").elements
    for order in elements:
        keys, strength = program.exchanges(order)
        things = np.arange(5.0)
        for k, beta in zip(keys, strength, strict=True):
            things = things - beta * (things @ k) * k
        np.testing.assert_allclose(things[order], np.arange(5.0), atol=4 * 16 * 2.3e-16 * 5)


def test_scaled_accuracy_is_one_without_errors_and_zero_at_chance(program):
    length = np.arange(1, 257)
    accuracy = np.where(length < 40, 0.0, [[1.0], [0.5], [0.25]])  # what is shorter does not count
    ds = fw.results.dataset(
        {
            "accuracy": (("system", "length"), accuracy),
            "chance": ("system", [0.5, 0.5, 0.25], {"units": "1", "long_name": "chance"}),
        },
        {"length": ("length", length, {"units": "1", "long_name": "tokens"})},
    )
    np.testing.assert_allclose(program.scaled(ds), [1, 0, 0], atol=1e-12)


def test_the_dataset_holds_every_length_units_and_provenance(quick):
    ds = quick[1]
    assert ds.accuracy.dims == ("system", "seed", "length")
    assert ds.accuracy.shape == (2, 1, 256)
    assert ds.scaled_published.values.tolist() == [1.0, 0.017]
    assert ds.chance.values.tolist() == [0.5, 0.5]
    numbers = [name for name in ds.variables if ds[name].dtype.kind == "f"]
    assert [name for name in numbers if not ds[name].attrs.get("units")] == []
    assert {"synfwp_version", "parameters", "seed", "dependencies", "created"} <= set(ds.attrs)


def test_every_row_of_the_table_is_in_the_dataset(quick):
    ds = quick[1]
    for name in ds.system.values:
        best = ds.sel(quantity=f"{name}, best seed")
        assert best.obtained == pytest.approx(float(ds.scaled.sel(system=name).max()))
        assert best.published == ds.scaled_published.sel(system=name)
    np.testing.assert_allclose(ds.difference, ds.obtained - ds.published)


def test_no_text_in_the_figure_overlaps_or_is_cut_and_every_axis_has_a_unit(quick, program):
    fig = program.figure(quick[1])
    assert figure_checks.complaints(fig) == []
    assert [round(25.4 * side) for side in fig.get_size_inches()] == [183, 60]
    letters = [text.get_text() for ax in fig.axes for text in ax.texts if text.get_fontweight() == "bold"]
    assert sorted(letters) == list("ab")


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("State tracking", "grazzi2025") >= 12
