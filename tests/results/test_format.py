"""Files with the names of a synfwp before 0.1.0 are refused by every loader, with a message that says what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import synfwp as fw
from synfwp import results

OLD = r"was written by a synfwp before 0\.1\.0, whose names differ \(see CHANGELOG, 'Old and new names'\); run it again"
TASK = fw.tasks.Recall(keys=2, values=2, writes=3)
PROGRAMMER = fw.Programmer(d_in=TASK.d_in, d_key=4, d_value=4, d_out=2, write_channel=-1)


def circuit() -> Any:
    """A cell with one input."""
    feed = fw.Projection(
        fw.PoissonSource(3, rate=20.0, name="in"), fw.Population(1, fw.LIF(noise=0.0), name="out"), weight=0.1
    )
    return fw.Circuit([feed], dt=0.5)


def train(checkpoint: Path | None = None) -> fw.Trained:
    """A training of two steps."""
    return fw.train(PROGRAMMER, TASK, steps=2, batch=2, checkpoint=checkpoint)


WRITERS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any]]] = {
    "load": (
        lambda path: results.save(xr.Dataset(attrs=results.provenance({}, seed=0)), path),
        fw.load,
    ),
    "load_trained": (lambda path: train().save(path), fw.load_trained),
    "load_trained, without provenance": (
        lambda path: fw.Trained(PROGRAMMER, PROGRAMMER.init(), xr.Dataset()).save(path),
        fw.load_trained,
    ),
    "checkpoint": (train, train),
    "Circuit.restore": (lambda path: circuit().start().save(path), lambda path: circuit().restore(path)),
    "a recording on disk": (lambda path: circuit().run(10.0, to=path), fw.load),
}


def change(path: Path, number: int | None) -> None:
    """Give a file another format, or none, as those from before 0.1.0."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        (name,) = (name for name, value in arrays.items() if value.dtype.kind == "U")
        kept = {key: value for key, value in json.loads(str(arrays[name])).items() if key != "synfwp_format"}
        arrays[name] = np.array(json.dumps(kept | ({} if number is None else {"synfwp_format": number})))
        np.savez(path, **arrays)
        return
    ds = xr.load_dataset(path, engine="h5netcdf", decode_times=False)
    ds.attrs.pop("synfwp_format", None)
    results.save(ds if number is None else ds.assign_attrs(synfwp_format=number), path, force=True)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_with_old_names_is_refused_and_one_of_today_is_read(name: str, tmp_path: Path) -> None:
    write, read = WRITERS[name]
    path = tmp_path / ("state.npz" if name == "Circuit.restore" else "run.nc")
    write(path)
    assert read(path) is not None
    change(path, None)
    with pytest.raises(ValueError, match=OLD):
        read(path)
    change(path, results.FORMAT)
    assert read(path) is not None


def test_a_format_of_a_newer_synfwp_is_refused_as_such(tmp_path: Path) -> None:
    path = results.save(xr.Dataset(attrs=results.provenance({}, seed=0)), tmp_path / "run.nc")
    change(path, results.FORMAT + 1)
    with pytest.raises(ValueError, match=r"has format 2 of a newer synfwp, this one reads format 1; update synfwp"):
        fw.load(path)


def test_a_file_of_another_program_is_no_matter_of_formats(tmp_path: Path) -> None:
    ds = xr.Dataset({"rate": ("time", [1.0, 2.0])}, attrs={"source": "another program"})
    assert fw.load(results.save(ds, tmp_path / "theirs.nc")).identical(ds)
