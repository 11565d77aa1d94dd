"""The noise of spikes in training: its size, where it comes from, and that gradients pass."""

import numpy as np
import pytest
from autograd import grad

import synfwp as fw
from synfwp import tasks


def sent(rng, T=400, d=6):
    k = np.abs(rng.standard_normal((T, d)))
    return fw.Instructions(k, k, rng.standard_normal((T, 5)))


def test_a_number_has_the_variance_of_a_count_of_spikes():
    rng, noise = np.random.default_rng(0), fw.SpikeNoise(spikes=25.0)
    x = np.repeat([[0.5, -2.0, 0.0]], 200_000, axis=0)
    found = noise._counted(x, rng)
    np.testing.assert_allclose(found.mean(axis=0), x[0], atol=0.01)
    np.testing.assert_allclose(found.var(axis=0), [0.5 * 2 / 25, 2 * 2 / 25, 0], rtol=0.02)


def test_counts_of_a_network_have_that_variance():
    n, repeats = 20.0, 400
    code = fw.RateCode(peak=n / 4 / 0.1, neurons_per_feature=4)
    network = fw.SpikingNetwork(engine="counts", code=code, dale=False, mechanism=fw.GatedTrace())
    one = np.ones((repeats, 1, 1))
    W = fw.simulate("hebb", fw.Instructions(0 * one, one, one), on=network, seed=0).W.values.ravel()
    key, value = (1 + np.random.default_rng(i).standard_normal(200_000) / np.sqrt(n) for i in range(2))
    assert W.var(ddof=1) == pytest.approx((key * value).var(), rel=3 * np.sqrt(2 / repeats))


def test_many_spikes_are_the_exact_rule_and_few_are_not(rng):
    given = sent(rng, 20)
    exact = fw.scan("delta", given.q, given.k / 4, given.v).y
    near, far = (fw.SpikeNoise(spikes=n)("delta", fw.Instructions(given.q, given.k / 4, given.v)) for n in (1e14, 10))
    np.testing.assert_allclose(near, exact, atol=1e-5)
    assert np.abs(far - exact).max() > 0.1


def test_the_same_instructions_have_the_same_noise_and_another_seed_another(rng):
    given = sent(rng, 10)
    first, again, other = (fw.SpikeNoise(20, seed=s)("hebb", given) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_rules_that_erase_count_the_prediction_too(rng):
    given = sent(rng, 5)
    given = fw.Instructions(given.q, given.k / 4, given.v)
    seen = []
    original = fw.SpikeNoise._counted

    class Spy(fw.SpikeNoise):
        def _counted(self, x, rng, times=1.0):
            seen.append(times)
            return original(self, x, rng, times)

    Spy(50.0)("delta", given)
    Spy(50.0)("hebb", given)
    assert seen == [1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0]


def test_gradients_pass_by_the_numbers(rng):
    k, v = np.abs(rng.standard_normal((2, 8, 3)))
    noise = fw.SpikeNoise(spikes=1e14)

    def loss(v):
        return (noise("hebb", fw.Instructions(k, k, v)) ** 2).sum()

    exact = fw.vjp("hebb", k, k, v)[1](2 * fw.scan("hebb", k, k, v).y).v
    np.testing.assert_allclose(grad(loss)(v), exact, rtol=1e-4, atol=1e-5)


TASK = tasks.Recall(keys=3, values=3, writes=4, replacement=True)


def programmer(**more):
    own = {"feature": "relu", "key_norm": "l2", "write_channel": -1} | more
    return fw.Programmer(d_in=TASK.d_in, d_key=4, d_value=3, d_out=3, **own)


def test_training_reads_by_what_is_given_and_leaves_the_programmer_as_it_is():
    nets = [fw.train(programmer(), TASK, steps=3, batch=4, read=read) for read in (None, fw.SpikeNoise(5.0))]
    assert nets[0].programmer == nets[1].programmer
    assert np.abs(nets[0].history.loss - nets[1].history.loss).max() > 0
    again = fw.train(programmer(), TASK, steps=3, batch=4, read=fw.SpikeNoise(5.0))
    np.testing.assert_array_equal(again.history.loss, nets[1].history.loss)


def test_a_checkpoint_knows_what_a_training_read_by(tmp_path):
    path = tmp_path / "net.nc"
    fw.train(programmer(), TASK, steps=2, batch=4, checkpoint=path, read=fw.SpikeNoise(5.0))
    with pytest.raises(ValueError, match="read"):
        fw.train(programmer(), TASK, steps=2, batch=4, checkpoint=path, read=fw.SpikeNoise(6.0))


def test_what_is_no_read_is_refused():
    with pytest.raises(TypeError, match="read is 3; pass a function"):
        fw.train(programmer(), TASK, steps=1, batch=2, read=3)
    network = fw.PlasticNetwork(d_in=3, d_hidden=4, d_out=2)
    with pytest.raises(TypeError, match="sends no instructions"):
        fw.train(network, TASK, steps=1, batch=2, read=fw.SpikeNoise(5.0))
    for bad in (0, -1.0, np.nan):
        with pytest.raises(ValueError, match="spikes"):
            fw.SpikeNoise(bad)
