"""Plain NumPy twins: each rule and simulator written from its paper's equation, as slowly and clearly as possible.

Nothing here is fast, shared or clever, and nothing imports the package: a kernel that agrees with its twin agrees with
the paper. Rules take one sequence, ``q, k (T, d_k)``, ``v (T, d_v)``, ``beta (T,)``, ``decay (T,)`` or ``(T, d_k)`` and
``W (d_v, d_k)``, real or complex, and give the reads (T, d_v) and W after every step (T, d_v, d_k). A rule that carries
more than W takes it as ``aux`` and gives its last value as a third result; one that erases with keys of its own takes
``p, r (T, d_k)``.
"""

from math import erfc, sqrt

import numpy as np

# --- update rules ----------------------------------------------------------------------------------------------------


def hebb(q, k, v, beta, decay, W):
    """Outer products add up: W + b v k^T (Schmidhuber 1992; Irie & Gershman 2025)."""
    return _run(q, W, lambda W, t: W + beta[t] * np.outer(v[t], k[t]))


def anti_hebb(q, k, v, beta, decay, W):
    """Outer products are taken away: W - b v k^T (Tyulmankov, Yang & Abbott 2022, with the post side clamped)."""
    return _run(q, W, lambda W, t: W - beta[t] * np.outer(v[t], k[t]))


def leaky_hebb(q, k, v, beta, decay, W):
    """Fast weights that fade: lam W + eta v k^T (Ba et al. 2016, equation 1; RetNet)."""
    return _run(q, W, lambda W, t: decay[t] * W + beta[t] * np.outer(v[t], k[t]))


def gated_hebb(q, k, v, beta, decay, W):
    """Gated linear attention: every key channel fades at its own rate (Yang et al. 2024, equation 3, transposed)."""
    return _run(q, W, lambda W, t: W @ np.diag(decay[t]) + beta[t] * np.outer(v[t], k[t]))


def delta(q, k, v, beta, decay, W):
    """Replace what the key retrieves: W + b (v - W k) k^T (Schlag, Irie & Schmidhuber 2021, equation 22)."""

    def step(W, t):
        retrieved = W @ k[t]
        return W + beta[t] * np.outer(v[t] - retrieved, k[t])

    return _run(q, W, step)


def gated_delta(q, k, v, beta, decay, W):
    """Gated DeltaNet: W a (I - b k k^T) + b v k^T (Yang, Kautz & Hatamizadeh 2025, equation 10)."""

    def step(W, t):
        keep = decay[t] * (np.eye(W.shape[1]) - beta[t] * np.outer(k[t], k[t]))
        return W @ keep + beta[t] * np.outer(v[t], k[t])

    return _run(q, W, step)


def key_gated_delta(q, k, v, beta, decay, W):
    """Kimi Delta Attention: W diag(a) (I - b k k^T) + b v k^T (Kimi Team 2025, equation 1, transposed)."""

    def step(W, t):
        keep = np.diag(decay[t]) @ (np.eye(W.shape[1]) - beta[t] * np.outer(k[t], k[t]))
        return W @ keep + beta[t] * np.outer(v[t], k[t])

    return _run(q, W, step)


def longhorn(q, k, v, beta, decay, W):
    """Longhorn: W (I - e k k^T) + e v k^T with e = b / (1 + b k.k) (Liu et al. 2024, transposed)."""

    def step(W, t):
        epsilon = beta[t] / (1 + beta[t] * np.sum(k[t] * k[t]))
        return W @ (np.eye(W.shape[1]) - epsilon * np.outer(k[t], k[t])) + epsilon * np.outer(v[t], k[t])

    return _run(q, W, step)


def householder(q, k, v, beta, decay, W):
    """Reflect every row of W in the hyperplane across a unit key: W (I - 2 k k^T) (Grazzi et al. 2025)."""
    return _run(q, W, lambda W, t: W @ (np.eye(W.shape[1]) - 2 * np.outer(k[t], k[t])))


