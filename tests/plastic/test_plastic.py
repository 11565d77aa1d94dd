"""Plastic networks: kernel against twin, adjoint against complex steps, the published models, training, simulation."""

import json
from dataclasses import dataclass

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, value_and_grad

import synfwp as fw
from synfwp import autograd as ag
from synfwp import plastic, reference, threads
from synfwp.kernels import plastic as kernel
from synfwp.plastic import PHI, RULES, PlasticLayer
from synfwp.tasks import Batch

STEP = 1e-30  # complex: nothing is subtracted, so the derivative is exact to rounding
ARGUMENTS = ("drive", "x", "W", "alpha", "lam", "eta", "h0", "A0", "aux0")
# (recurrent, inner, norm, alpha): every way to read, with and without normalisation and coefficients of A
READS = [(False, 0, "none", True), (False, 0, "every", False), (True, 0, "none", False), (True, 0, "every", True)]
READS += [(True, 1, "every", False), (True, 2, "none", True), (True, 1, "inner", True), (True, 2, "inner", False)]
LAYERS = [
    (PlasticLayer(phi=phi, rule=rule, recurrent=recurrent, inner=inner, norm=norm), alpha)
    for phi in PHI
    for rule in RULES
    for recurrent, inner, norm, alpha in READS
]
IDS = [
    f"{layer.phi} {layer.rule} {'h' if layer.recurrent else 'x'}{layer.inner} {layer.norm} {'alpha' * alpha}"
    for layer, alpha in LAYERS
]
every_layer = pytest.mark.parametrize(("layer", "alpha"), LAYERS, ids=IDS)


def arguments(layer, alpha, rng, T=9, d=4, d_in=3, lead=(2,), dtype=float):
    """Random arguments of `ag.plastic` by name, small enough that no activity explodes."""
    d_pre = d if layer.recurrent else d_in
    found = {
        "drive": rng.standard_normal((*lead, T, d)) / 2,
        "x": None if layer.recurrent else rng.standard_normal((*lead, T, d_in)) / 2,
        "W": rng.standard_normal((d, d)) / 5 if layer.recurrent else None,
        "alpha": rng.uniform(0.3, 0.9, (d, d_pre)) if alpha else None,
        "lam": rng.uniform(0.3, 0.9, (*lead, T)),
        "eta": rng.uniform(-0.05, 0.05, (*lead, T)),
        "h0": rng.standard_normal((*lead, d)) / 2,
        "A0": rng.standard_normal((*lead, d, d_pre)) / 4,
        "aux0": None,
    }
    if layer.rule == "covariance":
        means = rng.standard_normal((*lead, d + d_pre))
        found["aux0"] = np.concatenate([means, np.full((*lead, 1), 3.0)], axis=-1)
    return {name: None if x is None else x.astype(dtype) for name, x in found.items()}


def twin(layer, given):
    """h, the last A and aux from the twin, real or complex."""
    lead, results = given["drive"].shape[:-2], []
    for i in np.ndindex(lead):
        one = {name: x if x is None or name in ("W", "alpha") else x[i] for name, x in given.items()}
        alpha = 1.0 if one["alpha"] is None else one["alpha"]
        state = (one["lam"], one["eta"], one["h0"], one["A0"], one["aux0"])
        run = reference.plastic(
            layer.phi, layer.rule, one["drive"], one["x"], one["W"], alpha, *state, layer.inner, layer.norm
        )
        results.append(run)
    d, d_pre = given["A0"].shape[-2:]
    shapes = [(*lead, given["drive"].shape[-2], d), (*lead, d, d_pre), (*lead, d + d_pre + 1)]
    have = 3 if given["aux0"] is not None else 2
    return [np.reshape([out[j] for out in results], shapes[j]) for j in range(have)]


