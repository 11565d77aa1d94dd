"""A rate network carries out one sequence of instructions, phase by phase, with the exact solution of each phase."""

import numpy as np

from synfwp.kernels._jit import kernel

HEBBIAN, INSTANT, LAGGED, SAMPLE_AND_HOLD = 0, 1, 2, 3


@kernel
def run(flow, q, k, v, gain, a, a_key, P, gap, read, hold, W, y, states, every, lo, hi):
    """Sequences lo..hi-1; W (n, d_v, d_k) in place, y (n, T, d_v) the read-out when each query ends.

    ``gain`` (n, T) is the integral of the learning rate over a write (INSTANT: of the effective one), ``P``
    (n, T, 2, 2) the propagator of (W k - v, r - v) for LAGGED. ``gap`` and ``read`` are what is left of the read-out r
    after a gap and of its distance to the drive after a retrieval; ``hold`` is the factor with which a retrieval is
    held. ``states`` (n, T // every, d_v, d_k) takes W after every so many items; none for 0.
    """
    T, d_k = k.shape[1], k.shape[2]
    d_v = v.shape[2]
    for n in range(lo, hi):
        r = np.zeros(d_v, W.dtype)
        for t in range(T):
            if a is not None:
                W[n] *= a[n, t]
            if a_key is not None:
                W[n] *= a_key[n, t]
            size = W.dtype.type(0)
            for j in range(d_k):
                size += k[n, t, j] * k[n, t, j]
            for i in range(d_v):
                drive = W.dtype.type(0)
                for j in range(d_k):
                    drive += W[n, i, j] * k[n, t, j]
                ri = r[i] * gap
                change = gain[n, t] * v[n, t, i]
                if flow == INSTANT:
                    change = gain[n, t] * (v[n, t, i] - drive)
                    ri = drive + change * size
                elif flow == LAGGED:
                    off, lag = drive - v[n, t, i], ri - v[n, t, i]
                    if size > 0:  # without a key nothing is written, whatever the change
                        change = (P[n, t, 0, 0] * off + P[n, t, 0, 1] * lag - off) / size
                    ri = P[n, t, 1, 0] * off + P[n, t, 1, 1] * lag + v[n, t, i]
                elif flow == SAMPLE_AND_HOLD:
                    ri = drive + (ri - drive) * read
                    change = gain[n, t] * (v[n, t, i] - hold * ri)
                out = W.dtype.type(0)
                for j in range(d_k):
                    W[n, i, j] += change * k[n, t, j]
                    out += W[n, i, j] * q[n, t, j]
                r[i] = out + (ri * gap - out) * read
                y[n, t, i] = r[i]
            if every > 0 and (t + 1) % every == 0:
                states[n, (t + 1) // every - 1] = W[n]
