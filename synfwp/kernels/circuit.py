"""A network of spiking neurons and plastic synapses, as tables: one kernel runs every network.

Order within a step: neurons are advanced; thresholds and sources fire; projections, in their order, deliver the spikes
of ``delay`` steps ago (transmit with the weight as it is, change it, raise the presynaptic trace); projections, in
their order, take the postsynaptic spikes (change, then trace); resets. This is Brian2's default schedule.

Synapses are visited when spikes arrive. A row of a dense projection takes up the postsynaptic spikes since its last
visit then, one by one in their order (``pending``), which touches memory row by row; sparse projections, and those that
change between spikes, change columns at once. Presynaptic traces and leaking weights stand at the row's last visit.
"""

import math

import numpy as np

from synfwp.kernels._jit import inline_kernel, kernel, restrict_kernel

SOURCE, LIF_EXACT, LIF_EULER, ADEX, TWO_COMPARTMENT = range(5)
CURRENT, CONDUCTANCE, SIGNAL = range(3)
# columns of the integer table of populations, and of its floats
KIND, N, UNIT0, V0, W0, RECEPTOR0, RECEPTORS, REFRACTORY, DRIVE0, RING0, SOURCE_ROW, PREDICTION0 = range(12)
DECAY, REST, THRESHOLD, RESET, NOISE, GAIN, LEAK, STEP, DELTA, V_T, A, B, W_DECAY, G_D, PHI, K_PHI, SLOPE, HALF = range(
    18
)
# columns of the integer table of projections, and of its floats
(PRE, POST, N_PRE, N_POST, TARGET, DELAY, DENSE, SYN0, ROW0, COL0, PLASTIC, PENDS, X0, Y0, LAST0, NEAREST, STP0, E0,
 MODULATOR, ERROR0, TAB0, PEND0) = range(22)  # fmt: skip
(PRE_0, PRE_Y, PRE_Y2, PRE_YX, POST_0, POST_X, POST_X2, POST_XY, W_MIN, W_MAX, MU, Y1_DECAY, Y2_DECAY, X1_LOG, X2_LOG,
 W_LOG, GATE, ELIGIBLE, TRANSMIT, U, U_REST, REC_LOG, FACIL_LOG, E_DECAY, D_DECAY, D_RAISE, D, RATE, X2_SHARE,
 E_DRIFT, PRE_X) = range(31)  # fmt: skip
PENDING = 8192  # postsynaptic spikes past which a dense projection takes them up everywhere
REACH = 1000  # steps after which it takes them up everywhere, wherever a run is cut
TABLE = 2048  # steps for which powers of a decay are read from a table


@inline_kernel
def decayed(log, steps):
    """``exp(log * steps)``."""
    return math.exp(log * steps)


@inline_kernel
def row(J, ptr, p, j):
    """First synapse of unit j of projection p, and the one after its last."""
    if J[p, DENSE]:
        first = J[p, SYN0] + j * J[p, N_POST]
        return first, first + J[p, N_POST]
    return J[p, SYN0] + ptr[J[p, ROW0] + j], J[p, SYN0] + ptr[J[p, ROW0] + j + 1]


@inline_kernel
def change(w, dw, low, high, mu):
    """The weight after a change, within bounds; soft ones scale the change."""
    if mu != 0:
        room = (high - w) if dw > 0 else (w - low)
        dw *= (max(room, 0.0) / (high - low)) ** mu
    w += dw
    w = low if w < low else w
    return high if w > high else w


@inline_kernel
def phi_small(z):
    """``(1 - exp(-z)) / z`` for 0 <= z <= 1/5, the sum of ``(-z)^k / (k + 1)!``: loops of it become vector code."""
    e = z * (1 / 3628800 - z * (1 / 39916800))
    e = z * (1 / 5040 - z * (1 / 40320 - z * (1 / 362880 - e)))
    return 1 - z * (1 / 2 - z * (1 / 6 - z * (1 / 24 - z * (1 / 120 - z * (1 / 720 - e)))))


