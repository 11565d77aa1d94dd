"""Gains of LIF neurons as they are measured: what membranes that have to be charged first leave of a value."""

from functools import lru_cache

import numpy as np

from synfwp import units
from synfwp.kernels import spiking as kernel
from synfwp.spiking.neurons import LIF
from synfwp.substrates import gains
from synfwp.substrates.code import ThetaCycle
from synfwp.substrates.mechanisms import Gains, Mechanism
from synfwp.substrates.soma import LIFCurve, Soma, lif_constants, lif_curve, lif_state

Array = np.ndarray
NEURONS, SILENCE, MANY = 4000, 200.0, 20_000  # measured at once; ms before a phase; presynaptic spikes of a step


@lru_cache(maxsize=64)
def lif_gains(
    g: Gains, neuron: LIF, peak: float, schedule: ThetaCycle, mechanism: Mechanism, delay: float, dt: float
) -> Gains:
    """The gains ``g`` of neurons that follow their drive, with what LIF neurons make of a value and of a retrieval.

    Push minus pull spikes of ``NEURONS`` neurons, silent before, meet the traces of a phase: once for a value at peak
    that is taught, and once for a retrieval at peak, which rises with the synapses. Both are known to 0.6 % (standard
    error); smaller values lose more of themselves. The response to single spikes (``self_erasure``) and what leaks
    between phases are left as they are.
    """
    curve = lif_curve(neuron, peak, dt)
    soma = Soma(peak, curve.slope, curve)
    rho, sigma = float(np.exp(-dt / mechanism.tau)), float(np.exp(-dt / neuron.tau_syn))
    scale = float(soma.sent(1.0, mechanism.baseline)) if mechanism.into_soma else 1.0

    def mean(net: Array) -> float:
        weight = gains.collected(len(net), rho, mechanism.causal)
        return float((net * weight).sum() / weight.sum())

    def pushed(duration: float, drive: Array, follows: float) -> float:
        net = _net(neuron, curve, round(duration / dt), drive, follows, sigma, round(delay / dt), dt)
        return mean(net) / (units.per_ms(peak) * dt * scale)

    taught = mechanism.teach(np.ones(1), soma)
    g = g._replace(write=g.write + pushed(schedule.encode, taught, 0.0) - 1)
    if not (mechanism.retrieves or mechanism.into_soma):
        return g
    reads = schedule.retrieve if mechanism.retrieves else schedule.encode
    nothing = np.zeros((2, 1)) if mechanism.retrieves else mechanism.teach(np.zeros(1), soma)
    follows = mean(gains.rise(round(reads / dt), sigma, round(delay / dt)))
    return g._replace(erase=g.erase + pushed(reads, nothing, curve.slope) - follows)


def _net(
    neuron: LIF, curve: LIFCurve, steps: int, drive: Array, follows: float, sigma: float, late: int, dt: float
) -> Array:
    """Push minus pull spikes per step and neuron, after silence, for a drive (mV) taught and one that W transmits."""
    rng, state = np.random.default_rng(0), lif_state(NEURONS, neuron)
    W = np.full((1, NEURONS), 1 / MANY)
    x, y, current = np.zeros(1), np.zeros(NEURONS), np.zeros(NEURONS)
    off = 0.0 * drive
    for duration, teach, rate in ((round(SILENCE / dt), off, 0.0), (steps, drive, float(MANY))):
        pre, post = np.zeros((duration, 1), np.int16), np.zeros((duration, 2, NEURONS), np.int16)
        kernel.phase(
            rng, np.array([rate]), np.tile(teach, (1, NEURONS)), neuron.v_rest + curve.tonic, follows * (1 - sigma),
            0.0, False, 0.0, np.inf, late, (0.0, 0.0, sigma), lif_constants(neuron, dt), W, W.copy(),
            x, y, current, *state, pre, post,
        )  # fmt: skip
    return (post[:, 0].sum(axis=1, dtype=float) - post[:, 1].sum(axis=1, dtype=float)) / NEURONS
