"""Public recordings on request: from a package that carries them, or from their address, by pooch."""

import hashlib
import importlib.util
from pathlib import Path

from synfwp import checks, results
from synfwp.data.recording import need
from synfwp.data.registry import FILES, File

TIMEOUT = 30.0  # s without an answer


def fetch(name: str, folder: str | Path | None = None) -> Path:
    """The path of a public recording; it is downloaded only here, once, and only if it is the file that it should be.

    A file that an installed package carries (nitime, psifr) is taken from there. Needs the extra for downloads:
    ``pip install "synfwp[data]"``. ``fw.data.FILES[name]`` has citation, licence, sha256, size (bytes) and the name of
    the function that reads it.

    Parameters
    ----------
    name : str
        A name of `synfwp.data.FILES`.
    folder : path or None
        Where it is kept; None: the folder of pooch for this package (``pooch.os_cache("synfwp")``).

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        If no file has this name, or what came is another file; nothing is kept then.
    ConnectionError
        If the address cannot be reached or the download is cut off; nothing is kept then.
    ModuleNotFoundError
        If pooch is not installed, or the package that alone carries the file.
    OSError
        If the folder cannot be written.

    Examples
    --------
    >>> fetch("locust")
    Traceback (most recent call last):
    ...
    ValueError: unknown recording 'locust'; choose one of 'locust_spikes_1', ...
    """
    row = checks.lookup("recording", name, FILES)
    carried = _carried(row)
    if carried is not None:
        return carried
    if not row.url:
        raise ModuleNotFoundError(
            f"{name} comes with a package; install it with: pip install {row.package}", name=row.package.split("=")[0]
        )
    try:
        import pooch
    except ModuleNotFoundError as error:
        raise need("pooch", "fetch") from error
    path = Path(pooch.os_cache("synfwp") if folder is None else folder) / row.file
    if path.is_file() and _is(path, row):
        return path
    results.check_writable(path, force=True)
    _download(name, row, path)
    return path


def _download(name: str, row: File, path: Path) -> None:
    """The file at its address, under a temporary name until it is whole and the right one."""
    import pooch
    from requests.exceptions import RequestException

    downloader = pooch.HTTPDownloader(timeout=TIMEOUT)

    def retrieve(to: Path) -> object:
        return pooch.retrieve(row.url, f"sha256:{row.sha256}", fname=to.name, path=to.parent, downloader=downloader)

    try:
        results.write_atomically(path, retrieve, force=True)
    except RequestException as error:
        raise ConnectionError(
            f"{name} ({row.size / 1e6:.1f} MB) could not be downloaded from {row.url} ({type(error).__name__}), and "
            f"nothing was kept. Try again with a connection, or copy the file to {path} (sha256 {row.sha256})."
        ) from error
    except ValueError as error:
        raise ValueError(
            f"what came from {row.url} is not {name}: it has another sha256 than {row.sha256}, and nothing was kept. A "
            f"proxy may have answered in its place; try again, or copy the file to {path} from elsewhere."
        ) from error


def _carried(row: File) -> Path | None:
    """The file inside an installed package, if it is the same one; the package is not imported."""
    found = importlib.util.find_spec(row.package.split("=")[0]) if row.package else None
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder, *row.inside.split("/"))
        if path.is_file() and _is(path, row):
            return path
    return None


def _is(path: Path, row: File) -> bool:
    """Whether a file is the one of the registry."""
    return path.stat().st_size == row.size and hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256
