"""Settings of programs: numbers and names with a type and a usual value, from keywords or from text."""

import functools
import inspect
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from synfwp import checks, units

_RUN = ("quick", "seed")  # what every program takes, beside its settings
_PLAIN = (int, float, str, bool)


class Setting(NamedTuple):
    """One setting: its name, its type, its usual value, that of a quick run, its unit (or ""), a line about it."""

    name: str
    kind: Any
    default: Any
    quick: Any
    unit: str = ""
    text: str = ""

    def read(self, value: Any) -> Any:
        """A value of this type, from text too; mappings change only the entries that they name.

        Raises
        ------
        TypeError, ValueError
            For what is no such value.

        Examples
        --------
        >>> Setting("rho0", float, 5.0, 5.0).read("8"), Setting("pairs", tuple[int, ...], (1,), (1,)).read("2,4")
        (8.0, (2, 4))
        >>> Setting("n", int, 5, 5).read("many")
        Traceback (most recent call last):
        ...
        ValueError: n is 'many'; pass an integer.
        """
        origin, inner = typing.get_origin(self.kind), typing.get_args(self.kind)
        if origin is tuple:
            parts = value.split(",") if isinstance(value, str) else value
            parts = list(parts) if isinstance(parts, (list, tuple)) or getattr(parts, "ndim", 0) == 1 else [parts]
            if not parts:
                raise ValueError(f"{self.name} is empty; pass at least one {inner[0].__name__}.")
            return tuple(self._one(self.name, inner[0], part) for part in parts)
        if origin is dict:
            if isinstance(value, str):
                value = {key: text for key, _, text in (part.partition(":") for part in value.split(",") if part)}
            if not isinstance(value, Mapping):
                raise TypeError(f"{self.name} is {value!r}; pass a dict, or text such as {self._example()!r}.")
            for key in value:
                checks.one_of(f"entry of {self.name}", key, self.default)
            return {key: self._one(f"{self.name}[{key!r}]", inner[1], x) for key, x in value.items()}
        return self._one(self.name, self.kind, value)

    def shown(self, value: Any) -> str:
        """A value as text that `read` takes."""
        if isinstance(value, Mapping):
            return ",".join(f"{key}:{self.shown(x)}" for key, x in value.items())
        if isinstance(value, (tuple, list)):
            return ",".join(map(self.shown, value))
        return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)

    def _example(self) -> str:
        return self.shown(dict(list(self.default.items())[:1]))

    def _one(self, name: str, kind: Any, value: Any) -> Any:
        if kind is bool:
            words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            return value if isinstance(value, bool) else checks.lookup(f"value of {name}", str(value).lower(), words)
        if kind is str:
            if not isinstance(value, str) or not value.strip():
                raise TypeError(f"{name} is {value!r}; pass text.")
            return value.strip()
        wanted = "an integer" if kind is int else "a number"
        if isinstance(value, str):
            try:
                value = kind(value.strip())
            except ValueError:
                raise ValueError(f"{name} is {value!r}; pass {wanted}.") from None
        if kind is int:
            return checks.count(name, value, 0)
        if isinstance(value, bool):
            raise TypeError(f"{name} is {value!r}; pass {wanted}.")
        return checks.number(name, units.to_float(value, self.unit or "1", name))


def settings_of(main: Callable[..., Any]) -> dict[str, Setting]:
    """The settings of a program by name, from the signature of its ``main``: all of a plain type.

    Examples
    --------
    >>> def main(quick=False, seed=0, size=3, name: str = "delta"): ...
    >>> {name: one.kind.__name__ for name, one in settings_of(main).items()}
    {'size': 'int', 'name': 'str'}
    """
    declared: dict[str, Setting] | None = getattr(main, "settings", None)
    if declared is not None:
        return declared
    hints = typing.get_type_hints(main)
    found = {}
    for name, parameter in inspect.signature(main).parameters.items():
        if name in _RUN or parameter.default is parameter.empty:
            continue
        kind = hints.get(name, type(parameter.default))
        if _settable(kind):
            found[name] = Setting(name, kind, parameter.default, parameter.default)
    return found


def read_all(known: Mapping[str, Setting], given: Mapping[str, Any], whose: str) -> dict[str, Any]:
    """Values of the right types under known names.

    Raises
    ------
    TypeError, ValueError
        For an unknown name (the closest one is suggested), or a value of another type.
    """
    for name in given:
        if name not in known:
            hint = checks.suggest(name, known) if known else "it has none."
            raise TypeError(f"{whose} has no setting {name!r}; {hint}")
    return {name: known[name].read(value) for name, value in given.items()}


def sized(full: Any, small: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make the fields of a NamedTuple the settings of ``main(size, quick, seed)``.

    The function that results is ``main(quick=False, seed=0, **settings)``; it calls the one below it with ``full`` or
    ``small``, in which the settings are replaced. The comment behind a field is its description, after its unit and a
    colon if it has one; fields of other types than numbers, text, tuples and dicts of them are no settings.

    Parameters
    ----------
    full, small : NamedTuple
        All sizes of a full and of a quick run.

    Returns
    -------
    decorator

    Examples
    --------
    >>> class Size(NamedTuple):
    ...     cells: int
    ...     rate: float = 5.0
    >>> @sized(Size(4), Size(1))
    ... def main(size, quick=False, seed=0):
    ...     return size
    >>> main(quick=True), main(rate=8)
    (Size(cells=1, rate=5.0), Size(cells=4, rate=8.0))
    >>> main(celsl=2)
    Traceback (most recent call last):
    ...
    TypeError: this program has no setting 'celsl'; did you mean 'cells'?
    """
    texts, hints = _comments(type(full)), typing.get_type_hints(type(full))
    known = {
        name: Setting(name, hints[name], getattr(full, name), getattr(small, name), *texts.get(name, ("", "")))
        for name in full._fields
        if _settable(hints[name])
    }

    def decorate(main: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(main)
        def whole(quick: bool = False, seed: Any = 0, **settings: Any) -> Any:
            size = small if quick else full
            changed = read_all(known, settings, "this program")
            merged = {n: getattr(size, n) | x if isinstance(x, dict) else x for n, x in changed.items()}
            return main(size._replace(**merged), quick, seed)

        del whole.__wrapped__  # the signature is this one
        whole.settings = known  # type: ignore[attr-defined]
        return whole

    return decorate


def _settable(kind: Any) -> bool:
    """Whether text can say a value of this type."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return len(inner) == 2 and inner[1] is Ellipsis and inner[0] in _PLAIN
    return kind in _PLAIN or (origin is dict and inner[0] is str and inner[1] in _PLAIN)


def _comments(kind: type) -> dict[str, tuple[str, str]]:
    """Unit and description of each field, from the comment behind it."""
    try:
        source = inspect.getsource(kind)
    except (OSError, TypeError):
        return {}
    found = {}
    for name, comment in re.findall(r"^    (\w+): [^#\n]*#\s*(.+)$", source, re.M):
        unit, colon, text = comment.partition(": ")
        found[name] = (unit, text) if colon and unit in units.UNITS else ("", comment)
    return found
