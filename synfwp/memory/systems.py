"""Systems: everything that can store pairs and read queries, under one protocol.

A system is a rule on a substrate (exact, in rates, in spikes, on synapses of a kind), attention, or a function
``(k (P, d_k), v (P, d_v), q (Q, d_k), rng) -> reads (Q, d_v)``, a layer of PyTorch among them. What it leaves open, a
write strength, a decay or a temperature, are its knobs: numbers to choose from on other seeds.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np

from synfwp import checks, fastweights, features, rules, seeds
from synfwp.instructions import Instructions, Outcome
from synfwp.memory.episodes import Episode
from synfwp.memory.pairwise import Attention, Ridge
from synfwp.rules import Rule
from synfwp.substrates.door import Exact, Substrate, run

Array = np.ndarray
Knobs = Mapping[str, tuple[float, ...]]

STEPS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.85, 1.0)
DECAYS = (*(1 - 2.0 ** (-n / 2) for n in range(2, 21)), 1.0)
GRIDS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "beta": STEPS,
        "decay": DECAYS,
        "momentum": (0.0, 0.3, 0.6, 0.9),
        "ridge": (1e-6, 1e-3, 1e-2, 1e-1, 1.0),
    }
)


class Reads(NamedTuple):
    """What a system gives back: reads (n, Q, d_v), and what they cost in spikes, where there are any.

    ``write_spikes`` and ``read_spikes`` (n,) count the spikes of all neurons per association and per query.
    """

    values: Array
    write_spikes: Array | None = None
    read_spikes: Array | None = None


class Store(Protocol):
    """What `capacity` and the others measure: its knobs, its reads and its state."""

    @property
    def knobs(self) -> Knobs:
        """Numbers to choose from, for each knob."""
        ...

    @property
    def scaled_by(self) -> tuple[str, ...]:
        """Knobs that multiply all reads and change nothing else."""
        ...

    def reads(self, at: Episode, rngs: Sequence[np.random.Generator], knobs: Mapping[str, float]) -> Reads:
        """Store the pairs of n episodes and read their queries."""
        ...

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """Variables, bytes, bits and physical synapses of what it keeps of so many pairs."""
        ...


@dataclass(frozen=True)
class System:
    """A rule on a substrate, which stores pairs in fast weights.

    Parameters
    ----------
    rule : Rule or str
        "softmax" is no fast weight: pass that name alone. Rules of several writes per token, and those that write
        themselves, store no pairs: pass a function.
    on : Exact, RateNetwork, SpikingNetwork, a synapse of `synfwp.memory`, or any `Substrate`
        None means ``Exact()``.
    feature, key_norm : str
        Map of keys and queries, and their normaliser, as a `Programmer` has them.
    beta, decay, momentum, ridge : None, float or sequence of float
        A number is kept, and of a sequence the best is chosen on other seeds; None means the usual numbers, of all
        that the rule uses.
    read : "spikes" or "weights"
        What answers in a spiking network: its neurons, or W times the query.

    Raises
    ------
    ValueError, TypeError
        For an unknown name, a rule that stores no pairs, or a knob that the rule has not.

    Examples
    --------
    >>> System("gated_delta", beta=0.5, decay=(0.9, 0.99)).knobs
    {'beta': (0.5,), 'decay': (0.9, 0.99)}
    """

    rule: Rule | str = "hebb"
    on: Substrate | None = None
    feature: str = "identity"
    key_norm: str = "none"
    beta: Any = None
    decay: Any = None
    momentum: Any = None
    ridge: Any = None
    read: str = "spikes"
    _knobs: dict[str, tuple[float, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        row = rules.get_rule(self.rule)
        if not row.uses_values or row.writes > 1 or row.uses_pair or not row.has_weights:
            cure = "pass 'softmax' alone" if not row.has_weights else "pass a function (k, v, q, rng) -> reads"
            raise ValueError(f"rule {row.name!r} does not store pairs by key, value and gates alone; {cure}.")
        features.get_feature(self.feature)
        features.get_normaliser(self.key_norm)
        checks.one_of("read", self.read, ("spikes", "weights"))
        substrate: Any = Exact() if self.on is None else self.on
        if isinstance(substrate, type) or not (hasattr(substrate, "run") and hasattr(substrate, "effective")):
            raise TypeError(f"on is {checks.short(self.on)}; pass Exact(), a network or a synapse.")
        object.__setattr__(self, "rule", row)
        object.__setattr__(self, "on", substrate)
        self._knobs.update(_open(self, row))

    @property
    def row(self) -> Rule:
        """The rule itself."""
        return rules.get_rule(self.rule)

    @property
    def exact(self) -> bool:
        """Whether it is the rule itself."""
        return isinstance(self.on, Exact)

    @property
    def knobs(self) -> Knobs:
        """Numbers to choose from, for each knob that the rule has."""
        return dict(self._knobs)

    @property
    def scaled_by(self) -> tuple[str, ...]:
        """The step, of an exact rule that erases nothing."""
        row = self.row
        sees = row.erase is not None or row.uses_momentum or row.uses_ridge or row.error == "key" or not self.exact
        return () if sees else ("beta",)

    def reads(self, at: Episode, rngs: Sequence[np.random.Generator], knobs: Mapping[str, float]) -> Reads:
        """Store the pairs of n episodes (arrays (n, P, .)) and read their queries (n, Q, d_k)."""
        k, q = self.mapped(at.k), self.mapped(at.q)
        stored, plain = k.shape[1], not {"centred", "normalised"} & set(self.row.special)
        if not self.exact:
            return self._run(tokens(self.row, k, at.v, q, knobs), stored, rngs)
        sent = tokens(self.row, k, at.v, q[:, :0] if plain else q, knobs)
        used: Any = {name: sent.get(name) for name in ("decay", "momentum", "ridge")}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a step that overshoots scores badly
            out = fastweights.scan(self.row, sent["q"], sent["k"], sent["v"], sent["beta"], **used)
        return Reads(q @ np.swapaxes(out.W, -1, -2) if plain else out.y[:, stored:])

    def _run(self, sent: Mapping[str, Any], stored: int, rngs: Sequence[np.random.Generator]) -> Reads:
        """Sequence after sequence on the substrate, each with its own numbers."""
        asks = np.arange(sent["q"].shape[1]) >= stored
        found: list[Outcome] = []
        for i, rng in enumerate(rngs):
            gates = {name: None if sent.get(name) is None else sent[name][i] for name in ("beta", "decay")}
            one = Instructions(sent["q"][i], sent["k"][i], sent["v"][i], **gates, scored=asks)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                found.append(run(self.row, one, on=self.on, seed=rng))
        spoken = self.read == "spikes" and "y_spikes" in found[0].extras
        y = np.stack([one.extras["y_spikes"][1][0] if spoken else one.y[0] for one in found])
        spent = [
            np.array([one.extras[name][1][0] for one in found]) if name in found[0].extras else None
            for name in ("spikes_per_item", "spikes_per_read")
        ]
        return Reads(y[:, stored:], *spent)

    def mapped(self, x: Array) -> Array:
        """Keys or queries behind the feature map and the normaliser."""
        return features.get_normaliser(self.key_norm).apply(features.get_feature(self.feature).apply(x))

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """What it keeps: one matrix and what the rule carries beside it, whatever the number of pairs."""
        row, d = self.row, features.get_feature(self.feature).width(d_key)
        aux, code = fastweights.aux_shape(row, d_value, d), getattr(self.on, "code", None)
        beside = 0 if aux is None else int(np.prod(aux))
        each = getattr(self.on, "variables", 1)
        bits = float(getattr(self.on, "bits", 64.0 * each))  # of a synapse with all its variables
        size = 1 if code is None else 2 * code.neurons_per_feature**2  # values are sent by push and pull neurons
        synapses = d_value * d * size
        kept = synapses * bits + 64.0 * beside
        return {
            "state_variables": float(synapses * each + beside),
            "synapses": float(synapses),
            "bits": kept,
            "state_bytes": kept / 8,
        }


@dataclass(frozen=True)
class Own:
    """A function of a user, or attention, a kernel or least squares of the package, as a system."""

    function: Callable[..., Any]

    @property
    def knobs(self) -> Knobs:
        """Its attribute ``knobs``, a mapping of names to numbers, if it has one."""
        found = getattr(self.function, "knobs", {})
        return {name: _grid(name, values) for name, values in found.items()}

    @property
    def scaled_by(self) -> tuple[str, ...]:
        """Its attribute ``scaled_by``, if it has one."""
        return tuple(getattr(self.function, "scaled_by", ()))

    def reads(self, at: Episode, rngs: Sequence[np.random.Generator], knobs: Mapping[str, float]) -> Reads:
        """Episode after episode, each from arrays of its own; what comes back is checked."""
        wanted, found = (at.q.shape[1], at.v.shape[2]), []
        for i, rng in enumerate(rngs):
            k, v, q = (np.ascontiguousarray(x[i]).copy() for x in (at.k, at.v, at.q))
            found.append(_answer(self.function(k, v, q, rng, **knobs), wanted))
        return Reads(np.stack(found))

    def state(self, load: int, d_key: int, d_value: int) -> dict[str, float]:
        """Its method ``state``, if it has one."""
        own = getattr(self.function, "state", None)
        return dict(own(load, d_key, d_value)) if callable(own) else {}


def as_system(name: str, spec: Any) -> Store:
    """A system from what a user passes for one.

    Parameters
    ----------
    name : str
        For messages.
    spec : object
        A name or row of a rule; "softmax"; "ridge" (least squares); a tuple (rule, substrate); a substrate or a
        synapse, which stands for Hebb's rule on it; a `System`; a function ``(k, v, q, rng) -> reads``.

    Returns
    -------
    System or Own

    Raises
    ------
    TypeError, ValueError
        With the name, for what is none of these.

    Examples
    --------
    >>> as_system("a", ("delta", Exact())).knobs["beta"][-1]
    1.0
    """
    try:
        return _as_system(spec)
    except (TypeError, ValueError) as error:
        raise type(error)(f"system {name!r}: {error}") from None


def _as_system(spec: Any) -> Store:
    """One of the kinds."""
    if isinstance(spec, System | Own):
        return spec
    if isinstance(spec, tuple) and 1 <= len(spec) <= 2:
        rule, on = (*spec, None)[:2]
        if rules.get_rule(rule).has_weights:
            return System(rule, on)
        if on is not None and not isinstance(on, Exact):
            raise ValueError(f"rule 'softmax' has no weights that {type(on).__name__} could carry; pass 'softmax'.")
        return Own(Attention())
    if isinstance(spec, str):
        return Own(Ridge()) if spec == "ridge" else _as_system((spec,))
    if isinstance(spec, Rule):
        return _as_system((spec,))
    if isinstance(spec, type):
        raise TypeError(f"it is the class {spec.__name__}; pass an object, {spec.__name__}(...).")
    if hasattr(spec, "run") and hasattr(spec, "effective"):
        return System("hebb", spec)
    if callable(spec):
        _check_knobs(spec)
        _check_arguments(spec)
        return Own(spec)
    raise TypeError(
        f"it is {checks.short(spec)}; pass a rule, (rule, substrate), 'softmax', a synapse, or a function "
        "(k, v, q, rng) -> reads."
    )


def tokens(rule: Rule, k: Array, v: Array, q: Array, knobs: Mapping[str, float]) -> dict[str, Any]:
    """Instructions (n, P + Q, .) that write all pairs and then only read, of what the rule uses."""
    n, P, Q = len(k), k.shape[1], q.shape[1]
    empty = np.zeros((n, Q, k.shape[2]))
    writes = np.arange(P + Q) < P
    sent: dict[str, Any] = {
        "q": np.concatenate([np.zeros_like(k), q], axis=1),
        "k": np.concatenate([k, empty], axis=1),
        "v": np.concatenate([v, np.zeros((n, Q, v.shape[2]))], axis=1),
        "beta": np.tile(np.where(writes, knobs.get("beta", 1.0), 0.0), (n, 1)) if rule.uses_beta else None,
    }
    if rule.uses_decay:
        kept = np.tile(np.where(writes, knobs["decay"], 1.0), (n, 1))
        width = None if rule.retain == "scalar" else v.shape[2] if rule.error == "key" else k.shape[2]
        sent["decay"] = kept if width is None else np.repeat(kept[..., None], width, axis=2)
    if rule.uses_momentum:
        sent["momentum"] = np.tile(np.where(writes, knobs["momentum"], 0.0), (n, 1))
    if rule.uses_ridge:
        sent["ridge"] = np.full((n, k.shape[2]), knobs["ridge"])
    return sent


def _open(system: System, row: Rule) -> dict[str, tuple[float, ...]]:
    """The knobs of a rule: those that the user set, and the usual choice of the others."""
    uses = {"beta": row.uses_beta, "decay": row.uses_decay, "momentum": row.uses_momentum, "ridge": row.uses_ridge}
    found: dict[str, tuple[float, ...]] = {}
    for name, used in uses.items():
        given = getattr(system, name)
        if given is not None and not used:
            raise ValueError(f"{name} is {checks.short(given)}, but rule {row.name!r} has none; leave it out.")
        if used:
            usual = (1.0,) if name == "beta" and row.uses_ridge else GRIDS[name]  # the ridge says the same
            found[name] = usual if given is None else _grid(name, given)
    return found


def _grid(name: str, given: Any) -> tuple[float, ...]:
    """Numbers to choose from."""
    values = checks.array(name, given, high=1 if name == "decay" else np.inf)
    if not values.size or values.ndim > 1:
        raise ValueError(f"{name} is {checks.short(given)}; pass a number, or a sequence of numbers to choose from.")
    return tuple(float(x) for x in np.atleast_1d(values))


def _answer(found: Any, wanted: tuple[int, int]) -> Array:
    """What a function gave, as numbers of the right shape; a tensor of PyTorch is taken off its graph."""
    for step in ("detach", "cpu"):
        found = getattr(found, step, lambda found=found: found)()
    values = checks.plain("what the function returned", np.asarray(found))
    if values.shape != wanted:
        raise ValueError(f"the function returned shape {values.shape}; return reads of shape {wanted}, (queries, d_v).")
    if not np.isfinite(values).all():
        raise FloatingPointError(f"the function returned {values[~np.isfinite(values)][0]}; return finite numbers.")
    return values.astype(float)


def _check_arguments(function: Callable[..., Any]) -> None:
    """A function that can be called with k, v, q and rng."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(None, None, None, None, **dict.fromkeys(getattr(function, "knobs", {})))
    except TypeError as error:
        raise TypeError(f"it cannot be called as (k, v, q, rng): {error}; give it these arguments.") from None


