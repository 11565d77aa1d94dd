"""Rate networks: the exact solution of each phase against its differential equation and against the closed forms."""

import json

import numpy as np
import pytest

import synfwp as fw
from synfwp import reference
from synfwp.fastweights import run_coefficients
from synfwp.substrates.flows import Durations, Lagged, lag_propagator

FLOWS = ("sample_and_hold", "instant", "lagged")
DELTAS = ("delta", "gated_delta", "key_gated_delta")
LINEAR = ("hebb", "anti_hebb", "leaky_hebb", "gated_hebb", *DELTAS)
T, D_K, D_V = 5, 4, 3


def items(rng, rule, T=T, d_k=D_K, d_v=D_V):
    """Keys of length .6 to .9, so that one item reaches neither 0 nor full gain; a token that only asks at the end."""
    k = rng.standard_normal((T, d_k))
    k *= rng.uniform(0.6, 0.9, (T, 1)) / np.linalg.norm(k, axis=1, keepdims=True)
    q, v, beta = rng.standard_normal((T, d_k)), rng.standard_normal((T, d_v)), rng.uniform(0.3, 1.0, T)
    k[-1], v[-1], beta[-1] = 0, 0, 0
    shape = {None: None, "scalar": (T,), "key": (T, d_k)}[fw.get_rule(rule).retain]
    return q, k, v, beta, None if shape is None else rng.uniform(0.5, 1.0, shape)


def run(network, rule, q, k, v, beta, decay):
    """One sequence."""
    batch = [None if x is None else x[None] for x in (q, k, v, beta, decay)]
    return network.run(fw.get_rule(rule), *batch, 0)


def effective_W(network, rule, q, k, v, beta, decay):
    """W of the effective rule."""
    q, k, v, beta, decay = (None if x is None else x[None] for x in (q, k, v, beta, decay))
    c = network.effective(fw.get_rule(rule), k, beta, decay)
    return run_coefficients(q, k, v, c, np.zeros((1, v.shape[2], k.shape[2]))).W[0]


@pytest.mark.kernels
@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("rule", LINEAR)
def test_the_kernel_solves_the_differential_equations_of_its_flow(rule, flow, rng):
    q, k, v, beta, decay = items(rng, rule)
    # short phases and a short gap: a read-out that has not settled is seen in y and in the retrieval that is held
    network = fw.RateNetwork(tau=15.0, T_write=40.0, T_read=30.0, gap=10.0, flow=flow)
    out = run(network, rule, q, k, v, beta, decay)
    gain = -beta if rule == "anti_hebb" else beta
    times = {"tau": 15.0, "T_write": 40.0, "T_read": 30.0, "gap": 10.0}
    y, W = reference.rate_network(rule in DELTAS, flow, q, k, v, gain, decay, **times, steps=100)
    # steps of .4 ms are at most 1/37 of a time constant: order 4 leaves (1/37)^4 / 120 = 4e-9 in a time constant
    np.testing.assert_allclose(out.W[0], W, atol=1e-7)
    np.testing.assert_allclose(out.y[0], y, atol=1e-7)


@pytest.mark.kernels
def test_each_flow_is_told_from_the_others_by_that_comparison(rng):
    q, k, v, beta, decay = items(rng, "delta")
    times = {"tau": 15.0, "T_write": 40.0, "T_read": 30.0, "gap": 10.0}
    for flow in FLOWS:
        out = run(fw.RateNetwork(**times, flow=flow), "delta", q, k, v, beta, decay)
        for other in set(FLOWS) - {flow}:
            _, W = reference.rate_network(True, other, q, k, v, beta, decay, **times, steps=100)
            assert np.abs(out.W[0] - W).max() > 1e-2


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("rule", LINEAR)
def test_the_effective_rule_is_what_runs_once_the_read_out_is_at_rest_between_items(rule, flow, rng):
    sent = items(rng, rule)
    network = fw.RateNetwork(tau=20.0, T_write=50.0, T_read=30.0, gap=1000.0, flow=flow)
    # e^-50 of the read-out is left after a gap: rounding
    np.testing.assert_allclose(run(network, rule, *sent).W[0], effective_W(network, rule, *sent), atol=1e-12)


