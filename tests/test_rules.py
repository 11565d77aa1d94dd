"""The table of rules: rows check themselves, transitions have the spectra they state."""

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import OWN, RECURRENT, outcome, problem, rounding

import synfwp as fw
from synfwp import rules, theory
from synfwp.rules import RULES, Rule
from synfwp.theory import transition

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
        ({"write": "pair"}, ValueError, r"^unknown write 'pair'"),
        ({"read": "befor"}, ValueError, r"^unknown read 'befor'; did you mean 'before'\?"),
        ({"error": "keys"}, ValueError, r"^unknown error 'keys'; did you mean 'key'\?"),
        ({"forms": ("chunk",)}, ValueError, r"^unknown form 'chunk'; .*'chunkwise'"),
        ({"writes": 0}, ValueError, r"^writes is 0; pass an integer of at least 1"),
        ({"writes": 1.5}, TypeError, r"^writes is 1\.5; pass an integer"),
        (
            {"error": "key", "erase": "pair"},
            ValueError,
            r"^rule 'wrong' predicts the key; it takes neither erase='pair'",
        ),
        ({"error": "key", "normalised": True}, ValueError, r"^rule 'wrong' predicts the key; .*normalised=True"),
        (
            {"solver": "self_referential"},
            ValueError,
            r"^rule 'wrong' has the solver 'self_referential' but its erase is None; pass erase='beta'\.$",
        ),
        (
            {"solver": "self_referential", "erase": "beta", "read": "before", "forms": ("chunkwise",)},
            ValueError,
            r"^unknown form 'chunkwise'; .*'recurrent'",
        ),
        ({"solver": "newton"}, ValueError, r"^unknown solver 'newton'; "),
        ({"solver": "mesa", "retain": "key"}, ValueError, r"its retain is 'key'; pass retain=None or 'scalar'\.$"),
        ({"solver": "momentum", "erase": "beta"}, ValueError, r"its order is 'decay_first'; pass order='undecayed'\.$"),
        ({"solver": "softmax", "write": 1.0}, ValueError, r"its write is 1\.0; pass write=None\.$"),
        ({"centred": True, "normalised": True}, ValueError, r"^rule 'wrong' is centred and normalised"),
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
        constant = fw.DELTA_PRODUCT(2, gated=name.startswith("gated")) if "(" in name else getattr(fw, name.upper())
        assert constant == row == fw.get_rule(name)
        assert fw.get_rule(row) is row
        assert row.equation
        assert row.eigenvalues or name == "softmax"
        assert row.loss or name in ("softmax", "dplr")
        assert row.biology
        assert row.cite


def test_the_table_has_the_coefficients_of_the_papers():
    want = {  # retain, erase, write of the papers, and the fields that are not as usual
        "hebb": (None, None, "beta", {}),
        "anti_hebb": (None, None, "-beta", {}),
        "leaky_hebb": ("scalar", None, "beta", {}),
        "gated_hebb": ("key", None, "beta", {}),
        "linear_attention": (None, None, 1.0, {"normalised": True}),
        "covariance": (None, None, "beta", {"centred": True}),
        "delta": (None, "beta", "beta", {}),
        "gated_delta": ("scalar", "beta", "beta", {}),
        "key_gated_delta": ("key", "beta", "beta", {}),
        "longhorn": (None, "proximal", "proximal", {}),
        "householder": (None, 2.0, None, {}),
        "delta_product(2)": (None, "beta", "beta", {"writes": 2}),
        "gated_delta_product(2)": ("scalar", "beta", "beta", {"writes": 2}),
        "dplr": ("key", "pair", "beta", {"order": "undecayed"}),
        "oja": (None, "beta", "beta", {"error": "key"}),
        "gated_oja": ("key", "beta", "beta", {"error": "key"}),
        "self_referential": (None, "beta", "beta", {"read": "before", "solver": "self_referential"}),
        "momentum_delta": ("scalar", "beta", "beta", {"order": "undecayed", "solver": "momentum"}),
        "mesa": ("scalar", None, "beta", {"solver": "mesa"}),
        "softmax": (None, None, None, {"solver": "softmax"}),
    }
    plain = {
        "order": "decay_first",
        "read": "after",
        "error": "value",
        "writes": 1,
        "centred": False,
        "normalised": False,
        "solver": "linear",
    }
    found = {}
    for name, row in RULES.items():
        unusual = {field: getattr(row, field) for field, usual in plain.items() if getattr(row, field) != usual}
        found[name] = (row.retain, row.erase, row.write, unusual)
    assert found == want


