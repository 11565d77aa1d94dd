"""Circuits: constructors, runs against the twin step by step, and orders of run, cut, save, restore and pickle."""

import dataclasses
import pickle
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

import synfwp as fw
from fuzz.cases import Arg, Call, Entry, Expected, Rng, need, pick, sizes
from fuzz.disguises import brian2_quietly
from fuzz.entries.plasticity import finite, train
from synfwp import plasticity, reference
from synfwp.spiking.parameters import PerNeuron

Array = Any
CELL = fw.LIF(t_ref=2.0, v_threshold=-55.0)
MODELS: tuple[Any, ...] = (fw.LIF, fw.AdEx, fw.TwoCompartment, fw.Poisson, fw.Receptor, fw.ThetaCycle, fw.RateCode)
SIGNED = ("a", "b")


# constructors ---------------------------------------------------------------------------------------------------------


def parameters(rng: Rng) -> Call:
    """Fields with a unit of any model: as they were meant, in their unit."""
    model = pick(rng, MODELS)
    units = model._units | {"delta": "mV", "a": "nS", "b": "pA"} if model is fw.AdEx else model._units
    default = model("e") if model is fw.Receptor else model()
    names = [name for name in units if getattr(default, name) is not None]
    chosen = [str(name) for name in rng.permutation(names)[: int(rng.integers(1, 4))]]
    args, per_neuron = {}, issubclass(model, PerNeuron)
    for name in chosen:
        value = getattr(default, name)
        args[name] = Arg(value * float(rng.uniform(0.98, 1.02)), "level" if per_neuron else "number", units[name])
    if model is fw.Receptor:
        args["name"] = Arg("e", "fixed")

    def run(**given: Any) -> Any:
        made = model(**given)
        return {name: getattr(made, name) for name in chosen}

    def twin(**meant: Any) -> Any:
        for name in chosen:
            free = (units[name] == "mV" and name not in ("noise", "delta")) or name in SIGNED
            x = np.asarray(meant[name], float)
            need(x.ndim <= per_neuron and x.size)
            finite(*x.ravel(), above=-np.inf if free else -1e-300)
        return {name: np.asarray(meant[name], float) for name in chosen}

    return Call(run, args, twin, tuple(units))


def steps(rng: Rng) -> Call:
    """`Steps`: what holds at a step of a grid."""
    times = np.unique(np.concatenate([[0.0], rng.integers(1, 50, int(rng.integers(0, 4)))])).astype(float)
    args = {"times": Arg(times, unit="ms", dims=("spike",)), "values": Arg(rng.normal(size=len(times)), "fixed")}
    at = int(rng.integers(0, 80))

    def run(times: Any, values: Any) -> Any:
        made = fw.Steps(times, values)
        return {"times": made.times, "value": made.at(at, 1.0)}

    def twin(times: Any, values: Any) -> Any:
        times, values = np.atleast_1d(np.asarray(times, float)), np.asarray(values, float)
        need(times.ndim == 1 and len(times) and times[0] == 0 and (np.diff(times) > 0).all())
        need(np.isfinite(times).all() and values.ndim in (1, 2) and len(values) == len(times))
        need(np.isfinite(values).all())
        return {"times": times, "value": values[np.flatnonzero(np.round(times) <= at)[-1]]}

    return Call(run, args, twin)


def released(rng: Rng) -> Call:
    """`ShortTerm.released` against its two equations."""
    args = {"U": Arg(float(rng.uniform(0.05, 1)), "number"), "tau_rec": Arg(100.0, "number", "ms")}
    args |= {"tau_facil": Arg(50.0, "number", "ms"), "u_rest": Arg(float(rng.uniform(0, 0.5)), "number")}
    args["intervals"] = Arg(rng.uniform(1, 100, int(rng.integers(0, 6))), unit="ms")

    def run(intervals: Any, **row: Any) -> Any:
        return fw.ShortTerm(**row).released(intervals)

    def twin(intervals: Any, U: Any, tau_rec: Any, tau_facil: Any, u_rest: Any) -> Any:
        waits = np.atleast_1d(np.asarray(intervals, float))
        finite(U, tau_rec, tau_facil, above=0)
        need(U <= 1 and u_rest <= 1 and waits.ndim == 1 and np.isfinite(waits[1:]).all() and (waits[1:] >= 0).all())
        u, x, found = u_rest, 1.0, []
        for m, wait in enumerate(waits):
            if m:
                u, x = u_rest + (u - u_rest) * np.exp(-wait / tau_facil), 1 - (1 - x) * np.exp(-wait / tau_rec)
            u = u + U * (1 - u)
            found.append(u * x)
            x = x * (1 - u)
        return np.array(found)

    return Call(run, args, twin)


