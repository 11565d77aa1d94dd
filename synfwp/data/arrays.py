"""HDF5, npz and text files of any layout as Datasets, by a mapping of names."""

import csv
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks, results, units
from synfwp.data.recording import Recording, as_column, by_neuron, check_file, clean

Array = np.ndarray
Place = str | tuple[str, str]
Names = Mapping[str, Place]
_TABLES = ("trial", "phase")


def read_hdf5(path: str | Path, names: Names, *, rate: float | None = None) -> xr.Dataset:
    """A recording from an HDF5 file of any layout (MATLAB's -v7.3 too), by a mapping of names.

    Parameters
    ----------
    path : path
    names : mapping of str to str or (str, str)
        The name in the Dataset, and where the array stands in the file, with its unit: ``{"spike_time":
        ("units/times", "ms"), "spike_unit": "units/cluster"}``. Times need a unit.

        - ``spike_time`` with ``spike_unit`` (the index or the name of the unit of each spike), or with ``spike_index``
          (where the spikes of each unit end, which then stand one unit after the other), or alone for one unit;
        - ``time`` for all series of its length, or ``time_<name>`` for one;
        - ``trial_start`` and ``trial_stop``, ``phase_start`` and ``phase_stop``, and other columns of these tables;
        - any other name: a series where it has times, else a column along ``point``.
    rate : float or None
        Hz, of series without times; they start at 0 s.

    Returns
    -------
    xarray.Dataset
        ``spike_time`` (s), ``spike_unit``, ``spike_population`` (one population, ``"units"``) with ``unit_id``; series
        along ``time_<name>``, in the unit that was given.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If there is no such file; if it is empty, cut off or no HDF5 file; if an array is not in it or does not fit.

    Examples
    --------
    >>> import tempfile, h5py
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with h5py.File(f"{folder}/a.h5", "w") as file:
    ...         file["cells/t"], file["cells/of"] = [5.0, 20.0], [7, 3]
    ...     ds = read_hdf5(f"{folder}/a.h5", {"spike_time": ("cells/t", "ms"), "spike_unit": "cells/of"})
    >>> ds.spike_time.values.tolist(), ds.unit_id.values.tolist()
    ([0.005, 0.02], [3, 7])
    """
    import h5py

    path = check_file(path, "read_hdf5")
    if not h5py.is_hdf5(path):
        raise ValueError(f"{path} is no HDF5 file, or its beginning is damaged; read_npz and read_text read others.")
    try:
        with h5py.File(path, "r") as file:
            results.check_links(path, file)
            held: dict[str, Any] = {}
            file.visititems(lambda name, one: held.update({name: one}) if isinstance(one, h5py.Dataset) else None)
            arrays = {place: checks.lookup(f"array of {path.name}", place, held)[()] for place in _places(names)}
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{path} is damaged or cut off: {error}") from error
    return _dataset(path, "HDF5", names, arrays, rate)


def read_npz(path: str | Path, names: Names | None = None, *, rate: float | None = None) -> xr.Dataset:
    """A recording from an npz file of NumPy, by a mapping of names; nothing in it is executed.

    Parameters
    ----------
    path : path
    names : mapping of str to str or (str, str), or None
        As for `read_hdf5`. None: every array under its own name, without times.
    rate : float or None
        Hz, of series without times; they start at 0 s.

    Returns
    -------
    xarray.Dataset
        As `read_hdf5` returns it.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If there is no such file; if it is empty, cut off or no npz file of numbers; if an array does not fit.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/a.npz", t=[0.1, 0.2, 0.1], ends=[2, 3], x=[1.0, 2.0])
    ...     names = {"spike_time": ("t", "s"), "spike_index": "ends", "x": ("x", "mV")}
    ...     ds = read_npz(f"{folder}/a.npz", names, rate=10.0)
    >>> ds.spike_unit.values.tolist(), ds.time_x.values.tolist()
    ([0, 1, 0], [0.0, 0.1])
    """
    path = check_file(path, "read_npz")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is damaged, cut off or no npz file; read_hdf5 and read_text read others.")
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: name for name in file.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged, cut off or no npz file: {error}") from error
    places = list(held) if names is None else _places(names)
    places = [checks.lookup(f"array of {path.name}", place, held) for place in places]
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {place: file[place] for place in places}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged or holds what is no array of numbers or text: {error}") from error
    return _dataset(path, "npz", names, arrays, rate)


