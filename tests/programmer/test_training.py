"""Training through the fast weights: reproducible, in one precision, kept in files, as good as published."""

import numpy as np
import pytest
from autograd import value_and_grad
from programmers import SMALL, real_loss, small

import synfwp as fw
from synfwp import fastweights
from synfwp.programmer.losses import LOSSES
from synfwp.rules import Rule
from synfwp.tasks import Recall


def equal_params(one, two):
    assert one.keys() == two.keys()
    for name in one:
        assert np.array_equal(one[name], two[name])
        assert one[name].dtype == two[name].dtype


def test_a_short_training_lowers_the_loss_and_beats_chance():
    trained = fw.train(small(d_key=16, d_value=8), SMALL, steps=150, batch=16)
    loss = trained.history.loss.values
    assert loss.shape == (150,)
    # cross-entropy starts near log 4 = 1.39
    assert loss[-20:].mean() < 0.5 * loss[:5].mean()
    assert np.all(trained.history.gradient_norm > 0)
    batch = SMALL(np.random.default_rng(99), 100)
    assert trained.accuracy(batch) > 0.8 > batch.chance
    sent = trained.instructions(batch.x)
    y = fw.scan("delta", sent.q, sent.k, sent.v, sent.beta).y
    assert trained.accuracy(batch) == batch.accuracy(trained.answer(y))


def test_the_history_holds_the_accuracy_on_each_batch_before_its_update_where_there_are_classes():
    programmer, batches = small(), []

    def task(rng, batch):
        batches.append(SMALL(rng, batch))
        return batches[-1]

    history = fw.train(programmer, task, steps=2, batch=4).history
    first = programmer.scores(programmer.init(0), batches[0].x).argmax(axis=-1)
    assert history.accuracy[0] == batches[0].accuracy(first)


@pytest.mark.parametrize("make", [lambda: 3, lambda: np.random.SeedSequence(3), lambda: np.random.default_rng(3)])
def test_the_same_seed_gives_the_same_parameters_bit_for_bit(make):
    one, two = (fw.train(small(), SMALL, steps=5, batch=4, seed=make()) for _ in range(2))
    equal_params(one.params, two.params)
    assert np.array_equal(one.history.loss, two.history.loss)
    other = fw.train(small(), SMALL, steps=5, batch=4, seed=4)
    assert not np.array_equal(one.params["W_k"], other.params["W_k"])


def test_threads_do_not_change_what_is_learned(monkeypatch):
    monkeypatch.setattr("synfwp.threads.POOL_FLOPS", 0)
    one, two = (fw.train(small(), SMALL, steps=5, batch=4, threads=threads) for threads in (1, 2))
    equal_params(one.params, two.params)


def test_every_rule_sees_the_same_batches():
    seen = {}

    def task(rng, batch):
        data = SMALL(rng, batch)
        seen.setdefault(rule, []).append(data.x)
        return data

    for rule in ("hebb", "delta"):
        fw.train(small(rule=rule), task, steps=2, batch=3)
    assert np.array_equal(seen["hebb"], seen["delta"])
    assert not np.array_equal(seen["hebb"][0], seen["hebb"][1])


class Programmer32(fw.Programmer):
    """Starts, and so stays, in float32."""

    def init(self, seed=0, dtype=np.float32):
        return super().init(seed, dtype)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rule", ["delta", "key_gated_delta"])
def test_float32_stays_float32_from_the_instructions_to_the_trained_parameters(rule, loss, monkeypatch):
    programmer = Programmer32(rule=rule, d_in=9, d_key=4, d_value=4, d_out=4, write_channel=-1)
    params, batch = programmer.init(), SMALL(np.random.default_rng(0), 2)
    sent = programmer(params, batch.x)
    assert {x.dtype for x in (sent.q, sent.k, sent.v, sent.beta) if x is not None} == {np.dtype(np.float32)}
    cotangents, cotangent = [], fastweights.cotangent

    def noted(name, x, like):
        if x is not None:  # W is not what the loss reads
            cotangents.append((x.dtype, like.dtype))
        return cotangent(name, x, like)

    for module in ("api", "arguments"):
        monkeypatch.setattr(f"synfwp.fastweights.{module}.cotangent", noted)
    value, grads = value_and_grad(lambda p: real_loss(programmer, p, batch, loss))(params)
    assert value.dtype == np.float32
    assert {g.dtype for g in grads.values()} == {np.dtype(np.float32)}
    trained = fw.train(programmer, SMALL, steps=3, batch=2, loss=loss)
    assert {x.dtype for x in trained.params.values()} == {np.dtype(np.float32)}
    assert trained.instructions(batch.x).k.dtype == np.float32
    assert set(cotangents) == {(np.dtype(np.float32), np.dtype(np.float32))}


