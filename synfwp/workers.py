"""Where work is run: in threads, in processes of their own, on a cluster of Dask, or by a queue such as Slurm.

One list of tasks, one answer for each, whoever runs them: a worker that dies has its tasks run by others, and a task
that ends its worker each time is handed back as `Lost`. Every task uses one thread, wherever it runs, so that the last
bits of its numbers do not depend on that.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent import futures
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, NamedTuple, TypeVar

from threadpoolctl import threadpool_limits

from synfwp import checks, threads

Item = TypeVar("Item")
Found = TypeVar("Found")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
QUEUES = {"slurm": "SLURMCluster", "pbs": "PBSCluster", "sge": "SGECluster"}
NAMED = ("threads", "processes", *QUEUES)
TRIES = 3  # of a task whose worker dies
QUEUED = 2  # tasks for each worker that wait beside those that run
PATIENCE = "30s"  # for a scheduler to answer
HOW = (
    "pass None or 'threads', 'processes', a client of dask.distributed or the address of its scheduler "
    "('tcp://...'), or 'slurm', 'pbs' or 'sge'"
)
_LOCAL = threading.local()


class Lost(NamedTuple):
    """What is left of a task whose worker died each time: why."""

    reason: str


def as_completed(
    work: Callable[[Item], Found],
    items: Iterable[Item],
    on: Any = None,
    workers: int | None = None,
    name: str = "workers",
) -> Iterator[tuple[Item, Found | Lost]]:
    """Every item with ``work(item)``, as they end; items are taken one by one, as workers become free.

    Parameters
    ----------
    work : callable
        Of a module, where other processes run it.
    items : iterable
    on : None, str or distributed.Client
        None and "threads": threads of this process; "processes": spawned ones; a client or the address of a scheduler:
        the workers of that cluster; "slurm", "pbs", "sge": jobs of that queue, by the settings of dask-jobqueue.
    workers : int or None
        None: one for each processor that this process may use, or all that a client has.
    name : str
        What a message calls ``workers``.

    Yields
    ------
    tuple
        Item, and result or `Lost`.

    Raises
    ------
    ConnectionError
        If the scheduler of a cluster is gone.
    Exception
        The first that ``work`` raises.
    """
    with _pool(on, workers, name) as pool:
        if isinstance(pool, _Serial):
            yield from ((item, work(item)) for item in items)
            return
        yield from _spread(pool, work, iter(items))


def each(work: Callable[[Item], Found], items: Sequence[Item], on: Any, workers: int | None = None) -> Iterator[Found]:
    """``work(item)`` of every item, as they end; ``on`` and ``workers`` as in `as_completed`. Any function is sent.

    Raises
    ------
    RuntimeError
        If a task ended its worker each time.

    Examples
    --------
    >>> sorted(each(abs, [-1, 2], "threads"))
    [1, 2]
    """
    return (found for _, found in _each(work, items, on, workers, "workers"))


def ordered(
    work: Callable[[Item], Found], items: Sequence[Item], on: Any = None, workers: int | None = None,
    name: str = "workers",
) -> list[Found]:  # fmt: skip
    """``work(item)`` of every item, in their order, as `each`; without ``on`` in the threads of `synfwp.threads`.

    Examples
    --------
    >>> ordered(abs, [-1, 2])
    [1, 2]
    """
    if on is None:
        return threads.each(work, items, workers, name)
    found = dict(_each(work, items, on, workers, name))
    return [found[i] for i in range(len(items))]


def _each(work: Callable[[Item], Found], items: Sequence[Item], on: Any, workers: int | None, name: str) -> Any:
    """Number and result of each item, as they end."""
    task: Any = _Here(work) if is_local(on) else _Numbered(Sent.of(work, "the work"))
    for (i, _), one in as_completed(task, enumerate(items), on, workers, name):
        if isinstance(one, Lost):
            raise RuntimeError(f"task {i} of {len(items)} did not end: {one.reason}")
        yield i, one


def is_local(on: Any) -> bool:
    """Whether tasks run in this process.

    Examples
    --------
    >>> is_local(None), is_local("processes")
    (True, False)
    """
    return on is None or on == "threads"


class Sent(NamedTuple):
    """An object on its way to other processes, which take it apart once: functions of notebooks too."""

    data: bytes

    @classmethod
    def of(cls, value: Any, what: str) -> "Sent":
        """The object as bytes.

        Raises
        ------
        TypeError
            If it cannot be sent; ``what`` names it.
        """
        try:
            import cloudpickle as way
        except ImportError:
            import pickle as way  # type: ignore[no-redef]
        try:
            return cls(way.dumps(value))
        except Exception as error:
            reason = " ".join(str(error).split())
            raise TypeError(
                f"{what} cannot be sent to another process ({type(error).__name__}: {reason}); let it open files and "
                "make locks and connections itself, or pass on='threads'."
            ) from None

    def value(self) -> Any:
        """The object; the same one for all tasks of a process."""
        import pickle

        if getattr(_LOCAL, "data", None) != self.data:
            _LOCAL.found, _LOCAL.data = pickle.loads(self.data), self.data
        return _LOCAL.found


class _Here(NamedTuple):
    """The work of `each`, in this process."""

    work: Callable[[Any], Any]

    def __call__(self, pair: tuple[int, Any]) -> Any:
        return self.work(pair[1])


class _Numbered(NamedTuple):
    """The work of `each`, in another process."""

    sent: Sent

    def __call__(self, pair: tuple[int, Any]) -> Any:
        return self.sent.value()(pair[1])


# pools ----------------------------------------------------------------------------------------------------------------


class _Serial(NamedTuple):
    """No pool: the thread that asks works itself."""


class _Pool:
    """An executor, how many tasks it can hold, and what to do when a worker of it dies."""

    def __init__(self, make: Callable[[], Any], room: Callable[[], int], deaths: tuple[type[BaseException], ...]):
        self.make, self.room, self.deaths = make, room, deaths
        self.executor = make()

    def renew(self) -> None:
        """Another executor, if this one has broken."""
        if isinstance(self.executor, futures.ProcessPoolExecutor):
            self.executor.shutdown(wait=False, cancel_futures=True)
            self.executor = self.make()

    def close(self, now: bool) -> None:
        """The end; ``now`` drops what has not begun."""
        if isinstance(self.executor, futures.ThreadPoolExecutor | futures.ProcessPoolExecutor):
            self.executor.shutdown(wait=not now, cancel_futures=now)
        else:  # that of a client cancels what it does not wait for
            self.executor.shutdown(wait=not now)


@contextlib.contextmanager
def _pool(on: Any, workers: int | None, name: str) -> Iterator[Any]:
    """What ``on`` stands for, with one thread for each task."""
    count = None if workers is None else checks.count(name, workers)
    local = count or threads.processors()
    if is_local(on):
        with threadpool_limits(1):
            if local == 1:
                with threads.thread_limit(1):
                    yield _Serial()
            else:
                yield from _closed(_Pool(lambda: futures.ThreadPoolExecutor(local, "synfwp"), lambda: local, ()))
    elif on == "processes":
        with _one_thread():
            make = lambda: futures.ProcessPoolExecutor(local, get_context("spawn"), _begin)  # noqa: E731
            yield from _closed(_Pool(make, lambda: local, (BrokenProcessPool,)))
    else:
        with _client(on, count) as client:
            from distributed.scheduler import KilledWorker

            started = lambda: client.get_executor(pure=False, retries=0)  # noqa: E731
            yield from _closed(_Pool(started, _capacity(client), (KilledWorker,)))


def _closed(pool: _Pool) -> Iterator[_Pool]:
    """A pool that ends with the block: at once, if an error or an interrupt ends it."""
    try:
        yield pool
    except BaseException:
        pool.close(now=True)
        raise
    pool.close(now=False)


@contextlib.contextmanager
def _client(on: Any, workers: int | None) -> Iterator[Any]:
    """A client of dask.distributed: the one that was given, or one of an address, or one of a queue."""
    with contextlib.ExitStack() as stack:
        if isinstance(on, str):
            if on not in QUEUES and "://" not in on:
                raise ValueError(f"on is {checks.short(on)}; {HOW}.")
            distributed = _imported("distributed", "sweep")
            if on in QUEUES:
                on = stack.enter_context(_queue(on, workers))
            on = stack.enter_context(distributed.Client(on, timeout=PATIENCE, set_as_default=False))
        elif not hasattr(on, "get_executor") and hasattr(on, "get_client"):  # a cluster
            on = stack.enter_context(on.get_client())
        if not all(hasattr(on, name) for name in ("get_executor", "nthreads")):
            raise TypeError(f"on is {checks.short(on)}; {HOW}.")
        if getattr(on, "asynchronous", False):
            raise TypeError("on is an asynchronous client; pass one that was made without asynchronous=True.")
        if on.status != "running":
            raise ConnectionError(f"on is a client that is {on.status}; make a new one.")
        yield on


def _queue(name: str, workers: int | None) -> Any:
    """A cluster of dask-jobqueue, which knows cores, memory and partition from its own file of settings."""
    module = _imported("dask_jobqueue", "sweep,cluster")
    try:
        cluster = getattr(module, QUEUES[name])()
    except (ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(
            f"on is {name!r}, and dask-jobqueue lacks a setting ({reason}); write cores, memory and processes of a job "
            "into ~/.config/dask/jobqueue.yaml, or make the cluster yourself and pass its client."
        ) from None
    cluster.scale(workers or 1)
    return cluster


def _imported(module: str, extra: str) -> Any:
    """An optional package, or an error that names what to install."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError(f'on needs {module}; install it with pip install "synfwp[{extra}]".') from None