def test_delta_product_has_a_row_for_every_n_by_name_too():
    for n in (1, 2, 5):
        assert fw.get_rule(f"delta_product({n})") == fw.DELTA_PRODUCT(n)
        assert fw.get_rule(f"gated_delta_product({n})") == fw.DELTA_PRODUCT(n, gated=True)
        assert fw.DELTA_PRODUCT(n).writes == n


def test_the_printed_table_has_a_line_of_equal_width_for_every_row():
    head, line, *rest = rules.table().splitlines()
    assert [text.split("`")[1] for text in rest] == list(RULES)
    assert len({head.count(" | "), *(text.count(" | ") for text in rest)}) == 1
    assert line.count("-|") == head.count(" | ") + 1
    assert "$$" not in rules.table()  # a row without a loss has an empty cell


# --- transitions -----------------------------------------------------------------------------------------------------


def one_step(row, draw_seed, d=5, d_v=4):
    """A stable step of a row: k, beta, decay and W, v."""
    p = problem(row, np.random.default_rng(draw_seed), 1, d, d_v)
    gates = {"beta": 1.0 if p.beta is None else p.beta[0], "decay": None if p.decay is None else p.decay[0]}
    return p, gates | ({"erase": (p.p[0], p.r[0])} if row.uses_pair else {})


SINGLE_WRITES = {name: row for name, row in RECURRENT.items() if row.writes == 1 and row.solver == "linear"}


@pytest.mark.kernels
@pytest.mark.parametrize("name", SINGLE_WRITES)
@given(seed=seed)
def test_the_transition_is_what_the_kernel_does_to_W(name, seed):
    p, gates = one_step(SINGLE_WRITES[name], seed)
    if p.rule.error == "key":
        p = p.but(k=np.zeros_like(p.k))
        moved = transition(p.rule, p.v[0], **gates).T @ p.W0
    else:
        p = p if p.v is None else p.but(v=np.zeros_like(p.v))
        moved = p.W0 @ transition(p.rule, p.k[0], **gates)
    assert np.abs(fw.scan(*p.args, **p.kwargs).W - moved).max() <= rounding(p, outcome(p))


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


@given(seed=seed)
def test_hebbs_with_other_keys_or_reads_keep_all(seed):
    for row in (fw.ANTI_HEBB, fw.LINEAR_ATTENTION, fw.COVARIANCE):
        p, gates = one_step(row, seed)
        assert np.array_equal(transition(row, p.k[0], **gates), np.eye(5))


@given(seed=seed, beta=st.floats(0, 1e3))
def test_the_spectrum_of_longhorn_is_one_and_one_over_one_plus_beta_k_squared(seed, beta):
    k = np.random.default_rng(seed).standard_normal(5)
    found = np.linalg.eigvalsh(transition("longhorn", k, beta))
    np.testing.assert_allclose(found, [1 / (1 + beta * (k @ k)), 1, 1, 1, 1], **SPECTRUM)


@given(seed=seed)
def test_the_spectrum_of_a_reflection_is_one_and_minus_one(seed):
    p, _ = one_step(fw.HOUSEHOLDER, seed)
    np.testing.assert_allclose(np.linalg.eigvalsh(transition(p.rule, p.k[0])), [-1, 1, 1, 1, 1], **SPECTRUM)


