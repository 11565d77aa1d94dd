"""The linear programmer: gradients end to end, training that is reproducible, results that can be kept."""

from itertools import pairwise

import numpy as np
import pytest
from autograd import value_and_grad
from programmers import SMALL, real_loss, small
from strategies import RULES, problem, twin

import synfwp as fw
from synfwp.programmer.losses import LOSSES
from synfwp.programmer.optimiser import Adam, Schedule, clip

# --- end to end ------------------------------------------------------------------------------------------------------

TWIN_MAPS = {
    "identity": lambda x: x,
    "relu": lambda x: np.where(x.real > 0, x, 0),
    "elu_plus_one": lambda x: np.where(x.real > 0, x + 1, np.exp(x)),
    "none": lambda x: x,
    "l2": lambda x: x / np.sqrt(np.sum(x * x, axis=-1, keepdims=True)),
    "sum": lambda x: x / np.sum(x, axis=-1, keepdims=True),
}


def twin_dpfp(x):
    r = TWIN_MAPS["relu"](np.concatenate([x, -x], axis=-1))
    return r * np.roll(r, 1, axis=-1)


def twin_loss(programmer, params, batch, loss):
    """The loss of one batch from the formulas in the programmer's docstring, real or complex."""
    phi = {**TWIN_MAPS, "dpfp(1)": twin_dpfp}[programmer.feature]
    norm = TWIN_MAPS[programmer.key_norm]
    x, gate = batch.x, batch.x[..., -1]
    q, k = (norm(phi(x @ params[name].T)) for name in ("W_q", "W_k"))
    row = RULES[programmer.rule]
    beta = None
    if row.uses_beta:
        beta = gate * programmer.beta_max / (1 + np.exp(-(x @ params["w_beta"] + params["b_beta"])))
    decay = 1 / (1 + np.exp(-(x @ params["W_decay"].T + params["b_decay"]))) if row.uses_decay else None
    shape = problem(row, np.random.default_rng(0), 1, 1, 1)
    W0 = np.zeros((len(x), programmer.d_value, k.shape[-1]))
    v = x @ params["W_v"].T
    more = {}
    if row.uses_momentum:
        more["momentum"] = 1 / (1 + np.exp(-(x @ params["W_momentum"].T + params["b_momentum"])))
    if row.uses_ridge:
        more["ridge"] = np.log(1 + np.exp(params["b_ridge"])) + np.zeros((len(x), 1))
    start = {"W0": W0, "aux0": None, **more}
    y, _ = twin(shape.but(q=q, k=k * gate[..., None], v=v * gate[..., None], beta=beta, decay=decay, **start))
    scores = y @ params["W_out"].T
    right = np.eye(programmer.d_out)[batch.target] == 1
    share = np.exp(scores) / np.sum(np.exp(scores), axis=-1, keepdims=True)
    each = (
        -np.log(share[right]).reshape(batch.mask.shape)
        if loss == "cross_entropy"
        else np.sum((scores - right) ** 2, -1) / 2
    )
    return np.sum(each * batch.mask) / np.sum(batch.mask)


def random_params(programmer, seed=0, dtype=float):
    """No zeros, which would hide a gradient."""
    rng = np.random.default_rng([20, seed])
    return {
        name: (x + 0.3 * rng.standard_normal(np.shape(x))).astype(dtype)
        for name, x in programmer.init(seed, dtype).items()
    }


TRAINABLE = [name for name, row in RULES.items() if row.has_weights and row.write and row.uses_keys]
TRAINABLE = [name for name in TRAINABLE if RULES[name].writes == 1 and not RULES[name].uses_pair]
CASES = [(rule, "relu", "l2", "cross_entropy") for rule in TRAINABLE]
CASES += [("gated_delta", feature, "l2", "squared") for feature in ("identity", "elu_plus_one", "dpfp(1)")]
CASES += [("key_gated_delta", "elu_plus_one", "sum", "squared"), ("leaky_hebb", "dpfp(1)", "none", "cross_entropy")]


