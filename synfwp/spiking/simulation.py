"""A circuit while it runs: a state that can be saved and restored, and the loop over stretches of constant gates."""

import copy
import hashlib
import json
import zipfile
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse
from tqdm import tqdm

from synfwp import checks, results, seeds, units
from synfwp.kernels import circuit as kernel
from synfwp.spiking import tables
from synfwp.spiking.groups import Population
from synfwp.spiking.projection import Projection
from synfwp.spiking.recording import Recorder, facts
from synfwp.spiking.sources import BLOCK, Events
from synfwp.spiking.wiring import Circuit, Record

Array = np.ndarray


class Simulation:
    """A circuit at a time: run on, look at variables, save and restore.

    Runs do not depend on how they are cut: ``run(300); run(700)`` is ``run(1000)``, bit by bit.

    Parameters
    ----------
    circuit : Circuit
    seed : int, SeedSequence or Generator

    >>> from synfwp.spiking import LIF, Circuit, PoissonSource, Population, Projection
    >>> feed = Projection(PoissonSource(100, 20.0), Population(2, LIF(noise=0.0)), weight=2.0)
    >>> simulation = Circuit([feed]).start(seed=1)
    >>> ds = simulation.run(200.0)
    >>> simulation.time, simulation.weights("input->cells").shape
    (200.0, (100, 2))
    """

    def __init__(self, circuit: Circuit, seed: seeds.Seed = 0) -> None:
        self.circuit = circuit
        self.seed = copy.deepcopy(seed)  # a Generator as it was before it was drawn from
        self.root = int(seeds.generator(seed, "circuit").integers(2**62))
        self.tables, self.state = tables.build(circuit)
        self.rng = seeds.generator(self.root, "neurons")
        self.step = 0
        self._whole = True  # False while a stretch is under way, and for ever if it was interrupted
        self._events = Events(circuit, self.root)
        J = self.tables.J
        pending = 1 + int((J[:, kernel.PENDS] * (kernel.PENDING + J[:, kernel.N_POST])).sum())
        self._pending = np.zeros(pending, np.int64), np.zeros(pending, np.int64), np.zeros(pending)
        self._pended = np.zeros(max(len(J), 1), np.int64), np.zeros(len(self.state.L), np.int64)
        widest = max(group.n for group in circuit.groups)
        self._scratch = np.zeros(widest), np.zeros(widest)
        units_all = len(self.state.until)
        self._spikes = np.zeros(2 * units_all + 2**16, np.int64), np.zeros(2 * units_all + 2**16, np.int32)

    @property
    def time(self) -> float:
        """Time reached, ms."""
        return float(self.step * self.circuit.dt)

    @cached_property
    def origin(self) -> dict[str, str | int]:
        """Provenance of what runs, as it was when it was first asked for."""
        return results.provenance(facts(self.circuit), self.seed)

    # --- running ---------------------------------------------------------------------------------------------------

    def run(self, duration: Any, record: Record | Sequence[Record] = (), to: Any = None) -> Any:
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
            plastic projections. What is due at the end of a run (a latch, say) happens when the run goes on.

        A file of a run that did not end has what was written until then, and the attribute ``complete`` 0.

        Raises
        ------
        FloatingPointError
            If a potential, a conductance or a weight is no longer finite.
        RuntimeError
            If a run of this simulation was interrupted (Ctrl-C): its state is then between two steps.
        """
        self._check_whole()
        length = units.to_float(duration, "ms", "duration")
        steps = int(self.circuit.on_grid("duration", checks.number("duration (ms)", length, 0)))
        records = [record] if isinstance(record, Record) else list(record)
        if not all(isinstance(one, Record) for one in records):
            raise TypeError(f"record holds {records[0]!r}; pass Record objects.")
        recorder = Recorder(self, records, steps, to)
        stop, times = self.step + steps, self._stops(self.step + steps, recorder)
        try:
            with tqdm(total=steps, disable=None, delay=2.0, unit="step", leave=False) as bar:
                for end in map(int, times):
                    recorder.projections(self.step)
                    self._whole = False
                    self._enter()
                    self._stretch(end, recorder)
                    bar.update(end - self.step)
                    self.step, self._whole = end, True
                    if self.step % BLOCK == 0 or self.step == stop:
                        self._check(self.step == stop)
        except BaseException:
            recorder.abandon()
            raise
        return recorder.dataset()

    def _check_whole(self) -> None:
        """Nothing goes on from a state between two steps."""
        if not self._whole:
            raise RuntimeError("a run of this simulation was interrupted; start again, or restore a saved state.")

    def _stops(self, stop: int, recorder: Recorder) -> Array:
        """Steps at which a stretch ends: blocks of sources, changes of gates, normalisation, samples of projections."""
        at = [np.arange(self.step - self.step % BLOCK + BLOCK, stop, BLOCK), [stop] if stop > self.step else []]
        grid = self.circuit.on_grid
        for p in self.circuit.projections:
            at += [grid("times", getattr(p, name).times) for name in ("gate", "eligibility", "transmission")]
            at.append(grid("latch", p.latch))
            if p.plasticity is not None and p.plasticity.every is not None:
                every = int(grid("every", p.plasticity.every))
                at.append(self._multiples(every, stop))
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
        t, JF, dt = self.step, self.tables.JF, self.circuit.dt
        for p, one in enumerate(self.circuit.projections):
            rule = one.plasticity
            if rule is not None:
                if t in self.circuit.on_grid("latch", one.latch):
                    self._latch(p, one)
                if rule.every is not None and t > 0 and t % int(self.circuit.on_grid("every", rule.every)) == 0:
                    self._normalise(p, one)
                if t % BLOCK == 0 and np.isfinite(rule.tau_w):
                    self._settle(p)  # a row that is never visited would leak past what a float holds
                gate = one.gate.values[one.gate.index_at(t, dt)]
                collect = one.eligibility.values[one.eligibility.index_at(t, dt)]
                JF[p, kernel.GATE] = gate if rule.tau_e is None else 0.0
                JF[p, kernel.ELIGIBLE] = collect if rule.tau_e is None else gate
            JF[p, kernel.TRANSMIT] = one.transmission.values[one.transmission.index_at(t, dt)]
        P = self.tables.P
        for m, group in enumerate(self.circuit.groups):
            if isinstance(group, Population):
                at = P[m, kernel.DRIVE0]
                self.state.S[at : at + group.n] = group.drive.values[group.drive.index_at(t, dt)]

    def _stretch(self, end: int, recorder: Recorder) -> None:
        """Steps up to ``end`` with everything that the loop holds constant."""
        s, t = self.state, self.tables
        ends, arriving = self._events.between(self.step, end)
        probes = recorder.probes(self.step, end)
        steps, k, found = end - self.step, 0, np.zeros(1, np.int64)
        while k < steps:
            found[0] = 0
            k = kernel.run(
                self.rng, self.step, k, steps, t.P, t.PF, t.R, t.RF, t.J, t.JF, s.S, s.T, s.L, s.W, s.until, s.ring,
                s.count, t.ptr, t.post, t.col, t.pos, t.powers, *self._pending, *self._pended, ends, arriving, *probes,
                *self._spikes, found, *self._scratch,
            )  # fmt: skip
            recorder.spikes(*(part[: found[0]] for part in self._spikes))
        recorder.samples(self.step, end, probes[-1])

    def _check(self, at_end: bool) -> None:
        """Nothing has run away; weights are looked at when a run ends."""
        S = self.state.S
        for p, one in enumerate(self.circuit.projections):
            if at_end and one.plasticity is not None and not np.isfinite(self._synapses(p)).all():
                raise FloatingPointError(
                    f"weights of {one.name!r} are not finite at {self.time:g} ms; lower its rates."
                )
        if np.isfinite(S).all():
            return
        bad = int(np.flatnonzero(~np.isfinite(S))[0])
        offsets = {at: name for name, at in self.tables.receptor.items()}
        group, variable = offsets[max(at for at in offsets if at <= bad)]
        raise FloatingPointError(f"{variable} of {group!r} is {S[bad]:g} at {self.time:g} ms; lower the weights or dt.")

    # --- synapses --------------------------------------------------------------------------------------------------

    def _settle(self, p: int) -> None:
        """Traces and weights of a projection at the present step."""
        s, t = self.state, self.tables
        kernel.settle(t.J, t.JF, s.T, s.L, s.W, t.ptr, p, self.step)

    def _synapses(self, p: int, eligibility: bool = False) -> Array:
        """The stored weights (or eligibilities) of a projection, a view."""
        row, n = self.tables.J[p], self.circuit.projections[p].n_synapses
        first = row[kernel.SYN0] + (row[kernel.E0] if eligibility else 0)
        return self.state.W[first : first + n]

    def _latch(self, p: int, one: Projection) -> None:
        """Apply what was collected, and collect anew."""
        if self.tables.J[p, kernel.E0] < 0:
            return
        self._settle(p)
        W, E, rule = self._synapses(p), self._synapses(p, True), one.plasticity
        np.clip(W + E, rule.w_min, rule.w_max, out=W)  # type: ignore[union-attr]
        E[:] = 0

    def _normalise(self, p: int, one: Projection) -> None:
        """Scale the incoming weights of each neuron to their total."""
        self._settle(p)
        W, rule = self._synapses(p), one.plasticity
        post = one.columns
        total = np.bincount(post, W, minlength=one.shape[1])
        factor = np.where(total > 0, rule.total / np.where(total > 0, total, 1), 1.0)  # type: ignore[union-attr]
        np.clip(W * factor[post], rule.w_min, rule.w_max, out=W)  # type: ignore[union-attr]

    # --- looking ---------------------------------------------------------------------------------------------------

    def weights(self, name: str) -> Any:
        """Weights of a projection now: (n_pre, n_post), or a sparse array of the same synapses."""
        one = self.circuit.projection(name)
        values = self.variable(name, "W")
        if one.dense:
            return values.reshape(one.shape)
        return scipy.sparse.csr_array((values, one.weight.indices, one.weight.indptr), shape=one.shape)

    def set_weights(self, name: str, weight: Any) -> None:
        """Replace the weights of a projection; the synapses stay the same ones.

        Raises
        ------
        ValueError
            If the shape or the stored entries differ, or a weight is out of bounds.
        """
        one, p = self.circuit.projection(name), self._position(name)
        new = one.checked(weight)
        same = isinstance(new, np.ndarray) == one.dense
        if same and not one.dense:
            same = np.array_equal(new.indptr, one.weight.indptr) and np.array_equal(new.indices, one.weight.indices)
        if not same:
            raise ValueError(
                f"weight of {name!r} has other synapses than the projection; pass the same stored entries."
            )
        self._settle(p)
        self._synapses(p)[:] = new.ravel() if one.dense else new.data

    def variable(self, what: str, name: str) -> Array:
        """A variable of a population or projection now, by the names of `Record`.

        Raises
        ------
        ValueError
            If there is none of this name.
        """
        if what in self.circuit.group_index:
            return self.state.S[self._slice(what, name)].copy()
        one, p = self.circuit.projection(what), self._position(what)
        row, JF, T = self.tables.J[p], self.tables.JF[p], self.state.T
        n_pre, n_post = one.shape
        since = self.step - self.state.L[row[kernel.LAST0] : row[kernel.LAST0] + n_pre]
        self._has(one, name)
        if name in ("W", "E"):
            values = self._synapses(p, name == "E").copy()
            if name == "W" and JF[kernel.W_LOG] != 0:
                lengths = np.full(n_pre, n_post) if one.dense else np.diff(one.weight.indptr)
                values *= np.repeat(np.exp(JF[kernel.W_LOG] * since), lengths)
            return values
        if name in ("y1", "y2"):
            at = row[kernel.Y0] + (n_post if name == "y2" else 0)
            return T[at : at + n_post].copy()
        if name in ("x1", "x2"):
            at = row[kernel.X0] + (n_pre if name == "x2" else 0)
            return T[at : at + n_pre] * np.exp(JF[kernel.X1_LOG if name == "x1" else kernel.X2_LOG] * since)
        rest, log = (JF[kernel.U_REST], JF[kernel.FACIL_LOG]) if name == "u" else (1.0, JF[kernel.REC_LOG])
        at = row[kernel.STP0] + (0 if name == "u" else n_pre)
        return rest + (T[at : at + n_pre] - rest) * np.exp(log * since)

    def _has(self, one: Projection, name: str) -> None:
        """Refuse a variable that a projection does not have."""
        names = ["W"]
        if one.plasticity is not None:
            reads_y2 = one.plasticity.pre_y2 or one.plasticity.post_xy
            names += ["x1", "x2", "y1"] + (["y2"] if reads_y2 else []) + (["E"] if one.collects else [])
        if one.short_term is not None:
            names += ["u", "x"]
        checks.one_of(f"variable of projection {one.name!r}", name, names)

    def _slice(self, what: str, name: str) -> slice:
        """Where a variable of a population stands in S."""
        group = self.circuit.group(what)
        names = {variable: at for (owner, variable), at in self.tables.receptor.items() if owner == what}
        if not names:
            raise ValueError(f"source {what!r} has no variables; its spikes are always kept.")
        at = checks.lookup(f"variable of population {what!r}", name, names)
        return slice(at, at + group.n)

    def _position(self, name: str) -> int:
        """Index of a projection."""
        return [p.name for p in self.circuit.projections].index(self.circuit.projection(name).name)

    # --- saving ----------------------------------------------------------------------------------------------------

    def save(self, path: Any, force: bool = False) -> Any:
        """Write the state (NumPy's npz, nothing executable); `Circuit.restore` goes on from it.

        Raises
        ------
        OSError
            If the file exists and ``force`` is not set, or cannot be written.
        """
        self._check_whole()
        s = self.state
        facts = {"synfwp_format": results.FORMAT, "step": self.step, "root": self.root, "circuit": self._fingerprint()}
        facts["seed"] = self.seed if isinstance(self.seed, int) else None
        facts["rng"] = self.rng.bit_generator.state
        arrays = {name: getattr(s, name) for name in vars(s)} | {"rewards": self.tables.JF[:, kernel.D]}

        def write(to: Any) -> None:
            with open(to, "wb") as file:
                np.savez(file, facts=np.array(json.dumps(facts)), **arrays)

        return results.write_atomically(path, write, force)

    @classmethod
    def load(cls, circuit: Circuit, path: Any) -> "Simulation":
        """The simulation that `save` wrote, of a circuit with the same groups, synapses, rules and grid.

        Raises
        ------
        ValueError
            If the file is not such a state, is one of a synfwp before 0.1.0, or belongs to another circuit.
        """
        found = cls(circuit)
        try:
            with np.load(path, allow_pickle=False) as file:
                facts = json.loads(str(file["facts"]))
                arrays = {name: file[name] for name in [*vars(found.state), "rewards"]}
        except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is not a state that Simulation.save wrote: {error}") from error
        results.check_format(facts.get("synfwp_format"), path)
        if facts["circuit"] != found._fingerprint():
            raise ValueError(f"{path} is the state of another circuit; build the circuit as it was when it was saved.")
        found.step, found.root = facts["step"], facts["root"]
        found.seed = found.root if facts["seed"] is None else facts["seed"]
        found.tables.JF[:, kernel.D] = arrays.pop("rewards")
        for name, value in arrays.items():
            getattr(found.state, name)[:] = value
        found._events = Events(circuit, found.root)
        found.__dict__.pop("origin", None)
        found.rng = seeds.generator(found.root, "neurons")
        found.rng.bit_generator.state = facts["rng"]
        return found

    def _fingerprint(self) -> str:
        """A hash of the tables: what runs, but for schedules and the state."""
        t, digest = self.tables, hashlib.sha256()
        constant = t.JF.copy()
        constant[:, [kernel.GATE, kernel.ELIGIBLE, kernel.TRANSMIT, kernel.D]] = 0
        for part in (t.P, t.PF, t.R, t.RF, t.J, constant, t.ptr, t.post):
            digest.update(np.ascontiguousarray(part).tobytes())
        names = [g.name for g in self.circuit.groups] + [p.name for p in self.circuit.projections]
        digest.update(json.dumps([names, self.circuit.dt]).encode())
        return digest.hexdigest()
