"""NWB files as Datasets, by pynwb."""

import json
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks, results
from synfwp.data.recording import Recording, check_file, clean, need

Array = np.ndarray
LARGE = 2**27  # numbers of one series (1 GiB) above which it is read only when it is named
_SESSION = (
    "identifier", "session_description", "experiment_description", "institution", "lab", "protocol", "notes",
)  # fmt: skip
_SUBJECT = ("subject_id", "species", "sex", "age", "genotype", "strain", "description")
_OF_SERIES = ("description", "sweep_number", "gain", "stimulus_description")
_OURS = ("rule", "parameters", "seed", "created", "dependencies", "git_commit")


def read_nwb(path: str | Path, population: str | None = None, series: Sequence[str] | None = None) -> xr.Dataset:
    """A recording, or a simulation of `write_nwb`, from an NWB file.

    Needs the extra: ``pip install "synfwp[data]"``. Read are: the table of units, trials, epochs (as phases, which
    `synfwp.plot.raster` shades), other tables of intervals and of events, and every series of numbers over time,
    wherever it lies (acquisition, stimulus, behaviour, photometry and other processing), in the unit of the file.
    None of them has to be there. Images, ragged columns and references are left out, and ``left_out`` lists them.

    Parameters
    ----------
    path : path
    population : str or None
        The column of the table of units whose values are populations, such as ``"location"``. None: the column
        ``population`` if there is one, else one population, ``"units"``.
    series : sequence of str or None
        Names of the series to be read; ``[]`` for none. None: all, but with a warning none of more than 2**27 numbers.

    Returns
    -------
    xarray.Dataset
        ``spike_time`` (s), ``spike_unit`` and ``spike_population`` as in every run, ``unit_<column>`` along ``unit``
        (population after population), ``trial_start``, ``trial_stop`` (s) and ``trial_<column>`` along ``trial``,
        ``phase_start``, ``phase_stop``, ``phase_name``; a series as ``<name>`` along ``time_<name>``. Attributes name
        the file, the session, the subject, and the first and last time (``start``, ``stop``, s).

    Raises
    ------
    ModuleNotFoundError
        If pynwb is not installed.
    FileNotFoundError, ValueError
        If there is no such file; if it is empty, cut off or no NWB file; if a column or a series has another name.

    References
    ----------
    Rübel et al. 2022 (NWB).

    Examples
    --------
    >>> read_nwb("nowhere.nwb")
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere.nwb does not exist; pass the path of a file to read_nwb.
    """
    path = check_file(path, "read_nwb")
    try:
        import pynwb
    except ModuleNotFoundError as error:
        raise need("pynwb", "read_nwb") from error
    _check_kind(path)
    found, large = Recording(path, "NWB"), []
    with warnings.catch_warnings(), ExitStack() as opened:
        warnings.simplefilter("ignore")  # of old names in old files, which a reader of them cannot change
        try:
            session = opened.enter_context(pynwb.NWBHDF5IO(str(path), mode="r")).read()
        except Exception as error:  # h5py and hdmf raise many kinds
            raise _damaged(path, error) from error
        try:
            _session(found, session, path)
            if session.units is not None:
                _units(found, session.units, population)
            elif population is not None:
                raise ValueError(f"population is {population!r} but {path} has no table of units; leave it out.")
            _intervals(found, session)
            large = _series(found, session, series)
        except (OSError, RuntimeError, KeyError) as error:  # what h5py raises for numbers that are not there
            raise _damaged(path, error) from error
    if large:
        checks.warn(
            f"{path} has series of more than {LARGE} numbers, left out: {large}; name those to read in series=."
        )
    return found.dataset({"reader": "read_nwb", "file": path.name, "population": population})


def _check_kind(path: Path) -> None:
    """Refuse what is no NWB file, with what it is."""
    import h5py

    if not h5py.is_hdf5(path):
        raise ValueError(
            f"{path} is no NWB file, for it is no HDF5 file or its beginning is damaged; read_neo, read_pynapple, "
            "read_npz and read_text read other files."
        )
    try:
        with h5py.File(path, "r") as file:
            results.check_links(path, file)
            ours = "nwb_version" in file.attrs
    except (OSError, RuntimeError, KeyError) as error:
        raise _damaged(path, error) from error
    if not ours:
        raise ValueError(
            f"{path} is an HDF5 file but no NWB file of version 2 (it has no nwb_version); "
            "read_hdf5(path, names) reads its arrays by their names."
        )


def _damaged(path: Path, error: Exception) -> ValueError:
    """The error for a file that cannot be read to its end."""
    text = " ".join(str(error).split())
    return ValueError(f"{path} is damaged, cut off or no NWB file that pynwb reads: {text[:300]}")


def _session(found: Recording, session: Any, path: Path) -> None:
    """What the file tells of itself and of the subject, as attributes."""
    texts = {name: getattr(session, name, None) for name in _SESSION}
    texts["session_start_time"] = session.session_start_time and session.session_start_time.isoformat()
    for name in ("experimenter", "related_publications", "keywords"):
        texts[name] = "; ".join(str(one) for one in (getattr(session, name, None) or ()))
    if session.subject is not None:
        texts |= {f"subject_{name.removeprefix('subject_')}": getattr(session.subject, name, None) for name in _SUBJECT}
    found.attrs |= {name: str(text) for name, text in texts.items() if text}
    try:
        ours = json.loads(found.attrs.get("notes", ""))
    except ValueError:
        return
    if isinstance(ours, dict) and "synfwp_version" in ours and "source_file" not in ours:
        results.check_format(ours.get("synfwp_format"), path)
        found.attrs |= {f"simulation_{name}": ours[name] for name in ("synfwp_version", *_OURS) if name in ours}


