"""Word problems of groups in quick mode: turns, reflections, how many there have to be, what is drawn and printed."""

import figure_checks
import model_checks
import numpy as np
import pytest
from typer.testing import CliRunner

import synfwp as fw
from synfwp import cli, programs
from synfwp.tasks import Reflections

WRITES = {"S3": 2, "D8": 2, "H3": 2, "A5": 2, "S5": 4, "Ih": 3}


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run heo2026 --quick` and its Dataset."""
    out = tmp_path_factory.mktemp("heo")
    result = CliRunner().invoke(cli.app, ["run", "heo2026", "--quick", "--out", str(out)])
    assert result.exit_code == 0, result.output
    return result.output, fw.load(out / "results" / "heo2026.nc")


@pytest.fixture(scope="module")
def program():
    return programs.load_program("heo2026")


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    text, ds = quick
    assert programs.table(ds) in text
    assert "20 words of 512 tokens, 2 draw(s)" in text


def test_so_many_writes_are_taken_and_no_representation_takes_fewer(program):
    assert {group: Reflections(group).writes for group in WRITES} == WRITES
    assert {group: program.least_writes(group) for group in WRITES} == WRITES | {"Ih": 2}  # of single elements


def test_enough_writes_make_no_error_and_one_fewer_leaves_chance_or_the_sign(quick):
    ds = quick[1]
    assert (ds.right.sel(how="enough writes") == 1).all()
    assert (ds.accuracy.sel(how="enough writes") == 1).all()
    # 40 words, whose tokens hang together for some ten tokens at most: about 40 * 25 looks
    for group, share in {"S3": 1 / 3, "D8": 1 / 8, "H3": 1 / 8, "A5": 1 / 60, "S5": 1 / 120, "Ih": 1 / 120}.items():
        late = float(ds.late.sel(group=group, how="one write fewer").mean())
        assert abs(late - share) < 3 * np.sqrt(share * (1 - share) / 1000), group
        assert float(ds.late.sel(group=group, how="enough writes, beta 1").mean()) < 0.2


def test_a_write_that_is_no_whole_reflection_loses_the_word(program):
    assert program.cell(program.QUICK._replace(beta=1.9), "A5", "enough writes", 0).late < 0.5


def test_the_rows_have_what_is_expected_and_its_kind(quick):
    ds = quick[1]
    kinds = dict(zip(ds.quantity.values.tolist(), ds.kind.values.tolist(), strict=True))
    assert kinds["A5, 2 writes per token, all of 512 tokens"] == "exact"
    assert kinds["A5, 1 per token, tokens 257 to 512"] == "chance"
    assert kinds["S5, writes per token"] == "theory"
    assert "Ih, writes per token" not in kinds
    assert float(ds.expected.sel(quantity="S3, 1 per token, tokens 257 to 512")) == pytest.approx(1 / 3)
    assert set(ds.n.values.tolist()) == {1, 2}


def test_no_text_in_the_figure_overlaps_or_is_cut_and_every_axis_has_a_unit(quick, program):
    fig = program.figure(quick[1])
    assert figure_checks.complaints(fig, figure_checks.DIMENSIONLESS | {"group", "writes per token"}) == []
    letters = [text.get_text() for ax in fig.axes for text in ax.texts if text.get_fontweight() == "bold"]
    assert sorted(letters) == list("abc")
    model_checks.check_narrow("heo2026", quick[1])
