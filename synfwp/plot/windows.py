"""Rules of plasticity: windows, rates of pairs, and trains of short-term plasticity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from synfwp import checks, units
from synfwp.plasticity import protocols
from synfwp.plot import page, parts
from synfwp.plot.page import on

Array = np.ndarray
_SHOWN = 2000  # rows or columns of an image; more are averaged in blocks


def stdp_window(
    rules: Any,
    ax: Axes | None = None,
    *,
    dt: Sequence[float] | Array | None = None,
    n: int = 60,
    rate: float = 1.0,
    scale: float = 1.0,
    table: xr.Dataset | None = None,
    band: tuple[Array, Array] | None = None,
) -> Axes:
    """Change of a weight by pairs of spikes against their interval, of one or several rules, beside data.

    Parameters
    ----------
    rules : rule, or mapping of str to rule
        With ``dw(pre, post)``: `PairSTDP`, `TripletSTDP`, `CalciumPlasticity`, a row of spikes and so on.
    ax : Axes
    dt : sequence of float
        Intervals (ms), post minus pre; -100 to 100 if not given.
    n, rate : int, float
        Pairs, and pairs per second (Hz).
    scale : float
        What a change is divided by: the weight, for a row with absolute amplitudes.
    table : Dataset
        Data with ``dt_ms``, ``dw_mean`` (relative change) and, where known, ``dw_sem``, as `fw.read_table` and
        `fw.load_table` give it.
    band : (low, high)
        Of the first rule, relative changes at ``dt``, such as an interval of a fit.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        For what has no ``dw``, or arrays of another length.

    Examples
    --------
    >>> import synfwp as fw
    >>> ax = stdp_window(fw.PairSTDP("bi_poo"), dt=[-20.0, 20.0])
    >>> [bool(y < 0) for y in ax.lines[-1].get_ydata()]
    [True, False]
    """
    x = np.linspace(-100, 100, 201) if dt is None else checks.array("dt", dt, ndim=1)
    x = x[x != 0] if dt is None else x
    found = {name: np.array([_dw(rule, protocols.pairs(n=n, rate=rate, dt=one)) for one in x]) / scale
             for name, rule in _named(rules).items()}  # fmt: skip
    with on(ax) as ax:
        _zero(ax)
        ax.axvline(0.0, color="0.45", linewidth=0.5, zorder=0)
        if band is not None:
            low, high = (checks.array("band", one, ndim=1) for one in band)
            ax.fill_between(x, 100 * low, 100 * high, color="C0", alpha=0.25, linewidth=0)
        for i, (name, y) in enumerate(found.items()):
            _both_sides(ax, x, 100 * y, f"C{i}", name)
        if table is not None:
            at, dw = (parts.take(table, name, "stdp_window").values for name in ("dt_ms", "dw_mean"))
            sem = 100 * table["dw_sem"].values if "dw_sem" in table else None
            page.points(ax, at, 100 * dw, sem, label="data", colour="black")
        ax.set_xlabel("post - pre (ms)")
        ax.set_ylabel("change of weight (%)")
        if len(found) > 1 or table is not None:
            page.legend(ax)
    return ax


def frequency_dependence(
    rules: Any,
    ax: Axes | None = None,
    *,
    rates: Sequence[float] = (0.1, 1, 5, 10, 20, 30, 40, 50),
    dt: Sequence[float] = (10.0, -10.0),
    n: int = 60,
    scale: float = 1.0,
) -> Axes:
    """Change of a weight by pairs of spikes against the rate of the pairs.

    Parameters
    ----------
    rules : rule, or mapping of str to rule
    ax : Axes
    rates : sequence of float
        Hz.
    dt : sequence of float
        Intervals (ms), post minus pre; a line for each, dashed where post comes first.
    n : int
        Pairs.
    scale : float
        What a change is divided by.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        For what has no ``dw``, or a protocol that does not fit (an interval longer than the time between pairs).

    Examples
    --------
    >>> import synfwp as fw
    >>> ax = frequency_dependence(fw.TripletSTDP("visual_cortex"), rates=[10.0, 40.0], dt=[10.0])
    >>> low, high = ax.lines[-1].get_ydata()
    >>> bool(low < high)
    True
    """
    x = checks.array("rates", rates, ndim=1)
    with on(ax) as ax:
        _zero(ax)
        several = _named(rules)
        for i, (name, rule) in enumerate(several.items()):
            for gap in dt:
                y = [_dw(rule, protocols.pairs(n=n, rate=rate, dt=gap)) / scale for rate in x]
                label = f"{parts.spell(name)}, " * (len(several) > 1) + f"{gap:+g} ms"
                style = "-" if gap > 0 else (0, (3, 2))
                ax.plot(x, 100 * np.array(y), color=f"C{i}", linestyle=style, marker="o", label=label)
        ax.set_xlabel("rate of pairs (Hz)")
        ax.set_ylabel("change of weight (%)")
        page.legend(ax)
    return ax


def short_term(
    synapses: Any,
    ax: Axes | None = None,
    *,
    rate: float = 20.0,
    n: int = 8,
    recovery: float | None = 500.0,
    data: tuple[Array, Array] | tuple[Array, Array, Array] | None = None,
) -> Axes:
    """Amplitudes of responses to a train of presynaptic spikes, and to one after a pause.

    Parameters
    ----------
    synapses : ShortTerm, or mapping of str to ShortTerm
        Relative to their first response.
    ax : Axes
    rate : float
        Hz.
    n : int
        Spikes of the train.
    recovery : float
        Pause after the train (ms); None leaves the last response out.
    data : (times, amplitudes) or (times, amplitudes, errors)
        ms, and relative to the first.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        For other synapses, or numbers out of range.

    Examples
    --------
    >>> import synfwp as fw
    >>> ax = short_term(fw.ShortTerm(U=0.5, tau_rec=800.0, tau_facil=20.0), n=3, recovery=None)
    >>> ax.lines[-1].get_ydata().round(2).tolist()
    [1.0, 0.55, 0.31]
    """
    step = 1e3 / units.number(rate, "Hz", "rate", 0, above=True)
    times = step * np.arange(checks.count("n", n))
    if recovery is not None:
        times = np.append(times, times[-1] + units.number(recovery, "ms", "recovery", 0, above=True))
    several = _named(synapses)
    with on(ax) as ax:
        for i, (name, one) in enumerate(several.items()):
            if not hasattr(one, "amplitudes"):
                raise TypeError(f"synapses hold a {type(one).__name__}; pass ShortTerm, or a mapping of them.")
            y = one.amplitudes(times)
            ax.plot(times, y / y[0], color=f"C{i}", marker="o", label=parts.spell(name))
        if data is not None:
            page.points(ax, *data, label="data", colour="black")
        ax.set_ylim(bottom=0)
        ax.set_xlabel("time (ms)")
        ax.set_ylabel("amplitude (of the first)")
        if len(several) > 1 or data is not None:
            page.legend(ax)
    return ax


def _named(x: Any) -> dict[str, Any]:
    return dict(x) if isinstance(x, Mapping) else {str(getattr(x, "name", "") or type(x).__name__): x}


def _dw(rule: Any, protocol: Any) -> float:
    if not callable(getattr(rule, "dw", None)):
        raise TypeError(f"rule is a {type(rule).__name__}; pass one with a method dw(pre, post).")
    return float(rule.dw(protocol.pre, protocol.post))


def _zero(ax: Axes) -> None:
    ax.axhline(0.0, color="0.45", linewidth=0.5, zorder=0)


def _both_sides(ax: Axes, x: Array, y: Array, colour: str, name: str) -> None:
    """A line that is not drawn across an interval of 0, where a window jumps."""
    order = np.argsort(x)
    x, y = x[order], y[order]
    if (x < 0).any() and (x > 0).any() and len(x) > 2:
        at = int(np.searchsorted(x, 0.0))
        x, y = np.insert(x, at, 0.0), np.insert(y, at, np.nan)
    ax.plot(x, y, color=colour, label=parts.spell(name))
