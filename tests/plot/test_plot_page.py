"""Figures have the size, the fonts and the colours that journals ask for, and leave the rcParams alone."""

import logging
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import plot_examples as examples
import pytest
import xarray as xr
from figure_checks import complaints, cuts
from matplotlib.colors import to_rgba

from synfwp import plot

MM = 25.4


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    """No window is opened, and no figure outlives its test."""
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.mark.parametrize(
    ("width", "height", "mm"), [("single", 60, (89, 60)), ("double", 170, (183, 170)), (120, 50, (120, 50))]
)
def test_a_figure_has_the_size_that_was_asked_for_in_the_file_too(
    width: str | float, height: float, mm: tuple[float, float], tmp_path: Path
) -> None:
    fig, axes = plot.figure(width, height)
    axes["a"].set_ylabel("a label (ms)")
    pdf, _, png = plot.save(fig, tmp_path / "sized")
    box = re.search(rb"/MediaBox \[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", pdf.read_bytes())
    assert box
    # PDF lengths are points, of which 72 make an inch, printed with six digits.
    assert [float(side) / 72 * MM for side in box.groups()] == pytest.approx(mm, abs=1e-4)
    pixels = plt.imread(png).shape
    # A PNG has whole pixels: at 300 dpi one of them is 0.085 mm.
    assert [pixels[1] / 300 * MM, pixels[0] / 300 * MM] == pytest.approx(mm, abs=0.085)


def test_a_figure_that_fits_no_page_is_refused() -> None:
    with pytest.raises(ValueError, match="width is 200 mm; a page is 183 mm wide"):
        plot.figure(200)
    with pytest.raises(ValueError, match="height is 171 mm"):
        plot.figure("double", 171)
    with pytest.raises(ValueError, match="unknown width 'duoble'; did you mean 'double'"):
        plot.figure("duoble")
    with pytest.raises(ValueError, match=r"width \(mm\) is -3.0; pass a finite number above 0"):
        plot.figure(-3)


def test_the_default_height_never_exceeds_the_page() -> None:
    heights = [plot.figure(width)[0].get_size_inches()[1] * MM for width in ("single", "double", 60)]
    assert heights == pytest.approx([0.65 * 89, 0.65 * 183, 39])
    assert max(heights) <= 170


def test_fonts_are_embedded_as_type_42_so_that_text_can_be_edited(tmp_path: Path) -> None:
    page = examples.full_page()
    pdf, *_ = plot.save(page, tmp_path / "page")
    content = pdf.read_bytes()
    streams = [zlib.decompress(s) for s in re.findall(rb"/FlateDecode.*?stream\r?\n(.*?)endstream", content, re.DOTALL)]
    subtypes = set(re.findall(rb"/Subtype /(Type3|TrueType|CIDFontType2)", b"".join([content, *streams])))
    assert b"Type3" not in subtypes
    assert subtypes & {b"TrueType", b"CIDFontType2"}


def test_an_svg_keeps_text_as_text(tmp_path: Path) -> None:
    page = examples.full_page()
    page.savefig(tmp_path / "page.svg")
    assert re.search(r"<text[^>]*>time \(s\)</text>", (tmp_path / "page.svg").read_text())


def test_equal_figures_give_equal_bytes_without_a_date(tmp_path: Path) -> None:
    one, two = (examples.full_page() for _ in range(2))
    for a, b in zip(plot.save(one, tmp_path / "one"), plot.save(two, tmp_path / "two"), strict=True):
        assert a.read_bytes() == b.read_bytes()
    assert b"CreationDate" not in (tmp_path / "one.pdf").read_bytes()


