"""How often intervals of fits hold the truth: ``python tests/interval_coverage.py --out docs/results/coverage.txt``.

Tables are simulated cell by cell: each point is the mean of its cells, with the standard error of these cells, so that
the errors that a fit sees are estimates. Levels of 68 and 95 %; the test is an exact binomial one, by Holm's method
over all lines of the page. An interval that reaches a bound is counted as open; it holds the truth if that lies between
its ends. A parameter whose interval is open in more than half of the tables, at either level, is not identified, and is
not tested.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binomtest

import synfwp as fw
from synfwp import seeds
from synfwp.inference import fit_short_term
from synfwp.inference.intervals import profile
from synfwp.plasticity import protocols
from synfwp.scorecard import holm

LEVELS = (0.68, 0.95)
LAGS = (-60.0, -40.0, -25.0, -15.0, -8.0, -4.0, 4.0, 8.0, 15.0, 25.0, 40.0, 60.0)  # ms
PAIR = fw.PairSTDP("bi_poo")
TRIPLET = fw.TripletSTDP("visual_cortex_minimal")
FIXED = {"tau_plus": 16.8, "tau_minus": 33.7, "A2_plus": 0.0, "A3_minus": 0.0, "tau_x": 101.0}
RATES = (5, 20, 50)  # Hz
SYNAPSE = {"U": 0.25, "tau_rec": 300.0, "tau_facil": 150.0, "A": 4.0}
KOHUS = {"U": 0.126, "tau_rec": 1195.0, "tau_facil": 1.0, "A": 7.29}  # without a trace of facilitation, as fitted


class Design(NamedTuple):
    """What is simulated and fitted."""

    name: str
    truth: Mapping[str, float]
    data: np.ndarray  # (points,) without noise
    fit: Callable[..., Any]  # of data, standard errors (or None) and a seed
    sd: float  # of a cell, in the unit of the data
    cells: int  # of a point; 1: no standard errors
    tables: int


def designs(pair: int, triplet: int, train: int) -> list[Design]:
    """Pairs at 12 lags, from few and from more cells; pairs at 5 rates and 2 lags for the triplet rule; trains."""
    lags = [protocols.pairs(dt=lag) for lag in LAGS]
    rates = protocols.from_table("sjostrom2001_frequency_timing")
    at, rate = np.concatenate([_train(one, 10, 1000.0) for one in (10, 20, 40)]), np.repeat((10, 20, 40), 11)
    return [
        _stdp("pair, 12 points of 20 cells", PAIR, lags, 0.2, 20, None, pair),
        _stdp("pair, 12 points of 6 cells", PAIR, lags, 0.1, 6, None, pair),
        _stdp("triplet, 10 points of 10 cells", TRIPLET, rates, 0.15, 10, FIXED, triplet),
        _trains("trains, 27 points of 10 cells", np.concatenate([_train(rate, 8, 500.0) for rate in RATES]),
                np.repeat(RATES, 9), SYNAPSE, 0.3, 10, train),
        _trains("trains, 33 points, no sem", at, rate, SYNAPSE, 0.1, 1, train),
        _trains("trains, Kohus et al., no sem", at, rate, KOHUS, 0.066, 1, train),
    ]  # fmt: skip


def _stdp(name: str, truth: Any, runs: Sequence[Any], sd: float, cells: int, fixed: Any, tables: int) -> Design:
    """A rule of spike timing on protocols."""
    kind = type(truth)
    data = np.array([truth.dw(run.pre, run.post) for run in runs])

    def fit(mean: np.ndarray, sem: np.ndarray, seed: int) -> Any:
        columns = {"dt_ms": np.zeros(mean.size), "dw": mean, "sem": sem, "n": np.full(mean.size, cells)}
        table = fw.read_table(columns, dw="dw", sem="sem", cells="n", percent=False)
        return fw.fit(kind, table, protocol=list(runs), fixed=fixed, starts=5, seed=seed)

    return Design(
        name, {field.name: getattr(truth, field.name) for field in fields(truth)}, data, fit, sd, cells, tables
    )


def _train(rate: float, pulses: int, pause: float) -> np.ndarray:
    """Times (ms) of a train and of one pulse after a pause."""
    waits = np.r_[0.0, np.full(pulses - 1, 1000 / rate), pause]
    return np.cumsum(waits)


def _trains(
    name: str, times: np.ndarray, labels: np.ndarray, truth: dict[str, float], sd: float, cells: int, tables: int
) -> Design:
    """Short-term plasticity on trains, each from rest."""
    synapse = fw.ShortTerm(**{key: value for key, value in truth.items() if key != "A"})
    data = np.empty(times.size)
    for label in np.unique(labels):
        data[labels == label] = synapse.amplitudes(times[labels == label], A=truth["A"])

    def fit(mean: np.ndarray, sem: np.ndarray | None, seed: int) -> Any:
        counts = None if sem is None else cells
        return fit_short_term(times, mean, labels, sem=sem, cells=counts, starts=5, seed=seed)

    return Design(name, truth, data, fit, sd, cells, tables)


def one(design: Design, seed: int) -> dict[tuple[str, float], tuple[bool, bool]]:
    """Of each parameter and level: whether the interval holds the truth, and whether it is open."""
    rng = seeds.generator(seed, design.name)
    cells = design.data + design.sd * rng.standard_normal((design.cells, design.data.size))
    sem = cells.std(axis=0, ddof=1) / np.sqrt(design.cells) if design.cells > 1 else None
    found = design.fit(cells.mean(axis=0), sem, seed)
    kept = {}
    for level in LEVELS:
        intervals = found.intervals if level == 0.95 else profile(found.estimate, level)[1]
        for name, interval in intervals.items():
            held = interval.low <= design.truth[name] <= interval.high
            kept[name, level] = bool(held), not interval.constrained
    return kept


def page(drawn: Sequence[Design], seed: int = 0) -> list[dict[str, Any]]:
    """One line for each design, parameter and level."""
    lines = []
    for design in drawn:
        tables = [one(design, seed + i) for i in range(design.tables)]
        for name, level in tables[0] if tables else ():
            held, loose = np.array([table[name, level] for table in tables]).sum(axis=0)
            lines.append(
                {"design": design.name, "name": name, "level": level, "n": design.tables, "held": int(held)}
                | {"open": int(loose)}
            )
    return lines


def judged(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines with p of an exact binomial test, by Holm's method over all parameters that are identified."""
    loose = {(line["design"], line["name"]) for line in lines if line["open"] > line["n"] / 2}
    shown = [line for line in lines if (line["design"], line["name"]) not in loose]
    p = [binomtest(line["held"], line["n"], line["level"]).pvalue for line in shown]
    found = iter(holm(p))
    return [line | {"holm": next(found) if line in shown else math.nan} for line in lines]


