"""Multi-query recall in quick mode: nets, memories without training, interference, the rows; and its page."""

import model_checks
import numpy as np
import pages
import pytest
import xarray as xr

import synfwp as fw
from synfwp import programs


@pytest.fixture(scope="module")
def program():
    return programs.load_program("arora2024")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """The output of `synfwp run arora2024 --quick` and its Dataset."""
    return model_checks.run_quick("arora2024", tmp_path_factory)


def test_the_run_prints_the_table_and_the_caption_of_its_own_size(quick):
    model_checks.check_output(*quick, ("1 net(s)", "8 pairs of 16 keys", "3 networks", "cosine 0.5"))


def test_the_dataset_holds_every_load_units_and_provenance(quick):
    ds = quick[1]
    assert ds.accuracy.dims == ("rule", "width", "seed", "pairs")
    assert ds.loss.shape == (2, 1, 1, 11)
    assert ds.untrained.sizes == {"width": 1, "network": 3, "code": 3, "memory": 5}
    assert ds.interference.sizes == {"condition": 4, "network": 3, "writes": 2, "memory": 5}
    model_checks.check_labels(ds)


def test_every_key_asked_for_is_followed_by_its_value_at_its_first_showing(program):
    task = program.QUICK.task()
    batch = task(np.random.default_rng(3), 20)
    assert batch.x.shape == batch.target.shape == (20, 2 * task.length)
    assert batch.mask.sum(axis=1).tolist() == [task.pairs] * 20
    for row, target in zip(batch.x.tolist(), batch.target.tolist(), strict=True):
        for t in np.flatnonzero(np.array(target) >= 0):
            assert row[row.index(row[t]) + 1] - 1 - task.keys == target[t]


def test_both_rules_recall_and_without_the_token_before_nothing_can_be_bound(quick, program, monkeypatch):
    ds = quick[1]
    found = ds.accuracy.sel(pairs=int(ds.trained))
    assert float(found.min()) > 3 / 8  # three times a guess; nets of other seeds are at .55 to .96
    assert float(ds.among) == 1 / 8
    monkeypatch.setattr(program, "TAPS", 1)
    size = program.QUICK
    blind = program.train("hebb", 8, size, 0, 0.01)
    # 100 sequences of 8 answers: the standard error of an accuracy of 1/8 is .012; four of them
    assert blind.accuracy(size.task()(np.random.default_rng(1), 100)) < 1 / 8 + 0.05


def test_the_bytes_are_those_of_the_arrays_that_a_net_keeps(program):
    size = program.QUICK._replace(steps=1)
    x = size.task()(np.random.default_rng(0), 1).x
    for rule in ("delta", "mesa", "softmax"):
        sent = program.train(rule, 8, size, 0, 0.01).instructions(x)
        kept = [sent.k, sent.v]
        if rule != "softmax":
            out = fw.scan(rule, sent.q, sent.k, sent.v, sent.beta, decay=sent.decay, ridge=sent.ridge)
            kept = [out.W, out.aux] if rule == "mesa" else [out.W]
        assert program.state_bytes(rule, 8, size) == sum(one.nbytes for one in kept)


def test_a_rate_is_chosen_by_nets_of_other_seeds_than_those_shown(program, monkeypatch):
    seen = []

    def trained(size, rule, rate, width, seed):
        seen.append((rate, seed))
        score = rate if seed >= program.OTHERS else -rate  # the nets shown would choose the other
        return {"accuracy": ("pairs", [score] * 3), "loss": ("step", [1.0], {"units": "nat"})}

    monkeypatch.setattr(program, "trained", lambda **a: xr.Dataset(trained(**a), {"pairs": list(a["size"].loads)}))
    ds = program.main(quick=True, rates=(0.01, 0.02), networks=1, tuned=2, nets=3)
    assert ds.chosen_rate.values.tolist() == [0.02, 0.02]
    assert [seed for rate, seed in seen if rate == 0.01] == [1000, 1001] * 2
    assert [seed for rate, seed in seen if rate == 0.02] == [1000, 1001] * 2 + [0, 1, 2] * 2


def test_beta_is_the_best_on_other_networks(program):
    names = list(program.learners((0.2, 1.0)))
    assert names == ["hebb", "covariance", "mesa", "delta, beta = 0.2", "delta, beta = 1"]
    here = xr.Dataset({"x": (("seed", "learner"), [[0.1, 0.2, 0.3, 0.4, 0.9]])}, {"learner": names})
    other = xr.Dataset({"x": (("seed", "learner"), [[0.1, 0.2, 0.3, 0.8, 0.7]] * 2)}, {"learner": names})
    found = program.best_delta(here, other, "x")
    assert found.x.sel(memory="delta").item() == 0.4
    assert found.x.sel(memory="delta, beta = 1").item() == 0.9
    assert found.x_beta.item() == 0.2