def test_without_a_gap_the_read_out_of_one_item_enters_the_next(rng):
    sent = items(rng, "delta")
    network = fw.RateNetwork(tau=20.0, T_read=30.0, gap=0.0)
    assert np.abs(run(network, "delta", *sent).W[0] - effective_W(network, "delta", *sent)).max() > 1e-2


@pytest.mark.parametrize("rule", LINEAR)
def test_held_and_settled_the_network_is_the_exact_rule(rule, rng):
    q, k, v, beta, decay = items(rng, rule)
    network = fw.RateNetwork(tau=1.0, T_read=60.0, gap=60.0)
    out = run(network, rule, q, k, v, beta, decay)
    exact = fw.scan(rule, q, k, v, beta, decay=decay)
    np.testing.assert_allclose(out.W[0], exact.W, atol=1e-12)  # e^-60
    np.testing.assert_allclose(out.y[0], exact.y, atol=1e-12)
    assert out.fraction_at_bound.tolist() == [0.0]


@pytest.mark.parametrize(("beta", "size"), [(0.5, 1.0), (3.0, 0.7), (40.0, 1.0)])
def test_an_instantaneous_read_out_erases_one_minus_exp_of_the_gain(beta, size, rng):
    k = rng.standard_normal(4)
    k *= size / np.linalg.norm(k)
    first, value = np.linalg.qr(rng.standard_normal((4, 4)))[0], rng.standard_normal(3)
    # W = I in the first four writes of orthonormal keys would need infinite gain; start from what they leave
    q = np.zeros((5, 4))
    keys, values = np.vstack([first, k]), np.vstack([rng.standard_normal((4, 3)), value])
    gains = np.array([1.0, 1.0, 1.0, 1.0, beta])
    W0 = run(fw.RateNetwork(flow="instant"), "delta", q[:4], keys[:4], values[:4], gains[:4], None).W[0]
    W1 = run(fw.RateNetwork(flow="instant"), "delta", q, keys, values, gains, None).W[0]
    erased = (1 - np.exp(-beta * size**2)) / size**2
    np.testing.assert_allclose(W1, W0 + erased * np.outer(value - W0 @ k, k), atol=1e-13)


def transition(network, beta):
    """What is left of a retrieved value after a write of zero: two items with one key of length 1."""
    k = np.ones((2, 1))
    v = np.array([[1.0], [0.0]])
    first = run(network, "delta", k[:1], k[:1], v[:1], np.array([beta]), None).W[0, 0, 0]
    return run(network, "delta", k, k, v, np.array([beta, beta]), None).W[0, 0, 0] / first


def test_a_lagged_read_out_reflects_by_minus_38_percent_at_the_numbers_of_the_text():
    network = fw.RateNetwork(tau=50.0, T_write=100.0, T_read=100.0, gap=2000.0, flow="lagged")
    assert transition(network, 6.0) == pytest.approx(-0.38, abs=0.005)  # two digits are given
    # its propagator is the solution of u'' + u'/tau + (G/tau) u = 0 with u(0) = 1, u'(0) = 0
    omega = np.sqrt(6 / (100 * 50) - 1 / (4 * 50**2))
    closed = np.exp(-1.0) * (np.cos(omega * 100) + np.sin(omega * 100) / (2 * 50 * omega))
    assert lag_propagator(np.array(6.0), 50.0, 100.0)[0, 0] == pytest.approx(closed, abs=1e-12)


@pytest.mark.parametrize(("flow", "reflects"), [("instant", False), ("lagged", True), ("sample_and_hold", True)])
def test_only_a_read_out_that_lags_or_is_held_can_reflect(flow, reflects):
    network = fw.RateNetwork(tau=50.0, T_write=100.0, T_read=1000.0, gap=2000.0, flow=flow)
    left = [transition(network, beta) for beta in (0.5, 1.5, 2.0, 6.0, 20.0)]
    assert (min(left) < -0.1) == reflects


