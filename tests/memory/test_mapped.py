"""Feature maps as memories: their reads are those of the rules of the package, at any scale of keys and queries."""

import numpy as np
import pytest

import synfwp as fw
from synfwp import features
from synfwp.memory import Mapped, System


@pytest.mark.parametrize(("feature", "rule", "divided"), [
    ("elu_plus_one", "linear_attention", True), ("dpfp(2)", "hebb", False), ("favor(16)", "hebb", False),
])  # fmt: skip
def test_a_map_reads_what_its_rule_reads_from_scaled_keys(feature, rule, divided):
    rng = np.random.default_rng(0)
    k, v, q = rng.standard_normal((7, 5)), rng.standard_normal((7, 3)), rng.standard_normal((4, 5))
    phi = features.get_feature(feature).apply
    none = np.zeros((4, phi(q).shape[1]))
    keys, queries = np.concatenate([phi(2 * k), none]), np.concatenate([phi(2 * k), phi(2 * q)])
    values, gates = np.concatenate([v, np.zeros((4, 3))]), {} if divided else {"beta": np.repeat([1.0, 0.0], [7, 4])}
    want = fw.scan(rule, queries, keys, values, **gates).y[7:]
    np.testing.assert_allclose(Mapped(feature, divided)(k, v, q, None, scale=2.0), want, atol=1e-12)


def test_its_scale_is_chosen_and_is_what_the_map_needs():
    systems = {"any scale": Mapped(), "as they are": System("linear_attention", feature="elu_plus_one")}
    ds = fw.capacity(systems, d_key=16, loads=[16], seeds=10)
    assert float(ds.chosen.sel(system="any scale", knob="scale")[0]) > 2
    score = ds.score.isel(pairs=0)
    assert (score.sel(system="any scale") > score.sel(system="as they are") + 0.1).all()


def test_it_keeps_a_matrix_of_its_features_and_their_sum():
    assert Mapped("dpfp(2)", divided=False).state(9, 4, 3)["state_variables"] == 16 * 3
    assert Mapped("elu_plus_one").state(9, 4, 3)["state_bytes"] == 8 * (4 * 3 + 4)


def test_a_query_that_meets_nothing_reads_zero_and_an_unknown_map_is_refused():
    k, q = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    assert Mapped("relu")(k, np.ones((1, 2)), q, None, scale=1.0).tolist() == [[0.0, 0.0]]
    with pytest.raises(ValueError, match="did you mean 'elu_plus_one'"):
        Mapped("elu_plus_on")
