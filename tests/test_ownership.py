"""F1: nobody shares memory: what is passed may be changed, what is returned too, and no later result changes.

Each row of ``OBJECTS`` builds an object from arrays that are then changed; each row of ``CALLS`` is a call whose inputs
and results are then changed before it is made again.
"""

import copy
import dataclasses
import inspect
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import public_names
import pytest
import scipy.sparse
import xarray as xr

import synfwp as fw
from synfwp import conventions, features, owned, plasticity
from synfwp.instructions import Instructions
from synfwp.tasks import Batch

Given = dict[str, Any]


def arrays(x: Any) -> Iterator[np.ndarray]:
    """All arrays of an object, of its attributes and of what these hold."""
    if isinstance(x, np.ndarray):
        yield x
    elif scipy.sparse.issparse(x):
        yield from (x.data, x.indices, x.indptr)
    elif isinstance(x, xr.Dataset | xr.DataArray):
        variables = x.variables.values() if isinstance(x, xr.Dataset) else [x.variable]
        yield from (variable.values for variable in variables)
    elif isinstance(x, Mapping):
        for one in x.values():
            yield from arrays(one)
    elif isinstance(x, list | tuple):
        for one in x:
            yield from arrays(one)
    elif type(x).__module__.startswith("synfwp") and hasattr(x, "__dict__"):
        yield from arrays(dict(vars(x)))


def spoil(x: Any) -> None:
    """Change every array that can be changed."""
    for one in arrays(x):
        if one.flags.writeable and one.dtype.kind in "fiub":
            one[...] = one.dtype.type(1) if one.dtype.kind == "b" else one + one.dtype.type(7)


def plain(x: Any) -> list[Any]:
    """The values of all arrays, to be compared."""
    return [one.copy() for one in arrays(x)]


def equal(a: list[Any], b: list[Any]) -> bool:
    """Same shapes and values."""
    return len(a) == len(b) and all(
        x.tobytes() == y.tobytes() and x.shape == y.shape for x, y in zip(a, b, strict=True)
    )


