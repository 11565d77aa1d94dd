"""When a step is called unstable: the bound of every row, where it begins to warn, and what the warning says."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import FIXED, OWN, ROWS, problem

import synfwp as fw
from synfwp import theory
from synfwp.fastweights import arguments

pytestmark = pytest.mark.kernels


def warned(rule, k, beta, decay=None, v=None, **more):
    """The warnings of one step with key k."""
    v = np.ones(2, k.dtype) if v is None else v
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fw.scan(rule, k[None], k[None], v[None], beta, decay=decay, **more)
    return caught


def unit(d, dtype, seed):
    k = np.random.default_rng(seed).standard_normal(d).astype(dtype)
    return k / np.sqrt((k * k).sum())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("d", [1, 7, 64])
def test_a_delta_step_of_two_is_stable_and_one_of_2_01_warns(d, dtype):
    for seed in range(10):
        k = unit(d, dtype, seed)
        assert not warned("delta", k, 2.0)
        (warning,) = warned("delta", k, 2.01)
        assert warning.category is RuntimeWarning
        assert "unstable step for rule 'delta': 1.005 times its bound (beta |k|^2 <= 2)" in str(warning.message)
        assert warning.filename == __file__


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("rule", "bound"),
    [  # the largest beta for a unit key at decay .5
        ("gated_delta", 3.0),  # a b <= 1 + a
        ("key_gated_delta", 2.0),  # of products of steps: b |k|^2 <= 2, whatever the decay
        (OWN["undecayed delta"], 1.5),  # b <= 1 + a
        (OWN["undecayed key-gated delta"], 1.5),
    ],
)
def test_the_bound_of_a_rule_with_decay_is_where_the_warning_begins(rule, bound, dtype):
    k = unit(5, dtype, 0)
    assert not warned(rule, k, bound, 0.5)
    assert len(warned(rule, k, bound * 1.005, 0.5)) == 1


@pytest.mark.parametrize("rule", ["hebb", "anti_hebb"])
def test_a_rule_that_erases_nothing_never_warns(rule):
    assert not warned(rule, np.full(3, 1e6), 1e6)


def test_one_unstable_step_among_many_warns_once_and_names_the_worst(rng):
    p = problem(fw.DELTA, rng, 6, 3, 2, (4,))
    beta = p.beta.copy()
    beta[2, 3] = 3 / np.sum(p.k[2, 3] ** 2)
    with pytest.warns(RuntimeWarning, match=r"1\.5 times") as caught:
        fw.vjp("delta", p.q, p.k, p.v, beta)[1](p.v)
    assert len(caught) == 1


def test_a_row_that_adds_what_it_predicts_warns_though_it_states_no_bound():
    grows = fw.Rule(name="grows", erase="-beta")
    (warning,) = warned(grows, unit(3, float, 0), 0.1)
    assert "eigenvalues of a step in [-1, 1]" in str(warning.message)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_bound_of_oja_is_on_its_values_and_that_of_gated_oja_on_both(dtype):
    key, v = np.full(3, 1e3, dtype), unit(5, dtype, 1)
    assert not warned("oja", key, 2.0, v=v)
    (warning,) = warned("oja", key, 2.01, v=v)
    assert "1.005 times its bound (beta |v|^2 <= 2)" in str(warning.message)
    assert not warned("gated_oja", key, 2.0, 0.5, v=v)
    (warning,) = warned("gated_oja", key, 2.02, 0.5, v=v)
    assert "1.01 times its bound (beta |v|^2 <= 2)" in str(warning.message)


def test_the_bound_of_dplr_is_the_norm_of_a_step():
    k, p = unit(4, float, 0), unit(4, float, 1)
    a = np.full(4, 0.5)
    # along p the eigenvalue is .5 - s: stable until s = 1.5
    assert not warned("dplr", k, 1.0, a, erase=(p, 1.5 * p))
    (warning,) = warned("dplr", k, 1.0, a, erase=(p, 1.6 * p))
    assert "1.1 times its bound (2-norm of diag(a) - p r^T <= 1)" in str(warning.message)
    # minus r turns erasing into adding: stable until .5 + s = 1
    assert not warned("dplr", k, 1.0, a, erase=(p, -0.5 * p))
    assert len(warned("dplr", k, 1.0, a, erase=(p, -0.6 * p))) == 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_pair_at_right_angles_warns_at_a_decay_of_one_and_not_where_the_decay_makes_room(dtype):
    """F15: all its eigenvalues are 1 (or the decay), yet it makes W larger."""
    for seed in range(20):
        p, k = unit(6, dtype, seed), unit(6, dtype, seed + 100)
        r = p[[1, 0, 3, 2, 5, 4]] * np.array([1, -1] * 3, dtype)
        assert abs(p @ r) < 1e-6
        assert len(warned("dplr", k, 1.0, 1.0, erase=(p, r))) == 1
        assert not warned("dplr", k, 1.0, 0.5, erase=(p, 0.7 * r))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_pair_that_is_the_key_of_the_delta_rule_has_its_bound(dtype):
    for seed in range(20):
        k = unit(6, dtype, seed)
        for a in (1.0, 0.5):
            bound = 2.0 if a == 1 else 1 + a
            assert not warned("dplr", k, 1.0, a, erase=(k, k * dtype(bound)))
            assert len(warned("dplr", k, 1.0, a, erase=(k, k * dtype(1.01 * bound)))) == 1


@given(st.integers(0, 2**32 - 1), st.floats(0.2, 5))
def test_the_condition_on_a_pair_is_the_norm_of_its_step(seed, size):
    """F15: the determinant of ``I - M^T M`` decides, step by step, as the singular values do."""
    rng = np.random.default_rng(seed)
    p, r = rng.standard_normal((2, 1, 5)) * size / 5
    a = rng.choice([0.0, 0.5, 0.9, 0.999], (1, 5)) * rng.uniform(0.5, 1, (1, 5))
    norm = np.linalg.norm(np.diag(a[0]) - np.outer(p, r), 2)
    assume(abs(norm - 1) > 1e-6)
    ratio = theory.step_ratio(fw.DPLR, p, np.ones(1), a, (p, r))
    assert ratio == pytest.approx(max(norm, 1.0), rel=1e-12)


# rows whose bound is not of "each step alone"
BOUNDED = {
    name: row for name, row in ROWS.items()
    if row.solver == "linear" and row.erase is not None and "each step alone" not in row.stable
}  # fmt: skip


def scaled(p, share):
    """The problem with every step at ``share`` of its bound: beta, or what is erased, or the key made larger."""
    row = p.rule
    by_value = row.error == "key"

    def ratio(t, factor):
        part = p.part(slice(t, t + 1))
        if row.uses_pair:
            part = part.but(r=part.r * factor)
        elif row.erase == "beta":
            part = part.but(beta=part.beta * factor)
        else:
            part = part.but(**{"v" if by_value else "k": getattr(part, "v" if by_value else "k") * factor})
        call = arguments.check(
            *part.args, part.decay, part.W0, aux0=part.aux0, warn=False,
            erase=None if part.p is None else (part.p, part.r),
        )  # fmt: skip
        return arguments._step_ratio(call), part

    parts = []
    for t in range(p.q.shape[-2]):
        low, high = 0.0, 1e4
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if ratio(t, middle)[0] <= share else (low, middle)
        parts.append(ratio(t, low)[1])
    names = [x for x in p.used if x not in FIXED]
    return p.but(**{x: np.concatenate([getattr(part, x) for part in parts]) for x in names})


@pytest.mark.parametrize("name", BOUNDED)
@given(seed=st.integers(0, 2**32 - 1), extreme=st.booleans())
def test_no_product_of_steps_at_their_bounds_makes_W_larger(name, seed, extreme):
    """F15: nothing is written, so that W may only shrink; two extreme steps take turns."""
    rng, row = np.random.default_rng(seed), replace(BOUNDED[name], write=None, forms=("recurrent",), normalised=False)
    if row.error == "key" or row.centred:
        row = replace(row, write=BOUNDED[name].write)
    p = problem(row, rng, 2, 3, 3)
    if p.decay is not None and extreme:
        p = p.but(decay=rng.integers(0, 2, p.decay.shape).astype(float))
    if row.centred:  # the mean that is held; what is written is that of an error of zero
        p = p.but(aux0=np.append(p.aux0[:-1], np.inf))
    p = scaled(p, 1.0)
    turns = p.but(**{x: np.concatenate([getattr(p, x)] * 20) for x in p.used if x not in FIXED})
    if row.uses_values and row.error == "value":
        turns = turns.but(v=np.zeros_like(turns.v))
    elif row.error == "key":  # W grows by k v^T alone: the difference of two runs shrinks
        other = turns.but(W0=turns.W0 + rng.standard_normal(turns.W0.shape))
        first, last = (
            other.W0 - turns.W0,
            fw.scan(*other.args, **other.kwargs).W - fw.scan(*turns.args, **turns.kwargs).W,
        )
        assert np.linalg.norm(last) <= np.linalg.norm(first) * (1 + 1e-6)
        return
    assert np.linalg.norm(fw.scan(*turns.args, **turns.kwargs).W) <= np.linalg.norm(turns.W0) * (1 + 1e-6)


def test_two_steps_that_are_each_stable_and_grow_together_warn():
    """F15: eigenvalues within -1 to 1 are no bound of products."""
    rng, worst = np.random.default_rng(0), 0.0
    for _ in range(200):
        k, a = rng.standard_normal((2, 4)), rng.uniform(0, 1, (2, 4)) ** 4
        beta = 0.999 / np.sum(a * k * k / (1 + a), axis=1)  # the old bound, of each step alone
        k, a, beta = np.tile(k, (20, 1)), np.tile(a, (20, 1)), np.tile(beta, 20)
        if np.max(beta * np.sum(k * k, axis=1)) <= 2:
            continue
        with pytest.warns(RuntimeWarning, match=r"rule 'key_gated_delta': .* times its bound \(beta \|k\|\^2 <= 2\)"):
            W = fw.scan("key_gated_delta", k, k, np.zeros((40, 2)), beta, decay=a, W0=np.ones((2, 4))).W
        worst = max(worst, float(np.linalg.norm(W)))
    assert worst > 1e15


def test_momentum_is_bounded_in_each_step_alone_and_its_row_has_that_in_words():
    """F15: below the bound of each step, steps of two keys that take turns can grow."""
    assert "each step alone" in fw.MOMENTUM_DELTA.stable
    assert "each step alone" in fw.rules.RULES["self_referential"].stable
    k = np.tile(np.array([[1.0, 0.0], [0.9, 0.436]]), (100, 1))
    beta = np.tile([1.9 * 1.9 * 0.99, 0.05], 100)
    W = fw.scan("momentum_delta", k, k, np.zeros((200, 1)), beta, decay=0.9, momentum=0.9, W0=np.ones((1, 2))).W
    assert np.linalg.norm(W) > 1e3


def test_the_worst_of_many_pairs_is_found(rng):
    p = problem(fw.DPLR, rng, 200, 4, 3, (2,))
    r = p.r.copy()
    r[1, 77] = 3 * p.p[1, 77] / np.sum(p.p[1, 77] ** 2)
    radius = np.linalg.norm(np.diag(p.decay[1, 77]) - np.outer(p.p[1, 77], r[1, 77]), 2)
    with pytest.warns(RuntimeWarning, match=rf"{radius:.4g} times"):
        fw.scan(*p.args, decay=p.decay, erase=(p.p, r))


def test_two_pairs_a_token_are_each_checked(rng):
    row = OWN["two pairs"]
    p = problem(row, rng, 5, 4, 3)
    r = p.r.copy()
    r[3, 1] = 3 * p.p[3, 1] / np.sum(p.p[3, 1] ** 2)  # the second write: decay is 1, the eigenvalue -2
    with pytest.warns(RuntimeWarning, match=r"2 times"):
        fw.scan(*p.args, decay=p.decay, erase=(p.p, r))


@pytest.mark.parametrize("beta", [0.1, 2.01, 1e6])
def test_longhorn_is_stable_for_every_beta(beta):
    assert not warned("longhorn", unit(5, float, 0), beta)


def test_decay_bounds_the_first_of_several_writes_and_not_the_others():
    k = np.stack([unit(3, float, 0), unit(3, float, 1)])
    v = np.ones((2, 2))
    row = fw.DELTA_PRODUCT(2, gated=True)

    def two(first, second):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fw.scan(row, k[:1], k[None], v[None], np.array([[first, second]]), decay=0.5)
        return len(caught)

    assert [two(2.9, 1.9), two(3.1, 1.9), two(2.9, 2.1)] == [0, 1, 1]


def test_a_reflection_by_a_key_longer_than_one_warns():
    k, W0 = unit(3, float, 0), np.ones((2, 3))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fw.scan("householder", k[None], k[None], None, W0=W0)
        assert not caught
        fw.scan("householder", k[None], 1.1 * k[None], None, W0=W0)
    assert len(caught) == 1


def test_a_warning_points_at_the_line_that_called():
    calls = [
        "fw.scan('delta', one, one, one, 3.0)",
        "fw.vjp('delta', one, one, one, 3.0)",
        "fw.attention('delta', one, one, 3.0)",
    ]
    for text in calls:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            exec(compile(f"def user():\n    {text}\n", "user.py", "exec"), names := {"fw": fw, "one": np.ones((1, 1))})
            names["user"]()
        assert [(x.filename, x.lineno) for x in caught] == [("user.py", 2)]
