"""synfwp itself, and plain NumPy beside it: both live in one process because both are NumPy programs."""

from typing import Any

import numpy as np

import synfwp as fw

from . import CLIP, FORWARD, RATE, STEP, Arrays, Built, Case, numpy_peer

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
    """``synfwp`` or ``numpy``; of a training step also its ``kernels`` alone."""
    if case.mode == STEP:
        return _training_step(case, alone=form == "kernels")
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


def _training_step(case: Case, alone: bool) -> Built:
    """What `synfwp.train` does in each step; ``alone``: only the rule, forward and back, on the same instructions."""
    from threadpoolctl import threadpool_limits

    from synfwp.programmer import optimiser, training
    from synfwp.programmer.losses import LOSSES
    from synfwp.tasks import Batch

    d, threads = case.d, _LIMITS[1]
    programmer = fw.Programmer(
        rule=case.rule, d_in=d, tokens=True, d_model=d, d_key=d, d_value=d, d_out=d, residual=True
    )
    x, target = case.tokens()
    batch = Batch(x, target, np.ones(x.shape, bool), 1 / d)
    gradient = training.gradient_of(training.scores_of(programmer), LOSSES["cross_entropy"])
    params = case.weights()
    assert {name: w.shape for name, w in params.items()} == {name: w.shape for name, w in programmer.init().items()}
    state = [params, optimiser.Adam.start(params)]

    def step() -> Arrays:
        with fw.fastweights.thread_limit(threads), threadpool_limits(1):
            loss, _, grads = gradient(state[0], batch)
            clipped, _ = optimiser.clip(grads, CLIP)
            state[1], state[0] = state[1].update(state[0], clipped, RATE)
            return {"loss": np.asarray(loss)} | grads

    sent = programmer(params, x)

    def kernels() -> Arrays:
        out, pullback = fw.vjp(case.rule, sent.q, sent.k, sent.v, sent.beta, threads=threads)
        pullback(out.y)
        return {}

    return Built(kernels if alone else step, _same)


def _same(result: Arrays) -> Arrays:
    """Results are NumPy arrays already."""
    return result
