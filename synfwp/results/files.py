"""Results as NetCDF4."""

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from synfwp.results import foreign
from synfwp.results.attributes import FORMAT, check_format
from synfwp.results.hdf5 import guarded
from synfwp.results.schema import check_attributes
from synfwp.results.writing import PathLike, write_atomically

FILE_FORMAT = "synfwp_file_format"  # of a file whose Dataset has no provenance; `load` takes it off again


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
    if "synfwp_format" not in bare.attrs:
        bare.attrs[FILE_FORMAT] = FORMAT
    return write_atomically(path, lambda to: _write(bare, to), force)


def _write(ds: xr.Dataset, to: Path) -> None:
    """Write a Dataset through `guarded`."""
    import h5netcdf

    with guarded(to) as raw, h5netcdf.File(raw, "w") as file:
        dump(ds, file)


def dump(ds: xr.Dataset, file: Any) -> None:
    """Write a Dataset into an open `h5netcdf.File`, as `Dataset.to_netcdf` does for a path.

    Examples
    --------
    >>> import h5netcdf, io
    >>> with h5netcdf.File(io.BytesIO(), "w") as file:
    ...     dump(xr.Dataset({"loss": ("step", [0.5, 0.1])}), file)
    ...     list(file.variables)
    ['loss']
    """
    from xarray.backends import H5NetCDFStore
    from xarray.backends.common import ArrayWriter

    writer = ArrayWriter()
    encoding = {name: {"_FillValue": None} for name in ds.variables}
    ds.dump_to_store(H5NetCDFStore(file), writer=writer, encoding=encoding)
    writer.sync()  # arrays of dask are computed now


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
    if FILE_FORMAT in ds.attrs:
        check_format(ds.attrs.pop(FILE_FORMAT), path)
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
