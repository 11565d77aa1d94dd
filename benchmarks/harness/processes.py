"""Processes that are measured: each library runs in one of its own, on the same processors, with the same threads."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

FOLDER = Path(__file__).parents[1]
_FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # these variables would force an old kernel on NumPy's BLAS
_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def processors(threads: int) -> list[int]:
    """So many processors of this process, of different cores where the system tells which; [] if it pins none."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    seen: set[str] = set()
    first: list[int] = []
    second: list[int] = []
    for cpu in sorted(os.sched_getaffinity(0)):
        file = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        core = file.read_text().strip() if file.exists() else str(cpu)
        (second if core in seen else first).append(cpu)
        seen.add(core)
    return (first + second)[:threads]


def environment(threads: int) -> dict[str, str]:
    """Variables of a measured process: every library gets the same number of threads before it starts."""
    env = {name: value for name, value in os.environ.items() if name not in _FORCED}
    env |= dict.fromkeys(_COUNTS, str(threads))
    env["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    env["JAX_PLATFORMS"] = "cpu"
    env["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    env["PYTHONPATH"] = os.pathsep.join([str(FOLDER), *filter(None, [os.environ.get("PYTHONPATH")])])
    return env


def once(module: str, *arguments: str, threads: int = 1) -> dict[str, Any]:
    """Run one module of benchmarks/ in a process of its own; what it prints last is JSON."""
    command = [sys.executable, "-m", module, json.dumps(processors(threads)), *arguments]
    done = subprocess.run(command, env=environment(threads), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


class Process:
    """One library in a process that answers requests (see `worker`). ``missing`` says why it cannot, or is None."""

    def __init__(self, module: str, threads: int, log: Path) -> None:
        """Start it; libraries are imported there, not here."""
        self.missing: str | None = None
        self._log = log.open("a")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.worker", json.dumps(processors(threads)), module, str(threads)],
            env=environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        hello = self._answer()
        self.missing = hello.get("error")
        self.versions: dict[str, str] = hello.get("versions", {})

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send one request and wait for its answer; what goes wrong there comes back as ``{"error": ...}``."""
        if self.missing:
            return {"error": self.missing}
        if self._process.poll() is None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # a process that ended is reported by its missing answer
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        """The next line, or the news that none will come."""
        line = self._process.stdout.readline() if self._process.stdout is not None else ""
        if line:
            return json.loads(line)
        self.missing = f"its process ended with code {self._process.wait()}"
        return {"error": self.missing}

    def close(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()
        self._log.close()


class Pool:
    """One `Process` for each module of ``peers``, with the same number of threads; a context manager."""

    def __init__(self, modules: list[str], threads: int) -> None:
        """Start them one by one."""
        self.threads = threads
        self._folder = tempfile.TemporaryDirectory()
        self.path = Path(self._folder.name)
        self._processes = {name: Process(name, threads, self.path / f"{name}.log") for name in modules}

    def __enter__(self) -> "Pool":
        """Itself."""
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.close()
        self._folder.cleanup()

    def __getitem__(self, module: str) -> Process:
        """The process of one module."""
        return self._processes[module]

    def versions(self) -> dict[str, str]:
        """Versions of all libraries that were found."""
        return {name: value for process in self._processes.values() for name, value in process.versions.items()}


@contextlib.contextmanager
def arrays(path: Path) -> Iterator[dict[str, np.ndarray]]:
    """Arrays that a process saved; the file is removed afterwards."""
    with np.load(path) as stored:
        yield {name: stored[name] for name in stored.files}
    path.unlink()
