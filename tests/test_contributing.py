"""What CONTRIBUTING shows runs as it stands, what it names exists, and the workflow calls targets that there are."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import synfwp as fw
from synfwp import cite, cli, models, programs
from synfwp.checks import closest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def section(heading: str) -> str:
    """The text below a heading of CONTRIBUTING."""
    return re.split(r"\n## ", TEXT[TEXT.index(f"## {heading}\n") + 3 :])[0]


def block(heading: str) -> str:
    """The one piece of Python below a heading."""
    (found,) = re.findall(r"```python\n(.*?)```", section(heading), re.S)
    return str(found)


def test_the_first_rule_takes_ten_lines_and_agrees_with_its_equation() -> None:
    names: dict[str, Any] = {}
    exec(compile(block("Your first rule in ten lines"), "CONTRIBUTING.md", "exec"), names)
    correlation = names["ds"].centred_correlation.values
    assert correlation[0] == pytest.approx(1.0, abs=1e-12)  # a rate network carries Hebb out exactly, to rounding
    assert correlation[-1] < 0.9
    lines = [line for line in block("Your first rule in ten lines").splitlines() if line]
    assert len([line for line in lines if not line.startswith("import")]) == 10


def test_the_first_rule_with_another_sign_fails() -> None:
    wrong = block("Your first rule in ten lines").replace('write="-beta"', 'write="beta"')
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        exec(compile(wrong, "CONTRIBUTING.md", "exec"), {})


@pytest.fixture
def overwriting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of the first model, where models are looked for."""
    (tmp_path / "models").mkdir()
    path = tmp_path / "models" / "overwriting.py"
    path.write_text(block("Your first model"), "utf-8")
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(path.parent)])
    yield path
    if sys.modules.pop("synfwp.models.overwriting", None):
        del models.overwriting  # type: ignore[attr-defined]


def test_the_first_model_runs_by_its_name(overwriting: Path, tmp_path: Path) -> None:
    found = programs.list_programs()["overwriting"]
    assert (found.kind, found.path) == ("model", overwriting)
    assert found.summary.endswith("(Schlag et al. 2021, section 4.2).")
    assert set(found.cites.split(", ")) <= set(cite.entries())
    result = CliRunner().invoke(cli.app, ["run", "overwriting", "--quick", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "error after overwriting, delta" in result.output
    ds = fw.load(tmp_path / "results" / "overwriting.nc")
    assert float(ds.obtained[0]) == pytest.approx(0.0, abs=1e-28)  # squares of rounding errors
    assert float(ds.obtained[1]) == pytest.approx(1.0, abs=4 * np.sqrt(2 / 256))  # 4 SD of the mean of 256 squares
    assert (tmp_path / "figures" / "overwriting.pdf").stat().st_size > 1000


def test_every_path_that_contributing_names_exists() -> None:
    made = {
        "models/overwriting.py",
        "results/overwriting.nc",
        "results/overwriting.json",
        "results/cells/",
        "figures/overwriting.pdf",
        ".venv",
        ".venv/bin/pytest",
    }
    names = set(re.findall(r"`(\.?[\w.-]+(?:/[\w.-]+)*(?:/|\.(?:py|pyi|md|toml|txt|yml|bib)))`", TEXT)) - made
    assert len(names) > 25
    assert [name for name in sorted(names) if not stands(name)] == []


def stands(name: str) -> bool:
    """Whether there is such a path, or a file of that name in a room of the package."""
    return any((base / name).exists() for base in HOMES) or ("/" not in name and any(HOMES[1].rglob(name)))


HOMES = (ROOT, ROOT / "synfwp", ROOT / "synfwp" / "kernels")


def test_every_room_of_the_architecture_exists() -> None:
    rooms = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.+?) \|", rooms.partition("\n## ")[0], re.M)
    assert len(rows) == 12
    names = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert [name for name in names if not any((base / name).exists() for base in HOMES)] == []


def test_the_workflow_has_three_steps_on_every_python_and_calls_targets_that_there_are() -> None:
    job = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8"))["jobs"]["checks"]
    classifiers = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())
    assert job["strategy"]["matrix"]["python"] == classifiers
    checkout, python, run = job["steps"]
    assert checkout["uses"].startswith("actions/checkout@")
    assert python["uses"].startswith("actions/setup-python@")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    _, *called, interpreter = run["run"].split()
    assert called == ["lint", "test", "test-programs"]
    assert set(called) <= targets
    assert interpreter == "PYTHON=python"


def test_the_issue_form_asks_for_what_a_fault_needs() -> None:
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text("utf-8"))
    assert [part["id"] for part in form["body"]] == ["code", "result", "expected", "versions"]
    command = form["body"][-1]["attributes"]["description"].partition("python -c ")[2].strip('"')
    exec(command, {})


def test_the_changelog_has_its_headings_and_the_new_names_of_its_table_are_ours() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^### (.+)$", text, re.M)[:4] == ["New", "Changed", "Fixed", "Old and new names"]
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \|", text[text.index("### Old and new names") :], re.M)
    assert len(rows) > 25
    names = {new.removeprefix("fw.").partition("(")[0] for _, new in rows if new.startswith("fw.")}
    assert [(name, closest(name, fw.__all__)) for name in names if not hasattr(fw, name.split(".")[0])] == []
