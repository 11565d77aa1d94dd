"""Arguments as the kernels want them, or an error that names the wrong one; and gradients in the shapes that came."""

import math
import warnings
from typing import Any, NamedTuple

import numpy as np

from synfwp import rules
from synfwp.rules import Rule
from synfwp.theory import stability

Array = np.ndarray
Shape = tuple[int, ...]


class Call(NamedTuple):
    """Checked arguments with one batch axis, and what is needed to give results the caller's shapes.

    ``q (n, T, d_k)``; ``k, v (n, T, d)`` or (n, T, writes, d); ``beta`` as k without features; ``aux0`` (n, .) or None.
    A rule without keys or values of the caller has its queries as k and zeros as v, which only say how many there are.
    """

    rule: Rule
    q: Array
    k: Array
    v: Array
    beta: Array
    decay: Array | None
    pair: tuple[Array, Array] | None
    W0: Array
    aux0: Array | None
    lead: Shape
    shapes: dict[str, Shape | None]


def check(
    rule: Rule | str,
    q: Any,
    k: Any,
    v: Any,
    beta: Any = None,
    decay: Any = None,
    W0: Any = None,
    *,
    erase: Any = None,
    aux0: Any = None,
    warn: bool = True,
) -> Call:
    """All checks of one call.

    Raises
    ------
    TypeError, ValueError
        For a wrong shape, mixed float types, NaN or inf, a gate out of range, an argument that is missing or not used.
    """
    rule = rules.get_rule(rule)
    pair = _pair(rule, erase)
    raw = {"q": q, "k": k, "v": v, "beta": beta, "decay": decay, "p": pair[0], "r": pair[1], "W0": W0, "aux0": aux0}
    given = {name: _array(name, x) for name, x in raw.items() if x is not None}
    _check_used(rule, given)
    given = _filled(rule, _one_dtype(given))
    q, k, v = given["q"], given["k"], given["v"]
    _check_shapes(rule, q, k, v)
    lead, T, d_k, d_v, n = q.shape[:-2], q.shape[-2], q.shape[-1], v.shape[-1], math.prod(q.shape[:-2])
    phases = (T,) if rule.writes == 1 else (T, rule.writes)
    width = d_k if rule.error == "value" else d_v
    cores = {
        "beta": phases,
        "decay": (T, width) if rule.retain == "key" else (T,),
        "p": (*phases, d_k),
        "r": (*phases, d_k),
        "W0": (rule.rows(d_v, d_k), d_k),
        "aux0": (d_k + 1,) if rule.centred else (d_k,),
    }
    one, zero = k.dtype.type(1), k.dtype.type(0)
    full = {name: _broadcast(name, given[name], lead, core, n) for name, core in cores.items() if name in given}
    beta_full = full.get("beta", _broadcast("beta", one, lead, phases, n))
    _in_range("beta", beta_full, 0, math.inf)
    if "decay" in full:
        _in_range("decay", full["decay"], 0, 1)
    if rule.centred and "aux0" in full and full["aux0"].size and full["aux0"][:, -1].min() < 0:
        least = float(full["aux0"][:, -1].min())
        raise ValueError(f"aux0 holds {least:g} as the number of keys so far; pass the aux of an earlier run.")
    flat = [tidy(x.reshape(n, *x.shape[len(lead) :])) for x in (q, k, v)]
    call = Call(
        rule,
        flat[0],
        flat[1],
        flat[2],
        beta_full,
        full.get("decay"),
        (full["p"], full["r"]) if "p" in full else None,
        full.get("W0", _broadcast("W0", zero, lead, cores["W0"], n)),
        full.get("aux0"),
        lead,
        {name: given[name].shape if raw[name] is not None else None for name in raw},
    )
    if warn:
        _warn_unstable(call)
    return call


def _pair(rule: Rule, erase: Any) -> tuple[Any, Any]:
    """(p, r) of a rule that erases with keys of its own, (None, None) for any other."""
    if not rule.uses_pair:
        refuse_unused(rule, erase=erase)
        return None, None
    if not isinstance(erase, (tuple, list)) or len(erase) != 2 or any(x is None for x in erase):
        got = f"{len(erase)} items" if isinstance(erase, (tuple, list)) else type(erase).__name__
        raise ValueError(f"rule {rule.name!r} needs erase=(p, r), two arrays (..., T, d_k); got {got}.")
    return erase[0], erase[1]


