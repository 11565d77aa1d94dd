"""A network of spiking neurons and plastic synapses, as tables: one kernel runs every network.

Order within a step: neurons are advanced; thresholds and sources fire; projections, in their order, deliver the spikes
of ``delay`` steps ago (transmit with the weight as it is, change it, raise the presynaptic trace); projections, in
their order, take the postsynaptic spikes (change, then trace); resets. This is Brian2's default schedule. With a
dendritic delay, what a spike transmits waits in ``soma`` and postsynaptic spikes come so many steps late.

Synapses of one neuron with different delays belong to different axons (or dendrites): a projection whose synapses
differ in delay has axons for presynaptic neurons, each with its traces and its row, and finds those of a neuron and a
delay in ``routes``. The same holds for dendrites, which stand for the postsynaptic neurons.

Synapses are visited when spikes arrive. A row of a dense projection then applies the postsynaptic spikes since its last
visit, one by one in their order (``pending``), which touches memory row by row; sparse projections, and those that
change between spikes, change columns at once. Presynaptic traces and leaking weights stand at the row's last visit.

Tables and variables are those of `synfwp.spiking.tables`: a population, a receptor or a projection is one record with
named numbers, those that end in 0 being offsets into an array of variables.
"""

import math

import numpy as np

from synfwp.kernels._jit import kernel, uncounted_kernel, uncounted_restrict_kernel
from synfwp.kernels.circuit_rules import after_arrivals, before_arrivals

SOURCE, LIF_EXACT, LIF_EULER, ADEX, TWO_COMPARTMENT = range(5)  # kinds of populations
CURRENT, CONDUCTANCE, SIGNAL = range(3)  # kinds of receptors
PENDING = 8192  # postsynaptic spikes past which a dense projection applies them everywhere
REACH = 1000  # steps after which it applies them everywhere, wherever a run is cut
TABLE = 2048  # steps for which powers of a decay are read from a table
NEAR = 512  # neurons that are advanced at a time: all that a step reads and writes of them stays in the nearest cache
HOT = 32  # of them that are looked at one by one where one is at threshold


@uncounted_kernel
def decayed(log, steps):
    """``exp(log * steps)``."""
    return math.exp(log * steps)


@uncounted_kernel
def row(projection, ends, j):
    """First synapse of neuron j, and the one after its last."""
    if projection.dense:
        first = projection.synapse0 + j * projection.n_post
        return first, first + projection.n_post
    return projection.synapse0 + ends[projection.row0 + j], projection.synapse0 + ends[projection.row0 + j + 1]


@uncounted_kernel
def change(w, dw, low, high, mu):
    """The weight after a change, within bounds; soft ones scale the change."""
    if mu != 0:
        room = (high - w) if dw > 0 else (w - low)
        dw *= (max(room, 0.0) / (high - low)) ** mu
    w += dw
    w = low if w < low else w
    return high if w > high else w


@uncounted_kernel
def phi_small(z):
    """``(1 - exp(-z)) / z`` for 0 <= z <= 1/5, the sum of ``(-z)^k / (k + 1)!``: loops of it become vector code."""
    e = z * (1 / 3628800 - z * (1 / 39916800))
    e = z * (1 / 5040 - z * (1 / 40320 - z * (1 / 362880 - e)))
    return 1 - z * (1 / 2 - z * (1 / 6 - z * (1 / 24 - z * (1 / 120 - z * (1 / 720 - e)))))


@uncounted_restrict_kernel
def relax(A_, B_, S, v0, n, step):
    """Potentials one step towards ``B_ / A_`` with rate ``A_ step``, into A_: exponential Euler, without a division."""
    fast, most = 0, 0.2 / step
    for i in range(n):
        fast += 1 if A_[i] > most else 0
    if fast == 0:
        for i in range(n):
            v = S[np.uint64(v0 + i)]
            A_[i] = v - step * (A_[i] * v - B_[i]) * phi_small(A_[i] * step)
    else:
        for i in range(n):  # each as it would be alone
            v = S[np.uint64(v0 + i)]
            if A_[i] > most:
                A_[i] = v + (v - B_[i] / A_[i]) * math.expm1(-A_[i] * step)
            else:
                A_[i] = v - step * (A_[i] * v - B_[i]) * phi_small(A_[i] * step)


