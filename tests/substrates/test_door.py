"""The door to every substrate: one set of names, one meaning of a seed, nothing lost and nothing silently changed."""

import json
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import grimp
import numpy as np
import pytest

import synfwp as fw
from synfwp import coefficients, measures
from synfwp.instructions import Description, Outcome
from synfwp.substrates import door

ROOT = Path(__file__).parents[2]
SHARED = {"y", "W", "y_exact", "centred_correlation", "recall_agreement", "norm_ratio", "fraction_at_bound"}
SPIKES = {"y_spikes", "spikes_per_item", "spikes_per_read"}
RECORD = {"spike_time", "spike_unit", "spike_population", "population_size", "phase_start", "phase_stop", "phase_name"}
COUNTS = fw.SpikingNetwork()
SUBSTRATES = {
    "exact": fw.Exact(),
    "rate": fw.RateNetwork(),
    "counts": COUNTS,
    "poisson": fw.SpikingNetwork(engine="poisson"),
}


def recall(rng, trials=None, pairs=6, d=8):
    """Zero-mean values under unit keys, each asked for afterwards; with beta and decay, which not every rule uses."""
    lead = () if trials is None else (trials,)
    k = rng.uniform(0, 1, (*lead, 2 * pairs, d)) * (rng.random((*lead, 2 * pairs, d)) < 0.4)
    k[..., 0] += 0.1  # no key is empty
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    v = rng.standard_normal((*lead, 2 * pairs, d))
    q = np.zeros_like(k)
    q[..., pairs:, :] = k[..., :pairs, :]
    k[..., pairs:, :] = 0
    v[..., pairs:, :] = 0
    beta = np.broadcast_to(np.arange(2 * pairs) < pairs, (*lead, 2 * pairs)) * 0.8
    return fw.Instructions(q, k, v, beta, np.full((*lead, 2 * pairs), 0.95))


@pytest.fixture
def single(rng):
    return recall(rng)


@pytest.fixture
def batch(rng):
    return recall(rng, 3)


# --- the contract of a result ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SUBSTRATES)
def test_every_substrate_gives_the_same_variables(name, batch):
    ds = fw.simulate("delta", batch, on=SUBSTRATES[name], seed=range(2))
    assert set(ds.data_vars) == SHARED | (SPIKES if name in ("counts", "poisson") else set())
    assert ds.reference.values.tolist() == ["target", "effective", "shuffled"]
    assert ds.y.dims == ("seed", "trial", "time", "value")
    assert ds.W.dims == ("seed", "trial", "value", "key")
    assert ds.y_exact.dims == ("trial", "time", "value")
    for score in ("centred_correlation", "recall_agreement", "norm_ratio"):
        assert ds[score].dims == ("reference", "seed", "trial")
    assert ds.fraction_at_bound.dims == ("seed", "trial")
    assert all("long_name" in ds[name].attrs and "units" in ds[name].attrs for name in ds.data_vars)
    assert ds.seed.attrs == {"long_name": "seed", "units": "1"}


def test_an_int_for_a_seed_adds_no_dim_and_a_single_sequence_has_no_trial(single, batch):
    ds = fw.simulate("delta", single, on=COUNTS)
    assert dict(ds.sizes) == {"time": 12, "value": 8, "key": 8, "reference": 3}
    assert ds.spikes_per_item.dims == ()
    assert dict(fw.simulate("delta", single, on=COUNTS, seed=range(2)).W.sizes) == {"seed": 2, "value": 8, "key": 8}
    assert dict(fw.simulate("delta", batch, on=COUNTS).W.sizes) == {"trial": 3, "value": 8, "key": 8}
    assert fw.simulate("delta", single, on=COUNTS, seed=[5]).seed.values.tolist() == [5]


def test_no_substrate_is_the_exact_one(batch):
    ds = fw.simulate("delta", batch)
    exact = fw.scan("delta", batch.q, batch.k, batch.v, batch.beta)
    assert np.array_equal(ds.W, exact.W)
    assert np.array_equal(ds.y, exact.y)
    assert np.array_equal(ds.y_exact, ds.y)
    np.testing.assert_allclose(ds.centred_correlation.sel(reference=["target", "effective"]), 1, atol=1e-12)
    np.testing.assert_allclose(ds.norm_ratio.sel(reference=["target", "effective"]), 1, atol=1e-12)