def delta_product(q, k, v, beta, decay, W):
    """DeltaProduct, n writes a token: W A + B (Siems et al. 2025, transposed); k, v (T, n, d), beta (T, n).

    ``A = H_1 ... H_n`` with ``H_j = I - b_j k_j k_j^T``, and ``B = sum_j b_j v_j k_j^T H_(j+1) ... H_n``.
    """

    def step(W, t):
        A, B = np.eye(W.shape[1]), np.zeros(W.shape)
        for j in reversed(range(k.shape[1])):
            B = B + beta[t, j] * np.outer(v[t, j], k[t, j]) @ A
            A = (np.eye(W.shape[1]) - beta[t, j] * np.outer(k[t, j], k[t, j])) @ A
        keep = A if decay is None else decay[t] * A
        return W @ keep + B

    return _run(q, W, step)


def gated_delta_product(q, k, v, beta, decay, W):
    """Gated DeltaProduct: a W A + B, the decay before the first write (Siems et al. 2025)."""
    return delta_product(q, k, v, beta, decay, W)


def dplr(q, k, v, beta, decay, W, p, r):
    """Diagonal plus low rank: W (diag(a) - p r^T) + b v k^T (Peng et al. 2025, RWKV-7, with its two keys as p, r)."""
    return _run(q, W, lambda W, t: W @ (np.diag(decay[t]) - np.outer(p[t], r[t])) + beta[t] * np.outer(v[t], k[t]))


def oja(q, k, v, beta, decay, W):
    """Oja's rule: W + b v (k - W^T v)^T (Oja 1982; Irie, Faccio & Schmidhuber 2022), the post side clamped to v."""
    return _run(q, W, lambda W, t: W + beta[t] * np.outer(v[t], k[t] - W.T @ v[t]))


def gated_oja(q, k, v, beta, decay, W):
    """Oja's rule from a W whose every value channel fades at its own rate: (I - b v v^T) diag(a) W + b v k^T."""

    def step(W, t):
        keep = (np.eye(W.shape[0]) - beta[t] * np.outer(v[t], v[t])) @ np.diag(decay[t])
        return keep @ W + beta[t] * np.outer(v[t], k[t])

    return _run(q, W, step)


def linear_attention(q, k, v, beta, decay, W, aux):
    """Linear transformer: s = s + v k^T, z = z + k, y = s q / z.q (Katharopoulos et al. 2020, equations 18 to 20).

    ``aux`` is z (d_k,). A read by a query that meets no key at all (0 / 0) is 0.
    """
    reads, states = _run(q, W, lambda W, t: W + np.outer(v[t], k[t]))
    reads, z = reads.astype(np.result_type(reads, aux)), aux
    for t in range(len(q)):
        z = z + k[t]
        size = np.sum(z * q[t])
        reads[t] = reads[t] / size if size != 0 else 0 * reads[t]
    return reads, states, z


def covariance(q, k, v, beta, decay, W, aux):
    """Covariance rule: W + b v (k - <k>)^T (Sejnowski 1977, centred on the pre side alone).

    ``aux = (<k>, n)`` (d_k + 1,): the mean of the n keys so far; each new key moves it by ``(k - <k>) / n``.
    """
    mean, n = aux[:-1], aux[-1]
    means = np.empty(k.shape, np.result_type(k, aux))
    for t in range(len(k)):
        mean = mean + (k[t] - mean) / (n + t + 1)
        means[t] = mean
    reads, states = _run(q, W, lambda W, t: W + beta[t] * np.outer(v[t], k[t] - means[t]))
    return reads, states, np.append(mean, n + len(k))


def self_referential(q, k, v, beta, decay, W):
    """A matrix that writes itself (Irie, Schlag, Csordas & Schmidhuber 2022, equations 5 to 8); q is phi(x), (T, d).

    ``y, k, q, b = W x`` are parts of d_y, d, d and 4 rows of W, then ``W + sigmoid(b) (W phi(q) - W phi(k)) phi(k)^T``
    with phi = softmax and one b for the rows of each part. It has no ``k, v, beta`` but its own.
    """
    reads, states, d = [], [], W.shape[1]
    sizes = (len(W) - 2 * d - 4, d, d, 4)
    for x in q:
        y, key, query, b = np.split(W @ x, np.cumsum(sizes)[:-1])
        key, query = (np.exp(u - u.real.max()) for u in (key, query))
        key, query = key / key.sum(), query / query.sum()
        gate = np.repeat(1 / (1 + np.exp(-b)), sizes)
        W = W + np.outer(gate * (W @ query - W @ key), key)
        reads.append(y)
        states.append(W)
    return np.reshape(reads, (len(q), sizes[0])), np.reshape(states, (len(q), *W.shape))


