"""Runs that keep W along the way, and runs that start from a given W."""

import numpy as np
import pytest

import synfwp as fw
from synfwp import reference
from synfwp.substrates import door
from synfwp.substrates.door import labels

NETWORKS = {
    "exact": fw.Exact(),
    "held": fw.RateNetwork(),
    "lagged": fw.RateNetwork(flow="lagged", gap=5.0),
    "counts": fw.SpikingNetwork(),
    "poisson": fw.SpikingNetwork(engine="poisson"),
    "lif": fw.SpikingNetwork(engine="lif"),
}


def sent(rng, n=2, T=6, d_k=3, d_v=2):
    """Keys of unit length, read at every token."""
    k = np.abs(rng.standard_normal((n, T, d_k)))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    k[:, 0, 0] = k.max()  # the first token has what is sent at the peak rates, in every part of a run
    k[:, 0] /= np.linalg.norm(k[:, 0], axis=-1, keepdims=True)
    return fw.Instructions(k, k, rng.standard_normal((n, T, d_v)), np.full((n, T), 0.5))


@pytest.mark.parametrize("name", NETWORKS)
def test_states_are_what_a_run_holds_after_so_many_tokens_and_change_nothing(name, rng):
    given, on = sent(rng), NETWORKS[name]
    whole = fw.simulate("delta", given, on=on, seed=range(2))
    kept = fw.simulate("delta", given, on=on, seed=range(2), states=2)
    np.testing.assert_array_equal(kept.W, whole.W)
    np.testing.assert_array_equal(kept.y, whole.y)
    assert kept.W_states.dims == ("seed", "trial", "state_step", "value", "key")
    assert kept.state_step.values.tolist() == [2, 4, 6]
    np.testing.assert_array_equal(kept.W_states[:, :, -1], kept.W)
    every = fw.simulate("delta", given, on=on, seed=range(2), states=1).W_states
    np.testing.assert_array_equal(kept.W_states, every[:, :, 1::2])
    # W after token t reads y of token t
    y = np.einsum("entij,ntj->enti", every, given.q)
    np.testing.assert_allclose(y, whole.y, atol=0.1 if name in ("held", "lagged") else 1e-12)


@pytest.mark.parametrize("states", [4, 5, 7])
def test_a_state_is_kept_only_behind_a_full_number_of_tokens(states, rng):
    kept = fw.simulate("delta", sent(rng), states=states)
    assert kept.sizes["state_step"] == 6 // states


def test_the_instructions_of_a_run_are_kept_with_its_states(rng):
    given = sent(rng)
    for rule, names in (("delta", {"beta"}), ("linear_attention", set()), ("gated_delta", {"beta", "decay"})):
        decay = np.full((2, 6), 0.9) if "decay" in names else None
        one = fw.Instructions(given.q, given.k, given.v, given.beta, decay).marked(np.ones((2, 6), bool))
        kept = fw.simulate(rule, one, states=3)
        assert names == {"beta", "decay"} & set(kept.data_vars)
        back = fw.Instructions.from_dataset(kept)
        np.testing.assert_array_equal(back.scored, one.scored)
        np.testing.assert_array_equal(fw.simulate(rule, back, states=3).W_states, kept.W_states)
    assert not {"q", "k", "v", "W_states"} & set(fw.simulate("delta", given).data_vars)


