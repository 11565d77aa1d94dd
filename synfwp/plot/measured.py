"""What measures and sweeps give: voltage, tuning, RDMs, lags, paired seeds, maps, spectra and contributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from synfwp import checks
from synfwp.plot import inputs, page, parts
from synfwp.plot.page import on

Array = np.ndarray


def voltage(
    v: Any,
    ax: Axes | None = None,
    *,
    spikes: Any = None,
    population: str | None = None,
    neuron: int = 0,
    variable: str = "v",
    peak: float = 20.0,
    window: tuple[float, float] | None = None,
) -> Axes:
    """Membrane potential of a neuron, with a vertical stroke at each of its spikes.

    Parameters
    ----------
    v : DataArray (time, neuron), Dataset of a run, or brian2.StateMonitor
        Of a Dataset ``variable`` is taken, such as "v_cells".
    ax : Axes
        Where to draw; a new single-column figure if not given.
    spikes : Dataset, (time, unit) arrays in s, or brian2.SpikeMonitor
        None: those of the Dataset, if v is one.
    population : str
        Of the spikes; may be left out where there is one.
    neuron : int
        Index within the population; v has it in its coordinate, or in this place.
    variable : str
    peak : float
        Upper end of the strokes, in the unit of v.
    window : (start, stop), s

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If there is no such variable, neuron or population.

    Examples
    --------
    >>> v = xr.DataArray([[-60.0], [-50.0]], dims=("time", "neuron"), coords={"time": [0.0, 0.001], "neuron": [0]})
    >>> ax = voltage(v.assign_attrs(units="mV"), spikes=([0.001], [0]))
    >>> ax.get_ylabel(), len(ax.collections)
    ('membrane potential (mV)', 1)
    """
    da = inputs.states(v, variable, "voltage")
    time = next((str(dim) for dim in da.dims if str(dim).startswith("time")), None)
    if time is None or da.ndim > 2:
        raise ValueError(f"v has dimensions {da.dims}; pass (time, neuron).")
    one = _row(da, time, neuron)
    t = da[time].values if time in da.coords else np.arange(da.sizes[time])
    source = v if spikes is None and isinstance(v, xr.Dataset) else spikes
    fired = np.zeros(0)
    if source is not None:
        found = inputs.spikes(source, "voltage")
        at, unit, _ = found.of(inputs.chosen(found, population, "voltage"))
        fired = at[unit == neuron]
    with on(ax) as ax:
        ax.plot(t, one, color="black", linewidth=0.7)
        near = np.searchsorted(t, fired).clip(0, len(t) - 1)
        inside = (fired >= t[0]) & (fired <= t[-1])
        ax.vlines(fired[inside], one[near][inside], peak, color="black", linewidth=0.7)
        ax.set_xlim(*(window or (t[0], t[-1])))
        ax.set_xlabel("time (s)")
        ax.set_ylabel(parts.with_unit("membrane potential", str(da.attrs.get("units", "mV"))))
    return ax


def tuning(curves: xr.Dataset, ax: Axes | None = None, *, neurons: Sequence[int] = (0,)) -> Axes:
    """Mean responses against the stimulus, with standard errors.

    Parameters
    ----------
    curves : Dataset
        As `synfwp.measures.tuning_curves` gives it.
    ax : Axes
    neurons : sequence of int

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If variables are missing, or a neuron is not there.

    Examples
    --------
    >>> from synfwp import measures
    >>> ax = tuning(measures.tuning_curves([[1.0], [3.0], [8.0], [8.0]], [0.0, 0.0, 90.0, 90.0]))
    >>> ax.lines[0].get_ydata().tolist()
    [2.0, 8.0]
    """
    response, error = (parts.take(curves, name, "tuning") for name in ("response", "response_error"))
    stimulus = response["stimulus"].values
    numeric = stimulus.dtype.kind in "iuf"
    x = stimulus if numeric else np.arange(len(stimulus))
    with on(ax) as ax:
        for i, neuron in enumerate(neurons):
            at = checks.count("neurons", neuron, 0, response.sizes["neuron"] - 1)
            mean, sem = (one.isel(neuron=at).values for one in (response, error))
            ax.errorbar(x, mean, sem, color=f"C{i}", marker="o", elinewidth=0.6, label=f"neuron {at}")
        if not numeric:
            ax.set_xticks(x, [parts.spell(name) for name in stimulus])
        ax.set_ylim(bottom=min(0.0, ax.get_ylim()[0]))
        ax.set_xlabel(parts.label(response["stimulus"], "stimulus"))
        ax.set_ylabel(parts.label(response, "response"))
        if len(neurons) > 1:
            page.legend(ax)
    return ax


def lagged(
    found: xr.Dataset, ax: Axes | None = None, *, nulls: Sequence[str] = ("shift", "shuffle"), unit: str = ""
) -> Axes:
    """Correlation of two traces against their lag, and what 95 % of the nulls stay within.

    Parameters
    ----------
    found : Dataset
        As `synfwp.measures.lagged_correlation` gives it.
    ax : Axes
    nulls : sequence of str
        Which of them.
    unit : str
        Of the lag.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If a variable or a null is missing.

    Examples
    --------
    >>> from synfwp import measures
    >>> x = np.random.default_rng(0).standard_normal(200)
    >>> ax = lagged(measures.lagged_correlation(x, np.roll(x, 3), max_lag=5))
    >>> line = ax.lines[0]
    >>> float(line.get_xdata()[line.get_ydata().argmax()])
    3.0
    """
    correlation, limit = (parts.take(found, name, "lagged") for name in ("correlation", "limit"))
    known = [str(name) for name in found["null"].values]
    with on(ax) as ax:
        ax.plot(found["lag"], correlation, color="black")
        for i, name in enumerate(nulls):
            level = float(limit.sel(null=checks.one_of("null", name, known)))
            for sign in (-1, 1):
                text = f"95 % of {parts.spell(name)}s" if sign > 0 else None
                ax.axhline(sign * level, color=f"C{i}", linewidth=0.7, linestyle=(0, (3, 2)), label=text)
        ax.axvline(0.0, color="0.45", linewidth=0.5, zorder=0)
        ax.set_xlabel(parts.with_unit("lag", unit or str(found["lag"].attrs.get("units", ""))))
        ax.set_ylabel("correlation")
        page.legend(ax)
    return ax


def paired(scores: Mapping[str, Array] | xr.DataArray, ax: Axes | None = None, *, name: str = "score") -> Axes:
    """The same seeds (cells, animals) under several conditions: a line for each, and means with 95 % intervals.

    Parameters
    ----------
    scores : mapping of str to (n,) array, or DataArray (condition, seed)
        Of a DataArray the first dim is the condition.
    ax : Axes
    name : str
        Of the axis, with its unit.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If conditions have other numbers of seeds.

    Examples
    --------
    >>> ax = paired({"Hebb": [0.5, 0.6, 0.4], "delta": [0.8, 0.9, 0.8]}, name="recall")
    >>> len(ax.lines) >= 3, ax.get_ylabel()
    (True, 'recall')
    """
    if isinstance(scores, xr.DataArray):
        name = parts.label(scores, str(scores.name or name))
        labels = parts.names(scores, str(scores.dims[0]))
        named = [str(i if one is None else one) for i, one in enumerate(labels)]
        scores = dict(zip(named, scores.values, strict=True))
    table = np.array([checks.array(str(key), row, ndim=1) for key, row in scores.items()])
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError(f"scores have shape {table.shape}; pass at least two seeds of each condition, equally many.")
    x, n = np.arange(len(table)), table.shape[1]
    from scipy import stats

    half = stats.t.ppf(0.975, n - 1) * table.std(axis=1, ddof=1) / n**0.5
    with on(ax) as ax:
        ax.plot(x, table, color="0.7", linewidth=0.6, zorder=1)
        page.points(ax, x, table.mean(axis=1), half, colour="black")
        ax.set_xticks(x, [parts.spell(one) for one in scores])
        ax.set_xlim(-0.5, len(x) - 0.5)
        ax.set_ylabel(name)
    return ax


def _row(da: xr.DataArray, time: str, neuron: int) -> Array:
    """One neuron over time."""
    other = next((str(dim) for dim in da.dims if dim != time), None)
    if other is None:
        return np.asarray(da.values, float)
    if other in da.coords:
        known = [int(x) for x in np.asarray(da[other].values)]
        if neuron not in known:
            raise ValueError(f"neuron {neuron} was not recorded; these were: {known[:20]}.")
        return np.asarray(da.isel({other: known.index(neuron)}).transpose(time).values, float)
    return np.asarray(da.isel({other: checks.count("neuron", neuron, 0, da.sizes[other] - 1)}).values, float)
