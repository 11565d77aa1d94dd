"""Parts that the figures share: checks of labelled data, labels with units, legends and colour bars."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.ticker import MaxNLocator

from synfwp.plot.colours import COLOURS

SPELLING = {"hebb": "Hebb", "hebbian": "Hebbian", "oja": "Oja", "lif": "LIF", "elu": "ELU", "dpfp": "DPFP"}


def require(data: Any, kind: type, where: str) -> None:
    """A TypeError unless ``data`` is an xarray object of ``kind``."""
    if not isinstance(data, kind):
        raise TypeError(f"{where} got {type(data).__name__}; pass an xarray {kind.__name__}.")


def take(ds: xr.Dataset, name: str, where: str) -> xr.DataArray:
    """The variable ``name`` of a Dataset, or an error that lists what there is."""
    require(ds, xr.Dataset, where)
    if name not in ds:
        found = ", ".join(map(str, ds.variables)) or "nothing"
        raise ValueError(f"{where} needs the variable {name!r} and the Dataset holds {found}; add or rename it.")
    return ds[name]


def along(ds: xr.Dataset, name: str, dim: str | None, where: str) -> xr.DataArray:
    """The variable ``name`` if ``dim`` is its only dimension, or if it is one number for ``dim=None``."""
    da = take(ds, name, where)
    if da.dims != (() if dim is None else (dim,)):
        wanted = "as one number" if dim is None else f"along {dim!r} alone, one trial at a time"
        raise ValueError(f"{name} has dimensions {da.dims}; pass it {wanted}.")
    return da


def seconds(ds: xr.Dataset, name: str, dim: str, where: str) -> np.ndarray:
    """Finite times in s along ``dim``; a ``units`` attribute with another unit is refused."""
    da = along(ds, name, dim, where)
    if da.attrs.get("units", "s") not in ("s", "second", "seconds"):
        raise ValueError(f"{name} is in {da.attrs['units']!r}; times of a Dataset are in seconds: convert it to 's'.")
    if not np.isfinite(da.values).all():
        raise ValueError(f"{name} holds NaN or inf; pass finite times in s.")
    return np.asarray(da.values, dtype=float)


def percent(ds: xr.Dataset, name: str, where: str) -> xr.DataArray:
    """The fractions ``name`` in %; NaN marks what was not run."""
    da = take(ds, name, where)
    if ((da < 0) | (da > 1)).any():
        low, high = float(da.min()), float(da.max())
        raise ValueError(f"{name} spans {low:g} to {high:g}; pass fractions from 0 to 1, they are drawn in %.")
    return 100 * da


def grid(da: xr.DataArray, *dims: str) -> xr.DataArray:
    """``da`` with exactly ``dims`` in this order, missing ones of length 1."""
    extra = [str(dim) for dim in da.dims if dim not in dims]
    if extra:
        raise ValueError(
            f"{da.name or 'the data'} has dimensions {da.dims}; beside {', '.join(dims)} none can be drawn: "
            f"choose with .isel({extra[0]}=0) or average with .mean({extra[0]!r})."
        )
    return da.expand_dims([dim for dim in dims if dim not in da.dims]).transpose(*dims)


def names(da: xr.DataArray, dim: str) -> list[str | None]:
    """The names along ``dim`` from its coordinate (also a scalar one), or one None for each entry."""
    if dim in da.coords:
        return [str(name) for name in np.atleast_1d(da[dim].values)]
    return [None] * da.sizes.get(dim, 1)


def spell(name: object) -> str:
    """A name as it stands in a figure.

    Examples
    --------
    >>> spell("anti_hebb"), spell("spiking lif"), spell("gated_delta")
    ('anti-Hebb', 'spiking LIF', 'gated delta')
    """
    words = str(name).replace("anti_", "anti-").replace("_", " ").split(" ")
    return " ".join("-".join(SPELLING.get(part, part) for part in word.split("-")) for word in words)


def label(da: xr.DataArray, default: str, units: str = "") -> str:
    """``long_name (units)`` from the attributes; ``default`` and ``units`` where they are missing.

    Examples
    --------
    >>> label(xr.DataArray(0.0, attrs={"long_name": "membrane_potential", "units": "mV"}), "value")
    'membrane potential (mV)'
    """
    return with_unit(spell(da.attrs.get("long_name", default)), str(da.attrs.get("units", units)))


def with_unit(name: str, unit: str) -> str:
    """``name (unit)``, or ``name`` for a pure number."""
    return name if unit in ("", "1", "dimensionless") else f"{name} ({unit})"


def colour_bar(ax: Axes, mappable: ScalarMappable, text: str, extend: str = "neither") -> None:
    """A colour bar as high as the axes, to their right, with arrows where data lie beyond its ends."""
    bar = ax.figure.colorbar(mappable, cax=ax.inset_axes((1.04, 0.0, 0.05, 1.0)), extend=extend)
    bar.set_label(text)
    bar.outline.set_linewidth(0.5)


def dashed(ax: Axes, y: float, text: str) -> None:
    """A dashed grey line across the axes: chance, or a published value."""
    ax.axhline(y, color="0.45", linewidth=0.7, linestyle=(0, (3, 2)), label=text, zorder=1)


def colour_of(name: str, i: int, count: int, own: Mapping[str, str] | None = None) -> str:
    """The colour of a population: its own, or the one of its place; black if it is alone."""
    if own and name in own:
        return COLOURS.get(own[name], own[name])
    return "black" if count == 1 else f"C{i % len(COLOURS)}"


def whole_ticks(axis: Axis) -> None:
    """At most five round, whole-numbered ticks: an index has no fractions."""
    axis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
