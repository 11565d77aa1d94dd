"""What each past write still contributes to a read: the implicit attention matrix, exact or from measured responses."""

from typing import Any

import numpy as np

from synfwp import fastweights
from synfwp.instructions import Instructions
from synfwp.rules import Rule

Array = np.ndarray


def exact_map(rule: Rule, sent: Instructions) -> Array:
    """The map (n, T, T, ...) of a rule, one for each sequence."""
    more: dict[str, Any] = {"decay": sent.decay if rule.uses_decay else None}
    more |= {"momentum": sent.momentum if rule.uses_momentum else None}
    more |= {"ridge": sent.ridge if rule.uses_ridge else None}
    return fastweights.attention(rule, sent.q, sent.k, sent.beta if rule.uses_beta else None, **more)


def no_map(rule: Rule) -> str:
    """Why a rule has no such map; "" where it has one."""
    if "attention" in rule.forms:
        return ""
    return "reads are not linear in the values" if rule.error == "key" or not rule.uses_keys else "it writes no values"


def measured_map(M: Array, written: Array, q: Array, v: Array) -> Array:
    """The map (T, T) from transitions (T, d_k, d_k) and what is written (T, d_v, d_k), token by token.

    Token s writes ``v_s w_s^T``, of which ``w_s M_{s+1} ... M_t`` is left for the query of token t.
    """
    T, d_k = q.shape
    left, found = np.zeros((T, d_k)), np.zeros((T, T))
    size = np.square(v).sum(axis=-1)
    for t in range(T):
        left[:t] = left[:t] @ M[t]
        left[t] = v[t] @ written[t] / size[t] if size[t] > 0 else 0.0
        found[t, : t + 1] = left[: t + 1] @ q[t]
    return found
