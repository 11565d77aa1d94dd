"""Values that an object derived from its other fields: they read like values that were given, and carry a mark.

``dataclasses.replace`` passes every field on. By the mark a new object tells what was given from what was derived, and
derives the latter anew.

Examples
--------
>>> given(Text("a_to_b")), given("mine")
(None, 'mine')
"""

from typing import Any

import numpy as np


class Text(str):
    """A text that was derived."""

    __slots__ = ()


class Number(float):
    """A number that was derived."""

    __slots__ = ()


class Choice(tuple[Any, ...]):
    """A tuple that was derived."""

    __slots__ = ()


class Filled(np.ndarray):
    """An array of one number that was given alone, so that it can fill another shape.

    Examples
    --------
    >>> w = filled((2, 3), 0.5)
    >>> fitting(w, (4, 1)), type(fitting(w, (2, 3))).__name__, type(w + 1).__name__
    (0.5, 'Filled', 'ndarray')
    """

    __array_priority__ = -1.0  # what is made of it and of plain arrays is plain

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        """Results of arithmetic are plain."""
        return np.asarray(array)[()] if return_scalar else np.asarray(array)


def given(value: Any) -> Any:
    """The value, or None if it was derived."""
    return None if isinstance(value, Text | Number | Choice) else value


def filled(shape: tuple[int, ...], number: float) -> Filled:
    """An array of one number."""
    return np.full(shape, number, float).view(Filled)


def fitting(value: Any, shape: tuple[int, ...]) -> Any:
    """The value, or the one number of a filled array that has another shape."""
    if isinstance(value, Filled) and value.shape != shape and value.size and (value == value.flat[0]).all():
        return float(value.flat[0])
    return value
