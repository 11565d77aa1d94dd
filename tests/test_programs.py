"""Programs are found without being imported, run by name, and cited."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import fake_programs as fakes
import pytest

from synfwp import programs
from synfwp.cite import entries
from synfwp.rules import RULES

fake_programs = fakes.fake_programs  # the fixture
pytestmark = pytest.mark.usefixtures("fake_programs")


def test_models_and_analyses_are_listed_with_their_first_line_and_nothing_is_imported() -> None:
    found = programs.list_programs()
    assert list(found) == sorted(
        ["cell", "counting", "bad_figure", "interrupted", "no_dataset", "no_caption", "unreadable"]
    )
    assert (found["cell"].kind, found["cell"].summary) == ("model", "A cell.")
    assert (found["counting"].kind, found["counting"].cites) == ("analysis", "hebb1949, schlag2021")
    assert found["counting"].path.read_text().startswith('\n"""Counts to three.')
    assert "synfwp.analyses.counting" not in sys.modules


def test_a_file_that_does_not_parse_is_listed_with_the_line_of_its_error() -> None:
    assert "line 2" in programs.list_programs()["unreadable"].summary


def test_running_a_program_imports_only_that_one() -> None:
    programs.run("counting", quick=True)
    assert "synfwp.analyses.counting" in sys.modules
    assert "synfwp.models.cell" not in sys.modules


def test_a_run_passes_quick_seed_and_settings_and_records_them() -> None:
    ds = programs.run("counting", quick=True, seed=7, size=5)
    assert ds["size"].values.tolist() == [5]
    assert ds.attrs["drawn_with"] == 7
    assert (ds.attrs["program"], ds.attrs["seed"]) == ("counting", 7)
    assert json.loads(str(ds.attrs["parameters"])) == {"quick": True, "size": 5}


def test_what_a_program_recorded_itself_stands(fake_programs: Path) -> None:
    fakes.write(fake_programs, "own", fakes.GOOD.replace("drawn_with=seed", 'parameters="mine"'))
    assert programs.run("own").attrs["parameters"] == "mine"


@pytest.mark.parametrize(
    ("name", "settings", "error", "message"),
    [
        ("countin", {}, ValueError, "unknown program 'countin'; did you mean 'counting'"),
        ("counting", {"sise": 3}, TypeError, "no setting 'sise'; did you mean 'size'"),
        ("no_dataset", {}, TypeError, "returned a int; main.. has to return a Dataset"),
        ("no_caption", {}, TypeError, "has no caption"),
    ],
)
def test_a_mistake_is_named(name: str, settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        programs.run(name, **settings)


def test_a_model_and_an_analysis_of_one_name_are_refused(fake_programs: Path) -> None:
    fakes.write(fake_programs, "cell", fakes.GOOD)
    with pytest.raises(ValueError, match=r"cell\.py .* same name"):
        programs.list_programs()


def test_the_table_lines_up_and_shows_a_dash_where_nothing_is_expected() -> None:
    text = programs.table(programs.run("counting"))
    assert text.splitlines() == [
        "quantity         kind   expected  obtained  sd  n  difference",
        "recall of delta  exact  0.5       0.25      -   1  -0.25",
        "size             -      -         2         -   1  -",
    ]


def test_a_result_without_a_comparison_has_no_table() -> None:
    assert programs.table(programs.run("counting").drop_vars("expected")) == ""


def test_every_rule_can_be_cited_by_name_and_by_row() -> None:
    for name, row in RULES.items():
        text = programs.citation(name)
        assert text == programs.citation(row)
        assert all(entries()[key.strip()].bibtex in text for key in row.cite.split(","))


def test_a_program_is_cited_by_its_docstring() -> None:
    text = programs.citation("counting")
    assert text.index("@book{hebb1949") < text.index("@inproceedings{schlag2021")


def test_an_unknown_name_to_cite_is_answered_with_the_closest_of_all_kinds() -> None:
    for wrong, right in {"dleta": "delta", "countign": "counting", "irie2026": "irie2025"}.items():
        with pytest.raises(ValueError, match=f"did you mean '{right}'"):
            programs.citation(wrong)


def test_a_program_that_cites_nothing_says_so() -> None:
    with pytest.raises(ValueError, match="'unreadable' cites nothing"):
        programs.citation("unreadable")


def test_listing_and_citing_load_no_compiler_and_no_plots() -> None:
    code = (
        "import sys; from synfwp import cli, programs; programs.list_programs(); programs.citation('delta');"
        "print(sorted({'numba', 'matplotlib', 'xarray', 'scipy', 'brian2', 'autograd'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"


def test_a_file_of_a_program_is_read_again_only_when_it_has_changed(
    fake_programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, read = programs.list_programs(), []
    plain = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, *rest: read.append(path.stem) or plain(path, *rest))
    assert programs.list_programs() == before
    fakes.write(fake_programs, "counting", fakes.GOOD.replace("Counts to three.", "Counts to seven."))
    assert programs.list_programs()["counting"].summary == "Counts to seven."
    assert read == ["counting"]
