"""Plastic spiking networks against Brian2, each measurement in a process of its own: ``python -m harness.spikes``.

Nothing is imported before it is needed: `first` measures imports too.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WEIGHTS = 1e-9  # relative difference that rounding may leave between two programs with the same integrator
APART = 6.0  # standard errors: means of a few runs each that differ by more are not one distribution


def main() -> None:
    """Run one measurement and print it as JSON."""
    from .worker import pin

    pin(json.loads(sys.argv[1]))
    print(json.dumps(MEASURES[sys.argv[2]](*map(json.loads, sys.argv[3:]))))


def model(name: str) -> Any:
    """A model of synfwp: its circuits are what is measured."""
    from synfwp import programs

    return programs.load_program(name)


def spikes_of(ds: Any, *names: str) -> tuple[Any, Any]:
    """Spikes of populations, as `ordered` gives them; units of the second one after the 8000 of the first."""
    import numpy as np

    import synfwp as fw

    found = [fw.spikes(ds, name) for name in names]
    times = np.concatenate([1000 * time for time, _ in found])
    return ordered(times, np.concatenate([8000 * k + unit.astype(int) for k, (_, unit) in enumerate(found)]))


def ordered(time: Any, unit: Any) -> tuple[Any, Any]:
    """Spikes as steps of .1 ms and units, in the order of time and unit."""
    import numpy as np

    step = np.round(10 * np.asarray(time)).astype(int)
    order = np.lexsort((unit, step))
    return step[order], np.asarray(unit)[order]


def start_weights(inputs: int, neurons: int) -> Any:
    """Weights between 0 and gmax, the same for both sides."""
    import numpy as np

    return np.random.default_rng(0).uniform(0, 0.01, (inputs, neurons))


def same(inputs: int, neurons: int, rate: float, ms: float) -> dict[str, Any]:
    """Prescribed inputs onto both sides: every spike and every weight is compared.

    Raises
    ------
    RuntimeError
        If a spike differs, or a weight by more than rounding.
    """
    import numpy as np
    from peers import brian2_peer

    import synfwp as fw

    rng, weights = np.random.default_rng(1), start_weights(inputs, neurons)
    step, unit = np.nonzero(rng.random((round(10 * ms), inputs)) < 1e-4 * rate)
    source = fw.SpikeSource(inputs, step / 10, unit, name="inputs")
    simulation = model("song2000").circuit(weights, source=source).start()
    step_found, unit_found = spikes_of(simulation.run(ms), "cells")
    with tempfile.TemporaryDirectory() as folder:
        theirs = brian2_peer.song(Path(folder), weights, ms, rate, spikes=(step / 10, unit)).run()
    step_theirs, unit_theirs = ordered(theirs.time, theirs.unit)
    w = simulation.weights("synapses").ravel()
    worst = float(np.abs(w - theirs.weights).max() / np.abs(w).max())
    equal = np.array_equal(step_found, step_theirs) and np.array_equal(unit_found, unit_theirs)
    if not equal or not worst <= WEIGHTS:
        raise RuntimeError(
            f"synfwp and Brian2 disagree: {len(step_found)}/{len(step_theirs)} spikes, weights {worst:g}"
        )
    changed = int((w != weights.ravel()).sum())
    return {"ms": ms, "spikes": len(step_found), "changed": changed, "weights": worst}


def song(inputs: int, neurons: int, rate: float, ms: float, rounds: int, plastic: bool) -> dict[str, Any]:
    """Random inputs onto both sides by turns; rates and histograms of weights have to be of one distribution."""
    import numpy as np
    from peers import brian2_peer

    weights = start_weights(inputs, neurons)
    song2000 = model("song2000")
    circuit = song2000.circuit(weights, plastic=plastic, one=song2000.EXAMPLE._replace(rate=rate))

    def describe(spikes: int, w: Any) -> list[float]:
        shares = np.histogram(w, np.linspace(0, 0.01, 11))[0] / w.size
        return [spikes / neurons / (ms / 1000), *map(float, shares)]

    def ours(seed: int) -> tuple[float, list[float]]:
        simulation = circuit.start(seed)
        begun = time.perf_counter()
        ds = simulation.run(ms)
        seconds = time.perf_counter() - begun
        return seconds, describe(len(spikes_of(ds, "cells")[0]), simulation.weights("synapses"))

    with tempfile.TemporaryDirectory() as folder:
        program = brian2_peer.song(Path(folder), weights, ms, rate, plastic=plastic)

        def theirs(seed: int) -> tuple[float, list[float]]:
            found = program.run()
            return found.seconds, describe(len(found.time), found.weights)

        seconds, found = by_turns({"synfwp": ours, "brian2": theirs}, rounds)
        a, b = (np.array(found[name]) for name in ("synfwp", "brian2"))
        error = np.sqrt((a.var(axis=0, ddof=1) + b.var(axis=0, ddof=1)) / rounds)
        gap = np.abs(a.mean(axis=0) - b.mean(axis=0))
        apart = float((gap / np.maximum(error, 1e-12))[error > 0].max(initial=0.0))
        if not apart < APART or (gap[error == 0] > 1e-9).any():
            raise RuntimeError(f"rates or weights of synfwp and Brian2 are {apart:.1f} standard errors apart")
        return {
            "name": "song",
            "plastic": plastic,
            "seconds": seconds,
            "build_s": program.build_s,
            "rate": {"synfwp": float(a[:, 0].mean()), "brian2": float(b[:, 0].mean())},
            "apart": apart,
        } | {"inputs": inputs, "neurons": neurons, "hz": rate, "ms": ms}


def vogels_network(plastic: bool) -> tuple[Any, dict[str, Any], Any]:
    """The network of Vogels et al. of full size: circuit, pairs of neurons by synapses, and potentials at the start."""
    import numpy as np

    vogels2011 = model("vogels2011")
    circuit = vogels2011.network_circuit(vogels2011.FULL, 0, plastic=plastic)
    ee, ei, ii, ie = (projection.weight.tocoo() for projection in circuit.projections)
    pairs = {
        "e": (np.concatenate([ee.row, ei.row]), np.concatenate([ee.col, 8000 + ei.col])),
        "ii": (ii.row, ii.col),
        "ie": (ie.row, ie.col),
    }
    v = np.concatenate([circuit.group(name).start_potential for name in ("excitatory", "inhibitory")])
    return circuit, pairs, v


def vogels(ms: float, rounds: int, plastic: bool) -> dict[str, Any]:
    """A network of 10,000 neurons, the same synapses and potentials on both sides, by turns.

    Spikes are the same until rounding has grown through the network's chaos; rates and weights stay together.
    """
    import numpy as np
    from peers import brian2_peer

    circuit, pairs, v = vogels_network(plastic)
    last: dict[str, tuple[Any, Any, Any]] = {}

    def ours(seed: int) -> tuple[float, None]:
        simulation = circuit.start(seed)
        begun = time.perf_counter()
        ds = simulation.run(ms)
        seconds = time.perf_counter() - begun
        last["synfwp"] = *spikes_of(ds, "excitatory", "inhibitory"), simulation.weights("plastic").data
        return seconds, None

    with tempfile.TemporaryDirectory() as folder:
        program = brian2_peer.vogels(Path(folder), pairs, v, ms, plastic)

        def theirs(seed: int) -> tuple[float, None]:
            found = program.run()
            last["brian2"] = *ordered(found.time, found.unit), found.weights
            return found.seconds, None

        seconds, _ = by_turns({"synfwp": ours, "brian2": theirs}, rounds)
    (step, unit, w), (step_theirs, unit_theirs, w_theirs) = last["synfwp"], last["brian2"]
    n = min(len(step), len(step_theirs))
    differ = np.flatnonzero((step[:n] != step_theirs[:n]) | (unit[:n] != unit_theirs[:n]))
    same_ms = float(step[differ[0]] / 10) if len(differ) else ms
    edges = np.arange(0, 10 * ms + 1, 1000)
    rates = [np.histogram(s[u < 8000], edges)[0] / 800.0 for s, u in ((step, unit), (step_theirs, unit_theirs))]
    if same_ms < 10 or not np.abs(rates[0] - rates[1]).max() <= 0.05 * rates[1].max():
        raise RuntimeError(
            f"synfwp and Brian2 part after {same_ms:g} ms; excitatory rates {rates[0]} and {rates[1]} Hz"
        )
    return {
        "name": "vogels",
        "plastic": plastic,
        "seconds": seconds,
        "build_s": program.build_s,
        "same_ms": same_ms,
        "same_spikes": int(differ[0]) if len(differ) else n,
        "rate": {"synfwp": len(step) / 1e4 / (ms / 1000), "brian2": len(step_theirs) / 1e4 / (ms / 1000)},
        "weight": {"synfwp": float(w.mean()), "brian2": float(w_theirs.mean())},
        "ms": ms,
    }


def openmp(name: str, threads: int, rounds: int, ms: float, inputs: int, neurons: int, rate: float) -> dict[str, Any]:
    """A plastic network by turns: synapses as they come, and Brian2 with OpenMP in so many threads, on as many cores.

    ``inputs``, ``neurons`` and ``rate`` are those of the network of Song et al.; that of Vogels et al. has its own.
    """
    from peers import brian2_peer

    with tempfile.TemporaryDirectory() as folder:
        if name == "song":
            song2000, weights = model("song2000"), start_weights(inputs, neurons)
            circuit = song2000.circuit(weights, one=song2000.EXAMPLE._replace(rate=rate))
            program = brian2_peer.song(Path(folder), weights, ms, rate, threads=threads)
        else:
            circuit, pairs, v = vogels_network(plastic=True)
            program = brian2_peer.vogels(Path(folder), pairs, v, ms, threads=threads)

        def ours(seed: int) -> tuple[float, int]:
            simulation = circuit.start(seed)
            begun = time.perf_counter()
            ds = simulation.run(ms)
            return time.perf_counter() - begun, ds.sizes["spike"]

        def theirs(seed: int) -> tuple[float, int]:
            found = program.run()
            return found.seconds, len(found.time)

        seconds, _ = by_turns({"synfwp": ours, "brian2": theirs}, rounds)
    return {"name": name, "threads": threads, "seconds": seconds, "build_s": program.build_s, "ms": ms}


def large(neurons: int, each: int, ms: float) -> dict[str, Any]:
    """A network in which every synapse is plastic (pair STDP): two halves, ``each`` synapses from every neuron.

    Seconds to build it and to run it, and peak memory (MB) of the process with all that was built.
    """
    import numpy as np
    import scipy.sparse

    import synfwp as fw

    from .metadata import _resident

    begun, half, fan = time.perf_counter(), neurons // 2, each // 2
    rng, rule = np.random.default_rng(0), fw.plasticity.pair(0.002, 0.0021, w_max=0.1)
    cell = fw.LIF(
        tau_m=20.0, t_ref=2.0, v_rest=-70.0, v_threshold=-50.0, v_reset=-60.0, g_leak=10.0,
        receptors=(fw.Receptor("excitatory", tau=5.0, reversal=0.0),),
    )  # fmt: skip

    def synapses() -> Any:
        """One synapse from each neuron into each of ``fan`` stretches of neurons: no pair twice, rows in order."""
        post = (np.arange(fan) * (half // fan) + rng.integers(0, half // fan, (half, fan))).astype(np.int32)
        ends = np.arange(half + 1) * fan
        return scipy.sparse.csr_array((rng.uniform(0, 0.1, post.size), post.ravel(), ends), shape=(half, half))

    halves = [
        fw.Population(half, cell, name, drive=rng.uniform(150, 209, half), v_init=rng.uniform(-70, -50, half))
        for name in ("one", "other")
    ]
    circuit = fw.Circuit([fw.Projection(a, b, synapses(), delay=1.5, plasticity=rule) for a in halves for b in halves])
    simulation = circuit.start()
    built = time.perf_counter() - begun
    simulation.run(1.0)  # the kernel is loaded or compiled
    begun, cpu = time.perf_counter(), time.process_time()
    ds = simulation.run(ms)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return {
        "neurons": neurons,
        "synapses": sum(p.n_synapses for p in circuit.projections),
        "ms": ms,
        "rate": ds.sizes["spike"] / neurons / (ms / 1000),
        "build_s": built,
        "seconds": seconds,
        "processor_s": cpu,
        "peak_mb": _resident("VmHWM"),
        "state": simulation.digest(),
    }


def by_turns(
    runs: dict[str, Callable[[int], tuple[float, Any]]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[Any]]]:
    """Seconds and results of every side in every round, after one round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    found: dict[str, list[Any]] = {name: [] for name in runs}
    for r in range(rounds + 1):
        for name, run in runs.items():
            took, result = run(r)
            if r:
                seconds[name].append(took)
                found[name].append(result)
    return seconds, found


