"""synfwp itself, and plain NumPy beside it: both live in one process because both are NumPy programs."""

from typing import Any

import numpy as np

import synfwp as fw

from . import FORWARD, Arrays, Built, Case, numpy_peer

_LIMITS: list[Any] = []

COMPILED = ("synfwp",)  # forms that compile when they are first called


def versions() -> dict[str, str]:
    """What is measured."""
    import numba

    return {"synfwp": fw.__version__, "numpy": np.__version__, "numba": numba.__version__}


def limit_threads(threads: int) -> None:
    """So many threads for NumPy's BLAS and for synfwp."""
    from threadpoolctl import threadpool_limits

    _LIMITS[:] = [threadpool_limits(threads), threads]


def build(form: str, case: Case) -> Built:
    """``synfwp`` or ``numpy``."""
    x = case.inputs()
    if form == "numpy":
        return Built(lambda: {"y": numpy_peer.recurrence(case, x)}, _same)
    threads, dy = _LIMITS[1], x.pop("dy")
    q, k, v = x.pop("q"), x.pop("k"), x.pop("v")

    def forward() -> Arrays:
        return {"y": fw.scan(case.rule, q, k, v, **x, threads=threads).y}

    def gradient() -> Arrays:
        out, pullback = fw.vjp(case.rule, q, k, v, **x, threads=threads)
        g = pullback(dy)
        return {"y": out.y, "q": g.q, "k": g.k, "v": g.v} | {name: getattr(g, name) for name in x}

    return Built(forward if case.mode == FORWARD else gradient, _same)


def _same(result: Arrays) -> Arrays:
    """Results are NumPy arrays already."""
    return result
