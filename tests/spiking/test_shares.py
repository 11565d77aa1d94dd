"""Populations that run apart for as long as their delays are, in threads: the same bits as in one."""

import numpy as np
import pytest

import synfwp as fw
from synfwp import plasticity, threads
from synfwp.spiking import shares

pytestmark = pytest.mark.kernels

DT = 0.5
TWO = (fw.Receptor("e", 5.0, 0.0), fw.Receptor("i", 8.0, -80.0))
PAIR = plasticity.pair(0.2, 0.15, w_max=6.0)
INHIBITORY = plasticity.inhibitory(0.3, 10.0, w_max=20.0)


def population(name, n=5, **more):
    """Neurons that fire by themselves, each at its own rate."""
    neuron = fw.LIF(t_ref=1.0, g_leak=10.0, receptors=TWO, **more)
    return fw.Population(n, neuron, name, drive=np.linspace(205.0, 290.0, n))


def source(name):
    """Prescribed spikes, several in a step and not in the order of the units."""
    steps, units = np.nonzero(np.random.default_rng(4).random((400, 4)) < 0.08)
    order = np.lexsort((-units, steps))
    return fw.SpikeSource(4, steps[order] * DT, units[order], name)


def halves(delay=3.0, a=None, b=None, rule=PAIR, seed=0, **more):
    """Two populations with synapses within and between, some dense and some sparse, and a source for each."""
    a, b = a or population("a"), b or population("b", 6)
    rng, found = np.random.default_rng(seed), []
    for pre in (a, b):
        for post in (a, b):
            w = rng.uniform(0.5, 3.0, (pre.n, post.n))
            dense = pre is a
            weight = w if dense else fw.random_synapses(pre.n, post.n, 0.6, 1.0, seed)
            within = pre is post
            found.append(
                fw.Projection(
                    pre, post, weight, receptor="e" if dense else "i", delay=0.5 if within else delay,
                    plasticity=rule if dense else INHIBITORY, **more,
                )
            )  # fmt: skip
        found.append(fw.Projection(source(f"to {pre.name}"), pre, 3.0, receptor="e", plasticity=PAIR))
    return found


def rewarded(delay=3.0):
    """Rewards come without delay, from a population that is therefore in one share with what it rewards."""
    boss, rule = population("boss", 3), plasticity.reward(0.3, 0.2, tau_e=300.0, reward=0.01, w_max=8.0)
    a, b = population("a"), population("b", 6)
    learning = fw.Projection(b, a, 2.0, receptor="e", delay=delay, plasticity=rule, modulator=boss, name="learning")
    return [*halves(delay, a, b), learning, fw.Projection(a, boss, 1.0, receptor="e", delay=9.0)]


CIRCUITS = {
    "halves": halves(),
    "with short-term plasticity and dendrites": halves(
        4.0, dendritic_delay=1.5, short_term=fw.ShortTerm(U=0.3, tau_rec=80.0, tau_facil=60.0)
    ),
    "all pairs of two shares": halves(rule=plasticity.pair(0.2, 0.15, w_max=6.0, tau_minus=9.0)),
    "one noisy": halves(a=population("a", noise=2.0)),
    "rewarded": rewarded(),
    "no spikes between them": [p for p in halves() if p.pre.name == p.post.name or p.pre.name.startswith("to")],
}


def run(projections, workers, cuts=(200.0,)):
    """Variables and Dataset of a run in so many threads."""
    simulation = fw.Circuit(projections, dt=DT).start(3)
    names = [one.name for one in simulation.circuit.groups if hasattr(one, "neuron")]
    with threads.thread_limit(workers):
        for part in cuts:
            ds = simulation.run(part, [fw.Record(name, "v", neurons=[1, 0], every=1.0) for name in names])
    return simulation, ds


@pytest.fixture
def _small(monkeypatch):
    """Networks of any size come apart."""
    monkeypatch.setattr(shares, "FEW", 0)