@uncounted_restrict_kernel
def settle_neurons(S, A_, until, v0, u0, refractory, top, t, n):
    """New potentials from A_, but for refractory neurons; how many are at threshold."""
    n_at_threshold = 0
    if refractory > 1:
        for i in range(n):
            old, new = S[np.uint64(v0 + i)], A_[i]
            new = old if until[np.uint64(u0 + i)] > t else new
            S[np.uint64(v0 + i)] = new
            n_at_threshold += 1 if new >= top else 0
    else:
        for i in range(n):
            S[np.uint64(v0 + i)] = A_[i]
            n_at_threshold += 1 if A_[i] >= top else 0
    return n_at_threshold


@uncounted_restrict_kernel
def scale(x, first, n, factor):
    """Part of an array times a factor."""
    for i in range(n):
        x[np.uint64(first + i)] *= factor


@uncounted_restrict_kernel
def advance(rng, group, receptors, S, until, A_, B_, t, first, n):
    """One step of n neurons of a part, whose variables stand in S; how many of them are at threshold.

    Arrays are indexed from an offset on, not cut: a slice in a loop counts its references, which costs more than it.
    """
    kind, u0, v0, d0 = group.kind, group.unit0 + first, group.v0 + first, group.drive0 + first
    r0, r1 = group.receptor0, group.receptor0 + group.n_receptors
    if kind == LIF_EXACT:
        rest, decay, gain = group.rest, group.decay, group.gain
        for i in range(n):
            end = rest + gain * S[np.uint64(d0 + i)]
            A_[i] = end + (S[np.uint64(v0 + i)] - end) * decay
        for r in range(r0, r1):
            if receptors[r].kind == CURRENT:
                g0, response = receptors[r].g0 + first, receptors[r].response
                for i in range(n):
                    A_[i] += response * S[np.uint64(g0 + i)]
    else:
        leak, rest, step = group.leak, group.rest, group.step
        for i in range(n):
            A_[i] = leak
            B_[i] = leak * rest + S[np.uint64(d0 + i)]
        for r in range(r0, r1):
            g0, reversal, rho = receptors[r].g0 + first, receptors[r].reversal, receptors[r].decay
            if receptors[r].kind == CONDUCTANCE:
                for i in range(n):  # nothing else of the step reads it: it decays at once
                    g = S[np.uint64(g0 + i)]
                    A_[i] += g
                    B_[i] += g * reversal
                    S[np.uint64(g0 + i)] = g * rho
            elif receptors[r].kind == CURRENT and not (kind == TWO_COMPARTMENT and r == r0):
                for i in range(n):
                    B_[i] += S[np.uint64(g0 + i)]
        if kind == ADEX:
            w0, slope, v_t = group.w0 + first, group.delta, group.v_t
            a, w_decay = group.a, group.w_decay
            for i in range(n):
                v, w = S[np.uint64(v0 + i)], S[np.uint64(w0 + i)]
                B_[i] += leak * slope * math.exp((v - v_t) / slope) - w
                w_end = a * (v - rest)
                S[np.uint64(w0 + i)] = w_end + (w - w_end) * w_decay
        elif kind == TWO_COMPARTMENT:
            w0, d0, g_d = group.w0 + first, receptors[r0].g0 + first, group.g_dendrite
            decay, response = group.decay, receptors[r0].response
            for i in range(n):
                V = S[np.uint64(w0 + i)]
                A_[i] += g_d
                B_[i] += g_d * V
                S[np.uint64(w0 + i)] = rest + (V - rest) * decay + response * S[np.uint64(d0 + i)]
        relax(A_, B_, S, v0, n, step)
    noise = group.noise
    if noise > 0:
        for i in range(n):
            A_[i] += noise * rng.standard_normal()
    n_at_threshold = settle_neurons(S, A_, until, v0, u0, group.refractory, group.threshold, t, n)
    if kind == TWO_COMPARTMENT:
        w0, e0 = group.w0 + first, group.prediction0 + first
        star = group.g_dendrite / (group.g_dendrite + group.leak)
        for i in range(n):
            V = group.rest + star * (S[w0 + i] - group.rest)
            S[e0 + i] = group.phi_max / (1 + group.k * math.exp(group.slope * (group.half - V)))
        n_at_threshold = n
    for r in range(r0, r1):
        if kind == LIF_EXACT or receptors[r].kind != CONDUCTANCE:
            scale(S, receptors[r].g0 + first, n, receptors[r].decay)
    return n_at_threshold


