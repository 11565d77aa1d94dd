"""F21: simulations, circuits and all that a user holds go to another process and back, and are copied."""

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import xarray as xr
from test_join import RECORDS, circuit

import synfwp as fw
from synfwp import features, tasks

WAYS = {
    "pickle": lambda x: pickle.loads(pickle.dumps(x)),
    "oldest pickle that holds objects": lambda x: pickle.loads(pickle.dumps(x, 2)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("already", [0.0, 13.7])
def test_a_copied_simulation_goes_on_bit_for_bit_and_apart_from_the_other(way: str, already: float) -> None:
    """F21."""
    one, whole = circuit().start(seed=2), circuit().start(seed=2)
    if already:
        one.run(already, RECORDS)
        whole.run(already, RECORDS)
    other = WAYS[way](one)
    assert other.time == one.time
    assert other.digest() == one.digest()
    expected = whole.run(40.0, RECORDS)
    for simulation in (one, other):  # neither has moved the other
        found = simulation.run(40.0, RECORDS)
        xr.testing.assert_equal(found, expected)
        assert found.attrs["state_stop"] == expected.attrs["state_stop"]


def _forward(duration: float) -> fw.Simulation:
    """What a worker returns."""
    simulation = circuit().start(seed=2)
    simulation.run(duration)
    return simulation


def test_a_simulation_comes_back_from_another_process(tmp_path) -> None:
    """F21, the case itself."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        simulation = pool.submit(_forward, 20.0).result()
    here = _forward(20.0)
    xr.testing.assert_equal(simulation.run(30.0, RECORDS), here.run(30.0, RECORDS))
    again = circuit().restore(simulation.save(tmp_path / "state.npz"))
    assert again.digest() == here.digest()


def test_an_interrupted_simulation_stays_interrupted() -> None:
    """F21."""
    simulation = circuit().start()
    simulation.whole = False
    with pytest.raises(RuntimeError, match="was interrupted"):
        WAYS["pickle"](simulation).run(1.0)


@pytest.mark.parametrize("way", WAYS)
def test_circuits_run_alike_after_they_were_copied(way: str) -> None:
    """F21: groups are still those that projections name."""
    other = WAYS[way](circuit())
    assert other.projections[0].post is other.projections[1].post is other.group("cells")
    xr.testing.assert_equal(other.run(30.0, seed=1), circuit().run(30.0, seed=1))


@pytest.mark.parametrize("way", WAYS)
def test_rows_of_tables_come_back_as_themselves(way: str) -> None:
    """F21: ``rule is DELTA`` holds; rows of the user are equal."""
    for rule in fw.RULES.values():
        assert WAYS[way](rule) is rule
    mine = fw.Rule(name="mine", write="beta", cite="schlag2021")
    assert WAYS[way](mine) == mine
    assert WAYS[way](fw.DELTA_PRODUCT(3)) == fw.DELTA_PRODUCT(3)
    x = np.array([[-1.0, 2.0]])
    for table in (features.FEATURES, features.NORMALISERS):
        for row in table.values():
            assert WAYS[way](row) is row
    for name in ("dpfp(3)", "favor(5)"):
        row = features.get_feature(name)
        np.testing.assert_array_equal(WAYS[way](row).apply(x), row.apply(x))


@pytest.mark.parametrize("way", WAYS)
def test_what_was_trained_answers_alike_after_it_was_copied(way: str) -> None:
    """F21: trained programmers, batches, instructions, checkpoints and results of rules."""
    task = tasks.Recall(keys=2, values=2, writes=3)
    batch = task(np.random.default_rng(0), 2)
    for rule in ("delta", "softmax", fw.Rule(name="mine", write="beta", cite="schlag2021")):
        made = fw.Programmer(rule, d_in=5, d_key=4, d_value=4, d_out=2)
        trained = fw.train(made, task, steps=1, batch=2)
        again = WAYS[way](trained)
        assert again.programmer == trained.programmer
        assert again.accuracy(WAYS[way](batch)) == trained.accuracy(batch)
        sent, back = trained.instructions(batch.x), WAYS[way](trained.instructions(batch.x))
        np.testing.assert_array_equal(back.k, sent.k)
        xr.testing.assert_identical(again.history, trained.history)
    plastic = fw.PlasticNetwork.hebbff(3, 4, 2)
    assert WAYS[way](plastic) == plastic
    assert WAYS[way](fw.Checkpoint("a.nc")) == fw.Checkpoint("a.nc")
    assert WAYS[way](fw.Evaluation()) == fw.Evaluation()
    assert WAYS[way](task) == task
    out = fw.scan("delta", sent.q, sent.k, sent.v)
    np.testing.assert_array_equal(WAYS[way](out).W, out.W)
