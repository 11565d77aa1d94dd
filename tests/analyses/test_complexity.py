"""The complexity of a synapse: a quick run agrees with closed forms, and the rates are those of the synapses."""

import model_checks
import numpy as np
import pytest

from analyses import complexity as program
from synfwp import theory
from synfwp.memory import Cascade

NAME = "complexity"


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return model_checks.run_quick(NAME, tmp_path_factory)


def test_the_run_prints_its_table_and_is_labelled(quick):
    model_checks.check_output(*quick, ("lifetime, cascade 10", "beakers 12", "(a)", "(d)"))
    model_checks.check_labels(quick[1])
    model_checks.check_figure(NAME, quick[1], "abcd", (183, 120))


def test_simulations_agree_with_closed_forms(quick):
    ds = quick[1]
    table = ds.sel(quantity=ds.quantity[(ds.kind == "theory").values])
    off = np.abs(table.difference / table.error).values
    assert len(off) > 30
    assert off.max() < 6  # of six draws: t with five degrees of freedom


def test_lifetimes_of_the_rates_are_the_printed_ones(quick):
    ds = quick[1]
    table = ds.sel(quantity=[name for name in ds.quantity.values if str(name).startswith("lifetime, c")])
    table = table.sel(quantity=(table.kind == "recomputed").values)
    np.testing.assert_allclose(table.obtained, table.expected, rtol=1e-3)
    assert len(table.quantity) == 9


def test_other_rates_give_other_lifetimes(monkeypatch):
    monkeypatch.setattr(program, "Cascade", lambda n: Cascade(n, x=0.45))
    curve = program.cascade_curve(10, 4096)
    assert abs(int(np.flatnonzero(1e3 * curve > 1)[-1]) / theory.cascade_lifetime(1e6, 10) - 1) > 0.1


def test_noise_of_few_writes_is_less_than_that_of_endless_ones():
    _, closed = program.systems(32)["Hebb, decay"]
    _, early = program.systems(32, 50)["Hebb, decay"]
    assert early(np.array([3])) > 1.5 * closed(np.array([3]))
