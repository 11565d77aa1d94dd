"""A Taylor rule from activity: the kernel beside its twin, gradients, recovery, what is left out."""

import numpy as np
import pytest

import synfwp as fw
from synfwp import programs, reference
from synfwp.inference import FromActivity, taylor
from synfwp.kernels import taylor as kernel

program = programs.load_program("which_rule")
BOUND = 0.3


def problem(rng, small, reward=True):
    """Inputs, rewards, coefficients of all powers up to order 4, and weights of which some meet the bound."""
    T = 4 if small else 9
    powers = taylor.powers(4, reward)
    x, r, W = rng.random((2, T, 3)), rng.random((2, T)), rng.uniform(-0.5, 0.5, (2, 2, 3))
    return x, r, 0.1 * rng.standard_normal(len(powers)), powers, W


def run(phi, x, r, theta, powers, W0):
    """The kernel, from W0."""
    y, W = np.empty((2, x.shape[1], 2)), np.empty((2, x.shape[1] + 1, 2, 3))
    W[:, 0] = W0
    kernel.forward(taylor.PHI[phi], x, r, theta, powers, BOUND, y, W, 0, 2)
    return y, W


@pytest.mark.kernels
@pytest.mark.parametrize("phi", taylor.PHI)
def test_the_layer_is_its_twin(phi, rng, small):
    x, r, theta, powers, W0 = problem(rng, small)
    y, W = run(phi, x, r, theta, powers, W0)
    assert (np.abs(W) == BOUND).any()
    for n in range(2):
        twin = reference.taylor(phi, x[n], r[n], theta, powers, BOUND, W0[n])
        np.testing.assert_allclose(y[n], twin[0], rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(W[n], twin[1], rtol=1e-12, atol=1e-13)


@pytest.mark.kernels
@pytest.mark.parametrize("phi", taylor.PHI)
def test_gradients_are_those_of_the_twin_by_complex_steps(phi, rng, small):
    x, r, theta, powers, W0 = problem(rng, small)
    y, W = run(phi, x, r, theta, powers, W0)
    dy, dtheta = rng.standard_normal(y.shape), np.empty((2, len(theta)))
    kernel.adjoint(taylor.PHI[phi], x, r, theta, powers, BOUND, y, W, dy, dtheta, 0, 2)
    for n in range(2):
        steps = theta + 1e-30j * np.eye(len(theta))
        expected = [
            np.sum(dy[n] * reference.taylor(phi, x[n], r[n], one, powers, BOUND, W0[n])[0].imag) / 1e-30
            for one in steps
        ]
        np.testing.assert_allclose(dtheta[n], expected, rtol=1e-10, atol=1e-12)


def test_powers_are_all_up_to_an_order_and_have_names():
    assert len(taylor.powers(6, reward=False)) == 27
    assert len(taylor.powers(8, reward=True)) == 81
    names = [taylor.name(one) for one in taylor.powers(3, reward=False)]
    assert names[0] == "1"
    assert {"pre post", "post^2 w", "w", "pre^2 post"} < set(names)
    assert "post^2 w^2" not in names


@pytest.mark.parametrize("rule", ["Oja", "covariance", "none"])
def test_a_rule_is_recovered_from_noisy_activity_alone(rule):
    found = program.from_activity(program.QUICK, 0, rule)
    assert found["found"][1] == 1.0
    np.testing.assert_allclose(found["theta"][1], found["true_theta"][1], atol=3e-3)
    if rule != "none":
        assert found["activity_explained"][1] > 0.5


def test_a_rule_that_reward_gates_is_recovered_with_its_errors(rng):
    theta, powers = [0.1, -0.03], [(1, 1, 0, 1), (0, 0, 1, 0)]
    x, W0 = rng.random((10, 60, 6)), 0.5 * rng.standard_normal((10, 3, 6))
    reward = (rng.random((10, 60)) < 0.5).astype(float)
    y = np.stack([reference.taylor("tanh", x[n], reward[n], theta, powers, np.inf, W0[n])[0] for n in range(10)])
    y = y + 0.02 * rng.standard_normal(y.shape)
    ds = fw.infer_rule(x, y, W0=W0, reward=reward, how=FromActivity(phi="tanh", left_out=3))
    for term, value in (("pre post reward", 0.1), ("w", -0.03)):
        at = ds.sel(term=term)
        assert abs(float(at.coefficient) - value) < 5 * float(at.sem) < 0.02
    assert int((ds.coefficient != 0).sum()) == 2
    assert ds.verdict == "cannot tell"
    assert ds.reason.startswith("dw = ")
    assert float(ds.log_likelihood) > float(ds.log_likelihood_still)


def test_the_likelihood_of_what_is_left_out_is_that_of_the_noise(rng):
    x, W0 = rng.random((8, 40, 5)), 0.5 * rng.standard_normal((8, 3, 5))
    y = np.stack([reference.taylor("sigmoid", x[n], x[n, :, 0], [0.1], [(1, 1, 0, 0)], np.inf, W0[n])[0]
                  for n in range(8)]) + 0.05 * rng.standard_normal((8, 40, 3))  # fmt: skip
    ds = fw.infer_rule(x, y, W0=W0)
    assert ds.verdict == "Hebb"
    expected = -0.5 * np.log(2 * np.pi * 0.05**2) - 0.5
    assert float(ds.log_likelihood) == pytest.approx(expected, abs=0.15)  # 240 numbers: SD 0.05


def test_activity_that_does_not_fit_is_refused_by_name(rng):
    x, y = rng.random((4, 6, 3)), rng.random((4, 6, 2))
    for arguments, text in (
        ({"pre": x[0]}, r"pre has shape \(6, 3\)"),
        ({"post": y[:, :5]}, "sessions and steps are the same"),
        ({"how": FromActivity(left_out=4)}, "left_out is 4"),
        ({"reward": np.ones(6)}, r"reward has shape \(6,\)"),
        ({"W0": np.ones((3, 2))}, r"W0 has shape \(3, 2\)"),
        ({"trace": x}, "trace is not used"),
    ):
        with pytest.raises(ValueError, match=text):
            fw.infer_rule(**{"pre": x, "post": y} | arguments)
