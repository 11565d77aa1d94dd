"""A circuit while it runs: the loop over stretches in which gates and drives are constant."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cached_property, partial
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from synfwp import checks, seeds, threads, units
from synfwp.kernels import circuit as kernel
from synfwp.plasticity import StateRow
from synfwp.shown import brief
from synfwp.spiking.assembly import scratch
from synfwp.spiking.groups import Population
from synfwp.spiking.recording import Recorder
from synfwp.spiking.shares import Found, joined, shares
from synfwp.spiking.sources import BLOCK, Events
from synfwp.spiking.state import KINDS, State
from synfwp.spiking.tables import Share, Spikes
from synfwp.spiking.wiring import Record, Wiring

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray


class Simulation(State):
    """A circuit at a time: run on, look at variables, save and restore.

    Runs do not depend on how they are cut: ``run(300); run(700)`` is ``run(1000)``, bit by bit.

    Parameters
    ----------
    circuit : Circuit
    seed : int, SeedSequence or Generator

    Examples
    --------
    >>> from synfwp.spiking import LIF, Circuit, PoissonSource, Population, Projection
    >>> feed = Projection(PoissonSource(100, 20.0), Population(2, LIF()), weight=2.0)
    >>> simulation = Circuit([feed]).start(seed=1)
    >>> ds = simulation.run(200.0)
    >>> simulation.time, simulation.weights("input_to_cells").shape
    (200.0, (100, 2))
    """

    def __init__(self, circuit: Wiring, seed: seeds.Seed = 0) -> None:
        super().__init__(circuit, seed)
        self._room()

    def _room(self) -> None:
        """Room for a stretch, which outlives none."""
        self._scratch = scratch(self.circuit, self.tables)
        self._shares = [Share(np.arange(len(self.circuit.groups)), np.arange(len(self.circuit.projections)))]
        self._found: list[Found] = []

    def __repr__(self) -> str:
        """One line: how far it is."""
        return f"Simulation({self.time:g} ms, seed={brief(self.seed)}, {self.circuit!r})"

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or another process needs to go on; room to work in is made anew there."""
        anew = ("_events", "_scratch", "_shares", "_found")
        return {name: value for name, value in vars(self).items() if name not in anew}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Room to work in."""
        self.__dict__.update(state)
        self._room()

    def __copy__(self) -> Simulation:
        """A simulation of its own: the two go on apart."""
        return copy.deepcopy(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Simulation:
        """The state twice, the circuit, which nothing changes, once."""
        found = type(self).__new__(type(self))
        memo |= {id(self): found, id(self.circuit): self.circuit}
        found.__setstate__(copy.deepcopy(self.__getstate__(), memo))
        return found

    @cached_property
    def _events(self) -> Events:
        """Spikes of the sources."""
        return Events(self.circuit, self.root)

    def run(
        self, duration: Any, record: Record | Sequence[Record] = (), to: str | PathLike | None = None
    ) -> xr.Dataset:
        """Run on for ``duration`` ms.

        Parameters
        ----------
        duration : float
            ms, a multiple of dt.
        record : Record or sequence of Record
        to : path or None
            Write spikes and recorded variables to this NetCDF file as they come, so that memory stays bounded, and
            return it opened lazily. An existing file is not replaced.

        Returns
        -------
        xarray.Dataset
            ``spike_time`` (s), ``spike_unit`` and ``spike_population`` (index into the coordinate population) along
            spike; each recorded variable, ``<variable>_<name>``, with its own time (s); ``W_<projection>_end`` of
            plastic projections. What is due at the end (a latch, say) happens when the run goes on. A file of a run
            that did not end has what was written until then, and the attribute ``complete`` 0.

        Raises
        ------
        ValueError, TypeError, FloatingPointError, RuntimeError
            For a duration off the grid, a wrong record, a file that exists, numbers that are no longer finite, or a
            run of this simulation that was interrupted (Ctrl-C): its state is then between two steps.
        """
        self.check_whole()
        steps = int(self.circuit.on_grid("duration", units.number(duration, "ms", "duration", 0)))
        records = [record] if isinstance(record, Record) else list(record)
        if not all(isinstance(one, Record) for one in records):
            raise TypeError(f"record holds {checks.short(records[0])}; pass Record objects.")
        recorder = Recorder(self, records, to)
        self._spread()
        stop, times = self.step + steps, self._stops(self.step + steps, recorder)
        try:
            with tqdm(total=steps, desc="simulating", unit="step", disable=None, delay=2.0, leave=False) as bar:
                for end in map(int, times):
                    recorder.projections()
                    self.whole = False
                    self._enter()
                    self._stretch(end, recorder)
                    bar.update(end - self.step)
                    self.step, self.whole = end, True
                    if self.step % BLOCK == 0 or self.step == stop:
                        self.check_finite(weights=self.step == stop)
        except BaseException:
            recorder.abandon()
            raise
        return recorder.dataset()

    def set_gate(self, name: str, value: Any, kind: str = "gate") -> None:
        """Set a gate from the present step on, whatever was scheduled, until it is set again.

        A gate that is computed while the network runs: ``run``, look, ``set_gate``, ``run``. The result is that of a
        run whose `Steps` have these values at these times.

        Parameters
        ----------
        name : str
            Of the projection.
        value : float or None
            None: as scheduled from now on.
        kind : "gate", "eligibility" or "transmission"
            Which argument of `Projection` is replaced.

        Raises
        ------
        TypeError, ValueError
            If the value is no finite number, or the projection has no plasticity that the gate acts on.

        Examples
        --------
        >>> from synfwp.spiking import LIF, Circuit, PoissonSource, Population, Projection
        >>> feed = Projection(PoissonSource(100, 20.0), Population(2, LIF()), weight=2.0)
        >>> simulation = Circuit([feed]).start(seed=1)
        >>> simulation.set_gate("input_to_cells", 0.0, kind="transmission")
        >>> ds = simulation.run(100.0)
        >>> simulation.variable("cells", "v"), simulation.log
        (array([-70., -70.]), [[0.0, 'transmission', 'input_to_cells', 0.0]])
        """
        self.check_whole()
        one, p, row = (
            self.circuit.projection(name),
            self.position(name),
            KINDS.index(checks.one_of("kind", kind, KINDS)),
        )
        new = np.nan
        if value is not None:
            new = checks.number(f"{kind} of {name!r}", units.to_float(value, "1", f"{kind} of {name!r}"))
        rule = one.plasticity
        if kind != "transmission" and rule is None:
            raise ValueError(f"projection {name!r} has no plasticity that {kind} acts on; give it a rule.")
        if kind == "eligibility" and rule is not None and (rule.tau_e is not None or not one.collects):
            raise ValueError(
                f"projection {name!r} collects nothing that eligibility acts on; build it with an eligibility that is "
                "not 0 (1.0, say), and set it to 0 where it should not collect."
            )
        if not np.array_equal(self.gates[row, p], new, equal_nan=True):
            if isinstance(rule, StateRow):
                self.settle(p)  # up to here with the gate as it was
            self.gates[row, p] = new
            self.log.append([self.time, kind, one.name, None if value is None else new])

    def reward(self, name: str, amount: Any) -> None:
        """Reward a projection in the present step, as so many spikes of a modulator in it would.

        Parameters
        ----------
        name : str
            Of a projection whose rule has an eligibility (``tau_e``).
        amount : float
            In spikes of a modulator, of either sign: it raises the reward signal by ``amount`` times the rule's
            ``reward``. Several in one step add up.

        Raises
        ------
        TypeError, ValueError
            If the amount is no finite number, or the rule takes no reward.

        Examples
        --------
        >>> from synfwp import plasticity
        >>> from synfwp.spiking import LIF, Circuit, PoissonSource, Population, Projection
        >>> rule = plasticity.reward(0.1, 0.1)
        >>> feed = Projection(PoissonSource(10, 50.0), Population(2, LIF(), drive=25.0), weight=2.0, plasticity=rule)
        >>> simulation = Circuit([feed]).start(seed=1)
        >>> ds = simulation.run(200.0)
        >>> before = simulation.weights("input_to_cells").sum()
        >>> simulation.reward("input_to_cells", -0.5)
        >>> ds = simulation.run(200.0)
        >>> bool(simulation.weights("input_to_cells").sum() != before)
        True
        """
        self.check_whole()
        one, row = self.circuit.projection(name), self.tables.projections[self.position(name)]
        more = checks.number(f"amount of reward of {name!r}", units.to_float(amount, "1", "amount"))
        if one.plasticity is None or one.plasticity.tau_e is None:
            raise ValueError(
                f"projection {name!r} has no rule with an eligibility that a reward acts on; use plasticity.reward."
            )
        row.reward_next += one.plasticity.reward * more
        self.log.append([self.time, "reward", one.name, more])

    def _stops(self, stop: int, recorder: Recorder) -> Array:
        """Steps at which a stretch ends: blocks of sources, changes of gates, normalisation, samples of projections."""
        at = [self._multiples(BLOCK, stop), [stop] if stop > self.step else []]
        grid = self.circuit.on_grid
        for p in self.circuit.projections:
            at += [grid("times", getattr(p, name).times) for name in ("gate", "eligibility", "transmission")]
            at.append(grid("latch", p.latch))
            if p.plasticity is not None and p.plasticity.interval is not None:
                at.append(self._multiples(int(grid("interval", p.plasticity.interval)), stop))
        for group in self.circuit.groups:
            steps = group.drive if isinstance(group, Population) else getattr(group, "rate", None)
            at += [] if steps is None else [grid("times", steps.times)]
        at += [self._multiples(every, stop) for every in recorder.strides]
        found = np.unique(np.concatenate([np.asarray(part, np.int64) for part in at]))
        return found[(found > self.step) & (found <= stop)]

    def _multiples(self, every: int, stop: int) -> Array:
        """Multiples of a number of steps from the present one to another."""
        return np.arange(self.step - self.step % every + every, stop, every)

    def _enter(self) -> None:
        """What happens at the start of a stretch: latches, normalisation, gates, drives."""
        t, grid = self.step, self.circuit.on_grid
        for p, one in enumerate(self.circuit.projections):
            row, rule = self.tables.projections[p], one.plasticity
            if rule is not None:
                if t in grid("latch", one.latch):
                    self.latch(p)
                if rule.interval is not None and t > 0 and t % int(grid("interval", rule.interval)) == 0:
                    self.normalise(p)
                if t % BLOCK == 0 and np.isfinite(rule.tau_w):
                    self.settle(p)  # a row that is never visited would leak past what a float holds
                gate, collect = self.gate(p, "gate"), self.gate(p, "eligibility")
                if isinstance(rule, StateRow) and gate != row.gate:
                    self.settle(p)
                row.gate = gate if rule.tau_e is None else 0.0
                row.eligible = collect if rule.tau_e is None else gate
            row.transmit = self.gate(p, "transmission")
        for group in self.circuit.groups:
            if isinstance(group, Population):
                self.variables.neurons[self.place(group.name, "drive")] = group.drive.at(t, self.circuit.dt)

    def _spread(self) -> None:
        """What each thread runs, and room for the spikes that it finds."""
        self._shares = shares(self.circuit.apart)
        while len(self._found) < len(self._shares):
            self._found.append(Found(2 * len(self.variables.until) + 2**16))

    def _stretch(self, end: int, recorder: Recorder) -> None:
        """Steps up to ``end`` with everything that the loop holds constant."""
        sources, probes, steps = self._events.between(self.step, end), recorder.probes(self.step, end), end - self.step
        found = self._found[: len(self._shares)]
        near = {name: self._scratch._asdict()[name] for name in ("conductance", "current")}
        scratches = [self._scratch] + [
            self._scratch._replace(**{name: np.empty_like(room) for name, room in near.items()}) for _ in found[1:]
        ]
        mine = [recorder.of_share(probes, share) for share in self._shares]

        def work(k: int, stop: int, s: int) -> None:
            """Steps k to ``stop`` of a share."""

            def step(k: int, spikes: Spikes) -> int:
                return kernel.run(
                    self.rng, self.step, k, stop, steps, self.tables, self.variables, scratches[s], sources, mine[s],
                    spikes, self._shares[s],
                )  # fmt: skip

            found[s].run(step, k, stop)

        window = steps if len(found) == 1 else self.circuit.apart.window
        for k in range(0, steps, window):
            threads.each(partial(work, k, min(k + window, steps)), range(len(found)), len(found))
        recorder.spikes(*joined(found, recorder.first_units))
        recorder.samples(self.step, end, probes.out)


class Circuit(Wiring):
    """Populations and projections on a grid of time, which can be run.

    Event order within a step is Brian2's default schedule [1]_: neurons are advanced; thresholds and sources fire;
    spikes of ``delay`` ago arrive; postsynaptic changes; resets.

    Populations that reach each other only after a delay of several steps run in threads of their own where the network
    is large enough; results are the same bits as those of one thread.

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
    TypeError
        If ``projections`` or ``populations`` hold anything else.
    ValueError
        If two groups or projections have one name, or a delay, refractory period or schedule is not on the grid.

    References
    ----------
    .. [1] Stimberg, Brette & Goodman 2019, eLife 8:e47314.

    Examples
    --------
    >>> from synfwp.spiking import LIF
    >>> cells = Population(3, LIF(), drive=25.0)
    >>> Circuit([], populations=[cells]).run(100.0).sizes["spike"] > 0
    True
    """

    def start(self, seed: seeds.Seed = 0) -> Simulation:
        """A simulation of this circuit at time 0.

        Parameters
        ----------
        seed : int, SeedSequence or Generator

        Returns
        -------
        Simulation
        """
        return Simulation(self, seed)

    def run(
        self,
        duration: Any,
        seed: seeds.Seed = 0,
        record: Record | Sequence[Record] = (),
        to: str | PathLike | None = None,
    ) -> xr.Dataset:
        """Run from the start for ``duration`` ms, with the arguments, results and errors of `Simulation.run`."""
        for p in self.projections:
            if (
                p.plasticity is not None
                and p.plasticity.tau_e is not None
                and not (p.modulators or p.plasticity.baseline)
            ):
                checks.warn(
                    f"projection {p.name!r} is never rewarded, so its weights stay as they are: pass a modulator, or "
                    "use start() and Simulation.reward."
                )
        return self.start(seed).run(duration, record, to)

    def restore(self, path: str | PathLike) -> Simulation:
        """A simulation that goes on where `Simulation.save` left it; rates, drives and gates may differ from then.

        Parameters
        ----------
        path : path

        Returns
        -------
        Simulation

        Raises
        ------
        ValueError
            If the file is not such a state, is one of a synfwp before 0.1.0, or belongs to another circuit.
        """
        return Simulation.load(self, path)
