"""Transitions, their eigenvalues, products and exponents against closed forms and explicit products."""

import numpy as np
import pytest

import synfwp as fw
from synfwp import dynamics
from synfwp.rules import RULES

D_K, D_V, T = 5, 3, 7


def sent(rng, rule, T=T):
    """Arguments of scan for a rule of the table that has transitions, as a dict."""
    several = rule.writes > 1
    shape = (T, rule.writes) if several else (T,)
    k = rng.standard_normal((*shape, D_K))
    k *= rng.uniform(0.6, 1.1, (*shape, 1)) / np.linalg.norm(k, axis=-1, keepdims=True)
    if rule.name == "householder":
        k /= np.linalg.norm(k, axis=-1, keepdims=True)
    found = {"k": k}
    if rule.uses_values:
        v = rng.standard_normal((*shape, D_V))
        found["v"] = v / np.linalg.norm(v, axis=-1, keepdims=True)
    if rule.uses_beta:
        found["beta"] = rng.uniform(0.2, 1.2, shape)
    if rule.retain == "scalar":
        found["decay"] = rng.uniform(0.5, 1.0, T)
    if rule.retain == "key":
        most = 0.7 if rule.uses_pair else 1.0
        found["decay"] = rng.uniform(0.5, most, (T, D_V if rule.error == "key" else D_K))
    if rule.uses_pair:
        p, r = rng.standard_normal((2, T, D_K))
        p, r = (x / np.linalg.norm(x, axis=-1, keepdims=True) for x in (p, r))
        found["erase"] = p, 0.3 * r
    if rule.uses_momentum:
        found["momentum"] = rng.uniform(0.3, 0.8, T)
    return found


def started(rule, found, W0, aux0=None):
    """The W that a rule leaves of a W0."""
    given = dict(found)
    k = given.pop("k")
    q = np.zeros_like(k[:, 0] if rule.writes > 1 else k)
    if rule.uses_ridge:
        given["ridge"] = np.ones(D_K)
    v = given.pop("v", None)
    return fw.scan(rule, q, k, v, given.pop("beta", None), W0=W0, aux0=aux0, **given)


LINEAR = [row for row in RULES.values() if row.solver in ("linear", "momentum")]


@pytest.mark.parametrize("rule", LINEAR, ids=lambda row: row.name)
def test_the_product_of_transitions_is_what_a_run_makes_of_the_weights_it_started_with(rule, rng):
    found = sent(rng, rule)
    M = dynamics.transition_matrices(rule, **found)
    W0 = rng.standard_normal((D_V, D_K))
    zero = np.zeros_like(W0)
    if rule.uses_momentum:
        M0 = rng.standard_normal((D_V, D_K))
        one, other = started(rule, found, W0, M0), started(rule, found, zero, zero)
        apart = np.concatenate([one.W - other.W, one.aux - other.aux], axis=1)
        start = np.concatenate([W0, M0], axis=1)
    else:
        apart, start = started(rule, found, W0).W - started(rule, found, zero).W, W0
    product = dynamics.ordered_product(M)
    made = (start.T @ product).T if rule.error == "key" else start @ product
    np.testing.assert_allclose(made, apart, atol=1e-12)  # rounding of T products


@pytest.mark.parametrize("rule", LINEAR, ids=lambda row: row.name)
def test_one_transition_of_a_rule_is_the_response_of_one_token(rule, rng):
    found = sent(rng, rule, T=1)
    M = dynamics.transition_matrices(rule, **found)
    if rule.error == "key" or rule.uses_momentum:
        pytest.skip("its state is not W alone, or stands on the other side")
    rows = np.eye(D_K)
    given = found | ({"v": np.zeros((*found["v"].shape[:-1], D_K))} if "v" in found else {})
    np.testing.assert_allclose(started(rule, given, rows).W, M[0], atol=1e-14)


def eigenvalues(rule, found):
    """What TARGETS and the row of the rule have, by modulus."""
    a = found.get("decay", np.ones(T))
    size = np.square(found["k"]).sum(axis=-1)
    rest = D_K - 1
    if rule.name in ("delta", "gated_delta", "longhorn", "householder"):
        b = found.get("beta", np.full(T, 2.0))
        b = b / (1 + b * size) if rule.name == "longhorn" else b
        return np.concatenate([np.repeat(a[:, None], rest, axis=1), (a * (1 - b * size))[:, None]], axis=1)
    if rule.name == "momentum_delta":
        mu, b = found["momentum"], found["beta"]
        pairs = np.array([np.roots([1, -(a[t] + mu[t] - b[t] * size[t]), a[t] * mu[t]]) for t in range(T)])
        kept = np.stack([a] * rest + [mu] * rest, axis=1)
        return np.concatenate([kept, pairs], axis=1)
    if rule.name == "oja":
        b, size = found["beta"], np.square(found["v"]).sum(axis=-1)
        return np.concatenate([np.ones((T, D_V - 1)), (1 - b * size)[:, None]], axis=1)
    if rule.retain == "scalar" or rule.name == "mesa":
        return np.repeat(a[:, None], D_K, axis=1)
    return a if rule.retain == "key" else np.ones((T, D_K))


