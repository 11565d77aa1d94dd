"""One phase of a spiking network with traces, and the same as a sum over pairs of spikes."""

import numpy as np

from synfwp.reference.documents import explained


@explained(
    returns="None\n    All results are in the arrays that were passed.",
    rng="numpy.random.Generator: draws.",
    rate="(n_pre,) array: expected spikes of each presynaptic neuron per step.",
    teach="(2, n_post) array: what teaches push and pull neurons: spikes per step (Poisson), or mV (LIF).",
    tonic="float: constant input of LIF neurons (mV).",
    gain="float: of the synaptic current onto the soma.",
    dendrite="float: of what a dendrite takes off the postsynaptic trace.",
    plastic="bool: whether spikes pair.",
    online="float: write strength while the phase runs; 0: none.",
    clip="float: the largest size of a weight.",
    delay="int: steps from a spike to its current.",
    decays="(3,) array: what is kept per step of x, y and the current.",
    lif="tuple or None: (keep, noise, threshold, reset, refractory steps); None: Poisson neurons.",
    W="(n_pre, n_post) array: weights.",
    E="(n_pre, n_post) array: eligibility.",
    x="(n_pre,) array: presynaptic trace.",
    y="(n_post,) array: postsynaptic trace.",
    current="(n_post,) array: synaptic current.",
    V="(2, n_post) array: potentials of push and pull neurons (mV).",
    wait="(2, n_post) array of int: refractory steps that are left.",
    pre="(steps, n_pre) array of int: presynaptic spikes.",
    post="(steps, 2, n_post) array of int: spikes of push and pull neurons.",
)
def phase(
    rng,
    rate,
    teach,
    tonic,
    gain,
    dendrite,
    plastic,
    online,
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
    trace, less what a dendrite predicts; if plasticity is online, it is taken off W.

    Examples
    --------
    >>> rng, one, two = np.random.default_rng(0), np.zeros(1), np.zeros((2, 1))
    >>> W, E, pre, post = np.zeros((1, 1)), np.zeros((1, 1)), np.zeros((4, 1), int), np.zeros((4, 2, 1), int)
    >>> teach, decays, how = np.array([[2.0], [0.0]]), (0.9, 0.9, 0.9), (0.0, 0.0, 0.0, True, 0.0, 1.0, 1)
    >>> phase(rng, np.ones(1), teach, *how, decays, None, W, E, one, one.copy(), one.copy(), two, two.copy(), pre, post)
    >>> pre.ravel().tolist(), post[:, 0].ravel().tolist(), E.round(3).tolist()
    ([1, 0, 1, 2], [0, 7, 1, 1], [[31.179]])
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
        if plastic and online != 0:
            W[...] = np.clip(W - online * E, -clip, clip)
            E[...] = 0


@explained(
    returns="(n_pre, n_post) array",
    pre="list of array: spike times of each presynaptic neuron (ms).",
    post="list of array: spike times of each postsynaptic neuron (ms).",
    sign="list of array: 1 (push) or -1 (pull) for each postsynaptic spike.",
    window="(2,) array: start and stop of the plastic window (ms).",
    tau="float: of the traces (ms).",
    causal="bool: only pairs with the presynaptic spike not later.",
)
def spike_pairs(pre, post, sign, window, tau, causal=False):
    """What pairs of spikes write in a plastic window: sums of ``sign exp(-|t_post - t_pre| / tau)``, (n_pre, n_post).

    ``pre`` and ``post`` are lists of spike times (ms), one array for each neuron, and ``sign`` a list of the signs of
    the postsynaptic spikes (push 1, pull -1). A pair counts when the later of its spikes lies in ``window = (start,
    stop)``; the earlier one may lie in any phase before. ``causal``: only pairs with the presynaptic spike not later.

    Examples
    --------
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
