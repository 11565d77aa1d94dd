"""The command: outputs whole or absent, mistakes on one line."""

import ast
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import fake_programs as fakes
import pytest
import typer
from matplotlib.figure import Figure
from matplotlib.image import imread

import synfwp
from synfwp import cli, results

fake_programs = fakes.fake_programs  # the fixture
ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.usefixtures("fake_programs")


def call(*args: object) -> int:
    """Exit code of one command."""
    with pytest.raises(SystemExit) as end:
        cli.main([str(arg) for arg in args])
    code = end.value.code
    return code if isinstance(code, int) else 1


def files(folder: Path) -> list[str]:
    """Every file below a folder, hidden ones too."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What stands on stderr, which is exactly one line; stdout is empty."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.endswith("\n")
    return err


def test_a_run_writes_a_result_and_its_figure_and_prints_table_caption_and_paths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "made" / "here"
    assert call("run", "counting", "--out", out, "--seed", 4) == 0
    assert files(out) == [
        "figures/counting.pdf",
        "figures/counting.png",
        "figures/counting.svg",
        "figures/counting.txt",
        "figures/thumbnails/counting.png",
        "results/counting.json",
        "results/counting.nc",
    ]
    printed = capsys.readouterr().out
    parts = [
        "quantity         kind ",
        "Three, counted.",
        *(str(out / name) for name in files(out) if "thumb" not in name),
    ]
    assert all(part in printed for part in parts)
    assert results.load(out / "results" / "counting.nc").attrs["seed"] == 4


def test_the_png_has_300_dots_per_inch_and_the_size_of_the_figure(tmp_path: Path) -> None:
    call("run", "counting", "--out", tmp_path / "o")
    assert imread(tmp_path / "o" / "figures" / "counting.png").shape[:2] == (600, 900)  # 2 x 3 inches


def test_quick_reaches_the_program(tmp_path: Path) -> None:
    call("run", "counting", "--quick", "--out", tmp_path / "o")
    assert results.load(tmp_path / "o" / "results" / "counting.nc").sizes["x"] == 1


def test_the_demo_is_the_first_look(tmp_path: Path, fake_programs: Path) -> None:
    fakes.write(fake_programs, "first_look", fakes.GOOD)
    assert call("demo", "--out", tmp_path / "o", "--seed", 2) == 0
    assert results.load(tmp_path / "o" / "results" / "first_look.nc").attrs["seed"] == 2


def test_an_existing_result_or_figure_is_kept_and_the_program_not_run(
    tmp_path: Path,
    fake_programs: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    endings = (
        "results/counting.nc",
        "results/counting.json",
        *(f"figures/counting.{x}" for x in ("pdf", "svg", "png")),
    )
    for name in endings:
        old = tmp_path / name.replace("/", "_") / name
        old.parent.mkdir(parents=True)
        old.write_text("precious")
        assert call("run", "counting", "--out", old.parents[1]) == 2
        assert "--force" in one_line(capsys)
        assert old.read_text() == "precious"
        assert files(old.parents[1]) == [name]
    assert not (fake_programs / "ran").exists()


def test_force_replaces_all(tmp_path: Path) -> None:
    call("run", "counting", "--out", tmp_path / "o", "--seed", 1)
    assert call("run", "counting", "--out", tmp_path / "o", "--seed", 2, "--force") == 0
    assert results.load(tmp_path / "o" / "results" / "counting.nc").attrs["seed"] == 2


def test_an_unwritable_folder_is_refused_before_the_run(
    tmp_path: Path,
    fake_programs: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "file").write_text("")
    assert call("run", "counting", "--out", tmp_path / "file") == 2
    assert "file is not a folder" in one_line(capsys)
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # what anyone but root sees in a read-only folder
    assert call("run", "counting", "--out", tmp_path / "o") == 2
    assert "is not writable" in one_line(capsys)
    assert not (fake_programs / "ran").exists()
    assert not (tmp_path / "o").exists()


def test_nothing_is_written_when_the_figure_cannot_be_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "bad_figure", "--out", tmp_path / "o") == 2
    line = one_line(capsys)
    assert line.startswith("synfwp: no ink The result is kept in ")  # a message of two lines is printed on one
    assert files(tmp_path / "o") == []
    assert results.load(line.split()[-1].rstrip(".")).attrs["program"] == "bad_figure"  # F23: a run is not lost


def test_no_result_appears_when_the_figure_cannot_be_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    assert call("run", "counting", "--out", tmp_path / "o") == 2
    line = one_line(capsys)
    assert "No space left" in line
    assert files(tmp_path / "o") == []
    assert results.load(line.split()[-1].rstrip(".")).attrs["program"] == "counting"  # F23


def test_a_folder_that_cannot_be_made_is_found_out_before_the_run_whatever_its_permissions_show(
    tmp_path: Path, fake_programs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F23: /proc takes no folders, also from root; a name can be too long; a disk can be full."""
    for out in (Path("/proc/synfwp"), tmp_path / ("n" * 300)):
        assert call("run", "counting", "--out", out) == 2
        assert "cannot be written" in one_line(capsys)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert call("run", "counting", "--out", tmp_path / "o") == 2
    assert "cannot be written (No space left on device)" in one_line(capsys)
    assert not (fake_programs / "ran").exists()
    assert files(tmp_path) == [f for f in files(tmp_path) if f.startswith("fake_")]


