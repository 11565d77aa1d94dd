"""The job itself: start a process, kill it at a random moment, look, and count."""

import argparse
import multiprocessing
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import kills_of_sweeps
import numpy as np

from kills import scenarios
from kills.scenario import Scenario, count, half_written
from synfwp import results

SEED = 20261128
EVERY: tuple[Scenario, ...] = (*scenarios.SCENARIOS, *kills_of_sweeps.SCENARIOS)
PATIENCE = 120.0  # s for a process to have kept something


class Kill(NamedTuple):
    """What one kill has shown."""

    kept: int  # what had been kept before it
    within: bool  # whether it came in the midst of a write
    reads: int  # looks while the process was writing
    problems: list[str]


def begin(scenario: Scenario, folder: Path) -> None:
    """What the process does that will be killed."""
    os.setsid()
    scenario.work(folder)


def kill(scenario: Scenario, rng: np.random.Generator, folder: Path) -> Kill:
    """Start a process, kill it and all of its own at a random moment, and look."""
    processes = multiprocessing.get_context("forkserver")
    one, problems, reads = processes.Process(target=begin, args=(scenario, folder)), list[str](), 0
    one.start()
    until = time.monotonic() + PATIENCE
    while not count(folder):
        if not one.is_alive() or time.monotonic() > until:
            one.kill()
            raise RuntimeError(f"{scenario.name}: the process kept nothing (exit code {one.exitcode}).")
        time.sleep(0.001)
    moment = time.monotonic() + rng.uniform(0, scenario.span)
    while scenario.live and time.monotonic() < moment:
        problems += [f"while it wrote, {one}" for one in scenario.check(folder, count(folder))]
        reads += 1
    time.sleep(max(0.0, moment - time.monotonic()))
    os.killpg(one.pid or 0, signal.SIGKILL)
    one.join()
    kept, within = count(folder), bool(half_written(folder))
    return Kill(kept, within, reads, problems + scenario.check(folder, kept))


def run(total: int, seed: int = SEED, chosen: Sequence[Scenario] = EVERY) -> dict[str, list[Kill]]:
    """So many kills, shared by the scenarios."""
    multiprocessing.set_forkserver_preload(["kills.job"])
    rng, found = np.random.default_rng(seed), dict[str, list[Kill]]()
    above = Path(tempfile.mkdtemp(prefix="kills-"))
    try:
        for number in range(total):
            scenario, folder = chosen[number % len(chosen)], above / str(number)
            folder.mkdir()
            found.setdefault(scenario.name, []).append(kill(scenario, rng, folder))
            shutil.rmtree(folder)
            if number % 20 == 19:
                bad = sum(len(one.problems) for kills in found.values() for one in kills)
                print(f"{number + 1} kills, {bad} problems", file=sys.stderr, flush=True)
    finally:
        shutil.rmtree(above, ignore_errors=True)
    return found


def report(found: dict[str, list[Kill]], seed: int, seconds: float) -> str:
    """All that was found, as text."""
    problems = [f"{name}: {text}" for name, kills in found.items() for one in kills for text in one.problems]
    begun = {word: sum(f" {word}" in text or f"{word}:" in text for text in problems) for word in ("lost", "half")}
    total = sum(map(len, found.values()))
    rows = [("what was written", "kills", "in a write", "kept before", "reads meanwhile", "problems")]
    for name, kills in found.items():
        sums = [
            sum(x) for x in zip(*((one.within, one.kept, one.reads, len(one.problems)) for one in kills), strict=True)
        ]
        rows.append((name, str(len(kills)), *map(str, sums)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in rows
    ]
    versions = ", ".join(f"{name} {version(name)}" for name in ("synfwp", "numpy", "xarray", "h5netcdf", "h5py"))
    head = f"make kills: {total} kills at random moments, seed {seed}: {begun['lost']} lost, {begun['half']} half-read"
    about = f"{len(problems)} problems, {seconds:.0f} s; Python {platform.python_version()}, {versions}"
    return "\n".join([head, about, "", *lines, *(["", *problems] if problems else [])]) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; 1 if something was lost, half or different."""
    parser = argparse.ArgumentParser(prog="kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", default="", help="scenarios whose name begins with this")
    parser.add_argument("--out", type=Path, help="file for the report")
    chosen: Any = parser.parse_args(arguments)
    start = time.perf_counter()
    found = run(chosen.kills, chosen.seed, [one for one in EVERY if one.name.startswith(chosen.only)])
    text = report(found, chosen.seed, time.perf_counter() - start)
    print(text, end="")
    if chosen.out:
        results.write_text(chosen.out, text, force=True)
    return int(any(one.problems for kills in found.values() for one in kills))


if __name__ == "__main__":
    sys.exit(main())
