"""What slow networks are made of: projections, a gate, a norm, a short causal convolution, single time steps."""

from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, defvjp_argnums, primitive
from scipy import sparse

from synfwp import autograd as ag
from synfwp import checks, features, threads
from synfwp.tasks.base import one_hot

Array = Any
Params = dict[str, np.ndarray]


def project(x: Array, W: Array) -> Array:
    """``x @ W.T`` over the last axis, for W (d_out, d_in) or (d_in,), as one product of matrices.

    Examples
    --------
    >>> import numpy as np
    >>> project(np.ones((2, 5, 3)), np.ones((4, 3))).shape
    (2, 5, 4)
    """
    shape = anp.shape(x)[:-1]
    return anp.reshape(_times(anp.reshape(x, (-1, anp.shape(x)[-1])), W), shape + anp.shape(W)[:-1])


@primitive
def _times(x: Array, W: Array) -> Array:
    """``x @ W.T`` of rows x (n, d_in)."""
    y = np.empty((len(x), *W.shape[:-1]), np.result_type(x, W))
    with np.errstate(all="ignore"):  # what overflows is looked at where it ends
        _by_rows(x, W, lambda rows: np.matmul(x[rows], W.T, out=y[rows]))
    return y


@primitive
def _times_adjoint(argnums: tuple[int, ...], g: Array, x: Array, W: Array) -> tuple[Array, ...]:
    """Both gradients; that of W in blocks of rows, since BLAS is slow where a small product sums over many."""
    if W.ndim == 1:
        return tuple(g[:, None] * W if i == 0 else g @ x for i in argnums)
    size = _part(len(x))
    dx, dW = np.empty_like(x) if 0 in argnums else None, np.zeros((-(-len(x) // size), *W.shape), W.dtype)

    def adjoint(rows: slice) -> None:
        if dx is not None:
            np.matmul(g[rows], W, out=dx[rows])
        if 1 in argnums:
            for j in range(rows.start, min(rows.stop, len(x)), BLOCK):
                stop = min(j + BLOCK, rows.stop)
                dW[rows.start // size] += g[j:stop].T @ x[j:stop]

    _by_rows(x, W, adjoint)
    return tuple(dx if i == 0 else dW.sum(axis=0) for i in argnums)


def _by_rows(x: Array, W: Array, work: Any) -> None:
    """``work(rows)`` in parts of the same size, so that results do not depend on the number of threads."""
    size = _part(len(x))

    def some(lo: int, hi: int) -> None:
        for i in range(lo, hi):
            work(slice(i * size, (i + 1) * size))

    threads.spread(some, -(-len(x) // size), 2.0 * x.size * W.size / max(x.shape[-1], 1), threads.current_limit())


def _part(rows: int) -> int:
    """Rows of a part: at most 16 parts, each of which keeps a sum as large as W."""
    return max(PART, -(-rows // 16))


def _once(adjoint: Any) -> Any:
    """One backward pass for all arguments of a primitive: what autograd calls on the way back."""
    return lambda argnums, ans, args, kwargs: lambda g: adjoint(tuple(argnums), g, *args)


defvjp_argnums(_times, _once(_times_adjoint))
PART, BLOCK = 1024, 128  # fewest rows of a part, and rows of one product that sums over rows

# 1 / (1 + exp(-x)) without overflow, in the dtype of x: autograd's derivative of tanh overflows (float32, |x| > 178)
SIGMOID = features.Feature("sigmoid", lambda x: (np.tanh(x * 0.5) + 1.0) * 0.5, lambda x, f, g: g * f * (1 - f))
SOFTPLUS = features.Feature("softplus", lambda x: np.logaddexp(0, x), lambda x, f, g: g * SIGMOID.apply(x))
TANH = features.Feature("tanh", np.tanh, lambda x, f, g: g * (1 - f * f))


def _silu_adjoint(x: Array, f: Array, g: Array) -> Array:
    """Derivative of x sigmoid(x)."""
    s = SIGMOID.apply(x)
    return g * (s + f * (1 - s))


SILU = features.Feature("silu", lambda x: x * SIGMOID.apply(x), _silu_adjoint)


def rms_norm(x: Array, gain: Array, epsilon: float = 1e-5) -> Array:
    """``gain x / sqrt(mean(x^2) + epsilon)`` over the last axis (Zhang & Sennrich 2019)."""
    return ag.feature(_rms(epsilon), x) * gain


def _rms(epsilon: float) -> features.Feature:
    """The norm without its gain, as a row."""

    def size(x: Array) -> Array:
        mean = np.einsum("...i,...i->...", x, x)[..., None] / x.dtype.type(x.shape[-1])
        return np.sqrt(mean + x.dtype.type(epsilon))

    def adjoint(x: Array, f: Array, g: Array) -> Array:
        return (g - f * (np.einsum("...i,...i->...", f, g)[..., None] / x.dtype.type(x.shape[-1]))) / size(x)

    return features.Feature("rms", lambda x: x / size(x), adjoint)


def embed(x: Array, d_in: int, tokens: bool, W: Array | None, dtype: Any) -> Array:
    """The stream (..., T, d_model) that x begins, ``W x``, in the dtype of the parameters; x itself without W.

    Raises
    ------
    TypeError, ValueError
        If x holds no tokens below d_in, or has another number of features.
    """
    if not type(x).__module__.startswith("autograd"):
        x = checks.plain("x", x)
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            raise ValueError("x holds NaN or inf; pass finite numbers.")
    if not anp.ndim(x):
        raise ValueError(f"x is {x!r}; pass an array (..., T, d_in), or integers (..., T) with tokens=True.")
    if not tokens:
        if anp.ndim(x) < 2 or anp.shape(x)[-1] != d_in:
            raise ValueError(f"x has shape {anp.shape(x)}; pass (..., T, d_in), here with {d_in} features.")
        x = x.astype(dtype, copy=False)
        return x if W is None else project(x, W)
    if x.dtype.kind not in "iu":
        raise TypeError(f"x is {x.dtype}; a programmer with tokens=True takes integers from 0 to {d_in - 1}.")
    if x.size and not 0 <= x.min() <= x.max() < d_in:
        raise ValueError(f"x holds tokens from {x.min()} to {x.max()}; they go from 0 to {d_in - 1} here.")
    return one_hot(x, d_in).astype(dtype, copy=False) if W is None else _look_up(W, x)


@primitive
def _look_up(W: Array, x: Array) -> Array:
    """The column of W (d_model, d_in) of each token of x."""
    return np.ascontiguousarray(W.T)[x]


@primitive
def _look_up_adjoint(g: Array, x: Array, d_in: int) -> Array:
    """The sums of g over the tokens of each kind, as columns: a sparse product, where scatter-adds are slow."""
    g = g.reshape(-1, g.shape[-1])
    chosen = sparse.csr_array((np.ones(x.size, g.dtype), x.ravel(), np.arange(x.size + 1)), (x.size, d_in))
    return np.asarray((chosen.T @ g).T)


defvjp(_look_up, lambda ans, W, x: lambda g: _look_up_adjoint(g, x, W.shape[1]), argnums=(0,))


@primitive
def convolve(x: Array, w: Array) -> Array:
    """Each channel with its own causal filter: ``y_t = sum_j w[:, j] x_{t-j}`` for x (..., T, c) and w (c, taps).

    Examples
    --------
    >>> import numpy as np
    >>> convolve(np.array([[1.0], [0.0], [2.0]]), np.array([[1.0, 0.5]]))[:, 0].tolist()
    [1.0, 0.5, 2.0]
    """
    y = x * w[:, 0]
    for j in range(1, min(w.shape[1], x.shape[-2])):
        y[..., j:, :] += x[..., :-j, :] * w[:, j]
    return y


@primitive
def _convolve_adjoint(argnums: tuple[int, ...], g: Array, x: Array, w: Array) -> tuple[Array, ...]:
    """Both gradients of the convolution."""
    dx, dw = g * w[:, 0], np.zeros_like(w)
    dw[:, 0] = np.einsum("nc,nc->c", g.reshape(-1, len(w)), x.reshape(-1, len(w)))
    for j in range(1, min(w.shape[1], x.shape[-2])):
        dx[..., :-j, :] += g[..., j:, :] * w[:, j]
        dw[:, j] = (g[..., j:, :] * x[..., :-j, :]).reshape(-1, len(w)).sum(axis=0)
    return tuple((dx, dw)[i] for i in argnums)


defvjp_argnums(convolve, _once(_convolve_adjoint))


@primitive
def steps(x: Array) -> tuple[Array, ...]:
    """``(..., T, d)`` as T arrays (..., 1, d): autograd's slices would each cost a pass over the whole array."""
    return tuple(x[..., t : t + 1, :] for t in range(x.shape[-2]))


defvjp(steps, lambda ans, x: lambda g: anp.concatenate(tuple(g), axis=-2))
