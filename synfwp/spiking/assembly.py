"""The tables and variables of a circuit at time 0, as the kernel takes them."""

from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import exprel

from synfwp import units
from synfwp.kernels import circuit as kernel
from synfwp.plasticity import StateRow
from synfwp.plasticity.synaptic import COEFFICIENTS
from synfwp.spiking import state_rules
from synfwp.spiking.connections import Layout
from synfwp.spiking.groups import Population
from synfwp.spiking.neurons import AdEx, Neuron, Receptor, TwoCompartment, is_linear, receptors_of
from synfwp.spiking.projection import Projection
from synfwp.spiking.short_term import ShortTerm
from synfwp.spiking.tables import (
    MODULATOR,
    PART,
    POPULATION,
    PROJECTION,
    RECEPTOR,
    Offsets,
    Records,
    Scratch,
    Tables,
    Variables,
    records,
)
from synfwp.spiking.wiring import Wiring

Array = np.ndarray
Lists = tuple[Array, Array, Array, Array]


def build(circuit: Wiring) -> tuple[Tables, Variables, Offsets]:
    """Tables, the variables at time 0, and where those of each group begin."""
    longest = [int(side.delays.max()) for one in circuit.layouts for side in (one.axons, one.dendrites)]
    longest += [
        int(made.axons.delays.max()) + state_rules.lag(p, circuit.dt)
        for p, made in zip(circuit.projections, circuit.layouts, strict=True)
    ]
    length = max([0, *longest]) + 1
    length += circuit.apart.window - 1 if circuit.apart.linked else 0  # one share may be so far ahead of another
    populations, parts, receptors, neurons, offsets = _neurons(circuit, length)
    modulators = [pair for p in circuit.projections for pair in p.modulators]
    projections, connections, traces, synapses = _synapses(circuit, offsets)
    rules, terms, *more = state_rules.build(circuit, projections, len(traces), len(synapses))
    traces, synapses = (np.concatenate(pair) for pair in zip((traces, synapses), more, strict=True))
    routes, n_soma = _routes(circuit, projections)
    powers = [np.exp(one.x1_log * np.arange(kernel.TABLE)) for one in projections]
    part_of = np.repeat(np.arange(len(parts)), parts.n)
    tables = Tables(
        populations, parts, part_of, receptors, projections, records(MODULATOR, max(len(modulators), 1)), *connections,
        np.concatenate([*powers, np.zeros(1)]), routes, rules, terms,
    )  # fmt: skip
    for one, (group, gain) in zip(tables.modulators, modulators, strict=False):
        one.group, one.gain = circuit.group_index[group.name], gain
    n_units = sum(group.n for group in circuit.groups)
    visits = np.zeros(max(sum(one.axons.n for one in circuit.layouts), 1), np.int64)
    on_their_way = np.zeros(n_units * length, np.int64), np.zeros((len(circuit.groups), length), np.int64)
    variables = Variables(
        neurons, traces, visits, synapses, np.zeros(n_units, np.int64), *on_their_way, np.zeros(n_soma)
    )
    return tables, variables, offsets


def scratch(circuit: Wiring, tables: Tables) -> Scratch:
    """Room for neurons that are advanced together, and for the pending spikes of every dense projection."""
    projections = tables.projections
    pending = 1 + int((projections.pends * (kernel.PENDING + projections.n_post)).sum())
    n_rows = max(sum(one.axons.n for one in circuit.layouts), 1)
    return Scratch(
        np.zeros(kernel.NEAR), np.zeros(kernel.NEAR), np.zeros(pending, np.int64), np.zeros(pending, np.int64),
        np.zeros(pending), np.zeros(max(len(projections), 1), np.int64), np.zeros(n_rows, np.int64),
    )  # fmt: skip


def response(tau_m: Any, tau: Any, dt: float) -> Any:
    """What a current of 1 that decays with tau adds to a leaky membrane in one step, for a leak of 1."""
    return dt / tau_m * np.exp(-dt / tau_m) * exprel(dt * (1 / tau_m - 1 / tau))


