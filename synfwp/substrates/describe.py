"""What a spiking network is before it runs: coefficients, spikes, stability and time, in closed form."""

import numpy as np

from synfwp import theory, units
from synfwp.coefficients import Coefficients, running_mean
from synfwp.instructions import Description
from synfwp.rules import Rule
from synfwp.substrates.code import RateCode, ThetaCycle
from synfwp.substrates.mechanisms import Gains, Mechanism
from synfwp.substrates.soma import LIFCurve, Soma

Array = np.ndarray


def describe(
    rule: Rule, engine: str, mechanism: Mechanism, g: Gains, schedule: ThetaCycle, code: RateCode,
    curve: LIFCurve | None, sent: float | None = None,
) -> Description:  # fmt: skip
    """The values and sentences of `SpikingNetwork.describe`, for a key that is one feature at peak.

    ``sent`` are the spikes per item of instructions, in the place of those of such a key.
    """
    one, s, erases, n = np.ones((1, 1)), schedule, rule.erase is not None, code.neurons_per_feature
    c = mechanism.effective(rule, one[None], one, {None: None, "scalar": one, "key": one[None]}[rule.retain], g)
    write, erase = float(c.write[0, 0]), float(c.erase[0, 0]) if c.erase is not None else 0.0
    own = float(1 - c.a_key[0, 0, 0]) if c.erase is not None and c.a_key is not None else 0.0
    expected = units.per_ms(code.peak) * (s.retrieve if mechanism.retrieves else s.encode)
    bound = theory.repeated_bound(expected, n) if erases and not g.online else np.inf
    soma = Soma(code.peak, 1.0 if curve is None else curve.slope, curve)
    bound *= _steepest(mechanism, soma)
    item = s.encode + s.gap + (s.retrieve + s.gap if mechanism.retrieves else 0.0)
    spent = spikes_per_item(rule, mechanism, s, code, curve) if sent is None else sent
    of = "to write an item of one key and one value at peak into empty synapses"
    values = {"write": write, "erase": erase, "self_erasure": own, "carry_over": g.carry_over}
    values |= {"spikes": n * expected, "spikes_per_item": spent, "stability_bound": bound, "duration": item}
    lines = [
        f"writes {write:.4g}, erases {erase:.4g} for a target of beta = 1"
        + "; keys and queries are less the mean of the keys before" * rule.centred,
        f"self-erasure {own:.3g}: a synapse at peak, by its own spikes; " * erases + f"carry-over {g.carry_over:.2g}",
        f"{values['spikes']:.4g} spikes for a key feature at peak in one window, {n} neurons per feature",
        _stability(bound, g.online, mechanism.retrieves),
        f"{spent:.4g} spikes of all neurons {of if sent is None else 'per item of these instructions'}",
        f"{item:g} ms to write an item, {s.retrieve + s.gap:g} ms to read one",
    ]
    if curve is not None:
        values["distortion"] = curve.distortion
        lines.append(
            f"push minus pull rate is linear within {100 * curve.distortion:.1f} % of the peak, "
            f"{curve.baseline:.1f} Hz without a signal"
        )
    if mechanism.baseline is not None:
        values["error_distortion"] = error_distortion(mechanism, soma)
        lines.append(
            f"errors up to the peak are carried linearly within {100 * values['error_distortion']:.1f} % of it, "
            f"{mechanism.baseline:g} Hz without one"
        )
    title = f"{rule.name} in a spiking network, engine {engine}, mechanism {mechanism.name}"
    return Description(title, values, lines)


def _stability(bound: float, online: bool, retrieves: bool) -> str:
    """One sentence."""
    if bound < np.inf:
        return f"stable for beta |k|^2 up to {bound:.4g} in counts (exact keys: 2)"
    if not online:
        return "stable for every beta"
    what = "depression acts while it retrieves" if retrieves else "synapses change while they are read"
    return f"{what}: no step overshoots on average"


def spikes_per_item(
    rule: Rule, mechanism: Mechanism, schedule: ThetaCycle, code: RateCode, curve: LIFCurve | None
) -> float:
    """Expected spikes of all neurons to write a first item of one key and one value at peak.

    The keys fire in every phase, partners of the covariance rule only from the second item on (at the mean of the keys
    before), the value (or the error, which is the value as long as nothing is stored) while it is encoded; LIF
    neurons fire at their baseline all the time, and what their membranes take to charge is left out. A mechanism that
    is online writes less and less: where the value meets a prediction in the soma it is an upper bound.
    """
    s, peak, baseline = schedule, code.peak, mechanism.baseline
    keys = s.encode + (s.retrieve if mechanism.retrieves else 0.0)
    duration = s.encode + s.gap + (s.retrieve + s.gap if mechanism.retrieves else 0.0)
    rho0 = baseline or 0.0
    if curve is None:
        both, rest = (rho0 + peak) + max(rho0 - peak, 0.0), 0.0
    else:
        more = 0.0 if baseline is None else curve.lift(rho0)
        both, rest = float(curve.at(1.0, more) + curve.at(-1.0, more)), 2 * curve.baseline
    total = units.per_ms(peak) * keys + units.per_ms(both) * s.encode + units.per_ms(rest) * (duration - s.encode)
    return float(code.neurons_per_feature * total)


