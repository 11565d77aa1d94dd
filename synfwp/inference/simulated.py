"""Recordings of known rules: what `infer_rule` is tried on, and the power of a design is found with."""

from collections.abc import Callable, Mapping

import numpy as np

from synfwp.inference.regression import Array

RULES: tuple[str, ...] = ("Hebb", "anti-Hebb", "Oja", "covariance", "delta", "decay", "none")
CONTROLS: tuple[str, ...] = ("BCM", "divisive normalisation", "subtractive normalisation")
SLOW = 0.05  # share by which each event moves the threshold of BCM


def change(rule: str, W: Array, k: Array, v: Array, mean: Array, level: float, rate: float) -> Array:
    """What one event changes; ``mean`` of the keys before, ``level`` of BCM. Normalisation keeps the norm of each row,
    or its sum."""
    if rule == "divisive normalisation":
        new = W + rate * np.outer(v, k)
        return new * (np.linalg.norm(W, axis=1) / np.linalg.norm(new, axis=1))[:, None] - W
    of: Mapping[str, Callable[[], Array]] = {
        "Hebb": lambda: np.outer(v, k),
        "anti-Hebb": lambda: -np.outer(v, k),
        "Oja": lambda: np.outer(v, k) - (v * v)[:, None] * W,
        "covariance": lambda: np.outer(v, k - mean),
        "delta": lambda: np.outer(v - W @ k, k),
        "decay": lambda: -W,
        "none": lambda: 0 * W,
        "BCM": lambda: np.outer(v * (v - level), k),
        "subtractive normalisation": lambda: np.outer(v, k - k.mean()),
    }
    return rate * of[rule]()


def written(
    rule: str, k: Array, v: Array, W: Array, rate: float, mean: Array | None = None, recalled: bool = False
) -> tuple[Array, Array]:
    """Weights (trial + 1, d_v, d_k) from W on, and post (trial, event, d_v), for keys and values (trial, event, .).

    ``mean`` of the keys is that of long experience, None the running one. ``recalled``: nothing clamps post, which is
    what the weights recall, and writes; the target of delta then is not among what is recorded.
    """
    kept, post, running, level, n = [W], np.empty_like(v), np.zeros(k.shape[-1]), 1.0, 0
    for t in range(len(k)):
        for e in range(k.shape[1]):
            post[t, e] = W @ k[t, e] if recalled else v[t, e]
            writes = v[t, e] if rule == "delta" else post[t, e]
            W = W + change(rule, W, k[t, e], writes, running if mean is None else mean, level, rate)
            n += 1
            running = running + (k[t, e] - running) / n
            level += SLOW * (float(np.mean(writes**2)) - level)
        kept.append(W)
    return np.array(kept), post
