"""How fast synfwp is, against the programs that its users would write instead: ``python benchmarks/speed.py``.

Every peer's results are compared with synfwp's before it is timed. Each library runs in a process of its own, on the
same processors and with the same number of threads; the processes are asked by turns, and medians are compared. The
numbers go to benchmarks/results.json; ``--readme`` prints them as Markdown, ``--quick`` measures a few small cases.
"""

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple

from harness import processes, report
from harness.compare import TOLERANCE, compare, sgemm
from peers import MODES, PEERS, RULES, Case

RESULTS = Path(__file__).with_name("results.json")


class Size(NamedTuple):
    """How much is measured."""

    T: int
    n: int
    sizes: tuple[int, ...]
    sizes_alone: tuple[int, ...]  # with one thread
    rules: tuple[str, ...]  # beside the delta rule
    sgemm: int
    seconds: float  # of measuring, for each case
    metadata: dict[str, tuple[Any, ...]]
    starts: int


FULL = Size(
    T=512,
    n=16,
    sizes=(16, 32, 64, 128, 256),
    sizes_alone=(16, 64, 256),
    rules=RULES[1:],
    sgemm=2048,
    seconds=1.2,
    metadata={
        "linearity": (64, 1024, 8192, 16, 5),
        "small": (16, 8, 1000),
        "memory": (4096, 64, 16),
        "handwritten": ([16, 32, 64, 128, 256], 512, 4, 9),
    },
    starts=3,
)
QUICK = Size(
    T=64,
    n=4,
    sizes=(),
    sizes_alone=(16,),
    rules=(),
    sgemm=256,
    seconds=0.05,
    metadata={
        "linearity": (16, 64, 256, 4, 3),
        "small": (16, 8, 50),
        "memory": (256, 16, 4),
        "handwritten": ([16], 64, 4, 3),
    },
    starts=1,
)


def cases(size: Size, threads: int) -> list[Case]:
    """The delta rule at every size; the other rules with the most threads only."""
    if threads == 1:
        return [Case("delta", mode, d, size.T, size.n) for mode in MODES for d in size.sizes_alone]
    rules = ("delta", *size.rules)
    return [Case(rule, mode, d, size.T, size.n) for rule in rules for mode in MODES for d in size.sizes]


def main() -> None:
    """Measure and print, or print what was measured."""
    parser = argparse.ArgumentParser(description="How fast synfwp is, against PyTorch, JAX and NumPy.")
    parser.add_argument("--quick", action="store_true", help="a few small cases, written only where --out says")
    parser.add_argument("--readme", action="store_true", help="print results.json as Markdown and measure nothing")
    parser.add_argument("--out", type=Path, help="where the numbers go; benchmarks/results.json if left out")
    arguments = parser.parse_args()
    out = arguments.out or (None if arguments.quick else RESULTS)
    if arguments.readme:
        print(report.markdown(json.loads((arguments.out or RESULTS).read_text())))
        return
    results = measure(QUICK if arguments.quick else FULL)
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n")
        print(f"\nnumbers in {out}")


def measure(size: Size) -> dict[str, Any]:
    """All numbers; each table is printed as soon as it stands."""
    begun, load = time.perf_counter(), os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    results: dict[str, Any] = {
        "threads": [],
        "tolerance": TOLERANCE,
        "versions": {},
        "sgemm": {},
        "cases": [],
    }
    most = min(2, len(processes.processors(2)) or os.cpu_count() or 1)
    for threads in sorted({1, most} if size.sizes else {1}, reverse=True):
        with processes.Pool(list(dict.fromkeys(peer.module for peer in PEERS)), threads) as pool:
            results["threads"].append(threads)
            results["versions"] |= pool.versions()
            results["sgemm"][str(threads)] = rate = sgemm(pool, size.sgemm)
            for case in cases(size, threads):
                results["cases"].append(compare(pool, case, size.seconds))
                print(*report.case_lines(results["cases"][-1], rate), sep="\n", flush=True)
    results["metadata"] = metadata(size, most)
    print(*report.metadata_lines(results), sep="\n")
    results["run"] = {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "seconds": round(time.perf_counter() - begun),
        "load_before": load,
        "load_after": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
    print(f"\n{results['run']['seconds']} s; load {load} before, {results['run']['load_after']} after", flush=True)
    if load is not None and load > 0.3:
        print("The machine was busy: programs whose threads wait for each other lose most. Run this when it is idle.")
    return results


def metadata(size: Size, threads: int) -> dict[str, Any]:
    """What is measured of synfwp alone, each in a new process; what this system does not give holds the reason."""
    found: dict[str, Any] = {}
    for name, arguments in size.metadata.items():
        try:
            texts = [json.dumps(argument) for argument in arguments]
            found[name] = processes.once(
                "harness.metadata", name, *texts, threads=threads if name in ("linearity", "memory") else 1
            )
        except RuntimeError as error:
            found[name] = {"error": str(error)}
    starts = [processes.once("harness.start", repr(time.time())) for _ in range(size.starts)]
    found["start"] = {name: statistics.median(start[name] for start in starts) for name in starts[0]}
    return found


if __name__ == "__main__":
    main()
