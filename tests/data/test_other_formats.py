"""Arrays by a mapping of names, Neo's Blocks and pynapple's objects: what they give, and what is refused."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import xarray as xr

import synfwp as fw
from synfwp import results


def run() -> xr.Dataset:
    """Spikes of three populations, one of them silent, and a membrane potential."""
    cue = fw.PoissonSource(5, 60.0, name="cue")
    cells = fw.Population(2, fw.LIF(noise=1.0), name="cells", drive=22.0)
    silent = fw.Population(3, fw.LIF(noise=0.0), name="silent")
    return fw.Circuit([fw.Projection(cue, cells, 3.0)], [silent]).run(200.0, seed=1, record=fw.Record("cells", "v"))


def same_spikes(one: xr.Dataset, other: xr.Dataset, within: float = 0.0) -> None:
    """Populations, sizes, times and neurons are the same."""
    assert one.population.values.tolist() == other.population.values.tolist()
    np.testing.assert_array_equal(one.population_size, other.population_size)
    for population in one.population.values:
        first, second = (fw.spikes(ds, str(population)) for ds in (one, other))
        a, b = (np.lexsort((time, unit)) for time, unit in (first, second))
        np.testing.assert_array_equal(first[1][a], second[1][b])
        np.testing.assert_allclose(first[0][a], second[0][b], rtol=0, atol=within)


@pytest.fixture
def h5(tmp_path: Path) -> Path:
    """A file of another layout."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["s/t"], file["s/of"] = [30.0, 10.0, 20.0], [7, 3, 7]
        file["s/name"] = ["b", "a", "b"]
        file["trial/on"], file["trial/off"], file["trial/word"] = [0.0, 1.0], [1.0, 2.0], ["go", "stop"]
        file["lfp"], file["clock"] = np.arange(8.0).reshape(4, 2), [0.0, 0.5, 1.0, 1.5]
    return tmp_path / "a.h5"


def test_arrays_of_a_file_get_their_names_units_and_seconds(h5: Path) -> None:
    names: dict[str, Any] = {
        "spike_time": ("s/t", "ms"), "spike_unit": "s/of", "trial_start": ("trial/on", "s"),
        "trial_stop": ("trial/off", "s"), "trial_word": "trial/word", "lfp": ("lfp", "mV"), "time": ("clock", "s"),
    }  # fmt: skip
    ds = fw.read_hdf5(h5, names)
    assert (ds.spike_time.values.tolist(), ds.spike_unit.values.tolist()) == ([0.01, 0.02, 0.03], [0, 1, 1])
    assert (ds.unit_id.values.tolist(), ds.trial_word.values.tolist()) == ([3, 7], ["go", "stop"])
    assert (ds.lfp.dims, ds.lfp.units) == (("time_lfp", "component_lfp"), "mV")
    assert (ds.attrs["start"], ds.attrs["stop"]) == (0.0, 2.0)
    by_name = fw.read_hdf5(h5, {"spike_time": ("s/t", "ms"), "spike_unit": "s/name"})
    assert by_name.unit_id.values.tolist() == ["a", "b"]


