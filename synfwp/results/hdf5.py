"""HDF5 files that are written through a file of Python, so that a full disk is an error and no crash.

HDF5 keeps what it could not write and tries once more whenever the file is touched, at last when the process ends,
which it then ends by a segmentation fault. `Guarded` takes every write; those that the disk refuses stay in memory, so
that HDF5 can close its file, and the error is raised afterwards.
"""

import contextlib
import io
import os
from collections.abc import Iterator
from typing import Any

from synfwp.results.writing import PathLike


class Guarded(io.FileIO):
    """A file that keeps in memory what the disk refuses.

    Parameters
    ----------
    path : path

    Attributes
    ----------
    error : None or OSError
        The first that the disk raised.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Guarded(f"{folder}/a.h5") as file:
    ...     file.write(b"whole"), file.error
    (5, None)
    """

    def __init__(self, path: PathLike) -> None:
        super().__init__(path, "w+b")
        self.error: OSError | None = None
        self.refused: dict[int, bytes] = {}
        self.size = 0

    def write(self, data: Any) -> int:
        """Write all of the bytes, or keep them."""
        view, at = memoryview(data).cast("B"), self.tell()
        done = 0
        try:
            while done < len(view) and self.error is None:
                done += super().write(view[done:]) or 0
        except OSError as error:
            self.error = error
        if done < len(view):
            self.refused[at + done] = bytes(view[done:])
        self.size = max(self.size, at + len(view))
        self.seek(at + len(view))
        return len(view)

    def readinto(self, buffer: Any) -> int:
        """Read what was written, or kept."""
        view, at = memoryview(buffer).cast("B"), self.tell()
        got = super().readinto(view) or 0
        if self.error is None:
            return got
        view[got:] = bytes(len(view) - got)
        for start, data in self.refused.items():
            first, last = max(start, at), min(start + len(data), at + len(view))
            if first < last:
                view[first - at : last - at] = data[first - start : last - start]
        self.seek(at + len(view))
        return len(view)

    def seek(self, position: int, whence: int = os.SEEK_SET) -> int:
        """As of any file; its end is that of what was written or kept."""
        if whence == os.SEEK_END and self.error is not None:
            return super().seek(self.size + position)
        return super().seek(position, whence)

    def truncate(self, size: int | None = None) -> int:
        """Cut or extend."""
        size = self.tell() if size is None else size
        self.size = size
        try:
            super().truncate(size)
        except OSError as error:
            self.error = self.error or error
        return size


@contextlib.contextmanager
def guarded(path: PathLike) -> Iterator[Guarded]:
    """A file for `h5py.File` or `h5netcdf.File`, which are closed within the block; what the disk refused is raised.

    Yields
    ------
    Guarded

    Raises
    ------
    OSError
        The first that the disk raised.

    Examples
    --------
    >>> import h5py, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with guarded(f"{folder}/a.h5") as raw, h5py.File(raw, "w") as file:
    ...         file["x"] = [1.0, 2.0]
    ...     h5py.File(f"{folder}/a.h5")["x"][1]
    np.float64(2.0)
    """
    with Guarded(path) as raw:
        try:
            yield raw
        finally:
            error = raw.error
    if error is not None:
        raise error
