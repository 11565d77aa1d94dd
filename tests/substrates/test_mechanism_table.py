"""The tables of mechanisms and flows: what runs which rule, and its closed forms against other ways to get them."""

import re

import numpy as np
import pytest

import synfwp as fw
from synfwp import cite, theory
from synfwp.rules import RULES, Rule
from synfwp.substrates import mechanisms
from synfwp.substrates.flows import FLOWS, Durations, Instant, Lagged, SampleAndHold, lag_propagator
from synfwp.substrates.mechanisms import MECHANISMS, Gains

HEBBIAN = {"hebb", "anti_hebb", "leaky_hebb", "gated_hebb"}
ONE_PHASE = ("dendritic", "inhibitory_cancellation", "pes")
DELTAS = {"delta", "gated_delta", "key_gated_delta"}
IDEAL = Gains(1.0, 1.0, 0.0, 0.0)
TABLES = {"rate": FLOWS, "spiking": MECHANISMS}
ROWS = FLOWS | MECHANISMS


def coefficients_of(rule, rng, n=2, T=5, d_k=4):
    """Keys, beta and decay of one row."""
    k, beta = rng.uniform(0, 0.5, (n, T, d_k)), rng.uniform(0, 1, (n, T))
    shape = {None: None, "scalar": (n, T), "key": (n, T, d_k)}[rule.retain]
    return k, beta, None if shape is None else rng.uniform(0.5, 1, shape)


def final_W(k, v, c):
    """The sentence at the head of the module, step by step."""
    W = np.zeros((len(k), v.shape[2], k.shape[2]))
    for t in range(k.shape[1]):
        a = (
            np.ones(k.shape[2])
            if c.a is None and c.a_key is None
            else c.a_key[:, t]
            if c.a is None
            else c.a[:, t, None]
        )
        erased = 0.0
        if c.erase is not None:
            p = k[:, t] if c.p is None else c.p[:, t]
            erased = np.einsum("n,nij,nj,nl->nil", c.erase[:, t], W, p, k[:, t])
        W = W * np.broadcast_to(a, (len(k), k.shape[2]))[:, None] - erased
        W = W + np.einsum("n,ni,nj->nij", c.write[:, t], v[:, t], k[:, t])
    return W


def test_each_mechanism_runs_the_rules_of_its_kind_and_no_other():
    able = {name: {rule.name for rule in RULES.values() if row.runs(rule)} for name, row in ROWS.items()}
    both = HEBBIAN | DELTAS
    spikes = {"gated_trace": HEBBIAN | {"covariance"}, "two_phase": DELTAS} | dict.fromkeys(ONE_PHASE, DELTAS)
    assert able == {"sample_and_hold": both, "instant": both, "lagged": both, **spikes}


def test_the_mechanism_by_default_is_the_first_that_runs_a_rule():
    found = {name: mechanisms.choose(RULES[name], MECHANISMS).name for name in HEBBIAN | DELTAS | {"covariance"}}
    expected = dict.fromkeys(HEBBIAN | {"covariance"}, "gated_trace") | dict.fromkeys(DELTAS, "two_phase")
    assert found == expected


def test_every_row_has_a_closed_form_and_a_citation():
    for name, row in ROWS.items():
        assert row.name == name
        assert row.closed_form
        for key in re.split(r",\s*", row.cite):
            assert cite.citation(key)


@pytest.mark.parametrize("rule", [RULES[name] for name in sorted(HEBBIAN | DELTAS)], ids=lambda rule: rule.name)
@pytest.mark.parametrize("kind", ["rate", "spiking"])
def test_an_ideal_mechanism_is_the_rule(kind, rule, rng):
    k, beta, decay = coefficients_of(rule, rng)
    row = mechanisms.choose(rule, TABLES[kind])
    of = IDEAL if kind == "spiking" else Durations(1.0, 100.0, 1000.0)  # a retrieval of 1000 time constants
    v = rng.standard_normal((2, 5, 3))
    exact = fw.scan(rule, k, k, v, beta, decay=decay).W
    np.testing.assert_allclose(final_W(k, v, row.effective(rule, k, beta, decay, of)), exact, atol=1e-12)


