"""Recurrent against chunkwise form: the times that say which one ``form="auto"`` takes.

One thread on both sides, float32 and float64, medians of one run; results go to benchmarks/forms.json.
"""

import json
import statistics
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

import synfwp as fw

RULES = ("hebb", "delta", "gated_delta", "key_gated_delta")
SIZES = ((1, 512, 64), (1, 512, 128), (1, 512, 256), (1, 512, 512), (1, 64, 512), (1, 512, 1024))  # sequences, T, d
REPEATS = 7


def main() -> None:
    """Check that the forms agree, time them in turn, print and keep the table."""
    rows = []
    print("rule              T     d  dtype     recurrent ms  chunkwise ms  auto")
    for rule in RULES:
        for n, T, d in SIZES:
            if rule == "key_gated_delta" and d > 256:
                continue  # its chunks need C^2 d numbers, and it has lost long before
            for dtype in (np.float32, np.float64):
                row = time_forms(rule, n, T, d, dtype)
                rows.append(row)
                found = f"{row['recurrent']:12.2f}  {row['chunkwise']:12.2f}  {row['auto']}"
                print(f"{rule:16}{T:5}{d:6}  {row['dtype']}  {found}")
    Path(__file__).with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n")


def time_forms(rule: str, n: int, T: int, d: int, dtype: type) -> dict[str, object]:
    """Median milliseconds of both forms at one size, run in turn."""
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((n, T, d)).astype(dtype) for _ in range(3))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    shape = {None: None, "scalar": (n, T), "key": (n, T, d)}[fw.get_rule(rule).retain]
    gate = {} if shape is None else {"decay": (0.9 + 0.1 * rng.random(shape)).astype(dtype)}
    forms = {
        "recurrent": lambda: fw.scan(rule, q, k, v, threads=1, **gate),
        "chunkwise": lambda: fw.scan(rule, q, k, v, form="chunkwise", **gate),
    }
    with threadpool_limits(1):
        exact, other = (run().y for run in forms.values())
        # sums of T products in another order: rounding grows with sqrt(T), with room for the solve
        assert np.abs(exact - other).max() <= 200 * np.finfo(dtype).eps * np.sqrt(T) * np.abs(exact).max()
        times: dict[str, list[float]] = {name: [] for name in forms}
        for _ in range(REPEATS):
            for name, run in forms.items():
                start = time.perf_counter()
                run()
                times[name].append(1000 * (time.perf_counter() - start))
    row: dict[str, object] = {"rule": rule, "sequences": n, "T": T, "d": d, "dtype": np.dtype(dtype).name}
    row |= {name: round(statistics.median(values), 4) for name, values in times.items()}
    return row | {"auto": fw.fastest_form(rule, T, d, d, dtype)}


if __name__ == "__main__":
    main()
