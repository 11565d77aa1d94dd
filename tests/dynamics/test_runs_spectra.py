"""`fw.spectra` on runs: exact, in rates, in spikes, of instructions, of a trained programmer, kept in a file."""

import json

import numpy as np
import pytest

import synfwp as fw
from synfwp import dynamics, seeds
from synfwp.dynamics.responses import substrate_of

RULES = (
    "hebb",
    "leaky_hebb",
    "gated_hebb",
    "covariance",
    "linear_attention",
    "delta",
    "gated_delta",
    "key_gated_delta",
)


def sent(rng, rule="delta", n=None, T=12, d_k=4, d_v=3, beta=0.5):
    """Rate keys of unit length."""
    lead = () if n is None else (n,)
    k, q = np.abs(rng.standard_normal((2, *lead, T, d_k)))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    shape = {None: None, "scalar": (*lead, T), "key": (*lead, T, d_k)}[fw.get_rule(rule).retain]
    decay = None if shape is None else rng.uniform(0.8, 1.0, shape)
    return fw.Instructions(q, k, rng.standard_normal((*lead, T, d_v)), np.full((*lead, T), beta), decay)


@pytest.mark.parametrize("rule", RULES)
def test_contributions_times_values_are_the_reads(rule, rng):
    run = fw.simulate(rule, sent(rng, rule, n=2), states=3)
    ds = fw.spectra(run)
    y = np.einsum("nts,nsv->ntv", ds.contribution.values, run.v.values)
    np.testing.assert_allclose(y, run.y.values, atol=1e-12)


def test_a_run_of_one_sequence_has_no_trial_and_its_labels_are_those_of_the_run(rng):
    run = fw.simulate("gated_delta", sent(rng, "gated_delta"), states=5)
    ds = fw.spectra(run)
    assert not {"trial", "seed"} & set(ds.dims)
    assert ds.state_step.values.tolist() == run.state_step.values.tolist() == [5, 10]
    assert ds.transition.values.tolist() == list(range(1, 13))
    np.testing.assert_allclose(ds.W_norm, np.linalg.norm(run.W_states, axis=(1, 2)), rtol=1e-12)
    kept = run.decay * (1 - run.beta * np.square(run.k).sum("key"))
    np.testing.assert_allclose(ds.kept_along_key, kept, atol=1e-12)
    assert float(ds.step_ratio.max()) < 1
    assert all({"units", "long_name"} <= set(ds[name].attrs) for name in ds.data_vars)


def test_a_kept_run_and_a_kept_result_come_back(rng, tmp_path):
    run = fw.simulate("delta", sent(rng), on=fw.RateNetwork(flow="lagged"), states=1)
    fw.save(run, tmp_path / "run.nc")
    ds = fw.spectra(fw.load(tmp_path / "run.nc"))
    fw.save(ds, tmp_path / "spectra.nc")
    for one in (fw.spectra(run), fw.load(tmp_path / "spectra.nc")):
        for name in ds.data_vars:
            np.testing.assert_array_equal(ds[name], one[name])


NETWORKS = [
    fw.Exact(),
    fw.RateNetwork(flow="lagged", calibrate=True, tau=5.0),
    fw.SpikingNetwork(engine="lif", neuron=fw.LIF(noise=3.0), schedule=fw.ThetaCycle(gap=30.0)),
    fw.SpikingNetwork(mechanism=fw.InhibitoryCancellation(rho0=7.0), code=fw.RateCode(peak=70.0), dale=False),
]


@pytest.mark.parametrize("on", NETWORKS, ids=lambda on: type(on).__name__)
def test_a_substrate_is_built_again_from_what_its_run_keeps(on, rng):
    assert substrate_of(fw.simulate("delta", sent(rng, T=2), on=on)) == on


def test_rates_that_settle_have_the_spectra_of_the_exact_rule(rng):
    given = sent(rng, "gated_delta", n=2)
    exact = fw.spectra(fw.simulate("gated_delta", given, states=1))
    rates = fw.spectra(fw.simulate("gated_delta", given, on=fw.RateNetwork(tau=1.0, gap=60.0), states=1))
    names = ("eigenvalue_real", "eigenvalue_imag", "step_norm", "kept_along_key", "lyapunov_exponent", "contribution")
    for name in names:
        np.testing.assert_allclose(rates[name], exact[name], atol=1e-9)
        assert float(rates[f"{name}_error"].max()) == 0.0


def test_states_of_several_tokens_give_transitions_of_several_tokens(rng):
    given, on = sent(rng, T=11), fw.RateNetwork(tau=1.0, gap=60.0)
    one, four = (fw.spectra(fw.simulate("delta", given, on=on, states=n)) for n in (1, 4))
    assert four.transition.values.tolist() == [4, 8, 11]
    np.testing.assert_allclose(four.lyapunov_exponent, one.lyapunov_exponent, atol=1e-2)
    np.testing.assert_allclose(four.log_determinant, one.log_determinant, atol=1e-9)
    np.testing.assert_allclose(four.product_singular_value, one.product_singular_value, atol=1e-9)
    assert "several tokens" in json.loads(four.attrs["absent"])["contribution"]


