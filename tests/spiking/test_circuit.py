"""Circuits: what they compute in cases with closed forms, what they keep, how they are saved, and what they refuse."""

import dataclasses
import json
import re

import numpy as np
import pytest
import scipy.sparse
from scipy import stats

import synfwp as fw
from synfwp import plasticity
from synfwp.spiking import recording
from synfwp.spiking.sources import BLOCK

QUIET = fw.LIF()


def feed(weight=2.0, n=50, rate=40.0, cells=None, **more):
    """Poisson inputs on a few cells."""
    cells = cells or fw.Population(3, QUIET, drive=10.0)
    return fw.Projection(fw.PoissonSource(n, rate), cells, weight, **more)


def cue(times, n=1, units=None, name="cue"):
    """Prescribed spikes."""
    return fw.SpikeSource(n, times, np.zeros(len(times), int) if units is None else units, name=name)


# --- neurons and synapses with closed forms ---------------------------------------------------------------------------


def test_a_leaky_neuron_relaxes_to_its_drive_and_a_current_adds_a_difference_of_exponentials():
    cells = fw.Population(1, fw.LIF(tau_m=20.0, tau_syn=5.0), drive=4.0)
    circuit = fw.Circuit([fw.Projection(cue([10.0]), cells, 3.0)], dt=0.1)
    ds = circuit.run(80.0, record=fw.Record("cells", "v"))
    t = ds.time_v_cells.values * 1000
    since = np.maximum(t - 10.1, 0)  # the spike of the step at 10 ms acts from the next one on
    psp = 3.0 * 5.0 / (5.0 - 20.0) * (np.exp(-since / 5.0) - np.exp(-since / 20.0))
    np.testing.assert_allclose(ds.v_cells.values[:, 0], -70.0 + 4.0 * (1 - np.exp(-t / 20.0)) + psp, atol=1e-10)


def test_a_leaky_neuron_fires_at_the_rate_of_its_closed_form():
    cells = fw.Population(1, fw.LIF(t_ref=3.0), drive=30.0)
    times = fw.spikes(fw.Circuit([], [cells], dt=0.01).run(1000.0), "cells")[0] * 1000
    expected = 3.0 + 20.0 * np.log((30.0 - 10.0) / (30.0 - 20.0))  # from reset, 10 above rest, to threshold, 20 above
    assert np.diff(times)[1:].mean() == pytest.approx(expected, abs=0.02)  # two steps


def test_a_conductance_pulls_to_its_reversal_potential():
    neuron = fw.LIF(v_threshold=10.0, receptors=(fw.Receptor("e", 1e6, 0.0),))
    circuit = fw.Circuit([fw.Projection(cue([0.0]), fw.Population(1, neuron), 3.0)], dt=0.1)
    ds = circuit.run(200.0, record=fw.Record("cells", "v", every=10.0))
    assert float(ds.v_cells[-1, 0]) == pytest.approx(-70.0 / 4, abs=0.01)  # leak 1, conductance 3 towards 0 mV


def test_an_adaptive_neuron_fires_ever_more_slowly_and_one_without_adaptation_does_not():
    gaps = {}
    for b in (0.0, 80.5):
        cells = fw.Population(1, fw.AdEx(b=b, a=0.0), drive=1000.0)
        times = fw.spikes(fw.Circuit([], [cells]).run(400.0), "cells")[0]
        gaps[b] = np.diff(times)
    assert gaps[80.5][-1] > 2 * gaps[80.5][0]
    assert np.ptp(gaps[0.0][1:]) < 3e-4


def test_noise_has_the_standard_deviation_that_is_asked():
    cells = fw.Population(400, fw.LIF(noise=3.0, v_threshold=100.0))
    ds = fw.Circuit([], [cells], dt=0.5).run(600.0, record=fw.Record("cells", "v", every=100.0))
    v = ds.v_cells.values[2:].ravel()  # after five time constants; samples 100 ms apart are independent to 1 %
    assert v.std() == pytest.approx(3.0, abs=4 * 3.0 / np.sqrt(2 * len(v)))


def test_the_potential_of_a_dendrite_is_that_of_the_closed_form_and_is_not_disturbed_by_the_soma():
    neuron = fw.TwoCompartment(tau_m=10.0, tau_syn=3.0, receptors=(fw.Receptor("teacher", 5.0),))
    cells = fw.Population(1, neuron)
    teach = fw.Projection(cue([2.0], name="t"), cells, 50.0, receptor="teacher")
    circuit = fw.Circuit([fw.Projection(cue([10.0]), cells, 3.0, receptor="dendrite"), teach])
    ds = circuit.run(60.0, record=[fw.Record("cells", "w"), fw.Record("cells", "v")])
    t = ds.time_w_cells.values * 1000
    since = np.maximum(t - 10.1, 0)
    psp = 3.0 * 3.0 / (3.0 - 10.0) * (np.exp(-since / 3.0) - np.exp(-since / 10.0))
    np.testing.assert_allclose(ds.w_cells.values[:, 0], -70.0 + psp, atol=1e-10)
    assert ds.v_cells.values.max() > -69.0


