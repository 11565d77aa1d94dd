"""A training that is interrupted goes on as if nothing had happened; evaluations stop one and choose what is kept."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from programmers import SMALL, small

import synfwp as fw
from synfwp import seeds
from synfwp.programmer import optimiser, progress
from synfwp.programmer.losses import LOSSES
from synfwp.programmer.optimiser import Schedule

KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
import synfwp as fw
from programmers import SMALL, small
from synfwp.programmer import optimiser
update, calls = optimiser.Adam.update, []
def dying(*args):
    calls.append(1)
    if len(calls) == {dies}:
        os.kill(os.getpid(), signal.SIGKILL)
    return update(*args)
optimiser.Adam.update = dying
out = fw.train(small(), SMALL, steps=12, batch=3, checkpoint=fw.Checkpoint({path!r}, every=5),
               evaluate=fw.Evaluation(every=4, sequences=5), seed=3)
out.save({path!r} + ".out.nc")
"""


def equal(one, two):
    assert one.params.keys() == two.params.keys()
    assert all(np.array_equal(one.params[name], two.params[name]) for name in one.params)
    for name in ("loss", "gradient_norm", "accuracy", "evaluation_loss", "evaluation_accuracy", "evaluation"):
        assert np.array_equal(one.history[name], two.history[name])


def interrupt(monkeypatch, after, error):
    """The update after so many raises an error."""
    update, calls = optimiser.Adam.update, []

    def stopping(*args):
        calls.append(1)
        if len(calls) == after + 1:
            raise error
        return update(*args)

    monkeypatch.setattr(optimiser.Adam, "update", stopping)


def test_a_training_killed_and_resumed_in_a_new_process_gives_the_same_bits(tmp_path):
    path, tests = str(tmp_path / "run.nc"), str(Path(__file__).parents[1])
    codes = [
        subprocess.run([sys.executable, "-c", KILLED.format(tests=tests, path=path, dies=dies)]).returncode
        for dies in (8, 0)
    ]
    assert codes == [-signal.SIGKILL, 0]
    whole = fw.train(small(), SMALL, steps=12, batch=3, evaluate=fw.Evaluation(every=4, sequences=5), seed=3)
    resumed = fw.load_trained(path + ".out.nc")
    equal(resumed, whole)


