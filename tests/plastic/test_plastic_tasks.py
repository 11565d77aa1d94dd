"""Tasks of the published plastic networks: evidence, patterns and pairs are as the papers say, checked by counting."""

import math
from itertools import product

import numpy as np
import pytest

from synfwp.tasks import AssociativeRetrieval, EvidenceIntegration, PatternCompletion


def test_every_count_of_evidence_with_one_winner_is_as_likely():
    task = EvidenceIntegration(classes=3, length=5, d=20)
    possible = [n for n in product(range(5), repeat=3) if sum(n) <= 4 and sorted(n)[-1] > sorted(n)[-2]]
    drawn = task.counts(task(np.random.default_rng(0), 6000).x)
    number = np.array([np.sum(np.all(drawn == n, axis=1)) for n in possible])
    assert number.sum() == 6000
    law = 6000 / len(possible)
    assert np.all(abs(number - law) < 3.5 * law**0.5)  # 3.5: the largest of 25


def test_the_order_of_the_words_is_random_and_go_comes_last_and_only_there():
    task = EvidenceIntegration(classes=2, length=6, d=30)
    batch = task(np.random.default_rng(1), 4000)
    word = np.array([[np.flatnonzero((x == task.vectors).all(axis=1)).item() for x in row] for row in batch.x])
    assert np.all(word[:, -1] == 3)
    assert word[:, :-1].max() == 2
    share = (word[:, :-1] == 2).mean(axis=0)  # null at every place
    spread = np.sqrt(2 * share.mean() * (1 - share.mean()) / 4000)
    assert np.ptp(share) < 4 * spread  # 4: ten pairs of places


def test_words_are_bits_of_expected_length_one_and_the_same_in_tasks_of_another_length():
    one, two, other = EvidenceIntegration(d=400), EvidenceIntegration(d=400, length=50), EvidenceIntegration(words=1)
    assert np.array_equal(one.vectors, two.vectors)
    assert not np.array_equal(EvidenceIntegration().vectors, other.vectors)
    assert set(np.unique(one.vectors)) == {0, 200**-0.5}
    # the squared length is a binomial count of 400 over 200: standard deviation .05
    assert np.all(abs((one.vectors**2).sum(axis=1) - 1) < 0.2)
    assert len(np.unique(EvidenceIntegration(classes=2, d=2).vectors, axis=0)) == 4


def test_the_margin_is_the_lead_of_the_winner():
    task = EvidenceIntegration(classes=3, length=8, d=20)
    word = [0, 0, 2, 0, 2, 3, 3, 4]
    assert task.counts(task.vectors[[word]]).tolist() == [[3, 0, 2]]
    assert task.margin(task.vectors[[word]]).tolist() == [1]
    assert task.solve(task.vectors[[word]]).tolist() == [[-1] * 7 + [0]]


def test_every_pattern_is_shown_once_in_every_round_and_the_cue_is_half_of_one():
    task = PatternCompletion(d=20, patterns=3, cycles=2, show=2, gap=1, zeroed=0.5)
    batch = task(np.random.default_rng(2), 300)
    shown = batch.x[:, :-2].reshape(300, 2, 3, 3, 20)
    assert np.array_equal(shown[:, :, :, 0], shown[:, :, :, 1])
    assert not shown[:, :, :, 2].any()
    assert np.all(shown[:, :, :, 0].sum(axis=-1) == 0)  # as many 1 as -1
    first, second = (np.sort(shown[:, n, :, 0] @ 2.0 ** np.arange(20), axis=1) for n in range(2))
    assert np.array_equal(first, second)
    same = np.all(shown[:, 0, :, 0] == shown[:, 1, :, 0], axis=(1, 2)).mean()
    assert abs(same - 1 / 6) < 3 * np.sqrt(5 / 36 / 300)  # both rounds in the same order
    cue, target = batch.x[:, -1], batch.target[:, -1]
    assert np.all(np.count_nonzero(cue, axis=1) == 10)
    assert np.array_equal(cue[cue != 0], target[cue != 0])
    asked = np.all(task.stored(batch.x) == target[:, None], axis=-1)
    assert np.all(asked.sum(axis=1) == 1)
    assert np.all(abs(asked.mean(axis=0) - 1 / 3) < 3 * np.sqrt(2 / 9 / 300))


