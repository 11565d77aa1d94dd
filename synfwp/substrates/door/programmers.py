"""Trained programmers whose fast weights run on one substrate or another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synfwp import results, seeds
from synfwp.measures.reads import classes
from synfwp.programmer.losses import check
from synfwp.results.names import check_name
from synfwp.substrates.door.answers import scores_on
from synfwp.substrates.door.arrays import Exact, Substrate

if TYPE_CHECKING:
    import xarray as xr

    from synfwp.programmer import Trained
    from synfwp.tasks import Batch


def compare_substrates(
    trained: Trained, batch: Batch, on: Mapping[str, Substrate] | None = None, *, seed: seeds.Seed = 0
) -> xr.Dataset:
    """What a trained programmer answers when its fast weights run exactly, in rates and in spikes.

    Every layer and head runs on the substrate; a layer sees what the one before it has read from the same substrate.
    Instructions of a recurrent programmer are those of its exact reads. One substrate alone:
    ``trained.accuracy(batch, on=network)``.

    Parameters
    ----------
    trained : Trained
        With a programmer that sends instructions.
    batch : Batch
    on : mapping of names to substrates
        None: ``{"exact": Exact(), "rate": RateNetwork(), "spiking": SpikingNetwork()}``. Reads of spiking networks are
        those of their spike counts, at the tokens that the batch scores.
    seed : int, SeedSequence or Generator
        Of the substrates.

    Returns
    -------
    xarray.Dataset
        Along ``substrate``: ``accuracy`` (of real targets ``error``, the mean squared one) and, for classes,
        ``agreement``, the share of scored tokens with the answer of the exact rule; ``chance``.

    Raises
    ------
    TypeError, ValueError
        If nothing is sent, a substrate cannot run the rule (the message names one that can), or its schedule does not
        read a token that is scored.

    Examples
    --------
    >>> import numpy as np
    >>> from synfwp import Programmer, train
    >>> from synfwp.tasks import Recall
    >>> task = Recall(keys=2, values=2, writes=3)
    >>> net = train(Programmer(d_in=5, d_key=4, d_value=4, d_out=2, write_channel=-1), task, steps=2, batch=2)
    >>> ds = compare_substrates(net, task(np.random.default_rng(0), 2), {"exact": Exact()})
    >>> ds.agreement.values.tolist()
    [1.0]
    """
    programmer: Any = trained.programmer
    if on is None:
        from synfwp.substrates import RateNetwork, SpikingNetwork

        on = {"exact": Exact(), "rate": RateNetwork(), "spiking": SpikingNetwork()}
    if not on:
        raise ValueError("on is empty; pass at least one substrate.")
    for label in on:
        check_name(label, "a name in on")
    found = {
        name: scores_on(programmer, trained.params, batch.x, batch.mask, substrate, seed)
        for name, substrate in on.items()
    }
    for scores in found.values():
        check(scores, batch.target, batch.mask)
    variables: dict[str, Any] = {"chance": ((), batch.chance, {"long_name": "chance level", "units": "1"})}
    if batch.real:
        attrs = {"long_name": "mean squared error", "units": "1"}
        variables["error"] = ("substrate", [batch.error(x) for x in found.values()], attrs)
    else:
        exact = classes(programmer.scores(trained.params, batch.x))[batch.mask]
        answers = {name: classes(x) for name, x in found.items()}
        variables["accuracy"] = ("substrate", [batch.accuracy(x) for x in answers.values()])
        variables["agreement"] = (
            "substrate",
            [float((x[batch.mask] == exact).mean()) for x in answers.values()],
            {"long_name": "share of answers of the exact rule", "units": "1"},
        )
    provenance = results.provenance({"substrates": dict(on)}, seed=seed, rule=programmer.name)
    coords = {"substrate": ("substrate", list(found), {"long_name": "substrate of the fast weights"})}
    return results.dataset(variables, coords=coords, **provenance)