def sources(rng: Rng) -> Call:
    """`SpikeSource` and `PoissonSource`: what they hold."""
    n = int(rng.integers(1, 5))
    if rng.random() < 0.4:
        args = {"n": Arg(n, "count"), "rate": Arg(float(rng.uniform(0, 50)), "level", "Hz"), "name": Arg("in", "text")}

        def poisson(n: Any, rate: Any) -> Any:
            need(n >= 1 and np.ndim(rate) <= 1 and np.shape(rate) in ((), (n,)))
            need(np.all(np.isfinite(rate)) and np.all(np.asarray(rate) >= 0))
            return {"n": n, "rate": np.asarray(rate, float)}

        def make(**given: Any) -> Any:
            source = fw.PoissonSource(**given)
            return {"n": source.n, "rate": source.rate.at(0, 0.1)}

        return Call(make, args, lambda n, rate, name: poisson(n, rate))
    times = train(rng)
    args = {"n": Arg(n, "count"), "times": Arg(times, unit="ms", dims=("spike",))}
    args |= {"units": Arg(rng.integers(0, n, len(times)), "index", dims=("spike",)), "name": Arg("in", "text")}

    def run(**given: Any) -> Any:
        source = fw.SpikeSource(**given)
        return {"n": source.n, "times": source.times, "units": source.units}

    def twin(n: Any, times: Any, units: Any, name: Any) -> Any:
        return {"n": n} | dict(zip(("times", "units"), spikes(n, times, units), strict=True))

    return Call(run, args, twin)


def spikes(n: Any, times: Any, units: Any) -> tuple[Array, Array]:
    """Prescribed spikes that have a meaning."""
    times, units = np.atleast_1d(np.asarray(times, float)), np.atleast_1d(np.asarray(units))
    need(n >= 1 and times.ndim == 1 and times.shape == units.shape and np.isfinite(times).all())
    need((times >= 0).all() and (np.diff(times) >= 0).all() and (units >= 0).all() and (units < n).all())
    need(len(set(zip(times.tolist(), units.tolist(), strict=True))) == len(times))
    return times, units.astype(int)


def random_synapses(rng: Rng) -> Call:
    """The same synapses in every disguise, of one weight, none on the diagonal if so wanted."""
    n_pre, n_post = sizes(rng, 1, 8, 2)
    loops = bool(rng.random() < 0.5)
    args = {"n_pre": Arg(n_pre, "count"), "n_post": Arg(n_post, "count"), "probability": Arg(rng.random(), "number")}
    args |= {"weight": Arg(float(rng.uniform(0.1, 3)), "number"), "seed": Arg(int(rng.integers(1000)), "seed")}

    def run(**given: Any) -> Any:
        return fw.random_synapses(**given, self_connections=loops).toarray()

    def twin(**meant: Any) -> Any:
        finite(meant["weight"], meant["probability"])
        need(0 <= meant["probability"] <= 1 and min(meant["n_pre"], meant["n_post"]) >= 1)
        found = run(**meant)
        need(set(np.unique(found)) <= {0.0, float(meant["weight"])} and (loops or not np.diag(found).any()))
        return found

    return Call(run, args, twin)


# runs against the twin ------------------------------------------------------------------------------------------------


def grid(value: Any, dt: float) -> int:
    """A time as a number of steps."""
    finite(value, above=-1e-9)
    need(abs(value / dt - round(value / dt)) <= 1e-6)
    return round(value / dt)


