"""The missing cells of a sweep, run in batches and kept as these end."""

import json
import statistics
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tqdm import tqdm

from synfwp import checks, threads, workers
from synfwp.sweeps import encoding
from synfwp.sweeps.encoding import Made, RemoteWork, Work
from synfwp.sweeps.journal import Journal
from synfwp.sweeps.points import Cell, Points

BATCH = 0.25  # seconds of a batch, more or less: what a kill can lose of each worker
MOST = 1000  # cells of a batch
SHARE = 4  # batches for each worker, at least


class Cost(NamedTuple):
    """What a sweep takes.

    Parameters
    ----------
    cells : int
        In all.
    kept : int
        Of these, on the disk.
    seconds : float
        For the others, by this many workers.
    bytes : float
        Of the numbers of all cells.
    workers : int

    Examples
    --------
    >>> print(Cost(1000, 20, 49.0, 80_000.0, 2))
    1000 cells, 20 of them kept; 980 to run: about 49 s on 2 workers, 80 kB of numbers
    """

    cells: int
    kept: int
    seconds: float
    bytes: float
    workers: int

    def __str__(self) -> str:
        where = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        kept = f", {self.kept} of them kept" if self.kept else ""
        return (
            f"{self.cells} cells{kept}; {self.cells - self.kept} to run: about {_time(self.seconds)} on {where}, "
            f"{_size(self.bytes)} of numbers"
        )


class Batch:
    """Cells that one worker is given at a time. Compared by identity: it is a task."""

    def __init__(self, cells: Sequence[Cell]):
        self.cells = cells

    def __reduce__(self) -> Any:
        return _calls, ([(cell.at, cell.seed) for cell in self.cells],)


def _calls(calls: list[Any]) -> list[Any]:
    """A batch as another process gets it."""
    return calls


class _Local(NamedTuple):
    """`Work` in this process, which is given a `Batch` itself."""

    work: Work

    def __call__(self, batch: Batch) -> list[Made]:
        return self.work([(cell.at, cell.seed) for cell in batch.cells])


class Batches:
    """Batches of missing cells, made as they are asked for: larger ones, the faster the cells that have ended."""

    def __init__(self, cells: Sequence[Cell], count: int):
        self.cells, self.at, self.count = cells, 0, count
        self.took: deque[float] = deque(maxlen=64)
        self.whole: deque[Batch] = deque()  # single cells of a batch whose worker died

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        if self.whole:
            return self.whole.popleft()
        if self.at >= len(self.cells):
            raise StopIteration
        left = len(self.cells) - self.at
        wanted = BATCH / max(statistics.median(self.took), 1e-6) if self.took else 1
        n = max(1, min(int(wanted), MOST, left // (SHARE * self.count)))
        self.at += n
        return Batch(self.cells[self.at - n : self.at])


def run(journal: Journal, points: Points, work: Work, missing: Sequence[Cell], on: Any, count: int | None) -> None:
    """Run cells and keep them; each batch is on the disk before it counts.

    Raises
    ------
    ValueError
        If cells differ in shape.
    """
    total, many = len(points), worker_count(on, count)
    batches, first = Batches(missing, many), _First(journal, points)
    task = sent(work, on)
    done = total - len(missing)
    with tqdm(total=total, initial=done, desc="sweep", unit="cell", disable=None, leave=False) as bar:
        failed = 0
        for batch, found in _every(task, batches, on, count):
            if isinstance(found, workers.Lost):
                found = [Made("", b"", f"RuntimeError: {found.reason}", 0.0)]
            journal.keep(
                (cell.key, json.dumps(points.label(cell)), cell.seed, made)
                for cell, made in zip(batch.cells, found, strict=True)
            )
            first.check(batch.cells, found)
            if not batches.took and not bar.disable:
                cost = estimate(points, done, found[0], many)
                bar.write(str(cost), file=sys.stderr)
            batches.took.extend(made.seconds for made in found)
            failed += sum(bool(made.error) for made in found)
            if failed:
                bar.set_postfix_str(f"{failed} failed")
            bar.update(len(found))


def _every(task: Callable[[Any], Any], batches: Batches, on: Any, count: int | None) -> Iterator[Any]:
    """Batches as they end; of one whose worker died each time, the cells one by one."""
    while True:
        for batch, found in workers.as_completed(task, batches, on, count):
            if isinstance(found, workers.Lost) and len(batch.cells) > 1:
                batches.whole.extend(Batch([cell]) for cell in batch.cells)
            else:
                yield batch, found
        if not batches.whole:
            return


def sent(work: Work, on: Any) -> Any:
    """Work as the workers take it."""
    if workers.is_local(on):
        return _Local(work)
    return RemoteWork(workers.Sent.of(work, str(getattr(work.function, "__name__", "function"))))


class _First:
    """Compares every cell with the first that ended."""

    def __init__(self, journal: Journal, points: Points):
        self.points, self.texts = points, set(journal.schemas)
        self.schema: Any = None
        for text in self.texts:
            self.take(text, "kept cells")

    def check(self, cells: Sequence[Cell], found: Sequence[Made]) -> None:
        """An error for a cell of another shape."""
        for cell, made in zip(cells, found, strict=True):
            if not made.error and made.schema not in self.texts:
                self.texts.add(made.schema)
                self.take(made.schema, self.points.shown(cell))

    def take(self, text: str, which: str) -> None:
        """One more schema."""
        one = encoding.read_schema(text)
        try:
            self.schema = encoding.merged(self.schema, one) if self.schema else one
        except ValueError as error:
            raise ValueError(
                f"cells differ in shape ({which}): {error}. Cells that have ended are kept; let the function return "
                "the same shapes everywhere, by means, by histograms, or with results.padded."
            ) from None


def estimate(points: Points, kept: int, made: Made, many: int) -> Cost:
    """What is left to do, from one cell that was timed."""
    left = len(points) - kept
    return Cost(len(points), kept, made.seconds * left / min(many, max(left, 1)), len(made.data) * len(points), many)


def worker_count(on: Any, count: int | None) -> int:
    """How many cells run at once, as far as it is known before."""
    if count is not None:
        return checks.count("workers", count)
    if hasattr(on, "nthreads"):
        return max(sum(on.nthreads().values()), 1)
    return threads.processors()


def _time(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def _size(found: float) -> str:
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if found >= size:
            return f"{found / size:.3g} {unit}"
    return f"{found:.0f} B"


def fixed_work(function: Any, fixed: Mapping[str, Any], points: Points) -> Work:
    """What runs a cell."""
    return Work(function, dict(fixed), tuple(points.axes))
