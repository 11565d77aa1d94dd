"""Runs as NWB files, by pynwb."""

import json
import uuid
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from synfwp import results, units
from synfwp.checks import short
from synfwp.data.recording import by_neuron, need, regular

Array = np.ndarray
_SPELLED = {"V": "volts", "A": "amperes", "S": "siemens", "s": "seconds", "Hz": "hertz", "m": "meters"}
_SPIKES = ("spike_time", "spike_unit", "spike_population", "population", "population_size")
_NOBODY = "No animal: a simulation. Validators ask for an age; this one means any."
_KEPT = ("electrodes", "electrode_group", "waveform_mean", "waveform_sd", "waveforms", "tags", "timeseries")
_BOUNDS = ("start", "stop")


def write_nwb(
    ds: xr.Dataset,
    path: str | Path,
    *,
    description: str | None = None,
    species: str | None = None,
    force: bool = False,
) -> Path:
    """Write a simulation, or any Dataset of spikes, as an NWB file, whole or not at all.

    Needs the extra: ``pip install "synfwp[data]"``. Neurons become units (silent ones too) with the columns
    ``population`` and ``neuron`` and without electrodes; recorded variables become time series of the processing module
    ``recorded`` in SI units, trials and phases become trials and epochs, weights and other arrays go to ``scratch``.
    What is needed to run it again (version, parameters, seed, rule) stands in ``notes`` as JSON. The subject of a
    simulation is named as none; a Dataset that was read from a file keeps its own. `read_nwb` returns the same
    spikes.

    Parameters
    ----------
    ds : xarray.Dataset
        As `Circuit.run` and ``simulate(..., record=True)`` return it.
    path : path
        Ends in ``.nwb``. Missing parent folders are made.
    description : str or None
        Of the session; None: that it is a simulation, or from which file it was read.
    species : str or None
        Latin name of what is modelled, such as ``"Rattus norvegicus"``; DANDI takes no file without one. None: none, or
        that of the file it was read from.
    force : bool
        Replace an existing file.

    Returns
    -------
    pathlib.Path
        Where it was written.

    Raises
    ------
    ModuleNotFoundError
        If pynwb is not installed.
    TypeError, ValueError
        If ``ds`` is no Dataset of spikes, or the name does not end in ``.nwb``.
    OSError
        As `synfwp.results.check_writable`.

    References
    ----------
    Rübel et al. 2022 (NWB).

    Examples
    --------
    >>> from synfwp.results import dataset, spike_variables
    >>> write_nwb(dataset(spike_variables({"cue": ([0.1], [0], 1)})), "run.txt")
    Traceback (most recent call last):
    ...
    ValueError: path is 'run.txt'; pass a name that ends in .nwb.
    """
    if not isinstance(ds, xr.Dataset):
        raise TypeError(f"ds is a {type(ds).__name__}; pass the Dataset of a run.")
    trains, path = results.spike_trains(ds), Path(path)
    if path.suffix != ".nwb":
        raise ValueError(f"path is {str(path)!r}; pass a name that ends in .nwb.")
    if species is not None and (not isinstance(species, str) or len(species.split()) < 2):
        raise ValueError(f"species is {short(species)}; pass a Latin name of two words, such as 'Rattus norvegicus'.")
    try:
        import h5py
        import pynwb
    except ModuleNotFoundError as error:
        raise need("pynwb", "write_nwb") from error
    results.check_writable(path, force)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        file = _session(ds, description, species)
        _units(file, ds, trains)
        _intervals(file, ds)
        _series(file, ds)

        def write(to: Path) -> None:
            with results.guarded(to) as raw, h5py.File(raw, "w") as held, pynwb.NWBHDF5IO(file=held, mode="w") as out:
                out.write(file)

        return results.write_atomically(path, write, force)


