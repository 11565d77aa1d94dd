"""Fast weights of 2016 in quick mode: what they compute, draw and print; and the numbers of the README."""

import model_checks
import numpy as np
import pytest
import readme_numbers

from synfwp import programs

CONTROLS = ["no norm", "relu", "no fast weights"]


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run ba2016 --quick` and its Dataset."""
    return model_checks.run_quick("ba2016", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("2 pairs of one of 6 keys", "nets of 40 units, 1 net(s)", "(a)", "(b)"))


def test_the_dataset_holds_every_seed_units_and_provenance(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.rule.values.tolist() == ["fast weights", *CONTROLS]
    assert ds.by_pairs.dims == ("rule", "seed", "pairs")
    assert ds.accuracy.notnull().sum("step").values.tolist() == [[400], [150], [150], [150]]
    np.testing.assert_allclose(ds.early, ds.accuracy.sel(step=slice(100, 149)).mean("step"))


def test_fast_weights_find_values_by_their_keys_and_without_them_keys_tell_nothing(quick):
    ds = quick[1]
    blind = 1 - float(ds.order_blind)
    assert float(ds.wrong.sel(rule="fast weights").max()) < 0.1 * blind
    # 500 sequences: the standard error of a share of .4 is .022; three of them
    assert float(ds.frozen.sel(rule="fast weights").min()) > blind - 0.066
    assert float(ds.wrong.sel(rule="no fast weights").min()) > blind - 0.066
    assert float(ds.early.sel(rule="fast weights").min()) > float(ds.early.sel(rule=CONTROLS).max()) + 0.1


def test_training_starts_from_a_multiple_of_the_identity_and_unit_inputs():
    program = programs.load_program("ba2016")
    network = program.FastWeights.fast_weights(400, 300, 10)
    params = network.init(3)
    assert np.array_equal(params["W"], 0.5 * np.eye(300))
    assert abs(params["W_in"].std() - 1) < 0.01  # 120000 draws: a standard error of .002
    assert all(x.dtype == np.float32 for x in network.init(3, np.float32).values())


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("ba2016", quick[1], "ab", (122, 62))


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("Fast weights", "ba2016") >= 8
