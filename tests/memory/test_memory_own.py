"""What is a user's own goes through every measurement: rules, key sets, functions, layers, synapses, feature maps."""

import dataclasses
import json
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

import synfwp as fw
from synfwp.instructions import Outcome
from synfwp.memory.systems import System, as_system

SMALL = {"d_key": 6, "d_value": 5, "seeds": 3, "queries": 4}
NETWORK = fw.SpikingNetwork(engine="counts")


def my_hebb(k, v, q, rng):
    """A matrix memory, by hand."""
    return q @ (v.T @ k).T


@dataclass(frozen=True)
class Noisy:
    """A substrate of a user: Hebb's rule, with noise of its own on the weights that are read."""

    size: float = 0.5
    variables = 3
    bits = 12.0

    def effective(self, rule, k, beta, decay):
        """The rule itself."""

    def run(self, rule, q, k, v, beta, decay, seed):
        """Noise for every sequence."""
        W = np.einsum("nt,ntv,ntk->nvk", beta, v, k)
        W = W + self.size * np.random.default_rng(seed).standard_normal(W.shape)
        return Outcome(W, np.einsum("nvk,ntk->ntv", W, q), np.zeros(len(k)))


def test_a_rule_of_a_user_runs_without_registration() -> None:
    mine = fw.Rule(**{one.name: getattr(fw.DELTA, one.name) for one in dataclasses.fields(fw.DELTA)} | {"name": "mine"})
    ds = fw.capacity({"mine": mine, "on": (mine, fw.RateNetwork()), "theirs": "delta"}, loads=[4], keys="relu", **SMALL)
    assert np.array_equal(ds.score.sel(system="mine"), ds.score.sel(system="theirs"))
    assert (ds["mean"].sel(system="on") > 0.5).all()
    for found in (
        fw.retention({"mine": mine}, writes=30, oldest=5, d_key=6, seeds=2).lifetime,
        fw.overwriting({"mine": mine}, writes=[2], pairs=3, d_key=6, seeds=2)["mean"],
        fw.tracking({"mine": mine}, writes=30, d_key=6, seeds=2).error,
        fw.critical_load({"mine": mine}, d_key=6, seeds=3).critical_load,
    ):
        assert np.isfinite(found).all()


def test_a_function_of_a_user_is_measured_as_the_rule_that_it_writes_out() -> None:
    ds = fw.capacity({"mine": my_hebb, "theirs": "hebb"}, loads=[4, 9], **SMALL)
    assert ds.score.sel(system="mine").values == pytest.approx(ds.score.sel(system="theirs").values, abs=1e-12)
    assert ds.seconds.notnull().all()
    assert ds.state_bytes.sel(system="mine").isnull().all()
    assert ds.state_bytes.sel(system="theirs").values.tolist() == [240.0, 240.0]


def test_keys_of_a_user_are_rows_or_a_function(rng: np.random.Generator) -> None:
    rows = rng.standard_normal((40, 7))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)

    def drawn(rng, n, d):
        return rows[rng.permutation(len(rows))[:n]]

    by_rows = fw.capacity({"a": "hebb"}, keys=rows, loads=[4], seeds=3)
    rows_before = rows.copy()
    by_function = fw.capacity({"a": "hebb"}, keys=drawn, d_key=7, loads=[4], seeds=3)
    assert by_rows.score.shape == by_function.score.shape
    assert np.array_equal(rows, rows_before)
    found = fw.critical_load({"a": "ridge"}, keys=rows, criterion=0.2, decoder="cosine", seeds=3)
    assert found.critical_load.item() == 40
    assert not found.reached.item()
    assert found.high.item() == np.inf
    with pytest.raises(ValueError, match="keys gave an array of shape"):
        fw.capacity({"a": "hebb"}, keys=drawn, d_key=8, loads=[4], seeds=3)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (xr.DataArray(np.ones((4, 3)), dims=("time", "key")), "labels"),
        (np.ma.array(np.ones((4, 3)), mask=np.eye(4, 3)), "a mask"),
        (np.ones(4), "2 axes"),
        ([[1.0], [1.0, 2.0]], "ragged"),
        (np.full((4, 3), np.nan), "finite"),
        (np.zeros((0, 3)), "at least one row"),
    ],
)
def test_keys_that_would_lose_something_are_refused(keys, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"keys.*{message}"):
        fw.capacity({"a": "hebb"}, keys=keys, loads=[2], seeds=2)


def test_a_table_of_keys_is_refused_by_name() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(TypeError, match="keys is a DataFrame, which carries labels"):
        fw.capacity({"a": "hebb"}, keys=pandas.DataFrame(np.eye(4)), loads=[2], seeds=2)


def test_a_feature_map_of_the_package_widens_the_state() -> None:
    ds = fw.capacity({"a": System("delta", feature="dpfp(2)", key_norm="sum")}, loads=[4], **SMALL)
    assert np.isfinite(ds.score).all()
    assert ds.synapses.item() == 2 * 2 * 6 * 5  # 2 nu d features
    spiking = fw.capacity({"a": System("hebb", NETWORK, feature="relu")}, loads=[2], **SMALL)
    assert np.isfinite(spiking.score).all()
    with pytest.raises(ValueError, match=r"system 'a': .*firing rates.*keys='relu', or System"):
        fw.capacity({"a": ("hebb", NETWORK)}, loads=[2], **SMALL)


