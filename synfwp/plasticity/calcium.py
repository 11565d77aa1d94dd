"""Plasticity by calcium that crosses thresholds."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar

import numpy as np

from synfwp import checks, units
from synfwp.kernels import calcium as kernels
from synfwp.plasticity.btsp import fill
from synfwp.plasticity.state_rows import StateRow
from synfwp.plasticity.trains import spike_train

__all__ = ["CALCIUM_PRESETS", "CalciumPlasticity"]

_CURVES = {"tau_Ca": 20.0, "theta_d": 1.0, "sigma": 2.8284, "tau": 150e3, "beta": 0.5, "b": 5.0}
_FITS = {"theta_d": 1.0, "theta_p": 1.3}
# Graupner & Brunel 2012: six shapes of the window (fig. 2, S1), then fits to experiments. Numbers of the authors'
# programs (github.com/mgraupe/CalciumBasedPlasticityModel, Graupner2012PNAS)
CALCIUM_PRESETS: dict[str, dict[str, float]] = {
    "DP": _CURVES | {"C_pre": 1.0, "C_post": 2.0, "theta_p": 1.3, "gamma_d": 200.0, "gamma_p": 321.808, "delay": 13.7},
    "DPD": _CURVES | {"C_pre": 0.9, "C_post": 0.9, "theta_p": 1.3, "gamma_d": 250.0, "gamma_p": 550.0, "delay": 4.6},
    "DPD_prime": _CURVES
    | {"C_pre": 1.0, "C_post": 2.0, "theta_p": 2.5, "gamma_d": 50.0, "gamma_p": 600.0, "delay": 2.2},
    "P": _CURVES | {"C_pre": 2.0, "C_post": 2.0, "theta_p": 1.3, "gamma_d": 160.0, "gamma_p": 257.447, "delay": 0.0},
    "D": _CURVES
    | {"C_pre": 0.6, "C_post": 0.6, "theta_p": 1.3, "gamma_d": 500.0, "gamma_p": 550.0, "delay": 0.0, "sigma": 5.6568},
    "D_prime": _CURVES | {"C_pre": 1.0, "C_post": 2.0, "theta_p": 3.5, "gamma_d": 60.0, "gamma_p": 600.0, "delay": 0.0},
    "hippocampal_slices": _FITS
    | {"tau_Ca": 48.8373, "C_pre": 1.0, "C_post": 0.275865, "gamma_d": 313.0965, "gamma_p": 1645.59, "sigma": 9.1844}
    | {"tau": 688.355e3, "delay": 18.8008, "beta": 0.7, "b": 5.28145},
    "hippocampal_cultures": _FITS
    | {"tau_Ca": 11.9536, "C_pre": 0.58156, "C_post": 1.76444, "gamma_d": 61.141, "gamma_p": 113.6545, "sigma": 2.5654}
    | {"tau": 33.7596e3, "delay": 10.0, "beta": 0.5, "b": 36.0263},
    "cortical_slices": _FITS
    | {"tau_Ca": 22.6936, "C_pre": 0.5617539, "C_post": 1.23964, "gamma_d": 331.909, "gamma_p": 725.085}
    | {"sigma": 3.3501, "tau": 346.3615e3, "delay": 4.6098, "beta": 0.5, "b": 5.40988},
}
UNITS = {"tau_Ca": "ms", "tau": "ms", "delay": "ms"}


@dataclass(frozen=True)
class CalciumPlasticity:
    r"""Calcium-based plasticity of Graupner & Brunel (2012).

    Every spike raises calcium, a presynaptic one after a delay D. Above :math:`\theta_d` the efficacy rho falls, above
    :math:`\theta_p` it rises, with noise while calcium is above either:

    .. math::
        \tau \dot\rho = -\rho (1 - \rho)(\rho_* - \rho) + \gamma_p (1 - \rho) H[c - \theta_p]
        - \gamma_d \rho H[c - \theta_d] + \sigma \sqrt{\tau (H[c - \theta_p] + H[c - \theta_d])} \, \eta(t)

    Synapses are DOWN (rho = 0) or UP (rho = 1, b times as strong); a share ``beta`` is DOWN before. The first term is
    slow against a protocol; it takes them to the side of :math:`\rho_* = 1/2` on which the protocol leaves them. What
    `dw` gives is the mean change of strength by the transition probabilities of the paper's theory. That replaces
    calcium by the times which it spends above the thresholds; they are exact here for any spike trains.

    Parameters
    ----------
    preset : str, optional
        ``"DP"``, ``"DPD"``, ``"DPD_prime"``, ``"P"``, ``"D"``, ``"D_prime"``: windows named by the order in which
        depression and potentiation appear; ``"hippocampal_slices"``, ``"hippocampal_cultures"``, ``"cortical_slices"``:
        fits to experiments. Without one, every parameter has to be given. It reads None when a parameter differs.
    tau_Ca : float
        Decay of calcium, ms.
    C_pre, C_post : float
        What a spike adds, in units in which ``theta_d`` is usually 1.
    theta_d, theta_p : float
        Thresholds, above 0.
    gamma_d, gamma_p : float
        Rates in units of 1 / tau.
    sigma : float
        Noise.
    tau : float
        Time constant of the efficacy, ms.
    delay : float
        Of the calcium of a presynaptic spike, ms.
    beta : float
        Share of synapses that are DOWN before.
    b : float
        Strength of an UP synapse, in units of a DOWN one.

    Raises
    ------
    ValueError
        If the preset is unknown, a parameter is missing or out of its range.

    References
    ----------
    Graupner & Brunel 2012, PNAS 109:3991.

    Examples
    --------
    >>> from synfwp.plasticity import protocols
    >>> rule = CalciumPlasticity("DP")
    >>> before, after = protocols.pairs(n=60, rate=1.0, dt=10.0), protocols.pairs(n=60, rate=1.0, dt=-20.0)
    >>> round(rule.dw(before.pre, before.post), 2), round(rule.dw(after.pre, after.post), 2)
    (0.22, -0.24)
    """

    preset: str | None = None
    _: KW_ONLY
    tau_Ca: Any = None
    C_pre: Any = None
    C_post: Any = None
    theta_d: Any = None
    theta_p: Any = None
    gamma_d: Any = None
    gamma_p: Any = None
    sigma: Any = None
    tau: Any = None
    delay: Any = None
    beta: Any = None
    b: Any = None
    amplitude: ClassVar[str] = "relative"

    def __post_init__(self) -> None:
        known = (
            {} if self.preset is None else checks.lookup("preset of CalciumPlasticity", self.preset, CALCIUM_PRESETS)
        )
        fill(self, "CalciumPlasticity", known, CALCIUM_PRESETS, UNITS, _check)

    def row(self, scale: Any) -> StateRow:
        """This rule for the synapses of a projection, whose weights go from DOWN to UP with the efficacy.

        The efficacy goes as in `above`, from spike to spike: without noise, and without the slow term that takes it to
        the nearer of DOWN and UP.

        Parameters
        ----------
        scale : float
            Weight of a DOWN synapse, above 0; an UP one has ``b * scale``.

        Returns
        -------
        StateRow

        Raises
        ------
        ValueError
            If ``scale`` is not above 0, or b not above 1.

        Examples
        --------
        >>> from synfwp import Circuit, Projection, SpikeSource
        >>> pre, post = SpikeSource(1, [5.0], [0], name="pre"), SpikeSource(1, [25.0], [0], name="post")
        >>> p = Projection(pre, post, weight=3.0, plasticity=CalciumPlasticity("DP").row(scale=1.0))
        >>> W = Circuit([p]).run(300.0).W_pre_to_post_end.item()
        >>> round((W - 1) / 4, 6), round(CalciumPlasticity("DP").above([5.0], [25.0])[2], 6)
        (0.502345, 0.502345)
        """
        low = units.number(scale, "1", "scale", 0, above=True)
        if not self.b > 1:
            raise ValueError(f"b is {self.b:g}, so that an UP synapse is not stronger than a DOWN one; pass b above 1.")
        return StateRow(rule=self, w_min=low, w_max=float(self.b * low))

    def above(self, pre: Any, post: Any, rho: Any = 0.5) -> tuple[float, float, float]:
        """Times that calcium spends above the thresholds, and the efficacy that it leaves without noise.

        Parameters
        ----------
        pre, post : (n,) array_like
            Spike times, ms, increasing.
        rho : float
            Efficacy before, from 0 to 1.

        Returns
        -------
        (float, float, float)
            Time above ``theta_d`` and above ``theta_p``, ms, and the efficacy after.

        Raises
        ------
        ValueError, TypeError
            For trains that do not increase, or an efficacy out of its range.

        Examples
        --------
        >>> down, up, rho = CalciumPlasticity("DP").above([0.0], [20.0])
        >>> round(down, 2), round(up, 2), round(rho, 3)
        (20.08, 14.84, 0.502)
        """
        before = units.number(rho, "1", "rho", 0, 1)
        arrivals = spike_train("pre", pre) + self.delay
        jumps, thetas = (self.C_pre, self.C_post), (self.theta_d, self.theta_p)
        rates = self.gamma_d / self.tau, self.gamma_p / self.tau
        found = kernels.calcium(arrivals, spike_train("post", post), jumps, self.tau_Ca, thetas, rates, before)
        return float(found[0]), float(found[1]), float(found[2])

    def transitions(self, pre: Any, post: Any) -> tuple[float, float]:
        r"""Probabilities that a DOWN synapse ends UP, and that an UP synapse ends DOWN.

        .. math::
            U = \tfrac12 \Big(1 - \mathrm{erf} \frac{\rho_* - \bar\rho + \bar\rho \, e}{\sqrt{\sigma_\rho^2
            (1 - e^2)}}\Big), \quad e = e^{-(\gamma_p T_p + \gamma_d T_d) / \tau}, \quad
            \bar\rho = \frac{\gamma_p T_p}{\gamma_p T_p + \gamma_d T_d}, \quad
            \sigma_\rho^2 = \sigma^2 \frac{T_p + T_d}{\gamma_p T_p + \gamma_d T_d}

        Parameters
        ----------
        pre, post : (n,) array_like
            Spike times, ms, increasing.

        Returns
        -------
        (float, float)

        Raises
        ------
        ValueError, TypeError
            For trains that do not increase.

        Examples
        --------
        >>> from synfwp.plasticity import protocols
        >>> train = protocols.pairs(n=60, rate=1.0, dt=10.0)
        >>> [round(p, 2) for p in CalciumPlasticity("DP").transitions(train.pre, train.post)]
        [0.64, 0.31]
        """
        from scipy.special import erf

        down, up, _ = self.above(pre, post)
        both = self.gamma_p * up + self.gamma_d * down
        if both == 0:
            return 0.0, 0.0
        mean, kept = self.gamma_p * up / both, np.exp(-both / self.tau)
        spread = np.sqrt(self.sigma**2 * (up + down) / both * (1 - kept**2))
        with np.errstate(divide="ignore"):  # without noise the side is certain
            far = [np.divide(mean + (start - mean) * kept - 0.5, spread) for start in (0.0, 1.0)]
        return float(1 + erf(far[0])) / 2, float(1 - erf(far[1])) / 2

    def dw(self, pre: Any, post: Any) -> float:
        """Mean relative change of strength (0.1 is +10 %) after two spike trains.

        Parameters
        ----------
        pre, post : (n,) array_like
            Spike times, ms, increasing; either may be empty.

        Returns
        -------
        float

        Raises
        ------
        ValueError, TypeError
            For trains that do not increase, or that are no finite numbers in ms.

        Examples
        --------
        >>> CalciumPlasticity("DP").dw([], [])
        0.0
        """
        up, down = self.transitions(pre, post)
        rise, fall = self.beta * up, (1 - self.beta) * down
        return float((rise - fall) * (self.b - 1) / (self.beta + (1 - self.beta) * self.b))


def _check(name: str, value: Any, unit: str) -> float:
    """A parameter within its range."""
    high = 1.0 if name == "beta" else np.inf
    return units.number(value, unit, name, 0.0, high, above=name.startswith(("tau", "theta", "b")) and name != "beta")
