"""A recurrent layer in one call of a kernel, where the kernel has its rule, feature map and normaliser."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp_argnums, primitive

from synfwp import fastweights, rules, threads
from synfwp.fastweights import overflow
from synfwp.kernels import recurrent as kernel
from synfwp.programmer.parts import Params, project

Array = Any
FEATURES = {"identity": kernel.IDENTITY, "relu": kernel.RELU, "elu_plus_one": kernel.ELU}
NORMS = {"none": kernel.PLAIN, "l2": kernel.L2, "sum": kernel.SUM}
DECAYS = {None: kernel.KEPT, "scalar": kernel.SCALAR, "key": kernel.BY_KEY}
SIGNS: dict[Any, int] = {"beta": 1, "-beta": -1}


class How(NamedTuple):
    """What the kernel is told, and the rule."""

    feature: int
    norm: int
    heads: int
    matrices: int
    d_key: int
    d_value: int
    sign: int
    erase: bool
    decay: int
    first: bool
    beta_max: float
    rule: Any

    def numbers(self, dtype: Any) -> tuple[Any, ...]:
        """The first eleven, real numbers in the dtype of the arrays."""
        kind = np.dtype(dtype).type
        return (*self[:6], kind(self.sign), self.erase, self.decay, self.first, kind(self.beta_max))


def how_of(net: Any) -> How | None:
    """How the kernel runs a layer of this programmer; None: it does not, and the layer runs token by token."""
    row = rules.get_rule(net.rule)
    fits = row.solver == "linear" and not row.special and row.write in SIGNS and row.erase in (None, "beta")
    if not fits or net.feature not in FEATURES or net.key_norm not in NORMS:
        return None
    return How(
        FEATURES[net.feature], NORMS[net.key_norm], net.heads, net.heads * (2 if net.recurrent == "reads" else 1),
        net.d_key, net.d_value, SIGNS[row.write], row.erase is not None, DECAYS[row.retain],
        row.order == "decay_first", float(net.beta_max), row,
    )  # fmt: skip


def run(
    how: How,
    params: Params,
    stream: Array,
    signal: Array | None,
    writes: Array | None,
    hidden: Callable[[Array], Array],
) -> Array:
    """Reads (..., matrices, T, d_value) of a layer, or (..., T, d_value) of a single matrix; can be traced.

    ``stream`` is what the layer sees, normed, and ``hidden(u)`` are its hidden units (or u itself) where no read enters
    them.
    """
    *lead, T, width = anp.shape(stream)
    R = R_hidden = np.zeros((0, how.heads * how.d_value), stream.dtype)
    inner = np.zeros((math.prod(lead), T, 0), stream.dtype)
    names = [name for name in ("W_q", "W_k", "W_v") if name in params]
    gates = [name for name in ("beta", "decay") if f"b_{name}" in params]
    to = anp.concatenate([params[name] for name in names])
    weights = [params["w_beta" if name == "beta" else f"W_{name}"] for name in gates]
    of_gates = anp.concatenate([anp.reshape(w, (-1, anp.shape(w)[-1])) for w in weights])
    bias = anp.concatenate([anp.reshape(params[f"b_{name}"], (-1,)) for name in gates])
    seen = stream if how.matrices == how.heads else hidden(stream)
    if signal is None:
        to = anp.concatenate((to, of_gates))
        bias = anp.concatenate((np.zeros(len(to) - len(of_gates), stream.dtype), bias))
    if how.matrices > how.heads:
        drive = project(seen, to)
    elif "W_hidden" in params:
        inner = project(stream, params["W_hidden"][:, :width]) + params["b_hidden"]
        R, R_hidden, drive = to, params["W_hidden"][:, width:], np.zeros((*lead, T, len(to)), stream.dtype)
    else:
        R, drive = to[:, width:], project(stream, to[:, :width])
    if signal is None:
        drive = drive + bias
    else:
        drive = anp.concatenate((drive, project(signal, of_gates) + bias), axis=-1)
        R = anp.concatenate((R, np.zeros((len(of_gates), anp.shape(R)[1]), stream.dtype))) if anp.size(R) else R
    y = _run(how, {}, _flat(drive), R, _flat(inner), R_hidden, _writes(writes, lead, T, stream.dtype))
    shape = (*lead, T, how.d_value) if how.matrices == 1 else (*lead, how.matrices, T, how.d_value)
    return anp.reshape(y, shape)


def _flat(x: Array) -> Array:
    """(n, T, .)"""
    return anp.reshape(x, (math.prod(anp.shape(x)[:-2]), *anp.shape(x)[-2:]))


def _writes(writes: Array | None, lead: list[int], T: int, dtype: Any) -> Array:
    """(n, T), which tokens write."""
    return np.ones((math.prod(lead), T), dtype) if writes is None else np.ascontiguousarray(writes.reshape(-1, T))


@primitive
def _run(
    how: How, kept: dict[str, Array], drive: Array, R: Array, inner: Array, R_hidden: Array, writes: Array
) -> Array:
    """Reads (n, M, T, d_v); ``kept`` takes what the way back needs."""
    drive, R, inner, R_hidden = (np.ascontiguousarray(x) for x in (drive, R, inner, R_hidden))
    (n, T, _), M, dtype = drive.shape, how.matrices, drive.dtype
    y, v = np.empty((n, M, T, how.d_value), dtype), np.empty((n, M, T, how.d_value), dtype)
    q, k, a = (np.empty((n, M, T, how.d_key), dtype) for _ in range(3))
    b, z, hidden = np.empty((n, M, T), dtype), np.empty_like(drive), np.empty_like(inner)
    numbers = how.numbers(dtype)

    def work(lo: int, hi: int) -> None:
        kernel.forward(numbers, drive, R, inner, R_hidden, writes, y, z, hidden, q, k, v, b, a, lo, hi)

    threads.spread(work, n, _flops(how, drive, R), None)
    kept |= {"arrays": (y, z, hidden, q, k, v, b, a)}
    decay = {kernel.KEPT: None, kernel.SCALAR: a[..., 0], kernel.BY_KEY: a}[how.decay]
    with overflow.silent():
        call = fastweights.check(how.rule, q, k, v, b, decay)
    overflow.warn(call, {"y": y})
    return y


@primitive
def _run_adjoint(
    argnums: tuple[int, ...], dy: Array, how: How, kept: dict[str, Array], drive: Array, R: Array, inner: Array,
    R_hidden: Array, writes: Array,
) -> tuple[Array, ...]:  # fmt: skip
    """Gradients of drive, R, inner and R_hidden."""
    y, z, hidden, q, k, v, b, a = kept["arrays"]
    n, _, T, d_value = y.shape
    R, R_hidden = np.ascontiguousarray(R), np.ascontiguousarray(R_hidden)
    dy, dz, dinner = np.ascontiguousarray(dy), np.empty_like(z), np.empty_like(hidden)
    numbers, segment = how.numbers(z.dtype), max(1, math.isqrt(T))

    def work(lo: int, hi: int) -> None:
        kernel.adjoint(numbers, R, R_hidden, writes, y, z, hidden, q, k, v, b, a, dy, dz, dinner, segment, lo, hi)

    threads.spread(work, n, 3 * _flops(how, z, R), None)
    found = {2: dz, 3: R, 4: dinner, 5: R_hidden}
    if R.size:
        merged = np.swapaxes(y.reshape(n, how.heads, T, d_value), 1, 2).reshape(n, T, -1)
        last = np.zeros_like(merged)
        np.tanh(merged[:, :-1], out=last[:, 1:])
        found[3], found[5] = _sum_of_products(dz, hidden if hidden.size else last), _sum_of_products(dinner, last)
    return tuple(found[i] for i in argnums)


def _sum_of_products(g: Array, x: Array) -> Array:
    """``sum g x^T`` over sequences and steps."""
    n = math.prod(g.shape[:-1])
    return g.reshape(n, g.shape[-1]).T @ x.reshape(n, x.shape[-1])


def _flops(how: How, drive: Array, R: Array) -> float:
    """Work of one forward run, about."""
    n, T = drive.shape[:2]
    return float(n * T) * (6 * how.matrices * how.d_value * how.d_key + 2 * R.size)


def _back(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    """What autograd calls on the way back."""
    return lambda g: _run_adjoint(tuple(argnums), g, *args)


def _refuse(*_: Any) -> Any:
    """A second derivative would need that of the adjoint."""
    raise NotImplementedError("a recurrent programmer has no second derivative; differentiate it once.")


defvjp_argnums(_run, _back)
defvjp_argnums(_run_adjoint, _refuse)
