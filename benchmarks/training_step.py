"""How long a whole training step takes, against PyTorch: ``python benchmarks/training_step.py``.

One layer of the delta rule (embedding, projections to q, k, v and beta, relu and l2 keys, residual stream, read-out),
cross-entropy, gradients clipped, Adam; 32 sequences of 256 tokens, everything 64 wide, float32. Loss and gradients of
the first step are compared with PyTorch's before both are timed by turns, as in speed.py. Numbers go to
benchmarks/training_step.json; ``--readme`` prints them.
"""

import argparse
import json
import os
import statistics
import time
from pathlib import Path
from typing import Any

from harness import processes, report
from harness.compare import compare
from peers import OURS, PEERS, STEP, Case

RESULTS = Path(__file__).with_suffix(".json")
CASE = Case("delta", STEP, d=64, T=256, n=32)


def main() -> None:
    """Measure and keep, or print what was kept."""
    parser = argparse.ArgumentParser(description="A training step of synfwp against PyTorch.")
    parser.add_argument("--readme", action="store_true", help="print training_step.json and measure nothing")
    if parser.parse_args().readme:
        print(report.steps_markdown(json.loads(RESULTS.read_text())))
        return
    found: dict[str, Any] = {"versions": {}, "cases": []}
    most = min(2, len(processes.processors(2)) or os.cpu_count() or 1)
    for threads in sorted({1, most}):
        with processes.Pool(list(dict.fromkeys(peer.module for peer in PEERS if STEP in peer.modes)), threads) as pool:
            found["versions"] |= pool.versions()
            record = compare(pool, CASE, seconds=8)
            record["kernels_ms"] = kernels(pool)
            found["cases"].append(record)
            print(*report.case_lines(record, 0), sep="\n", flush=True)
            print(f"  kernels alone {record['kernels_ms']:22.2f} ms")
    found["date"] = time.strftime("%Y-%m-%d")
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(f"\nnumbers in {RESULTS}")


def kernels(pool: processes.Pool) -> float:
    """Median milliseconds of the rule alone, forward and back, on what the layer sends."""
    ours = pool[OURS.module]
    loaded = ours.ask(do="load", form="kernels", case=CASE.as_json(), path=str(pool.path / "kernels.npz"))
    answer = ours.ask(do="time", form="kernels", calls=20)
    if "error" in loaded | answer:
        raise RuntimeError((loaded | answer)["error"])
    return 1e3 * statistics.median(answer["seconds"])


if __name__ == "__main__":
    main()
