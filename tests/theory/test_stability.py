"""When a step is called unstable: the bound of every row, where it begins to warn, and what the warning says."""

import warnings

import numpy as np
import pytest
from strategies import OWN, problem

import synfwp as fw

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
        ("key_gated_delta", 3.0),  # b a / (1 + a) <= 1
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
    assert not warned("gated_oja", key, 3.0, 0.5, v=v)  # b a / (1 + a) <= 1
    (warning,) = warned("gated_oja", key, 3.03, 0.5, v=v)
    assert "1.01 times its bound (beta sum_i a_i v_i^2 / (1 + a_i) <= 1)" in str(warning.message)


def test_the_bound_of_dplr_is_its_spectral_radius():
    k, p = unit(4, float, 0), unit(4, float, 1)
    a = np.full(4, 0.5)
    # along p the eigenvalue is .5 - s: stable until s = 1.5
    assert not warned("dplr", k, 1.0, a, erase=(p, 1.5 * p))
    (warning,) = warned("dplr", k, 1.0, a, erase=(p, 1.6 * p))
    assert "1.1 times its bound (spectral radius of diag(a) - p r^T <= 1)" in str(warning.message)
    # minus r turns erasing into adding: stable until .5 + s = 1
    assert not warned("dplr", k, 1.0, a, erase=(p, -0.5 * p))
    assert len(warned("dplr", k, 1.0, a, erase=(p, -0.6 * p))) == 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_pair_at_right_angles_does_not_warn_at_a_decay_of_one(dtype):
    # the eigenvalue 1 is defective, so that it is computed to the root of the rounding only
    for seed in range(20):
        p, k = unit(6, dtype, seed), unit(6, dtype, seed + 100)
        r = p[[1, 0, 3, 2, 5, 4]] * np.array([1, -1] * 3, dtype)
        assert abs(p @ r) < 1e-6
        assert not warned("dplr", k, 1.0, 1.0, erase=(p, r))


def test_the_worst_of_many_pairs_is_found(rng):
    p = problem(fw.DPLR, rng, 200, 4, 3, (2,))
    r = p.r.copy()
    r[1, 77] = 3 * p.p[1, 77] / np.sum(p.p[1, 77] ** 2)
    radius = np.abs(np.linalg.eigvals(np.diag(p.decay[1, 77]) - np.outer(p.p[1, 77], r[1, 77]))).max()
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
