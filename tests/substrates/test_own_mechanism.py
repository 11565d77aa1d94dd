"""Mechanisms of one's own: other phases in a network, in its closed form and in a circuit, and what is circuit only."""

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from spiking_runs import BOUND, effective_W, many_runs, off_by

import synfwp as fw
from synfwp.substrates import gains
from synfwp.substrates.engines import make_engine
from synfwp.substrates.mechanisms import MECHANISMS


@dataclass(frozen=True, kw_only=True)
class Presynaptic(fw.TwoPhase):
    """Two phases, but only pairs with the presynaptic spike first count."""

    name: ClassVar[str] = "presynaptic_two_phase"
    closed_form: ClassVar[str] = r"W \mathrm{diag}(1 - \beta s k) + \beta ((1 + \epsilon) v - \lambda W k) k^\top"
    causal: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Symmetric(fw.Mechanism):
    """The spikes of an error pair with presynaptic ones in any order; nothing but flags, all else is inherited."""

    name: ClassVar[str] = "symmetric_error"
    cite: ClassVar[str] = "vogels2011"
    closed_form: ClassVar[str] = r"W \mathrm{diag}(1 - \beta s k) + \beta (v - \lambda W k) k^\top"
    into_soma: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class Triplets(fw.GatedTrace):
    """Potentiation by triplets of spikes, which no engine of a network has."""

    name: ClassVar[str] = "triplets"

    def synapse(self, eta, **more):
        return super().synapse(eta, **({"post_xy": 0.5 * eta} | more))


MINE = {"presynaptic": Presynaptic(), "symmetric": Symmetric()}
each = pytest.mark.parametrize("mechanism", MINE.values(), ids=MINE)
FEW = fw.SpikingNetwork(code=fw.RateCode(neurons_per_feature=1), dale=False)
ON_CLOCK = fw.SpikingNetwork(
    engine="poisson", code=fw.RateCode(neurons_per_feature=4), schedule=fw.ThetaCycle(gap=100.0), dt=1.0, dale=False
)


# --- in a network ----------------------------------------------------------------------------------------------------


@each
@pytest.mark.parametrize(("network", "n"), [(FEW, 1500), (ON_CLOCK, 500)], ids=["counts", "poisson"])
def test_the_mean_over_runs_is_its_closed_form(mechanism, network, n):
    network = replace(network, mechanism=mechanism)
    runs = many_runs(network, "delta", n)
    assert off_by(runs, effective_W(network, "delta")) < BOUND
    # controls: a prediction that is a fifth too small, a write that is a tenth too large
    assert off_by(runs, effective_W(network, "delta", lambda g: g._replace(erase=0.8 * g.erase))) > BOUND + 1
    assert off_by(runs, effective_W(network, "delta", lambda g: g._replace(write=1.1))) > BOUND + 1


def test_pairs_in_one_order_lose_what_the_postsynaptic_traces_of_a_retrieval_carry_over():
    code, schedule = fw.RateCode(peak=80.0, neurons_per_feature=3), fw.ThetaCycle(retrieve=6.0, encode=8.0, gap=3.0)
    g = gains.trace_gains(code, schedule, Presynaptic(tau=5.0), 2.0, 2.0, 1.0)
    first, second = np.arange(6), np.arange(8) + 9

    def pairs(post, pre, drive=1.0):
        lag = post[:, None] - pre
        weight = np.exp(-np.abs(lag) / 5.0) * (lag >= 0)
        return float((weight * np.broadcast_to(drive, len(post))[:, None]).sum())

    lag = first[:, None] - first
    response = np.where(lag >= 2, (1 - np.exp(-1 / 2.0)) * np.exp(-(lag - 2) / 2.0), 0)
    assert g.carry_over == pytest.approx(pairs(second, first) / pairs(second, second), rel=1e-12)
    assert g.write == pytest.approx(1 + g.carry_over, rel=1e-12)
    assert g.erase == pytest.approx(pairs(first, first, response.sum(axis=1)) / pairs(first, first), rel=1e-12)
    assert g.erase > gains.trace_gains(code, schedule, fw.TwoPhase(tau=5.0), 2.0, 2.0, 1.0).erase