@given(seed=seed)
def test_the_characteristic_polynomial_of_dplr_is_that_of_a_diagonal_less_a_matrix_of_rank_one(seed):
    p, gates = one_step(fw.DPLR, seed)
    a, (first, second) = gates["decay"], gates["erase"]
    M = transition(p.rule, p.k[0], **gates)
    for x in (-2.0, 1.5, 3.0):  # det(x - diag(a) + p r^T), by the matrix determinant lemma
        want = np.prod(x - a) * (1 + np.sum(first * second / (x - a)))
        np.testing.assert_allclose(np.linalg.det(x * np.eye(5) - M), want, rtol=1e-12)


def carried(p):
    """What one token of a row does to W: the last W from W_0 = 1, with nothing written."""
    nothing = {"k": np.zeros_like(p.k)} if p.rule.error == "key" else {"v": np.zeros_like(p.v)}
    return fw.scan(*p.but(**nothing).args, **{**p.kwargs, "W0": np.eye(p.q.shape[-1])}).W


@pytest.mark.kernels
@given(seed=seed, angle=st.floats(0, np.pi), a=st.floats(0, 1))
def test_the_spectrum_of_two_reflections_is_a_rotation_by_twice_the_angle_between_their_keys(seed, angle, a):
    plane = np.linalg.qr(np.random.default_rng(seed).standard_normal((4, 2)))[0].T
    k = np.stack([plane[0], np.cos(angle) * plane[0] + np.sin(angle) * plane[1]])
    for row, scale in ((fw.DELTA_PRODUCT(2), 1.0), (fw.DELTA_PRODUCT(2, gated=True), a)):
        decay = np.full(1, a) if row.uses_decay else None
        p = problem(row, np.random.default_rng(seed), 1, 4, 4).but(k=k[None], beta=np.full((1, 2), 2.0), decay=decay)
        M = carried(p)
        # eigenvalues scale * (1, 1, e^2ia, e^-2ia): the invariants, since equal eigenvalues are known to sqrt(eps) only
        np.testing.assert_allclose(np.trace(M), scale * (2 + 2 * np.cos(2 * angle)), **SPECTRUM)
        np.testing.assert_allclose(M @ M.T, scale**2 * np.eye(4), **SPECTRUM)
        np.testing.assert_allclose(np.linalg.det(M), scale**4, **SPECTRUM)


@pytest.mark.kernels
@given(seed=seed)
def test_the_spectrum_of_delta_product_with_keys_at_right_angles_is_that_of_each_write(seed):
    p = problem(fw.DELTA_PRODUCT(3), np.random.default_rng(seed), 1, 5, 5)
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((5, 3)))[0].T
    found = np.linalg.eigvalsh(carried(p.but(k=basis[None])))
    np.testing.assert_allclose(found, np.sort([1, 1, *(1 - p.beta[0])]), **SPECTRUM)


@pytest.mark.kernels
@given(seed=seed)
def test_the_spectrum_of_oja_is_one_and_one_minus_beta_v_squared_on_the_value_side(seed):
    p = problem(fw.OJA, np.random.default_rng(seed), 1, 4, 4)
    along = 1 - p.beta[0] * (p.v[0] @ p.v[0])
    np.testing.assert_allclose(np.linalg.eigvalsh(carried(p)), np.sort([along, 1, 1, 1]), **SPECTRUM)
    p = problem(fw.GATED_OJA, np.random.default_rng(seed), 1, 4, 4)
    want = (np.eye(4) - p.beta[0] * np.outer(p.v[0], p.v[0])) @ np.diag(p.decay[0])
    np.testing.assert_allclose(carried(p), want, **SPECTRUM)


GROW = {
    row.name: row
    for row in (
        Rule(name="adds what it predicts", erase="-beta"),
        Rule(name="adds, decay first", retain="key", erase="-beta"),
        Rule(name="adds, undecayed", retain="scalar", erase="-beta", order="undecayed"),
        Rule(name="adds a number", retain="key", erase=-0.5, order="undecayed"),
    )
}
ERASING = {name: row for name, row in {**SINGLE_WRITES, **GROW}.items() if row.erase is not None and not row.uses_pair}


