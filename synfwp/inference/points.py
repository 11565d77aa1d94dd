"""What a fit takes from a table: changes, their errors, which points are used, and the protocol of each."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from synfwp import checks
from synfwp.data import load_table
from synfwp.plasticity import protocols
from synfwp.plasticity.protocols import Protocol


def named(table: Any) -> tuple[xr.Dataset, str]:
    """The Dataset, and its name if it is a published one."""
    if isinstance(table, str):
        return load_table(table), table
    if not isinstance(table, xr.Dataset):
        raise TypeError(f"table is {checks.short(table)}; pass the name of a table or what read_table gives.")
    return table, ""


def numbers(data: xr.Dataset) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
    """Changes, standard errors and numbers of cells."""
    found = [name for name in ("dw_mean", "dw_rel") if name in data]
    if not found:
        raise ValueError(f"the table has {', '.join(map(str, data.data_vars))}, but no dw_mean; pass one of changes.")
    rest = [np.asarray(data[name].values, float) if name in data else None for name in ("dw_sem", "cells")]
    return np.asarray(data[found[0]].values, float), rest[0], rest[1]


def chosen(where: Any, change: np.ndarray, sem: np.ndarray | None, cells: np.ndarray | None) -> np.ndarray:
    """Points that are fitted, all with numbers."""
    used = np.ones(change.shape, bool) if where is None else np.asarray(where)
    if used.dtype != bool or used.shape != change.shape:
        raise ValueError(f"where is {checks.short(where)}; pass True or False for each of {change.size} points.")
    if not used.any():
        raise ValueError("where is False everywhere; pass at least one point to fit.")
    if sem is not None and (bad := np.flatnonzero(used & ~np.isfinite(sem))).size:
        raise ValueError(
            f"point {bad[0]} has no standard error (a single cell); leave such points out by where=np.isfinite("
            "table.dw_sem)."
        )
    if cells is not None and (bad := np.flatnonzero(used & (cells < 3))).size:
        raise ValueError(
            f"point {bad[0]} is of {cells[bad[0]]:g} cells, too few for its standard error to count; leave such points "
            "out by where=table.cells > 2."
        )
    return used


def runs_of(data: xr.Dataset, name: str, protocol: Any) -> Sequence[Protocol]:
    """One protocol for each point."""
    points = data.sizes["point"]
    if protocol is None or isinstance(protocol, str):
        if name:
            return protocols.from_table(name, protocol)
        if protocol is not None or "n_pairs" not in data.attrs:
            raise ValueError(
                f"protocol is {protocol!r}, but the table is not a published one with such a protocol; pass a list of "
                "one Protocol for each point, or the name of the table."
            )
        pairs = zip(data.dt_ms.values, data.rate_hz.values, strict=True)
        return [protocols.pairs(int(data.attrs["n_pairs"]), float(rate), float(lag)) for lag, rate in pairs]
    runs = protocol_list(protocol)
    if len(runs) != points:
        raise ValueError(f"protocol has {len(runs)} protocols but the table {points} points; pass one for each.")
    return runs


def protocol_list(runs: Any) -> Sequence[Protocol]:
    """A list of protocols, or an error."""
    if isinstance(runs, Protocol) or not isinstance(runs, Sequence) or not all(isinstance(x, Protocol) for x in runs):
        raise TypeError(f"protocol is {checks.short(runs)}; pass a list of Protocol, one for each point.")
    return runs
