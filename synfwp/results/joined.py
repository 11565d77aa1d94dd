"""Runs of one simulation, one after the other, as one; and the weights of a run as a matrix."""

import itertools
import json
from typing import Any

import numpy as np
import scipy.sparse
import xarray as xr

from synfwp import checks

GRID = 'results of one grid are merged by xarray: xr.combine_by_coords([a, b], combine_attrs="drop_conflicts")'


def join(*runs: xr.Dataset) -> xr.Dataset:
    """Runs of one simulation, cut in time, as the one run that they are.

    It is for runs one after the other. Results of one grid (other loads, other seeds) are merged by xarray, along their
    own dims: ``xr.combine_by_coords([a, b], combine_attrs="drop_conflicts")``.

    Parameters
    ----------
    *runs : xarray.Dataset
        As `Simulation.run` returns them, in their order; each goes on where the one before has ended. Arrays of dask
        stay lazy.

    Returns
    -------
    xarray.Dataset
        Spikes and recorded variables one after the other, each along its own time; weights at the start of the first
        and at the end of the last run. Equal to one run of the whole duration, bit by bit.

    Raises
    ------
    TypeError, ValueError
        If one is no run of a circuit, did not end, or does not go on from the one before: a gap, another order,
        another circuit or seed, or weights that were set in between.

    Examples
    --------
    >>> from synfwp.spiking import Circuit, SpikeSource
    >>> simulation = Circuit([], [SpikeSource(1, [1.0, 7.0], [0, 0], name="cue")]).start()
    >>> ds = join(simulation.run(5.0), simulation.run(5.0))
    >>> ds.spike_time.values.tolist(), ds.attrs["stop"]
    ([0.001, 0.007], 0.01)
    """
    if not runs:
        raise ValueError("join got nothing; pass two runs or more.")
    for place, one in enumerate(runs):
        _check_run(one, f"run {place}")
    for place, (before, after) in enumerate(itertools.pairwise(runs)):
        _check_follows(before, after, f"run {place}", f"run {place + 1}")
    first, last = runs[0], runs[-1]
    variables: dict[Any, xr.Variable] = {}
    for name in dict.fromkeys(name for one in runs for name in one.variables):
        parts = [one.variables[name] for one in runs if name in one.variables]
        grows = next((dim for dim in parts[0].dims[:1] if _grows(str(dim))), None)
        if grows is not None:
            _same_shape(str(name), parts)
            variables[name] = xr.Variable.concat([part.to_base_variable() for part in parts], grows)
        elif str(name).endswith("_end") and name in last.data_vars:
            variables[name] = last.variables[name]
        elif str(name).endswith("_start") and name in first.data_vars:
            variables[name] = first.variables[name]
        else:
            variables[name] = _equal(str(name), parts)
    coords = {name for one in runs for name in one.coords}
    found = xr.Dataset(
        {name: x for name, x in variables.items() if name not in coords},
        {name: x for name, x in variables.items() if name in coords},
        first.attrs | {name: last.attrs[name] for name in ("stop", "state_stop", "changes") if name in last.attrs},
    )
    told = [one.attrs.get("parameters") for one in runs]
    if len(set(told)) > 1:  # rates, drives or gates that a restored circuit has otherwise
        found.attrs["parameters_of_runs"] = json.dumps([json.loads(str(one)) for one in told])
    return found


