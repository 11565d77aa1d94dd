"""What parameters are, as JSON: numbers and text as they are, things of the user's own by their code and their state.

A name does not tell two functions or classes apart. So a function that is not part of an installed package is written
with a hash of its code and with what the code sees: defaults, the variables that it closes over, and the globals that
it reads. An object has the code of its class and its attributes; what its own code assigns while it is called (a
counter, say) is no part of it. Arrays of more than 1000 entries are written as a hash.
"""

import dataclasses
import dis
import functools
import hashlib
import os
import re
import sys
import sysconfig
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import synfwp

OPAQUE = "opaque"  # marks an object whose state cannot be read
MANY = 1000  # entries of an array that are written as they are
_RUN = ("__call__", "scores", "init", "read_out", "run")  # what calls of a task or a programmer go through
_DERIVED = ("__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__replace__", "__lt__")
_HOMES = tuple(
    str(Path(path).resolve())
    for path in (
        *map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")),
        str(Path(synfwp.__file__).parent),
    )
)


def plain(name: str, value: Any) -> Any:
    """The JSON form of a parameter; non-finite numbers become text, since JSON has none.

    Raises
    ------
    TypeError
        If a part of ``value`` has none; ``name`` is what the message calls it.

    Examples
    --------
    >>> plain("size", {"n": np.int64(3), "gap": np.inf})
    {'n': 3, 'gap': 'inf'}
    """
    return _Writer().plain(name, value)


def difference(one: Any, other: Any, name: str) -> tuple[str, Any, Any] | None:
    """The first place where two JSON forms differ, and what stands there; None if they are equal.

    Hashes of code from two versions of Python cannot be compared, and are passed over.

    Examples
    --------
    >>> difference({"task": {"noise": 0.1}}, {"task": {"noise": 0.2}}, "run")
    ('run.task.noise', 0.1, 0.2)
    """
    if isinstance(one, dict) and isinstance(other, dict):
        pairs = [(key, one.get(key), other.get(key)) for key in sorted({*one, *other}, key=lambda x: (x != "class", x))]
    elif (
        isinstance(one, list)
        and isinstance(other, list)
        and len(one) == len(other)
        and any(isinstance(item, dict) for item in one)
    ):
        pairs = [(str(i), *both) for i, both in enumerate(zip(one, other, strict=True))]
    else:
        pairs = []
    for key, this, that in pairs:
        found = difference(this, that, f"{name}.{key}" if name else key)
        if found:
            return found
    if pairs:
        return None
    versions = [re.fullmatch(r"[0-9a-f]{16} \(Python (.*)\)", str(side)) for side in (one, other)]
    if versions[0] and versions[1] and versions[0][1] != versions[1][1]:
        return None
    return None if one == other else (name, one, other)


