"""Hopfield's and Willshaw's memories in quick mode, and the theory that they are compared with."""

from itertools import combinations, product
from math import erf, exp, pi

import model_checks
import numpy as np
import pytest

from synfwp import programs


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run hopfield1982 --quick` and its Dataset."""
    return model_checks.run_quick("hopfield1982", tmp_path_factory)


@pytest.fixture(scope="module")
def program():
    """The model."""
    return programs.load_program("hopfield1982")


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("200 units (at the end", "2 network(s)", "(a)", "(b)", "(c)"))


def test_the_dataset_holds_every_network_units_and_provenance(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert ds.overlap.dims == ("units", "alpha", "seed")
    assert ds.spurious.dims == ("active", "seed")


def test_recall_gets_worse_with_the_load_and_less_information_is_stored_than_ln_2(quick):
    ds = quick[1]
    assert float(ds.overlap.sel(alpha=0.05).min()) > 0.999
    assert float(ds.overlap.sel(alpha=0.18).max()) < float(ds.overlap.sel(alpha=0.05).min())
    assert float(ds.nearly.sel(stored=5).min()) > float(ds.nearly.sel(stored=15).max())
    assert 0 < float(ds.bits.min()) < float(ds.bits.max()) < np.log(2)


def test_synapses_are_the_sum_of_outer_products_in_parts(program, rng):
    x, y = rng.choice([-1.0, 1.0], (7, 5)), rng.choice([-1.0, 1.0], (7, 4))
    assert np.array_equal(program.store(x, y, part=3), sum(np.outer(b, a) for a, b in zip(x, y, strict=True)))
    T = program.autoassociation(x)
    assert not T.diagonal().any()
    assert np.array_equal(T, T.T)


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_units_settle_where_no_flip_lowers_the_energy(low, program, rng):
    T = program.autoassociation(rng.choice([-1.0, 1.0], (4, 30)))
    start = np.where(rng.random((10, 30)) < 0.5, 1.0, low)
    end = program.settle(T, start, low, rng)
    assert set(np.unique(end)) == {low, 1.0}
    energy = [-(state @ T * state).sum(axis=1) / 2 for state in (start, end)]
    assert np.all(energy[1] <= energy[0])
    for i in range(30):
        flipped = end.copy()
        flipped[:, i] = 1 + low - flipped[:, i]
        assert np.all(-(flipped @ T * flipped).sum(axis=1) / 2 >= energy[1])


def test_the_overlap_solves_the_equations_of_many_units(program):
    for alpha in (0.02, 0.1, 0.13):
        m = program.mean_field(alpha)
        r, C = 1.0, 0.0
        for _ in range(2000):  # m = erf(m / sqrt(2 alpha r)), C = sqrt(2 / (pi alpha r)) exp(-m^2 / (2 alpha r))
            C = (2 / (pi * alpha * r)) ** 0.5 * exp(-m * m / (2 * alpha * r))
            r = 1 / (1 - C) ** 2
        assert m == pytest.approx(erf(m / (2 * alpha * r) ** 0.5), abs=1e-9)
    assert program.mean_field(0.5) == program.mean_field(program.critical_load())
    assert program.mean_field(0.5) < program.mean_field(program.critical_load() - 1e-6)


def test_the_mean_number_of_spurious_units_is_that_of_all_memories(program):
    units, active, pairs = 4, 2, 3
    patterns = [np.isin(range(units), chosen).astype(float) for chosen in combinations(range(units), active)]
    total, count = 0, 0
    for x in product(patterns, repeat=pairs - 1):
        for y in product(patterns, repeat=pairs - 1):
            W = sum(np.outer(b, a) for a, b in zip(x, y, strict=True)) + np.outer(patterns[0], patterns[0])
            total += (((W > 0) @ patterns[0] >= active) & (patterns[0] == 0)).sum()
            count += 1
    assert program.expected_spurious(units, active, pairs) == pytest.approx(total / count, rel=1e-12)


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("hopfield1982", quick[1], "abc", (183, 58))
