"""Sweeps that are killed at random moments, and started again until they end: no cell is lost, none is half read.

``python tests/kills_of_sweeps.py 200`` kills 200 times and prints what came of it.
"""

import contextlib
import itertools
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import swept
from kills.scenario import Scenario, done

from synfwp import results, sweeps
from synfwp.sweeps.encoding import decode, read_schema
from synfwp.sweeps.journal import Journal

GRID = {"beta": [round(0.01 * i, 2) for i in range(1, 31)], "rule": ["hebb", "delta"]}
SEEDS = 5
CELLS = 300


class Kills(NamedTuple):
    """What came of it: kills, those that left a part of the cells, sweeps that ended, calls beyond the needed ones."""

    kills: int
    partial: int
    ended: int
    again: int


def work(store: Path, log: Path) -> None:
    """One sweep, in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sweeps.sweep(swept.memory, GRID, seeds=SEEDS, fixed={"log": str(log)}, store=store, workers=2)


def kept(store: Path) -> dict[bytes, bytes]:
    """Every cell that is on the disk, read whole."""
    with Journal(store.with_name(f"{store.name}.cells")) as journal:
        texts = {at: text for text, at in journal.schemas.items()}
        keys = list(journal.known())
        cells = journal.read(keys)
        for cell in cells:
            found = decode(read_schema(texts[cell.schema]), cell.data)
            assert np.isfinite(found["read"]).all()
    return {key: cell.data for key, cell in zip(keys, cells, strict=True)}


def wait(process: Any, log: Path, calls: int, seconds: float) -> None:
    """Until so many cells have been called, and then some; or less, where the process ends before."""
    if calls < 0:  # while it starts
        process.join(10 * seconds)
        return
    size = (log.stat().st_size if log.exists() else 0) + calls * 28  # bytes of a line
    while process.is_alive() and (log.stat().st_size if log.exists() else 0) < size:
        time.sleep(0.002)
    process.join(seconds)


def killed_sweeps(times: int, seed: int = 0, folder: Path | None = None) -> Kills:
    """Kill so many times; sweeps that end before are begun anew in another store.

    Raises
    ------
    AssertionError
        If a cell is lost or differs from that of a sweep that nobody killed.
    """
    rng, context = np.random.default_rng(seed), multiprocessing.get_context("forkserver")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    context.set_forkserver_preload(["kills_of_sweeps"])  # so that a process begins its cells at once
    count = partial = ended = again = 0
    with _folder(folder) as where:
        log = where / "log"
        whole = sweeps.sweep(swept.memory, GRID, seeds=SEEDS, fixed={"log": str(log)}, store=where / "whole.zarr")
        exact = kept(where / "whole.zarr")
        while count < times:
            store, before = where / f"{ended}.zarr", dict[bytes, bytes]()
            log.unlink()
            while True:
                process = context.Process(target=work, args=(store, log))
                process.start()
                if count < times:
                    wait(process, log, int(rng.integers(-100, CELLS)), rng.uniform(0.0, 0.1))
                else:
                    process.join()
                if process.exitcode is None:
                    os.kill(process.pid or 0, signal.SIGKILL)
                    process.join()
                    count += 1
                else:
                    assert process.exitcode == 0
                    break
                if not store.with_name(f"{store.name}.cells").exists():
                    continue
                now = kept(store)
                assert before.items() <= now.items() <= exact.items()
                before, partial = now, partial + (0 < len(now) < CELLS)
            found = sweeps.sweep(swept.memory, GRID, seeds=SEEDS, fixed={"log": str(log)}, store=store)
            assert results.provenance_hash(found) == results.provenance_hash(whole)
            assert [path.name for path in where.glob(f".{store.name}-*")] == []
            ended, again = ended + 1, again + len(swept.noted(log)) - CELLS
    return Kills(count, partial, ended, again)


# --- as a scenario of `kills` -----------------------------------------------------------------------------------------

FEW = {"beta": [0.1, 0.5, 1.0], "rule": ["hebb", "delta"]}


def sweeping(folder: Path) -> None:
    """A sweep that ends, and goes on with one seed more, again and again."""
    for seeds in itertools.count(1):
        sweeps.sweep(swept.memory, FEW, seeds=seeds, store=folder / "a.zarr")
        done(folder)


def check_sweeping(folder: Path, counted: int) -> list[str]:
    """Every cell of the sweeps that ended is there, whole; the next one ends as one that nobody killed."""
    try:
        there = kept(folder / "a.zarr")
    except (AssertionError, OSError, ValueError) as error:
        return [f"half: {error}"]
    found = [f"lost: {len(there)} cells of {6 * counted}"] if len(there) < 6 * counted else []
    ds = sweeps.sweep(swept.memory, FEW, seeds=counted + 2, store=folder / "a.zarr")
    whole = sweeps.sweep(swept.memory, FEW, seeds=counted + 2, store=folder / "whole.zarr")
    same = results.provenance_hash(ds) == results.provenance_hash(whole)
    same = same and there.items() <= kept(folder / "whole.zarr").items()
    return found if same else [*found, "differs: a sweep that goes on"]


SCENARIOS = (Scenario("sweeps", sweeping, check_sweeping),)


@contextlib.contextmanager
def _folder(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
    else:
        with tempfile.TemporaryDirectory() as made:
            yield Path(made)


if __name__ == "__main__":
    start = time.perf_counter()
    print(killed_sweeps(int(sys.argv[1]) if sys.argv[1:] else 10), f"{time.perf_counter() - start:.0f} s")
