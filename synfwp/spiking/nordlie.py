"""A circuit as the tables that papers print (Nordlie, Gewaltig & Plesser 2009), as text and as HTML."""

import dataclasses
import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import shown
from synfwp.spiking.groups import Population, SpikeSource, Steps
from synfwp.spiking.neurons import receptors_of
from synfwp.spiking.projection import Projection


@dataclass(frozen=True)
class Table:
    """One table: a title, names of columns, and rows of text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        """The title and the rows, in columns."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        texts = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        return "\n  ".join([self.title, *(text.rstrip() for text in texts)])


@dataclass(frozen=True, repr=False)
class Summary:
    """Tables of a circuit; ``print`` shows them as text, a notebook as HTML.

    Parameters
    ----------
    tables : tuple of Table
    """

    tables: tuple[Table, ...]

    def section(self, title: str) -> Table:
        """A table by its title.

        Raises
        ------
        KeyError
            If there is none.
        """
        return {one.title: one for one in self.tables}[title]

    def __str__(self) -> str:
        """All tables."""
        return "\n".join(map(str, self.tables))

    def __repr__(self) -> str:
        """One line."""
        return f"Summary({', '.join(one.title for one in self.tables)})"

    def _repr_html_(self) -> str:
        """All tables; names are escaped."""
        parts = []
        for one in self.tables:
            cells = ["".join(f"<th>{html.escape(x)}</th>" for x in one.columns)]
            cells += ["".join(f"<td>{html.escape(x)}</td>" for x in row) for row in one.rows]
            rows = "".join(f"<tr>{row}</tr>" for row in cells)
            parts.append(f"<table><caption>{html.escape(one.title)}</caption>{rows}</table>")
        return "\n".join(parts)


def summary(circuit: Any, records: list[Any]) -> Summary:
    """The tables of a circuit; those without rows are left out."""
    cells = [g for g in circuit.groups if isinstance(g, Population)]
    plastic = [p for p in circuit.projections if p.plasticity is not None or p.short_term is not None]
    tables = (
        Table("Populations", ("name", "elements", "size"), tuple(
            (g.name, type(g.neuron).__name__ if isinstance(g, Population) else type(g).__name__, f"{g.n:,}")
            for g in circuit.groups)),
        Table("Connectivity", ("name", "source", "target", "pattern", "delay (ms)"), tuple(
            (p.name, p.pre.name, p.post.name, _pattern(p), _numbers(p.delay)) for p in circuit.projections)),
        Table("Neuron models", ("population", "model"), tuple((g.name, _fields(g.neuron)) for g in cells)),
        Table("Synapse models", ("projection", "receptor", "weight"), tuple(
            (p.name, _receptor(p), f"{_weights(p)} {'' if p.unit == '1' else p.unit}".strip())
            for p in circuit.projections)),
        Table("Plasticity", ("projection", "rule", "parameters"), tuple(
            (p.name, _rule(p), "; ".join(_fields(x) for x in (p.plasticity, p.short_term) if x is not None))
            for p in plastic)),
        Table("Input", ("name", "kind", "value"), tuple(line for g in circuit.groups for line in _input(g))),
        Table("Measurements", ("name", "variable", "interval (ms)"), (
            ("all", "spikes", f"{circuit.dt:g}"),
            *((one.what, one.variable, "default" if one.every is None else f"{one.every:g}") for one in records))),
    )  # fmt: skip
    return Summary(tuple(one for one in tables if one.rows))


def _pattern(p: Projection) -> str:
    """How a projection connects."""
    if p.dense:
        return f"all to all, {p.n_synapses:,} synapses"
    share = p.n_synapses / max(p.shape[0] * p.shape[1], 1)
    return f"{p.n_synapses:,} synapses, {share:.3g} of all pairs"


def _numbers(x: Any) -> str:
    """A number, or the mean and the range of many."""
    x = np.asarray(getattr(x, "data", x) if hasattr(x, "nnz") else x, float)
    if not x.size:
        return "none"
    if x.min() == x.max():
        return f"{x.flat[0]:g}"
    return f"{x.mean():g} ({x.min():g} to {x.max():g})"


def _weights(p: Projection) -> str:
    """The weights of a projection at the start."""
    return _numbers(p.weight)


def _receptor(p: Projection) -> str:
    """A receptor with its time constant and reversal."""
    known = receptors_of(p.post.neuron) if isinstance(p.post, Population) else ()
    one = next((one for one in known if one.name == p.receptor), None)
    if one is None:
        return "none: nothing is transmitted" if p.receptor == "none" else str(p.receptor)
    kind = "current" if one.reversal is None else f"conductance, reversal {one.reversal:g} mV"
    return f"{one.name}: {kind}, tau {one.tau:g} ms"


def _rule(p: Projection) -> str:
    """Names of what changes a projection."""
    named = [] if p.plasticity is None else [f"{p.plasticity.name} ({p.plasticity.cite})"]
    return ", ".join(named + (["short-term"] if p.short_term is not None else []))


def _fields(x: Any) -> str:
    """All fields of a model that are not its name, since a paper needs those that are as usual too."""
    fields = [field.name for field in dataclasses.fields(x) if field.name not in ("name", "cite", "equation", "source")]
    found = [(name, getattr(x, name)) for name in fields]
    told = [(name, value) for name, value in found if value is not None and not isinstance(value, str | bool)]
    parts = [f"{name} {f'{value:g}' if isinstance(value, float | int) else shown.brief(value)}" for name, value in told]
    return f"{type(x).__name__}: {', '.join(parts)}"


def _input(g: Any) -> list[tuple[str, str, str]]:
    """What drives a group from outside."""
    if isinstance(g, SpikeSource):
        return [(g.name, "prescribed spikes", f"{len(g.times):,} spikes")]
    if isinstance(g, Population):
        return [(g.name, "current (pA)", _steps(g.drive))] if g.drive.values.any() else []
    return [(g.name, "Poisson spikes (Hz)", _steps(g.rate))]


def _steps(x: Steps) -> str:
    """A quantity that changes in steps."""
    return _numbers(x.values) + ("" if len(x.times) == 1 else f", in {len(x.times)} steps")
