"""One protocol: every system is given the same pairs, and a cell depends only on what it is."""

import numpy as np
import pytest

import synfwp as fw
from synfwp.memory import protocol
from synfwp.memory.decoders import get_decoder
from synfwp.memory.episodes import Episode
from synfwp.memory.loads import draws_of, items_of
from synfwp.memory.systems import System
from synfwp.rules import RULES

SMALL = {"d_key": 6, "d_value": 5, "seeds": 3, "queries": 4}
NOISY = fw.SpikingNetwork(engine="counts")


def stores(rule: str) -> bool:
    try:
        System(rule)
    except ValueError:
        return False
    return True


RECALL = [name for name in RULES if stores(name)]


def seen(log: list):
    """A system that keeps what it is given."""

    def keeps(k, v, q, rng):
        log.append((k.copy(), v.copy(), q.copy()))
        k[:], v[:], q[:] = 7.0, 7.0, 7.0  # what it does to them is its own matter
        return np.ones((len(q), v.shape[1]))

    return keeps


def episode(rng: np.random.Generator, n: int = 2, P: int = 5, Q: int = 3, d: int = 4, e: int = 3) -> Episode:
    k = np.abs(rng.standard_normal((n, P, d)))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    v = rng.standard_normal((n, P, e))
    return Episode(k, v, np.abs(rng.standard_normal((n, Q, d))), v[:, :Q], v, np.tile(np.arange(Q), (n, 1)))


def test_every_system_is_given_the_same_pairs_and_cannot_change_them() -> None:
    one, other = [], []
    ds = fw.capacity({"one": seen(one), "other": seen(other), "ridge": "ridge"}, loads=[3, 6], **SMALL)
    assert len(one) == 1 + 2 * 3  # it is tried, then runs on 3 seeds at 2 loads
    for mine, yours in zip(one, other, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(mine, yours, strict=True))
    assert len({k.tobytes() for k, _, _ in one}) == 7  # no two episodes share keys, nor does the try
    alone = fw.capacity({"ridge": "ridge"}, loads=[3, 6], **SMALL)
    assert np.array_equal(ds.score.sel(system="ridge"), alone.score.sel(system="ridge"))


@pytest.mark.parametrize(
    "system", [("hebb", NOISY), "gated_delta", "covariance", lambda k, v, q, rng: rng.normal(size=(len(q), 5))]
)
def test_a_further_load_system_or_seed_changes_no_other_cell(system) -> None:
    given = {"keys": "relu", **SMALL}
    one = fw.capacity({"a": system}, loads=[4], **given).score.sel(system="a", pairs=4)
    more = fw.capacity({"b": "delta", "a": system, "c": ("hebb", NOISY)}, loads=[2, 4, 8], **given)
    assert np.array_equal(more.score.sel(system="a", pairs=4), one)
    longer = fw.capacity({"a": system}, loads=[4], **given | {"seeds": 5}).score.sel(system="a", pairs=4)
    assert np.array_equal(longer[:3], one)
    assert not np.array_equal(fw.capacity({"a": system}, loads=[4], seed=1, **given).score[0, 0], one)


def test_cells_of_a_decoder_with_a_threshold_do_not_depend_on_the_number_of_seeds() -> None:
    few, many = (fw.capacity({"a": "hebb"}, loads=[8], d_key=6, decoder="novelty", seeds=n).score[0, 0] for n in (3, 6))
    assert np.array_equal(few, many[:3])


def test_critical_loads_see_the_episodes_of_capacity() -> None:
    found = fw.critical_load({"a": "hebb"}, d_key=8, seeds=4)
    load = int(found.critical_load.item())
    items, way = items_of(get_decoder("argmax"), 8), get_decoder("argmax")
    cell = protocol.measure("a", System("hebb"), draws_of(items, way, 0, 4), load, protocol.mean_score(way))
    at = fw.capacity({"a": "hebb"}, loads=[load], d_key=8, decoder="argmax", seeds=4)
    assert np.array_equal(cell.scores, at.score[0, 0])


