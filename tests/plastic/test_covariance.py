"""The covariance rule of plastic layers: means of the steps before, known means, their gradients (F16)."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from test_plastic import STEP, arguments, twin

import synfwp as fw
from synfwp import autograd as ag
from synfwp import coefficients
from synfwp.plastic import PlasticLayer

pytestmark = pytest.mark.kernels

LAYERS = {
    "input": PlasticLayer(rule="covariance", recurrent=False),
    "recurrent": PlasticLayer(rule="covariance", phi="sigmoid"),
    "inner": PlasticLayer(rule="covariance", inner=1, norm="inner"),
}
every_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)


def problem(layer, rng, number=0.0, T=9, **how):
    """Random arguments; the means stand for so many earlier steps."""
    given = arguments(layer, True, rng, T=T, **how)
    given["aux0"][..., -1] = number
    return given


def written(layer, given, h):
    """Both sides of each write: h, and what A has read."""
    if layer.inner:
        return h, h
    if not layer.recurrent:
        return h, given["x"]
    return h, np.concatenate([given["h0"][..., None, :], h[..., :-1, :]], axis=-2)


@every_layer
def test_the_first_step_is_learned(layer, rng):
    """F16: it is not taken off itself; without earlier means it is written as the Hebb rule writes it."""
    given = problem(layer, rng, T=1) | {"aux0": None}
    h, A, aux = ag.plastic(layer, *given.values())
    post, pre = (x[:, 0] for x in written(layer, given, h))
    lam, eta = (given[name][:, :, None] for name in ("lam", "eta"))
    assert np.abs(A - lam * given["A0"]).max() > 1e-4  # eta up to 0.05 times rates of 0.1 to 1
    np.testing.assert_allclose(A, lam * given["A0"] + eta * post[:, :, None] * pre[:, None], rtol=1e-14, atol=1e-17)
    np.testing.assert_array_equal(aux, np.concatenate([post, pre, np.ones((2, 1))], axis=-1))


def test_three_steps_of_one_synapse_by_hand():
    network = fw.PlasticRateNetwork(phi="identity", rule="covariance", recurrent=False)
    weights, x = {"W": np.eye(1), "lam": 1.0, "eta": 1.0, "alpha": 0.0}, np.array([[2.0], [4.0], [0.0]])
    # each rate minus the mean before it: 2 - 0, 4 - 2, 0 - 3
    assert network.simulate(weights, x, states=1).A_states.values.ravel().tolist() == [4.0, 4.0 + 4.0, 8.0 + 9.0]
    # from means of 1 and 3 that stand for one step: (2 - 1) (2 - 3), then (4 - 1.5) (4 - 2.5), then (0 - 7/3) (0 - 3)
    found = network.simulate(weights, x, states=1, aux0=[1.0, 3.0, 1.0]).A_states.values.ravel()
    np.testing.assert_allclose(np.diff(found, prepend=0.0), [-1.0, 3.75, 7.0], rtol=1e-15)
    # from the same means, held
    found = network.simulate(weights, x, states=1, aux0=[1.0, 3.0, np.inf]).A_states.values.ravel()
    assert np.diff(found, prepend=0.0).tolist() == [-1.0, 3.0, 3.0]


@every_layer
@pytest.mark.parametrize("number", [0.0, 3.0, np.inf])
def test_the_means_are_those_of_the_exact_covariance_rule(layer, number, rng):
    given = problem(layer, rng, number)
    h, A, aux = ag.plastic(layer, *given.values())
    sides, first = written(layer, given, h), np.split(given["aux0"][..., :-1], [4], axis=-1)
    means = [coefficients.running_mean(x, m, given["aux0"][..., -1:]) for x, m in zip(sides, first, strict=True)]
    post, pre = (x - mean.before for x, mean in zip(sides, means, strict=True))
    want = given["A0"]
    for t in range(9):
        lam, eta = (given[name][:, t, None, None] for name in ("lam", "eta"))
        want = lam * want + eta * post[:, t, :, None] * pre[:, t, None]
    np.testing.assert_allclose(A, want, rtol=1e-12, atol=1e-14)  # 9 steps of numbers below 10
    last = np.concatenate([means[0].last, means[1].last, means[0].seen], axis=-1)
    np.testing.assert_allclose(aux, last, rtol=1e-13, atol=1e-14)
    if np.isinf(number):
        assert np.array_equal(aux, given["aux0"])


@every_layer
@pytest.mark.parametrize("number", [0.0, 0.5, np.inf])
def test_the_kernel_is_its_twin_and_the_adjoint_the_transpose_of_the_derivative(layer, number, rng, small):
    given = problem(layer, rng, number, T=3 if small else 11)
    want = twin(layer, given)
    for got, x in zip(ag.plastic(layer, *given.values()), want, strict=True):
        np.testing.assert_allclose(got, x, rtol=1e-11, atol=1e-12)  # as in test_plastic
    c = [rng.standard_normal(x.shape) for x in (*want[:2], want[2][..., :-1])]  # the number of steps is no parameter
    names = [name for name, x in given.items() if x is not None]

    def loss(values):
        h, A, aux = ag.plastic(layer, *(given | dict(zip(names, values, strict=True))).values())
        return sum(anp.sum(y * g) for y, g in zip((h, A, aux[..., :-1]), c, strict=True))

    for name, gradient in zip(names, grad(loss)(tuple(given[name] for name in names)), strict=True):
        dx = rng.standard_normal(given[name].shape)
        if name == "aux0":
            dx[..., -1] = 0
            assert not gradient[..., -1].any()
        moved = given[name].astype(complex)
        moved.imag = STEP * dx
        h, A, aux = (x.imag / STEP for x in twin(layer, given | {name: moved}))
        out = h, A, aux[..., :-1]
        forward = sum(np.sum(a * b) for a, b in zip(c, out, strict=True))
        scale = sum(np.linalg.norm(a) * np.linalg.norm(b) for a, b in zip(c, out, strict=True))
        assert abs(forward - np.sum(gradient * dx)) <= 1e-9 * scale, name


@every_layer
def test_gradients_are_those_of_finite_differences(layer, rng):
    given = problem(layer, rng, T=4)
    names = [name for name, x in given.items() if x is not None]

    def loss(values):
        h, A, aux = ag.plastic(layer, *(given | dict(zip(names, values, strict=True))).values())
        return anp.sum(h**2) + anp.sum(A**2) + anp.sum(aux[..., :-1] ** 2)

    start = tuple(given[name] for name in names)
    for i, g in enumerate(grad(loss)(start)):
        dx = rng.standard_normal(g.shape)
        if names[i] == "aux0":
            dx[..., -1] = 0
        plus, minus = (loss((*start[:i], start[i] + s * dx, *start[i + 1 :])) for s in (1e-5, -1e-5))
        # a central difference: rounding of 1e-15 / 1e-5 and a third derivative times 1e-10, of sums of order 10
        assert (plus - minus) / 2e-5 == pytest.approx(np.sum(g * dx), rel=1e-6, abs=1e-8), names[i]


@every_layer
@pytest.mark.parametrize("number", [None, 0.0, np.inf])
def test_a_run_that_is_cut_anywhere_is_one_run(layer, number, rng):
    given = problem(layer, rng, number or 0.0, T=6)
    given = given | {"aux0": None} if number is None else given
    whole, sliced = ag.plastic(layer, *given.values()), ("drive", "x", "lam", "eta")

    def part(steps):
        return {name: x if x is None or name not in sliced else x[:, steps] for name, x in given.items()}

    for cut in range(1, 6):
        first = ag.plastic(layer, *part(slice(0, cut)).values())
        state = {"h0": first[0][:, -1], "A0": first[1], "aux0": first[2]}
        second = ag.plastic(layer, *(part(slice(cut, 6)) | state).values())
        assert np.array_equal(whole[0], np.concatenate([first[0], second[0]], axis=1))
        assert np.array_equal(whole[1], second[1])
        assert np.array_equal(whole[2], second[2])


@pytest.mark.parametrize("number", [0.0, np.inf])
def test_float32_stays_float32_and_near_float64(number, rng):
    given = problem(LAYERS["input"], rng, number, T=6, dtype=np.float32)
    wide = {name: None if x is None else x.astype(float) for name, x in given.items()}
    for got, want in zip(*(ag.plastic(LAYERS["input"], *x.values()) for x in (given, wide)), strict=True):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)  # as in test_plastic


@pytest.mark.parametrize("states", [1, 2, 5])
def test_a_simulation_is_the_network_whatever_is_kept(states, rng):
    network = fw.PlasticNetwork(d_in=3, d_hidden=4, rule="covariance")
    params, x = network.init(), rng.standard_normal((2, 5, 3))
    aux0 = np.append(rng.standard_normal(8), 2.0)
    rates = fw.PlasticRateNetwork(rule="covariance")
    for aux in (None, aux0):
        ds = rates.simulate(network.weights(params), x, states=states, aux0=aux)
        h, A, _ = network.run(params, x, aux0=aux)
        assert np.array_equal(ds.h, h)
        assert np.array_equal(ds.A, A)


@pytest.mark.parametrize(
    ("aux0", "words"),
    [
        (
            [0.0, 0.0, 0.0, 0.0, -1.0],
            "^aux0 holds -1 as the number of steps so far; pass the aux of an earlier run, or",
        ),
        ([0.0, 0.0, 0.0, 0.0, np.nan], "^aux0 holds nan as the number of steps so far"),
        ([0.0, np.inf, 0.0, 0.0, 1.0], "^aux0 holds NaN or inf; pass finite numbers"),
        (np.inf, "^aux0 holds NaN or inf; pass finite numbers"),
        (np.zeros(4), r"^aux0 has shape \(4,\); it must broadcast to \(5,\)"),
    ],
)
def test_only_the_number_of_steps_may_be_infinite_and_none_negative(aux0, words):
    one = np.ones((3, 2))
    with pytest.raises(ValueError, match=words):
        ag.plastic(LAYERS["input"], one, one, aux0=np.asarray(aux0))
    with pytest.raises(ValueError, match=r"^rule 'hebb' does not use aux0; leave it out"):
        fw.PlasticRateNetwork(recurrent=False).simulate({"W": np.eye(2), "lam": 1.0, "eta": 1.0}, one, aux0=np.zeros(5))
