"""Curves: scores of many systems along one dim, as a labelled Dataset with intervals, theory, chance and costs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from tqdm import tqdm

from synfwp import checks, results, workers
from synfwp.memory import protocol
from synfwp.memory.protocol import COSTS, Draws, Measured, Score
from synfwp.memory.systems import Store, System, probe

TEXTS = {
    "state_variables": ("variables that are kept", "1"),
    "synapses": ("physical synapses", "1"),
    "bits": ("bits that are kept", "1"),
    "state_bytes": ("size of what is kept", "B"),
    "write_spikes": ("spikes of all neurons per association", "1"),
    "read_spikes": ("spikes of all neurons per query", "1"),
    "seconds": ("time of an episode", "s"),
}


class Dim(NamedTuple):
    """What a curve runs along: the name of the dim, its numbers, and what they are."""

    name: str
    sizes: Sequence[Any]
    long_name: str
    units: str = "1"


class Formulas(NamedTuple):
    """What a curve is compared with: ``theory(name, system, cell, size) -> (value, kind)`` and ``chance(size)``."""

    theory: Callable[[str, Store, Measured, Any], tuple[float, str]]
    chance: Callable[[Any], float]


def measure_all(
    known: Mapping[str, Store], draws: Draws, dim: Dim, score: Score, tuned: str, on: Any = None
) -> dict[tuple[str, Any], Measured]:
    """Every system at every size, after a try of each on two pairs; ``on`` as of `synfwp.workers`, None: here."""
    checks.one_of("tuned", tuned, (dim.name, "curve"))
    for size in dim.sizes:
        draws.episodes(size, count=1)
    first = draws.episodes(dim.sizes[0], count=1)
    for name, system in known.items():
        probe(name, system, first)
    whole = tuned == "curve"
    parts = [(name, sizes) for name in known for sizes in ([dim.sizes] if whole else [[size] for size in dim.sizes])]
    task: Any = _Part(dict(known), draws, score, whole)
    cells: dict[tuple[str, Any], Measured] = {}
    count, what = len(known) * len(dim.sizes), f"memories x {dim.name}"
    with tqdm(total=count, desc=what, unit="cell", disable=None, leave=False) as bar:
        for found in map(task, parts) if on is None else workers.each(task, parts, on):
            cells |= found
            bar.set_postfix_str(", ".join(map(str, next(iter(found)))))
            bar.update(len(found))
    return {(name, size): cells[name, size] for name in known for size in dim.sizes}


class _Part(NamedTuple):
    """One system at some sizes, with its knobs chosen for all of them or for each."""

    known: Mapping[str, Store]
    draws: Draws
    score: Score
    whole: bool

    def __call__(self, part: tuple[str, Sequence[Any]]) -> dict[tuple[str, Any], Measured]:
        name, sizes = part
        system = self.known[name]
        knobs = protocol.choose(name, system, self.draws, sizes, self.score) if self.whole else None
        return {(name, size): protocol.measure(name, system, self.draws, size, self.score, knobs) for size in sizes}


def as_dataset(
    known: Mapping[str, Store], cells: Mapping[tuple[str, Any], Measured], dim: Dim, long_name: str,
    formulas: Formulas, attrs: Mapping[str, Any],
) -> xr.Dataset:  # fmt: skip
    """Cells as one Dataset; what failed is NaN, with a warning."""
    names, sizes, one = list(known), dim.sizes, {"units": "1"}
    grid, dims = [[cells[name, size] for size in sizes] for name in names], ("system", dim.name)
    with np.errstate(all="ignore"):
        theory = [[formulas.theory(name, known[name], cells[name, size], size) for size in sizes] for name in names]
        chance = [formulas.chance(size) for size in sizes]
    score = np.array([[cell.scores for cell in row] for row in grid])
    low, high = protocol.interval(score)
    knobs = list(dict.fromkeys(knob for row in grid for cell in row for knob in cell.knobs))
    chosen = [[[cell.knobs.get(knob, np.nan) for knob in knobs] for cell in row] for row in grid]
    shape = (len(names), len(sizes), len(knobs))
    variables: dict[str, Any] = {
        "score": ((*dims, "seed"), score, one | {"long_name": long_name}),
        "mean": (dims, score.mean(axis=-1), one | {"long_name": long_name}),
        "low": (dims, low, one | {"long_name": "lower limit of the mean, 95 %"}),
        "high": (dims, high, one | {"long_name": "upper limit of the mean, 95 %"}),
        "theory": (
            dims,
            np.array([[x[0] for x in row] for row in theory]),
            one | {"long_name": f"{long_name}, theory"},
        ),
        "theory_kind": (dims, [[x[1] for x in row] for row in theory], {"long_name": "kind of the formula"}),
        "chance": (dim.name, chance, one | {"long_name": "chance"}),
        "chosen": (
            (*dims, "knob"),
            np.reshape(chosen, shape).astype(float),
            one | {"long_name": "chosen on other seeds"},
        ),
        "failure": (dims, [[cell.failure for cell in row] for row in grid], {"long_name": "error"}),
    }
    for cost in COSTS:
        text, unit = TEXTS[cost]
        found = [[cell.costs.get(cost, np.nan) for cell in row] for row in grid]
        variables[cost] = (dims, found, {"units": unit, "long_name": text})
    for (name, size), cell in cells.items():
        if cell.failure:
            checks.warn(f"system {name!r} failed at {dim.name} {size}: {cell.failure} Its scores are NaN there.")
    coords = {
        "system": ("system", names, {"long_name": "system"}),
        dim.name: (dim.name, list(sizes), {"units": dim.units, "long_name": dim.long_name}),
        "seed": np.arange(score.shape[-1]),
        "knob": ("knob", np.array(knobs, dtype=str), {"long_name": "write strength, decay, temperature and the like"}),
    }
    return results.dataset(variables, coords, **attrs)


def numbers(what: str, given: Any) -> list[int]:
    """Whole numbers of at least 1, each once, in their order."""
    checks.bare(what, given)
    if not isinstance(given, list | tuple | range | np.ndarray) or getattr(given, "ndim", 1) != 1 or not len(given):
        raise TypeError(f"{what} is {checks.short(given)}; pass a sequence of whole numbers, such as [8, 16].")
    found = [checks.count(what, int(x) if isinstance(x, np.integer) else x) for x in given]
    if len(set(found)) < len(found):
        raise ValueError(f"{what} is {checks.short(found)}, which holds a number twice; pass each once.")
    return found


def settings(systems: Mapping[str, Any], beta: Any, draws: Draws) -> dict[str, Any]:
    """What every run is made of, for its provenance: `results.provenance` writes functions and arrays by their hash."""
    return {
        "systems": dict(systems),
        "beta": beta if isinstance(beta, str | None) else float(beta),
        "seeds": draws.n,
        "tuning_seeds": protocol.TUNING,
    }


def held(system: Store, beta: Any) -> Store:
    """A system whose step is held, if it has one that the user left open."""
    if beta is None or (isinstance(beta, str) and beta == "best"):
        return system
    if isinstance(beta, str):
        raise ValueError(f"beta is {beta!r}; pass 'best', or a number.")
    checks.number("beta", beta, 0)
    if not isinstance(system, System) or system.beta is not None or not system.row.uses_beta:
        return system
    return System(
        system.rule, system.on, system.feature, system.key_norm, float(beta), system.decay, system.momentum,
        system.ridge, system.read,
    )  # fmt: skip
