"""What a file of synfwp is: its kind, where it comes from, and what stands in it, read without any of its code."""

import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from synfwp.results import foreign
from synfwp.results.attributes import check_format
from synfwp.results.files import FILE_FORMAT, load
from synfwp.results.rows import has_table

FACTS = (
    "program", "rule", "command", "settings", "parameters", "seed", "quick", "steps", "synfwp_version", "package",
    "git_commit", "synfwp_format", "dependencies", "created", "seconds", "cells_from",
)  # fmt: skip


class Contents(NamedTuple):
    """What a file holds: its kind, facts by name (see `FACTS`), its parts with their sizes, and its number of rows."""

    kind: str
    facts: Mapping[str, str]
    parts: Mapping[str, str]
    rows: int | None = None


def contents(path: str | Path) -> Contents:
    """What a file is that synfwp has written.

    Parameters
    ----------
    path : path
        A result, a run of a circuit, a trained programmer or a checkpoint (NetCDF); the rows of a program or a cell
        (JSON); the state of a simulation (npz); a run as NWB.

    Returns
    -------
    Contents

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If synfwp has not written it, or a newer or much older one has; the message is that of the file's own reader.

    Examples
    --------
    >>> import tempfile
    >>> from synfwp.results import dataset, provenance, save
    >>> ds = dataset({"loss": ("step", [0.5, 0.1])}, **provenance({"tau": 20.0}, seed=3))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     found = contents(save(ds, f"{folder}/a.nc"))
    >>> found.kind, found.facts["seed"], dict(found.parts)
    ('result', '3', {'loss': 'step 2, float64'})
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} {foreign.folder(path)}")
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; pass the path of a file that synfwp wrote.")
    with path.open("rb") as file:
        start = file.read(8)
    if start[:1] in b"{[" and start:
        return _page(path)
    if start.startswith(b"PK"):
        return _state(path)
    return _notes(path) or _dataset(path)


def _facts(found: Mapping[str, Any]) -> dict[str, str]:
    """Facts in the order of `FACTS`; of parameters, whether the run was quick."""
    found = dict(found)
    parameters = _json(found.get("parameters"))
    if isinstance(parameters, dict):
        found |= {name: parameters[name] for name in ("quick", "steps") if name in parameters}
    return {name: str(found[name]) for name in FACTS if name in found and str(found[name]) not in ("", "{}")}


def _json(text: Any) -> Any:
    """What a text of JSON holds; None if it is none."""
    try:
        return json.loads(str(text))
    except ValueError:
        return None


def _sizes(ds: xr.Dataset) -> dict[str, str]:
    """Dims, their sizes and the type of each variable."""
    found = {}
    for name, one in ds.data_vars.items():
        kind = "text" if one.dtype.kind in "OU" else str(one.dtype)
        found[str(name)] = ", ".join([*(f"{dim} {size}" for dim, size in one.sizes.items()), kind])
    return found


def _dataset(path: Path) -> Contents:
    """A NetCDF file."""
    ds = load(path)
    kinds: dict[str, Callable[[], bool]] = {
        "checkpoint of a training": lambda: ds.attrs.get("kind") == "checkpoint of a training",
        "trained programmer": lambda: "programmer" in ds.attrs,
        "result of a program": lambda: "program" in ds.attrs,
        "run of a circuit": lambda: {"state_start", "state_stop"} <= set(ds.attrs),
        "result": lambda: "synfwp_version" in ds.attrs,
    }
    kind = next((name for name, fits in kinds.items() if fits()), "Dataset without provenance")
    facts = _facts(ds.attrs)
    if "synfwp_format" not in facts:
        facts |= {"synfwp_format": str(_file_format(path))}
    return Contents(kind, facts, _sizes(ds), ds.sizes["quantity"] if has_table(ds) else None)


def _file_format(path: Path) -> Any:
    """The format of a file whose Dataset has no provenance."""
    import h5py

    with h5py.File(path, "r") as file:
        return int(np.ravel(file.attrs[FILE_FORMAT])[0]) if FILE_FORMAT in file.attrs else "none"


def _page(path: Path) -> Contents:
    """The rows of a program, or a cell, as JSON."""
    try:
        page = json.loads(path.read_text("utf-8"))
        if not isinstance(page, dict) or not ({"rows", "program"} <= set(page) or {"cell", "point"} <= set(page)):
            raise ValueError("it has neither rows nor a cell")
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is neither the rows of a program nor a cell: {error}.") from None
    if "synfwp_format" in page:
        check_format(page["synfwp_format"], path)
    facts = _facts({"synfwp_format": "none (from before files were numbered)"} | page)
    if "rows" in page:
        return Contents("rows of a program", facts, {}, len(page["rows"]))
    return Contents("cell of a run", facts | {"point": str(page["point"])}, _sizes(xr.Dataset.from_dict(page["cell"])))


def _state(path: Path) -> Contents:
    """The state of a simulation."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:  # NumPy leaves a damaged file open
            about = json.loads(str(file["metadata"]))
            parts = {name: f"{file[name].shape}, {file[name].dtype}" for name in file.files if name != "metadata"}
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no state that Simulation.save wrote: {error}.") from None
    check_format(about.get("synfwp_format"), path)
    return Contents("state of a simulation", _facts(about) | {"step": str(about["step"])}, parts)


def _notes(path: Path) -> Contents | None:
    """A run in an NWB file; None for other files."""
    import h5py

    if not h5py.is_hdf5(path):
        return None
    with h5py.File(path, "r") as file:
        if "nwb_version" not in file.attrs:
            return None
        foreign.check_links(path, file)
        notes = _json(file["general/notes"][()].decode()) if "general/notes" in file else None
        units = len(file["units/id"]) if "units/id" in file else 0
    if not isinstance(notes, dict) or "synfwp_format" not in notes:
        raise ValueError(f"{path} is an NWB file that synfwp has not written; synfwp.read_nwb(path) reads it.")
    check_format(notes.get("synfwp_format"), path)
    return Contents("run as NWB", _facts(notes), {"units": str(units)})
