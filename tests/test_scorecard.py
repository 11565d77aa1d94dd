"""The page of all rows: its verdicts, its files, and that the committed one is made of the committed results."""

import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import pages
import pytest
from typer.testing import CliRunner

from synfwp import cite, cli, results, scorecard
from synfwp.results import Row

ROOT = Path(__file__).parents[1]
SEEDS = np.array([0.9, 0.8, 1.0, 0.7])
PROVENANCE = {"program": "p", "command": "synfwp run p", "seconds": 12.0, "synfwp_version": "0", "package": "0+1"}


def written(folder, *rows: Row, program: str = "p") -> list[scorecard.Line]:
    page = results.as_page(results.comparison(rows), **PROVENANCE | {"program": program})
    (folder / f"{program}.json").write_text(page)
    return scorecard.lines(folder)


def verdict(folder, *args, **more) -> str:
    return written(folder, Row("recall", *args, **more))[0].verdict


def test_within_the_band_or_the_spread_is_reproduced(tmp_path) -> None:
    assert verdict(tmp_path, 0.851, 0.85, kind="theory", band=0.002) == "reproduced"
    assert verdict(tmp_path, SEEDS, 0.9, kind="theory") == "reproduced"
    assert verdict(tmp_path, 0.86, 0.9, kind="published", source="ba2016", error=0.05) == "reproduced"


def test_a_difference_that_is_told_from_none_differs_or_is_not_reproduced_by_its_size(tmp_path) -> None:
    tight = 0.9 + 1e-4 * SEEDS
    assert verdict(tmp_path, tight, 0.91, kind="theory") == "differs"
    assert verdict(tmp_path, tight, 0.5, kind="theory") == "not reproduced"
    assert verdict(tmp_path, 0.91, 0.9, kind="exact") == "differs"
    assert verdict(tmp_path, 0.01, 0.0, kind="exact") == "not reproduced"
    assert verdict(tmp_path, math.nan, 0.5, kind="theory") == "not reproduced"


def test_what_was_not_run_is_told_from_a_goal_that_was_missed(tmp_path) -> None:
    reasons = {"not run: larger nets": "not run", "the goal was not reached": "not reproduced", "": "not reproduced"}
    for why, known in reasons.items():
        assert verdict(tmp_path, math.nan, 0.5, kind="theory", why=why) == known
    assert verdict(tmp_path, 0.5, 0.5, kind="theory", why="not run at other sizes") == "reproduced"
    (line,) = written(tmp_path, Row("recall", math.nan, 0.5, kind="theory", why="not run: larger nets"))
    page = scorecard.as_markdown([line])
    assert "0 not reproduced, 1 not run" in page
    assert "p: recall" in page[page.index("## What did not come out") : page.index("## p")]


def test_a_claim_needs_its_sign_and_to_be_told_from_none(tmp_path) -> None:
    for sign, right, wrong in ((1, "above", "below"), (-1, "below", "above")):
        assert verdict(tmp_path, SEEDS, 0.85 - 0.4 * sign, kind="ceiling", claim=right) == "reproduced"
        assert verdict(tmp_path, SEEDS, 0.85 - 0.4 * sign, kind="ceiling", claim=wrong) == "not reproduced"
        assert verdict(tmp_path, SEEDS, 0.85 - 0.02 * sign, kind="ceiling", claim=right) == "undecided"
        assert verdict(tmp_path, SEEDS, 0.85 - 0.02 * sign, kind="ceiling", claim=wrong) == "undecided"
    assert verdict(tmp_path, 0.9, 0.5, kind="ceiling", claim="above") == "reproduced"
    assert verdict(tmp_path, 0.5, 0.5, kind="ceiling", claim="above") == "not reproduced"


def test_a_row_among_many_is_judged_with_all_of_the_page(tmp_path) -> None:
    row = Row("recall", SEEDS, 0.5, kind="theory")
    (alone,) = written(tmp_path, row)
    assert (alone.p < 0.05, alone.verdict) == (True, "not reproduced")
    many = written(tmp_path, row, *(Row(f"other {i}", SEEDS, 0.85, kind="theory") for i in range(20)))
    assert many[0].p == pytest.approx(21 * alone.p)
    assert many[0].verdict == "differs"  # by its own test alone, and by more than a tenth
    near = Row("recall", SEEDS, 1.05 * SEEDS + 1e-3 * np.arange(4), kind="theory")
    (one,), (first, *_) = (
        written(tmp_path, near),
        written(tmp_path, near, *(Row(f"other {i}", SEEDS, 0.85, kind="theory") for i in range(200))),
    )
    assert (one.verdict, first.verdict) == ("differs", "reproduced")


