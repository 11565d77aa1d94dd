"""A circuit as the tables and the state that the kernel runs: offsets, constants of one step, arrays at time 0."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import exprel

from synfwp import units
from synfwp.kernels import circuit as kernel
from synfwp.plasticity.synaptic import COEFFICIENTS
from synfwp.spiking.groups import Population
from synfwp.spiking.neurons import AdEx, Cell, TwoCompartment, is_linear, receptors_of
from synfwp.spiking.projection import Projection
from synfwp.spiking.wiring import Circuit

Array = np.ndarray


@dataclass
class Tables:
    """What does not change in a run (but for the gates in ``JF``), in the layout of `synfwp.kernels.circuit`."""

    P: Array
    PF: Array
    R: Array
    RF: Array
    J: Array
    JF: Array
    ptr: Array
    post: Array
    col: Array
    pos: Array
    powers: Array
    ring_size: int
    longest_delay: int
    receptor: dict[tuple[str, str], int]  # offset in S of a receptor or variable by (group, name)


@dataclass
class State:
    """What a run changes: neurons S, traces T, last visits L, weights and eligibilities W, refractoriness, spikes."""

    S: Array
    T: Array
    L: Array
    W: Array
    until: Array
    ring: Array
    count: Array


def build(circuit: Circuit) -> tuple[Tables, State]:
    """Tables and the state at time 0."""
    dt, groups, projections = circuit.dt, circuit.groups, circuit.projections
    delays = [int(circuit.on_grid("delay", p.delay)) for p in projections]
    P, PF = np.zeros((len(groups), 12), np.int64), np.zeros((len(groups), 18))
    n_receptors = sum(len(receptors_of(g.cell)) for g in groups if isinstance(g, Population))
    R, RF = np.zeros((max(n_receptors, 1), 2), np.int64), np.zeros((max(n_receptors, 1), 3))
    longest = max([0, *delays])
    offset: dict[tuple[str, str], int] = {}
    S: list[Array] = []
    unit = ring = row = sources = 0
    for m, group in enumerate(groups):
        P[m, [kernel.N, kernel.UNIT0, kernel.RING0, kernel.SOURCE_ROW]] = group.n, unit, ring, sources
        unit, ring = unit + group.n, ring + group.n * (longest + 1)
        if not isinstance(group, Population):
            P[m, kernel.KIND] = kernel.SOURCE
            sources += 1
            continue
        cell = group.cell
        for name, start in _neuron_state(group, cell).items():
            offset[group.name, name] = sum(len(part) for part in S)
            S.append(start)
        at = lambda name, g=group: offset[g.name, name]  # noqa: E731
        P[m, [kernel.KIND, kernel.V0, kernel.DRIVE0]] = _kind(cell), at("v"), at("drive")
        P[m, [kernel.RECEPTOR0, kernel.RECEPTORS]] = row, len(receptors_of(cell))
        P[m, kernel.REFRACTORY] = int(circuit.on_grid("t_ref", cell.t_ref))
        P[m, kernel.W0] = offset.get((group.name, "w"), 0)
        P[m, kernel.PREDICTION0] = offset.get((group.name, "prediction"), 0)
        PF[m] = _constants(cell, dt)
        for one in receptors_of(cell):
            kind = kernel.SIGNAL if not one.drives else kernel.CURRENT if one.reversal is None else kernel.CONDUCTANCE
            R[row] = at(one.name), kind
            push = response(cell.tau_m, one.tau, dt) / cell.g_leak
            RF[row] = np.exp(-dt / one.tau), 0.0 if one.reversal is None else one.reversal, push
            row += 1
    synapses = _synapses(circuit, delays, offset)
    J, JF, ptr, post, col, pos, T, L, W = synapses
    powers = [np.exp(JF[p, kernel.X1_LOG] * np.arange(kernel.TABLE)) for p in range(len(projections))]
    tables = Tables(
        P, PF, R, RF, J, JF, ptr, post, col, pos, np.concatenate([*powers, np.zeros(1)]), ring, longest, offset
    )
    start = np.concatenate([*S, np.zeros(1)])
    until, on_their_way = np.zeros(unit, np.int64), np.zeros(ring, np.int64)
    return tables, State(start, T, L, W, until, on_their_way, np.zeros((len(groups), longest + 1), np.int64))


def response(tau_m: float, tau: float, dt: float) -> float:
    """What a current of 1 that decays with tau adds to a leaky membrane in one step, for a leak of 1."""
    return float(dt / tau_m * np.exp(-dt / tau_m) * exprel(dt * (1 / tau_m - 1 / tau)))


def _neuron_state(group: Population, cell: Cell) -> dict[str, Array]:
    """Variables of the neurons of a population at time 0, by name."""
    zeros = np.zeros(group.n)
    found = {"v": np.array(group.v_init, float), "drive": zeros}
    found |= {one.name: zeros for one in receptors_of(cell)}
    if isinstance(cell, AdEx):
        found["w"] = zeros
    if isinstance(cell, TwoCompartment):
        found |= {"w": np.full(group.n, cell.v_rest), "prediction": zeros}
    return found


def _kind(cell: Cell) -> int:
    """The branch of the kernel that advances a cell."""
    if isinstance(cell, AdEx):
        return kernel.ADEX
    if isinstance(cell, TwoCompartment):
        return kernel.TWO_COMPARTMENT
    return kernel.LIF_EXACT if is_linear(cell) else kernel.LIF_EULER


def _constants(cell: Any, dt: float) -> Array:
    """The row of floats of a population."""
    row = np.zeros(18)
    put = row.__setitem__
    put(kernel.DECAY, np.exp(-dt / cell.tau_m))
    put(kernel.REST, cell.v_rest)
    put(kernel.GAIN, 1 / cell.g_leak)
    put(kernel.LEAK, cell.g_leak)
    put(kernel.STEP, dt / (cell.tau_m * cell.g_leak))
    if isinstance(cell, TwoCompartment):
        put(kernel.G_D, cell.g_dendrite)
        put(kernel.PHI, units.per_ms(cell.phi_max) * dt)
        row[[kernel.K_PHI, kernel.SLOPE, kernel.HALF]] = cell.k, cell.slope, cell.half
        return row
    put(kernel.RESET, cell.v_reset)
    put(kernel.NOISE, cell.noise * np.sqrt(-np.expm1(-2 * dt / cell.tau_m)))
    put(kernel.THRESHOLD, cell.v_peak if isinstance(cell, AdEx) else cell.v_threshold)
    if isinstance(cell, AdEx):
        row[[kernel.DELTA, kernel.V_T, kernel.A, kernel.B]] = cell.delta, cell.v_threshold, cell.a, cell.b
        put(kernel.W_DECAY, np.exp(-dt / cell.tau_w))
    return row


def _synapses(circuit: Circuit, delays: list[int], offset: dict[tuple[str, str], int]) -> tuple[Array, ...]:
    """Tables of projections, connectivity, and traces, visits and weights at time 0."""
    projections, dt, index = circuit.projections, circuit.dt, circuit.group_index
    J, JF = np.zeros((len(projections), 22), np.int64), np.zeros((len(projections), 31))
    order = sorted(range(len(projections)), key=lambda p: projections[p].dense)  # those with lists of targets first
    ptr, post, col, pos, W = [np.zeros(0, np.int64)], [], [], [], []
    T, visits, pending, ptr0, syn0 = [np.zeros(1)], 0, 0, 0, 0
    for p in order:
        one = projections[p]
        n_pre, n_post = one.shape
        row, rule = J[p], one.plasticity
        row[kernel.PRE], row[kernel.POST], row[kernel.N_PRE], row[kernel.N_POST] = (
            index[one.pre.name], index[one.post.name], n_pre, n_post,
        )  # fmt: skip
        row[kernel.TARGET] = -1 if one.receptor == "none" else offset[one.post.name, one.receptor]
        row[kernel.DELAY], row[kernel.DENSE], row[kernel.SYN0] = delays[p], one.dense, syn0
        row[kernel.LAST0], row[kernel.TAB0], row[kernel.PEND0] = visits, p * kernel.TABLE, pending
        row[kernel.STP0] = row[kernel.E0] = row[kernel.MODULATOR] = row[kernel.X0] = row[kernel.Y0] = -1
        visits += n_pre
        if one.dense:
            W.append(one.weight.ravel())
        else:
            lists = _columns(one)
            row[kernel.ROW0], row[kernel.COL0] = ptr0, ptr0 + n_pre + 1
            ptr += [one.weight.indptr, lists[0]]
            ptr0 += n_pre + n_post + 2
            post.append(one.weight.indices)
            col.append(lists[1])
            pos.append(lists[2])
            W.append(one.weight.data)
        syn0 += len(W[-1])
        if rule is not None:
            row[kernel.X0], row[kernel.Y0] = sum(map(len, T)), sum(map(len, T)) + 2 * n_pre
            T.append(np.zeros(2 * (n_pre + n_post)))
            _rule_row(one, row, JF[p], dt, offset)
            pending += kernel.PENDING + n_post if row[kernel.PENDS] else 0  # full, and then one step more
            if one.modulator is not None:
                row[kernel.MODULATOR] = index[one.modulator.name]
        JF[p, [kernel.W_MIN, kernel.W_MAX]] = -np.inf, np.inf
        if rule is not None:
            JF[p, [kernel.W_MIN, kernel.W_MAX]] = rule.w_min, rule.w_max
        if one.short_term is not None:
            row[kernel.STP0] = sum(map(len, T))
            s = one.short_term
            T.append(np.concatenate([np.full(n_pre, s.u_rest), np.ones(n_pre)]))
            JF[p, [kernel.U, kernel.U_REST]] = s.U, s.u_rest
            JF[p, [kernel.REC_LOG, kernel.FACIL_LOG]] = -dt / s.tau_rec, -dt / s.tau_facil
    for p, one in enumerate(projections):  # eligibilities after all weights
        if one.collects:
            J[p, kernel.E0] = syn0 - J[p, kernel.SYN0]
            W.append(np.zeros(one.n_synapses))
            syn0 += one.n_synapses
    flat = lambda parts, kind: np.concatenate([*parts, np.zeros(1, kind)]).astype(kind)  # noqa: E731
    return (
        J, JF, flat(ptr, np.int64), flat(post, np.int32), flat(col, np.int32), flat(pos, np.int32),
        np.concatenate(T), np.zeros(max(visits, 1), np.int64), flat(W, float),
    )  # fmt: skip


def _columns(p: Projection) -> tuple[Array, Array, Array]:
    """Synapses by postsynaptic neuron: ends of columns, presynaptic neurons, positions in the rows."""
    rows = p.rows
    order = np.argsort(p.weight.indices, kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(p.weight.indices, minlength=p.shape[1]))])
    return ends, rows[order], order


def _rule_row(p: Projection, row: Array, floats: Array, dt: float, offset: dict[tuple[str, str], int]) -> None:
    """What a plasticity rule puts into the row of its projection."""
    rule: Any = p.plasticity
    continuous = rule.error != "" or rule.tau_e is not None
    row[kernel.PLASTIC], row[kernel.NEAREST] = 2 if continuous else 1, rule.interaction == "nearest"
    row[kernel.PENDS] = p.dense and not continuous
    for name in COEFFICIENTS:
        floats[getattr(kernel, name.upper())] = getattr(rule, name)
    floats[kernel.MU] = rule.soft
    floats[[kernel.Y1_DECAY, kernel.Y2_DECAY]] = np.exp(-dt / rule.tau_y1), np.exp(-dt / rule.tau_y2)
    floats[[kernel.X1_LOG, kernel.X2_LOG, kernel.W_LOG]] = -dt / rule.tau_x1, -dt / rule.tau_x2, -dt / rule.tau_w
    if rule.error:
        row[kernel.ERROR0] = offset[p.post.name, rule.error]
        floats[kernel.RATE] = rule.rate * (1.0 if rule.error == "prediction" else dt)
        floats[kernel.X2_SHARE] = rule.x2_share
    if rule.tau_e is not None:
        both = 1 / rule.tau_e + 1 / rule.tau_reward
        floats[[kernel.E_DECAY, kernel.D_DECAY]] = np.exp(-dt / rule.tau_e), np.exp(-dt / rule.tau_reward)
        floats[[kernel.D_RAISE, kernel.E_DRIFT]] = rule.reward, -np.expm1(-dt * both) / both