@pytest.mark.parametrize(
    ("argument", "kind", "words"),
    [
        ({"steps": 0}, ValueError, "^steps is 0"),
        ({"batch": 0}, ValueError, "^batch is 0"),
        ({"learning_rate": 0.0}, ValueError, "^learning_rate is 0.0; pass a finite number above 0"),
        ({"learning_rate": float("nan")}, ValueError, "^learning_rate is nan"),
        ({"loss": "sqared"}, ValueError, r"^unknown loss 'sqared'; did you mean 'squared'\?"),
        ({"threads": 0}, ValueError, "^threads is 0"),
        ({"seed": -1}, ValueError, "^seed is -1"),
        ({"seed": "one"}, TypeError, "^seed is 'one'"),
    ],
)
def test_a_wrong_argument_of_the_training_is_refused_by_name(argument, kind, words):
    with pytest.raises(kind, match=words):
        fw.train(small(), SMALL, **{"steps": 2, "batch": 2, **argument})


def test_a_loss_that_is_not_finite_stops_the_training_and_names_the_step():
    class Broken(fw.Programmer):
        def scores(self, params, x):
            return super().scores(params, x) * float("nan")

    programmer = Broken(rule="delta", d_in=9, d_key=4, d_value=4, write_channel=-1)
    message = r"^at step 0 the loss is nan and its gradient nan; lower learning_rate or beta_max"
    with pytest.raises(FloatingPointError, match=message):
        fw.train(programmer, SMALL, steps=2, batch=2, loss="squared")


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["hebb", "key_gated_delta"])
def test_a_trained_programmer_comes_back_from_its_file(rule, tmp_path):
    trained = fw.train(small(rule=rule, feature="dpfp(2)"), SMALL, steps=3, batch=2)
    back = fw.load_trained(trained.save(tmp_path / "trained.nc"))
    assert back.programmer == trained.programmer
    equal_params(back.params, trained.params)
    for name in ("loss", "gradient_norm"):
        assert np.array_equal(back.history[name], trained.history[name])
    x = SMALL(np.random.default_rng(0), 2).x
    assert np.array_equal(back.instructions(x).k, trained.instructions(x).k)


def test_float32_parameters_come_back_as_float32(tmp_path):
    programmer = small()
    history = fw.train(programmer, SMALL, steps=1, batch=2).history
    trained = fw.Trained(programmer, programmer.init(dtype=np.float32), history)
    equal_params(fw.load_trained(trained.save(tmp_path / "trained.nc")).params, trained.params)


def test_a_rule_of_the_users_own_trains_and_comes_back_though_it_takes_a_known_name(tmp_path):
    own = Rule(name="delta", retain="scalar", erase=0.25, write="beta", order="undecayed")
    trained = fw.train(small(rule=own), SMALL, steps=3, batch=2)
    back = fw.load_trained(trained.save(tmp_path / "own.nc"))
    assert back.programmer.rule == own
    batch = SMALL(np.random.default_rng(0), 20)
    assert back.accuracy(batch) == trained.accuracy(batch)


def test_a_row_of_the_table_comes_back_by_name_and_numpy_sizes_do_not_matter(tmp_path):
    trained = fw.train(small(rule=fw.DELTA, d_key=np.int64(4)), SMALL, steps=1, batch=2)
    back = fw.load_trained(trained.save(tmp_path / "trained.nc"))
    assert back.programmer == small(rule="delta")


def test_an_existing_file_is_kept_unless_forced_and_other_files_are_refused(tmp_path):
    trained = fw.train(small(), SMALL, steps=1, batch=2)
    path = trained.save(tmp_path / "trained.nc")
    with pytest.raises(FileExistsError, match=r"trained\.nc"):
        trained.save(path)
    trained.save(path, force=True)
    with pytest.raises(FileNotFoundError):
        fw.load_trained(tmp_path / "none.nc")
    fw.save(trained.history, tmp_path / "history.nc")
    with pytest.raises(ValueError, match=r"history\.nc holds no programmer; pass a file written by Trained\.save"):
        fw.load_trained(tmp_path / "history.nc")


# --- full size -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rule", ["delta", "hebb"])
def test_recall_with_overwriting_is_learned_by_delta_and_by_hebb_up_to_its_ceiling(rule, seed):
    from time import perf_counter

    task = Recall()
    start = perf_counter()
    trained = fw.train(fw.Programmer(rule=rule, d_in=task.d_in, d_out=task.d_out, write_channel=-1), task, seed=seed)
    seconds = perf_counter() - start
    batch = task(np.random.default_rng([21, seed]), 400)
    accuracy, ceiling = trained.accuracy(batch), batch.accuracy(task.order_blind(batch.x))
    if rule == "delta":
        assert accuracy >= 0.99
    else:
        assert abs(accuracy - ceiling) <= 0.02
    assert seconds < 30
