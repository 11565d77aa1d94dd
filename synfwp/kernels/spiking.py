"""One phase of a spiking network with traces, on a clock.

Order within a step: traces, currents and membranes decay; presynaptic spikes arrive, pair with the postsynaptic trace
and enter their own trace; postsynaptic neurons receive the current of the spikes of ``delay`` steps ago and fire; their
spikes pair with the presynaptic trace and enter theirs. Spikes of one step pair once, with weight 1.
"""

from synfwp.kernels._jit import kernel


@kernel
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
    """Run ``len(pre)`` steps; spikes go to ``pre`` (steps, n_pre) and ``post`` (steps, 2, n_post), push then pull.

    ``rate`` (n_pre,) and ``teach`` (2, n_post): expected spikes per step, or (LIF) teaching drive in mV. ``gain`` turns
    the synaptic current into expected spikes per step or mV of the push side, added to what is taught; negative gains
    inhibit, 0 cuts transmission to the soma. ``dendrite`` makes of the current the spikes per step that a dendrite
    expects; they are taken off what the soma fires when it meets the presynaptic trace. W and E (n_pre, n_post) are
    the signed weights and the eligibility; ``online`` is the rate with which E is taken off W at once (0: not), and
    W then stays within ``clip``. ``decays``: of the traces x and y and of the current in one step; 0 for y leaves only
    pairs with the presynaptic spike first. ``lif``: None, or (decay of V, noise, threshold, reset, refractory steps),
    with ``V``, ``wait`` (2, n_post). ``current`` (n_post,). Spikes on their way when a phase ends are lost.
    """
    steps, n_pre = pre.shape
    n_post = W.shape[1]
    for t in range(steps):
        for j in range(n_pre):
            x[j] *= decays[0]
        for i in range(n_post):
            y[i] *= decays[1]
            current[i] *= decays[2]
        for j in range(n_pre):
            n = rng.poisson(rate[j])
            pre[t, j] = n
            if n > 0:
                if plastic:
                    for i in range(n_post):
                        E[j, i] += n * y[i]
                x[j] += n
        for j in range(n_pre):
            n = pre[t - delay, j] if t >= delay else 0
            if n > 0 and (gain != 0 or dendrite != 0):
                for i in range(n_post):
                    current[i] += n * W[j, i]
        for i in range(n_post):
            drive = gain * current[i]
            for side in range(2):
                signed = drive if side == 0 else -drive
                n = 0
                if lif is None:
                    n = rng.poisson(max(signed + teach[side, i], 0.0))
                else:
                    target = tonic + signed + teach[side, i]
                    noise = lif[1] * rng.standard_normal()
                    if wait[side, i] > 0:
                        wait[side, i] -= 1
                    else:
                        V[side, i] = target + (V[side, i] - target) * lif[0] + noise
                        if V[side, i] >= lif[2]:
                            V[side, i] = lif[3]
                            wait[side, i] = int(lif[4])
                            n = 1
                post[t, side, i] = n
            n = post[t, 0, i] - post[t, 1, i]
            if n != 0:
                if plastic:
                    for j in range(n_pre):
                        E[j, i] += n * x[j]
                y[i] += n
            if dendrite != 0 and plastic:
                for j in range(n_pre):
                    E[j, i] -= dendrite * current[i] * x[j]
        if online != 0 and plastic:
            for j in range(n_pre):
                for i in range(n_post):
                    W[j, i] = min(max(W[j, i] - online * E[j, i], -clip), clip)
                    E[j, i] = 0