def test_save_keeps_existing_files_unless_forced_and_then_replaces_both(tmp_path: Path) -> None:
    fig, _ = plot.figure()
    (tmp_path / "kept.png").write_text("old")
    with pytest.raises(FileExistsError, match=r"kept\.png exists"):
        plot.save(fig, tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept.png"]
    assert (tmp_path / "kept.png").read_text() == "old"
    written = plot.save(fig, tmp_path / "kept", force=True)
    assert [path.read_bytes()[:4] for path in written] == [b"%PDF", b"<?xm", b"\x89PNG"]


def test_save_refuses_a_stem_with_an_ending_and_keeps_other_dots(tmp_path: Path) -> None:
    fig, _ = plot.figure()
    with pytest.raises(ValueError, match=r"pass it without \.pdf"):
        plot.save(fig, tmp_path / "figure.pdf")
    assert [path.name for path in plot.save(fig, tmp_path / "beta_0.5")] == [
        "beta_0.5.pdf",
        "beta_0.5.svg",
        "beta_0.5.png",
    ]


def test_no_rcparams_change_outside(tmp_path: Path) -> None:
    page = examples.full_page()
    mpl.rcParams["font.size"] = 13.0
    before = dict(mpl.rcParams.items())
    with plot.style():
        assert mpl.rcParams["font.size"] == 6
    plot.save(page, tmp_path / "page")
    plot.recall(xr.Dataset({"accuracy": ("substrate", [1.0])}, coords={"substrate": ["exact"]}))
    assert dict(mpl.rcParams.items()) == before


def test_a_journal_figure_keeps_its_style_whatever_the_rcparams_are() -> None:
    page = examples.full_page()
    with mpl.rc_context({"font.size": 14, "xtick.labelsize": 14, "ytick.labelsize": 14, "axes.grid": True}):
        assert complaints(page) == []
        assert {float(label.get_fontsize()) for ax in page.axes for label in ax.get_xticklabels()} == {6.0}


def test_a_figure_made_under_foreign_rcparams_is_the_same_to_the_byte(tmp_path: Path) -> None:
    one = plot.save(examples.full_page(), tmp_path / "one")
    with mpl.rc_context({"axes.grid": True, "axes.facecolor": "0.9", "xtick.direction": "in", "lines.linestyle": ":"}):
        two = plot.save(examples.full_page(), tmp_path / "two")
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


@pytest.mark.parametrize(("width", "columns"), [("double", 4), (50, 2), (30, 1)])
def test_a_legend_has_as_many_columns_as_fit_above_the_axes_in_rows_of_equal_length(
    width: str | float, columns: int
) -> None:
    fig, axes = plot.figure(width, 50)
    for name in ("four", "long names", "of about", "one size"):
        axes["a"].plot([0, 1], label=name)
    plot.legend(axes["a"])
    fig.draw_without_rendering()
    drawn: Any = axes["a"].get_legend()
    left = {round(text.get_window_extent().x0) for text in drawn.get_texts()}
    assert len(left) == columns
    assert cuts(fig) == []


def test_axes_of_the_user_follow_the_users_rcparams() -> None:
    rates = examples.rates()
    with mpl.rc_context({"lines.linewidth": 4.0}):
        _, ax = plt.subplots()
        assert plot.traces(rates, ax) is ax
    assert [line.get_linewidth() for line in ax.lines] == [4.0] * 3


def test_missing_fonts_are_passed_over_in_silence(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    page = examples.full_page()
    page.axes[0].set_title(r"$\tau_m$, $\mathbf{W}$ and $\mathcal{L}$")
    with caplog.at_level(logging.DEBUG, logger="matplotlib"):
        plot.save(page, tmp_path / "page")
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_letters_are_bold_lower_case_and_named_by_the_mosaic() -> None:
    _, axes = plot.figure("double", 60, "ca")
    plot.letter(axes)
    letters = [ax.texts[0] for ax in axes.values()]
    assert [text.get_text() for text in letters] == ["c", "a"]
    assert {text.get_fontweight() for text in letters} == {"bold"}
    _, axes = plot.figure("double", 60, [["left", "right"]])
    plot.letter(axes)
    assert [ax.texts[0].get_text() for ax in axes.values()] == ["a", "b"]


def test_colours_stay_apart_for_colour_blind_readers() -> None:
    with plot.style():
        cycle = [to_rgba(colour) for colour in mpl.rcParams["axes.prop_cycle"].by_key()["color"]]
    # Okabe & Ito (2008), table of their colour universal design; yellow is left out.
    okabe_ito = [(0, 114, 178), (213, 94, 0), (0, 158, 115), (230, 159, 0), (204, 121, 167), (86, 180, 233), (0, 0, 0)]
    assert [tuple(round(255 * part) for part in colour[:3]) for colour in cycle] == okabe_ito
    assert [to_rgba(colour) for colour in plot.COLOURS.values()] == cycle


def test_nothing_calls_show() -> None:
    sources = Path(plot.__file__).parent.glob("*.py")
    assert [path.name for path in sources if re.search(r"plt\.show\(\)|tight", path.read_text())] == []
