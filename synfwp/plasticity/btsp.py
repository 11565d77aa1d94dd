"""Plasticity on the time scale of behaviour (BTSP): seconds wide, written by plateau potentials of the dendrite."""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from synfwp import checks, derived, grid, units
from synfwp.kernels import btsp as kernels
from synfwp.plasticity.state_rows import StateRow

__all__ = ["BTSP", "BTSP_PRESETS"]

Array = np.ndarray
# of a mouse that runs at 25 cm/s through fields of exp(-(x / 21.2 cm)^2), 90 cm wide, and of a plateau (Milstein et al.
# 2021: the settings of the authors' programs)
FIELD, PLATEAU = 848.5, 300.0  # ms

BTSP_PRESETS: dict[str, dict[str, float]] = {
    # Milstein et al. 2021, fig. 5
    "milstein2021_fig5": {"tau_ET": 2500.0, "tau_IS": 1500.0, "k_plus": 1.7, "k_minus": 0.204}
    | {"a_plus": 0.5, "b_plus": 4.0, "a_minus": 0.01, "b_minus": 44.44},
    # the network of the same paper (second hand: the programs of Madar, Dong & Sheffield)
    "milstein2021_network": {"tau_ET": 1660.0, "tau_IS": 440.0, "k_plus": 1.1, "k_minus": 0.424}
    | {"a_plus": 0.415, "b_plus": 4.40, "a_minus": 0.026, "b_minus": 20.04},
}
UNITS = {"tau_ET": "ms", "tau_IS": "ms", "k_plus": "Hz", "k_minus": "Hz"}