def test_a_substrate_of_a_user_stands_for_hebb_and_has_its_own_costs_and_noise() -> None:
    ds = fw.capacity({"noisy": Noisy(), "clean": Noisy(0.0), "hebb": "hebb"}, loads=[4], **SMALL)
    assert ds.score.sel(system="clean").values == pytest.approx(ds.score.sel(system="hebb").values, abs=1e-12)
    assert (ds["mean"].sel(system="noisy") < ds["mean"].sel(system="clean")).all()
    assert ds.state_variables.sel(system="noisy").item() == 3 * 30
    assert ds.bits.sel(system="noisy").item() == 12 * 30


def test_a_layer_of_pytorch_is_a_system() -> None:
    torch = pytest.importorskip("torch")

    class Layer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.tensor(8.0))

        def forward(self, k, v, q, rng):
            k, v, q = (torch.from_numpy(x).float() for x in (k, v, q))
            return torch.softmax(self.scale * q @ k.T, dim=-1) @ v

    def theirs(k, v, q, rng):
        return fw.memory.Attention()(k, v, q, rng, scale=8.0)

    ds = fw.capacity({"torch": Layer(), "theirs": theirs}, loads=[4, 8], **SMALL)
    assert ds.score.sel(system="torch").values == pytest.approx(ds.score.sel(system="theirs").values, abs=1e-5)


@pytest.mark.parametrize(
    ("system", "error", "message"),
    [
        (lambda k, v, q: q, TypeError, r"system 'a': it cannot be called as \(k, v, q, rng\)"),
        (lambda k, v, q, rng: q[:1], ValueError, r"shape \(1, 6\); return reads of shape \(2, 5\)"),
        (lambda k, v, q, rng: np.full((len(q), 5), np.nan), FloatingPointError, "return finite numbers"),
        (lambda k, v, q, rng: {}[1], RuntimeError, "system 'a' raised KeyError: 1"),
        (System, TypeError, r"it is the class System; pass an object, System\(...\)"),
        (3, TypeError, "it is 3; pass a rule"),
        ("detla", ValueError, "did you mean 'delta'"),
        ("householder", ValueError, "does not store pairs"),
        (("softmax", fw.RateNetwork()), ValueError, "rule 'softmax' has no weights that RateNetwork could carry"),
    ],
)
def test_what_is_no_system_is_refused_with_its_name(system, error, message: str) -> None:
    with pytest.raises(error, match=message):
        fw.capacity({"a": system}, loads=[2], **SMALL)


@pytest.mark.parametrize("systems", ["delta", ("delta", None), None, {}, {1: "delta"}])
def test_systems_that_are_no_mapping_of_names_are_refused(systems) -> None:
    with pytest.raises((TypeError, ValueError), match="systems"):
        fw.capacity(systems, loads=[2], **SMALL)


def test_knobs_of_a_function_that_are_no_mapping_are_refused() -> None:
    def mine(k, v, q, rng, width=1.0):
        return my_hebb(k, v, q, rng)

    mine.knobs = [1.0]
    with pytest.raises(TypeError, match="system 'a': its knobs are"):
        as_system("a", mine)


def test_a_cell_that_fails_is_told_with_its_system_and_load_and_the_others_are_kept() -> None:
    def fragile(k, v, q, rng):
        if len(k) == 8:
            raise OSError("no room")
        return my_hebb(k, v, q, rng)

    with pytest.warns(RuntimeWarning, match=r"system 'fragile' failed at pairs 8: OSError: no room") as seen:
        ds = fw.capacity({"fragile": fragile, "hebb": "hebb"}, loads=[4, 8], **SMALL)
    assert [one.filename for one in seen] == [__file__]
    assert ds["mean"].isnull().values.tolist() == [[False, True], [False, False]]
    assert ds.failure.values.tolist() == [["", "OSError: no room"], ["", ""]]
    with pytest.warns(RuntimeWarning, match="system 'fragile' failed at 8 pairs"):
        found = fw.critical_load({"fragile": fragile, "hebb": "hebb"}, d_key=12, seeds=3)
    assert np.isnan(found.critical_load.sel(system="fragile"))
    assert found.critical_load.sel(system="hebb") > 1


def test_a_step_that_overshoots_is_not_chosen_and_fails_by_name_where_it_is_held() -> None:
    keys = np.random.default_rng(0).standard_normal((400, 6))  # |k|^2 of 6: only small steps are stable
    ds = fw.capacity({"delta": "delta"}, keys=keys, loads=[200], seeds=3)
    assert ds.chosen.item() < 0.3
    assert ds["mean"].item() > 0
    with pytest.warns(RuntimeWarning, match="of 3 episodes hold inf or nan at beta 50; pass smaller steps"):
        ds = fw.capacity({"delta": "delta"}, keys=keys, loads=[300], seeds=3, beta=50.0)
    assert ds["mean"].isnull().all()


