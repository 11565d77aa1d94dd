"""Results run again from what their files say of them, and compared bit by bit."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from synfwp import programs
from synfwp.settings import read_all

if TYPE_CHECKING:
    import xarray as xr

_CURES = {
    "run of a circuit": "build the circuit, run it with that seed",
    "trained programmer": "train it with those parameters and that seed",
    "checkpoint of a training": "train it with those parameters and that seed",
    "state of a simulation": "build the circuit, start it with that seed and run it to that step",
    "cell of a run": "run its program, of which it is a part",
    "run as NWB": "build the circuit, run it with that seed",
}


class Recipe(NamedTuple):
    """What a result of a program follows from, as its file has it."""

    program: str
    quick: bool
    seed: int
    settings: Mapping[str, str]
    made: Mapping[str, Any]  # code, package and versions of other packages, as far as the file has them


class Rerun(NamedTuple):
    """A result that was run again: the recipe, the new result, where it first differs, and what else is different."""

    recipe: Recipe
    dataset: "xr.Dataset"
    difference: str | None
    circumstances: Mapping[str, tuple[Any, Any]]

    @property
    def identical(self) -> bool:
        """Whether all is the same, bit by bit."""
        return self.difference is None


def recipe(path: str | Path) -> Recipe:
    """What a result of a program follows from, read from its file.

    Parameters
    ----------
    path : path
        ``NAME.nc`` or ``NAME.json`` of ``synfwp run``, or a result of `synfwp.run` that was saved.

    Returns
    -------
    Recipe

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or what it holds is no result of a program: the message has another way.

    Examples
    --------
    >>> recipe("nowhere.nc")
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere.nc does not exist; pass the path of a file that synfwp wrote.
    """
    from synfwp import results

    found = results.contents(path)
    if found.kind not in ("result of a program", "rows of a program"):
        cure = _CURES.get(found.kind, "run what made it")
        raise ValueError(
            f"{path} is a {found.kind}, whose code no file holds, so it cannot be run from here: {cure}, and compare "
            "with synfwp.results.first_difference(one, other). `synfwp show` prints the parameters and the seed."
        )
    attrs = _attributes(Path(path))
    run = _plain(attrs.get("run", "{}"))
    usual = {"quick": _plain(attrs.get("parameters", "{}")).get("quick", False), "seed": attrs.get("seed", 0)}
    usual |= {"program": attrs["program"], "settings": _settings(attrs)}
    run = usual | run
    if type(run["seed"]) is not int:
        raise ValueError(f"{path} was run with the seed {run['seed']!r}; only a single integer can be given again.")
    made = {name: run[name] for name in ("code",) if name in run} | {"package": attrs.get("package")}
    made |= _plain(attrs.get("dependencies", "{}"))
    settings = {str(name): str(value) for name, value in dict(run["settings"]).items()}
    return Recipe(str(run["program"]), bool(run["quick"]), run["seed"], settings, made)


def rerun(path: str | Path, jobs: int = 1) -> Rerun:
    """Run a result of a program again, from nothing but its file, and compare the two bit by bit.

    Finished parts of earlier runs are not taken.

    Parameters
    ----------
    path : path
        As that of `recipe`.
    jobs : int
        Processes that share the parts of the run.

    Returns
    -------
    Rerun

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        As `recipe`; if there is no such program or setting any more; if the file is damaged.

    Examples
    --------
    >>> rerun("nowhere.nc")
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere.nc does not exist; pass the path of a file that synfwp wrote.
    """
    from synfwp import results

    one = recipe(path)
    known = programs.settings(one.program)
    values: dict[str, Any] = read_all(known, one.settings, f"program {one.program!r}")  # and no other argument of run
    ds = programs.run(one.program, one.quick, one.seed, jobs=jobs, **values)
    if Path(path).suffix == ".json":
        found = results.difference(_page(Path(path))["rows"], json.loads(results.as_page(ds))["rows"], "rows")
        difference = None if found is None else "{} is {!r} and {!r}".format(*found)
    else:
        difference = results.first_difference(results.load(path), ds)
    here = _plain(ds.attrs["run"])
    now = {"code": here["code"], "package": here["package"]} | here["dependencies"]
    changed = {name: (one.made[name], now.get(name)) for name in one.made if one.made[name] != now.get(name)}
    return Rerun(one, ds, difference, changed)


def _attributes(path: Path) -> Mapping[Any, Any]:
    """The provenance in a file."""
    from synfwp import results

    return _page(path) if path.suffix == ".json" else results.load(path).attrs


def _page(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _plain(text: Any) -> dict[str, Any]:
    """A mapping that stands as JSON in an attribute."""
    try:
        found = json.loads(str(text))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"the provenance is damaged: {str(text)[:80]!r} is no mapping in JSON.")
    return found


def _settings(attrs: Mapping[Any, Any]) -> dict[str, str]:
    """The settings of a file that has no attribute ``run``: from ``settings``, or from the command of its rows."""
    found = {str(name): str(value) for name, value in _plain(attrs.get("settings", "{}")).items()}
    words = str(attrs.get("command", "")).split(" --")
    given = [word.removeprefix("set ").partition("=") for word in words if word.startswith("set ")]
    return found or {name: value for name, _, value in given}
