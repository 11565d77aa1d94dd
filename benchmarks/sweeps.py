"""What a cell of a sweep costs beside its function: ``python benchmarks/sweeps.py`` (under two minutes).

10,000 cells of ten numbers each, from a function that takes no time: seconds per cell to run and keep (a thread, two
threads, two processes, a cluster of two workers), to find again, to write as Zarr, and bytes per cell on the disk. Then
the transactions alone: one cell, and a batch of cells, on the disk. Numbers go to benchmarks/sweeps.json; ``--quick``
takes 200 cells and writes nothing. All ways give the same bits, which is checked first.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from synfwp import results, sweeps
from synfwp.sweeps.encoding import Made, encode
from synfwp.sweeps.journal import Journal

RESULTS = Path(__file__).with_suffix(".json")
SEEDS = 10
WAYS: dict[str, dict[str, Any]] = {
    "one thread": {"workers": 1},
    "two threads": {"workers": 2},
    "two processes": {"on": "processes", "workers": 2},
}


def cell(x: float, seed: int) -> np.ndarray:
    """Ten numbers."""
    return np.random.default_rng(seed).random(10) + x


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description="Cost of the cells of a sweep.")
    parser.add_argument("--quick", action="store_true", help="200 cells; nothing is written")
    n = 200 if parser.parse_args().quick else 10_000
    grid = {"x": np.linspace(0.0, 1.0, n // SEEDS)}
    found: dict[str, Any] = {"cells": n, "date": time.strftime("%Y-%m-%d"), "machine": machine()}
    with tempfile.TemporaryDirectory() as folder, cluster() as client:
        hashes = set()
        ways = WAYS | ({"cluster of two workers": {"on": client}} if client else {})
        for name, how in ways.items():
            store = Path(folder, f"{name}.zarr")
            seconds, ds = timed(lambda how=how, store=store: sweeps.sweep(cell, grid, seeds=SEEDS, store=store, **how))
            hashes.add(results.provenance_hash(ds))
            found[f"run and kept, {name}"] = per_cell(seconds, n)
        assert len(hashes) == 1, "ways differ"
        seconds, _ = timed(lambda: sweeps.sweep(cell, grid, seeds=SEEDS, store=store))
        found["found again and written as Zarr"] = per_cell(seconds, n)
        found["bytes per cell: cells"] = store.with_name(f"{store.name}.cells").stat().st_size / n
        found["bytes per cell: Zarr"] = sum(x.stat().st_size for x in store.rglob("*") if x.is_file()) / n
        found["files of Zarr"] = sum(x.is_file() for x in store.rglob("*"))
        for size in (1, 100):
            found[f"a transaction of {size} cells, ms"] = 1e3 * transaction(Path(folder, f"{size}.cells"), size)
    for name, value in found.items():
        print(f"{name:40} {value:.4g}" if isinstance(value, float) else f"{name:40} {value}")
    if n == 10_000:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")


def per_cell(seconds: tuple[float, float], n: int) -> dict[str, float]:
    """Microseconds of a cell, by the clock and of this process."""
    return {"us": float(f"{1e6 * seconds[0] / n:.3g}"), "us of this process": float(f"{1e6 * seconds[1] / n:.3g}")}


def timed(call: Any) -> tuple[tuple[float, float], Any]:
    """Seconds of the clock and of this process."""
    wall, spent = time.perf_counter(), time.process_time()
    found = call()
    return (time.perf_counter() - wall, time.process_time() - spent), found


def transaction(path: Path, size: int, repeats: int = 50) -> float:
    """Median seconds until a batch of cells is on the disk."""
    schema, data = encode(cell(0.5, 0), ["x", "seed"])
    took = []
    with Journal(path) as journal:
        journal.begin("{}")
        for _ in range(repeats):
            rows = [(os.urandom(16), "{}", 0, Made(schema, data, "", 0.0)) for _ in range(size)]
            start = time.perf_counter()
            journal.keep(rows)
            took.append(time.perf_counter() - start)
    return float(np.median(took))


def cluster() -> Any:
    """A client of two workers in processes of their own."""
    from distributed import Client, LocalCluster

    return Client(LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0"))


def machine() -> str:
    """The processor and how many there are."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


if __name__ == "__main__":
    main()
