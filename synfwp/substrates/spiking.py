"""A spiking network that carries out update rules, item by item, in theta cycles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from synfwp import checks, grid, seeds, shown, units
from synfwp.coefficients import Coefficients, written_keys
from synfwp.instructions import Description, Instructions, Outcome
from synfwp.rules import Rule, get_rule
from synfwp.spiking.neurons import LIF, Poisson
from synfwp.substrates import errors, gains, mechanisms
from synfwp.substrates.code import RateCode, ThetaCycle
from synfwp.substrates.describe import before_writes, describe, spikes_of
from synfwp.substrates.engines import NEURONS, Setup
from synfwp.substrates.measured import lif_gains
from synfwp.substrates.mechanisms import MECHANISMS, Gains, Mechanism
from synfwp.substrates.sequence import Items, run_sequence
from synfwp.substrates.soma import LIFCurve, lif_curve

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray


@dataclass(frozen=True, kw_only=True)
class SpikingNetwork(shown.OneLine):
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
        None takes the default of the engine: ``Poisson()``, or ``LIF(noise=5.0)``.
    code : RateCode
    schedule : ThetaCycle
    mechanism : None or Mechanism
        `GatedTrace`, `TwoPhase`, `Dendritic`, `InhibitoryCancellation`, `PES`, or one of your own. None takes the first
        of them that carries the rule.
    delay, dt : float
        Synaptic delay and time step in ms (not used by "counts"); phases, delay and t_ref are multiples of dt.
    w0 : float
        Half of the range of a synapse, in units of (largest value) / (largest key).
    dale : bool
        False lets weights change sign without bound, which is an idealisation.

    Raises
    ------
    TypeError, ValueError
        For parameters of the wrong kind or unit, durations off the grid, or a mechanism whose flags contradict each
        other or whose updates the engines do not have.

    Notes
    -----
    A `Circuit` runs the rows of the mechanisms too and writes the same on average, but it draws other random numbers
    and takes 1.5 to 13 times as long: one engine in place of the two would change every result. Both stay, and
    ``tests/substrates/test_bridge.py``, which builds the one from the other, is their contract.

    References
    ----------
    Two phases after Hasselmo, Bodelon & Wyble 2002, Neural Computation 14:793; rules after Irie & Gershman 2025; other
    mechanisms as each of them has it.

    Examples
    --------
    >>> print(SpikingNetwork().describe("delta"))
    delta in a spiking network, engine counts, mechanism two_phase
      writes 1, erases 1 for a target of beta = 1
      self-erasure 0.0125: a synapse at peak, by its own spikes; carry-over 0
      80 spikes for a key feature at peak in one window, 8 neurons per feature
      stable for beta |k|^2 up to 1.736 in counts (exact keys: 2)
      240 spikes of all neurons to write an item of one key and one value at peak into empty synapses
      280 ms to write an item, 140 ms to read one
    """

    engine: str = "counts"
    neuron: Poisson | LIF | None = None
    code: RateCode = field(default_factory=RateCode)
    schedule: ThetaCycle = field(default_factory=ThetaCycle)
    mechanism: Mechanism | None = None
    delay: Any = 1.0
    dt: Any = 0.5
    w0: Any = 2.0
    dale: bool = True

    def __post_init__(self) -> None:
        checks.one_of("engine", self.engine, NEURONS)
        self._check_kinds()
        for name, unit in (("delay", "ms"), ("dt", "ms"), ("w0", "1")):
            value = units.number(getattr(self, name), unit, name, 0, above=name != "delay")
            object.__setattr__(self, name, value)
        if self.mechanism is not None:
            mechanisms.check_kernel(self.mechanism)
            if self.engine == "counts" and self.mechanism.online:
                raise ValueError(
                    "engine 'counts' has no time within a window; online plasticity needs 'poisson' or 'lif'."
                )
        if self.engine != "counts":
            self._check_grid()

    def _check_kinds(self) -> None:
        """Fields of the right class."""
        expected: dict[str, tuple[type, ...]] = {
            "code": (RateCode,),
            "schedule": (ThetaCycle,),
            "neuron": (type(NEURONS[self.engine]), type(None)),
            "mechanism": (*(type(row) for row in MECHANISMS.values()), Mechanism, type(None)),
        }
        for name, kinds in expected.items():
            if not isinstance(getattr(self, name), kinds):
                kind = type(getattr(self, name)).__name__
                raise TypeError(f"{name} is a {kind}; engine {self.engine!r} takes {_names(kinds)}.")
        own = self.neuron.arrays if isinstance(self.neuron, LIF) else {}
        if own:
            raise ValueError(
                f"neuron has a value for each neuron ({', '.join(own)}), but all neurons of a SpikingNetwork are "
                "equal; pass numbers, or build a Circuit."
            )

    def _check_grid(self) -> None:
        """Durations are multiples of dt."""
        durations = {name: getattr(self.schedule, name) for name in ("retrieve", "encode", "gap")}
        neuron = self._neuron
        durations |= {"delay": self.delay} | ({"t_ref": neuron.t_ref} if isinstance(neuron, LIF) else {})
        for name, value in durations.items():
            if grid.multiples(value, self.dt)[1]:
                raise ValueError(f"{name} is {value:g} ms, which is not a multiple of dt = {self.dt:g} ms.")

    @property
    def bound(self) -> float:
        """Largest |W|."""
        return 2 * float(self.w0) if self.dale else np.inf

    def largest_weight(self, k: Array, v: Array) -> float:
        """Largest |W| that the synapses hold while these keys and values are sent, in the units of W.

        Examples
        --------
        >>> SpikingNetwork(w0=2.0).largest_weight(np.full((1, 1, 2), 0.5), np.ones((1, 1, 3)))
        8.0
        """
        return self.bound * _largest(v) / _largest(k)

    @property
    def curve(self) -> LIFCurve | None:
        """The measured f-I curve of LIF neurons and their working point; None for neurons that follow their drive."""
        neuron = self._neuron
        return lif_curve(neuron, self.code.peak, self.dt) if isinstance(neuron, LIF) else None

    def setup(self, rule: Rule | str) -> Setup:
        """What an engine of this network is made of for a rule.

        Raises
        ------
        ValueError
            If the mechanism cannot run the rule; the message names one that can.
        """
        mechanism = self._mechanism(get_rule(rule))
        return Setup(
            self.engine, mechanism, self.code, self.schedule, self._neuron, self.curve, self.dt, self.delay, self.bound
        )

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None, v: Array | None = None) -> Coefficients:
        """What the network carries out on average, from parameters and instructions alone.

        Parameters
        ----------
        rule : Rule
        k : (n, T, d_k) array
        beta : (n, T) array
        decay : None, (n, T) or (n, T, d_k) array
        v : None or (n, T, d_v) array
            Values. Neurons that fire for an error at a baseline below the peak carry small errors by both sides: with
            values, the coefficients of a row of W are multiplied by what its errors gain so (not of LIF neurons, whose
            gain is measured at the peak, and not online). Without, errors are carried in proportion.

        Returns
        -------
        Coefficients

        Raises
        ------
        ValueError
            If the mechanism cannot run the rule; the message names one that can.
        """
        g = self.gains(rule)
        g, setup = g._replace(self_erasure=g.self_erasure * _largest(k)), self.setup(rule)
        if v is not None and errors.bends(setup):
            return errors.bent(setup, rule, k, v, beta, decay, g, _largest(k))
        return setup.mechanism.effective(rule, k, beta, decay, g)

    def gains(self, rule: Rule) -> Gains:
        """Mean gains of this network for a rule, for keys and values at most 1."""
        mechanism, neuron = self._mechanism(rule), self._neuron
        if self.engine == "counts":
            return gains.count_gains(self.code, self.schedule, mechanism)
        g = gains.trace_gains(self.code, self.schedule, mechanism, neuron.tau_syn, self.delay, self.dt)
        if not isinstance(neuron, LIF):
            return g
        return lif_gains(g, neuron, self.code.peak, self.schedule, mechanism, self.delay, self.dt)

    def run(
        self,
        rule: Rule,
        q: Array,
        k: Array,
        v: Array,
        beta: Array,
        decay: Array | None,
        seed: seeds.Seed,
        record: bool = False,
        scored: Array | None = None,
        states: int = 0,
        W0: Array | None = None,
    ) -> Outcome:
        """Run instructions (n, T, .) from rest; ``record`` keeps the spikes of the first sequence.

        ``scored (n, T)`` marks tokens whose spikes are read out, as the schedule has it. ``states`` keeps W after every
        so many items; ``W0 (n, d_v, d_k)`` is what W starts with, None is 0: all synapses between the neurons of two
        features are then equal.

        Returns
        -------
        Outcome
            Its extras are ``y_spikes``, ``spikes_per_item``, ``spikes_per_read`` and, where recorded, spikes and
            phases.

        Raises
        ------
        ValueError
            If the mechanism cannot run the rule, keys or queries are negative, "counts" has to record, or W0 is beyond
            what the synapses hold.
        """
        setup = self.setup(rule)
        _refuse_signed(k, q)
        _refuse_beyond(W0, self.largest_weight(k, v))
        if record and self.engine == "counts":
            raise ValueError("engine 'counts' has no spike times to record; use engine='poisson' or engine='lif'.")
        read = max(_largest(q), _largest(k)) if rule.centred else _largest(q)  # partners fire for keys
        scale = _largest(k), read, _largest(v)
        left = [
            run_sequence(
                setup,
                rule,
                Items(
                    q[n],
                    k[n],
                    v[n],
                    beta[n],
                    None if decay is None else decay[n],
                    scale,
                    None if scored is None else scored[n],
                    None if W0 is None else W0[n],
                ),
                seeds.generator(seed, "sequence", n),
                record and n == 0,
                states,
            )
            for n in range(len(k))
        ]
        text = {"long_name": "recall from spike counts (nan: not read)", "units": "1"}
        spent_text = {"long_name": "spikes per stored item, all neurons", "units": "1"}
        asked_text = {"long_name": "spikes per token that is read out, all neurons", "units": "1"}
        extras: dict[str, Any] = {
            "y_spikes": (("trial", "time", "value"), np.stack([one.y_spikes for one in left]), text),
            "spikes_per_item": (("trial",), np.array([one.spent for one in left]), spent_text),
            "spikes_per_read": (("trial",), np.array([one.asked for one in left]), asked_text),
        }
        if record:
            extras |= left[0].log
        W, y = np.stack([one.W for one in left]), np.stack([one.y for one in left])
        kept = np.stack([one.states for one in left]) if states else None
        return Outcome(W, y, np.array([one.bounded for one in left]), extras, kept)

    def describe(self, rule: Rule | str, instructions: Instructions | xr.Dataset | None = None) -> Description:
        """What the network really does, for a key that is one feature at peak.

        Parameters
        ----------
        rule : Rule or str
        instructions : None, Instructions or xarray.Dataset
            What will be sent. The spikes of an item are then those of these items on average, with several features of
            keys and values active and with what is retrieved of earlier items.

        Returns
        -------
        Description
            ``values`` has ``write``, ``erase``, ``self_erasure``, ``carry_over``, ``spikes`` (of a feature at peak in a
            window), ``spikes_per_item``, ``stability_bound``, ``duration`` (ms); of LIF neurons ``distortion``, of
            mechanisms with a baseline ``error_distortion``.

        Raises
        ------
        ValueError
            If the mechanism cannot run the rule; the message names one that can. If instructions have negative keys.

        Examples
        --------
        >>> import numpy as np
        >>> network, key = SpikingNetwork(), np.eye(4)
        >>> sent = Instructions(key, key, np.ones((4, 6)))  # six features of a value at peak, not one
        >>> [network.describe("hebb", *given).values["spikes_per_item"] for given in ((), (sent,))]
        [160.0, 560.0]
        """
        row, sent = get_rule(rule), None
        mechanism, known = self._mechanism(row), (self.schedule, self.code, self.curve)
        if instructions is not None:
            k, v, beta, decay = _arrays(row, instructions)
            _refuse_signed(k, k)
            c, keys = self.effective(row, k, beta, decay, v), written_keys(row, k)
            read = before_writes(c, k, keys, v, decay)
            sent = spikes_of(row, mechanism, *known, k, v, beta, read)
        return describe(row, self.engine, mechanism, self.gains(row), *known, sent)

    @property
    def _neuron(self) -> Poisson | LIF:
        """The neuron model in use."""
        return NEURONS[self.engine] if self.neuron is None else self.neuron

    def _mechanism(self, rule: Rule) -> Mechanism:
        """The mechanism of the network, if it runs the rule, or the one that carries it by default."""
        if self.mechanism is None:
            return mechanisms.choose(rule, MECHANISMS)
        return mechanisms.check_runs(self.mechanism, rule, MECHANISMS)