def weights(ds: xr.Dataset, projection: str, when: str = "end") -> np.ndarray | scipy.sparse.csr_array:
    """The weights of a plastic projection before or after a run, as a matrix.

    Parameters
    ----------
    ds : xarray.Dataset
        As `Circuit.run` returns it, or from a file. Other projections have the weights that they were built with.
    projection : str
    when : "end" or "start"
        Of the run.

    Returns
    -------
    (n_pre, n_post) array, or scipy.sparse.csr_array
        A sparse array where the projection has a list of synapses; the caller's own.

    Raises
    ------
    ValueError
        If the Dataset has no such weights.

    Examples
    --------
    >>> import synfwp as fw
    >>> rule = fw.plasticity.pair(A_plus=0.1, A_minus=0.0, tau_plus=20.0, tau_minus=20.0)
    >>> pre, post = (fw.SpikeSource(1, [t], [0], name=name) for t, name in ((10.0, "pre"), (30.0, "post")))
    >>> ds = fw.Circuit([fw.Projection(pre, post, 0.5, plasticity=rule)]).run(50.0)
    >>> weights(ds, "pre_to_post", "start").item(), round(weights(ds, "pre_to_post").item(), 4)
    (0.5, 0.5368)
    """
    when = checks.one_of("when", when, ("start", "end"))
    name = f"W_{projection}_{when}"
    there = [str(one)[2 : -len(when) - 1] for one in ds.data_vars if _is_weight(str(one), when, ds)]
    if not isinstance(projection, str) or name not in ds:
        known = checks.suggest(projection, there) if there else "this run has no plastic projection."
        raise ValueError(
            f"the Dataset has no weights {name!r}; only those of plastic projections are kept, others are as they were "
            f"built: {known}"
        )
    values = ds[name]
    if values.ndim == 2:
        return np.array(values.transpose(f"pre_{projection}", f"post_{projection}").values)
    pre, post = (ds.get(f"{side}_{projection}") for side in ("pre", "post"))
    if pre is None or post is None:
        raise ValueError(f"{name!r} has no coordinates pre_{projection} and post_{projection}; run the circuit again.")
    shape = int(values.attrs["n_pre"]), int(values.attrs["n_post"])
    starts = np.concatenate([[0], np.cumsum(np.bincount(pre.values, minlength=shape[0]))])
    order = np.argsort(pre.values, kind="stable")
    return scipy.sparse.csr_array((values.values[order], post.values[order].copy(), starts), shape=shape)


def _grows(dim: str) -> bool:
    """Whether a dim grows in time: that of the spikes, and that of each recorded variable."""
    return dim == "spike" or dim.startswith("time_")


def _is_weight(name: str, when: str, ds: xr.Dataset) -> bool:
    """Whether a variable holds all weights of a projection."""
    return name.startswith("W_") and name.endswith(f"_{when}") and "n_pre" in ds[name].attrs


def _check_run(ds: Any, which: str) -> None:
    """A finished run of a circuit."""
    if not isinstance(ds, xr.Dataset):
        raise TypeError(f"{which} is a {type(ds).__name__}; pass Datasets, one by one: join(a, b, c).")
    if "spike_time" not in ds:
        raise ValueError(
            f"{which} has no spike_time; pass what Simulation.run of this version returned. join is for runs of one "
            f"simulation, one after the other; {GRID}."
        )
    lacks = [name for name in ("start", "stop", "state_start", "state_stop", "seed") if name not in ds.attrs]
    if lacks:
        raise ValueError(
            f"{which} has no attribute {lacks[0]!r}; pass what Simulation.run of this version returned. join is for "
            f"runs one after the other; {GRID}."
        )
    if not ds.attrs.get("complete", 1):
        raise ValueError(f"{which} was interrupted, so nothing goes on from it; restore a state that was saved.")


def _check_follows(before: xr.Dataset, after: xr.Dataset, one: str, other: str) -> None:
    """One run begins in the state in which the other has ended."""
    if before.attrs["state_stop"] == after.attrs["state_start"]:
        return
    for name, what in (("seed", "seed"), ("parameters", "circuit")):
        if before.attrs.get(name) != after.attrs.get(name):
            text = f": {before.attrs[name]} and {after.attrs[name]}" if name == "seed" else ""
            raise ValueError(f"{one} and {other} differ in their {what}{text}; join the runs of one; {GRID}.")
    stop, start = before.attrs["stop"], after.attrs["start"]
    if stop != start:
        kind = "there is a gap" if start > stop else "they overlap, or their order is another"
        raise ValueError(f"{one} ends at {stop:g} s and {other} starts at {start:g} s: {kind}; join them in order.")
    raise ValueError(
        f"{other} does not start from the state in which {one} ended: it is of a circuit with other weights, or "
        "weights were set in between; join runs of one simulation."
    )


def _same_shape(name: str, parts: list[xr.Variable]) -> None:
    """Parts that differ in nothing but their first dim."""
    kinds = {(part.dims, part.shape[1:], part.dtype.str) for part in parts}
    if len(kinds) > 1:
        raise ValueError(f"{name} has other neurons or components in one run than in another; record the same in all.")


def _equal(name: str, parts: list[xr.Variable]) -> xr.Variable:
    """What is the same in all runs."""
    if not all(parts[0].equals(part) for part in parts[1:]):
        raise ValueError(f"{name} is not the same in all runs; record the same neurons or synapses in all.")
    return parts[0]
