"""Circuits of spiking neurons as data: groups and projections on a grid of time. Running is elsewhere."""

import hashlib
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from synfwp import checks, grid, owned, units
from synfwp.spiking import rule_checks
from synfwp.spiking.connections import Layout, by_synapse, layout
from synfwp.spiking.groups import Group, Population, SpikeSource, Steps, steps_of
from synfwp.spiking.nordlie import Summary, summary
from synfwp.spiking.projection import Projection
from synfwp.spiking.shares import Apart, apart

Array = np.ndarray
MANY = 100  # numbers past which a hash stands for them in metadata


@dataclass(frozen=True, eq=False)
class Record(owned.Owner):
    """What to keep of a run beside its spikes.

    Parameters
    ----------
    what : str
        Name of a population or a projection.
    variable : str
        Of a population: "v", "w" (adaptation or dendrite), "drive", "prediction" (of a dendrite, expected spikes in a
        step) or a receptor. Of a projection: "W" (weights), "E"
        (eligibility), "x1", "x2" (presynaptic), "y1", "y2" (postsynaptic traces), "u", "x" (short-term plasticity).
    neurons : None or sequence of int
        Which neurons; of "W" and "E", which synapses (flat index, row by row); None: all.
    every : float or None
        ms between samples, a multiple of dt; None: every step of a population, every 100 ms of a projection.
    readout : None or (rank, n) array
        Keep ``readout @ variable`` instead; of "W" and "E" a pair of (rank, n_post) and (rank, n_pre) arrays for dense
        projections, ``post @ W.T @ pre.T``.

    Raises
    ------
    TypeError, ValueError
        If a name is no text, ``every`` is not above 0, or both ``neurons`` and ``readout`` are given.

    Examples
    --------
    >>> Record("cells", "v", neurons=[0, 1], every=1.0).variable
    'v'
    """

    what: str
    variable: str
    neurons: Any = None
    every: Any = None
    readout: Any = None

    def __post_init__(self) -> None:
        """One way to choose."""
        if self.neurons is not None and self.readout is not None:
            raise ValueError(f"record of {self.what!r}: pass neurons or readout, not both.")
        for name, value in (("what", self.what), ("variable", self.variable)):
            if not isinstance(value, str):
                raise TypeError(f"{name} of a record is a {type(value).__name__}; pass a name.")
        if self.every is not None:
            object.__setattr__(self, "every", units.number(self.every, "ms", "every", 0, above=True))
        for name in ("neurons", "readout"):
            if getattr(self, name) is not None:
                given = getattr(self, name)
                pair = isinstance(given, tuple) and any(np.ndim(part) == 2 for part in given)
                plain = tuple(checks.plain(name, part) for part in given) if pair else checks.plain(name, given)
                object.__setattr__(self, name, owned.keep(plain))

    @property
    def name(self) -> str:
        """Name of the variable in a Dataset."""
        return f"{self.variable}_{self.what}"


