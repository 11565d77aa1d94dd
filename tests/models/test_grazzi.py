"""State tracking in quick mode: what it computes, draws and prints; and the numbers of its page."""

from types import SimpleNamespace

import figure_checks
import model_checks
import numpy as np
import pages
import pytest
import xarray as xr
from typer.testing import CliRunner

import synfwp as fw
from synfwp import cli, programs

PLAIN = figure_checks.DIMENSIONLESS | {r"lowest eigenvalue, 1 - $\beta$"}


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
    for part in ("expected", "obtained", "difference", "1 of 1", "0 of 1", "parity 200; 16 words", "(a)", "(b)"):
        assert part in text


def test_parity_beyond_the_lengths_of_training_needs_a_beta_past_one(quick):
    scaled, lowest = (quick[1][name].isel(seed=0).values for name in ("scaled", "lowest"))
    assert scaled[0] > 0.9
    assert -1 <= lowest[0] < -0.9  # such a write turns the memory over
    # 100 words, 217 lengths that hang together: the standard error of the mean of one length is .1, and .1 bounds it
    assert abs(scaled[1]) < 0.1
    assert 0 <= lowest[1] <= 1


def test_reflections_by_hand_are_exact_and_without_them_or_a_start_there_is_only_chance(quick):
    known = {name: float(quick[1].right.sel(by_hand=name).mean()) for name in quick[1].by_hand.values}
    turned, erased, three, five, moved, nothing = known.values()
    assert turned == three == five == moved == 1
    assert erased < 0.6  # a memory that is erased by the first one says "even" ever after
    assert nothing < 0.05  # one class of 120


@pytest.mark.parametrize("modulus", [2, 7, 12])
def test_two_writes_count_to_any_number_by_hand_and_one_of_the_two_does_not(program, modulus, monkeypatch):
    assert program.addition_by_hand(0, modulus) == 1
    scan = program.fw.scan

    def one_write(rule, q, k, v, beta, **more):
        return scan(rule, q, k, v, beta * [1.0, 0.0], **more)  # the second reflection is left out

    monkeypatch.setattr(program.fw, "scan", one_write)
    assert program.addition_by_hand(0, modulus) < 1 / modulus + 0.1


def test_the_exchanges_of_every_permutation_of_five_take_its_things_to_their_places(program):
    elements = fw.tasks.PermutationGroup(group="S5").elements
    for order in elements:
        keys, strength = program.exchanges(order)
        things = np.arange(5.0)
        for k, beta in zip(keys, strength, strict=True):
            things = things - beta * (things @ k) * k
        np.testing.assert_allclose(things[order], np.arange(5.0), atol=4 * 16 * 2.3e-16 * 5)


def test_scaled_accuracy_is_one_without_errors_and_zero_at_chance(program):
    at = np.arange(1, 257)
    for task, chance in (("parity", 0.5), ("addition mod 5", 0.2), ("S3", 1 / 6)):
        for right, expected in ((1.0, 1), (chance, 0), (0.5 + chance / 2, 0.5)):
            curve = xr.DataArray(np.where(at < 40, 0.0, right), {"at": at}, "at")  # what is shorter does not count
            assert program.scaled(curve, task, program.LONG) == pytest.approx(expected, abs=1e-12)


def test_a_net_of_addition_has_lessons_of_shorter_words_first(program, monkeypatch):
    seen = []

    def train(programmer, task, **more):
        seen.append((task.length, more["steps"], more["params"]))
        return SimpleNamespace(params=len(seen))

    monkeypatch.setattr(program.fw, "train", train)
    program.train("addition mod 5, delta_product(2), beta to 2", program.FULL, 0)
    assert seen == [((3, 6), 300, None), ((3, 12), 200, 1), ((3, 40), 800, 2)]  # each starts from the one before
    seen.clear()
    program.train("parity, delta, beta to 1", program.FULL, 0)
    assert seen == [((3, 40), 800, None)]


def test_the_dataset_holds_every_length_units_and_provenance(quick):
    ds = quick[1]
    assert ds.accuracy.dims == ("system", "seed", "length")
    assert ds.accuracy.shape == (2, 1, 32)
    assert ds.length.values.tolist() == list(range(8, 257, 8))
    assert ds.chance.values.tolist() == [0.5, 0.5]
    of_rows = {"expected", "obtained", "difference", "sd", "error", "band"}
    numbers = [name for name in ds.variables if ds[name].dtype.kind == "f" and name not in of_rows]
    assert [name for name in numbers if not ds[name].attrs.get("units")] == []
    assert {"synfwp_version", "parameters", "seed", "dependencies", "created"} <= set(ds.attrs)


def test_the_rows_are_of_the_nets_and_published_ones_name_their_table(quick, program):
    ds = quick[1]
    for name in ds.system.values:
        mean = ds.sel(quantity=f"{name}, scaled accuracy at 40 to 256 tokens")
        assert mean.obtained == pytest.approx(float(ds.scaled.sel(system=name).mean()))
        best, median = (ds.sel(quantity=f"{name}, {what}") for what in ("best of 3 nets", "median of 1 nets"))
        assert (float(best.expected), float(median.expected)) == program.PUBLISHED[name]
        assert (str(best.source.values), str(median.source.values)) == ("grazzi2025, table 3", "grazzi2025, table 5")
        assert {str(best.kind.values), str(median.kind.values)} == {"published"}
    assert float(ds.obtained.sel(quantity="parity, delta, beta to 2, nets that solve it, of 1")) == 1
    theory = ds.sel(quantity="parity, delta, beta to 1, nets that solve it, of 1")
    assert (float(theory.expected), str(theory.kind.values)) == (0, "theory")


def test_a_run_of_all_systems_has_its_rows_for_nets_that_differ_in_number(program, monkeypatch):
    """Ten systems with two nets and two with one, each hardly trained."""
    monkeypatch.setattr(program, "EARLIER", {"addition mod 5": {6: 1}})
    steps = dict.fromkeys(program.TASKS, 1)
    ds = program.main(quick=True, nets=2, deep=1, systems=10, steps=steps, batch=2, words=4)
    assert ds.scaled.count("seed").values.tolist() == [2] * 10 + [1, 1]
    rows = ds.quantity.values.tolist()
    assert "modular arithmetic, delta, beta to 2, nets that solve it, of 1" in rows
    assert "S3, delta, beta to 2, best of 2 nets" in rows
    assert float(ds.expected.sel(quantity="modular arithmetic, delta, beta to 2, best of 3 nets")) == 0.971
    letters = [t.get_text() for ax in program.figure(ds).axes for t in ax.texts if t.get_fontweight() == "bold"]
    assert sorted(letters) == list("abcde")
    assert figure_checks.complaints(program.figure(ds), PLAIN) == []
    model_checks.check_narrow("grazzi2025", ds)


def test_no_text_in_the_figure_overlaps_or_is_cut_and_every_axis_has_a_unit(quick, program):
    fig = program.figure(quick[1])
    assert figure_checks.complaints(fig, PLAIN) == []
    assert [round(25.4 * side) for side in fig.get_size_inches()] == [183, 60]
    letters = [text.get_text() for ax in fig.axes for text in ax.texts if text.get_fontweight() == "bold"]
    assert sorted(letters) == list("ab")


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("State tracking", "grazzi2025") >= 12
