"""How well a system does: recall by substrate, learning curves, and fractions against a condition of the test."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from synfwp.checks import number
from synfwp.plot import parts
from synfwp.plot.colours import COLOURS
from synfwp.plot.page import legend, on

RULE_STYLES = {  # one colour and one marker per rule, the same in every figure
    "hebb": ("blue", "o"),
    "delta": ("vermillion", "s"),
    "anti_hebb": ("green", "^"),
    "gated_delta": ("orange", "D"),
    "gated_hebb": ("purple", "v"),
    "leaky_hebb": ("sky", "P"),
    "key_gated_delta": ("black", "X"),
}


def recall(ds: xr.Dataset, ax: Axes | None = None, *, variable: str = "accuracy") -> Axes:
    """Accuracy by substrate and rule: each seed a point, the mean of several a bar, chance a dashed line.

    Parameters
    ----------
    ds : Dataset
        ``accuracy`` (fractions, drawn in %) with the dimension ``substrate`` and optionally ``rule`` and ``seed``;
        what was not run is NaN. Optionally ``chance``, one fraction.
    ax : Axes
        Where to draw; a new single-column figure if not given.
    variable : str
        Another variable of fractions to draw in its place, with its ``long_name`` as the label.

    Returns
    -------
    matplotlib.axes.Axes
        Those that were drawn on.

    Raises
    ------
    ValueError
        If the variable is missing, lies outside 0 to 1, or has other dimensions.

    Examples
    --------
    >>> cells = {"accuracy": (("substrate", "seed"), [[1.0, 0.9], [0.8, 0.8]]), "chance": 0.25}
    >>> ax = recall(xr.Dataset(cells, coords={"substrate": ["exact", "rate"]}))
    >>> ax.collections[0].get_offsets()[:, 1].tolist(), ax.get_ylabel()
    ([100.0, 90.0, 80.0, 80.0], 'accuracy (%)')
    """
    values = parts.percent(ds, variable, "recall")
    if "substrate" not in values.coords or "substrate" not in values.dims:
        raise ValueError(f"{variable} has dimensions {values.dims}; pass one 'substrate' with names as its coordinate.")
    cells = parts.grid(values, "rule", "substrate", "seed")
    rules = parts.names(values, "rule")
    substrates = [parts.spell(name) for name in cells["substrate"].values]
    with on(ax) as ax:
        if "chance" in ds:
            parts.dashed(ax, float(parts.along(ds, "chance", None, "recall") * 100), "chance")
        for index, cell in enumerate(cells.values):
            _group(ax, cell, 0.8 / len(cells), index - (len(cells) - 1) / 2, rules[index], index)
        ax.set_xticks(range(len(substrates)), [name.replace(" ", "\n") for name in substrates])
        ax.set_xlim(-0.5, len(substrates) - 0.5)
        ax.set_ylim(0, 105)
        ax.set_xlabel("substrate")
        name = variable if variable == "accuracy" else ds[variable].attrs.get("long_name", variable)
        ax.set_ylabel(f"{parts.spell(name)} (%)")
        legend(ax)
    return ax


def _group(ax: Axes, cell: np.ndarray, width: float, place: float, rule: str | None, index: int) -> None:
    """One rule at every substrate: the seeds side by side within ``width``, and a bar at their mean."""
    colour, marker = _style(rule, index)
    centre = np.arange(len(cell)) + place * width
    run = np.isfinite(cell)
    place_of_seed = (np.cumsum(run, axis=1) - 0.5) / np.maximum(run.sum(axis=1, keepdims=True), 1) - 0.5
    x = centre[:, None] + 0.7 * width * place_of_seed
    ax.scatter(
        x[run],
        cell[run],
        s=8,
        color=colour,
        marker=marker,
        alpha=0.8,
        linewidths=0,
        clip_on=False,
        zorder=3,
        label=None if rule is None else parts.spell(rule),
    )
    several = run.sum(axis=1) > 1
    centre, mean = centre[several], np.nanmean(cell[several], axis=1)
    ax.hlines(mean, centre - 0.42 * width, centre + 0.42 * width, color=colour, linewidth=0.9, clip_on=False)


def learning_curve(
    ds: xr.Dataset,
    ax: Axes | None = None,
    *,
    variable: str | None = None,
    log: bool | None = None,
    reference: float | None = None,
    reference_label: str = "reference",
) -> Axes:
    """Loss or accuracy against the training step, one colour per rule; several seeds are thin lines under their mean.

    Parameters
    ----------
    ds : Dataset
        ``loss`` or ``accuracy`` (fractions, drawn in %) with the dimension ``step`` and optionally ``rule``, ``seed``.
    ax : Axes
        Where to draw; a new single-column figure if not given.
    variable : str
        ``"loss"`` where there is one, otherwise ``"accuracy"``.
    log : bool
        Logarithmic y; if not given, for everything but accuracy.
    reference : float
        Height of a dashed line, in the unit of the variable (a fraction for accuracy).
    reference_label : str
        Its entry in the legend.

    Returns
    -------
    matplotlib.axes.Axes
        Those that were drawn on.

    Raises
    ------
    ValueError
        If the variable is missing, has other dimensions, or is not positive on a logarithmic axis.

    Examples
    --------
    >>> ax = learning_curve(xr.Dataset({"loss": ("step", [2.0, 0.5, 0.1])}, coords={"step": [0, 10, 20]}))
    >>> ax.lines[0].get_xydata().tolist(), ax.get_yscale()
    ([[0.0, 2.0], [10.0, 0.5], [20.0, 0.1]], 'log')
    """
    parts.require(ds, xr.Dataset, "learning_curve")
    variable = variable or ("accuracy" if "loss" not in ds and "accuracy" in ds else "loss")
    fraction = variable == "accuracy"
    values = (parts.percent if fraction else parts.take)(ds, variable, "learning_curve")
    if "step" not in values.dims:
        raise ValueError(f"{variable} has dimensions {values.dims}; pass it along 'step', the training step.")
    curves = parts.grid(values, "rule", "seed", "step")
    log = not fraction if log is None else log
    if log and (curves <= 0).any():
        raise ValueError(f"{variable} holds values of 0 or less, which have no logarithm; pass log=False.")
    with on(ax) as ax:
        if reference is not None:
            parts.dashed(ax, number("reference", reference) * (100 if fraction else 1), reference_label)
        for index, rule in enumerate(parts.names(values, "rule")):
            _curve(ax, curves[index], rule, index)
        if log:
            _log_scale(ax)
        ax.set_xlabel("training step")
        ax.set_ylabel("accuracy (%)" if fraction else parts.label(values, variable))
        legend(ax)
    return ax


def against(
    ds: xr.Dataset,
    ax: Axes | None = None,
    *,
    variable: str,
    along: str,
    reference: float | None = None,
    reference_label: str = "chance",
) -> Axes:
    """Fractions (in %) against a condition of the test, one colour and marker per rule; seeds as thin lines.

    Parameters
    ----------
    ds : Dataset
        ``variable`` (fractions, NaN where nothing was measured) with the dimension ``along``, whose coordinate has a
        ``long_name`` and units, and optionally ``rule`` and ``seed``.
    ax : Axes
        Where to draw; a new single-column figure if not given.
    variable, along : str
        What is drawn, and the dimension that it is drawn against.
    reference : float
        Fraction at which a dashed line is drawn.
    reference_label : str
        Its entry in the legend.

    Returns
    -------
    matplotlib.axes.Axes
        Those that were drawn on.

    Raises
    ------
    ValueError
        If the variable is missing, lies outside 0 to 1, or has other dimensions.

    Examples
    --------
    >>> lags = {"lag": ("lag", [1, 3], {"long_name": "lag", "units": "items"})}
    >>> ax = against(xr.Dataset({"hits": ("lag", [1.0, 0.5])}, coords=lags), variable="hits", along="lag")
    >>> ax.lines[0].get_ydata().tolist(), ax.get_xlabel(), ax.get_ylabel()
    ([100.0, 50.0], 'lag (items)', 'hits (%)')
    """
    values = parts.percent(ds, variable, "against")
    if along not in values.dims:
        raise ValueError(f"{variable} has dimensions {values.dims}; pass it along {along!r}.")
    curves = parts.grid(values, "rule", "seed", along)
    with on(ax) as ax:
        if reference is not None:
            parts.dashed(ax, 100 * number("reference", reference), reference_label)
        for index, rule in enumerate(parts.names(values, "rule")):
            _curve(ax, curves[index], rule, index, along, marker=_style(rule, index)[1], clip_on=False)
        ax.set_ylim(0, 105)
        if curves[along].dtype.kind in "iu":
            parts.whole_ticks(ax.xaxis)
        ax.set_xlabel(parts.label(curves[along], along))
        ax.set_ylabel(f"{parts.spell(ds[variable].attrs.get('long_name', variable))} (%)")
        legend(ax)
    return ax


def _curve(ax: Axes, curve: xr.DataArray, rule: str | None, index: int, along: str = "step", **line: Any) -> None:
    """The mean over seeds of one rule, and under it each seed where there are several."""
    colour, _ = _style(rule, index)
    x, seeds = curve[along].values, curve.values
    if len(seeds) > 1:
        ax.plot(x, seeds.T, color=colour, linewidth=0.4, alpha=0.4)
    name = None if rule is None else parts.spell(rule)
    ax.plot(x, seeds.mean(axis=0), color=colour, label=name, zorder=3, **line)


def _log_scale(ax: Axes) -> None:
    """A logarithmic y axis with plain numbers: exponents would be smaller than 5 pt."""
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _style(rule: str | None, index: int) -> tuple[str, str]:
    """Colour and marker of a rule: its own, or those of its place."""
    colour, marker = RULE_STYLES.get(rule or "", list(RULE_STYLES.values())[index % len(RULE_STYLES)])
    return COLOURS[colour], marker