@pytest.mark.parametrize("name", ERASING)
@given(seed=seed, size=st.floats(0.1, 3))
def test_a_step_is_past_its_bound_where_an_eigenvalue_leaves_minus_one_to_one_and_else_shrinks_W(name, seed, size):
    """F15: with a decay per key first the bound is of the norm, which is above the eigenvalues."""
    row = ERASING[name]
    p, gates = one_step(row, seed)
    k = (p.k if row.error == "value" else p.v) * size
    ratio = theory.step_ratio(row, k, np.ones(1) * gates["beta"], p.decay)
    spectrum = np.linalg.eigvals(transition(row, k[0], **gates))
    assert np.abs(spectrum.imag).max() <= 1e-7  # similar to a symmetric matrix; a zero decay makes eigenvalues meet
    low, high = spectrum.real.min(), spectrum.real.max()
    assume(abs(ratio - 1) > 1e-9)  # at the bound rounding decides
    past = low < -1 or high > 1 + 1e-12  # 1 itself is kept by every direction that k does not touch
    by_key = row.retain == "key" and row.order == "decay_first"
    assert ratio > 1 or (not past and np.linalg.norm(transition(row, k[0], **gates), 2) <= 1 + 1e-12)
    assert by_key or (ratio > 1) == past


@pytest.mark.parametrize("row", [fw.DELTA, fw.GATED_DELTA, fw.KEY_GATED_DELTA, OWN["undecayed delta"]])
def test_steps_on_both_sides_of_the_bound_were_among_them(row):
    ratios = []
    for draw_seed in range(50):
        p, gates = one_step(row, draw_seed)
        ratios += [theory.step_ratio(row, p.k * s, np.ones(1) * gates["beta"], p.decay) for s in (0.1, 3.0)]
    assert 10 < sum(ratio > 1 for ratio in ratios) < 90


def test_the_worst_step_of_many_decides_and_no_step_is_no_ratio(rng):
    p = problem(fw.KEY_GATED_DELTA, rng, 6, 3, 2, (4,))
    each = [
        theory.step_ratio(
            p.rule, p.k[i : i + 1, t : t + 1], p.beta[i : i + 1, t : t + 1], p.decay[i : i + 1, t : t + 1]
        )
        for i in range(4)
        for t in range(6)
    ]
    assert theory.step_ratio(p.rule, p.k, p.beta, p.decay) == pytest.approx(max(each), rel=1e-14)
    assert theory.step_ratio(p.rule, p.k[:0], p.beta[:0], p.decay[:0]) == 0
    assert theory.step_ratio(fw.GATED_HEBB, 1e9 * p.k, p.beta, p.decay) == 0


# --- what the cells of the table claim -------------------------------------------------------------------------------


@pytest.mark.kernels
def test_what_anti_hebb_reads_grows_without_end_and_what_delta_predicts_is_cancelled():
    k = np.tile([[0.6, 0.8]], (12, 1))
    v, nothing = np.ones((12, 1)), np.zeros((12, 1))
    grown = fw.scan("anti_hebb", k, k, v, np.full(12, 0.5)).y[:, 0]
    np.testing.assert_allclose(grown, -0.5 * np.arange(1, 13), rtol=1e-14)
    left = fw.scan("delta", k, k, nothing, np.full(12, 0.5), W0=k[:1]).y[:, 0]
    np.testing.assert_allclose(left, 0.5 ** np.arange(1, 13), rtol=1e-12)  # 12 products


def local_step(W, k, v, beta):
    """One step of the plastic layer's rule with h clamped to v: a slow matrix gives v for k, and alpha is 0."""
    weights = {"W": np.outer(v, k) / (k @ k), "lam": 1.0, "eta": beta, "alpha": 0.0}
    layer = fw.PlasticRateNetwork(phi="identity", rule="oja_local", recurrent=False)
    return layer.simulate(weights, k[None], A0=W).A.values


