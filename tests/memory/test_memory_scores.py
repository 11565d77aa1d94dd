"""Scores: what is known, what is tied, and what a memory scores that knows nothing."""

import numpy as np
import pytest

import synfwp as fw
from synfwp.memory.decoders import DECODERS, get_decoder
from synfwp.memory.episodes import KEYS, VALUES, Episode, Vectors, unit
from synfwp.memory.protocol import interval


def one(reads, target, candidates=None, label=0):
    """The score of a single read."""
    at = Episode(
        *(np.zeros((1, 1, 2)),) * 3, np.array([[target]]), np.array([candidates or [target]]), np.array([[label]])
    )
    return at, np.array([[reads]], float)


@pytest.mark.parametrize(
    ("decoder", "reads", "target", "expected"),
    [
        ("cosine", [3.0, 4.0], [6.0, 8.0], 1.0),
        ("cosine", [0.0, 0.0], [1.0, 0.0], 0.0),
        ("cosine", [3e300, 4e300], [6e-300, 8e-300], 1.0),
        ("sign", [0.1, -5.0], [1.0, 1.0], 0.5),
        ("sign", [0.0, 2.0], [1.0, 1.0], 0.75),
        ("sign", [-0.0, -2.0], [1.0, -1.0], 0.75),
        ("error", [1.0, 1.0], [2.0, 0.0], -0.5),
        ("error", [0.0, 0.0], [2.0, 0.0], -1.0),
    ],
)
def test_a_score_is_what_its_definition_makes_it(decoder: str, reads, target, expected: float) -> None:
    at, found = one(reads, target)
    assert DECODERS[decoder].score(found, at) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("reads", "candidates", "expected"),
    [
        ([1.0, 0.2], [[1.0, 0.0], [0.0, 1.0]], 1.0),
        ([0.2, 1.0], [[1.0, 0.0], [0.0, 1.0]], 0.0),
        ([1.0, 0.2], [[1.0, 0.0], [5.0, 5.0]], 1.0),  # by cosine: a long candidate has no advantage
        ([0.0, 0.0], [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]], 0.25),
        ([1.0, 0.0], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], 0.5),
        ([1e300, 2e299], [[1.0, 0.0], [0.0, 1.0]], 1.0),
    ],
)
def test_the_nearest_candidate_is_chosen_and_equal_ones_share(reads, candidates, expected: float) -> None:
    at, found = one(reads, candidates[0], candidates)
    assert DECODERS["argmax"].score(found, at) == pytest.approx(expected)


@pytest.mark.parametrize("decoder", list(DECODERS))
@pytest.mark.parametrize("load", [1, 4])
def test_a_memory_that_knows_nothing_scores_chance(decoder: str, load: int) -> None:
    def nothing(k, v, q, rng):
        return rng.standard_normal((len(q), v.shape[1])) * (decoder != "error")

    ds = fw.capacity({"nothing": nothing}, loads=[load], d_key=12, decoder=decoder, seeds=300)
    score = ds.score.values.ravel()
    assert abs(score.mean() - ds.chance.item()) <= 3 * score.std(ddof=1) / np.sqrt(300) + 1e-12
    if (decoder, load) not in {("error", 1), ("error", 4), ("argmax", 1)}:
        assert score.std() > 0


def test_what_is_familiar_is_told_by_a_memory_of_either_sign() -> None:
    ds = fw.capacity({"hebb": "hebb", "anti": "anti_hebb"}, loads=[4, 400], d_key=32, decoder="novelty", seeds=10)
    assert np.array_equal(ds.score.sel(system="hebb"), ds.score.sel(system="anti"))
    assert (ds["mean"].sel(pairs=4) > 0.99).all()
    assert (ds["mean"].sel(pairs=400) < 0.9).all()
    one = fw.capacity({"hebb": "hebb"}, loads=[1], d_key=32, decoder="novelty", seeds=50)
    assert one["mean"].item() == 1.0


@pytest.mark.parametrize("name", list(KEYS))
def test_keys_by_name_have_length_1(name: str, rng: np.random.Generator) -> None:
    assert np.linalg.norm(KEYS[name](rng, 9, 12), axis=1) == pytest.approx(1.0)


def test_sets_of_values_have_the_moments_that_are_stated(rng: np.random.Generator) -> None:
    drawn = {name: draw(rng, 2000, 2000)[:, :50] for name, draw in VALUES.items() if name not in ("unit",)}
    assert np.square(drawn["normal"]).mean() == pytest.approx(1, abs=0.02)
    assert set(np.unique(drawn["binary"])) == {-1.0, 1.0}
    assert drawn["relu"].min() == 0
    assert drawn["onehot"].sum(axis=0) == pytest.approx(1.0)


def test_a_row_is_drawn_at_most_once_and_loads_beyond_the_rows_are_refused(rng: np.random.Generator) -> None:
    rows = np.arange(10.0).reshape(5, 2)
    found = Vectors("keys", rows, KEYS).draw(rng, 5, 2)
    assert sorted(found[:, 0]) == [0, 2, 4, 6, 8]
    with pytest.raises(ValueError, match="keys holds 5 rows but 6 are needed"):
        fw.capacity({"a": "hebb"}, keys=rows, loads=[2, 6], decoder="argmax", seeds=2)
    with pytest.raises(ValueError, match="5 one-hot vectors of 4 features are not distinct; pass loads up to 4"):
        fw.capacity({"a": "hebb"}, keys="onehot", d_key=4, loads=[2, 5], seeds=2)


def test_queries_are_stored_pairs_and_no_more_than_were_asked_for() -> None:
    seen = []

    def keep(k, v, q, rng):
        seen.append((k, v, q))
        return np.array([v[np.flatnonzero((k == one).all(axis=1))[0]] for one in q])

    ds = fw.capacity({"a": keep}, loads=[3, 9], d_key=4, queries=5, seeds=2)
    assert np.allclose(ds.score, 1.0)
    assert sorted({len(q) for _, _, q in seen[1:]}) == [3, 5]


def test_an_interval_covers_the_mean_as_often_as_it_should(rng: np.random.Generator) -> None:
    low, high = interval(rng.standard_normal((4000, 5)))
    assert np.mean((low <= 0) & (high >= 0)) == pytest.approx(0.95, abs=0.011)  # 3 standard errors


def test_unit_neither_overflows_nor_vanishes() -> None:
    assert unit(np.array([[3e300, 4e300], [3e-320, 4e-320]])) == pytest.approx(np.array([[0.6, 0.8]] * 2), rel=1e-3)


def test_an_unknown_decoder_and_values_for_familiarity_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown decoder 'argmin'; did you mean 'argmax'"):
        get_decoder("argmin")
    with pytest.raises(ValueError, match="stores keys under themselves; leave values and d_value out"):
        fw.capacity({"a": "hebb"}, loads=[2], decoder="novelty", values="normal")
