"""`synfwp figures`: equal bytes, finished results taken, one page with all figures, failures at the end."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from textwrap import dedent
from typing import Any

import fake_programs as fakes
import numpy as np
import pytest
import xarray as xr
from matplotlib.image import imread
from test_cli import call, files

from synfwp import results, sheet
from synfwp.figures import Job, finished

fake_programs = fakes.fake_programs  # the fixture
pytestmark = pytest.mark.usefixtures("fake_programs")

WIDE = """
    from synfwp import plot


    def figure(ds):
        fig, axes = plot.figure("double", 60, "abc")
        for ax in axes.values():
            ax.plot([0, 1], label="a line with a long name")
            ax.set(xlabel="time (s)", ylabel="rate (Hz)")
            plot.legend(ax)
        plot.letter(axes)
        return fig
"""
KEPT = '''
    """Made of cells."""

    from synfwp import results


    def cell(seed):
        return {"recall": ((), 0.5 * seed, {"units": "1", "long_name": "recall"})}


    def main(quick=False, seed=0):
        return results.cells(cell, {"seed": [1, 2]})
'''
LATER = 4_000_000_000  # s: a day in 2096
ELSEWHERE = """
    import datetime, sys
    from synfwp import analyses, cli, models
    from synfwp.results import attributes
    class Later(datetime.datetime):
        now = classmethod(lambda kind, tz=None: kind.fromtimestamp(4_000_000_000, tz))
    attributes.datetime = Later
    analyses.__path__, models.__path__ = [sys.argv[1]], []
    cli.main(["figures", "--only", "counting", "--only", "wide", "--out", sys.argv[2]])
