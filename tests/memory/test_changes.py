"""Overwriting and tracking: what stands for order that is unknown, closed forms of errors, and Kalman filters."""

from statistics import NormalDist

import numpy as np
import pytest

import synfwp as fw
from synfwp import theory
from synfwp.memory import Kalman, System, changes
from synfwp.memory.fading import Averaged

STILL = {"d_key": 12, "writes": 400, "noise": 0.3, "seeds": 60}


def outside(values, expected, family=1):
    """Whether the mean differs from what is expected by more than 3 standard errors (Bonferroni in a family)."""
    error = values.std(ddof=1) / np.sqrt(len(values))
    return abs(values.mean() - expected) > -NormalDist().inv_cdf(0.00135 / family) * error


# overwriting ----------------------------------------------------------------------------------------------------------


def test_the_last_value_counts_and_every_key_is_written_equally_often():
    items = fw.memory.loads.items_of(fw.memory.decoders.get_decoder("argmax"), d_key=8)
    at = changes._rewritten(items, np.random.default_rng(0), 5, 3)
    assert at.k.shape == (15, 8)
    for q, label in zip(at.q, at.label, strict=True):
        writes = np.flatnonzero((at.k == q).all(axis=1))
        assert len(writes) == 3
        np.testing.assert_array_equal(at.candidates[label], at.v[writes[-1]])


@pytest.mark.parametrize("decoder", ["argmax", "cosine", "sign", "error"])
def test_a_memory_of_all_values_that_knows_no_order_scores_the_ceiling(decoder):
    def blind(k, v, q, rng):
        """The best answer from all values of a key, in an order that is forgotten."""
        found = []
        for one in q:
            mine = v[(k == one).all(axis=1)]
            mine = mine[rng.permutation(len(mine))]
            if not len(mine):  # a key that was never written
                mine = v[:1]
            if decoder == "argmax":
                values, counts = np.unique(mine, axis=0, return_counts=True)
                found.append(values[counts.argmax()])
            elif decoder == "sign":
                found.append(np.sign(mine.sum(axis=0)))
            else:
                units = mine / np.linalg.norm(mine, axis=1, keepdims=True)
                found.append((units if decoder == "cosine" else mine).mean(axis=0))
        return np.array(found)

    how = {
        "writes": [1, 2, 3],
        "pairs": 20,
        "d_key": 6,
        "decoder": decoder,
        "candidates": 4 if decoder == "argmax" else 0,
    }
    ds = fw.overwriting({"blind": blind}, seeds=60, **how).isel(system=0)
    for times in ds.writes.values:
        one = ds.sel(writes=times)
        if one.score.std() < 1e-9:  # a single write leaves no order to know
            assert one.score.mean().item() == pytest.approx(one.order_blind.item())
        else:
            assert not outside(one.score.values, one.order_blind.item())
    assert outside(ds.sel(writes=3).score.values, ds.order_blind.sel(writes=1).item())  # another number is seen


def test_the_ceiling_of_few_candidates_is_that_of_theory_and_of_many_the_share_of_a_write():
    few = fw.overwriting({"a": "hebb"}, writes=[1, 2, 3], pairs=64, d_key=8, candidates=4, seeds=40)
    expected = [theory.overwriting_accuracy(int(w), 4) for w in few.writes.values]
    np.testing.assert_allclose(few.order_blind, expected, atol=0.015)  # 2560 keys
    many = fw.overwriting({"a": "hebb"}, writes=[1, 2, 4], pairs=16, d_key=8, seeds=2)
    np.testing.assert_allclose(many.order_blind, [1, 0.5, 0.25])


def test_delta_passes_the_ceiling_of_order_and_hebb_does_not():
    ds = fw.overwriting({"delta": "delta", "hebb": "hebb"}, writes=[4], pairs=8, d_key=32, seeds=20)
    score = ds.score.sel(writes=4)
    assert (score.sel(system="delta") > ds.order_blind.sel(writes=4) + 0.3).all()
    assert score.sel(system="hebb").mean() < ds.order_blind.sel(writes=4) + 0.05


def test_a_decoder_of_familiarity_has_no_last_value():
    with pytest.raises(ValueError, match="'novelty' judges what was stored"):
        fw.overwriting({"a": "hebb"}, decoder="novelty")


# tracking -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [0.1, 0.3, 0.8])
def test_the_error_of_delta_under_a_random_walk_is_the_closed_form(beta):
    ds = fw.tracking({"delta": System("delta", beta=beta)}, drift=[0.02], **STILL).isel(system=0, drift=0)
    expected = theory.delta_tracking_error(beta, 12, 0.3, 0.02)
    assert ds.error_theory.item() == pytest.approx(expected)
    assert ds.theory_kind.item() == "exact"
    assert not outside(ds.error.values, expected)
    assert outside(ds.error.values, theory.delta_tracking_error(beta, 12, 0.3, 0.03))


