"""Arrays of flash-linear-attention, [batch, time, head, feature], at the door of `scan` (F24)."""

import numpy as np
import pytest

import synfwp as fw
from synfwp import conventions

pytestmark = pytest.mark.kernels
B, T, H, K, V = 2, 64, 4, 3, 5
CURE = r"synfwp\.conventions\.from_fla"


def foreign():
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((B, T, H, d)) / d for d in (K, K, V))
    return q, k, v, rng.random((B, T, H)), -rng.random((B, T, H))


def test_foreign_arrays_are_read_as_many_short_sequences_and_that_is_named():
    q, k, v, beta, g = foreign()
    words = rf"q has shape \(2, 64, 4\) .* read as 2 x 64 sequences of 4 steps.*{CURE}.*reshape to \(128, 4, \.\)"
    for call in (
        lambda: fw.scan("delta", q, k, v, beta),
        lambda: fw.scan("hebb", q, k, v),
        lambda: fw.vjp("delta", q, k, v, beta),
        lambda: fw.attention("delta", q, k, beta),
    ):
        with pytest.warns(RuntimeWarning, match=words):
            call()
    with pytest.raises(ValueError, match=rf"decay holds -.*{CURE}"), pytest.warns(RuntimeWarning, match=words):
        fw.scan("gated_delta", q, k, v, beta, decay=g)


def test_the_cures_are_cures():
    q, k, v, beta, g = foreign()
    fw.scan("gated_delta", **conventions.from_fla(q, k, v, g, beta))
    fw.scan("delta", *(x.reshape(B * T, H, -1) for x in (q, k, v)), beta.reshape(B * T, H))


@pytest.mark.parametrize("shape", [(2, 4, 64), (3, 5, 7), (2, 12, 4), (8, 16, 1), (2, 300, 100), (128, 4), (64,)])
def test_layouts_of_ours_do_not_warn(shape):
    x = np.full((*shape, 2), 0.1)
    fw.scan("delta", x, x, x, np.full(shape, 0.5))


def test_a_state_of_the_right_shape_shows_that_the_layout_is_meant():
    x = np.full((2, 64, 4, 2), 0.1)
    fw.scan("delta", x, x, x, W0=np.zeros((2, 64, 2, 2)))


@pytest.mark.parametrize("name", ["beta", "decay"])
def test_one_gate_in_the_other_layout_is_refused(name):
    q, k, v, beta, g = foreign()
    ours = conventions.from_fla(q, k, v, g, beta)
    ours[name] = ours[name].swapaxes(1, 2)
    with pytest.raises(ValueError, match=rf"^{name} has shape \(2, 64, 4\) but q asks for \(2, 4, 64\).*{CURE}"):
        fw.scan("gated_delta", **ours)


def test_a_foreign_state_is_refused():
    q, k, v, beta, _ = foreign()
    ours = conventions.from_fla(q, k, v, None, beta)
    for arrays in ((q, k, v, beta), (ours["q"], ours["k"], ours["v"], ours["beta"])):
        with pytest.raises(ValueError, match=rf"^W0 has shape \(2, 4, 3, 5\), \[batch, head, key, value\] .*{CURE}"):
            fw.scan("delta", *arrays, W0=np.zeros((B, H, K, V)))


def test_softmax_has_no_weights_and_that_is_the_reason():
    """F24"""
    x = np.eye(3)
    with pytest.raises(ValueError, match=r"'softmax' keeps every pair and has no weights.*run it with synfwp\.scan"):
        fw.simulate("softmax", fw.Instructions(x, x, x), on=fw.RateNetwork())
    for network in (fw.RateNetwork(), fw.SpikingNetwork()):
        with pytest.raises(ValueError, match=r"'softmax' .*carries out: it keeps every pair and has no weights;"):
            network.describe("softmax")
