"""Every plot function draws the numbers it was given, and says clearly what it cannot draw."""

from collections.abc import Callable, Iterator
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import plot_examples as examples
import pytest
import xarray as xr
from figure_checks import complaints
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from synfwp import plot


@pytest.fixture(autouse=True)
def _closed_figures() -> Iterator[None]:
    """No window is opened, and no figure outlives its test."""
    plt.switch_backend("agg")
    yield
    plt.close("all")


def test_the_full_page_has_nothing_to_complain_about() -> None:
    page = examples.full_page()
    assert complaints(page) == []


def test_raster_draws_every_spike_at_its_time_and_neuron() -> None:
    spikes = examples.spikes()
    ax: Any = plot.raster(spikes)
    populations = {c.get_label(): np.array(c.get_segments()) for c in ax.collections}
    assert list(populations) == ["key", "value"]
    for at, segments in enumerate(populations.values()):
        mine = spikes.spike_population.values == at
        assert np.array_equal(segments[:, 0, 0], spikes.spike_time.values[mine])
        # The middle of a tick is its neuron, up to the rounding of unit - 0.4 and unit + 0.4.
        assert segments[:, :, 1].mean(1) == pytest.approx(spikes.spike_unit.values[mine] + 3 * at, abs=1e-12)
    spans = [(p.get_x(), p.get_x() + p.get_width()) for p in ax.patches]
    assert np.allclose(spans, np.stack([spikes.phase_start, spikes.phase_stop], 1), rtol=1e-12)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["retrieve", "encode", "key", "value"]


def test_raster_of_a_window_leaves_out_the_rest() -> None:
    spikes = examples.spikes()
    ax: Any = plot.raster(spikes, window=(0.1, 0.3))
    drawn = np.concatenate([np.array(c.get_segments())[:, 0, 0] for c in ax.collections])
    assert drawn.size == ((spikes.spike_time >= 0.1) & (spikes.spike_time <= 0.3)).sum()
    assert ax.get_xlim() == (0.1, 0.3)
    assert all(p.get_x() >= 0.1 and p.get_x() + p.get_width() <= 0.3 + 1e-12 for p in ax.patches)


def test_raster_keeps_rows_for_silent_neurons_and_draws_no_spikes_at_all() -> None:
    spikes = examples.spikes()
    with_units = spikes.drop_vars(["spike_population", "population_size", "population"]).assign_coords(
        unit=np.arange(10)
    )
    larger = spikes.assign(population_size=("population", [3, 7]))
    for every in (with_units, larger):
        assert plot.raster(every).get_ylim() == (-0.5, 9.5)
        assert plot.raster(every.isel(spike=slice(0, 0))).get_ylim() == (-0.5, 9.5)


def test_raster_draws_chosen_populations_from_the_bottom_up() -> None:
    spikes = examples.spikes()
    ax: Any = plot.raster(spikes, populations=["value", "key"])
    rows = [np.array(c.get_segments())[:, :, 1].mean(1) for c in ax.collections]
    key, value = (spikes.spike_unit.values[spikes.spike_population.values == at] for at in (0, 1))
    assert [c.get_label() for c in ax.collections] == ["value", "key"]
    assert rows[0] == pytest.approx(value, abs=1e-12)  # the middle of a tick, up to rounding
    assert rows[1] == pytest.approx(key + 3, abs=1e-12)
    alone: Any = plot.raster(spikes, populations=["value"])
    assert alone.get_ylim() == (-0.5, 2.5)
    with pytest.raises(ValueError, match="unknown population 'values'; did you mean 'value'"):
        plot.raster(spikes, populations=["values"])
    with pytest.raises(ValueError, match=r"spike_population has dtype <U5; pass integers; it is an index into the coo"):
        plot.raster(spikes.assign(spike_population=("spike", np.full(48, "value"))))
    bare = spikes.drop_vars(["spike_population", "population_size", "population"])
    with pytest.raises(ValueError, match="populations are chosen but the Dataset has no 'spike_population'"):
        plot.raster(bare, populations=["key"])