def test_a_spiking_run_is_measured_with_its_error_and_for_every_seed(rng):
    given = sent(rng, T=6)
    run = fw.simulate("delta", given, on=fw.SpikingNetwork(), states=1, seed=range(3))
    ds = fw.spectra(run, repeats=6)
    assert ds.kept_along_key.dims == ("seed", "transition")
    assert ds.seed.values.tolist() == [0, 1, 2]
    error = ds.kept_along_key_error.values
    assert (error > 0).all()
    # 18 tokens: their mean is known to a quarter of the error of one, and self-erasure takes a hundredth
    assert abs(float(ds.kept_along_key.mean()) - 0.5) < 4 * float(error.mean()) / 18**0.5 + 0.02
    assert not np.array_equal(ds.W_norm[0], ds.W_norm[1])


def test_softmax_has_a_contribution_map_and_reasons_for_the_rest(rng):
    given = sent(rng)
    ds = fw.spectra(given, "softmax")
    assert set(ds.data_vars) == {"contribution"}
    np.testing.assert_allclose(ds.contribution.sum("write_time"), 1)
    y = fw.scan("softmax", given.q, given.k, given.v).y
    np.testing.assert_allclose(ds.contribution.values @ given.v, y, atol=1e-12)
    assert json.loads(ds.attrs["absent"])["eigenvalue"] == "it keeps all pairs and has no W"


@pytest.mark.parametrize("rule", ["oja", "delta_product(2)", "householder"])
def test_instructions_of_other_rules_have_what_exists_for_them(rule, rng):
    k = rng.standard_normal((6, 2, 4) if "product" in rule else (6, 4))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    v = 0.5 * rng.standard_normal((*k.shape[:-1], 3))
    ds = fw.spectra(fw.Instructions(rng.standard_normal((6, 4)), k, v), rule, states=2)
    absent = json.loads(ds.attrs["absent"])
    assert ds.sizes["transition"] == 6
    assert ("contribution" in ds) == ("contribution" not in absent) == ("product" in rule)
    assert ("W_norm" in ds) == (rule != "householder")


def test_layers_and_heads_of_a_trained_programmer_are_trials():
    task = fw.tasks.Recall(keys=4, values=4, writes=3)
    net = fw.Programmer(rule="gated_delta", d_in=task.d_in, d_key=4, d_value=3, d_out=task.d_out, heads=2)
    trained = fw.train(net, task, steps=3, batch=4, seed=0)
    x = task(seeds.generator(1), 2).x
    one = trained.instructions(x)
    ds = fw.spectra(one, "gated_delta")
    assert ds.sizes["trial"] == 4
    run = fw.simulate("gated_delta", one.one_axis(), states=16)
    np.testing.assert_allclose(fw.spectra(run).contribution, ds.contribution)


def test_a_layer_of_another_library_goes_through(rng):
    layer = fw.LayerProgrammer.preset("gated_delta_net", d_model=6, heads=2, d_key=4, d_value=3)
    ds = fw.spectra(layer(layer.init(seed=0), rng.standard_normal((9, 6))), layer.rule, states=3)
    assert ds.sizes["trial"] == 2
    assert "eigenvalue_real" in ds


def test_a_rule_and_a_substrate_of_your_own(rng):
    mine = fw.Rule(name="fading", retain="scalar", erase=0.5, write="beta")
    run = fw.simulate(mine, sent(rng, "leaky_hebb"), states=4)
    with pytest.raises(ValueError, match="'fading', which is not in the table; pass the row"):
        fw.spectra(run)
    np.testing.assert_allclose(fw.spectra(run, mine).kept_along_key, 0.5 * run.decay, atol=1e-12)

    class Own:
        def effective(self, rule, k, beta, decay):
            return None

        def run(self, rule, q, k, v, beta, decay, seed, states=0):
            return fw.Exact().run(rule, q, k, v, beta, decay, seed, states)

    run = fw.simulate("delta", sent(rng), on=Own(), states=4)
    with pytest.raises(ValueError, match="run is of a Own that cannot be built again"):
        fw.spectra(run)
    ds = fw.spectra(run, on=Own())
    assert "takes no W0" in json.loads(ds.attrs["absent"])["eigenvalue"]
    assert "W_norm" in ds


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda given: fw.spectra(fw.simulate("delta", given)), ValueError, "no W_states, q, k, v; make it"),
        (lambda given: fw.spectra(fw.simulate("delta", given, on=fw.RateNetwork(), states=50)), ValueError, "shorter"),
        (lambda given: fw.spectra(given), ValueError, "pass e.g. rule='delta'"),
        (lambda given: fw.spectra(given, "delta", on=fw.RateNetwork()), ValueError, "measured along a run"),
        (lambda given: fw.spectra(given, "self_referential"), ValueError, "sends itself"),
        (lambda given: fw.spectra(3), TypeError, "run is a int; pass what fw.simulate"),
    ],
)
def test_what_is_no_run_is_refused_with_the_cure(call, error, message, rng):
    with pytest.raises(error, match=message):
        call(sent(rng))


def test_a_jackknife_of_a_mean_is_its_standard_error(rng):
    from synfwp.dynamics.quantities import jackknifed

    x = seeds.generator(0).standard_normal((9, 4))
    found = jackknifed(lambda one: {"x": (("i",), one, {"long_name": "x"})}, (x,))
    np.testing.assert_allclose(found["x_error"][1], x.std(axis=0, ddof=1) / 3, rtol=1e-12)


def test_measured_transitions_is_the_part_that_spectra_uses(rng):
    given = sent(rng, T=1)
    run = fw.simulate("delta", given, on=fw.RateNetwork(), states=1)
    found = dynamics.measured_transitions("delta", given, fw.RateNetwork())
    values = dynamics.transition_eigenvalues(found.M[0, 0])
    np.testing.assert_allclose(fw.spectra(run).eigenvalue_real[0], values.real, atol=1e-12)
