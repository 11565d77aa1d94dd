"""Circuits against Brian2: the same network on the same spikes gives the same spikes and weights."""

import dataclasses
import warnings

import numpy as np
import pytest
import scipy.sparse

import synfwp as fw
from synfwp import plasticity

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import brian2 as b2

from synfwp.spiking.brian2 import brian2_synapses, to_brian2

N_PRE, N_POST, DURATION, DT = 30, 4, 1000.0, 0.5
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def _numpy_target():
    """No compiler, no log files."""
    b2.prefs.codegen.target = "numpy"
    b2.prefs.logging.file_log = False


def prescribed(n=N_PRE, rate=40.0, seed=0, name="input", dt=DT):
    """A source of random but prescribed spikes."""
    steps, unit = np.nonzero(np.random.default_rng(seed).random((round(DURATION / dt), n)) < rate * dt / 1000)
    return fw.SpikeSource(n, steps * dt, unit, name=name)


LIF = fw.LIF(t_ref=2.0, v_threshold=-56.0)
TWO = (fw.Receptor("e", 5.0, 0.0), fw.Receptor("i", 10.0, -80.0))
W = np.random.default_rng(1).uniform(1.0, 4.0, (N_PRE, N_POST))
PAIR = plasticity.pair(0.05, 0.04, w_max=5.0)
AXONAL = np.random.default_rng(4).integers(0, 21, (N_PRE, N_POST)) * DT  # up to 10 ms
DENDRITIC = np.random.default_rng(5).integers(0, 7, (N_PRE, N_POST)) * DT


def one(rule=PAIR, neuron=LIF, weight=W, drive=4.0, dt=DT, **more):
    """Thirty inputs on four cells, all synapses plastic."""
    cells = fw.Population(N_POST, neuron, drive=drive)
    more = {"delay": 1.0, "plasticity": rule} | more
    return fw.Circuit([fw.Projection(prescribed(dt=dt), cells, weight, **more)], dt=dt)


def half():
    """About half of the synapses."""
    rng = np.random.default_rng(1)
    stored = rng.random((N_PRE, N_POST)) < 0.5
    return scipy.sparse.csr_array(np.where(stored, rng.uniform(2, 7, (N_PRE, N_POST)), 0.0))


def inhibited():
    """Excitation from outside, plastic inhibition, and a static loop."""
    cells = fw.Population(N_POST, fw.LIF(t_ref=5.0, g_leak=10.0, receptors=TWO), drive=200.0)
    feed = fw.Projection(prescribed(), cells, W * 0.3, receptor="e")
    rule = plasticity.inhibitory(0.05, 20.0, w_max=10.0)
    stop = fw.Projection(prescribed(seed=3, name="stop"), cells, W * 0.1, receptor="i", delay=1.5, plasticity=rule)
    loop = fw.Projection(cells, cells, 0.5, receptor="i", delay=2.0, name="loop")
    return fw.Circuit([feed, stop, loop], dt=DT)


def looped():
    """Plastic inhibition and a plastic loop whose synapses differ in both delays."""
    cells = fw.Population(N_POST, fw.LIF(t_ref=2.0, g_leak=10.0, receptors=TWO), drive=230.0)
    feed = fw.Projection(prescribed(), cells, W * 0.3, receptor="e", delay=AXONAL)
    rule = plasticity.inhibitory(0.1, 20.0, w_max=10.0)
    delays = np.random.default_rng(6).integers(1, 7, (2, N_POST, N_POST)) * DT
    loop = fw.Projection(
        cells, cells, np.full((N_POST, N_POST), 0.5) + np.eye(N_POST), receptor="i", delay=delays[0],
        dendritic_delay=delays[1], plasticity=rule, name="loop",
    )  # fmt: skip
    return fw.Circuit([feed, loop], dt=DT)


