r"""Plasticity rules of spiking synapses as rows of data: what a spike of either side changes, and what lies between.

A rule is a row. A presynaptic spike changes the weight by

    pre_0 + pre_x x1 + pre_y y1 + pre_y2 y2 + pre_yx y1 x2,

a postsynaptic one by ``post_0 + post_x x1 + post_x2 x2 + post_xy x1 y2``, where x1, x2 are traces of the presynaptic
and y1, y2 of the postsynaptic spikes, read before the spike raises its own. Every published rule of
`synfwp.plasticity.rows` is a choice of these numbers; kernels, the twin and the export to Brian2 read nothing else.
`SynapticRule.dw` applies a row to two spike trains, a `Projection` to all its synapses.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks, shown, units
from synfwp.kernels.stdp import stdp
from synfwp.plasticity.state_rows import StateRow
from synfwp.plasticity.trains import spike_train, time_of

INTERACTIONS = ("all", "nearest")
COINCIDENCES = ("in order", "none")
COEFFICIENTS = ("pre_0", "pre_x", "pre_y", "pre_y2", "pre_yx", "post_0", "post_x", "post_x2", "post_xy")
FREE = (-np.inf, np.inf, 0.0)  # no bounds


@dataclass(frozen=True, kw_only=True)
class SynapticRule(shown.OneLine):
    r"""A plasticity rule of a projection between spiking neurons, as a row of data.

    Parameters
    ----------
    name : str
    pre_0, pre_x, pre_y, pre_y2, pre_yx : float
        Change of the weight at a presynaptic spike: constant, times x1, times y1, times y2, times ``y1 x2``.
    post_0, post_x, post_x2, post_xy : float
        Change of the weight at a postsynaptic spike: constant, times x1, times x2, times ``x1 y2``.
    tau_x1, tau_x2, tau_y1, tau_y2 : float
        Time constants of the traces, ms. A spike raises its traces by 1 (``interaction="all"``) or sets them to 1
        (``"nearest"``).
    interaction : "all" or "nearest"
    coincident : "in order" or "none"
        Of simultaneous spikes of the two sides (within 1e-6 ms; in a circuit: in one step) the presynaptic one comes
        first, or the two form no pair, which only `dw` can do.
    w_min, w_max : float
        Bounds of the weight, in the unit of the weight, as all amplitudes: plain numbers.
    soft : float
        Exponent mu: potentiation is multiplied by ``((w_max - w) / (w_max - w_min))^mu``, depression by
        ``((w - w_min) / (w_max - w_min))^mu`` (Gutig et al. 2003, J Neurosci 23:3697). 0: hard bounds alone.
    tau_w : float
        Time constant (ms) with which the weight leaks to 0; infinite for none.
    total, interval : float or None
        Every ``interval`` ms, at the start of a step, the incoming weights of each neuron are multiplied so that they
        sum to ``total``, then cut at the bounds; neurons whose weights sum to 0 or less are left alone.
    tau_e : float or None
        Changes go to an eligibility that decays with this time constant (ms), not to the weight; the projection's
        ``gate`` then multiplies what enters the eligibility.
    tau_reward, reward, baseline : float
        Each spike of the projection's ``modulator`` raises a reward signal d (1/ms) by ``reward`` times its gain; d
        decays with ``tau_reward`` (ms), and ``dw/dt = (d - baseline) * eligibility``, with ``baseline`` in 1/ms.
    error, rate : str, float
        ``dw/dt = rate * e * (x1 - x2_share x2)``, where e is the value of the receptor ``error`` of the
        postsynaptic neuron (``dw/dt`` per ms), or the rate that its dendrite predicts, 1/ms (``"prediction"``).
    x2_share : float
    cite : str
        Key of the bibliography.

    Raises
    ------
    ValueError, TypeError
        For a time constant that is not positive, bounds in the wrong order, or a unit that does not fit.

    Examples
    --------
    >>> rule = SynapticRule(name="anti-causal", pre_y=0.01, tau_y1=30.0)
    >>> rule.dw([20.0], [20.0]), round(rule.dw([50.0], [20.0]), 6)
    (0.0, 0.003679)
    """

    name: str
    pre_0: float = 0.0
    pre_x: float = 0.0
    pre_y: float = 0.0
    pre_y2: float = 0.0
    pre_yx: float = 0.0
    post_0: float = 0.0
    post_x: float = 0.0
    post_x2: float = 0.0
    post_xy: float = 0.0
    tau_x1: Any = 20.0
    tau_x2: Any = 20.0
    tau_y1: Any = 20.0
    tau_y2: Any = 20.0
    interaction: str = "all"
    coincident: str = "in order"
    w_min: float = 0.0
    w_max: float = np.inf
    soft: float = 0.0
    tau_w: Any = np.inf
    total: float | None = None
    interval: Any = None
    tau_e: Any = None
    tau_reward: Any = 200.0
    reward: float = 1.0
    baseline: float = 0.0
    error: str = ""
    rate: float = 0.0
    x2_share: float = 0.0
    cite: str = ""
    amplitude: ClassVar[str] = "absolute"  # changes are in the unit of the weight
    TIMES: ClassVar[tuple[str, ...]] = (
        "tau_x1",
        "tau_x2",
        "tau_y1",
        "tau_y2",
        "tau_w",
        "interval",
        "tau_e",
        "tau_reward",
    )

    def __post_init__(self) -> None:
        """Times are positive, bounds in order, and what belongs together is given together."""
        checks.one_of("interaction", self.interaction, INTERACTIONS)
        checks.one_of("coincident", self.coincident, COINCIDENCES)
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name in ("name", "interaction", "coincident", "error", "cite") or value is None:
                continue
            if entry.name in self.TIMES:
                value = units.to_float(value, "ms", entry.name)
                if not (entry.name == "tau_w" and isinstance(value, float) and value == np.inf):
                    value = checks.number(f"{entry.name} (ms)", value, 0, above=True)
            else:  # amplitudes and bounds are in the unit of the weight, which a rule does not know
                value = units.to_float(value, "1", entry.name)
                if entry.name not in ("w_min", "w_max") or not isinstance(value, float) or np.isnan(value):
                    value = checks.number(entry.name, value, 0 if entry.name == "soft" else -np.inf)
            object.__setattr__(self, entry.name, value)
        self._check_bounds()

    def _check_bounds(self) -> None:
        """The order of the bounds, and bounds where they are needed."""
        low, high = float(self.w_min), float(self.w_max)
        if not low < high:
            raise ValueError(f"w_min is {low:g} and w_max {high:g}; pass w_min below w_max.")
        if np.isfinite(self.tau_w) and not low <= 0 <= high:
            raise ValueError(f"the weight leaks to 0 (tau_w), which lies outside of w_min {low:g} and w_max {high:g}.")
        if self.rate and not self.error:
            raise ValueError(f"rate is {self.rate:g} but error is not given; name the receptor that holds the error.")
        if self.soft and not np.isfinite(high - low):
            raise ValueError(f"soft is {self.soft:g}, but w_max - w_min is not finite; pass both bounds.")
        if self.baseline and self.tau_e is None:
            raise ValueError(
                f"baseline is {self.baseline:g}, of a reward, but the rule has no eligibility; pass tau_e."
            )
        if (self.total is None) != (self.interval is None):
            raise ValueError("total and interval go together; pass both, or neither.")
        if self.error and self.tau_e is not None:
            raise ValueError("error and tau_e are two ways to change a weight between spikes; pass one of them.")
        if self.total is not None and not self.total > 0:
            raise ValueError(f"total is {self.total:g}; pass a sum of incoming weights above 0.")

    @property
    def coefficients(self) -> tuple[float, ...]:
        """The nine numbers of the row, in the order of `COEFFICIENTS`."""
        return tuple(float(getattr(self, name)) for name in COEFFICIENTS)

    def dw(
        self,
        pre: ArrayLike,
        post: ArrayLike,
        w: Any = None,
        *,
        reward_times: ArrayLike | None = None,
        start: Any = None,
        stop: Any = None,
    ) -> float:
        """Change of one weight by two spike trains: ``w(stop) - w(start)``, in the unit of the weight.

        A projection between two `SpikeSource` with this rule gives the same number, for spikes on its grid.

        Parameters
        ----------
        pre, post : (n,) array_like
            Spike times, ms or quantities, increasing; either may be empty.
        w : float or None
            The weight at ``start``. None: of a weight that meets no bound. Soft bounds and a leak need it.
        reward_times : (n,) array_like or None
            Times (ms) of the spikes of a modulator; for rules with an eligibility (``tau_e``) only.
        start, stop : float or None
            ms. None: the first event; the last one, and with an eligibility after all reward has decayed.

        Returns
        -------
        float

        Raises
        ------
        ValueError, TypeError
            For a train that is not increasing, finite numbers in ms, or a rule that needs more than two trains: an
            error, a dendrite, the other weights of a neuron.

        Examples
        --------
        >>> rule = SynapticRule(name="pairs", post_x=0.01, pre_y=-0.0105)
        >>> round(rule.dw([0.0], [20.0]), 6), round(rule.dw([20.0], [0.0]), 6), rule.dw([20.0], [0.0], w=0.002)
        (0.003679, -0.003863, -0.002)
        """
        return _weight_change(self, pre, post, w, reward_times, start, stop)


def check_row(what: str, rule: Any) -> SynapticRule | StateRow | None:
    """A row that a circuit can run, or None, or an error that names the cure.

    Parameters
    ----------
    what : str
        The argument, for the message.
    rule : object

    Returns
    -------
    SynapticRule, StateRow or None

    Raises
    ------
    TypeError
        For anything else, among it a rule of relative changes, whose ``row(scale=...)`` is a row.
    ValueError
        For a row whose simultaneous spikes form no pair, which steps of time cannot tell.

    Examples
    --------
    >>> check_row("plasticity", SynapticRule(name="pairs", post_x=0.1)).name
    'pairs'
    """
    if rule is None or isinstance(rule, StateRow) or (isinstance(rule, SynapticRule) and rule.coincident == "in order"):
        return rule
    kind = type(rule).__name__
    if isinstance(rule, SynapticRule):
        raise ValueError(
            f"rule {rule.name!r} of {what} leaves simultaneous spikes unpaired (coincident='none'), but spikes of one "
            "step come in an order; pass coincident='in order'."
        )
    if getattr(rule, "amplitude", "") == "relative":
        raise TypeError(
            f"{what} is a {kind}, whose amplitudes are relative changes of weight; pass rule.row(scale=...) with the "
            "weight that they are fractions of, in its unit."
        )
    if hasattr(rule, "row"):
        raise TypeError(f"{what} is a {kind}; pass its row(...), which has what a projection needs beside the rule.")
    raise TypeError(f"{what} is a {kind}; pass a SynapticRule, such as PairSTDP('bi_poo').row(scale=...).")


def _weight_change(
    rule: SynapticRule, pre: ArrayLike, post: ArrayLike, w: Any, reward_times: ArrayLike | None, start: Any, stop: Any
) -> float:
    """The kernel on checked trains: see `SynapticRule.dw`."""
    _check_two_trains_do(rule, w, reward_times)
    trains = spike_train("pre", pre), spike_train("post", post)
    rewards = np.zeros(0) if reward_times is None else spike_train("reward_times", reward_times, apart=0.0)
    before = 0.0 if w is None else checks.number("w", units.to_float(w, "1", "w"))
    bounds = FREE if w is None else (float(rule.w_min), float(rule.w_max), float(rule.soft))
    if not bounds[0] <= before <= bounds[1]:
        raise ValueError(f"w is {before:g}, outside of w_min {bounds[0]:g} and w_max {bounds[1]:g} of the rule.")
    ends = [(train[0], train[-1]) for train in (*trains, rewards) if train.size]
    begin, end = (None if t is None else time_of(name, t) for name, t in (("start", start), ("stop", stop)))
    if not ends and begin is None:
        return 0.0
    first = float(min(one[0] for one in ends)) if begin is None else begin
    last = np.inf if rule.tau_e is not None else float(max([first, *(one[1] for one in ends)]))
    last = last if end is None else end
    outside = [one for one in ends if one[0] < first or one[1] > last]
    if outside:
        raise ValueError(
            f"spikes or rewards run from {outside[0][0]:g} to {outside[0][1]:g} ms, outside of start {first:g} and "
            f"stop {last:g} ms; cut the trains, or pass start and stop that hold them."
        )
    if last < first:
        raise ValueError(f"stop is {last:g} ms, before start at {first:g} ms; pass stop after start.")
    tau = (rule.tau_x1, rule.tau_x2, rule.tau_y1, rule.tau_y2)
    reward_terms = np.array([] if rule.tau_e is None else [rule.tau_e, rule.tau_reward, rule.reward], float)
    how = rule.interaction == "nearest", rule.coincident == "in order"
    rest = before, bounds, float(rule.tau_w), reward_terms, first, last
    after = float(stdp(*trains, rewards, rule.coefficients, tau, *how, *rest)) - before
    if rule.baseline:
        always = np.array([rule.tau_e, np.inf, -rule.baseline]), first, last  # a reward at the start, without decay
        after += float(stdp(*trains, np.array([first]), rule.coefficients, tau, *how, 0.0, FREE, np.inf, *always))
    if not np.isfinite(after):
        raise FloatingPointError(
            f"the change of the weight by rule {rule.name!r} is {after}: a coefficient is too large or a time constant "
            "too short for floats; pass others."
        )
    return after


def _check_two_trains_do(rule: SynapticRule, w: Any, reward_times: Any) -> None:
    """Two trains, a weight and rewards are all that the rule needs."""
    name = f"rule {rule.name!r}"
    if rule.error:
        raise ValueError(
            f"{name} reads {rule.error!r} of a postsynaptic neuron, which two spike trains do not have; run it in a "
            "Circuit."
        )
    if rule.total is not None:
        raise ValueError(
            f"{name} normalises the sum of all incoming weights (total), and two trains have one synapse; run it in a "
            "Circuit, or leave total out."
        )
    if rule.tau_e is None and reward_times is not None:
        raise ValueError(f"{name} has no eligibility that a reward could apply; leave reward_times out, or give tau_e.")
    if rule.tau_e is not None:
        if reward_times is None:
            raise ValueError(f"{name} changes a weight only when it is rewarded; pass reward_times (ms).")
        if rule.baseline and w is not None:
            raise ValueError(
                f"{name} has a baseline, so that a reward may drive the weight to a bound and back, which has no "
                "closed form; leave w out, or run it in a Circuit."
            )
        if rule.soft or np.isfinite(rule.tau_w):
            raise ValueError(
                f"{name} has soft bounds or a leak while rewards change the weight, which has no closed form; run it "
                "in a Circuit."
            )
    if w is None and (rule.soft or np.isfinite(rule.tau_w)):
        what = "soft bounds scale" if rule.soft else "the leak (tau_w) takes"
        raise ValueError(f"{name}: what {what} depends on the weight; pass w, the weight before the first spike.")
