"""Rules of a circuit whose synapses hold more than a weight, and responses of presynaptic neurons to their own past.

`before_arrivals` brings the weights that spikes of this step transmit with to the present, and gives short-term
plasticity by a filter what it releases; `after_arrivals` takes the spikes, voltages and plateaus of the step. Synapses
of these projections are listed. Twin: ``synfwp.reference.state_rule``.

What a rule holds stands behind two offsets. Of each axon and cell, from ``trace0`` on: the voltage rule has the trace
of each axon and its step, then of each cell the slow and the fast mean, the mean of homeostasis and the end of a spike;
plateaus have eligibility and count of each axon, then instruction, share and end of each cell; binary synapses have
the last arrival of each axon; responses the step and all parts of the filter of each axon. Of each synapse, from
``first0`` and ``second0`` on: calcium and its step, or what potentiates and depresses.
"""

import math

from synfwp.kernels._jit import inline_kernel, kernel
from synfwp.kernels.btsp import gate as segment
from synfwp.kernels.calcium import through

CALCIUM, VOLTAGE, PLATEAU, BINARY, RESPONSE = range(5)  # kinds of rules


@inline_kernel
def at_synapse(rule, projection, W, s, t):
    """Weight and calcium of synapse s at step t."""
    wait = t - W[rule.second0 + s]
    w, c = W[s], W[rule.first0 + s]
    if wait <= 0 or c <= 0:
        return w, c
    low, span = projection.w_min, projection.w_max - projection.w_min
    rates = projection.gate * rule.rate_d, projection.gate * rule.rate_p
    rho, _, _ = through((w - low) / span, c, wait, rule.tau, (rule.theta_d, rule.theta_p), rates)
    return min(max(low + span * rho, low), projection.w_max), c * math.exp(-wait / rule.tau)


@inline_kernel
def bring(rule, projection, W, s, t, jump):
    """Synapse s at step t, and a jump of its calcium."""
    w, c = at_synapse(rule, projection, W, s, t)
    W[s], W[rule.first0 + s], W[rule.second0 + s] = w, c + jump, t


@inline_kernel
def slot_of(t, late, length):
    """Where spikes of ``late`` steps ago stand."""
    return (t - late) % length


@inline_kernel
def respond(rule, projection, T, terms, j, t):
    """What a spike of axon j releases by the filter of its past, into u of short-term plasticity; then its filter."""
    size = rule.n_terms
    a0 = rule.trace0 + j * (size + 1)
    wait, drive = t - T[a0], rule.baseline
    for m in range(size):
        size_of, log = terms[rule.terms0 + 2 * m], terms[rule.terms0 + 2 * m + 1]
        trace = T[a0 + 1 + m] * math.exp(log * wait)
        drive += trace
        T[a0 + 1 + m] = trace + size_of
    T[a0] = t
    T[projection.short_term0 + j] = 0.5 * (1 + math.tanh(drive / 2))
    T[projection.short_term0 + projection.n_pre + j] = 1.0


@inline_kernel
def before_arrivals(rules, projections, populations, terms, ends, routes, ring, count, T, W, t):
    """What the spikes that arrive in step t transmit with."""
    length = count.shape[1]
    for r in range(rules.shape[0]):
        rule = rules[r]
        projection = projections[rule.projection]
        if rule.kind != RESPONSE and (rule.kind != CALCIUM or projection.target < 0):
            continue
        a = projection.pre
        for d in range(projection.n_axonal):
            late = routes[projection.axonal0 + d] if projection.axon0 >= 0 else projection.delay
            slot = slot_of(t, late, length)
            for m in range(count[a, slot]):
                j = ring[populations[a].ring0 + slot * populations[a].n + m]
                if projection.axon0 >= 0:
                    j = routes[projection.axon0 + d * populations[a].n + j]
                if j < 0:
                    continue
                if rule.kind == RESPONSE:
                    respond(rule, projection, T, terms, j, t)
                    continue
                s0, row0 = projection.synapse0, projection.row0
                for s in range(s0 + ends[row0 + j], s0 + ends[row0 + j + 1]):
                    bring(rule, projection, W, s, t, 0.0)