def _neurons(circuit: Wiring, length: int) -> tuple[Records, Records, Records, Array, Offsets]:
    """Records of populations, parts and receptors, variables of neurons at time 0, and where each begins."""
    populations = records(POPULATION, len(circuit.groups))
    parts: list[Records] = []
    receptors: list[Records] = []
    offsets: Offsets = {}
    start: list[Array] = []
    unit = ring = sources = 0
    for one, group in zip(populations, circuit.groups, strict=True):
        one.n, one.unit0, one.ring0, one.source = group.n, unit, ring, sources
        unit, ring = unit + group.n, ring + group.n * length
        if not isinstance(group, Population):
            one.kind, one.part0, one.n_parts = kernel.SOURCE, len(parts), 1
            parts.append(records(PART, 1))  # so that every neuron has one
            parts[-1].n = group.n
            sources += 1
            continue
        for name, values in _at_start(group).items():
            offsets[group.name, name] = sum(map(len, start))
            start.append(values)
        one.kind, one.part0 = _kind(group.neuron), len(parts)
        for first, last in pairwise(_ends_of_parts(group)):
            part, found = _part(circuit, group, offsets, first, last)
            part.unit0, part.receptor0 = one.unit0 + first, sum(map(len, receptors))
            parts.append(part)
            receptors.append(found)
        one.n_parts = len(parts) - one.part0
    none = np.zeros(1, RECEPTOR).view(np.recarray)
    tables = (np.concatenate(all_).view(np.recarray) for all_ in (parts, [*receptors, none]))
    return populations, *tables, np.concatenate([*start, np.zeros(1)]), offsets


def _ends_of_parts(group: Population) -> list[int]:
    """Where a population is cut so that neighbours with the same parameters stay together."""
    columns = [value[1:] != value[:-1] for value in group.neuron.arrays.values()]
    return [0, *(1 + np.flatnonzero(np.any(columns, axis=0)) if columns else []), group.n]


def _part(circuit: Wiring, group: Population, offsets: Offsets, first: int, last: int) -> tuple[Records, Records]:
    """The record of neurons ``first`` to ``last`` of a population, which are equal, and those of their receptors."""
    neuron = group.neuron.at(first)
    listed = receptors_of(neuron)
    part, receptors = records(PART, 1), records(RECEPTOR, len(listed))
    part.n, part.n_receptors = last - first, len(listed)
    part.refractory = int(circuit.on_grid("t_ref", neuron.t_ref))
    for name in ("v", "drive", "w", "prediction"):
        part[f"{name}0"] = offsets.get((group.name, name), 0) + first
    _fill(part[0], _constants(neuron, circuit.dt))
    for row, each in zip(receptors, listed, strict=True):
        _fill(row, {"g0": offsets[group.name, each.name] + first, **_receptor(each, neuron, circuit.dt)})
    return part, receptors


def _fill(record: Any, values: dict[str, Any]) -> None:
    """Set fields of a record."""
    for name, value in values.items():
        record[name] = value


def _at_start(group: Population) -> dict[str, Array]:
    """Variables of the neurons of a population at time 0, by name."""
    zeros, neuron = np.zeros(group.n), group.neuron
    found = {"v": group.start_potential, "drive": zeros}
    found |= {one.name: zeros for one in receptors_of(neuron)}
    if isinstance(neuron, AdEx):
        found["w"] = zeros
    if isinstance(neuron, TwoCompartment):
        found |= {"w": np.full(group.n, neuron.v_rest, float), "prediction": zeros}
    return found


def _receptor(one: Receptor, neuron: Neuron, dt: float) -> dict[str, Any]:
    """Fields of a receptor of a neuron."""
    kind = kernel.SIGNAL if not one.drives else kernel.CURRENT if one.reversal is None else kernel.CONDUCTANCE
    reversal = 0.0 if one.reversal is None else one.reversal
    with np.errstate(all="ignore"):
        decay = np.exp(-dt / one.tau)
        gain = response(neuron.tau_m, one.tau, dt) / neuron.g_leak
    if not np.isfinite(gain).all():
        raise ValueError(
            f"tau_m is {np.min(neuron.tau_m):g} ms and tau of {one.name!r} {np.min(one.tau):g} ms, too short for steps "
            f"of {dt:g} ms; pass at least a hundredth of a step."
        )
    return {"kind": kind, "decay": decay, "reversal": reversal, "response": gain}


def _kind(neuron: Neuron) -> int:
    """The branch of the kernel that advances a neuron."""
    if isinstance(neuron, AdEx):
        return kernel.ADEX
    if isinstance(neuron, TwoCompartment):
        return kernel.TWO_COMPARTMENT
    return kernel.LIF_EXACT if is_linear(neuron) else kernel.LIF_EULER


