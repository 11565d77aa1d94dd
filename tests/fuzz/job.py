"""The job itself: calls by number, counts by entry point, findings by cause.

A number means one call as long as the tables of entry points and disguises stay as they are.
"""

import argparse
import platform
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from fuzz.cases import Entry, Rng
from fuzz.entries import ENTRIES
from fuzz.judge import Verdict, drawn, judge

SEED = 20261127
OUTCOMES = ("right", "refused", "warned", "finding")
PACKAGES = ("synfwp", "numpy", "numba", "scipy", "xarray", "pandas", "brian2")


def case(number: int, seed: int = SEED, entries: Sequence[Entry] = ENTRIES) -> tuple[Entry, Rng]:
    """The entry point of a call, and the generator from which the call is drawn; no call depends on another."""
    rng = np.random.default_rng([seed, number])
    weights = np.array([entry.weight for entry in entries])
    return entries[int(rng.choice(len(entries), p=weights / weights.sum()))], rng


def verdicts(
    numbers: Sequence[int], seed: int = SEED, entries: Sequence[Entry] = ENTRIES, only: str = ""
) -> Iterator[tuple[int, Verdict, float]]:
    """How each call ended, and what it took (s); ``only``: of entry points whose name begins so."""
    for number in numbers:
        start = time.perf_counter()
        entry, rng = case(number, seed, entries)
        if entry.name.startswith(only):
            yield number, judge(entry, rng), time.perf_counter() - start


class Tally:
    """Counts by entry point and outcome, and the first call of every cause of findings."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.seconds: Counter[str] = Counter()
        self.causes: Counter[tuple[str, str, str]] = Counter()
        self.first: dict[tuple[str, str, str], tuple[int, Verdict]] = {}

    def add(self, number: int, verdict: Verdict, seconds: float) -> None:
        """One more call."""
        self.counts[verdict.entry][verdict.outcome] += 1
        self.seconds[verdict.entry] += seconds
        if verdict.outcome == "finding":
            self.causes[verdict.cause] += 1
            self.first.setdefault(verdict.cause, (number, verdict))

    @property
    def calls(self) -> int:
        """Calls so far."""
        return sum(map(Counter.total, self.counts.values()))

    @property
    def findings(self) -> int:
        """Findings so far."""
        return self.causes.total()

    def table(self) -> str:
        """Calls by entry point and outcome, as text."""
        rows = [("entry point", "calls", *OUTCOMES, "ms per call")]
        for name in sorted(self.counts):
            count = self.counts[name]
            each = f"{1000 * self.seconds[name] / count.total():.1f}"
            rows.append((name, str(count.total()), *(str(count[outcome]) for outcome in OUTCOMES), each))
        total = sum(self.counts.values(), Counter())
        each = f"{1000 * self.seconds.total() / max(1, total.total()):.1f}"
        rows.append(("all", str(total.total()), *(str(total[outcome]) for outcome in OUTCOMES), each))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        cells = [
            [cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(r, widths, strict=True))]
            for r in rows
        ]
        return "\n".join("  ".join(row) for row in cells)

    def causes_of_findings(self) -> str:
        """Findings by cause, the most frequent first, each with a call that shows it."""
        lines = []
        for cause, n in self.causes.most_common():
            number, verdict = self.first[cause]
            worn = ", ".join(f"{name} as {what}" for name, what in verdict.worn) or "no disguise"
            place = f" at {verdict.where}" if verdict.where else ""
            lines.append(f"{n:5d}  {verdict.entry}: {verdict.what}{place}; CASE={number} ({worn}): {verdict.message}")
        return "\n".join(lines)


def report(tally: Tally, seed: int, seconds: float) -> str:
    """All that a run found, and with what."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    head = (
        f"make fuzz: {tally.calls} calls of {len(tally.counts)} entry points, seed {seed}: {tally.findings} findings\n"
        f"{seconds:.0f} s; Python {platform.python_version()}, {versions}\n"
    )
    found = f"\nFindings by cause\n{tally.causes_of_findings()}\n" if tally.findings else ""
    return f"{head}\n{tally.table()}\n{found}"


def show(number: int, seed: int) -> Verdict:
    """Print one call, its arguments and disguises, how it ended, and the traceback of an error."""
    entry, rng = case(number, seed)
    call = entry.draw(rng)
    worn = drawn(call, rng)
    print(f"call {number} of seed {seed}: {entry.name}")
    for name, arg in call.args.items():
        print(f"  {name} = {arg.plain!r} ({arg.kind}, {arg.unit})")
    for name, (row, given, _) in worn.items():
        print(f"  {name} as {row.name}: {given!r}")
    try:
        given = {name: worn[name][1] if name in worn else arg.plain for name, arg in call.args.items()}
        print(f"answer: {call.run(**given)!r}"[:3000])
    except Exception:
        traceback.print_exc(file=sys.stdout)
    verdict = judge(*case(number, seed))
    print(verdict)
    return verdict


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job; 1 if there were findings."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--case", type=int, help="one call alone, by its number, with all that is known of it")
    parser.add_argument("--only", default="", help="entry points whose name begins with this")
    parser.add_argument("--out", type=Path, help="file for the report")
    chosen: Any = parser.parse_args(arguments)
    if chosen.case is not None:
        return int(show(chosen.case, chosen.seed).outcome == "finding")
    tally, start = Tally(), time.perf_counter()
    for number, verdict, seconds in verdicts(range(chosen.calls), chosen.seed, only=chosen.only):
        tally.add(number, verdict, seconds)
        if verdict.outcome == "finding":
            print(f"CASE={number}: {verdict}", file=sys.stderr, flush=True)
        if number and number % 5000 == 0:
            elapsed = time.perf_counter() - start
            print(f"{number} calls, {tally.findings} findings, {elapsed:.0f} s", file=sys.stderr, flush=True)
    text = report(tally, chosen.seed, time.perf_counter() - start)
    print(text)
    if chosen.out:
        chosen.out.write_text(text)
    return int(tally.findings > 0)