def test_reads_are_those_of_W_and_of_spikes_of_the_tokens_that_ask(single):
    ds = fw.simulate("delta", single, on=COUNTS)
    np.testing.assert_allclose(ds.y[-1], ds.W.values @ single.q[-1], atol=1e-12)
    assert np.isnan(ds.y_spikes[:6]).all()
    assert np.isfinite(ds.y_spikes[6:]).all()
    many = replace(COUNTS, code=fw.RateCode(neurons_per_feature=400), dale=False)
    ds = fw.simulate("delta", single, on=many)
    # 400 neurons of a feature: noise of spikes of a twentieth, and it is unbiased
    assert np.corrcoef(ds.y_spikes[6:].values.ravel(), ds.y[6:].values.ravel())[0, 1] > 0.98
    every = replace(COUNTS, schedule=fw.ThetaCycle(read="every"))
    reads = fw.simulate("delta", replace(single, q=np.ones_like(single.q)), on=every).y_spikes
    assert np.isfinite(reads).all()


def test_scales_of_keys_values_and_queries_go_through(single):
    """Large and small numbers are sent at the same rates: only the units of W change."""
    ds = fw.simulate("hebb", single, on=COUNTS)
    big = replace(single, k=single.k * 4, v=single.v * 8, q=single.q * 2)
    scaled = fw.simulate("hebb", replace(big, beta=single.beta / 16), on=COUNTS)
    np.testing.assert_allclose(scaled.W, ds.W * 8 / 4, rtol=1e-12)
    np.testing.assert_allclose(scaled.y_spikes, ds.y_spikes * 8 / 4 * 2, rtol=1e-12)


def test_float32_and_integers_run_in_float64(single):
    small = fw.Instructions(*(getattr(single, name).astype(np.float32) for name in ("q", "k", "v", "beta")))
    assert fw.simulate("delta", small, on=COUNTS).W.dtype == np.float64
    one = np.eye(3, dtype=int)
    assert fw.simulate("delta", fw.Instructions(one, one, one), on=fw.RateNetwork()).W.dtype == np.float64


@pytest.mark.parametrize("name", SUBSTRATES)
def test_the_layer_of_arrays_has_the_numbers_of_the_labels(name, batch):
    ds = fw.simulate("gated_delta", batch, on=SUBSTRATES[name], seed=4)
    out = door.run("gated_delta", batch.to_dataset(), on=SUBSTRATES[name], seed=4)
    assert np.array_equal(out.W, ds.W)
    assert np.array_equal(out.y, ds.y)
    compared = door.references("gated_delta", batch, on=SUBSTRATES[name])
    assert list(compared) == ds.reference.values.tolist()
    assert np.array_equal(compared["target"].y, ds.y_exact)
    for key, scan in compared.items():
        score = measures.centred_correlation(out.W, scan.W)
        np.testing.assert_allclose(score, ds.centred_correlation.sel(reference=key), atol=1e-12)
    assert (compared["effective"].W is compared["target"].W) == (name == "exact")


def test_a_single_sequence_is_one_of_many_in_the_layer_of_arrays(single):
    out = door.run("delta", single)
    assert out.W.shape == (1, 8, 8)
    assert np.array_equal(out.W[0], fw.simulate("delta", single).W)
    with pytest.raises(ValueError, match=r"record keeps spikes and RateNetwork has none"):
        door.run("delta", single, on=fw.RateNetwork(), record=True)
    with pytest.raises(TypeError, match=r"on is 3; pass Exact\(\)"):
        door.references("delta", single, on=3)


# --- the baselines ---------------------------------------------------------------------------------------------------


def test_shuffled_items_of_zero_mean_agree_by_chance(rng):
    ds = fw.simulate("delta", recall(rng, 40, pairs=10, d=16), on=fw.RateNetwork())
    for score in (ds.centred_correlation, ds.recall_agreement):
        assert (score.sel(reference="target") > 0.99).all()
        chance = score.sel(reference="shuffled").values
        # 3 standard errors, plus 1/(10 - 1): no write keeps its value, so chance lies just below 0
        assert abs(chance.mean()) < 3 * chance.std(ddof=1) / np.sqrt(40) + 1 / 9


