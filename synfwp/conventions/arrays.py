"""What conventions take: arrays of NumPy or tensors of PyTorch, of finite floats, in the shape that is documented."""

from typing import Any

import numpy as np

from synfwp import checks

Array = Any  # of NumPy or PyTorch


def accept(name: str, x: Array, *, lowest: bool = False) -> Array:
    """A plain array of finite floats (integers become floats), or a tensor of them; with ``lowest`` also of -inf.

    Parameters
    ----------
    name : str
        The argument, for the message.
    x : array or tensor
    lowest : bool
        Whether -inf is allowed.

    Returns
    -------
    array or tensor
        An array of float64 or float32 as it is.

    Raises
    ------
    TypeError, ValueError
        Naming the argument.

    Examples
    --------
    >>> accept("beta", np.ones(2, int)).dtype.name
    'float64'
    >>> accept("beta", [0.5])
    Traceback (most recent call last):
    ...
    TypeError: beta is of type list; pass a NumPy array or a PyTorch tensor.
    """
    if not isinstance(x, np.ndarray):
        if not hasattr(x, "exp") or not hasattr(x, "swapaxes"):
            raise TypeError(f"{name} is of type {type(x).__name__}; pass a NumPy array or a PyTorch tensor.")
        return x  # what it holds is not looked at, which would wait for its device
    found = checks.plain(name, x)
    if found.dtype.kind in "iub":
        found = found.astype(float)
    if found.dtype.newbyteorder("=") not in (np.float64, np.float32):
        raise TypeError(f"{name} has dtype {found.dtype}; pass float64 or float32.")
    found = found.astype(found.dtype.newbyteorder("="), copy=False)
    bad = ~(np.isfinite(found) | (found == -np.inf)) if lowest else ~np.isfinite(found)
    if bad.any():
        raise ValueError(f"{name} holds {float(found[bad][0])}; pass finite numbers{' or -inf' if lowest else ''}.")
    return found


def shaped(name: str, x: Array, layout: str, *shapes: tuple[int, ...] | None, lowest: bool = False) -> Array:
    """What `accept` takes, of one of these shapes; None stands for any four axes.

    Examples
    --------
    >>> shaped("g", np.ones((2, 3)), "[B, T, H]", (2, 3, 1))
    Traceback (most recent call last):
    ...
    ValueError: g has shape (2, 3); pass [B, T, H], here (2, 3, 1).
    """
    x = accept(name, x, lowest=lowest)
    if tuple(x.shape) not in shapes and not (None in shapes and x.ndim == 4):
        here = " or ".join(str(shape) for shape in shapes if shape is not None)
        raise ValueError(f"{name} has shape {tuple(x.shape)}; pass {layout}{', here ' if here else ''}{here}.")
    return x


def alike(layout: str, **given: Array) -> tuple[Array, ...]:
    """Several arrays by name, all of the shape of the first, which has at least a step and features.

    Examples
    --------
    >>> [x.shape for x in alike("(..., T, d_k)", a=np.ones((2, 3)), b=np.ones((2, 3)))]
    [(2, 3), (2, 3)]
    """
    found = {name: accept(name, x) for name, x in given.items()}
    first, *_ = found
    for name, x in found.items():
        if x.ndim < 2 or tuple(x.shape) != tuple(found[first].shape):
            as_first = "" if name == first else f" as {first}, here {tuple(found[first].shape)}"
            raise ValueError(f"{name} has shape {tuple(x.shape)}; pass {layout}{as_first}.")
    return tuple(found.values())
