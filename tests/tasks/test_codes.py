"""Codes: unit vectors, tight frames, and what spreading them does."""

import numpy as np
import pytest

from synfwp.tasks import codes


@pytest.fixture(scope="module")
def drawn():
    return {kind: codes.draw(kind, 24, 6, np.random.default_rng(1)) for kind in codes.KINDS}


def crossed(x):
    return (x @ x.T)[~np.eye(len(x), dtype=bool)]


def test_every_code_is_of_unit_length(drawn):
    for x in drawn.values():
        np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1)


def test_a_tight_frame_has_the_least_sum_of_squared_products_and_random_codes_have_more(drawn):
    least = 24 * (24 / 6 - 1)  # n^2 / d - n
    assert np.square(crossed(drawn["tight"])).sum() == pytest.approx(least, rel=1e-6)  # what 200 projections leave
    assert np.square(crossed(drawn["random"])).sum() > least + 5


def test_lines_are_apart_up_to_their_sign_and_points_in_their_direction(drawn):
    assert np.abs(crossed(drawn["lines"])).max() < np.abs(crossed(drawn["tight"])).max() - 0.1
    assert crossed(drawn["points"]).max() < crossed(drawn["lines"]).max() - 0.05
    assert np.abs(crossed(drawn["points"])).max() > np.abs(crossed(drawn["lines"])).max() + 0.05


def test_the_same_generator_draws_the_same_codes():
    one, other = (codes.draw("points", 5, 3, np.random.default_rng(2), 10) for _ in range(2))
    np.testing.assert_array_equal(one, other)
