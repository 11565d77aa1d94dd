"""The main job in quick mode: what it computes, draws and prints; and the numbers of the README."""

import re
from pathlib import Path

import figure_checks
import numpy as np
import pytest
import readme_numbers
from typer.testing import CliRunner

import synfwp as fw
from synfwp import cli, plasticity, programs

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The output of `synfwp demo --quick`, its folder and its Dataset."""
    out = tmp_path_factory.mktemp("demo")
    result = CliRunner().invoke(cli.app, ["demo", "--quick", "--out", str(out)])
    assert result.exit_code == 0, result.output
    return result.output, out, fw.load(out / "results" / "first_look.nc")


def test_the_demo_writes_its_figure_and_its_dataset_and_prints_the_table_and_the_caption(demo):
    text, out, ds = demo
    assert {path.name for path in out.rglob("first_look.*")} == {"first_look.nc", "first_look.pdf", "first_look.png"}
    assert programs.table(ds) in text
    for name in ("published", "obtained", "difference", *(f"({letter})" for letter in "abcdg")):
        assert name in text


def test_a_second_demo_keeps_the_first_result_without_force(demo):
    _, out, _ = demo
    before = (out / "results" / "first_look.nc").read_bytes()
    result = CliRunner().invoke(cli.app, ["demo", "--quick", "--out", str(out)])
    assert result.exit_code == 2
    assert "--force" in result.output
    assert (out / "results" / "first_look.nc").read_bytes() == before


def test_the_dataset_has_units_long_names_and_provenance(demo):
    ds = demo[2]
    numbers = [name for name in ds.variables if ds[name].dtype.kind == "f"]
    assert [name for name in numbers if not ds[name].attrs.get("units")] == []
    assert {"synfwp_version", "parameters", "seed", "dependencies", "created"} <= set(ds.attrs)


def test_delta_recalls_what_was_overwritten_and_shuffled_items_do_not(demo):
    ds = demo[2]
    delta = ds.accuracy.sel(plasticity="delta").mean("seed")
    assert float(delta.sel(substrate="exact")) > float(ds.ceiling)
    for substrate in ("rate", "counts", "lif"):  # a quick net is not fully trained: within a fifth of exact
        target = ds.accuracy_target.mean("seed").sel(plasticity="delta", substrate=substrate)
        assert abs(float(delta.sel(substrate=substrate) - target)) < 0.2
    assert float(delta.sel(substrate="shuffled")) < float(delta.sel(substrate="counts")) - 0.4


def test_triplet_stdp_has_the_published_digits(demo):
    ds = demo[2]
    rows = ds.sel(quantity=[name for name in ds.quantity.values if str(name).startswith(("dw", "E, visual"))])
    assert rows.sizes["quantity"] == 22
    # half a unit of the third decimal: the published values are printed to three
    np.testing.assert_allclose(rows.obtained, rows.published, atol=0.0005001, rtol=0)
    assert float(ds.stdp_error.sel(stdp="pair")) > 6 * float(ds.stdp_error.sel(stdp="visual_cortex"))


def test_the_spikes_shown_are_two_items_in_seconds(demo):
    ds = demo[2]
    assert ds.spike_time.attrs["units"] == "s"
    assert float(ds.spike_time.min()) >= 0
    assert float(ds.phase_stop[-1]) == pytest.approx(0.56)  # twice (100 + 40 + 100 + 40) ms
    assert ds.phase_name.values.tolist() == ["retrieve", "gap", "encode", "gap"] * 2


def test_no_text_in_the_figure_overlaps_or_is_cut_and_every_axis_has_a_unit(demo):
    program = programs.load_program("first_look")
    fig = program.figure(demo[2])
    assert figure_checks.complaints(fig) == []
    assert [round(25.4 * side) for side in fig.get_size_inches()] == [183, 112]
    letters = [text.get_text() for ax in fig.axes for text in ax.texts if text.get_fontweight() == "bold"]
    caption = program.caption(demo[2])
    assert sorted(letters) == list("abcdefg")
    for letter in letters:
        assert re.search(rf"\([a-g, ]*{letter}[a-g, ]*\)", caption), letter


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("What `make demo` obtains", "first_look") >= 8


def test_the_readme_shows_the_table_of_rules():
    assert fw.rules.table() in (ROOT / "README.md").read_text("utf-8")


def test_the_code_of_the_readme_runs(capsys, tmp_path, monkeypatch):
    """The blocks run in one namespace, as a reader would; only the trainings are shortened."""
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "README.md").read_text("utf-8")
    blocks = re.findall(r"```python\n(.*?)```", readme, re.S)
    assert len(blocks) == 10
    code = "\n".join(blocks).replace("task, seed=0)", "task, seed=0, steps=30)").replace("steps=5000", "steps=6")
    space: dict = {}
    exec(compile(code, "README.md", "exec"), space)
    import brian2

    brian2.prefs.codegen.target = "numpy"
    space["theirs"].run(1.0)
    assert space["times"].max() < 0.5 < space["ds"].attrs["stop"] + 1e-9
    assert space["out"].y.shape == (2, 2)
    assert fw.load("recall.nc").sizes["step"] == 6
    assert plasticity.TripletSTDP("visual_cortex").dw(space["protocol"].pre, space["protocol"].post) == pytest.approx(
        0.247, abs=5e-4
    )
    for rule, last in (("hebb", [6.0, 8.0]), ("delta", [5.0, 6.0])):
        np.testing.assert_allclose(fw.scan(rule, space["key"], space["key"], space["value"]).y[-1], last)