def test_holm_is_that_of_statistics_textbooks() -> None:
    """Steps 4 p1, 3 p2, 2 p3, p4, never falling, at most 1."""
    np.testing.assert_allclose(scorecard.holm([0.04, 0.01, 0.03, 0.005]), [0.06, 0.03, 0.06, 0.02])
    assert scorecard.holm([]) == []
    assert scorecard.holm([0.9, 0.8]) == [1.0, 1.0]


def test_rows_without_an_expectation_are_not_on_the_page_and_seconds_and_commands_are(tmp_path) -> None:
    found = written(tmp_path, Row("recall", SEEDS, 0.5, kind="chance", claim="above"), Row("spikes", 3.0))
    page, table = scorecard.as_markdown(found), list(csv.DictReader(scorecard.as_csv(found).splitlines()))
    assert "spikes" not in page
    assert "`synfwp run p`: 12 s of one core" in page
    assert [(row["quantity"], row["n"], row["command"], row["seconds"]) for row in table] == [
        ("recall", "4", "synfwp run p", "12")
    ]
    assert float(table[0]["z"]) == pytest.approx(found[0].z, rel=1e-3)


def test_what_did_not_come_out_stands_first_with_its_reason_or_unexplained(tmp_path) -> None:
    found = written(
        tmp_path, Row("a", 0.9, 0.9, kind="exact"), Row("b", 0.7, 0.9, kind="exact", why="rounding | twice"),
        Row("c", 0.8, 0.9, kind="exact"),
    )  # fmt: skip
    page = scorecard.as_markdown(found)
    missed = page[page.index("## What did not come out") : page.index("## p")]
    assert "p: a" not in missed
    assert "| p: b |" in missed
    assert "rounding \\| twice" in missed
    assert "unexplained" in missed
    assert (
        scorecard.summary(found)
        == "3 rows of 1 programs: 1 reproduced, 0 differ, 2 not reproduced, 0 not run, 0 undecided"
    )


def test_the_command_writes_and_prints_the_page(tmp_path) -> None:
    written(tmp_path, Row("recall", SEEDS, 0.5, kind="chance", claim="above"))
    args = ["scorecard", "--results", str(tmp_path), "--out", str(tmp_path / "docs")]
    found = CliRunner().invoke(cli.app, args)
    assert found.exit_code == 0, found.output
    assert (tmp_path / "docs" / "scorecard.md").read_text("utf-8").strip() == found.output.strip()
    assert (tmp_path / "docs" / "scorecard.csv").exists()
    (tmp_path / "broken.json").write_text('{"rows": []}')
    again = CliRunner().invoke(cli.app, args)
    assert again.exit_code == 2
    assert "broken.json is no table of a program" in again.output + again.stderr


def test_the_committed_page_is_that_of_the_committed_results() -> None:
    found = scorecard.lines(ROOT / "docs" / "results")
    assert (ROOT / "docs" / "scorecard.md").read_text("utf-8") == scorecard.as_markdown(found)
    assert (ROOT / "docs" / "scorecard.csv").read_text("utf-8") == scorecard.as_csv(found)
    assert len(found) >= 100


def test_the_readme_shows_the_summary() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "<!-- scorecard -->" in readme
    assert readme == pages.with_scorecard(readme)


def test_what_was_published_or_recomputed_has_a_paper_of_the_bibliography() -> None:
    known = cite.entries()
    for line in scorecard.lines(ROOT / "docs" / "results"):
        key = re.split("[ ,]", line.row["source"])[0]
        if line.row["kind"] in ("published", "recomputed"):
            assert key in known, (line.program, line.row["quantity"], key)


def test_committed_results_are_full_runs_with_provenance() -> None:
    for path in (ROOT / "docs" / "results").glob("*.json"):
        page = json.loads(path.read_text("utf-8"))
        assert page["command"].startswith(f"synfwp run {path.stem}")
        assert {"created", "package", "seconds", "dependencies"} <= set(page)
        assert path.with_suffix(".txt").exists()
