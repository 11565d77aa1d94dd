"""F10: two grids are compared in whole steps, wherever times meet steps, windows or edges of bins."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import synfwp as fw
from synfwp import grid, plot
from synfwp.measures import binned_rate
from synfwp.spiking.groups import steps_of

STEPS = (0.1, 0.05, 0.025, 1 / 3, 0.125, 0.7, 1e-3)


@pytest.mark.parametrize("dt", STEPS)
@pytest.mark.parametrize("start", [0, 1, 10**6, 4 * 10**7])
def test_a_multiple_of_a_step_is_its_own_step_however_it_was_computed(dt: float, start: int) -> None:
    """F10: as a product, by arange, through seconds, as a quotient, and as a sum."""
    n = start + np.arange(2000)
    for times in (n * dt, n * (dt / 1000) * 1000, n / (1 / dt), np.nextafter(n * dt, 0), np.nextafter(n * dt, np.inf)):
        np.testing.assert_array_equal(grid.steps(times, dt), n)
        found, off = grid.multiples(times, dt)
        assert not off.any()
        np.testing.assert_array_equal(found, n)
    np.testing.assert_array_equal(grid.steps(np.arange(0, 2000 * dt, dt)[:2000], dt), np.arange(2000))
    np.testing.assert_array_equal(grid.steps(np.cumsum(np.full(10**6, dt)), dt), 1 + np.arange(10**6))


@pytest.mark.parametrize("dt", STEPS)
def test_a_time_off_the_grid_stays_in_the_step_that_it_lies_in(dt: float) -> None:
    """F10: the floor stays the floor, at short and at long times."""
    n = np.concatenate([np.arange(100), 10**6 + np.arange(100)])
    for share in (0.001, 0.25, 0.5, 0.75, 0.999):
        times = (n + share) * dt
        np.testing.assert_array_equal(grid.steps(times, dt), n)
        assert grid.multiples(times, dt)[1].all()


@pytest.mark.parametrize("width", [50.0, 0.1, 0.05, 0.025, 1 / 3, 0.125, 0.005])
@pytest.mark.parametrize("start", [0, 10**5])
def test_a_spike_on_every_edge_is_one_in_every_bin(width: float, start: int) -> None:
    """F10: whichever way edges and times were computed."""
    n = start + np.arange(1001)
    edges = {"product": n * width, "linspace": np.linspace(n[0] * width, n[-1] * width, 1001)}
    edges["arange"] = np.arange(n[0] * width, (n[-1] + 0.5) * width, width)
    if start == 0:
        edges["sum"] = np.cumsum(np.full(1001, width)) - width
    for name, edge in edges.items():
        for time in (n * width, n * (width / 1000) * 1000, (n * round(width / 0.025)) * 0.025):
            if (
                abs(round(width / 0.025) * 0.025 - width) > 1e-12
                and time is not edge
                and len(time)
                and time[-1] != n[-1] * width
            ):
                continue  # this width is no multiple of 0.025
            got = binned_rate(time[:-1], edge, n=1) * np.diff(edge)
            np.testing.assert_allclose(got, 1.0, rtol=1e-9, err_msg=name)


def test_the_rate_of_a_spike_every_fifty_milliseconds_is_the_same_in_every_bin() -> None:
    """F10, the case itself: times in seconds of a circuit, edges by arange."""
    source = fw.SpikeSource(1, np.arange(0.0, 2000.0, 50.0), np.zeros(40, int), name="clock")
    time = fw.Circuit([], [source]).run(2000.0).spike_time.values
    np.testing.assert_array_equal(binned_rate(time, np.arange(0, 2.0001, 0.05)).round(9), np.full(40, 20.0))


def test_a_spike_off_the_edges_stays_in_its_bin() -> None:
    """F10."""
    edges = np.arange(5) * 50.0
    assert binned_rate([49.9999, 99.9999], edges).tolist() == [1 / 50, 1 / 50, 0, 0]
    assert binned_rate([50.0001, 200.0, 250.0, -1e-3], edges).tolist() == [0, 1 / 50, 0, 0]
    assert grid.counts([], [0.0, 1.0]).tolist() == [0]
    assert grid.counts([1.0], [0.0]).tolist() == []
    assert grid.counts([0.0], [0.0, 1e-300, 1.0]).tolist() == [1, 0]  # narrow bins keep their order


@given(st.integers(0, 10**9), st.sampled_from(STEPS))
def test_steps_and_times_are_inverse(n: int, dt: float) -> None:
    """F10."""
    assert grid.steps(n * dt, dt) == n


@pytest.mark.parametrize("dt", [0.1, 0.05, 0.025, 1 / 3, 0.125])
@pytest.mark.parametrize("start", [0, 3_000_000])
def test_sources_schedules_and_samples_of_a_circuit_follow_its_steps(dt: float, start: int) -> None:
    """F10: prescribed spikes, Steps, gates and durations, also at long times."""
    n = start + np.arange(300)
    source = fw.SpikeSource(1, n * dt, np.zeros(300, int), "a")
    np.testing.assert_array_equal(steps_of(source, dt)[0], n)
    drive = fw.Steps(np.arange(300) * dt, np.arange(300.0))
    assert [float(drive.at(m, dt)) for m in range(300)] == list(range(300))
    if start == 0:
        circuit = fw.Circuit([], [source, fw.Population(1, fw.LIF(), drive=drive)], dt=dt)
        ds = circuit.run(300 * dt, record=fw.Record("cells", "drive", every=3 * dt))
        assert len(fw.spikes(ds, "a")[0]) == 300
        assert ds.drive_cells.values.ravel().tolist() == list(range(0, 300, 3))
        with pytest.raises(ValueError, match="not a multiple of dt"):
            circuit.run(300.5 * dt)


def test_a_rate_of_one_spike_per_step_is_allowed_on_every_grid() -> None:
    """F10: 1000 / dt Hz times dt may be above 1 by rounding."""
    for dt in (*STEPS, 0.3, 0.6, 0.007):
        ds = fw.Circuit([], [fw.PoissonSource(1, 1000.0 / dt)], dt=dt).run(5 * dt)
        assert ds.sizes["spike"] == 5


def test_a_window_of_a_raster_includes_the_spikes_at_its_ends() -> None:
    """F10."""
    variables = {"spike_time": ("spike", [0.1 + 0.2, 0.7], {"units": "s"}), "spike_unit": ("spike", [0, 0])}
    ax = plot.raster(xr.Dataset(variables), window=(0.0, 0.3))
    assert len(ax.collections[0].get_segments()) == 1
    assert grid.within([0.3, 0.7], 0.1 * 3, 0.7).tolist() == [True, True]


def test_a_network_takes_durations_on_every_grid() -> None:
    """F10."""
    cycle = fw.ThetaCycle(retrieve=100 / 3, encode=200 / 3, gap=1000 / 3)
    assert fw.SpikingNetwork(engine="lif", schedule=cycle, dt=1 / 3, neuron=fw.LIF(t_ref=2.0)).dt == 1 / 3
    with pytest.raises(ValueError, match="not a multiple of dt"):
        fw.SpikingNetwork(engine="lif", schedule=fw.ThetaCycle(encode=100.03), dt=0.1)


DECIMAL = np.array([0.0, 5.3, 17.4, 101.3])
TIMES = {  # what takes times, and the times that it holds
    "SpikeSource": lambda t: fw.SpikeSource(1, t, np.zeros(len(t), int)).times,
    "Steps": lambda t: fw.Steps(t, np.arange(4.0)).times,
    "Protocol": lambda t: fw.protocols.Protocol(t, t + np.float32(1), n=1).pre_motif,
    "dw": lambda t: fw.plasticity.pair(0.1, 0.2).dw(t, DECIMAL + 2.0),
}


@pytest.mark.parametrize("name", TIMES)
def test_times_in_single_precision_mean_their_decimals_and_in_half_precision_are_refused(name) -> None:
    """F10: 5.3 in single precision is 5.30000019, which a grid of 0.1 ms would round up to 5.4."""
    take = TIMES[name]
    assert np.array_equal(take(DECIMAL.astype(np.float32)), take(DECIMAL))
    with pytest.raises(TypeError, match="in half precision"):
        take(DECIMAL.astype(np.float16))
