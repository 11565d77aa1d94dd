"""Cells that the tests run: in a module of their own, so that other processes find them."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

UNITS = {"units": "1", "long_name": "recall"}
SLOPE = 2.0


class Size(NamedTuple):
    """What is run."""

    gain: float
    seeds: int = 2
    shown: int = 5  # of the figure alone
    log: str = ""  # a file that counts calls


def slope(x: float) -> float:
    """What a cell uses of its module."""
    return SLOPE * x


def cell(size: Size, rule: str, seed: int) -> dict[str, Any]:
    """One condition, one seed."""
    if size.log:
        with Path(size.log).open("a") as file:
            file.write(f"{rule} {seed}\n")
    if rule == "broken" and seed == 1:
        raise RuntimeError("no more memory")
    curve = [float(i) for i in range(seed + 1)]
    return {"recall": ((), slope(size.gain * seed), UNITS), "curve": ("step", curve, UNITS)}


def labelled(seed: int) -> xr.Dataset:
    """A cell with labels and text."""
    return xr.Dataset({"rate": ("dt", [1.0 * seed, 2.0])}, {"dt": ("dt", [0.1, 0.2], {"units": "ms"})}, {"note": "n"})


def narrow(seed: int) -> xr.Dataset:
    """A cell of numbers that are no float64."""
    return xr.Dataset({"x": ("point", np.array([0.1 * seed], np.float32)), "i": ((), np.int16(seed))})