def opaque(tree: Any, name: str) -> tuple[str, str] | None:
    """Where a JSON form has an object whose state cannot be read, and its class; None if it has none."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, item in pairs:
        if key == OPAQUE:
            return name, str(item)
        found = opaque(item, f"{name}.{key}" if name else str(key))
        if found:
            return found
    return None


class _Writer:
    """One pass over a value; remembers what it is inside of, so that circles end."""

    def __init__(self) -> None:
        self.inside: list[int] = []

    def plain(self, name: str, value: Any) -> Any:
        """As the function of that name."""
        if isinstance(value, np.ndarray | np.generic):
            if value.size <= MANY and value.dtype.kind in "biufUS":
                return self.plain(name, value.tolist())
            return {"dtype": str(value.dtype), "shape": list(value.shape), "sha256": self.digest(name, value)}
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float):
            return value if np.isfinite(value) else str(value)
        if isinstance(value, Mapping):
            return {str(key): self.plain(f"{name}[{key!r}]", item) for key, item in value.items()}
        if isinstance(value, list | tuple | range):
            return [self.plain(name, item) for item in value]
        if isinstance(value, set | frozenset):
            return sorted((self.plain(name, item) for item in value), key=repr)
        if isinstance(value, np.random.SeedSequence):
            return self.plain(name, {"entropy": value.entropy, "spawn_key": value.spawn_key})
        if isinstance(value, np.random.Generator):
            return self.plain(name, value.bit_generator.state)
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if callable(value) or dataclasses.is_dataclass(value) or _own(type(value)):
            return self.once(name, value)
        kind = type(value).__name__
        raise TypeError(f"{name} is a {kind}; pass numbers, text, arrays, dataclasses or mappings of them.")

    def digest(self, name: str, x: np.ndarray | np.generic) -> str:
        """A hash of an array's numbers."""
        data = repr(self.state(name, x.tolist())).encode() if x.dtype.hasobject else x.tobytes()
        return hashlib.sha256(data).hexdigest()[:16]

    def once(self, name: str, value: Any) -> Any:
        """A function, a class or an object, unless it is already being written."""
        if id(value) in self.inside:
            return {"again": _name(value if hasattr(value, "__qualname__") else type(value))}
        self.inside.append(id(value))
        try:
            return self.thing(name, value)
        finally:
            self.inside.pop()

    def thing(self, name: str, value: Any) -> Any:
        """A function, a class or an object."""
        value = getattr(value, "py_func", value)  # of numba's dispatchers
        if isinstance(value, functools.partial):
            given = {"arguments": self.state(name, value.args), "keywords": self.state(name, value.keywords)}
            return {"partial": self.state(name, value.func), **given}
        if isinstance(value, types.MethodType):
            return {"method": self.once(name, value.__func__), "of": self.state(name, value.__self__)}
        if isinstance(value, types.FunctionType):
            return self.function(name, value)
        if isinstance(value, type):
            return self.kind(name, value) if _own(value) else _name(value)
        if hasattr(value, "__wrapped__"):  # caches
            return self.state(name, value.__wrapped__)
        of = getattr(value, "__self__", None)
        if isinstance(value, types.BuiltinFunctionType) and not isinstance(of, types.ModuleType | None):
            return {"method": _name(value), "of": self.state(name, of)}
        if hasattr(value, "__qualname__"):
            return _name(value)
        if dataclasses.is_dataclass(value) or _own(type(value)):
            return self.object(name, value)
        return self.taken_apart(name, value)

    def function(self, name: str, f: types.FunctionType) -> Any:
        """Its name; of the user's own functions also the code, and what it sees; of any, what it closes over."""
        stored, cells = (
            _stored(f.__code__, "STORE_DEREF"),
            zip(f.__code__.co_freevars, f.__closure__ or (), strict=True),
        )
        closure = {free: self.cell(name, cell) for free, cell in cells if free not in stored}
        found: dict[str, Any] = {"function": _name(f)}
        if _own(f):
            found["code"] = _code(f)
            found |= {"defaults": self.state(name, f.__defaults__)} if f.__defaults__ else {}
            found |= {"keyword_defaults": self.state(name, f.__kwdefaults__)} if f.__kwdefaults__ else {}
            seen = self.globals(name, f)
            found |= {"globals": seen} if seen else {}
        found |= {"closure": closure} if closure else {}
        return found if len(found) > 1 else _name(f)

    def cell(self, name: str, cell: Any) -> Any:
        """What stands in a variable that is closed over."""
        try:
            held = cell.cell_contents
            return _name(held) if isinstance(held, types.ModuleType) else self.state(name, held)
        except ValueError:  # it is still empty
            return None

    def globals(self, name: str, f: types.FunctionType) -> dict[str, Any]:
        """The globals that a function reads, less modules and what it assigns itself."""
        names = _stored(f.__code__, "LOAD_GLOBAL") - _stored(f.__code__, "STORE_GLOBAL")
        found = {one: f.__globals__[one] for one in sorted(names) if one in f.__globals__}
        return {
            one: self.state(f"{name}.{one}", value)
            for one, value in found.items()
            if not isinstance(value, types.ModuleType)
        }

    def kind(self, name: str, cls: type) -> dict[str, Any]:
        """A class of the user's own: its module and name, and its functions and numbers with those of its bases."""
        found: dict[str, Any] = {"class": _name(cls)}
        assigned = _assigned(cls)
        for base in reversed([one for one in cls.__mro__ if _own(one)]):
            for key, value in vars(base).items():
                held = value.func if isinstance(value, functools.cached_property) else value
                function = getattr(held, "__func__", held)  # static, class
                label = key if base is cls else f"{_name(base)}.{key}"
                found_here = (value.fget, value.fset) if isinstance(value, property) else (function,)
                parts = [part for part in found_here if isinstance(part, types.FunctionType)]
                if parts and not (dataclasses.is_dataclass(base) and key in _DERIVED and _generated(parts[0])):
                    found[label] = self.once(name, parts[0]) if len(parts) == 1 else [self.once(name, x) for x in parts]
                elif not (parts or key.startswith("__") or key == "_abc_impl" or key in assigned) and not isinstance(
                    value, types.MemberDescriptorType | types.GetSetDescriptorType
                ):
                    found[label] = self.state(f"{name}.{key}", value)
        return found

    def object(self, name: str, value: Any) -> dict[str, Any]:
        """A dataclass, or an object of the user's: fields and attributes, the class by name and, if own, by code."""
        cls, own = type(value), _own(type(value))
        short = own or cls.__module__.partition(".")[0] == "synfwp"
        found: dict[str, Any] = {"class": cls.__name__ if short else _name(cls)}
        if dataclasses.is_dataclass(cls):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(cls)}
            found |= self.attributes(name, fields) if own else self.plain(name, fields)
        if own:
            found["class code"] = self.kind(name, cls)
            derived = {key for key, one in _members(cls) if isinstance(one, functools.cached_property)}
            left = derived | _assigned(cls) | found.keys()
            found |= self.attributes(name, {key: one for key, one in _attributes(value) if key not in left})
        return found

    def taken_apart(self, name: str, value: Any) -> Any:
        """An object of another package as it would be copied, or the mark that it cannot be read."""
        try:
            parts = value.__reduce_ex__(4)
        except Exception:
            return {OPAQUE: _name(type(value))}
        if isinstance(parts, str):
            return {"class": _name(type(value)), "name": parts}
        rest = [self.state(name, list(part) if isinstance(part, Iterator) else part) for part in parts[1:]]
        return {"class": _name(type(value)), "parts": rest}

    def attributes(self, name: str, items: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes by their names."""
        return {key: self.state(f"{name}.{key}", value) for key, value in items.items()}

    def state(self, name: str, value: Any) -> Any:
        """As `plain`, but what has no plain form is taken apart as for a copy; what cannot be is marked."""
        try:
            return self.plain(name, value)
        except TypeError:
            pass
        if isinstance(value, bytes | bytearray):
            return {"bytes": hashlib.sha256(value).hexdigest()[:16]}
        if isinstance(value, list | tuple):
            return [self.state(name, item) for item in value]
        if isinstance(value, Mapping):
            return {str(key): self.state(f"{name}.{key}", item) for key, item in value.items()}
        if isinstance(value, complex | slice | types.EllipsisType | np.dtype):
            return repr(value)
        if id(value) in self.inside:
            return {"again": _name(type(value))}
        self.inside.append(id(value))
        try:
            return self.taken_apart(name, value)
        finally:
            self.inside.pop()


def _name(value: Any) -> str:
    """Module and name."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", type(value).__qualname__)
    return f"{module}.{name}" if module else str(name)