def test_memories_without_training_read_what_the_formulas_give(program):
    size = program.QUICK._replace(betas=(0.5,))
    rng = np.random.default_rng(0)
    k, codes = (program.codes.unit(rng.standard_normal(shape)) for shape in ((2, 6, 5), (4, 5)))
    value = rng.integers(4, size=(2, 6))
    found = {}
    for name, (rule, beta) in program.learners(size.betas).items():
        right = []
        for keys, answers in zip(k, value, strict=True):
            centred, W = keys - (keys.mean(axis=0) if rule == "covariance" else 0), np.zeros((5, 5))
            if rule == "mesa":
                W = np.linalg.lstsq(keys, codes[answers], rcond=None)[0].T
            for t, answer in enumerate(answers):
                if rule == "covariance":
                    W += np.outer(codes[answer], keys[t] - (keys[:t].mean(axis=0) if t else 0))
                elif rule != "mesa":
                    W += beta * np.outer(codes[answer] - (W @ keys[t] if rule == "delta" else 0), keys[t])
            right += ((centred @ W.T @ codes.T).argmax(axis=1) == answers).tolist()
        found[name] = np.mean(right)
    asked = np.full(value.shape, True)
    assert program.accuracies(size, k, codes[value], codes, value, asked) == pytest.approx(list(found.values()))


def test_spread_codes_hold_more_than_tight_frames_and_these_more_than_random_ones(quick):
    mean = quick[1].untrained.sel(memory="hebb", width=8).mean("network")
    assert float(mean.sel(code="random")) < float(mean.sel(code="tight")) - 0.1
    assert float(mean.sel(code="tight")) < float(mean.sel(code="spread"))
    assert float(quick[1].untrained.sel(memory="mesa", code="spread").min()) == 1  # 8 pairs in 8 features


def test_delta_passes_the_order_blind_ceiling_and_memories_that_ignore_order_do_not(quick):
    one = quick[1].sel(condition="again", writes=24)
    mean, ceiling = one.interference.mean("network"), one.ceiling
    error = 3 * 0.5 / (3 * 40 * 15) ** 0.5  # the ceiling is an expectation; about 15 keys are asked in 120 sequences
    assert float(mean.sel(memory="delta")) > float(ceiling.mean()) + error
    for memory in ("hebb", "mesa", "covariance"):
        assert float(mean.sel(memory=memory)) < float(ceiling.mean()) + error
    assert (quick[1].ceiling.drop_sel(condition="again") == 1).all()


def test_with_keys_that_share_a_part_error_correction_helps_and_centring_helps_more(quick):
    one = quick[1].interference.sel(condition=["correlated", "rates"], writes=24)
    hebb, delta, centred = (one.sel(memory=name).min("network") for name in ("hebb", "delta", "covariance"))
    assert (delta > one.sel(memory="hebb").max("network")).all()
    assert (centred > one.sel(memory="delta").max("network")).all()
    assert (hebb < 0.65).all()


def test_every_row_has_its_kind_and_rests_on_the_dataset(quick, program):
    ds = quick[1]
    rows = {row.quantity: row for row in program.rows(ds)}
    line = ds.untrained.sel(width=8, code="spread", memory="delta")
    row = rows["delta, width 8, 256 bytes, against spread codes"]
    assert (row.kind, row.expected) == ("control", pytest.approx(float(line.mean())))
    assert row.error == pytest.approx(float(line.std(ddof=1)) / 3**0.5)
    reached = ds.accuracy.sel(rule="delta", width=8, pairs=8) > float(line.mean()) - 0.05
    assert rows["delta, width 8, 256 bytes, nets that reach the line, of 1"].obtained == int(reached.sum())
    paired = rows["keys: rates, 24 pairs, delta against hebb"]
    assert (paired.kind, paired.claim, len(paired.values)) == ("control", "above", 3)
    assert rows["keys: again, 24 pairs, delta against the best that ignores order"].kind == "ceiling"
    published = [row for row in rows.values() if row.kind == "published"]
    assert len(published) == 5
    assert all(np.isnan(row.obtained) and row.why for row in published)


def test_no_text_in_the_figure_overlaps_or_is_cut_and_every_axis_has_a_unit(quick):
    model_checks.check_figure("arora2024", quick[1], "abc", (183, 68))


def test_the_readme_says_what_the_full_run_printed():
    assert pages.check("Multi-query recall", "arora2024") >= 18