@restrict_kernel
def relax(A_, B_, v, n, step):
    """Potentials one step towards ``B_ / A_`` with rate ``A_ step``, into A_: exponential Euler, without a division."""
    fast, most = 0, 0.2 / step
    for i in range(n):
        fast += 1 if A_[i] > most else 0
    if fast == 0:
        for i in range(n):
            A_[i] = v[i] - step * (A_[i] * v[i] - B_[i]) * phi_small(A_[i] * step)
    else:
        for i in range(n):
            A_[i] = v[i] + (v[i] - B_[i] / A_[i]) * math.expm1(-A_[i] * step)


@restrict_kernel
def settle_neurons(v, A_, until, refractory, top, t, n):
    """New potentials from A_, but for refractory neurons; how many are at threshold."""
    hot = 0
    if refractory > 1:
        for i in range(n):
            new = v[i] if until[i] > t else A_[i]
            v[i] = new
            hot += 1 if new >= top else 0
    else:
        for i in range(n):
            v[i] = A_[i]
            hot += 1 if A_[i] >= top else 0
    return hot


@restrict_kernel
def advance(rng, P, PF, R, RF, S, until, A_, B_, p, t):
    """One step of the neurons of population p; whether any of them is at its threshold (a count)."""
    kind, n, u0 = P[p, KIND], P[p, N], P[p, UNIT0]
    r0, r1 = P[p, RECEPTOR0], P[p, RECEPTOR0] + P[p, RECEPTORS]
    v, drive = S[P[p, V0] : P[p, V0] + n], S[P[p, DRIVE0] : P[p, DRIVE0] + n]  # slices: their indices need no checks
    A_, B_ = A_[:n], B_[:n]
    if kind == LIF_EXACT:
        rest, decay, gain = PF[p, REST], PF[p, DECAY], PF[p, GAIN]
        for i in range(n):
            end = rest + gain * drive[i]
            A_[i] = end + (v[i] - end) * decay
        for r in range(r0, r1):
            if R[r, 1] == CURRENT:
                g, push = S[R[r, 0] : R[r, 0] + n], RF[r, 2]
                for i in range(n):
                    A_[i] += push * g[i]
    else:
        leak, rest, step = PF[p, LEAK], PF[p, REST], PF[p, STEP]
        for i in range(n):
            A_[i] = leak
            B_[i] = leak * rest + drive[i]
        for r in range(r0, r1):
            g, reversal = S[R[r, 0] : R[r, 0] + n], RF[r, 1]
            if R[r, 1] == CONDUCTANCE:
                for i in range(n):
                    A_[i] += g[i]
                    B_[i] += g[i] * reversal
            elif R[r, 1] == CURRENT and not (kind == TWO_COMPARTMENT and r == r0):
                for i in range(n):
                    B_[i] += g[i]
        if kind == ADEX:
            w, slope, v_t = S[P[p, W0] : P[p, W0] + n], PF[p, DELTA], PF[p, V_T]
            a, w_decay = PF[p, A], PF[p, W_DECAY]
            for i in range(n):
                B_[i] += leak * slope * math.exp((v[i] - v_t) / slope) - w[i]
                w_end = a * (v[i] - rest)
                w[i] = w_end + (w[i] - w_end) * w_decay
        elif kind == TWO_COMPARTMENT:
            w, d, g_d = S[P[p, W0] : P[p, W0] + n], S[R[r0, 0] : R[r0, 0] + n], PF[p, G_D]
            decay, push = PF[p, DECAY], RF[r0, 2]
            for i in range(n):
                V = w[i]
                A_[i] += g_d
                B_[i] += g_d * V
                w[i] = rest + (V - rest) * decay + push * d[i]
        relax(A_, B_, v, n, step)
    if PF[p, NOISE] > 0:
        for i in range(n):
            A_[i] += PF[p, NOISE] * rng.standard_normal()
    hot = settle_neurons(v, A_, until[u0 : u0 + n], P[p, REFRACTORY], PF[p, THRESHOLD], t, n)
    if kind == TWO_COMPARTMENT:
        e0, star = P[p, PREDICTION0], PF[p, G_D] / (PF[p, G_D] + PF[p, LEAK])
        for i in range(n):
            V = PF[p, REST] + star * (S[P[p, W0] + i] - PF[p, REST])
            S[e0 + i] = PF[p, PHI] / (1 + PF[p, K_PHI] * math.exp(PF[p, SLOPE] * (PF[p, HALF] - V)))
        hot = n
    for r in range(r0, r1):
        g, rho = S[R[r, 0] : R[r, 0] + n], RF[r, 0]
        for i in range(n):
            g[i] *= rho
    return hot


