"""Rows of spike-timing plasticity on two trains: the same numbers as in a circuit, and what cannot be applied."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares

import synfwp as fw
from synfwp import plasticity
from synfwp.plasticity import protocols

STOP, DT = 900.0, 0.1
FULL = plasticity.SynapticRule(
    name="full", pre_0=0.01, pre_x=-0.02, pre_y=-0.03, pre_y2=0.02, pre_yx=0.01, post_0=-0.01, post_x=0.04,
    post_x2=0.01, post_xy=-0.02, tau_x1=15.0, tau_x2=60.0, tau_y1=30.0, tau_y2=90.0, w_min=-np.inf,
)  # fmt: skip
ROWS = {
    "pair": plasticity.pair(0.1, 0.12, w_max=1.2),
    "pair, nearest": plasticity.pair(0.1, 0.12, interaction="nearest", w_min=-np.inf),
    "triplet": fw.TripletSTDP("hippocampus").row(scale=2.0, w_min=-np.inf),
    "triplet, nearest": fw.TripletSTDP("visual_cortex", interaction="nearest").row(scale=2.0, w_min=-np.inf),
    "inhibitory": plasticity.inhibitory(0.05, rate=20.0),
    "gated trace": plasticity.gated_trace(0.05),
    "two phase": plasticity.two_phase(-0.05),
    "all nine coefficients": FULL,
    "soft bounds": plasticity.pair(0.2, 0.2, w_max=1.5, soft=0.7),
    "a leak": replace(FULL, tau_w=300.0),
    "soft bounds and a leak": replace(FULL, w_min=0.0, w_max=2.0, soft=1.0, tau_w=300.0),
    "reward": plasticity.reward(0.01, 0.012, tau_e=200.0, tau_reward=100.0, w_min=-np.inf),
    "reward within bounds": plasticity.reward(0.05, 0.01, tau_e=200.0, tau_reward=100.0, w_max=1.01),
}


def trains(seed):
    """Spikes of two neurons on a grid of 0.1 ms, some of them in the same step, and rewards."""
    rng = np.random.default_rng(seed)
    pre, post = (np.sort(rng.choice(8000, 40, replace=False)) for _ in range(2))
    post = np.unique(np.concatenate([post, pre[::8]]))
    assert len(np.intersect1d(pre, post)) >= 5
    return pre * DT, post * DT, np.array([2000, 5000, 5003]) * DT


def source(times, name):
    return fw.SpikeSource(1, times, np.zeros(len(times), int), name=name)


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("seed", range(3))
def test_a_row_on_two_trains_is_a_projection_between_two_sources(name, seed):
    row, (pre, post, rewards) = ROWS[name], trains(seed)
    rewarded = row.tau_e is not None
    more = {"modulator": source(rewards, "rewards")} if rewarded else {}
    circuit = fw.Circuit([fw.Projection(source(pre, "pre"), source(post, "post"), 1.0, plasticity=row, **more)], dt=DT)
    simulation = circuit.start()
    simulation.run(STOP)
    found = float(simulation.weights("pre_to_post")[0, 0]) - 1.0
    # rewards are applied at the start of each step, for the step before; a leak goes on to the end of the run
    more = {"reward_times": rewards, "stop": STOP - DT} if rewarded else {"stop": STOP}
    expected = row.dw(pre, post, 1.0, start=0.0, **more)
    assert abs(expected) > 1e-3
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-11)


def test_simultaneous_spikes_come_in_order_or_form_no_pair():
    row = plasticity.pair(0.1, 0.2, tau_plus=10.0)
    assert row.dw([10.0], [10.0]) == pytest.approx(0.1, rel=1e-14)  # the presynaptic one first
    assert row.dw([10.0], [10.0 - 5e-7]) == pytest.approx(0.1, rel=1e-6)  # whatever the rounding
    assert replace(row, coincident="none").dw([10.0], [10.0]) == 0.0
    with pytest.raises(ValueError, match="unknown coincident 'both'; choose one of 'in order', 'none'"):
        replace(row, coincident="both")


@pytest.mark.parametrize("weight", [200.0, 3.0])
def test_sixty_pairs_change_a_weight_by_the_relative_change_of_bi_and_poo(weight):
    rule, protocol = fw.PairSTDP("bi_poo"), protocols.pairs(n=60, rate=1.0, dt=10.0)
    relative = rule.dw(protocol.pre, protocol.post)
    assert relative == pytest.approx(0.4386, abs=5e-5)  # as printed
    pre, post = source(protocol.pre, "pre"), source(protocol.post, "post")
    simulation = fw.Circuit([fw.Projection(pre, post, weight, plasticity=rule.row(scale=weight))]).start()
    simulation.run(60_000.0)
    after = float(simulation.weights("pre_to_post")[0, 0])
    assert after / weight - 1 == pytest.approx(relative, rel=1e-9)


@pytest.mark.parametrize("rule", [fw.PairSTDP("bi_poo"), fw.TripletSTDP("hippocampus")])
def test_a_projection_asks_for_the_weight_that_relative_changes_are_fractions_of(rule):
    message = r"plasticity of projection 'pre_to_post' is a \w+, whose amplitudes are relative .*pass rule.row\(scale="
    with pytest.raises(TypeError, match=message):
        fw.Projection(source([1.0], "pre"), source([2.0], "post"), 200.0, plasticity=rule)
    with pytest.raises(ValueError, match="scale is nan; pass a finite number"):
        rule.row(scale=np.nan)
    for scale in (0.0, -200.0):
        with pytest.raises(ValueError, match=f"scale is {scale}; pass a finite number above 0"):
            rule.row(scale=scale)


@pytest.mark.parametrize("scale", [1.0, 200.0])
def test_a_row_on_a_published_table_is_its_rule_of_relative_changes(scale):
    rule, name = fw.TripletSTDP("visual_cortex"), "sjostrom2001_frequency_timing"
    row = rule.row(scale)
    theirs, ours = plasticity.compare_with_table(rule, name), plasticity.compare_with_table(row, name, scale=scale)
    # at 50 Hz and +-10 ms no spikes coincide: both conventions agree
    np.testing.assert_allclose(ours.dw_model, theirs.dw_model, rtol=1e-12, atol=1e-15)
    assert float(ours.error) == pytest.approx(float(theirs.error), rel=1e-12)
    assert (ours.attrs["scale"], "scale" in theirs.attrs) == (scale, False)
    kept = json.loads(ours.parameters, parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    assert (kept["w_max"], kept["tau_w"], kept["post_xy"]) == ("inf", "inf", row.post_xy)
    with pytest.raises(ValueError, match=r"rule is a SynapticRule, whose changes are in the unit .* pass scale=, the"):
        plasticity.compare_with_table(row, name)
    with pytest.raises(ValueError, match=r"scale is 0\.0; pass a finite number above 0"):
        plasticity.compare_with_table(row, name, scale=0.0)
    with pytest.raises(ValueError, match="the changes of TripletSTDP are relative; leave it out"):
        plasticity.compare_with_table(rule, name, scale=scale)


def test_a_row_fitted_to_weights_of_a_circuit_has_the_numbers_that_made_them():
    names, true = ("post_x", "pre_y", "tau_x1"), np.array([0.03, -0.04, 14.0])
    row = plasticity.SynapticRule(name="to fit", tau_y1=30.0, w_min=-np.inf)
    shown = [protocols.pairs(n=8, rate=10.0, dt=lag) for lag in (-40.0, -10.0, 5.0, 10.0, 20.0, 40.0)]
    runs = [(50.0 + protocol.pre, 50.0 + protocol.post) for protocol in shown]
    pairs = [(source(pre, f"pre {m}"), source(post, f"post {m}")) for m, (pre, post) in enumerate(runs)]
    made = replace(row, **dict(zip(names, true, strict=True)))
    feeds = [fw.Projection(*pair, 1.0, plasticity=made, name=f"feed {m}") for m, pair in enumerate(pairs)]
    simulation = fw.Circuit(feeds, dt=DT).start()
    simulation.run(STOP)
    measured = np.array([float(simulation.weights(feed.name)[0, 0]) - 1.0 for feed in feeds])

    def misfit(x):
        fitted = replace(row, **dict(zip(names, x, strict=True)))
        return [fitted.dw(pre, post) for pre, post in runs] - measured

    start = np.array([0.01, -0.01, 40.0])
    assert np.abs(misfit(start)).max() > 0.1
    found = least_squares(misfit, start, x_scale=np.abs(start), bounds=([-1, -1, 1], [1, 1, 200]))
    np.testing.assert_allclose(found.x, true, rtol=1e-3)


def test_a_weight_at_a_bound_stays_there_and_one_without_bounds_does_not():
    row = plasticity.pair(1.0, 0.5, w_max=1.0)
    assert row.dw([0.0], [0.5], w=0.9) == pytest.approx(0.1, rel=1e-14)
    assert row.dw([0.0], [0.5]) == pytest.approx(np.exp(-0.5 / 20), rel=1e-14)
    assert row.dw([], [], w=0.9) == 0.0


ONE, TWO = [10.0], [20.0]
REFUSED = {
    "an error": (lambda: plasticity.pes(0.1).dw(ONE, TWO), "rule 'pes' reads 'error' of a postsynaptic neuron"),
    "a dendrite": (lambda: plasticity.dendritic(0.1).dw(ONE, TWO), "rule 'dendritic' reads 'prediction' of a post"),
    "no reward": (lambda: plasticity.reward(0.1, 0.1).dw(ONE, TWO), "changes a weight only when it is rewarded; pass"),
    "a reward of nothing": (
        lambda: plasticity.pair(0.1, 0.1).dw(ONE, TWO, reward_times=[30.0]),
        "has no eligibility that a reward could apply",
    ),
    "soft bounds without a weight": (
        lambda: plasticity.pair(0.1, 0.1, w_max=1.0, soft=1.0).dw(ONE, TWO),
        "what soft bounds scale depends on the weight; pass w",
    ),
    "a leak without a weight": (
        lambda: plasticity.pair(0.1, 0.1, tau_w=100.0).dw(ONE, TWO),
        r"what the leak \(tau_w\) takes depends on the weight; pass w",
    ),
    "rewards and soft bounds": (
        lambda: plasticity.reward(0.1, 0.1, w_max=1.0, soft=1.0).dw(ONE, TWO, 0.5, reward_times=[30.0]),
        "has soft bounds or a leak while rewards change the weight",
    ),
    "a weight beyond its bounds": (
        lambda: plasticity.pair(0.1, 0.1).dw(ONE, TWO, w=-1.0), "w is -1, outside of w_min 0 and w_max inf of the rule"
    ),
    "a spike after the end": (
        lambda: plasticity.pair(0.1, 0.1).dw(ONE, TWO, stop=15.0), "outside of start 10 and stop 15 ms; cut the trains"
    ),
    "an end before the start": (
        lambda: plasticity.pair(0.1, 0.1).dw([], [], start=20.0, stop=10.0), "stop is 10 ms, before start at 20 ms"
    ),
    "the other synapses": (
        lambda: replace(plasticity.pair(0.1, 0.1), total=1.0, interval=100.0).dw(ONE, TWO),
        r"normalises the sum of all incoming weights \(total\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_two_trains_cannot_tell_is_refused_with_the_cure(name):
    make, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        make()
