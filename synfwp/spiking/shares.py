"""Populations that reach each other only after a delay: each runs by itself for as long, in a thread of its own.

Synapses, their traces and what they open belong to the share of the postsynaptic neurons, so that two shares write to
nothing in common; what one reads of another are spikes of at least ``window`` steps ago. Every sum is formed in the
order of a single thread, so that results do not depend on how many threads there are.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from synfwp import threads
from synfwp.plasticity import SpikeResponse, StateRow
from synfwp.spiking.connections import Layout
from synfwp.spiking.groups import Group, Population
from synfwp.spiking.neurons import TwoCompartment
from synfwp.spiking.projection import Projection
from synfwp.spiking.tables import Share, Spikes

Array = np.ndarray
LONGEST = 1000  # steps that shares run apart where no spike goes from one to another
FEW = 400_000  # neurons times steps of a window, about 0.5 ms of one core: fewer cost more in threads than they save
WORTH = 1.3  # by how much two threads have to be faster if every neuron and synapse costs what it does on average
NEURON = 100  # what advancing a neuron costs, in synapses at about 5 Hz


class Apart(NamedTuple):
    """How a circuit comes apart."""

    groups: Sequence[Group]
    target: Array  # the group of the postsynaptic neurons of each projection
    window: int  # steps for which its components do not hear each other; 0: there is one component
    component: Array  # of each group
    cost: Array  # of each component
    linked: bool  # whether spikes go from one component to another at all


def apart(groups: Sequence[Group], projections: Sequence[Projection], layouts: Sequence[Layout]) -> Apart:
    """The longest window in which a circuit has components of which two threads would be faster than one."""
    n, index = len(groups), {group.name: m for m, group in enumerate(groups)}
    target = np.array([index[p.post.name] for p in projections], int)
    links = [
        (index[p.pre.name], index[p.post.name], int(made.axons.delays.min(initial=LONGEST)))
        for p, made in zip(projections, layouts, strict=True)
    ]
    links += [(index[group.name], index[p.post.name], 0) for p in projections for group, _ in p.modulators]
    random = [index[group.name] for group in groups if isinstance(group, Population) and _draws(group)]
    links += [(random[0], other, 0) for other in random[1:]]  # they draw from one generator, in their order
    if any(isinstance(p.plasticity, StateRow) or isinstance(p.short_term, SpikeResponse) for p in projections):
        links += [(0, other, 0) for other in range(1, n)]  # their rules run in one pass over all projections
    cost = np.array([NEURON * group.n * isinstance(group, Population) for group in groups], float)
    np.add.at(cost, target, [p.n_synapses for p in projections])
    for window in sorted({min(delay, LONGEST) for _, _, delay in links if delay > 1} | {LONGEST}, reverse=True):
        component = _components(n, [(a, b) for a, b, delay in links if delay < window])
        each = np.bincount(component, cost)
        if len(each) > 1 and each.sum() > WORTH * max(each.max(), each.sum() / 2):
            return Apart(
                groups, target, window, component, each, any(component[a] != component[b] for a, b, _ in links)
            )
    return Apart(groups, target, 0, np.zeros(n, np.int64), np.array([cost.sum()]), False)


def _draws(group: Population) -> bool:
    """Whether the neurons of a population draw random numbers."""
    return isinstance(group.neuron, TwoCompartment) or bool(np.any(np.asarray(getattr(group.neuron, "noise", 0)) > 0))


def _components(n: int, pairs: list[tuple[int, int]]) -> Array:
    """Which of the connected components each of n groups is in, counted in the order of their first groups."""
    import scipy.sparse

    a, b = np.array(pairs, int).reshape(-1, 2).T
    graph = scipy.sparse.csr_array((np.ones(len(a)), (a, b)), shape=(n, n))
    return scipy.sparse.csgraph.connected_components(graph, directed=False)[1]


def shares(found: Apart) -> list[Share]:
    """What each of the threads that may be used here takes; one share where more would not pay."""
    small = found.window * sum(group.n for group in found.groups) < FEW
    workers = 1 if small else min(threads.usable(), len(found.cost))
    load, taker = np.zeros(workers), np.zeros(len(found.cost), np.int64)
    for component in np.argsort(-found.cost, kind="stable"):  # the dearest first, to who has least
        taker[component] = np.argmin(load)
        load[taker[component]] += found.cost[component]
    of_group = taker[found.component]
    return [Share(*(np.flatnonzero(who == s) for who in (of_group, of_group[found.target]))) for s in range(workers)]


class Found:
    """The spikes that a share finds in a stretch."""

    def __init__(self, room: int) -> None:
        self.room = Spikes(np.zeros(room, np.int64), np.zeros(room, np.int32), np.zeros(1, np.int64))
        self.steps: list[Array] = []
        self.units: list[Array] = []

    def run(self, step: Callable[[int, Spikes], int], k: int, stop: int) -> None:
        """``step`` from k to ``stop``, and as often as there is no more room for spikes."""
        while k < stop:
            self.room.n[0] = 0
            k = step(k, self.room)
            n = self.room.n[0]
            self.steps.append(self.room.step[:n].copy())
            self.units.append(self.room.unit[:n].copy())


def joined(found: list[Found], first_units: Array) -> tuple[Array, Array]:
    """Steps and units of all spikes, step by step and group by group, as one thread finds them; none are left."""
    steps = np.concatenate([part for one in found for part in one.steps])
    units = np.concatenate([part for one in found for part in one.units])
    for one in found:
        one.steps, one.units = [], []
    if len(found) > 1:
        group = np.searchsorted(first_units, units, side="right") - 1
        order = np.argsort(steps * len(first_units) + group, kind="stable")
        steps, units = steps[order], units[order]
    return steps, units