@inline_kernel
def fire(rng, P, PF, S, until, p, t, unit, at):
    """Units of population p at threshold go to ``unit[at:]``; how many there are."""
    n, u0, v0, found = P[p, N], P[p, UNIT0], P[p, V0], 0
    for i in range(n):
        if P[p, KIND] != TWO_COMPARTMENT:
            if S[v0 + i] < PF[p, THRESHOLD] or until[u0 + i] > t:
                continue
        elif until[u0 + i] > t:
            continue
        else:
            rate = PF[p, PHI] / (1 + PF[p, K_PHI] * math.exp(PF[p, SLOPE] * (PF[p, HALF] - S[v0 + i])))
            if rng.random() >= -math.expm1(-rate):
                continue
        unit[at + found] = i
        found += 1
    return found


@inline_kernel
def origin_of(log, t):
    """The step that pending spikes of step t refer their decay to: not so far back that a power would overflow."""
    reach = REACH if log > -500.0 / REACH else max(int(-500.0 / log), 1)
    return t - t % reach


@restrict_kernel
def add_all(row, which, share, b0, x, low, high):
    """To each weight of a row that is named, ``b0 + x share``, one after the other and within bounds."""
    for m in range(which.shape[0]):
        i = which[m]
        w = row[np.uint64(i)] + (b0 + x * share[m])
        w = low if w < low else w
        row[np.uint64(i)] = high if w > high else w


@restrict_kernel
def take_up(J, JF, T, L, W, pend_t, pend_i, pend_y, seen, p, j, upto, origin):
    """Postsynaptic spikes of a dense projection that row j has not seen, in their order.

    ``pend_y`` is what each spike multiplies a presynaptic trace with that stands at step ``origin``.
    """
    q0, n_pre, n_post = J[p, PEND0], J[p, N_PRE], J[p, N_POST]
    s0, x0 = J[p, SYN0] + j * n_post, J[p, X0] + j
    last, first = L[J[p, LAST0] + j], seen[J[p, LAST0] + j]
    x1, x2 = T[x0], T[x0 + n_pre]
    gate, low, high, mu = JF[p, GATE], JF[p, W_MIN], JF[p, W_MAX], JF[p, MU]
    b0, bx2 = JF[p, POST_0], JF[p, POST_X2]
    two, leaks, e0 = bx2 != 0, JF[p, W_LOG] != 0, J[p, E0]
    seen[J[p, LAST0] + j] = upto
    if first == upto or (b0 == 0 and x1 == 0 and x2 == 0):
        return
    x1 *= decayed(JF[p, X1_LOG], origin - last)
    if not (two or leaks or e0 >= 0) and mu == 0:
        a, b = q0 + first, q0 + upto
        if gate != 0:
            add_all(W[s0 : s0 + n_post], pend_i[a:b], pend_y[a:b], gate * b0, gate * x1, low, high)
        return
    for m in range(first, upto):
        steps = pend_t[q0 + m] - last
        s = s0 + pend_i[q0 + m]
        dw = b0 + x1 * pend_y[q0 + m]
        if two:
            dw += bx2 * x2 * decayed(JF[p, X2_LOG], steps)
        if gate != 0:
            if leaks:
                left = decayed(JF[p, W_LOG], steps)
                W[s] = change(W[s] * left, gate * dw, low, high, mu) / left
            else:
                W[s] = change(W[s], gate * dw, low, high, mu)
        if e0 >= 0:
            W[e0 + s] += JF[p, ELIGIBLE] * dw


@inline_kernel
def take_up_all(J, JF, T, L, W, pend_t, pend_i, pend_y, pended, seen, p, origin):
    """Every row of a dense projection takes up what is pending."""
    for j in range(J[p, N_PRE]):
        take_up(J, JF, T, L, W, pend_t, pend_i, pend_y, seen, p, j, pended[p], origin)
        seen[J[p, LAST0] + j] = 0
    pended[p] = 0


