"""Word problems: the answers by other means, the groups, and how likely each answer is."""

import itertools

import numpy as np
import pytest

from synfwp.tasks import ModularAddition, ModularArithmetic, Parity, PermutationGroup

ORDER = {"S2": 2, "S3": 6, "S4": 24, "S5": 120, "A3": 3, "A4": 12, "A5": 60, "D8": 8, "H3": 8, "Ih": 120}


def words(task, n=200):
    """A batch, with the tokens of each word (no padding) and its targets."""
    batch = task(np.random.default_rng(0), n)
    inside = batch.x.any(axis=-1)
    return [(x[i].argmax(axis=-1), target[i]) for x, target, i in zip(batch.x, batch.target, inside, strict=True)]


def test_parity_is_odd_when_the_ones_are():
    for token, target in words(Parity(length=(3, 12), every=True)):
        assert [sum(token[: t + 1]) % 2 for t in range(len(token))] == target.tolist()


def test_the_value_of_an_expression_is_that_of_pythons():
    for modulus in (2, 5, 7):
        task = ModularArithmetic(length=(1, 14), every=True, modulus=modulus)
        names = [*map(str, range(modulus)), *"+-*"]
        for token, target in words(task):
            for t in range(len(token)):
                text = "".join(names[i] for i in token[: t + 1])
                assert target[t] == (-1 if t % 2 else eval(text) % modulus)
    batch = task(np.random.default_rng(1), 30)
    assert [eval(text) % 7 for text in task.text(batch.x)] == batch.target.max(
        axis=1, where=last(batch), initial=-1
    ).tolist()


def last(batch):
    """True at the last token of every word."""
    inside = batch.x.any(axis=-1)
    return inside & (inside.cumsum(axis=1) == inside.sum(axis=1, keepdims=True))


def test_left_to_right_would_give_another_value():
    differ = 0
    for token, target in words(ModularArithmetic(length=9)):
        value = token[0]
        for operator, number in zip(token[1::2], token[2::2], strict=True):
            value = (value + number, value - number, value * number)[operator - 5] % 5
        differ += value != target[-1]
    assert differ > 40  # of 200


@pytest.mark.parametrize("group", ORDER)
def test_the_table_of_products_is_a_group(group):
    task = PermutationGroup(group=group)
    table, n = task.table, ORDER[group]
    every = np.arange(n)
    assert table.shape == (n, n)
    assert len({tuple(p) for p in task.elements}) == n
    assert np.array_equal(table[0], every)  # the identity
    assert np.array_equal(table[:, 0], every)
    assert np.array_equal(np.sort(table, axis=0), np.tile(every[:, None], (1, n)))  # inverses, and nothing twice
    assert np.array_equal(np.sort(table, axis=1), np.tile(every, (n, 1)))
    assert np.array_equal(table[table[:, :, None], every], table[every[:, None, None], table[None]])  # associative
    assert np.array_equal(table, table.T) == (group in ("S2", "A3"))  # who comes first matters
    signs = [np.linalg.det(np.eye(len(p))[p]) for p in task.elements]
    assert np.allclose(signs, 1) == (group[0] == "A")


def orders(group):
    """How many elements have which order."""
    table, found = PermutationGroup(group=group).table, []
    for g in range(len(table)):
        power, n = g, 1
        while power:
            power, n = table[power, g], n + 1
        found.append(n)
    return dict(zip(*np.unique(found, return_counts=True), strict=True))


def test_the_square_the_heisenberg_triples_and_the_icosahedron_have_elements_of_these_orders():
    assert orders("D8") == orders("H3") == {1: 1, 2: 5, 4: 2}
    assert orders("A5") == {1: 1, 2: 15, 3: 20, 5: 24}
    assert orders("Ih") == {1: 1, 2: 31, 3: 20, 5: 24, 6: 20, 10: 24}  # A5, and each of it with the inversion


def test_h3_has_the_products_of_the_heisenberg_group_modulo_2():
    triples = list(itertools.product((0, 1), repeat=3))

    def moves(a, b, c):
        """What (a, b, c) does to the four pairs (y, z)."""
        return tuple(2 * ((b + y) % 2) + (c + z + a * y) % 2 for y in (0, 1) for z in (0, 1))

    task = PermutationGroup(group="H3")
    index = {tuple(p): i for i, p in enumerate(task.elements.tolist())}
    number = {triple: index[moves(*triple)] for triple in triples}
    assert len(set(number.values())) == 8
    for (a, b, c), (d, e, f) in itertools.product(triples, repeat=2):
        product = ((a + d) % 2, (b + e) % 2, (c + f + a * e) % 2)
        assert task.table[number[d, e, f], number[a, b, c]] == number[product]  # first the right one, then the left


