"""How long memory and dynamics take, beside the same in plain NumPy and PyTorch: ``python benchmarks/analysis.py``.

Three parts, each in a process of its own with the same threads on all sides, which agree before they are timed: a
capacity curve (5 rules, 8 loads, 20 seeds, keys of 64 features; two threads), 10^6 complex synapses under 10^4 writes
(one thread; NumPy and PyTorch for 10 writes, and their time in proportion), and the spectra of 1000 tokens of 64
features (one thread). Numbers go to benchmarks/analysis.json; ``--quick`` measures small ones and writes nothing.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

from harness import processes
from harness.memories import LOADS

RESULTS = Path(__file__).with_suffix(".json")
TARGETS = {"capacity": 10.0, "synapses": 60.0, "spectra": 5.0}  # seconds
FULL: dict[str, tuple[int, dict[str, Any]]] = {  # threads, and sizes
    "capacity": (2, {"loads": LOADS, "seeds": 20, "rounds": 3}),
    "synapses": (1, {"side": 1000, "writes": 10_000, "by_hand": 10}),
    "spectra": (1, {"tokens": 1000, "rounds": 3}),
}
QUICK: dict[str, tuple[int, dict[str, Any]]] = {
    "capacity": (2, {"loads": LOADS[:3], "seeds": 5, "rounds": 1}),
    "synapses": (1, {"side": 50, "writes": 50, "by_hand": 10}),
    "spectra": (1, {"tokens": 60, "rounds": 1}),
}


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description="Memory and dynamics of synfwp against NumPy and PyTorch.")
    parser.add_argument("--quick", action="store_true", help="small sizes; nothing is written")
    parser.add_argument("--only", choices=list(FULL), action="append", help="this part; again for more")
    arguments = parser.parse_args()
    sizes = QUICK if arguments.quick else FULL
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for part in arguments.only or list(sizes):
        threads, size = sizes[part]
        found = processes.once("harness.memories", part, json.dumps(size), threads=threads)
        print(*lines(part, threads, found["seconds"]), sep="\n", flush=True)
        kept[part] = found | {"threads": threads, "date": time.strftime("%Y-%m-%d")}
    if not arguments.quick:
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
        print(f"\nnumbers in {RESULTS}")


def lines(part: str, threads: int, seconds: dict[str, list[float]]) -> list[str]:
    """A part as text: seconds, those of all processors, and how many times as long as synfwp the others take."""
    found = [f"\n{part} ({threads} thread{'s' * (threads > 1)}; wanted: under {TARGETS[part]:g} s)"]
    for name, (wall, spent) in seconds.items():
        library, _, what = name.partition(", ")
        line = f"  {name:34} {wall:9.3f} s  {spent:9.3f} s of processors"
        if library != "synfwp":
            ours = next(both for other, both in seconds.items() if other in ("synfwp", f"synfwp, {what}"))
            line += f"  {spent / ours[1]:8.2f} times synfwp"
        found.append(line)
    return found


if __name__ == "__main__":
    main()
