"""Ten kills lose nothing; and a writer that does not take the one mechanism is seen."""

import itertools
import time
from pathlib import Path

import pytest

from kills import job
from kills.scenario import Scenario, done

SIZE = 1000


def careless(folder: Path) -> None:
    """A file that is written in place, half by half."""
    for k in itertools.count(1):
        with (folder / "a.txt").open("w") as file:
            file.write(f"{k % 10}" * (SIZE // 2))
            file.flush()
            time.sleep(0.01)
            file.write(f"{k % 10}" * (SIZE // 2))
        done(folder)


def check_careless(folder: Path, counted: int) -> list[str]:
    """One digit, a thousand times."""
    text = (folder / "a.txt").read_text()
    return [] if len(text) == SIZE and len(set(text)) == 1 else ["half: a.txt"]


def test_ten_kills_lose_nothing_and_leave_nothing_half(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert job.main(["--kills", "10", "--seed", "1", "--out", str(tmp_path / "kills.txt")]) == 0
    text = (tmp_path / "kills.txt").read_text()
    assert capsys.readouterr().out == text
    assert text.startswith("make kills: 10 kills at random moments, seed 1: 0 lost, 0 half-read\n0 problems")


def test_a_writer_that_writes_in_place_is_seen() -> None:
    found = job.run(4, 0, [Scenario("careless", careless, check_careless, 0.1, live=True)])["careless"]
    assert any(text.endswith("half: a.txt") for one in found for text in one.problems)
    assert "half-read" in job.report({"careless": found}, 0, 1.0)
    assert "0 half-read" not in job.report({"careless": found}, 0, 1.0)


def test_scenarios_are_named_once() -> None:
    names = [one.name for one in job.EVERY]
    assert len(set(names)) == len(names) >= 7
