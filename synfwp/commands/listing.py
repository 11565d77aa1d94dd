"""The command ``synfwp list``, and the names that the shell completes."""

import csv
import json
import textwrap
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Annotated, Any

import typer

from synfwp import cite, programs
from synfwp.rules import RULES
from synfwp.shown import width

Name = Annotated[
    str | None,
    typer.Argument(
        help="A program, to list its settings.", show_default=False, autocompletion=lambda incomplete: named(incomplete)
    ),
]
Long = Annotated[bool, typer.Option("--long", help="With group and minutes.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for other programs.")]
NARROWEST = 20  # letters of a wrapped column


class Known(dict[str, tuple[str, float | None]]):
    """Group and seconds of programs; ("", None) of a program that is in no table."""

    def __missing__(self, name: str) -> tuple[str, float | None]:
        return "", None


def known() -> Known:
    """Group (the page under docs/science/ that has its table) and seconds of the full run (committed) of each program.

    Examples
    --------
    >>> known()["vogels2011"][0], known()["mine"]
    ('spiking_models', ('', None))
    """
    rows = csv.DictReader(resources.files("synfwp").joinpath("programs.csv").read_text("utf-8").splitlines())
    return Known({row["name"]: (row["group"], float(row["seconds"])) for row in rows})


def list_(name: Name = None, long: Long = False, json_: Json = False) -> None:
    """List the models and analyses, or the settings of one.

    The minutes are what the committed full run took; --quick takes seconds. The group is the page
    docs/science/GROUP.md that has the results.

    Example: synfwp list --long

    Example: synfwp list vogels2011
    """
    found = programs.list_programs()
    if name is not None:
        settings = programs.settings(name)
        print(_json([_setting(one) for one in settings.values()]) if json_ else programs.settings_table(name))
        return
    about = known()
    if json_:
        print(_json([_program(key, one, about[key]) for key, one in found.items()]))
    elif not found:
        print("No models or analyses are installed.")
    else:
        columns = {"name": list(found), "kind": [one.kind for one in found.values()]}
        if long:
            columns["group"] = [about[key][0] or "-" for key in found]
            columns["minutes"] = [minutes(about[key][1]) for key in found]
        print(table(columns | {"what": [one.summary for one in found.values()]}))


def _program(name: str, one: programs.Program, about: tuple[str, float | None]) -> dict[str, Any]:
    """All that is known of a program without importing it."""
    cites = [key.strip() for key in one.cites.split(",") if key.strip()]
    facts = {"name": name, "kind": one.kind, "group": about[0] or None, "seconds": about[1]}
    return facts | {"summary": one.summary, "cites": cites, "path": str(one.path)}


def _setting(one: Any) -> dict[str, str]:
    """A setting with its values as --set reads them."""
    values = {"usual": one.shown(one.default), "quick": one.shown(one.quick)}
    return {"name": one.name, "type": programs.kind_of(one), **values, "unit": one.unit, "what": one.text}


def _json(x: Any) -> str:
    return json.dumps(x, indent=1, ensure_ascii=False)


def minutes(seconds: float | None) -> str:
    """Seconds as minutes, to one digit below ten; "-" if not known.

    Examples
    --------
    >>> minutes(2.03), minutes(97.4), minutes(1300.0), minutes(None)
    ('0.1', '1.6', '22', '-')
    """
    if seconds is None:
        return "-"
    return f"{max(seconds / 60, 0.1):.1f}" if seconds < 570 else f"{seconds / 60:.0f}"


def table(columns: Mapping[str, Sequence[str]]) -> str:
    """Columns below their names; the last one is wrapped to the terminal, 120 letters where there is none.

    Examples
    --------
    >>> print(table({"name": ["cell"], "what": ["One cell."]}))
    name  what
    cell  One cell.
    """
    *first, last = columns
    room = width() - sum(max(map(len, [name, *columns[name]])) + 2 for name in first)
    cells: list[list[str]] = [[name] for name in columns]
    for *row, text in zip(*(columns[name] for name in [*first, last]), strict=True):
        lines = textwrap.wrap(text, max(room, NARROWEST)) or [""]
        for column, cell in zip(cells, row, strict=False):
            column += [cell, *[""] * (len(lines) - 1)]
        cells[-1] += lines
    return programs.columns_of_text(cells)


def named(incomplete: str) -> list[str]:
    """Programs that begin with what was typed.

    Examples
    --------
    >>> named("voge")
    ['vogels2011']
    """
    return [name for name in programs.list_programs() if name.startswith(incomplete)]


def citable(incomplete: str) -> list[str]:
    """Rules, programs and keys of the bibliography that begin with what was typed.

    Examples
    --------
    >>> citable("song")
    ['song2000']
    """
    names = {*RULES, *programs.list_programs(), *cite.entries()}
    return sorted(name for name in names if name.startswith(incomplete))


def settable(context: typer.Context, incomplete: str) -> list[str]:
    """``NAME=`` of each setting of the program that stands before.

    Examples
    --------
    >>> settable(None, "ta")  # no program yet
    []
    """
    given = [] if context is None else [context.params.get("name"), *context.args]  # args: --set has no value yet
    names = [str(name) for name in given if name in programs.list_programs()]
    return [f"{key}=" for key in programs.settings(names[0]) if key.startswith(incomplete)] if names else []