@dataclass(frozen=True, eq=False)
class Wiring:
    """Populations and projections on a grid of time: all of a `Circuit` but what runs it, and its arguments and errors.

    Examples
    --------
    >>> from synfwp.spiking import LIF
    >>> Wiring([], populations=[Population(3, LIF())]).group_index
    {'cells': 0}
    """

    projections: Any
    populations: Any = ()
    dt: Any = 0.1
    groups: tuple[Group, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Collect the groups; names are unique and times on the grid."""
        put = object.__setattr__
        dt = units.number(self.dt, "ms", "dt", 0, above=True)
        put(self, "dt", dt)
        kinds: dict[str, Any] = {"projections": Projection, "populations": Group}
        for field_name, kind in kinds.items():
            given = getattr(self, field_name)
            if not isinstance(given, list | tuple) or not all(isinstance(one, kind) for one in given):
                what = "Projection objects" if kind is Projection else "populations and sources"
                raise TypeError(f"{field_name} is {_kinds(given)}; pass a list of {what}.")
            put(self, field_name, tuple(given))
        found: dict[int, Group] = {id(group): group for group in self.populations}
        for p in self.projections:
            found |= {id(group): group for group in (p.pre, p.post, *(group for group, _ in p.modulators))}
        put(self, "groups", tuple(found.values()))
        for kind, named in (("groups", self.groups), ("projections", self.projections)):
            names = [one.name for one in named]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two {kind} are named {twice[0]!r}; give each its own name.")
        both = {g.name for g in self.groups} & {p.name for p in self.projections}
        if both:
            raise ValueError(f"a group and a projection are named {min(both)!r}; give each its own name.")
        if not self.groups:
            raise ValueError("the circuit is empty; pass projections or populations.")
        self._check_grid()

    def _check_grid(self) -> None:
        """Every time is a multiple of dt."""
        for p in self.projections:
            for name in ("delay", "dendritic_delay"):
                self.on_grid(f"{name} of projection {p.name!r}", by_synapse(getattr(p, name)), checks.MOST)
            for name in ("gate", "eligibility", "transmission"):
                self.on_grid(f"times of {name} of projection {p.name!r}", getattr(p, name).times)
            self.on_grid(f"latch of projection {p.name!r}", p.latch)
            if p.plasticity is not None:
                self._check_rule(p.plasticity)
            for name, value in rule_checks.times(p).items():
                self.on_grid(f"{name} of the rule of projection {p.name!r}", value, checks.MOST)
        for group in self.groups:
            if isinstance(group, Population):
                self.on_grid(f"t_ref of {group.name!r}", group.neuron.t_ref)
                self.on_grid(f"times of drive of {group.name!r}", group.drive.times)
            elif isinstance(group, SpikeSource):
                steps_of(group, self.dt)
            else:
                self.on_grid(f"times of rate of {group.name!r}", group.rate.times)
                if group.rate.values.max() * units.per_ms(1.0) * self.dt > 1 + grid.OF_STEP:
                    raise ValueError(f"rate of {group.name!r} is above one spike per step of {self.dt:g} ms; lower dt.")

    def _check_rule(self, rule: Any) -> None:
        """Times of a rule that a grid can hold."""
        if rule.interval is not None and self.on_grid(f"interval of rule {rule.name!r}", rule.interval) < 1:
            raise ValueError(
                f"interval of rule {rule.name!r} is {rule.interval:g} ms, less than a step of {self.dt:g} ms."
            )
        if rule.tau_w < 2 * self.dt:
            raise ValueError(
                f"tau_w of rule {rule.name!r} is {rule.tau_w:g} ms; pass at least two steps ({2 * self.dt:g})."
            )

    def on_grid(self, what: str, times: Any, most: int = grid.MOST) -> Array:
        """Times (ms) as numbers of steps.

        Parameters
        ----------
        what : str
            The argument, for the message.
        times : float or array_like
            ms.
        most : int
            Largest number of steps.

        Returns
        -------
        array of int
            In the shape of ``times``.

        Raises
        ------
        ValueError
            For a time off the grid, or beyond ``most`` steps.
        """
        steps, far = grid.multiples(times, self.dt)
        if far.any() or (steps > most).any():
            beyond = np.abs(np.atleast_1d(times)) > most * self.dt
            if beyond.any():
                raise ValueError(
                    f"{what} is {np.atleast_1d(times)[beyond][0]:g} ms; pass at most {most:.3g} steps of dt = "
                    f"{self.dt:g} ms."
                )
            off = np.atleast_1d(times)[np.atleast_1d(far)][0]
            raise ValueError(f"{what} is {off:g} ms, which is not a multiple of dt = {self.dt:g} ms.")
        return steps

    def __repr__(self) -> str:
        """One line: how many of what."""
        cells = [g for g in self.groups if isinstance(g, Population)]
        sources = [g for g in self.groups if not isinstance(g, Population)]
        parts = [
            f"{len(found)} {what}{'s' * (len(found) > 1)} of {sum(getattr(one, size) for one in found):,} {of}"
            for found, what, size, of in (
                (cells, "population", "n", "neurons"),
                (sources, "source", "n", "units"),
                (self.projections, "projection", "n_synapses", "synapses"),
            )
            if found
        ]
        return f"{type(self).__name__}({', '.join(parts)}, dt={self.dt:g})"

    def describe(self, record: Any = ()) -> Summary:
        """The circuit as the tables that Nordlie, Gewaltig & Plesser propose for papers [1]_.

        Parameters
        ----------
        record : Record or sequence of Record
            What a run would keep, for the table of measurements.

        Returns
        -------
        Summary
            Tables of populations, connectivity, neuron and synapse models, plasticity, input and measurements, as text
            (``print``) and HTML (in notebooks).

        References
        ----------
        .. [1] Nordlie, Gewaltig & Plesser 2009, PLOS Computational Biology 5:e1000456.

        Examples
        --------
        >>> from synfwp.spiking import LIF
        >>> print(Wiring([], [Population(2, LIF(), drive=25.0)]).describe().section("Populations"))
        Populations
          name  | elements | size
          cells | LIF      | 2
        """
        return summary(self, [record] if isinstance(record, Record) else list(record))

    def _repr_html_(self) -> str:
        """The tables of `describe`, as notebooks show them."""
        return self.describe()._repr_html_()

    @cached_property
    def group_index(self) -> dict[str, int]:
        """Position of each group by name."""
        return {group.name: m for m, group in enumerate(self.groups)}

    @cached_property
    def layouts(self) -> list[Layout]:
        """How the synapses of each projection are held, by their delays."""
        found = []
        for p in self.projections:
            way, back = (self.on_grid("delay", by_synapse(one)) for one in (p.delay, p.dendritic_delay))
            rows, columns = p.rows if way.ndim else None, p.columns if back.ndim else None
            found.append(layout(way, back, rows, columns, p.shape))
        return found

    @cached_property
    def apart(self) -> Apart:
        """Which groups could run in threads of their own, and for how long."""
        return apart(self.groups, self.projections, self.layouts)

    def group(self, name: str) -> Group:
        """A population or source by name.

        Parameters
        ----------
        name : str

        Returns
        -------
        Population, PoissonSource or SpikeSource

        Raises
        ------
        ValueError
            If there is none of that name; the closest one is suggested.
        """
        return checks.lookup("group", name, {group.name: group for group in self.groups})

    def projection(self, name: str) -> Projection:
        """A projection by name.

        Parameters
        ----------
        name : str

        Returns
        -------
        Projection

        Raises
        ------
        ValueError
            If there is none of that name; the closest one is suggested.
        """
        return checks.lookup("projection", name, {p.name: p for p in self.projections})


def metadata(circuit: Wiring) -> dict[str, Any]:
    """What a circuit is, in small: models, numbers, rules, schedules; not its connectivity."""
    groups = {
        g.name: {"class": type(g).__name__, "n": g.n, "neuron": _neuron(getattr(g, "neuron", None))}
        for g in circuit.groups
    }
    for g in circuit.groups:
        for name in ("rate", "drive"):
            if hasattr(g, name):
                groups[g.name][name] = _schedule(getattr(g, name))
    lines = {
        p.name: {
            "receptor": p.receptor, "delay": _summary(p.delay), "dendritic_delay": _summary(p.dendritic_delay),
            "synapses": p.n_synapses, "plasticity": p.plasticity, "short_term": p.short_term, "latch": p.latch,
            "modulators": {group.name: gain for group, gain in p.modulators},
            **{name: _schedule(getattr(p, name)) for name in ("gate", "eligibility", "transmission")},
        }
        for p in circuit.projections
    }  # fmt: skip
    return {"dt": circuit.dt, "groups": groups, "projections": lines}


def _summary(delay: Any) -> Any:
    """A delay, or the range and a hash of many."""
    values = by_synapse(delay)
    if not np.ndim(values):
        return delay
    digest = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
    return {"range": [float(values.min()), float(values.max())] if values.size else [], "sha256": digest}


def _schedule(steps: Steps) -> Any:
    """A quantity in steps: a number, times and values, or a hash of many."""
    if steps.values.size == 1:
        return float(steps.values.ravel()[0])
    if steps.values.size <= MANY:
        return {"times": steps.times, "values": steps.values}
    digest = hashlib.sha256(steps.times.tobytes() + steps.values.tobytes()).hexdigest()
    return {"shape": list(steps.values.shape), "sha256": digest}


def _neuron(neuron: Any) -> Any:
    """Parameters of a model; of those with a value for each neuron the values, or a hash of many."""
    if neuron is None or not neuron.arrays:
        return neuron
    found = {}
    for entry in fields(neuron):
        value = getattr(neuron, entry.name)
        if entry.name == "receptors":
            value = [_neuron(one) for one in value]
        elif isinstance(value, np.ndarray) and value.size > MANY:
            value = {"shape": list(value.shape), "sha256": hashlib.sha256(value.tobytes()).hexdigest()}
        found[entry.name] = value
    return {"class": type(neuron).__name__} | found


def _kinds(given: Any) -> str:
    """What was passed, for a message."""
    if not isinstance(given, list | tuple):
        return f"a {type(given).__name__}"
    return f"a list of {', '.join(sorted({type(one).__name__ for one in given}))}"
