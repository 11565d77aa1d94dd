"""Spikes and phases of a recorded run as ragged variables."""

from typing import Any

import numpy as np

from synfwp import results

POPULATIONS = ("key", "push", "pull")


def ragged(log: list[tuple[str, float, float, Any, Any]], dt: float, shape: tuple[int, int]) -> dict[str, Any]:
    """Extras of a run: spikes and phases, from the log of an engine with weights of ``shape`` (n_pre, n_post)."""
    found: dict[str, Any] = {name: ([np.zeros(0)], [np.zeros(0, int)]) for name in POPULATIONS}
    for _, start, _, pre, post in log:
        for name, counts in zip(POPULATIONS, (pre, post[:, 0], post[:, 1]), strict=True):
            step, neuron = np.nonzero(counts)
            several = counts[step, neuron]
            found[name][0].append(np.repeat(start + step * dt, several))
            found[name][1].append(np.repeat(neuron, several))
    sizes = dict(zip(POPULATIONS, (shape[0], shape[1], shape[1]), strict=True))
    spikes = {
        name: (results.seconds(np.concatenate(times)), np.concatenate(unit), sizes[name])
        for name, (times, unit) in found.items()
    }
    text = {"units": "s"}
    return results.spike_variables(spikes) | {
        "phase_start": (
            ("phase",),
            results.seconds([entry[1] for entry in log]),
            text | {"long_name": "start of a phase"},
        ),
        "phase_stop": (
            ("phase",),
            results.seconds([entry[2] for entry in log]),
            text | {"long_name": "end of a phase"},
        ),
        "phase_name": (("phase",), np.array([entry[0] for entry in log], "<U8"), {"long_name": "phase of an item"}),
    }