def test_poisson_sources_fire_at_their_rates_independently_and_at_most_once_a_step():
    n, T = 200, 20_000.0
    rates = np.linspace(0.0, 80.0, n)
    ds = fw.Circuit([], [fw.PoissonSource(n, rates, name="in")], dt=0.5).run(T, seed=4)
    times, unit = fw.spikes(ds, "in")
    counts = np.bincount(unit, minlength=n)
    z = (counts - rates * T / 1000)[1:] / np.sqrt(rates[1:] * T / 1000)
    assert counts[0] == 0
    assert abs((z**2).sum() - (n - 1)) < 4 * np.sqrt(2 * (n - 1))  # chi-squared, 4 standard deviations
    steps = np.round(times * 2000).astype(int)
    assert len(np.unique(steps * n + unit)) == len(unit)
    waits = np.diff(steps[unit == n - 1])
    assert stats.kstest(waits, stats.geom(0.04).cdf).pvalue > 1e-3
    half = np.bincount(steps // 20_000)
    assert abs(half[0] - half[1]) < 4 * np.sqrt(half.sum())


def test_rates_in_steps_hold_from_one_time_to_the_next():
    rate = fw.Steps([0.0, 300.0, 600.0], [[0.0, 50.0], [100.0, 0.0], [0.0, 0.0]])
    times, unit = fw.spikes(fw.Circuit([], [fw.PoissonSource(2, rate, name="in")], dt=0.5).run(1000.0), "in")
    assert set(unit[times < 0.3]) == {1}
    assert set(unit[(times >= 0.3) & (times < 0.6)]) == {0}
    assert not (times >= 0.6).any()


def test_spikes_arrive_after_their_delay():
    strong = fw.Population(1, fw.LIF(t_ref=0.0, receptors=(fw.Receptor("e", 1.0, 50.0),)))
    for delay in (0.0, 0.1, 2.5):
        ds = fw.Circuit([fw.Projection(cue([5.0]), strong, 1e4, delay=delay)]).run(20.0)
        first = fw.spikes(ds, "cells")[0][0] * 1000
        assert first == pytest.approx(5.0 + delay + 0.1)


@pytest.mark.parametrize(
    ("short_term", "hz", "expected"),
    [
        (fw.ShortTerm(U=0.5, tau_rec=800.0, tau_facil=1e-3), [1, 5, 10, 20, 40], [0.416, 0.181, 0.105, 0.0571, 0.0298]),
        (
            fw.ShortTerm(U=0.03, tau_rec=130.0, tau_facil=530.0),
            [1, 5, 10, 20, 40, 70],
            [0.035, 0.087, 0.135, 0.1655, 0.139, 0.096],
        ),
    ],
    ids=["depressing", "facilitating"],
)
def test_what_a_synapse_releases_in_steady_state_is_the_published_share(short_term, hz, expected):
    for rate, share in zip(hz, expected, strict=True):
        assert short_term.released(np.full(400, 1000.0 / rate))[-1] == pytest.approx(share, abs=6e-4)  # digits printed


def test_the_engine_releases_what_the_recursion_says():
    s = fw.ShortTerm(U=0.2, tau_rec=150.0, tau_facil=400.0)
    times = np.array([5.0, 20.0, 30.0, 90.0, 100.0, 300.0])
    neuron = fw.LIF(tau_syn=1e-3, receptors=(fw.Receptor("signal", 1e9, drives=False),))
    circuit = fw.Circuit([fw.Projection(cue(times), fw.Population(1, neuron), 7.0, short_term=s)])
    ds = circuit.run(320.0, record=fw.Record("cells", "signal"))
    jumps = np.diff(ds.signal_cells.values[:, 0])
    expected = 7.0 * s.released(np.diff(times, prepend=0.0))
    np.testing.assert_allclose(jumps[jumps > 1e-3], expected, rtol=1e-6)  # a decay of 1e-10 a step


# --- plasticity with closed forms ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule", [fw.PairSTDP("bi_poo"), fw.TripletSTDP("visual_cortex"), fw.TripletSTDP("hippocampus")]
)
def test_a_rule_in_a_circuit_changes_the_weight_as_it_does_in_a_pairing_protocol(rule):
    protocol = plasticity.protocols.pairs(n=5, rate=10.0, dt=10.0)
    strong = fw.Population(1, fw.LIF(t_ref=20.0, receptors=(fw.Receptor("e", 0.1, 50.0),)))
    post = fw.Projection(cue(protocol.post, name="kick"), strong, 1e6, receptor="e")
    row = rule.row(1.0, w_min=-np.inf)
    plastic = fw.Projection(cue(protocol.pre, name="pre"), strong, 1.0, receptor="none", plasticity=row)
    simulation = fw.Circuit([post, plastic]).start()
    ds = simulation.run(600.0)
    after = fw.spikes(ds, "cells")[0] * 1000
    np.testing.assert_allclose(after, protocol.post + 0.1)
    assert float(simulation.weights("pre_to_cells")[0, 0]) - 1 == pytest.approx(rule.dw(protocol.pre, after), rel=1e-9)


@pytest.mark.parametrize("interaction", ["all", "nearest"])
def test_plasticity_follows_two_recorded_spike_trains(interaction):
    rng = np.random.default_rng(2)
    times = [np.sort(rng.choice(20_000, 60, replace=False)) * 0.1 for _ in range(5)]
    odd = [train - train % 0.2 + 0.1 for train in times[3:]]  # no coincidences, which dw and circuits treat differently
    even = [train - train % 0.2 for train in times[:3]]
    even, odd = ([np.unique(train.round(1)) for train in trains] for trains in (even, odd))

    def source(trains, name):
        order = np.argsort(np.concatenate(trains), kind="stable")
        unit = np.repeat(np.arange(len(trains)), [len(train) for train in trains])
        return fw.SpikeSource(len(trains), np.concatenate(trains)[order], unit[order], name=name)

    rule = fw.TripletSTDP("hippocampus", interaction=interaction)
    row = rule.row(1.0, w_min=-np.inf)
    simulation = fw.Circuit([fw.Projection(source(even, "pre"), source(odd, "post"), 0.0, plasticity=row)]).start()
    simulation.run(2100.0)
    expected = [[rule.dw(before, after) for after in odd] for before in even]
    np.testing.assert_allclose(simulation.weights("pre_to_post"), expected, rtol=1e-9, atol=1e-12)