def _check_used(rule: Rule, given: dict[str, Array]) -> None:
    """What the rule needs is there, and nothing that it does not use."""
    uses = {"q": True, "k": rule.uses_keys, "v": rule.uses_values}
    for name, needed in uses.items():
        if needed and name not in given:
            raise TypeError(f"{name} is None; pass an array of shape (..., time, feature).")
    shape, does, how = "(..., d_v, d_k)", "writes nothing", "transforms"
    if rule.self_reference:
        shape, does, how = "(..., d_y + 2 d + 4, d)", "reads all that it writes from W", "starts from"
    if not rule.uses_values and "W0" not in given:
        raise ValueError(f"rule {rule.name!r} {does}; pass the W0 {shape} that it {how}.")
    if not rule.uses_values and given["W0"].ndim < 2:
        raise ValueError(f"W0 has shape {given['W0'].shape}; pass {shape}.")
    if rule.uses_decay and "decay" not in given:
        width = "d_k" if rule.error == "value" else "d_v"
        shape = "(..., T)" if rule.retain == "scalar" else f"(..., T, {width})"
        raise ValueError(f"rule {rule.name!r} needs decay; pass numbers in [0, 1] that broadcast to {shape}.")
    for name, what in (("k", "takes no keys"), ("v", "writes no values" if rule.uses_keys else "takes no values")):
        if name in given and not uses[name]:
            raise ValueError(f"rule {rule.name!r} {what}; pass {name}=None.")
    unused = {
        "decay": not rule.uses_decay,
        "beta": not rule.uses_beta,
        "W0": "recurrent" not in rule.forms,
        "aux0": not (rule.centred or rule.normalised),
    }
    refuse_unused(rule, **{name: given.get(name) for name, refused in unused.items() if refused})


def _filled(rule: Rule, given: dict[str, Array]) -> dict[str, Array]:
    """Queries for the keys that a rule does not take, and zeros for the values: as many as W0 has rows for."""
    if rule.uses_values:
        return given
    k, W0 = given["k" if rule.uses_keys else "q"], given["W0"]
    d = k.shape[-1] if k.ndim else 0
    d_v = W0.shape[-2] - rule.rows(0, d)
    if not rule.uses_keys and k.ndim and not d:
        raise ValueError(f"q has shape {k.shape}; it needs at least 1 feature.")
    if not rule.uses_keys and d_v < 1:
        need = f"at least 1 row to read, {d} for keys, {d} for queries and 4 for betas, as q has {d} features"
        raise ValueError(f"W0 has shape {W0.shape}; pass (..., d_y + 2 d + 4, d): {need}.")
    return given | {"k": k, "v": np.zeros((*k.shape[:-1], d_v), k.dtype)}


def _step_ratio(call: Call) -> float:
    """Largest step over its bound; with several writes the decay acts on the first."""
    rule, key, beta, decay = call.rule, call.k if call.rule.error == "value" else call.v, call.beta, call.decay
    if rule.writes > 1 and decay is not None:
        ones = np.ones((*decay.shape[:2], rule.writes, *decay.shape[2:]), decay.dtype)
        ones[:, :, 0] = decay
        decay = ones
    return stability.step_ratio(rule, key, beta, decay, call.pair)


def plain(name: str, x: Any) -> Array:
    """A NumPy array; labelled, traced and foreign arrays are refused."""
    if not isinstance(x, (np.ndarray, np.generic, list, tuple, int, float)) or isinstance(x, np.ma.MaskedArray):
        kind = f"{type(x).__module__.split('.')[0]} {type(x).__name__}"
        hint = {
            "xarray": "pass its .values in the order (..., time, feature), or the Dataset to synfwp.simulate",
            "autograd": "differentiate through synfwp.autograd.scan, all arguments by position",
        }.get(kind.split()[0], "convert it to a NumPy array")
        raise TypeError(f"{name} is of type {kind}; {hint}.")
    try:
        return np.asarray(x)
    except ValueError:
        raise ValueError(f"{name} is a ragged list; pass an array of shape (..., time, feature).") from None


def _array(name: str, x: Any) -> Array:
    """A finite real NumPy array."""
    x = plain(name, x)
    if x.dtype.kind in "iub":
        return x
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} has dtype {x.dtype}; pass float64 or float32.")
    flat = x.ravel()
    if not math.isfinite(np.vdot(flat, flat)) and not np.isfinite(flat).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise ValueError(f"{name} holds {x[where]} at index {where}; pass finite numbers.")
    return x


def _one_dtype(given: dict[str, Array]) -> dict[str, Array]:
    """One float type per call; integers follow the floats, and so do Python's scalars (0-d float64)."""
    floats = {name: x.dtype for name, x in given.items() if x.dtype.kind == "f" and x.ndim}
    if len(set(floats.values())) > 1:
        mixed = ", ".join(f"{name} {dtype}" for name, dtype in floats.items())
        raise TypeError(f"mixed dtypes: {mixed}; convert all to float64, or all to float32.")
    dtype = next(iter(floats.values()), np.dtype(np.float64))
    return {name: x.astype(dtype, copy=False) for name, x in given.items()}


