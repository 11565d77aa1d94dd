"""Docstrings of public names have numpydoc's headings in its order, and the parameters of the signature."""

import inspect
import re

import pytest
from public_names import public

SECTIONS = (
    "Parameters", "Attributes", "Returns", "Yields", "Other Parameters", "Raises", "Warns", "Warnings", "See Also",
    "Notes", "References", "Examples",
)  # fmt: skip
PUBLIC = public()


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


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_docstring_has_the_headings_of_numpydoc(name: str) -> None:
    assert faults(name, PUBLIC[name]) == []


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
