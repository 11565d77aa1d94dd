"""Arguments as the kernels want them, or an error that names the wrong one; and gradients in the shapes that came."""

import math
from typing import Any

import numpy as np

from synfwp import checks, owned, rules
from synfwp.fastweights.layout import check_layout, check_shapes
from synfwp.fastweights.passes import CENTRED, SEVERAL_WRITES
from synfwp.fastweights.problem import Call, Shape, Sizes
from synfwp.fastweights.solvers import solver_of
from synfwp.kernels import sizes
from synfwp.rules import Rule
from synfwp.theory import stability

Array = np.ndarray
_LATER = ("q", "k", "v", "beta", "decay", "momentum")
_ARRAYS = ("q", "k", "v", "beta", "decay", "momentum", "ridge", "W0", "aux0")


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
    momentum: Any = None,
    ridge: Any = None,
    aux0: Any = None,
    warn: bool = True,
    later: bool = False,
) -> Call:
    """All checks of one call, whose arguments are those of `synfwp.scan`; with ``later`` all but those of `judge`.

    Returns
    -------
    Call
        With one batch axis.

    Raises
    ------
    TypeError, ValueError
        For a wrong shape, mixed float types, NaN or inf, a gate out of range, an argument that is missing or not used.
    """
    rule = rules.get_rule(rule)
    solver = solver_of(rule)
    p, r = _pair(rule, erase)
    raw = {"q": q, "k": k, "v": v, "beta": beta, "decay": decay, "p": p, "r": r, "momentum": momentum, "ridge": ridge}
    raw |= {"W0": W0, "aux0": aux0}
    given = {name: _array(name, x, rule.centred) for name, x in raw.items() if x is not None}
    aux = "aux0" in given  # the shape of what is carried is known only once sizes are
    _check_used(rule, given)
    given = _one_dtype(given)
    if not rule.uses_values:
        given = solver.prepare(rule, given)
    q, k, v = given["q"], given["k"], given["v"]
    check_shapes(rule, q, k, v)
    lead, n, cores = q.shape[:-2], math.prod(q.shape[:-2]), _cores(rule, q.shape[-2], q.shape[-1], v.shape[-1])
    if "beta" in given and given["beta"].ndim == v.ndim:
        _check_channels(rule)
        cores["beta"] = (*cores["beta"], v.shape[-1])
    if aux and "aux0" not in cores:
        refuse_unused(rule, aux0=aux0)
    check_layout(given, cores, lead, q.shape[-2], warn)
    full = {name: _broadcast(name, given[name], lead, core, n) for name, core in cores.items() if name in given}
    for name, usual in (("beta", np.ones), ("W0", np.zeros)):
        if name not in full:
            full[name] = usual((n, *cores[name]), k.dtype)
    _check_ranges(full, given)
    if aux and hasattr(solver, "check_aux"):
        solver.check_aux(rule, full)
    flat = [tidy(x.reshape(n, *x.shape[len(lead) :])) for x in (q, k, v)]
    call = Call(
        rule,
        flat[0],
        flat[1],
        flat[2],
        full["beta"],
        full.get("decay"),
        (full["p"], full["r"]) if "p" in full else None,
        full.get("momentum"),
        full.get("ridge"),
        full["W0"],
        full.get("aux0"),
        lead,
        {name: given[name].shape if x is not None else None for name, x in raw.items()},
    )
    if not later:
        judge(call, warn=warn)
    return call


def judge(call: Call, found: Sizes | None = None, warn: bool = True) -> None:
    """Raise for q, k or v that is not finite, and warn of unstable steps, by sizes that a run has summed or anew."""
    if found is None:
        q, k, v = (x if x.ndim == 3 else x.reshape(len(x), x.shape[1] * x.shape[2], x.shape[3]) for x in call[1:4])
        key, value = (k, v) if call.rule.error == "value" else (v, k)
        found = Sizes(np.empty(key.shape[:2], key.dtype), np.empty(len(key), key.dtype), key)
        with np.errstate(over="ignore", invalid="ignore"):
            sizes.squares(q, key, value, found.keys, found.given, 0, len(key))
    if not np.isfinite(found.given).all():
        for name, x in zip(("q", "k", "v"), call[1:4], strict=True):
            _finite(name, x.reshape(call.lead + x.shape[1:]))
    if warn:
        _warn_unstable(call, found.keys)


def _check_channels(rule: Rule) -> None:
    """One beta per value channel makes every row of W a memory of its own: not where the rows meet."""
    why = {
        "it has a solver of its own": rule.solver != "linear",
        "it predicts the key from all values": rule.error == "key",
        "all values are divided by one sum": rule.normalised,
        "it uses no beta": not rule.uses_beta,
    }
    for reason, holds in why.items():
        if holds:
            raise ValueError(
                f"beta has as many axes as v, one number per value channel, which rule {rule.name!r} has not: {reason};"
                f" pass beta of shape (..., T{', n' * (rule.writes > 1)})."
            )


