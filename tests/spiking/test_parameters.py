"""Parameters of each neuron: a population with arrays is the union of populations of one neuron each."""

import copy
import dataclasses
import json
import pickle

import numpy as np
import pytest
import test_circuit_kernel as kernels
from hypothesis import given, settings
from hypothesis import strategies as st

import synfwp as fw
from synfwp import plasticity, reference

pytestmark = pytest.mark.kernels
DT, STEPS = 0.5, 240
TWO = (fw.Receptor("e", 5.0, 0.0), fw.Receptor("i", 8.0, -80.0))
RANGES = {
    fw.LIF: {
        "tau_m": (5, 40), "t_ref": None, "v_rest": (-75, -65), "v_threshold": (-58, -52), "v_reset": (-70, -60),
        "g_leak": (5, 20), "noise": (0, 2),
    },
    fw.AdEx: {
        "C_m": (100, 300), "g_leak": (10, 30), "v_rest": (-75, -65), "v_threshold": (-55, -50), "v_reset": (-72, -58),
        "v_peak": (-40, 0), "delta": (1, 3), "a": (-2, 6), "b": (0, 100), "tau_w": (20, 200), "t_ref": None,
        "noise": (0, 2),
    },
    fw.TwoCompartment: {
        "tau_m": (5, 20), "t_ref": None, "g_leak": (0.5, 2), "g_dendrite": (5, 30), "v_rest": (-75, -65),
        "half": (-60, -55), "phi_max": (100, 400), "k": (0.3, 1), "slope": (0.2, 0.4), "tau_syn": (2, 6),
    },
}  # fmt: skip


