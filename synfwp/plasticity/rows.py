"""Published rules of spiking synapses, and those of the mechanisms of `synfwp.substrates`, as rows of `SynapticRule`.

Amplitudes are in the unit of the weight, times in ms. Further arguments of every function are fields of `SynapticRule`,
such as ``w_max=1.0, interaction="nearest"``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from synfwp import units
from synfwp.plasticity.synaptic import SynapticRule


def _numbers(**given: Any) -> dict[str, float]:
    """Numbers under the names by which they were passed: those that begin with tau are times above 0 (ms)."""
    return {
        name: units.number(value, "ms" if time else "1", name, 0 if time else -np.inf, above=time)
        for name, value in given.items()
        for time in [name.startswith("tau")]
    }


def pair(
    A_plus: float, A_minus: float, tau_plus: Any = 20.0, tau_minus: Any = 20.0, *, name: str = "pair_stdp", **more: Any
) -> SynapticRule:
    """Pair STDP: a pair changes the weight by ``A_plus exp(-dt / tau_plus)`` or ``-A_minus exp(dt / tau_minus)``.

    Parameters
    ----------
    A_plus, A_minus : float
        Amplitudes in the unit of the weight.
    tau_plus, tau_minus : float
        Time constants, ms.
    name : str
    **more
        Fields of `SynapticRule`.

    Returns
    -------
    SynapticRule

    References
    ----------
    Song, Miller & Abbott 2000, Nat Neurosci 3:919.

    Examples
    --------
    >>> pair(0.01, 0.0105, w_max=1.0).pre_y
    -0.0105
    """
    given = _numbers(A_plus=A_plus, A_minus=A_minus, tau_plus=tau_plus, tau_minus=tau_minus)
    numbers: dict[str, Any] = {"pre_y": -given["A_minus"], "post_x": given["A_plus"]}
    numbers |= {"tau_x1": given["tau_plus"], "tau_y1": given["tau_minus"]}
    return SynapticRule(**({"name": name, "cite": "song2000"} | numbers | more))


def inhibitory(eta: float, rate: Any, tau: Any = 20.0, **more: Any) -> SynapticRule:
    """Inhibitory STDP: postsynaptic rates go to ``rate``.

    ``dw = eta (y - alpha)`` at a presynaptic and ``eta x`` at a postsynaptic spike, ``alpha = 2 rate tau``.

    Parameters
    ----------
    eta : float
        Change for a coincidence, in the unit of the weight.
    rate : float
        Target, Hz.
    tau : float
        Time constant of both traces, ms.
    **more
        Fields of `SynapticRule`.

    Returns
    -------
    SynapticRule

    References
    ----------
    Vogels, Sprekeler, Zenke, Clopath & Gerstner 2011, Science 334:1569.

    Examples
    --------
    >>> rule = inhibitory(eta=0.01, rate=5.0, tau=20.0)
    >>> rule.pre_0, rule.pre_y, rule.post_x
    (-0.002, 0.01, 0.01)
    """
    eta, tau = _numbers(eta=eta, tau=tau).values()
    alpha = 2 * units.per_ms(units.number(rate, "Hz", "rate", 0)) * tau
    numbers: dict[str, Any] = {"pre_0": -eta * alpha, "pre_y": eta, "post_x": eta, "tau_x1": tau, "tau_y1": tau}
    return SynapticRule(**({"name": "inhibitory_stdp", "cite": "vogels2011"} | numbers | more))


def gated_trace(eta: float, tau: Any = 20.0, **more: Any) -> SynapticRule:
    """Hebbian coincidence within ``tau``, to be gated by the projection's ``gate``: ``dw = eta (S_post x + S_pre y)``.

    Anti-Hebbian for a negative eta or gate.

    Parameters
    ----------
    eta : float
        Change for a coincidence, in the unit of the weight.
    tau : float
        Time constant of both traces, ms.
    **more
        Fields of `SynapticRule`.

    Returns
    -------
    SynapticRule

    References
    ----------
    Hebb 1949, The Organization of Behavior.

    Examples
    --------
    >>> gated_trace(0.1).pre_y == gated_trace(0.1).post_x == 0.1
    True
    """
    eta, tau = _numbers(eta=eta, tau=tau).values()
    numbers: dict[str, Any] = {"pre_y": eta, "post_x": eta, "tau_x1": tau, "tau_y1": tau, "w_min": -np.inf}
    return SynapticRule(**({"name": "gated_trace", "cite": "hebb1949"} | numbers | more))


def two_phase(eta: float, tau: Any = 20.0, **more: Any) -> SynapticRule:
    """The coincidences of `gated_trace` for the two phases of a delta rule.

    The projection's ``eligibility`` (negative while retrieving) collects depression, ``latch`` applies it when the
    retrieval ends, and ``gate`` (positive while encoding) potentiates.

    Parameters
    ----------
    eta, tau : float
        As in `gated_trace`.
    **more
        Fields of `SynapticRule`.

    Returns
    -------
    SynapticRule

    References
    ----------
    After Hasselmo, Bodelon & Wyble 2002, Neural Computation 14:793.

    Examples
    --------
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
    baseline: float = 0.0,
    **more: Any,
) -> SynapticRule:
    """Reward-modulated STDP: pairs write an eligibility, and reward times eligibility changes the weight.

    Parameters
    ----------
    A_plus, A_minus, tau_plus, tau_minus : float
        As in `pair`, of the eligibility.
    tau_e, tau_reward : float
        Time constants of the eligibility and of the reward signal, ms.
    baseline : float
        What is taken off the reward signal, 1/ms: dopamine below it depresses what is eligible.
    **more
        Fields of `SynapticRule`.

    Returns
    -------
    SynapticRule

    References
    ----------
    Izhikevich 2007, Cereb Cortex 17:2443.

    Examples
    --------
    >>> reward(1.0, 1.5).tau_e
    1000.0
    >>> rule = reward(0.01, 0.012, tau_e=500.0, tau_reward=100.0)
    >>> round(rule.dw([0.0], [10.0], reward_times=[200.0]), 4)  # the pair, at its age, times 1 / (1/500 + 1/100)
    0.3457
    """
    numbers = {"tau_e": tau_e, "tau_reward": tau_reward, "baseline": baseline, "cite": "izhikevich2007"}
    return pair(A_plus, A_minus, tau_plus, tau_minus, **({"name": "reward_stdp"} | numbers | more))