def run_of_a_circuit(rng: Rng) -> Call:
    """Prescribed inputs on integrators, plastic or not: rasters, potentials and weights of the twin."""
    (n_pre, n_post), dt = sizes(rng, 1, 4, 2), pick(rng, (0.1, 0.5, 1.0))
    n_steps = int(rng.integers(0, 120))
    where = rng.random((max(n_steps, 1), n_pre)) < 0.1
    at, unit = np.nonzero(where)
    weight = rng.uniform(4, 16, (n_pre, n_post))
    plastic, short = bool(rng.random() < 0.6), bool(rng.random() < 0.3)
    conductance, sparse = bool(rng.random() < 0.3), bool(rng.random() < 0.3)
    unit_of_weight = "nS" if conductance else "pA"
    args = {
        "times": Arg(np.round(at * dt, 10), unit="ms", dims=("spike",)), "units": Arg(unit, "index", dims=("spike",)),
        "weight": Arg(weight, "array", unit_of_weight, ("pre", "post")),
        "delay": Arg(dt * int(rng.integers(0, 5)), "number", "ms"), "dt": Arg(dt, "number", "ms"),
        "duration": Arg(n_steps * dt, "number", "ms"), "v_init": Arg(rng.uniform(-70, -56, n_post), unit="mV"),
        "drive": Arg(rng.uniform(0, 20, n_post), unit="pA"),
        "tau_m": Arg(float(rng.uniform(8, 30)), "number", "ms", ("neuron",) if n_post == 2 else ()),
        "seed": Arg(int(rng.integers(1000)), "seed"), "name": Arg("feed", "text"),
    }  # fmt: skip
    if plastic:
        args |= {"A_plus": Arg(0.5, "number"), "tau_plus": Arg(15.0, "number", "ms")}
    if short:
        args |= {"U": Arg(0.4, "number"), "tau_rec": Arg(60.0, "number", "ms")}
    receptors = (fw.Receptor("e", 5.0, 0.0),) if conductance else ()

    def rule(meant: Any) -> Any:
        return plasticity.pair(meant["A_plus"], 0.4, meant["tau_plus"], 25.0, w_max=20.0) if plastic else None

    def short_term(meant: Any) -> Any:
        return fw.ShortTerm(U=meant["U"], tau_rec=meant["tau_rec"], tau_facil=40.0) if short else None

    def run(**given: Any) -> Any:
        neuron = fw.LIF(tau_m=given["tau_m"], v_threshold=-55.0, receptors=receptors)
        cells = fw.Population(n_post, neuron, drive=given["drive"], v_init=given["v_init"])
        source = fw.SpikeSource(n_pre, given["times"], given["units"])
        w = given["weight"]
        held = type(w) is np.ndarray and w.ndim == 2 and w.dtype.isnative and w.dtype.char in "bBhHiIlLqQfd?"
        w = scipy.sparse.csr_array(w) if sparse and held else w  # dtypes that SciPy's arrays take
        feed = fw.Projection(
            source,
            cells,
            w,
            delay=given["delay"],
            plasticity=rule(given),
            short_term=short_term(given),
            name=given["name"],
        )
        circuit = fw.Circuit([feed], dt=given["dt"])
        simulation = circuit.start(given["seed"])
        ds = simulation.run(given["duration"], fw.Record("cells", "v"))
        found = simulation.weights(given["name"])
        fired = {group: np.stack(fw.spikes(ds, group)) for group in ("input", "cells")}
        names = [name for name in ds.data_vars if str(name).startswith("v_")]
        return fired | {"W": found.toarray() if scipy.sparse.issparse(found) else found, "v": ds[names[0]].values}

    def twin(**meant: Any) -> Any:
        dt = meant["dt"]
        finite(dt, meant["tau_m"], above=0)
        steps, delay = grid(meant["duration"], dt), grid(meant["delay"], dt)
        need(steps <= 10**5 and grid(2.0, dt) >= 0)
        times, units = spikes(n_pre, meant["times"], meant["units"])
        W = np.array(
            np.broadcast_to(meant["weight"], (n_pre, n_post)) if np.ndim(meant["weight"]) == 0 else meant["weight"]
        )
        need(W.shape == (n_pre, n_post) and np.isfinite(W).all() and (not conductance or W.min() >= 0))
        need(not plastic or (W.min() >= 0 and W.max() <= 20))
        drive, v = (np.asarray(meant[name], float) for name in ("drive", "v_init"))
        need(
            drive.shape in ((), (n_post,))
            and v.shape in ((), (n_post,))
            and np.isfinite(drive).all()
            and np.isfinite(v).all()
        )
        raster = np.zeros((steps, n_pre), bool)
        step = np.floor(times / dt + 1e-3).astype(int)
        need(len(set(zip(step.tolist(), units.tolist(), strict=True))) == len(step))
        raster[step[step < steps], units[step < steps]] = True
        fields = {f.name: getattr(CELL, f.name) for f in dataclasses.fields(CELL)} | {"tau_m": meant["tau_m"]}
        listed = [("e", 5.0, 0.0, True)] if conductance else [("current", 5.0, None, True)]
        cell = fields | {"receptors": listed, "v": np.broadcast_to(v, n_post).copy()}
        cell["drive"] = np.broadcast_to(drive, (steps, n_post))
        row, facilitation = rule(meant), short_term(meant)
        one = np.ones(max(steps, 1))
        feed = {
            "pre": 0, "post": 1, "mask": np.ones_like(W), "receptor": listed[0][0], "delay": delay, "W": W,
            "rule": dataclasses.asdict(row) if row else None, "transmit": one, "gate": one, "eligible": 0 * one,
            "latch": [], "modulators": (), "given": 0 * one,
            "short_term": dataclasses.asdict(facilitation) | {"dt": dt} if facilitation else None,
        }  # fmt: skip
        (_, cell), (feed,) = reference.circuit(None, [{"raster": raster}, cell], [feed], steps, dt)
        found = {}
        for name, fired in (("input", raster), ("cells", cell["raster"])):
            at, unit = np.nonzero(fired)
            found[name] = np.stack([at * dt / 1000, unit])
        after = np.where(cell["raster"], CELL.v_reset, cell["trace"])
        start = np.broadcast_to(v, n_post)[None]
        v = np.concatenate([start, after[:-1]]) if steps else after
        return Expected(found | {"W": feed["W"], "v": v}, 1e-8 * np.abs(v).max(initial=1.0))

    return Call(run, args, twin, ("steps", "t_ref", "feed", "input", "cells", "projection"))


