"""The checks of figures find the faults that are planted, and nothing else."""

import re
from collections.abc import Iterator

import matplotlib.pyplot as plt
import plot_examples as examples
import pytest
from figure_checks import complaints, cuts, overlaps, sizes, unlabelled
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synfwp import plot


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    """No window is opened, and no figure outlives its test."""
    plt.switch_backend("agg")
    yield
    plt.close("all")


def planted() -> tuple[Figure, Axes]:
    """A figure with nothing wrong, to plant faults in."""
    fig, axes = plot.figure()
    axes["a"].plot([0, 1], [0, 1])
    axes["a"].set_xlabel("time (s)")
    axes["a"].set_ylabel("rate (Hz)")
    return fig, axes["a"]


def test_a_clean_figure_draws_no_complaint() -> None:
    fig, _ = planted()
    assert complaints(fig) == []


def test_a_planted_overlap_is_found() -> None:
    fig, ax = planted()
    with plot.style():
        ax.text(0.5, 0.5, "one")
        ax.text(0.51, 0.51, "two")
    assert len(overlaps(fig)) == 1
    assert re.match(r"'one' at \(\d+, \d+\) and 'two' at \(\d+, \d+\) overlap by \d+ x \d+ pixels", overlaps(fig)[0])


def test_overlapping_tick_labels_of_one_axis_and_of_a_legend_are_found() -> None:
    fig, ax = planted()
    ax.set_xticks([0.5, 0.51], ["long label", "another"])
    assert [("'long label'" in one, "'another'" in one) for one in overlaps(fig)] == [(True, True)]
    fig, ax = planted()
    ax.lines[0].set_label("entry")
    with plot.style():
        ax.legend(loc="center")
        ax.text(0.5, 0.5, "in its way", transform=ax.transAxes, ha="center", va="center")
    assert any("'entry'" in one and "'in its way'" in one for one in overlaps(fig))


def test_hidden_text_is_not_counted() -> None:
    fig, ax = planted()
    with plot.style():
        ax.text(0.5, 0.5, "one")
        ax.text(0.51, 0.51, "hidden").set_visible(False)
    assert complaints(fig) == []


def test_a_planted_cut_is_found() -> None:
    fig, _ = planted()
    with plot.style():
        fig.text(0.97, 0.5, "too far right")
    assert [re.sub(r"\d+", "#", one) for one in cuts(fig)] == [
        "'too far right' at (#, #) is cut: it reaches # pixels beyond the canvas"
    ]
    assert overlaps(fig) == []


def test_text_cut_by_its_axes_is_found() -> None:
    fig, ax = planted()
    with plot.style():
        ax.text(0.99, 0.5, "cut by the axes", clip_on=True)
    assert any("beyond the axes" in one for one in cuts(fig))


def test_text_that_is_too_large_or_small_is_found() -> None:
    fig, ax = planted()
    ax.text(0.2, 0.2, "tiny", fontsize=4)
    ax.set_title("huge", fontsize=12)
    assert [one.split(" has ")[1] for one in sorted(sizes(fig))] == ["12 pt; use 5 to 7 pt", "4 pt; use 5 to 7 pt"]


def test_an_axis_without_label_or_unit_is_found_and_the_declared_list_is_heeded() -> None:
    matrix = examples.matrix()
    fig, ax = planted()
    ax.set_xlabel("")
    ax.set_ylabel("rate")
    one, two = unlabelled(fig)
    assert re.match(r"the x axis of axes 0 .* has no label", one)
    assert re.match(r"the y axis of axes 0 .* is labelled 'rate', with no unit", two)
    ax.set_xlabel("neuron")
    assert unlabelled(fig, {"neuron", "rate"}) == []
    ax.set_xlabel("share (1)")
    assert "a pure number has no unit" in unlabelled(fig, {"neuron", "rate"})[0]
    fig, axes = plot.figure()
    plot.weights(matrix, axes["a"], label="strength")
    assert any("colour bar" in one and "strength" in one for one in unlabelled(fig))


def test_the_outer_label_of_shared_axes_is_enough() -> None:
    with plot.style():
        fig, (upper, lower) = plt.subplots(2, sharex=True)
    for ax in (upper, lower):
        ax.plot([0, 1])
        ax.set_ylabel("rate (Hz)")
    lower.set_xlabel("time (s)")
    assert unlabelled(fig) == []
