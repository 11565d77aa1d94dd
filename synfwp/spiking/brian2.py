"""The same circuit in Brian2: as objects that run, and rules as equations for a user's own Brian2 model.

Brian2 (Stimberg, Brette & Goodman 2019, eLife 8:e47314) is imported when a function here is called.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synfwp import checks, grid
from synfwp.plasticity import SynapticRule, check_row
from synfwp.spiking import equations
from synfwp.spiking.assembly import response
from synfwp.spiking.connections import by_synapse
from synfwp.spiking.equations import Quantities, SynapseText, identifier
from synfwp.spiking.groups import PoissonSource, Population, SpikeSource, Steps, steps_of
from synfwp.spiking.neurons import TwoCompartment, receptors_of
from synfwp.spiking.projection import Projection
from synfwp.spiking.short_term import ShortTerm
from synfwp.spiking.wiring import Wiring


@dataclass(frozen=True)
class Brian2Synapses:
    """What ``brian2.Synapses(source, target, model, on_pre=..., on_post=..., namespace=...)`` takes."""

    model: str
    on_pre: str
    on_post: str
    namespace: dict[str, Any]


def brian2_synapses(
    rule: SynapticRule | None,
    *,
    weight_unit: str = "1",
    target: str | None = None,
    short_term: ShortTerm | None = None,
    gate: str = "1",
    eligibility: str | None = None,
    transmission: str = "1",
) -> Brian2Synapses:
    """Equations and event code of a plasticity rule, for a Brian2 model of one's own.

    Parameters
    ----------
    rule : SynapticRule or None
        None: synapses that do not change.
    weight_unit : "1", "nS", "pA" or "mV"
        Unit of the weight ``w`` and of the rule's amplitudes and bounds.
    target : str or None
        Postsynaptic variable that an arriving spike raises by ``w``, such as "g_e"; None: nothing is transmitted.
    short_term : ShortTerm or None
    gate, eligibility, transmission : str
        Expressions that multiply changes of the weight, changes that are collected in ``E``, and what is transmitted:
        numbers, variables of the model or functions of time such as ``"beta(t)"``. eligibility None: no ``E``.

    Returns
    -------
    Brian2Synapses
        ``model``, ``on_pre``, ``on_post`` and ``namespace`` (quantities with units).

    Raises
    ------
    TypeError, ValueError
        For an unknown unit, or a rule that changes synapses between spikes (reward, dendritic, pes, normalisation),
        which event code alone cannot hold: `to_brian2` runs those.

    Examples
    --------
    >>> from synfwp.plasticity import inhibitory
    >>> code = brian2_synapses(inhibitory(eta=0.01, rate=5.0), weight_unit="nS", target="g_i")
    >>> print(code.on_pre)
    g_i_post += w
    w = clip(w + (pre_0 + pre_y*y1), w_min, w_max)
    x1 += 1
    >>> code.namespace["tau_x1"]
    20. * msecond
    """
    checks.lookup("weight_unit", weight_unit, equations.UNITS)
    equations.check("the model", check_row("rule", rule), short_term)
    if rule is not None and (rule.tau_e is not None or rule.error or rule.total is not None):
        raise ValueError(f"rule {rule.name!r} changes synapses between spikes; use to_brian2(circuit).")
    return with_units(equations.synapses(rule, weight_unit, target, short_term, gate, eligibility, transmission))


def with_units(text: SynapseText) -> Brian2Synapses:
    """Equations with the quantities that they name."""
    return Brian2Synapses(text.model, text.on_pre, text.on_post, _namespace(text.quantities))


def _namespace(quantities: Quantities) -> dict[str, Any]:
    """Numbers with units by name as quantities."""
    return {name: _quantity(*one) for name, one in quantities.items()}


def _quantity(value: float, unit: str) -> Any:
    """A number in a unit such as "nS", "1/mV" or "1"."""
    import brian2 as b2

    if unit == "1":
        return value
    return value / getattr(b2, unit[2:]) if unit.startswith("1/") else value * getattr(b2, unit)


@dataclass
class Brian2Network:
    """A circuit in Brian2: the ``network`` to run, and its parts by the names that the circuit uses."""

    network: Any
    groups: dict[str, Any] = field(default_factory=dict)
    synapses: dict[str, Any] = field(default_factory=dict)
    spikes: dict[str, Any] = field(default_factory=dict)

    def run(self, duration: float) -> None:
        """Run for ``duration`` ms."""
        import brian2 as b2

        self.network.run(duration * b2.ms)

    def weights(self, name: str) -> np.ndarray:
        """Weights of a projection now, in the circuit's unit and order of synapses (row by row)."""
        synapses, scale = self.synapses[name]
        w = np.asarray(synapses.w[:]) / scale
        if "tau_w" not in synapses.namespace:
            return w
        since = np.asarray(self.network.t) - np.asarray(
            synapses.lastupdate[:]
        )  # w stands at the last spike of either side
        return np.asarray(w * np.exp(-since / float(synapses.namespace["tau_w"])))


