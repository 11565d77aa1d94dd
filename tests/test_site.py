"""The pages that the site makes of the package: one for every rule, mechanism, program, formula and public name."""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import public_names
import pytest

import synfwp as fw
from synfwp.substrates.mechanisms.table import MECHANISMS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def generate() -> Iterator[ModuleType]:
    """The program of the site that writes them."""
    sys.path.insert(0, str(ROOT / "docs" / "site"))
    import generate as made

    yield made
    sys.path.remove(str(ROOT / "docs" / "site"))


def test_there_is_a_page_for_every_rule_with_all_that_its_row_says(generate: ModuleType) -> None:
    found = generate.rules()
    assert list(found) == list(fw.RULES)
    for name, rule in fw.RULES.items():
        for heading in ("Equation", "Stability", "Forms", "Figure", "Papers"):
            assert f"## {heading}\n" in found[name]
        assert rule.equation.partition(",")[0] in found[name]
        assert re.search(r"^- .+\(\d{4}\)", found[name], re.M), "no paper"


def test_there_is_a_page_for_every_mechanism_with_the_rules_that_it_runs(generate: ModuleType) -> None:
    found = generate.mechanisms()
    assert list(found) == list(MECHANISMS)
    for name, mechanism in MECHANISMS.items():
        shown = set(re.findall(r"\[([^]]+)\]\(\.\./rules/", found[name]))
        assert shown == {rule.name for rule in fw.RULES.values() if mechanism.runs(rule)}


def test_there_is_a_page_for_every_program_with_all_its_rows(generate: ModuleType) -> None:
    found = generate.models()
    assert sorted(found) == sorted(path.stem for path in (ROOT / "docs" / "results").glob("*.json"))
    lines = generate.scorecard.lines(ROOT / "docs" / "results")
    for name, page in found.items():
        assert f"synfwp run {name}" in page
        assert [line for line in lines if line.program == name and generate.row_of(line) not in page] == []


def test_every_formula_and_every_public_name_is_documented_once(generate: ModuleType) -> None:
    theory, pages = generate.theory(), generate.api.pages()
    assert re.findall(r"^## (.+)$", theory, re.M) == list(fw.theory.FORMULAS)
    text = "\n".join(pages.values())
    for name in fw.__all__:
        thing = getattr(fw, name)
        if inspect.ismodule(thing):
            below = [part for part in public_names.members(thing) if not inspect.ismodule(getattr(thing, part))]
            page = pages[f"api/{name}_module.rst"]
            assert [part for part in below if not re.search(rf"[.`]{part}[`\n]", page)] == []
        else:
            assert re.search(rf":: synfwp\.{name}\n|``fw\.{name}``", text), name


def test_a_new_page_of_docs_is_on_the_site_without_a_list(
    generate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.md").write_text((ROOT / "docs" / "index.md").read_text("utf-8"), "utf-8")
    (tmp_path / "develop.md").write_text((ROOT / "docs" / "develop.md").read_text("utf-8"), "utf-8")
    (tmp_path / "sleep.md").write_text("# Sleep\n", "utf-8")
    monkeypatch.setattr(generate, "DOCS", tmp_path)
    assert "/sleep\n" in generate.how_to()
    assert "/develop\n" not in generate.how_to()


def test_bars_and_stars_of_docstrings_are_no_markup(generate: ModuleType) -> None:
    assert generate.api.clean("beta |k|^2 and `|k|` of W_") == "beta \\|k\\|^2 and `|k|` of W\\_"
    assert generate.api.clean(">>> a | b") == ">>> a | b"
