"""Programs: the published models and the analyses, found without importing them and run by name.

A program is a file of ``models/`` or ``analyses/``. The first line of its docstring is its summary, and a line
``Cites: key, key`` names its papers. It defines ``main(quick=False, seed=0) -> Dataset``, ``figure(ds) -> Figure`` and
``caption(ds) -> str``; a Dataset with ``published``, ``obtained`` and ``difference`` along a dim ``quantity`` is
printed as a table.
"""

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from synfwp import analyses, cite, models
from synfwp.checks import lookup, suggest
from synfwp.rules import RULES

if TYPE_CHECKING:
    import xarray as xr

_KINDS = {"model": models, "analysis": analyses}
_TABLE = ("published", "obtained", "difference")


class Program(NamedTuple):
    """A program as found: its kind ("model" or "analysis"), one line about it, its papers, its module and its file."""

    kind: str
    summary: str
    cites: str
    module: str
    path: Path


def list_programs() -> dict[str, Program]:
    """All programs by name, in alphabetical order; their files are read, not imported.

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


def run(name: str, quick: bool = False, seed: int = 0, **settings: Any) -> "xr.Dataset":
    """Run a model or an analysis.

    Parameters
    ----------
    name : str
        As `list_programs` lists them.
    quick : bool
        A smaller size that finishes in seconds.
    seed : int
    **settings
        Further arguments of the program's ``main``.

    Returns
    -------
    xarray.Dataset
        With provenance; what the program itself recorded stands.

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
    known = inspect.signature(module.main).parameters
    unknown = [setting for setting in settings if setting not in known]
    if unknown:
        raise TypeError(f"program {name!r} has no setting {unknown[0]!r}; {suggest(unknown[0], known)}")
    ds = module.main(quick=quick, seed=seed, **settings)

    import xarray as xr

    from synfwp import results

    if not isinstance(ds, xr.Dataset):
        raise TypeError(f"program {name!r} returned a {type(ds).__name__}; main() has to return a Dataset.")
    provenance = results.provenance({"quick": quick, **settings}, seed)
    return ds.assign_attrs({"program": name, **provenance, **ds.attrs})


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
    """The comparison in a result as lines of text; empty if it has none.

    Parameters
    ----------
    ds : xarray.Dataset
        With ``published``, ``obtained`` and ``difference`` along ``quantity``; NaN where nothing is published.

    Examples
    --------
    >>> import xarray as xr
    >>> columns = {"published": 0.595, "obtained": 0.6, "difference": 0.005}
    >>> ds = xr.Dataset({name: ("quantity", [x]) for name, x in columns.items()}, {"quantity": ["accuracy of hebb"]})
    >>> print(table(ds))
    quantity          published  obtained  difference
    accuracy of hebb  0.595      0.6       0.005
    """
    if not {"quantity", *_TABLE} <= set(ds.variables):
        return ""
    numbers = [[f"{x:.4g}" if x == x else "-" for x in ds[name].values.tolist()] for name in _TABLE]
    columns = [[str(label) for label in ds["quantity"].values], *numbers]
    headed = [[head, *column] for head, column in zip(("quantity", *_TABLE), columns, strict=True)]
    return columns_of_text(headed)


def columns_of_text(columns: list[list[str]]) -> str:
    """Columns of equal height side by side, two spaces between them."""
    padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
    return "\n".join("  ".join(row).rstrip() for row in zip(*padded, strict=True))


def _describe(path: Path) -> tuple[str, str]:
    """First line and ``Cites:`` keys of a file's docstring."""
    try:
        text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    except SyntaxError as error:
        return f"(cannot be read: {error.msg}, line {error.lineno})", ""
    cites = re.findall(r"^Cites:(.*)$", text, re.M)
    return text.partition("\n")[0], ", ".join(line.strip().strip(".") for line in cites)
