"""Wrapping of arguments, and the comparison of outcomes: what the tests of this folder share."""

import dataclasses
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse
import xarray as xr


def numeric(arguments: dict[str, Any]) -> Iterator[str]:
    """The arguments that are numbers or arrays of them."""
    for name, value in arguments.items():
        plain = np.asarray(value) if not isinstance(value, str) and np.size(value) else np.array("")
        if plain.dtype.kind in "fiub":
            yield name


def outcome(call: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """What a call gives, or the error that it ends in."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "unstable step", RuntimeWarning)
        try:
            return call(**arguments)
        except (TypeError, ValueError) as error:
            return error


def refused(found: Any, name: str) -> bool:
    """Whether it is an error that names the argument."""
    return isinstance(found, TypeError | ValueError) and name in str(found)


def same(a: Any, b: Any) -> bool:
    """Whether two outcomes are equal, to rounding: arrays, Datasets, objects by their fields."""
    if isinstance(a, Exception) or isinstance(b, Exception):
        return False
    if isinstance(a, xr.Dataset | xr.DataArray):
        parts = [a] if isinstance(a, xr.DataArray) else [a[name] for name in a.variables]
        return type(a) is type(b) and all(
            same(part.values, (b if isinstance(b, xr.DataArray) else b[part.name]).values) for part in parts
        )
    if scipy.sparse.issparse(a):
        return scipy.sparse.issparse(b) and same(a.toarray(), b.toarray())
    if isinstance(a, np.ndarray | np.generic | float | int | complex):
        a, b = np.asarray(a), np.asarray(b)
        if a.dtype.kind not in "fc":
            return bool(a.shape == b.shape and (a == b).all())
        return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-12, atol=1e-300, equal_nan=True))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if dataclasses.is_dataclass(a) and not isinstance(a, type):
        return type(a) is type(b) and all(
            same(getattr(a, entry.name), getattr(b, entry.name)) for entry in dataclasses.fields(a)
        )
    if hasattr(a, "__dict__") and hasattr(b, "__dict__") and not callable(a):
        return type(a) is type(b) and same(vars(a), vars(b))
    return bool(a == b)