def test_bias_and_noise_are_told_apart(rng):
    """A biased substrate agrees with its effective rule; a noisy one with neither, but its mean does."""
    sent = recall(rng, 20, pairs=10, d=16)
    biased = fw.simulate("delta", sent, on=fw.RateNetwork(flow="instant"))
    np.testing.assert_allclose(biased.norm_ratio.sel(reference="effective"), 1, atol=1e-9)
    assert (biased.norm_ratio.sel(reference="target") < 0.95).all()
    noisy = fw.simulate("delta", sent, on=replace(COUNTS, dale=False))
    assert noisy.norm_ratio.sel(reference="effective").mean() > 1.02


def test_recall_is_scored_on_the_tokens_that_only_ask_if_there_are_any(rng):
    both = replace(recall(rng), q=rng.uniform(0, 1, (12, 8)))  # every token reads, the last six write nothing
    ds = fw.simulate("delta", both, on=COUNTS)
    late = measures.recall_agreement(ds.y.values[6:], ds.y_exact.values[6:])
    assert float(ds.recall_agreement.sel(reference="target")) == pytest.approx(float(late), abs=1e-12)
    assert float(measures.recall_agreement(ds.y.values, ds.y_exact.values)) != pytest.approx(float(late), abs=1e-3)
    writes = fw.Instructions(*(getattr(both, name)[:6] for name in ("q", "k", "v", "beta")))
    ds = fw.simulate("delta", writes, on=COUNTS)
    every = measures.recall_agreement(ds.y.values, ds.y_exact.values)
    assert float(ds.recall_agreement.sel(reference="target")) == pytest.approx(float(every), abs=1e-12)


# --- seeds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", [COUNTS, SUBSTRATES["poisson"]], ids=["counts", "poisson"])
def test_the_same_seed_gives_the_same_result_and_another_seed_another(network, single):
    one, two, other = (fw.simulate("delta", single, on=network, seed=seed) for seed in (3, 3, 4))
    assert one.drop_attrs().identical(two.drop_attrs())
    assert not np.array_equal(one.W, other.W)
    both = fw.simulate("delta", single, on=network, seed=[4, 3])
    assert np.array_equal(both.W.sel(seed=3), one.W)
    assert np.array_equal(both.W.sel(seed=4), other.W)


def test_a_further_trial_changes_no_other_and_trials_are_independent(batch):
    top = [np.abs(x).max() for x in (batch.q, batch.k, batch.v)]
    q, k, v = batch.q.copy(), batch.k.copy(), batch.v.copy()
    for x, most in zip((q, k, v), top, strict=True):  # the largest of each is in the first trial: equal scales
        x[0].flat[np.abs(x[0]).argmax()] = most
    whole = replace(batch, q=q, k=k, v=v)
    part = fw.Instructions(*(x[:2] for x in (q, k, v, batch.beta, batch.decay)))
    for network in (COUNTS, SUBSTRATES["poisson"]):
        assert np.array_equal(fw.simulate("delta", whole, on=network).W[:2], fw.simulate("delta", part, on=network).W)
    same = fw.Instructions(*(np.stack([x[0], x[0]]) for x in (q, k, v, batch.beta)))
    W = fw.simulate("delta", same, on=COUNTS).W
    assert not np.array_equal(W[0], W[1])


