"""Forgetting in quick mode: what is computed, drawn and printed, and what its systems and its parts are."""

import json

import model_checks
import numpy as np
import pytest

from synfwp import programs, theory
from synfwp.memory import lists as people

program = programs.load_program("forgetting")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run forgetting --quick` and its Dataset."""
    return model_checks.run_quick("forgetting", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("200 writes, 16 features, 4 seeds", "100 units", "lists of 16"))


def test_the_dataset_holds_every_system_with_units_and_provenance(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert set(ds.system.values) == set(program.SYSTEMS)
    assert set(ds.kept.values) == set(program.AT_BITS)
    assert set(ds.rated.values) == set(program.RATES)
    assert set(ds.engine.values) == {"counts", "lif"}
    for name in ("lifetime", "bits_lifetime", "rates_lifetime"):
        assert np.isfinite(ds[name]).all()


def test_the_best_lives_by_theory_are_those_that_are_known():
    for level, (whole, decay) in program.FOUND_LIVES.items():
        assert theory.delta_lifetime(level, 64) == whole
        assert whole <= program.best_life("delta", level, 64) < whole + 1
        assert program.best_life("decay", level, 64) == pytest.approx(decay, abs=0.05 if decay < 50 else 0.5)
    ratio = [program.best_life("delta", x, 64) / program.best_life("decay", x, 64) for x in (10.0, 1.0, 0.1, 0.01)]
    assert ratio == sorted(ratio, reverse=True)
    assert ratio[1] == pytest.approx(1.198, abs=0.002)  # 27.6 of 23.05; whole ages give 27 of 23.0, 1.17
    assert ratio[-1] == pytest.approx(1, abs=0.02)


def test_equal_bits_are_equal(quick):
    ds = quick[1]
    size = json.loads(ds.attrs["parameters"])["size"]
    bits = {"delta": 16, "decay": 16, "heads": 64, "Benna-Fusi": 16, "cascade": np.log2(10), "binary": 1}
    for name, each in bits.items():
        total = float(ds.bits_d.sel(kept=name)) * each
        assert total == pytest.approx(size["bits"] * size["d"], abs=each / 2)  # a whole number of features


def test_a_matrix_that_fades_forgets_old_patterns_and_values(quick):
    ds = quick[1]
    hits, recalled = ds.hits.isel(trace=0).mean("repeat"), ds.recalled.isel(trace=0).mean("repeat")
    for found in (hits, recalled):
        assert found[0] > 0.9
        assert found[-1] < 0.3


def test_overlaps_fall_with_age_and_the_newest_patterns_are_attractors():
    found = program.palimpsest(program.QUICK._replace(units=300), 0)
    overlap = found["overlap"][1]
    assert overlap[:3].min() > 0.98
    assert overlap[-4:].mean() < 0.5


def test_a_list_whose_keys_fade_has_recency_and_no_primacy():
    k, v = people.draw_lists(np.random.default_rng(0), 500, 16, 12)
    for rule, knob in (("leaky_hebb", 0.85), ("delta", 1.0)):
        right = people.right_by_place(people.likeness(rule, k, v, knob))
        assert right[-1] > right[8] + 0.1
        assert right[0] < right[8] + 0.05


def test_transitions_of_keys_that_drift_go_to_neighbours_alike_in_both_directions():
    k, v = people.draw_lists(np.random.default_rng(0), 2000, 16, 32, 0.7)
    back, on = people.next_by_lag(people.likeness("leaky_hebb", k, v, 1.0), (-1, 1))
    assert back == pytest.approx(on, abs=0.02)  # 30,000 transitions each
    alone, _ = people.next_by_lag(
        people.likeness("leaky_hebb", *people.draw_lists(np.random.default_rng(0), 500, 16, 32), 1.0), (-1, 1)
    )
    assert back > alone + 0.1


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("forgetting", quick[1], "abcdefghi", (183, 168))
