"""Fast weights as synapses: one update rule as a linear transformer, a rate network and a spiking network.

The public names live here and nothing else; each is imported when it is first used. Their types stand in
``__init__.pyi``, where editors and type checkers read them.

Examples
--------
>>> import synfwp as fw
>>> fw.DELTA.name
'delta'
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "rules": (
        "Rule HEBB ANTI_HEBB LEAKY_HEBB GATED_HEBB LINEAR_ATTENTION COVARIANCE DELTA GATED_DELTA KEY_GATED_DELTA "
        "LONGHORN HOUSEHOLDER DELTA_PRODUCT DPLR OJA GATED_OJA MOMENTUM_DELTA MESA SELF_REFERENTIAL SOFTMAX "
        "RULES get_rule"
    ),
    "fastweights": "scan vjp attention fastest_form Scan Gradients",
    "instructions": "Instructions",
    "substrates": (
        "RateNetwork SpikingNetwork RateCode ThetaCycle Mechanism GatedTrace TwoPhase Dendritic InhibitoryCancellation "
        "PES"
    ),
    "substrates.door": "simulate compare_substrates Exact",
    "substrates.items": "brian2_synapses",
    "dynamics": "spectra",
    "plastic": "PlasticRateNetwork",
    "spiking": (
        "LIF Poisson AdEx TwoCompartment Receptor Steps PoissonSource SpikeSource Population Projection ShortTerm "
        "Circuit Simulation Record ei_network random_synapses replicates spikes"
    ),
    "spiking.brian2": "to_brian2",
    "programmer": (
        "Programmer FunctionProgrammer LayerProgrammer PlasticNetwork Trained train load_trained load_layer "
        "Checkpoint Evaluation SpikeNoise"
    ),
    "memory": "capacity critical_load scaling retention overwriting tracking predict_capacity",
    "plasticity": "PairSTDP TripletSTDP SynapticRule protocols",
    "data": (
        "load_table read_nwb read_neo read_pynapple read_hdf5 read_npz read_text to_pynapple to_neo write_nwb fetch"
    ),
    "inference": "compare fit infer_rule read_table",
    "measures": "rates",
    "sweeps": "sweep",
    "results": "save load join weights",
    "programs": "run list_programs citation",
}
_SOURCE = {name: home for home, names in _HOME.items() for name in names.split()}
_MODULES = (
    "autograd",
    "conventions",
    "data",
    "dynamics",
    "features",
    "inference",
    "measures",
    "memory",
    "plasticity",
    "plot",
    "reference",
    "rules",
    "seeds",
    "sweeps",
    "tasks",
    "theory",
    "units",
)

__all__ = sorted([*_SOURCE, *_MODULES])


def __getattr__(name: str) -> Any:
    if name in _SOURCE:
        value = getattr(importlib.import_module(f"synfwp.{_SOURCE[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"synfwp.{name}")
    else:
        close = None if name.startswith("_") else importlib.import_module("synfwp.checks").closest(name, __all__)
        hint = f"; did you mean {close!r}?" if close else ""
        raise AttributeError(f"module 'synfwp' has no attribute {name!r}{hint}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
