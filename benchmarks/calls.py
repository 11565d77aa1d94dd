"""What a public call adds to the compiled loop alone: ``python benchmarks/calls.py``.

Gated delta and delta, 16 sequences of 512 steps, float32. The loop is the kernel of the recurrence on arrays that are
there already; a call checks its arguments, finds room for its results, runs that loop, and tests what comes out. Both
give the same bits, and are timed by turns, with new results and with ``out=``; page faults are those of the process,
under the allocator as it comes. The kernel sums the squares that checks need on its way; the hand-written delta kernel,
which sums nothing, shows what that costs. A small call is timed against ``numpy.einsum``, linear attention of the same
size. Numbers go to benchmarks/calls.json.
"""

import json
import os
import platform
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from handwritten import delta

import synfwp as fw
from synfwp.fastweights import arguments, chain
from synfwp.kernels import linear
from synfwp.threads import spread

RESULTS = Path(__file__).with_suffix(".json")
N, T, ROUNDS, SMALL_ROUNDS = 16, 512, 60, 3000


def main() -> None:
    """Measure, print and keep the table."""
    rows = []
    print("rule           d  threads   loop ms     call ms          with out=     faults of a call")
    for rule in ("delta", "gated_delta"):
        for d in (64, 128):
            for threads in sorted({1, min(2, len(os.sched_getaffinity(0)))}):
                row = measure(rule, d, threads)
                rows.append(row)
                ratios = [f"{row[name]['ms']:9.2f} ({row[name]['ratio']:.3f})" for name in ("call", "out")]
                by_hand = f"  loop by hand {row['by_hand']['ms']:.2f}" if "by_hand" in row else ""
                first = f"{rule:12}{d:5}{threads:9}{row['loop']['ms']:10.2f}"
                print(first, *ratios, f"{row['call']['faults']:9.1f}{by_hand}", flush=True)
    short = small()
    print(f"T = 16, d = 8: a call {short['call']:.1f} us, numpy.einsum {short['einsum']:.1f} us")
    run = {"date": time.strftime("%Y-%m-%d"), "machine": _machine(), "load": os.getloadavg()[0]}
    RESULTS.write_text(json.dumps({"run": run, "n": N, "T": T, "calls": rows, "small_us": short}, indent=1) + "\n")


def inputs(n: int, T: int, d: int) -> tuple[np.ndarray, ...]:
    """q, k of length one, v, beta and decay."""
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((n, T, d), np.float32) for _ in range(3))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    return q, k, v, rng.random((n, T), np.float32), (0.9 + 0.1 * rng.random((n, T))).astype(np.float32)


def measure(rule: str, d: int, threads: int) -> dict[str, Any]:
    """Milliseconds (medians), their ratio to those of the loop and page faults of the loop and of both calls.

    Raises
    ------
    RuntimeError
        If they do not give the same bits.
    """
    q, k, v, beta, decay = inputs(N, T, d)
    gate = {"decay": decay} if fw.get_rule(rule).uses_decay else {}
    call = arguments.check(rule, q, k, v, beta, **gate)
    _, _, _, c, W0, _ = chain.to_canonical(call).problem
    y, W = np.empty_like(v), W0.copy()
    rows, sums = np.empty((N, T), np.float32), np.empty((N, 2), np.float32)
    kept = fw.scan(rule, q, k, v, beta, **gate)

    def loop() -> None:
        W[...] = 0
        spread(
            lambda lo, hi: linear.forward(q, k, v, *c, W, y, None, None, rows, sums, 0, lo, hi), N, 1e9, threads
        )  # fmt: skip

    runs: dict[str, Callable[[], Any]] = {
        "loop": loop,
        "call": lambda: fw.scan(rule, q, k, v, beta, threads=threads, **gate),
        "out": lambda: fw.scan(rule, q, k, v, beta, threads=threads, out=kept, **gate),
    }
    if rule == "delta":

        def by_hand() -> None:
            W[...] = 0
            spread(lambda lo, hi: delta.forward(q, k, v, beta, W, y, lo, hi), N, 1e9, threads)

        runs["by_hand"] = by_hand
    loop()
    for name in ("call", "out"):
        found = runs[name]()
        if not (np.array_equal(found.y, y) and np.array_equal(found.W, W)):
            raise RuntimeError(f"{name} and the loop alone differ ({rule}, d = {d}, {threads} threads)")
    del found
    seconds, faults = by_turns(runs, ROUNDS)
    alone = statistics.median(seconds["loop"])
    table: dict[str, Any] = {"rule": rule, "d": d, "threads": threads}
    for name, times in seconds.items():
        middle = statistics.median(times)
        quarters = [round(1e3 * x, 3) for x in statistics.quantiles(times)[::2]]
        table[name] = {"ms": 1e3 * middle, "quartiles": quarters, "least": 1e3 * min(times), "ratio": middle / alone}
        table[name]["faults"] = faults[name] / ROUNDS
    return table


def by_turns(runs: dict[str, Callable[[], Any]], rounds: int) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Seconds of every run in every round, and its page faults in all of them, after three rounds that do not count."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    faults = dict.fromkeys(runs, 0)
    for i in range(rounds + 3):
        for name, run in runs.items():
            before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_minflt, time.perf_counter()
            run()
            took = time.perf_counter() - begun
            if i >= 3:
                seconds[name].append(took)
                faults[name] += resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return seconds, faults


def small() -> dict[str, float]:
    """Microseconds (medians) of a warm call on one short sequence, and of ``numpy.einsum`` of the same size."""
    q, k, v, beta, _ = (x[0] for x in inputs(1, 16, 8))
    runs: dict[str, Callable[[], Any]] = {
        "call": lambda: fw.scan("delta", q, k, v, beta),
        "einsum": lambda: np.einsum("ti,si,sj->tj", q, k, v),
    }
    seconds, _ = by_turns(runs, SMALL_ROUNDS)
    return {name: round(1e6 * statistics.median(times), 2) for name, times in seconds.items()}


def _machine() -> str:
    """The processor's name, where the system has it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} processors"


if __name__ == "__main__":
    main()