def two_phase(**more):
    """Two items: retrieve, latch, encode."""
    gate = fw.Steps([0.0, 140.0, 240.0, 420.0, 520.0], [0.0, 1.0, 0.0, 1.0, 0.0])
    collect = fw.Steps([0.0, 100.0, 280.0, 380.0], [-1.0, 0.0, -1.0, 0.0])
    rule = plasticity.two_phase(0.02, w_min=-6.0, w_max=6.0)
    cut = fw.Steps([0.0, 140.0, 240.0, 420.0, 520.0], [1.0, 0.0, 1.0, 0.0, 1.0])
    drive = fw.Steps([0.0, 140.0, 240.0], [[4.0] * 4, [30.0, 0.0, 25.0, 10.0], [5.0] * 4])
    return one(rule, drive=drive, gate=gate, eligibility=collect, latch=[100.0, 380.0], transmission=cut, **more)


def error_driven():
    """PES: an error population projects onto a signal of the cells."""
    neuron = fw.LIF(receptors=(fw.Receptor("current", 5.0), fw.Receptor("error", 10.0, drives=False)))
    base = one(plasticity.pes(1e-3), neuron, drive=12.0, receptor="current")
    signal = np.random.default_rng(2).standard_normal((N_PRE, N_POST))
    errors = fw.Projection(prescribed(seed=8, name="errors"), base.projections[0].post, signal, receptor="error")
    return fw.Circuit([errors, *base.projections], dt=DT)


