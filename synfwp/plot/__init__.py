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
from synfwp.plot.colours import COLOURS
from synfwp.plot.files import close, save, writers
from synfwp.plot.fits import fitted, forest
from synfwp.plot.maps import contributions, rdm, spectrum, sweep_map
from synfwp.plot.measured import lagged, paired, tuning, voltage
from synfwp.plot.memories import capacity, overwriting, retention
from synfwp.plot.page import figure, legend, letter, points, shared_legend, style
from synfwp.plot.scores import against, learning_curve, recall
from synfwp.plot.synaptic import connectivity, weight_histogram, weight_matrix
from synfwp.plot.trains import correlogram, event_raster, intervals, psth, raster_with_rate, rate
from synfwp.plot.widths import at_width, leftmost
from synfwp.plot.windows import frequency_dependence, short_term, stdp_window

__all__ = [
    "COLOURS",
    "against",
    "at_width",
    "capacity",
    "close",
    "connectivity",
    "contributions",
    "correlogram",
    "event_raster",
    "figure",
    "fitted",
    "forest",
    "frequency_dependence",
    "intervals",
    "lagged",
    "learning_curve",
    "leftmost",
    "legend",
    "letter",
    "overwriting",
    "paired",
    "points",
    "psth",
    "raster",
    "raster_with_rate",
    "rate",
    "rdm",
    "recall",
    "retention",
    "save",
    "shared_legend",
    "short_term",
    "spectrum",
    "stdp_window",
    "style",
    "sweep_map",
    "traces",
    "tuning",
    "voltage",
    "weight_histogram",
    "weight_matrix",
    "weights",
    "writers",
]
