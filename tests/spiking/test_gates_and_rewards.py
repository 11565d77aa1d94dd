"""Gates and rewards of a running network: cut and set, it runs as one with the same schedule beforehand."""

import json

import numpy as np
import pytest
import test_circuit_kernel as kernels
from hypothesis import given, settings
from hypothesis import strategies as st

import synfwp as fw
from synfwp import plasticity, reference

pytestmark = pytest.mark.kernels
DT, STEPS = 0.5, 240
RULES = {
    "pair": plasticity.pair(0.3, 0.25, w_max=8.0),
    "leak": plasticity.pair(0.3, 0.25, w_max=8.0, tau_w=300.0),
    "reward": plasticity.reward(0.3, 0.2, tau_e=300.0, reward=0.01, baseline=0.002, w_max=8.0),
}


@st.composite
def changes(draw, most=6):
    """Steps at which something is set, and values."""
    steps = sorted(draw(st.sets(st.integers(0, STEPS - 1), min_size=1, max_size=most)))
    return [(step, draw(st.floats(-2, 2).map(lambda x: round(x, 3)))) for step in steps]


def as_steps(at, first):
    """A schedule that is ``first`` until the first change."""
    times, values = [DT * step for step, _ in at], [value for _, value in at]
    return fw.Steps(times, values) if times[0] == 0 else fw.Steps([0.0, *times], [first, *values])


def bits(simulation):
    """All that a run changes."""
    name = simulation.circuit.projections[0].name
    p = simulation.circuit.projections[0]
    found = [simulation.variable(name, "W"), simulation.variable("cells", "v"), simulation.variable(name, "x1")]
    return np.concatenate([*found, simulation.variable(name, "E")] if p.collects else found)


def play(simulation, events, end=STEPS):
    """Run to each event, do it, and run on to the end; all spikes."""
    found = []
    for step, act in [*sorted(events, key=lambda event: event[0]), (end, None)]:
        ds = simulation.run(DT * step - simulation.time)
        times, unit = fw.spikes(ds, "cells")
        found += list(zip(times.tolist(), unit.tolist(), strict=True))
        if act is not None:
            act(simulation)
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(list(RULES)), st.booleans(), st.sampled_from(["gate", "eligibility", "transmission"]), changes(),
    st.integers(1, STEPS - 1),
)  # fmt: skip
def test_gates_set_while_it_runs_are_those_of_a_schedule_bit_for_bit(rule, sparse, kind, at, cut):
    if kind == "eligibility" and rule == "reward":
        kind = "gate"
    more = {"eligibility": 1.0, "latch": [60.0]} if kind == "eligibility" else {}
    more["drive"] = 16.0
    weight = kernels.half() if sparse else None
    if not any(value for _, value in at):
        at = [(at[0][0], 0.5)]
    first = {"gate": 1.0, "eligibility": 1.0, "transmission": 1.0}[kind]
    planned = kernels.one(RULES[rule], weight=weight, **more | {kind: as_steps(at, first)}).start(1)
    running = kernels.one(RULES[rule], weight=weight, **more).start(1)
    acts = [(step, lambda s, value=value: s.set_gate("input_to_cells", value, kind)) for step, value in at]
    assert play(running, [*acts, (cut, None)]) == play(planned, [])
    assert np.array_equal(bits(running), bits(planned))


@settings(max_examples=60, deadline=None)
@given(st.booleans(), changes(), st.integers(1, STEPS - 1), st.sampled_from([-0.01, 0.02]))
def test_rewards_given_while_it_runs_are_those_of_modulators_bit_for_bit(sparse, at, cut, reward):
    rule = plasticity.reward(0.3, 0.2, tau_e=300.0, reward=reward, baseline=0.002, w_max=8.0)
    weight = kernels.half() if sparse else None
    sources = [(fw.SpikeSource(1, [DT * step], [0], name=f"reward {m}"), value) for m, (step, value) in enumerate(at)]
    planned = kernels.one(rule, weight=weight, modulator=sources).start(1)
    running = kernels.one(rule, weight=weight).start(1)
    acts = [(step, lambda s, value=value: s.reward("input_to_cells", value)) for step, value in at]
    assert play(running, [*acts, (cut, None)]) == play(planned, [])
    assert np.array_equal(bits(running), bits(planned))