def _session(ds: xr.Dataset, description: str | None, species: str | None) -> Any:
    """A file without content, and where the Dataset comes from: a simulation has nobody as subject."""
    import pynwb

    attrs: dict[str, Any] = {"synfwp_format": results.FORMAT}
    attrs |= {str(name): _plain(value) for name, value in ds.attrs.items()}
    source = attrs.get("source_file")
    about = {name.removeprefix("subject_"): text for name, text in attrs.items() if name.startswith("subject_")}
    about["subject_id"] = about.pop("id", None)
    if source is None:
        about = {"subject_id": "simulation", "sex": "U", "age": "P0D/", "description": _NOBODY}
    if species is not None:
        about["species"] = species
    plain = "Simulation with synfwp; no animal was recorded." if source is None else f"Recording, read from {source}."
    return pynwb.NWBFile(
        session_description=description or plain,
        identifier=uuid.uuid4().hex,
        session_start_time=_begun(attrs, ("created",) if source is None else ("session_start_time", "created")),
        keywords=["synfwp", "simulation" if source is None else "recording"],
        notes=json.dumps(attrs, ensure_ascii=False),
        experiment_description=f"Written by synfwp {attrs.get('synfwp_version', '')}; its parameters stand in notes.",
        subject=pynwb.file.Subject(**about) if any(about.values()) else None,
    )


def _begun(attrs: Mapping[str, Any], names: tuple[str, ...]) -> datetime:
    """The first time that stands in the attributes; now if there is none."""
    for name in names:
        try:
            found = datetime.fromisoformat(str(attrs[name]))
        except (KeyError, ValueError):
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return datetime.now(UTC)


def _plain(value: Any) -> Any:
    """An attribute as JSON takes it."""
    return value.item() if isinstance(value, np.generic) else value


def _units(file: Any, ds: xr.Dataset, trains: results.Trains) -> None:
    """A row of the table of units for every neuron, made of whole columns: a row at a time takes ten times as long."""
    from pynwb.core import VectorData, VectorIndex
    from pynwb.misc import Units

    sizes = trains.sizes.astype(int)
    groups = zip(trains.names, sizes, strict=True)
    parts = [times for name, size in groups for times in by_neuron(*trains.of(name), size)]
    if not parts:
        raise ValueError("the Dataset has no neurons; pass a run with a population of at least one.")
    span = [float(ds.attrs[name]) for name in _BOUNDS if name in ds.attrs]
    ragged = {"spike_times": (parts, "times of spikes, s")}
    if len(span) == 2 and span[0] < span[1]:
        ragged["obs_intervals"] = ([np.array([span])] * len(parts), "when the neuron was observed, s")
    columns: list[Any] = []
    for name, (pieces, text) in ragged.items():
        whole = VectorData(name=name, data=np.concatenate(pieces), description=text)
        ends = np.cumsum([len(one) for one in pieces])
        columns += [VectorIndex(name=f"{name}_index", target=whole, data=ends.tolist()), whole]
    plain = {
        "population": (np.repeat(np.array(trains.names, object), sizes).tolist(), "the population of the neuron"),
        "neuron": (np.concatenate([np.arange(size) for size in sizes]), "index of the neuron within its population"),
    }
    for name in _columns(ds, "unit"):
        if ds[name].size == len(parts):  # else along another dim of that name
            values, text = ds[name].values, str(ds[name].attrs.get("long_name", name))
            plain[_below(name, "unit")] = (values.tolist() if values.dtype.kind == "U" else values, text)
    columns += [VectorData(name=name, data=data, description=text) for name, (data, text) in plain.items()]
    file.units = Units(
        name="units",
        description="neurons, each with its spikes",
        id=list(range(len(parts))),
        columns=columns,
        colnames=[*ragged, *plain],
        resolution=_resolution(ds, trains),
    )


def _resolution(ds: xr.Dataset, trains: results.Trains) -> float | None:
    """The step of a simulation (s); of other Datasets, the smallest difference between two times of spikes."""
    try:
        return float(json.loads(ds.attrs["parameters"])["dt"]) / 1000.0
    except (KeyError, TypeError, ValueError):
        gaps = np.diff(np.unique(trains.time))
        return float(gaps.min()) if gaps.size else None