@inline_kernel
def arrived(rule, projection, ends, post, T, W, j, t):
    """A presynaptic spike of axon j, after it has transmitted."""
    s0, row0, x0 = projection.synapse0, projection.row0, rule.trace0
    first, last = s0 + ends[row0 + j], s0 + ends[row0 + j + 1]
    if rule.kind == CALCIUM:
        for s in range(first, last):
            bring(rule, projection, W, s, t, rule.jump_pre)
    elif rule.kind == VOLTAGE:
        n_pre, n_cells = projection.n_pre, projection.n_cells
        slow0 = x0 + 2 * n_pre
        for s in range(first, last):
            i = post[s]
            far = T[slow0 + i] - rule.theta_d
            if far > 0:
                dw = projection.gate * rule.jump_pre * far
                if rule.reference > 0:
                    dw *= T[slow0 + 2 * n_cells + i] / rule.reference
                W[s] = min(max(W[s] - dw, projection.w_min), projection.w_max)
        T[x0 + j] = T[x0 + j] * math.exp(-(t - T[x0 + n_pre + j]) / rule.tau) + 1 / rule.tau_ms
        T[x0 + n_pre + j] = t
    elif rule.kind == PLATEAU:
        T[x0 + projection.n_pre + j] += 1
    else:
        T[x0 + j] = t


@inline_kernel
def note_spikes(rule, projection, populations, parts, ring, count, S, T, t):
    """Ends of the spikes of postsynaptic cells; in the first step their means begin."""
    b, n, slot = projection.post, projection.n_cells, t % count.shape[1]
    slow0 = rule.trace0 + 2 * projection.n_pre
    for m in range(count[b, slot]):
        T[slow0 + 3 * n + ring[populations[b].ring0 + slot * populations[b].n + m]] = t + rule.width
    if t == 0:
        v0 = parts[populations[b].part0].v0
        for i in range(n):
            T[slow0 + i] = T[slow0 + n + i] = rule.level if T[slow0 + 3 * n + i] > t else S[v0 + i]
            T[slow0 + 2 * n + i] = rule.reference


@inline_kernel
def read_voltages(rule, projection, populations, parts, ends, pre, place, S, T, W, t):
    """The voltage of step t potentiates, then goes into its means."""
    n_pre, n, b, x0, s0 = projection.n_pre, projection.n_cells, projection.post, rule.trace0, projection.synapse0
    slow0 = x0 + 2 * n_pre
    fast0, mean0, spike0 = slow0 + n, slow0 + 2 * n, slow0 + 3 * n
    v0 = parts[populations[b].part0].v0
    for i in range(n):
        u = rule.level if T[spike0 + i] > t else S[v0 + i]
        high, near = u - rule.theta_p, T[fast0 + i] - rule.theta_d
        if high > 0 and near > 0:
            gain = projection.gate * rule.jump_post * high * near
            for c in range(ends[projection.column0 + i], ends[projection.column0 + i + 1]):
                j, s = pre[s0 + c], s0 + place[s0 + c]
                x = T[x0 + j] * math.exp(-(t - T[x0 + n_pre + j]) / rule.tau)
                W[s] = min(max(W[s] + gain * x, projection.w_min), projection.w_max)
        square = max(u - rule.baseline, 0.0) ** 2
        T[mean0 + i] = square + (T[mean0 + i] - square) * rule.keep_mean
        T[slow0 + i] = u + (T[slow0 + i] - u) * rule.keep_1
        T[fast0 + i] = u + (T[fast0 + i] - u) * rule.keep_2


@inline_kernel
def integrate_plateaus(rule, projection, ends, pre, place, T, W, t):
    """Eligibility and instruction of a sample of ``every`` steps, their overlap, and weights at the end of a lap."""
    n_pre, n, x0, s0 = projection.n_pre, projection.n_cells, rule.trace0, projection.synapse0
    inst0, share0, until0 = x0 + 2 * n_pre, x0 + 2 * n_pre + n, x0 + 2 * n_pre + 2 * n
    for i in range(n):
        T[share0 + i] += 1.0 if T[until0 + i] > t else 0.0
    if (t + 1) % rule.every == 0:
        for j in range(n_pre):
            T[x0 + j] = T[x0 + j] * rule.keep_1 + T[x0 + n_pre + j]
            T[x0 + n_pre + j] = 0.0
        for i in range(n):
            T[inst0 + i] = T[inst0 + i] * rule.keep_2 + T[share0 + i] / rule.every
            T[share0 + i] = 0.0
            if T[inst0 + i] > 0 and projection.gate != 0:
                for c in range(ends[projection.column0 + i], ends[projection.column0 + i + 1]):
                    j, s = pre[s0 + c], s0 + place[s0 + c]
                    x = T[x0 + j] * T[inst0 + i] * rule.scale
                    if x > 0:
                        W[rule.first0 + s] += (
                            projection.gate
                            * rule.rate_p
                            * segment(x, rule.theta_p, rule.slope_p, rule.low_p, rule.span_p)
                        )
                        W[rule.second0 + s] += (
                            projection.gate
                            * rule.rate_d
                            * segment(x, rule.theta_d, rule.slope_d, rule.low_d, rule.span_d)
                        )
    if (t + 1) % rule.lap == 0:
        low, span = projection.w_min, projection.w_max - projection.w_min
        for s in range(s0, s0 + ends[projection.row0 + n_pre]):
            w = (W[s] - low) / span
            w += (1 - w) * W[rule.first0 + s] - w * W[rule.second0 + s]
            W[s] = low + span * min(max(w, 0.0), 1.0)
            W[rule.first0 + s] = W[rule.second0 + s] = 0.0