def test_a_generator_and_a_seed_sequence_are_welcome_and_can_be_run_again(single):
    ds = fw.simulate("delta", single, on=COUNTS, seed=np.random.default_rng(5))
    again = np.random.default_rng(0)
    again.bit_generator.state = json.loads(ds.attrs["seed"])  # the state before the run
    assert np.array_equal(fw.simulate("delta", single, on=COUNTS, seed=again).W, ds.W)
    sequence = np.random.SeedSequence(7)
    one, two = (fw.simulate("delta", single, on=COUNTS, seed=sequence).W for _ in range(2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("seed", ["zero", 1.5, -1, None])
@pytest.mark.parametrize("name", SUBSTRATES)
def test_a_wrong_seed_is_refused_even_where_nothing_is_drawn(name, seed, single):
    with pytest.raises((TypeError, ValueError), match="seed is"):
        fw.simulate("delta", single, on=SUBSTRATES[name], seed=seed)


def test_no_seed_at_all_is_refused(single):
    with pytest.raises(ValueError, match="seed is an empty sequence"):
        fw.simulate("delta", single, seed=[])


# --- labels, provenance, files ---------------------------------------------------------------------------------------


def test_a_dataset_of_instructions_is_the_instructions(batch):
    ds = batch.to_dataset().transpose("value", "key", "time", "trial")
    one, two = (fw.simulate("gated_delta", sent, on=COUNTS) for sent in (batch, ds))
    assert one.drop_attrs().identical(two.drop_attrs())


def test_what_a_rule_does_not_use_is_dropped_and_the_result_says_so(single):
    ds = fw.simulate("hebb", single, on=fw.RateNetwork())
    assert json.loads(ds.attrs["dropped"]) == ["decay"]
    assert json.loads(fw.simulate("leaky_hebb", single, on=fw.RateNetwork()).attrs["dropped"]) == []
    other = replace(single, momentum=np.full(12, 0.5), ridge=np.ones(8))
    assert json.loads(fw.simulate("hebb", other).attrs["dropped"]) == ["decay", "momentum", "ridge"]
    assert json.loads(fw.simulate("leaky_hebb", other.to_dataset()).attrs["dropped"]) == ["momentum", "ridge"]
    plain = fw.Rule(name="plain", write=1.0)
    ds = fw.simulate(plain, single)
    assert json.loads(ds.attrs["dropped"]) == ["decay", "beta"]
    assert np.array_equal(ds.W, fw.scan(plain, single.q, single.k, single.v).W)


def test_a_decay_that_a_rule_needs_is_asked_for(single):
    with pytest.raises(ValueError, match="rule 'gated_delta' needs decay"):
        fw.simulate("gated_delta", replace(single, decay=None), on=COUNTS)


def test_the_result_knows_how_it_came_about(single):
    network = fw.SpikingNetwork(engine="poisson", mechanism=fw.TwoPhase(tau=30.0), neuron=fw.Poisson(tau_syn=2.0))
    attrs = fw.simulate("delta", single, on=network, seed=9).attrs
    assert {"synfwp_version", "rule", "parameters", "seed", "dependencies", "created", "substrate"} <= set(attrs)
    assert (attrs["rule"], attrs["seed"], attrs["substrate"]) == ("delta", 9, "SpikingNetwork")
    kept = json.loads(attrs["parameters"])
    assert kept["mechanism"] == {"class": "TwoPhase", "tau": 30.0, "online": False}
    assert kept["neuron"] == {"class": "Poisson", "tau_syn": 2.0}
    assert kept["schedule"]["gap"] == 40.0


@pytest.mark.parametrize("record", [False, True])
def test_a_result_survives_a_file(record, batch, tmp_path):
    ds = fw.simulate("delta", batch, on=SUBSTRATES["poisson"], seed=1, record=record)
    fw.save(ds, tmp_path / "run.nc")
    assert fw.load(tmp_path / "run.nc").identical(ds)


def test_recorded_spikes_are_ragged_and_in_seconds(batch):
    ds = fw.simulate("delta", batch, on=SUBSTRATES["poisson"], seed=1, record=True)
    assert set(ds.data_vars) == SHARED | SPIKES | RECORD
    assert ds.spike_time.dims == ds.spike_unit.dims == ds.spike_population.dims == ("spike",)
    assert ds.spike_time.attrs["units"] == "s"
    assert ds.population.values.tolist() == ["key", "push", "pull"]
    assert set(ds.spike_population.values.tolist()) == {0, 1, 2}
    assert ds.spike_population.dtype.kind == "i"
    # 6 items of two phases and two gaps, then 6 reads, of the first trial
    assert float(ds.phase_stop[-1]) == pytest.approx(6 * 0.28 + 6 * 0.14)
    assert int(ds.spike_unit.max()) < 8 * 8
    silent = fw.simulate("delta", batch, on=SUBSTRATES["poisson"], seed=1)
    assert np.array_equal(silent.W, ds.W)


def test_a_run_without_a_phase_records_no_spike():
    nothing = fw.Instructions(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 2)))
    ds = fw.simulate("hebb", nothing, on=SUBSTRATES["poisson"], record=True)
    assert ds.sizes["spike"] == ds.sizes["phase"] == 0
    assert float(abs(ds.W).max()) == 0