def test_weights_shows_the_matrix_value_by_key_centred_on_zero() -> None:
    matrix = examples.matrix()
    for da in (matrix, matrix.transpose("key", "value")):
        ax: Any = plot.weights(da)
        assert np.array_equal(ax.images[0].get_array(), matrix.values)
        assert ax.images[0].get_clim() == (-abs(matrix.values).max(), abs(matrix.values).max())
        assert ax.images[0].cmap(0.5)[:3] == pytest.approx((0.97, 0.97, 0.97), abs=0.01)  # RdBu: white in its middle
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("key index", "value index")
        assert ax.images[0].colorbar.ax.get_ylabel() == "weight"


def test_weights_names_the_unit_and_shows_where_values_lie_beyond_the_limit() -> None:
    matrix = examples.matrix()
    bar: Any = plot.weights(matrix.assign_attrs(units="nS"), limit=0.1).images[0].colorbar
    assert bar.ax.get_ylabel() == "weight (nS)"
    assert bar.extend == "both"
    assert plot.weights(0 * matrix).images[0].get_clim() == (-1.0, 1.0)


def test_traces_draws_each_line_with_its_unit() -> None:
    rates = examples.rates()
    for da in (rates, rates.transpose("unit", "time")):
        ax: Any = plot.traces(da)
        assert np.array_equal([line.get_ydata() for line in ax.lines], rates.values.T)
        assert all(np.array_equal(line.get_xdata(), rates.time) for line in ax.lines)
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "firing rate (Hz)")
        assert [text.get_text() for text in ax.get_legend().get_texts()] == ["unit 0", "unit 1", "unit 2"]


def test_traces_of_many_lines_have_a_colour_bar_in_place_of_a_legend() -> None:
    rates = examples.rates()
    many = xr.concat([rates] * 4, "unit")
    ax: Any = plot.traces(many)
    assert np.array_equal([line.get_ydata() for line in ax.lines], many.transpose("unit", "time").values)
    assert ax.get_legend() is None
    assert [bar.get_ylabel() for bar in ax.child_axes] == ["unit index"]
    assert complaints(ax.figure, {"unit index"}) == []


def test_recall_draws_every_seed_in_percent_and_the_mean_of_several() -> None:
    scores = examples.scores()
    ax: Any = plot.recall(scores)
    for index, rule in enumerate(scores.rule.values):
        cell = scores.accuracy.sel(rule=rule).values
        points, means = ax.collections[2 * index : 2 * index + 2]
        x, y = np.asarray(points.get_offsets()).T
        assert np.array_equal(y, 100 * cell[np.isfinite(cell)])
        assert np.array_equal(np.round(x), np.repeat([0, 1, 2], [4, 4, 1]))
        heights = [segment[0, 1] for segment in means.get_segments()]
        # Means of four numbers: equal to rounding.
        assert heights == pytest.approx(list(100 * cell[:2].mean(1)), rel=1e-12)
        assert points.get_label() == {"hebb": "Hebb", "delta": "delta"}[rule]
    assert ax.lines[0].get_ydata()[0] == 100 / 32
    assert [label.get_text() for label in ax.get_xticklabels()] == ["exact", "rate", "spiking\nLIF"]


def test_recall_draws_a_point_of_one_seed_in_the_middle_of_its_place() -> None:
    one = xr.Dataset({"accuracy": ("substrate", [0.5, 1.0])}, coords={"substrate": ["exact", "rate"]})
    ax: Any = plot.recall(one)
    assert np.asarray(ax.collections[0].get_offsets()).tolist() == [[0.0, 50.0], [1.0, 100.0]]
    assert ax.get_legend() is None


