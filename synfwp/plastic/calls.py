"""One call of a plastic layer: its arguments checked and as the kernels take them, its run forward, and its adjoint."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from synfwp import checks
from synfwp.kernels import plastic as kernel
from synfwp.plastic.layer import PlasticLayer

Array = np.ndarray
Shape = tuple[int, ...]


class Call(NamedTuple):
    """Checked arguments with one batch axis (W and alpha without), the leading axes and the shapes that came."""

    how: tuple[int, int, int, int]
    drive: Array
    x: Array | None
    W: Array | None
    alpha: Array | None
    lam: Array
    eta: Array
    h0: Array
    A0: Array
    aux0: Array
    lead: Shape
    shapes: dict[str, Shape | None]


class Run(NamedTuple):
    """Hidden states h (n, T, d), the last A and aux, and what `adjoint` needs: z (n, T, S + 1, d) and its scale."""

    h: Array
    A: Array
    aux: Array
    z: Array
    scale: Array


def check(
    layer: PlasticLayer,
    drive: Any,
    x: Any = None,
    W: Any = None,
    alpha: Any = None,
    lam: Any = 1.0,
    eta: Any = 1.0,
    h0: Any = None,
    A0: Any = None,
    aux0: Any = None,
) -> Call:
    """All checks of one call; shapes as `synfwp.autograd.plastic`.

    Raises
    ------
    TypeError, ValueError
        For a wrong shape, mixed float types, NaN or inf (but as the number of steps in aux0, which holds its means),
        a negative number of steps, or an argument that is missing or not used.
    """
    raw = {
        "drive": drive, "x": x, "W": W, "alpha": alpha, "lam": lam, "eta": eta, "h0": h0, "A0": A0, "aux0": aux0,
    }  # fmt: skip
    given = {name: _array(name, value) for name, value in raw.items() if value is not None}
    dtypes = {name: value.dtype for name, value in given.items() if value.ndim}
    if len(set(dtypes.values())) > 1:
        mixed = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
        raise TypeError(f"mixed dtypes: {mixed}; convert all to float64, or all to float32.")
    if "drive" not in given or given["drive"].ndim < 2:
        raise ValueError(f"drive has shape {np.shape(drive)}; pass an array (..., time, unit).")
    source = "W" if layer.recurrent else "x"
    _exactly(source, given, ("W", "x"), layer)
    (*lead, T, d), dtype = given["drive"].shape, given["drive"].dtype
    d_pre = d if layer.recurrent else given["x"].shape[-1]
    wanted = {"W": (d, d), "x": (*lead, T, d_pre)}[source]
    if given[source].shape != wanted:
        raise ValueError(f"{source} has shape {given[source].shape} beside a drive {(*lead, T, d)}; pass {wanted}.")
    if not d or not d_pre:
        raise ValueError(f"the layer has {d} units and {d_pre} inputs to A; both need at least 1.")
    centred = layer.rule == "covariance"
    if "aux0" in given and not centred:
        raise ValueError(f"rule {layer.rule!r} does not use aux0; leave it out.")
    if "aux0" in given:
        _check_means(given["aux0"])
    n, width = math.prod(lead), d + d_pre + 1 if centred else 0

    def full(name: str, core: Shape, batch: bool = True) -> Array:
        value, shape = given.get(name, dtype.type(0)), (*(lead if batch else ()), *core)
        try:
            wide = np.broadcast_to(value, shape)
        except ValueError:
            raise ValueError(f"{name} has shape {np.shape(value)}; it must broadcast to {shape}.") from None
        return np.array(wide, dtype, order="C").reshape((n, *core) if batch else core)

    return Call(
        layer.how,
        full("drive", (T, d)),
        None if layer.recurrent else full("x", (T, d_pre)),
        full("W", (d, d), batch=False) if layer.recurrent else None,
        full("alpha", (d, d_pre), batch=False) if "alpha" in given else None,
        full("lam", (T,)),
        full("eta", (T,)),
        full("h0", (d,)),
        full("A0", (d, d_pre)),
        full("aux0", (width,)),
        tuple(lead),
        {name: given[name].shape if name in given else None for name in raw},
    )


def _serial(work: Callable[[int, int], None], n: int, flops: float, threads: int | None) -> None:
    """All sequences in this thread."""
    work(0, n)


def run(call: Call, spread: Callable[..., None] = _serial) -> Run:
    """Forward; ``spread(work, n, flops, threads)`` may share the sequences out."""
    how, drive, x, W, alpha, keep, write, h0, A0, aux0, _, _ = call
    n, T, d = drive.shape
    passes = how[2] + 1
    A, aux, h = A0.copy(), aux0.copy(), np.empty_like(drive)
    z, scale = np.empty((n, T, passes, d), drive.dtype), np.empty((n, T, passes), drive.dtype)

    def work(lo: int, hi: int) -> None:
        kernel.forward(how, drive, x, W, alpha, keep, write, h, z, scale, h0, A, aux, lo, hi)

    spread(work, n, _flops(call), None)
    return Run(h, A, aux, z, scale)


def adjoint(
    call: Call, out: Run, dh: Array, dA: Array, daux: Array, spread: Callable[..., None] = _serial
) -> dict[str, Any]:
    """Gradients by name, with the batch axis (W without it), for cotangents of h, A and aux; dA, daux are used up."""
    how, drive, x, W, alpha, keep, write, h0, A0, aux0, _, _ = call
    n, T = drive.shape[:2]
    ddrive, dh0 = np.empty_like(drive), np.empty_like(h0)
    dx = None if x is None else np.empty_like(x)
    dalpha = None if alpha is None else np.zeros_like(A0)
    dkeep, dwrite = np.empty_like(keep), np.empty_like(write)
    segment = max(1, math.isqrt(T))

    def work(lo: int, hi: int) -> None:
        kernel.adjoint(
            how, x, W, alpha, keep, write, out.h, out.z, out.scale, h0, A0, aux0, dh, dA, daux, ddrive, dx, dalpha,
            dkeep, dwrite, dh0, segment, lo, hi,
        )  # fmt: skip

    spread(work, n, 3 * _flops(call), None)
    daux[:, -1:] = 0  # the number of steps is no parameter
    dW = None
    if W is not None:
        before = np.concatenate([h0[:, None], out.h[:, :-1]], axis=1)[:, :T]
        dW = np.tensordot(ddrive, before, ([0, 1], [0, 1]))
    return {
        "drive": ddrive, "x": dx, "W": dW, "alpha": dalpha, "lam": dkeep, "eta": dwrite, "h0": dh0, "A0": dA,
        "aux0": daux,
    }  # fmt: skip


def _flops(call: Call) -> float:
    """Multiplications and additions of a forward run, about."""
    return float((5 + 3 * call.how[2]) * call.drive.shape[1] * call.A0.size)


def _array(name: str, x: Any) -> Array:
    """A finite array of floats; integers become float64."""
    found = checks.plain(name, x)
    found = found.astype(float) if found.dtype.kind in "iub" else found
    if found.dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} is a {type(x).__name__} of dtype {found.dtype}; pass a float64 or float32 array.")
    counts = name == "aux0" and found.ndim and found.shape[-1] > 1  # behind the means their number, checked below
    if not np.isfinite(found[..., :-1] if counts else found).all():
        raise ValueError(f"{name} holds NaN or inf; pass finite numbers.")
    return found


def _check_means(aux0: Array) -> None:
    """The number of steps, the last entry, is not negative; it may be infinite."""
    number = aux0[..., -1] if aux0.ndim else aux0
    if not (number >= 0).all():
        worst = float(number.ravel()[np.argmin(number)])
        raise ValueError(
            f"aux0 holds {worst:g} as the number of steps so far; pass the aux of an earlier run, or means and inf to "
            "hold them."
        )


def _exactly(source: str, given: Mapping[str, Array], options: tuple[str, ...], layer: PlasticLayer) -> None:
    """A recurrent layer takes W and no x, any other x and no W."""
    kind = f"a layer with recurrent={layer.recurrent}"
    for name in options:
        if name == source and name not in given:
            raise ValueError(f"{name} is None, but {kind} needs it; pass an array.")
        if name != source and name in given:
            raise ValueError(f"{kind} does not use {name}; leave it out (W x belongs to the drive).")
