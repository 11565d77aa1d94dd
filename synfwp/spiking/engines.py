"""Engines: how one phase of an item is run, as Poisson counts of whole windows or spike by spike on a clock."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synfwp import units
from synfwp.kernels import spiking as kernel
from synfwp.spiking import gains
from synfwp.spiking.parameters import LIF, Poisson

Array = np.ndarray


@dataclass
class CountsEngine:
    """Each neuron fires a Poisson count in each window; a coincidence is a product of counts. No time in windows."""

    network: Any
    rng: np.random.Generator
    W: Array
    spikes: int = 0

    def phase(self, duration: float, rates: Array, teach: Array | None, plastic: bool, live: float = 0.0) -> Any:
        """Eligibility (n_pre, n_post) per ideal product of features, and mean signal (n_post,) of the window."""
        per_peak = units.per_ms(self.network.code.peak) * duration
        pre = self.rng.poisson(rates * per_peak)
        signal = teach if teach is not None else pre @ self.W / (per_peak * self.network.code.clones)
        push, pull = (self.rng.poisson(np.maximum(side, 0) * per_peak) for side in (signal, -signal))
        self.spikes += int(pre.sum() + push.sum() + pull.sum())
        post = (push - pull) / per_peak
        return np.outer(pre / per_peak, post) if plastic else None, post

    def gap(self, duration: float) -> None:
        """Nothing outlasts a window."""


@dataclass
class ClockEngine:
    """Spikes on a grid of steps dt with traces: Poisson or LIF neurons, one kernel."""

    network: Any
    rng: np.random.Generator
    W: Array
    record: bool = False
    spikes: int = 0
    clock: float = 0.0
    log: list[tuple[str, float, float, Array, Array]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Traces, currents and membranes start at rest."""
        n_pre, n_post = self.W.shape
        net = self.network
        self.x, self.y, self.current = np.zeros(n_pre), np.zeros(n_post), np.zeros(n_post)
        self.dt, self.tau = net.dt, net.trace
        self.rho = float(np.exp(-self.dt / self.tau))
        self.sigma = float(np.exp(-self.dt / net.cell.tau_syn))
        self.step = units.per_ms(net.code.peak) * self.dt
        neuron = net.cell if isinstance(net.cell, LIF) else LIF()
        self.V, self.wait = gains.lif_state(n_post, neuron)
        self.lif, self.tonic, self.unit = None, 0.0, self.step
        if isinstance(net.cell, LIF):
            curve = gains.lif_curve(net.cell, net.code.peak, self.dt)
            self.lif, self.tonic, self.unit = (
                gains.lif_constants(neuron, self.dt),
                neuron.v_rest + curve.tonic,
                curve.slope,
            )

    def phase(self, duration: float, rates: Array, teach: Array | None, plastic: bool, live: float = 0.0) -> Any:
        """Eligibility (n_pre, n_post) per ideal product of features, and mean signal (n_post,) of the window."""
        if self.network.schedule.reset_traces:
            self.x[:] = 0
            self.y[:] = 0
        steps = round(duration / self.dt)
        norm = self.step**2 * gains.pair_sum(steps, self.rho)
        gain = 0.0 if teach is not None else self.unit * (1 - self.sigma) / (self.step * self.network.code.clones)
        drive = np.zeros((2, len(self.y))) if teach is None else self._teaching(teach)
        E = np.zeros_like(self.W)
        post = self._run(
            "read" if not plastic else "retrieve" if teach is None else "encode",
            steps,
            rates * self.step,
            drive,
            gain,
            plastic,
            live / norm,
            E,
        )
        E /= norm
        return E if plastic else None, (post[:, 0].sum(axis=0) - post[:, 1].sum(axis=0)) / (self.step * steps)

    def gap(self, duration: float) -> None:
        """Nobody is driven, transmission and plasticity are off, everything decays."""
        silent = np.zeros_like(self.x), np.zeros((2, len(self.y)))
        self._run("gap", round(duration / self.dt), *silent, 0.0, False, 0.0, np.zeros((1, 1)))

    def _teaching(self, teach: Array) -> Array:
        """What clamps the postsynaptic neurons: expected spikes a step, or a drive in mV, for push and pull."""
        if self.lif is None:
            return np.maximum(np.stack([teach, -teach]), 0) * self.step
        net = self.network
        drive = gains.lif_curve(net.cell, net.code.peak, self.dt).teach(teach, net.code.peak)
        return np.stack([drive, -drive])

    def _run(
        self, name: str, steps: int, rate: Array, drive: Array, gain: float, plastic: bool, live: float, E: Array
    ) -> Array:
        """Call the kernel for one phase; count, and if asked keep, its spikes."""
        n_pre, n_post = self.W.shape
        pre, post = np.zeros((steps, n_pre), np.int16), np.zeros((steps, 2, n_post), np.int16)
        delay = round(self.network.delay / self.dt)
        kernel.phase(
            self.rng,
            rate,
            drive,
            self.tonic,
            gain,
            plastic,
            live,
            self.network.bound,
            delay,
            (self.rho, self.sigma),
            self.lif,
            self.W,
            E,
            self.x,
            self.y,
            self.current,
            self.V,
            self.wait,
            pre,
            post,
        )
        self.spikes += int(pre.sum(dtype=np.int64) + post.sum(dtype=np.int64))
        if self.record:
            self.log.append((name, self.clock, self.clock + steps * self.dt, pre, post))
        self.clock += steps * self.dt
        return post


def make_engine(network: Any, rng: np.random.Generator, n_pre: int, n_post: int, record: bool) -> Any:
    """The engine of a network with weights (n_pre, n_post) of zero."""
    W = np.zeros((n_pre, n_post))
    return CountsEngine(network, rng, W) if network.engine == "counts" else ClockEngine(network, rng, W, record)


CELLS = {"counts": Poisson, "poisson": Poisson, "lif": LIF}
