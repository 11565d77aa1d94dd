"""Postsynaptic neurons: how a value or an error drives them, and the rate of LIF neurons as it is measured."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from synfwp.kernels import spiking as kernel
from synfwp.spiking.neurons import LIF

Array = np.ndarray


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


class Soma(NamedTuple):
    """How the postsynaptic neurons of an engine are driven.

    ``peak`` is the rate (Hz) of a signal of 1, ``unit`` the drive that stands for it: 1 (counts), expected spikes a
    step (Poisson neurons) or mV (LIF neurons, which have a ``curve``).
    """

    peak: float
    unit: float
    curve: LIFCurve | None = None

    def clamp(self, value: Array) -> Array:
        """Drive (2, n) of push and pull neurons whose rates differ by ``peak * value``."""
        drive = value * self.unit if self.curve is None else self.curve.teach(value, self.peak)
        return np.stack([drive, -drive])

    def against(self, value: Array, baseline: float | None) -> Array:
        """Drive (2, n) as large as the prediction that cancels it, on top of what makes ``baseline`` Hz."""
        drive = np.stack([value, -value]) * self.unit
        if baseline is None:
            return drive
        return drive + (baseline / self.peak * self.unit if self.curve is None else self.curve.lift(baseline))

    def sent(self, error: Any, baseline: float | None) -> Any:
        """Push minus pull rate, in peaks, for errors from 0 to 1, of neurons that fire at ``baseline`` Hz without one.

        None is a baseline at which errors are sent as they are.

        >>> Soma(100.0, 1.0).sent(1.0, 5.0), Soma(100.0, 1.0).sent(1.0, 300.0), Soma(100.0, 1.0).sent(0.5, None)
        (np.float64(1.05), np.float64(2.0), 0.5)
        """
        if baseline is None:
            return error
        if self.curve is None:
            return error + np.minimum(error, baseline / self.peak)
        more = self.curve.lift(baseline)
        return (self.curve.at(error, more) - self.curve.at(-np.asarray(error), more)) / self.peak


def _difference(curve: LIFCurve, s: Array) -> Array:
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
