"""What a run keeps: spikes always, variables by subset, stride or projection; in memory or straight to a file."""

import hashlib
import json
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from synfwp import checks, results
from synfwp.spiking import finals
from synfwp.spiking.neurons import receptors_of
from synfwp.spiking.projection import Projection
from synfwp.spiking.state import State
from synfwp.spiking.tables import PROBE, Probes, Share, records
from synfwp.spiking.wiring import MANY, Record, Wiring

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray
HELD = 2**20  # bytes of a variable that are held before they are written
_LONG = {
    "v": "membrane potential", "w": "adaptation or dendrite", "W": "weight", "E": "eligibility",
    "x1": "presynaptic trace", "x2": "second presynaptic trace", "y1": "postsynaptic trace",
    "y2": "second postsynaptic trace", "u": "use of short-term plasticity", "x": "resources of short-term plasticity",
}  # fmt: skip


class Memory:
    """Columns that grow in memory."""

    def __init__(self) -> None:
        self.parts: dict[str, list[Array]] = {}
        self.about: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {}

    def column(
        self, name: str, dims: tuple[str, ...], shape: tuple[int, ...], dtype: Any, attrs: dict[str, str]
    ) -> None:
        """A variable that grows along its first dim."""
        self.parts[name] = [np.zeros((0, *shape), dtype)]
        self.about[name] = dims, attrs

    def append(self, name: str, values: Array) -> None:
        """More rows of a variable."""
        self.parts[name].append(np.array(values))

    def close(self, fixed: dict[str, Any], attrs: dict[str, Any], coords: Any = None) -> "xr.Dataset":
        """All that was kept, and variables and coordinates that do not grow."""
        grown = {
            name: (self.about[name][0], np.concatenate(parts), self.about[name][1])
            for name, parts in self.parts.items()
        }
        return results.dataset(grown | fixed, coords, **attrs)


