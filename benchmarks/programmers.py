"""How long a training step takes without reads that nobody scores, and of recurrent programmers by their kernel.

``python benchmarks/programmers.py``: loss and gradient of one batch, one thread, float32, by turns with the same step
with all reads, or token by token; both are compared first. Medians of processor time go to benchmarks/programmers.json.

The tasks are those of models/schlag2021.py (32 sequences of S or 2S writes and one query, d_key 64), and recall with
overwriting (32 sequences of 32 writes and 16 queries) for recurrent programmers.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import synfwp as fw
from synfwp import fastweights
from synfwp.programmer import recurrence, training
from synfwp.programmer.losses import LOSSES
from synfwp.programmer.slow import FunctionProgrammer, exactly
from synfwp.tasks import Recall

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "models"))
import schlag2021  # noqa: E402

RESULTS = Path(__file__).with_suffix(".json")
TOLERANCE = 1e-4  # of the largest number of the gradient in float32
SECONDS = 2.5


def main() -> None:
    """Measure and keep."""
    found: dict[str, Any] = {"date": time.strftime("%Y-%m-%d"), "numpy": np.__version__, "scored": [], "recurrent": []}
    with threadpool_limits(1), fastweights.thread_limit(1):
        for keys in (20, 100):
            for name in schlag2021.MEMORIES:
                found["scored"].append({"memory": name, "keys": keys} | scored(name, keys))
                print(found["scored"][-1], flush=True)
        for recurrent in ("instructions", "reads"):
            for d in (16, 64):
                found["recurrent"].append({"recurrent": recurrent, "d": d} | recur(recurrent, d))
                print(found["recurrent"][-1], flush=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(f"\nnumbers in {RESULTS}")


def scored(name: str, keys: int) -> dict[str, float]:
    """One memory of Schlag's task, with the reads that are scored and with all."""
    memory = schlag2021.MEMORIES[name]
    slow = schlag2021.SlowNet(memory, keys, 64)
    net, task = FunctionProgrammer(slow.send, slow.start, memory.rule), memory.task(keys)
    params, loss = net.init(0, np.float32), LOSSES["squared"]
    step = training.gradient_of(training.scores_of(net), loss)
    before = training.gradient_of(training.scores_of(net, exactly), loss)
    return compared(
        lambda: step(params, task(np.random.default_rng(0), 32)),
        lambda: before(params, task(np.random.default_rng(0), 32)),
    )


def recur(recurrent: str, d: int) -> dict[str, float]:
    """One recurrent layer of the delta rule, by its kernel and token by token."""
    task = Recall(keys=16, values=16, writes=32, replacement=True, queries=16)
    net = fw.Programmer(
        rule="delta",
        d_in=task.d_in,
        d_key=d,
        d_value=d,
        d_out=16,
        write_channel=-1,
        feature="relu",
        recurrent=recurrent,
    )
    params, batch, how_of = net.init(0, np.float32), task(np.random.default_rng(0), 32), recurrence.how_of
    step = training.gradient_of(training.scores_of(net), LOSSES["cross_entropy"])

    def before() -> Any:
        recurrence.how_of = lambda net: None
        try:
            return step(params, batch)
        finally:
            recurrence.how_of = how_of

    return compared(lambda: step(params, batch), before)


def compared(step: Callable[[], Any], before: Callable[[], Any]) -> dict[str, float]:
    """Both agree; then medians of both by turns, in milliseconds of processor time."""
    one, two = step(), before()
    largest = max(np.abs(want).max() for want in two[2].values())  # that of a bias alone may be nothing but rounding
    for name, want in two[2].items():
        if not np.abs(one[2][name] - want).max() <= TOLERANCE * largest:
            raise RuntimeError(f"gradients of {name} differ")
    times: dict[str, list[float]] = {"ms": [], "before_ms": []}
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times["ms"]) < 5:
        for name, call in (("ms", step), ("before_ms", before)):
            start = time.process_time()
            call()
            times[name].append(1e3 * (time.process_time() - start))
    medians = {name: statistics.median(x) for name, x in times.items()}
    return medians | {"n": len(times["ms"]), "ratio": medians["before_ms"] / medians["ms"]}


if __name__ == "__main__":
    main()
