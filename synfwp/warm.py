"""Compile the kernels beforehand, by running each of them once on a few numbers."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from synfwp import fastweights, plastic
from synfwp.inference import fit
from synfwp.instructions import Instructions
from synfwp.memory import Synapse, scan_through
from synfwp.plasticity import PairSTDP
from synfwp.programmer import Programmer, training
from synfwp.programmer.losses import LOSSES
from synfwp.rules import RULES, Rule
from synfwp.spiking import Circuit, PoissonSource
from synfwp.substrates import RateCode, RateNetwork, SpikingNetwork
from synfwp.substrates.door import simulate
from synfwp.tasks import Batch

STEPS, FEATURES = 2, 4
FIRST = np.array([True, False])  # the token that a few reads are
DTYPES = (np.float64, np.float32)


def jobs() -> dict[str, Callable[[], object]]:
    """Calls that together compile every kernel for the types that it is used with, by what they compile.

    Returns
    -------
    dict of str to callable

    Examples
    --------
    >>> list(jobs())[:2]
    ['hebb, float64', 'anti_hebb, float64']
    """
    found: dict[str, Callable[[], object]] = {}
    for dtype in DTYPES:
        name = np.dtype(dtype).name
        found |= {f"{row.name}, {name}": partial(_rule, row, dtype) for row in RULES.values() if row.has_weights}
        for kind, recurrent in (("recurrent", True), ("feed-forward", False)):
            found[f"plastic layers, {kind}, {name}"] = partial(_layer, dtype, recurrent)
        found[f"recurrent programmers, {name}"] = partial(_programmer, dtype)
    found["rate networks"] = partial(_substrate, RateNetwork(flow="lagged"))
    for engine in ("poisson", "lif"):
        network = SpikingNetwork(engine=engine, code=RateCode(neurons_per_feature=1))
        found[f"spiking networks, {engine}"] = partial(_substrate, network)
    for dtype in DTYPES:
        found[f"synapses, {np.dtype(dtype).name}"] = partial(_synapse, dtype)
    found["circuits"] = lambda: Circuit([], [PoissonSource(2, 50.0)]).run(1.0)
    found["spike-timing plasticity"] = lambda: PairSTDP("bi_poo").dw([10.0], [20.0])
    found["fits of spike-timing plasticity"] = lambda: fit(
        PairSTDP("bi_poo"), "nevian_sakmann2006_bursts", free=["A_plus"], starts=1
    )
    return found


def _rule(row: Rule, dtype: Any) -> None:
    """A run of a row and its adjoint."""
    x, one = np.full((1, STEPS, FEATURES), 0.5, dtype), np.ones((1, STEPS), dtype)
    given: dict[str, Any] = {}
    if row.uses_decay:
        given["decay"] = np.ones_like(x) if row.retain == "key" else one
    if row.uses_pair:
        given["erase"] = (x, x)
    if row.uses_momentum:
        given["momentum"] = 0 * one
    if row.uses_ridge:
        given["ridge"] = np.ones(FEATURES, dtype)
    if not row.uses_values:
        given["W0"] = np.zeros((row.rows(FEATURES, FEATURES), FEATURES), dtype)
    write = x if row.writes == 1 else np.repeat(x[:, :, None], row.writes, axis=2)
    writes = (write if row.uses_keys else None, write if row.uses_values else None)
    out, adjoint = fastweights.vjp(row, x, *writes, **given)
    adjoint(np.ones_like(out.y))
    fastweights.read_gradients(row, FIRST, x, *writes, dy=out.y, **given)
    fastweights.read(row, FIRST, x, *writes, **given)


def _programmer(dtype: Any) -> None:
    """A gradient through a recurrent programmer."""
    net = Programmer(d_in=2, d_key=2, d_value=2, recurrent="instructions")
    target = np.zeros((1, STEPS), int)
    batch = Batch(np.ones((1, STEPS, 2)), target, target == 0, 0.5)
    training.gradient_of(training.scores_of(net), LOSSES["cross_entropy"])(net.init(0, dtype), batch)


def _synapse(dtype: Any) -> None:
    """A run through synapses; one kernel has all kinds."""
    x = np.full((1, STEPS, FEATURES), 0.5, dtype)
    scan_through(Synapse(), "hebb", x, x, x)


def _layer(dtype: Any, recurrent: bool) -> None:
    """A run of a plastic layer and its adjoint, with and without alpha."""
    x, square = np.ones((1, STEPS, FEATURES), dtype), np.ones((FEATURES, FEATURES), dtype)
    for alpha in (None, square):
        layer = plastic.PlasticLayer(recurrent=recurrent)
        call = plastic.check(layer, x, None if recurrent else x, square if recurrent else None, alpha)
        out = plastic.run(call)
        plastic.adjoint(call, out, np.ones_like(out.h), np.ones_like(out.A), np.ones_like(out.aux))


def _substrate(network: Any) -> None:
    """Two items in a network."""
    simulate("delta", Instructions(np.eye(2), np.eye(2), np.eye(2)), on=network)