def test_a_weight_leaks_with_its_time_constant():
    rule = plasticity.pair(0.0, 0.0, tau_w=500.0)
    simulation = fw.Circuit([feed(2.0, plasticity=rule)]).start()
    simulation.run(1000.0)
    np.testing.assert_allclose(simulation.weights("input_to_cells"), 2.0 * np.exp(-2.0), rtol=1e-10)


def test_a_row_that_is_never_visited_leaks_to_zero_and_not_to_nan():
    rule = plasticity.pair(0.1, 0.1, tau_w=1.0)
    simulation = fw.Circuit([feed(2.0, rate=0.0, plasticity=rule, cells=fw.Population(3, QUIET, drive=30.0))]).start()
    simulation.run(1500.0)
    assert (simulation.weights("input_to_cells") == 0).all()


def test_normalised_weights_keep_their_sum():
    rule = plasticity.pair(0.05, 0.02, total=100.0, interval=10.0)
    simulation = fw.Circuit([feed(2.0, plasticity=rule)]).start()
    simulation.run(200.0)
    before = simulation.weights("input_to_cells").sum(axis=0)
    assert (np.abs(before - 100.0) > 1e-6).any()  # changes since the last time
    simulation.run(10.0)
    simulation._enter()
    np.testing.assert_allclose(simulation.weights("input_to_cells").sum(axis=0), 100.0, rtol=1e-12)


def test_reward_pays_the_eligibility_and_nothing_without_it():
    def change(reward):
        strong = fw.Population(1, fw.LIF(t_ref=20.0, receptors=(fw.Receptor("e", 0.1, 50.0),)))
        kick = fw.Projection(cue([20.0], name="kick"), strong, 1e6)
        dopamine = cue([200.0], name="dopamine")
        rule = plasticity.reward(0.5, 0.0, tau_e=300.0, tau_reward=100.0, reward=reward)
        p = fw.Projection(cue([10.0], name="pre"), strong, 1.0, receptor="none", plasticity=rule, modulator=dopamine)
        simulation = fw.Circuit([kick, p]).start()
        simulation.run(2000.0)
        return float(simulation.weights("pre_to_cells")[0, 0]) - 1

    eligible = 0.5 * np.exp(-(20.1 - 10.0) / 20.0) * np.exp(-(200.0 - 20.1) / 300.0)
    paid = 0.002 * eligible / (1 / 300.0 + 1 / 100.0)
    assert change(0.0) == 0.0
    assert change(0.002) == pytest.approx(paid, rel=5e-3)  # eligibility starts to decay and reward to pay a step later


def test_a_dendrite_learns_to_predict_its_teacher():
    neuron = fw.TwoCompartment(receptors=(fw.Receptor("teacher", 5.0, -58.0),))
    cells = fw.Population(20, neuron)
    teacher = fw.Projection(fw.PoissonSource(1, 400.0, name="teacher"), cells, 15.0, receptor="teacher")
    rule = plasticity.dendritic(1.0)
    p = fw.Projection(fw.PoissonSource(30, 30.0), cells, 0.0, receptor="dendrite", plasticity=rule)
    simulation = fw.Circuit([teacher, p], dt=0.5).start()

    def predicted_and_fired():
        ds = simulation.run(2000.0, record=fw.Record("cells", "prediction", every=2.0))
        return ds.prediction_cells.values[100:].mean() / 0.5 * 1000, len(fw.spikes(ds, "cells")[0]) / 20 / 2.0

    first = predicted_and_fired()
    simulation.run(20_000.0)
    predicted, fired = predicted_and_fired()
    assert first[0] < 0.6 * first[1]
    assert predicted == pytest.approx(fired, rel=0.1)


def test_an_inhibitory_synapse_brings_its_cell_to_the_target_rate():
    neuron = fw.LIF(noise=2.0, g_leak=10.0, receptors=(fw.Receptor("i", 10.0, -80.0),))
    cells = fw.Population(20, neuron, drive=300.0)
    rule = plasticity.inhibitory(0.03, rate=8.0, w_max=100.0)
    # many weak synapses: a strong one silences its cell when it fires, which shifts the balance
    stop = fw.Projection(fw.PoissonSource(200, 20.0), cells, 0.0, plasticity=rule)
    simulation = fw.Circuit([stop], dt=0.5).start()
    before = len(fw.spikes(simulation.run(200.0), "cells")[0]) / 20 / 0.2
    simulation.run(20_000.0)
    after = len(fw.spikes(simulation.run(10_000.0), "cells")[0]) / 20 / 10
    assert before > 20
    assert after == pytest.approx(8.0, rel=0.1)


# --- what is kept ----------------------------------------------------------------------------------------------------

RULE = plasticity.pair(0.05, 0.04, w_max=5.0)
RECORDS = [
    fw.Record("cells", "v", neurons=[2, 0], every=1.0),
    fw.Record("cells", "current"),
    fw.Record("input_to_cells", "W", neurons=[0, 7, 149], every=20.0),
    fw.Record("input_to_cells", "x1", every=10.0),
    fw.Record("input_to_cells", "y1", every=10.0, readout=np.ones((1, 3))),
]


