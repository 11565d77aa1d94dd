"""Schlag et al. 2021 in quick mode: what it computes, draws and prints; its bounds; and the numbers of the README."""

import re

import figure_checks
import numpy as np
import pytest
import readme_numbers
from typer.testing import CliRunner

import synfwp as fw
from synfwp import cli, programs, theory
from synfwp.programmer.losses import squared

MEMORIES = ["elu_plus_one", "dpfp", "softmax", "sum", "delta"]


@pytest.fixture(scope="module")
def program():
    """The program's module."""
    return programs.load_program("schlag2021")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run schlag2021 --quick` and its Dataset."""
    out = tmp_path_factory.mktemp("schlag")
    result = CliRunner().invoke(cli.app, ["run", "schlag2021", "--quick", "--out", str(out)])
    assert result.exit_code == 0, result.output
    return result.output, fw.load(out / "results" / "schlag2021.nc")


@pytest.fixture
def slow_net(program):
    """``slow_net(name, keys, d_key)``: a slow network, its start in float64 and the task of its memory."""

    def made(name, keys=6, d_key=4):
        memory = program.MEMORIES[name]
        net = program.SlowNet(memory, keys, d_key)
        return net, net.start(np.random.default_rng(0)), memory

    return made


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    text, ds = quick
    assert programs.table(ds) in text
    for part in ("published", "obtained", "difference", "d_key = 16", "1 net(s)", "240 updates", "fresh sequences"):
        assert part in text


def test_the_dataset_holds_every_memory_units_and_provenance(quick):
    ds = quick[1]
    assert ds.loss.dims == ds.loss_trained.dims == ("memory", "n_keys", "seed")
    assert ds.memory.values.tolist() == MEMORIES
    assert ds.n_keys.values.tolist() == [8, 20]
    assert ds.loss.notnull().sum("n_keys").values.ravel().tolist() == [2, 2, 2, 1, 1]
    numbers = [name for name in ds.variables if ds[name].dtype.kind == "f"]
    assert [name for name in numbers if not ds[name].attrs.get("units")] == []
    assert {"synfwp_version", "parameters", "seed", "dependencies", "created"} <= set(ds.attrs)


def test_published_losses_stand_only_beside_keys_of_the_published_size(quick, program):
    assert quick[1].loss_published.isnull().all()
    ends = {"elu_plus_one": 0.342, "dpfp": 0.173, "softmax": 0.0}
    assert {name: program.PUBLISHED[name][200] for name in ends} == ends
    assert program.PUBLISHED["sum"][60] == 0.103
    assert program.PUBLISHED["delta"][60] == 0.0049


def test_every_row_of_the_table_is_the_mean_of_the_dataset(quick):
    ds = quick[1]
    row = ds.sel(quantity="capacity, elu_plus_one, S = 20, against the floor")
    assert row.published == pytest.approx(0.1)  # (1 - 16 / 20) / 2
    assert row.obtained == pytest.approx(float(ds.loss.sel(memory="elu_plus_one", n_keys=20).mean()))
    assert "overwriting, delta, S = 8, 2S pairs" in ds.quantity.values
    assert "overwriting, delta, S = 20" not in ds.quantity.values
    np.testing.assert_allclose(ds.difference, ds.obtained - ds.published)


def test_no_matrix_memory_is_below_its_floor_and_softmax_is(quick):
    ds = quick[1].sel(n_keys=20)
    loss, floor = ds.loss.mean("seed"), float(ds.bound.sel(memory="elu_plus_one"))
    assert floor < float(loss.sel(memory="elu_plus_one")) < 0.25  # and half of the loss of the answer 0
    assert float(loss.sel(memory="dpfp")) < floor / 4  # 32 features for 20 keys
    assert float(loss.sel(memory="softmax")) < floor / 4


def test_delta_replaces_a_value_and_a_rule_that_ignores_order_cannot(quick):
    ds = quick[1].sel(n_keys=8)
    # the bound is an expectation and 800 queries vary: the standard error of their loss is below .5 / sqrt(800)
    error = 3 * 0.5 / 800**0.5
    for loss, bound in ((ds.loss, ds.bound), (ds.loss_trained, ds.bound_trained)):
        blind = float(bound.sel(memory="sum"))
        assert float(loss.sel(memory="sum").mean()) > blind - error
        assert float(loss.sel(memory="delta").mean()) < blind / 2


@pytest.mark.parametrize(("keys", "d_dot"), [(12, 5), (12, 8), (8, 8), (5, 9)])
def test_a_pseudo_inverse_memory_attains_the_floor_and_a_sum_of_outer_products_does_not(program, keys, d_dot):
    k = np.random.default_rng(keys).standard_normal((keys, d_dot))
    every, scored = np.arange(keys), np.full(keys, True)
    assert squared(k @ np.linalg.pinv(k), every, scored) == pytest.approx(theory.matrix_floor(keys, d_dot), abs=1e-12)
    q = k / np.linalg.norm(k, axis=1, keepdims=True)
    assert squared(q @ q.T, every, scored) > theory.matrix_floor(keys, d_dot) + 0.01


def test_the_bound_of_memories_that_ignore_order_is_that_of_the_mean_of_the_values(program):
    task = program.MEMORIES["sum"].task(5, queries=None)
    batch = task(np.random.default_rng(0), 400)
    losses = []
    for tokens, target, mask in zip(batch.x, batch.target, batch.mask, strict=True):
        written = tokens[tokens[:, -1] == 1]
        for t in np.flatnonzero(mask):
            same = written[written[:, tokens[t, :5].argmax()] == 1]
            losses.append(0.5 * ((same[:, 5:-1].mean(axis=0) - np.eye(5)[target[t]]) ** 2).sum())
    # which value came last is drawn, the bound is the expectation
    assert np.mean(losses) == pytest.approx(program.order_blind(batch, 5), abs=3 * np.std(losses) / len(losses) ** 0.5)
    assert program.order_blind(batch, 5) > 0.15


def test_keys_see_value_and_key_and_queries_the_key_alone_as_published(program, slow_net):
    net, params, memory = slow_net("elu_plus_one")
    batch = memory.task(6)(np.random.default_rng(1), 3)
    sent = net.send(params, batch.x)
    key, value = batch.x[..., :6].argmax(axis=-1), batch.x[..., 6:-1].argmax(axis=-1)
    W_k = np.concatenate([params["W_k_value"], params["W_k_key"]], axis=1)
    for b, t in ((0, 0), (2, 5)):
        pair = np.concatenate([np.eye(6)[value[b, t]], params["E"][key[b, t]]])
        z = W_k @ pair + params["b_k"]
        np.testing.assert_allclose(sent.k[b, t], np.where(z > 0, z + 1, np.exp(z)))
        np.testing.assert_array_equal(sent.v[b, t], np.eye(6)[value[b, t]])
    z = params["W_q"] @ params["E"][key[1, -1]] + params["b_q"]
    np.testing.assert_allclose(sent.q[1, -1], np.where(z > 0, z + 1, np.exp(z)))
    assert params["E"].shape == (6, 13)  # int(2.2 S)
    assert not sent.k[:, -1].any()
    assert not sent.q[:, :-1].any()


def test_the_normalised_read_is_the_attention_average_of_the_values(program, slow_net):
    net, params, memory = slow_net("dpfp")
    x = memory.task(6)(np.random.default_rng(1), 1).x
    sent = net.send(params, x)
    y = fw.scan("linear_attention", sent.q, sent.k, sent.v).y[0, -1]
    weight = sent.k[0, :-1] @ sent.q[0, -1]
    np.testing.assert_allclose(y, weight @ sent.v[0, :-1] / weight.sum())


def test_features_of_the_delta_rule_sum_to_one_and_a_query_has_no_write_strength(program, slow_net):
    net, params, memory = slow_net("delta")
    batch = memory.task(6, queries=None)(np.random.default_rng(1), 2)
    sent = net.send(params, batch.x)
    np.testing.assert_allclose(sent.k[:, :12].sum(axis=-1), 1)
    np.testing.assert_allclose(sent.q[:, 12:].sum(axis=-1), 1)
    assert ((sent.beta[:, :12] > 0) & (sent.beta[:, :12] < 1)).all()
    assert not sent.beta[:, 12:].any()


def test_softmax_reads_the_pairs_and_not_the_queries(program, slow_net):
    net, params, memory = slow_net("softmax")
    sent = net.send(params, memory.task(6, queries=None)(np.random.default_rng(1), 1).x)
    y = fw.scan("softmax", sent.q, sent.k, sent.v).y[0, 6:]
    score = np.exp(sent.q[0, 6:, :-1] @ sent.k[0, :6, :-1].T)
    np.testing.assert_allclose(y, score @ sent.v[0, :6] / score.sum(axis=1, keepdims=True))


def test_no_text_in_the_figure_overlaps_or_is_cut_and_every_axis_has_a_unit(quick, program):
    fig = program.figure(quick[1])
    assert figure_checks.complaints(fig) == []
    assert [round(25.4 * side) for side in fig.get_size_inches()] == [183, 112]
    letters = [text.get_text() for ax in fig.axes for text in ax.texts if text.get_fontweight() == "bold"]
    assert sorted(letters) == list("abcd")
    for letter in letters:
        assert re.search(rf"\([a-d, ]*{letter}[a-d, ]*\)", program.caption(quick[1])), letter


def test_the_readme_says_what_the_full_run_printed():
    assert readme_numbers.check("A published model: capacity and overwriting", "schlag2021") >= 20
