"""How often intervals of fits hold the truth: ``python tests/interval_coverage.py --out docs/results/coverage.txt``.

Tables are simulated cell by cell: each point is the mean of its cells, with the standard error of these cells, so that
the errors that a fit sees are estimates. Levels of 68 and 95 %; the test is an exact binomial one, by Holm's method
over all lines of the page. An interval that reaches a bound is counted as open; it holds the truth if that lies between
its ends.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest

import synfwp as fw
from synfwp import seeds
from synfwp.inference.intervals import profile
from synfwp.plasticity import protocols
from synfwp.scorecard import holm

LEVELS = (0.68, 0.95)
LAGS = (-60.0, -40.0, -25.0, -15.0, -8.0, -4.0, 4.0, 8.0, 15.0, 25.0, 40.0, 60.0)  # ms
PAIR = fw.PairSTDP("bi_poo")
TRIPLET = fw.TripletSTDP("visual_cortex_minimal")
FIXED = {"tau_plus": 16.8, "tau_minus": 33.7, "A2_plus": 0.0, "A3_minus": 0.0, "tau_x": 101.0}


class Design(NamedTuple):
    """What is simulated and fitted."""

    name: str
    truth: Any
    kind: type
    runs: Sequence[Any]
    sd: float  # of a cell, relative change of weight
    cells: int  # of a point
    fixed: dict[str, float] | None
    tables: int


def designs(pair: int, triplet: int) -> list[Design]:
    """Pairs at 12 lags, from few and from more cells; pairs at 5 rates and 2 lags for the triplet rule."""
    lags = [protocols.pairs(dt=lag) for lag in LAGS]
    rates = protocols.from_table("sjostrom2001_frequency_timing")
    return [
        Design("pair, 12 points of 20 cells", PAIR, fw.PairSTDP, lags, 0.2, 20, None, pair),
        Design("pair, 12 points of 6 cells", PAIR, fw.PairSTDP, lags, 0.1, 6, None, pair),
        Design("triplet, 10 points of 10 cells", TRIPLET, fw.TripletSTDP, rates, 0.15, 10, FIXED, triplet),
    ]


def one(design: Design, seed: int) -> dict[tuple[str, float], tuple[bool, bool]]:
    """Of each parameter and level: whether the interval holds the truth, and whether it is open."""
    change = np.array([design.truth.dw(run.pre, run.post) for run in design.runs])
    rng = seeds.generator(seed, design.name)
    cells = change + design.sd * rng.standard_normal((design.cells, change.size))
    columns = {
        "dt_ms": np.zeros(change.size),
        "dw": cells.mean(axis=0),
        "sem": cells.std(axis=0, ddof=1) / np.sqrt(design.cells),
        "n": np.full(change.size, design.cells),
    }
    table = fw.read_table(columns, dw="dw", sem="sem", cells="n", percent=False)
    found = fw.fit(design.kind, table, protocol=list(design.runs), fixed=design.fixed, starts=5, seed=seed)
    kept = {}
    for level in LEVELS:
        intervals = found.intervals if level == 0.95 else profile(found.estimate, level)[1]
        for name, interval in intervals.items():
            held = interval.low <= getattr(design.truth, name) <= interval.high
            kept[name, level] = bool(held), not interval.constrained
    return kept


def page(pair: int, triplet: int, seed: int = 0) -> list[dict[str, Any]]:
    """One line for each design, parameter and level."""
    lines = []
    for design in designs(pair, triplet):
        tables = [one(design, seed + i) for i in range(design.tables)]
        for name, level in tables[0]:
            held, loose = np.array([table[name, level] for table in tables]).sum(axis=0)
            p = binomtest(int(held), design.tables, level).pvalue
            lines.append(
                {"design": design.name, "name": name, "level": level, "n": design.tables, "held": int(held), "p": p}
                | {"open": int(loose)}
            )
    for line, adjusted in zip(lines, holm([line["p"] for line in lines]), strict=True):
        line["holm"] = adjusted
    return lines


def text(lines: Sequence[dict[str, Any]]) -> str:
    """The page."""
    head = f"{'simulated tables':32}{'parameter':11}{'level':>6}{'tables':>8}{'covered':>9}{'open':>6}{'p (Holm)':>10}"
    rows = [
        f"{x['design']:32}{x['name']:11}{x['level']:6.2f}{x['n']:8d}{x['held'] / x['n']:9.3f}{x['open']:6d}{x['holm']:10.3f}"
        for x in lines
    ]
    return "\n".join([head, *rows])


def main(arguments: Sequence[str]) -> int:
    """Print and write the page; 1 if a coverage differs from its level."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pair", type=int, default=1000, help="tables of each design of pairs")
    parser.add_argument("--triplet", type=int, default=200, help="tables of the design of triplets")
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args(arguments)
    start = time.perf_counter()
    lines = page(given.pair, given.triplet)
    made = text(lines) + f"\n{time.perf_counter() - start:.0f} s\n"
    print(made, end="")
    if given.out is not None:
        given.out.write_text(made, "utf-8")
    return int(any(line["holm"] < 0.05 for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
