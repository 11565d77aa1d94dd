"""One door to every carrier of fast weights: the same instructions, exactly, in rates or in spikes."""

import inspect
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from synfwp import fastweights, measures, results, rules, seeds
from synfwp.instructions import Carried, Instructions
from synfwp.rules import Rule
from synfwp.streams import Coefficients

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray
REFERENCES = ("asked", "effective", "shuffled")


class Carrier(Protocol):
    """What `simulate` asks of a carrier; arrays have shapes (n, T, .)."""

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None) -> Coefficients | None:
        """The coefficients that it has on average; None: exactly those that are asked."""
        ...

    def carry_out(
        self, rule: Rule, q: Array, k: Array, v: Array, beta: Array, decay: Array | None, seed: Any
    ) -> Carried:
        """Run the instructions from W = 0."""
        ...


@dataclass(frozen=True)
class Exact:
    """The exact recurrence as a carrier: the reference that the others are compared with.

    >>> Exact()
    Exact()
    """

    def effective(self, rule: Rule, k: Array, beta: Array, decay: Array | None) -> None:
        """Exactly what is asked."""

    def carry_out(
        self, rule: Rule, q: Array, k: Array, v: Array, beta: Array, decay: Array | None, seed: Any
    ) -> Carried:
        """`synfwp.scan`."""
        out = _exact(rule, q, k, v, beta, decay)
        return Carried(out.W, out.y, np.zeros(len(k)))


def simulate(
    rule: Rule | str,
    instructions: "Instructions | xr.Dataset",
    *,
    on: Any = None,
    seed: Any = 0,
    record: bool = False,
) -> "xr.Dataset":
    """Let a carrier of fast weights carry out instructions, and compare it with the exact rule.

    Parameters
    ----------
    rule : Rule or str
    instructions : Instructions or xarray.Dataset
        Arrays with at most one leading axis (trials), or a Dataset as `Instructions.to_dataset` makes it.
    on : Exact, RateNetwork or SpikingNetwork
        The carrier; None means ``Exact()``.
    seed : int, SeedSequence, Generator, or a sequence of ints such as ``range(5)``
        A sequence adds a dim seed.
    record : bool
        Keep the spikes of the first trial (spiking networks only, one seed).

    Returns
    -------
    xarray.Dataset
        ``y``, ``W``, ``y_exact``, and per trial ``centred_correlation``, ``recall_agreement`` and ``norm_ratio``
        against the coordinate reference: the rule as asked, the effective rule (what the mechanism does on average)
        and the rule run on shuffled items; ``fraction_at_bound``. Spiking networks add ``y_spikes`` and
        ``spikes_per_item``.

    Raises
    ------
    TypeError, ValueError
        For bad instructions, or a rule that the carrier cannot run (the message names one that can).

    Warns
    -----
    RuntimeWarning
        If more than 1 % of the synapses stand at a bound.

    >>> import numpy as np
    >>> from synfwp import RateNetwork
    >>> one = np.eye(3)
    >>> ds = simulate("hebb", Instructions(q=one, k=one, v=one), on=RateNetwork())
    >>> round(float(ds.centred_correlation.sel(reference="asked")), 6)
    1.0
    """
    row = rules.get_rule(rule)
    carrier: Any = Exact() if on is None else on
    if not hasattr(carrier, "carry_out") or isinstance(carrier, type):
        raise TypeError(f"on is {on!r}; pass Exact(), a RateNetwork or a SpikingNetwork.")
    sent, dropped, single = _prepare(row, instructions)
    many = isinstance(seed, (Sequence, range))
    one_seeds = list(seed) if many else [seed]
    if not one_seeds:
        raise ValueError("seed is an empty sequence; pass at least one seed.")
    for one in one_seeds:
        seeds.generator(one)  # refuses what is no seed, even where nothing is drawn
    if record and many:
        raise ValueError("record keeps the spikes of one run; pass one seed.")
    name = type(carrier).__name__
    if record and "record" not in inspect.signature(carrier.carry_out).parameters:
        raise ValueError(f"record keeps spikes and {name} has none; pass on=SpikingNetwork(engine='poisson') or 'lif'.")
    more: dict[str, Any] = {"record": True} if record else {}
    origin = _origin(carrier, name, row, seed)  # before a Generator is drawn from
    runs: list[Carried] = [carrier.carry_out(row, *sent, seed=one, **more) for one in one_seeds]
    ds = _label(row, sent, runs, carrier)
    label = ("seed", np.array(one_seeds), {"long_name": "seed", "units": "1"})
    ds = ds.assign_coords(seed=label) if many else ds.squeeze("seed", drop=True)
    if single:
        ds = ds.squeeze("trial", drop=True)
    ds.attrs |= origin | {"carrier": name, "dropped": json.dumps(dropped)}
    _warn_bounds(ds)
    return ds


