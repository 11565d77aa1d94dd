"""Memory that results are written into again: what a caller has let go of needs no new pages from the system.

A buffer is free while nothing but the pool refers to it: a result is a view of its buffer, and so is every view of the
result. The pool needs no lock, because taking a buffer out of a list and putting it back are one step each.
"""

import math
import sys

import numpy as np

Array = np.ndarray
SMALL, ALL = 1 << 17, 1 << 26  # bytes: below the one the system's own allocator is as fast; what all buffers may hold
_POOL: list[Array] = []


def _references(buffer: Array) -> int:
    """How many references there are, this function's own among them."""
    return sys.getrefcount(buffer)


def _of_one_owner() -> int:
    """The references to a buffer that only the variable of who asks holds."""
    buffer = np.empty(1, np.uint8)
    return _references(buffer)


_FREE = _of_one_owner()


def empty(shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """An array that holds what its memory held; large ones share memory with results that nobody has any more."""
    size = math.prod(shape) * dtype.itemsize
    if not SMALL <= size <= ALL // 4:
        return np.empty(shape, dtype)
    found = np.ndarray(shape, dtype, buffer=_take(size))
    while sum(buffer.nbytes for buffer in _POOL) > ALL:
        try:
            _POOL.pop(0)
        except IndexError:  # another thread was faster
            break
    return found


def copy(x: Array, found: Array | None = None) -> Array:
    """A copy in such memory, or in the array that is passed."""
    found = empty(x.shape, x.dtype) if found is None else found
    found[...] = x
    return found


def zeros_like(x: Array) -> Array:
    """Zeros in such memory."""
    found = empty(x.shape, x.dtype)
    found.fill(0)
    return found


def _take(size: int) -> Array:
    """A buffer of at least so many bytes, and of at most twice as many; a new one where none is free."""
    for _ in range(len(_POOL)):
        try:
            buffer = _POOL.pop(0)
        except IndexError:
            break
        free = _references(buffer) <= _FREE
        _POOL.append(buffer)
        if free and size <= buffer.nbytes <= 2 * size:
            return buffer
    buffer = np.empty(size, np.uint8)
    _POOL.append(buffer)
    return buffer