def test_a_rule_has_the_same_colour_in_every_figure_and_order() -> None:
    scores = examples.scores()
    history = examples.history()
    recalled: Any = plot.recall(scores.isel(rule=[1, 0]))
    learnt: Any = plot.learning_curve(history.sel(rule="delta"))
    assert tuple(recalled.collections[0].get_facecolor()[0][:3]) == to_rgba(plot.COLOURS["vermillion"])[:3]
    assert learnt.lines[-1].get_color() == plot.COLOURS["vermillion"]


def test_learning_curve_draws_seeds_and_their_mean_against_step() -> None:
    history = examples.history()
    ax: Any = plot.learning_curve(history, reference=0.5)
    assert ax.lines[0].get_ydata() == [0.5, 0.5]
    for index in range(2):
        lines = ax.lines[1 + 4 * index : 5 + 4 * index]
        loss = history.loss.values[index]
        assert np.array_equal([line.get_ydata() for line in lines[:3]], loss)
        assert np.array_equal(lines[3].get_ydata(), loss.mean(0))
        assert all(np.array_equal(line.get_xdata(), history.step) for line in lines)
    assert ax.get_yscale() == "log"


def test_learning_curve_of_accuracy_is_linear_in_percent_with_its_reference() -> None:
    history = examples.history()
    ax: Any = plot.learning_curve(history.sel(rule="hebb").isel(seed=0), variable="accuracy", reference=0.595)
    assert ax.lines[0].get_ydata()[0] == pytest.approx(59.5, rel=1e-15)
    assert np.array_equal(ax.lines[1].get_ydata(), 100 * history.accuracy.values[0, 0])
    assert (ax.get_yscale(), ax.get_ylabel()) == ("linear", "accuracy (%)")


def test_fractions_against_a_condition_have_a_line_for_each_seed_and_a_mean_with_the_marker_of_the_rule() -> None:
    hits = np.random.default_rng(5).uniform(0.0, 1.0, (2, 3, 4))
    lags = ("lag", [1, 2, 4, 8], {"long_name": "lag", "units": "items"})
    attrs = {"long_name": "items found"}
    ds = xr.Dataset({"hits": (("rule", "seed", "lag"), hits, attrs)}, coords={"rule": ["hebb", "other"], "lag": lags})
    ax: Any = plot.against(ds, variable="hits", along="lag", reference=0.25)
    assert ax.lines[0].get_ydata() == [25.0, 25.0]
    for index, marker in enumerate("os"):
        lines = ax.lines[1 + 4 * index : 5 + 4 * index]
        assert np.array_equal([line.get_ydata() for line in lines[:3]], 100 * hits[index])
        assert np.allclose(lines[3].get_ydata(), 100 * hits[index].mean(0), rtol=1e-12)  # two orders of a sum
        assert lines[3].get_marker() == marker
        assert all(line.get_xdata().tolist() == [1, 2, 4, 8] for line in lines)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("lag (items)", "items found (%)")
    with pytest.raises(ValueError, match=r"^hits has dimensions .*; pass it along 'size'"):
        plot.against(ds, variable="hits", along="size")
    with pytest.raises(ValueError, match=r"^hits spans"):
        plot.against(2 * ds, variable="hits", along="lag")


def test_points_are_where_the_data_are_with_their_error_bars() -> None:
    _, axes = plot.figure()
    drawn: Any = plot.points(axes["a"], [10, 20], [0.5, -0.5], [0.1, 0.2], label="data", colour="green")
    assert drawn.lines[0].get_xydata().tolist() == [[10.0, 0.5], [20.0, -0.5]]
    ends = [segment[:, 1].tolist() for segment in drawn.lines[2][0].get_segments()]
    assert np.allclose(ends, [[0.4, 0.6], [-0.7, -0.3]], rtol=1e-12)  # sums of two numbers: equal to rounding
    assert drawn.lines[0].get_color() == plot.COLOURS["green"]


@pytest.mark.parametrize("draw", [plot.recall, plot.learning_curve])
def test_a_dataset_function_refuses_what_is_not_a_dataset(draw: Callable[..., Axes]) -> None:
    matrix = examples.matrix()
    with pytest.raises(TypeError, match=rf"{draw.__name__} got DataArray; pass an xarray Dataset"):
        draw(matrix)


