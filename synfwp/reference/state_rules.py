"""Rules of a circuit whose synapses hold more than a weight, one synapse and one step at a time."""

from itertools import pairwise

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="(steps, n_pre, n_post) array\n    Weights at the end of each step.",
    kind="str: calcium, voltage, btsp or binary.",
    f="dict: numbers of the rule (ms, mV, Hz), with the bounds low and high.",
    W="(n_pre, n_post) array: weights before; NaN where there is no synapse.",
    arrivals="(steps, n_pre, n_post) array: presynaptic spikes at the synapses.",
    spikes="(steps, n_pre, n_post) array: postsynaptic spikes at the synapses.",
    v="(steps, n_post) array: voltage that is read (mV).",
    plateaus="(steps, n_post) array of bool: where plateaus begin.",
    dt="float: one step (ms).",
    gate="(steps,) array: what changes are multiplied by.",
    rng="numpy.random.Generator or None: of the coins of binary.",
)
def state_rule(kind, f, W, arrivals, spikes, v, plateaus, dt, gate, rng=None):
    """Weights (steps, n_pre, n_post) at the end of each step of a projection.

    ``arrivals`` and ``spikes`` (steps, n_pre, n_post) say which synapses a presynaptic spike (for "calcium": its
    calcium) and a postsynaptic one reaches, ``v`` (steps, n_post) is the voltage that is read, ``plateaus`` (steps,
    n_post) which neurons begin one; ``gate`` (steps,). ``f`` has the numbers of the rule in ms, mV and Hz, with bounds
    low and high; synapses that are not there have W = NaN. Sources: `calcium`, `voltage` and `btsp_integrals` here, and
    for "binary" Wu & Maass 2025.

    Examples
    --------
    >>> f, on = {"window": 10.0, "flip": 1.0, "low": 0.0, "high": 1.0}, np.array([[[1.0]], [[0.0]]])
    >>> plateaus, rng = np.array([[False], [True]]), np.random.default_rng(0)
    >>> state_rule("binary", f, [[0.0]], on, 0 * on, None, plateaus, 1.0, np.ones(2), rng).ravel().tolist()
    [0.0, 1.0]
    """
    return {"calcium": _calcium, "voltage": _voltage, "btsp": _btsp, "binary": _binary}[kind](
        f, np.array(W, float), arrivals, spikes, v, plateaus, dt, gate, rng
    )


@explained(
    returns="(n,) array\n    Response to each spike, 0 to 1.",
    times="(n,) array: spikes (ms).",
    baseline="float: the drive of the first spike.",
    amplitudes="(m,) array: of the kernels (ms).",
    taus="(m,) array: of the kernels (ms).",
)
def spike_responses(times, baseline, amplitudes, taus):
    """Sigmoid of baseline and past spikes at each spike (Rossbroich et al. 2021, equation 5).

    Examples
    --------
    >>> spike_responses([0.0, 20.0], 0.0, [20.0], [20.0]).round(4).tolist()
    [0.5, 0.5909]
    """
    found = []
    for n, t in enumerate(times):
        drive = baseline
        for past in times[:n]:
            drive += sum(a / tau * np.exp(-(t - past) / tau) for a, tau in zip(amplitudes, taus, strict=True))
        found.append(1 / (1 + np.exp(-drive)))
    return np.array(found)


def _calcium(f, W, arrivals, spikes, v, plateaus, dt, gate, rng):
    """Calcium as a sum over past spikes; within a step it falls through the thresholds at known times."""
    found = np.empty(arrivals.shape)
    for i, j in np.ndindex(W.shape):
        jumps = f["C_pre"] * arrivals[:, i, j] + f["C_post"] * spikes[:, i, j]
        rho = (W[i, j] - f["low"]) / (f["high"] - f["low"])
        for t in range(len(jumps)):
            found[t, i, j] = f["low"] + (f["high"] - f["low"]) * rho
            c = (jumps[: t + 1] * np.exp(-(t - np.arange(t + 1)) * dt / f["tau_Ca"])).sum()
            cuts = [f["tau_Ca"] * np.log(c / f[x]) if c > f[x] else 0.0 for x in ("theta_d", "theta_p")]
            edges = sorted({0.0, dt, *(cut for cut in cuts if 0 < cut < dt)})
            for begin, end in pairwise(edges):
                up = gate[t] * f["gamma_p"] / f["tau"] * (cuts[1] > begin)
                down = gate[t] * f["gamma_d"] / f["tau"] * (cuts[0] > begin)
                if up + down:
                    rho = up / (up + down) + (rho - up / (up + down)) * np.exp(-(up + down) * (end - begin))
    return found