def to_brian2(circuit: Wiring) -> Brian2Network:
    """The same circuit as Brian2 objects, with the same integrators and the same order of events.

    Neurons with current synapses are integrated exactly, others by exponential Euler; where a synapse decays about as
    fast as the membrane, the exact step is written out, since Brian2's divides by the difference. Delays become those
    of the pathways "pre" and "post"; with a dendritic delay behind changing weights, what a spike transmits is kept in
    variables ``sent0``, ``sent1``, ... until the pathway "soma" delivers it. Pathways get Brian2's ``order``
    in the order of the projections. Spikes of `PoissonSource` and noise are drawn by Brian2; with `SpikeSource` inputs
    and without noise, spike times and weights agree with `Circuit.run`.

    Parameters
    ----------
    circuit : Circuit

    Returns
    -------
    Brian2Network
        ``network`` (a ``brian2.Network``), ``groups``, ``synapses`` and ``spikes`` (monitors) by name.

    Raises
    ------
    TypeError, ValueError
        If ``circuit`` is no Circuit; if a rule has a leak and changes between spikes (latch, normalisation, reward,
        error), or soft bounds with reward or error, which is not exported.

    Examples
    --------
    >>> from synfwp.spiking import LIF, Circuit, Population
    >>> cells = Population(3, LIF(), drive=25.0)
    >>> sorted(to_brian2(Circuit([], [cells])).groups)
    ['cells']
    """
    import brian2 as b2

    if not isinstance(circuit, Wiring):
        raise TypeError(f"circuit is a {type(circuit).__name__}; pass a Circuit.")
    clock = b2.Clock(circuit.dt * b2.ms)
    found = Brian2Network(b2.Network())
    for group in circuit.groups:
        made, more = _group(group, circuit, clock)
        found.groups[group.name], found.spikes[group.name] = made, b2.SpikeMonitor(made)
        found.network.add(made, found.spikes[group.name], *more)
    for p in circuit.projections:
        _check_exported(p)
    for place, p in enumerate(circuit.projections):
        synapses, scale, more = _projection(p, circuit, clock, found.groups, place)
        found.synapses[p.name] = synapses, scale
        found.network.add(synapses, *more)
    return found


def _check_exported(p: Projection) -> None:
    """Refuse what the operations between spikes leave out."""
    rule = p.plasticity
    equations.check(f"projection {p.name!r}", rule, p.short_term)
    if rule is None:
        return
    continuous = rule.tau_e is not None or bool(rule.error)
    if np.isfinite(rule.tau_w) and (continuous or rule.total is not None or p.latch.size):
        raise ValueError(f"projection {p.name!r} leaks (tau_w) and changes between spikes: not exported.")
    if rule.soft and continuous:
        raise ValueError(f"projection {p.name!r} has soft bounds and changes between spikes, which is not exported.")


def _timed(steps: Steps, unit: Any, dt: float) -> Any:
    """Steps as a TimedArray on the coarsest grid that holds its times."""
    import brian2 as b2

    ticks = grid.multiples(steps.times, dt)[0]
    tick = int(np.gcd.reduce(ticks)) or 1
    index = np.searchsorted(ticks, np.arange(0, int(ticks.max()) + tick, tick), side="right") - 1
    return b2.TimedArray(steps.values[index] * unit, dt=tick * dt * b2.ms)


def _group(group: Any, circuit: Wiring, clock: Any) -> tuple[Any, list[Any]]:
    """A group and what has to be added to the network beside it."""
    import brian2 as b2

    name = identifier(group.name)
    if isinstance(group, SpikeSource):
        times = grid.steps(group.times, circuit.dt) * circuit.dt
        return b2.SpikeGeneratorGroup(group.n, group.units, times * b2.ms, clock=clock, name=name), []
    if isinstance(group, PoissonSource):
        rates = _timed(group.rate, b2.Hz, circuit.dt)
        text = "given(t, i)" if group.rate.values.ndim == 2 else "given(t)"
        return b2.PoissonGroup(group.n, rates=text, namespace={"given": rates}, clock=clock, name=name), []
    made = _neurons(group, clock, name)
    at_start = group.drive.values[0]
    made.I_drive = at_start * b2.pA
    made.v = group.start_potential * b2.mV
    if isinstance(group.neuron, TwoCompartment):
        made.V = group.neuron.v_rest * b2.mV
    if len(group.drive.times) > 1:
        made.namespace["drive"] = _timed(group.drive, b2.pA, circuit.dt)
        text = "drive(t, i)" if group.drive.values.ndim == 2 else "drive(t)"
        made.run_regularly(f"I_drive = {text}", when="start", clock=clock)
    return made, []


