"""Checks at the border: every message names the argument, what came, what is expected and how to mend it."""

import difflib
import inspect
import warnings
from collections.abc import Iterable, Mapping, Sized
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
_INSIDE = ("synfwp", "autograd", "torch")


def short(value: object, room: int = 80) -> str:
    """What came, for a message: texts and numbers as they are, if they are short; else the type and the size.

    Examples
    --------
    >>> short("lag"), short(np.ones((3, 2))), short([1, 2]), short("x" * 200, 20)
    ("'lag'", 'an array of shape (3, 2)', '[1, 2]', "'xxxxx... (200 characters)")
    """
    if isinstance(value, str):
        text = repr(value)
        return text if len(text) <= room else f"{text[: max(room - 14, 1)]}... ({len(value)} characters)"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        kind = "an array" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
        return f"{kind} of shape {shape}"
    plain = isinstance(value, int | float | complex | np.generic | type(None))
    if not plain and (hasattr(value, "dims") or hasattr(value, "columns") or not _small(value)):
        size = f" of {len(value)}" if isinstance(value, Sized) else ""
        return f"a {type(value).__name__}{size}"
    text = " ".join(repr(value).split())
    return text if len(text) <= room else f"{text[:room]}... (a {type(value).__name__})"


def _small(value: object) -> bool:
    """Whether printing a container takes no time: few items, none of them a container of its own."""
    if not isinstance(value, list | tuple | set | frozenset | dict):
        return True
    return len(value) <= 20 and all(isinstance(one, str | int | float | np.generic | type(None)) for one in value)


def closest(name: object, options: Iterable[str]) -> str | None:
    """The option that is written most like ``name``, in any case; None if none comes near.

    Examples
    --------
    >>> closest("Cirquit", ["Circuit", "DELTA"]), closest("delta", ["Circuit", "DELTA"])
    ('Circuit', 'DELTA')
    """
    found = {option.lower(): option for option in options}
    close = difflib.get_close_matches(name[:200].lower(), found, n=1) if isinstance(name, str) else []
    return found[close[0]] if close else None


def suggest(name: object, options: Iterable[str]) -> str:
    """A closing sentence for an unknown name: the closest option, or all of them.

    Examples
    --------
    >>> suggest("detla", ["hebb", "delta"])
    "did you mean 'delta'?"
    """
    options = list(options)
    close = closest(name, options)
    return f"did you mean {close!r}?" if close else f"choose one of {', '.join(map(repr, options))}."


def lookup(what: str, name: object, table: Mapping[str, T]) -> T:
    """``table[name]``, or a ValueError that suggests a name.

    Examples
    --------
    >>> lookup("flow", "lag", {"instant": 1, "lagged": 2})
    Traceback (most recent call last):
    ...
    ValueError: unknown flow 'lag'; did you mean 'lagged'?
    """
    if isinstance(name, str) and name in table:
        return table[name]
    raise ValueError(f"unknown {what} {short(name)}; {suggest(name, table)}")


def one_of(what: str, name: object, options: Iterable[str]) -> str:
    """``name`` if it is one of ``options``, or a ValueError that suggests one."""
    return lookup(what, name, {option: option for option in options})


def number(what: str, value: Any, low: float = -np.inf, high: float = np.inf, *, above: bool = False) -> float:
    """A finite float in [low, high] (in (low, high] with ``above=True``), or an error naming ``what``.

    Examples
    --------
    >>> number("tau", -20.0, 0.0, above=True)
    Traceback (most recent call last):
    ...
    ValueError: tau is -20.0; pass a finite number above 0.
    """
    try:
        x = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{what} is {value!r}; pass a number.") from None
    if np.isfinite(x) and x <= high and (x > low if above else x >= low):
        return x
    bounds = []
    if low > -np.inf:
        bounds.append(f"{'above' if above else 'of at least'} {low:g}")
    if high < np.inf:
        bounds.append(f"of at most {high:g}")
    raise ValueError(f"{what} is {value!r}; pass a finite number{' ' if bounds else ''}{' and '.join(bounds)}.")


def count(what: str, value: Any, low: int = 1) -> int:
    """An integer of at least ``low``, or an error naming ``what``.

    Examples
    --------
    >>> count("neurons", 2.5)
    Traceback (most recent call last):
    ...
    TypeError: neurons is 2.5; pass an integer of at least 1.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{what} is {value!r}; pass an integer of at least {low}.")
    if value < low:
        raise ValueError(f"{what} is {value!r}; pass an integer of at least {low}.")
    return int(value)


def warn(message: str) -> None:
    """A RuntimeWarning at the line that called the package, however deep inside it the warning arises.

    Calls of autograd and PyTorch, which stand between that line and a gradient, are passed over too.
    """
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _INSIDE:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, RuntimeWarning, stacklevel=level)