@pytest.mark.parametrize("rule", [RULES[name] for name in sorted(DELTAS)], ids=lambda rule: rule.name)
def test_each_gain_of_two_phases_stands_in_its_place(rule, rng):
    k, beta, decay = coefficients_of(rule, rng)
    v = rng.standard_normal((2, 5, 3))
    g = Gains(1.1, 0.9, 0.2, 0.0)
    W = np.zeros((2, 3, 4))
    for t in range(5):
        if decay is not None:
            W = W * (decay[:, t, None, None] if rule.retain == "scalar" else decay[:, t, None, :])
        retrieved = np.einsum("nij,nj->ni", W, k[:, t])
        b = beta[:, t, None, None]
        drop = b * (g.erase * retrieved[:, :, None] * k[:, t, None, :] + g.self_erasure * W * k[:, t, None, :])
        W = W - drop + b * g.write * v[:, t, :, None] * k[:, t, None, :]
    np.testing.assert_allclose(final_W(k, v, fw.TwoPhase().effective(rule, k, beta, decay, g)), W, atol=1e-12)


def test_a_rule_that_no_mechanism_runs_is_refused():
    for rule in (
        Rule(name="push", erase="beta", write="-beta"),
        Rule(name="half", erase=0.5, write="beta"),
        Rule(name="late", retain="scalar", erase="beta", order="undecayed"),
        Rule(name="centred delta", erase="beta", centred=True),
        Rule(name="before", read="before"),
        *(row for name, row in RULES.items() if name not in HEBBIAN | DELTAS),
    ):
        for kind in ("rate", "spiking"):
            if kind == "spiking" and rule.name == "covariance":
                continue
            why, nearest = mechanisms.why_not(rule)
            message = (
                rf"rule '{re.escape(rule.name)}' .* is not one that a {kind} mechanism carries out: {re.escape(why)}; "
                rf".*mechanism '{mechanisms.choose(RULES[nearest], TABLES[kind]).name}' runs the nearest, '{nearest}'"
            )
            with pytest.raises(ValueError, match=message):
                mechanisms.choose(rule, TABLES[kind])


def test_a_rule_of_ones_own_with_the_coefficients_of_a_row_runs():
    mine = Rule(name="my delta", erase="beta", write="beta")
    assert mechanisms.choose(mine, MECHANISMS).name == "two_phase"
    assert mechanisms.choose(mine, FLOWS).name == "sample_and_hold"


def test_an_unknown_mechanism_is_refused_with_a_suggestion():
    with pytest.raises(ValueError, match="unknown mechanism 'two_phases'; did you mean 'two_phase'"):
        mechanisms.find("two_phases", MECHANISMS)


# --- closed forms ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [0.0, 0.3, 2.5, 6.0, 40.0])  # 2.5: equal eigenvalues, at T / tau = 10
def test_the_lagged_propagator_solves_its_differential_equation(gain):
    T, tau, n = 100.0, 10.0, 4000
    A = np.array([[0.0, -gain / T], [1 / tau, -1 / tau]])
    step = np.eye(2)  # Taylor to order 4 is Runge-Kutta for a linear equation
    for m in (4, 3, 2, 1):
        step = np.eye(2) + A * (T / n) / m @ step
    # error per step (|A| T/n)^5/120 with |A| T/n below .004, times 4000
    np.testing.assert_allclose(lag_propagator(np.array(gain), tau, T), np.linalg.matrix_power(step, n), atol=1e-10)


def test_a_short_lag_is_no_lag_and_a_long_one_reads_nothing(rng):
    rule, (k, beta, _) = fw.DELTA, coefficients_of(fw.DELTA, rng)
    plain = Instant().effective(rule, k, beta, None, Durations(0.0, 100.0, 0.0))
    short = Lagged().effective(rule, k, beta, None, Durations(1e-4, 100.0, 0.0))
    for name in ("write", "erase"):
        # first order in tau / T = 1e-6
        np.testing.assert_allclose(getattr(short, name), getattr(plain, name), atol=1e-5)
    never = Lagged().effective(rule, k, beta, None, Durations(1e7, 100.0, 0.0))
    np.testing.assert_allclose(never.write, beta, atol=1e-4)
    np.testing.assert_allclose(never.erase, 0, atol=1e-4)