# orders of calls ------------------------------------------------------------------------------------------------------


def noisy(n: Any, rate: Any, weight: Any, names: Sequence[Any], plastic: bool, sparse: bool) -> fw.Circuit:
    """Random inputs on noisy cells, with a recurrent projection."""
    source = fw.PoissonSource(n, rate, name=names[0])
    cells = fw.Population(3, fw.LIF(noise=3.0), name=names[1], drive=18.0)
    rule = plasticity.pair(0.2, 0.15, w_max=20.0) if plastic else None
    w = fw.random_synapses(n, 3, 0.7, weight, seed=1) if sparse else weight
    feed = fw.Projection(source, cells, w, plasticity=rule, delay=1.0, name=names[2])
    back = fw.Projection(cells, cells, 0.5, delay=2.0, name=names[3])
    return fw.Circuit([feed, back], dt=0.5)


def orders(rng: Rng) -> Call:
    """A run that is cut, looked at, saved, restored and pickled on the way is the whole run, bit by bit."""
    plastic, sparse = bool(rng.random() < 0.7), bool(rng.random() < 0.5)
    script = [(str(pick(rng, ACTIONS)), 0.5 * int(rng.integers(0, 60))) for _ in range(int(rng.integers(1, 5)))]
    args = {"n": Arg(int(rng.integers(1, 6)), "count"), "rate": Arg(float(rng.uniform(20, 100)), "level", "Hz")}
    args |= {"weight": Arg(round(float(rng.uniform(1, 8)), 3), "number", "1" if sparse else "pA")}
    args |= {"seed": Arg(int(rng.integers(1000)), "seed")}
    args |= {name: Arg(name, "text") for name in ("input", "cells", "feed", "back")}

    def circuit(n: Any, rate: Any, weight: Any, **names: Any) -> fw.Circuit:
        return noisy(n, rate, weight, [names[x] for x in ("input", "cells", "feed", "back")], plastic, sparse)

    def run(seed: Any, **given: Any) -> Any:
        made = circuit(**given)
        simulation, parts = made.start(seed), []
        for action, duration in script:
            parts.append(simulation.run(duration, fw.Record(given["cells"], "v", every=1.0)))
            simulation = ACTIONS_OF[action](made, simulation, parts[-1], given["feed"])
        fired = [fw.spikes(ds, given["cells"]) for ds in parts]
        return {
            "time": simulation.time, "at": np.concatenate([one[0] for one in fired]),
            "unit": np.concatenate([one[1] for one in fired]), "v": simulation.variable(given["cells"], "v"),
            "W": simulation.variable(given["feed"], "W"),
        }  # fmt: skip

    def twin(seed: Any, **meant: Any) -> Any:
        finite(meant["weight"])
        need(meant["n"] >= 1 and np.all(np.isfinite(meant["rate"])) and np.all(np.asarray(meant["rate"]) >= 0))
        need(not plastic or 0 <= meant["weight"] <= 20)
        names = {
            x: x for x in ("input", "cells", "feed", "back")
        }  # what things are called changes draws of sources alone
        names["input"] = meant["input"]
        simulation = circuit(**{name: meant[name] for name in ("n", "rate", "weight")}, **names).start(seed)
        total = sum(duration for _, duration in script)
        at, unit = fw.spikes(simulation.run(total), "cells")
        state = {"v": simulation.variable("cells", "v"), "W": simulation.variable("feed", "W")}
        return Expected({"time": total, "at": at, "unit": unit} | state, 0.0)

    words = ("name", "groups", "projections", "group", "projection", "simulation", "save")
    return Call(run, args, twin, words, refusable=any(action == "pickle" for action, _ in script))