"""


@pytest.fixture
def wide(fake_programs: Path) -> str:
    """A program with a figure as wide as a page."""
    before = dedent(fakes.GOOD).split("def figure(ds)")
    fakes.write(
        fake_programs, "wide", before[0] + dedent(WIDE) + "\n\ndef caption(ds):\n    return 'A <line> & more.'\n"
    )
    return "wide"


def runs(folder: Path) -> int:
    """How often a fake program has run."""
    return int((folder / "ran").read_text())


def shown(out: Path) -> dict[str, bytes]:
    """All files of the figures."""
    return {name: (out / "figures" / name).read_bytes() for name in files(out / "figures")}


def test_each_figure_is_written_three_times_with_its_dataset_its_caption_and_one_page_for_all(
    tmp_path: Path, wide: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o"
    assert call("figures", "--only", "counting", "--only", wide, "--only", "cell", "--quick", "--out", out) == 0
    names = ("cell", "counting", "wide")
    drawn = [f"figures/{name}{end}" for name in names for end in (".pdf", ".png", ".svg", ".txt")]
    small = [f"figures/thumbnails/{name}.png" for name in names]
    data = [f"results/{name}{end}" for name in names for end in (".json", ".nc")]
    assert files(out) == sorted([*drawn, *small, *data, "figures/index.html"])
    printed = capsys.readouterr().out
    assert all(str(out / name) in printed for name in (*drawn, *data))
    assert imread(out / "figures" / "thumbnails" / "wide.png").shape[1] == 720


def test_another_process_on_another_day_writes_the_same_bytes(tmp_path: Path, fake_programs: Path, wide: str) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    assert call("figures", "--only", "counting", "--only", wide, "--out", here) == 0
    environment = os.environ | {"SOURCE_DATE_EPOCH": str(LATER), "MPLBACKEND": "agg"}
    command = [sys.executable, "-c", dedent(ELSEWHERE), fake_programs, there]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    assert shown(here) == shown(there)
    one, two = (results.load(out / "results" / "counting.nc") for out in (here, there))
    assert two.attrs["created"].startswith("2096")
    assert {name for name in one.attrs if one.attrs[name] != two.attrs[name]} <= set(results.UNCOUNTED)
    xr.testing.assert_equal(one, two)


def test_a_finished_result_is_drawn_anew_and_not_run_again_unless_forced(tmp_path: Path, fake_programs: Path) -> None:
    out = tmp_path / "o"
    call("run", "counting", "--out", out)
    data, drawn = (out / "results" / "counting.nc").read_bytes(), (out / "figures" / "counting.pdf").read_bytes()
    (out / "figures" / "counting.pdf").unlink()
    assert call("figures", "--only", "counting", "--out", out) == 0
    assert runs(fake_programs) == 1
    assert (out / "results" / "counting.nc").read_bytes() == data
    assert (out / "figures" / "counting.pdf").read_bytes() == drawn
    assert call("figures", "--only", "counting", "--out", out, "--force") == 0
    assert runs(fake_programs) == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--quick"], "quick is False there and True here"),
        (["--seed", "3"], "seed is 0 there and 3 here"),
    ],
)
def test_the_result_of_another_run_is_kept_and_the_program_not_run(
    args: list[str], message: str, tmp_path: Path, fake_programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o"
    call("run", "counting", "--out", out)
    before = {name: (out / name).read_bytes() for name in files(out)}
    assert call("figures", "--only", "counting", "--out", out, *args) == 1
    error = capsys.readouterr().err
    assert f"{out / 'results' / 'counting.nc'} is of another run: {message}; pass --force" in error
    assert {name: (out / name).read_bytes() for name in files(out)} == before
    assert runs(fake_programs) == 1


@pytest.mark.parametrize("what", ["code", "package", "dependencies.numpy", "settings.size"])
def test_whatever_a_run_follows_from_is_compared(what: str, tmp_path: Path) -> None:
    call("run", "counting", "--out", tmp_path)
    path = tmp_path / "results" / "counting.nc"
    ds = results.load(path)
    run = json.loads(ds.attrs["run"])
    inner, *last = what.split(".")
    (run[inner] if last else run)[last[0] if last else inner] = "older"
    results.save(ds.assign_attrs(run=json.dumps(run)), path, force=True)
    with pytest.raises(ValueError, match=rf"{what} is 'older' there"):
        finished(Job("counting", tmp_path))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda ds, path: results.save(ds.assign_attrs(synfwp_format=99), path, force=True), "format 99 of a newer"),
        (lambda ds, path: results.save(ds.assign_attrs(run="?"), path, force=True), "does not hold what its numbers"),
        (lambda ds, path: path.write_text("lost"), "counting.nc"),
    ],
)
def test_a_result_of_another_schema_is_named_and_kept_until_forced(
    spoil: Any, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call("run", "counting", "--out", tmp_path)
    path = tmp_path / "results" / "counting.nc"
    spoil(results.load(path), path)
    spoiled = path.read_bytes()
    assert call("figures", "--only", "counting", "--out", tmp_path) == 1
    error = capsys.readouterr().err
    assert message in error
    assert "--force" in error
    assert path.read_bytes() == spoiled
    assert call("figures", "--only", "counting", "--out", tmp_path, "--force") == 0
    assert results.load(path).attrs["program"] == "counting"


def test_a_missing_result_is_named_with_the_command_that_makes_it(
    tmp_path: Path, fake_programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("figures", "--only", "counting", "--quick", "--out", tmp_path / "o", "--no-run") == 1
    error = capsys.readouterr().err
    assert (
        f"{tmp_path / 'o' / 'results' / 'counting.nc'} does not exist; make it with `synfwp run counting --quick`"
        in error
    )
    assert not (fake_programs / "ran").exists()
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--only", "countin"], "unknown program 'countin'; did you mean 'counting'?"),
        (["--only", "counting", "--width", "90"], "width (mm) is 90; pass 89 (single column) or 183 (double column)"),
        (["--only", "counting", "--jobs", "0"], "--jobs"),
    ],
)
def test_a_mistake_is_found_before_anything_is_run(
    args: list[str], message: str, tmp_path: Path, fake_programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("figures", *args, "--out", tmp_path / "o") == 2
    assert message in capsys.readouterr().err
    assert not (fake_programs / "ran").exists()
    assert not (tmp_path / "o").exists()


def test_programs_that_fail_are_named_at_the_end_and_the_others_are_kept(
    tmp_path: Path, fake_programs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fakes.write(fake_programs, "divided", fakes.GOOD.replace("def figure(ds):\n", "def figure(ds):\n        1 / 0\n"))
    names = ["bad_figure", "divided", "no_dataset", "counting", "no_caption", "unreadable"]
    args = [part for name in names for part in ("--only", name)]
    assert call("figures", *args, "--out", tmp_path / "o") == 1
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert "recall of delta" in out
    assert [line.split(": ")[1] for line in lines] == [*(n for n in names if n != "counting"), "5 of 6 figures failed."]
    assert "no ink The result is kept in " in lines[0]
    assert "ZeroDivisionError: division by zero" in lines[1]
    assert (tmp_path / "o" / "figures" / "counting.svg").exists()
    assert [name for name in files(tmp_path / "o" / "results") if not name.startswith("counting")] == []
    page = (tmp_path / "o" / "figures" / "index.html").read_text()
    assert re.findall(r"<h2>(.*)</h2>", page) == ["counting"]


def test_an_interrupt_ends_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("figures", "--only", "interrupted", "--only", "counting", "--out", tmp_path / "o") == 130
    assert "interrupted" in capsys.readouterr().err
    assert files(tmp_path / "o") == []


@pytest.mark.parametrize(("width", "high"), [(89, 170), (183, 60)])
def test_a_figure_of_three_panels_is_drawn_at_either_width_under_a_name_of_its_own(
    width: int, high: int, tmp_path: Path, wide: str, fake_programs: Path
) -> None:
    call("figures", "--only", wide, "--out", tmp_path)
    usual = {name: x for name, x in shown(tmp_path).items() if "index" not in name}
    assert call("figures", "--only", wide, "--out", tmp_path, "--width", width) == 0
    assert runs(fake_programs) == 1
    assert usual.items() <= shown(tmp_path).items()
    box = re.search(rb"/MediaBox \[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", shown(tmp_path)[f"wide-{width}mm.pdf"])
    assert box
    assert [float(side) / 72 * 25.4 for side in box.groups()] == pytest.approx([width, high], abs=1e-3)
    assert f"Command: synfwp run wide --width {width}" in shown(tmp_path)[f"wide-{width}mm.txt"].decode()
    assert json.loads((tmp_path / "results" / "wide.json").read_text())["command"] == "synfwp run wide"


def test_the_hash_in_the_metadata_of_each_image_is_that_of_the_dataset(tmp_path: Path, wide: str) -> None:
    call("figures", "--only", wide, "--out", tmp_path)
    digits = results.provenance_hash(results.load(tmp_path / "results" / "wide.nc")).encode()
    found = shown(tmp_path)
    assert b"/Keywords (%b)" % digits in found["wide.pdf"]
    assert b"<dc:identifier>%b</dc:identifier>" % digits in found["wide.svg"]
    assert b"tEXtProvenance\0%b" % digits in found["wide.png"]
    assert b"Provenance: %b\n" % digits in found["wide.txt"]
    assert all(b"synfwp run wide" in found[f"wide.{ending}"] for ending in ("pdf", "svg", "png", "txt"))


def one() -> xr.Dataset:
    """A result with all kinds of variables and attributes."""
    data = {"loss": (("step", "seed"), np.array([[0.5, np.nan], [0.1, 3]])), "right": ("seed", [True, False])}
    ds = xr.Dataset(data, {"name": ("seed", ["a", "longer"]), "step": [1, 2]})
    ds.loss.attrs["units"] = "nat"
    return ds.assign_attrs(results.provenance({"tau": 20.0}, seed=0), seconds=2.5, n=np.int64(3))


def test_the_hash_is_the_same_after_a_file_and_leaves_out_when_and_how_long(tmp_path: Path) -> None:
    digits = results.provenance_hash(one())
    assert results.provenance_hash(results.load(results.save(one(), tmp_path / "a.nc"))) == digits
    assert results.provenance_hash(one().assign_attrs(created="later", seconds=9.0, git_commit="0-dirty")) == digits


@pytest.mark.parametrize(
    "change",
    [
        lambda ds: ds.assign(loss=ds.loss + 1e-12),
        lambda ds: ds.assign(loss=ds.loss.assign_attrs(units="bit")),
        lambda ds: ds.assign_coords(name=("seed", ["a", "longed"])),
        lambda ds: ds.rename(loss="lost"),
        lambda ds: ds.assign(right=~ds.right),
        lambda ds: ds.assign_attrs(seed=1),
        lambda ds: ds.assign(loss=ds.loss.astype(np.float32)),
    ],
)
def test_the_hash_changes_with_every_number_name_unit_and_setting(change: Any) -> None:
    assert results.provenance_hash(change(one())) != results.provenance_hash(one())


class Page(HTMLParser):
    """What a page links to and shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str, name: str) -> list[str]:
        """One attribute of every tag of a kind."""
        return [str(attrs[name]) for kind, attrs in self.found if kind == tag and name in attrs]


