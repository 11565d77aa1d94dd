"""Cells: the parts of a long run, one for each condition and seed, each kept as it ends and not run again.

A cell is a call of one function. Its key is made of the function's code (with all of its module that it uses), of the
condition, and of those settings that this code reads; so another condition, another number of seeds or another figure
leaves finished cells as they are.
"""

import ast
import contextlib
import functools
import hashlib
import inspect
import itertools
import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from tqdm import tqdm

import synfwp
from synfwp import checks, workers
from synfwp.results.attributes import FORMAT, as_json, check_format
from synfwp.results.schema import dataset
from synfwp.results.writing import write_text

Function = Callable[..., Any]
_SHOWS = ("models", "analyses", "plot", "cli.py", "figures.py", "sheet.py", "scorecard.py")  # no number depends on it
_WHOLE = {"_asdict", "_fields", "_replace"}  # who reads these reads every field


@dataclass
class Keeping:
    """Where cells are kept, by how many processes they run, and what became of them."""

    folder: Path | None = None
    jobs: int = 1
    again: bool = False
    inside: float = 0.0  # seconds of this process in `cells`
    seconds: float = 0.0  # seconds that all cells took, when they were run
    made: int = 0
    found: int = 0
    others: set[str] = field(default_factory=set)  # states of the package that kept cells come from


_KEEPING: ContextVar[Keeping | None] = ContextVar("keeping", default=None)


@contextlib.contextmanager
def kept_cells(folder: Any = None, jobs: int = 1, again: bool = False) -> Iterator[Keeping]:
    """Within the block, `cells` keeps what it runs in ``folder``, and takes from there what has run before.

    Parameters
    ----------
    folder : path, optional
        None keeps nothing.
    jobs : int
        Processes that share the cells; each uses one thread where there are several.
    again : bool
        Run the cells that are kept once more.

    Yields
    ------
    Keeping
        With the seconds of all cells, and how many were ``made`` and ``found``.

    Examples
    --------
    >>> with kept_cells() as kept:
    ...     kept.made
    0
    """
    kept = Keeping(None if folder is None else Path(folder), checks.count("jobs", jobs), again)
    token = _KEEPING.set(kept)
    try:
        yield kept
    finally:
        _KEEPING.reset(token)


def cells(function: Function, grid: Mapping[str, Sequence[Any]], **fixed: Any) -> xr.Dataset:
    """Call a function for every point of a grid, and put the results together along its dims.

    Parameters
    ----------
    function : callable
        Takes the names of ``grid`` and of ``fixed``; returns a Dataset, or a mapping as `results.dataset` takes it. It
        stands in a module, so that its code is known, where cells are kept or run by several processes.
    grid : mapping of name to sequence
        Conditions and seeds, in the order of the dims of the result.
    **fixed
        The same for all cells: sizes and settings. Of a NamedTuple only those fields count that the code reads.

    Returns
    -------
    xarray.Dataset
        Its variables with the dims of ``grid`` in front. Where cells differ in length along another dim, the shorter
        ones end in NaN.

    Raises
    ------
    ValueError, TypeError
        If the grid is empty, or the function cannot be found again by its name.

    Examples
    --------
    >>> def cell(gain, seed):
    ...     return {"recall": ((), gain * seed, {"units": "1", "long_name": "recall"})}
    >>> cells(cell, {"gain": [0.5, 2.0], "seed": [1, 2, 3]}).recall.values.tolist()
    [[0.5, 1.0, 1.5], [2.0, 4.0, 6.0]]
    """
    start, kept = time.perf_counter(), _KEEPING.get() or Keeping()
    labels = {name: list(values) for name, values in grid.items()}
    if not labels or not all(labels.values()):
        raise ValueError(f"grid is {checks.short(labels)}; pass at least one dim, each with at least one entry.")
    points = [dict(zip(labels, point, strict=True)) for point in itertools.product(*labels.values())]
    found: dict[int, xr.Dataset] = {}
    if kept.folder is not None or kept.jobs > 1:
        _check_importable(function)
    paths = [_path(kept.folder, function, point, fixed) for point in points] if kept.folder else [None] * len(points)
    for i, path in enumerate(paths):
        if path is not None and path.exists() and not kept.again:
            found[i] = _read(path, kept)
    missing = [i for i in range(len(points)) if i not in found]
    for i, made, seconds in _made(function, [points[i] for i in missing], fixed, kept.jobs):
        found[missing[i]] = made
        kept.seconds, kept.made = kept.seconds + seconds, kept.made + 1
        path = paths[missing[i]]
        if path is not None:
            _write(path, made, points[missing[i]], seconds)
    kept.inside += time.perf_counter() - start
    return _joined([_labelled(found[i]) for i in range(len(points))], labels)


