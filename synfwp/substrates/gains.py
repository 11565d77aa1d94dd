"""What spikes do on average: gains of the phases in closed form."""

import numpy as np

from synfwp import units
from synfwp.substrates.code import RateCode, ThetaCycle
from synfwp.substrates.mechanisms import Gains, Mechanism

Array = np.ndarray


def pair_sum(steps: int, rho: float) -> float:
    """Sum of ``rho^|m - n|`` over all pairs of steps: what a trace collects from a spike at every step.

    >>> pair_sum(2, 0.5)
    3.0
    """
    return float(steps * (1 + rho) / (1 - rho) - 2 * rho * (1 - rho**steps) / (1 - rho) ** 2)


def causal_sum(steps: int, rho: float) -> float:
    """Sum of ``rho^(m - n)`` over pairs of steps with n <= m: what presynaptic traces alone collect.

    >>> causal_sum(2, 0.5)
    2.5
    """
    return (pair_sum(steps, rho) + steps) / 2


def collected(steps: int, rho: float, causal: bool) -> Array:
    """What a postsynaptic spike at each step of a phase collects from presynaptic spikes at all (or earlier) steps.

    >>> collected(2, 0.5, False).tolist(), collected(2, 0.5, True).tolist()
    ([1.5, 1.5], [1.0, 1.5])
    """
    m = np.arange(steps)
    before = (1 - rho ** (m + 1)) / (1 - rho)
    return before if causal else before + rho * (1 - rho ** (steps - 1 - m)) / (1 - rho)


def rise(steps: int, sigma: float, late: int) -> Array:
    """Synaptic current of constant rates, relative to its last value, from the onset of a phase on.

    >>> rise(3, 0.5, 1).tolist()
    [0.0, 0.5, 0.75]
    """
    m = np.arange(steps)
    return np.where(m >= late, 1 - sigma ** np.maximum(m - late + 1, 0), 0.0)


def peak_pairs(mechanism: Mechanism, peak: float, duration: float, dt: float) -> float:
    """What a synapse collects in a phase (ms) when both of its neurons fire at the peak rate (Hz), on average.

    A change of weight of ``beta / peak_pairs`` for a coincidence writes beta.

    >>> from synfwp.substrates import GatedTrace
    >>> round(peak_pairs(GatedTrace(), 100.0, 100.0, 0.5), 4)
    32.0564
    """
    rho, step = float(np.exp(-dt / mechanism.tau)), units.per_ms(peak) * dt
    return float(step**2 * (causal_sum if mechanism.causal else pair_sum)(round(duration / dt), rho))


def count_gains(code: RateCode, schedule: ThetaCycle, mechanism: Mechanism) -> Gains:
    """Gains of the engine ``counts``: exact, but for what a synapse's own spikes in a window erase."""
    window = schedule.retrieve if mechanism.retrieves else schedule.encode
    return Gains(1.0, 1.0, 1 / (code.neurons_per_feature * units.per_ms(code.peak) * window), 0.0, mechanism.online)


def trace_gains(
    code: RateCode, schedule: ThetaCycle, mechanism: Mechanism, tau_syn: float, delay: float, dt: float
) -> Gains:
    """Gains of traces on a grid of steps dt (ms), for neurons that fire in proportion to their drive.

    What W predicts, in the retrieval if there is one and else while the item is encoded, rises as
    ``1 - exp(-t / tau_syn)`` after the delay; each presynaptic spike adds to its own postsynaptic neuron
    (``self_erasure``); traces of one phase that outlast the gap pair with spikes of the next, postsynaptic traces only
    where pairs count in any order.
    """
    causal = mechanism.causal
    rho, sigma = np.exp(-dt / mechanism.tau), np.exp(-dt / tau_syn)
    retrieve, encode, gap, late = (round(x / dt) for x in (schedule.retrieve, schedule.encode, schedule.gap, delay))
    reads, pairs = retrieve if mechanism.retrieves else encode, causal_sum if causal else pair_sum
    m, here, risen = np.arange(reads), pairs(reads, rho), rise(reads, sigma, late)
    erase = float((risen * collected(reads, rho, causal)).sum() / here)
    lags = np.arange(late, reads)
    response = (1 - sigma) * sigma ** (lags - late) * rho**lags
    expected = code.neurons_per_feature * units.per_ms(code.peak) * dt
    g = Gains(1.0, erase, float((response * (reads - lags)).sum()) / (expected * here), 0.0, mechanism.online)
    if schedule.reset_traces:
        return g
    source = (1 - rho**encode) / (1 - rho) * rho ** (gap + 1)
    there = pairs(encode, rho)
    if not mechanism.retrieves:
        return g._replace(carry_over=float(source * (1 - rho**encode) / (1 - rho) / there))
    fade = rho ** (retrieve - 1 - m)
    cross, back = float(source * fade.sum() / there), float(source * (fade * risen).sum() / there)
    return g._replace(write=1 + cross, erase=erase - (0.0 if causal else back), carry_over=cross)
