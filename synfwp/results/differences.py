"""Whether two results are the same, bit by bit, and where they first differ."""

from typing import Any

import numpy as np
import xarray as xr

from synfwp.results.fingerprint import UNCOUNTED

# what two runs of the same may differ in: when, how long, by which code and which versions
CIRCUMSTANCES = (*UNCOUNTED, "run", "package", "dependencies", "synfwp_version", "synfwp_format", "cells_from")


def first_difference(one: xr.Dataset, other: xr.Dataset) -> str | None:
    """Where two results first differ, as the end of a sentence; None if they are the same, bit by bit.

    Compared are names, dims, types, labels, units, every number (NaN equals NaN) and the attributes, but for when and
    by which versions they were made (`CIRCUMSTANCES`).

    Parameters
    ----------
    one, other : xarray.Dataset

    Returns
    -------
    str or None

    Examples
    --------
    >>> ds = xr.Dataset({"loss": ("step", [0.5, 0.1])})
    >>> first_difference(ds, ds.copy(deep=True)) is None
    True
    >>> first_difference(ds, xr.Dataset({"loss": ("step", [0.5, 0.2])}))
    'loss at step 1 is 0.1 and 0.2; 1 of 2 entries differ, by at most 0.1'
    """
    for name in [*one.variables, *(name for name in other.variables if name not in one.variables)]:
        if name not in one.variables or name not in other.variables:
            return f"{name} is only in the {'first' if name in one.variables else 'second'}"
        found = _variables(str(name), one[name], other[name])
        if found:
            return found
    return _attributes("", one.attrs, other.attrs)


def _variables(name: str, one: xr.DataArray, other: xr.DataArray) -> str | None:
    """Where two variables first differ."""
    for what in ("dims", "shape", "dtype"):
        this, that = (_kind(x) if what == "dtype" else getattr(x, what) for x in (one, other))
        if this != that:
            return f"{name} has {what} {this} and {that}"
    this, that = (_text(x.values) for x in (one, other))
    differs = np.atleast_1d(this != that)
    if one.dtype.kind == "f":
        differs &= ~(np.isnan(this) & np.isnan(that))
        differs |= np.atleast_1d((np.signbit(this) != np.signbit(that)) & ~np.isnan(this))  # 0 and -0
    if differs.any():
        at = np.unravel_index(int(np.argmax(differs)), differs.shape)
        place = ", ".join(f"{dim} {_label(one, str(dim), int(i))}" for dim, i in zip(one.dims, at, strict=False))
        values = " and ".join(_number(x) for x in (np.atleast_1d(this)[at], np.atleast_1d(that)[at]))
        more = f"; {int(differs.sum())} of {differs.size} entries differ" + _size(one, this, that)
        return f"{name}{' at ' + place if place else ''} is {values}{more}"
    return _attributes(f"{name}: ", one.attrs, other.attrs)


def _kind(x: xr.DataArray) -> str:
    """The type of the entries; text has no width."""
    return "text" if x.dtype.kind in "OUS" else x.dtype.str


def _text(values: np.ndarray) -> np.ndarray:
    return values.astype(str) if values.dtype.kind in "OUS" else values


def _number(x: Any) -> str:
    """All digits of a number."""
    return repr(x.item() if isinstance(x, np.generic) else x)


def _label(x: xr.DataArray, dim: str, i: int) -> str:
    """The label of a place along a dim, or its index."""
    return str(x.coords[dim].values[i]) if dim in x.coords and dim != x.name else str(i)


def _size(kind: xr.DataArray, this: np.ndarray, that: np.ndarray) -> str:
    """How large the largest difference of numbers is."""
    if kind.dtype.kind not in "fiu":
        return ""
    return f", by at most {np.nanmax(np.abs(this.astype(float) - that.astype(float))):.3g}"


def _attributes(whose: str, one: Any, other: Any) -> str | None:
    """The first attribute that differs."""
    for name in sorted({*one, *other} - set(CIRCUMSTANCES), key=str):
        this, that = one.get(name), other.get(name)
        if not (this == that or (this != this and that != that)):
            return f"{whose}attribute {name} is {this!r} and {that!r}"
    return None
