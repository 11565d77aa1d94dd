"""Circuits of spiking neurons as data: groups and projections on a grid of time. Running is elsewhere."""

import hashlib
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from synfwp import checks, units
from synfwp.spiking.groups import Group, Population, SpikeSource, Steps, steps_of
from synfwp.spiking.projection import Projection

Array = np.ndarray
MANY = 100  # numbers past which a hash stands for them in metadata


@dataclass(frozen=True, eq=False)
class Record:
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
            every = units.to_float(self.every, "ms", "every")
            object.__setattr__(self, "every", checks.number("every (ms)", every, 0, above=True))

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
        dt = checks.number("dt (ms)", units.to_float(self.dt, "ms", "dt"), 0, above=True)
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
            self.on_grid(f"delay of projection {p.name!r}", p.delay)
            for name in ("gate", "eligibility", "transmission"):
                self.on_grid(f"times of {name} of projection {p.name!r}", getattr(p, name).times)
            self.on_grid(f"latch of projection {p.name!r}", p.latch)
            if p.plasticity is not None:
                self._check_rule(p.plasticity)
        for group in self.groups:
            if isinstance(group, Population):
                self.on_grid(f"t_ref of {group.name!r}", group.neuron.t_ref)
                self.on_grid(f"times of drive of {group.name!r}", group.drive.times)
            elif isinstance(group, SpikeSource):
                steps_of(group, self.dt)
            else:
                self.on_grid(f"times of rate of {group.name!r}", group.rate.times)
                if group.rate.values.max() * units.per_ms(1.0) * self.dt > 1:
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

    def on_grid(self, what: str, times: Any) -> Array:
        """Times (ms) as numbers of steps, or a ValueError that names what is off the grid."""
        exact = np.asarray(times, float) / self.dt
        steps = np.round(exact)
        far = ~(np.abs(exact - steps) <= 1e-6)
        if far.any():
            off = np.atleast_1d(times)[np.atleast_1d(far)][0]
            raise ValueError(f"{what} is {off:g} ms, which is not a multiple of dt = {self.dt:g} ms.")
        return steps.astype(np.int64)

    @cached_property
    def group_index(self) -> dict[str, int]:
        """Position of each group by name."""
        return {group.name: m for m, group in enumerate(self.groups)}

    def group(self, name: str) -> Group:
        """A population or source by name."""
        return checks.lookup("group", name, {group.name: group for group in self.groups})

    def projection(self, name: str) -> Projection:
        """A projection by name."""
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
            "receptor": p.receptor, "delay": p.delay, "synapses": p.n_synapses, "plasticity": p.plasticity,
            "short_term": p.short_term, "latch": p.latch,
            "modulators": {group.name: gain for group, gain in p.modulators},
            **{name: _schedule(getattr(p, name)) for name in ("gate", "eligibility", "transmission")},
        }
        for p in circuit.projections
    }  # fmt: skip
    return {"dt": circuit.dt, "groups": groups, "projections": lines}


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
