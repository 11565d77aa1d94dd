"""Circuits of spiking neurons as data: sources, populations, and projections with plastic synapses."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse

from synfwp import checks, seeds, units
from synfwp.plasticity import PairSTDP, SynapticRule, TripletSTDP, triplet
from synfwp.spiking.cells import Cell, receptors_of

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Steps:
    """A quantity that is constant from one time to the next: ``values[m]`` holds from ``times[m]`` (ms) on.

    Parameters
    ----------
    times : (M,) array_like
        Increasing, from 0; multiples of the circuit's dt.
    values : (M,) or (M, n) array_like
        Numbers, or one per neuron.

    Raises
    ------
    ValueError
        If the times do not start at 0 and increase, or there are not as many values.

    >>> Steps([0.0, 100.0], [1.0, 0.0]).values.tolist()
    [1.0, 0.0]
    """

    times: Any
    values: Any

    def __post_init__(self) -> None:
        """Times start at 0 and increase; one value (or row) for each."""
        times = np.atleast_1d(units.to_float(self.times, "ms", "times")).astype(float)
        values = np.asarray(self.values, float)
        if times.ndim != 1 or not len(times) or times[0] != 0 or (np.diff(times) <= 0).any():
            raise ValueError(
                f"times of Steps start with {times[:3].tolist()}; pass increasing times in ms, the first 0."
            )
        if values.ndim not in (1, 2) or len(values) != len(times):
            raise ValueError(f"Steps has {len(times)} times but values of shape {values.shape}; pass one value each.")
        if not np.isfinite(values).all():
            raise ValueError("values of Steps are not all finite.")
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "values", values)

    def index_at(self, step: int, dt: float) -> int:
        """Which value holds at a step of the grid."""
        return int(np.searchsorted(np.round(self.times / dt), step, side="right")) - 1


def as_steps(name: str, value: Any, unit: str, n: int | None = None, low: float = -np.inf) -> Steps:
    """A number, an array of one value per neuron, or Steps, as Steps in ``unit`` with values that fit n neurons."""
    if not isinstance(value, Steps):
        plain = np.asarray(units.to_float(value, unit, name), float)
        if plain.ndim > 1:
            raise ValueError(f"{name} has shape {plain.shape}; pass a number, one per neuron, or Steps.")
        value = Steps([0.0], plain[None])
    if value.values.ndim == 2 and value.values.shape[1] != n:
        wanted = "numbers" if n is None else f"{n} values"
        raise ValueError(f"{name} has {value.values.shape[1]} values at a time; pass {wanted}.")
    if not np.isfinite(value.values).all() or (value.values < low).any():
        raise ValueError(f"{name} holds {value.values.min():g}; pass finite numbers of at least {low:g} ({unit}).")
    return value


@dataclass(frozen=True, eq=False)
class PoissonSource:
    """Units that fire at random: in each step with probability ``rate dt``, at most once.

    Parameters
    ----------
    n : int
    rate : float, (n,) array or Steps
        Hz.
    name : str

    >>> PoissonSource(100, rate=15.0).n
    100
    """

    n: int
    rate: Any
    name: str = "input"

    def __post_init__(self) -> None:
        """A count and rates of at least 0."""
        checks.count("n", self.n)
        object.__setattr__(self, "rate", as_steps(f"rate of {self.name!r}", self.rate, "Hz", self.n, 0.0))


@dataclass(frozen=True, eq=False)
class SpikeSource:
    """Units that fire at prescribed times, such as recorded ones.

    Parameters
    ----------
    n : int
        Number of units.
    times : (n_spikes,) array_like
        ms, in increasing order (equal times for different units are allowed).
    units : (n_spikes,) array_like of int
        The unit of each spike.
    name : str

    Raises
    ------
    ValueError
        If a time is negative or out of order, a unit does not exist, or a unit fires twice at the same time.

    >>> SpikeSource(2, times=[1.0, 3.5], units=[0, 1]).n
    2
    """

    n: int
    times: Any
    units: Any
    name: str = "input"

    def __post_init__(self) -> None:
        """Times in order, units that exist."""
        checks.count("n", self.n)
        times = np.atleast_1d(np.asarray(units.to_float(self.times, "ms", f"times of {self.name!r}"), float))
        which = np.atleast_1d(np.asarray(self.units))
        if which.size == 0:
            which = which.astype(int)
        if times.shape != which.shape or times.ndim != 1:
            raise ValueError(f"source {self.name!r} has times of shape {times.shape} and units of shape {which.shape}.")
        if which.dtype.kind not in "iu" or (which.size and not 0 <= which.min() <= which.max() < self.n):
            raise ValueError(f"units of source {self.name!r} are not all integers from 0 to {self.n - 1}.")
        if not np.isfinite(times).all() or (times < 0).any():
            raise ValueError(f"times of source {self.name!r} are not all finite and at least 0 ms.")
        back = np.flatnonzero(np.diff(times) < 0)
        if back.size:
            m = int(back[0])
            raise ValueError(
                f"source {self.name!r} is out of order: spike {m + 1} is at {times[m + 1]:g} ms after one at "
                f"{times[m]:g} ms; sort the spikes by time."
            )
        object.__setattr__(self, "times", times)
        object.__setattr__(self, "units", which.astype(np.int64))


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one model.

    Parameters
    ----------
    n : int
    cell : LIF, AdEx or TwoCompartment
    name : str
    drive : float, (n,) array or Steps
        Current injected into the soma, pA (with ``g_leak=1.0``: mV).
    v_init : None, float or (n,) array
        Membrane potentials at the start, mV; None: rest.

    >>> from synfwp.spiking import LIF
    >>> Population(10, LIF(noise=0.0), name="cells").n
    10
    """

    n: int
    cell: Cell
    name: str = "cells"
    drive: Any = 0.0
    v_init: Any = None

    def __post_init__(self) -> None:
        """A count, a model, and numbers that fit."""
        checks.count("n", self.n)
        if not isinstance(self.cell, Cell):
            raise TypeError(f"cell of {self.name!r} is a {type(self.cell).__name__}; pass LIF, AdEx or TwoCompartment.")
        object.__setattr__(self, "drive", as_steps(f"drive of {self.name!r}", self.drive, "pA", self.n))
        start = self.cell.v_rest if self.v_init is None else units.to_float(self.v_init, "mV", "v_init")
        if np.shape(start) not in ((), (self.n,)) or not np.isfinite(start).all():
            raise ValueError(f"v_init of {self.name!r} has shape {np.shape(start)}; pass a number or {self.n} of them.")
        object.__setattr__(self, "v_init", np.broadcast_to(np.asarray(start, float), (self.n,)))


