"""Willshaw, Bayesian and covariance synapses by their equations; winner-take-all codes; recall from damaged cues."""

import numpy as np
import pytest

import synfwp as fw
from synfwp.memory import BCPNN, CovarianceMemory, CuedRecall, Willshaw, WinnerCode, exact_recall

CODE = WinnerCode(active=6, units=5)
SYSTEMS = {
    "Hebb": "hebb",
    "covariance": CovarianceMemory(mean=0.2),
    "Willshaw": Willshaw(),
    "BCPNN": BCPNN(),
    "mesa": "ridge",
}


@pytest.fixture
def pairs(rng):
    return CODE.draw(rng, 12), CODE.draw(rng, 12), CODE.draw(rng, 4)


def test_a_willshaw_synapse_is_on_where_both_sides_were_active_once(pairs):
    k, v, q = pairs
    W = np.zeros((30, 30))
    for key, value in zip(k, v, strict=True):
        for i, j in zip(*np.meshgrid(np.flatnonzero(value), np.flatnonzero(key)), strict=True):
            W[i, j] = 1
    np.testing.assert_allclose(Willshaw()(k, v, q, None), q @ W.T)


def test_willshaw_synapses_fill_as_the_closed_form_has_it():
    units, active, P = 200, 10, 300
    rng = np.random.default_rng(0)
    fills = []
    for _ in range(20):
        x = np.zeros((P, units))
        for row in x:
            row[rng.permutation(units)[:active]] = 1
        W = Willshaw()(x, x, np.eye(units), None)
        fills.append(W[~np.eye(units, dtype=bool)].mean())
    expected = 1 - (1 - active * (active - 1) / (units * (units - 1))) ** P
    assert abs(np.mean(fills) - expected) < 4 * np.std(fills, ddof=1) / 20**0.5


def test_bayesian_weights_are_logarithms_of_counts_with_a_prior(pairs):
    k, v, q = pairs
    P, a, mean = len(k), 0.5, 1 / CODE.units
    expected = np.zeros((len(q), 30))
    for i in range(30):
        p_i = (v[:, i].sum() + a * mean) / (P + a)
        expected[:, i] = np.log(p_i)
        for j in range(30):
            p_j = (k[:, j].sum() + a * mean) / (P + a)
            both = ((k[:, j] * v[:, i]).sum() + a * mean**2) / (P + a)
            expected[:, i] += q[:, j] * np.log(both / (p_i * p_j))
    np.testing.assert_allclose(BCPNN(prior=a)(k, v, q, None), expected, atol=1e-12)


def test_covariance_takes_off_the_means_of_both_sides_or_of_keys(pairs):
    k, v, q = pairs
    both = sum(np.outer(value - v.mean(axis=0), key - k.mean(axis=0)) for key, value in zip(k, v, strict=True))
    pre = sum(np.outer(value, key - k.mean(axis=0)) for key, value in zip(k, v, strict=True))
    np.testing.assert_allclose(CovarianceMemory()(k, v, q, None), q @ both.T, atol=1e-12)
    np.testing.assert_allclose(CovarianceMemory("pre")(k, v, q, None), q @ pre.T, atol=1e-12)
    known = (v - 0.2).T @ (k - 0.2)
    np.testing.assert_allclose(CovarianceMemory(mean=0.2)(k, v, q, None), q @ known.T, atol=1e-12)


@pytest.mark.parametrize("modular", [True, False])
def test_patterns_have_their_winners_and_cues_have_some_of_them_moved(modular, rng):
    code = WinnerCode(active=6, units=5, modular=modular)
    x = code.draw(rng, 50)
    assert (x.sum(axis=1) == 6).all()
    assert not modular or (x.reshape(50, 6, 5).sum(axis=2) == 1).all()
    cue = code.corrupted(x, 2, rng)
    assert ((x * cue).sum(axis=1) == 4).all()
    np.testing.assert_array_equal(code.winners(cue), cue)
    assert not modular or (cue.reshape(50, 6, 5).sum(axis=2) == 1).all()


@pytest.mark.parametrize("steps", [0, 20])
@pytest.mark.parametrize("name", SYSTEMS)
def test_few_patterns_are_recalled_from_a_damaged_cue_and_too_many_are_not(name, steps):
    recall = {one: CuedRecall(SYSTEMS[one], CODE, moved=1, steps=steps) for one in (name, "mesa")}
    ds = fw.capacity(
        recall, loads=[3, 200], d_key=30, keys=CODE.draw, values=CODE.draw, decoder=exact_recall(steps > 0), seeds=4,
        queries=16,
    )  # fmt: skip
    assert ds.failure.values.ravel().tolist() == [""] * ds.failure.size
    few, many = ds["mean"].values[0]
    assert few > 0.85
    assert many < 0.4


def test_an_attractor_is_the_loop_that_its_weights_make(rng):
    x = CODE.draw(rng, 8)
    W = x.T @ x
    for first in range(0, 30, 5):
        W[first : first + 5, first : first + 5] = 0
    cue = CODE.corrupted(x, 2, np.random.default_rng(7))
    for _ in range(20):
        cue = CODE.winners(cue @ W)
    found = CuedRecall("hebb", CODE, moved=2)(x, x, x, np.random.default_rng(7), beta=1.0)
    np.testing.assert_array_equal(found, cue)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BCPNN(prior=0.0), r"prior is 0\.0; pass a finite number above 0\."),
        (lambda: CovarianceMemory("post"), r"unknown centred 'post'; did you mean '(both|pre)'|choose one of"),
        (lambda: WinnerCode(active=0), r"active is 0; pass an integer of at least 1"),
        (lambda: WinnerCode(units=1), r"units is 1; pass an integer of at least 2"),
        (lambda: CuedRecall("hebb", CODE, moved=7), r"moved is 7 but a pattern has 6 active neurons"),
        (lambda: CuedRecall("hebbb", CODE), r"unknown rule 'hebbb'; did you mean 'hebb'"),
        (lambda: CODE.draw(np.random.default_rng(0), 2, 7), r"d is 7 but a pattern has 30 neurons; pass d_key=30"),
        (lambda: BCPNN()(-np.eye(2), np.eye(2), np.eye(2), None), r"k holds -1; BCPNN takes activities from 0 to 1"),
    ],
)
def test_bad_input_is_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()