@uncounted_kernel
def fire(rng, group, S, until, t, unit, at, first, n, number):
    """Which of n neurons of a part fire: they go to ``unit[at:]``, counted from ``number`` on; how many there are."""
    u0, v0, found = group.unit0 + first, group.v0 + first, 0
    if group.kind != TWO_COMPARTMENT:
        top = group.threshold
        for c in range(0, n, HOT):
            end, hot = min(c + HOT, n), 0
            for i in range(c, end):
                hot += 1 if S[np.uint64(v0 + i)] >= top else 0
            for i in range(c, end if hot > 0 else c):
                if S[np.uint64(v0 + i)] >= top and until[np.uint64(u0 + i)] <= t:
                    unit[at + found] = number + i
                    found += 1
        return found
    for i in range(n):
        if until[u0 + i] <= t:
            rate = group.phi_max / (1 + group.k * math.exp(group.slope * (group.half - S[v0 + i])))
            if rng.random() < -math.expm1(-rate):
                unit[at + found] = number + i
                found += 1
    return found


@uncounted_kernel
def origin_of(log, t):
    """The step that pending spikes of step t refer their decay to: not so far back that a power would overflow."""
    reach = REACH if log > -500.0 / REACH else max(int(-500.0 / log), 1)
    return t - t % reach


@uncounted_restrict_kernel
def raise_all(W, s0, which, share, first, last, x, high):
    """To each weight of a row that is named, ``x share`` of 0 or more, one after the other: none falls to its bound."""
    for m in range(first, last):
        s = np.uint64(s0 + which[np.uint64(m)])
        w = W[s] + x * share[np.uint64(m)]
        W[s] = high if w > high else w


@uncounted_restrict_kernel
def add_all(W, s0, which, share, first, last, b0, x, low, high):
    """To each weight of a row that is named, ``b0 + x share``, one after the other and within bounds."""
    for m in range(first, last):
        s = np.uint64(s0 + which[np.uint64(m)])
        w = W[s] + (b0 + x * share[np.uint64(m)])
        w = low if w < low else w
        W[s] = high if w > high else w


@uncounted_restrict_kernel
def apply_pending(projection, T, L, W, pending_step, pending_unit, pending_share, seen, j, upto, origin):
    """Postsynaptic spikes of a dense projection that row j has not seen, in their order.

    ``pending_share`` is what each spike multiplies a presynaptic trace with that stands at step ``origin``.
    """
    q0, n_pre, n_post = projection.pending0, projection.n_pre, projection.n_post
    s0, x0 = projection.synapse0 + j * n_post, projection.x0 + j
    last, first = L[projection.visit0 + j], seen[projection.visit0 + j]
    x1, x2 = T[x0], T[x0 + n_pre]
    gate, low, high, mu = projection.gate, projection.w_min, projection.w_max, projection.soft
    b0, bx2 = projection.post_0, projection.post_x2
    two, leaks, e0 = bx2 != 0, projection.w_log != 0, projection.eligibility0
    seen[projection.visit0 + j] = upto
    if first == upto or (b0 == 0 and x1 == 0 and x2 == 0):
        return
    x1 *= decayed(projection.x1_log, origin - last)
    if not (two or leaks or e0 >= 0) and mu == 0:
        if b0 == 0 and projection.post_xy == 0 and gate * projection.post_x > 0:
            raise_all(W, s0, pending_unit, pending_share, q0 + first, q0 + upto, gate * x1, high)
        elif gate != 0:
            add_all(W, s0, pending_unit, pending_share, q0 + first, q0 + upto, gate * b0, gate * x1, low, high)
        return
    for m in range(first, upto):
        steps = pending_step[q0 + m] - last
        s = s0 + pending_unit[q0 + m]
        dw = b0 + x1 * pending_share[q0 + m]
        if two:
            dw += bx2 * x2 * decayed(projection.x2_log, steps)
        if gate != 0:
            if leaks:
                leak = decayed(projection.w_log, steps)
                W[s] = change(W[s] * leak, gate * dw, low, high, mu) / leak
            else:
                W[s] = change(W[s], gate * dw, low, high, mu)
        if e0 >= 0:
            W[e0 + s] += projection.eligible * dw