CONDUCTANCE = fw.LIF(t_ref=2.0, g_leak=10.0, receptors=TWO)
SHORT = fw.ShortTerm(U=0.3, tau_rec=200.0, tau_facil=500.0)
CIRCUITS = {
    "LIF and pair STDP": one(drive=8.0),
    "conductances": one(neuron=CONDUCTANCE, weight=W * 0.4, drive=60.0, receptor="e"),
    "nearest pairs": one(dataclasses.replace(PAIR, interaction="nearest")),
    "sparse": one(dataclasses.replace(PAIR, w_max=9.0, pre_x=-0.01), weight=half(), drive=8.0),
    "triplet": one(fw.TripletSTDP("visual_cortex").row(scale=5.0, w_max=5.0)),
    "triplet, nearest": one(
        fw.TripletSTDP("hippocampus", interaction="nearest").row(scale=5.0, w_max=5.0)
    ),
    "inhibitory STDP": inhibited(),
    "short-term plasticity alone": one(None, weight=W * 5, short_term=SHORT, drive=10.0),
    "short-term on long-term": one(
        dataclasses.replace(PAIR, w_max=30.0), weight=W * 5, short_term=SHORT, drive=10.0
    ),
    "two-phase delta": two_phase(),
    "soft bounds and leak": one(dataclasses.replace(PAIR, soft=0.7, tau_w=3000.0), drive=10.0),
    "normalised": one(dataclasses.replace(PAIR, total=70.0, interval=50.0), drive=8.0),
    "reward": one(
        plasticity.reward(0.02, 0.018, w_max=5.0, reward=0.01), modulator=prescribed(2, 5.0, 9, "dopamine")
    ),
    "error-driven": error_driven(),
    "a baseline, rewards of both signs": one(
        plasticity.reward(0.02, 0.018, w_max=5.0, reward=0.01, baseline=0.004),
        modulator=[(prescribed(2, 5.0, 9, "dopamine"), 1.0), (prescribed(2, 5.0, 10, "dip"), -1.5)],
    ),
    "its own parameters": one(
        PAIR,
        fw.LIF(tau_m=[15.0, 20.0, 25.0, 20.0], v_rest=[-70.0, -68.0, -69.0, -71.0], t_ref=[0.0, 1.0, 2.0, 4.0],
               v_threshold=[-50.0, -51.0, -52.0, -50.5], v_reset=[-60.0, -61.0, -65.0, -60.0],
               tau_syn=[3.0, 5.0, 6.0, 7.0]),
        drive=10.0,
    ),
    "its own conductances": one(
        PAIR,
        fw.LIF(g_leak=[8.0, 10.0, 12.0, 9.0], tau_m=[15.0, 20.0, 25.0, 18.0],
               receptors=(fw.Receptor("e", [4.0, 5.0, 6.0, 7.0], [0.0, -5.0, 3.0, 1.0]),)),
        weight=W * 0.4, drive=60.0,
    ),
    "its own adaptation": one(
        PAIR,
        fw.AdEx(C_m=[200.0, 281.0, 250.0, 300.0], g_leak=[20.0, 30.0, 25.0, 28.0], a=[4.0, -1.0, 0.0, 2.0],
                b=[80.0, 40.0, 0.0, 60.0], delta=[2.0, 1.5, 2.5, 2.0], tau_w=[144.0, 100.0, 50.0, 200.0], t_ref=1.0),
        drive=np.array([900.0, 1200.0, 1500.0, 1800.0]),
    ),
    "mossy fibres": one(
        None, weight=W * 300, drive=10.0,
        short_term=fw.ShortTerm(U=0.0152, u_rest=0.0052, tau_rec=156.0, tau_facil=224.0, release="before"),
    ),
    "u below 0": one(
        None, weight=W * 300, drive=10.0,
        short_term=fw.ShortTerm(U=0.0152, u_rest=-0.0101, tau_rec=156.0, tau_facil=224.0),
    ),
    "adaptive exponential": one(PAIR, fw.AdEx(t_ref=1.0), drive=np.array([900.0, 1200.0, 1500.0, 1800.0])),
    "axonal delays": one(drive=8.0, delay=AXONAL),
    "axonal delays, sparse, triplet": one(
        fw.TripletSTDP("visual_cortex").row(scale=5.0, w_max=9.0), weight=half(), drive=8.0, delay=AXONAL
    ),
    "axonal delays, short-term on long-term": one(
        dataclasses.replace(PAIR, w_max=30.0), weight=W * 5, short_term=SHORT, drive=10.0, delay=AXONAL
    ),
    "one dendritic delay": one(drive=8.0, dendritic_delay=1.5),
    "dendritic delays, nearest": one(dataclasses.replace(PAIR, interaction="nearest"), dendritic_delay=DENDRITIC),
    "dendritic delays of fixed synapses": one(
        None, weight=W * 5, short_term=SHORT, drive=10.0, delay=AXONAL, dendritic_delay=DENDRITIC
    ),
    "both delays, conductances": one(
        neuron=CONDUCTANCE, weight=W * 0.4, drive=60.0, receptor="e", delay=AXONAL, dendritic_delay=DENDRITIC
    ),
    "both delays, sparse, soft bounds and leak": one(
        dataclasses.replace(PAIR, soft=0.7, tau_w=3000.0, w_max=9.0), weight=half(), drive=10.0, delay=AXONAL,
        dendritic_delay=DENDRITIC,
    ),
    "both delays, adaptive exponential": one(
        PAIR, fw.AdEx(t_ref=1.0), drive=np.array([900.0, 1200.0, 1500.0, 1800.0]), delay=AXONAL,
        dendritic_delay=DENDRITIC,
    ),
    "both delays, reward": one(
        plasticity.reward(0.02, 0.018, w_max=5.0, reward=0.01), modulator=prescribed(2, 5.0, 9, "dopamine"),
        delay=AXONAL, dendritic_delay=DENDRITIC,
    ),
    "both delays, two-phase delta": two_phase(delay=AXONAL, dendritic_delay=DENDRITIC),
    "both delays, normalised": one(
        dataclasses.replace(PAIR, total=70.0, interval=50.0), drive=8.0, delay=AXONAL, dendritic_delay=DENDRITIC
    ),
    "both delays, in a loop": looped(),
}  # fmt: skip


def compare(circuit, change=lambda network: None, other=None):
    """Run both; spikes have to be the same, weights equal to 1e-9 of the largest. Spikes and changed synapses."""
    simulation, theirs = circuit.start(), to_brian2(other or circuit)
    change(theirs)
    ds = simulation.run(DURATION)
    theirs.run(DURATION)
    spikes = 0
    for group in circuit.groups:
        times, unit = fw.spikes(ds, group.name)
        ours = sorted(zip(np.round(times * 1000 / circuit.dt).tolist(), unit.tolist(), strict=True))
        monitor = theirs.spikes[group.name]
        step = np.round(np.asarray(monitor.t) * 1000 / circuit.dt).tolist()
        assert ours == sorted(zip(step, np.asarray(monitor.i).tolist(), strict=True))
        spikes += len(ours) if isinstance(group, fw.Population) else 0
    changed = 0
    for p in circuit.projections:
        if p.plasticity is not None:
            ours, start = simulation.variable(p.name, "W"), p.weight.ravel() if p.dense else p.weight.data
            np.testing.assert_allclose(ours, theirs.weights(p.name), rtol=0, atol=1e-9 * np.abs(ours).max())
            changed += int((np.abs(ours - start) > 1e-3 * np.abs(start).max()).sum())
    return spikes, changed