def check_channels_of_form(call: Call, form: str) -> None:
    """The recurrence alone takes one beta per value channel."""
    if call.beta.ndim == call.v.ndim and form not in ("recurrent", "auto"):
        raise ValueError(
            f"beta has as many axes as v, one number per value channel, which form {form!r} has not: scores are the "
            "same for all channels; leave form out."
        )


def refuse_channels(beta: Any, keys: Array) -> None:
    """An attention matrix is the same for all value channels."""
    if beta is not None and np.ndim(plain("beta", beta)) == keys.ndim:
        raise ValueError(
            "beta has as many axes as k, one number per value channel: one matrix A cannot hold them; use synfwp.scan."
        )


def _cores(rule: Rule, T: int, d_k: int, d_v: int) -> dict[str, Shape]:
    """Shapes of the arguments that broadcast, without leading axes."""
    phases = (T,) if rule.writes == 1 else (T, rule.writes)
    width = d_k if rule.error == "value" else d_v
    cores: dict[str, Shape] = {
        "beta": phases,
        "decay": (T, width) if rule.retain == "key" else (T,),
        "p": (*phases, d_k),
        "r": (*phases, d_k),
        "momentum": (T,),
        "ridge": (d_k,),
        "W0": (rule.rows(d_v, d_k), d_k),
    }
    aux = solver_of(rule).aux_shape(rule, d_v, d_k)
    return cores if aux is None else cores | {"aux0": aux}


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
    used = {"beta": rule.uses_beta, "W0": rule.has_weights, "decay": rule.uses_decay}
    used |= {"momentum": rule.uses_momentum, "ridge": rule.uses_ridge}
    for name in ("decay", "momentum", "ridge"):
        if used[name] and name not in given:
            raise ValueError(f"rule {rule.name!r} needs {name}; pass {_wanted(rule, name)}.")
    for name, what in (("k", "takes no keys"), ("v", "writes no values" if rule.uses_keys else "takes no values")):
        if name in given and not uses[name]:
            raise ValueError(f"rule {rule.name!r} {what}; pass {name}=None.")
    for name, needed in used.items():
        if name in given and not needed:
            refuse_unused(rule, **{name: given[name]})


def _wanted(rule: Rule, name: str) -> str:
    """What a gate or a ridge looks like."""
    if name == "ridge":
        return "numbers above 0 that broadcast to (..., d_k)"
    width = "d_k" if rule.error == "value" else "d_v"
    per_key = name == "decay" and rule.retain == "key"
    return f"numbers in [0, 1] that broadcast to {f'(..., T, {width})' if per_key else '(..., T)'}"


def _check_ranges(full: dict[str, Array], given: dict[str, Array]) -> None:
    """Gates are multipliers, not logarithms; a ridge is positive."""
    for name, high in (("beta", math.inf), ("decay", 1), ("momentum", 1)):
        if name in given and full[name].size:
            _in_range(name, given[name], 0, high)
        elif name in given:
            _finite(name, given[name])
    if "ridge" in full and full["ridge"].size and full["ridge"].min() <= 0:
        raise ValueError(f"ridge holds {float(full['ridge'].min()):g}; pass numbers above 0.")


def _step_ratio(call: Call, squares: Array | None = None) -> float:
    """Largest step over its bound; of several writes the first one decays, and centred keys are what counts."""
    rule = call.rule
    for one in (SEVERAL_WRITES, CENTRED) if rule.erase is not None else ():
        call = one.down(call) if one.applies(rule) else call
    key = call.k if rule.error == "value" else call.v
    beta = call.beta.max(axis=-1) if call.beta.ndim == key.ndim else call.beta
    size = None if rule.centred else squares
    return stability.step_ratio(rule, key, beta, call.decay, call.pair, call.momentum, size)


CURES = dict(checks.CURES) | {
    "labels": "pass its .values in the order (..., time, feature), or the Dataset to synfwp.simulate",
    "else": "convert it to a NumPy array, or differentiate through synfwp.autograd.scan, all arguments by position",
}


def plain(name: str, x: Any) -> Array:
    """A NumPy array; labelled, masked, traced and foreign arrays are refused."""
    return checks.plain(name, x, CURES)


def _array(name: str, x: Any, centred: bool = False) -> Array:
    """A real NumPy array, and finite, but for what is tested with its size or its range later.

    The number of keys behind a known mean, at the end of aux0, is infinite.
    """
    x = plain(name, x)
    if name == "aux0" and centred and x.ndim and x.dtype.kind == "f":
        known = np.where(x[..., -1:] == np.inf, 0, x[..., -1:]).astype(x.dtype)
        _array(name, np.concatenate([x[..., :-1], known], axis=-1))
        return x
    if x.dtype.kind in "iub":
        return x
    if x.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} has dtype {x.dtype}; pass float64 or float32.")
    if name not in _LATER:
        _finite(name, x)
    return x


