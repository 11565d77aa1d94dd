"""Bits per synapse: closed forms within three standard errors, and the order of systems."""

import model_checks
import numpy as np
import pytest

from analyses import bits as program
from synfwp import theory

NAME = "bits"


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return model_checks.run_quick(NAME, tmp_path_factory)


def test_the_run_prints_its_table_and_is_labelled(quick):
    model_checks.check_output(*quick, ("Willshaw, below its limit", "signed weights solve", "(a)", "(b)"))
    model_checks.check_labels(quick[1])
    model_checks.check_figure(NAME, quick[1], "ab", (183, 82))


def test_closed_forms_are_met(quick):
    table = quick[1].sel(quantity=(quick[1].kind == "theory").values)
    off = np.abs(table.difference.values) - table.band.values
    sure = np.isfinite(table.error.values) & (table.error.values > 0)
    assert sure.sum() > 10
    assert (off[sure] < 5 * table.error.values[sure]).all()  # of five draws: t with four degrees of freedom


def test_prediction_error_and_means_buy_information_and_few_bits_cost_some(quick):
    held = quick[1].information.sel(ratio=1.0).mean("draw")
    pick = {str(name): float(held.sel(system=name)) for name in held.system.values}
    assert pick["mesa"] > pick["delta"] > pick["1 bit"]
    assert pick["covariance, rates"] > pick["delta, rates"] > pick["Hebb, rates"]
    assert pick["Hebb"] > pick["1 bit"] > pick["1 bit, written"]
    assert pick["3 bits"] == pytest.approx(pick["Hebb"], abs=0.06)


def test_the_programme_for_signed_weights_finds_them_where_they_are():
    one = program.perceptrons(program.QUICK, 0, 0.2)
    assert one["solved"][1].all()
    assert not program.perceptrons(program.QUICK._replace(perceptrons=5), 0, 2.0)["solved"][1].any()
    assert theory.dale_feasible(4, 20) > 0.99


def test_entropy_of_a_coin_is_one_bit():
    np.testing.assert_allclose(program.entropy(np.array([0.5, 0.0, 0.11])), [1, 0, 0.4999], atol=1e-3)
