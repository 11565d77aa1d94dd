"""What plots of spikes and states take: Datasets, arrays and the monitors of Brian2, as one format."""

from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from synfwp import checks, results

Array = np.ndarray


class Spikes(NamedTuple):
    """Times (s), neurons and populations of spikes, populations with their sizes, and start and stop (s)."""

    time: Array
    unit: Array
    population: Array
    names: tuple[str, ...]
    sizes: Array
    span: tuple[float, float]

    def of(self, name: str) -> tuple[Array, Array, int]:
        """Times and neurons of a population, and its size."""
        at = self.names.index(name)
        mine = self.population == at
        return self.time[mine], self.unit[mine], int(self.sizes[at])


def spikes(x: Any, where: str) -> Spikes:
    """Spikes of a run or a recording, of ``(time, unit)`` arrays in s, or of a SpikeMonitor of Brian2.

    >>> spikes(([0.1, 0.2], [0, 2]), "raster").sizes.tolist()
    [3]
    """
    if isinstance(x, xr.Dataset):
        found = results.spike_trains(x)
        last = float(found.time.max(initial=0.0))
        span = float(x.attrs.get("start", 0.0)), float(x.attrs.get("stop", last))
        return Spikes(found.time, found.unit, found.population, found.names, found.sizes, span)
    if isinstance(x, tuple | list) and len(x) == 2:
        time, unit = checks.array("time", x[0], ndim=1), np.asarray(x[1])
        if unit.shape != time.shape or (unit.size and unit.dtype.kind not in "iu"):
            raise ValueError(f"{where}: unit has shape {unit.shape} and dtype {unit.dtype}; pass one index per spike.")
        return _one("neurons", time, unit.astype(int), int(unit.max(initial=0)) + 1, None)
    if all(hasattr(x, name) for name in ("t", "i", "source")):  # brian2.SpikeMonitor
        time = np.asarray(x.t)
        stop = float(np.asarray(x.clock.t)) if hasattr(x, "clock") else None
        return _one(str(x.source.name), time, np.asarray(x.i, int), len(x.source), stop)
    raise TypeError(
        f"{where} got {type(x).__name__}; pass a Dataset with spikes, (time, unit) arrays in s, or a SpikeMonitor."
    )


def _one(name: str, time: Array, unit: Array, n: int, stop: float | None) -> Spikes:
    """Spikes of one population."""
    last = float(time.max(initial=0.0)) if stop is None else stop
    order = np.argsort(time, kind="stable")
    return Spikes(time[order], unit[order], np.zeros(len(time), int), (name,), np.array([n]), (0.0, last))


def as_dataset(x: Any, where: str) -> xr.Dataset:
    """A Dataset of these spikes."""
    if isinstance(x, xr.Dataset):
        return x
    found = spikes(x, where)
    groups = {name: found.of(name) for name in found.names}
    ds = results.dataset(results.spike_variables(groups))
    return ds.assign_attrs(start=found.span[0], stop=found.span[1])


def chosen(found: Spikes, population: str | None, where: str) -> str:
    """The population that is meant: the one there is, if none is named."""
    if population is None and len(found.names) > 1:
        raise ValueError(f"{where} needs a population; pass one of {', '.join(map(repr, found.names))}.")
    return found.names[0] if population is None else checks.one_of("population", population, found.names)


def states(x: Any, variable: str, where: str) -> xr.DataArray:
    """A variable over time: a DataArray (time, neuron), or of a StateMonitor of Brian2, in mV or SI units."""
    if isinstance(x, xr.DataArray):
        return x
    if isinstance(x, xr.Dataset):
        names = [str(name) for name in x.data_vars if any(str(dim).startswith("time") for dim in x[name].dims)]
        return x[checks.one_of("variable", variable, names)]
    if hasattr(x, "t") and hasattr(x, variable):  # brian2.StateMonitor
        volts = variable == "v"
        values = np.asarray(getattr(x, variable)).T * (1e3 if volts else 1.0)
        attrs = {"units": "mV" if volts else "", "long_name": "membrane potential" if volts else variable}
        return xr.DataArray(
            values, dims=("time", "neuron"), coords={"time": np.asarray(x.t), "neuron": list(x.record)}, attrs=attrs
        )
    raise TypeError(f"{where} got {type(x).__name__}; pass a DataArray, a Dataset or a StateMonitor.")