def softmax(q, k, v, beta, decay, W):
    """Causal softmax attention without a scale (Vaswani et al. 2017, equation 1); it has no W."""
    reads = np.empty((len(q), v.shape[1]), np.result_type(q, k, v))
    for t in range(len(q)):
        score = k[: t + 1] @ q[t]
        weight = np.exp(score - score.real.max())
        reads[t] = weight @ v[: t + 1] / weight.sum()
    return reads, None


def _run(q, W, step):
    """Write, then read, at every step."""
    dtype = np.result_type(q, W, step(W, 0) if len(q) else W)
    reads, states = np.empty((len(q), W.shape[0]), dtype), np.empty((len(q), *W.shape), dtype)
    for t in range(len(q)):
        W = step(W, t)
        reads[t], states[t] = W @ q[t], W
    return reads, states


# --- closed forms: random unit keys and values of unit variance; expectations, not identities -------------------------


def hebb_cosine(pairs, d_key):
    """Mean cosine between what a Hebbian memory of P pairs recalls and what was stored: ``1 / sqrt(1 + (P - 1) / d)``.

    >>> round(hebb_cosine(64, 64), 3)
    0.71
    """
    return 1 / sqrt(1 + (pairs - 1) / d_key)


def hebb_sign_error(pairs, d_key):
    """Share of wrong signs in the recall of +-1 values: ``erfc(sqrt(d / (2 (P - 1)))) / 2``.

    >>> round(hebb_sign_error(65, 64), 3)
    0.159
    """
    return erfc(sqrt(d_key / (2 * (pairs - 1)))) / 2


def hebb_squared_error(pairs, d_key):
    """Mean squared error per component of unit variance: ``(P - 1) / d``.

    >>> hebb_squared_error(65, 64)
    1.0
    """
    return (pairs - 1) / d_key


def delta_norm(beta, d_key):
    """Stationary ``|W|_F^2 = d beta / (2 - beta)`` of the delta rule, unit random keys and values.

    >>> delta_norm(1.0, 64)
    64.0
    """
    return d_key * beta / (2 - beta)


def delta_signal(age, d_key):
    """What is left of an item after ``age`` later writes at beta = 1: ``(1 - 1/d)^age``.

    >>> round(delta_signal(64, 64), 3)
    0.365
    """
    return (1 - 1 / d_key) ** age


def delta_squared_error(age, writes, d_key):
    """Squared error of an item of some age after ``writes`` one-pass delta writes at beta = 1, zero-mean unit values.

    With n counting the writes after the item, ``e <- e (1 - 2/d) + (2/d)(1 - (1 - 1/d)^n) + (1 + F_t/d)/d``, where
    ``F_t = d (1 - (1 - 1/d)^t)`` is the squared norm of W after all t writes so far.

    >>> round(delta_squared_error(31, 128, 64), 2)
    0.72
    """
    error, shrink = 0.0, 1 - 1 / d_key
    for n in range(age):
        norm = d_key * (1 - shrink ** (writes - age + n))
        error = error * (1 - 2 / d_key) + (2 / d_key) * (1 - shrink**n) + (1 + norm / d_key) / d_key
    return error


# --- spike-timing-dependent plasticity -------------------------------------------------------------------------------


