"""The table of rules: rows check themselves, transitions have the spectra they state, steps descend their losses."""

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import OWN, ROWS, problem, problems, rounding, twin

import synfwp as fw
from synfwp import rules
from synfwp.rules import RULES, Rule, transition

seed = st.integers(0, 2**32 - 1)


# --- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "kind", "words"),
    [
        ({"retain": "row"}, ValueError, r"^unknown retain 'row'; .*'scalar', 'key'"),
        ({"order": "decay_frist"}, ValueError, r"^unknown order 'decay_frist'; did you mean 'decay_first'\?"),
        ({"erase": "bta"}, ValueError, r"^unknown erase 'bta'; did you mean 'beta'\?"),
        ({"write": "alpha"}, ValueError, r"^unknown write 'alpha'"),
        ({"write": float("nan")}, ValueError, r"^write is nan; pass a finite number"),
        ({"erase": [1]}, TypeError, r"^erase is \[1\]; pass a number"),
    ],
)
def test_a_row_refuses_a_coefficient_it_cannot_mean(field, kind, words):
    with pytest.raises(kind, match=words):
        Rule(name="wrong", **field)


def test_a_misspelt_field_of_a_row_is_refused():
    with pytest.raises(TypeError, match="retian"):
        Rule(name="wrong", retian="scalar")


def test_rows_are_frozen_named_by_their_key_and_public():
    with pytest.raises(dataclasses.FrozenInstanceError):
        fw.DELTA.erase = None
    for name, row in RULES.items():
        assert row.name == name
        assert getattr(fw, name.upper()) is row
        assert fw.get_rule(name) is row
        assert fw.get_rule(row) is row
        assert row.equation
        assert row.loss
        assert row.eigenvalues
        assert row.biology
        assert row.cite


def test_the_table_has_the_coefficients_of_the_papers():
    want = {  # retain, erase, write of DESIGN section 3; every one of these rows decays first
        "hebb": (None, None, "beta"),
        "anti_hebb": (None, None, "-beta"),
        "leaky_hebb": ("scalar", None, "beta"),
        "gated_hebb": ("key", None, "beta"),
        "delta": (None, "beta", "beta"),
        "gated_delta": ("scalar", "beta", "beta"),
        "key_gated_delta": ("key", "beta", "beta"),
    }
    assert {name: (row.retain, row.erase, row.write) for name, row in RULES.items()} == want
    assert {row.order for row in RULES.values()} == {"decay_first"}


def test_the_printed_table_has_a_line_of_equal_width_for_every_row():
    head, line, *rest = rules.table().splitlines()
    assert [text.split("`")[1] for text in rest] == list(RULES)
    assert len({head.count(" | "), *(text.count(" | ") for text in rest)}) == 1
    assert line.count("-|") == head.count(" | ") + 1


# --- transitions -----------------------------------------------------------------------------------------------------


def one_step(row, draw_seed, d=5, d_v=4):
    """A stable step of a row: k, beta, decay and W, v."""
    p = problem(row, np.random.default_rng(draw_seed), 1, d, d_v)
    return p, {"beta": 1.0 if p.beta is None else p.beta[0], "decay": None if p.decay is None else p.decay[0]}


@pytest.mark.kernels
@pytest.mark.parametrize("name", ROWS)
@given(seed=seed)
def test_the_transition_is_what_the_kernel_does_to_W(name, seed):
    p, gates = one_step(ROWS[name], seed)
    p = p.but(v=np.zeros_like(p.v))
    moved = p.W0 @ transition(p.rule, p.k[0], **gates)
    assert np.abs(fw.scan(*p.args, **p.kwargs).W - moved).max() <= rounding(p, p.W0)


# rounding of the eigenvalues of a 5 x 5 matrix of norm below 2: a few eps each (symmetric, or similar to one)
SPECTRUM = {"atol": 1e-13, "rtol": 0}


@given(seed=seed, beta=st.floats(0, 4))
def test_the_spectrum_of_delta_is_one_and_one_minus_beta_k_squared(seed, beta):
    k = np.random.default_rng(seed).standard_normal(5)
    along = 1 - beta * (k @ k)
    found = np.linalg.eigvalsh(transition("delta", k, beta))
    np.testing.assert_allclose(found, np.sort([along, 1, 1, 1, 1]), rtol=1e-13, atol=1e-13)


