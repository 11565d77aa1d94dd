"""Engines: how one phase of an item is run, as Poisson counts of whole windows or spike by spike on a clock."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from synfwp import units
from synfwp.kernels import spiking as kernel
from synfwp.spiking.neurons import LIF, Poisson
from synfwp.substrates import gains
from synfwp.substrates.code import RateCode, ThetaCycle
from synfwp.substrates.mechanisms import Mechanism
from synfwp.substrates.soma import LIFCurve, Soma, lif_constants, lif_state

Array = np.ndarray
NEURONS: dict[str, Poisson | LIF] = {
    "counts": Poisson(),
    "poisson": Poisson(),
    "lif": LIF(noise=5.0),
}  # the default of each


class Setup(NamedTuple):
    """What an engine is made of; times in ms, and the largest |W|."""

    engine: str
    mechanism: Mechanism
    code: RateCode
    schedule: ThetaCycle
    neuron: Poisson | LIF
    curve: LIFCurve | None
    dt: float
    delay: float
    bound: float


class Phase(NamedTuple):
    """What a phase leaves: eligibility (n_pre, n_post) per ideal product of features, and mean signal (n_post,)."""

    eligibility: Array
    signal: Array


@dataclass
class CountsEngine:
    """Each neuron fires a Poisson count in each window; a coincidence is a product of counts. No time in windows."""

    setup: Setup
    rng: np.random.Generator
    W: Array
    spikes: int = 0
    clock: float = 0.0
    log: list[tuple[str, float, float, Array, Array]] = field(default_factory=list)

    def phase(
        self, duration: float, rates: Array, value: Array | None, plastic: bool = True, online: float = 0.0
    ) -> Phase:
        """Run a window; without a ``value`` W alone drives the postsynaptic side. ``online`` is not used."""
        code, mechanism = self.setup.code, self.setup.mechanism
        soma, per_peak = Soma(code.peak, 1.0), units.per_ms(code.peak) * duration
        pre = self.rng.poisson(rates * per_peak)
        predicted = np.zeros(self.W.shape[1])
        if value is None or mechanism.predicts:
            predicted = pre @ self.W / (per_peak * code.neurons_per_feature)
        sides, scale, expected = np.stack([predicted, -predicted]), 1.0, np.zeros_like(predicted)
        if value is not None:
            sides = mechanism.teach(value, soma) - sides if mechanism.into_soma else mechanism.teach(value, soma)
            scale = float(1 / soma.sent(1.0, mechanism.baseline)) if mechanism.into_soma else 1.0
            expected = predicted if mechanism.into_dendrite else expected
        push, pull = (self.rng.poisson(np.maximum(side, 0) * per_peak) for side in sides)
        self.spikes += int(pre.sum() + push.sum() + pull.sum())
        post = scale * (push - pull) / per_peak - expected
        return Phase(np.outer(pre / per_peak, post) if plastic else np.zeros((0, 0)), post)

    def gap(self, duration: float) -> None:
        """Nothing outlasts a window."""


@dataclass
class ClockEngine:
    """Spikes on a grid of steps dt with traces: Poisson or LIF neurons, one kernel."""

    setup: Setup
    rng: np.random.Generator
    W: Array
    record: bool = False
    spikes: int = 0
    clock: float = 0.0
    log: list[tuple[str, float, float, Array, Array]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Traces, currents and membranes start at rest."""
        n_pre, n_post = self.W.shape
        setup, dt = self.setup, self.setup.dt
        self.x, self.y, self.current = np.zeros(n_pre), np.zeros(n_post), np.zeros(n_post)
        self.rho = float(np.exp(-dt / setup.mechanism.tau))
        self.sigma = float(np.exp(-dt / setup.neuron.tau_syn))
        self.step = units.per_ms(setup.code.peak) * dt
        neuron = setup.neuron if isinstance(setup.neuron, LIF) else LIF()
        self.V, self.wait = lif_state(n_post, neuron)
        self.lif, self.tonic, self.soma = None, 0.0, Soma(setup.code.peak, self.step)
        if setup.curve is not None:
            self.lif, self.tonic = lif_constants(neuron, dt), neuron.v_rest + setup.curve.tonic
            self.soma = Soma(setup.code.peak, setup.curve.slope, setup.curve)

    def phase(
        self, duration: float, rates: Array, value: Array | None, plastic: bool = True, online: float = 0.0
    ) -> Phase:
        """Run a phase; without a ``value`` W alone drives the postsynaptic side.

        ``online`` is the rate with which the eligibility is taken off W at once.
        """
        setup, mechanism = self.setup, self.setup.mechanism
        if setup.schedule.reset_traces:
            self.x[:] = 0
            self.y[:] = 0
        steps = round(duration / setup.dt)
        norm = gains.peak_pairs(mechanism, setup.code.peak, duration, setup.dt)
        per_spike = (1 - self.sigma) / setup.code.neurons_per_feature  # expected spikes for one that W = 1 transmits
        gain = self.soma.unit * per_spike / self.step
        dendrite, drive = 0.0, np.zeros((2, len(self.y)))
        if value is not None:
            drive = mechanism.teach(value, self.soma)
            gain, dendrite = -gain if mechanism.into_soma else 0.0, per_spike if mechanism.into_dendrite else 0.0
            norm *= float(self.soma.sent(1.0, mechanism.baseline)) if mechanism.into_soma else 1.0
        E = np.zeros_like(self.W)
        name = "read" if not plastic else "retrieve" if value is None else "encode"
        post = self._run(name, steps, rates * self.step, drive, (gain, dendrite), plastic, online / norm, E)
        E /= norm
        return Phase(E, (post[:, 0].sum(axis=0) - post[:, 1].sum(axis=0)) / (self.step * steps))

    def gap(self, duration: float) -> None:
        """Nobody is driven, transmission and plasticity are off, everything decays."""
        silent = np.zeros_like(self.x), np.zeros((2, len(self.y)))
        self._run("gap", round(duration / self.setup.dt), *silent, (0.0, 0.0), False, 0.0, np.zeros((1, 1)))

    def _run(
        self, name: str, steps: int, rate: Array, drive: Array, gain: tuple[float, float], plastic: bool, online: float,
        E: Array,
    ) -> Array:  # fmt: skip
        """Call the kernel for one phase; count its spikes, and record them. ``gain``: to soma and dendrite."""
        setup, (n_pre, n_post) = self.setup, self.W.shape
        pre, post = np.zeros((steps, n_pre), np.int16), np.zeros((steps, 2, n_post), np.int16)
        decays = self.rho, 0.0 if setup.mechanism.causal else self.rho, self.sigma
        kernel.phase(
            self.rng, rate, drive, self.tonic, *gain, plastic, online, setup.bound, round(setup.delay / setup.dt),
            decays, self.lif, self.W, E, self.x, self.y, self.current, self.V, self.wait, pre, post,
        )  # fmt: skip
        self.spikes += int(pre.sum(dtype=np.int64) + post.sum(dtype=np.int64))
        if self.record:
            self.log.append((name, self.clock, self.clock + steps * setup.dt, pre, post))
        self.clock += steps * setup.dt
        return post


Engine = CountsEngine | ClockEngine


def make_engine(setup: Setup, rng: np.random.Generator, n_pre: int, n_post: int, record: bool = False) -> Engine:
    """The engine of a network with weights (n_pre, n_post) of zero."""
    W = np.zeros((n_pre, n_post))
    return CountsEngine(setup, rng, W) if setup.engine == "counts" else ClockEngine(setup, rng, W, record)
