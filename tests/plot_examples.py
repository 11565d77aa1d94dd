"""Small labelled data for the tests of figures, and a page that shows each kind once."""

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from synfwp import plot


def spikes() -> xr.Dataset:
    """Two populations of three neurons, and two theta cycles."""
    rng = np.random.default_rng(1)
    unit = np.repeat(np.arange(6), 8)
    return xr.Dataset(
        {
            "spike_time": ("spike", rng.uniform(0.0, 0.48, unit.size), {"units": "s"}),
            "spike_unit": ("spike", unit % 3),
            "spike_population": ("spike", unit // 3),
            "phase_start": ("phase", [0.0, 0.14, 0.24, 0.38]),
            "phase_stop": ("phase", [0.1, 0.24, 0.34, 0.48]),
            "phase_name": ("phase", ["retrieve", "encode"] * 2),
            "population_size": ("population", [3, 3]),
        },
        coords={"population": ["key", "value"]},
    )


def scores() -> xr.Dataset:
    """Accuracy of two rules on three substrates; the last substrate was run for one seed only."""
    accuracy = np.random.default_rng(2).uniform(0.5, 1.0, (2, 3, 4))
    accuracy[:, 2, 1:] = np.nan
    return xr.Dataset(
        {"accuracy": (("rule", "substrate", "seed"), accuracy, {"units": "1"}), "chance": 1 / 32},
        coords={"rule": ["hebb", "delta"], "substrate": ["exact", "rate", "spiking lif"]},
    )


def history() -> xr.Dataset:
    """Loss and accuracy of two rules and three seeds."""
    step = np.arange(0, 200, 10)
    loss = np.random.default_rng(3).uniform(0.1, 3.0, (2, 3, step.size))
    return xr.Dataset(
        {"loss": (("rule", "seed", "step"), loss), "accuracy": (("rule", "seed", "step"), 1 - loss / 4)},
        coords={"rule": ["hebb", "delta"], "step": step},
    )


def rates() -> xr.DataArray:
    """Three firing rates over half a second."""
    time = np.linspace(0.0, 0.5, 50)
    values = 40 + 30 * np.sin(2 * np.pi * np.outer(time, [1, 2, 3]))
    attrs = {"long_name": "firing_rate", "units": "Hz"}
    return xr.DataArray(values, dims=("time", "unit"), coords={"time": time}, attrs=attrs)


def matrix() -> xr.DataArray:
    """A value by key matrix that is not square."""
    return xr.DataArray(np.random.default_rng(4).normal(size=(3, 5)), dims=("value", "key"), name="W")


def full_page() -> Figure:
    """One panel of each kind on a double-column figure."""
    fig, axes = plot.figure("double", 110, "aab;cde", height_ratios=[1.2, 1])
    plot.raster(spikes(), axes["a"])
    plot.weights(matrix(), axes["b"])
    plot.learning_curve(history(), axes["c"], reference=0.5, reference_label="best")
    plot.traces(rates(), axes["d"])
    plot.recall(scores(), axes["e"])
    plot.letter(axes)
    return fig
