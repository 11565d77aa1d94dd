"""Rules whose synapses hold more than a weight, as a projection of a circuit takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from synfwp import checks, shown, units

# class of a rule: how it is called, its key in the bibliography, and what a row of it has to have
KINDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "CalciumPlasticity": ("calcium", "graupner2012", ()),
    "VoltagePlasticity": ("voltage", "clopath2010", ()),
    "BTSP": ("btsp", "milstein2021", ("every", "lap", "plateau", "peak")),
    "BinaryBTSP": ("binary_btsp", "wu2025", ("window",)),
}
TIMES = ("spike_width", "every", "lap", "plateau", "window")


@dataclass(frozen=True, kw_only=True)
class StateRow(shown.OneLine):
    """A rule with states at every synapse, axon or neuron beside the weight; ``rule.row(...)`` makes it.

    Parameters
    ----------
    rule : CalciumPlasticity, VoltagePlasticity, BTSP or BinaryBTSP
    w_min, w_max : float
        Bounds of the weight, in its unit. Rules of relative weights go from one to the other.
    spike_level, spike_width : float or None
        mV and ms: what `VoltagePlasticity` reads for so long from a postsynaptic spike on. None: the potential.
    every, lap : float or None
        ms: samples of `BTSP`, and how often what they sum up changes the weights.
    plateau, peak : float or None
        Of `BTSP`: how long a plateau lasts, ms, and the eligibility (in presynaptic spikes) that counts as 1.
    window : float or None
        Of `BinaryBTSP`: an input is active for so many ms from its spike on.

    Raises
    ------
    ValueError, TypeError
        If the rule has no row, bounds are in the wrong order, or what the rule needs is missing.

    Examples
    --------
    >>> from synfwp.plasticity import CalciumPlasticity
    >>> row = CalciumPlasticity("DP").row(scale=0.5)
    >>> row.name, row.w_min, row.w_max
    ('calcium', 0.5, 2.5)
    """

    rule: Any
    w_min: float = 0.0
    w_max: float = np.inf
    spike_level: Any = None
    spike_width: Any = None
    every: Any = None
    lap: Any = None
    plateau: Any = None
    peak: Any = None
    window: Any = None
    amplitude: ClassVar[str] = "absolute"
    # what a `SynapticRule` may have beside, and these rules have not
    tau_e: ClassVar[None] = None
    interval: ClassVar[None] = None
    total: ClassVar[None] = None
    error: ClassVar[str] = ""
    tau_w: ClassVar[float] = np.inf
    soft: ClassVar[float] = 0.0
    baseline: ClassVar[float] = 0.0
    reward: ClassVar[float] = 0.0
    pre_y2: ClassVar[float] = 0.0
    post_xy: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        kind = type(self.rule).__name__
        if kind not in KINDS:
            raise TypeError(f"rule is a {kind}; pass one of {', '.join(KINDS)}.")
        for name in ("w_min", "w_max"):
            value = units.to_float(getattr(self, name), "1", name)
            if not isinstance(value, float) or np.isnan(value):
                value = checks.number(name, value)
            object.__setattr__(self, name, value)
        if not self.w_min < self.w_max:
            raise ValueError(f"w_min is {self.w_min:g} and w_max {self.w_max:g}; pass w_min below w_max.")
        for name in (*TIMES, "peak", "spike_level"):
            value, time = getattr(self, name), name in TIMES
            if value is not None:
                unit, low = "ms" if time else "mV" if name == "spike_level" else "1", -np.inf
                low = low if name == "spike_level" else 0.0
                object.__setattr__(self, name, units.number(value, unit, name, low, above=name != "window"))
        missing = [name for name in KINDS[kind][2] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"the row of a {kind} lacks {', '.join(missing)}; pass them to its row(...).")
        if (self.spike_level is None) != (self.spike_width is None):
            raise ValueError("spike_level and spike_width go together; pass both, or neither.")
        if kind != "VoltagePlasticity" and not np.isfinite(self.w_max - self.w_min):
            raise ValueError(f"the weights of a {kind} go from w_min to w_max; pass both bounds.")

    @property
    def kind(self) -> str:
        """The rule's class."""
        return type(self.rule).__name__

    @property
    def name(self) -> str:
        """How the rule is called."""
        return KINDS[self.kind][0]

    @property
    def cite(self) -> str:
        """Its key in the bibliography."""
        return KINDS[self.kind][1]

    @property
    def by_plateaus(self) -> bool:
        """Whether plateaus of a modulator write."""
        return self.kind in ("BTSP", "BinaryBTSP")