def _neurons(group: Population, clock: Any, name: str) -> Any:
    """A NeuronGroup with the equations of a neuron model."""
    import brian2 as b2

    text, t_ref = equations.neurons(group), group.neuron.t_ref
    method: Any = text.method
    if text.update:
        neuron: Any = group.neuron
        for m, one in enumerate(receptors_of(neuron)):
            gain = response(neuron.tau_m, one.tau, float(clock.dt / b2.ms)) / neuron.g_leak
            text.give(f"response_{m}", gain, "1/nS")

        def method(*_: Any) -> str:
            return text.update

    refractory = "t_ref" if "t_ref" in text.own else t_ref * b2.ms if t_ref > 0 else False
    made = b2.NeuronGroup(
        group.n, "\n".join(text.equations), threshold=text.threshold, reset=text.reset or None, method=method,
        namespace=_namespace(text.quantities), clock=clock, refractory=refractory, name=name,
    )  # fmt: skip
    for parameter, value in _namespace(text.own).items():
        setattr(made, parameter, value)
    return made


def _projection(
    p: Projection, circuit: Wiring, clock: Any, groups: dict[str, Any], place: int
) -> tuple[Any, Any, list[Any]]:
    """Synapses, the unit of their weight as a number, and operations that go with them."""
    import brian2 as b2

    scale = _quantity(1.0, p.unit)
    rule: Any = p.plasticity
    short_term: Any = p.short_term
    timed, words = {}, {}
    for name in ("gate", "eligibility", "transmission"):
        steps = getattr(p, name)
        words[name] = f"{name}(t)" if len(steps.times) > 1 else f"{float(steps.values[0]):.17g}"
        if len(steps.times) > 1:
            timed[name] = _timed(steps, 1, circuit.dt)
    if rule is not None and rule.tau_e is not None:
        words["gate"], words["eligibility"] = "0", words["gate"]
    target = None if p.receptor == "none" else identifier(str(p.receptor))
    eligibility = words["eligibility"] if p.collects else None
    text = equations.synapses(rule, p.unit, target, short_term, words["gate"], eligibility, words["transmission"])
    delay, late = _each(p, p.delay), _each(p, p.dendritic_delay)
    apart = bool(late.any()) and target is not None and (rule is not None or "transmission" in timed)
    if apart:  # the weight of the arrival opens the receptor later
        text = equations.carried(text, str(target), _most_under_way(p, float(clock.dt / b2.ms)), p.unit)
    elif target is not None and rule is None:
        delay = delay + late
    code = with_units(text)
    on_pre = {"pre": code.on_pre} | ({"soma": text.on_soma} if apart else {})
    made = b2.Synapses(
        groups[p.pre.name], groups[p.post.name], code.model, on_pre=on_pre if code.on_pre else None,
        on_post=code.on_post or None, namespace=code.namespace | timed, clock=clock, name=identifier(p.name),
        method="exact",
    )  # fmt: skip
    made.connect(i=p.rows, j=p.columns)
    pathways = {"pre": delay} | ({"soma": delay + late} if apart else {}) | {"post": late}
    for name, each in pathways.items():
        if (code.on_post if name == "post" else code.on_pre) and len(made):
            getattr(made, name).delay = each * b2.ms
    made.w = (p.weight.ravel() if p.dense else p.weight.data) * scale
    if p.short_term is not None:
        made.u, made.x = p.short_term.rested, 1.0
    if code.on_pre:
        made.pre.order = 2 * (place - len(circuit.projections))
    if apart:
        made.soma.order = made.pre.order + 1
    if code.on_post:
        made.post.order = place
    return made, float(np.asarray(scale)), _operations(p, made, groups, clock, float(np.asarray(scale)))


def _each(p: Projection, delay: Any) -> np.ndarray:
    """Delays (ms) of all synapses, row by row."""
    return np.broadcast_to(np.asarray(by_synapse(delay), float), (p.n_synapses,))


