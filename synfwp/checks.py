"""Checks at the border: every message names the argument, what came, what is expected and how to mend it."""

import difflib
import inspect
import math
import warnings
from collections.abc import Iterable, Mapping, Sized
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")
MOST = 2**31 - 1  # of anything that is counted
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
        size = f" of {len(value)}" if isinstance(value, Sized) and shape != () else ""
        return f"a {type(value).__name__}{size}"
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python prints no integer of more than 4300 digits
        text = f"an integer of {int(value).bit_length()} bits" if isinstance(value, int) else type(value).__name__
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


def carried(value: Any) -> str:
    """What a value carries beside its numbers, and what would be lost without a word; "" of plain numbers.

    Examples
    --------
    >>> carried(np.ma.array([1.0, 2.0], mask=[False, True])), carried(np.ones(2)), carried(20.0)
    ('a mask', '', '')
    """
    if isinstance(value, bool | int | float | np.number) or type(value) is np.ndarray:
        return ""
    if isinstance(value, np.ma.MaskedArray):
        return "a mask"
    if hasattr(value, "dims") and hasattr(value, "coords"):
        return "labels"  # of xarray
    if has_unit(value):
        return "a unit"
    if hasattr(value, "iloc"):
        return "labels"  # of pandas
    if hasattr(value, "tocsr"):
        return "a sparse pattern"
    return ""


def has_unit(value: Any) -> bool:
    """Whether it is a quantity of Brian2, pint, quantities (and so Neo), astropy or unyt that is no pure number."""
    if hasattr(getattr(value, "dim", None), "get_dimension"):
        return not getattr(value.dim, "is_dimensionless", False)
    return is_quantity(value) and str(value.dimensionality).strip("[]") != "dimensionless"


def is_quantity(value: Any) -> bool:
    """Whether it is a quantity of Brian2, pint, quantities, astropy or unyt."""
    return hasattr(getattr(value, "dim", None), "get_dimension") or any(
        hasattr(value, first) and hasattr(value, second)
        for first, second in (("dimensionality", "magnitude"), ("to_value", "unit"), ("to_value", "units"))
    )


CURES = {
    "a mask": "leave the masked entries out with .compressed(), or give them values with .filled()",
    "a unit": "pass a plain number or array here",
    "labels": "pass its values as a NumPy array, in the order of axes that is documented",
    "a sparse pattern": "pass a NumPy array (.toarray())",
}


def plain(what: str, value: Any, cures: Mapping[str, str] = CURES) -> np.ndarray:
    """A NumPy array of numbers, or an error for what a plain array would lose: masks, units, labels, and all that is
    no number.

    Raises
    ------
    TypeError
        Naming ``what``, with the cure.
    ValueError
        For a ragged list.

    Examples
    --------
    >>> plain("k", [[1, 2]]).shape
    (1, 2)
    >>> plain("k", np.ma.array([1.0, 2.0], mask=[False, True]))
    Traceback (most recent call last):
    ...
    TypeError: k is a MaskedArray, which carries a mask; leave the masked entries out with .compressed(), or give them \
values with .filled().
    """
    if type(value) is np.ndarray and value.dtype.kind in "fiub":
        return value
    if isinstance(value, range):
        value = list(value)
    if isinstance(value, list | tuple):
        for item in value:
            if not isinstance(item, bool | int | float):
                plain(what, item, cures)
    bare(what, value, cures)
    if not isinstance(value, bool | int | float | list | tuple | np.ndarray | np.generic):
        raise TypeError(f"{what} is of type {_type(value)}; {cures.get('else', 'convert it to a NumPy array')}.")
    try:
        found = np.asarray(value)
    except ValueError:
        raise ValueError(f"{what} is a ragged list; pass an array.") from None
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{what} has dtype {found.dtype}; pass float64 or float32.")
    return found


def bare(what: str, value: Any, cures: Mapping[str, str] = CURES) -> None:
    """Refuse what carries a mask, a unit or labels, and let anything else pass, boxes of autograd too.

    Examples
    --------
    >>> bare("x", np.ones(2))
    """
    if extra := carried(value):
        raise TypeError(f"{what} is {_a(value)}, which carries {extra}; {cures[extra]}.")


def array(
    what: str, value: Any, low: float = -np.inf, high: float = np.inf, *, above: bool = False, ndim: int | None = None
) -> np.ndarray:
    """A float64 array of finite numbers in [low, high] (in (low, high] with ``above=True``), or an error.

    Examples
    --------
    >>> array("pairs", [1, 8], 1).tolist()
    [1.0, 8.0]
    >>> array("pairs", [0, 8], 1)
    Traceback (most recent call last):
    ...
    ValueError: pairs holds 0.0; pass finite numbers of at least 1.
    """
    found = plain(what, value).astype(float)
    if ndim is not None and found.ndim != ndim:
        raise ValueError(f"{what} has shape {found.shape}; pass an array of {ndim} axes.")
    bad = ~np.isfinite(found) | (found > high) | ((found <= low) if above else (found < low))
    if bad.any():
        raise ValueError(f"{what} holds {float(found[bad][0])!r}; pass finite numbers{_range(low, high, above)}.")
    return found


def number(what: str, value: Any, low: float = -np.inf, high: float = np.inf, *, above: bool = False) -> float:
    """A finite float in [low, high] (in (low, high] with ``above=True``), or an error naming ``what``.

    Examples
    --------
    >>> number("tau", -20.0, 0.0, above=True)
    Traceback (most recent call last):
    ...
    ValueError: tau is -20.0; pass a finite number above 0.
    """
    if extra := carried(value):
        raise TypeError(f"{what} is {_a(value)}, which carries {extra}; pass a plain number.")
    try:
        if isinstance(value, str | bytes | bool | np.bool_) or np.iscomplexobj(value) or np.ndim(value):
            raise TypeError
        x = float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{what} is {short(value)}; pass a number.") from None
    if math.isfinite(x) and x <= high and (x > low if above else x >= low):
        return x
    raise ValueError(f"{what} is {short(value)}; pass a finite number{_range(low, high, above)}.")


def _range(low: float, high: float, above: bool) -> str:
    """The end of a message: which numbers."""
    bounds = []
    if low > -np.inf:
        bounds.append(f"{'above' if above else 'of at least'} {low:g}")
    if high < np.inf:
        bounds.append(f"of at most {high:g}")
    return f"{' ' if bounds else ''}{' and '.join(bounds)}"


def _a(value: Any) -> str:
    """The class of a value with its article."""
    return f"a {type(value).__name__}"


def _type(value: Any) -> str:
    """The class of a value and the package that it comes from."""
    return f"{type(value).__module__.split('.')[0]} {type(value).__name__}".removeprefix("builtins ")


def count(what: str, value: Any, low: int = 1, high: int = MOST) -> int:
    """An integer from ``low`` to ``high``, or an error naming ``what``.

    Examples
    --------
    >>> count("neurons", 2.5)
    Traceback (most recent call last):
    ...
    TypeError: neurons is 2.5; pass an integer of at least 1.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{what} is {short(value)}; pass an integer of at least {low}.")
    if not low <= value <= high:
        limit = "" if value < low else f" and at most {high}"
        raise ValueError(f"{what} is {short(value)}; pass an integer of at least {low}{limit}.")
    return int(value)


def warn(message: str) -> None:
    """A RuntimeWarning at the line that called the package, however deep inside it the warning arises.

    Calls of autograd and PyTorch, which stand between that line and a gradient, are passed over too.
    """
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _INSIDE:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, RuntimeWarning, stacklevel=level)