@st.composite
def own_parameters(draw):
    """A model of which some parameters are arrays, and how many neurons there are."""
    n, kind = draw(st.integers(1, 6)), draw(st.sampled_from(list(RANGES)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    chosen = draw(st.sets(st.sampled_from(sorted(RANGES[kind])), min_size=1))
    values = {}
    for name in chosen:
        if name == "noise" and not draw(st.booleans()):
            continue
        low_high = RANGES[kind][name]
        some = DT * rng.integers(0, 8, n) if low_high is None else rng.uniform(*low_high, n)
        values[name] = rng.choice(some, n) if draw(st.booleans()) else np.sort(rng.choice(some, n))  # neighbours alike
    receptors = ()
    if kind is fw.TwoCompartment:
        receptors = (fw.Receptor("teacher", 5.0),)
    elif draw(st.booleans()):
        receptors = (fw.Receptor("e", rng.uniform(2, 9, n), rng.uniform(-10, 0, n)), fw.Receptor("i", 8.0, -80.0))
    return kind(receptors=receptors, **values), n


def drive_of(neuron, n):
    """Enough to fire."""
    return (
        (12.0 * np.broadcast_to(neuron.g_leak, n) + np.linspace(5, 10, n))
        if not isinstance(neuron, fw.AdEx)
        else np.linspace(500, 700, n)
    )


def receptor_of(neuron):
    return neuron.receptors[0].name if neuron.receptors else "current"


def whole(neuron, n, W):
    cells = fw.Population(n, neuron, name="cells", drive=drive_of(neuron, n))
    return fw.Circuit(
        [fw.Projection(kernels.prescribed(duration=DT * STEPS), cells, W, receptor=receptor_of(neuron))], dt=DT
    )


def union(neuron, n, W):
    drive, source = drive_of(neuron, n), kernels.prescribed(duration=DT * STEPS)
    cells = [fw.Population(1, neuron.at(i), name=f"cell{i}", drive=drive[i]) for i in range(n)]
    return fw.Circuit(
        [fw.Projection(source, one, W[:, i : i + 1], receptor=receptor_of(neuron)) for i, one in enumerate(cells)],
        dt=DT,
    )


def run_bits(simulation, populations, variables=("v",)):
    """Spikes and final potentials."""
    ds = simulation.run(DT * STEPS)
    trains = [(t.tolist(), i.tolist()) for t, i in (fw.spikes(ds, name) for name in populations)]
    return trains, np.concatenate([simulation.variable(name, v) for v in variables for name in populations])


@settings(max_examples=60, deadline=None)
@given(own_parameters(), st.integers(0, 1000))
def test_a_population_with_arrays_is_the_union_of_populations_of_one_neuron_each(drawn, seed):
    neuron, n = drawn
    W = np.random.default_rng(seed).uniform(0, 30, (kernels.N_PRE, n))
    (trains, v), names = run_bits(whole(neuron, n, W).start(seed), ["cells"]), [f"cell{i}" for i in range(n)]
    others, u = run_bits(union(neuron, n, W).start(seed), names)
    assert np.array_equal(v, u)  # bit for bit, noise too: it is drawn neuron by neuron
    for i in range(n):
        times, unit = np.array(trains[0][0]), np.array(trains[0][1], int)
        assert times[unit == i].tolist() == others[i][0]


@settings(max_examples=40, deadline=None)
@given(own_parameters(), st.integers(0, 1000))
def test_arrays_run_as_in_the_twin(drawn, seed):
    neuron, n = drawn
    neuron = dataclasses.replace(neuron, noise=0.0) if hasattr(neuron, "noise") else neuron
    W = np.random.default_rng(seed).uniform(0, 30, (kernels.N_PRE, n))
    circuit = whole(neuron, n, W)
    simulation = circuit.start(seed)
    ds = simulation.run(DT * STEPS, record=fw.Record("cells", "v"))
    groups, projections = kernels.as_twin(circuit, STEPS)
    groups, _ = reference.circuit(copy.deepcopy(fw.Circuit.start(circuit, seed).rng), groups, projections, STEPS, DT)
    times, unit = fw.spikes(ds, "cells")
    raster = np.zeros((STEPS, n), bool)
    raster[np.round(times * 1000 / DT).astype(int), unit] = True
    assert np.array_equal(raster, groups[1]["raster"])
    after = groups[1]["trace"]
    if not isinstance(neuron, fw.TwoCompartment):
        after = np.where(raster, groups[1]["v_reset"], after)
    np.testing.assert_allclose(ds.v_cells.values[1:], after[:-1], rtol=0, atol=1e-8)


@settings(max_examples=30, deadline=None)
@given(own_parameters(), st.integers(1, STEPS - 1))
def test_a_run_with_arrays_can_be_cut_saved_and_restored(tmp_path_factory, drawn, cut):
    neuron, n = drawn
    circuit = whole(neuron, n, np.full((kernels.N_PRE, n), 20.0))
    once, first = circuit.start(3), circuit.start(3)
    once.run(DT * STEPS)
    first.run(DT * cut)
    path = first.save(tmp_path_factory.mktemp("state") / "a.npz")
    again = fw.Circuit.restore(pickle.loads(pickle.dumps(circuit)), path)
    again.run(DT * (STEPS - cut))
    assert np.array_equal(again.variable("cells", "v"), once.variable("cells", "v"))
    other = whole(dataclasses.replace(neuron, g_leak=np.linspace(31, 37, n)), n, np.full((kernels.N_PRE, n), 20.0))
    with pytest.raises(ValueError, match="is the state of another circuit"):
        other.restore(path)


@pytest.mark.parametrize("kind", RANGES)
def test_an_array_of_one_value_is_that_value(kind):
    scalar = kind(receptors=TWO) if kind is not fw.TwoCompartment else kind(receptors=(fw.Receptor("teacher", 5.0),))
    arrays = {name: np.full(5, getattr(scalar, name)) for name in RANGES[kind]}
    W = np.random.default_rng(0).uniform(0, 30, (kernels.N_PRE, 5))
    a = run_bits(whole(scalar, 5, W).start(1), ["cells"])
    b = run_bits(whole(dataclasses.replace(scalar, **arrays), 5, W).start(1), ["cells"])
    assert a[0] == b[0]
    assert np.array_equal(a[1], b[1])
    assert len(a[0][0][0]) > 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: fw.Population(3, fw.LIF(tau_m=[10.0, 20.0])),
            "tau_m of the neurons of 'cells' has 2 values; pass a number, or 3",
        ),
        (lambda: fw.LIF(tau_m=[10.0, -20.0]), r"tau_m\[1\] \(ms\) is -20.0; pass a finite number above 0"),
        (lambda: fw.AdEx(delta=[2.0, np.nan]), r"delta\[1\] \(mV\) is nan; pass a finite number above 0"),
        (
            lambda: fw.LIF(v_rest=[-70.0, -40.0]),
            r"v_threshold is -50 mV; it must lie above v_reset \(-60 mV\) and v_rest \(-40",
        ),
        (lambda: fw.LIF(v_rest=[-70.0] * 2, tau_m=[9.0] * 3), "LIF has . values; pass a number, or . of them"),
        (lambda: fw.LIF(v_rest=[[-70.0]]), r"v_rest has shape \(1, 1\); pass a number, or one for each neuron"),
        (
            lambda: fw.Population(3, fw.LIF(receptors=(fw.Receptor("e", [1.0, 2.0], 0.0),))),
            "e.tau of the neurons of 'cells' has 2",
        ),
        (
            lambda: fw.SpikingNetwork(engine="lif", neuron=fw.LIF(v_rest=[-70.0, -71.0])),
            r"a value for each neuron \(v_rest\)",
        ),
        (
            lambda: fw.Circuit([], [fw.Population(2, fw.LIF(t_ref=[1.0, 0.25]))]),
            "t_ref of 'cells' is 0.25 ms, which is not a",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_quantities_in_arrays_are_converted():
    ms = pytest.importorskip("brian2").ms
    assert fw.LIF(tau_m=np.array([0.01, 0.02]) * 1000 * ms).tau_m.tolist() == [10.0, 20.0]


def test_neurons_with_arrays_are_compared_hashed_copied_and_kept_from_change():
    a = fw.LIF(v_rest=[-70.0, -65.0])
    for b in (pickle.loads(pickle.dumps(a)), copy.deepcopy(a), dataclasses.replace(a)):
        assert a == b
        assert hash(a) == hash(b)
        with pytest.raises(ValueError, match="read-only"):
            b.v_rest[0] = 0.0
    assert a != fw.LIF(v_rest=[-70.0, -64.0])
    assert fw.LIF() == fw.LIF()
    mine = np.array([-70.0, -65.0])
    kept = fw.LIF(v_rest=mine)
    mine[0] = 0.0
    assert kept.v_rest[0] == -70.0


def test_metadata_hold_few_values_and_a_hash_of_many():
    few = fw.Circuit([], [fw.Population(3, fw.LIF(v_rest=[-70.0, -71.0, -72.0]))]).run(1.0)
    many = fw.Circuit([], [fw.Population(5000, fw.LIF(v_rest=np.linspace(-75, -70, 5000)))]).run(1.0)
    assert "-71.0" in str(few.attrs)
    assert "sha256" in str(many.attrs)
    assert len(json.dumps(str(many.attrs))) < 5000


def test_plastic_synapses_follow_neurons_with_their_own_parameters():
    """A sparse and a dense rule on neurons of three thresholds against the twin."""
    neuron = fw.LIF(t_ref=[0.0, 2.0, 4.0], v_threshold=[-56.0, -55.0, -54.0], tau_m=[10.0, 15.0, 20.0])
    for weight in (None, kernels.half()):
        circuit = kernels.one(plasticity.pair(0.3, 0.25, w_max=8.0), neuron, weight)
        simulation = circuit.start(0)
        simulation.run(DT * STEPS)
        groups, projections = kernels.as_twin(circuit, STEPS)
        reference.circuit(None, groups, projections, STEPS, DT)
        W = simulation.weights("input_to_cells")
        np.testing.assert_allclose(W if weight is None else W.toarray(), projections[0]["W"], rtol=0, atol=1e-10)
        assert groups[1]["raster"].sum() >= 10
