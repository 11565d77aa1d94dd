"""Least squares on all writes: forward, adjoint and as a matrix.

What is carried is ``G = a G + b v k^T`` and ``H = a H + b k k^T``. W is the matrix that reads,
``G (H + diag(ridge))^-1``, and aux is H: both of an earlier run are W0 and aux0 of the next, since G is
``W (H + diag(ridge))``. So W0 alone is what the regression shrinks to, the more the larger the ridge. H is symmetric;
of an aux0 the symmetric part counts. Where rounding leaves ``H + diag(ridge)`` not positive definite, a run stops.
"""

import math
from typing import Any

import numpy as np

from synfwp.fastweights.problem import Call, Cotangents, Named, Outputs, Shape
from synfwp.kernels import mesa as kernel
from synfwp.rules import Rule
from synfwp.threads import spread

Array = np.ndarray
SEGMENT = 64  # steps; longer sequences are cut into about as many segments as a segment has steps


def forward(call: Call, every: int, threads: int | None) -> Outputs:
    """Reads (n, T, d_v), the last W (n, d_v, d_k) and H (n, d_k, d_k), every so many W."""
    n, T, d_k = call.k.shape
    a, H, y = _decay(call), _first(call), np.empty_like(call.v)
    G = call.W0 @ _regular(call, H)
    states = [np.empty((n, T // every if every else 0, rows, d_k), y.dtype) for rows in (call.v.shape[2], d_k)]
    failed = np.full(n, -1)

    def work(lo: int, hi: int) -> None:
        kernel.forward(call.q, call.k, call.v, call.beta, a, call.ridge, G, H, y, *states, failed, every, lo, hi)

    spread(work, n, _flops(call), threads)
    _check_factors(call, failed)
    W = _divided(G, _regular(call, H)) if T else call.W0.copy()
    kept = _divided(states[0], _regular(call, states[1])) if every else None
    return Outputs(y, W, H, kept, kept=(W.copy(), H.copy()))  # the caller may change W and H


def adjoint(call: Call, kept: Any, cotangents: Cotangents, threads: int | None) -> Named:
    """Gradients of all arguments by name; about sqrt(T) copies of G and H are kept for each thread."""
    q, k, v, beta = call.q, call.k, call.v, call.beta
    a, H0, ridge = _decay(call), _first(call), call.ridge
    dW, dy = cotangents.dW, np.ascontiguousarray(cotangents.dy)
    dH = np.zeros_like(H0) if cotangents.daux is None else _symmetric(cotangents.daux)
    if not k.shape[1]:
        return _empty(call, dW, dH)
    W, H = forward(call, 0, threads).kept if kept is None else kept
    dG = _divided(dW, _regular(call, H))
    dS = -_symmetric(np.swapaxes(W, 1, 2) @ dG)
    dH, dridge = dH + dS, np.einsum("njj->nj", dS).copy()
    S0 = _regular(call, H0)
    G0 = call.W0 @ S0
    dq, dk, dv, dbeta, da = (np.zeros_like(x) for x in (q, k, v, beta, a))
    segment, failed = max(SEGMENT, math.isqrt(k.shape[1])), np.full(len(k), -1)

    def work(lo: int, hi: int) -> None:
        kernel.adjoint(
            q, k, v, beta, a, ridge, G0, H0, dy, dG, dH, dq, dk, dv, dbeta, da, dridge, failed, segment, lo, hi
        )  # fmt: skip

    spread(work, len(k), 3 * _flops(call), threads)
    _check_factors(call, failed)
    dS0 = _symmetric(np.swapaxes(call.W0, 1, 2) @ dG)
    grads = {"q": dq, "k": dk, "v": dv, "beta": dbeta, "decay": None if call.decay is None else da}
    return grads | {"ridge": dridge + np.einsum("njj->nj", dS0), "W0": dG @ S0, "aux0": dH + dS0}


def attention(call: Call) -> Array:
    """A (n, T, T) with y = A v for W_0 = H_0 = 0: with ``(H_t + ridge) x_t = q_t``, A is ``D(s, t) b_s k_s . x_t``."""
    n, T, d_k = call.k.shape
    A, a = np.zeros((n, T, T), call.k.dtype), _decay(call)
    H, left = np.zeros((n, d_k, d_k), call.k.dtype), np.zeros((n, T), call.k.dtype)
    for t in range(T):
        k = call.k[:, t]
        H = a[:, t, None, None] * H + call.beta[:, t, None, None] * k[:, :, None] * k[:, None]
        left *= a[:, t, None]
        left[:, t] = call.beta[:, t]
        S = _regular(call, H)
        try:
            np.linalg.cholesky(S)
        except np.linalg.LinAlgError:
            least = np.linalg.eigvalsh(S).min(axis=1)
            _check_factors(call, np.where(least == least.min(), t, -1))
        x = np.linalg.solve(S, call.q[:, t, :, None])
        A[:, t] = left * (call.k @ x)[..., 0]
    return A


def aux_shape(rule: Rule, d_v: int, d_k: int) -> Shape:
    """H."""
    return d_k, d_k


def check_aux(rule: Rule, full: dict[str, Array]) -> None:
    """H is a sum of ``b k k^T``: but for rounding it has no negative eigenvalue that the ridge does not lift."""
    aux0, ridge = full["aux0"], full["ridge"]
    if aux0.size:
        H, eye = _symmetric(aux0), np.eye(ridge.shape[1], dtype=ridge.dtype)
        least = np.linalg.eigvalsh(H + ridge[:, None] * eye).min(axis=1)
        rounding = np.finfo(H.dtype).eps * len(eye) * np.abs(H).max(axis=(1, 2))
        if (least < -rounding).any():
            raise ValueError(
                f"aux0 + diag(ridge) has the eigenvalue {least.min():g}, not above 0; pass the aux of an earlier run."
            )


def _check_factors(call: Call, failed: Array) -> None:
    """Raise for the first sequence that has stopped at a step without a factor; -1: none."""
    if (failed < 0).all():
        return
    n = int(np.argmax(failed >= 0))
    where = f"step {failed[n]}"
    if call.lead:
        where += f" of sequence {tuple(int(i) for i in np.unravel_index(n, call.lead))}"
    ridge: Any = call.ridge
    if not np.isfinite(np.einsum("t,ti,ti->i", call.beta[n], call.k[n], call.k[n])).all():
        raise FloatingPointError(
            f"k holds {np.abs(call.k[n]).max():.3g}, whose square overflows {ridge.dtype} in H at {where}; "
            "make k smaller."
        )
    raise FloatingPointError(
        f"ridge is {ridge[n].min():g}, too small for the rounding of {ridge.dtype}: H + diag(ridge) is not positive "
        f"definite at {where}; raise ridge{'' if ridge.dtype == np.float64 else ', or pass float64'}."
    )


def _empty(call: Call, dW: Array, dH: Array) -> Named:
    """Gradients of no steps: what starts is what is left."""
    names = ("q", "k", "v", "beta", "decay", "ridge")
    nothing = {name: None if (x := getattr(call, name)) is None else np.zeros_like(x) for name in names}
    return nothing | {"W0": dW, "aux0": dH}


def _decay(call: Call) -> Array:
    """The decay; 1 where the row has none."""
    return np.ones_like(call.beta) if call.decay is None else call.decay


def _first(call: Call) -> Array:
    """H before the first step, to be changed."""
    n, _, d_k = call.k.shape
    return np.zeros((n, d_k, d_k), call.k.dtype) if call.aux0 is None else _symmetric(call.aux0)


def _symmetric(x: Array) -> Array:
    """The symmetric part (..., d, d)."""
    return (x + np.swapaxes(x, -1, -2)) / 2


def _regular(call: Call, H: Array) -> Array:
    """``H + diag(ridge)`` for H (n, d_k, d_k) or (n, ., d_k, d_k)."""
    ridge: Any = call.ridge
    diagonal = ridge[:, None] * np.eye(ridge.shape[1], dtype=ridge.dtype)
    return H + (diagonal if H.ndim == 3 else diagonal[:, None])


def _divided(G: Array, S: Array) -> Array:
    """``G S^-1`` for symmetric S."""
    return np.ascontiguousarray(np.swapaxes(np.linalg.solve(S, np.swapaxes(G, -1, -2)), -1, -2))


def _flops(call: Call) -> float:
    """Work of one forward run."""
    return call.k.size * (4.0 * call.v.shape[2] + call.k.shape[2] * (4 + call.k.shape[2] / 3))