@settings(max_examples=40, deadline=None)
@given(st.booleans(), changes(), changes(), changes(), st.integers(0, 1000))
def test_gates_rewards_of_both_signs_and_a_baseline_run_as_in_the_twin(sparse, gates, given_, cuts, seed):
    rng = np.random.default_rng(seed)
    rule = plasticity.reward(0.3, 0.2, tau_e=300.0, reward=0.01, baseline=rng.normal() * 0.01, w_max=8.0)
    weight = kernels.half() if sparse else None
    modulator = [
        (kernels.prescribed(2, 15.0, seed=seed, name="reward"), 1.0),
        (kernels.prescribed(1, 15.0, seed=seed + 1, name="punishment"), -1.7),
    ]
    circuit = kernels.one(rule, weight=weight, modulator=modulator)
    simulation = circuit.start(1)
    acts = [(step, lambda s, value=value: s.set_gate("input_to_cells", value)) for step, value in gates]
    acts += [(step, lambda s, value=value: s.reward("input_to_cells", value)) for step, value in given_]
    play(simulation, [*acts, *((step, None) for step, _ in cuts)])
    groups, projections = kernels.as_twin(circuit, STEPS)
    projections[0]["gate"] = np.array([as_steps(gates, 1.0).at(t, DT) for t in range(STEPS)])
    for step, value in given_:
        projections[0]["given"][step] += value
    reference.circuit(None, groups, projections, STEPS, DT)
    W = simulation.weights("input_to_cells")
    np.testing.assert_allclose(W.toarray() if sparse else W, projections[0]["W"], rtol=0, atol=1e-10)


@settings(max_examples=20, deadline=None)
@given(changes(), changes(), st.integers(0, STEPS))
def test_what_was_set_is_saved_and_restored(tmp_path_factory, gates, given_, cut):
    circuit = kernels.one(RULES["reward"])
    acts = [(step, lambda s, value=value: s.set_gate("input_to_cells", value)) for step, value in gates]
    acts += [(step, lambda s, value=value: s.reward("input_to_cells", value)) for step, value in given_]
    whole, first = circuit.start(2), circuit.start(2)
    play(whole, acts)
    play(first, [act for act in acts if act[0] <= cut], end=cut)  # a reward of the present step waits in the state
    path = first.save(tmp_path_factory.mktemp("state") / "a.npz")
    again = circuit.restore(path)
    assert again.log == first.log
    play(again, [act for act in acts if act[0] > cut])
    assert np.array_equal(bits(again), bits(whole))
    assert sorted(map(str, again.log)) == sorted(map(str, whole.log))


def test_a_gate_stays_until_it_is_set_again_and_none_brings_the_schedule_back():
    circuit = kernels.one(RULES["pair"], gate=fw.Steps([0.0, 50.0], [0.0, 1.0]))
    simulation, start = circuit.start(), kernels.one(RULES["pair"]).projections[0].weight
    simulation.set_gate("input_to_cells", 0.0)
    simulation.run(100.0)  # past the change of the schedule
    assert np.array_equal(simulation.weights("input_to_cells"), start)
    simulation.set_gate("input_to_cells", None)
    simulation.run(50.0)
    assert not np.array_equal(simulation.weights("input_to_cells"), start)