@pytest.mark.kernels
@pytest.mark.parametrize(("rule", "feature", "key_norm", "loss"), CASES)
def test_the_gradient_of_every_parameter_is_the_complex_step_of_the_formulas(rule, feature, key_norm, loss, rng):
    programmer = small(rule=rule, d_key=8, feature=feature, key_norm=key_norm, beta_max=0.9)
    params, batch = random_params(programmer), SMALL(rng, 2)
    value, grads = value_and_grad(lambda p: real_loss(programmer, p, batch, loss))(params)
    assert value == pytest.approx(twin_loss(programmer, params, batch, loss), rel=1e-12)
    for name, x in params.items():
        dx = rng.standard_normal(np.shape(x))
        want = twin_loss(programmer, {**params, name: x + 1e-30j * dx}, batch, loss).imag / 1e-30
        # 10 steps of 4 x 8 entries of order 1; a gradient that is small by chance keeps their absolute rounding
        assert np.sum(grads[name] * dx) == pytest.approx(want, rel=1e-10, abs=1e-14)
        assert np.any(grads[name])


# --- instructions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", TRAINABLE)
def test_a_token_that_only_asks_writes_nothing(rule, rng):
    programmer, batch = small(rule=rule), SMALL(rng, 3)
    sent = programmer(random_params(programmer), batch.x)
    assert not sent.k[:, 6:].any()
    assert not sent.v[:, 6:].any()
    assert sent.q[:, 6:].any()
    assert (sent.beta is None) == (not RULES[rule].uses_beta)
    if sent.beta is not None:
        assert not sent.beta[:, 6:].any()
        assert np.all(sent.beta[:, :6] > 0)
    if rule in ("gated_hebb", "key_gated_delta"):
        assert sent.decay.shape == sent.k.shape
    else:
        assert (sent.decay is None) == (not RULES[rule].uses_decay)


def test_without_a_write_channel_every_token_writes(rng):
    programmer = small(write_channel=None, d_key=16)  # of 16 features relu leaves some to every token
    sent = programmer(programmer.init(), SMALL(rng, 2).x)
    assert np.all(sent.beta == 0.5)  # half of beta_max before training
    assert np.linalg.norm(sent.k, axis=-1) == pytest.approx(np.ones((2, 10)))


def test_training_starts_from_queries_like_keys_and_a_decay_of_95_percent():
    params = small(rule="key_gated_delta", feature="dpfp(2)").init(seed=3)
    assert np.array_equal(params["W_q"], params["W_k"])
    assert params["W_q"] is not params["W_k"]
    assert params["W_decay"].shape == (16, SMALL.d_in)
    assert 1 / (1 + np.exp(-params["b_decay"])) == pytest.approx(np.full(16, 0.953), abs=5e-4)
    assert np.array_equal(params["W_v"], small(rule="delta").init(seed=3)["W_v"])


def test_training_starts_from_half_a_momentum_and_a_ridge_of_one_for_every_key():
    params = small(rule="momentum_delta").init(seed=3)
    assert params["W_momentum"].shape == (SMALL.d_in,)
    assert params["b_momentum"] == 0
    sent = small(rule="mesa", feature="dpfp(2)", heads=2)
    ridge = sent(sent.init(seed=3), SMALL(np.random.default_rng(0), 2).x).ridge
    assert ridge == pytest.approx(np.ones((2, 16)))
    assert sent.init(seed=3)["b_ridge"].shape == (32,)


@pytest.mark.parametrize("rule", ["momentum_delta", "mesa"])
def test_what_has_a_momentum_or_a_ridge_is_read_exactly_and_by_no_substrate(rule, rng):
    programmer, batch = small(rule=rule), SMALL(rng, 3)
    params = random_params(programmer)
    sent = programmer(params, batch.x)
    more = {"momentum": sent.momentum, "ridge": sent.ridge}
    out = fw.scan(rule, sent.q, sent.k, sent.v, sent.beta, decay=sent.decay, **more)
    assert np.array_equal(programmer.scores(params, batch.x), programmer.read_out(params, out.y))
    assert "largest norm of W" in programmer.diagnose(params, batch.x)
    needed = "momentum" if rule == "momentum_delta" else "ridge"
    with pytest.raises(ValueError, match=rf"^rule '{rule}' needs {needed} besides .*run it with synfwp\.scan"):
        fw.simulate(rule, sent, on=fw.Exact())


