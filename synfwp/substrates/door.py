"""One door to every carrier of fast weights: the same instructions, exactly, in rates or in spikes."""

import inspect
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from synfwp import coefficients, fastweights, measures, results, rules, seeds
from synfwp.coefficients import Coefficients
from synfwp.instructions import Carried, Instructions
from synfwp.rules import Rule

if TYPE_CHECKING:
    import xarray as xr

    from synfwp.programmer import Trained
    from synfwp.tasks import Batch

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


def compare_carriers(
    trained: "Trained", batch: "Batch", on: Mapping[str, Any] | None = None, *, seed: seeds.Seed = 0
) -> "xr.Dataset":
    """What a trained programmer answers when its fast weights are carried exactly, in rates and in spikes.

    Every layer and head is carried; a layer sees what the one before it has read from the same carrier. Instructions
    of a recurrent programmer are those of its exact reads.

    Parameters
    ----------
    trained : Trained
        With a programmer that sends instructions.
    batch : Batch
    on : mapping of names to carriers
        None: ``{"exact": Exact(), "rate": RateNetwork(flow="latched"), "spiking": SpikingNetwork()}``. Reads of spiking
        networks are those of their spike counts.
    seed : int, SeedSequence or Generator
        Of the carriers.

    Returns
    -------
    xarray.Dataset
        Along ``carrier``: ``accuracy`` (of real targets ``error``, the mean squared one) and, for classes,
        ``agreement``, the share of scored tokens with the answer of the exact rule; ``chance``.

    Raises
    ------
    TypeError, ValueError
        If nothing is sent, or a carrier cannot run the rule (the message names one that can).

    >>> from synfwp import Programmer, train
    >>> from synfwp.tasks import Recall
    >>> task = Recall(keys=2, values=2, writes=3)
    >>> net = train(Programmer(d_in=5, d_key=4, d_value=4, d_out=2, write_channel=-1), task, steps=2, batch=2)
    >>> ds = compare_carriers(net, task(np.random.default_rng(0), 2), {"exact": Exact()})
    >>> ds.agreement.values.tolist()
    [1.0]
    """
    programmer: Any = trained.programmer
    if not callable(programmer):
        raise TypeError("a PlasticNetwork sends no instructions; its plasticity is part of PlasticRateNetwork.")
    if on is None:
        from synfwp.substrates import RateNetwork
        from synfwp.substrates.spiking import SpikingNetwork

        on = {"exact": Exact(), "rate": RateNetwork(flow="latched"), "spiking": SpikingNetwork()}
    if not on:
        raise ValueError("on is empty; pass at least one carrier.")

    def scores(carrier: Any) -> Array:
        def read(rule: Rule | str, sent: Instructions) -> Array:
            return _read(simulate(rule, sent.one_axis(), on=carrier, seed=seed), np.shape(sent.q)[:-2])

        return np.asarray(programmer.scores(trained.params, batch.x, read))

    found = {name: scores(carrier) for name, carrier in on.items()}
    variables: dict[str, Any] = {"chance": ((), batch.chance, {"long_name": "chance level", "units": "1"})}
    if batch.real:
        attrs = {"long_name": "mean squared error", "units": "1"}
        variables["error"] = ("carrier", [batch.error(x) for x in found.values()], attrs)
    else:
        exact = np.asarray(programmer.scores(trained.params, batch.x)).argmax(axis=-1)[batch.mask]
        answers = {name: x.argmax(axis=-1) for name, x in found.items()}
        variables["accuracy"] = ("carrier", [batch.accuracy(x) for x in answers.values()])
        variables["agreement"] = (
            "carrier",
            [float((x[batch.mask] == exact).mean()) for x in answers.values()],
            {"long_name": "share of answers of the exact rule", "units": "1"},
        )
    origin = results.provenance({"carriers": dict(on)}, seed=seed, rule=programmer.name)
    coords = {"carrier": ("carrier", list(found), {"long_name": "carrier of the fast weights"})}
    return results.dataset(variables, coords=coords, **origin)


def _read(ds: "xr.Dataset", lead: tuple[int, ...]) -> Array:
    """Reads of a run with the leading axes of the instructions; silence reads as 0."""
    y = np.nan_to_num(ds.get("y_spikes", ds.y).values)
    return y.reshape(*lead, *y.shape[-2:])


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
    rules.check_instructed(rule, "run it with synfwp.scan")
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
    keys = coefficients.written_keys(rule, k)
    effective = exact if does is None else fastweights.run_coefficients(q, keys, v, does, np.zeros_like(exact.W))
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