@pytest.mark.parametrize("rule", RECALL)
def test_a_read_depends_neither_on_other_queries_nor_on_their_order(rule: str, rng: np.random.Generator) -> None:
    system, at = System(rule), episode(rng)
    knobs = {name: grid[len(grid) // 2] for name, grid in system.knobs.items()}
    together = system.reads(at, [rng] * 2, knobs).values
    alone = np.stack(
        [system.reads(at._replace(q=at.q[:, [i]]), [rng] * 2, knobs).values[:, 0] for i in range(3)], axis=1
    )
    assert together == pytest.approx(alone, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("rule", [rule for rule in RECALL if not RULES[rule].centred])
def test_the_reads_of_a_rule_are_those_of_scan(rule: str, rng: np.random.Generator) -> None:
    system, at, row = System(rule), episode(rng, e=4), RULES[rule]
    knobs = {name: grid[len(grid) // 2] for name, grid in system.knobs.items()}
    q = np.zeros_like(at.k)
    q[:, -1] = at.q[:, 1]
    gates = {
        "decay": np.full((2, 5) if row.retain == "scalar" else (2, 5, 4), knobs.get("decay"))
        if row.uses_decay
        else None,
        "momentum": np.full((2, 5), knobs.get("momentum")) if row.uses_momentum else None,
        "ridge": np.full((2, 4), knobs.get("ridge")) if row.uses_ridge else None,
    }
    beta = np.full((2, 5), knobs["beta"] * 0.1) if row.uses_beta else None
    knobs |= {"beta": knobs["beta"] * 0.1} if row.uses_beta else {}
    expected = fw.scan(rule, q, at.k, at.v, beta, **{name: x for name, x in gates.items() if x is not None}).y[:, -1]
    assert system.reads(at, [rng] * 2, knobs).values[:, 1] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_mesa_and_least_squares_read_the_same(rng: np.random.Generator) -> None:
    at = episode(rng, P=12)
    mesa = System("mesa").reads(at, [rng] * 2, {"beta": 1.0, "decay": 1.0, "ridge": 0.1}).values
    ridge = np.stack([fw.memory.Ridge()(at.k[i], at.v[i], at.q[i], rng, ridge=0.1) for i in range(2)])
    assert mesa == pytest.approx(ridge, rel=1e-9)


def test_knobs_are_chosen_on_other_seeds_than_are_tested() -> None:
    asked: dict[float, list[bytes]] = {}

    def system(k, v, q, rng, width):
        asked.setdefault(width, []).append(k.tobytes())
        return np.tile(v.mean(axis=0) * (1 if width == 2 else -1), (len(q), 1))

    system.knobs = {"width": (1.0, 2.0, 3.0)}
    assert fw.capacity({"mine": system}, loads=[4], values="relu", **SMALL).chosen.item() == 2.0
    assert asked[1.0] == asked[2.0][:5]  # five seeds of tuning, the same for every number
    assert asked[1.0] == asked[3.0][1:]  # the try has the last number
    assert len(set(asked[2.0])) == 5 + 3


def test_the_best_knob_is_chosen_and_of_equal_ones_the_middle() -> None:
    def system(k, v, q, rng, right, idle):
        return np.tile(v.mean(axis=0), (len(q), 1)) * (1 if right == 2 else -1)

    system.knobs = {"right": (1.0, 2.0, 3.0), "idle": (0.0, 1.0, 2.0)}
    ds = fw.capacity({"mine": system, "none": "softmax"}, loads=[4], values="relu", **SMALL)
    assert ds.chosen.sel(system="mine", knob=["right", "idle"]).values.tolist() == [[2.0, 1.0]]
    assert np.isnan(ds.chosen.sel(system="none", knob="right").item())


def test_knobs_that_make_up_for_each_other_are_followed_along_their_ridge() -> None:
    def system(k, v, q, rng, up, down):
        off = 6.0 - up + 4 * abs(up - down)  # best at 6 and 6, and no better by one of them alone
        return v[(q @ k.T).argmax(axis=1)] + off * 0.5 * np.sign(np.arange(v.shape[1]) - 1.5)

    system.knobs = dict.fromkeys(("up", "down"), tuple(map(float, range(7))))
    ds = fw.capacity({"mine": system}, loads=[4], decoder="cosine", **SMALL)
    assert ds.chosen.sel(knob=["up", "down"]).values.ravel().tolist() == [6.0, 6.0]


def test_tuned_over_a_curve_there_is_one_choice_and_per_load_it_is_no_worse_on_average() -> None:
    given = {"loads": [4, 16, 48], "d_key": 16, "seeds": 20}
    once = fw.capacity({"delta": "delta"}, tuned="curve", **given)
    each = fw.capacity({"delta": "delta"}, tuned="pairs", **given)
    assert len(set(once.chosen.values.ravel())) == 1
    assert len(set(each.chosen.values.ravel())) > 1
    assert (each["mean"] > once["mean"] - 0.02).all()
    assert each["mean"].mean() > once["mean"].mean()


def test_a_beta_that_is_held_is_held_where_a_rule_has_one_and_leaves_it_open() -> None:
    systems = {"open": "delta", "set": System("delta", beta=0.3), "none": "linear_attention", "other": "softmax"}
    ds = fw.capacity(systems, loads=[4], keys="relu", beta=0.7, **SMALL)
    assert ds.chosen.sel(knob="beta").values.ravel() == pytest.approx([0.7, 0.3, np.nan, np.nan], nan_ok=True)
    assert np.array_equal(
        ds.score.sel(system="open"),
        fw.capacity({"open": System("delta", beta=0.7)}, loads=[4], keys="relu", **SMALL).score[0],
    )
    with pytest.raises(ValueError, match="beta is 'worst'; pass 'best', or a number"):
        fw.capacity({"a": "delta"}, loads=[4], beta="worst", **SMALL)