@dataclass(frozen=True)
class BTSP:
    r"""Weight-dependent plasticity on the time scale of behaviour, of Milstein et al. (2021).

    Presynaptic rate leaves an eligibility ET at the synapse, a plateau an instructive signal IS in the whole neuron;
    both decay exponentially and are divided by their peaks. Where they overlap, weights w in [0, 1] rise towards 1 and
    fall towards 0, once per lap:

    .. math::
        \Delta w = (1 - w) \, k_+ \int q_+(ET \cdot IS) \, dt - w \, k_- \int q_-(ET \cdot IS) \, dt, \qquad
        q(x) = \frac{s(x) - s(0)}{s(1) - s(0)}, \quad s(x) = \frac{1}{1 + e^{-b (x - a)}}

    Weak synapses rise near the plateau, strong ones fall, and farther away all but the weakest fall.

    Parameters
    ----------
    preset : str, optional
        ``"milstein2021_fig5"`` or ``"milstein2021_network"``. Without one, every parameter has to be given. It reads
        None when a parameter differs from the set.
    tau_ET, tau_IS : float
        Time constants of eligibility and instruction, ms.
    k_plus, k_minus : float
        Rates of potentiation and depression where both signals are at their peak, per second (Hz).
    a_plus, b_plus, a_minus, b_minus : float
        Thresholds of the two sigmoids, from 0 to 1, and their slopes, above 0.

    Raises
    ------
    ValueError
        If the preset is unknown, a parameter is missing or out of its range.

    References
    ----------
    Milstein et al. 2021, eLife 10:e73046.

    Examples
    --------
    A silent synapse is potentiated from seconds before the plateau (first) to seconds after; a strong one only falls:

    >>> rule = BTSP("milstein2021_fig5")
    >>> rule.window([-3000.0, 0.0, 3000.0], w=0.0).round(2).tolist()
    [0.61, 1.0, 0.27]
    >>> rule.window([-3000.0, 0.0, 3000.0], w=1.0).round(2).tolist()
    [-0.62, -0.85, -0.65]
    """

    preset: str | None = None
    _: KW_ONLY
    tau_ET: Any = None
    tau_IS: Any = None
    k_plus: Any = None
    k_minus: Any = None
    a_plus: Any = None
    b_plus: Any = None
    a_minus: Any = None
    b_minus: Any = None

    def __post_init__(self) -> None:
        known = {} if self.preset is None else checks.lookup("preset of BTSP", self.preset, BTSP_PRESETS)
        fill(self, "BTSP", known, BTSP_PRESETS, UNITS, _check)

    def row(self, scale: Any, *, lap: Any, peak: Any, every: Any = 10.0, plateau: Any = PLATEAU) -> StateRow:
        """This rule for the synapses of a projection, whose ``modulator`` begins plateaus of its postsynaptic neurons.

        A spike of neuron i of the modulator begins a plateau of postsynaptic neuron i (of all, if it has one neuron);
        one that lasts is not made stronger, but lasts anew. Signals are those of `run` with ``dt=every``, the spikes of
        a sample for its rate, divided by ``peak`` and by the largest instruction of one plateau.

        Parameters
        ----------
        scale : float
            The weight that is 1 in `run`, above 0.
        lap : float
            ms, a multiple of ``every``: at its end the weights change.
        peak : float
            Eligibility that counts as 1, in presynaptic spikes.
        every : float
            Length of a sample, ms.
        plateau : float
            How long a plateau lasts, ms, a multiple of ``every``.

        Returns
        -------
        StateRow

        Raises
        ------
        ValueError
            If a number is not above 0, or ``lap`` or ``plateau`` no multiple of ``every``.

        Examples
        --------
        >>> BTSP("milstein2021_fig5").row(scale=2.0, lap=7200.0, peak=20.0).w_max
        2.0
        """
        high = units.number(scale, "1", "scale", 0, above=True)
        found = StateRow(rule=self, w_min=0.0, w_max=high, every=every, lap=lap, plateau=plateau, peak=peak)
        for name in ("lap", "plateau"):
            value = getattr(found, name)
            if grid.multiples(value, found.every)[1].any() or value < found.every:
                raise ValueError(
                    f"{name} is {value:g} ms, no multiple of samples of {found.every:g} ms; pass one, or another every."
                )
        return found

    def run(self, rate: Any, plateau: Any, w: Any, *, dt: Any, laps: int = 1, peaks: Any = None) -> Array:
        """Weights after every lap.

        Parameters
        ----------
        rate : (n, T) array_like
            Presynaptic activity of n inputs, at least 0, in any unit.
        plateau : (T,) array_like
            Plateau of the neuron, at least 0: 1 while it lasts.
        w : float or (n,) array_like
            Weights before, from 0 to 1.
        dt : float
            Length of a time step, ms.
        laps : int
            Number of laps that the T steps are cut into, all of one length. Signals last from lap to lap.
        peaks : (float, float), optional
            What eligibility (in units of the rate) and instruction are divided by, as sums over steps. None: their
            largest values here.

        Returns
        -------
        (laps, n) array
            Weights, within 0 and 1.

        Raises
        ------
        ValueError, TypeError
            For arrays that do not fit each other, or values out of their ranges.

        Examples
        --------
        >>> rate = np.zeros((2, 400))
        >>> rate[0, 100:150], rate[1, 300:350] = 1.0, 1.0
        >>> plateau = np.zeros(400)
        >>> plateau[120:150] = 1.0
        >>> BTSP("milstein2021_fig5").run(rate, plateau, [0.2, 0.2], dt=10.0).round(2).tolist()
        [[1.0, 0.34]]
        """
        activity = units.array(rate, "1", "rate", 0, ndim=2)
        events = units.array(plateau, "1", "plateau", 0, ndim=1)
        count, (n, steps) = checks.count("laps", laps), activity.shape
        if events.shape != (steps,):
            raise ValueError(f"rate has {steps} time steps but plateau {len(events)}; pass both for the same steps.")
        if steps % count:
            raise ValueError(f"{steps} time steps are not {count} laps of one length; pass whole laps.")
        start = units.array(w, "1", "w", 0, 1)
        if start.ndim > 1 or (start.ndim and start.shape != (n,)):
            raise ValueError(f"w has shape {start.shape} but rate {n} inputs; pass a number or ({n},).")
        found = self._integrals(activity, events, units.number(dt, "ms", "dt", 0, above=True), count, peaks)
        out, now = np.empty((count, n)), np.broadcast_to(start, (n,)).copy()
        for lap in range(count):
            up, down = self.k_plus * found[lap, :, 0], self.k_minus * found[lap, :, 1]
            now = np.clip(now + (1 - now) * up - now * down, 0.0, 1.0)
            out[lap] = now
        return out

    def integrals(self, delay: Any, *, width: Any = FIELD, plateau: Any = PLATEAU, dt: Any = 10.0) -> Array:
        r"""The two integrals of one lap with a plateau at time 0, for inputs that are active around given times.

        Parameters
        ----------
        delay : (m,) array_like
            Centres of the inputs' activity, ms from the begin of the plateau; before it they are negative.
        width : float
            Of the activity :math:`e^{-((t - delay) / width)^2}`, ms. The default is that of 90 cm wide place fields at
            25 cm/s.
        plateau : float
            Length of the plateau, ms.
        dt : float
            Length of a time step, ms.

        Returns
        -------
        (m, 2) array
            Of :math:`q_+` and :math:`q_-`, in seconds.

        Raises
        ------
        ValueError, TypeError
            For values out of their ranges.

        Examples
        --------
        >>> BTSP("milstein2021_fig5").integrals([0.0]).round(2).tolist()
        [[1.21, 4.15]]
        """
        at = units.array(delay, "ms", "delay", ndim=1)
        spread, lasts = (
            units.number(x, "ms", name, 0, above=True) for x, name in ((width, "width"), (plateau, "plateau"))
        )
        step = units.number(dt, "ms", "dt", 0, above=True)
        first = min(0.0, at.min(initial=0.0)) - 4 * spread
        last = max(lasts, at.max(initial=0.0) + 4 * spread) + 8 * max(self.tau_ET, self.tau_IS)
        if (size := (last - first) / step) * max(1, len(at)) > 1e8:
            raise ValueError(
                f"delay, width, plateau and the time constants ask for {size:.3g} steps of {step:g} ms for {len(at)} "
                "inputs, too many; pass a longer dt, or shorter times."
            )
        t = np.arange(first, last, step)
        with np.errstate(over="ignore"):  # a width far below the distance of an input
            rate = np.exp(-(((t - at[:, None]) / spread) ** 2))
        return self._integrals(rate, ((t >= -step / 2) & (t < lasts - step / 2)).astype(float), step, 1, None)[0]

    def window(self, delay: Any, w: Any = 0.0, *, width: Any = FIELD, plateau: Any = PLATEAU, dt: Any = 10.0) -> Array:
        """Change of weights by one lap with a plateau, for inputs that are active around given times.

        Parameters
        ----------
        delay : (m,) array_like
            As of `integrals`.
        w : float or (m,) array_like
            Weights before, from 0 to 1.
        width : float
            As of `integrals`, ms.
        plateau : float
            Length of the plateau, ms.
        dt : float
            Step of the integrals, ms.

        Returns
        -------
        (m,) array

        Raises
        ------
        ValueError, TypeError
            For values out of their ranges.

        Examples
        --------
        >>> BTSP("milstein2021_fig5").window([0.0, 4000.0], w=[0.1, 0.5]).round(2).tolist()
        [0.9, -0.15]
        """
        start = units.array(w, "1", "w", 0, 1)
        up, down = self.integrals(delay, width=width, plateau=plateau, dt=dt).T
        if start.ndim and start.shape != up.shape:
            raise ValueError(f"w has shape {start.shape} but delay {len(up)} times; pass a number or ({len(up)},).")
        after = start + (1 - start) * self.k_plus * up - start * self.k_minus * down
        return np.asarray(np.clip(after, 0.0, 1.0) - start)

    def _integrals(self, rate: Array, plateau: Array, dt: float, laps: int, peaks: Any) -> Array:
        """(laps, n, 2), in seconds; 0 where nothing was eligible or no plateau came."""
        keep = float(np.exp(-dt / self.tau_ET)), float(np.exp(-dt / self.tau_IS))
        eligible, instructive = kernels.traces(rate, plateau, keep)
        if peaks is None:
            top = float(eligible.max(initial=0.0)), float(instructive.max(initial=0.0))
        else:
            found = units.array(peaks, "1", "peaks", 0, above=True)
            if found.shape != (2,):
                raise ValueError(f"peaks has shape {found.shape}; pass one of the eligibility and one of instruction.")
            top = float(found[0]), float(found[1])
        if not top[0] * top[1] > 0:
            return np.zeros((laps, len(rate), 2))
        gates = self.a_plus, self.b_plus, self.a_minus, self.b_minus
        return np.asarray(kernels.integrals(eligible, instructive, top, gates, laps)) * (dt / 1000)


def _check(name: str, value: Any, unit: str) -> float:
    """A parameter within its range."""
    high = 1.0 if name.startswith("a_") else np.inf
    return units.number(value, unit, name, 0.0, high, above=name.startswith(("tau", "b_")))


def fill(rule: Any, what: str, known: Any, presets: Any, unit: Any, check: Any, optional: tuple[str, ...] = ()) -> None:
    """Fill in and check the parameters of a new rule; ``preset`` stays only while every value agrees with its set."""
    names = [f.name for f in dataclasses.fields(rule) if f.name not in ("preset", *optional)]
    values = {name: getattr(rule, name) for name in names}
    values |= {name: None for name in known if derived.given(values[name]) is None}  # of this preset, not of another
    missing = [name for name in names if values[name] is None and name not in known]
    if missing:
        raise ValueError(f"{what} lacks {', '.join(missing)}; pass them, or start from a preset: {', '.join(presets)}.")
    for name in names:
        value = values[name]
        made = check(name, known[name] if value is None else value, unit.get(name, "1"))
        object.__setattr__(rule, name, derived.Number(made) if value is None else made)
    if any(getattr(rule, name) != known.get(name) for name in names):
        object.__setattr__(rule, "preset", None)
