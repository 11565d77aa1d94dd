"""The same circuit with several seeds, spread over threads."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from synfwp import checks
from synfwp.spiking.simulation import Simulation
from synfwp.spiking.wiring import Circuit, Record

T = TypeVar("T")


def replicates(
    circuit: Circuit,
    duration: Any,
    runs: Sequence[int] | range,
    keep: Callable[[Simulation, Any], T] | None = None,
    record: Record | Sequence[Record] = (),
    workers: int | None = None,
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
        Threads; None: one for each core. Results do not depend on it.

    Returns
    -------
    list
        In the order of ``runs``.

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

    count = os.cpu_count() or 1 if workers is None else checks.count("workers", workers)
    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(one, list(runs)))
