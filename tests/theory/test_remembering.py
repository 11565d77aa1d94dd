"""The closed forms of what Hebb and delta keep: they hold over seeds, and would not for another rule or step."""

import numpy as np
import pytest

import synfwp as fw
from synfwp import theory
from synfwp.rules import Rule

D = 64
HALF_ERASE = Rule(name="half erase", erase=0.5, write=1.0)


def units(rng, *shape):
    x = rng.standard_normal(shape)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def deviation(sample, expected):
    """(mean - expected) / standard error over the seeds."""
    return (np.mean(sample) - expected) / (np.std(sample, ddof=1) / np.sqrt(len(sample)))


def stationary_norm(rule, beta, seeds=24, burn_in=1000, T=3000, d=24):
    """Squared norm of W averaged over the writes after the burn-in, for each seed."""
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng([10, seed])
        k, v = units(rng, T, d), units(rng, T, d)
        gate = {} if rule is HALF_ERASE else {"beta": np.full(T, beta)}
        states = fw.scan(rule, k, k, v, **gate, states=50).states[burn_in // 50 :]
        found.append(np.mean(np.sum(states**2, axis=(1, 2))))
    return np.array(found)


@pytest.mark.parametrize("beta", [0.1, 0.5, 1.0, 1.5])
def test_the_norm_of_delta_settles_at_d_beta_over_two_minus_beta(beta):
    # at beta = .1 the first W is forgotten as (1 - .1 x 1.9 / 24)^1000 = 4e-4
    assert abs(deviation(stationary_norm(fw.DELTA, beta), theory.delta_norm(beta, 24))) < 3


def test_the_published_norms_come_out_to_their_digits():
    found = [theory.delta_norm(beta, 64) for beta in (0.1, 0.5, 1.0, 1.5)]
    assert [float(f"{x:.3g}") for x in found] == [3.37, 21.3, 64.0, 192.0]


@pytest.mark.parametrize(("rule", "beta"), [(fw.DELTA, 1.02), (fw.DELTA, 0.98), (HALF_ERASE, 1.0)])
def test_the_norm_would_not_settle_there_with_another_step_or_half_the_erasure(rule, beta):
    assert abs(deviation(stationary_norm(rule, beta), theory.delta_norm(1.0, 24))) > 3


def recall_of_age(rule, age, writes, beta=1.0, seeds=200):
    """Signal and squared error of the item of some age, one sequence for each seed."""
    signal, error = [], []
    for seed in range(seeds):
        rng = np.random.default_rng([11, seed])
        k, v = units(rng, writes, D), units(rng, writes, D)
        at = writes - 1 - age
        recalled = fw.scan(rule, k, k, v, np.full(writes, beta)).W @ k[at]
        signal.append(recalled @ v[at])
        error.append(np.sum((recalled - v[at]) ** 2))
    return np.array(signal), np.array(error)


@pytest.mark.parametrize(("age", "writes"), [(31, 128), (0, 20), (100, 128), (10, 100)])
def test_delta_forgets_with_age_as_the_closed_forms_say(age, writes):
    signal, error = recall_of_age(fw.DELTA, age, writes)
    if age == 0:  # no scatter: beta = 1 stores a unit key exactly
        np.testing.assert_allclose(signal, 1, atol=1e-13)
        np.testing.assert_allclose(error, theory.delta_squared_error(0, writes, D), atol=1e-13)
    else:
        assert abs(deviation(signal, theory.delta_signal(age, D))) < 3
        assert abs(deviation(error, theory.delta_squared_error(age, writes, D))) < 3


def test_the_published_error_at_age_31_after_128_writes_is_72_hundredths():
    assert round(theory.delta_squared_error(31, 128, 64), 2) == 0.72


@pytest.mark.parametrize(("rule", "beta"), [(fw.DELTA, 0.9), (fw.DELTA, 1.1), (fw.HEBB, 1.0), (fw.ANTI_HEBB, 1.0)])
def test_another_step_or_sign_would_not_forget_so(rule, beta):
    signal, error = recall_of_age(rule, 31, 128, beta)
    assert abs(deviation(signal, theory.delta_signal(31, D))) > 3
    assert abs(deviation(error, theory.delta_squared_error(31, 128, D))) > 3


def hebbian_recall(rule, pairs, beta=1.0, seeds=40, d_v=128):
    """Squared error, cosine and share of wrong signs of the recall of +-1 values: means over pairs, for each seed."""
    error, cosine, sign = [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng([12, seed])
        k, v = units(rng, pairs, D), rng.choice([-1.0, 1.0], (pairs, d_v))
        recalled = k @ fw.scan(rule, k, k, v, np.full(pairs, beta)).W.T
        error.append(np.mean((recalled - v) ** 2))
        cosine.append(np.mean(np.sum(recalled * v, -1) / np.linalg.norm(recalled, axis=-1) / d_v**0.5))
        sign.append(np.mean(np.sign(recalled) != v))
    return np.array(error), np.array(cosine), np.array(sign)


def closed_forms(pairs):
    return [f(pairs, D) for f in (theory.hebb_squared_error, theory.hebb_cosine, theory.hebb_sign_error)]


@pytest.mark.parametrize("pairs", [33, 65, 129])
def test_hebb_recalls_with_the_error_cosine_and_signs_of_the_closed_forms(pairs):
    for sample, expected in zip(hebbian_recall(fw.HEBB, pairs), closed_forms(pairs), strict=True):
        assert abs(deviation(sample, expected)) < 3


@pytest.mark.parametrize(("rule", "beta"), [(fw.ANTI_HEBB, 1.0), (fw.DELTA, 1.0), (fw.DELTA, 0.5)])
def test_another_sign_or_rule_would_not_recall_so(rule, beta):
    for sample, expected in zip(hebbian_recall(rule, 65, beta), closed_forms(65), strict=True):
        assert abs(deviation(sample, expected)) > 3


def test_another_step_would_not_have_the_squared_error_of_hebb():
    assert abs(deviation(hebbian_recall(fw.HEBB, 65, 0.9)[0], theory.hebb_squared_error(65, D))) > 3