def test_a_lagged_read_out_turns_negative_only_past_a_gain_of_a_quarter_over_tau():
    T, tau = np.linspace(10, 1000, 100), 50.0
    for G_tau, negative in ((0.25, False), (0.3, True)):
        left = np.array([lag_propagator(np.array(G_tau / tau * t), tau, t)[0, 0] for t in T])
        assert (left.min() < 0) == negative


# --- calibration -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tau", [1.0, 10.0, 50.0, 1000.0])
@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("rule", DELTAS)
def test_a_calibrated_network_writes_exactly_beta(rule, flow, tau, rng):
    q, k, v, beta, decay = items(rng, rule, T=1)
    k = rng.standard_normal((1, D_K))
    k *= 0.9 / np.linalg.norm(k)
    beta, v = np.array([0.9]), rng.standard_normal((1, D_V))
    network = fw.RateNetwork(tau=tau, flow=flow, calibrate=True, gap=40 * tau)
    out = run(network, rule, q, k, v, beta, decay)
    np.testing.assert_allclose(out.W[0], 0.9 * np.outer(v[0], k[0]), atol=1e-9)  # the root is found to 1e-12
    uncalibrated = run(fw.RateNetwork(tau=tau, flow=flow, gap=40 * tau), rule, q, k, v, beta, decay).W[0]
    assert flow == "sample_and_hold" or np.abs(uncalibrated - out.W[0]).max() > 1e-3


def test_a_calibrated_network_that_holds_erases_exactly_beta_although_its_retrieval_is_cut_short(rng):
    sent = items(rng, "delta")
    cut = {"tau": 20.0, "T_read": 20.0, "gap": 1000.0}
    exact = fw.scan("delta", *sent[:4]).W
    np.testing.assert_allclose(run(fw.RateNetwork(**cut, calibrate=True), "delta", *sent).W[0], exact, atol=1e-12)
    assert np.abs(run(fw.RateNetwork(**cut), "delta", *sent).W[0] - exact).max() > 1e-2


def test_calibration_takes_the_smallest_gain_that_does():
    k, tau, T = np.ones((1, 1)), 10.0, 100.0
    for beta in (0.2, 0.9, 1.0):
        gain = Lagged().calibrated(k, np.array([beta]), Durations(tau, T, 100.0))
        below = np.linspace(0, gain[0] * (1 - 1e-9), 2001)
        P = lag_propagator(below, tau, T)
        assert (1 - P[:, 0, 0] - P[:, 0, 1] < beta).all()


def test_without_lag_full_replacement_would_need_infinite_gain():
    k = np.ones((1, 1))
    for beta in (1.0, 1.5):
        with pytest.raises(ValueError, match=r"beta \|k\|\^2 is 1.*infinite gain.*flow='sample_and_hold'"):
            run(fw.RateNetwork(flow="instant", calibrate=True), "delta", k, k, k, np.array([beta]), None)
    near = run(fw.RateNetwork(flow="instant", calibrate=True), "delta", k, k, k, np.array([0.999]), None)
    assert near.W[0, 0, 0] == pytest.approx(0.999, abs=1e-12)


def test_a_lag_that_cannot_overshoot_so_far_is_refused_with_its_reach():
    k = np.ones((1, 1))
    with pytest.raises(
        ValueError, match=r"flow 'lagged' with tau=10 and T_write=100 ms writes at most 1\.00.*lower beta"
    ):
        run(fw.RateNetwork(flow="lagged", calibrate=True), "delta", k, k, k, np.array([1.9]), None)


