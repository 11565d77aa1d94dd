"""The family's kernels and the hand-written delta kernels on the same numbers, one thread each."""

from collections.abc import Callable
from typing import Any

import numpy as np
from handwritten import delta
from peers import GRADIENT, Case

from synfwp import coefficients
from synfwp.fastweights.problem import Problem
from synfwp.fastweights.solvers import linear
from synfwp.rules import DELTA

Call = Callable[[], tuple[Any, ...]]


def pairs(d: int, T: int, n: int) -> dict[str, tuple[Call, Call]]:
    """For the forward kernels and the adjoints: a call of the family's and one of the hand-written kernel."""
    x = Case("delta", GRADIENT, d, T, n).inputs()
    q, k, v, beta, dy = (x[name] for name in ("q", "k", "v", "beta", "dy"))
    W0 = np.zeros((n, d, d), np.float32)
    problem = Problem(q, k, v, coefficients.coefficients(DELTA, k, beta, None), W0, False)
    segment = max(16, linear.HISTORY_BYTES // (4 * d * k.itemsize))

    def forward() -> tuple[Any, ...]:
        found = linear.run(problem, 0, 1)
        return found.W, found.y

    def hand_forward() -> tuple[Any, ...]:
        W, y = W0.copy(), np.empty_like(v)
        delta.forward(q, k, v, beta, W, y, 0, n)
        return W, y

    def adjoint() -> tuple[Any, ...]:
        g, c = linear.run_adjoint(problem, dy, np.zeros_like(W0), 1)
        return g["W0"], g["q"], g["k"], g["v"], c.write + c.erase

    def hand_adjoint() -> tuple[Any, ...]:
        dW, dq, dk, dv, dbeta = (np.zeros_like(a) for a in (W0, q, k, v, beta))
        delta.adjoint(q, k, v, beta, W0, dy, dW, dq, dk, dv, dbeta, segment, 0, n)
        return dW, dq, dk, dv, dbeta

    return {"forward": (forward, hand_forward), "adjoint": (adjoint, hand_adjoint)}
