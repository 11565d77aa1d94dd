"""What the rules of the table have to do with each other, with gradient descent and with groups (exact identities)."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import ROWS, outcome, problem, problems, rounding

import synfwp as fw
from synfwp.rules import RULES

pytestmark = pytest.mark.kernels
seed = st.integers(0, 2**32 - 1)


def run(p, **kwargs):
    return fw.scan(*p.args, **p.kwargs, **kwargs)


# --- linear attention is Hebb ----------------------------------------------------------------------------------------


@given(problems(rows={"linear_attention": fw.LINEAR_ATTENTION}, lead=()))
def test_normalised_linear_attention_is_hebb_and_the_sum_of_keys_that_divides_its_reads(p):
    out, bound = run(p), rounding(p, outcome(p))
    hebb = fw.scan("hebb", p.q, p.k, p.v, W0=p.W0)
    z = p.aux0 + np.cumsum(p.k, axis=0)
    assert np.array_equal(out.W, hebb.W)
    assert np.abs(out.aux - (z[-1] if len(z) else p.aux0)).max() <= bound
    assert np.abs(out.y - hebb.y / np.sum(z * p.q, axis=-1)[:, None]).max(initial=0) <= bound


@given(problems(rows={"hebb": fw.HEBB}, lead=()))
def test_unnormalised_linear_attention_is_hebb(p):
    scores = np.tril(p.q @ p.k.T) * p.beta  # y_t = sum over s <= t of v_s (k_s . q_t)
    assert np.abs(run(p).y - (scores @ p.v + p.q @ p.W0.T)).max(initial=0) <= rounding(p, outcome(p))


@given(problems(rows={"covariance": fw.COVARIANCE}, lead=(), min_T=1))
def test_covariance_is_hebb_with_keys_and_queries_less_the_mean_of_the_keys_before(p):
    """F16"""
    mean, n = p.aux0[:-1], p.aux0[-1]
    means = np.stack([(mean * n + p.k[:t].sum(axis=0)) / (n + t) for t in range(len(p.k) + 1)])
    bound, out = rounding(p, outcome(p)), run(p)
    hebb = fw.scan("hebb", p.q - means[:-1], p.k - means[:-1], p.v, p.beta, W0=p.W0)
    assert np.abs(out.W - hebb.W).max() <= bound
    assert np.abs(out.y - hebb.y).max() <= bound
    assert np.abs(out.aux - np.append(means[-1], n + len(p.k))).max() <= bound


# --- what a step descends --------------------------------------------------------------------------------------------


def bilinear(W, k, v, beta, a):
    return -v @ W @ k


def fading(W, k, v, beta, a):
    """-v W k and a pull of the columns of W towards zero, the weaker the larger their decay."""
    return bilinear(W, k, v, beta, a) + np.sum((1 - a) * np.sum(W * W, axis=0)) / (2 * beta)


def squared(W, k, v, beta, a):
    error = v - W @ k
    return error @ error / 2


def squared_key(W, k, v, beta, a):
    error = k - W.T @ v
    return error @ error / 2


# the loss that a row states, and whether its step starts from the decayed W
LOSSES = {
    "hebb": (bilinear, False),
    "anti_hebb": (lambda *x: -bilinear(*x), False),
    "leaky_hebb": (fading, False),
    "gated_hebb": (fading, False),
    "linear_attention": (bilinear, False),
    "delta": (squared, False),
    "gated_delta": (squared, True),
    "key_gated_delta": (squared, True),
    "oja": (squared_key, False),
    "gated_oja": (squared_key, True),
}


@pytest.mark.parametrize("name", LOSSES)
@given(seed=seed)
def test_one_write_is_one_step_of_gradient_descent_on_the_loss_of_the_row(name, seed):
    row = RULES[name]
    p = problem(row, np.random.default_rng(seed), 1, 3, 2)
    beta, k, v = 1.0 if p.beta is None else p.beta[0], p.k[0], p.v[0]
    assume(beta > 1e-3)
    a = np.ones(()) if p.decay is None else p.decay[0]
    a = a[:, None] if row.error == "key" and row.uses_decay else a * np.ones(3)  # of values, or of keys
    loss, decays = LOSSES[name]
    start = p.W0 * a if decays else p.W0
    slope = np.empty_like(start)
    for i in np.ndindex(start.shape):
        W = start.astype(complex)
        W[i] += 1e-30j
        slope[i] = loss(W, k, v, beta, a).imag / 1e-30
    # the loss has its own roundings, of numbers below 1 / beta
    assert np.abs(run(p).W - (start - beta * slope)).max() <= rounding(p, outcome(p))


def test_every_row_with_a_loss_of_its_own_is_among_them():
    others = {"covariance", "longhorn", "householder", "dplr", "softmax"}  # hebb of other keys, and those below
    others |= {
        "self_referential",
        "momentum_delta",
        "mesa",
    }  # in test_self_referential.py, test_momentum.py, test_mesa.py
    assert set(LOSSES) | others | {x for x in RULES if "product" in x} == set(RULES)
    assert {name for name, row in RULES.items() if not row.loss} == {"dplr", "softmax"}


@given(seed=seed)
def test_covariance_descends_its_loss_in_centred_keys(seed):
    p = problem(fw.COVARIANCE, np.random.default_rng(seed), 1, 3, 2)
    centred = p.k[0] - p.aux0[:-1]
    assert np.abs(run(p).W - (p.W0 + p.beta[0] * np.outer(p.v[0], centred))).max() <= rounding(p, outcome(p))


@given(seed=seed)
def test_a_reflection_is_twice_the_step_to_the_minimum_of_what_the_key_reads(seed):
    p = problem(fw.HOUSEHOLDER, np.random.default_rng(seed), 1, 3, 2)
    least = p.W0 - np.outer(p.W0 @ p.k[0], p.k[0])  # reads nothing by k, and no nearer W does
    assert np.abs(least @ p.k[0]).max() <= rounding(p, outcome(p))
    assert np.abs(run(p).W - (p.W0 + 2 * (least - p.W0))).max() <= rounding(p, outcome(p))


@given(problems(rows={"delta": fw.DELTA}, lead=()))
def test_delta_is_hebb_of_the_target_and_anti_hebb_of_the_prediction(p):
    W, bound = p.W0, rounding(p, outcome(p))
    for t in range(len(p.k)):
        k, v, beta = p.k[t : t + 1], p.v[t : t + 1], p.beta[t : t + 1]
        W = fw.scan("anti_hebb", k, k, (W @ k[0])[None], beta, W0=fw.scan("hebb", k, k, v, beta, W0=W).W).W
    assert np.abs(run(p).W - W).max() <= bound


@given(problems(rows={"delta": fw.DELTA}, lead=(), min_T=1))
def test_anti_hebb_is_hebb_with_the_sign_of_the_values_changed(p):
    one = fw.scan("anti_hebb", *p.args[1:], W0=p.W0)
    two = fw.scan("hebb", p.q, p.k, -p.v, p.beta, W0=p.W0)
    assert np.array_equal(one.W, two.W)
    assert np.array_equal(one.y, two.y)


# --- Longhorn --------------------------------------------------------------------------------------------------------


@given(seed=seed, beta=st.floats(0, 100))
def test_longhorn_is_the_minimum_of_the_distance_moved_and_beta_times_the_squared_error(seed, beta):
    p = problem(fw.LONGHORN, np.random.default_rng(seed), 1, 4, 3).but(beta=np.array([beta]))
    W, k, v = run(p).W, p.k[0], p.v[0]
    # |W - W'|^2 + beta |W k - v|^2 is strictly convex: W (I + beta k k^T) = W' + beta v k^T at its only minimum
    best = np.linalg.solve(np.eye(4) + beta * np.outer(k, k), (p.W0 + beta * np.outer(v, k)).T).T
    # a system of 4 equations of condition number at most 1 + beta, of numbers of order 1 + beta
    assert np.abs(W - best).max() <= 64 * 2.3e-16 * (1 + beta) * (np.abs(p.W0).max() + np.abs(v).max())

    def loss(W):
        return np.sum((W - p.W0) ** 2) + beta * np.sum((W @ k - v) ** 2)

    rng = np.random.default_rng(seed)
    for size in (1e-3, 1.0):
        step = size * rng.standard_normal(W.shape)  # away from the minimum the loss grows by at least |step|^2
        assert loss(W + step) - loss(W) >= np.sum(step**2) * (1 - 1e-6)


@pytest.mark.parametrize("size", [0.1, 1.0, 100.0])
def test_longhorn_stays_bounded_for_every_beta_and_delta_only_up_to_two(size, rng):
    T, d = 200, 4
    k = rng.standard_normal((T, d))
    k *= size / np.linalg.norm(k, axis=-1, keepdims=True)
    start = rng.standard_normal((3, d))
    for beta in (0.1, 2.0, 1e4):
        # nothing new is written, so W may only shrink (200 roundings of 4 numbers)
        W = fw.scan("longhorn", k, k, np.zeros((T, 3)), beta, W0=start).W
        assert np.linalg.norm(W) <= np.linalg.norm(start) * (1 + 1e-12)
    one = np.repeat(k[:1], T, axis=0)
    below, above = (fw.DELTA, 1.99 / size**2), (fw.DELTA, 2.01 / size**2)
    assert np.linalg.norm(fw.scan(below[0], one, one, np.zeros((T, 3)), below[1], W0=start).W) <= np.linalg.norm(start)
    with pytest.warns(RuntimeWarning, match="unstable step"):
        grown = fw.scan(above[0], one, one, np.zeros((T, 3)), above[1], W0=start).W
    assert np.linalg.norm(grown @ k[0]) > 5 * np.linalg.norm(start @ k[0])  # 1.01^200 = 7.3


# --- one key again and again -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["recurrent", "chunkwise", "parallel"])
@pytest.mark.parametrize("beta", [0.1, 0.9, 1.0, 1.5, 2.0])
def test_with_a_repeated_key_the_error_shrinks_by_one_minus_beta_k_squared(form, beta, rng):
    T, k, v = 60, rng.standard_normal(5), rng.standard_normal(3)
    k *= 0.95 / np.linalg.norm(k)
    keys, values = np.tile(k, (T, 1)), np.tile(v, (T, 1))
    error = v - fw.scan("delta", keys, keys, values, beta / 0.95**2, form=form).y
    want = (1 - beta) ** np.arange(1, T + 1)[:, None] * v
    np.testing.assert_allclose(error, want, rtol=0, atol=1e-10)


# --- Oja is delta, transposed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "mirror"), [("oja", "delta"), ("gated_oja", "key_gated_delta")])
@given(seed=seed, T=st.integers(0, 12), d_k=st.integers(1, 7), d_v=st.integers(1, 7))
def test_the_state_of_oja_is_the_transpose_of_delta_with_key_and_value_exchanged(name, mirror, seed, T, d_k, d_v):
    p = problem(ROWS[name], np.random.default_rng(seed), T, d_k, d_v)
    other = fw.scan(mirror, p.v, p.v, p.k, p.beta, decay=p.decay, W0=p.W0.T)
    for form in ("recurrent", "chunkwise"):
        out = run(p, form=form)
        bound = rounding(p, outcome(p)) * (1 + 2 * T)
        assert np.abs(out.W - other.W.T).max() <= bound
        assert T == 0 or np.abs(out.y[-1] - other.W.T @ p.q[-1]).max() <= bound


# --- counting and permuting ------------------------------------------------------------------------------------------


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_a_state_of_one_number_tracks_parity_with_a_beta_of_two(bits):
    key = np.ones((len(bits), 1))
    y = fw.scan("delta", key, key, np.zeros_like(key), np.where(bits, 2.0, 0.0), W0=np.ones((1, 1))).y
    assert y[:, 0].tolist() == [(-1.0) ** n for n in np.cumsum(bits)]


@pytest.mark.parametrize("m", [2, 3, 5, 7, 12])
def test_two_reflections_a_token_are_a_rotation_that_counts_modulo_m(m, rng):
    T, turns = 60, rng.integers(0, m, 60)
    half = np.pi * turns / m  # reflections in two lines at half the angle turn by 2 pi / m for each unit counted
    k = np.zeros((T, 2, 2))
    k[:, 0, 0] = 1
    k[:, 1] = np.stack([np.cos(half), np.sin(half)], axis=-1)
    start = np.array([[1.0, 0.0]])
    states = fw.scan(fw.DELTA_PRODUCT(2), np.zeros((T, 2)), k, np.zeros((T, 2, 1)), 2.0, W0=start, states=1).states[
        :, 0
    ]
    count = np.cumsum(turns)
    want = np.stack([np.cos(2 * np.pi * count / m), np.sin(2 * np.pi * count / m)], axis=-1)
    np.testing.assert_allclose(states, want, atol=120 * 8 * 2.3e-16)  # 120 reflections of two numbers of order 1
    angle = np.arctan2(states[:, 1], states[:, 0]) * m / (2 * np.pi)
    assert (np.round(angle) % m).tolist() == (count % m).tolist()


def swaps(order):
    """At most 4 pairs to exchange, one after the other, that take (0, 1, 2, 3, 4) to ``order``."""
    now, found = [*range(5)], []
    for i in range(5):
        j = now.index(order[i])
        if j != i:
            now[i], now[j] = now[j], now[i]
            found.append((i, j))
    return found


def reflections(order):
    """The unit keys of these exchanges, and how strongly each of the 4 writes: 2, or 0 for one that is not needed."""
    keys, beta = np.zeros((4, 5)), np.zeros(4)
    keys[:, 0] = 1
    for n, (i, j) in enumerate(swaps(order)):
        keys[n] = 0
        keys[n, [i, j]] = 0.5**0.5, -(0.5**0.5)
        beta[n] = 2
    return keys, beta


def test_at_most_four_reflections_a_token_track_the_permutations_of_five_things(rng):
    group = list(itertools.permutations(range(5)))
    assert max(len(swaps(order)) for order in group) == 4
    words = [*group, *(group[i] for i in rng.integers(0, 120, 80))]
    k, beta = (np.stack(x) for x in zip(*(reflections(order) for order in words), strict=True))
    T, row = len(words), fw.DELTA_PRODUCT(4)
    things = np.arange(1.0, 6.0)
    nothing = np.zeros((T, 5)), k, np.zeros((T, 4, 1)), beta
    now, want = things.copy(), []
    for order in words:
        now = now[list(order)]
        want.append(now)
    for form in ("recurrent", "chunkwise"):
        states = fw.scan(row, *nothing, W0=things[None], states=1, form=form).states[:, 0]
        # 800 reflections of five numbers below 6; the things are whole numbers, so nothing is near a border
        np.testing.assert_allclose(states, want, atol=800 * 16 * 2.3e-16 * 6)
    assert not fw.scan(row, *nothing).W.any()  # a state of zero stays zero


def test_householder_by_name_does_the_same_one_reflection_a_token():
    order = (2, 0, 1, 4, 3)
    k, beta = reflections(order)
    k = k[beta > 0]
    W = fw.scan("householder", np.zeros_like(k), k, None, W0=np.arange(1.0, 6.0)[None]).W
    np.testing.assert_allclose(W[0], np.arange(1.0, 6.0)[list(order)], atol=4 * 16 * 2.3e-16 * 6)
