"""Circuits of spiking neurons, step by step."""

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="groups : list of dict\nprojections : list of dict\n    Those that were passed, changed in place.",
    rng="numpy.random.Generator or None: for noise and for neurons that fire by chance.",
    groups="list of dict: sources and neurons, as above.",
    projections="list of dict: as above.",
    steps="int: number of steps.",
    dt="float: one step (ms).",
)
def circuit(rng, groups, projections, steps, dt):
    """A circuit step by step: rasters (steps, n) of every group, potentials (steps, n), and the projections' states.

    ``groups`` are dicts: ``{"raster": (steps, n)}`` of a source, or the fields of a neuron model in ms, mV, nS, pA with
    ``v`` (n,), ``drive`` (steps, n) and ``receptors``, a list of (name, tau, reversal or None, drives). A model is
    exponential if it has ``delta``, has a dendrite if it has ``g_dendrite``, and is a leaky integrator otherwise,
    solved exactly where all receptors are currents and by exponential Euler elsewhere. ``projections`` are dicts with
    pre, post, receptor, W and mask (n_pre, n_post), delay and dendritic (steps, or (n_pre, n_post) arrays of them),
    transmit, gate, eligible (steps,), latch (steps), rule (fields of a row) and short_term; they come back with W, E
    and traces x1, x2 (n_pre,), y1, y2 (n_post,), or (n_pre, n_post) where the delay is an array.

    A spike reaches the synapse ``delay`` steps after the presynaptic one, its current the soma ``dendritic`` steps
    later; a postsynaptic spike reaches the synapse after ``dendritic`` steps.

    Order within a step: decay of synapses; neurons; thresholds; what lies between spikes; arrivals; postsynaptic
    changes; resets. Parameters of neurons and receptors are numbers or (n,) arrays. ``modulators`` of a projection are
    (group, gain), ``given`` the rewards that come from outside in each step, in spikes.

    Examples
    --------
    >>> cell = {"v": np.array([-70.0]), "drive": np.full((3, 1), 400.0), "receptors": [], "t_ref": 2.0, "noise": 0.0}
    >>> cell |= {"g_leak": 10.0, "tau_m": 20.0, "v_rest": -70.0, "v_threshold": -50.0, "v_reset": -60.0}
    >>> groups, _ = circuit(None, [cell], [], 3, 10.0)
    >>> groups[0]["raster"].ravel().tolist(), groups[0]["trace"].ravel().round(2).tolist()
    ([False, True, True], [-54.26, -44.72, -48.2])
    """
    for g in groups:
        if "raster" not in g:
            n = len(g["v"])
            g |= {"g": {name: np.zeros(n) for name, *_ in g["receptors"]}, "until": np.zeros(n), "w": np.zeros(n)}
            g |= {
                "raster": np.zeros((steps, n), bool),
                "trace": np.zeros((steps, n)),
                "V": np.full(n, g["v_rest"], float),
            }
    for p in projections:
        n_pre, n_post = p["W"].shape
        # where all synapses of a neuron see the same spikes at the same time, one trace stands for all of them
        pre = (n_pre, n_post if np.ndim(p["delay"]) else 1)
        post = (n_pre if np.ndim(p.setdefault("dendritic", 0)) else 1, n_post)
        p |= {"E": np.zeros((n_pre, n_post)), "d": 0.0, "u": np.zeros(pre), "x": np.ones(pre)}
        p |= {"x1": np.zeros(pre), "x2": np.zeros(pre), "y1": np.zeros(post), "y2": np.zeros(post)}
        p["soma"] = np.zeros((steps + 1 + np.max(p["dendritic"], initial=0), n_post))
        p.setdefault("modulators", ()), p.setdefault("given", np.zeros(steps))
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
            if p["rule"] and p["rule"]["interval"] and t and t % round(p["rule"]["interval"] / dt) == 0:
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
                r, who = p["rule"], np.arange(p["W"].shape[1])[None, :]
                spikes = _reached(groups[p["post"]]["raster"], t, p["dendritic"], who)
                dw = r["post_0"] + r["post_x"] * p["x1"] + r["post_x2"] * p["x2"]
                _change(p, (dw + r["post_xy"] * p["x1"] * p["y2"]) * spikes, t)
                for name in ("y1", "y2"):
                    p[name] = np.where(spikes, 1.0 if r["interaction"] == "nearest" else p[name] + 1, p[name])
        for g in groups:
            if "v" in g:
                fired = g["raster"][t]
                g["until"] = np.where(fired, t + np.round(g["t_ref"] / dt), g["until"])
                if "g_dendrite" not in g:
                    g["v"] = np.where(fired, g["v_reset"], g["v"])
                if "delta" in g:
                    g["w"] = g["w"] + fired * g["b"]
    for p in projections:
        for name in ("x1", "x2", "u", "x") if not np.ndim(p["delay"]) else ():
            p[name] = p[name][:, 0]
        for name in ("y1", "y2") if not np.ndim(p["dendritic"]) else ():
            p[name] = p[name][0]
    return groups, projections


