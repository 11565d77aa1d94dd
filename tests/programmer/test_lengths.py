"""More steps after a checkpoint, and a stop by accuracy: the same bits as a training that was meant so at once."""

import numpy as np
import pytest
from programmers import SMALL, small

import synfwp as fw
from synfwp import seeds
from synfwp.programmer import optimiser, progress
from synfwp.tasks import InContextRegression

SETTINGS = {"batch": 2, "schedule": "constant", "warmup": 3}
EVALUATION = fw.Evaluation(every=4, sequences=5)


def equal(one, two):
    """The same parameters and the same history, to the bit."""
    assert all(np.array_equal(one.params[name], two.params[name]) for name in two.params)
    assert set(one.history.data_vars) == set(two.history.data_vars)
    for name in one.history.variables:
        assert np.array_equal(one.history[name], two.history[name]), name
    for name in ("stop_step", "stop_reason"):
        assert one.history.attrs[name] == two.history.attrs[name]


@pytest.mark.parametrize("evaluate", [None, EVALUATION, fw.Evaluation(every=2, sequences=5, patience=50)])
@pytest.mark.parametrize("first", [6, 8])
def test_more_steps_after_a_finished_training_are_those_of_one_straight_training(first, evaluate, tmp_path):
    path, settings = tmp_path / "run.nc", {**SETTINGS, "evaluate": evaluate, "learning_rate": 0.05}
    short = fw.train(small(), SMALL, steps=first, checkpoint=path, **settings)
    equal(short, fw.train(small(), SMALL, steps=first, **settings))
    equal(fw.train(small(), SMALL, steps=first, checkpoint=path, **settings), short)
    equal(
        fw.train(small(), SMALL, steps=13, checkpoint=path, **settings), fw.train(small(), SMALL, steps=13, **settings)
    )


def test_a_cosine_over_other_steps_is_another_training(tmp_path):
    settings = {"batch": 2, "checkpoint": tmp_path / "run.nc"}
    fw.train(small(), SMALL, steps=3, **settings)
    for steps in (2, 5):
        with pytest.raises(ValueError, match=rf"its steps is 3, here it is {steps}; .* schedule='constant' goes on"):
            fw.train(small(), SMALL, steps=steps, **settings)


def test_fewer_steps_than_were_made_are_refused(tmp_path):
    fw.train(small(), SMALL, steps=4, checkpoint=tmp_path / "run.nc", **SETTINGS)
    with pytest.raises(ValueError, match=r"run\.nc holds 4 steps, but steps is 3; pass at least 4"):
        fw.train(small(), SMALL, steps=3, checkpoint=tmp_path / "run.nc", **SETTINGS)


def test_a_training_stops_at_an_accuracy_keeps_those_parameters_and_tells_when_and_why():
    evaluation = fw.Evaluation(every=10, sequences=50, stop_at=0.7)
    trained = fw.train(small(d_key=8, d_value=8), SMALL, steps=400, batch=16, learning_rate=0.03, evaluate=evaluation)
    accuracy = trained.history.evaluation_accuracy.values
    assert accuracy[-1] >= 0.7 > accuracy[:-1].max()
    assert trained.history.attrs["stop_reason"] == "stop_at"
    assert (
        trained.history.attrs["stop_step"] == trained.history.sizes["step"] == int(trained.history.evaluation[-1]) < 400
    )
    assert trained.accuracy(SMALL(seeds.generator(0, "evaluation"), 50)) == accuracy[-1]


def test_what_reaches_the_accuracy_is_kept_though_its_loss_is_not_the_lowest():
    evaluation, later = fw.Evaluation(stop_at=0.9), {"W": np.ones(1)}
    state = evaluation.update(progress.start({"W": np.zeros(1)}), 0.5, 0.8)
    state = evaluation.update(state._replace(params=later), 0.6, 0.9)
    assert state.best is later
    assert evaluation.reason(state) == "stop_at"


def test_real_targets_stop_at_a_mean_squared_error():
    task = InContextRegression(d_x=2, pairs=6)
    programmer = fw.Programmer(d_in=task.d_in, d_key=4, d_value=2, d_out=1, feature="identity", write_channel=-1)
    evaluation = fw.Evaluation(every=10, sequences=50, stop_at=1.5)
    settings = {"batch": 16, "loss": "squared", "learning_rate": 0.02, "evaluate": evaluation}
    trained = fw.train(programmer, task, steps=300, **settings)
    assert trained.history.attrs["stop_reason"] == "stop_at"
    loss = trained.history.evaluation_loss.values
    assert 2 * loss[-1] <= 1.5 < 2 * loss[:-1].min()
    assert trained.error(task(seeds.generator(0, "evaluation"), 50)) == pytest.approx(
        2 * loss[-1], rel=1e-12
    )  # rounding


@pytest.mark.parametrize("after", [7, 25])
def test_a_training_that_is_to_stop_by_accuracy_is_interrupted_and_goes_on(after, tmp_path, monkeypatch):
    evaluation = fw.Evaluation(every=10, sequences=50, stop_at=0.7)
    settings = {"steps": 400, "batch": 16, "learning_rate": 0.03, "evaluate": evaluation}
    wide = small(d_key=8, d_value=8)
    whole = fw.train(wide, SMALL, **settings)
    assert whole.history.attrs["stop_step"] > after
    update, calls = optimiser.Adam.update, []

    def stopping(*args):
        calls.append(1)
        if len(calls) == after + 1:
            raise KeyboardInterrupt
        return update(*args)

    with monkeypatch.context() as patch:
        patch.setattr(optimiser.Adam, "update", stopping)
        with pytest.raises(KeyboardInterrupt):
            fw.train(wide, SMALL, **settings, checkpoint=tmp_path / "run.nc")
    resumed = fw.train(wide, SMALL, **settings, checkpoint=tmp_path / "run.nc")
    equal(resumed, whole)
    equal(fw.train(wide, SMALL, **settings, checkpoint=tmp_path / "run.nc"), whole)  # it is over, and stays so


def test_other_ends_have_their_reasons():
    def reason(**fields):
        evaluation = fw.Evaluation(every=2, sequences=4, **fields)
        return fw.train(small(), SMALL, steps=9, batch=2, learning_rate=1e-30, evaluate=evaluation).history.attrs

    assert (reason()["stop_reason"], reason()["stop_step"]) == ("steps", 9)
    assert (reason(target=100.0)["stop_reason"], reason(target=100.0)["stop_step"]) == ("target", 2)
    assert (reason(patience=2)["stop_reason"], reason(patience=2)["stop_step"]) == ("patience", 6)


def test_an_accuracy_that_none_reaches_is_refused():
    with pytest.raises(ValueError, match=r"^stop_at of an accuracy is 99; pass a finite number"):
        fw.train(small(), SMALL, steps=1, batch=2, evaluate=fw.Evaluation(stop_at=99))
    with pytest.raises(ValueError, match=r"^stop_at is -1"):
        fw.Evaluation(stop_at=-1)
