"""What the closed forms of rates and of spikes share: kinds of rules, saturation, and gains put in their places."""

from dataclasses import replace

import numpy as np

from synfwp.coefficients import Coefficients
from synfwp.rules import Rule

Array = np.ndarray


def is_hebbian(rule: Rule) -> bool:
    """Whether the rule only adds or takes away outer products."""
    return not rule.special and rule.erase is None and rule.write in ("beta", "-beta")


def is_delta(rule: Rule) -> bool:
    """Whether the rule replaces what the key retrieves from the decayed weights."""
    replaces = not rule.special and rule.erase == "beta" and rule.write == "beta"
    return replaces and (rule.retain is None or rule.order == "decay_first")


def is_covariance(rule: Rule) -> bool:
    """Whether the rule is Hebbian but for keys that are taken less their running mean."""
    return rule.centred and is_hebbian(replace(rule, centred=False))


def saturated(beta: Array, k: Array) -> Array:
    """What a gradient flow does that reads while it writes: ``(1 - exp(-beta |k|^2)) / |k|^2``."""
    size = np.einsum("...i,...i->...", k, k)
    return np.where(size > 0, -np.expm1(-beta * size) / np.where(size > 0, size, 1), beta)


def with_gains(rule: Rule, k: Array, write: Array, erase: Array, decay: Array | None) -> Coefficients:
    """Coefficients with the gains of a mechanism in the places where the row has beta."""
    write = -write if rule.write == "-beta" else write
    scalar = rule.retain == "scalar"
    a, a_key = (decay, None) if scalar else (None, decay)
    if rule.erase is None:
        return Coefficients(write, None, None, a, a_key)
    p = None if decay is None else (decay[..., None] if scalar else decay) * k
    return Coefficients(write, erase, p, a, a_key)


def with_self_erasure(c: Coefficients, share: Array, k: Array) -> Coefficients:
    """What a synapse loses to its own spikes is a decay, after the others: ``retain_j (1 - share k_j)``."""
    keep = 1 - share[..., None] * k
    a = keep if c.a is None and c.a_key is None else keep * (c.a[..., None] if c.a is not None else c.a_key)
    return c._replace(a=None, a_key=a)
