"""Spike-timing-dependent plasticity by pairs and by triplets of spikes, with published parameter sets.

Amplitudes here are relative, as published: a change is a fraction of the weight before. ``rule.row(scale)`` is the row
of a weight of that size, whose amplitudes are absolute.
"""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from synfwp import derived, units
from synfwp.checks import lookup, one_of
from synfwp.plasticity.synaptic import INTERACTIONS, SynapticRule

__all__ = ["PAIR_PRESETS", "TRIPLET_PRESETS", "PairSTDP", "TripletSTDP"]

_PRESET: Any = None  # default of a parameter whose value comes from the preset
_VISUAL = {"tau_plus": 16.8, "tau_minus": 33.7}  # ms; hippocampus takes the same two

TRIPLET_PRESETS: dict[str, dict[str, float]] = {
    "visual_cortex": _VISUAL
    | {"A2_plus": 5e-10, "A3_plus": 6.2e-3, "A2_minus": 7e-3, "A3_minus": 2.3e-4, "tau_x": 101.0, "tau_y": 125.0},
    # A3_minus = 0, so tau_x is without effect; it stands at the value of the full set
    "visual_cortex_minimal": _VISUAL
    | {"A2_plus": 0.0, "A3_plus": 6.5e-3, "A2_minus": 7.1e-3, "A3_minus": 0.0, "tau_x": 101.0, "tau_y": 114.0},
    "hippocampus": _VISUAL
    | {"A2_plus": 6.1e-3, "A3_plus": 6.7e-3, "A2_minus": 1.6e-3, "A3_minus": 1.4e-3, "tau_x": 946.0, "tau_y": 27.0},
}

# no published set: our least squares on the digitised points of Bi & Poo 1998 with dt > 0 or dt < -4 ms: tau to 0.1
# ms, then the amplitude at that tau, divided by the 60 pairs of the experiment
PAIR_PRESETS: dict[str, dict[str, float]] = {
    "bi_poo": {"A_plus": 0.862 / 60, "tau_plus": 14.8, "A_minus": 0.328 / 60, "tau_minus": 29.4},
}


class _Relative:
    """A published rule of relative changes: a source of rows."""

    amplitude: ClassVar[str] = "relative"  # changes are fractions of the weight before
    interaction: str

    def row(self, scale: Any, **more: Any) -> SynapticRule:
        """This rule for a weight, as a row whose changes are in the unit of that weight.

        Parameters
        ----------
        scale : float
            The weight that the relative amplitudes are fractions of, in its unit (a plain number), above 0.
        **more
            Further fields of `SynapticRule`, such as ``w_max``.

        Returns
        -------
        SynapticRule
            Of simultaneous spikes the presynaptic one comes first, as in a `Circuit`; ``coincident="none"`` is the
            convention of `dw`.

        Raises
        ------
        ValueError, TypeError
            If scale is not a finite number above 0, or a field of the row does not fit.

        Examples
        --------
        >>> row = TripletSTDP("visual_cortex").row(scale=2.0)
        >>> row.post_xy, row.pre_y, row.tau_y2, row.amplitude
        (0.0124, -0.014, 125.0, 'absolute')
        """
        size = units.number(scale, "1", "scale", 0, above=True)
        numbers = {name: size * value for name, value in self._amplitudes().items()}
        return SynapticRule(**({"interaction": self.interaction} | self._rest() | numbers | more))

    @cached_property
    def _relative(self) -> SynapticRule:
        """The row of a weight of 1 without bounds, in which simultaneous spikes form no pair."""
        return self.row(1.0, w_min=-np.inf, coincident="none")

    def dw(self, pre: ArrayLike, post: ArrayLike) -> float:
        """Total relative weight change (0.1 is +10 %) after two spike trains.

        Parameters
        ----------
        pre, post : (n,) array_like
            Spike times, ms or quantities, increasing; either may be empty.

        Returns
        -------
        float

        Raises
        ------
        ValueError, TypeError
            If a train is not one-dimensional, finite, increasing, and in ms.

        Examples
        --------
        One triplet post-pre-post: the presynaptic spike depresses, the last postsynaptic spike potentiates.

        >>> depression, potentiation = -7e-3 * np.exp(-10 / 33.7), np.exp(-10 / 16.8) * 6.2e-3 * np.exp(-20 / 125)
        >>> round(TripletSTDP("visual_cortex").dw([10.0], [0.0, 20.0]), 6), round(float(depression + potentiation), 6)
        (-0.002289, -0.002289)
        >>> rule = PairSTDP(A_plus=0.01, A_minus=0.005, tau_plus=20.0, tau_minus=20.0)
        >>> round(rule.dw([0.0], [20.0]), 6), round(rule.dw([20.0], [0.0]), 6), rule.dw([0.0], [0.0])
        (0.003679, -0.001839, 0.0)
        """
        return self._relative.dw(pre, post)

    def _amplitudes(self) -> dict[str, float]:
        """Coefficients of the row of a weight of 1."""
        raise NotImplementedError

    def _rest(self) -> dict[str, Any]:
        """The other fields of the row."""
        raise NotImplementedError


