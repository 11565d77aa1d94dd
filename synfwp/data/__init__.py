"""Published tables, recordings in and out, and public files on request, all as labelled Datasets.

Each published table ships as a CSV file that carries its citation and its units. It begins with comment lines:
``# title: ...``, ``# citation: ...``, ``# experiment: ...``, and for each column ``# coordinate name [unit]: meaning``
or ``# variable name [unit]: meaning``. An empty cell among numbers is NaN.

A recording has the spikes of a run (`synfwp.results.trains`), so that every measure and every figure takes both.
"""

import csv
import re
from importlib import resources
from typing import Any

import numpy as np
import xarray as xr

from synfwp.checks import lookup
from synfwp.data.arrays import read_hdf5, read_npz, read_text
from synfwp.data.fetching import fetch
from synfwp.data.neo_blocks import read_neo, to_neo
from synfwp.data.nwb import read_nwb
from synfwp.data.nwb_writing import write_nwb
from synfwp.data.pynapple_objects import read_pynapple, to_pynapple
from synfwp.data.registry import FILES, File

__all__ = [
    "FILES",
    "File",
    "fetch",
    "load_table",
    "read_hdf5",
    "read_neo",
    "read_npz",
    "read_nwb",
    "read_pynapple",
    "read_text",
    "tables",
    "to_neo",
    "to_pynapple",
    "write_nwb",
]

_COLUMN = re.compile(r"(coordinate|variable) (\w+) \[(.+?)\]: (.+)")
_GLOBAL = re.compile(r"(\w+): (.+)")


def tables() -> tuple[str, ...]:
    """Names of the published tables that ship with the package, in alphabetical order.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> tables()[:3]
    ('bi_poo_1998_points', 'kohus2016_trains', 'milstein2021_btsp_binned')
    """
    return tuple(sorted(_paths()))


def load_table(name: str) -> xr.Dataset:
    """One published table, with dimension ``point``: a row of the table is a point.

    What the experimenters set is a coordinate, what they measured is a variable. Every column has the attributes
    ``units`` (``1`` for a pure number or a word) and ``long_name``; the Dataset has ``title``, ``citation`` and
    ``experiment``.

    Parameters
    ----------
    name : str
        One of :func:`tables`.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    ValueError
        If no table has this name.

    Examples
    --------
    >>> table = load_table("sjostrom2001_frequency_timing")
    >>> dict(table.sizes), table.freq_hz.units, float(table.dw_mean[4])
    ({'point': 10}, 'Hz', 0.56)
    >>> table.citation[:44]
    'Sjostrom PJ, Turrigiano GG, Nelson SB (2001)'
    """
    lines = lookup("table", name, _paths()).read_text(encoding="utf-8").splitlines()
    header = [line[1:].strip() for line in lines if line.startswith("#")]
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    columns = [match.groups() for match in map(_COLUMN.fullmatch, header) if match]
    table = xr.Dataset(attrs={m[1]: m[2] for m in map(_GLOBAL.fullmatch, header) if m})
    for kind, column, units, meaning in columns:
        attrs = {"units": units, "long_name": meaning}
        variable = xr.Variable("point", _column([row[column] for row in rows]), attrs)
        table = table.assign_coords({column: variable}) if kind == "coordinate" else table.assign({column: variable})
    return table


def _paths() -> dict[str, Any]:
    """Each table's name and its file inside the installed package."""
    files = resources.files(__name__).iterdir()
    return {file.name.removesuffix(".csv"): file for file in files if file.name.endswith(".csv")}


def _column(cells: list[str]) -> np.ndarray:
    """Numbers with NaN for empty cells, or text when a cell is neither."""
    try:
        return np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return np.array(cells)