def _constants(neuron: Any, dt: float) -> dict[str, Any]:
    """What a step of a population takes of its neuron model."""
    found = {
        "kind": _kind(neuron), "decay": np.exp(-dt / neuron.tau_m), "rest": neuron.v_rest, "gain": 1 / neuron.g_leak,
        "leak": neuron.g_leak, "step": dt / (neuron.tau_m * neuron.g_leak),
    }  # fmt: skip
    if isinstance(neuron, TwoCompartment):
        found |= {"g_dendrite": neuron.g_dendrite, "phi_max": units.per_ms(neuron.phi_max) * dt}
        return found | {"k": neuron.k, "slope": neuron.slope, "half": neuron.half}
    found |= {"reset": neuron.v_reset, "noise": neuron.noise * np.sqrt(-np.expm1(-2 * dt / neuron.tau_m))}
    if isinstance(neuron, AdEx):
        found |= {"threshold": neuron.v_peak, "delta": neuron.delta, "v_t": neuron.v_threshold}
        return found | {"a": neuron.a, "b": neuron.b, "w_decay": np.exp(-dt / neuron.tau_w)}
    return found | {"threshold": neuron.v_threshold}


def _synapses(circuit: Wiring, offsets: Offsets) -> tuple[Records, Lists, Array, Array]:
    """Records of projections, their connections, and traces and weights at time 0."""
    projections, index = records(PROJECTION, len(circuit.projections)), circuit.group_index
    # those with lists of targets first, whose synapses are then where their lists are
    full = [
        p.dense and not made.listed and not isinstance(p.plasticity, StateRow)
        for p, made in zip(circuit.projections, circuit.layouts, strict=True)
    ]
    order = sorted(range(len(projections)), key=full.__getitem__)
    traces, weights = [np.zeros(1)], []
    visit0 = pending0 = synapse0 = row0 = 0
    trace0 = 1
    for p in order:
        one, given, made = projections[p], circuit.projections[p], circuit.layouts[p]
        n_pre, n_post = made.axons.n, made.dendrites.n
        one.short_term0 = one.eligibility0 = one.x0 = one.y0 = -1
        one.pre, one.post, one.n_pre, one.n_post = index[given.pre.name], index[given.post.name], n_pre, n_post
        one.target = -1 if given.receptor == "none" else offsets[given.post.name, str(given.receptor)]
        one.dense, one.synapse0, one.power0 = full[p], synapse0, p * kernel.TABLE
        one.visit0, one.pending0, one.w_min, one.w_max = visit0, pending0, -np.inf, np.inf
        if not full[p]:
            one.row0, one.column0 = row0, row0 + n_pre + 1
            row0 += n_pre + n_post + 2
        for name, values in _traces(given, n_pre, n_post).items():
            one[name], trace0 = trace0, trace0 + len(values)
            traces.append(values)
        _fill(one, _rule(given, circuit.dt, offsets) | _short_term(given, circuit.dt))
        one.pends &= one.dense
        weights.append(made.stored(given.weight.ravel() if given.dense else given.weight.data))
        visit0, synapse0 = visit0 + n_pre, synapse0 + given.n_synapses
        pending0 += kernel.PENDING + n_post if one.pends else 0  # full, and then one step more
    modulator0 = 0
    for one, given in zip(projections, circuit.projections, strict=True):  # eligibilities after all weights
        one.modulator0, one.n_modulators = modulator0, len(given.modulators)
        modulator0 += one.n_modulators
        if given.collects:
            one.eligibility0 = synapse0 - one.synapse0
            weights.append(np.zeros(given.n_synapses))
            synapse0 += given.n_synapses
    lists = _lists([(circuit.projections[p], circuit.layouts[p]) for p in order if not full[p]])
    return projections, lists, np.concatenate(traces), _joined(weights, float)


def _lists(sparse: list[tuple[Projection, Layout]]) -> Lists:
    """Ends of rows and columns, and synapses by row and by column, of projections one after the other."""
    ends, post, pre, place = [], [], [], []
    for p, made in sparse:
        rows = made.stored(p.rows if made.axons.of_synapse is None else made.axons.of_synapse)
        columns = made.stored(p.columns if made.dendrites.of_synapse is None else made.dendrites.of_synapse)
        where = np.argsort(columns, kind="stable")
        ends += [_ends(rows, made.axons.n), _ends(columns, made.dendrites.n)]
        post.append(columns)
        pre.append(rows[where])
        place.append(where)
    return _joined(ends, np.int64), _joined(post, np.int32), _joined(pre, np.int32), _joined(place, np.int32)