def stdp(
    pre: np.ndarray,
    post: np.ndarray,
    A2_plus: float,
    A3_plus: float,
    A2_minus: float,
    A3_minus: float,
    tau_plus: float,
    tau_minus: float,
    tau_x: float,
    tau_y: float,
    nearest: bool,
) -> float:
    r"""Pair and triplet STDP (Pfister & Gerstner 2006, equations 1 to 4, solved) as explicit sums over spikes.

    .. math::
        \Delta w = \sum_j \sum_{i: t_i < t_j} e^{-(t_j - t_i)/\tau_+}
            \Big[A_2^+ + A_3^+ \sum_{j': t_{j'} < t_j} e^{-(t_j - t_{j'})/\tau_y}\Big]
            - \sum_i \sum_{j: t_j < t_i} e^{-(t_i - t_j)/\tau_-}
            \Big[A_2^- + A_3^- \sum_{i': t_{i'} < t_i} e^{-(t_i - t_{i'})/\tau_x}\Big]

    with i over presynaptic and j over postsynaptic spikes, times (n,) and time constants in ms. With ``nearest`` every
    inner sum keeps its latest spike. Spikes within 1e-6 ms of each other are simultaneous and form no pair.

    >>> round(stdp(np.array([0.0]), np.array([20.0]), 0.01, 0.0, 0.0, 0.0, 20.0, 20.0, 1.0, 1.0, False), 6)
    0.003679
    """
    potentiation = _past(post, pre, tau_plus, nearest) * (A2_plus + A3_plus * _past(post, post, tau_y, nearest))
    depression = _past(pre, post, tau_minus, nearest) * (A2_minus + A3_minus * _past(pre, pre, tau_x, nearest))
    return float(potentiation.sum() - depression.sum())


def _past(now: np.ndarray, spikes: np.ndarray, tau: float, nearest: bool) -> np.ndarray:
    """For each time in ``now``, the sum of ``exp(-lag / tau)`` over the earlier spikes, or over the latest of them."""
    lag = now[:, None] - spikes[None, :]
    lag = np.where(lag > 1e-6, lag, np.inf)
    if nearest:
        return np.exp(-lag.min(axis=1, initial=np.inf) / tau)
    return np.exp(-lag / tau).sum(axis=1)


# --- rate networks ---------------------------------------------------------------------------------------------------


def carry_out(delta, flow, q, k, v, gain, decay, tau, T_write, T_read, gap, steps=400):
    """A rate network as differential equations, by Runge-Kutta steps of order 4; reads (T, d_v) and the last W.

    ``tau dr/dt = -r + W x`` while a key or query x is presented, ``tau dr/dt = -r`` in gaps, and while an item is
    written ``dW/dt = (gain / T_write) (v - e) k^T`` with ``e = 0`` (Hebb), or for the delta rule ``W k`` ("instant"),
    r ("lagged") or what r was when a retrieval of T_read ended ("latched"). While it writes r is W k ("instant"),
    moves ("lagged") or is held. Every phase takes ``steps`` steps; times in ms. Widrow & Hoff 1960; Hasselmo, Bodelon
    & Wyble 2002.
    """

    def integrate(slope, state, time):
        h = time / steps
        for _ in range(steps):
            s1 = slope(state)
            s2 = slope([a + h / 2 * b for a, b in zip(state, s1, strict=True)])
            s3 = slope([a + h / 2 * b for a, b in zip(state, s2, strict=True)])
            s4 = slope([a + h * b for a, b in zip(state, s3, strict=True)])
            slopes = zip(state, s1, s2, s3, s4, strict=True)
            state = [a + h / 6 * (b + 2 * c + 2 * d + e) for a, b, c, d, e in slopes]
        return state

    def drive_by(x, W, r, time):
        return integrate(lambda state: [(W @ x - state[0]) / tau], [r], time)[0]

    def write(t, W, r):
        def slope(state):
            now, read_out = state
            error = {"instant": now @ k[t], "lagged": read_out, "latched": r}[flow] if delta else 0.0
            moves = delta and flow == "lagged"
            return [gain[t] / T_write * np.outer(v[t] - error, k[t]), (now @ k[t] - read_out) / tau if moves else 0 * r]

        now, read_out = integrate(slope, [W, r], T_write)
        return now, now @ k[t] if delta and flow == "instant" else read_out

    W, r, reads = np.zeros((v.shape[1], k.shape[1])), np.zeros(v.shape[1]), []
    for t in range(len(k)):
        if decay is not None:
            W = W * decay[t]
        r = drive_by(0 * k[t], W, r, gap)
        if delta and flow == "latched":
            r = drive_by(k[t], W, r, T_read)
        W, r = write(t, W, r)
        r = drive_by(0 * q[t], W, r, gap)
        r = drive_by(q[t], W, r, T_read)
        reads.append(r)
    return np.array(reads), W


