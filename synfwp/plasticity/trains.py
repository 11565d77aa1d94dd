"""Spike trains of one neuron, checked."""

from typing import Any

import numpy as np

from synfwp import grid, units
from synfwp.kernels.stdp import COINCIDENT


def spike_train(what: str, times: Any, apart: float = 2 * COINCIDENT) -> np.ndarray:
    """Spike times (ms) as a contiguous float64 array, or an error that names the train."""
    train = np.array(grid.precise(what, times, units.to_float(times, "ms", what)))
    if train.ndim != 1:
        raise ValueError(f"{what} has shape {train.shape}; pass the spike times of one neuron, shape (n,).")
    bad = np.flatnonzero(~np.isfinite(train))
    if bad.size:
        raise ValueError(f"{what} has the spike time {train[bad[0]]} at index {bad[0]}; pass finite times in ms.")
    # two spikes of one train that are closer could both be simultaneous with the same spike of the other train
    gaps = np.flatnonzero(np.diff(train) <= apart)
    if gaps.size:
        first, second = train[gaps[0]], train[gaps[0] + 1]
        raise ValueError(
            f"{what} has spikes at {first:g} and then {second:g} ms (index {gaps[0]}); "
            "pass increasing times more than 2e-6 ms apart, e.g. numpy.unique(times)."
        )
    return train


def time_of(what: str, value: Any) -> float:
    """A finite time, ms."""
    return units.number(value, "ms", what)