CLOSED = [
    "hebb", "anti_hebb", "leaky_hebb", "gated_hebb", "linear_attention", "covariance", "delta", "gated_delta",
    "longhorn", "householder", "oja", "momentum_delta", "mesa",
]  # fmt: skip


@pytest.mark.parametrize("name", CLOSED)
def test_eigenvalues_are_those_of_the_row(name, rng):
    rule = RULES[name]
    found = sent(rng, rule)
    values = dynamics.transition_eigenvalues(dynamics.transition_matrices(rule, **found))
    expected = eigenvalues(rule, found).astype(complex)
    for one, other in zip(values, expected, strict=True):
        # as coefficients of the characteristic polynomial, which no order of the eigenvalues changes
        np.testing.assert_allclose(np.poly(one), np.poly(other), atol=1e-10)


@pytest.mark.parametrize("name", ["key_gated_delta", "dplr", "gated_oja", "delta_product(2)", "gated_delta_product(2)"])
def test_other_eigenvalues_have_the_determinant_of_the_closed_form(name, rng):
    rule = RULES[name]
    found = sent(rng, rule)
    values = dynamics.transition_eigenvalues(dynamics.transition_matrices(rule, **found))
    k, b, a = found["k"], found["beta"], found.get("decay", np.ones(T))
    if name == "dplr":
        p, r = found["erase"]
        expected = a.prod(axis=1) * (1 - (p * r / a).sum(axis=1))
    elif rule.writes > 1:
        expected = a**D_K * (1 - b * np.square(k).sum(axis=-1)).prod(axis=1)
    else:
        x = found["v"] if rule.error == "key" else k
        expected = a.prod(axis=1) * (1 - b * np.square(x).sum(axis=-1))
    np.testing.assert_allclose(values.prod(axis=-1).real, expected, atol=1e-12)
    np.testing.assert_allclose(values.prod(axis=-1).imag, 0, atol=1e-12)


def test_products_of_two_reflections_rotate(rng):
    # A8: rotation by 2 pi / m as two Householder writes of one token
    m = 5
    half = np.pi / m
    k = np.array([[[1.0, 0.0], [np.cos(half), np.sin(half)]]])
    M = dynamics.transition_matrices("delta_product(2)", k, np.zeros((1, 2, 1)), np.full((1, 2), 2.0))
    values = dynamics.transition_eigenvalues(M)[0]
    np.testing.assert_allclose(np.sort(np.angle(values)), [-2 * half, 2 * half], atol=1e-12)


def test_retnet_heads_decay_by_powers_of_two():
    found = [
        dynamics.transition_eigenvalues(dynamics.transition_matrices("leaky_hebb", np.ones((1, 3)), decay=[a]))
        for a in 1 - 2.0 ** (-5 - np.arange(4))
    ]
    np.testing.assert_array_equal(np.array(found)[:, 0, 0].real, 1 - 2.0 ** (-5 - np.arange(4)))


# --- products and exponents ------------------------------------------------------------------------------------------


def test_the_exponents_of_the_delta_rule_sum_to_the_expected_log_of_what_a_key_keeps(rng):
    d, n, beta = 8, 4000, 0.3
    k = rng.standard_normal((n, d)) / d**0.5
    M = dynamics.transition_matrices("delta", k, beta=np.full(n, beta))
    rates = dynamics.lyapunov_exponents(M)
    each = np.log(np.abs(1 - beta * np.square(k).sum(axis=1)))
    np.testing.assert_allclose(rates.sum(), each.mean(), atol=1e-12)  # det of a product
    # |k|^2 is chi-squared of d degrees over d: its expectation by numbers
    from scipy import integrate, stats

    density = stats.chi2(d)
    expected = integrate.quad(
        lambda s: density.pdf(s) * np.log(abs(1 - beta * s / d)), 0, 60, points=[d / beta], limit=200
    )[0]
    assert abs(rates.sum() - expected) < 3 * each.std(ddof=1) / n**0.5
    assert abs(rates.sum() - 1.1 * expected) > 3 * each.std(ddof=1) / n**0.5  # the test sees a wrong beta


def test_exponents_of_random_unit_keys_are_equal_in_the_mean_and_those_of_one_key_are_not(rng):
    d, n = 6, 3000
    k = rng.standard_normal((n, d))
    k /= np.linalg.norm(k, axis=1, keepdims=True)
    M = dynamics.transition_matrices("delta", k, beta=np.full(n, 0.5))
    np.testing.assert_allclose(dynamics.lyapunov_exponents(M).sum(), np.log(0.5), atol=1e-12)
    same = dynamics.transition_matrices("delta", np.repeat(k[:1], n, axis=0), beta=np.full(n, 0.5))
    expected = np.append(np.zeros(d - 1), np.log(0.5))
    # directions turn into those of the key within some tokens of n
    np.testing.assert_allclose(dynamics.lyapunov_exponents(same), expected, atol=3 / n)


