"""Programs: the published models and the analyses, found without importing them and run by name.

A program is a file of ``models/`` or ``analyses/``. The first line of its docstring is its summary, and a line
``Cites: key, key`` names its papers. It defines ``main(quick=False, seed=0) -> Dataset``, ``figure(ds) -> Figure`` and
``caption(ds) -> str``; further keywords of ``main``, which `synfwp.settings.sized` makes from a table of sizes, are its
settings. What `synfwp.results.compared` adds to a Dataset is printed as a table.
"""

import ast
import functools
import importlib
import json
import pkgutil
import re
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from synfwp import analyses, cite, models
from synfwp.checks import lookup, warn
from synfwp.rules import RULES
from synfwp.settings import Setting, read_all, settings_of

if TYPE_CHECKING:
    import xarray as xr

_KINDS = {"model": models, "analysis": analyses}
_TABLE = ("kind", "expected", "obtained", "sd", "n", "difference")


class Program(NamedTuple):
    """A program as found: its kind ("model" or "analysis"), one line about it, its papers, its module and its file."""

    kind: str
    summary: str
    cites: str
    module: str
    path: Path


def list_programs() -> dict[str, Program]:
    """All programs by name, in alphabetical order; their files are read, not imported.

    Returns
    -------
    dict of str to Program
        With kind ("model" or "analysis"), summary, cites, module and path.

    Raises
    ------
    ValueError
        If a model and an analysis have the same name.

    Examples
    --------
    >>> all(program.kind in ("model", "analysis") for program in list_programs().values())
    True
    """
    found: dict[str, Program] = {}
    for kind, package in _KINDS.items():
        for finder, name, is_package in pkgutil.iter_modules(package.__path__):
            if name.startswith("_"):
                continue
            path = Path(getattr(finder, "path", "")) / name
            path = path / "__init__.py" if is_package else path.with_name(f"{name}.py")
            program = Program(kind, *_describe(path), f"{package.__name__}.{name}", path)
            if found.setdefault(name, program).kind != kind:
                raise ValueError(f"{path} and {found[name].path} are programs of the same name; rename one of them.")
    return dict(sorted(found.items()))


def load_program(name: str) -> ModuleType:
    """The module of one program; no other program is imported.

    Raises
    ------
    ValueError
        If there is no such program; the closest name is suggested.
    TypeError
        If its file lacks one of the three functions.
    """
    found = list_programs()
    if not found:
        raise ValueError(f"unknown program {name!r}; there are none: models/ and analyses/ are empty.")
    module = importlib.import_module(lookup("program", name, found).module)
    missing = [function for function in ("main", "figure", "caption") if not callable(getattr(module, function, None))]
    if missing:
        raise TypeError(
            f"program {name!r} has no {missing[0]}(); define main(quick, seed), figure(ds) and caption(ds)."
        )
    return module


def run(
    name: str,
    quick: bool = False,
    seed: int = 0,
    *,
    cells: Any = None,
    jobs: int = 1,
    again: bool = False,
    **settings: Any,
) -> "xr.Dataset":
    """Run a model or an analysis.

    Parameters
    ----------
    name : str
        As `list_programs` lists them.
    quick : bool
        A smaller size that finishes in seconds.
    seed : int
    cells : path, optional
        A folder in which each finished part of the run (one condition and seed) is kept, and taken from by later runs.
    jobs : int
        Processes that share the parts, one thread each where there are several.
    again : bool
        Run the parts that are kept once more.
    **settings
        Settings of the program, as `settings` and ``synfwp list NAME`` list them: numbers (with or without a unit),
        text, and tuples and mappings of them.

    Returns
    -------
    xarray.Dataset
        With provenance; what the program itself recorded stands. The attribute ``settings`` holds those that differ
        from the usual ones, as JSON, and the printed `table` names them; ``seconds`` is what the run took, with its
        parts, also those of earlier days.

    Raises
    ------
    ValueError
        If there is no such program.
    TypeError
        If the program has no such setting, or returns no Dataset.

    Examples
    --------
    >>> run("no_such_program")
    Traceback (most recent call last):
    ...
    ValueError: unknown program 'no_such_program'; ...
    """
    module = load_program(name)
    known = settings_of(module.main)
    values = read_all(known, settings, f"program {name!r}")
    other = changed(known, values, quick)
    from synfwp import results

    start, kept = time.perf_counter(), results.kept_cells(cells, jobs, again)
    try:
        with kept as keeping:
            ds = module.main(quick=quick, seed=seed, **values)
    except (LookupError, ZeroDivisionError) as error:
        if not other:
            raise
        named = ", ".join(f"{key}={value}" for key, value in other.items())
        raise ValueError(
            f"program {name!r} does not run with {named}: {type(error).__name__}: {error} What it compares needs the "
            "usual entries; keep these, and add others, or set numbers above 0."
        ) from error

    import xarray as xr

    if not isinstance(ds, xr.Dataset):
        raise TypeError(f"program {name!r} returned a {type(ds).__name__}; main() has to return a Dataset.")
    provenance = results.provenance({"quick": quick, **values}, seed)
    took = time.perf_counter() - start - keeping.inside + keeping.seconds
    recorded: dict[str, Any] = {"settings": json.dumps(other)} if other else {}
    recorded["run"] = json.dumps(of_run(name, quick, seed, values), sort_keys=True)
    recorded |= {"seconds": float(f"{took:.3g}"), "package": results.package()}
    if keeping.others:
        recorded["cells_from"] = ", ".join(sorted(keeping.others))
        warn(
            f"{keeping.found} cells of {name} ran before, some of them with another state of the package "
            f"({recorded['cells_from']}); again=True (--again) runs them once more."
        )
    return ds.assign_attrs({"program": name, **provenance, **ds.attrs, **recorded})


