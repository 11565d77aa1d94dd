"""Files that are whole or not there, and results as NetCDF4."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from synfwp.results import foreign
from synfwp.results.attributes import check_format
from synfwp.results.schema import check_attributes

Writer = Callable[[Path], object]
PathLike = str | os.PathLike[str]


def check_writable(path: PathLike, force: bool = False) -> Path:
    """The path, if a file can be written there: to be asked before a long run.

    Raises
    ------
    OSError
        FileExistsError if it exists and ``force`` is not set; NotADirectoryError, IsADirectoryError or PermissionError
        if its folder cannot hold it.

    Examples
    --------
    >>> check_writable("capacity.nc").name
    'capacity.nc'
    """
    path = Path(path)
    try:
        path.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise _refused(path, error) from None
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; pass the name of a file in it.")
    if os.path.lexists(path) and not force:
        raise FileExistsError(
            f"{path} exists already; pass force=True (--force) to replace it, or choose another name."
        )
    folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder, so {path} cannot be written; choose another folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} is not writable, so {path} cannot be written; choose another folder.")
    try:  # what permissions do not show: a file system that takes no files, a full one, a name too long
        trial = tempfile.mkdtemp(prefix=".synfwp-", dir=folder)
        try:
            below = Path(trial, *path.absolute().relative_to(folder).parts[:-1])
            below.mkdir(parents=True, exist_ok=True)
            (below / f".{'x' * 12}-{path.name}").write_bytes(b"\0" * 4096)
        finally:
            shutil.rmtree(trial, ignore_errors=True)
    except OSError as error:
        raise _refused(path, error) from None
    return path


def _refused(path: Path, error: OSError) -> OSError:
    """The same kind of error, with the path and the cure."""
    shown = str(path) if len(str(path)) < 200 else f"{str(path)[:80]}..."
    return type(error)(f"{shown} cannot be written ({error.strerror or error}); choose another folder or name.")


def write_atomically(path: PathLike, writer: Writer, force: bool = False) -> Path:
    """Write a file whole or not at all: ``writer(temporary)`` in the same folder, then a rename.

    Parameters
    ----------
    path : path
        Missing parent folders are made.
    writer : callable
        Gets the temporary path, which ends like ``path``.
    force : bool
        Replace an existing file.

    Raises
    ------
    OSError
        As `check_writable`; what the writer raises is passed on, and the old file stays.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(f"{folder}/new/a.txt", lambda path: path.write_text("whole")).read_text()
    'whole'
    """
    return write_together({path: writer}, force)[0]


def write_together(writers: Mapping[Any, Writer], force: bool = False) -> list[Path]:
    """Write several files, each as `write_atomically`; none appears before all have been written.

    Examples
    --------
    >>> write_together({})
    []
    """
    paths = [check_writable(path, force) for path in writers]
    temporaries = [path.with_name(f".{secrets.token_hex(6)}-{path.name}") for path in paths]
    try:
        for path, temporary, writer in zip(paths, temporaries, writers.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            writer(temporary)
        for path, temporary in zip(paths, temporaries, strict=True):
            os.replace(temporary, check_writable(path, force))
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)
    return paths


def save(ds: xr.Dataset, path: PathLike, force: bool = False) -> Path:
    """Write a result as NetCDF4, exactly: values, dtypes, dims, coordinates and attributes come back from `load`.

    Text has no width in a file: it comes back as wide as the longest text of its variable.

    Parameters
    ----------
    ds : xarray.Dataset
        Variables of numbers, truth values or text; attributes of text or numbers (`provenance` makes such).
    path : path
        Missing parent folders are made.
    force : bool
        Replace an existing result.

    Returns
    -------
    pathlib.Path
        Where it was written.

    Raises
    ------
    TypeError
        If ``ds`` is not a Dataset or holds what NetCDF cannot.
    OSError
        As `check_writable`.

    Examples
    --------
    >>> import tempfile
    >>> from synfwp.results import dataset
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load(save(dataset({"loss": ("step", [0.5, 0.1])}), f"{folder}/a.nc")).loss.values.tolist()
    [0.5, 0.1]
    """
    if not isinstance(ds, xr.Dataset):
        raise TypeError(
            f"ds is a {type(ds).__name__}; save keeps Datasets: pass array.to_dataset(name=...) or dataset(...)."
        )
    check_attributes(ds)
    for name, variable in ds.variables.items():
        _check_variable(str(name), variable, getattr(ds.indexes.get(name), "nlevels", 1))
    bare = ds.drop_encoding().copy()
    owners: list[Any] = [bare, *bare.variables.values()]
    for owner in owners:  # a text of NumPy has no type in NetCDF
        owner.attrs = {name: str(x) if isinstance(x, str) else x for name, x in owner.attrs.items()}
    encoding: dict[Any, dict[str, Any]] = {name: {"_FillValue": None} for name in ds.variables}
    return write_atomically(path, lambda to: bare.to_netcdf(to, engine="h5netcdf", encoding=encoding), force)


def load(path: PathLike) -> xr.Dataset:
    """Read a result into memory. Times stay the numbers they are, and nothing in the file is executed.

    Parameters
    ----------
    path : path
        Of a file that `save` wrote, or a NetCDF4 file without groups.

    Returns
    -------
    xarray.Dataset

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a whole NetCDF4 file (the message names what reads it: read_nwb, xarray, numpy), or one of a synfwp
        before 0.1.0, whose names differ.

    Examples
    --------
    >>> load("nowhere.nc")
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere.nc does not exist; pass the path of a result that save() wrote.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} {foreign.folder(path)}")
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; pass the path of a result that save() wrote.")
    foreign.refuse(path)
    try:
        ds = xr.load_dataset(path, engine="h5netcdf", decode_times=False, decode_timedelta=False)
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, EOFError) as error:
        raise ValueError(f"{path} is damaged or not a result of save(): {error}") from error
    for attrs in (ds.attrs, *(variable.attrs for variable in ds.variables.values())):
        attrs.update({name: value.item() for name, value in attrs.items() if isinstance(value, np.generic)})
    if "synfwp_version" in ds.attrs:
        check_format(ds.attrs.get("synfwp_format"), path)
    return ds


def _check_variable(name: str, variable: xr.Variable, levels: int) -> None:
    """A variable holds numbers, truth values or text, which come back exactly."""
    if levels > 1:
        raise TypeError(f"{name} is a MultiIndex, which NetCDF cannot hold; call ds.reset_index({name!r}) first.")
    kind = variable.dtype.kind
    if kind == "O" and all(isinstance(item, str) for item in variable.values.flat):
        kind = "U"
    if kind not in "fiubU":
        raise TypeError(
            f"{name} has dtype {variable.dtype}; pass numbers, truth values or text (complex as two variables)."
        )
    if kind == "U" and any("\0" in str(item) for item in variable.values.flat):
        raise ValueError(f"{name} holds text with a NUL character; pass text without it.")
