"""Threads over a batch: every sequence is computed alike, so results do not depend on how many there are."""

import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise
from typing import TypeVar

from synfwp import checks

Item = TypeVar("Item")
Found = TypeVar("Found")
POOL_FLOPS = 6e6  # about 0.3 ms of one core: below it handing work to a pool costs more than it saves
_THREADS: ContextVar[int | None] = ContextVar("threads", default=None)
_WORKER = threading.local()


@contextmanager
def thread_limit(threads: int | None) -> Iterator[None]:
    """Within this context `scan`, `vjp`, `replicates` and circuits use at most so many threads, if no argument says."""
    token = _THREADS.set(None if threads is None else checks.count("threads", threads))
    try:
        yield
    finally:
        _THREADS.reset(token)


def current_limit() -> int:
    """The threads that `thread_limit` set; 1 outside of it, where BLAS may have threads of its own."""
    return _THREADS.get() or 1


def usable() -> int:
    """Threads that work may be spread over here: 1 in a thread of a pool, which would wait for others for ever."""
    return 1 if getattr(_WORKER, "inside", False) else _limit("threads", None)


def spread(work: Callable[[int, int], None], n: int, flops: float, threads: int | None) -> None:
    """``work(lo, hi)`` over n sequences, in threads where that pays."""
    limit = _limit("threads", threads)  # checked for small work too
    workers = min(limit, n) if flops > POOL_FLOPS else 1
    if workers <= 1:
        work(0, n)
        return
    edges = [n * i // workers for i in range(workers + 1)]
    _map(lambda part: work(*part), list(pairwise(edges)), workers)


def each(
    work: Callable[[Item], Found], items: Sequence[Item], threads: int | None, name: str = "threads"
) -> list[Found]:
    """``work(item)`` of every item, in their order, in threads; ``name`` is that of the argument ``threads``."""
    return _map(work, items, min(_limit(name, threads), len(items)))


def _map(work: Callable[[Item], Found], items: Sequence[Item], workers: int) -> list[Found]:
    """``work`` of every item; in the pool, but for what a thread of a pool starts itself, which would wait for ever."""
    if workers <= 1 or getattr(_WORKER, "inside", False):
        return [work(item) for item in items]
    return list(_pool(os.getpid(), workers).map(work, items))


def _limit(name: str, threads: int | None) -> int:
    """The argument, or the limit of the context, or as many as there are processors."""
    return checks.count(name, threads) if threads is not None else _THREADS.get() or processors()


@functools.cache
def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.lru_cache(maxsize=4)
def _pool(process: int, workers: int) -> ThreadPoolExecutor:
    """One pool for each process and size (a forked child must not use its parent's threads)."""
    return ThreadPoolExecutor(workers, "synfwp", lambda: setattr(_WORKER, "inside", True))
