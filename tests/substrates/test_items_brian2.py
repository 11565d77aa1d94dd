"""Rules of fast weights in a user's own Brian2 model: what is written, and what is erased."""

import warnings

import numpy as np
import pytest

import synfwp as fw

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import brian2 as b2

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
KEYS = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
VALUES = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
N, RUNS = 20, 4
CODE = fw.RateCode(neurons_per_feature=N)
CASES = {
    "delta": {},
    "anti_hebb": {},
    "leaky_hebb": {"decay": [1.0, 0.5, 0.8]},
    "gated_delta": {"decay": 0.5, "beta": [1.0, 0.6, 0.8]},
    "delta online": {"mechanism": fw.TwoPhase(online=True)},
}


@pytest.fixture(autouse=True)
def _numpy_target():
    """No compiler, no log files."""
    b2.prefs.codegen.target = "numpy"
    b2.prefs.logging.file_log = False


def weights(rule, seed, **more):
    """W (value, key) of a model of Poisson neurons after three items, and what a read of the first key drives."""
    made = fw.brian2_synapses(rule, target="I", items=3, code=CODE, dt=0.5, **more)
    b2.seed(seed)
    clock = b2.Clock(0.5 * b2.ms)
    cue = np.concatenate([KEYS, [[1.0, 0.0]]])
    send = made.rates(cue, ["retrieve", "encode", "read"])
    teach = made.rates(VALUES, "encode")
    source = b2.PoissonGroup(2 * N, rates="send(t, i)", namespace={"send": send}, clock=clock)
    target = b2.NeuronGroup(
        2 * N, "dI/dt = -I/(5*ms) : 1", threshold="rand() < (teach(t, i) + clip(I, 0, inf)*100*Hz)*dt",
        namespace={"teach": teach}, method="exact", clock=clock,
    )  # fmt: skip
    synapses = made.synapses(source, target)
    synapses.connect()
    state = b2.StateMonitor(target, "I", record=True, clock=clock)
    net = b2.Network(source, target, synapses, state)
    net.run((made.duration + 200) * b2.ms)
    W = np.asarray(synapses.w).reshape(2, N, 2, N).mean(axis=(1, 3)).T
    return W, np.asarray(state.I)[:, round((made.duration + 50) / 0.5) :].reshape(2, N, -1).mean(axis=(1, 2))


@pytest.mark.parametrize("case", CASES)
def test_a_model_of_ones_own_writes_what_the_network_does(case):
    rule, more = case.split()[0], CASES[case]
    found = np.stack([weights(rule, seed, **more)[0] for seed in range(RUNS)])
    network = fw.SpikingNetwork(engine="poisson", code=CODE, mechanism=more.get("mechanism"), dt=0.5, delay=0.5)
    beta, decay = (np.broadcast_to(more.get(name, 1.0), 3)[None].astype(float) for name in ("beta", "decay"))
    row = fw.get_rule(rule)
    sent = [np.repeat(x, 60, 0) for x in (KEYS[None], VALUES[None], beta)]
    theirs = network.run(row, 0 * sent[0], *sent, np.repeat(decay, 60, 0) if row.retain else None, 3).W
    error = np.sqrt(found.var(0, ddof=1) / RUNS + theirs.var(0, ddof=1) / 60)
    assert (np.abs(found.mean(0) - theirs.mean(0)) < 5 * error).all(), (found.mean(0), theirs.mean(0), error)
    assert error.max() < 0.15  # so that an old value of 1 would be seen


def test_the_delta_rule_erases_the_old_value_and_hebb_does_not():
    for rule, old in (("delta", (-0.35, 0.35)), ("hebb", (0.7, 1.3))):
        W, read = (np.mean(x, axis=0) for x in zip(*(weights(rule, seed) for seed in range(3)), strict=True))
        assert old[0] < W[0, 0] < old[1]
        assert W[1, 0] > 0.7
        np.testing.assert_allclose(read, W[:, 0], atol=0.15)  # what a read drives is W k


def test_phases_are_those_of_the_schedule():
    cycle = fw.ThetaCycle(retrieve=30.0, encode=50.0, gap=20.0)
    made = fw.brian2_synapses("delta", items=2, schedule=cycle)
    assert [name for name, *_ in made.phases] == ["retrieve", "gap", "encode", "gap"] * 2 + ["read"]
    assert made.duration == 240.0
    assert made.tick == pytest.approx(10.0)
    at = lambda name, t: float(made.namespace[name](t * b2.ms))  # noqa: E731
    for t, gate, eligibility, latch in ((0, 0, -1, 0), (29.9, 0, -1, 0), (30, 0, 0, 1), (40, 0, 0, 0), (50, 1, 0, 0),
                                        (100, 0, 0, 0), (120, 0, -1, 0), (150, 0, 0, 1), (300, 0, 0, 0)):  # fmt: skip
        assert (at("gate", t), at("eligibility", t), at("latch", t)) == (gate, eligibility, latch), t
    assert at("transmission", 10) == at("transmission", 300) > 0 == at("transmission", 60)
    rates = made.rates(np.eye(2), "encode")
    assert float(rates(60 * b2.ms, 3) / b2.Hz) == 100.0
    assert float(rates(60 * b2.ms, 12) / b2.Hz) == 0.0
    assert float(rates(300 * b2.ms, 3) / b2.Hz) == 0.0


def test_without_a_retrieval_an_item_is_encoded_at_once():
    made = fw.brian2_synapses("hebb", items=2, schedule=fw.ThetaCycle(gap=0.0))
    assert [name for name, *_ in made.phases] == ["encode", "encode", "read"]
    assert made.regularly == ""
    assert "eligibility" not in made.namespace


def test_a_row_of_spikes_is_as_before():
    stdp = fw.plasticity.pair(0.05, 0.04, w_max=5.0)
    assert fw.brian2_synapses(stdp, weight_unit="nS", target="g_e").on_pre.startswith("g_e_post += w\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rule": "delta", "weight_unit": "nS"}, "weight_unit is no option of a rule of items"),
        ({"rule": "delta", "mechanism": fw.PES()}, "reads a prediction between spikes"),
        ({"rule": "delta", "mechanism": "two_phase"}, "mechanism is a str"),
        ({"rule": "delta", "mechanism": fw.GatedTrace()}, "has no erasure and cannot run rule 'delta'"),
        ({"rule": "mesa"}, "not one that a spiking mechanism carries out"),
        ({"rule": "covariance"}, "needs partner neurons"),
        ({"rule": "key_gated_delta", "decay": 0.5}, "decays each key by its own"),
        ({"rule": "gated_delta"}, "keeps a part of W; pass decay"),
        ({"rule": "delta", "decay": 0.5}, "has no decay"),
        ({"rule": "delta", "items": 2, "beta": [1.0, 1.0, 1.0]}, "beta has 3 numbers"),
        ({"rule": "delta", "beta": -0.5}, "beta runs from -0.5"),
        ({"rule": "delta", "items": 0}, "items"),
        ({"rule": "delta", "dt": 0.3}, "not all multiples of dt"),
        ({"rule": "nonsense"}, "unknown rule"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fw.brian2_synapses(**arguments)


@pytest.mark.parametrize(
    ("features", "during", "message"),
    [
        (np.ones((4, 2)), "encode", "features have 4 rows"),
        (-np.ones((2, 2)), "encode", "not negative"),
        (np.ones((2, 2)), "encoding", "during"),
        (np.ones(2), "encode", "features"),
    ],
)
def test_features_that_cannot_be_sent_are_refused(features, during, message):
    with pytest.raises(ValueError, match=message):
        fw.brian2_synapses("delta", items=2).rates(features, during)