@dataclass(frozen=True)
class TripletSTDP(_Relative):
    r"""Triplet rule of Pfister & Gerstner (2006).

    .. math::
        \Delta w(t^{post}) = r_1(t) \, [A_2^+ + A_3^+ o_2(t - \epsilon)], \qquad
        \Delta w(t^{pre}) = -o_1(t) \, [A_2^- + A_3^- r_2(t - \epsilon)]

    The traces r1, r2 of presynaptic spikes decay with ``tau_plus``, ``tau_x``; o1, o2 of postsynaptic spikes with
    ``tau_minus``, ``tau_y``. A spike reads the slow traces before it raises its own. A spike raises its traces by 1
    (``interaction="all"``: all spikes count) or sets them to 1 (``"nearest"``: only the last spike of a train counts).

    Simultaneous spikes of the two sides (within 1e-6 ms) form no pair, as in NEST; each still pairs with the earlier
    and the later spikes, and under ``"nearest"`` with the last spike before.

    Parameters
    ----------
    preset : str, optional
        ``"visual_cortex"``, ``"visual_cortex_minimal"`` or ``"hippocampus"``: the all-to-all parameter sets of Pfister
        & Gerstner (2006), tables 3 and 4. Without one, every parameter has to be given. It reads None when a parameter
        differs from the set. The sets were fitted with ``interaction="all"``, those of visual cortex to 60 pairs in a
        row; the experiment (Sjostrom et al. 2001) had bursts of 5, which they do not describe: see
        :func:`synfwp.plasticity.protocols.from_table`.
    A2_plus, A3_plus, A2_minus, A3_minus : float
        Amplitudes, relative change of weight for each pair or triplet; positive ``minus`` amplitudes depress.
    tau_plus, tau_minus, tau_x, tau_y : float
        Time constants, ms.
    interaction : str
        ``"all"`` or ``"nearest"``.

    Raises
    ------
    ValueError
        If the preset or the interaction is unknown, a parameter is missing, or a time constant is not positive.

    References
    ----------
    Pfister & Gerstner 2006, J Neurosci 26:9673.

    Examples
    --------
    >>> from synfwp.plasticity import protocols
    >>> rule = TripletSTDP("visual_cortex")
    >>> fast, slow = protocols.pairs(rate=50.0, dt=-10.0), protocols.pairs(rate=0.1, dt=-10.0)
    >>> round(rule.dw(fast.pre, fast.post), 3), round(rule.dw(slow.pre, slow.post), 3)
    (0.727, -0.312)
    >>> TripletSTDP("hippocampus", tau_y=40.0).preset is None
    True
    """

    preset: str | None = None
    _: KW_ONLY
    A2_plus: float = _PRESET
    A3_plus: float = _PRESET
    A2_minus: float = _PRESET
    A3_minus: float = _PRESET
    tau_plus: float = _PRESET
    tau_minus: float = _PRESET
    tau_x: float = _PRESET
    tau_y: float = _PRESET
    interaction: str = "all"

    def __post_init__(self) -> None:
        _complete(self, TRIPLET_PRESETS)

    def _amplitudes(self) -> dict[str, float]:
        return {"pre_y": -self.A2_minus, "pre_yx": -self.A3_minus, "post_x": self.A2_plus, "post_xy": self.A3_plus}

    def _rest(self) -> dict[str, Any]:
        times = {"tau_x1": self.tau_plus, "tau_x2": self.tau_x, "tau_y1": self.tau_minus, "tau_y2": self.tau_y}
        return {"name": "triplet_stdp", "cite": "pfister2006", **times}


