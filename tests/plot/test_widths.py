"""A figure made for one width is laid out for the other: nothing gets too narrow, nothing is lost, order is kept."""

from typing import Any

import numpy as np
import pytest

from synfwp import plot
from synfwp.plot import widths


def at(width: float, *args: Any, **ratios: Any) -> tuple[list[float], list[list[str]]]:
    """Size in mm, and the panels of each line."""
    with plot.at_width(width):
        fig, axes = plot.figure(*args, **ratios)
    lines: dict[int, list[str]] = {}
    for name, ax in axes.items():
        lines.setdefault(round(1000 * float(ax.get_position().y1)), []).append(name)
    size = [round(25.4 * float(side)) for side in fig.get_size_inches()]
    return size, [lines[y] for y in sorted(lines, reverse=True)]


@pytest.mark.parametrize(
    ("height", "mosaic", "size", "lines"),
    [
        (50, "abc", [89, 150], [["a"], ["b"], ["c"]]),
        (58, "abc", [89, 170], [["a"], ["b"], ["c"]]),  # 174 mm, a little lower each
        (70, "abc", [89, 140], [["a", "b"], ["c"]]),  # 210 mm would be no page; three quarters as wide
        (58, "abcd", [89, 116], [["a", "b"], ["c", "d"]]),  # from 46 to 44.5 mm each
        (70, "ab", [89, 140], [["a"], ["b"]]),  # half as wide would be too narrow
        (100, "ab;cd", [89, 200], [["a"], ["b"], ["c"], ["d"]]),  # higher than a page, and no narrower for that
        (105, "abc;dde", [89, 210], [["a", "b"], ["c"], ["d"], ["e"]]),
        (60, "a.;bc", [89, 90], [["a"], ["b"], ["c"]]),
        (100, [["a", [["b"], ["c"]]]], [89, 200], [["a"], ["b"], ["c"]]),
        (40, [["one", "two"]], [89, 80], [["one"], ["two"]]),
    ],
)
def test_panels_stack_where_they_would_get_too_narrow(
    height: float, mosaic: Any, size: list[float], lines: list[list[str]]
) -> None:
    assert at(89, "double", height, mosaic) == (size, lines)


def test_the_ratios_of_columns_and_rows_count() -> None:
    assert at(89, "double", 60, "ab", width_ratios=[1, 3]) == ([89, 120], [["a"], ["b"]])
    size, lines = at(89, "double", 60, "ab;cd", height_ratios=[1, 2])
    assert (size, lines) == ([89, 120], [["a"], ["b"], ["c"], ["d"]])
    layout = widths.Layout(183.0, 60.0, "ab;cd", None, [1, 2])
    with plot.at_width(89):
        assert widths.laid_out(layout).height_ratios == pytest.approx([20, 20, 40, 40])


@pytest.mark.parametrize("mosaic", ["abcde;fghij;kklmn", "aab;cdd;eee", "abbc;defg", [["a", [["b", "c"]]], ["d", "e"]]])
@pytest.mark.parametrize("height", [30, 100, 170])
def test_every_panel_is_there_once_in_order_and_wide_and_high_enough(mosaic: Any, height: float) -> None:
    asked = widths.Layout(183.0, height, mosaic)
    made_for = {p.name: p.wide * 183 for p in widths._panels(mosaic)}
    with plot.at_width(89):
        found = widths.laid_out(asked)
    lines = [line[0][0][0] for line in [[cell] for cell in found.mosaic]]
    assert [name for line in lines for name in line] == sorted(made_for)
    for line in lines:
        assert all(89 / len(line) >= 0.7 * made_for[name] - 1e-9 or len(line) == 1 for name in line)
    assert found.high == pytest.approx(sum(found.height_ratios or []))
    assert found.high <= 170 + 1e-9 or min(np.asarray(found.height_ratios)) >= 0.9 * height / 3 - 1e-9


def test_a_figure_of_a_column_gets_as_wide_as_a_page_and_one_of_a_page_stays() -> None:
    assert at(183, "single", 50, "a;b") == ([183, 50], [["a"], ["b"]])
    assert at(183, "double", 50, "ab") == ([183, 50], [["a", "b"]])
    assert at(89, "single", 50, "a;b") == ([89, 50], [["a"], ["b"]])
    assert at(89, 120, 40, "ab") == ([89, 80], [["a"], ["b"]])


def test_outside_of_the_block_nothing_changes_and_none_changes_nothing() -> None:
    with plot.at_width(89), plot.at_width(None):
        assert round(25.4 * plot.figure("double", 50)[0].get_size_inches()[0]) == 183
    assert round(25.4 * plot.figure("double", 50)[0].get_size_inches()[0]) == 183


@pytest.mark.parametrize("width", [90, "single", float("nan"), [89]])
def test_another_width_is_refused(width: Any) -> None:
    with pytest.raises(ValueError, match=r"width \(mm\) is .*; pass 89 \(single column\) or 183 \(double column\)"):
        plot.at_width(width).__enter__()


def test_a_shared_legend_has_as_many_columns_as_fit() -> None:
    for width, columns in ((183, 4), (89, 2)):
        with plot.at_width(width):
            fig, axes = plot.figure("double", 50, "ab")
        for name in ("four long names", "that are of about", "one size, and fill", "two lines of a column"):
            axes["a"].plot([0, 1], label=name)
        plot.shared_legend(fig, axes["a"])
        fig.draw_without_rendering()
        assert len({round(text.get_window_extent().x0) for text in fig.legends[0].get_texts()}) == columns
