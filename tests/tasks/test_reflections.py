"""Groups as turns: orthogonal, faithful, products of so many reflections; words followed by hand."""

import numpy as np
import pytest

import synfwp as fw
from synfwp.tasks import PermutationGroup, Reflections
from synfwp.tasks.reflections import MADE_OF

WRITES = {"S2": 1, "A3": 2, "S3": 2, "D8": 2, "H3": 2, "A5": 2, "S5": 4, "Ih": 3}


@pytest.mark.parametrize("group", WRITES)
def test_the_turns_of_a_group_are_orthogonal_differ_and_multiply_as_its_elements_do(group):
    by_hand, table = Reflections(group), PermutationGroup(length=1, group=group).table
    turns, rounding = by_hand.turns, 1e-13  # ten products of matrices with entries below 1
    np.testing.assert_allclose(
        turns @ turns.swapaxes(1, 2), np.broadcast_to(np.eye(turns.shape[1]), turns.shape), atol=rounding
    )
    np.testing.assert_allclose(turns[table], np.einsum("gij,pjk->pgik", turns, turns), atol=rounding)  # g after p
    places = turns @ by_hand.point
    apart = np.linalg.norm(places[:, None] - places, axis=-1)[~np.eye(len(places), dtype=bool)]
    assert apart.min() > 0.25  # every element takes the point to a place of its own


@pytest.mark.parametrize("group", WRITES)
def test_reflections_one_after_the_other_turn_a_row_and_no_element_takes_more_than_its_rank(group):
    by_hand = Reflections(group)
    for element, turn in enumerate(by_hand.turns):
        keys, beta = by_hand.reflections(element, WRITES[group])
        row = np.eye(len(turn))
        for key, strength in zip(keys, beta, strict=True):
            row = row - strength * np.outer(row @ key, key)
        np.testing.assert_allclose(row, turn.T, atol=1e-12)
        assert beta.sum() == 2 * np.linalg.matrix_rank(turn - np.eye(len(turn)), tol=1e-6)
        np.testing.assert_allclose(np.linalg.norm(keys, axis=1), beta / 2, atol=1e-14)


def test_every_group_is_listed_and_takes_so_many_writes():
    assert {group: Reflections(group).writes for group in MADE_OF} == WRITES


@pytest.mark.parametrize("group", WRITES)
def test_words_are_followed_without_an_error_and_not_with_weaker_writes(group):
    batch = PermutationGroup(length=200, group=group)(np.random.default_rng(1), 5)
    by_hand = Reflections(group)
    for beta, solved in ((2.0, True), (1.5, False)):
        arguments = by_hand.instructions(batch.x.argmax(axis=-1), beta=beta)
        W = np.asarray(fw.scan(by_hand.rule(by_hand.writes), states=1, **arguments).states)
        assert W.shape == (5, 200, 1, len(by_hand.point))
        answers = by_hand.answer(W[..., 0, :])
        if group == "S2" and not solved:
            continue  # the sign of a number that halves at every one survives
        assert (answers == batch.target).all() == solved


def test_bad_input_is_named_with_what_there_is():
    with pytest.raises(ValueError, match="S3"):
        Reflections("S4")
    by_hand = Reflections("S3")
    for token in ([[6]], [[-1]], [[0.5]]):
        with pytest.raises(ValueError, match="indexes of the 6 elements"):
            by_hand.instructions(token)
    with pytest.raises((TypeError, ValueError), match="writes"):
        by_hand.instructions([[0]], writes=0)