# --- plastic networks ------------------------------------------------------------------------------------------------


def plastic(phi, rule, drive, x, W, alpha, lam, eta, h, A, aux=None, inner=0, norm=False):
    """A network with plastic weights A beside slow ones; hidden states (T, d), the last A and the last aux.

    ``drive (T, d)`` is all that comes from outside but for what A reads; ``lam, eta (T,)``. With an input ``x (T, .)``,
    ``h_t = phi(drive_t + (alpha A) x_t)`` (Tyulmankov, Yang & Abbott 2022; Aitken & Mihalas 2023, where alpha = W).
    With x = None, ``h_t = phi(drive_t + (W + alpha A) h_(t-1))`` (Miconi, Stanley & Clune 2018, equation 1), or with an
    inner loop ``h <- phi(drive_t + W h_(t-1) + (alpha A) h)`` from phi(drive_t + W h_(t-1)) (Ba et al. 2016, equation
    2), which ends with h on both sides of the write. Then ``A <- lam A + eta h p^T`` with p what A has read (Miconi's
    equation 2), Oja's ``A_ij + eta h_i (p_j - h_i A_ij)`` (equation 3; lam = 1), or the covariance of h and p, each
    minus its mean so far; ``aux = (<h>, <p>, n)``.
    """

    def activate(u):
        if norm:
            u = u - u.mean()
            u = u / np.sqrt(np.mean(u * u) + 1e-5)
        if phi == "sigmoid":
            return 1 / (1 + np.exp(-u))
        return {"identity": u, "tanh": np.tanh(u), "relu": u * (u.real > 0)}[phi]

    states = []
    for t in range(len(drive)):
        if x is not None:
            read, h = x[t], activate(drive[t] + (alpha * A) @ x[t])
        elif inner == 0:
            read, h = h, activate(drive[t] + (W + alpha * A) @ h)
        else:
            sustained = drive[t] + W @ h
            h = activate(sustained)
            for _ in range(inner):
                h = activate(sustained + (alpha * A) @ h)
            read = h
        post, pre = h, read
        if rule == "covariance":
            post_mean, pre_mean, n = aux[: len(h)], aux[len(h) : -1], aux[-1] + 1
            post_mean, pre_mean = post_mean + (h - post_mean) / n, pre_mean + (read - pre_mean) / n
            post, pre, aux = h - post_mean, read - pre_mean, np.concatenate([post_mean, pre_mean, [n]])
        change = np.outer(post, pre)
        if rule == "oja":
            change = np.outer(h, read) - (h * h)[:, None] * A
        A = lam[t] * A + eta[t] * change
        states.append(h)
    return np.array(states), A, aux


# --- circuits of spiking neurons -------------------------------------------------------------------------------------