@uncounted_kernel
def apply_all_pending(projection, T, L, W, pending_step, pending_unit, pending_share, seen, n_pending, p, origin):
    """Every row of the dense projection p applies what is pending."""
    for j in range(projection.n_pre):
        apply_pending(projection, T, L, W, pending_step, pending_unit, pending_share, seen, j, n_pending[p], origin)
        seen[projection.visit0 + j] = 0
    n_pending[p] = 0


@uncounted_restrict_kernel
def transmit(S, g0, W, s0, n, release):
    """A row of weights opens the receptors of all neurons."""
    for i in range(n):
        S[np.uint64(g0 + i)] += W[np.uint64(s0 + i)] * release


@uncounted_restrict_kernel
def transmit_to(S, g0, W, post, s0, s1, release):
    """Some weights open the receptors of their neurons."""
    for s in range(s0, s1):
        S[np.uint64(g0 + post[np.uint64(s)])] += W[np.uint64(s)] * release


@uncounted_restrict_kernel
def add_trace(W, s0, T, y0, n, c0, c1, low, high):
    """To each weight of a row ``c0 + c1 y``, within bounds."""
    for i in range(n):
        w = W[np.uint64(s0 + i)] + (c0 + c1 * T[np.uint64(y0 + i)])
        w = low if w < low else w
        W[np.uint64(s0 + i)] = high if w > high else w


@uncounted_restrict_kernel
def add_trace_to(W, post, s0, s1, T, y0, c0, c1, low, high):
    """To some weights ``c0 + c1 y`` of their neurons, within bounds."""
    for s in range(s0, s1):
        w = W[np.uint64(s)] + (c0 + c1 * T[np.uint64(y0 + post[np.uint64(s)])])
        w = low if w < low else w
        W[np.uint64(s)] = high if w > high else w


@uncounted_restrict_kernel
def send(waiting, weights, ways, which, dense, release, t, n_soma, n_post, n_cells):
    """What weights transmit waits until dendrites have carried it to the soma."""
    for s in range(weights.shape[0]):
        i = s if dense else which[s]
        waiting[((t + ways[i]) % n_soma) * n_cells + ways[i + n_post]] += weights[s] * release


@uncounted_restrict_kernel
def take(g, waiting):
    """What has waited opens the receptors of all neurons."""
    for i in range(g.shape[0]):
        g[i] += waiting[i]
        waiting[i] = 0.0


