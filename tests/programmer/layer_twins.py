"""Plain twins of three published layers: token by token, head by head, from their formulas; real or complex.

They know only NumPy and the names of the arrays. ``x (T, d_model)``, ``p`` the arrays in the shapes of PyTorch; each
gives the layer's answer (T, d_model). Memories are written here as in the papers, ``S (d_key, d_value)``.
"""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


def relu(x):
    return np.where(np.real(x) > 0, x, 0)


MAPS = {
    "silu": silu,
    "relu": relu,
    "elu_plus_one": lambda x: np.where(np.real(x) > 0, x + 1, np.exp(x)),
    "identity": lambda x: x,
}


def filtered(p, name, signal, silu_after):
    """Projections of all tokens through the causal filter of every channel, whose last tap meets the token itself."""
    weight = p.get(f"{name}_conv1d.weight")
    if weight is None:
        return signal
    out = np.zeros(signal.shape, complex)
    taps = weight.shape[2]
    for t in range(len(signal)):
        for tap in range(taps):
            if t - (taps - 1) + tap >= 0:
                out[t] += weight[:, 0, tap] * signal[t - (taps - 1) + tap]
        out[t] += p.get(f"{name}_conv1d.bias", 0)
    return silu(out) if silu_after else out


def unit(x):
    return x / np.sqrt(np.sum(x * x) + 1e-6)


def share(x):
    return x / np.sum(x)


def answer(p, x, reads, gain, epsilon):
    """Each head's read normalised, gated where there is a gate, all heads projected together."""
    T, heads, d = reads.shape
    out = np.zeros((T, heads * d), complex)
    for t in range(T):
        for h in range(heads):
            o = reads[t, h] / np.sqrt(np.sum(reads[t, h] ** 2) / d + epsilon) * p[gain]
            if "g_proj.weight" in p:
                o = o * silu(p["g_proj.weight"] @ x[t])[h * d : (h + 1) * d]
            out[t, h * d : (h + 1) * d] = o
    return out @ p["o_proj.weight"].T


def delta_net(p, x, heads, feature="silu", norm="l2", beta_max=1.0, epsilon=1e-5):
    """DeltaNet (Yang et al. 2024): ``S_t = (I - b k k^T) S + b k v^T``, ``o = S^T q / sqrt(d_key)``."""
    plain = "q_conv1d.weight" not in p
    q, k, v = (x @ p[f"{name}_proj.weight"].T for name in "qkv")
    q, k = (MAPS[feature](filtered(p, name, signal, False)) for name, signal in (("q", q), ("k", k)))
    v = silu(v) if plain else filtered(p, "v", v, True)
    dk, dv, norm = q.shape[1] // heads, v.shape[1] // heads, {"l2": unit, "sum": share}[norm]
    reads = np.zeros((len(x), heads, dv), complex)
    for h in range(heads):
        S = np.zeros((dk, dv), complex)
        for t in range(len(x)):
            qt, kt = norm(q[t, h * dk : (h + 1) * dk]), norm(k[t, h * dk : (h + 1) * dk])
            vt = v[t, h * dv : (h + 1) * dv]
            b = beta_max * (sigmoid(p["b_proj.weight"][h] @ x[t]) if "b_proj.weight" in p else 1.0)
            S = (np.eye(dk) - b * np.outer(kt, kt)) @ S + b * np.outer(kt, vt)
            reads[t, h] = S.T @ (qt / np.sqrt(dk))
    return answer(p, x, reads, "o_norm.weight", epsilon)


def gated_delta_net(p, x, heads, beta_max=1.0, epsilon=1e-5):
    """Gated DeltaNet (Yang, Kautz & Hatamizadeh 2025): ``S_t = a (I - b k k^T) S + b k v^T``, gates as in Mamba-2."""
    plain = "q_conv1d.weight" not in p
    q, k, v = (filtered(p, name, x @ p[f"{name}_proj.weight"].T, True) for name in "qkv")
    q, k, v = (silu(q), silu(k), silu(v)) if plain else (q, k, v)
    every = len(p["A_log"])  # heads of values; as many in a row share a head of queries and keys
    dk, dv = q.shape[1] // heads, v.shape[1] // every
    reads = np.zeros((len(x), every, dv), complex)
    for h in range(every):
        S, of = np.zeros((dk, dv), complex), h // (every // heads)
        for t in range(len(x)):
            qt, kt = unit(q[t, of * dk : (of + 1) * dk]), unit(k[t, of * dk : (of + 1) * dk])
            vt = v[t, h * dv : (h + 1) * dv]
            b = beta_max * sigmoid(p["b_proj.weight"][h] @ x[t])
            step = np.log(1 + np.exp(p["a_proj.weight"][h] @ x[t] + p["dt_bias"][h]))
            a = np.exp(-np.exp(p["A_log"][h]) * step)
            S = a * (np.eye(dk) - b * np.outer(kt, kt)) @ S + b * np.outer(kt, vt)
            reads[t, h] = S.T @ (qt / np.sqrt(dk))
    return answer(p, x, reads, "o_norm.weight", epsilon)


def gla(
    p, x, heads, key_value_heads=None, feature="identity", root=16.0, gain="g_norm_swish_gate.weight", epsilon=1e-5
):
    """Gated linear attention (Yang et al. 2024): ``S_t = diag(a) S + k v^T``, ``a = sigmoid(W x + b) ** (1 / 16)``."""
    few = heads if key_value_heads is None else key_value_heads
    q, k, v = (filtered(p, name, x @ p[f"{name}_proj.weight"].T, True) for name in "qkv")
    q, k = MAPS[feature](q), MAPS[feature](k)
    dk, dv = q.shape[1] // heads, v.shape[1] // few
    reads = np.zeros((len(x), heads, dv), complex)
    for h in range(heads):
        S, of = np.zeros((dk, dv), complex), h // (heads // few)
        mine = slice(of * dk, (of + 1) * dk)
        for t in range(len(x)):
            logits = p["gk_proj.1.weight"] @ (p["gk_proj.0.weight"] @ x[t]) + p["gk_proj.1.bias"]
            S = np.diag(sigmoid(logits[mine]) ** (1 / root)) @ S + np.outer(k[t, mine], v[t, of * dv : (of + 1) * dv])
            reads[t, h] = S.T @ (q[t, h * dk : (h + 1) * dk] / np.sqrt(dk))
    return answer(p, x, reads, gain, epsilon)