def circuit(rng, groups, projections, steps, dt):
    """A circuit step by step: rasters (steps, n) of every group, potentials (steps, n), and the projections' states.

    ``groups`` are dicts: ``{"raster": (steps, n)}`` of a source, or the fields of a neuron model in ms, mV, nS, pA with
    ``v`` (n,), ``drive`` (steps, n) and ``receptors``, a list of (name, tau, reversal or None, drives). A model is
    exponential if it has ``delta``, has a dendrite if it has ``g_dendrite``, and is a leaky integrator otherwise,
    solved exactly where all receptors are currents and by exponential Euler elsewhere. ``projections`` are dicts with
    pre, post, receptor, W and mask (n_pre, n_post), delay (steps), transmit, gate, eligible (steps,), latch (steps),
    rule (fields of a row) and short_term; they come back with W, E and traces x1, x2, y1, y2.

    Order within a step: decay of synapses; neurons; thresholds; what lies between spikes; arrivals; postsynaptic
    changes; resets.
    """
    for g in groups:
        if "raster" not in g:
            n = len(g["v"])
            g |= {"g": {name: np.zeros(n) for name, *_ in g["receptors"]}, "until": np.zeros(n), "w": np.zeros(n)}
            g |= {"raster": np.zeros((steps, n), bool), "trace": np.zeros((steps, n)), "V": np.full(n, g["v_rest"])}
    for p in projections:
        n_pre, n_post = p["W"].shape
        p |= {"E": np.zeros((n_pre, n_post)), "d": 0.0, "u": np.zeros(n_pre), "x": np.ones(n_pre)}
        p |= {"x1": np.zeros(n_pre), "x2": np.zeros(n_pre), "y1": np.zeros(n_post), "y2": np.zeros(n_post)}
        p["u"] += (p["short_term"] or {"u_rest": 0.0})["u_rest"]
    for t in range(steps):
        for p in projections:
            if p["rule"] and t:
                for name in ("x1", "x2", "y1", "y2"):
                    p[name] = p[name] * np.exp(-dt / p["rule"]["tau_" + name])
                p["W"] = p["W"] * np.exp(-dt / p["rule"]["tau_w"])
            if t in p["latch"]:
                p["W"] = np.clip(p["W"] + p["E"], p["rule"]["w_min"], p["rule"]["w_max"]) * p["mask"]
                p["E"] = 0 * p["E"]
            if p["rule"] and p["rule"]["every"] and t and t % round(p["rule"]["every"] / dt) == 0:
                total = p["W"].sum(axis=0)
                factor = np.divide(p["rule"]["total"], total, out=np.ones_like(total), where=total > 0)
                p["W"] = np.clip(p["W"] * factor, p["rule"]["w_min"], p["rule"]["w_max"]) * p["mask"]
        for g in groups:
            if "v" in g:
                _advance(g, rng, t, dt)
        for p in projections:
            if p["rule"]:
                _between(p, groups[p["post"]], t, dt)
        for p in projections:
            _arrivals(p, groups, t)
        for p in projections:
            if p["rule"]:
                r, spikes = p["rule"], groups[p["post"]]["raster"][t]
                dw = r["post_0"] + r["post_x"] * p["x1"] + r["post_x2"] * p["x2"]
                _change(p, (dw[:, None] + r["post_xy"] * np.outer(p["x1"], p["y2"])) * spikes, t)
                for name in ("y1", "y2"):
                    p[name] = np.where(spikes, 1.0 if r["interaction"] == "nearest" else p[name] + 1, p[name])
        for g in groups:
            if "v" in g:
                fired = g["raster"][t]
                g["until"][fired] = t + round(g["t_ref"] / dt)
                if "g_dendrite" not in g:
                    g["v"][fired] = g["v_reset"]
                if "delta" in g:
                    g["w"][fired] += g["b"]
    return groups, projections


