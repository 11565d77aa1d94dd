"""Workers, scheduler and client that are killed in the middle of a sweep: the same bits as of one undisturbed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("zarr")
pytest.importorskip("distributed")

import kills_of_sweeps
import swept

import synfwp as fw
from synfwp import results, workers
from synfwp.sweeps import journal

HERE = Path(__file__).parent
N = 120  # cells
PATH = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])


class Cluster:
    """Two workers and a scheduler, in processes of their own."""

    def __init__(self) -> None:
        command = [sys.executable, str(HERE / "cluster_of_dask.py")]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command,
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": PATH},
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address.startswith("tcp://")

    def end(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    one = Cluster()
    yield one
    one.end()


def arguments(folder: Path, pause: float = 0.02) -> dict:
    """A sweep of 120 cells that takes a moment."""
    return {"seeds": 20, "fixed": {"log": str(folder / "log"), "pause": pause}, "store": folder / "s.zarr"}


def serial(folder: Path) -> str:
    """All numbers of the same sweep on one thread, in memory; its provenance too."""
    return results.provenance_hash(fw.sweep(swept.memory, swept.GRID, **arguments(folder) | {"store": None}, workers=1))


def when(calls: int, log: Path, then: Callable[[], None]) -> threading.Thread:
    """Do something when so many cells have been called."""

    def watch() -> None:
        end = time.monotonic() + 60
        while len(swept.noted(log)) < calls and time.monotonic() < end:
            time.sleep(0.005)
        then()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def settled(log: Path) -> None:
    """Until no cell has been called for a second."""
    seen = -1
    while seen != len(swept.noted(log)):
        seen = len(swept.noted(log))
        time.sleep(1.0)


def test_workers_of_a_cluster_that_are_killed_change_no_bit(cluster: Cluster, tmp_path: Path) -> None:
    from distributed import Client

    with Client(cluster.address) as client:
        pids = list(client.run(os.getpid).values())
        killer = when(N // 3, tmp_path / "log", lambda: [os.kill(pid, signal.SIGKILL) for pid in pids[:1]])
        ds = fw.sweep(swept.memory, swept.GRID, **arguments(tmp_path), on=client)
        killer.join()
        assert pids[0] not in client.run(os.getpid).values()
    assert results.provenance_hash(ds) == serial(tmp_path)
    assert (ds.failure == "").all()


def test_a_client_that_is_killed_resumes_and_runs_only_what_is_missing(cluster: Cluster, tmp_path: Path) -> None:
    log, store = tmp_path / "log", tmp_path / "s.zarr"
    command = [sys.executable, str(HERE / "client_of_dask.py"), str(store), str(log), cluster.address]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": PATH})
    when(N // 2, log, process.kill).join()
    assert process.wait() == -signal.SIGKILL
    settled(log)  # what the workers were at
    with journal.Journal(tmp_path / "s.zarr.cells") as kept:
        on_disk = len(kept.known())
    assert 0 < on_disk < N
    before = len(swept.noted(log))
    ds = fw.sweep(swept.memory, swept.GRID, **arguments(tmp_path), on=cluster.address)
    assert len(swept.noted(log)) - before == N - on_disk
    assert results.provenance_hash(ds) == serial(tmp_path)


def test_a_scheduler_that_is_killed_is_named_and_another_one_goes_on(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(workers, "PATIENCE", "2s")
    one = Cluster()
    killer = when(N // 3, tmp_path / "log", one.process.kill)
    with pytest.raises(ConnectionError, match=r"the scheduler of on= is gone.*run the same again"):
        fw.sweep(swept.memory, swept.GRID, **arguments(tmp_path), on=one.address)
    killer.join()
    one.end()
    with journal.Journal(tmp_path / "s.zarr.cells") as kept:
        on_disk = len(kept.known())
    assert 0 < on_disk < N
    before = len(swept.noted(tmp_path / "log"))
    ds = fw.sweep(swept.memory, swept.GRID, **arguments(tmp_path), workers=2)
    assert len(swept.noted(tmp_path / "log")) - before == N - on_disk
    assert results.provenance_hash(ds) == serial(tmp_path)


def test_processes_that_die_are_replaced_and_a_cell_that_kills_each_time_has_failed(tmp_path: Path) -> None:
    ds = fw.sweep(
        swept.once_deadly, {"x": range(6)}, fixed={"folder": str(tmp_path)}, store=None, on="processes", workers=2
    )
    assert ds.y.values[:, 0].tolist() == [x + int(s) % 7 for x, s in enumerate(ds.seed_of_cell.values[:, 0])]
    with pytest.warns(RuntimeWarning, match="1 of 5 cells failed.*its worker died, 3 times"):
        ds = fw.sweep(swept.deadly, {"x": range(5)}, store=None, on="processes", workers=2)
    assert np.array_equal(ds.result.values[:, 0], [0, 1, 2, np.nan, 4], equal_nan=True)


@pytest.mark.slow
def test_a_cell_that_kills_the_workers_of_a_cluster_has_failed(cluster: Cluster) -> None:
    with pytest.warns(RuntimeWarning, match="1 of 5 cells failed.*its worker died"):
        ds = fw.sweep(swept.deadly, {"x": range(5)}, store=None, on=cluster.address)
    assert np.array_equal(ds.result.values[:, 0], [0, 1, 2, np.nan, 4], equal_nan=True)


def test_sweeps_that_are_killed_at_random_moments_lose_no_cell(tmp_path: Path) -> None:
    found = kills_of_sweeps.killed_sweeps(2, seed=1, folder=tmp_path)
    assert found.kills == 2
    assert found.partial >= 1