def test_a_gate_far_from_zero_neither_overflows_nor_warns_on_the_way_back():
    programmer = small(rule="gated_delta")
    params = {**programmer.init(dtype=np.float32), "b_beta": np.float32(-500), "b_decay": np.float32(500)}
    batch = SMALL(np.random.default_rng(0), 2)
    _, grads = value_and_grad(lambda p: real_loss(programmer, p, batch, "cross_entropy"))(params)
    assert grads["b_beta"] == grads["b_decay"] == 0


def test_the_read_out_is_y_itself_without_classes():
    programmer = small(d_out=None)
    assert "W_out" not in programmer.init()
    y = np.ones((2, 4))
    assert programmer.read_out(programmer.init(), y) is y


@pytest.mark.parametrize(
    ("field", "kind", "words"),
    [
        ({"rule": "dplr"}, ValueError, r"^rule 'dplr' needs more, or less, than keys, values and gates; use e\.g\."),
        ({"rule": "dleta"}, ValueError, r"unknown rule 'dleta'; did you mean 'delta'\?"),
        ({"d_key": 0}, ValueError, r"^d_key is 0"),
        ({"d_in": 2.0}, TypeError, r"^d_in is 2\.0"),
        ({"d_out": -1}, ValueError, r"^d_out is -1"),
        ({"feature": "rleu"}, ValueError, r"unknown feature map 'rleu'; did you mean 'relu'\?"),
        ({"key_norm": "norm"}, ValueError, r"unknown key normaliser 'norm'"),
        ({"beta_max": 0}, ValueError, r"^beta_max is 0; pass a finite number above 0"),
        ({"write_channel": 9}, ValueError, r"^write_channel is 9"),
        ({"write_channel": -10}, ValueError, r"^write_channel is -10"),
        ({"write_channel": 1.5}, TypeError, r"^write_channel is 1\.5"),
    ],
)
def test_a_wrong_specification_is_refused_by_name(field, kind, words):
    with pytest.raises(kind, match=words):
        small(**field)


def test_tokens_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"^x has shape \(2, 3\); .*9 features"):
        small()(small().init(), np.ones((2, 3)))


# --- losses and optimiser --------------------------------------------------------------------------------------------


def test_the_squared_loss_is_that_of_the_formula_and_keeps_float32(rng):
    scores, target = rng.standard_normal((2, 3, 4)), rng.integers(4, size=(2, 3))
    mask = np.array([[True, False, True], [False, False, True]])
    want = np.mean([np.sum((scores[i] - np.eye(4)[target[i]]) ** 2) / 2 for i in zip(*np.nonzero(mask), strict=True)])
    value, grads = value_and_grad(LOSSES["squared"])(scores, target, mask)
    assert value == pytest.approx(want, rel=1e-14)
    np.testing.assert_allclose(grads, (scores - np.eye(4)[target]) * mask[..., None] / 3, rtol=1e-13)
    value, grads = value_and_grad(LOSSES["squared"])(scores.astype(np.float32), target, mask)
    assert value.dtype == grads.dtype == np.float32


def test_adam_takes_the_steps_of_its_paper(rng):
    grads, rate = rng.standard_normal((5, 3)), 0.1
    x, m, s = np.ones(3), np.zeros(3), np.zeros(3)
    state, params = Adam.start({"w": x}), {"w": x}
    for n, g in enumerate(grads, start=1):
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
        x = x - rate * (m / (1 - 0.9**n)) / (np.sqrt(s / (1 - 0.999**n)) + 1e-8)
        state, params = state.update(params, {"w": g}, rate)
        np.testing.assert_allclose(params["w"], x, rtol=1e-13)


def test_gradients_are_clipped_together_and_short_ones_left_alone(rng):
    grads = {"a": rng.standard_normal(3), "b": rng.standard_normal((2, 2))}
    clipped, norm = clip(grads, 0.5)
    assert norm == pytest.approx(np.sqrt(sum(np.sum(g**2) for g in grads.values())))
    assert np.sqrt(sum(np.sum(g**2) for g in clipped.values())) == pytest.approx(0.5)
    assert clipped["a"] / grads["a"] == pytest.approx(np.full(3, 0.5 / norm))
    assert clip(grads, 100.0)[0] is grads


def test_the_rate_falls_from_one_to_zero():
    rates = [Schedule(1.0)(step, 10) for step in range(11)]
    assert rates[0] == 1
    assert rates[10] == pytest.approx(0, abs=1e-15)
    assert all(a > b for a, b in pairwise(rates))