@pytest.mark.parametrize("args", [["cite", "schlag2021"], ["list"], ["list", "vogels2011"], ["run", "Jürgen"]])
def test_a_terminal_that_cannot_print_a_letter_gets_another_one(args: list[str]) -> None:
    """F23."""
    env = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = subprocess.run([sys.executable, "-m", "synfwp", *args], capture_output=True, env=env)
    assert done.returncode == (2 if args[0] == "run" else 0), done.stderr
    assert b"Traceback" not in done.stderr
    if args[0] == "cite":
        assert b"J?rgen" in done.stdout


# --- settings --------------------------------------------------------------------------------------------------------


def test_a_setting_reaches_the_program_and_the_usual_result_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o"
    assert call("run", "counting", "--out", out) == 0
    assert "other settings" not in capsys.readouterr().out
    usual = (out / "results" / "counting.nc").read_bytes()
    assert call("run", "counting", "--out", out, "--set", "size=5") == 0
    assert "with other settings than those that are compared with what is published: size=5" in capsys.readouterr().out
    names = ["counting", "counting-size=5"]
    drawn = [f"figures/{name}{ending}" for name in names for ending in (".pdf", ".svg", ".png", ".txt")]
    drawn += [f"figures/thumbnails/{name}.png" for name in names]
    assert files(out) == sorted([*drawn, *(f"results/{name}.{end}" for name in names for end in ("nc", "json"))])
    assert (out / "results" / "counting.nc").read_bytes() == usual
    ds = results.load(out / "results" / "counting-size=5.nc")
    assert (ds["size"].values.tolist(), ds.attrs["settings"]) == ([5, 5], '{"size": "5"}')
    assert call("run", "counting", "--out", out, "--set", "size=5") == 2  # and is not replaced either
    assert call("run", "counting", "--out", out, "--set", "size=3") == 2  # the usual value is the usual run


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["sise=3"], "program 'counting' has no setting 'sise'; did you mean 'size'?"),
        (["size=many"], "size is 'many'; pass an integer"),
        (["size=1.5"], "size is '1.5'; pass an integer"),
        (["size"], "--set got 'size'; pass NAME=VALUE"),
        (["size="], "--set got 'size='; pass NAME=VALUE"),
        (["size=1", "size=2"], "--set got size twice"),
        (["seed=1"], "has no setting 'seed'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_the_run(
    texts: list[str], message: str, tmp_path: Path, fake_programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sets = [part for text in texts for part in ("--set", text)]
    assert call("run", "counting", "--out", tmp_path / "o", *sets) == 2
    assert message in one_line(capsys)
    assert not (fake_programs / "ran").exists()


def test_list_with_a_name_prints_its_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "counting") == 0
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0].split(), lines[1].split()) == (
        ["setting", "type", "usual", "quick", "unit"],
        ["size", "int", "3", "3"],
    )
    assert call("list", "countin") == 2
    assert "did you mean 'counting'" in one_line(capsys)


def test_an_interrupt_ends_with_130_and_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "interrupted", "--out", tmp_path / "o") == 130
    assert "interrupted" in one_line(capsys)
    assert files(tmp_path / "o") == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["run", "countin"], "did you mean 'counting'?"),
        (["run"], "Missing argument"),
        (["run", "counting", "--seed", "-1"], "--seed"),
        (["run", "counting", "--seed", "one"], "--seed"),
        (["run", "counting", "--size", "3"], "--size"),
        (["run", "no_dataset"], "has to return a Dataset"),
        (["run", "no_caption"], "has no caption()"),
        (["lisst"], "lisst"),
        (["cite", "detla"], "did you mean 'delta'?"),
    ],
)
def test_a_mistake_ends_with_2_and_one_line(args: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*args) == 2
    assert message in one_line(capsys)


