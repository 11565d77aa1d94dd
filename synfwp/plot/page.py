"""The page: sizes in mm, the journal style, panel letters, legends, and points with error bars."""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path

from synfwp import units
from synfwp.checks import lookup
from synfwp.plot.colours import COLOURS
from synfwp.plot.widths import MAX_HEIGHT, WIDTHS, Layout, laid_out
from synfwp.results import write_atomically

INCH = 25.4  # mm
STYLE_FILE = Path(__file__).parent.with_name("synfwp.mplstyle")


class JournalFigure(Figure):
    """A figure that is drawn and saved in the journal style, whatever the rcParams are at that moment."""

    def draw(self, renderer: Any) -> None:
        """Draw in the journal style (ticks are made, and fonts chosen, only now)."""
        with style():
            super().draw(renderer)

    def savefig(self, fname: Any, **kwargs: Any) -> None:
        """Save in the journal style: 300 dpi, fonts embedded as type 42, the exact size. A file is whole or not there.

        Where ``fname`` has no ending, it gets that of ``format``.
        """
        with style():
            if not isinstance(fname, str | os.PathLike):
                super().savefig(fname, **kwargs)
                return
            path, kind = Path(fname), kwargs.pop("format", None)
            if not path.suffix:
                path = path.with_name(f"{path.name}.{kind or mpl.rcParams['savefig.format']}")
            super().savefig(drawn := io.BytesIO(), format=kind or path.suffix[1:], **kwargs)
            write_atomically(path, lambda to: to.write_bytes(drawn.getbuffer()), force=True)


@functools.cache
def _parameters() -> dict[str, Any]:
    """The rcParams of ``synfwp.mplstyle``, read once."""
    return dict(mpl.rc_params_from_file(STYLE_FILE, use_default_template=False).items())


@contextmanager
def style() -> Iterator[None]:
    """The journal style for a block of code: matplotlib's defaults and ``synfwp.mplstyle``; undone afterwards.

    Yields
    ------
    None

    Examples
    --------
    >>> before = mpl.rcParams["font.size"]
    >>> with style():
    ...     mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"]
    (6.0, 42)
    >>> mpl.rcParams["font.size"] == before
    True
    """
    with mpl.style.context(_parameters(), after_reset=True):
        yield


def figure(
    width: str | float = "single",
    height: float | None = None,
    mosaic: str | list[Any] = "a",
    *,
    width_ratios: Sequence[float] | None = None,
    height_ratios: Sequence[float] | None = None,
) -> tuple[Figure, dict[str, Axes]]:
    """A figure of exact size in the journal style, and its axes by name.

    What the functions of this module draw on it has the style; wrap other matplotlib calls in ``with plot.style():``.
    Within ``with plot.at_width(89):`` it is 89 mm wide, its panels where they fit.

    Parameters
    ----------
    width : "single" (89 mm), "double" (183 mm) or float (mm, at most 183)
    height : float (mm, at most 170)
        0.65 of the width if not given.
    mosaic : str or nested list
        Layout of the panels as for ``matplotlib.figure.Figure.subplot_mosaic``, e.g. ``"ab;cc"``.
    width_ratios, height_ratios : sequence of float
        Relative sizes of the columns and rows of the mosaic.

    Returns
    -------
    matplotlib.figure.Figure, dict of str to matplotlib.axes.Axes
        The figure, and the axes by their names in the mosaic.

    Raises
    ------
    ValueError
        If the size does not fit a page, or the name of the width is unknown.

    Examples
    --------
    >>> fig, axes = figure("double", 60, "ab")
    >>> [round(float(side) * 25.4, 3) for side in fig.get_size_inches()], list(axes)
    ([183.0, 60.0], ['a', 'b'])
    """
    named = isinstance(width, str)
    wide = lookup("width", width, WIDTHS) if named else units.number(width, "mm", "width", 0, above=True)
    if wide > WIDTHS["double"]:
        raise ValueError(f"width is {wide:g} mm; a page is {WIDTHS['double']:g} mm wide: pass at most that.")
    high = min(0.65 * wide, MAX_HEIGHT) if height is None else units.number(height, "mm", "height", 0.0, above=True)
    if high > MAX_HEIGHT:
        raise ValueError(f"height is {high:g} mm; a figure with its caption fits a page up to {MAX_HEIGHT:g} mm.")
    layout = laid_out(Layout(wide, high, mosaic, width_ratios, height_ratios))
    plt.draw_if_interactive()  # loads the backend now: what a notebook's backend sets must not be undone by the style
    with style():
        fig = plt.figure(FigureClass=JournalFigure, figsize=(layout.wide / INCH, layout.high / INCH))
        axes = fig.subplot_mosaic(layout.mosaic, width_ratios=layout.width_ratios, height_ratios=layout.height_ratios)
    return fig, axes


