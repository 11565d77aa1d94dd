"""README.md and every page under docs/: their Python runs, their numbers are those of committed runs, links lead."""

import ast
import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pages
import pytest
from packaging.requirements import Requirement

import synfwp as fw
from synfwp import plasticity

ROOT = Path(__file__).parents[1]
PAGES = pages.pages()
RUN = [name for name, path in PAGES.items() if pages.blocks(path.read_text("utf-8"))]
SHORTER = {"task, seed=0)": "task, seed=0, steps=30)", "steps=5000": "steps=6"}  # trainings
FOREIGN = {"sbi", "torch"}  # of which a page shows the use, and no extra that the tests install has


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a page are written to a folder of its own."""
    monkeypatch.chdir(tmp_path)


def run(name: str) -> dict[str, Any]:
    """The blocks of a page in one namespace, as a reader would run them; only trainings are shortened."""
    code = "\n".join(pages.blocks(PAGES[name].read_text("utf-8")))
    for long, short in SHORTER.items():
        code = code.replace(long, short)
    for package in sorted(imported(code)):
        if importlib.util.find_spec(package) is None and package in FOREIGN | optional():
            pytest.skip(f"{name} imports {package}")
    space: dict[str, Any] = {}
    exec(compile(code, name, "exec"), space)
    return space


def imported(code: str) -> set[str]:
    """The packages that some code imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or "").partition(".")[0]}
    return found - set(sys.stdlib_module_names)


def optional() -> set[str]:
    """The packages of the extras."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    return {Requirement(line).name for name, lines in extras.items() if name != "test" for line in lines}


ELSEWHERE = {"docs/first_lines.md"} | {name for name in RUN if name.startswith("docs/journeys/")}  # in test_journeys.py


@pytest.mark.parametrize("name", [name for name in RUN if name not in ELSEWHERE])
def test_the_code_of_a_page_runs(name: str) -> None:
    run(name)


def test_the_first_lines_run_and_give_what_they_say() -> None:
    assert len(pages.blocks(PAGES["docs/first_lines.md"].read_text("utf-8"))) == 13
    space = run("docs/first_lines.md")
    import brian2

    brian2.prefs.codegen.target = "numpy"
    space["theirs"].run(1.0)
    assert space["times"].max() < 0.5 < space["ds"].attrs["stop"] + 1e-9
    assert space["out"].y.shape == (2, 2)
    assert fw.load("recall.nc").sizes["step"] == 6
    assert plasticity.TripletSTDP("visual_cortex").dw(space["protocol"].pre, space["protocol"].post) == pytest.approx(
        0.247, abs=5e-4
    )
    for rule, last in (("hebb", [6.0, 8.0]), ("delta", [5.0, 6.0])):
        np.testing.assert_allclose(fw.scan(rule, space["key"], space["key"], space["value"]).y[-1], last)


@pytest.mark.parametrize("name", PAGES)
def test_the_numbers_of_a_page_are_those_of_the_committed_runs(name: str) -> None:
    page = PAGES[name].read_text("utf-8")
    assert page == pages.written(page), "python tests/pages.py writes the tables anew"


def test_what_list_long_shows_is_what_the_pages_and_the_committed_runs_hold() -> None:
    assert pages.PROGRAMS.read_text("utf-8") == pages.of_programs(), "python tests/pages.py writes it anew"


def test_every_program_with_results_has_a_table_on_one_page() -> None:
    shown = [program for path in PAGES.values() for _, program in pages.tables(path.read_text("utf-8"))]
    assert sorted(shown) == sorted(path.stem for path in pages.RESULTS.glob("*.json"))


@pytest.mark.parametrize("name", PAGES)
def test_the_links_of_a_page_lead_somewhere(name: str) -> None:
    assert dead(PAGES[name]) == []


def dead(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in pages.links(page.read_text("utf-8")):
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (
            anchor and path.suffix == ".md" and anchor not in pages.anchors(path.read_text("utf-8"))
        ):
            found.append(link)
    return found


def test_dead_links_and_wrong_numbers_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n[x](#a-page) [y](#b) [z](page.md#c) [w](none.md) [v](https://a.b) `d[0](e)`\n")
    assert dead(page) == ["#b", "page.md#c", "none.md"]
    text = PAGES["docs/science/first_look.md"].read_text("utf-8")
    assert (
        pages.with_tables(text.replace("| 0.5929 | 0.5946", "| 0.5929 | 0.5947")) == text != text.replace("0.59", "1")
    )


def test_the_readme_is_one_screen_and_shows_the_way_to_every_page_of_science() -> None:
    readme = PAGES["README.md"].read_text("utf-8")
    assert len(readme.splitlines()) <= 180
    linked = {link.partition("#")[0] for link in pages.links(readme)}
    assert {name for name in PAGES if name.startswith("docs/science/")} - linked == set()
    assert "<!-- scorecard -->" in readme
    for form in ("exact", "trained", "rates", "spikes"):
        assert form in readme[: readme.index("\n## ")]


def test_what_the_pages_quote_stands_between_comments() -> None:
    readme, rules, speed = (PAGES[name].read_text("utf-8") for name in ("README.md", "docs/rules.md", "docs/speed.md"))
    assert fw.rules.table() in rules
    assert re.findall(r"<!-- benchmark (\w+) -->", speed)[:3] == ["speed", "training_step", "spiking"]
    for name in ("scorecard", "results", *pages.FACTS):
        assert f"<!-- {name} -->\n" in readme
    for name in pages.FACTS:
        assert len(pages.FACTS[name]) == 5


def test_a_number_that_is_not_the_committed_one_is_found() -> None:
    readme = PAGES["README.md"].read_text("utf-8")
    for wrong in (re.sub(r"(<!-- speed -->.*?)[1-9]( ms)", r"\g<1>0\2", readme, count=1, flags=re.S),
                  re.sub(r"\d+ of \d+ \| \[", "1 of 2 | [", readme, count=1)):  # fmt: skip
        assert wrong != readme
        assert pages.written(wrong) == readme