def test_list_names_every_program_with_its_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "kind", "what"]
    assert lines[2].split(maxsplit=2) == ["cell", "model", "A cell."]
    assert len(lines) == 8


def test_list_wraps_what_a_program_is_to_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, fake_programs: Path
) -> None:
    fakes.write(fake_programs, "wordy", f'"""{"A word " * 20}."""')
    for columns in (50, 80, 400):
        monkeypatch.setenv("COLUMNS", str(columns))
        assert call("list") == 0
        lines = capsys.readouterr().out.splitlines()
        assert (max(map(len, lines)) <= columns, len(lines) > 9) == (True, columns < 400)
    assert call("run", "counting", "--out", fake_programs / "o") == 0


def test_list_long_has_the_group_and_the_minutes_of_the_committed_run(
    capsys: pytest.CaptureFixture[str], fake_programs: Path
) -> None:
    fakes.write(fake_programs, "song2000", fakes.GOOD)
    assert call("list", "--long") == 0
    head, *lines = (line.split()[:4] for line in capsys.readouterr().out.splitlines())
    seconds = json.loads((ROOT / "docs" / "results" / "song2000.json").read_text())["seconds"]
    assert head == ["name", "kind", "group", "minutes"]
    assert ["song2000", "analysis", "spiking_models", f"{seconds / 60:.0f}"] in lines
    assert ["counting", "analysis", "-", "-"] in lines


def test_list_as_json_has_all_that_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("list", "--json") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    path = str(rows["counting"].pop("path"))
    assert path.endswith("counting.py")
    assert rows["counting"] == {
        "name": "counting", "kind": "analysis", "group": None, "seconds": None, "summary": "Counts to three.",
        "cites": ["hebb1949", "schlag2021"],
    }  # fmt: skip
    assert call("list", "counting", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row == {"name": "size", "type": "int", "usual": "3", "quick": "3", "unit": "", "what": ""}


# --- help ------------------------------------------------------------------------------------------------------------

COMMANDS = {"": typer.main.get_command(cli.app)}
COMMANDS |= COMMANDS[""].commands  # noqa: B009: typer's type does not have it


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_ends_with_examples_that_the_command_takes(name: str) -> None:
    lines = inspect.cleandoc(COMMANDS[name].help or "").splitlines()
    examples = [line.removeprefix("Example: ").split() for line in lines if line.startswith("Example: ")]
    assert examples
    for program, command, *args in examples:
        assert program == "synfwp"
        assert command in {name} if name else COMMANDS
        COMMANDS[command].make_context(command, args)  # a wrong option ends here


def test_the_help_has_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--help") == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert all(f"{code}, " in printed for code in (0, 1, 2, 130))


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("synfwp sc", ["scorecard"]),
        ("synfwp run co", ["counting"]),
        ("synfwp list ce", ["cell"]),
        ("synfwp cite vogels2", ["vogels2011"]),
        ("synfwp figures --only cou", ["counting"]),
        ("synfwp run counting --set s", ["size="]),
        ("synfwp run nothing --set s", []),
    ],
)
def test_the_shell_completes_commands_programs_and_settings(
    typed: str, offered: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"_SYNFWP_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    for key, value in words.items():
        monkeypatch.setenv(key, value)
    call()
    assert [word for word in capsys.readouterr().out.split() if word in offered or not offered] == offered


def test_every_bar_names_what_it_counts() -> None:
    seen = 0
    for path in sorted((ROOT / "synfwp").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tqdm":
                assert {"desc", "unit", "disable"} <= {word.arg for word in node.keywords}, path
                seen += 1
    assert seen > 5


def test_cite_prints_a_sentence_and_bibtex(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("cite", "counting") == 0
    printed = capsys.readouterr().out
    assert "Schlag, Imanol; Irie, Kazuki & Schmidhuber, Jürgen (2021)." in printed
    assert "@book{hebb1949," in printed


def test_the_version_and_the_help_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == 0
    assert capsys.readouterr().out == f"synfwp {synfwp.__version__}\n"
    assert call() == 0
    assert all(name in capsys.readouterr().out for name in ["demo"])


def test_the_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "synfwp", "run", "no_such_program"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "no_such_program" in done.stderr