def test_a_pair_written_again_and_again_settles_where_its_gains_put_it():
    """Without a gap the two phases of an item leak into each other, and items are 400 ms apart."""
    network = fw.SpikingNetwork(
        engine="poisson", neuron=fw.Poisson(tau_syn=1e-3), delay=0.0, dt=1.0, dale=False, mechanism=Presynaptic(),
        code=fw.RateCode(neurons_per_feature=50), schedule=fw.ThetaCycle(gap=0.0),
    )  # fmt: skip
    setup, g, one = network.setup("delta"), network.gains(fw.DELTA), np.ones(50)
    found = []
    for seed in range(20):
        engine = make_engine(setup, np.random.default_rng(seed), 50, 100)
        engine.W[:] = g.write / (g.erase + g.self_erasure)
        means = []
        for _ in range(40):
            engine.W -= 0.3 * engine.phase(100.0, one, None).eligibility
            engine.W += 0.3 * engine.phase(100.0, one, np.ones(100)).eligibility
            engine.gap(400.0)
            means.append(engine.W.mean())
        found.append(np.mean(means[10:]))
    error = np.std(found, ddof=1) / 20**0.5
    # t of 19 degrees of freedom: 3.45 standard errors are as rare as 3 of a normal
    assert abs(np.mean(found) - g.write / (g.erase + g.self_erasure)) < 3.45 * error
    both = replace(network, mechanism=fw.TwoPhase()).gains(fw.DELTA)
    assert abs(np.mean(found) - both.write / (both.erase + both.self_erasure)) > 5 * error


@each
@pytest.mark.parametrize("engine", ["counts", "poisson"])
def test_the_description_is_what_runs_do(engine, mechanism):
    network = replace(ON_CLOCK, engine=engine, mechanism=mechanism, code=fw.RateCode(neurons_per_feature=2))
    values, n = network.describe("delta").values, 800
    k, v = np.ones((n, 2, 1)), np.tile([[1.0], [0.0]], (n, 1, 1))
    once = network.run(fw.DELTA, k[:, :1], k[:, :1], v[:, :1], np.ones((n, 1)), None, 1).W[:, 0, 0]
    twice = network.run(fw.DELTA, k, k, v, np.ones((n, 2)), None, 2).W[:, 0, 0]
    left = 1 - values["erase"] - values["self_erasure"]
    for W, expected in ((once, values["write"]), (twice, values["write"] * left)):
        assert abs(W.mean() - expected) < 3 * W.std(ddof=1) / np.sqrt(n)
    assert f"mechanism {mechanism.name}" in str(network.describe("delta"))
    assert values["duration"] == (400.0 if mechanism.retrieves else 200.0)


@each
@pytest.mark.parametrize("engine", ["counts", "poisson", "lif"])
def test_simulate_runs_it_beside_its_target_and_its_effective_rule(engine, mechanism):
    rng = np.random.default_rng(0)
    k, v = np.maximum(rng.standard_normal((6, 5)), 0) + 0.05, rng.standard_normal((6, 4))
    k /= np.linalg.norm(k, axis=1, keepdims=True)
    network = replace(ON_CLOCK, engine=engine, mechanism=mechanism, code=fw.RateCode(neurons_per_feature=24), dt=0.5)
    ds = fw.simulate("delta", fw.Instructions(0 * k, k, v), on=network, seed=[1, 2])
    for reference in ("target", "effective"):
        assert (ds.centred_correlation.sel(reference=reference) > 0.9).all()
    # 600 LIF neurons follow what is described within their curve and their onset; counts are exact on average
    np.testing.assert_allclose(ds.norm_ratio.sel(reference="effective"), 1, atol=0.15)
    kept = json.loads(ds.attrs["parameters"])["mechanism"]
    assert kept.pop("class code")["class"] == f"{__name__}.{type(mechanism).__name__}"
    assert kept == {"class": type(mechanism).__name__, "tau": 20.0} | ({"online": False} if mechanism.retrieves else {})


def test_it_is_not_in_the_table_and_is_refused_for_what_it_cannot_run():
    assert "presynaptic_two_phase" not in MECHANISMS
    with pytest.raises(ValueError, match="'presynaptic_two_phase' erases what the key retrieves and cannot run rule"):
        fw.SpikingNetwork(mechanism=Presynaptic()).describe("hebb")


def test_the_first_mechanism_of_the_guide_for_contributors_runs(capsys):
    guide = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text("utf-8")
    code = re.search(r"## Your first mechanism\n.*?```python\n(.*?)```", guide, re.S)[1]
    space = {}
    exec(compile(code, "CONTRIBUTING.md", "exec"), space)
    assert "engine poisson, mechanism presynaptic_two_phase" in capsys.readouterr().out
    assert (space["ds"].centred_correlation.sel(reference="effective") > 0.8).all()
    assert (space["row"].pre_y, space["row"].post_x, space["row"].tau_x1) == (0.0, 0.1, 15.0)


# --- in a circuit ----------------------------------------------------------------------------------------------------