def test_records_take_subsets_strides_and_projections_of_the_full_state():
    circuit = fw.Circuit([feed(plasticity=RULE)], dt=0.5)
    whole = circuit.run(100.0, record=[fw.Record("cells", "v"), fw.Record("input_to_cells", "W", every=0.5)])
    left, right = np.random.default_rng(0).standard_normal((2, 3)), np.random.default_rng(1).standard_normal((4, 50))
    part = circuit.run(
        100.0,
        record=[
            fw.Record("cells", "v", neurons=[2, 0], every=5.0),
            fw.Record("input_to_cells", "W", every=25.0, readout=(left, right)),
        ],
    )
    np.testing.assert_array_equal(part.v_cells.values, whole.v_cells.values[::10, [2, 0]])
    np.testing.assert_allclose(part.time_v_cells.values, np.arange(0, 0.1, 0.005), atol=1e-15)
    W = whole["W_input_to_cells"].values[::50].reshape(-1, 50, 3)
    np.testing.assert_allclose(part["W_input_to_cells"].values, np.einsum("ai,tji,bj->tab", left, W, right), rtol=1e-12)
    gain = np.array([[0.5, 0.25, 0.25]])
    mean = circuit.run(100.0, record=fw.Record("cells", "v", readout=gain))
    np.testing.assert_allclose(mean.v_cells.values, whole.v_cells.values @ gain.T, rtol=1e-13)


def test_a_run_straight_to_a_file_is_the_run_in_memory(tmp_path):
    circuit = fw.Circuit([feed(plasticity=RULE)], dt=0.5)
    memory = circuit.run(1200.0, seed=5, record=RECORDS)
    path = tmp_path / "new" / "run.nc"
    with circuit.run(1200.0, seed=5, record=RECORDS, to=path) as disk:
        assert set(disk.variables) == set(memory.variables)
        for name in memory.variables:
            np.testing.assert_array_equal(disk[name].values, memory[name].values)
            assert disk[name].dims == memory[name].dims
        assert json.loads(disk.attrs["parameters"]) == json.loads(memory.attrs["parameters"])
    assert fw.load(path).sizes["spike"] == memory.sizes["spike"]
    with pytest.raises(FileExistsError, match="exists already"):
        circuit.run(1.0, to=path)


def test_times_are_in_seconds_and_everything_has_units():
    ds = fw.Circuit([feed(plasticity=RULE)], dt=0.5).run(200.0, record=RECORDS)
    assert ds.spike_time.attrs["units"] == ds.time_v_cells.attrs["units"] == "s"
    assert 0.15 < float(ds.spike_time.max()) < 0.2
    assert ds.population.values.tolist() == ["input", "cells"]
    for name, variable in ds.variables.items():
        assert variable.dtype.kind in "US" or "units" in variable.attrs, name
    parameters = json.loads(ds.attrs["parameters"])
    assert parameters["projections"]["input_to_cells"]["plasticity"]["w_max"] == 5.0
    assert (ds.attrs["start"], ds.attrs["stop"]) == (0.0, 0.2)


