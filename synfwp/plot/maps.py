"""Images and planes: RDMs, sweeps over two parameters, spectra and contributions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from synfwp import checks
from synfwp.plot import parts
from synfwp.plot.page import on

Array = np.ndarray


def rdm(matrix: Array, ax: Axes | None = None, *, labels: Sequence[Any] | None = None, name: str = "distance") -> Axes:
    """A representational dissimilarity matrix as an image.

    Parameters
    ----------
    matrix : (n, n) array
        As `synfwp.measures.rdm` gives it.
    ax : Axes
    labels : sequence
        Names of the conditions.
    name : str
        Text at the colour bar.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If the matrix is not square, or there are not as many labels.

    Examples
    --------
    >>> ax = rdm([[0.0, 1.0], [1.0, 0.0]], labels=["a", "b"])
    >>> ax.images[0].get_array().tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    D = checks.array("matrix", matrix, ndim=2)
    if D.shape[0] != D.shape[1]:
        raise ValueError(f"matrix has shape {D.shape}; pass a square one.")
    if labels is not None and len(labels) != len(D):
        raise ValueError(f"labels are {len(labels)} for {len(D)} conditions; pass one for each.")
    with on(ax) as ax:
        image = ax.imshow(D, cmap="viridis", vmin=0.0)
        ax.spines[["top", "right"]].set_visible(True)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_label_text("condition")
            if labels is None:
                parts.whole_ticks(axis)
            else:
                axis.set_ticks(range(len(D)), [parts.spell(one) for one in labels])
        parts.colour_bar(ax, image, name)
    return ax


def sweep_map(da: xr.DataArray, ax: Axes | None = None, *, x: str | None = None, y: str | None = None) -> Axes:
    """A quantity over two parameters of a sweep, averaged over seeds.

    Parameters
    ----------
    da : DataArray
        Along two parameters, and ``seed`` if it has that.
    ax : Axes
    x, y : str
        Parameters along either axis; the two dims in their order if not given.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If there are other dims.

    Examples
    --------
    >>> dims = ("beta", "decay", "seed")
    >>> ax = sweep_map(xr.DataArray(np.ones((2, 3, 4)), dims=dims, coords={"beta": [0.1, 1.0]}, name="recall"))
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('beta', 'decay')
    """
    parts.require(da, xr.DataArray, "sweep_map")
    mean = da.mean("seed") if "seed" in da.dims else da
    dims = [str(dim) for dim in mean.dims]
    x = x or next((dim for dim in dims if dim != y), None)
    y = y or next((dim for dim in dims if dim != x), None)
    if x is None or y is None or {x, y} != set(dims):
        raise ValueError(f"the data has dimensions {dims}; choose two with .sel(...) or .mean(...).")
    grid = parts.grid(mean, y, x)
    with on(ax) as ax:
        image = ax.imshow(grid.values, origin="lower", aspect="auto", cmap="viridis")
        ax.spines[["top", "right"]].set_visible(True)
        for axis, dim in ((ax.xaxis, x), (ax.yaxis, y)):
            values = grid[dim].values if dim in grid.coords else np.arange(grid.sizes[dim])
            every = -(-len(values) // 6)
            names = [f"{one:g}" if values.dtype.kind in "iuf" else parts.spell(one) for one in values[::every]]
            axis.set_ticks(range(0, len(values), every), names)
            axis.set_label_text(parts.label(grid[dim], dim) if dim in grid.coords else parts.spell(dim))
        parts.colour_bar(ax, image, parts.label(da, str(da.name or "value")))
    return ax


def spectrum(eigenvalues: Any, ax: Axes | None = None, *, colour_by: str = "transition") -> Axes:
    """Eigenvalues of transitions in the complex plane, with the unit circle: outside of it W grows.

    Parameters
    ----------
    eigenvalues : Dataset of `synfwp.spectra`, or complex array
        Of a Dataset every transition has its shade; the first trial is shown.
    ax : Axes
    colour_by : str
        The dim whose entries have shades.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If there are no eigenvalues.

    Examples
    --------
    >>> ax = spectrum(np.array([1.0, 0.5 + 0.5j]))
    >>> ax.collections[0].get_offsets().tolist()
    [[1.0, 0.0], [0.5, 0.5]]
    """
    if isinstance(eigenvalues, xr.Dataset):
        real, imag = (parts.take(eigenvalues, f"eigenvalue_{part}", "spectrum") for part in ("real", "imag"))
        first = {dim: 0 for dim in real.dims if dim not in (colour_by, "mode")}
        re, im = (one.isel(first).transpose(colour_by, "mode").values for one in (real, imag))
    else:
        z = np.atleast_2d(np.asarray(eigenvalues, complex))
        if not z.size or not np.isfinite(z).all():
            raise ValueError("eigenvalues are empty or not finite; pass complex numbers.")
        re, im = z.real, z.imag
    shade = np.repeat(np.arange(len(re)), re.shape[1])
    with on(ax) as ax:
        angle = np.linspace(0, 2 * np.pi, 200)
        image = ax.scatter(re.ravel(), im.ravel(), c=shade, s=6, cmap="viridis", linewidths=0, zorder=3)
        ax.plot(np.cos(angle), np.sin(angle), color="0.45", linewidth=0.7)
        ax.set_aspect("equal")
        ax.set_xlabel("real part")
        ax.set_ylabel("imaginary part")
        if len(re) > 1:
            parts.colour_bar(ax, image, parts.spell(colour_by))
    return ax


def contributions(da: xr.DataArray, ax: Axes | None = None) -> Axes:
    """What every write still contributes to the reads after it: reads across, writes down.

    Parameters
    ----------
    da : (time, source) DataArray or array
        Rows are reads, as `synfwp.attention` or `synfwp.spectra` gives them.
    ax : Axes

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If it is no matrix of finite numbers.

    Examples
    --------
    >>> ax = contributions(np.tril(np.ones((3, 3))))
    >>> ax.images[0].get_clim()
    (-1.0, 1.0)
    """
    A = checks.array("contributions", getattr(da, "values", da), ndim=2)
    top = float(np.abs(A).max(initial=0.0)) or 1.0
    with on(ax) as ax:
        image = ax.imshow(A.T, cmap="RdBu_r", vmin=-top, vmax=top, aspect="auto", interpolation="nearest")
        ax.spines[["top", "right"]].set_visible(True)
        for axis, name in ((ax.xaxis, "token that reads"), (ax.yaxis, "token that wrote")):
            axis.set_label_text(name)
            parts.whole_ticks(axis)
        parts.colour_bar(ax, image, "contribution")
    return ax