def _refuse_beyond(W0: Array | None, most: float) -> None:
    """Weights to start with that the synapses hold."""
    if W0 is not None and np.abs(W0).max(initial=0.0) > most * (1 + 1e-12):
        raise ValueError(
            f"W0 holds {np.abs(W0).max():.4g}, but with these keys and values the synapses hold at most {most:.4g} "
            "(2 w0 largest value / largest key); make W0 smaller, raise w0, or pass dale=False."
        )


def _largest(x: Array) -> float:
    """The feature that is sent at the peak rate; 1 if there is none."""
    return float(np.abs(x).max(initial=0.0)) or 1.0


def _arrays(rule: Rule, instructions: Any) -> tuple[Array, Array, Array, Array | None]:
    """k, v, beta and decay of instructions as arrays (n, T, .), of what the rule uses."""
    if not isinstance(instructions, Instructions):
        if not hasattr(instructions, "data_vars"):
            kind = type(instructions).__name__
            raise TypeError(f"instructions is a {kind}; pass Instructions or a Dataset of them.")
        instructions = Instructions.from_dataset(instructions)
    if rule.uses_decay and instructions.decay is None:
        raise ValueError(f"rule {rule.name!r} has a decay, but the instructions have none.")
    k, v = (checks.array(name, x) for name, x in (("k", instructions.k), ("v", instructions.v)))
    lead = np.broadcast_shapes(k.shape[:-1], v.shape[:-1])

    def whole(x: Any, axes: int) -> Array:
        shape = (*lead, *np.shape(x)[np.ndim(x) - axes :])
        return np.broadcast_to(np.asarray(x, float), shape).reshape(-1, *shape[len(lead) - 1 :])

    beta = whole(1.0 if instructions.beta is None or not rule.uses_beta else instructions.beta, 0)
    decay = whole(instructions.decay, 1 if rule.retain == "key" else 0) if rule.uses_decay else None
    return whole(k, 1), whole(v, 1), beta, decay


def _refuse_signed(k: Array, q: Array) -> None:
    """Firing rates are not negative."""
    for name, x in (("k", k), ("q", q)):
        if x.size and x.min() < 0:
            raise ValueError(
                f"{name} holds {x.min():.4g}, but keys and queries are sent as firing rates; train the programmer with "
                "a feature map that is not negative: feature='relu', 'elu_plus_one' or 'dpfp(1)'."
            )


def _names(kinds: tuple[type, ...]) -> str:
    """Class names for a message."""
    return " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