def _saved(circuit: Any, simulation: Any, ds: Any, feed: Any) -> Any:
    """Saved and restored."""
    with tempfile.TemporaryDirectory() as folder:
        return circuit.restore(simulation.save(Path(folder) / "state.npz"))


def _looked_at(circuit: Any, simulation: Any, ds: Any, feed: Any) -> Any:
    """What a run gave back is the caller's: changes of it stay there."""
    found = simulation.weights(feed)
    data = found.data if scipy.sparse.issparse(found) else found
    if data.flags.writeable:
        data[...] = 0.0
    if scipy.sparse.issparse(found):
        found.eliminate_zeros()
    return simulation


def _result_kept(circuit: Any, simulation: Any, ds: Any, feed: Any) -> Any:
    """The Dataset in a file and back."""
    with tempfile.TemporaryDirectory() as folder:
        back = fw.load(fw.save(ds, Path(folder) / "run.nc"))
    if not back.identical(ds):
        raise AssertionError("a Dataset came back from its file as another one")
    return simulation


def _pickled(circuit: Any, simulation: Any, ds: Any, feed: Any) -> Any:
    """Through pickle, as from another process."""
    return pickle.loads(pickle.dumps(simulation))


ACTIONS_OF = {
    "on": lambda circuit, simulation, ds, feed: simulation, "save": _saved, "look": _looked_at, "keep": _result_kept,
    "pickle": _pickled,
}  # fmt: skip
ACTIONS = ("on", "on", "save", "look", "keep", "pickle")


def replicates(rng: Rng) -> Call:
    """Several seeds over threads are single runs; joined parts are one run."""
    runs = [int(x) for x in rng.integers(0, 100, int(rng.integers(1, 4)))]
    args = {"duration": Arg(0.5 * int(rng.integers(0, 60)), "number", "ms"), "workers": Arg(2, "count")}
    args |= {"runs": Arg(runs, "fixed")}
    circuit = noisy(3, 50.0, 4.0, ("input", "cells", "feed", "back"), True, False)

    def run(**given: Any) -> Any:
        kept = fw.replicates(circuit, given["duration"], given["runs"], workers=given["workers"])
        return [fw.spikes(ds, "cells")[0] for ds in kept]

    def twin(duration: Any, runs: Any, workers: Any) -> Any:
        need(grid(duration, 0.5) <= 10**6 and workers >= 1)
        return [fw.spikes(circuit.run(duration, seed), "cells")[0] for seed in runs]

    return Call(run, args, twin)


