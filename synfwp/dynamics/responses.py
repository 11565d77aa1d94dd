"""Transitions of a network as they are measured: the response of its weights to weights that start elsewhere."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from synfwp import checks, rules, seeds, substrates
from synfwp.instructions import Instructions
from synfwp.rules import Rule
from synfwp.spiking.neurons import LIF, Poisson
from synfwp.substrates import door
from synfwp.substrates.door import Exact, Substrate
from synfwp.substrates.door.arrays import Sent, check_substrate, prepare

if TYPE_CHECKING:
    import xarray as xr

Array = np.ndarray


class Response(NamedTuple):
    """What repeats of the same tokens from weights that start elsewhere give.

    Two equal repeats stand for a network without noise.

    Parameters
    ----------
    M : (repeat, n, d_k, d_k) array
        What the tokens make of W.
    written : (repeat, n, d_v, d_k) array
        What they add to it.

    Examples
    --------
    >>> Response(np.zeros((2, 1, 3, 3)), np.zeros((2, 1, 4, 3))).written.shape
    (2, 1, 4, 3)
    """

    M: Array
    written: Array


def measured_transitions(
    rule: Rule | str,
    instructions: Instructions | xr.Dataset | Sent,
    on: Substrate,
    W0: Any = None,
    *,
    repeats: int = 8,
    kick: float = 0.5,
    seed: seeds.Seed = 0,
) -> Response:
    """Measure what the tokens of sequences make of the weights, ``W_T = W_0 M + written``.

    Each weight is raised and lowered in turn, one of every row of W at a time, and the network runs twice from rest
    with the same noise: half of the difference of the final weights over what they started apart with is a row of M,
    the mean is what is written. Of a synapse near its bound, the side that the bound leaves counts.

    Parameters
    ----------
    rule : Rule or str
    instructions : Instructions or xarray.Dataset
        Arrays (n, T, .), or one sequence (T, .).
    on : RateNetwork, SpikingNetwork, or any `Substrate` whose ``run`` takes ``W0``
    W0 : None or array that broadcasts to (n, d_v, d_k)
        Weights about which it is measured; None means 0.
    repeats : int
        Repeats with other noise, at least 2. A network without noise needs no more than two.
    kick : float
        By how much a weight is moved, in units of (largest value) / (largest key). The response of LIF neurons is
        linear only for moderate ones.
    seed : int, SeedSequence or Generator

    Returns
    -------
    Response

    Raises
    ------
    TypeError, ValueError
        For bad instructions, a W0 beyond what the synapses hold, or a substrate that takes no W0.

    Examples
    --------
    >>> import numpy as np
    >>> from synfwp import RateNetwork
    >>> one = np.array([[[1.0, 0.0]]])
    >>> found = measured_transitions("delta", Instructions(one, one, one, [[0.5]]), RateNetwork(tau=1.0))
    >>> found.M.mean(axis=0).round(6).tolist()
    [[[0.5, 0.0], [0.0, 1.0]]]
    """
    row, substrate = rules.get_rule(rule), check_substrate(on)
    repeats, kick = checks.count("repeats", repeats, 2), checks.number("kick", kick, 0, above=True)
    sent = prepare(row, instructions)
    (n, _, d_k), d_v = sent.k.shape, sent.v.shape[-1]
    start = np.broadcast_to(np.zeros(()) if W0 is None else checks.array("W0", W0), (n, d_v, d_k))
    size = kick * _largest(sent.v) / _largest(sent.k)
    most = substrate.largest_weight(sent.k, sent.v) if hasattr(substrate, "largest_weight") else np.inf
    rng, found = seeds.generator(seed, "responses"), []
    for _ in range(repeats):
        found.append(_one(row, sent, substrate, start, size, most, int(rng.integers(2**31))))
        if len(found) == 2 and all(np.array_equal(a, b) for a, b in zip(*found, strict=True)):
            break  # without noise
    return Response(*(np.stack(x) for x in zip(*found, strict=True)))


def _one(
    rule: Rule, sent: Sent, on: Substrate, start: Array, size: float, most: float, seed: int
) -> tuple[Array, Array]:
    """M (n, d_k, d_k) and what is written (n, d_v, d_k), with one noise for all runs."""
    n, d_v, d_k = start.shape
    M, times, left, middle = np.zeros((d_k, n, d_k)), np.zeros(d_k), np.zeros(start.shape), np.zeros(start.shape)
    row, passes = np.arange(d_v), -(-d_k // d_v)
    for i in range(passes):
        column = (i * d_v + row) % d_k
        high, low = start.copy(), start.copy()
        high[:, row, column] = np.clip(start[:, row, column] + size, -most, most)
        low[:, row, column] = np.clip(start[:, row, column] - size, -most, most)
        up, down = (door.run(rule, sent, on, seed, W0=W).W for W in (high, low))
        np.add.at(M, column, ((up - down) / (high - low)[:, row, column][..., None]).swapaxes(0, 1))
        np.add.at(times, column, 1)
        left += (up + down) / 2 / passes
        middle += (high + low) / 2 / passes
    found = (M / times[:, None, None]).swapaxes(0, 1)
    return found, left - middle @ found


def along(ds: xr.Dataset, rule: Rule, on: Substrate, repeats: int, kick: float, seed: seeds.Seed) -> Response:
    """Responses along a run that kept its states, of the tokens from each of them to the next.

    Arrays are (repeat, seed, trial, transition, ., .); what is left of the tokens at the end is a transition too.
    """
    states = ds.W_states.values.astype(float)
    every, sent = int(ds.state_step.values[0]), prepare(rule, Instructions.from_dataset(ds[_sent(ds)]))
    T, (runs, trials, _kept, d_v, d_k) = sent.k.shape[1], states.shape
    pieces = -(-T // every)
    before = np.concatenate([np.zeros((runs, trials, 1, d_v, d_k)), states], axis=2)[:, :, :pieces]

    def cut(x: Array | None, fill: float = 0.0) -> Any:
        if x is None:
            return None
        wide = np.full((trials, pieces * every, *x.shape[2:]), fill, x.dtype)
        wide[:, :T] = x
        wide = np.broadcast_to(wide, (runs, *wide.shape))
        return np.ascontiguousarray(wide).reshape(runs * trials * pieces, every, *x.shape[2:])

    alone = every == 1  # a read of the only token changes no weight
    part = sent._replace(
        q=cut(0 * sent.q if alone else sent.q), k=cut(sent.k), v=cut(sent.v), beta=cut(sent.beta),
        decay=cut(sent.decay, 1.0), scored=None if alone else cut(sent.scored),
    )  # fmt: skip
    found = measured_transitions(rule, part, on, before.reshape(-1, d_v, d_k), repeats=repeats, kick=kick, seed=seed)
    return Response(*(x.reshape(len(x), runs, trials, pieces, *x.shape[2:]) for x in found))


def starts_anywhere(on: Substrate) -> bool:
    """Whether the run of a substrate takes the weights that it starts with."""
    return "W0" in inspect.signature(on.run).parameters


def _sent(ds: xr.Dataset) -> list[str]:
    """The instructions among the variables of a run."""
    return [name for name in ("q", "k", "v", "beta", "decay", "scored") if name in ds]


def substrate_of(ds: xr.Dataset) -> Substrate:
    """The substrate of a run, built again from the parameters that the run keeps.

    Raises
    ------
    ValueError
        If it, or a part of it, is none of the package.
    """
    kinds = {name: getattr(substrates, name) for name in substrates.__all__}
    kinds |= {"Exact": Exact, "LIF": LIF, "Poisson": Poisson}

    def build(entry: Mapping[str, Any], name: str) -> Any:
        fields = {key: value for key, value in entry.items() if key not in ("class", "substrate")}
        for key, value in fields.items():
            if isinstance(value, Mapping):
                fields[key] = build(value, str(value.get("class")))
            elif value in ("inf", "-inf"):
                fields[key] = float(value)
        return kinds[name](**fields)

    try:
        parts = json.loads(ds.attrs["parameters"])
        return build(parts, parts["substrate"])
    except (KeyError, TypeError, ValueError):
        raise ValueError(
            f"run is of a {ds.attrs.get('substrate', 'substrate')} that cannot be built again from it; pass it as on=."
        ) from None


def _largest(x: Array) -> float:
    """The largest modulus, 1 if there is none."""
    return float(np.abs(x).max(initial=0.0)) or 1.0
