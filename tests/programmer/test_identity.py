"""F6: what a training is made of is told apart by code and state, never by a name."""

import functools
import importlib.util
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from autograd import numpy as anp
from programmers import SMALL, small

import synfwp as fw
from synfwp import results
from synfwp.tasks import Recall


class Noisy:
    """A task that is no dataclass."""

    def __init__(self, noise: Any) -> None:
        self.noise = noise
        self.calls = 0

    def __call__(self, rng, batch):
        self.calls += 1
        drawn = SMALL(rng, batch)
        return replace(drawn, x=drawn.x + np.sum(self.noise) * rng.standard_normal(drawn.x.shape))


@dataclass(frozen=True)
class Own(Recall):
    """A dataclass of the user's."""

    noise: float = 0.0

    def __call__(self, rng, batch):
        drawn = super().__call__(rng, batch)
        return replace(drawn, x=drawn.x + self.noise)


def holding(held):
    """A task that holds something."""
    task = Noisy(0.0)
    task.held = held
    return task


def made(noise):
    """A function that closes over a number."""

    def task(rng, batch):
        drawn = SMALL(rng, batch)
        return replace(drawn, x=drawn.x + noise)

    return task


def defaulted(rng, batch, noise=0.0):
    """A task with a default."""
    drawn = SMALL(rng, batch)
    return replace(drawn, x=drawn.x + noise)


def by_default(noise):
    """A function of which a default alone differs."""

    def task(rng, batch, more=noise):
        drawn = SMALL(rng, batch)
        return replace(drawn, x=drawn.x + more)

    return task


def by_keyword(noise):
    """A function of which the default of a keyword alone differs."""

    def task(rng, batch, *, more=noise):
        drawn = SMALL(rng, batch)
        return replace(drawn, x=drawn.x + more)

    return task


def module(tmp_path, name, source):
    """A module of the user's from its text."""
    path = tmp_path / f"{name}.py"
    path.write_text("from dataclasses import replace\nfrom programmers import SMALL\n" + source)
    spec = importlib.util.spec_from_file_location(name, path)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


HELPED = """
NOISE = {noise}
def helper(x):
    return x * {factor}
def task(rng, batch):
    "{doc}"
    drawn = SMALL(rng, batch)  # {doc}
    return replace(drawn, x=helper(drawn.x) + NOISE)
class Task:
    scale = {scale}
    @staticmethod
    def shift(x):
        return x + {shift}
    def __call__(self, rng, batch):
        drawn = SMALL(rng, batch)
        return replace(drawn, x=self.shift(drawn.x) * self.scale)
"""
USUAL = {"noise": 0.0, "factor": 1.0, "doc": "one", "scale": 1.0, "shift": 0.0}


def goes_on(path, one, other, programmer=None, **settings):
    """Whether a training with the other task goes on from a checkpoint of the one; a message if it is refused."""
    settings = {"steps": 2, "batch": 2, **settings}
    fw.train(programmer or small(), one, **settings, checkpoint=path)
    try:
        fw.train(programmer or small(), other, **settings, checkpoint=path)
    except ValueError as error:
        return str(error)
    return True


