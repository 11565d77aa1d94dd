"""The kernels as primitives of HIPS autograd: write a programmer in NumPy syntax, differentiate it end to end.

``scan`` here takes positional arguments only (autograd misses a traced array in a keyword) and gives a plain tuple.
One backward pass runs the adjoint kernel once for all arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from autograd.extend import defvjp, defvjp_argnums, primitive

from synfwp import fastweights
from synfwp import plastic as layers
from synfwp.fastweights.arguments import sum_back
from synfwp.features import Feature
from synfwp.rules import Rule
from synfwp.threads import spread

Array = np.ndarray
_GRADIENTS = {1: "q", 2: "k", 3: "v", 4: "beta", 5: "decay", 8: "momentum", 9: "ridge", 10: "W0", 11: "aux0"}


@primitive
def scan(
    rule: Rule | str,
    q: Array,
    k: Array | None = None,
    v: Array | None = None,
    beta: Array | None = None,
    decay: Array | None = None,
    p: Array | None = None,
    r: Array | None = None,
    momentum: Array | None = None,
    ridge: Array | None = None,
    W0: Array | None = None,
    aux0: Array | None = None,
) -> tuple[Array, Array, Array]:
    """Run a rule inside a traced function; arguments as `synfwp.scan`, all by position.

    Returns
    -------
    y (..., T, d_v), W (..., d_v, d_k), aux (W and aux are empty where the rule has none)

    Raises
    ------
    TypeError, ValueError
        As `synfwp.scan`. A second derivative is refused.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd import grad
    >>> key, value = np.array([[0.6, 0.8]]), np.array([[2.0]])
    >>> grad(lambda k: scan("hebb", key, k, value)[0].sum())(key).tolist()
    [[1.2, 1.6]]
    """
    out = fastweights.scan(rule, q, k, v, **_named(beta, decay, p, r, momentum, ridge, W0, aux0))
    nothing = np.zeros(0, out.y.dtype)
    return out.y, nothing if out.W is None else out.W, nothing if out.aux is None else out.aux


@primitive
def _adjoint(argnums: tuple[int, ...], dy: Array, dW: Array, daux: Array, *args: Any) -> tuple[Array, ...]:
    """The adjoint kernel, once for all of ``argnums``; flat arguments, so that a second trace is seen and refused."""
    padded: list[Any] = [*args, *[None] * (12 - len(args))]
    rule, q, k, v, *more = padded
    end: dict[str, Any] = {"dW": dW if dW.size else None, "daux": daux if daux.size else None}
    grads = fastweights.gradients(rule, q, k, v, dy=dy, **end, **_named(*more))
    pair: Any = grads.erase or (None, None)
    return tuple(pair[i - 6] if i in (6, 7) else getattr(grads, _GRADIENTS[i]) for i in argnums)


def _back(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    """What autograd calls on the way back; refuses keywords, which it cannot trace."""
    if kwargs:
        raise TypeError(f"synfwp.autograd.scan got {', '.join(kwargs)} by keyword; pass all arguments by position.")
    return lambda g: _adjoint(tuple(argnums), g[0], g[1], g[2], *args)


def _refuse(name: str) -> Any:
    """Second derivatives would need the derivative of an adjoint that is not written in traced operations."""

    def refuse(*_: Any) -> Any:
        raise NotImplementedError(f"synfwp.autograd.{name} has no second derivative; differentiate it once.")

    return refuse


defvjp_argnums(scan, _back)
defvjp_argnums(_adjoint, _refuse("scan"))


@primitive
def read(
    rule: Rule | str,
    scored: Array,
    q: Array,
    k: Array | None = None,
    v: Array | None = None,
    beta: Array | None = None,
    decay: Array | None = None,
    p: Array | None = None,
    r: Array | None = None,
    momentum: Array | None = None,
    ridge: Array | None = None,
    W0: Array | None = None,
    aux0: Array | None = None,
) -> Array:
    """The reads of `scan` at the tokens that are scored, which are computed alone, and 0 at the others.

    Where few tokens are read, a rule of the linear family is about as many times faster as W has rows for each of them.

    Parameters
    ----------
    rule, q, k, v, beta, decay, p, r, momentum, ridge, W0, aux0
        As `scan`, all by position.
    scored : boolean array that broadcasts to (..., T)
        The tokens that are read, such as a batch's mask.

    Returns
    -------
    (..., T, d_v) array

    Raises
    ------
    TypeError, ValueError
        As `scan`, and if scored holds no booleans or does not broadcast.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd import grad
    >>> key, last = np.ones((3, 1)), np.array([False, False, True])
    >>> grad(lambda v: read("hebb", last, key, key, v).sum())(key).tolist()
    [[1.0], [1.0], [1.0]]
    """
    return fastweights.read(rule, scored, q, k, v, **_named(beta, decay, p, r, momentum, ridge, W0, aux0))


@primitive
def _read_adjoint(argnums: tuple[int, ...], dy: Array, rule: Rule | str, scored: Array, *args: Any) -> Any:
    """As `_adjoint`, of `read`."""
    padded: list[Any] = [*args, *[None] * (11 - len(args))]
    q, k, v, *more = padded
    grads = fastweights.read_gradients(rule, scored, q, k, v, dy=dy, **_named(*more))
    pair: Any = grads.erase or (None, None)
    return tuple(pair[i - 7] if i in (7, 8) else getattr(grads, _GRADIENTS[i - 1]) for i in argnums)


def _named(beta: Any, decay: Any, p: Any, r: Any, momentum: Any, ridge: Any, W0: Any, aux0: Any) -> dict[str, Any]:
    """What stands behind v, by name."""
    named: dict[str, Any] = {
        "beta": beta,
        "decay": decay,
        "erase": None if p is None and r is None else (p, r),
        "momentum": momentum,
    }
    return named | {"ridge": ridge, "W0": W0, "aux0": aux0}


def _read_back(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    """As `_back`, of `read`."""
    if kwargs:
        raise TypeError(f"synfwp.autograd.read got {', '.join(kwargs)} by keyword; pass all arguments by position.")
    return lambda g: _read_adjoint(tuple(argnums), g, *args)


defvjp_argnums(read, _read_back)
defvjp_argnums(_read_adjoint, _refuse("read"))


def plastic(
    layer: layers.PlasticLayer,
    drive: Array,
    x: Array | None = None,
    W: Array | None = None,
    alpha: Array | None = None,
    lam: Any = 1.0,
    eta: Any = 1.0,
    h0: Array | None = None,
    A0: Array | None = None,
    aux0: Array | None = None,
) -> tuple[Array, Array, Array]:
    """Run a plastic layer inside a traced function; one backward pass runs its adjoint kernel once.

    Parameters
    ----------
    layer : PlasticLayer
        Its fields ``phi``, ``rule``, ``recurrent``, ``inner`` and ``norm`` set what is computed.
    drive : (..., T, d) array
        ``W_in x + b``, or ``W x + b`` for a layer that is not recurrent; see `PlasticLayer.arguments`.
    x : (..., T, d_pre) array or None
        What A reads in a layer that is not recurrent.
    W : (d, d) array or None
        Recurrent weights.
    alpha : None or array that broadcasts to (d, d_pre)
        What A is multiplied by; None means 1.
    lam, eta : arrays that broadcast to (..., T)
        Decay, and learning rate times modulation. Any sign.
    h0, A0, aux0 : None or arrays that broadcast to (..., d), (..., d, d_pre) and (..., d + d_pre + 1)
        The state of an earlier run; None means 0. aux0, of the covariance rule alone, holds the means of h and of what
        A reads and the number of steps behind them, which may be inf to hold the means.

    Returns
    -------
    h (..., T, d), the last A (..., d, d_pre), aux (..., d + d_pre + 1) of the covariance rule: the means of h and of
    what A reads, and the number of steps behind them (empty for any other rule)

    Raises
    ------
    TypeError, ValueError
        For a wrong shape, mixed float types, NaN or inf, or an argument that is missing or not used. A second
        derivative is refused.

    References
    ----------
    As `PlasticLayer`.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd import grad
    >>> layer = layers.PlasticLayer(phi="identity", recurrent=False)
    >>> x = np.ones((2, 1))
    >>> grad(lambda eta: plastic(layer, x, x, None, None, 0.9, eta)[0].sum())(0.5).item()  # h = 1, then 1 + eta
    1.0
    """
    return _plastic(layer, drive, x, W, alpha, lam, eta, h0, A0, aux0)[:3]


@primitive
def _plastic(layer: layers.PlasticLayer, *args: Any) -> tuple[Array, ...]:
    """h, A and aux, and what the way back needs."""
    call = layers.check(layer, *args)
    return tuple(x.reshape(call.lead + x.shape[1:]) for x in layers.run(call, spread))


@primitive
def _plastic_adjoint(argnums: tuple[int, ...], dh: Array, dA: Array, daux: Array, *args: Any) -> Any:
    """The adjoint kernel, once for all of ``argnums``; what the way forward left stands before its arguments."""
    call = layers.check(*args[5:])

    def flat(x: Array) -> Array:
        return x.reshape(len(call.drive), *x.shape[len(call.lead) :])

    dh, dA, daux = (flat(np.array(x, call.drive.dtype, order="C")) for x in (dh, dA, daux))
    grads = layers.adjoint(call, layers.Run(*map(flat, args[:5])), dh, dA, daux, spread)
    names = ("layer", *call.shapes)
    return tuple(
        grads[name] if name == "W" else sum_back(grads[name], call.lead, call.shapes[name])
        for name in (names[i] for i in argnums)
    )


def _plastic_back(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Any:
    """What autograd calls on the way back."""
    return lambda g: _plastic_adjoint(tuple(argnums), g[0], g[1], g[2], *(ans[i] for i in range(5)), *args)


defvjp_argnums(_plastic, _plastic_back)
defvjp_argnums(_plastic_adjoint, _refuse("plastic"))


@primitive
def feature(row: Feature, x: Array) -> Array:
    """A feature map or key normaliser inside a traced function.

    Parameters
    ----------
    row : Feature
    x : (..., d) array

    Returns
    -------
    (..., width) array

    Examples
    --------
    >>> import numpy as np
    >>> from synfwp.features import get_feature
    >>> feature(get_feature("relu"), np.array([-1.0, 1.0])).tolist()
    [0.0, 1.0]
    """
    return row.apply(x)


@primitive
def _feature_adjoint(row: Feature, x: Array, f: Array, g: Array) -> Array:
    """The derivative of a feature map, itself without one."""
    return row.adjoint(x, f, g)


defvjp(feature, lambda ans, row, x: lambda g: _feature_adjoint(row, x, ans, g), argnums=(1,))
defvjp_argnums(_feature_adjoint, _refuse("feature"))


def cross_entropy(logits: Array, target: Array, mask: Array) -> Any:
    """Mean of ``-log softmax(logits)[target]`` over the masked tokens.

    One fused step keeps float32 in float32.

    Parameters
    ----------
    logits : (..., n) array
    target : (...) array of int
    mask : (...) array of bool

    Returns
    -------
    float
        In the dtype of the logits; 0 where no token is masked.

    Examples
    --------
    >>> import numpy as np
    >>> round(float(cross_entropy(np.zeros((1, 4)), np.array([2]), np.array([True]))), 4)
    1.3863
    """
    return _cross_entropy(logits, target, mask)[0]


@primitive
def _cross_entropy(logits: Array, target: Array, mask: Array) -> tuple[Any, Array]:
    """The loss, and softmax minus one-hot at the masked tokens, which its derivative needs; safe for large inputs."""
    x = logits.reshape(-1, logits.shape[-1]) if mask.all() else logits[mask]
    right = (np.arange(len(x)), target[mask])
    x = x - x.max(axis=-1, keepdims=True)
    chosen = x[right]
    np.exp(x, out=x)
    total = x.sum(axis=-1, keepdims=True)
    x /= total
    x[right] -= 1
    return (np.log(total[:, 0]) - chosen).sum() / logits.dtype.type(max(len(x), 1)), x


@primitive
def _cross_entropy_adjoint(logits: Array, mask: Array, difference: Array, g: Any) -> Array:
    """(softmax - one-hot) / tokens at the masked tokens."""
    each = difference * logits.dtype.type(g / max(len(difference), 1))
    if mask.all():
        return each.reshape(logits.shape)
    full = np.zeros_like(logits)
    full[mask] = each
    return full


defvjp(
    _cross_entropy,
    lambda ans, logits, target, mask: lambda g: _cross_entropy_adjoint(logits, mask, ans[1], g[0]),
    argnums=(0,),
)
defvjp_argnums(_cross_entropy_adjoint, _refuse("cross_entropy"))
