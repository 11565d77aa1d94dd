r"""Plasticity rules of spiking synapses as rows of data: what a spike of either side changes, and what lies between.

A rule is a row. A presynaptic spike changes the weight by

    pre_0 + pre_x x1 + pre_y y1 + pre_y2 y2 + pre_yx y1 x2,

a postsynaptic one by ``post_0 + post_x x1 + post_x2 x2 + post_xy x1 y2``, where x1, x2 are traces of the presynaptic
and y1, y2 of the postsynaptic spikes, read before the spike raises its own. Every published rule below is a choice of
these numbers; kernels, the twin and the export to Brian2 read nothing else. `SynapticRule.dw` applies a row to two
spike trains, a `Projection` to all its synapses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from synfwp import checks, units
from synfwp.plasticity.trains import weight_change

INTERACTIONS = ("all", "nearest")
COINCIDENCES = ("in order", "none")
COEFFICIENTS = ("pre_0", "pre_x", "pre_y", "pre_y2", "pre_yx", "post_0", "post_x", "post_x2", "post_xy")


@dataclass(frozen=True, kw_only=True)
class SynapticRule:
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
    total, every : float or None
        Every ``every`` ms, at the start of a step, the incoming weights of each neuron are multiplied so that they sum
        to ``total``, then cut at the bounds; neurons whose weights sum to 0 or less are left alone.
    tau_e : float or None
        Changes go to an eligibility that decays with this time constant (ms), not to the weight; the projection's
        ``gate`` then multiplies what enters the eligibility.
    tau_reward, reward : float
        Each spike of the projection's ``modulator`` raises a reward signal d (1/ms) by ``reward``; d decays with
        ``tau_reward`` (ms), and ``dw/dt = d * eligibility``.
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

    >>> rule = inhibitory(eta=0.01, rate=5.0, tau=20.0)
    >>> rule.pre_0, rule.pre_y, rule.post_x
    (-0.002, 0.01, 0.01)
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
    every: Any = None
    tau_e: Any = None
    tau_reward: Any = 200.0
    reward: float = 1.0
    error: str = ""
    rate: float = 0.0
    x2_share: float = 0.0
    cite: str = ""
    amplitude: ClassVar[str] = "absolute"  # changes are in the unit of the weight
    TIMES: ClassVar[tuple[str, ...]] = ("tau_x1", "tau_x2", "tau_y1", "tau_y2", "tau_w", "every", "tau_e", "tau_reward")

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
                if not (entry.name == "tau_w" and value == np.inf):
                    value = checks.number(f"{entry.name} (ms)", value, 0, above=True)
            else:  # amplitudes and bounds are in the unit of the weight, which a rule does not know
                value = units.to_float(value, "1", entry.name)
                if entry.name not in ("w_min", "w_max") or np.isnan(value):
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
        if (self.total is None) != (self.every is None):
            raise ValueError("total and every go together; pass both, or neither.")
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

        >>> round(pair(0.01, 0.0105).dw([0.0], [20.0]), 6), round(pair(0.01, 0.0105).dw([20.0], [0.0], w=0.002), 6)
        (0.003679, -0.002)
        """
        return weight_change(self, pre, post, w, reward_times, start, stop)


def pair(
    A_plus: float, A_minus: float, tau_plus: Any = 20.0, tau_minus: Any = 20.0, *, name: str = "pair_stdp", **more: Any
) -> SynapticRule:
    """Pair STDP (Song, Miller & Abbott 2000, Nat Neurosci 3:919): ``A_plus`` and ``A_minus`` in the unit of the weight.

    Further arguments are those of `SynapticRule`, such as ``w_max=1.0, interaction="nearest"``.

    >>> pair(0.01, 0.0105, w_max=1.0).pre_y
    -0.0105
    """
    numbers: Mapping[str, Any] = {
        "name": name, "cite": "song2000", "pre_y": -A_minus, "post_x": A_plus, "tau_x1": tau_plus, "tau_y1": tau_minus
    }  # fmt: skip
    return SynapticRule(**(dict(numbers) | more))


def inhibitory(eta: float, rate: Any, tau: Any = 20.0, **more: Any) -> SynapticRule:
    """Inhibitory STDP (Vogels et al. 2011, Science 334:1569): postsynaptic rates go to ``rate`` (Hz).

    ``dw = eta (y - alpha)`` at a presynaptic and ``eta x`` at a postsynaptic spike, ``alpha = 2 rate tau``.

    >>> round(-inhibitory(0.5, rate=10.0, tau=20.0).pre_0, 6)
    0.2
    """
    alpha = 2 * units.per_ms(rate) * units.to_float(tau, "ms", "tau")
    numbers = {"pre_0": -eta * alpha, "pre_y": eta, "post_x": eta}
    return SynapticRule(name="inhibitory_stdp", cite="vogels2011", tau_x1=tau, tau_y1=tau, **numbers, **more)


