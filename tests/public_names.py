"""Every public name of the package: what ``synfwp.__all__`` leads to, as dotted names and objects."""

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import synfwp


def ours(thing: object) -> bool:
    """Whether it is defined in this package."""
    return getattr(thing, "__module__", "").split(".")[0] == "synfwp"


def members(module: ModuleType) -> list[str]:
    """Public names of a module: its ``__all__``, or what is defined in it without an underscore."""
    if hasattr(module, "__all__"):
        return [str(name) for name in module.__all__]
    defined = [name for name, x in vars(module).items() if getattr(x, "__module__", "") == module.__name__]
    return [name for name in defined if not name.startswith("_")]


def function(member: object) -> Callable[..., Any] | None:
    """The function behind a method, a property or a class method, if it is ours."""
    for inner in ("__func__", "fget", "func"):
        member = getattr(member, inner, member)
    return member if inspect.isfunction(member) and ours(member) and member.__name__ != "<lambda>" else None


def walk(name: str, thing: object) -> Iterator[tuple[str, Any]]:
    """A name and what lies below it: functions, classes, public methods of these, members of modules."""
    if inspect.ismodule(thing):
        if thing.__name__.startswith("synfwp."):
            for below in members(thing):
                yield from walk(f"{name}.{below}", getattr(thing, below))
    elif inspect.isclass(thing) and ours(thing):
        yield name, thing
        for below, member in inspect.getmembers_static(thing):
            made = function(member)
            if made is not None and (not below.startswith("_") or below == "__call__"):
                yield f"{name}.{below}", made
    elif inspect.isfunction(thing) and ours(thing):
        yield name, thing


def public() -> dict[str, Any]:
    """Dotted name -> function or class, each under the shortest name that leads to it."""
    found: dict[int, tuple[str, Any]] = {}
    for name in sorted(synfwp.__all__, key=lambda name: inspect.ismodule(getattr(synfwp, name))):
        for full, thing in walk(name, getattr(synfwp, name)):
            found.setdefault(id(thing), (full, thing))
    return dict(sorted(found.values(), key=lambda pair: pair[0]))
