"""How objects are shown: in one line, with the fields that differ from their defaults, arrays by their shapes.

Examples
--------
>>> from synfwp import Instructions
>>> Instructions(np.ones((5, 2)), np.ones((5, 2)), np.ones((5, 3)))
Instructions(q=array(5, 2), k=array(5, 2), v=array(5, 3))
"""

import dataclasses
import shutil
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np

ROOM = 160  # characters of a line
_PART = 60


def one_line(x: Any) -> str:
    """A dataclass as ``Name(field=value)``, the fields that differ from their defaults; to be a class's ``__repr__``.

    Examples
    --------
    >>> from synfwp import Programmer
    >>> one_line(Programmer(d_in=8))
    'Programmer(d_in=8)'
    """
    found = []
    for field in dataclasses.fields(x):
        value, default = getattr(x, field.name, None), field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        text = brief(value)
        if field.repr and (default is dataclasses.MISSING or text != brief(default)):
            found.append(f"{field.name}={text}")
    return cut(f"{type(x).__name__}({', '.join(found)})", ROOM)


class OneLine:
    """A base of dataclasses that are shown in one line, however many classes lie between."""

    def __init_subclass__(cls, **more: Any) -> None:
        """The line stands in the class itself, where a dataclass would put its own."""
        super().__init_subclass__(**more)
        if "__repr__" not in cls.__dict__:
            cls.__repr__ = one_line  # type: ignore[assignment, method-assign]


def brief(x: Any) -> str:
    """A value as part of a line.

    Examples
    --------
    >>> brief(np.zeros((3, 2))), brief({"W": np.ones(4)}), brief(None)
    ('array(3, 2)', '{1 array, 4 numbers}', 'None')
    """
    if isinstance(x, np.ndarray):
        return f"array{x.shape}" if x.ndim != 1 else f"array({len(x)})"
    if hasattr(x, "nnz") and hasattr(x, "shape"):
        return f"sparse{x.shape} of {x.nnz} entries"
    if hasattr(x, "times") and hasattr(x, "values") and hasattr(x, "at"):  # Steps: one number is a number
        return f"{float(x.values.ravel()[0])!r}" if np.size(x.values) == 1 else f"{type(x).__name__} of {len(x.times)}"
    if isinstance(x, str):
        return repr(x) if len(x) <= _PART else f"{x[:_PART]!r}... ({len(x)} characters)"
    if isinstance(x, Mapping):
        arrays = [one for one in x.values() if isinstance(one, np.ndarray)]
        if arrays:
            return f"{{{len(arrays)} array{'s' * (len(arrays) > 1)}, {sum(one.size for one in arrays):,} numbers}}"
        return f"{{{len(x)} entries}}" if len(x) > 4 else cut(repr(dict(x)), _PART)
    if isinstance(x, tuple | list) and (len(x) > 6 or any(isinstance(one, np.ndarray) for one in x)):
        return f"{type(x).__name__} of {len(x)}"
    if hasattr(x, "sizes") and hasattr(x, "attrs"):  # of xarray
        return f"{type(x).__name__}({', '.join(f'{name}: {size}' for name, size in x.sizes.items())})"
    if dataclasses.is_dataclass(x) and not isinstance(x, type):
        if isinstance(vars(x).get("name"), str):
            return brief(vars(x)["name"])
        return cut(one_line(x), _PART)
    return cut(" ".join(repr(x).split()), _PART)


def cut(text: str, room: int) -> str:
    """A text that is not longer than a line.

    Examples
    --------
    >>> cut("LIF(tau_m=20.0)", 10)
    'LIF(ta ...'
    """
    return text if len(text) <= room else f"{text[: room - 4]} ..."


def width() -> int:
    """Letters of a line of the terminal, 120 where there is none."""
    return shutil.get_terminal_size((120, 24)).columns


def wrapped(text: str) -> str:
    """Every line of a text wrapped to the terminal.

    Examples
    --------
    >>> print(wrapped("(a) Rates.\\n(b) Weights."))
    (a) Rates.
    (b) Weights.
    """
    return "\n".join(textwrap.fill(line, width()) for line in text.split("\n"))
