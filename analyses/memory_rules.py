"""Rules of the memory literature side by side: patterns that complete themselves, and patterns that recall another.

Hebb, covariance (of both sides and of keys alone), Willshaw, Bayesian (BCPNN), the delta rule and least squares (mesa)
store patterns with 16 active neurons of 256, one in each of 16 modules or anywhere in a pool. A cue has two of them
moved. An attractor runs without connections of a neuron with itself or with its module, winner-take-all, until nothing
changes; an association reads the other pattern once. A pattern counts if every winner is right. Capacity is the number
of patterns of which 90 % are recalled, by bisection. Covariance knows the mean activity; the delta rule's step and the
ridge are chosen on other draws at every load; all rules see the same patterns.

Published (Lansner et al. 2026, abstract): Bayesian best, covariance robust with moderate capacity, additive Hebb worst;
no delta rule, no least squares. Ours: sizes, the number of moved neurons, the prior of one pair. Small numbers of one
draw stand beside.

Cites: lansner2026, lansner1989, willshaw1969, sejnowski1977, dayan1991
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

import synfwp as fw
from synfwp import results
from synfwp.memory import BCPNN, CovarianceMemory, CuedRecall, System, Willshaw, WinnerCode, exact_recall
from synfwp.results import Row
from synfwp.settings import sized

RULES = ("Hebb", "covariance", "covariance, pre", "Willshaw", "BCPNN", "delta", "mesa")
CONDITIONS = ("attractor, modular", "attractor, pool", "association, modular", "association, pool")
SMALL = {
    "Hebb": (0.67, 0.03, 0, 0), "covariance": (0.97, 0.64, 0.14, 0.03), "Willshaw": (1, 0.93, 0.08, 0),
    "BCPNN": (1, 0.97, 0.78, 0.22),
}  # fmt: skip
AT = (100, 200, 300, 400)  # patterns of these numbers


class Size(NamedTuple):
    """The network, what is stored, and how often."""

    active: int  # active neurons, and modules
    units: int  # neurons of a module
    moved: int  # active neurons that a cue has elsewhere
    loads: tuple[int, ...]  # stored patterns
    draws: int  # sets of patterns, each with a seed of its own
    queries: int = 64  # most cues of a draw
    steps: int = 20  # most of an attractor
    criterion: float = 0.9  # share of patterns recalled exactly


FULL = Size(active=16, units=16, moved=2, loads=(25, 50, 100, 200, 300, 400, 600), draws=20)
QUICK = Size(active=8, units=8, moved=1, loads=(10, 40, 100), draws=4, queries=12)


def rules_of(mean: float) -> Mapping[str, Any]:
    """All rules; covariance knows the mean activity."""
    return {
        "Hebb": "hebb",
        "covariance": CovarianceMemory(mean=mean),
        "covariance, pre": CovarianceMemory("pre", mean),
        "Willshaw": Willshaw(),
        "BCPNN": BCPNN(),
        "delta": System("delta", key_norm="l2"),
        "mesa": "ridge",
    }


@sized(FULL, QUICK)
def main(size: Size, quick: bool = False, seed: int = 0) -> xr.Dataset:
    """Curves of exact recall and capacities of all rules; ``quick`` does it for a small network."""
    ds = results.cells(stored, {"condition": CONDITIONS, "system": RULES}, size=size, seed=seed)
    for name, text in (("condition", "protocol"), ("system", "rule")):
        ds[name].attrs.update(long_name=text)
    return results.compared(ds.assign_attrs(results.provenance({"size": size._asdict()}, seed)), rows)


def stored(size: Size, seed: int, condition: str, system: str) -> Mapping[str, Any]:
    """Exact recall at every load in every draw, and the capacity, of one rule in one protocol."""
    attractor, modular = condition.startswith("attractor"), condition.endswith("modular")
    code = WinnerCode(size.active, size.units, modular)
    rules = rules_of(1 / size.units)
    recall = {
        name: CuedRecall(rules[name], code, size.moved, size.steps if attractor else 0)
        for name in dict.fromkeys((system, "Hebb"))  # a rule without knobs beside one that has some
    }
    given: dict[str, Any] = {
        "d_key": code.neurons, "keys": code.draw, "values": code.draw, "decoder": exact_recall(attractor),
        "seeds": size.draws, "seed": seed, "queries": size.queries,
    }  # fmt: skip
    curve = fw.capacity(recall, loads=size.loads, **given).sel(system=system)
    found = fw.critical_load({system: recall[system]}, criterion=size.criterion, **given).isel(system=0)
    text = {"units": "1", "long_name": f"patterns at exact recall of {size.criterion:g}"}
    score = {"units": "1", "long_name": "share of patterns recalled exactly"}
    loads = {"units": "1", "long_name": "stored patterns"}
    return {
        "recall": (("pairs", "draw"), curve.score.values, score),
        "capacity": ((), float(found.critical_load), text),
        "low": ((), float(found.low), text | {"long_name": "lower limit, 95 %"}),
        "high": ((), float(found.high), text | {"long_name": "upper limit, 95 %"}),
        "pairs": ("pairs", list(size.loads), loads),
        "draw": ("draw", np.arange(size.draws), {"units": "1", "long_name": "draw"}),
    }


def rows(ds: xr.Dataset) -> list[Row]:
    """The numbers of one draw, the published order at the load where it shows, and capacities."""
    size, found = json.loads(ds.attrs["parameters"])["size"], []
    first = CONDITIONS[0]
    for rule, numbers in SMALL.items():
        for load, number in zip(AT, numbers, strict=True):
            if load not in ds.pairs or size["active"] != 16:
                continue
            recall = ds.recall.sel(condition=first, system=rule, pairs=load).values
            count = float(np.sqrt(max(number * (1 - number), 0.25 / load) / load))  # of so many independent patterns
            error = max(count, float(recall.std(ddof=1)))  # of one draw, whose patterns share their weights
            what = f"exact recall, {rule}, {load} patterns, {first}"
            found.append(Row(what, recall, number, "other engine", "lansner2026, protocol; one draw",
                             error=error))  # fmt: skip
    for condition in CONDITIONS:
        at = ds.sel(condition=condition)
        middle = at.recall.mean("draw").std("system").idxmax("pairs").astype(int).item()  # where rules differ most
        for better, worse in (("BCPNN", "covariance"), ("covariance", "Hebb"), ("BCPNN", "Hebb")):
            high, low = (at.recall.sel(system=one, pairs=middle).values for one in (better, worse))
            what = f"exact recall, {better} above {worse}, {middle} patterns, {condition}"
            found.append(Row(what, high, low, "published", "lansner2026, abstract", claim="above"))
    for condition in CONDITIONS:
        for rule in ds.system.values:
            one = float(ds.capacity.sel(condition=condition, system=rule))
            found.append(Row(f"capacity (patterns), {rule}, {condition}", one))
    return found


STYLES = {
    "Hebb": ("black", "o"), "covariance": ("sky", "o"), "covariance, pre": ("sky", "s"), "Willshaw": ("orange", "o"),
    "BCPNN": ("vermillion", "o"), "delta": ("green", "o"), "mesa": ("green", "s"),
}  # fmt: skip


def figure(ds: xr.Dataset) -> Any:
    """Recall against load in four protocols, and capacities."""
    from synfwp import plot

    fig, axes = plot.figure("double", 110, "abe;cde", width_ratios=[1, 1, 1.15])
    for letter, condition in zip("abcd", CONDITIONS, strict=True):
        _curves(ds.sel(condition=condition), axes[letter], condition)
    _capacities(ds, axes["e"])
    plot.shared_legend(fig, axes["a"])
    plot.letter(axes, offset=28.0)
    return fig


def _curves(ds: xr.Dataset, ax: Any, title: str) -> None:
    """Mean and standard error over draws."""
    from synfwp import plot

    with plot.style():
        for rule, (colour, marker) in STYLES.items():
            one = 100 * ds.recall.sel(system=rule)
            error = one.std("draw", ddof=1) / one.sizes["draw"] ** 0.5
            line = plot.points(ax, ds.pairs, one.mean("draw"), error, label=rule, colour=colour, marker=marker)
            line.lines[0].set_markerfacecolor("white" if marker == "s" else plot.COLOURS[colour])
            ax.plot(ds.pairs, one.mean("draw"), color=plot.COLOURS[colour], lw=0.7, ls=":" if marker == "s" else "-")
        ax.set(xscale="log", ylim=(-3, 103), title=title)
        loads = ds.pairs.values
        ax.set_xticks(loads, ["" if n == 300 else f"{n}" for n in loads])  # no room between 200 and 400
        ax.minorticks_off()
        ax.set_xlabel("patterns (number)")
        ax.set_ylabel("exact recall (%)")


def _capacities(ds: xr.Dataset, ax: Any) -> None:
    """Capacities with intervals, a column for each protocol."""
    from synfwp import plot

    with plot.style():
        for i, condition in enumerate(CONDITIONS):
            for j, (rule, (colour, marker)) in enumerate(STYLES.items()):
                one = ds.sel(condition=condition, system=rule)
                load = float(one.capacity)
                error = np.array([[load - float(one.low)], [float(one.high) - load]])
                line = plot.points(ax, [i + 0.1 * (j - 3)], [load], error, colour=colour, marker=marker)
                line.lines[0].set_markerfacecolor("white" if marker == "s" else plot.COLOURS[colour])
        ax.set(xlim=(-0.5, 3.5), ylim=(0, 1.08 * float(ds.high.max())))
        ax.set_xticks(range(4), [name.replace(", ", "\n") for name in CONDITIONS])
        ax.set_xlabel("task (network)")
        ax.set_ylabel("capacity (patterns)")


def caption(ds: xr.Dataset) -> str:
    """What every panel shows, with its numbers."""
    size = json.loads(ds.attrs["parameters"])["size"]
    best = ds.capacity.sel(condition=CONDITIONS[0])
    listed = ", ".join(f"{name} {float(best.sel(system=name)):.0f}" for name in ds.system.values)
    text = f"""
        Rules of the memory literature beside the delta rule and least squares. {size["active"] * size["units"]}
        neurons, {size["active"]} of them active in a pattern: one in each module of {size["units"]}, or anywhere in a
        pool; {size["moved"]} of them moved in the cue; winner-take-all; {size["draws"]} draws, {size["queries"]} cues
        each; engine: exact rules. (a, b) Patterns that complete themselves, at most {size["steps"]} steps, no
        connections within a module or with itself. (c, d) Patterns that recall another one in one step. Mean share of
        patterns with every winner right and standard error. Delta: best step at each load, keys of length 1; mesa:
        least squares, best ridge. (e) Capacity: patterns at {100 * size["criterion"]:.0f} % exact recall, by
        bisection, with 95 % intervals (1000 resamples of the draws). {CONDITIONS[0]}: {listed}.
    """
    return " ".join(text.split())