@pytest.mark.parametrize("draw", [plot.weights, plot.traces])
def test_an_array_function_refuses_what_is_not_a_data_array(draw: Callable[..., Axes]) -> None:
    history = examples.history()
    for data, name in ((history, "Dataset"), (history.loss.values, "ndarray")):
        with pytest.raises(TypeError, match=rf"{draw.__name__} got {name}; pass an xarray DataArray"):
            draw(data)


def test_a_missing_variable_is_named_with_what_there_is() -> None:
    spikes = examples.spikes()
    history = examples.history()
    with pytest.raises(ValueError, match="raster needs the variable 'spike_unit' and the Dataset holds spike_time"):
        plot.raster(spikes.drop_vars("spike_unit"))
    with pytest.raises(ValueError, match="raster needs the variable 'phase_stop'"):
        plot.raster(spikes.drop_vars("phase_stop"))
    with pytest.raises(ValueError, match="recall needs the variable 'accuracy'"):
        plot.recall(history.drop_vars("accuracy"))


def test_times_of_phases_that_are_not_in_seconds_and_spikes_in_no_time_are_refused() -> None:
    spikes = examples.spikes()
    spikes["phase_stop"].attrs["units"] = "ms"
    with pytest.raises(ValueError, match="phase_stop is in 'ms'; times of a Dataset are in seconds"):
        plot.raster(spikes)
    bare = examples.spikes().drop_vars(["spike_population", "population_size", "population"])
    for unit, message in (
        ("mV", "spike_time is in 'mV', which cannot be in s"),
        (None, "spike_time has no attribute 'un"),
    ):
        bare["spike_time"].attrs = {} if unit is None else {"units": unit}
        with pytest.raises(ValueError, match=message):
            plot.raster(bare)


def test_a_window_that_ends_before_it_starts_is_refused() -> None:
    spikes = examples.spikes()
    with pytest.raises(ValueError, match=r"window is \(0\.3, 0\.1\)"):
        plot.raster(spikes, window=(0.3, 0.1))


def test_dimensions_that_cannot_be_drawn_are_refused_with_a_way_out() -> None:
    matrix = examples.matrix()
    rates = examples.rates()
    scores = examples.scores()
    history = examples.history()
    with pytest.raises(ValueError, match=r"pass one \(value, key\) matrix"):
        plot.weights(matrix.expand_dims("seed"))
    with pytest.raises(ValueError, match=r"choose with \.isel\(trial=0\) or average"):
        plot.traces(rates.expand_dims("trial"))
    with pytest.raises(ValueError, match="no 'time'; name one of them with time="):
        plot.traces(matrix)
    with pytest.raises(ValueError, match="no coordinate 'time'"):
        plot.traces(rates.drop_vars("time"))
    with pytest.raises(ValueError, match="pass one 'substrate'"):
        plot.recall(scores.isel(substrate=0))
    with pytest.raises(ValueError, match=r"choose with \.isel\(pairs=0\)"):
        plot.recall(scores.expand_dims("pairs"))
    with pytest.raises(ValueError, match="pass it along 'step'"):
        plot.learning_curve(history.isel(step=0))


def test_values_that_cannot_be_drawn_are_refused() -> None:
    matrix = examples.matrix()
    scores = examples.scores()
    history = examples.history()
    with pytest.raises(ValueError, match="W holds NaN or inf"):
        plot.weights(matrix.where(matrix > 0))
    with pytest.raises(ValueError, match=r"accuracy spans .* pass fractions from 0 to 1"):
        plot.recall(scores.assign(accuracy=100 * scores.accuracy))
    with pytest.raises(ValueError, match="have no logarithm; pass log=False"):
        plot.learning_curve(history - 1)
    with pytest.raises(TypeError, match="ax is list; pass one matplotlib Axes"):
        plot.weights(matrix, ax=[])  # type: ignore[arg-type]