def _reached(raster, t, delay, who):
    """Whether a spike of so many steps ago of neurons ``who`` is at the synapses now."""
    then = t - np.asarray(delay)
    return (then >= 0) & raster[np.maximum(then, 0), who]


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
            v = v + g["g"][name] / C * _response(g["tau_m"], tau, dt)
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
            response = _response(g["tau_m"], tau, dt) / C
            g["V"] = g["v_rest"] + (g["V"] - g["v_rest"]) * np.exp(-dt / g["tau_m"]) + response * g["g"][name]
        v = B / A + (g["v"] - B / A) * np.exp(-A / C * dt)
    noisy = np.broadcast_to(g.get("noise", 0), v.shape) > 0
    if noisy.any():
        xi = np.zeros(len(v))
        xi[noisy] = rng.standard_normal(noisy.sum())
        v = v + g["noise"] * np.sqrt(1 - np.exp(-2 * dt / g["tau_m"])) * xi
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


def _response(tau_m, tau, dt):
    """The integral of ``exp(-(dt - s) / tau_m) exp(-s / tau)`` over a step."""
    rate = (tau - tau_m) / (tau_m * tau)  # 1 / tau_m - 1 / tau, exact for nearly equal constants
    same = rate == 0
    return np.exp(-dt / tau_m) * np.where(same, dt, np.expm1(dt * rate) / np.where(same, 1, rate))


def _between(p, post, t, dt):
    """Reward times eligibility; an error times the presynaptic trace."""
    r = p["rule"]
    if r["tau_e"]:
        both = 1 / r["tau_e"] + 1 / r["tau_reward"]
        base = r["baseline"] * r["tau_e"] * (1 - np.exp(-dt / r["tau_e"]))
        p["W"] = _bounded(p, p["W"], (p["d"] * (1 - np.exp(-dt * both)) / both - base) * p["E"])
        p["E"], p["d"] = p["E"] * np.exp(-dt / r["tau_e"]), p["d"] * np.exp(-dt / r["tau_reward"])
    if r["error"]:
        e = post["prediction"] if r["error"] == "prediction" else post["g"][r["error"]]
        change = r["rate"] * dt * (p["x1"] - r["x2_share"] * p["x2"]) * e
        p["W"] = _bounded(p, p["W"], p["gate"][t] * change)


def _arrivals(p, groups, t):
    """Spikes that reach synapses: release, transmission with the weight as it is, change, trace; then the somata."""
    s, r = p["short_term"], p["rule"]
    if s and t:
        p["u"] = s["u_rest"] + (p["u"] - s["u_rest"]) * np.exp(-s["dt"] / s["tau_facil"])
        p["x"] = 1 + (p["x"] - 1) * np.exp(-s["dt"] / s["tau_rec"])
    for modulator, gain in p["modulators"]:
        p["d"] += r["reward"] * gain * groups[modulator]["raster"][t].sum()
    p["d"] += p["given"][t] * r["reward"] if r else 0
    spikes = _reached(groups[p["pre"]]["raster"], t, p["delay"], np.arange(len(p["W"]))[:, None])
    release = p["transmit"][t] * spikes
    if s:
        before, p["u"] = p["u"], p["u"] + s["U"] * (1 - p["u"]) * spikes
        share = (before if s["release"] == "before" else p["u"]) * p["x"]
        release = release * share
        p["x"] = p["x"] - share * spikes
    if p["receptor"] is not None:
        for way in np.unique(p["dendritic"]):
            p["soma"][t + way] += (release * p["W"] * (p["dendritic"] == way)).sum(axis=0)
        groups[p["post"]]["g"][p["receptor"]] += p["soma"][t]
    if r:
        by_post = r["pre_0"] + r["pre_y"] * p["y1"] + r["pre_y2"] * p["y2"]
        _change(p, (by_post + r["pre_x"] * p["x1"] + r["pre_yx"] * p["x2"] * p["y1"]) * spikes, t)
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