DIFFERENT = {
    "another attribute": (lambda: Noisy(0.0), lambda: Noisy(0.5), r"task\.noise is 0\.0, here it is 0\.5"),
    "another array": (lambda: Noisy(np.zeros(3)), lambda: Noisy(np.ones(3)), r"task\.noise is \[0\.0, 0\.0, 0\.0\]"),
    "another long array": (
        lambda: Noisy(np.zeros(2000)), lambda: Noisy(np.eye(1, 2000)[0]), r"task\.noise\.sha256 is \w{16}, here it is"
    ),
    "another type of number": (
        lambda: Noisy(np.zeros(2000)), lambda: Noisy(np.zeros(2000, np.float32)), r"task\.noise\.dtype is float64"
    ),
    "another object inside": (
        lambda: holding(Fraction(1, 3)), lambda: holding(Fraction(2, 3)),
        r"task\.held\.parts is \[\[1, 3\]\], here it is \[\[2, 3\]\]"
    ),
    "another bytes inside": (lambda: holding(b"a"), lambda: holding(b"b"), r"task\.held\.bytes is \w{16}, here"),
    "another field": (lambda: Own(4, 4, 6), lambda: Own(4, 4, 6, noise=0.5), r"task\.noise is 0\.0, here it is 0\.5"),
    "another lambda": (
        lambda: lambda rng, n: SMALL(rng, n), lambda: lambda rng, n: SMALL(rng, n * 1), r"task\.code is \w{16} \(Python"
    ),
    "another closure": (lambda: made(0.0), lambda: made(0.5), r"task\.closure\.noise is 0\.0, here it is 0\.5"),
    "another default": (
        lambda: by_default(0.0), lambda: by_default(0.5), r"task\.defaults is \[0\.0\], here it is \[0\.5\]"
    ),
    "another default of a keyword": (
        lambda: by_keyword(0.0), lambda: by_keyword(0.5), r"task\.keyword_defaults\.more is 0\.0, here it is 0\.5"
    ),
    "another argument of a partial": (
        lambda: functools.partial(defaulted, noise=0.0), lambda: functools.partial(defaulted, noise=0.5),
        r"task\.keywords\.noise is 0\.0",
    ),
    "another object of a method": (
        lambda: Noisy(0.0).__call__, lambda: Noisy(0.5).__call__, r"task\.of\.noise is 0\.0, here it is 0\.5"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", DIFFERENT)
def test_a_checkpoint_of_another_task_is_refused_with_what_differs(what, tmp_path):  # F6
    one, other, words = DIFFERENT[what]
    message = goes_on(tmp_path / "run.nc", one(), other())
    assert message is not True
    assert re.search(words, message), message
    assert "pass another name, or remove the file" in message


@pytest.mark.parametrize("what", DIFFERENT)
def test_a_checkpoint_of_an_equal_task_goes_on(what, tmp_path):  # F6: no refusal without a reason
    one = DIFFERENT[what][0]
    first = one()
    assert goes_on(tmp_path / "run.nc", first, first) is True
    if what != "another lambda":
        assert goes_on(tmp_path / "other.nc", one(), one()) is True


@pytest.mark.parametrize(
    ("name", "member"), [("noise", "task"), ("factor", "task"), ("scale", "Task"), ("shift", "Task")]
)
def test_changed_source_code_is_another_task(name, member, tmp_path):  # F6
    mods = [module(tmp_path, "mine", HELPED.format(**values)) for values in (USUAL, USUAL | {name: 0.5})]
    one, other = (getattr(mod, member) if member == "task" else mod.Task() for mod in mods)
    assert "holds another training: its task." in goes_on(tmp_path / "run.nc", one, other)


@pytest.mark.parametrize("member", ["task", "Task"])
def test_comments_docstrings_and_places_in_a_file_are_no_part_of_the_code(member, tmp_path):  # F6
    texts = HELPED.format(**USUAL), "\n\n\n" + HELPED.format(**USUAL | {"doc": "two"})
    one, other = (getattr(module(tmp_path, "mine", text), member) for text in texts)
    assert goes_on(tmp_path / "run.nc", *((one(), other()) if member == "Task" else (one, other))) is True


def test_a_class_of_the_same_name_in_another_module_is_another_one(tmp_path):  # F6
    one, other = (module(tmp_path, name, HELPED.format(**USUAL)).Task() for name in ("mine", "yours"))
    message = goes_on(tmp_path / "run.nc", one, other)
    assert "class code.class is mine.Task, here it is yours.Task" in message


def test_a_counter_of_calls_is_no_part_of_a_task(tmp_path):  # F6: a training interrupted in a notebook goes on there
    task = Noisy(0.0)
    assert goes_on(tmp_path / "run.nc", task, task) is True
    assert task.calls == 2


def test_a_task_whose_state_cannot_be_read_trains_but_has_no_checkpoint(tmp_path):  # F6
    with open(tmp_path / "data", "w") as file:
        task = Noisy(0.0)
        task.file = file
        fw.train(small(), task, steps=1, batch=2)
        with pytest.raises(TypeError, match=r"^task\.file is a _io\.TextIOWrapper, whose state cannot be compared"):
            fw.train(small(), task, steps=1, batch=2, checkpoint=tmp_path / "run.nc")
    assert not (tmp_path / "run.nc").exists()


def start(rng):
    """Numbers."""
    return {"W": rng.standard_normal((4, 9))}


def sender(gain):
    """A function programmer that closes over a gain."""

    def send(params, x):
        key = anp.maximum(anp.dot(x, params["W"].T), 0) * gain
        return fw.Instructions(key, key, key, 0.1 * x[..., -1])

    return fw.FunctionProgrammer(send, start, rule="hebb")


def test_another_function_as_programmer_is_refused_by_a_checkpoint_and_by_a_file(tmp_path):  # F6
    settings = {"steps": 1, "batch": 2}
    trained = fw.train(sender(0.1), SMALL, **settings, checkpoint=tmp_path / "run.nc")
    with pytest.raises(ValueError, match=r"its programmer\.send\.closure\.gain is 0\.1, here it is 0\.2"):
        fw.train(sender(0.2), SMALL, **settings, checkpoint=tmp_path / "run.nc")
    path = trained.save(tmp_path / "trained.nc")
    again = fw.load_trained(path, programmer=sender(0.1))
    assert np.array_equal(again.params["W"], trained.params["W"])
    with pytest.raises(ValueError, match=r"another programmer: its own\.send\.closure\.gain is 0\.1, here"):
        fw.load_trained(path, programmer=sender(0.2))


class Louder(fw.Programmer):
    """A subclass with scores of its own."""

    def scores(self, params, x, *more):
        return 2 * super().scores(params, x, *more)


def test_a_subclass_comes_back_as_itself_and_never_as_its_base(tmp_path):  # F6
    programmer = Louder(**{name: getattr(small(), name) for name in small().__dataclass_fields__})
    trained = fw.Trained(programmer, programmer.init(), fw.train(small(), SMALL, steps=1, batch=2).history)
    path = trained.save(tmp_path / "trained.nc")
    with pytest.raises(ValueError, match=r"parameters of the class Louder of your own; pass programmer="):
        fw.load_trained(path)
    x = SMALL(np.random.default_rng(0), 2).x
    back = fw.load_trained(path, programmer=programmer)
    assert np.array_equal(back.programmer.scores(back.params, x), programmer.scores(trained.params, x))
    with pytest.raises(ValueError, match="of another programmer"):
        fw.load_trained(path, programmer=small())


def test_attributes_of_results_tell_two_functions_of_one_name_apart():  # F6
    one, other, same = (results.provenance({"f": made(noise)}, 0)["parameters"] for noise in (0.0, 0.5, 0.0))
    assert one != other
    assert one == same
    assert json.loads(one)["f"]["function"].endswith("test_identity.made.<locals>.task")
    assert json.loads(results.provenance({"f": np.linalg.norm}, 0)["parameters"])["f"].startswith("numpy.linalg")
    ufuncs = {results.provenance({"f": f}, 0)["parameters"] for f in (np.add, np.subtract)}
    assert len(ufuncs) == 2


def test_the_code_of_another_version_of_python_cannot_be_compared_and_is_passed_over():
    code = {"code": f"{'0' * 16} (Python 3.11)"}
    assert results.difference(code, {"code": f"{'1' * 16} (Python 3.12)"}, "task") is None
    assert results.difference(code, {"code": f"{'1' * 16} (Python 3.11)"}, "task")[0] == "task.code"


def test_things_that_hold_each_other_have_an_identity():
    one, other = Noisy(0.0), Noisy(0.0)
    one.other, other.other = other, one
    assert "again" in json.dumps(json.loads(results.provenance({"task": one}, 0)["parameters"]))


def test_an_identity_is_the_same_in_another_process(tmp_path):
    code = (
        "import test_identity as t; from synfwp import results\n"
        "parts = {'a': t.Own(4, 4, 6), 'b': t.made({'x', 'y', 'z'}), 'c': t.Noisy(1)}\n"
        "print(results.provenance(parts, 0)['parameters'])"
    )
    path = ":".join([str(Path(__file__).parent), *sys.path])
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            text=True,
            check=True,
            capture_output=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": path},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