def _check_knobs(function: Callable[..., Any]) -> None:
    """Knobs, where it has any, that are a mapping of names to numbers."""
    found = getattr(function, "knobs", {})
    if not isinstance(found, Mapping):
        raise TypeError(f"its knobs are {checks.short(found)}; pass a mapping of names to sequences of numbers.")
    for name, values in found.items():
        _grid(str(name), values)


def probe(name: str, system: Store, at: Episode) -> None:
    """Run a system on the first pairs of an episode, so that what it cannot take is told before a long run.

    Raises
    ------
    TypeError, ValueError, FloatingPointError
        What the system raises, with its name; RuntimeError for any other error of a function.
    """
    first = Episode(at.k[:1, :2], at.v[:1, :2], at.q[:1, :2], at.target[:1, :2], at.candidates[:1], at.label[:1, :2])
    try:
        with np.errstate(all="ignore"):
            system.reads(first, [seeds.generator(0, "probe")], {knob: grid[-1] for knob, grid in system.knobs.items()})
    except (TypeError, ValueError, FloatingPointError) as error:
        hint = (
            " Keys that are rates: keys='relu', or System(..., feature='relu')." if "firing rates" in str(error) else ""
        )
        raise type(error)(f"system {name!r}: {error}{hint}") from error
    except Exception as error:
        raise RuntimeError(f"system {name!r} raised {type(error).__name__}: {error}") from error