def read_text(
    path: str | Path, names: Names | None = None, *, rate: float | None = None, delimiter: str | None = None
) -> xr.Dataset:
    """A recording from columns of plain text (CSV too), by a mapping of names.

    Lines that begin with # are comments. Where the first line holds a word it names the columns; else they are called
    ``"0"``, ``"1"``, and so on. An empty cell among numbers is NaN.

    Parameters
    ----------
    path : path
    names : mapping of str to str or (str, str), or None
        As for `read_hdf5`, with names of columns. None: every column under its own name, along ``point``.
    rate : float or None
        Hz, of series without times; they start at 0 s.
    delimiter : str or None
        None: a tab, a semicolon or a comma if the first line has one, else white space.

    Returns
    -------
    xarray.Dataset
        As `read_hdf5` returns it.

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If there is no such file; if it is empty or no text; if a line has more or fewer cells than the first.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "spikes.txt")
    ...     _ = path.write_text("# one receptor\\n6700\\n9900\\n")
    ...     ds = read_text(path, {"spike_time": ("0", "us")})
    >>> ds.spike_time.values.tolist(), ds.population_size.values.tolist()
    ([0.0067, 0.0099], [1])
    """
    path = check_file(path, "read_text")
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no text; read_nwb, read_neo, read_hdf5 and read_npz read other files.") from None
    if any("\0" in line for line in lines):
        raise ValueError(f"{path} is no text; read_nwb, read_neo, read_hdf5 and read_npz read other files.")
    columns = _text_columns(path, lines, delimiter)
    if names is None:
        return _dataset(path, "text", None, columns, rate)
    arrays = {place: checks.lookup(f"column of {path.name}", place, columns) for place in _places(names)}
    return _dataset(path, "text", names, arrays, rate)


def _text_columns(path: Path, lines: list[str], delimiter: str | None) -> dict[str, Array]:
    """Columns of text by name."""
    kept = [
        (number, line) for number, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")
    ]
    if not kept:
        raise ValueError(f"{path} holds no line but comments; it is cut off or another program has to read it.")
    mark = delimiter or next((one for one in "\t;," if one in kept[0][1]), None)
    split: Callable[[str], list[str]] = (
        str.split if mark is None else lambda line: next(csv.reader([line], delimiter=mark))
    )
    rows = [[cell.strip() for cell in split(line)] for _, line in kept]
    for (number, _), row in zip(kept, rows, strict=True):
        if len(row) != len(rows[0]):
            raise ValueError(f"line {number} of {path} has {len(row)} cells but the first has {len(rows[0])}; mend it.")
    header = list(map(str, range(len(rows[0]))))
    if not all(map(_is_number, rows[0])):
        header, rows = rows[0], rows[1:]
        if len(set(header)) < len(header):
            raise ValueError(f"{path} names two columns alike: {', '.join(header)}; rename one.")
    return {name: _cells([row[at] for row in rows]) for at, name in enumerate(header)}


def _is_number(cell: str) -> bool:
    """Whether a cell is a number, or empty."""
    try:
        return not cell or float(cell) is not None
    except ValueError:
        return False


def _cells(cells: list[str]) -> Array:
    """Numbers with NaN for empty cells, or text when a cell is neither."""
    if all(map(_is_number, cells)):
        return np.array([float(cell) if cell else np.nan for cell in cells], float)
    return np.array(cells, str)


def _places(names: Names) -> list[str]:
    """Where the arrays stand, without their units."""
    if not isinstance(names, Mapping):
        raise TypeError(f"names is {checks.short(names)}; pass a mapping of names to places in the file.")
    for name, place in names.items():
        two = isinstance(place, tuple) and len(place) == 2 and all(isinstance(part, str) for part in place)
        if not isinstance(name, str) or not (isinstance(place, str) or two):
            raise TypeError(f"names[{name!r}] is {checks.short(place)}; pass a place in the file, or (place, unit).")
    return [place if isinstance(place, str) else place[0] for place in names.values()]


def _dataset(path: Path, kind: str, names: Names | None, arrays: Mapping[str, Any], rate: float | None) -> xr.Dataset:
    """The arrays under their new names, in seconds and with units."""
    given: Names = {clean(place): place for place in arrays} if names is None else names
    if names is None and len(given) < len(arrays):
        raise ValueError(f"two arrays of {path} would have one name in the Dataset; pass names.")
    rate = None if rate is None else checks.number("rate", rate, 0.0, above=True)
    values: dict[str, Any] = {}
    unit: dict[str, str] = {}
    for name, place in given.items():
        where, unit[name] = (place, "") if isinstance(place, str) else place
        found = as_column(arrays[where])
        if found is None:
            raise ValueError(f"{name}: {where!r} of {path.name} is no array of numbers or text.")
        values[name] = _seconds(name, found, unit[name]) if names is not None and _is_time(name) else found
    recording = Recording(path, kind)
    if names is not None:
        _spikes(recording, values)
        _tables(recording, values)
    times = _times(values) if names is not None else {}
    _series(recording, values, times, unit, rate)
    return recording.dataset({"reader": f"read_{kind.lower()}", "file": path.name, "names": dict(given), "rate": rate})


