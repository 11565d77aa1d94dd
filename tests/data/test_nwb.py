"""NWB: what is written passes the validators and opens elsewhere; what is read has the units and times of the file."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import synfwp as fw
from synfwp import plot, results
from synfwp.data import nwb

pynwb = pytest.importorskip("pynwb")
EVENTS = hasattr(pynwb.NWBFile, "add_events_table")  # older releases have no tables of events
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of names that pynwb's own validator uses
    pytest.mark.filterwarnings("ignore:AnnotationSeries is deprecated:UserWarning"),  # it is in files that are read
]


def run() -> xr.Dataset:
    """Spikes of a source and of two cells, a silent one, a membrane potential and weights over time."""
    cue = fw.PoissonSource(20, 40.0, name="cue")
    cells = fw.Population(2, fw.LIF(noise=1.0), name="cells", drive=22.0)
    silent = fw.Population(3, fw.LIF(noise=0.0), name="silent")
    rule = fw.PairSTDP("bi_poo").row(scale=1.0)
    circuit = fw.Circuit([fw.Projection(cue, cells, 3.0, name="p", plasticity=rule)], [silent])
    return circuit.run(200.0, seed=1, record=[fw.Record("cells", "v"), fw.Record("p", "W", every=50.0)])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[xr.Dataset, Path]:
    """A run, with trials and phases, and its file."""
    ds = run()
    ds["trial_start"] = ("trial", [0.0, 0.1], {"units": "s", "long_name": "start of trial"})
    ds["trial_stop"] = ("trial", [0.1, 0.2], {"units": "s", "long_name": "end of trial"})
    ds["trial_cue"] = ("trial", ["left", "right"], {"long_name": "cue of trial"})
    ds["phase_start"] = ("phase", [0.0, 0.05], {"units": "s", "long_name": "start of phase"})
    ds["phase_stop"] = ("phase", [0.05, 0.2], {"units": "s", "long_name": "end of phase"})
    ds["phase_name"] = ("phase", ["encode", "decode"], {"long_name": "phase"})
    return ds, fw.write_nwb(ds, tmp_path_factory.mktemp("nwb") / "new" / "run.nwb")


def pairs(ds: xr.Dataset, population: str) -> list[tuple[float, int]]:
    """Spikes of one population, those of one time in order of neurons."""
    return sorted(zip(*(part.tolist() for part in fw.spikes(ds, population)), strict=True))


def test_a_run_passes_the_validator_and_what_is_critical_to_the_inspector(written: tuple[xr.Dataset, Path]) -> None:
    nwbinspector = pytest.importorskip("nwbinspector")
    assert pynwb.validate(path=str(written[1])) == []
    found = list(nwbinspector.inspect_nwbfile(nwbfile_path=str(written[1])))
    severe = [one for one in found if one.importance.value >= nwbinspector.Importance.CRITICAL.value]
    assert severe == []


def test_with_a_species_a_run_passes_what_is_critical_to_dandi(
    written: tuple[xr.Dataset, Path], tmp_path: Path
) -> None:
    nwbinspector = pytest.importorskip("nwbinspector")
    asked = nwbinspector.load_config("dandi")
    path = fw.write_nwb(written[0], tmp_path / "rat.nwb", species="Rattus norvegicus")
    for one, missing in ((path, []), (written[1], ["check_subject_species_exists"])):
        found = nwbinspector.inspect_nwbfile(nwbfile_path=str(one), config=asked)
        severe = [x for x in found if x.importance.value >= nwbinspector.Importance.CRITICAL.value]
        assert [x.check_function_name for x in severe] == missing
    back = fw.read_nwb(path)
    assert back.attrs["subject_species"] == "Rattus norvegicus"
    fw.write_nwb(back, tmp_path / "again.nwb")
    assert fw.read_nwb(tmp_path / "again.nwb").attrs["subject_species"] == "Rattus norvegicus"
    for wrong in ("rat", 3):
        with pytest.raises(ValueError, match=r"species is .*; pass a Latin name of two words"):
            fw.write_nwb(back, tmp_path / "wrong.nwb", species=wrong)  # type: ignore[arg-type]


def test_a_run_comes_back_with_its_spikes_populations_and_parameters(written: tuple[xr.Dataset, Path]) -> None:
    ds, back = written[0], fw.read_nwb(written[1])
    assert back.population.values.tolist() == ds.population.values.tolist()
    assert back.population_size.values.tolist() == ds.population_size.values.tolist()
    for population in ("cue", "cells", "silent"):
        assert pairs(back, population) == pairs(ds, population)
    assert json.loads(back.attrs["simulation_parameters"]) == json.loads(ds.attrs["parameters"])
    assert (back.attrs["simulation_seed"], back.attrs["simulation_created"]) == (1, ds.attrs["created"])
    assert (back.attrs["start"], back.attrs["stop"]) == (0.0, 0.2)
    assert back.trial_cue.values.tolist() == ["left", "right"]
    assert back.phase_name.values.tolist() == ["encode", "decode"]
    np.testing.assert_array_equal(back.trial_stop, ds.trial_stop)
    assert len(plot.raster(back).collections) == len(plot.raster(ds).collections)


def test_a_recorded_variable_comes_back_in_si_units(written: tuple[xr.Dataset, Path]) -> None:
    ds, back = written[0], fw.read_nwb(written[1])
    assert back.v_cells.units == "V"
    np.testing.assert_allclose(1000.0 * back.v_cells.values, ds.v_cells.values, rtol=1e-14)  # a factor and back
    np.testing.assert_allclose(back.time_v_cells, ds.time_v_cells, rtol=0, atol=1e-12)


def test_weights_lie_in_scratch_with_their_axes(written: tuple[xr.Dataset, Path]) -> None:
    with pynwb.NWBHDF5IO(str(written[1]), "r") as file:
        session = file.read()
        np.testing.assert_array_equal(session.scratch["W_p_end"].data[:], written[0].W_p_end.values)
        assert session.scratch["W_p_end"].description.endswith("axes: pre_p, post_p")
        np.testing.assert_array_equal(session.scratch["W_p"].data[:], written[0].W_p.values)  # 4 samples of 40 weights
        assert (session.electrodes, session.subject.subject_id) == (None, "simulation")
        assert session.units.resolution == 1e-4  # the step


def test_a_run_opens_in_pynapple(written: tuple[xr.Dataset, Path]) -> None:
    pynapple = pytest.importorskip("pynapple")
    file = pynapple.load_file(str(written[1]))
    group = file["units"]
    assert len(group) == 25
    time, unit = fw.spikes(written[0], "cells")
    sizes = zip(written[0].population.values, written[0].population_size.values, strict=True)
    assert group.metadata["population"].tolist() == [name for name, size in sizes for _ in range(size)]
    row = group.metadata["population"].tolist().index("cells")
    np.testing.assert_allclose(group[row].t, time[unit == 0], rtol=0, atol=1e-9)  # pynapple rounds to a nanosecond
    assert file["v_cells"].shape == (2000, 2)
    file.close()


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ds = results.dataset(results.spike_variables({"cue": ([0.1], [0], 1)}))
    path = fw.write_nwb(ds, tmp_path / "a.nwb")
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="force=True"):
        fw.write_nwb(ds, path)

    def fail(self: Any, *arguments: Any, **named: Any) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(pynwb.NWBHDF5IO, "write", fail)
    with pytest.raises(OSError, match="No space left"):
        fw.write_nwb(ds, path, force=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_dataset_of_spikes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="ds is a list; pass the Dataset of a run"):
        fw.write_nwb([0.1], tmp_path / "a.nwb")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the Dataset has no 'spike_time'"):
        fw.write_nwb(xr.Dataset(), tmp_path / "a.nwb")
    with pytest.raises(ValueError, match="the Dataset has no neurons"):
        fw.write_nwb(results.dataset(results.spike_variables({"cue": ([], [], 0)})), tmp_path / "a.nwb")
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_without_provenance_and_without_spikes_of_anybody_is_written(tmp_path: Path) -> None:
    ds = results.dataset(results.spike_variables({"cue": ([], [], 2)}))
    back = fw.read_nwb(fw.write_nwb(ds, tmp_path / "a.nwb", description="nothing"))
    assert (back.sizes["spike"], back.population_size.values.tolist()) == (0, [2])
    assert back.attrs["session_description"] == "nothing"


def test_a_recording_stays_one_when_it_is_written_again(tmp_path: Path) -> None:
    ds = fw.read_nwb(behaviour(tmp_path / "a.nwb"), population="region")
    ds.attrs["subject_species"] = "Mus musculus"
    back = fw.read_nwb(fw.write_nwb(ds, tmp_path / "b.nwb"))
    assert back.attrs["session_description"] == "Recording, read from a.nwb."
    assert (back.attrs["subject_species"], back.attrs["session_start_time"][:10]) == ("Mus musculus", "2024-01-02")
    assert not any(name.startswith("simulation") for name in back.attrs)
    assert pairs(back, "CA1") == pairs(ds, "CA1")
    np.testing.assert_array_equal(back.dopamine, ds.dopamine)
    np.testing.assert_array_equal(back.time_dopamine, ds.time_dopamine)


def test_a_column_that_does_not_name_the_populations_is_kept(written: tuple[xr.Dataset, Path]) -> None:
    ds = fw.read_nwb(written[1], population="neuron")
    assert ds.population.values.tolist() == [str(n) for n in range(20)]
    assert ds.unit_population_column.values[:3].tolist() != ds.unit_population.values[:3].tolist()
    assert sorted(set(ds.unit_population_column.values.tolist())) == ["cells", "cue", "silent"]


def test_a_ragged_column_cannot_name_populations(tmp_path: Path) -> None:
    file = pynwb.NWBFile("a session", "id", datetime(2024, 1, 2, tzinfo=UTC))
    file.add_unit_column("peaks", "of waveforms", index=True)
    file.add_unit(spike_times=[0.1], peaks=[1.0, 2.0])
    with pynwb.NWBHDF5IO(str(tmp_path / "a.nwb"), "w") as out:
        out.write(file)
    with pytest.raises(ValueError, match="column 'peaks' of units has no single value per unit"):
        fw.read_nwb(tmp_path / "a.nwb", population="peaks")


@pytest.mark.parametrize("engine", ["lif", "poisson"])
def test_the_record_of_a_spiking_network_comes_back_with_its_phases(engine: str, tmp_path: Path) -> None:
    one = np.eye(3)
    sent = fw.Instructions(one, one, np.array([[1.0, -1.0], [0.5, 1.0], [-1.0, 0.0]]))
    ds = fw.simulate("delta", sent, on=fw.SpikingNetwork(engine=engine), seed=2, record=True)
    path = fw.write_nwb(ds, tmp_path / "a.nwb")
    back = fw.read_nwb(path)
    assert pynwb.validate(path=str(path)) == []
    for population in ds.population.values:
        assert pairs(back, str(population)) == pairs(ds, str(population))
    assert back.phase_name.values.tolist() == ds.phase_name.values.tolist()
    np.testing.assert_array_equal(back.phase_start, ds.phase_start)
    assert back.attrs["simulation_rule"] == "delta"


def behaviour(path: Path) -> Path:
    """A session with photometry, position, ragged columns, two series of one name, images and texts."""
    begun = datetime(2024, 1, 2, tzinfo=UTC)
    file = pynwb.NWBFile("a session", "id", begun, experimenter=["A. Person"])
    dff = {"name": "dopamine", "unit": "a.u.", "timestamps": [0.0, 0.1, 0.25]}
    file.add_acquisition(pynwb.TimeSeries(data=np.array([1, 3, 2], "i2"), conversion=0.5, offset=1.0, **dff))
    file.add_acquisition(pynwb.TimeSeries(name="x", data=[1.0, 2.0], unit="volts", rate=10.0, starting_time=5.0))
    module = file.create_processing_module("behavior", "behaviour")
    place = {"name": "x", "data": np.ones((4, 2)), "reference_frame": "corner", "unit": "meters", "rate": 2.0}
    module.add(pynwb.behavior.Position(spatial_series=pynwb.behavior.SpatialSeries(**place)))
    file.add_acquisition(pynwb.misc.AnnotationSeries(name="notes", data=["go"], timestamps=[1.0]))
    images = {"external_file": ["film.avi"], "format": "external", "rate": 30.0, "unit": "n.a.", "num_samples": 3}
    file.add_acquisition(pynwb.image.ImageSeries(name="film", **images))
    file.add_unit_column("region", "where")
    file.add_unit(spike_times=[0.3, 0.1], region="CA1", obs_intervals=[[0.0, 1.0], [2.0, 3.0]])
    file.add_unit(spike_times=[], region="CA3", obs_intervals=[[0.0, 1.0]])
    file.add_unit(spike_times=[0.2], region="CA1", obs_intervals=[[0.0, 1.0]])
    file.add_trial_column("lick_times", "when", index=True)
    file.add_trial_column("rewarded", "whether")
    file.add_trial(0.0, 0.5, tags=["early", "left"], lick_times=[0.1], rewarded=True)
    file.add_trial(0.5, 1.0, tags=[], lick_times=[0.6, 0.7], rewarded=False)
    if EVENTS:
        from pynwb.event import EventsTable

        licks = EventsTable(name="licks", description="licks")
        licks.add_column("side", "which")
        licks.add_row(timestamp=0.4, side="left")
        file.add_events_table(licks)
    with pynwb.NWBHDF5IO(str(path), "w") as out:
        out.write(file)
    return path


def test_photometry_and_behaviour_have_the_times_and_the_unit_of_the_file(tmp_path: Path) -> None:
    ds = fw.read_nwb(behaviour(tmp_path / "a.nwb"), population="region")
    assert (ds.dopamine.values.tolist(), ds.dopamine.units) == ([1.5, 2.5, 2.0], "a.u.")
    assert ds.time_dopamine.values.tolist() == [0.0, 0.1, 0.25]
    series = {name for name in ds.data_vars if f"time_{name}" in ds.dims}
    assert len(series) == 3
    (place,) = (name for name in series if ds[name].shape == (4, 2))
    (voltage,) = series - {"dopamine", place}
    assert (ds[voltage].units, ds[place].units) == ("V", "m")
    np.testing.assert_allclose(ds[f"time_{voltage}"], [5.0, 5.1], rtol=1e-15)
    assert ds[place].dims == (f"time_{place}", f"component_{place}")
    assert ds.population.values.tolist() == ["CA1", "CA3"]
    assert ds.unit_id.values.tolist() == [0, 2, 1]  # population after population
    time, unit = fw.spikes(ds, "CA1")
    assert (time.tolist(), unit.tolist()) == ([0.1, 0.2, 0.3], [0, 1, 0])
    assert ds.observation_stop.values.tolist() == [1.0, 3.0, 1.0, 1.0]
    assert ds.trial_rewarded.values.tolist() == [True, False]
    if EVENTS:
        assert (ds.licks_time.values.tolist(), ds.licks_time.units, ds.licks_side.values[0]) == ([0.4], "s", "left")
    assert ds.trial_tags.values.tolist() == ["early;left", ""]
    assert set(json.loads(ds.attrs["left_out"])) == {"trial lick_times", "series film", "series notes"}
    fw.save(ds, tmp_path / "a.nc")
    xr.testing.assert_identical(fw.load(tmp_path / "a.nc"), ds)


def test_series_are_chosen_by_name_and_large_ones_only_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = behaviour(tmp_path / "a.nwb")
    assert "dopamine" not in fw.read_nwb(path, series=[])
    assert "dopamine" in fw.read_nwb(path, series=["dopamine"])
    with pytest.raises(ValueError, match="unknown series 'dopamin'; did you mean 'dopamine'"):
        fw.read_nwb(path, series=["dopamin"])
    monkeypatch.setattr(nwb, "LARGE", 2)
    with pytest.warns(RuntimeWarning, match=r"series of more than 2 numbers, left out: \['dopamine', 'x'\]"):
        ds = fw.read_nwb(path)
    assert "dopamine" not in ds
    assert fw.read_nwb(path, series=["dopamine"]).sizes["time_dopamine"] == 3


def test_other_files_are_refused_with_what_reads_them(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "plain.nwb", "w") as file:
        file["x"] = [1.0]
    with pytest.raises(ValueError, match=r"plain\.nwb is an HDF5 file but no NWB file .* read_hdf5"):
        fw.read_nwb(tmp_path / "plain.nwb")
    (tmp_path / "text.nwb").write_text("no\n" * 100)
    with pytest.raises(ValueError, match=r"text\.nwb is no NWB file, .* read_text read other files"):
        fw.read_nwb(tmp_path / "text.nwb")
    with pytest.raises(IsADirectoryError, match="is a folder; pass the path of a file to read_nwb"):
        fw.read_nwb(tmp_path)
    with pytest.raises(ValueError, match="read it with read_nwb, since Neo"):
        fw.read_neo(tmp_path / "text.nwb")
    with pynwb.NWBHDF5IO(str(tmp_path / "none.nwb"), "w") as out:
        out.write(pynwb.NWBFile("empty", "id", datetime(2024, 1, 2, tzinfo=UTC)))
    with pytest.raises(ValueError, match=r"population is 'region' but .* has no table of units"):
        fw.read_nwb(tmp_path / "none.nwb", population="region")
    with pytest.raises(ValueError, match="holds no spikes, intervals or series"):
        fw.read_nwb(tmp_path / "none.nwb")