def _made(function: Function, points: Sequence[Mapping[str, Any]], fixed: Any, jobs: int) -> Iterator[Any]:
    """Index, result and seconds of each cell, as it ends."""
    dims = " x ".join(points[0]) if points else ""
    with tqdm(total=len(points), desc=dims, unit="cell", disable=None if points else True, leave=False) as bar:
        if jobs == 1 or len(points) < 2:
            for i, point in enumerate(points):
                bar.set_postfix_str(", ".join(f"{name} {value}" for name, value in point.items()))
                yield (i, *_timed(function, point, fixed))
                bar.update()
            return
        task = functools.partial(_numbered, function, dict(fixed))
        for (i, point), ended in workers.as_completed(task, enumerate(points), "processes", min(jobs, len(points))):
            if isinstance(ended, workers.Lost):
                raise RuntimeError(f"the cell {dict(point)} did not end: {ended.reason}")
            yield (i, *ended)
            bar.update()


def _numbered(function: Function, fixed: Mapping[str, Any], item: tuple[int, Mapping[str, Any]]) -> Any:
    return _timed(function, item[1], fixed)


def _timed(function: Function, point: Mapping[str, Any], fixed: Mapping[str, Any]) -> tuple[xr.Dataset, float]:
    start = time.perf_counter()
    made = function(**fixed, **point)
    return made if isinstance(made, xr.Dataset) else dataset(made), time.perf_counter() - start


def _joined(found: list[xr.Dataset], labels: Mapping[str, list[Any]]) -> xr.Dataset:
    """Cells in the order of the grid, its last dim joined first."""
    for name, values in reversed(list(labels.items())):
        groups = [found[i : i + len(values)] for i in range(0, len(found), len(values))]
        index = xr.DataArray(np.array(values), dims=name, name=name)
        found = [
            xr.concat(group, dim=index, join="outer", coords="minimal", compat="override", combine_attrs="override")
            for group in groups
        ]
    return found[0]


def _labelled(ds: xr.Dataset) -> xr.Dataset:
    """Dims without labels are counted, so that cells of different lengths can be joined."""
    return ds.assign_coords({dim: np.arange(size) for dim, size in ds.sizes.items() if dim not in ds.coords})


# files ----------------------------------------------------------------------------------------------------------------


def _path(folder: Path, function: Function, point: Mapping[str, Any], fixed: Mapping[str, Any]) -> Path:
    """The file of a cell: its condition in words, and the hash of its key."""
    code, read = _code(function)
    settings = {name: _read_fields(value, read) for name, value in fixed.items()}
    key = as_json("cell", {"code": code, "point": dict(point), "settings": settings})
    words = re.sub(r"[^\w.=+-]+", "_", "-".join(f"{name}={value}" for name, value in point.items()))[:100]
    return folder / f"{words}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.json"


def _read_fields(value: Any, read: set[str]) -> Any:
    fields = getattr(value, "_fields", None)
    if fields is None or read & _WHOLE:
        return value
    return {name: getattr(value, name) for name in fields if name in read}


def _write(path: Path, ds: xr.Dataset, point: Mapping[str, Any], seconds: float) -> None:
    """One cell as JSON, whole or not there."""
    entry = {"synfwp_format": FORMAT, "point": as_json("point", dict(point)), "seconds": round(seconds, 3)}
    entry |= {"package": package(), "dtypes": {str(name): x.dtype.str for name, x in ds.variables.items()}}
    text = json.dumps(entry | {"cell": ds.to_dict()}, default=_number)
    write_text(path, text, force=True)


def _number(x: Any) -> Any:
    """NumPy's numbers, which a Dataset keeps in attributes."""
    if isinstance(x, np.generic | np.ndarray):
        return x.tolist()
    raise TypeError(f"a cell holds a {type(x).__name__}, which no file takes; return numbers and text.")


