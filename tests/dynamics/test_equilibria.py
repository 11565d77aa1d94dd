"""Fixed points of plastic recurrent networks: where runs end, closed forms of one unit, what stability means."""

import numpy as np
import pytest

import synfwp as fw
from synfwp import dynamics


def test_a_unit_without_plasticity_has_the_fixed_points_of_its_equation():
    network = fw.PlasticRateNetwork(phi="tanh")
    ds = dynamics.fixed_points(network, {"W": [[2.0]], "lam": 0.5, "eta": 0.0}, [0.0])
    from scipy.optimize import brentq

    h = brentq(lambda h: np.tanh(2 * h) - h, 0.5, 1.0)
    np.testing.assert_allclose(np.sort(ds.h.values.ravel()), [-h, 0.0, h], atol=1e-9)
    slope = 2 * (1 - h**2)
    expected = [[2.0, 0.5], [0.5, slope], [0.5, slope]]
    np.testing.assert_allclose(ds.eigenvalue_real, expected, atol=1e-6)
    assert ds.stable.values.tolist() == [False, True, True]


def test_a_hebbian_unit_holds_itself_up_where_its_plastic_weight_suffices():
    # h = tanh((w + A) h), A = eta h^2 / (1 - lam): with w = 0 and a gain of 4 the three points of h = tanh(4 h^3) and 0
    network, weights = fw.PlasticRateNetwork(phi="tanh"), {"W": [[0.0]], "alpha": 1.0, "lam": 0.9, "eta": 0.4}
    ds = dynamics.fixed_points(network, weights, [0.0], starts=60)
    h = ds.h.values.ravel()
    np.testing.assert_allclose(np.tanh(4 * h**3), h, atol=1e-9)
    np.testing.assert_allclose(ds.A.values.ravel(), 4 * h**2, atol=1e-12)
    assert len(h) == 5
    assert ds.stable.values.tolist() == [True, False, False, True, True]
    # by hand: u = A h, h' = tanh(u), A' = lam A + eta h' h
    for point, values in zip(h, ds.eigenvalue_real.values + 1j * ds.eigenvalue_imag.values, strict=True):
        s, A = 1 - point**2, 4 * point**2
        J = np.array([[s * A, s * point], [0.4 * (point + point * s * A), 0.9 + 0.4 * point * s * point]])
        np.testing.assert_allclose(np.poly(values), np.poly(J), atol=1e-7)


CASES = {
    "hebb": {"rule": "hebb"},
    "oja": {"rule": "oja_local"},
    "covariance": {"rule": "covariance"},
    "inner loop": {"inner": 2, "phi": "relu", "norm": "every"},
    "multiplicative": {"multiplicative": True},
}


@pytest.mark.parametrize("name", CASES)
def test_a_run_from_rest_ends_in_one_of_the_stable_points(name, rng):
    network, d = fw.PlasticRateNetwork(**CASES[name]), 5
    weights = {"W": 0.4 * rng.standard_normal((d, d)) / d**0.5, "W_in": np.eye(d), "lam": 0.8, "eta": 0.02}
    weights |= {} if name == "multiplicative" else {"alpha": 1.0}
    x = rng.standard_normal(d)
    run = network.simulate(weights, np.tile(x, (20_000 if name == "covariance" else 800, 1)))
    ds = dynamics.fixed_points(network, weights, x, starts=5)
    near = np.abs(ds.h.values - run.h.values[-1]).max(axis=1)
    # running means move on by 1/n, so that a covariance rule is still on its way
    assert near.min() < (2e-3 if name == "covariance" else 1e-7)
    assert bool(ds.stable[near.argmin()])
    assert float(ds.residual.max()) < 1e-8


def test_perturbations_of_an_unstable_point_grow_by_its_leading_eigenvalue():
    network, weights = fw.PlasticRateNetwork(phi="tanh"), {"W": [[1.2]], "alpha": 1.0, "lam": 0.5, "eta": 0.0}
    ds = dynamics.fixed_points(network, weights, [0.0])
    assert float(ds.eigenvalue_real[0, 0]) == pytest.approx(1.2, abs=1e-6)
    h = network.simulate({**weights, "b": np.array([1e-9])}, np.zeros((40, 1))).h.values.ravel()
    assert h[30] / h[29] == pytest.approx(1.2, abs=0.02)


def test_large_networks_have_their_leading_eigenvalues(rng):
    d = 40
    network = fw.PlasticRateNetwork(phi="tanh")
    W = 0.9 * rng.standard_normal((d, d)) / d**0.5
    ds = dynamics.fixed_points(network, {"W": W, "lam": 0.3, "eta": 0.0}, np.zeros(d), starts=1)
    own = np.linalg.eigvals(W)
    expected = np.sort(np.abs(own))[::-1][:4]
    found = np.hypot(ds.eigenvalue_real, ds.eigenvalue_imag).values[0]
    np.testing.assert_allclose(found[:4], expected, atol=1e-5)
    assert found.shape == (12,)


def test_a_trained_network_goes_through():
    network = fw.PlasticNetwork(d_in=4, d_hidden=5, d_out=2, lam=0.9, eta=0.01)
    ds = dynamics.fixed_points(network, network.weights(network.init(0)), np.ones(4))
    assert ds.sizes["unit"] == 5


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"network": "net"}, TypeError, "network is a str"),
        ({"network": fw.PlasticRateNetwork(recurrent=False)}, ValueError, "recurrent=False"),
        ({"weights": {"W": np.eye(2), "lam": 1.0, "eta": 0.1}}, ValueError, "lam is 1: A forgets nothing"),
        ({"weights": {"W": np.eye(2)}}, ValueError, "no eta, lam"),
        ({"x": np.ones((2, 2))}, ValueError, "pass an array of 1 axes"),
        ({"x": np.ones(3)}, ValueError, "W has shape"),
        ({"starts": 0}, ValueError, "starts is 0"),
    ],
)
def test_what_has_no_fixed_points_is_refused(change, error, message):
    given = {"network": fw.PlasticRateNetwork(), "weights": {"W": np.eye(2), "lam": 0.5, "eta": 0.1}, "x": np.ones(2)}
    given |= {"starts": 2} | change
    with pytest.raises(error, match=message):
        dynamics.fixed_points(given.pop("network"), given.pop("weights"), given.pop("x"), **given)
