"""Scores of memories against the number of pairs that they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr

from synfwp import checks, results
from synfwp.memory import curves, protocol
from synfwp.memory.curves import Dim, Formulas
from synfwp.memory.decoders import Decoder, get_decoder
from synfwp.memory.episodes import KEYS, VALUES, Items, Vectors
from synfwp.memory.expected import expected
from synfwp.memory.protocol import Draws
from synfwp.seeds import Seed

LOAD = "stored pairs"


def capacity(
    systems: Mapping[str, Any],
    *,
    loads: Sequence[int],
    d_key: int | None = None,
    d_value: int | None = None,
    keys: Any = "normal",
    values: Any = None,
    decoder: str | Decoder = "cosine",
    candidates: int = 0,
    beta: Any = "best",
    tuned: str = "pairs",
    seeds: int = 20,
    seed: Seed = 0,
    queries: int = 256,
    on: Any = None,
) -> xr.Dataset:
    """Scores of memories against the number of pairs that they store, each pair written once.

    Every system is given the same pairs and asked the same queries. What it leaves open (write strength, decay, ridge,
    temperature) is chosen on five other seeds.

    Parameters
    ----------
    systems : mapping of name to system
        A rule ("delta"), a rule on a substrate (``("delta", fw.SpikingNetwork())``), "softmax", "ridge", a synapse
        (``fw.memory.Cascade(10)``), a `memory.System`, a `memory.Kernel`, or a function
        ``(k (P, d_k), v (P, d_v), q (Q, d_k), rng) -> reads (Q, d_v)``, of NumPy or PyTorch.
    loads : sequence of int
        Numbers of stored pairs P.
    d_key, d_value : int, optional
        Features of keys (64, or those of an array of keys) and of values (those of the keys).
    keys : str, (n, d_key) array or callable ``(rng, n, d) -> (n, d)``
        "normal" (mean zero), "relu" (firing rates), "binary", "onehot", each of length 1; or rows of a recording.
    values : str, (n, d_value) array or callable, optional
        "normal", "relu", "binary" (+-1), "unit", "onehot"; None takes those that the decoder is made for.
    decoder : str or memory.Decoder
        "cosine", "sign", "argmax", "novelty" or "error".
    candidates : int
        Values that a pair's is drawn from and that "argmax" chooses from; 0: the stored values themselves.
    beta : "best", None or float
        A number holds it for all rules that have one and leave it open; "best" and None choose it.
    tuned : "pairs" or "curve"
        Whether knobs are chosen for every load, or once for all.
    seeds : int
        Episodes at each load.
    seed : int, SeedSequence or Generator
    queries : int
        Most queries of an episode.
    on : None, str or distributed.Client
        Where systems and loads are run, as of `sweep`; None: here, one after the other.

    Returns
    -------
    xarray.Dataset
        ``score (system, pairs, seed)`` with ``mean``, ``low`` and ``high`` (95 % interval of the mean by Student's t),
        ``theory`` (NaN where no closed form is known) and its ``theory_kind``, ``chance (pairs)``, the knobs
        that were ``chosen (system, pairs, knob)``, and the costs of an episode: ``state_variables``,
        ``synapses``, ``bits``, ``state_bytes``, ``write_spikes``, ``read_spikes``, ``seconds``. A cell that fails is
        NaN, and its error stands in ``failure``.

    Raises
    ------
    TypeError, ValueError
        For a bad argument, a load that the keys do not allow, or a system that cannot take such pairs (it is tried on
        two of them before anything is run).

    Warns
    -----
    RuntimeWarning
        If a cell fails, with its system and load.

    References
    ----------
    Schlag, Irie & Schmidhuber 2021 (capacity of fast weights); Hertz, Krogh & Palmer 1991, chapter 2 (cross-talk).

    Examples
    --------
    >>> ds = capacity({"Hebb": "hebb", "least squares": "ridge"}, d_key=16, loads=[8, 16], seeds=3)
    >>> ds["mean"].sel(system="least squares").values.round(2).tolist()
    [1.0, 1.0]
    """
    way = get_decoder(decoder)
    items = items_of(way, d_key, d_value, keys, values, candidates, queries)
    known = {name: curves.held(one, beta) for name, one in protocol.named(systems).items()}
    draws, dim = draws_of(items, way, seed, seeds), Dim("pairs", curves.numbers("loads", loads), LOAD)
    cells = curves.measure_all(known, draws, dim, protocol.mean_score(way), tuned, on)
    formulas = Formulas(
        lambda name, system, cell, load: expected(system, cell, load, items, way),
        lambda load: way.chance(load, draws.episodes(load, count=1)),
    )
    given = settings_of(systems, items, way, beta, draws) | {"loads": dim.sizes, "tuned": tuned}
    attrs = results.provenance(given, draws.seed) | {"decoder": way.name}
    return curves.as_dataset(known, cells, dim, way.long_name, formulas, attrs)


def items_of(
    way: Decoder, d_key: Any = None, d_value: Any = None, keys: Any = "normal", values: Any = None,
    candidates: Any = 0, queries: Any = 256,
) -> Items:  # fmt: skip
    """Sets of keys and values with their features."""
    key_set, value_set = (
        Vectors("keys", keys, KEYS),
        Vectors("values", way.values if values is None else values, VALUES),
    )
    d_key = None if d_key is None else checks.count("d_key", d_key)
    d_value = None if d_value is None else checks.count("d_value", d_value)
    width = key_set.width(d_key) or 64
    if way.familiarity and (values is not None or (d_value or width) != width):
        raise ValueError(f"decoder {way.name!r} stores keys under themselves; leave values and d_value out.")
    count = checks.count("candidates", candidates, 0)
    return Items(key_set, value_set, width, value_set.width(d_value) or width, checks.count("queries", queries), count)


def draws_of(items: Items, way: Decoder, seed: Any, count: Any) -> Draws:
    """Episodes of a decoder; the key names what is drawn, so that every load has its own streams."""
    draw = items.familiarity if way.familiarity else items.recall
    return protocol.drawing(draw, seed, count, items.keys.name, items.values.name, items.d_key, items.d_value)


def settings_of(systems: Mapping[str, Any], items: Items, way: Decoder, beta: Any, draws: Draws) -> dict[str, Any]:
    """All that a run is made of, for its provenance."""
    return curves.settings(systems, beta, draws) | {
        "keys": items.keys.given, "values": items.values.given, "d_key": items.d_key, "d_value": items.d_value,
        "candidates": items.candidates, "queries": items.queries, "decoder": way.name,
    }  # fmt: skip