class File:
    """The same columns in a NetCDF4 file with unlimited dims, written as they come."""

    def __init__(self, path: str | PathLike) -> None:
        import h5netcdf

        self.pending = results.Pending(path)
        self.raw = results.Guarded(self.pending.begin())
        self.file = h5netcdf.File(self.raw, "w")
        self.rows: dict[str, int] = {}
        self.held: dict[str, list[Array]] = {}
        self.size: dict[str, int] = {}
        self.none: dict[str, Array] = {}

    def column(
        self, name: str, dims: tuple[str, ...], shape: tuple[int, ...], dtype: Any, attrs: dict[str, str]
    ) -> None:
        """A variable that grows along its first dim."""
        for dim, size in zip(dims, (None, *shape), strict=True):
            if dim not in self.file.dimensions:
                self.file.dimensions[dim] = size
        chunk = (max(1, 2**16 // max(1, int(np.prod(shape)))), *shape)
        self.rows[name], self.held[name], self.none[name] = 0, [], np.zeros((0, *shape), dtype)
        self.size[name] = 0
        self.file.create_variable(name, dims, np.dtype(dtype), chunks=chunk).attrs.update(attrs)

    def append(self, name: str, values: Array) -> None:
        """More rows of a variable; they are written when there are enough of them."""
        self.held[name].append(np.array(values))
        self.size[name] += values.nbytes + 100  # and what an array costs by itself
        if self.size[name] > HELD:
            self._write(name)

    def _write(self, name: str) -> None:
        """Write the rows that are held."""
        values, self.held[name], self.size[name] = np.concatenate([self.none[name], *self.held[name]]), [], 0
        variable, have = self.file.variables[name], self.rows[name]
        dim, self.rows[name] = variable.dimensions[0], have + len(values)
        if self.file.dimensions[dim].size < have + len(values):
            self.file.resize_dimension(dim, have + len(values))
        if len(values):
            with self.pending.told():
                variable[have : have + len(values)] = values
                self._check()

    def close(self, fixed: dict[str, Any], attrs: dict[str, Any], coords: Any = None) -> "xr.Dataset":
        """Finish the file and open it lazily."""
        import xarray as xr

        try:
            with self.pending.told():
                for name in self.rows:
                    self._write(name)
                results.dump(results.dataset(fixed, coords, **attrs), self.file)
                self.file.close()
                self._check()
                self.raw.close()
                self.pending.flush()
            path = self.pending.commit()
        except BaseException:
            self.discard()
            raise
        return xr.open_dataset(path, engine="h5netcdf", decode_times=False, decode_timedelta=False)

    def _check(self) -> None:
        """Raise what the disk has refused."""
        if self.raw.error is not None:
            raise self.raw.error

    def discard(self) -> None:
        """Keep nothing."""
        self.file.close()
        self.raw.close()
        self.pending.discard()


class Recorder:
    """Takes what a stretch has found, looks at the state between stretches, and makes the Dataset of a run."""

    def __init__(self, state: State, wanted: list[Record], to: str | PathLike | None) -> None:
        self.state, self.circuit = state, state.circuit
        chosen = [(record.what, record.variable) for record in wanted]
        twice = [pair for pair in chosen if chosen.count(pair) > 1]
        if twice:
            raise ValueError(f"record names {'_'.join(twice[0][::-1])!r} twice; join the two.")
        in_groups = self.circuit.group_index
        for record in wanted:
            state.variable(record.what, record.variable)  # refuses what does not exist
        self.of_neurons = [_Probe(state, record) for record in wanted if record.what in in_groups]
        self.of_synapses = [_Sample(state, record) for record in wanted if record.what not in in_groups]
        self.kept: list[Any] = [*self.of_neurons, *self.of_synapses]
        finals.allot(self.circuit, self.kept)
        self.begun = finals.weights(state, "start") | {"state_start": state.digest()}
        self.strides = [sample.every for sample in self.of_synapses]
        self.start = state.step
        self.sink: Memory | File = Memory() if to is None else File(to)
        self.sink.column("spike_time", ("spike",), (), float, {"units": "s", "long_name": "time of a spike"})
        self.sink.column(
            "spike_unit", ("spike",), (), np.int32, {"units": "1", "long_name": "index of the neuron that spiked"}
        )
        index = {"units": "1", "long_name": "population of a spike (index into population)"}
        self.sink.column("spike_population", ("spike",), (), np.int16, index)
        for one in self.kept:
            time = {"units": "s", "long_name": f"time of {one.name}"}
            self.sink.column(f"time_{one.name}", (f"time_{one.name}",), (), float, time)
            self.sink.column(one.name, (f"time_{one.name}", *one.dims), one.shape, float, one.attrs)
        self.first_units = state.tables.populations.unit0.copy()

    def spikes(self, steps: Array, units: Array) -> None:
        """Spikes of a stretch: steps and global units."""
        if not len(steps):
            return
        group = np.searchsorted(self.first_units, units, side="right") - 1
        self.sink.append("spike_time", results.seconds(steps * self.circuit.dt))
        self.sink.append("spike_unit", (units - self.first_units[group]).astype(np.int32))
        self.sink.append("spike_population", group.astype(np.int16))

    def probes(self, start: int, end: int) -> Probes:
        """The variables of neurons that are sampled in a stretch, and room for their samples."""
        rows, chosen, gains, at = records(PROBE, len(self.of_neurons)), [np.zeros(1, np.int64)], [np.zeros(1)], 0
        for row, one in zip(rows, self.of_neurons, strict=True):
            row.start, count = one.samples(start, end)
            row.first, row.n, row.every, row.width, row.out0 = one.offset, one.n, one.every, one.shape[0], at
            row.chosen0 = sum(map(len, chosen))
            row.gain0 = -1 if one.gain is None else sum(map(len, gains))
            chosen.append(one.neurons)
            gains.append(np.zeros(0) if one.gain is None else one.gain.ravel())
            at += count * one.shape[0]
        return Probes(rows, np.concatenate(chosen), np.concatenate(gains), np.zeros(max(at, 1)))

    def of_share(self, probes: Probes, share: Share) -> Probes:
        """Those probes that look at neurons of a share."""
        if len(share.groups) == len(self.circuit.groups):
            return probes
        mine = [self.circuit.group_index[one.record.what] in share.groups for one in self.of_neurons]
        return probes._replace(rows=probes.rows[np.array(mine, bool)])

    def samples(self, start: int, end: int, out: Array) -> None:
        """What the probes of a stretch have found."""
        at = 0
        for one in self.of_neurons:
            first, count = one.samples(start, end)
            size = count * one.shape[0]
            self._keep(one.name, first + one.every * np.arange(count), out[at : at + size].reshape(count, one.shape[0]))
            at += size

    def projections(self) -> None:
        """Samples of synapses now, of those that are due."""
        for one in self.of_synapses:
            if self.state.step % one.every == 0:
                self._keep(one.name, np.array([self.state.step]), one.take()[None])

    def _keep(self, name: str, steps: Array, values: Array) -> None:
        """Rows of a recorded variable."""
        self.sink.append(f"time_{name}", results.seconds(steps * self.circuit.dt))
        self.sink.append(name, values)

    def dataset(self, complete: bool = True) -> "xr.Dataset":
        """The Dataset of the run."""
        begun = dict(self.begun)
        attrs: dict[str, Any] = dict(self.state.provenance)
        attrs |= {"start": float(self.start * self.circuit.dt / 1000), "stop": float(self.state.time / 1000)}
        attrs |= {"state_start": begun.pop("state_start"), "state_stop": self.state.digest()}
        if self.state.log:
            attrs["changes"] = _summary(self.state.log)
        fixed = finals.populations(self.circuit) | begun | finals.weights(self.state, "end")
        coords = finals.synapses(self.circuit)
        for one in self.kept:
            coords |= one.labels
        for name in [name for name, (dims, *_) in coords.items() if name.split() != [name] and name not in dims]:
            fixed[name] = coords.pop(name)  # a file cannot mark it as a coordinate
        return self.sink.close(fixed, attrs | {"complete": int(complete)}, coords)

    def abandon(self) -> None:
        """Finish the file of a run that did not end, so that what it has can be read."""
        if isinstance(self.sink, File):
            if self.sink.raw.error is not None:  # nothing more goes onto a full disk
                self.sink.discard()
            else:
                self.dataset(complete=False).close()


def _summary(log: list[Any]) -> str:
    """Gates that were set and rewards that were given, as JSON; of many their number and a hash."""
    text = json.dumps(log)
    return (
        text if len(log) <= MANY else json.dumps({"n": len(log), "sha256": hashlib.sha256(text.encode()).hexdigest()})
    )


class _Probe:
    """A recorded variable of neurons."""

    def __init__(self, state: State, record: Record) -> None:
        circuit, place = state.circuit, state.place(record.what, record.variable)
        self.record = record
        self.offset, self.n, self.name = place.start, place.stop - place.start, record.name
        self.every = _stride(circuit, record, 1)
        self.gain = None if record.readout is None else _matrix(record, record.readout, self.n)
        self.neurons = _chosen(record, self.n)
        rows = len(self.neurons) if self.gain is None else len(self.gain)
        self.shape, self.dims = (rows,), (f"{'unit' if self.gain is None else 'rank'}_{self.name}",)
        self.attrs = {
            "units": _unit(circuit, record),
            "long_name": f"{_LONG.get(record.variable, record.variable)} of {record.what}",
        }
        index = self.neurons if self.gain is None else np.arange(rows)
        self.labels = {self.dims[0]: (self.dims, index, {"units": "1", "long_name": "neuron or component"})}

    def samples(self, start: int, end: int) -> tuple[int, int]:
        """First sample at or after a step, and how many before another one."""
        first = -(-start // self.every) * self.every
        return first, max(0, -(-(end - first) // self.every))


class _Sample:
    """A recorded variable of synapses."""

    def __init__(self, state: State, record: Record) -> None:
        circuit, self.state = state.circuit, state
        self.record, self.projection, self.name = record, circuit.projection(record.what), record.name
        self.every = _stride(circuit, record, round(100.0 / circuit.dt))
        size = len(state.variable(record.what, record.variable))
        self.sides = None if record.readout is None else self._sides(self.projection, record, size)
        self.chosen = _chosen(record, size)
        self.shape = np.shape(self.take())
        dims = ("synapse",) if self.sides is None else ("rank_post", "rank_pre")[: len(self.shape)]
        self.dims = tuple(f"{dim}_{self.name}" for dim in dims)
        unit = self.projection.unit if record.variable in ("W", "E") else "1"
        self.attrs = {"units": unit, "long_name": f"{_LONG[record.variable]} of {record.what}"}
        self.labels: dict[str, Any] = {}
        if self.sides is None:
            self.labels[self.dims[0]] = (self.dims, self.chosen, {"units": "1", "long_name": "synapse or neuron"})
            if record.variable in ("W", "E"):
                self.labels |= finals.ends(self.projection, self.name, self.chosen)

    def take(self) -> Array:
        """The sample now."""
        values = self.state.variable(self.record.what, self.record.variable)
        if self.sides is None:
            return np.asarray(values[self.chosen])
        if len(self.sides) == 1:
            return np.asarray(self.sides[0] @ values)
        return np.asarray(self.sides[0] @ values.reshape(self.projection.shape).T @ self.sides[1].T)

    def _sides(self, p: Projection, record: Record, size: int) -> tuple[Array, ...]:
        """What a variable is multiplied with: of weights from both sides."""
        if record.variable not in ("W", "E"):
            return (_matrix(record, record.readout, size),)
        if not p.dense or not isinstance(record.readout, tuple) or len(record.readout) != 2:
            raise ValueError(f"readout of {record.what!r} has to be (post, pre) arrays, of a dense projection.")
        return _matrix(record, record.readout[0], p.shape[1]), _matrix(record, record.readout[1], p.shape[0])


def _unit(circuit: Wiring, record: Record) -> str:
    """Unit of a variable of neurons."""
    neuron: Any = circuit.group(record.what).neuron  # type: ignore[union-attr]
    known = {"v": "mV", "drive": "pA", "prediction": "1", "w": "mV" if hasattr(neuron, "g_dendrite") else "pA"}
    known |= {one.name: "pA" if one.reversal is None else "nS" for one in receptors_of(neuron)}
    return known[record.variable]


def _stride(circuit: Wiring, record: Record, default: int) -> int:
    """Steps between samples."""
    if record.every is None:
        return default
    steps = int(circuit.on_grid(f"every of {record.name!r}", record.every))
    if steps < 1:
        raise ValueError(
            f"every of {record.name!r} is {record.every:g} ms; pass at least a step of {circuit.dt:g} ms, or None."
        )
    return steps


def _chosen(record: Record, n: int) -> Array:
    """Indices that are kept."""
    if record.neurons is None:
        return np.arange(n)
    found = np.atleast_1d(np.asarray(record.neurons))
    if found.ndim != 1 or found.dtype.kind not in "iu" or found.size == 0 or not 0 <= found.min() <= found.max() < n:
        raise ValueError(f"neurons of the record of {record.what!r} are not integers from 0 to {n - 1}.")
    kinds, first, times = np.unique(found, return_index=True, return_counts=True)
    if len(kinds) < len(found):
        again = found[first[times > 1].min()]
        raise ValueError(
            f"neurons of the record of {record.what!r} names {len(found) - len(kinds)} twice, the first {again}; name "
            "each once."
        )
    return found.astype(np.int64)


def _matrix(record: Record, matrix: Any, n: int) -> Array:
    """A read-out of a few components."""
    found = np.ascontiguousarray(matrix, float)
    if found.ndim != 2 or found.shape[1] != n or not np.isfinite(found).all():
        raise ValueError(
            f"readout of {record.what!r} has shape {found.shape}; pass finite numbers of shape (rank, {n})."
        )
    return found


def spikes(ds: "xr.Dataset", population: str) -> tuple[Array, Array]:
    """Spikes of one population of a run.

    Parameters
    ----------
    ds : xarray.Dataset
        As `Circuit.run` and ``simulate(..., record=True)`` return it; times in the unit that the attribute ``units``
        of ``spike_time`` names.
    population : str

    Returns
    -------
    times, units : (n,) arrays
        Seconds, in order, and indices of neurons; empty if none fired.

    Raises
    ------
    ValueError
        If the Dataset has no variables of spikes, its times have no unit of time, or it has no such population.

    Examples
    --------
    >>> from synfwp.spiking import Circuit, SpikeSource
    >>> ds = Circuit([], populations=[SpikeSource(3, [1.0, 2.0], [2, 0], name="cue")]).run(5.0)
    >>> spikes(ds, "cue")[1].tolist()
    [2, 0]
    """
    found = results.spike_trains(ds)
    if population not in found.names:
        raise ValueError(
            f"the run has no population {checks.short(population)}; it has {', '.join(map(repr, found.names))}."
        )
    return found.of(population)
