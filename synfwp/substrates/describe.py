"""What a spiking network says of itself before it runs: coefficients, spikes, stability and time, in closed form."""

from typing import Any

import numpy as np

from synfwp import theory, units
from synfwp.instructions import Description
from synfwp.rules import Rule
from synfwp.substrates.mechanisms import InhibitoryCancellation, TwoPhase


def describe(network: Any, rule: Rule) -> Description:
    """The values and sentences of `SpikingNetwork.describe`, for a key that is one feature at peak."""
    mechanism, g, s = network._mechanism(rule), network.gains(rule), network.schedule
    one = np.ones((1, 1))
    c = network.effective(rule, one[None], one, {None: None, "scalar": one, "key": one[None]}[rule.retain])
    erases, two_phase = c.erase is not None, isinstance(mechanism, TwoPhase)
    write, erase = float(c.write[0, 0]), float(c.erase[0, 0]) if c.erase is not None else 0.0
    own = float(1 - c.a_key[0, 0, 0]) if erases and c.a_key is not None else 0.0
    window = s.retrieve if two_phase else s.encode
    a_clone = units.per_ms(network.code.peak) * window
    bound = theory.repeated_bound(a_clone, network.code.clones) if erases and not g.live else np.inf
    bound *= _steepest(mechanism, network)
    item = s.encode + s.gap + (s.retrieve + s.gap if two_phase else 0.0)
    spent = spikes_per_item(network, rule, item)
    values = {"write": write, "erase": erase, "own": own, "cross_talk": g.cross_talk}
    values |= {"spikes": network.code.clones * a_clone, "spikes_per_item": spent}
    values |= {"stability_bound": bound, "duration": item}
    lines = [
        f"writes {write:.4g}, erases {erase:.4g} when asked for beta = 1" + ", less the running mean" * rule.centred,
        f"a synapse at peak erases {own:.3g} of itself with its own spikes; " * erases
        + f"cross-talk {g.cross_talk:.2g}",
        f"{values['spikes']:.4g} spikes for a key feature at peak in one window, {network.code.clones} clones",
        _stability(bound, g.live, two_phase),
        f"{spent:.4g} spikes of all neurons to write an item of one key and one value at peak into empty synapses",
        f"{item:g} ms to write an item, {s.retrieve + s.gap:g} ms to read one",
    ]
    if network.curve is not None:
        values["distortion"] = network.curve.distortion
        lines.append(
            f"push minus pull rate is linear within {100 * network.curve.distortion:.1f} % of the peak, "
            f"{network.curve.baseline:.1f} Hz without a signal"
        )
    if isinstance(mechanism, InhibitoryCancellation):
        values["error_distortion"] = error_distortion(mechanism, network)
        lines.append(
            f"errors up to the peak are carried linearly within {100 * values['error_distortion']:.1f} % of it, "
            f"{mechanism.rho0:g} Hz without one"
        )
    title = f"{rule.name} in a spiking network, engine {network.engine}, mechanism {mechanism.name}"
    return Description(title, values, lines)


def _stability(bound: float, live: bool, two_phase: bool) -> str:
    """One sentence."""
    if bound < np.inf:
        return f"stable for beta |k|^2 up to {bound:.4g} in counts (exact keys: 2)"
    if not live:
        return "stable for every beta"
    what = "depression acts while it retrieves" if two_phase else "synapses change while they are read"
    return f"{what}: no step overshoots on average"


def spikes_per_item(network: Any, rule: Rule, duration: float) -> float:
    """Expected spikes of all neurons to write a first item of one key and one value at peak.

    The keys fire in every phase, partners of the covariance rule once, the value (or the error, which is the value as
    long as nothing is stored) while it is encoded; LIF neurons fire at their baseline all the time, and what their
    membranes take to charge is left out. A live mechanism writes less and less: for PES and inhibition it is an upper
    bound.
    """
    mechanism, s, peak = network._mechanism(rule), network.schedule, network.code.peak
    keys = s.encode * (2 if rule.centred else 1) + (s.retrieve if isinstance(mechanism, TwoPhase) else 0.0)
    inhibits, curve = isinstance(mechanism, InhibitoryCancellation), network.curve
    rho0 = mechanism.rho0 if inhibits else 0.0
    if curve is None:
        both, rest = (rho0 + peak) + max(rho0 - peak, 0.0), 0.0
    else:
        more = curve.lift(rho0) if inhibits else 0.0
        both, rest = float(curve.at(1.0, more) + curve.at(-1.0, more)), 2 * curve.baseline
    total = units.per_ms(peak) * keys + units.per_ms(both) * s.encode + units.per_ms(rest) * (duration - s.encode)
    return float(network.code.clones * total)


def _steepest(mechanism: Any, network: Any) -> float:
    """What the steepest gain of an error makes of the bound on beta: two sides that both carry small errors."""
    if not isinstance(mechanism, InhibitoryCancellation) or mechanism.rho0 == 0:
        return 1.0
    small = min(mechanism.rho0 / network.code.peak, 1.0) / 10
    return small * _carried(mechanism, network, 1.0) / _carried(mechanism, network, small)


def error_distortion(mechanism: InhibitoryCancellation, network: Any) -> float:
    """Largest deviation of the error that is carried from a straight line through an error at peak, in peaks."""
    e = np.linspace(0, 1, 201)
    return float(np.abs(_carried(mechanism, network, e) / _carried(mechanism, network, 1.0) - e).max())


def _carried(mechanism: InhibitoryCancellation, network: Any, error: Any) -> Any:
    """Push minus pull rate, in peaks, for errors between 0 and the peak."""
    if network.curve is None:
        return error + np.minimum(error, mechanism.rho0 / network.code.peak)
    more = network.curve.lift(mechanism.rho0)
    return (network.curve.at(error, more) - network.curve.at(-np.asarray(error), more)) / network.code.peak
