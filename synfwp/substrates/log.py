"""Spikes and phases of a recorded run as ragged variables."""

from typing import Any

import numpy as np

from synfwp import results

POPULATIONS = ("key", "push", "pull")


def ragged(log: list[tuple[str, float, float, Any, Any]], dt: float) -> dict[str, Any]:
    """Extras of a run: spike times (s), units and populations, and the phases, from the log of an engine."""
    times, unit, population = [np.zeros(0)], [np.zeros(0, int)], [np.zeros(0, "<U4")]  # of a run without phases too
    for _, start, _, pre, post in log:
        for label, counts in zip(POPULATIONS, (pre, post[:, 0], post[:, 1]), strict=True):
            step, neuron = np.nonzero(counts)
            several = counts[step, neuron]
            times.append(np.repeat(start + step * dt, several))
            unit.append(np.repeat(neuron, several))
            population.append(np.full(int(several.sum()), label))
    order = np.argsort(np.concatenate(times), kind="stable")
    phase = {"long_name": "phase of an item"}
    return {
        "spike_time": (("spike",), results.seconds(np.concatenate(times)[order]), {}),
        "spike_unit": (("spike",), np.concatenate(unit)[order], {}),
        "spike_population": (("spike",), np.concatenate(population)[order], {"long_name": "population of a spike"}),
        "phase_start": (
            ("phase",),
            results.seconds([entry[1] for entry in log]),
            {"long_name": "start of a phase", "units": "s"},
        ),
        "phase_stop": (
            ("phase",),
            results.seconds([entry[2] for entry in log]),
            {"long_name": "end of a phase", "units": "s"},
        ),
        "phase_name": (("phase",), np.array([entry[0] for entry in log], "<U8"), phase),
    }
