"""How fast plastic spiking networks run, against Brian2's C++ standalone: ``python benchmarks/spiking.py``.

Agreement first: prescribed inputs have to give the same spikes and weights, random ones the same rates and histograms
of weights. One thread on both sides, by turns, then Brian2 with OpenMP and both on two processors; Brian2's time is
that of its simulation loop as it reports it, without compiler, start and files, and synfwp's is that of the call. A
network of 10^5 neurons and 10^7 plastic synapses runs with one thread and two, to the same state. Numbers go to
benchmarks/spiking.json and the figure of costs to docs/figures/spiking_cost.png; ``--readme`` prints the table,
``--quick`` measures one small network.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any, NamedTuple

from harness import processes, spike_tables

RESULTS = Path(__file__).with_suffix(".json")
FIGURE = RESULTS.parents[1] / "docs" / "figures" / "spiking_cost.png"


class Size(NamedTuple):
    """How much is measured."""

    same: tuple[Any, ...]  # inputs, neurons, rate (Hz), ms
    song: tuple[Any, ...]  # the same, and rounds
    vogels: tuple[Any, ...] | None  # ms, rounds
    static: bool  # without plasticity too
    firsts: int
    cost: dict[str, list[float]]
    rounds: int
    replicates: tuple[int, float]  # runs, ms
    memory: list[float]  # s
    openmp: tuple[float, int] | None  # ms, rounds
    large: tuple[int, int, float]  # neurons, synapses from each, ms


FULL = Size(
    same=(1000, 200, 15.0, 2000.0),
    song=(1000, 200, 15.0, 5000.0, 7),
    vogels=(1000.0, 7),
    static=True,
    firsts=3,
    cost={
        "neurons": [10, 30, 100, 300, 1000, 3000, 10000],
        "synapses": [1000, 3000, 10000, 30000, 100000],
        "rate": [1, 3, 10, 30, 100],
        "seconds": [0.1, 0.3, 1, 3, 10, 30],
    },
    rounds=3,
    replicates=(16, 2000.0),
    memory=[100, 1000],
    openmp=(1000.0, 3),
    large=(100_000, 100, 1000.0),
)
QUICK = Size(
    same=(1000, 5, 15.0, 1000.0),
    song=(1000, 5, 15.0, 500.0, 3),
    vogels=None,
    static=False,
    firsts=0,
    cost={"neurons": [10, 100]},
    rounds=1,
    replicates=(4, 200.0),
    memory=[2, 10],
    openmp=None,
    large=(1000, 20, 100.0),
)


def main() -> None:
    """Measure and print, or print what was measured."""
    parser = argparse.ArgumentParser(description="Plastic spiking networks against Brian2.")
    parser.add_argument("--quick", action="store_true", help="one small network, written only where --out says")
    parser.add_argument("--readme", action="store_true", help="print spiking.json as Markdown and measure nothing")
    parser.add_argument("--out", type=Path, help="where the numbers go; benchmarks/spiking.json if left out")
    arguments = parser.parse_args()
    out = arguments.out or (None if arguments.quick else RESULTS)
    if arguments.readme:
        print(spike_tables.markdown(json.loads((arguments.out or RESULTS).read_text())))
        return
    results = measure(QUICK if arguments.quick else FULL)
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n")
        print(f"\nnumbers in {out}")
    if out == RESULTS:
        spike_tables.figure(results).savefig(FIGURE)


def measure(size: Size) -> dict[str, Any]:
    """All numbers; each is printed as soon as it stands."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    results: dict[str, Any] = {"same": ask("same", *size.same), "cases": [], "rounds": size.song[-1]}
    print(
        f"prescribed inputs: {results['same']['spikes']} spikes equal, weights within {results['same']['weights']:.0e}"
    )
    for plastic in (True, False) if size.static else (True,):
        for name, arguments in (("song", size.song), ("vogels", size.vogels)):
            if arguments is not None:
                results["cases"].append(ask(name, *arguments, plastic))
                print(spike_tables.case_line(results["cases"][-1]), flush=True)
    results["cases"].sort(key=lambda record: record["name"])
    results["cost"] = [row for along, values in size.cost.items() for row in ask("cost", along, values, size.rounds)]
    workers = [1, 2] if len(processes.processors(2)) == 2 else [1]
    results["large"] = {str(count): ask("large", *size.large, threads=count) for count in workers}
    if len({one["state"] for one in results["large"].values()}) > 1:
        raise RuntimeError("the large network depends on the number of threads")
    if size.openmp is not None and len(workers) > 1:
        (ms, rounds), (inputs, neurons, rate, *_) = size.openmp, size.song
        results["openmp"] = [
            ask("openmp", name, 2, rounds, ms, inputs, neurons, rate, threads=2) for name in ("song", "vogels")
        ]
    results["replicates"] = ask("replicates", size.replicates[0], workers, size.replicates[1], threads=len(workers))
    try:
        results["memory"] = ask("memory", size.memory)
    except RuntimeError as error:  # not every system tells
        results["memory"] = {"error": str(error)}
    if size.firsts:
        results["first"] = {side: first(side, size) for side in spike_tables.SIDES}
        print(*spike_tables.metadata_lines(results), sep="\n", flush=True)
    results["versions"] = versions()
    results["run"] = {
        "date": time.strftime("%Y-%m-%d"),
        "system": f"{platform.system()} {platform.machine()}",
        "load_before": load,
        "load_after": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }
    return results


def ask(name: str, *arguments: Any, threads: int = 1) -> Any:
    """One measurement, in a process of its own."""
    return processes.once("harness.spikes", name, *map(json.dumps, arguments), threads=threads)


def first(side: str, size: Size) -> list[float]:
    """Seconds to the first result of new processes."""
    inputs, neurons, _, ms, _ = size.song
    return [ask("first", side, time.time(), inputs, neurons, ms)["seconds"] for _ in range(size.firsts)]


def versions() -> dict[str, str]:
    """What is measured."""
    from importlib import metadata

    return {name: metadata.version(name) for name in ("synfwp", "numba", "numpy", "brian2")}


if __name__ == "__main__":
    main()