def test_a_sum_is_that_of_the_numbers_and_modulo_two_it_is_parity():
    for token, target in words(ModularAddition(length=(3, 12), every=True, modulus=5)):
        assert [sum(token[: t + 1]) % 5 for t in range(len(token))] == target.tolist()
    two, parity = (task(np.random.default_rng(3), 20) for task in (ModularAddition(modulus=2), Parity()))
    assert np.array_equal(two.x, parity.x)
    assert np.array_equal(two.target, parity.target)


@pytest.mark.parametrize("swaps", [False, True])
def test_the_product_is_where_things_are_after_they_were_moved_token_after_token(swaps):
    task = PermutationGroup(length=(2, 9), group="S4", swaps_only=swaps)
    for token, target in words(task, 60):
        place = list(range(4))
        for g, answer in zip(token, target, strict=True):
            place = [task.elements[task.moves[g]][where] for where in place]
            assert place == task.elements[answer].tolist()


def test_swaps_are_the_identity_and_the_exchanges_of_two():
    task = PermutationGroup(group="S5", swaps_only=True)
    moved = (task.elements[task.moves] != np.arange(5)).sum(axis=1)
    assert sorted(moved) == [0] + [2] * 10
    assert (task.d_in, task.d_out) == (11, 120)


def test_few_swaps_leave_some_products_commoner_than_others_and_chance_knows():
    short = PermutationGroup(length=2, every=False, group="S4", swaps_only=True)
    batch = short(np.random.default_rng(0), 20_000)
    share = np.bincount(batch.target[:, -1], minlength=24) / 20_000
    assert share.argmax() == 0
    assert abs(share[0] - 1 / 7) < 3 * np.sqrt(6 / 49 / 20_000)  # seven tokens, each its own inverse
    assert np.isclose(short.chance, 1 / 7)
    assert abs(PermutationGroup(length=100, every=False, group="S4", swaps_only=True).chance - 1 / 24) < 1e-9
    assert PermutationGroup().chance == pytest.approx(1 / 120)


def test_the_probability_of_every_value_is_the_share_of_it():
    task = ModularArithmetic(length=7, every=True, modulus=6)
    batch = task(np.random.default_rng(1), 20_000)
    odds = task._odds()
    for t in range(0, 7, 2):
        share = np.bincount(batch.target[:, t], minlength=6) / 20_000
        assert np.all(abs(share - odds[t]) < 3 * np.sqrt(odds[t] * (1 - odds[t]) / 20_000))
    assert odds[2, 0] > odds[0, 0] + 0.04  # products make zero commoner: uniform odds would fail


def test_lengths_are_uniform_and_padding_is_empty():
    batch = Parity(length=(3, 6))(np.random.default_rng(0), 4000)
    inside = batch.x.any(axis=-1)
    assert np.array_equal(inside, np.sort(inside, axis=1)[:, ::-1])
    share = np.bincount(inside.sum(axis=1), minlength=7)[3:] / 4000
    assert np.all(abs(share - 1 / 4) < 3 * np.sqrt(3 / 16 / 4000))
    assert np.array_equal(batch.mask, last(batch))
    odd = ModularArithmetic(length=(3, 6))(np.random.default_rng(0), 400).x.any(axis=-1).sum(axis=1)
    assert set(odd) == {3, 5}
    assert PermutationGroup(length=4)(np.random.default_rng(0), 3).mask.all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Parity(length=0), "^length is 0; pass an integer of at least 1"),
        (lambda: Parity(length=(5, 3)), r"^length is \(5, 3\); pass \(shortest, longest\) in this order"),
        (lambda: Parity(length=(3, 4, 5)), r"^length is \(3, 4, 5\); pass an integer or \(shortest, longest\)"),
        (lambda: ModularArithmetic(modulus=1), "^modulus is 1; pass an integer of at least 2"),
        (lambda: PermutationGroup(group="S6"), "^unknown group 'S6'"),
        (lambda: ModularAddition(modulus=1), "^modulus is 1; pass an integer of at least 2"),
        (
            lambda: PermutationGroup(group="A5", swaps_only=True),
            "^group 'A5' is not made of exchanges; pass swaps_only",
        ),
        (lambda: PermutationGroup(group="D8", swaps_only=True), "^group 'D8' is not made of exchanges"),
    ],
)
def test_what_is_no_word_problem_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