def _finite(name: str, x: Array) -> None:
    """Raise for the first entry that is not finite."""
    flat = x.ravel()
    if not math.isfinite(np.vdot(flat, flat)) and not np.isfinite(flat).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise ValueError(f"{name} holds {x[where]} at index {where}; pass finite numbers.")


def _one_dtype(given: dict[str, Array]) -> dict[str, Array]:
    """One float type per call; integers follow the floats, and so do Python's scalars (0-d float64)."""
    floats = {name: x.dtype for name, x in given.items() if x.dtype.kind == "f" and x.ndim}
    if len(set(floats.values())) > 1:
        mixed = ", ".join(f"{name} {dtype}" for name, dtype in floats.items())
        raise TypeError(f"mixed dtypes: {mixed}; convert all to float64, or all to float32.")
    dtype = next(iter(floats.values()), np.dtype(np.float64))
    if len(floats) == len(given):
        return given
    return {name: x.astype(dtype, copy=False) for name, x in given.items()}


def _broadcast(name: str, x: Any, lead: tuple[int, ...], core: tuple[int, ...], n: int) -> Array:
    """``x`` broadcast to ``lead + core`` and laid out as (n, *core)."""
    if np.shape(x) == lead + core:
        return tidy(x.reshape(n, *core))
    try:
        full = np.broadcast_to(x, lead + core)
    except ValueError:
        raise ValueError(f"{name} has shape {np.shape(x)}; it must broadcast to {lead + core}.") from None
    return tidy(full.reshape(n, *core))


def tidy(x: Array) -> Array:
    """C-contiguous and writable, as the kernels were compiled for; copied only if it is not."""
    return x if x.flags.c_contiguous and x.flags.writeable else np.array(x, order="C")


def _in_range(name: str, x: Array, low: float, high: float) -> None:
    """A gate is a finite multiplier in its range, not a logarithm; a NaN is the least and the largest number."""
    least, most = x.min(), x.max()
    if not (least >= low and most <= high and most < math.inf):
        _finite(name, x)
        bad = float(least if least < low else most)
        bounds = "numbers of at least 0" if high == math.inf else f"numbers in [{low}, {high}]"
        cure = "; synfwp.conventions.from_fla converts logarithms" if name == "decay" and bad < 0 else ""
        raise ValueError(f"{name} holds {bad:g}; pass {bounds} (gates are multipliers, not logarithms{cure}).")


def refuse_unused(rule: Rule | str, **arguments: Any) -> None:
    """A rule that does not use an argument refuses it."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"rule {rules.get_rule(rule).name!r} does not use {name}; leave it out.")


def _warn_unstable(call: Call, squares: Array) -> None:
    """A step past the bound of the rule's row is allowed, with a warning."""
    ratio = _step_ratio(call, squares)
    if ratio > 1 + 16 * np.finfo(call.k.dtype).eps ** 0.75:
        bound = call.rule.stable if call.rule.stable != "always" else "eigenvalues of a step in [-1, 1]"
        checks.warn(
            f"unstable step for rule {call.rule.name!r}: {ratio:.4g} times its bound ({bound}); "
            "lower beta or normalise k."
        )


def kept(call: Call, *given: Any) -> Call:
    """The call with arrays of its own: the caller may change hers before a gradient is taken."""
    own: dict[str, Any] = {name: owned.apart(getattr(call, name), *given) for name in _ARRAYS}
    if call.pair is not None:
        own["pair"] = tuple(owned.apart(one, *given) for one in call.pair)
    return call._replace(**own)


def finite(dtype: np.dtype, **given: Any) -> None:
    """Cotangents of a user's are finite; a training that diverges passes on what it has, and has its own message."""
    for name, x in given.items():
        if x is not None:
            with np.errstate(over="ignore"):
                bad = ~np.isfinite(plain(name, x).astype(dtype))
            if bad.any():
                raise ValueError(f"{name} holds {np.asarray(x)[bad][0]}; pass finite {dtype} numbers.")


def cotangent(name: str, x: Any, like: Array) -> Array:
    """A cotangent of the shape of what it belongs to; None is zero."""
    if x is None:
        return np.zeros_like(like)
    x = plain(name, x)
    if x.shape != like.shape:
        raise ValueError(f"{name} has shape {x.shape}; pass the shape of its output, {like.shape}.")
    if x.dtype.kind not in "iubf":
        raise TypeError(f"{name} has dtype {x.dtype}; pass {like.dtype}.")
    with np.errstate(over="ignore"):
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


def has_form(rule: Rule, form: str) -> None:
    """A form that the row lists."""
    if form not in rule.forms:
        raise ValueError(f"rule {rule.name!r} has no form {form!r}; it has {', '.join(map(repr, rule.forms))}.")
