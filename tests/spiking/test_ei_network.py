"""The ready-made network of excitatory and inhibitory neurons."""

import numpy as np
import pytest

import synfwp as fw
from synfwp.measures import chi, interval_cv


@pytest.mark.parametrize("n", [400, 2000])
def test_neurons_fire_irregularly_at_about_ten_hertz(n):
    found = []
    for seed in range(3):
        ds = fw.ei_network(n, seed=seed).run(2500.0, seed=seed)
        time, unit = fw.spikes(ds, "E")
        late = time > 0.5
        rate = fw.rates(ds, window=(0.5, 2.5)).sel(population="E").item()
        found.append([rate, interval_cv(time[late], unit[late]),
                      chi(time[late], unit[late], np.arange(0.5, 2.5, 0.005), 4 * n // 5)])  # fmt: skip
    rate, cv, synchrony = np.mean(found, axis=0)
    assert 8 < rate < 14
    assert cv > 0.75
    assert synchrony < 3 / (4 * n // 5) ** 0.5  # of independent neurons: 1 / sqrt(n)


def test_inhibitory_plasticity_lowers_the_rates_towards_its_target_and_makes_them_alike():
    rule = fw.plasticity.inhibitory(eta=0.02, rate=5.0, w_max=100.0)
    spread = []
    for seed in range(4):
        simulation = fw.ei_network(400, plasticity=rule, seed=seed).start(0)
        before, _, after = (fw.rates(simulation.run(2000.0), neurons=True) for _ in range(3))
        before, after = (one[one.population == "E"] for one in (before, after))
        assert 5 < after.mean() < before.mean() - 0.5
        spread.append((after.std() / before.std()).item())
    assert np.mean(spread) < 0.9


def test_connections_are_those_that_are_asked_for():
    circuit = fw.ei_network(1000, inputs=100, seed=2)
    sizes = {one.name: one.n_synapses for one in circuit.projections}
    for name, n in (("E_to_E", 800 * 799), ("E_to_I", 800 * 200), ("I_to_E", 200 * 800), ("I_to_I", 200 * 199)):
        assert abs(sizes[name] - 0.1 * n) < 5 * (0.09 * n) ** 0.5, name
    again, other = fw.ei_network(1000, inputs=100, seed=2), fw.ei_network(1000, inputs=100, seed=3)
    assert (again.projections[0].weight != circuit.projections[0].weight).nnz == 0
    assert (other.projections[0].weight != circuit.projections[0].weight).nnz > 0


def test_a_drive_for_each_neuron_and_rules_by_name():
    drive = np.concatenate([np.zeros(80), np.full(20, 300.0)])
    stdp = fw.plasticity.pair(0.01, 0.012, w_max=1.0)
    circuit = fw.ei_network(100, inputs=20, drive=drive, plasticity={"E_to_E": stdp})
    rate = fw.rates(circuit.run(200.0, seed=0))
    assert rate.sel(population="E") == 0 < rate.sel(population="I")
    assert [one.name for one in circuit.projections if one.plasticity is not None] == ["E_to_E"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 401}, "multiple of 5"),
        ({"n": 0}, "n is 0"),
        ({"inputs": 500}, "inputs"),
        ({"w_e": -1.0}, "w_e"),
        ({"w_i": "x"}, "w_i"),
        ({"plasticity": {"E_to_X": None}}, "projection of plasticity"),
        ({"delay": -1.0}, "delay"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fw.ei_network(**arguments)