def _is_time(name: str) -> bool:
    """Whether a variable of this name holds times."""
    return name in ("spike_time", "time") or name.startswith("time_") or name.endswith(("_start", "_stop"))


def _seconds(name: str, values: Array, unit: str) -> Array:
    """Times in seconds."""
    if not unit:
        raise ValueError(f"names[{name!r}] has no unit; pass (place, unit), such as ('times', 's').")
    row = units.named(unit, "s", f"names[{name!r}]")
    return np.asarray(values, float).ravel() / 10.0**-row.power


def _spikes(found: Recording, values: dict[str, Any]) -> None:
    """One train per unit, from one of three ways to write them."""
    time = values.pop("spike_time", None)
    unit, ends = values.pop("spike_unit", None), values.pop("spike_index", None)
    if time is None:
        if unit is not None or ends is not None:
            raise ValueError("names has spike_unit or spike_index but no spike_time; name the times of the spikes.")
        return
    if unit is not None and ends is not None:
        raise ValueError("names has spike_unit and spike_index; pass one of them.")
    if ends is not None:
        ends = np.asarray(ends).ravel()
        fits = ends.dtype.kind in "iu" and len(ends) and (np.diff(ends.astype(int)) >= 0).all() and ends[0] >= 0
        if not fits or ends[-1] != len(time):
            raise ValueError(f"spike_index has to increase to {len(time)}, the number of spikes: one end per unit.")
        found.spikes(np.split(time, ends.astype(int))[: len(ends)], {}, None, np.arange(len(ends)))
        return
    unit = np.zeros(len(time), int) if unit is None else np.asarray(unit).ravel()
    if len(unit) != len(time):
        raise ValueError(f"spike_time has {len(time)} entries and spike_unit {len(unit)}; pass the unit of each spike.")
    ids, which = np.unique(unit, return_inverse=True)
    found.spikes(by_neuron(time, which, len(ids)), {}, None, ids)


def _tables(found: Recording, values: dict[str, Any]) -> None:
    """Trials and phases."""
    for dim in _TABLES:
        columns = {name: values.pop(name) for name in list(values) if name.startswith(f"{dim}_")}
        if not columns:
            continue
        bare = {name.removeprefix(f"{dim}_"): one for name, one in columns.items()}
        if not {"start", "stop"} <= set(bare):
            raise ValueError(f"names has {', '.join(columns)} but lacks {dim}_start or {dim}_stop.")
        if len({len(one) for one in bare.values()}) > 1:
            raise ValueError(
                f"columns of {dim} differ in length: {', '.join(f'{k} {len(v)}' for k, v in bare.items())}."
            )
        if dim == "phase" and "name" not in bare:
            bare["name"] = np.array(["phase"] * len(bare["start"]))
        found.table(dim, bare.pop("start"), bare.pop("stop"), bare)


def _times(values: dict[str, Any]) -> dict[str, Array]:
    """The times of each series that has some: its own, or those that all of its length share."""
    shared = values.pop("time", None)
    own = {name.removeprefix("time_"): values.pop(name) for name in list(values) if name.startswith("time_")}
    if unknown := [name for name in own if name not in values]:
        raise ValueError(f"names has time_{unknown[0]} but no {unknown[0]}; name the values of that series.")
    if shared is None:
        return own
    found = {name: shared for name, one in values.items() if len(one) == len(shared)} | own
    if not found:
        raise ValueError(f"names has {len(shared)} times but no series of that length; name the values over that time.")
    return found


def _series(
    found: Recording, values: dict[str, Any], times: dict[str, Array], unit: Mapping[str, str], rate: float | None
) -> None:
    """What has times as series, the rest as columns along ``point``, or along a dim of its own if it is longer."""
    points: set[int] = set()
    for name, one in values.items():
        when = times.get(name)
        if when is None and rate is not None:
            when = np.arange(len(one)) / rate
        if when is not None:
            found.series(name, one, when, unit.get(name, ""))
            continue
        label = clean(name)
        points = points or {len(one)}
        first = "point" if len(one) in points else f"point_{label}"
        dims = (first, *(f"axis{at}_{label}" for at in range(1, one.ndim)))
        found.add(label, dims, one, {"units": unit.get(name, ""), "long_name": label.replace("_", " ")})
