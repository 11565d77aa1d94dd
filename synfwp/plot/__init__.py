"""Figures for papers: labelled data in, matplotlib axes out.

Every ``plot_x(data, ax=None) -> ax`` draws what it was given on ``ax``, or on a new single-column figure. Figures made
by ``figure`` keep the journal style while they are filled, shown and saved, and leave the user's rcParams as they are;
on any other axes the functions follow the rcParams in force. Nothing here calls ``plt.show``.

Examples
--------
>>> from synfwp import plot
>>> fig, axes = plot.figure("double", 60, "ab")
>>> plot.letter(axes)
>>> [round(float(side) * 25.4) for side in fig.get_size_inches()]
[183, 60]
"""

from synfwp.plot.activity import raster, traces, weights
from synfwp.plot.files import close, save, writers
from synfwp.plot.fits import fitted, forest
from synfwp.plot.memories import capacity, overwriting, retention
from synfwp.plot.page import COLOURS, figure, legend, letter, points, shared_legend, style
from synfwp.plot.scores import against, learning_curve, recall
from synfwp.plot.widths import at_width, leftmost

__all__ = [
    "COLOURS",
    "against",
    "at_width",
    "capacity",
    "close",
    "figure",
    "fitted",
    "forest",
    "learning_curve",
    "leftmost",
    "legend",
    "letter",
    "overwriting",
    "points",
    "raster",
    "recall",
    "retention",
    "save",
    "shared_legend",
    "style",
    "traces",
    "weights",
    "writers",
]