def test_what_is_counted_is_the_missing_bits_and_a_hopfield_read_fills_them_in_by_hand():
    task = PatternCompletion(d=4, patterns=1, cycles=1, show=1, gap=0)
    x = np.array([[[1.0, -1, 1, -1], [0, -1, 0, -1]]])
    assert task.missing(x).tolist() == [[True, False, True, False]]
    assert task.hopfield(x)[0, -1].tolist() == [1, -1, 1, -1]
    assert task.wrong(x, np.array([[[0.0] * 4, [-1, 1, 0.1, 1]]])) == 0.5


def test_a_hopfield_read_fails_only_when_patterns_are_many():
    few, many = (PatternCompletion(d=50, patterns=n, cycles=1, show=1, gap=0) for n in (2, 39))
    x = few(np.random.default_rng(3), 400).x
    assert few.wrong(x, few.hopfield(x)) == 0
    batch = many(np.random.default_rng(3), 400)
    answer, missing = many.hopfield(batch.x)[:, -1], many.missing(batch.x)
    wrong = ((answer != batch.target[:, -1]) & missing).sum(axis=1) / 25
    # 25 votes for the right sign against 38 overlaps of 25 bits; as patterns are balanced, two bits of one correlate
    # by -1/49, which moves the mean of an overlap to 25/49^2 and its variance to 25 (50 - 25/49)/49
    law = 0.5 * math.erfc((25 + 38 * 25 / 49**2) / math.sqrt(2 * 38 * 25 * (50 - 25 / 49) / 49))
    assert many.wrong(batch.x, many.hopfield(batch.x)) == pytest.approx(wrong.mean())
    assert abs(wrong.mean() - law) < 3 * wrong.std(ddof=1) / 20
    assert many.wrong(batch.x, many.solve(batch.x)) == 0


def test_without_memory_the_rarer_bit_is_the_best_guess():
    task = PatternCompletion(d=50, patterns=1, cycles=1, show=1, gap=0)
    batch = task(np.random.default_rng(6), 4000)
    answer = task.balance(batch.x)[:, -1]
    wrong = ((answer != batch.target[:, -1]) & task.missing(batch.x)).sum(axis=1) / 25
    # of the 25 bits of the cue n are 1, and of the missing ones 25 - n, with the hypergeometric probability of n
    law = sum(math.comb(25, n) ** 2 * min(n, 25 - n) for n in range(26)) / math.comb(50, 25) / 25
    assert abs(wrong.mean() - law) < 3 * wrong.std(ddof=1) / 4000**0.5
    assert task.wrong(batch.x, task.balance(batch.x)) == pytest.approx(wrong.mean())


def test_pairs_follow_each_other_as_symbols_and_one_key_is_asked_for():
    task = AssociativeRetrieval(keys=26, values=10, pairs=4)
    batch = task(np.random.default_rng(4), 500)
    assert np.all(batch.x.sum(axis=-1) == 1)
    for text, target in zip(task.text(batch.x), batch.target[:, -1], strict=True):
        keys, values, query = text[:-3:2], text[1:-3:2], text[-1]
        assert text[-3:-1] == "??"
        assert len(set(keys)) == 4
        assert values[keys.index(query)] == str(target)
    with pytest.raises(ValueError, match=r"^27 keys and 10 values have no letters"):
        AssociativeRetrieval(keys=27).text(np.zeros((1, 11, 38)))


def test_without_the_keys_the_commonest_value_is_the_best_answer():
    task = AssociativeRetrieval(keys=26, values=10, pairs=4)
    batch = task(np.random.default_rng(5), 20000)
    most = [max(n.count(v) for v in n) for n in product(range(10), repeat=4)]
    exact = np.mean(most) / 4
    share = batch.accuracy(task.order_blind(batch.x))
    assert abs(share - exact) < 3 * np.sqrt(exact * (1 - exact) / 20000)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EvidenceIntegration(classes=1), "^classes is 1; pass an integer of at least 2"),
        (lambda: EvidenceIntegration(length=1), "^length is 1; pass an integer of at least 2"),
        (lambda: EvidenceIntegration(d=2), "^d is 2, which gives 4 vectors for 5 words"),
        (lambda: PatternCompletion(d=1), "^d is 1; pass an integer of at least 2"),
        (lambda: PatternCompletion(gap=-1), "^gap is -1; pass an integer of at least 0"),
        (lambda: PatternCompletion(zeroed=1.5), r"^zeroed is 1\.5"),
        (lambda: AssociativeRetrieval(keys=3), "^pairs is 4, but keys is 3; pass at least as many"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