@pytest.mark.parametrize("rule", ["delta", "gated_delta", "leaky_hebb"])
def test_the_error_where_the_target_returns_to_0_is_the_closed_form(rule):
    gates = {} if rule == "delta" else {"decay": 0.95}
    one = System(rule, beta=0.4, **gates)
    ds = fw.tracking({"a": one}, drift=[0.1], reversion=0.98, **STILL).isel(system=0, drift=0)
    form = theory.leaky_tracking_error if rule == "leaky_hebb" else theory.delta_tracking_error
    expected = form(0.4, 12, 0.3, 0.1, 0.98, gates.get("decay", 1.0))
    assert ds.error_theory.item() == pytest.approx(expected)
    assert not outside(ds.error.values, expected)
    assert outside(ds.error.values, form(0.4, 12, 0.3, 0.1, 0.97, gates.get("decay", 1.0)))


@pytest.mark.parametrize("reversion", [1.0, 0.98])
def test_no_rule_is_better_than_the_kalman_filter_and_its_scalar_gain_is_the_best_gated_delta_rule(reversion):
    systems = {
        "full": Kalman(0.3, 0.05, reversion), "scalar": Kalman(0.3, 0.05, reversion, full=False),
        "gated": System("gated_delta", beta=tuple(np.geomspace(0.3, 0.9, 6)), decay=reversion), "delta": "delta",
        "leaky": Averaged(), "ridge": "ridge",
    }  # fmt: skip
    ds = fw.tracking(systems, drift=[0.05], reversion=reversion, **STILL | {"writes": 200}).isel(drift=0)
    error = {name: ds.error.sel(system=name).values for name in systems}
    for name in list(systems)[1:]:
        gain = error[name] - error["full"]
        assert gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain)), name
    best = theory.scalar_kalman_error(12, 0.3, 0.05, reversion)
    for name in ("scalar", "gated"):
        assert not outside(error[name], best)
    assert outside(error["delta"] if reversion < 1 else error["leaky"], best)
    full = theory.kalman_tracking_error(12, 0.3, 0.05, reversion)
    assert error["full"].mean() == pytest.approx(full, rel=0.05)  # its band is 3 %, for 16 features and more
    assert ds.error_theory.sel(system="full").item() == pytest.approx(full)


def test_a_kalman_filter_is_the_posterior_mean_of_normal_regression(rng):
    """With a target that moves, W* at every write is jointly normal with all observations."""
    noise, drift, a, T, d = 0.5, 0.3, 0.9, 6, 3
    k, v = rng.standard_normal((T, d)), rng.standard_normal((T, 1))
    V = drift**2 / (1 - a**2)
    lag = np.abs(np.arange(T)[:, None] - np.arange(T))
    covariance = V * a**lag * (k @ k.T) + noise**2 * np.eye(T)
    with_last = V * (a ** (T - 1 - np.arange(T)))[:, None] * k  # (T, d): of observations with W* at the last write
    expected = with_last.T @ np.linalg.solve(covariance, v)
    found = Kalman(noise, drift, a)(k, v, np.eye(d), None)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_kalman_filter_without_noise_and_drift_stays_at_its_start():
    k = np.eye(2)
    assert Kalman(0.0, 0.0)(k, k, k, None).tolist() == [[0, 0], [0, 0]]
    assert Kalman(0.0, 0.0, full=False)(k, k, k, None).tolist() == [[0, 0], [0, 0]]


def test_an_error_has_no_closed_form_while_the_start_matters():
    ds = fw.tracking({"a": System("delta", beta=0.1)}, drift=[0.02], d_key=32, writes=50, seeds=2)
    assert np.isnan(ds.error_theory).all()


def test_keys_of_a_finite_set_come_again_under_drift(rng):
    rows = rng.standard_normal((20, 6))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for keys in ("onehot", rows, "relu"):
        ds = fw.tracking({"a": "delta"}, drift=[0.02], keys=keys, d_key=6, writes=300, seeds=3)
        assert (ds.error < 0.2 * -ds.chance).all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"noise": -1.0}, "noise"),
        ({"drift": 0.1, "reversion": 1.5}, "reversion"),
        ({"noise": 0.1, "full": 2}, "full is 2; pass True or False"),
    ],
)
def test_a_kalman_filter_of_no_target_is_refused(given, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Kalman(**({"noise": 0.1, "drift": 0.1} | given))