def _most_under_way(p: Projection, dt: float) -> int:
    """Spikes of one presynaptic neuron that a dendrite may carry at once."""
    steps = round(float(_each(p, p.dendritic_delay).max()) / dt)
    if not isinstance(p.pre, SpikeSource):
        rest = round(p.pre.neuron.t_ref / dt) if isinstance(p.pre, Population) else 1
        return steps // max(rest, 1) + 1
    most, (when, unit) = 1, steps_of(p.pre, dt)
    for neuron in range(p.pre.n):
        train = when[unit == neuron]
        most = max(
            most, int((np.searchsorted(train, train + steps, side="right") - np.arange(len(train))).max(initial=1))
        )
    return most


def _operations(p: Projection, made: Any, groups: dict[str, Any], clock: Any, scale: float) -> list[Any]:
    """What happens to synapses between spikes, as operations of the network."""
    import brian2 as b2

    rule: Any = p.plasticity
    if rule is None:
        return []
    dt, found = float(clock.dt / b2.ms), []
    low, high = rule.w_min * scale, rule.w_max * scale
    latches = set(np.round(p.latch / dt).astype(int).tolist())
    if latches:

        def latch(t: Any) -> None:
            if round(float(t / b2.ms) / dt) in latches:
                made.w_[:] = np.clip(np.asarray(made.w_[:]) + np.asarray(made.E_[:]), low, high)
                made.E_[:] = 0

        found.append(b2.NetworkOperation(latch, when="start", clock=clock))
    if rule.interval is not None:
        interval, post = round(rule.interval / dt), np.asarray(made.j[:])

        def normalise(t: Any) -> None:
            step = round(float(t / b2.ms) / dt)
            if step and step % interval == 0:
                w = np.asarray(made.w_[:])
                sums = np.bincount(post, w, minlength=p.shape[1])
                factor = np.where(sums > 0, rule.total * scale / np.where(sums > 0, sums, 1), 1.0)
                made.w_[:] = np.clip(w * factor[post], low, high)

        found.append(b2.NetworkOperation(normalise, when="start", order=1, clock=clock))
    if rule.tau_e is not None or rule.error:
        found += _between(p, made, groups, clock, scale)
    return found


def _between(p: Projection, made: Any, groups: dict[str, Any], clock: Any, scale: float) -> list[Any]:
    """Reward times eligibility, or an error times the presynaptic trace, in every step."""
    import brian2 as b2

    rule: Any = p.plasticity
    dt, post, level = float(clock.dt / b2.ms), np.asarray(made.j[:]), [0.0]
    bounds = rule.w_min * scale, rule.w_max * scale
    gate = lambda t: float(p.gate.at(round(float(t / b2.ms) / dt), dt))  # noqa: E731

    def apply_reward(t: Any) -> None:
        both = 1 / rule.tau_e + 1 / rule.tau_reward
        E = np.asarray(made.E_[:])
        acts = -level[0] * np.expm1(-dt * both) / both + rule.baseline * rule.tau_e * np.expm1(-dt / rule.tau_e)
        made.w_[:] = np.clip(np.asarray(made.w_[:]) + acts * E, *bounds)
        made.E_[:] = E * np.exp(-dt / rule.tau_e)
        level[0] *= np.exp(-dt / rule.tau_reward)

    def reward(t: Any) -> None:
        for group, gain in p.modulators:
            level[0] += rule.reward * gain * len(groups[group.name].spikes)

    def correct(t: Any) -> None:
        x = np.asarray(made.x1_[:]) - (rule.x2_share * np.asarray(made.x2_[:]) if rule.x2_share else 0.0)
        if rule.error == "prediction":
            e = np.asarray(groups[p.post.name].prediction[:] * clock.dt)[post]
        else:
            one = next(one for one in receptors_of(p.post.neuron) if one.name == rule.error)  # type: ignore[union-attr]
            e = np.asarray(getattr(groups[p.post.name], identifier(rule.error) + "_"))[post]
            e = e / float(b2.pA if one.reversal is None else b2.nS) * dt
        made.w_[:] = np.clip(np.asarray(made.w_[:]) + gate(t) * rule.rate * e * x * scale, *bounds)

    if rule.tau_e is None:
        return [b2.NetworkOperation(correct, when="groups", order=5, clock=clock)]
    return [
        b2.NetworkOperation(apply_reward, when="groups", order=5, clock=clock),
        b2.NetworkOperation(reward, when="synapses", order=-10_000, clock=clock),
    ]
