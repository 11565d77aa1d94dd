"""Files that are whole or not there: the one way in which this package writes.

A file is written under a temporary name in its own folder, brought to the disk, and renamed. What ends a process, fills
the disk or denies a folder in the meantime leaves the previous file as it was.
"""

import contextlib
import errno
import functools
import os
import platform
import re
import secrets
import shutil
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Writer = Callable[[Path], object]
PathLike = str | os.PathLike[str]
_DISK = (errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC))
OLD = 3600.0  # s, after which what a process left that has ended is removed
_NODE = f"{zlib.crc32(platform.node().encode()):08x}"
_LEFT = re.compile(rf"\.synfwp-{_NODE}-(\d+)-[0-9a-f]{{6}}-.*", re.S)


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
    _check_free(path, force)
    folder = next(parent for parent in path.absolute().parents if os.path.lexists(parent))
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder, so {path} cannot be written; choose another folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"{folder} is not writable, so {path} cannot be written; choose another folder.")
    try:  # what permissions do not show: a file system that takes no files, a full one, a name too long
        trial = _beside(folder / "trial")
        trial.mkdir()
        try:
            below = trial.joinpath(*path.absolute().relative_to(folder).parts[:-1])
            below.mkdir(parents=True, exist_ok=True)
            _beside(below / path.name).write_bytes(b"\0" * 4096)
        finally:
            shutil.rmtree(trial, ignore_errors=True)
    except OSError as error:
        raise _refused(path, error) from None
    return path


def _check_free(path: Path, force: bool) -> None:
    """A name that a file may have: nothing is there, or a file that may be replaced."""
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


def write_text(path: PathLike, text: str, force: bool = False) -> Path:
    """Write a text, in UTF-8 and with plain line ends, as `write_atomically` does.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_text(f"{folder}/a.txt", "whole").read_text()
    'whole'
    """
    return write_atomically(path, text_writer(text), force)


def text_writer(text: str) -> Writer:
    """What writes a text, for `write_together`.

    Examples
    --------
    >>> callable(text_writer("whole"))
    True
    """
    return lambda temporary: temporary.write_text(text, "utf-8", newline="\n")


def write_together(writers: Mapping[Any, Writer], force: bool = False) -> list[Path]:
    """Write several files, each as `write_atomically`; none appears before all have been written.

    Examples
    --------
    >>> write_together({})
    []
    """
    pending = [Pending(path, force) for path in writers]
    try:
        for one, writer in zip(pending, writers.values(), strict=True):
            with one.told():
                writer(one.begin())
                one.flush()
        return [one.commit() for one in pending]
    finally:
        for one in pending:
            one.discard()


class Pending:
    """A file under its temporary name, until `commit` gives it its own or `discard` removes it.

    Parameters
    ----------
    path : path
    force : bool
        Replace an existing file.

    Raises
    ------
    OSError
        As `check_writable`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     one = Pending(f"{folder}/a.txt")
    ...     _ = one.begin().write_text("whole")
    ...     one.path.exists(), one.commit().read_text()
    (False, 'whole')
    """

    def __init__(self, path: PathLike, force: bool = False) -> None:
        self.path, self.force = check_writable(path, force), force
        self.temporary = _beside(self.path)

    def begin(self) -> Path:
        """The temporary path, in a folder that is there; what ended processes left in it long ago is removed."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        _tidy(self.path.parent.absolute())
        return self.temporary

    def flush(self) -> None:
        """Bring what was written to the disk; a full one may show only here."""
        _sync(self.temporary, os.O_RDWR)

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """An error that the disk raises names the file, and what became of the one before."""
        try:
            yield
        except OSError as error:
            if error.errno is None or error.errno not in _DISK:
                raise
            raise OSError(
                error.errno,
                f"{os.strerror(error.errno)}: {self.path} was not written, and what was there before is as it was; "
                "make room, or choose another folder",
            ) from error

    def commit(self) -> Path:
        """Give the file its name, in one step: who opens it finds the old file or the new one, whole."""
        _check_free(self.path, self.force)
        os.replace(self.temporary, self.path)
        if os.name == "posix":
            _sync(self.path.parent, os.O_RDONLY)
        return self.path

    def discard(self) -> None:
        """Remove what was not committed."""
        self.temporary.unlink(missing_ok=True)


def inside(folder: PathLike, name: str) -> Path | None:
    """The path that a file names, if it lies in a folder; None if it leads out of it, by ``..``, a root or a link.

    Examples
    --------
    >>> inside("results", "song2000.nc").name, inside("results", "../secret"), inside("results", "/etc/passwd")
    ('song2000.nc', None, None)
    """
    if "\0" in name:
        return None
    path = Path(folder, name)
    return path if path.resolve().is_relative_to(Path(folder).resolve()) else None


def _beside(path: Path) -> Path:
    """A temporary name in the same folder, which tells the process that it belongs to."""
    return path.with_name(f".synfwp-{_NODE}-{os.getpid()}-{secrets.token_hex(3)}-{path.name}")


def _sync(path: Path, how: int) -> None:
    """Wait until a file, or the names in a folder, are on the disk, where the file system can tell."""
    place = os.open(path, how)
    try:
        os.fsync(place)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EROFS):
            raise
    finally:
        os.close(place)


@functools.cache
def _tidy(folder: Path) -> None:
    """Remove, once in a process, what processes of this machine left in a folder when they were killed."""
    if os.name != "posix":
        return  # nothing tells there whether a process has ended, without ending it
    for path in folder.glob(".synfwp-*"):
        found = _LEFT.fullmatch(path.name)
        try:
            if found and time.time() - path.lstat().st_mtime > OLD and not _alive(int(found[1])):
                path.unlink() if not path.is_dir() else shutil.rmtree(path)
        except OSError:
            continue  # somebody else's


def _alive(process: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
