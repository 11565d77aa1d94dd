"""Measured transitions: of rate networks against their closed forms, of spiking ones within their stated error."""

import numpy as np
import pytest

import synfwp as fw
from synfwp import dynamics, theory
from synfwp.substrates import door

DURATIONS = {"tau": 20.0, "T_write": 60.0, "T_read": 50.0, "gap": 40.0}


def items(rng, n, d_k=4, d_v=3, beta=0.5):
    """n single tokens with rate keys of unit length, and weights to start with."""
    k = np.abs(rng.standard_normal((n, 1, d_k)))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    v = rng.standard_normal((n, 1, d_v))
    return fw.Instructions(k, k, v, np.full((n, 1), beta)), 0.3 * rng.standard_normal((n, d_v, d_k))


def closed_form(on, rule, sent, decay=None):
    """Transitions of the effective rule."""
    return theory.transitions(on.effective(fw.get_rule(rule), sent.k, sent.beta, decay), sent.k)[:, 0]


@pytest.mark.parametrize("flow", ["instant", "lagged", "sample_and_hold"])
@pytest.mark.parametrize("rule", ["delta", "gated_delta", "key_gated_delta", "hebb", "leaky_hebb"])
def test_a_rate_network_responds_as_its_closed_form(flow, rule, rng):
    sent, W0 = items(rng, 5)
    decay = {None: None, "scalar": np.full((5, 1), 0.8), "key": rng.uniform(0.5, 1, (5, 1, 4))}[
        fw.get_rule(rule).retain
    ]
    sent = fw.Instructions(sent.q, sent.k, sent.v, sent.beta, decay)
    on = fw.RateNetwork(**DURATIONS, flow=flow)
    found = dynamics.measured_transitions(rule, sent, on, W0)
    assert len(found.M) == 2  # no noise
    # the read-out is at rest before the token: exact, to rounding of a difference of weights of size 1
    np.testing.assert_allclose(found.M[0], closed_form(on, rule, sent, decay), atol=1e-12)
    np.testing.assert_allclose(found.written[0], door.run(rule, sent, on).W, atol=1e-12)


@pytest.mark.parametrize(("flow", "G"), [("instant", 0.7), ("lagged", 6.0), ("sample_and_hold", 1.7)])
def test_the_response_along_a_key_is_the_eigenvalue_of_the_flow(flow, G):
    key = np.array([[[1.0, 0.0]]])
    on = fw.RateNetwork(tau=50.0, T_write=100.0, T_read=2000.0, gap=40.0, flow=flow)
    M = dynamics.measured_transitions("delta", fw.Instructions(key, key, key, [[G]]), on).M[0, 0]
    omega = np.sqrt(6 / 5000 - 1 / 10000)
    lagged = np.exp(-1.0) * (np.cos(100 * omega) + np.sin(100 * omega) / (100 * omega))
    expected = {"instant": np.exp(-0.7), "lagged": lagged, "sample_and_hold": 1 - 1.7}[flow]
    np.testing.assert_allclose(M, np.diag([expected, 1.0]), atol=1e-12)


CASES = [("counts", fw.TwoPhase()), ("counts", fw.PES()), ("poisson", fw.TwoPhase()), ("poisson", fw.Dendritic())]


@pytest.mark.parametrize(("engine", "mechanism"), CASES, ids=lambda x: getattr(x, "name", x))
def test_a_network_of_poisson_spikes_responds_as_its_closed_form_within_its_error(engine, mechanism, rng):
    sent, W0 = items(rng, 8)
    on = fw.SpikingNetwork(engine=engine, mechanism=mechanism)
    found, M = dynamics.measured_transitions("delta", sent, on, W0, repeats=24), closed_form(on, "delta", sent)
    along = np.einsum("nti,rnij,ntj->r", sent.k, found.M, sent.k) / 8  # the mean of tokens, for each repeat
    expected = np.einsum("nti,nij,ntj->", sent.k, M, sent.k) / 8
    error = along.std(ddof=1) / len(along) ** 0.5
    assert abs(along.mean() - expected) < 3.5 * error  # of a t with 23 degrees of freedom: 1 in 500
    assert error < 0.02
    assert abs(along.mean() - (expected + 0.1)) > 3.5 * error  # the test sees a tenth
    rest = np.ones(4) - np.einsum("nti,ntj->nij", sent.k, sent.k)[:, 0] * sent.k[:, 0, :1]
    rest -= (rest * sent.k[:, 0]).sum(axis=1, keepdims=True) * sent.k[:, 0]  # orthogonal to the key: it stays
    off = np.einsum("ni,rnij,nj->rn", rest, found.M, rest) / np.square(rest).sum(axis=1)
    stays = np.einsum("ni,nij,nj->n", rest, M, rest) / np.square(rest).sum(axis=1)
    assert np.abs(off.mean() - stays.mean()) < 3.5 * off.mean(axis=1).std(ddof=1) / len(off) ** 0.5


