"""The recurrence in plain NumPy: one step after the other, all sequences at once."""

import numpy as np

from . import Arrays, Case


def recurrence(case: Case, x: Arrays) -> np.ndarray:
    """Reads y (n, T, d) of one rule."""
    q, k, v, beta = x["q"], x["k"], x["v"], x["beta"]
    W = np.zeros((case.n, case.d, case.d), v.dtype)
    y = np.empty_like(v)
    for t in range(case.T):
        if case.rule == "gated_delta":
            W *= x["decay"][:, t, None, None]
        elif case.rule == "key_gated_delta":
            W *= x["decay"][:, t, None, :]
        write = v[:, t] if case.rule == "hebb" else v[:, t] - (W @ k[:, t, :, None])[..., 0]
        W += (beta[:, t, None] * write)[..., None] * k[:, t, None, :]
        y[:, t] = (W @ q[:, t, :, None])[..., 0]
    return y