def test_a_finished_training_is_read_from_its_checkpoint_without_a_step(tmp_path, monkeypatch):
    settings = {"steps": 4, "batch": 2, "checkpoint": tmp_path / "run.nc", "dtype": np.float32}
    one = fw.train(small(), SMALL, **settings)
    interrupt(monkeypatch, 0, AssertionError("a step was made"))
    two = fw.train(small(), SMALL, **settings)
    assert all(np.array_equal(one.params[name], two.params[name]) for name in one.params)
    assert {x.dtype for x in two.params.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("after", [0, 3, 5])
def test_ctrl_c_keeps_the_last_whole_step_and_the_training_goes_on_from_it(after, tmp_path, monkeypatch):
    settings = {"steps": 8, "batch": 2, "evaluate": fw.Evaluation(every=2, sequences=3)}
    path = tmp_path / "run.nc"
    with monkeypatch.context() as patch:
        interrupt(patch, after, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            fw.train(small(), SMALL, **settings, checkpoint=path)
    assert fw.load(path).sizes["step"] == after
    equal(fw.train(small(), SMALL, **settings, checkpoint=path), fw.train(small(), SMALL, **settings))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": 5}, r"its steps is 4, here it is 5; pass another name, or remove the file"),
        ({"seed": 1}, "its seed is 0, here it is 1"),
        ({"learning_rate": 0.1}, r"its schedule\.rate is 0.005, here it is 0.1"),
        ({"programmer": small(d_key=5)}, r"its programmer\.d_key is 4, here it is 5"),
        ({"task": fw.tasks.Recall(keys=4, values=4, writes=7)}, r"its task\.writes is 6, here it is 7"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused_and_stays(change, words, tmp_path):
    path = tmp_path / "run.nc"
    fw.train(small(), SMALL, steps=4, batch=2, checkpoint=path)
    kept = path.read_bytes()
    settings = {"programmer": small(), "task": SMALL, "steps": 4, "batch": 2} | change
    with pytest.raises(ValueError, match=words):
        fw.train(settings.pop("programmer"), settings.pop("task"), checkpoint=path, **settings)
    assert path.read_bytes() == kept


def test_a_file_that_is_no_checkpoint_is_refused_and_stays(tmp_path):
    path = fw.train(small(), SMALL, steps=1, batch=2).save(tmp_path / "trained.nc")
    kept = path.read_bytes()
    with pytest.raises(ValueError, match=r"trained\.nc is no checkpoint; pass another name"):
        fw.train(small(), SMALL, steps=1, batch=2, checkpoint=path)
    assert path.read_bytes() == kept


@pytest.mark.parametrize(
    ("more", "kind", "words"),
    [
        ({"method": "lbfgs", "checkpoint": "run.nc"}, ValueError, "^method 'lbfgs' does not use checkpoint"),
        ({"method": "lbfgs", "evaluate": fw.Evaluation()}, ValueError, "^method 'lbfgs' does not use evaluate"),
        ({"method": "lbfgs", "warmup": 3}, ValueError, "^method 'lbfgs' does not use warmup"),
        ({"seed": np.random.default_rng(0), "checkpoint": "run.nc"}, ValueError, "cannot go on from a checkpoint"),
        ({"evaluate": 100}, TypeError, "^evaluate is 100; pass synfwp.Evaluation"),
        ({"checkpoint": 100}, TypeError, "^checkpoint is 100; pass a path or synfwp.Checkpoint"),
        ({"dtype": int}, TypeError, "^dtype is <class 'int'>; pass numpy.float32 or numpy.float64"),
    ],
)
def test_arguments_that_exclude_each_other_are_refused_by_name(more, kind, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=words):
        fw.train(small(), SMALL, steps=1, batch=2, **more)
    assert not any(tmp_path.iterdir())


def same_task(rng, batch):
    """A function as a task."""
    return SMALL(rng, batch)


def test_a_function_can_be_the_task_of_a_training_that_goes_on(tmp_path):
    trained = [fw.train(small(), same_task, steps=3, batch=2, checkpoint=tmp_path / "run.nc") for _ in range(2)]
    assert trained[0].history.attrs["parameters"] == trained[1].history.attrs["parameters"]
    assert "test_checkpoints.same_task" in trained[0].history.attrs["parameters"]


def test_a_rate_of_numpy_leaves_float32_in_float32():
    trained = fw.train(small(), SMALL, steps=2, batch=2, learning_rate=np.float64(0.01), dtype=np.float32)
    assert {x.dtype for x in trained.params.values()} == {np.dtype(np.float32)}


def test_an_evaluation_that_is_interrupted_is_made_when_the_training_goes_on(tmp_path):
    class Interrupted(fw.Programmer):
        left = 5  # two steps, the evaluation after the second, two more steps; the evaluation after those fails

        def scores(self, params, x):
            Interrupted.left -= 1
            if Interrupted.left < 0:
                raise KeyboardInterrupt
            return super().scores(params, x)

    spec = {"rule": "delta", "d_in": 9, "d_key": 4, "d_value": 4, "d_out": 4, "write_channel": -1}
    settings = {"steps": 8, "batch": 2, "evaluate": fw.Evaluation(every=2, sequences=3)}
    with pytest.raises(KeyboardInterrupt):
        fw.train(Interrupted(**spec), SMALL, **settings, checkpoint=tmp_path / "run.nc")
    assert fw.load(tmp_path / "run.nc").sizes["evaluation"] == 1
    Interrupted.left = 10**9
    equal(
        fw.train(Interrupted(**spec), SMALL, **settings, checkpoint=tmp_path / "run.nc"),
        fw.train(Interrupted(**spec), SMALL, **settings),
    )


def test_a_diverging_training_says_what_grew_and_leaves_the_last_good_file(tmp_path):
    path = tmp_path / "run.nc"
    task = fw.tasks.InContextRegression(d_x=4, pairs=6)
    programmer = fw.Programmer(
        rule="hebb", d_in=task.d_in, d_key=4, d_value=1, feature="identity", key_norm="none", write_channel=-1
    )
    settings = {"steps": 9, "batch": 2, "loss": "squared", "schedule": "constant", "learning_rate": 1e60}
    words = r"^at step \d .*; lower learning_rate or beta_max\. .* The state after 1 steps is in .*run\.nc\.$"
    with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match=words):
        fw.train(programmer, task, **settings, checkpoint=fw.Checkpoint(path, every=1))
    kept = fw.load(path)
    assert kept.sizes["step"] == 1
    assert all(np.isfinite(kept[name]).all() for name in kept.data_vars if str(name).startswith("param_"))


def test_a_programmer_says_how_large_its_steps_and_its_fast_weights_are():
    programmer = small(beta_max=0.5, rule="hebb")
    text = programmer.diagnose(programmer.init(), SMALL(np.random.default_rng(0), 3).x)
    assert text.startswith("The largest beta |k|^2 is 0.25, the largest norm of W ")
    params = {name: np.full_like(x, np.nan) for name, x in programmer.init().items()}
    text = programmer.diagnose(params, SMALL(np.random.default_rng(0), 3).x)
    assert text.startswith("The rule refuses what is sent: q holds nan")


def test_a_plastic_network_that_diverges_names_its_own_numbers():
    network = fw.PlasticNetwork.hebbff(d_in=3, d_hidden=2)
    text = network.diagnose(network.init(), np.ones((2, 4, 3)))
    assert text.startswith("eta is -1.67, lam 0.99, the largest norm of A ")


# --- evaluations -----------------------------------------------------------------------------------------------------


def test_the_parameters_of_the_best_evaluation_are_kept_and_the_last_step_is_evaluated():
    evaluation = fw.Evaluation(every=5, sequences=20)
    trained = fw.train(small(), SMALL, steps=38, batch=4, learning_rate=0.3, evaluate=evaluation)
    loss = trained.history.evaluation_loss
    assert loss.evaluation.values.tolist() == [*range(5, 40, 5), 38]
    assert trained.history.sizes["step"] == 38
    data = SMALL(seeds.generator(0, "evaluation"), 20)
    scores = trained.programmer.scores(trained.params, data.x)
    assert float(LOSSES["cross_entropy"](scores, data.target, data.mask)) == loss.min()
    assert loss.min() < loss.max()


def test_an_equal_loss_does_not_replace_the_best_parameters():
    evaluation = fw.Evaluation(patience=2)
    state = progress.start({"w": np.zeros(1)})
    for n, loss in enumerate((2.0, 1.0, 1.0, 3.0)):
        assert not evaluation.stop(state)
        state = evaluation.update(state._replace(params={"w": np.full(1, float(n))}), loss, 0.5)
    assert state.best["w"][0] == 1.0
    assert evaluation.stop(state)


def test_a_training_stops_when_the_target_is_reached_or_the_patience_stop():
    easy = fw.train(small(), SMALL, steps=50, batch=2, evaluate=fw.Evaluation(every=3, sequences=4, target=100.0))
    assert easy.history.sizes == {"step": 3, "evaluation": 1}
    stuck = fw.train(
        small(), SMALL, steps=50, batch=2, learning_rate=1e-30, evaluate=fw.Evaluation(every=2, sequences=4, patience=3)
    )
    assert stuck.history.sizes == {"step": 8, "evaluation": 4}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"every": 0}, "^every is 0"),
        ({"sequences": 0}, "^sequences is 0"),
        ({"patience": 0}, "^patience is 0"),
        ({"target": float("nan")}, "^target is nan"),
    ],
)
def test_a_wrong_field_of_an_evaluation_is_refused_by_name(fields, words):
    with pytest.raises(ValueError, match=words):
        fw.Evaluation(**fields)