@uncounted_kernel
def arrive(
    projection, S, T, L, W, ends, post, routes, soma, pending_step, pending_unit, pending_share, seen, n_pending, j, t,
    origin,
):  # fmt: skip
    """A presynaptic spike of neuron (or axon) j arrives: what is pending, transmission, change, trace."""
    dense, plastic, g0 = projection.dense, projection.plastic, projection.target
    n_pre, n_post = projection.n_pre, projection.n_post
    s0, s1 = row(projection, ends, j)
    if projection.pends:
        apply_pending(projection, T, L, W, pending_step, pending_unit, pending_share, seen, j, n_pending, origin)
    steps = t - L[projection.visit0 + j] if plastic or projection.short_term0 >= 0 else 0
    if plastic and projection.w_log != 0:
        leak = decayed(projection.w_log, steps)
        for s in range(s0, s1):
            W[s] *= leak
    release = projection.transmit
    if projection.short_term0 >= 0:
        u0 = projection.short_term0 + j
        u, x = T[u0], T[u0 + n_pre]
        u = projection.u_rest + (u - projection.u_rest) * decayed(projection.facil_log, steps)
        x = 1 + (x - 1) * decayed(projection.rec_log, steps)
        share = u * x
        u += projection.U * (1 - u)
        if projection.raised_first:
            share = u * x
        release *= share
        T[u0], T[u0 + n_pre] = u, x - share
    if g0 >= 0 and release != 0:
        if projection.n_soma > 0:
            d0, o0 = projection.dendrite0, projection.soma0
            ways = routes[d0 : d0 + 2 * n_post]
            waiting = soma[o0 : o0 + projection.n_soma * projection.n_cells]
            send(waiting, W[s0:s1], ways, post[s0:s1], dense, release, t, projection.n_soma, n_post, projection.n_cells)
        elif dense:
            transmit(S, g0, W, s0, n_post, release)
        else:
            transmit_to(S, g0, W, post, s0, s1, release)
    if plastic:
        x0, y0, e0 = projection.x0 + j, projection.y0, projection.eligibility0
        x1, x2 = T[x0] * decayed(projection.x1_log, steps), T[x0 + n_pre] * decayed(projection.x2_log, steps)
        c0, c1 = projection.pre_0 + projection.pre_x * x1, projection.pre_y + projection.pre_yx * x2
        c2, gate = projection.pre_y2, projection.gate
        low, high, mu = projection.w_min, projection.w_max, projection.soft
        if c0 != 0 or c1 != 0 or c2 != 0:
            if gate != 0 and mu == 0 and c2 == 0:
                if dense:
                    add_trace(W, s0, T, y0, n_post, gate * c0, gate * c1, low, high)
                else:
                    add_trace_to(W, post, s0, s1, T, y0, gate * c0, gate * c1, low, high)
            elif gate != 0:
                for s in range(s0, s1):
                    i = s - s0 if dense else post[s]
                    dw = c0 + c1 * T[y0 + i] + c2 * T[y0 + n_post + i]
                    W[s] = change(W[s], gate * dw, low, high, mu)
            if e0 >= 0 and projection.eligible != 0:
                for s in range(s0, s1):
                    i = s - s0 if dense else post[s]
                    W[e0 + s] += projection.eligible * (c0 + c1 * T[y0 + i] + c2 * T[y0 + n_post + i])
        T[x0] = 1.0 if projection.nearest else x1 + 1
        T[x0 + n_pre] = 1.0 if projection.nearest else x2 + 1
    if plastic or projection.short_term0 >= 0:
        L[projection.visit0 + j] = t


@uncounted_restrict_kernel
def column_plain(W, s0, place, pre, first, end, T, x0, L, l0, powers, power0, log, t, b0, bx, low, high):
    """``b0 + bx x`` to the synapses of one neuron, traces x brought to step t by a table of powers, within bounds."""
    for c in range(s0 + first, s0 + end):
        j, s = pre[np.uint64(c)], np.uint64(s0 + place[np.uint64(c)])
        steps = t - L[np.uint64(l0 + j)]
        rho = powers[np.uint64(power0 + steps)] if steps < TABLE else decayed(log, steps)
        w = W[s] + (b0 + bx * T[np.uint64(x0 + j)] * rho)
        w = low if w < low else w
        W[s] = high if w > high else w