def _units(found: Recording, units: Any, population: str | None) -> None:
    """The table of units: a train of spikes per row, what is known of each, and when it was observed."""
    columns = _columns(units, ("spike_times", "obs_intervals"))
    trains = [np.zeros(0)] * len(units)
    if "spike_times" in units.colnames:
        trains = _split(units["spike_times"])
    found.spikes(trains, columns, population, np.asarray(units.id[:]))
    if "obs_intervals" in units.colnames:
        parts = [np.reshape(one, (-1, 2)) for one in _split(units["obs_intervals"])]
        at = np.repeat(np.asarray(units.id[:]), [len(one) for one in parts])
        bounds = np.concatenate([*parts, np.zeros((0, 2))])
        found.table("observation", bounds[:, 0], bounds[:, 1], {"unit_id": at})


def _split(column: Any) -> list[Array]:
    """The parts of a ragged column."""
    ends = np.asarray(column.data[:], int)
    values = np.asarray(column.target.data[:])
    if ends.size and (ends[-1] > len(values) or (np.diff(ends) < 0).any()):
        raise ValueError(f"the index of {column.target.name} does not fit its {len(values)} entries: a damaged file.")
    return np.split(values, ends)[: len(ends)]


def _columns(table: Any, without: tuple[str, ...]) -> dict[str, Any]:
    """Columns of a table; texts of a ragged one joined, objects by their names, None for what else is ragged."""
    found: dict[str, Any] = {}
    for name in table.colnames:
        if name in without:
            continue
        column = table[name]
        if hasattr(column, "target"):  # the index of a ragged column
            parts = _split(column) if not hasattr(column.target, "table") else [np.zeros(1)]
            text = all(isinstance(one, str | bytes) for part in parts for one in np.ravel(part))
            found[name] = [";".join(map(str, part)) for part in parts] if text else None
        elif hasattr(column, "table"):  # a reference to rows of another table
            found[name] = None
        else:
            values = column.data[:]
            named = len(values) > 0 and all(hasattr(one, "neurodata_type") for one in values)
            found[name] = [str(one.name) for one in values] if named else values
    return found


def _intervals(found: Recording, session: Any) -> None:
    """Trials, epochs as phases, and every other table of intervals or events under its name."""
    for name, table in (session.intervals or {}).items():
        dim = {"trials": "trial", "epochs": "phase"}.get(name, name)
        columns = _columns(table, ("start_time", "stop_time", "timeseries"))
        if dim == "phase":
            tags = columns.pop("tags", None) or [""] * len(table)
            columns["name"] = [str(tag) or "epoch" for tag in tags]
        found.table(dim, table["start_time"].data[:], table["stop_time"].data[:], columns)
    if session.invalid_times is not None:
        table = session.invalid_times
        found.table("invalid", table["start_time"].data[:], table["stop_time"].data[:], {})
    for one in session.objects.values():
        if getattr(one, "neurodata_type", "") == "EventsTable":
            columns = _columns(one, ())
            found.covers(columns["timestamp"])
            found.rows(clean(one.name), {"time": columns.pop("timestamp"), **columns})


def _series(found: Recording, session: Any, wanted: Sequence[str] | None) -> list[str]:
    """Every series of numbers, with its times; the names of those that are too large."""
    import pynwb

    all_of_them = {id(one): one for one in session.objects.values() if isinstance(one, pynwb.TimeSeries)}.values()
    every, large = sorted(all_of_them, key=lambda one: str(one.name)), []
    for name in wanted or ():
        checks.one_of("series", name, sorted({one.name for one in every}))
    for one in every:
        if wanted is not None and one.name not in wanted:
            continue
        shape = np.shape(one.data)
        if not shape or shape[0] == 0 or isinstance(one, pynwb.image.ImageSeries) or not _numbers(one.data):
            found.left_out.append(f"series {one.name}")
            continue
        if wanted is None and np.prod(shape, dtype=float) > LARGE:
            found.left_out.append(f"series {one.name}")
            large.append(str(one.name))
            continue
        _one_series(found, one)
    return large


def _numbers(data: Any) -> bool:
    """Whether an array holds numbers."""
    return getattr(data, "dtype", np.asarray(data[:1]).dtype).kind in "fiub"


def _one_series(found: Recording, one: Any) -> None:
    """Values in the unit of the file (which need a factor and an offset there), and times from the rate or as kept."""
    values = np.asarray(one.data[:])
    factor = np.asarray(getattr(one, "channel_conversion", None) or 1.0, float) * float(one.conversion or 1.0)
    offset = float(getattr(one, "offset", 0.0) or 0.0)
    if (factor != 1.0).any() or offset:
        values = values * factor + offset
    if one.timestamps is not None:
        times = np.asarray(one.timestamps[:], float)
    elif one.rate:
        times = float(one.starting_time or 0.0) + np.arange(len(values)) / float(one.rate)
    else:
        found.left_out.append(f"series {one.name}")
        return
    attrs = {name: _plain(getattr(one, name, None)) for name in _OF_SERIES}
    attrs["electrode"] = getattr(getattr(one, "electrode", None), "name", None)
    if attrs["description"] in ("no description", "N/A"):
        attrs["description"] = None
    name = found.free(one.name, getattr(one.parent, "name", "other"), one.neurodata_type)
    found.series(name, values, times, str(one.unit or ""), kind=one.neurodata_type, **attrs)


def _plain(value: Any) -> Any:
    """A number or a text as an attribute takes it."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value
