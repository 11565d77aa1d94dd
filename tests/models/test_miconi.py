"""Differentiable plasticity in quick mode: what it computes, draws and prints; and the numbers of the README."""

import model_checks
import numpy as np
import pytest
import readme_numbers

from synfwp import programs

PLASTIC = ["own alpha", "one alpha"]


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run miconi2018 --quick` and its Dataset."""
    return model_checks.run_quick("miconi2018", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("2 patterns of 30 bits", "2 net(s)", "(a)", "(b)", "(c)"))


def test_the_dataset_holds_every_seed_units_and_provenance_and_no_invented_number(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.rule.values.tolist() == [*PLASTIC, "no plasticity"]
    assert ds.by_patterns.dims == ("rule", "seed", "patterns")
    assert ds.hand_error.dims == ("alpha", "seed")
    assert ds.loss.sel(rule="no plasticity").notnull().sum("step").values.tolist() == [12, 12]  # 60 of 250 updates
    assert set(ds.kind.values) == {"", "control", "ceiling"}
    assert all("against" in str(name) or "by hand" in str(name) for name in ds.quantity.values[ds.kind.values != ""])


def test_plastic_nets_complete_patterns_and_without_plasticity_they_guess(quick):
    ds = quick[1]
    plastic = ds.sel(rule=PLASTIC)
    assert (plastic.missing < 0.12).all()
    # no solver without memory is better than the best guess; 60 sequences, of a standard error of about .02
    assert (plastic.frozen > ds.guess - 0.08).all()
    assert (ds.missing.sel(rule="no plasticity") > ds.guess - 0.08).all()
    assert 0.35 < float(ds.guess.mean()) < 0.5
    assert (ds.ideal <= plastic.missing).all()


def test_all_bits_are_the_missing_ones_and_those_of_the_cue_which_are_right(quick):
    """Inputs of 20 hold the units of the cue, so that half of the bits, those of the cue, are never wrong."""
    ds = quick[1]
    np.testing.assert_allclose(ds.bits, ds.missing / 2)


def test_more_patterns_are_harder(quick):
    wrong = quick[1].by_patterns.sel(rule=PLASTIC)
    assert (wrong.sel(patterns=8) > wrong.sel(patterns=2) + 0.1).all()


def test_a_weak_alpha_by_hand_is_one_read_whose_signs_are_right_and_whose_error_is_large(quick):
    ds = quick[1]
    assert (ds.hand_missing.sel(alpha=0.1) <= ds.ideal + 0.01).all()
    errors = ds.hand_error.mean("seed")
    assert errors.sel(alpha=0.1) > 4 * errors.min()
    assert float(ds.hand_best) == float(ds.alpha[int(np.argmin(ds.hand_choice.mean("seed").values))])


def test_alpha_by_hand_is_the_network_of_the_equations():
    program = programs.load_program("miconi2018")
    size = program.QUICK._replace(d=8, sequences=3)
    batch, d = program.draw(size, 0, size.patterns), 8
    found = []
    for x in batch.x:
        h, A = np.zeros(d), np.zeros((d, d))
        for token in x:
            new = np.tanh(0.51 * A @ h + 20 * token)
            A = (1 - size.hand_eta) * A + size.hand_eta * np.outer(new, h)
            h = new
        found.append(h)
    error = np.square(np.array(found) - batch.target[:, -1]).mean()
    assert float(program.by_hand(size, 0.51, 0).hand_error) == pytest.approx(error)


def test_nets_and_controls_of_a_seed_are_compared_pair_by_pair(quick):
    ds = quick[1]
    rows = {row.quantity: row for row in programs.load_program("miconi2018").rows(ds)}
    row = rows["squared error of a bit, own alpha, against the best alpha by hand"]
    assert row.targets.tolist() == ds.hand_error.sel(alpha=float(ds.hand_best)).values.tolist()
    assert row.values.tolist() == ds.squared.sel(rule="own alpha").values.tolist()


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("miconi2018", quick[1], "abc", (183, 58))


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("Differentiable plasticity", "miconi2018") >= 8
