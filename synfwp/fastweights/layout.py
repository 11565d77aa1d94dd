"""How queries, keys, values and gates lie in their axes, or an error that names the wrong one."""

import numpy as np

from synfwp import checks
from synfwp.fastweights.problem import Shape
from synfwp.rules import Rule

Array = np.ndarray


def check_shapes(rule: Rule, q: Array, k: Array, v: Array) -> None:
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


def check_layout(given: dict[str, Array], cores: dict[str, Shape], lead: Shape, T: int, warn: bool) -> None:
    """Refuse [batch, time, head, .] of flash-linear-attention where a shape shows it, and warn where sizes do.

    One argument whose axes of time and head are exchanged against those of q shows it, or a state that only fits q read
    that way. Where all are exchanged, shapes alone agree; then 2 to 64 steps after an axis at least four times as long
    and of 16 or more look like heads after time, unless a state of the right shape was passed.
    """
    if len(lead) != 2:
        return
    batch, heads = lead
    cure = "convert them with synfwp.conventions.from_fla (in PyTorch: synfwp.torch.scan_fla)"
    for name in ("beta", "decay", "p", "r", "momentum"):
        if name in given and name in cores and heads != T and given[name].ndim == 2 + len(cores[name]):
            right = (*lead, *cores[name])
            if given[name].shape == (batch, T, heads, *cores[name][1:]):
                raise ValueError(
                    f"{name} has shape {given[name].shape} but q asks for {right}: one of them is [batch, time, head] "
                    f"as in flash-linear-attention, the other (batch, head, time); {cure}."
                )
    W0 = given.get("W0")
    states = [(batch, n, *cores["W0"][::-1]) for n in (T, heads)]
    if W0 is not None and W0.shape != (*lead, *cores["W0"]) and W0.shape in states and heads != T:
        raise ValueError(
            f"W0 has shape {W0.shape}, [batch, head, key, value] as the state of flash-linear-attention, but is "
            f"{(*lead, *cores['W0'])} here, (value, key); {cure}."
        )
    if warn and W0 is None and T > 0 and 2 <= T <= 64 and heads >= max(16, 4 * T):
        checks.warn(
            f"q has shape {(*lead, T)} without its features: read as {batch} x {heads} sequences of {T} steps. If they "
            f"are [batch, time, head] as in flash-linear-attention, {cure}; if not, join the leading axes into one "
            f"(reshape to ({batch * heads}, {T}, .)), and this warning is gone."
        )