@inline_kernel
def begin_plateau(rng, rule, projection, ends, pre, place, T, W, i, t):
    """A plateau of cell i begins: it lasts, or it flips the weights of the inputs that were active."""
    if rule.kind == PLATEAU:
        T[rule.trace0 + 2 * projection.n_pre + 2 * projection.n_cells + i] = t + rule.width
        return
    s0 = projection.synapse0
    for c in range(ends[projection.column0 + i], ends[projection.column0 + i + 1]):
        s = s0 + place[s0 + c]
        if t - T[rule.trace0 + pre[s0 + c]] <= rule.width and rng.random() < projection.gate * rule.rate_p:
            W[s] = projection.w_min if W[s] > (projection.w_min + projection.w_max) / 2 else projection.w_max


@inline_kernel
def take_plateaus(rng, rule, projection, populations, ends, pre, place, ring, count, T, W, t):
    """Plateaus that begin in step t, in the cell of each source or in all."""
    g, slot = rule.source, t % count.shape[1]
    ring0 = populations[g].ring0 + slot * populations[g].n
    for m in range(count[g, slot]):
        if populations[g].n == projection.n_cells:
            begin_plateau(rng, rule, projection, ends, pre, place, T, W, ring[ring0 + m], t)
        else:
            for i in range(projection.n_cells):
                begin_plateau(rng, rule, projection, ends, pre, place, T, W, i, t)


@inline_kernel
def after_arrivals(
    rng, rules, projections, populations, parts, ends, post, pre, place, routes, ring, count, S, T, W, t
):  # fmt: skip
    """Spikes, voltages and plateaus of step t change synapses, after its spikes have transmitted."""
    length = count.shape[1]
    for r in range(rules.shape[0]):
        rule = rules[r]
        if rule.kind == RESPONSE:
            continue
        projection = projections[rule.projection]
        a, b = projection.pre, projection.post
        if rule.kind == VOLTAGE:
            note_spikes(rule, projection, populations, parts, ring, count, S, T, t)
        for d in range(projection.n_axonal):
            late = rule.lag + (routes[projection.axonal0 + d] if projection.axon0 >= 0 else projection.delay)
            slot = slot_of(t, late, length)
            for m in range(count[a, slot]):
                j = ring[populations[a].ring0 + slot * populations[a].n + m]
                if projection.axon0 >= 0:
                    j = routes[projection.axon0 + d * populations[a].n + j]
                if j >= 0:
                    arrived(rule, projection, ends, post, T, W, j, t)
        if rule.kind == VOLTAGE:
            read_voltages(rule, projection, populations, parts, ends, pre, place, S, T, W, t)
        elif rule.kind == CALCIUM:
            for d in range(projection.n_dendritic):
                late = routes[projection.dendritic0 + d] if projection.branch0 >= 0 else projection.late
                slot = slot_of(t, late, length)
                for m in range(count[b, slot]):
                    i = ring[populations[b].ring0 + slot * populations[b].n + m]
                    if projection.branch0 >= 0:
                        i = routes[projection.branch0 + d * populations[b].n + i]
                    if i < 0:
                        continue
                    s0 = projection.synapse0
                    for c in range(ends[projection.column0 + i], ends[projection.column0 + i + 1]):
                        bring(rule, projection, W, s0 + place[s0 + c], t, rule.jump_post)
        else:
            take_plateaus(rng, rule, projection, populations, ends, pre, place, ring, count, T, W, t)
            if rule.kind == PLATEAU:
                integrate_plateaus(rule, projection, ends, pre, place, T, W, t)


@kernel
def brought(tables, variables, r, t, weights, calcium):
    """Weights and calcium of a rule of calcium at step t; the state stays as it is."""
    rule, W = tables.rules[r], variables.synapses
    projection = tables.projections[rule.projection]
    for m in range(weights.shape[0]):
        weights[m], calcium[m] = at_synapse(rule, projection, W, projection.synapse0 + m, t)