@pytest.mark.parametrize("name", CIRCUITS)
def test_spikes_and_weights_are_those_of_brian2(name):
    spikes, changed = compare(CIRCUITS[name])
    assert spikes >= 100
    plastic = [p.n_synapses for p in CIRCUITS[name].projections if p.plasticity is not None]
    assert changed >= min(20, sum(plastic))


def flipped(network):
    """Postsynaptic changes before arrivals."""
    for synapses, _ in network.synapses.values():
        synapses.pre.order, synapses.post.order = 5, -5


@pytest.mark.parametrize("name", ["nearest pairs", "triplet"])  # the others are symmetric
def test_that_comparison_fails_when_the_order_of_events_is_flipped(name):
    circuit = CIRCUITS[name]
    plastic = [p.name for p in circuit.projections if p.plasticity is not None]

    def flip(network):
        flipped(dataclasses.replace(network, synapses={key: network.synapses[key] for key in plastic}))

    with pytest.raises(AssertionError):
        compare(circuit, flip)


@pytest.mark.parametrize(
    ("name", "dropped"),
    [
        ("nearest pairs", "pre_y"),
        ("nearest pairs", "post_x"),
        ("triplet", "post_xy"),
        ("inhibitory STDP", "pre_y"),
        ("two-phase delta", "post_x"),
        ("two-phase delta", "pre_y"),
    ],
)
def test_that_comparison_fails_when_a_trace_is_dropped(name, dropped):
    whole = CIRCUITS[name]
    rules = [p.plasticity and dataclasses.replace(p.plasticity, **{dropped: 0.0}) for p in whole.projections]
    parts = [dataclasses.replace(p, plasticity=rule) for p, rule in zip(whole.projections, rules, strict=True)]
    with pytest.raises(AssertionError):
        compare(whole, other=fw.Circuit(parts, dt=DT))


def test_that_comparison_fails_without_recovery_of_resources():
    circuit = CIRCUITS["short-term plasticity alone"]
    other = one(None, weight=W * 5, short_term=dataclasses.replace(SHORT, tau_rec=1.0), drive=10.0)
    with pytest.raises(AssertionError):
        compare(circuit, other=other)


def test_that_comparison_fails_when_a_delay_is_one_step_longer():
    with pytest.raises(AssertionError):
        compare(CIRCUITS["nearest pairs"], other=one(dataclasses.replace(PAIR, interaction="nearest"), delay=1.5))


@pytest.mark.parametrize("name", ["delay", "dendritic_delay"])
def test_that_comparison_fails_when_the_delays_of_two_synapses_are_exchanged(name):
    delays = {"delay": AXONAL, "dendritic_delay": DENDRITIC}
    delays[name] = delays[name][:, ::-1]
    with pytest.raises(AssertionError):
        compare(
            CIRCUITS["both delays, conductances"],
            other=one(neuron=CONDUCTANCE, weight=W * 0.4, drive=60.0, receptor="e", **delays),
        )


def test_that_comparison_fails_for_another_integrator():
    circuit = CIRCUITS["conductances"]

    def euler(network):
        network.groups["cells"].state_updater.method_choice = "euler"

    with pytest.raises(AssertionError):
        compare(circuit, euler)