def test_sequences_of_no_tokens_leave_nothing():
    empty = fw.Instructions(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros((0, 2)))
    for substrate in SUBSTRATES.values():
        ds = fw.simulate("delta", empty, on=substrate)
        assert ds.y.shape == (0, 2)
        assert float(abs(ds.W).max()) == 0


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", ["rate", 3, fw.SpikingNetwork, object()], ids=str)
def test_something_that_is_no_substrate_is_refused(on, single):
    with pytest.raises(TypeError, match=r"on is .*; pass Exact\(\), a RateNetwork or a SpikingNetwork"):
        fw.simulate("delta", single, on=on)


def test_instructions_of_another_type_are_refused(single):
    with pytest.raises(TypeError, match="instructions is a tuple; pass Instructions or a Dataset"):
        fw.simulate("delta", (single.q, single.k, single.v))
    with pytest.raises(ValueError, match="the Dataset has no v"):
        fw.simulate("delta", single.to_dataset().drop_vars("v"))


def test_an_unknown_rule_is_refused_with_a_suggestion(single):
    with pytest.raises(ValueError, match="unknown rule 'detla'; did you mean 'delta'"):
        fw.simulate("detla", single, on=COUNTS)


def test_shapes_dtypes_and_numbers_are_checked_at_the_door(single):
    with pytest.raises(ValueError, match=r"v has shape \(3, 8\) but k \(12, 8\)"):
        fw.simulate("delta", replace(single, v=single.v[:3]), on=COUNTS)
    with pytest.raises(ValueError, match="v holds nan at index"):
        fw.simulate("delta", replace(single, v=single.v * np.nan), on=COUNTS)
    with pytest.raises(ValueError, match=r"beta holds -0\.8"):
        fw.simulate("delta", replace(single, beta=-single.beta), on=COUNTS)
    deep = fw.Instructions(*(np.ones((2, 3, 4, 5)) for _ in range(3)))
    with pytest.raises(ValueError, match=r"k has leading axes \(2, 3\)"):
        fw.simulate("delta", deep, on=COUNTS)
    with pytest.raises(ValueError, match=r"k has shape \(0, 4, 5\), which holds no trial"):
        fw.simulate("delta", fw.Instructions(*(np.ones((0, 4, 5)) for _ in range(3))), on=COUNTS)


@pytest.mark.parametrize("on", [fw.Exact(), fw.RateNetwork()], ids=["exact", "rate"])
def test_a_substrate_without_spikes_cannot_record_them(on, single):
    with pytest.raises(ValueError, match=r"record keeps spikes and \w+ has none; pass on=SpikingNetwork"):
        fw.simulate("delta", single, on=on, record=True)


def test_the_spikes_of_one_seed_are_recorded(single):
    with pytest.raises(ValueError, match="record keeps the spikes of one run; pass one seed"):
        fw.simulate("delta", single, on=SUBSTRATES["poisson"], seed=range(2), record=True)


@pytest.mark.parametrize("rule", ["momentum_delta", "mesa", "householder"])
@pytest.mark.parametrize("on", [fw.Exact(), fw.RateNetwork(), COUNTS], ids=["exact", "rate", "counts"])
def test_a_rule_that_takes_more_than_writes_is_run_by_no_substrate(rule, on, single):
    sent = replace(single, momentum=np.full(12, 0.5), ridge=np.ones(8))
    with pytest.raises(ValueError, match=f"^rule '{rule}' needs .*; run it with synfwp.scan; no substrate runs it"):
        fw.simulate(rule, sent, on=on)


