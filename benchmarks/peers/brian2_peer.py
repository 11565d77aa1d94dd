"""Two plastic networks in Brian2, as C++ standalone programs: what a user of Brian2 would write, in one thread or more.

Both integrate the membrane by exponential Euler, as synfwp does with conductances. A synapse transmits with the weight
that it has and is changed afterwards, which is synfwp's order too. Parameters are written out here a second time, on
purpose: that both sides agree says that they were copied right.
"""

import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

FLAGS = ["-O3", "-march=native", "-ffast-math", "-fno-finite-math-only", "-std=c++11", "-w"]  # Brian2's own for g++

SONG_CELL = """
dv/dt = (ge * (0*mV - v) + (-74*mV) - v) / (10*ms) : volt
dge/dt = -ge / (5*ms) : 1
"""
SONG_SYNAPSE = """
w : 1
dapre/dt = -apre / (20*ms) : 1 (event-driven)
dapost/dt = -apost / (20*ms) : 1 (event-driven)
"""
VOGELS_CELL = """
dv/dt = (-(10*nS) * (v + 60*mV) - (g_ampa * v + g_gaba * (v + 80*mV)) + 200*pA) / (200*pF) : volt (unless refractory)
dg_ampa/dt = -g_ampa / (5*ms) : siemens
dg_gaba/dt = -g_gaba / (10*ms) : siemens
"""


class Spikes(NamedTuple):
    """One run: seconds of its loop, spikes (ms, unit), and the plastic weights in the order of the synapses."""

    seconds: float
    time: np.ndarray
    unit: np.ndarray
    weights: np.ndarray


class Program:
    """A network that was compiled in ``folder``; ``run()`` runs it anew, in a process of its own."""

    def __init__(self, folder: Path, spikes: Any, synapses: Any) -> None:
        """Compile what was written; ``build_s`` is what that took."""
        import brian2 as b2

        self._spikes, self._synapses, self._device = spikes, synapses, b2.get_device()
        begun = time.perf_counter()
        self._device.build(directory=str(folder), compile=True, run=False, with_output=False)
        self.build_s = time.perf_counter() - begun

    def run(self) -> Spikes:
        """One run. Its seconds are those that the C++ program counts itself, of the simulation loop alone."""
        self._device.run(with_output=False)
        return Spikes(
            self._device._last_run_time,
            1e3 * np.asarray(self._spikes.t),
            np.asarray(self._spikes.i),
            np.asarray(self._synapses.w),
        )


def start(folder: Path, threads: int = 1) -> Any:
    """Brian2, set to write C++ programs on a step of 0.1 ms, with OpenMP for threads; nothing is logged to a file."""
    import brian2 as b2

    b2.prefs.logging.file_log = False
    b2.prefs.codegen.cpp.extra_compile_args_gcc = FLAGS
    b2.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
    b2.set_device("cpp_standalone", build_on_run=False, directory=str(folder))
    b2.defaultclock.dt = 0.1 * b2.ms
    return b2


def song(
    folder: Path,
    weights: np.ndarray,
    duration: float,
    rate: float,
    spikes: tuple[np.ndarray, np.ndarray] | None = None,
    plastic: bool = True,
    threads: int = 1,
) -> Program:
    """Song, Miller & Abbott 2000: inputs of ``rate`` (Hz), or prescribed ``spikes`` (ms, unit), onto LIF neurons.

    ``weights`` (n_pre, n_post), in units of the leak; ``duration`` in ms.
    """
    b2 = start(folder, threads)
    if spikes is None:
        source = b2.PoissonGroup(len(weights), rates=rate * b2.Hz)
    else:
        source = b2.SpikeGeneratorGroup(len(weights), spikes[1], spikes[0] * b2.ms)
    cells = b2.NeuronGroup(
        weights.shape[1], SONG_CELL, threshold="v > -54*mV", reset="v = -60*mV", method="exponential_euler"
    )
    cells.v = -74 * b2.mV
    rule = {
        "model": SONG_SYNAPSE,
        "on_pre": "ge += w\nw = clip(w + apost, 0, 0.01)\napre += 0.01 * 0.01",
        "on_post": "w = clip(w + apre, 0, 0.01)\napost -= 1.05 * 0.01 * 0.01",
    }
    synapses = b2.Synapses(source, cells, **(rule if plastic else {"model": "w : 1", "on_pre": "ge += w"}))
    synapses.connect()
    synapses.w = weights.ravel()
    monitor = b2.SpikeMonitor(cells)
    network = b2.Network(source, cells, synapses, monitor)
    network.run(duration * b2.ms)
    return Program(folder, monitor, synapses)


def vogels(
    folder: Path,
    pairs: dict[str, tuple[np.ndarray, np.ndarray]],
    potentials: np.ndarray,
    duration: float,
    plastic: bool = True,
    threads: int = 1,
) -> Program:
    """Vogels et al. 2011, as in Brian2's example: 8000 excitatory and 2000 inhibitory LIF neurons.

    ``pairs``: (pre, post) of the synapses "e" (excitatory neurons to all), "ii" and "ie" (inhibitory to inhibitory and
    to excitatory, plastic), indices within each population (post of "e": of all neurons); ``potentials`` at the
    start (mV); ``duration`` in ms.
    """
    b2 = start(folder, threads)
    cells = b2.NeuronGroup(
        10000, VOGELS_CELL, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b2.ms, method="exponential_euler"
    )
    cells.v = potentials * b2.mV
    excitatory, inhibitory = cells[:8000], cells[8000:]
    e = b2.Synapses(excitatory, cells, on_pre="g_ampa += 0.3*nS")
    ii = b2.Synapses(inhibitory, inhibitory, on_pre="g_gaba += 3*nS")
    rule = {
        "model": SONG_SYNAPSE,
        "on_pre": "g_gaba += w*nS\nw = clip(w + (apost - 0.12) * 0.01, 0, 100)\napre += 1",  # 2 x 3 Hz x 20 ms
        "on_post": "w = clip(w + apre * 0.01, 0, 100)\napost += 1",
    }
    ie = b2.Synapses(inhibitory, excitatory, **(rule if plastic else {"model": "w : 1", "on_pre": "g_gaba += w*nS"}))
    for name, synapses in {"e": e, "ii": ii, "ie": ie}.items():
        synapses.connect(i=pairs[name][0], j=pairs[name][1])
    monitor = b2.SpikeMonitor(cells)
    network = b2.Network(cells, e, ii, ie, monitor)
    network.run(duration * b2.ms)
    return Program(folder, monitor, ie)