def adjoint_of(layer, given, cotangents):
    """Gradients of all arguments that are there, by one pass back."""
    names = [name for name in ARGUMENTS if given[name] is not None]

    def loss(values):
        filled = given | dict(zip(names, values, strict=True))
        out = ag.plastic(layer, *(filled[name] for name in ARGUMENTS))
        return sum(anp.sum(y * c) for y, c in zip(out[: len(cotangents)], cotangents, strict=True))

    return dict(zip(names, grad(loss)(tuple(given[name] for name in names)), strict=True))


# --- the kernels against the equations -------------------------------------------------------------------------------


@pytest.mark.kernels
@every_layer
def test_the_kernel_runs_the_equations_of_the_papers(layer, alpha, rng, small):
    given = arguments(layer, alpha, rng, T=4 if small else 12)
    found = ag.plastic(layer, *given.values())
    for got, want in zip(found, twin(layer, given), strict=False):
        # 12 steps of about 20 roundings of numbers below 10; a division by a small deviation may make them larger
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-12)


@pytest.mark.kernels
@every_layer
def test_the_adjoint_is_the_transpose_of_the_derivative_for_every_input(layer, alpha, rng, small):
    given = arguments(layer, alpha, rng, T=3 if small else 11)  # 11 steps: three segments of 3, and one of 2
    every = [rng.standard_normal(x.shape) for x in twin(layer, given)]
    if layer.rule == "covariance":
        every[2][..., -1] = 0  # the number of steps is no parameter
    alone = [[x * (i == j) for j, x in enumerate(every)] for i in range(len(every))]
    gradients = [(c, adjoint_of(layer, given, c)) for c in (every, *alone)]
    random = {name: rng.standard_normal(x.shape) for name, x in given.items() if x is not None}
    if layer.rule == "covariance":
        random["aux0"][..., -1] = 0
    for direction in (*({name: dx} for name, dx in random.items()), random):
        moved = given | {name: given[name] + 1j * STEP * dx for name, dx in direction.items()}
        out = [x.imag / STEP for x in twin(layer, moved)]
        for c, grads in gradients:
            forward = sum(np.sum(a * b) for a, b in zip(c, out, strict=True))
            backward = sum(np.sum(grads[name] * dx) for name, dx in direction.items())
            # 1e-9 of the sizes of the two vectors: their product may be small by chance
            scale = sum(np.linalg.norm(a) * np.linalg.norm(b) for a, b in zip(c, out, strict=True))
            assert abs(forward - backward) <= 1e-9 * scale


def test_the_former_name_of_the_local_rule_is_read_as_it():
    assert PlasticLayer(rule="oja") == PlasticLayer(rule="oja_local")
    assert PlasticLayer(rule="oja").rule == "oja_local"
    with pytest.raises(ValueError, match=r"^unknown rule 'ojja'; choose one of 'hebb', 'oja_local', 'covariance'"):
        PlasticLayer(rule="ojja")


PLAIN = [(PlasticLayer(recurrent=False, rule="oja_local"), True), (PlasticLayer(rule="covariance"), True)]
PLAIN += [(PlasticLayer(inner=1, norm="inner"), False)]
some_layers = pytest.mark.parametrize(("layer", "alpha"), PLAIN, ids=["input", "recurrent", "inner"])


@pytest.mark.kernels
@some_layers
def test_a_batch_is_its_sequences_one_by_one(layer, alpha, rng):
    given = arguments(layer, alpha, rng, T=4, lead=(2, 3))
    whole = ag.plastic(layer, *given.values())
    shared = ("W", "alpha")
    for i in np.ndindex(2, 3):
        one = ag.plastic(layer, *(x if x is None or name in shared else x[i] for name, x in given.items()))
        assert all(np.array_equal(a[i], b) for a, b in zip(whole, one, strict=True))


