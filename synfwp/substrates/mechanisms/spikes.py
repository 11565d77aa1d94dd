"""Closed forms of spiking networks: what synapses of each mechanism carry out, from the mean gains of their spikes."""

from typing import NamedTuple

import numpy as np

from synfwp.coefficients import Coefficients
from synfwp.rules import Rule
from synfwp.substrates.mechanisms.common import saturated, with_gains

Array = np.ndarray


class Gains(NamedTuple):
    """Mean gains of a spiking realisation, each against what is asked.

    ``write`` and ``erase`` multiply beta; ``own`` is the erasure of a synapse by its own spikes, for a key at peak;
    ``cross_talk`` is the weight with which spikes of the neighbouring phase enter a phase. ``live``: W changes while it
    is read.
    """

    write: float
    erase: float
    own: float
    cross_talk: float
    live: bool = False


def gated_trace(rule: Rule, k: Array, beta: Array, decay: Array | None, gains: Gains) -> Coefficients:
    """Coincidences of pre- and postsynaptic spikes, weighted by exp(-|dt| / tau): writes beta v k^T.

    What leaks in from the item before, ``cross_talk beta_t (v_{t-1} k_t^T + v_t k_{t-1}^T)``, is no coefficient of one
    item and is left out.
    """
    return with_gains(rule, k, beta * gains.write, beta, decay)


def two_phase(rule: Rule, k: Array, beta: Array, decay: Array | None, gains: Gains) -> Coefficients:
    """Depression by retrieval, then potentiation by encoding.

    A spike of a synapse's own presynaptic neuron drives its postsynaptic neuron, so that besides the mean retrieval
    each synapse is depressed in proportion to itself: ``retain_j = a_j (1 - beta own k_j)``. What leaks from one
    item's encoding into the next one's retrieval is no coefficient of one item and is left out; so is, with live
    depression, the lag of the synapses.
    """
    erase = beta * gains.erase
    c = with_gains(rule, k, beta * gains.write, saturated(erase, k) if gains.live else erase, decay)
    return _own(c, beta * gains.own, k)


def one_phase(rule: Rule, k: Array, beta: Array, decay: Array | None, gains: Gains) -> Coefficients:
    """A value and its prediction meet in one phase: the error ``v - W k`` changes the synapses.

    The prediction rises with the synapses and erases a little less than is written; a presynaptic spike meets its own
    part of the prediction in its trace (``own``). If W changes while it is read (``live``), what is still to be
    written and erased falls exponentially: with e the gain of erasure, ``x = beta e |k|^2``, the two are
    ``(1 - exp(-x)) / (e |k|^2)`` and e times that, and the rise, which comes first, is counted as if spread over the
    phase. What leaks in from the item before, ``cross_talk beta_t (v_t - W k_t) k_{t-1}^T``, is left out.
    """
    erase, write, own = beta * gains.erase, beta * gains.write, beta * gains.own
    if gains.live:
        erase = saturated(erase, k)
        write, own = erase * gains.write / gains.erase, -np.expm1(-own)
    return _own(with_gains(rule, k, write, erase, decay), own, k)


def _own(c: Coefficients, own: Array, k: Array) -> Coefficients:
    """What a synapse loses to its own spikes is a decay, after the others: ``retain_j (1 - own k_j)``."""
    keep = 1 - own[..., None] * k
    a = keep if c.a is None and c.a_key is None else keep * (c.a[..., None] if c.a is not None else c.a_key)
    return c._replace(a=None, a_key=a)
