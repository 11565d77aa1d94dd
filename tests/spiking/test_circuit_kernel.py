"""The kernel of circuits: step for step its twin, for every cell, rule and kind of synapse, however it is cut."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse

import synfwp as fw
from synfwp import plasticity, reference
from synfwp.spiking import assembly
from synfwp.spiking.neurons import receptors_of
from synfwp.spiking.sources import Events

pytestmark = pytest.mark.kernels

N_PRE, N_POST, DT = 6, 3, 0.5


def prescribed(n=N_PRE, rate=60.0, duration=200.0, seed=0, name="input"):
    """A source of random but prescribed spikes."""
    steps, unit = np.nonzero(np.random.default_rng(seed).random((round(duration / DT), n)) < rate * DT / 1000)
    return fw.SpikeSource(n, steps * DT, unit, name=name)


def values(steps, m, dt):
    """Steps on every step of the grid."""
    return np.array([steps.at(t, dt) for t in range(m)])


def in_steps(delay, dt):
    """Delays in steps: one, or those of all pairs of neurons, 0 where there is no synapse."""
    full = delay.toarray() if scipy.sparse.issparse(delay) else delay
    return np.round(full / dt).astype(int) if np.ndim(full) else round(full / dt)


def as_twin(circuit, steps):
    """The plain dicts of `reference.circuit`."""
    groups, dt = [], circuit.dt
    ends, spikes = zip(*(Events(circuit, 0).block(b) for b in range(-(-steps // 1000))), strict=True)
    source = 0
    for group in circuit.groups:
        if not hasattr(group, "neuron"):
            raster = np.zeros((1000 * len(ends), group.n), bool)
            for b, (end, unit) in enumerate(zip(ends, spikes, strict=True)):
                for t in range(1000):
                    raster[1000 * b + t, unit[end[source, t] : end[source, t + 1]]] = True
            groups.append({"raster": raster[:steps]})
            source += 1
            continue
        neuron = group.neuron
        fields = {f.name: getattr(neuron, f.name) for f in dataclasses.fields(neuron)} | {"tau_m": neuron.tau_m}
        drive = np.stack([np.broadcast_to(row, group.n) for row in values(group.drive, steps, dt)])
        listed = [(one.name, one.tau, one.reversal, one.drives) for one in receptors_of(neuron)]
        groups.append(fields | {"receptors": listed, "v": group.start_potential, "drive": drive})
    index, projections = circuit.group_index, []
    for p in circuit.projections:
        stored = np.zeros(p.shape)
        stored[p.rows, p.columns] = 1.0
        short = p.short_term and dataclasses.asdict(p.short_term) | {"dt": dt}
        projections.append(
            {
                "pre": index[p.pre.name], "post": index[p.post.name], "mask": stored, "short_term": short,
                "receptor": None if p.receptor == "none" else p.receptor,
                "delay": in_steps(p.delay, dt), "dendritic": in_steps(p.dendritic_delay, dt),
                "W": np.array(p.weight if p.dense else p.weight.toarray()),
                "rule": dataclasses.asdict(p.plasticity) if p.plasticity else None,
                "transmit": values(p.transmission, steps, dt), "gate": values(p.gate, steps, dt),
                "eligible": values(p.eligibility, steps, dt), "latch": np.round(p.latch / dt).tolist(),
                "modulators": [(index[group.name], gain) for group, gain in p.modulators], "given": np.zeros(steps),
            }
        )  # fmt: skip
    return groups, projections


LIF = fw.LIF(t_ref=2.0, v_threshold=-55.0)
TWO = (fw.Receptor("e", 5.0, 0.0), fw.Receptor("i", 8.0, -80.0))
PAIR = plasticity.pair(0.3, 0.25, w_max=8.0)
BY_HAND = fw.SynapticRule(
    name="all terms", pre_0=0.02, pre_x=-0.05, pre_y=-0.1, pre_y2=0.05, pre_yx=-0.03, post_0=-0.03, post_x=0.2,
    post_x2=-0.06, post_xy=0.07, tau_x1=15.0, tau_x2=40.0, tau_y1=25.0, tau_y2=60.0, w_max=9.0,
)  # fmt: skip
AXONAL = np.random.default_rng(11).integers(0, 9, (N_PRE, N_POST)) * DT
DENDRITIC = np.random.default_rng(12).integers(0, 5, (N_PRE, N_POST)) * DT
SCHEDULE = {
    "gate": fw.Steps([0.0, 50.0, 120.0], [0.0, 1.0, -0.5]),
    "eligibility": fw.Steps([0.0, 40.0], [-1.0, 0.0]),
    "latch": [40.0, 150.0],
}


def one(rule=None, neuron=LIF, weight=None, seed=1, **more):
    """Six inputs on three cells."""
    w = np.random.default_rng(seed).uniform(2, 6, (N_PRE, N_POST)) if weight is None else weight
    drive = more.pop("drive", np.array([12.0, 14.0, 16.0]))
    cells = fw.Population(N_POST, neuron, drive=drive, v_init=np.array([-70.0, -60.0, -56.0]))
    more = {"delay": 1.0, "plasticity": rule} | more
    return fw.Circuit([fw.Projection(prescribed(), cells, w, **more)], dt=DT)


def half(seed=5):
    """About half of the synapses, one of them stored as 0."""
    rng = np.random.default_rng(seed)
    stored = rng.random((N_PRE, N_POST)) < 0.5
    w = scipy.sparse.csr_array(np.where(stored, rng.uniform(2, 6, (N_PRE, N_POST)), 0.0))
    w.data[1] = 0.0
    return w


def recurrent(**more):
    """Excitation, inhibition and a loop, two of three plastic."""
    cells = fw.Population(4, fw.LIF(t_ref=1.0, g_leak=10.0, receptors=TWO), drive=130.0)
    feed = fw.Projection(prescribed(), cells, 3.0, receptor="e", plasticity=plasticity.pair(0.2, 0.1, w_max=5.0))
    rule = plasticity.inhibitory(0.3, 10.0, w_max=20.0)
    more = {"delay": 1.5} | more
    back = fw.Projection(cells, cells, 1.0, receptor="i", plasticity=rule, name="back", **more)
    quiet = fw.Projection(cells, cells, 0.2, receptor="e", delay=0.5, name="quiet")
    return fw.Circuit([feed, back, quiet], dt=DT)


def rewarded(weight=None, **more):
    """Reward-modulated STDP."""
    rule = plasticity.reward(0.3, 0.2, tau_e=300.0, reward=0.01, w_max=8.0)
    return one(rule, weight=weight, modulator=prescribed(2, 15.0, seed=4, name="reward"), **more)


def error_driven(weight=None, **more):
    """An error population and the weights that follow it."""
    neuron = fw.LIF(receptors=(fw.Receptor("current", 5.0), fw.Receptor("error", 10.0, drives=False)))
    first = one(plasticity.pes(1e-2), neuron, weight, receptor="current", drive=20.0, **more)
    signal = np.random.default_rng(2).standard_normal((N_PRE, N_POST))
    post = first.projections[0].post
    errors = fw.Projection(prescribed(seed=8, name="errors"), post, signal, receptor="error")
    return fw.Circuit([errors, *first.projections], dt=DT)


def dendritic(weight=None):
    """Two compartments; the teacher acts on the soma."""
    neuron = fw.TwoCompartment(receptors=(fw.Receptor("teacher", 5.0),))
    first = one(plasticity.dendritic(0.3), neuron, weight, receptor="dendrite", drive=150.0)
    teacher = fw.Projection(prescribed(seed=8, name="teacher"), first.projections[0].post, 20.0, receptor="teacher")
    return fw.Circuit([teacher, *first.projections], dt=DT)


CIRCUITS = {
    "static": one(),
    "pair": one(PAIR),
    "pair, sparse": one(PAIR, weight=half()),
    "pair, no delay": one(PAIR, delay=0.0),
    "nearest": one(dataclasses.replace(PAIR, interaction="nearest")),
    "all terms": one(BY_HAND),
    "all terms, sparse": one(BY_HAND, weight=half()),
    "triplet": one(fw.TripletSTDP("hippocampus").row(scale=20.0, w_max=8.0)),
    "soft": one(dataclasses.replace(PAIR, soft=0.7)),
    "soft, sparse": one(dataclasses.replace(PAIR, soft=1.0), weight=half()),
    "leak": one(dataclasses.replace(PAIR, tau_w=100.0)),
    "leak, sparse": one(dataclasses.replace(BY_HAND, tau_w=100.0), weight=half()),
    "normalised": one(dataclasses.replace(PAIR, total=25.0, interval=20.0)),
    "normalised, sparse, leak": one(dataclasses.replace(PAIR, total=9.0, interval=20.0, tau_w=100.0), weight=half()),
    "gated": one(plasticity.gated_trace(0.1, w_max=9.0), gate=SCHEDULE["gate"]),
    "two-phase": one(plasticity.two_phase(0.1, w_min=-9.0, w_max=9.0), **SCHEDULE),
    "two-phase, sparse": one(plasticity.two_phase(0.1, w_min=-9.0, w_max=9.0), weight=half(), **SCHEDULE),
    "short-term": one(weight=6.0, short_term=fw.ShortTerm(U=0.3, tau_rec=80.0, tau_facil=60.0)),
    "short-term at rest, plastic": one(PAIR, short_term=fw.ShortTerm(U=0.3, tau_rec=80.0, tau_facil=60.0, u_rest=0.3)),
    "cut": one(transmission=fw.Steps([0.0, 80.0, 100.0], [1.0, 0.0, 2.0])),
    "not transmitted": one(PAIR, receptor="none", drive=20.0),
    "conductance": one(PAIR, fw.LIF(g_leak=10.0, receptors=TWO[:1]), receptor="e", drive=150.0),
    "driven in steps": one(PAIR, drive=fw.Steps([0.0, 100.0], [[10.0, 20.0, 0.0], [20.0, 0.0, 30.0]])),
    "strong conductance": one(neuron=fw.LIF(receptors=TWO[:1]), weight=60.0, drive=0.0),
    "adaptive exponential": one(PAIR, fw.AdEx(t_ref=1.0), weight=6.0, drive=np.array([600.0, 700.0, 900.0])),
    "noisy": one(PAIR, fw.LIF(noise=3.0)),
    "recurrent": recurrent(),
    "reward": rewarded(),
    "reward, sparse": rewarded(half()),
    "error": error_driven(),
    "error, sparse": error_driven(half()),
    "dendritic": dendritic(),
    "dendritic, sparse": dendritic(half()),
    "a dendritic delay": one(PAIR, dendritic_delay=2.5),
    "a dendritic delay, all terms, sparse": one(BY_HAND, weight=half(), dendritic_delay=2.5),
    "axons": one(PAIR, delay=AXONAL),
    "axons, all terms": one(BY_HAND, delay=AXONAL),
    "axons, all terms, sparse": one(BY_HAND, weight=half(), delay=AXONAL),
    "axons, soft": one(dataclasses.replace(PAIR, soft=0.7), delay=AXONAL, dendritic_delay=1.0),
    "axons, leak": one(dataclasses.replace(BY_HAND, tau_w=100.0), weight=half(), delay=AXONAL),
    "axons, normalised": one(dataclasses.replace(PAIR, total=25.0, interval=20.0), delay=AXONAL),
    "axons, short-term": one(
        PAIR, delay=AXONAL, dendritic_delay=DENDRITIC, short_term=fw.ShortTerm(U=0.3, tau_rec=80.0, tau_facil=60.0)
    ),
    "axons, reward": rewarded(delay=AXONAL),
    "axons, error": error_driven(delay=AXONAL),
    "dendrites": one(PAIR, dendritic_delay=DENDRITIC),
    "dendrites, reward, sparse": rewarded(half(), dendritic_delay=DENDRITIC),
    "both": one(BY_HAND, delay=AXONAL, dendritic_delay=DENDRITIC),
    "both, sparse, leak": one(
        dataclasses.replace(BY_HAND, tau_w=100.0), weight=half(), delay=AXONAL, dendritic_delay=DENDRITIC
    ),
    "both, nearest": one(
        dataclasses.replace(PAIR, interaction="nearest"), delay=AXONAL, dendritic_delay=DENDRITIC
    ),
    "both, two-phase": one(
        plasticity.two_phase(0.1, w_min=-9.0, w_max=9.0), delay=AXONAL, dendritic_delay=DENDRITIC, **SCHEDULE
    ),
    "both, cut": one(
        transmission=fw.Steps([0.0, 80.0, 100.0], [1.0, 0.0, 2.0]), delay=AXONAL, dendritic_delay=DENDRITIC
    ),
    "both, conductance": one(
        PAIR, fw.LIF(g_leak=10.0, receptors=TWO[:1]), receptor="e", drive=150.0, delay=AXONAL,
        dendritic_delay=DENDRITIC,
    ),
    "both, recurrent": recurrent(delay=np.arange(16).reshape(4, 4) * DT, dendritic_delay=np.eye(4) * DT),
}  # fmt: skip


def compare(name, duration=200.0):
    """Runs of kernel and twin: largest differences, after spikes have been found equal."""
    circuit, steps = CIRCUITS[name], round(duration / DT)
    simulation = circuit.start(3)
    record = [fw.Record(g.name, "v") for g in circuit.groups if hasattr(g, "neuron")]
    rng = fw.seeds.generator(simulation.root, "neurons")
    ds = simulation.run(duration, record)
    groups, projections = reference.circuit(rng, *as_twin(circuit, steps), steps, DT)
    fired = 0
    for group, twin in zip(circuit.groups, groups, strict=True):
        times, unit = fw.spikes(ds, group.name)
        raster = np.zeros((steps, group.n), bool)
        raster[np.round(times * 1000 / DT).astype(int), unit] = True
        assert np.array_equal(raster, twin["raster"])
        fired += int(raster.sum()) if "v" in twin else 0
    for p, twin in zip(circuit.projections, projections, strict=True):
        found = simulation.weights(p.name)
        found = found if p.dense else found.toarray()
        # sums and products of some hundred rounded terms, of order 10
        ahead = twin["W"] * np.exp(-DT / p.plasticity.tau_w) if p.plasticity else twin["W"]
        np.testing.assert_allclose(found, ahead, rtol=0, atol=1e-10)
        if p.plasticity:
            assert np.abs(twin["W"] - p.weight).max() > 1e-3
            left = {"x1": -1, "x2": -1, "y1": 0, "y2": 0}  # x as it decays to the end, y already for the next step
            for trace in left:
                tau = getattr(p.plasticity, "tau_" + trace)
                if trace == "y2" and not (p.plasticity.pre_y2 or p.plasticity.post_xy):
                    continue  # nothing reads it, and it is not to be had
                ahead, there = simulation.variable(p.name, trace), twin[trace] * np.exp(-DT / tau)
                there = there[p.rows, p.columns] if there.ndim == 2 else there
                np.testing.assert_allclose(ahead, there, rtol=1e-9, atol=1e-12)
    for group, twin in zip(circuit.groups, groups, strict=True):
        if "v" in twin:  # the sample of a step is taken before the neurons are advanced
            after_reset = np.where(twin["raster"], twin.get("v_reset", 0.0), twin["trace"])
            after_reset = twin["trace"] if "g_dendrite" in twin else after_reset
            np.testing.assert_allclose(ds[f"v_{group.name}"].values[1:], after_reset[:-1], rtol=0, atol=1e-8)
    return fired


@pytest.mark.parametrize("name", CIRCUITS)
def test_the_kernel_is_its_twin_step_for_step(name):
    assert compare(name) >= 5  # spikes of neurons, so that what they cause is compared


@pytest.mark.parametrize(
    "name",
    [
        "all terms",
        "leak, sparse",
        "reward",
        "recurrent",
        "short-term at rest, plastic",
        "both",
        "axons, leak",
        "both, recurrent",
    ],
)
def test_the_kernel_is_its_twin_past_the_blocks_of_sources_and_of_pending_spikes(name):
    """1300 steps; the prescribed inputs fall silent after 400 of them, cells that are driven go on."""
    assert compare(name, 650.0) >= 5


def test_a_change_to_the_twin_is_seen(monkeypatch):
    monkeypatch.setattr(reference.circuits, "_bounded", lambda p, W, dw: np.clip(W + 1.001 * dw, -np.inf, np.inf))
    with pytest.raises(AssertionError):
        compare("pair")


@pytest.mark.parametrize(
    "name",
    [
        "all terms, sparse",
        "leak",
        "two-phase",
        "reward",
        "noisy",
        "recurrent",
        "dendritic",
        "both, sparse, leak",
        "both, recurrent",
        "axons, reward",
        "both, cut",
        "a dendritic delay",
    ],
)
def test_a_run_does_not_depend_on_how_it_is_cut(name):
    whole, cut = CIRCUITS[name].start(3), CIRCUITS[name].start(3)
    whole.run(200.0)
    for part in (0.0, 0.5, 63.0, 86.5, 50.0):
        cut.run(part)
    for a, b in zip(whole.variables, cut.variables, strict=True):
        assert np.array_equal(a, b)
    assert whole.time == cut.time == 200.0


@pytest.mark.parametrize(
    "rule", [PAIR, BY_HAND, dataclasses.replace(PAIR, soft=0.5), dataclasses.replace(BY_HAND, tau_w=90.0)]
)
def test_full_rows_that_take_up_spikes_late_equal_lists_that_take_them_at_once(rule):
    w = np.random.default_rng(1).uniform(2, 6, (N_PRE, N_POST))
    late, at_once = one(rule).start(), one(rule, weight=scipy.sparse.csr_array(w)).start()
    late.run(200.0)
    at_once.run(200.0)
    np.testing.assert_allclose(late.weights("input_to_cells"), at_once.weights("input_to_cells").toarray(), rtol=1e-12)


def test_bringing_synapses_up_to_date_changes_nothing_that_is_seen():
    a, b = CIRCUITS["leak, sparse"].start(), CIRCUITS["leak, sparse"].start()
    a.run(100.0)
    b.run(100.0)
    b.settle(0)
    for name in ("W", "x1", "x2", "y1"):
        np.testing.assert_allclose(a.variable("input_to_cells", name), b.variable("input_to_cells", name), rtol=1e-12)
    assert not np.array_equal(a.variables.visits, b.variables.visits)


def test_a_crowd_of_postsynaptic_spikes_is_taken_up_before_it_overflows():
    n, duration = 9000, 8.0  # all fire in every step, more of them than are kept
    cells = fw.Population(n, fw.LIF(t_ref=0.0, tau_m=5.0), drive=800.0)
    quiet = fw.SpikeSource(1, [1.0], [0])
    rule = plasticity.pair(1e-3, 0.0, tau_plus=1000.0, w_max=1e9)
    simulation = fw.Circuit([fw.Projection(quiet, cells, 1.0, receptor="none", plasticity=rule)], dt=DT).start()
    ds = simulation.run(duration)
    times = fw.spikes(ds, "cells")[0] * 1000
    assert len(times) == 16 * n
    expected = 1 + 1e-3 * np.exp(-(times[times >= 1.0] - 1.0) / 1000).sum() / n
    np.testing.assert_allclose(simulation.weights("input_to_cells").mean(), expected, rtol=1e-10)


def test_the_response_of_a_membrane_to_a_current_is_its_integral():
    s = (np.arange(100_000) + 0.5) * 1e-6
    for tau in (3.0, 20.0, 20.0 * (1 + 1e-7), 50.0):
        exact = (np.exp(-(0.1 - s) / 20.0) * np.exp(-s / tau)).mean() * 0.1 / 20.0
        assert assembly.response(20.0, tau, 0.1) == pytest.approx(exact, rel=1e-7)  # cancellation near 20
