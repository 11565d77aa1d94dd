"""A spiking network that carries out update rules, item by item, in theta cycles."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synfwp import checks, coefficients, seeds, units
from synfwp.coefficients import Coefficients
from synfwp.instructions import Carried, Description
from synfwp.rules import Rule, get_rule
from synfwp.spiking.neurons import LIF
from synfwp.substrates import gains, mechanisms
from synfwp.substrates.code import RateCode, ThetaCycle
from synfwp.substrates.describe import describe
from synfwp.substrates.engines import CELLS, ONE_PHASE, make_engine
from synfwp.substrates.log import ragged
from synfwp.substrates.measured import lif_gains
from synfwp.substrates.mechanisms import PES, Dendritic, Gains, GatedTrace, InhibitoryCancellation, TwoPhase

Array = np.ndarray
Mechanism = GatedTrace | TwoPhase | Dendritic | InhibitoryCancellation | PES
_MECHANISMS = {kind.name: kind for kind in (GatedTrace, TwoPhase, Dendritic, InhibitoryCancellation, PES)}


@dataclass(frozen=True, kw_only=True)
class SpikingNetwork:
    """Populations of key neurons drive push and pull populations of value neurons through plastic synapses.

    Keys and queries are firing rates, so they must not be negative. A signed weight is a pair ``w0 +- W/2`` of positive
    synapses read as their difference, exact until ``|W| = 2 w0``; weights are in units of (largest value) / (largest
    key). While an item is retrieved or read, the synapses drive the value neurons; while it is encoded, these are
    clamped, or (mechanisms of one phase) meet what the synapses predict.

    Parameters
    ----------
    engine : "counts", "poisson" or "lif"
        Poisson counts of whole windows; spikes of Poisson neurons; spikes of leaky integrate-and-fire neurons.
    neuron : None, Poisson or LIF
        None takes the default of the engine.
    code : RateCode
    schedule : ThetaCycle
    mechanism : None, GatedTrace, TwoPhase, Dendritic, InhibitoryCancellation or PES
        None takes the first of them that carries the rule.
    delay, dt : float
        Synaptic delay and time step in ms (not used by "counts"); phases, delay and t_ref are multiples of dt.
    w0 : float
        Half of the range of a synapse, in units of (largest value) / (largest key).
    dale : bool
        False lets weights change sign without bound, which is an idealisation.

    Raises
    ------
    TypeError, ValueError
        For parameters of the wrong kind or unit, or durations off the grid.

    Source: two phases after Hasselmo, Bodelon & Wyble 2002; rules after Irie & Gershman 2025; other mechanisms as they
    say.

    >>> print(SpikingNetwork().describe("delta"))
    delta in a spiking network, engine counts, mechanism two_phase
      writes 1, erases 1 when asked for beta = 1
      a synapse at peak erases 0.0125 of itself with its own spikes; cross-talk 0
      80 spikes for a key feature at peak in one window, 8 clones
      stable for beta |k|^2 up to 1.736 in counts (exact keys: 2)
      240 spikes of all neurons to write an item of one key and one value at peak into empty synapses
      280 ms to write an item, 140 ms to read one
    """

    engine: str = "counts"
    neuron: Any = None
    code: RateCode = field(default_factory=RateCode)
    schedule: ThetaCycle = field(default_factory=ThetaCycle)
    mechanism: Mechanism | None = None
    delay: Any = 1.0
    dt: Any = 0.5
    w0: Any = 2.0
    dale: bool = True

    def __post_init__(self) -> None:
        """Every field is what the table above says, and durations are on the grid."""
        checks.one_of("engine", self.engine, CELLS)
        expected: dict[str, Any] = {
            "code": RateCode,
            "schedule": ThetaCycle,
            "neuron": (CELLS[self.engine], type(None)),
        }
        expected["mechanism"] = (*_MECHANISMS.values(), type(None))
        for name, kinds in expected.items():
            if not isinstance(getattr(self, name), kinds):
                kind = type(getattr(self, name)).__name__
                raise TypeError(f"{name} is a {kind}; engine {self.engine!r} takes {_names(kinds)}.")
        for name, unit in (("delay", "ms"), ("dt", "ms")):
            value = units.to_float(getattr(self, name), unit, name)
            checks.number(f"{name} ({unit})", value, 0, above=name == "dt")
            object.__setattr__(self, name, value)
        object.__setattr__(self, "w0", checks.number("w0", units.to_float(self.w0, "1", "w0"), 0, above=True))
        if self.engine == "counts":
            if not getattr(self.mechanism, "latched", True):
                raise ValueError(
                    "engine 'counts' has no time within a window; live plasticity needs 'poisson' or 'lif'."
                )
            return
        durations = {name: getattr(self.schedule, name) for name in ("retrieve", "encode", "gap")}
        durations |= {"delay": self.delay} | ({"t_ref": self.cell.t_ref} if isinstance(self.cell, LIF) else {})
        for name, value in durations.items():
            if abs(value / self.dt - round(value / self.dt)) > 1e-9:
                raise ValueError(f"{name} is {value:g} ms, which is not a multiple of dt = {self.dt:g} ms.")

    @property
    def cell(self) -> Any:
        """The neuron model in use."""
        return CELLS[self.engine]() if self.neuron is None else self.neuron

    @property
    def bound(self) -> float:
        """Largest |W|."""
        return 2 * float(self.w0) if self.dale else np.inf

    @property
    def curve(self) -> gains.LIFCurve | None:
        """The measured f-I curve of LIF neurons and their working point; None for neurons that follow their drive."""
        return gains.lif_curve(self.cell, self.code.peak, self.dt) if isinstance(self.cell, LIF) else None

    @property
    def trace(self) -> float:
        """Time constant (ms) of the traces."""
        return float((self.mechanism or GatedTrace()).tau)

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None) -> Coefficients:
        """What the network carries out on average, from parameters and instructions alone."""
        mechanism = self._mechanism(rule)
        row = mechanisms.check_runs(mechanism.name, rule)
        g = self.gains(rule)
        return row.effective(rule, k, beta, decay, g._replace(own=g.own * _largest(k)))

    def gains(self, rule: Rule) -> Gains:
        """Mean gains of this network for a rule, for keys and values at most 1."""
        mechanism = self._mechanism(rule)
        two_phase = isinstance(mechanism, TwoPhase)
        if self.engine == "counts":
            return gains.count_gains(self.code, self.schedule.retrieve if two_phase else self.schedule.encode)
        g = gains.trace_gains(
            self.code, self.schedule, mechanism.tau, self.cell.tau_syn, self.delay, self.dt, two_phase,
            isinstance(mechanism, (Dendritic, PES)),
        )  # fmt: skip
        g = g._replace(live=not getattr(mechanism, "latched", True))
        if self.curve is None:
            return g
        return lif_gains(g, self.cell, self.code.peak, self.schedule, mechanism, self.delay, self.dt)

    def carry_out(
        self,
        rule: Rule,
        q: Array,
        k: Array,
        v: Array,
        beta: Array,
        decay: Array | None,
        seed: Any,
        record: bool = False,
    ) -> Carried:
        """Run instructions (n, T, .) from W = 0; ``record`` keeps the spikes of the first sequence."""
        mechanisms.check_runs(self._mechanism(rule).name, rule)
        _refuse_signed(k, q)
        if record and self.engine == "counts":
            raise ValueError("engine 'counts' has no spike times to record; use engine='poisson' or engine='lif'.")
        scale = _largest(k), _largest(q), _largest(v)
        rows = [
            self._sequence(
                rule, q[n], k[n], v[n], beta[n], None if decay is None else decay[n], scale,
                seeds.generator(seed, "sequence", n), record and n == 0,
            )
            for n in range(len(k))
        ]  # fmt: skip
        W, y, y_spikes, bounded, spent, logs = zip(*rows, strict=True)
        text = {"long_name": "recall from spike counts (nan: not read)", "units": "1"}
        spent_text = {"long_name": "spikes per stored item, all neurons", "units": "1"}
        extras = {
            "y_spikes": (("trial", "time", "value"), np.stack(y_spikes), text),
            "spikes_per_item": (("trial",), np.array(spent), spent_text),
        }
        if record:
            extras |= logs[0]
        return Carried(np.stack(W), np.stack(y), np.array(bounded), extras)

    def describe(self, rule: Rule | str) -> Description:
        """What the network will really do, for a key that is one feature at peak."""
        return describe(self, get_rule(rule))

    def _mechanism(self, rule: Rule) -> Any:
        """The mechanism asked for, or the one that carries the rule."""
        return self.mechanism or _MECHANISMS[mechanisms.choose(rule, "spikes").name]()

    def _sequence(
        self,
        rule: Rule,
        q: Array,
        k: Array,
        v: Array,
        beta: Array,
        decay: Array | None,
        scale: Any,
        rng: Any,
        record: bool,
    ) -> Any:
        """One sequence of items: W, reads from W and from spikes, synapses at a bound, spikes per item, the log."""
        k_max, q_max, v_max = scale
        clones, s, b = self.code.clones, self.schedule, beta * k_max**2
        (T, d_k), d_v = k.shape, v.shape[1]
        keys = np.repeat(k / k_max, clones, axis=1)
        inhibited = np.zeros_like(keys[:, :0])
        writes = (k > 0).any(axis=1) & (beta > 0)
        if rule.centred:  # every key neuron has a partner; a token without a key still takes off the mean
            inhibited = coefficients.running_mean(keys)
            writes = ((k > 0).any(axis=1) | (v != 0).any(axis=1)) & (beta > 0)
        alone = np.zeros(inhibited.shape[1])
        engine = make_engine(self, rng, keys.shape[1] + len(alone), d_v * clones, record)
        reads = (q > 0).any(axis=1) & (np.ones(T, bool) if s.read == "every" else ~writes)
        y, y_spikes, spent = np.empty((T, d_v)), np.full((T, d_v), np.nan), 0
        to_units, W = v_max / k_max, np.zeros((d_v, d_k))
        for t in range(T):
            before = engine.spikes
            if decay is not None:
                engine.W *= (
                    decay[t] if decay.ndim == 1 else np.resize(np.repeat(decay[t], clones), len(engine.W))[:, None]
                )
            if writes[t]:
                self._write(engine, rule, keys[t], inhibited[t], np.repeat(v[t] / v_max, clones), b[t])
                spent += engine.spikes - before
            W = engine.W[: keys.shape[1]].reshape(d_k, clones, d_v, clones).mean(axis=(1, 3)).T * to_units
            y[t] = W @ q[t]
            if reads[t]:
                asked = np.concatenate([np.repeat(q[t] / q_max, clones), alone])
                _, signal = engine.phase(s.retrieve, asked, None, False)
                y_spikes[t] = signal.reshape(d_v, clones).mean(axis=1) * to_units * q_max
                engine.gap(s.gap)
        bounded = float((np.abs(engine.W[: keys.shape[1]]) >= self.bound).mean())
        log = ragged(engine.log, self.dt, engine.W.shape) if record else None
        return W, y, y_spikes, bounded, spent / max(int(writes.sum()), 1), log

    def _write(self, engine: Any, rule: Rule, key: Array, inhibited: Array, value: Array, beta: float) -> None:
        """The phases that write one item; ``inhibited`` are the rates of the partners of the key neurons, if any."""
        mechanism, s = self._mechanism(rule), self.schedule
        live = not getattr(mechanism, "latched", True)
        if isinstance(mechanism, TwoPhase):
            E, _ = engine.phase(s.retrieve, key, None, True, beta if live else 0.0)
            if not live:
                self._add(engine.W, -beta * E)
            engine.gap(s.gap)
        error = mechanism if isinstance(mechanism, ONE_PHASE) else None
        now = -beta if live and error is not None else 0.0  # live changes are taken off
        E, _ = engine.phase(s.encode, np.concatenate([key, inhibited]), value, True, now, error)
        if now == 0:
            n = len(key)
            E = E[:n] - E[n:] if len(inhibited) else E
            self._add(engine.W[:n], (-beta if rule.write == "-beta" else beta) * E)
        engine.gap(s.gap)

    def _add(self, W: Array, change: Array) -> None:
        """Add to the weights; each synapse of a pair stays between 0 and 2 w0."""
        W += change
        np.clip(W, -self.bound, self.bound, out=W)


def _largest(x: Array) -> float:
    """The feature that is sent at the peak rate; 1 if there is none."""
    return float(np.abs(x).max(initial=0.0)) or 1.0


def _refuse_signed(k: Array, q: Array) -> None:
    """Firing rates are not negative."""
    for name, x in (("k", k), ("q", q)):
        if x.size and x.min() < 0:
            raise ValueError(
                f"{name} holds {x.min():.4g}, but keys and queries are sent as firing rates; train the programmer with "
                "a feature map that is not negative: feature='relu', 'elu_plus_one' or 'dpfp(1)'."
            )


def _names(kinds: Any) -> str:
    """Class names for a message."""
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    return " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