@pytest.mark.kernels
def test_the_subspace_rule_needs_the_weights_of_other_neurons_and_the_local_one_does_not(rng):
    k, v, W = rng.standard_normal(4), rng.standard_normal(3), rng.standard_normal((3, 4))
    other = W + np.eye(3)[:, :1] * rng.standard_normal(4)  # the first neuron has other weights

    def subspace(W):
        return fw.scan("oja", k[None], k[None], v[None], np.full(1, 0.3), W0=W).W - W

    assert np.abs(subspace(W) - subspace(other))[1:].min() > 1e-3
    moved = [local_step(x, k, v, 0.3) - x for x in (W, other)]
    np.testing.assert_allclose(moved[0][1:], moved[1][1:], atol=1e-14)
    np.testing.assert_allclose(moved[0], 0.3 * v[:, None] * (k - v[:, None] * W), atol=1e-14)
    np.testing.assert_allclose(  # of one neuron they are one rule
        fw.scan("oja", k[None], k[None], v[None, :1], np.full(1, 0.3), W0=W[:1]).W, local_step(W[:1], k, v[:1], 0.3),
        atol=1e-14,
    )  # fmt: skip


def test_the_table_says_what_is_tied_what_is_not_local_and_who_applies_phi():
    assert "a and beta tied" in fw.LEAKY_HEBB.known_as
    assert "k = 1 - a" in fw.GATED_HEBB.known_as
    assert "passive decay" in fw.GATED_DELTA.biology
    assert all("non-local for d_v > 1" in row.biology for row in (fw.OJA, fw.GATED_OJA))
    assert "the caller applies" in fw.SELF_REFERENTIAL.known_as


@pytest.mark.kernels
def test_mamba_2_is_leaky_hebb_whose_two_gates_are_one_step_size(rng):
    """Dao & Gu 2024, listing 1: the state decays by exp(A dt) and takes in dt x B^T; HGRN2: f and 1 - f."""
    dt, A = rng.uniform(0.01, 1, 7), -0.7
    x, B, C = rng.standard_normal((7, 3)), rng.standard_normal((7, 4)), rng.standard_normal((7, 4))
    f, h, H = rng.uniform(0.1, 1, (7, 4)), np.zeros((3, 4)), np.zeros((3, 4))
    for t in range(7):
        h = np.exp(A * dt[t]) * h + np.outer(dt[t] * x[t], B[t])
        H = H * f[t] + np.outer(x[t], 1 - f[t])
    np.testing.assert_allclose(fw.scan("leaky_hebb", C, B, x, dt, decay=np.exp(A * dt)).W, h, atol=1e-13)
    np.testing.assert_allclose(fw.scan("gated_hebb", C, 1 - f, x, decay=f).W, H, atol=1e-13)


@pytest.mark.kernels
def test_phi_of_the_input_is_the_caller_s_and_phi_of_key_and_query_is_the_rule_s(rng):
    x, W0 = rng.standard_normal((3, 2)), rng.standard_normal((1 + 2 + 2 + 4, 2))
    y = fw.scan("self_referential", x, W0=W0).y
    assert y[0] == pytest.approx(W0[:1] @ x[0], rel=1e-13)  # not of softmax(x)
    soft = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    assert np.abs(fw.scan("self_referential", soft, W0=W0).y - y).max() > 0.01
    k, q = (np.exp(u) / np.exp(u).sum() for u in (W0[1:3] @ x[0], W0[3:5] @ x[0]))
    beta = 1 / (1 + np.exp(-(W0[5] @ x[0])))
    W = W0[:1] + beta * np.outer(W0[:1] @ q - W0[:1] @ k, k)
    assert y[1] == pytest.approx(W @ x[1], rel=1e-12)