@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("name", CIRCUITS)
def test_two_threads_have_the_bits_of_one(name):
    circuit = fw.Circuit(CIRCUITS[name], dt=DT)
    with threads.thread_limit(2):
        assert len(shares.shares(circuit.apart)) == 2
    with threads.thread_limit(1):
        assert len(shares.shares(circuit.apart)) == 1
    (one, a), (two, b) = run(CIRCUITS[name], 1), run(CIRCUITS[name], 2)
    assert a.sizes["spike"] > 100
    for x, y in zip(one.variables, two.variables, strict=True):
        assert np.array_equal(x, y)
    assert one.digest() == two.digest()
    for variable in a.variables:
        np.testing.assert_array_equal(a[variable], b[variable], err_msg=variable)
    cut, _ = run(CIRCUITS[name], 2, (60.5, 99.0, 40.5))
    assert cut.digest() == one.digest()


@pytest.mark.usefixtures("_small")
def test_no_room_for_spikes_in_the_middle_of_a_window(monkeypatch):
    one, a = run(CIRCUITS["halves"], 1)
    begin = shares.Found.__init__
    monkeypatch.setattr(shares.Found, "__init__", lambda self, room: begin(self, 20))  # 19 units: two steps, or one
    two, b = run(CIRCUITS["halves"], 2)
    assert one.digest() == two.digest()
    np.testing.assert_array_equal(a.spike_time, b.spike_time)
    np.testing.assert_array_equal(a.spike_unit, b.spike_unit)


def test_a_circuit_comes_apart_at_its_longest_delays():
    window = {name: fw.Circuit(one, dt=DT).apart.window for name, one in CIRCUITS.items()}
    assert window["halves"] == 6
    assert window["with short-term plasticity and dendrites"] == 8
    assert window["no spikes between them"] == shares.LONGEST
    a, b = population("a", noise=1.0), population("b", noise=1.0)
    assert fw.Circuit(halves(a=a, b=b), dt=DT).apart.window == 0  # two that draw from one generator
    assert fw.Circuit(halves(0.5), dt=DT).apart.window == 0  # a window of one step is none
    a, b = population("a", 100), population("b", 3)
    assert fw.Circuit(halves(a=a, b=b), dt=DT).apart.window == 0  # nearly all of the work is in one


def test_small_networks_and_threads_of_a_pool_run_in_one_thread():
    circuit = fw.Circuit(CIRCUITS["halves"], dt=DT)
    with threads.thread_limit(2):
        assert len(shares.shares(circuit.apart)) == 1
    large = fw.Circuit(halves(a=population("a", 500), b=population("b", 500)), dt=0.5)
    assert large.apart.window * 1000 < shares.FEW

    def inside(_):
        return threads.usable()

    assert threads.each(inside, range(2), 2) == [1, 1]


@pytest.mark.usefixtures("_small")
def test_a_state_of_two_threads_goes_on_in_one(tmp_path):
    circuit = fw.Circuit(CIRCUITS["halves"], dt=DT)
    with threads.thread_limit(2):
        simulation = circuit.start(3)
        simulation.run(100.0)
        simulation.save(tmp_path / "state.npz")
        simulation.run(100.0)
    with threads.thread_limit(1):
        other = circuit.restore(tmp_path / "state.npz")
        other.run(100.0)
    assert other.digest() == simulation.digest()


@pytest.mark.parametrize("kind", ["states", "responses"])
def test_rules_that_run_over_all_projections_at_once_keep_a_circuit_in_one_thread(kind):
    a, b = population("a"), population("b", 6)
    more = {
        "states": {"plasticity": plasticity.CalciumPlasticity("DP", delay=14.0).row(scale=1.0)},
        "responses": {"short_term": plasticity.SpikeResponse(baseline=-2.0, amplitudes=(700.0,), taus=(100.0,))},
    }[kind]
    plain = fw.Circuit(halves(3.0, a, b), dt=DT)
    special = fw.Circuit([*halves(3.0, a, b), fw.Projection(a, b, 2.0, "e", delay=3.0, name="new", **more)], dt=DT)
    assert plain.apart.window > 0 == special.apart.window