def test_a_dendrite_in_brian2_predicts_and_learns_as_ours_on_average():
    neuron = fw.TwoCompartment(receptors=(fw.Receptor("teacher", 5.0),))
    cells = fw.Population(40, neuron)
    teacher = fw.Projection(prescribed(seed=8, name="teacher"), cells, 20.0, receptor="teacher")
    feed = fw.Projection(prescribed(), cells, 0.2, receptor="dendrite", plasticity=plasticity.dendritic(0.05))
    circuit = fw.Circuit([teacher, feed], dt=DT)
    ours, theirs = circuit.start(), to_brian2(circuit)
    counts = len(fw.spikes(ours.run(500.0), "cells")[0]) / 40
    b2.seed(1)
    theirs.run(500.0)
    # the rates follow the same potentials: Poisson counts of some hundred spikes, 4 standard errors of the difference
    assert counts == pytest.approx(theirs.spikes["cells"].num_spikes / 40, abs=4 * np.sqrt(2 * counts / 40))
    a, b = ours.weights("input_to_cells"), theirs.weights("input_to_cells").reshape(N_PRE, 40)
    error = np.sqrt(a.var(axis=1, ddof=1) / 40 + b.var(axis=1, ddof=1) / 40)
    assert (np.abs(a.mean(axis=1) - b.mean(axis=1)) < 4.5 * error).all()
    assert np.abs(a.mean(axis=1) - 0.2).max() > 5 * error.max()


def test_a_large_network_of_poisson_inputs_has_the_statistics_of_brian2():
    neuron = fw.LIF(
        tau_m=10.0, t_ref=0.0, v_rest=-74.0, v_threshold=-54.0, v_reset=-60.0,
        receptors=(fw.Receptor("e", 5.0, 0.0),),
    )  # fmt: skip
    cells, source = fw.Population(60, neuron), fw.PoissonSource(500, 20.0)
    rule = plasticity.pair(1e-3, 1.05e-3, w_max=0.02)
    circuit = fw.Circuit([fw.Projection(source, cells, 0.012, plasticity=rule)], dt=DT)
    b2.seed(3)
    runs = []
    for seed in range(4):
        simulation, theirs = circuit.start(seed), to_brian2(circuit)
        ds = simulation.run(DURATION)
        theirs.run(DURATION)
        w, u = simulation.weights("input_to_cells"), theirs.weights("input_to_cells")
        runs.append(
            [
                [len(fw.spikes(ds, "input")[0]), theirs.spikes["input"].num_spikes],
                [len(fw.spikes(ds, "cells")[0]), theirs.spikes["cells"].num_spikes],
                [w.mean(), u.mean()],
                [w.std(), u.std()],
            ]
        )
    for ours, theirs in np.array(runs).transpose(1, 2, 0):
        error = np.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / 4)
        assert abs(ours.mean() - theirs.mean()) < 5 * error  # t of 6 degrees of freedom: .2 %
        assert ours.mean() > 10 * error


# --- rules as strings ------------------------------------------------------------------------------------------------


def test_a_rule_runs_in_a_brian2_model_of_ones_own():
    """STDP of a user's conductance-based neurons, against the same rule in a circuit."""
    circuit = CIRCUITS["conductances"]
    rule, source = circuit.projections[0].plasticity, circuit.projections[0].pre
    code = brian2_synapses(rule, weight_unit="nS", target="g_e")
    clock = b2.Clock(DT * b2.ms)
    inputs = b2.SpikeGeneratorGroup(N_PRE, source.units, source.times * b2.ms, clock=clock)
    cells = b2.NeuronGroup(
        N_POST,
        """dv/dt = (10*nS*(-70*mV - v) - g_e*v + 60*pA)/(200*pF) : volt (unless refractory)
        dg_e/dt = -g_e/(5*ms) : siemens""",
        threshold="v >= -50*mV", reset="v = -60*mV", refractory=2 * b2.ms, method="exponential_euler", clock=clock,
    )  # fmt: skip
    cells.v = -70 * b2.mV
    synapses = b2.Synapses(
        inputs, cells, code.model, on_pre=code.on_pre, on_post=code.on_post, namespace=code.namespace, delay=1 * b2.ms,
        clock=clock,
    )  # fmt: skip
    synapses.connect()
    synapses.w = (W * 0.4).ravel() * b2.nS
    network = b2.Network(inputs, cells, synapses)
    network.run(DURATION * b2.ms)
    simulation = circuit.start()
    simulation.run(DURATION)
    np.testing.assert_allclose(np.asarray(synapses.w / b2.nS), simulation.variable("input_to_cells", "W"), rtol=1e-9)


