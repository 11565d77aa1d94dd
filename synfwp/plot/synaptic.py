"""Synapses: weights before and after, matrices, wiring, windows and trains of plasticity rules."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse
import xarray as xr
from matplotlib.axes import Axes

from synfwp import checks, results
from synfwp.plot import page, parts
from synfwp.plot.page import on

Array = np.ndarray
_SHOWN = 2000  # rows or columns of an image; more are averaged in blocks


def weight_histogram(
    weights: Any, ax: Axes | None = None, *, projection: str | None = None, bins: int = 40, unit: str = ""
) -> Axes:
    """Distribution of the weights of a projection before and after a run.

    Parameters
    ----------
    weights : Dataset of a run, or mapping of str to array
        Of a run: those of a plastic projection at its start and end. A mapping has names and weights of any shape;
        sparse arrays count by their stored entries.
    ax : Axes
        Where to draw; a new single-column figure if not given.
    projection : str
        Of a run.
    bins : int
    unit : str
        Of the weights of a mapping; a Dataset has its own.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If there are no weights, or one is not finite.

    Examples
    --------
    >>> ax = weight_histogram({"before": [0.5, 0.5], "after": [0.1, 0.9]}, bins=4)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['before', 'after']
    """
    if isinstance(weights, xr.Dataset):
        name = _projection(weights, projection)
        unit = str(weights[f"W_{name}_end"].attrs.get("units", ""))
        weights = {"before": results.weights(weights, name, "start"), "after": results.weights(weights, name)}
    if not isinstance(weights, Mapping) or not weights:
        raise TypeError(f"weights is a {type(weights).__name__}; pass the Dataset of a run, or a mapping of arrays.")
    flat = {name: _stored(name, w) for name, w in weights.items()}
    low, high = (f([f(w) for w in flat.values()]) for f in (np.min, np.max))
    edges = np.linspace(low, high if high > low else low + 1.0, checks.count("bins", bins) + 1)
    with on(ax) as ax:
        for i, (name, w) in enumerate(flat.items()):
            share = np.histogram(w, edges)[0] / len(w)
            ax.stairs(share, edges, fill=i == 0, color="0.75" if i == 0 else f"C{i - 1}", label=parts.spell(name))
        ax.set_xlabel(parts.with_unit("weight", unit))
        ax.set_ylabel("share of synapses")
        ax.set_ylim(bottom=0)
        page.legend(ax)
    return ax


def weight_matrix(
    W: Any, ax: Axes | None = None, *, unit: str = "", limit: float | None = None, order: Array | None = None
) -> Axes:
    """Weights of a projection as an image, presynaptic neurons down and postsynaptic ones across.

    Parameters
    ----------
    W : (n_pre, n_post) array, sparse array, or DataArray (pre, post)
        As `fw.weights` returns it. Colours are centred on 0 if signs differ, and start at 0 else. Of more than 2000
        neurons of a side, means of blocks are shown.
    ax : Axes
    unit : str
    limit : float
        Largest absolute value of the colours; the largest of W if not given.
    order : (n_pre,) integer array
        Presynaptic neurons from the top to the bottom.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If W is no matrix of finite numbers, or order no order of its rows.

    Examples
    --------
    >>> ax = weight_matrix(np.array([[0.0, 2.0], [1.0, 0.0], [3.0, 1.0]]), unit="nS")
    >>> ax.images[0].get_clim(), ax.get_ylabel()
    ((0.0, 3.0), 'presynaptic neuron')
    """
    if isinstance(W, xr.DataArray):
        unit = unit or str(W.attrs.get("units", ""))
        W = W.values
    dense = W.toarray() if scipy.sparse.issparse(W) else checks.array("W", W, ndim=2)
    if order is not None:
        if not np.array_equal(np.sort(order), np.arange(len(dense))):
            raise ValueError(f"order is no order of {len(dense)} rows; pass each index once.")
        dense = dense[np.asarray(order)]
    top = float(np.abs(dense).max(initial=0.0)) or 1.0
    top = top if limit is None else checks.number("limit", limit, 0.0, above=True)
    signed = bool((dense < 0).any())
    shown = _blocks(_blocks(dense, 0), 1)
    n_pre, n_post = dense.shape
    with on(ax) as ax:
        image = ax.imshow(
            shown, cmap="RdBu_r" if signed else "viridis", vmin=-top if signed else 0.0, vmax=top, aspect="auto",
            extent=(-0.5, n_post - 0.5, n_pre - 0.5, -0.5), interpolation="nearest",
        )  # fmt: skip
        ax.spines[["top", "right"]].set_visible(True)
        for axis, name in ((ax.xaxis, "postsynaptic neuron"), (ax.yaxis, "presynaptic neuron")):
            axis.set_label_text(name)
            parts.whole_ticks(axis)
        beyond = "max" if np.abs(dense).max(initial=0.0) > top else "neither"
        parts.colour_bar(ax, image, parts.with_unit("weight", unit), "both" if signed and beyond == "max" else beyond)
    return ax


def connectivity(circuit: Any, ax: Axes | None = None) -> Axes:
    """Who projects to whom: the number of synapses per postsynaptic neuron between the groups of a circuit.

    Parameters
    ----------
    circuit : Circuit
    ax : Axes

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        If it is no circuit.

    Examples
    --------
    >>> import synfwp as fw
    >>> ax = connectivity(fw.ei_network(100, inputs=20))
    >>> [text.get_text() for text in ax.get_yticklabels()]
    ['E', 'I']
    """
    if not all(hasattr(circuit, name) for name in ("groups", "projections")):
        raise TypeError(f"circuit is a {type(circuit).__name__}; pass a Circuit.")
    groups = [one.name for one in circuit.groups]
    targets = [name for name in groups if any(p.post.name == name for p in circuit.projections)]
    counts = np.full((len(groups), len(targets)), np.nan)
    for p in circuit.projections:
        at = groups.index(p.pre.name), targets.index(p.post.name)
        counts[at] = np.nan_to_num(counts[at]) + p.n_synapses / p.post.n
    sources = [i for i in range(len(groups)) if np.isfinite(counts[i]).any()]
    with on(ax) as ax:
        image = ax.imshow(counts[sources], cmap="Blues", vmin=0, aspect="auto")
        ax.spines[["top", "right"]].set_visible(True)
        ax.set_xticks(range(len(targets)), [parts.spell(name) for name in targets])
        ax.set_yticks(range(len(sources)), [parts.spell(groups[i]) for i in sources])
        ax.set_xlabel("to")
        ax.set_ylabel("from")
        parts.colour_bar(ax, image, "synapses per neuron")
    return ax


def _projection(ds: xr.Dataset, name: str | None) -> str:
    """The plastic projection that is meant."""
    there = [str(one)[2:-4] for one in ds.data_vars if str(one).startswith("W_") and str(one).endswith("_end")]
    if name is None and len(there) == 1:
        return there[0]
    if name is None:
        names = ", ".join(map(repr, there)) or "none: this run has no plastic one"
        raise ValueError(f"pass projection, one of {names}.")
    return checks.one_of("projection", name, there)


def _stored(name: str, w: Any) -> Array:
    flat = np.asarray(w.data if scipy.sparse.issparse(w) else w, float).ravel()
    if not len(flat) or not np.isfinite(flat).all():
        raise ValueError(f"weights {name!r} are empty or not finite; pass finite numbers.")
    return flat


def _blocks(x: Array, axis: int) -> Array:
    """Means of blocks along an axis that is too long to be shown."""
    n = x.shape[axis]
    size = -(-n // _SHOWN)
    if size == 1:
        return x
    starts = np.arange(0, n, size)
    lengths = np.diff(np.append(starts, n))
    return np.add.reduceat(x, starts, axis) / (lengths[:, None] if axis == 0 else lengths)
