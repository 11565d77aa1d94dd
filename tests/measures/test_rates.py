"""Rates of populations and neurons."""

import numpy as np
import pytest

import synfwp as fw
from synfwp.results import dataset, spike_variables


def spikes(n=400, seconds=4.0):
    """Two populations of Poisson neurons, 10 and 30 Hz."""
    rng = np.random.default_rng(0)
    groups = {}
    for name, rate, size in (("E", 10.0, n), ("I", 30.0, n // 4)):
        count = rng.poisson(rate * size * seconds)
        groups[name] = rng.uniform(0, seconds, count), rng.integers(size, size=count), size
    return dataset(spike_variables(groups)).assign_attrs(start=0.0, stop=seconds)


def test_rates_are_counts_over_neurons_and_time():
    ds = spikes()
    found = fw.rates(ds)
    counts = np.bincount(ds.spike_population.values)
    np.testing.assert_allclose(found, counts / (np.array([400, 100]) * 4.0))
    assert found.sel(population="I").item() == pytest.approx(30.0, rel=0.05)
    binned = fw.rates(ds, 0.01)
    assert binned.sizes == {"population": 2, "time": 400}
    np.testing.assert_allclose(binned.mean("time"), found)
    assert binned.time.values[:2].tolist() == [0.005, 0.015]
    assert binned.attrs["units"] == "Hz"
    each = fw.rates(ds, neurons=True)
    np.testing.assert_allclose([each[each.population == name].mean() for name in "EI"], found)


def test_smoothing_keeps_the_mean_and_takes_the_noise():
    ds = spikes()
    plain, smooth = fw.rates(ds, 0.01), fw.rates(ds, 0.01, smooth=0.05)
    np.testing.assert_allclose(smooth.mean("time"), plain.mean("time"), rtol=0.01)
    assert (smooth.std("time") < 0.4 * plain.std("time")).all()


def test_the_window_is_that_of_the_run():
    cells = fw.Population(3, fw.LIF(), drive=25.0)
    simulation = fw.Circuit([], [cells]).start(0)
    first, second = simulation.run(200.0), simulation.run(300.0)
    both = fw.rates(fw.join(first, second))
    np.testing.assert_allclose(5 * both, 2 * fw.rates(first) + 3 * fw.rates(second))
    silent = fw.Circuit([], [fw.Population(3, fw.LIF())]).run(50.0)
    assert fw.rates(silent).item() == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bin": 0.0}, "bin"),
        ({"bin": 5.0}, "bin is 5 s in a window of 4 s"),
        ({"window": (1.0, 1.0)}, "start before stop"),
        ({"smooth": 0.1}, "smooth needs bins"),
        ({"bin": 0.01, "smooth": -1.0}, "smooth"),
    ],
)
def test_what_cannot_be_counted_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        fw.rates(spikes(), **arguments)


def test_a_dataset_without_spikes_is_refused():
    with pytest.raises(ValueError, match="spike_time"):
        fw.rates(spikes().drop_vars("spike_time"))
