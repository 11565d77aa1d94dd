"""Files of other programs: what they are, and what reads them."""

import os
from pathlib import Path
from typing import Any

from synfwp.results.writing import inside

_OURS = "pass the path of a result that save() wrote."
_HDF5 = b"\x89HDF\r\n\x1a\n"
_STARTS = {
    b"CDF\x01": ("a NetCDF3 file", "xarray.open_dataset(path, engine='scipy')"),
    b"CDF\x02": ("a NetCDF3 file", "xarray.open_dataset(path, engine='scipy')"),
    b"CDF\x05": ("a NetCDF3 file (64 bit)", "xarray.open_dataset(path, engine='netcdf4')"),
    b"PK": ("a zip archive, such as NumPy's npz", "numpy.load(path), or Circuit.restore(path) for Simulation.save"),
    b"\x93NUMPY": ("an array of NumPy", "numpy.load(path)"),
    b"MATLAB": ("a file of MATLAB", "scipy.io.loadmat(path)"),
    b"\x80": ("a pickle or another binary file", "the program that wrote it"),
}


def folder(path: Path) -> str:
    """What a folder is, and what reads it: the end of a sentence."""
    if any((path / name).exists() for name in (".zgroup", ".zattrs", ".zarray", ".zmetadata", "zarr.json")):
        return "is a Zarr store, which xarray.open_zarr(path) reads; " + _OURS
    return "is a folder; " + _OURS


def refuse(path: Path) -> None:
    """Refuse a file that is no NetCDF4 file, or one whose content is in groups.

    Raises
    ------
    ValueError
        Naming what it is and what reads it.
    """
    with path.open("rb") as file:
        start = file.read(512)
    if not start:
        raise ValueError(f"{path} is empty; {_OURS}")
    if not start.startswith(_HDF5):
        for begin, (what, reader) in _STARTS.items():
            if start.startswith(begin):
                raise ValueError(f"{path} is {what}, which {reader} reads; {_OURS}")
        text = b"\0" not in start and _is_text(start)
        what = "not a NetCDF4 file but a text file" if text else "not a NetCDF4 file"
        raise ValueError(f"{path} is {what}; {_OURS}")
    found = _hdf5(path)
    if found:
        raise ValueError(f"{path} {found}; {_OURS}")


def check_links(path: Path, file: Any) -> None:
    """Refuse an HDF5 file that takes numbers from files outside its folder: by links, raw or virtual datasets.

    Parameters
    ----------
    path : path
    file : h5py.File
        The same, open. Nothing that it points to is opened.

    Raises
    ------
    ValueError
        Naming the array or group, and where it leads.
    """
    import h5py

    seen, groups = set[Any](), [("", file)]
    while groups:
        above, group = groups.pop()
        if group.id in seen:
            continue  # a circle of links
        seen.add(group.id)
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                _check_place(path, f"{above}/{name}", link.filename)
                continue
            if isinstance(link, h5py.SoftLink):
                continue  # to a place in the same file, which is met under its own name
            one = group[name]
            if isinstance(one, h5py.Group):
                groups.append((f"{above}/{name}", one))
            elif isinstance(one, h5py.Dataset):
                places = [os.fsdecode(part[0]) for part in one.external or ()]
                places += [source.file_name for source in one.virtual_sources()] if one.is_virtual else []
                for place in places:
                    _check_place(path, f"{above}/{name}", place)


def _check_place(path: Path, name: str, to: str) -> None:
    """A file that another one names lies in the same folder or below it."""
    if to != "." and inside(path.parent, to) is None:
        raise ValueError(
            f"{path}: {name} leads to {to!r}, outside the folder of the file, and is not followed; copy what it leads "
            "to beside the file, or read it with h5py.File if you trust it."
        )


def _is_text(start: bytes) -> bool:
    """Whether the start of a file is UTF-8, which may be cut in a letter."""
    try:
        start.decode()
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4 and error.reason == "unexpected end of data"
    return True


def _hdf5(path: Path) -> str:
    """What an HDF5 file is that a Dataset cannot hold; nothing if one can."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            check_links(path, file)
            if "nwb_version" in file.attrs:
                return "is an NWB file, which synfwp.read_nwb(path) reads"
            groups = [name for name in file if file.get(name, getclass=True) is h5py.Group]
            if groups:
                names = ", ".join(map(repr, groups[:3])) + (", ..." if len(groups) > 3 else "")
                return f"holds groups ({names}), which xarray.open_datatree(path) or h5py.File(path) reads"
            loose = [name for name, one in file.items() if not _labelled(one)]
            if loose:
                return f"holds {loose[0]!r} without named dims, so it is no NetCDF file; h5py.File(path) reads it"
    except (OSError, RuntimeError, KeyError) as error:
        return f"is damaged or not a result of save(): {error}"
    return ""


def _labelled(one: Any) -> bool:
    """Whether a variable of an HDF5 file has a dim for each axis."""
    scale = one.attrs.get("CLASS") in (b"DIMENSION_SCALE", "DIMENSION_SCALE")
    return scale or one.ndim == 0 or "DIMENSION_LIST" in one.attrs
