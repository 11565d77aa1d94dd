"""The same circuit with several seeds, spread over threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from synfwp.spiking.simulation import Circuit, Simulation
from synfwp.spiking.wiring import Record
from synfwp.workers import ordered

if TYPE_CHECKING:
    import xarray as xr

T = TypeVar("T")


@overload
def replicates(
    circuit: Circuit,
    duration: Any,
    runs: Sequence[int] | range,
    keep: None = None,
    record: Record | Sequence[Record] = (),
    workers: int | None = None,
    on: Any = None,
) -> list[xr.Dataset]: ...


@overload
def replicates(
    circuit: Circuit,
    duration: Any,
    runs: Sequence[int] | range,
    keep: Callable[[Simulation, xr.Dataset], T],
    record: Record | Sequence[Record] = (),
    workers: int | None = None,
    on: Any = None,
) -> list[T]: ...


def replicates(
    circuit: Circuit,
    duration: Any,
    runs: Sequence[int] | range,
    keep: Callable[[Simulation, xr.Dataset], T] | None = None,
    record: Record | Sequence[Record] = (),
    workers: int | None = None,
    on: Any = None,
) -> list[Any]:
    """Run a circuit with several seeds, spread over threads (the kernel holds no lock).

    Parameters
    ----------
    circuit : Circuit
    duration : float
        ms.
    runs : sequence of int
        The seeds.
    keep : callable or None
        ``keep(simulation, dataset)`` is what is kept of each run; None keeps the Datasets.
    record : Record or sequence of Record
    workers : int or None
        Threads; None: one for each processor that this process may use. Results do not depend on it.
    on : None, str or distributed.Client
        Where the runs are: None or "threads", "processes", or a cluster, as of `sweep`. What is kept is sent back.

    Returns
    -------
    list
        In the order of ``runs``.

    Raises
    ------
    ValueError
        If ``workers`` is not at least 1.

    Examples
    --------
    >>> from synfwp.spiking import PoissonSource
    >>> source = Circuit([], [PoissonSource(10, 50.0)])
    >>> replicates(source, 100.0, range(3), keep=lambda simulation, ds: ds.sizes["spike"]) == [
    ...     source.run(100.0, seed=seed).sizes["spike"] for seed in range(3)
    ... ]
    True
    """

    def one(seed: int) -> Any:
        simulation = Simulation(circuit, seed)
        ds = simulation.run(duration, record)
        return ds if keep is None else keep(simulation, ds)

    return ordered(one, list(runs), on, workers)
