"""Docstrings of public names have numpydoc's headings in its order, and every section that their code asks for."""

import ast
import inspect
import re
import textwrap
from typing import Any

import pytest
from public_names import function, public

import synfwp

SECTIONS = (
    "Parameters", "Attributes", "Returns", "Yields", "Other Parameters", "Raises", "Warns", "Warnings", "See Also",
    "Notes", "References", "Examples",
)  # fmt: skip
PUBLIC = public()
SCIENCE = (
    "synfwp.theory",
    "synfwp.plasticity",
    "synfwp.substrates.mechanisms",
    "synfwp.memory.synapses",
)  # cite papers
TOOLS = {  # that state nothing of a paper
    "Formula", "Mechanism", "SpikeRule", "Trains", "check_row", "from_times", "jitter", "plateaus", "poisson_pairs",
    "theta_bursts",
}  # fmt: skip
QUIET = ("short", "warn", "closest", "has_unit")  # of synfwp.checks, that raise nothing


def sections(text: str) -> list[tuple[str, list[str]]]:
    """Headings with the lines below each, in the order in which they stand; the first has the heading ''."""
    found: list[tuple[str, list[str]]] = [("", [])]
    lines = text.splitlines()
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and line.strip() and re.fullmatch("-{3,}", lines[i + 1]):
            found.append((line, []))
        elif not (i and re.fullmatch("-{3,}", line) and found[-1][0] == lines[i - 1]):
            found[-1][1].append(line)
    return found


def faults(name: str, thing: object) -> list[str]:
    """What is wrong with a docstring."""
    text = inspect.cleandoc(vars(thing).get("__doc__") or getattr(thing, "__doc__", None) or "")
    if not text.splitlines() or not text.splitlines()[0].strip():
        return ["it has no summary on its first line"]
    found, parts = [], sections(text)
    if text.splitlines()[1:2] not in ([], [""]) or not text.splitlines()[0].endswith((".", "?", ":")):
        found.append("its summary is not one line with a full stop")
    headings = [heading for heading, _ in parts[1:]]
    for heading in headings:
        if heading not in SECTIONS:
            found.append(f"{heading!r} is no heading of numpydoc")
    places = [SECTIONS.index(heading) for heading in headings if heading in SECTIONS]
    if places != sorted(set(places)):
        found.append(f"its headings are {', '.join(headings)}; their order is {', '.join(SECTIONS)}")
    lengths = re.findall(r"^(\S.*)\n(-{3,})$", text, re.M)
    found += [f"the line below {heading!r} is not as long" for heading, line in lengths if len(heading) != len(line)]
    for heading, lines in parts:
        if heading != "Examples" and any(line.startswith(">>>") for line in lines):
            found.append("it has a doctest outside Examples")
    if "Source:" in text:
        found.append("it has a line 'Source:', which is the heading References")
    return found + parameter_faults(thing, dict(parts))


def documented(lines: list[str]) -> list[str]:
    """The names of a section Parameters."""
    entries = [line for line in lines if line.strip() and not line.startswith(" ")]
    return [name.strip().lstrip("*") for entry in entries for name in entry.partition(" : ")[0].split(",")]


def parameter_faults(thing: object, parts: dict[str, list[str]]) -> list[str]:
    """Where the section Parameters and the signature differ; a subclass may leave to its base what that explains."""
    if "Parameters" not in parts:
        return []
    names = documented(parts["Parameters"])
    taken = [name for name in inspect.signature(thing).parameters if name not in ("self", "cls")]  # type: ignore[arg-type]
    above: list[str] = []
    for base in getattr(thing, "__mro__", ())[1:]:
        above += documented(dict(sections(inspect.cleandoc(base.__doc__ or ""))).get("Parameters", []))
    found = []
    if unknown := [name for name in names if name not in taken]:
        found.append(f"Parameters names {', '.join(unknown)}, which the signature does not have")
    if missing := [name for name in taken if name not in names and name not in above]:
        found.append(f"Parameters lacks {', '.join(missing)}")
    if not found and names != [name for name in taken if name in names]:
        found.append(f"Parameters has the order {', '.join(names)}; the signature has {', '.join(taken)}")
    return found


def methods() -> dict[int, tuple[type, str, bool]]:
    """Identity of a method -> its class, its name and whether it is a property."""
    found: dict[int, tuple[type, str, bool]] = {}
    for thing in PUBLIC.values():
        for name, member in inspect.getmembers_static(thing) if inspect.isclass(thing) else ():
            made = function(member)
            if made is not None:
                found.setdefault(id(made), (thing, name, isinstance(member, property) or hasattr(member, "func")))
    return found


METHODS = methods()


def described(thing: Any) -> dict[str, list[str]]:
    """The sections of a docstring; a method has those of the classes above its own, too."""
    parts: dict[str, list[str]] = {}
    if id(thing) in METHODS:
        above, name, _ = METHODS[id(thing)]
        for base in reversed(above.__mro__[1:]):
            made = function(vars(base).get(name))
            parts |= dict(sections(inspect.cleandoc((made.__doc__ if made else None) or "")))
    for base in reversed(thing.__mro__[1:]) if inspect.isclass(thing) else ():
        parts |= {k: v for k, v in sections(inspect.cleandoc(vars(base).get("__doc__") or "")) if k == "Parameters"}
    return parts | dict(sections(inspect.cleandoc(getattr(thing, "__doc__", None) or "")))


