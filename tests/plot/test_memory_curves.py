"""Curves of memories: means, bands, closed forms, chance and costs are those of the Dataset."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from figure_checks import complaints
from matplotlib.colors import to_rgba

import synfwp as fw
from synfwp import plot


@pytest.fixture(autouse=True)
def _closed_figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def ds():
    """Three systems, one of them without a closed form, at three loads."""
    systems = {"Hebb": "hebb", "delta": "delta", "softmax": "softmax"}
    return fw.capacity(systems, d_key=16, loads=[4, 8, 16], seeds=4)


def by_label(ax):
    return {str(line.get_label()): line for line in ax.lines}


def test_capacity_draws_the_mean_its_interval_its_theory_and_chance(ds):
    ax = plot.capacity(ds, costs=False)
    lines = by_label(ax)
    for name in ("Hebb", "delta", "softmax"):
        np.testing.assert_array_equal(lines[name].get_xydata(), np.stack([ds.pairs, ds["mean"].sel(system=name)], 1))
    low, high = (np.interp(8, ds.pairs, ds[side].sel(system="delta")) for side in ("low", "high"))
    band = ax.collections[1].get_paths()[0].vertices
    at = band[band[:, 0] == 8, 1]
    assert (at.min(), at.max()) == pytest.approx((low, high))
    dashed = [line for line in ax.lines if line.is_dashed() and len(line.get_xdata()) == 3]
    theory = [line for line in dashed if line.get_label() != "chance"]
    assert len(theory) == 1
    assert theory[0].get_color() == lines["Hebb"].get_color()
    np.testing.assert_array_equal(theory[0].get_ydata(), ds.theory.sel(system="Hebb"))
    np.testing.assert_array_equal(lines["chance"].get_ydata(), ds.chance)


def test_loads_per_feature_and_a_choice_of_systems_keep_the_colours(ds):
    fig, axes = plot.figure("double", 60, "ab")
    one = by_label(plot.capacity(ds, axes["a"]))
    ax = plot.capacity(ds, axes["b"], systems=["softmax"], relative=True, styles={"softmax": ("black", "X")})
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1/4", "1/2", "1"]
    other = by_label(ax)
    assert to_rgba(other["softmax (1.0 kB to 4.1 kB)"].get_color()) == to_rgba("black")
    assert to_rgba(one["softmax (1.0 kB to 4.1 kB)"].get_color()) == to_rgba(plot.COLOURS["green"])
    assert complaints(fig) == []


def test_the_legend_has_synapses_and_spikes_of_a_spiking_network():
    network = fw.SpikingNetwork(engine="counts", code=fw.RateCode(neurons_per_feature=2))
    system = fw.memory.System("hebb", network, beta=1.0)
    ds = fw.capacity({"counts": system}, d_key=8, loads=[4, 8], keys="relu", seeds=2)
    label = str(plot.capacity(ds).lines[0].get_label())
    write, read = (float(ds[name].mean()) for name in ("write_spikes", "read_spikes"))
    assert label == f"counts (512 synapses, {write:.0f} + {read:.0f} spikes)"


def test_a_cell_that_failed_is_left_out(ds):
    broken = ds.copy(deep=True)
    for name in ("mean", "low", "high"):
        broken[name].loc[{"system": "delta", "pairs": 8}] = np.nan
    assert by_label(plot.capacity(broken, costs=False))["delta"].get_xdata().tolist() == [4, 16]


def test_overwriting_is_in_percent_beside_what_knows_no_order():
    ds = fw.overwriting({"Hebb": "hebb", "delta": "delta"}, pairs=4, d_key=16, writes=[1, 2, 4], seeds=3)
    ax = plot.overwriting(ds, costs=False)
    lines = by_label(ax)
    np.testing.assert_allclose(lines["delta"].get_ydata(), 100 * ds["mean"].sel(system="delta"))
    np.testing.assert_allclose(lines["order unknown"].get_ydata(), [100, 50, 25])
    bands = np.concatenate([one.get_paths()[0].vertices[:, 1] for one in ax.collections])
    assert bands.min() >= 0
    assert bands.max() <= 100


def test_retention_draws_signal_over_noise_and_the_lifetime_on_its_threshold():
    ds = fw.retention({"delta": "delta"}, thresholds=(0.3, 1.0), d_key=16, writes=100, oldest=30, beta=0.5, seeds=3)
    ax = plot.retention(ds, threshold=1.0)
    at = ds.sel(system="delta", threshold=1.0)
    line = ax.lines[0]
    np.testing.assert_allclose(line.get_ydata(), at.signal**2 / at.noise)
    assert line.get_label() == f"delta (2.0 kB, life {float(at.lifetime):.0f})"
    mark = next(one for one in ax.lines if one.get_marker() == "o")
    assert mark.get_xydata().tolist() == [[float(at.lifetime), 1.0]]
    with pytest.raises(ValueError, match=r"threshold is 2; the Dataset has 0\.3, 1"):
        plot.retention(ds, threshold=2.0)


def test_what_is_no_such_dataset_is_refused(ds):
    with pytest.raises(ValueError, match="needs the variable 'mean' and the Dataset holds x"):
        plot.capacity(xr.Dataset({"x": 1.0}))
    with pytest.raises(ValueError, match="did you mean 'delta'"):
        plot.capacity(ds, systems=["Delta"])
    with pytest.raises(ValueError, match="pass what the function of the same name returned"):
        plot.overwriting(ds)
    with pytest.raises(ValueError, match="pass relative=False"):
        plot.capacity(ds.assign_attrs(parameters="{}"), relative=True)
