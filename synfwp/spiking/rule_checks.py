"""What rules with states at synapses need of a projection and of the grid of a circuit."""

from typing import Any

import numpy as np

from synfwp.plasticity import StateRow
from synfwp.spiking.connections import by_synapse
from synfwp.spiking.groups import Group, Population


def check(p: Any, label: str) -> None:
    """What a rule with states needs of its projection.

    Raises
    ------
    ValueError
        Naming the projection, what it lacks and the cure.
    """
    rule: Any = p.plasticity
    if p.eligibility.values.any():
        raise ValueError(
            f"rule {rule.name!r} of {label} has states of its own at synapses and no changes that eligibility and "
            "latch could collect; leave them out."
        )
    if rule.kind != "CalciumPlasticity" and np.any(by_synapse(p.dendritic_delay) != 0):
        raise ValueError(
            f"rule {rule.name!r} of {label} reads the postsynaptic neuron as it is now; pass dendritic_delay=0.0, and "
            "delay for the whole way."
        )
    if rule.kind == "VoltagePlasticity" and not isinstance(p.post, Population):
        raise ValueError(
            f"rule {rule.name!r} of {label} reads a voltage, and {p.post.name!r} is a {type(p.post).__name__}; pass a "
            "Population of neurons, or take VoltagePlasticity.dw with a recorded voltage."
        )
    if not rule.by_plateaus:
        if p.modulators:
            raise ValueError(f"{label} has a modulator, and rule {rule.name!r} takes none; leave it out.")
        return
    given: list[tuple[Group, float]] = list(p.modulators)
    if len(given) != 1 or given[0][1] != 1 or given[0][0].n not in (1, p.post.n):
        raise ValueError(
            f"rule {rule.name!r} of {label} needs a modulator whose spikes are plateaus: one group of "
            f"{p.post.n} neurons, one for each of {p.post.name!r}, or of 1 for all, with gain 1."
        )
    if rule.kind == "BinaryBTSP":
        stored = p.weight if p.dense else p.weight.data
        if not np.isin(stored, (rule.w_min, rule.w_max)).all():
            raise ValueError(
                f"weight of {label} holds other numbers than {rule.w_min:g} and {rule.w_max:g}, the two weights of "
                f"rule {rule.name!r}; pass those."
            )


def times(p: Any) -> dict[str, float]:
    """Times of a rule that have to lie on the grid of the circuit."""
    rule: Any = p.plasticity
    if not isinstance(rule, StateRow):
        return {}
    found = {name: getattr(rule, name) for name in ("every", "lap", "plateau", "window", "spike_width")}
    found["delay"] = getattr(rule.rule, "delay", None)
    return {name: value for name, value in found.items() if value is not None}
