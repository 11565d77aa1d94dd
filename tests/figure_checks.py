"""What a reviewer would complain about in a matplotlib figure: overlapping, cut or small text, axes without a unit."""

import re
from collections.abc import Collection, Iterator
from itertools import combinations
from typing import Any
from unittest import mock

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox, BboxBase

SLACK = 0.5  # pixels: the extents of text are rounded to whole pixels
DIMENSIONLESS = frozenset(
    {
        "substrate",
        "Golomb's chi",
        "beta",
        "cosine of recall and value",
        "key index",
        "kind of keys",
        "loss",
        "neuron",
        "recall",
        "rule",
        "residual",
        "seed",
        "spikes per association",
        "squared error per value",
        "squared norm of W",
        "training step",
        "value index",
        "weight",
    }
)


def complaints(fig: Figure, dimensionless: Collection[str] = DIMENSIONLESS) -> list[str]:
    """Every overlap, cut, bad size, missing label or unit in ``fig``, one sentence each."""
    return [*overlaps(fig), *cuts(fig), *sizes(fig), *unlabelled(fig, dimensionless)]


def drawn_texts(fig: Figure) -> list[tuple[Text, Bbox]]:
    """Every non-empty text that drawing ``fig`` puts on the canvas, with its box in pixels.

    Tick labels, legends, labels and letters alike: what counts is that matplotlib draws it. A tick label outside the
    limits of its axis, or the text of a hidden axes, is not drawn.
    """
    seen: dict[int, Text] = {}
    draw = Text.draw

    def record(text: Text, renderer: Any, *args: Any, **kwargs: Any) -> None:
        if text.get_visible() and text.get_text().strip():
            seen[id(text)] = text
        draw(text, renderer, *args, **kwargs)

    with mock.patch.object(Text, "draw", record):
        fig.canvas.draw()
    return [(text, Text.get_window_extent(text)) for text in seen.values()]


def overlaps(fig: Figure) -> list[str]:
    """Pairs of texts whose boxes share more than a rim of half a pixel."""
    found = []
    for (one, a), (two, b) in combinations(drawn_texts(fig), 2):
        wide = min(a.x1, b.x1) - max(a.x0, b.x0)
        high = min(a.y1, b.y1) - max(a.y0, b.y0)
        if wide > SLACK and high > SLACK:
            found.append(f"{_name(one)} and {_name(two)} overlap by {wide:.0f} x {high:.0f} pixels")
    return found


def cuts(fig: Figure) -> list[str]:
    """Texts that reach beyond the canvas, or beyond the box they are clipped to."""
    found = []
    for text, box in drawn_texts(fig):
        frames: list[tuple[str, BboxBase]] = [("canvas", fig.bbox)]
        clip = text.get_clip_box() if text.get_clip_on() else None
        if clip is not None:
            frames.append(("axes", clip))
        for what, frame in frames:
            beyond = max(frame.x0 - box.x0, box.x1 - frame.x1, frame.y0 - box.y0, box.y1 - frame.y1)
            if beyond > SLACK:
                found.append(f"{_name(text)} is cut: it reaches {beyond:.0f} pixels beyond the {what}")
    return found


def sizes(fig: Figure, smallest: float = 5.0, largest: float = 7.0) -> list[str]:
    """Texts smaller or larger than journals print, in points."""
    return [
        f"{_name(text)} has {float(text.get_fontsize()):g} pt; use {smallest:g} to {largest:g} pt"
        for text, _ in drawn_texts(fig)
        if not smallest <= float(text.get_fontsize()) <= largest
    ]


def unlabelled(fig: Figure, dimensionless: Collection[str] = DIMENSIONLESS) -> list[str]:
    """Axes with data whose x or y label is missing, or names neither a unit in parentheses nor a known pure number."""
    found = []
    for where, axis in _axes_of_data(fig):
        label = axis.get_label().get_text().strip() if axis.get_label().get_visible() else ""
        if not label:
            found.append(f"{where} has no label")
        elif "(1)" in label:
            found.append(f"{where} is labelled {label!r}; a pure number has no unit: name what it is a share of, or %")
        elif label not in dimensionless and not re.search(r"\([^()\s][^()]*\)", label):
            found.append(f"{where} is labelled {label!r}, with no unit in parentheses; it is not on the declared list")
    return found


def _axes_of_data(fig: Figure) -> Iterator[tuple[str, Axis]]:
    """Each axis that a reader needs a label for; of a shared one without tick labels, the outer one has it."""
    for number, ax in enumerate(fig.findobj(Axes)):
        bar = getattr(ax, "_colorbar", None)  # how matplotlib marks the axes of a colour bar
        if bar is not None:
            yield f"the colour bar {number}", ax.yaxis if bar.orientation == "vertical" else ax.xaxis
        elif ax.get_visible() and ax.axison and ax.has_data():
            for name, axis, shared in (
                ("x", ax.xaxis, ax.get_shared_x_axes()),
                ("y", ax.yaxis, ax.get_shared_y_axes()),
            ):
                inner = len(shared.get_siblings(ax)) > 1 and not any(
                    label.get_visible() and label.get_text() for label in axis.get_ticklabels()
                )
                if axis.get_visible() and not inner:
                    yield f"the {name} axis of axes {number} ({ax.get_label() or 'unnamed'})", axis


def _name(text: Text) -> str:
    """The text and the place of its centre, so that one can find it."""
    box = Text.get_window_extent(text)
    return f"{text.get_text()!r} at ({(box.x0 + box.x1) / 2:.0f}, {(box.y0 + box.y1) / 2:.0f})"
