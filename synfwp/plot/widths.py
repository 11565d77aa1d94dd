"""One figure at the width of a column or of a page: what is made for one is laid out anew for the other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from synfwp.checks import short

WIDTHS = {"single": 89.0, "double": 183.0}  # mm
MAX_HEIGHT = 170.0  # mm
SQUEEZED = 0.7  # of the width that it was made for: a panel does not get narrower
FLATTER = 0.9  # of the height that it was made for: a panel does not get lower

_WIDTH: ContextVar[float | None] = ContextVar("width", default=None)


class Panel(NamedTuple):
    """A panel of a mosaic and its place, in fractions of the figure, from the upper left."""

    name: Any
    left: float
    top: float
    wide: float
    high: float


class Layout(NamedTuple):
    """What a figure is made of: its size in mm, its mosaic and the relative sizes of columns and rows."""

    wide: float
    high: float
    mosaic: Any
    width_ratios: Any = None
    height_ratios: Any = None


@contextmanager
def at_width(width: float | None) -> Iterator[None]:
    """Within the block, `figure` makes every figure this wide, whatever width it is asked for.

    A wider figure keeps its panels and its height. In a narrower one the panels are put side by side as long as none
    gets narrower than 0.7 of what it was made for, and below each other otherwise, in the order in which they are read.
    Each keeps its height (but for a tenth, where that makes the figure fit a page), so that it may get higher than one.

    Parameters
    ----------
    width : 89 or 183 (mm), or None
        None leaves every figure as it is.

    Yields
    ------
    None

    Raises
    ------
    ValueError
        For another width.

    Examples
    --------
    >>> from synfwp import plot
    >>> with at_width(89):
    ...     fig, axes = plot.figure("double", 50, "abc")
    >>> [round(float(side) * 25.4) for side in fig.get_size_inches()], list(axes)
    ([89, 150], ['a', 'b', 'c'])
    """
    if width not in (None, *WIDTHS.values()):
        known = " or ".join(f"{wide:g} ({name} column)" for name, wide in WIDTHS.items())
        raise ValueError(f"width (mm) is {short(width)}; pass {known}.")
    token = _WIDTH.set(None if width is None else float(width))
    try:
        yield
    finally:
        _WIDTH.reset(token)


def leftmost(ax: Axes) -> bool:
    """Whether axes stand first in their line, where the labels of a shared y axis belong at any width.

    Parameters
    ----------
    ax : Axes

    Returns
    -------
    bool

    Examples
    --------
    >>> from synfwp import plot
    >>> with at_width(89):
    ...     _, axes = plot.figure("double", 50, "abcd")
    >>> [name for name, ax in axes.items() if leftmost(ax)]
    ['a', 'c']
    """
    place = ax.get_subplotspec()
    return place is None or place.is_first_col()


def laid_out(asked: Layout) -> Layout:
    """The layout at the width that is in force.

    Examples
    --------
    >>> with at_width(89):
    ...     narrow = laid_out(Layout(183.0, 60.0, "abc;dee"))
    >>> narrow.high, narrow.mosaic
    (150.0, [[[['a']]], [[['b']]], [[['c']]], [[['d']]], [[['e']]]])
    """
    width = _WIDTH.get()
    if width is None or width == asked.wide:
        return asked
    if width > asked.wide:
        return asked._replace(wide=width)
    panels = _panels(asked.mosaic, asked.width_ratios, asked.height_ratios)
    panels = [p._replace(wide=p.wide * asked.wide, high=p.high * asked.high) for p in panels]
    lines: list[list[Panel]] = []
    for squeezed in (1.0, 0.9, 0.8, SQUEEZED):
        lines = _lines(panels, width, squeezed)
        if FLATTER * sum(max(p.high for p in line) for line in lines) <= MAX_HEIGHT:
            break
    heights = [max(p.high for p in line) for line in lines]
    if FLATTER * sum(heights) <= MAX_HEIGHT < sum(heights):
        heights = [high * MAX_HEIGHT / sum(heights) for high in heights]
    return Layout(width, sum(heights), [[[[p.name for p in line]]] for line in lines], None, heights)


def _lines(panels: Sequence[Panel], width: float, squeezed: float) -> list[list[Panel]]:
    """Panels in the order in which they are read, as many side by side as fit when squeezed; all lines of one length.

    Panels that were made for different widths do not share a line if one of them would get too narrow.
    """
    lines: list[list[Panel]] = []
    for panel in panels:
        line = [*lines[-1], panel] if lines else [panel]
        if lines and max(p.wide for p in line) * squeezed * len(line) <= width + 1e-9:
            lines[-1] = line
        else:
            lines.append([panel])
    return lines


def _panels(mosaic: Any, width_ratios: Any = None, height_ratios: Any = None) -> list[Panel]:
    """The panels of a mosaic, line by line; ``.`` is empty."""
    if isinstance(mosaic, str):
        text = mosaic.strip("\n").replace(";", "\n")
        mosaic = [list(line.strip()) for line in text.split("\n")]
    edges = []
    for ratios, n in ((width_ratios, len(mosaic[0])), (height_ratios, len(mosaic))):
        sizes = np.ones(n) if ratios is None else np.asarray(ratios, float)
        edges.append(np.concatenate([[0.0], np.cumsum(sizes)]) / sizes.sum())
    x, y = edges
    found: dict[Any, list[Panel]] = {}
    for i, line in enumerate(mosaic):
        for j, cell in enumerate(line):
            wide, high = float(x[j + 1] - x[j]), float(y[i + 1] - y[i])
            inner = _panels(cell) if isinstance(cell, list) else [Panel(cell, 0.0, 0.0, 1.0, 1.0)]
            for p in inner:
                part = Panel(p.name, x[j] + p.left * wide, y[i] + p.top * high, p.wide * wide, p.high * high)
                found.setdefault(p.name, []).append(part)
    whole = [_whole(parts) for name, parts in found.items() if name != "."]
    return sorted(whole, key=lambda p: (round(p.top, 6), p.left))


def _whole(parts: Sequence[Panel]) -> Panel:
    """A panel that takes several places of a mosaic."""
    left, top = min(p.left for p in parts), min(p.top for p in parts)
    right, bottom = max(p.left + p.wide for p in parts), max(p.top + p.high for p in parts)
    return Panel(parts[0].name, float(left), float(top), float(right - left), float(bottom - top))