Source = PoissonSource | SpikeSource
Group = Population | PoissonSource | SpikeSource


@dataclass(frozen=True, kw_only=True)
class ShortTerm:
    """Short-term plasticity (Tsodyks & Markram 1997, PNAS 94:719; Mongillo, Barak & Tsodyks 2008, Science 319:1543).

    At a spike u is raised, ``u += U (1 - u)``, then ``u x`` is released and taken off x; between spikes x recovers to 1
    with ``tau_rec`` and u relaxes to ``u_rest`` with ``tau_facil`` (ms). The weight is multiplied by ``u x``. With
    ``u_rest=0`` this is both papers' model: the u of Mongillo et al., which rests at U and is raised after the release,
    is ours just after it has been raised. It is a gain of the presynaptic neuron alone: it cannot bind a key to a
    value.

    >>> ShortTerm(U=0.5, tau_rec=800.0, tau_facil=1e-3).released([100.0] * 100)[-1].round(4)
    np.float64(0.1051)
    """

    U: float
    tau_rec: Any
    tau_facil: Any
    u_rest: float = 0.0

    def __post_init__(self) -> None:
        """Shares between 0 and 1, times above 0."""
        object.__setattr__(self, "U", checks.number("U", self.U, 0, 1, above=True))
        object.__setattr__(self, "u_rest", checks.number("u_rest", self.u_rest, 0, 1))
        for name in ("tau_rec", "tau_facil"):
            value = units.to_float(getattr(self, name), "ms", name)
            object.__setattr__(self, name, checks.number(f"{name} (ms)", value, 0, above=True))

    def released(self, intervals: Any) -> Array:
        """Share ``u x`` released at each spike of a train that starts at rest.

        Parameters
        ----------
        intervals : (n,) array_like
            Time since the spike before, ms; the first entry is not used.
        """
        u, x, found = self.u_rest, 1.0, []
        for m, wait in enumerate(np.atleast_1d(np.asarray(intervals, float))):
            if m:
                u = self.u_rest + (u - self.u_rest) * np.exp(-wait / self.tau_facil)
                x = 1 + (x - 1) * np.exp(-wait / self.tau_rec)
            u += self.U * (1 - u)
            found.append(u * x)
            x -= u * x
        return np.array(found)


