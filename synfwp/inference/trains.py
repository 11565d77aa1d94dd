"""Fits of short-term plasticity to amplitudes of trains, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from synfwp import checks, units
from synfwp.inference.engine import Parameter
from synfwp.inference.model_fits import LARGE, Array, ModelFit, counted, fitted_model, in_one_unit
from synfwp.plasticity import SpikeResponse
from synfwp.plasticity.spike_response import sigmoids
from synfwp.spiking.short_term import ShortTerm, shares

# bounds, unit and scale of the search
SHORT_TERM = {
    "U": Parameter("U", 1e-3, 1.0),
    "tau_rec": Parameter("tau_rec", 1.0, 1e4, "ms", log=True),
    "tau_facil": Parameter("tau_facil", 0.1, 5e3, "ms", log=True),
    "A": Parameter("A", 0.0, np.inf, "unit of the data"),
}


def fit_short_term(
    times: Any,
    amplitudes: Any,
    train: Any = None,
    *,
    sem: Any = None,
    cells: Any = None,
    model: str = "tsodyks_markram",
    kernels: int = 1,
    fixed: Mapping[str, float] | None = None,
    starts: int = 20,
    intervals: str = "profile",
    level: float = 0.95,
    draws: int = 1000,
    seed: Any = 0,
    threads: int | None = 1,
) -> ModelFit:
    """Short-term plasticity fitted to the amplitudes of one or several trains at once, each from rest.

    Parameters
    ----------
    times : (points,) array_like
        Spike times, ms, increasing within each train.
    amplitudes : (points,) array_like
        Amplitudes of the responses.
    train : (points,) array_like or None
        Label of the train of each point; trains are the conditions that are left out. None: all are one train.
    sem : (points,) array_like or None
        Standard errors of the amplitudes. None: equal and unknown ones.
    cells : int, (points,) array_like or None
        Cells, at least 3, from which each standard error was estimated: see `synfwp.inference.engine`. None: standard
        errors are taken as known.
    model : "tsodyks_markram" or "spike_response"
        `ShortTerm` (``U``, ``tau_rec``, ``tau_facil`` in ms, amplitude ``A`` of full release), or
        :class:`synfwp.plasticity.SpikeResponse` (``baseline``, ``a_1``, ``tau_1``, ..., ``A``).
    kernels : int
        Parts of the kernel of ``"spike_response"``.
    fixed : dict of str to float
        Parameters that are not free.
    starts : int
        Random starts.
    intervals : "profile", "bootstrap" or "none"
    level : float
    draws : int
        Of the bootstrap.
    seed : int
    threads : int or None
        As of `synfwp.fit`.

    Returns
    -------
    ModelFit

    Raises
    ------
    ValueError, TypeError
        For arrays that do not fit each other, or unknown names.

    Examples
    --------
    >>> import synfwp as fw
    >>> table = fw.load_table("kohus2016_trains")
    >>> found = fit_short_term(table.t_spike_ms, table.amplitude_rel, table.train_hz, starts=4)
    >>> found.table().round(2).loc["U", ["value", "low", "high"]].tolist(), found.table().constrained["tau_facil"]
    ([0.13, 0.11, 0.15], np.False_)
    """
    amplitudes, sem = in_one_unit(amplitudes=amplitudes, sem=sem)
    at, data = (
        units.array(times, "ms", "times", ndim=1),
        units.array(amplitudes, "1", "amplitudes", -LARGE, LARGE, ndim=1),
    )
    if at.shape != data.shape:
        raise ValueError(f"times has {len(at)} entries but amplitudes {len(data)}; pass one amplitude per spike.")
    labels = np.zeros(len(at)) if train is None else np.asarray(train)
    if labels.shape != at.shape:
        raise ValueError(f"train has shape {labels.shape} but times {at.shape}; pass one label per spike.")
    places = [np.flatnonzero(labels == label) for label in dict.fromkeys(labels.tolist())]
    for one in places:
        if (np.diff(at[one]) < 0).any():
            raise ValueError(f"times of train {labels[one[0]]} do not increase; pass spikes of a train in order.")
    checks.one_of("model", model, ("tsodyks_markram", "spike_response"))
    make, known, share = _tsodyks() if model == "tsodyks_markram" else _response(checks.count("kernels", kernels))

    def columns(values: Mapping[str, float]) -> Array:
        found = np.empty(len(at))
        for one in places:
            found[one] = share(values, at[one])
        return found[:, None]

    errors = None if sem is None else units.array(sem, "1", "sem", 1 / LARGE, LARGE, ndim=1)
    counts = counted(cells, data)
    how = starts, intervals, level, draws, seed, threads
    found = fitted_model(known, fixed, columns, ("A",), data, errors, counts, labels, make, how)
    return replace(found, at={"time (ms)": at.copy()})


def _tsodyks() -> tuple[Any, dict[str, Parameter], Any]:
    """How a rule is made of values, the parameters, and what it releases."""

    def make(values: Mapping[str, float]) -> ShortTerm:
        return ShortTerm(U=values["U"], tau_rec=values["tau_rec"], tau_facil=values["tau_facil"])

    def share(values: Mapping[str, float], times: Array) -> Array:
        return shares(np.diff(times, prepend=times[:1]), values["U"], values["tau_rec"], values["tau_facil"])

    return make, dict(SHORT_TERM), share


def _response(parts: int) -> tuple[Any, dict[str, Parameter], Any]:
    """The same for a kernel of so many parts."""
    known = {"baseline": Parameter("baseline", -10.0, 10.0)}
    for j in range(1, parts + 1):
        known[f"a_{j}"] = Parameter(f"a_{j}", -1e4, 1e4, "ms")
        known[f"tau_{j}"] = Parameter(f"tau_{j}", 1.0, 1e4, "ms", log=True)

    def make(values: Mapping[str, float]) -> SpikeResponse:
        return SpikeResponse(
            baseline=values["baseline"],
            amplitudes=tuple(values[f"a_{j}"] for j in range(1, parts + 1)),
            taus=tuple(values[f"tau_{j}"] for j in range(1, parts + 1)),
        )

    def share(values: Mapping[str, float], times: Array) -> Array:
        one = range(1, parts + 1)
        return sigmoids(times, values["baseline"], tuple(values[f"a_{j}"] for j in one),
                        tuple(values[f"tau_{j}"] for j in one))  # fmt: skip

    return make, known | {"A": SHORT_TERM["A"]}, share
