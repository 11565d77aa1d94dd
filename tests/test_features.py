"""Feature maps and normalisers: their formulas, their widths, their derivatives by complex step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from synfwp import features
from synfwp.features import FEATURES, NORMALISERS, _projections, get_feature, get_normaliser

MAPS = [*FEATURES, "dpfp(2)", "dpfp(3)", "dpfp(7)"]
numbers = arrays(np.float64, array_shapes(min_dims=1, max_dims=3, max_side=5), elements=st.floats(-5, 5))


def dpfp_twin(x, nu):
    """Schlag, Irie & Schmidhuber 2021, equation 37, entry by entry: r_i r_(i - j) for j = 1..nu, r = relu([x, -x])."""
    r = [value if value.real > 0 else 0.0 for value in (*x, *(-x))]
    return np.array([r[i] * r[(i - j) % len(r)] for j in range(1, nu + 1) for i in range(len(r))])


DIRECTIONS = {d: _projections(d, 64) for d in (1, 2, 5)}  # which directions is tested by what they are for, below
TWINS = {  # one vector, real or complex, written without the package's tricks
    "identity": lambda x: x,
    "relu": lambda x: np.array([value if value.real > 0 else 0.0 for value in x]),
    "elu_plus_one": lambda x: np.array([value + 1 if value.real > 0 else np.exp(value) for value in x]),
    "none": lambda x: x,
    "l2": lambda x: x / np.sqrt(sum(value * value for value in x)),
    "sum": lambda x: x / sum(x),
    "exp": np.exp,
    "softmax": lambda x: np.exp(x) / sum(np.exp(x)),
    "favor(64)": lambda x: np.exp(DIRECTIONS[len(x)] @ x - sum(x * x) / 2) / 8,
    **{f"dpfp({nu})": (lambda x, nu=nu: dpfp_twin(x, nu)) for nu in (1, 2, 3, 7)},
}


def row_of(name):
    return NORMALISERS[name] if name in NORMALISERS else get_feature(name)


def test_products_of_random_features_have_the_mean_of_the_exponential_kernel(rng):
    """Each of m products has the mean exp(x . y) and the relative variance exp(|x + y|^2) - 1."""
    m, row = 4096, get_feature("favor(4096)")
    x, y = (0.5 * rng.standard_normal((50, 4)) for _ in range(2))
    ratio = (row.apply(x) * row.apply(y)).sum(axis=-1) / np.exp((x * y).sum(axis=-1))
    spread = np.sqrt(np.expm1(((x + y) ** 2).sum(axis=-1)) / m)
    assert np.all(abs(ratio - 1) < 4 * spread)  # 50 pairs; four standard errors are passed by chance once in 16,000
    assert np.any(abs(ratio - 1) > 0.1 * spread)


def test_every_map_has_a_twin():
    assert {*FEATURES, *NORMALISERS} <= set(TWINS)


@pytest.mark.parametrize("name", TWINS)
def test_a_map_is_its_formula_and_its_pull_the_transpose_of_its_derivative(name, rng):
    row, twin = row_of(name), TWINS[name]
    for d in (1, 2, 5):
        x = rng.standard_normal((3, d))
        if name == "sum":
            x = np.abs(x)  # its own domain: rates
        f = row.apply(x)
        assert f.shape == (3, row.width(d))
        g = rng.standard_normal(f.shape)
        adjoint = row.adjoint(x, f, g)
        for i in range(3):
            np.testing.assert_allclose(f[i], twin(x[i]), rtol=1e-14)  # at most d = 5 operations
            for j in range(d):
                moved = x[i].astype(complex)
                moved[j] += 1e-30j
                slope = np.asarray(twin(moved), complex).imag / 1e-30
                # a sum of at most 70 terms
                np.testing.assert_allclose(adjoint[i, j], g[i] @ slope, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", MAPS)
@given(x=numbers)
def test_rates_are_never_negative(name, x):
    row = get_feature(name)
    assert row.rates == (name != "identity")
    if row.rates:
        assert row.apply(x).min(initial=0) >= 0


@given(x=numbers)
def test_normalised_keys_have_unit_length_or_unit_sum(x):
    x = np.where(np.abs(x) < 1e-100, 0, x)  # squares of smaller numbers underflow
    zero = ~x.any(axis=-1)
    length = np.linalg.norm(get_normaliser("l2").apply(x), axis=-1)
    np.testing.assert_allclose(length, np.where(zero, 0, 1), rtol=1e-14)
    total = get_normaliser("sum").apply(np.abs(x)).sum(axis=-1)
    np.testing.assert_allclose(total, np.where(zero, 0, 1), rtol=1e-14)


def test_a_zero_vector_stays_zero_and_its_derivative_finite():
    zero = np.zeros((2, 3))
    for row in NORMALISERS.values():
        f = row.apply(zero)
        assert not f.any()
        assert np.isfinite(row.adjoint(zero, f, np.ones((2, 3)))).all()


def test_dpfp_by_hand():
    # r = [1, 0, 0, 2], rolled by one: [2, 1, 0, 0], by two: [0, 2, 1, 0]
    assert get_feature("dpfp(1)").apply(np.array([1.0, -2.0])).tolist() == [2, 0, 0, 0]
    assert get_feature("dpfp(2)").apply(np.array([1.0, -2.0])).tolist() == [2, 0, 0, 0, 0, 0, 0, 0]
    # r = [1, 3, 0, 0], rolled by one: [0, 1, 3, 0], by three: [3, 0, 0, 1]
    assert get_feature("dpfp(3)").apply(np.array([1.0, 3.0])).tolist() == [0, 3, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]


@pytest.mark.parametrize("nu", [1, 2, 5])
def test_dpfp_has_two_nu_d_features(nu):
    assert get_feature(f"dpfp({nu})").width(16) == 2 * nu * 16
    assert get_feature(f"dpfp({nu})").name == f"dpfp({nu})"


@pytest.mark.parametrize("name", TWINS)
def test_float32_stays_float32(name):
    row = row_of(name)
    x = np.linspace(0.1, 1, 6, dtype=np.float32).reshape(2, 3)
    f = row.apply(x)
    assert f.dtype == np.float32
    assert row.adjoint(x, f, f).dtype == np.float32


def test_large_inputs_do_not_overflow():
    x = np.array([-1e4, 1e4])
    assert get_feature("elu_plus_one").apply(x).tolist() == [0.0, 10001.0]


@pytest.mark.parametrize(
    ("door", "name", "words"),
    [
        (get_feature, "rleu", r"^unknown feature map 'rleu'; did you mean 'relu'\?"),
        (get_feature, "dpfp", r"^unknown feature map 'dpfp'; did you mean 'dpfp\(1\)'\?"),
        (get_feature, "dpfp(0)", r"^nu of dpfp is 0; pass an integer of at least 1"),
        (get_feature, "dpfp(-1)", r"^unknown feature map 'dpfp\(-1\)'"),
        (get_feature, None, r"^unknown feature map None"),
        (get_normaliser, "summ", r"^unknown key normaliser 'summ'; did you mean 'sum'\?"),
        (get_normaliser, 5, r"^unknown key normaliser 5; choose one of 'none', 'l2', 'sum'"),
    ],
)
def test_an_unknown_name_is_refused_with_a_suggestion(door, name, words):
    with pytest.raises(ValueError, match=words):
        door(name)


def test_the_tables_cannot_be_changed():
    with pytest.raises(TypeError):
        features.FEATURES["mine"] = get_feature("relu")
