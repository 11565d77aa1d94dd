"""The smallest and the largest of everything: no step, no synapse, one neuron, ends of seeds, times off a grid."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import synfwp as fw

SENT = fw.Instructions(q=np.abs(np.eye(4)), k=np.eye(4), v=np.eye(4))


def noisy(seed: Any) -> np.ndarray:
    """Potentials of noisy neurons."""
    cells = fw.Population(2, fw.LIF(noise=5.0))
    return fw.Circuit([], [cells]).run(2.0, seed, record=fw.Record("cells", "v"))["v_cells"].values


def trained(seed: Any) -> np.ndarray:
    """Parameters after a step."""
    net = fw.Programmer(d_in=7, d_key=3, d_value=2, d_out=3)
    return fw.train(net, fw.tasks.Recall(keys=3, values=3, writes=2), steps=1, batch=2, seed=seed).params["W_k"]


SEEDED: dict[str, Callable[[Any], Any]] = {
    "generator": lambda seed: fw.seeds.generator(seed, "part").random(3),
    "Circuit.run": noisy,
    "random_synapses": lambda seed: fw.random_synapses(20, 20, 0.5, 1.0, seed).toarray(),
    "shuffled": lambda seed: SENT.shuffled(seed).v,
    "simulate": lambda seed: fw.simulate("hebb", SENT, on=fw.SpikingNetwork(), seed=seed)["W"].values,
    "init": lambda seed: fw.Programmer(d_in=3, d_key=2, d_value=2, d_out=2).init(seed)["W_k"],
    "train": trained,
}


@pytest.mark.parametrize("name", SEEDED)
def test_a_seed_is_an_integer_of_any_size_a_sequence_or_a_generator(name: str) -> None:
    call = SEEDED[name]
    for seed in (0, 2**32, 2**64 + 1, np.int64(3), np.uint64(2**64 - 1), np.int8(5)):
        assert np.array_equal(call(seed), call(int(seed)))
    assert np.array_equal(call(np.random.SeedSequence(3)), call(np.random.SeedSequence(3)))
    assert not np.array_equal(call(2**64), call(0))
    assert np.array_equal(call(np.random.default_rng(1)), call(np.random.default_rng(1)))


@pytest.mark.parametrize("seed", [-1, 1.0, True, None, "0", np.float64(1), [1, 2], np.array([1])], ids=repr)
@pytest.mark.parametrize("name", SEEDED)
def test_what_is_no_seed_is_refused_by_name(name: str, seed: Any) -> None:
    if name == "simulate" and isinstance(seed, list):
        pytest.skip("simulate takes a list of seeds")
    with pytest.raises((TypeError, ValueError), match="seed"):
        SEEDED[name](seed)


SOURCE, CELLS = fw.PoissonSource(3, 50.0), fw.Population(2, fw.LIF())
NO_SYNAPSE = {
    "sparse": scipy.sparse.csr_array((3, 2)),
    "coo": scipy.sparse.coo_array((3, 2)),
    "random": fw.random_synapses(3, 2, 0.0, 1.0, 0),
}


@pytest.mark.parametrize("kind", NO_SYNAPSE)
@pytest.mark.parametrize("rule", [None, fw.plasticity.pair(0.1, 0.1)], ids=["fixed", "plastic"])
def test_a_projection_without_synapses_runs_is_saved_and_changes_nothing(kind: str, rule: Any, tmp_path: Any) -> None:
    line = fw.Projection(SOURCE, CELLS, NO_SYNAPSE[kind], name="p", plasticity=rule)
    circuit = fw.Circuit([line])
    simulation = circuit.start(1)
    simulation.run(20.0)
    simulation.save(tmp_path / "state.npz")
    again = circuit.restore(tmp_path / "state.npz").run(20.0)
    alone = fw.Circuit([], [SOURCE, CELLS]).run(40.0, 1)
    whole = circuit.run(40.0, 1)
    assert np.array_equal(whole["spike_time"], alone["spike_time"])
    assert again["spike_time"].size == whole["spike_time"][whole["spike_time"] > 0.02 - 1e-9].size
    assert simulation.weights("p").shape == (3, 2)
    assert simulation.weights("p").nnz == 0


@pytest.mark.parametrize("neuron", [fw.LIF(), fw.AdEx(), fw.TwoCompartment()], ids=lambda n: type(n).__name__)
def test_one_neuron_is_the_first_of_several(neuron: Any) -> None:
    found = [
        fw.Circuit([], [fw.Population(n, neuron, drive=900.0)]).run(50.0, record=fw.Record("cells", "v", neurons=[0]))
        for n in (1, 3)
    ]
    assert np.array_equal(found[0]["v_cells"], found[1]["v_cells"])


@pytest.mark.parametrize("n", [0, -1, 2.0, True, "2", None, 10**30 + 0.5])
@pytest.mark.parametrize("make", [lambda n: fw.Population(n, fw.LIF()), lambda n: fw.PoissonSource(n, 1.0),
                                  lambda n: fw.SpikeSource(n, [], [])])  # fmt: skip
def test_no_neurons_are_refused(make: Callable[[Any], Any], n: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^n is .*; pass an integer of at least 1"):
        make(n)


def test_a_run_of_no_time_leaves_the_circuit_as_it_was() -> None:
    line = fw.Projection(SOURCE, CELLS, 1.0, name="p", plasticity=fw.plasticity.pair(0.1, 0.1))
    simulation = fw.Circuit([line]).start(2)
    ds = simulation.run(0.0, record=[fw.Record("cells", "v"), fw.Record("p", "W")])
    assert ds.sizes["spike"] == 0
    assert simulation.time == 0
    assert np.array_equal(simulation.weights("p"), np.ones((3, 2)))
    assert np.array_equal(simulation.run(30.0)["spike_time"], simulation.circuit.run(30.0, 2)["spike_time"])


@pytest.mark.parametrize("dt", [0.1, 0.05, 0.025, 0.125, 1.0 / 3.0, 1.0])
def test_a_time_on_the_grid_is_taken_and_one_off_it_refused(dt: float) -> None:
    cells = fw.Population(1, fw.LIF(t_ref=6 * dt))
    line = fw.Projection(fw.PoissonSource(1, 10.0), cells, 1.0, delay=9 * dt, name="p")
    for m in (0, 1, 7, 12345):
        fw.Circuit([line], dt=dt).on_grid("duration", m * dt)
    fw.Circuit([line], dt=dt).run(30 * dt)
    for off in (0.5 * dt, 30.4 * dt):
        with pytest.raises(ValueError, match="not a multiple of dt"):
            fw.Circuit([line], dt=dt).run(off)


@pytest.mark.parametrize("rule", [name for name, row in fw.RULES.items() if row.uses_keys])
def test_no_token_leaves_w_as_it_was(rule: str) -> None:
    row, W0 = fw.get_rule(rule), np.arange(6.0).reshape(2, 3)
    k, v = ((0, row.writes, d) if row.writes > 1 else (0, d) for d in (3, 2))
    more: dict[str, Any] = {"decay": np.ones((0, 3) if row.retain == "key" else 0)} if row.uses_decay else {}
    if row.retain == "key" and row.error == "key":
        more["decay"] = np.ones((0, 2))
    more |= {"erase": (np.ones((0, 3)), np.ones((0, 3)))} if row.uses_pair else {}
    more |= {"momentum": np.ones(0)} if row.uses_momentum else {}
    more |= {"ridge": 1.0} if row.uses_ridge else {}
    more |= {"W0": W0} if row.has_weights and not row.uses_ridge else {}
    values = np.ones(v) if row.uses_values else None
    out, pullback = fw.vjp(rule, np.ones((0, 3)), np.ones(k), values, **more)
    assert out.y.shape == (0, 2)
    if "W0" in more:
        assert np.array_equal(out.W, W0)
        assert not np.shares_memory(out.W, W0)
        assert np.array_equal(pullback(dW=np.ones((2, 3))).W0, np.ones((2, 3)))
