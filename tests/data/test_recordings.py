"""Recordings of other laboratories: each file loads, is drawn, replayed, and comes back from NetCDF and NWB."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import synfwp as fw
from synfwp import plot, results

DATA = Path(__file__).parents[3] / "shared" / "data"
ABSENT = f"the recordings for development are not at {DATA}"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=ABSENT)
NELPY: dict[str, Any] = {
    "spike_time": ("spike_times", "s"), "spike_index": "spike_index", "time": ("t", "s"), "x": "x_px", "y": "y_px",
}  # fmt: skip
LOCUST: dict[str, Any] = {"spike_time": ("0", "us")}
PAIR: dict[str, Any] = {"v": ("v_V", "V"), "time": ("t_s", "s"), "spike_time": ("tstim_s", "s")}
TEXT = "locust_spikes_{}"
SPIKES: dict[str, Callable[[], xr.Dataset]] = {
    "kornblith2017_odbl/399e11sb.nwb": lambda: nwb("kornblith2017_odbl/399e11sb.nwb", population="site"),
    "nwb_pynapple/A8604-211122.nwb": lambda: nwb("nwb_pynapple/A8604-211122.nwb"),
    "nelpy_linear_track/linear_track.npz": lambda: npz("nelpy_linear_track/linear_track.npz", NELPY),
    "nitime_grasshopper/grasshopper_spike_times1.txt": lambda: text("nitime_grasshopper/grasshopper_spike_times1.txt"),
    "nitime_grasshopper/grasshopper_spike_times2.txt": lambda: text("nitime_grasshopper/grasshopper_spike_times2.txt"),
    "stp_bluepyopt/l5ttpc_pair_trace.npz": lambda: npz("stp_bluepyopt/l5ttpc_pair_trace.npz", PAIR),
}
SERIES: dict[str, Callable[[], xr.Dataset]] = {
    "nwb_icephys/LantyerEtAl2018_170328_AB_277_ST50_C.nwb": lambda: nwb(
        "nwb_icephys/LantyerEtAl2018_170328_AB_277_ST50_C.nwb"
    ),
    "nitime_grasshopper/stimulus_1kHz.npz": lambda: fw.read_npz(
        DATA / "nitime_grasshopper/stimulus_1kHz.npz", rate=1000.0
    ),
    **{
        f"neo_files/{name}": lambda name=name: neo(f"neo_files/{name}")  # type: ignore[misc]
        for name in (
            "17o05027_ic_ramp.abf", "2018_11_16_sh_0006.abf", "File_axon_5.abf", "B95_Ch0_IDRest_107.ibw",
            "B95_Ch3_IDRest_107.ibw",
        )
    },
}  # fmt: skip
TABLES = sorted(f"{path.parent.name}/{path.name}" for path in DATA.glob("*/*.csv"))
READERS = {**SPIKES, **SERIES, **{name: lambda name=name: fw.read_text(DATA / name) for name in TABLES}}  # type: ignore[misc]
NO_DATA_OF = {"README.md"}


def nwb(name: str, **arguments: Any) -> xr.Dataset:
    """A file that needs pynwb."""
    pytest.importorskip("pynwb")
    return fw.read_nwb(DATA / name, **arguments)


def neo(name: str) -> xr.Dataset:
    """A file that needs Neo."""
    pytest.importorskip("neo")
    if name.endswith(".ibw"):
        pytest.importorskip("igor2")
    return fw.read_neo(DATA / name)


def npz(name: str, names: dict[str, Any]) -> xr.Dataset:
    """A file of NumPy."""
    return fw.read_npz(DATA / name, names)


def text(name: str) -> xr.Dataset:
    """Spike times in us, one a line."""
    return fw.read_text(DATA / name, LOCUST)


def over_time(ds: xr.Dataset) -> list[str]:
    """Variables with times of their own."""
    return [str(name) for name in ds.data_vars if f"time_{name}" in ds.dims]


def test_every_file_of_the_folder_has_a_reader_here() -> None:
    found = {str(path.relative_to(DATA)) for path in DATA.rglob("*") if path.is_file()}
    assert found - NO_DATA_OF == set(READERS)


@pytest.mark.parametrize("name", READERS)
def test_a_recording_comes_back_from_netcdf_as_it_was(name: str, tmp_path: Path) -> None:
    ds = READERS[name]()
    fw.save(ds, tmp_path / "a.nc")
    xr.testing.assert_identical(fw.load(tmp_path / "a.nc"), ds)
    assert ds.attrs["source_file"] == Path(name).name
    for variable in ds.variables.values():
        assert variable.dtype.kind == "U" or {"units", "long_name"} <= set(variable.attrs)


@pytest.mark.parametrize("name", SPIKES)
def test_spikes_are_drawn_as_those_of_a_run(name: str) -> None:
    ds = SPIKES[name]()
    begin = float(ds.spike_time[0])
    ax: Any = plot.raster(ds, window=(begin, begin + 30.0))
    drawn = [segment[0, 0] for ticks in ax.collections for segment in getattr(ticks, "get_segments", list)()]
    expected = ds.spike_time.values[ds.spike_time.values <= begin + 30.0]
    assert expected.size > 5
    np.testing.assert_array_equal(np.sort(drawn), expected)
    assert ax.get_ylim() == (-0.5, int(ds.population_size.sum()) - 0.5)


@pytest.mark.parametrize(
    "name", [*SERIES, "nelpy_linear_track/linear_track.npz", "stp_bluepyopt/l5ttpc_pair_trace.npz"]
)
def test_series_are_drawn_as_records_of_a_run(name: str) -> None:
    ds = READERS[name]()
    found = over_time(ds)
    assert found
    for one in found:
        ax = plot.traces(ds[one], time=f"time_{one}")
        lines = ds.sizes.get("sweep", 1)
        assert len(ax.lines) == lines
        np.testing.assert_array_equal(ax.lines[0].get_xdata(), ds[f"time_{one}"].values)
        assert ax.get_xlabel().endswith("(s)")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_points_is_drawn(name: str) -> None:
    ds = READERS[name]()
    numbers = [one for one in ds.data_vars if ds[one].dtype.kind == "f"]
    _, axes = plot.figure("single")
    plot.points(axes["a"], ds[numbers[0]].values, ds[numbers[1]].values)
    assert axes["a"].has_data()


@pytest.mark.parametrize("name", SPIKES)
def test_spikes_come_back_from_nwb_neo_and_pynapple(name: str, tmp_path: Path) -> None:
    for package in ("pynwb", "neo", "pynapple"):
        pytest.importorskip(package)
    ds = SPIKES[name]()
    fw.write_nwb(ds, tmp_path / "a.nwb")
    for back, within in (
        (fw.read_nwb(tmp_path / "a.nwb"), 0.0), (fw.read_neo(fw.to_neo(ds)), 0.0),
        (fw.read_pynapple(fw.to_pynapple(ds)), 1e-9),  # pynapple rounds times to a nanosecond
    ):  # fmt: skip
        assert back.population.values.tolist() == ds.population.values.tolist()
        np.testing.assert_array_equal(back.population_size, ds.population_size)
        for population in ds.population.values:
            found, expected = (fw.spikes(one, str(population)) for one in (back, ds))
            one, other = (np.lexsort((time, unit)) for time, unit in (found, expected))
            np.testing.assert_array_equal(found[1][one], expected[1][other])
            np.testing.assert_allclose(found[0][one], expected[0][other], rtol=0, atol=within)


@pytest.mark.parametrize("name", SPIKES)
def test_a_recording_is_replayed_into_a_circuit(name: str) -> None:
    ds = SPIKES[name]()
    begin = float(ds.spike_time[0])
    population = str(ds.population.values[0])
    time, unit = fw.spikes(ds, population)
    inside = (time >= begin) & (time < begin + 20.0)
    source = fw.SpikeSource.from_dataset(ds, population, thin=True, window=(begin, begin + 20.0))
    assert source.n == int(ds.population_size[0])
    again = fw.Circuit([], [source], dt=0.01).run(20_000.0)
    found, who = fw.spikes(again, population)
    assert found.size == inside.sum() > 5
    order, expected = np.lexsort((who, found)), np.lexsort((unit[inside], np.floor((time[inside] - begin) / 1e-5)))
    assert np.abs(found[order] - (time[inside] - begin)[expected]).max() <= 1e-5  # a spike lies in its step
    np.testing.assert_array_equal(np.bincount(who), np.bincount(unit[inside]))


def test_what_is_known_of_units_and_trials_is_read() -> None:
    ds = nwb("kornblith2017_odbl/399e11sb.nwb", population="site")
    assert (ds.sizes["unit"], ds.sizes["trial"], ds.sizes["spike"]) == (68, 216, 269971)
    np.testing.assert_array_equal(ds.unit_site.values, np.repeat(ds.population.values, ds.population_size.values))
    assert sorted(ds.unit_id.values) == list(range(68))
    np.testing.assert_allclose(ds.trial_start[0], 514.389402)
    assert ds.trial_start.units == ds.trial_maint_time.units == "s"
    assert set(np.unique(ds.trial_stim1)) <= set(range(1, 10))
    plain = nwb("kornblith2017_odbl/399e11sb.nwb")
    assert plain.population.values.tolist() == ["units"]
    np.testing.assert_array_equal(np.sort(plain.spike_time), ds.spike_time)
    with pytest.raises(ValueError, match="unknown column of units 'sites'; did you mean 'site'"):
        nwb("kornblith2017_odbl/399e11sb.nwb", population="sites")


def test_a_file_without_trials_observed_intervals_and_subject_is_read() -> None:
    ds = nwb("nwb_pynapple/A8604-211122.nwb")
    assert ds.population_size.values.tolist() == [3]
    assert not any(str(name).startswith(("trial", "observation")) for name in ds.variables)
    assert (ds.phase_name.values.tolist(), ds.unit_electrode_group.values[0]) == (["wake"], "group0_psb")


def test_sweeps_of_a_voltage_clamp_have_amperes_and_volts() -> None:
    ds = nwb("nwb_icephys/LantyerEtAl2018_170328_AB_277_ST50_C.nwb")
    current, voltage = ds.VoltageClampSeries_01, ds.VoltageClampStimulusSeries_01
    assert (current.units, voltage.units, current.sweep_number, current.electrode) == ("A", "V", 1, "icephys_electrode")
    assert 1e-12 < float(np.abs(current).max()) < 1e-7
    np.testing.assert_allclose(np.diff(ds.time_VoltageClampSeries_01), 2e-5, rtol=1e-9)
    assert "spike_time" not in ds


def test_sweeps_of_an_abf_file_are_stacked_with_their_starts() -> None:
    ds = neo("neo_files/2018_11_16_sh_0006.abf")
    assert (ds.IN_0.dims, ds.IN_0.shape, ds.IN_0.units) == (("time_IN_0", "sweep"), (2000, 60), "pA")
    np.testing.assert_allclose(ds.sweep_start, 5.0 * np.arange(60), rtol=0, atol=1e-9)
    one = fw.read_neo(DATA / "neo_files/2018_11_16_sh_0006.abf", segment=3)
    np.testing.assert_array_equal(one.IN_0, ds.IN_0[:, 3])
    np.testing.assert_allclose(one.time_IN_0[0], 15.0)
    with pytest.raises(ValueError, match="segment is 60; pass an integer of at least 0 and at most 59"):
        fw.read_neo(DATA / "neo_files/2018_11_16_sh_0006.abf", segment=60)


def test_the_ragged_spikes_of_nelpy_are_split_at_their_ends() -> None:
    ds = SPIKES["nelpy_linear_track/linear_track.npz"]()
    with np.load(DATA / "nelpy_linear_track/linear_track.npz") as file:
        ends, times = file["spike_index"], file["spike_times"]
    time, unit = fw.spikes(ds, "units")
    np.testing.assert_array_equal(time[unit == 13], times[ends[12] : ends[13]])
    assert ds.x.dims == ("time_x",)


def test_times_in_microseconds_become_seconds() -> None:
    ds = text("nitime_grasshopper/grasshopper_spike_times1.txt")
    assert (ds.sizes["spike"], float(ds.spike_time[0])) == (929, 0.0067)
    assert results.spike_trains(ds).names == ("units",)


CUT = ["kornblith2017_odbl/399e11sb.nwb", "neo_files/17o05027_ic_ramp.abf", "neo_files/B95_Ch0_IDRest_107.ibw",
       "nelpy_linear_track/linear_track.npz"]  # fmt: skip


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.95])
@pytest.mark.parametrize("name", CUT)
def test_a_file_that_is_empty_or_cut_off_is_refused_by_name(name: str, part: float, tmp_path: Path) -> None:
    whole, path = (DATA / name).read_bytes(), tmp_path / Path(name).name
    path.write_bytes(whole[: int(part * len(whole))])
    readers: dict[str, Any] = {".nwb": fw.read_nwb, ".abf": fw.read_neo, ".ibw": fw.read_neo, ".npz": fw.read_npz}
    pytest.importorskip({".nwb": "pynwb", ".npz": "numpy", ".ibw": "igor2"}.get(path.suffix, "neo"))
    with pytest.raises(ValueError, match=f"{path.name} is (empty|damaged|no )"):
        readers[path.suffix](path)
    assert list(tmp_path.iterdir()) == [path]
