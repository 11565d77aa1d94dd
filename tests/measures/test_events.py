"""Spikes around events against loops, and rates against what is known of them."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import norm

from synfwp import measures
from synfwp.results import dataset, spike_variables


def spikes_of(rng, n=4, count=400, last=50.0):
    return rng.uniform(0, last, count), rng.integers(n, size=count)


def test_counts_and_rasters_are_those_of_a_loop(rng):
    time, unit = spikes_of(rng)
    events, edges = rng.uniform(0, 50, 12), np.array([-1.0, -0.2, 0.0, 0.7, 2.0])
    found = measures.aligned_counts(time, unit, events, edges, 5)
    expected = [
        [[((time[unit == i] - e >= a) & (time[unit == i] - e < b)).sum() for a, b in pairwise(edges)]
         for i in range(5)]
        for e in events
    ]  # fmt: skip
    np.testing.assert_array_equal(found, expected)
    relative, neuron, event = measures.aligned_spikes(time, unit, events, (-1.0, 2.0))
    assert len(relative) == found.sum()
    again = np.zeros(found.shape, int)
    np.add.at(again, (event, neuron, np.searchsorted(edges, relative, side="right") - 1), 1)
    np.testing.assert_array_equal(again, found)


def test_a_spike_at_an_event_falls_into_the_bin_that_begins_there_whatever_rounding_takes():
    events = np.arange(1, 200) * 0.1
    found = measures.aligned_counts(events + 0.3, np.zeros(199, int), events, [0.2, 0.3, 0.4], 1)
    # a spike 0.3 after each event, in the bin from 0.3 alone; those of other events lie on edges 0.2 and 0.4
    assert (found[:-1, 0, 1] == 1).all()
    assert (found[1:-1, 0, 0] == 1).all()


def test_a_rate_is_the_count_over_the_width_and_smoothing_keeps_the_number_of_spikes(rng):
    time, unit = spikes_of(rng)
    ds = dataset(spike_variables({"cells": (time, unit, 4), "other": ([1.0], [0], 1)}))
    events, edges = np.array([5.0, 20.0, 33.0]), np.linspace(-1, 1, 21)
    rate = measures.psth(ds, events, edges, "cells")
    counts = measures.aligned_counts(time, unit, events, edges, 4)
    np.testing.assert_allclose(rate.rate, counts.mean(axis=0) / 0.1, rtol=1e-12)
    np.testing.assert_allclose(rate.rate_error, counts.std(axis=0, ddof=1) / 3**0.5 / 0.1, rtol=1e-12)
    assert (rate.rate.dims, rate.rate.attrs["units"]) == (("neuron", "time"), "Hz")
    one = dataset(spike_variables({"cells": ([10.0], [0], 1)}))
    smooth = measures.psth(one, [10.0], np.linspace(-2, 2, 402), smooth=0.2)  # a bin around 0
    expected = norm.pdf(smooth.time, scale=0.2)
    # SciPy cuts its Gaussian at 4 SD, where 6e-5 of it are left, and bins are 0.05 SD wide
    np.testing.assert_allclose(smooth.rate[0], expected, atol=1e-3 * expected.max())
    assert float(smooth.rate.sum() * 4 / 401) == pytest.approx(1.0, abs=1e-9)


def test_counts_after_events_are_those_of_one_bin(rng):
    time, unit = spikes_of(rng)
    ds = dataset(spike_variables({"cells": (time, unit, 4), "other": ([1.0], [0], 1)}))
    events = np.array([5.0, 20.0, 33.0])
    found = measures.event_counts(ds, events, (-0.5, 1.0), "cells")
    np.testing.assert_array_equal(found, measures.aligned_counts(time, unit, events, [-0.5, 1.0], 4)[..., 0])
    assert found.sum() > 0
    assert measures.event_counts(ds, [], (0.0, 1.0), "other").shape == (0, 1)
    with pytest.raises(ValueError, match="window has 3 entries"):
        measures.event_counts(ds, events, (0.0, 0.5, 1.0), "cells")
    with pytest.raises(ValueError, match="population is None; pass one of 'cells', 'other'"):
        measures.event_counts(ds, events, (0.0, 0.5))


def test_what_makes_no_rate_is_refused():
    ds = dataset(spike_variables({"a": ([0.1], [0], 1), "b": ([0.1], [0], 1)}))
    with pytest.raises(ValueError, match="population is None; pass one of 'a', 'b'"):
        measures.psth(ds, [0.0], [0.0, 1.0])
    with pytest.raises(ValueError, match="population 'c'; "):
        measures.psth(ds, [0.0], [0.0, 1.0], "c")
    with pytest.raises(ValueError, match="events are empty"):
        measures.psth(ds, [], [0.0, 1.0], "a")
    with pytest.raises(ValueError, match="smoothing needs one width"):
        measures.psth(ds, [0.0], [0.0, 1.0, 3.0], "a", smooth=0.5)
    with pytest.raises(ValueError, match="edges start with"):
        measures.aligned_counts([0.1], [0], [0.0], [0.0], 1)
    with pytest.raises(ValueError, match="window has 3 entries"):
        measures.aligned_spikes([0.1], [0], [0.0], (0.0, 1.0, 2.0))