def raised(thing: Any) -> set[str]:
    """The errors that the code of a function, or of the constructor of a class, raises by itself."""
    try:
        node: Any = ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
    except (OSError, TypeError, SyntaxError):  # a class that was made by a call
        return set()
    bodies = [node]
    if isinstance(node, ast.ClassDef):
        bodies = [x for x in node.body if getattr(x, "name", "") in ("__init__", "__post_init__", "__new__")]
    found = set()
    for one in (x for body in bodies for x in ast.walk(body)):
        if isinstance(one, ast.Raise) and one.exc is not None:
            made = one.exc.func if isinstance(one.exc, ast.Call) else one.exc
            found |= {made.id} if isinstance(made, ast.Name) and made.id.endswith("Error") else set()
        elif isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
            checks = isinstance(one.func.value, ast.Name) and one.func.value.id == "checks"
            found |= {"ValueError"} if checks and one.func.attr not in QUIET else set()
    return found


def gives(thing: Any) -> bool:
    """Whether a function returns or yields something, by its annotation or, without one, by its code."""
    annotation = inspect.signature(thing).return_annotation
    if annotation is not inspect.Signature.empty:
        return annotation not in (None, "None")
    body = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    return any(isinstance(x, ast.Return) and x.value is not None for x in ast.walk(body))


def missing(name: str, thing: Any) -> list[str]:
    """Sections that a docstring lacks: a property needs none, a method no example of its own."""
    is_method = id(thing) in METHODS
    if is_method and METHODS[id(thing)][2]:
        return []
    parts, found = described(thing), []
    errors, text = raised(thing), "\n".join(parts.get("Raises", []))
    found += [f"its Raises lacks {error}" for error in sorted(errors) if error not in text]
    entries = [line for line in parts.get("Parameters", []) if line.strip() and not line.startswith(" ")]
    found += [f"{line!r} has no type" for line in entries if " : " not in line and not line.startswith("*")]
    if is_method:
        return found
    taken = [one for one in inspect.signature(thing).parameters if one not in ("self", "cls")]
    if taken and "Parameters" not in parts and not getattr(thing, "_is_protocol", False):
        found.append("no section Parameters")
    if not inspect.isclass(thing) and gives(thing) and not {"Returns", "Yields"} & set(parts):
        found.append("no section Returns or Yields")
    if not any(line.startswith(">>>") for line in parts.get("Examples", [])):
        found.append("no doctest in a section Examples")
    if thing.__module__.startswith(SCIENCE) and thing.__name__ not in TOOLS and not sourced(thing, parts):
        found.append("no source: a section References, a year, or an attribute cite")
    return found


def sourced(thing: Any, parts: dict[str, list[str]]) -> bool:
    """Whether a docstring leads to a paper, or to steps that stand in it."""
    return bool("References" in parts or re.search(r"\b(19|20)\d\d\b", thing.__doc__) or getattr(thing, "cite", None))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_docstring_has_every_section_that_its_code_asks_for(name: str) -> None:
    assert missing(name, PUBLIC[name]) == []


@pytest.mark.parametrize("name", PUBLIC)
def test_a_signature_is_shown_as_it_was_written(name: str) -> None:
    """In `help`: 'Mapping[str, Any]', not collections.abc.Mapping[str, typing.Any], where there is much to show."""
    shown = str(inspect.signature(PUBLIC[name]))
    assert len(shown) <= 200 or not re.search(r"collections\.abc|numpy\.random|synfwp\.\w+", shown)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_docstring_has_the_headings_of_numpydoc(name: str) -> None:
    assert faults(name, PUBLIC[name]) == []


def test_the_help_of_the_package_names_entry_points_that_are_there() -> None:
    text = synfwp.__doc__ or ""
    named = set(re.findall(r"\bfw\.(\w+)", text))
    assert named - set(synfwp.__all__) == set()
    assert {"scan", "simulate", "train", "capacity", "Circuit", "fit", "sweep", "plot", "run"} <= named
    assert len(text.splitlines()) <= 40


def test_the_check_sees_what_is_missing() -> None:
    def bare(a: int, b: float) -> int:
        """Add.

        Parameters
        ----------
        a, b
            Numbers.
        """
        if a < 0:
            raise ValueError(f"a is {a}")
        return a

    def empty(a: int) -> int:
        """Nothing."""
        return a

    assert missing("bare", bare) == [
        "its Raises lacks ValueError",
        "'a, b' has no type",
        "no section Returns or Yields",
        "no doctest in a section Examples",
    ]
    assert missing("empty", empty)[0] == "no section Parameters"
    empty.__module__ = "synfwp.theory.made_up"
    assert missing("empty", empty)[-1].startswith("no source")


def test_the_check_sees_what_is_wrong() -> None:
    def wrong(a: int, b: int) -> int:
        """Add.

        Examples
        --------
        >>> 1 + 1
        2

        Parameters
        ----------
        b, a : int
        """
        return a + b

    def worse(a: int) -> int:
        """Take
        it.

        Arguments
        ---------
        a : int

        Parameters
        ---------
        c : int

        >>> 1
        1

        Source: nobody.
        """
        return a

    assert [fault.split(";")[0] for fault in faults("wrong", wrong)] == [
        "its headings are Examples, Parameters",
        "Parameters has the order b, a",
    ]
    assert [fault.split(";")[0] for fault in faults("worse", worse)] == [
        "its summary is not one line with a full stop",
        "'Arguments' is no heading of numpydoc",
        "the line below 'Parameters' is not as long",
        "it has a doctest outside Examples",
        "it has a line 'Source:', which is the heading References",
        "Parameters names c, >>> 1, 1, Source: nobody., which the signature does not have",
        "Parameters lacks a",
    ]
