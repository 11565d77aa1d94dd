"""Functions that are swept, in a module of their own, so that other processes find them."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import synfwp as fw

GRID = {"beta": [0.1, 0.5, 1], "rule": ["hebb", "delta"]}
FACTOR = 1.0


def note(log: str, text: str) -> None:
    """One line in a file, whole even if several processes write."""
    if log:
        with Path(log).open("ab", buffering=0) as file:
            file.write(f"{text}\n".encode())


def noted(log: Path) -> list[str]:
    """The lines of that file."""
    return log.read_text().split() if log.exists() else []


def memory(beta: float, rule: str, seed: int, log: str = "", pause: float = 0.0) -> xr.Dataset:
    """Reads of a small memory, with labels, whole numbers and text."""
    note(log, f"{beta},{rule},{seed}")
    if pause:
        time.sleep(pause)
    k, v = np.random.default_rng(seed).random((2, 6, 4)) / 2
    out = fw.scan(rule, k, k, v, np.full(6, beta))
    data = {
        "read": (("time", "value"), out.y, {"units": "1", "long_name": "read"}),
        "largest": ((), int(np.abs(out.W).argmax()), {"units": "1", "long_name": "place of the largest weight"}),
        "sign": ((), "up" if out.W.sum() > 0 else "down", {}),
    }
    return xr.Dataset(data, {"time": np.arange(6) / 10.0, "norm": float(np.linalg.norm(out.W))})


def failing(x: int, seed: int, broken: bool = True) -> float:
    """Fails for 2."""
    if x == 2 and broken:
        raise RuntimeError("no more memory")
    return x * FACTOR + seed % 7


def mended(x: int, seed: int, flag: str) -> float:
    """Fails for 2 while a file exists."""
    if x == 2 and Path(flag).exists():
        raise RuntimeError("not yet")
    return 1.0 * x


def deadly(x: int, seed: int, log: str = "") -> float:
    """Ends its process for 3."""
    note(log, str(x))
    if x == 3:
        os.kill(os.getpid(), 9)
    return 1.0 * x


def once_deadly(x: int, seed: int, folder: str) -> Any:
    """Ends its process the first time that 3 is called."""
    mark = Path(folder, "mark")
    if x == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    time.sleep(0.02)
    return {"y": x + seed % 7, "who": os.getpid() * 0}