@pytest.mark.kernels
@some_layers
@pytest.mark.parametrize("cut", [1, 4, 6])
def test_going_on_from_the_state_of_a_first_part_is_one_run(layer, alpha, cut, rng):
    given = arguments(layer, alpha, rng, T=7)
    whole = ag.plastic(layer, *given.values())
    sliced = ("drive", "x", "lam", "eta")
    parts = [
        {name: x if x is None or name not in sliced else x[:, steps] for name, x in given.items()}
        for steps in (slice(0, cut), slice(cut, 7))
    ]
    first = ag.plastic(layer, *parts[0].values())
    state = {"h0": first[0][:, -1], "A0": first[1], "aux0": first[2] if layer.rule == "covariance" else None}
    second = ag.plastic(layer, *(parts[1] | state).values())
    assert np.array_equal(whole[0], np.concatenate([first[0], second[0]], axis=1))
    assert np.array_equal(whole[1], second[1])
    assert np.array_equal(whole[2], second[2])


@pytest.mark.kernels
@some_layers
def test_the_length_of_a_segment_changes_no_bit(layer, alpha, rng, monkeypatch):
    given = arguments(layer, alpha, rng, T=7)
    call = plastic.check(layer, *given.values())
    out = plastic.run(call)
    found, adjoint = [], kernel.adjoint
    for segment in (1, 2, 3, 7, 20):
        monkeypatch.setattr(kernel, "adjoint", lambda *args, s=segment: adjoint(*args[:-3], s, *args[-2:]))
        found.append(plastic.adjoint(call, out, np.ones_like(out.h), np.ones_like(out.A), np.ones_like(out.aux)))
    for other in found[1:]:
        assert all(np.array_equal(other[name], x) for name, x in found[0].items())


@pytest.mark.kernels
@some_layers
def test_threads_change_no_bit(layer, alpha, rng, monkeypatch):
    given = arguments(layer, alpha, rng, T=4, lead=(5,))
    cotangents = [rng.standard_normal(x.shape) for x in twin(layer, given)[:2]]
    one, want = adjoint_of(layer, given, cotangents), ag.plastic(layer, *given.values())
    monkeypatch.setattr(threads, "POOL_FLOPS", 0)
    with fw.autograd.fastweights.thread_limit(2):
        two, got = adjoint_of(layer, given, cotangents), ag.plastic(layer, *given.values())
    assert all(np.array_equal(two[name], x) for name, x in one.items())
    assert all(np.array_equal(a, b) for a, b in zip(want, got, strict=True))


@pytest.mark.kernels
def test_without_learning_the_network_is_a_plain_recurrent_one(rng):
    given = arguments(PlasticLayer(), False, rng, T=6, lead=())
    h, A, aux = ag.plastic(PlasticLayer(), given["drive"], None, given["W"], None, 0.9, 0.0)
    want = np.zeros(4)
    for t in range(6):
        want = np.tanh(given["drive"][t] + given["W"] @ want)
        np.testing.assert_allclose(h[t], want, rtol=1e-13)
    assert not A.any()
    assert aux.size == 0


@pytest.mark.kernels
def test_hebbff_of_one_synapse_by_hand():
    network = fw.PlasticNetwork.hebbff(d_in=1, d_hidden=1, d_out=None, lam=0.5, eta=-2.0)
    params = network.init() | {"W": np.array([[1.0]]), "b": np.array([-1.0])}
    h, A, _ = network.run(params, np.ones((3, 1)))
    first = 0.5  # sigmoid(1 - 1), and A = -2 x .5 = -1
    second = 1 / (1 + np.exp(1))  # sigmoid(1 - 1 - 1), and A = .5 x -1 - 2 h
    third = 1 / (1 + np.exp(0.5 + 2 * second))
    np.testing.assert_allclose(h[:, 0], [first, second, third], rtol=1e-14)
    np.testing.assert_allclose(A, [[0.5 * (-0.5 - 2 * second) - 2 * third]], rtol=1e-14)


