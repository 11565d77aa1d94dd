"""The main job in quick mode: what it computes, draws and prints; and the numbers of its page."""

import re
from pathlib import Path

import figure_checks
import model_checks
import numpy as np
import pages
import pytest
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
    assert {path.name for path in out.rglob("first_look.*")} == {
        f"first_look.{kind}" for kind in ("nc", "json", "pdf", "svg", "png", "txt")
    }
    assert programs.table(ds) in text
    for name in ("kind", "expected", "obtained", "sd", "n", "difference", *(f"({letter})" for letter in "abcdg")):
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
    ds = demo[2].sel(rule="delta")
    exact = ds.sel(substrate="exact")
    assert (exact.accuracy > exact.ceiling + 0.1).all()  # of each net, on its own sequences
    delta = ds.accuracy.mean("seed")
    for substrate in ("rate", "counts", "lif"):  # a quick net is not fully trained: within a fifth of exact
        target = ds.accuracy_target.mean("seed").sel(substrate=substrate)
        assert abs(float(delta.sel(substrate=substrate) - target)) < 0.2
    assert float(delta.sel(substrate="shuffled")) < float(delta.sel(substrate="counts")) - 0.4


def test_known_keys_are_quiet_with_anti_hebb_and_loud_with_hebb_on_every_substrate(demo):
    ds = demo[2].sel(rule="hebb")
    anti, hebb = (ds.sel(plasticity=sign) for sign in ("anti_hebb", "hebb"))
    assert (anti.recognition.mean("seed") > 0.7).all()  # two nets with 8 keys each
    assert (hebb.recognition.mean("seed") < 0.4).all()
    assert (anti.activity_known < anti.activity_unknown).all()
    assert (hebb.activity_known > hebb.activity_unknown).all()
    assert np.isnan(demo[2].recognition.sel(rule="delta")).all()


def test_a_score_without_a_sign_cannot_tell_hebb_from_anti_hebb():
    program = programs.load_program("first_look")
    trained = program.train(program.QUICK, "hebb", 0)
    sent = trained.instructions(program.QUICK.task(np.random.default_rng(0), 3).x)
    norms = [np.linalg.norm(fw.simulate(sign, sent).y, axis=-1) for sign in program.SIGNS]
    np.testing.assert_allclose(*norms)


def test_ceilings_are_expectations_on_the_sequences_of_each_substrate(demo):
    ds = demo[2]
    assert (ds.ceiling.sel(rule="hebb") == ds.ceiling.sel(rule="delta")).all()  # the same sequences: paired
    row = ds.sel(quantity="accuracy, hebb, exact, against the order-blind ceiling")
    assert row.kind == "ceiling"
    difference = (ds.accuracy - ds.ceiling).sel(rule="hebb", substrate="exact")
    assert float(row.difference) == pytest.approx(float(difference.mean()), abs=1e-12)
    assert float(row.error) == pytest.approx(float(difference.std(ddof=1)) / ds.sizes["seed"] ** 0.5)


def test_every_row_of_nets_has_n_and_a_spread(demo):
    ds = demo[2]
    rows = [str(name) for name in ds.quantity.values if not str(name).startswith("E, ")]
    assert len(rows) > 20
    assert (ds.n.sel(quantity=rows) == ds.sizes["seed"]).all()
    assert ds.sd.sel(quantity=rows).notnull().all()


def test_the_errors_of_stdp_name_their_protocol_and_are_the_recomputed_ones(demo):
    ds = demo[2]
    rows = ds.sel(quantity=[name for name in ds.quantity.values if str(name).startswith("E, ")])
    assert all(str(name).endswith(("60 pairs in a row", "15 bursts of 5")) for name in rows.quantity.values)
    assert set(rows.kind.values.tolist()) == {"recomputed", ""}
    known = rows.expected.notnull()
    assert int(known.sum()) == 4
    assert (np.abs(rows.difference) <= rows.band)[known].all()  # half of the last printed digit
    pairs = ds.stdp_error.sel(protocol="pairs")
    assert float(pairs.sel(stdp="pair")) > 6 * float(pairs.sel(stdp="visual_cortex"))


def test_the_curve_of_stdp_is_dense_and_goes_through_the_rule(demo):
    ds = demo[2]
    assert ds.sizes["rate"] >= 50
    rule, m = fw.TripletSTDP("visual_cortex"), 40
    for lag in (10.0, -10.0):
        run = plasticity.protocols.pairs(rate=float(ds.rate[m]), dt=lag)
        curve = ds.dw_model.sel(stdp="visual_cortex", protocol="pairs", lag=lag)
        assert float(curve[m]) == pytest.approx(rule.dw(run.pre, run.post), rel=1e-12)


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
    assert [round(25.4 * side) for side in fig.get_size_inches()] == [183, 116]
    model_checks.check_narrow("first_look", demo[2])
    letters = [text.get_text() for ax in fig.axes for text in ax.texts if text.get_fontweight() == "bold"]
    caption = program.caption(demo[2])
    assert sorted(letters) == list("abcdefg")
    for letter in letters:
        assert re.search(rf"\([a-g, ]*{letter}[a-g, ]*\)", caption), letter


def test_the_page_says_what_the_full_run_printed():
    assert pages.check("What `make demo` obtains", "first_look") >= 8
