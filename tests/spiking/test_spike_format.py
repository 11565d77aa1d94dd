"""One format of spikes: runs of circuits and of spiking networks are read, drawn and replayed alike."""

from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import synfwp as fw
from synfwp import plot, results

COLUMNS = {"spike_time", "spike_unit", "spike_population", "population", "population_size"}


def circuit_run() -> xr.Dataset:
    cue = fw.PoissonSource(20, 40.0, name="cue")
    cells = fw.Population(4, fw.LIF(noise=1.0), name="cells", drive=22.0)
    return fw.Circuit([fw.Projection(cue, cells, 3.0)]).run(300.0, seed=1)


def network_run(engine: str = "lif") -> xr.Dataset:
    one = np.eye(3)
    sent = fw.Instructions(one, one, np.array([[1.0, -1.0], [0.5, 1.0], [-1.0, 0.0]]))
    return fw.simulate("delta", sent, on=fw.SpikingNetwork(engine=engine), seed=2, record=True)


RUNS = {"circuit": circuit_run, "network": network_run}


@pytest.mark.parametrize("name", RUNS)
def test_every_run_has_the_same_columns_with_units_and_names(name):
    ds = RUNS[name]()
    assert set(ds.variables) >= COLUMNS
    assert ds.spike_population.dtype.kind == ds.spike_unit.dtype.kind == "i"
    assert ds.population_size.dims == ds.population.dims == ("population",)
    for column in COLUMNS - {"population"}:
        assert {"units", "long_name"} <= set(ds[column].attrs)
    found = [fw.spikes(ds, str(population)) for population in ds.population.values]
    assert sum(len(time) for time, _ in found) == ds.sizes["spike"] > 50
    for (time, unit), size in zip(found, ds.population_size.values, strict=True):
        assert (np.diff(time) >= 0).all()
        assert 0 <= unit.min() <= unit.max() < size


def test_a_network_has_as_many_neurons_of_each_population_as_its_code_asks():
    ds = network_run()
    assert ds.population.values.tolist() == ["key", "push", "pull"]
    assert ds.population_size.values.tolist() == [3 * 8, 2 * 8, 2 * 8]


@pytest.mark.parametrize("name", RUNS)
def test_no_row_of_a_raster_holds_two_neurons(name):
    ds = RUNS[name]()
    ax: Any = plot.raster(ds)
    rows = [np.unique(np.array(c.get_segments())[:, :, 1].mean(1).round(6)) for c in ax.collections]
    for one, other in pairwise(rows):
        assert one.max() < other.min()
    assert [c.get_label() for c in ax.collections] == ds.population.values.tolist()
    assert ax.get_ylim() == (-0.5, int(ds.population_size.sum()) - 0.5)
    plt.close("all")


@pytest.mark.parametrize("name", RUNS)
def test_spikes_of_a_run_replayed_in_a_circuit_are_the_same_raster(name, tmp_path):
    fw.save(RUNS[name](), tmp_path / "run.nc")
    ds = fw.load(tmp_path / "run.nc")
    chosen = ["cue", "cells"] if name == "circuit" else ["push", "pull"]  # a key may fire twice in a step: see below
    dt = 0.1 if name == "circuit" else 0.5
    sources = [fw.SpikeSource.from_dataset(ds, one) for one in chosen]
    again = fw.Circuit([], sources, dt=dt).run(300.0 if name == "circuit" else 2000.0)
    assert sum(source.times.size for source in sources) > 50
    for one in chosen:
        np.testing.assert_allclose(fw.spikes(again, one)[0], fw.spikes(ds, one)[0], rtol=0, atol=1e-12)  # roundings
        assert np.array_equal(fw.spikes(again, one)[1], fw.spikes(ds, one)[1])
    kept: list[Any] = [plot.raster(run, populations=chosen).collections for run in (ds, again)]
    for first, second in zip(*kept, strict=True):
        np.testing.assert_allclose(first.get_segments(), second.get_segments(), rtol=0, atol=1e-12)
    plt.close("all")


@pytest.mark.parametrize(("engine", "population"), [("lif", "key"), ("poisson", "key"), ("poisson", "push")])
def test_neurons_that_fire_several_times_in_a_step_are_replayed_thinned(engine, population):
    ds = network_run(engine)
    time, unit = fw.spikes(ds, population)
    once = np.unique(np.stack([time, unit]), axis=1)  # in order of time, then of neurons
    assert 100 < once.shape[1] < time.size
    with pytest.raises(ValueError, match=f"of source '{population}' fires twice at .* ms, which no dt .* thin=True"):
        fw.SpikeSource.from_dataset(ds, population)
    source = fw.SpikeSource.from_dataset(ds, population, thin=True)
    assert (source.n, source.times.size) == (int(ds.population_size.sel(population=population)), once.shape[1])
    again = fw.spikes(fw.Circuit([], [source], dt=0.5).run(2000.0), population)
    order = np.lexsort(again[::-1])
    np.testing.assert_allclose(again[0][order], once[0], rtol=0, atol=1e-12)
    assert np.array_equal(again[1][order], once[1])


