"""What every published model promises: a quick run that prints its table and caption, labelled data, a clean figure."""

import re
from typing import Any

import figure_checks
import numpy as np
from typer.testing import CliRunner

import synfwp as fw
from synfwp import cli, plot, programs


def run_quick(name: str, folder: Any) -> tuple[str, Any]:
    """The output of ``synfwp run NAME --quick`` and its Dataset."""
    out = folder.mktemp(name)
    result = CliRunner().invoke(cli.app, ["run", name, "--quick", "--out", str(out)])
    assert result.exit_code == 0, result.output
    return result.output, fw.load(out / "results" / f"{name}.nc")


def check_output(text: str, ds: Any, parts: tuple[str, ...]) -> None:
    """The table of the Dataset is printed, and the caption says ``parts``."""
    assert programs.table(ds) in text
    words = " ".join(text.split())  # captions are wrapped
    for part in ("kind", "expected", "obtained", "difference", *parts):
        assert " ".join(part.split()) in words, part
    np.testing.assert_allclose(ds.difference, ds.obtained - ds.expected, atol=1e-12)


def check_labels(ds: Any) -> None:
    """Every number has units, and the Dataset knows where it comes from."""
    numbers = [name for name in ds.variables if ds[name].dtype.kind == "f"]
    assert [name for name in numbers if not ds[name].attrs.get("units")] == []
    assert {"synfwp_version", "parameters", "seed", "dependencies", "created"} <= set(ds.attrs)


def check_figure(name: str, ds: Any, letters: str, size: tuple[int, int]) -> None:
    """No complaint about the figure, its size in mm, at the width of a column too; every panel is in the caption."""
    program = programs.load_program(name)
    fig = program.figure(ds)
    assert figure_checks.complaints(fig) == []
    assert tuple(round(25.4 * side) for side in fig.get_size_inches()) == size
    found = [text.get_text() for ax in fig.axes for text in ax.texts if text.get_fontweight() == "bold"]
    assert sorted(found) == list(letters)
    for letter in letters:
        assert re.search(rf"\([a-z, ]*{letter}[a-z, ]*\)", program.caption(ds)), letter
    check_narrow(name, ds)


def check_narrow(name: str, ds: Any) -> None:
    """At the width of a column no text overlaps or is cut."""
    with plot.at_width(89):
        narrow = programs.load_program(name).figure(ds)
    assert round(25.4 * narrow.get_size_inches()[0]) == 89
    assert [*figure_checks.overlaps(narrow), *figure_checks.cuts(narrow)] == []
