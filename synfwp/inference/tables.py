"""A user's own table of weight changes, as a Dataset like the published ones."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks, units

TO_MS = {"ms": 1.0, "s": 1000.0, "us": 1e-3}
TO_HZ = {"hz": 1.0, "khz": 1000.0}
SHARES = ("rel", "relative", "fraction", "ratio")
PERCENT = ("percent", "pct", "perc")


def read_table(
    source: Any,
    *,
    dt: str = "dt_ms",
    dw: str = "dw_percent",
    sem: str | None = None,
    rate: str | float = 1.0,
    n: int = 60,
    percent: bool = True,
    cell: str | None = None,
    cells: str | None = None,
    condition: str | None = None,
) -> xr.Dataset:
    """A table of weight changes against spike timing, from a CSV file or a DataFrame.

    Parameters
    ----------
    source : path, pandas.DataFrame or dict of columns
        A text file with a line of column names, columns separated by commas, semicolons or tabs; lines that begin with
        ``#`` are left out.
    dt : str
        Column of the time of the postsynaptic minus that of the presynaptic spike. ms, or s or us where the name of the
        column ends in ``_s`` or ``_us``.
    dw : str
        Column of the change of weight: +10 is 10 % more with ``percent``, 0.1 without. (Of "percent of baseline",
        subtract 100 first.)
    sem : str or None
        Column of standard errors, in the unit of ``dw``.
    rate : str or float
        Column of the rate of the pairs (Hz, or kHz by its name), or one rate for all.
    n : int
        Pairs behind each point.
    percent : bool
        Whether changes are in percent.
    cell : str or None
        Column of names of cells: each row is then one cell (rows of one cell and condition are averaged first), and
        each ``dt`` and rate gives one point, with mean, standard error and number of its cells. The standard error of a
        single cell is NaN.
    cells : str or None
        Column of the numbers of cells behind the standard errors.
    condition : str or None
        Column of names of conditions, which become the coordinate ``condition``; cells are averaged within each.

    Returns
    -------
    xarray.Dataset
        ``dw_mean`` and, where known, ``dw_sem`` and ``cells`` along ``point``, relative changes of weight; coordinates
        ``dt_ms`` and ``rate_hz``; the attribute ``n_pairs``.

    Raises
    ------
    ValueError
        For a missing column, an empty table, cells that are no numbers, a standard error that is negative or 0, units
        that do not agree.
    TypeError, OSError
        For a source of another kind, or a file that cannot be read.

    Examples
    --------
    >>> columns = {"dt_ms": [10, 10, 10, -10, -10], "dw_percent": [40, 60, 50, -20, -30], "cell": list("abcab")}
    >>> table = read_table(columns, cell="cell")
    >>> table.dt_ms.values.tolist(), table.dw_mean.values.tolist(), table.cells.values.tolist()
    ([10.0, -10.0], [0.5, -0.25], [3, 2])
    """
    if sem is not None and cell is not None:
        raise ValueError(f"sem is {sem!r} and cell {cell!r}; pass one: standard errors come from the cells.")
    if cells is not None and sem is None:
        raise ValueError(f"cells is {cells!r}, numbers of cells behind standard errors; pass sem= too.")
    columns = _columns(source)
    if not isinstance(percent, bool):
        raise TypeError(f"percent is {checks.short(percent)}; pass True or False.")
    factor = 0.01 if percent else 1.0
    for what, name in (("dw", dw), ("sem", sem)):
        if name is not None:
            _check_share(what, name, percent)
    lag = _numbers(columns, "dt", dt) * TO_MS.get(dt.rpartition("_")[2].lower(), 1.0)
    change = _numbers(columns, "dw", dw) * factor
    if isinstance(rate, str):
        every = _numbers(columns, "rate", rate) * TO_HZ.get(rate.rpartition("_")[2].lower(), 1.0)
    else:
        every = np.full(lag.shape, units.number(rate, "Hz", "rate", 0, above=True))
    if (every <= 0).any():
        raise ValueError(f"rate: column {rate!r} holds {every[every <= 0][0]:g}; pass rates above 0, in Hz.")
    found: dict[str, Any] = {"dt_ms": lag, "rate_hz": every, "dw_mean": change}
    if sem is not None:
        found["dw_sem"] = _errors(columns, sem) * factor
    if cells is not None:
        found["cells"] = _counts(columns, cells)
    if condition is not None:
        found["condition"] = np.array([str(x) for x in _column(columns, "condition", condition)])
    if cell is not None:
        found = _averaged(found, _column(columns, "cell", cell))
    return _labelled(found, checks.count("n", n), str(source) if isinstance(source, str | Path) else "")


def _columns(source: Any) -> dict[str, list[Any]]:
    """Columns by name."""
    if hasattr(source, "columns") and hasattr(source, "to_dict"):
        found = {str(name): list(values) for name, values in source.to_dict("list").items()}
    elif isinstance(source, Mapping):
        found = {str(name): list(values) for name, values in source.items()}
    elif isinstance(source, str | Path):
        found = _read(Path(source))
    else:
        raise TypeError(f"source is {checks.short(source)}; pass a path, a pandas DataFrame or a dict of columns.")
    lengths = {name: len(values) for name, values in found.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns differ in length: {lengths}; pass one value per row in each.")
    if not found or not next(iter(lengths.values())):
        raise ValueError("the table is empty; pass one with a line of column names and at least one row.")
    return found


def _read(path: Path) -> dict[str, list[Any]]:
    """Columns of a text file."""
    lines = [line for line in path.read_text("utf-8-sig").splitlines() if line.strip() and not line.startswith("#")]
    if not lines:
        raise ValueError(f"{path} is empty; pass a table with a line of column names and at least one row.")
    mark = max(",;\t", key=lines[0].count)
    rows = list(csv.reader(lines, delimiter=mark))
    names = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], 1):
        if len(row) != len(names):
            raise ValueError(f"row {number} of {path} has {len(row)} cells, but there are {len(names)} columns.")
    if len(set(names)) < len(names):
        raise ValueError(f"{path} has two columns of one name; its columns are {', '.join(names)}.")
    return {name: [row[i].strip() for row in rows[1:]] for i, name in enumerate(names)}


def _column(columns: Mapping[str, Sequence[Any]], what: str, name: str) -> Sequence[Any]:
    """A column by name, or an error that suggests one."""
    if name not in columns:
        raise ValueError(f"{what}: there is no column {checks.short(name)}; {checks.suggest(name, columns)}")
    return columns[name]


def _numbers(columns: Mapping[str, Sequence[Any]], what: str, name: str) -> np.ndarray:
    """A column of finite numbers."""
    values = _column(columns, what, name)
    found = np.empty(len(values))
    for row, value in enumerate(values):
        try:
            found[row] = float(value)
        except (TypeError, ValueError):
            unit = " (leave the unit out)" if any(c.isdigit() for c in str(value)) else ""
            raise ValueError(
                f"{what}: row {row + 1} of column {name!r} holds {checks.short(value)}; pass numbers{unit}."
            ) from None
        if not np.isfinite(found[row]):
            raise ValueError(f"{what}: row {row + 1} of column {name!r} holds {value}; leave such rows out.")
    return found


def _errors(columns: Mapping[str, Sequence[Any]], name: str) -> np.ndarray:
    """Standard errors, above 0."""
    found = _numbers(columns, "sem", name)
    if (bad := np.flatnonzero(found <= 0)).size:
        raise ValueError(
            f"sem: row {bad[0] + 1} of column {name!r} holds {found[bad[0]]:g}; pass standard errors above 0."
        )
    return found


def _counts(columns: Mapping[str, Sequence[Any]], name: str) -> np.ndarray:
    """Numbers of cells, at least 2."""
    found = _numbers(columns, "cells", name)
    if (bad := np.flatnonzero((found < 2) | (found != np.round(found)))).size:
        raise ValueError(
            f"cells: row {bad[0] + 1} of column {name!r} holds {found[bad[0]]:g}; pass whole numbers of at least 2."
        )
    return found.astype(int)


def _check_share(what: str, name: str, percent: bool) -> None:
    """The unit that a name ends in agrees with ``percent``."""
    end = name.rpartition("_")[2].lower()
    if end in (SHARES if percent else PERCENT):
        other = "percent" if end in PERCENT else "fractions"
        raise ValueError(
            f"{what}: column {name!r} is in {other} by its name, but percent is {percent}, of dw and sem alike; pass "
            f"percent={not percent}, or bring both columns to one unit."
        )


def _averaged(found: Mapping[str, np.ndarray], names: Sequence[Any]) -> dict[str, np.ndarray]:
    """One point for each dt, rate and condition: mean, standard error and number of its cells."""
    groups: dict[tuple[float, float, str], dict[str, list[float]]] = {}
    labels = found.get("condition", np.full(len(names), ""))
    for lag, rate, label, change, name in zip(
        found["dt_ms"], found["rate_hz"], labels, found["dw_mean"], names, strict=True
    ):
        groups.setdefault((float(lag), float(rate), str(label)), {}).setdefault(str(name), []).append(float(change))
    means = [np.array([np.mean(rows) for rows in group.values()]) for group in groups.values()]
    single = [np.std(one, ddof=1) / np.sqrt(len(one)) if len(one) > 1 else np.nan for one in means]
    if not np.nan_to_num(single).any():
        raise ValueError(
            "cell: no condition has two cells that differ, so there is no standard error; leave cell= out to take each "
            "row as a point."
        )
    own = {"condition": np.array([label for *_, label in groups])} if "condition" in found else {}
    return own | {
        "dt_ms": np.array([lag for lag, *_ in groups]),
        "rate_hz": np.array([rate for _, rate, _ in groups]),
        "dw_mean": np.array([one.mean() for one in means]),
        "dw_sem": np.array(single),
        "cells": np.array([len(one) for one in means]),
    }


def _labelled(found: Mapping[str, np.ndarray], n: int, title: str) -> xr.Dataset:
    """The Dataset, with units."""
    text = {
        "dt_ms": ("ms", "time of the postsynaptic spike minus time of the presynaptic spike"),
        "rate_hz": ("Hz", "repetition rate of the pairs"),
        "dw_mean": ("1", "relative change of synaptic weight, mean"),
        "dw_sem": ("1", "relative change of synaptic weight, standard error of the mean"),
        "cells": ("1", "number of cells behind mean and standard error"),
        "condition": ("", "condition"),
    }
    made = {
        name: xr.Variable("point", values, {"units": text[name][0], "long_name": text[name][1]})
        for name, values in found.items()
    }
    coords = {name: made.pop(name) for name in ("dt_ms", "rate_hz", "condition") if name in made}
    if "condition" in coords:
        del coords["condition"].attrs["units"]
    return xr.Dataset(made, coords, {"title": title, "experiment": f"{n} pairs at rate_hz", "n_pairs": n})
