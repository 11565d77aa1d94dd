"""Sequences to keep in mind: what the papers say about their statistics, checked by counting."""

import math

import numpy as np
import pytest

from synfwp.tasks import MQAR, Copy, Familiarity, Needle, SelectiveCopy, pairs


def slots(batch, task):
    """Where the query of the first, second, ... pair stands among the slots."""
    key, _ = pairs.decode(batch.x, task.keys, task.values)
    asked = np.where(batch.mask, key, -1)[:, None, task.pairs :]
    return (asked == key[:, : task.pairs, None]).argmax(axis=-1)


@pytest.mark.parametrize("power", [0.01, 1.0])
def test_the_gap_of_the_first_query_follows_the_power_law(power):
    task = MQAR(keys=8, values=8, pairs=4, slots=10, power=power)
    gap = slots(task(np.random.default_rng(0), 6000), task)[:, 0]
    law = np.arange(1, 11) ** (power - 1)
    law /= law.sum()
    share = np.bincount(gap, minlength=10) / 6000
    assert np.all(abs(share - law) < 3.5 * np.sqrt(law * (1 - law) / 6000))  # 3.5: the largest of ten
    other = np.arange(1, 11) ** (0.5 - 1)
    other /= other.sum()
    assert np.any(abs(share - other) > 6 * np.sqrt(other * (1 - other) / 6000))  # the test tells laws apart


def test_all_gaps_are_those_of_successive_draws_without_replacement():
    task = MQAR(keys=8, values=8, pairs=4, slots=10, power=0.3)
    law = np.arange(1, 11) ** (0.3 - 1)
    rng = np.random.default_rng(1)
    drawn = np.array([rng.choice(10, size=4, replace=False, p=law / law.sum()) for _ in range(4000)])
    gap = slots(task(np.random.default_rng(2), 4000), task)
    for i in range(4):
        ours, theirs = (np.bincount(a[:, i], minlength=10) / 4000 for a in (gap, drawn))
        spread = np.sqrt((ours + theirs) / 4000)
        assert np.all(abs(ours - theirs) < 3.5 * spread)  # 3.5: the largest of forty


def test_mqar_asks_for_every_key_once_and_fills_the_other_slots_with_symbols_that_write_nothing():
    task = MQAR(keys=8, values=6, pairs=3, slots=9)
    batch = task(np.random.default_rng(3), 200)
    key, value = pairs.decode(batch.x, 8, 6)
    assert np.all(np.sort(key[batch.mask].reshape(200, 3)) == np.sort(key[:, :3]))
    assert all(len(set(row[:3])) == 3 for row in (*key, *value))
    assert np.all(value[batch.mask] == -1)
    filler = ~batch.mask[:, 3:]
    assert np.all((key[:, 3:] >= 0)[filler] ^ (value[:, 3:] >= 0)[filler])
    share, n = (key[:, 3:] >= 0)[filler].mean(), filler.sum()
    assert abs(share - 8 / 14) < 3 * np.sqrt(8 / 14 * 6 / 14 / n)
    assert np.array_equal(batch.x[..., -1], np.tile(np.arange(12) < 3, (200, 1)))


def test_the_integers_of_mqar_can_be_read_as_pairs_and_queries_of_the_paper():
    task = MQAR(keys=8, values=6, pairs=3, slots=9, noise=False)
    batch = task(np.random.default_rng(4), 50)
    for symbols, target in zip(task.tokens(batch.x), batch.target, strict=True):
        assert len(symbols) == 2 * task.length
        memory = dict(zip(symbols[:6:2], symbols[1:6:2], strict=True))
        assert all(1 <= key <= 8 < value <= 14 for key, value in memory.items())
        asked = {t: memory[symbol] for t, symbol in enumerate(symbols[6:]) if symbol}
        answers = {2 * t: 9 + answer for t, answer in enumerate(target[3:]) if answer >= 0}
        assert asked == answers


def test_copy_shows_symbols_first_and_selective_copy_anywhere():
    for kind, shown in ((Copy, [1] * 3 + [0] * 5), (SelectiveCopy, [3 / 8] * 8)):
        batch = kind(symbols=4, items=3, gap=5)(np.random.default_rng(0), 3000)
        symbol = batch.x[..., :4].any(axis=-1)
        assert np.all(symbol.sum(axis=1) == 3)
        assert np.all(abs(symbol[:, :8].mean(axis=0) - shown) < 3 * np.sqrt(15 / 64 / 3000))
        assert np.array_equal(symbol + batch.x[..., 4] + batch.x[..., 5], np.ones((3000, 11)))  # symbol, blank or query
        assert np.array_equal(batch.x[..., -1], np.tile(np.arange(11) < 8, (3000, 1)))
        for x, target in zip(batch.x[:50], batch.target, strict=False):
            assert np.array_equal(x[x[:, :4].any(axis=-1), :4].argmax(axis=-1), target[-3:])


