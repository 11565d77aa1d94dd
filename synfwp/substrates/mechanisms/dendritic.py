"""Dendritic prediction error: a dendrite predicts the soma, which the value clamps."""

from dataclasses import dataclass
from typing import ClassVar

from synfwp.substrates.mechanisms.base import Mechanism


@dataclass(frozen=True, kw_only=True)
class Dendritic(Mechanism):
    """Delta rule in one phase: ``dW = eta (S_post - prediction) xbar``, the dendrite predicts a soma that is clamped.

    The value clamps push and pull somata; recurrent input reaches their dendrites alone, whose prediction is the
    synaptic current, taken as linear and signed. Only presynaptic spikes that come first count, through their trace.
    The sum over a phase is applied when the phase ends; with ``online`` W follows at once, as published, and writes and
    erases ``(1 - exp(-beta |k|^2)) / |k|^2``.

    The synapse's trace is one exponential. The published potential, a difference of exponentials, is
    `synfwp.plasticity.dendritic`.

    Parameters
    ----------
    tau : float
        Time constant of the presynaptic trace, ms.
    online : bool

    References
    ----------
    Urbanczik & Senn 2014, Neuron 81:521, their rule without the factor h and the low-pass filter.

    Examples
    --------
    >>> Dendritic().online, Dendritic().synapse(0.1).error
    (False, 'prediction')
    """

    online: bool = False
    name: ClassVar[str] = "dendritic"
    cite: ClassVar[str] = "urbanczik2014"
    closed_form: ClassVar[str] = (
        r"W \mathrm{diag}(1 - \beta s k) + \beta (v - \lambda W k) k^\top,\ \text{online:}\ "
        r"\tfrac{1 - e^{-\beta \lambda |k|^2}}{\lambda |k|^2} (v - \lambda W k) k^\top"
    )
    causal: ClassVar[bool] = True
    into_dendrite: ClassVar[bool] = True
