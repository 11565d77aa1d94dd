"""The first calls of the fuzzing job have no finding; and a judge that would not see a fault is seen here."""

import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import synfwp
from fuzz import disguises, job
from fuzz.cases import KINDS, Arg, Call, Entry, need
from fuzz.judge import ended, judge

CALLS = 2000
BUDGET = 50  # seconds: on a slow machine fewer calls
LEAST = 200


def test_the_first_two_thousand_calls_end_in_a_right_answer_a_clear_error_or_a_warning():
    tally, start = job.Tally(), time.perf_counter()
    for number, verdict, seconds in job.verdicts(range(CALLS)):
        tally.add(number, verdict, seconds)
        if time.perf_counter() - start > BUDGET:
            break
    assert tally.calls >= LEAST
    assert tally.findings == 0, tally.causes_of_findings()


def test_a_call_is_drawn_by_its_number_alone():
    entry, rng = job.case(123)
    again, same = job.case(123)
    assert entry is again
    assert judge(entry, rng) == judge(again, same)


def test_a_run_prints_its_table_and_writes_it(tmp_path, capsys):
    """None of these rows is at a fault."""
    assert job.main(["--calls", "300", "--only", "seeds", "--out", str(tmp_path / "fuzz.txt")]) == 0
    text = (tmp_path / "fuzz.txt").read_text()
    assert capsys.readouterr().out.strip() == text.strip()
    assert text.startswith("make fuzz: ")
    assert "0 findings" in text
    assert "seeds.generator" in text


def test_one_call_is_shown_with_its_arguments(capsys):
    job.main(["--case", "7"])
    assert capsys.readouterr().out.startswith(f"call 7 of seed {job.SEED}: ")


def test_every_kind_of_argument_has_disguises_and_every_unit_is_known():
    assert {kind for row in disguises.DISGUISES.values() for kind in row.kinds} == set(KINDS) - {"fixed"}
    assert len(disguises.DISGUISES) > 60
    assert disguises.known_units()


def test_entry_points_are_named_once():
    names = [entry.name for entry in job.ENTRIES]
    assert len(set(names)) == len(names) > 35


def mean_of_squares(x):
    """A good citizen of the package, but for what the tests below do to it."""
    found = np.asarray(synfwp.units.to_float(x, "1", "x"), float)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise ValueError("x is not a list of finite numbers; pass one.")
    return float(np.square(found).sum())


def verdict(run, disguise=None):
    """How one call of ``run`` ends, in a disguise or without one."""
    arg = Arg(np.array([1.0, 2.0, 3.0]), dims=("time",))

    def twin(x):
        x = np.asarray(x, float)
        need(x.ndim == 1 and np.isfinite(x).all())
        return float(sum(x**2))

    call = Call(run, {"x": arg}, twin)
    worn = {}
    if disguise is not None:
        row = disguises.DISGUISES[disguise]
        worn = {"x": (row, *row.wear(np.random.default_rng(0), arg))}
    return ended(Entry("planted", lambda rng: call), call, worn)


def test_a_right_answer_is_right():
    assert verdict(mean_of_squares).outcome == "right"
    assert verdict(mean_of_squares, "negative strides").outcome == "right"


def raises(error):
    def run(x):
        raise error

    return run


def changes(x):
    found = mean_of_squares(x)
    x[0] = 7.0
    return found


def overflows(x):
    return float(np.square(np.asarray(x) * 1e300).sum())


def warns(x):
    warnings.warn("x is large", RuntimeWarning, stacklevel=1)
    return mean_of_squares(x)


@pytest.mark.parametrize(
    ("run", "disguise", "what"),
    [
        (lambda x: mean_of_squares(x) * (1 + 1e-8), None, "a silent difference"),
        (lambda x: np.array([mean_of_squares(x)]), None, "another shape"),
        (lambda x: mean_of_squares(x) * np.nan, None, "NaN or infinity without a word"),
        (lambda x: float(sum(np.asarray(x.filled(0.0)) ** 2)), "masked entries", "accepted what means nothing"),
        (lambda x: 1.0, "quantity of another dimension", "accepted what means nothing"),
        (lambda x: 1.0, "NaN", "accepted what means nothing"),
        (raises(IndexError("x")), None, "IndexError"),
        (raises(ValueError("x is odd; pass another.")), None, "an error that is not ours (ValueError)"),  # of this file
        (lambda x: synfwp.units.to_float("3 ms", "ms", "y"), None, "an error that names no argument"),
        (lambda x: synfwp.units.to_float("3 ms", "ms", "x"), None, "refused what is right"),
        (changes, None, "an argument was changed in place"),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found(run, disguise, what):
    found = verdict(run, disguise)
    assert (found.outcome, found.what) == ("finding", what)


def test_a_warning_of_ours_is_one_way_to_end_and_a_warning_of_numpy_is_not(monkeypatch):
    assert verdict(warns).outcome == "warned"
    monkeypatch.setattr("fuzz.judge.HERE", Path("/nowhere"))  # as if this file were a library
    assert verdict(warns).what == "a foreign RuntimeWarning"
    assert verdict(overflows).what == "a foreign RuntimeWarning"


def test_of_two_disguises_the_one_that_is_enough_is_named():
    def draw(rng):
        args = {"x": Arg(np.ones(3)), "y": Arg(np.ones(3))}
        return Call(
            lambda x, y: float(np.asarray(x, float).sum()), args, lambda x, y: need(np.isfinite(x).all()) or 3.0
        )

    entry = Entry("planted", draw)
    found = [judge(entry, np.random.default_rng(i)) for i in range(300)]
    assert any(len(one.worn) == 1 and one.outcome == "finding" for one in found)
    assert all(len(one.worn) <= 2 for one in found)