def gated_trace(eta: float, tau: Any = 20.0, **more: Any) -> SynapticRule:
    """Hebbian coincidence within ``tau``, to be gated by the projection's ``gate``: ``dw = eta (S_post x + S_pre y)``.

    Anti-Hebbian for a negative eta or gate.

    >>> gated_trace(0.1).pre_y == gated_trace(0.1).post_x == 0.1
    True
    """
    numbers: Mapping[str, Any] = {"pre_y": eta, "post_x": eta, "tau_x1": tau, "tau_y1": tau, "w_min": -np.inf}
    return SynapticRule(**({"name": "gated_trace", "cite": "hebb1949"} | dict(numbers) | more))


def two_phase(eta: float, tau: Any = 20.0, **more: Any) -> SynapticRule:
    """The coincidences of `gated_trace` for the two phases of a delta rule.

    The projection's ``eligibility`` (negative while retrieving) collects depression, ``latch`` applies it when the
    retrieval ends, and ``gate`` (positive while encoding) potentiates. After Hasselmo, Bodelon & Wyble 2002, Neural
    Computation 14:793.

    >>> two_phase(0.1).name
    'two_phase'
    """
    return gated_trace(eta, tau, **({"name": "two_phase", "cite": "hasselmo2002"} | more))


def reward(
    A_plus: float,
    A_minus: float,
    tau_plus: Any = 20.0,
    tau_minus: Any = 20.0,
    tau_e: Any = 1000.0,
    tau_reward: Any = 200.0,
    **more: Any,
) -> SynapticRule:
    """Reward-modulated STDP (Izhikevich 2007, Cereb Cortex 17:2443): pairs write an eligibility, reward the weight.

    >>> reward(1.0, 1.5).tau_e
    1000.0
    """
    numbers = {"tau_e": tau_e, "tau_reward": tau_reward, "cite": "izhikevich2007"}
    return pair(A_plus, A_minus, tau_plus, tau_minus, name="reward_stdp", **(numbers | more))


def dendritic(eta: float, tau_m: Any = 10.0, tau_syn: Any = 3.0, **more: Any) -> SynapticRule:
    """Dendritic prediction error (Urbanczik & Senn 2014, Neuron 81:521, eq. 6 without the factor h and the low-pass).

    ``dw/dt = eta (S_post - phi(V*)) PSP``: a somatic spike potentiates by eta times the postsynaptic potential (a
    difference of exponentials with ``tau_m`` and ``tau_syn``), what the dendrite predicts depresses. The postsynaptic
    population needs cells of type `TwoCompartment`.

    >>> rule = dendritic(0.1)
    >>> rule.error, rule.rate < 0 < rule.post_x
    ('prediction', True)
    """
    m, s = units.to_float(tau_m, "ms", "tau_m"), units.to_float(tau_syn, "ms", "tau_syn")
    if m == s:
        raise ValueError(
            f"tau_m and tau_syn are both {m:g} ms; the difference of exponentials needs two time constants."
        )
    share = eta / (m - s)
    numbers: Mapping[str, Any] = {
        "post_x": share, "post_x2": -share, "rate": -share, "x2_share": 1.0, "tau_x1": m, "tau_x2": s,
        "error": "prediction", "w_min": -np.inf, "cite": "urbanczik2014",
    }  # fmt: skip
    return SynapticRule(**({"name": "dendritic"} | dict(numbers) | more))


def pes(eta: float, error: str = "error", tau: Any = 20.0, **more: Any) -> SynapticRule:
    """Prescribed error sensitivity (Bekolay, Kolbeck & Eliasmith 2013): ``dw/dt = eta e x``.

    e is the value of the postsynaptic receptor ``error``, onto which an error population projects with its encoders.

    >>> pes(1e-3).error
    'error'
    """
    numbers: Mapping[str, Any] = {"rate": eta, "error": error, "tau_x1": tau, "w_min": -np.inf, "cite": "bekolay2013"}
    return SynapticRule(**({"name": "pes"} | dict(numbers) | more))


def check_row(what: str, rule: Any) -> SynapticRule | None:
    """A row that a circuit can run, or None, or an error that names the cure.

    Parameters
    ----------
    what : str
        The argument, for the message.
    rule : object

    Raises
    ------
    TypeError
        For anything else; of a rule of relative changes the message asks for the weight that they are relative to.
    ValueError
        For a row whose simultaneous spikes form no pair, which steps of time cannot tell.

    >>> check_row("plasticity", gated_trace(0.1)).name
    'gated_trace'
    """
    if rule is None or (isinstance(rule, SynapticRule) and rule.coincident == "in order"):
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
    raise TypeError(f"{what} is a {kind}; pass a SynapticRule, such as PairSTDP('bi_poo').row(scale=...).")