@restrict_kernel
def transmit(g, row, release):
    """A row of weights opens the receptors of all neurons."""
    for i in range(row.shape[0]):
        g[i] += row[i] * release


@restrict_kernel
def transmit_to(g, weights, which, release):
    """Some weights open the receptors of their neurons."""
    for s in range(which.shape[0]):
        g[np.uint32(which[s])] += weights[s] * release


@restrict_kernel
def add_trace(row, y, c0, c1, low, high):
    """To each weight of a row ``c0 + c1 y``, within bounds."""
    for i in range(row.shape[0]):
        w = row[i] + (c0 + c1 * y[i])
        w = low if w < low else w
        row[i] = high if w > high else w


@restrict_kernel
def add_trace_to(weights, which, y, c0, c1, low, high):
    """To some weights ``c0 + c1 y`` of their neurons, within bounds."""
    for s in range(which.shape[0]):
        w = weights[s] + (c0 + c1 * y[np.uint32(which[s])])
        w = low if w < low else w
        weights[s] = high if w > high else w


@inline_kernel
def arrive(J, JF, T, L, S, W, ptr, post, pend_t, pend_i, pend_y, pended, seen, p, j, t, origin):
    """A presynaptic spike of unit j arrives at step t: what is pending, transmission, change, trace."""
    dense, plastic, g0, n_pre, n_post = J[p, DENSE], J[p, PLASTIC], J[p, TARGET], J[p, N_PRE], J[p, N_POST]
    s0, s1 = row(J, ptr, p, j)
    if J[p, PENDS]:
        take_up(J, JF, T, L, W, pend_t, pend_i, pend_y, seen, p, j, pended[p], origin)
    steps = t - L[J[p, LAST0] + j] if plastic or J[p, STP0] >= 0 else 0
    if plastic and JF[p, W_LOG] != 0:
        left = decayed(JF[p, W_LOG], steps)
        for s in range(s0, s1):
            W[s] *= left
    release = JF[p, TRANSMIT]
    if J[p, STP0] >= 0:
        u0 = J[p, STP0] + j
        u, x = T[u0], T[u0 + n_pre]
        u = JF[p, U_REST] + (u - JF[p, U_REST]) * decayed(JF[p, FACIL_LOG], steps)
        x = 1 + (x - 1) * decayed(JF[p, REC_LOG], steps)
        u += JF[p, U] * (1 - u)
        release *= u * x
        T[u0], T[u0 + n_pre] = u, x - u * x
    if g0 >= 0 and release != 0:
        if dense:
            transmit(S[g0 : g0 + n_post], W[s0:s1], release)
        else:
            transmit_to(S[g0 : g0 + n_post], W[s0:s1], post[s0:s1], release)
    if plastic:
        x0, y0, e0 = J[p, X0] + j, J[p, Y0], J[p, E0]
        x1, x2 = T[x0] * decayed(JF[p, X1_LOG], steps), T[x0 + n_pre] * decayed(JF[p, X2_LOG], steps)
        c0, c1, c2 = JF[p, PRE_0] + JF[p, PRE_X] * x1, JF[p, PRE_Y] + JF[p, PRE_YX] * x2, JF[p, PRE_Y2]
        gate, low, high, mu = JF[p, GATE], JF[p, W_MIN], JF[p, W_MAX], JF[p, MU]
        if c0 != 0 or c1 != 0 or c2 != 0:
            if gate != 0 and mu == 0 and c2 == 0:
                y = T[y0 : y0 + n_post]
                if dense:
                    add_trace(W[s0:s1], y, gate * c0, gate * c1, low, high)
                else:
                    add_trace_to(W[s0:s1], post[s0:s1], y, gate * c0, gate * c1, low, high)
            elif gate != 0:
                for s in range(s0, s1):
                    i = s - s0 if dense else post[s]
                    dw = c0 + c1 * T[y0 + i] + c2 * T[y0 + n_post + i]
                    W[s] = change(W[s], gate * dw, low, high, mu)
            if e0 >= 0 and JF[p, ELIGIBLE] != 0:
                for s in range(s0, s1):
                    i = s - s0 if dense else post[s]
                    W[e0 + s] += JF[p, ELIGIBLE] * (c0 + c1 * T[y0 + i] + c2 * T[y0 + n_post + i])
        T[x0] = 1.0 if J[p, NEAREST] else x1 + 1
        T[x0 + n_pre] = 1.0 if J[p, NEAREST] else x2 + 1
    if plastic or J[p, STP0] >= 0:
        L[J[p, LAST0] + j] = t