def test_an_index_gives_a_symbol_and_its_query_the_same_mark():
    batch = SelectiveCopy(symbols=4, items=3, gap=5, index=True)(np.random.default_rng(0), 100)
    mark = batch.x[..., 6:9]
    symbol = batch.x[:, :8, :4]
    recalled = np.einsum("bqi,bti,bts->bqs", mark[:, 8:], mark[:, :8], symbol)
    assert np.array_equal(recalled.argmax(axis=-1), batch.target[:, 8:])
    assert np.all(recalled.sum(axis=-1) == 1)


def test_two_thirds_of_the_items_are_novel():
    task = Familiarity(d=24, lags=6, length=1200)
    batch = task(np.random.default_rng(0), 300)
    novel = 1 - batch.target.mean(axis=1)
    assert abs(task.chance - 2 / 3) < 0.002  # the start of a sequence has no repeats: of order lag / length
    assert abs(novel.mean() - task.chance) < 3 * novel.std(ddof=1) / np.sqrt(300)
    assert abs(novel.mean() - 0.5) > 50 * novel.std(ddof=1) / np.sqrt(300)


@pytest.mark.parametrize("lags", [1, 4, (2, 3, 7)])
def test_an_item_comes_again_at_most_once_at_one_of_the_lags(lags):
    task = Familiarity(d=40, lags=lags, length=80, repeat=0.8)
    batch = task(np.random.default_rng(1), 12)
    assert set(np.unique(batch.x)) == {-1, 1}
    found = set()
    for x, target, lag in zip(batch.x, batch.target, task.lag(batch.x), strict=True):
        earlier = [[s for s in range(t) if np.array_equal(x[s], x[t])] for t in range(80)]
        assert max(map(len, earlier)) == 1
        assert np.array_equal([len(seen) for seen in earlier], target)
        assert np.array_equal([t - seen[0] if seen else 0 for t, seen in enumerate(earlier)], lag)
        found |= set(lag)
    assert found == {0, *(lags if isinstance(lags, tuple) else (lags,))}


def test_a_lag_longer_than_the_sequence_never_repeats():
    batch = Familiarity(d=40, lags=30, length=20)(np.random.default_rng(0), 3)
    assert not batch.target.any()
    assert batch.chance == 1.0


def test_the_rates_of_an_answer_are_told_apart_by_lag():
    task = Familiarity(d=40, lags=(2, 5), length=100)
    batch = task(np.random.default_rng(2), 20)
    lag = task.lag(batch.x)
    assert task.rates(batch.x, task.solve(batch.x)) == ({2: 1.0, 5: 1.0}, 0.0)
    found, false = task.rates(batch.x, (lag == 2) | (np.arange(100) < 10))
    assert found[2] == 1
    assert math.isclose(found[5], (lag[:, :10] == 5).sum() / (lag == 5).sum())
    assert math.isclose(false, (lag[:, :10] == 0).sum() / (lag == 0).sum())


def test_the_latest_value_is_the_needle_as_often_as_the_closed_form_says():
    task = Needle(keys=12, values=4, distractors=15, early=5)
    batch = task(np.random.default_rng(0), 8000)
    right = batch.accuracy(task.solve_unfiltered(batch.x))
    error = np.sqrt(task.unfiltered * (1 - task.unfiltered) / 8000)
    assert abs(right - task.unfiltered) < 3 * error
    later = Needle(keys=12, values=4, distractors=15, early=1).unfiltered
    assert later < task.unfiltered - 3 * error  # a needle that is always first is overwritten more often


def test_one_early_pair_is_marked_and_its_key_is_asked_for_last():
    batch = Needle(keys=6, values=4, distractors=9, early=3)(np.random.default_rng(0), 600)
    mark, flag = batch.x[..., -2], batch.x[..., -1]
    assert np.all(mark.sum(axis=1) == 1)
    place = mark.argmax(axis=1)
    assert np.all(abs(np.bincount(place, minlength=3) / 600 - 1 / 3) < 3 * np.sqrt(2 / 9 / 600))
    assert place.max() == 2
    assert np.array_equal(flag, np.tile(np.arange(11) < 10, (600, 1)))
    needle = batch.x[np.arange(600), place]
    assert np.array_equal(needle[:, :6], batch.x[:, -1, :6])
    assert np.array_equal(needle[:, 6:10].argmax(axis=1), batch.target[:, -1])
    assert not batch.x[:, -1, 6:10].any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MQAR(pairs=49), "^pairs is 49, but slots is 48; pass at least as many"),
        (lambda: MQAR(keys=3), "^pairs is 16, but keys is 3"),
        (lambda: MQAR(power=0), "^power is 0; pass a finite number above 0"),
        (lambda: Copy(gap=-1), "^gap is -1; pass an integer of at least 0"),
        (lambda: SelectiveCopy(items=0), "^items is 0"),
        (lambda: Familiarity(lags=()), r"^lags is \(\); pass an integer or a tuple of different ones"),
        (lambda: Familiarity(lags=(2, 2)), r"^lags is \(2, 2\)"),
        (lambda: Familiarity(lags=0), "^lags is 0; pass an integer of at least 1"),
        (lambda: Familiarity(repeat=1.5), r"^repeat is 1\.5"),
        (lambda: Needle(distractors=3, early=5), "^early is 5, but there are 4 pairs"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