def spikes_of(
    rule: Rule, mechanism: Mechanism, schedule: ThetaCycle, code: RateCode, curve: LIFCurve | None,
    k: Array, v: Array, beta: Array, predicted: Array,
) -> float:  # fmt: skip
    """Expected spikes of all neurons per written item of instructions (n, T, .), mean of the sequences.

    ``predicted (n, T, d_v)`` is what the effective rule reads with each key before it is written. Neurons fire for it
    while it is retrieved, and where the value meets it for what is left of the value. Beyond the mean, noise of the
    weights makes the sides of a small prediction fire too, which is left out, as are the rise of synapses and
    membranes that charge; what an online mechanism changes within a phase, too.
    """
    s, baseline, writes = schedule, mechanism.baseline, (k > 0).any(axis=-1) & (beta > 0)
    k_max, v_max = (float(np.abs(x).max(initial=0.0)) or 1.0 for x in (k, v))
    key, value, read = k / k_max, v / v_max, predicted / v_max

    def both(signal: Array, rho: float = 0.0) -> Array:
        """Spikes per ms of the push and pull neurons of all values, one for each."""
        if curve is None:
            rate = np.maximum(rho / code.peak + signal, 0) + np.maximum(rho / code.peak - signal, 0)
            return units.per_ms(code.peak) * rate.sum(axis=-1)
        more = curve.lift(rho) if rho else 0.0
        return units.per_ms(1.0) * (curve.at(signal, more) + curve.at(-signal, more)).sum(axis=-1)

    met = value - read if mechanism.into_soma else value
    partners = running_mean(key).before.sum(axis=-1) if rule.centred else 0.0
    spent = units.per_ms(code.peak) * (key.sum(axis=-1) + partners) * s.encode + both(met, baseline or 0.0) * s.encode
    gaps = s.gap
    if mechanism.retrieves:
        spent = spent + (units.per_ms(code.peak) * key.sum(axis=-1) + both(read)) * s.retrieve
        gaps += s.gap
    spent = (spent + both(0 * value) * gaps) * writes
    each: Array = spent.sum(axis=-1) / np.maximum(writes.sum(axis=-1), 1)
    return float(code.neurons_per_feature * each.mean())


def before_writes(c: Coefficients, q: Array, k: Array, v: Array, decay: Array | None) -> Array:
    """What coefficients from W = 0 read with each q (n, T, d_k) before its token writes, after its decay."""
    W, reads = np.zeros((len(k), v.shape[-1], k.shape[-1])), np.zeros(v.shape)
    for t in range(k.shape[1]):
        kept = 1.0 if decay is None else decay[:, t, None, None] if decay.ndim == 2 else decay[:, t, None]
        reads[:, t] = np.einsum("nij,nj->ni", W * kept, q[:, t])
        p, r = (k if x is None else x for x in (c.p, c.r))
        new = np.einsum("ni,nj->nij", _rows(c.write[:, t]) * v[:, t], k[:, t])
        if c.erase is not None:
            old = np.einsum("nij,nj->ni", W, p[:, t])
            new -= np.einsum("ni,nj->nij", _rows(c.erase[:, t]) * old, r[:, t])
        W = W if c.a is None else W * c.a[:, t, None, None]
        W = (W if c.a_key is None else W * c.a_key[:, t, None]) + new
    return reads


def _rows(x: Array) -> Array:
    """One number for every sequence, or one for each of its rows of W, as (n, d_v or 1)."""
    return x[:, None] if x.ndim == 1 else x


def _steepest(mechanism: Mechanism, soma: Soma) -> float:
    """What the steepest gain of an error makes of the bound on beta: two sides that both carry small errors."""
    if not mechanism.baseline:
        return 1.0
    small = min(mechanism.baseline / soma.peak, 1.0) / 10
    return float(small * soma.sent(1.0, mechanism.baseline) / soma.sent(small, mechanism.baseline))


def error_distortion(mechanism: Mechanism, soma: Soma) -> float:
    """Largest deviation of the error that is carried from a straight line through an error at peak, in peaks."""
    e, baseline = np.linspace(0, 1, 201), mechanism.baseline
    return float(np.abs(soma.sent(e, baseline) / soma.sent(1.0, baseline) - e).max())