@pytest.mark.parametrize("on", [fw.Exact(), fw.RateNetwork(tau=1.0, gap=60.0)], ids=["exact", "rates"])
def test_a_run_that_is_carried_on_from_its_weights_is_one_run(on, rng):
    given = sent(rng)  # of rates that settle, nothing but W outlasts a gap
    first, last = (
        fw.Instructions(given.q[:, part], given.k[:, part], given.v[:, part], given.beta[:, part])
        for part in (slice(0, 3), slice(3, 6))
    )
    whole = door.run("delta", given, on=on).W
    carried = door.run("delta", last, on=on, W0=door.run("delta", first, on=on).W).W
    np.testing.assert_allclose(carried, whole, atol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_to_start_with_are_there_before_anything_is_written(name, rng):
    nothing = fw.Instructions(np.ones((2, 1, 3)), np.zeros((2, 1, 3)), np.zeros((2, 1, 2)), np.zeros((2, 1)))
    W0 = 0.5 * rng.standard_normal((2, 2, 3))
    out = door.run("delta", nothing, on=NETWORKS[name], W0=W0)
    np.testing.assert_allclose(out.W, W0, atol=1e-15)
    np.testing.assert_allclose(out.y[:, 0], W0.sum(axis=-1), rtol=1e-3)
    if "y_spikes" in out.extras:
        spikes = out.extras["y_spikes"][1][:, 0]
        np.testing.assert_allclose(spikes, W0.sum(axis=-1), atol=0.8)  # some ten spikes
        assert np.corrcoef(spikes.ravel(), W0.sum(axis=-1).ravel())[0, 1] > 0.9


@pytest.mark.kernels
@pytest.mark.parametrize("flow", ["sample_and_hold", "instant", "lagged"])
def test_the_kernel_keeps_and_starts_as_the_differential_equations_do(flow, rng):
    T, d_k, d_v = 4, 3, 2
    k = 0.7 * rng.standard_normal((T, d_k)) / d_k**0.5
    v, W0 = rng.standard_normal((T, d_v)), rng.standard_normal((d_v, d_k))
    times = {"tau": 15.0, "T_write": 40.0, "T_read": 30.0, "gap": 10.0}
    on, beta = fw.RateNetwork(**times, flow=flow), np.full((1, T), 0.4)
    out = on.run(fw.DELTA, k[None], k[None], v[None], beta, None, 0, 2, W0[None])
    for i, t in enumerate((2, 4)):
        one = reference.rate_network(True, flow, k[:t], k[:t], v[:t], beta[0, :t], None, **times, steps=100, W0=W0)
        np.testing.assert_allclose(out.states[0, i], one[1], atol=1e-7)
    np.testing.assert_array_equal(out.states[0, -1], out.W[0])


def test_bytes_are_said_beforehand(rng, monkeypatch):
    given = sent(rng)
    monkeypatch.setattr(labels, "MANY", 100)
    text = r"states=2 keeps 6 matrices of 2 x 3, 288 bytes .*; raise states for less"
    with pytest.warns(RuntimeWarning, match=text):
        fw.simulate("delta", given, states=2)
    monkeypatch.setattr(labels, "_memory", lambda: 200)
    monkeypatch.setattr(door.arrays, "run", lambda *a: pytest.fail("it ran"))
    with pytest.raises(MemoryError, match=r"288 bytes .*, but the machine has 200 bytes; raise states"):
        fw.simulate("delta", given, states=2)


def test_a_substrate_without_states_or_weights_to_start_with_is_named(rng):
    class Own:
        def effective(self, rule, k, beta, decay):
            return None

        def run(self, rule, q, k, v, beta, decay, seed):
            return fw.Exact().run(rule, q, k, v, beta, decay, seed)

    with pytest.raises(ValueError, match="states was passed, but run of Own has no argument states"):
        fw.simulate("delta", sent(rng), on=Own(), states=2)
    with pytest.raises(ValueError, match="W0 was passed, but run of Own has no argument W0"):
        door.run("delta", sent(rng), on=Own(), W0=0.0)


@pytest.mark.parametrize(
    ("W0", "message"),
    [
        (np.ones((4, 3)), r"W0 has shape \(4, 3\); it must broadcast to \(2, 2, 3\)"),
        (np.full((2, 3), np.nan), "W0 holds nan"),
        (np.full((2, 3), 1e6), r"W0 holds 1e\+06, but with these keys and values the synapses hold at most"),
    ],
)
def test_weights_that_no_synapse_holds_are_refused(W0, message, rng):
    with pytest.raises(ValueError, match=message):
        door.run("delta", sent(rng), on=fw.SpikingNetwork(), W0=W0)


def test_a_number_of_states_that_is_none_is_refused(rng):
    for states, error in ((-1, ValueError), (2.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match="states is"):
            fw.simulate("delta", sent(rng), states=states)
