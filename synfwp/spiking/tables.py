"""The tables and variables that the kernel of circuits runs: records with named numbers, and tuples of named arrays.

In a record, a name that ends in 0 is an offset: where the variables (or synapses, or neurons) of one population or
projection begin in the array of all.
"""

from typing import Any, NamedTuple

import numpy as np

from synfwp.plasticity.synaptic import COEFFICIENTS

Array = np.ndarray
Records = Any  # np.recarray: a field is an attribute
Offsets = dict[tuple[str, str], int]  # where a variable of a group begins among those of all neurons


def _record(integers: str, floats: str) -> np.dtype:
    """A record of integers and floats with these names."""
    named = [(name, np.int64) for name in integers.split()] + [(name, np.float64) for name in floats.split()]
    return np.dtype((np.record, np.dtype(named, align=True)))


POPULATION = _record("kind n unit0 ring0 source part0 n_parts", "")
PART = _record(  # neurons of a population side by side that are equal
    "kind n unit0 v0 w0 drive0 prediction0 receptor0 n_receptors refractory",
    "decay rest threshold reset noise gain leak step delta v_t a b w_decay g_dendrite phi_max k slope half",
)
RECEPTOR = _record("kind g0", "decay reversal response")
PROJECTION = _record(
    "pre post n_pre n_post target dense plastic pends nearest modulator0 n_modulators raised_first "
    "synapse0 row0 column0 x0 y0 visit0 short_term0 eligibility0 error0 power0 pending0 "
    "delay late n_axonal axonal0 axon0 n_dendritic dendritic0 branch0 dendrite0 n_soma soma0 n_cells",
    f"{' '.join(COEFFICIENTS)} w_min w_max soft y1_decay y2_decay x1_log x2_log w_log gate eligible transmit "
    "U u_rest rec_log facil_log e_decay reward_level reward_next reward_decay reward_raise reward_integral reward_base "
    "rate x2_share",
)
RULE = _record(  # of synapses that hold more than a weight, and of responses by a filter: see `kernels.circuit_rules`
    "kind projection trace0 first0 second0 terms0 n_terms lag source every lap width",
    "tau tau_ms jump_pre jump_post theta_d theta_p rate_d rate_p level baseline reference keep_1 keep_2 keep_mean "
    "scale slope_d slope_p low_d low_p span_d span_p",
)
MODULATOR = _record("group", "gain")
PROBE = _record("first n every width out0 gain0 start chosen0", "")
CHANGING = (
    "gate",
    "eligible",
    "transmit",
    "reward_level",
    "reward_next",
)  # what a run changes in the records of projections


class Tables(NamedTuple):
    """What does not change in a run, but for the fields `CHANGING` of ``projections``."""

    populations: Records  # POPULATION
    parts: Records  # PART
    part_of: Array  # of each neuron
    receptors: Records  # RECEPTOR
    projections: Records  # PROJECTION
    modulators: Records  # MODULATOR
    ends: Array  # of the rows of sparse projections, then of their columns
    post: Array  # postsynaptic neuron of each synapse, row by row
    pre: Array  # presynaptic neuron of each synapse, column by column
    place: Array  # of each synapse, column by column, its place in the rows
    powers: Array  # of the decay of x1, for so many steps
    routes: Array  # delays of each projection; axon or dendrite of a neuron and a delay; delay and neuron of a dendrite
    rules: Records  # RULE
    terms: Array  # size and logarithm of the decay of a step, of each part of a filter


class Variables(NamedTuple):
    """What a run changes."""

    neurons: Array  # potentials, drives, receptors, adaptation: all neurons of a population side by side
    traces: Array  # x1, x2 (presynaptic), y1, y2 (postsynaptic), and u, x of short-term plasticity
    visits: Array  # step at which a row of synapses was last brought up to date
    synapses: Array  # all weights, then all eligibilities
    until: Array  # step at which a neuron is no longer refractory
    ring: Array  # spikes on their way
    n_ring: Array  # (groups, longest delay + 1): how many
    soma: Array  # (longest dendritic delay + 1, n_post) of each projection: what dendrites carry to the receptors


class Scratch(NamedTuple):
    """Room to work in; nothing of it outlives a stretch."""

    conductance: Array  # of the neurons of one population, then their new potentials
    current: Array
    pending_step: Array  # postsynaptic spikes that rows of dense projections have not seen
    pending_unit: Array
    pending_share: Array
    n_pending: Array
    seen: Array


class Sources(NamedTuple):
    """Spikes of all sources in a stretch."""

    ends: Array  # (sources, steps + 1)
    unit: Array


class Probes(NamedTuple):
    """Variables of neurons that are sampled in a stretch."""

    rows: Records  # PROBE
    chosen: Array
    gains: Array
    out: Array


class Share(NamedTuple):
    """What one thread runs, as indices in their order: groups, and the projections onto them."""

    groups: Array
    projections: Array


class Spikes(NamedTuple):
    """Room for the spikes of a stretch."""

    step: Array
    unit: Array  # counted over all groups
    n: Array  # (1,)


def records(kind: np.dtype, n: int) -> Records:
    """So many records of zeros, fields of which are attributes."""
    return np.zeros(n, kind).view(np.recarray)