def _check_shapes(rule: Rule, q: Array, k: Array, v: Array) -> None:
    """q, k and v agree in batch and time; q and k in their features."""
    token = "(..., time, feature)" if rule.writes == 1 else f"(..., time, {rule.writes}, feature)"
    extra = 0 if rule.writes == 1 else 1
    for name, x, form, more in (("q", q, "(..., time, feature)", 0), ("k", k, token, extra), ("v", v, token, extra)):
        if x.ndim < 2 + more or (more and x.shape[-2] != rule.writes):
            raise ValueError(f"{name} has shape {x.shape}; pass {form}.")
    steps = k.shape[: k.ndim - 1 - extra]
    for name, have in (("q", q.shape[:-1]), ("v", v.shape[: v.ndim - 1 - extra])):
        if have[-1] != steps[-1]:
            raise ValueError(f"k has shape {k.shape} but {name} has {have[-1]} time steps; pass both as {token}.")
        if have[:-1] != steps[:-1]:
            raise ValueError(f"k has leading axes {steps[:-1]} but {name} has {have[:-1]}; make them equal.")
    if q.shape[-1] != k.shape[-1]:
        raise ValueError(f"q has {q.shape[-1]} features but k has {k.shape[-1]}; queries and keys share d_k.")
    if not k.shape[-1] or not v.shape[-1]:
        raise ValueError(f"k has {k.shape[-1]} and v has {v.shape[-1]} features; both need at least 1.")


def _broadcast(name: str, x: Any, lead: tuple[int, ...], core: tuple[int, ...], n: int) -> Array:
    """``x`` broadcast to ``lead + core`` and laid out as (n, *core)."""
    try:
        full = np.broadcast_to(x, lead + core)
    except ValueError:
        raise ValueError(f"{name} has shape {np.shape(x)}; it must broadcast to {lead + core}.") from None
    return tidy(full.reshape(n, *core))


def tidy(x: Array) -> Array:
    """C-contiguous and writable, as the kernels were compiled for; copied only if it is not."""
    return x if x.flags.c_contiguous and x.flags.writeable else np.array(x, order="C")


def _in_range(name: str, x: Array, low: float, high: float) -> None:
    """A gate is a multiplier in its range, not a logarithm."""
    if x.size and (x.min() < low or x.max() > high):
        bad = float(x.min() if x.min() < low else x.max())
        bounds = "numbers of at least 0" if high == math.inf else f"numbers in [{low}, {high}]"
        raise ValueError(f"{name} holds {bad:g}; pass {bounds} (gates are multipliers, not logarithms).")


def refuse_unused(rule: Rule | str, **arguments: Any) -> None:
    """A rule that does not use an argument refuses it."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"rule {rules.get_rule(rule).name!r} does not use {name}; leave it out.")


def _warn_unstable(call: Call) -> None:
    """A step past the bound of the rule's row is allowed, with a warning."""
    ratio = _step_ratio(call)
    if ratio > 1 + 16 * np.finfo(call.k.dtype).eps ** 0.75:
        bound = call.rule.stable if call.rule.stable != "always" else "eigenvalues of a step in [-1, 1]"
        warnings.warn(
            f"unstable step for rule {call.rule.name!r}: {ratio:.4g} times its bound ({bound}); "
            "lower beta or normalise k.",
            RuntimeWarning,
            stacklevel=4,
        )


def cotangent(name: str, x: Any, like: Array) -> Array:
    """A cotangent of the shape of what it belongs to; None is zero."""
    if x is None:
        return np.zeros_like(like)
    x = plain(name, x)
    if x.shape != like.shape:
        raise ValueError(f"{name} has shape {x.shape}; pass the shape of its output, {like.shape}.")
    if x.dtype.kind not in "iubf":
        raise TypeError(f"{name} has dtype {x.dtype}; pass {like.dtype}.")
    return x.astype(like.dtype, copy=False)


def sum_back(g: Array | None, lead: tuple[int, ...], shape: tuple[int, ...] | None) -> Array | None:
    """The gradient of a broadcast argument: summed over the axes along which it was repeated."""
    if g is None or shape is None:
        return None
    g = np.ascontiguousarray(g).reshape(lead + g.shape[1:])
    if g.shape == shape:
        return g  # a sum over no axes would be a copy
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    repeated = tuple(i for i, (have, want) in enumerate(zip(g.shape, shape, strict=True)) if want == 1 and have != 1)
    return g.sum(axis=repeated, keepdims=True).reshape(shape)