@pytest.mark.parametrize("flow", FLOWS)
def test_a_calibrated_network_takes_sequences_without_tokens_and_tokens_without_keys(flow):
    network = fw.RateNetwork(flow=flow, calibrate=True)
    empty = np.zeros((0, 2))
    assert run(network, "delta", empty, empty, empty, np.zeros(0), None).W.tolist() == [[[0, 0], [0, 0]]]
    still = run(network, "delta", np.ones((1, 2)), np.zeros((1, 2)), np.ones((1, 2)), np.ones(1), None)
    assert still.W.tolist() == [[[0, 0], [0, 0]]]


# --- its description, and what it refuses ---------------------------------------------------------------------------


@pytest.mark.parametrize("calibrate", [False, True])
@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("rule", LINEAR)
def test_the_description_is_what_a_run_does(rule, flow, calibrate):
    network = fw.RateNetwork(tau=30.0, T_read=60.0, gap=1500.0, flow=flow, calibrate=calibrate)
    described = network.describe(rule)
    beta = 0.5 if calibrate and rule in DELTAS else 1.0
    assert f"for a target of beta = {beta:g}" in str(described)
    decay = {None: None, "scalar": np.ones(2), "key": np.ones((2, 1))}[fw.get_rule(rule).retain]
    k, v = np.ones((2, 1)), np.array([[1.0], [0.0]])
    once = run(network, rule, k[:1], k[:1], v[:1], np.array([beta]), None if decay is None else decay[:1])
    twice = run(network, rule, k, k, v, np.full(2, beta), decay)
    assert described.values["write"] == pytest.approx(once.W[0, 0, 0], abs=1e-12)
    left = twice.W[0, 0, 0] / once.W[0, 0, 0]
    assert described.values["erase"] == pytest.approx(1 - left, abs=1e-12)
    retrieves = flow == "sample_and_hold" and rule in DELTAS
    assert described.values["duration"] == 100 + 2 * 1500 + 60 + 60 * retrieves


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("tau", -1.0, r"tau \(ms\) is -1.0; pass a finite number above 0"),
        ("tau", 0.0, r"tau \(ms\) is 0.0; pass a finite number above 0"),
        ("T_write", float("nan"), r"T_write \(ms\) is nan"),
        ("gap", -5.0, r"gap \(ms\) is -5.0; pass a finite number of at least 0"),
        ("flow", "sample_hold", "unknown flow 'sample_hold'; did you mean 'sample_and_hold'"),
    ],
)
def test_a_wrong_parameter_is_named(field, value, message):
    with pytest.raises(ValueError, match=message):
        fw.RateNetwork(**{field: value})


def test_quantities_are_converted_and_refused_in_another_dimension():
    from brian2 import mV, second

    assert fw.RateNetwork(tau=0.02 * second, gap=0.0 * second).tau == 20.0
    with pytest.raises(ValueError, match=r"tau is .* cannot be in ms"):
        fw.RateNetwork(tau=20 * mV)


def test_a_rule_that_no_rate_network_carries_out_is_refused_by_name():
    pushed = fw.Rule(name="push away", erase="beta", write="-beta")
    one = fw.Instructions(np.ones((2, 1)), np.ones((2, 1)), np.ones((2, 1)))
    with pytest.raises(ValueError, match=r"'push away' .* is not one that a rate mechanism carries out"):
        fw.simulate(pushed, one, on=fw.RateNetwork())


def test_a_batch_is_its_sequences_and_the_parameters_are_kept_with_the_result(rng):
    sent = [items(np.random.default_rng(i), "gated_delta") for i in range(3)]
    both = fw.Instructions(*(np.stack(x) for x in zip(*sent, strict=True)))
    network = fw.RateNetwork(tau=7.0, flow="lagged")
    ds = fw.simulate("gated_delta", both, on=network)
    for i, one in enumerate(sent):
        assert np.array_equal(ds.W[i], run(network, "gated_delta", *one).W[0])
    kept = json.loads(ds.attrs["parameters"])
    assert (kept["substrate"], kept["tau"], kept["flow"]) == ("RateNetwork", 7.0, "lagged")