@uncounted_kernel
def column(projection, T, L, W, ends, pre, place, powers, i, t):
    """A postsynaptic spike of neuron i changes all its synapses at once."""
    dense, n_pre, e0, n_post = projection.dense, projection.n_pre, projection.eligibility0, projection.n_post
    y2 = T[projection.y0 + n_post + i]
    gate, low, high, mu = projection.gate, projection.w_min, projection.w_max, projection.soft
    b0, bx, bx2 = projection.post_0, projection.post_x + projection.post_xy * y2, projection.post_x2
    first, end, s0, l0 = 0, n_pre, projection.synapse0, projection.visit0
    if not dense:
        c0 = projection.column0 + i
        first, end = ends[c0], ends[c0 + 1]
        if bx2 == 0 and e0 < 0 and mu == 0 and projection.w_log == 0:
            if gate != 0:
                column_plain(
                    W, s0, place, pre, first, end, T, projection.x0, L, l0, powers, projection.power0,
                    projection.x1_log, t, gate * b0, gate * bx, low, high,
                )  # fmt: skip
            return
    for c in range(first, end):
        j = c if dense else pre[s0 + c]
        s = s0 + (c * n_post + i if dense else place[s0 + c])
        steps = t - L[l0 + j]
        dw = b0 + bx * T[projection.x0 + j] * decayed(projection.x1_log, steps)
        if bx2 != 0:
            dw += bx2 * T[projection.x0 + n_pre + j] * decayed(projection.x2_log, steps)
        if gate != 0:
            leak = decayed(projection.w_log, steps)
            W[s] = change(W[s] * leak, gate * dw, low, high, mu) / leak
        if e0 >= 0:
            W[e0 + s] += projection.eligible * dw


@uncounted_kernel
def between_spikes(projection, S, T, L, W, ends, post, t):
    """What changes synapses in every step: reward times eligibility, and an error times the presynaptic trace."""
    dense, n_pre, e0 = projection.dense, projection.n_pre, projection.eligibility0
    low, high, mu = projection.w_min, projection.w_max, projection.soft
    for j in range(n_pre):
        s0, s1 = row(projection, ends, j)
        steps = t - L[projection.visit0 + j]
        leak = decayed(projection.w_log, steps)
        if projection.rate != 0 and projection.gate != 0:
            x = T[projection.x0 + j] * decayed(projection.x1_log, steps)
            if projection.x2_share != 0:
                x -= projection.x2_share * T[projection.x0 + n_pre + j] * decayed(projection.x2_log, steps)
            x *= projection.gate * projection.rate
            for s in range(s0, s1):
                i = s - s0 if dense else post[s]
                W[s] = change(W[s] * leak, x * S[projection.error0 + i], low, high, mu) / leak
        if projection.reward_integral != 0:
            reward_gain = projection.reward_level * projection.reward_integral - projection.reward_base
            for s in range(s0, s1):
                if reward_gain != 0:
                    W[s] = change(W[s] * leak, reward_gain * W[e0 + s], low, high, mu) / leak
                W[e0 + s] *= projection.e_decay
    projection.reward_level *= projection.reward_decay


