"""What spikes do on average: gains of the phases in closed form, and the rate of LIF neurons as it is measured."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from synfwp import units
from synfwp.kernels import spiking as kernel
from synfwp.spiking.neurons import LIF
from synfwp.substrates.code import RateCode, ThetaCycle
from synfwp.substrates.mechanisms import Gains

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


def around(steps: int, rho: float, causal: bool) -> Array:
    """What a postsynaptic spike at each step of a phase collects from presynaptic spikes at all (or earlier) steps.

    >>> around(2, 0.5, False).tolist(), around(2, 0.5, True).tolist()
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


def count_gains(code: RateCode, window: float) -> Gains:
    """Gains of the engine ``counts``: exact, but for what a synapse's own spikes in the window (ms) erase."""
    return Gains(1.0, 1.0, 1 / (code.clones * units.per_ms(code.peak) * window), 0.0)


def trace_gains(
    code: RateCode, schedule: ThetaCycle, tau: float, tau_syn: float, delay: float, dt: float,
    two_phase: bool, causal: bool = False,
) -> Gains:  # fmt: skip
    """Gains of traces on a grid of steps dt (ms), for neurons that fire in proportion to their drive.

    What W predicts, in the retrieval of ``two_phase`` and else while the item is encoded, rises as
    ``1 - exp(-t / tau_syn)`` after the delay; each presynaptic spike adds to its own postsynaptic neuron (``own``);
    traces of one phase that outlast the gap pair with spikes of the next. ``causal``: only pairs with the presynaptic
    spike first count.
    """
    rho, sigma = np.exp(-dt / tau), np.exp(-dt / tau_syn)
    retrieve, encode, gap, late = (round(x / dt) for x in (schedule.retrieve, schedule.encode, schedule.gap, delay))
    reads, pairs = retrieve if two_phase else encode, causal_sum if causal else pair_sum
    m, here, risen = np.arange(reads), pairs(reads, rho), rise(reads, sigma, late)
    erase = float((risen * around(reads, rho, causal)).sum() / here)
    lags = np.arange(late, reads)
    response = (1 - sigma) * sigma ** (lags - late) * rho**lags
    own = float((response * (reads - lags)).sum()) / (code.clones * units.per_ms(code.peak) * dt * here)
    if schedule.reset_traces:
        return Gains(1.0, erase, own, 0.0)
    source = (1 - rho**encode) / (1 - rho) * rho ** (gap + 1)
    there = pairs(encode, rho)
    if not two_phase:
        return Gains(1.0, erase, own, float(source * (1 - rho**encode) / (1 - rho) / there))
    fade = rho ** (retrieve - 1 - m)
    cross, back = float(source * fade.sum() / there), float(source * (fade * risen).sum() / there)
    return Gains(1 + cross, erase - back, own, cross)


class LIFCurve(NamedTuple):
    """The measured rate (Hz) of a LIF neuron against its tonic drive (mV above rest), and how it is used.

    ``tonic`` and ``slope`` (mV) make ``f(tonic + slope s) - f(tonic - slope s)`` as linear in s as it gets, with the
    peak rate at s = 1; ``distortion`` is its largest deviation over 5 Hz to the peak, relative to the peak.
    """

    drive: Array
    rate: Array
    tonic: float
    slope: float
    distortion: float

    def teach(self, signal: Array, peak: float) -> Array:
        """Drive (mV) of the push side for which push minus pull is ``peak * signal``; the pull side gets -drive."""
        s = np.linspace(0, 2, 401)
        return np.sign(signal) * self.slope * np.interp(np.abs(signal), _difference(self, s) / peak, s)

    @property
    def baseline(self) -> float:
        """Rate (Hz) without a signal."""
        return float(self.at(0.0))

    def at(self, signal: Any, more: float = 0.0) -> Array:
        """Rate (Hz) at a signal, relative to the one that is sent at the peak rate, and ``more`` mV."""
        return np.interp(self.tonic + more + self.slope * np.asarray(signal), self.drive, self.rate)

    def lift(self, rate: float) -> float:
        """Drive (mV) beyond the working point at which the neuron fires at ``rate`` (Hz) without a signal."""
        return float(np.interp(rate, self.rate, self.drive)) - self.tonic