def test_keys_of_zero_have_the_limit_of_short_keys():
    zero, short, one = np.zeros((1, 1, 2)), np.full((1, 1, 2), 1e-6), np.ones((1, 1))
    for row in (Instant(), Lagged(), SampleAndHold()):
        at, near = (row.effective(fw.DELTA, k, one, None, Durations(10.0, 100.0, 1000.0)) for k in (zero, short))
        assert np.isfinite([at.write, at.erase]).all()
        assert at.write[0, 0] == pytest.approx(near.write[0, 0], abs=1e-3)


def test_the_stability_bound_is_the_ratio_of_moments_of_counts(rng):
    k, spikes = rng.uniform(0, 1, 6), 3.0
    n = rng.poisson(k * spikes, (400_000, 6)) / spikes
    square = (n**2).sum(axis=1)
    # relative errors of the two means: about 2e-3 and 4e-3
    assert theory.stability_bound(k, spikes) == pytest.approx(2 * square.mean() / (square**2).mean(), rel=0.015)


def test_past_the_stability_bound_mean_squares_grow_and_below_it_they_shrink(rng):
    k, spikes = np.full(8, 8**-0.5), 5.0 * 8**0.5
    bound = theory.stability_bound(k, spikes)
    for factor, grows in ((0.9, False), (1.1, True)):
        n = rng.poisson(k * spikes, (200_000, 8)) / spikes
        w = rng.standard_normal((200_000, 8))
        after = w - factor * bound * np.einsum("nj,nj->n", w, n)[:, None] * n
        # isotropic weights: the mean square changes by 8 standard errors and more
        assert ((after**2).sum(axis=1).mean() > (w**2).sum(axis=1).mean()) == grows


BOUNDS = {  # features: the bound at 2 and at 5 spikes of a feature of the size of the root mean square
    "uniform": {16: (1.24, 1.61), 64: (1.352, 1.680), 128: (1.37, 1.69)},
    "rectified normal": {16: (1.27, 1.63), 64: (1.474, 1.751)},
}


@pytest.mark.parametrize("kind", BOUNDS)
def test_the_stability_bound_of_random_keys_at_few_spikes(kind):
    rng = np.random.default_rng(0)
    for d, wanted in BOUNDS[kind].items():
        keys = rng.uniform(0, 1, (400, d)) if kind == "uniform" else np.maximum(rng.standard_normal((400, d)), 0)
        keys /= np.linalg.norm(keys, axis=1, keepdims=True)
        for rms, want in zip((2, 5), wanted, strict=True):
            found = [theory.stability_bound(k, rms * d**0.5) for k in keys]
            error = np.std(found, ddof=1) / 20
            assert abs(np.mean(found) - want) < 3 * error + 0.005  # printed with two digits
    assert theory.stability_bound([1.0], 1e9) == pytest.approx(2.0)


def test_the_stability_bound_of_uniform_keys_counted_at_their_mean():
    rng = np.random.default_rng(0)
    keys = rng.uniform(0, 1, (400, 16))
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    for spikes, want in ((2, 1.30), (5, 1.65)):
        found = [theory.stability_bound(k, spikes / k.mean()) for k in keys]
        assert abs(np.mean(found) - want) < 3 * np.std(found, ddof=1) / 20 + 0.005


def test_cosines_rise_to_one_with_spikes():
    assert [round(theory.count_cosine(n), 2) for n in (1.5, 15.0)] == [0.5, 0.91]
    assert theory.count_cosine(1e9) == pytest.approx(1.0)
    assert theory.trace_cosine(1e-9, 100.0, 20.0) == pytest.approx(1.0)
    assert theory.trace_cosine(15.0, 100.0, 20.0) > theory.trace_cosine(30.0, 100.0, 20.0)
