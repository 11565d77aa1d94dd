"""Plain NumPy twins: each rule and simulator written from its paper's equation, as slowly and clearly as possible.

Nothing here is fast, shared or clever, and nothing imports the package: a kernel that agrees with its twin agrees with
the paper. Rules take one sequence, ``q, k (T, d_k)``, ``v (T, d_v)``, ``beta (T,)``, ``decay (T,)`` or ``(T, d_k)`` and
``W (d_v, d_k)``, real or complex, and give the reads (T, d_v) and W after every step (T, d_v, d_k).
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