@given(seed=seed, beta=st.floats(0, 4), a=st.floats(0, 1))
def test_the_spectrum_of_gated_delta_is_a_times_that_of_delta(seed, beta, a):
    k = np.random.default_rng(seed).standard_normal(5)
    along = a * (1 - beta * (k @ k))
    found = np.linalg.eigvalsh(transition("gated_delta", k, beta, a))
    np.testing.assert_allclose(found, np.sort([along, a, a, a, a]), rtol=1e-13, atol=1e-13)


@pytest.mark.kernels
@pytest.mark.parametrize("head", range(8))
def test_every_eigenvalue_of_retnet_is_one_minus_two_to_the_minus_five_minus_h(head, rng):
    a = 1 - 2.0 ** (-5 - head)
    p = problem(fw.LEAKY_HEBB, rng, 1, 4, 4)
    np.testing.assert_allclose(np.linalg.eigvalsh(transition("leaky_hebb", p.k[0], decay=a)), a, **SPECTRUM)
    zero = np.zeros_like(p.k)
    assert np.array_equal(fw.scan("leaky_hebb", zero, zero, p.v, decay=a, W0=np.eye(4)).W, a * np.eye(4))


@given(seed=seed)
def test_the_spectrum_of_gated_hebb_is_its_decays_and_hebb_keeps_all(seed):
    p, gates = one_step(fw.GATED_HEBB, seed)
    np.testing.assert_allclose(np.linalg.eigvals(transition(p.rule, p.k[0], **gates)), gates["decay"], **SPECTRUM)
    assert np.array_equal(transition("hebb", p.k[0]), np.eye(5))


@given(seed=seed, beta=st.floats(0, 2))
def test_the_spectrum_of_key_gated_delta_interlaces_its_decays(seed, beta):
    p, gates = one_step(fw.KEY_GATED_DELTA, seed)
    found = np.sort(np.linalg.eigvals(transition(p.rule, p.k[0], beta, gates["decay"])).real)
    decays = np.sort(gates["decay"])
    # taking away a matrix of rank one moves every eigenvalue down, past the next lower one at most (Weyl)
    assert np.all(found <= decays + 1e-13)
    assert np.all(found[1:] >= decays[:-1] - 1e-13)


GROW = {
    row.name: row
    for row in (
        Rule(name="adds what it predicts", erase="-beta"),
        Rule(name="adds, decay first", retain="key", erase="-beta"),
        Rule(name="adds, undecayed", retain="scalar", erase="-beta", order="undecayed"),
        Rule(name="adds a number", retain="key", erase=-0.5, order="undecayed"),
    )
}
ERASING = {name: row for name, row in {**ROWS, **GROW}.items() if row.erase is not None}


@pytest.mark.parametrize("name", ERASING)
@given(seed=seed, size=st.floats(0.1, 3))
def test_a_step_is_past_its_bound_where_an_eigenvalue_leaves_minus_one_to_one(name, seed, size):
    row = ERASING[name]
    p, gates = one_step(row, seed)
    k = p.k * size
    ratio = rules.step_ratio(row, k, np.ones(1) * gates["beta"], p.decay)
    spectrum = np.linalg.eigvals(transition(row, k[0], **gates))
    assert np.abs(spectrum.imag).max() <= 1e-7  # similar to a symmetric matrix; a zero decay makes eigenvalues meet
    low, high = spectrum.real.min(), spectrum.real.max()
    assume(abs(ratio - 1) > 1e-9)  # at the bound rounding decides
    assert (ratio > 1) == (low < -1 or high > 1 + 1e-12)  # 1 itself is kept by every direction that k does not touch