def first(side: str, started: float, inputs: int, neurons: int, ms: float) -> dict[str, Any]:
    """Seconds from the start of this process to the first result: imports, compilers and one run."""
    if side == "synfwp":
        weights = start_weights(inputs, neurons)
        ds = model("song2000").circuit(weights).run(ms)
        return {"seconds": time.time() - started, "spikes": ds.sizes["spike"]}
    from peers import brian2_peer

    weights = start_weights(inputs, neurons)
    with tempfile.TemporaryDirectory() as folder:
        found = brian2_peer.song(Path(folder), weights, ms, 15.0).run()
        return {"seconds": time.time() - started, "spikes": len(found.time)}


def cost(along: str, values: list[float], rounds: int) -> list[dict[str, Any]]:
    """Seconds of synfwp against one property of a network, with plasticity and without; the others stay.

    Base: 500 inputs of 15 Hz onto 200 neurons, 100 synapses on each, 1 s. More neurons bring their synapses; more
    synapses are weaker ones, so that the rate of a neuron stays.
    """
    import numpy as np
    import scipy.sparse

    base = {"neurons": 200, "synapses": 20_000, "rate": 15.0, "seconds": 1.0}
    song2000, rows = model("song2000"), []
    for value in values:
        at = base | {along: value}
        n, share = int(at["neurons"]), 0.2 if along == "neurons" else at["synapses"] / (500 * at["neurons"])
        rng, g_max = np.random.default_rng(0), 0.01 * 1000 / (500 * share)
        there = rng.random((500, n)) < share
        weights = scipy.sparse.csr_array(np.where(there, rng.uniform(0.1, 1, (500, n)), 0) * g_max)
        for plastic in (True, False):
            one = song2000.EXAMPLE._replace(rate=at["rate"], g_max=g_max)
            circuit = song2000.circuit(weights, plastic=plastic, one=one)
            seconds, spikes = [], 0
            circuit.run(10.0)
            for r in range(rounds):
                simulation = circuit.start(r)
                begun = time.perf_counter()
                spikes = simulation.run(1000 * at["seconds"]).sizes["spike"]
                seconds.append(time.perf_counter() - begun)
            row = {"along": along, "value": value, "plastic": plastic, "seconds": statistics.median(seconds)}
            rows.append(row | {"synapses": int(weights.nnz), "spikes": spikes})
    return rows