def of_run(name: str, quick: bool, seed: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """All that a run follows from: two with the same give the same numbers. A result keeps it as the attribute ``run``.

    Examples
    --------
    >>> sorted(of_run("vogels2011", True, 0, {}))
    ['code', 'dependencies', 'package', 'program', 'quick', 'seed', 'settings']
    """
    from synfwp import results

    module = load_program(name)
    origin = results.provenance({}, seed)
    return {
        "program": name,
        "quick": quick,
        "seed": origin["seed"],
        "settings": changed(settings_of(module.main), values, quick),
        "code": results.code_of(module.main),
        "package": results.package(),
        "dependencies": json.loads(str(origin["dependencies"])),
    }


def settings(name: str) -> dict[str, Setting]:
    """The settings of a program by name: type, usual value, that of a quick run, unit and a line about it.

    Parameters
    ----------
    name : str

    Returns
    -------
    dict of str to Setting

    Raises
    ------
    ValueError
        If there is no such program.

    Examples
    --------
    >>> settings("vogels2011")["rho0"].default
    (5.0, 3.0)
    """
    return settings_of(load_program(name).main)


def changed(known: Mapping[str, Setting], values: Mapping[str, Any], quick: bool) -> dict[str, str]:
    """The settings that differ from the usual ones, as text.

    Examples
    --------
    >>> changed(settings("vogels2011"), {"rho0": (8.0,), "tau": 20.0}, False)
    {'rho0': '8'}
    """
    usual = {name: known[name].quick if quick else known[name].default for name in values}
    found = {
        n: {k: x for k, x in v.items() if x != usual[n][k]} if isinstance(v, dict) else v for n, v in values.items()
    }
    return {n: known[n].shown(v) for n, v in sorted(found.items()) if v != usual[n] and v != {}}


def settings_table(name: str) -> str:
    """The settings of a program as lines of text."""
    known = settings(name)
    if not known:
        return f"{name} has no settings."
    rows = [
        (one.name, kind_of(one), one.shown(one.default), one.shown(one.quick), one.unit, one.text)
        for one in known.values()
    ]
    head = ("setting", "type", "usual", "quick", "unit", "")
    return columns_of_text([list(column) for column in zip(head, *rows, strict=True)])


def kind_of(setting: Setting) -> str:
    """The type of a setting as a word."""
    kind: Any = setting.kind
    return kind.__name__ if isinstance(kind, type) and not getattr(kind, "__args__", ()) else str(kind)


def citation(name: Any) -> str:
    """How to cite a rule, a model, an analysis or a paper by its key: each paper as a sentence and as BibTeX.

    Parameters
    ----------
    name : str or object
        A name, several with commas between them, or anything with such a text as ``.cite``.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If the name is unknown (the closest one is suggested) or cites nothing.

    Examples
    --------
    >>> print(citation("hebb").splitlines()[-6])
    @book{hebb1949,
    """
    named = {row.name: row.cite for row in RULES.values()}
    named |= {program: found.cites for program, found in list_programs().items()}
    return cite.citation(name, named)


def table(ds: "xr.Dataset") -> str:
    """The comparison in a result as lines of text, or why a run has none; empty for other results.

    Parameters
    ----------
    ds : xarray.Dataset
        With the variables of `synfwp.results.comparison`: numbers are "-" where there are none.

    Examples
    --------
    >>> from synfwp.results import Row, comparison
    >>> print(table(comparison([Row("accuracy of hebb", [0.6, 0.62], 0.5, kind="chance")])))
    quantity          kind    expected  obtained  sd       n  difference
    accuracy of hebb  chance  0.5       0.61      0.01414  2  0.11
    """
    from synfwp import results

    if not results.has_table(ds):
        reason = ds.attrs.get("not_compared")
        return f"no table, which needs an entry that this run does not have ({reason})" if reason else ""
    other = json.loads(str(ds.attrs.get("settings", "{}")))
    named = ", ".join(f"{key}={value}" for key, value in other.items())
    label = f"with other settings than those that are compared with what is published: {named}\n" if other else ""
    columns = [["quantity", *map(str, ds["quantity"].values)]]
    for name in _TABLE:
        values = ds[name].values.tolist()
        columns.append([name, *(("-" if x in ("", None) or x != x else shown(x)) for x in values)])
    return label + columns_of_text(columns)


def shown(x: float | str) -> str:
    """A number of a table as text, to four digits.

    Examples
    --------
    >>> shown(0.123456), shown(2), shown("chance")
    ('0.1235', '2', 'chance')
    """
    return x if isinstance(x, str) else f"{x:.4g}"


def columns_of_text(columns: list[list[str]]) -> str:
    """Columns of equal height side by side, two spaces between them."""
    padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
    return "\n".join("  ".join(row).rstrip() for row in zip(*padded, strict=True))


def _describe(path: Path) -> tuple[str, str]:
    """First line and ``Cites:`` keys of a file's docstring; a file that has not changed is read once."""
    stamp = path.stat()
    return _read(path, stamp.st_mtime_ns, stamp.st_size)


@functools.lru_cache(maxsize=1024)
def _read(path: Path, *_: int) -> tuple[str, str]:
    try:
        text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    except SyntaxError as error:
        return f"(cannot be read: {error.msg}, line {error.lineno})", ""
    cites = re.findall(r"^Cites:(.*)$", text, re.M)
    return text.partition("\n")[0], ", ".join(line.strip().strip(".") for line in cites)