def _origin(carrier: Any, name: str, rule: Rule, seed: Any) -> dict[str, str | int]:
    """Provenance of a run on a carrier; the fields of a dataclass keep the class of what they hold."""
    parts = {field.name: getattr(carrier, field.name) for field in fields(carrier)} if is_dataclass(carrier) else {}
    return results.provenance({"carrier": name, **parts}, seed=seed, rule=rule)


def _prepare(rule: Rule, instructions: Any) -> tuple[tuple[Any, ...], list[str], bool]:
    """Arrays (n, T, .) of what the rule uses, the names of what it does not, and whether there was no batch axis."""
    if not isinstance(instructions, Instructions):
        if not hasattr(instructions, "data_vars"):
            raise TypeError(f"instructions is a {type(instructions).__name__}; pass Instructions or a Dataset of them.")
        instructions = Instructions.from_dataset(instructions)
    rules.check_one_write(rule, "run it with synfwp.scan")
    decay = instructions.decay if rule.uses_decay else None
    dropped = ["decay"] if decay is None and instructions.decay is not None else []
    beta = instructions.beta if rule.uses_beta else None
    if beta is None and instructions.beta is not None:
        dropped.append("beta")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the run itself warns of unstable steps
        call = fastweights.check(rule, instructions.q, instructions.k, instructions.v, beta, decay, None)
    if len(call.lead) > 1:
        raise ValueError(f"k has leading axes {call.lead}; pass (T, d_k) or (trial, T, d_k).")
    if not len(call.k):
        raise ValueError(f"k has shape {np.shape(instructions.k)}, which holds no trial; pass at least one.")
    arrays = tuple(None if x is None else x.astype(float) for x in (call.q, call.k, call.v, call.beta, call.decay))
    return arrays, dropped, not call.lead


def _exact(rule: Rule, q: Array, k: Array, v: Array, beta: Array, decay: Array | None) -> fastweights.Scan:
    """The exact rule on prepared arrays."""
    return fastweights.scan(rule, q, k, v, beta if rule.uses_beta else None, decay=decay)


def _label(rule: Rule, sent: tuple[Any, ...], runs: list[Carried], carrier: Carrier) -> "xr.Dataset":
    """Runs as one Dataset, next to what was asked, what the mechanism does on average, and shuffled items."""
    q, k, v, beta, decay = sent
    exact = _exact(rule, *sent)
    does = carrier.effective(rule, k, beta, decay)
    effective = exact if does is None else fastweights.run_coefficients(q, k, v, does, np.zeros_like(exact.W))
    shuffled_v = Instructions(q, k, v, beta).shuffled(seeds.generator(0, "baseline")).v
    references = (exact, effective, _exact(rule, q, k, shuffled_v, beta, decay))
    read = (q != 0).any(axis=-1)
    asks = read & ~((k != 0).any(axis=-1) & (beta > 0))
    read = np.where(asks.any(axis=-1, keepdims=True), asks, read)
    W, y = np.stack([run.W for run in runs]), np.stack([run.y for run in runs])
    scores: dict[str, Any] = {
        "centred_correlation": [measures.centred_correlation(W, ref.W) for ref in references],
        "recall_agreement": [measures.recall_agreement(y, ref.y, read) for ref in references],
        "norm_ratio": [measures.norm_ratio(W, np.broadcast_to(ref.W, W.shape)) for ref in references],
    }
    variables: dict[str, Any] = {
        "y": (("seed", "trial", "time", "value"), y),
        "W": (("seed", "trial", "value", "key"), W),
        "y_exact": (("trial", "time", "value"), exact.y),
        "fraction_at_bound": (("seed", "trial"), np.stack([run.fraction_at_bound for run in runs])),
    }
    for name, values in scores.items():
        variables[name] = (("reference", "seed", "trial"), np.stack(values))
    for name, (dims, _, attrs) in runs[0].extras.items():
        stacked = np.stack([np.asarray(run.extras[name][1]) for run in runs])
        variables[name] = (("seed", *dims), stacked, attrs) if dims[0] == "trial" else (dims, stacked[0], attrs)
    return results.dataset(variables, coords={"reference": list(REFERENCES)})


def _warn_bounds(ds: "xr.Dataset") -> None:
    """More than one synapse in a hundred at a bound changes the rule."""
    worst = float(ds.fraction_at_bound.max())
    if worst > 0.01:
        warnings.warn(
            f"{100 * worst:.1f} % of the synapses stand at a bound; raise w0, lower beta, or use a rule that decays.",
            RuntimeWarning,
            stacklevel=3,
        )
