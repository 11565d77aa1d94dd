"""Schlag et al. 2021 in quick mode: what it computes, draws and prints; its bounds; and the numbers of its page."""

import re

import figure_checks
import model_checks
import numpy as np
import pages
import pytest
from typer.testing import CliRunner

import synfwp as fw
from synfwp import cli, programs, theory
from synfwp.programmer.losses import squared

MEMORIES = ["elu_plus_one", "dpfp", "softmax", "sum", "delta", "delta_dpfp2"]


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
    for part in ("expected", "obtained", "difference", "d_key = 16", "1 net(s)", "240 updates", "fresh sequences"):
        assert part in text


def test_the_dataset_holds_every_memory_units_and_provenance(quick):
    ds = quick[1]
    assert ds.loss.dims == ds.loss_trained.dims == ("memory", "n_keys", "seed")
    assert ds.memory.values.tolist() == MEMORIES
    assert ds.n_keys.values.tolist() == [8, 20]
    assert ds.loss.notnull().sum("n_keys").values.ravel().tolist() == [2, 2, 2, 1, 1, 1]
    numbers = [name for name in ds.variables if ds[name].dtype.kind == "f"]
    assert [name for name in numbers if not ds[name].attrs.get("units")] == []
    assert {"synfwp_version", "parameters", "seed", "dependencies", "created"} <= set(ds.attrs)


def test_published_losses_stand_only_beside_keys_of_the_published_size(quick, program):
    kinds = quick[1].kind.values.tolist()
    assert "theory" in kinds
    assert "published" not in kinds
    ends = {"elu_plus_one": 0.342, "dpfp": 0.173, "softmax": 0.0}
    assert {name: program.PUBLISHED[name][200] for name in ends} == ends
    found = {name: program.PUBLISHED[name][60] for name in ("sum", "delta", "delta_dpfp2")}
    assert found == {"sum": 0.1026, "delta": 0.0049, "delta_dpfp2": 0.0005}


def test_every_row_of_the_table_is_what_the_dataset_holds(quick):
    ds = quick[1]
    row = ds.sel(quantity="capacity, elu_plus_one, S = 20, against the floor")
    assert row.expected == pytest.approx(0.1)  # (1 - 16 / 20) / 2
    assert row.claim == "above"
    assert row.obtained == pytest.approx(float(ds.loss.sel(memory="elu_plus_one", n_keys=20).mean()))
    assert "overwriting, delta_dpfp2, S = 8, 2S pairs" in ds.quantity.values
    assert "overwriting, delta, S = 20" not in ds.quantity.values
    np.testing.assert_allclose(ds.difference, ds.obtained - ds.expected)


def test_a_published_loss_under_the_floor_has_two_rows_more_with_its_unequal_batches(quick, program):
    ds = quick[1].sel(memory="elu_plus_one", n_keys=20).assign(bound=("seed", [0.18]))
    size = {"d_key": 64, "target": 1e-3}
    dips, batches, floor = program._published("S = 100", "elu_plus_one", 100, ds, size)
    assert (dips.kind, dips.expected) == (batches.kind, batches.expected) == ("published", 0.1642)
    assert "unequal" in dips.why
    # the last 4 of 100 keys weigh 1/4 in all, 60 of the other 96 are served as well: 3/4 x 36/96 / 2
    assert (floor.kind, floor.claim, floor.expected) == ("theory", "above", pytest.approx(0.140625))
    ds = ds.assign(bound=("seed", [0.0]))
    (alone,) = program._published("S = 60", "elu_plus_one", 60, ds, size)
    assert (alone.expected, alone.why) == (0.0245, "unexplained; trainings here are shorter")


def test_the_weights_of_unequal_batches_are_those_of_a_mean_of_means(program):
    x = np.random.default_rng(0).uniform(size=100)
    means = np.mean([x[:32].mean(), x[32:64].mean(), x[64:96].mean(), x[96:].mean()])
    assert np.average(x, weights=program.batch_weights(100)) == pytest.approx(means)
    assert np.ptp(program.batch_weights(64)) == 0


def test_the_loss_of_every_key_averages_to_the_loss_of_all_queries(program):
    size = program.QUICK._replace(steps=1, tested=20)
    net, batch = (
        program.train("elu_plus_one", size, 6, 0),
        program.test(program.MEMORIES["elu_plus_one"], size, 6, 6, 0),
    )
    mean, keys = program.of_keys(net, batch, 6)
    assert mean == pytest.approx(keys.mean())  # each key once in every sequence
    scores = np.asarray(net.programmer.scores(net.params, batch.x))
    assert mean == pytest.approx(float(squared(scores.astype(float), batch.target, batch.mask)))


