"""Sweeps: a function over a grid, on threads, processes or a cluster, with every finished cell on the disk."""

from __future__ import annotations

import functools
import hashlib
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import xarray as xr

from synfwp import checks, programs, results, settings
from synfwp.sweeps import running, state, stores
from synfwp.sweeps.journal import Journal
from synfwp.sweeps.points import Cell, Points, check_call, recorded
from synfwp.sweeps.running import Cost

STORE = "sweep.zarr"


class _Plan(NamedTuple):
    """A call that was checked."""

    function: Callable[..., Any]
    name: str
    points: Points
    fixed: dict[str, Any]
    state: str
    store: Path | None

    @property
    def journal(self) -> Path | None:
        """The file of the kept cells."""
        return None if self.store is None else self.store.with_name(f"{self.store.name}.cells")

    def missing(self, journal: Journal, retry: bool) -> list[Cell]:
        """Cells to run."""
        known = journal.known()
        return [cell for cell in self.points.all() if cell.key not in known or (retry and known[cell.key] is None)]


def sweep(
    function: Callable[..., Any] | str,
    grid: Mapping[str, Any],
    *,
    seeds: Any = 1,
    fixed: Mapping[str, Any] | None = None,
    paired: Any = ("rule",),
    on: Any = None,
    workers: int | None = None,
    store: Any = STORE,
    retry: bool = False,
    changed: str = "refuse",
) -> xr.Dataset:
    """Run a function for every point of a grid and every seed; keep each cell as it ends, and run only missing ones.

    The seed of a cell is a hash of its parameters and of the number of its replicate, so another grid point changes no
    other cell. Every cell uses one thread: numbers are the same bits for any number of workers, in any order, and after
    a sweep that was killed and started again.

    Parameters
    ----------
    function : callable or str
        Called with the names of ``grid`` and ``fixed``, and with ``seed`` (an int). It returns a Dataset, a mapping of
        numbers or as `results.dataset` takes it, an array or a number, of the same shape in every cell. A model or an
        analysis may be given by its name.
    grid : mapping of name to sequence, or to mapping of label to value
        The dims of the result and the arguments of the function. Values that are no numbers or texts need labels:
        ``{"network": {"LIF": fw.SpikingNetwork(), "rates": fw.RateNetwork()}}``.
    seeds : int, sequence of int or None
        Number of replicates, or their numbers: the dim ``seed``. None: there is no such dim, and no seed is passed.
    fixed : mapping, optional
        Further arguments, the same for all cells.
    paired : sequence of str
        Dims that are no part of the seed, so that cells which differ in them alone get the same draws.
    on : None, str or distributed.Client
        None or "threads" (right for kernels, which hold no lock), "processes" (right for plain Python), a client of
        `dask.distributed` or the address of its scheduler, or "slurm", "pbs", "sge", by dask-jobqueue.
    workers : int or None
        How many threads, processes or jobs; None: one for each processor, or all workers of a client.
    store : path or None
        A folder in Zarr, with the cells in a file beside it, whose name ends in ``.cells``. None keeps nothing.
    retry : bool
        Run the cells that failed once more.
    changed : "refuse", "again" or "mix"
        What becomes of kept cells if the function, a fixed setting or a package has changed since: an error, they are
        dropped, or they are kept beside new ones, with a warning and the attribute ``states``.

    Returns
    -------
    xarray.Dataset
        Variables with the dims of ``grid`` and ``seed`` in front of their own. ``failure`` holds the last line of the
        error of each cell that failed, whose numbers are NaN (`sweeps.failures` gives the traceback);
        ``seed_of_cell`` what the function got. Names that the sweep has itself get ``_in_cell`` behind them. Results of
        more than 256 MiB are read when they are used.

    Raises
    ------
    TypeError, ValueError
        For an unknown name in the grid, an empty grid, a value or a function that cannot be hashed or sent, cells that
        differ in shape, or kept cells of another state.
    OSError
        If the store cannot be written, is full, or is written by another sweep.
    ConnectionError
        If the scheduler of a cluster is gone.

    Warns
    -----
    RuntimeWarning
        If cells failed, or cells of several states are mixed.

    Examples
    --------
    >>> def overlap(d, seed):
    ...     x, y = np.random.default_rng(seed).standard_normal((2, d))
    ...     return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
    >>> import numpy as np
    >>> ds = sweep(overlap, {"d": [10, 1000]}, seeds=50, store=None)
    >>> ds.result.dims, ds.result.std("seed").round(1).values.tolist()
    (('d', 'seed'), [0.3, 0.0])
    """
    _needed()
    plan = _plan(function, grid, seeds, fixed, paired, store)
    with Journal(plan.journal) as journal:
        states = state.admit(journal, plan.state, changed, plan.journal)
        missing = plan.missing(journal, retry)
        if missing:
            work = running.fixed_work(plan.function, plan.fixed, plan.points)
            running.run(journal, plan.points, work, missing, on, workers)
        attrs = recorded(plan.points, plan.name, plan.fixed)
        attrs |= {
            "state": hashlib.sha256(plan.state.encode()).hexdigest()[:16],
            "seconds": float(f"{journal.seconds():.3g}"),
        }
        if states > 1:
            attrs["states"] = states
            checks.warn(f"{plan.journal} holds cells of {states} states of function, settings or packages.")
        ds = stores.write(journal, plan.points, plan.store, attrs)
    n = int((ds.failure != "").sum())
    if n:
        first = str(ds.failure.values[ds.failure.values != ""][0])
        checks.warn(f"{n} of {len(plan.points)} cells failed ({first}); retry=True (--retry) runs them once more.")
    return ds


