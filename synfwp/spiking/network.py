"""A spiking network that carries out update rules, item by item, in theta cycles."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synfwp import checks, realisations, seeds, units
from synfwp.instructions import Carried, Description
from synfwp.realisations import Gains
from synfwp.rules import Rule, get_rule
from synfwp.spiking import gains
from synfwp.spiking.engines import CELLS, make_engine
from synfwp.spiking.parameters import LIF, GatedTrace, RateCode, ThetaCycle, TwoPhase
from synfwp.spiking.record import ragged
from synfwp.streams import Coefficients

Array = np.ndarray
_MECHANISMS = {"gated_trace": GatedTrace, "two_phase": TwoPhase}


@dataclass(frozen=True, kw_only=True)
class SpikingNetwork:
    """Populations of key neurons drive push and pull populations of value neurons through plastic synapses.

    Keys and queries are firing rates, so they must not be negative. A signed weight is a pair ``w0 +- W/2`` of positive
    synapses read as their difference, exact until ``|W| = 2 w0``; weights are in units of (largest value) / (largest
    key). Recurrent transmission is on only while an item is retrieved or read.

    Parameters
    ----------
    engine : "counts", "poisson" or "lif"
        Poisson counts of whole windows; spikes of Poisson neurons; spikes of leaky integrate-and-fire neurons.
    neuron : None, Poisson or LIF
        None takes the default of the engine.
    code : RateCode
    schedule : ThetaCycle
    mechanism : None, GatedTrace or TwoPhase
        None takes the one that carries the rule.
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

    Source: two phases after Hasselmo, Bodelon & Wyble 2002; rules after Irie & Gershman 2025.

    >>> print(SpikingNetwork().describe("delta"))
    delta in a spiking network, engine counts, mechanism two_phase
      writes 1, erases 1 when asked for beta = 1
      a synapse at peak erases 0.0125 of itself with its own spikes; cross-talk 0
      80 spikes for a key feature at peak in one window, 8 clones
      stable for beta |k|^2 up to 1.882 in counts (exact keys: 2)
      280 ms to write an item, 140 ms to read one
    """

    engine: str = "counts"
    neuron: Any = None
    code: RateCode = field(default_factory=RateCode)
    schedule: ThetaCycle = field(default_factory=ThetaCycle)
    mechanism: GatedTrace | TwoPhase | None = None
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
        live = isinstance(self.mechanism, TwoPhase) and not self.mechanism.latched
        if self.engine == "counts":
            if live:
                raise ValueError(
                    "engine 'counts' has no time within a window; live depression needs 'poisson' or 'lif'."
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
    def trace(self) -> float:
        """Time constant (ms) of the traces."""
        return float((self.mechanism or GatedTrace()).tau)

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None) -> Coefficients:
        """What the network carries out on average, from parameters and instructions alone."""
        mechanism = self._mechanism(rule)
        row = realisations.check_runs(mechanism.name, rule)
        g = self.gains(rule)
        return row.effective(rule, k, beta, decay, g._replace(own=g.own * _largest(k)))

    def gains(self, rule: Rule) -> Gains:
        """Mean gains of this network for a rule, for keys and values at most 1."""
        mechanism = self._mechanism(rule)
        if self.engine == "counts":
            return gains.count_gains(self.code, self.schedule)
        two_phase = isinstance(mechanism, TwoPhase)
        g = gains.trace_gains(
            self.code, self.schedule, mechanism.tau, self.cell.tau_syn, self.delay, self.dt, two_phase
        )
        return g._replace(live=two_phase and not mechanism.latched)

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
        realisations.check_runs(self._mechanism(rule).name, rule)
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
            extras |= ragged(logs[0], self.dt)
        return Carried(np.stack(W), np.stack(y), np.array(bounded), extras)

    def describe(self, rule: Rule | str) -> Description:
        """What the network will really do, for a key that is one feature at peak."""
        row = get_rule(rule)
        mechanism = self._mechanism(row)
        one = np.ones((1, 1))
        c = self.effective(row, one[None], one, {None: None, "scalar": one, "key": one[None]}[row.retain])
        write, erase = float(c.write[0, 0]), 0.0 if c.erase is None else float(c.erase[0, 0])
        g, s = self.gains(row), self.schedule
        two_phase = isinstance(mechanism, TwoPhase)
        window = s.retrieve if two_phase else s.encode
        spikes = self.code.clones * units.per_ms(self.code.peak) * window
        bound = realisations.stability_bound([1.0], spikes) if two_phase and not g.live else np.inf
        stable = (
            f"stable for beta |k|^2 up to {bound:.4g} in counts (exact keys: 2)"
            if bound < np.inf
            else (
                "depression acts while it retrieves: no step overshoots on average"
                if g.live
                else "stable for every beta"
            )
        )
        item = s.encode + s.gap + (s.retrieve + s.gap if two_phase else 0.0)
        values = {"write": write, "erase": erase, "own": g.own if two_phase else 0.0}
        values |= {"cross_talk": g.cross_talk, "spikes": spikes, "stability_bound": bound, "duration": item}
        own = f"a synapse at peak erases {g.own:.3g} of itself with its own spikes; " if two_phase else ""
        lines = [
            f"writes {write:.4g}, erases {erase:.4g} when asked for beta = 1",
            f"{own}cross-talk {g.cross_talk:.2g}",
            f"{spikes:.4g} spikes for a key feature at peak in one window, {self.code.clones} clones",
            stable,
            f"{item:g} ms to write an item, {s.retrieve + s.gap:g} ms to read one",
        ]
        if isinstance(self.cell, LIF):
            curve = gains.lif_curve(self.cell, self.code.peak, self.dt)
            values["distortion"] = curve.distortion
            lines.append(
                f"push minus pull rate is linear within {100 * curve.distortion:.1f} % of the peak, "
                f"{curve.baseline:.1f} Hz without a signal"
            )
        title = f"{row.name} in a spiking network, engine {self.engine}, mechanism {mechanism.name}"
        return Description(title, values, lines)

    def _mechanism(self, rule: Rule) -> Any:
        """The mechanism asked for, or the one that carries the rule."""
        return self.mechanism or _MECHANISMS[realisations.choose(rule, "spikes").name]()

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
        two_phase = isinstance(self._mechanism(rule), TwoPhase)
        live = two_phase and not self._mechanism(rule).latched
        engine = make_engine(self, rng, d_k * clones, d_v * clones, record)
        writes = (k > 0).any(axis=1) & (beta > 0)
        reads = (q > 0).any(axis=1) & (np.ones(T, bool) if s.read == "every" else ~writes)
        y, y_spikes, spent = np.empty((T, d_v)), np.full((T, d_v), np.nan), 0
        to_units, W = v_max / k_max, np.zeros((d_v, d_k))
        for t in range(T):
            before = engine.spikes
            if decay is not None:
                engine.W *= decay[t] if decay.ndim == 1 else np.repeat(decay[t], clones)[:, None]
            rates = np.repeat(k[t] / k_max, clones)
            if writes[t] and two_phase:
                E, _ = engine.phase(s.retrieve, rates, None, True, b[t] if live else 0.0)
                if not live:
                    self._add(engine.W, -b[t] * E)
                engine.gap(s.gap)
            if writes[t]:
                E, _ = engine.phase(s.encode, rates, np.repeat(v[t] / v_max, clones), True)
                self._add(engine.W, (-b[t] if rule.write == "-beta" else b[t]) * E)
                engine.gap(s.gap)
                spent += engine.spikes - before
            W = engine.W.reshape(d_k, clones, d_v, clones).mean(axis=(1, 3)).T * to_units
            y[t] = W @ q[t]
            if reads[t]:
                _, signal = engine.phase(s.retrieve, np.repeat(q[t] / q_max, clones), None, False)
                y_spikes[t] = signal.reshape(d_v, clones).mean(axis=1) * to_units * q_max
                engine.gap(s.gap)
        bounded = float((np.abs(engine.W) >= self.bound).mean())
        log = engine.log if record else None
        return W, y, y_spikes, bounded, spent / max(int(writes.sum()), 1), log

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