@pytest.mark.parametrize("row", [fw.DELTA, fw.GATED_DELTA, fw.KEY_GATED_DELTA, OWN["undecayed delta"]])
def test_steps_on_both_sides_of_the_bound_were_among_them(row):
    ratios = []
    for draw_seed in range(50):
        p, gates = one_step(row, draw_seed)
        ratios += [rules.step_ratio(row, p.k * s, np.ones(1) * gates["beta"], p.decay) for s in (0.1, 3.0)]
    assert 10 < sum(ratio > 1 for ratio in ratios) < 90


def test_the_worst_step_of_many_decides_and_no_step_is_no_ratio(rng):
    p = problem(fw.KEY_GATED_DELTA, rng, 6, 3, 2, (4,))
    each = [
        rules.step_ratio(p.rule, p.k[i : i + 1, t : t + 1], p.beta[i : i + 1, t : t + 1], p.decay[i : i + 1, t : t + 1])
        for i in range(4)
        for t in range(6)
    ]
    assert rules.step_ratio(p.rule, p.k, p.beta, p.decay) == pytest.approx(max(each), rel=1e-14)
    assert rules.step_ratio(p.rule, p.k[:0], p.beta[:0], p.decay[:0]) == 0
    assert rules.step_ratio(fw.GATED_HEBB, 1e9 * p.k, p.beta, p.decay) == 0


# --- A3 and A4: what a step descends ---------------------------------------------------------------------------------


def bilinear(W, k, v, beta, a):
    return -v @ W @ k


def fading(W, k, v, beta, a):
    """-v W k and a pull of the columns of W towards zero, the weaker the larger their decay."""
    return bilinear(W, k, v, beta, a) + np.sum((1 - a) * np.sum(W * W, axis=0)) / (2 * beta)


def squared(W, k, v, beta, a):
    error = v - W @ k
    return error @ error / 2


# the loss that a row states, and whether its step starts from the decayed W
LOSSES = {
    "hebb": (bilinear, False),
    "anti_hebb": (lambda *x: -bilinear(*x), False),
    "leaky_hebb": (fading, False),
    "gated_hebb": (fading, False),
    "delta": (squared, False),
    "gated_delta": (squared, True),
    "key_gated_delta": (squared, True),
}


@pytest.mark.kernels
@pytest.mark.parametrize("name", RULES)
@given(seed=seed)
def test_one_write_is_one_step_of_gradient_descent_on_the_loss_of_the_row(name, seed):
    p, gates = one_step(RULES[name], seed, d=3, d_v=2)
    beta, k, v = gates["beta"], p.k[0], p.v[0]
    assume(beta > 1e-3)
    a = np.ones(3) if gates["decay"] is None else gates["decay"] * np.ones(3)
    loss, decays = LOSSES[name]
    start = p.W0 * a if decays else p.W0
    slope = np.empty_like(start)
    for i in np.ndindex(start.shape):
        W = start.astype(complex)
        W[i] += 1e-30j
        slope[i] = loss(W, k, v, beta, a).imag / 1e-30
    # the loss has its own roundings, of numbers below 1 / beta
    assert np.abs(fw.scan(*p.args, **p.kwargs).W - (start - beta * slope)).max() <= rounding(p, p.W0)


@pytest.mark.kernels
@given(problems(rows={"delta": fw.DELTA}, lead=()))
def test_delta_is_hebb_of_the_target_and_anti_hebb_of_the_prediction(p):
    W, bound = p.W0, rounding(p, twin(p)[1])
    for t in range(len(p.k)):
        k, v, beta = p.k[t : t + 1], p.v[t : t + 1], p.beta[t : t + 1]
        W = fw.scan("anti_hebb", k, k, (W @ k[0])[None], beta, W0=fw.scan("hebb", k, k, v, beta, W0=W).W).W
    assert np.abs(fw.scan(*p.args, **p.kwargs).W - W).max() <= bound


@pytest.mark.kernels
@given(problems(rows={"delta": fw.DELTA}, lead=(), min_T=1))
def test_anti_hebb_is_hebb_with_the_sign_of_the_values_changed(p):
    one = fw.scan("anti_hebb", *p.args[1:], W0=p.W0)
    two = fw.scan("hebb", p.q, p.k, -p.v, p.beta, W0=p.W0)
    assert np.array_equal(one.W, two.W)
    assert np.array_equal(one.y, two.y)