def two_sided(rho0: float, peak: float, curve: LIFCurve | None = None) -> float:
    """Push minus pull rate, relative to the peak, of neurons of baseline ``rho0`` (Hz) that an error at peak drives.

    >>> two_sided(5.0, 100.0), two_sided(300.0, 100.0)
    (1.05, 2.0)
    """
    if curve is None:
        return 1 + min(rho0 / peak, 1.0)
    more = curve.lift(rho0)
    return float(curve.at(1.0, more) - curve.at(-1.0, more)) / peak


def _difference(curve: Any, s: Array) -> Array:
    """Push minus pull rate (Hz) at signal s."""
    return curve.at(s) - curve.at(-s)


@lru_cache(maxsize=32)
def lif_curve(neuron: LIF, peak: float, dt: float) -> LIFCurve:
    """Measure the f-I curve of a LIF neuron with the kernel that runs it, and choose its working point.

    Raises
    ------
    ValueError
        If the neuron cannot fire half as fast again as the peak rate within the range of drives that was measured.
    """
    span = neuron.v_threshold - neuron.v_rest
    drive = np.linspace(0, 6 * span, 121)
    rate = _measure(neuron, drive, dt)
    if rate[-1] < 1.5 * peak:
        raise ValueError(
            f"the LIF neuron fires at {rate[-1]:.0f} Hz at most in the measured range; lower the peak rate "
            f"({peak:g} Hz) or shorten t_ref and tau_m."
        )
    best = LIFCurve(drive, rate, 0.0, 0.0, np.inf)
    s = np.linspace(min(5.0 / peak, 0.5), 1, 39)
    for baseline in np.linspace(1.0, 0.12 * peak, 24):
        tonic = float(np.interp(baseline, rate, drive))
        for slope in np.linspace(0.1, 3.0, 117) * span:
            curve = LIFCurve(drive, rate, tonic, float(slope), 0.0)
            off = float(np.abs(_difference(curve, s) / peak - s).max())
            if off < best.distortion:
                best = curve._replace(distortion=off)
    return best


def _measure(
    neuron: LIF, drive: Array, dt: float, repeats: int = 60, burn: float = 200.0, time: float = 1000.0
) -> Array:
    """Mean rate (Hz) at each drive over ``2 repeats`` neurons and ``time`` ms, made monotone."""
    n = len(drive) * repeats
    post = np.zeros((round((burn + time) / dt), 2, n), np.int16)
    teach = np.tile(np.repeat(drive, repeats), (2, 1))
    state = lif_state(n, neuron)
    nothing = np.zeros((1, n))
    kernel.phase(
        np.random.default_rng(0),
        np.zeros(1),
        teach,
        neuron.v_rest,
        0.0,
        0.0,
        False,
        0.0,
        np.inf,
        0,
        (0.0, 0.0, 0.0),
        lif_constants(neuron, dt),
        nothing,
        nothing.copy(),
        np.zeros(1),
        np.zeros(n),
        np.zeros(n),
        *state,
        np.zeros((len(post), 1), np.int16),
        post,
    )
    spikes = post[round(burn / dt) :].sum(axis=(0, 1), dtype=float).reshape(len(drive), repeats).mean(axis=1)
    return np.maximum.accumulate(spikes / 2 / time * 1000.0)


def lif_constants(neuron: LIF, dt: float) -> tuple[float, float, float, float, float]:
    """Decay of V in a step, noise of a step (mV), threshold, reset (mV) and refractory steps."""
    decay = float(np.exp(-dt / neuron.tau_m))
    noise = float(neuron.noise * np.sqrt(-np.expm1(-2 * dt / neuron.tau_m)))
    return decay, noise, neuron.v_threshold, neuron.v_reset, float(round(neuron.t_ref / dt))


def lif_state(n: int, neuron: LIF) -> tuple[Array, Array]:
    """Membrane potentials at rest and no refractory steps, (2, n) each."""
    return np.full((2, n), neuron.v_rest), np.zeros((2, n), np.int64)