def replicates(n: int, workers: list[int], ms: float) -> dict[str, Any]:
    """Runs of one circuit with n seeds, by so many threads; their results are compared.

    Raises
    ------
    RuntimeError
        If a result depends on the number of threads.
    """
    import numpy as np

    import synfwp as fw

    circuit = model("song2000").circuit(start_weights(1000, 100))
    circuit.run(10.0)

    def keep(simulation: Any, ds: Any) -> tuple[Any, Any]:
        return ds.spike_time.values, simulation.weights("synapses")

    seconds, results = {}, {}
    for count in workers:
        begun = time.perf_counter()
        results[count] = fw.replicates(circuit, ms, range(n), keep, workers=count)
        seconds[str(count)] = time.perf_counter() - begun
    one = results[workers[0]]
    for other in results.values():
        if not all(np.array_equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True)):
            raise RuntimeError("the results of replicates depend on the number of threads")
    return {"n": n, "ms": ms, "seconds": seconds}


def memory(seconds: list[float]) -> dict[str, Any]:
    """Peak memory (MB) of long runs that write spikes and potentials to a file, beyond what was there before."""
    import synfwp as fw

    from .metadata import _resident

    song2000 = model("song2000")
    circuit = song2000.circuit(start_weights(100, 2) * 10, one=song2000.EXAMPLE._replace(g_max=0.1))
    circuit.run(10.0)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for length in seconds:
            Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here on
            before, file = _resident("VmRSS"), Path(folder) / f"{length:g}.nc"
            with circuit.run(1000 * length, record=fw.Record("cells", "v", every=1.0), to=file):
                found[f"{length:g}"] = {"mb": _resident("VmHWM") - before, "file_mb": file.stat().st_size / 1e6}
    return found


MEASURES: dict[str, Callable[..., Any]] = {
    "same": same,
    "song": song,
    "vogels": vogels,
    "first": first,
    "openmp": openmp,
    "large": large,
    "cost": cost,
    "replicates": replicates,
    "memory": memory,
}


if __name__ == "__main__":
    main()
