"""The state of a circuit at a step: its tables and variables, what is looked at or changed between stretches, files."""

import copy
import hashlib
import json
import zipfile
import zlib
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
import scipy.sparse

from synfwp import checks, results, seeds
from synfwp.kernels import circuit as kernel
from synfwp.plasticity import SpikeResponse, SynapticRule
from synfwp.spiking import assembly, state_rules
from synfwp.spiking.connections import Fibres, by_synapse
from synfwp.spiking.projection import Projection
from synfwp.spiking.tables import CHANGING
from synfwp.spiking.wiring import Wiring, metadata

Array = np.ndarray
_BESIDE = ("rewards", "next_rewards", "gates")  # what a state holds beside its variables
KINDS = ("gate", "eligibility", "transmission")

# What NumPy and the zip module raise for another file.
_NO_STATE = (KeyError, ValueError, EOFError, TypeError, AttributeError, IsADirectoryError, zipfile.BadZipFile)


class State:
    """A circuit at a time: what its variables are, changes between steps, saving and restoring.

    Parameters
    ----------
    circuit : Wiring or Circuit
    seed : int, SeedSequence or Generator

    Raises
    ------
    TypeError
        If ``seed`` is none of these.

    Examples
    --------
    >>> from synfwp.spiking import LIF, Population
    >>> state = State(Wiring([], [Population(2, LIF())]))
    >>> state.time, state.variable("cells", "v")
    (0.0, array([-70., -70.]))
    """

    def __init__(self, circuit: Wiring, seed: seeds.Seed = 0) -> None:
        self.circuit = circuit
        self.seed = copy.deepcopy(seed)  # a Generator as it was before it was drawn from
        self.root = int(seeds.generator(seed, "circuit").integers(2**62))
        self.rng = seeds.generator(self.root, "neurons")
        self.tables, self.variables, self.offsets = assembly.build(circuit)
        self.step = 0
        self.gates = np.full((len(KINDS), len(circuit.projections)), np.nan)  # that were set; NaN: as scheduled
        self.log: list[list[Any]] = []  # [time (ms), what was done, projection, value]
        self.whole = True  # False while a stretch is under way, and for ever if it was interrupted

    @property
    def time(self) -> float:
        """Time reached, ms."""
        return float(self.step * self.circuit.dt)

    @cached_property
    def provenance(self) -> dict[str, str | int]:
        """Provenance of what runs, as it was when it was first asked for."""
        return results.provenance(metadata(self.circuit), self.seed)

    def check_whole(self) -> None:
        """Nothing goes on from a state between two steps.

        Raises
        ------
        RuntimeError
            If a run was interrupted.
        """
        if not self.whole:
            raise RuntimeError("a run of this simulation was interrupted; start again, or restore a saved state.")

    def check_finite(self, weights: bool) -> None:
        """Nothing has run away, of neurons and, where this is asked for, of weights.

        Raises
        ------
        FloatingPointError
            Naming what has.
        """
        S = self.variables.neurons
        for p, one in enumerate(self.circuit.projections):
            if weights and one.plasticity is not None and not np.isfinite(self.synapses(p)).all():
                raise FloatingPointError(
                    f"weights of {one.name!r} are not finite at {self.time:g} ms; lower its rates."
                )
        if np.isfinite(S).all():
            return
        bad = int(np.flatnonzero(~np.isfinite(S))[0])
        names = {at: name for name, at in self.offsets.items()}
        group, variable = names[max(at for at in names if at <= bad)]
        raise FloatingPointError(f"{variable} of {group!r} is {S[bad]:g} at {self.time:g} ms; lower the weights or dt.")

    # --- changes between steps -------------------------------------------------------------------------------------

    def settle(self, p: int) -> None:
        """Bring traces and weights of projection p to the present step."""
        state_rules.settle(self.tables, self.variables, p, self.circuit.projections[p].n_synapses, self.step)
        kernel.settle(self.tables, self.variables, p, self.step)

    def synapses(self, p: int, eligibility: bool = False) -> Array:
        """The stored weights (or eligibilities) of projection p, in the order of its layout: a view."""
        row, n = self.tables.projections[p], self.circuit.projections[p].n_synapses
        first = row.synapse0 + (row.eligibility0 if eligibility else 0)
        return self.variables.synapses[first : first + n]

    def latch(self, p: int) -> None:
        """Apply what projection p has collected, and collect anew."""
        rule = self.circuit.projections[p].plasticity
        if rule is None or self.tables.projections[p].eligibility0 < 0:
            return
        self.settle(p)
        W, E = self.synapses(p), self.synapses(p, True)
        np.clip(W + E, rule.w_min, rule.w_max, out=W)
        E[:] = 0

    def normalise(self, p: int) -> None:
        """Scale the incoming weights of each neuron of projection p to their total."""
        one = self.circuit.projections[p]
        rule, post = one.plasticity, self.circuit.layouts[p].stored(one.columns)
        self.settle(p)
        W = self.synapses(p)
        total = np.bincount(post, W, minlength=one.shape[1])
        factor = np.where(total > 0, rule.total / np.where(total > 0, total, 1), 1.0)
        np.clip(W * factor[post], rule.w_min, rule.w_max, out=W)

    def gate(self, p: int, kind: str, step: int | None = None) -> float:
        """What a gate of projection p is at the present step, or was at another: as set, or as scheduled."""
        new, t = self.gates[KINDS.index(kind), p], self.step if step is None else max(step, 0)
        return float(getattr(self.circuit.projections[p], kind).at(t, self.circuit.dt) if np.isnan(new) else new)

    def set_weights(self, name: str, weight: Any) -> None:
        """Replace the weights of a projection; the synapses stay the same ones.

        Parameters
        ----------
        name : str
            Of the projection.
        weight : float, (n_pre, n_post) array, or sparse array
            As `Projection` takes it.

        Raises
        ------
        ValueError
            If the shape or the stored entries differ, or a weight is out of bounds.
        """
        one, p = self.circuit.projection(name), self.position(name)
        new: Any = one.checked(weight)
        same = isinstance(new, np.ndarray) == one.dense
        if same and not one.dense:
            same = np.array_equal(new.indptr, one.weight.indptr) and np.array_equal(new.indices, one.weight.indices)
        if not same:
            raise ValueError(
                f"weight of {name!r} has other synapses than the projection; pass the same stored entries."
            )
        self.settle(p)
        self.synapses(p)[:] = self.circuit.layouts[p].stored(new.ravel() if one.dense else new.data)

    # --- looking ---------------------------------------------------------------------------------------------------

    def weights(self, name: str) -> Array | scipy.sparse.csr_array:
        """Weights of a projection now.

        Parameters
        ----------
        name : str

        Returns
        -------
        (n_pre, n_post) array, or scipy.sparse.csr_array
            A sparse array where the projection was given one, of the same synapses; a copy.
        """
        one = self.circuit.projection(name)
        values = self.variable(name, "W")
        if one.dense:
            return values.reshape(one.shape)
        found = one.weight.copy()  # its structure too is the caller's own
        found.data[:] = values
        return found

    def variable(self, what: str, name: str) -> Array:
        """A variable of a population or projection now, by the names of `Record`.

        Parameters
        ----------
        what, name : str
            The population or projection, and its variable.

        Returns
        -------
        (n,) array
            One value for each neuron or synapse (row by row); a copy. Traces, u and x have one for each synapse where
            the delay is an array.

        Raises
        ------
        ValueError
            If there is none of this name.
        """
        if what in self.circuit.group_index:
            return self.variables.neurons[self.place(what, name)].copy()
        one, p = self.circuit.projection(what), self.position(what)
        self._has(one, name)
        row, T = self.tables.projections[p], self.variables.traces
        made, n_pre, n_post = self.circuit.layouts[p], row.n_pre, row.n_post
        since = self.step - self.variables.visits[row.visit0 : row.visit0 + n_pre]
        if name in ("W", "E"):
            found = state_rules.brought(self.tables, self.variables, p, one.n_synapses, self.step)
            values = made.by_row(self.synapses(p, name == "E") if found is None else found[1])
            if name == "W" and row.w_log != 0:
                values *= np.exp(row.w_log * since)[
                    one.rows if made.axons.of_synapse is None else made.axons.of_synapse
                ]
            return values
        if name in ("y1", "y2"):
            at = row.y0 + (n_post if name == "y2" else 0)
            return _spread(T[at : at + n_post].copy(), made.dendrites, one.columns, one.dendritic_delay)
        if name in ("x1", "x2"):
            at = row.x0 + (n_pre if name == "x2" else 0)
            values = T[at : at + n_pre] * np.exp(row[f"{name}_log"] * since)
        else:
            rest, log = (row.u_rest, row.facil_log) if name == "u" else (1.0, row.rec_log)
            at = row.short_term0 + (0 if name == "u" else n_pre)
            values = rest + (T[at : at + n_pre] - rest) * np.exp(log * since)
        return _spread(values, made.axons, one.rows, one.delay)

    def place(self, what: str, name: str) -> slice:
        """Where a variable of a population stands among those of all neurons.

        Raises
        ------
        ValueError
            If there is none of this name.
        """
        group = self.circuit.group(what)
        names = {variable: at for (owner, variable), at in self.offsets.items() if owner == what}
        if not names:
            raise ValueError(f"source {what!r} has no variables; its spikes are always kept.")
        at = checks.lookup(f"variable of population {what!r}", name, names)
        return slice(at, at + group.n)

    def _has(self, one: Projection, name: str) -> None:
        """Refuse a variable that a projection does not have."""
        names = ["W"]
        if isinstance(one.plasticity, SynapticRule):
            reads_y2 = one.plasticity.pre_y2 or one.plasticity.post_xy
            names += ["x1", "x2", "y1"] + (["y2"] if reads_y2 else []) + (["E"] if one.collects else [])
        if one.short_term is not None:
            names += ["u"] if isinstance(one.short_term, SpikeResponse) else ["u", "x"]
        checks.one_of(f"variable of projection {one.name!r}", name, names)

    def position(self, name: str) -> int:
        """Index of a projection."""
        return [p.name for p in self.circuit.projections].index(self.circuit.projection(name).name)

    # --- files -----------------------------------------------------------------------------------------------------

    def save(self, path: str | PathLike, force: bool = False) -> Path:
        """Write the state (NumPy's npz, nothing executable); `Circuit.restore` goes on from it.

        Parameters
        ----------
        path : path
        force : bool
            Replace an existing file.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        OSError
            If the file exists and ``force`` is not set, or cannot be written.
        RuntimeError
            If a run was interrupted.
        """
        self.check_whole()
        about = {"synfwp_format": results.FORMAT, "step": self.step, "root": self.root, "circuit": self._fingerprint()}
        about["seed"] = self.seed if isinstance(self.seed, int) else None
        about["rng"] = self.rng.bit_generator.state
        about["log"] = self.log
        rows = self.tables.projections
        arrays = self.variables._asdict() | {"rewards": rows.reward_level, "next_rewards": rows.reward_next}
        arrays["gates"] = self.gates

        def write(to: Any) -> None:
            with open(to, "wb") as file:
                np.savez(file, metadata=np.array(json.dumps(about)), **arrays)

        return results.write_atomically(path, write, force)

    @classmethod
    def load(cls, circuit: Wiring, path: str | PathLike) -> Self:
        """The state that `save` wrote, of a circuit with the same groups, synapses, rules and grid.

        Parameters
        ----------
        circuit : Wiring or Circuit
            Rates, drives and gates may differ from those of the circuit that was saved.
        path : path

        Raises
        ------
        ValueError
            If the file is not such a state, or belongs to another circuit.
        """
        found = cls(circuit)
        try:
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(str(file["metadata"]))
                arrays = {name: file[name] for name in (*found.variables._fields, *_BESIDE)}
        except _NO_STATE as error:
            inside = f": {error}" if zipfile.is_zipfile(path) else ""  # of others NumPy knows nothing
            raise ValueError(
                f"{path} is not a state that Simulation.save wrote; fw.load reads results{inside}."
            ) from error
        results.check_format(about.get("synfwp_format"), path)
        if about["circuit"] != found._fingerprint():
            raise ValueError(f"{path} is the state of another circuit; build the circuit as it was when it was saved.")
        found.step, found.root = about["step"], about["root"]
        found.seed = found.root if about["seed"] is None else about["seed"]
        found.log, found.gates = about["log"], arrays.pop("gates")
        found.tables.projections.reward_level = arrays.pop("rewards")
        found.tables.projections.reward_next = arrays.pop("next_rewards")
        for name, value in arrays.items():
            getattr(found.variables, name)[:] = value
        for p in range(len(circuit.projections)):  # what synapses that are not at the present yet go on with
            found.tables.projections[p].gate = found.gate(p, "gate", found.step - 1)
        found.rng = seeds.generator(found.root, "neurons")
        found.rng.bit_generator.state = about["rng"]
        return found

    def digest(self) -> str:
        """A short hash of all that changes in a run: equal where one run goes on from another.

        Returns
        -------
        str

        Examples
        --------
        >>> from synfwp.spiking import LIF, Population
        >>> one, other = (State(Wiring([], [Population(2, LIF())]), seed) for seed in (0, 1))
        >>> len(one.digest()), one.digest() == other.digest()
        (16, False)
        """
        parts = [*self.variables, self.tables.projections.reward_level]
        sums = [zlib.crc32(np.ascontiguousarray(part).tobytes()) for part in parts]
        about = [self._fingerprint(), self.step, self.root, str(self.rng.bit_generator.state), sums]
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]

    def _fingerprint(self) -> str:
        """A hash of the tables: what runs, but for schedules and the state."""
        t, digest = self.tables, hashlib.sha256()
        constant = t.projections.copy()
        for name in CHANGING:
            constant[name] = 0
        parts = (t.populations, t.parts, t.receptors, t.modulators, constant, t.ends, t.post, t.routes)
        for part in parts + ((t.rules, t.terms) if len(t.rules) else ()):
            digest.update(np.ascontiguousarray(part).tobytes())
        names = [g.name for g in self.circuit.groups] + [p.name for p in self.circuit.projections]
        digest.update(json.dumps([names, self.circuit.dt]).encode())
        return digest.hexdigest()


def _spread(values: Array, fibres: Fibres, neurons: Array, delay: Any) -> Array:
    """Values of axons or dendrites, of which each synapse gets its own where its delay was given."""
    if not np.ndim(by_synapse(delay)):
        return values
    return values[neurons if fibres.of_synapse is None else fibres.of_synapse]
