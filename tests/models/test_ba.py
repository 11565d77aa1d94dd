"""Fast weights of 2016 in quick mode: what they compute, draw and print; and the numbers of its page."""

import model_checks
import numpy as np
import pages
import pytest

from synfwp import programs


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run ba2016 --quick` and its Dataset."""
    return model_checks.run_quick("ba2016", tmp_path_factory)


@pytest.fixture(scope="module")
def program():
    """The model."""
    return programs.load_program("ba2016")


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("2 pairs of one of 3 keys", "30 units, 1 net(s)", "(a)", "(b)"))


def test_the_dataset_holds_every_seed_units_and_provenance(quick, program):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.rule.values.tolist() == list(program.RULES)
    assert ds.by_pairs.dims == ("rule", "seed", "pairs")
    assert ds.accuracy.sizes["step"] == program.POINTS
    assert ds.step.values[[0, -1]].tolist() == [2.5, 447.5]  # the middle of five updates each


def test_fast_weights_find_values_by_their_keys_and_without_them_keys_tell_nothing(quick):
    ds = quick[1]
    blind = 1 - ds.order_blind.sel(rule="fast weights")
    assert float((ds.wrong.sel(rule="fast weights") / blind).max()) < 0.5
    assert float((ds.wrong.sel(rule="tanh") / blind).max()) < 0.5
    # 500 sequences: the standard error of a share of .34 is .021; three of them
    assert float((ds.wrong.sel(rule=["no fast weights", "no norm"]) - blind).min()) > -0.063
    assert float((ds.frozen.sel(rule="fast weights") - blind).min()) > -0.063


def test_nets_with_all_layers_find_values_by_their_keys(quick):
    ds = quick[1]
    assert ds.layered.values.tolist() == ["20 units and all layers", "50 units and all layers"]
    blind = 1 - float(ds.order_blind.sel(rule="fast weights").mean())
    assert float(ds.layered_wrong.sel(layered="50 units and all layers").max()) < 0.5 * blind


def test_all_layers_are_the_network_between_layers(program):
    """The equations, step by step, in place of the kernel."""
    network = program.Layered.fast_weights(6, 5, symbols=4, answers=3, before=(7, 6), behind=8)
    p, x = network.init(2), np.eye(4)[[0, 2, 1, 3, 0]]
    h, A = np.zeros(5), np.zeros((5, 5))
    for token in x:
        code = np.maximum(p["second"] @ np.maximum(p["first"] @ token + p["b_first"], 0) + p["b_second"], 0)
        base = p["W"] @ h + p["W_in"] @ code + p["b"]
        inner = base + A @ np.maximum(base, 0)
        h = np.maximum((inner - inner.mean()) / np.sqrt(inner.var() + 1e-5), 0)
        A = 0.95 * A + 0.5 * np.outer(h, h)
    answer = p["answer"] @ np.maximum(p["behind"] @ h + p["b_behind"], 0) + p["b_answer"]
    np.testing.assert_allclose(network.scores(p, x[None])[0, -1], answer)


def test_layers_start_with_inputs_of_variance_1_and_sparse_codes(program):
    network = program.Layered.fast_weights(900, 800, symbols=40, answers=3, before=(1000, 900))
    params, code = network.init(0), np.eye(40)
    for layer in ("first", "second", "W_in"):
        drive = code @ params[layer].T
        assert abs(np.square(drive).mean() - 1) < 0.1
        code = np.maximum(drive + params.get(f"b_{layer}", 0), 0)
    assert all(x.dtype == np.float32 for x in network.init(3, np.float32).values())


def test_what_explodes_gives_no_right_answer(program, monkeypatch):
    monkeypatch.setitem(program.RULES, "no norm", {"norm": "none", "identity": 2.0})
    size = program.QUICK._replace(steps=90, eta=5.0)
    found = program.cell(size, "no norm", 0)
    assert found["wrong"][1] == 1
    assert not np.any(found["by_pairs"][1])


def test_training_starts_from_a_multiple_of_the_identity_and_unit_inputs(program):
    params = program.FastWeights.fast_weights(400, 300, 10).init(3)
    assert np.array_equal(params["W"], 0.5 * np.eye(300))
    assert abs(params["W_in"].std() - 1) < 0.01  # 120000 draws: a standard error of .002
    network = program.FastWeights.fast_weights(400, 300, 10, **program.START)
    params = network.init(3)
    assert np.array_equal(params["W"], 0.05 * np.eye(300))
    assert 0.99 / 300**0.5 < abs(params["W_in"]).max() < 1 / 300**0.5
    assert all(x.dtype == np.float32 for x in network.init(3, np.float32).values())


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("ba2016", quick[1], "ab", (183, 66))


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("Fast weights", "ba2016") >= 8
