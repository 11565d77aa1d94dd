"""Differentiable plasticity in quick mode: what it computes, draws and prints; and the numbers of its page."""

import model_checks
import numpy as np
import pages
import pytest

from synfwp import programs

PLASTIC = ["own alpha", "one alpha"]


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run miconi2018 --quick` and its Dataset."""
    return model_checks.run_quick("miconi2018", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("2 patterns of 30 bits", "2 net(s)", "(a)", "(b)", "(c)", "(d)"))


def test_the_dataset_holds_every_seed_units_and_provenance_and_no_invented_number(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.rule.values.tolist() == [*PLASTIC, "no plasticity"]
    assert ds.protocol.values.tolist() == ["two rounds", "one round"]
    assert ds.by_patterns.dims == ("rule", "protocol", "seed", "patterns")
    assert ds.hand_error.dims == ("protocol", "seed", "hand_eta", "alpha")
    static = ds.loss.sel(rule="no plasticity").notnull().sum("step")
    assert static.sel(protocol="two rounds").values.tolist() == [12, 12]  # 60 of 250 updates
    assert static.sel(protocol="one round").values.tolist() == [50, 50]  # all, as the other nets
    assert set(ds.kind.values) == {"", "control", "ceiling", "theory"}
    assert all("against" in str(name) or "by hand" in str(name) for name in ds.quantity.values[ds.kind.values != ""])


def test_plastic_nets_complete_patterns_and_without_plasticity_they_guess(quick):
    ds = quick[1].sel(protocol="two rounds")
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
    wrong = quick[1].by_patterns.sel(rule=PLASTIC, protocol="two rounds")
    assert (wrong.sel(patterns=8) > wrong.sel(patterns=2) + 0.1).all()


def test_a_weak_alpha_by_hand_is_one_read_whose_signs_are_right_and_whose_error_is_large(quick):
    ds = quick[1].sel(protocol="two rounds")
    assert (ds.hand_missing.sel(alpha=0.1) <= ds.ideal + 0.01).all()
    errors = ds.hand_error.mean("seed").isel(hand_eta=0)
    assert errors.sel(alpha=0.1) > 4 * errors.min()


@pytest.mark.parametrize("protocol", ["two rounds", "one round"])
def test_the_alpha_by_hand_has_the_least_error_on_sequences_that_are_not_reported(quick, protocol):
    ds = quick[1].sel(protocol=protocol)
    choice = ds.hand_choice.mean("seed").values
    first, (eta, alpha) = int(choice[0].argmin()), np.unravel_index(choice.argmin(), choice.shape)
    assert float(ds.hand_best) == float(ds.alpha[first])
    np.testing.assert_array_equal(ds.hand_error_best, ds.hand_error[:, 0, first])
    np.testing.assert_array_equal(ds.hand_error_least, ds.hand_error[:, eta, alpha])


def test_one_round_is_the_protocol_of_the_authors_code_for_50_bits():
    """full.py --patternsize 50 --nbprescycles 1 --nbpatterns 2 --prestime 3 --interpresdelay 1."""
    task = programs.load_program("miconi2018").FULL.task("one round")
    assert (task.d, task.patterns, task.cycles, task.show, task.gap, task.zeroed) == (50, 2, 1, 3, 1, 0.5)


def test_alpha_by_hand_is_the_network_of_the_equations():
    program = programs.load_program("miconi2018")
    size = program.QUICK._replace(d=8, sequences=3, alphas=(0.51,), hand_etas=(0.0039, 0.0078))
    for protocol in program.PROTOCOLS:
        batch, d, errors = program.draw(size, size.task(protocol), 0), 8, []
        for alpha, eta in ((0.51, 0.0039), (0.255, 0.0078)):
            found = []
            for x in batch.x:
                h, A = np.zeros(d), np.zeros((d, d))
                for token in x:
                    new = np.tanh(alpha * A @ h + 20 * token)
                    A = (1 - eta) * A + eta * np.outer(new, h)
                    h = new
                found.append(h)
            errors.append(np.square(np.array(found) - batch.target[:, -1]).mean())
        assert program.by_hand(size, protocol, 0).hand_error.values.ravel() == pytest.approx(errors, rel=1e-4)


def test_nets_and_controls_of_a_seed_are_compared_pair_by_pair(quick):
    ds = quick[1].sel(protocol="two rounds")
    rows = {row.quantity: row for row in programs.load_program("miconi2018").rows(quick[1])}
    row = rows["squared error of a bit, own alpha, against the best alpha by hand"]
    assert row.targets.tolist() == ds.hand_error.isel(hand_eta=0).sel(alpha=float(ds.hand_best)).values.tolist()
    assert row.values.tolist() == ds.squared.sel(rule="own alpha").values.tolist()


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("miconi2018", quick[1], "abcd", (183, 58))


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("Differentiable plasticity", "miconi2018") >= 8