@dataclass(frozen=True)
class PairSTDP(_Relative):
    r"""Pair rule: every pair of a presynaptic and a postsynaptic spike adds a change that depends on its lag alone.

    .. math::
        \Delta w = A^+ e^{-\Delta t / \tau_+} \; (\Delta t > 0), \qquad
        \Delta w = -A^- e^{\Delta t / \tau_-} \; (\Delta t < 0), \qquad \Delta t = t^{post} - t^{pre}

    This is :class:`TripletSTDP` with ``A3_plus = A3_minus = 0``, with the same convention for simultaneous spikes. With
    ``interaction="nearest"`` a spike pairs only with the last earlier spike of the other side.

    Parameters
    ----------
    preset : str, optional
        ``"bi_poo"``: not a published set but a least-squares fit of this package to the digitised points of Bi & Poo
        (1998), see :func:`synfwp.fit`. Without a preset, every parameter has to be given. It reads None when a
        parameter differs from the set.
    A_plus, A_minus : float
        Amplitudes, relative change of weight for each pair; a positive ``A_minus`` depresses.
    tau_plus, tau_minus : float
        Time constants, ms.
    interaction : str
        ``"all"`` or ``"nearest"``.

    Raises
    ------
    ValueError
        If the preset or the interaction is unknown, a parameter is missing, or a time constant is not positive.

    Examples
    --------
    >>> from synfwp.plasticity import protocols
    >>> protocol = protocols.pairs(n=60, rate=1.0, dt=10.0)
    >>> round(PairSTDP("bi_poo").dw(protocol.pre, protocol.post), 3)
    0.439
    """

    preset: str | None = None
    _: KW_ONLY
    A_plus: float = _PRESET
    A_minus: float = _PRESET
    tau_plus: float = _PRESET
    tau_minus: float = _PRESET
    interaction: str = "all"

    def __post_init__(self) -> None:
        _complete(self, PAIR_PRESETS)

    def _amplitudes(self) -> dict[str, float]:
        return {"pre_y": -self.A_minus, "post_x": self.A_plus}

    def _rest(self) -> dict[str, Any]:
        return {"name": "pair_stdp", "cite": "bi1998", "tau_x1": self.tau_plus, "tau_y1": self.tau_minus}


def _complete(rule: PairSTDP | TripletSTDP, presets: dict[str, dict[str, float]]) -> None:
    """Fill in and check the parameters of a new rule; ``preset`` stays only while every value agrees with it."""
    one_of("interaction", rule.interaction, INTERACTIONS)
    what = type(rule).__name__
    preset = {} if rule.preset is None else lookup(f"{what} preset", rule.preset, presets)
    names = [f.name for f in dataclasses.fields(rule) if f.name not in ("preset", "interaction")]
    values = {name: getattr(rule, name) for name in names}
    values |= {name: None for name in preset if derived.given(values[name]) is None}  # of this preset, not of another
    missing = [name for name in names if values[name] is None and name not in preset]
    if missing:
        raise ValueError(f"{what} lacks {', '.join(missing)}; pass them, or start from a preset: {', '.join(presets)}.")
    for name in names:
        value, (unit, low) = values[name], ("ms", 0.0) if name.startswith("tau") else ("1", -np.inf)
        made = units.number(preset[name] if value is None else value, unit, name, low, above=low == 0.0)
        kept = value is None or derived.given(value) is None
        object.__setattr__(rule, name, derived.Number(made) if kept else made)
    if rule.interaction != "all" or any(getattr(rule, name) != preset.get(name) for name in names):
        object.__setattr__(rule, "preset", None)
