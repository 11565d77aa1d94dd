"""Threads over a batch: every sequence is computed alike, so results do not depend on how many there are."""

import functools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar

from synfwp import checks

POOL_FLOPS = 6e6  # about .3 ms of one core: below it handing work to a pool costs more than it saves
_THREADS: ContextVar[int | None] = ContextVar("threads", default=None)


@contextmanager
def thread_limit(threads: int | None) -> Iterator[None]:
    """Within this context `scan` and `vjp` use at most so many threads, unless their own argument is given."""
    token = _THREADS.set(None if threads is None else checks.count("threads", threads))
    try:
        yield
    finally:
        _THREADS.reset(token)


def asked() -> int:
    """The threads that `thread_limit` set; 1 outside of it, where BLAS may have threads of its own."""
    return _THREADS.get() or 1


def spread(work: Callable[[int, int], None], n: int, flops: float, threads: int | None) -> None:
    """``work(lo, hi)`` over n sequences, in threads where that pays."""
    limit = checks.count("threads", threads) if threads is not None else _THREADS.get() or _processors()
    workers = min(limit, n) if flops > POOL_FLOPS else 1
    if workers <= 1:
        work(0, n)
        return
    edges = [n * i // workers for i in range(workers + 1)]
    list(_pool(os.getpid(), workers).map(work, edges[:-1], edges[1:]))


@functools.cache
def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.lru_cache(maxsize=4)
def _pool(process: int, workers: int) -> ThreadPoolExecutor:
    """One pool for each process and size (a forked child must not use its parent's threads)."""
    return ThreadPoolExecutor(workers, thread_name_prefix="synfwp")