# --- schedules and methods -------------------------------------------------------------------------------------------


def test_the_rate_rises_over_the_warm_up_and_falls_to_zero_or_stays():
    cosine, constant = (Schedule(2.0, 4, shape) for shape in ("cosine", "constant"))
    assert [cosine(step, 20) for step in range(5)] == [0.5, 1.0, 1.5, 2.0, 2.0]
    assert cosine(12, 20) == pytest.approx(1.0)
    assert cosine(20, 20) == pytest.approx(0.0)
    assert [constant(step, 20) for step in (0, 4, 19)] == [0.5, 2.0, 2.0]


def test_lbfgs_sees_one_batch_and_finds_a_lower_loss_on_it_than_adam_in_as_many_steps():
    one = SMALL(np.random.default_rng(0), 8)

    def fixed(rng, batch):
        return one

    losses = {
        method: fw.train(small(), fixed, steps=30, batch=8, method=method).history.loss.values
        for method in ("adam", "lbfgs")
    }
    assert losses["lbfgs"][-1] < 0.5 * losses["adam"][-1]
    assert np.all(np.diff(losses["lbfgs"]) <= 0)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"method": "sgd"}, "^unknown method 'sgd'"),
        ({"schedule": "cosin"}, r"^unknown schedule 'cosin'; did you mean 'cosine'\?"),
        ({"warmup": -1}, "^warmup is -1"),
    ],
)
def test_a_wrong_way_to_train_is_refused_by_name(argument, words):
    with pytest.raises(ValueError, match=words):
        fw.train(small(), SMALL, steps=1, batch=2, **argument)