def test_changes_stand_in_the_log_and_in_the_file_and_many_as_a_hash():
    simulation = kernels.one(RULES["reward"]).start()
    simulation.run(10.0)
    simulation.set_gate("input_to_cells", 0.5)
    simulation.set_gate("input_to_cells", 0.5)  # nothing new
    simulation.reward("input_to_cells", -1.0)
    ds = simulation.run(1.0)
    expected = [[10.0, "gate", "input_to_cells", 0.5], [10.0, "reward", "input_to_cells", -1.0]]
    assert simulation.log == expected
    assert json.loads(ds.attrs["changes"]) == expected
    for _ in range(200):
        simulation.reward("input_to_cells", 0.1)
    assert json.loads(simulation.run(1.0).attrs["changes"])["n"] == 202


def test_reward_below_the_baseline_depresses_what_is_eligible():
    """One pair at 0, 10 ms; d decays, the baseline does not: the integral in closed form (Izhikevich 2007)."""
    rule = plasticity.reward(0.1, 0.1, tau_e=100.0, tau_reward=50.0, baseline=0.003, w_min=-10.0)
    pre, post = fw.SpikeSource(1, [0.0], [0], name="pre"), fw.SpikeSource(1, [10.0], [0], name="post")
    simulation = fw.Circuit([fw.Projection(pre, post, 1.0, plasticity=rule, name="p")]).start()
    simulation.run(30.0)
    simulation.reward("p", -0.2)
    simulation.run(3000.0)
    e = 0.1 * np.exp(-10 / 20)
    closed = -0.003 * e * 100 - 0.2 * e * np.exp(-20 / 100) / (1 / 100 + 1 / 50)
    dw = simulation.weights("p")[0, 0] - 1.0
    assert dw == pytest.approx(closed, rel=5e-3)  # within a step of 0.1 ms of each event, of 20 ms
    assert dw < 0


def test_a_baseline_acts_on_two_trains_as_in_a_circuit():
    rule = plasticity.reward(0.1, 0.12, tau_e=100.0, tau_reward=50.0, baseline=0.004, w_min=-10.0)
    pre, post, rewards = [0.0, 40.0, 90.0], [10.0, 60.0], [70.0, 120.0]
    source = {
        name: fw.SpikeSource(1, t, np.zeros(len(t), int), name=name)
        for name, t in (("pre", pre), ("post", post), ("r", rewards))
    }
    found = []
    for dt in (0.1, 0.05):
        p = fw.Projection(source["pre"], source["post"], 1.0, plasticity=rule, modulator=source["r"], name="p")
        simulation = fw.Circuit([p], dt=dt).start()
        simulation.run(2500.0)
        found.append(simulation.weights("p")[0, 0] - 1.0)
    limit = 2 * found[1] - found[0]  # the error is of the first order in dt
    assert rule.dw(pre, post, reward_times=rewards) == pytest.approx(limit, rel=1e-5)
    with pytest.raises(ValueError, match=r"has a baseline, .* leave w out, or run it in a Circuit"):
        rule.dw(pre, post, w=0.5, reward_times=rewards)


def test_what_no_gate_or_reward_acts_on_is_refused():
    simulation = kernels.one().start()
    for kind in ("gate", "eligibility"):
        with pytest.raises(ValueError, match=f"'input_to_cells' has no plasticity that {kind} acts on"):
            simulation.set_gate("input_to_cells", 0.5, kind)
    with pytest.raises(ValueError, match="unknown kind 'gates'; did you mean 'gate'"):
        simulation.set_gate("input_to_cells", 0.5, "gates")
    with pytest.raises(ValueError, match="has no rule with an eligibility that a reward acts on"):
        simulation.reward("input_to_cells", 1.0)
    with pytest.raises(ValueError, match="transmission of 'input_to_cells' is nan; pass a finite number"):
        simulation.set_gate("input_to_cells", np.nan, "transmission")
    with pytest.raises(ValueError, match="collects nothing that eligibility acts on; build it with an eligibility"):
        kernels.one(RULES["pair"]).start().set_gate("input_to_cells", 1.0, "eligibility")
    with pytest.warns(RuntimeWarning, match="is never rewarded, so its weights stay as they are"):
        kernels.one(plasticity.reward(0.1, 0.1)).run(1.0)