def test_the_same_seed_gives_the_same_run_and_another_one_another():
    circuit = fw.Circuit([feed(cells=fw.Population(3, fw.LIF(noise=5.0), drive=10.0))], dt=0.5)
    a, b, c = (circuit.run(300.0, seed=seed).spike_time.values for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert len(a) != len(c) or not np.array_equal(a, c)
    again = [circuit.run(300.0, seed=np.random.default_rng(7)).spike_time.values for _ in range(2)]
    assert np.array_equal(*again)


@pytest.mark.parametrize("workers", [1, 3])
def test_replicates_do_not_depend_on_the_number_of_workers(workers):
    circuit = fw.Circuit([feed(plasticity=RULE, cells=fw.Population(3, fw.LIF(noise=5.0), drive=10.0))], dt=0.5)
    runs = fw.replicates(
        circuit, 200.0, [5, 1, 2], lambda simulation, ds: simulation.weights("input_to_cells"), workers=workers
    )
    for seed, W in zip([5, 1, 2], runs, strict=True):
        alone = circuit.start(seed)
        alone.run(200.0)
        assert np.array_equal(alone.weights("input_to_cells"), W)
    with pytest.raises(ValueError, match="workers is 0; pass an integer of at least 1"):
        fw.replicates(circuit, 1.0, [0], workers=0)


# --- saved and restored ----------------------------------------------------------------------------------------------


def everything():
    """A circuit with all kinds of state: noise, delays, traces, leak, eligibility, reward, resources."""
    cells = fw.Population(4, fw.LIF(noise=2.0, t_ref=3.0), drive=fw.Steps([0.0, 250.0], [10.0, 14.0]))
    adaptive = fw.Population(2, fw.AdEx(), name="adaptive", drive=600.0)
    dopamine = fw.PoissonSource(1, 20.0, name="dopamine")
    source = fw.PoissonSource(20, 30.0)
    paid = plasticity.reward(0.1, 0.1, reward=0.01, w_max=9.0)
    return fw.Circuit(
        [
            fw.Projection(source, cells, 2.0, delay=3.0, plasticity=paid, modulator=dopamine),
            fw.Projection(
                cells, adaptive, 40.0, delay=1.5, plasticity=dataclasses.replace(RULE, w_max=99.0, tau_w=900.0),
                short_term=fw.ShortTerm(U=0.3, tau_rec=100.0, tau_facil=200.0),
            ),
            fw.Projection(
                source, adaptive, fw.random_synapses(20, 2, 0.5, 5.0, seed=0), plasticity=plasticity.two_phase(0.1),
                gate=fw.Steps([0.0, 300.0], [1.0, 0.0]), eligibility=-0.5, latch=[200.0, 400.0],
            ),
        ],
        dt=0.5,
    )  # fmt: skip


@pytest.mark.parametrize("at", [100.0, 250.0, 313.5, 400.0])
def test_a_saved_state_goes_on_as_one_run(tmp_path, at):
    whole, first = everything().start(seed=3), everything().start(seed=3)
    all_spikes = whole.run(700.0).spike_time.values
    before = first.run(at).spike_time.values
    first.save(tmp_path / "state.npz")
    second = everything().restore(tmp_path / "state.npz")
    assert second.time == at
    after = second.run(700.0 - at).spike_time.values
    assert np.array_equal(np.concatenate([before, after]), all_spikes)
    for a, b in zip(whole.variables, second.variables, strict=True):
        assert np.array_equal(a, b)


def test_a_state_of_another_circuit_or_no_state_is_refused(tmp_path):
    simulation = everything().start()
    path = simulation.save(tmp_path / "state.npz")
    other = fw.Circuit([feed()], dt=0.5)
    with pytest.raises(ValueError, match="is the state of another circuit; build the circuit as it was"):
        other.restore(path)
    (tmp_path / "text.npz").write_text("no state")
    with pytest.raises(ValueError, match=r"is not a state that Simulation\.save wrote"):
        other.restore(tmp_path / "text.npz")
    with pytest.raises(FileExistsError, match="exists already"):
        simulation.save(path)


def test_weights_can_be_replaced_and_go_on():
    circuit = fw.Circuit([feed(plasticity=RULE)], dt=0.5)
    simulation = circuit.start()
    simulation.run(50.0)
    simulation.set_weights("input_to_cells", np.full((50, 3), 1.5))
    assert (simulation.weights("input_to_cells") == 1.5).all()
    simulation.run(50.0)
    assert np.ptp(simulation.weights("input_to_cells")) > 0
    for bad, message in (
        (np.ones((3, 50)), "has shape"), (np.full((50, 3), np.nan), "not all finite"),
        (np.full((50, 3), 6.0), "outside"), (scipy.sparse.eye_array(50, 3), "has other synapses"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"weight of .*'input_to_cells' .*{message}"):
            simulation.set_weights("input_to_cells", bad)


def test_weights_of_lists_of_synapses_are_replaced_in_any_format_but_only_for_the_same_synapses():
    w = scipy.sparse.csr_array(np.array([[1.0, 2.0, 0.0], [0.0, 3.0, 0.0], [4.0, 0.0, 0.0]]))
    cells = fw.Population(3, QUIET)
    simulation = fw.Circuit([fw.Projection(fw.PoissonSource(3, 10.0), cells, w)]).start()
    simulation.set_weights("input_to_cells", scipy.sparse.csc_array(w * 10))
    np.testing.assert_array_equal(simulation.weights("input_to_cells").toarray(), 10 * w.toarray())
    with pytest.raises(ValueError, match="has other synapses than the projection"):
        simulation.set_weights("input_to_cells", scipy.sparse.csr_array(w.toarray()[::-1]))


@pytest.mark.parametrize("to_file", [False, True])
def test_an_interrupted_run_cannot_go_on_by_mistake_and_its_file_says_so(tmp_path, monkeypatch, to_file):
    circuit, kept = fw.Circuit([feed(plasticity=RULE)], dt=0.5), recording.Recorder.samples
    simulation, calls = circuit.start(), []

    def interrupted(self, *args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        kept(self, *args)

    monkeypatch.setattr(recording.Recorder, "samples", interrupted)
    path = tmp_path / "run.nc"
    with pytest.raises(KeyboardInterrupt):
        simulation.run(2000.0, to=path if to_file else None)
    monkeypatch.undo()
    for go_on in (lambda: simulation.run(100.0), lambda: simulation.save(tmp_path / "state.npz")):
        with pytest.raises(RuntimeError, match="was interrupted; start again, or restore a saved state"):
            go_on()
    if to_file:
        found = fw.load(path)
        assert found.attrs["complete"] == 0
        whole = circuit.run(1500.0)
        assert found.sizes["spike"] == whole.sizes["spike"]
        assert whole.attrs["complete"] == 1


def test_the_seed_in_a_result_gives_the_result_again():
    circuit = fw.Circuit([feed()], dt=0.5)
    a = circuit.run(300.0, seed=7)
    assert a.attrs["seed"] == 7
    b = circuit.run(300.0, seed=np.random.default_rng(3))
    state = json.loads(b.attrs["seed"])
    again = np.random.default_rng()
    again.bit_generator.state = state
    np.testing.assert_array_equal(circuit.run(300.0, seed=again).spike_time, b.spike_time)


def test_short_runs_on_a_fine_schedule_do_not_take_longer_late_in_time():
    rule = plasticity.pair(0.05, 0.02, total=100.0, interval=1.0)
    simulation = fw.Circuit([feed(2.0, plasticity=rule)], dt=0.5).start()
    simulation.step = 2 * 10**9
    assert len(simulation._stops(simulation.step + 2, recording.Recorder(simulation, [], None))) == 1


def test_many_short_stretches_are_written_in_a_time_that_grows_with_their_number(tmp_path):
    writer = recording.File(tmp_path / "x.nc")
    writer.column("x", ("time",), (), float, {"units": "1", "long_name": "x"})
    for _ in range(30_000):
        writer.append("x", np.zeros(1))
    assert max(len(parts) for parts in writer.held.values()) < 10_000  # each costs an array, and a look at each a sum
    ds = writer.close({}, {})
    assert ds.sizes["time"] == 30_000
    ds.close()


@pytest.mark.slow
def test_memory_stays_bounded_in_a_run_of_a_thousand_seconds(tmp_path):
    import resource

    circuit = fw.Circuit([feed(plasticity=RULE, n=200)], dt=0.5)
    record = [fw.Record("cells", "v", every=5.0), fw.Record("input_to_cells", "W", neurons=[0], every=1000.0)]
    circuit.run(2_000.0, record=record, to=tmp_path / "short.nc").close()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with circuit.run(1_000_000.0, record=record, to=tmp_path / "long.nc") as ds:
        assert ds.sizes["spike"] > 8_000_000
        assert ds.sizes["time_v_cells"] == 200_000
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 60  # MB; the file holds 120


# --- what is refused -------------------------------------------------------------------------------------------------

CELLS = fw.Population(3, QUIET)
INPUT = fw.PoissonSource(5, 10.0)
REFUSED = {
    "a negative time constant": (lambda: fw.LIF(tau_m=-20.0), r"tau_m \(ms\) is -20.0; pass a finite number above 0"),
    "a negative trace": (lambda: plasticity.pair(1.0, 1.0, tau_plus=-1.0), r"tau_plus \(ms\) is -1.0"),
    "a threshold below reset": (lambda: fw.AdEx(v_peak=-90.0), "v_peak is -90 mV; it must lie above v_reset"),
    "a source out of order": (
        lambda: fw.SpikeSource(2, [3.0, 1.0], [0, 1], name="cue"),
        "times of source 'cue' are out of order: spike 1 is at 1 ms after one at 3 ms; sort the spikes by time",
    ),
    "a negative time": (lambda: cue([-1.0]), "times of source 'cue' are not all finite and at least 0 ms"),
    "a unit that is not there": (lambda: cue([1.0], units=[3]), "units of source 'cue' are not all integers from 0"),
    "as many units as times": (lambda: cue([1.0], units=[0, 0]), r"times of shape \(1,\) and units of shape \(2,\)"),
    "two spikes of a unit in a step": (
        lambda: fw.Circuit([], [cue([1.0, 1.01])]).run(5.0),
        "unit 0 of source 'cue' fires twice within the step of 0.1 ms at 1 ms; lower dt",
    ),
    "a delay off the grid": (
        lambda: fw.Circuit([fw.Projection(INPUT, CELLS, 1.0, delay=0.25)]),
        "delay of projection 'input_to_cells' is 0.25 ms, which is not a multiple of dt = 0.1 ms",
    ),
    "a negative delay": (lambda: fw.Projection(INPUT, CELLS, 1.0, delay=-1.0), r"delay \(ms\) of .* is -1.0"),
    "a refractory period off the grid": (
        lambda: fw.Circuit([], [fw.Population(1, fw.LIF(t_ref=0.25))]),
        "t_ref of 'cells' is 0.25 ms, which is not a multiple",
    ),
    "a gate off the grid": (
        lambda: fw.Circuit([fw.Projection(INPUT, CELLS, 1.0, plasticity=RULE, gate=fw.Steps([0.0, 0.33], [0.0, 1.0]))]),
        "times of gate of projection 'input_to_cells' is 0.33 ms",
    ),
    "a rate beyond the grid": (
        lambda: fw.Circuit([], [fw.PoissonSource(1, 2e4)]), "rate of 'input' is above one spike per step of 0.1 ms"
    ),
    "a negative rate": (lambda: fw.PoissonSource(1, -1.0), "rate of 'input' holds -1; pass finite numbers"),
    "weights of another shape": (
        lambda: fw.Projection(INPUT, CELLS, np.ones((3, 5))), r"weight of .* has shape \(3, 5\); pass \(n_pre, n_post\)"
    ),
    "weights that are not finite": (lambda: fw.Projection(INPUT, CELLS, np.nan), "weight of .* is not all finite"),
    "weights out of bounds": (
        lambda: fw.Projection(INPUT, CELLS, 2.0, plasticity=plasticity.pair(1.0, 1.0, w_max=1.0)),
        r"weight of projection 'input_to_cells' runs from 2 to 2, outside \[0.0, 1.0\]",
    ),
    "a receptor of a source": (
        lambda: fw.Projection(INPUT, fw.PoissonSource(2, 1.0, name="out"), 1.0, receptor="current"),
        "receptor of projection 'input_to_out' 'current'",
    ),
    "no such receptor": (
        lambda: fw.Projection(INPUT, CELLS, 1.0, receptor="currents"),
        "receptor of projection 'input_to_cells' 'currents'; did you mean 'current'",
    ),
    "which receptor": (
        lambda: fw.Projection(
            INPUT, fw.Population(1, fw.LIF(receptors=(fw.Receptor("e"), fw.Receptor("i")))), 1.0
        ),
        "has no receptor; pass one of 'cells': e, i",
    ),
    "two receptors of one name": (
        lambda: fw.LIF(receptors=(fw.Receptor("e"), fw.Receptor("e"))), "receptors are named e, e; give each its own"
    ),
    "two groups of one name": (
        lambda: fw.Circuit([], [CELLS, fw.Population(2, QUIET)]), "two groups are named 'cells'; give each its own name"
    ),
    "two projections of one name": (
        lambda: fw.Circuit([fw.Projection(INPUT, CELLS, 1.0)] * 2), "two projections are named 'input_to_cells'"
    ),
    "nothing": (lambda: fw.Circuit([]), "the circuit is empty; pass projections or populations"),
    "a rule of simultaneous spikes that a grid cannot tell": (
        lambda: fw.Projection(INPUT, CELLS, 1.0, plasticity=fw.PairSTDP("bi_poo").row(1.0, coincident="none")),
        "rule 'pair_stdp' of plasticity of projection 'input_to_cells' leaves simultaneous spikes unpaired",
    ),
    "an unknown rule": (
        lambda: fw.Projection(INPUT, CELLS, 1.0, plasticity="stdp"),
        "plasticity of projection 'input_to_cells' is a str; pass a SynapticRule, such as PairSTDP",
    ),
    "a dendrite that is not there": (
        lambda: fw.Projection(INPUT, CELLS, 1.0, plasticity=plasticity.dendritic(0.1)),
        "rule 'dendritic' of projection 'input_to_cells' reads a dendrite; give 'cells' TwoCompartment neurons",
    ),
    "an error that is not there": (
        lambda: fw.Projection(INPUT, CELLS, 1.0, plasticity=plasticity.pes(0.1)), "reads the receptor 'error'"
    ),
    "a modulator without an eligibility": (
        lambda: fw.Projection(INPUT, CELLS, 1.0, plasticity=plasticity.pair(0.1, 0.1), modulator=INPUT),
        r"has a modulator but rule 'pair_stdp' no eligibility trace that a reward acts on; pass a rule with tau_e",
    ),
    "a modulator that is no pair": (
        lambda: fw.Projection(INPUT, CELLS, 1.0, plasticity=plasticity.reward(0.1, 0.1), modulator=[INPUT]),
        "modulator of projection 'input_to_cells' holds a PoissonSource; pass pairs of a group and a gain",
    ),
    "a baseline without a reward": (
        lambda: plasticity.pair(1.0, 1.0, baseline=0.1), "baseline is 0.1, of a reward, .* pass tau_e"
    ),
    "bounds in the wrong order": (
        lambda: plasticity.pair(1.0, 1.0, w_min=2.0, w_max=1.0), "w_min is 2 and w_max 1; pass w_min below w_max"
    ),
    "soft bounds without bounds": (lambda: plasticity.pair(1.0, 1.0, soft=1.0), "w_max - w_min is not finite"),
    "what collects at spikes only": (
        lambda: fw.Projection(
            INPUT, fw.Population(1, fw.LIF(receptors=(fw.Receptor("current"), fw.Receptor("error")))), 1.0,
            receptor="current", plasticity=plasticity.pes(0.1), eligibility=1.0, latch=[5.0],
        ),
        "rule 'pes' of .* changes weights between spikes; eligibility and latch collect changes at spikes only",
    ),
    "a latch of nothing": (
        lambda: fw.Projection(INPUT, CELLS, 1.0, plasticity=RULE, latch=[5.0]), "pass an eligibility that is not 0"
    ),
    "a gate of nothing": (lambda: fw.Projection(INPUT, CELLS, 1.0, gate=0.0), "but no plasticity that it acts on"),
    "a receptor named as a variable": (lambda: fw.LIF(receptors=(fw.Receptor("v"),)), "a receptor is named 'v'"),
    "a negative conductance": (
        lambda: fw.Projection(INPUT, fw.Population(1, fw.LIF(receptors=(fw.Receptor("e", 5.0, 0.0),))), -1.0),
        r"runs from -1 to -1, outside \[0.0, inf\]",
    ),
    "a rule for negative conductances": (
        lambda: fw.Projection(
            INPUT, fw.Population(1, fw.LIF(receptors=(fw.Receptor("e", 5.0, 0.0),))), 1.0,
            plasticity=plasticity.gated_trace(0.1),
        ),
        "lets a conductance become negative",
    ),
    "a leak out of bounds": (lambda: plasticity.pair(1.0, 1.0, w_min=1.0, tau_w=50.0), "leaks to 0 .* outside"),
    "a leak within two steps": (
        lambda: fw.Circuit([fw.Projection(INPUT, CELLS, 1.0, plasticity=plasticity.pair(1.0, 1.0, tau_w=0.1))]),
        r"tau_w of rule 'pair_stdp' is 0.1 ms; pass at least two steps \(0.2\)",
    ),
    "a trace that is not kept": (
        lambda: (
            fw.Circuit([fw.Projection(INPUT, CELLS, 1.0, plasticity=RULE)]).start().variable("input_to_cells", "y2")
        ),
        "'y2'; choose one of 'W', 'x1', 'x2', 'y1'",
    ),
    "a group and a projection of one name": (
        lambda: fw.Circuit([fw.Projection(INPUT, CELLS, 1.0, name="cells")]), "a group and a projection"
    ),
    "times that are not finite": (lambda: fw.Steps([0.0, np.nan], [0.0, 1.0]), "pass increasing times in ms"),
    "a latch that is not finite": (
        lambda: fw.Projection(INPUT, CELLS, 1.0, plasticity=RULE, eligibility=1.0, latch=[np.nan]), "do not increase"
    ),
    "a drive that is not finite": (lambda: fw.Population(3, QUIET, drive=np.nan), "drive of 'cells' holds nan"),
    "no list of projections": (
        lambda: fw.Circuit(fw.Projection(INPUT, CELLS, 1.0)), "projections is a Projection; pass a list"
    ),
    "a modulator by name": (
        lambda: fw.Projection(INPUT, CELLS, 1.0, plasticity=plasticity.reward(0.1, 0.1), modulator="dopamine"),
        "modulator of projection 'input_to_cells' is a str",
    ),
    "a record by name": (lambda: fw.Circuit([], [CELLS]).run(1.0, record="v"), "pass Record objects"),
    "a rate without an error": (lambda: fw.SynapticRule(name="x", rate=1.0), "rate is 1 but error is not given"),
    "two ways between spikes": (
        lambda: plasticity.pes(1.0, tau_e=100.0), "error and tau_e are two ways to change a weight between spikes"
    ),
    "a total without a time": (lambda: plasticity.pair(1.0, 1.0, total=2.0), "total and interval go together"),
    "times of steps": (lambda: fw.Steps([1.0, 2.0], [0.0, 1.0]), "pass increasing times in ms, the first 0"),
    "values of steps": (lambda: fw.Steps([0.0, 2.0], [0.0]), r"Steps has 2 times but values of shape \(1,\)"),
    "a drive of another size": (
        lambda: fw.Population(3, QUIET, drive=[1.0, 2.0]), "drive of 'cells' has 2 values at a time; pass 3 values"
    ),
    "a record of nothing": (
        lambda: fw.Circuit([], [CELLS]).run(1.0, record=fw.Record("cells", "volt")),
        "variable of population 'cells' 'volt'",
    ),
    "a record of no group": (
        lambda: fw.Circuit([], [CELLS]).run(1.0, record=fw.Record("cell", "v")), "unknown projection 'cell'"
    ),
    "a record of a static projection": (
        lambda: fw.Circuit([fw.Projection(INPUT, CELLS, 1.0)]).run(1.0, record=fw.Record("input_to_cells", "x1")),
        "variable of projection 'input_to_cells' 'x1'",
    ),
    "a record of a source": (
        lambda: fw.Circuit([], [INPUT]).run(1.0, record=fw.Record("input", "v")), "source 'input' has no variables"
    ),
    "a record of neurons that are not there": (
        lambda: fw.Circuit([], [CELLS]).run(1.0, record=fw.Record("cells", "v", neurons=[3])),
        "neurons of the record of 'cells' are not integers from 0 to 2",
    ),
    "two records of one variable": (
        lambda: fw.Circuit([], [CELLS]).run(1.0, record=[fw.Record("cells", "v")] * 2), "record names 'v_cells' twice"
    ),
    "a duration off the grid": (lambda: fw.Circuit([], [CELLS]).run(1.05), "duration is 1.05 ms, which is not"),
    "a share above 1": (lambda: fw.ShortTerm(U=1.5, tau_rec=1.0, tau_facil=1.0), "U is 1.5; pass a finite number"),
    "spikes of no population": (
        lambda: fw.spikes(fw.Circuit([], [CELLS]).run(1.0), "cell"), "the run has no population 'cell'; it has 'cells'"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_bad_input_gets_an_error_that_names_it(what):
    build, message = REFUSED[what]
    with pytest.raises((ValueError, TypeError), match=message):
        build()


def test_wrong_units_are_refused_and_right_ones_converted():
    from brian2 import Hz, ms, mV, nS, pA, second

    assert fw.LIF(tau_m=0.02 * second).tau_m == 20.0
    assert fw.PoissonSource(1, 5 * Hz).rate.values.tolist() == [5.0]
    assert fw.Receptor("e", 5 * ms, 0 * mV).tau == 5.0
    assert fw.Population(1, QUIET, drive=3 * pA).drive.values.tolist() == [3.0]
    assert fw.Population(1, QUIET, drive=fw.Steps([0.0, 10.0], [1, 2] * pA)).drive.values.tolist() == [1.0, 2.0]
    assert fw.Projection(INPUT, CELLS, 3 * pA).weight.max() == 3.0
    for build, name in (
        (lambda: fw.LIF(tau_m=20 * mV), "tau_m"),
        (lambda: fw.PoissonSource(1, 5 * ms), "rate of 'input'"),
        (lambda: fw.Population(1, QUIET, drive=3 * mV), "drive of 'cells'"),
        (lambda: fw.Projection(INPUT, CELLS, 1.0, delay=1 * nS), "delay of projection 'input_to_cells'"),
        (lambda: fw.Projection(INPUT, CELLS, 3 * mV), "weight of projection 'input_to_cells'"),
        (lambda: plasticity.pair(0.1 * nS, 0.1), "A_plus"),
        (lambda: plasticity.pair(0.1, 0.1, w_max=5 * nS), "w_max"),
        (lambda: fw.random_synapses(3, 3, 1.0, 2 * nS, seed=0), "weight"),
        (lambda: fw.Population(3, QUIET, drive=fw.Steps([0.0, 10.0], [1, 2] * mV)), "drive of 'cells'"),
        (lambda: plasticity.pair(1.0, 1.0, tau_plus=20 * mV), "tau_plus"),
        (lambda: fw.AdEx(a=4 * pA), "a"),
        (lambda: fw.AdEx(b=4 * nS), "b"),
    ):
        with pytest.raises(ValueError, match=rf"{re.escape(name)} is .* which cannot be in"):
            build()


def test_what_runs_away_is_named():
    strong = plasticity.pair(0.0, 0.0, w_min=-np.inf)
    source = fw.SpikeSource(1, np.arange(0.0, 500.0, 0.1), np.zeros(5000, int))
    neuron = fw.LIF(receptors=(fw.Receptor("signal", 1e12, drives=False),))
    circuit = fw.Circuit([fw.Projection(source, fw.Population(1, neuron), 1e307, plasticity=strong)])
    with pytest.raises(FloatingPointError, match="signal of 'cells' is inf at 100 ms; lower the weights or dt"):
        circuit.run(500.0)


def test_blocks_of_sources_are_longer_than_a_stretch_between_gates():
    """The size of a block is an implementation detail that results may not show."""
    circuit = fw.Circuit([feed(plasticity=RULE)], dt=0.5)
    gated = fw.Circuit([feed(plasticity=RULE, gate=fw.Steps(np.arange(0.0, 700.0, 7.0), np.ones(100)))], dt=0.5)
    a, b = circuit.start(1), gated.start(1)
    a.run(BLOCK * 0.5 + 200.0)
    b.run(BLOCK * 0.5 + 200.0)
    np.testing.assert_array_equal(a.weights("input_to_cells"), b.weights("input_to_cells"))


@pytest.mark.parametrize(
    "rule",
    [
        plasticity.pair(1.0, 1.0), fw.PairSTDP("bi_poo").row(1.0),
        fw.TripletSTDP("hippocampus").row(1.0), plasticity.inhibitory(1.0, 5.0), plasticity.gated_trace(1.0),
        plasticity.two_phase(1.0), plasticity.reward(1.0, 1.0), plasticity.dendritic(1.0), plasticity.pes(1.0),
    ],
    ids=lambda rule: rule.name,
)  # fmt: skip
def test_every_rule_names_its_paper(rule):
    assert fw.citation(rule)
