"""Objects of pynapple as Datasets, and Datasets as objects of pynapple."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks, results
from synfwp.data.nwb_writing import recorded
from synfwp.data.recording import Recording, by_neuron, check_file, need


def read_pynapple(source: Any, population: str | None = None) -> xr.Dataset:
    """A recording from objects of pynapple, or from an npz file that pynapple wrote.

    Needs the extra: ``pip install "synfwp[data]"``. A TsGroup becomes units with its metadata, a Ts one unit; Tsd,
    TsdFrame and TsdTensor become series without a unit, an IntervalSet a table.

    Parameters
    ----------
    source : path, TsGroup, Ts, Tsd, TsdFrame, TsdTensor, IntervalSet, or a mapping of names to these
        At most one TsGroup or Ts.
    population : str or None
        The column of metadata whose values are populations. None: the column ``population`` if there is one, else one
        population, ``"units"``.

    Returns
    -------
    xarray.Dataset
        ``spike_time`` (s), ``spike_unit``, ``spike_population`` and ``unit_<column>``; a series as ``<name>`` along
        ``time_<name>`` (the name of its file, or ``series``); intervals as ``<name>_start`` and ``<name>_stop`` (s),
        those of the time support as ``support_start`` and ``support_stop``.

    Raises
    ------
    ModuleNotFoundError
        If pynapple is not installed.
    FileNotFoundError, TypeError, ValueError
        If there is no such file, it is empty, cut off or not one of pynapple, or an object is of another type.

    References
    ----------
    Viejo et al. 2023 (pynapple).

    Examples
    --------
    >>> read_pynapple("nowhere.npz")
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere.npz does not exist; pass the path of a file to read_pynapple.
    """
    name = "objects of pynapple"
    if isinstance(source, str | Path):
        path = check_file(source, "read_pynapple")
        name, source = path.name, {path.stem: _loaded(path)}
    objects = source if isinstance(source, Mapping) and not _kind(source) else {"": source}
    found = Recording(name, "pynapple")
    kinds = [_kind(one) for one in objects.values()]
    if sum(kind in ("TsGroup", "Ts") for kind in kinds) > 1:
        raise ValueError("there are several TsGroup or Ts; pass them one by one, or join them with pynapple's merge.")
    if population is not None and "TsGroup" not in kinds:
        raise ValueError(f"population is {population!r} but there is no TsGroup; leave it out.")
    for (label, one), kind in zip(objects.items(), kinds, strict=True):
        if not kind:
            raise TypeError(f"{checks.short(one)} is no object of pynapple; pass a TsGroup, Ts, Tsd or IntervalSet.")
        _take(found, kind, str(label), one, population)
    return found.dataset({"reader": "read_pynapple", "file": name, "population": population})


def _kind(one: Any) -> str:
    """The class of an object of pynapple; nothing of others."""
    inside = type(one).__module__.split(".")[0] == "pynapple"
    return type(one).__name__ if inside else ""


def _loaded(path: Path) -> Any:
    """The object in a file."""
    try:
        import pynapple
    except ModuleNotFoundError as error:
        raise need("pynapple", "read_pynapple") from error
    if path.suffix != ".npz" or not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is damaged, cut off or no npz file; read_nwb reads NWB, read_text plain text.")
    try:
        loaded = pynapple.load_file(str(path))
    except Exception as error:  # zipfile, NumPy and pynapple each raise their own
        raise ValueError(f"{path} is damaged or none of pynapple: {error}") from error
    if not _kind(loaded):
        raise ValueError(f"{path} was not written by pynapple; read_npz(path, names) reads its arrays by their names.")
    return loaded


def _take(found: Recording, kind: str, label: str, one: Any, population: str | None) -> None:
    """One object: spikes, a series or intervals."""
    if kind in ("TsGroup", "Ts"):
        trains, ids, columns = [np.asarray(one.t)] if kind == "Ts" else [], np.arange(1), {}
        if kind == "TsGroup":
            ids = np.array(list(one.keys()))
            trains = [np.asarray(one[key].t) for key in one.keys()]  # noqa: SIM118 (a TsGroup iterates over its items)
            columns = {str(name): np.asarray(one.metadata[name]) for name in one.metadata.columns if name != "rate"}
        found.spikes(trains, columns, population, ids)
        found.table("support", one.time_support.start, one.time_support.end, {})
    elif kind == "IntervalSet":
        columns = {str(name): np.asarray(one.metadata[name]) for name in one.metadata.columns}
        found.table(label or "interval", one.start, one.end, columns)
    elif kind in ("Tsd", "TsdFrame", "TsdTensor"):
        found.series(label or "series", np.asarray(one.d), np.asarray(one.t), "")
    else:
        raise TypeError(f"a {kind} cannot be read; pass a TsGroup, Ts, Tsd, TsdFrame, TsdTensor or IntervalSet.")


def to_pynapple(ds: xr.Dataset, name: str | None = None) -> Any:
    """The spikes of a simulation or a recording as a TsGroup of pynapple, or one of its recorded variables.

    Needs the extra: ``pip install "synfwp[data]"``.

    Parameters
    ----------
    ds : xarray.Dataset
        As `Circuit.run` and ``simulate(..., record=True)`` return it.
    name : str or None
        A variable along ``time_<name>``, such as ``"v_cells"``. None: the spikes.

    Returns
    -------
    TsGroup, Tsd, TsdFrame or TsdTensor
        Neurons with the metadata ``population`` and ``neuron`` (silent ones too), times in s; the time support is that
        of the run.

    Raises
    ------
    ModuleNotFoundError
        If pynapple is not installed.
    ValueError
        If ``ds`` has no spikes, or no such variable.

    References
    ----------
    Viejo et al. 2023 (pynapple).

    Examples
    --------
    >>> to_pynapple(xr.Dataset(), "v_cells")
    Traceback (most recent call last):
    ...
    ValueError: the Dataset has no variable over time; record one, ...
    """
    series = dict(recorded(ds))
    if name is not None and not series:
        raise ValueError("the Dataset has no variable over time; record one, e.g. with record=fw.Record('cells', 'v').")
    trains = results.spike_trains(ds) if name is None else None
    times = checks.lookup("variable over time", name, series) if name is not None else None
    try:
        import pynapple
    except ModuleNotFoundError as error:
        raise need("pynapple", "to_pynapple") from error
    if name is not None:
        values = ds[name].values
        make = {1: pynapple.Tsd, 2: pynapple.TsdFrame}.get(values.ndim, pynapple.TsdTensor)
        return make(t=times, d=values)
    assert trains is not None
    bounds = [float(ds.attrs[bound]) for bound in ("start", "stop") if bound in ds.attrs]
    every = np.concatenate([trains.time, bounds, np.zeros(0 if trains.time.size or bounds else 1)])
    support = pynapple.IntervalSet(start=every.min(), end=max(every.max(), np.nextafter(every.min(), np.inf)))
    group, population, neuron = [], [], []
    for label, size in zip(trains.names, trains.sizes, strict=True):
        group += [pynapple.Ts(t=time, time_support=support) for time in by_neuron(*trains.of(label), int(size))]
        population += [label] * int(size)
        neuron += list(range(int(size)))
    about = {"population": np.array(population, str), "neuron": np.array(neuron, int)}
    return pynapple.TsGroup(dict(enumerate(group)), time_support=support, metadata=about)