def test_the_page_has_every_figure_with_its_caption_and_command_and_nothing_from_outside(
    tmp_path: Path, wide: str
) -> None:
    call("figures", "--only", wide, "--only", "counting", "--out", tmp_path)
    call("figures", "--only", wide, "--out", tmp_path, "--width", 89)  # the page is of the whole folder
    text = (tmp_path / "figures" / "index.html").read_text()
    page = Page(text)
    assert page.all("article", "id") == ["counting", "wide", "wide-89mm"]
    links = [link for link in page.all("a", "href") if not link.startswith("#")] + page.all("img", "src")
    assert len(links) == 3 * (1 + 6 + 1)
    assert all((tmp_path / "figures" / link).is_file() for link in links)
    assert {"../results/wide.nc", "../results/wide.json", "wide.pdf", "wide.svg", "wide.png"} <= set(links)
    assert page.all("img", "alt")[0] == "Figure counting: Counts to three."
    assert not re.search(r"https?:|//|@import|url\(", text)
    assert 'name="viewport"' in text
    assert "A &lt;line&gt; &amp; more." in text
    assert "<code>synfwp run wide --width 89</code>" in text
    assert "Three, counted." in text


def test_a_caption_file_is_read_as_it_was_written_and_another_text_is_passed_over(tmp_path: Path) -> None:
    entry = sheet.Entry(
        "a", "One: two.", "First.\n\nSecond: third.", "synfwp run a", "0f", "../results/a.nc", "1 x 2 mm"
    )
    (tmp_path / "a.txt").write_text(sheet.as_text(entry))
    (tmp_path / "b.txt").write_text("notes of my own\n")
    assert sheet.read(tmp_path / "a.txt") == entry
    assert sheet.read(tmp_path / "b.txt") is None
    assert Page(sheet.as_html(tmp_path)).all("article", "id") == ["a"]


def test_cells_are_taken_from_the_folder_of_each_program(tmp_path: Path, fake_programs: Path) -> None:
    rest = dedent(fakes.GOOD)[dedent(fakes.GOOD).index("def figure(ds)") :]
    top = "from matplotlib.figure import Figure\n\n\n"
    fakes.write(fake_programs, "kept", dedent(KEPT) + "\n\n" + top + rest)
    assert call("figures", "--only", "kept", "--out", tmp_path / "o", "--cells", tmp_path / "cells") == 0
    kept = files(tmp_path / "cells" / "kept")
    assert [name.split("-")[0] for name in kept] == ["seed=1", "seed=2"]
    before = [(tmp_path / "cells" / "kept" / name).stat().st_mtime_ns for name in kept]
    assert call("figures", "--only", "kept", "--out", tmp_path / "o", "--cells", tmp_path / "cells", "--force") == 0
    assert [(tmp_path / "cells" / "kept" / name).stat().st_mtime_ns for name in kept] == before
