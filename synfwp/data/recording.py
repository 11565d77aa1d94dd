"""The Dataset of a recording: the spikes of a run, tables along their own dims, series each with its own times.

Spikes have the one format of `synfwp.results.trains`. What is known of a unit stands along ``unit`` (population after
population), a table along its dim (``trial_start``, ``trial_stop``, ``trial_<column>``), and a series has the names of
a recorded variable of a run: ``<name>`` along ``time_<name>`` and, if it has columns, ``component_<name>``.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from synfwp import results
from synfwp.checks import lookup

Array = np.ndarray
SPELLED = {"volts": "V", "amperes": "A", "seconds": "s", "meters": "m", "metres": "m", "siemens": "S", "hertz": "Hz"}
SPIKES = ("spike_time", "spike_unit", "spike_population", "population", "population_size")
DIMS = ("spike", "unit", "trial", "phase", "event", "sweep", "point", "time", *SPIKES)  # names that no series can have
_SECONDS = ("start", "stop", "time", "duration")
ONE = "units"  # the population of units that are not told apart


class Recording:
    """What a reader finds, piece by piece; `dataset` makes a Dataset of it."""

    def __init__(self, path: Any, kind: str) -> None:
        self.variables: dict[str, Any] = {}
        self.left_out: list[str] = []
        self.span: list[float] = []
        self.attrs: dict[str, Any] = {"source_file": Path(path).name, "source_format": kind}

    def spikes(self, trains: Sequence[Any], columns: Mapping[str, Any], population: str | None, ids: Any) -> None:
        """One train (s) per unit; ``population`` is the column whose values are the names of populations."""
        if population is None and "population" in columns:
            population = "population"
        names = [ONE] * len(trains)
        if population is not None:
            names = [str(name) or ONE for name in as_column(lookup("column of units", population, columns))]
        members: dict[str, list[int]] = {name: [] for name in dict.fromkeys(names) or [ONE]}
        for at, name in enumerate(names):
            members[name].append(at)
        groups = {}
        for name, mine in members.items():
            times = [np.asarray(trains[at], float).ravel() for at in mine]
            for at, time in zip(mine, times, strict=True):
                if not np.isfinite(time).all():
                    raise ValueError(f"spike times of unit {at} hold NaN or inf; the file is damaged.")
            unit = np.repeat(np.arange(len(mine)), [len(time) for time in times])
            groups[name] = (np.concatenate([*times, np.zeros(0)]), unit, len(mine))
        self.variables |= results.spike_variables(groups)
        order = [at for mine in members.values() for at in mine]
        self.rows("unit", {"id": ids, **{k: v for k, v in columns.items() if k != "population"}}, order)
        if population is not None:
            self.rows("unit", {"population": np.array(names, str)}, order)
        self.covers(self.variables["spike_time"][1])

    def rows(self, dim: str, columns: Mapping[str, Any], order: Any = None) -> None:
        """Columns of a table, as ``<dim>_<column>``; what is no array of numbers or text is left out by name."""
        for column, values in columns.items():
            found, name = as_column(values), f"{dim}_{clean(column)}"
            if found is None:
                self.left_out.append(f"{dim} {column}")
                continue
            extra = tuple(f"axis{axis}_{name}" for axis in range(1, found.ndim))
            unit = "s" if column in _SECONDS or column.endswith("_time") else ""  # NWB's rule
            attrs = {"units": unit, "long_name": f"{column.replace('_', ' ')} of {dim}"}
            self.add(name, (dim, *extra), found if order is None else found[order], attrs)

    def table(self, dim: str, start: Any, stop: Any, columns: Mapping[str, Any]) -> None:
        """Intervals (s) with what is known of each."""
        others = {f"{name}_column" if name in ("start", "stop") else name: one for name, one in columns.items()}
        self.rows(dim, {"start": np.asarray(start, float), "stop": np.asarray(stop, float), **others})
        self.covers(start)
        self.covers(stop)

    def series(self, name: str, values: Any, times: Any, unit: str, **attrs: Any) -> None:
        """A quantity over time: values (time, ...), times (s)."""
        name, values, times = clean(name), np.asarray(values), np.asarray(times, float)
        name = f"{name}_series" if name in DIMS else name
        if values.ndim == 0 or times.shape != values.shape[:1]:
            raise ValueError(f"series {name!r} has values of shape {values.shape} and {times.size} times.")
        dims = (f"time_{name}", *(f"{_axis(axis)}_{name}" for axis in range(1, values.ndim)))
        known = {"units": SPELLED.get(unit, unit), "long_name": name.replace("_", " ")}
        known |= {key: one for key, one in attrs.items() if one not in (None, "")}
        self.add(name, dims, values, known)
        self.add(dims[0], dims[:1], times, {"units": "s", "long_name": f"time of {name}"})
        self.covers(times)

    def add(self, name: str, dims: tuple[str, ...], values: Any, attrs: Mapping[str, Any]) -> None:
        """A variable under a name that none has."""
        if name in self.variables:
            raise ValueError(f"two parts of the recording would both be {name!r} in the Dataset; rename one of them.")
        values = np.asarray(values)
        self.variables[name] = (dims, values.astype(values.dtype.newbyteorder("="), copy=False), dict(attrs))

    def free(self, name: str, *owners: str) -> str:
        """``name``, or with its owners before it where another series has that name."""
        for owner in ("", *owners):
            name = f"{owner}_{name}" if owner else name
            if clean(name) not in self.variables:
                break
        return name

    def covers(self, times: Any) -> None:
        """The recording holds these times (s)."""
        found = np.asarray(times, float)
        found = found[np.isfinite(found)]
        self.span += [float(found.min()), float(found.max())] if found.size else []

    def dataset(self, parameters: Mapping[str, Any]) -> xr.Dataset:
        """The Dataset, with where it comes from and which synfwp read it."""
        if not self.variables:
            raise ValueError(f"{self.attrs['source_file']} holds no spikes, intervals or series of numbers.")
        made = results.provenance({**parameters}, seed=0)
        attrs = {name: one for name, one in made.items() if name != "seed"} | self.attrs
        if self.span:
            attrs |= {"start": min(self.span), "stop": max(self.span)}
        if self.left_out:
            attrs["left_out"] = results.as_json("left_out", self.left_out)
        schema = {name: one for name, one in self.variables.items() if name in SPIKES}
        ds = results.dataset(schema, None, **attrs).assign(
            {name: one for name, one in self.variables.items() if name not in SPIKES}
        )
        if schema:
            results.spike_trains(ds)
        return ds


def clean(name: Any) -> str:
    """A name that can be an attribute of a Dataset.

    >>> clean("IN 0"), clean("stimulus/VC-01"), clean("2p")
    ('IN_0', 'stimulus_VC_01', 'x2p')
    """
    found = re.sub(r"\W+", "_", str(name)).strip("_") or "x"
    return f"x{found}" if found[0].isdigit() else found


def as_column(values: Any) -> Any:
    """An array of numbers, truth values or text with an entry per row; None if it cannot be one."""
    try:
        found = np.asarray(values)
    except ValueError:  # ragged
        return None
    if found.dtype.kind == "S":
        found = np.char.decode(found, "utf-8", "replace")
    if found.dtype.kind == "O":
        items = [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in found.ravel()]
        if not all(one is None or isinstance(one, str) for one in items):
            return None
        found = np.array([one or "" for one in items], str).reshape(found.shape)
    if found.dtype.kind == "U":
        found = np.char.replace(found, "\0", "")
    return found if found.ndim and found.dtype.kind in "fiubU" else None


def check_file(path: Any, reader: str) -> Path:
    """The path of a file that is there and holds something."""
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; pass the path of a file to {reader}.")
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; pass the path of a file to {reader}.")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty; copy or download it again.")
    return path


def need(package: str, what: str) -> ModuleNotFoundError:
    """The error for a package that is not installed."""
    return ModuleNotFoundError(f'{what} needs {package}; install it with: pip install "synfwp[data]"', name=package)


def regular(times: Array) -> float | None:
    """The rate (Hz) of times (s) that are evenly spaced to a thousandth of a step; None if they are not."""
    if len(times) < 3:
        return None
    step = (times[-1] - times[0]) / (len(times) - 1)
    even = step > 0 and np.abs(times - (times[0] + step * np.arange(len(times)))).max() <= 1e-3 * step
    return float(1.0 / step) if even else None


def by_neuron(time: Array, neuron: Array, size: int) -> list[Array]:
    """The times of each neuron, in their order.

    >>> [part.tolist() for part in by_neuron(np.array([0.1, 0.2, 0.3]), np.array([2, 0, 2]), 3)]
    [[0.2], [], [0.1, 0.3]]
    """
    order = np.argsort(neuron, kind="stable")
    return np.split(time[order], np.searchsorted(neuron[order], np.arange(1, size)))[:size]


def _axis(number: int) -> str:
    """What the axis of a series is called."""
    return "component" if number == 1 else f"axis{number}"