def _joined(parts: list[Array], kind: Any) -> Array:
    """Arrays one after the other, and a number that nothing reads, so that there is a first one."""
    return np.concatenate([*parts, np.zeros(1, kind)]).astype(kind)


def _ends(which: Array, n: int) -> Array:
    """Where the first of each of n kinds begins, in order, and the last one ends."""
    return np.concatenate([[0], np.cumsum(np.bincount(which, minlength=n))])


def _routes(circuit: Wiring, projections: Records) -> tuple[Array, int]:
    """Delays, and the axons and dendrites that spikes take; how many numbers wait on their way to somata."""
    parts: list[Array] = []
    at = waiting = 0
    for one, given, made in zip(projections, circuit.projections, circuit.layouts, strict=True):
        one.n_axonal, one.n_dendritic, one.n_cells = len(made.axons.delays), len(made.dendrites.delays), given.post.n
        one.delay, one.late = made.axons.delays[0], made.dendrites.delays[0]
        longest = int(made.dendrites.delays.max())
        sides = {
            "axonal0": made.axons.delays,
            "axon0": None if made.axons.of_synapse is None else made.axons.at.ravel(),
            "dendritic0": made.dendrites.delays,
            "branch0": None if made.dendrites.of_synapse is None else made.dendrites.at.ravel(),
            "dendrite0": None,
        }
        if longest > 0 and one.target >= 0:
            sides["dendrite0"] = np.concatenate([made.dendrites.delay, made.dendrites.neuron])
            one.n_soma, one.soma0 = longest + 1, waiting
            waiting += one.n_soma * one.n_cells
        for name, values in sides.items():
            one[name] = -1 if values is None else at
            parts += [] if values is None else [values]
            at += 0 if values is None else len(values)
    return _joined(parts, np.int64), waiting


def _traces(p: Projection, n_pre: int, n_post: int) -> dict[str, Array]:
    """Traces of a projection at time 0, by the field that holds where they begin."""
    found = {}
    if p.plasticity is not None and not isinstance(p.plasticity, StateRow):
        found = {"x0": np.zeros(2 * n_pre), "y0": np.zeros(2 * n_post)}
    if p.short_term is not None:
        found["short_term0"] = np.concatenate([np.full(n_pre, p.short_term.rested), np.ones(n_pre)])
    return found


def _rule(p: Projection, dt: float, offsets: Offsets) -> dict[str, Any]:
    """Fields of a projection that a plasticity rule gives."""
    rule: Any = p.plasticity
    if rule is None:
        return {}
    if isinstance(rule, StateRow):
        return {"w_min": rule.w_min, "w_max": rule.w_max}
    continuous = rule.error != "" or rule.tau_e is not None
    found = {name: getattr(rule, name) for name in (*COEFFICIENTS, "w_min", "w_max", "soft")}
    found |= {"plastic": 2 if continuous else 1, "nearest": rule.interaction == "nearest"}
    found |= {"pends": p.dense and not continuous}
    found |= {f"{y}_decay": np.exp(-dt / getattr(rule, f"tau_{y}")) for y in ("y1", "y2")}
    found |= {f"{x}_log": -dt / getattr(rule, f"tau_{x}") for x in ("x1", "x2", "w")}
    if rule.error:
        rate = rule.rate * (1.0 if rule.error == "prediction" else dt)
        found |= {"error0": offsets[p.post.name, rule.error], "rate": rate, "x2_share": rule.x2_share}
    if rule.tau_e is not None:
        both = 1 / rule.tau_e + 1 / rule.tau_reward
        found |= {"e_decay": np.exp(-dt / rule.tau_e), "reward_decay": np.exp(-dt / rule.tau_reward)}
        found |= {"reward_raise": rule.reward, "reward_integral": -np.expm1(-dt * both) / both}
        found |= {"reward_base": -rule.baseline * rule.tau_e * np.expm1(-dt / rule.tau_e)}
    return found


def _short_term(p: Projection, dt: float) -> dict[str, Any]:
    """Fields of a projection that short-term plasticity gives."""
    s = p.short_term
    if not isinstance(s, ShortTerm):
        return {}  # a filter gives u for every spike
    return {
        "raised_first": s.raised_first,
        "U": s.U,
        "u_rest": s.u_rest,
        "rec_log": -dt / s.tau_rec,
        "facil_log": -dt / s.tau_facil,
    }