def test_exponents_are_those_of_an_explicit_product(rng):
    M = rng.standard_normal((3, 200, 2, 2))
    rates = dynamics.lyapunov_exponents(M)
    for one, series in zip(rates, M, strict=True):
        product, log = np.eye(2), 0.0
        for matrix in series:
            product = product @ matrix
            log += np.log(np.linalg.norm(product))
            product /= np.linalg.norm(product)
        assert one[0] == pytest.approx(log / 200, abs=1.0 / 200)  # of the direction in which it starts: O(1) of T
        determinant = np.log(np.abs(np.linalg.det(series))).mean()
        assert one.sum() == pytest.approx(determinant, abs=1e-12)


def test_a_step_that_erases_all_of_a_key_is_singular_and_the_rank_is_kept(rng):
    d, n = 6, 40
    k = rng.standard_normal((n, d))
    k /= np.linalg.norm(k, axis=1, keepdims=True)
    M = dynamics.transition_matrices("delta", k)
    rates = dynamics.lyapunov_exponents(M)
    assert np.isfinite(rates).sum() == d - 1  # each step ends what the one before has left of one direction
    assert np.linalg.matrix_rank(dynamics.ordered_product(M[:4])) == d - 1
    both = np.concatenate([np.stack([np.eye(d)[0], np.eye(d)[1]]), k])
    rates = dynamics.lyapunov_exponents(dynamics.transition_matrices("delta", both))
    assert np.isfinite(rates).sum() == d - 2  # orthogonal keys end two
    orthogonal = dynamics.lyapunov_exponents(dynamics.transition_matrices("delta", np.eye(d)))
    assert (orthogonal == -np.inf).all()
    np.testing.assert_allclose(dynamics.ordered_product(dynamics.transition_matrices("delta", np.eye(d))), 0)
    run = fw.simulate("delta", fw.Instructions(k, k, k), states=4)
    assert int(fw.spectra(run).product_rank) == d - 1


def test_a_leaky_memory_has_the_time_constant_of_its_decay(rng):
    k = rng.standard_normal((30, 4))
    for a in (0.5, 0.9, 0.99):
        rates = dynamics.lyapunov_exponents(dynamics.transition_matrices("leaky_hebb", k, decay=np.full(30, a)))
        np.testing.assert_allclose(dynamics.time_constants(rates), -1 / np.log(a), rtol=1e-12)
    assert dynamics.time_constants([0.0, -np.inf, 0.5]).tolist() == [np.inf, 0.0, -2.0]


def test_sizes_of_matrices_with_known_singular_values(rng):
    left, right = (np.linalg.qr(rng.standard_normal((6, 6)))[0] for _ in range(2))
    s = np.array([4.0, 2.0, 1.0, 1.0, 0.0, 0.0])
    W = left @ np.diag(s) @ right
    p = s[:4] / s.sum()
    assert float(dynamics.effective_rank(W)) == pytest.approx(np.exp(-(p * np.log(p)).sum()), rel=1e-10)
    assert float(dynamics.participation_ratio(W)) == pytest.approx((16 + 4 + 2) ** 2 / (256 + 16 + 2), rel=1e-12)
    assert float(dynamics.participation_ratio(1e200 * W)) == pytest.approx(float(dynamics.participation_ratio(W)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dynamics.transition_matrices("softmax", np.ones((2, 3))), "keeps all pairs"),
        (lambda: dynamics.transition_matrices("self_referential", np.ones((2, 3))), "W itself sends"),
        (lambda: dynamics.transition_matrices("oja", np.ones((2, 3))), "pass v"),
        (lambda: dynamics.transition_matrices("delta", np.ones(3)), "pass \\(..., T, d_k\\)"),
        (lambda: dynamics.transition_matrices("delta", np.ones((2, 3)), np.ones((2, 4)), np.ones((2, 4))), "each row"),
        (lambda: dynamics.lyapunov_exponents(np.ones((3, 3))), "matrices of tokens"),
        (lambda: dynamics.lyapunov_exponents(np.ones((0, 3, 3))), "no token"),
        (lambda: dynamics.ordered_product(np.ones((2, 3, 4))), "square"),
        (lambda: dynamics.transition_eigenvalues(np.full((2, 2), np.nan)), "finite"),
        (lambda: dynamics.time_constants([np.nan]), "NaN"),
        (lambda: dynamics.effective_rank(np.ones(3)), "matrices"),
    ],
)
def test_what_is_no_series_of_transitions_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
