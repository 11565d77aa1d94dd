"""Circuits of spiking neurons as data: groups and projections on a grid of time. Running is elsewhere."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from synfwp import checks, seeds, units
from synfwp.spiking.groups import Group, Population, SpikeSource, steps_of
from synfwp.spiking.projection import Projection

Array = np.ndarray


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
    units : None or sequence of int
        Which neurons; of "W" and "E", which synapses (flat index, row by row); None: all.
    every : float or None
        ms between samples, a multiple of dt; None: every step of a population, every 100 ms of a projection.
    project : None or (rank, n) array
        Keep ``project @ variable`` instead; of "W" and "E" a pair of (rank, n_post) and (rank, n_pre) arrays for dense
        projections, ``left @ W.T @ right.T``.

    >>> Record("cells", "v", units=[0, 1], every=1.0).variable
    'v'
    """

    what: str
    variable: str
    units: Any = None
    every: Any = None
    project: Any = None

    def __post_init__(self) -> None:
        """One way to choose."""
        if self.units is not None and self.project is not None:
            raise ValueError(f"record of {self.what!r}: pass units or project, not both.")
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
class Circuit:
    """Populations and projections on a grid of time.

    Parameters
    ----------
    projections : sequence of Projection
        Spikes that arrive in one step are delivered in this order.
    populations : sequence of groups
        Those that no projection names.
    dt : float
        Time step, ms.

    Raises
    ------
    ValueError
        If two groups or projections have one name, or a delay, refractory period or schedule is not on the grid.

    Event order within a step is Brian2's default schedule (Stimberg, Brette & Goodman 2019, eLife 8:e47314): neurons
    are advanced; thresholds and sources fire; spikes of ``delay`` ago arrive; postsynaptic changes; resets.

    >>> from synfwp.spiking import LIF
    >>> cells = Population(3, LIF(noise=0.0), drive=25.0)
    >>> Circuit([], populations=[cells]).run(100.0).sizes["spike"] > 0
    True
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
            found |= {id(group): group for group in (p.pre, p.post, p.modulator) if group is not None}
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
                self.on_grid(f"t_ref of {group.name!r}", group.cell.t_ref)
                self.on_grid(f"times of drive of {group.name!r}", group.drive.times)
            elif isinstance(group, SpikeSource):
                steps_of(group, self.dt)
            else:
                self.on_grid(f"times of rate of {group.name!r}", group.rate.times)
                if group.rate.values.max() * units.per_ms(1.0) * self.dt > 1:
                    raise ValueError(f"rate of {group.name!r} is above one spike per step of {self.dt:g} ms; lower dt.")

    def _check_rule(self, rule: Any) -> None:
        """Times of a rule that a grid can hold."""
        if rule.every is not None and self.on_grid(f"every of rule {rule.name!r}", rule.every) < 1:
            raise ValueError(f"every of rule {rule.name!r} is {rule.every:g} ms, less than a step of {self.dt:g} ms.")
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

    def start(self, seed: seeds.Seed = 0) -> Any:
        """A `Simulation` of this circuit at time 0."""
        from synfwp.spiking.simulation import Simulation

        return Simulation(self, seed)

    def run(self, duration: Any, seed: seeds.Seed = 0, record: Any = (), to: Any = None) -> Any:
        """Run from the start for ``duration`` ms: see `Simulation.run`."""
        return self.start(seed).run(duration, record, to)

    def restore(self, path: Any) -> Any:
        """A `Simulation` that goes on where `Simulation.save` left it; rates, drives and gates may differ from then."""
        from synfwp.spiking.simulation import Simulation

        return Simulation.load(self, path)


def _kinds(given: Any) -> str:
    """What was passed, for a message."""
    if not isinstance(given, list | tuple):
        return f"a {type(given).__name__}"
    return f"a list of {', '.join(sorted({type(one).__name__ for one in given}))}"