def _read(path: Path, kept: Keeping) -> xr.Dataset:
    """One cell that ran before."""
    try:
        entry = json.loads(path.read_text("utf-8"))
        if "synfwp_format" in entry:  # cells had none at first; they are the same otherwise, but for dtypes
            check_format(entry["synfwp_format"], path)
        found = xr.Dataset.from_dict(entry["cell"])
        for name, dtype in entry.get("dtypes", {}).items():
            found[name] = found[name].astype(np.dtype(dtype))
        kept.seconds, kept.found = kept.seconds + float(entry["seconds"]), kept.found + 1
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no cell that synfwp has kept ({error}); delete it to have it run again.") from None
    if entry["package"] != package():
        kept.others.add(entry["package"])
    return found


@functools.cache
def package() -> str:
    """The version of the package and a hash of its code, without its programs and what only shows results.

    Examples
    --------
    >>> package().startswith(synfwp.__version__)
    True
    """
    found, root = hashlib.sha256(), Path(synfwp.__file__).parent
    for path in sorted(root.rglob("*.py")):
        if path.relative_to(root).parts[0] not in _SHOWS:
            found.update(path.read_bytes())
    return f"{synfwp.__version__}+{found.hexdigest()[:8]}"


# code -----------------------------------------------------------------------------------------------------------------


def _check_importable(function: Function) -> None:
    """A function that another process, or another day, finds again."""
    module = sys.modules.get(getattr(function, "__module__", ""))
    name = getattr(function, "__qualname__", "")
    if module is None or module.__name__ == "__main__" or getattr(module, name, None) is not function:
        raise TypeError(
            f"{name or function!r} is no function of a module, so its cells cannot be kept or shared by processes; "
            "define it in a file that is imported."
        )


def code_of(function: Function) -> str:
    """A hash of a function's code, with all of its module that it uses, and programs that this imports by ``from``.

    Comments and docstrings do not count.

    Examples
    --------
    >>> len(code_of(code_of))
    16
    """
    return _code(function)[0]


def _code(function: Function) -> tuple[str, set[str]]:
    """Hash of a function's code with all of its module that it uses, and the names of attributes that occur in it."""
    return _code_of(function.__module__, function.__qualname__)


@functools.cache
def _code_of(module: str, function: str) -> tuple[str, set[str]]:
    parts = _parts(ast.parse(inspect.getsource(sys.modules[module])))
    used: dict[str, str] = {}
    read: set[str] = set()
    queue = [function]
    while queue:
        name = queue.pop()
        if name in used or name not in parts:
            continue
        nodes = [node for part in parts[name] for node in ast.walk(part)]
        used[name] = "\n".join([*map(_plain_code, parts[name]), *_programs(parts[name])])
        read |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        queue += [node.id for node in nodes if isinstance(node, ast.Name)]
    text = "\n".join(used[name] for name in sorted(used))
    return hashlib.sha256(text.encode()).hexdigest()[:16], read


def _programs(nodes: Sequence[ast.stmt]) -> Iterator[str]:
    """The code of other programs that are imported; that of the package is not counted."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module in ("synfwp.models", "synfwp.analyses"):
            for alias in node.names:
                yield _plain_code(ast.parse(inspect.getsource(sys.modules[f"{node.module}.{alias.name}"])))


def _parts(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    """The statements of a module by the names that they bind; fields of a NamedTuple are settings, and no code."""
    found: dict[str, list[ast.stmt]] = {}
    for node in tree.body:
        names: list[str] = []
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
            if isinstance(node, ast.ClassDef) and any(getattr(base, "id", "") == "NamedTuple" for base in node.bases):
                node.body = [x for x in node.body if not isinstance(x, ast.AnnAssign)] or [ast.Pass()]
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
        for name in names:
            found.setdefault(name, []).append(node)
    return found


def _plain_code(node: ast.AST) -> str:
    """Source without comments and docstrings."""
    for inner in ast.walk(node):
        body = getattr(inner, "body", None)
        if isinstance(body, list) and body and isinstance(inner, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                inner.body = body[1:] or [ast.Pass()]  # type: ignore[union-attr]
    return ast.unparse(node)