def _advance(g, rng, t, dt):
    """Neurons of one group: one step, then threshold."""
    leak, awake = g["g_leak"], g["until"] <= t
    C = g["tau_m"] * leak
    currents = [(name, tau) for name, tau, reversal, drives in g["receptors"] if drives and reversal is None]
    open_ = [(name, reversal) for name, tau, reversal, drives in g["receptors"] if drives and reversal is not None]
    if "g_dendrite" in g:
        currents = currents[1:]
    if not (open_ or "delta" in g or "g_dendrite" in g):
        end = g["v_rest"] + g["drive"][t] / leak
        v = end + (g["v"] - end) * np.exp(-dt / g["tau_m"])
        for name, tau in currents:
            rates = 1 / g["tau_m"] - 1 / tau
            v = v + g["g"][name] / C * (np.exp(-dt / tau) - np.exp(-dt / g["tau_m"])) / rates
    else:
        A = leak + sum(g["g"][name] for name, _ in open_)
        B = leak * g["v_rest"] + g["drive"][t] + sum(g["g"][name] * reversal for name, reversal in open_)
        B = B + sum(g["g"][name] for name, _ in currents)
        if "delta" in g:
            B = B + leak * g["delta"] * np.exp((g["v"] - g["v_threshold"]) / g["delta"]) - g["w"]
            settled = g["a"] * (g["v"] - g["v_rest"])
            g["w"] = settled + (g["w"] - settled) * np.exp(-dt / g["tau_w"])
        if "g_dendrite" in g:
            A, B = A + g["g_dendrite"], B + g["g_dendrite"] * g["V"]
            name, tau, *_ = g["receptors"][0]
            push = (np.exp(-dt / tau) - np.exp(-dt / g["tau_m"])) / (1 / g["tau_m"] - 1 / tau) / C
            g["V"] = g["v_rest"] + (g["V"] - g["v_rest"]) * np.exp(-dt / g["tau_m"]) + push * g["g"][name]
        v = B / A + (g["v"] - B / A) * np.exp(-A / C * dt)
    if g.get("noise", 0) > 0:
        v = v + g["noise"] * np.sqrt(1 - np.exp(-2 * dt / g["tau_m"])) * rng.standard_normal(len(v))
    g["v"] = np.where(awake, v, g["v"])
    g["trace"][t] = g["v"]
    if "g_dendrite" in g:
        star = g["v_rest"] + (g["V"] - g["v_rest"]) * g["g_dendrite"] / (g["g_dendrite"] + leak)
        phi = [g["phi_max"] / 1000 / (1 + g["k"] * np.exp(g["slope"] * (g["half"] - u))) for u in (g["v"], star)]
        g["prediction"] = phi[1]
        for i in np.flatnonzero(awake):
            g["raster"][t, i] = rng.random() < 1 - np.exp(-phi[0][i] * dt)
    else:
        g["raster"][t] = awake & (g["v"] >= (g["v_peak"] if "delta" in g else g["v_threshold"]))
    for name, tau, *_ in g["receptors"]:
        g["g"][name] = g["g"][name] * np.exp(-dt / tau)


def _between(p, post, t, dt):
    """Reward times eligibility; an error times the presynaptic trace."""
    r = p["rule"]
    if r["tau_e"]:
        both = 1 / r["tau_e"] + 1 / r["tau_reward"]
        p["W"] = _bounded(p, p["W"], p["d"] * p["E"] * (1 - np.exp(-dt * both)) / both)
        p["E"], p["d"] = p["E"] * np.exp(-dt / r["tau_e"]), p["d"] * np.exp(-dt / r["tau_reward"])
    if r["error"]:
        e = post["prediction"] if r["error"] == "prediction" else post["g"][r["error"]]
        change = r["rate"] * dt * np.outer(p["x1"] - r["x2_share"] * p["x2"], e)
        p["W"] = _bounded(p, p["W"], p["gate"][t] * change)


def _arrivals(p, groups, t):
    """Spikes of ``delay`` steps ago: release, transmission with the weight as it is, change, trace."""
    s, r = p["short_term"], p["rule"]
    if s and t:
        p["u"] = s["u_rest"] + (p["u"] - s["u_rest"]) * np.exp(-s["dt"] / s["tau_facil"])
        p["x"] = 1 + (p["x"] - 1) * np.exp(-s["dt"] / s["tau_rec"])
    if p["modulator"] is not None:
        p["d"] += r["reward"] * groups[p["modulator"]]["raster"][t].sum()
    if t < p["delay"]:
        return
    spikes = groups[p["pre"]]["raster"][t - p["delay"]]
    release = p["transmit"][t] * spikes
    if s:
        p["u"] = p["u"] + s["U"] * (1 - p["u"]) * spikes
        release = release * p["u"] * p["x"]
        p["x"] = p["x"] - p["u"] * p["x"] * spikes
    if p["receptor"] is not None:
        groups[p["post"]]["g"][p["receptor"]] += release @ p["W"]
    if r:
        by_post = r["pre_0"] + r["pre_y"] * p["y1"] + r["pre_y2"] * p["y2"]
        _change(p, (by_post + r["pre_yx"] * np.outer(p["x2"], p["y1"])) * spikes[:, None], t)
        for name in ("x1", "x2"):
            p[name] = np.where(spikes, 1.0 if r["interaction"] == "nearest" else p[name] + 1, p[name])


