"""A rule of fast weights as synapses of a user's own Brian2 model: event code, and the phases of its items as arrays.

Brian2 (Stimberg, Brette & Goodman 2019, eLife 8:e47314) is imported when what is here makes its objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synfwp import checks, grid, units
from synfwp.plasticity import SynapticRule
from synfwp.rules import Rule, get_rule
from synfwp.spiking.brian2 import Brian2Synapses, with_units
from synfwp.spiking.brian2 import brian2_synapses as of_spikes
from synfwp.spiking.equations import synapses as texts
from synfwp.substrates.code import RateCode, ThetaCycle
from synfwp.substrates.gains import peak_pairs
from synfwp.substrates.mechanisms import MECHANISMS, Mechanism, check_runs, choose

Array = np.ndarray
Phase = tuple[str, int, float, float]  # name, item, start and stop in ms
_LATCH = "w = clip(w + latch(t)*E, w_min, w_max)\nE = (1 - latch(t))*E"
_KEEP = "w = keep(t)*w"


@dataclass(frozen=True)
class Brian2Items(Brian2Synapses):
    """Synapses that carry out a rule of fast weights, item by item.

    Parameters
    ----------
    model, on_pre, on_post : str
    namespace : dict
        Numbers with units, and the schedules ``gate``, ``eligibility``, ``transmission``, ``latch`` and ``keep`` as
        TimedArrays, as far as the rule has them.
    regularly : str
        What happens at the start of a phase; "" for nothing.
    tick : float
        ms; phases start at multiples of it.
    phases : tuple of (name, item, start, stop)
        In ms; the last one, "read", has no end.
    code : RateCode

    Examples
    --------
    >>> made = brian2_synapses("delta", target="I", items=2)
    >>> made.duration, made.phases[0], made.phases[-1][:3]
    (560.0, ('retrieve', 0, 0.0, 100.0), ('read', 2, 560.0))
    >>> print(made.regularly)
    w = clip(w + latch(t)*E, w_min, w_max)
    E = (1 - latch(t))*E
    """

    regularly: str
    tick: float
    phases: tuple[Phase, ...]
    code: RateCode

    @property
    def duration(self) -> float:
        """When all items are written, ms; what is sent from here on reads."""
        return self.phases[-1][2]

    def synapses(self, source: Any, target: Any, **options: Any) -> Any:
        """``brian2.Synapses`` with this code and what happens at the start of phases; they are still to be connected.

        Parameters
        ----------
        source, target : brian2 groups
        **options
            Of ``brian2.Synapses``, such as ``name`` or ``delay``.

        Returns
        -------
        brian2.Synapses
        """
        import brian2 as b2

        options["namespace"] = self.namespace | options.get("namespace", {})
        made = b2.Synapses(source, target, self.model, on_pre=self.on_pre, on_post=self.on_post or None, **options)
        if self.regularly:
            made.run_regularly(self.regularly, dt=self.tick * b2.ms, when="start")
        return made

    def rates(self, features: Array, during: str | Sequence[str]) -> Any:
        """Rates that send features in phases, for a ``PoissonGroup`` or equations: a TimedArray ``(t, i)``.

        Parameters
        ----------
        features : (items, n) array, or (items + 1, n) array
            Not negative. Each is sent by ``code.neurons_per_feature`` neurons, in the unit of the code's peak: 1 is
            the peak. A last row beyond the items is what is sent while "read".
        during : str, or sequence of str
            "retrieve", "encode" or "read", or several of them.

        Returns
        -------
        brian2.TimedArray
            Hz, 0 in all other phases.

        Raises
        ------
        ValueError
            If there are not as many rows as items, a feature is negative or not finite, or a phase is unknown.
        """
        import brian2 as b2

        x, known = checks.array("features", features, ndim=2), ("retrieve", "encode", "read")
        during = [checks.one_of("during", one, known) for one in ([during] if isinstance(during, str) else during)]
        items = self.phases[-1][1]
        if len(x) not in (items, items + 1):
            raise ValueError(f"features have {len(x)} rows; pass one for each of {items} items, and one more to read.")
        if (x < 0).any():
            raise ValueError(f"features hold {x.min():g}; rates are not negative: send signs by two groups.")
        x = np.repeat(np.concatenate([x, np.zeros((items + 1 - len(x), x.shape[1]))]), self.code.neurons_per_feature, 1)
        sent = _on_ticks(self.phases, self.tick, lambda name, n: x[n] * (name in during))
        return b2.TimedArray(sent * self.code.peak * b2.Hz, dt=self.tick * b2.ms)


def brian2_synapses(
    rule: Rule | SynapticRule | str | None,
    *,
    target: str | None = None,
    schedule: ThetaCycle | None = None,
    code: RateCode | None = None,
    mechanism: Mechanism | None = None,
    items: int = 1,
    beta: Any = 1.0,
    decay: Any = None,
    tau_syn: Any = 5.0,
    dt: Any = 0.1,
    **options: Any,
) -> Brian2Synapses:
    """Synapses of a rule for a Brian2 model of one's own: equations, event code, and schedules as TimedArrays.

    Presynaptic neurons send a key, postsynaptic neurons a value. While an item is encoded the value has to drive
    the postsynaptic neurons, without the synapses; while it is retrieved, what the synapses transmit has to.
    The change of a weight for a coincidence of spikes is scaled so that a key and a value at the peak of the code write
    beta, on average.

    Parameters
    ----------
    rule : str, Rule, SynapticRule or None
        A rule of fast weights such as "delta" (rules that a mechanism of event code carries out: Hebbian ones and the
        delta rule, with a scalar decay or none), run in ``items``. A row of spikes (`SynapticRule`) or None is run
        without items, and takes only ``target`` and ``options``: see `synfwp.spiking.brian2.brian2_synapses`.
    target : str or None
        Postsynaptic variable that an arriving spike raises, of unit 1, such as "I". It decays with ``tau_syn`` and then
        holds ``W k``, 1 for the largest value.
    schedule : ThetaCycle or None
        None: ``ThetaCycle()``.
    code : RateCode or None
        Peak rate, and presynaptic neurons per feature. None: ``RateCode()``.
    mechanism : None, GatedTrace or TwoPhase
        None: the first that carries out the rule.
    items : int
        How many are stored, one after the other from t = 0; from then on the synapses transmit and do not change.
    beta, decay : float or (items,) array
        Write strength of each item, and what the rule keeps of W before it.
    tau_syn, dt : float
        Time constant of ``target``, and time step of the simulation (ms).
    **options
        Of a rule of items: ``w_min`` and ``w_max``, the bounds of the weights, without which they may have any sign.

    Returns
    -------
    Brian2Items, or Brian2Synapses
        ``model``, ``on_pre``, ``on_post``, ``namespace``; of items also ``synapses(source, target)``,
        ``rates(features, during)``, ``phases`` and ``duration``.

    Raises
    ------
    TypeError, ValueError
        For a rule or mechanism that is more than event code (`to_brian2` runs those), or arguments that do not fit.

    References
    ----------
    Rules after Irie & Gershman 2025; two phases after Hasselmo, Bodelon & Wyble 2002, Neural Computation 14:793.

    Examples
    --------
    >>> made = brian2_synapses("delta", target="I", items=2)
    >>> print(made.on_pre)
    I_post += w*transmission(t)
    w = clip(w + gate(t)*(pre_y*y1), w_min, w_max)
    E += eligibility(t)*(pre_y*y1)
    x1 += 1
    >>> round(made.namespace["post_x"] ** -1, 2)  # coincidences of two neurons at peak, in 100 ms
    32.05
    """
    if rule is None or isinstance(rule, SynapticRule):
        return of_spikes(rule, target=target, **options)
    unknown = sorted(set(options) - {"w_min", "w_max"})
    if unknown:
        raise TypeError(f"{unknown[0]} is no option of a rule of items; pass w_min or w_max, or a SynapticRule.")
    row, schedule, code = get_rule(rule), schedule or ThetaCycle(), code or RateCode()
    mechanism, items = _event_coded(row, mechanism), checks.count("items", items)
    step, tau_syn = (units.number(x, "ms", name, 0, above=True) for name, x in (("dt", dt), ("tau_syn", tau_syn)))
    beta = _each("beta", beta, items) * (-1.0 if row.write == "-beta" else 1.0)
    phases, tick = _phases(schedule, items, mechanism.retrieves), _tick(schedule, step)
    gain = 1 / (code.neurons_per_feature * units.per_ms(code.peak)) / np.float64(tau_syn)
    if not np.isfinite(gain):
        raise ValueError(f"tau_syn is {tau_syn:g} ms, too short to divide by; pass a time constant in ms.")
    timed, regularly = _schedules(mechanism, phases, tick, beta, _kept(row, decay, items), gain)
    synapse = mechanism.synapse(1 / peak_pairs(mechanism, code.peak, schedule.encode, step), **options)
    collected = "eligibility(t)" if "eligibility" in timed else None
    made = with_units(texts(synapse, "1", target, None, "gate(t)", collected, "transmission(t)"))
    space = made.namespace | _arrays(timed, tick)
    return Brian2Items(made.model, made.on_pre, made.on_post, space, regularly, tick, tuple(phases), code)


def _schedules(
    mechanism: Mechanism, phases: Sequence[Phase], tick: float, beta: Array, keep: Array | None, gain: float
) -> tuple[dict[str, Array], str]:
    """Schedules on ticks by name, and the code at the start of phases."""
    waits = mechanism.retrieves and not mechanism.online
    sign = {"encode": 1.0, "retrieve": -1.0 if mechanism.retrieves and mechanism.online else 0.0}
    strength = np.append(beta, 0.0)
    timed = {
        "gate": _on_ticks(phases, tick, lambda name, n: strength[n] * sign.get(name, 0.0)),
        "transmission": _on_ticks(phases, tick, lambda name, n: gain * (name in ("retrieve", "read"))),
    }
    regularly = []
    if keep is not None:
        timed["keep"] = _at_starts(phases, tick, phases[0][0], 1.0, keep)
        regularly.append(_KEEP)
    if waits:
        timed["eligibility"] = _on_ticks(phases, tick, lambda name, n: -strength[n] * (name == "retrieve"))
        ends = [("latch", n, stop, stop) for name, n, _, stop in phases if name == "retrieve"]
        timed["latch"] = _at_starts((*ends, phases[-1]), tick, "latch", 0.0, np.ones(len(beta)))
        regularly.append(_LATCH)
    return timed, "\n".join(regularly)


def _event_coded(rule: Rule, mechanism: Mechanism | None) -> Mechanism:
    """The mechanism, if its changes are those of spikes alone and it carries out the rule."""
    able = {name: one for name, one in MECHANISMS.items() if not one.predicts}
    if mechanism is not None and not isinstance(mechanism, Mechanism):
        raise TypeError(f"mechanism is a {type(mechanism).__name__}; pass GatedTrace(), TwoPhase() or None.")
    if mechanism is not None and mechanism.predicts:
        raise ValueError(
            f"mechanism {mechanism.name!r} reads a prediction between spikes, which event code alone cannot hold; pass "
            "GatedTrace() or TwoPhase(), or build a Circuit and use to_brian2(circuit)."
        )
    if rule.centred:
        raise ValueError(f"rule {rule.name!r} needs partner neurons of its keys; build a Circuit, or pass 'hebb'.")
    return choose(rule, able) if mechanism is None else check_runs(mechanism, rule, able)


def _kept(rule: Rule, decay: Any, items: int) -> Array | None:
    """What is kept of W before each item."""
    if rule.retain is None:
        if decay is not None:
            raise ValueError(f"rule {rule.name!r} has no decay; leave decay out, or pass 'gated_delta'.")
        return None
    if rule.retain != "scalar":
        raise ValueError(f"rule {rule.name!r} decays each key by its own; here a rule has one decay or none.")
    if decay is None:
        raise ValueError(f"rule {rule.name!r} keeps a part of W; pass decay, from 0 to 1.")
    return _each("decay", decay, items, 1.0)


def _each(name: str, x: Any, items: int, most: float = np.inf) -> Array:
    """One number for each item."""
    found = np.atleast_1d(checks.array(name, x))
    if found.ndim > 1:
        raise ValueError(f"{name} has shape {found.shape}; pass one number, or one for each item.")
    if len(found) not in (1, items):
        raise ValueError(f"{name} has {len(found)} numbers; pass one, or one for each of {items} items.")
    if (found < 0).any() or (found > most).any():
        raise ValueError(f"{name} runs from {found.min():g} to {found.max():g}; pass 0 to {most:g}.")
    return np.broadcast_to(found, (items,)).astype(float)


def _phases(schedule: ThetaCycle, items: int, retrieves: bool) -> list[Phase]:
    """Name, item, start and stop of each phase, and the read that follows."""
    first = [("retrieve", schedule.retrieve), ("gap", schedule.gap)] if retrieves else []
    found, now = [], 0.0
    for n in range(items):
        for name, lasts in (*first, ("encode", schedule.encode), ("gap", schedule.gap)):
            if lasts:
                found.append((name, n, now, now + lasts))
            now += lasts
    return [*found, ("read", items, now, np.inf)]


def _tick(schedule: ThetaCycle, dt: float) -> float:
    """The longest step (ms) of which all phases are multiples."""
    lasts = np.array([x for x in (schedule.retrieve, schedule.encode, schedule.gap) if x])
    steps, off = grid.multiples(lasts, dt)
    if np.any(off) or (steps < 1).any():
        raise ValueError(f"the phases last {lasts.tolist()} ms, which are not all multiples of dt = {dt:g} ms.")
    return float(np.gcd.reduce(np.asarray(steps, int)) * dt)


def _on_ticks(phases: Sequence[Phase], tick: float, of: Any) -> Array:
    """``of(name, item)`` of the phase at each tick; the last entry is that of the read, and holds on."""
    values = [np.asarray(of(name, n), float) for name, n, _, _ in phases]
    lasts = [1 if np.isinf(stop) else round((stop - start) / tick) for _, _, start, stop in phases]
    return np.repeat(np.stack(values), lasts, axis=0)


def _at_starts(phases: Sequence[Phase], tick: float, phase: str, else_: float, values: Array) -> Array:
    """``values[item]`` in the tick at which a phase starts, and another value elsewhere."""
    found = np.full(round(phases[-1][2] / tick) + 2, else_)
    for name, n, start, _ in phases:
        if name == phase:
            found[round(start / tick)] = values[n]
    return found


def _arrays(timed: dict[str, Array], tick: float) -> dict[str, Any]:
    """Schedules as TimedArrays."""
    import brian2 as b2

    return {name: b2.TimedArray(values, dt=tick * b2.ms) for name, values in timed.items()}