@restrict_kernel
def column_plain(weights, where, who, x, last, powers, log, t, b0, bx, low, high):
    """``b0 + bx x`` to the synapses of one neuron, traces x brought to step t by a table of powers, within bounds."""
    for c in range(where.shape[0]):
        j, s = np.uint32(who[c]), np.uint32(where[c])
        steps = t - last[j]
        rho = powers[np.uint64(steps)] if steps < TABLE else decayed(log, steps)
        w = weights[s] + (b0 + bx * x[j] * rho)
        w = low if w < low else w
        weights[s] = high if w > high else w


@inline_kernel
def column(J, JF, T, L, W, tabs, ptr, col, pos, p, i, t):
    """A postsynaptic spike of unit i changes all its synapses at once."""
    dense, n_pre, e0, n_post = J[p, DENSE], J[p, N_PRE], J[p, E0], J[p, N_POST]
    y2 = T[J[p, Y0] + n_post + i]
    gate, low, high, mu = JF[p, GATE], JF[p, W_MIN], JF[p, W_MAX], JF[p, MU]
    b0, bx, bx2 = JF[p, POST_0], JF[p, POST_X] + JF[p, POST_XY] * y2, JF[p, POST_X2]
    first, end, s0, l0 = 0, n_pre, J[p, SYN0], J[p, LAST0]
    if not dense:
        c0 = J[p, COL0] + i
        first, end = ptr[c0], ptr[c0 + 1]
        if bx2 == 0 and e0 < 0 and mu == 0 and JF[p, W_LOG] == 0:
            if gate != 0:
                x, powers = T[J[p, X0] : J[p, X0] + n_pre], tabs[J[p, TAB0] : J[p, TAB0] + TABLE]
                where, who = pos[s0 + first : s0 + end], col[s0 + first : s0 + end]
                last, log = L[l0 : l0 + n_pre], JF[p, X1_LOG]
                column_plain(W[s0:], where, who, x, last, powers, log, t, gate * b0, gate * bx, low, high)
            return
    for c in range(first, end):
        j = c if dense else col[s0 + c]
        s = s0 + (c * n_post + i if dense else pos[s0 + c])
        steps = t - L[l0 + j]
        dw = b0 + bx * T[J[p, X0] + j] * decayed(JF[p, X1_LOG], steps)
        if bx2 != 0:
            dw += bx2 * T[J[p, X0] + n_pre + j] * decayed(JF[p, X2_LOG], steps)
        if gate != 0:
            left = decayed(JF[p, W_LOG], steps)
            W[s] = change(W[s] * left, gate * dw, low, high, mu) / left
        if e0 >= 0:
            W[e0 + s] += JF[p, ELIGIBLE] * dw


@inline_kernel
def between_spikes(J, JF, T, L, S, W, ptr, post, p, t):
    """What changes synapses in every step: reward times eligibility, and an error times the presynaptic trace."""
    dense, n_pre, e0 = J[p, DENSE], J[p, N_PRE], J[p, E0]
    low, high, mu = JF[p, W_MIN], JF[p, W_MAX], JF[p, MU]
    for j in range(n_pre):
        s0, s1 = row(J, ptr, p, j)
        steps = t - L[J[p, LAST0] + j]
        left = decayed(JF[p, W_LOG], steps)
        if JF[p, RATE] != 0 and JF[p, GATE] != 0:
            x = T[J[p, X0] + j] * decayed(JF[p, X1_LOG], steps)
            if JF[p, X2_SHARE] != 0:
                x -= JF[p, X2_SHARE] * T[J[p, X0] + n_pre + j] * decayed(JF[p, X2_LOG], steps)
            x *= JF[p, GATE] * JF[p, RATE]
            for s in range(s0, s1):
                i = s - s0 if dense else post[s]
                W[s] = change(W[s] * left, x * S[J[p, ERROR0] + i], low, high, mu) / left
        if JF[p, E_DRIFT] != 0:
            pay = JF[p, D] * JF[p, E_DRIFT]
            for s in range(s0, s1):
                if pay != 0:
                    W[s] = change(W[s] * left, pay * W[e0 + s], low, high, mu) / left
                W[e0 + s] *= JF[p, E_DECAY]
    JF[p, D] *= JF[p, D_DECAY]