def _own(value: Any) -> bool:
    """Whether a function or class is the user's: no part of Python, of an installed package or of this one."""
    module = sys.modules.get(getattr(value, "__module__", None) or "")
    root = getattr(value, "__module__", None) or ""
    if root.partition(".")[0] in sys.stdlib_module_names | {"synfwp"} and root != "__main__":
        return False
    file = getattr(module, "__file__", None)
    return file is None or not str(Path(file).resolve()).startswith(_HOMES)


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """Attributes of an object, in its dict and in its slots."""
    yield from getattr(value, "__dict__", {}).items()
    for base in type(value).__mro__:
        for slot in (names,) if isinstance(names := vars(base).get("__slots__", ()), str) else names:
            if not slot.startswith("__") and hasattr(value, slot):
                yield slot, getattr(value, slot)


def _generated(f: types.FunctionType) -> bool:
    """Whether `dataclasses` wrote a function."""
    return f.__code__.co_filename == "<string>" or hasattr(f, "__wrapped__")


def _members(cls: type) -> Iterator[tuple[str, Any]]:
    """What the classes of an object define."""
    for base in cls.__mro__:
        yield from vars(base).items()


def _assigned(cls: type) -> set[str]:
    """Attributes that calls of an object assign."""
    functions = [getattr(cls, name, None) for name in _RUN]
    own = [f for f in functions if isinstance(f, types.FunctionType) and _own(f)]
    return set[str]().union(*(_stored(f.__code__, "STORE_ATTR") for f in own))


def _stored(code: types.CodeType, operation: str) -> set[str]:
    """Names that code, and the code within it, reads or writes by an operation."""
    found = {str(one.argval) for one in dis.get_instructions(code) if one.opname == operation}
    return found.union(*(_stored(const, operation) for const in code.co_consts if isinstance(const, types.CodeType)))


def _code(f: types.FunctionType) -> str:
    """A hash of what a function does; places in a file and its docstring are no part of it."""
    version = ".".join(map(str, sys.version_info[:2]))  # whose operations the code is made of
    return f"{hashlib.sha256(repr(_parts(f.__code__, f.__doc__)).encode()).hexdigest()[:16]} (Python {version})"


def _parts(code: types.CodeType, doc: str | None = None) -> tuple[Any, ...]:
    """Operations, names and constants of code."""
    consts = [_constant(const) for i, const in enumerate(code.co_consts) if not (i == 0 and doc and const == doc)]
    names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags
    return code.co_code, getattr(code, "co_exceptiontable", b""), names, counts, consts


def _constant(const: Any) -> Any:
    """A constant of code in a form that is the same in every process."""
    if isinstance(const, types.CodeType):
        return _parts(const)
    if isinstance(const, tuple):
        return tuple(_constant(one) for one in const)
    if isinstance(const, frozenset):
        return sorted(repr(_constant(one)) for one in const)
    return type(const).__name__, repr(const)