def cost(
    function: Callable[..., Any] | str,
    grid: Mapping[str, Any],
    *,
    seeds: Any = 1,
    fixed: Mapping[str, Any] | None = None,
    workers: int | None = None,
    store: Any = STORE,
) -> Cost:
    """What a sweep would take, from one missing cell that runs here, twice; nothing is kept.

    The first run compiles, the second is timed. If their numbers differ, the function draws without its seed.

    Parameters
    ----------
    function : callable or str
        As of `sweep`.
    grid : mapping of name to sequence
        As of `sweep`.
    seeds : int or sequence of int
        As of `sweep`.
    fixed : mapping or None
        As of `sweep`.
    workers : int or None
        By how many the seconds are divided.
    store : path or None
        As of `sweep`.

    Returns
    -------
    Cost
        Cells, those that are kept, seconds, bytes.

    Raises
    ------
    RuntimeError
        If the cell fails.

    Warns
    -----
    RuntimeWarning
        If both runs give other numbers.

    Examples
    --------
    >>> cost(lambda d, seed: d + 0.5, {"d": [1, 2]}, seeds=10, store=None).cells
    20
    """
    plan = _plan(function, grid, seeds, fixed, (), store)
    known: Mapping[bytes, Any] = {}
    if plan.journal is not None and plan.journal.exists():
        with Journal(plan.journal) as journal:
            known = journal.known()
    missing = [cell for cell in plan.points.all() if cell.key not in known]
    many = running.worker_count(None, workers)
    if not missing:
        return Cost(len(plan.points), len(plan.points), 0.0, 0.0, many)
    work = running.fixed_work(plan.function, plan.fixed, plan.points)
    first, second = (work.one(missing[0].at, missing[0].seed) for _ in range(2))
    for made in (first, second):
        if made.error:
            raise RuntimeError(f"the cell {plan.points.shown(missing[0])} fails:\n{made.error}")
    if first.data != second.data:
        checks.warn(f"{plan.name} gives other numbers when the same cell runs again; let it draw from its seed alone.")
    return running.estimate(plan.points, len(plan.points) - len(missing), second, many)


def failures(store: Any = STORE) -> dict[str, str]:
    """The tracebacks of the cells of a sweep that failed.

    Parameters
    ----------
    store : path

    Returns
    -------
    dict of str to str
        Labels of a cell, as JSON, and its traceback.

    Raises
    ------
    FileNotFoundError
        If there are no cells.

    Examples
    --------
    >>> failures("nowhere.zarr")
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere.zarr.cells does not exist; pass the store of a sweep.
    """
    path = Path(store)
    path = path.with_name(f"{path.name}.cells")
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; pass the store of a sweep.")
    with Journal(path) as journal:
        return dict(journal.failures())


def _plan(function: Any, grid: Any, seeds: Any, fixed: Any, paired: Any, store: Any) -> _Plan:
    """A checked call."""
    fixed = dict(fixed or {})
    code, name = "", ""
    if isinstance(function, str):
        name = function
        function, grid, fixed, code = _program(function, grid, fixed)
    elif not callable(function):
        raise TypeError(f"function is {checks.short(function)}; pass a function, or the name of a program.")
    points = Points(grid, seeds, paired)
    names = [axis.name for axis in points.axes if seeds is None or axis.name != "seed"]
    if not name:
        check_call(function, names, fixed, seeds is not None)
    name = name or str(getattr(function, "__name__", type(function).__name__))
    path = None if store is None else Path(store)
    if path is not None:
        if "://" in str(store):
            raise ValueError(f"store is {checks.short(str(store))}; pass a folder of this machine.")
        stores.check_store(path, path.with_name(f"{path.name}.cells"))
    return _Plan(function, name, points, fixed, state.state_of(function, fixed, code), path)


def _program(name: str, grid: Any, fixed: dict[str, Any]) -> tuple[Any, Any, dict[str, Any], str]:
    """A program as a function, with its settings read, and a hash of its code."""
    known = programs.settings(name)
    quick = bool(fixed.pop("quick", False))
    fixed = settings.read_all(known, fixed, f"program {name!r}")
    found: dict[str, Any] = {}
    for key, values in grid.items() if isinstance(grid, Mapping) else ():
        settings.read_all(
            known, dict.fromkeys([key], known[key].default) if key in known else {key: 0}, f"program {name!r}"
        )
        read = [known[key].read(value) for value in values]
        plain = all(isinstance(x, int | float | str) for x in read)
        found[key] = read if plain else {known[key].shown(x): x for x in read}
    code = results.code_of(programs.load_program(name).main)
    return functools.partial(programs.run, name, quick), found or grid, fixed, code


def _needed() -> None:
    """The optional package of every sweep."""
    try:
        importlib.import_module("zarr")
    except ImportError:
        raise ImportError('a sweep needs zarr; install it with pip install "synfwp[sweep]".') from None
