"""Fast weights as synapses: one update rule as a linear transformer, a rate network and a spiking network.

Where to begin, by task (``help(fw.scan)`` and so on have the rest):

- one rule, exactly: ``fw.scan(rule, q, k, v, beta)``, its gradient ``fw.vjp``, its attention matrix ``fw.attention``
- the rules: ``fw.RULES``, ``fw.get_rule("delta")``, one of your own ``fw.Rule(...)``; ``fw.spectra``, ``fw.theory``
- the same in rates or spikes: ``fw.simulate(rule, fw.Instructions(q, k, v), on=fw.SpikingNetwork())``, or
  ``fw.RateNetwork``, ``fw.Exact``; mechanisms ``fw.GatedTrace``, ``fw.TwoPhase``, ``fw.Dendritic`` and others
- learn what to send: ``fw.train(fw.Programmer(...), task)`` with a task of ``fw.tasks``; ``fw.compare_substrates``
- how much a memory holds: ``fw.capacity``, ``fw.critical_load``, ``fw.retention``, ``fw.overwriting``, ``fw.memory``
- spiking networks: ``fw.ei_network()``, or ``fw.Circuit`` of ``fw.Population``, ``fw.Projection``, sources and
  ``fw.Record``; ``fw.to_brian2``, ``fw.brian2_synapses``
- plasticity: ``fw.PairSTDP``, ``fw.TripletSTDP``, ``fw.SynapticRule``, ``fw.plasticity``, ``fw.protocols``
- data: ``fw.load_table``, ``fw.read_nwb``, ``fw.read_neo``, ``fw.fetch``; rules fitted ``fw.fit``, ``fw.compare``,
  ``fw.infer_rule``
- many runs: ``fw.sweep(function, grid, seeds=20)``
- results: ``fw.save``, ``fw.load``, ``fw.join``; ``fw.rates``, ``fw.weights``, ``fw.measures``; figures ``fw.plot``
- published models and analyses: ``fw.list_programs()``, ``fw.run("vogels2011")``, ``fw.citation("delta")``, and the
  command ``synfwp --help``

Each public name is imported when it is first used; the types of all of them stand in ``__init__.pyi``.

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
