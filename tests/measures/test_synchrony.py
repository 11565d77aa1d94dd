"""Synchrony of spike trains against counts written out, and against what independent and equal trains have."""

import numpy as np
import pytest

from synfwp import measures


def written_out(time, unit, edges, n):
    """Counts (n, bins) by a loop, chi of these, and the mean of all correlations of pairs that vary."""
    counts = np.zeros((n, len(edges) - 1))
    for t, i in zip(time, unit, strict=True):
        for b in range(len(edges) - 1):
            counts[i, b] += edges[b] <= t < edges[b + 1]
    chi = counts.mean(axis=0).std() / np.sqrt(counts.var(axis=1).mean())
    varies = counts[counts.var(axis=1) > 0]
    pairs = np.corrcoef(varies)[np.triu_indices(len(varies), 1)]
    return chi, pairs.mean()


def test_both_are_what_the_counts_written_out_give(rng):
    n, edges = 7, np.arange(0, 51.0)
    time, unit = rng.uniform(-5, 55, 300), rng.integers(n - 1, size=300)  # the last neuron is silent
    chi, correlation = written_out(time, unit, edges, n)
    assert measures.chi(time, unit, edges, n) == pytest.approx(chi, rel=1e-12)
    assert measures.count_correlation(time, unit, edges, n) == pytest.approx(correlation, rel=1e-10)


def test_independent_neurons_have_chi_of_one_over_root_n_and_no_correlation(rng):
    n, bins = 100, 20_000
    spikes = rng.random((n, bins)) < 0.05
    unit, bin_of = np.nonzero(spikes)
    edges = np.arange(bins + 1.0)
    # over 20,000 bins a variance has a relative standard error of .01 and chi one of .005: three of them
    assert measures.chi(bin_of + 0.5, unit, edges, n) == pytest.approx(0.1, rel=0.015)
    # the variance of the sum of n scores, n within .01, over n (n - 1): three standard errors
    assert abs(measures.count_correlation(bin_of + 0.5, unit, edges, n)) < 3 * 0.01 / (n - 1)


def test_a_part_of_the_spikes_in_common_is_the_correlation(rng):
    n, bins, p = 50, 20_000, 0.1
    common = rng.random(bins) < p
    follows = rng.random((n, bins)) < 0.5
    spikes = np.where(follows, common, rng.random((n, bins)) < p)  # pairs share half of the bins times half of them
    unit, bin_of = np.nonzero(spikes)
    found = measures.count_correlation(bin_of + 0.5, unit, np.arange(bins + 1.0), n)
    assert found == pytest.approx(0.25, rel=0.05)  # the common part alone has a relative standard error of .02


def test_the_order_of_spikes_and_the_silence_of_all_do_not_matter(rng):
    time, unit, edges = rng.uniform(0, 20, 100), rng.integers(5, size=100), np.arange(21.0)
    order = rng.permutation(100)
    for measure in (measures.chi, measures.count_correlation):
        # sums in another order differ by rounding
        assert measure(time[order], unit[order], edges, 5) == pytest.approx(measure(time, unit, edges, 5), rel=1e-12)
        assert np.isnan(measure(np.zeros(0), np.zeros(0, int), edges, 5))


def test_neurons_beyond_n_and_one_bin_are_refused():
    with pytest.raises(ValueError, match=r"^unit runs from 0 to 3; pass neurons from 0 to n - 1 = 2"):
        measures.chi(np.array([0.1, 0.2]), np.array([0, 3]), np.arange(3.0), 3)
    with pytest.raises(ValueError, match=r"^edges start with \[0.0, 1.0\]; pass those of two bins"):
        measures.chi(np.array([0.1]), np.array([0]), np.arange(2.0), 3)
    with pytest.raises(ValueError, match=r"^time has 2 entries and unit 1"):
        measures.count_correlation(np.array([0.1, 0.2]), np.array([0]), np.arange(3.0), 3)
