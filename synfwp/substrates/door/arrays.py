"""Instructions on a substrate, and the rules that a run is compared with, as arrays."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from synfwp import checks, coefficients, fastweights, rules, seeds
from synfwp.coefficients import Coefficients
from synfwp.instructions import Instructions, Outcome
from synfwp.rules import Rule

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray


class Substrate(Protocol):
    """What runs instructions; arrays have shapes (n, T, .).

    A ``run`` with arguments ``record``, ``scored (n, T)``, ``states`` or ``W0 (n, d_v, d_k)`` is also given these,
    where they are asked for, and an ``effective`` with an argument ``v (n, T, d_v)`` the values.
    """

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None) -> Coefficients | None:
        """The coefficients that it has on average; None: exactly those of the target rule."""
        ...

    def run(
        self, rule: Rule, q: Array, k: Array, v: Array, beta: Array, decay: Array | None, seed: seeds.Seed
    ) -> Outcome:
        """Run the instructions from W = 0, or from a W0."""
        ...


@dataclass(frozen=True)
class Exact:
    """The exact recurrence as a substrate: the reference that the others are compared with.

    Examples
    --------
    >>> Exact()
    Exact()
    """

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None) -> None:
        """Exactly the target rule."""

    def run(
        self,
        rule: Rule,
        q: Array,
        k: Array,
        v: Array,
        beta: Array,
        decay: Array | None,
        seed: seeds.Seed,
        states: int = 0,
        W0: Array | None = None,
    ) -> Outcome:
        """`synfwp.scan`, of which ``states`` and ``W0`` are arguments too."""
        out = _exact(rule, q, k, v, beta, decay, states, W0)
        return Outcome(out.W, out.y, np.zeros(len(k)), states=out.states)


class Sent(NamedTuple):
    """Arrays (n, T, .) of what a rule uses of instructions, what it does not, and whether there was no batch axis."""

    q: Array
    k: Array
    v: Array
    beta: Array
    decay: Array | None
    dropped: tuple[str, ...]
    single: bool
    scored: Array | None  # (n, T) booleans, at least one of them true

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array, Array | None]:
        """q, k, v, beta and decay."""
        return self.q, self.k, self.v, self.beta, self.decay


def run(
    rule: Rule | str,
    instructions: Instructions | xr.Dataset | Sent,
    on: Substrate | None = None,
    seed: seeds.Seed = 0,
    record: bool = False,
    states: int = 0,
    W0: Array | None = None,
) -> Outcome:
    """Run instructions on a substrate, as arrays.

    Parameters
    ----------
    rule : Rule or str
    instructions : Instructions or xarray.Dataset
        Arrays with at most one leading axis of n sequences; a single sequence is run as n = 1.
    on : Exact, RateNetwork, SpikingNetwork, or any `Substrate`
        None means ``Exact()``.
    seed : int, SeedSequence or Generator
    record : bool
        Keep the spikes of the first sequence (spiking networks only).
    states : int
        Keep W after every so many tokens; 0 keeps none.
    W0 : None or array that broadcasts to (n, d_v, d_k)
        What W starts with; None means 0. All else is at rest.

    Returns
    -------
    Outcome
        ``W (n, d_v, d_k)``, ``y (n, T, d_v)``, ``fraction_at_bound (n,)``, and extras of the substrate.

    Raises
    ------
    TypeError, ValueError
        For bad instructions, a rule that the substrate cannot run (the message names one that can), or a substrate
        that takes no ``record``, ``states`` or ``W0`` where they are asked for.
    FloatingPointError
        If a number grows beyond what floats hold.

    Examples
    --------
    >>> one = np.eye(3)
    >>> run("hebb", Instructions(q=one, k=one, v=one)).W.tolist()
    [[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]]
    """
    row, substrate = rules.get_rule(rule), check_substrate(on)
    sent = prepare(row, instructions)
    seeds.generator(seed)  # refuses what is no seed, even where nothing is drawn
    takes = inspect.signature(substrate.run).parameters
    more: dict[str, Any] = {}
    if record and "record" not in takes:
        name = type(substrate).__name__
        raise ValueError(f"record keeps spikes and {name} has none; pass on=SpikingNetwork(engine='poisson') or 'lif'.")
    if record:
        more["record"] = True
    if sent.scored is not None and "scored" in takes:
        more["scored"] = sent.scored
    more |= _carried_on(substrate, takes, sent, checks.count("states", states, 0), W0)
    reading: Any = substrate
    try:
        found: Outcome = reading.run(row, *sent.arrays, seed=seed, **more)
    except OverflowError:
        raise _beyond(row, substrate) from None
    unread = np.isnan(found.y) if "scored" in takes else False  # what a schedule does not read is NaN
    if not (np.isfinite(found.W).all() and (np.isfinite(found.y) | unread).all()):
        raise _beyond(row, substrate)
    return found


def _carried_on(substrate: Substrate, takes: Any, sent: Sent, states: int, W0: Any) -> dict[str, Any]:
    """The arguments states and W0 of a run, where they are asked for."""
    more: dict[str, Any] = {"states": states} if states else {}
    if W0 is not None:
        shape = (len(sent.k), sent.v.shape[-1], sent.k.shape[-1])
        W0 = checks.array("W0", W0)
        try:
            more["W0"] = np.ascontiguousarray(np.broadcast_to(W0, shape))
        except ValueError:
            raise ValueError(f"W0 has shape {W0.shape}; it must broadcast to {shape}, (n, d_v, d_k).") from None
    for name in more:
        if name not in takes:
            kind = type(substrate).__name__
            raise ValueError(
                f"{name} was passed, but run of {kind} has no argument {name}; leave it out, or add it there."
            )
    return more


def _beyond(rule: Rule, substrate: Substrate) -> FloatingPointError:
    """The error of a run that overflows."""
    return FloatingPointError(
        f"rule {rule.name!r} on {type(substrate).__name__} goes beyond what floats hold though every instruction is "
        "finite; make q, k, v or beta smaller, or times longer."
    )


def references(
    rule: Rule | str, instructions: Instructions | xr.Dataset | Sent, on: Substrate | None = None
) -> Mapping[str, fastweights.Scan]:
    """What a run is compared with: exact scans of the target, the effective rule, and shuffled items.

    Parameters
    ----------
    rule, instructions, on
        As in `run`.

    Returns
    -------
    mapping of names to Scan
        ``"target"``: the rule; ``"effective"``: what the substrate does on average; ``"shuffled"``: the rule on
        instructions whose values are dealt to other keys.

    Examples
    --------
    >>> one = np.eye(3)
    >>> sorted(references("hebb", Instructions(q=one, k=one, v=one)))
    ['effective', 'shuffled', 'target']
    """
    row, substrate = rules.get_rule(rule), check_substrate(on)
    q, k, v, beta, decay = prepare(row, instructions).arrays
    target = _exact(row, q, k, v, beta, decay)
    asking: Any = substrate  # a substrate whose coefficients depend on the values takes them too
    more = {"v": v} if "v" in inspect.signature(substrate.effective).parameters else {}
    effective, c = target, asking.effective(row, k, beta, decay, **more)
    if c is not None:
        keys, queries = coefficients.written_keys(row, k), coefficients.read_queries(row, q, k)
        effective = fastweights.run_coefficients(queries, keys, v, c, np.zeros_like(target.W))
    other = Instructions(q, k, v, beta).shuffled(seeds.generator(0, "baseline")).v
    return {"target": target, "effective": effective, "shuffled": _exact(row, q, k, other, beta, decay)}


def check_substrate(on: Substrate | None) -> Substrate:
    """A substrate, ``Exact()`` for None, or a TypeError."""
    substrate: Any = Exact() if on is None else on
    if isinstance(substrate, type) or not (hasattr(substrate, "run") and hasattr(substrate, "effective")):
        raise TypeError(f"on is {checks.short(on)}; pass Exact(), a RateNetwork or a SpikingNetwork.")
    return substrate


def prepare(rule: Rule, instructions: Any) -> Sent:
    """Checked arrays (n, T, .) in float64 of what the rule uses."""
    if isinstance(instructions, Sent):
        return instructions
    if not isinstance(instructions, Instructions):
        if not hasattr(instructions, "data_vars"):
            raise TypeError(f"instructions is a {type(instructions).__name__}; pass Instructions or a Dataset of them.")
        instructions = Instructions.from_dataset(instructions)
    rules.check_instructed(rule, "run it with synfwp.scan; no substrate runs it")
    decay = instructions.decay if rule.uses_decay else None
    dropped = ["decay"] if decay is None and instructions.decay is not None else []
    beta = instructions.beta if rule.uses_beta else None
    if beta is None and instructions.beta is not None:
        dropped.append("beta")
    dropped += [name for name in ("momentum", "ridge") if getattr(instructions, name) is not None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the run itself warns of unstable steps
        call = fastweights.check(rule, instructions.q, instructions.k, instructions.v, beta, decay, None)
    if call.beta.ndim == call.v.ndim:
        raise ValueError(
            "beta has as many axes as v; substrates take one write strength per token: run it with synfwp.scan."
        )
    if len(call.lead) > 1:
        raise ValueError(f"k has leading axes {call.lead}; pass (T, d_k) or (trial, T, d_k).")
    if not len(call.k):
        raise ValueError(f"k has shape {np.shape(instructions.k)}, which holds no trial; pass at least one.")
    q, k, v, b = (x.astype(float) for x in (call.q, call.k, call.v, call.beta))
    decay = None if call.decay is None else call.decay.astype(float)
    scored = None if instructions.scored is None else np.broadcast_to(instructions.scored, q.shape[:-1])
    marked = scored is not None and scored.any()
    return Sent(q, k, v, b, decay, tuple(dropped), not call.lead, scored if marked else None)


def _exact(
    rule: Rule, q: Array, k: Array, v: Array, beta: Array, decay: Array | None, states: int = 0, W0: Any = None
) -> fastweights.Scan:
    """The exact rule on prepared arrays."""
    out = fastweights.scan(rule, q, k, v, beta if rule.uses_beta else None, decay=decay, W0=W0, states=states)
    if not (np.isfinite(out.W).all() and np.isfinite(out.y).all()):
        raise _beyond(rule, Exact())
    return out
