"""One pool of threads for everything: its size, its order, and work that starts work."""

import os
import threading

import numpy as np
import pytest

import synfwp as fw
from synfwp import threads
from synfwp.spiking import replication


def test_items_come_back_in_their_order_from_as_many_threads_as_are_asked_for():
    meet = threading.Barrier(3)  # passed by three threads at a time or not at all

    def work(item):
        meet.wait(timeout=30)
        return item**2, threading.current_thread().name

    found = threads.each(work, range(3), 3)
    assert [value for value, _ in found] == [0, 1, 4]
    assert len({name for _, name in found}) == 3


def test_what_a_thread_starts_itself_runs_in_that_thread_and_does_not_wait_for_another():
    def inner(item):
        return item, threading.current_thread().name

    def outer(item):
        return threads.each(inner, [item, item + 1], 2), threading.current_thread().name

    for found, name in threads.each(outer, [0, 10, 20, 30], 2):
        assert {where for _, where in found} == {name}


def test_the_number_of_threads_is_that_of_the_processors_that_the_process_may_use(monkeypatch):
    used, make = [], threads._pool
    monkeypatch.setattr(threads, "_pool", lambda process, workers: used.append(workers) or make(process, workers))
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3, 7}, raising=False)
    threads.processors.cache_clear()
    circuit = fw.Circuit([], [fw.PoissonSource(3, 50.0)])
    try:
        free = replication.replicates(circuit, 20.0, range(5), lambda simulation, ds: ds.sizes["spike"])
        with threads.thread_limit(2):
            limited = replication.replicates(circuit, 20.0, range(5), lambda simulation, ds: ds.sizes["spike"])
    finally:
        threads.processors.cache_clear()
    assert used == [3, 2]
    assert free == limited


def test_an_error_in_a_thread_is_that_of_the_caller():
    with pytest.raises(ZeroDivisionError):
        threads.each(lambda item: 1 // item, [1, 0], 2)


def test_spread_covers_every_sequence_once():
    for n in (0, 1, 5):
        counted = np.zeros(n, int)

        def work(lo, hi, counted=counted):
            counted[lo:hi] += 1

        threads.spread(work, n, 1e9, 3)
        assert (counted == 1).all()