def kept(page: str) -> tuple[list[dict[str, Any]], float]:
    """The lines of a page, and its seconds."""
    lines = []
    for row in page.splitlines()[1:-1]:
        name, level, n, share, loose, _ = row[32:].split()
        line: dict[str, Any] = {"design": row[:32].strip(), "name": name, "level": float(level), "n": int(n)}
        lines.append(line | {"held": round(float(share) * int(n)), "open": int(loose)})
    return lines, float(page.splitlines()[-1].split()[0])


def text(lines: Sequence[dict[str, Any]]) -> str:
    """The page."""
    head = f"{'simulated tables':32}{'parameter':11}{'level':>6}{'tables':>8}{'covered':>9}{'open':>6}{'p (Holm)':>10}"
    rows = [
        f"{x['design']:32}{x['name']:11}{x['level']:6.2f}{x['n']:8d}{x['held'] / x['n']:9.3f}{x['open']:6d}"
        f"{'-' if math.isnan(x['holm']) else format(x['holm'], '.3f'):>10}"
        for x in lines
    ]
    return "\n".join([head, *rows])


def main(arguments: Sequence[str]) -> int:
    """Print and write the page; 1 if a coverage differs from its level."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pair", type=int, default=1000, help="tables of each design of pairs")
    parser.add_argument("--triplet", type=int, default=200, help="tables of the design of triplets")
    parser.add_argument("--train", type=int, default=1000, help="tables of each design of trains")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--add", action="store_true", help="keep the lines of other designs that stand in --out")
    given = parser.parse_args(arguments)
    start = time.perf_counter()
    lines, before = page(designs(given.pair, given.triplet, given.train)), 0.0
    if given.add:
        old, before = kept(given.out.read_text("utf-8"))
        lines = [line for line in old if line["design"] not in {x["design"] for x in lines}] + lines
    lines = judged(lines)
    made = text(lines) + f"\n{before + time.perf_counter() - start:.0f} s\n"
    print(made, end="")
    if given.out is not None:
        given.out.write_text(made, "utf-8")
    return int(any(line["holm"] < 0.05 for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