@pytest.mark.kernels
@pytest.mark.parametrize(
    "layer", [layer for layer, alpha in PLAIN if layer.rule != "covariance"], ids=["input", "inner"]
)
def test_float32_stays_float32_and_near_float64(layer, rng):
    given = arguments(layer, False, rng, T=6, dtype=np.float32)
    wide = {name: None if x is None else x.astype(float) for name, x in given.items()}
    c = [rng.standard_normal(x.shape).astype(np.float32) for x in twin(layer, given)[:2]]
    for got, want in zip(ag.plastic(layer, *given.values()), ag.plastic(layer, *wide.values()), strict=True):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)  # 6 steps, 1000 roundings of 6e-8 at most
    exact = adjoint_of(layer, wide, [x.astype(float) for x in c])
    for name, g in adjoint_of(layer, given, c).items():
        assert g.dtype == np.float32
        # 6 steps forward and back; a normalisation of 4 units may make roundings 100 times larger
        assert np.linalg.norm(g - exact[name]) <= 1e-3 * np.linalg.norm(exact[name])


@pytest.mark.kernels
def test_one_backward_pass_runs_each_kernel_once_for_all_inputs(rng, monkeypatch):
    runs = []
    for name in ("forward", "adjoint"):
        f = getattr(kernel, name)
        monkeypatch.setattr(kernel, name, lambda *args, n=name, f=f: runs.append(n) or f(*args))
    network = fw.PlasticNetwork(d_in=3, d_hidden=4, d_out=2, alpha="matrix")
    x = rng.standard_normal((2, 5, 3))
    found = grad(lambda params: anp.sum(network.scores(params, x)))(network.init())
    assert runs == ["forward", "adjoint"]
    assert set(found) == set(network.init())


@pytest.mark.kernels
@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 1), (2, 5)])
def test_rates_may_be_smaller_and_their_gradients_are_summed_back(shape, rng):
    layer = PlasticLayer(recurrent=False)
    given = arguments(layer, False, rng, T=5)

    def loss(lam, eta):
        return anp.sum(ag.plastic(layer, given["drive"], given["x"], None, None, lam, eta)[0])

    lam, eta = rng.uniform(0.3, 0.9, shape), rng.uniform(0.1, 0.9, shape)
    wide = [np.array(np.broadcast_to(x, (2, 5))) for x in (lam, eta)]
    for i in range(2):
        full, got = grad(loss, i)(*wide), grad(loss, i)(lam, eta)
        padded = (1,) * (2 - len(shape)) + shape
        repeated = tuple(j for j in range(2) if padded[j] == 1)
        np.testing.assert_allclose(got, full.sum(axis=repeated, keepdims=True).reshape(shape), rtol=1e-12)


@pytest.mark.kernels
@pytest.mark.parametrize("rule", RULES)
def test_without_plastic_weights_an_inner_loop_with_its_norm_is_one_pass_with_norm(rule, rng):
    layer = PlasticLayer(phi="relu", rule=rule, inner=2, norm="inner")
    given = arguments(layer, False, rng, T=6) | {"eta": 0.0, "A0": None}
    one = ag.plastic(PlasticLayer(phi="relu", rule=rule, norm="every"), *given.values())
    found, every = (
        ag.plastic(PlasticLayer(phi="relu", rule=rule, inner=2, norm=norm), *given.values())[0]
        for norm in ("inner", "every")
    )
    np.testing.assert_allclose(found, one[0], rtol=1e-12, atol=1e-14)  # the same sums in another order
    assert np.array_equal(found, every)  # the first pass reaches h through A alone


# --- the published models --------------------------------------------------------------------------------------------


def stepwise(network, params, x, step):
    """Hidden states of one sequence from a function ``(x, h, A) -> h, A`` written from a paper."""
    w = network.weights(params)
    h, A, states = np.zeros(network.d_hidden), np.zeros(w["W"].shape), []
    for t in range(len(x)):
        h, A = step(w, x[t], h, A)
        states.append(h)
    return np.array(states), A


def hebbff(w, x, h, A):
    h = 1 / (1 + np.exp(-((w["W"] + A) @ x + w["b"])))
    return h, w["lam"] * A + w["eta"] * np.outer(h, x)