def test_a_source_refuses_two_spikes_of_a_unit_at_one_time():
    assert fw.SpikeSource(2, [1.0, 1.0], [1, 0]).units.tolist() == [1, 0]
    with pytest.raises(ValueError, match="unit 1 of source 'cue' fires twice at 2 ms, which no dt tells apart; thin"):
        fw.SpikeSource(2, [1.0, 2.0, 2.0, 2.0], [1, 1, 0, 1], name="cue")


def test_thinning_leaves_spikes_that_a_smaller_step_tells_apart():
    ds = results.dataset(results.spike_variables({"cue": ([0.001, 0.001, 0.00101], [0, 0, 0], 1)}))
    source = fw.SpikeSource.from_dataset(ds, "cue", thin=True)
    np.testing.assert_allclose(source.times, [1.0, 1.01], rtol=1e-12)
    with pytest.raises(ValueError, match=r"fires twice within the step of 0\.1 ms at 1 ms; lower dt"):
        fw.Circuit([], [source]).run(5.0)
    assert fw.Circuit([], [source], dt=0.01).run(5.0).sizes["spike"] == 2


def table(**units: str) -> xr.Dataset:
    ds = results.dataset(results.spike_variables({"cue": ([0.001, 0.004], [1, 0], 2)}))
    ds["spike_time"].attrs = dict(units)
    return ds


def test_times_are_converted_by_the_unit_that_they_have():
    source = fw.SpikeSource.from_dataset(table(units="s"), "cue", name="replay")
    assert (source.n, source.name, source.times.tolist(), source.units.tolist()) == (2, "replay", [1.0, 4.0], [1, 0])
    ds = table(units="ms")
    ds["spike_time"] = ds.spike_time.copy(data=[1.5, 3.0])
    assert fw.SpikeSource.from_dataset(ds, "cue").times.tolist() == [1.5, 3.0]


@pytest.mark.parametrize(("unit", "in_a_second"), [("s", 1), ("seconds", 1), ("ms", 1000), ("us", 1_000_000)])
def test_all_readers_take_times_in_the_unit_that_they_have(unit, in_a_second):
    ds = table(units=unit)
    ds["spike_time"] = ds.spike_time.copy(data=in_a_second * np.array([0.004, 0.001]))  # out of order
    time, neuron = fw.spikes(ds, "cue")
    np.testing.assert_allclose(time, [0.001, 0.004], rtol=1e-12)
    assert neuron.tolist() == [0, 1]
    np.testing.assert_allclose(fw.SpikeSource.from_dataset(ds, "cue").times, [1.0, 4.0], rtol=1e-12)
    for run in (ds, ds.drop_vars(["spike_population", "population", "population_size"])):
        ax: Any = plot.raster(run)
        drawn = [segment[0, 0] for ticks in ax.collections for segment in ticks.get_segments()]
        np.testing.assert_allclose(sorted(drawn), [0.001, 0.004], rtol=1e-12)
    plt.close("all")


def test_a_population_that_is_silent_has_no_spikes():
    ds = results.dataset(results.spike_variables({"cue": ([], [], 2), "cells": ([0.1], [0], 1)}))
    assert [part.tolist() for part in fw.spikes(ds, "cue")] == [[], []]


REFUSED = {
    "no unit": (lambda: table(), "spike_time has no attribute 'units'; set"),
    "a time that is none": (
        lambda: table(units="s").assign(spike_time=("spike", [0.0, np.nan], {"units": "s"})), "spike_time holds NaN"
    ),
    "a unit of something else": (lambda: table(units="mV"), "spike_time is in 'mV', which cannot be in s"),
    "an unknown unit": (lambda: table(units="sec"), "unknown unit of spike_time 'sec'"),
    "another population": (
        lambda: table(units="s").assign_coords(population=["queue"]), "unknown population 'cue'; choose one of 'queue'"
    ),
    "names instead of indices": (
        lambda: table(units="s").assign(spike_population=("spike", ["cue", "cue"])), "pass integers; it is an index"
    ),
    "no sizes": (lambda: table(units="s").drop_vars("population_size"), "the Dataset has no 'population_size'"),
    "several trials": (lambda: table(units="s").expand_dims("trial"), r"spike_time has dims \('trial', 'spike'\)"),
    "a neuron too many": (
        lambda: table(units="s").assign(spike_unit=("spike", [1, 2])), "spike 1 is of neuron 2 of 'cue', which has 2"
    ),
    "a population too many": (
        lambda: table(units="s").assign(spike_population=("spike", [0, 1])), "spike_population runs to 1 but there"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_in_the_format_is_refused_by_name(name):
    make, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        fw.SpikeSource.from_dataset(make(), "cue")
    spikes = "the run has no population 'cue'; it has 'queue'" if name == "another population" else message
    with pytest.raises(ValueError, match=spikes):
        fw.spikes(make(), "cue")
    drawn = {"no sizes": "raster needs the variable 'population_size'"}.get(name, message)
    with pytest.raises(ValueError, match=drawn):
        plot.raster(make(), populations=["cue"])