@kernel
def run(
    rng, t0, k, steps, P, PF, R, RF, J, JF, S, T, L, W, until, ring, count, ptr, post, col, pos, tabs, pend_t, pend_i,
    pend_y, pended, seen, ev_ptr, ev_unit, Q, Q_units, Q_gain, out, spike_t, spike_unit, spikes, A_, B_,
):  # fmt: skip
    """Steps k..steps-1 of a call that begins at step t0; returns the first step that was not run.

    The call ends early when the next step might not find room in ``spike_t, spike_unit`` (global units); ``spikes[0]``
    counts them. Tables: populations P, PF; receptors R, RF; projections J, JF; probes Q. State: S of neurons
    (potentials, conductances, drives), T of synapses by unit (traces, short-term plasticity), L steps of last visits, W
    weights and eligibilities, until (end of refractoriness), ring and count (spikes on their way). ev_ptr (sources,
    steps + 1) and ev_unit: spikes of sources. The rest: synapses by row and by column, powers of decays, pending
    spikes, scratch.
    """
    n_pop, n_proj, n_units = P.shape[0], J.shape[0], until.shape[0]
    length = count.shape[1]
    while k < steps and spikes[0] + n_units <= spike_t.shape[0]:
        t = t0 + k
        slot = t % length
        for m in range(Q.shape[0]):
            probe(Q, Q_units, Q_gain, S, out, m, t)
        for p in range(n_pop):
            n_spikes, ring0 = 0, P[p, RING0] + slot * P[p, N]
            if P[p, KIND] == SOURCE:
                source = P[p, SOURCE_ROW]
                for e in range(ev_ptr[source, k], ev_ptr[source, k + 1]):
                    ring[ring0 + n_spikes] = ev_unit[e]
                    n_spikes += 1
            else:
                hot = advance(rng, P, PF, R, RF, S, until, A_, B_, p, t)
                if hot > 0:
                    n_spikes = fire(rng, P, PF, S, until, p, t, ring, ring0)
            count[p, slot] = n_spikes
            for m in range(n_spikes):
                spike_t[spikes[0]] = t
                spike_unit[spikes[0]] = P[p, UNIT0] + ring[ring0 + m]
                spikes[0] += 1
        for p in range(n_proj):
            if J[p, PLASTIC] > 1:
                between_spikes(J, JF, T, L, S, W, ptr, post, p, t)
        for p in range(n_proj):
            origin = origin_of(JF[p, X1_LOG], t)
            if J[p, PENDS] and t == origin and pended[p] > 0:
                before = origin_of(JF[p, X1_LOG], t - 1)
                take_up_all(J, JF, T, L, W, pend_t, pend_i, pend_y, pended, seen, p, before)
            if J[p, MODULATOR] >= 0:
                JF[p, D] += JF[p, D_RAISE] * count[J[p, MODULATOR], slot]
            a = J[p, PRE]
            late = (slot - J[p, DELAY] + length) % length
            ring0 = P[a, RING0] + late * P[a, N]
            for m in range(count[a, late]):
                j = ring[ring0 + m]
                arrive(J, JF, T, L, S, W, ptr, post, pend_t, pend_i, pend_y, pended, seen, p, j, t, origin)
        for p in range(n_proj):
            if J[p, PLASTIC] > 0:
                n_post, y0, b = J[p, N_POST], J[p, Y0], J[p, POST]
                ring0 = P[b, RING0] + slot * P[b, N]
                n_spikes = count[b, slot]
                origin = origin_of(JF[p, X1_LOG], t)
                if J[p, PENDS] and pended[p] > PENDING:
                    take_up_all(J, JF, T, L, W, pend_t, pend_i, pend_y, pended, seen, p, origin)
                for m in range(n_spikes):
                    i = ring[ring0 + m]
                    if J[p, PENDS]:
                        q, share = J[p, PEND0] + pended[p], JF[p, POST_X] + JF[p, POST_XY] * T[y0 + n_post + i]
                        pend_t[q], pend_i[q], pend_y[q] = t, i, share * decayed(JF[p, X1_LOG], t - origin)
                        pended[p] += 1
                    else:
                        column(J, JF, T, L, W, tabs, ptr, col, pos, p, i, t)
                for m in range(n_spikes):
                    i = ring[ring0 + m]
                    T[y0 + i] = 1.0 if J[p, NEAREST] else T[y0 + i] + 1
                    T[y0 + n_post + i] = 1.0 if J[p, NEAREST] else T[y0 + n_post + i] + 1
                # towards the next step, in which arriving spikes read them
                y, rho = T[y0 : y0 + n_post], JF[p, Y1_DECAY]
                for i in range(n_post):
                    y[i] *= rho
                if JF[p, PRE_Y2] != 0 or JF[p, POST_XY] != 0:
                    y, rho = T[y0 + n_post : y0 + 2 * n_post], JF[p, Y2_DECAY]
                    for i in range(n_post):
                        y[i] *= rho
        for p in range(n_pop):
            if P[p, KIND] != SOURCE:
                ring0 = P[p, RING0] + slot * P[p, N]
                for m in range(count[p, slot]):
                    i = ring[ring0 + m]
                    until[P[p, UNIT0] + i] = t + P[p, REFRACTORY]
                    if P[p, KIND] != TWO_COMPARTMENT:
                        S[P[p, V0] + i] = PF[p, RESET]
                    if P[p, KIND] == ADEX:
                        S[P[p, W0] + i] += PF[p, B]
        k += 1
    for p in range(n_proj):
        if J[p, PENDS] and pended[p] > 0:
            origin = origin_of(JF[p, X1_LOG], t0 + k - 1)
            take_up_all(J, JF, T, L, W, pend_t, pend_i, pend_y, pended, seen, p, origin)
    return k