def test_results_survive_a_file(tmp_path) -> None:
    for name, ds in {
        "capacity": fw.capacity({"a": "delta", "b": my_hebb}, loads=[2, 4], **SMALL),
        "none": fw.capacity({"b": my_hebb}, loads=[2], **SMALL),
        "critical": fw.critical_load({"a": "hebb", "b": my_hebb}, d_key=6, seeds=3),
        "scaling": fw.scaling({"a": "hebb"}, d_keys=[6, 12], seeds=3),
        "retention": fw.retention({"b": my_hebb}, writes=20, oldest=4, d_key=6, seeds=2),
        "predicted": fw.predict_capacity(np.random.default_rng(0).standard_normal((9, 4))),
    }.items():
        path = tmp_path / f"{name}.nc"
        fw.save(ds, path)
        kept = fw.load(path)
        xr.testing.assert_identical(kept.drop_attrs(), ds.drop_attrs())
        assert kept.attrs["parameters"] == ds.attrs["parameters"]


def test_the_provenance_has_what_repeats_a_run(rng: np.random.Generator) -> None:
    rows = rng.standard_normal((60, 20))
    given = {"systems": {"a": System("delta", beta=0.3), "b": my_hebb}, "loads": [2], "keys": rows, "seeds": 3}
    ds = fw.capacity(**given, seed=np.random.default_rng(5))
    sent = json.loads(ds.parameters)
    assert {"seeds", "tuning_seeds", "loads", "tuned", "decoder", "candidates", "queries", "beta", "d_key"} <= set(sent)
    assert sent["systems"]["a"]["beta"] == 0.3
    assert "0x" not in ds.parameters  # no address, which the next run would not have
    assert len(sent["keys"]["sha256"]) == 16
    again = fw.capacity(**given, seed=ds.attrs["seed"])
    assert np.array_equal(again.score, ds.score)
    assert again.parameters == ds.parameters
    other = fw.capacity(**given | {"keys": rows[::-1]})
    assert json.loads(other.parameters)["keys"] != sent["keys"]


def test_costs_of_a_spiking_network_are_its_synapses_and_the_spikes_that_it_fires() -> None:
    n, d, e = NETWORK.code.neurons_per_feature, 6, 5
    ds = fw.capacity(
        {"spikes": System("delta", NETWORK, beta=0.5), "rates": System("delta", fw.RateNetwork(), beta=0.5)},
        loads=[1, 8], keys="relu", d_key=d, d_value=e, seeds=40,
    )  # fmt: skip
    assert ds.synapses.values.tolist() == [[2 * n**2 * d * e] * 2, [d * e] * 2]
    assert ds.write_spikes.sel(system="rates").isnull().all()
    rng = np.random.default_rng(0)
    k = np.maximum(rng.standard_normal((400, 1, d)), 0)
    k /= np.maximum(np.linalg.norm(k, axis=-1, keepdims=True), 1e-9)
    each = [
        NETWORK.describe("delta", fw.Instructions(one, one, rng.standard_normal((1, e)), np.array([0.5])))
        .values["spikes_per_item"] for one in k
    ]  # fmt: skip
    error = np.std(each) / np.sqrt(40)
    assert ds.write_spikes.sel(system="spikes", pairs=1).item() == pytest.approx(np.mean(each), abs=3 * error + 3)
    assert (
        0 < ds.read_spikes.sel(system="spikes", pairs=1).item() < ds.write_spikes.sel(system="spikes", pairs=1).item()
    )


@pytest.mark.parametrize(
    ("rule", "variables"),
    [("delta", 30), ("covariance", 30 + 6), ("momentum_delta", 60), ("linear_attention", 30 + 6)],
)
def test_variables_count_what_a_rule_carries_beside_its_weights(rule: str, variables: int) -> None:
    kept = System(rule).state(100, 6, 5)
    gates = {"momentum": np.zeros((1, 2)), "decay": np.ones((1, 2))} if rule == "momentum_delta" else {}
    aux = fw.scan(rule, *(np.full((1, 2, d), 0.1) for d in (6, 6, 5)), **gates).aux
    assert kept["state_variables"] == 30 + (0 if aux is None else aux[0].size)
    assert kept["state_variables"] in (variables, variables + 1)  # the number of keys, of a running mean
    assert kept["state_bytes"] == 8 * kept["state_variables"]
    assert kept["synapses"] == 30


def test_attention_keeps_every_pair_and_least_squares_two_matrices() -> None:
    ds = fw.capacity({"softmax": "softmax", "ridge": "ridge"}, loads=[3, 10], **SMALL)
    assert ds.state_bytes.sel(system="softmax").values.tolist() == [8 * 3 * 11, 8 * 10 * 11]
    assert ds.state_bytes.sel(system="ridge").values.tolist() == [8 * 6 * 11] * 2


def test_no_optional_package_is_loaded_by_a_measurement() -> None:
    before = set(sys.modules)
    fw.capacity({"a": "delta"}, loads=[2], **SMALL)
    assert not {"torch", "matplotlib", "brian2"} & (set(sys.modules) - before)