cells = fw.Population(2, fw.LIF(), name="b")
feed = fw.PoissonSource(3, 10.0, "a")
OBJECTS: dict[str, tuple[Given, Callable[..., Any]]] = {
    "Steps": ({"t": np.array([0.0, 5.0]), "v": np.array([1.0, 0.0])}, lambda t, v: fw.Steps(t, v)),
    "PoissonSource": ({"r": np.array([1.0, 2.0])}, lambda r: fw.PoissonSource(2, r)),
    "SpikeSource": ({"t": np.array([1.0, 5.0]), "u": np.array([1, 0])}, lambda t, u: fw.SpikeSource(2, t, u)),
    "Population": (
        {"d": np.array([1.0, 2.0]), "v": np.array([-60.0, -61.0])},
        lambda d, v: fw.Population(2, fw.LIF(), drive=d, v_init=v),
    ),
    "Projection": (
        {"w": np.ones((3, 2)), "at": np.array([1.0])},
        lambda w, at: fw.Projection(
            feed, cells, w, latch=at, eligibility=1.0, plasticity=fw.PairSTDP("bi_poo").row(scale=1.0)
        ),
    ),
    "Projection, sparse": (
        {"w": scipy.sparse.csr_array(np.eye(3, 2))}, lambda w: fw.Projection(feed, cells, w)
    ),
    "Record": (
        {"n": np.array([0, 1]), "r": np.ones((1, 2))},
        lambda n, r: [fw.Record("b", "v", neurons=n), fw.Record("b", "v", readout=r)],
    ),
    "Instructions": (
        {name: np.ones((4, 2)) for name in "qkv"} | {"beta": np.ones(4), "decay": np.ones(4)},
        lambda **given: Instructions(**given),
    ),
    "Batch": (
        {"x": np.ones((1, 3, 2)), "target": np.zeros((1, 3), int), "mask": np.ones((1, 3), bool)},
        lambda x, target, mask: Batch(x, target, mask, 0.5),
    ),
    "Trained": (
        {"W": np.ones(2), "h": xr.Dataset({"loss": ("step", np.ones(2))})},
        lambda W, h: fw.Trained(fw.Programmer(), {"W": W}, h),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_keeps_its_own_arrays_which_nothing_changes(name: str) -> None:
    """F1."""
    given, make = OBJECTS[name]
    given = copy.deepcopy(given)
    made = make(**given)
    before = plain(made)
    for one in arrays(given):
        for held in arrays(made):
            assert not np.shares_memory(one, held)
    spoil(given)
    assert equal(plain(made), before)
    own = made.params if name == "Trained" else made  # the history is a Dataset of the user's
    assert not any(one.flags.writeable for one in arrays(own)), (
        name
    )  # before a copy is made, which freezes what it shares
    for again in (made, pickle.loads(pickle.dumps(made)), copy.deepcopy(made), copy.copy(made)):
        assert equal(plain(again), before)
        held = again.params if name == "Trained" else again
        assert not any(one.flags.writeable for one in arrays(held)), name


def test_every_public_class_that_holds_arrays_is_tried() -> None:
    """F1: a dataclass with an array among its annotations is in the table, or what it holds is made by a call."""
    made_by_calls = {"Scan", "Gradients", "Fit", "ModelFit", "TraceFit"}  # results: the caller's own
    for name, thing in public_names.public().items():
        if inspect.isclass(thing) and hasattr(thing, "__dataclass_fields__"):
            known = vars(sys.modules[thing.__module__])
            kinds = [str(known.get(str(x.type).removesuffix(" | None"), x.type)) for x in dataclasses.fields(thing)]
            if any("ndarray" in kind and "Callable" not in kind for kind in kinds):
                assert name.split(".")[-1] in {*OBJECTS, *made_by_calls}, name


rng = np.random.default_rng(0)
q, k, v = rng.uniform(0.1, 0.5, (3, 1, 5, 3))
W0 = np.ones((1, 3, 3))


def scan(rule: str, T: int = 5, form: str | None = None, **more: Any) -> Callable[..., Any]:
    """A call of `synfwp.scan` on the first T tokens."""
    return lambda q, k, v, **given: fw.scan(rule, q[:, :T], k[:, :T], v[:, :T], form=form, **given, **more)


def pullback_after_a_change(q: Any, k: Any, v: Any, W0: Any) -> Any:
    """The pullback of vjp, after arguments and results were changed."""
    out, back = fw.vjp("covariance", q, k, v, W0=W0)
    kept = copy.deepcopy(out)
    dy, dW = np.ones_like(kept.y), np.ones_like(kept.W)
    first = copy.deepcopy(back(dy, dW))
    for one in (q, k, v, W0, out.y, out.W, out.aux):
        one += 3
    assert equal(plain(back(dy, dW)), plain(first))
    return first


def circuit() -> fw.Circuit:
    """A sparse plastic and a dense plastic projection."""
    rule = plasticity.pair(0.01, -0.01, 20.0, 20.0)
    sparse = scipy.sparse.csr_array(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
    source = fw.PoissonSource(3, 100.0, "a")
    return fw.Circuit(
        [
            fw.Projection(source, cells, sparse, plasticity=rule, name="s"),
            fw.Projection(source, cells, 1.0, plasticity=rule, name="d"),
        ]
    )


simulation = circuit().start(seed=1)
run = fw.Circuit([], [fw.SpikeSource(2, [1.0, 2.0], [0, 1], "a")]).run(5.0)
QKV = {"q": q, "k": k, "v": v}
HEADS = {name: np.ones((1, 2, 4, 3)) for name in ("q", "k", "v")}
LATER = {name: np.ones((1, 4, 2, 3)) for name in ("q", "k", "v")}
CALLS: dict[str, tuple[Given, Callable[..., Any]]] = {
    **{
        f"scan, {rule}, T = {T}": (QKV | {"W0": W0}, scan(rule, T))
        for rule in ("hebb", "delta", "covariance", "oja", "linear_attention")
        for T in (0, 5)
    },
    "scan, momentum_delta": (QKV | {"W0": W0}, scan("momentum_delta", 0, momentum=0.5, decay=0.5)),
    "scan, mesa": (QKV | {"W0": W0, "ridge": np.ones(3)}, scan("mesa", 0, decay=1.0)),
    "scan, chunkwise": (QKV | {"W0": W0}, scan("delta", 0, "chunkwise")),
    "scan, parallel": (QKV | {"W0": W0}, scan("delta", 5, "parallel")),
    "vjp": (QKV | {"W0": W0}, pullback_after_a_change),
    "vjp, T = 0": (
        QKV | {"W0": W0, "dW": np.ones((1, 3, 3))},
        lambda q, k, v, W0, dW: fw.vjp("hebb", q[:, :0], k[:, :0], v[:, :0], W0=W0)[1](None, dW),
    ),
    "vjp, mesa, T = 0": (
        QKV | {"W0": W0, "dW": np.ones((1, 3, 3))},
        lambda q, k, v, W0, dW: fw.vjp(
            "mesa", q[:, :0], k[:, :0], v[:, :0], decay=1.0, ridge=np.ones(3), W0=W0
        )[1](None, dW),
    ),
    "attention": ({"q": q, "k": k}, lambda q, k: fw.attention("delta", q, k)),
    "simulate": (QKV, lambda q, k, v: fw.simulate("delta", Instructions(q, k, v), on=fw.RateNetwork())),
    "Simulation.weights, sparse": ({}, lambda: simulation.weights("s")),
    "Simulation.weights, dense": ({}, lambda: simulation.weights("d")),
    "Simulation.variable": ({}, lambda: [simulation.variable("b", "v"), simulation.variable("d", "x1")]),
    "Projection.checked": ({"w": np.ones((3, 2))}, lambda w: fw.Projection(feed, cells, 1.0).checked(w)),
    "Projection.columns": ({}, lambda: fw.Projection(feed, cells, scipy.sparse.csr_array(np.ones((3, 2)))).columns),
    "Steps.at": ({}, lambda: fw.Steps([0.0], [[1.0, 2.0]]).at(0, 0.1)),
    "spikes": ({}, lambda: fw.spikes(run, "a")),
    "random_synapses": ({}, lambda: fw.random_synapses(4, 4, 0.5, 1.0, seed=0)),
    "load_table": ({}, lambda: fw.load_table("wang2005_triplets")),
    "Instructions.to_dataset": (QKV, lambda **given: Instructions(**given).to_dataset()),
    "Instructions.from_dataset": (
        {"ds": Instructions(q, k, v).to_dataset()}, lambda ds: Instructions.from_dataset(ds)
    ),
    "Batch.to_dataset": (
        {"x": np.ones((1, 3, 2)), "t": np.zeros((1, 3), int), "m": np.ones((1, 3), bool)},
        lambda x, t, m: Batch(x, t, m, 0.5).to_dataset(),
    ),
    "conventions.to_fla": (HEADS | {"W0": np.ones((1, 2, 3, 3))}, lambda **given: conventions.to_fla(**given)),
    "conventions.from_fla": (
        LATER | {"initial_state": np.ones((1, 2, 3, 3))}, lambda **given: conventions.from_fla(**given)
    ),
    "conventions.results_to_fla": (
        {"y": np.ones((1, 2, 4, 3)), "W": np.ones((1, 2, 3, 3))}, lambda **given: conventions.results_to_fla(**given)
    ),
    "conventions.results_from_fla": (
        {"o": np.ones((1, 4, 2, 3)), "final_state": np.ones((1, 2, 3, 3))},
        lambda **given: conventions.results_from_fla(**given),
    ),
    "conventions.rwkv7": (
        {name: np.ones((2, 3)) for name in ("w", "kappa", "rate")}, lambda **given: conventions.rwkv7(**given)
    ),
    "conventions.iplr": ({name: np.ones((2, 3)) for name in "ab"}, lambda **g: conventions.iplr(**g)),
    "conventions.comba": (
        {"decay": np.ones(2), "p": np.ones((2, 3)), "k": np.ones((2, 3)), "beta": np.ones(2)},
        lambda **given: conventions.comba(**given),
    ),
    **{
        f"features, {name}": ({"x": np.ones((2, 4))}, lambda x, name=name: features.get_feature(name).apply(x))
        for name in features.FEATURES
    },
    **{
        f"normalisers, {name}": ({"x": np.ones((2, 4))}, lambda x, name=name: features.get_normaliser(name).apply(x))
        for name in features.NORMALISERS
    },
    "tasks.EvidenceIntegration.vectors": ({}, lambda: fw.tasks.EvidenceIntegration().vectors),
    "tasks.PermutationGroup.table": (
        {}, lambda: [fw.tasks.PermutationGroup().table, fw.tasks.PermutationGroup().moves]
    ),
    "Programmer.init": ({}, lambda: fw.Programmer(d_in=4).init(0)),
    "Protocol.pre": ({}, lambda: [plasticity.protocols.pairs(3).pre, plasticity.protocols.pairs(3).post]),
    "autograd.plastic": (
        {"drive": np.ones((0, 2)), "h0": np.ones(2), "A0": np.ones((2, 2))},
        lambda drive, h0, A0: fw.autograd.plastic(
            fw.PlasticRateNetwork(), drive, None, np.ones((2, 2)), None, 0.9, 0.1, h0, A0
        ),
    ),
    "units.to_float": ({"x": np.ones(2)}, lambda x: fw.units.to_float(x, "ms")),
}  # fmt: skip
CALLS["units.per_ms"] = ({"x": np.ones(2)}, lambda x: fw.units.per_ms(x))


@pytest.mark.parametrize("name", CALLS)
def test_what_a_call_returns_is_the_callers_own(name: str) -> None:
    """F1."""
    given, call = CALLS[name]
    first = call(**copy.deepcopy(given))
    before = plain(first)
    passed = copy.deepcopy(given)
    found = call(**passed)
    assert equal(plain(found), before), "not repeatable"
    for one in arrays(passed):
        for other in arrays(found):
            assert not np.shares_memory(one, other)
    kept = list(arrays(found))
    assert not any(np.shares_memory(a, b) for i, a in enumerate(kept) for b in kept[:i]), "results share memory"
    spoil(passed)
    assert equal(plain(found), before)
    spoil(found)
    assert equal(plain(call(**copy.deepcopy(given))), before)


def test_runs_neither_share_memory_with_the_simulation_nor_with_each_other() -> None:
    """F1."""
    one, other = circuit().start(seed=3), circuit().start(seed=3)
    records = [fw.Record("b", "v"), fw.Record("s", "W", every=10.0), fw.Record("d", "x1", every=10.0)]
    first = one.run(50.0, records)
    values = plain(first)
    spoil(first)
    for simulation in (one, other):
        W = simulation.weights("s")
        W.data[:] = 0
        W.eliminate_zeros()
        assert (W.nnz, simulation.weights("s").nnz) == (0, 4)
    other.run(50.0, records)
    a, b = one.run(50.0, records), other.run(50.0, records)
    assert equal(plain(a), plain(b))
    assert equal(plain(circuit().run(50.0, seed=3, record=records)), values)


@pytest.mark.parametrize(
    "change",
    [
        lambda W: W.eliminate_zeros(),
        lambda W: W.data.fill(0),
        lambda W: W.resize(1, 1),
        lambda W: W.setdiag(0),
        lambda W: W.__setitem__((0, 0), 0),
        lambda W: W.__imul__(0),
        lambda W: setattr(W, "data", W.data * 0),
        lambda W: setattr(W, "indices", W.indices * 0),
    ],
)
def test_the_synapses_of_a_projection_cannot_be_changed_in_any_way(change: Callable[[Any], Any]) -> None:
    """F1."""
    held = circuit().projection("s")
    dense = held.weight.toarray()
    with pytest.raises(ValueError, match=r"read-only|change a copy"):
        change(held.weight)
    np.testing.assert_array_equal(held.weight.toarray(), dense)
    change(held.weight.copy())
    assert (held.weight * 2).sum() == 2 * held.weight.sum()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(held.weight)).toarray(), dense)


def test_frozen_arrays_are_kept_and_others_copied() -> None:
    """`keep` copies once."""
    mine = np.ones(3)
    kept = owned.keep(mine)
    assert owned.keep(kept) is kept
    assert not np.shares_memory(kept, mine)
    mine.flags.writeable = False
    view = mine[:2]
    assert not np.shares_memory(owned.keep(view), mine)
