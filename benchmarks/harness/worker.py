"""One library in a process of its own: ``python -m harness.worker [0,1] torch_peer 2`` answers lines of JSON.

``{"do": "load", "form": ..., "case": {...}, "path": ...}`` builds a case, runs it once and saves its results;
``{"do": "time", "form": ..., "calls": n}`` gives the seconds of n calls after one that is not timed;
``{"do": "sgemm", "size": 2048}`` gives the seconds of one matrix product in NumPy.
"""

import importlib
import json
import os
import sys
import time
from typing import Any, TextIO

import numpy as np

SLOW = 2.0  # seconds: a call that takes longer is made as few times as possible


def pin(processors: list[int]) -> None:
    """Stay on these processors; nothing where the system cannot."""
    if processors and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, processors)


def timed(run: Any, calls: int) -> list[float]:
    """Seconds of each call, after one call that is not timed unless calls are slow."""
    start = time.perf_counter()
    run()
    first = time.perf_counter() - start
    if first > 0.5:
        return [first]
    seconds = []
    for _ in range(calls):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


def sgemm(size: int) -> list[float]:
    """Seconds of a float32 matrix product of this size."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal((size, size), np.float32) for _ in range(2))
    out = np.empty_like(a)
    return timed(lambda: np.matmul(a, b, out=out), 3)


class Server:
    """The cases that were loaded, and the answers to requests."""

    def __init__(self, module: Any) -> None:
        """Nothing is loaded yet."""
        self.module = module
        self.loaded: dict[str, Any] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """One request; an error of the library is an answer too, because a peer may fail on a case."""
        try:
            if request["do"] == "sgemm":
                return {"seconds": sgemm(request["size"])}
            if request["do"] == "time":
                return {"seconds": timed(self.loaded[request["form"]].run, request["calls"])}
            return self.load(request)
        except Exception as error:
            return {"error": " ".join(f"{type(error).__name__}: {error}".split())[:200]}

    def load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Build a case, run it once (compilers run here) and once more for its time; save its results."""
        from peers import Case

        form = request["form"]
        self.loaded.pop(form, None)
        built = self.module.build(form, Case(**request["case"]))
        start = time.perf_counter()
        result = built.run()
        first = time.perf_counter() - start
        np.savez(request["path"], **built.arrays(result))
        del result
        self.loaded[form] = built
        if first > SLOW and form not in self.module.COMPILED:
            return {"first": first, "seconds": first}
        return {"first": first, "seconds": timed(built.run, 1)[0]}


def main(requests: TextIO, answers: TextIO) -> None:
    """Answer until the other side ends."""
    processors, name, threads = json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    pin(processors)
    try:
        module = importlib.import_module(f"peers.{name}")
    except ModuleNotFoundError as error:
        print(json.dumps({"error": f"{error.name} is not installed"}), file=answers, flush=True)
        return
    module.limit_threads(threads)
    print(json.dumps({"versions": module.versions()}), file=answers, flush=True)
    server = Server(module)
    for line in requests:
        print(json.dumps(server.answer(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints goes to the log, not among the answers
    main(sys.stdin, answers)