@inline_kernel
def probe(Q, Q_units, Q_gain, S, out, m, t):
    """Sample m, if this is its step: chosen units as they are, or weighted sums of all."""
    first, n, every, rows, at, gain0, start = Q[m, 0], Q[m, 1], Q[m, 2], Q[m, 3], Q[m, 4], Q[m, 5], Q[m, 6]
    if t % every != 0:
        return
    o = at + ((t - start) // every) * rows
    if gain0 < 0:
        for r in range(rows):
            out[o + r] = S[first + Q_units[Q[m, 7] + r]]
    else:
        for r in range(rows):
            total = 0.0
            for i in range(n):
                total += Q_gain[gain0 + r * n + i] * S[first + i]
            out[o + r] = total


@kernel
def settle(J, JF, T, L, W, ptr, p, t):
    """Bring the traces and weights of projection p to step t."""
    n_pre = J[p, N_PRE]
    for j in range(n_pre):
        steps = t - L[J[p, LAST0] + j]
        left = decayed(JF[p, W_LOG], steps)
        s0, s1 = row(J, ptr, p, j)
        for s in range(s0, s1):
            W[s] *= left
        if J[p, PLASTIC] > 0:
            T[J[p, X0] + j] *= decayed(JF[p, X1_LOG], steps)
            T[J[p, X0] + n_pre + j] *= decayed(JF[p, X2_LOG], steps)
        if J[p, STP0] >= 0:
            u0 = J[p, STP0] + j
            T[u0] = JF[p, U_REST] + (T[u0] - JF[p, U_REST]) * decayed(JF[p, FACIL_LOG], steps)
            T[u0 + n_pre] = 1 + (T[u0 + n_pre] - 1) * decayed(JF[p, REC_LOG], steps)
        L[J[p, LAST0] + j] = t