def test_the_error_that_lif_neurons_state_is_that_of_other_noise(rng):
    sent, W0 = items(rng, 4)
    on = fw.SpikingNetwork(engine="lif")
    one, other = (dynamics.measured_transitions("delta", sent, on, W0, repeats=12, seed=seed).M for seed in (1, 2))
    error = np.sqrt((one.var(axis=0, ddof=1) + other.var(axis=0, ddof=1)) / 12)
    z = (one.mean(axis=0) - other.mean(axis=0)) / error
    assert 0.6 < np.sqrt(np.square(z).mean()) < 1.6  # 64 entries: 1 +- 0.1, and the tails of 22 degrees of freedom
    along = np.einsum("nti,rnij,ntj->rn", sent.k, one, sent.k).mean(axis=0)
    assert (along > 0.4).all()
    assert (along < 0.8).all()


def test_common_noise_is_what_makes_the_response_precise(rng):
    sent, W0 = items(rng, 4)
    on = fw.SpikingNetwork(engine="poisson", mechanism=fw.GatedTrace())
    found = dynamics.measured_transitions("hebb", sent, on, W0, repeats=4)
    np.testing.assert_allclose(found.M, np.broadcast_to(np.eye(4), found.M.shape), atol=1e-12)
    assert found.written.std(axis=0).max() > 0.01  # what is written is as noisy as ever


def test_a_synapse_at_its_bound_moves_to_the_side_that_is_left():
    key, value = np.array([[[1.0, 0.5]]]), np.array([[[1.0]]])
    on = fw.SpikingNetwork(w0=0.25, mechanism=fw.GatedTrace())
    sent = fw.Instructions(key, key, 0 * value, [[1.0]])
    W0 = np.array([[[0.5, -0.5]]])
    assert on.largest_weight(key, value) == 0.5
    found = dynamics.measured_transitions("hebb", sent, on, W0, repeats=2)
    np.testing.assert_allclose(found.M[0, 0], np.eye(2), atol=1e-12)
    with pytest.raises(ValueError, match=r"W0 holds 0.6.*at most 0.5"):
        dynamics.measured_transitions("hebb", sent, on, W0 * 1.2, repeats=2)


def test_two_tokens_respond_as_the_product_of_their_transitions(rng):
    k = rng.standard_normal((1, 2, 4))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    sent = fw.Instructions(0 * k, k, rng.standard_normal((1, 2, 3)), np.full((1, 2), 0.5))
    on = fw.RateNetwork(tau=1.0, gap=60.0, T_read=60.0)
    M = dynamics.measured_transitions("delta", sent, on).M[0, 0]
    exact = dynamics.transition_matrices("delta", k[0], beta=[0.5, 0.5])
    np.testing.assert_allclose(M, dynamics.ordered_product(exact), atol=1e-12)


def test_more_rows_than_keys_and_fewer_give_the_same(rng):
    k = rng.standard_normal((1, 1, 3))
    on = fw.RateNetwork(tau=1.0, gap=60.0, T_read=60.0)
    for d_v in (1, 2, 3, 5):
        sent = fw.Instructions(k, k, rng.standard_normal((1, 1, d_v)), [[0.2]])
        M = dynamics.measured_transitions("delta", sent, on).M[0, 0]
        np.testing.assert_allclose(M, np.eye(3) - 0.2 * np.outer(k[0, 0], k[0, 0]), atol=1e-12)


@pytest.mark.parametrize(
    ("synapse", "kept"),
    [(fw.memory.Synapse(), 1.0), (fw.memory.Bounds(-5.0, 5.0), 1.0), (fw.memory.MultiDecay((0.8,)), 0.8)],
    ids=["ideal", "bounds", "one decay"],
)
def test_complex_synapses_respond_and_keep_their_states(synapse, kept, rng):
    sent, W0 = items(rng, 3)
    found = dynamics.measured_transitions("delta", sent, synapse, W0)
    k = sent.k[:, 0]
    erased = 0.5 * np.einsum("ni,nj->nij", k, k)
    np.testing.assert_allclose(found.M[0], kept * np.eye(4) - erased, atol=1e-12)
    many = fw.Instructions(*(np.repeat(x, 6, axis=1) for x in (sent.q, sent.k, sent.v, sent.beta)))
    run = fw.simulate("delta", many, on=synapse, states=2)
    assert run.W_states.dims == ("trial", "state_step", "value", "key")
    assert run.sizes["state_step"] == 3
    np.testing.assert_array_equal(run.W_states[:, -1], run.W)
    spectra = fw.spectra(run, on=synapse)
    assert spectra.sizes["trial"] == 3
