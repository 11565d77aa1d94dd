"""Capacity in quick mode: what is computed, drawn and printed, and that its rows can fail."""

import model_checks
import numpy as np
import pytest

from synfwp import programs, theory

program = programs.load_program("capacity")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return model_checks.run_quick("capacity", tmp_path_factory)


def test_the_run_prints_its_table_and_caption_and_is_labelled(quick):
    model_checks.check_output(*quick, ("keys of 16 features", "3 seeds", "256 made-up keys", "LIF neurons"))
    model_checks.check_labels(quick[1])
    model_checks.check_figure("capacity", quick[1], "abcdefgh", (183, 168))


def test_every_key_set_has_every_system_and_closed_forms_where_they_are_known(quick):
    ds = quick[1]
    assert ds.score.notnull().all()
    for name in program.FORMS:
        assert ds.theory.sel(system=name).notnull().all()
    for name in ("delta", "delta, beta 1", "Longhorn", "softmax", "covariance, running mean"):
        assert ds.theory.sel(system=name).isnull().all()


def test_rules_stand_as_they_should_with_rates_and_with_keys_of_mean_zero(quick):
    mean = quick[1].score.mean("seed").sel(pairs=16)
    rates, normal = mean.sel(key_set="relu"), mean.sel(key_set="normal")
    assert rates.sel(system="delta") > rates.sel(system="hebb") + 0.03
    assert rates.sel(system="covariance, off the query too") > rates.sel(system="delta") + 0.03
    assert normal.sel(system="MESA") > 0.99
    assert normal.sel(system="covariance, off the query too") == pytest.approx(float(normal.sel(system="hebb")))


def test_every_spiking_curve_is_run_again_in_LIF_neurons_at_all_its_loads(quick):
    ds = quick[1].on_mean
    assert (ds.sel(substrate="LIF neurons").notnull() == ds.sel(substrate="counts").notnull()).all()
    assert len(program.FULL.carried) >= 6
    rate, exact = (ds.sel(substrate=name, rule="hebb").dropna("pairs") for name in ("rate network", "exact"))
    np.testing.assert_allclose(rate, exact, atol=5e-5)  # a read reaches 0.99995 of its value
    spikes = quick[1].on_write_spikes
    assert (spikes.sel(substrate="LIF neurons").dropna("pairs") > 0).all()
    assert spikes.sel(substrate="exact").isnull().all()


def test_correlation_matrices_lie_on_one_line_and_least_squares_below(quick):
    ds = quick[1]
    for keys in program.KEYS:
        for name, around in zip(program.READERS[:2], ("zero", "mean"), strict=True):
            at = ds.sel(key_set=keys, reader=name, pairs=[16, 64])
            law = (at.pairs - 1) / ds.effective.sel(key_set=keys, around=around)
            noise = 1 / at.share.mean("seed") - 1
            assert (np.abs(np.log(noise / law)) < 0.35).all()  # three episodes: some 10 % of error, and few features
        at = ds.sel(key_set=keys, reader="MESA", pairs=64)
        assert 1 / float(at.share.mean()) - 1 < 0.8 * float(law[-1])


def test_the_recording_has_the_spectrum_and_the_mean_that_are_stated():
    size = program.QUICK._replace(rows=4000, d=8)
    keys = program.recording(size)
    np.testing.assert_allclose(np.linalg.norm(keys, axis=1), 1)
    latent = size.overlap**0.5 * np.linalg.norm(keys.mean(axis=0))
    assert 0.1 < latent < 0.5
    variance = np.sort(np.linalg.eigvalsh(np.cov(keys.T)))[::-1]
    slope = np.polyfit(np.log(np.arange(1, 7)), np.log(variance[:6]), 1)[0]
    assert -1.3 < slope < -0.6  # unit length takes some of the largest variance
    assert theory.effective_dimension(keys) < theory.effective_dimension(keys, centred=True) < 8


@pytest.mark.parametrize("query", [False, True])
def test_a_covariance_rule_takes_off_the_mean_that_it_is_told_to(query):
    rng = np.random.default_rng(0)
    k, v = rng.uniform(size=(5, 4)), rng.standard_normal((5, 3))
    for rule in ("stored", "running", np.full(4, 0.5)):
        W, m = np.zeros((3, 4)), k.mean(axis=0) if isinstance(rule, str) else rule
        for t in range(5):
            running = isinstance(rule, str) and rule == "running"
            W += np.outer(v[t], k[t] - (k[: t + 1].mean(axis=0) if running else m))
        want = (k - m if query else k) @ W.T
        np.testing.assert_allclose(program.Covariance(rule, query)(k, v, k, None), want, atol=1e-12)


def test_a_row_against_a_closed_form_fails_for_another_form(quick):
    ds = quick[1]
    before = {row.quantity: row for row in program.rows(ds)}
    wrong = ds.assign(theory=ds.theory**2)
    after = {row.quantity: row for row in program.rows(wrong)}
    what = "recall, rate keys, hebb, P = 64"
    assert np.abs(before[what].values.mean() - before[what].targets.mean()) < 0.06  # three episodes of 16 features
    assert np.abs(after[what].values.mean() - after[what].targets.mean()) > 0.15