def mpn(w, x, h, M):
    h = np.tanh((w["W"] + w["W"] * M) @ x + w["b"])
    return h, w["lam"] * M + w["eta"] * np.outer(h, x)


def miconi(w, x, before, hebb):
    h = np.tanh((w["W"] + w["alpha"] * hebb) @ before + 20 * x)
    return h, (1 - w["eta"]) * hebb + w["eta"] * np.outer(h, before)


def ba(w, x, before, A):
    sustained = w["W"] @ before + w["W_in"] @ x + w["b"]
    u = sustained + A @ np.maximum(sustained, 0)
    h = np.maximum((u - u.mean()) / np.sqrt(u.var() + 1e-5), 0)
    return h, 0.95 * A + 0.5 * np.outer(h, h)


MODELS = {
    "hebbff": (fw.PlasticNetwork.hebbff(5, 5, None), hebbff),
    "mpn": (fw.PlasticNetwork.mpn(5, 4), mpn),
    "miconi": (fw.PlasticNetwork.differentiable(5, scale=0.3), miconi),
    "ba": (fw.PlasticNetwork.fast_weights(3, 5), ba),
}


@pytest.mark.kernels
@pytest.mark.parametrize("name", MODELS)
def test_a_published_model_is_its_equations(name, rng):
    network, step = MODELS[name]
    params, x = network.init(seed=1), rng.standard_normal((8, network.d_in))
    h, A, _ = network.run(params, x)
    want = stepwise(network, params, x, step)
    np.testing.assert_allclose(h, want[0], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(A, want[1], rtol=1e-11, atol=1e-13)


@pytest.mark.kernels
@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_of_a_published_model_has_its_gradient(name, rng):
    network, step = MODELS[name]
    params, x = network.init(seed=1), rng.standard_normal((3, network.d_in))
    if name == "ba":  # complex steps need a derivative on each side of 0 alone
        return check_slope(network, params, x)
    found = grad(lambda p: anp.sum(network.run(p, x)[0] * x[0, 0]))(params)
    for key, value in params.items():
        dx = rng.standard_normal(np.shape(value))
        moved = params | {key: value + 1j * STEP * dx}
        if key == "logit_lam":
            weights = network.weights(params) | {"lam": 1 / (1 + np.exp(-moved[key]))}
        else:
            weights = {**network.weights(params), key: moved[key]}
        h, A = np.zeros(network.d_hidden), np.zeros(params["W"].shape)
        total = 0.0
        for t in range(3):
            h, A = step(weights, x[t], h, A)
            total = total + np.sum(h) * x[0, 0]
        assert np.sum(found[key] * dx) == pytest.approx(total.imag / STEP, rel=1e-9)


def check_slope(network, params, x):
    found = grad(lambda p: anp.sum(network.run(p, x)[0]))(params)
    for key, g in found.items():
        slope = [np.sum(network.run(params | {key: params[key] + s * g}, x)[0]) for s in (1e-6, -1e-6)]
        # a central difference: rounding of 1e-16 / 1e-6 and a third derivative times 1e-12
        assert (slope[0] - slope[1]) / 2e-6 == pytest.approx(np.sum(g * g), rel=1e-5)


@pytest.mark.kernels
def test_modulation_multiplies_the_learning_rate_step_by_step(rng):
    network = fw.PlasticNetwork.hebbff(3, 4)
    params, x = network.init(), rng.standard_normal((2, 6, 3))
    m = rng.standard_normal((2, 6))
    h, A, _ = network.run(params, x, m)
    want = ag.plastic(network, *network.arguments(network.weights(params) | {"eta": network.eta * m}, x))
    assert np.array_equal(h, want[0])
    assert np.array_equal(A, want[1])
    assert not network.run(params, x, 0 * m)[1].any()


@pytest.mark.kernels
@pytest.mark.parametrize("eta", [-0.3, 0.3])
def test_the_logarithm_of_eta_has_its_gradient_and_keeps_the_sign(eta, rng):
    free, kept = (fw.PlasticNetwork.hebbff(3, 4, eta=eta, keep_sign=keep) for keep in (False, True))
    x = rng.standard_normal((6, 3))
    found = [grad(lambda p, net=net: anp.sum(net.run(p, x)[0]))(net.init()) for net in (free, kept)]
    assert kept.weights(kept.init())["eta"] == pytest.approx(eta)
    assert found[1]["log_eta"] == pytest.approx(eta * found[0]["eta"])  # d eta / d log|eta| = eta
    assert "eta" not in found[1]
    for log_eta in (-9.0, 2.0):
        assert kept.weights(kept.init() | {"log_eta": log_eta})["eta"] * eta > 0


@pytest.mark.kernels
@pytest.mark.parametrize("fields", [{}, {"keep_sign": True}, {"learn": False}])
def test_frozen_parameters_write_nothing_and_leave_the_rest(fields, rng):
    network = fw.PlasticNetwork.hebbff(3, 4, **fields)
    params, x = network.init(), rng.standard_normal((2, 6, 3))
    frozen = network.frozen(params)
    h, A, _ = network.run(frozen, x)
    assert not A.any()
    want = (1 + np.tanh((x @ params["W"].T + params["b"]) / 2)) / 2
    np.testing.assert_allclose(h, want, rtol=1e-13)  # rounding of sums of three
    assert all(frozen[name] is value for name, value in params.items() if "eta" not in name)
    assert network.run(params, x)[1].any()


# --- training and simulation -----------------------------------------------------------------------------------------


def familiarity(rng, batch, d=20, T=60, lag=3):
    """Whether a random pattern is the one of three steps before; repeats are not repeated again."""
    x, target = rng.choice([-1.0, 1.0], (batch, T, d)), np.zeros((batch, T), int)
    for t in range(lag, T):
        again = (rng.random(batch) < 0.5) & (target[:, t - lag] == 0)
        x[again, t], target[again, t] = x[again, t - lag], 1
    return Batch(x, target, np.ones((batch, T), bool), 2 / 3)


@pytest.mark.kernels
def test_hebbff_learns_familiarity_with_an_anti_hebbian_rule_is_kept_and_comes_back(tmp_path, small):
    network = fw.PlasticNetwork.hebbff(20, 20)
    trained = fw.train(network, familiarity, steps=2 if small else 100, batch=1 if small else 4, learning_rate=2e-2)
    assert trained.history.attrs["rule"] == "plastic hebb"
    batch = familiarity(np.random.default_rng(5), 2 if small else 50)
    accuracy = trained.accuracy(batch)
    if not small:
        assert accuracy > 0.8 > batch.chance
        assert trained.params["eta"] < -5 / 20
    back = fw.load_trained(trained.save(tmp_path / "plastic.nc"))
    assert back.programmer == network
    assert back.accuracy(batch) == accuracy
    with pytest.raises(TypeError, match=r"^a PlasticNetwork sends no instructions; use \.programmer\.run"):
        trained.instructions(batch.x)
    with pytest.raises(TypeError, match=r"^a PlasticNetwork reads no substrate"):
        trained.answer(batch.x)


@pytest.mark.kernels
@pytest.mark.parametrize(("kept", "norm"), [(True, "every"), (False, "none"), ("inner", "inner")])
def test_a_file_from_before_norms_had_names_loads_as_what_it_was(kept, norm, tmp_path):
    network = fw.PlasticNetwork(d_in=20, d_hidden=6, d_out=2, inner=1, norm=norm)
    trained = fw.train(network, familiarity, steps=1, batch=1)
    ds = fw.load(trained.save(tmp_path / "new.nc"))
    spec = json.loads(ds.attrs["programmer"])
    assert spec["norm"] == norm
    fw.results.save(ds.assign_attrs(programmer=json.dumps(spec | {"norm": kept})), tmp_path / "old.nc")
    back = fw.load_trained(tmp_path / "old.nc")
    assert back.programmer == network
    assert np.array_equal(back.programmer.how, network.how)


@pytest.mark.parametrize("kind", [bool, np.bool_])
def test_norms_may_still_be_true_or_false(kind):
    assert PlasticLayer(inner=1, norm=kind(True)) == PlasticLayer(inner=1, norm="every")
    assert PlasticLayer(norm=kind(False)) == PlasticLayer()


@dataclass(frozen=True)
class Linear:
    """The least that trains."""

    name: str = "linear"

    def init(self, seed=0):
        return {"W": np.zeros((2, 20))}

    def scores(self, params, x):
        return anp.dot(x, params["W"].T)


def test_what_has_init_scores_and_a_name_trains_but_is_not_kept(tmp_path):
    trained = fw.train(Linear(), familiarity, steps=2, batch=1)
    assert trained.params["W"].any()
    with pytest.raises(TypeError, match=r"^the programmer is a Linear; only Programmer, PlasticNetwork, Layer"):
        trained.save(tmp_path / "linear.nc")


@pytest.mark.kernels
@pytest.mark.parametrize("name", ["hebbff", "ba"])
def test_float32_stays_float32_from_the_input_to_the_gradients(name, rng):
    network, _ = MODELS[name]
    params, x = network.init(dtype=np.float32), rng.standard_normal((2, 4, network.d_in))
    value, found = value_and_grad(lambda p: anp.sum(network.run(p, x, np.ones((2, 4)))[0]))(params)
    assert value.dtype == np.float32
    assert {np.asarray(g).dtype for g in found.values()} == {np.dtype(np.float32)}


@pytest.mark.kernels
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("states", [0, 2, 5, 9])
def test_a_simulation_is_the_trained_network_whatever_is_kept(name, states, rng):
    network, _ = MODELS[name]
    fields = {f: getattr(network, f) for f in PlasticLayer.__dataclass_fields__}
    params, x = network.init(), rng.standard_normal((2, 5, network.d_in))
    ds = fw.PlasticRateNetwork(**fields).simulate(network.weights(params), x, states=states)
    h, A, _ = network.run(params, x)
    assert np.array_equal(ds.h, h)
    assert np.array_equal(ds.A, A)
    if states:
        assert ds.state_step.values.tolist() == [n for n in range(1, 6) if n % states == 0]
        for n in ds.state_step.values:
            assert np.array_equal(ds.A_states.sel(state_step=n), network.run(params, x[:, :n])[1])
    one = fw.PlasticRateNetwork(**fields).simulate(network.weights(params), x[1])
    assert "trial" not in one.dims
    assert np.array_equal(one.h, h[1])


# --- what is refused -------------------------------------------------------------------------------------------------

ONE = np.ones((3, 2))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"phi": "tanhh"}, r"^unknown phi 'tanhh'; did you mean 'tanh'\?"),
        ({"rule": "delta"}, "^unknown rule 'delta'"),
        ({"inner": 1, "recurrent": False}, "^inner is 1, but A reads the input once"),
        ({"norm": "iner"}, r"^unknown norm 'iner'; did you mean 'inner'\?"),
        ({"norm": 1}, "^unknown norm 1"),
        ({"norm": "inner"}, "^norm is 'inner', but inner is 0"),
        ({"d_in": 0}, "^d_in is 0"),
        ({"d_out": 0}, "^d_out is 0"),
        ({"alpha": "vector"}, "^unknown alpha 'vector'"),
        ({"lam": 1.5}, "^lam is 1.5"),
        ({"eta": float("nan")}, "^eta is nan"),
        ({"eta": 0.0, "keep_sign": True}, "^eta is 0, which has no sign to keep"),
        ({"scale": -1.0}, "^scale is -1.0"),
        ({"multiplicative": True, "alpha": "matrix"}, "^multiplicative puts W in the place of alpha"),
        ({"input_gain": 20.0, "d_in": 3, "d_hidden": 4}, "^input_gain is for a recurrent layer with d_in = d_hidden"),
    ],
)
def test_a_wrong_field_is_refused_by_name(fields, words):
    with pytest.raises(ValueError, match=words):
        fw.PlasticNetwork(**fields)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"drive": ONE[0]}, ValueError, r"^drive has shape \(2,\); pass an array \(\.\.\., time, unit\)"),
        ({"drive": ONE * np.nan}, ValueError, "^drive holds NaN or inf"),
        ({"drive": ONE.astype(np.float32)}, TypeError, "^mixed dtypes: drive float32, x float64"),
        ({"drive": ONE.astype(complex)}, TypeError, "^drive has dtype complex128"),
        ({"x": None}, ValueError, "^x is None, but a layer with recurrent=False needs it"),
        ({"x": np.ones((4, 2))}, ValueError, r"^x has shape \(4, 2\) beside a drive \(3, 2\); pass \(3, 2\)"),
        ({"W": np.eye(2)}, ValueError, "^a layer with recurrent=False does not use W"),
        ({"lam": np.ones(4)}, ValueError, r"^lam has shape \(4,\); it must broadcast to \(3,\)"),
        ({"alpha": np.ones(3)}, ValueError, r"^alpha has shape \(3,\); it must broadcast to \(2, 2\)"),
        ({"aux0": np.ones(5)}, ValueError, "^rule 'hebb' does not use aux0"),
        ({"drive": np.ones((3, 0))}, ValueError, "^the layer has 0 units and 2 inputs to A"),
    ],
)
def test_a_wrong_argument_is_refused_by_name(changes, kind, words):
    given = {"drive": ONE, "x": ONE, **changes}
    with pytest.raises(kind, match=words):
        ag.plastic(PlasticLayer(recurrent=False), **given)


