"""F17: files of other programs get one clear error that names what reads them."""

import h5py
import numpy as np
import pytest
import xarray as xr
from scipy.io import netcdf_file

import synfwp as fw


def made(folder):
    """Foreign files by name, and what the message holds."""

    def hdf5(name, fill):
        with h5py.File(folder / name, "w") as file:
            fill(file)

    def nwb(file):
        file.attrs["nwb_version"] = "2.7.0"
        file.create_group("acquisition")

    def groups(file):
        file.create_group("recording/unit")["spike_time"] = np.ones(3)

    def mixed(file):
        file["x"] = np.ones(3)
        file.create_group("more")

    for name, fill in (("a.nwb", nwb), ("groups.h5", groups), ("mixed.nc", mixed)):
        hdf5(name, fill)
    hdf5("loose.h5", lambda file: file.create_dataset("x", data=np.ones((2, 3))))
    with netcdf_file(folder / "old.nc", "w") as file:
        file.createDimension("x", 2)
        file.createVariable("y", "d", ("x",))[:] = 1.0
    (folder / "table.csv").write_text("time,unit\n1,2\n")
    (folder / "long.txt").write_text("é" * 2000)
    (folder / "empty.nc").write_bytes(b"")
    (folder / "folder").mkdir()
    for name in ("old.zarr/.zgroup", "new.zarr/zarr.json"):
        (folder / name).parent.mkdir()
        (folder / name).write_text("{}")
    np.savez(folder / "a.npz", x=np.ones(2))
    np.save(folder / "a.npy", np.ones(2))
    (folder / "noise.bin").write_bytes(bytes(range(1, 100)) + b"\0" * 9 + b"\xff")
    (folder / "cut.nc").write_bytes((folder / "groups.h5").read_bytes()[:300])
    xr.Dataset({"a": ("x", np.ones(2))}).to_netcdf(folder / "in_group.nc", group="one", engine="h5netcdf")
    return {
        "a.nwb": "NWB file, which synfwp", "groups.h5": "holds groups", "mixed.nc": "holds groups", "loose.h5": "h5py",
        "old.nc": "NetCDF3 file, which xarray", "table.csv": "a text file", "long.txt": "a text file",
        "empty.nc": "is empty", "folder": "is a folder", "old.zarr": r"open_zarr", "new.zarr": "open_zarr",
        "a.npz": r"npz.*numpy\.load", "a.npy": r"numpy\.load", "noise.bin": "not a NetCDF4 file", "cut.nc": "damaged",
        "in_group.nc": "holds groups",
    }  # fmt: skip


def test_foreign_files_are_refused_with_the_reader_to_use(tmp_path) -> None:
    """F17: by `load` and `load_trained`."""
    for name, expected in made(tmp_path).items():
        for read in (fw.load, fw.load_trained):
            with pytest.raises(
                ValueError, match=rf"{name} .*{expected}.*pass the path of a result that save\(\) wrote"
            ):
                read(tmp_path / name)


def test_foreign_files_are_no_states_and_no_checkpoints(tmp_path) -> None:
    """F17: by `Circuit.restore` and `train(checkpoint=...)`; results and states are not taken for each other."""
    circuit = fw.Circuit([], [fw.SpikeSource(1, [1.0], [0], "a")])
    simulation = circuit.start()
    files = [*made(tmp_path), "result.nc"]
    fw.save(simulation.run(2.0), tmp_path / "result.nc")
    for name in files:
        with pytest.raises(ValueError, match=r"is not a state that Simulation\.save wrote"):
            circuit.restore(tmp_path / name)
        if name not in ("folder", "old.zarr", "new.zarr"):
            task = fw.tasks.Recall(keys=2, values=2, writes=3)
            net = fw.Programmer(d_in=5, d_key=4, d_value=4, d_out=2)
            with pytest.raises(ValueError, match=r"pass"):
                fw.train(net, task, steps=1, checkpoint=fw.Checkpoint(tmp_path / name))
    simulation.save(tmp_path / "state.npz")
    with pytest.raises(ValueError, match=r"Circuit\.restore\(path\)"):
        fw.load(tmp_path / "state.npz")
    with pytest.raises(ValueError, match="holds no programmer"):
        fw.load_trained(tmp_path / "result.nc")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        fw.load(tmp_path / "nothing.nc")


def test_netcdf4_files_of_others_without_groups_are_read(tmp_path) -> None:
    """What xarray and other programs write comes back."""
    ds = xr.Dataset({"a": (("x", "y"), np.ones((2, 3))), "b": 1.0, "c": ("x", ["p", "q"])}, {"x": [1.0, 2.0]})
    ds.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    xr.testing.assert_equal(fw.load(tmp_path / "a.nc"), ds)


def test_a_state_is_not_looked_for_in_a_result_and_nobody_is_sent_to_unpickle_it(tmp_path) -> None:
    """F17."""
    circuit = fw.Circuit([], [fw.Population(1, fw.LIF())])
    path = fw.save(circuit.run(1.0), tmp_path / "run.nc")
    with pytest.raises(ValueError, match=r"is not a state that Simulation.save wrote; fw.load reads results.$"):
        circuit.restore(path)
