"""The one format of spikes: three variables along ``spike``, and the populations that they belong to.

``spike_time`` (s), ``spike_unit`` (index of the neuron within its population) and ``spike_population`` (index into the
coordinate ``population``); ``population_size`` along ``population``. Runs of circuits and of spiking networks have it,
`synfwp.spikes`, `synfwp.plot.raster` and `SpikeSource.from_dataset` take it. Times in another unit are converted to
seconds by the attribute ``units`` of ``spike_time``; all three read them here.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from synfwp import units

Array = np.ndarray


class Trains(NamedTuple):
    """Spikes of a Dataset: times (s), neurons, populations, and names and sizes of these."""

    time: Array
    unit: Array
    population: Array
    names: tuple[str, ...]
    sizes: Array

    def of(self, population: str) -> tuple[Array, Array]:
        """Times (s), in order, and neurons of the spikes of one population."""
        mine = np.flatnonzero(self.population == self.names.index(population))
        mine = mine[np.argsort(self.time[mine], kind="stable")]
        return self.time[mine], self.unit[mine]


def spike_variables(groups: Mapping[str, tuple[Any, Any, int]]) -> dict[str, Any]:
    """The variables of spikes, for `dataset`.

    Parameters
    ----------
    groups : mapping of names to (times, units, size)
        Times (n,) in seconds, indices of neurons (n,), number of neurons; populations in this order.

    Returns
    -------
    dict
        Spikes in order of time; those of one time in the order of the populations.

    Examples
    --------
    >>> found = spike_variables({"key": ([0.2, 0.1], [0, 1], 2), "value": ([0.1], [0], 1)})
    >>> found["spike_unit"][1].tolist(), found["spike_population"][1].tolist()
    ([1, 0, 0], [0, 1, 0])
    """
    trains = [(np.asarray(time, float), np.asarray(unit, np.int32)) for time, unit, _ in groups.values()]
    time, unit = (np.concatenate(part) for part in zip(*trains, strict=True))
    member = np.repeat(np.arange(len(trains), dtype=np.int16), [len(train) for train, _ in trains])
    order = np.argsort(time, kind="stable")
    return {
        "spike_time": (("spike",), time[order], {}),
        "spike_unit": (("spike",), unit[order], {}),
        "spike_population": (("spike",), member[order], {}),
        "population": (("population",), np.array(list(groups)), {}),
        "population_size": (("population",), np.array([size for *_, size in groups.values()]), {}),
    }


def spike_times(ds: xr.Dataset) -> Array:
    """``spike_time`` of a Dataset in seconds, from the unit that its attribute ``units`` names.

    Raises
    ------
    ValueError
        If the attribute is missing or is no unit of time, or a time is not finite.

    Examples
    --------
    >>> spike_times(xr.Dataset({"spike_time": ("spike", [1.5, 20.0], {"units": "ms"})})).tolist()
    [0.0015, 0.02]
    """
    row = units.named(ds["spike_time"].attrs.get("units"), "s", "spike_time")
    time = np.asarray(ds["spike_time"].values, float)
    if not np.isfinite(time).all():
        raise ValueError("spike_time holds NaN or inf; pass finite times.")
    return time / 10.0**-row.power


def spike_trains(ds: xr.Dataset) -> Trains:
    """The spikes of a Dataset in the format of this module.

    Raises
    ------
    ValueError
        If a variable is missing or has another dim, the times have no unit of time, or an index points to no
        population or neuron.

    Examples
    --------
    >>> from synfwp.results import dataset
    >>> ds = dataset(spike_variables({"cue": ([0.1], [2], 3)}))
    >>> spike_trains(ds).names, spike_trains(ds).unit.tolist()
    (('cue',), [2])
    """
    expected = dict.fromkeys(("spike_time", "spike_unit", "spike_population"), "spike")
    expected |= dict.fromkeys(("population", "population_size"), "population")
    for name, dim in expected.items():
        if name not in ds:
            raise ValueError(
                f"the Dataset has no {name!r}; pass the result of Circuit.run or of simulate(..., record=True), or "
                "make the variables with results.spike_variables."
            )
        if ds[name].dims != (dim,):
            raise ValueError(f"{name} has dims {ds[name].dims}; pass it along {dim!r} alone, one trial at a time.")
    for name in ("spike_unit", "spike_population", "population_size"):
        if ds[name].dtype.kind not in "iu":
            hint = "; it is an index into the coordinate population" if name == "spike_population" else ""
            raise ValueError(f"{name} has dtype {ds[name].dtype}; pass integers{hint}.")
    names = tuple(str(name) for name in ds["population"].values)
    unit, member, sizes = (ds[name].values for name in ("spike_unit", "spike_population", "population_size"))
    if member.size and not 0 <= member.min() <= member.max() < len(names):
        raise ValueError(f"spike_population runs to {member.max()} but there are {len(names)} populations.")
    beyond = np.flatnonzero((unit < 0) | (unit >= sizes[member]))
    if beyond.size:
        at = int(beyond[0])
        raise ValueError(
            f"spike {at} is of neuron {unit[at]} of {names[member[at]]!r}, which has {sizes[member[at]]} neurons."
        )
    return Trains(spike_times(ds), unit, member, names, sizes)
