"""Rate networks in small steps of time."""

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="reads : (T, d_v) array\nW : (d_v, d_k) array",
    delta="bool: the delta rule; otherwise Hebb.",
    flow="str: instant, lagged or sample_and_hold.",
    q="(T, d_k) array: queries.",
    k="(T, d_k) array: keys.",
    v="(T, d_v) array: values.",
    gain="(T,) array: write strengths.",
    decay="(T,) array or None: the share of W that is kept per token.",
    tau="float: of the rates (ms).",
    T_write="float: duration of a write (ms).",
    T_read="float: duration of a read (ms).",
    gap="float: silence before each presentation (ms).",
    steps="int: Runge-Kutta steps of each phase.",
    W0="(d_v, d_k) array or None: weights before; None: 0.",
)
def rate_network(delta, flow, q, k, v, gain, decay, tau, T_write, T_read, gap, steps=400, W0=None):
    """A rate network as differential equations, by Runge-Kutta steps of order 4; reads (T, d_v) and the last W.

    ``tau dr/dt = -r + W x`` while a key or query x is presented, ``tau dr/dt = -r`` in gaps, and while an item is
    written ``dW/dt = (gain / T_write) (v - e) k^T`` with ``e = 0`` (Hebb), or for the delta rule ``W k`` ("instant"),
    r ("lagged") or what r was when a retrieval of T_read ended ("sample_and_hold"). While it writes r is W k
    ("instant"), moves ("lagged") or is held. Every phase takes ``steps`` steps; times in ms; W starts at W0, or at
    0. Widrow & Hoff 1960; Hasselmo, Bodelon & Wyble 2002.

    Examples
    --------
    >>> k, v, one = np.array([[1.0, 0.0]]), np.array([[2.0]]), np.ones(1)
    >>> times = {"tau": 10.0, "T_write": 50.0, "T_read": 100.0, "gap": 100.0}
    >>> y, W = rate_network(False, "instant", k, k, v, one, None, **times)
    >>> y.round(3).tolist(), W.round(3).tolist()
    ([[2.0]], [[2.0, 0.0]])
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
            error = {"instant": now @ k[t], "lagged": read_out, "sample_and_hold": r}[flow] if delta else 0.0
            moves = delta and flow == "lagged"
            return [gain[t] / T_write * np.outer(v[t] - error, k[t]), (now @ k[t] - read_out) / tau if moves else 0 * r]

        now, read_out = integrate(slope, [W, r], T_write)
        return now, now @ k[t] if delta and flow == "instant" else read_out

    W, r, reads = np.zeros((v.shape[1], k.shape[1])) if W0 is None else W0, np.zeros(v.shape[1]), []
    for t in range(len(k)):
        if decay is not None:
            W = W * decay[t]
        r = drive_by(0 * k[t], W, r, gap)
        if delta and flow == "sample_and_hold":
            r = drive_by(k[t], W, r, T_read)
        W, r = write(t, W, r)
        r = drive_by(0 * q[t], W, r, gap)
        r = drive_by(q[t], W, r, T_read)
        reads.append(r)
    return np.array(reads), W
