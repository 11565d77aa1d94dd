"""Lagged correlation: SciPy's at every lag, the planted lag, and slow traces that shuffles mistake for related ones."""

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import pearsonr

from synfwp import measures


def slow(rng, n, tau=30.0, trials=()):
    """Stationary noise with a time constant of so many samples."""
    a = np.exp(-1 / tau)
    return lfilter([(1 - a**2) ** 0.5], [1, -a], rng.normal(size=(*trials, n + 500)))[..., 500:]


def test_every_lag_is_the_correlation_of_the_middle_with_a_window_of_the_other(rng):
    x, y = rng.normal(size=(2, 200)) + 3
    found = measures.lagged_correlation(x, y, 10, margin=40, shuffles=1, dt=0.5)
    expected = [pearsonr(x[40:160], y[40 + lag : 160 + lag])[0] for lag in range(-10, 11)]
    np.testing.assert_allclose(found.correlation, expected, atol=1e-12)
    np.testing.assert_allclose(found.lag, np.arange(-10, 11) / 2)
    assert float(found.largest) == pytest.approx(np.abs(expected).max(), abs=1e-12)


def test_a_trace_that_follows_another_is_found_at_its_lag_by_both_nulls(rng):
    x = slow(rng, 2000, 10.0)
    y = np.roll(x, 7) + 0.7 * slow(rng, 2000, 10.0)
    found = measures.lagged_correlation(x, y, 15)
    assert found.correlation.idxmax() == 7
    assert (found.p < 0.02).all()
    assert (found.largest > found.limit).all()


def test_unrelated_slow_traces_are_significant_by_shuffles_and_not_by_shifts(rng):
    p = []
    for i in range(60):
        found = measures.lagged_correlation(slow(rng, 1500), slow(rng, 1500), 5, shuffles=39, seed=i)
        p.append(found.p.values)
    by_shuffle, by_shift = (np.array(p) <= 0.05).mean(axis=0)
    assert by_shuffle > 0.5  # ten times the level
    # 60 tests: a standard error of .028; neighbouring shifts depend on each other, which makes p values coarse
    assert by_shift < 0.05 + 3 * 0.028


def test_of_several_trials_whole_trials_are_exchanged(rng):
    common = np.sin(np.arange(300) / 20)  # the same in all trials: no relation from trial to trial
    x, y = (common + slow(rng, 300, 5.0, (20,)) for _ in range(2))
    locked = measures.lagged_correlation(x, y, 3, shuffles=99)
    assert locked.p.sel(null="shuffle") > 0.05
    related = measures.lagged_correlation(x, y + 0.5 * x, 3, shuffles=99)
    assert float(related.p.sel(null="shuffle")) == 0.01
    middle = slice(75, 225)
    a, b = (z[:, middle] - z[:, middle].mean(axis=1, keepdims=True) for z in (x, y))
    expected = (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)
    assert float(locked.correlation.sel(lag=0)) == pytest.approx(expected, abs=1e-12)


def test_traces_that_are_too_short_or_constant_are_refused(rng):
    x = rng.normal(size=50)
    with pytest.raises(ValueError, match="max_lag 10 and margin 12 do not fit 50 samples"):
        measures.lagged_correlation(x, x, 10)
    with pytest.raises(ValueError, match="y does not vary"):
        measures.lagged_correlation(x, np.full(50, 0.1), 2)
    with pytest.raises(ValueError, match="pass traces of the same samples"):
        measures.lagged_correlation(x, x[:40], 2)
