"""Results that are written over those of an earlier call."""

from typing import Any

import numpy as np

from synfwp import checks, owned
from synfwp.fastweights.problem import Call, Scan, Shape
from synfwp.fastweights.solvers import aux_shape

Array = np.ndarray


def check_out(call: Call, out: Any, every: int) -> None:
    """A Scan whose arrays have the shapes and the dtype of the results and can be written to, or an error."""
    if not isinstance(out, Scan):
        raise TypeError(f"out is {checks.short(out)}; pass what an earlier call of the same sizes has returned.")
    row, (T, d_k), d_v = call.rule, call.q.shape[1:], call.v.shape[-1]
    W, aux = call.W0.shape[1:] if row.has_weights else None, aux_shape(row, d_v, d_k)
    states = (T // every, *call.W0.shape[1:]) if every else None
    wanted: dict[str, Shape | None] = {"y": (T, d_v), "W": W, "aux": aux, "states": states}
    for name, core in wanted.items():
        x, need = getattr(out, name), "None" if core is None else f"{call.q.dtype} {call.lead + core}"
        got = "None" if x is None else f"{x.dtype} {x.shape}"
        if got != need:
            raise ValueError(f"out.{name} is {got} but this call gives {need}; pass one of this size, or none.")
        if x is not None and not (x.flags.writeable and x.flags.c_contiguous):
            raise ValueError(f"out.{name} cannot be written over in place; pass what a call has returned, not a view.")


def places(call: Call, out: Scan | None) -> tuple[Array, Array] | None:
    """Where a run may write y and W at once; None where an argument lies there, or rows are padded."""
    if out is None or call.v.shape[-1] % 4:
        return None
    y, W = out.y.reshape(len(call.q), *out.y.shape[len(call.lead) :]), out.W.reshape(call.W0.shape)
    return None if owned.apart(y, *call) is not y or owned.apart(W, *call) is not W else (y, W)


def fill(out: Scan, found: Scan) -> Scan:
    """``out`` with the numbers that were found, where they are not there already."""
    for name in ("y", "W", "aux", "states"):
        x, new = getattr(out, name), getattr(found, name)
        if x is not None and not np.may_share_memory(x, new):
            x[...] = new
    return out