def test_no_matrix_memory_is_below_its_floor_and_softmax_is(quick):
    ds = quick[1].sel(n_keys=20)
    loss, floor = ds.loss.mean("seed"), float(ds.bound.sel(memory="elu_plus_one").mean())
    assert floor < float(loss.sel(memory="elu_plus_one")) < 0.25  # and half of the loss of the answer 0
    assert float(loss.sel(memory="dpfp")) < floor / 4  # 32 features for 20 keys
    assert float(loss.sel(memory="softmax")) < floor / 4


def test_delta_replaces_a_value_and_a_rule_that_ignores_order_cannot(quick):
    ds = quick[1].sel(n_keys=8)
    # the bound is an expectation and 800 queries vary: the standard error of their loss is below .5 / sqrt(800)
    error = 3 * 0.5 / 800**0.5
    for loss, bound in ((ds.loss, ds.bound), (ds.loss_trained, ds.bound_trained)):
        blind = float(bound.sel(memory="sum").mean())
        assert float(loss.sel(memory="sum").mean()) > blind - error
        assert float(loss.sel(memory=["delta", "delta_dpfp2"]).max()) < blind / 2


def test_the_bound_of_memories_that_ignore_order_is_that_of_the_mean_of_the_values(program):
    memory = program.MEMORIES["sum"]
    batch = memory.task(5, queries=None)(np.random.default_rng(0), 400)
    bound = program.bound(memory, 5, 64, batch)
    losses = []
    for tokens, target, mask in zip(batch.x, batch.target, batch.mask, strict=True):
        written = tokens[tokens[:, -1] == 1]
        for t in np.flatnonzero(mask):
            same = written[written[:, tokens[t, :5].argmax()] == 1]
            losses.append(0.5 * ((same[:, 5:-1].mean(axis=0) - np.eye(5)[target[t]]) ** 2).sum())
    # which value came last is drawn, the bound is the expectation
    assert np.mean(losses) == pytest.approx(bound, abs=3 * np.std(losses) / len(losses) ** 0.5)
    assert bound > 0.15


def test_with_fewer_features_than_keys_delta_is_bounded_by_the_distinct_keys_alone(program):
    memory = program.MEMORIES["delta"]
    batch = memory.task(80, writes=80, queries=None)(np.random.default_rng(0), 50)
    distinct = batch.mask.sum(axis=1)
    assert 50 < distinct.mean() < 51.5  # 80 (1 - (79 / 80)^80) = 50.75, standard error .4
    d_dot = 2 * 16  # DPFP-1
    below = theory.distinct_keys_floor(distinct, 80, d_dot)
    assert program.bound(memory, 80, 16, batch) == pytest.approx(below)
    assert 0.1 < below < theory.matrix_floor(80, d_dot) - 0.1


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


def test_the_bound_of_overwriting_is_attained_by_a_pseudo_inverse_and_no_floor_of_all_keys_would_be(program):
    rng, losses = np.random.default_rng(0), []
    keys, d_dot = 12, 5
    q = rng.standard_normal((d_dot, keys))
    q[0] = 1  # the others get the mean of all values
    batch = program.MEMORIES["delta"].task(keys, writes=keys, queries=None)(rng, 4000)
    for x, target, mask in zip(batch.x, batch.target, batch.mask, strict=True):
        asked, wanted = q[:, x[mask][:, :keys].argmax(axis=1)], np.eye(keys)[target[mask]].T
        losses.append(0.5 * np.square(wanted @ np.linalg.pinv(asked) @ asked - wanted).sum())
    n = batch.mask.sum(axis=1)
    found, error = np.sum(losses) / n.sum(), np.std(losses) / len(losses) ** 0.5 / n.mean()
    assert found == pytest.approx(theory.distinct_keys_floor(n, keys, d_dot), abs=3 * error)
    assert found < theory.matrix_floor(keys, d_dot) - 10 * error


def test_no_text_in_the_figure_overlaps_or_is_cut_and_every_axis_has_a_unit(quick, program):
    fig = program.figure(quick[1])
    assert figure_checks.complaints(fig) == []
    assert [round(25.4 * side) for side in fig.get_size_inches()] == [183, 112]
    model_checks.check_narrow("schlag2021", quick[1])
    letters = [text.get_text() for ax in fig.axes for text in ax.texts if text.get_fontweight() == "bold"]
    assert sorted(letters) == list("abcd")
    for letter in letters:
        assert re.search(rf"\([a-d, ]*{letter}[a-d, ]*\)", program.caption(quick[1])), letter


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("A published model: capacity and overwriting", "schlag2021") >= 20
