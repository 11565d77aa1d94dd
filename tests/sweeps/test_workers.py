"""Where work is run: the same from threads and from processes, for replicates and capacity too."""

import numpy as np
import pytest

pytest.importorskip("cloudpickle")

import synfwp as fw
from synfwp import results, workers


def test_replicates_and_capacity_are_the_same_on_processes() -> None:
    circuit = fw.Circuit([], [fw.PoissonSource(3, 50.0)])
    seen = []

    def times(simulation, ds):
        return ds.spike_time.values

    for on in (None, "threads", "processes"):
        seen.append(fw.replicates(circuit, 50.0, range(4), keep=times, on=on, workers=2))
    assert all(np.array_equal(a, b) for other in seen[1:] for a, b in zip(seen[0], other, strict=True))
    for tuned in ("pairs", "curve"):
        given = {"loads": [2, 4], "d_key": 4, "seeds": 3, "tuned": tuned}
        curves = [
            fw.capacity({"Hebb": "hebb", "delta": "delta"}, **given, on=on).drop_vars("seconds")
            for on in (None, "threads")
        ]
        assert results.provenance_hash(curves[0]) == results.provenance_hash(curves[1])
    other = fw.capacity({"Hebb": "hebb", "delta": "delta"}, **given, on="processes").drop_vars("seconds")
    assert results.provenance_hash(curves[0]) == results.provenance_hash(other)


def test_an_error_of_a_task_is_that_of_the_caller() -> None:
    for on in (None, "threads"):
        with pytest.raises(ZeroDivisionError):
            workers.ordered(lambda item: 1 // item, [1, 0], on, 2)


def test_items_are_taken_as_workers_become_free() -> None:
    taken = []

    def items():
        for i in range(50):
            taken.append(i)
            yield i

    found = workers.as_completed(lambda i: i * i, items(), "threads", 2)
    first = next(found)
    assert first[1] == first[0] ** 2
    assert len(taken) <= 2 * workers.QUEUED + 1
    assert sorted(value for _, value in [first, *found]) == [i * i for i in range(50)]


# a cluster of dask-jobqueue that refuses its settings complains of itself when it is thrown away
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("queue", ["slurm", "pbs", "sge"])
def test_a_queue_without_settings_names_what_is_lacking(queue: str) -> None:
    pytest.importorskip("dask_jobqueue")
    with pytest.raises(ValueError, match=rf"on is '{queue}', and dask-jobqueue lacks a setting .*jobqueue\.yaml"):
        workers.ordered(abs, [1], queue)
