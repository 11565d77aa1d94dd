"""HebbFF in quick mode: what it computes, draws and prints; and the numbers of its page."""

import model_checks
import numpy as np
import pages
import pytest
import xarray as xr

import synfwp as fw
from synfwp import programs, results

RULES = ["anti_hebb", "hebb"]


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run hebbff2022 --quick` and its Dataset."""
    return model_checks.run_quick("hebbff2022", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("Nets of 40 inputs", "2 net(s)", *(f"({x})" for x in "abcd")))


def test_the_dataset_holds_every_condition_and_seed_units_and_provenance(quick):
    ds = quick[1]
    assert ds.true_positives.dims == ds.false_positives.dims == ("d", "trained", "rule", "seed", "lag")
    assert ds.rule.values.tolist() == RULES
    assert ds.lag.values.tolist() == [1, 3, 6, 10, 15, 20, 30]
    assert ds.goal.values.tolist() == [4.5, 4.75, 4.99]
    assert ds.step.values[[0, -1]].tolist() == [10, 400]
    model_checks.check_labels(ds)


def test_every_row_of_the_tests_is_the_mean_of_the_dataset(quick):
    ds = quick[1]
    for rule in RULES:
        for lag in (3, 10, 20):
            row = ds.sel(quantity=f"true positives at lag {lag}, {rule}, d = 40, trained at lag 3")
            nets = ds.true_positives.sel(rule=rule, lag=lag).squeeze()
            assert (float(row.obtained), float(row.sd)) == (
                pytest.approx(float(nets.mean())),
                pytest.approx(float(nets.std(ddof=1))),
            )
            assert row.n == 2


def test_a_trained_net_tells_repeats_from_new_items_and_without_plasticity_it_cannot(quick):
    ds = quick[1].squeeze(("d", "trained"))
    at = ds.sel(lag=3)
    told = (at.true_positives - at.false_positives).mean("seed")
    assert told.sel(rule="anti_hebb") > 0.8
    assert 0.2 < told.sel(rule="hebb") < told.sel(rule="anti_hebb")  # the same updates at the same rate
    # 2000 tokens, a third of them repeated: the standard error of the area by chance is .014; four of them
    assert np.abs(ds.frozen - 0.5).max() < 0.056


def test_eta_keeps_the_sign_that_it_starts_with(quick):
    eta = quick[1].eta
    assert (eta.sel(rule="anti_hebb") < 0).all()
    assert (eta.sel(rule="hebb") > 0).all()


def test_the_cost_of_training_is_counted_as_the_authors_count_it():
    """Accuracies of updates 10, 20, ...; the first five of them that sum to the goal."""
    cost = programs.load_program("hebbff2022").cost
    accuracy = np.zeros(200)
    accuracy[59:100:10] = 1.0  # updates 60, 70, 80, 90 and 100
    assert cost(accuracy, 5.0) == cost(accuracy, 4.99) == 100
    assert cost(accuracy, 3.0) == 80
    assert np.isnan(cost(np.full(200, 0.9), 4.75))
    assert np.isnan(cost(np.ones(49), 4.75))
    assert cost(np.ones(50), 4.99) == 50


def test_training_ends_in_the_block_in_which_the_goal_is_reached():
    program = programs.load_program("hebbff2022")
    size = program.QUICK._replace(length=20, steps=300, eta={"anti_hebb": -5.0})
    whole = program.train(size, 20, 20, "anti_hebb", 0)  # no item comes again within a sequence: all are new
    made = whole.history.sizes["step"]
    reached = program.cost(whole.history.accuracy.values, 4.99)
    assert reached <= made < 300
    assert made - reached < program.BLOCK
    usual = {"batch": 1, "learning_rate": size.learning_rate, "schedule": "constant", "dtype": np.float32, "seed": 0}
    task = program.Familiarity(d=20, lags=20, length=20)
    again = fw.train(whole.programmer, task, steps=made, **usual)
    assert all(np.array_equal(whole.params[name], again.params[name]) for name in again.params)


def test_the_network_is_the_one_of_the_equations_and_of_the_authors():
    program = programs.load_program("hebbff2022")
    net = program.Network(d_in=4, d_hidden=3, d_out=1, phi="sigmoid", recurrent=False, eta=-0.5, keep_sign=True)
    params, x = net.init(1), np.sign(np.random.default_rng(0).normal(size=(6, 4)))
    assert set(params) == {"W", "b", "W_out", "b_out", "log_eta", "lam"}
    for lam, held in ((0.9, 0.9), (1.2, 1.0), (-0.1, 0.0)):
        A, found = np.zeros((3, 4)), []
        for row in x:
            h = 1 / (1 + np.exp(-((params["W"] + A) @ row + params["b"])))
            A = held * A - 0.5 * np.outer(h, row)
            found.append(params["W_out"] @ h + params["b_out"])
        scores = net.scores(params | {"lam": np.asarray(lam)}, x)
        np.testing.assert_allclose(scores[:, 1:], found)
        np.testing.assert_array_equal(scores[:, 0], 0)


def test_rows_stand_against_the_authors_nets_and_nets_that_miss_a_goal_are_counted():
    """Made-up nets: what is published, the error of one net, and a goal that one of two nets reaches."""
    program = programs.load_program("hebbff2022")
    lags, goals, two = list(program.LAGS), list(program.GOALS), np.ones((1, 1, 2, 2))
    tests = np.full((1, 1, 2, 2, len(lags)), 0.5)
    tests[..., 1, :] += 0.25
    updates = np.array([[[10.0, 20.0, 30.0], [10.0, 20.0, np.nan]], [[40.0, 50.0, 60.0], [40.0, 70.0, 90.0]]])
    where, lag, goal = ("d", "trained", "rule", "seed"), ("lag", lags), ("goal", goals)
    ds = xr.Dataset(
        dict.fromkeys(("true_positives", "false_positives"), ((*where, "lag"), tests))
        | dict.fromkeys(("eta", "lam", "frozen", "gradient"), (where, two))
        | {"made": (where, 100 * two), "updates": ((*where, "goal"), updates[None, None])},
        coords={"d": [25], "trained": [6], "rule": RULES, "seed": [0, 1], "lag": lag, "goal": goal},
    )
    rows = {row.quantity: row for row in program.rows(ds)}
    at = "d = 25, trained at lag 6"
    hits = rows[f"true positives at lag 6, hebb, {at}"]
    assert (hits.expected, hits.kind, hits.error) == (0.9472, "recomputed", pytest.approx(np.std([0.5, 0.75], ddof=1)))
    missed = rows[f"nets of 2 that reach 4.99, anti_hebb, {at}"]
    assert (missed.obtained, missed.kind) == (1.0, "")
    assert "27960" in missed.why
    mean = rows[f"updates to 4.99, anti_hebb, {at}"]
    assert (mean.kind, np.isnan(mean.columns["obtained"])) == ("", True)
    paired = rows[f"updates to 4.75, hebb against anti_hebb, {at}"]
    assert (paired.claim, paired.targets.tolist(), paired.values.tolist()) == ("above", [20, 20], [50, 70])
    ratio = rows[f"updates to 4.75, hebb over anti_hebb, {at}"]
    assert (ratio.values.tolist(), ratio.expected) == ([2.5, 3.5], pytest.approx(60350 / 5310))
    assert f"updates to 4.99, hebb against anti_hebb, {at}" not in rows
    assert results.comparison(list(rows.values())).sizes["quantity"] == len(rows)


def test_no_text_in_the_figure_overlaps_or_is_cut_and_every_axis_has_a_unit(quick):
    model_checks.check_figure("hebbff2022", quick[1], "abcd", (183, 58))


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("A published model: HebbFF", "hebbff2022") >= 20