def from_circuit(mechanism, network, out, beta, sizes):
    """W of push less that of pull synapses, which follow the recorded spikes and run ``mechanism.synapse``."""
    found, cycle = {name: entry[1] for name, entry in out.extras.items()}, network.schedule
    times, which = 1000 * found["spike_time"], found["spike_unit"]
    side = found["population"][found["spike_population"]]
    groups = {
        name: fw.SpikeSource(n, times[side == name], which[side == name], name=name)
        for name, n in (("key", sizes[0]), ("push", sizes[1]), ("pull", sizes[1]))
    }
    starts = np.arange(len(beta)) * (cycle.retrieve + cycle.encode + 2 * cycle.gap)
    ends, encodes = starts + cycle.retrieve, starts + cycle.retrieve + cycle.gap

    def steps(begin, length, values):
        at = np.stack([begin, begin + length], axis=1).ravel()
        given = np.stack([values, 0 * values], axis=1).ravel()
        return fw.Steps(*((at, given) if at[0] == 0 else (np.append(0.0, at), np.append(0.0, given))))

    eta = 1 / gains.peak_pairs(mechanism, network.code.peak, cycle.encode, network.dt)
    projections = [
        fw.Projection(
            groups["key"], groups[name], np.zeros(sizes), name=f"to {name}", plasticity=mechanism.synapse(eta),
            eligibility=steps(starts, cycle.retrieve, -beta), latch=ends, gate=steps(encodes, cycle.encode, beta),
        )
        for name in ("push", "pull")
    ]  # fmt: skip
    run = fw.Circuit(projections, dt=network.dt).start()
    run.run(float(encodes[-1] + cycle.encode + cycle.gap))
    return run.weights("to push") - run.weights("to pull")


@pytest.mark.parametrize("mechanism", [Presynaptic(), fw.TwoPhase()], ids=lambda m: m.name)
def test_a_circuit_of_its_synapses_learns_the_same_weights_from_the_same_spikes(mechanism):
    k, v, beta = np.eye(3) + 0.3, np.array([[1.0, -0.5], [0.2, 0.8], [-1.0, 0.4]]), np.array([0.9, 0.4, 0.7])
    k /= k.max()
    network = fw.SpikingNetwork(
        engine="lif", mechanism=mechanism, code=fw.RateCode(peak=40.0, neurons_per_feature=2), dt=0.1, dale=False,
        neuron=fw.LIF(noise=5.0),
    )  # fmt: skip
    out = network.run(fw.DELTA, *(x[None] for x in (0 * k, k, v, beta)), None, 3, record=True)
    sizes = (6, 4)
    W = from_circuit(mechanism, network, out, beta, sizes).reshape(3, 2, 2, 2).mean(axis=(1, 3)).T * np.abs(v).max()
    assert np.abs(out.W[0]).max() > 0.3
    np.testing.assert_allclose(W, out.W[0], rtol=0, atol=1e-9)
    # control: the row with pairs in the other choice of orders
    other = {True: fw.TwoPhase, False: Presynaptic}[mechanism.causal]()
    W = from_circuit(other, network, out, beta, sizes).reshape(3, 2, 2, 2).mean(axis=(1, 3)).T * np.abs(v).max()
    assert np.abs(W - out.W[0]).max() > 0.05


def test_an_update_that_the_engines_do_not_have_runs_as_a_circuit_only():
    with pytest.raises(ValueError, match=r"'triplets' changes synapses by post_xy, which .* it runs as a Circuit only"):
        fw.SpikingNetwork(mechanism=Triplets())

    def weight(mechanism):
        pre, post = (
            fw.SpikeSource(1, times, [0] * len(times), name) for name, times in (("a", [10.0]), ("b", [12.0, 20.0]))
        )
        joined = fw.Projection(pre, post, np.zeros((1, 1)), plasticity=mechanism.synapse(0.1))
        run = fw.Circuit([joined]).start()
        run.run(40.0)
        return float(run.weights("a_to_b")[0, 0])

    pairs = 0.1 * (np.exp(-2 / 20) + np.exp(-10 / 20))
    assert weight(fw.GatedTrace()) == pytest.approx(pairs, rel=1e-9)
    assert weight(Triplets()) == pytest.approx(pairs + 0.05 * np.exp(-10 / 20) * np.exp(-8 / 20), rel=1e-9)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"soft": 1.0, "w_min": 0.0, "w_max": 1.0}, "changes synapses by soft"),
        ({"tau_w": 100.0}, "changes synapses by tau_w"),
        ({"interaction": "nearest"}, "changes synapses by interaction"),
        ({"tau_e": 100.0}, "changes synapses by tau_e"),
        ({"pre_y": -0.3}, r"changes synapses by pre_y \(other than post_x\)"),
        ({"pre_y": 0.0}, "causal of mechanism 'odd' is False, but pre_y of its synapse is 0"),
        ({"post_x": -1.0, "pre_y": -1.0}, r"changes synapses by post_x = -1 \(not eta\), which"),
        ({"tau_x1": 5.0}, r"changes synapses by tau_x1 = 5 \(not tau\), which"),
        ({"tau_y1": 5.0}, r"changes synapses by tau_y1 = 5 \(not tau\), which"),
        ({"rate": 0.5, "error": "teacher"}, r"by rate = 0.5 \(not 0\), error = 'teacher' \(not ''\), which"),
        ({"w_min": -1.0}, r"changes synapses by w_min = -1 \(not -inf\), which"),
        ({"w_min": 0.0}, r"changes synapses by w_min = 0 \(not -inf\), which"),
        ({"w_max": 1.0}, r"changes synapses by w_max = 1 \(not inf\), which"),
        ({"pre_0": -0.1}, r"changes synapses by pre_0 = -0.1 \(not 0\), which"),
        ({"coincident": "none"}, "changes synapses by coincident, which"),
    ],
)
def test_a_row_that_is_not_what_its_flags_are_is_refused(numbers, message):
    class Odd(fw.GatedTrace):
        name = "odd"

        def synapse(self, eta, **more):
            return super().synapse(eta, **(numbers | more))

    with pytest.raises(ValueError, match=message):
        fw.SpikingNetwork(mechanism=Odd())