def test_a_wrong_input_of_a_network_or_simulation_is_refused_by_name():
    network = fw.PlasticNetwork.hebbff(3, 4)
    with pytest.raises(ValueError, match=r"^x has 2 features; this network takes d_in=3"):
        network.run(network.init(), ONE)
    rates = fw.PlasticRateNetwork(recurrent=False)
    with pytest.raises(ValueError, match=r"^weights has no eta, lam; it needs W, lam and eta"):
        rates.simulate({"W": np.eye(2)}, ONE)
    weights = {"W": np.eye(2), "lam": 1.0, "eta": 1.0}
    with pytest.raises(ValueError, match=r"^multiplicative puts W in the place of alpha"):
        fw.PlasticRateNetwork(multiplicative=True).simulate(weights | {"alpha": 1.0}, ONE)
    with pytest.raises(ValueError, match=r"^d_in is 0;"):
        fw.PlasticNetwork.hebbff(0, 4)
    with pytest.raises(ValueError, match=r"^x has shape \(2,\); pass \(step, d_in\)"):
        rates.simulate(weights, ONE[0])
    with pytest.raises(ValueError, match=r"^x has shape \(0, 2\), which holds no step"):
        rates.simulate(weights, ONE[:0])


@pytest.mark.kernels
def test_a_second_derivative_is_refused_by_name():
    layer = PlasticLayer(recurrent=False)

    def slope(x):
        return anp.sum(grad(lambda z: anp.sum(ag.plastic(layer, ONE, z)[0] ** 2))(x))

    with pytest.raises(NotImplementedError, match=r"synfwp\.autograd\.plastic has no second derivative"):
        grad(slope)(ONE)


@pytest.mark.kernels
def test_an_empty_sequence_hands_its_state_and_its_cotangents_on(rng):
    layer = PlasticLayer()
    given = arguments(layer, True, rng, T=0)
    h, A, _ = ag.plastic(layer, *given.values())
    assert h.shape == (2, 0, 4)
    assert np.array_equal(A, given["A0"])
    c = rng.standard_normal(A.shape)
    found = adjoint_of(layer, given, [np.zeros_like(h), c])
    assert np.array_equal(found["A0"], c)
    assert not found["W"].any()
    assert not found["h0"].any()
