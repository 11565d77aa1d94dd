"""A network of excitatory and inhibitory neurons, ready to run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synfwp import checks, seeds, units
from synfwp.plasticity import SynapticRule
from synfwp.spiking.groups import Population
from synfwp.spiking.neurons import LIF, Receptor
from synfwp.spiking.projection import Projection, random_synapses
from synfwp.spiking.simulation import Circuit

_SIDES = {"E": "ampa", "I": "gaba"}


def ei_network(
    n: int = 400,
    *,
    inputs: float = 80.0,
    w_e: Any = 0.6,
    w_i: Any = 8.0,
    drive: Any = 220.0,
    plasticity: SynapticRule | Mapping[str, SynapticRule] | None = None,
    delay: Any = 1.0,
    dt: Any = 0.1,
    seed: seeds.Seed = 0,
) -> Circuit:
    """Excitatory neurons "E" and a quarter as many inhibitory ones "I", connected at random with conductance synapses.

    Its projections are "E_to_E", "E_to_I", "I_to_E" and "I_to_I". With the numbers as they are, neurons fire
    irregularly (intervals with a CV of 0.8 to 1) at 10 to 12 Hz, for n from 400 to 10,000. For parts that should be
    otherwise build a `Circuit`.

    Parameters
    ----------
    n : int
        Neurons, a multiple of 5.
    inputs : float
        How many of all neurons project onto a neuron, on average; pairs are connected with probability ``inputs / n``.
    w_e, w_i : float
        Excitatory and inhibitory conductances, nS.
    drive : float, array or Steps
        Current into every neuron, pA; an array (n,) has the excitatory neurons first.
    plasticity : None, SynapticRule, or mapping
        A rule is that of the synapses "I_to_E", such as ``fw.plasticity.inhibitory``; a mapping has rules by the names
        of projections.
    delay, dt : float
        Of all synapses, and of the simulation, ms.
    seed : int, SeedSequence or Generator
        Of connections and of the potentials at the start, which lie between reset and threshold.

    Returns
    -------
    Circuit

    Raises
    ------
    ValueError, TypeError
        If n is no multiple of 5, inputs are more than n, or a projection is unknown.

    References
    ----------
    Neurons (LIF, 20 ms, 10 nS, refractory for 5 ms) and receptors (5 ms at 0 mV, 10 ms at -80 mV) of Vogels et al.
    2011, Science 334:1569.

    Examples
    --------
    >>> circuit = ei_network(100, inputs=20)
    >>> [one.name for one in circuit.projections]
    ['E_to_E', 'E_to_I', 'I_to_E', 'I_to_I']
    >>> circuit.run(100.0, seed=0).population_size.values.tolist()
    [80, 20]
    """
    if checks.count("n", n, 5) % 5:
        raise ValueError(f"n is {n}; pass a multiple of 5, of which four fifths are excitatory.")
    probability = checks.number("inputs", units.to_float(inputs, "1", "inputs"), 0, n, above=True) / n
    rules = {"I_to_E": plasticity} if isinstance(plasticity, SynapticRule) else dict(plasticity or {})
    names = [f"{pre}_to_{post}" for pre in _SIDES for post in _SIDES]
    for name in rules:
        checks.one_of("projection of plasticity", name, names)
    root, sizes = seeds.generator(seed, "ei_network"), {"E": 4 * n // 5, "I": n // 5}
    receptors = Receptor("ampa", tau=5.0, reversal=0.0), Receptor("gaba", tau=10.0, reversal=-80.0)
    neuron = LIF(
        tau_m=20.0, t_ref=5.0, v_rest=-60.0, v_threshold=-50.0, v_reset=-60.0, g_leak=10.0, receptors=receptors
    )
    cells = {}
    for name, size in sizes.items():
        start = root.uniform(-60.0, -50.0, size)
        cells[name] = Population(size, neuron, name=name, drive=_part(drive, name, n), v_init=start)
    lines = []
    for pre, receptor in _SIDES.items():
        for post in _SIDES:
            weight = w_e if pre == "E" else w_i
            weight = units.number(weight, "nS", "w_e" if pre == "E" else "w_i", 0)
            synapses = random_synapses(sizes[pre], sizes[post], probability, weight, root, pre != post)
            plastic = rules.get(f"{pre}_to_{post}")
            lines.append(
                Projection(cells[pre], cells[post], synapses, receptor=receptor, delay=delay, plasticity=plastic)
            )
    return Circuit(lines, dt=dt)


def _part(drive: Any, name: str, n: int) -> Any:
    """The drive of one population."""
    if getattr(drive, "shape", ()) == (n,):
        return drive[: 4 * n // 5] if name == "E" else drive[4 * n // 5 :]
    return drive
