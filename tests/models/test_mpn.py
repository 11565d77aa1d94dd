"""MPN in quick mode: what it computes, draws and prints; and the numbers of its page."""

import model_checks
import numpy as np
import pages
import pytest

from synfwp import programs

PLASTIC = ["hebb", "anti_hebb", "hebb, lam free"]


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run mpn2023 --quick` and its Dataset."""
    return model_checks.run_quick("mpn2023", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("Nets of 30 inputs and 40 hidden units", "2 net(s)", "(a)", "(b)", "(c)"))


def test_the_dataset_holds_every_seed_units_and_provenance(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert sorted(ds.rule.values) == sorted([*PLASTIC, "static"])
    assert ds.by_length.dims == ("rule", "seed", "length")
    assert ds.step.values.tolist() == [50, 100, 150, 200, 250]
    assert ds.accuracy.sel(rule="static").notnull().sum("step").values.tolist() == [1, 1]
    row = ds.sel(quantity="accuracy, test, hebb")
    assert row.obtained == pytest.approx(float(ds.test.sel(rule="hebb").mean()))
    assert (row.n, float(row.sd)) == (2, pytest.approx(float(ds.test.sel(rule="hebb").std(ddof=1))))


def test_published_numbers_stand_beside_nets_of_the_published_size_alone(quick):
    program, ds = programs.load_program("mpn2023"), quick[1]
    assert "published" not in ds.kind.values
    size = ds.attrs["parameters"]
    for name, value in {"d": 50, "hidden": 100, "length": 20, "batch": 64, "learning_rate": 0.001}.items():
        size = size.replace(f'"{name}": {getattr(program.QUICK, name)}', f'"{name}": {value}')
    rows = {row.quantity: row for row in program.rows(ds.assign_attrs(parameters=size))}
    assert rows["accuracy, test, hebb"].expected == 0.998
    assert rows["accuracy of validation after 100 updates, anti_hebb"].expected == 0.822
    assert rows["accuracy, test, hebb"].error >= (0.998 * 0.002 / 1000) ** 0.5
    assert rows["accuracy, test, hebb, lam free"].kind == ""


def test_synapses_integrate_evidence_and_without_plasticity_the_answer_is_a_guess(quick):
    ds = quick[1]
    plastic = ds.sel(rule=PLASTIC)
    assert (plastic.test > 0.97).all()
    assert (plastic.by_lead.sel(lead=1) > 0.9).all()  # one word decides
    # 1000 sequences: the standard error of a guess among three is .015; four of them
    assert np.abs(plastic.frozen - 1 / 3).max() < 0.06
    assert np.abs(ds.test.sel(rule="static") - 1 / 3).max() < 0.06


def test_eta_keeps_the_sign_that_it_starts_with_and_nothing_is_learned_from_a_rate_of_0(quick):
    eta, lam = quick[1].eta, quick[1].lam
    assert (eta.sel(rule="hebb") > 0).all()
    assert (eta.sel(rule="anti_hebb") < 0).all()
    assert (eta.sel(rule="static") == 0).all()
    assert lam.sel(rule=["hebb", "anti_hebb"]).max() <= np.float32(0.95)
    assert (lam.sel(rule="hebb, lam free") > 0.95).all()


def test_the_network_is_the_one_of_the_equations():
    program = programs.load_program("mpn2023")
    net = program.Network.mpn(4, 3, 2, eta=-0.5, lam=0.9, lam_max=0.8)
    params, x = net.init(1), np.random.default_rng(0).normal(size=(6, 4))
    assert set(params) == {"W", "W_out", "eta", "lam"}
    W, M, found = params["W"], np.zeros((3, 4)), []
    for row in x:
        h = np.tanh((W + W * M) @ row)
        M = 0.8 * M - 0.5 * np.outer(h, row)
        found.append(params["W_out"] @ h)
    np.testing.assert_allclose(net.scores(params, x), found)


def test_leads_that_few_sequences_have_are_left_out():
    program = programs.load_program("mpn2023")
    size = program.QUICK
    net = program.train(size._replace(steps=1), "hebb", 0)
    batch = program.draw(size, 0, "lead", 60)
    lead = size.task(0).margin(batch.x)
    found = np.isfinite(program.by_lead(net, size, 0, batch, np.arange(1, 10)))
    assert found.tolist() == [int((lead == n).sum()) >= 20 for n in range(1, 10)]
    assert not found.all()


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("mpn2023", quick[1], "abc", (183, 58))


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("MPN", "mpn2023") >= 8
