"""Plain NumPy twins: each rule and simulator written from its paper's equation, as slowly and clearly as possible.

Nothing here is fast, shared or clever, and nothing imports the package: a kernel that agrees with its twin agrees with
the paper. Rules take one sequence, ``q, k (T, d_k)``, ``v (T, d_v)``, ``beta (T,)``, ``decay (T,)`` or ``(T, d_k)`` and
``W (d_v, d_k)``, real or complex, and give the reads (T, d_v) and W after every step (T, d_v, d_k). A rule that carries
more than W takes it as ``aux`` and gives its last value as a third result; one that erases with keys of its own takes
``p, r (T, d_k)``; ``momentum (T,)`` and ``ridge (d_k,)`` go to the rules that use them.
"""

from synfwp.reference.btsp import btsp_integrals, btsp_traces
from synfwp.reference.carried import covariance, mesa, momentum_delta, self_referential, softmax
from synfwp.reference.circuits import circuit
from synfwp.reference.clamped import voltage
from synfwp.reference.membranes import potentials
from synfwp.reference.phases import phase, spike_pairs
from synfwp.reference.plastic_layers import plastic
from synfwp.reference.rate_flow import rate_network
from synfwp.reference.recurrent_layers import recurrent
from synfwp.reference.rules import (
    anti_hebb,
    delta,
    delta_product,
    dplr,
    gated_delta,
    gated_delta_product,
    gated_hebb,
    gated_oja,
    hebb,
    householder,
    key_gated_delta,
    leaky_hebb,
    linear_attention,
    longhorn,
    oja,
    per_channel,
)
from synfwp.reference.sizes import squares
from synfwp.reference.state_rules import spike_responses, state_rule
from synfwp.reference.synapses import (
    benna_fusi_synapses,
    binary_synapses,
    bounded_synapses,
    cascade_synapses,
    fading_synapses,
    few_bit_synapses,
    signed_synapses,
)
from synfwp.reference.taylor_layers import taylor
from synfwp.reference.thresholds import calcium
from synfwp.reference.timing import stdp, stdp_terms

__all__ = [
    "anti_hebb",
    "benna_fusi_synapses",
    "binary_synapses",
    "bounded_synapses",
    "btsp_integrals",
    "btsp_traces",
    "calcium",
    "cascade_synapses",
    "circuit",
    "covariance",
    "delta",
    "delta_product",
    "dplr",
    "fading_synapses",
    "few_bit_synapses",
    "gated_delta",
    "gated_delta_product",
    "gated_hebb",
    "gated_oja",
    "hebb",
    "householder",
    "key_gated_delta",
    "leaky_hebb",
    "linear_attention",
    "longhorn",
    "mesa",
    "momentum_delta",
    "oja",
    "per_channel",
    "phase",
    "plastic",
    "potentials",
    "rate_network",
    "recurrent",
    "self_referential",
    "signed_synapses",
    "softmax",
    "spike_pairs",
    "spike_responses",
    "squares",
    "state_rule",
    "stdp",
    "stdp_terms",
    "taylor",
    "voltage",
]
