"""What the Dataset of a run holds beside what grows: populations, weights before and after, and names for all of it."""

from typing import Any

import numpy as np

from synfwp.results.names import Names
from synfwp.spiking.projection import Projection
from synfwp.spiking.state import State
from synfwp.spiking.wiring import Wiring

Array = np.ndarray
_CURE = "rename the projection, population or receptor."
_INDEX = {"pre": "presynaptic neuron", "post": "postsynaptic neuron"}


def allot(circuit: Wiring, kept: list[Any]) -> None:
    """Give every variable and dim of a run its name, or refuse, before the run starts.

    Raises
    ------
    ValueError
        If two of them would have one name.
    """
    names = Names(_CURE)
    spikes = ("spike", "spike_time", "spike_unit", "spike_population", "population", "population_size")
    names.give(spikes, "the spikes")
    for p in circuit.projections:
        if p.plasticity is not None:
            names.give([f"pre_{p.name}", f"post_{p.name}", f"synapse_{p.name}"], f"the synapses of {p.name!r}")
            names.give([f"W_{p.name}_start"], f"the weights of {p.name!r} at the start")
            names.give([f"W_{p.name}_end"], f"the weights of {p.name!r} at the end")
    for one in kept:
        owner = f"the record of {one.record.variable!r} of {one.record.what!r}"
        names.give([one.name, f"time_{one.name}", *one.dims, *one.labels], owner)


def populations(circuit: Wiring) -> dict[str, Any]:
    """Names and sizes of all groups."""
    sizes = np.array([g.n for g in circuit.groups])
    return {
        "population": ("population", np.array([g.name for g in circuit.groups]), {"long_name": "population"}),
        "population_size": ("population", sizes, {"units": "1", "long_name": "number of neurons"}),
    }


def weights(state: State, when: str) -> dict[str, Any]:
    """The weights of plastic projections now, as ``W_<projection>_<when>``."""
    found: dict[str, Any] = {}
    for p in state.circuit.projections:
        if p.plasticity is not None:
            text = {"units": p.unit, "long_name": f"weight of {p.name} at the {when}", "n_pre": p.shape[0]}
            values = state.variable(p.name, "W")
            dims = (f"pre_{p.name}", f"post_{p.name}") if p.dense else (f"synapse_{p.name}",)
            shaped = values.reshape(p.shape if p.dense else -1)
            found[f"W_{p.name}_{when}"] = (dims, shaped, text | {"n_post": p.shape[1]})
    return found


def synapses(circuit: Wiring) -> dict[str, Any]:
    """Pre- and postsynaptic neuron of each synapse of plastic projections that have a list of synapses."""
    found: dict[str, Any] = {}
    for p in circuit.projections:
        if p.plasticity is not None and not p.dense:
            found |= ends(p, p.name, np.arange(p.n_synapses))
    return found


def ends(p: Projection, name: str, chosen: Array) -> dict[str, Any]:
    """The neurons that chosen synapses of a projection connect, along ``synapse_<name>``."""
    return {
        f"{side}_{name}": (
            (f"synapse_{name}",),
            neurons[chosen].astype(np.int32),
            {"units": "1", "long_name": f"{_INDEX[side]} of a synapse of {p.name}"},
        )
        for side, neurons in (("pre", p.rows), ("post", p.columns))
    }
