"""Engines: how one phase of an item is run, as Poisson counts of whole windows or spike by spike on a clock."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synfwp import units
from synfwp.kernels import spiking as kernel
from synfwp.spiking.neurons import LIF, Poisson
from synfwp.substrates import gains
from synfwp.substrates.mechanisms import PES, Dendritic, InhibitoryCancellation

Array = np.ndarray
ONE_PHASE = (Dendritic, InhibitoryCancellation, PES)  # mechanisms that meet a value and its prediction in one phase


@dataclass
class CountsEngine:
    """Each neuron fires a Poisson count in each window; a coincidence is a product of counts. No time in windows."""

    network: Any
    rng: np.random.Generator
    W: Array
    spikes: int = 0

    def phase(
        self, duration: float, rates: Array, teach: Array | None, plastic: bool, live: float = 0.0, error: Any = None
    ) -> Any:
        """Eligibility (n_pre, n_post) per ideal product of features, and mean signal (n_post,) of the window.

        ``error``: the mechanism that meets what is taught with what W predicts; None: the soma is clamped.
        """
        code = self.network.code
        per_peak = units.per_ms(code.peak) * duration
        pre = self.rng.poisson(rates * per_peak)
        predicted = pre @ self.W / (per_peak * code.clones) if teach is None or error is not None else 0.0
        signal = predicted if teach is None else teach - (0.0 if isinstance(error, Dendritic) else predicted)
        base, scale = 0.0, 1.0
        if isinstance(error, InhibitoryCancellation):
            base, scale = error.rho0 / code.peak, 1 / gains.two_sided(error.rho0, code.peak)
        push, pull = (self.rng.poisson(np.maximum(base + side, 0) * per_peak) for side in (signal, -signal))
        self.spikes += int(pre.sum() + push.sum() + pull.sum())
        post = scale * (push - pull) / per_peak - (predicted if isinstance(error, Dendritic) else 0.0)
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
        self.lif, self.tonic, self.unit, self.curve = None, 0.0, self.step, net.curve
        if self.curve is not None:
            self.lif, self.tonic = gains.lif_constants(neuron, self.dt), neuron.v_rest + self.curve.tonic
            self.unit = self.curve.slope

    def phase(
        self, duration: float, rates: Array, teach: Array | None, plastic: bool, live: float = 0.0, error: Any = None
    ) -> Any:
        """Eligibility (n_pre, n_post) per ideal product of features, and mean signal (n_post,) of the window.

        ``error``: the mechanism that meets what is taught with what W predicts; None: the soma is clamped.
        """
        if self.network.schedule.reset_traces:
            self.x[:] = 0
            self.y[:] = 0
        steps = round(duration / self.dt)
        causal = isinstance(error, (Dendritic, PES))
        norm = self.step**2 * (gains.causal_sum if causal else gains.pair_sum)(steps, self.rho)
        per_spike = (1 - self.sigma) / self.network.code.clones  # expected spikes for a spike that W = 1 transmits
        gain = self.unit * per_spike / self.step
        dendrite, drive = 0.0, np.zeros((2, len(self.y)))
        if teach is not None:
            inhibits = isinstance(error, (InhibitoryCancellation, PES))
            gain, dendrite = -gain if inhibits else 0.0, per_spike if isinstance(error, Dendritic) else 0.0
            drive, scale = self._error_drive(teach, error) if inhibits else (self._teaching(teach), 1.0)
            norm *= scale
        E = np.zeros_like(self.W)
        name = "read" if not plastic else "retrieve" if teach is None else "encode"
        post = self._run(name, steps, rates * self.step, drive, (gain, dendrite), plastic, live / norm, causal, E)
        E /= norm
        return E if plastic else None, (post[:, 0].sum(axis=0) - post[:, 1].sum(axis=0)) / (self.step * steps)

    def gap(self, duration: float) -> None:
        """Nobody is driven, transmission and plasticity are off, everything decays."""
        silent = np.zeros_like(self.x), np.zeros((2, len(self.y)))
        self._run("gap", round(duration / self.dt), *silent, (0.0, 0.0), False, 0.0, False, np.zeros((1, 1)))

    def _teaching(self, teach: Array) -> Array:
        """What clamps the postsynaptic neurons: expected spikes a step, or a drive in mV, for push and pull."""
        code = self.network.code
        drive = teach * self.step if self.curve is None else self.curve.teach(teach, code.peak)
        return np.stack([drive, -drive])

    def _error_drive(self, teach: Array, error: Any) -> tuple[Array, float]:
        """The current that stands for the value, as large as the one that cancels it, and the error's own scale."""
        drive = np.stack([teach, -teach]) * self.unit
        if isinstance(error, PES):
            return drive, 1.0
        base = error.rho0 / self.network.code.peak * self.step if self.curve is None else self.curve.lift(error.rho0)
        return drive + base, gains.two_sided(error.rho0, self.network.code.peak, self.curve)

    def _run(
        self, name: str, steps: int, rate: Array, drive: Array, gain: tuple[float, float], plastic: bool, live: float,
        causal: bool, E: Array,
    ) -> Array:  # fmt: skip
        """Call the kernel for one phase; count, and if asked keep, its spikes. ``gain``: to soma and dendrite."""
        n_pre, n_post = self.W.shape
        pre, post = np.zeros((steps, n_pre), np.int16), np.zeros((steps, 2, n_post), np.int16)
        delay = round(self.network.delay / self.dt)
        kernel.phase(
            self.rng,
            rate,
            drive,
            self.tonic,
            *gain,
            plastic,
            live,
            self.network.bound,
            delay,
            (self.rho, 0.0 if causal else self.rho, self.sigma),
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