@kernel
def run(rng, start, k, stop, steps, tables, variables, scratch, sources, probes, spikes, mine):
    """Steps k..stop-1 of ``steps`` from step ``start`` on, of what is ``mine``; returns the first that was not run.

    What is pending is applied after the last of the ``steps``. The call ends early when the next step might not find
    room in ``spikes``, whose ``n[0]`` counts them. All others are named tuples of `synfwp.spiking.tables`.
    """
    # arrays one by one: a function inlined in a loop counts the references of all that the tuples it gets hold
    populations, projections, receptors = tables.populations, tables.projections, tables.receptors
    parts, part_of, modulators = tables.parts, tables.part_of, tables.modulators
    rules, terms = tables.rules, tables.terms
    ends, post, pre, place, powers = tables.ends, tables.post, tables.pre, tables.place, tables.powers
    routes, soma = tables.routes, variables.soma
    S, T, L, W = variables.neurons, variables.traces, variables.visits, variables.synapses
    until, ring, count = variables.until, variables.ring, variables.n_ring
    A_, B_, seen, n_pending = scratch.conductance, scratch.current, scratch.seen, scratch.n_pending
    pending_step, pending_unit, pending_share = scratch.pending_step, scratch.pending_unit, scratch.pending_share
    spike_step, spike_unit, n_found = spikes.step, spikes.unit, spikes.n
    source_ends, source_unit = sources.ends, sources.unit
    groups, bundles, n_units, length = mine.groups, mine.projections, until.shape[0], count.shape[1]
    n_pop, n_proj = groups.shape[0], bundles.shape[0]
    while k < stop and n_found[0] + n_units <= spike_step.shape[0]:
        t = start + k
        slot = t % length
        for m in range(probes.rows.shape[0]):
            probe(probes, S, m, t)
        for own in range(n_pop):
            p = groups[own]
            group = populations[p]
            n_spikes, ring0 = 0, group.ring0 + slot * group.n
            if group.kind == SOURCE:
                for e in range(source_ends[group.source, k], source_ends[group.source, k + 1]):
                    ring[ring0 + n_spikes] = source_unit[e]
                    n_spikes += 1
            else:
                for q in range(group.part0, group.part0 + group.n_parts):
                    part = parts[q]
                    for first in range(0, part.n, NEAR):
                        n = min(part.n - first, NEAR)
                        if advance(rng, part, receptors, S, until, A_, B_, t, first, n) > 0:
                            number = part.unit0 - group.unit0 + first
                            n_spikes += fire(rng, part, S, until, t, ring, ring0 + n_spikes, first, n, number)
            count[p, slot] = n_spikes
            for m in range(n_spikes):
                spike_step[n_found[0]] = t
                spike_unit[n_found[0]] = group.unit0 + ring[ring0 + m]
                n_found[0] += 1
        for own in range(n_proj):
            p = bundles[own]
            if projections[p].plastic > 1:
                between_spikes(projections[p], S, T, L, W, ends, post, t)
        before_arrivals(rules, projections, populations, terms, ends, routes, ring, count, T, W, t)
        for own in range(n_proj):
            p = bundles[own]
            projection = projections[p]
            origin = origin_of(projection.x1_log, t)
            if projection.pends and t == origin and n_pending[p] > 0:
                before = origin_of(projection.x1_log, t - 1)
                apply_all_pending(
                    projection, T, L, W, pending_step, pending_unit, pending_share, seen, n_pending, p, before
                )
            for m in range(projection.modulator0, projection.modulator0 + projection.n_modulators):
                raised = projection.reward_raise * modulators[m].gain
                projection.reward_level += raised * count[modulators[m].group, slot]
            if projection.reward_next != 0:
                projection.reward_level += projection.reward_next
                projection.reward_next = 0.0
            a, delays0, axon0 = projection.pre, projection.axonal0, projection.axon0
            for d in range(projection.n_axonal):
                late = slot - (routes[delays0 + d] if axon0 >= 0 else projection.delay)
                late += length if late < 0 else 0
                ring0 = populations[a].ring0 + late * populations[a].n
                for m in range(count[a, late]):
                    j = ring[ring0 + m]
                    if axon0 >= 0:
                        j = routes[axon0 + d * populations[a].n + j]
                        if j < 0:
                            continue
                    arrive(
                        projection, S, T, L, W, ends, post, routes, soma, pending_step, pending_unit, pending_share,
                        seen, n_pending[p], j, t, origin,
                    )  # fmt: skip
            if projection.n_soma > 0:
                g0, n_cells = projection.target, projection.n_cells
                now = projection.soma0 + (t % projection.n_soma) * n_cells
                take(S[g0 : g0 + n_cells], soma[now : now + n_cells])
        for own in range(n_proj):
            p = bundles[own]
            projection = projections[p]
            if projection.plastic > 0:
                n_post, y0, b = projection.n_post, projection.y0, projection.post
                origin = origin_of(projection.x1_log, t)
                if projection.pends and n_pending[p] > PENDING:
                    apply_all_pending(
                        projection, T, L, W, pending_step, pending_unit, pending_share, seen, n_pending, p, origin
                    )
                for d in range(projection.n_dendritic):
                    late = slot - (routes[projection.dendritic0 + d] if projection.branch0 >= 0 else projection.late)
                    late += length if late < 0 else 0
                    ring0 = populations[b].ring0 + late * populations[b].n
                    for m in range(count[b, late]):
                        i = ring[ring0 + m]
                        if projection.branch0 >= 0:
                            i = routes[projection.branch0 + d * populations[b].n + i]
                            if i < 0:
                                continue
                        if projection.pends:
                            q = projection.pending0 + n_pending[p]
                            share = projection.post_x + projection.post_xy * T[y0 + n_post + i]
                            pending_step[q], pending_unit[q] = t, i
                            pending_share[q] = share * decayed(projection.x1_log, t - origin)
                            n_pending[p] += 1
                        else:
                            column(projection, T, L, W, ends, pre, place, powers, i, t)
                        T[y0 + i] = 1.0 if projection.nearest else T[y0 + i] + 1
                        T[y0 + n_post + i] = 1.0 if projection.nearest else T[y0 + n_post + i] + 1
                # towards the next step, in which arriving spikes read them
                scale(T, y0, n_post, projection.y1_decay)
                if projection.pre_y2 != 0 or projection.post_xy != 0:
                    scale(T, y0 + n_post, n_post, projection.y2_decay)
        after_arrivals(
            rng, rules, projections, populations, parts, ends, post, pre, place, routes, ring, count, S, T, W, t
        )
        for own in range(n_pop):
            p = groups[own]
            group = populations[p]
            if group.kind != SOURCE:
                ring0 = group.ring0 + slot * group.n
                for m in range(count[p, slot]):
                    i = ring[ring0 + m]
                    u = group.unit0 + i
                    part = parts[part_of[u]]
                    until[u] = t + part.refractory
                    if group.kind != TWO_COMPARTMENT:
                        S[part.v0 + u - part.unit0] = part.reset
                    if group.kind == ADEX:
                        S[part.w0 + u - part.unit0] += part.b
        k += 1
    for own in range(n_proj if k == steps else 0):
        p = bundles[own]
        if projections[p].pends and n_pending[p] > 0:
            origin = origin_of(projections[p].x1_log, start + k - 1)
            apply_all_pending(
                projections[p], T, L, W, pending_step, pending_unit, pending_share, seen, n_pending, p, origin
            )
    return k


