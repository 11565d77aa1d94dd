"""Runs of instructions on a substrate as a labelled Dataset, next to what they are compared with."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synfwp import checks, measures, results, rules, seeds
from synfwp.instructions import Instructions, Outcome
from synfwp.rules import Rule
from synfwp.substrates.door import arrays
from synfwp.substrates.door.arrays import Sent, Substrate

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray
MANY = 2**30  # bytes of states that are worth a warning
REFERENCES = ("target", "effective", "shuffled")


def simulate(
    rule: Rule | str,
    instructions: Instructions | xr.Dataset,
    *,
    on: Substrate | None = None,
    seed: seeds.Seed | Sequence[int] = 0,
    record: bool = False,
    states: int = 0,
) -> xr.Dataset:
    """Let a substrate of fast weights carry out instructions, and compare it with the exact rule.

    Parameters
    ----------
    rule : Rule or str
    instructions : Instructions or xarray.Dataset
        Arrays with at most one leading axis (trials), or a Dataset as `Instructions.to_dataset` makes it.
    on : Exact, RateNetwork or SpikingNetwork
        The substrate; None means ``Exact()``.
    seed : int, SeedSequence, Generator, or a sequence of ints such as ``range(5)``
        A sequence adds a dim seed.
    record : bool
        Keep the spikes of the first trial (spiking networks only, one seed).
    states : int
        Keep W after every so many tokens, and the instructions; 0 keeps none. More than 1 GiB of states gives a
        warning before anything is run, more than the memory of the machine an error.

    Returns
    -------
    xarray.Dataset
        ``y``, ``W``, ``y_exact``, and per trial ``centred_correlation``, ``recall_agreement`` and ``norm_ratio``
        against the coordinate reference: the target rule, the effective rule (what the mechanism does on average) and
        the rule run on shuffled items; ``fraction_at_bound``. Spiking networks add ``y_spikes``, which is NaN at
        tokens that their schedule does not read, and ``spikes_per_item``. ``recall_agreement`` counts the tokens that
        the instructions mark as scored; where none is, those that only read; where none does, all with a query. The
        attribute ``dropped`` lists gates that were sent and that the rule does not use. With ``states``:
        ``W_states`` (seed, trial, state_step, value, key), W after so many tokens as state_step has it, and the
        instructions as they ran (``q``, ``k``, ``v`` and the gates of the rule), which `Instructions.from_dataset`
        reads back.

    Raises
    ------
    TypeError, ValueError
        For bad instructions, or a rule that the substrate cannot run (the message names one that can).
    MemoryError
        If the states need more bytes than the machine has.

    Warns
    -----
    RuntimeWarning
        If more than 1 % of the synapses stand at a bound, or the states take more than 1 GiB.

    Examples
    --------
    >>> import numpy as np
    >>> from synfwp import RateNetwork
    >>> one = np.eye(3)
    >>> ds = simulate("hebb", Instructions(q=one, k=one, v=one), on=RateNetwork())
    >>> round(float(ds.centred_correlation.sel(reference="target")), 6)
    1.0
    >>> simulate("hebb", Instructions(q=one, k=one, v=one), states=2).W_states.shape
    (1, 3, 3)
    """
    row, substrate = rules.get_rule(rule), arrays.check_substrate(on)
    sent = arrays.prepare(row, instructions)
    many = isinstance(seed, Sequence)
    one_seeds: list[Any] = list(seed) if isinstance(seed, Sequence) else [seed]
    if not one_seeds:
        raise ValueError("seed is an empty sequence; pass at least one seed.")
    for one in one_seeds:
        seeds.generator(one)  # before anything is run
    if record and many:
        raise ValueError("record keeps the spikes of one run; pass one seed.")
    every = checks.count("states", states, 0)
    _weigh(sent, every, len(one_seeds))
    provenance = _provenance(substrate, row, seed)  # before a Generator is drawn from
    runs = [arrays.run(row, sent, substrate, one, record, every) for one in one_seeds]
    ds = _label(row, sent, runs, substrate)
    ds = ds.merge(_along(row, sent, runs, every)) if every else ds
    label = ("seed", np.array(one_seeds), {"long_name": "seed", "units": "1"})
    ds = ds.assign_coords(seed=label) if many else ds.squeeze("seed", drop=True)
    if sent.single:
        ds = ds.squeeze("trial", drop=True)
    ds.attrs |= provenance | {"substrate": type(substrate).__name__, "dropped": json.dumps(sent.dropped)}
    _warn_bounds(ds)
    return ds


def _provenance(substrate: Substrate, rule: Rule, seed: Any) -> dict[str, str | int]:
    """Provenance of a run on a substrate; the fields of a dataclass keep the class of what they hold."""
    parts: dict[str, Any] = {"substrate": type(substrate).__name__}
    if is_dataclass(substrate):
        parts |= {field.name: getattr(substrate, field.name) for field in fields(substrate)}
    return results.provenance(parts, seed=seed, rule=rule)


def _label(rule: Rule, sent: Sent, runs: list[Outcome], substrate: Substrate) -> xr.Dataset:
    """Runs as one Dataset, next to the target, what the mechanism does on average, and shuffled items."""
    found = arrays.references(rule, sent, substrate)
    compared, read = [found[name] for name in REFERENCES], _scored(sent)
    W, y = np.stack([run.W for run in runs]), np.stack([run.y for run in runs])
    scores: dict[str, Any] = {
        "centred_correlation": [measures.centred_correlation(W, ref.W) for ref in compared],
        "recall_agreement": [measures.recall_agreement(y, ref.y, read) for ref in compared],
        "norm_ratio": [measures.norm_ratio(W, np.broadcast_to(ref.W, W.shape)) for ref in compared],
    }
    variables: dict[str, Any] = {
        "y": (("seed", "trial", "time", "value"), y),
        "W": (("seed", "trial", "value", "key"), W),
        "y_exact": (("trial", "time", "value"), found["target"].y),
        "fraction_at_bound": (("seed", "trial"), np.stack([run.fraction_at_bound for run in runs])),
    }
    for name, values in scores.items():
        variables[name] = (("reference", "seed", "trial"), np.stack(values))
    for name, (dims, _, attrs) in runs[0].extras.items():
        stacked = np.stack([np.asarray(run.extras[name][1]) for run in runs])
        variables[name] = (("seed", *dims), stacked, attrs) if dims[0] == "trial" else (dims, stacked[0], attrs)
    return results.dataset(variables, coords={"reference": list(REFERENCES)})


def _weigh(sent: Sent, every: int, n: int) -> None:
    """Say beforehand what many states take, and refuse what the memory of the machine cannot hold."""
    (trials, T, d_k), d_v = sent.k.shape, sent.v.shape[-1]
    kept = n * trials * (T // every) if every else 0
    size = 8 * kept * d_v * d_k
    text = f"states={every} keeps {kept} matrices of {d_v} x {d_k}, {size} bytes ({size / 2**30:.3g} GiB)"
    has = _memory()
    if has is not None and size > has:
        raise MemoryError(f"{text}, but the machine has {has} bytes; raise states, or send fewer trials or seeds.")
    if size > MANY:
        checks.warn(f"{text}; raise states for less.")


def _memory() -> int | None:
    """Bytes of memory of the machine, None where it does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _along(rule: Rule, sent: Sent, runs: list[Outcome], every: int) -> xr.Dataset:
    """W along the runs, and the instructions as they ran."""
    states = np.stack([np.asarray(run.states) for run in runs])
    variables: dict[str, Any] = {
        "W_states": (("seed", "trial", "state_step", "value", "key"), states),
        "q": (("trial", "time", "key"), sent.q),
        "k": (("trial", "time", "key"), sent.k),
        "v": (("trial", "time", "value"), sent.v),
    }
    if rule.uses_beta:
        variables["beta"] = (("trial", "time"), sent.beta)
    if sent.decay is not None:
        variables["decay"] = (("trial", "time", "key")[: sent.decay.ndim], sent.decay)
    if sent.scored is not None:
        variables["scored"] = (("trial", "time"), sent.scored, {"long_name": "scored token"})
    after = every * np.arange(1, states.shape[2] + 1)
    return results.dataset(variables, {"state_step": after})


def _scored(sent: Sent) -> Array:
    """Tokens (n, T) whose reads are compared: those marked, or those that only read, in sequences that have any."""
    read = (sent.q != 0).any(axis=-1)
    only = read & ~((sent.k != 0).any(axis=-1) & (sent.beta > 0))
    read = np.where(only.any(axis=-1, keepdims=True), only, read)
    if sent.scored is None:
        return read
    return np.where(sent.scored.any(axis=-1, keepdims=True), sent.scored, read)


def _warn_bounds(ds: xr.Dataset) -> None:
    """More than one synapse in a hundred at a bound changes the rule."""
    worst = float(ds.fraction_at_bound.max())
    if worst > 0.01:
        checks.warn(
            f"{100 * worst:.1f} % of the synapses stand at a bound; raise w0, lower beta, or use a rule that decays."
        )
