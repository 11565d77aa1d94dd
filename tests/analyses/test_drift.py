"""Overwriting and drift in quick mode: what is computed, drawn and printed, and its filters."""

import model_checks
import numpy as np
import pytest

from synfwp import programs, theory

program = programs.load_program("drift")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run drift --quick` and its Dataset."""
    return model_checks.run_quick("drift", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("8 keys of mean zero (16 features)", "200 writes", "4 seeds"))


def test_the_dataset_holds_every_system_with_units_and_provenance(quick):
    ds = quick[1]
    model_checks.check_labels(ds)
    assert set(ds.system.values) == set(program.MEMORIES)
    assert set(ds["filter"].values) == set(program.FILTERS)
    assert np.isfinite(ds.score.values).all()
    assert np.isfinite(ds.return_error.values).all()


def test_only_what_erases_passes_the_ceiling_of_order(quick):
    at = quick[1].sel(writes=4)
    for keys in program.KEYS:
        score, blind = at.score.sel(keys=keys).mean("seed"), float(at.order_blind.sel(keys=keys)[0])
        for name in ("delta", "delta, beta 1", "gated delta"):
            assert score.sel(system=name) > blind + 0.2
        for name in ("Hebb", "covariance", "MESA", "softmax"):
            assert score.sel(system=name) < blind + 0.1


def test_formulas_are_the_numbers_that_were_found_before():
    for beta, error in program.FOUND.items():
        assert theory.delta_tracking_error(beta, 32, 0.3, 0.02) == pytest.approx(error, abs=5e-5)
    drift = float(np.sqrt(1 - 0.99**2))
    assert theory.kalman_tracking_error(32, 0.3, 0.02) == pytest.approx(program.FOUND_WALK["Kalman"], abs=5e-4)
    assert theory.kalman_tracking_error(32, 0.3, drift, 0.99) == pytest.approx(program.FOUND_RETURN["Kalman"], abs=5e-3)
    size = program.FULL._asdict()
    assert program.best_leaky(size) == pytest.approx(program.FOUND_RETURN["decay"], abs=1e-3)


def test_least_squares_with_the_variance_of_the_noise_is_the_bayes_estimate():
    size = program.QUICK._replace(d_x=5, steps=10)
    found = [program.still(size, batch) for batch in range(20)]
    error = np.array([one["still_error"][1][0] for one in found])
    curve = found[0]["still_theory"][1][0]
    spread = error.std(axis=0, ddof=1) / np.sqrt(20)
    assert (np.abs(error.mean(axis=0) - curve) < 4 * spread).all()  # 11 points
    assert (np.abs(error.mean(axis=0) - 1.5 * curve) > 4 * spread).any()


def test_the_figure_has_no_fault(quick):
    model_checks.check_figure("drift", quick[1], "abcdef", (183, 118))
