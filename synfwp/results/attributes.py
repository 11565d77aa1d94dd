"""Provenance: what is needed to run a result again, as attributes that NetCDF takes."""

import functools
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

import synfwp
from synfwp.results.identity import plain

FORMAT = 1  # of every file; names in files that change make a new one
DEPENDENCIES = ("numpy", "scipy", "numba", "xarray", "h5netcdf", "matplotlib", "autograd", "brian2")


def provenance(parameters: Mapping[str, Any], seed: Any, rule: Any = None) -> dict[str, str | int]:
    """What is needed to run a result again, as attributes of a Dataset.

    Parameters
    ----------
    parameters : mapping
        Dataclasses, functions, arrays, paths and nested mappings are welcome; they become one JSON string. Functions
        and classes of your own are written with a hash of their code and with what it sees; arrays of more than 1000
        entries as a hash.
    seed : int, range, SeedSequence or Generator
        An int stays an int; anything else becomes JSON.
    rule : Rule or str, optional
        The update rule, kept by its name.

    Returns
    -------
    dict
        synfwp_version, synfwp_format, git_commit (only in a git checkout; ``-dirty`` if it has changes), rule,
        parameters, seed, dependencies (JSON) and created (UTC).

    Raises
    ------
    TypeError
        If a parameter has no plain form.

    Examples
    --------
    >>> provenance({"tau": 20.0, "peak": 100.0}, seed=0, rule="delta")["parameters"]
    '{"peak": 100.0, "tau": 20.0}'
    """
    commit = _own_commit()
    plain_seed = plain("seed", seed)
    small = type(plain_seed) is int and plain_seed < 2**63  # what NetCDF can hold
    return {
        "synfwp_version": synfwp.__version__,
        "synfwp_format": FORMAT,
        **({"git_commit": commit} if commit else {}),
        **({"rule": str(getattr(rule, "name", rule))} if rule is not None else {}),
        "parameters": as_json("parameters", parameters),
        "seed": plain_seed if small else json.dumps(plain_seed),
        "dependencies": json.dumps(_versions()),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def as_json(name: str, value: Any) -> str:
    """JSON of parameters, as `provenance` keeps it; numbers that are not finite become text, since JSON has none.

    Raises
    ------
    TypeError
        If a part of ``value`` has no plain form.

    Examples
    --------
    >>> as_json("bounds", {"w_min": 0.0, "w_max": np.inf})
    '{"w_max": "inf", "w_min": 0.0}'
    """
    return json.dumps(plain(name, value), sort_keys=True)


def check_format(found: Any, path: Any) -> None:
    """Refuse a file of synfwp that has other names than the files of today.

    Parameters
    ----------
    found : int or None
        The number of its format; files from before 0.1.0 have none.
    path : path
        The file, for the message.

    Raises
    ------
    ValueError
        If the format is not `FORMAT`.

    Examples
    --------
    >>> check_format(None, "old.nc")
    Traceback (most recent call last):
    ...
    ValueError: old.nc was written by a synfwp before 0.1.0, whose names differ (see CHANGELOG, ...
    """
    if found == FORMAT:
        return
    if isinstance(found, int | np.integer) and found > FORMAT:
        raise ValueError(f"{path} has format {found} of a newer synfwp, this one reads format {FORMAT}; update synfwp.")
    raise ValueError(
        f"{path} was written by a synfwp before 0.1.0, whose names differ (see CHANGELOG, 'Old and new names'); "
        "run it again."
    )


@functools.cache
def _versions() -> dict[str, str]:
    """Versions of Python and of the dependencies; read once in a process, which takes 0.1 s."""
    versions = {"python": platform.python_version()}
    for name in DEPENDENCIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # an absent package had no part in the result
    return versions


@functools.cache
def _own_commit() -> str | None:
    """Commit of what this process runs: its code is read once, and git takes 0.01 s to tell."""
    return _git_commit(Path(synfwp.__file__).resolve().parents[1])


def _git_commit(root: Path) -> str | None:
    """Commit of the checkout at ``root``, None if there is none or git gives none."""
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}  # a hook's own repository
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True, env=env).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None  # a result is worth keeping without its commit