def _change(p, dw, t):
    """Events change the eligibility, or the weight within its bounds."""
    if p["rule"]["tau_e"]:
        p["E"] = p["E"] + p["gate"][t] * dw * p["mask"]
        return
    p["E"] = p["E"] + p["eligible"][t] * dw * p["mask"]
    p["W"] = np.where(dw != 0, _bounded(p, p["W"], p["gate"][t] * dw), p["W"])


def _bounded(p, W, dw):
    """Weights after a change: soft bounds scale it, hard ones cut it."""
    low, high, mu = p["rule"]["w_min"], p["rule"]["w_max"], p["rule"]["soft"]
    if mu:
        dw = dw * (np.maximum(np.where(dw > 0, high - W, W - low), 0) / (high - low)) ** mu
    return np.clip(W + dw, low, high) * p["mask"]


# --- spiking networks ------------------------------------------------------------------------------------------------


def phase(
    rng,
    rate,
    teach,
    tonic,
    gain,
    dendrite,
    plastic,
    live,
    clip,
    delay,
    decays,
    lif,
    W,
    E,
    x,
    y,
    current,
    V,
    wait,
    pre,
    post,
):
    """One phase of a spiking network, draw for draw: the arguments, all changed in place, are those of the kernel.

    In every step: traces and currents decay; presynaptic neurons fire and their spikes pair with the postsynaptic
    trace; the spikes of ``delay`` steps ago become current; push and pull neurons fire and pair with the presynaptic
    trace, less what a dendrite predicts; if plasticity is live, it is taken off W.
    """
    for t in range(len(pre)):
        x *= decays[0]
        y *= decays[1]
        current *= decays[2]
        pre[t] = rng.poisson(rate)
        if plastic:
            E += np.outer(pre[t], y)
        x += pre[t]
        if t >= delay and (gain, dendrite) != (0, 0):
            current += pre[t - delay] @ W
        signed = gain * np.array([current, -current])
        if lif is None:
            post[t] = rng.poisson(np.maximum(signed + teach, 0).T).T  # drawn neuron by neuron, push before pull
        else:
            keep, noise, threshold, reset, refractory = lif
            target = tonic + signed + teach
            awake = wait == 0
            V[...] = np.where(awake, target + (V - target) * keep + noise * rng.standard_normal(V.T.shape).T, V)
            post[t] = awake & np.greater_equal(V, threshold)
            wait -= ~awake
            V[post[t] > 0] = reset
            wait[post[t] > 0] = int(refractory)
        net = post[t, 0].astype(float) - post[t, 1]
        if plastic:
            E += np.outer(x, net - dendrite * current)
        y += net
        if plastic and live != 0:
            W[...] = np.clip(W - live * E, -clip, clip)
            E[...] = 0


def spike_pairs(pre, post, sign, window, tau, causal=False):
    """What pairs of spikes write in a plastic window: sums of ``sign exp(-|t_post - t_pre| / tau)``, (n_pre, n_post).

    ``pre`` and ``post`` are lists of spike times (ms), one array for each neuron, and ``sign`` a list of the signs of
    the postsynaptic spikes (push 1, pull -1). A pair counts when the later of its spikes lies in ``window = (start,
    stop)``; the earlier one may lie in any phase before. ``causal``: only pairs with the presynaptic spike not later.

    >>> spike_pairs([np.array([0.0])], [np.array([20.0, 300.0])], [np.array([1.0, 1.0])], (10.0, 100.0), 20.0).round(4)
    array([[0.3679]])
    """
    total = np.zeros((len(pre), len(post)))
    for j, before in enumerate(pre):
        for i, (after, signs) in enumerate(zip(post, sign, strict=True)):
            later = np.maximum(before[:, None], after[None, :])
            inside = (later >= window[0]) & (later < window[1])
            lag = after[None, :] - before[:, None]
            counts = inside & ((lag > -1e-9) | (not causal))  # spikes of one step meet
            total[j, i] = (counts * signs * np.exp(-np.abs(lag) / tau)).sum()
    return total