@dataclass(frozen=True, eq=False)
class Projection:
    """Synapses from one group to a population.

    Parameters
    ----------
    pre : Population, PoissonSource or SpikeSource
    post : Population
    weight : float, (n_pre, n_post) array, or sparse array
        By the receptor in nS or pA. Numbers and arrays make all connections; of a SciPy sparse array the stored entries
        are the synapses, those that store 0 too.
    receptor : str or None
        Name of the postsynaptic receptor; None if there is one; "none" transmits nothing.
    delay : float
        ms, a multiple of dt, from spike to arrival. Presynaptic traces follow arrivals.
    plasticity : None, SynapticRule, PairSTDP or TripletSTDP
    short_term : None or ShortTerm
    gate : float or Steps
        Multiplies all changes of the weight: beta(t).
    eligibility : float or Steps
        Multiplies the changes that are collected, not applied: see ``latch``.
    latch : sequence of float
        Times (ms) at which what was collected is added to the weights, and the collection starts anew.
    transmission : float or Steps
        Multiplies what is transmitted; 0 cuts it.
    modulator : None or a group
        Its spikes raise the reward of rules with an eligibility trace.
    name : str
        Default ``"pre->post"``.

    Raises
    ------
    TypeError, ValueError
        Naming the projection and the argument.

    >>> from synfwp.spiking import LIF
    >>> feed = Projection(PoissonSource(5, 10.0), Population(2, LIF(noise=0.0)), weight=0.5)
    >>> feed.name, feed.shape, feed.dense
    ('input->cells', (5, 2), True)
    """

    pre: Group
    post: Population
    weight: Any
    receptor: str | None = None
    delay: Any = 0.0
    plasticity: Any = None
    short_term: ShortTerm | None = None
    gate: Any = 1.0
    eligibility: Any = 0.0
    latch: Any = ()
    transmission: Any = 1.0
    modulator: Group | None = None
    name: str = ""

    def __post_init__(self) -> None:
        """Fields of the right kind that fit each other."""
        if not isinstance(self.pre, Group):
            raise TypeError(f"pre is a {type(self.pre).__name__}; pass a Population or a source.")
        if not isinstance(self.post, Population):
            raise TypeError(f"post is a {type(self.post).__name__}; pass a Population.")
        put = object.__setattr__
        put(self, "name", self.name or f"{self.pre.name}->{self.post.name}")
        label = f"projection {self.name!r}"
        put(self, "weight", _weights(self.weight, (self.pre.n, self.post.n), label))
        put(self, "receptor", self._receptor(label))
        delay = units.to_float(self.delay, "ms", f"delay of {label}")
        put(self, "delay", checks.number(f"delay (ms) of {label}", delay, 0))
        put(self, "plasticity", _rule(self.plasticity, label))
        if self.short_term is not None and not isinstance(self.short_term, ShortTerm):
            raise TypeError(f"short_term of {label} is a {type(self.short_term).__name__}; pass a ShortTerm.")
        for name in ("gate", "eligibility", "transmission"):
            put(self, name, as_steps(f"{name} of {label}", getattr(self, name), "1"))
        latch = np.atleast_1d(np.asarray(units.to_float(list(self.latch), "ms", f"latch of {label}"), float))
        if (np.diff(latch) <= 0).any() or (latch < 0).any():
            raise ValueError(f"latch of {label} has times that do not increase from 0 ms on.")
        put(self, "latch", latch)
        self._check_rule(label)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of pre- and postsynaptic neurons."""
        return self.pre.n, self.post.n

    @property
    def dense(self) -> bool:
        """Whether every pair of neurons has a synapse."""
        return isinstance(self.weight, np.ndarray)

    @property
    def n_synapses(self) -> int:
        """Number of synapses."""
        return int(self.weight.size if self.dense else self.weight.nnz)

    def _receptor(self, label: str) -> str:
        """The name of the receptor that is meant."""
        names = [one.name for one in receptors_of(self.post.cell)]
        if self.receptor is None:
            if len(names) > 1:
                raise ValueError(f"{label} does not say which receptor of {self.post.name!r}: {', '.join(names)}.")
            return names[0]
        return checks.one_of(f"receptor of {label}", self.receptor, [*names, "none"])

    def _check_rule(self, label: str) -> None:
        """What a rule needs of its projection."""
        rule = self.plasticity
        if rule is None:
            return
        if rule.error == "prediction" and not hasattr(self.post.cell, "g_dendrite"):
            raise ValueError(
                f"rule {rule.name!r} of {label} reads a dendrite; give {self.post.name!r} TwoCompartment cells."
            )
        names = [one.name for one in receptors_of(self.post.cell)]
        if rule.error not in ("", "prediction", *names):
            raise ValueError(
                f"rule {rule.name!r} of {label} reads the receptor {rule.error!r}; the cells have {names}."
            )
        if (rule.tau_e is None) != (self.modulator is None):
            raise ValueError(f"{label}: an eligibility trace (tau_e) and a modulator go together.")
        low, high = float(rule.w_min), float(rule.w_max)
        w = self.weight if self.dense else self.weight.data
        if w.size and (w.min() < low or w.max() > high):
            raise ValueError(f"weights of {label} run from {w.min():g} to {w.max():g}, outside [{low:g}, {high:g}].")


def _weights(weight: Any, shape: tuple[int, int], label: str) -> Any:
    """A full array, or a CSR array with sorted rows."""
    if scipy.sparse.issparse(weight):
        found = scipy.sparse.csr_array(weight, dtype=float, copy=True)
        found.sort_indices()
        stored = found.data
    else:
        if np.ndim(weight) not in (0, 2):
            raise ValueError(
                f"weight of {label} has shape {np.shape(weight)}; pass a number, {shape}, or a sparse array."
            )
        found = stored = np.full(shape, float(weight)) if np.ndim(weight) == 0 else np.array(weight, float)
    if found.shape != shape:
        raise ValueError(f"weight of {label} has shape {found.shape}; pass (n_pre, n_post) = {shape}.")
    if not np.isfinite(stored).all():
        raise ValueError(f"weight of {label} is not all finite.")
    return found


def _rule(rule: Any, label: str) -> SynapticRule | None:
    """A row of plasticity."""
    if isinstance(rule, PairSTDP | TripletSTDP):
        return triplet(rule)
    if rule is not None and not isinstance(rule, SynapticRule):
        raise TypeError(
            f"plasticity of {label} is a {type(rule).__name__}; pass a SynapticRule, PairSTDP or TripletSTDP."
        )
    return rule


def random_synapses(
    n_pre: int, n_post: int, probability: float, weight: float, seed: seeds.Seed, self_connections: bool = True
) -> scipy.sparse.csr_array:
    """Synapses of one weight between pairs of neurons that are each connected with a probability.

    Parameters
    ----------
    n_pre, n_post : int
    probability, weight : float
    seed : int, SeedSequence or Generator
    self_connections : bool
        False leaves out the pairs (i, i).

    >>> random_synapses(100, 50, 0.1, 2.0, seed=0).shape
    (100, 50)
    """
    checks.count("n_pre", n_pre)
    checks.count("n_post", n_post)
    p = checks.number("probability", probability, 0, 1)
    rng = seeds.generator(seed, "synapses")
    rows = [np.flatnonzero(rng.random(n_post) < p) for _ in range(n_pre)]
    if not self_connections:
        rows = [found[found != j] for j, found in enumerate(rows)]
    ends = np.concatenate([[0], np.cumsum([len(found) for found in rows])])
    indices = np.concatenate(rows) if rows else np.zeros(0, int)
    return scipy.sparse.csr_array((np.full(len(indices), float(weight)), indices, ends), shape=(n_pre, n_post))


@dataclass(frozen=True, eq=False)
class Record:
    """What to keep of a run beside its spikes.

    Parameters
    ----------
    what : str
        Name of a population or a projection.
    variable : str
        Of a population: "v", "w" (adaptation or dendrite) or a receptor. Of a projection: "W" (weights), "E"
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
        put(self, "projections", tuple(self.projections))
        found: dict[int, Group] = {id(group): group for group in self.populations}
        for p in self.projections:
            if not isinstance(p, Projection):
                raise TypeError(f"projections holds a {type(p).__name__}; pass Projection objects.")
            found |= {id(group): group for group in (p.pre, p.post, p.modulator) if group is not None}
        put(self, "groups", tuple(found.values()))
        for kind, named in (("groups", self.groups), ("projections", self.projections)):
            names = [one.name for one in named]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"two {kind} are named {twice[0]!r}; give each its own name.")
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
            if p.plasticity is not None and p.plasticity.every is not None:
                self.on_grid(f"every of rule {p.plasticity.name!r}", p.plasticity.every)
        for group in self.groups:
            if isinstance(group, Population):
                self.on_grid(f"t_ref of {group.name!r}", group.cell.t_ref)
                self.on_grid(f"times of drive of {group.name!r}", group.drive.times)
            elif isinstance(group, PoissonSource):
                self.on_grid(f"times of rate of {group.name!r}", group.rate.times)
                if group.rate.values.max() * units.per_ms(1.0) * self.dt > 1:
                    raise ValueError(f"rate of {group.name!r} is above one spike per step of {self.dt:g} ms; lower dt.")

    def on_grid(self, what: str, times: Any) -> Array:
        """Times (ms) as numbers of steps, or a ValueError that names what is off the grid."""
        exact = np.asarray(times, float) / self.dt
        steps = np.round(exact)
        if (np.abs(exact - steps) > 1e-6).any():
            off = np.atleast_1d(times)[np.atleast_1d(np.abs(exact - steps) > 1e-6)][0]
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
        """A `Simulation` that goes on where `Simulation.save` left it."""
        from synfwp.spiking.simulation import Simulation

        return Simulation.load(self, path)