REFUSED: dict[str, tuple[Any, dict[str, Any], type, str]] = {
    "no unit": ({"spike_time": "s/t"}, {}, ValueError, r"names\['spike_time'\] has no unit; pass \(place, unit\)"),
    "another place": ({"x": "s/tt"}, {}, ValueError, r"unknown array of a\.h5 's/tt'; did you mean 's/t'"),
    "a unit of something else": (
        {"spike_time": ("s/t", "mV")}, {}, ValueError, r"names\['spike_time'\] is in 'mV', which cannot be in s"
    ),
    "another length": (
        {"spike_time": ("s/t", "s"), "spike_unit": "clock"}, {}, ValueError, "has 3 entries and spike_unit 4"
    ),
    "ends that do not fit": (
        {"spike_time": ("s/t", "s"), "spike_index": "s/of"}, {}, ValueError, "spike_index has to increase to 3"
    ),
    "units alone": ({"spike_unit": "s/of"}, {}, ValueError, "has spike_unit or spike_index but no spike_time"),
    "half a table": ({"trial_start": ("trial/on", "s")}, {}, ValueError, "lacks trial_start or trial_stop"),
    "times alone": ({"time": ("clock", "s")}, {}, ValueError, "has 4 times but no series of that length"),
    "times of nothing": ({"time_v": ("clock", "s")}, {}, ValueError, "has time_v but no v"),
    "no mapping": (["x"], {}, TypeError, "pass a mapping of names to places"),
    "no place": ({"x": 3}, {}, TypeError, r"names\['x'\] is 3; pass a place"),
    "a rate that is none": ({"x": "lfp"}, {"rate": 0.0}, ValueError, "rate is 0.0; pass a finite number above 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_mapping_that_does_not_fit_is_refused_by_name(name: str, h5: Path) -> None:
    names, more, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        fw.read_hdf5(h5, names, **more)


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_text("no")
    with pytest.raises(ValueError, match=r"a\.h5 is no HDF5 file"):
        fw.read_hdf5(tmp_path / "a.h5", {})
    with pytest.raises(ValueError, match=r"a\.h5 is damaged, cut off or no npz"):
        fw.read_npz(tmp_path / "a.h5")
    np.savez(tmp_path / "a.npz", x=np.array([{}], object))
    with pytest.raises(ValueError, match=r"a\.npz is damaged or holds what is no array of numbers"):
        fw.read_npz(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"a\.npz is no text"):
        fw.read_text(tmp_path / "a.npz")


def test_text_has_columns_by_name_or_by_number_and_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("# of nobody\ntime,word,x\n1,go,2.5\n2,stop,\n")
    ds = fw.read_text(path)
    assert (ds.time_column if "time_column" in ds else ds["time"]).values.tolist() == [1.0, 2.0]
    assert ds.word.values.tolist() == ["go", "stop"]
    assert np.isnan(ds.x.values[1])
    path.write_text("1 2\n3\n")
    with pytest.raises(ValueError, match=r"line 2 of .*a\.csv has 1 cells but the first has 2"):
        fw.read_text(path)
    path.write_text("# nothing\n")
    with pytest.raises(ValueError, match="holds no line but comments"):
        fw.read_text(path)


def test_a_run_goes_through_neo_and_back() -> None:
    neo = pytest.importorskip("neo")
    ds = run()
    block = fw.to_neo(ds)
    assert isinstance(block, neo.Block)
    assert len(block.segments[0].spiketrains) == 10
    assert str(block.segments[0].analogsignals[0].units.dimensionality) == "mV"
    back = fw.read_neo(block)
    same_spikes(back, ds)
    np.testing.assert_array_equal(back.v_cells, ds.v_cells)
    np.testing.assert_allclose(back.time_v_cells, ds.time_v_cells, rtol=0, atol=1e-12)
    assert (back.v_cells.units, back.attrs["simulation_seed"]) == ("mV", 1)


def test_spikes_of_several_segments_are_not_mixed() -> None:
    pytest.importorskip("neo")
    block = fw.to_neo(run())
    block.segments.append(fw.to_neo(run()).segments[0])
    with pytest.raises(ValueError, match="segments 0, 1 hold spikes, each in its own time; pass segment="):
        fw.read_neo(block)
    same_spikes(fw.read_neo(block, segment=1), run())


def test_unequal_sweeps_stay_apart() -> None:
    neo, quantities = pytest.importorskip("neo"), pytest.importorskip("quantities")
    block = neo.Block()
    for size in (3, 4):
        segment = neo.Segment()
        wave = np.arange(float(size))
        segment.analogsignals.append(neo.AnalogSignal(wave, "pA", sampling_rate=2.0 * quantities.Hz, name="I"))
        block.segments.append(segment)
    ds = fw.read_neo(block)
    assert (ds.sizes["time_I_sweep_0"], ds.sizes["time_I_sweep_1"]) == (3, 4)
    assert ds.time_I_sweep_1.values.tolist() == [0.0, 0.5, 1.0, 1.5]


def test_a_run_goes_through_pynapple_and_its_files_and_back(tmp_path: Path) -> None:
    pynapple = pytest.importorskip("pynapple")
    ds = run()
    group = fw.to_pynapple(ds)
    assert len(group) == 10
    same_spikes(fw.read_pynapple(group), ds, within=1e-9)  # pynapple rounds to a nanosecond
    group.save(str(tmp_path / "group.npz"))
    back = fw.read_pynapple(tmp_path / "group.npz")
    same_spikes(back, ds, within=1e-9)
    assert (back.support_start.values.tolist(), back.support_stop.values.tolist()) == ([0.0], [0.2])
    frame = fw.to_pynapple(ds, "v_cells")
    assert isinstance(frame, pynapple.TsdFrame)
    both = fw.read_pynapple({"spikes": group, "v": frame, "rest": pynapple.IntervalSet(0.0, 0.1)})
    np.testing.assert_array_equal(both.v, ds.v_cells)
    assert both.rest_stop.values.tolist() == [0.1]


def test_what_pynapple_does_not_know_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pynapple")
    np.savez(tmp_path / "plain.npz", x=np.ones(2))
    with pytest.raises(ValueError, match="was not written by pynapple; read_npz"):
        fw.read_pynapple(tmp_path / "plain.npz")
    with pytest.raises(TypeError, match="is no object of pynapple; pass a TsGroup"):
        fw.read_pynapple(3.0)
    with pytest.raises(ValueError, match="unknown variable over time 'v_cell'; did you mean 'v_cells'"):
        fw.to_pynapple(run(), "v_cell")


def test_a_package_that_is_absent_is_named_with_its_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    ds = results.dataset(results.spike_variables({"cue": ([0.1], [0], 1)}))
    (tmp_path / "a.nwb").write_bytes(b"x")
    calls: dict[str, Any] = {
        "pynwb": lambda: fw.write_nwb(ds, tmp_path / "b.nwb"), "neo": lambda: fw.to_neo(ds),
        "pynapple": lambda: fw.to_pynapple(ds), "pooch": lambda: fw.fetch("patch_ramp", tmp_path),
    }  # fmt: skip
    for package, call in calls.items():
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(
            ModuleNotFoundError, match=rf'needs {package}; install it with: pip install "synfwp\[data\]"'
        ):
            call()


def test_a_window_of_a_recording_is_replayed_from_its_start() -> None:
    ds = results.dataset(results.spike_variables({"units": ([-1.0, 5.0, 5.25, 6.0], [0, 1, 0, 1], 2)}))
    source = fw.SpikeSource.from_dataset(ds, "units", window=(5.0, 6.0))
    assert (source.times.tolist(), source.units.tolist()) == ([0.0, 250.0], [1, 0])
    with pytest.raises(ValueError, match=r"'units' fires at -1 s, before 0; pass window="):
        fw.SpikeSource.from_dataset(ds, "units")
    with pytest.raises(ValueError, match="with start before stop"):
        fw.SpikeSource.from_dataset(ds, "units", window=(6.0, 5.0))