def dendritic(eta: float, tau_m: Any = 10.0, tau_syn: Any = 3.0, **more: Any) -> SynapticRule:
    """Dendritic prediction error: ``dw/dt = eta (S_post - phi(V*)) PSP``, eq. 6 without the factor h and the low-pass.

    A somatic spike potentiates by eta times the postsynaptic potential (a difference of exponentials with ``tau_m`` and
    ``tau_syn``), what the dendrite predicts depresses. The postsynaptic neurons have to be `TwoCompartment`.

    Parameters
    ----------
    eta : float
        Change of weight for a somatic spike and a potential of 1.
    tau_m, tau_syn : float
        Time constants of the potential, ms.
    **more
        Fields of `SynapticRule`.

    Returns
    -------
    SynapticRule

    References
    ----------
    Urbanczik & Senn 2014, Neuron 81:521.

    Examples
    --------
    >>> rule = dendritic(0.1)
    >>> rule.error, rule.rate < 0 < rule.post_x
    ('prediction', True)
    """
    eta, m, s = _numbers(eta=eta, tau_m=tau_m, tau_syn=tau_syn).values()
    mean, half = (m + s) / 2, (m - s) / 2
    if abs(half) < 1e-5 * mean:  # an even function of the half difference: its limit to 1e-10, without cancellation
        m, s = mean * (1 + 1e-5), mean * (1 - 1e-5)
    share = eta / (m - s)
    numbers: dict[str, Any] = {
        "post_x": share, "post_x2": -share, "rate": -share, "x2_share": 1.0, "tau_x1": m, "tau_x2": s,
        "error": "prediction", "w_min": -np.inf, "cite": "urbanczik2014",
    }  # fmt: skip
    return SynapticRule(**({"name": "dendritic"} | numbers | more))


def pes(eta: float, error: str = "error", tau: Any = 20.0, **more: Any) -> SynapticRule:
    """Prescribed error sensitivity: ``dw/dt = eta e x``.

    e is the value of the postsynaptic receptor ``error``, onto which an error population projects with its encoders.

    Parameters
    ----------
    eta : float
        Change of weight per ms, for an error of 1 and a trace of 1.
    error : str
        Name of the receptor.
    tau : float
        Time constant of the presynaptic trace, ms.
    **more
        Fields of `SynapticRule`.

    Returns
    -------
    SynapticRule

    References
    ----------
    Bekolay, Kolbeck & Eliasmith 2013, Proc. CogSci 35:169.

    Examples
    --------
    >>> pes(1e-3).error
    'error'
    """
    eta, tau = _numbers(eta=eta, tau=tau).values()
    numbers: dict[str, Any] = {"rate": eta, "error": error, "tau_x1": tau, "w_min": -np.inf, "cite": "bekolay2013"}
    return SynapticRule(**({"name": "pes"} | numbers | more))