@uncounted_kernel
def probe(probes, S, m, t):
    """Sample m, if this is its step: chosen neurons as they are, or weighted sums of all."""
    one, out = probes.rows[m], probes.out
    if t % one.every != 0:
        return
    o = one.out0 + ((t - one.start) // one.every) * one.width
    if one.gain0 < 0:
        for r in range(one.width):
            out[o + r] = S[one.first + probes.chosen[one.chosen0 + r]]
    else:
        for r in range(one.width):
            total = 0.0
            for i in range(one.n):
                total += probes.gains[one.gain0 + r * one.n + i] * S[one.first + i]
            out[o + r] = total


@kernel
def settle(tables, variables, p, t):
    """Bring the traces and weights of projection p to step t."""
    projection, T, L, W = tables.projections[p], variables.traces, variables.visits, variables.synapses
    n_pre = projection.n_pre
    for j in range(n_pre):
        steps = t - L[projection.visit0 + j]
        leak = decayed(projection.w_log, steps)
        s0, s1 = row(projection, tables.ends, j)
        for s in range(s0, s1):
            W[s] *= leak
        if projection.plastic > 0:
            T[projection.x0 + j] *= decayed(projection.x1_log, steps)
            T[projection.x0 + n_pre + j] *= decayed(projection.x2_log, steps)
        if projection.short_term0 >= 0:
            u0 = projection.short_term0 + j
            T[u0] = projection.u_rest + (T[u0] - projection.u_rest) * decayed(projection.facil_log, steps)
            T[u0 + n_pre] = 1 + (T[u0 + n_pre] - 1) * decayed(projection.rec_log, steps)
        L[projection.visit0 + j] = t