def letter(axes: Mapping[Any, Axes] | Sequence[Axes], *, offset: float = 34.0) -> None:
    """Bold lower-case panel letters at the upper left of each axes, ``offset`` points left of its spine.

    A mapping whose keys are single lower-case letters gives the letters; otherwise they are a, b, c in order.

    Parameters
    ----------
    axes : mapping of str to Axes, or sequence of Axes
        In the order of the letters.
    offset : float (pt)
        Distance of the letter from the left spine.

    Examples
    --------
    >>> fig, axes = figure("double", 60, "ab")
    >>> letter(axes)
    >>> [ax.texts[0].get_text() for ax in axes.values()]
    ['a', 'b']
    """
    keys = list(axes) if isinstance(axes, Mapping) else []
    named = bool(keys) and all(isinstance(key, str) and len(key) == 1 and key.islower() for key in keys)
    panels = list(axes.values()) if isinstance(axes, Mapping) else list(axes)
    for index, ax in enumerate(panels):
        with on(ax):
            ax.annotate(
                keys[index] if named else chr(ord("a") + index),
                xy=(0, 1),
                xycoords="axes fraction",
                xytext=(-offset, 3),
                textcoords="offset points",
                fontsize=7,
                fontweight="bold",
                annotation_clip=False,
            )


def legend(ax: Axes) -> None:
    """One legend above the axes, where it hides no data, dashed references last; none if nothing has a label.

    It has as many columns as fit over the axes; only a single column may be wider.

    Parameters
    ----------
    ax : Axes
        Whose labelled lines are listed.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> _, ax = plt.subplots()
    >>> _ = ax.plot([0, 1], label="delta"), ax.axhline(0.5, linestyle="--", label="chance"), ax.bar(0, 1, label="Hebb")
    >>> legend(ax)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['delta', 'Hebb', 'chance']
    """
    entries = list(zip(*ax.get_legend_handles_labels(), strict=True))
    if not entries:
        return
    entries.sort(key=lambda entry: isinstance(entry[0], Line2D) and entry[0].is_dashed())
    handles, labels = zip(*entries, strict=True)
    with on(ax):
        room = 1.1 * ax.bbox.width * 72 / ax.figure.dpi  # the layout, still to come, uses the margins too
        ax.legend(handles, labels, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=_columns(room, labels))


def shared_legend(fig: Figure, ax: Axes) -> None:
    """One legend above the whole figure, of what is labelled in one of its axes, in as many columns as fit.

    Dashed references come last.

    Parameters
    ----------
    fig : Figure
    ax : Axes
        Whose labelled lines are listed.

    Examples
    --------
    >>> fig, axes = figure("double", 60, "ab")
    >>> for ax in axes.values():
    ...     _ = ax.plot([0, 1], label="delta")
    >>> shared_legend(fig, axes["a"])
    >>> [text.get_text() for text in fig.legends[0].get_texts()]
    ['delta']
    """
    entries = list(zip(*ax.get_legend_handles_labels(), strict=True))
    entries.sort(key=lambda entry: isinstance(entry[0], Line2D) and entry[0].is_dashed())
    handles, labels = zip(*entries, strict=True)
    with on(ax):
        room = 0.98 * fig.bbox.width * 72 / fig.dpi
        fig.legend(handles, labels, loc="outside upper center", ncols=_columns(room, labels))


def _columns(room: float, labels: Sequence[str]) -> int:
    """How many legend entries fit side by side in so many points, in the font and the spacings in force."""
    rc = mpl.rcParams
    font = FontProperties(size=rc["legend.fontsize"])
    em = font.get_size_in_points()
    handle, gap = em * (rc["legend.handlelength"] + rc["legend.handletextpad"]), em * rc["legend.columnspacing"]
    widths = [handle + text_to_path.get_text_width_height_descent(label, font, False)[0] for label in labels]
    for columns in range(len(labels), 1, -1):
        if sum(column.max() + gap for column in np.array_split(widths, columns)) - gap <= room:
            rows = -(-len(labels) // columns)
            return -(-len(labels) // rows)  # the same rows, filled evenly
    return 1


def points(
    ax: Axes, x: Any, y: Any, err: Any = None, *, label: str | None = None, colour: str = "blue", marker: str = "o"
) -> ErrorbarContainer:
    """Markers with error bars and no line between them: data with their standard error, beside a model.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    x, y : (n,) array
        Places of the markers.
    err : (n,) or (2, n) array
        Half-lengths of the error bars in the unit of ``y``, or lower and upper.
    label : str
        The entry in the legend.
    colour : str
        A name of ``COLOURS`` or any matplotlib colour.
    marker : str
        Any matplotlib marker.

    Returns
    -------
    matplotlib.container.ErrorbarContainer
        Markers and bars.

    Examples
    --------
    >>> _, axes = figure()
    >>> points(axes["a"], [10.0, 20.0], [0.1, 0.4], [0.05, 0.1]).lines[0].get_ydata().tolist()
    [0.1, 0.4]
    """
    with on(ax):
        colour = COLOURS.get(colour, colour)
        return ax.errorbar(x, y, err, fmt=marker, color=colour, elinewidth=0.6, label=label, zorder=3)


@contextmanager
def on(ax: Axes | None) -> Iterator[Axes]:
    """The axes to draw on, or a new single-column one, in the journal style where its figure keeps that style."""
    if ax is None:
        ax = next(iter(figure()[1].values()))
    if not isinstance(ax, Axes):
        raise TypeError(f"ax is {type(ax).__name__}; pass one matplotlib Axes, or None for a new figure.")
    with style() if isinstance(ax.figure.figure, JournalFigure) else nullcontext():
        yield ax
