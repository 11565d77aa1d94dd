"""The reference: every public name with its docstring, from ``synfwp.__all__`` and the modules that it names."""

import inspect
import re
from types import ModuleType
from typing import Any

import synfwp as fw


def members(module: ModuleType) -> list[str]:
    """Public names of a module: its ``__all__``, or what is defined in it without an underscore."""
    if hasattr(module, "__all__"):
        return [str(name) for name in module.__all__]
    defined = [name for name, x in vars(module).items() if getattr(x, "__module__", "") == module.__name__]
    return [name for name in defined if not name.startswith("_")]


def pages() -> dict[str, str]:
    """One page for each function and class of ``fw``, one for each public module, and two lists."""
    names, modules, constants = [], [], []
    found = {}
    for name in fw.__all__:
        thing = getattr(fw, name)
        if inspect.ismodule(thing):
            modules.append(name)
            found[f"api/{name}_module.rst"] = module_page(f"fw.{name}", thing)
        elif inspect.isclass(thing) or callable(thing):
            names.append(name)
            found[f"api/{name}.rst"] = titled(name, directive("synfwp", name, thing))
        else:
            constants.append(name)
    found["api/constants.rst"] = titled("Constants", *(f"``fw.{name}``\n   {constant(name)}\n" for name in constants))
    lists = [toctree("Functions and classes", names), toctree("Modules", [f"{name}_module" for name in modules])]
    found["api/index.rst"] = titled("API", ".. py:module:: synfwp\n", *lists, toctree("Constants", ["constants"]))
    return found


def constant(name: str) -> str:
    """A line about a name that is no function: a row of the table of rules, or a table."""
    thing = getattr(fw, name)
    return f"The rule ``{thing.name}``." if hasattr(thing, "equation") else f"A mapping: {', '.join(thing)}."


def toctree(caption: str, names: list[str]) -> str:
    """A list of pages."""
    lines = "\n".join(f"   {name}" for name in names)
    return f".. toctree::\n   :caption: {caption}\n   :maxdepth: 1\n\n{lines}\n"


def titled(title: str, *parts: str) -> str:
    """A page."""
    return "\n".join([title, "=" * len(title), "", *parts]) + "\n"


def module_page(shown: str, module: ModuleType) -> str:
    """The docstring of a module and all its public names."""
    parts = [f".. py:module:: {module.__name__}\n   :no-index:\n", clean(inspect.getdoc(module) or ""), ""]
    for name in members(module):
        thing = getattr(module, name)
        if inspect.ismodule(thing):
            parts.append(f"``{name}``\n   {first_line(thing)}\n")
            if name not in fw.__all__:
                parts += [directive(thing.__name__, below, getattr(thing, below)) for below in members(thing)]
        elif inspect.isclass(thing) or callable(thing):
            parts.append(directive(module.__name__, name, thing))
        else:
            parts.append(f"``{name}``\n   A constant.\n")
    return titled(shown, *parts)


def first_line(module: ModuleType) -> str:
    """The first line of a module's docstring."""
    return clean((inspect.getdoc(module) or "").partition("\n")[0])


def directive(home: str, name: str, thing: Any) -> str:
    """What documents a function or a class with its own methods."""
    again = "" if home == "synfwp" or not hasattr(fw, name) else "   :no-index:\n"
    if home == "synfwp.theory" and name in fw.theory.FORMULAS:
        again = "   :no-index:\n"
    if inspect.isclass(thing):
        return f".. autoclass:: {home}.{name}\n   :members:\n{again}"
    return f".. autofunction:: {home}.{name}\n{again}"


def clean(text: str) -> str:
    """A docstring as reStructuredText: bars and stars of formulas are no markup; what is between backticks stays."""
    lines, literal = [], False
    for line in text.split("\n"):
        code = line.lstrip().startswith((">>>", "..."))
        if code or (literal and line.strip()):
            literal = True
            lines.append(line)
            continue
        literal = False
        parts = re.split(r"(``.+?``|`[^`]+`)", line)
        parts[::2] = [re.sub(r"(?<!\\)([|*])|(?<=\w)_(?=\W|$)", lambda m: "\\" + m[0], part) for part in parts[::2]]
        lines.append("".join(parts))
    return "\n".join(lines)


def process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Clean a docstring before its sections are read."""
    lines[:] = clean("\n".join(lines)).split("\n")