@pytest.mark.parametrize(
    ("rule", "unit"),
    [
        (fw.PairSTDP("bi_poo").row(1.0), "1"),
        (fw.TripletSTDP("visual_cortex").row(0.5), "nS"),
        (dataclasses.replace(PAIR, soft=0.5, tau_w=1e4), "pA"),
        (None, "mV"),
    ],
    ids=["pair", "triplet", "soft", "none"],
)
def test_the_equations_of_every_rule_have_consistent_units(rule, unit):
    code = brian2_synapses(rule, weight_unit=unit, target="drive", short_term=SHORT, gate="beta(t)", eligibility="0.5")
    dimension = {"1": "1", "nS": "siemens", "pA": "amp", "mV": "volt"}[unit]
    group = b2.NeuronGroup(2, f"drive : {dimension}", threshold="True", reset="")
    beta = {"beta": b2.TimedArray([0.5, 1.0], dt=1 * b2.ms)}
    synapses = b2.Synapses(
        group, group, code.model, on_pre=code.on_pre, on_post=code.on_post or None, namespace=code.namespace | beta
    )
    synapses.connect()
    b2.Network(group, synapses).run(0.3 * b2.ms)
    assert (rule is None) == (code.on_post == "")


def test_what_cannot_be_event_code_is_refused_by_name():
    for rule in (plasticity.pes(0.1), plasticity.dendritic(0.1), plasticity.reward(0.1, 0.1)):
        with pytest.raises(ValueError, match=rf"rule '{rule.name}' changes synapses between spikes; use to_brian2"):
            brian2_synapses(rule)
    with pytest.raises(ValueError, match="unknown weight_unit 'ns'; did you mean 'nS'"):
        brian2_synapses(PAIR, weight_unit="ns")
    with pytest.raises(TypeError, match="rule is a str; pass a SynapticRule, such as"):
        brian2_synapses("pair")
    with pytest.raises(TypeError, match=r"rule is a PairSTDP, whose amplitudes are relative .* pass rule\.row\(scale="):
        brian2_synapses(fw.PairSTDP("bi_poo"))
    with pytest.raises(TypeError, match="circuit is a SpikingNetwork; pass a Circuit"):
        to_brian2(fw.SpikingNetwork())


def test_names_that_brian2_does_not_take_are_written_otherwise_and_stay_apart():
    """F11: no ASCII, and names that differ in a space alone."""
    neuron = fw.LIF(receptors=(fw.Receptor("a b"), fw.Receptor("a_b"), fw.Receptor("é"), fw.Receptor("è")))
    cells, other = fw.Population(2, neuron, "ü", drive=15.0), fw.Population(2, neuron, "E to I", drive=15.0)
    source = fw.SpikeSource(3, [1.0, 2.0, 3.0], [0, 1, 2], "E_to_I")
    names = [one.name for one in neuron.receptors]
    circuit = fw.Circuit(
        [fw.Projection(source, cells, 10.0 + m, receptor=name, name=f"β{name}") for m, name in enumerate(names)]
        + [fw.Projection(source, other, 30.0, receptor="é", name="β a_b")],
        dt=DT,
    )
    theirs = to_brian2(circuit)
    theirs.run(50.0)
    ds = circuit.run(50.0)
    for name in ("ü", "E to I"):
        assert theirs.spikes[name].num_spikes == len(fw.spikes(ds, name)[0]) > 0


def test_an_upstroke_beyond_all_floats_is_a_spike_in_brian2_too():
    """F9: inf less inf is no potential; at the threshold's slope of 0.05 mV, exp overflows 35 mV above it."""
    rng, dt = np.random.default_rng(0), 0.1
    cells = fw.Population(2, fw.AdEx(delta=0.05), drive=800.0)
    source = fw.SpikeSource(5, np.sort(rng.random(60) * 100), np.arange(60) % 5)
    circuit = fw.Circuit([fw.Projection(source, cells, 300.0)], dt=dt)
    theirs = to_brian2(circuit)
    theirs.run(100.0)
    times, units = fw.spikes(circuit.run(100.0), "cells")
    assert times.size > 20
    assert np.round(times * 1000 / dt).tolist() == np.round(theirs.spikes["cells"].t / (dt * b2.ms)).tolist()
    assert units.tolist() == np.asarray(theirs.spikes["cells"].i).tolist()