def _intervals(file: Any, ds: xr.Dataset) -> None:
    """Trials, and phases as epochs."""
    if {"trial_start", "trial_stop"} <= set(ds.variables):
        names = [name for name in _columns(ds, "trial") if _below(name, "trial") not in _BOUNDS]
        for name in names:
            file.add_trial_column(_below(name, "trial"), str(ds[name].attrs.get("long_name", name)))
        for at in range(ds.sizes["trial"]):
            start, stop = (float(ds[f"trial_{bound}"][at]) for bound in _BOUNDS)
            file.add_trial(start, stop, **{_below(name, "trial"): ds[name].values[at] for name in names})
    if {"phase_start", "phase_stop", "phase_name"} <= set(ds.variables):
        for start, stop, name in zip(*(ds[f"phase_{part}"].values for part in (*_BOUNDS, "name")), strict=True):
            file.add_epoch(float(start), float(stop), [str(name)])


def _series(file: Any, ds: xr.Dataset) -> None:
    """Recorded variables as time series, every other array of numbers into scratch.

    A variable with more columns than samples goes there too: validators take it for one whose axes are exchanged.
    """
    series = {name: times for name, times in recorded(ds) if max(ds[name].shape) == ds[name].shape[0]}
    if series:
        module = file.create_processing_module("recorded", "variables that were recorded over time")
    for name, times in series.items():
        module.add(_time_series(name, ds[name], times))
    tables = {name for dim in ("unit", "trial", "phase") for name in _columns(ds, dim)}
    taken = {*_SPIKES, *tables, *series, *(f"time_{name}" for name in series)}
    taken |= {"unit_id", "unit_neuron", "unit_population"}
    for label, variable in ds.variables.items():
        name = str(label)
        if name not in taken and variable.dtype.kind in "fiub":
            text = f"{variable.attrs.get('long_name', name)} ({variable.attrs.get('units', '1')})"
            shape = ", ".join(map(str, variable.dims))
            file.add_scratch(
                np.atleast_1d(variable.values), name=_safe(str(name)), description=f"{text}; axes: {shape}"
            )


def _time_series(name: str, da: xr.DataArray, times: Array) -> Any:
    """One series; its unit in SI, with the factor to it as conversion."""
    import pynwb

    unit, factor = str(da.attrs.get("units", "1")), 1.0
    for base, spelled in _SPELLED.items():
        if unit in units.UNITS and units.UNITS[unit].dimension == units.UNITS[base].dimension:
            unit, factor = spelled, 10.0 ** units.UNITS[unit].power
    rate = regular(times)
    when = {"timestamps": times} if rate is None else {"starting_time": float(times[0]), "rate": rate}
    text = str(da.attrs.get("long_name", name))
    return pynwb.TimeSeries(
        name=_safe(name), data=da.values, unit=unit or "unknown", conversion=factor, description=text, **when
    )


def recorded(ds: xr.Dataset) -> Iterator[tuple[str, Array]]:
    """Names and times (s) of the variables that a run or a recording has over time, along ``time_<name>`` first."""
    for name, variable in ds.data_vars.items():
        along = f"time_{name}"
        if variable.dims[:1] == (along,) and along in ds.variables and variable.dtype.kind in "fiub" and variable.size:
            yield str(name), np.asarray(units.to_float(ds[along], "s", along, (along,)))


def _columns(ds: xr.Dataset, dim: str) -> list[str]:
    """Variables of a table that have one entry per row, but for what a table of units has anyway."""
    known: Mapping[Any, Any] = ds.variables
    found = [str(name) for name, one in known.items() if one.dims == (dim,) and str(name).startswith(f"{dim}_")]
    return [name for name in found if name not in ("unit_population", "unit_neuron", "unit_id")]


def _below(name: str, dim: str) -> str:
    """The name of a column within its table; one that NWB keeps for a reference or a waveform is marked as a label."""
    bare = name.removeprefix(f"{dim}_")
    return f"{bare}_label" if bare in _KEPT else bare


def _safe(name: str) -> str:
    """A name without what NWB forbids in names."""
    return name.replace("/", "_").replace(":", "_")
