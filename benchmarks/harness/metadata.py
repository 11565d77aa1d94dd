"""Measurements of synfwp, each in its own process: ``python -m harness.metadata [0,1] memory 4096 64 16``."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from peers import FORWARD, GRADIENT, Case, ours

from . import family
from .compare import TOLERANCE
from .worker import pin


def by_turns(
    runs: dict[str, Callable[[], Any]], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Median seconds of each call, one after the other in every round, after one round that is not timed."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for i in range(rounds + 1):
        for name, run in runs.items():
            start = clock()
            run()
            if i:
                seconds[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def linearity(d: int, short: int, long: int, n: int, rounds: int) -> dict[str, Any]:
    """Time at the longer T over the time at the shorter one, over the ratio of the lengths: 1 is linear."""
    found: dict[str, Any] = {"d": d, "T": [short, long]}
    for mode in (FORWARD, GRADIENT):
        runs = {str(T): ours.build("synfwp", Case("delta", mode, d, T, n)).run for T in (short, long)}
        seconds = by_turns(runs, rounds)
        found[mode] = seconds[str(long)] / seconds[str(short)] / (long / short)
    return found


def small(T: int, d: int, many: int) -> dict[str, Any]:
    """Microseconds of one warm call on one short sequence, and of many short sequences at once and one by one."""
    import synfwp as fw

    x = Case("delta", FORWARD, d, T, 1).inputs()
    q, k, v, beta, dy = (x[name][0] for name in ("q", "k", "v", "beta", "dy"))
    pullback = fw.vjp("delta", q, k, v, beta)[1]
    runs: dict[str, Callable[[], Any]] = {
        "scan": lambda: fw.scan("delta", q, k, v, beta),
        "vjp": lambda: fw.vjp("delta", q, k, v, beta),
        "pullback": lambda: pullback(dy),
    }
    found = {name + "_us": 1e6 * value for name, value in by_turns(runs, 2000).items()}
    batch = Case("delta", FORWARD, d, T, many).inputs()
    q, k, v, beta = (batch[name] for name in ("q", "k", "v", "beta"))
    seconds = by_turns({"at once": lambda: fw.scan("delta", q, k, v, beta)}, 100)
    found["sequences"], found["at_once_us"] = many, 1e6 * seconds["at once"]
    found["one_by_one_us"] = many * found["scan_us"]
    return {"T": T, "d": d} | found


def memory(T: int, d: int, n: int) -> dict[str, Any]:
    """Peak memory of forward + adjoint beyond its inputs and outputs, in MB (of this process, and what NumPy asked)."""
    import tracemalloc

    import synfwp as fw

    def run(x: dict[str, np.ndarray]) -> list[Any]:
        out, pullback = fw.vjp("delta", x["q"], x["k"], x["v"], x["beta"])
        g = pullback(x["dy"])
        return [out.y, out.W, g.q, g.k, g.v, g.beta]

    run(Case("delta", GRADIENT, d, 16, n).inputs())
    x = Case("delta", GRADIENT, d, T, n).inputs()
    if not Path("/proc/self/clear_refs").exists():
        raise RuntimeError("peak memory is read from /proc/self, which this system does not have")
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here on
    outputs = sum(a.nbytes for a in run(x)) / 1e6
    resident = _resident("VmHWM") - before
    tracemalloc.start()
    run(x)
    traced = tracemalloc.get_traced_memory()[1] / 1e6
    return {"T": T, "d": d, "n": n, "outputs_mb": outputs, "extra_mb": resident - outputs, "numpy_mb": traced - outputs}


def _resident(field: str) -> float:
    """Memory of this process in MB: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024e-6


def handwritten(sizes: list[int], T: int, n: int, rounds: int) -> dict[str, Any]:
    """Processor time of the family's kernels over that of the hand-written ones, after a check that they agree."""
    found: dict[str, Any] = {}
    for d in sizes:
        found[str(d)] = {}
        for mode, (mine, theirs) in family.pairs(d, T, n).items():
            for a, b in zip(mine(), theirs(), strict=True):
                if not abs(a - b).max() <= TOLERANCE * abs(a).max():
                    raise RuntimeError(f"the hand-written delta kernel ({mode}, d = {d}) disagrees with the family's")
            seconds = by_turns({"mine": mine, "theirs": theirs}, rounds, time.process_time)
            found[str(d)][mode] = seconds["mine"] / seconds["theirs"]
    return found


FACTS: dict[str, Callable[..., dict[str, Any]]] = {
    "linearity": linearity,
    "small": small,
    "memory": memory,
    "handwritten": handwritten,
}


def main() -> None:
    """Run one measurement and print it as JSON."""
    processors = json.loads(sys.argv[1])
    pin(processors)
    ours.limit_threads(len(processors) or 1)
    print(json.dumps(FACTS[sys.argv[2]](*map(json.loads, sys.argv[3:]))))


if __name__ == "__main__":
    main()
