"""Rules of the memory literature: a quick run has the published order, and every capacity lies within its interval."""

import model_checks
import pytest

from analyses import memory_rules as program

NAME = "memory_rules"


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return model_checks.run_quick(NAME, tmp_path_factory)


def test_the_run_prints_its_table_and_is_labelled(quick):
    model_checks.check_output(*quick, ("capacity (patterns), BCPNN", "BCPNN above covariance", "(a, b)", "(e)"))
    model_checks.check_labels(quick[1])
    model_checks.check_figure(NAME, quick[1], "abcde", (183, 110))


def test_bayesian_synapses_hold_most_and_hebbian_ones_least_of_the_published_rules(quick):
    ds = quick[1]
    for condition in program.CONDITIONS:
        held = ds.capacity.sel(condition=condition)
        assert held.sel(system="BCPNN") > held.sel(system="covariance") > held.sel(system="Hebb") > 0
    assert ((ds.low <= ds.capacity) & (ds.capacity <= ds.high)).all()


def test_recall_falls_with_the_load(quick):
    means = quick[1].recall.mean("draw")
    assert (means.isel(pairs=0) > means.isel(pairs=-1) + 0.3).all()
