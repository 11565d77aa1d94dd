"""The recurrence in plain NumPy: one step after the other, all sequences at once."""

import numpy as np

from . import Arrays, Case


def recurrence(case: Case, x: Arrays) -> np.ndarray:
    """Reads y (n, T, d) of one rule."""
    q, k, v, beta = x["q"], x["k"], x["v"], x["beta"]
    W = np.zeros((case.n, case.d, case.d), v.dtype)
    y = np.empty_like(q)
    for t in range(case.T):
        if case.rule == "gated_delta":
            W *= x["decay"][:, t, None, None]
        elif case.rule == "key_gated_delta":
            W *= x["decay"][:, t, None, :]
        writes = [(k[:, t], v[:, t], beta[:, t])]
        if k.ndim == 4:  # several writes per token
            writes = [(k[:, t, i], v[:, t, i], beta[:, t, i]) for i in range(k.shape[2])]
        for kt, vt, bt in writes:
            write = vt if case.rule == "hebb" else vt - (W @ kt[..., None])[..., 0]
            W += (bt[:, None] * write)[..., None] * kt[:, None, :]
        y[:, t] = (W @ q[:, t, :, None])[..., 0]
    return y
