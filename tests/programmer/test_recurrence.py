"""The kernel of recurrent programmers: its twin, the twin's complex step, and the same layer token by token."""

from types import SimpleNamespace

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

import synfwp as fw
from synfwp import reference
from synfwp.programmer import recurrence
from synfwp.rules import get_rule

N, T, D_KEY, D_VALUE = 2, 7, 3, 3
STEP = 1e-30
CASES = {
    "delta": ("delta", "elu_plus_one", "l2", 1, "instructions", 0),
    "heads, gated, hidden": ("gated_delta", "elu_plus_one", "sum", 2, "instructions", 5),
    "decay of each key": ("key_gated_delta", "relu", "none", 1, "instructions", 0),
    "anti-hebb": ("anti_hebb", "identity", "l2", 2, "instructions", 0),
    "delta rnn": ("gated_delta", "elu_plus_one", "l2", 2, "reads", 0),
}


def arguments(case, rng):
    """What the kernel is told, its arrays, and what the twin is told."""
    rule, phi, norm, heads, recurrent, units = case
    row = get_rule(rule)
    how = recurrence.how_of(SimpleNamespace(
        rule=rule, feature=phi, key_norm=norm, heads=heads, recurrent=recurrent, d_key=D_KEY, d_value=D_VALUE,
        beta_max=1.5,
    ))  # fmt: skip
    M, F = how.matrices, heads * D_VALUE
    P = heads * D_KEY + M * (D_KEY + D_VALUE + 1) + M * {None: 0, "scalar": 1, "key": D_KEY}[row.retain]
    rnn = recurrent == "reads"
    shapes = [(N, T, P), (0 if rnn else P, units or F), (N, T, units), (units, F)]
    arrays = [0.5 * rng.standard_normal(shape) for shape in shapes]
    w = (np.arange(T) != 2).astype(float) * np.ones((N, 1))
    told = (M, how.sign, how.erase, row.retain, how.first)
    return how, arrays, w, (phi, norm, heads, told)


def twin(arrays, w, told):
    """Reads of all sequences."""
    drive, R, inner, R_hidden = arrays
    units = R_hidden.size > 0
    return np.array([
        reference.recurrent(*told, drive[n], R, inner[n] if units else None, R_hidden, w[n], 1.5, D_KEY, D_VALUE)
        for n in range(N)
    ])  # fmt: skip


@pytest.mark.kernels
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_reads_and_gradients_of_the_kernel_are_those_of_the_twin(case, rng):
    how, arrays, w, told = arguments(case, rng)
    y = recurrence._run(how, {}, *arrays, w)
    np.testing.assert_allclose(y, twin(arrays, w, told), rtol=0, atol=1e-13)  # rounding of numbers near 1
    dy = rng.standard_normal(y.shape)
    for i, x in enumerate(arrays):
        if x.size:

            def loss(one, i=i):
                given = [*arrays[:i], one, *arrays[i + 1 :]]
                return anp.sum(recurrence._run(how, {}, *given, w) * dy)

            direction = rng.standard_normal(x.shape)
            moved = [a + 1j * STEP * direction if j == i else a.astype(complex) for j, a in enumerate(arrays)]
            want = np.sum(twin(moved, w, told).imag / STEP * dy)
            assert np.sum(grad(loss)(x) * direction) == pytest.approx(want, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("recurrent", ["instructions", "reads"])
def test_the_kernel_and_the_layer_token_by_token_agree(recurrent, rng, monkeypatch):
    net = fw.Programmer(d_in=5, d_key=4, d_value=4, d_out=3, heads=2, hidden=6, recurrent=recurrent, rule="gated_delta")
    params, x = net.init(0), rng.standard_normal((3, 8, 5))
    found, sent = net.scores(params, x), net(params, x)
    monkeypatch.setattr(recurrence, "how_of", lambda net: None)
    np.testing.assert_allclose(found, net.scores(params, x), rtol=0, atol=1e-13)
    for name in ("q", "k", "v", "beta", "decay"):
        np.testing.assert_allclose(getattr(sent, name), getattr(net(params, x), name), rtol=0, atol=1e-13)


def test_a_second_derivative_is_refused(rng):
    how, arrays, w, _ = arguments(CASES["delta"], rng)

    def loss(drive):
        return anp.sum(recurrence._run(how, {}, drive, *arrays[1:], w))

    with pytest.raises(NotImplementedError, match="a recurrent programmer has no second derivative"):
        grad(lambda x: anp.sum(grad(loss)(x)))(arrays[0])