@pytest.mark.parametrize(
    ("kind", "numbers", "message"),
    [
        (fw.Dendritic, {"rate": 1.0}, r"rate = 1 \(not -eta\)"),
        (fw.Dendritic, {"rate": 0.0, "error": ""}, r"rate = 0 \(not -eta\), error = '' \(not 'prediction'\)"),
        (fw.Dendritic, {"error": "teacher"}, r"error = 'teacher' \(not 'prediction'\)"),
        (fw.PES, {"rate": -1.0}, r"rate = -1 \(not eta\)"),
        (fw.PES, {"post_x": 1.0}, r"post_x = 1 \(not 0\)"),
        (fw.PES, {"tau_x1": 5.0}, r"tau_x1 = 5 \(not tau\)"),
        (fw.PES, {"error": "prediction"}, r"post_x = 0 .*, rate = 1 .*, error = 'prediction' \(not ''\)"),
        (fw.InhibitoryCancellation, {"pre_0": -0.1}, r"pre_0 = -0.1 \(not -2 eta baseline tau\)"),
        (fw.InhibitoryCancellation, {"w_min": -2.0}, r"w_min = -2 \(not 0 or -inf\)"),
    ],
)
def test_a_row_without_the_error_of_its_flags_is_refused(kind, numbers, message):
    class Odd(kind):
        name = "odd"

        def synapse(self, eta, **more):
            return replace(super().synapse(eta, **more), **numbers)

    with pytest.raises(ValueError, match=f"'odd' changes synapses by {message}, which"):
        fw.SpikingNetwork(mechanism=Odd())


@pytest.mark.parametrize(
    ("kind", "flags", "message"),
    [
        (fw.TwoPhase, {"into_soma": True}, "retrieves and into_soma, each of which takes off what W predicts; set one"),
        (fw.TwoPhase, {"into_dendrite": True, "causal": True}, "retrieves and into_dendrite, each of which"),
        (fw.Dendritic, {"into_soma": True}, "into_soma and into_dendrite, each of which"),
        (fw.Dendritic, {"causal": False}, "into_dendrite, whose prediction meets presynaptic traces alone, but not"),
        (fw.GatedTrace, {"online": True}, "online, but no W is read while it is written; set retrieves, into_soma"),
        (fw.TwoPhase, {"baseline": 5.0}, "a baseline, which only neurons that fire for an error have; set into_soma"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(kind, flags, message):
    odd = type("Odd", (kind,), {"name": "odd", **flags})()
    with pytest.raises(ValueError, match=f"^mechanism 'odd' has {message}"):
        fw.SpikingNetwork(engine="poisson", mechanism=odd)


@pytest.mark.parametrize("rho0", [0.0, 5.0, 300.0])
def test_what_a_presynaptic_spike_does_alone_is_in_either_side_and_not_in_their_difference(rho0):
    class Without(fw.InhibitoryCancellation):
        def synapse(self, eta, **more):
            return super().synapse(eta, **({"pre_0": 0.0, "w_min": -np.inf} | more))

    for mechanism in (fw.InhibitoryCancellation(rho0=rho0, tau=7.0), Without(rho0=rho0, tau=7.0)):
        assert fw.SpikingNetwork(mechanism=mechanism).mechanism is mechanism


def test_the_row_of_every_mechanism_is_one_that_the_engines_have():
    for mechanism in [*MECHANISMS.values(), *MINE.values()]:
        assert fw.SpikingNetwork(mechanism=mechanism).mechanism is mechanism
        row = mechanism.synapse(0.25, w_max=3.0)
        assert row.w_max == 3.0
        assert row.tau_x1 == mechanism.tau
        assert 0.25 in (row.post_x, row.rate)