def test_an_unstable_step_is_a_warning_at_the_line_of_the_caller(single):
    for on in (fw.Exact(), fw.RateNetwork()):
        with pytest.warns(RuntimeWarning, match="unstable step for rule 'delta'") as found:
            fw.simulate("delta", replace(single, beta=single.beta * 3), on=on)
        assert {warning.filename for warning in found} == {__file__}


def test_many_synapses_at_a_bound_are_a_warning_at_the_line_of_the_caller(single):
    with pytest.warns(RuntimeWarning, match="of the synapses stand at a bound") as found:
        fw.simulate("delta", single, on=replace(COUNTS, w0=0.05))
    assert {warning.filename for warning in found} == {__file__}


# --- independence ----------------------------------------------------------------------------------------------------


def test_rates_and_spikes_cannot_reach_the_exact_rules():
    code = (
        "import sys, synfwp.substrates, numpy as np\n"
        "from synfwp import RateNetwork, SpikingNetwork, DELTA\n"
        "k = np.ones((1, 2, 2))\n"
        "for network in (RateNetwork(), SpikingNetwork(), SpikingNetwork(engine='poisson')):\n"
        "    network.describe(DELTA), network.run(DELTA, k, k, k, np.ones((1, 2)), None, 0)\n"
        "print(sorted(m for m in sys.modules if m in ('synfwp.fastweights', 'synfwp.kernels.linear', 'synfwp.autograd')"
        " or m.split('.')[0] == 'autograd'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


EXACT = ("synfwp.fastweights", "synfwp.kernels.linear", "synfwp.autograd")


@pytest.fixture(scope="module")
def imports():
    """All imports of the package, those inside functions too."""
    return grimp.build_graph("synfwp")


def test_no_module_of_the_substrates_but_the_door_has_a_chain_of_imports_to_the_exact_rules(imports):
    inside = {name for name in imports.modules if name.startswith("synfwp.substrates.")}
    door = {name for name in inside if name.startswith("synfwp.substrates.door")}
    assert len(inside - door) >= 17
    for name in {"synfwp.substrates"} | inside - door:
        for exact in EXACT:
            for part in {exact} | imports.find_descendants(exact):
                assert not imports.find_shortest_chain(name, part), (name, part)
    # the same question has an answer for the door, so that it can be answered with yes
    assert imports.find_shortest_chain("synfwp.substrates.door.arrays", "synfwp.fastweights")


def test_the_contract_names_every_module_of_the_substrates_but_the_door(imports):
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (named,) = (one for one in contracts if set(one.get("forbidden_modules", ())) == set(EXACT))
    children = imports.find_children("synfwp.substrates") - {"synfwp.substrates.door"}
    assert set(named["source_modules"]) == children


def test_a_substrate_of_ones_own_runs(single):
    class Forgetful:
        def effective(self, rule, k, beta, decay):
            return coefficients.coefficients(rule, k, 0 * beta, decay)

        def run(self, rule, q, k, v, beta, decay, seed):
            return Outcome(np.zeros((len(k), v.shape[2], k.shape[2])), np.zeros_like(v), np.zeros(len(k)))

    ds = fw.simulate("delta", single, on=Forgetful())
    assert float(ds.norm_ratio.sel(reference="target")) == 0
    assert np.isnan(float(ds.norm_ratio.sel(reference="effective")))
    assert ds.attrs["substrate"] == "Forgetful"


def test_a_description_prints_its_title_and_its_sentences():
    assert str(Description("title", {}, ["one", "two"])) == "title\n  one\n  two"


@pytest.mark.parametrize("on", [fw.RateNetwork(), fw.SpikingNetwork()], ids=["rate", "spiking"])
@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_weights_that_overflow_are_not_taken_for_tokens_that_were_not_read(on):
    """F18 and F12."""
    x = np.full((5, 2), 1e160)
    with pytest.raises(
        FloatingPointError, match=r"on \w+Network goes beyond what floats hold .*; make q, k, v or beta smaller"
    ):
        fw.simulate("hebb", fw.Instructions(x, x, x, np.ones(5)), on=on)