def _capacity(client: Any) -> Callable[[], int]:
    """How many tasks the workers of a client run at once; looked up once a second."""
    found = {"at": -1.0, "n": 1}

    def room() -> int:
        now = time.monotonic()
        if now > found["at"] + 1:
            with contextlib.suppress(OSError, futures.TimeoutError):
                found.update(at=now, n=max(sum(client.nthreads().values()), 1))
        return int(found["n"])

    return room


# tasks ----------------------------------------------------------------------------------------------------------------


def _spread(pool: _Pool, work: Callable[[Item], Found], items: Iterator[Item]) -> Iterator[tuple[Item, Found | Lost]]:
    """Tasks to workers, never many more than these; what a dead worker had is run again, at last alone."""
    running: dict[futures.Future, Item] = {}
    deaths: dict[int, int] = {}  # of an item, by its identity
    again: list[Item] = []
    suspects: list[Item] = []
    more = True
    while more or running or again or suspects:
        while (more or again) and len(running) < pool.room() * QUEUED:
            try:
                item = again.pop() if again else next(items)
            except StopIteration:
                more = False
                break
            _submit(pool, running, work, item)
        if not running and not again and suspects:
            _submit(pool, running, work, suspects.pop())
        if not running:
            continue
        done, _ = futures.wait(running, return_when=futures.FIRST_COMPLETED)
        ended = {future: running.pop(future) for future in done}
        broken = False
        for future, item in ended.items():
            try:
                found: Found | Lost = future.result()
            except pool.deaths as error:
                broken = True
                n = deaths[id(item)] = deaths.get(id(item), 0) + 1
                if n < TRIES:
                    (again if n < TRIES - 1 else suspects).append(item)
                    continue
                found = Lost(f"its worker died, {n} times ({type(error).__name__})")
            except futures.CancelledError:
                raise ConnectionError(
                    "the scheduler of on= is gone, with what was running; what has ended is kept: start a cluster and "
                    "run the same again."
                ) from None
            deaths.pop(id(item), None)
            yield item, found
        if broken:
            pool.renew()


def _submit(pool: _Pool, running: dict[futures.Future, Item], work: Callable[[Item], Any], item: Item) -> None:
    """One more task; a pool that broke meanwhile is made anew."""
    try:
        running[pool.executor.submit(_alone, work, item)] = item
    except BrokenProcessPool:
        pool.renew()
        running[pool.executor.submit(_alone, work, item)] = item


def _alone(work: Callable[[Item], Found], item: Item) -> Found:
    """One task with one thread."""
    if threading.current_thread().name.startswith("synfwp"):  # BLAS has its one thread already
        with threads.thread_limit(1):
            return work(item)
    with threads.thread_limit(1), threadpool_limits(1):
        return work(item)


def _begin() -> None:
    """A spawned process leaves an interrupt to the one that started it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Processes that start within the block use one thread each."""
    before: Mapping[str, str | None] = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