def joined(rng: Rng) -> Call:
    """Parts of a run, joined, have the spikes and samples of the whole run."""
    circuit = noisy(3, 50.0, 4.0, ("input", "cells", "feed", "back"), True, False)
    args = {name: Arg(0.5 * int(rng.integers(0, 60)), "number", "ms") for name in ("first", "second")}
    args["seed"] = Arg(int(rng.integers(100)), "seed")
    record = fw.Record("cells", "v", every=1.0)

    def seen(ds: Any) -> Any:
        return {"spikes": np.stack(fw.spikes(ds, "cells")), "v": ds.v_cells.values}

    def run(first: Any, second: Any, seed: Any) -> Any:
        simulation = circuit.start(seed)
        parts = [simulation.run(length, record) for length in (first, second)]
        return seen(fw.join(*parts))

    def twin(first: Any, second: Any, seed: Any) -> Any:
        need(grid(first, 0.5) + grid(second, 0.5) <= 10**6)
        return Expected(seen(circuit.run(first + second, seed, record)), 0.0)

    return Call(run, args, twin, ("duration", "runs"))


def records(rng: Rng) -> Call:
    """A part, or a projection, of a record is that of the whole record."""
    circuit = noisy(3, 50.0, 4.0, ("input", "cells", "feed", "back"), True, False)
    args: dict[str, Arg] = {"what": Arg("cells", "choice"), "variable": Arg("v", "choice")}
    args["every"] = Arg(0.5 * int(rng.integers(1, 5)), "number", "ms")
    if rng.random() < 0.5:
        args["neurons"] = Arg(np.sort(rng.permutation(3)[: int(rng.integers(1, 4))]), "index")
    else:
        args["readout"] = Arg(rng.normal(size=(2, 3)), dims=("rank", "neuron"))

    def run(**given: Any) -> Any:
        ds = circuit.run(20.0, 1, fw.Record(**given))
        return ds[f"v_{given['what']}"].values

    def twin(every: Any, neurons: Any = None, readout: Any = None, **names: Any) -> Any:
        stride = grid(every, 0.5)
        need(stride >= 1)
        v = circuit.run(20.0, 1, fw.Record("cells", "v")).v_cells.values[::stride]
        if readout is None:
            found = np.atleast_1d(np.asarray(neurons))
            need(found.ndim == 1 and found.size and (found >= 0).all() and (found < 3).all())
            return v[:, found]
        readout = np.asarray(readout, float)
        need(readout.ndim == 2 and readout.shape[1] == 3 and np.isfinite(readout).all())
        return v @ readout.T

    return Call(run, args, twin, ("record", "group", "projection", "population"), rtol=1e-12)


def exported(rng: Rng) -> Call:
    """A circuit as objects of Brian2, which are not run: as many neurons and synapses, of the same weights."""
    n = int(rng.integers(1, 5))
    args = {"weight": Arg(rng.uniform(1, 5, (n, 2)), "array", "pA", ("pre", "post")), "rate": Arg(20.0, "level", "Hz")}

    def run(weight: Any, rate: Any) -> Any:
        from synfwp.spiking.brian2 import to_brian2

        brian2_quietly()
        cells = fw.Population(2, CELL)
        circuit = fw.Circuit([fw.Projection(fw.PoissonSource(n, rate), cells, weight)])
        theirs = to_brian2(circuit)
        return {"n": len(theirs.groups["cells"]), "w": theirs.weights("input_to_cells")}

    def twin(weight: Any, rate: Any) -> Any:
        w = np.array(np.broadcast_to(weight, (n, 2)) if np.ndim(weight) == 0 else weight)
        need(w.shape == (n, 2) and np.isfinite(w).all() and np.shape(rate) in ((), (n,)))
        need(np.all(np.isfinite(rate)) and np.all(np.asarray(rate) >= 0))
        return {"n": 2, "w": w.ravel()}

    return Call(run, args, twin, ("input", "input_to_cells"))


ENTRIES = (
    Entry("LIF, AdEx and other parameters", parameters, 8),
    Entry("Steps", steps, 2),
    Entry("ShortTerm.released", released, 2),
    Entry("SpikeSource and PoissonSource", sources, 4),
    Entry("random_synapses", random_synapses, 2),
    Entry("Circuit.run", run_of_a_circuit, 8),
    Entry("Simulation: run, cut, save, restore, pickle", orders, 4),
    Entry("replicates", replicates, 0.5),
    Entry("Record", records, 2),
    Entry("to_brian2", exported, 0.2),
    *([Entry("join", joined, 1)] if hasattr(fw, "join") else []),
)