def _voltage(f, W, arrivals, spikes, v, plateaus, dt, gate, rng):
    """Traces and means as sums over the past, a clipped weight."""
    found = np.empty(arrivals.shape)
    reference, rest, tau_mean = f["homeostasis"]
    for i, j in np.ndindex(W.shape):
        w = W[i, j]
        for t in range(len(v)):
            means = []
            for series, first, tau in (
                (v[:t, j], v[0, j], f["tau_minus"]),
                (v[:t, j], v[0, j], f["tau_plus"]),
                (np.maximum(v[:t, j] - rest, 0) ** 2, reference, tau_mean),
            ):
                keep = np.exp(-dt / tau)
                means.append(first * keep**t + (1 - keep) * (keep ** np.arange(t - 1, -1, -1) @ series))
            if arrivals[t, i, j]:
                share = means[2] / reference if reference else 1.0
                dw = gate[t] * f["A_LTD"] * share * max(means[0] - f["theta_minus"], 0)
                w = np.clip(w - dw, f["low"], f["high"])
            ages = (t - np.arange(t + 1)) * dt
            area = np.exp(-ages / f["tau_x"]) - np.exp(-(ages + dt) / f["tau_x"])
            trace = arrivals[: t + 1, i, j] @ area
            dw = gate[t] * f["A_LTP"] * trace * max(v[t, j] - f["theta_plus"], 0) * max(means[1] - f["theta_minus"], 0)
            found[t, i, j] = w = np.clip(w + dw, f["low"], f["high"])
    return found


def _btsp(f, W, arrivals, spikes, v, plateaus, dt, gate, rng):
    """Samples of ``every`` ms, sums of the past, and a change at the end of every lap."""
    found, size = np.empty(arrivals.shape), round(f["every"] / dt)
    lap, lasts = round(f["lap"] / dt), round(f["plateau"] / dt)
    n = len(arrivals) // size
    on = np.array([plateaus[max(t - lasts + 1, 0) : t + 1].any(axis=0) for t in range(len(plateaus))])
    one = np.exp(-f["every"] / f["tau_IS"]) ** np.arange(round(f["plateau"] / f["every"]))

    def past(x, tau):
        lag = np.subtract.outer(np.arange(n), np.arange(n))
        return np.where(lag >= 0, np.exp(-np.maximum(lag, 0) * f["every"] / tau), 0) @ x

    def q(x, a, b):
        s = [1 / (1 + np.exp(-b * (y - a))) for y in (x, 0.0, 1.0)]
        return (s[0] - s[1]) / (s[2] - s[1])

    for i, j in np.ndindex(W.shape):
        ET = past(arrivals[: n * size, i, j].reshape(n, size).sum(axis=1), f["tau_ET"]) / f["peak"]
        IS = past(on[: n * size, j].reshape(n, size).mean(axis=1), f["tau_IS"]) / one.sum()
        w = (W[i, j] - f["low"]) / (f["high"] - f["low"])
        up = down = 0.0
        for t in range(len(arrivals)):
            m = t // size
            if (t + 1) % size == 0 and ET[m] * IS[m] > 0:
                up += gate[t] * q(ET[m] * IS[m], f["a_plus"], f["b_plus"]) * f["k_plus"] * f["every"] / 1000
                down += gate[t] * q(ET[m] * IS[m], f["a_minus"], f["b_minus"]) * f["k_minus"] * f["every"] / 1000
            if (t + 1) % lap == 0:
                w = np.clip(w + (1 - w) * up - w * down, 0, 1)
                up = down = 0.0
            found[t, i, j] = f["low"] + (f["high"] - f["low"]) * w
    return found


def _binary(f, W, arrivals, spikes, v, plateaus, dt, gate, rng):
    """One coin for each input that was active when a plateau begins."""
    found, window = np.empty(arrivals.shape), round(f["window"] / dt)
    for t in range(len(arrivals)):
        for j in np.flatnonzero(plateaus[t]):
            for i in range(len(W)):
                active = arrivals[max(t - window, 0) : t + 1, i, j].any()
                if active and not np.isnan(W[i, j]) and rng.random() < gate[t] * f["flip"]:
                    W[i, j] = f["low"] + f["high"] - W[i, j]
        found[t] = W
    return found
