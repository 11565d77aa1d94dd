"""The schema: which dims, units and long name each variable of a result has."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from synfwp.checks import short

_RESERVED = {"coordinates", "_FillValue", "missing_value", "scale_factor", "add_offset", "dtype"}
_INT64 = np.iinfo(np.int64)


class Variable(NamedTuple):
    """One row of the schema: the dims a variable has at least, its units and its long name."""

    dims: tuple[str, ...]
    units: str
    long_name: str


SCHEMA: Mapping[str, Variable] = MappingProxyType(
    {
        "time": Variable(("time",), "s", "time"),
        "spike_time": Variable(("spike",), "s", "time of a spike"),
        "spike_unit": Variable(("spike",), "1", "index of the neuron that spiked"),
        "spike_population": Variable(("spike",), "1", "population of a spike (index into population)"),
        "population": Variable(("population",), "", "population"),
        "population_size": Variable(("population",), "1", "number of neurons"),
        "trial": Variable(("trial",), "1", "trial"),
        "head": Variable(("head",), "1", "head"),
        "key": Variable(("key",), "1", "key (presynaptic) feature"),
        "value": Variable(("value",), "1", "value (postsynaptic) feature"),
        "unit": Variable(("unit",), "1", "neuron"),
        "rule": Variable(("rule",), "", "update rule"),
        "pairs": Variable(("pairs",), "1", "number of stored pairs"),
        "seed": Variable(("seed",), "1", "seed"),
        "step": Variable(("step",), "1", "training step"),
        "reference": Variable(("reference",), "", "what the substrate is compared with"),
        "quantity": Variable(("quantity",), "", "quantity"),
        "q": Variable(("time", "key"), "1", "query"),
        "k": Variable(("time", "key"), "1", "key"),
        "v": Variable(("time", "value"), "1", "value"),
        "beta": Variable(("time",), "1", "write strength"),
        "decay": Variable(("time",), "1", "factor that multiplies the fast weights"),
        "y": Variable(("time", "value"), "1", "recall"),
        "W": Variable(("value", "key"), "1", "fast weights after the last step"),
        "W_states": Variable(("value", "key"), "1", "fast weights along the run"),
        "state_step": Variable(("state_step",), "1", "tokens before W was kept"),
        "y_exact": Variable(("time", "value"), "1", "recall of the exact rule"),
        "centred_correlation": Variable((), "1", "correlation of the fast weights, each minus its mean"),
        "recall_agreement": Variable((), "1", "agreement of the recalls"),
        "norm_ratio": Variable((), "1", "norm of the fast weights over that of the reference"),
        "fraction_at_bound": Variable((), "1", "fraction of synapses at a bound"),
        "loss": Variable((), "1", "loss"),
        "accuracy": Variable((), "1", "fraction of right answers"),
    }
)


def seconds(ms: Any) -> np.ndarray:
    """Times in seconds, from times in milliseconds: the one conversion of the package.

    Parameters
    ----------
    ms : array
        Times in milliseconds.

    Examples
    --------
    >>> seconds([100, 250.0]).tolist()
    [0.1, 0.25]
    """
    return np.asarray(ms, float) / 1000.0


def dataset(variables: Mapping[str, Any], coords: Mapping[str, Any] | None = None, **attrs: str | float) -> xr.Dataset:
    """A Dataset in which every number has units and a long name, filled in from `SCHEMA`.

    Parameters
    ----------
    variables, coords : mapping of names to array, ``(dims, array)``, ``(dims, array, attrs)`` or DataArray
        A bare array has exactly the dims of its row in `SCHEMA`; further dims (trial, seed) have to be named. A
        name without a row brings ``units`` and ``long_name`` in its attrs. Times are in seconds: see `seconds`.
    **attrs : str, int or float
        Attributes of the whole result; see `provenance`.

    Raises
    ------
    ValueError
        If a number comes without units, or a variable lacks a dim of its row.
    TypeError
        If an attribute is neither text nor a number.

    Examples
    --------
    >>> ds = dataset({"y": [[0.0, 1.0]]}, coords={"time": seconds([100.0])}, title="one recall")
    >>> ds.y.dims, ds.time.attrs["units"], float(ds.time[0])
    (('time', 'value'), 's', 0.1)
    """
    data, labels = (
        {name: _labelled(name, entry) for name, entry in (part or {}).items()} for part in (variables, coords)
    )
    ds = xr.Dataset(data, labels, attrs)
    check_attributes(ds)
    return ds


def padded(curves: Sequence[Any]) -> np.ndarray:
    """Curves of different lengths as the rows of one array (curve, step), NaN after the end of each.

    Examples
    --------
    >>> padded([[1.0, 2.0], [3.0]]).tolist()
    [[1.0, 2.0], [3.0, nan]]
    """
    longest = max(map(len, curves))
    return np.array([np.pad(np.asarray(x, float), (0, longest - len(x)), constant_values=np.nan) for x in curves])


def _labelled(name: str, entry: Any) -> Any:
    """One variable with the dims, units and long name of its row, or with its own."""
    row = SCHEMA.get(name)
    built: xr.DataArray | xr.Variable
    if isinstance(entry, xr.DataArray):
        built = entry.copy(deep=False)
    elif isinstance(entry, tuple):
        built = xr.Variable(*entry)
    elif row and np.ndim(entry) == len(row.dims):
        built = xr.Variable(row.dims, entry)
    else:
        expected = f"with dims {row.dims}" if row else "unknown to the schema"
        raise ValueError(f"{name} is a bare array of shape {np.shape(entry)}, {expected}; pass (dims, array, attrs).")
    if row and not set(row.dims) <= set(built.dims):
        raise ValueError(f"{name} has dims {built.dims}; pass it with {row.dims}, and any further ones in front.")
    if row:
        built.attrs = {**({"units": row.units} if row.units else {}), "long_name": row.long_name, **built.attrs}
    elif built.dtype.kind in "fiu" and not {"units", "long_name"} <= set(built.attrs):
        raise ValueError(f"{name} lacks units or long_name; pass (dims, array, {{'units': ..., 'long_name': ...}}).")
    return built


def check_attributes(ds: xr.Dataset) -> None:
    """Every attribute is text or a number that NetCDF takes as it is."""
    owners = {"the Dataset": ds.attrs, **{str(name): variable.attrs for name, variable in ds.variables.items()}}
    for owner, attrs in owners.items():
        for name, value in attrs.items():
            what = f"attribute {name!r} of {owner}"
            if isinstance(value, bool | np.bool_) or not isinstance(
                value, str | int | float | np.integer | np.floating
            ):
                raise TypeError(
                    f"{what} is {short(value)}; pass text or a number, and anything else as json.dumps(...)."
                )
            if isinstance(value, int) and not _INT64.min <= value <= _INT64.max:
                raise ValueError(f"{what} is {value}, beyond 64 bits; pass it as text.")
            if name in _RESERVED or not isinstance(name, str) or "\0" in f"{name}{value}":
                raise ValueError(f"{what} cannot be stored in NetCDF; choose another name, and text without NUL.")
