"""What cells follow from: the code of a function, its settings, and the packages; cells of two states are not mixed."""

import ast
import functools
import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import Any

from synfwp import checks, results
from synfwp.results.identity import opaque, plain
from synfwp.sweeps.journal import Journal
from synfwp.sweeps.points import fixed_key

CHANGED = ("refuse", "again", "mix")
_PACKAGES = ("python", "numpy", "scipy", "numba", "autograd", "brian2")  # which numbers may depend on


def state_of(function: Callable[..., Any], fixed: Mapping[str, Any], code: str = "") -> str:
    """The state as JSON.

    Parameters
    ----------
    function : callable
    fixed : mapping
    code : str
        A hash of code that the function calls by name.

    Raises
    ------
    TypeError
        If the function or a setting holds what cannot be hashed.
    """
    found = plain("function", function)
    unseen = opaque(found, "function")
    if unseen:
        raise TypeError(
            f"{unseen[0]} is of type {unseen[1]}, which cannot be hashed, so a change of it would go unseen; let the "
            "function make it when it is called, or pass it by a plain argument."
        )
    versions = json.loads(str(results.provenance({}, 0)["dependencies"]))
    state = {
        "function": found,
        "modules": dict(sorted(_modules(function))),
        "fixed": fixed_key(fixed),
        "synfwp": results.package(),
        "packages": {name: versions[name] for name in _PACKAGES if name in versions} | _foreign(function),
    }
    return json.dumps(state | ({"program": code} if code else {}), sort_keys=True)


def admit(journal: Journal, state: str, changed: str, where: Any) -> int:
    """Begin with a state if kept cells have the same; the number of states that kept cells come from.

    Raises
    ------
    ValueError
        If they have another, and ``changed`` is "refuse".
    """
    checks.one_of("changed", changed, CHANGED)
    kept = journal.states()
    other = [one for one in kept if one != state]
    if other and changed == "refuse":
        found = results.difference(json.loads(other[-1]), json.loads(state), "")
        name, before, now = found or ("the Python that compiled the function", "another", "this one")
        raise ValueError(
            f"{where} holds cells of another state: {name} was {checks.short(before)} and is {checks.short(now)}. Pass "
            "another store, changed='again' (--changed again) to drop them and start anew, or changed='mix' to keep "
            "both, which the result then records."
        )
    anew = bool(other) and changed == "again"
    journal.begin(state, anew)
    return 1 if anew else len({*kept, state})


def _unwrapped(function: Any) -> Any:
    while isinstance(function, functools.partial) or hasattr(function, "py_func"):
        function = getattr(function, "py_func", None) or function.func
    return getattr(function, "__func__", function)


def _modules(function: Any) -> Iterator[tuple[str, str]]:
    """Modules of the user's own that a function sees, and those that these see, with a hash of their code.

    Functions beside it in its module are followed; their code is part of the function's own hash.
    """
    inner = _unwrapped(function)
    home, queue, seen = getattr(inner, "__module__", ""), [inner], set[int]()
    while queue:
        value = queue.pop()
        module = value if isinstance(value, ModuleType) else sys.modules.get(getattr(value, "__module__", None) or "")
        beside = isinstance(value, FunctionType) and value.__module__ == home
        if id(value if beside else module) in seen or module is None or not (beside or _own(module)):
            continue
        seen.add(id(value if beside else module))
        if beside:
            queue += _seen_by(value)
        elif value is module or module.__name__ != home:
            tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
            yield module.__name__, hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:16]
            queue += [one for one in vars(module).values() if isinstance(one, ModuleType | FunctionType | type)]


def _seen_by(function: FunctionType) -> list[Any]:
    """What stands in the globals and variables that a function's code, or code within it, uses."""
    codes, names = [function.__code__], set[str]()
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes += [one for one in code.co_consts if isinstance(one, CodeType)]
    closed = [cell.cell_contents for cell in function.__closure__ or () if cell != CellType()]
    found = [function.__globals__[name] for name in sorted(names) if name in function.__globals__]
    return [_unwrapped(one) for one in found + closed if isinstance(one, ModuleType | type) or callable(one)]


def _own(module: ModuleType) -> bool:
    """Whether a module is a file of the user's: no part of Python, of an installed package or of this one."""
    file, root = getattr(module, "__file__", None), module.__name__.partition(".")[0]
    if not file or not file.endswith(".py") or root in sys.stdlib_module_names or root == "synfwp":
        return False
    return "site-packages" not in file and "dist-packages" not in file


def _foreign(function: Any) -> dict[str, str]:
    """The version of the installed package that a function comes from."""
    root = (getattr(_unwrapped(function), "__module__", None) or "").partition(".")[0]
    version = getattr(sys.modules.get(root), "__version__", None)
    return {root: str(version)} if root != "synfwp" and version else {}
